package source_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coigwriter/internal/dbtest"
	"coigwriter/internal/source"
	"coigwriter/internal/user"
)

// Every arrow names a permission somebody holds, or is the system's.
func TestTransitionsNameRealPermissions(t *testing.T) {
	t.Parallel()
	for _, tr := range source.Transitions {
		if tr.Who != "system" && len(user.RolesWith(user.Permission(tr.Who))) == 0 {
			t.Errorf("%s → %s asks for %q, which nobody holds", tr.From, tr.To, tr.Who)
		}
	}
}

// The same text at the same address under another licence is not added, and not lost either.
func TestImportOtherLicence(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	ctx := context.Background()
	dir := t.TempDir()
	write := func(name string, licences ...string) string {
		var b strings.Builder
		for _, l := range licences {
			b.WriteString(`{"text":"他在站台上等了很久，雨一直没有停。","url":"https://zhantai.net/a","published_at":"2024-05-01","licence":"` + l + `"}` + "\n")
		}
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	imported := func(path string) source.Report {
		rep, err := source.Import(ctx, d, source.ImportOptions{Paths: []string{path}, By: "system", Strip: dir + "/"})
		if err != nil {
			t.Fatal(err)
		}
		return rep
	}
	rep := imported(write("one.jsonl", "CC BY 4.0", "cc by 4.0", "", "CC BY-NC 4.0"))
	if rep.Added != 1 || rep.Same != 3 || rep.OtherLicence != 1 || len(rep.Licences) != 1 || !strings.HasPrefix(rep.Licences[0], "one.jsonl:4") {
		t.Fatalf("%+v", rep)
	}
	if rep = imported(write("two.jsonl", "CC BY-NC 4.0", "All rights reserved")); rep.OtherLicence != 2 || rep.Added != 0 {
		t.Fatalf("%+v", rep)
	}
	p, err := source.List(ctx, d, source.Filter{Rule: source.RuleLicence})
	if err != nil || len(p.Rows) != 1 || p.Rows[0].Licence != "CC BY 4.0" {
		t.Fatalf("%+v, %v", p.Rows, err)
	}
	fs, err := source.Findings(ctx, d, p.Rows[0].ID)
	if err != nil || len(fs) != 2 { // one for each licence, however often it comes
		t.Fatalf("%+v, %v", fs, err)
	}
	if fs[0].Args["other"] != "CC BY-NC 4.0" || fs[0].Args["file"] != "one.jsonl:4" || fs[1].Args["other"] != "All rights reserved" {
		t.Errorf("%+v", fs)
	}
	if err := source.SetFindings(ctx, d, p.Rows[0].ID, nil); err != nil {
		t.Fatal(err)
	}
	if fs, err = source.Findings(ctx, d, p.Rows[0].ID); err != nil || len(fs) != 2 {
		t.Errorf("a re-check drops what imports saw: %+v, %v", fs, err)
	}
	im, err := source.GetImport(ctx, d, rep.ImportID)
	if err != nil || im.Report.V.OtherLicence != 2 || im.Files.V[0] != "two.jsonl" || im.Mendable {
		t.Errorf("%+v, %v", im, err)
	}
}

// Refuse ends what nobody writes from, and says so where somebody does.
func TestRefuse(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	ctx := context.Background()
	p := filepath.Join(t.TempDir(), "a.jsonl")
	if err := os.WriteFile(p, []byte(`{"text":"他在站台上等了很久，雨一直没有停。","url":"https://zhantai.net/a","published_at":"2024-05-01"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := source.Import(ctx, d, source.ImportOptions{Paths: []string{p}, By: "system"}); err != nil {
		t.Fatal(err)
	}
	l, err := source.List(ctx, d, source.Filter{States: []string{source.Waiting}})
	if err != nil || len(l.Rows) != 1 {
		t.Fatalf("%+v, %v", l, err)
	}
	id := l.Rows[0].ID
	if err := source.Refuse(ctx, d, id, "lead", ""); err == nil {
		t.Error("refused without a reason")
	}
	if err := source.Refuse(ctx, d, id, "lead", "不合适"); err != nil {
		t.Fatal(err)
	}
	if err := source.Refuse(ctx, d, id, "lead", "不合适"); err == nil {
		t.Error("refused twice")
	}
	if l, err = source.List(ctx, d, source.Filter{Reason: "不合适"}); err != nil || len(l.Rows) != 1 {
		t.Errorf("by reason: %+v, %v", l, err)
	}
}
