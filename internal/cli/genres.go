package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/project"
	"coigwriter/internal/table"
)

type genresCmd struct {
	List  genresListCmd  `cmd:"" default:"withargs" help:"List the genres of the built-in taxonomy, or of a file."`
	YAML  genresYAMLCmd  `cmd:"" name:"yaml" help:"Print the built-in taxonomy, as a start for your own."`
	Check genresCheckCmd `cmd:"" help:"Check a taxonomy file; problems are named by line."`
	Use   genresUseCmd   `cmd:"" help:"Make a file the project's taxonomy."`
}

type genresListCmd struct {
	File string `help:"Taxonomy file." type:"existingfile" placeholder:"FILE"`
	Lang string `help:"Language of the names: ${enum}." enum:"zh,en" default:"zh"`
}

// Run lists the genres.
func (c genresListCmd) Run(con *console) error {
	tax := genre.Default()
	if c.File != "" {
		var err error
		if tax, err = readTaxonomy(c.File); err != nil {
			return err
		}
	}
	return con.print(tax, func(w io.Writer) error {
		t := table.New(fmt.Sprintf("%s %s", tax.Name, tax.Version), table.Text("id"), table.Text("genre"), table.Text("category"), table.Text("tier"), table.Num("article"))
		for _, g := range tax.Genres {
			cat, _ := tax.Category(g.Category)
			t.Add(g.ID, g.In(c.Lang), cat.In(c.Lang), g.Tier, fmt.Sprintf("%d–%d", g.Article.Min(), g.Article.Max()))
		}
		t.Note = fmt.Sprintf("%d genres in %d categories", len(tax.Genres), len(tax.Categories))
		return t.Terminal(w)
	})
}

type genresYAMLCmd struct{}

// Run prints the file.
func (genresYAMLCmd) Run(con *console) error {
	_, err := con.out.Write(genre.YAML())
	return err
}

type genresCheckCmd struct {
	File string `arg:"" type:"existingfile" help:"Taxonomy file."`
}

// Run checks a file.
func (c genresCheckCmd) Run(con *console) error {
	tax, err := readTaxonomy(c.File)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.out, "%s: %d genres, version %s\n", c.File, len(tax.Genres), tax.Hash()[:12])
	return err
}

type genresUseCmd struct {
	File string `arg:"" type:"existingfile" help:"Taxonomy file."`
}

// Run stores a file as the project's taxonomy.
func (c genresUseCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	data, err := os.ReadFile(c.File)
	if err != nil {
		return errs.Invalidf("%w", err)
	}
	d, err := cfg.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	tax, err := project.SetTaxonomy(ctx, d, "system", c.File, data)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.out, "the project has %d genres now, version %s\n", len(tax.Genres), tax.Hash()[:12])
	return err
}

func readTaxonomy(path string) (*genre.Taxonomy, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, errs.Invalidf("%w", err)
	}
	return genre.Parse(path, data)
}
