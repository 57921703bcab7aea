package train

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/mix"
)

// A Want is what somebody wants trained: configurations of a mix, alike in everything else.
type Want struct {
	Mix            Mix
	Configurations []string // none for all of them
	Engine         Engine
	Probe          Probe
	Python         string
	Model          string
	Settings       Settings
	Topology       Topology
	Root           string // runs get their directories below it
	Name           string // of the runs, before the configuration's; "" for the mix's
	GPUHour        string
	Queued         bool
}

// Runs checks every run that is wanted and returns them, with warnings; nothing is written and nothing
// is started. name makes a name free.
func (w Want) Runs(free func(name string) (string, error)) ([]Run, error) {
	if strings.TrimSpace(w.Model) == "" {
		return nil, errs.Fields(errs.Field{Name: "model", Key: "train.no_model", Msg: "name the checkpoint to start from"})
	}
	if err := errs.Fields(append(errs.FieldsOf(w.Settings.Check()), errs.FieldsOf(w.Topology.Check())...)...); err != nil {
		return nil, err
	}
	configs, err := w.configurations()
	if err != nil {
		return nil, err
	}
	var out []Run
	for _, c := range configs {
		base := w.Name
		if base == "" {
			base = w.Mix.Name
		}
		name, err := free(plainName(base, w.Mix.Hash) + "-" + c.Name)
		if err != nil {
			return nil, err
		}
		job := Job{
			Name: name, Dir: filepath.Join(w.Root, name), Mix: w.Mix.Path, Configuration: c.Name, Model: w.Model, Python: w.Python, Settings: w.Settings, Topology: w.Topology,
		}
		if err := unused(job.Dir); err != nil {
			return nil, err
		}
		warnings, err := w.Engine.Check(job, w.Probe)
		if err != nil {
			return nil, prefixed(c.Name, err)
		}
		out = append(out, Run{
			Name: name, MixID: w.Mix.ID, Configuration: c.Name, Engine: w.Engine.Name(), Probe: db.AsJSON(w.Probe), Job: db.AsJSON(job), Warnings: db.AsJSON(warnings),
			Dir: job.Dir, GPUHour: w.GPUHour, Queued: w.Queued,
		})
	}
	return out, nil
}

func prefixed(name string, err error) error {
	if len(errs.FieldsOf(err)) > 0 {
		return err // it is said beside the field
	}
	return errs.Invalidf("%s: %w", name, err)
}

func (w Want) configurations() ([]mix.Configuration, error) {
	if len(w.Configurations) == 0 {
		return w.Mix.Manifest.V.Configurations, nil
	}
	var out []mix.Configuration
	for _, name := range w.Configurations {
		c, err := w.Mix.Manifest.V.Configuration(name)
		if err != nil {
			var names []string
			for _, c := range w.Mix.Manifest.V.Configurations {
				names = append(names, c.Name)
			}
			return nil, errs.Fields(errs.Field{Name: "configuration", Msg: name + " is none of the mix: it has " + strings.Join(names, ", ")})
		}
		out = append(out, c)
	}
	return out, nil
}

// Steps is how many optimizer steps a configuration takes, 0 where the settings do not fit the devices.
func (w Want) Steps(c mix.Configuration) int {
	sp, err := w.Settings.Split(w.Topology.World())
	if err != nil {
		return 0
	}
	return w.Settings.Steps(c.Rows, sp)
}

// unused refuses a directory that holds something: a run must not write over another.
func unused(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return errs.Unavailablef("%w", err)
	case len(entries) > 0:
		return errs.Conflictf("%s is not empty: name another directory or another name for the runs", dir)
	}
	return nil
}

// plainName makes a directory's name of a mix's: letters and digits of any script; launchers split paths
// at spaces.
func plainName(name, hash string) string {
	plain := strings.Trim(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("+._-", r) {
			return r
		}
		return '-'
	}, name), "-.")
	if plain == "" {
		return "mix-" + hash[:min(8, len(hash))]
	}
	runes := []rune(plain)
	return string(runes[:min(len(runes), 60)])
}
