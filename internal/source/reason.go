package source

import "strings"

// reasons are the sentences of the date gate's and the store's own reasons, Chinese and English.
// The reasons of rules are screen's: see screen.Explain.
var reasons = map[string][2]string{
	"date.agreed":       {"两种以上互相独立的日期依据一致", "two or more independent kinds of date evidence agree"},
	"date.declared":     {"收集者给出了完整日期，没有矛盾的依据", "the collector gave a full date and nothing contradicts it"},
	"date.single":       {"只有一种日期依据，需要人来确认", "only one kind of date evidence; a person must confirm it"},
	"date.none":         {"没有找到发表日期", "no publication date was found"},
	"date.conflict":     {"日期依据互相矛盾", "the pieces of date evidence contradict each other"},
	"date.near_cutoff":  {"最早的日期在截止日附近或之前", "the earliest date is near the cut-off, or before it"},
	"date.impossible":   {"有不可能的日期（在未来，或早于网页出现）", "a date is impossible (in the future, or before there was a web)"},
	"date.before":       {"发表在截止日之前", "published before the cut-off"},
	"date.seen_before":  {"截止日之前已有人见过", "somebody saw it before the cut-off"},
	"date.seen_earlier": {"有人在它自称的日期之前见过它", "somebody saw it before the date it claims"},
	"duplicate":         {"与另一篇文字相同", "the same text as another source"},
}

// Explain says a reason in a language: Chinese for zh and zh-CN, English for all others. A
// person's own words, and the keys of rules, are returned as they are.
func Explain(reason, lang string) string {
	r, ok := reasons[reason]
	switch {
	case !ok:
		return reason
	case strings.HasPrefix(lang, "zh"):
		return r[0]
	}
	return r[1]
}
