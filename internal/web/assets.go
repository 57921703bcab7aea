package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"coigwriter/internal/errs"
)

//go:embed static
var staticFiles embed.FS

// styleSheets are joined into app.css in this order, so that a page asks for one file.
var styleSheets = []string{"tokens.css", "base.css", "frame.css", "components.css", "data.css", "reading.css", "work.css", "annotate.css", "benchmark.css", "blind.css", "study.css", "experiments.css"}

// assets are the files a browser asks for, ready to send. One hash over all of them is
// part of each address: a browser may keep them for ever, modules can import their
// neighbours by relative path, and any change gives new addresses.
type assets struct {
	hash  string
	files map[string]asset
}

type asset struct {
	body, gzipped []byte
	kind          string // media type
}

func loadAssets() (*assets, error) {
	raw := map[string][]byte{}
	err := fs.WalkDir(staticFiles, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw[strings.TrimPrefix(name, "static/")], err = staticFiles.ReadFile(name)
		return err
	})
	if err != nil {
		return nil, err
	}
	var css bytes.Buffer
	for _, name := range styleSheets {
		if raw[name] == nil {
			return nil, fmt.Errorf("style sheet %s is missing", name)
		}
		css.Write(raw[name])
		delete(raw, name)
	}
	raw["app.css"] = css.Bytes()
	return newAssets(raw)
}

func newAssets(raw map[string][]byte) (*assets, error) {
	a := &assets{files: map[string]asset{}}
	sums := []string{}
	for name, body := range raw {
		kind := mime.TypeByExtension(path.Ext(name))
		switch path.Ext(name) { // not left to the machine's own table
		case ".js":
			kind = "text/javascript; charset=utf-8"
		case ".css":
			kind = "text/css; charset=utf-8"
		case ".md":
			kind = "text/plain; charset=utf-8"
		case ".svg":
			kind = "image/svg+xml"
		}
		var z bytes.Buffer
		zw, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
		if err != nil {
			return nil, err
		}
		if _, err := zw.Write(body); err != nil {
			return nil, err
		}
		if err := zw.Close(); err != nil {
			return nil, err
		}
		a.files[name] = asset{body: body, gzipped: z.Bytes(), kind: kind}
		sum := sha256.Sum256(body)
		sums = append(sums, name+" "+hex.EncodeToString(sum[:]))
	}
	a.hash = hashOf(sums)
	return a, nil
}

// url returns the address of an asset.
func (a *assets) url(name string) string {
	if a == nil {
		return "/static/0/" + name
	}
	return "/static/" + a.hash + "/" + name
}

// static sends one asset. An old hash still gets today's file, for a page that was open
// while the program was replaced, but then it may not be kept.
func (s *Server) static(w http.ResponseWriter, r *http.Request) error {
	f, ok := s.assets.files[r.PathValue("file")]
	if !ok {
		return errs.NotFoundf("there is no file %s", r.PathValue("file"))
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	if r.PathValue("hash") != s.assets.hash {
		h.Set("Cache-Control", "no-cache")
	}
	h.Add("Vary", "Accept-Encoding")
	body := f.body
	if acceptsGzip(r) && len(f.gzipped) < len(f.body) {
		h.Set("Content-Encoding", "gzip")
		body = f.gzipped
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	return nil
}
