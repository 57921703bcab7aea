package record

import "encoding/json"

// A Source is a collected text as files carry it.
type Source struct {
	ID, URL, Platform, Title, Author string
	Text                             string
	Markup                           string // "" for plain text, else markdown or html: what Text is written in
	Published                        *Date
	Genre, Language, Licence         string
	Likes, Shares, Comments          int64
	Extra                            map[string]json.RawMessage // unknown fields
}

// DecodeSource reads a record as a source. A *BadRecord names the field that is wrong.
// mapping renames a file's own fields first: field of the contract to field of the file.
func DecodeSource(raw Raw, mapping map[string]string) (Source, error) {
	f, err := newFields(raw)
	if err != nil {
		return Source{}, err
	}
	for want, have := range mapping {
		if v, ok := f.m[have]; ok && want != have {
			delete(f.m, have)
			f.m[want] = v
		}
	}
	for k := range f.m {
		if len(k) > 0 && k[0] == '_' { // notes that a file of refused records carries
			delete(f.m, k)
		}
	}
	var s Source
	s.ID = f.text("id")
	s.URL = f.text("url", "link", "canonical_url")
	s.Platform = f.text("platform", "site", "website")
	s.Title = f.text("title")
	s.Author = f.text("author", "author_name")
	for _, t := range []struct{ name, markup string }{{"text", ""}, {"content", ""}, {"body", ""}, {"markdown", "markdown"}, {"html", "html"}} {
		if v := f.text(t.name); v != "" {
			s.Text, s.Markup = v, t.markup
			break
		}
	}
	s.Genre = f.text("genre", "category")
	s.Language = f.text("language", "lang")
	s.Licence = f.text("licence", "license")
	s.Likes = f.count("likes", "like_count", "voteup_count", "upvotes")
	s.Shares = f.count("shares", "share_count", "reposts")
	s.Comments = f.count("comments", "comment_count")
	name, _, _ := peek(f, "published_at", "date", "created_at", "pub_date")
	if v := f.text("published_at", "date", "created_at", "pub_date"); v != "" {
		d, err := ParseDate(v)
		if err != nil {
			return s, f.badf(name, "%v", err)
		}
		s.Published = &d
	}
	if err := f.err(); err != nil {
		return s, err
	}
	if s.Text == "" {
		return s, f.badf("text", "is missing; name the field that holds the text with --map text=FIELD")
	}
	s.Extra = f.m
	return s, nil
}

func peek(f *fields, names ...string) (string, json.RawMessage, bool) {
	for _, n := range names {
		if v, ok := f.m[n]; ok && string(v) != "null" {
			return n, v, true
		}
	}
	return names[0], nil, false
}
