package plot

import (
	"image/color"
	"math"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Curve is a named series of points in order of X. Y that is not a number is a gap.
type Curve struct {
	Name string
	X, Y []float64
}

// smoothFrom is the number of points from which a curve is drawn faint under its trailing mean.
const smoothFrom = 60

// Window is over how many points [Curves] takes the trailing mean of so many; 1 for none.
func Window(points int) int {
	if points < smoothFrom {
		return 1
	}
	return max(2, points/30)
}

// Curves draws series over X on one scale, named above. Of a long one the points are faint and
// their trailing mean is bold.
func Curves(title, xAxis, yAxis string, curves []Curve, theme Theme) *Figure {
	var names []string
	lo, hi, far := math.Inf(1), math.Inf(-1), 1.0
	for _, c := range curves {
		names = append(names, c.Name)
		for i, y := range c.Y {
			far = max(far, c.X[i])
			if !math.IsNaN(y) && !math.IsInf(y, 0) {
				lo, hi = min(lo, y), max(hi, y)
			}
		}
	}
	if math.IsInf(lo, 0) {
		lo, hi = 0, 1
	}
	f := newFigure(title, theme, max(640, 60+float64(len(names))*20+totalOf(names)*5.2), 360)
	f.p.X.Label.Text, f.p.Y.Label.Text = xAxis, yAxis
	span := max(hi-lo, 1e-9)
	f.p.X.Min, f.p.X.Max, f.p.Y.Min, f.p.Y.Max = 0, far, lo-span*0.06, hi+span*0.16
	f.p.Add(painter(func(c draw.Canvas, p *gonum.Plot) {
		x, y := p.Transforms(&c)
		shown := make([]string, len(names))
		for k, n := range names {
			shown[k] = short(n)
		}
		legend(c, c.Min.X+6, y(hi+span*0.1), theme.Ink, shown, series)
		at := func(s Curve, ys []float64) [][]vg.Point {
			step := max(1, len(ys)/2000) // more points than pixels say nothing
			runs := [][]vg.Point{nil}
			for i := range ys {
				last := len(runs) - 1
				switch {
				case math.IsNaN(ys[i]) || math.IsInf(ys[i], 0):
					if runs[last] != nil {
						runs = append(runs, nil)
					}
				case i%step == 0 || i == len(ys)-1:
					runs[last] = append(runs[last], vg.Point{X: x(s.X[i]), Y: y(ys[i])})
				}
			}
			return runs
		}
		for k, s := range curves { // the faint ones first: they must not cover a mean
			if Window(len(s.Y)) > 1 {
				stroke(c, draw.LineStyle{Color: faint(series(k)), Width: 0.7}, at(s, s.Y))
			}
		}
		for k, s := range curves {
			stroke(c, draw.LineStyle{Color: series(k), Width: 1.5}, at(s, trailing(s.Y, Window(len(s.Y)))))
		}
	}))
	return f
}

// totalOf is how wide the names stand beside one another, in letters.
func totalOf(names []string) float64 {
	sum := 0.0
	for _, n := range names {
		sum += widthOf(short(n))
	}
	return sum
}

func stroke(c draw.Canvas, style draw.LineStyle, lines [][]vg.Point) {
	for _, l := range lines {
		if len(l) == 1 { // a line of one point is nothing to see
			c.DrawGlyph(draw.GlyphStyle{Color: style.Color, Radius: 1.6, Shape: draw.CircleGlyph{}}, l[0])
			continue
		}
		c.StrokeLines(style, l)
	}
}

// trailing is the mean of each point and those before it, at most n in all; gaps are left out.
func trailing(ys []float64, n int) []float64 {
	out := make([]float64, len(ys))
	for i := range ys {
		sum, count := 0.0, 0
		for _, y := range ys[max(0, i-n+1) : i+1] {
			if !math.IsNaN(y) && !math.IsInf(y, 0) {
				sum, count = sum+y, count+1
			}
		}
		out[i] = math.NaN()
		if count > 0 {
			out[i] = sum / float64(count)
		}
	}
	return out
}

func faint(c color.Color) color.Color {
	r, g, b, _ := c.RGBA()
	return color.NRGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 0x55}
}
