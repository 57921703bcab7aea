package train

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/mix"
	"coigwriter/internal/record"
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
		out[i] = mix.Message{Role: m.Role, Content: record.WithThought(m.Reasoning, m.Content)}
	}
	return out
}

// rowsFile streams the mix's rows into the shape of one engine.
func (pl plan) rowsFile(shape func(mix.Row) any) File {
	return File{rowsName, func(ctx context.Context, w io.Writer) error {
		bw := bufio.NewWriterSize(w, 1<<20)
		enc := json.NewEncoder(bw)
		enc.SetEscapeHTML(false)
		n := 0
		err := mix.EachRow(ctx, pl.Mix, pl.mix, func(r mix.Row) error {
			n++
			if err := checkRow(r); err != nil {
				return fmt.Errorf("%s: line %d: %w", pl.rows(), n, err)
			}
			return enc.Encode(shape(r))
		})
		if err != nil {
			return err
		}
		return bw.Flush()
	}}
}

// textFile is a small file.
func textFile(name, text string) File {
	return File{name, func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}}
}
