package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/chromedp/chromedp"

	"coigwriter/internal/dbtest"
	"coigwriter/internal/project"
	"coigwriter/internal/user"
)

// TestGallery renders every component on sample pages. With COIGWRITER_GALLERY=<dir> it
// also writes pictures of them: both widths, both themes, both languages.
func TestGallery(t *testing.T) {
	s, err := New(Options{DB: dbtest.Open(t), Zone: project.Zone})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for name, build := range gallery {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			v := sampleView(s, r)
			r = r.WithContext(withView(r.Context(), v))
			page, body := build(r.Context())
			if err := s.render(w, r, page, body); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	mux.HandleFunc("GET /static/{hash}/{file...}", func(w http.ResponseWriter, r *http.Request) {
		if err := s.static(w, r); err != nil {
			http.NotFound(w, r)
		}
	})
	url := serveTest(t, secured(mux))
	for name := range gallery {
		res, err := http.Get(url + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != 200 || !strings.Contains(string(body), "</html>") {
			t.Errorf("%s: status %d, %v", name, res.StatusCode, err)
		}
	}
	dir := os.Getenv("COIGWRITER_GALLERY")
	if dir == "" {
		return
	}
	ctx := browser(t)
	for name := range gallery {
		for _, look := range []struct {
			theme, lang string
			width       int64
		}{{"light", "zh-CN", 1440}, {"dark", "zh-CN", 1440}, {"light", "en", 1440}, {"light", "zh-CN", 1024}, {"dark", "en", 1024}, {"light", "zh-CN", 800}} {
			do(t, ctx, chromedp.EmulateViewport(look.width, 900), chromedp.Navigate(fmt.Sprintf("%s/%s?theme=%s&lang=%s", url, name, look.theme, look.lang)))
			shoot(t, ctx, filepath.Join(dir, fmt.Sprintf("%s-%s-%s-%d.png", name, look.theme, look.lang, look.width)), look.width)
		}
	}
}

var sampleNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// sampleView is a lead who looks at a sample project, with the look the address asks for.
func sampleView(s *Server, r *http.Request) *view {
	v := &view{
		Person: &user.Person{ID: "p", Name: "沈砚秋", Roles: user.Roles},
		Lang:   r.FormValue("lang"), Prefs: readPreferences(r), Path: "/", RequestID: "K7Q2M4XB9A1C",
		Now: sampleNow, Zone: project.Zone, assets: s.assets,
		Project: project.Settings{Name: "山海写作计划", Sample: true},
		Counts:  map[string]int{"sources": 412, "annotate": 6, "review": 3, "triplets": 57},
	}
	if v.Lang == "" {
		v.Lang = "zh-CN"
	}
	if theme := r.FormValue("theme"); theme != "" {
		v.Prefs["theme"] = theme
	}
	return v
}

// html is a component of literal markup, for the gallery only.
func html(format string, args ...any) templ.Component { return templ.Raw(fmt.Sprintf(format, args...)) }

// with gives a component its children.
func with(c templ.Component, children ...templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return c.Render(templ.WithChildren(ctx, templ.Join(children...)), w)
	})
}

func section(title string, parts ...templ.Component) templ.Component {
	all := append([]templ.Component{html(`<section class="section"><h2>%s</h2><div class="stack">`, title)}, parts...)
	return templ.Join(append(all, html(`</div></section>`))...)
}

var gallery = map[string]func(context.Context) (Page, templ.Component){
	"parts": func(ctx context.Context) (Page, templ.Component) {
		p := Page{Title: "零件", Lede: "每个零件一次，用来检查两种语言、两种明暗。", Section: "today", Up: []Crumb{{"设计", "/"}}, Actions: html(`<a class="button" href="/">导出</a><button class="button primary">提交审阅 <kbd>Ctrl+Enter</kbd></button>`)}
		return p, templ.Join(
			section("徽标", html(`<div class="row">`), Badge(Neutral, "待处理"), Badge(Active, "审阅中"), Badge(Good, "已采纳"), Badge(Warn, "存疑"), Badge(Bad, "已退回"), ScriptedLabel(), html(`</div>`)),
			section("消息", with(Notice(Neutral, "还没有配置模型：原文在队列里等，可以人工打分。")), with(Notice(Good, "已发布 1.2.0，含 128 条三元组。"), html(`<a href="/">查看发布</a>`)), with(Notice(Warn, "有 3 篇的日期证据互相矛盾。")), ErrorBox("第 17 行没有正文，其余 411 行已导入。", "修好 refused.jsonl 后再导入一次。")),
			section("按钮", html(`<div class="row"><button class="button primary">领取一篇</button><button class="button">保存草稿</button><button class="button quiet">放弃</button><button class="button small">小按钮</button><button class="button" disabled>不可用</button></div>`)),
			section("筛选与页签", FilterChips("状态", []Chip{{"全部", "/", 412, true}, {"待筛", "/", 86, false}, {"入池", "/", 201, false}, {"搁置", "/", 12, false}}), FilterChips("体裁", []Chip{{"散文", "/", 48, false}, {"武侠小说", "/", 31, true}, {"科幻小说", "/", 27, false}}), Tabs("视图", []Tab{{"正文", "/", -1, true}, {"证据", "/", 4, false}, {"经过", "/", 12, false}})),
			section("表单", html(`<div class="form">`), Input(FieldInfo{ID: "login", Label: "登录名", Help: "小写字母、数字、点或连字符。"}, "text", "Shen"), Input(FieldInfo{ID: "name", Label: "姓名", Wrong: "请填写不超过 64 字的姓名。"}, "text", ""), Select(FieldInfo{ID: "genre", Label: "体裁"}, []Option{{"a", "散文"}, {"b", "武侠小说"}}, "b"), TextArea(FieldInfo{ID: "prompt", Label: "提示", Optional: true, Min: 40, Max: 300, Help: "写给一个没有读过原文的人。"}, "zh", "以一位守塔人的口吻，写他最后一次点亮航标灯的夜晚。", false), Marks("score", "质量", 1, 10, 8), Check("roles", "lead", "负责人", true), html(`</div>`)),
			section("空", with(EmptyState("池里还没有原文", "导入网页或 JSONL 后，通过日期与规则检查的原文会到这里，等标注员领取。"), html(`<a class="button primary" href="/">导入原文</a><a class="button" href="/">看支持的格式</a>`))),
			section("占位", Skeleton(5)),
		)
	},
	"data": func(ctx context.Context) (Page, templ.Component) {
		p := Page{Title: T(ctx, "frame.rail_statistics"), Section: "statistics"}
		rows := ""
		for i := range 12 {
			rows += fmt.Sprintf(`<tr data-row><td class="pick"><input type="checkbox" aria-label="选"></td><td><a href="/x">最后一盏航标灯 %d</a></td><td>武侠小说</td><td class="n">%s</td><td class="n">%s</td><td>`, i+1, Exact(2214*(i+1)), Percent(0.071*float64(i+1)))
			var b strings.Builder
			_ = Badge([]Tone{Neutral, Active, Good, Warn, Bad}[i%5], []string{"待处理", "审阅中", "已采纳", "存疑", "已退回"}[i%5]).Render(ctx, &b)
			_ = html(`</td><td>`).Render(ctx, &b)
			_ = Time(sampleNow.Add(-time.Duration(i*i)*time.Hour)).Render(ctx, &b)
			rows += b.String() + `</td></tr>`
		}
		return p, templ.Join(
			Figures([]Figure{{"等待裁决", 3, "/", true}, {"本周采纳", 42, "/", false}, {"已发布", 12840, "/", false}, {"失败的调用", 0, "/", true}}),
			section("漏斗", Funnel([]FunnelStep{{Label: "待筛", Count: 861, URL: "/", Wait: "最久 2 天"}, {Label: "入池", Count: 2014, URL: "/", Wait: "最久 9 天"}, {Label: "标注中", Count: 57, URL: "/"}, {Label: "审阅中", Count: 31, URL: "/", Wait: "最久 5 小时"}, {Label: "待裁决", Count: 3, URL: "/", Alert: true, Wait: "最久 1 天"}, {Label: "已采纳", Count: 428, URL: "/"}, {Label: "移除", Count: 9, URL: "/", Out: true}})),
			section("列表", with(Table("原文", []Column{{Label: "选择", Pick: true}, {Label: "标题", Sort: "/"}, {Label: "体裁"}, {Label: "字数", Numeric: true, Sort: "/", Sorted: "descending"}, {Label: "占比", Numeric: true}, {Label: "状态"}, {Label: "更新"}}), html("%s", rows)), Pager(Cursor{Prev: "/p", Next: "/n", Shown: 12, Total: 2014})),
			section("量表", html(`<div class="stack">`), Meter(Good, 52, 60, 50, "52 / 60"), Meter(Bad, 44, 60, 50, "44 / 60"), Meter(Neutral, 7, 15, 0, "7 / 15"), html(`</div>`)),
			section("经过", html(`<ol class="history"><li>提交审阅 <span class="who">沈砚秋 · 刚刚</span></li><li>总分 52，通过 <span class="who">rule:gate · 2 小时前</span></li><li>领取 <span class="who">沈砚秋 · 3 天前</span></li></ol>`)),
		)
	},
	"work": func(ctx context.Context) (Page, templ.Component) {
		article := strings.Repeat("灯塔建在岬角尽头，三面是海。老陈守了三十一年，第三十二年春天，上头来人说，以后用不着了。他听完，把抹布叠成四方，放进铁皮桶里，问：哪天断电？\n来人说，月底。他就点点头，像听到一场要来的雨。\n", 9)
		return Page{Title: "最后一盏航标灯", Section: "annotate", Wide: true}, templ.Join(
			html(`<div class="tabs pane-tabs" data-for="work" role="tablist"><button role="tab" data-pane="a">原文</button><button role="tab" data-pane="b">我的稿子</button></div><div class="panes" id="work"><section class="pane" id="a" tabindex="0" aria-label="原文"><h1 class="title" lang="zh">最后一盏航标灯</h1><p class="byline"><span>短篇小说</span><span>2,214 字</span><span>豆瓣 · 林一苇</span></p>`),
			Reading(ReadingText{ID: "p", Lang: "zh", Body: article}),
			html(`</section><div class="pane-grip"></div><section class="pane" id="b" aria-label="稿子"><div class="sticky row">`),
			StepBar([]Step{{Label: "提示", URL: "/", Mark: StepDone}, {Label: "思路", URL: "/", Mark: StepDoubtful, Current: true, Finding: "与第 3 段不符"}, {Label: "校核", Mark: StepOpen}}),
			html(`<span class="push"></span>`), SaveState("f", 41), html(`<button class="button small drawer-open" data-drawer="c">帮助</button></div>`),
			with(AutoSave("f", "/triplets/1", 41), html(`<div class="stack">`), TextArea(FieldInfo{ID: "theme", Label: "主题", Max: 80}, "zh", "告别与职守：一件事做到最后一天，仍照第一天的做法。", false), TextArea(FieldInfo{ID: "reasoning", Label: "思路", Min: 300, Max: 1200}, "zh", strings.Repeat("先定下叙述的距离：不进老陈心里，只写手上的动作。让“月底”像天气一样到来，读者自己去算日子。", 5), true), html(`</div><div class="foot row"><button class="button quiet">历史</button><span class="push"></span><button class="button primary" formaction="/triplets/1/submit">去校核 <kbd>Ctrl+Enter</kbd></button></div>`)),
			html(`</section><div class="pane-grip last"></div><aside class="pane side" id="c" aria-label="帮助"><div class="row"><h2>帮助</h2>`), ScriptedLabel(), html(`<button class="button small drawer-close" data-drawer="c">收起</button></div><div class="help-draft"><p>第 <a href="#p-3">3</a> 段的叠抹布是全篇的节拍：动作整齐，情绪在动作之外。可以问自己：为什么不写他的回答，只写点头？</p><p>第 <a href="#p-1">1</a> 段用地理交代孤绝，后文的来人才显得远。</p></div></aside></div>`),
		)
	},
	"verse": func(ctx context.Context) (Page, templ.Component) {
		return Page{Title: "诗与英文", Section: "sources"}, templ.Join(
			section("诗", Reading(ReadingText{ID: "v", Lang: "zh", Verse: true, Body: "潮水退到第七级石阶\n灯还亮着\n\n你说过雾里不要数船\n我就数盐"})),
			section("英文", Reading(ReadingText{ID: "e", Lang: "en", Body: strings.Repeat("The lamp was lit for the last time on a Tuesday, which nobody noticed but the gulls. He wiped the glass twice, as always, and wrote the hour in the book.\n", 4)})),
		)
	},
	"trouble": func(ctx context.Context) (Page, templ.Component) {
		return Page{Title: T(ctx, "errors.conflict.title")}, ErrorPage(trouble{Status: 409, Name: "conflict", Detail: "triplet is already in review", ID: "K7Q2M4XB9A1C"})
	},
	"alone": func(ctx context.Context) (Page, templ.Component) {
		return Page{Title: "登录", Alone: true}, templ.Join(html(`<h1>山海写作计划</h1><form class="form">`), Input(FieldInfo{ID: "login", Label: "登录名"}, "text", ""), Input(FieldInfo{ID: "password", Label: "密码"}, "password", ""), html(`<div><button class="button primary">登录</button></div></form>`))
	},
}
