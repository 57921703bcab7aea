package screen

import (
	"context"
	"embed"

	"github.com/google/jsonschema-go/jsonschema"

	"coigwriter/internal/db"
	"coigwriter/internal/genre"
	"coigwriter/internal/llm"
	"coigwriter/internal/source"
)

//go:embed prompts/*.tmpl
var promptFiles embed.FS

// The prompts. The bands of the scores (1-2, 3-4, 5-6, 7-8, 9-10) are the paper's, the words ours.
var (
	assessmentPrompt = llm.MustPrompt[assessmentReply](promptFiles, Assessment)
	screeningPrompt  = llm.MustPrompt[screeningReply](promptFiles, Screening)
	usabilityPrompt  = narrowed(llm.MustPrompt[usabilityReply](promptFiles, Usability))
)

// Prompts are those of the stages, to be read and tried.
func Prompts() []llm.Info {
	return []llm.Info{assessmentPrompt.Info(sampleData), screeningPrompt.Info(sampleData), usabilityPrompt.Info(sampleData)}
}

func sampleData(s llm.Sample) (any, error) {
	return dataOf(&source.Source{Title: s.Title, Text: s.Article, Genre: s.Genre}, genre.Default()), nil
}

// finalKinds are the failures after which a source is held for a person.
var finalKinds = []llm.Kind{llm.KindRefused, llm.KindTooLong, llm.KindBadOutput}

// In every reply the reasons come first, so that the scores follow from them.
type assessmentReply struct {
	Reasons      string `json:"reasons"`
	Completeness int    `json:"completeness" min:"1" max:"10"`
	Format       int    `json:"format" min:"1" max:"10"`
	Correctness  int    `json:"correctness" min:"1" max:"10"`
	Logic        int    `json:"logic" min:"1" max:"10"`
	Creativity   int    `json:"creativity" min:"1" max:"10"`
}

type screeningReply struct {
	Reasons    string `json:"reasons"`
	Quality    int    `json:"quality" min:"1" max:"10"`
	Creativity int    `json:"creativity" min:"1" max:"10"`
}

type usabilityReply struct {
	Reasons       string `json:"reasons"`
	Usable        string `json:"usable" enum:"yes,no,unsure"`
	Genre         string `json:"genre"` // narrowed to the taxonomy's IDs
	Language      string `json:"language" enum:"zh,lzh,yue,en,other"`
	SpeaksToJudge bool   `json:"speaks_to_judge"`
}

// articleData is what the templates see. Platform, author and engagement stay out: they would
// bias the judge.
type articleData struct {
	Title, Genre, Article llm.Text
	Genres                []choice
}

// A choice is a genre as the usability prompt offers it.
type choice struct{ ID, Name string }

func dataOf(s *source.Source, t *genre.Taxonomy) articleData {
	d := articleData{Title: llm.Text(s.Title), Article: llm.Text(s.Text), Genre: llm.Text(s.Genre)}
	for _, g := range t.Genres {
		d.Genres = append(d.Genres, choice{g.ID, g.ZH})
	}
	if g, ok := t.Get(s.Genre); ok {
		d.Genre = llm.Text(g.ID + " " + g.ZH)
	}
	if d.Genre == "" {
		d.Genre = "（未标注）"
	}
	if d.Title == "" {
		d.Title = "（无题）"
	}
	return d
}

// narrowed makes the taxonomy's IDs the only values of genre.
func narrowed(p *llm.Prompt[usabilityReply]) *llm.Prompt[usabilityReply] {
	p.Narrow = func(s *jsonschema.Schema, data any) {
		ids := []any{}
		if d, ok := data.(articleData); ok {
			for _, g := range d.Genres {
				ids = append(ids, g.ID)
			}
		}
		s.Properties["genre"].Enum = ids
	}
	return p
}

// AskStage asks the model about one stage of a text; the call is stored as one about the item named.
// reasons are the model's words; callID names the stored call, also when the error is an llm.Failure.
func AskStage(ctx context.Context, d *db.DB, c *llm.Client, s *source.Source, t *genre.Taxonomy, stage string, about llm.About) (j Judgement, reasons, callID string, err error) {
	data := dataOf(s, t)
	switch stage {
	case Assessment:
		var r assessmentReply
		r, callID, err = llm.Ask(ctx, d, c, assessmentPrompt, data, about)
		j.Scores = map[string]int{
			"completeness": r.Completeness, "format": r.Format, "correctness": r.Correctness, "logic": r.Logic, "creativity": r.Creativity,
		}
		return j, r.Reasons, callID, err
	case Screening:
		var r screeningReply
		r, callID, err = llm.Ask(ctx, d, c, screeningPrompt, data, about)
		j.Scores = map[string]int{"quality": r.Quality, "creativity": r.Creativity}
		return j, r.Reasons, callID, err
	default:
		var r usabilityReply
		r, callID, err = llm.Ask(ctx, d, c, usabilityPrompt, data, about)
		return Judgement{Usable: r.Usable, Genre: r.Genre, Language: r.Language, SpeaksToJudge: r.SpeaksToJudge}, r.Reasons, callID, err
	}
}
