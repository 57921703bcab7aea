package mix

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"coigwriter/internal/errs"
	"coigwriter/internal/record"
)

// An input is a file to read.
type input struct {
	path string // to open it
	name string // below the plan's path: the same on every machine
	size int64
}

// inputs are the files of a plan's paths, in the order of their names, and the version of the export where
// a folder is one. An export must be of the release that is asked for, and be as it was written.
func (p Plan) inputs(at string, paths []string, release string) (out []input, version string, err error) {
	for _, given := range paths {
		path := given
		if !filepath.IsAbs(path) {
			path = filepath.Join(p.dir, path)
		}
		found, v, err := filesAt(path, release)
		switch {
		case err != nil:
			return nil, "", errs.Invalidf("%s: %s: %s: %w", p.file, at, given, err)
		case len(found) == 0:
			return nil, "", errs.Invalidf("%s: %s: %s: there are no files of records there", p.file, at, given)
		case release != "" && v == "":
			return nil, "", errs.Invalidf("%s: %s: %s is no export of a release, so it cannot be %s; leave release out, or name what coigwriter export wrote", p.file, at, given, release)
		case v != "" && version != "" && v != version:
			return nil, "", errs.Invalidf("%s: %s: exports of two releases, %s and %s: make two sources of them", p.file, at, version, v)
		}
		if v != "" {
			version = v
		}
		out = append(out, found...)
	}
	slices.SortFunc(out, func(a, b input) int { return strings.Compare(a.path, b.path) })
	out = slices.CompactFunc(out, func(a, b input) bool { return a.path == b.path })
	return out, version, nil
}

var endings = []string{".json", ".jsonl", ".json.gz", ".jsonl.gz", ".json.zst", ".jsonl.zst", ".parquet"}

// readable tells files of records from what stands beside them.
func readable(name string) bool {
	base := path.Base(filepath.ToSlash(name))
	return !strings.HasPrefix(base, ".") && base != ManifestFile && base != "dataset_info.json" &&
		slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(base, e) })
}

func filesAt(at, release string) ([]input, string, error) {
	if strings.ContainsAny(at, "*?[") {
		if _, err := os.Stat(at); err != nil { // a name may hold brackets
			found, err := filesLike(at)
			return found, "", err
		}
	}
	st, err := os.Stat(at)
	if err != nil {
		return nil, "", err
	}
	if !st.IsDir() {
		return []input{{at, filepath.Base(at), st.Size()}}, "", nil
	}
	dirs := []string{at}
	if release != "" { // a folder of exports
		dirs = append(dirs, filepath.Join(at, release), filepath.Join(at, "v"+release))
	}
	for _, dir := range dirs {
		if found, version, err := exportAt(dir, release); err != nil || found != nil {
			return found, version, err
		}
	}
	found, err := walk(at, readable)
	return found, "", err
}

// filesLike expands a pattern: * and ? stay within a folder, ** goes to any depth.
func filesLike(pattern string) ([]input, error) {
	base, rest := doublestar.SplitPattern(filepath.ToSlash(pattern))
	if !doublestar.ValidatePattern(rest) {
		return nil, fmt.Errorf("the pattern cannot be read")
	}
	return walk(filepath.FromSlash(base), func(name string) bool { return doublestar.MatchUnvalidated(rest, name) && readable(name) })
}

// walk lists the files below a folder whose name there, with slashes, is wanted.
func walk(dir string, want func(name string) bool) (out []input, err error) {
	err = filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, p)
		if name = filepath.ToSlash(name); err != nil || !want(name) {
			return err
		}
		st, err := os.Stat(p) // a link counts as what it points to
		if err == nil && st.Mode().IsRegular() {
			out = append(out, input{p, name, st.Size()})
		}
		return err
	})
	return out, err
}

// exportAt reads what a release's export says of itself; nil for a folder that is none.
func exportAt(dir, release string) ([]input, string, error) {
	data, err := os.ReadFile(filepath.Join(dir, ManifestFile))
	if err != nil {
		return nil, "", nil //nolint:nilerr // no manifest: a folder of files
	}
	var m struct {
		Version string `json:"version"`
		Data    string `json:"data"`
	}
	if json.Unmarshal(data, &m) != nil || m.Version == "" || m.Data == "" || m.Data != filepath.Base(m.Data) {
		return nil, "", nil
	}
	if release != "" && m.Version != strings.TrimPrefix(release, "v") {
		return nil, "", fmt.Errorf("is release %s, the plan wants %s", m.Version, release)
	}
	file := filepath.Join(dir, m.Data)
	st, err := os.Stat(file)
	if err != nil {
		return nil, "", err
	}
	_, sum, err := record.HashFile(file)
	if err != nil {
		return nil, "", err
	}
	if want := sumIn(filepath.Join(dir, "SHA256SUMS"), m.Data); want != "" && want != sum {
		return nil, "", fmt.Errorf("%s is not as it was exported; see coigwriter release verify", m.Data)
	}
	return []input{{file, m.Data, st.Size()}}, m.Version, nil
}

// sumIn finds a file's line in a file of check sums.
func sumIn(sums, name string) string {
	f, err := os.Open(sums)
	if err != nil {
		return ""
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if sum, of, ok := strings.Cut(sc.Text(), "  "); ok && of == name {
			return sum
		}
	}
	return ""
}

// records is what reads a file: JSON in any form, or Parquet.
type records interface {
	Next() (record.Raw, error)
	Close() error
}

// each calls f with every record of a file. What cannot be read, or what f refuses with a
// *record.BadRecord, goes to bad and the rest goes on. counted sees every byte as it is read. It returns
// the file's hash and its number of records, bad ones included.
func (in input) each(ctx context.Context, counted io.Writer, f func(record.Raw) error, bad func(*record.BadRecord) error) (sum string, n int, err error) {
	file, err := os.Open(in.path)
	if err != nil {
		return "", 0, errs.Invalidf("%w", err)
	}
	defer file.Close()
	h := sha256.New()
	seen := io.TeeReader(file, io.MultiWriter(h, counted))
	var rs records
	if isParquet(file) {
		if _, err := io.Copy(io.Discard, seen); err != nil {
			return "", 0, errs.Invalidf("%w", err)
		}
		rs, err = record.NewParquetReader(in.path, file, in.size)
	} else {
		rs, err = record.NewReader(in.path, seen)
	}
	if err != nil {
		return "", 0, err
	}
	defer rs.Close()
	for ctx.Err() == nil {
		raw, err := rs.Next()
		if errors.Is(err, io.EOF) {
			_, err := io.Copy(io.Discard, seen) // what stands behind the end of a document
			return hex.EncodeToString(h.Sum(nil)), n, err
		}
		n++
		if err == nil {
			err = f(raw)
		}
		var refused *record.BadRecord
		switch {
		case errors.As(err, &refused):
			if err := bad(refused); err != nil {
				return "", n, err
			}
		case err != nil:
			return "", n, err
		}
	}
	return "", n, ctx.Err()
}

// isParquet looks at the first bytes, and leaves the file at its beginning.
func isParquet(f *os.File) bool {
	var magic [4]byte
	_, err := f.ReadAt(magic[:], 0)
	return err == nil && string(magic[:]) == "PAR1"
}
