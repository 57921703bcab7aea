package triplet

import (
	"context"
	"embed"
	"errors"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/job"
	"coigwriter/internal/llm"
	"coigwriter/internal/project"
)

//go:embed prompts/*.tmpl
var promptFiles embed.FS

// partReply is a judge's word on one part; the reasons come first, so that the marks follow
// from them.
type partReply struct {
	Reasons    string `json:"reasons"`
	Quality    int    `json:"quality" min:"1" max:"10"`
	Creativity int    `json:"creativity" min:"1" max:"10"`
}

// parts are the three questions of a sheet, in the order of [Dimensions].
var parts = []struct {
	name   string
	prompt *llm.Prompt[partReply]
}{
	{"article", llm.MustPrompt[partReply](promptFiles, "score-article")},
	{"prompt", llm.MustPrompt[partReply](promptFiles, "score-prompt")},
	{"reasoning", llm.MustPrompt[partReply](promptFiles, "score-reasoning")},
}

type partData struct {
	Genre                      string
	Prompt, Reasoning, Article llm.Text
}

// Parts are the parts of a triplet that are scored, in the order of [Dimensions].
func Parts() []string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// Prompts are those of the parts and of the help, to be read and tried.
func Prompts() []llm.Info {
	var out []llm.Info
	for _, p := range parts {
		out = append(out, p.prompt.Info(func(s llm.Sample) (any, error) {
			return partData{Genre: s.Genre, Prompt: llm.Text(s.Prompt), Reasoning: llm.Text(s.Reasoning), Article: llm.Text(s.Article)}, nil
		}))
	}
	for _, h := range helps {
		out = append(out, h.prompt.Info(func(s llm.Sample) (any, error) {
			return helpData{Genre: s.Genre, Article: numbered(s.Article), Prompt: llm.Text(s.Prompt)}, nil
		}))
	}
	return out
}

// Texts are what a judge sees of a triplet.
type Texts struct{ Genre, Prompt, Reasoning, Article string }

// A PartScore is a judge's word on one part.
type PartScore struct {
	Reasons             string
	Quality, Creativity int // 1 to 10
}

// AskPart asks the model about one of [Parts]; the call is stored as one about the item named. callID
// names it, also when the error is an llm.Failure.
func AskPart(ctx context.Context, d *db.DB, c *llm.Client, part string, t Texts, about llm.About) (s PartScore, callID string, err error) {
	for _, p := range parts {
		if p.name == part {
			data := partData{Genre: t.Genre, Prompt: llm.Text(t.Prompt), Reasoning: llm.Text(t.Reasoning), Article: llm.Text(t.Article)}
			r, callID, err := llm.Ask(ctx, d, c, p.prompt, data, about)
			return PartScore(r), callID, err
		}
	}
	return s, "", errs.Invalidf("a triplet has no part %q", part)
}

// ScoreByModel has a model fill the score sheet of a submitted triplet and applies the gate.
// A failure leaves the triplet submitted: what was not judged has not passed.
func ScoreByModel(ctx context.Context, d *db.DB, c *llm.Client, id string) (*Sheet, error) {
	t, err := Get(ctx, d, id)
	if err != nil {
		return nil, err
	}
	if t.State != Submitted {
		return nil, errs.Conflictf("the triplet is %s, so it is not waiting for a score sheet", t.State)
	}
	texts, err := textsOf(ctx, d, t)
	if err != nil {
		return nil, err
	}
	e := c.Endpoint()
	v := verdict{kind: "model", judge: e.Model, actor: "model:" + e.Model, scripted: e.Scripted(), reasons: map[string]string{}}
	for i, p := range parts {
		r, call, err := AskPart(ctx, d, c, p.name, texts, llm.About{Kind: "triplet", ID: id})
		if err != nil {
			return nil, err
		}
		v.scores[2*i], v.scores[2*i+1] = r.Quality, r.Creativity
		v.reasons[p.name] = r.Reasons
		v.calls = append(v.calls, call)
	}
	return apply(ctx, d, id, t.Revision, v)
}

// textsOf is what a judge sees of a triplet as it stands.
func textsOf(ctx context.Context, d *db.DB, t *Triplet) (Texts, error) {
	tax, err := project.Taxonomy(ctx, d)
	if err != nil {
		return Texts{}, err
	}
	genre := "（未标注）" // a name that the taxonomy does not have is somebody else's word
	if g, ok := tax.Find(t.Genre); ok {
		genre = g.ZH
	}
	return Texts{Genre: genre, Prompt: t.Content.V.Prompt, Reasoning: t.Content.V.Reasoning, Article: t.Article}, nil
}

// ModelScores reports whether the project's settings have a model fill score sheets.
func ModelScores(s project.Settings, c *llm.Client) bool {
	return s.ScoreBy == "model" || (s.ScoreBy == "auto" && c != nil && c.Configured())
}

// SweepJob scores submitted triplets: the state asks for the work.
type SweepJob struct{}

// Kind names the job in the database.
func (SweepJob) Kind() string { return "triplet.score" }

// InsertOpts keeps sweeps from piling up.
func (SweepJob) InsertOpts() job.InsertOpts { return job.Once() }

// Every is the sweep, for the queue's schedule.
func Every() job.Every { return job.Every{Interval: 20 * time.Second, Args: SweepJob{}} }

// Handlers are the job kinds of triplets.
func Handlers(d *db.DB, c *llm.Client) []job.Handler {
	return []job.Handler{job.Handle(func(ctx context.Context, _ SweepJob) error {
		_, err := ScoreWaiting(ctx, d, c)
		return err
	})}
}

// A Summary says how a sweep went.
type Summary struct {
	Scored, Passed, Failed int
	Problems               []string // the first few failures
}

// ScoreWaiting has the model score all submitted triplets, when the settings say that it
// should. It stops at failures that concern all (key, quota, no server).
func ScoreWaiting(ctx context.Context, d *db.DB, c *llm.Client) (Summary, error) {
	var sum Summary
	set, err := project.Get(ctx, d)
	if err != nil || !ModelScores(set, c) {
		return sum, err
	}
	for after := ""; ; {
		ids, err := waiting(ctx, d, after, 50)
		if err != nil || len(ids) == 0 {
			return sum, err
		}
		for _, id := range ids {
			after = id
			sheet, err := ScoreByModel(ctx, d, c, id)
			f := llm.FailureOf(err)
			switch {
			case err == nil:
				sum.Scored++
				if sheet.Passed {
					sum.Passed++
				}
			case f != nil:
				sum.Failed++
				if len(sum.Problems) < 5 {
					sum.Problems = append(sum.Problems, err.Error())
				}
				if f.Kind.Stops() {
					return sum, nil
				}
			case errors.Is(err, errs.Conflict): // somebody was faster
			default:
				return sum, err
			}
		}
	}
}
