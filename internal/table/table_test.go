package table_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coigwriter/internal/table"
)

func sample() *table.Table {
	t := table.New("体裁", table.Text("genre"), table.Num("n"), table.Num("mean"), table.Num("share"))
	t.Add("武侠小说", 30, 4586.7666, table.Percent(0.018))
	t.Add("=cmd|x", 2, math.NaN(), nil)
	return t
}

func render(t *testing.T, f func(*bytes.Buffer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTerminalAlignsChinese(t *testing.T) {
	got := render(t, func(b *bytes.Buffer) error { return sample().Terminal(b) })
	want := "体裁\n" +
		"genre      n     mean  share  \n" +
		"─────────────────────────────\n" +
		"武侠小说  30  4586.77   1.8%  \n" +
		"=cmd|x     2        –      –  \n\n"
	norm := func(s string) string {
		var out []string
		for _, l := range strings.Split(s, "\n") {
			if !strings.HasPrefix(l, "─") {
				out = append(out, strings.TrimRight(l, " "))
			}
		}
		return strings.Join(out, "\n")
	}
	if norm(got) != norm(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTerminalKeepsEscapesOut(t *testing.T) {
	tab := table.New("", table.Text("a"))
	tab.Add("\x1b[31mred\nnext\u202e.dne\u009b2J")
	tab.Title = "\x1b]0;owned\x07"
	if got := render(t, func(b *bytes.Buffer) error { return tab.Terminal(b) }); strings.ContainsAny(got, "\x1b\x07\u202e\u009b") {
		t.Errorf("escape survives: %q", got)
	}
}

func TestCSVGuardsFormulas(t *testing.T) {
	got := render(t, func(b *bytes.Buffer) error { return sample().CSV(b) })
	want := "genre,n,mean,share\n武侠小说,30,4586.7666,0.018\n'=cmd|x,2,,\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestGuard(t *testing.T) {
	for _, s := range []string{"=1+1", "+1", "-1", "@x", "\t=1", "  =1", "\n@x", "＝1+1", "\u3000=1"} {
		if got := table.Guard(s); got != "'"+s {
			t.Errorf("Guard(%q) = %q", s, got)
		}
	}
	for _, s := range []string{"", "武侠小说", "a=b", "1—2—3", "–"} {
		if got := table.Guard(s); got != s {
			t.Errorf("Guard(%q) = %q", s, got)
		}
	}
}

func TestCell(t *testing.T) {
	for want, v := range map[string]any{
		"442.58": 442.575, "4625.62": 4625.625, "1.5": 1.5, "3": 3.0, "100": 100.0, "0": -0.001, "-0.01": -0.008, "12.5%": table.Percent(0.12450001), "12": 12,
		"123456789012345680": 123456789012345678.0, "–": nil, "x": "x", "28.9%": table.Percent(481.0 / 1665),
	} {
		if got := table.Cell(v); got != want {
			t.Errorf("Cell(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	tab := sample()
	tab.Add("<b>&[x](y)*`\\\n", 1, 1.5, table.Percent(1))
	got := render(t, func(b *bytes.Buffer) error { return tab.Markdown(b) })
	want := "| genre | n | mean | share |\n| --- | ---: | ---: | ---: |\n" +
		"| 武侠小说 | 30 | 4586.77 | 1.8% |\n| =cmd\\|x | 2 | – | – |\n" +
		"| &lt;b>&amp;\\[x](y)\\*\\`\\\\  | 1 | 1.5 | 100.0% |\n"
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestJSONHoldsUndefinedNumbers(t *testing.T) {
	tab := table.New("<x>", table.Num("p"), table.Num("q"))
	tab.Add(table.Percent(math.NaN()), math.Inf(1))
	tab.Add(table.Percent(0.5), 2)
	var got struct {
		Title string
		Rows  [][]*float64
	}
	js := render(t, func(b *bytes.Buffer) error { return tab.JSON(b) })
	if err := json.Unmarshal([]byte(js), &got); err != nil {
		t.Fatal(err)
	}
	half, two := 0.5, 2.0
	if d := cmp.Diff([][]*float64{{nil, nil}, {&half, &two}}, got.Rows); d != "" || got.Title != "<x>" {
		t.Errorf("%s\n%s", d, js)
	}
	if js := render(t, func(b *bytes.Buffer) error { return table.New("").JSON(b) }); !strings.Contains(js, `"rows": []`) {
		t.Errorf("a table without rows: %s", js)
	}
}
