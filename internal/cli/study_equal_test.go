package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"coigwriter/internal/api"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/record"
	"coigwriter/internal/user"
)

// The matrices of a study over the API are, figure by figure, those of winrate over its exported votes.
func TestResultsAreThoseOfWinrate(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	lead := dbtest.Person(t, d, "lead", "lead")
	models := []string{"CW", "G", "A+B"}
	rng := rand.New(rand.NewPCG(5, 6))
	m := evaluate.NewImporter("从别处来", models...)
	for i := range 300 {
		a, b := rng.IntN(3), rng.IntN(2)
		if b >= a {
			b++
		}
		m.Add(record.Raw{File: "v", Line: i + 1, Data: fmt.Appendf(nil, `{"query_id":"q%d","language":%q,"genre":"poetry","model_a":%q,"model_b":%q,"winner":%q,"rater":"r%d","shown_first":%q,"length_a":%d,"length_b":%d}`,
			i%40, []string{"zh", "en"}[i%2], models[a], models[b], []string{"a", "b", "tie", "both_bad"}[rng.IntN(4)], i/40, []string{"a", "b"}[rng.IntN(2)], 200+rng.IntN(500), 200+rng.IntN(500))})
	}
	s, err := m.Store(t.Context(), d, lead)
	if err != nil {
		t.Fatal(err, m.Report)
	}
	dir := t.TempDir()
	if _, err := evaluate.Export(t.Context(), d, s, dir); err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	if code := Run(t.Context(), []string{"winrate", filepath.Join(dir, "votes.jsonl"), "--models", strings.Join(models, ","), "--json"}, strings.NewReader(""), &out, &errOut); code != 0 {
		t.Fatalf("%d %s", code, errOut.String())
	}
	var command struct{ Languages any }
	if err := json.Unmarshal(out.Bytes(), &command); err != nil {
		t.Fatal(err)
	}
	secret, err := user.NewToken(t.Context(), d, lead, lead, "test", []user.Permission{user.StudyManage}, 0)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(path string, into any) {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/studies/"+s.ID+path, nil)
		r.Header.Set("Authorization", "Bearer "+secret)
		rec := httptest.NewRecorder()
		api.New(api.Options{DB: d}).ServeHTTP(rec, r)
		if rec.Code != 200 {
			t.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
		}
		if err := json.Unmarshal(rec.Body.Bytes(), into); err != nil {
			t.Fatal(err)
		}
	}
	var reply struct{ People struct{ Languages any } }
	ask("/results", &reply)
	if reply.People.Languages == nil || !reflect.DeepEqual(reply.People.Languages, command.Languages) {
		t.Errorf("the API and winrate differ:\n%v\n%v", reply.People.Languages, command.Languages)
	}
	// Turned page by page, the records are the lines of the file.
	var lines []string
	for after := 0; ; {
		var page struct {
			Records []json.RawMessage
			Next    int
		}
		ask(fmt.Sprintf("/records?limit=70&after=%d", after), &page)
		for _, r := range page.Records {
			lines = append(lines, string(r))
		}
		if after = page.Next; after == 0 {
			break
		}
	}
	file, err := os.ReadFile(filepath.Join(dir, "votes.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(lines, "\n") + "\n"; got != string(file) {
		t.Errorf("%d records over the API, %d bytes of them; the file has %d", len(lines), len(got), len(file))
	}
}
