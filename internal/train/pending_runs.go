package train

import "context"

func diagnose(_ Engine, _ string, code int) (string, string) { return exitWords(code), "" }

type Weights struct {
	Hash  string
	Bytes int64
}

func HashWeights(ctx context.Context, dir string) (Weights, error) { return Weights{}, nil }
