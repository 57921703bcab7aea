package table_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

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
	tab.Add("\x1b[31mred\nnext")
	if got := render(t, func(b *bytes.Buffer) error { return tab.Terminal(b) }); strings.Contains(got, "\x1b") {
		t.Errorf("escape survives: %q", got)
	}
}

func TestCSVGuardsFormulas(t *testing.T) {
	got := render(t, func(b *bytes.Buffer) error { return sample().CSV(b) })
	want := "genre,n,mean,share\n武侠小说,30,4586.7666,0.018\n'=cmd|x,2,NaN,\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMarkdownAndJSON(t *testing.T) {
	md := render(t, func(b *bytes.Buffer) error { return sample().Markdown(b) })
	if !strings.Contains(md, `| =cmd\|x | 2 | – | – |`) || !strings.Contains(md, "| --- | ---: |") {
		t.Errorf("markdown\n%s", md)
	}
	tab := table.New("x", table.Num("p"))
	tab.Add(table.Percent(math.NaN()))
	js := render(t, func(b *bytes.Buffer) error { return tab.JSON(b) })
	if !json.Valid([]byte(js)) || !strings.Contains(js, "null") {
		t.Errorf("json %s", js)
	}
}
