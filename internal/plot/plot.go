// Package plot draws the figures of the program: heat maps of win rates, forest plots of strengths, box
// plots of lengths and measures, stacked bars. Data in, SVG and PNG out; Chinese labels come out
// everywhere, because SVG holds the outlines of its letters and PNG is drawn with the embedded font.
package plot

import (
	_ "embed"
	"fmt"
	"image/color"
	"io"
	"strconv"
	"sync"

	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A subset of Noto Sans SC: GB 2312, Latin and punctuation (SIL OFL 1.1, see font/OFL.txt).
//
//go:embed font/NotoSansSC-GB2312.ttf
var fontFile []byte

// face is the one typeface of all figures.
var face = font.Font{Typeface: "Noto Sans SC"}

var loadFont = sync.OnceValue(func() *opentype.Font {
	f, err := opentype.Parse(fontFile)
	if err != nil {
		panic(fmt.Sprintf("the embedded font: %v", err)) // it is part of the program
	}
	font.DefaultCache.Add([]font.Face{{Font: face, Face: f}})
	gonum.DefaultFont, plotter.DefaultFont = face, face
	return f
})

// A Theme is the colours of a figure: paper, ink and hairlines as on the pages.
type Theme struct {
	Paper, Ink, Soft, Line, Fill, Accent color.Color
}

// The themes.
var (
	Light = Theme{rgb(0xFBFAF7), rgb(0x1F1D1A), rgb(0x6B665E), rgb(0xDCD7CD), rgb(0x7FA6C9), rgb(0xB3392B)}
	Dark  = Theme{rgb(0x171614), rgb(0xE8E4DC), rgb(0xA39E95), rgb(0x3A3733), rgb(0x4F7FA8), rgb(0xE5826F)}
)

// Series are colours that people with any colour vision tell apart (Okabe and Ito 2008).
var Series = []color.Color{rgb(0x0072B2), rgb(0xE69F00), rgb(0x009E73), rgb(0xCC79A7), rgb(0x56B4E9), rgb(0xD55E00), rgb(0xF0E442), rgb(0x999999)}

func rgb(x uint32) color.Color {
	return color.RGBA{uint8(x >> 16), uint8(x >> 8), uint8(x), 0xFF}
}

// A Figure is a drawing of a certain size, in points.
type Figure struct {
	p             *gonum.Plot
	theme         Theme
	width, height vg.Length
}

// newFigure starts a figure with the look of all of them.
func newFigure(title string, theme Theme, width, height float64) *Figure {
	loadFont()
	p := gonum.New()
	f := &Figure{p, theme, vg.Length(width), vg.Length(height)}
	p.BackgroundColor = theme.Paper
	p.Title.Text = shortened(title, 110)
	p.Title.TextStyle.Font.Size, p.Title.TextStyle.Color = 13, theme.Ink
	p.Title.Padding = 8
	for _, a := range []*gonum.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font.Size, a.Label.TextStyle.Color = 10, theme.Soft
		a.Tick.Label.Font.Size, a.Tick.Label.Color = 9.5, theme.Ink
		a.Tick.Marker = plainTicks{}
		a.LineStyle.Color, a.Tick.LineStyle.Color = theme.Line, theme.Line
	}
	p.Y.Tick.Label.YAlign = -0.34 // the middle of digits and of Chinese stands at the tick, not the middle of the line
	return f
}

// plainTicks are gonum's ticks with labels as short as the numbers are.
type plainTicks struct{}

// Ticks returns the ticks of an axis.
func (plainTicks) Ticks(low, high float64) []gonum.Tick {
	ticks := gonum.DefaultTicks{}.Ticks(low, high)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = strconv.FormatFloat(ticks[i].Value, 'g', 6, 64)
		}
	}
	return ticks
}

// fit makes the figure as wide as its title and the words under its axis need.
func (f *Figure) fit() {
	names := vg.Length(0)
	for _, t := range f.p.Y.Tick.Marker.Ticks(f.p.Y.Min, f.p.Y.Max) {
		names = max(names, f.p.Y.Tick.Label.Width(t.Label))
	}
	f.width = max(f.width, f.p.Title.TextStyle.Width(f.p.Title.Text)+48, f.p.X.Label.TextStyle.Width(f.p.X.Label.Text)+names+60)
}

func (f *Figure) draw(c vg.CanvasSizer) {
	dc := draw.New(c)
	dc.SetColor(f.theme.Paper)
	dc.Fill(dc.Rectangle.Path())
	f.p.Draw(draw.Crop(dc, 12, -16, 10, -10))
}

// PNG writes the figure at two pixels a point.
func (f *Figure) PNG(w io.Writer) error {
	f.fit()
	c := vgimg.NewWith(vgimg.UseWH(f.width, f.height), vgimg.UseDPI(144))
	f.draw(c)
	_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(w)
	return err
}

// SVG writes the figure with its letters as outlines, so that it looks the same where no Chinese font is
// installed.
func (f *Figure) SVG(w io.Writer) error {
	f.fit()
	c := vgsvg.New(f.width, f.height)
	f.draw(&outlined{CanvasSizer: c, font: loadFont()})
	_, err := c.WriteTo(w)
	return err
}

// outlined draws text as the shapes of its letters.
type outlined struct {
	vg.CanvasSizer
	font *opentype.Font
}

// FillString draws the outlines of the letters of s.
func (o *outlined) FillString(f font.Face, pt vg.Point, s string) {
	var buf sfnt.Buffer
	size := fixed.Int26_6(f.Font.Size.Points() * 64)
	x := pt.X
	var path vg.Path
	at := func(p fixed.Point26_6) vg.Point {
		return vg.Point{X: x + vg.Length(p.X)/64, Y: pt.Y - vg.Length(p.Y)/64}
	}
	for _, r := range s {
		g, err := o.font.GlyphIndex(&buf, r)
		if err != nil {
			continue
		}
		segments, err := o.font.LoadGlyph(&buf, g, size, nil)
		if err != nil {
			continue
		}
		open := false
		for _, seg := range segments {
			switch seg.Op {
			case sfnt.SegmentOpMoveTo:
				if open {
					path.Close()
				}
				path.Move(at(seg.Args[0]))
				open = true
			case sfnt.SegmentOpLineTo:
				path.Line(at(seg.Args[0]))
			case sfnt.SegmentOpQuadTo:
				path.QuadTo(at(seg.Args[0]), at(seg.Args[1]))
			case sfnt.SegmentOpCubeTo:
				path.CubeTo(at(seg.Args[0]), at(seg.Args[1]), at(seg.Args[2]))
			}
		}
		if open {
			path.Close()
		}
		if advance, err := o.font.GlyphAdvance(&buf, g, size, 0); err == nil {
			x += vg.Length(advance) / 64
		}
	}
	o.Fill(path)
}

// style is the look of a text; its letters have their middle at the point where it is set, which is not
// the middle of the line.
func style(size vg.Length, col color.Color, align draw.XAlignment) draw.TextStyle {
	return draw.TextStyle{Color: col, Font: font.From(face, size), XAlign: align, YAlign: -0.142, Handler: gonum.DefaultTextHandler}
}

// write sets text at a point of a canvas.
func write(c draw.Canvas, size vg.Length, col color.Color, x, y vg.Length, align draw.XAlignment, s string) {
	c.FillText(style(size, col, align), vg.Point{X: x, Y: y}, s)
}

// legend writes the names of parts from x on, each behind a square of its colour.
func legend(c draw.Canvas, x, y vg.Length, ink color.Color, parts []string, colour func(int) color.Color) {
	for k, part := range parts {
		square := []vg.Point{{X: x, Y: y - 4.5}, {X: x + 9, Y: y - 4.5}, {X: x + 9, Y: y + 4.5}, {X: x, Y: y + 4.5}}
		c.FillPolygon(colour(k), square)
		sty := style(9.5, ink, draw.XLeft)
		c.FillText(sty, vg.Point{X: x + 13, Y: y}, part)
		x += 28 + sty.Width(part)
	}
}

func series(k int) color.Color { return Series[k%len(Series)] }

// Title is what the figure is called on its top.
func (f *Figure) Title() string { return f.p.Title.Text }
