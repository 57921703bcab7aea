// Package api is the REST API for programs, under /api/v1: typed operations over the same
// domain functions as the pages. A program shows an API token (Authorization: Bearer cw_…);
// errors are problem documents (RFC 9457); /api/v1/openapi.json describes everything.
package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/llm"
	"coigwriter/internal/release"
	"coigwriter/internal/screen"
	"coigwriter/internal/train"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
)

// Options is what the API needs from the program that starts it.
type Options struct {
	DB  *db.DB
	LLM *llm.Client // may be nil or unconfigured: nothing is asked of it then
	Log *slog.Logger
}

// A Route is one operation and the permission it asks for.
type Route struct {
	Method, Path string
	May          user.Permission
}

// An API answers requests under /api/v1.
type API struct {
	opt    Options
	huma   huma.API
	mux    *http.ServeMux
	routes []Route
}

// New makes the API.
func New(opt Options) *API {
	if opt.Log == nil {
		opt.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	cfg := huma.DefaultConfig("coigwriter", "1")
	cfg.Info.Description = "From a source text to a released creative-writing dataset. Authenticate with an API token: Authorization: Bearer cw_…"
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath, cfg.CreateHooks = "/api/v1/openapi", "", "", nil
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}}
	cfg.Components.Schemas = schemas()
	a := &API{opt: opt, mux: http.NewServeMux()}
	a.huma = humago.New(a.mux, cfg)
	a.people()
	a.sources()
	a.triplets()
	a.reviews()
	a.releases()
	a.benchmark()
	a.studies()
	a.experiments()
	return a
}

// schemas names the types of requests and replies. A column of JSON looks like what it holds.
func schemas() huma.Registry {
	r := huma.NewMapRegistry("#/components/schemas/", schemaName)
	likeItsContent[triplet.Content](r)
	likeItsContent[triplet.GateResult](r)
	likeItsContent[screen.Judgement](r)
	likeItsContent[release.Manifest](r)
	likeItsContent[evaluate.Plan](r)
	likeItsContent[evaluate.Drawn](r)
	likeItsContent[train.Probe](r)
	likeItsContent[train.Job](r)
	likeItsContent[[]train.Warning](r)
	likeItsContent[train.Outcome](r)
	likeItsContent[map[string]any](r)
	likeItsContent[map[string]int](r)
	likeItsContent[map[string]string](r)
	likeItsContent[[]string](r)
	return r
}

func likeItsContent[T any](r huma.Registry) {
	r.RegisterTypeAlias(reflect.TypeFor[db.JSON[T]](), reflect.TypeFor[T]())
}

// schemaName puts the package before the type's name: two packages have a Summary.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if pkg, ours := strings.CutPrefix(t.PkgPath(), "coigwriter/internal/"); ours && pkg != "api" && t.Name() != "" {
		return strings.ToUpper(pkg[:1]) + pkg[1:] + name
	}
	return name
}

// Routes lists every operation, for the test that walks every route with every role.
func (a *API) Routes() []Route { return a.routes }

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	a.mux.ServeHTTP(w, r)
}

type personKey struct{}

// by returns who asks.
func by(ctx context.Context) *user.Person {
	p, _ := ctx.Value(personKey{}).(*user.Person)
	return p
}

// maxBody bounds a request except imports, which bound themselves.
const maxBody = 4 << 20

// op registers an operation: the token is checked and the permission asked for before the body
// is read; what the handler returns as an error becomes a problem document.
func op[In, Out any](a *API, method, path string, may user.Permission, summary string, h func(ctx context.Context, in *In) (*Out, error)) {
	a.routes = append(a.routes, Route{method, "/api/v1" + path, may})
	huma.Register(a.huma, huma.Operation{
		OperationID: operationID(method, path), Method: method, Path: "/api/v1" + path, Summary: summary,
		Description: "Permission: " + string(may), Security: []map[string][]string{{"token": {}}}, MaxBodyBytes: maxBody,
		Middlewares: huma.Middlewares{a.guard(may)},
	}, func(ctx context.Context, in *In) (*Out, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
}

func operationID(method, path string) string {
	return strings.ToLower(method) + strings.NewReplacer("/", "-", "{", "", "}", "").Replace(path)
}

// guard lets a request through when its token speaks for somebody who may.
func (a *API) guard(may user.Permission) func(huma.Context, func(huma.Context)) {
	return func(c huma.Context, next func(huma.Context)) {
		token, ok := strings.CutPrefix(c.Header("Authorization"), "Bearer ")
		if !ok {
			c.SetHeader("WWW-Authenticate", "Bearer")
			huma.WriteErr(a.huma, c, http.StatusUnauthorized, "show an API token: Authorization: Bearer cw_…")
			return
		}
		p, err := user.ByToken(c.Context(), a.opt.DB, strings.TrimSpace(token))
		switch {
		case errors.Is(err, errs.Forbidden):
			c.SetHeader("WWW-Authenticate", "Bearer")
			huma.WriteErr(a.huma, c, http.StatusUnauthorized, err.Error())
		case err != nil:
			a.opt.Log.ErrorContext(c.Context(), "token", "error", err)
			huma.WriteErr(a.huma, c, http.StatusInternalServerError, "internal error")
		case !p.May(may):
			huma.WriteErr(a.huma, c, http.StatusForbidden, "this needs the permission "+string(may))
		default:
			next(huma.WithValue(c, personKey{}, p))
		}
	}
}

// problem maps the kinds of failure to status codes, once.
func (a *API) problem(ctx context.Context, err error) error {
	var details []error
	for _, f := range errs.FieldsOf(err) {
		details = append(details, &huma.ErrorDetail{Location: "body." + f.Name, Message: f.Msg})
	}
	switch errs.Kind(err) {
	case errs.NotFound:
		return huma.NewError(http.StatusNotFound, err.Error())
	case errs.Conflict:
		return huma.NewError(http.StatusConflict, err.Error())
	case errs.Forbidden:
		return huma.NewError(http.StatusForbidden, err.Error())
	case errs.Invalid:
		return huma.NewError(http.StatusUnprocessableEntity, err.Error(), details...)
	case errs.Unavailable:
		return huma.NewError(http.StatusServiceUnavailable, err.Error())
	}
	if ctx.Err() == nil {
		a.opt.Log.ErrorContext(ctx, "api", "error", err)
	}
	return huma.NewError(http.StatusInternalServerError, "internal error; the log has the details")
}

// A body wraps what an operation answers.
type body[T any] struct{ Body T }

func answer[T any](v T, err error) (*body[T], error) {
	if err != nil {
		return nil, err
	}
	return &body[T]{v}, nil
}

// done is the answer of an operation that only changes something.
type done struct {
	OK bool `json:"ok"`
}

func finished(err error) (*body[done], error) { return answer(done{true}, err) }

// OnItem is the input of operations on one item. It is exported because huma sets no field of
// an embedded type that is not.
type OnItem struct {
	ID string `path:"id" maxLength:"64"`
}
