// Package sample fills an empty database with the sample project: a small campaign that looks
// like a real one, because it is what everybody sees first. Its texts are our own (CC0, see
// texts/README.md). It goes through the same functions as people do, so every state, verdict
// and line of history is real; what looks like a model's verdict comes from the scripted server
// and is labelled so.
package sample

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/llm"
	"coigwriter/internal/project"
	"coigwriter/internal/record"
	"coigwriter/internal/release"
	"coigwriter/internal/review"
	"coigwriter/internal/screen"
	"coigwriter/internal/source"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
)

//go:embed texts/*.yaml
var texts embed.FS

// A person of the sample project.
type person struct {
	Login string      `yaml:"login"`
	Name  string      `yaml:"name"`
	Roles []user.Role `yaml:"roles"`
	Note  string      `yaml:"note"`
}

// A text is one source and, where it has one, its triplet.
type text struct {
	Key         string `yaml:"key"`
	Genre       string `yaml:"genre"`
	Language    string `yaml:"language"`
	Title       string `yaml:"title"`
	Author      string `yaml:"author"`
	Platform    string `yaml:"platform"`
	URL         string `yaml:"url"`
	PublishedAt string `yaml:"published_at"`
	Likes       int64  `yaml:"likes"`
	Shares      int64  `yaml:"shares"`
	Comments    int64  `yaml:"comments"`
	Text        string `yaml:"text"`
	State       string `yaml:"state"`
	Why         string `yaml:"why"`
	Triplet     *draft `yaml:"triplet"`

	id string
}

type draft struct {
	Annotator  string             `yaml:"annotator"`
	Attributes triplet.Attributes `yaml:"attributes"`
	Prompt     string             `yaml:"prompt"`
	Facets     struct {
		Interpretation string `yaml:"interpretation"`
		Structure      string `yaml:"structure"`
		Culture        string `yaml:"culture"`
		Narrative      string `yaml:"narrative"`
		Refinement     string `yaml:"refinement"`
	} `yaml:"facets"`
	Reasoning string         `yaml:"reasoning"`
	State     string         `yaml:"state"`
	Sheet     map[string]int `yaml:"sheet"`
	Reviews   []opinion      `yaml:"reviews"`
	Removal   *struct {
		ProposedBy  string `yaml:"proposed_by"`
		ReasonCode  string `yaml:"reason_code"`
		Comment     string `yaml:"comment"`
		ConfirmedBy string `yaml:"confirmed_by"`
	} `yaml:"removal"`
}

type opinion struct {
	Reviewer   string         `yaml:"reviewer"`
	Verdict    string         `yaml:"verdict"`
	Criteria   map[string]int `yaml:"criteria"`
	Comment    string         `yaml:"comment"`
	ReasonCode string         `yaml:"reason_code"`
}

// loader walks the campaign; its clock starts three weeks back.
type loader struct {
	d      *db.DB
	now    time.Time
	rng    *rand.Rand
	script *llm.Script
	screen screen.Screener
	people map[string]string // login → ID
	texts  []*text
}

// Load fills an empty database with the sample project; everybody's password is password. A
// database that has people already is errs.Conflict. progress is told how far it is.
func Load(ctx context.Context, d *db.DB, password string, progress func(done, of int)) (err error) {
	defer errs.Wrap(&err, "sample project")
	ps, err := user.List(ctx, d)
	if err != nil {
		return err
	}
	if len(ps) > 0 {
		return errs.Conflictf("this database has people already; the sample needs an empty one")
	}
	script, err := llm.StartScript()
	if err != nil {
		return err
	}
	defer script.Close()
	client, err := llm.NewClient(script.Endpoint())
	if err != nil {
		return err
	}
	defer client.Close()
	real := *d
	l := &loader{
		d: d, now: d.Now().Add(-21 * 24 * time.Hour), rng: rand.New(rand.NewPCG(51, 1665)), script: script, people: map[string]string{},
		screen: screen.Screener{Client: client, Taxonomy: genre.Default(), Thresholds: screen.DefaultThresholds()},
	}
	d.Clock = func() time.Time { return l.now }
	defer func() { d.Clock = real.Clock }()
	if err := l.read(); err != nil {
		return err
	}
	if err := l.addPeople(ctx, password); err != nil {
		return err
	}
	if err := l.collect(ctx); err != nil {
		return err
	}
	for i, t := range l.texts {
		if err := l.carry(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", t.Key, err)
		}
		progress(i+1, len(l.texts))
	}
	l.step(3 * time.Hour)
	if _, err := review.AssignOpen(ctx, d, l.rng); err != nil {
		return err
	}
	_, err = release.Cut(ctx, d, release.Options{Version: "0.1.0", Notes: "试发布：先看一遍整条路。", By: l.people["xu"]})
	return err
}

// step lets time pass, a little unevenly.
func (l *loader) step(d time.Duration) {
	l.now = l.now.Add(d + time.Duration(l.rng.Int64N(int64(d/2)+1)))
}

func (l *loader) read() error {
	names, err := fs.Glob(texts, "texts/*.yaml")
	if err != nil {
		return err
	}
	for _, name := range names {
		raw, err := texts.ReadFile(name)
		if err != nil {
			return err
		}
		if strings.HasSuffix(name, "people.yaml") {
			continue
		}
		t := &text{}
		if err := yaml.Unmarshal(raw, t); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		l.texts = append(l.texts, t)
	}
	return nil
}

func (l *loader) addPeople(ctx context.Context, password string) error {
	raw, err := texts.ReadFile("texts/people.yaml")
	if err != nil {
		return err
	}
	var ps []person
	if err := yaml.Unmarshal(raw, &ps); err != nil {
		return err
	}
	for _, p := range ps {
		specialist := strings.Contains(p.Note, "专门") || p.Login == "shen" || p.Login == "pei"
		added, err := user.Add(ctx, l.d, l.people["xu"], user.New{Login: p.Login, Name: p.Name, Roles: p.Roles, Specialist: specialist})
		if err != nil {
			return err
		}
		l.people[p.Login] = added.ID
		if password != "" {
			if err := user.SetPassword(ctx, l.d, added.ID, added.ID, password); err != nil {
				return err
			}
		}
		l.step(7 * time.Minute)
	}
	_, err = project.Update(ctx, l.d, l.people["xu"], func(s *project.Settings) {
		s.Name, s.Sample, s.MaxDrafts = "春笋计划（示例）", true, 8
	})
	return err
}

// collect imports all texts as one file, as an engineer would.
func (l *loader) collect(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "coigwriter-sample-")
	if err != nil {
		return errs.Unavailablef("%w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "texts.jsonl")
	w, err := record.Create(path)
	if err != nil {
		return err
	}
	for _, t := range l.texts {
		rec := map[string]any{
			"url": t.URL, "platform": t.Platform, "title": t.Title, "author": t.Author, "text": t.Text, "genre": t.Genre,
			"language": t.Language, "likes": t.Likes, "shares": t.Shares, "comments": t.Comments, "licence": "CC0-1.0",
		}
		if t.PublishedAt != "" {
			rec["published_at"] = t.PublishedAt
		}
		if err := w.Write(rec); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	rep, err := source.Import(ctx, l.d, source.ImportOptions{
		Paths: []string{path}, By: l.people["lu"], Taxonomy: genre.Default(), Check: screen.Checker(genre.Default(), "zh"),
		Strip: filepath.Dir(path) + string(filepath.Separator),
	})
	if err != nil {
		return err
	}
	if rep.Refused > 0 {
		return fmt.Errorf("%d texts could not be read: %v", rep.Refused, rep.Problems)
	}
	var rows []struct {
		ID    string
		Title string
	}
	if err := l.d.All(ctx, &rows, `SELECT id, title FROM source`); err != nil {
		return err
	}
	for _, r := range rows {
		for _, t := range l.texts {
			if t.Title == r.Title {
				t.id = r.ID
			}
		}
	}
	return nil
}

// carry brings one text to the state it shall have.
func (l *loader) carry(ctx context.Context, t *text) error {
	l.step(40 * time.Minute)
	want := t.State
	if t.Triplet != nil {
		want = source.Pool
	}
	s, err := source.Get(ctx, l.d, t.id)
	if err != nil || s.State == want || want == source.Waiting || want == source.Held {
		return l.after(ctx, t, err)
	}
	if s.State == source.Held {
		if err := source.Decide(ctx, l.d, t.id, l.people["lu"], source.DecidePass, "看过原页，日期可信"); err != nil {
			return err
		}
	} else if s.State == source.Refused {
		if err := source.Reopen(ctx, l.d, t.id, l.people["xu"], "体裁如此，规则误伤"); err != nil {
			return err
		}
	}
	if err := l.judge(ctx, t, want == source.Pool); err != nil {
		return err
	}
	return l.after(ctx, t, nil)
}

// judge lets the scripted server speak on a source: well of what shall pass, poorly otherwise.
func (l *loader) judge(ctx context.Context, t *text, pass bool) error {
	good := func() int { return 7 + l.rng.IntN(3) }
	if !pass {
		good = func() int { return 3 + l.rng.IntN(3) }
	}
	g, ok := genre.Default().Find(t.Genre)
	if !ok {
		return fmt.Errorf("unknown genre %q", t.Genre)
	}
	const note = "（脚本生成的示例，不是模型的判断）"
	var rules []llm.ScriptRule
	for _, r := range []struct {
		stage string
		reply map[string]any
	}{
		{"第一遍看稿", map[string]any{"reasons": note, "completeness": good(), "format": good(), "correctness": good(), "logic": good(), "creativity": good()}},
		{"严格的文学编辑", map[string]any{"reasons": note, "quality": good(), "creativity": good()}},
		{"已经通过质量评审", map[string]any{"reasons": note, "usable": "yes", "genre": g.ID, "language": "zh", "speaks_to_judge": false}},
	} {
		b, err := json.Marshal(r.reply)
		if err != nil {
			return err
		}
		rules = append(rules, llm.ScriptRule{Contains: r.stage, Reply: string(b)})
	}
	l.script.SetRules(rules...)
	out, err := l.screen.One(ctx, l.d, t.id)
	if err == nil && out.Failure != nil {
		err = out.Failure
	}
	if err == nil && out.NeedsPerson { // a reopened source: a person has the last word
		for _, v := range []struct {
			stage string
			j     screen.Judgement
		}{
			{screen.Assessment, screen.Judgement{Scores: map[string]int{"completeness": 8, "format": 8, "correctness": 8, "logic": 8, "creativity": 8}}},
			{screen.Screening, screen.Judgement{Scores: map[string]int{"quality": 8, "creativity": 8}}},
			{screen.Usability, screen.Judgement{Usable: screen.Yes}},
		} {
			if _, err := screen.Score(ctx, l.d, l.screen.Thresholds, l.people["xu"], t.id, v.stage, v.j, "人工复核"); err != nil {
				return err
			}
		}
	}
	return err
}

// after carries the triplet of a text that is in the pool.
func (l *loader) after(ctx context.Context, t *text, err error) error {
	if err != nil || t.Triplet == nil {
		return err
	}
	l.step(2 * time.Hour)
	return l.write(ctx, t.id, t.Triplet)
}

func (l *loader) write(ctx context.Context, sourceID string, w *draft) error {
	by := l.people[w.Annotator]
	tr, err := triplet.Claim(ctx, l.d, by, sourceID)
	if err != nil {
		return err
	}
	c := triplet.Content{Attributes: w.Attributes}
	rev := int64(0)
	save := func(step int, change func()) {
		if err != nil {
			return
		}
		change()
		l.step(25 * time.Minute)
		rev, err = triplet.Save(ctx, l.d, by, tr.ID, rev, step, c, "")
	}
	save(1, func() {})
	save(1, func() { c.Prompt = strings.TrimSpace(w.Prompt) })
	save(2, func() {
		f := w.Facets
		c.Facets = triplet.Facets{Interpretation: f.Interpretation, Structure: f.Structure, Culture: f.Culture, Narrative: f.Narrative, Refinement: f.Refinement}
	})
	save(2, func() { c.Reasoning = strings.TrimSpace(w.Reasoning) })
	if err != nil || w.State == triplet.Draft {
		return err
	}
	save(3, func() {
		c.Checks = map[string]bool{}
		for _, k := range triplet.Checks {
			c.Checks[k] = true
		}
	})
	if err != nil {
		return err
	}
	if err := triplet.Submit(ctx, l.d, by, tr.ID, rev); err != nil || w.State == triplet.Submitted {
		return err
	}
	if err := l.score(ctx, tr.ID, w); err != nil {
		return err
	}
	return l.review(ctx, tr.ID, w)
}

// score has the lead fill the sheet, or the script where the sample shall show that too.
func (l *loader) score(ctx context.Context, id string, w *draft) error {
	l.step(50 * time.Minute)
	var s triplet.Scores
	for i, name := range triplet.Dimensions {
		s[i] = w.Sheet[name]
		if s[i] == 0 {
			s[i] = 8 + i%2
		}
	}
	if l.rng.IntN(3) > 0 {
		_, err := triplet.ScoreByHand(ctx, l.d, l.people["xu"], id, s, nil)
		return err
	}
	var rules []llm.ScriptRule
	for i, part := range []string{"请就文章本身打两个分", "倒推出一条“写作提示”", "“构思过程”"} {
		b, err := json.Marshal(map[string]any{"reasons": "（脚本生成的示例，不是模型的判断）", "quality": s[2*i], "creativity": s[2*i+1]})
		if err != nil {
			return err
		}
		rules = append(rules, llm.ScriptRule{Contains: part, Reply: string(b)})
	}
	l.script.SetRules(rules...)
	_, err := triplet.ScoreByModel(ctx, l.d, l.screen.Client, id)
	return err
}

func (l *loader) review(ctx context.Context, id string, w *draft) error {
	tr, err := triplet.Get(ctx, l.d, id)
	if err != nil || tr.State != triplet.InReview {
		return err
	}
	set, err := project.Get(ctx, l.d)
	if err != nil {
		return err
	}
	give := w.Reviews[:min(len(w.Reviews), review.Quorum(set, tr.Tier))]
	for _, o := range give {
		if err := review.AssignTo(ctx, l.d, id, l.people["xu"], l.people[o.Reviewer]); err != nil {
			return err
		}
	}
	for _, o := range give {
		if o.Verdict == "" {
			continue
		}
		l.step(4 * time.Hour)
		if err := l.verdict(ctx, id, o); err != nil {
			return err
		}
	}
	if w.State == triplet.Accepted {
		if err := l.complete(ctx, id); err != nil {
			return err
		}
	}
	return l.remove(ctx, id, w)
}

// complete hands in the reviews that a text's tier needs beyond those written for it.
func (l *loader) complete(ctx context.Context, id string) error {
	if _, err := review.AssignOpen(ctx, l.d, l.rng); err != nil {
		return err
	}
	rs, err := review.OfTriplet(ctx, l.d, id)
	if err != nil {
		return err
	}
	for _, r := range rs {
		if r.State != review.Open {
			continue
		}
		l.step(3 * time.Hour)
		f := review.Form{Verdict: review.Accept, Comment: "同意。", Criteria: map[string]int{}}
		for _, c := range review.Criteria {
			f.Criteria[c] = 4 + l.rng.IntN(2)
		}
		if err := review.Submit(ctx, l.d, r.ID, r.ReviewerID, f); err != nil && !errors.Is(err, errs.Conflict) {
			return err
		}
	}
	return nil
}

func (l *loader) verdict(ctx context.Context, id string, o opinion) error {
	rs, err := review.OfTriplet(ctx, l.d, id)
	if err != nil {
		return err
	}
	for _, r := range rs {
		if r.ReviewerID != l.people[o.Reviewer] || r.State != review.Open {
			continue
		}
		f := review.Form{Verdict: o.Verdict, Criteria: o.Criteria, Comment: o.Comment, ReasonCode: o.ReasonCode}
		err := review.Submit(ctx, l.d, r.ID, r.ReviewerID, f)
		if errors.Is(err, errs.Conflict) {
			return nil // the round was decided before this one
		}
		return err
	}
	return nil
}

func (l *loader) remove(ctx context.Context, id string, w *draft) error {
	if w.Removal == nil {
		return nil
	}
	tr, err := triplet.Get(ctx, l.d, id)
	if err != nil {
		return err
	}
	l.step(6 * time.Hour)
	if tr.State != triplet.Removal {
		if err := review.ProposeRemoval(ctx, l.d, id, l.people[w.Removal.ProposedBy], w.Removal.ReasonCode, w.Removal.Comment); err != nil {
			return err
		}
	}
	if w.Removal.ConfirmedBy == "" {
		return nil
	}
	l.step(5 * time.Hour)
	return review.DecideRemoval(ctx, l.d, id, l.people[w.Removal.ConfirmedBy], true, w.Removal.Comment)
}
