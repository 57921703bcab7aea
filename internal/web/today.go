package web

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/release"
	"coigwriter/internal/review"
	"coigwriter/internal/screen"
	"coigwriter/internal/source"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
)

// eventsShown bounds the last events on the first page.
const eventsShown = 12

// healthy answers the question of a supervisor whether the program serves requests.
func (s *Server) healthy(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := w.Write([]byte("ok\n"))
	return err
}

// todayView is what a person starts the day with.
type todayView struct {
	Tasks     []Figure // what waits for them
	Own       []Figure // how their own work stands
	Flow      []FunnelStep
	Screening *screen.Status // for those who screen
	Events    []audit.Event  // for those who may read the history, newest first
	Names     map[string]string
	Titles    map[string]string // of the items of the events, by ID
	Begin     bool              // a lead's first steps: there is nothing yet
}

// today is the page a person starts the day with.
func (s *Server) today(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v := todayView{}
	waits, err := s.waiting(ctx)
	if err != nil {
		return err
	}
	if Can(ctx, user.ScreenRun) { // only here: the rail of every other page does not show them
		if waits.failures, err = screen.CountFailures(ctx, s.db); err != nil {
			return err
		}
		if waits.unscored, err = triplet.CountFailures(ctx, s.db); err != nil {
			return err
		}
	}
	v.Tasks = waits.tasks(ctx)
	if Can(ctx, user.TripletWrite) {
		v.Own = ownFigures(ctx, waits.own)
	}
	if Can(ctx, user.TripletRead) {
		if v.Flow, err = s.flow(ctx, waits); err != nil {
			return err
		}
	}
	if Can(ctx, user.ScreenRun) {
		st, err := screen.StatusOf(ctx, s.db, s.opt.LLM)
		if err != nil {
			return err
		}
		v.Screening = &st
	}
	if Can(ctx, user.HistoryRead) {
		if v.Events, err = audit.Recent(ctx, s.db, eventsShown, "answer", "query"); err != nil {
			return err
		}
		if v.Titles, err = titlesOf(ctx, s.db, itemsOf(v.Events)); err != nil {
			return err
		}
		if v.Names, err = user.Names(ctx, s.db); err != nil {
			return err
		}
	}
	v.Begin = Can(ctx, user.SettingsManage) && countOf(waits.sources, "") == 0
	return s.render(w, r, Page{Title: T(ctx, "today.title"), Section: "today"}, todayPage(v))
}

// waits are the counts behind a person's tasks; what they may not see is not counted.
type waits struct {
	sources  map[string]int // by state
	triplets map[string]int // by state, all people's
	own      map[string]int // by state, the person's
	reviews  int            // open reviews of the person
	verdicts int            // tasks of blind studies that the person has not judged
	failures int            // sources held by a model's failure
	unscored int            // triplets without a sheet by a model's failure
	byHand   bool           // people score the sheets
	screen   bool           // people screen, since there is no model
}

// waiting counts what waits for the person who looks.
func (s *Server) waiting(ctx context.Context) (w waits, err error) {
	me := viewOf(ctx).Person
	if me == nil {
		return w, nil
	}
	w.byHand = !triplet.ModelScores(viewOf(ctx).Project, s.opt.LLM)
	w.screen = s.opt.LLM == nil || !s.opt.LLM.Configured()
	if Can(ctx, user.SourceRead) || Can(ctx, user.ScreenScore) {
		if w.sources, err = source.Counts(ctx, s.db); err != nil {
			return w, err
		}
	}
	if Can(ctx, user.TripletRead) || Can(ctx, user.TripletScore) || Can(ctx, user.RemovalVote) {
		if w.triplets, err = triplet.Counts(ctx, s.db, ""); err != nil {
			return w, err
		}
	}
	if Can(ctx, user.TripletWrite) {
		if w.own, err = triplet.Counts(ctx, s.db, me.ID); err != nil {
			return w, err
		}
	}
	if Can(ctx, user.ReviewDo) {
		if w.reviews, err = review.OpenCount(ctx, s.db, me.ID); err != nil {
			return w, err
		}
	}
	if Can(ctx, user.EvaluateDo) {
		if w.verdicts, err = evaluate.Waiting(ctx, s.db, me.ID); err != nil {
			return w, err
		}
	}
	return w, nil
}

// rail says which entries of the rail carry a number.
func (w waits) rail(ctx context.Context) map[string]int {
	counts := map[string]int{"annotate": w.own[triplet.Returned], "review": w.reviews, "evaluate": w.verdicts}
	if Can(ctx, user.SourceDecide) {
		counts["sources"] = w.sources[source.Held]
	}
	if Can(ctx, user.ReviewManage) {
		counts["reviews"] = w.triplets[triplet.Disputed] + w.triplets[triplet.Removal]
	}
	return counts
}

// tasks are the numbers that ask for something, each a way to its list; what is nothing is
// left out.
func (w waits) tasks(ctx context.Context) []Figure {
	var out []Figure
	add := func(may user.Permission, key string, n int, url string, alert bool) {
		if Can(ctx, may) && n > 0 {
			out = append(out, Figure{T(ctx, "today.task_"+key), n, url, alert})
		}
	}
	add(user.TripletWrite, "returned", w.own[triplet.Returned], "/annotate", true)
	add(user.TripletWrite, "drafts", w.own[triplet.Draft], "/annotate", false)
	add(user.ReviewDo, "reviews", w.reviews, "/review", false)
	add(user.EvaluateDo, "verdicts", w.verdicts, "/evaluate", false)
	if w.byHand {
		add(user.TripletScore, "score", w.triplets[triplet.Submitted], "/triplets/to-score", false)
	}
	if w.screen {
		add(user.ScreenScore, "screen", w.sources[source.Waiting], "/screening", false)
	}
	add(user.SourceDecide, "held", w.sources[source.Held], "/sources?state=held", true)
	add(user.ReviewManage, "disputed", w.triplets[triplet.Disputed], "/reviews#disputed", true)
	if Can(ctx, user.ReviewManage) {
		add(user.RemovalVote, "removal", w.triplets[triplet.Removal], "/reviews#removals", true)
	}
	add(user.ScreenRun, "failures", w.failures, "/sources/failures", true)
	add(user.ScreenRun, "unscored", w.unscored, "/triplets/failures", true)
	return out
}

func ownFigures(ctx context.Context, own map[string]int) []Figure {
	var out []Figure
	for _, f := range []struct {
		key, tab string
		n        int
	}{
		{"submitted", "submitted", own[triplet.Submitted]},
		{"in_review", "in_review", own[triplet.InReview] + own[triplet.Disputed]},
		{"accepted", "accepted", own[triplet.Accepted]},
	} {
		out = append(out, Figure{T(ctx, "annotate.tab_"+f.key), f.n, "/annotate?tab=" + f.tab, false})
	}
	return out
}

// flow is the campaign from sources to release, each stage with what stands there.
func (s *Server) flow(ctx context.Context, w waits) ([]FunnelStep, error) {
	rs, err := release.List(ctx, s.db)
	if err != nil {
		return nil, err
	}
	released := 0
	if len(rs) > 0 {
		released = rs[0].Items
	}
	sources, err := source.Oldest(ctx, s.db, source.Waiting, source.Held)
	if err != nil {
		return nil, err
	}
	triplets, err := triplet.Oldest(ctx, s.db, triplet.Draft, triplet.Submitted, triplet.Returned, triplet.InReview, triplet.Disputed, triplet.Removal)
	if err != nil {
		return nil, err
	}
	src := func(key, state string, alert, out bool) FunnelStep {
		return FunnelStep{Label: T(ctx, "today.flow_"+key), Count: w.sources[state], URL: "/sources?state=" + state, Wait: longest(ctx, sources[state]), Alert: alert, Out: out}
	}
	tri := func(state string, alert, out bool) FunnelStep {
		return FunnelStep{Label: statusWord(ctx, "triplets", state), Count: w.triplets[state], URL: "/triplets?state=" + state, Wait: longest(ctx, triplets[state]), Alert: alert, Out: out}
	}
	return []FunnelStep{
		src("waiting", source.Waiting, false, false), src("held", source.Held, true, false), src("refused", source.Refused, false, true),
		src("pool", source.Pool, false, false),
		tri(triplet.Draft, false, false), tri(triplet.Submitted, false, false), tri(triplet.Returned, false, false),
		tri(triplet.InReview, false, false), tri(triplet.Disputed, true, false), tri(triplet.Removal, true, false),
		tri(triplet.Accepted, false, false), tri(triplet.Removed, false, true),
		{Label: T(ctx, "today.flow_released"), Count: released, URL: "/releases"},
	}, nil
}

// longest says since when the oldest item of a stage stands there.
func longest(ctx context.Context, since time.Time) string {
	if since.IsZero() {
		return ""
	}
	return T(ctx, "today.longest", "since", relative(ctx, since, viewOf(ctx).Now))
}

// eventWord says an event of the history in words: <kind>_<action> where somebody has written
// them, else the action itself.
func eventWord(ctx context.Context, e audit.Event) string {
	if key := "today.event_" + e.ItemKind + "_" + e.Action; has(Lang(ctx), key) {
		return T(ctx, key)
	}
	return e.ItemKind + ": " + strings.ReplaceAll(e.Action, "-", " ")
}

// itemsOf are the items that events are about.
func itemsOf(events []audit.Event) (ids []string) {
	for _, e := range events {
		ids = append(ids, e.ItemID)
	}
	return ids
}

// titlesOf returns the titles of those ids that are sources, triplets, queries or sets of them.
func titlesOf(ctx context.Context, d *db.DB, ids []string) (map[string]string, error) {
	out, err := source.Titles(ctx, d, ids)
	if err != nil {
		return nil, err
	}
	of, err := triplet.Titles(ctx, d, ids)
	if err != nil {
		return nil, err
	}
	maps.Copy(out, of)
	of, err = bench.Titles(ctx, d, ids)
	maps.Copy(out, of)
	return out, err
}

// eventURL is the page of the item an event is about; empty where it has none.
func eventURL(ctx context.Context, e audit.Event) string {
	switch {
	case e.ItemKind == "source" && Can(ctx, user.SourceRead):
		return "/sources/" + e.ItemID
	case e.ItemKind == "triplet" && Can(ctx, user.TripletRead):
		return "/triplets/" + e.ItemID
	case e.ItemKind == "query_set" && Can(ctx, user.BenchmarkRead):
		return "/benchmark/" + e.ItemID
	case e.ItemKind == "query" && Can(ctx, user.BenchmarkRead):
		return "/queries/" + e.ItemID
	case e.ItemKind == "person" && Can(ctx, user.PeopleManage):
		return "/people/" + e.ItemID
	case e.ItemKind == "release" && Can(ctx, user.ReleaseRead):
		return "/releases"
	}
	return ""
}
