package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/record"
)

// A Fault is one thing about a report that is not as it was made.
type Fault struct {
	File string `json:"file"`
	Msg  string `json:"msg"`
}

// Verify checks the inputs of a report against its manifest, makes everything again from them in temp, an
// empty directory, and compares every file byte for byte. Where an input was changed nothing is made again:
// all would differ.
func Verify(ctx context.Context, dir, temp string) (m Manifest, faults []Fault, err error) {
	if m, err = ReadManifest(dir); err != nil {
		return m, nil, err
	}
	if faults, err = verifyInputs(dir, m); err != nil || len(faults) > 0 {
		return m, faults, err
	}
	if _, err := Build(ctx, filepath.Join(dir, inputsDir), m, temp); err != nil {
		return m, nil, err
	}
	made, err := files(temp)
	if err != nil {
		return m, nil, err
	}
	there, err := files(dir)
	if err != nil {
		return m, nil, err
	}
	for _, name := range made {
		if !slices.Contains(there, name) {
			faults = append(faults, Fault{name, "is missing"})
			continue
		}
		same, err := equal(filepath.Join(temp, name), filepath.Join(dir, name))
		if err != nil {
			return m, faults, err
		}
		if !same {
			faults = append(faults, Fault{name, "is not what the inputs and the manifest give"})
		}
	}
	for _, name := range there {
		if !slices.Contains(made, name) && ours(name) {
			faults = append(faults, Fault{name, "is not of this report"})
		}
	}
	return m, faults, nil
}

// verifyInputs compares the inputs with the hashes they were frozen with.
func verifyInputs(dir string, m Manifest) (faults []Fault, err error) {
	entries, err := os.ReadDir(filepath.Join(dir, inputsDir))
	if err != nil {
		return nil, errs.Invalidf("%s is no whole report: %w", dir, err)
	}
	known := map[string]bool{}
	for _, in := range m.Inputs {
		known[in.File] = true
		name := filepath.Join(inputsDir, in.File)
		n, sum, err := record.HashFile(filepath.Join(dir, name))
		switch {
		case errors.Is(err, os.ErrNotExist):
			faults = append(faults, Fault{filepath.ToSlash(name), "is missing"})
		case err != nil:
			return nil, errs.Unavailablef("report: %w", err)
		case sum != in.SHA256:
			faults = append(faults, Fault{filepath.ToSlash(name), fmt.Sprintf("was changed: its SHA-256 is %s (%d bytes), it was frozen as %s (%d bytes)", sum, n, in.SHA256, in.Bytes)})
		}
	}
	for _, e := range entries {
		if !known[e.Name()] {
			faults = append(faults, Fault{inputsDir + "/" + e.Name(), "is not in the manifest"})
		}
	}
	return faults, nil
}

// ours reports whether a file stands where only the report's own do. Others, such as a printed PDF, may
// lie beside them.
func ours(name string) bool {
	return strings.HasPrefix(name, tablesDir+"/") || strings.HasPrefix(name, figuresDir+"/") || name == "report.html" || name == "report.zh.html" || name == "report.en.html"
}

// files are the files under a directory but the inputs and the manifest, with slashes, in order.
func files(dir string) (out []string, err error) {
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		switch name = filepath.ToSlash(name); {
		case err != nil:
			return err
		case name == inputsDir:
			return filepath.SkipDir
		case !e.IsDir() && name != manifestFile:
			out = append(out, name)
		}
		return nil
	})
	if err != nil {
		return nil, errs.Unavailablef("report: %w", err)
	}
	return out, nil
}

// equal compares two files, without holding them.
func equal(a, b string) (bool, error) {
	x, err := os.Open(a)
	if err != nil {
		return false, errs.Unavailablef("report: %w", err)
	}
	defer x.Close()
	y, err := os.Open(b)
	if err != nil {
		return false, errs.Unavailablef("report: %w", err)
	}
	defer y.Close()
	p, q := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, errX := io.ReadFull(x, p)
		m, errY := io.ReadFull(y, q)
		if n != m || !bytes.Equal(p[:n], q[:m]) {
			return false, nil
		}
		switch {
		case errX != nil && errY != nil: // both at their end: n is m
			return true, nil
		case errX != nil || errY != nil:
			return false, nil
		}
	}
}

// Replace puts a report that was made in a directory of its own into its place. What stood there is
// replaced only where it is a report too; any other directory that is not empty is refused.
func Replace(made, dir string) error {
	if err := Free(dir); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return errs.Unavailablef("report: %w", err)
	}
	if err := os.Rename(made, dir); err != nil {
		return errs.Unavailablef("report: %w", err)
	}
	return os.Chmod(dir, 0o755)
}

// Free reports whether a report may be put into a directory: it is not there, is empty, or holds nothing
// but a report.
func Free(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return errs.Invalidf("output: %w", err)
	}
	manifest := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == manifestFile })
	for _, e := range entries {
		switch name := e.Name(); {
		case manifest && (name == manifestFile || name == inputsDir || name == tablesDir || name == figuresDir || ours(name)):
		default:
			return errs.Invalidf("%s holds %s, which is of no report: give a new directory", dir, name)
		}
	}
	return nil
}
