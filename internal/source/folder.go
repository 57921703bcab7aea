package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/record"
)

// A found is one file that an import will read.
type found struct {
	root *os.Root // the folder it was found in; nil for a file named by the person
	name string   // as messages call it
	path string   // inside root
	size int64
	err  error // it is there but cannot be listed
}

func (f found) open() (io.ReadCloser, error) {
	if f.root == nil {
		return os.Open(f.name)
	}
	return f.root.Open(f.path) // refuses to leave the folder, whatever links lie in it
}

// collect lists the files of the paths in the order they will be read: as named, folders sorted
// and with what lies below. A path that does not exist ends the import before it begins. Hidden
// files, links and README files of a folder are passed over, other formats are not touched.
func collect(ctx context.Context, paths []string) (files []found, closeAll func(), err error) {
	var roots []*os.Root
	closeAll = func() {
		for _, r := range roots {
			r.Close()
		}
	}
	defer func() {
		if err != nil {
			closeAll()
		}
	}()
	for _, p := range paths {
		info, err := os.Stat(p)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, closeAll, errs.Invalidf("%s: there is no such file or folder", p)
		case err != nil:
			return nil, closeAll, errs.Invalidf("%s: cannot be read: %w; give this program the right to read it", p, cause(err))
		case !info.IsDir():
			if _, ok := ReaderFor(p); !ok {
				return nil, closeAll, errs.Invalidf("%s: a format that is not read; the endings known are %s", p, Extensions())
			}
			files = append(files, found{name: p, path: filepath.ToSlash(filepath.Base(p)), size: info.Size()})
			continue
		}
		root, err := os.OpenRoot(p)
		if err != nil {
			return nil, closeAll, errs.Invalidf("%s: cannot be opened: %w; give this program the right to read the folder", p, cause(err))
		}
		roots = append(roots, root)
		below, err := listFolder(ctx, p, root)
		if err != nil {
			return nil, closeAll, err
		}
		if len(below) == 0 {
			return nil, closeAll, errs.Invalidf("%s: no file in it that is read; the endings known are %s", p, Extensions())
		}
		files = append(files, below...)
	}
	return files, closeAll, nil
}

func listFolder(ctx context.Context, dir string, root *os.Root) ([]found, error) {
	var files []found
	err := fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		if cerr := ctx.Err(); cerr != nil {
			return cerr
		}
		if err != nil {
			if p == "." {
				return errs.Invalidf("%s: cannot be listed: %w; give this program the right to read the folder", dir, cause(err))
			}
			files = append(files, found{root: root, name: filepath.Join(dir, filepath.FromSlash(p)), path: p, err: err})
			return fs.SkipDir
		}
		hidden := p != "." && strings.HasPrefix(d.Name(), ".")
		switch {
		case d.IsDir() && hidden:
			return fs.SkipDir
		case d.IsDir() || hidden || !d.Type().IsRegular():
			return nil
		case strings.HasPrefix(strings.ToUpper(d.Name()), "README."):
			return nil
		}
		if _, ok := ReaderFor(p); !ok {
			return nil
		}
		f := found{root: root, name: filepath.Join(dir, filepath.FromSlash(p)), path: p}
		if info, err := d.Info(); err == nil {
			f.size = info.Size()
		}
		files = append(files, f)
		return nil
	})
	return files, err
}

// cause drops the path an OS error repeats.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// readAll reads the files in turn. manifest rows are added to the texts they speak of.
func readAll(ctx context.Context, files []found, mapping map[string]string, progress func(int64), yield Yield) error {
	manifests := map[*os.Root]manifest{}
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		m, ok := manifests[f.root]
		if !ok && f.root != nil {
			var err error
			if m, err = readManifest(f.root); err != nil {
				return err
			}
			manifests[f.root] = m
		}
		err := readOne(ctx, f, mapping, progress, func(c Candidate, err error) error {
			if err == nil {
				m.add(&c, f.path)
			}
			return yield(c, err)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func readOne(ctx context.Context, f found, mapping map[string]string, progress func(int64), yield Yield) error {
	refuse := func(format string, a ...any) error {
		return yield(Candidate{File: f.name}, &record.BadRecord{File: f.name, Msg: fmt.Sprintf(format, a...)})
	}
	if f.err != nil {
		return refuse("cannot be read: %v; give this program the right to read it", cause(f.err))
	}
	r, _ := ReaderFor(f.path)
	in, err := f.open()
	if err != nil {
		return refuse("cannot be read: %v; give this program the right to read it", cause(err))
	}
	defer in.Close()
	counted := &countingReader{r: in, tell: progress}
	var stop error // what yield said, which ends the import; a damaged file only ends itself
	err = r.Read(ctx, Input{Name: f.name, Path: path.Clean(f.path), From: counted, Mapping: mapping}, func(c Candidate, err error) error {
		stop = yield(c, err)
		return stop
	})
	switch {
	case stop != nil:
		return stop
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return refuse("%s", strings.TrimPrefix(err.Error(), f.name+": "))
	}
	return nil
}

type countingReader struct {
	r    io.Reader
	tell func(int64)
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.tell != nil {
		c.tell(int64(n))
	}
	return n, err
}
