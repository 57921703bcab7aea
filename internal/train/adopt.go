package train

import (
	"context"
	"os"
	"path/filepath"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// Adopt keeps a run that somebody else starts, as on a cluster, by the directory that was written for it.
// From then on it is looked at like one of our own, by its files alone: its processes are elsewhere.
func Adopt(ctx context.Context, d *db.DB, by, dir, gpuHour string) (r Run, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return r, err
	}
	job, err := ReadJob(dir)
	if err != nil {
		return r, err
	}
	e, err := engineIn(dir, job)
	if err != nil {
		return r, err
	}
	m, err := AddMix(ctx, d, by, job.Mix)
	if err != nil {
		return r, err
	}
	if _, err := m.Manifest.V.Configuration(job.Configuration); err != nil {
		return r, err
	}
	name, err := FreeName(ctx, d, job.Name)
	if err != nil {
		return r, err
	}
	job.Dir = dir
	r = Run{Name: name, MixID: m.ID, Configuration: job.Configuration, Engine: e.Name(), Probe: db.AsJSON(Probe{Engine: e.Name(), Python: job.Python}), Job: db.AsJSON(job), Dir: dir, GPUHour: gpuHour}
	if job.Topology.Launcher == Local {
		return r, errs.Conflictf("%s was made for this machine: start it with coigwriter train, which follows it itself", dir)
	}
	if err := Add(ctx, d, by, &r); err != nil {
		return r, err
	}
	return move(ctx, d, by, r.ID, Running, func(tx *db.DB, r *Run) error {
		now := tx.Now()
		r.Attempt, r.StartedAt = 1, &now
		return nil
	})
}

// engineIn tells by its files which engine a run's directory was written for: each has a log of its own
// place, and TRL our runner.
func engineIn(dir string, j Job) (Engine, error) {
	has := func(path ...string) bool {
		_, err := os.Stat(filepath.Join(append([]string{dir}, path...)...))
		return err == nil
	}
	switch {
	case has("trl_runner.py"):
		return TRL{}, nil
	case has(dataDir, "dataset_info.json"):
		return LlamaFactory{}, nil
	case has(settingsFile):
		return Swift{}, nil
	}
	return nil, errs.NotFoundf("%s holds no files of an engine: coigwriter train %s --launcher … --print writes them", dir, j.Mix)
}
