package source

import (
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/record"
)

// A manifest is what a collector wrote down beside a folder of pages: manifest.csv, with a
// column "file" and any of the columns below. It fills what a page does not say of itself and
// adds dates from outside the page, which are the strongest there are. Columns that only
// repeat the page (page_date, canonical_url) are not read: they would make one claim two.
type manifest map[string]manifestEntry

type manifestEntry map[string]string

var manifestColumns = map[string]bool{
	"file": true, "path": true, "path_date": true, "published_at": true, "git_first_seen": true, "first_seen": true,
	"archived_at": true, "platform": true, "author": true, "genre": true, "language": true, "url": true, "licence": true,
	"license": true, "likes": true, "shares": true, "comments": true,
}

// maxManifest bounds what is kept in memory: about 300,000 pages.
const maxManifest = 64 << 20

// readManifest reads a folder's manifest.csv; a folder without one has an empty manifest.
func readManifest(root *os.Root) (manifest, error) {
	f, err := root.Open("manifest.csv")
	if errors.Is(err, fs.ErrNotExist) {
		return manifest{}, nil
	}
	if err != nil {
		return nil, errs.Invalidf("%s/manifest.csv: cannot be read: %w", root.Name(), cause(err))
	}
	defer f.Close()
	r := csv.NewReader(io.LimitReader(f, maxManifest))
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	var columns []string
	m := manifest{}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return nil, errs.Invalidf("%s/manifest.csv: %w; mend it, or remove it", root.Name(), err)
		}
		if columns == nil {
			for _, c := range row {
				columns = append(columns, strings.ToLower(strings.TrimSpace(strings.TrimPrefix(c, "\ufeff"))))
			}
			if !contains(columns, "file") {
				return manifest{}, nil // a table of something else
			}
			continue
		}
		e, file := manifestEntry{}, ""
		for i, v := range row {
			if i < len(columns) && manifestColumns[columns[i]] && v != "" {
				e[columns[i]] = strings.Clone(v)
			}
		}
		if file = e["file"]; file != "" {
			m[file] = e
		}
	}
}

// add joins what the manifest says of a file to what was read from it.
func (m manifest) add(c *Candidate, path string) {
	e, ok := m[path]
	if !ok {
		return
	}
	fill := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	fill(&c.Platform, e["platform"])
	fill(&c.Author, e["author"])
	fill(&c.Genre, e["genre"])
	fill(&c.Language, baseLanguage(e["language"]))
	fill(&c.Licence, e["licence"])
	fill(&c.Licence, e["license"])
	if CheckURL(e["url"]) == nil {
		fill(&c.URL, e["url"])
	}
	for name, n := range map[string]*int64{"likes": &c.Likes, "shares": &c.Shares, "comments": &c.Comments} {
		if v, err := record.ParseCount(e[name]); err == nil && *n == 0 {
			*n = v
		}
	}
	if p := e["path"]; p != "" && e["path_date"] == "" {
		if d, words, ok := PathDate(p); ok {
			c.Evidence = append(c.Evidence, evidenceOf(KindPath, d, words, "manifest: "+clip(p, 150)))
		}
	}
	for _, col := range []struct{ name, kind string }{
		{"path_date", KindPath},
		{"published_at", KindField},
		{"git_first_seen", KindFirstSeen},
		{"first_seen", KindFirstSeen},
		{"archived_at", KindFirstSeen},
	} {
		if v := e[col.name]; v != "" {
			c.Evidence = append(c.Evidence, NewEvidence(col.kind, v, "manifest: "+col.name))
		}
	}
}
