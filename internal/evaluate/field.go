package evaluate

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"coigwriter/internal/bench"
	"coigwriter/internal/text"
)

// The rules of what is compared. Each is counted at opening, shown in the plan and in the report.
const (
	RuleWithdrawn = "withdrawn"  // queries taken out of the set
	RuleMissing   = "missing"    // a model has no answer
	RuleFailed    = "failed"     // the model refused or its answer could not be had
	RuleEmpty     = "empty"      // an answer without a character
	RuleIdentical = "identical"  // two models gave the same text
	RuleFew       = "few"        // too few answers are left to compare
	RuleFewer     = "fewer"      // a ranking of fewer answers than planned
	RuleCut       = "cut"        // an answer ended at the limit of tokens
	RuleSwitched  = "switched"   // an answer in another language than its query
	RuleNamed     = "names-self" // an answer says which model wrote it
)

// A Rule says what is done with what cannot, or should not silently, be compared.
type Rule struct {
	Key   string `json:"key"`
	Words Words  `json:"words"`
}

// Rules are those of every study, in the order of the report.
var Rules = []Rule{
	{RuleWithdrawn, Words{"撤下的题不用", "withdrawn queries are not used"}},
	{RuleMissing, Words{"模型没有答的题：该模型不进这道题的比较", "a model without an answer is left out of the comparisons of that query"}},
	{RuleFailed, Words{"模型拒答或没答成：同上", "the same for a model that refused or failed"}},
	{RuleEmpty, Words{"空答案：不给人看，同上", "empty answers are not shown; the same"}},
	{RuleIdentical, Words{"两个模型答得一字不差：不相互比较；排序时只出现一份", "identical answers are not compared with each other; a ranking shows one of them"}},
	{RuleFew, Words{"剩下的答案不够比较：这道题不用", "queries with too few answers left are not used"}},
	{RuleFewer, Words{"答案比计划少的排序：照排，按所排的计", "rankings of fewer answers than planned count for what they rank"}},
	{RuleCut, Words{"写到长度上限被截断的答案：照样评", "answers cut at the limit of tokens are judged as they are"}},
	{RuleSwitched, Words{"用别的语言作答：照样评", "answers in another language are judged as they are"}},
	{RuleNamed, Words{"答案里说出了自己是哪个模型：不给人看，该模型不进这道题的比较", "an answer that says which model wrote it is not shown; the model is left out of that query"}},
	{RuleNotCounted, Words{"开评后撤下的题：已有的票不计", "verdicts on queries withdrawn since do not count"}},
	{RuleRepeat, Words{"重复出现的题：只看自我一致，不计票", "repeats serve self-consistency and are not counted"}},
	{RuleAttention, Words{"注意力检查题：不计票", "attention items are not counted"}},
	{RuleExcluded, Words{"被排除的评测员：其票不计", "verdicts of excluded raters do not count"}},
	{RuleUnfinished, Words{"没做完的任务：没有票", "tasks that were not done have no verdict"}},
	{RuleTakenBack, Words{"一分钟内收回的票：以后来的为准", "verdicts taken back within a minute: the later one counts"}},
}

// Drawn is what opening a study found and made.
type Drawn struct {
	Queries   int      `json:"queries"`
	Items     int      `json:"items"` // real ones
	Attention int      `json:"attention_items"`
	Tasks     int      `json:"tasks"` // with repeats and attention items
	Found     []Found  `json:"found"` // in the order of Rules
	Examples  []string `json:"examples,omitempty"`
}

// Found is how often a rule applied, in all and by model.
type Found struct {
	Rule   string         `json:"rule"`
	Count  int            `json:"count"`
	Models map[string]int `json:"models,omitempty"`
}

// Count is how often a rule applied.
func (d Drawn) Count(rule string) int {
	for _, f := range d.Found {
		if f.Rule == rule {
			return f.Count
		}
	}
	return 0
}

// keepExamples bounds the cases named of what was left out.
const keepExamples = 20

func (d *Drawn) found(rule, model, where string) {
	i := slices.IndexFunc(d.Found, func(f Found) bool { return f.Rule == rule })
	if i < 0 {
		i = len(d.Found)
		d.Found = append(d.Found, Found{Rule: rule, Models: map[string]int{}})
	}
	d.Found[i].Count++
	if model != "" {
		d.Found[i].Models[model]++
	}
	if where != "" && len(d.Examples) < keepExamples {
		d.Examples = append(d.Examples, strings.TrimSpace(rule+": "+where+" "+model))
	}
}

// sorted puts what was found into the order of Rules.
func (d *Drawn) sort() {
	place := map[string]int{}
	for i, r := range Rules {
		place[r.Key] = i
	}
	slices.SortFunc(d.Found, func(a, b Found) int { return cmp.Compare(place[a.Rule], place[b.Rule]) })
}

// An entry is a query and the answers to it that can be shown.
type entry struct {
	query   bench.Query
	answers []bench.Answer // in the order of the plan's models
}

// fieldOf finds what can be compared: the plan's queries with the usable answers of its models.
func fieldOf(kind string, p Plan, queries []bench.Query, answers []bench.Answer, rng *rand.Rand) ([]entry, Drawn) {
	var d Drawn
	byQuery := map[string]map[string]bench.Answer{}
	for _, a := range answers {
		if a.Sample != p.Sample {
			continue
		}
		if byQuery[a.QueryID] == nil {
			byQuery[a.QueryID] = map[string]bench.Answer{}
		}
		byQuery[a.QueryID][a.Model] = a
	}
	picked := func(want []string, s string) bool { return len(want) == 0 || slices.Contains(want, s) }
	var field []entry
	for _, q := range queries {
		if !picked(p.Languages, q.Language) || !picked(p.Genres, q.Genre) {
			continue
		}
		if q.WithdrawnAt != nil {
			d.found(RuleWithdrawn, "", q.Code)
			continue
		}
		e := entry{query: q}
		for _, model := range p.Models {
			a, ok := byQuery[q.ID][model]
			if usable(q, model, a, ok, p.Models, &d) {
				e.answers = append(e.answers, a)
			}
		}
		if kind == Rank {
			e.answers = distinct(e, rng, &d)
		}
		if len(e.answers) < fewest(kind) {
			d.found(RuleFew, "", q.Code)
			continue
		}
		field = append(field, e)
	}
	field = take(field, p.Queries, rng)
	d.Queries = len(field)
	return field, d
}

// fewest is how many answers a query needs to be used.
func fewest(kind string) int {
	return map[string]int{Pair: 2, Rank: MinRanked, Rate: 1}[kind]
}

// usable reports whether an answer can be put before people, and counts why not, and what is odd.
func usable(q bench.Query, model string, a bench.Answer, there bool, models []string, d *Drawn) bool {
	switch {
	case !there:
		d.found(RuleMissing, model, q.Code)
		return false
	case a.Failure != "":
		d.found(RuleFailed, model, q.Code)
		return false
	case a.Chars == 0:
		d.found(RuleEmpty, model, q.Code)
		return false
	case namesItself(a.Output, models):
		d.found(RuleNamed, model, q.Code)
		return false
	}
	if a.Cut() {
		d.found(RuleCut, model, "")
	}
	if a.OutputLanguage != "" && a.OutputLanguage != "und" && a.OutputLanguage != q.Language {
		d.found(RuleSwitched, model, "")
	}
	return true
}

// distinct leaves one of the answers that are the same, by chance, so that no model profits by its place.
func distinct(e entry, rng *rand.Rand, d *Drawn) []bench.Answer {
	groups := map[string][]int{}
	for i, a := range e.answers {
		h := text.ContentHash(a.Output)
		groups[h] = append(groups[h], i)
	}
	keep := make([]bool, len(e.answers))
	for _, h := range slices.Sorted(maps.Keys(groups)) {
		g := groups[h]
		stays := g[rng.IntN(len(g))]
		keep[stays] = true
		for _, i := range g {
			if i != stays {
				d.found(RuleIdentical, e.answers[i].Model, e.query.Code)
			}
		}
	}
	var out []bench.Answer
	for i, a := range e.answers {
		if keep[i] {
			out = append(out, a)
		}
	}
	return out
}

// take draws n queries evenly over languages and genres, and keeps their order; 0 takes all.
func take(field []entry, n int, rng *rand.Rand) []entry {
	if n <= 0 || n >= len(field) {
		return field
	}
	groups := map[string][]int{}
	for i, e := range field {
		k := e.query.Language + " " + e.query.Genre
		groups[k] = append(groups[k], i)
	}
	keys := slices.Sorted(maps.Keys(groups))
	shuffle(rng, keys)
	for _, k := range keys {
		shuffle(rng, groups[k])
	}
	var chosen []int
	for round := 0; len(chosen) < n; round++ {
		for _, k := range keys {
			if g := groups[k]; round < len(g) && len(chosen) < n {
				chosen = append(chosen, g[round])
			}
		}
	}
	slices.Sort(chosen)
	out := make([]entry, n)
	for i, j := range chosen {
		out[i] = field[j]
	}
	return out
}

func shuffle[T any](rng *rand.Rand, s []T) {
	rng.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
}

// assistants are names under which well-known models speak of themselves.
var assistants = []string{
	"chatgpt", "gpt-4", "gpt-5", "claude", "gemini", "qwen", "通义千问", "千问", "deepseek", "文心一言", "ernie bot", "豆包", "doubao", "kimi", "智谱清言", "chatglm", "glm-4", "讯飞星火", "混元", "llama", "mistral", "grok",
}

// shortest is the least length of a model's name that is looked for: one called "g" would be found
// everywhere.
const shortest = 3

// speaking are the words before a name by which an answer speaks of its writer.
var speaking = []string{"i am ", "i'm ", "as ", "我是", "我叫", "作为", "由"}

// namesItself reports whether an answer says which model wrote it: it speaks of itself under the name of
// a model of the study or of a well-known assistant. A story that merely mentions one does not.
func namesItself(s string, models []string) bool {
	s = strings.ToLower(s)
	for _, list := range [][]string{assistants, models} {
		for _, name := range list {
			name = strings.ToLower(name)
			if len([]rune(name)) < shortest && !slices.Contains(assistants, name) {
				continue
			}
			for _, before := range speaking {
				if strings.Contains(s, before+name) {
					return true
				}
			}
		}
	}
	return false
}
