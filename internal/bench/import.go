package bench

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"io"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/record"
)

// starterFiles are our own queries, CC0: two or three of every genre in each language.
//
//go:embed starter/*.jsonl
var starterFiles embed.FS

// Starter returns the queries of the starter set in a language: zh, en, or "" for both.
func Starter(language string) (qs []record.Query, err error) {
	for _, lang := range Languages {
		if language != "" && language != lang {
			continue
		}
		name := "starter/" + lang + ".jsonl"
		data, err := starterFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		r, err := record.NewReader(name, bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		for {
			raw, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			q, err := record.DecodeQuery(raw)
			if err != nil {
				return nil, err
			}
			qs = append(qs, q)
		}
	}
	return qs, nil
}

// StarterName is what the starter set of a language is called.
func StarterName(language string) string {
	if language == "" {
		return "starter"
	}
	return "starter-" + language
}

// A Refused is a record that is no query, or no answer to one.
type Refused struct {
	Record any   // as it was read
	Err    error // why
}

// Prepare turns records into queries that are in no set yet; those that cannot be are returned.
func Prepare(tax *genre.Taxonomy, rs []record.Query) (qs []Query, refused []Refused) {
	seen := map[string]bool{}
	for _, r := range rs {
		q := QueryOf(r)
		err := q.settle(tax)
		if err == nil && seen[q.Code] {
			err = errs.Invalidf("id %q stands twice", q.Code)
		}
		if err != nil {
			refused = append(refused, Refused{r, err})
			continue
		}
		seen[q.Code] = true
		qs = append(qs, q)
	}
	return qs, refused
}

// ImportQueries makes a new draft of records, or the next version of a name that is there. Those that
// cannot be queries are returned, and the rest goes in; none at all is an error. freeze freezes the set
// at once, which is refused where a record was.
func ImportQueries(ctx context.Context, d *db.DB, tax *genre.Taxonomy, by, name, note string, rs []record.Query, freeze bool) (s Set, refused []Refused, err error) {
	defer errs.Wrap(&err, "import queries")
	qs, refused := Prepare(tax, rs)
	switch {
	case len(qs) == 0 && len(refused) > 0:
		return s, refused, errs.Invalidf("none of %d records is a query; the first: %v", len(refused), refused[0].Err)
	case len(qs) == 0:
		return s, refused, errs.Invalidf("there are no queries")
	}
	err = d.Transact(ctx, func(tx *db.DB) error {
		if s, err = newSet(ctx, tx, by, name, note); err != nil {
			return err
		}
		entries := make([]audit.Entry, len(qs))
		for i := range qs {
			q := &qs[i]
			q.ID, q.SetID, q.Position, q.UpdatedAt = db.NewID(), s.ID, i+1, tx.Now()
			entries[i] = audit.Entry{Kind: "query", ID: q.ID, Actor: by, Action: "import", Data: q.Record()}
		}
		if err := tx.Insert(ctx, &qs); err != nil {
			return err
		}
		if err := audit.RecordNew(ctx, tx, entries); err != nil {
			return err
		}
		if freeze && len(refused) == 0 {
			s, err = move(ctx, tx, by, s.ID, Frozen)
		}
		return err
	})
	return s, refused, err
}
