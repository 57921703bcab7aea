package screen

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/llm"
	"coigwriter/internal/source"
)

// Replies of a judge that likes a text, and of one that does not.
const (
	goodAssessment = `{"reasons":"首尾俱全。","completeness":9,"format":8,"correctness":8,"logic":8,"creativity":7}`
	goodScreening  = `{"reasons":"写得稳。","quality":8,"creativity":8}`
	goodUsability  = `{"reasons":"可以倒推。","usable":"yes","genre":"%s","language":"zh","speaks_to_judge":false}`
)

func someGenre() string { return genre.Default().Genres[3].ID }

// liking are rules under which every text passes every stage.
func liking() []llm.ScriptRule {
	return []llm.ScriptRule{
		{Contains: "completeness 完整", Reply: goodAssessment},
		{Contains: "quality 文章质量", Reply: goodScreening},
		{Contains: "usable 填", Reply: fmt.Sprintf(goodUsability, someGenre())},
	}
}

// bench is a database with a scripted judge.
type bench struct {
	d      *db.DB
	script *llm.Script
	screener
}

type screener = Screener

func setup(t *testing.T, rules ...llm.ScriptRule) bench {
	t.Helper()
	s, err := llm.StartScript(rules...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	b := bench{d: dbtest.Open(t), script: s}
	e := s.Endpoint()
	e.Timeout = 2 * time.Second
	b.screener = Screener{Client: client(t, e), Taxonomy: genre.Default(), Thresholds: DefaultThresholds()}
	return b
}

func client(t *testing.T, e llm.Endpoint) *llm.Client {
	t.Helper()
	c, err := llm.NewClient(e)
	if err != nil {
		t.Fatal(err)
	}
	c.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	t.Cleanup(c.Close)
	return c
}

// add stores a waiting source for every text and returns their IDs.
func (b bench) add(t *testing.T, texts ...string) []string {
	t.Helper()
	var drafts []source.Draft
	for i, text := range texts {
		s := source.Source{Text: text, Title: fmt.Sprintf("题%d", i), State: source.Waiting, DateVerdict: source.DatePassed}
		s.Make()
		drafts = append(drafts, source.Draft{Source: s})
	}
	if _, err := source.Insert(t.Context(), b.d, "system", drafts); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, d := range drafts {
		var id string
		if err := b.d.One(t.Context(), &id, `SELECT id FROM source WHERE content_hash = ?`, d.Source.ContentHash); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

func (b bench) state(t *testing.T, id string) (state, reason string) {
	t.Helper()
	s, err := source.Get(t.Context(), b.d, id)
	if err != nil {
		t.Fatal(err)
	}
	return s.State, s.Reason
}

func (b bench) run(t *testing.T) Summary {
	t.Helper()
	sum, err := b.Run(t.Context(), b.d, Options{Concurrency: 2})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

const snow = "雪落无声，他推开了门，看见去年的自己坐在灯下。"

func TestOnePassesAllStages(t *testing.T) {
	t.Parallel()
	b := setup(t, liking()...)
	id := b.add(t, snow)[0]
	out, err := b.One(t.Context(), b.d, id)
	if err != nil || out.State != source.Pool {
		t.Fatalf("%+v, %v", out, err)
	}
	s, _ := source.Get(t.Context(), b.d, id)
	if s.State != source.Pool || s.Genre != someGenre() {
		t.Errorf("%+v", s)
	}
	vs, err := Verdicts(t.Context(), b.d, id)
	if err != nil || len(vs) != 3 {
		t.Fatal(vs, err)
	}
	for i, v := range vs {
		call, err := llm.GetCall(t.Context(), b.d, v.CallID)
		if err != nil || v.Stage != Stages[i] || !v.Passed || !v.Scripted || !call.Scripted || v.Judge != "scripted-judge" || v.Reasons == "" || call.PromptHash != versionOf(v.Stage) {
			t.Errorf("%+v, %v", v, err)
		}
	}
	evs, err := audit.History(t.Context(), b.d, "source", id)
	if err != nil {
		t.Fatal(err)
	}
	last := evs[len(evs)-1]
	if last.Actor != RuleThreshold || last.From != source.Waiting || last.To != source.Pool || !strings.Contains(last.Data, vs[2].CallID) {
		t.Errorf("history ends with %+v", last)
	}
	// What is in the pool is not judged again.
	if _, err := b.One(t.Context(), b.d, id); !errors.Is(err, errs.Conflict) || b.script.Calls() != 3 {
		t.Errorf("again: %v, %d calls", err, b.script.Calls())
	}
}

func TestOneBelowThreshold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, from, to string // one reply changed
		state, reason  string
		calls          int
		person         bool
	}{
		{"assessment", `"logic":8`, `"logic":4`, source.Refused, "screen.below.assessment", 1, false},
		{"screening", `"quality":8`, `"quality":6`, source.Refused, "screen.below.screening", 2, false},
		{"unusable", `"yes"`, `"no"`, source.Refused, "screen.below.usability", 3, false},
		{"unsure", `"yes"`, `"unsure"`, source.Waiting, "", 3, true},
		{"speaks to the judge", `"speaks_to_judge":false`, `"speaks_to_judge":true`, source.Waiting, "", 3, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rules := liking()
			for i := range rules {
				rules[i].Reply = strings.Replace(rules[i].Reply, tt.from, tt.to, 1)
			}
			b := setup(t, rules...)
			id := b.add(t, snow)[0]
			out, err := b.One(t.Context(), b.d, id)
			if err != nil || out.NeedsPerson != tt.person {
				t.Fatal(out, err)
			}
			if state, reason := b.state(t, id); state != tt.state || reason != tt.reason || b.script.Calls() != tt.calls {
				t.Errorf("%s %q after %d calls", state, reason, b.script.Calls())
			}
			b.run(t)
			if b.script.Calls() != tt.calls {
				t.Errorf("a further run asked again: %d calls", b.script.Calls())
			}
			st, err := StatusOf(t.Context(), b.d, b.Client)
			if err != nil || (st.NeedsPerson == 1) != tt.person || (st.Refused == 1) == tt.person {
				t.Errorf("status %+v, %v", st, err)
			}
		})
	}
}

// However a model or its server fails, nothing enters the pool, nothing is refused for it, and a
// good server later finishes the work.
func TestNoFailureReachesThePool(t *testing.T) {
	t.Parallel()
	for _, mode := range llm.ScriptModes {
		if mode == llm.ScriptGood || mode == llm.ScriptThink || mode == llm.ScriptNoSchema {
			continue // these answer well, in their way
		}
		for _, stage := range Stages {
			t.Run(string(mode)+" at "+stage, func(t *testing.T) {
				t.Parallel()
				marks := map[string]string{Assessment: "completeness 完整", Screening: "quality 文章质量", Usability: "usable 填"}
				b := setup(t, append([]llm.ScriptRule{{Contains: marks[stage], Mode: mode}}, liking()...)...)
				if mode == llm.ScriptHang {
					e := b.script.Endpoint()
					e.Timeout, e.Retries = 50*time.Millisecond, -1
					b.Client = client(t, e)
				}
				id := b.add(t, snow)[0]
				sum := b.run(t)
				state, reason := b.state(t, id)
				if sum.Seen != 1 || sum.Pool != 0 || len(sum.Failures) != 1 {
					t.Errorf("summary %+v", sum)
				}
				vs, err := Verdicts(t.Context(), b.d, id)
				if err != nil {
					t.Fatal(err)
				}
				for _, v := range vs {
					if v.Stage == stage {
						t.Errorf("a verdict out of a failure: %+v", v)
					}
				}
				final := state == source.Held && strings.HasPrefix(reason, ReasonFailed)
				if !final && state != source.Waiting {
					t.Fatalf("%s %q", state, reason)
				}
				failed, err := Failures(t.Context(), b.d, 10)
				if err != nil || len(failed) != 1 || failed[0].Prompt != stage || failed[0].State != state || failed[0].Detail == "" {
					t.Errorf("failures %+v, %v", failed, err)
				}
				counts, err := Unjudged(t.Context(), b.d)
				if err != nil || len(counts) != 1 || counts[0] != (llm.StageFailure{Prompt: stage, Failure: failed[0].Failure, Count: 1}) || sum.Details[llm.Kind(failed[0].Failure)] == "" {
					t.Errorf("counted by stage: %+v, %v; details %v", counts, err, sum.Details)
				}

				b.script.SetRules(liking()...)
				if final {
					b.run(t)
					if still, _ := b.state(t, id); still != source.Held {
						t.Errorf("held, then %s by itself", still)
					}
					if err := Retry(t.Context(), b.d, "lead", id); err != nil {
						t.Fatal(err)
					}
				}
				b.run(t)
				if state, reason := b.state(t, id); state != source.Pool {
					t.Errorf("with a good server: %s %q", state, reason)
				}
				if failed, _ := Failures(t.Context(), b.d, 10); len(failed) != 0 {
					t.Errorf("still listed: %+v", failed)
				}
			})
		}
	}
}

func TestNoEndpoint(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(t, snow)[0]
	for _, c := range []*llm.Client{nil, client(t, llm.Endpoint{})} {
		b.Client = c
		sum := b.run(t)
		if sum.Stopped == nil || sum.Stopped.Kind != llm.KindNoEndpoint {
			t.Errorf("%+v", sum)
		}
		if out, err := b.One(t.Context(), b.d, id); err != nil || out.Failure == nil || out.State != source.Waiting {
			t.Errorf("%+v, %v", out, err)
		}
		if st, err := StatusOf(t.Context(), b.d, c); err != nil || st.Configured || st.Waiting != 1 {
			t.Errorf("%+v, %v", st, err)
		}
	}
}

// A server that is down, rejects the key or is no model server at all five times ends the run instead of wearing out every source;
// what was in flight by then still comes back.
func TestRunStopsEarly(t *testing.T) {
	t.Parallel()
	texts := make([]string, 30)
	for i := range texts {
		texts[i] = fmt.Sprintf("%s第%d夜。", snow, i)
	}
	for mode, most := range map[llm.ScriptMode]int{llm.ScriptNoKey: 12, llm.ScriptBroken: 12, llm.ScriptGarbage: 12} {
		b := setup(t, llm.ScriptRule{Mode: mode})
		b.add(t, texts...)
		if sum := b.run(t); sum.Stopped == nil || sum.Seen > most || sum.Waiting != sum.Seen {
			t.Errorf("%s: %+v", mode, sum)
		}
	}
}

// A run that is stopped loses nothing, and the next one asks only what is still open.
func TestRunResumes(t *testing.T) {
	t.Parallel()
	b := setup(t, liking()...)
	texts := make([]string, 12)
	for i := range texts {
		texts[i] = fmt.Sprintf("%s第%d夜。", snow, i)
	}
	b.add(t, texts...)
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	_, err := b.Run(ctx, b.d, Options{Concurrency: 3, Progress: func(Outcome) {
		if n++; n == 4 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if sum := b.run(t); sum.Pool < 12-6 || sum.Stopped != nil {
		t.Errorf("%+v", sum)
	}
	counts, _ := source.Counts(t.Context(), b.d)
	if counts[source.Pool] != 12 {
		t.Errorf("%v", counts)
	}
	// Calls cut off in flight are asked again; answered ones are not.
	if c := b.script.Calls(); c > 36+3 {
		t.Errorf("%d calls for 36 questions", c)
	}
	before := b.script.Calls()
	if sum := b.run(t); sum.Seen != 0 || b.script.Calls() != before {
		t.Errorf("a finished run did something: %+v", sum)
	}
}

func TestRunLimit(t *testing.T) {
	t.Parallel()
	b := setup(t, liking()...)
	b.add(t, snow, snow+"一", snow+"二")
	sum, err := b.Run(t.Context(), b.d, Options{Limit: 2})
	if err != nil || sum.Seen != 2 || sum.Pool != 2 {
		t.Errorf("%+v, %v", sum, err)
	}
}

// Sources that wait for a person do not use up the limit of a run, however many they are.
func TestWaitingForAPersonStarvesNobody(t *testing.T) {
	t.Parallel()
	rules := append([]llm.ScriptRule{{
		Contains: "usable 填", Times: 3,
		Reply: `{"reasons":"说不准。","usable":"unsure","genre":"` + someGenre() + `","language":"zh","speaks_to_judge":false}`,
	}}, liking()...)
	b := setup(t, rules...)
	b.add(t, snow, snow+"一", snow+"二")
	if sum := b.run(t); sum.NeedsPerson != 3 {
		t.Fatalf("%+v", sum)
	}
	b.add(t, snow+"三")
	sum, err := b.Run(t.Context(), b.d, Options{Limit: 1})
	if err != nil || sum.Seen != 1 || sum.Pool != 1 {
		t.Errorf("%+v, %v", sum, err)
	}
}

// A genre that somebody gave is not replaced by the judge's.
func TestGenreIsOnlyFilled(t *testing.T) {
	t.Parallel()
	b := setup(t, liking()...)
	id := b.add(t, snow)[0]
	other := genre.Default().Genres[7].ID
	if err := source.SetGenre(t.Context(), b.d, id, other, "lead"); err != nil {
		t.Fatal(err)
	}
	b.run(t)
	if s, err := source.Get(t.Context(), b.d, id); err != nil || s.Genre != other || s.State != source.Pool {
		t.Errorf("%+v, %v", s, err)
	}
}

// What was answered before a crash is not asked again: the verdict is made from the stored reply.
func TestStoredRepliesCostNothing(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	b := setup(t, liking()...)
	id := b.add(t, snow)[0]
	b.run(t)
	for _, q := range []string{`DELETE FROM verdict`, `UPDATE source SET state = 'waiting', genre = ''`} {
		if _, err := b.d.Exec(ctx, q); err != nil {
			t.Fatal(err)
		}
	}
	b.run(t)
	if state, _ := b.state(t, id); state != source.Pool || b.script.Calls() != 3 {
		t.Errorf("%s after %d calls", state, b.script.Calls())
	}
}

// Texts that talk to the judge stay between their marks and do not change how the reply is read.
func TestInjections(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/injections.txt")
	if err != nil {
		t.Fatal(err)
	}
	texts := strings.Split(strings.TrimSpace(string(raw)), "\n%%\n")
	if len(texts) < 10 {
		t.Fatalf("only %d texts", len(texts))
	}
	for _, text := range texts {
		for _, s := range []llm.Sample{{Article: text}, {Title: text, Article: snow}, {Genre: text, Article: snow}} {
			for _, p := range llm.Infos(nil, Prompts()) {
				msgs, err := p.Messages(s)
				if err != nil {
					t.Fatal(err)
				}
				checkDelimited(t, msgs, text)
			}
		}
	}
	// The same judge gives the same scores whatever a text says of them.
	rules := liking()
	rules[0].Reply = strings.Replace(rules[0].Reply, `"logic":8`, `"logic":2`, 1)
	b := setup(t, rules...)
	ids := b.add(t, texts...)
	b.run(t)
	for i, id := range ids {
		if state, reason := b.state(t, id); state != source.Refused {
			t.Errorf("%q: %s %s", texts[i], state, reason)
		}
	}
}

// checkDelimited fails unless the hostile text occurs only between marks, with nothing in it
// that could pass for one.
func checkDelimited(t *testing.T, msgs []llm.Message, hostile string) {
	t.Helper()
	if len(msgs) != 2 || msgs[0].Role != "system" || msgs[1].Role != "user" {
		t.Fatalf("%+v", msgs)
	}
	if strings.Contains(msgs[0].Content, hostile) {
		t.Errorf("%q reached the system part", hostile)
	}
	user := msgs[1].Content
	block := llm.Delimit(hostile)
	outside := strings.Replace(user, block, "", 1)
	if outside == user || strings.Contains(outside, hostile) {
		t.Errorf("%q stands outside its marks", hostile)
	}
	open, _, _ := strings.Cut(block, "\n")
	if strings.Count(user, open) != 1 || strings.Count(user, "</"+open[1:]) != 1 {
		t.Errorf("%q repeats its marks", hostile)
	}
	for _, tok := range []string{"<|", "[INST]", "</think>", "<<SYS>>"} {
		if strings.Contains(user, tok) {
			t.Errorf("%q leaves %s", hostile, tok)
		}
	}
}

// The judge may only name genres of the taxonomy.
func TestUsabilityGenreIsOfTheTaxonomy(t *testing.T) {
	t.Parallel()
	rules := liking()
	rules[2].Reply = fmt.Sprintf(goodUsability, "no-such-genre")
	b := setup(t, rules...)
	id := b.add(t, snow)[0]
	b.run(t)
	if state, reason := b.state(t, id); state != source.Held || reason != ReasonFailed+"bad_output" {
		t.Errorf("%s %q", state, reason)
	}
}

// The script by itself, without rules, must give a sample project both good and poor texts.
func TestScriptGivesBothKinds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	texts := make([]string, 40)
	for i := range texts {
		texts[i] = fmt.Sprintf("%s第%d夜。", snow, i)
	}
	b.add(t, texts...)
	if sum := b.run(t); sum.Pool < 15 || sum.Refused < 2 || sum.Held != 0 {
		t.Errorf("%+v", sum)
	}
}

// versionOf is the version of a stage's prompt.
func versionOf(stage string) string {
	for _, p := range llm.Infos(nil, Prompts()) {
		if p.Name == stage {
			return p.Hash
		}
	}
	return ""
}
