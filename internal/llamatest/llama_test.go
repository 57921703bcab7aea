package llamatest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/genre"
	"coigwriter/internal/label"
	"coigwriter/internal/llm"
	"coigwriter/internal/record"
	"coigwriter/internal/redteam"
	"coigwriter/internal/screen"
	"coigwriter/internal/source"
	"coigwriter/internal/triplet"
)

const verdict = "结构完整，语言干净。"

// judge says yes, nine of ten, in modern Chinese, and gives one reason; asked for words it speaks of the
// first passage. The grammar that a schema becomes leaves it no other choice than these at each place.
var judge = Chain{
	Opening:       {"主题：等人 [¶1]，": 1},
	"主题：等人 [¶1]，": {"雨是外面的。": 0.75, "灯是里面的。": 0.25},
	"雨是外面的。":      {Ending: 1},
	"灯是里面的。":      {Ending: 1},
	`"`:           {verdict: 0.9, "y": 0.05, "z": 0.04, "n": 0.01},
	verdict:       {`"`: 1},
	":":           {"9": 0.9, "f": 0.1},
	"9":           {",": 0.6, "}": 0.4},
	"}":           {Ending: 0.9, ",": 0.05, "]": 0.05},
	"]":           {"}": 0.5, ",": 0.5},
}

func client(t *testing.T, e llm.Endpoint) *llm.Client {
	t.Helper()
	c, err := llm.NewClient(e)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

const article = "雨停的时候，母亲还在灶前。锅里的水已经滚了三回，她把面条放下去，又捞起来，说等你爸。\n门外的伞滴着水，一直滴到天黑。\n后来我才知道，那天夜里他走了三十里路，为的是把借来的钱还给桥那头的人家。"

func TestProbe(t *testing.T) {
	e := Start(t, judge)
	e.Model = ""
	p, err := llm.ProbeServer(t.Context(), e)
	if err != nil || !p.OK() || p.Flavour != "llama.cpp" || p.Level != llm.StructuredSchema || p.Model != "chain" {
		t.Fatalf("%+v %v", p, err)
	}
	for _, c := range p.Checks {
		if want := c.Name != string(llm.StructuredObject) && c.Name != string(llm.StructuredPrompt); c.OK != want { // it can say no JSON by itself
			t.Errorf("%+v", c)
		}
	}
}

// Sources go through the three stages, a triplet through help, trial, and its score sheet, on real HTTP, a
// real tokenizer and a real grammar; every reply is known in advance.
func TestFromSourceToGate(t *testing.T) {
	e := Start(t, judge)
	e.Flavour = "llama.cpp"
	d, c := dbtest.Open(t), client(t, e)
	var drafts []source.Draft
	for i := range 12 {
		s := source.Source{Text: fmt.Sprintf("第%d篇。", i+1) + article, Title: fmt.Sprintf("题%d", i+1), State: source.Waiting, DateVerdict: source.DatePassed}
		s.Make()
		drafts = append(drafts, source.Draft{Source: s})
	}
	if _, err := source.Insert(t.Context(), d, "system", drafts); err != nil {
		t.Fatal(err)
	}
	s := screen.Screener{Client: c, Taxonomy: genre.Default(), Thresholds: screen.DefaultThresholds()}
	sum, err := s.Run(t.Context(), d, screen.Options{Concurrency: 4})
	if err != nil {
		t.Fatal(err)
	}
	var pool []struct {
		ID, Genre string
	}
	if err := d.All(t.Context(), &pool, `SELECT id, genre FROM source WHERE state = ? ORDER BY id`, source.Pool); err != nil || len(pool) != len(drafts) {
		t.Fatalf("%d of %d in the pool, %+v, %v", len(pool), len(drafts), sum, err)
	}
	for _, p := range pool {
		vs, err := screen.Verdicts(t.Context(), d, p.ID)
		if err != nil || len(vs) != 3 {
			t.Fatal(vs, err)
		}
		for _, v := range vs {
			call, err := llm.GetCall(t.Context(), d, v.CallID)
			if err != nil || v.Reasons != verdict || v.Scripted || call.Level != string(llm.StructuredSchema) || call.PromptTokens < 500 || call.TokensEstimated {
				t.Errorf("%+v, %d tokens, %v", v, call.PromptTokens, err)
			}
			for name, x := range v.Judgement.V.Scores {
				if x != 9 {
					t.Errorf("%s is %d", name, x)
				}
			}
		}
	}

	anna := dbtest.Person(t, d, "anna", "annotator")
	tr, err := triplet.Claim(t.Context(), d, anna, pool[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	content := triplet.Content{
		Prompt:    "写一个等人的雨夜：不写等的是谁，只写屋里的声音和手上的事，三百字以内，结尾不要重逢。",
		Reasoning: strings.Repeat("先想声音再想人，等的人不出场，母亲的手替他说话；面条捞起又放下是时间。", 8),
		Checks:    map[string]bool{},
	}
	for _, k := range triplet.Checks {
		content.Checks[k] = true
	}
	rev, err := triplet.Save(t.Context(), d, anna, tr.ID, 0, 3, content, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range triplet.Helps() {
		var words strings.Builder
		got, err := triplet.AskHelp(t.Context(), d, c, anna, tr.ID, name, false, func(p llm.Piece) { words.WriteString(p.Text) })
		if err != nil || got.Text != "主题：等人 [¶1]，雨是外面的。" || words.String() != got.Text {
			t.Errorf("%s: %+v, heard %q, %v", name, got, words.String(), err)
		}
	}
	if err := triplet.TryScores(t.Context(), d, c, anna, tr.ID, func(_ string, s triplet.PartScore) {
		if s.Quality != 9 || s.Creativity != 9 || s.Reasons != verdict {
			t.Errorf("%+v", s)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := triplet.Submit(t.Context(), d, anna, tr.ID, rev); err != nil {
		t.Fatal(err)
	}
	calls := countCalls(t, d)
	sheet, err := triplet.ScoreByModel(t.Context(), d, c, tr.ID)
	if err != nil || !sheet.Passed || sheet.Scores().Total() != 54 || countCalls(t, d) != calls {
		t.Fatalf("%+v, %d calls more, %v", sheet, countCalls(t, d)-calls, err)
	}
	if _, err := audit.Verify(t.Context(), d); err != nil {
		t.Error(err)
	}
}

func countCalls(t *testing.T, d *db.DB) (n int) {
	t.Helper()
	if err := d.One(t.Context(), &n, `SELECT COUNT(*) FROM llm_call`); err != nil {
		t.Fatal(err)
	}
	return n
}

// With sampling on, what the server says is distributed as the chain has it, and a seed repeats it.
func TestKnownDistribution(t *testing.T) {
	e := Start(t, judge)
	e.Flavour, e.Temperature = "llama.cpp", 1
	d, c := dbtest.Open(t), client(t, e)
	anna := dbtest.Person(t, d, "anna", "annotator")
	tr := claimed(t, d, anna)
	const n = 120
	lamps := 0
	for range n {
		got, err := triplet.AskHelp(t.Context(), d, c, anna, tr, "article", true, func(llm.Piece) {})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(got.Text, "灯是里面的") {
			lamps++
		}
	}
	if lamps < 10 || lamps > 55 { // 30 expected, standard deviation 4.7: four and more on either side
		t.Errorf("%d of %d, expected a quarter", lamps, n)
	}
	said := map[string]bool{}
	for range 3 { // the same question in new projects: the same seed, the same words
		d := dbtest.Open(t)
		anna := dbtest.Person(t, d, "anna", "annotator")
		got, err := triplet.AskHelp(t.Context(), d, c, anna, claimed(t, d, anna), "article", false, func(llm.Piece) {})
		if err != nil {
			t.Fatal(err)
		}
		said[got.Text] = true
	}
	if len(said) != 1 {
		t.Errorf("one seed, several answers: %v", said)
	}
}

// claimed puts the article in a pool and claims it.
func claimed(t *testing.T, d *db.DB, by string) string {
	t.Helper()
	id := db.NewID()
	if _, err := d.Exec(t.Context(), `INSERT INTO source (id, content_hash, text, chars, genre, language, date_verdict, state, created_at, updated_at)
		VALUES (?, ?, ?, 40, 'essay', 'zh', 'passed', 'pool', ?, ?)`, id, id, article, d.Now(), d.Now()); err != nil {
		t.Fatal(err)
	}
	tr, err := triplet.ClaimNext(t.Context(), d, by, "")
	if err != nil {
		t.Fatal(err)
	}
	return tr.ID
}

// A stopped stream frees the server: with one slot, the next question is answered at once.
func TestStopped(t *testing.T) {
	endless := Chain{Opening: {"等，": 1}, "等，": {"又等，": 1}, "又等，": {"等，": 1}}
	e := Start(t, endless, "-np", "1")
	e.Flavour, e.MaxTokens = "llama.cpp", 100_000
	d, c := dbtest.Open(t), client(t, e)
	anna := dbtest.Person(t, d, "anna", "annotator")
	tr := claimed(t, d, anna)
	for range 2 {
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		said := 0
		got, err := triplet.AskHelp(ctx, d, c, anna, tr, "article", true, func(llm.Piece) {
			if said++; said == 20 {
				stop()
			}
		})
		stop()
		if f := llm.FailureOf(err); f == nil || f.Kind != llm.KindCancelled || said < 20 || !strings.HasPrefix(got.Text, "等，又等，") {
			t.Fatalf("%d pieces, %+v, %v", said, got, err)
		}
	}
}

// What a real server says when it cannot: too long a text, a key it does not know.
func TestRealFailures(t *testing.T) {
	e := Start(t, judge, "-c", "4096", "--api-key", "right")
	d := dbtest.Open(t)
	anna := dbtest.Person(t, d, "anna", "annotator")
	tr := claimed(t, d, anna)
	for _, tt := range []struct {
		key  llm.Secret
		text string
		want llm.Kind
	}{
		{"wrong", article, llm.KindAuth},
		{"right", strings.Repeat(article, 30), llm.KindTooLong},
	} {
		e.APIKey = tt.key
		texts := redteam.Base
		texts.Article = tt.text
		_, _, err := triplet.AskPart(t.Context(), d, client(t, e), "article", texts, llm.About{Kind: "triplet", ID: tr})
		if f := llm.FailureOf(err); f == nil || f.Kind != tt.want {
			t.Errorf("%s: %v", tt.want, err)
		}
	}
}

// A unit of a generation gets its label through a schema that bounds its number.
func TestLabels(t *testing.T) {
	e := Start(t, Chain{
		`"`: {verdict: 0.5, "n": 0.4}, verdict: {`"`: 1}, ":": {"n": 0.6, "1": 0.3}, "1": {",": 1}, "}": {",": 0.5, "]": 0.5}, "]": {",": 0.5, "}": 0.5},
	})
	e.Flavour = "llama.cpp"
	d, c := dbtest.Open(t), client(t, e)
	labels, err := label.Generation(t.Context(), d, c, record.Generation{QueryID: "1", Model: "CW", Language: "zh", Output: "雨停了。"})
	if err != nil || len(labels) != 1 {
		t.Fatalf("%+v %v", labels, err)
	}
	if l := labels[0]; l.Unit != 1 || l.Label != "normal" || l.RefersTo != 0 || l.Judge != "chain" || l.Scripted {
		t.Errorf("%+v", l)
	}
}
