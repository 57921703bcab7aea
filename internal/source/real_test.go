package source

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const realPages = "../../../shared/data/html_blogs_cc"

type manifestRow struct {
	file, pageDate, pathDate, path, seen, title, han, kind string
	trueDate                                               time.Time
}

func realManifest(t *testing.T) []manifestRow {
	t.Helper()
	f, err := os.Open(filepath.Join(realPages, "manifest.csv"))
	if err != nil {
		t.Skip("the real pages are not here: ", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	col := map[string]int{}
	for i, n := range rows[0] {
		col[n] = i
	}
	var out []manifestRow
	for _, r := range rows[1:] {
		m := manifestRow{file: r[col["file"]], pageDate: r[col["page_date"]], pathDate: r[col["path_date"]], path: r[col["path"]],
			seen: r[col["git_first_seen"]], title: r[col["title"]], han: r[col["han_chars"]], kind: r[col["kind"]]}
		for _, s := range []string{m.pageDate, m.pathDate, m.seen} {
			d, ok := ParseDate(s)
			if !ok {
				continue
			}
			_, to := d.span()
			if d.Precise != PreciseMonth {
				to = d.At
			} else {
				to = to.Add(-time.Second)
			}
			if m.trueDate.IsZero() || to.Before(m.trueDate) {
				m.trueDate = to
			}
		}
		out = append(out, m)
	}
	return out
}
