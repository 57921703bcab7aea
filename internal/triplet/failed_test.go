package triplet_test

import (
	"errors"
	"testing"

	"coigwriter/internal/audit"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/project"
	"coigwriter/internal/triplet"
)

// A triplet that a model failed to score is counted and listed until somebody has the model asked
// again, which the history tells; then it is scored.
func TestFailuresAndRetry(t *testing.T) {
	t.Parallel()
	d, ctx := dbtest.Open(t), t.Context()
	author, lead := dbtest.Person(t, d, "lin", "annotator"), dbtest.Person(t, d, "xu", "lead")
	one := submitted(t, d, author)
	script, err := llm.StartScript(llm.ScriptRule{Contains: "倒推出一条“写作提示”", Mode: llm.ScriptRefused})
	if err != nil {
		t.Fatal(err)
	}
	defer script.Close()
	c, err := llm.NewClient(script.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := project.Update(ctx, d, lead, func(s *project.Settings) { s.ScoreBy = "model" }); err != nil {
		t.Fatal(err)
	}
	if err := triplet.Retry(ctx, d, lead, one.ID); !errors.Is(err, errs.Conflict) {
		t.Errorf("asked again before anything failed: %v", err)
	}
	for range 2 { // the second sweep asks nobody: the failure is final
		if sum, err := triplet.ScoreWaiting(ctx, d, c); err != nil || sum.Failed != 1 {
			t.Fatalf("%+v, %v", sum, err)
		}
	}
	rows, err := triplet.Failures(ctx, d, 10)
	if err != nil || len(rows) != 1 || rows[0].TripletID != one.ID || rows[0].Prompt != "score-prompt" || rows[0].Failure != string(llm.KindRefused) || !rows[0].Scripted {
		t.Fatalf("%+v, %v", rows, err)
	}
	counts, err := triplet.FailureCounts(ctx, d)
	if n, e := triplet.CountFailures(ctx, d); err != nil || e != nil || n != 1 || len(counts) != 1 || counts[0] != (llm.FailureCount{Failure: "refused", Count: 1}) {
		t.Errorf("%d, %v, %v %v", n, counts, err, e)
	}
	if parts, err := triplet.Unscored(ctx, d); err != nil || len(parts) != 1 || parts[0] != (llm.StageFailure{Prompt: "score-prompt", Failure: "refused", Count: 1}) {
		t.Errorf("by part: %v, %v", parts, err)
	}

	script.SetRules()
	if n, err := triplet.RetryAll(ctx, d, lead); err != nil || n != 1 {
		t.Fatalf("%d asked again, %v", n, err)
	}
	if n, err := triplet.CountFailures(ctx, d); err != nil || n != 0 {
		t.Errorf("%d still stand, %v", n, err)
	}
	evs, err := audit.History(ctx, d, "triplet", one.ID)
	if last := evs[len(evs)-1]; err != nil || last.Action != "ask-again" || last.Actor != lead || last.To != triplet.Submitted {
		t.Errorf("%+v, %v", last, err)
	}
	if sum, err := triplet.ScoreWaiting(ctx, d, c); err != nil || sum.Scored != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if err := triplet.Retry(ctx, d, lead, one.ID); !errors.Is(err, errs.Conflict) {
		t.Errorf("asked again about a scored triplet: %v", err)
	}
}

// What a reply that was mended, or another part's, says nothing of does not count.
func TestMendedReplyIsNoFailure(t *testing.T) {
	t.Parallel()
	d, ctx := dbtest.Open(t), t.Context()
	one := submitted(t, d, dbtest.Person(t, d, "lin", "annotator"))
	script, err := llm.StartScript(llm.ScriptRule{Mode: llm.ScriptProse, Times: 1}, llm.ScriptRule{Contains: "“构思过程”", Mode: llm.ScriptProse})
	if err != nil {
		t.Fatal(err)
	}
	defer script.Close()
	c, err := llm.NewClient(script.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := triplet.ScoreByModel(ctx, d, c, one.ID); llm.FailureOf(err) == nil {
		t.Fatal(err)
	}
	rows, err := triplet.Failures(ctx, d, 10)
	if err != nil || len(rows) != 1 || rows[0].Prompt != "score-reasoning" {
		t.Errorf("%+v, %v", rows, err)
	}
	if stuck, err := triplet.Stuck(ctx, d, one.ID); !stuck || err != nil {
		t.Errorf("stuck %v, %v", stuck, err)
	}
}
