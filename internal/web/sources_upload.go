package web

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"coigwriter/internal/errs"
	"coigwriter/internal/source"
)

// Bounds of an upload: the body, what archives in it may unpack to, and how many files.
const (
	maxUpload   = 64 << 20
	maxUnpacked = 8 * maxUpload
	maxFiles    = 20_000
	maxField    = 4 << 10 // of the form's other fields
)

// uploads are the routes whose bodies are larger than a form, with the bound of each.
var uploads = map[string]int64{"POST /sources/import": maxUpload, "POST /statistics": maxStatistics, "POST /benchmark/import": maxUpload, "POST /benchmark/answers": maxUpload}

// A spool is an upload on its way into an import: its files lie in a folder of their own, which
// goes when the request ends.
type spool struct {
	dir    string
	paths  []string // files, and folders of unpacked archives
	fields map[string]string
	files  int
	left   int64 // bytes archives may still unpack to
}

// root is the folder of what was sent; names in messages are told from there.
func (sp *spool) root() string { return filepath.Join(sp.dir, "files") }

func (sp *spool) close() { os.RemoveAll(sp.dir) }

// receive writes the files of a form to disk, as they come. The caller closes the spool.
func receive(r *http.Request) (_ *spool, err error) {
	body, err := r.MultipartReader()
	if err != nil {
		return nil, errs.Invalidf("this is no upload: %w", err)
	}
	dir, err := os.MkdirTemp("", "coigwriter-upload-")
	if err != nil {
		return nil, errs.Unavailablef("no room for the upload: %w", err)
	}
	sp := &spool{dir: dir, fields: map[string]string{}, left: maxUnpacked}
	defer func() {
		if err != nil {
			sp.close()
		}
	}()
	for {
		part, err := body.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, uploadBroke(err)
		}
		if err := sp.take(part); err != nil {
			return nil, err
		}
	}
	if len(sp.paths) == 0 {
		return nil, fileWrong("choose at least one file", "sources.no_file")
	}
	return sp, nil
}

func fileWrong(msg, key string) error {
	return errs.Fields(errs.Field{Name: "files", Msg: msg, Key: key})
}

// uploadBroke tells an upload that is too large from one that was cut off.
func uploadBroke(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return errs.Invalidf("the upload was cut off and nothing of it was used; send it again: %w", err)
}

func (sp *spool) take(part *multipart.Part) error {
	if part.FormName() != "files" {
		b, err := io.ReadAll(io.LimitReader(part, maxField))
		if err != nil {
			return uploadBroke(err)
		}
		sp.fields[part.FormName()] = string(b)
		return nil
	}
	name := plainName(part.FileName())
	if name == "" {
		return nil // the field was left empty
	}
	isZip := strings.EqualFold(filepath.Ext(name), ".zip")
	if _, ok := source.ReaderFor(name); !ok && !isZip {
		return fileWrong(fmt.Sprintf("%s: a format that is not read; the endings known are %s, and .zip of them", name, source.Extensions()), "")
	}
	if sp.files++; sp.files > maxFiles {
		return fileWrong("too many files at once", "")
	}
	to := filepath.Join(sp.root(), name)
	if _, err := os.Lstat(to); err == nil { // a second file of that name
		to = filepath.Join(sp.root(), fmt.Sprintf("(%d)", sp.files), name)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return errs.Unavailablef("no room for the upload: %w", err)
	}
	if err := write(to, part); err != nil {
		return uploadBroke(err)
	}
	if !isZip {
		sp.paths = append(sp.paths, to)
		return nil
	}
	return sp.unpack(to, name)
}

func write(to string, from io.Reader) error {
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}

// unpack writes what an import reads of an archive into a folder. Names that lead elsewhere,
// links, and what is hidden are passed over; the sizes an archive states are not believed.
func (sp *spool) unpack(archive, name string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return fileWrong(fmt.Sprintf("%s: not a zip archive that can be read (%v); pack it again", name, err), "")
	}
	defer z.Close()
	dir := strings.TrimSuffix(archive, filepath.Ext(archive))
	n := 0
	for _, f := range z.File {
		inside := zipName(f)
		_, known := source.ReaderFor(inside)
		if !known && inside != "manifest.csv" || !f.Mode().IsRegular() || !fs.ValidPath(inside) || strings.HasPrefix(inside, "__MACOSX/") {
			continue
		}
		if n++; n+sp.files > maxFiles {
			return fileWrong(fmt.Sprintf("%s: more than %d files; import it by the command", name, maxFiles), "")
		}
		if err := sp.extract(f, filepath.Join(dir, filepath.FromSlash(inside)), name); err != nil {
			return err
		}
	}
	if n == 0 {
		return fileWrong(fmt.Sprintf("%s: no file in it that is read; the endings known are %s", name, source.Extensions()), "")
	}
	sp.files += n
	sp.paths = append(sp.paths, dir)
	return nil
}

func (sp *spool) extract(f *zip.File, to, archive string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fileWrong(fmt.Sprintf("%s: %s cannot be unpacked; pack it again under another name", archive, plainName(f.Name)), "")
	}
	in, err := f.Open()
	if err != nil {
		return fileWrong(fmt.Sprintf("%s: %s cannot be unpacked (%v); pack it again without a password", archive, plainName(f.Name), err), "")
	}
	defer in.Close()
	counted := &io.LimitedReader{R: in, N: sp.left + 1}
	err = write(to, counted)
	sp.left = counted.N - 1
	switch {
	case sp.left < 0:
		return fileWrong(fmt.Sprintf("%s: unpacks to more than %d MB; import it by the command", archive, maxUnpacked>>20), "")
	case errors.Is(err, fs.ErrExist):
		return nil // the same name twice: the first counts
	case err != nil:
		return fileWrong(fmt.Sprintf("%s: %s is damaged (%v); pack it again", archive, plainName(f.Name), err), "")
	}
	return nil
}

// zipName is the path of a file in an archive. Archives made by Windows in China name files in
// GBK and do not say so.
func zipName(f *zip.File) string {
	name := f.Name
	if !utf8.ValidString(name) {
		if s, err := simplifiedchinese.GB18030.NewDecoder().String(name); err == nil {
			name = s
		}
	}
	return path.Clean(strings.ReplaceAll(name, `\`, "/"))
}

// plainName is the last part of a file's name, without what a file system or a terminal could
// stumble over, at most 120 bytes.
func plainName(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, ""), `\`, "/"))
	name = strings.TrimLeft(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`/:*?"<>|`, r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, name), ".")
	ext := filepath.Ext(name)
	if len(ext) > 10 {
		return ""
	}
	stem := strings.TrimSuffix(name, ext)
	for len(stem) > 120 {
		_, size := utf8.DecodeLastRuneInString(stem)
		stem = stem[:len(stem)-size]
	}
	return stem + ext
}
