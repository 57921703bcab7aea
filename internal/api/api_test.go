package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"coigwriter/internal/api"
	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/record"
	"coigwriter/internal/user"
)

type client struct {
	t     *testing.T
	base  string
	token string
}

func (c client) do(method, path, body string, header ...string) (int, string, http.Header) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header
}

// want is do for a reply of that status that holds the words; it returns the reply.
func (c client) want(method, path, body string, code int, words ...string) string {
	c.t.Helper()
	got, reply, _ := c.do(method, path, body)
	if got != code {
		c.t.Fatalf("%s %s: %d %s", method, path, got, reply)
	}
	for _, w := range words {
		if !strings.Contains(reply, w) {
			c.t.Errorf("%s %s: no %s in %.2000s", method, path, w, reply)
		}
	}
	return reply
}

// token makes a person with one role and a token that carries every permission the role has.
func token(t *testing.T, d *db.DB, role user.Role) string {
	t.Helper()
	id := dbtest.Person(t, d, "p-"+string(role), string(role))
	var scopes []user.Permission
	for _, row := range user.Allowed {
		scopes = append(scopes, row.Permission)
	}
	secret, err := user.NewToken(context.Background(), d, id, id, "test", scopes, 0)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// Every operation with every role and with nobody, from the router itself: who may not gets
// 401 or 403, who may gets anything else.
func TestEveryRouteWithEveryRole(t *testing.T) {
	d := dbtest.Open(t)
	a := api.New(api.Options{DB: d})
	srv := httptest.NewServer(a)
	defer srv.Close()
	if len(a.Routes()) < 25 {
		t.Fatalf("only %d routes", len(a.Routes()))
	}
	tokens := map[user.Role]string{}
	for _, r := range user.Roles {
		tokens[r] = token(t, d, r)
	}
	for _, route := range a.Routes() {
		path := strings.NewReplacer("{id}", "none", "{kind}", "source", "{version}", "latest").Replace(route.Path)
		for _, tok := range []string{"", "cw_wrong", "wrong"} {
			if got, _, _ := (client{t, srv.URL, tok}).do(route.Method, path, ""); got != http.StatusUnauthorized {
				t.Errorf("%s %s with token %q: %d", route.Method, path, tok, got)
			}
		}
		for role, tok := range tokens {
			got, _, _ := client{t, srv.URL, tok}.do(route.Method, path, "")
			if may := slices.Contains(user.RolesWith(route.May), role); may == (got == http.StatusForbidden) || got == http.StatusUnauthorized || got >= 500 && got != 503 {
				t.Errorf("%s %s as %s: %d, may: %v", route.Method, path, role, got, may)
			}
		}
	}
}

func TestOpenAPIDescribesEveryRoute(t *testing.T) {
	a := api.New(api.Options{DB: dbtest.Open(t)})
	rec := httptest.NewRecorder()
	a.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/api/v1/openapi.json", nil))
	var doc struct {
		Paths      map[string]map[string]any `json:"paths"`
		Components struct {
			Schemas map[string]any `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	for name := range doc.Components.Schemas {
		if strings.HasPrefix(name, "DbJSON") {
			t.Errorf("%s describes how a column is stored, not what a reply holds; add its content to schemas", name)
		}
	}
	for _, r := range a.Routes() {
		if doc.Paths[r.Path][strings.ToLower(r.Method)] == nil {
			t.Errorf("%s %s is not described", r.Method, r.Path)
		}
	}
}

func TestImportAndErrors(t *testing.T) {
	d := dbtest.Open(t)
	srv := httptest.NewServer(api.New(api.Options{DB: d}))
	defer srv.Close()
	eng := client{t, srv.URL, token(t, d, user.Engineer)}
	// A NUL, an overlong word and a byte that is no text are the asker's fault, and are named.
	for _, q := range []string{"%00", "a%00b", strings.Repeat("x", 20000)} {
		if code, body, _ := eng.do("GET", "/sources?query="+q, ""); code >= 500 {
			t.Errorf("query %.20q: %d %s", q, code, body)
		}
	}
	lines := `{"text":"` + strings.Repeat("雨停的时候，母亲还在灶前。锅里的水已经滚了三回。", 20) + `","published_at":"2024-05-01","genre":"散文","url":"https://example.org/1"}
{"title":"nothing"}
`
	code, body, _ := eng.do("POST", "/api/v1/sources/import?name=a.jsonl", lines)
	var rep struct {
		Read     int      `json:"read"`
		Added    int      `json:"added"`
		Refused  int      `json:"refused"`
		Problems []string `json:"problems"`
	}
	if err := json.Unmarshal([]byte(body), &rep); err != nil || code != 200 || rep.Added != 1 || rep.Refused != 1 || !strings.Contains(rep.Problems[0], "a.jsonl:2: text") {
		t.Fatalf("%d %s %v", code, body, err)
	}
	if strings.Contains(body, "coigwriter-upload") {
		t.Errorf("the answer tells a path of the server: %s", body)
	}
	code, body, _ = eng.do("GET", "/api/v1/sources?limit=10", "")
	if code != 200 || !strings.Contains(body, `"genre":"essay"`) {
		t.Errorf("%d %s", code, body)
	}
	for _, tc := range []struct {
		method, path, body, want string
		code                     int
	}{
		{"GET", "/api/v1/sources/none", "", "application/problem+json", 404},
		{"POST", "/api/v1/sources/import?name=a.exe", "x", "must be a .jsonl", 422},
		{"POST", "/api/v1/releases", `{"version":"one"}`, "write three numbers", 422},
		{"POST", "/api/v1/releases", `{"version":"1.0.0"}`, "no triplet is accepted yet", 422},
		{"POST", "/api/v1/screening", `{"limit":5}`, "no model is configured", 503},
		{"GET", "/api/v1/releases/latest", "", "cut a release first", 404},
	} {
		code, body, h := eng.do(tc.method, tc.path, tc.body)
		if code != tc.code || !strings.Contains(body+h.Get("Content-Type"), tc.want) {
			t.Errorf("%s %s: %d %s", tc.method, tc.path, code, body)
		}
	}
}

// A set is made, added to, frozen and answered by requests alone; what was refused is said.
func TestBenchmark(t *testing.T) {
	d := dbtest.Open(t)
	srv := httptest.NewServer(api.New(api.Options{DB: d}))
	defer srv.Close()
	eng := client{t, srv.URL + "/api/v1", token(t, d, user.Engineer)}
	want := eng.want
	want("GET", "/benchmark", "", 200, "[]")
	reply := want("POST", "/benchmark", `{"name":"春","queries":[{"id":"q1","genre":"散文","prompt":"写一写门槛。"},{"id":"q2","genre":"nothing","prompt":"写一写门。"}]}`, 200, `"added":1`, "q2: genre")
	var made struct {
		Set struct{ ID string } `json:"set"`
	}
	if err := json.Unmarshal([]byte(reply), &made); err != nil {
		t.Fatal(err)
	}
	at := "/benchmark/" + made.Set.ID
	want("POST", at+"/queries", `{"id":"q2","genre":"诗歌","prompt":"写一首中秋诗。","constraints":{"length":{"max":12,"unit":"lines"}}}`, 200, `"poetry"`)
	want("POST", at+"/queries", `{"id":"q2","genre":"诗歌","prompt":"又一首。"}`, 422, "another query")
	want("POST", at+"/queries", `{"id":"q3","prompt":{"a":7}}`, 422, "prompt")
	want("POST", at+"/answers", `{"answers":[{"query_id":"q1","model":"m","output":"灯"}]}`, 409, "freeze it first")
	want("POST", at+"/freeze", "", 200, `"frozen"`, `"hash"`)
	want("POST", at+"/freeze", "", 409)
	want("POST", at+"/answers", `{"model":"m","answers":[{"query_id":"q1","output":"灯","finish_reason":"length"},{"query_id":"q2","output":"月"},{"query_id":"q9","output":"月"},{"query_id":"q1"}]}`, 200, `"added":2`, `"cut":1`, "no query of this set", "output")
	want("GET", at, "", 200, "写一首中秋诗。", `"m"`, `"withdrawn":[]`)
	want("GET", at+"/answers?limit=1", "", 200, `"灯"`, `"next":1`)
	if reply := want("GET", at+"/answers?limit=1&after=1&model=m", "", 200, `"月"`); strings.Contains(reply, `"next"`) {
		t.Errorf("the last page has a next one: %s", reply)
	}
	want("GET", "/benchmark/none/answers", "", 404)
}

// An experiment that was made elsewhere is taken in over the API, and looked at.
func TestExperiments(t *testing.T) {
	d := dbtest.Open(t)
	srv := httptest.NewServer(api.New(api.Options{DB: d}))
	defer srv.Close()
	eng, lead := client{t, srv.URL + "/api/v1", token(t, d, user.Engineer)}, client{t, srv.URL + "/api/v1", token(t, d, user.Lead)}
	f, err := os.Open("../sample/experiment/experiment.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plain, _, err := record.Plain(f.Name(), f)
	if err != nil {
		t.Fatal(err)
	}
	made, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	lead.want("GET", "/mixes", "", 200, "[]")
	lead.want("POST", "/experiments", string(made), 403)
	eng.want("POST", "/experiments", `{"format":7}`, 422, "format 7")
	eng.want("POST", "/experiments", strings.Replace(string(made), `"rows":9`, `"rows":8`, 1), 422, "was changed")
	eng.want("POST", "/experiments", string(made), 200, `"new":5`, `"models":5`)
	eng.want("POST", "/experiments", string(made), 200, `"new":0`, `"updated":5`)
	var runs []struct {
		ID  string `json:"id"`
		Mix string `json:"mix_id"`
	}
	if err := json.Unmarshal([]byte(lead.want("GET", "/runs", "", 200, `"finished"`, `"learning_rate":0.002`)), &runs); err != nil || len(runs) != 5 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	lead.want("GET", "/runs?mix=none", "", 200, "[]")
	lead.want("GET", "/runs/"+runs[0].ID, "", 200, `"points":[{"step":1`, `"log":"`)
	lead.want("GET", "/runs/none", "", 404)
	eng.want("POST", "/runs/"+runs[0].ID+"/stop", "", 409)
	lead.want("GET", "/mixes", "", 200, `"configurations"`, "CW+240")
	lead.want("GET", "/mixes/"+runs[0].Mix+"/experiment", "", 200, `"points"`, `"models"`)
	lead.want("GET", "/trained-models", "", 200, `"configuration":"CW+240"`)
}

// A study from plan to close over the API: what is wrong is named, and defaults are filled in.
func TestStudies(t *testing.T) {
	d := dbtest.Open(t)
	a := api.New(api.Options{DB: d})
	srv := httptest.NewServer(a)
	defer srv.Close()
	eng := client{t, srv.URL + "/api/v1", token(t, d, user.Engineer)}
	rater := client{t, srv.URL, token(t, d, user.Evaluator)}
	eye := "p-" + string(user.Evaluator)
	if err := d.One(t.Context(), &eye, `SELECT id FROM person WHERE login = ?`, eye); err != nil {
		t.Fatal(err)
	}
	want := eng.want
	want("GET", "/studies", "", 200, "[]")
	var made struct {
		ID  string              `json:"id"`
		Set struct{ ID string } `json:"set"`
	}
	read := func(reply string) {
		t.Helper()
		if err := json.Unmarshal([]byte(reply), &made); err != nil {
			t.Fatal(err)
		}
	}
	read(want("POST", "/benchmark", `{"name":"春","queries":[{"id":"q1","genre":"散文","prompt":"写一写门槛。"},{"id":"q2","genre":"诗歌","prompt":"写一写门。"}]}`, 200))
	want("POST", "/benchmark/"+made.Set.ID+"/freeze", "", 200)
	want("POST", "/benchmark/"+made.Set.ID+"/answers", `{"answers":[{"query_id":"q1","model":"model-north","output":"灯亮着"},{"query_id":"q1","model":"model-south","output":"灯灭了"},{"query_id":"q2","model":"model-north","output":"门开着"},{"query_id":"q2","model":"model-south","output":"门关了"}]}`, 200, `"added":4`)
	plan := `{"set_id":"` + made.Set.ID + `","models":["model-north","model-south"],"evaluators":["` + eye + `"],"overlap":1,"attention":0}`
	want("POST", "/studies", `{"name":"一","kind":"pair","plan":{"speed":3}}`, 422, "body.plan.speed")
	want("POST", "/studies", `{"name":"一","kind":"pair","plan":{}}`, 422, "body.set_id", "body.models", "body.evaluators")
	want("POST", "/studies", `{"name":"一","kind":"quiz","plan":{}}`, 422)
	read(want("POST", "/studies", `{"name":"一","kind":"pair","plan":`+plan+`}`, 200, `"draft"`, `"bootstrap":1000`))
	at := "/studies/" + made.ID
	want("GET", at, "", 200, `"outlook"`, `"needed"`)
	want("GET", at+"/results", "", 409)
	want("POST", at+"/open", "", 200, `"open"`, `"plan_hash"`)
	want("POST", at+"/open", "", 409)
	want("GET", at+"/raters", "", 200, `"tasks":2`)
	want("GET", at+"/results", "", 200, `"people"`, `"judges"`)
	want("GET", at+"/records?of=rankings", "", 200, `"total":0`)
	want("GET", at+"/records?of=gossip", "", 422)
	want("POST", at+"/close", `{"reason":"enough"}`, 200, `"closed"`)
	want("GET", at, "", 200, "close-early", "enough")
	want("GET", "/studies", "", 200, `"tasks":2`)

	// Whatever a rater asks of any operation, not a byte of a reply says who wrote an answer.
	secrets := []string{"model-north", "model-south"}
	for _, query := range []string{`SELECT id FROM answer`, `SELECT id FROM study_item`, `SELECT plan_hash FROM study`, `SELECT id FROM query`} {
		var values []string
		if err := d.All(t.Context(), &values, query); err != nil || len(values) == 0 {
			t.Fatalf("%s: %v", query, err)
		}
		secrets = append(secrets, values...)
	}
	for _, route := range a.Routes() {
		for _, id := range []string{made.ID, made.Set.ID} {
			path := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(route.Path, id)
			for _, q := range []string{"", "?of=votes", "?study=" + id} {
				_, reply, header := rater.do(route.Method, path+q, "")
				for _, secret := range secrets {
					if strings.Contains(reply+fmt.Sprint(header), secret) {
						t.Errorf("%s %s%s tells a rater %s: %s", route.Method, path, q, secret, reply)
					}
				}
			}
		}
	}
}
