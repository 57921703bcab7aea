// Package cli is the command line: one file a command, and the wiring of everything.
//
// With --json a command prints one machine-readable document on stdout; without it people get
// aligned tables. Progress and logs go to stderr. Exit codes: 0 done, 1 failed, 2 usage,
// 3 done but some records were refused (listed).
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"coigwriter/internal/errs"
)

// Exit codes of every command.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitRefused = 3
)

// errRefused ends a command that did its work but had to refuse records, which it has listed.
var errRefused = errors.New("some records were refused")

// commands is everything one can type. A new command is a file and a line here.
type commands struct {
	Config `embed:""`

	Serve   serveCmd   `cmd:"" help:"Start the web pages, the REST API and the workers."`
	Work    workCmd    `cmd:"" help:"Run only workers, beside a serve on the same PostgreSQL."`
	Demo    demoCmd    `cmd:"" help:"Start a filled sample project and print a link to it."`
	Init    initCmd    `cmd:"" help:"Make a data directory with a config file to read."`
	Import  importCmd  `cmd:"" help:"Bring texts in."`
	Screen  screenCmd  `cmd:"" help:"Screen the waiting sources with the configured model."`
	Status  statusCmd  `cmd:"" help:"Show where everything stands."`
	Release releaseCmd `cmd:"" help:"Cut, list, compare and verify dataset versions."`
	Export  exportCmd  `cmd:"" help:"Write a release in a format trainers read."`
	Stats   statsCmd   `cmd:"" help:"Counts and lengths of any triplet file (the paper's Tables 5-10)."`
	Genres  genresCmd  `cmd:"" help:"Show or check a taxonomy of genres."`
	User    userCmd    `cmd:"" help:"People: add, list, disable, passwords, tokens."`
	Audit   auditCmd   `cmd:"" help:"Verify the history."`
	Backup  backupCmd  `cmd:"" help:"Copy the SQLite database to a file while the program runs."`
	Doctor  doctorCmd  `cmd:"" help:"Check the set-up and print the effective configuration."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// A console is where a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
	json     bool
	quiet    bool
}

// print writes v as one JSON document with --json, and otherwise calls people to write for people.
func (c *console) print(v any, people func(w io.Writer) error) error {
	if !c.json {
		return people(c.out)
	}
	enc := json.NewEncoder(c.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// Run parses args, runs one command and returns the exit code.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var cmds commands
	exit := -1
	parser, err := kong.New(&cmds,
		kong.Name("coigwriter"),
		kong.Description("From a source text to a released creative-writing dataset, with a record of every step.\n\nExit codes: 0 done, 1 failed, 2 usage, 3 done but some records were refused."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exit = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Help(helpWithExamples),
	)
	if err != nil {
		fmt.Fprintln(stderr, "coigwriter:", err)
		return exitFailed
	}
	file, err := configFile(args)
	if err != nil {
		return report(stderr, err)
	}
	if file != nil {
		if err := file.check(parser); err != nil {
			return report(stderr, err)
		}
		if err := kong.Resolvers(file).Apply(parser); err != nil {
			return report(stderr, err)
		}
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	kctx, err := parser.Parse(args)
	if exit >= 0 { // --help
		return exit
	}
	if err != nil {
		fmt.Fprintf(stderr, "coigwriter: %v\n", err)
		fmt.Fprintln(stderr, "try: coigwriter", strings.TrimSpace(commandOf(args)+" --help"))
		return exitUsage
	}
	con := &console{in: stdin, out: stdout, err: stderr, json: cmds.JSON, quiet: cmds.Quiet}
	kctx.BindTo(ctx, (*context.Context)(nil))
	err = kctx.Run(con, &cmds.Config)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errors.New("interrupted; what was acknowledged is kept, and the command can be run again")
	}
	return report(stderr, err)
}

// report prints err for people and returns the exit code it means.
func report(w io.Writer, err error) int {
	var parse *kong.ParseError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errRefused):
		fmt.Fprintf(w, "coigwriter: %v\n", err)
		return exitRefused
	case errors.As(err, &parse), errors.Is(err, errUsage):
		fmt.Fprintf(w, "coigwriter: %v\n", err)
		return exitUsage
	}
	if fs := errs.FieldsOf(err); len(fs) > 0 {
		fmt.Fprintln(w, "coigwriter: please mend:")
		for _, f := range fs {
			fmt.Fprintf(w, "  %s: %s\n", f.Name, f.Msg)
		}
		return exitFailed
	}
	fmt.Fprintf(w, "coigwriter: %v\n", err)
	return exitFailed
}

// errUsage marks an error in how the command was called, beyond what kong checks.
var errUsage = errors.New("usage")

func usagef(format string, a ...any) error {
	return fmt.Errorf("%w: %s", errUsage, fmt.Sprintf(format, a...))
}

func commandOf(args []string) string {
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			return a
		}
	}
	return ""
}

// helpWithExamples prints kong's help and the command's examples under it.
func helpWithExamples(o kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(o, ctx); err != nil {
		return err
	}
	key := ""
	if sel := ctx.Selected(); sel != nil {
		key = sel.Path()
		key = strings.TrimSpace(strings.TrimPrefix(key, "coigwriter"))
	}
	if ex := examples[key]; ex != "" {
		fmt.Fprintf(ctx.Stdout, "\nExamples:\n%s", ex)
	}
	return nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}
