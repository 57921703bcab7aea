// Package mix makes training configurations: which triplets of a release and how many general rows, drawn
// by a seed so that the smaller sets stand inside the larger, without copies of each other and of the
// benchmark. Files in, one directory out; no database, no network.
//
// plan.go says what is wanted, row.go what a row is, draw.go and pool.go draw, check.go looks for copies and
// leaks, write.go writes, make.go puts it together, manifest.go says what came of it, verify.go and diff.go
// read it again.
package mix

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"coigwriter/internal/errs"
)

// A Plan is what somebody wants mixed. Sizes are data: a configuration is any pair of a number of triplets
// and a number of general rows.
type Plan struct {
	Name           string     `toml:"name"`
	Seed           int64      `toml:"seed"`
	Creative       []Creative `toml:"creative"`
	General        []General  `toml:"general"`
	Configurations []Wanted   `toml:"configuration"`
	Reasoning      Reasoning  `toml:"reasoning"`
	Template       Template   `toml:"template"`
	Duplicates     Duplicates `toml:"duplicates"`
	Benchmark      Benchmark  `toml:"benchmark"`
	Length         Length     `toml:"length"`

	text []byte // as it was read
	file string // how errors call it
	dir  string // what its relative paths start from
}

// Creative is a source of triplets: an export of a release, or files of triplets.
type Creative struct {
	Name    string   `toml:"name"`
	Release string   `toml:"release"` // the version that the export must be; "" for plain files
	Paths   []string `toml:"paths"`   // files, folders (an export is one), or patterns
	Filter
}

// General is a source of general rows.
type General struct {
	Name   string            `toml:"name"`
	Paths  []string          `toml:"paths"`
	Format string            `toml:"format"` // one of [record.Shapes]; auto takes each row as it is
	Fields map[string]string `toml:"fields"` // our name of a field → the file's
	Filter
}

// A Filter keeps rows out of the pool; what it keeps out is counted, not listed. Zero values keep all.
type Filter struct {
	Language      string   `toml:"language"`       // of rows that name none; "" tells it by the script
	Languages     []string `toml:"languages"`      // the ones kept
	Genres        []string `toml:"genres"`         // the ones kept
	MinCharacters int      `toml:"min_characters"` // of all turns together, in code points
	MaxCharacters int      `toml:"max_characters"`
}

// Wanted is one configuration.
type Wanted struct {
	Name     string `toml:"name"`
	Creative Count  `toml:"creative"`
	General  Count  `toml:"general"`
}

// A Count is a number of rows, or [All] of them.
type Count int

// All takes every row that is left.
const All Count = -1

// UnmarshalTOML reads a whole number or "all".
func (c *Count) UnmarshalTOML(v any) error {
	switch v := v.(type) {
	case int64:
		if v >= 0 && v <= 1<<31-1 {
			*c = Count(v)
			return nil
		}
	case string:
		if v == "all" {
			*c = All
			return nil
		}
	}
	return fmt.Errorf(`%v: give a number of rows from 0, or "all"`, v)
}

// String writes a count as plans do.
func (c Count) String() string {
	if c == All {
		return "all"
	}
	return strconv.Itoa(int(c))
}

// Reasoning says where thoughts stand.
type Reasoning struct {
	Creative string `toml:"creative"` // think, field or none
	General  string `toml:"general"`  // keep: a thought that a row brought stands where the triplets' do; drop: it goes
}

// Where thoughts stand.
const (
	Think = "think" // a <think> block before the answer
	Field = "field" // reasoning_content beside the answer
	None  = "none"  // left out
	Keep  = "keep"
	Drop  = "drop"
)

// Template makes the turns. {prompt}, {genre} and {language} stand for what the triplet has.
type Template struct {
	User          string `toml:"user"`           // the question of a triplet
	System        string `toml:"system"`         // the system turn of a triplet; "" for none
	GeneralSystem string `toml:"general_system"` // the system turn of general rows that bring none; "" for none
}

// Duplicates says from where on two rows are too much alike; 0 does not look. Rows of the very same turns
// are taken once whatever it says.
type Duplicates struct {
	Creative        float64 `toml:"creative"`         // Jaccard similarity of two triplets
	General         float64 `toml:"general"`          // Jaccard similarity of two general rows
	AgainstCreative float64 `toml:"against_creative"` // share of the smaller of a general row and a triplet that stands in the other
}

// Benchmark names what must not be trained on.
type Benchmark struct {
	Queries    []string `toml:"queries"`    // files of queries
	References []string `toml:"references"` // files of any records whose texts answer the queries
	Share      float64  `toml:"share"`      // of a query, or of the smaller of a reference and a row, that stands in the other
	Run        int      `toml:"run"`        // or so many characters (of other scripts: words) in one go; 0 does not look
}

// Length says how long a row may be.
type Length struct {
	Tokenizer     string `toml:"tokenizer"`      // the model's directory; "" counts characters and estimates
	Max           int    `toml:"max"`            // tokens; 0 is no bound
	Over          string `toml:"over"`           // refuse or list
	DefaultSystem string `toml:"default_system"` // what the model's template says where a row has no system turn
}

// What becomes of rows that are too long.
const (
	Refuse = "refuse" // nothing is written
	List   = "list"   // they stay out and are listed
)

// defaults are a plan's values where it is silent.
func defaults() Plan {
	return Plan{
		Seed:       42,
		Reasoning:  Reasoning{Creative: Think, General: Keep},
		Template:   Template{User: "{prompt}"},
		Duplicates: Duplicates{Creative: 0.8, General: 0.8, AgainstCreative: 0.5},
		Benchmark:  Benchmark{Share: 0.5, Run: 30},
		Length:     Length{Over: Refuse},
	}
}

var nameShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+._-]{0,63}$`)

// FileOf is the file of a configuration's rows inside a mix: CW+1k is train/cw_plus_1k.jsonl.
func FileOf(configuration string) string {
	return "train/" + strings.ReplaceAll(strings.ToLower(configuration), "+", "_plus_") + ".jsonl"
}

// most is how many rows of a kind the largest configuration takes.
func (p Plan) most(of func(Wanted) Count) Count {
	most := Count(0)
	for _, w := range p.Configurations {
		if n := of(w); n == All {
			return All
		} else if n > most {
			most = n
		}
	}
	return most
}

func creativeOf(w Wanted) Count { return w.Creative }
func generalOf(w Wanted) Count  { return w.General }

// problems are what is wrong with a plan, each at its line.
type problems struct {
	at   func(field string) string
	list []errs.Field
}

func (p *problems) check(ok bool, field, format string, a ...any) {
	if !ok {
		p.list = append(p.list, errs.Field{Name: p.at(field), Msg: fmt.Sprintf(format, a...)})
	}
}
