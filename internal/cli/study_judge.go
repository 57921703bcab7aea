package cli

import (
	"context"
	"fmt"
	"io"

	"coigwriter/internal/db"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/llm"
	"coigwriter/internal/table"
)

type studyJudgeCmd struct {
	Study string `arg:"" help:"Name or ID."`
	Limit int    `help:"Judge at most so many pairs or answers."`
}

// Run has the model judge; it can be stopped and run again and pays nothing twice.
func (c studyJudgeCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	client, err := cfg.client()
	if err != nil {
		return err
	}
	defer client.Close()
	return onStudy(ctx, cfg, c.Study, func(d *db.DB, s evaluate.Study) error {
		items, err := evaluate.Items(ctx, d, s.ID)
		if err != nil {
			return err
		}
		n := 0
		for _, it := range items {
			if k := len(it.Answers.V); it.Kind == evaluate.Real {
				n += max(k*(k-1)/2, 1)
			}
		}
		bar := con.progress("judge")
		bar.ChangeMax(max(n, 1))
		report := everyMinute(con, "judged", n)
		sum, err := evaluate.JudgeStudy(ctx, d, client, evaluate.JudgeRun{StudyID: s.ID, By: "system", Limit: c.Limit, Progress: func(evaluate.Judgement, *llm.Failure) {
			_ = bar.Add(1)
			report()
		}})
		_ = bar.Finish()
		if err != nil {
			return err
		}
		err = con.print(sum, func(w io.Writer) error {
			t := table.New(sum.Judge, table.Text("judged"), table.Num(""))
			t.Add("wanted", sum.Wanted)
			t.Add("there before", sum.There)
			t.Add("added", sum.Added)
			t.Add("  flipped: a tie, since the orders disagree", sum.Flipped)
			t.Add("failed for good", sum.Failed)
			t.Add("open", sum.Open)
			return t.Terminal(w)
		})
		switch {
		case err != nil:
			return err
		case sum.Stopped != nil:
			return fmt.Errorf("stopped: %w", sum.Stopped)
		case sum.Failed > 0:
			return fmt.Errorf("%w: the model failed on %d", errRefused, sum.Failed)
		}
		return nil
	})
}
