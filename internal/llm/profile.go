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
	Reasoning  string   // where a thought stands: a field of the message, or inline
	Health     string   // path that says whether it is well, below the root; "" for none
	Tokenize   string   // path that counts tokens, below the root; "" for none
	Errors     string   // the shape of an error's body: {"error":{…}}, flat, {"detail":…}
	Overload   string   // how it says that it has too much to do
	TooLong    []string // words, in lower case, by which it says that a text is beyond its context; nil: it does not say so
	Traps      []Trap   // what to know before a run

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
		Health: "/health", Errors: `flat: {"object":"error","message":…}`, Overload: `503 "The request queue is full."; on a stream 200 and an error as its first event`,
		TooLong: []string{"longer than the model's context length"},
		Traps:   []Trap{{"a full queue answers 503 only when --max-queued-requests is set", "set it, so that overload is seen and not waited for"}},
		knows: func(c clues) bool {
			return c.owner == "sglang" || strings.Contains(c.paths["/get_model_info"], "model_path")
		},
	},
	{
		Flavour: "vllm", Name: "vLLM", TokenField: "max_tokens", Levels: allLevels, NoThinking: localThinking, Reasoning: "reasoning", Tokenize: "/tokenize",
		Health: "/health", Errors: `{"error":{"message":…,"code":400}}`, Overload: `it queues without bound; 503 where the queue is bounded; no Retry-After`,
		TooLong: []string{"maximum context length"},
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
		Health: "/health", Errors: `{"error":{"code":400,"message":…}}`, Overload: `it queues; 503 "Loading model" until it is ready; 500 to a body it cannot parse`,
		TooLong: []string{"exceed_context_size_error", "exceeds the available context size"},
		Traps:   []Trap{{"the context of one call is -c divided by -np", "give -c as many times the longest article as there are slots"}},
		knows: func(c clues) bool {
			return c.owner == "llamacpp" || strings.Contains(c.paths["/props"], "default_generation_settings")
		},
	},
	{
		Flavour: "ollama", Name: "Ollama", TokenField: "max_tokens", Levels: allLevels, NoThinking: map[string]any{"reasoning_effort": "none"}, Reasoning: "reasoning",
		Health: "/", Errors: `{"error":{"message":…}}`, Overload: `503 when more than OLLAMA_MAX_QUEUE (512) wait`,
		TooLong: nil,
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
		Health: "/health", Errors: `{"detail":…}`, Overload: `it says nothing: calls wait`,
		TooLong: nil,
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
		Health: "", Errors: `{"error":{"message":…,"code":"…"}}`, Overload: `429 Throttling, Throttling.RateQuota, Throttling.AllocationQuota`,
		TooLong: []string{"range of input length"},
		Traps: []Trap{
			{"the provider's filter refuses some fiction (data_inspection_failed)", "such texts are held as refused and counted; no retry would help"},
			{"some open models only answer with thinking turned off", "add --llm-no-thinking"},
		},
		knows: func(c clues) bool { return c.hostIs("dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com") },
	},
	{
		Flavour: "deepseek", Name: "DeepSeek", TokenField: "max_tokens", Levels: []Structured{StructuredObject, StructuredPrompt}, Rejects: []string{"seed"}, Reasoning: "reasoning_content",
		Health: "", Errors: `{"error":{"message":…}}`, Overload: `429 and 503; or the connection is held with blank lines`,
		TooLong: []string{"maximum context length"},
		Traps: []Trap{
			{"no JSON schema, and no seed: replies are checked here and cannot be repeated", "the stored reply is the one that counts"},
			{"a busy server holds the connection with blank lines for up to ten minutes", "keep --llm-timeout at 10m or more"},
		},
		knows: func(c clues) bool { return c.hostIs("api.deepseek.com") },
	},
	{
		Flavour: "openai", Name: "OpenAI", TokenField: "max_completion_tokens", Levels: allLevels, Reasoning: "hidden",
		Health: "", Errors: `{"error":{"message":…,"code":"…"}}`, Overload: `429 with Retry-After; insufficient_quota is no such thing: the account is empty`,
		TooLong: []string{"context_length_exceeded"},
		Traps:   []Trap{{"reasoning models take no temperature", "pick a model that does, or expect bad_endpoint"}},
		knows:   func(c clues) bool { return c.hostIs("api.openai.com") },
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

// tooLong reports whether an error, in lower case, says in any server's words that a text is beyond the
// context. All are looked for, since a gateway passes on what stands behind it.
func tooLong(low string) bool {
	return has(low, "context length", "prompt is too long") ||
		slices.ContainsFunc(Profiles, func(p Profile) bool { return has(low, p.TooLong...) })
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
