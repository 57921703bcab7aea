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
// at one half. Rows are low where no cell has a second line; columns are as wide as their texts need, so
// that a matrix of twenty models can still be read at the width of a page.
func Matrix(title, note string, rows, columns []string, cells [][]Cell, theme Theme) *Figure {
	n, m := float64(len(rows)), float64(len(columns))
	tall, need := false, 0.0
	for _, row := range cells {
		for _, c := range row {
			tall = tall || c.Lower != ""
			need = max(need, widthOf(c.Upper)*6.2, widthOf(c.Lower)*4.4)
		}
	}
	height, upper, wide := 22.0, vg.Length(9), min(max(need+8, 40), 96)
	if m <= 8 { // few columns leave room for their names
		wide = max(wide, min(longestOf(columns)*5.4+8, 130))
	}
	if tall {
		height, upper = 46, 11
		if need < 52 {
			height = 34
		}
	}
	f := newFigure(title, theme, 60+longestOf(rows)*6.5+m*wide, 120+n*height)
	f.p.X.Label.Text = note
	f.p.X.Tick.Marker, f.p.Y.Tick.Marker = nominal(columns), nominal(reversed(rows))
	f.p.X.Min, f.p.X.Max, f.p.Y.Min, f.p.Y.Max = -0.5, m-0.5, -0.5, n-0.5
	f.p.X.Tick.Length, f.p.Y.Tick.Length = 0, 0
	if longest := longestOf(columns); longest*5.2 > wide-4 { // names that would run into each other stand aslant
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
					write(c, 8, ink, mid, at-vg.Length(height*0.22), draw.XCenter, cell.Lower)
					at += vg.Length(height * 0.14)
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
		colour := func(k int) color.Color { // the first part is the rest, and recedes
			if k == 0 {
				return theme.Line
			}
			return series(k - 1)
		}
		legend(c, c.Min.X, y(n)+4, theme.Ink, parts, colour)
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
		ticks[i] = gonum.Tick{Value: float64(i), Label: short(name)}
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
		n = max(n, widthOf(short(s)))
	}
	return n
}

// short is a name as figures show it.
func short(name string) string { return shortened(name, 44) }

// shortened cuts out the middle of what is wider than so many half characters: checkpoints of one model
// differ at their ends.
func shortened(name string, most float64) string {
	if widthOf(name) <= most {
		return name
	}
	letters := []rune(name)
	from, to, left := 0, len(letters), most-2
	for {
		if left -= widthOf(string(letters[from])); left < 0 {
			break
		}
		from++
		if left -= widthOf(string(letters[to-1])); left < 0 {
			break
		}
		to--
	}
	return string(letters[:from]) + "…" + string(letters[to:])
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
