package sample

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"io"
	"time"

	"coigwriter/internal/bench"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/record"
)

// benchmarkFiles are six queries and three writers' answers to them, our own as all the texts here are
// (CC0). No model wrote them: writer-a is meant to be good, writer-b plain, and writer-c to have the
// faults that one should see: a cut answer, one that slips into English, stock phrases.
//
//go:embed benchmark/*.jsonl
var benchmarkFiles embed.FS

// panelMarks are what the panel said: clarity, precision, difficulty, by query and login.
var panelMarks = []struct {
	query, login string
	marks        [3]int
	note         string
}{
	{"s1", "wen", [3]int{5, 5, 3}, ""},
	{"s1", "shen", [3]int{5, 4, 3}, ""},
	{"s2", "wen", [3]int{5, 5, 5}, "不出现“家”字这一条很好，一眼能验。"},
	{"s2", "fang", [3]int{4, 5, 4}, ""},
	{"s3", "shen", [3]int{4, 4, 3}, ""},
	{"s4", "shen", [3]int{5, 3, 2}, "“不夸张”各人理解不同，可以说得再具体些。"},
	{"s5", "wen", [3]int{5, 4, 4}, ""},
}

// benchmark adds a frozen set with answers, what the panel said of it, and a draft of the next one.
func (l *loader) benchmark(ctx context.Context) error {
	by := l.people["lu"]
	l.step(20 * time.Minute)
	var qs []record.Query
	err := eachOf("benchmark/queries.jsonl", func(raw record.Raw) error {
		q, err := record.DecodeQuery(raw)
		qs = append(qs, q)
		return err
	})
	if err != nil {
		return err
	}
	set, err := l.importSet(ctx, by, "sample", "六道中文题，示例用。", qs, true)
	if err != nil {
		return err
	}
	l.step(10 * time.Minute)
	var gs []record.Generation
	err = eachOf("benchmark/answers.jsonl", func(raw record.Raw) error {
		g, err := record.DecodeGeneration(raw, "")
		gs = append(gs, g)
		return err
	})
	if err != nil {
		return err
	}
	rep, err := bench.ImportAnswers(ctx, l.d, by, set.ID, gs)
	if err != nil {
		return err
	}
	if len(rep.Refused) > 0 {
		return rep.Refused[0].Err
	}
	ids := map[string]string{}
	stored, err := bench.Queries(ctx, l.d, set.ID)
	if err != nil {
		return err
	}
	for _, q := range stored {
		ids[q.Code] = q.ID
	}
	for _, m := range panelMarks {
		l.step(4 * time.Minute)
		if err := bench.Give(ctx, l.d, bench.Mark{QueryID: ids[m.query], PersonID: l.people[m.login], Clarity: m.marks[0], Precise: m.marks[1], Difficulty: m.marks[2], Note: m.note}); err != nil {
			return err
		}
	}
	l.step(10 * time.Minute)
	_, err = l.importSet(ctx, by, "下一批题", "还在写，欢迎改。", qs[:2], false)
	return err
}

func (l *loader) importSet(ctx context.Context, by, name, note string, qs []record.Query, freeze bool) (bench.Set, error) {
	set, refused, err := bench.ImportQueries(ctx, l.d, genre.Default(), by, name, note, qs, freeze)
	if err == nil && len(refused) > 0 {
		err = refused[0].Err
	}
	return set, err
}

func eachOf(name string, f func(record.Raw) error) error {
	data, err := benchmarkFiles.ReadFile(name)
	if err != nil {
		return err
	}
	r, err := record.NewReader(name, bytes.NewReader(data))
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		raw, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = f(raw)
		}
		if err != nil {
			return errs.Invalidf("%s: %w", name, err)
		}
	}
}
