package screen

import (
	"strconv"
	"strings"
	"unicode"

	"coigwriter/internal/source"
	"coigwriter/internal/text"
)

const longRun = 30

// repeatedCharacter refuses when such runs make up much of the text; one scream in a story is
// a note. Rows of marks (a drawn line) do not count.
func repeatedCharacter(in Input) (Finding, bool) {
	total, runs, seen := 0, 0, ""
	var last rune
	n := 0
	end := func() {
		if n >= longRun && (unicode.IsLetter(last) || unicode.IsDigit(last)) {
			runs += n
			seen = string(last)
		}
	}
	for _, r := range in.Text {
		total++
		if r == last {
			n++
			continue
		}
		end()
		last, n = r, 1
	}
	end()
	if runs == 0 {
		return nothing()
	}
	level := source.LevelNote
	if runs*5 > total {
		level = source.LevelRefuse
	}
	return found(level, "repeated-character", strings.Repeat(seen, 5)+"…", "n", strconv.Itoa(runs), "seen", seen)
}

// repeatedLines leaves refrains of verse to a person.
func repeatedLines(in Input) (Finding, bool) {
	body := outsideCode(in.Text)
	share := text.RepeatedLines(body, 6)
	if text.Len(body) < 200 || share <= 0.15 {
		return nothing()
	}
	level := source.LevelNote
	if share > 0.3 {
		level = source.LevelRefuse
		if text.IsVerse(body) {
			level = source.LevelAsk
		}
	}
	return found(level, "repeated-lines", repeatedLine(body), "share", percent(share))
}

func repeatedLine(s string) string {
	seen := map[string]bool{}
	for _, p := range text.Paragraphs(s) {
		if p = strings.TrimSpace(p); text.Len(p) >= 6 {
			if seen[p] {
				return p
			}
			seen[p] = true
		}
	}
	return ""
}

// phraseLength is ChineseWebText's n; ordinary prose repeats almost none of them.
const phraseLength = 13

func repeatedPhrases(in Input) (Finding, bool) {
	body := link.ReplaceAllString(outsideCode(in.Text), "") // addresses of one site repeat their head
	if text.Len(body) < 200 {
		return nothing()
	}
	share := text.RepeatedNGrams(body, phraseLength)
	if share <= 0.15 {
		return nothing()
	}
	level := source.LevelNote
	if share > 0.3 {
		level = source.LevelRefuse
		if text.IsVerse(body) {
			level = source.LevelAsk
		}
	}
	return found(level, "repeated-phrases", "", "share", percent(share))
}

const prose = "立春那天，祖父把旧藤椅搬到院子里，说要晒一晒冬天的霉气。猫跟着他，踩着自己的影子走。" +
	"隔壁的收音机在放一段评书，讲的是三国，声音忽大忽小，像有人在风里翻书。我蹲在门槛上剥豆子，" +
	"豆荚裂开的声音很脆，每裂一次，猫就抬一次头。祖父不看我，也不看猫，他看着墙根那棵还没有发芽的石榴，" +
	"好像那里藏着他要说的话。后来他真的说了一句，可是被评书盖住了。我没有再问，他也没有再说。" +
	"那一年石榴开得很晚，结了七个果子，他数过，我也数过，我们都没有告诉对方自己数出来的是几个。"

var (
	charPass    = Input{Text: "啊啊啊啊啊！他终于喊出了声，山谷把这一声还给他三次。"}
	charFail    = Input{Text: "哈" + strings.Repeat("哈", 60) + "，他说。"}
	linesPass   = Input{Text: prose}
	linesFail   = Input{Text: repeat("点击下方按钮领取今日的免费章节和会员福利，", 12) + prose}
	phrasesPass = Input{Text: prose}
	phrasesFail = Input{Text: strings.Repeat("这家店的味道真的非常不错下次还会再来的推荐给大家。", 12)}
)
