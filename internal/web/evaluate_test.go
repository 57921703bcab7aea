package web

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	dom "golang.org/x/net/html"

	"coigwriter/internal/bench"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/genre"
	"coigwriter/internal/record"
)

// Names and figures that no evaluator may ever meet; they occur in nothing else.
const (
	secretSample = 41327
	secretFinish = "ended_by_zkq"
)

var secretModels = []string{"zephyrine-9b", "Quillon-Max", "墨池七号", "tessera/8x3", "vantablack"}

// A blindLab is a site with a set of Chinese queries answered by the secret models.
type blindLab struct {
	*tripletSite
	lead  string
	eyes  []*visitor
	set   bench.Set
	chars int
}

var blindLines = []string{
	"雨是后半夜停的，檐下的水还在一滴一滴地数着台阶。", "他把灯芯往下捻了捻，屋里暗了半截，墙上的影子就矮了。", "“明天还走吗？”她问得很轻，像是怕把谁吵醒。",
	"巷口卖豆浆的推车先响了，然后才有狗叫，然后才是天亮。", "那封信压在米缸底下，三十年没有人动过它。", "祖父说过，木头也有脾气，刨子要顺着它的意思走。",
	"车过了桥，镇子就小得像一枚纽扣，缝在河的拐弯处。", "我们谁也没有提起那个名字，可是每一个停顿里都是它。", "风从晒场那头翻过来，带着新谷子的热气和灰。",
	"她把碗扣在桌上，碗底朝天，像一座很小的坟。", "钟楼敲了四下，其实已经快五点了，那口钟一向走得慢。", "雪落在铁轨上，不出声，也不肯化。",
}

// blindText is a text of about n characters, another one for each seed.
func blindText(seed, n int) string {
	var b strings.Builder
	count := 0
	for i := 0; count < n; i++ {
		line := blindLines[(seed*7+i*(seed%5+1)+i/12)%len(blindLines)]
		b.WriteString(line)
		count += len([]rune(line))
		if (i+seed)%4 == 3 {
			b.WriteString("\n")
		}
	}
	return fmt.Sprintf("%s这是第%d种写法的结尾。", b.String(), seed)
}

// newBlindLab makes n queries over six genres with an answer of about chars characters by each model.
func newBlindLab(t *testing.T, ts *tripletSite, n, raters, chars int) *blindLab {
	t.Helper()
	l := &blindLab{tripletSite: ts, lead: dbtest.Person(t, ts.d, "blind-lead", "lead"), chars: chars}
	for i := range raters {
		l.eyes = append(l.eyes, ts.person(fmt.Sprintf("blind-eye-%d", i), "evaluator"))
	}
	tax := genre.Default()
	var qs []record.Query
	var gs []record.Generation
	for i := range n {
		q := record.Query{
			ID: fmt.Sprintf("secretcode-%03d", i), Genre: tax.Genres[i%6].ID, Language: "zh", Context: "江南小镇，八十年代初，供销社还没有撤。",
			Prompt: fmt.Sprintf("请写第%d篇短文：一个人在雨后的清晨离开家乡，不写他为什么走，只写他带走和留下的东西。语言克制，意象具体，结尾不要点题。", i+1),
		}
		qs = append(qs, q)
		for k, m := range secretModels {
			gs = append(gs, record.Generation{QueryID: q.ID, Model: m, Output: blindText(i*len(secretModels)+k+1, chars+chars*k/7), Finish: secretFinish, Sample: secretSample})
		}
	}
	set, refused, err := bench.ImportQueries(t.Context(), ts.d, tax, l.lead, "盲评题集", "", qs, true)
	if err != nil || len(refused) > 0 {
		t.Fatal(err, refused)
	}
	rep, err := bench.ImportAnswers(t.Context(), ts.d, l.lead, set.ID, gs)
	if err != nil || len(rep.Refused) > 0 {
		t.Fatal(err, rep.Refused)
	}
	l.set = set
	return l
}

// study opens a study of the first k models for all evaluators.
func (l *blindLab) study(name, kind string, k int, change func(*evaluate.Plan)) evaluate.Study {
	l.t.Helper()
	p := evaluate.DefaultPlan()
	p.SetID, p.Models, p.Sample = l.set.ID, secretModels[:k], secretSample
	p.Overlap, p.Shared, p.Repeats, p.Attention = 1, 0, 0, 0
	for _, e := range l.eyes {
		p.Evaluators = append(p.Evaluators, e.id)
	}
	if change != nil {
		change(&p)
	}
	s, err := evaluate.New(l.t.Context(), l.d, l.lead, name, kind, p)
	if err != nil {
		l.t.Fatal(err)
	}
	if s, err = evaluate.Begin(l.t.Context(), l.d, l.lead, s.ID); err != nil {
		l.t.Fatal(err)
	}
	return s
}

// tasks are a person's tasks of a study in their order.
func (l *blindLab) tasks(s evaluate.Study, person string) (ids []string) {
	l.t.Helper()
	if err := l.d.All(l.t.Context(), &ids, `SELECT id FROM study_task WHERE study_id = ? AND person_id = ? ORDER BY position`, s.ID, person); err != nil {
		l.t.Fatal(err)
	}
	return ids
}

// sayingForm is a verdict on a task of a kind.
func sayingForm(kind string, k int) url.Values {
	f := url.Values{}
	switch kind {
	case evaluate.Pair:
		f.Set("winner", "a")
	case evaluate.Rank:
		for i := range k {
			f.Set(placeField(i), strconv.Itoa(k-i))
		}
	case evaluate.Rate:
		for i, dim := range evaluate.Dimensions {
			f.Set(dim.Key, strconv.Itoa(i%4))
		}
	}
	return f
}

// A listener reads every byte that an evaluator is sent.
type listener struct {
	*visitor
	secrets map[string]string // value in lower case → what it is
	read    int
	pages   int
}

// secretsOf lists what must not be sent to a person: the models, and whatever the database knows of
// answers, items, queries, plans and other people.
func (l *blindLab) secretsOf(me *visitor) map[string]string {
	l.t.Helper()
	out := map[string]string{}
	add := func(what, value string) {
		if value != "" {
			out[strings.ToLower(value)] = what
		}
	}
	for _, m := range secretModels {
		add("model", m)
	}
	add("finish reason", secretFinish)
	add("sample", strconv.Itoa(secretSample))
	for _, word := range []string{"repeat", "repeat_of", "attention", "foil", "finish_reason", "plan_hash", "shown"} {
		add("word", word)
	}
	for what, query := range map[string]string{
		"answer":      `SELECT id FROM answer`,
		"length":      `SELECT DISTINCT CAST(chars AS TEXT) FROM answer`,
		"call":        `SELECT call_id FROM answer`,
		"settings":    `SELECT DISTINCT settings FROM answer WHERE settings <> '{}'`,
		"item":        `SELECT id FROM study_item`,
		"query":       `SELECT id FROM query`,
		"query code":  `SELECT code FROM query`,
		"set":         `SELECT set_id FROM query`,
		"plan":        `SELECT plan_hash FROM study`,
		"verdict":     `SELECT id FROM study_verdict`,
		"other":       `SELECT id FROM person WHERE id <> '` + me.id + `'`,
		"login":       `SELECT login FROM person WHERE id <> '` + me.id + `'`,
		"other rater": `SELECT name FROM person WHERE id <> '` + me.id + `'`,
		"their task":  `SELECT id FROM study_task WHERE person_id <> '` + me.id + `'`,
	} {
		var values []string
		if err := l.d.All(l.t.Context(), &values, query); err != nil {
			l.t.Fatalf("%s: %v", query, err)
		}
		for _, v := range values {
			add(what, v)
		}
	}
	return out
}

// wordIn returns where a word stands in a text, not as a part of a longer word or number; -1 for nowhere.
func wordIn(text, word string) int {
	letter := func(at int) bool {
		return at >= 0 && at < len(text) && (text[at] >= '0' && text[at] <= '9' || text[at] >= 'a' && text[at] <= 'z')
	}
	for from := 0; ; {
		at := strings.Index(text[from:], word)
		if at < 0 {
			return -1
		}
		if at += from; !letter(at-1) && !letter(at+len(word)) {
			return at
		}
		from = at + 1
	}
}

// ask sends a request and reads the whole reply for secrets.
func (v *listener) ask(method, path string, form url.Values, accept string) (int, string) {
	v.t.Helper()
	req, _ := http.NewRequest(method, v.url+path, strings.NewReader(form.Encode()))
	if method == "POST" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Accept", accept)
	res, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if got := res.Header.Get("Cache-Control"); got != "no-store" {
		v.t.Errorf("%s %s may be kept: %q", method, path, got)
	}
	if res.Header.Get("ETag") != "" || res.Header.Get("Last-Modified") != "" {
		v.t.Errorf("%s %s can be recognised: %v", method, path, res.Header)
	}
	var all bytes.Buffer
	for name, values := range res.Header {
		if name != "Content-Length" && name != "X-Request-Id" && name != "Date" {
			fmt.Fprintln(&all, name, values)
		}
	}
	all.Write(body)
	v.read += all.Len()
	v.pages++
	said := strings.ToLower(all.String())
	for part := range strings.SplitSeq(strings.ToLower(path), "/") { // what they asked for is no news to them
		if len(part) == 36 {
			said = strings.ReplaceAll(said, part, "")
		}
	}
	for secret, what := range v.secrets {
		if at := wordIn(said, secret); at >= 0 {
			v.t.Errorf("%s %s (%d) says %s %q: …%s…", method, path, res.StatusCode, what, secret, said[max(0, at-60):min(len(said), at+60)])
		}
	}
	return res.StatusCode, string(body)
}

// Every byte that an evaluator can get in a study, in both languages: pages, parts fetched ahead, replies
// to scripts, headers, errors. Nothing says who wrote a text, how long it is, or what a task is for.
func TestBlind(t *testing.T) {
	ts := newTripletSite(t)
	l := newBlindLab(t, ts, 6, 2, 1200)
	checks := func(p *evaluate.Plan) { p.Repeats, p.Attention, p.Overlap, p.Shared = 0.3, 2, 2, 0.5 }
	pairs := func(p *evaluate.Plan) { checks(p); p.Pairs = 2 }
	studies := []evaluate.Study{
		l.study("第一次", evaluate.Pair, 3, pairs), l.study("第二次", evaluate.Rank, 5, checks), l.study("第三次", evaluate.Rate, 2, checks),
	}
	me, other := l.eyes[0], l.eyes[1]
	// Somebody else's verdicts are there already.
	for _, id := range l.tasks(studies[0], other.id)[:3] {
		other.post("/evaluate/task/"+id, url.Values{"winner": {"b"}, "note": {"别人的附注"}}, 303)
	}
	v := &listener{visitor: me, secrets: l.secretsOf(me)}
	v.secrets["别人的附注"] = "somebody else's note"
	const page, script = "text/html", "application/json"
	for _, lang := range Langs {
		u, _ := url.Parse(ts.url)
		me.client.Jar.SetCookies(u, []*http.Cookie{{Name: "lang", Value: lang, Path: "/"}})
		for _, path := range []string{"/", "/evaluate", "/account", "/nowhere", "/evaluate/nowhere", "/evaluate/task/nowhere"} {
			v.ask("GET", path, nil, page)
		}
	}
	var want [3]map[string]string
	for i, s := range studies {
		k := map[string]int{evaluate.Pair: 2, evaluate.Rank: 5, evaluate.Rate: 1}[s.Kind]
		own := l.tasks(s, me.id)
		want[i] = map[string]string{}
		v.ask("GET", "/evaluate/"+s.ID, nil, page)
		v.ask("GET", "/evaluate/task/"+l.tasks(s, other.id)[0], nil, page)
		v.ask("POST", "/evaluate/task/"+l.tasks(s, other.id)[0], sayingForm(s.Kind, k), script)
		for n, id := range own {
			path := "/evaluate/task/" + id
			var what string
			if err := ts.d.One(t.Context(), &what, `SELECT CASE WHEN i.kind <> 'real' THEN i.kind WHEN t.repeat_of <> '' THEN 'repeat' ELSE 'real' END FROM study_task t JOIN study_item i ON i.id = t.item_id WHERE t.id = ?`, id); err != nil {
				t.Fatal(err)
			}
			_, part := v.ask("GET", path+"?part=1", nil, page)
			_, whole := v.ask("GET", path, nil, page)
			if n < len(own)-1 { // the last one leads nowhere
				shape := skeleton(t, part) + "\n" + skeleton(t, whole[:strings.Index(whole, `id="undo"`)]+whole[strings.Index(whole, `id="sheet"`):])
				if old, ok := want[i][what]; ok && old != shape {
					t.Errorf("%s: two %s tasks differ in structure", s.Kind, what)
				}
				want[i][what] = shape
			}
			v.ask("POST", path+"/seen", nil, script)
			v.ask("POST", path, url.Values{}, page)
			v.ask("POST", path, url.Values{}, script)
			accept := []string{page, script}[n%2]
			form := sayingForm(s.Kind, k)
			form.Set("note", "我的附注")
			if status, body := v.ask("POST", path, form, accept); status != map[string]int{page: 303, script: 200}[accept] {
				t.Fatalf("%s: %d %s", s.Kind, status, firstLines(body))
			}
			v.ask("GET", path, nil, page)
			form.Set("winner", "tie")
			form.Set("note", "改了主意")
			v.ask("POST", path, form, page)
			v.ask("POST", path, form, script)
			if n%3 == 0 {
				v.ask("POST", path+"/back", nil, page)
				v.ask("POST", path, sayingForm(s.Kind, k), page)
			}
		}
		if want[i]["real"] == "" || want[i]["attention"] == "" || want[i]["repeat"] == "" {
			t.Fatalf("%s: not all kinds of task were met", s.Kind)
		}
		if want[i]["real"] != want[i]["attention"] || want[i]["real"] != want[i]["repeat"] {
			t.Errorf("%s: one can see which task is a check", s.Kind)
		}
		v.ask("GET", "/evaluate/"+s.ID, nil, page)
		if _, err := evaluate.Move(t.Context(), ts.d, l.lead, s.ID, evaluate.Closed, "试到这里"); err != nil {
			t.Fatal(err)
		}
		v.ask("GET", "/evaluate/"+s.ID, nil, page)
		v.ask("GET", "/evaluate/task/"+own[0], nil, page)
		v.ask("POST", "/evaluate/task/"+own[0]+"/back", nil, page)
		// Whatever else of the site takes an ID of a study or a set is closed to them.
		for _, r := range ts.s.routes {
			if r.Method != "GET" || !strings.Contains(r.Pattern, "{") || strings.HasPrefix(r.Pattern, "/static/") {
				continue
			}
			for _, id := range []string{s.ID, l.set.ID} {
				path := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(r.Pattern, id)
				if strings.HasPrefix(path, "/evaluate/") {
					continue
				}
				if status, _ := v.ask("GET", path, nil, page); status == 200 {
					t.Errorf("an evaluator may open %s", path)
				}
			}
		}
	}
	t.Logf("read %d bytes in %d replies for %d secrets", v.read, v.pages, len(v.secrets))
}

// skeleton is a page without its words: elements, the names of their attributes, and their classes.
// Paragraphs of a text are left out, since texts differ.
func skeleton(t *testing.T, page string) string {
	t.Helper()
	root, err := dom.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	var walk func(*dom.Node)
	walk = func(n *dom.Node) {
		if n.Type == dom.ElementNode {
			b.WriteString("<" + n.Data)
			reading := false
			for _, a := range n.Attr {
				b.WriteString(" " + a.Key)
				if a.Key == "class" {
					b.WriteString("=" + a.Val)
					reading = strings.HasPrefix(a.Val, "reading")
				}
			}
			b.WriteString(">")
			if reading {
				return
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	return b.String()
}
