package train

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/mix"
)

// A plan is a job with what its inputs say of themselves.
type plan struct {
	Job
	probe Probe
	mix   mix.Configuration
	model model // zero where the model is a name on a hub
	local bool  // the model is a directory
	split Split
	steps int
}

// planOf opens a job's inputs and refuses what no engine could run.
func planOf(j Job, p Probe) (plan, error) {
	pl := plan{Job: j, probe: p}
	var bad []errs.Field
	if j.Name == "" {
		bad = append(bad, errs.Field{Name: "name", Msg: "give the run a name"})
	}
	for _, path := range []struct{ key, is string }{{"dir", j.Dir}, {"mix", j.Mix}} {
		if !filepath.IsAbs(path.is) {
			bad = append(bad, errs.Field{Name: path.key, Msg: fmt.Sprintf("%q is no absolute path", path.is)})
		}
	}
	if strings.ContainsAny(j.Dir+j.Model, "\n\r\x00") {
		bad = append(bad, errs.Field{Name: "dir", Msg: "a path has a line break in it"})
	}
	for _, err := range []error{j.Settings.Check(), j.Topology.Check()} {
		bad = append(bad, errs.FieldsOf(err)...)
	}
	if err := errs.Fields(bad...); err != nil {
		return pl, err
	}
	var err error
	if pl.split, err = j.Settings.Split(j.Topology.World()); err != nil {
		return pl, err
	}
	manifest, err := mix.OpenManifest(j.Mix)
	if err != nil {
		return pl, err
	}
	if pl.mix, err = manifest.Configuration(j.Configuration); err != nil {
		return pl, err
	}
	if pl.mix.Rows == 0 {
		return pl, errs.Invalidf("configuration %s of the mix has no rows", j.Configuration)
	}
	pl.steps = j.Settings.Steps(pl.mix.Rows, pl.split)
	return pl, pl.openModel()
}

// openModel reads the model's directory, or takes a name for one on a hub.
func (pl *plan) openModel() error {
	info, err := os.Stat(pl.Model)
	switch {
	case err == nil && info.IsDir():
		if !filepath.IsAbs(pl.Model) {
			return errs.Fields(errs.Field{Name: "model", Msg: fmt.Sprintf("%q is no absolute path", pl.Model)})
		}
		pl.local = true
		pl.model, err = openModel(pl.Model)
		return err
	case err == nil:
		return errs.Invalidf("model %s is a file; give the directory of a checkpoint", pl.Model)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case filepath.IsAbs(pl.Model) || strings.HasPrefix(pl.Model, ".") || strings.Count(pl.Model, "/") != 1 || strings.ContainsAny(pl.Model, " \t"):
		return errs.Invalidf("model %q is neither a directory nor a name on a hub (owner/name)", pl.Model)
	}
	return nil
}

// rows is the mix's file.
func (pl plan) rows() string { return filepath.Join(pl.Mix, filepath.FromSlash(pl.mix.File)) }

// thoughtless is the number of rows without a thought.
func (pl plan) thoughtless() int { return pl.mix.Rows - pl.mix.Thoughts }

// distributed says whether the run needs torchrun: several processes, or DeepSpeed, which wants it for one.
func (pl plan) distributed() bool {
	return pl.Topology.World() > 1 || pl.Settings.DeepSpeed > 0
}

// warmupSteps are the steps of the warm-up, rounded as transformers does. Steps go to the engine and not
// the share, whose key was renamed and given another meaning from version to version.
func (pl plan) warmupSteps() int {
	if pl.Settings.Scheduler == "constant" {
		return 0
	}
	return int(math.Ceil(pl.Settings.Warmup * float64(pl.steps)))
}

// trainerArgs are the settings that all three engines hand to transformers' trainer as they are.
func (pl plan) trainerArgs() []pair {
	s := pl.Settings
	args := []pair{
		{"output_dir", outDir},
		{"num_train_epochs", s.Epochs},
		{"per_device_train_batch_size", pl.split.PerDevice},
		{"gradient_accumulation_steps", pl.split.Accumulation},
		{"learning_rate", s.LearningRate},
		{"lr_scheduler_type", s.Scheduler},
		{"warmup_steps", pl.warmupSteps()},
		{"optim", s.Optimizer},
		{"adam_beta1", s.Beta1},
		{"adam_beta2", s.Beta2},
		{"adam_epsilon", s.Epsilon},
		{"weight_decay", s.WeightDecay},
		{"max_grad_norm", s.GradNorm},
		{"bf16", s.Precision == "bf16" && !s.CPU},
		{"fp16", s.Precision == "fp16" && !s.CPU},
		{"seed", s.Seed},
		{"data_seed", s.DataSeed},
		{"save_strategy", s.Save},
		{"save_total_limit", s.Keep},
		{"save_only_model", false}, // else nothing can be resumed
		{"logging_steps", s.LogSteps},
		{"logging_first_step", true},
		{"logging_nan_inf_filter", false}, // else a loss of NaN is logged as the mean of the others
		{"log_level", "info"},             // says how many rows and steps it counted
		{"disable_tqdm", true},
		{"report_to", "none"},
		{"ddp_timeout", 7200}, // seconds: the first process may tokenize long while the others wait
	}
	if s.MaxSteps > 0 {
		args = append(args, pair{"max_steps", s.MaxSteps})
	}
	if s.Save == "steps" {
		args = append(args, pair{"save_steps", s.SaveSteps})
	}
	if s.CPU {
		args = append(args, pair{"use_cpu", true})
	}
	if s.DeepSpeed > 0 {
		args = append(args, pair{"deepspeed", deepSpeedFile})
	}
	return args
}

// known refuses keys that the engine's parser does not take: some engines pass over them in silence.
func (pl plan) known(e Engine, pairs []pair) error {
	if len(pl.probe.Keys) == 0 {
		return nil
	}
	var unknown []string
	for _, p := range pairs {
		if !pl.probe.Has(p.key) {
			unknown = append(unknown, p.key)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return errs.Unavailablef("this version of %s does not know the settings %s; install another: %s", e.Title(), strings.Join(unknown, ", "), e.Install())
	}
	return nil
}

// head is the comment at the top of an engine's file.
func (pl plan) head(e Engine) string {
	return fmt.Sprintf("Settings of the run %s for %s, written by coigwriter: configuration %s (%d rows),\nbatch %d = %d a device x %d rounds x %d devices, %d steps.\n",
		yamlString(pl.Name), e.Title(), pl.Configuration, pl.mix.Rows, pl.Settings.Batch, pl.split.PerDevice, pl.split.Accumulation, pl.split.World, pl.steps)
}

const (
	settingsFile  = "train.yaml"
	rowsName      = dataDir + "/train.jsonl" // relative, with slashes: it stands in the engine's files
	deepSpeedFile = "deepspeed.json"
)

// deepSpeed is DeepSpeed's configuration; "auto" takes the value from the trainer's own settings.
func (pl plan) deepSpeed() []File {
	if pl.Settings.DeepSpeed == 0 {
		return nil
	}
	stage := pl.Settings.DeepSpeed
	params := ""
	if stage == 3 {
		params = `,
    "reduce_bucket_size": "auto",
    "stage3_prefetch_bucket_size": "auto",
    "stage3_param_persistence_threshold": "auto",
    "stage3_gather_16bit_weights_on_model_save": true`
	}
	return []File{textFile(deepSpeedFile, fmt.Sprintf(`{
  "train_batch_size": "auto",
  "train_micro_batch_size_per_gpu": "auto",
  "gradient_accumulation_steps": "auto",
  "gradient_clipping": "auto",
  "zero_allow_untested_optimizer": true,
  "bf16": {"enabled": "auto"},
  "fp16": {"enabled": "auto"},
  "zero_optimization": {
    "stage": %d,
    "overlap_comm": true,
    "contiguous_gradients": true%s
  }
}
`, stage, params))}
}

// baseEnv is what every engine's process gets. Nothing is sent anywhere, and what it prints can be read
// while it runs.
var baseEnv = []string{
	"DISABLE_TELEMETRY=1",
	"DO_NOT_TRACK=1",
	"HF_HUB_DISABLE_TELEMETRY=1",
	"PYTHONUNBUFFERED=1",
	"TOKENIZERS_PARALLELISM=false", // it deadlocks in the processes that tokenize
	"WANDB_MODE=disabled",
}

// env is baseEnv with what this run needs, sorted.
func (pl plan) env(more ...string) []string {
	env := append(slices.Clone(baseEnv), "HF_DATASETS_CACHE=cache") // in the run's directory: it goes with it
	if pl.local {
		env = append(env, "HF_DATASETS_OFFLINE=1", "HF_HUB_OFFLINE=1", "TRANSFORMERS_OFFLINE=1")
	}
	switch {
	case pl.Settings.CPU:
		env = append(env, "CUDA_VISIBLE_DEVICES=")
	case pl.Topology.Devices != "":
		env = append(env, "CUDA_VISIBLE_DEVICES="+pl.Topology.Devices)
	case pl.Topology.Launcher == Local && len(pl.probe.GPUs) > pl.Topology.GPUs:
		// Engines spread over every device they see, and the batch would be another one.
		env = append(env, "CUDA_VISIBLE_DEVICES="+firstDevices(pl.probe, pl.Topology.GPUs))
	}
	env = append(env, more...)
	slices.Sort(env)
	return env
}

// firstDevices names the first n of the devices that the probe saw.
func firstDevices(p Probe, n int) string {
	names := strings.Split(p.Visible, ",")
	if p.Visible == "" {
		names = nil
		for i := range n {
			names = append(names, fmt.Sprint(i))
		}
	}
	return strings.Join(names[:min(n, len(names))], ",")
}

// torchrun are the arguments that start one process a device. Rank and address of a machine come from its
// environment (PET_…), so that all machines run one command.
func (pl plan) torchrun() []string {
	args := []string{"-m", "torch.distributed.run", fmt.Sprintf("--nnodes=%d", pl.Topology.Nodes), fmt.Sprintf("--nproc_per_node=%d", pl.Topology.GPUs)}
	if pl.Topology.Nodes == 1 {
		args = append(args, "--master_addr=127.0.0.1", fmt.Sprintf("--master_port=%d", pl.Topology.MeetingPort()))
	}
	return args
}
