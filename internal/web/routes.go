package web

import (
	"net/http"

	"coigwriter/internal/errs"
	"coigwriter/internal/user"
)

// A Route is one line of the site map.
type Route struct {
	Method  string
	Pattern string          // as of net/http's ServeMux: /sources/{id}
	May     user.Permission // the permission asked for before the handler runs
	handler handler
}

// A handler parses the request, calls one domain function and renders; what it returns
// becomes an error page.
type handler func(w http.ResponseWriter, r *http.Request) error

// siteMap lists every page and action of the site.
func (s *Server) siteMap() []Route {
	return []Route{
		// frame
		{"GET", "/static/{hash}/{file...}", user.Public, s.static},
		{"GET", "/healthz", user.Public, s.healthy},
		{"POST", "/preferences", user.Public, s.setPreference},

		// today
		{"GET", "/{$}", user.Self, s.today},

		// the door
		{"GET", "/login", user.Public, s.loginPage},
		{"POST", "/login", user.Public, s.login},
		{"POST", "/logout", user.Self, s.logout},
		{"GET", "/setup/{secret}", user.Public, s.setupPage},
		{"POST", "/setup/{secret}", user.Public, s.setup},
		{"GET", "/password/{secret}", user.Public, s.passwordPage},
		{"POST", "/password/{secret}", user.Public, s.password},
		{"GET", "/account", user.Self, s.accountPage},
		{"POST", "/account/password", user.Self, s.accountPassword},

		// people and settings
		{"GET", "/people", user.PeopleManage, s.people},
		{"POST", "/people", user.PeopleManage, s.addPerson},
		{"GET", "/people/{id}", user.PeopleManage, s.person},
		{"POST", "/people/{id}", user.PeopleManage, s.changePerson},
		{"POST", "/people/{id}/enabled", user.PeopleManage, s.enablePerson},
		{"POST", "/people/{id}/link", user.PeopleManage, s.personLink},
		{"POST", "/people/{id}/tokens", user.PeopleManage, s.personToken},
		{"POST", "/people/{id}/tokens/{token}/revoke", user.PeopleManage, s.revokeToken},
		{"GET", "/settings", user.SettingsManage, s.settings},
		{"POST", "/settings", user.SettingsManage, s.saveSettings},
		{"POST", "/settings/taxonomy", user.SettingsManage, s.saveTaxonomy},

		// annotate
		{"GET", "/annotate", user.TripletWrite, s.annotateMine},
		{"POST", "/annotate/claim", user.TripletWrite, s.annotateTake},
		{"GET", "/annotate/pool", user.TripletWrite, s.annotatePool},
		{"GET", "/pool/{id}", user.TripletWrite, s.annotatePreview},
		{"GET", "/annotate/{id}", user.TripletWrite, s.annotateWork},
		{"GET", "/annotate/{id}/findings", user.TripletWrite, s.annotateFindings},
		{"GET", "/annotate/{id}/help", user.TripletWrite, s.annotateHelpPart},
		{"POST", "/annotate/{id}/help", user.TripletWrite, s.annotateHelp},
		{"POST", "/annotate/{id}/save", user.TripletWrite, s.annotateSave},
		{"POST", "/annotate/{id}/check", user.TripletWrite, s.annotateCheck},
		{"GET", "/annotate/{id}/submit", user.TripletWrite, s.annotateReady},
		{"POST", "/annotate/{id}/submit", user.TripletWrite, s.annotateSubmit},
		{"POST", "/annotate/{id}/withdraw", user.TripletWrite, s.annotateWithdraw},
		{"POST", "/annotate/{id}/abandon", user.TripletWrite, s.annotateAbandon},
		{"GET", "/annotate/{id}/history", user.TripletWrite, s.annotateHistory},
		{"POST", "/annotate/{id}/restore", user.TripletWrite, s.annotateRestore},

		// sources
		{"GET", "/sources", user.SourceRead, s.sources},
		{"POST", "/sources/decide", user.SourceDecide, s.sourcesDecide},
		{"GET", "/sources/import", user.SourceImport, s.sourceImportPage},
		{"POST", "/sources/import", user.SourceImport, s.sourceUpload},
		{"GET", "/imports/{id}", user.SourceImport, s.importShow},
		{"GET", "/imports/{id}/refused", user.SourceImport, s.importRefused},
		{"GET", "/sources/failures", user.ScreenRun, s.sourceFailures},
		{"POST", "/sources/failures/retry", user.ScreenRun, s.sourceRetry},
		{"GET", "/sources/{id}", user.SourceRead, s.sourceShow},
		{"GET", "/sources/{id}/calls/{call}", user.HistoryRead, s.sourceCall},
		{"POST", "/sources/{id}/decide", user.SourceDecide, s.sourceDecide},
		{"POST", "/sources/{id}/genre", user.SourceDecide, s.sourceGenre},
		{"POST", "/sources/{id}/remove", user.SourceRemove, s.sourceRemove},
		{"GET", "/screening", user.ScreenScore, s.screening},
		{"GET", "/screening/{id}", user.ScreenScore, s.screenShow},
		{"POST", "/screening/{id}", user.ScreenScore, s.screenScore},

		// review
		{"GET", "/review", user.ReviewDo, s.reviewQueue},
		{"GET", "/review/{id}", user.ReviewDo, s.reviewShow},
		{"POST", "/review/{id}", user.ReviewDo, s.reviewSubmit},
		{"GET", "/reviews", user.ReviewManage, s.reviewsBoard},
		{"POST", "/reviews/assign", user.ReviewManage, s.reviewsAssign},
		{"POST", "/reviews/{id}/assign", user.ReviewManage, s.reviewsAssignTo},

		// evaluate: what a blind rater sees
		{"GET", "/evaluate", user.EvaluateDo, s.evaluateMine},
		{"GET", "/evaluate/{study}", user.EvaluateDo, s.evaluateStudy},
		{"GET", "/evaluate/task/{id}", user.EvaluateDo, s.evaluateTask},
		{"POST", "/evaluate/task/{id}", user.EvaluateDo, s.evaluateGive},
		{"POST", "/evaluate/task/{id}/back", user.EvaluateDo, s.evaluateBack},
		{"POST", "/evaluate/task/{id}/seen", user.EvaluateDo, s.evaluateSeen},

		// releases and statistics
		{"GET", "/releases", user.ReleaseRead, s.releases},
		{"POST", "/releases", user.ReleaseCut, s.releaseCut},
		{"GET", "/releases/{version}", user.ReleaseRead, s.releaseShow},
		{"GET", "/releases/{version}/verify", user.ReleaseRead, s.releaseVerify},
		{"GET", "/releases/{version}/download/{format}", user.ReleaseRead, s.releaseDownload},
		{"GET", "/statistics", user.StatsRead, s.statistics},
		{"POST", "/statistics", user.StatsRead, s.statisticsFile},
		{"GET", "/statistics/figure/{figure}", user.StatsRead, s.statisticsFigure},
		{"GET", "/statistics.csv", user.StatsRead, s.statisticsCSV},

		// models: what was asked, answered and paid
		{"GET", "/models", user.HistoryRead, s.models},
		{"GET", "/models/figure", user.HistoryRead, s.modelsFigure},
		{"GET", "/models/calls", user.HistoryRead, s.modelCalls},
		{"GET", "/models/calls/{id}", user.HistoryRead, s.modelCall},

		// studies: what models' answers are compared by, and what came out
		{"GET", "/studies", user.StudyManage, s.studies},
		{"POST", "/studies", user.StudyManage, s.studyAdd},
		{"GET", "/studies/new", user.StudyManage, s.studyNew},
		{"POST", "/studies/preview", user.StudyManage, s.studyPreview},
		{"GET", "/studies/{id}", user.StudyManage, s.studyShow},
		{"GET", "/studies/{id}/edit", user.StudyManage, s.studyEdit},
		{"POST", "/studies/{id}/edit", user.StudyManage, s.studyChange},
		{"POST", "/studies/{id}/open", user.StudyManage, s.studyOpen},
		{"POST", "/studies/{id}/move", user.StudyManage, s.studyMove},
		{"POST", "/studies/{id}/raters", user.StudyManage, s.studyRaters},
		{"POST", "/studies/{id}/judge", user.StudyManage, s.studyJudge},
		{"GET", "/studies/{id}/results", user.StudyManage, s.studyResults},
		{"GET", "/studies/{id}/results/figure/{figure}", user.StudyManage, s.studyFigure},
		{"GET", "/studies/{id}/votes", user.StudyManage, s.studyVotes},
		{"GET", "/studies/{id}/items/{item}", user.StudyManage, s.studyItem},
		{"GET", "/studies/{id}/plan.json", user.StudyManage, s.studyFrozen},
		{"GET", "/studies/{id}/records/{file}", user.StudyManage, s.studyFile},

		// benchmark: queries, what the panel says of them, what models answer
		{"GET", "/benchmark", user.BenchmarkRead, s.benchmark},
		{"POST", "/benchmark", user.BenchmarkManage, s.benchmarkNew},
		{"POST", "/benchmark/starter", user.BenchmarkManage, s.benchmarkStarter},
		{"GET", "/benchmark/import", user.BenchmarkManage, s.benchmarkImportPage},
		{"POST", "/benchmark/import", user.BenchmarkManage, s.benchmarkUpload},
		{"POST", "/benchmark/answers", user.BenchmarkManage, s.benchmarkAnswers}, // ?set=ID
		{"GET", "/benchmark/{id}", user.BenchmarkRead, s.benchmarkShow},
		{"GET", "/benchmark/{id}/export", user.BenchmarkRead, s.benchmarkExport},
		{"POST", "/benchmark/{id}/move", user.BenchmarkManage, s.benchmarkMove},
		{"POST", "/benchmark/{id}/copy", user.BenchmarkManage, s.benchmarkCopy},
		{"POST", "/benchmark/{id}/generate", user.BenchmarkManage, s.benchmarkGenerate},
		{"GET", "/benchmark/{id}/new", user.BenchmarkManage, s.queryNew},
		{"POST", "/benchmark/{id}/new", user.BenchmarkManage, s.queryAdd},
		{"POST", "/orders/{id}/move", user.BenchmarkManage, s.orderMove},
		{"GET", "/queries/{id}", user.BenchmarkRead, s.queryShow},
		{"POST", "/queries/{id}", user.BenchmarkManage, s.querySave},
		{"POST", "/queries/{id}/withdraw", user.BenchmarkManage, s.queryWithdraw},
		{"POST", "/queries/{id}/reinstate", user.BenchmarkManage, s.queryReinstate},
		{"GET", "/panel", user.BenchmarkMark, s.panelSets},
		{"GET", "/panel/{id}", user.BenchmarkMark, s.panelShow},
		{"POST", "/panel/{id}", user.BenchmarkMark, s.panelMark},

		// experiments: mixes, training runs on them, the models they made
		{"GET", "/experiments", user.TrainRead, s.experiments},
		{"POST", "/experiments", user.TrainRun, s.experimentAdd},
		{"GET", "/experiments/{id}", user.TrainRead, s.experimentShow},
		{"GET", "/experiments/{id}/figure/{figure}", user.TrainRead, s.experimentFigure},
		{"GET", "/experiments/{id}/start", user.TrainRun, s.experimentStart},
		{"POST", "/experiments/{id}/start", user.TrainRun, s.experimentBegin},
		{"GET", "/runs/{id}", user.TrainRead, s.runShow},
		{"GET", "/runs/{id}/figure", user.TrainRead, s.runFigure},
		{"POST", "/runs/{id}/move", user.TrainRun, s.runMove},
		{"POST", "/runs/{id}/register", user.TrainRun, s.runRegister},

		// triplets
		{"GET", "/triplets", user.TripletRead, s.triplets},
		{"GET", "/triplets/to-score", user.TripletScore, s.tripletsToScore},
		{"GET", "/triplets/failures", user.ScreenRun, s.tripletFailures},
		{"POST", "/triplets/failures/retry", user.ScreenRun, s.tripletRetry},
		{"GET", "/triplets/{id}", user.TripletRead, s.tripletShow},
		{"GET", "/triplets/{id}/calls/{call}", user.HistoryRead, s.tripletCall},
		{"GET", "/score/{id}", user.TripletScore, s.scoreShow},
		{"POST", "/triplets/{id}/score", user.TripletScore, s.tripletScore},
		{"POST", "/triplets/{id}/removal", user.RemovalVote, s.tripletPropose},
		{"POST", "/triplets/{id}/removal/decide", user.RemovalVote, s.tripletDecide},
		{"POST", "/triplets/{id}/adjudicate", user.ReviewManage, s.tripletAdjudicate},
	}
}

// mux builds the router. A path or method that is not in the site map gets our own page.
func (s *Server) mux() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.routes {
		mux.Handle(r.Method+" "+r.Pattern, s.guarded(r))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		probe := &statusOnly{header: http.Header{}}
		h.ServeHTTP(probe, r)
		if probe.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", probe.header.Get("Allow"))
			s.fail(w, r, errMethod)
			return
		}
		s.fail(w, r, errs.NotFoundf("there is no page at %s", r.URL.Path))
	})
}

// guarded asks for the route's permission before its handler runs.
func (s *Server) guarded(route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := viewOf(r.Context())
		err := v.unknown
		switch {
		case route.May == user.Public:
			err = route.handler(w, r)
		case err != nil:
		case v.Person == nil:
			err = errSignIn
		case !v.Person.May(route.May):
			err = errs.Forbiddenf("your roles do not allow %s", route.May)
		default:
			err = route.handler(w, r)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

// statusOnly keeps a reply's status and header and drops its body.
type statusOnly struct {
	header http.Header
	status int
}

func (p *statusOnly) Header() http.Header         { return p.header }
func (p *statusOnly) Write(b []byte) (int, error) { return len(b), nil }
func (p *statusOnly) WriteHeader(status int)      { p.status = status }
