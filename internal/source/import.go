package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/record"
	"coigwriter/internal/text"
)

// ImportOptions say what to import and how. By and Paths must be set.
type ImportOptions struct {
	Paths    []string          // files and folders
	By       string            // the person who imports
	Mapping  map[string]string // field of the contract → field of the file, for records
	Taxonomy *genre.Taxonomy   // nil is the default one
	Gate     DateGate          // the zero value is DefaultDateGate
	Genre    string            // id given to texts that name none; "" leaves them without
	Platform string            // given to texts that name none
	Refused  string            // file for the records that could not be read; "" keeps none
	Limit    int               // stop after so many records; 0 is no limit
	Strip    string            // beginning taken off the names of files, as of a folder that uploads lie in for a moment

	// Check returns what the rules see in a source; screen.Checker makes one. Nil checks nothing.
	// It is called from several goroutines at once.
	Check func(context.Context, *Source) []Finding
	// Progress is told now and then how many bytes of how many were read. May be nil.
	Progress func(read, total int64)
}

// A Report says what became of an import. Read = Added + Same + Duplicate + Refused.
type Report struct {
	ImportID     string         `json:"import_id"`
	Files        int            `json:"files"`
	Read         int            `json:"read"`
	Added        int            `json:"added"`         // new sources, in whatever state
	Same         int            `json:"same"`          // there already, nothing done
	OtherLicence int            `json:"other_licence"` // of the same ones: they name another licence; a finding says so
	Duplicate    int            `json:"duplicate"`     // the same text from elsewhere; kept as refused, linked
	Refused      int            `json:"refused"`       // could not be read as a source; in the refused file
	ByState      map[string]int `json:"by_state"`      // of the added ones
	ByReason     map[string]int `json:"by_reason"`     // why added ones are held or refused
	ByField      map[string]int `json:"by_field"`      // of the unreadable ones: the field at fault, or "record"
	Problems     []string       `json:"problems"`      // the first records that could not be read, or whose date cannot be, in words
	Licences     []string       `json:"licences"`      // the first of those under another licence, in words
	RefusedFile  string         `json:"refused_file"`  // where the unreadable ones were written, if any
}

// How many sources go into one transaction, and at most how many characters of text: large
// enough that the database's sync does not set the pace, small enough for memory.
const (
	batchSize  = 200
	batchChars = 4 << 20
	keepWords  = 20 // problems the report quotes
)

// Import reads files and folders into sources. A record that cannot be read is refused with its
// file, line, field and remedy, and the rest goes in. Everything is committed batch by batch;
// when the database or the disk fails, or ctx ends, what was committed stays, the report says
// how far it came, and running the same import again goes on where it stopped, because a text
// that is there already is passed over.
func Import(ctx context.Context, d *db.DB, o ImportOptions) (Report, error) {
	if o.Taxonomy == nil {
		o.Taxonomy = genre.Default()
	}
	if o.Gate.Cutoff.IsZero() {
		o.Gate = DefaultDateGate()
	}
	im := &importer{d: d, o: o, report: Report{
		ImportID: db.NewID(), ByState: map[string]int{}, ByReason: map[string]int{}, ByField: map[string]int{},
	}}
	files, closeAll, err := collect(ctx, o.Paths)
	if err != nil {
		return im.report, err
	}
	defer closeAll()
	im.report.Files = len(files)
	for _, f := range files {
		im.total += f.size
	}
	row := Imported{ID: im.report.ImportID, At: d.Now(), ByPerson: o.By, Files: db.AsJSON(stripped(o.Paths, o.Strip))}
	if err := d.Insert(ctx, &row); err != nil {
		return im.report, im.stopped(err)
	}
	err = readAll(ctx, files, o.Mapping, im.progress, im.take)
	if err == nil || errors.Is(err, errLimit) {
		err = im.flush(ctx)
	} else if ctx.Err() != nil { // what was read is kept before we stop
		err = errors.Join(ctx.Err(), im.flush(context.WithoutCancel(ctx)))
	}
	if err != nil {
		err = im.stopped(err)
	}
	if ferr := im.finishRefused(); err == nil {
		err = ferr
	}
	return im.report, errors.Join(err, im.finish(row, err))
}

type importer struct {
	d       *db.DB
	o       ImportOptions
	report  Report
	batch   []Draft
	chars   int
	refused *record.Writer
	read    int64
	total   int64
	told    int64
}

var errLimit = errors.New("limit reached")

// take is called with every record the readers find.
func (im *importer) take(c Candidate, err error) error {
	ctx := context.Background() // checked by the readers; a batch that is being written is finished
	if im.o.Limit > 0 && im.report.Read >= im.o.Limit {
		return errLimit
	}
	im.report.Read++
	c.File = strings.TrimPrefix(c.File, im.o.Strip)
	var draft Draft
	if err == nil {
		draft, err = im.draft(c)
	}
	var bad *record.BadRecord
	if errors.As(err, &bad) {
		bad.File = strings.TrimPrefix(bad.File, im.o.Strip)
		return im.refuse(c, bad)
	}
	if err != nil {
		return err
	}
	im.batch = append(im.batch, draft)
	im.chars += len(draft.Source.Text)
	if len(im.batch) >= batchSize || im.chars >= batchChars {
		return im.flush(ctx)
	}
	return nil
}

// draft turns a candidate into a source that the rules have not seen yet.
func (im *importer) draft(c Candidate) (Draft, error) {
	s := Source{
		URL: oneLine(c.URL), Platform: oneLine(c.Platform), Title: oneLine(c.Title), Author: oneLine(c.Author), Text: c.Text, Language: c.Language,
		Likes: c.Likes, Shares: c.Shares, Comments: c.Comments, Licence: oneLine(c.Licence), Extra: db.AsJSON(cleanExtra(c.Extra)),
		File: oneLine(c.File), Line: c.Line, ImportID: im.report.ImportID, Genre: im.o.Genre,
	}
	if s.Platform == "" {
		s.Platform = im.o.Platform
	}
	if c.Genre != "" {
		g, ok := im.o.Taxonomy.Find(c.Genre)
		if !ok {
			return Draft{}, c.bad("genre", fmt.Sprintf("%q is not a genre of the taxonomy; did you mean %s? Or leave the field out",
				clip(c.Genre, 60), strings.Join(im.o.Taxonomy.Nearest(c.Genre, 3), ", ")))
		}
		s.Genre = g.ID
	}
	s.Make()
	if s.Text == "" {
		return Draft{}, c.bad("text", "holds no text that can be shown; give the article itself")
	}
	v := im.o.Gate.Judge(c.Evidence, im.d.Now())
	s.DateVerdict, s.PublishedAt = v.Outcome, v.At
	return Draft{Source: s, Evidence: c.Evidence, date: v}, nil
}

// settle decides the first state of a source: dates and rules together, and refusal goes before
// question.
func settle(v Verdict, findings []Finding) (state, reason string) {
	if v.Outcome == DateRefused {
		return Refused, v.Reason
	}
	for _, f := range findings {
		if f.Level == LevelRefuse {
			return Refused, f.Message
		}
	}
	if v.Outcome != DatePassed {
		return Held, v.Reason
	}
	for _, f := range findings {
		if f.Level == LevelAsk {
			return Held, f.Message
		}
	}
	return Waiting, ""
}

// flush writes the batch. Two imports at once may store the same text between our look and our
// insert; the second try sees it.
func (im *importer) flush(ctx context.Context) error {
	if len(im.batch) == 0 {
		return nil
	}
	im.check(ctx)
	outcomes, err := Insert(ctx, im.d, im.o.By, im.batch)
	if im.d.IsUnique(err) {
		outcomes, err = Insert(ctx, im.d, im.o.By, im.batch)
	}
	if err != nil {
		im.report.Read -= len(im.batch)
		return err
	}
	for i, out := range outcomes {
		switch out {
		case Added:
			s := &im.batch[i].Source
			im.report.Added++
			im.report.ByState[s.State]++
			if s.Reason != "" {
				im.report.ByReason[s.Reason]++
			}
			if s.Reason == "date.impossible" && len(im.report.Problems) < keepWords {
				im.report.Problems = append(im.report.Problems, fmt.Sprintf("%s: published_at: %s; it is held: decide on its page, or mend the file and import it again",
					place(s.File, s.Line), Explain(s.Reason, "en")))
			}
		case Same:
			im.report.Same++
		case OtherLicence:
			im.report.Same++
			im.report.OtherLicence++
			if s := &im.batch[i].Source; len(im.report.Licences) < keepWords {
				im.report.Licences = append(im.report.Licences, fmt.Sprintf("%s: “%s”: %s", place(s.File, s.Line), clip(s.Title, 40), clip(s.Licence, 80)))
			}
		case Duplicate:
			im.report.Duplicate++
		}
	}
	clear(im.batch)
	im.batch, im.chars = im.batch[:0], 0
	return nil
}

// refuse counts an unreadable record, quotes the first few, and writes it to be mended.
func (im *importer) refuse(c Candidate, bad *record.BadRecord) error {
	im.report.Refused++
	field := bad.Field
	if field == "" {
		field = "record"
	}
	im.report.ByField[field]++
	if len(im.report.Problems) < keepWords {
		im.report.Problems = append(im.report.Problems, bad.Error())
	}
	if im.o.Refused == "" {
		return nil
	}
	if im.refused == nil {
		w, err := record.Create(im.o.Refused)
		if err != nil {
			return err
		}
		im.refused = w
	}
	return im.refused.Write(mendable(c, bad))
}

// mendable is the record as it was, with notes in fields that begin with an underscore and
// that an import passes over. What was no JSON object stands in _raw.
func mendable(c Candidate, bad *record.BadRecord) map[string]any {
	m := map[string]any{}
	data := bad.Data
	if data == nil {
		data = c.Raw
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) == nil {
		for k, v := range fields {
			m[k] = v
		}
	} else if len(data) > 0 {
		m["_raw"] = strings.ToValidUTF8(string(data), "\uFFFD")
	}
	m["_error"], m["_file"] = bad.Msg, bad.File
	if bad.Line > 0 {
		m["_line"] = bad.Line
	}
	if bad.Field != "" {
		m["_field"] = bad.Field
	}
	return m
}

func (im *importer) finishRefused() error {
	if im.refused == nil {
		return nil
	}
	if err := im.refused.Close(); err != nil {
		return err
	}
	im.report.RefusedFile = im.o.Refused
	return nil
}

// stopped says what was kept and how to go on.
func (im *importer) stopped(err error) error {
	kept := im.report.Added + im.report.Same + im.report.Duplicate
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("import interrupted after %d records, which are kept; run it again to go on: %w", kept, err)
	}
	return errs.Unavailablef("import stopped after %d records, which are kept: %w; mend the cause (a full disk?) and run the same import again, it goes on from there", kept, err)
}

// progress tells at most a hundred times.
func (im *importer) progress(n int64) {
	im.read += n
	if im.o.Progress != nil && (im.read-im.told)*100 >= im.total {
		im.told = im.read
		im.o.Progress(im.read, im.total)
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(text.Normalize(s)), " ") }

// maxExtra bounds the passed-through fields of one source, so that a record with a 30 MB field
// nobody asked for does not fill the database.
const maxExtra = 256 << 10

func cleanExtra(m map[string]any) map[string]any {
	if b, err := json.Marshal(m); err != nil || len(b) > maxExtra {
		return map[string]any{"_dropped": "extra fields were larger than 256 kB"}
	}
	if m == nil {
		return map[string]any{}
	}
	return m
}
