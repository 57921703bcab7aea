package bench

import (
	"context"
	"fmt"
	"strings"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/record"
	"coigwriter/internal/text"
)

// An ImportReport says what became of the answers of a file.
type ImportReport struct {
	Read    int       `json:"read"`
	Added   int       `json:"added"`
	Same    int       `json:"same"`  // there already, with the same output
	Empty   int       `json:"empty"` // of Added
	Cut     int       `json:"cut"`   // of Added: at the limit of tokens
	Models  []string  `json:"models"`
	Refused []Refused `json:"-"`
}

// importAtOnce is how many answers are written in one transaction.
const importAtOnce = 200

// ImportAnswers adds answers that were made elsewhere to the queries of a frozen set, matched by query
// id; sample says which of a model's answers each is. One that is there already with another output is
// refused: an answer never changes under the votes about it. So is one whose record has another prompt
// than the query: it answers something else.
func ImportAnswers(ctx context.Context, d *db.DB, by, setID string, gs []record.Generation) (rep ImportReport, err error) {
	defer errs.Wrap(&err, "import answers")
	s, err := GetSet(ctx, d, setID)
	if err != nil {
		return rep, err
	}
	if err := s.answerable(); err != nil {
		return rep, err
	}
	qs, err := Queries(ctx, d, setID)
	if err != nil {
		return rep, err
	}
	byCode := map[string]Query{}
	for _, q := range qs {
		byCode[q.Code] = q
	}
	rep.Read, rep.Models = len(gs), []string{}
	seen := map[string]bool{}
	for _, g := range gs {
		if g.Model != "" && !seen[g.Model] {
			seen[g.Model], rep.Models = true, append(rep.Models, g.Model)
		}
	}
	for from := 0; from < len(gs); from += importAtOnce {
		var batch ImportReport
		err := d.Transact(ctx, func(tx *db.DB) error {
			batch = ImportReport{} // the transaction may be tried again
			return importSome(ctx, tx, by, byCode, gs[from:min(from+importAtOnce, len(gs))], &batch)
		})
		if err != nil {
			return rep, err
		}
		rep.Added, rep.Same, rep.Empty, rep.Cut = rep.Added+batch.Added, rep.Same+batch.Same, rep.Empty+batch.Empty, rep.Cut+batch.Cut
		rep.Refused = append(rep.Refused, batch.Refused...)
	}
	return rep, nil
}

func importSome(ctx context.Context, tx *db.DB, by string, byCode map[string]Query, gs []record.Generation, rep *ImportReport) error {
	var entries []audit.Entry
	for _, g := range gs {
		q, ok := byCode[g.QueryID]
		if why := unusable(g, q, ok); why != "" {
			rep.Refused = append(rep.Refused, Refused{g, errs.Invalidf("%s", why)})
			continue
		}
		a := imported(g, q, tx, by)
		n, err := tx.InsertNew(ctx, &a)
		if err != nil {
			return err
		}
		if n == 0 {
			var old Answer
			if err := tx.One(ctx, &old, `SELECT output, failure FROM answer WHERE query_id = ? AND model = ? AND sample = ?`, q.ID, a.Model, a.Sample); err != nil {
				return err
			}
			if old.Output == a.Output && old.Failure == a.Failure {
				rep.Same++
			} else {
				rep.Refused = append(rep.Refused, Refused{g, errs.Conflictf("query %s: %s has another answer already (sample %d); give this one another sample number, or the model another name", g.QueryID, g.Model, a.Sample)})
			}
			continue
		}
		rep.Added++
		if a.Empty() {
			rep.Empty++
		}
		if a.Cut() {
			rep.Cut++
		}
		entries = append(entries, audit.Entry{Kind: "answer", ID: a.ID, Actor: by, Action: "import", Data: map[string]any{"query": q.Code, "model": a.Model, "sample": a.Sample, "output": text.ContentHash(a.Output)}})
	}
	return audit.RecordNew(ctx, tx, entries)
}

// unusable says why a record cannot be an answer to q; "" where it can. ok says whether there is such a
// query.
func unusable(g record.Generation, q Query, ok bool) string {
	switch prompt := text.Normalize(g.Prompt); {
	case !ok:
		return fmt.Sprintf("query_id %q is no query of this set", g.QueryID)
	case g.Model == "":
		return fmt.Sprintf("query %s: the record names no model", g.QueryID)
	case len(g.Model) > maxModel:
		return fmt.Sprintf("query %s: the model's name is longer than %d bytes", g.QueryID, maxModel)
	case g.Sample < 0:
		return fmt.Sprintf("query %s: sample %d: they count from 0", g.QueryID, g.Sample)
	case strings.ContainsRune(g.Output+g.Reasoning+g.Model, 0):
		return fmt.Sprintf("query %s: the record holds a NUL character", g.QueryID)
	case prompt != "" && !strings.Contains(prompt, q.Prompt):
		return fmt.Sprintf("query %s: the record's prompt is not the query's: it answers something else", g.QueryID)
	}
	return ""
}

// maxModel bounds the name of a model.
const maxModel = 200

func imported(g record.Generation, q Query, tx *db.DB, by string) Answer {
	a := Answer{
		ID: db.NewID(), QueryID: q.ID, Model: g.Model, Sample: g.Sample, Reasoning: g.Reasoning, Output: g.Output, Finish: g.Finish, Thought: g.Thought, Failure: g.Failure,
		PromptTokens: int64(g.PromptTokens), CompletionTokens: int64(g.Tokens), Origin: Imported, CreatedAt: tx.Now(), CreatedBy: by,
		Scripted: g.Scripted || llm.IsScripted(g.Model),
	}
	a.Settings.V = g.Settings
	a.measure()
	return a
}
