package llm

import (
	"fmt"
	"testing"
	"time"

	"coigwriter/internal/dbtest"
)

// A question that is new to the store, against a server that answers at once: what asking costs.
func BenchmarkAsk(b *testing.B) {
	s, p := slowServer(b, time.Microsecond), askPrompt(b)
	d := dbtest.Open(b)
	c, err := NewClient(Endpoint{BaseURL: s.URL + "/v1", Model: "m"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		if _, _, err := Ask(b.Context(), d, c, p, askData{Text(fmt.Sprint(n, "雪落无声，他推开了门。"))}, About{"source", fmt.Sprint(n)}); err != nil {
			b.Fatal(err)
		}
	}
}
