package llm

import (
	"context"
	"strings"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// A PromptVersion is a text that models were asked with in this project.
type PromptVersion struct {
	Hash      string    `json:"hash"` // sha256 of Text in hex
	Name      string    `json:"name"`
	Text      string    `json:"text"`
	FirstUsed time.Time `json:"first_used"`
}

// PromptVersions lists the versions of one prompt, oldest first; name "" lists all prompts'.
func PromptVersions(ctx context.Context, d *db.DB, name string) (_ []PromptVersion, err error) {
	defer errs.Wrap(&err, "versions of prompt %s", name)
	var out []PromptVersion
	err = d.All(ctx, &out, `SELECT * FROM llm_prompt WHERE ? = '' OR name = ? ORDER BY name, first_used, hash`, name, name)
	return out, err
}

// PromptVersionOf returns the one version of a prompt whose hash begins with start.
func PromptVersionOf(ctx context.Context, d *db.DB, name, start string) (PromptVersion, error) {
	all, err := PromptVersions(ctx, d, name)
	if err != nil {
		return PromptVersion{}, err
	}
	var found []PromptVersion
	var have []string
	for _, v := range all {
		have = append(have, v.Hash[:8])
		if strings.HasPrefix(v.Hash, start) {
			found = append(found, v)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return PromptVersion{}, errs.Invalidf("%q begins more than one version of %s: %s", start, name, strings.Join(have, ", "))
	case len(have) == 0:
		return PromptVersion{}, errs.NotFoundf("no model was asked with %s in this project yet", name)
	}
	return PromptVersion{}, errs.NotFoundf("%s has no version %q here; those used are %s", name, start, strings.Join(have, ", "))
}

// know keeps the text of a prompt that is about to be used, once for each process.
func (j *journal) know(ctx context.Context, tx *db.DB, f *promptFile) error {
	if j.known[f.hash] {
		return nil
	}
	_, err := tx.Exec(ctx, `INSERT INTO llm_prompt (hash, name, text, first_used) VALUES (?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING`,
		f.hash, f.name, f.text, tx.Now())
	return err
}
