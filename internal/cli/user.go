package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"coigwriter/internal/table"
	"coigwriter/internal/user"
)

type userCmd struct {
	Add      userAddCmd      `cmd:"" help:"Add a person and print a link by which they set their password."`
	List     userListCmd     `cmd:"" help:"List people."`
	Disable  userDisableCmd  `cmd:"" help:"Shut a person out at once."`
	Enable   userEnableCmd   `cmd:"" help:"Let a disabled person in again."`
	Password userPasswordCmd `cmd:"" help:"Set a password from stdin, or print a one-time link."`
	Token    userTokenCmd    `cmd:"" help:"Make an API token; it is shown once."`
}

type userAddCmd struct {
	Login      string   `arg:"" help:"Login: lower-case letters, digits, dots, hyphens."`
	Name       string   `arg:"" help:"Name that colleagues see."`
	Role       []string `required:"" help:"lead, annotator, reviewer, evaluator, engineer; several with commas."`
	Specialist bool     `help:"May review specialist genres."`
}

// Run adds a person.
func (c userAddCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	n := user.New{Login: c.Login, Name: c.Name, Specialist: c.Specialist}
	for _, r := range c.Role {
		n.Roles = append(n.Roles, user.Role(r))
	}
	p, err := user.Add(ctx, d, "system", n)
	if err != nil {
		return err
	}
	secret, err := user.NewPasswordLink(ctx, d, "system", p.ID)
	if err != nil {
		return err
	}
	link := cfg.link("/password/" + secret)
	return con.print(map[string]string{"id": p.ID, "login": p.Login, "pseudonym": p.Pseudonym, "password_link": link}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "added %s; they set their password here, once, within three days:\n%s\n", p.Login, link)
		return err
	})
}

// link is an address people can open.
func (c *Config) link(path string) string {
	base := strings.TrimSuffix(c.PublicURL, "/")
	if base == "" {
		base = "http://" + c.Listen
	}
	return base + path
}

type userListCmd struct{}

// Run lists people.
func (userListCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	ps, err := user.List(ctx, d)
	if err != nil {
		return err
	}
	return con.print(ps, func(w io.Writer) error {
		t := table.New("", table.Text("login"), table.Text("name"), table.Text("roles"), table.Text("pseudonym"), table.Text("state"))
		for _, p := range ps {
			roles := make([]string, len(p.Roles))
			for i, r := range p.Roles {
				roles[i] = string(r)
			}
			state := "active"
			if p.DisabledAt != nil {
				state = "disabled"
			}
			t.Add(p.Login, p.Name, strings.Join(roles, ", "), p.Pseudonym, state)
		}
		return t.Terminal(w)
	})
}

type userDisableCmd struct {
	Login string `arg:""`
}

// Run disables a person.
func (c userDisableCmd) Run(ctx context.Context, cfg *Config) error {
	return setEnabled(ctx, cfg, c.Login, false)
}

type userEnableCmd struct {
	Login string `arg:""`
}

// Run enables a person.
func (c userEnableCmd) Run(ctx context.Context, cfg *Config) error {
	return setEnabled(ctx, cfg, c.Login, true)
}

func setEnabled(ctx context.Context, cfg *Config, login string, on bool) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	p, err := user.ByLogin(ctx, d, login)
	if err != nil {
		return err
	}
	return user.SetEnabled(ctx, d, "system", p.ID, on)
}

type userPasswordCmd struct {
	Login string `arg:""`
	Stdin bool   `help:"Read the password from the first line of stdin instead of printing a link."`
}

// Run sets a password, or prints a link to set it.
func (c userPasswordCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	p, err := user.ByLogin(ctx, d, c.Login)
	if err != nil {
		return err
	}
	if c.Stdin {
		line, err := bufio.NewReader(io.LimitReader(con.in, 4096)).ReadString('\n')
		if err != nil && line == "" {
			return usagef("no password on stdin")
		}
		return user.SetPassword(ctx, d, "system", p.ID, strings.TrimRight(line, "\r\n"))
	}
	secret, err := user.NewPasswordLink(ctx, d, "system", p.ID)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(con.out, cfg.link("/password/"+secret))
	return err
}

type userTokenCmd struct {
	Login string        `arg:""`
	Name  string        `help:"What the token is for." default:"command line"`
	Scope []string      `required:"" help:"Permissions, such as source.read,stats.read."`
	Life  time.Duration `help:"How long it lives; 0 for ever." default:"2160h"`
}

// Run makes a token.
func (c userTokenCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	p, err := user.ByLogin(ctx, d, c.Login)
	if err != nil {
		return err
	}
	scopes := make([]user.Permission, len(c.Scope))
	for i, s := range c.Scope {
		scopes[i] = user.Permission(s)
	}
	secret, err := user.NewToken(ctx, d, "system", p.ID, c.Name, scopes, c.Life)
	if err != nil {
		return err
	}
	return con.print(map[string]string{"token": secret}, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, secret)
		return err
	})
}
