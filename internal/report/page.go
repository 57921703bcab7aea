package report

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"coigwriter/internal/analysis"
	"coigwriter/internal/errs"
)

//go:embed page.html
var pageFile string

//go:embed page.css
var styleFile string

// page writes every text escaped for where it stands; the figures are our own drawings, whose letters are
// outlines, and the only markup that comes from outside the template.
var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"pick":  pick,
		"short": short,
		"css":   func() template.CSS { return template.CSS(styleFile) },
		"shown": func(p *part) bool { return len(p.Blocks) > 0 },
		"dict": func(d *document, p *part) any {
			return struct {
				Doc  *document
				Part *part
			}{d, p}
		},
	}).Parse(pageFile))
})

// largeDrawing is from how many bytes on a drawing stands on the page as a picture: a matrix of twenty
// models has thousands of letters, each an outline.
const largeDrawing = 600_000

// draw makes every figure, on as many cores as there are.
func (d *document) draw(ctx context.Context) error {
	return d.each(ctx, func(f *figureView) error {
		var svg, png bytes.Buffer
		if err := errors.Join(f.Named.SVG(&svg), f.Named.PNG(&png)); err != nil {
			return err
		}
		f.svg, f.png = svg.Bytes(), png.Bytes()
		at := bytes.Index(f.svg, []byte("<svg"))
		switch {
		case at < 0:
			return errors.New("a figure is no SVG")
		case len(f.svg) > largeDrawing:
			f.Picture = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(f.png))
		default:
			f.SVG = template.HTML(f.svg[at:])
		}
		return nil
	})
}

// each calls f with every figure, some at a time.
func (d *document) each(ctx context.Context, f func(*figureView) error) error {
	failed := make([]error, len(d.figures))
	var all sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, fig := range d.figures {
		all.Add(1)
		slots <- struct{}{}
		go func() {
			defer func() { <-slots; all.Done() }()
			if failed[i] = ctx.Err(); failed[i] == nil {
				failed[i] = f(fig)
			}
		}()
	}
	all.Wait()
	return errors.Join(failed...)
}

// write puts the page and its tables and figures into a directory; those of two languages in folders of
// their own.
func (d *document) write(out, name string, folders bool) error {
	tables, figures := filepath.Join(out, tablesDir), filepath.Join(out, figuresDir)
	if folders {
		tables, figures = filepath.Join(tables, d.Lang), filepath.Join(figures, d.Lang)
	}
	for _, dir := range []string{tables, figures} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return errs.Unavailablef("report: %w", err)
		}
	}
	for _, t := range d.tables {
		if err := errors.Join(create(filepath.Join(tables, t.ID+".csv"), t.CSV), create(filepath.Join(tables, t.ID+".tex"), t.LaTeX)); err != nil {
			return err
		}
	}
	raw := func(b []byte) func(io.Writer) error {
		return func(w io.Writer) error {
			_, err := w.Write(b)
			return err
		}
	}
	for _, f := range d.figures {
		if err := errors.Join(create(filepath.Join(figures, f.ID+".svg"), raw(f.svg)), create(filepath.Join(figures, f.ID+".png"), raw(f.png))); err != nil {
			return err
		}
	}
	return create(filepath.Join(out, name), func(w io.Writer) error { return page().Execute(w, d) })
}

func create(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return errs.Unavailablef("report: %w", err)
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return errs.Unavailablef("write %s: %w", path, err)
	}
	return nil
}

// TiePolicy is how ties count, for the page.
func (d *document) TiePolicy() string { return analysis.TiePolicy.In(d.Lang) }

// Hash is that of the manifest.
func (d *document) Hash() string { return d.Manifest.Hash() }

// Folder is where the files of a kind stand beside the page.
func (d *document) Folder(kind string) string {
	if d.Manifest.Options.Lang == Both {
		return kind + "/" + d.Lang
	}
	return kind
}
