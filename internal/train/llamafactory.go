package train

import (
	"context"
	"path/filepath"

	"coigwriter/internal/errs"
	"coigwriter/internal/mix"
)

// LlamaFactory drives LLaMA-Factory (github.com/hiyouga/LLaMA-Factory). It is started as its own launcher
// would, without that launcher: that one splits its command at spaces, so that paths with spaces break,
// takes every GPU it sees, and looks for torchrun on the PATH.
type LlamaFactory struct{}

// Name is its key.
func (LlamaFactory) Name() string { return "llamafactory" }

// Title is its name for people.
func (LlamaFactory) Title() string { return "LLaMA-Factory" }

// Package is its Python package.
func (LlamaFactory) Package() string { return "llamafactory" }

// SpreadsByRay: it asks the cluster for its GPUs.
func (LlamaFactory) SpreadsByRay() bool { return true }

// Install is the command that installs it. It needs torchaudio, whose newest version wants this torch.
func (LlamaFactory) Install() string {
	return "python3 -m venv lf && lf/bin/pip install 'llamafactory>=0.9.4' 'torch==2.11.*' 'torchaudio==2.11.*'"
}

// Probe asks python what is installed.
func (LlamaFactory) Probe(ctx context.Context, python string) (Probe, error) {
	return probe(ctx, "llamafactory", python)
}

// Check says what stands against the job.
func (e LlamaFactory) Check(j Job, p Probe) ([]Warning, error) {
	pl, warn, err := checked(e, j, p, "0.9.3")
	if err != nil {
		return nil, err
	}
	if _, err := e.pairs(pl); err != nil {
		return nil, err
	}
	template, err := e.template(pl)
	if err != nil {
		return nil, err
	}
	warn.template(pl, template)
	return warn.list, nil
}

// template is the name that LLaMA-Factory gives the model's chat format. It does not take the tokenizer's
// own as it is.
func (LlamaFactory) template(pl plan) (string, error) {
	name := pl.Settings.Template
	if name == "" {
		name = map[string]string{"qwen2": "qwen", "qwen3": "qwen3", "qwen3_moe": "qwen3"}[pl.model.Type]
	}
	if name == "" {
		return "", errs.Fields(errs.Field{Name: "template", Msg: "LLaMA-Factory needs the name of the model's chat template, as its README lists them (for " + modelWords(pl) + ")"})
	}
	return name, knownTemplate(pl, name)
}

func (e LlamaFactory) pairs(pl plan) ([]pair, error) {
	s := pl.Settings
	template, err := e.template(pl)
	if err != nil {
		return nil, err
	}
	pairs := []pair{
		{"model_name_or_path", pl.Model},
		{"trust_remote_code", false},
		{"flash_attn", map[string]string{"auto": "auto", "sdpa": "sdpa", "eager": "disabled", "flash_attention_2": "fa2"}[s.Attention]},
		{"disable_gradient_checkpointing", !s.GradientCheckpointing},
		{"stage", "sft"},
		{"do_train", true},
		{"finetuning_type", s.Tuning},
	}
	if s.Tuning == "lora" {
		pairs = append(pairs, pair{"lora_rank", s.LoraRank}, pair{"lora_alpha", s.LoraAlpha}, pair{"lora_dropout", s.LoraDropout}, pair{"lora_target", "all"})
	}
	pairs = append(pairs, []pair{
		{"dataset_dir", dataDir},
		{"dataset", "rows"},
		{"template", template},
		{"cutoff_len", s.MaxLength},
		{"packing", s.Packing},
		{"neat_packing", s.Packing}, // else packed rows see one another
		{"train_on_prompt", false},
		{"mask_history", !s.AllTurns},
		{"overwrite_cache", true},
		{"preprocessing_num_workers", min(s.Workers, pl.mix.Rows)},
		{"plot_loss", false},
	}...)
	if pl.probe.AtLeast("transformers", "4.57") {
		pairs = append(pairs, pair{"include_num_input_tokens_seen", "non_padding"}) // its own count, held against the mix's
	}
	if pl.probe.Has("enable_thinking") {
		// false would strip the thoughts that rows do have; null adds an empty one outside the loss.
		thinking := pair{"enable_thinking", nil}
		if s.Thinking {
			thinking.value = true
		}
		pairs = append(pairs, thinking)
	}
	if pl.Topology.Launcher == Ray && pl.Topology.Nodes > 1 {
		pairs = append(pairs, pair{"ray_num_workers", pl.Topology.World()})
	}
	pairs = append(pairs, pl.trainerArgs()...)
	return pairs, pl.known(e, pairs)
}

// Render returns train.yaml, the rows and the file that tells LLaMA-Factory of them.
func (e LlamaFactory) Render(j Job, p Probe) ([]File, error) {
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
		textFile(dataDir+"/dataset_info.json", `{
  "rows": {
    "file_name": "train.jsonl",
    "formatting": "sharegpt",
    "columns": {"messages": "messages"},
    "tags": {
      "role_tag": "role",
      "content_tag": "content",
      "user_tag": "user",
      "assistant_tag": "assistant",
      "system_tag": "system"
    }
  }
}
`),
		pl.rowsFile(func(r mix.Row) any {
			return struct {
				Messages []mix.Message `json:"messages"`
			}{spoken(r)}
		}),
	}
	return append(files, pl.deepSpeed()...), nil
}

// Command starts the module that LLaMA-Factory's launcher starts.
func (LlamaFactory) Command(j Job, p Probe, from string) Command {
	pl := commandPlan(j, p)
	args, env := []string{j.Python}, []string{"LLAMAFACTORY_VERBOSITY=INFO", "RECORD_VRAM=1"}
	switch {
	case j.Topology.Launcher == Ray && j.Topology.Nodes > 1:
		env = append(env, "USE_RAY=1")
	case pl.distributed():
		args = append(args, pl.torchrun()...)
	}
	args = append(args, "-m", "llamafactory.launcher", settingsFile)
	if from != "" {
		args = append(args, "resume_from_checkpoint="+filepath.ToSlash(from))
	}
	return Command{Args: args, Env: pl.env(env...), Dir: j.Dir}
}

// Progress reads trainer_log.jsonl.
func (LlamaFactory) Progress(dir string) ([]Point, error) {
	return readPoints(filepath.Join(dir, outDir, "trainer_log.jsonl"), llamaFactoryPoint)
}

func llamaFactoryPoint(line []byte) (p Point, ok bool) {
	var l struct {
		Step      number `json:"current_steps"`
		Steps     number `json:"total_steps"`
		Loss      number `json:"loss"`
		Rate      number `json:"lr"`
		Epoch     number `json:"epoch"`
		Elapsed   string `json:"elapsed_time"`
		Remaining string `json:"remaining_time"`
		Tokens    number `json:"total_tokens"`
		Reserved  number `json:"vram_reserved"` // GiB
	}
	if !decode(line, &l) || !l.Loss.there {
		return p, false
	}
	p = Point{Step: l.Step.whole(), Steps: l.Steps.whole(), Elapsed: span(l.Elapsed), Remaining: span(l.Remaining), Tokens: int64(l.Tokens.whole()), MemoryMiB: number{l.Reserved.value * 1024, true}.whole()}
	l.Loss.set(&p.Loss, &p)
	l.Rate.set(&p.LearningRate, &p)
	l.Epoch.set(&p.Epoch, &p)
	return p, true
}

// Loaded reads the count of transformers' trainer from what was printed.
func (LlamaFactory) Loaded(dir string) (Loaded, error) { return saidLoaded(dir) }

// Done reads trainer_state.json and all_results.json.
func (LlamaFactory) Done(dir string) (Outcome, error) { return doneInOut(dir) }
