package db_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// A database may be moved once nobody has it open and all of it is in one file.
func TestAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a project", "写.db")
	d, err := db.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.Alone(t.Context(), path); !errors.Is(err, errs.Conflict) {
		t.Errorf("in use: %v", err)
	}
	if _, err := d.Exec(t.Context(), `CREATE TABLE still_works (id TEXT)`); err != nil {
		t.Errorf("after somebody else looked: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Alone(t.Context(), path); err != nil {
		t.Error(err)
	}
	if beside, err := filepath.Glob(path + "-*"); err != nil || len(beside) != 0 {
		t.Errorf("beside it: %v, %v", beside, err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"a letter": []byte("this is no database"), "torn": whole[:len(whole)/2], "overwritten": append(append([]byte{}, whole[:8192]...), make([]byte, len(whole)-8192)...)} {
		bad := filepath.Join(t.TempDir(), "bad.db")
		if err := os.WriteFile(bad, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := db.Alone(t.Context(), bad); !errors.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
