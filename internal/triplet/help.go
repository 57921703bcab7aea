package triplet

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/text"
)

// helps are what an annotator may ask a model while writing; its words are a draft for thought.
var helps = []struct {
	name   string
	needs  []string // parts that must be written first
	prompt *llm.Prose
}{
	{"article", nil, llm.MustProse(promptFiles, "help-article")},
	{"pair", []string{"prompt"}, llm.MustProse(promptFiles, "help-pair")},
}

type helpData struct {
	Genre           string
	Article, Prompt llm.Text
}

// Helps are the names of what an annotator may ask, in the order of the work.
func Helps() []string {
	var names []string
	for _, h := range helps {
		names = append(names, h.name)
	}
	return names
}

// numbered sets a number before each passage, the one that the page shows in its margin, so that the
// model can cite it.
func numbered(article string) llm.Text {
	var b strings.Builder
	for i, p := range text.Passages(article, text.IsVerse(article)) {
		fmt.Fprintf(&b, "¶%d %s\n", i+1, p)
	}
	return llm.Text(strings.TrimRight(b.String(), "\n"))
}

// A Helped is an answer to an annotator's question.
type Helped struct {
	Name     string    // one of [Helps]
	Text     string    // what was said; a part of it where it was stopped or broke off
	Failure  string    // an llm.Kind, "" for none
	CallID   string    //
	Scripted bool      // by the scripted fake
	At       time.Time //
}

// AskHelp asks the model for help with one's own draft, as it was last saved, and says its words as
// they come. again asks for another answer to a question asked before. An error that is an llm.Failure
// comes with what had been said until then.
func AskHelp(ctx context.Context, d *db.DB, c *llm.Client, by, id, name string, again bool, say func(llm.Piece)) (Helped, error) {
	t, err := ownDraft(ctx, d, by, id)
	if err != nil {
		return Helped{}, err
	}
	for _, h := range helps {
		if h.name != name {
			continue
		}
		if err := written(t.Content.V, h.needs...); err != nil {
			return Helped{}, err
		}
		texts, err := textsOf(ctx, d, t)
		if err != nil {
			return Helped{}, err
		}
		data := helpData{Genre: texts.Genre, Article: numbered(t.Article), Prompt: llm.Text(texts.Prompt)}
		said, callID, err := llm.Stream(llm.ForPerson(ctx, by), d, c, h.prompt, data, llm.About{Kind: "triplet", ID: id}, again, say)
		got := Helped{Name: name, Text: said.Content, CallID: callID, Scripted: c.Endpoint().Scripted(), At: d.Now()}
		if f := llm.FailureOf(err); f != nil {
			got.Failure = string(f.Kind)
		}
		return got, err
	}
	return Helped{}, errs.Invalidf("there is no help %q; there are %s", name, strings.Join(Helps(), ", "))
}

// TryScores asks the model for the marks that the parts of one's own draft would get as they were last
// saved, and tells each as it comes. Nothing is decided: no score sheet is filled. Submitted unchanged,
// the same replies make the sheet and are not paid for twice.
func TryScores(ctx context.Context, d *db.DB, c *llm.Client, by, id string, tell func(part string, s PartScore)) error {
	t, err := ownDraft(ctx, d, by, id)
	if err != nil {
		return err
	}
	if err := written(t.Content.V, "prompt", "reasoning"); err != nil {
		return err
	}
	texts, err := textsOf(ctx, d, t)
	if err != nil {
		return err
	}
	for _, part := range Parts() {
		s, _, err := AskPart(llm.ForPerson(ctx, by), d, c, part, texts, llm.About{Kind: "triplet", ID: id})
		if err != nil {
			return err
		}
		tell(part, s)
	}
	return nil
}

// written reports which of the parts that are needed are still empty.
func written(c Content, parts ...string) error {
	var bad []errs.Field
	for _, p := range []struct{ name, key, text string }{
		{"prompt", "coherence.no_prompt", c.Prompt}, {"reasoning", "coherence.no_reasoning", c.Reasoning},
	} {
		if slices.Contains(parts, p.name) && strings.TrimSpace(p.text) == "" {
			bad = append(bad, errs.Field{Name: p.name, Msg: messages[p.key], Key: p.key})
		}
	}
	return errs.Fields(bad...)
}

func ownDraft(ctx context.Context, d *db.DB, by, id string) (*Triplet, error) {
	t, err := Own(ctx, d, id, by)
	if err == nil && !t.Editable() {
		return nil, errs.Conflictf("this triplet is %s; it cannot be changed now", t.State)
	}
	return t, err
}

// HelpOf returns the last answer to each question that was asked about a triplet, in the order of
// [Helps].
func HelpOf(ctx context.Context, d *db.DB, id string) ([]Helped, error) {
	calls, err := llm.Calls(ctx, d, llm.About{Kind: "triplet", ID: id})
	if err != nil {
		return nil, err
	}
	var out []Helped
	for _, h := range helps {
		for i := len(calls) - 1; i >= 0; i-- {
			k := &calls[i]
			if k.Prompt != h.prompt.Name || k.Response == "" {
				continue
			}
			said, _ := llm.SaidIn([]byte(k.Response)) // what there is of it
			if said.Content != "" {
				out = append(out, Helped{h.name, said.Content, k.Failure, k.ID, k.Scripted, k.CreatedAt})
				break
			}
		}
	}
	return out, nil
}

// takenRun is how many characters in a row a text must share with a model's words to count as taken
// from them. Ours: shorter runs are idioms and set phrases.
const takenRun = 12

// FromHelp counts the characters of a triplet's prompt and reasoning that stand word for word in an
// answer the model gave its annotator, and not in the article.
func FromHelp(ctx context.Context, d *db.DB, t *Triplet) (int, error) {
	calls, err := llm.Calls(ctx, d, llm.About{Kind: "triplet", ID: t.ID})
	if err != nil {
		return 0, err
	}
	var said []string
	for i := range calls {
		for _, h := range helps {
			if calls[i].Prompt == h.prompt.Name {
				if s, f := llm.SaidIn([]byte(calls[i].Response)); f == nil {
					said = append(said, s.Content)
				}
			}
		}
	}
	c := t.Content.V
	n := 0
	for _, part := range []string{c.Prompt, c.Reasoning} {
		n += text.Shared(part, said, t.Article, takenRun)
	}
	return n, nil
}

// Tried are the marks the model last gave the parts of a draft before it was submitted.
type Tried struct {
	Scores   Scores            // in the order of [Dimensions]; 0 where a part has none
	Reasons  map[string]string // article, prompt, reasoning → words
	Scripted bool
	At       time.Time // of the newest
	Stale    bool      // the draft was saved since
}

// TriedScores returns them, nil before the first trial.
func TriedScores(ctx context.Context, d *db.DB, t *Triplet) (*Tried, error) {
	calls, err := llm.Calls(ctx, d, llm.About{Kind: "triplet", ID: t.ID})
	if err != nil {
		return nil, err
	}
	schema, err := llm.SchemaOf[partReply](nil)
	if err != nil {
		return nil, err
	}
	var got *Tried
	for i, p := range parts {
		for j := len(calls) - 1; j >= 0; j-- {
			k := &calls[j]
			if k.Prompt != p.prompt.Name || k.HTTPStatus != 200 {
				continue
			}
			r, f := llm.ParseReply[partReply](schema, []byte(k.Response))
			if f != nil {
				continue
			}
			if got == nil {
				got = &Tried{Reasons: map[string]string{}}
			}
			got.Scores[2*i], got.Scores[2*i+1] = r.Quality, r.Creativity
			got.Reasons[p.name] = r.Reasons
			got.Scripted = got.Scripted || k.Scripted
			if k.CreatedAt.After(got.At) {
				got.At = k.CreatedAt
			}
			break
		}
	}
	if got != nil {
		got.Stale = t.UpdatedAt.After(got.At)
	}
	return got, nil
}
