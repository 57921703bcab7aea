package analysis

import (
	"hash/fnv"
	"strings"

	"coigwriter/internal/record"
	"coigwriter/internal/table"
)

// Answers counts what there is to compare: which queries a model left without an answer, and which
// answers are no use.
type Answers struct {
	by      map[Spot]*AnswerLine
	queries map[string]map[string]bool // language → queries asked in it
	given   map[Spot]map[string]bool   // → queries with an answer
	same    map[[2]string]map[uint64]map[string]bool
}

// NewAnswers starts the count.
func NewAnswers() *Answers {
	return &Answers{by: map[Spot]*AnswerLine{}, queries: map[string]map[string]bool{}, given: map[Spot]map[string]bool{}, same: map[[2]string]map[uint64]map[string]bool{}}
}

// An AnswerLine is what one model gave in one language.
type AnswerLine struct {
	Spot
	Answers   int `json:"answers"`
	Queries   int `json:"queries"`   // asked of any model, or listed as queries
	Missing   int `json:"missing"`   // queries without an answer
	Empty     int `json:"empty"`     // answers without a character
	Cut       int `json:"cut"`       // at the limit of tokens
	Identical int `json:"identical"` // letter for letter what another model answered to the query
}

func (a *Answers) ask(language, query string) {
	if a.queries[language] == nil {
		a.queries[language] = map[string]bool{}
	}
	a.queries[language][query] = true
}

// Query takes a query that models should have answered. One that names no language is not waited for.
func (a *Answers) Query(q record.Query) {
	if q.Language != "" {
		a.ask(q.Language, q.ID)
	}
}

// Add takes one generation.
func (a *Answers) Add(g record.Generation) {
	at := Spot{g.Model, languageOf(g)}
	l := a.by[at]
	if l == nil {
		l = &AnswerLine{Spot: at}
		a.by[at], a.given[at] = l, map[string]bool{}
	}
	a.ask(at.Language, g.QueryID)
	a.given[at][g.QueryID] = true
	l.Answers++
	if g.Finish == "length" {
		l.Cut++
	}
	out := strings.TrimSpace(g.Output)
	if out == "" {
		l.Empty++
		return
	}
	h := fnv.New64a()
	h.Write([]byte(out)) // never fails
	key := [2]string{at.Language, g.QueryID}
	if a.same[key] == nil {
		a.same[key] = map[uint64]map[string]bool{}
	}
	if a.same[key][h.Sum64()] == nil {
		a.same[key][h.Sum64()] = map[string]bool{}
	}
	a.same[key][h.Sum64()][g.Model] = true
}

// Lines returns a line for each model and language.
func (a *Answers) Lines() []AnswerLine {
	identical := map[Spot]int{}
	for key, texts := range a.same {
		for _, models := range texts {
			for m := range models {
				if len(models) > 1 {
					identical[Spot{m, key[0]}]++
				}
			}
		}
	}
	var out []AnswerLine
	for _, s := range outputsBy[int](spotsOf(a.by)).spots() {
		l := *a.by[s]
		l.Queries, l.Identical = len(a.queries[s.Language]), identical[s]
		l.Missing = l.Queries - len(a.given[s])
		out = append(out, l)
	}
	return out
}

// AnswersTable shows the lines.
func AnswersTable(lines []AnswerLine, lang string) *table.Table {
	t := table.New(pick(lang, "回答", "Answers"), table.Text(pick(lang, "模型", "model")), table.Text(pick(lang, "语言", "language")), table.Num(pick(lang, "题", "queries")), table.Num(pick(lang, "回答", "answers")),
		table.Num(pick(lang, "缺", "missing")), table.Num(pick(lang, "空", "empty")), table.Num(pick(lang, "到上限截断", "cut at the limit")), table.Num(pick(lang, "与别的模型相同", "same as another's"))).As("answers")
	t.Note = pick(lang, "题：列出的，或任一模型答过的；缺：没有回答的题；相同：同一题上逐字相同", "queries: those listed, or answered by any model; missing: queries without an answer; the same: letter for letter on one query")
	for _, l := range lines {
		t.Add(l.Model, LanguageName(l.Language, lang), l.Queries, l.Answers, l.Missing, l.Empty, l.Cut, l.Identical)
	}
	return t
}

func answers(c *Corpus) Study {
	a := NewAnswers()
	return Study{"answers", func(r any) {
		switch r := r.(type) {
		case record.Query:
			a.Query(r)
		case record.Generation:
			a.Add(r)
		}
	}, func() (Result, error) {
		lines := a.Lines()
		if len(lines) == 0 {
			return Result{}, nil
		}
		return Result{Doc: lines, Tables: []*table.Table{AnswersTable(lines, c.Lang)}}, nil
	}}
}
