package mix

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/record"
	"coigwriter/internal/text"
)

// A ruler counts the tokens of rows.
type ruler struct {
	tok    *text.Tokenizer // nil estimates
	hash   string          // of the vocabulary's file
	system string          // of rows that have no system turn
	first  bool            // as format 1 counted: a token that the vocabulary adds is text like any other
}

// What is counted, as manifests say it.
const (
	countedTokens   = "tokens of every turn as ChatML writes it: the role and a line end with the text, a <think> block where there is a thought, two marks and a line end; and of default_system where a row has no system turn. A token that the vocabulary adds is one wherever it is spelt out: <think> of Qwen3 is, of Qwen2.5 is not."
	countedFirst    = "tokens of every turn as ChatML writes it: the role and a line end with the text, a <think> block where there is a thought, two marks and a line end; and of default_system where a row has no system turn. Marks spelt out in a text count as text."
	estimatedTokens = "an estimate, no count: a token for every 1.58 Han characters, for every 4.2 other characters, and 5 for every turn. Name the model's tokenizer for a count."
)

// newRuler opens the tokenizer of a plan.
func newRuler(p Plan) (*ruler, error) {
	r := &ruler{system: p.Length.DefaultSystem}
	if p.Length.Tokenizer == "" {
		return r, nil
	}
	path := p.Length.Tokenizer
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.dir, path)
	}
	file := path
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		file = filepath.Join(path, "tokenizer.json")
	}
	var err error
	if _, r.hash, err = record.HashFile(file); errors.Is(err, fs.ErrNotExist) {
		return nil, errs.Invalidf("%s: length.tokenizer: %s is not there; name the model's directory, which holds tokenizer.json", p.file, file)
	}
	if err == nil {
		r.tok, err = text.OpenTokenizer(path)
	}
	if err != nil {
		return nil, errs.Invalidf("%s: length.tokenizer: %w", p.file, err)
	}
	return r, nil
}

// tokens counts a row.
func (r *ruler) tokens(ms []Message) (n int) {
	if r.system != "" && ms[0].Role != "system" {
		n = r.turn(Message{Role: "system", Content: r.system})
	}
	for _, m := range ms {
		n += r.turn(m)
	}
	return n
}

func (r *ruler) turn(m Message) int {
	s := record.WithThought(m.Reasoning, m.Content)
	switch {
	case r.tok == nil:
		return 5 + text.EstimateTokens(s)
	case r.first:
		return r.tok.Count(m.Role+"\n"+s) + 3
	}
	return r.tok.CountAdded(m.Role+"\n"+s) + 3
}

// lengths sums up the tokens of rows; it sorts them. Quantiles are nearest ranks.
func (r *ruler) lengths(tokens []int) Lengths {
	l := Lengths{Tokenizer: r.hash, Estimated: r.tok == nil, Counted: countedTokens}
	switch {
	case l.Estimated:
		l.Counted = estimatedTokens
	case r.first:
		l.Counted = countedFirst
	}
	if len(tokens) == 0 {
		return l
	}
	slices.Sort(tokens)
	at := func(percent int) int { return tokens[max((len(tokens)*percent+99)/100, 1)-1] }
	l.Min, l.Median, l.P95, l.P99, l.Max = tokens[0], at(50), at(95), at(99), tokens[len(tokens)-1]
	for _, n := range tokens {
		l.Total += n
	}
	return l
}

// tooLong is the error of a plan that refuses long rows.
func tooLong(p Plan, rows []LeftOutRow, estimated bool) error {
	var b strings.Builder
	for _, r := range rows[:min(len(rows), 5)] {
		fmt.Fprintf(&b, "\n  %s %s (%s): %d", r.Source, r.ID, r.At, r.Tokens)
	}
	if n := len(rows) - 5; n > 0 {
		fmt.Fprintf(&b, "\n  and %d more", n)
	}
	unit := "tokens"
	if estimated {
		unit = "tokens by estimate"
	}
	return errs.Invalidf("%d rows are longer than %d %s, and nothing was written:%s\nraise [length] max, or leave them out and list them with over = \"list\"; they are never cut", len(rows), p.Length.Max, unit, b.String())
}
