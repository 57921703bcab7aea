package train

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"coigwriter/internal/errs"
	"coigwriter/internal/mix"
)

// Swift drives ms-swift (github.com/modelscope/ms-swift).
type Swift struct{}

// Name is its key.
func (Swift) Name() string { return "swift" }

// Title is its name for people.
func (Swift) Title() string { return "ms-swift" }

// Package is its Python package.
func (Swift) Package() string { return "ms-swift" }

// SpreadsByRay: it needs torchrun on each machine.
func (Swift) SpreadsByRay() bool { return false }

// Install is the command that installs it.
func (Swift) Install() string {
	return "python3 -m venv swift && swift/bin/pip install 'ms-swift>=4.5'"
}

// Probe asks python what is installed.
func (Swift) Probe(ctx context.Context, python string) (Probe, error) {
	return probe(ctx, "swift", python)
}

// Check says what stands against the job.
func (e Swift) Check(j Job, p Probe) ([]Warning, error) {
	pl, warn, err := checked(e, j, p, "4.5")
	if err != nil {
		return nil, err
	}
	if j.Settings.Packing && j.Settings.Attention != "flash_attention_2" {
		return nil, errs.Fields(errs.Field{Name: "attention", Msg: "ms-swift packs only with flash_attention_2"})
	}
	if _, err := e.pairs(pl); err != nil {
		return nil, err
	}
	warn.template(pl, e.template(pl))
	return warn.list, nil
}

// template is ms-swift's name of the chat format; "" lets it choose by the model.
func (Swift) template(pl plan) string {
	if pl.Settings.Template != "" {
		return pl.Settings.Template
	}
	return map[string]string{"qwen2": "qwen2_5", "qwen3": "qwen3", "qwen3_moe": "qwen3"}[pl.model.Type]
}

// swiftModel is ms-swift's name of the model's kind, where it has several of one architecture and would ask.
func swiftModel(pl plan) string {
	names := map[string][]string{"qwen2": {"qwen2_5", "qwen2"}, "qwen3": {"qwen3"}, "qwen3_moe": {"qwen3_moe"}}[pl.model.Type]
	for _, name := range names {
		if slices.Contains(pl.probe.Models, name) {
			return name
		}
	}
	return ""
}

func (e Swift) pairs(pl plan) ([]pair, error) {
	s := pl.Settings
	pairs := []pair{
		{"model", pl.Model},
		{"tuner_type", s.Tuning},
		{"torch_dtype", "float32"}, // of the weights; bf16 and fp16 below are the arithmetic's
		{"load_args", false},
	}
	if !pl.local {
		pairs = append(pairs, pair{"use_hf", true})
	}
	if kind := swiftModel(pl); kind != "" {
		pairs = append(pairs, pair{"model_type", kind})
	}
	if s.Attention != "auto" {
		pairs = append(pairs, pair{"attn_impl", s.Attention})
	}
	if s.Tuning == "lora" {
		pairs = append(pairs, pair{"lora_rank", s.LoraRank}, pair{"lora_alpha", s.LoraAlpha}, pair{"lora_dropout", s.LoraDropout}, pair{"target_modules", []string{"all-linear"}})
	}
	pairs = append(pairs, []pair{
		{"dataset", []string{rowsName}},
		{"split_dataset_ratio", 0.0},
		{"dataset_num_proc", min(s.Workers, pl.mix.Rows)},
		{"dataset_shuffle", false}, // the trainer shuffles, by data_seed
		{"lazy_tokenize", false},
		{"strict", true}, // a row it cannot read is an error
	}...)
	if name := e.template(pl); name != "" {
		if err := knownTemplate(pl, name); err != nil {
			return nil, err
		}
		pairs = append(pairs, pair{"template", name})
	}
	scale := "last_round"
	if s.AllTurns {
		scale = "default"
	}
	pairs = append(pairs, []pair{
		{"max_length", s.MaxLength},
		{"truncation_strategy", "delete"},
		{"packing", s.Packing},
		{"loss_scale", scale},
		{"gradient_checkpointing", s.GradientCheckpointing},
		{"add_version", false},
		{"create_checkpoint_symlink", false},
		{"include_num_input_tokens_seen", true}, // its own count, held against the mix's; padding of a device's rows is in it
	}...)
	if s.Thinking && pl.probe.Has("disable_ignore_empty_think") {
		pairs = append(pairs, pair{"disable_ignore_empty_think", true})
	}
	if pl.probe.Has("enable_channel_loss") {
		pairs = append(pairs, pair{"enable_channel_loss", true}) // logs creative and general rows' loss apart
	}
	pairs = append(pairs, pl.trainerArgs()...)
	return pairs, pl.known(e, pairs)
}

// Render returns train.yaml and the rows.
func (e Swift) Render(j Job, p Probe) ([]File, error) {
	pl, err := planOf(j, p)
	if err != nil {
		return nil, err
	}
	pairs, err := e.pairs(pl)
	if err != nil {
		return nil, err
	}
	files := []File{
		textFile(settingsFile, yamlFile(pl.head(e), pairs)),
		pl.rowsFile(func(r mix.Row) any {
			return struct {
				Messages []mix.Message `json:"messages"`
				Channel  string        `json:"channel"`
			}{spoken(r), r.Kind}
		}),
	}
	return append(files, pl.deepSpeed()...), nil
}

// Command starts ms-swift's own command, which starts torchrun itself where NPROC_PER_NODE is set.
func (Swift) Command(j Job, p Probe, from string) Command {
	pl := commandPlan(j, p)
	args := []string{j.Python, "-m", "swift.cli.main", "sft", settingsFile}
	if from != "" {
		args = append(args, "--resume_from_checkpoint", filepath.ToSlash(from))
	}
	var env []string
	if pl.distributed() {
		env = []string{fmt.Sprintf("NPROC_PER_NODE=%d", j.Topology.GPUs), fmt.Sprintf("NNODES=%d", j.Topology.Nodes), fmt.Sprintf("MASTER_PORT=%d", j.Topology.MeetingPort())}
	}
	return Command{Args: args, Env: pl.env(env...), Dir: j.Dir}
}

// Progress reads logging.jsonl.
func (Swift) Progress(dir string) ([]Point, error) {
	return readPoints(filepath.Join(dir, outDir, "logging.jsonl"), swiftPoint)
}

func swiftPoint(line []byte) (p Point, ok bool) {
	var l struct {
		Of        string `json:"global_step/max_steps"` // "10/1095"
		Loss      number `json:"loss"`
		Rate      number `json:"learning_rate"`
		Epoch     number `json:"epoch"`
		Norm      number `json:"grad_norm"`
		Elapsed   string `json:"elapsed_time"`
		Remaining string `json:"remaining_time"`
		Memory    number `json:"memory(GiB)"`
		Tokens    number `json:"num_input_tokens_seen"`
		Creative  number `json:"loss_creative"`
		General   number `json:"loss_general"`
	}
	if !decode(line, &l) || !l.Loss.there {
		return p, false
	}
	if n, err := fmt.Sscanf(l.Of, "%d/%d", &p.Step, &p.Steps); n != 2 || err != nil {
		return p, false
	}
	p.Elapsed, p.Remaining, p.MemoryMiB = span(l.Elapsed), span(l.Remaining), number{l.Memory.value * 1024, true}.whole()
	p.Tokens = int64(l.Tokens.whole())
	for kind, n := range map[string]number{mix.KindCreative: l.Creative, mix.KindGeneral: l.General} {
		if n.there && !math.IsNaN(n.value) && !math.IsInf(n.value, 0) {
			if p.ByKind == nil {
				p.ByKind = map[string]float64{}
			}
			p.ByKind[kind] = n.value
		}
	}
	l.Loss.set(&p.Loss, &p)
	l.Rate.set(&p.LearningRate, &p)
	l.Epoch.set(&p.Epoch, &p)
	l.Norm.set(&p.GradNorm, &p)
	return p, true
}

// Loaded reads the count of transformers' trainer from what was printed.
func (Swift) Loaded(dir string) (Loaded, error) { return saidLoaded(dir) }

// Done reads the state of the last checkpoint, which holds the final weights, and the summary at the end
// of logging.jsonl. ms-swift writes that summary after a failure too.
func (Swift) Done(dir string) (Outcome, error) {
	all, err := Checkpoints(dir)
	if err != nil {
		return Outcome{}, err
	}
	var last Checkpoint
	if len(all) > 0 {
		last = all[len(all)-1]
	}
	var r results
	err = eachLine(filepath.Join(dir, outDir, "logging.jsonl"), func(line []byte) {
		var l results
		if decode(finite(line), &l) && l.Runtime.there {
			r = l
		}
	})
	if err != nil {
		return Outcome{}, err
	}
	return finish(ended(dir, state{last.Step, last.Steps}), filepath.Join(dir, last.Path), r), nil
}
