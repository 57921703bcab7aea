package screen

import (
	"regexp"
	"strconv"
	"strings"

	"coigwriter/internal/source"
	"coigwriter/internal/text"
)

// language refuses what the project does not collect only when the script leaves no doubt.
func language(in Input) (Finding, bool) {
	body := outsideCode(in.Text)
	if text.Len(body) < 20 {
		return nothing()
	}
	seen := text.Language(body)
	switch {
	case seen == "und":
		return found(source.LevelAsk, "language.unknown", body, "declared", in.Language)
	case !in.Accepts(seen):
		return found(source.LevelRefuse, "language.other", body, "language", seen)
	case in.Language != "" && seen != in.Language && in.Language != "yue" && in.Language != "lzh":
		return found(source.LevelAsk, "language.differs", body, "declared", in.Language, "language", seen)
	}
	return nothing()
}

// foreignScript speaks of Chinese texts with much Latin, Kana or Cyrillic in them, and of
// English texts with Han. Han in an English text leaves a trace far below a tenth.
func foreignScript(in Input) (Finding, bool) {
	body := link.ReplaceAllString(outsideCode(in.Text), "")
	sh := text.Scripts(body)
	letters := sh.Han + sh.Latin + sh.Kana + sh.Hangul + sh.Cyrillic + sh.Other
	if letters == 0 || sh.N < 50 {
		return nothing()
	}
	type part struct {
		name        string
		share, note float64
		ask         float64
	}
	var parts []part
	switch text.Language(body) {
	case "zh":
		parts = []part{{"Latin", sh.Latin, 0.2, 0.4}, {"Kana", sh.Kana, 0.02, 0.08}, {"Hangul", sh.Hangul, 0.02, 0.1}, {"Cyrillic", sh.Cyrillic, 0.02, 0.1}}
	case "en":
		parts = []part{{"Han", sh.Han, 0.005, 0.05}, {"Kana", sh.Kana, 0.005, 0.05}, {"Cyrillic", sh.Cyrillic, 0.01, 0.05}}
	}
	for _, p := range parts {
		share := p.share / letters
		if share > p.ask {
			return found(source.LevelAsk, "foreign-script", body, "script", p.name, "share", percent(share))
		}
		if share > p.note {
			return found(source.LevelNote, "foreign-script", body, "script", p.name, "share", percent(share))
		}
	}
	return nothing()
}

// Authors whose texts people copy onto their own pages under a new date. Not complete: the
// sign is a line that holds nothing but such a name, or the text's author field.
var oldAuthors = `庄周|庄子|老子|孔子|孟子|屈原|司马迁|陶渊明|王羲之|王勃|王维|李白|杜甫|白居易|韩愈|柳宗元|刘禹锡|杜牧|李商隐|李煜|范仲淹|欧阳修|王安石|苏轼|苏洵|苏辙|李清照|辛弃疾|陆游|` +
	`关汉卿|马致远|罗贯中|施耐庵|吴承恩|曹雪芹|蒲松龄|纳兰性德|龚自珍|梁启超|王国维|鲁迅|周作人|胡适|徐志摩|朱自清|郁达夫|林徽因|老舍|沈从文|萧红|张爱玲|戴望舒|闻一多|海子|顾城|汪曾祺|史铁生|王小波|余光中|毛泽东|莎士比亚|泰戈尔`

var signed = regexp.MustCompile(`^\s*(?:作者[:：]\s*)?(?:[\[【（(〔]?(?:先秦|春秋|战国|汉|魏晋|晋|唐代?|宋代?|元代?|明代?|清代?|现代|当代|近代|英国|印度)[\]】）)〕·：: ]*)?(` + oldAuthors + `)(?:\s*[（(].{0,30}[)）])?\s*$`)

// Particles that carry classical prose, and the words that carry modern prose.
const (
	classicalWords = "之乎者也矣焉哉曰吾汝尔其而于乃兮耶岂盖遂"
	modernWords    = "的了是在我你们这那就都说吗呢吧着给把"
)

func classical(in Input) (Finding, bool) {
	lines := text.Paragraphs(in.Text)
	for i, l := range append([]string{in.Author}, lines...) {
		if i > 4 && i < len(lines)-1 {
			continue
		}
		if m := signed.FindStringSubmatch(l); m != nil {
			return found(source.LevelAsk, "classical.signed", l, "name", m[1])
		}
	}
	old, modern, han := 0, 0, 0
	for _, r := range in.Text {
		switch {
		case strings.ContainsRune(classicalWords, r):
			old++
			han++
		case strings.ContainsRune(modernWords, r):
			modern++
			han++
		case r >= 0x4E00 && r <= 0x9FFF:
			han++
		}
	}
	if han < 60 || text.Language(in.Text) != "zh" {
		return nothing()
	}
	if old*100 > han*6 && modern*3 < old {
		return found(source.LevelAsk, "classical.words", in.Text, "share", percent(float64(old)/float64(han)), "n", strconv.Itoa(old))
	}
	return nothing()
}

var (
	languagePass  = Input{Text: prose, Language: "zh"}
	languageFail  = Input{Text: "これは猫である。名前はまだない。どこで生れたかとんと見当がつかぬ。", Language: "ja"}
	scriptPass    = Input{Text: prose + "他说了一句 OK，就走了。"}
	scriptFail    = Input{Text: prose + "「ありがとう」と彼女は言った。でも僕はもうそこにいなかった。さようなら、またいつか。"}
	classicalPass = Input{Text: prose}
	classicalFail = Input{Text: "余尝夜泊于江，闻舟中有叹者，其声甚悲，问之，则曰：吾失吾友久矣。余曰：友者，心之邻也，虽远而不失。其人默然，遂起而谢曰：今乃知之，昔之所失者，非友也，吾心也。言毕而去，月落而江白，不知其所之也。"}
)
