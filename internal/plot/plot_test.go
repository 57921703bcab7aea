package plot_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"strings"
	"testing"

	"coigwriter/internal/plot"
)

func figures(names []string, theme plot.Theme) map[string]*plot.Figure {
	nan := math.NaN()
	var cells [][]plot.Cell
	var points []plot.Point
	var boxes []plot.Box
	var stacks []plot.Stack
	var dots []plot.Dot
	var bars []plot.Bar
	curves := []plot.Curve{{Name: "空"}, {Name: "一点", X: []float64{3}, Y: []float64{2}}}
	for i, name := range names {
		row := make([]plot.Cell, len(names))
		for j := range row {
			row[j] = plot.Cell{Share: float64(i) / float64(len(names)), Upper: "62.7**", Lower: "55.9, 69.1 · n 204"}
			if i == j {
				row[j].Share = nan
			}
		}
		cells = append(cells, row)
		points = append(points, plot.Point{Name: name, Value: 1000 + float64(i), Lo: nan, Hi: nan, Text: "n 3"}, plot.Point{Name: name, Value: 990, Lo: 980, Hi: 1000})
		boxes = append(boxes, plot.Box{Name: name, N: 5, Low: 1, Q1: 2, Median: 3, Mean: 3.1, Q3: 4, High: 5, Outliers: []float64{9}}, plot.Box{Name: "空", Q1: nan})
		dots, bars = append(dots, plot.Dot{Name: name, X: float64(i), Y: 1}), append(bars, plot.Bar{Name: name, Value: float64(i), Text: name, Group: i})
		long := plot.Curve{Name: name}
		for x := range 100 {
			long.X, long.Y = append(long.X, float64(x)), append(long.Y, 3+math.Sin(float64(x+i)))
		}
		long.Y[0], long.Y[50], long.Y[51], long.Y[99] = nan, nan, math.Inf(1), nan
		curves = append(curves, long, plot.Curve{Name: name, X: []float64{1, 2}, Y: []float64{nan, nan}})
		stacks = append(stacks, plot.Stack{Name: name, Shares: []float64{0.5, 0.3, 0.2}})
	}
	return map[string]*plot.Figure{
		"matrix": plot.Matrix("胜率：行对列", "占已分胜负的百分比", names, names, cells, theme), "forest": plot.Forest("实力", "Elo", points, 1000, theme),
		"curves":  plot.Curves("训练损失", "步", "损失", curves, theme),
		"lines":   plot.Lines("Elo", "票", names, make([][]float64, len(names)), theme),
		"scatter": plot.Scatter("TTR", "TTR", "胜率", dots, theme), "bars": plot.Bars("体裁", "数", bars, names, theme),
		"histogram": plot.LogHistogram("长度", "字数", []string{"文章"}, []float64{1, 10, 100}, [][]int{{0, len(names)}}, theme),
		"boxes":     plot.Boxes("输出长度", "字数", boxes, theme), "stacked": plot.Stacked("语言", []string{"干净", "漏字", "换语言"}, stacks, theme),
	}
}

// Every figure comes out as a picture and as a drawing, in both themes, with any names; the drawing
// holds outlines and needs no font.
func TestFigures(t *testing.T) {
	for what, names := range map[string][]string{
		"usual":   {"M_CW+10k", "通义千问（七十亿）"},
		"one":     {"甲"},
		"none":    {},
		"hostile": {`<script>alert(1)</script>&"`, "", "🙂\x00\xff", strings.Repeat("很长的名字", 40)},
	} {
		for theme, look := range map[string]plot.Theme{"light": plot.Light, "dark": plot.Dark} {
			for name, f := range figures(names, look) {
				var pic, svg bytes.Buffer
				if err := errors.Join(f.PNG(&pic), f.SVG(&svg)); err != nil {
					t.Errorf("%s of %s, %s: %v", name, what, theme, err)
					continue
				}
				img, err := png.Decode(&pic)
				if err != nil || img.Bounds().Dx() < 200 {
					t.Errorf("%s of %s: %v", name, what, err)
				}
				if strings.Contains(svg.String(), "<text") || strings.Contains(svg.String(), "<script") {
					t.Errorf("%s of %s holds text or a script", name, what)
				}
				d := xml.NewDecoder(&svg)
				for {
					if _, err := d.Token(); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						t.Errorf("%s of %s: %v", name, what, err)
						break
					}
				}
			}
		}
	}
}

func BenchmarkMatrixSVG(b *testing.B) {
	f := figures([]string{"CW", "CW+1k", "CW+5k", "CW+10k", "G"}, plot.Light)["matrix"]
	for b.Loop() {
		if err := f.SVG(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
