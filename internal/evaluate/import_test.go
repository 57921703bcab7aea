package evaluate

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/record"
)

// feed gives an importer the lines of a file.
func feed(m *Importer, lines string) {
	for i, l := range strings.Split(strings.TrimSpace(lines), "\n") {
		m.Add(record.Raw{File: "f.jsonl", Line: i + 1, Data: []byte(l)})
	}
}

func TestImportRankings(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	file := `
{"query_id":"1","language":"zh","rater":"r1","ranked":["A","B","C"]}
{"query_id":"1","language":"zh","rater":"r2","ranks":{"B":1,"A":2}}
{"query_id":"1","language":"zh","rater":"r1","ranked":["C","B","A"]}
{"query_id":"2","language":"zh","rater":"r1","ranked":[["A","B"],"C"]}
{"query_id":"2","language":"zh","rater":"r2","ranks":{"A":1,"B":1}}
{"query_id":"2","language":"zh","rater":"r3","ranks":{"A":1,"B":3}}
{"query_id":"2","language":"zh","rater":"r4","ranked":["A","X"]}
{"query_id":"2","language":"zh","ranked":["A","B"]}
{"query_id":"2","language":"zh","rater":"r5","model_a":"A","model_b":"B","winner":"a"}
{"query_id":"3","language":"zh","rater":"r5","ranked":["A"]}
{"query_id":"3",
`
	load := func(name string) (Study, ImportReport, error) {
		m := NewImporter(name, "A", "B", "C")
		feed(m, file)
		s, err := m.Store(t.Context(), d, "system")
		return s, m.Report, err
	}
	s, rep, err := load("别处的排名")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{BadTwice: 1, BadTies: 2, BadGaps: 1, BadModel: 1, BadNoRater: 1, BadOtherKind: 1, BadUnreadable: 2}
	if !reflect.DeepEqual(rep.Refused, want) || rep.Added != 2 || rep.Read != 11 || rep.Partial != 1 || rep.Total != 9 {
		t.Errorf("%+v\n%s", rep, strings.Join(rep.Problem, "\n"))
	}
	if s.State != Closed || s.Origin != Imported || s.Kind != Rank {
		t.Errorf("%+v", s)
	}
	again, rep, err := load("别处的排名")
	if err != nil || again.ID != s.ID || !rep.Same {
		t.Errorf("the same again: %v %+v", err, rep)
	}
	file = strings.Replace(file, `"B":1,"A":2`, `"A":1,"B":2`, 1)
	if _, _, err := load("别处的排名"); errs.Kind(err) != errs.Conflict {
		t.Errorf("other records under the same name: %v", err)
	}
	r, err := RecordsOf(t.Context(), d, s)
	if err != nil || len(r.Rankings) != 2 || !reflect.DeepEqual(r.Rankings[1].Ranked, []string{"B", "A"}) {
		t.Fatalf("%v %+v", err, r.Rankings)
	}
	res, err := ResultsOf(t.Context(), d, s, r, genre.Default())
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := res.People.Languages[0].Pair("A", "B"); !ok || p.Wins != 1 || p.Losses != 1 {
		t.Errorf("%+v", p)
	}
	if _, err := Reassign(t.Context(), d, "system", s.ID, "a", "b", "why"); errs.Kind(err) != errs.NotFound {
		t.Errorf("an imported study has no tasks: %v", err)
	}
}

// Scores that are no numbers, in all the ways files write them, are named and not counted.
func TestImportRatings(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := NewImporter("评分")
	for i, score := range []string{"2", `"3"`, "NaN", `"NaN"`, `"inf"`, "null", `"good"`} {
		m.Add(record.Raw{File: "r.jsonl", Line: i + 1, Data: fmt.Appendf(nil, `{"query_id":"%d","model":"A","rater":"r","dimension":"overall","score":%s}`, i, score)})
	}
	if m.Report.Added != 2 || m.Report.Refused[BadUnreadable] != 5 {
		t.Errorf("%+v", m.Report)
	}
	if _, err := m.Store(t.Context(), d, "system"); err != nil {
		t.Fatal(err)
	}
	empty := NewImporter("空")
	if _, err := empty.Store(t.Context(), d, "system"); errs.Kind(err) != errs.Invalid {
		t.Error(err)
	}
}

func hexOf(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }
