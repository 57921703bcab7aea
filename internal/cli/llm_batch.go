package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/screen"
	"coigwriter/internal/table"
)

type llmBatchCmd struct {
	Export llmExportCmd `cmd:"" help:"Write the next question about every waiting source, as JSON Lines for a batch service."`
	Import llmImportCmd `cmd:"" help:"Read a batch service's answers in; the next screen is answered by them."`
}

type llmExportCmd struct {
	Out   string `short:"o" help:"File to write." required:"" type:"path" placeholder:"FILE"`
	Limit int    `help:"Write at most so many questions."`
}

type exportDoc struct {
	File      string `json:"file"`
	Questions int    `json:"questions"`
	Answered  int    `json:"answered"` // sources whose next question has its answer already
}

// Run writes the questions; the file appears whole or not at all.
func (c llmExportCmd) Run(ctx context.Context, con *console, cfg *Config) (err error) {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	client, err := cfg.client()
	if err != nil {
		return err
	}
	if !client.Configured() {
		return errs.Unavailablef("no model is configured: set --llm-url and --llm-model as the run that uses the answers will; the URL is not called")
	}
	s, err := screen.ScreenerOf(ctx, d, client)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(c.Out), ".batch-*")
	if err != nil {
		return errs.Unavailablef("batch file: %w", err)
	}
	defer os.Remove(f.Name())
	doc := exportDoc{File: c.Out}
	buf := bufio.NewWriter(f)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	doc.Answered, err = s.Questions(ctx, d, c.Limit, func(line llm.BatchLine) error {
		doc.Questions++
		if err := enc.Encode(line); err != nil {
			return err
		}
		return line.Remember(ctx, d)
	})
	if err := errors.Join(err, buf.Flush(), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), c.Out); err != nil {
		return errs.Unavailablef("batch file: %w", err)
	}
	return con.print(doc, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%d questions in %s\n", doc.Questions, c.Out)
		if doc.Answered > 0 {
			_, err = fmt.Fprintf(w, "%d sources have the answer to their next question already: run coigwriter screen\n", doc.Answered)
		}
		return err
	})
}

type llmImportCmd struct {
	Files []string `arg:"" help:"The service's files of answers, and of errors; - reads stdin."`
}

// Run stores every good line, names the others, and ends with 3 when there were some.
func (c llmImportCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	var sum llm.Imported
	for _, name := range c.Files {
		in := io.NopCloser(con.in)
		if name != "-" {
			if in, err = os.Open(name); err != nil {
				return errs.Invalidf("%w", err)
			}
		}
		got, err := llm.ImportBatch(ctx, d, in)
		in.Close()
		sum.Lines += got.Lines
		sum.Stored += got.Stored
		sum.Final += got.Final
		sum.Before += got.Before
		sum.Duplicate += got.Duplicate
		sum.Unknown += got.Unknown
		sum.Failed += got.Failed
		sum.Broken += got.Broken
		for _, p := range got.Problems {
			sum.Problems = append(sum.Problems, name+" "+p)
		}
		if err != nil {
			return err
		}
	}
	err = con.print(sum, func(w io.Writer) error {
		t := table.New("", table.Text("answers"), table.Num("lines"))
		t.Add("stored", sum.Stored)
		for _, row := range []struct {
			what string
			n    int
		}{
			{"of these refused by the provider for good", sum.Final},
			{"stored by an earlier import", sum.Before},
			{"a second answer to the same question", sum.Duplicate},
			{"to questions not exported from here", sum.Unknown},
			{"failed at the provider; the question is open", sum.Failed},
			{"broken", sum.Broken},
		} {
			if row.n > 0 {
				t.Add(row.what, row.n)
			}
		}
		return t.Terminal(w)
	})
	if err != nil || sum.Refused() == 0 {
		return err
	}
	for _, p := range sum.Problems {
		fmt.Fprintln(con.err, p)
	}
	return fmt.Errorf("%w: %d lines were not stored; the first are named above", errRefused, sum.Refused())
}
