// Package screen decides which collected texts are worth a person's time: rules that cost
// nothing first, then a model's or a person's assessment, screening and usability.
package screen

import (
	"context"
	"slices"

	"coigwriter/internal/genre"
	"coigwriter/internal/source"
	"coigwriter/internal/text"
)

// Finding is what one rule saw; its row belongs to source.
type Finding = source.Finding

// An Input is what a rule may look at. Rules are pure: the same input gives the same finding.
type Input struct {
	Text      string
	Title     string
	Author    string
	Language  string      // as declared or detected at import
	Genre     string      // id of the taxonomy, or ""
	Range     genre.Range // expected length for the genre; zero when unknown
	Languages []string    // the project's languages; empty is zh and en
}

// Accepts reports whether the project collects texts in a language.
func (in Input) Accepts(language string) bool {
	if len(in.Languages) == 0 {
		return language == "zh" || language == "en"
	}
	return slices.Contains(in.Languages, language)
}

// A Rule looks for one thing in a text and says what it saw. Published web-corpus thresholds
// reject good literature (a FineWeb2 configuration 43% of Lu Xun), so a rule refuses only what
// nobody could use, asks where a person must decide, and otherwise leaves a note with its place.
type Rule struct {
	Name  string
	Doc   Doc
	Check func(Input) (Finding, bool) // false: nothing to say
	Pass  Input                       // an example the rule must leave alone
	Fail  Input                       // an example it must speak up on
}

// A Doc explains a rule to the people who meet it.
type Doc struct{ ZH, EN string }

// Rules are all the rules, in the order their findings are shown. To add one, write its
// function in a rule_*.go, add a line here and its sentences to rule_messages.go.
var Rules = []Rule{
	{"too-short", Doc{"太短的文字里没有可以还原的写作决定；按体裁的预期长度判断。", "Too short a text holds no decisions to reconstruct; judged by the genre's expected length."}, tooShort, shortPass, shortFail},
	{"too-long", Doc{"远长于体裁预期的文字通常是合集或整页抓取。", "A text far longer than its genre is usually a collection or a whole page."}, tooLong, longPass, longFail},
	{"mojibake", Doc{"编码读错留下的乱码。", "Characters that show the bytes were read in a wrong encoding."}, mojibake, mojibakePass, mojibakeFail},
	{"odd-characters", Doc{"私用区字符、康熙部首等在别处显示不出来的字符。", "Private-use characters, Kangxi radicals and others that will not show elsewhere."}, oddCharacters, oddPass, oddFail},
	{"markup-residue", Doc{"正文里残留的 HTML 标签或实体。", "HTML tags or entities left in the text."}, markupResidue, markupPass, markupFail},
	{"truncated", Doc{"结尾像是被截断：“阅读全文”、省略标记或没有收尾标点。", "The end looks cut: a read-more mark, or prose without a final mark."}, truncated, truncatedPass, truncatedFail},
	{"repeated-character", Doc{"同一个字符连续出现三十次以上。", "One character thirty times in a row or more."}, repeatedCharacter, charPass, charFail},
	{"repeated-lines", Doc{"重复出现的行占比过高。", "Too large a share of lines that were there before."}, repeatedLines, linesPass, linesFail},
	{"repeated-phrases", Doc{"十三字以上的重复片段占比过高。", "Too large a share of repeated runs of thirteen characters."}, repeatedPhrases, phrasesPass, phrasesFail},
	{"error-page", Doc{"这不是文章，而是出错页、登录页或要求开启脚本的页面。", "Not an article but an error, login or enable-JavaScript page."}, errorPage, errorPass, errorFail},
	{"advertising", Doc{"推广、引流和版权声明等套话。", "Phrases of promotion, follow-me and copyright boxes."}, advertising, adsPass, adsFail},
	{"reposted", Doc{"文中写明转载、摘录或译自别处，权利可能不属于页面作者。", "The text says it is reposted, excerpted or translated; the rights may be another's."}, reposted, repostPass, repostFail},
	{"ai-written", Doc{"文中有语言模型的口头语，或写明由模型生成。", "Phrases of a language model, or a statement that one wrote it."}, aiWritten, aiPass, aiFail},
	{"personal-data", Doc{"手机号、身份证号、银行卡号、邮箱等个人信息。", "Mobile numbers, identity card numbers, bank cards, e-mail addresses."}, personalData, personalPass, personalFail},
	{"mostly-code", Doc{"代码占比高：多半是技术文章。", "Much of it is code: most likely a technical post."}, mostlyCode, codePass, codeFail},
	{"mostly-quotation", Doc{"大部分是引文，不是作者自己的文字。", "Most of it is quoted, not the author's own words."}, mostlyQuotation, quotePass, quoteFail},
	{"list-or-links", Doc{"大部分是清单或链接。", "Most of it is a list or links."}, listOrLinks, listPass, listFail},
	{"language", Doc{"不是本项目收集的语言，或与标明的语言不符。", "Not a language this project collects, or not the declared one."}, language, languagePass, languageFail},
	{"foreign-script", Doc{"夹杂大量其他文字。", "A large share of another script."}, foreignScript, scriptPass, scriptFail},
	{"classical", Doc{"像古文或已故名家的作品：发表日期新，文字未必新。", "Looks classical, or signed by an author long dead: a new page date does not make the text new."}, classical, classicalPass, classicalFail},
	{"punctuation", Doc{"引号、括号、书名号不成对。", "Quotation marks, brackets or title marks without their partner."}, punctuation, punctuationPass, punctuationFail},
}

// Check runs every rule and returns what they saw, in the order of [Rules].
func Check(in Input) []Finding {
	var found []Finding
	for _, r := range Rules {
		if f, ok := r.Check(in); ok {
			f.Rule = r.Name
			found = append(found, f)
		}
	}
	return found
}

// Checker returns the function an import calls on every source it is about to store. languages
// are the project's; none, or only empty ones, means zh and en.
func Checker(t *genre.Taxonomy, languages ...string) func(context.Context, *source.Source) []Finding {
	languages = slices.DeleteFunc(slices.Clone(languages), func(l string) bool { return l == "" })
	return func(_ context.Context, s *source.Source) []Finding {
		in := Input{
			Text: s.Text, Title: s.Title, Author: s.Author,
			Language: s.Language, Genre: s.Genre, Languages: languages,
		}
		if g, ok := t.Get(s.Genre); ok {
			in.Range = g.Article
		}
		return Check(in)
	}
}

// found makes a finding; the message key is rule.<key>, and args come as name, value pairs.
func found(level, key, excerpt string, args ...string) (Finding, bool) {
	f := Finding{Level: level, Message: "rule." + key, Excerpt: text.Excerpt(excerpt, 80)}
	if len(args) > 0 {
		f.Args = map[string]string{}
		for i := 0; i+1 < len(args); i += 2 {
			f.Args[args[i]] = args[i+1]
		}
	}
	return f, true
}

func nothing() (Finding, bool) { return Finding{}, false }
