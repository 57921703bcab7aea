package user_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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
	if err := user.SetEnabled(ctx, d, "system", p.ID, false); err == nil {
		t.Error("without any lead, disabling is refused as it would leave none") // no lead exists here
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
