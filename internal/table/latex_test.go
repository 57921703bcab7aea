package table

import (
	"strings"
	"testing"
)

func TestLaTeXEscapesWhatTeXActsOn(t *testing.T) {
	for in, want := range map[string]string{
		`\input{/etc/passwd}`: `\textbackslash{}input\{/etc/passwd\}`,
		`50% & $5 #1 a_b`:     `50\% \& \$5 \#1 a\_b`,
		`~^<>|`:               `\textasciitilde{}\textasciicircum{}\textless{}\textgreater{}\textbar{}`,
		"a--b ``c'' ?`":       "a-{}-{}b `{}`c'{}' ?{}`",
		"雨停了，“好”":             "雨停了，“好”",
		"two\nlines\u202e":    "two lines",
	} {
		if got := EscapeLaTeX(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func TestLaTeXTable(t *testing.T) {
	x := New("胜率 & co", Text("model"), Num("95%")).As("winrate-zh")
	x.Note = "n_1 votes"
	x.Add("[a]", Percent(0.627))
	x.Add("*b", nil)
	var b strings.Builder
	if err := x.LaTeX(&b); err != nil {
		t.Fatal(err)
	}
	want := `% needs \usepackage{booktabs}; for Chinese also \usepackage{ctex} and XeLaTeX or LuaLaTeX
\begin{table}
\centering
\caption{胜率 \& co}\label{tab:winrate-zh}
\begin{tabular}{lr}
\toprule
model & 95\% \\
\midrule
{}[a] & 62.7\% \\
{}*b & – \\
\bottomrule
\end{tabular}
\par\smallskip{\footnotesize n\_1 votes\par}
\end{table}
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}

func TestLaTeXBreaksALongTable(t *testing.T) {
	x := New("long", Text("a")).As("long")
	for range longRows + 1 {
		x.Add("row")
	}
	var b strings.Builder
	if err := x.LaTeX(&b); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); !strings.Contains(s, `\begin{longtable}{l}`) || !strings.Contains(s, `\endhead`) || strings.Contains(s, `\begin{table}`) || strings.Count(s, "row \\\\") != longRows+1 {
		t.Errorf("got\n%s", s)
	}
}

func TestFileNamesAreSafeAndDistinct(t *testing.T) {
	taken := map[string]int{}
	for _, c := range [][2]string{{"../../etc", "-..-etc"}, {"a/b", "a-b"}, {"a b", "a-b-2"}, {"a-b-2", "a-b-2-2"}, {"", "table"}, {"诗歌", "诗歌"}} {
		if got := FileName(c[0], taken); got != c[1] {
			t.Errorf("%q: got %q, want %q", c[0], got, c[1])
		}
	}
}
