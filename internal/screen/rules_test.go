package screen

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"coigwriter/internal/source"
)

func TestEveryRuleIsDocumentedAndShown(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, r := range Rules {
		if r.Name == "" || names[r.Name] {
			t.Errorf("rule %q: empty or used twice", r.Name)
		}
		names[r.Name] = true
		if r.Doc.ZH == "" || r.Doc.EN == "" {
			t.Errorf("%s: needs its Doc in both languages", r.Name)
		}
		if r.Pass.Text == "" || r.Fail.Text == "" {
			t.Errorf("%s: needs a passing and a failing example", r.Name)
		}
		if f, ok := r.Check(r.Pass); ok {
			t.Errorf("%s: speaks up on its passing example: %+v", r.Name, f)
		}
		f, ok := r.Check(r.Fail)
		if !ok {
			t.Errorf("%s: misses its failing example", r.Name)
			continue
		}
		if f.Level != source.LevelRefuse && f.Level != source.LevelAsk && f.Level != source.LevelNote {
			t.Errorf("%s: level %q", r.Name, f.Level)
		}
		for _, lang := range []string{"zh-CN", "en"} {
			if s := Explain(f, lang); s == f.Message || strings.ContainsAny(s, "{}") {
				t.Errorf("%s: %s says %q", r.Name, lang, s)
			}
		}
	}
}

// Every message key in the code has its sentence, and the other way round.
func TestMessagesAreComplete(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	key := regexp.MustCompile(`found\(\s*[\w.]+, "([a-z.-]+)"`)
	files, err := filepath.Glob("rule_*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range key.FindAllStringSubmatch(string(b), -1) {
			used[m[1]] = true
			if _, ok := messages[m[1]]; !ok {
				t.Errorf("%s uses the message %q, which has no sentence", f, m[1])
			}
		}
	}
	for k, d := range messages {
		if !used[k] && !strings.HasPrefix(k, source.RuleLicence+".") { // an import's own finding
			t.Errorf("message %q is used by no rule", k)
		}
		if d.ZH == "" || d.EN == "" {
			t.Errorf("message %q needs both languages", k)
		}
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, rule, level string // level "" when the rule must be silent
		in                Input
	}{
		{"mobile in groups", "personal-data", "ask", Input{Text: "打 138 1122 3344 找我"}},
		{"mobile inside a longer number", "personal-data", "", Input{Text: "订单 2013811223344567 已发出"}},
		{"mobile in an address", "personal-data", "", Input{Text: "见 https://a.cn/p/13811223344.html"}},
		{"made-up mobile", "personal-data", "", Input{Text: "13812345678"}},
		{"id card with a wrong check digit", "personal-data", "", Input{Text: "身份证 110105194912310021"}},
		{"bank card by Luhn", "personal-data", "ask", Input{Text: "卡号 6222 0200 0000 1236 000"[:0] + "卡号 4111 1111 1111 1111"}},
		{"not Luhn", "personal-data", "", Input{Text: "卡号 4111 1111 1111 1112"}},
		{"e-mail alone is a note", "personal-data", "note", Input{Text: "写信给 lao.wang@163.com 吧"}},
		{"example address", "personal-data", "", Input{Text: "写信给 you@example.com 吧"}},
		{"a scream", "repeated-character", "note", Input{Text: prose + strings.Repeat("啊", 40) + prose}},
		{"a drawn line", "repeated-character", "", Input{Text: prose + strings.Repeat("—", 40)}},
		{"verse has no final mark", "truncated", "", Input{Text: "海风吹来\n带着盐的味道\n我站在岸上\n数着看不见的船\n一只\n又一只"}},
		{"cut prose", "truncated", "note", Input{Text: prose + "\n\n第二天清早祖父起来得比平时更早一些他走到院子里站了很久然后"}},
		{"a signature", "truncated", "", Input{Text: prose + "\n\n二〇二四年春 于岭南"}},
		{"quotation over paragraphs", "punctuation", "", Input{Text: strings.Repeat("“他说，\n", 5) + "”"}},
		{"signed by a poet", "classical", "ask", Input{Text: "浪淘沙\n毛泽东\n大雨落幽燕，\n白浪滔天。"}},
		{"names a poet in a sentence", "classical", "", Input{Text: "我喜欢李白，也喜欢杜甫。" + prose}},
		{"a chapter about AI", "ai-written", "", Input{Text: "她研究人工智能，却从不用它写信。"}},
		{"says a model wrote it", "ai-written", "ask", Input{Text: "把梦丢给Claude，最后就产出了这篇短篇小说。"}},
		{"story of a lost page", "error-page", "", Input{Text: "屏幕上写着页面不存在。" + strings.Repeat(prose, 4)}},
		{"reposted at the end", "reposted", "ask", Input{Text: prose + "\n原文链接：https://a.cn/1"}},
		{"English project text", "language", "", Input{Text: "The rain had stopped before anyone noticed it had begun.", Language: "en"}},
		{"declared zh, is en", "language", "ask", Input{Text: "The rain had stopped before anyone noticed it had begun.", Language: "zh"}},
	} {
		got := ""
		for _, f := range Check(tt.in) {
			if f.Rule == tt.rule {
				got = f.Level
			}
		}
		if got != tt.level {
			t.Errorf("%s: %s says %q, want %q", tt.name, tt.rule, got, tt.level)
		}
	}
}

// Rules read hostile text: none may panic, and all are deterministic.
func TestRulesOnAnything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := Input{Text: rapid.String().Draw(t, "text") + rapid.StringMatching("[啊a `>\n*-]{0,300}").Draw(t, "tail"), Language: "zh"}
		a, b := Check(in), Check(in)
		if len(a) != len(b) {
			t.Fatalf("%d findings, then %d", len(a), len(b))
		}
	})
}

// On real blog posts the rules must refuse next to nothing that a person would keep. The counts
// are asserted so that a change of a threshold shows what it does.
func TestRulesOnRealPosts(t *testing.T) {
	t.Parallel()
	root := "../../../shared/data"
	if _, err := os.Stat(root); err != nil {
		t.Skip("the real texts are not here: ", err)
	}
	counts, n := map[string]int{}, 0
	check := func(path string, c source.Candidate) {
		n++
		s := source.Source{Text: c.Text, Title: c.Title, Author: c.Author, Language: c.Language}
		s.Make()
		worst := "clean"
		for _, f := range Check(Input{Text: s.Text, Title: s.Title, Author: s.Author, Language: s.Language}) {
			counts[f.Rule+" "+f.Level]++
			if f.Level == source.LevelRefuse {
				t.Logf("refuse %-40s %s: %s | %s", filepath.Base(path), f.Rule, Explain(f, "en"), f.Excerpt)
				worst = f.Level
			} else if f.Level == source.LevelAsk {
				if testing.Verbose() {
					t.Logf("ask    %-40s %s: %s | %s", filepath.Base(path), f.Rule, Explain(f, "en"), f.Excerpt)
				}
				if worst == "clean" {
					worst = f.Level
				}
			}
		}
		counts["= "+worst]++
	}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(p, "html_blogs_cc/pages") && !strings.Contains(p, "md_posts/") || strings.Contains(p, "README") {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		parse := source.ParsePost
		if strings.HasSuffix(p, ".html") {
			parse = source.ParsePage
		}
		if c, err := parse(b); err == nil {
			check(p, c)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range counts {
		t.Logf("%4d %s", v, k)
	}
	if refused := counts["= refuse"]; refused > n/10 {
		t.Errorf("the rules refuse %d of %d real posts", refused, n)
	}
}

// The words that are looked for first must not hide a phrase the expression would find.
func TestHintsHideNothing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		re    *regexp.Regexp
		hints []string
	}{{errorWords, errorHints}, {adPhrases, adHints}, {repostWords, repostHints}, {aiWords, aiHints}, {account, accountHints}} {
		gen := rapid.StringMatching(strings.NewReplacer("(?im)", "(?i)", "(?m)", "").Replace(tt.re.String()))
		rapid.Check(t, func(t *rapid.T) {
			// ſ and the Kelvin sign fold to s and k in an expression, and stand in no real phrase.
			s := strings.NewReplacer("ſ", "s", "\u212a", "k").Replace(gen.Draw(t, "phrase"))
			if tt.re.MatchString(s) && !mentions(s, tt.hints) {
				t.Fatalf("%q has none of %v", s, tt.hints)
			}
		})
	}
}
