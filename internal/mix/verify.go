package mix

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/record"
)

// A Fault is one thing about a mix that is not as its manifest says.
type Fault struct {
	Where string `json:"where"`
	Msg   string `json:"msg"`
}

// Verify counts and hashes a mix again and holds it against its manifest: the plan, every row of every
// configuration, that smaller configurations stand inside larger ones, and the list of what was left out.
// tokenizer is the model's directory, for the lengths; "" leaves counted lengths alone.
func Verify(ctx context.Context, dir, tokenizer string) (faults []Fault, err error) {
	m, err := OpenManifest(dir)
	if err != nil {
		return nil, err
	}
	v := verifier{dir: dir, m: m}
	if v.plan, err = ReadPlan(filepath.Join(dir, PlanFile)); err != nil {
		v.fault(PlanFile, "%v", err)
	} else if v.plan.Hash() != m.PlanHash {
		v.fault(PlanFile, "is not the plan that the mix was made by")
	}
	if tokenizer != "" {
		if v.plan.Length.Tokenizer, err = filepath.Abs(tokenizer); err != nil {
			return nil, errs.Invalidf("tokenizer: %w", err)
		}
		if v.ruler, err = newRuler(v.plan); err != nil {
			return nil, err
		}
	} else {
		v.ruler = &ruler{system: v.plan.Length.DefaultSystem}
	}
	v.ruler.first = m.Format == 1
	var before map[string]lineSet // of the configurations before
	for _, c := range m.Configurations {
		lines, err := v.configuration(ctx, c)
		if err != nil {
			return nil, err
		}
		if before == nil {
			before = map[string]lineSet{}
		}
		for name, other := range before {
			v.nested(name, other, c.Name, lines)
		}
		before[c.Name] = lines
	}
	v.leftOut()
	v.strangers()
	slices.SortStableFunc(v.faults, func(a, b Fault) int { return strings.Compare(a.Where, b.Where) })
	return v.faults, nil
}

type verifier struct {
	dir    string
	m      Manifest
	plan   Plan
	ruler  *ruler
	faults []Fault
}

func (v *verifier) fault(where, format string, a ...any) {
	v.faults = append(v.faults, Fault{where, fmt.Sprintf(format, a...)})
}

// A lineSet is the lines of a configuration by kind, each as the beginning of its hash.
type lineSet map[string]map[key]bool

func (v *verifier) configuration(ctx context.Context, c Configuration) (lineSet, error) {
	lines := lineSet{KindCreative: {}, KindGeneral: {}}
	t := newTally(c.Name)
	if c.File != t.c.File {
		v.fault(ManifestFile, "%s is said to stand in %q", c.Name, c.File)
		return lines, nil
	}
	sum, err := eachRow(ctx, filepath.Join(v.dir, filepath.FromSlash(c.File)), func(r Row, line []byte) error {
		t.add(r, characters(r.Messages), v.ruler.tokens(r.Messages), thinking(r.Messages))
		h := sha256.Sum256(line)
		lines[r.Kind][key(h[:16])] = true
		return nil
	})
	var bad *record.BadRecord
	switch {
	case errors.Is(err, os.ErrNotExist):
		v.fault(c.File, "the file is missing")
		return lines, nil
	case errors.As(err, &bad), errors.Is(err, errs.Invalid):
		v.fault(c.File, "%v", err)
		return lines, nil
	case err != nil:
		return nil, err
	}
	if sum != c.Hash {
		v.fault(c.File, "the file was changed")
	}
	got := t.c
	got.Hash, got.Lengths = c.Hash, v.ruler.lengths(t.tokens)
	if got.Lengths.Tokenizer != c.Lengths.Tokenizer || got.Lengths.Estimated != c.Lengths.Estimated {
		if v.ruler.tok != nil {
			v.fault(c.File, "its lengths were counted by another tokenizer")
		}
		got.Lengths = c.Lengths
	}
	was, is := reflect.ValueOf(c), reflect.ValueOf(got)
	for i := range was.NumField() {
		if a, b := was.Field(i).Interface(), is.Field(i).Interface(); !reflect.DeepEqual(a, b) {
			name, _, _ := strings.Cut(was.Type().Field(i).Tag.Get("json"), ",")
			v.fault(c.File, "%s is %v, the manifest says %v", name, b, a)
		}
	}
	return lines, nil
}

// nested holds that the rows of a kind of the smaller configuration are among those of the larger.
func (v *verifier) nested(name string, lines lineSet, otherName string, other lineSet) {
	for _, kind := range []string{KindCreative, KindGeneral} {
		small, large, inner, outer := lines[kind], other[kind], name, otherName
		if len(small) > len(large) {
			small, large, inner, outer = large, small, outer, inner
		}
		missing := 0
		for k := range small {
			if !large[k] {
				missing++
			}
		}
		if missing > 0 {
			v.fault(FileOf(inner), "%d of its %s rows are not in %s, which has more", missing, kind, outer)
		}
	}
}

func (v *verifier) leftOut() {
	path := filepath.Join(v.dir, LeftOutFile)
	_, sum, err := record.HashFile(path)
	if err != nil {
		v.fault(LeftOutFile, "the file is missing")
		return
	}
	if sum != v.m.LeftOut.Hash {
		v.fault(LeftOutFile, "the file was changed")
		return
	}
	n, by := 0, map[string]map[string]int{KindCreative: {}, KindGeneral: {}}
	err = EachLeftOut(v.dir, func(l LeftOutRow) error {
		n++
		by[l.Kind][l.Reason]++
		return nil
	})
	if err != nil || n != v.m.LeftOut.Rows || !reflect.DeepEqual(by, v.m.LeftOut.ByReason) {
		v.fault(LeftOutFile, "it lists %d rows %v, the manifest says %d %v", n, by, v.m.LeftOut.Rows, v.m.LeftOut.ByReason)
	}
}

// strangers are files of rows that the manifest does not know: an engine that takes the folder would read them.
func (v *verifier) strangers() {
	entries, err := os.ReadDir(filepath.Join(v.dir, trainDir))
	if err != nil {
		return // its files are missing, and named so
	}
	for _, e := range entries {
		name := trainDir + "/" + e.Name()
		if !slices.ContainsFunc(v.m.Configurations, func(c Configuration) bool { return c.File == name }) {
			v.fault(name, "the manifest does not know the file")
		}
	}
}

// EachRow calls f with every row of a configuration, in order. Rows that are not those of the manifest are
// an error, at the end at the latest.
func EachRow(ctx context.Context, dir string, c Configuration, f func(Row) error) error {
	sum, err := eachRow(ctx, filepath.Join(dir, filepath.FromSlash(c.File)), func(r Row, _ []byte) error { return f(r) })
	if err == nil && sum != c.Hash {
		err = errs.Invalidf("%s was changed since the mix was made; see coigwriter mix verify", c.File)
	}
	return err
}

// eachRow calls f with every row of a file and its line, and returns the file's hash. The line is valid
// until f returns.
func eachRow(ctx context.Context, path string, f func(r Row, line []byte) error) (sum string, err error) {
	if _, err := os.Stat(path); err != nil {
		return "", err
	}
	sum, _, err = input{path: path}.each(ctx, io.Discard, func(raw record.Raw) error {
		var r Row
		if err := json.Unmarshal(raw.Data, &r); err != nil {
			return &record.BadRecord{File: raw.File, Line: raw.Line, Msg: err.Error()}
		}
		if len(r.Messages) == 0 || (r.Kind != KindCreative && r.Kind != KindGeneral) {
			return &record.BadRecord{File: raw.File, Line: raw.Line, Msg: "is no row of a mix"}
		}
		return f(r, raw.Data)
	}, func(b *record.BadRecord) error { return b })
	if errors.Is(err, record.ErrEmpty) {
		_, sum, err = record.HashFile(path)
	}
	return sum, err
}

// EachLeftOut calls f with every row that a mix lists as left out.
func EachLeftOut(dir string, f func(LeftOutRow) error) error {
	_, _, err := input{path: filepath.Join(dir, LeftOutFile)}.each(context.Background(), io.Discard, func(raw record.Raw) error {
		var l LeftOutRow
		if err := json.Unmarshal(raw.Data, &l); err != nil {
			return &record.BadRecord{File: raw.File, Line: raw.Line, Msg: err.Error()}
		}
		return f(l)
	}, func(b *record.BadRecord) error { return b })
	if errors.Is(err, record.ErrEmpty) {
		return nil
	}
	return err
}

// Rebuild makes the mix of a plan again in a temporary directory and says which files differ from those
// of a mix.
func Rebuild(ctx context.Context, dir string, p Plan, o Options) (faults []Fault, err error) {
	m, err := OpenManifest(dir)
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "mix-*")
	if err != nil {
		return nil, errs.Unavailablef("temporary directory: %w", err)
	}
	defer os.RemoveAll(temp)
	again, err := Make(ctx, p, filepath.Join(temp, "mix"), o)
	if err != nil {
		return nil, err
	}
	if again.ID == m.ID {
		return nil, nil
	}
	add := func(where, was, is string) {
		if was != is {
			faults = append(faults, Fault{where, "made again it differs"})
		}
	}
	add(PlanFile, m.PlanHash, again.PlanHash)
	add(LeftOutFile, m.LeftOut.Hash, again.LeftOut.Hash)
	for _, c := range m.Configurations {
		other, _ := again.Configuration(c.Name) // without it the hash is ""
		add(c.File, c.Hash, other.Hash)
	}
	for _, s := range m.Sources {
		i := slices.IndexFunc(again.Sources, func(o Source) bool { return o.Name == s.Name })
		if i < 0 || again.Sources[i].Hash != s.Hash {
			faults = append(faults, Fault{"source " + s.Name, "its files are not those that the mix was made from"})
		}
	}
	if len(faults) == 0 {
		faults = append(faults, Fault{ManifestFile, "made again it differs"})
	}
	return faults, nil
}
