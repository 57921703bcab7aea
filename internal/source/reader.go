package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"coigwriter/internal/record"
)

// A Reader reads the texts of one file format.
type Reader struct {
	Name string
	Exts []string // of file names, lower case
	// Read calls yield with every text of the file, or with a *record.BadRecord for one that
	// cannot be read; an error of yield ends it. Memory is bounded by the longest text.
	Read func(ctx context.Context, in Input, yield Yield) error
}

// Yield takes one text, or the *record.BadRecord that stands in its place. The candidate is
// valid during the call.
type Yield func(Candidate, error) error

// An Input is one open file.
type Input struct {
	Name    string            // as messages call it
	Path    string            // inside the imported folder, with slashes: a date in it is evidence
	From    io.Reader         //
	Mapping map[string]string // field of the contract → field of the file
}

// Readers are the formats there are. To add one, write its function and add a line here.
var Readers = []Reader{
	{"jsonl", []string{".jsonl", ".ndjson", ".jsonl.gz", ".jsonl.zst", ".json.gz"}, readRecords},
	{"json", []string{".json"}, readRecords},
	{"markdown", []string{".md", ".markdown"}, readPost},
	{"html", []string{".html", ".htm", ".xhtml"}, readPage},
}

// ReaderFor returns the reader of a file by its name.
func ReaderFor(name string) (Reader, bool) {
	name = strings.ToLower(filepath.Base(name))
	for _, r := range Readers {
		if slices.ContainsFunc(r.Exts, func(ext string) bool { return strings.HasSuffix(name, ext) }) {
			return r, true
		}
	}
	return Reader{}, false
}

// Extensions lists what [ReaderFor] knows, for messages.
func Extensions() string {
	var all []string
	for _, r := range Readers {
		all = append(all, r.Exts...)
	}
	return strings.Join(all, " ")
}

// readRecords reads JSON Lines or a JSON document; record tells them apart by content.
func readRecords(ctx context.Context, in Input, yield Yield) error {
	r, err := record.NewReader(in.Name, in.From)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		raw, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var bad *record.BadRecord
		if errors.As(err, &bad) {
			if err := yield(Candidate{File: in.Name, Line: bad.Line}, bad); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		c := Candidate{File: in.Name, Line: raw.Line, Raw: raw.Data}
		s, err := record.DecodeSource(raw, in.Mapping)
		if err == nil {
			err = c.take(s)
		}
		if err := yield(c, err); err != nil {
			return err
		}
	}
}

// take fills a candidate from a record.
func (c *Candidate) take(s record.Source) error {
	c.Title, c.Author, c.Platform = clip(s.Title, 300), clip(s.Author, 100), clip(s.Platform, 100)
	c.Language, c.Genre, c.Licence = baseLanguage(s.Language), s.Genre, clip(s.Licence, 100)
	c.Likes, c.Shares, c.Comments = s.Likes, s.Shares, s.Comments
	c.Extra = map[string]any{}
	for k, v := range s.Extra {
		c.Extra[k] = v
	}
	if s.ID != "" {
		c.Extra["id"] = s.ID
	}
	switch s.Markup {
	case "markdown":
		c.Text = PlainMarkdown(s.Text)
	case "html":
		c.Text = plainHTML(s.Text)
	default:
		c.Text = s.Text
	}
	if strings.TrimSpace(c.Text) == "" {
		return c.bad("text", "holds no text; give the article itself")
	}
	if s.URL != "" {
		if CheckURL(s.URL) == nil {
			c.URL = s.URL
		} else {
			c.Extra["url_refused"] = clip(s.URL, 500)
		}
		c.Evidence = append(c.Evidence, urlDates([]string{s.URL})...)
	}
	if d := s.Published; d != nil {
		at := d.Time.UTC()
		c.Evidence = append(c.Evidence, Evidence{
			Kind: KindField, Raw: clip(d.Raw, 100), At: &at, Place: "published_at", Zone: d.Zoned, Precise: d.Precise,
		})
	}
	return nil
}

// plainHTML turns a piece of HTML, such as an API's answer body, into text. It is all article,
// so nothing is guessed.
func plainHTML(s string) string {
	doc, err := html.Parse(strings.NewReader(s))
	if err != nil {
		return ""
	}
	tidy(doc)
	return renderText(doc)
}

// maxDocument bounds a file that is one text. The largest real page seen was 2 MB.
const maxDocument = 16 << 20

// readDocument reads a file that is one text, or says why it cannot be one.
func readDocument(in Input, parse func([]byte) (Candidate, error), yield Yield) error {
	b, err := io.ReadAll(io.LimitReader(in.From, maxDocument+1))
	if err != nil {
		return fmt.Errorf("%s: %w", in.Name, err)
	}
	c := Candidate{File: in.Name}
	switch {
	case len(b) > maxDocument:
		return yield(c, c.bad("", fmt.Sprintf("is larger than %d MB, which no single text is; import it as JSON Lines, one text a line", maxDocument>>20)))
	case len(bytes.TrimSpace(b)) == 0:
		return yield(c, c.bad("", "the file is empty; remove it, or save the text again"))
	}
	c, err = parse(b)
	c.File = in.Name
	if err != nil {
		return yield(c, c.bad("", err.Error()))
	}
	if strings.TrimSpace(c.Text) == "" {
		return yield(c, c.bad("text", "holds no text; perhaps only pictures"))
	}
	if d, words, ok := PathDate(in.Path); ok {
		c.Evidence = append(c.Evidence, evidenceOf(KindPath, d, words, clip(in.Path, 200)))
	}
	return yield(c, nil)
}

func readPost(_ context.Context, in Input, yield Yield) error {
	return readDocument(in, ParsePost, yield)
}

func readPage(_ context.Context, in Input, yield Yield) error {
	return readDocument(in, ParsePage, yield)
}
