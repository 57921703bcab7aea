package train

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/mix"
)

// checkRow says whether an engine can learn a row: user and assistant by turns, the system before them, an
// answer at the end. Engines drop other rows without a word, and the run has fewer.
func checkRow(r mix.Row) error {
	turns := r.Messages
	if len(turns) > 0 && turns[0].Role == "system" {
		turns = turns[1:]
	}
	if len(turns) == 0 || len(turns)%2 != 0 {
		return errs.Invalidf("row %s has %d turns; it needs a question and an answer each", r.ID, len(turns))
	}
	for i, m := range turns {
		if want := []string{"user", "assistant"}[i%2]; m.Role != want {
			return errs.Invalidf("row %s: turn %d is of %q and should be of %s", r.ID, i+1, m.Role, want)
		}
		if strings.TrimSpace(m.Content) == "" {
			return errs.Invalidf("row %s: turn %d is empty", r.ID, i+1)
		}
	}
	return nil
}

// spoken puts a thought that stands in a field of its own before the answer, as the models' own templates
// write it: that way the same tokens are learnt with every engine.
func spoken(r mix.Row) []mix.Message {
	out := make([]mix.Message, len(r.Messages))
	for i, m := range r.Messages {
		if m.Reasoning != "" {
			m.Content, m.Reasoning = "<think>\n"+m.Reasoning+"\n</think>\n\n"+m.Content, ""
		}
		out[i] = m
	}
	return out
}

// eachRow reads a configuration's file and calls f with each row. It ends with an error where the file is
// not the one that the manifest tells of: a run must not say that it was trained on something else.
func eachRow(path string, c mix.Configuration, f func(mix.Row) error) (err error) {
	defer errs.Wrap(&err, "%s", path)
	file, err := os.Open(path)
	if err != nil {
		return errs.Invalidf("%w; make the mix anew", err)
	}
	defer file.Close()
	hash := sha256.New()
	br := bufio.NewReaderSize(io.TeeReader(file, hash), 1<<20)
	for n := 1; ; n++ {
		line, err := br.ReadBytes('\n')
		if len(line) > 0 {
			var r mix.Row
			if err := json.Unmarshal(line, &r); err != nil {
				return errs.Invalidf("line %d: %w; make the mix anew", n, err)
			}
			if err := checkRow(r); err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
			if err := f(r); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != c.Hash {
		return errs.Invalidf("its rows were changed since the mix was made (SHA-256 %s, the manifest has %s); make the mix anew", got, c.Hash)
	}
	return nil
}

// rowsFile streams the mix's rows into the shape of one engine.
func (pl plan) rowsFile(shape func(mix.Row) any) File {
	return File{rowsName, func(w io.Writer) error {
		bw := bufio.NewWriterSize(w, 1<<20)
		enc := json.NewEncoder(bw)
		enc.SetEscapeHTML(false)
		if err := eachRow(pl.rows(), pl.mix, func(r mix.Row) error { return enc.Encode(shape(r)) }); err != nil {
			return err
		}
		return bw.Flush()
	}}
}

// textFile is a small file.
func textFile(name, text string) File {
	return File{name, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}}
}
