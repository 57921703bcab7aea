package train

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/llm"
)

// The states of a run.
const (
	Planned  = "planned"
	Running  = "running"
	Stopping = "stopping" // somebody asked for its end, its processes have a while to end by themselves
	Finished = "finished"
	Failed   = "failed" // the reason says why; most failures can be resumed
	Stopped  = "stopped"
)

// Transitions are all the moves of a run.
var Transitions = audit.Transitions{
	{From: "", To: Planned, Action: "plan", Who: "train.run"},
	{From: Planned, To: Running, Action: "start", Who: "train.run"},
	{From: Planned, To: Stopped, Action: "drop", Who: "train.run"},
	{From: Running, To: Finished, Action: "finish", Who: "system"},
	{From: Running, To: Failed, Action: "fail", Who: "system"},
	{From: Running, To: Stopping, Action: "stop", Who: "train.run"},
	{From: Stopping, To: Stopped, Action: "end", Who: "system"},
	{From: Stopping, To: Finished, Action: "finish", Who: "system"},
	{From: Stopped, To: Running, Action: "resume", Who: "train.run"},
	{From: Failed, To: Running, Action: "resume", Who: "train.run"},
}

// A Run is one training of one configuration of a mix on one checkpoint by one engine.
type Run struct {
	bun.BaseModel `bun:"table:training_run"`

	ID            string             `json:"id"`
	Name          string             `json:"name"`
	MixID         string             `json:"mix_id"`
	Configuration string             `json:"configuration"`
	Engine        string             `json:"engine"`
	Probe         db.JSON[Probe]     `json:"probe"`
	Job           db.JSON[Job]       `json:"job"`
	Warnings      db.JSON[[]Warning] `json:"warnings"`
	Host          string             `json:"host"`
	Dir           string             `json:"dir"`
	State         string             `json:"state"`
	Reason        string             `json:"reason,omitempty"`
	Advice        string             `json:"advice,omitempty"`
	Queued        bool               `json:"queued"`
	Attempt       int                `json:"attempt"`
	Pid           int                `json:"pid,omitempty"`
	PidBorn       string             `json:"-"`
	SpentMs       int64              `json:"spent_ms"` // of ended attempts; see [Run.Spent]
	GPUHour       string             `json:"gpu_hour,omitempty" bun:"gpu_hour"`
	Outcome       db.JSON[Outcome]   `json:"outcome"`
	LogTail       string             `json:"-"`
	CreatedAt     time.Time          `json:"created_at"`
	CreatedBy     string             `json:"created_by"`
	StartedAt     *time.Time         `json:"started_at,omitempty"`
	StopAt        *time.Time         `json:"stop_at,omitempty"`
	EndedAt       *time.Time         `json:"ended_at,omitempty"`
	UpdatedAt     time.Time          `json:"updated_at"`
}

// Going reports whether processes are at it.
func (r Run) Going() bool { return r.State == Running || r.State == Stopping }

// Resumable reports whether it can be taken up where it ended.
func (r Run) Resumable() bool { return r.State == Failed || r.State == Stopped }

// Here reports whether its processes are this machine's.
func (r Run) Here() bool { return r.Host == hostname() }

// Carried reports whether it came from a file, and so has no processes and weights that can be reached.
func (r Run) Carried() bool { return strings.HasSuffix(r.Host, elsewhere) }

// Machine is the name of the machine that it runs or ran on.
func (r Run) Machine() string { return strings.TrimSuffix(r.Host, elsewhere) }

// watched reports whether its processes can be looked for from here: a cluster's cannot.
func (r Run) watched() bool { return r.Here() && r.Job.V.Topology.Launcher == Local }

// EngineVersion is the version of its engine that it was made for, "" where that is not known.
func (r Run) EngineVersion() string {
	e, err := EngineNamed(r.Engine)
	if err != nil {
		return ""
	}
	return r.Probe.V.Versions[e.Package()]
}

// LogPath is where the engine's words are.
func (r Run) LogPath() string { return filepath.Join(r.Dir, LogFile) }

// Spent is how long its attempts took, the one under way included.
func (r Run) Spent(now time.Time) time.Duration {
	spent := time.Duration(r.SpentMs) * time.Millisecond
	if r.Going() && r.StartedAt != nil {
		spent += max(0, now.Sub(*r.StartedAt))
	}
	return spent
}

// Cost is what its devices cost so far, and whether that is known: nobody may have said what an hour
// costs, and processors have no price here.
func (r Run) Cost(now time.Time) (llm.Amount, bool) {
	a, err := llm.ParseAmount(r.GPUHour)
	if err != nil || r.Job.V.Settings.CPU {
		return llm.Amount{}, false
	}
	hours := r.Spent(now).Hours() * float64(r.Job.V.Topology.World())
	return llm.Amount{Currency: a.Currency, Micro: int64(hours * float64(a.Micro))}, true
}

// process is the group of the attempt, and its mark.
func (r Run) process() (Process, string) {
	return Process{r.Pid, r.PidBorn}, fmt.Sprintf("%s/%d", r.ID, r.Attempt)
}

// A pointRow is a point of a run's loss curve as it is kept.
type pointRow struct {
	bun.BaseModel `bun:"table:training_point"`

	RunID        string
	Step, Steps  int
	Epoch        float64
	Loss         float64
	LearningRate float64
	GradNorm     float64
	ElapsedMs    int64
	RemainingMs  int64
	MemoryMiB    int `bun:"memory_mib"`
	Tokens       int64
	ByKind       db.JSON[map[string]float64]
	NotFinite    bool
	At           *time.Time
}

func rowOf(id string, p Point) pointRow {
	r := pointRow{
		RunID: id, Step: p.Step, Steps: p.Steps, Epoch: p.Epoch, Loss: p.Loss, LearningRate: p.LearningRate, GradNorm: p.GradNorm,
		ElapsedMs: p.Elapsed.Milliseconds(), RemainingMs: p.Remaining.Milliseconds(), MemoryMiB: p.MemoryMiB, Tokens: p.Tokens, ByKind: db.AsJSON(p.ByKind), NotFinite: p.NotFinite,
	}
	if !p.At.IsZero() {
		at := p.At.UTC().Truncate(time.Microsecond)
		r.At = &at
	}
	return r
}

func (r pointRow) point() Point {
	p := Point{
		Step: r.Step, Steps: r.Steps, Epoch: r.Epoch, Loss: r.Loss, LearningRate: r.LearningRate, GradNorm: r.GradNorm,
		Elapsed: time.Duration(r.ElapsedMs) * time.Millisecond, Remaining: time.Duration(r.RemainingMs) * time.Millisecond, MemoryMiB: r.MemoryMiB, Tokens: r.Tokens, ByKind: r.ByKind.V, NotFinite: r.NotFinite,
	}
	if r.At != nil {
		p.At = *r.At
	}
	return p
}

// Remaining is how long a run still takes after its points: the engine's own guess, else at the pace of
// the points since the last start. 0 where nothing can be said yet.
func Remaining(points []Point) time.Duration {
	if len(points) == 0 {
		return 0
	}
	last := points[len(points)-1]
	if last.Remaining > 0 || last.Steps <= last.Step {
		return last.Remaining
	}
	first := last
	for i := len(points) - 2; i >= 0 && points[i].Elapsed < first.Elapsed; i-- {
		first = points[i]
	}
	if last.Step == first.Step {
		return 0
	}
	return (last.Elapsed - first.Elapsed) / time.Duration(last.Step-first.Step) * time.Duration(last.Steps-last.Step)
}
