package llm

import (
	"slices"
	"strings"
)

// A Profile is how one kind of server departs from the common protocol. What it does not say is as
// OpenAI has it.
type Profile struct {
	Flavour string // its name in settings
	Name    string // and for people

	TokenField string       // that bounds the reply
	Levels     []Structured // ways to ask for JSON that it takes, strongest first
	Rejects    []string     // request fields it answers with an error
	NoThinking map[string]any
	Reasoning  string // where a thought stands: a field of the message, or inline
	Tokenize   string // path that counts tokens, below the root; "" for none
	Traps      []Trap // what to know before a run

	knows func(clues) bool // whether a server is of this kind
}

// A Trap is something about a server that spoils results without an error.
type Trap struct {
	What string
	Do   string
}

// clues are what a server shows of itself without being asked for a completion.
type clues struct {
	host  string            // of its address
	owner string            // owned_by of its models
	paths map[string]string // path below the root → body, of those that answered 200
}

func (c clues) hostIs(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return c.host == n || strings.HasSuffix(c.host, "."+n) })
}

// rootPaths are looked at for clues.
var rootPaths = []string{"/version", "/get_model_info", "/props", "/api/version", "/health"}

var (
	localThinking = map[string]any{"chat_template_kwargs": map[string]any{"enable_thinking": false}}
	allLevels     = []Structured{StructuredSchema, StructuredObject, StructuredPrompt}
)

// Profiles are the servers that are known; the first that recognises itself is taken.
var Profiles = []Profile{
	{
		Flavour: "sglang", Name: "SGLang", TokenField: "max_tokens", Levels: allLevels, NoThinking: localThinking, Reasoning: "reasoning_content", Tokenize: "/tokenize",
		Traps: []Trap{{"a full queue answers 503 only when --max-queued-requests is set", "set it, so that overload is seen and not waited for"}},
		knows: func(c clues) bool {
			return c.owner == "sglang" || strings.Contains(c.paths["/get_model_info"], "model_path")
		},
	},
	{
		Flavour: "vllm", Name: "vLLM", TokenField: "max_tokens", Levels: allLevels, NoThinking: localThinking, Reasoning: "reasoning", Tokenize: "/tokenize",
		Traps: []Trap{
			{"the model's generation_config.json fills in sampling fields that a request leaves out", "serve with --generation-config vllm; coigwriter sends temperature and top_p, but not top_k or a repetition penalty"},
			{"the queue has no bound, so a time-out may hit calls that never began", "keep --llm-concurrency at or below --max-num-seqs"},
		},
		knows: func(c clues) bool {
			return c.owner == "vllm" || strings.Contains(c.paths["/version"], `"version"`) && c.owner == "" && c.paths["/api/version"] == ""
		},
	},
	{
		Flavour: "llama.cpp", Name: "llama.cpp server", TokenField: "max_tokens", Levels: allLevels, NoThinking: localThinking, Reasoning: "reasoning_content", Tokenize: "/tokenize",
		Traps: []Trap{{"the context of one call is -c divided by -np", "give -c as many times the longest article as there are slots"}},
		knows: func(c clues) bool {
			return c.owner == "llamacpp" || strings.Contains(c.paths["/props"], "default_generation_settings")
		},
	},
	{
		Flavour: "ollama", Name: "Ollama", TokenField: "max_tokens", Levels: allLevels, NoThinking: map[string]any{"reasoning_effort": "none"}, Reasoning: "reasoning",
		Traps: []Trap{
			{"a text longer than the context is cut without a word, and half an article is judged", "set OLLAMA_CONTEXT_LENGTH to 16384 or more; coigwriter compares the tokens counted with the text and refuses such replies"},
			{"one call at a time unless OLLAMA_NUM_PARALLEL says more", "set OLLAMA_NUM_PARALLEL; more calls in flight only wait"},
		},
		knows: func(c clues) bool {
			return strings.Contains(c.paths["/api/version"], "version") || c.owner == "library"
		},
	},
	{
		Flavour: "transformers", Name: "transformers serve", TokenField: "max_tokens", Levels: []Structured{StructuredPrompt}, Rejects: []string{"response_format", "stream_options"}, Reasoning: "inline",
		Traps: []Trap{
			{"no constrained output: replies are parsed, and asked for once more when they do not fit", "expect more bad_output with small models"},
			{"one seed for the whole process: samples in flight together share it", "ask one at a time where samples must be repeatable"},
		},
		knows: func(c clues) bool {
			return strings.Contains(strings.ToLower(c.paths["/health"]), `"ok"`) && c.owner != "" && c.paths["/props"] == "" && c.paths["/version"] == "" && !c.hosted()
		},
	},
	{
		Flavour: "dashscope", Name: "DashScope (Qwen)", TokenField: "max_tokens", Levels: allLevels, NoThinking: map[string]any{"enable_thinking": false}, Reasoning: "reasoning_content",
		Traps: []Trap{
			{"the provider's filter refuses some fiction (data_inspection_failed)", "such texts are held as refused and counted; no retry would help"},
			{"some open models only answer with thinking turned off", "add --llm-no-thinking"},
		},
		knows: func(c clues) bool { return c.hostIs("dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com") },
	},
	{
		Flavour: "deepseek", Name: "DeepSeek", TokenField: "max_tokens", Levels: []Structured{StructuredObject, StructuredPrompt}, Rejects: []string{"seed"}, Reasoning: "reasoning_content",
		Traps: []Trap{
			{"no JSON schema, and no seed: replies are checked here and cannot be repeated", "the stored reply is the one that counts"},
			{"a busy server holds the connection with blank lines for up to ten minutes", "keep --llm-timeout at 10m or more"},
		},
		knows: func(c clues) bool { return c.hostIs("api.deepseek.com") },
	},
	{
		Flavour: "openai", Name: "OpenAI", TokenField: "max_completion_tokens", Levels: allLevels, Reasoning: "hidden",
		Traps: []Trap{{"reasoning models take no temperature", "pick a model that does, or expect bad_endpoint"}},
		knows: func(c clues) bool { return c.hostIs("api.openai.com") },
	},
}

// hosted reports whether the address is that of a provider.
func (c clues) hosted() bool {
	return c.hostIs("aliyuncs.com", "deepseek.com", "openai.com")
}

// ProfileOf returns the profile of a flavour.
func ProfileOf(flavour string) (Profile, bool) {
	for _, p := range Profiles {
		if p.Flavour == flavour {
			return p, true
		}
	}
	return Profile{}, false
}

// Flavours lists the names of the profiles.
func Flavours() []string {
	var names []string
	for _, p := range Profiles {
		names = append(names, p.Flavour)
	}
	return names
}

// recognise returns the profile of a server by what it shows, false when it is of no kind we know.
func recognise(c clues) (Profile, bool) {
	for _, p := range Profiles {
		if p.knows(c) {
			return p, true
		}
	}
	return Profile{}, false
}

// levels are the ways to ask the endpoint for JSON, strongest first.
func (e Endpoint) levels() []Structured {
	if p, ok := ProfileOf(e.Flavour); ok {
		return p.Levels
	}
	return allLevels
}
