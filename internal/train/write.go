package train

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"coigwriter/internal/errs"
)

// WriteFiles writes a run's files below its directory.
func WriteFiles(ctx context.Context, dir string, files []File) (err error) {
	defer errs.Wrap(&err, "write the run's files")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) {
			return fmt.Errorf("%q does not lie below the run's directory", f.Path)
		}
		if err := writeFile(ctx, filepath.Join(dir, filepath.FromSlash(f.Path)), f); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes beside the file and renames: an engine never reads half of one.
func writeFile(ctx context.Context, path string, f File) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	w := bufio.NewWriter(tmp)
	err = f.Write(ctx, w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// WriteJob writes what was asked beside what the engine reads.
func WriteJob(ctx context.Context, j Job) error {
	b, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return err
	}
	return WriteFiles(ctx, j.Dir, []File{textFile(JobFile, string(b)+"\n")})
}

// ReadJob reads what [WriteJob] wrote.
func ReadJob(dir string) (j Job, err error) {
	b, err := os.ReadFile(filepath.Join(dir, JobFile))
	if err != nil {
		return j, errs.NotFoundf("%s is no run's directory: %w", dir, err)
	}
	if err := json.Unmarshal(b, &j); err != nil {
		return j, errs.Invalidf("%s: %w", filepath.Join(dir, JobFile), err)
	}
	return j, nil
}
