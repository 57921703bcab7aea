package web

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/mix"
	"coigwriter/internal/train"
)

func short8(hash string) string { return hash[:min(8, len(hash))] }

// configurationNames lists a mix's configurations.
func configurationNames(ctx context.Context, m train.Mix) string {
	var names []string
	for _, c := range m.Manifest.V.Configurations {
		names = append(names, c.Name)
	}
	return joined(ctx, names)
}

// mostRows is the size of a mix's largest configuration.
func mostRows(m train.Mix) int {
	most := 0
	for _, c := range m.Manifest.V.Configurations {
		most = max(most, c.Rows)
	}
	return most
}

func anyGoing(rs []runRow) bool {
	return slices.ContainsFunc(rs, func(r runRow) bool { return r.Going() || r.Queued })
}

func runTone(r train.Run) Tone {
	switch r.State {
	case train.Failed:
		return Bad
	case train.Finished:
		return Good
	}
	return Neutral
}

// reasonTone is how grave a run's reason is: one that has finished or only waits is no failure.
func reasonTone(r train.Run) Tone {
	if r.State == train.Failed {
		return Bad
	}
	return Warn
}

// noCost says why what a run costs is not known.
func noCost(ctx context.Context, r train.Run) string {
	if r.Job.V.Settings.CPU {
		return T(ctx, "train.cost_cpu")
	}
	return T(ctx, "train.cost_unknown")
}

// lossWords is the loss of a point; a loss that is no number is said.
func lossWords(ctx context.Context, p train.Point) string {
	switch {
	case p.Step == 0:
		return "–"
	case p.NotFinite:
		return T(ctx, "train.not_finite")
	}
	return strconv.FormatFloat(p.Loss, 'f', 4, 64)
}

// leftWords is how long a run still takes.
func leftWords(ctx context.Context, r train.Run, points []train.Point) string {
	if !r.Going() {
		return "–"
	}
	if left := train.Remaining(points); left > 0 {
		return lasted(ctx, left.Milliseconds())
	}
	return "–"
}

func memoryWords(mib int) string {
	if mib == 0 {
		return "–"
	}
	return strconv.FormatFloat(float64(mib)/1024, 'f', 1, 64) + " GiB"
}

func engineTitle(name string) string {
	if e, err := train.EngineNamed(name); err == nil {
		return e.Title()
	}
	return name
}

// settingWord is what a setting is, in the page's language.
func settingWord(ctx context.Context, key string) string {
	if k := "train.set_" + key; has(Lang(ctx), k) {
		return T(ctx, k)
	}
	return key
}

// warningWords are a warning in the page's language, where it has words for it.
func warningWords(ctx context.Context, w train.Warning) string {
	if k := "train.warn_" + w.Key; has(Lang(ctx), k) {
		return T(ctx, k) + " " + w.Msg
	}
	return w.Msg
}

// mixWarningWords are a warning of a mix in the page's language, where it has words for it.
func mixWarningWords(ctx context.Context, w mix.Warning) string {
	if k := "train.mix_" + w.Key; has(Lang(ctx), k) {
		return T(ctx, k, "n", Exact(w.N), "of", Exact(w.Of))
	}
	return w.Msg
}

// reasonWord is why rows did not come into a mix.
func reasonWord(ctx context.Context, reason string) string {
	if k := "train.left_" + reason; has(Lang(ctx), k) {
		return T(ctx, k)
	}
	return reason
}

func rowGenre(ctx context.Context, tax *genre.Taxonomy, id string) string {
	if id == "" {
		return T(ctx, "train.no_genre")
	}
	if t := tax.Title(id, Lang(ctx)); t != "" {
		return t
	}
	return id
}

// engineOptions are the engines, the default first.
func engineOptions() []Option {
	var out []Option
	for _, e := range train.Engines {
		out = append(out, Option{e.Name(), e.Title()})
	}
	return out
}

// joined are words of a list, in the page's language.
func joined(ctx context.Context, words []string) string {
	return strings.Join(words, T(ctx, "frame.list_comma"))
}

// wrongSetting reports whether a setting of the form is wrong, so that it is shown.
func (v startView) wrongSetting() bool {
	return slices.ContainsFunc(errs.FieldsOf(v.Err), func(f errs.Field) bool { return strings.HasPrefix(f.Name, "set.") })
}

// A left is how many rows of a kind were left out for a reason.
type left struct {
	Kind, Reason string
	Rows         int
}

// leftOut are the rows that did not come into a mix, creative ones first.
func leftOut(m train.Mix) []left {
	var out []left
	by := m.Manifest.V.LeftOut.ByReason
	for _, kind := range slices.Sorted(maps.Keys(by)) {
		for _, reason := range slices.Sorted(maps.Keys(by[kind])) {
			out = append(out, left{kind, reason, by[kind][reason]})
		}
	}
	return out
}
