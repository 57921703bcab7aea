package analysis

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"coigwriter/internal/genre"
	"coigwriter/internal/plot"
	"coigwriter/internal/record"
)

// Whatever records come, nothing panics, every table prints, and the document is JSON.
func FuzzCorpus(f *testing.F) {
	for _, s := range []string{
		`{"query_id":"1","language":"zh","genre":"诗歌","model_a":"x","model_b":"y","winner":"a","rater":"r","shown_first":"b","length_a":3,"length_b":1e300}` + "\n" + `{"query_id":"1","language":"zh","model_a":"x","model_b":"y","winner":"tie"}`,
		`{"query_id":"1","rater":"r","ranked":["x","y","z"]}` + "\n" + `{"query_id":"1","rater":"s","ranked":["z","x"]}`,
		`{"item_id":"1","rater":"r","score":1e308}` + "\n" + `{"item_id":"1","rater":"s","score":-1e308}` + "\n" + `{"query_id":"2","model":"m","genre":"g","rater":"s","score":3}`,
		`{"query_id":"1","model":"m","output":"雨停了。Then it 下 again。"}` + "\n" + `{"query_id":"1","model":"m","unit":1,"label":"self_reflection","refers_to":0}`,
		`{"id":"1","genre":"x","query":"q","thought":"t","answer":""}` + "\n" + `{"id":"2","prompt":"q"}`,
		`{"query_id":"1","model":"m","output":"</think></think>","usage":{"completion_tokens":-1}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, lines string) {
		c := NewCorpus(Options{Lang: "zh", Theme: plot.Dark, Bootstrap: 3, AtLeast: 2, Taxonomy: genre.Default()})
		for i, line := range strings.Split(lines, "\n") {
			r, ok, err := record.Decode(record.Raw{File: "f", Line: i + 1, Data: []byte(line)}, "m")
			if err == nil && ok {
				c.Add(r)
			}
		}
		results, err := c.Results()
		if err != nil {
			return // said in words, such as ratings on several dimensions
		}
		for _, r := range results {
			if _, err := json.Marshal(r.Doc); err != nil {
				t.Errorf("%s: %v", r.Name, err)
			}
			for _, x := range r.Tables {
				if err := x.Terminal(io.Discard); err != nil {
					t.Errorf("%s: %v", r.Name, err)
				}
			}
			for _, x := range r.Figures {
				if err := x.SVG(io.Discard); err != nil {
					t.Errorf("%s: %v", x.Name, err)
				}
			}
		}
	})
}
