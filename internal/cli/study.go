package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/genre"
	"coigwriter/internal/table"
	"coigwriter/internal/user"
)

type studyCmd struct {
	List    studyListCmd    `cmd:"" help:"List the studies."`
	Show    studyShowCmd    `cmd:"" help:"Show a study: its plan, progress, raters, deviations and judges."`
	Plan    studyPlanCmd    `cmd:"" help:"Plan a study as a draft: what is compared, by whom, how."`
	Look    studyLookCmd    `cmd:"" help:"Say what a draft comes to: items, load, time, and what it can tell."`
	Open    studyOpenCmd    `cmd:"" help:"Freeze a draft's plan, draw its tasks and let people vote."`
	Close   studyCloseCmd   `cmd:"" help:"Take no verdicts any more."`
	Judge   studyJudgeCmd   `cmd:"" help:"Have the configured model judge what people compare, in both orders; its verdicts stay apart."`
	Results studyResultsCmd `cmd:"" help:"Print what people said, and apart from it what each judge said."`
	Export  studyExportCmd  `cmd:"" help:"Write a study's records, plan and deviations, raters under pseudonyms."`
	Prefer  studyPreferCmd  `cmd:"" help:"Write what people chose as preference data (DPO, reward models)."`
}

// onStudy opens the project and finds a study.
func onStudy(ctx context.Context, cfg *Config, name string, f func(d *db.DB, s evaluate.Study) error) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	s, err := evaluate.Find(ctx, d, name)
	if err != nil {
		return err
	}
	return f(d, s)
}

type studyListCmd struct{}

// Run lists the studies, newest first.
func (studyListCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	ss, err := evaluate.Studies(ctx, d)
	if err != nil {
		return err
	}
	return con.print(ss, func(w io.Writer) error {
		t := table.New("", table.Text("study"), table.Text("kind"), table.Text("state"), table.Num("models"), table.Num("tasks"), table.Text("plan"))
		for _, s := range ss {
			t.Add(s.Name, s.Kind, s.State, len(s.Plan.V.Models), s.Drawn.V.Tasks, s.PlanHash[:min(12, len(s.PlanHash))])
		}
		if len(ss) == 0 {
			t.Note = "there are none yet: coigwriter study plan NAME"
		}
		return t.Terminal(w)
	})
}

type studyShowCmd struct {
	Study string `arg:"" help:"Name or ID."`
}

type studyDoc struct {
	evaluate.Study
	Raters     []evaluate.Rater     `json:"raters"`
	Deviations []evaluate.Deviation `json:"deviations"`
	Judges     []evaluate.Judge     `json:"judges"`
}

// Run shows one study.
func (c studyShowCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	return onStudy(ctx, cfg, c.Study, func(d *db.DB, s evaluate.Study) (err error) {
		doc := studyDoc{Study: s}
		if doc.Raters, err = evaluate.Raters(ctx, d, s); err != nil {
			return err
		}
		if doc.Deviations, err = evaluate.Deviations(ctx, d, s.ID); err != nil {
			return err
		}
		if doc.Judges, err = evaluate.Judges(ctx, d, s.ID); err != nil {
			return err
		}
		return con.print(doc, func(w io.Writer) error {
			fmt.Fprintf(w, "%s  %s  %s  %d items, %d tasks  plan %s\n%s\n", s.Name, s.Kind, s.State, s.Drawn.V.Items, s.Drawn.V.Tasks, s.PlanHash, s.Plan.V.Question)
			for _, t := range []*table.Table{raterTable(doc.Raters), foundTable(s.Drawn.V.Found), deviationTable(doc.Deviations), judgeTable(doc.Judges)} {
				if len(t.Rows) > 0 {
					if err := t.Terminal(w); err != nil {
						return err
					}
				}
			}
			return nil
		})
	})
}

func raterTable(rs []evaluate.Rater) *table.Table {
	t := table.New("Raters", table.Text("rater"), table.Num("done"), table.Num("of"), table.Num("attention"), table.Num("repeats agree"), table.Num("median s"), table.Num("fast"), table.Text(""))
	for _, r := range rs {
		agree, why := any(nil), ""
		if r.Repeated > 0 {
			agree = r.Consistent
		}
		if r.Excluded {
			why = "excluded: " + r.Why
		}
		if r.Sees {
			why = strings.TrimSpace(why + " may see who wrote what")
		}
		t.Add(r.Pseudonym, r.Done, r.Tasks, fmt.Sprintf("%d/%d", r.Passed, r.Checked), agree, r.Median, r.Fast, why)
	}
	return t
}

func foundTable(fs []evaluate.Found) *table.Table {
	t := table.New("Rules", table.Text("rule"), table.Num("times"), table.Text("by model"))
	for _, f := range fs {
		words := f.Rule
		if i := slices.IndexFunc(evaluate.Rules, func(r evaluate.Rule) bool { return r.Key == f.Rule }); i >= 0 {
			words = evaluate.Rules[i].Words.EN
		}
		var by []string
		for _, m := range sortedKeys(f.Models) {
			by = append(by, fmt.Sprintf("%s %d", m, f.Models[m]))
		}
		t.Add(words, f.Count, strings.Join(by, ", "))
	}
	return t
}

func deviationTable(ds []evaluate.Deviation) *table.Table {
	t := table.New("Deviations from the plan", table.Text("when"), table.Text("what"), table.Text("why"))
	for _, x := range ds {
		t.Add(x.At.UTC().Format("2006-01-02 15:04"), x.What, x.Why)
	}
	return t
}

func judgeTable(js []evaluate.Judge) *table.Table {
	t := table.New("Model judges", table.Text("judge"), table.Num("verdicts"), table.Num("flipped"), table.Num("failed"), table.Text("chose the first"))
	for _, j := range js {
		name := j.Judge
		if j.Scripted {
			name += " (a scripted fake)"
		}
		t.Add(name, j.Verdicts, j.Flipped, j.Failed, fmt.Sprintf("%d/%d", j.FirstPlace, j.Decided))
	}
	return t
}

type studyPlanCmd struct {
	Name       string   `arg:"" help:"Name of the study; raters see it, so that it must name no model."`
	Kind       string   `help:"What a task asks: pair, rank or rate." enum:"pair,rank,rate" default:"pair"`
	Set        string   `help:"Frozen set of queries." required:"" placeholder:"NAME"`
	Models     []string `help:"Models whose answers are compared, in the order of the tables." required:"" placeholder:"A,B,…"`
	Evaluators []string `help:"Logins of those who evaluate." required:"" placeholder:"LOGIN,…"`
	Question   string   `help:"What the study is to find out, in words." placeholder:"TEXT"`
	From       string   `name:"plan" help:"JSON file with the fields of a plan; what is there goes before the flags below." type:"existingfile" placeholder:"FILE"`

	Language   []string `help:"Queries of these languages only."`
	Genre      []string `help:"Queries of these genres only."`
	Queries    int      `help:"Queries taken, drawn evenly over genres; 0 for all."`
	Sample     int      `help:"Which of a model's answers."`
	Pairs      int      `help:"Pairs of models for each query; 0 for all."`
	Size       int      `help:"Answers of one ranking, 3 to 8; 0 for all models."`
	Assignment string   `help:"Who gets what: balanced, or by-model for ratings." enum:"balanced,by-model" default:"balanced"`
	Overlap    int      `help:"Raters of a shared item." default:"2"`
	Shared     float64  `help:"Share of items that are shared." default:"0.2"`
	Repeats    float64  `help:"Share of a rater's items that come again, turned." default:"0.05"`
	Attention  int      `help:"Attention items of each rater." default:"2"`
	MaxFailed  int      `help:"Attention items that a rater may fail and still count."`
	MinSeconds float64  `help:"A faster verdict is a signal, and counts." default:"5"`
	Seed       uint64   `help:"Seed of everything that is drawn." default:"1"`
	Detect     float64  `help:"Share of wins to be told from one half." default:"0.6"`
	Bootstrap  int      `help:"Resamples of the intervals." default:"1000"`
}

// Run plans a study and says what it comes to.
func (c studyPlanCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	return onSet(ctx, cfg, c.Set, func(d *db.DB, tax *genre.Taxonomy, set bench.Set) error {
		p := evaluate.DefaultPlan()
		p.Question, p.SetID, p.Models, p.Languages, p.Queries, p.Sample = c.Question, set.ID, c.Models, c.Language, c.Queries, c.Sample
		p.Pairs, p.Size, p.Assignment, p.Overlap, p.Shared, p.Repeats = c.Pairs, c.Size, c.Assignment, c.Overlap, c.Shared, c.Repeats
		p.Attention, p.MaxFailed, p.MinSeconds, p.Seed, p.Detect, p.Bootstrap = c.Attention, c.MaxFailed, c.MinSeconds, c.Seed, c.Detect, c.Bootstrap
		for _, name := range c.Genre {
			g, ok := tax.Find(name)
			if !ok {
				return usagef("unknown genre %q; near it are %s", name, strings.Join(tax.Nearest(name, 3), ", "))
			}
			p.Genres = append(p.Genres, g.ID)
		}
		for _, login := range c.Evaluators {
			person, err := user.ByLogin(ctx, d, login)
			if err != nil {
				return err
			}
			p.Evaluators = append(p.Evaluators, person.ID)
		}
		if c.From != "" {
			data, err := os.ReadFile(c.From)
			if err == nil {
				err = p.Read(data)
			}
			if err != nil {
				return errs.Invalidf("%s: %w", c.From, err)
			}
		}
		s, err := evaluate.New(ctx, d, "system", c.Name, c.Kind, p)
		if err != nil {
			return err
		}
		return look(ctx, con, d, s)
	})
}

type studyLookCmd struct {
	Study string `arg:"" help:"Name or ID of a draft."`
}

// Run draws a plan without keeping anything.
func (c studyLookCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	return onStudy(ctx, cfg, c.Study, func(d *db.DB, s evaluate.Study) error { return look(ctx, con, d, s) })
}

func look(ctx context.Context, con *console, d *db.DB, s evaluate.Study) error {
	o, err := evaluate.Look(ctx, d, s.Kind, s.Plan.V)
	if err != nil {
		return err
	}
	doc := struct {
		Study string `json:"study"`
		State string `json:"state"`
		evaluate.Outlook
	}{s.Name, s.State, o}
	return con.print(doc, func(w io.Writer) error {
		fmt.Fprintf(w, "%s  %s  %s\n", s.Name, s.Kind, s.State)
		t := table.New("", table.Text("plan"), table.Num(""), table.Text(""))
		t.Add("queries", o.Drawn.Queries, "")
		t.Add("items", o.Drawn.Items, "")
		t.Add("tasks", o.Drawn.Tasks, "with repeats and attention items")
		t.Add("verdicts, at least", o.VotesLeast, "of a pair of models (rating: of a model), by language")
		if s.Kind != evaluate.Rate {
			t.Add("  independent ones", fmt.Sprintf("%.0f", o.Effective), "less what votes on one item repeat of each other")
			t.Add("needed", o.Needed, fmt.Sprintf("to tell %.0f%% from one half over %d pairs", 100*s.Plan.V.Detect, o.Pairs))
			t.Add("can tell", fmt.Sprintf("%.1f%%", 100*o.Detectable), "from one half")
		}
		t.Add("items two raters share", o.SharedLess, "at least")
		if err := t.Terminal(w); err != nil {
			return err
		}
		names, err := user.Names(ctx, d)
		if err != nil {
			return err
		}
		t = table.New("Load", table.Text("rater"), table.Num("tasks"), table.Num("minutes"))
		for _, l := range o.Raters {
			t.Add(names[l.PersonID], l.Tasks, fmt.Sprintf("%.0f", l.Minutes))
		}
		if err := t.Terminal(w); err != nil {
			return err
		}
		if len(o.Drawn.Found) == 0 {
			return nil
		}
		return foundTable(o.Drawn.Found).Terminal(w)
	})
}

type studyOpenCmd struct {
	Study string `arg:"" help:"Name or ID of a draft, or of a closed study to be opened anew."`
	Why   string `help:"Why a closed study is opened anew; this is a deviation." placeholder:"TEXT"`
}

// Run freezes and opens.
func (c studyOpenCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	return onStudy(ctx, cfg, c.Study, func(d *db.DB, s evaluate.Study) (err error) {
		if s.State == evaluate.Draft {
			s, err = evaluate.Begin(ctx, d, "system", s.ID)
		} else {
			s, err = evaluate.Move(ctx, d, "system", s.ID, evaluate.Open, c.Why)
		}
		return printStudy(con, s, err)
	})
}

type studyCloseCmd struct {
	Study string `arg:"" help:"Name or ID."`
	Why   string `help:"Why it ends before all is done; this is a deviation." placeholder:"TEXT"`
}

// Run closes.
func (c studyCloseCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	return onStudy(ctx, cfg, c.Study, func(d *db.DB, s evaluate.Study) error {
		s, err := evaluate.Move(ctx, d, "system", s.ID, evaluate.Closed, c.Why)
		return printStudy(con, s, err)
	})
}

func printStudy(con *console, s evaluate.Study, err error) error {
	if err != nil {
		return err
	}
	return con.print(s, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s is %s: %d items, %d tasks; plan %s\n", s.Name, s.State, s.Drawn.V.Items, s.Drawn.V.Tasks, s.PlanHash)
		return err
	})
}
