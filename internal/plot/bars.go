package plot

import (
	"image/color"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Bar of a bar chart.
type Bar struct {
	Name  string
	Value float64
	Text  string // at its end
	Group int    // colours follow it
}

// Bars draws horizontal bars from zero, the first on top; groups, where given, name the colours.
func Bars(title, axis string, bars []Bar, groups []string, theme Theme) *Figure {
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
			c.FillPolygon(series(b.Group), []vg.Point{{X: x(0), Y: low}, {X: x(b.Value), Y: low}, {X: x(b.Value), Y: high}, {X: x(0), Y: high}})
			write(c, 8.5, theme.Soft, x(b.Value)+4, (low+high)/2, draw.XLeft, b.Text)
		}
		for k, g := range groups { // where bars are short, one under another
			legend(c, c.Max.X-120, c.Min.Y+vg.Length(len(groups)-k)*15, theme.Ink, []string{g}, func(int) color.Color { return series(k) })
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
	for _, values := range counts {
		for i, n := range values {
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
		for k, values := range counts {
			var steps []vg.Point
			for i := first; i < last; i++ {
				steps = append(steps, vg.Point{X: x(edges[i]), Y: y(float64(values[i]))}, vg.Point{X: x(edges[i+1]), Y: y(float64(values[i]))})
			}
			c.StrokeLines(draw.LineStyle{Color: series(k), Width: 1.8}, steps)
		}
		legend(c, c.Min.X+8, c.Max.Y-8, theme.Ink, parts, series)
	}))
	return f
}
