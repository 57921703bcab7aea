package web

import (
	"io"
	"net/http"

	"coigwriter/internal/plot"
)

// themeOf is the theme in which a figure is asked for.
func themeOf(r *http.Request) plot.Theme {
	if r.FormValue("theme") == "dark" {
		return plot.Dark
	}
	return plot.Light
}

// sendFigure sends a figure as SVG.
func sendFigure(w http.ResponseWriter, f interface{ SVG(io.Writer) error }) error {
	w.Header().Set("Content-Type", "image/svg+xml")
	return f.SVG(w)
}
