package train

import (
	"bufio"
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

// eachRow reads a mix's file and calls f with each row.
func eachRow(path string, f func(mix.Row) error) (err error) {
	defer errs.Wrap(&err, "%s", path)
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	br := bufio.NewReaderSize(file, 1<<20)
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
			return nil
		} else if err != nil {
			return err
		}
	}
}

// rowsFile streams a mix's rows into the shape of one engine.
func rowsFile(name, from string, shape func(mix.Row) any) File {
	return File{name, func(w io.Writer) error {
		bw := bufio.NewWriterSize(w, 1<<20)
		enc := json.NewEncoder(bw)
		enc.SetEscapeHTML(false)
		if err := eachRow(from, func(r mix.Row) error { return enc.Encode(shape(r)) }); err != nil {
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
