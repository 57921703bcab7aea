package text_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coigwriter/internal/text"
)

func TestIsVerse(t *testing.T) {
	for name, tc := range map[string]struct {
		s    string
		want bool
	}{
		"modern":                 {"山中\n有时需要去山中\n离开人类\n去寻找草木和鸟", true},
		"couplets":               {"春眠不觉晓，处处闻啼鸟。\n夜来风雨声，花落知多少。", true},
		"lines of five":          {"床前明月光，\n疑是地上霜。\n举头望明月，\n低头思故乡。", true},
		"chuci":                  {"帝高阳之苗裔兮，朕皇考曰伯庸。\n摄提贞于孟陬兮，惟庚寅吾以降。", true},
		"ci":                     {"洞庭青草，近中秋、更无一点风色。\n玉鉴琼田三万顷，著我扁舟一叶。\n素月分辉，明河共影，表里俱澄澈。", true},
		"english":                {"The rain has stopped\nand the hill is near\na bird begins\nwhere the road was clear", true},
		"prose":                  {"这是一段散文。\n又是一段散文。\n还是散文。\n结束了。", false},
		"dialogue":               {"“走吧。”\n“去哪儿”\n“山里”\n“好”", false},
		"list":                   {"1. 帐篷\n2. 睡袋\n3. 手电筒\n4. 火柴", false},
		"bullets":                {"- 加拿大\n- 美国\n- 墨西哥\n- 巴西", false},
		"code":                   {"x = 1\ny = 2\nreturn f(x)\nend", false},
		"one line":               {"春眠不觉晓，处处闻啼鸟。", false},
		"nothing":                {"", false},
		"short modern sentences": {"他走了。\n她没有说话，只是看着窗外的雨。\n门开了，又关上了。\n风把桌上的信吹到了地上。", false},
	} {
		if got := text.IsVerse(tc.s); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func load[T any](t *testing.T, pattern string) []T {
	t.Helper()
	files, _ := filepath.Glob(pattern)
	if len(files) == 0 {
		t.Skip("the texts are not here:", pattern)
	}
	var all []T
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for dec := json.NewDecoder(bytes.NewReader(b)); dec.More(); { // one list, or a line a record
			var l []T
			if b[0] == '[' {
				err = dec.Decode(&l)
			} else {
				l = make([]T, 1)
				err = dec.Decode(&l[0])
			}
			if err != nil {
				t.Fatal(f, err)
			}
			all = append(all, l...)
		}
	}
	return all
}

// Classical verse is known as such; the rules were made while looking at these two books, so the
// bounds guard against a step back and claim nothing of other books.
func TestIsVerseOnRealVerse(t *testing.T) {
	type poem struct{ Content, Paragraphs []string }
	for file, least := range map[string]float64{"chuci": 0.93, "宋词三百首": 0.95} {
		n, ok := 0, 0
		for _, p := range load[poem](t, "../../../shared/data/classical_texts/"+file+".json") {
			if lines := append(p.Content, p.Paragraphs...); len(lines) > 1 {
				n++
				if text.IsVerse(strings.Join(lines, "\n")) {
					ok++
				}
			}
		}
		if n < 60 || float64(ok) < least*float64(n) {
			t.Errorf("%s: %d of %d", file, ok, n)
		}
	}
}

func TestMojibake(t *testing.T) {
	for s, want := range map[string]struct {
		least float64
		seen  string
	}{
		"锟斤拷锟斤拷你好": {0.7, "锟斤拷"},
		"雨\uFFFD停": {0.3, "\uFFFD"},
		"é›¨åœäº†ï¼Œæˆ‘ä»¬åŽ»å±±ä¸\u00adèµ°èµ°": {0.9, "é›¨"},
		"闆ㄥ仠浜嗭紝鎴戜滑鍘诲北涓蛋璧":                       {0.9, "闆ㄥ仠"},
		"他说：浣犲ソ。": {0.4, "浣犲ソ"},
		"donâ€™t": {0.4, "â€™"},
		"烫烫烫烫烫":   {1, "烫烫"},
	} {
		share, seen := text.Mojibake(s)
		if share < want.least || share > 1 || !strings.HasPrefix(seen, want.seen) {
			t.Errorf("%q: %v, %q", s, share, seen)
		}
	}
	for _, s := range []string{
		"", "一段正常的中文，café 也好。", "很烫，烫烫烫！", "Il a dit « désolé… » à l’été.", "FIANCÉ”, naïve café … Ärger über Öl",
		"涓涓细流，鎏金鐘鼎，閣樓闆凳", "Größe: 5–7 µm, £20", "浜松、鹿児島、広島を旅した。",
	} {
		if share, seen := text.Mojibake(s); share != 0 {
			t.Errorf("clean %q: %v, %q", s, share, seen)
		}
	}
}

// No false alarm on ten thousand real answers.
func TestMojibakeSparesRealTexts(t *testing.T) {
	type answer struct{ Output string }
	answers := load[answer](t, "../../../shared/data/dg_zh/*/*.json")
	for _, a := range answers {
		if share, seen := text.Mojibake(a.Output); share > 0 {
			t.Errorf("%q in %q", seen, text.Excerpt(a.Output, 80))
		}
	}
	if len(answers) < 5000 {
		t.Errorf("only %d answers were tried", len(answers))
	}
}

func TestVariant(t *testing.T) {
	for s, want := range map[string]string{
		"这个时候，我们还没有见过面。": "Hans", "這個時候，我們還沒有見過面。": "Hant", "山中有人": "", "abc": "", "": "",
		"这时们 這時們": "",
	} {
		if got := text.Variant(s); got != want {
			t.Errorf("Variant(%q) = %q, want %q", s, got, want)
		}
	}
}

func BenchmarkMojibake(b *testing.B) {
	s := strings.Repeat("山中有时需要去，尤其在春天。离开人类，去寻找草木和鸟。", 40)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		text.Mojibake(s)
	}
}
