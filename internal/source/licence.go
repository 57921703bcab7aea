package source

import (
	"context"
	"fmt"
	"strings"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
)

// RuleLicence is the rule of the finding that a source came a second time under another
// licence. Its question is for a person, since only one of the two can be right.
const RuleLicence = "licence"

// otherLicence reports whether a text that is stored comes again with a licence that says
// something else. One that names none says nothing.
func otherLicence(have, now string) bool {
	return now != "" && !strings.EqualFold(have, now)
}

// A claim is a licence that a record gave for a text that is stored already.
type claim struct {
	of      stored
	licence string
	file    string
	line    int
}

// noteLicences leaves a finding and a line of history on each source whose text came again
// under another licence, once for each licence.
func noteLicences(ctx context.Context, tx *db.DB, by string, claims []claim) error {
	for _, c := range claims {
		known, err := Findings(ctx, tx, c.of.ID)
		if err != nil {
			return err
		}
		f := Finding{Rule: RuleLicence, Level: LevelAsk, Message: "rule.licence.other", Args: map[string]string{
			"have": c.of.Licence, "other": clip(c.licence, 200), "file": place(c.file, c.line),
		}}
		if c.of.Licence == "" {
			f.Message = "rule.licence.named"
		}
		if knowsLicence(known, f.Args["other"]) {
			continue
		}
		rows := findingRows(c.of.ID, []Finding{f})
		if err := tx.Insert(ctx, &rows); err != nil {
			return err
		}
		err = audit.Record(ctx, tx, audit.Entry{
			Kind: "source", ID: c.of.ID, Actor: by, Action: "licence", From: c.of.State, To: c.of.State,
			Data: map[string]string{"have": c.of.Licence, "other": c.licence, "file": place(c.file, c.line)},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func knowsLicence(fs []Finding, licence string) bool {
	for _, f := range fs {
		if f.Rule == RuleLicence && strings.EqualFold(f.Args["other"], licence) {
			return true
		}
	}
	return false
}

// place says where a record stood, for people.
func place(file string, line int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}
