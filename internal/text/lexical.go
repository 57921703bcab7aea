package text

import "math"

// A Lexicon holds the tokens of one text by number, so that every measure of diversity is an
// index away: equal tokens have equal numbers.
type Lexicon struct {
	ids   []int32
	types int
}

// NewLexicon numbers the tokens of one text. What a token is (punctuation, case) is the caller's
// choice; see [Words].
func NewLexicon(tokens []string) Lexicon {
	seen := make(map[string]int32, len(tokens)/2)
	l := Lexicon{ids: make([]int32, len(tokens))}
	for i, t := range tokens {
		id, ok := seen[t]
		if !ok {
			id = int32(len(seen))
			seen[t] = id
		}
		l.ids[i] = id
	}
	l.types = len(seen)
	return l
}

// Tokens returns N, the number of tokens.
func (l Lexicon) Tokens() int { return len(l.ids) }

// Types returns V, the number of different tokens.
func (l Lexicon) Types() int { return l.types }

// First returns the lexicon of the first n tokens, or l itself when it has fewer: texts of one
// length compare.
func (l Lexicon) First(n int) Lexicon {
	if n >= len(l.ids) {
		return l
	}
	types := int32(-1)
	for _, id := range l.ids[:n] {
		types = max(types, id)
	}
	return Lexicon{ids: l.ids[:n], types: int(types) + 1}
}

// TTR is V/N (Templin 1957), the type-token ratio; NaN for an empty text. It falls as texts grow.
func (l Lexicon) TTR() float64 { return ratio(l.types, len(l.ids)) }

// Guiraud is R = V/√N (Guiraud 1954); NaN for an empty text. It rises as texts grow.
func (l Lexicon) Guiraud() float64 { return float64(l.types) / math.Sqrt(float64(len(l.ids))) }

// Herdan is C = ln V / ln N (Herdan 1960); NaN for fewer than two tokens.
func (l Lexicon) Herdan() float64 { return l.logs(func(v, n float64) float64 { return v / n }) }

// Maas is a² = (ln N - ln V)/(ln N)² (Maas 1972), smaller where words vary more; NaN for fewer
// than two tokens.
func (l Lexicon) Maas() float64 {
	return l.logs(func(v, n float64) float64 { return (n - v) / (n * n) })
}

func (l Lexicon) logs(f func(lnV, lnN float64) float64) float64 {
	if len(l.ids) < 2 {
		return math.NaN()
	}
	return f(math.Log(float64(l.types)), math.Log(float64(len(l.ids))))
}

// YuleK is 10⁴ (Σf² - N)/N² over the types' frequencies f (Yule 1944), larger where words
// repeat; NaN for an empty text.
func (l Lexicon) YuleK() float64 {
	n := float64(len(l.ids))
	sum := 0.0
	for _, f := range l.counts() {
		sum += float64(f) * float64(f)
	}
	return 1e4 * (sum - n) / (n * n)
}

func (l Lexicon) counts() []int {
	counts := make([]int, l.types)
	for _, id := range l.ids {
		counts[id]++
	}
	return counts
}

// MATTR is the mean TTR of all windows of w tokens (Covington & McFall 2010); NaN for a text of
// fewer. It hardly depends on length.
func (l Lexicon) MATTR(w int) float64 {
	if w <= 0 || len(l.ids) < w {
		return math.NaN()
	}
	counts := make([]int, l.types)
	types, sum := 0, 0
	for i, id := range l.ids {
		if counts[id]++; counts[id] == 1 {
			types++
		}
		if i >= w {
			out := l.ids[i-w]
			if counts[out]--; counts[out] == 0 {
				types--
			}
		}
		if i >= w-1 {
			sum += types
		}
	}
	return float64(sum) / float64(w) / float64(len(l.ids)-w+1)
}

// HDD is HD-D on the scale of a TTR: the mean TTR of 42 tokens drawn without replacement
// (McCarthy & Jarvis 2007); NaN for a text of fewer.
func (l Lexicon) HDD() float64 {
	const draw = 42
	n := len(l.ids)
	if n < draw {
		return math.NaN()
	}
	sum := 0.0
	for _, f := range l.counts() {
		// The chance that the type is not drawn: C(n-f, 42) / C(n, 42).
		missed := 1.0
		for i := range f {
			missed *= float64(n-draw-i) / float64(n-i)
			if missed <= 0 {
				missed = 0
				break
			}
		}
		sum += 1 - missed
	}
	return sum / draw
}

// mtldAt is the TTR at which MTLD closes a factor (McCarthy & Jarvis 2010).
const mtldAt = 0.72

// MTLD is the mean length of stretches that keep a TTR of at least .72 (McCarthy & Jarvis 2010):
// a factor closes when the TTR falls below it, the rest counts in proportion, and the mean of both
// directions is taken. NaN where no factor begins to close (all tokens differ) or the text is empty.
func (l Lexicon) MTLD() float64 {
	n := len(l.ids)
	forward := l.mtld(func(i int) int32 { return l.ids[i] })
	backward := l.mtld(func(i int) int32 { return l.ids[n-1-i] })
	return (forward + backward) / 2
}

func (l Lexicon) mtld(at func(int) int32) float64 {
	factors, types, length := 0.0, 0, 0
	seen := make([]int, l.types) // the factor in which a type was seen last
	factor := 1
	for i := range l.ids {
		length++
		if id := at(i); seen[id] != factor {
			seen[id] = factor
			types++
		}
		if float64(types)/float64(length) < mtldAt {
			factors++
			factor++
			types, length = 0, 0
		}
	}
	if length > 0 {
		factors += (1 - float64(types)/float64(length)) / (1 - mtldAt)
	}
	if factors == 0 {
		return math.NaN()
	}
	return float64(len(l.ids)) / factors
}

// Distinct is the share of different n-grams among all n-grams (Li et al. 2016); NaN for a text
// of fewer than n tokens.
func (l Lexicon) Distinct(n int) float64 {
	grams := l.ngrams(n)
	total := 0
	for _, c := range grams {
		total += c
	}
	return ratio(len(grams), total)
}

// Repeated is the share of n-grams that occur more than once, each occurrence counted; NaN for a
// text of fewer than n tokens.
func (l Lexicon) Repeated(n int) float64 {
	again, total := 0, 0
	for _, c := range l.ngrams(n) {
		total += c
		if c > 1 {
			again += c
		}
	}
	return ratio(again, total)
}

// ngrams counts the n-grams, 1 to 4 tokens long.
func (l Lexicon) ngrams(n int) map[[4]int32]int {
	counts := map[[4]int32]int{}
	for i := 0; i+n <= len(l.ids); i++ {
		gram := [4]int32{-1, -1, -1, -1}
		copy(gram[:], l.ids[i:i+n])
		counts[gram]++
	}
	return counts
}

func ratio(a, b int) float64 {
	if b == 0 {
		return math.NaN()
	}
	return float64(a) / float64(b)
}
