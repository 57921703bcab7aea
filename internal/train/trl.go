package train

import (
	"context"
	_ "embed"
	"path/filepath"
	"time"

	"coigwriter/internal/errs"
	"coigwriter/internal/mix"
)

// TRL drives TRL (github.com/huggingface/trl): its own script, in a small runner of ours that lets it
// resume and writes its progress.
type TRL struct{}

//go:embed trl_runner.py
var trlRunner string

const trlRunnerFile = "trl_runner.py"

// Name is its key.
func (TRL) Name() string { return "trl" }

// Title is its name for people.
func (TRL) Title() string { return "TRL" }

// Package is its Python package.
func (TRL) Package() string { return "trl" }

// SpreadsByRay: it needs torchrun on each machine.
func (TRL) SpreadsByRay() bool { return false }

// Install is the command that installs it.
func (TRL) Install() string { return "python3 -m venv trl && trl/bin/pip install 'trl[peft]>=0.24'" }

// Probe asks python what is installed.
func (TRL) Probe(ctx context.Context, python string) (Probe, error) {
	return probe(ctx, "trl", python)
}

// Check says what stands against the job.
func (e TRL) Check(j Job, p Probe) ([]Warning, error) {
	pl, warn, err := checked(e, j, p, "0.24")
	if err != nil {
		return nil, err
	}
	var bad []errs.Field
	say := func(wrong bool, key, msg string) {
		if wrong {
			bad = append(bad, errs.Field{Name: key, Msg: msg})
		}
	}
	say(j.Settings.Template != "", "template", "TRL takes the tokenizer's own chat template; leave it empty, or choose another engine")
	say(pl.local && !pl.model.Chat, "model", "its tokenizer brings no chat template, which TRL needs; take an instruct model, add a chat_template.jinja, or choose another engine")
	say(j.Settings.AllTurns, "all_turns", "TRL learns the last answer of a row alone; choose another engine, or leave it off")
	say(j.Settings.Packing && j.Settings.Attention != "flash_attention_2", "attention", "packed rows see one another without flash_attention_2")
	if err := errs.Fields(bad...); err != nil {
		return nil, err
	}
	if _, err := e.pairs(pl); err != nil {
		return nil, err
	}
	if n := pl.thoughtless(); n > 0 && (pl.model.Type == "qwen3" || pl.model.Type == "qwen3_moe") {
		warn.add("empty_thought", "the chat template of %s puts an empty thought before the answer of the %d rows that have none, and they learn it; LLaMA-Factory and ms-swift can leave it out of the loss", pl.model.Type, n)
	}
	return warn.list, nil
}

func (e TRL) pairs(pl plan) ([]pair, error) {
	s := pl.Settings
	dtype := "dtype"
	if !pl.probe.Has(dtype) {
		dtype = "torch_dtype"
	}
	pairs := []pair{
		{"model_name_or_path", pl.Model},
		{dtype, "float32"}, // of the weights; bf16 and fp16 below are the arithmetic's
		{"trust_remote_code", false},
	}
	if s.Attention != "auto" {
		pairs = append(pairs, pair{"attn_implementation", s.Attention})
	}
	if s.Tuning == "lora" {
		pairs = append(pairs, pair{"use_peft", true}, pair{"lora_r", s.LoraRank}, pair{"lora_alpha", s.LoraAlpha}, pair{"lora_dropout", s.LoraDropout}, pair{"lora_target_modules", []string{"all-linear"}})
	}
	pairs = append(pairs, []pair{
		{"datasets", literal("\n  - path: json\n    data_files: " + rowsName + "\n    split: train")},
		{"dataset_num_proc", min(s.Workers, pl.mix.Rows)},
		{"max_length", s.MaxLength},
		{"packing", s.Packing},
		{"completion_only_loss", true},
		{"gradient_checkpointing", s.GradientCheckpointing},
	}...)
	pairs = append(pairs, pl.trainerArgs()...)
	return pairs, pl.known(e, pairs)
}

// Render returns train.yaml, the rows and the runner.
func (e TRL) Render(j Job, p Probe) ([]File, error) {
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
		textFile(trlRunnerFile, trlRunner),
		pl.rowsFile(func(r mix.Row) any {
			all := spoken(r)
			return struct {
				Prompt     []mix.Message `json:"prompt"`
				Completion []mix.Message `json:"completion"`
			}{all[:len(all)-1], all[len(all)-1:]}
		}),
	}
	return append(files, pl.deepSpeed()...), nil
}

// Command starts the runner.
func (TRL) Command(j Job, p Probe, from string) Command {
	pl := commandPlan(j, p)
	args := []string{j.Python}
	if pl.distributed() {
		args = append(args, pl.torchrun()...)
	}
	args = append(args, trlRunnerFile, "--config", settingsFile)
	if from != "" {
		args = append(args, "--resume_from_checkpoint", filepath.ToSlash(from))
	}
	return Command{Args: args, Env: pl.env(), Dir: j.Dir}
}

// Progress reads progress.jsonl, which the runner writes.
func (TRL) Progress(dir string) ([]Point, error) {
	return readPoints(trlLog(dir), trlPoint)
}

func trlLog(dir string) string { return filepath.Join(dir, outDir, "progress.jsonl") }

func trlPoint(line []byte) (p Point, ok bool) {
	var l struct {
		Step      number    `json:"step"`
		Steps     number    `json:"steps"`
		Epoch     number    `json:"epoch"`
		Loss      number    `json:"loss"`
		Rate      number    `json:"learning_rate"`
		Norm      number    `json:"grad_norm"`
		Tokens    number    `json:"tokens"`
		Elapsed   number    `json:"elapsed"`
		Remaining number    `json:"remaining"`
		Memory    number    `json:"memory_mib"`
		At        time.Time `json:"at"`
	}
	if !decode(line, &l) || !l.Loss.there {
		return p, false
	}
	p = Point{Step: l.Step.whole(), Steps: l.Steps.whole(), Elapsed: seconds(l.Elapsed.value), Remaining: seconds(l.Remaining.value), Tokens: int64(l.Tokens.whole()), MemoryMiB: l.Memory.whole(), At: l.At}
	l.Loss.set(&p.Loss, &p)
	l.Rate.set(&p.LearningRate, &p)
	l.Epoch.set(&p.Epoch, &p)
	l.Norm.set(&p.GradNorm, &p)
	return p, true
}

// Loaded reads what the runner wrote when training began.
func (TRL) Loaded(dir string) (l Loaded, err error) {
	err = eachLine(trlLog(dir), func(line []byte) {
		var begun struct{ Rows, Steps, Step int }
		if decode(line, &begun) && begun.Rows > 0 && begun.Step == 0 {
			l = Loaded{begun.Rows, begun.Steps}
		}
	})
	return l, err
}

// Done reads trainer_state.json and all_results.json, which the runner has the trainer write.
func (TRL) Done(dir string) (Outcome, error) { return doneInOut(dir) }
