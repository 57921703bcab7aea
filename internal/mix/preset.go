package mix

import (
	_ "embed"
	"slices"
	"strings"

	"coigwriter/internal/errs"
)

// A Preset is a set of configurations to start a plan from.
type Preset struct {
	Name, Doc string
	about     string // comment above the configurations
	sizes     []Wanted
}

// Presets are all of them.
var Presets = []Preset{
	{
		"paper", "the five configurations of the paper: CW, CW+1k, CW+5k, CW+10k, G",
		"The paper's five. Its triplets are 1,665; G has the same 10,000 general rows as CW+10k.",
		[]Wanted{{"CW", All, 0}, {"CW+1k", All, 1000}, {"CW+5k", All, 5000}, {"CW+10k", All, 10_000}, {"G", 0, 10_000}},
	},
	{
		"published", "the published reading: one triplet to twelve general rows, 20,000 at least",
		"The published version of the paper tells the finding as 1 triplet to 12 general rows, and its page as at\n" +
			"least 20,000 general rows: 12 x 1,665 is 19,980. The two sizes between are ours, twice the paper's.",
		[]Wanted{{"CW", All, 0}, {"CW+2k", All, 2000}, {"CW+10k", All, 10_000}, {"CW+20k", All, 20_000}, {"G", 0, 20_000}},
	},
}

//go:embed plan.toml
var planText string

// Render is a plan to edit, with every key at its default and a comment on each.
func (p Preset) Render() []byte {
	var b strings.Builder
	for line := range strings.SplitSeq(p.about, "\n") {
		b.WriteString("# " + line + "\n")
	}
	for _, w := range p.sizes {
		creative := w.Creative.String()
		if w.Creative == All {
			creative = `"all"`
		}
		b.WriteString("\n[[configuration]]\nname = \"" + w.Name + "\"\ncreative = " + creative + "\ngeneral = " + w.General.String() + "\n")
	}
	return []byte(strings.NewReplacer("@PRESET@", p.Name, "@CONFIGURATIONS@", strings.TrimRight(b.String(), "\n")).Replace(planText))
}

// PresetOf returns the preset of a name.
func PresetOf(name string) (Preset, error) {
	i := slices.IndexFunc(Presets, func(p Preset) bool { return p.Name == name })
	if i < 0 {
		var names []string
		for _, p := range Presets {
			names = append(names, p.Name)
		}
		return Preset{}, errs.Invalidf("there is no preset %q; there are %s", name, strings.Join(names, ", "))
	}
	return Presets[i], nil
}
