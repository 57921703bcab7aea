package sample

import (
	"bytes"
	"context"
	_ "embed"
	"time"

	"coigwriter/internal/train"
)

// recorded is an experiment that was really run, as coigwriter train export wrote it: see experiment/README.md.
//
//go:embed experiment/experiment.json.gz
var recorded []byte

// experiment takes in the recorded experiment, as if it had just been made on a machine with an engine.
func (l *loader) experiment(ctx context.Context) error {
	x, err := train.ReadExperiment("experiment.json.gz", bytes.NewReader(recorded))
	if err != nil {
		return err
	}
	l.step(20 * time.Minute)
	by := l.clock.now().Sub(x.Runs[0].CreatedAt)
	for i := range x.Runs {
		l.clock.set(maxTime(l.clock.now(), shift(&x.Runs[i], by)))
	}
	for i := range x.Models {
		x.Models[i].CreatedAt = x.Models[i].CreatedAt.Add(by)
		l.clock.set(maxTime(l.clock.now(), x.Models[i].CreatedAt))
	}
	l.step(10 * time.Minute)
	_, err = train.Import(ctx, l.d, l.people["lu"], x)
	return err
}

// shift moves a run to another time, and returns the last that it then names.
func shift(r *train.Carried, by time.Duration) (last time.Time) {
	times := []*time.Time{&r.CreatedAt, &r.UpdatedAt, r.StartedAt, r.StopAt, r.EndedAt}
	for i := range r.Points {
		times = append(times, &r.Points[i].At)
	}
	for _, t := range times {
		if t != nil && !t.IsZero() {
			*t = t.Add(by)
			last = maxTime(last, *t)
		}
	}
	return last
}
