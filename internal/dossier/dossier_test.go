package dossier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/genre"
	"coigwriter/internal/llm"
	"coigwriter/internal/record"
	"coigwriter/internal/report"
)

// voted is a project with one closed study of eight queries and three models, judged by two people and by
// the scripted model.
func voted(t *testing.T) (*db.DB, evaluate.Study) {
	t.Helper()
	ctx := t.Context()
	d := dbtest.Open(t)
	lead := dbtest.Person(t, d, "lead", "lead")
	p := evaluate.DefaultPlan()
	p.Models, p.Bootstrap, p.Repeats, p.Attention = []string{"晚", "早", "<b>中"}, 100, 0, 1
	for _, login := range []string{"one", "two"} {
		p.Evaluators = append(p.Evaluators, dbtest.Person(t, d, login, "evaluator"))
	}
	tax := genre.Default()
	var qs []record.Query
	var gs []record.Generation
	for i := range 8 {
		q := record.Query{ID: fmt.Sprintf("q%d", i), Genre: tax.Genres[i%4].ID, Language: "zh", Prompt: fmt.Sprintf("写第%d件小事，三百字。", i)}
		qs = append(qs, q)
		for k, m := range p.Models {
			gs = append(gs, record.Generation{QueryID: q.ID, Model: m, Output: fmt.Sprintf("第%d件事的第%d种说法。", i, k) + strings.Repeat("灯还亮着，人已经走远了。", 20+k), Finish: "stop"})
		}
	}
	set, _, err := bench.ImportQueries(ctx, d, tax, lead, "小题集", "", qs, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bench.ImportAnswers(ctx, d, lead, set.ID, gs); err != nil {
		t.Fatal(err)
	}
	p.SetID = set.ID
	s, err := evaluate.New(ctx, d, lead, "盲评", evaluate.Pair, p)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = evaluate.Begin(ctx, d, lead, s.ID); err != nil {
		t.Fatal(err)
	}
	for _, person := range p.Evaluators {
		for {
			id, err := evaluate.Next(ctx, d, person, s.ID, 0)
			if errors.Is(err, errs.NotFound) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			sheet, err := evaluate.Show(ctx, d, person, id, true)
			if err != nil {
				t.Fatal(err)
			}
			winner := "b"
			if strings.Contains(sheet.Texts[0], "第0种") || strings.Contains(sheet.Texts[1], "第2种") {
				winner = "a"
			}
			if _, err := evaluate.Give(ctx, d, person, id, evaluate.Given{Winner: winner}); err != nil {
				t.Fatal(err)
			}
		}
	}
	script, err := llm.StartScript(llm.ScriptRule{Reply: `{"reasons":"都可以","winner":"A"}`})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(script.Close)
	c, err := llm.NewClient(script.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if _, err := evaluate.JudgeStudy(ctx, d, c, evaluate.JudgeRun{StudyID: s.ID, By: lead}); err != nil {
		t.Fatal(err)
	}
	if s, err = evaluate.Move(ctx, d, lead, s.ID, evaluate.Closed, ""); err != nil {
		t.Fatal(err)
	}
	return d, s
}

// A report of a project: what people said and what the model said stand apart, the plan and what was left
// out are told, nobody's name is in it, and it can be made again from its inputs byte for byte.
func TestReportOfAProject(t *testing.T) {
	t.Parallel()
	d, s := voted(t)
	dir := t.TempDir()
	in, err := report.NewInputs(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Abort()
	order, err := Collect(t.Context(), d, Scope{}, in)
	if err != nil || strings.Join(order, ",") != "晚,早,<b>中" {
		t.Fatalf("%v, %v", order, err)
	}
	m, err := in.Freeze(report.Manifest{
		Title: "报告", Date: "2026-11-27", Program: report.Program{Version: "test", Platform: "test"},
		Options: report.Options{Lang: report.Both, Seed: 1, Bootstrap: 100, Models: order, Success: 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := report.Build(t.Context(), filepath.Join(dir, "inputs"), m, dir)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Records[report.Votes] == 0 || sum.Records[report.JudgeVotes] != 24 || sum.Records[report.Generations] != 24 || sum.Records[report.Queries] != 8 {
		t.Errorf("%+v", sum.Records)
	}
	for _, page := range sum.Pages {
		html, err := os.ReadFile(filepath.Join(dir, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{s.PlanHash, "小题集", "judge-pair", "&lt;b&gt;中"} {
			if !strings.Contains(string(html), want) {
				t.Errorf("%s: %q is missing", page, want)
			}
		}
		for _, not := range []string{"<b>中", ">one<", ">two<"} {
			if strings.Contains(string(html), not) {
				t.Errorf("%s holds %q", page, not)
			}
		}
	}
	var studies []report.Study
	data, err := os.ReadFile(filepath.Join(dir, "inputs", "studies.json"))
	if err != nil || json.Unmarshal(data, &studies) != nil || len(studies) != 1 {
		t.Fatal(err, string(data))
	}
	st := studies[0]
	if st.Done != st.Tasks || st.Evaluators != 2 || len(st.Judges) != 1 || st.Judges[0].Flipped != 24 || len(st.Rules) != len(evaluate.Rules) || len(st.Raters) != 2 {
		t.Errorf("%+v", st)
	}
	_, faults, err := report.Verify(context.Background(), dir, t.TempDir())
	if err != nil || len(faults) > 0 {
		t.Errorf("%+v, %v", faults, err)
	}
}

func TestScope(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	in, err := report.NewInputs(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer in.Abort()
	if _, err := Collect(t.Context(), d, Scope{}, in); !errors.Is(err, errs.Invalid) {
		t.Errorf("nothing is closed: %v", err)
	}
	if _, err := Collect(t.Context(), d, Scope{Studies: []string{"没有"}}, in); !errors.Is(err, errs.NotFound) {
		t.Errorf("no such study: %v", err)
	}
}
