package cli

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"

	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/train"
)

// Config is every setting of the program. A value comes from the flag, else from the
// environment (COIGWRITER_*), else from coigwriter.toml in the data directory, else from the
// default here. Settings of the project itself (gate, cut-off, quorum) live in the database.
type Config struct {
	Data  string `help:"Data directory of the project." default:"coigwriter-data" env:"COIGWRITER_DATA" placeholder:"DIR"`
	DB    string `name:"db" help:"Database: a file, or postgres://… (default: coigwriter.db in the data directory)." env:"COIGWRITER_DB" placeholder:"URL"`
	JSON  bool   `name:"json" help:"Print one JSON document instead of tables."`
	Quiet bool   `short:"q" help:"No progress on stderr."`

	LogLevel  string `help:"Least level logged: ${enum}." enum:"debug,info,warn,error" default:"info" env:"COIGWRITER_LOG_LEVEL" group:"Logging"`
	LogFormat string `help:"Form of the log: ${enum}." enum:"text,json" default:"text" env:"COIGWRITER_LOG_FORMAT" group:"Logging"`

	Listen    string `help:"Address to listen on; loopback unless told otherwise." default:"127.0.0.1:8480" env:"COIGWRITER_LISTEN" group:"Server"`
	PublicURL string `name:"public-url" help:"How people reach it, for links, such as https://write.example.org." env:"COIGWRITER_PUBLIC_URL" placeholder:"URL" group:"Server"`
	Workers   int    `help:"Jobs at once; 0 means four per CPU." default:"0" env:"COIGWRITER_WORKERS" group:"Server"`

	LLM   LLMConfig   `embed:"" prefix:"llm-" envprefix:"COIGWRITER_LLM_" group:"Model endpoint"`
	Train TrainConfig `embed:"" prefix:"train-" envprefix:"COIGWRITER_TRAIN_" group:"Training"`
}

// TrainConfig says what may be trained with on this machine.
type TrainConfig struct {
	Python             string   `help:"Python of the environment in which an engine is installed (default: python3)." env:"PYTHON" placeholder:"FILE"`
	LlamafactoryPython string   `help:"Python of LLaMA-Factory, where it has an environment of its own." env:"LLAMAFACTORY_PYTHON" placeholder:"FILE"`
	SwiftPython        string   `help:"Python of ms-swift, where it has an environment of its own." env:"SWIFT_PYTHON" placeholder:"FILE"`
	TrlPython          string   `help:"Python of TRL, where it has an environment of its own." env:"TRL_PYTHON" placeholder:"FILE"`
	Runs               string   `help:"Directory of training runs (default: runs in the data directory)." env:"RUNS" placeholder:"DIR"`
	GPUHour            string   `name:"gpu-hour" help:"What a GPU costs an hour, such as \"12 CNY\", for what runs cost." env:"GPU_HOUR" placeholder:"AMOUNT"`
	Web                bool     `help:"Let engineers start runs from the pages, on mixes and checkpoints below --train-roots." env:"WEB"`
	Roots              []string `help:"Directories that pages may take mixes and checkpoints from." env:"ROOTS" placeholder:"DIR,…"`
}

// host is what may be trained with on this machine.
func (c *Config) host() (train.Host, error) {
	t := c.Train
	runs, err := filepath.Abs(cmp.Or(t.Runs, filepath.Join(c.Data, "runs")))
	if err != nil {
		return train.Host{}, err
	}
	h := train.Host{
		Python: t.Python, Pythons: map[string]string{"llamafactory": t.LlamafactoryPython, "swift": t.SwiftPython, "trl": t.TrlPython},
		Runs: runs, GPUHour: t.GPUHour, Web: t.Web, Roots: t.Roots,
	}
	return h, h.Check()
}

// LLMConfig says which model judges; an empty URL means none, and then screening waits.
type LLMConfig struct {
	URL         string        `help:"Base URL of an OpenAI-compatible server, such as http://127.0.0.1:8000/v1." env:"URL" placeholder:"URL"`
	Key         string        `help:"API key (better in the environment than in a file)." env:"KEY" placeholder:"SECRET"`
	Model       string        `help:"Model name as the server knows it." env:"MODEL" placeholder:"NAME"`
	Digest      string        `help:"Digest of the model's weights: other weights under the same name are then asked anew." env:"DIGEST" placeholder:"HEX"`
	Flavour     string        `help:"Kind of server: sglang, vllm, llama.cpp, ollama, transformers, dashscope, deepseek, openai; \"llm probe\" finds it." env:"FLAVOUR" placeholder:"NAME"`
	NoThinking  bool          `help:"Ask the model to answer without a thought." env:"NO_THINKING"`
	Timeout     time.Duration `help:"Longest wait for one answer." default:"5m" env:"TIMEOUT"`
	Concurrency int           `help:"Most calls in flight, of all processes together; they start at 8 and climb while the server gets faster by it." default:"64" env:"CONCURRENCY"`
	RPM         int           `name:"rpm" help:"Requests a minute that the provider allows, of all processes together; 0 for no bound." default:"0" env:"RPM"`
	TPM         int           `name:"tpm" help:"Tokens a minute that the provider allows, of prompts and replies; 0 for no bound." default:"0" env:"TPM"`
	Retries     int           `help:"Further attempts after a failure that may pass." default:"5" env:"RETRIES"`
	MaxTokens   int           `help:"Longest answer in tokens." default:"2048" env:"MAX_TOKENS"`
	Prompts     string        `help:"Directory of the project's own prompts, each in the place of one of ours (default: prompts in the data directory)." env:"PROMPTS" placeholder:"DIR"`
	MaxCost     string        `help:"The most that one run may cost, such as \"20 CNY\"; needs a price of the model in coigwriter.toml." env:"MAX_COST" placeholder:"AMOUNT"`

	Prices llm.Prices `kong:"-"` // the tables [[llm.price]] of the config file
}

// database returns the address of the project's database.
func (c *Config) database() string {
	if c.DB != "" {
		return c.DB
	}
	return filepath.Join(c.Data, "coigwriter.db")
}

// client returns the model client. No endpoint is a normal state: the client then asks nobody,
// sources wait, and people may score by hand.
func (c *Config) client() (*llm.Client, error) {
	if c.LLM.URL != "" && c.LLM.Model == "" {
		return nil, usagef("--llm-url is set but --llm-model is not: name the model as the server knows it; coigwriter llm probe lists them")
	}
	e, err := c.endpoint()
	if err != nil {
		return nil, err
	}
	return llm.NewClient(e)
}

// endpoint is the model's server as the settings describe it.
func (c *Config) endpoint() (llm.Endpoint, error) {
	var most llm.Amount
	if c.LLM.MaxCost != "" {
		var err error
		if most, err = llm.ParseAmount(c.LLM.MaxCost); err != nil {
			return llm.Endpoint{}, usagef("--llm-max-cost: %v", err)
		}
	}
	own, err := c.prompts()
	if err != nil {
		return llm.Endpoint{}, err
	}
	return llm.Endpoint{
		Prompts: own,
		BaseURL: c.LLM.URL, APIKey: llm.Secret(c.LLM.Key), Model: c.LLM.Model, Digest: c.LLM.Digest, Flavour: c.LLM.Flavour, NoThinking: c.LLM.NoThinking,
		Timeout: c.LLM.Timeout, MaxTokens: c.LLM.MaxTokens, MaxInFlight: c.LLM.Concurrency, RequestsPerMinute: c.LLM.RPM, TokensPerMinute: c.LLM.TPM, Retries: retries(c.LLM.Retries),
		Prices: c.LLM.Prices, MaxCost: most,
	}, nil
}

// prompts reads the project's own prompts, and checks that each can stand in the place of one of ours.
func (c *Config) prompts() (llm.PromptDir, error) {
	dir, err := llm.ReadPromptDir(cmp.Or(c.LLM.Prompts, filepath.Join(c.Data, "prompts")))
	if err != nil {
		return dir, err
	}
	return dir, dir.Check(prompts(nil))
}

// retries turns 0, none, into what an endpoint calls none.
func retries(n int) int {
	if n == 0 {
		return -1
	}
	return n
}

// secrets are the flags whose values doctor and logs never show.
var secrets = []string{"llm-key"}

// A tomlFile resolves flags from coigwriter.toml; [llm] url is the flag --llm-url. Only the
// prices are no flags.
type tomlFile struct {
	path   string
	values map[string]any // by flag name
	keys   []string
	prices llm.Prices
}

// configFile reads the config file of the data directory that args or the environment name.
// A missing file is no error.
func configFile(args []string) (*tomlFile, error) {
	dir := os.Getenv("COIGWRITER_DATA")
	if dir == "" {
		dir = "coigwriter-data"
	}
	for i, a := range args {
		if v, ok := strings.CutPrefix(a, "--data="); ok {
			dir = v
		} else if a == "--data" && i+1 < len(args) {
			dir = args[i+1]
		}
	}
	if st, err := os.Stat(dir); err == nil && !st.IsDir() {
		return nil, errs.Invalidf("%s is a file: name a directory with --data", dir)
	}
	path := filepath.Join(dir, "coigwriter.toml")
	raw, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil, nil // defaults then
	}
	if err != nil {
		return nil, errs.Unavailablef("config file: %w", err)
	}
	var tree map[string]any
	if _, err := toml.Decode(string(raw), &tree); err != nil {
		return nil, errs.Invalidf("%s: %w", path, err)
	}
	f := &tomlFile{path: path, values: map[string]any{}}
	if section, ok := tree["llm"].(map[string]any); ok && section["price"] != nil {
		if f.prices, err = pricesFrom(path, raw, section["price"]); err != nil {
			return nil, err
		}
		delete(section, "price")
	}
	f.flatten("", tree)
	slices.Sort(f.keys)
	return f, nil
}

func (f *tomlFile) flatten(prefix string, tree map[string]any) {
	for k, v := range tree {
		name := prefix + strings.ReplaceAll(k, "_", "-")
		if sub, ok := v.(map[string]any); ok {
			f.flatten(name+"-", sub)
			continue
		}
		f.values[name] = v
		f.keys = append(f.keys, name)
	}
}

// check refuses keys that no flag has: a misspelt setting must not be silently ignored.
func (f *tomlFile) check(k *kong.Kong) error {
	known := map[string]bool{}
	var walk func(n *kong.Node)
	walk = func(n *kong.Node) {
		for _, fl := range n.Flags {
			known[fl.Name] = true
		}
		for _, c := range n.Children {
			walk(c)
		}
	}
	walk(k.Model.Node)
	for _, key := range f.keys {
		if !known[key] || key == "data" || key == "help" {
			return errs.Invalidf("%s: unknown setting %q; coigwriter doctor lists the settings there are", f.path, key)
		}
	}
	return nil
}

// Validate implements kong.Resolver.
func (f *tomlFile) Validate(*kong.Application) error { return nil }

// Resolve implements kong.Resolver: the environment beats the file.
func (f *tomlFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, e := range flag.Envs {
		if _, ok := os.LookupEnv(e); ok {
			return nil, nil
		}
	}
	v, ok := f.values[flag.Name]
	if !ok {
		return nil, nil
	}
	if list, ok := v.([]any); ok {
		return list, nil
	}
	return fmt.Sprint(v), nil
}

// A setting is one effective value, for doctor.
type setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Env   string `json:"env,omitempty"`
}

// effective lists the settings of the parsed command line with secrets hidden.
func effective(flags []*kong.Flag) []setting {
	var out []setting
	for _, f := range flags {
		s := setting{Name: f.Name, Value: fmt.Sprint(f.Target.Interface())}
		if f.Name == "help" {
			continue
		}
		if len(f.Envs) > 0 {
			s.Env = f.Envs[0]
		}
		if slices.Contains(secrets, s.Name) && s.Value != "" {
			s.Value = "(hidden)"
		}
		out = append(out, s)
	}
	return out
}
