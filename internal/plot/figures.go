package plot

import (
	"image/color"
	"math"
	"strconv"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Cell of a matrix: a share from 0 to 1 that gives the colour, and up to two lines of text.
type Cell struct {
	Share  float64 // NaN: no cell
	Upper  string
	Lower  string
	Strong bool // set the upper line larger: the finding stands after correction
}

// Matrix draws cells, rows against columns: blue where the share is high, orange where it is low, white
// at one half. Rows are low where no cell has a second line.
func Matrix(title, note string, rows, columns []string, cells [][]Cell, theme Theme) *Figure {
	n, m := float64(len(rows)), float64(len(columns))
	tall := false
	for _, row := range cells {
		for _, c := range row {
			tall = tall || c.Lower != ""
		}
	}
	height, upper := 22.0, vg.Length(9)
	if tall {
		height, upper = 46, 11
	}
	f := newFigure(title, theme, 110+longestOf(rows)*6.5+m*86, 120+n*height)
	f.p.X.Label.Text = note
	f.p.X.Tick.Marker, f.p.Y.Tick.Marker = nominal(columns), nominal(reversed(rows))
	f.p.X.Min, f.p.X.Max, f.p.Y.Min, f.p.Y.Max = -0.5, m-0.5, -0.5, n-0.5
	f.p.X.Tick.Length, f.p.Y.Tick.Length = 0, 0
	if longest := longestOf(columns); longest*5.2 > 82 { // names that would run into each other stand aslant
		f.p.X.Tick.Label.Rotation = 0.45
		f.p.X.Tick.Label.XAlign, f.p.X.Tick.Label.YAlign = draw.XRight, draw.YCenter
		f.height += vg.Length(longest * 2.6)
		f.width += vg.Length(longest * 2.5)
	}
	f.p.Add(painter(func(c draw.Canvas, p *gonum.Plot) {
		x, y := p.Transforms(&c)
		for i, row := range cells {
			for j, cell := range row {
				if math.IsNaN(cell.Share) {
					continue
				}
				left, right := x(float64(j)-0.48), x(float64(j)+0.48)
				low, high := y(n-1-float64(i)-0.47), y(n-1-float64(i)+0.47)
				fill := diverging(cell.Share)
				c.FillPolygon(fill, []vg.Point{{X: left, Y: low}, {X: right, Y: low}, {X: right, Y: high}, {X: left, Y: high}})
				ink := readable(fill)
				mid, size, at := (left+right)/2, upper, (low+high)/2
				if cell.Strong {
					size += 2
				}
				if tall {
					write(c, 8, ink, mid, at-11, draw.XCenter, cell.Lower)
					at += 5
				}
				write(c, size, ink, mid, at, draw.XCenter, cell.Upper)
			}
		}
	}))
	return f
}

// A Point of a forest plot.
type Point struct {
	Name   string
	Value  float64
	Lo, Hi float64 // NaN: no interval
	Text   string  // at the right edge
}

// Forest draws values with their intervals, one a row, best first, and a line at a value that means
// nothing (1000 for Elo, 0.5 for a share).
func Forest(title, axis string, points []Point, line float64, theme Theme) *Figure {
	names := make([]string, len(points))
	lo, hi := line, line
	for i, p := range points {
		names[i] = p.Name
		for _, x := range []float64{p.Value, p.Lo, p.Hi} {
			if !math.IsNaN(x) {
				lo, hi = min(lo, x), max(hi, x)
			}
		}
	}
	n := float64(len(points))
	f := newFigure(title, theme, 560, 90+n*28)
	f.p.X.Label.Text = axis
	f.p.Y.Tick.Marker, f.p.Y.Tick.Length = nominal(reversed(names)), 0
	pad := (hi - lo) * 0.06
	if pad == 0 {
		pad = 1
	}
	f.p.X.Min, f.p.X.Max, f.p.Y.Min, f.p.Y.Max = lo-pad, hi+pad*4, -0.6, n-0.4
	f.p.Add(painter(func(c draw.Canvas, p *gonum.Plot) {
		x, y := p.Transforms(&c)
		rule := draw.LineStyle{Color: theme.Line, Width: 1}
		c.StrokeLines(rule, []vg.Point{{X: x(line), Y: c.Min.Y}, {X: x(line), Y: c.Max.Y}})
		for i, pt := range points {
			at := y(n - 1 - float64(i))
			if !math.IsNaN(pt.Lo) && !math.IsNaN(pt.Hi) {
				c.StrokeLines(draw.LineStyle{Color: theme.Ink, Width: 1.4}, []vg.Point{{X: x(pt.Lo), Y: at}, {X: x(pt.Hi), Y: at}})
			}
			c.DrawGlyph(draw.GlyphStyle{Color: theme.Accent, Radius: 3.6, Shape: draw.CircleGlyph{}}, vg.Point{X: x(pt.Value), Y: at})
			write(c, 9, theme.Soft, c.Max.X-2, at, draw.XRight, pt.Text)
		}
	}))
	return f
}

// A Box of a box plot; whiskers, quartiles and outliers are computed by the caller.
type Box struct {
	Name                      string
	Low, Q1, Median, Mean, Q3 float64
	High                      float64
	Outliers                  []float64
	N                         int
	MeanLo, MeanHi            float64
}

// Boxes draws a box plot, one box a row: the box holds the middle half, the line is the median, the dot
// the mean. Outliers so far out that they would squeeze the boxes are counted at the right edge.
func Boxes(title, axis string, boxes []Box, theme Theme) *Figure {
	names := make([]string, len(boxes))
	lo, hi, far := math.Inf(1), math.Inf(-1), math.Inf(-1)
	for i, b := range boxes {
		names[i] = b.Name
		if b.N == 0 || math.IsNaN(b.Low) {
			continue
		}
		lo, hi, far = min(lo, b.Low), max(hi, b.High, b.Mean), max(far, b.High)
		for _, o := range b.Outliers {
			lo, far = min(lo, o), max(far, o)
		}
	}
	if math.IsInf(lo, 0) {
		lo, hi, far = 0, 1, 1
	}
	if reach := hi + 0.6*(hi-lo); far > reach {
		hi = reach
	} else {
		hi = far
	}
	n := float64(len(boxes))
	f := newFigure(title, theme, 620, 90+n*30)
	f.p.X.Label.Text = axis
	f.p.Y.Tick.Marker, f.p.Y.Tick.Length = nominal(reversed(names)), 0
	pad := max((hi-lo)*0.04, 1e-9)
	f.p.X.Min, f.p.X.Max, f.p.Y.Min, f.p.Y.Max = lo-pad, hi+pad*2, -0.6, n-0.4
	f.p.Add(painter(func(c draw.Canvas, p *gonum.Plot) {
		x, y := p.Transforms(&c)
		ink := draw.LineStyle{Color: theme.Ink, Width: 1}
		for i, b := range boxes {
			if b.N == 0 || math.IsNaN(b.Q1) {
				continue
			}
			at := n - 1 - float64(i)
			mid, low, high := y(at), y(at-0.28), y(at+0.28)
			c.StrokeLines(ink, []vg.Point{{X: x(b.Low), Y: mid}, {X: x(b.Q1), Y: mid}}, []vg.Point{{X: x(b.Q3), Y: mid}, {X: x(b.High), Y: mid}})
			box := []vg.Point{{X: x(b.Q1), Y: low}, {X: x(b.Q3), Y: low}, {X: x(b.Q3), Y: high}, {X: x(b.Q1), Y: high}, {X: x(b.Q1), Y: low}}
			c.FillPolygon(theme.Fill, box)
			c.StrokeLines(ink, box, []vg.Point{{X: x(b.Median), Y: low}, {X: x(b.Median), Y: high}})
			c.DrawGlyph(draw.GlyphStyle{Color: theme.Accent, Radius: 2.8, Shape: draw.CircleGlyph{}}, vg.Point{X: x(b.Mean), Y: mid})
			beyond, farthest := 0, 0.0
			for _, o := range b.Outliers {
				if o > hi {
					beyond, farthest = beyond+1, max(farthest, o)
					continue
				}
				c.DrawGlyph(draw.GlyphStyle{Color: theme.Soft, Radius: 1.6, Shape: draw.RingGlyph{}}, vg.Point{X: x(o), Y: mid})
			}
			if beyond > 0 {
				write(c, 8.5, theme.Soft, c.Max.X-2, high+1, draw.XRight, "+"+strconv.Itoa(beyond)+" → "+strconv.FormatFloat(farthest, 'g', 6, 64))
			}
		}
	}))
	return f
}

// A Stack is one bar of shares that sum to 1.
type Stack struct {
	Name   string
	Shares []float64
}

// Stacked draws bars of shares, one a row, with a legend above.
func Stacked(title string, parts []string, stacks []Stack, theme Theme) *Figure {
	names := make([]string, len(stacks))
	for i, s := range stacks {
		names[i] = s.Name
	}
	n := float64(len(stacks))
	f := newFigure(title, theme, 600, 130+n*30)
	f.p.Y.Tick.Marker, f.p.Y.Tick.Length = nominal(reversed(names)), 0
	f.p.X.Min, f.p.X.Max, f.p.Y.Min, f.p.Y.Max = 0, 100, -0.6, n+0.5
	f.p.X.Label.Text = "%"
	f.p.Add(painter(func(c draw.Canvas, p *gonum.Plot) {
		x, y := p.Transforms(&c)
		at := c.Min.X
		colour := func(k int) color.Color { // the first part is the rest, and recedes
			if k == 0 {
				return theme.Line
			}
			return Series[(k-1)%len(Series)]
		}
		for k, part := range parts {
			top := y(n) + 4
			c.FillPolygon(colour(k), []vg.Point{{X: at, Y: top - 4}, {X: at + 9, Y: top - 4}, {X: at + 9, Y: top + 5}, {X: at, Y: top + 5}})
			write(c, 9.5, theme.Ink, at+13, top, draw.XLeft, part)
			at += vg.Length(24 + widthOf(part)*5.6)
		}
		for i, s := range stacks {
			from := 0.0
			for k, share := range s.Shares {
				to := from + 100*share
				low, high := y(n-1-float64(i)-0.34), y(n-1-float64(i)+0.34)
				fill := colour(k)
				c.FillPolygon(fill, []vg.Point{{X: x(from), Y: low}, {X: x(to), Y: low}, {X: x(to), Y: high}, {X: x(from), Y: high}})
				if share > 0.06 {
					write(c, 8.5, readable(fill), (x(from)+x(to))/2, (low+high)/2, draw.XCenter, percent(share))
				}
				from = to
			}
		}
	}))
	return f
}

// painter makes a plotter of a function.
type painter func(draw.Canvas, *gonum.Plot)

// Plot draws on the canvas.
func (f painter) Plot(c draw.Canvas, p *gonum.Plot) { f(c, p) }

func nominal(names []string) gonum.ConstantTicks {
	ticks := make(gonum.ConstantTicks, len(names))
	for i, name := range names {
		ticks[i] = gonum.Tick{Value: float64(i), Label: name}
	}
	return ticks
}

func reversed(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[len(names)-1-i] = n
	}
	return out
}

// widthOf is a text's width in half characters: Chinese is two wide.
func widthOf(s string) float64 {
	n := 0.0
	for _, r := range s {
		if r >= 0x2E80 {
			n++
		}
		n++
	}
	return n
}

func longestOf(names []string) float64 {
	n := 0.0
	for _, s := range names {
		n = max(n, widthOf(s))
	}
	return n
}

// diverging goes from orange (0) over white (one half) to blue (1).
func diverging(share float64) color.Color {
	low, mid, high := [3]float64{0xD9, 0x7B, 0x29}, [3]float64{0xF7, 0xF5, 0xF0}, [3]float64{0x2C, 0x6F, 0xAE}
	from, to, t := low, mid, share*2
	if share > 0.5 {
		from, to, t = mid, high, share*2-1
	}
	at := func(i int) uint8 { return uint8(math.Round(from[i] + (to[i]-from[i])*min(max(t, 0), 1))) }
	return color.RGBA{at(0), at(1), at(2), 0xFF}
}

// readable is the ink that stands out on a colour: black or white by its luminance.
func readable(c color.Color) color.Color {
	r, g, b, _ := c.RGBA()
	if 0.2126*float64(r)+0.7152*float64(g)+0.0722*float64(b) > 0.42*0xFFFF {
		return rgb(0x1F1D1A)
	}
	return rgb(0xFFFFFF)
}

func percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 0, 64) + "%" }

// A Bar of a bar chart.
type Bar struct {
	Name  string
	Value float64
	Text  string // at its end
	Group int    // colours follow it
}

// Bars draws horizontal bars from zero, the first on top.
func Bars(title, axis string, bars []Bar, theme Theme) *Figure {
	names := make([]string, len(bars))
	most := 0.0
	for i, b := range bars {
		names[i], most = b.Name, max(most, b.Value)
	}
	n := float64(len(bars))
	row := 24.0
	if n > 20 {
		row = 15
	}
	f := newFigure(title, theme, 620, 90+n*row)
	f.p.X.Label.Text = axis
	f.p.Y.Tick.Marker, f.p.Y.Tick.Length = nominal(reversed(names)), 0
	if n > 20 {
		f.p.Y.Tick.Label.Font.Size = 8.5
	}
	f.p.X.Min, f.p.X.Max, f.p.Y.Min, f.p.Y.Max = 0, max(most, 1)*1.16, -0.6, n-0.4
	f.p.Add(painter(func(c draw.Canvas, p *gonum.Plot) {
		x, y := p.Transforms(&c)
		for i, b := range bars {
			at := n - 1 - float64(i)
			low, high := y(at-0.36), y(at+0.36)
			c.FillPolygon(Series[b.Group%len(Series)], []vg.Point{{X: x(0), Y: low}, {X: x(b.Value), Y: low}, {X: x(b.Value), Y: high}, {X: x(0), Y: high}})
			write(c, 8.5, theme.Soft, x(b.Value)+4, (low+high)/2, draw.XLeft, b.Text)
		}
	}))
	return f
}

// LogHistogram draws how often values fall between edges that grow by a factor, a line a series.
func LogHistogram(title, axis string, parts []string, edges []float64, counts [][]int, theme Theme) *Figure {
	f := newFigure(title, theme, 600, 320)
	f.p.X.Label.Text = axis
	f.p.X.Scale = gonum.LogScale{}
	f.p.X.Tick.Marker = gonum.LogTicks{Prec: -1}
	most, first, last := 1, len(edges)-1, 0
	for _, series := range counts {
		for i, n := range series {
			most = max(most, n)
			if n > 0 {
				first, last = min(first, i), max(last, i+1)
			}
		}
	}
	if first >= last {
		first, last = 0, len(edges)-1
	}
	f.p.X.Min, f.p.X.Max, f.p.Y.Min, f.p.Y.Max = edges[first], edges[last], 0, float64(most)*1.15
	f.p.Add(painter(func(c draw.Canvas, p *gonum.Plot) {
		x, y := p.Transforms(&c)
		at := c.Min.X + 8
		for k, series := range counts {
			var steps []vg.Point
			for i := first; i < last; i++ {
				steps = append(steps, vg.Point{X: x(edges[i]), Y: y(float64(series[i]))}, vg.Point{X: x(edges[i+1]), Y: y(float64(series[i]))})
			}
			c.StrokeLines(draw.LineStyle{Color: Series[k%len(Series)], Width: 1.8}, steps)
			top := c.Max.Y - 8
			c.FillPolygon(Series[k%len(Series)], []vg.Point{{X: at, Y: top - 4}, {X: at + 9, Y: top - 4}, {X: at + 9, Y: top + 5}, {X: at, Y: top + 5}})
			write(c, 9.5, theme.Ink, at+13, top, draw.XLeft, parts[k])
			at += vg.Length(24 + widthOf(parts[k])*5.6)
		}
	}))
	return f
}

// Lines draws series over their index, each named at its end.
func Lines(title, axis string, names []string, series [][]float64, theme Theme) *Figure {
	lo, hi, most := math.Inf(1), math.Inf(-1), 1
	for _, s := range series {
		most = max(most, len(s)-1)
		for _, x := range s {
			lo, hi = min(lo, x), max(hi, x)
		}
	}
	if math.IsInf(lo, 0) {
		lo, hi = 0, 1
	}
	f := newFigure(title, theme, 640, 340)
	f.p.X.Label.Text = axis
	pad := max((hi-lo)*0.08, 1e-9)
	f.p.X.Min, f.p.X.Max, f.p.Y.Min, f.p.Y.Max = 0, float64(most)*1.22, lo-pad, hi+pad
	f.p.Add(painter(func(c draw.Canvas, p *gonum.Plot) {
		x, y := p.Transforms(&c)
		for k, s := range series {
			var line []vg.Point
			step := max(1, len(s)/2000) // more points than pixels say nothing
			for i := 0; i < len(s); i += step {
				line = append(line, vg.Point{X: x(float64(i)), Y: y(s[i])})
			}
			if len(s) == 0 {
				continue
			}
			last := vg.Point{X: x(float64(len(s) - 1)), Y: y(s[len(s)-1])}
			c.StrokeLines(draw.LineStyle{Color: Series[k%len(Series)], Width: 1.4}, append(line, last))
			write(c, 9, theme.Ink, last.X+5, last.Y, draw.XLeft, names[k])
		}
	}))
	return f
}

// A Dot of a scatter plot.
type Dot struct {
	Name string
	X, Y float64
}

// Scatter draws named dots and, for three or more, the line of least squares.
func Scatter(title, xAxis, yAxis string, dots []Dot, theme Theme) *Figure {
	f := newFigure(title, theme, 560, 360)
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
	xpad, ypad := max((xhi-xlo)*0.15, 1e-6), max((yhi-ylo)*0.12, 1e-6)
	f.p.X.Min, f.p.X.Max, f.p.Y.Min, f.p.Y.Max = xlo-xpad, xhi+xpad*1.6, ylo-ypad, yhi+ypad
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
		for _, d := range dots {
			c.DrawGlyph(draw.GlyphStyle{Color: theme.Accent, Radius: 3.4, Shape: draw.CircleGlyph{}}, vg.Point{X: x(d.X), Y: y(d.Y)})
			if at := x(d.X) + vg.Length(6+widthOf(d.Name)*5); at > c.Max.X { // a name that would run out stands left
				write(c, 9, theme.Ink, x(d.X)-6, y(d.Y), draw.XRight, d.Name)
			} else {
				write(c, 9, theme.Ink, x(d.X)+6, y(d.Y), draw.XLeft, d.Name)
			}
		}
	}))
	return f
}
