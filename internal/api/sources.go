package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"coigwriter/internal/errs"
	"coigwriter/internal/project"
	"coigwriter/internal/screen"
	"coigwriter/internal/source"
	"coigwriter/internal/user"
)

// maxImport bounds one uploaded file of sources; larger ones go through the command line.
const maxImport = 512 << 20

// A Source is a source as the API shows it; lists leave the text out.
type Source struct {
	ID          string     `json:"id"`
	State       string     `json:"state"`
	Reason      string     `json:"reason,omitempty"`
	Title       string     `json:"title"`
	Author      string     `json:"author"`
	URL         string     `json:"url"`
	Platform    string     `json:"platform"`
	Genre       string     `json:"genre"`
	Language    string     `json:"language"`
	Chars       int        `json:"chars"`
	PublishedAt *time.Time `json:"published_at,omitempty"`
	Licence     string     `json:"licence"`
	Text        string     `json:"text,omitempty"`
}

// SourcePage is a page of a list; Next is the cursor of the following one.
type SourcePage struct {
	Items []Source `json:"items"`
	Next  string   `json:"next"`
}

func (a *API) sources() {
	d := a.opt.DB
	op(a, http.MethodGet, "/sources", user.SourceRead, "List sources, newest first", func(ctx context.Context, in *struct {
		State  string `query:"state"`
		Genre  string `query:"genre"`
		Query  string `query:"query"`
		Cursor string `query:"cursor"`
		Limit  int    `query:"limit" minimum:"0" maximum:"200"`
	},
	) (*body[SourcePage], error) {
		page, err := source.List(ctx, d, source.Filter{States: list(in.State), Genres: list(in.Genre), Query: in.Query, Cursor: in.Cursor, Limit: in.Limit})
		out := SourcePage{Items: make([]Source, len(page.Rows)), Next: page.Next}
		for i, r := range page.Rows {
			out.Items[i] = Source{r.ID, r.State, r.Reason, r.Title, r.Author, r.URL, r.Platform, r.Genre, r.Language, r.Chars, r.PublishedAt, r.Licence, ""}
		}
		return answer(out, err)
	})
	op(a, http.MethodGet, "/sources/{id}", user.SourceRead, "One source with its text", func(ctx context.Context, in *OnItem) (*body[Source], error) {
		s, err := source.Get(ctx, d, in.ID)
		if err != nil {
			return nil, err
		}
		return answer(Source{s.ID, s.State, s.Reason, s.Title, s.Author, s.URL, s.Platform, s.Genre, s.Language, s.Chars, s.PublishedAt, s.Licence, s.Text}, nil)
	})
	op(a, http.MethodGet, "/sources/{id}/verdicts", user.SourceRead, "What judges said of a source", func(ctx context.Context, in *OnItem) (*body[[]screen.Verdict], error) {
		return answer(screen.Verdicts(ctx, d, in.ID))
	})
	op(a, http.MethodPost, "/sources/{id}/decision", user.SourceDecide, "Decide on a held source", func(ctx context.Context, in *struct {
		OnItem
		Body struct {
			Decision string `json:"decision" enum:"pass,refuse"`
			Reason   string `json:"reason,omitempty"`
		}
	},
	) (*body[done], error) {
		return finished(source.Decide(ctx, d, in.ID, by(ctx).ID, in.Body.Decision, in.Body.Reason))
	})
	op(a, http.MethodPut, "/sources/{id}/genre", user.SourceDecide, "Set a source's genre", func(ctx context.Context, in *struct {
		OnItem
		Body struct {
			Genre string `json:"genre"`
		}
	},
	) (*body[done], error) {
		id, err := a.genre(ctx, in.Body.Genre)
		if err != nil {
			return nil, err
		}
		return finished(source.SetGenre(ctx, d, in.ID, id, by(ctx).ID))
	})
	op(a, http.MethodPost, "/sources/{id}/score", user.ScreenScore, "Score a source by hand at one stage; the answer is its state", func(ctx context.Context, in *struct {
		OnItem
		Body struct {
			Stage  string         `json:"stage" enum:"assessment,screening,usability"`
			Scores map[string]int `json:"scores,omitempty" doc:"dimension → 1 to 10"`
			Usable string         `json:"usable,omitempty" doc:"yes, no or unsure; for usability"`
			Note   string         `json:"note,omitempty"`
		}
	},
	) (*body[map[string]string], error) {
		set, err := project.Get(ctx, d)
		if err != nil {
			return nil, err
		}
		state, err := screen.Score(ctx, d, screen.ThresholdsOf(set), by(ctx).ID, in.ID, in.Body.Stage, screen.Judgement{Scores: in.Body.Scores, Usable: in.Body.Usable}, in.Body.Note)
		return answer(map[string]string{"state": state}, err)
	})
	op(a, http.MethodPost, "/screening", user.ScreenRun, "Screen up to limit waiting sources with the configured model", func(ctx context.Context, in *struct {
		Body struct {
			Limit int `json:"limit" minimum:"1" maximum:"200"`
		}
	},
	) (*body[screen.Summary], error) {
		s, err := screen.ScreenerOf(ctx, d, a.opt.LLM)
		if err != nil {
			return nil, err
		}
		sum, err := s.Run(ctx, d, screen.Options{Limit: in.Body.Limit})
		if err == nil && sum.Stopped != nil {
			err = sum.Stopped
		}
		return answer(sum, err)
	})
	a.importOp()
}

// importOp takes a file of sources as the request's body. It is registered by hand, since the
// body is streamed to a file and not read into memory.
func (a *API) importOp() {
	const path = "/sources/import"
	a.routes = append(a.routes, Route{http.MethodPost, "/api/v1" + path, user.SourceImport})
	huma.Register(a.huma, huma.Operation{
		OperationID: operationID(http.MethodPost, path), Method: http.MethodPost, Path: "/api/v1" + path,
		Summary: "Import sources: the body is a JSON Lines file", Description: "Permission: " + string(user.SourceImport) + ". Records that cannot be read are listed in the report.",
		Security: []map[string][]string{{"token": {}}}, Middlewares: huma.Middlewares{a.guard(user.SourceImport), a.receive},
		SkipValidateBody: true, MaxBodyBytes: -1,
	}, func(ctx context.Context, in *struct {
		Name     string `query:"name" doc:"file name, for messages" default:"upload.jsonl"`
		Genre    string `query:"genre" doc:"genre of texts that name none"`
		Platform string `query:"platform" doc:"platform of texts that name none"`
	},
	) (*body[source.Report], error) {
		rep, err := a.importFile(ctx, in.Name, in.Genre, in.Platform)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return answer(rep, nil)
	})
}

type uploadKey struct{}

// receive streams the body into a temporary directory that lives as long as the request.
func (a *API) receive(c huma.Context, next func(huma.Context)) {
	dir, err := os.MkdirTemp("", "coigwriter-upload-")
	if err != nil {
		a.opt.Log.Error("upload", "error", err)
		huma.WriteErr(a.huma, c, http.StatusServiceUnavailable, "there is no room for the upload; the log has the details")
		return
	}
	defer os.RemoveAll(dir)
	f, err := os.Create(filepath.Join(dir, "body"))
	if err == nil {
		var n int64
		n, err = io.Copy(f, io.LimitReader(c.BodyReader(), maxImport+1))
		if n > maxImport {
			err = errs.Invalidf("larger than %d MB; use coigwriter import", maxImport>>20)
		}
		if e := f.Close(); err == nil {
			err = e
		}
	}
	switch {
	case errors.Is(err, errs.Invalid):
		huma.WriteErr(a.huma, c, http.StatusRequestEntityTooLarge, "upload: "+err.Error())
		return
	case err != nil:
		a.opt.Log.Error("upload", "error", err)
		huma.WriteErr(a.huma, c, http.StatusServiceUnavailable, "the upload broke off; send it again. The log has the details")
		return
	}
	next(huma.WithValue(c, uploadKey{}, dir))
}

func (a *API) importFile(ctx context.Context, name, genreName, platform string) (source.Report, error) {
	dir, _ := ctx.Value(uploadKey{}).(string)
	name = filepath.Base(name)
	if !strings.HasPrefix(filepath.Ext(name), ".json") {
		return source.Report{}, errs.Invalidf("name %q: the body must be a .jsonl or .json file", name)
	}
	path := filepath.Join(dir, name)
	if err := os.Rename(filepath.Join(dir, "body"), path); err != nil {
		return source.Report{}, err
	}
	tax, err := project.Taxonomy(ctx, a.opt.DB)
	if err != nil {
		return source.Report{}, err
	}
	set, err := project.Get(ctx, a.opt.DB)
	if err != nil {
		return source.Report{}, err
	}
	genreID, err := a.genre(ctx, genreName)
	if err != nil {
		return source.Report{}, err
	}
	rep, err := source.Import(ctx, a.opt.DB, source.ImportOptions{
		Paths: []string{path}, By: by(ctx).ID, Taxonomy: tax, Genre: genreID, Platform: platform,
		Gate:  source.DateGate{Cutoff: set.CutoffTime(), Tolerance: 24 * time.Hour, SingleEvidence: set.SingleEvidence},
		Check: screen.Checker(tax, set.Languages()...),
		Strip: dir + string(filepath.Separator), // where the upload lies for a moment is nobody's business
	})
	rep.RefusedFile = ""
	return rep, err
}

// genre returns the ID of a genre that somebody calls so; "" stays "".
func (a *API) genre(ctx context.Context, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	tax, err := project.Taxonomy(ctx, a.opt.DB)
	if err != nil {
		return "", err
	}
	g, ok := tax.Find(name)
	if !ok {
		return "", errs.Fields(errs.Field{Name: "genre", Msg: fmt.Sprintf("unknown genre %q; near it are %s", name, strings.Join(tax.Nearest(name, 3), ", "))})
	}
	return g.ID, nil
}

// list splits a comma-separated query parameter; "" gives none.
func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
