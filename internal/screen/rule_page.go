package screen

import (
	"regexp"
	"strconv"
	"strings"

	"coigwriter/internal/source"
	"coigwriter/internal/text"
)

var errorWords = regexp.MustCompile(`(?i)404 ?not found|页面不存在|页面找不到|您访问的页面|该内容已被(?:发布者)?删除|此内容因违规|请(?:先)?登录后(?:查看|继续)|请输入验证码|安全验证|访问(?:过于)?频繁|` +
	`enable javascript|javascript (?:is )?(?:disabled|required)|(?:开启|启用|打开)(?:您的)?(?:浏览器的?)?javascript|checking your browser|access denied|we use cookies|accept (?:all )?cookies|接受(?:所有)?\s*cookie|域名(?:已过期|出售)`)

// A regular expression over a whole text costs a quarter of a millisecond, and nearly no text has
// any of these phrases; so each is asked for by a word it cannot do without first. The test
// TestHintsHideNothing holds the hints to the expressions.
var (
	errorHints  = []string{"404", "页面", "内容", "登录", "验证", "频繁", "javascript", "browser", "denied", "cookie", "域名"}
	adHints     = []string{"公众号", "扫", "长按", "原文", "点击", "转载", "版权", "未经", "责任编辑", "免责", "商务合作", "微信", "v信", "vx", "私信", "限时", "立即", "点赞", "一键三连", "求关注", "求打赏", "赞赏码", "优惠", "包邮", "淘口令", "许可"}
	repostHints = []string{"转", "摘", "节选", "整理自", "编译自", "译", "来源", "原文", "原作", "出处", "全文如下", "source", "published", "reposted", "translated"}
	aiHints     = []string{"ai", "人工智能", "artificial", "gpt", "claude", "gemini", "deepseek", "kimi", "文心一言", "通义千问", "豆包", "讯飞星火", "copilot", "大模型", "我无法", "large language"}
)

// mentions reports whether a text holds one of the words, in lower case.
func mentions(s string, words []string) bool {
	s = strings.ToLower(s)
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// errorPage looks at short texts only: a story may well talk about a page that is gone.
func errorPage(in Input) (Finding, bool) {
	n := text.Len(in.Text)
	if n > 800 || !mentions(in.Title+in.Text, errorHints) {
		return nothing()
	}
	m := errorWords.FindString(in.Title + "\n" + in.Text)
	if m == "" {
		return nothing()
	}
	level := source.LevelAsk
	if n < 300 {
		level = source.LevelRefuse
	}
	return found(level, "error-page", around(in.Text, m), "seen", m)
}

var adPhrases = regexp.MustCompile(`关注(?:我们的|我的|本)?(?:微信)?公众号|扫(?:描|一扫)(?:下方|上方|文末)?的?二维码|长按(?:识别|二维码)|阅读原文|点击(?:下方|上方)?(?:链接|按钮)(?:领取|购买|下单)|` +
	`转载请(?:注明|联系)|版权(?:声明|所有|归.{1,12}所有)|未经(?:授权|许可).{0,6}(?:转载|使用)|责任编辑|免责声明|商务合作|加(?:我)?(?:微信|V信|vx)|VX[:：]|私信领取|限时(?:优惠|特惠|抢购)|立即(?:购买|抢购|下单)|` +
	`点赞(?:、|\s)?(?:在看|收藏|投币)|一键三连|求(?:关注|点赞|打赏)|赞赏码|优惠(?:券|码)|包邮|淘口令|文章采用.{0,12}许可`)

func advertising(in Input) (Finding, bool) {
	if !mentions(in.Text, adHints) {
		return nothing()
	}
	kinds, first := map[string]bool{}, ""
	for _, m := range adPhrases.FindAllString(in.Text, -1) {
		kinds[m] = true
		if first == "" {
			first = m
		}
	}
	if len(kinds) == 0 {
		return nothing()
	}
	level := source.LevelNote
	// Three different phrases are a habit; in a long text they are its frame.
	if len(kinds) >= 3 && text.Len(in.Text) < 1500*len(kinds) {
		level = source.LevelAsk
	}
	return found(level, "advertising", around(in.Text, first), "n", strconv.Itoa(len(kinds)), "seen", first)
}

var repostWords = regexp.MustCompile(`(?m)(?:本文)?(?:转载|转自|转帖|摘自|摘录自|节选自|整理自|编译自|翻译自|译自)(?:自|于)?\s*[:：《“]|^\s*(?:来源|原文(?:链接|地址|作者)?|原作者?|译者|翻译|出处|文章来源)\s*[:：]\s*\S|转译如下|全文如下[:：]|本文系转载|\(转\)|（转）|【转】|\[转\]|` +
	`(?im)^(?:source|originally published|translated by|reposted from)\s*[:：]?\s+\S`)

// reposted looks at the head and the end, where people say whose text it is.
func reposted(in Input) (Finding, bool) {
	ends := headAndTail(in.Text, 400)
	if !mentions(in.Title+ends, repostHints) {
		return nothing()
	}
	if m := repostWords.FindString(in.Title + "\n" + ends); m != "" {
		return found(source.LevelAsk, "reposted", around(ends, m), "seen", strings.TrimSpace(m))
	}
	return nothing()
}

func headAndTail(s string, n int) string {
	rs := []rune(s)
	if len(rs) <= 2*n {
		return s
	}
	return string(rs[:n]) + "\n" + string(rs[len(rs)-n:])
}

const models = `(?:chatgpt|gpt-?[345]\w*|claude|gemini|deepseek|kimi|文心一言|通义千问|豆包|讯飞星火|copilot|大模型|人工智能|ai)`

var aiWords = regexp.MustCompile(`(?i)作为(?:一个|一名|一款)?(?:人工智能|ai)(?:语言)?(?:模型|助手)|as an? (?:ai|artificial intelligence)(?: language)? (?:model|assistant)|i am an? (?:ai|large) language model|` +
	`我(?:是|只是)(?:一个)?(?:人工智能|ai)(?:语言)?(?:模型|助手)|我无法(?:提供|生成|协助).{0,12}(?:内容|请求)|` +
	`(?:本文|文章|全文|内容|小说|诗歌?|正文|下文)(?:完全|均|都)?(?:由|是)\s*` + models + `.{0,8}(?:生成|撰写|创作|写的|编写|润色)|` +
	`(?:丢给|交给|喂给|让|请|用)\s*` + models + `[^。；;\n]{0,16}(?:写|生成|创作|产出)[^，。；;\n]{0,8}(?:这|一)(?:篇|首|部)|` +
	`(?:这|本)(?:篇|首|文).{0,12}(?:出自|来自)\s*` + models + `|(?:written|generated) by (?:chatgpt|gpt-?4|claude|gemini|an ai)`)

func aiWritten(in Input) (Finding, bool) {
	if !mentions(in.Text, aiHints) {
		return nothing()
	}
	m := aiWords.FindString(in.Text)
	if m == "" {
		return nothing()
	}
	return found(source.LevelAsk, "ai-written", around(in.Text, m), "seen", m)
}

var (
	errorPass  = Input{Text: prose}
	errorFail  = Input{Text: "抱歉，您访问的页面不存在。返回首页"}
	adsPass    = Input{Text: prose}
	adsFail    = Input{Text: prose + "\n转载请注明出处。扫描下方二维码，关注公众号，私信领取全集。"}
	repostPass = Input{Text: "编辑把稿子退回来，说转载的人太多，原作者反而没有人记得。" + prose}
	repostFail = Input{Text: prose + "\n\n来源：某某晚报"}
	aiPass     = Input{Text: "她在论文里写道，人工智能语言模型并不懂得告别。" + prose}
	aiFail     = Input{Text: "作为一个人工智能语言模型，我没有童年，但我可以想象一个。" + prose}
)
