package bench

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/record"
)

// What cannot be a query is refused with its field, and the rest goes in.
func TestImportQueries(t *testing.T) {
	b := setup(t)
	ctx, tax := t.Context(), genre.Default()
	rs := six()
	rs[1].Genre = "no such genre"
	rs[2].ID = "q1"
	rs[3].Prompt = " \n "
	rs[4].Constraints.Length = record.Length{Min: 500, Max: 100}
	s, refused, err := ImportQueries(ctx, b.d, tax, "system", "另一套", "", rs, true)
	if err != nil || len(refused) != 4 || s.State != Draft {
		t.Fatalf("%+v %v %v", s, refused, err)
	}
	for i, want := range []string{"genre: ", "stands twice", "prompt: ", "length_max: "} {
		if !strings.Contains(refused[i].Err.Error(), want) {
			t.Errorf("refused for %v, want %s", refused[i].Err, want)
		}
	}
	if _, _, err := ImportQueries(ctx, b.d, tax, "system", "空的", "", nil, false); !errors.Is(err, errs.Invalid) {
		t.Error(err)
	}
	if _, _, err := ImportQueries(ctx, b.d, tax, "system", "a v2", "", six(), false); len(errs.FieldsOf(err)) != 1 {
		t.Error(err)
	}
	// The same queries in another order have the same hash; a changed one has another.
	other := six()
	other[0], other[5] = other[5], other[0]
	same := b.importSet("练习", other, true)
	if same.Hash != b.set.Hash || same.Version != 2 || same.Title() != "练习 v2" {
		t.Errorf("%+v, want hash %s", same, b.set.Hash)
	}
	other[0].Difficulty = "hard"
	if changed := b.importSet("练习", other, true); changed.Hash == same.Hash {
		t.Error("a changed query leaves the hash")
	}
	for name, version := range map[string]int{"练习": 3, "练习 v1": 1, b.set.ID: 1} {
		if got, err := FindSet(ctx, b.d, name); err != nil || got.Version != version {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
	if _, err := FindSet(ctx, b.d, "没有"); !errors.Is(err, errs.NotFound) || !strings.Contains(err.Error(), "没有") {
		t.Error(err)
	}
	b.whole()
}

func TestTheStatesOfASet(t *testing.T) {
	b := setup(t)
	ctx, tax := t.Context(), genre.Default()
	q := b.qs[0]
	q.Prompt = "改一改"
	if err := SaveQuery(ctx, b.d, tax, "system", &q); !errors.Is(err, errs.Conflict) {
		t.Error(err)
	}
	empty, err := NewSet(ctx, b.d, "system", "空", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Move(ctx, b.d, "system", empty.ID, Frozen); !errors.Is(err, errs.Invalid) {
		t.Error(err)
	}
	// A set that was retired as a draft has a hash when it comes back.
	draft := b.importSet("草稿", six(), false)
	for _, to := range []string{Retired, Frozen} {
		if draft, err = Move(ctx, b.d, "system", draft.ID, to); err != nil {
			t.Fatal(err)
		}
	}
	if draft.Hash != b.set.Hash || draft.FrozenAt == nil {
		t.Errorf("%+v", draft)
	}
	if _, err := Move(ctx, b.d, "system", draft.ID, Draft); !errors.Is(err, errs.Conflict) {
		t.Error(err)
	}
	// The newest version that is not retired goes by the name.
	second := b.importSet("练习", six(), true)
	if _, err := Move(ctx, b.d, "system", second.ID, Retired); err != nil {
		t.Fatal(err)
	}
	if got, err := FindSet(ctx, b.d, "练习"); err != nil || got.ID != b.set.ID {
		t.Errorf("%+v %v", got, err)
	}
	b.whole()
}

// A withdrawn query stays and counts nowhere; the frozen hash still holds, and what was taken out
// before the freeze cannot come in after it.
func TestWithdrawing(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	b.run()
	if err := Withdraw(ctx, b.d, "system", b.qs[1].ID, " "); len(errs.FieldsOf(err)) != 1 {
		t.Error(err)
	}
	if err := Withdraw(ctx, b.d, "system", b.qs[1].ID, "题面有歧义"); err != nil {
		t.Fatal(err)
	}
	if err := Withdraw(ctx, b.d, "system", b.qs[1].ID, "再来一次"); !errors.Is(err, errs.Conflict) {
		t.Error(err)
	}
	if sum := b.run(); sum.Wanted != 5 {
		t.Errorf("%+v", sum)
	}
	if cs, err := Counts(ctx, b.d, b.set.ID); err != nil || cs[0].Queries != 5 {
		t.Errorf("%+v %v", cs, err)
	}
	c, err := CheckSet(ctx, b.d, genre.Default(), b.set.ID, nil)
	if err != nil || !c.Intact {
		t.Errorf("%+v %v", c, err)
	}
	if err := Give(ctx, b.d, Mark{QueryID: b.qs[1].ID, PersonID: "x", Clarity: 1, Precise: 1, Difficulty: 1}); !errors.Is(err, errs.Conflict) {
		t.Error(err)
	}
	copied, err := CopySet(ctx, b.d, "system", b.set.ID)
	if err != nil || copied.Version != 2 || copied.State != Draft {
		t.Fatal(copied, err)
	}
	qs, err := Queries(ctx, b.d, copied.ID)
	if err != nil || len(qs) != 5 || qs[0].Code != "q1" || qs[1].Code != "q3" {
		t.Errorf("%v %v", qs, err)
	}
	if err := Withdraw(ctx, b.d, "system", qs[0].ID, "不要了"); err != nil {
		t.Fatal(err)
	}
	if _, err := Move(ctx, b.d, "system", copied.ID, Frozen); err != nil {
		t.Fatal(err)
	}
	if err := Reinstate(ctx, b.d, "system", qs[0].ID); !errors.Is(err, errs.Conflict) {
		t.Error(err)
	}
	if err := Reinstate(ctx, b.d, "system", b.qs[1].ID); err != nil {
		t.Error(err)
	}
	// A row that was changed behind our back shows.
	if _, err := b.d.Exec(ctx, `UPDATE query SET prompt = 'x' WHERE id = ?`, b.qs[0].ID); err != nil {
		t.Fatal(err)
	}
	if c, err = CheckSet(ctx, b.d, genre.Default(), b.set.ID, nil); err != nil || c.Intact {
		t.Errorf("a changed query is not noticed, %v", err)
	}
	b.whole()
}

func TestSaveQuery(t *testing.T) {
	b := setup(t)
	ctx, tax := t.Context(), genre.Default()
	s, err := NewSet(ctx, b.d, "system", "新的", "")
	if err != nil {
		t.Fatal(err)
	}
	add := func(code string) error {
		q := QueryOf(six()[0])
		q.SetID, q.Code = s.ID, code
		return SaveQuery(ctx, b.d, tax, "system", &q)
	}
	if err := add("a"); err != nil {
		t.Fatal(err)
	}
	if fs := errs.FieldsOf(add("a")); len(fs) != 1 || fs[0].Key != "benchmark.code_taken" {
		t.Errorf("%v", fs)
	}
	// Many at once each get a place of their own.
	var wg sync.WaitGroup
	for _, code := range strings.Split("bcdefgh", "") {
		wg.Go(func() {
			if err := add(code); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	qs, err := Queries(ctx, b.d, s.ID)
	if err != nil || len(qs) != 8 {
		t.Fatal(len(qs), err)
	}
	for i, q := range qs {
		if q.Position != i+1 {
			t.Errorf("%s is at %d", q.Code, q.Position)
		}
	}
	q := qs[3]
	q.Prompt, q.Difficulty = "写一封信，收信人十年后才会读到。", "hard"
	if err := SaveQuery(ctx, b.d, tax, "system", &q); err != nil {
		t.Fatal(err)
	}
	if got, err := GetQuery(ctx, b.d, q.ID); err != nil || got.Prompt != q.Prompt || got.Difficulty != "hard" || got.Position != 4 {
		t.Errorf("%+v %v", got, err)
	}
	q.Prompt, q.Language, q.Difficulty, q.Genre = strings.Repeat("长", maxPrompt+1), "fr", "so-so", "nothing"
	if fs := errs.FieldsOf(SaveQuery(ctx, b.d, tax, "system", &q)); len(fs) != 4 {
		t.Errorf("%v", fs)
	}
	b.whole()
}

// Answers come in once, never change, and must answer the query they name.
func TestImportAnswers(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	g := func(id, output string) record.Generation {
		return record.Generation{QueryID: id, Model: "writer-a", Output: output, Tokens: 20, Finish: "stop"}
	}
	gs := []record.Generation{g("q1", story), g("q2", ""), g("nowhere", story), g("q3", story), g("q4", "\x00"), g("q5", story), g("q6", story)}
	gs[3].Model = ""
	gs[5].Prompt = "另一个题目"
	gs[6].Prompt, gs[6].Sample, gs[6].Finish = "User: "+b.qs[5].Prompt, 2, "length"
	rep, err := ImportAnswers(ctx, b.d, "system", b.set.ID, gs)
	if err != nil || rep.Read != 7 || rep.Added != 3 || rep.Empty != 1 || rep.Cut != 1 || len(rep.Refused) != 4 || len(rep.Models) != 1 {
		t.Fatalf("%+v %v", rep, err)
	}
	for i, want := range []string{"no query of this set", "names no model", "NUL", "answers something else"} {
		if !strings.Contains(rep.Refused[i].Err.Error(), want) {
			t.Errorf("%v, want %s", rep.Refused[i].Err, want)
		}
	}
	changed := g("q1", story+"又一句。")
	rep, err = ImportAnswers(ctx, b.d, "system", b.set.ID, []record.Generation{gs[0], gs[1], changed})
	if err != nil || rep.Added != 0 || rep.Same != 2 || len(rep.Refused) != 1 || !errors.Is(rep.Refused[0].Err, errs.Conflict) {
		t.Errorf("%+v %v", rep, err)
	}
	cs, err := Counts(ctx, b.d, b.set.ID)
	if err != nil || len(cs) != 1 || cs[0].Empty != 1 || cs[0].Answers != 3 || cs[0].Queries != 3 || cs[0].Cut != 1 || cs[0].Switched != 1 || cs[0].Tokens != 60 {
		t.Errorf("%+v %v", cs, err)
	}
	b.whole()
}

// A file of ours comes back as it went: failures, settings, samples and all.
func TestAnswersSurviveAFile(t *testing.T) {
	b := setup(t)
	b.run()
	if _, err := b.d.Exec(t.Context(), `UPDATE answer SET output = '', failure = 'refused', finish = 'content_filter' WHERE query_id = ?`, b.qs[2].ID); err != nil {
		t.Fatal(err)
	}
	as, err := Answers(t.Context(), b.d, b.set.ID)
	if err != nil {
		t.Fatal(err)
	}
	second := b.importSet("第二套", six(), true)
	var gs []record.Generation
	for i, a := range as {
		g, err := record.DecodeGeneration(record.Raw{Data: encode(t, RecordOf(b.qs[i], a))}, "")
		if err != nil {
			t.Fatal(err)
		}
		gs = append(gs, g)
	}
	if rep, err := ImportAnswers(t.Context(), b.d, "system", second.ID, gs); err != nil || rep.Added != 6 {
		t.Fatalf("%+v %v", rep, err)
	}
	back, err := Answers(t.Context(), b.d, second.ID)
	if err != nil || len(back) != 6 {
		t.Fatal(len(back), err)
	}
	for i := range back {
		x, y := as[i], back[i]
		if x.Output != y.Output || x.Failure != y.Failure || x.Finish != y.Finish || x.CompletionTokens != y.CompletionTokens || x.PromptTokens != y.PromptTokens || x.Scripted != y.Scripted || string(x.Settings.V) != string(y.Settings.V) || y.Origin != Imported {
			t.Errorf("%+v\n%+v", x, y)
		}
	}
}

// The panel: one person's marks of a query stand once, the next query is one they have not marked.
func TestPanel(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	ann, bo := dbtest.Person(t, b.d, "ann", "reviewer"), dbtest.Person(t, b.d, "bo", "evaluator")
	if fs := errs.FieldsOf(Give(ctx, b.d, Mark{QueryID: b.qs[0].ID, PersonID: ann, Clarity: 6, Difficulty: 3})); len(fs) != 2 {
		t.Errorf("%v", fs)
	}
	give := func(q Query, person string, c, p, d int) {
		t.Helper()
		if err := Give(ctx, b.d, Mark{QueryID: q.ID, PersonID: person, Clarity: c, Precise: p, Difficulty: d}); err != nil {
			t.Fatal(err)
		}
	}
	give(b.qs[0], ann, 5, 4, 2)
	give(b.qs[0], ann, 4, 4, 3)
	give(b.qs[0], bo, 2, 3, 4)
	give(b.qs[5], ann, 5, 5, 5)
	// Twice at once is once.
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { give(b.qs[2], bo, 1, 2, 3) })
	}
	wg.Wait()
	ps, err := Panels(ctx, b.d, b.set.ID)
	if p := ps[b.qs[0].ID]; err != nil || len(ps) != 3 || p.People != 2 || p.Clarity != 3 || p.Precise != 3.5 || p.Difficulty != 3.5 {
		t.Errorf("%+v %v", ps, err)
	}
	if turn, err := TurnOf(ctx, b.d, b.set.ID, ann); err != nil || turn.Marked != 2 || turn.Of != 6 {
		t.Errorf("%+v %v", turn, err)
	}
	for after, want := range map[int]string{0: "q2", 2: "q3", 5: "q2", 6: "q2"} {
		if q, err := NextToMark(ctx, b.d, b.set.ID, ann, after); err != nil || q.Code != want {
			t.Errorf("after %d: %s %v, want %s", after, q.Code, err, want)
		}
	}
	for _, q := range b.qs {
		give(q, ann, 3, 3, 3)
	}
	if _, err := NextToMark(ctx, b.d, b.set.ID, ann, 0); !errors.Is(err, errs.NotFound) {
		t.Error(err)
	}
	if ms, err := Marks(ctx, b.d, b.qs[0].ID); err != nil || len(ms) != 2 {
		t.Errorf("%v %v", ms, err)
	}
	b.whole()
}

// Near-duplicates and leaks are found where much is the same, and not where little is.
func TestCheckSet(t *testing.T) {
	b := setup(t)
	rs := append(six(), query("q7", "写一篇关于老屋门槛的散文，请不要写成怀旧的套话。"), query("q8", "写一篇关于新楼电梯的散文，三百字。"))
	s := b.importSet("查", rs, false)
	lookAt := func(look func(where, id, s string)) error {
		look("mix.jsonl", "1", "作业：以一场误点的渡轮开头，写一个两千字的故事。答：渡轮晚了。")
		look("mix.jsonl", "2", "以一场误会开头，写一个故事。")
		look("mix.jsonl", "3", "write a SHORT letter, from a lighthouse keeper — to the ships")
		return nil
	}
	annotator := dbtest.Person(t, b.d, "ann", "annotator")
	for id, state := range map[string]string{"t1": "accepted", "t2": "removed"} {
		if _, err := b.d.Exec(t.Context(), `INSERT INTO source (id, genre, language, title, text, content_hash, chars, date_verdict, state, created_at, updated_at) VALUES (?, 'essay', 'zh', '', '文', ?, 1, 'passed', 'claimed', ?, ?)`, "s"+id, id, b.d.Now(), b.d.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := b.d.Exec(t.Context(), `INSERT INTO triplet (id, source_id, annotator_id, genre, language, article, state, content, tier, created_at, updated_at)
			VALUES (?, ?, ?, 'essay', 'zh', '钟停了。', ?, ?, 'standard', ?, ?)`, id, "s"+id, annotator, state, `{"prompt":"请替一位退休的钟表匠写一段独白，要短。"}`, b.d.Now(), b.d.Now()); err != nil {
			t.Fatal(err)
		}
	}
	c, err := CheckSet(t.Context(), b.d, genre.Default(), s.ID, lookAt)
	if err != nil || c.Texts != 4 || !c.Intact {
		t.Fatalf("%+v %v", c, err)
	}
	if len(c.Twins) != 1 || c.Twins[0].A != "q1" || c.Twins[0].B != "q7" || c.Twins[0].Share < TwinFrom {
		t.Errorf("%+v", c.Twins)
	}
	if len(c.Leaks) != 3 || c.Leaks[0].Query != "q2" || c.Leaks[0].ID != "1" || c.Leaks[0].Share != 1 || c.Leaks[1].Query != "q5" || c.Leaks[1].ID != "t1" || c.Leaks[2].Query != "q6" || c.Leaks[2].ID != "3" {
		t.Errorf("%+v", c.Leaks)
	}
	tax := genre.Default()
	if want := 2*len(tax.Genres) - 1; c.Short != want { // only one genre has enough, in Chinese
		t.Errorf("%d short, want %d", c.Short, want)
	}
	for _, g := range c.Genres {
		if own := g.Genre == tax.Genres[3].ID; own && (g.Count["zh"] != 7 || g.Count["en"] != 1) || !g.Short {
			t.Errorf("%+v", g)
		}
	}
}

// The starter set can be imported as it is shipped.
func TestStarter(t *testing.T) {
	d, tax := dbtest.Open(t), genre.Default()
	for _, lang := range []string{"zh", "en", ""} {
		qs, err := Starter(lang)
		if err != nil {
			t.Fatal(err)
		}
		if len(qs) == 0 {
			continue // not written yet
		}
		s, refused, err := ImportQueries(t.Context(), d, tax, "system", "starter-"+lang, "", qs, true)
		if err != nil || len(refused) > 0 {
			t.Fatalf("%v %v", refused, err)
		}
		c, err := CheckSet(t.Context(), d, tax, s.ID, nil)
		if err != nil || c.Short > 0 || len(c.Twins) > 0 {
			t.Errorf("%s: %d short, twins %v, %v", lang, c.Short, c.Twins, err)
		}
	}
}

func encode(t *testing.T, r AnswerRecord) []byte {
	t.Helper()
	raw := db.AsJSON(r)
	b, err := raw.Value()
	if err != nil {
		t.Fatal(err)
	}
	return []byte(b.(string))
}
