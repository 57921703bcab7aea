package analysis

import (
	"encoding/json"
	"math"

	"coigwriter/internal/stats"
)

// A Number is a figure that may be undefined: NaN is null in JSON and a dash in tables.
type Number float64

// MarshalJSON writes an undefined number as null.
func (n Number) MarshalJSON() ([]byte, error) {
	if x := float64(n); math.IsNaN(x) || math.IsInf(x, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// Defined reports whether there is a number.
func (n Number) Defined() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

// An Interval is a 95% interval of a figure.
type Interval struct {
	Lo Number `json:"lo"`
	Hi Number `json:"hi"`
}

func intervalOf(i stats.Interval) Interval { return Interval{Number(i.Lo), Number(i.Hi)} }
