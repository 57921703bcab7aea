package release

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/record"
)

// A Fault is one thing about a release that is not as it was frozen.
type Fault struct {
	Where string `json:"where"` // an item, or a file and line
	Msg   string `json:"msg"`
}

// Verify recomputes every hash of a release from its frozen rows.
func Verify(ctx context.Context, d *db.DB, version string) ([]Fault, error) {
	r, err := Get(ctx, d, version)
	if err != nil {
		return nil, err
	}
	var faults []Fault
	h, n := sha256.New(), 0
	var line []byte // of the item, reused
	err = Each(ctx, d, r, func(it *Item) error {
		where := fmt.Sprintf("item %d (triplet %s)", it.Position, it.TripletID)
		if it.Position != n {
			faults = append(faults, Fault{where, fmt.Sprintf("item %d is missing before it", n)})
			n = it.Position
		}
		n++
		line = append(line[:0], it.Record...)
		if sum(line) != it.Hash {
			faults = append(faults, Fault{where, "the record was changed"})
		}
		h.Write(append(line, '\n'))
		return nil
	})
	if err != nil {
		return nil, err
	}
	if n != r.Items {
		faults = append(faults, Fault{"release " + r.Version, fmt.Sprintf("it has %d items, it was frozen with %d", n, r.Items)})
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != r.ContentHash || r.Manifest.V.ContentHash != r.ContentHash {
		faults = append(faults, Fault{"release " + r.Version, fmt.Sprintf("the content hash is %s, it was frozen as %s", got, r.ContentHash)})
	}
	return faults, nil
}

// VerifyDir recomputes an exported directory from its SHA256SUMS and manifest, with no
// database. A directory without them is errs.Invalid.
func VerifyDir(dir string) ([]Fault, error) {
	sums, err := os.Open(filepath.Join(dir, sumsFile))
	if err != nil {
		return nil, errs.Invalidf("%s is not an export of a release: %w", dir, err)
	}
	defer sums.Close()
	var faults []Fault
	files := 0
	sc := bufio.NewScanner(sums)
	for sc.Scan() {
		want, name, ok := strings.Cut(sc.Text(), "  ")
		if !ok || name != filepath.Base(name) {
			return nil, errs.Invalidf("%s: %q is not a line of a checksum file", sumsFile, sc.Text())
		}
		files++
		_, got, err := record.HashFile(filepath.Join(dir, name))
		switch {
		case errors.Is(err, os.ErrNotExist):
			faults = append(faults, Fault{name, "the file is missing"})
		case err != nil:
			return nil, err
		case got != want:
			faults = append(faults, Fault{name, "the file was changed"})
		}
	}
	if err := sc.Err(); err != nil || files == 0 {
		return nil, errs.Invalidf("%s is empty or broken: %v", sumsFile, err)
	}
	more, err := verifyLines(dir)
	return append(faults, more...), err
}

// verifyLines recomputes the content hash of a canonical export and its item hashes by line.
func verifyLines(dir string) ([]Fault, error) {
	raw, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if err != nil {
		return nil, errs.Invalidf("%s has no %s: %w", dir, manifestFile, err)
	}
	var m exportManifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, errs.Invalidf("%s: %w", manifestFile, err)
	}
	if m.Format != "jsonl" {
		return nil, nil // only the canonical records carry the content hash
	}
	f, err := os.Open(filepath.Join(dir, m.Data))
	if err != nil {
		return nil, nil //nolint:nilerr // reported as missing already
	}
	defer f.Close()
	rd, err := record.NewReader(m.Data, f)
	if err != nil {
		return []Fault{{m.Data, err.Error()}}, nil
	}
	defer rd.Close()
	var faults []Fault
	h, n := sha256.New(), 0
	for {
		raw, err := rd.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *record.BadRecord
		if errors.As(err, &bad) {
			faults = append(faults, Fault{fmt.Sprintf("%s:%d", m.Data, bad.Line), bad.Msg})
			n++
			continue
		}
		if err != nil {
			return nil, err
		}
		if n < len(m.Lines) && sum(raw.Data) != m.Lines[n] {
			faults = append(faults, Fault{fmt.Sprintf("%s:%d", m.Data, raw.Line), "the record was changed"})
		}
		n++
		h.Write(append(raw.Data, '\n'))
	}
	if n != m.Items {
		faults = append(faults, Fault{m.Data, fmt.Sprintf("it has %d records, the release has %d", n, m.Items)})
	}
	if hex.EncodeToString(h.Sum(nil)) != m.ContentHash {
		faults = append(faults, Fault{m.Data, "the content hash is not the release's"})
	}
	return faults, nil
}
