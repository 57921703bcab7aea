// Package train drives engines that others wrote. It renders what an engine reads, makes the command
// that starts or resumes it, reads its progress from the engine's own log and decides whether it is
// done. An engine is a file that implements [Engine] and a line in [Engines]; training itself is not
// done here.
//
// A run has one directory ([Job].Dir), with everything to repeat it by hand:
//
//	job.json      what was asked
//	train.yaml    what the engine reads, with its data beside it in data/
//	engine.log    what the engine printed
//	out/          what the engine writes: checkpoints, its own log, its end files
//	exit.json     the marker: how the engine's process ended
package train

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"time"

	"coigwriter/internal/errs"
)

// A Job is one run to be made: a configuration of a mix, a checkpoint to start from, an engine's Python.
// All paths are absolute.
type Job struct {
	Name          string   `json:"name"`          // for people, logs and cluster jobs
	Dir           string   `json:"dir"`           // the run's own directory
	Mix           string   `json:"mix"`           // directory that coigwriter mix wrote
	Configuration string   `json:"configuration"` // one of the mix's
	Model         string   `json:"model"`         // directory of the checkpoint, or its name on a hub
	Python        string   `json:"python"`        // the interpreter in whose environment the engine is installed
	Settings      Settings `json:"settings"`
	Topology      Topology `json:"topology"`
}

// Names in a run's directory.
const (
	JobFile  = "job.json"
	LogFile  = "engine.log"
	ExitFile = "exit.json"
	outDir   = "out"
	dataDir  = "data"
)

// Out is where the engine writes its checkpoints.
func (j Job) Out() string { return filepath.Join(j.Dir, outDir) }

// A File is something to be written before a run. Path is relative to the run's directory. Write streams
// it, since data may be large.
type File struct {
	Path  string
	Write func(ctx context.Context, w io.Writer) error
}

// A Command is a process to start: in Dir, with Env ("KEY=value", sorted) over the caller's environment.
// Nothing in it goes through a shell; String writes it for one.
type Command struct {
	Args []string `json:"args"`
	Env  []string `json:"env"`
	Dir  string   `json:"dir"`
}

// A Probe is what an engine's Python says of itself.
type Probe struct {
	Engine    string            `json:"engine"`
	Python    string            `json:"python"`              // the interpreter asked
	Version   string            `json:"python_version"`      // "3.11.4"
	Installed bool              `json:"installed"`           // the engine's package is there
	Versions  map[string]string `json:"versions"`            // package → version, of those that matter to a run; absent where not installed
	Keys      []string          `json:"keys,omitempty"`      // settings that the engine's own parser takes, sorted
	Templates []string          `json:"templates,omitempty"` // chat templates it knows by name, sorted; none where it takes the tokenizer's
	Models    []string          `json:"models,omitempty"`    // architectures it knows by name, sorted; none where it takes config.json's
	Reasoning []string          `json:"reasoning,omitempty"` // of Templates: those that add an empty thought to an answer without one
	GPUs      []GPU             `json:"gpus"`                // devices that torch sees
	Visible   string            `json:"visible,omitempty"`   // CUDA_VISIBLE_DEVICES, as it was for the probe
	Broken    string            `json:"broken,omitempty"`    // why the engine cannot be imported though its package is there
}

// A GPU is one device.
type GPU struct {
	Name       string `json:"name"`
	MemoryMiB  int    `json:"memory_mib"`
	Capability string `json:"capability"` // CUDA's, "8.0"
}

// A Warning is something that does not stop a run but changes what comes out of it.
type Warning struct {
	Key string `json:"key"` // stable, for translation: packing, empty_thought, length, version, memory, disk
	Msg string `json:"message"`
}

// A Point is one line of an engine's log: the state after a step.
type Point struct {
	Step         int                `json:"step"`
	Steps        int                `json:"steps"` // of the whole run, 0 where the engine does not say
	Epoch        float64            `json:"epoch"`
	Loss         float64            `json:"loss"`
	LearningRate float64            `json:"learning_rate"`
	GradNorm     float64            `json:"grad_norm,omitempty"` // 0 where the engine does not say
	Elapsed      time.Duration      `json:"elapsed"`             // since the start or the last resume
	Remaining    time.Duration      `json:"remaining"`           // the engine's guess, 0 where it makes none
	MemoryMiB    int                `json:"memory_mib,omitempty"`
	Tokens       int64              `json:"tokens,omitempty"`       // read since the start of the run, 0 where the engine does not say
	ByKind       map[string]float64 `json:"loss_by_kind,omitempty"` // creative, general: where the engine tells them apart
	At           time.Time          `json:"at,omitzero"`            // zero where the engine does not say
	NotFinite    bool               `json:"not_finite,omitempty"`   // the loss or gradient norm was NaN or infinite; the field is 0 then
}

// An Outcome is how far a run came, by what lies in its directory.
type Outcome struct {
	Done       bool          `json:"done"`       // the process ended well and the engine wrote its end files
	Steps      int           `json:"steps"`      // optimizer steps taken, by the engine's own count
	Checkpoint string        `json:"checkpoint"` // directory of the final weights; "" before it is done
	Loss       float64       `json:"loss"`       // mean over the run, as the engine reports it
	Runtime    time.Duration `json:"runtime"`    // of training, since the last start
	Why        string        `json:"why,omitempty"`
}

// Loaded is what an engine says it read.
type Loaded struct {
	Rows  int `json:"rows"`  // 0 before it says so
	Steps int `json:"steps"` // that it means to take
}

// An Engine is one training program. Its methods touch files and, in Probe, start its Python; none
// starts a training.
type Engine interface {
	// Name is its key in commands, files and tables.
	Name() string
	// Title is its name for people.
	Title() string
	// Package is its Python package, by which [Probe].Versions has its version.
	Package() string
	// SpreadsByRay says whether it spreads a run over the machines of a Ray cluster by itself.
	SpreadsByRay() bool
	// Install is the command that installs it into a virtual environment.
	Install() string
	// Probe asks the interpreter python what is installed. A missing engine is no error but said in the
	// probe; an interpreter that cannot be run is one.
	Probe(ctx context.Context, python string) (Probe, error)
	// Check says what stands against the job before anything is written: an error for what cannot work,
	// warnings for what would change the result unnoticed.
	Check(Job, Probe) ([]Warning, error)
	// Render returns all files of the run, for the versions that were found.
	Render(Job, Probe) ([]File, error)
	// Command starts the run, or resumes it from a checkpoint: one directory below [Job.Out], or "".
	Command(j Job, p Probe, from string) Command
	// Progress reads the engine's own log under a run's directory: one point a step, in order, the last
	// where a step was logged twice. No log yet means no points.
	Progress(dir string) ([]Point, error)
	// Loaded reads what the engine says it loaded.
	Loaded(dir string) (Loaded, error)
	// Done reads the marker and the engine's end files.
	Done(dir string) (Outcome, error)
}

// Engines lists the engines, the default first.
var Engines = []Engine{LlamaFactory{}, Swift{}, TRL{}}

// EngineNamed finds an engine by its key.
func EngineNamed(name string) (Engine, error) {
	var known []string
	for _, e := range Engines {
		if e.Name() == name {
			return e, nil
		}
		known = append(known, e.Name())
	}
	return nil, errs.Invalidf("no engine is called %q; there are %s", name, strings.Join(known, ", "))
}
