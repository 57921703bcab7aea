package stats

import "math"

// Tau returns Kendall's tau-b between two lists of values of the same items (Kendall 1945): 1 for one
// order, -1 for the reverse. NaN where one list has no order.
func Tau(x, y []float64) float64 {
	agree, tiesX, tiesY, pairs := 0.0, 0.0, 0.0, 0.0
	for i := range x {
		for j := i + 1; j < len(x); j++ {
			pairs++
			a, b := sign(x[i]-x[j]), sign(y[i]-y[j])
			agree += a * b
			if a == 0 {
				tiesX++
			}
			if b == 0 {
				tiesY++
			}
		}
	}
	return agree / math.Sqrt((pairs-tiesX)*(pairs-tiesY))
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}
