package release

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"coigwriter/internal/analysis"
	"coigwriter/internal/genre"
	"coigwriter/internal/text"
)

// A card is the dataset card, filled while the records pass by.
type card struct {
	r        *Release
	f        Format
	stats    *analysis.TripletStats
	licences map[string]int
	language map[string]bool
}

func newCard(r *Release, f Format, tax *genre.Taxonomy) *card {
	return &card{r: r, f: f, stats: analysis.NewTripletStats(tax), licences: map[string]int{}, language: map[string]bool{}}
}

func (c *card) add(r Record) {
	name := r.Genre
	if r.GenreZH != "" {
		name = r.GenreZH
	}
	c.stats.AddLengths(name, r.Category, text.Len(r.Article), text.Len(r.Prompt), text.Len(r.Reasoning))
	l := r.Source.Licence
	if l == "" {
		l = "未注明 (not stated)"
	}
	c.licences[l]++
	c.language[r.Language] = true
}

func sizeCategory(n int) string {
	switch {
	case n < 1_000:
		return "n<1K"
	case n < 10_000:
		return "1K<n<10K"
	}
	return "10K<n<100K"
}

// render writes the card: a YAML head that load_dataset and the hubs read, then words.
func (c *card) render() []byte {
	m := c.r.Manifest.V
	var b bytes.Buffer
	fmt.Fprintf(&b, "---\nlicense: other\nlanguage:\n%stask_categories:\n- text-generation\nsize_categories:\n- %s\ntags:\n- creative-writing\n- reasoning\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: %s\n---\n\n", c.languages(), sizeCategory(m.Items), c.f.File)
	fmt.Fprintf(&b, "# %s %s\n\n", oneLine(m.Project), m.Version)
	if m.Sample {
		b.WriteString("> **示例数据。** 这是 coigwriter 自带的示例项目，文章与人物均为虚构。\n> **Sample data.** From coigwriter's sample project; all texts and people are invented.\n\n")
	}
	if m.Scripted > 0 {
		fmt.Fprintf(&b, "> **%d 条的评分来自脚本，不是模型的判断。** The scores of %d records come from a scripted fake, not from a model.\n\n", m.Scripted, m.Scripted)
	}
	fmt.Fprintf(&b, "%d 条三元组：写作提示（prompt）、构思过程（reasoning）、文章（article）。由 %d 位标注员倒推写成，%d 位审阅者评审。\n\n", m.Items, m.Annotators, m.Reviewers)
	fmt.Fprintf(&b, "%d triplets of prompt, reasoning and article, reverse-engineered by %d annotators and reviewed by %d reviewers, blind.\n\n", m.Items, m.Annotators, m.Reviewers)
	fmt.Fprintf(&b, "- 评分门槛 gate: 六项之和 ≥ %d，每项 ≥ %d\n- 文件 file: `%s` (%s, %s)\n- 内容哈希 content hash: `%s`\n- 体裁表 taxonomy: `%s`\n- 人员只以化名出现 people appear under stable pseudonyms\n\n", m.Gate.MinTotal, m.Gate.MinEach, c.f.File, c.f.Name, c.f.Doc, m.ContentHash, m.TaxonomyHash)
	for i, t := range c.stats.Tables("zh") {
		if i == 0 {
			fmt.Fprintf(&b, "## 统计 Statistics\n\n%s\n\n", t.Note)
		} else {
			fmt.Fprintf(&b, "### %s\n\n", oneLine(t.Title))
		}
		if err := t.Markdown(&b); err != nil {
			continue // unreachable: a buffer does not fail
		}
		b.WriteString("\n")
	}
	b.WriteString("## 来源许可 Licences of the sources\n\n著作权属原作者；各条的来源与许可见 `source`。 Authors keep their rights; see `source` of each record.\n\n")
	keys := make([]string, 0, len(c.licences))
	for k := range c.licences {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		fmt.Fprintf(&b, "- %s: %d\n", oneLine(k), c.licences[k])
	}
	if len(m.Warnings) > 0 {
		b.WriteString("\n## 须知 Known limits\n\n")
		for _, w := range m.Warnings {
			fmt.Fprintf(&b, "- %s\n", oneLine(w.Text))
		}
	}
	return b.Bytes()
}

// languages lists the languages of the records for the card's head.
func (c *card) languages() string {
	var b strings.Builder
	for _, l := range slices.Sorted(maps.Keys(c.language)) {
		fmt.Fprintf(&b, "- %s\n", l)
	}
	return b.String()
}

// oneLine keeps hostile names from breaking the card's layout.
func oneLine(s string) string {
	return strings.NewReplacer("<", "&lt;", "|", "\\|", "`", "'").Replace(strings.Join(strings.Fields(s), " "))
}
