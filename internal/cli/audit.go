package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"coigwriter/internal/audit"
	"coigwriter/internal/errs"
)

type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Recompute every hash of the history and name what was changed."`
	Root   auditRootCmd   `cmd:"" help:"Bind all chains of the history now (serve does it every hour)."`
}

type auditVerifyCmd struct{}

// Run exits with 1 when the history is not as it was written.
func (auditVerifyCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	res, err := audit.Verify(ctx, d)
	if err != nil {
		return err
	}
	err = con.print(res, func(w io.Writer) error {
		for _, f := range res.Faults {
			if f.ItemID == "" {
				fmt.Fprintf(w, "root %d: %s\n", f.Seq, f.Msg)
				continue
			}
			fmt.Fprintf(w, "%s %s, entry %d: %s\n", f.ItemKind, f.ItemID, f.Seq, f.Msg)
		}
		_, err := fmt.Fprintf(w, "%d entries of %d items under %d roots: %d faults\n", res.Entries, res.Items, res.Roots, len(res.Faults))
		return err
	})
	if err == nil && len(res.Faults) > 0 {
		return fmt.Errorf("the history is not as it was written: %d faults", len(res.Faults))
	}
	return err
}

type auditRootCmd struct{}

// Run writes a root over the history.
func (auditRootCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	r, err := audit.MakeRoot(ctx, d)
	if errors.Is(err, errs.NotFound) {
		fmt.Fprintln(con.err, "nothing has happened since the last root (entries of the last minute wait for the next)")
		return nil
	}
	if err != nil {
		return err
	}
	return con.print(r, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "root %d over %d items, %d entries: %s\n", r.Seq, r.Items, r.Entries, r.Hash)
		return err
	})
}
