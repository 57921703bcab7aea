package evaluate

import (
	"encoding/json"
	"fmt"
	"slices"

	"coigwriter/internal/errs"
)

// A Words is a text in both languages of the pages.
type Words struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// In returns the text in a language.
func (w Words) In(lang string) string {
	if lang == "en" {
		return w.EN
	}
	return w.ZH
}

// A Dimension is one side of an answer that ratings mark, with what each mark means (paper section 2.4
// names the five and the range; the anchors are ours).
type Dimension struct {
	Key    string   `json:"key"`
	Name   Words    `json:"name"`
	Asks   Words    `json:"asks"`
	Levels [4]Words `json:"levels"` // of the marks 0 to 3
}

// MaxMark is the highest mark; the lowest is 0.
const MaxMark = 3

// Dimensions are the five sides of an answer, in the order of the form.
var Dimensions = []Dimension{
	{
		"content_quality",
		Words{"内容质量", "Content quality"},
		Words{"写得扎实吗：内容充实、前后一致、语言过关", "Is it sound: substance, consistency, command of language"},
		[4]Words{
			{"不成篇：残缺、跑题、语病多到读不下去", "No piece at all: broken off, off the point, or too faulty to read"},
			{"空泛或有硬伤：套话多，前后矛盾，要大改", "Thin or flawed: stock phrases, contradictions; needs rewriting"},
			{"可用：内容实在，通顺连贯，有小毛病", "Usable: real substance, coherent, small faults"},
			{"可发表：言之有物，结构稳，几乎挑不出毛病", "Publishable: substance, firm structure, next to nothing to mend"},
		},
	},
	{
		"creative_merit",
		Words{"创意", "Creative merit"},
		Words{"有没有新东西：构思、视角、意象、语言是不是自己的", "Is there something new: idea, view, images, a voice of its own"},
		[4]Words{
			{"照搬套路，看开头就知道结尾", "All formula: the end is plain from the start"},
			{"偶有亮点，整体仍是常见写法", "A bright spot or two in a usual treatment"},
			{"有自己的想法，而且撑得起全篇", "An idea of its own that carries the piece"},
			{"出人意料又合情理，读后记得住", "Unexpected and right; one remembers it"},
		},
	},
	{
		"cultural_appropriateness",
		Words{"文化得体", "Cultural appropriateness"},
		Words{"典故、习俗、称谓、语气合不合这个题目的文化背景", "Do allusions, customs, forms of address and tone fit the culture of the task"},
		[4]Words{
			{"有冒犯或明显的错误，熟悉这一文化的人无法接受", "Offensive or plainly wrong to those who know the culture"},
			{"有隔膜：用错典故、洋腔或时代错位", "Foreign to it: misused allusions, wrong register or era"},
			{"得体，没有错，但也没有用上", "Fitting, without faults and without much of it"},
			{"地道，背景成了作品的一部分", "At home in it; the culture is part of the work"},
		},
	},
	{
		"task_fulfilment",
		Words{"完成要求", "Task fulfilment"},
		Words{"题目要的体裁、长度、风格、主题和限制做到了多少", "How much of the genre, length, style, theme and limits asked for is there"},
		[4]Words{
			{"没有按题目写", "Does not do the task"},
			{"做到一部分，漏了重要的要求", "Does some of it and misses something that matters"},
			{"主要要求都做到，小处有出入", "Does what matters, with small departures"},
			{"全部做到", "Does all of it"},
		},
	},
	{
		"overall_preference",
		Words{"总体喜好", "Overall preference"},
		Words{"抛开分项，作为读者你有多愿意读到它", "The sides apart: how glad are you, as a reader, to have read it"},
		[4]Words{
			{"不愿读完", "Would not finish it"},
			{"读完了，不会推荐", "Finished it, would not pass it on"},
			{"愿意推荐给感兴趣的人", "Would pass it on to somebody interested"},
			{"会主动分享", "Would share it unasked"},
		},
	},
}

// rubricVersion identifies the dimensions and their anchors: the first eight hex digits of a SHA-256.
func rubricVersion() string {
	b, err := json.Marshal(Dimensions)
	if err != nil {
		panic(err) // texts always encode
	}
	return hashOf(string(b))[:8]
}

// checkMarks says which dimensions have no mark from 0 to 3, and which marks have no dimension.
func checkMarks(marks map[string]int) error {
	var bad []errs.Field
	for _, dim := range Dimensions {
		if m, ok := marks[dim.Key]; !ok || m < 0 || m > MaxMark {
			bad = append(bad, errs.Field{Name: dim.Key, Key: "evaluate.need_mark", Msg: fmt.Sprintf("mark it from 0 to %d", MaxMark)})
		}
	}
	for key := range marks {
		if !slices.ContainsFunc(Dimensions, func(d Dimension) bool { return d.Key == key }) {
			bad = append(bad, errs.Field{Name: key, Key: "settings.bad_choice", Msg: "is no dimension"})
		}
	}
	return errs.Fields(bad...)
}
