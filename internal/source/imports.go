package source

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// Imported is one import as it is remembered: who, when, which files, what became of them.
type Imported struct {
	bun.BaseModel `bun:"table:import"`

	ID        string
	At        time.Time
	DoneAt    *time.Time // nil while it runs, or when the program was ended under it
	ByPerson  string     // a person's ID, or "system" for the command
	Files     db.JSON[[]string]
	ReadCount int
	Added     int
	Same      int
	Duplicate int
	Refused   int
	Error     string          // why it stopped, "" when it reached its end
	Report    db.JSON[Report] // the whole report; empty while it runs
	Mendable  bool            `bun:",scanonly"` // whether RefusedRecords has something
}

const importColumns = `id, at, done_at, by_person, files, read_count, added, same, duplicate, refused, error, report, refused_records <> '' AS mendable`

// GetImport returns one import, or NotFound.
func GetImport(ctx context.Context, d *db.DB, id string) (_ *Imported, err error) {
	defer errs.Wrap(&err, "import %s", id)
	im := &Imported{}
	return im, d.One(ctx, im, `SELECT `+importColumns+` FROM import WHERE id = ?`, id)
}

// Imports returns the newest imports, at most n.
func Imports(ctx context.Context, d *db.DB, n int) ([]Imported, error) {
	var rows []Imported
	err := d.All(ctx, &rows, `SELECT `+importColumns+` FROM import ORDER BY id DESC LIMIT ?`, n)
	return rows, err
}

// KeepRefused stores the records of an import that could not be read (JSON Lines, as
// ImportOptions.Refused gets them), so that whoever uploaded the file can fetch them.
func KeepRefused(ctx context.Context, d *db.DB, id, records string) error {
	_, err := d.Exec(ctx, `UPDATE import SET refused_records = ? WHERE id = ?`, records, id)
	return err
}

// RefusedRecords returns what KeepRefused stored, or NotFound.
func RefusedRecords(ctx context.Context, d *db.DB, id string) (records string, err error) {
	defer errs.Wrap(&err, "refused records of import %s", id)
	if err := d.One(ctx, &records, `SELECT refused_records FROM import WHERE id = ?`, id); err != nil {
		return "", err
	}
	if records == "" {
		return "", errs.NotFoundf("none are kept here; an import by command writes them to a file of its own")
	}
	return records, nil
}

// finish notes the end of the import, also when it failed: a person will look for it.
func (im *importer) finish(row Imported, failed error) error {
	words := ""
	if failed != nil {
		words = clip(failed.Error(), 500)
	}
	r := &im.report
	_, err := im.d.Exec(context.Background(), `UPDATE import SET done_at = ?, read_count = ?, added = ?, same = ?, duplicate = ?, refused = ?, error = ?, report = ?
		WHERE id = ?`, im.d.Now(), r.Read, r.Added, r.Same, r.Duplicate, r.Refused, words, db.AsJSON(*r), row.ID)
	if failed != nil {
		return nil // the first failure is the one to show
	}
	return err
}

// stripped takes a beginning off all paths.
func stripped(paths []string, beginning string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = strings.TrimPrefix(p, beginning)
	}
	return out
}
