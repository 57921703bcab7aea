package llm

import (
	"fmt"
	"slices"
	"strings"
)

// The words about a ledger's figures stand here, so that the command and the page say the same.

// words picks by a language: Chinese for zh and zh-CN, English for all others.
func words(lang, zh, en string) string {
	if strings.HasPrefix(lang, "zh") {
		return zh
	}
	return en
}

// AmountWords writes amounts of several currencies one after the other, "" for none.
func AmountWords(as []Amount) string {
	var parts []string
	for _, a := range as {
		parts = append(parts, a.String())
	}
	return strings.Join(parts, " + ")
}

// CostWords writes what the calls of an entry cost; what is not known is said and is never 0.
func (e Entry) CostWords(lang string) string {
	cost, unknown := AmountWords(e.Cost), e.UnpricedWords(lang)
	if cost != "" && unknown != "" {
		return cost + " + " + unknown
	}
	return cost + unknown
}

// UnpricedWords writes how much of an entry has no price, "" where all has one.
func (e Entry) UnpricedWords(lang string) string {
	switch {
	case e.NoPrice == 0:
		return ""
	case len(e.Cost) == 0:
		return words(lang, "没有价格", "no price")
	}
	return fmt.Sprintf(words(lang, "%d 次没有价格", "%d calls without a price"), e.NoPrice)
}

// ByKind are the failures of an entry, most frequent first.
func (e Entry) ByKind() []FailureCount {
	var out []FailureCount
	for kind, n := range e.Failures {
		out = append(out, FailureCount{kind, n})
	}
	slices.SortFunc(out, func(a, b FailureCount) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Failure, b.Failure)
	})
	return out
}

// Notes says what one must know to read the sums of an entry.
func (e Entry) Notes(lang string) []string {
	var notes []string
	for _, x := range []struct {
		n      int
		zh, en string
	}{
		{e.Scripted, "次由按脚本回答的程序作答，不是语言模型", "calls were answered by a script, which is no language model"},
		{e.Lost, "次调用已经发出或正轮到发出，程序就停了；发出的可能已经计费，回复没有存下", "calls were sent, or next in line, when a process died; those sent may have been paid for, and their answers are lost"},
		{e.Estimated, "次调用的词元数由本程序估计，因为服务没有报", "calls with tokens counted by us, since the server did not say"},
		{e.Unmetered, "次有回复的调用没有词元数，花费没有计入任何合计", "answered calls without a count of tokens: their cost is in no sum"},
	} {
		if x.n > 0 {
			notes = append(notes, fmt.Sprintf("%d %s", x.n, words(lang, x.zh, x.en)))
		}
	}
	if e.NoPrice > 0 {
		notes = append(notes, fmt.Sprintf(words(lang,
			"%d 次调用的模型没有价格，花了多少不知道；在 coigwriter.toml 里写 [[llm.price]] 就会算出来",
			"%d calls of models without a price: what they cost is not known; add [[llm.price]] to coigwriter.toml"), e.NoPrice))
	}
	return notes
}
