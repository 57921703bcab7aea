// Package sample fills an empty database with the sample project: a small campaign that looks
// like a real one, because it is what everybody sees first. Its texts are our own (CC0, see
// texts/README.md). It goes through the same functions as people do, so every state, verdict
// and line of history is real; what looks like a model's verdict comes from the scripted server
// and is labelled so.
//
// sample.go reads the texts and tells the campaign's order, collect.go brings a source to its
// state, annotate.go a triplet, benchmark.go brings queries and answers, studies.go votes, experiment.go a
// training that was recorded.
package sample

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/goccy/go-yaml"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/llm"
	"coigwriter/internal/project"
	"coigwriter/internal/release"
	"coigwriter/internal/review"
	"coigwriter/internal/screen"
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
	Wave        int    `yaml:"wave"`     // of the two imports: 1 (the default) or 2
	SameAs      string `yaml:"same_as"`  // key of the text this one repeats
	Reopened    bool   `yaml:"reopened"` // refused by the script, then reopened by a person
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
	Reasoning string `yaml:"reasoning"`
	State     string `yaml:"state"`
	Why       string `yaml:"why"` // it was given up
	// ModelFailed says that it waits for its sheet because the model's reply could not be used.
	ModelFailed bool           `yaml:"model_failed"`
	Sheet       map[string]int `yaml:"sheet"`
	Reviews     []opinion      `yaml:"reviews"`
	Removal     *struct {
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

// loader walks the campaign; its clock starts weeks back and never passes the real one.
type loader struct {
	d      *db.DB
	clock  *clock
	rng    *rand.Rand
	script *llm.Script
	screen screen.Screener
	people map[string]string // login → ID
	texts  []*text
}

// A clock is the campaign's time; the model client's heartbeat looks at it while it is moved.
type clock struct{ micros atomic.Int64 }

func (c *clock) now() time.Time  { return time.UnixMicro(c.micros.Load()) }
func (c *clock) set(t time.Time) { c.micros.Store(t.UnixMicro()) }

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
	l := &loader{
		clock: new(clock), rng: rand.New(rand.NewPCG(51, 1665)), script: script, people: map[string]string{},
		screen: screen.Screener{Client: client, Taxonomy: genre.Default(), Thresholds: screen.DefaultThresholds()},
	}
	end := d.Now()
	l.clock.set(end.Add(-weeks * 7 * 24 * time.Hour))
	own := *d // the campaign has its own time: nobody else who uses the database may see it
	own.Clock = l.clock.now
	d, l.d = &own, &own
	if err := l.read(); err != nil {
		return err
	}
	if err := l.addPeople(ctx, password); err != nil {
		return err
	}
	done := 0
	for i, wave := range l.waves() {
		if err := l.collect(ctx, wave); err != nil {
			return err
		}
		for _, t := range wave {
			if err := l.carry(ctx, t); err != nil {
				return fmt.Errorf("%s: %w", t.Key, err)
			}
			done++
			progress(done, len(l.texts))
		}
		l.step(3 * time.Hour)
		if _, err := review.AssignOpen(ctx, d, l.rng); err != nil {
			return err
		}
		if _, err := release.Cut(ctx, d, release.Options{Version: versions[i].version, Notes: versions[i].notes, By: l.people["xu"]}); err != nil {
			return err
		}
		if err := l.removeReleased(ctx, wave); err != nil {
			return err
		}
		l.clock.set(maxTime(l.clock.now(), end.Add(-secondWave)))
	}
	if err := l.benchmark(ctx); err != nil {
		return fmt.Errorf("benchmark: %w", err)
	}
	if err := l.studies(ctx); err != nil {
		return fmt.Errorf("studies: %w", err)
	}
	if err := l.experiment(ctx); err != nil {
		return fmt.Errorf("experiment: %w", err)
	}
	if now := l.clock.now(); now.After(end) {
		return fmt.Errorf("the campaign ends %v after now", now.Sub(end))
	}
	return nil
}

// The campaign lasts so many weeks; its second import comes so long before its end.
const (
	weeks      = 3
	secondWave = 9 * 24 * time.Hour
)

// versions are cut after the waves.
var versions = []struct{ version, notes string }{
	{"0.1.0", "试发布：先看一遍整条路。"},
	{"0.2.0", "第二批定稿；撤下一篇把虚构写成考据的文章。"},
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (l *loader) waves() [][]*text {
	waves := make([][]*text, len(versions))
	for _, t := range l.texts {
		at := max(t.Wave, 1) - 1
		waves[at] = append(waves[at], t)
	}
	return waves
}

// step lets time pass, a little unevenly.
func (l *loader) step(d time.Duration) {
	l.clock.set(l.clock.now().Add(d + time.Duration(l.rng.Int64N(int64(d/2)+1))))
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
		for _, other := range l.texts {
			if t.SameAs != "" && other.Key == t.SameAs {
				t.Text = other.Text
			}
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
		s.Name, s.Sample, s.MaxDrafts, s.Language, s.ScoreBy = "春笋计划（示例）", true, 8, "both", "person"
	})
	return err
}
