package release

import (
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"

	"coigwriter/internal/errs"
	"coigwriter/internal/record"
)

// A Format is one shape in which trainers read triplets. A new one is a line in [Formats].
type Format struct {
	Name string
	File string // the data file
	Doc  string
	line func(Record, string) (any, error) // a JSON Lines record; nil for what is not JSON Lines
	llf  map[string]any                    // how LLaMA-Factory's dataset_info.json describes it
}

// How the reasoning goes into formats that have no field of its own.
const (
	Think   = "think" // a <think> block before the answer
	AsField = "field" // a field beside the answer
	None    = "none"  // left out
)

// Reasonings lists the choices.
var Reasonings = []string{Think, AsField, None}

// Formats are all export formats.
var Formats = []Format{
	{Name: "jsonl", File: "triplets.jsonl", Doc: "canonical records, everything in them", line: func(r Record, _ string) (any, error) { return r, nil }},
	{Name: "parquet", File: "triplets.parquet", Doc: "the same in columns, zstd"},
	{Name: "coig", File: "coig.jsonl", Doc: "id, query, thought, answer: the shape of the released COIG-Writer", line: coigLine},
	{
		Name: "alpaca", File: "alpaca.jsonl", Doc: "instruction, input, output", line: alpacaLine,
		llf: map[string]any{"columns": map[string]string{"prompt": "instruction", "query": "input", "response": "output"}},
	},
	{
		Name: "sharegpt", File: "sharegpt.jsonl", Doc: "conversations from human and gpt", line: sharegptLine,
		llf: map[string]any{"formatting": "sharegpt", "columns": map[string]string{"messages": "conversations"}},
	},
	{
		Name: "messages", File: "messages.jsonl", Doc: "OpenAI messages", line: messagesLine,
		llf: map[string]any{
			"formatting": "sharegpt", "columns": map[string]string{"messages": "messages"},
			"tags": map[string]string{"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"},
		},
	},
	{Name: "prompt-completion", File: "prompt_completion.jsonl", Doc: "prompt, completion", line: completionLine},
}

// FormatOf returns the format of a name.
func FormatOf(name string) (Format, error) {
	i := slices.IndexFunc(Formats, func(f Format) bool { return f.Name == name })
	if i < 0 {
		names := make([]string, len(Formats))
		for i, f := range Formats {
			names[i] = f.Name
		}
		return Format{}, errs.Invalidf("there is no format %q; there are %s", name, strings.Join(names, ", "))
	}
	return Formats[i], nil
}

// answer puts the reasoning before the article as a <think> block. A text that itself holds
// such a tag would end the block at the wrong place, so it is refused, not mended in secret.
func answer(r Record, reasoning string) (string, error) {
	if reasoning != Think {
		return r.Article, nil
	}
	for _, part := range []struct{ name, text string }{{"reasoning", r.Reasoning}, {"article", r.Article}} {
		if record.HoldsThinkTag(part.text) {
			return "", errs.Invalidf("triplet %s: its %s holds a <think> tag, so it cannot stand in a <think> block; export with --reasoning field", r.ID, part.name)
		}
	}
	return record.WithThought(r.Reasoning, r.Article), nil
}

func coigLine(r Record, _ string) (any, error) {
	return struct {
		ID      string `json:"id"`
		Query   string `json:"query"`
		Thought string `json:"thought"`
		Answer  string `json:"answer"`
	}{r.ID, r.Prompt, r.Reasoning, r.Article}, nil
}

func alpacaLine(r Record, reasoning string) (any, error) {
	out, err := answer(r, reasoning)
	l := struct {
		Instruction string `json:"instruction"`
		Input       string `json:"input"`
		Output      string `json:"output"`
		Thought     string `json:"thought,omitempty"`
	}{Instruction: r.Prompt, Output: out}
	if reasoning == AsField {
		l.Thought = r.Reasoning
	}
	return l, err
}

type turn struct {
	From  string `json:"from"`
	Value string `json:"value"`
}

func sharegptLine(r Record, reasoning string) (any, error) {
	out, err := answer(r, reasoning)
	l := struct {
		Conversations []turn `json:"conversations"`
		Thought       string `json:"thought,omitempty"`
	}{Conversations: []turn{{"human", r.Prompt}, {"gpt", out}}}
	if reasoning == AsField {
		l.Thought = r.Reasoning
	}
	return l, err
}

type message struct {
	Role      string `json:"role"`
	Content   string `json:"content"`
	Reasoning string `json:"reasoning_content,omitempty"`
}

func messagesLine(r Record, reasoning string) (any, error) {
	out, err := answer(r, reasoning)
	m := message{Role: "assistant", Content: out}
	if reasoning == AsField {
		m.Reasoning = r.Reasoning
	}
	return struct {
		Messages []message `json:"messages"`
	}{[]message{{Role: "user", Content: r.Prompt}, m}}, err
}

func completionLine(r Record, reasoning string) (any, error) {
	out, err := answer(r, reasoning)
	l := struct {
		Prompt     string `json:"prompt"`
		Completion string `json:"completion"`
		Thought    string `json:"thought,omitempty"`
	}{Prompt: r.Prompt, Completion: out}
	if reasoning == AsField {
		l.Thought = r.Reasoning
	}
	return l, err
}

// A parquetRow is a record in columns; nested where readers like it nested.
type parquetRow struct {
	ID         string        `parquet:"id"`
	Genre      string        `parquet:"genre,dict"`
	GenreZH    string        `parquet:"genre_zh,dict"`
	GenreEN    string        `parquet:"genre_en,dict"`
	Category   string        `parquet:"category,dict"`
	Language   string        `parquet:"language,dict"`
	Prompt     string        `parquet:"prompt"`
	Reasoning  string        `parquet:"reasoning"`
	Article    string        `parquet:"article"`
	Scores     parquetScores `parquet:"scores"`
	ScoredBy   string        `parquet:"scored_by"`
	Scripted   bool          `parquet:"scripted"`
	Annotator  string        `parquet:"annotator"`
	Reviewers  []string      `parquet:"reviewers,list"`
	SourceURL  string        `parquet:"source_url"`
	Platform   string        `parquet:"platform"`
	Published  *int64        `parquet:"published_at,optional,timestamp(microsecond)"`
	Licence    string        `parquet:"licence"`
	Revision   int64         `parquet:"revision"`
	Tier       string        `parquet:"tier,dict"`
	AcceptedAt int64         `parquet:"accepted_at,timestamp(microsecond)"`
}

type parquetScores struct {
	ArticleQuality      int32 `parquet:"article_quality"`
	ArticleCreativity   int32 `parquet:"article_creativity"`
	PromptQuality       int32 `parquet:"prompt_quality"`
	PromptCreativity    int32 `parquet:"prompt_creativity"`
	ReasoningQuality    int32 `parquet:"reasoning_quality"`
	ReasoningCreativity int32 `parquet:"reasoning_creativity"`
}

func rowOf(r Record) parquetRow {
	row := parquetRow{
		ID: r.ID, Genre: r.Genre, GenreZH: r.GenreZH, GenreEN: r.GenreEN, Category: r.Category, Language: r.Language,
		Prompt: r.Prompt, Reasoning: r.Reasoning, Article: r.Article, ScoredBy: r.ScoredBy.Kind + ":" + r.ScoredBy.Name, Scripted: r.ScoredBy.Scripted,
		Annotator: r.Annotator, Reviewers: r.Reviewers, SourceURL: r.Source.URL, Platform: r.Source.Platform, Licence: r.Source.Licence,
		Revision: r.Revision, Tier: r.Tier, AcceptedAt: r.AcceptedAt.UnixMicro(),
		Scores: parquetScores{
			int32(r.Scores["article_quality"]), int32(r.Scores["article_creativity"]), int32(r.Scores["prompt_quality"]),
			int32(r.Scores["prompt_creativity"]), int32(r.Scores["reasoning_quality"]), int32(r.Scores["reasoning_creativity"]),
		},
	}
	if r.Source.PublishedAt != nil {
		us := r.Source.PublishedAt.UnixMicro()
		row.Published = &us
	}
	return row
}

var parquetOptions = []parquet.WriterOption{parquet.Compression(&parquet.Zstd), parquet.CreatedBy("coigwriter", "", "")}
