package analysis

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"coigwriter/internal/record"
	"coigwriter/internal/stats"
)

// Votes collects the votes of one or more files and keeps them apart by language. What does not
// count is named and counted, never dropped silently.
type Votes struct {
	// Models, where given, are those that take part: votes about others are left out and counted in
	// Other.
	Models     []string
	Other      map[string]int // model that does not take part → its votes
	byLanguage map[string]*ballot
	queries    map[string]string // query → its language
	Mixed      int               // votes on a query that was voted on in another language before
	Duplicates int               // votes that a rater gave again on the same pair and query: the first counts
	Problems   []string          // the first of these, in words
}

// A ballot is the votes of one language.
type ballot struct {
	votes  []record.Vote
	seen   map[[4]string]bool
	ranked int
	mu     sync.Mutex
	made   *poll // of the votes as they are; nil after another one
}

// NewVotes collects votes about the models named, or about any where none is.
func NewVotes(models ...string) *Votes {
	return &Votes{Models: models, Other: map[string]int{}, byLanguage: map[string]*ballot{}, queries: map[string]string{}}
}

const keepProblems = 20

func (v *Votes) problem(format string, args ...any) {
	if len(v.Problems) < keepProblems {
		v.Problems = append(v.Problems, fmt.Sprintf(format, args...))
	}
}

// takesPart reports whether a vote is between models that take part, and counts those that do not.
func (v *Votes) takesPart(x record.Vote) bool {
	ok := true
	for _, m := range []string{x.ModelA, x.ModelB} {
		if len(v.Models) > 0 && !slices.Contains(v.Models, m) {
			v.Other[m]++
			ok = false
		}
	}
	return ok
}

// others says which models were left out.
func (v *Votes) others() Note {
	if len(v.Other) == 0 {
		return Note{}
	}
	var list []string
	for _, m := range slices.Sorted(maps.Keys(v.Other)) {
		list = append(list, fmt.Sprintf("%s (%d)", m, v.Other[m]))
	}
	return note("未列入的模型，其票不计：%s", "votes about models that were not listed are left out: %s", strings.Join(list, ", "))
}

// Add takes one vote. A rater's second vote on the same pair of outputs is left out and counted; so
// is a vote on a query whose votes were in another language.
func (v *Votes) Add(x record.Vote) {
	if !v.takesPart(x) {
		return
	}
	if lang, ok := v.queries[x.QueryID]; ok && lang != x.Language {
		v.Mixed++
		v.problem("query %s: a vote in %q after votes in %q; the first language counts", x.QueryID, x.Language, lang)
		return
	}
	v.queries[x.QueryID] = x.Language
	b := v.byLanguage[x.Language]
	if b == nil {
		b = &ballot{seen: map[[4]string]bool{}}
		v.byLanguage[x.Language] = b
	}
	if x.Rater != "" {
		key := [4]string{x.QueryID, x.Rater, min(x.ModelA, x.ModelB), max(x.ModelA, x.ModelB)}
		if b.seen[key] {
			v.Duplicates++
			v.problem("query %s: rater %s has voted on %s and %s before; the first vote counts", x.QueryID, x.Rater, x.ModelA, x.ModelB)
			return
		}
		b.seen[key] = true
	}
	if x.Ranked {
		b.ranked++
	}
	b.votes, b.made = append(b.votes, x), nil
}

// Languages lists the languages with votes.
func (v *Votes) Languages() []string { return slices.Sorted(maps.Keys(v.byLanguage)) }

// Len is the number of votes that count.
func (v *Votes) Len() int {
	n := 0
	for _, b := range v.byLanguage {
		n += len(b.votes)
	}
	return n
}

// A poll is the votes of one language, ready for statistics: models by index, the left side first.
type poll struct {
	models  []string // in the order of Votes.Models, or by name
	votes   []stats.Vote
	sided   []bool // the vote says what was shown first
	long    []bool // the vote carries both lengths
	queries []string
	raters  []string
	genres  []string
	ranked  int // votes that come from rankings
	unnamed int // votes that name no rater
	partial partialRankings
}

// partialRankings are the rankings that hold fewer models than the longest one of the language.
type partialRankings struct {
	n, of, longest int
	first          []string // some of them, in words
}

// partial finds them. Rankings that name no rater are told apart by their sizes alone.
func (b *ballot) partial() (p partialRankings) {
	type ranking struct{ query, rater string }
	models, unnamed := map[ranking]map[string]bool{}, map[int]int{} // unnamed: size → votes
	for _, x := range b.votes {
		switch {
		case !x.Ranked:
		case x.Rater == "":
			unnamed[x.Of]++
		default:
			r := ranking{x.QueryID, x.Rater}
			if models[r] == nil {
				models[r] = map[string]bool{}
			}
			models[r][x.ModelA], models[r][x.ModelB] = true, true
		}
	}
	sizes := map[int]int{}
	for _, ms := range models {
		sizes[len(ms)]++
	}
	for k, votes := range unnamed {
		if k > 1 {
			sizes[k] += votes / (k * (k - 1) / 2)
		}
	}
	for k, n := range sizes {
		p.of, p.longest = p.of+n, max(p.longest, k)
	}
	p.n = p.of - sizes[p.longest]
	for r, ms := range models {
		if len(ms) < p.longest {
			p.first = append(p.first, fmt.Sprintf("%s/%s %d", r.query, r.rater, len(ms)))
		}
	}
	slices.Sort(p.first)
	p.first = p.first[:min(len(p.first), 3)]
	return p
}

// note says it in words.
func (p partialRankings) note() Note {
	if p.n == 0 {
		return Note{}
	}
	few := strings.Join(p.first, ", ")
	if few != "" {
		few = " (" + few + ")"
	}
	return note("%d 份排名（共 %d 份）不足 %d 个模型，缺的各对因此少些票%s", "%d of %d rankings hold fewer than %d models: the pairs they lack rest on fewer votes%s", p.n, p.of, p.longest, few)
}

// of is the poll of those votes alone that keep: models without a vote are gone, and the others have new
// indices.
func (p poll) of(keep func(i int) bool) poll {
	out := p
	out.models, out.votes, out.sided, out.long = nil, nil, nil, nil
	has := make([]bool, len(p.models))
	for i, v := range p.votes {
		if keep(i) {
			has[v.Left], has[v.Right] = true, true
		}
	}
	index := make([]int, len(p.models))
	for i, m := range p.models {
		if has[i] {
			index[i], out.models = len(out.models), append(out.models, m)
		}
	}
	for i, v := range p.votes {
		if keep(i) {
			v.Left, v.Right = index[v.Left], index[v.Right]
			out.votes, out.sided, out.long = append(out.votes, v), append(out.sided, p.sided[i]), append(out.long, p.long[i])
		}
	}
	return out
}

// withSides are the votes that say what was shown first; a ranking shows nothing first.
func (p poll) withSides() poll { return p.of(func(i int) bool { return p.sided[i] }) }

// withLengths are the votes that carry both lengths.
func (p poll) withLengths() poll { return p.of(func(i int) bool { return p.long[i] }) }

// most is the largest number of votes that one query has on one pair.
func (p poll) most() int {
	type key struct {
		query string
		i, j  int
	}
	n, most := map[key]int{}, 0
	for _, v := range p.votes {
		k := key{v.Query, min(v.Left, v.Right), max(v.Left, v.Right)}
		n[k]++
		most = max(most, n[k])
	}
	return most
}

// poll is made once for the votes of a language, however many computations read it, also at once.
func (v *Votes) poll(language string) poll {
	b := v.byLanguage[language]
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.made == nil {
		p := v.newPoll(b)
		b.made = &p
	}
	return *b.made
}

func (v *Votes) newPoll(b *ballot) poll {
	models, queries, raters, genres := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, x := range b.votes {
		models[x.ModelA], models[x.ModelB], queries[x.QueryID] = true, true, true
		if x.Rater != "" {
			raters[x.Rater] = true
		}
		if x.Genre != "" {
			genres[x.Genre] = true
		}
	}
	p := poll{queries: slices.Sorted(maps.Keys(queries)), raters: slices.Sorted(maps.Keys(raters)), genres: slices.Sorted(maps.Keys(genres)), ranked: b.ranked, partial: b.partial()}
	p.models = slices.Sorted(maps.Keys(models))
	slices.SortStableFunc(p.models, func(a, b string) int {
		place := func(m string) int {
			if i := slices.Index(v.Models, m); i >= 0 {
				return i
			}
			return len(v.Models)
		}
		return cmp.Compare(place(a), place(b))
	})
	index := map[string]int{}
	for i, m := range p.models {
		index[m] = i
	}
	for _, x := range b.votes {
		s := stats.Vote{Query: x.QueryID, Genre: x.Genre, Rater: x.Rater, Left: index[x.ModelA], Right: index[x.ModelB]}
		a, la, lb := stats.LeftWins, x.LengthA, x.LengthB
		if x.Winner == record.WinnerB {
			a = stats.RightWins
		}
		if x.First == record.WinnerB { // what was shown first stands left
			s.Left, s.Right, la, lb = s.Right, s.Left, lb, la
			a = stats.LeftWins + stats.RightWins - a
		}
		switch x.Winner {
		case record.WinnerTie:
			a = stats.Tie
		case record.WinnerBothBad:
			a = stats.BothBad
		}
		s.Outcome = a
		p.sided, p.long = append(p.sided, x.First != "" && !x.Ranked), append(p.long, la > 0 && lb > 0 && !x.Ranked)
		if x.Rater == "" {
			p.unnamed++
		}
		s.Covariates = []float64{0, la - lb} // relative, and as it is
		if la+lb > 0 {
			s.Covariates[0] = (la - lb) / (la + lb)
		}
		p.votes = append(p.votes, s)
	}
	return p
}
