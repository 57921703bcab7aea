package web

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/screen"
	"coigwriter/internal/triplet"
)

// askScores asks for marks before submitting; the other questions are those of triplet.Helps.
const askScores = "scores"

// A helpView is what a model has said about one's own draft, and what it can be asked.
type helpView struct {
	ID      string
	Can     bool // there is a model to ask
	Gate    triplet.Gate
	Answers []triplet.Helped
	Tried   *triplet.Tried
	Usable  string // the reasons of screening for letting people annotate the article, "" without
	Failure string // of the last question, an llm.Kind or a message key; "" for none
}

// asks are what can be asked, in the order of the work.
func (v *helpView) asks() []string { return append(triplet.Helps(), askScores) }

// answer is the last answer to a question, nil before the first.
func (v *helpView) answer(name string) *triplet.Helped {
	for i := range v.Answers {
		if v.Answers[i].Name == name {
			return &v.Answers[i]
		}
	}
	return nil
}

func (s *Server) helpViewOf(ctx context.Context, t *triplet.Triplet) (v *helpView, err error) {
	set := viewOf(ctx).Project
	v = &helpView{ID: t.ID, Can: s.opt.LLM.Configured(), Gate: triplet.Gate{MinTotal: set.MinTotal, MinEach: set.MinEach}}
	if v.Answers, err = triplet.HelpOf(ctx, s.db, t.ID); err != nil {
		return nil, err
	}
	if v.Tried, err = triplet.TriedScores(ctx, s.db, t); err != nil {
		return nil, err
	}
	verdicts, err := screen.Verdicts(ctx, s.db, t.SourceID)
	if err != nil {
		return nil, err
	}
	for _, x := range screen.Current(verdicts) {
		if x.Stage == screen.Usability {
			v.Usable = x.Reasons
		}
	}
	return v, nil
}

// A helpEvent is one line of a streamed answer to the page. The last has the panel as it is then.
type helpEvent struct {
	Thought string `json:"thought,omitempty"`
	Text    string `json:"text,omitempty"`
	Restart bool   `json:"restart,omitempty"` // what was text so far was a thought
	Part    string `json:"part,omitempty"`    // a part that has its marks
	Panel   string `json:"panel,omitempty"`   // HTML of the panel
}

// annotateHelp asks the model about one's own draft. A script gets the words as they come, one JSON
// event a line, and ends the question by closing the connection; without one the page comes back when
// the answer is whole.
func (s *Server) annotateHelp(w http.ResponseWriter, r *http.Request) error {
	ctx, id, ask := r.Context(), r.PathValue("id"), r.FormValue("ask")
	by := viewOf(ctx).Person.ID
	if _, busy := s.helping.LoadOrStore(by, true); busy {
		return errs.Conflictf("the model is still answering your last question; wait for it or stop it")
	}
	defer s.helping.Delete(by)
	streamed := r.Header.Get("Accept") == "application/x-ndjson"
	tell := func(helpEvent) {}
	if streamed {
		tell = func(e helpEvent) {
			if w.Header().Get("Content-Type") == "" {
				w.Header().Set("Content-Type", "application/x-ndjson")
				w.Header().Set("X-Accel-Buffering", "no") // a proxy in between must not wait for the end
			}
			_ = json.NewEncoder(w).Encode(e) // the reader may have gone, which ends ctx
			_ = http.NewResponseController(w).Flush()
		}
	}
	var err error
	if ask == askScores {
		err = triplet.TryScores(ctx, s.db, s.opt.LLM, by, id, func(part string, _ triplet.PartScore) { tell(helpEvent{Part: part}) })
	} else {
		_, err = triplet.AskHelp(ctx, s.db, s.opt.LLM, by, id, ask, r.FormValue("again") != "", func(p llm.Piece) {
			switch {
			case p.Restart:
				tell(helpEvent{Restart: true})
			case p.Thought:
				tell(helpEvent{Thought: p.Text})
			default:
				tell(helpEvent{Text: p.Text})
			}
		})
	}
	if ctx.Err() != nil {
		return nil // stopped; what had come is stored
	}
	failure := ""
	if f := llm.FailureOf(err); f != nil {
		failure = string(f.Kind)
	} else if fields := errs.FieldsOf(err); len(fields) > 0 && fields[0].Key != "" {
		failure = fields[0].Key
	} else if err != nil {
		return err
	}
	if !streamed {
		if failure != "" {
			return s.done(w, r, "/annotate/"+id+"#model-help", Flash{Warn, helpFailure(ctx, failure), ""})
		}
		http.Redirect(w, r, "/annotate/"+id+"#model-help", http.StatusSeeOther)
		return nil
	}
	panel, err := s.helpPanel(ctx, by, id, failure)
	if err != nil {
		s.opt.Log.ErrorContext(ctx, "help panel", "error", err)
		return nil // the answer has begun; the page asks for the panel again when it is loaded
	}
	tell(helpEvent{Panel: panel})
	return nil
}

func (s *Server) helpPanel(ctx context.Context, by, id, failure string) (string, error) {
	t, err := triplet.Own(ctx, s.db, id, by)
	if err != nil {
		return "", err
	}
	v, err := s.helpViewOf(ctx, t)
	if err != nil {
		return "", err
	}
	v.Failure = failure
	var b bytes.Buffer
	err = modelHelp(v).Render(ctx, &b)
	return b.String(), err
}

// annotateHelpPart is the panel alone: a script fetches it after it has stopped a question.
func (s *Server) annotateHelpPart(w http.ResponseWriter, r *http.Request) error {
	panel, err := s.helpPanel(r.Context(), viewOf(r.Context()).Person.ID, r.PathValue("id"), "")
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(panel)) // the reader has gone; there is nobody to tell
	return nil
}

// helpFailure says why there is no answer: a model's failure, or what is to be written first.
func helpFailure(ctx context.Context, failure string) string {
	if strings.Contains(failure, ".") {
		return T(ctx, failure)
	}
	return T(ctx, "annotate.help_failed", "why", failureWord(ctx, failure))
}

// A cited is a stretch of a model's words; N is the passage that it cites, 0 for words.
type cited struct {
	Text string
	N    string
}

// citation is how a model names a passage, as it was asked to, or nearly so.
var citation = regexp.MustCompile(`[\[［【]\s*¶\s*(\d{1,4})\s*[\]］】]|¶(\d{1,4})`)

// A said is a line of a model's words; models like Markdown, of which we take the headings.
type said struct {
	Heading bool
	Parts   []cited
}

// linesSaid parts a model's words into lines, with their citations apart.
func linesSaid(text string) []said {
	var out []said
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		heading := strings.HasPrefix(line, "#") || strings.HasPrefix(line, "**") && strings.HasSuffix(line, "**")
		line = strings.TrimSpace(strings.ReplaceAll(strings.TrimLeft(line, "# "), "**", ""))
		if line == "" {
			continue
		}
		heading = heading || utf8.RuneCountInString(line) <= 16 && (strings.HasSuffix(line, "：") || strings.HasSuffix(line, ":"))
		x := said{Heading: heading}
		at := 0
		for _, m := range citation.FindAllStringSubmatchIndex(line, -1) {
			if m[0] > at {
				x.Parts = append(x.Parts, cited{Text: line[at:m[0]]})
			}
			from, to := m[2], m[3]
			if from < 0 {
				from, to = m[4], m[5]
			}
			x.Parts = append(x.Parts, cited{Text: "¶" + line[from:to], N: line[from:to]})
			at = m[1]
		}
		if at < len(line) {
			x.Parts = append(x.Parts, cited{Text: line[at:]})
		}
		out = append(out, x)
	}
	return out
}
