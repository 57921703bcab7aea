package web

import (
	"context"

	"coigwriter/internal/user"
)

// A railEntry is one line of the left rail.
type railEntry struct {
	Key  string // names the words (frame.rail_<key>) and the icon
	Path string
	Keys string          // go there from anywhere
	May  user.Permission // who sees it
}

// rail lists the sections in the order of the flow. A page says its section in Page.Section.
var rail = []railEntry{
	{"today", "/", "g t", user.Self},
	{"sources", "/sources", "g s", user.SourceRead},
	{"annotate", "/annotate", "g a", user.TripletWrite},
	{"triplets", "/triplets", "g w", user.TripletRead},
	{"review", "/review", "g r", user.ReviewDo},
	{"reviews", "/reviews", "g b", user.ReviewManage},
	{"evaluate", "/evaluate", "g o", user.EvaluateDo},
	{"releases", "/releases", "g v", user.ReleaseRead},
	{"statistics", "/statistics", "g n", user.StatsRead},
	{"benchmark", "/benchmark", "g q", user.BenchmarkRead},
	{"studies", "/studies", "g c", user.StudyManage},
	{"experiments", "/experiments", "g x", user.TrainRead},
	{"panel", "/panel", "g l", user.BenchmarkMark},
	{"models", "/models", "g m", user.HistoryRead},
	{"people", "/people", "g p", user.PeopleManage},
	{"settings", "/settings", "g e", user.SettingsManage},
}

// railFor returns the entries the person may open.
func railFor(ctx context.Context) []railEntry {
	out := make([]railEntry, 0, len(rail))
	for _, e := range rail {
		if Can(ctx, e.May) {
			out = append(out, e)
		}
	}
	return out
}
