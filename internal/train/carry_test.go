package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
)

// carried sends an experiment through its file.
func carried(t *testing.T, x Experiment) (Experiment, error) {
	t.Helper()
	text, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	return ReadExperiment("file", bytes.NewReader(text))
}

// An experiment that another database has made looks the same here, is brought up to date by a later
// file, and is never started here, whatever machine the file names.
func TestExperimentGoesToAnotherDatabase(t *testing.T) {
	d, lab := dbtest.Open(t), dbtest.Open(t)
	ctx := t.Context()
	r := planned(t, d, fakeWant(t, d))
	take := func() (x Experiment, got Taken) {
		t.Helper()
		x, err := Export(ctx, d, r.MixID)
		if err != nil {
			t.Fatal(err)
		}
		if x, err = carried(t, x); err != nil {
			t.Fatal(err)
		}
		if got, err = Import(ctx, lab, "system", x); err != nil {
			t.Fatal(err)
		}
		return x, got
	}
	if _, got := take(); got.New != 1 || got.Updated != 0 || got.Models != 0 {
		t.Errorf("planned: %+v", got)
	}
	started(t, d, r.ID)
	r = until(t, d, r.ID, over)
	m, err := Register(ctx, d, "system", r.ID, "雨夜", nil)
	if err != nil {
		t.Fatal(err)
	}
	x, got := take()
	if got.New != 0 || got.Updated != 1 || got.Models != 1 {
		t.Errorf("finished: %+v", got)
	}
	if _, got := take(); got.Models != 0 {
		t.Errorf("the same once more: %+v", got)
	}

	there, err := GetRun(ctx, lab, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if there.Here() || there.watched() || there.Queued || there.Pid != 0 || there.State != Finished || there.LogTail != r.LogTail || !reflect.DeepEqual(there.Outcome, r.Outcome) || there.MixID != got.Mix.ID {
		t.Errorf("taken in: %+v", there)
	}
	here, err1 := Points(ctx, d, r.ID)
	points, err2 := Points(ctx, lab, r.ID)
	if err := errors.Join(err1, err2); err != nil || len(points) != 8 || !reflect.DeepEqual(points, here) {
		t.Errorf("%d points, %v", len(points), err)
	}
	if _, err := Begin(ctx, lab, "system", r.ID); !errors.Is(err, errs.Conflict) {
		t.Errorf("started from a file: %v", err)
	}
	if from, err := FindModel(ctx, lab, "雨夜"); err != nil || from.Hash != m.Hash || from.Run != r.Name {
		t.Errorf("model %+v, %v", from, err)
	}
	if m, err := FindModel(ctx, lab, "雨夜"); err != nil {
		t.Error(err)
	} else if _, err := Serve(ctx, lab, "system", m, Serving{}); !errors.Is(err, errs.Conflict) || !strings.Contains(err.Error(), r.Machine()) {
		t.Errorf("served from a file, whose weights even lie here: %v", err)
	}
	if got := actions(t, lab, r.ID); got != "import import import" {
		t.Errorf("history: %s", got)
	}
	if _, err := audit.Verify(ctx, lab); err != nil {
		t.Error(err)
	}

	// from there it may go on, to a third
	further, err := Export(ctx, lab, got.Mix.ID)
	if err != nil || strings.Count(further.Runs[0].Host, elsewhere) != 1 || len(further.Models) != 1 {
		t.Errorf("exported once more: %+v, %v", further, err)
	}
	if _, err := Import(ctx, d, "system", x); !errors.Is(err, errs.Conflict) {
		t.Errorf("a file changed a run where it was made: %v", err)
	}
}

// A file that was changed, or that would take others' names, changes nothing.
func TestBadExperiments(t *testing.T) {
	d, lab := dbtest.Open(t), dbtest.Open(t)
	ctx := t.Context()
	r := planned(t, d, fakeWant(t, d))
	other := fakeWant(t, lab)
	other.Name = "another"
	own := planned(t, lab, other)
	alike, err := Export(ctx, d, r.MixID)
	if err != nil {
		t.Fatal(err)
	}
	alike.Runs[0].Name = own.Name
	if _, err := Import(ctx, lab, "system", alike); err != nil {
		t.Fatal(err)
	}
	if taken, err := GetRun(ctx, lab, r.ID); err != nil || taken.Name != own.Name+"-2" {
		t.Errorf("beside a run of its name: %q, %v", taken.Name, err)
	}
	for name, spoil := range map[string]func(*Experiment){
		"format 9":         func(x *Experiment) { x.Format = 9 },
		"was changed":      func(x *Experiment) { x.Mix.Manifest.V.Configurations[0].Rows++ },
		"says to be":       func(x *Experiment) { x.Mix.Hash = "0" },
		"axolotl":          func(x *Experiment) { x.Runs[0].Engine = "axolotl" },
		"no configuration": func(x *Experiment) { x.Runs[0].Configuration = "CW+9k" },
		"in no state":      func(x *Experiment) { x.Runs[0].State = "won" },
		"lacks its ID":     func(x *Experiment) { x.Runs[0].ID = "" },
		"made by no run":   func(x *Experiment) { x.Models = []Model{{ID: "m", Name: "m", RunID: "nobody"}} },
		"another run came": func(x *Experiment) { x.Runs[0].ID = "another" },
		"under another name": func(x *Experiment) {
			x.Models = []Model{{ID: "m", Name: "a", RunID: x.Runs[0].ID}, {ID: "m", Name: "b", RunID: x.Runs[0].ID}}
		},
		"this database's own": func(x *Experiment) { x.Runs[0].ID = own.ID },
	} {
		x, err := Export(ctx, d, r.MixID)
		if err != nil {
			t.Fatal(err)
		}
		spoil(&x)
		x, err = carried(t, x)
		if err == nil {
			_, err = Import(ctx, lab, "system", x)
		}
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadExperiment("file", strings.NewReader("[]")); !errors.Is(err, errs.Invalid) {
		t.Errorf("no experiment: %v", err)
	}
	if n := countRuns(t, lab); n != 2 {
		t.Errorf("%d runs", n)
	}
}

func countRuns(t *testing.T, d *db.DB) int {
	t.Helper()
	rs, err := Runs(t.Context(), d, "")
	if err != nil {
		t.Fatal(err)
	}
	return len(rs)
}
