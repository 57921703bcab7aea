package train

import (
	"fmt"
	"path/filepath"
	"slices"

	"coigwriter/internal/errs"
)

// Servers are the programs that serve a checkpoint behind OpenAI's protocol, the first of them by default.
var Servers = []string{"vllm", "sglang"}

// A Serving is a checkpoint to be asked for answers.
type Serving struct {
	Server     string // one of Servers
	Python     string // the interpreter in whose environment the server is installed
	Checkpoint string // directory of the weights, or of an adapter with Base set
	Base       string // the model that an adapter (tuning = "lora") was trained on; "" for full weights
	Rank       int    // the adapter's, 0 without one
	Name       string // that answers go under
	Host       string // "" for 127.0.0.1
	Port       int    // 0 for 8000
	GPUs       int    // that the weights are spread over, 0 for one
	MaxLength  int    // tokens of question and answer together, 0 for the model's own
	Dir        string // to start it in
}

// ServeCommand returns the command that serves a checkpoint until it is stopped. What is sampled is left to
// the question: the checkpoint's generation_config.json must not fill in what a question leaves out.
func ServeCommand(s Serving) (Command, error) {
	var bad []errs.Field
	say := func(ok bool, key, msg string) {
		if !ok {
			bad = append(bad, errs.Field{Name: key, Msg: msg})
		}
	}
	say(slices.Contains(Servers, s.Server), "server", fmt.Sprintf("%q is not one of %q", s.Server, Servers))
	say(filepath.IsAbs(s.Checkpoint), "checkpoint", fmt.Sprintf("%q is no absolute path", s.Checkpoint))
	say(s.Name != "", "name", "give the name that answers go under")
	say(s.Port >= 0 && s.Port < 1<<16, "port", fmt.Sprintf("%d is not a port", s.Port))
	say(s.GPUs >= 0, "gpus", fmt.Sprintf("%d is below 0", s.GPUs))
	if err := errs.Fields(bad...); err != nil {
		return Command{}, err
	}
	python, host, port := s.Python, s.Host, s.Port
	if python == "" {
		python = "python3"
	}
	if host == "" {
		host = "127.0.0.1"
	}
	if port == 0 {
		port = 8000
	}
	weights, name := s.Checkpoint, s.Name
	if s.Base != "" {
		weights, name = s.Base, s.Name+"-base"
	}
	var args []string
	if s.Server == "vllm" {
		args = []string{python, "-m", "vllm.entrypoints.openai.api_server", "--model", weights, "--served-model-name", name, "--generation-config", "vllm"}
		args = appendSize(args, "--tensor-parallel-size", s.GPUs, 1)
		args = appendSize(args, "--max-model-len", s.MaxLength, 0)
		if s.Base != "" {
			args = append(args, "--enable-lora", "--max-lora-rank", fmt.Sprint(max(8, s.Rank)), "--lora-modules", s.Name+"="+s.Checkpoint)
		}
	} else {
		args = []string{python, "-m", "sglang.launch_server", "--model-path", weights, "--served-model-name", name, "--sampling-defaults", "openai"}
		args = appendSize(args, "--tp-size", s.GPUs, 1)
		args = appendSize(args, "--context-length", s.MaxLength, 0)
		if s.Base != "" {
			args = append(args, "--lora-paths", s.Name+"="+s.Checkpoint)
		}
	}
	args = append(args, "--host", host, "--port", fmt.Sprint(port))
	env := append(slices.Clone(baseEnv), "HF_HUB_OFFLINE=1", "TRANSFORMERS_OFFLINE=1", "VLLM_NO_USAGE_STATS=1")
	slices.Sort(env)
	return Command{Args: args, Env: env, Dir: s.Dir}, nil
}

// appendSize adds an option unless it has the value that the server takes anyway.
func appendSize(args []string, option string, n, usual int) []string {
	if n > usual {
		args = append(args, option, fmt.Sprint(n))
	}
	return args
}
