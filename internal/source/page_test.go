package source

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"
)

const page = `<!doctype html><html><head><meta charset="utf-8"><title>雨夜 | 某人的小站</title>
<meta property="og:title" content="雨夜 | 某人的小站"><meta property="og:site_name" content="某人的小站">
<meta name="author" content="阿青"><meta property="article:published_time" content="2023-05-01T10:00:00+08:00">
<meta property="article:tag" content="散文,雨"><link rel="canonical" href="https://blog.a.cn/2023/05/01/yuye/"></head>
<body><nav><a href="/">首页</a> 2019-01-01</nav><article><h1>雨夜</h1><time datetime="2023-05-01">2023-05-01</time>
<div class="post-content"><h1>雨夜</h1><p>　　窗外的雨
下了一夜。</p><p>灯下有人<br>没有睡<br>也没有醒</p><blockquote><p>旧信一封</p></blockquote>
<ul><li>一盏灯</li><li>两本书</li></ul><p style="display:none">看不见的字</p>
<figure class="highlight"><table><tr><td class="gutter"><pre>1</pre></td><td class="code"><pre>print("雨")</pre></td></tr></table></figure>
<p>她说：“天亮就走。”<script>alert(1)</script></p></div><footer>最新文章</footer></article>
<aside><time datetime="2026-01-01">2026-01-01</time></aside>
<a rel="license" href="https://creativecommons.org/licenses/by-nc-sa/4.0/deed.zh">CC</a></body></html>`

func TestParsePage(t *testing.T) {
	t.Parallel()
	c, err := ParsePage([]byte(page))
	if err != nil {
		t.Fatal(err)
	}
	want := "窗外的雨下了一夜。\n\n灯下有人\n没有睡\n也没有醒\n\n> 旧信一封\n\n- 一盏灯\n- 两本书\n\n```\nprint(\"雨\")\n```\n\n她说：“天亮就走。”"
	if diff := cmp.Diff(want, c.Text); diff != "" {
		t.Error("text:", diff)
	}
	got := []string{c.Title, c.Author, c.URL, c.Platform, c.Licence}
	if diff := cmp.Diff([]string{"雨夜", "阿青", "https://blog.a.cn/2023/05/01/yuye/", "blog.a.cn", "CC-BY-NC-SA-4.0"}, got); diff != "" {
		t.Error("fields:", diff)
	}
	var kinds []string
	for _, e := range c.Evidence {
		kinds = append(kinds, e.Kind)
		if y := e.At.In(Shanghai).Year(); y != 2023 {
			t.Errorf("%s read %s", e.Kind, e.Raw)
		}
	}
	if diff := cmp.Diff([]string{KindMeta, KindTime, KindVisible, KindURL}, kinds); diff != "" {
		t.Error("evidence:", diff)
	}
	if diff := cmp.Diff([]string{"散文", "雨"}, c.Extra["tags"]); diff != "" {
		t.Error("tags:", diff)
	}
}

func TestPageCharsets(t *testing.T) {
	t.Parallel()
	gb, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(page))
	if err != nil {
		t.Fatal(err)
	}
	noMeta := bytes.Replace(gb, []byte(`<meta charset="utf-8">`), nil, 1)
	for name, b := range map[string][]byte{
		"bom":                      append([]byte("\xEF\xBB\xBF"), page...),
		"utf-8 that claims gb2312": []byte(strings.Replace(page, `charset="utf-8"`, `charset="gb2312"`, 1)),
		"gb18030 without meta":     noMeta,
		"gb18030 that says gb2312": bytes.Replace(gb, []byte(`charset="utf-8"`), []byte(`charset="gb2312"`), 1),
		"gb18030 that says utf-8":  gb,
	} {
		c, err := ParsePage(b)
		if err != nil || c.Title != "雨夜" || !strings.Contains(c.Text, "没有睡") {
			t.Errorf("%s: %q, %v", name, c.Title, err)
		}
	}
	if _, err := ParsePage([]byte("\x89PNG\r\n\x1a\n" + strings.Repeat("\xff\x00\xfe", 200))); err == nil {
		t.Error("a picture was read as a page")
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for u, ok := range map[string]bool{
		"https://blog.a.cn/p/1": true, "http://example.com/2022/": false, "http://localhost:4000/": false, "/post/3646": false,
		"javascript:alert(1)": false, "https://192.168.1.2/": false, "": false, "ftp://a.cn/": false,
	} {
		if err := CheckURL(u); (err == nil) != ok {
			t.Errorf("%q: %v", u, err)
		}
	}
}

func TestParsePost(t *testing.T) {
	t.Parallel()
	for name, post := range map[string]string{
		"yaml": "---\ntitle: 森林\ndate: 2023-10-15 17:37:00\ntags: [散文, 树]\nauthor: 阿青\n---\n",
		"toml": "+++\ntitle = \"森林\"\ndate = 2023-10-15T17:37:00\ntags = [\"散文\", \"树\"]\nauthor = \"阿青\"\n+++\n",
		"hexo": "title: 森林\ndate: 2023-10-15 17:37:00\nauthor: 阿青\ntags: [散文, 树]\n---\n",
	} {
		c, err := ParsePost([]byte(post + "# 森林\n\n![图](a.jpg)\n\n<!-- more -->\n\n我像**树**一样[站着](http://a.cn)。<br>没有*风*\n也没有雨  \n\n> 引文\n\n```go\nfmt.Println()\n```\n"))
		if err != nil {
			t.Fatal(name, err)
		}
		want := "我像树一样站着。\n没有风\n也没有雨\n\n> 引文\n\n```\nfmt.Println()\n```"
		if diff := cmp.Diff(want, c.Text); diff != "" {
			t.Error(name, diff)
		}
		if c.Title != "森林" || c.Author != "阿青" || len(c.Evidence) != 1 || c.Evidence[0].At.In(Shanghai).Format(time.DateTime) != "2023-10-15 17:37:00" || c.Evidence[0].Zone {
			t.Errorf("%s: %+v", name, c)
		}
		if diff := cmp.Diff([]any{"散文", "树"}, c.Extra["tags"]); diff != "" {
			t.Error(name, diff)
		}
	}
	for name, post := range map[string]string{
		"unclosed toml": "+++\ntitle = 1\n正文",
		"broken yaml":   "---\ntitle: [a\n---\n正文",
		"yaml bomb":     "---\na: &a [x,x]\nb: [*a,*a]\n---\n正文",
	} {
		if _, err := ParsePost([]byte(post)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzParsePage(f *testing.F) {
	f.Add([]byte(page))
	f.Add([]byte("<div><p>" + strings.Repeat("<b>", 2000)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 1<<16 {
			ParsePage(b)
		}
	})
}

func FuzzParsePost(f *testing.F) {
	f.Add([]byte("---\ntitle: a\n---\n# b\n\n- c **d**"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 1<<16 {
			ParsePost(b)
		}
	})
}

const realPages = "../../../shared/data/html_blogs_cc"

// trueDates returns the earliest a page can have been published, by everything its manifest knows.
func trueDates(t *testing.T) map[string]time.Time {
	t.Helper()
	f, err := os.Open(filepath.Join(realPages, "manifest.csv"))
	if err != nil {
		t.Skip("the real pages are not here: ", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	dates := map[string]time.Time{}
	for _, r := range rows[1:] {
		var first time.Time
		for i, name := range rows[0] {
			if name != "page_date" && name != "path_date" && name != "git_first_seen" {
				continue
			}
			if d, ok := ParseDate(r[i]); ok {
				from, to := d.span()
				if d.Precise == PreciseMonth {
					from = to.Add(-time.Second)
				}
				if first.IsZero() || from.Before(first) {
					first = from
				}
			}
		}
		dates[r[0]] = first
	}
	return dates
}

// All 144 real pages: none published before the cut-off passes; the counts show what a change
// of the gate or the collectors does.
func TestRealPages(t *testing.T) {
	t.Parallel()
	g, now := DefaultDateGate(), time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	counts := map[string]int{}
	for file, published := range trueDates(t) {
		b, err := os.ReadFile(filepath.Join(realPages, file))
		if err != nil {
			t.Fatal(err)
		}
		c, err := ParsePage(b)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		v := g.Judge(c.Evidence, now)
		counts[v.Outcome]++
		if old := published.Before(g.Cutoff); old && v.Outcome == DatePassed || !old && v.Outcome == DateRefused {
			t.Errorf("%s of %s: %s %s", file, published.Format(time.DateOnly), v.Outcome, v.Reason)
		}
		for _, bad := range []string{"<div", "function(", "上一篇", "最新文章"} {
			if strings.Contains(c.Text, bad) && !strings.Contains(c.Text, "```") {
				t.Logf("%s: text holds %q", file, bad)
			}
		}
		if c.Title == "" || strings.Contains(c.Title, " | ") || c.Licence == "" {
			t.Errorf("%s: title %q, licence %q", file, c.Title, c.Licence)
		}
	}
	if diff := cmp.Diff(map[string]int{DatePassed: 105, DateRefused: 34, DateAsk: 5}, counts); diff != "" {
		t.Error(diff)
	}
}
