package release

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/project"
	"coigwriter/internal/record"
)

// The files beside the data.
const (
	manifestFile = "manifest.json"
	sumsFile     = "SHA256SUMS"
	cardFile     = "README.md"
	llfFile      = "dataset_info.json"
)

// ExportOptions say how to write a release.
type ExportOptions struct {
	Format    string // a name of [Formats]
	Reasoning string // one of [Reasonings]; think when empty
	Dir       string // made when it does not exist
}

// exportManifest is the manifest with what the export adds.
type exportManifest struct {
	Manifest
	Format    string   `json:"format"`
	Reasoning string   `json:"reasoning,omitempty"`
	Data      string   `json:"data"`
	Lines     []string `json:"lines,omitempty"` // SHA-256 of each canonical line
}

// Export writes a release into a directory: the data, its manifest, the dataset card and the
// check sums. Each file appears whole or not at all; memory does not grow with the release
// beyond one hash a record. It returns the files' names.
func Export(ctx context.Context, d *db.DB, version string, o ExportOptions) ([]string, error) {
	f, err := FormatOf(o.Format)
	if err != nil {
		return nil, err
	}
	if o.Reasoning == "" {
		o.Reasoning = Think
	}
	if !slices.Contains(Reasonings, o.Reasoning) {
		return nil, errs.Invalidf("reasoning %q: there are %s", o.Reasoning, strings.Join(Reasonings, ", "))
	}
	r, err := Get(ctx, d, version)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, errs.Unavailablef("export: %w", err)
	}
	m := exportManifest{Manifest: r.Manifest.V, Format: f.Name, Data: f.File}
	if f.Name != "jsonl" && f.Name != "parquet" && f.Name != "coig" {
		m.Reasoning = o.Reasoning
	}
	tax, err := project.Taxonomy(ctx, d)
	if err != nil {
		return nil, err
	}
	card := newCard(r, f, tax)
	if err := writeData(ctx, d, r, f, o, &m, card); err != nil {
		return nil, err
	}
	files := []string{f.File}
	small := []struct {
		name string
		data []byte
	}{{manifestFile, pretty(m)}, {cardFile, card.render()}}
	if f.llf != nil {
		info := map[string]any{"file_name": f.File}
		for k, v := range f.llf {
			info[k] = v
		}
		small = append(small, struct {
			name string
			data []byte
		}{llfFile, pretty(map[string]any{"coigwriter": info})})
	}
	for _, s := range small {
		if err := writeFile(filepath.Join(o.Dir, s.name), s.data); err != nil {
			return nil, err
		}
		files = append(files, s.name)
	}
	var sums strings.Builder
	for _, name := range files {
		_, h, err := record.HashFile(filepath.Join(o.Dir, name))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&sums, "%s  %s\n", h, name)
	}
	return append(files, sumsFile), writeFile(filepath.Join(o.Dir, sumsFile), []byte(sums.String()))
}

func writeData(ctx context.Context, d *db.DB, r *Release, f Format, o ExportOptions, m *exportManifest, c *card) error {
	path := filepath.Join(o.Dir, f.File)
	if f.line == nil {
		return writeParquet(ctx, d, r, path, c)
	}
	w, err := record.Create(path)
	if err != nil {
		return err
	}
	defer w.Abort()
	err = Each(ctx, d, r, func(it *Item) error {
		rec, err := it.decode()
		if err != nil {
			return err
		}
		c.add(rec)
		if f.Name == "jsonl" { // the frozen bytes themselves
			m.Lines = append(m.Lines, it.Hash)
			return w.WriteLine([]byte(it.Record))
		}
		line, err := f.line(rec, o.Reasoning)
		if err != nil {
			return err
		}
		return w.Write(line)
	})
	if err != nil {
		return err
	}
	return w.Close()
}

func writeParquet(ctx context.Context, d *db.DB, r *Release, path string, c *card) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return errs.Unavailablef("export: %w", err)
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	w := parquet.NewGenericWriter[parquetRow](tmp, parquetOptions...)
	err = Each(ctx, d, r, func(it *Item) error {
		rec, err := it.decode()
		if err != nil {
			return err
		}
		c.add(rec)
		_, err = w.Write([]parquetRow{rowOf(rec)})
		return err
	})
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if err != nil {
		return errs.Unavailablef("export %s: %w", path, err)
	}
	return os.Rename(tmp.Name(), path)
}

func (it *Item) decode() (Record, error) {
	var rec Record
	if err := json.Unmarshal([]byte(it.Record), &rec); err != nil {
		return rec, fmt.Errorf("item %d of the release: %w; run release verify", it.Position, err)
	}
	return rec, nil
}

func pretty(v any) []byte {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // unreachable: manifests always marshal
	}
	return append(b, '\n')
}

func writeFile(path string, data []byte) error {
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		return errs.Unavailablef("write %s: %w", path, err)
	}
	return os.Rename(tmp, path)
}
