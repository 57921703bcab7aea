package llm

import (
	"context"
	"fmt"
	"time"
)

// A Found is a model server on this machine.
type Found struct {
	URL     string   `json:"url"`
	Flavour string   `json:"flavour"`
	Models  []string `json:"models"`
}

// UsualPorts are where model servers listen when nobody says otherwise: Ollama, vLLM, llama.cpp,
// SGLang.
var UsualPorts = []int{11434, 8000, 8080, 30000}

// Discover looks for model servers on this machine's loopback address, for a second at most.
func Discover(ctx context.Context, ports ...int) []Found {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	found := make([]*Found, len(ports))
	done := make(chan struct{})
	for i, port := range ports {
		go func() {
			defer func() { done <- struct{}{} }()
			base := fmt.Sprintf("http://127.0.0.1:%d/v1", port)
			c, err := NewClient(Endpoint{BaseURL: base, Model: "unknown"})
			if err != nil {
				return
			}
			defer c.Close()
			var p Probe
			seen := c.listModels(ctx, &p)
			if len(p.Models) == 0 {
				return
			}
			profile, _ := recognise(seen)
			found[i] = &Found{base, profile.Flavour, p.Models}
		}()
	}
	for range ports {
		<-done
	}
	var out []Found
	for _, f := range found {
		if f != nil {
			out = append(out, *f)
		}
	}
	return out
}
