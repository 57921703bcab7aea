package train

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"coigwriter/internal/errs"
)

//go:embed probe.py
var probeScript string

// probeTime bounds a probe: importing an engine takes half a minute where the disk is cold.
const probeTime = 3 * time.Minute

// probe runs the probe's script in an engine's environment.
func probe(ctx context.Context, engine, python string) (p Probe, err error) {
	path, err := exec.LookPath(python)
	if err != nil {
		return p, errs.Invalidf("python %q is not there: %w; name the interpreter of the environment in which the engine is installed", python, err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return p, err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-c", probeScript, engine)
	if cmd.Dir, err = os.MkdirTemp("", "coigwriter-probe-"); err != nil { // Python imports from where it stands: an empty place, which nobody else writes to
		return p, errs.Unavailablef("%w", err)
	}
	defer os.RemoveAll(cmd.Dir)
	cmd.Env = append(os.Environ(), baseEnv...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		if cause := ctx.Err(); errors.Is(cause, context.DeadlineExceeded) {
			return p, errs.Unavailablef("%s did not say in %v what is installed", path, probeTime)
		} else if cause != nil {
			return p, cause
		}
		return p, errs.Invalidf("%s cannot be asked what is installed: %w: %s", path, err, lastLine(said.String()))
	}
	if err := json.Unmarshal(out.Bytes(), &p); err != nil {
		return p, errs.Invalidf("%s does not answer like a Python with the engine: %w", path, err)
	}
	p.Engine, p.Python = engine, path
	return p, nil
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// Has says whether the engine's parser takes a key.
func (p Probe) Has(key string) bool { return slices.Contains(p.Keys, key) }

// AtLeast says whether a package is there in this version, "major.minor", or a later one.
func (p Probe) AtLeast(pkg, version string) bool {
	have, ok := p.Versions[pkg]
	if !ok {
		return false
	}
	h, w := numbers(have), numbers(version)
	return slices.Compare(h, w) >= 0
}

// numbers are the leading numbers of a version: 5.6.0.dev0 is 5, 6, 0.
func numbers(version string) []int {
	var out []int
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			break
		}
		out = append(out, n)
	}
	return out
}

// ready returns why the engine cannot be used as it is installed.
func (p Probe) ready(e Engine, oldest string) error {
	switch {
	case !p.Installed:
		return errs.Unavailablef("%s is not installed for %s; install it: %s", e.Title(), p.Python, e.Install())
	case p.Broken != "":
		return errs.Unavailablef("%s is installed for %s but cannot be imported: %s; install it anew into an environment of its own: %s", e.Title(), p.Python, p.Broken, e.Install())
	case !p.AtLeast(e.Package(), oldest):
		return errs.Unavailablef("%s %s is older than %s, the oldest that is known to work; install it anew: %s", e.Title(), p.Versions[e.Package()], oldest, e.Install())
	}
	return nil
}
