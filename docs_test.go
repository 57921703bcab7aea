package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coigwriter/internal/bench"
	"coigwriter/internal/cli"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/mix"
	"coigwriter/internal/source"
	"coigwriter/internal/train"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
)

var update = flag.Bool("update", false, "write the generated pages of docs/ anew")

// TestDocsAreWhatTheCodeSays holds the generated pages equal to the tables they are drawn
// from; go test . -update writes them.
func TestDocsAreWhatTheCodeSays(t *testing.T) {
	for file, want := range map[string]string{
		"docs/STATES.md":      statesPage(),
		"docs/PERMISSIONS.md": permissionsPage(),
		"docs/DATA.md":        dataPage(t),
		"docs/COMMANDS.md":    commandsPage(t),
		"docs/MIX_PLAN.md":    mixPlanPage(t),
	} {
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s has drifted from the code; run: go test . -update\n%s", file, diff)
		}
	}
}

const generated = "<!-- Written by go test . -update from the code's own tables; do not edit. -->\n\n"

// An arrow is one line of a transitions table, whichever noun it belongs to.
type arrow struct {
	From, To, Action, Who string
	Reason                bool
}

func statesPage() string {
	var b strings.Builder
	b.WriteString("# States\n\n" + generated)
	b.WriteString("Every arrow is one recorded transition: it writes a history row in the same transaction. What is not drawn is an error. “system” steps follow from a named rule or a count of verdicts, never from a model alone. Who holds a permission stands in [PERMISSIONS.md](PERMISSIONS.md).\n")
	var sources, triplets []arrow
	for _, t := range source.Transitions {
		sources = append(sources, arrow(t))
	}
	for _, t := range triplet.Transitions {
		triplets = append(triplets, arrow(t))
	}
	diagram(&b, "A source", sources)
	diagram(&b, "A triplet", triplets)
	var sets, orders, studies, judges, runs []arrow
	for _, t := range bench.Transitions {
		sets = append(sets, arrow(t))
	}
	for _, t := range bench.OrderTransitions {
		orders = append(orders, arrow(t))
	}
	for _, t := range evaluate.Transitions {
		studies = append(studies, arrow(t))
	}
	for _, t := range evaluate.JudgeTransitions {
		judges = append(judges, arrow(t))
	}
	for _, t := range train.Transitions {
		runs = append(runs, arrow(t))
	}
	diagram(&b, "A set of queries", sets)
	diagram(&b, "A request for answers", orders)
	diagram(&b, "A study", studies)
	diagram(&b, "A request that a model judge a study", judges)
	diagram(&b, "A training run", runs)
	return b.String()
}

func diagram(b *strings.Builder, title string, arrows []arrow) {
	fmt.Fprintf(b, "\n## %s\n\n```mermaid\nstateDiagram-v2\n", title)
	node := func(s string) string {
		if s == "" {
			return "[*]"
		}
		return s
	}
	for _, a := range arrows {
		fmt.Fprintf(b, "    %s --> %s: %s\n", node(a.From), a.To, a.Action)
	}
	b.WriteString("```\n\n| from | to | action | who | reason asked |\n|---|---|---|---|---|\n")
	for _, a := range arrows {
		reason := ""
		if a.Reason {
			reason = "yes"
		}
		fmt.Fprintf(b, "| %s | %s | %s | `%s` | %s |\n", a.From, a.To, a.Action, a.Who, reason)
	}
}

func permissionsPage() string {
	var b strings.Builder
	b.WriteString("# Who may do what\n\n" + generated)
	b.WriteString("One table in `internal/user` decides; pages, API, tests and this page read it. One person may hold several roles; an API token can be narrower than its person, never wider. `self` (one's own account) belongs to everybody who is signed in.\n\n| permission |")
	for _, r := range user.Roles {
		fmt.Fprintf(&b, " %s |", r)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(user.Roles)) + "\n")
	for _, row := range user.Allowed {
		fmt.Fprintf(&b, "| `%s` |", row.Permission)
		for _, r := range user.Roles {
			mark := ""
			for _, have := range row.Roles {
				if have == r {
					mark = "●"
				}
			}
			fmt.Fprintf(&b, " %s |", mark)
		}
		b.WriteString("\n")
	}
	return b.String()
}

var (
	createTable = regexp.MustCompile(`^CREATE TABLE (\w+) \(\s*(?:-- (.*))?$`)
	column      = regexp.MustCompile(`^    (\w+)\s+((?:TEXT|BIGINT|BOOLEAN|TIMESTAMPTZ|DOUBLE PRECISION)[^-]*?),?\s*(?:-- (.*))?$`)
	addColumn   = regexp.MustCompile(`^ALTER TABLE (\w+) ADD COLUMN (\w+)\s+(.*?);\s*(?:-- (.*))?$`)
)

// dataPage lists the tables as the migrations make them, with the migrations' own comments.
func dataPage(t *testing.T) string {
	files, err := filepath.Glob("internal/db/migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal("no migrations", err)
	}
	var b strings.Builder
	b.WriteString("# Data model\n\n" + generated)
	b.WriteString("One SQL text for SQLite and PostgreSQL. IDs are UUIDv7 and times UTC, both made by the program; JSON is text. Nothing is deleted: removed is a state. The job queue keeps its own `river_*` tables beside these.\n")
	for _, file := range files {
		sql, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\n## %s\n", filepath.Base(file))
		head := true
		for line := range strings.Lines(string(sql)) {
			line = strings.TrimRight(line, "\n")
			switch m := createTable.FindStringSubmatch(line); {
			case strings.HasPrefix(line, "-- +goose"):
				head = false
			case head && strings.HasPrefix(line, "-- "):
				fmt.Fprintf(&b, "%s\n", strings.TrimPrefix(line, "-- "))
			case m != nil:
				fmt.Fprintf(&b, "\n### %s\n", m[1])
				if m[2] != "" {
					fmt.Fprintf(&b, "%s\n", m[2])
				}
				b.WriteString("\n| column | type | meaning |\n|---|---|---|\n")
			default:
				if c := column.FindStringSubmatch(line); c != nil {
					fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c[1], cell(c[2]), cell(c[3]))
				} else if a := addColumn.FindStringSubmatch(line); a != nil {
					fmt.Fprintf(&b, "\nAdds `%s.%s` (%s): %s\n", a[1], a[2], a[3], a[4])
				}
			}
		}
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), "|", `\|`) }

// mixPlanPage is a plan of mixes as init writes it.
func mixPlanPage(t *testing.T) string {
	p, err := mix.PresetOf("paper")
	if err != nil {
		t.Fatal(err)
	}
	return "# The plan of a mix\n\n" + generated + "What `coigwriter mix init` writes: every key, at its default. [MIXES.md](MIXES.md) tells what becomes of it.\n\n```toml\n" + strings.TrimSpace(string(p.Render())) + "\n```\n"
}

// commandsPage is every command's help, as it prints it.
func commandsPage(t *testing.T) string {
	var b strings.Builder
	b.WriteString("# Commands\n\n" + generated)
	b.WriteString("With `--json` a command prints one machine-readable document on stdout; progress and logs go to stderr. Exit codes: 0 done, 1 failed, 2 usage, 3 done but some records were refused (listed).\n")
	for _, path := range cli.Commands() {
		var out, errOut bytes.Buffer
		if code := cli.Run(t.Context(), append(strings.Fields(path), "--help"), strings.NewReader(""), &out, &errOut); code != 0 {
			t.Fatalf("%s --help: exit %d: %s", path, code, errOut.String())
		}
		fmt.Fprintf(&b, "\n## coigwriter %s\n\n```\n%s\n```\n", path, strings.TrimSpace(out.String()))
	}
	return b.String()
}
