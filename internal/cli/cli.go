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
	"coigwriter/internal/mix"
	"coigwriter/internal/train"
)

// Exit codes of every command.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitRefused = 3
)

// errRefused ends a command that did its work but had to refuse records, which it has listed.
var errRefused = errors.New("done, but not with everything")

// commands is everything one can type. A new command is a file and a line here; needs names
// the settings that its help shows beside the project's own (see hideUnused).
type commands struct {
	Config `embed:""`

	Serve     serveCmd     `cmd:"" needs:"server,model" help:"Start the web pages, the REST API and the workers."`
	Work      workCmd      `cmd:"" needs:"server,model" help:"Run only workers, beside a serve on the same PostgreSQL."`
	Demo      demoCmd      `cmd:"" needs:"server,model" help:"Start a filled sample project and print a link to it."`
	Init      initCmd      `cmd:"" needs:"server,model" help:"Make a data directory with a config file to read."`
	Import    importCmd    `cmd:"" help:"Bring texts in."`
	Screen    screenCmd    `cmd:"" needs:"model" help:"Screen the waiting sources with the configured model."`
	Status    statusCmd    `cmd:"" help:"Show where everything stands."`
	Models    llmCmd       `cmd:"" name:"llm" help:"Model calls: what they cost, replies read again, batch files."`
	Benchmark benchmarkCmd `cmd:"" help:"Sets of queries that models answer: write, check, freeze, export."`
	Generate  generateCmd  `cmd:"" needs:"model" help:"Have a model answer the queries of a set or a file."`
	Train     trainCmd     `cmd:"" needs:"train" help:"Train models on a mix with LLaMA-Factory, ms-swift or TRL: start, follow, resume, register."`
	Study     studyCmd     `cmd:"" help:"Blind comparisons and ratings of what models wrote: plan, open, judge, results, preferences."`
	Release   releaseCmd   `cmd:"" help:"Cut, list, compare and verify dataset versions."`
	Export    exportCmd    `cmd:"" help:"Write a release in a format trainers read."`
	Mix       mixCmd       `cmd:"" needs:"files" help:"Training configurations: triplets and general rows, drawn by seed, nested, without copies and benchmark texts."`
	Stats     statsCmd     `cmd:"" needs:"files" help:"Counts and lengths of any triplet file (the paper's Tables 5-10)."`
	Winrate   winrateCmd   `cmd:"" needs:"files" help:"Win rates of votes or rankings: matrix, intervals, exact tests (the paper's Table 2)."`
	Ratings   ratingsCmd   `cmd:"" needs:"files" help:"Strengths of models from votes (Bradley-Terry), with ties, length, position and raters."`
	Agreement agreementCmd `cmd:"" needs:"files" help:"How far raters agree: alpha, kappa, AC1 and AC2, ICC, with intervals."`
	Label     labelCmd     `cmd:"" needs:"model" help:"Have a model label how outputs reason, for analyze reasoning."`
	Power     powerCmd     `cmd:"" needs:"files" help:"How many votes tell a share from one half, and what so many votes can tell."`
	Analyze   analyzeCmd   `cmd:"" help:"Lengths, lexical diversity and language of models' outputs."`
	Report    reportCmd    `cmd:"" needs:"files" help:"The whole story of a comparison as one HTML file that anyone can recompute."`
	Text      textCmd      `cmd:"" help:"What the analyses see in texts."`
	Genres    genresCmd    `cmd:"" help:"Show or check a taxonomy of genres."`
	User      userCmd      `cmd:"" help:"People: add, list, disable, passwords, tokens."`
	Audit     auditCmd     `cmd:"" help:"Verify the history."`
	Backup    backupCmd    `cmd:"" help:"Copy the SQLite database to a file while the program runs."`
	Restore   restoreCmd   `cmd:"" help:"Put a backup in the place of the SQLite database, once it has proved to be whole."`
	Doctor    doctorCmd    `cmd:"" needs:"server,model" help:"Check the set-up and print the effective configuration."`
	Version   versionCmd   `cmd:"" needs:"files" help:"Print the version."`
}

// A commandName is the last word of a command, for commands that do nearly the same.
type commandName string

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
	parser, err := newParser(&cmds, kong.Writers(stdout, stderr), kong.Exit(func(code int) { exit = code }))
	if err != nil {
		fmt.Fprintln(stderr, "coigwriter:", err)
		return exitFailed
	}
	file, err := configFile(args)
	if err != nil {
		return codeOf(stderr, err)
	}
	if file != nil {
		if err := file.check(parser); err != nil {
			return codeOf(stderr, err)
		}
		if err := kong.Resolvers(file).Apply(parser); err != nil {
			return codeOf(stderr, err)
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
	if file != nil {
		cmds.Config.LLM.Prices = file.prices
	}
	con := &console{in: stdin, out: stdout, err: stderr, json: cmds.JSON, quiet: cmds.Quiet}
	kctx.BindTo(ctx, (*context.Context)(nil))
	err = kctx.Run(con, &cmds.Config, commandName(kctx.Selected().Name))
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errors.New("interrupted; what was acknowledged is kept, and the command can be run again")
	}
	return codeOf(stderr, err)
}

func newParser(cmds *commands, opts ...kong.Option) (*kong.Kong, error) {
	return kong.New(cmds, append(opts,
		kong.Name("coigwriter"),
		kong.Description("From a source text to a released creative-writing dataset, with a record of every step.\n\nExit codes: 0 done, 1 failed, 2 usage, 3 done but some records were refused. All settings: coigwriter serve --help."),
		kong.Vars{
			"engines": namesOf(train.Engines, train.Engine.Name), "engine": train.Engines[0].Name(),
			"launchers": namesOf(train.Launchers, func(l train.Launcher) string { return string(l) }),
			"presets":   namesOf(mix.Presets, func(p mix.Preset) string { return p.Name }), "preset": mix.Presets[0].Name,
		},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Help(helpWithExamples),
	)...)
}

// namesOf lists the names of what there is to choose from, as kong's tags want them.
func namesOf[T any](things []T, name func(T) string) string {
	names := make([]string, len(things))
	for i, x := range things {
		names[i] = name(x)
	}
	return strings.Join(names, ",")
}

// Commands lists every command as it is typed, such as "release cut", in the order of the help.
func Commands() []string {
	parser, err := newParser(&commands{})
	if err != nil {
		panic(err) // the program's own tags are wrong
	}
	var paths []string
	for _, leaf := range parser.Model.Leaves(true) {
		paths = append(paths, leaf.Path())
	}
	return paths
}

// codeOf prints err for people and returns the exit code it means.
func codeOf(w io.Writer, err error) int {
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
	hideUnused(ctx)
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

// hideUnused leaves out of a command's help the settings that it does not read. Flags of all
// commands are parsed all the same, since a config file may set any of them.
func hideUnused(ctx *kong.Context) {
	needs := "project"
	for n := ctx.Selected(); n != nil; n = n.Parent {
		if n.Tag != nil && n.Tag.Has("needs") {
			needs = n.Tag.Get("needs")
			break
		}
	}
	for _, f := range ctx.Model.Flags {
		group := ""
		if f.Group != nil {
			group = f.Group.Title
		}
		switch group {
		case "Server":
			f.Hidden = !strings.Contains(needs, "server")
		case "Model endpoint":
			f.Hidden = !strings.Contains(needs, "model")
		case "Training":
			f.Hidden = !strings.Contains(needs, "server") && !strings.Contains(needs, "train")
		case "Logging":
			f.Hidden = !strings.Contains(needs, "server")
		default:
			f.Hidden = needs == "files" && (f.Name == "data" || f.Name == "db")
		}
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}
