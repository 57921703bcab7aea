package screen

import (
	"strings"

	"coigwriter/internal/source"
)

// messages are the sentences of the findings, by message key without "rule."; {name} stands for
// an argument. Pages and commands both read them here, so a new rule needs no other file.
var messages = map[string]Doc{
	"licence.other":       {"同一篇文字又以“{other}”许可出现（{file}），库里记的是“{have}”；请核对", "the same text came again under “{other}” ({file}), while “{have}” is on record; check which holds"},
	"licence.named":       {"同一篇文字再次出现时注明了许可“{other}”（{file}），库里没有记许可；请核对", "the same text came again and names the licence “{other}” ({file}), while none is on record; check it"},
	"too-short.any":       {"只有 {n} 字，任何体裁都不够（最少 {min}）", "only {n} characters, too few for any genre (at least {min})"},
	"too-short.genre":     {"只有 {n} 字，该体裁一般至少 {min} 字", "only {n} characters; this genre usually has at least {min}"},
	"too-short.nogenre":   {"只有 {n} 字；请确认正文完整，并选定体裁", "only {n} characters; make sure the text is whole, and choose a genre"},
	"too-long.genre":      {"长达 {n} 字，该体裁一般不超过 {max} 字", "{n} characters; this genre usually has at most {max}"},
	"too-long.nogenre":    {"长达 {n} 字，可能是合集", "{n} characters, perhaps a collection"},
	"mojibake":            {"有乱码（{share}），例如“{seen}”", "characters of a wrong encoding ({share}), such as “{seen}”"},
	"odd-characters":      {"有 {n} 个私用区或部首字符，例如 {code}", "{n} private-use or radical characters, such as {code}"},
	"markup-residue":      {"残留 {n} 处网页标记，例如 {seen}", "{n} pieces of markup, such as {seen}"},
	"truncated.phrase":    {"结尾是“{seen}”，全文可能不在这里", "ends with “{seen}”; the rest may be elsewhere"},
	"truncated.mark":      {"最后一段没有收尾标点", "the last paragraph has no final mark"},
	"punctuation":         {"有 {n} 处引号或括号不成对，例如 {seen}", "{n} marks lack their partner, such as {seen}"},
	"repeated-character":  {"“{seen}”连续重复，共 {n} 个", "“{seen}” repeated in a row, {n} in all"},
	"repeated-lines":      {"{share} 的文字在重复出现的行里", "{share} of the characters stand in repeated lines"},
	"repeated-phrases":    {"{share} 的文字是重复的片段", "{share} of the text is repeated phrases"},
	"error-page":          {"像是出错页或登录页：“{seen}”", "looks like an error or login page: “{seen}”"},
	"advertising":         {"有 {n} 种推广或版权套话，例如“{seen}”", "{n} kinds of promotion or copyright phrases, such as “{seen}”"},
	"reposted":            {"写明转载或译自别处：“{seen}”", "says it comes from elsewhere: “{seen}”"},
	"ai-written":          {"可能由模型生成：“{seen}”", "perhaps written by a model: “{seen}”"},
	"personal-data":       {"有 {n} 处个人信息（{kinds}）", "{n} pieces of personal data ({kinds})"},
	"mostly-code":         {"代码占 {share}，代码块 {blocks} 个", "{share} of it is code, in {blocks} blocks"},
	"mostly-quotation":    {"引文占 {share}", "{share} of it is quoted"},
	"list-or-links.links": {"有 {n} 个链接", "{n} links"},
	"list-or-links.list":  {"有 {n} 条短条目", "{n} short list items"},
	"language.unknown":    {"看不出是什么语言（标明：{declared}）", "the language cannot be told (declared: {declared})"},
	"language.other":      {"语言是 {language}，本项目不收", "the language is {language}, which this project does not collect"},
	"language.differs":    {"标明 {declared}，看起来是 {language}", "declared {declared}, looks like {language}"},
	"foreign-script":      {"{script} 文字占 {share}", "{share} of the letters are {script}"},
	"classical.signed":    {"署名“{name}”：可能是旧作", "signed “{name}”: perhaps an older work"},
	"classical.words":     {"文言虚词占 {share}：可能是古文", "{share} classical particles: perhaps a classical text"},
}

// Explain says a finding in a language: Chinese for zh and zh-CN, English for all others. A key
// it does not know, from a newer program's database, is returned as it is.
func Explain(f Finding, lang string) string {
	d, ok := messages[strings.TrimPrefix(f.Message, "rule.")]
	if !ok {
		return f.Message
	}
	s := d.In(lang)
	for name, value := range f.Args {
		s = strings.ReplaceAll(s, "{"+name+"}", value)
	}
	return s
}

// In returns the words in a language: Chinese for zh and zh-CN, English for all others.
func (d Doc) In(lang string) string {
	if strings.HasPrefix(lang, "zh") {
		return d.ZH
	}
	return d.EN
}

// Why says what a key among an import's reasons means when no one finding is at hand: a rule's
// own words about itself, or [source.Explain]'s sentence.
func Why(reason, lang string) string {
	name, of := strings.CutPrefix(reason, "rule.")
	if !of {
		return source.Explain(reason, lang)
	}
	name, _, _ = strings.Cut(name, ".")
	for _, r := range Rules {
		if r.Name == name {
			return r.Doc.In(lang)
		}
	}
	return reason
}
