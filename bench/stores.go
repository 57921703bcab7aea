package main

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"

	"coigwriter/internal/db"
)

// stores are the empty databases of one run: files, or schemas of one PostgreSQL database that
// are dropped at the end.
type stores struct {
	dir, url string
	schemas  []string
	version  string // of the database, for the page
}

// open makes an empty database and returns its address.
func (s *stores) open(ctx context.Context, name string) (string, error) {
	if s.url == "" {
		path := filepath.Join(s.dir, name+".db")
		return path, s.ask(ctx, path, `SELECT 'SQLite ' || sqlite_version()`)
	}
	if err := s.ask(ctx, s.url, `SELECT split_part(version(), ' on ', 1)`); err != nil {
		return "", err
	}
	u, err := url.Parse(s.url)
	if err != nil {
		return "", err
	}
	schema := "bench_" + name + "_" + db.NewID()[24:]
	if err := s.exec(ctx, "CREATE SCHEMA "+schema); err != nil {
		return "", err
	}
	s.schemas = append(s.schemas, schema)
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func (s *stores) ask(ctx context.Context, dsn, query string) error {
	d, err := db.Open(ctx, dsn)
	if err != nil {
		return err
	}
	return errors.Join(d.One(ctx, &s.version, query), d.Close())
}

func (s *stores) exec(ctx context.Context, query string) error {
	d, err := db.Open(ctx, s.url)
	if err != nil {
		return err
	}
	_, err = d.Exec(ctx, query)
	return errors.Join(err, d.Close())
}

// drop removes the schemas of this run.
func (s *stores) drop() (err error) {
	for _, schema := range s.schemas {
		err = errors.Join(err, s.exec(context.Background(), "DROP SCHEMA "+schema+" CASCADE"))
	}
	return err
}
