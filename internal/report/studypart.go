package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"coigwriter/internal/record"
	"coigwriter/internal/table"
)

// studiesPart is the plans, and what became of them.
func (b *build) studiesPart(d *document) *part {
	p := d.part("studies", "计划、偏离与排除", "Plans, deviations and exclusions")
	for _, s := range b.studies {
		p.Blocks = append(p.Blocks, block{Heading: s.Name})
		for _, t := range s.tables(d.Lang) {
			d.table(p, "", t)
		}
	}
	return p
}

// tables are a study's plan, rules, deviations, raters and judges.
func (s Study) tables(lang string) []*table.Table {
	plan := factTable(lang, s.Name+" · "+pick(lang, "计划", "plan")).As("plan-" + s.ID)
	for _, f := range [][2]string{
		{pick(lang, "方式", "kind"), s.kindIn(lang)},
		{pick(lang, "计划哈希", "hash of the plan"), s.PlanHash},
		{pick(lang, "冻结于", "frozen at"), s.FrozenAt},
		{pick(lang, "开始于", "opened at"), s.OpenedAt},
		{pick(lang, "结束于", "closed at"), s.ClosedAt},
		{pick(lang, "题集", "query set"), fmt.Sprint(s.Set.Name, " ", s.Set.Version)},
		{pick(lang, "题集哈希", "hash of the set"), s.Set.Hash},
	} {
		if f[1] != "" && f[1] != " " {
			plan.Add(f[0], f[1])
		}
	}
	for _, f := range flat("", s.Plan) {
		plan.Add(f[0], f[1])
	}
	out := []*table.Table{plan}
	if len(s.Rules) > 0 {
		t := table.New(s.Name+" · "+pick(lang, "规则与排除", "rules and exclusions"), table.Text(pick(lang, "规则", "rule")), table.Num(pick(lang, "次数", "count"))).As("rules-" + s.ID)
		for _, r := range s.Rules {
			t.Add(pick(lang, r.ZH, r.EN), r.Count)
		}
		out = append(out, t)
	}
	if len(s.Deviations) > 0 {
		t := table.New(s.Name+" · "+pick(lang, "偏离计划", "deviations from the plan"), table.Text(pick(lang, "时间", "when")), table.Text(pick(lang, "改了什么", "what")), table.Text(pick(lang, "为什么", "why"))).As("deviations-" + s.ID)
		for _, x := range s.Deviations {
			t.Add(x.At, x.What, x.Why)
		}
		out = append(out, t)
	}
	if len(s.Raters) > 0 {
		out = append(out, s.raterTable(lang))
	}
	if len(s.Judges) > 0 {
		t := table.New(s.Name+" · "+pick(lang, "评审模型", "model judges"), table.Text(pick(lang, "模型", "model")), table.Text(pick(lang, "提示词", "prompt")), table.Text(pick(lang, "版本", "version")), table.Text(pick(lang, "参数", "parameters")), table.Num(pick(lang, "对", "pairs")), table.Num(pick(lang, "换序即变", "flipped"))).As("judges-" + s.ID)
		t.Note = pick(lang, "每对按两种次序各问一次；说法不同的算平局", "each pair is asked in both orders; where they disagree it counts as a tie")
		for _, j := range s.Judges {
			t.Add(j.Model, j.Prompt, j.Version, compact(j.Parameters), j.Pairs, j.Flipped)
		}
		out = append(out, t)
	}
	return out
}

func (s Study) raterTable(lang string) *table.Table {
	t := table.New(s.Name+" · "+pick(lang, "评测员", "raters"), table.Text(pick(lang, "评测员", "rater")), table.Num(pick(lang, "判断", "judgements")), table.Num(pick(lang, "注意力题", "attention")), table.Num(pick(lang, "前后一致", "self-consistent")),
		table.Num(pick(lang, "中位秒数", "median seconds")), table.Num(pick(lang, "过快", "too fast")), table.Text(pick(lang, "排除", "excluded"))).As("study-raters-" + s.ID)
	t.Note = pick(lang, "注意力题与重复题写几分之几；快慢只是信号，不是排除的理由", "attention and repeated items as so many of so many; speed is a signal and no reason to exclude")
	of := func(k, n int) any {
		if n == 0 {
			return nil
		}
		return fmt.Sprintf("%d/%d", k, n)
	}
	for _, r := range s.Raters {
		var seconds, fast any
		if r.MedianSeconds != nil {
			seconds = *r.MedianSeconds
		}
		if r.FastShare != nil {
			fast = table.Percent(*r.FastShare)
		}
		excluded := ""
		if r.Excluded {
			excluded = pick(lang, "是", "yes")
			if r.Why != "" {
				excluded += pick(lang, "：", ": ") + r.Why
			}
		}
		t.Add(r.Pseudonym, r.Votes, of(r.AttentionPassed, r.AttentionN), of(r.SelfConsistent, r.RepeatN), seconds, fast, excluded)
	}
	return t
}

// flat are the members of a JSON object as lines, those of objects in it under their path; lists stand as
// they are.
func flat(path string, data json.RawMessage) (out [][2]string) {
	var m map[string]json.RawMessage
	if json.Unmarshal(data, &m) != nil {
		if len(data) > 0 && path != "" {
			out = append(out, [2]string{path, compact(data)})
		}
		return out
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		at := key
		if path != "" {
			at = path + "." + key
		}
		out = append(out, flat(at, m[key])...)
	}
	return out
}

// compact is JSON on one line, a text without its quotes.
func compact(data json.RawMessage) string {
	var s string
	if json.Unmarshal(data, &s) == nil {
		return s
	}
	var b bytes.Buffer
	if json.Compact(&b, data) != nil {
		return string(data)
	}
	return b.String()
}

// raterOf is who gave a vote, a ranking or a rating.
func raterOf(r any) string {
	switch r := r.(type) {
	case record.Vote:
		return r.Rater
	case record.Ranked:
		return r.Rater
	case record.Rating:
		return r.Rater
	}
	return ""
}
