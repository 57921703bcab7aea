// Package dbtest gives tests an empty, migrated database: a SQLite file, or with
// COIGWRITER_TEST_DB=postgres://… a PostgreSQL schema of its own, so that one suite proves both.
package dbtest

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coigwriter/internal/db"
)

// URL returns the address of a fresh database that lives as long as the test.
func URL(t testing.TB) string {
	t.Helper()
	base := os.Getenv("COIGWRITER_TEST_DB")
	if base == "" {
		return filepath.Join(t.TempDir(), "test.db")
	}
	ctx := context.Background()
	admin, err := db.Open(ctx, base)
	if err != nil {
		t.Fatalf("COIGWRITER_TEST_DB: %v", err)
	}
	schema := "t_" + strings.ReplaceAll(db.NewID(), "-", "")
	if _, err := admin.Exec(ctx, "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec(ctx, "DROP SCHEMA "+schema+" CASCADE"); err != nil {
			t.Errorf("drop test schema: %v", err)
		}
		admin.Close()
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	q.Set("pool_max_conns", "8")
	u.RawQuery = q.Encode()
	return u.String()
}

// Open returns an empty, migrated database that is closed when the test ends.
func Open(t testing.TB) *db.DB {
	t.Helper()
	ctx := context.Background()
	d, err := db.Open(ctx, URL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	return d
}

// Person adds a person who cannot log in, with the given roles, and returns their ID.
func Person(t testing.TB, d *db.DB, login string, roles ...string) string {
	t.Helper()
	ctx := context.Background()
	id := db.NewID()
	_, err := d.Exec(ctx, `INSERT INTO person (id, login, name, pseudonym, specialist, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
		id, login, login, "p-"+login, true, time.Now().UTC())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range roles {
		if _, err := d.Exec(ctx, `INSERT INTO person_role (person_id, role) VALUES (?, ?)`, id, r); err != nil {
			t.Fatal(err)
		}
	}
	return id
}
