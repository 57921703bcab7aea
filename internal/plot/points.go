package plot

import (
	"cmp"
	"math"
	"slices"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Lines draws series over their index, each named at its end.
func Lines(title, axis string, names []string, lines [][]float64, theme Theme) *Figure {
	lo, hi, most := math.Inf(1), math.Inf(-1), 1
	for _, s := range lines {
		most = max(most, len(s)-1)
		for _, x := range s {
			lo, hi = min(lo, x), max(hi, x)
		}
	}
	if math.IsInf(lo, 0) {
		lo, hi = 0, 1
	}
	f := newFigure(title, theme, 560+longestOf(names)*5.2, max(340, float64(len(names))*14+80))
	f.p.X.Label.Text = axis
	pad := max((hi-lo)*0.08, 1e-9)
	f.p.X.Min, f.p.X.Max, f.p.Y.Min, f.p.Y.Max = 0, float64(most)*(1+longestOf(names)*5.2/500), lo-pad, hi+pad
	f.p.Add(painter(func(c draw.Canvas, p *gonum.Plot) {
		x, y := p.Transforms(&c)
		var ends []vg.Point
		var named []int
		for k, s := range lines {
			if len(s) == 0 {
				continue
			}
			var line []vg.Point
			step := max(1, len(s)/2000) // more points than pixels say nothing
			for i := 0; i < len(s); i += step {
				line = append(line, vg.Point{X: x(float64(i)), Y: y(s[i])})
			}
			last := vg.Point{X: x(float64(len(s) - 1)), Y: y(s[len(s)-1])}
			c.StrokeLines(draw.LineStyle{Color: series(k), Width: 1.4}, append(line, last))
			ends, named = append(ends, last), append(named, k)
		}
		for i, at := range apart(ends, 11) {
			if math.Abs(float64(at-ends[i].Y)) > 1 { // a name that had to move is tied to its line
				c.StrokeLines(draw.LineStyle{Color: series(named[i]), Width: 0.6}, []vg.Point{ends[i], {X: ends[i].X + 8, Y: at}})
			}
			write(c, 9, theme.Ink, ends[i].X+10, at, draw.XLeft, short(names[named[i]]))
		}
	}))
	return f
}

// apart returns heights near those of the points, no two closer than gap.
func apart(points []vg.Point, gap vg.Length) []vg.Length {
	out := make([]vg.Length, len(points))
	order := make([]int, len(points))
	for i, p := range points {
		out[i], order[i] = p.Y, i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(points[a].Y, points[b].Y) })
	for range 50 { // neighbours that are too close give way both
		moved := false
		for i := 1; i < len(order); i++ {
			if short := gap - (out[order[i]] - out[order[i-1]]); short > 0.01 {
				out[order[i]], out[order[i-1]] = out[order[i]]+short/2, out[order[i-1]]-short/2
				moved = true
			}
		}
		if !moved {
			break
		}
	}
	return out
}

// A Dot of a scatter plot.
type Dot struct {
	Name string
	X, Y float64
}

// Scatter draws named dots and, for three or more, the line of least squares. Names stand where they
// cover neither dots nor each other, as far as there is room.
func Scatter(title, xAxis, yAxis string, dots []Dot, theme Theme) *Figure {
	f := newFigure(title, theme, 620, 400)
	f.p.X.Label.Text, f.p.Y.Label.Text = xAxis, yAxis
	xlo, xhi, ylo, yhi := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	var mx, my float64
	for _, d := range dots {
		xlo, xhi, ylo, yhi = min(xlo, d.X), max(xhi, d.X), min(ylo, d.Y), max(yhi, d.Y)
		mx, my = mx+d.X/float64(len(dots)), my+d.Y/float64(len(dots))
	}
	if len(dots) == 0 {
		xlo, xhi, ylo, yhi = 0, 1, 0, 1
	}
	xpad, ypad := max((xhi-xlo)*0.2, 1e-6), max((yhi-ylo)*0.12, 1e-6)
	f.p.X.Min, f.p.X.Max, f.p.Y.Min, f.p.Y.Max = xlo-xpad, xhi+xpad*1.4, ylo-ypad, yhi+ypad
	var sxy, sxx float64
	for _, d := range dots {
		sxy, sxx = sxy+(d.X-mx)*(d.Y-my), sxx+(d.X-mx)*(d.X-mx)
	}
	f.p.Add(painter(func(c draw.Canvas, p *gonum.Plot) {
		x, y := p.Transforms(&c)
		if len(dots) > 2 && sxx > 0 {
			at := func(v float64) vg.Point { return vg.Point{X: x(v), Y: y(my + sxy/sxx*(v-mx))} }
			c.StrokeLines(draw.LineStyle{Color: theme.Soft, Width: 1, Dashes: []vg.Length{4, 3}}, c.ClipLinesXY([]vg.Point{at(xlo), at(xhi)})...)
		}
		var taken []vg.Rectangle
		for _, d := range dots {
			at := vg.Point{X: x(d.X), Y: y(d.Y)}
			taken = append(taken, around(at, 8, 8))
			c.DrawGlyph(draw.GlyphStyle{Color: theme.Accent, Radius: 3.4, Shape: draw.CircleGlyph{}}, at)
		}
		for _, d := range dots {
			sty, name := style(9, theme.Ink, draw.XCenter), short(d.Name)
			at := placed(vg.Point{X: x(d.X), Y: y(d.Y)}, sty.Width(name), c.Rectangle, taken)
			taken = append(taken, around(at, sty.Width(name), 11))
			c.FillText(sty, at, name)
		}
	}))
	return f
}

func around(at vg.Point, width, height vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: at.X - width/2, Y: at.Y - height/2}, Max: vg.Point{X: at.X + width/2, Y: at.Y + height/2}}
}

// placed is the middle of a name of that width near a dot, where it covers least of what is taken.
func placed(dot vg.Point, width vg.Length, page vg.Rectangle, taken []vg.Rectangle) vg.Point {
	best, least := dot, vg.Length(math.Inf(1))
	for far := vg.Length(1); far <= 3; far++ { // right, left, above, below, aslant; then farther off
		side, up := width/2+6, 11*far
		for _, by := range []vg.Point{{X: side}, {X: -side}, {Y: up}, {Y: -up}, {X: side, Y: up * 0.8}, {X: -side, Y: up * 0.8}, {X: side, Y: -up * 0.8}, {X: -side, Y: -up * 0.8}} {
			at := dot.Add(by)
			box := around(at, width, 11)
			covers := (far - 1) * 2 // near is better
			for _, t := range taken {
				w, h := min(box.Max.X, t.Max.X)-max(box.Min.X, t.Min.X), min(box.Max.Y, t.Max.Y)-max(box.Min.Y, t.Min.Y)
				if w > 0 && h > 0 {
					covers += w * h
				}
			}
			if box.Min.X < page.Min.X || box.Max.X > page.Max.X || box.Min.Y < page.Min.Y || box.Max.Y > page.Max.Y {
				covers += 1000
			}
			if covers < least {
				best, least = at, covers
			}
		}
	}
	return best
}
