package user_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
	"coigwriter/internal/user"
)

const password = "雨停了以后我们去山中"

func TestSetUpOnce(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	old, err := user.EnsureSetup(ctx, d)
	if err != nil || old == "" {
		t.Fatal(old, err)
	}
	secret, err := user.EnsureSetup(ctx, d)
	if err != nil || secret == old {
		t.Fatal("a new start must make a new link", err)
	}
	if _, err := user.RedeemSetup(ctx, d, old, "xu", "许砚", password); !errors.Is(err, errs.NotFound) {
		t.Errorf("the older link gave %v", err)
	}
	for _, bad := range []struct{ login, name, password string }{
		{"X!", "许砚", password}, {"xu", "", password}, {"xu", "许砚", "short"}, {"xuyan2023", "许砚", "xuyan2023!!"}, {"xu", "许砚", "aaaaaaaaaaaa"},
	} {
		if _, err := user.RedeemSetup(ctx, d, secret, bad.login, bad.name, bad.password); len(errs.FieldsOf(err)) == 0 {
			t.Errorf("%+v gave %v", bad, err)
		}
	}
	p, err := user.RedeemSetup(ctx, d, secret, "Xu", "许砚", password)
	if err != nil || !p.Has(user.Lead) {
		t.Fatal(p, err)
	}
	if _, err := user.RedeemSetup(ctx, d, secret, "eve", "Eve", password); !errors.Is(err, errs.NotFound) {
		t.Errorf("the second use gave %v", err)
	}
	if s, err := user.EnsureSetup(ctx, d); s != "" || err != nil {
		t.Errorf("with a lead there is a set-up link %q, %v", s, err)
	}
	if strings.Contains(p.Pseudonym, "xu") {
		t.Errorf("pseudonym %q tells the login", p.Pseudonym)
	}
}

func TestAuthenticate(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	p, err := user.Add(ctx, d, "system", user.New{Login: "lin", Name: "林可", Roles: []user.Role{user.Annotator}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := user.Authenticate(ctx, d, "lin", ""); !errors.Is(err, errs.Forbidden) {
		t.Errorf("a person without a password came in: %v", err)
	}
	link, err := user.NewPasswordLink(ctx, d, "system", p.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := user.RedeemPassword(ctx, d, link, password); err != nil {
		t.Fatal(err)
	}
	if _, err := user.RedeemPassword(ctx, d, link, password+"2"); !errors.Is(err, errs.NotFound) {
		t.Errorf("the second use gave %v", err)
	}
	got, err := user.Authenticate(ctx, d, " LIN ", password)
	if err != nil || got.ID != p.ID {
		t.Fatal(got, err)
	}
	for _, pw := range []string{"", "wrong password", password + " "} {
		if _, err := user.Authenticate(ctx, d, "lin", pw); !errors.Is(err, errs.Forbidden) {
			t.Errorf("%q gave %v", pw, err)
		}
	}
	before := got.Stamp()
	if err := user.SetPassword(ctx, d, p.ID, p.ID, "another long password"); err != nil {
		t.Fatal(err)
	}
	if got, _ = user.Get(ctx, d, p.ID); got.Stamp() == before {
		t.Error("sessions outlive the password")
	}
	if err := user.SetEnabled(ctx, d, "system", p.ID, false); err != nil {
		t.Fatal(err)
	}
	if _, err := user.Authenticate(ctx, d, "lin", "another long password"); !errors.Is(err, errs.Forbidden) {
		t.Errorf("a disabled person came in: %v", err)
	}
	if _, err := user.NewPasswordLink(ctx, d, "system", p.ID); !errors.Is(err, errs.Conflict) {
		t.Errorf("a link for a disabled person gave %v", err)
	}
	if _, err := user.Authenticate(ctx, d, "nobody", strings.Repeat("x", 1<<20)); !errors.Is(err, errs.Forbidden) {
		t.Errorf("an unknown login gave %v", err)
	}
}

// A link that lies in a terminal's history must not make a second lead.
func TestSetUpLinkEndsWithTheFirstLead(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	secret, err := user.EnsureSetup(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := user.Add(ctx, d, "system", user.New{Login: "xu", Name: "许砚", Roles: []user.Role{user.Lead}}); err != nil {
		t.Fatal(err)
	}
	if _, err := user.CheckInvite(ctx, d, "setup", secret); !errors.Is(err, errs.NotFound) {
		t.Errorf("the link still opens: %v", err)
	}
	if _, err := user.RedeemSetup(ctx, d, secret, "eve", "Eve", password); !errors.Is(err, errs.NotFound) {
		t.Errorf("the link still makes a lead: %v", err)
	}
}

func TestRedeemAtOnce(t *testing.T) {
	d, ctx := dbtest.Open(t), context.Background()
	secret, err := user.EnsureSetup(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var made atomic.Int32
	for _, login := range []string{"xu", "eve", "mo"} {
		wg.Go(func() {
			switch _, err := user.RedeemSetup(ctx, d, secret, login, login, password); {
			case err == nil:
				made.Add(1)
			case !errors.Is(err, errs.NotFound):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if ps, err := user.List(ctx, d); err != nil || made.Load() != 1 || len(ps) != 1 {
		t.Errorf("%d redeemed, %d people, %v", made.Load(), len(ps), err)
	}
}

func TestPasswordLinksEnd(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	id := dbtest.Person(t, d, "lin", "annotator")
	link := func() string {
		t.Helper()
		s, err := user.NewPasswordLink(ctx, d, "system", id)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	older := link()
	newer := link()
	if _, err := user.CheckInvite(ctx, d, "password", older); !errors.Is(err, errs.NotFound) {
		t.Errorf("an older link gave %v", err)
	}
	if _, err := user.RedeemPassword(ctx, d, newer, "short"); len(errs.FieldsOf(err)) != 1 {
		t.Errorf("a short password gave %v", err)
	}
	if p, err := user.CheckInvite(ctx, d, "password", newer); err != nil || p.ID != id {
		t.Errorf("a refused password spent the link: %v", err)
	}
	if _, err := user.CheckInvite(ctx, d, "setup", newer); !errors.Is(err, errs.NotFound) {
		t.Errorf("a password link opened the set-up: %v", err)
	}
	d.Clock = func() time.Time { return time.Now().Add(73 * time.Hour) }
	if _, err := user.RedeemPassword(ctx, d, newer, password); !errors.Is(err, errs.NotFound) {
		t.Errorf("after three days the link gave %v", err)
	}
	d.Clock = nil
	if err := user.SetPassword(ctx, d, "system", id, password); err != nil {
		t.Fatal(err)
	}
	if _, err := user.CheckInvite(ctx, d, "password", newer); !errors.Is(err, errs.NotFound) {
		t.Errorf("a link outlived the password set another way: %v", err)
	}
}

func TestPasswordRules(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	id := dbtest.Person(t, d, "li", "annotator")
	for _, tc := range []struct {
		password string
		ok       bool
	}{
		{"liberty in the mountains", true},
		{"雨停了以后我们去山中", true},
		{"li12345678", false},
		{"雨雨雨雨雨雨雨雨雨雨雨", false},
		{"Password123", false},
		{"雨停了", false},
		{strings.Repeat("ab", 300), false},
	} {
		err := user.SetPassword(ctx, d, id, id, tc.password)
		if (err == nil) != tc.ok || !tc.ok && len(errs.FieldsOf(err)) != 1 {
			t.Errorf("%.30q gave %v", tc.password, err)
		}
	}
}

func TestChangesAreRecorded(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	lead := dbtest.Person(t, d, "xu", "lead")
	p, err := user.Add(ctx, d, lead, user.New{Login: "lin", Name: " 林可 ", Roles: []user.Role{user.Annotator}})
	if err != nil || p.Name != "林可" {
		t.Fatal(p, err)
	}
	for _, err := range []error{
		user.SetName(ctx, d, lead, p.ID, "林可可"),
		user.SetName(ctx, d, lead, p.ID, "林可可"), // nothing changes, nothing is recorded
		user.SetRoles(ctx, d, lead, p.ID, []user.Role{user.Annotator, user.Reviewer}, true),
		user.SetPreferences(ctx, d, p.ID, "zh-CN", "dark"),
		user.SetEnabled(ctx, d, lead, p.ID, false),
		user.SetEnabled(ctx, d, lead, p.ID, true),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	evs, err := audit.History(ctx, d, "person", p.ID)
	for _, e := range evs {
		got = append(got, e.Action)
	}
	want := []string{"add", "name", "roles", "preferences", "disable", "enable"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("history is %v, %v, want %v", got, err, want)
	}
	p, err = user.Get(ctx, d, p.ID)
	if err != nil || p.Name != "林可可" || !p.Specialist || !p.Has(user.Reviewer) || p.Theme != "dark" {
		t.Errorf("%+v, %v", p, err)
	}
	for _, name := range []string{"", "  ", "a\x00b", "a\nb", "\xff", strings.Repeat("名", 65)} {
		if err := user.SetName(ctx, d, lead, p.ID, name); len(errs.FieldsOf(err)) != 1 {
			t.Errorf("name %q gave %v", name, err)
		}
	}
	if _, err := user.Add(ctx, d, lead, user.New{Login: "LIN", Name: "x", Roles: []user.Role{user.Lead}}); !errors.Is(err, errs.Conflict) {
		t.Errorf("a login that is taken gave %v", err)
	}
}

func TestTheLastLeadStays(t *testing.T) {
	d, ctx := dbtest.Open(t), context.Background()
	a := dbtest.Person(t, d, "a", "lead")
	b := dbtest.Person(t, d, "b", "lead")
	var wg sync.WaitGroup
	var mu sync.Mutex
	refused := 0
	for _, id := range []string{a, b} {
		wg.Go(func() {
			if err := user.SetEnabled(ctx, d, "system", id, false); errors.Is(err, errs.Conflict) {
				mu.Lock()
				refused++
				mu.Unlock()
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if refused != 1 {
		t.Errorf("%d of two leads were kept", refused)
	}
}

func TestTokens(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	id := dbtest.Person(t, d, "lu", "engineer", "lead")
	secret, err := user.NewToken(ctx, d, id, id, "nightly", []user.Permission{user.StatsRead}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	p, err := user.ByToken(ctx, d, secret)
	if err != nil || !p.May(user.StatsRead) || p.May(user.SourceImport) || !p.May(user.Self) {
		t.Fatalf("%+v, %v", p, err)
	}
	ts, err := user.Tokens(ctx, d, id)
	if err != nil || len(ts) != 1 || ts[0].LastUsedAt == nil {
		t.Fatalf("%+v, %v", ts, err)
	}
	d.Clock = func() time.Time { return time.Now().Add(2 * time.Hour) }
	if _, err := user.ByToken(ctx, d, secret); !errors.Is(err, errs.Forbidden) {
		t.Errorf("an expired token gave %v", err)
	}
	d.Clock = nil
	if err := user.RevokeToken(ctx, d, id, id, ts[0].ID); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{secret, "cw_guess", "", "x"} {
		if _, err := user.ByToken(ctx, d, s); !errors.Is(err, errs.Forbidden) {
			t.Errorf("%q gave %v", s, err)
		}
	}
	if _, err := user.NewToken(ctx, d, id, id, "n", []user.Permission{"all"}, 0); len(errs.FieldsOf(err)) != 1 {
		t.Errorf("an unknown scope gave %v", err)
	}
}

func TestMay(t *testing.T) {
	now := time.Now()
	for _, row := range user.Allowed {
		if len(row.Roles) == 0 {
			t.Errorf("nobody may %s", row.Permission)
		}
		for _, r := range user.Roles {
			p := &user.Person{Roles: []user.Role{r}}
			if got, want := p.May(row.Permission), slices.Contains(row.Roles, r); got != want {
				t.Errorf("%s may %s: %v", r, row.Permission, got)
			}
			p.DisabledAt = &now
			if p.May(row.Permission) || p.May(user.Self) {
				t.Errorf("a disabled %s may %s", r, row.Permission)
			}
		}
	}
	var none *user.Person
	if none.May(user.Self) || !none.May(user.Public) {
		t.Error("somebody not logged in may only what is public")
	}
}

func TestSessions(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	s := user.SessionStore{DB: d}
	if err := s.CommitCtx(ctx, "t", []byte{0, 1, 255}, d.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if b, ok, err := s.FindCtx(ctx, "t"); !ok || err != nil || len(b) != 3 {
		t.Fatal(b, ok, err)
	}
	if err := s.CommitCtx(ctx, "t", nil, d.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := s.FindCtx(ctx, "t"); ok || err != nil {
		t.Error("an expired session was found", err)
	}
	if err := user.CleanSessions(ctx, d); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := d.One(ctx, &n, `SELECT COUNT(*) FROM session`); err != nil || n != 0 {
		t.Error(n, err)
	}
}

func TestThrottle(t *testing.T) {
	var th user.Throttle
	n := 0
	for range 100 {
		if th.Allow("lin") {
			n++
		}
	}
	if n < 5 || n > 12 {
		t.Errorf("%d of 100 tries were let through", n)
	}
	if !th.Allow("zhou") {
		t.Error("another key must not suffer")
	}
}
