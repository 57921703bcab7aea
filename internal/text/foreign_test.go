package text_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"coigwriter/internal/text"
)

// On constructed answers: in every class of switches and leaks at least 99% are found, and in every class
// of clean or only quoted ones at most 0.5% are called one.
func TestGoldenContamination(t *testing.T) {
	dir := os.Getenv("GOLDEN")
	if dir == "" {
		dir = "../../../shared/golden"
	}
	f, err := os.Open(filepath.Join(dir, "contamination", "cases.jsonl"))
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	found, all, bad := map[string]int{}, map[string]int{}, map[string]bool{}
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var c struct {
			Cls, Text string
			Contam    int
		}
		if err := json.Unmarshal(s.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		class := text.ForeignIn(c.Text, "", "en").Class
		flagged := class == text.ForeignLeak || class == text.ForeignSwitch
		all[c.Cls]++
		if flagged {
			found[c.Cls]++
		}
		bad[c.Cls] = c.Contam == 1
	}
	if len(all) < 9 {
		t.Fatalf("%d classes of answers", len(all))
	}
	for cls, n := range all {
		t.Logf("%-32s flagged %d of %d", cls, found[cls], n)
		if bad[cls] && float64(found[cls]) < 0.99*float64(n) || !bad[cls] && float64(found[cls]) > 0.005*float64(n) {
			t.Errorf("%s: %d of %d flagged", cls, found[cls], n)
		}
	}
}

func TestForeign(t *testing.T) {
	for _, c := range []struct{ answer, query, lang, class string }{
		{"The old man walked on.", "", "en", text.ForeignNone},
		{"The word for home (家) is short.", "", "en", text.ForeignQuoted},
		{"He said “再见” and left, and the poem *静夜思* stayed.", "", "en", text.ForeignQuoted},
		{"The old man 慢慢地 walked on.", "", "en", text.ForeignLeak},
		{"They speak of \"容许\" '斗志' and go on.", "", "en", text.ForeignQuoted},
		{"They speak of \"容许\" 斗志 and go on.", "", "en", text.ForeignLeak},
		{"\"A phrase that goes on and on for a while, as long sentences do, and has (Chinese: 打架) in it, far from where the mark opened.\"", "", "en", text.ForeignQuoted},
		{"The old man walked on. 他走了很久，天黑了才停下。", "", "en", text.ForeignSwitch},
		{"老人走了。", "", "en", text.ForeignSwitch},
		{"The old man 慢慢地 walked on.", "Use the word 慢慢地 in a sentence.", "en", text.ForeignNone},
		{"老人走了。", "Translate into Chinese: the old man left.", "en", text.ForeignAsked},
		{"これは日本語です。漢字もあります。", "", "en", text.ForeignNone},
		{"他打开了 iPhone，听 The Beatles。", "", "zh", text.ForeignNone},
		{"他打开门。Then he walked out into the rain and never came back to the little house.", "", "zh", text.ForeignSwitch},
		{"The old man walked on.", "写一句话", "zh", text.ForeignSwitch},
		{"The old man walked on.", "用英语写一句话", "zh", text.ForeignAsked},
		{"雨停了。", "", "zh", text.ForeignNone},
		{"", "", "zh", text.ForeignNone},
		{"Python", "最好的编程语言是哪种？", "zh", text.ForeignNone},
		{"C₇H₆O₃ + (CH₃CO)₂O → C₉H₈O₄ + CH₃COOH，水杨酸乙酰化，称取，加热，过滤。", "写一份实验报告", "zh", text.ForeignNone},
		{"反应：CH₃CO)₂O + H₂SO₄ → [(CH₃CO)₂OH]⁺HSO₄⁻ [(CH₃CO)₂OH]⁺，\\mathrm{C}_{7}\\mathrm{H}_{6}\\left(\\mathrm{CH}_{3}\\mathrm{CO}\\right)_{2}\\mathrm{O}\\rightarrow\\mathrm{C}\\mathrm{H}\\mathrm{O}\\mathrm{H}\\mathrm{O}", "", "zh", text.ForeignNone},
		{"推荐：Python、Java、JavaScript、Ruby、Go、Swift、Kotlin、Rust、Perl、Lua、Scala、Haskell、Julia。", "", "zh", text.ForeignNone},
		{"Hello! How can I help you today?", "/", "zh", text.ForeignSwitch},
		{"\xff\xfe老人", "", "en", text.ForeignSwitch},
	} {
		if got := text.ForeignIn(c.answer, c.query, c.lang); got.Class != c.class {
			t.Errorf("%q to %q in %s: %+v, want %s", c.answer, c.query, c.lang, got, c.class)
		}
	}
}
