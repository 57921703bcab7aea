package user

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"coigwriter/internal/errs"
)

// A Person is somebody with a login.
type Person struct {
	bun.BaseModel `bun:"table:person"`

	ID           string     `json:"id"`
	Login        string     `json:"login"`
	Name         string     `json:"name"` // shown to colleagues, never released
	PasswordHash string     `json:"-"`    // empty: no password yet, cannot log in
	Locale       string     `json:"locale"`
	Theme        string     `json:"theme"`
	Pseudonym    string     `json:"pseudonym"`  // the only name in a release
	Specialist   bool       `json:"specialist"` // may review specialist genres
	CreatedAt    time.Time  `json:"created_at"`
	DisabledAt   *time.Time `json:"disabled_at,omitempty"`

	Roles  []Role       `bun:"-" json:"roles"`
	Scopes []Permission `bun:"-" json:"scopes,omitempty"` // of the API token in use; nil means all
}

// New describes a person to add.
type New struct {
	Login, Name string
	Roles       []Role
	Specialist  bool
}

var loginShape = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,31}$`)

func (n *New) check() error {
	var bad []errs.Field
	n.Login = strings.ToLower(strings.TrimSpace(n.Login))
	n.Name = strings.TrimSpace(n.Name)
	if !loginShape.MatchString(n.Login) {
		bad = append(bad, errs.Field{Name: "login", Msg: "use 2 to 32 lower-case letters, digits, dots or hyphens", Key: "people.bad_login"})
	}
	if b := badName(n.Name); b != nil {
		bad = append(bad, *b)
	}
	if b := badRoles(n.Roles); b != nil {
		bad = append(bad, *b)
	}
	return errs.Fields(bad...)
}

// shortLine reports whether s is one line of 1 to 64 characters that can be shown in a list.
func shortLine(s string) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= 64 && !strings.ContainsFunc(s, unicode.IsControl)
}

func badName(name string) *errs.Field {
	if !shortLine(name) {
		return &errs.Field{Name: "name", Msg: "give a name of at most 64 characters", Key: "people.bad_name"}
	}
	return nil
}

func badRoles(rs []Role) *errs.Field {
	if len(rs) == 0 {
		return &errs.Field{Name: "roles", Msg: "give at least one role", Key: "people.no_role"}
	}
	for _, r := range rs {
		if !slices.Contains(Roles, r) {
			return &errs.Field{Name: "roles", Msg: fmt.Sprintf("%q is no role; there are lead, annotator, reviewer, evaluator, engineer", r), Key: "people.bad_role"}
		}
	}
	return nil
}

// leads reports whether the person is a lead who can act.
func (p *Person) leads() bool { return p.DisabledAt == nil && p.Has(Lead) }
