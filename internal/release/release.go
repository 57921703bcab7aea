// Package release is the frozen versions of the dataset: cut once from the accepted triplets,
// never changed, recomputable, and written in the formats that trainers read.
package release

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/triplet"
)

// A Record is one triplet as a release holds it for good. The order of the fields is the order
// of the file. People appear only under their stable pseudonyms.
type Record struct {
	ID         string             `json:"id"`
	Genre      string             `json:"genre"`
	GenreZH    string             `json:"genre_zh"`
	GenreEN    string             `json:"genre_en"`
	Category   string             `json:"category"`
	Language   string             `json:"language"`
	Prompt     string             `json:"prompt"`
	Reasoning  string             `json:"reasoning"`
	Article    string             `json:"article"`
	Attributes triplet.Attributes `json:"attributes"`
	Scores     map[string]int     `json:"scores"` // the six dimensions, 1 to 10
	ScoredBy   Judge              `json:"scored_by"`
	Annotator  string             `json:"annotator"`
	Reviewers  []string           `json:"reviewers"`
	Source     Source             `json:"source"`
	Revision   int64              `json:"revision"`
	Tier       string             `json:"tier"`
	Rounds     int                `json:"rounds"`
	AcceptedAt time.Time          `json:"accepted_at"`
}

// A Judge is who filled a score sheet.
type Judge struct {
	Kind     string `json:"kind"` // model or person
	Name     string `json:"name"` // model name or pseudonym
	Scripted bool   `json:"scripted"`
}

// A Source is where an article came from.
type Source struct {
	URL         string     `json:"url"`
	Platform    string     `json:"platform"`
	Title       string     `json:"title"`
	Author      string     `json:"author"`
	PublishedAt *time.Time `json:"published_at"`
	Licence     string     `json:"licence"`
}

// A Manifest says what a release is; it travels with every export.
type Manifest struct {
	Project      string         `json:"project"`
	Sample       bool           `json:"sample"` // of the sample project
	Version      string         `json:"version"`
	Previous     string         `json:"previous,omitempty"`
	Notes        string         `json:"notes,omitempty"`
	CutAt        time.Time      `json:"cut_at"`
	CutBy        string         `json:"cut_by"` // pseudonym
	Items        int            `json:"items"`
	ContentHash  string         `json:"content_hash"` // SHA-256 over the canonical lines, each with its line end
	TaxonomyHash string         `json:"taxonomy_hash"`
	Gate         triplet.Gate   `json:"gate"`
	Genres       map[string]int `json:"genres"`
	Annotators   int            `json:"annotators"`
	Reviewers    int            `json:"reviewers"`
	Scripted     int            `json:"scripted"` // records whose scores came from the scripted fake
	Warnings     []Warning      `json:"warnings,omitempty"`
}

// A Warning is something a user of a release should know.
type Warning struct {
	Code string `json:"code"`         // thin, empty, one_hand, scripted or unjudged
	N    int    `json:"n"`            // how many genres, triplets or texts
	Of   int    `json:"of,omitempty"` // least count of a genre, or of how many triplets
	Text string `json:"text"`
}

// A Release is one frozen version.
type Release struct {
	bun.BaseModel `bun:"table:release"`

	ID          string            `json:"id"`
	Version     string            `json:"version"`
	Notes       string            `json:"notes"`
	CutBy       string            `json:"-"`
	CutAt       time.Time         `json:"cut_at"`
	Items       int               `json:"items"`
	ContentHash string            `json:"content_hash"`
	Manifest    db.JSON[Manifest] `json:"manifest"`
}

// An Item is one frozen record of a release.
type Item struct {
	bun.BaseModel `bun:"table:release_item"`

	ReleaseID string
	Position  int
	TripletID string
	Revision  int64
	Record    string // canonical JSON
	Hash      string // SHA-256 of Record
}

var versionShape = regexp.MustCompile(`^(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})$`)

// checkVersion accepts semantic versions of three numbers.
func checkVersion(v string) error {
	if !versionShape.MatchString(v) {
		return errs.Fields(errs.Field{Name: "version", Msg: "write three numbers such as 1.0.0", Key: "releases.bad_version"})
	}
	return nil
}

// compareVersions orders two versions by their numbers.
func compareVersions(a, b string) int {
	num := func(v string) []int {
		out := []int{}
		for p := range strings.SplitSeq(v, ".") {
			n, _ := strconv.Atoi(p)
			out = append(out, n)
		}
		return out
	}
	return slices.Compare(num(a), num(b))
}

// NextVersion proposes a version after the newest.
func NextVersion(rs []Release) string {
	if len(rs) == 0 {
		return "0.1.0"
	}
	p := strings.Split(rs[0].Version, ".")
	n, _ := strconv.Atoi(p[1])
	return p[0] + "." + strconv.Itoa(n+1) + ".0"
}

// List returns all releases, newest version first.
func List(ctx context.Context, d *db.DB) ([]Release, error) {
	var rs []Release
	if err := d.All(ctx, &rs, `SELECT * FROM release`); err != nil {
		return nil, err
	}
	slices.SortFunc(rs, func(a, b Release) int { return compareVersions(b.Version, a.Version) })
	return rs, nil
}

// Get returns the release of a version; "latest" is the newest.
func Get(ctx context.Context, d *db.DB, version string) (*Release, error) {
	if version == "latest" {
		rs, err := List(ctx, d)
		if err != nil {
			return nil, err
		}
		if len(rs) == 0 {
			return nil, errs.NotFoundf("nothing was released yet; cut a release first")
		}
		return &rs[0], nil
	}
	r := &Release{}
	err := d.One(ctx, r, `SELECT * FROM release WHERE version = ?`, strings.TrimPrefix(version, "v"))
	if errors.Is(err, errs.NotFound) {
		return nil, errs.NotFoundf("there is no release %q", version)
	}
	return r, err
}

// Each calls f with every item of a release in order.
func Each(ctx context.Context, d *db.DB, r *Release, f func(*Item) error) error {
	return db.Each(ctx, d, f, `SELECT * FROM release_item WHERE release_id = ? ORDER BY position`, r.ID)
}

// A Change is one triplet that differs between two releases.
type Change struct {
	TripletID string `json:"triplet_id"`
	What      string `json:"what"` // added, removed, changed
}

// Diff returns what changed from version a to version b.
func Diff(ctx context.Context, d *db.DB, a, b string) ([]Change, error) {
	from, err := hashes(ctx, d, a)
	if err != nil {
		return nil, err
	}
	to, err := hashes(ctx, d, b)
	if err != nil {
		return nil, err
	}
	var out []Change
	for id, h := range to {
		switch old, ok := from[id]; {
		case !ok:
			out = append(out, Change{id, "added"})
		case old != h:
			out = append(out, Change{id, "changed"})
		}
	}
	for id := range from {
		if _, ok := to[id]; !ok {
			out = append(out, Change{id, "removed"})
		}
	}
	slices.SortFunc(out, func(x, y Change) int {
		return cmp.Or(cmp.Compare(x.What, y.What), cmp.Compare(x.TripletID, y.TripletID))
	})
	return out, nil
}

func hashes(ctx context.Context, d *db.DB, version string) (map[string]string, error) {
	r, err := Get(ctx, d, version)
	if err != nil {
		return nil, err
	}
	m := make(map[string]string, r.Items)
	return m, Each(ctx, d, r, func(it *Item) error { m[it.TripletID] = it.Hash; return nil })
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
