package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/job"
	"coigwriter/internal/llm"
	"coigwriter/internal/screen"
	"coigwriter/internal/source"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
	"coigwriter/internal/web"
)

// A campaign is a project with sources in every state and thousands of triplets. Sources come
// in through the program's own import; what would take people months after that is written in
// large transactions, in the shape the domain functions write it.
type campaign struct {
	*suite
	store     string
	db        *db.DB
	people    []string       // the first has every role, the rest write and review
	cookies   []*http.Cookie // of each person
	drafts    []string       // the draft of each person, for autosave
	revisions []int          // and where it stands
	rng       *rand.Rand
}

const password = "only for measuring 51"

// fill makes the project.
func (c *campaign) fill(ctx context.Context) (err error) {
	if c.store, err = c.stores.open(ctx, "pages"); err != nil {
		return err
	}
	file := filepath.Join(c.dir, fmt.Sprintf("sources-%d.jsonl", c.size.Sources))
	if _, err := writeSources(file, c.pool, c.size.Sources); err != nil {
		return err
	}
	if _, err := c.cli(ctx, c.store, "import", "sources", file); err != nil {
		return err
	}
	if c.db, err = db.Open(ctx, c.store); err != nil {
		return err
	}
	defer c.db.Close()
	if err := job.Migrate(ctx, c.db); err != nil {
		return err
	}
	c.rng = rand.New(rand.NewPCG(4, 4))
	if err := c.addPeople(ctx); err != nil {
		return err
	}
	var waiting []string
	if err := c.db.All(ctx, &waiting, `SELECT id FROM source WHERE state = ? AND genre <> '' ORDER BY id`, source.Waiting); err != nil {
		return err
	}
	c.rng.Shuffle(len(waiting), func(i, j int) { waiting[i], waiting[j] = waiting[j], waiting[i] })
	pooled := waiting[:len(waiting)*6/10]
	if err := c.inBatches(ctx, pooled, c.screened); err != nil {
		return err
	}
	if err := c.inBatches(ctx, waiting[len(pooled):][:c.size.Sources/100], c.failed); err != nil {
		return err
	}
	return c.write(ctx, pooled)
}

func (c *campaign) addPeople(ctx context.Context) error {
	roles := []user.Role{user.Lead, user.Annotator, user.Reviewer, user.Evaluator, user.Engineer}
	for i := range writersMany + 1 {
		p, err := user.Add(ctx, c.db, "system", user.New{Login: fmt.Sprintf("person-%d", i), Name: fmt.Sprintf("写手%d", i), Roles: roles, Specialist: true})
		if err != nil {
			return err
		}
		if err := user.SetPassword(ctx, c.db, "system", p.ID, password); err != nil {
			return err
		}
		c.people = append(c.people, p.ID)
		cookie, err := c.signIn(p.Login)
		if err != nil {
			return err
		}
		c.cookies = append(c.cookies, cookie)
		roles = []user.Role{user.Annotator, user.Reviewer}
	}
	return nil
}

// signIn gets a session. It has a site of its own, because the door slows down many logins
// from one address, as it should; the session is in the database and holds for the server too.
func (c *campaign) signIn(login string) (*http.Cookie, error) {
	site, err := web.New(web.Options{DB: c.db})
	if err != nil {
		return nil, err
	}
	form := url.Values{"login": {login}, "password": {password}}
	r := httptest.NewRequest("POST", "/login", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	site.ServeHTTP(w, r)
	for _, cookie := range w.Result().Cookies() {
		if cookie.Name == "session" && cookie.Value != "" {
			return cookie, nil
		}
	}
	return nil, fmt.Errorf("sign in as %s: status %d and no session", login, w.Code)
}

// inBatches runs f on each id, 500 to a transaction.
func (c *campaign) inBatches(ctx context.Context, ids []string, f func(context.Context, *db.DB, string) error) error {
	for len(ids) > 0 {
		n := min(len(ids), 500)
		err := c.db.Transact(ctx, func(tx *db.DB) error {
			for _, id := range ids[:n] {
				if err := f(ctx, tx, id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// screened takes a source to the pool with three verdicts and the calls they rest on.
func (c *campaign) screened(ctx context.Context, tx *db.DB, id string) error {
	calls, verdicts := []llm.Call{}, []screen.Verdict{}
	for _, stage := range []string{screen.Assessment, screen.Screening, screen.Usability} {
		call := c.call(tx, stage, id, "")
		calls = append(calls, call)
		verdicts = append(verdicts, screen.Verdict{
			ID: db.NewID(), SourceID: id, Stage: stage, JudgeKind: screen.ByModel, Judge: "script", Scripted: true, CallID: call.ID, Passed: true,
			Judgement: db.AsJSON(screen.Judgement{Scores: map[string]int{"quality": 8, "creativity": 8}, Usable: screen.Yes}),
			Reasons:   c.pool.text(c.rng, 200), CreatedAt: tx.Now(),
		})
	}
	if err := tx.Insert(ctx, &calls); err != nil {
		return err
	}
	if err := tx.Insert(ctx, &verdicts); err != nil {
		return err
	}
	return source.Advance(ctx, tx, id, source.Pool, "rule:bench", "", nil)
}

// failed leaves a source waiting behind a call that went wrong.
func (c *campaign) failed(ctx context.Context, tx *db.DB, id string) error {
	call := c.call(tx, screen.Assessment, id, string(llm.KindBadOutput))
	return tx.Insert(ctx, &call)
}

func (c *campaign) call(tx *db.DB, stage, id, failure string) llm.Call {
	return llm.Call{
		ID: db.NewID(), Key: db.NewID(), Attempt: 1, Prompt: stage, PromptHash: "bench", ItemKind: "source", ItemID: id, Model: "script",
		Endpoint: "http://script.invalid/v1", Level: "json_schema", Request: c.pool.text(c.rng, 3000), Response: c.pool.text(c.rng, 500),
		HTTPStatus: http.StatusOK, Failure: failure, PromptTokens: 1500, CompletionTokens: 150, DurationMS: 900, Scripted: true, CreatedAt: tx.Now(),
	}
}

// content is what a writer has written, of about the paper's lengths.
func (c *campaign) content() triplet.Content {
	checks := map[string]bool{}
	for _, k := range triplet.Checks {
		checks[k] = true
	}
	short := func() string { return c.pool.text(c.rng, 60) }
	return triplet.Content{
		Attributes: triplet.Attributes{Theme: short(), Style: short(), Structure: short(), Cultural: short()},
		Facets:     triplet.Facets{Interpretation: short(), Structure: short(), Culture: short(), Narrative: short(), Refinement: short()},
		Prompt:     c.pool.text(c.rng, 800), Reasoning: c.pool.text(c.rng, 1500), Checks: checks,
	}
}

// since is a time some days back, so that triplets do not all happen at once.
func (c *campaign) since(tx *db.DB) time.Time {
	return tx.Now().Add(-time.Duration(c.rng.IntN(60*24)) * time.Hour)
}
