package train

import (
	"fmt"
	"math"
	"slices"

	"coigwriter/internal/errs"
)

// Settings are everything that decides what a run learns, and how it is spread over a device. None is
// left to an engine's own default: engines differ there, and their defaults move between versions.
// [Fields] says what each means and where its default comes from.
type Settings struct {
	Epochs       float64 `json:"epochs" toml:"epochs"`
	MaxSteps     int     `json:"max_steps" toml:"max_steps"` // 0: as many as the epochs have
	LearningRate float64 `json:"learning_rate" toml:"learning_rate"`

	Batch        int `json:"batch" toml:"batch"`               // rows of one optimizer step, over all devices
	PerDevice    int `json:"per_device" toml:"per_device"`     // rows a device takes at once
	Accumulation int `json:"accumulation" toml:"accumulation"` // 0: worked out, see [Settings.Split]

	Optimizer   string  `json:"optimizer" toml:"optimizer"`
	Beta1       float64 `json:"beta1" toml:"beta1"`
	Beta2       float64 `json:"beta2" toml:"beta2"`
	Epsilon     float64 `json:"epsilon" toml:"epsilon"`
	WeightDecay float64 `json:"weight_decay" toml:"weight_decay"`
	GradNorm    float64 `json:"grad_norm" toml:"grad_norm"`
	Scheduler   string  `json:"scheduler" toml:"scheduler"`
	Warmup      float64 `json:"warmup" toml:"warmup"` // share of all steps, 0 to 1

	MaxLength int    `json:"max_length" toml:"max_length"` // tokens of one row, prompt and answer
	Template  string `json:"template" toml:"template"`     // "" for the model's own chat template, where the engine can use it
	Thinking  bool   `json:"thinking" toml:"thinking"`     // of a reasoning template: rows without a thought get an empty one to learn
	AllTurns  bool   `json:"all_turns" toml:"all_turns"`   // learn every answer of a conversation, not the last alone
	Packing   bool   `json:"packing" toml:"packing"`

	Precision             string  `json:"precision" toml:"precision"` // bf16, fp16, fp32
	Tuning                string  `json:"tuning" toml:"tuning"`       // full, lora
	LoraRank              int     `json:"lora_rank" toml:"lora_rank"`
	LoraAlpha             int     `json:"lora_alpha" toml:"lora_alpha"`
	LoraDropout           float64 `json:"lora_dropout" toml:"lora_dropout"`
	GradientCheckpointing bool    `json:"gradient_checkpointing" toml:"gradient_checkpointing"`
	Attention             string  `json:"attention" toml:"attention"` // auto, sdpa, eager, flash_attention_2
	DeepSpeed             int     `json:"deepspeed" toml:"deepspeed"` // ZeRO stage 1-3, 0 for none

	Seed     int64 `json:"seed" toml:"seed"`
	DataSeed int64 `json:"data_seed" toml:"data_seed"` // of the order of rows

	Save      string `json:"save" toml:"save"`             // epoch, steps
	SaveSteps int    `json:"save_steps" toml:"save_steps"` // with save = "steps"
	Keep      int    `json:"keep" toml:"keep"`             // checkpoints kept, the newest
	LogSteps  int    `json:"log_steps" toml:"log_steps"`
	Workers   int    `json:"workers" toml:"workers"` // processes that tokenize
	CPU       bool   `json:"cpu" toml:"cpu"`         // train without a GPU
}

// Defaults returns the paper's settings, and ours where the paper is silent; see [Fields].
func Defaults() Settings {
	return Settings{
		Epochs: 3, LearningRate: 2e-5, Batch: 32, PerDevice: 1,
		Optimizer: "adamw_torch", Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, GradNorm: 1, Scheduler: "cosine", Warmup: 0.03,
		MaxLength: 32768, Precision: "bf16", Tuning: "full", LoraRank: 16, LoraAlpha: 32, LoraDropout: 0,
		GradientCheckpointing: true, Attention: "auto", Seed: 42, DataSeed: 42, Save: "epoch", SaveSteps: 100, Keep: 1, LogSteps: 1, Workers: 4,
	}
}

// An Origin says where a default comes from.
type Origin string

// The origins. The paper fixes four settings (its section 3.1); whatever else decides a run it leaves open.
const (
	Paper Origin = "paper"
	Ours  Origin = "ours"
)

// A Field is what is to be known of one setting.
type Field struct {
	Key   string // its key in TOML and JSON
	From  Origin // of its default
	Means string // what it does, and why the default is what it is
}

// Fields describes every field of [Settings], in its order.
var Fields = []Field{
	{"epochs", Paper, "passes over the rows"},
	{"max_steps", Ours, "ends the run after so many optimizer steps, whatever epochs says; 0 for no such end. For trials"},
	{"learning_rate", Paper, "the highest learning rate, reached after the warm-up"},
	{"batch", Paper, "rows of one optimizer step over all devices: per_device x accumulation x devices must be equal to it"},
	{"per_device", Ours, "rows that one device takes at once; 1 holds the longest texts in memory. It changes memory and speed, not the result"},
	{"accumulation", Ours, "rounds of per_device rows before a step; 0 works it out from batch"},
	{"optimizer", Paper, "AdamW. adamw_torch is the plain one; adamw_torch_fused is faster and equal up to rounding"},
	{"beta1", Ours, "AdamW's first decay, as PyTorch has it"},
	{"beta2", Ours, "AdamW's second decay, as PyTorch has it"},
	{"epsilon", Ours, "AdamW's epsilon, as the engines have it"},
	{"weight_decay", Ours, "none: the paper names none"},
	{"grad_norm", Ours, "gradients are clipped to this norm, as every engine does unless told otherwise"},
	{"scheduler", Ours, "how the learning rate falls: cosine, linear, constant, constant_with_warmup"},
	{"warmup", Ours, "share of all steps in which the learning rate rises from 0"},
	{"max_length", Ours, "tokens of a row, prompt and answer together. The engines' defaults (1,024 or 2,048) cut most stories; 32,768 is what Qwen2.5 can attend to"},
	{"template", Ours, "the chat template by the engine's name; empty for the one that comes with the model's tokenizer. LLaMA-Factory needs a name"},
	{"thinking", Ours, "of a reasoning template (Qwen3 and others): whether a row without a thought learns to write an empty one. Off, so that general rows do not teach it"},
	{"all_turns", Ours, "of a conversation with several turns: learn every answer, not the last alone. Off: TRL cannot do it on such rows, and the rows made from triplets have one answer"},
	{"packing", Ours, "several rows in one sequence. Off: a batch would be 32 sequences, not 32 rows, and a run a fraction of the steps"},
	{"precision", Ours, "bf16, fp16 or fp32 of the arithmetic; bf16 wants an Ampere GPU or newer"},
	{"tuning", Ours, "full trains every weight, lora small matrices beside them"},
	{"lora_rank", Ours, "of lora: the matrices' rank"},
	{"lora_alpha", Ours, "of lora: their scale, usually twice the rank"},
	{"lora_dropout", Ours, "of lora: dropout before them"},
	{"gradient_checkpointing", Ours, "recomputes activations instead of keeping them: less memory, about a third more time, the same result"},
	{"attention", Ours, "auto, sdpa, eager or flash_attention_2 (which must be installed)"},
	{"deepspeed", Ours, "ZeRO stage 1, 2 or 3 spreads optimizer, gradients and weights over the devices; 0 for none"},
	{"seed", Ours, "of initial states and dropout"},
	{"data_seed", Ours, "of the order in which rows are taken"},
	{"save", Ours, "when a checkpoint is written: after each epoch, or every save_steps with steps"},
	{"save_steps", Ours, "steps between checkpoints with save = \"steps\""},
	{"keep", Ours, "checkpoints that stay on disk. One of full training holds weights and AdamW's two moments: about 12 bytes and more a parameter"},
	{"log_steps", Ours, "steps between points of the loss curve"},
	{"workers", Ours, "processes that tokenize before training"},
	{"cpu", Ours, "trains on the processor, in fp32 arithmetic: for trials with a tiny model"},
}

// A Split is how one batch is spread.
type Split struct {
	PerDevice, Accumulation, World int
}

// Split works out the accumulation that gives the batch on so many devices, or checks the one that is
// set. Engines do not check this product; a run with another batch looks just as healthy.
func (s Settings) Split(world int) (Split, error) {
	switch {
	case s.Batch < 1 || s.PerDevice < 1 || s.Accumulation < 0 || world < 1:
		return Split{}, errs.Invalidf("batch %d, per_device %d, accumulation %d on %d devices: give positive numbers", s.Batch, s.PerDevice, s.Accumulation, world)
	case s.Accumulation == 0 && s.Batch%(s.PerDevice*world) == 0:
		return Split{s.PerDevice, s.Batch / (s.PerDevice * world), world}, nil
	case s.PerDevice*s.Accumulation*world == s.Batch:
		return Split{s.PerDevice, s.Accumulation, world}, nil
	}
	near := nearest(s, world)
	if s.Accumulation == 0 {
		return Split{}, errs.Invalidf("no accumulation gives a batch of %d with %d rows a device on %d devices; the nearest that work: %s", s.Batch, s.PerDevice, world, near)
	}
	return Split{}, errs.Invalidf("%d rows a device x %d rounds x %d devices are %d rows a step, not the batch of %d; the nearest that work: %s",
		s.PerDevice, s.Accumulation, world, s.PerDevice*s.Accumulation*world, s.Batch, near)
}

// nearest names ways to reach the batch: with these devices where they divide it, else with fewer.
func nearest(s Settings, world int) string {
	if s.Batch%world == 0 {
		each := s.Batch / world
		best := 1
		for d := 1; d <= each; d++ {
			if each%d == 0 && abs(d-s.PerDevice) < abs(best-s.PerDevice) {
				best = d
			}
		}
		return fmt.Sprintf("per_device %d and accumulation %d", best, each/best)
	}
	var fits []int
	for w := 1; w <= 2*world; w++ {
		if s.Batch%w == 0 {
			fits = append(fits, w)
		}
	}
	slices.SortStableFunc(fits, func(a, b int) int { return abs(a-world) - abs(b-world) })
	w := fits[0]
	return fmt.Sprintf("%d devices with per_device 1 and accumulation %d, or a batch of %d on %d", w, s.Batch/w, max(1, int(math.Round(float64(s.Batch)/float64(world))))*world, world)
}

func abs(n int) int { return max(n, -n) }

// Steps returns how many optimizer steps a run over so many rows has. The last batch of an epoch may be
// short: every engine here takes it as a step.
func (s Settings) Steps(rows int, sp Split) int {
	if s.MaxSteps > 0 {
		return s.MaxSteps
	}
	rounds := ceilDiv(rows, sp.PerDevice*sp.World)
	return int(math.Ceil(s.Epochs * float64(max(1, ceilDiv(rounds, sp.Accumulation)))))
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// Check returns every setting that cannot be used, with what it may be.
func (s Settings) Check() error {
	var bad []errs.Field
	say := func(ok bool, key, format string, a ...any) {
		if !ok {
			bad = append(bad, errs.Field{Name: key, Msg: fmt.Sprintf(format, a...)})
		}
	}
	among := func(key, v string, allowed ...string) {
		say(slices.Contains(allowed, v), key, "%q is not one of %q", v, allowed)
	}
	say(s.MaxSteps >= 0, "max_steps", "%d is below 0", s.MaxSteps)
	say(s.Epochs > 0 || s.MaxSteps > 0, "epochs", "%v is not above 0", s.Epochs)
	say(s.LearningRate > 0 && s.LearningRate < 1, "learning_rate", "%v is not between 0 and 1; the paper has 2e-5", s.LearningRate)
	say(s.Batch > 0, "batch", "%d is not above 0", s.Batch)
	say(s.PerDevice > 0, "per_device", "%d is not above 0", s.PerDevice)
	say(s.Accumulation >= 0, "accumulation", "%d is below 0", s.Accumulation)
	among("optimizer", s.Optimizer, "adamw_torch", "adamw_torch_fused")
	say(s.Beta1 >= 0 && s.Beta1 < 1, "beta1", "%v is not from 0 to below 1", s.Beta1)
	say(s.Beta2 >= 0 && s.Beta2 < 1, "beta2", "%v is not from 0 to below 1", s.Beta2)
	say(s.Epsilon > 0, "epsilon", "%v is not above 0", s.Epsilon)
	say(s.WeightDecay >= 0, "weight_decay", "%v is below 0", s.WeightDecay)
	say(s.GradNorm > 0, "grad_norm", "%v is not above 0", s.GradNorm)
	among("scheduler", s.Scheduler, "cosine", "linear", "constant", "constant_with_warmup")
	say(s.Warmup >= 0 && s.Warmup < 1, "warmup", "%v is not a share from 0 to below 1", s.Warmup)
	say(s.MaxLength > 0, "max_length", "%d is not above 0", s.MaxLength)
	among("precision", s.Precision, "bf16", "fp16", "fp32")
	among("tuning", s.Tuning, "full", "lora")
	say(s.Tuning != "lora" || s.LoraRank > 0 && s.LoraAlpha > 0 && s.LoraDropout >= 0 && s.LoraDropout < 1, "lora_rank", "lora needs a rank and an alpha above 0 and a dropout from 0 to below 1")
	among("attention", s.Attention, "auto", "sdpa", "eager", "flash_attention_2")
	say(s.DeepSpeed >= 0 && s.DeepSpeed <= 3, "deepspeed", "%d is not a ZeRO stage from 1 to 3, or 0 for none", s.DeepSpeed)
	say(s.Seed >= 0 && s.Seed < 1<<32, "seed", "%d is not from 0 to 4294967295", s.Seed)
	say(s.DataSeed >= 0 && s.DataSeed < 1<<32, "data_seed", "%d is not from 0 to 4294967295", s.DataSeed)
	among("save", s.Save, "epoch", "steps")
	say(s.Save != "steps" || s.SaveSteps > 0, "save_steps", "%d is not above 0", s.SaveSteps)
	say(s.Keep > 0, "keep", "%d is not above 0: a run without a checkpoint cannot be resumed", s.Keep)
	say(s.LogSteps > 0, "log_steps", "%d is not above 0", s.LogSteps)
	say(s.Workers > 0, "workers", "%d is not above 0", s.Workers)
	say(!s.CPU || s.DeepSpeed == 0, "deepspeed", "does not go with cpu")
	return errs.Fields(bad...)
}
