package stats

import "math"

// Elo replays votes in their order and returns the ratings after each of them, starting from 1000:
// scale 400, base 10, ties and both-bad half a win. The result depends on the order, so it is a picture
// over time and never a ranking; [BradleyTerry] ranks.
func Elo(models int, votes []Vote, k float64) [][]float64 {
	now := make([]float64, models)
	for i := range now {
		now[i] = 1000
	}
	history := make([][]float64, len(votes))
	for i, v := range votes {
		expected := 1 / (1 + math.Pow(10, (now[v.Right]-now[v.Left])/400))
		got := 0.5
		switch v.Outcome {
		case LeftWins:
			got = 1
		case RightWins:
			got = 0
		}
		now[v.Left] += k * (got - expected)
		now[v.Right] -= k * (got - expected)
		history[i] = append([]float64(nil), now...)
	}
	return history
}
