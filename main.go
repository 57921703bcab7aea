// Coigwriter carries creative-writing data from a source text to a released dataset, with a
// record of every step: texts are collected and date-checked, screened, reverse-engineered by
// people into triplets (prompt, reasoning, article), scored, reviewed, and released.
//
// # A tour for newcomers
//
// One binary, one SQL database (a SQLite file, or PostgreSQL), one history. Packages are about
// things, and imports point only downwards; arch_test.go holds the order:
//
//	cli        one file a command; wires everything
//	sample     the filled sample project that "coigwriter demo" shows
//	web, api   two thin faces over the same functions: pages for people, REST for programs
//	dossier    what a project knows of its studies, as the frozen inputs of a report
//	report     the whole story of a comparison as one HTML file
//	release    frozen dataset versions and their export formats
//	review     who reviews what, verdicts, decisions, removals
//	triplet    the three steps, revisions, score sheets and the gate
//	evaluate   blind comparisons and ratings by people; model judges kept apart
//	mix        training configurations: rows drawn by seed, copies and leaks, manifests
//	bench      sets of queries, and what models answer
//	screen     rules, then a model's or a person's assessment of a source
//	source     collected texts: reading files, evidence of dates, duplicates
//	genre user project    the taxonomy as data; people and who may do what; settings
//	llm        the client, and the store of raw replies
//	audit      the history that every change writes, hash-chained per item
//	job        what runs later, over River
//	analysis record text table    pure: numbers over files, no database, no network
//	db errs    one SQL handle for both databases; the kinds of failure
//
// Start reading at internal/db/migrations: the tables are the nouns. Then internal/genre,
// internal/source and internal/screen whole, where data, rule, prompt, job and SQL are all met
// once; then internal/web/routes.go, which is the site map, and one page.
//
// Inside a capability the files repeat one pattern: <noun>.go holds types, rules and states
// (no SQL, no context), store.go holds SQL as functions that take a *db.DB, work.go its job
// kinds, prompts/ its prompts. States are tables: each stateful noun has one transitions
// literal, and every move writes its history row in the same transaction. Upstream never
// calls downstream; work moves on by state.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"coigwriter/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
