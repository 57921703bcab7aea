package user

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// params are the cost of one password: 64 MB, one pass, two threads. They are ours and not the
// library's default, which depends on the machine; hashes carry theirs, so they may change.
var params = &argon2id.Params{Memory: 64 * 1024, Iterations: 1, Parallelism: 2, SaltLength: 16, KeyLength: 32}

// hashing admits two argon2id hashes at a time: each takes 64 MB.
var hashing = make(chan struct{}, 2)

// nobody is compared with when a login does not exist or has no password, so that the time
// tells nothing. It is the hash of random text that nobody kept, made with [params].
const nobody = "$argon2id$v=19$m=65536,t=1,p=2$BpmpcPo/BLjFmpFrV53wXg$jyfRCONWxmRg1BTUhwbRN+d0hXfz8fSE7bx0WTnaqx0"

// Bounds of a password: in characters, and in bytes.
const (
	minPassword = 10
	maxPassword = 512
)

// trivial are passwords of enough characters that every guesser tries first.
var trivial = []string{"1234567890", "0123456789", "password123", "qwertyuiop", "1q2w3e4r5t", "administrator", "coigwriter", "coigwriter1"}

// checkPassword refuses what is short, one character again and again, well known, or little
// more than the login.
func checkPassword(login, password string) error {
	if utf8.RuneCountInString(password) < minPassword || len(password) > maxPassword {
		return errs.Fields(errs.Field{Name: "password", Msg: "use at least 10 characters", Key: "people.short_password"})
	}
	low := strings.ToLower(password)
	_, size := utf8.DecodeRuneInString(low)
	rest := strings.Replace(low, login, "", 1)
	if strings.Trim(low, low[:size]) == "" || slices.Contains(trivial, low) ||
		rest != low && utf8.RuneCountInString(rest) < minPassword {
		return errs.Fields(errs.Field{Name: "password", Msg: "too easy to guess; use several words", Key: "people.weak_password"})
	}
	return nil
}

// hashPassword checks a password and returns its hash. It takes 64 MB and a tenth of a second,
// so never call it inside a transaction.
func hashPassword(ctx context.Context, login, password string) (string, error) {
	if err := checkPassword(login, password); err != nil {
		return "", err
	}
	select {
	case hashing <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { <-hashing }()
	return argon2id.CreateHash(password, params)
}

// SetPassword gives a person a password. Their sessions end (see [Person.Stamp]), and so do
// password links that were not used yet.
func SetPassword(ctx context.Context, d *db.DB, by, id, password string) error {
	p, err := Get(ctx, d, id)
	if err != nil {
		return err
	}
	hash, err := hashPassword(ctx, p.Login, password)
	if err != nil {
		return err
	}
	return d.Transact(ctx, func(tx *db.DB) error { return putPassword(ctx, tx, by, id, hash) })
}

func putPassword(ctx context.Context, tx *db.DB, by, id, hash string) error {
	if _, err := tx.Exec(ctx, `UPDATE person SET password_hash = ? WHERE id = ?`, hash, id); err != nil {
		return err
	}
	if err := endInvites(ctx, tx, forPassword, id); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{Kind: "person", ID: id, Actor: by, Action: "password"})
}

// Authenticate returns the person with this login and password. Whatever is wrong, it is the
// same errs.Forbidden after the same work.
func Authenticate(ctx context.Context, d *db.DB, login, password string) (*Person, error) {
	p, err := ByLogin(ctx, d, login)
	if err != nil && !errors.Is(err, errs.NotFound) {
		return nil, err
	}
	hash := nobody
	if p != nil && p.PasswordHash != "" {
		hash = p.PasswordHash
	}
	if len(password) > maxPassword {
		password = "" // nobody's: passwords are shorter, and hashing must not cost what the guesser likes
	}
	select {
	case hashing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ok, err := argon2id.ComparePasswordAndHash(password, hash)
	<-hashing
	if err != nil {
		return nil, err
	}
	if !ok || p == nil || p.PasswordHash == "" || p.DisabledAt != nil {
		return nil, errs.Forbiddenf("login or password is wrong")
	}
	return p, nil
}

// Stamp changes whenever a person's sessions must end: with the password.
func (p *Person) Stamp() string { return digest(p.PasswordHash)[:16] }

// digest is what the database keeps of a random secret.
func digest(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:])
}
