package train

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"coigwriter/internal/errs"
)

// warnings are gathered while a job is checked.
type warnings struct{ list []Warning }

func (w *warnings) add(key, format string, a ...any) {
	w.list = append(w.list, Warning{key, fmt.Sprintf(format, a...)})
}

// checked does what is the same for every engine: the engine itself, the job's inputs, the machine.
func checked(e Engine, j Job, p Probe, oldest string) (pl plan, w *warnings, err error) {
	w = &warnings{list: []Warning{}}
	if err := p.ready(e, oldest); err != nil {
		return pl, w, err
	}
	if pl, err = planOf(j, p); err != nil {
		return pl, w, err
	}
	for _, check := range []func(plan, *warnings) error{checkLengths, checkDevices, checkDisk, checkThoughts} {
		if err := check(pl, w); err != nil {
			return pl, w, err
		}
	}
	if s := j.Settings; s.Packing {
		w.add("packing", "with packing a batch is %d sequences of several rows, not %d rows: fewer steps at the same learning rate, and a warm-up that is counted without it; the paper's runs cannot be compared with it", s.Batch, s.Batch)
	}
	return pl, w, nil
}

// checkLengths refuses a run in which the engine would cut or drop rows: a cut answer teaches a model not
// to stop, and a dropped one is not said.
func checkLengths(pl plan, w *warnings) error {
	most, limit := pl.mix.Lengths.Max, pl.Settings.MaxLength
	switch {
	case pl.local && pl.model.Positions > 0 && limit > pl.model.Positions:
		return errs.Fields(errs.Field{Name: "max_length", Msg: fmt.Sprintf("%d is beyond the %d tokens that the model can attend to (max_position_embeddings)", limit, pl.model.Positions)})
	case most > limit && !pl.mix.Lengths.Estimated:
		return errs.Fields(errs.Field{Name: "max_length", Msg: fmt.Sprintf("the longest row has %d tokens and would be cut at %d; raise it, or set max = %d and over = \"list\" under [length] of the mix's plan, which lists the rows that it leaves out", most, limit, limit)})
	case most > limit:
		w.add("length", "the longest row has about %d tokens (estimated) and may be cut at %d; make the mix with the model's tokenizer to know", most, limit)
	case pl.mix.Lengths.Estimated && most > 0:
		w.add("length", "lengths were estimated, not counted with the model's tokenizer: rows near %d tokens may be cut", limit)
	}
	return nil
}

// checkDevices holds the topology against the GPUs that the probe saw, where the run starts here.
func checkDevices(pl plan, _ *warnings) error {
	have, want := pl.probe.GPUs, pl.Topology.GPUs
	if pl.Topology.Launcher != Local || pl.Settings.CPU {
		return nil
	}
	switch {
	case len(have) == 0:
		return errs.Unavailablef("torch of %s sees no GPU here; start where there is one, print the commands for another launcher, or set cpu = true for a trial", pl.probe.Python)
	case len(have) < want:
		return errs.Fields(errs.Field{Name: "gpus", Msg: fmt.Sprintf("%d GPUs are asked for and torch sees %d", want, len(have))})
	}
	for _, g := range have[:want] {
		if c := numbers(g.Capability); pl.Settings.Precision == "bf16" && len(c) > 0 && c[0] < 8 {
			return errs.Fields(errs.Field{Name: "precision", Msg: fmt.Sprintf("%s cannot compute in bf16 (capability %s, 8.0 is needed); choose fp16 or fp32", g.Name, g.Capability)})
		}
	}
	if pl.Settings.DeepSpeed > 0 && pl.probe.Versions["deepspeed"] == "" {
		return errs.Unavailablef("deepspeed is not installed for %s: pip install deepspeed, or set deepspeed = 0", pl.probe.Python)
	}
	return nil
}

// checkDisk holds what the run will write against the space that is left.
func checkDisk(pl plan, w *warnings) error {
	need := pl.model.stored(pl.Settings)
	if info, err := os.Stat(pl.rows()); err == nil {
		need += 3 * info.Size() // the engine's rows, and its cache of them
	}
	free, ok := freeBytes(pl.Dir)
	switch {
	case !ok || pl.Topology.Launcher != Local:
	case need > free:
		return errs.Unavailablef("the run writes about %s below %s and %s are free; make room, keep fewer checkpoints (keep = %d), or choose another directory", gib(need), pl.Dir, gib(free), pl.Settings.Keep)
	case need > free*8/10:
		w.add("disk", "the run writes about %s below %s, and %s are free", gib(need), pl.Dir, gib(free))
	}
	return nil
}

// checkThoughts tells of rows with thoughts for a tokenizer that spells out their marks.
func checkThoughts(pl plan, w *warnings) error {
	if pl.local && pl.mix.Thoughts > 0 && !pl.model.Think {
		w.add("think_tokens", "the model's tokenizer has no token for <think>: the marks around thoughts are spelt in pieces. It learns them all the same; a server's reasoning parser that looks for the token will not find it")
	}
	return nil
}

// template tells of a template that adds empty thoughts.
func (w *warnings) template(pl plan, name string) {
	n := pl.thoughtless()
	if n == 0 || !slices.Contains(pl.probe.Reasoning, name) {
		return
	}
	if pl.Settings.Thinking {
		w.add("empty_thought", "with the reasoning template %s and thinking = true the %d rows without a thought learn to write an empty one", name, n)
	} else {
		w.add("empty_thought", "the reasoning template %s puts an empty thought before the answer of the %d rows that have none; it is not learnt, and when the model is asked the same must stand there", name, n)
	}
}

// knownTemplate refuses a template that the engine does not know, with those that are called alike.
func knownTemplate(pl plan, name string) error {
	known := pl.probe.Templates
	if len(known) == 0 || slices.Contains(known, name) {
		return nil
	}
	var alike []string
	for _, k := range known {
		if head := strings.TrimRight(name, "0123456789._-"); len(head) > 2 && strings.HasPrefix(k, head[:3]) {
			alike = append(alike, k)
		}
	}
	msg := fmt.Sprintf("%q is none of the %d templates that this version knows", name, len(known))
	if len(alike) > 0 {
		msg += "; those called alike are " + strings.Join(alike[:min(8, len(alike))], ", ")
	}
	return errs.Fields(errs.Field{Name: "template", Msg: msg})
}

func modelWords(pl plan) string {
	if pl.model.Type != "" {
		return "a model of type " + pl.model.Type
	}
	return pl.Model
}

// commandPlan is what a command needs of a plan: nothing is opened again, and the model's directory may lie
// on another machine.
func commandPlan(j Job, p Probe) plan {
	return plan{Job: j, probe: p, local: filepath.IsAbs(j.Model)}
}
