// Package user is people: who they are, how they prove it, and what they may do.
package user

import "slices"

// A Role is one of the hats people wear; one person may wear several.
type Role string

// The roles.
const (
	Lead      Role = "lead"      // sets up and watches the campaign
	Annotator Role = "annotator" // writes triplets
	Reviewer  Role = "reviewer"  // judges triplets
	Evaluator Role = "evaluator" // judges models' outputs, blind
	Engineer  Role = "engineer"  // imports, screens, exports
)

// Roles lists all roles in the order pages show them.
var Roles = []Role{Lead, Annotator, Reviewer, Evaluator, Engineer}

// A Permission is one thing a person may be allowed to do.
type Permission string

// The permissions. Public and Self are not in the table: everyone has the first, everyone
// who is logged in the second.
const (
	Public Permission = "public"
	Self   Permission = "self"

	SourceRead   Permission = "source.read"
	SourceImport Permission = "source.import"
	SourceDecide Permission = "source.decide" // held sources, refusals, genres
	SourceRemove Permission = "source.remove" // take-downs
	ScreenRun    Permission = "screen.run"
	ScreenScore  Permission = "screen.score" // by hand

	TripletRead  Permission = "triplet.read" // all triplets, not only one's own
	TripletWrite Permission = "triplet.write"
	TripletScore Permission = "triplet.score" // fill a score sheet by hand

	ReviewDo     Permission = "review.do"
	ReviewManage Permission = "review.manage" // assignment, adjudication, the dashboard
	RemovalVote  Permission = "removal.vote"  // propose, confirm or decline

	EvaluateDo  Permission = "evaluate.do"  // blind: compare and rate what one is given
	StudyManage Permission = "study.manage" // plan, open and close studies; see who wrote what, and results

	ReleaseRead Permission = "release.read"
	ReleaseCut  Permission = "release.cut"
	StatsRead   Permission = "stats.read"
	HistoryRead Permission = "history.read"

	BenchmarkRead   Permission = "benchmark.read"   // queries with what models answer: not for those who judge blind
	BenchmarkManage Permission = "benchmark.manage" // write, freeze and retire queries, ask models
	BenchmarkMark   Permission = "benchmark.mark"   // the panel: queries alone, never an answer

	TrainRead Permission = "train.read" // mixes, runs and what became of them
	TrainRun  Permission = "train.run"  // start and stop processes of the server's machine, register models

	PeopleManage   Permission = "people.manage"
	SettingsManage Permission = "settings.manage"
)

// Allowed says who may do what. It is the only place that does; pages, API, tests and the
// documentation read it.
var Allowed = []struct {
	Permission Permission
	Roles      []Role
}{
	{SourceRead, []Role{Lead, Annotator, Engineer}},
	{SourceImport, []Role{Lead, Engineer}},
	{SourceDecide, []Role{Lead, Engineer}},
	{SourceRemove, []Role{Lead, Engineer}},
	{ScreenRun, []Role{Lead, Engineer}},
	{ScreenScore, []Role{Lead, Reviewer}},
	{TripletRead, []Role{Lead, Engineer}},
	{TripletWrite, []Role{Annotator}},
	{TripletScore, []Role{Lead, Reviewer}},
	{ReviewDo, []Role{Reviewer}},
	{ReviewManage, []Role{Lead}},
	{RemovalVote, []Role{Lead, Reviewer}},
	{EvaluateDo, []Role{Evaluator}},
	{StudyManage, []Role{Lead, Engineer}},
	{ReleaseRead, []Role{Lead, Engineer, Evaluator}},
	{ReleaseCut, []Role{Lead, Engineer}},
	{StatsRead, []Role{Lead, Engineer, Reviewer, Evaluator}},
	{HistoryRead, []Role{Lead, Engineer}},
	{BenchmarkRead, []Role{Lead, Engineer}},
	{BenchmarkManage, []Role{Lead, Engineer}},
	{BenchmarkMark, []Role{Lead, Reviewer}},
	{TrainRead, []Role{Lead, Engineer}},
	{TrainRun, []Role{Engineer}},
	{PeopleManage, []Role{Lead}},
	{SettingsManage, []Role{Lead}},
}

// RolesWith returns the roles that hold a permission; Self is held by all of them.
func RolesWith(p Permission) []Role {
	if p == Self || p == Public {
		return Roles
	}
	for _, row := range Allowed {
		if row.Permission == p {
			return row.Roles
		}
	}
	return nil
}

// May reports whether the person holds a permission. A nil or disabled person holds only Public.
func (p *Person) May(perm Permission) bool {
	if perm == Public {
		return true
	}
	if p == nil || p.DisabledAt != nil {
		return false
	}
	if p.Scopes != nil && !slices.Contains(p.Scopes, perm) && perm != Self {
		return false
	}
	if perm == Self {
		return true
	}
	return slices.ContainsFunc(RolesWith(perm), p.Has)
}

// Has reports whether the person holds a role.
func (p *Person) Has(r Role) bool { return slices.Contains(p.Roles, r) }
