package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/llm"
	"coigwriter/internal/record"
	"coigwriter/internal/text"
)

// bed is a database with a frozen set of queries, and a scripted model.
type bed struct {
	t      *testing.T
	d      *db.DB
	script *llm.Script
	client *llm.Client
	set    Set
	qs     []Query
}

func query(id, prompt string) record.Query {
	lang := text.Language(prompt)
	return record.Query{ID: id, Genre: genre.Default().Genres[3].ID, Language: lang, Prompt: prompt}
}

// six queries of which each speaks of something else.
func six() []record.Query {
	return []record.Query{
		query("q1", "写一篇关于老屋门槛的散文，不要写成怀旧的套话。"), query("q2", "以一场误点的渡轮开头，写一个两千字的故事。"), query("q3", "给小区的流浪猫写一份语气克制的启事。"),
		query("q4", "写一首不出现月亮的中秋诗，十二行以内。"), query("q5", "替一位退休的钟表匠写一段独白。"), query("q6", "Write a short letter from a lighthouse keeper to the ships."),
	}
}

func setup(t *testing.T, rules ...llm.ScriptRule) *bed {
	t.Helper()
	s, err := llm.StartScript(rules...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	b := &bed{t: t, d: dbtest.Open(t), script: s}
	e := s.Endpoint()
	e.Timeout, e.MaxTokens = 2*time.Second, 300
	b.client = b.newClient(e)
	b.set = b.importSet("练习", six(), true)
	if b.qs, err = Queries(t.Context(), b.d, b.set.ID); err != nil || len(b.qs) != 6 {
		t.Fatal(len(b.qs), err)
	}
	return b
}

func (b *bed) importSet(name string, rs []record.Query, freeze bool) Set {
	b.t.Helper()
	s, refused, err := ImportQueries(b.t.Context(), b.d, genre.Default(), "system", name, "", rs, freeze)
	if err != nil || len(refused) > 0 {
		b.t.Fatal(refused, err)
	}
	return s
}

func (b *bed) newClient(e llm.Endpoint) *llm.Client {
	b.t.Helper()
	c, err := llm.NewClient(e)
	if err != nil {
		b.t.Fatal(err)
	}
	c.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	b.t.Cleanup(c.Close)
	return c
}

func (b *bed) run(change ...func(*Run)) Summary {
	b.t.Helper()
	r := Run{SetID: b.set.ID, By: "system", Concurrency: 2}
	for _, f := range change {
		f(&r)
	}
	sum, err := Generate(b.t.Context(), b.d, b.client, r)
	if err != nil {
		b.t.Fatal(err)
	}
	return sum
}

// whole checks that the history holds.
func (b *bed) whole() {
	b.t.Helper()
	if res, err := audit.Verify(b.t.Context(), b.d); err != nil || len(res.Faults) != 0 {
		b.t.Errorf("history: %+v, %v", res, err)
	}
}

const story = "渡轮晚了四十分钟。候船室里的人把伞收了又撑，撑了又收。"

// One run meets everything a model can do to a query: it answers, thinks, is cut, refuses, says
// nothing, answers in another language; each is counted under its name, and no other.
func TestGenerateCountsWhatCame(t *testing.T) {
	b := setup(t,
		llm.ScriptRule{Contains: "门槛", Reply: "<think>先想清楚为什么写门槛。</think>" + story},
		llm.ScriptRule{Contains: "渡轮", Mode: llm.ScriptCut, Reply: story},
		llm.ScriptRule{Contains: "流浪猫", Mode: llm.ScriptRefused},
		llm.ScriptRule{Contains: "中秋", Mode: llm.ScriptEmpty},
		llm.ScriptRule{Contains: "钟表匠", Reply: "I wound the clocks of this town for forty years, and nobody asked me the time."},
		llm.ScriptRule{Contains: "lighthouse", Mode: llm.ScriptTooLong},
	)
	sum := b.run()
	if sum.Wanted != 6 || sum.Added != 3 || sum.Failed != 3 || sum.Open != 0 || sum.Cut != 1 || sum.Switched != 1 || sum.Thought != 1 || sum.Stopped != nil {
		t.Errorf("%+v", sum)
	}
	if sum.Failures[llm.KindRefused] != 1 || sum.Failures[llm.KindBadOutput] != 1 || sum.Failures[llm.KindTooLong] != 1 || sum.Finish["stop"] != 2 || sum.Finish["length"] != 1 {
		t.Errorf("%v %v", sum.Failures, sum.Finish)
	}
	as, err := Answers(t.Context(), b.d, b.set.ID)
	if err != nil || len(as) != 6 {
		t.Fatal(len(as), err)
	}
	if a := as[0]; a.Reasoning != "先想清楚为什么写门槛。" || a.Output != story || a.Chars != text.Len(story) || a.OutputLanguage != "zh" || !a.Scripted || a.CallID == "" || a.Cut() {
		t.Errorf("%+v", a)
	}
	if a := as[1]; !a.Cut() || a.Output == "" || !strings.HasPrefix(a.Output, "渡轮晚了四十分钟。") {
		t.Errorf("%+v", a)
	}
	if a := as[2]; a.Failure != "refused" || a.FailureDetail == "" || a.Output != "" || a.Cut() || a.Empty() || a.CallID == "" {
		t.Errorf("%+v", a)
	}
	var settings map[string]any
	if err := json.Unmarshal(as[0].Settings.V, &settings); err != nil || settings["max_tokens"] != 300.0 || settings["temperature"] != 0.0 || settings["top_p"] != 1.0 || settings["seed"] != 20221001.0 || settings["messages"] != nil {
		t.Errorf("%v %v", settings, err)
	}
	counts, err := Counts(t.Context(), b.d, b.set.ID)
	if err != nil || len(counts) != 1 {
		t.Fatal(counts, err)
	}
	c := counts[0]
	if c.Queries != 3 || c.Answers != 6 || c.Failed != 3 || c.Cut != 1 || c.Switched != 1 || c.Thought != 1 || !c.Scripted || c.Empty != 0 ||
		c.Failures["refused"] != 1 || c.Finish["stop"] != 2 || c.Finish["length"] != 1 || c.Tokens == 0 {
		t.Errorf("%+v", c)
	}
	// A second run has nothing to do, and asks nothing.
	asked := b.script.Calls()
	if again := b.run(); again.There != 6 || again.Added+again.Failed+again.Open != 0 || b.script.Calls() != asked {
		t.Errorf("%+v after %d calls, now %d", again, asked, b.script.Calls())
	}
	// The failed are asked again when that is wanted, and only they; the others' calls stay answered.
	b.script.SetRules(llm.ScriptRule{Reply: story})
	if again := b.run(func(r *Run) { r.Again = true }); again.Added != 3 || again.There != 3 || b.script.Calls() != asked+3 {
		t.Errorf("%+v, %d calls", again, b.script.Calls()-asked)
	}
	if as, err = Answers(t.Context(), b.d, b.set.ID); err != nil || len(as) != 6 || slices.ContainsFunc(as, func(a Answer) bool { return a.Failure != "" }) {
		t.Errorf("%+v %v", as, err)
	}
	b.whole()
}

// Asking one model again leaves what another failed with alone.
func TestAgainIsOfOneModel(t *testing.T) {
	b := setup(t, llm.ScriptRule{Contains: "门槛", Mode: llm.ScriptRefused}, llm.ScriptRule{Reply: story})
	b.run()
	e := b.client.Endpoint()
	e.Model = "scripted-other"
	first := b.client
	b.client = b.newClient(e)
	if sum := b.run(); sum.Failed != 1 {
		t.Fatalf("%+v", sum)
	}
	b.script.SetRules(llm.ScriptRule{Reply: story})
	asked := b.script.Calls()
	if sum := b.run(func(r *Run) { r.Again = true }); sum.Added != 1 || sum.Failed != 0 {
		t.Errorf("%+v", sum)
	}
	b.client = first
	if sum := b.run(); sum.There != 6 || sum.Open != 0 || b.script.Calls() != asked+1 {
		t.Errorf("%+v, %d calls", sum, b.script.Calls()-asked)
	}
	var aside int
	if err := b.d.One(t.Context(), &aside, `SELECT COUNT(*) FROM llm_call WHERE failure = 'set_aside'`); err != nil || aside != 1 {
		t.Errorf("%d calls put aside, %v", aside, err)
	}
}

// A run that is stopped in the middle keeps what was answered; the next goes on and asks only the rest.
func TestGenerateGoesOnAfterAStop(t *testing.T) {
	b := setup(t, llm.ScriptRule{Contains: "渡轮", Mode: llm.ScriptHang, Times: 1}, llm.ScriptRule{Reply: story})
	ctx, stop := context.WithCancel(t.Context())
	var got atomic.Int32
	sum, err := Generate(ctx, b.d, b.client, Run{SetID: b.set.ID, By: "system", Concurrency: 2, Progress: func(Step) {
		if got.Add(1) == 2 {
			stop()
		}
	}})
	if !errors.Is(err, context.Canceled) || sum.Added < 2 || sum.Added == 6 || sum.Open != 6-sum.Added {
		t.Fatalf("%+v, %v", sum, err)
	}
	as, err := Answers(t.Context(), b.d, b.set.ID)
	if err != nil || len(as) != sum.Added {
		t.Fatalf("%d kept of %d, %v", len(as), sum.Added, err)
	}
	rest := b.run()
	if rest.There != sum.Added || rest.Added != 6-sum.Added || rest.Open != 0 {
		t.Errorf("%+v", rest)
	}
	b.whole()
}

// Enough ends a run between questions.
func TestGenerateEnough(t *testing.T) {
	b := setup(t, llm.ScriptRule{Reply: story})
	var asked atomic.Int32
	sum := b.run(func(r *Run) {
		r.Concurrency = 1
		r.Enough = func() bool { return asked.Load() >= 2 }
		r.Progress = func(Step) { asked.Add(1) }
	})
	if sum.Added < 2 || sum.Added > 4 || sum.Open != 6-sum.Added || sum.Stopped != nil {
		t.Errorf("%+v", sum)
	}
}

// Two processes at once store every answer once, and neither fails.
func TestGenerateTwiceAtOnce(t *testing.T) {
	b := setup(t, llm.ScriptRule{Reply: story})
	other := b.newClient(b.client.Endpoint())
	type result struct {
		sum Summary
		err error
	}
	results := make(chan result)
	for _, c := range []*llm.Client{b.client, other} {
		go func() {
			sum, err := Generate(t.Context(), b.d, c, Run{SetID: b.set.ID, By: "system", Samples: 3})
			results <- result{sum, err}
		}()
	}
	added := 0
	for range 2 {
		r := <-results
		if r.err != nil || r.sum.Open != 0 || r.sum.There+r.sum.Added != 18 {
			t.Errorf("%+v, %v", r.sum, r.err)
		}
		added += r.sum.Added
	}
	var n, distinct int
	if err := b.d.One(t.Context(), &n, `SELECT COUNT(*) FROM answer`); err != nil {
		t.Fatal(err)
	}
	if err := b.d.One(t.Context(), &distinct, `SELECT COUNT(DISTINCT query_id || '/' || CAST(sample AS TEXT)) FROM answer`); err != nil {
		t.Fatal(err)
	}
	if added != 18 || n != 18 || distinct != 18 {
		t.Errorf("%d added, %d stored, %d different", added, n, distinct)
	}
	b.whole()
}

// An answer that another process stored before stands, and the transaction goes on: on PostgreSQL a
// unique violation would have ended it.
func TestKeepAfterARace(t *testing.T) {
	b := setup(t)
	put := func(output string) (bool, error) {
		a := &Answer{ID: db.NewID(), QueryID: b.qs[0].ID, Model: "m", Output: output, Origin: Generated, CreatedBy: "system"}
		a.measure()
		return keep(t.Context(), b.d, Run{By: "system"}, wish{q: b.qs[0]}, a)
	}
	if raced, err := put("先来的"); raced || err != nil {
		t.Fatal(raced, err)
	}
	if raced, err := put("后到的"); !raced || err != nil {
		t.Fatal(raced, err)
	}
	as, err := AnswersTo(t.Context(), b.d, b.qs[0].ID)
	if err != nil || len(as) != 1 || as[0].Output != "先来的" {
		t.Errorf("%+v %v", as, err)
	}
	b.whole()
}

// Samples move the seed, so each is asked; fewer or other queries than all can be wanted.
func TestSamplesAndChoices(t *testing.T) {
	b := setup(t)
	if sum := b.run(func(r *Run) { r.Samples, r.Languages = 2, []string{"en"} }); sum.Wanted != 2 || sum.Added != 2 {
		t.Errorf("%+v", sum)
	}
	seeds := map[int64]bool{}
	for _, q := range b.script.Requests() {
		seeds[q.Seed] = true
	}
	if len(seeds) != 2 {
		t.Errorf("seeds %v", seeds)
	}
	if sum := b.run(func(r *Run) { r.Samples, r.Limit = 2, 3 }); sum.Wanted != 12 || sum.There != 2 || sum.Added != 3 || sum.Open != 7 {
		t.Errorf("%+v", sum)
	}
	if sum := b.run(func(r *Run) { r.Genres = []string{"poem"} }); sum.Wanted != 0 {
		t.Errorf("%+v", sum)
	}
	if _, err := Generate(t.Context(), b.d, b.client, Run{SetID: b.set.ID, Samples: 1001}); !errors.Is(err, errs.Invalid) {
		t.Error(err)
	}
}

// What is compared under one name was made in one way: other settings need another name.
func TestSettingsOfANameDoNotMix(t *testing.T) {
	b := setup(t)
	b.run(func(r *Run) { r.Limit = 2 })
	e := b.client.Endpoint()
	e.Temperature = 0.9
	b.client = b.newClient(e)
	_, err := Generate(t.Context(), b.d, b.client, Run{SetID: b.set.ID, By: "system"})
	if !errors.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "temperature 0, now 0.9") {
		t.Errorf("%v", err)
	}
	if sum := b.run(func(r *Run) { r.Model = "warm" }); sum.Added != 6 || sum.Model != "warm" {
		t.Errorf("%+v", sum)
	}
	_, err = Generate(t.Context(), b.d, b.client, Run{SetID: b.set.ID, Model: "warm", System: "你是一位散文家。", By: "system"})
	if !errors.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "system none") {
		t.Errorf("%v", err)
	}
	if sum := b.run(func(r *Run) { r.Model, r.System, r.Limit = "told", "你是一位散文家。", 1 }); sum.Added != 1 {
		t.Errorf("%+v", sum)
	}
	as, err := Answers(t.Context(), b.d, b.set.ID, "told")
	if err != nil || len(as) != 1 || !strings.Contains(string(as[0].Settings.V), "散文家") {
		t.Errorf("%v %v", as, err)
	}
}

// A server that is away leaves the queries open and ends the run; a reply of one that cannot be stored
// costs that answer and not the run.
func TestGenerateStops(t *testing.T) {
	b := setup(t, llm.ScriptRule{Mode: llm.ScriptNoKey})
	if sum := b.run(); sum.Stopped == nil || sum.Stopped.Kind != llm.KindAuth || sum.Open != 6 || sum.Added != 0 {
		t.Errorf("%+v", sum)
	}
	b.script.SetRules(llm.ScriptRule{Mode: llm.ScriptBroken})
	if sum := b.run(); sum.Stopped == nil || sum.Stopped.Kind != llm.KindTransient || sum.Open != 6 {
		t.Errorf("%+v", sum)
	}
	b.script.SetRules(llm.ScriptRule{Contains: "门槛", Reply: "雨\x00停了。"}, llm.ScriptRule{Reply: story})
	if sum := b.run(); sum.Stopped != nil || sum.Failed != 1 || sum.Added != 5 || sum.Failures[llm.KindBadOutput] != 1 {
		t.Errorf("%+v", sum)
	}
	none, err := llm.NewClient(llm.Endpoint{})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := Generate(t.Context(), b.d, none, Run{SetID: b.set.ID})
	if err != nil || sum.Stopped == nil || sum.Stopped.Kind != llm.KindNoEndpoint {
		t.Errorf("%+v %v", sum, err)
	}
	b.whole()
}

func TestDraftsAreNotAnswered(t *testing.T) {
	b := setup(t)
	s := b.importSet("草稿", six(), false)
	if _, err := Generate(t.Context(), b.d, b.client, Run{SetID: s.ID}); !errors.Is(err, errs.Conflict) {
		t.Error(err)
	}
	if _, err := ImportAnswers(t.Context(), b.d, "system", s.ID, nil); !errors.Is(err, errs.Conflict) {
		t.Error(err)
	}
	if _, err := Move(t.Context(), b.d, "system", b.set.ID, Retired); err != nil {
		t.Fatal(err)
	}
	if _, err := Generate(t.Context(), b.d, b.client, Run{SetID: b.set.ID}); !errors.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "retired") {
		t.Error(err)
	}
}

// An estimate says what a run will ask, and learns from what was asked.
func TestEstimateRun(t *testing.T) {
	b := setup(t, llm.ScriptRule{Reply: story})
	est, err := EstimateRun(t.Context(), b.d, b.client, Run{SetID: b.set.ID, Samples: 2})
	if err != nil || est.Questions != 12 || est.Answers != 0 || est.Most.Completion != 12*300 || est.Tokens.Completion != 12*300 || est.Tokens.Prompt == 0 {
		t.Errorf("%+v %v", est, err)
	}
	b.run(func(r *Run) { r.Samples, r.Limit = 2, 4 })
	est, err = EstimateRun(t.Context(), b.d, b.client, Run{SetID: b.set.ID, Samples: 2})
	if err != nil || est.Questions != 8 || est.There != 4 || est.Answers != 4 || est.Tokens.Completion != 8*int64(text.Len(story)) {
		t.Errorf("%+v %v", est, err)
	}
	if b.script.Calls() != 4 {
		t.Errorf("%d calls", b.script.Calls())
	}
}

func ExampleSet_Title() {
	fmt.Println(Set{Name: "练习", Version: 2}.Title())
	// Output: 练习 v2
}
