package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// settle is how long an entry may be on its way between taking its time and its commit. A
// root covers only entries older than that, so that none can slip in behind it.
const settle = time.Minute

// A Root binds the newest entry of every item at one time, and the root before it.
type Root struct {
	bun.BaseModel `bun:"table:history_root"`

	Seq      int64
	Upto     time.Time // covers entries at or before this time
	Items    int64
	Entries  int64
	Hash     string
	PrevHash string
}

// A Fault is one thing that is wrong with the history.
type Fault struct {
	ItemKind, ItemID string // empty for a fault of a root
	Seq              int64
	Msg              string
}

// A Result says what Verify read and found.
type Result struct {
	Items, Entries, Roots int64
	Faults                []Fault
}

// MakeRoot writes a root over all entries older than a minute. It returns errs.NotFound when
// nothing has happened since the last root.
func MakeRoot(ctx context.Context, d *db.DB) (Root, error) {
	upto := d.Now().Add(-settle)
	var last Root
	err := d.One(ctx, &last, `SELECT * FROM history_root ORDER BY seq DESC LIMIT 1`)
	if err != nil && !errors.Is(err, errs.NotFound) {
		return Root{}, err
	}
	var fresh int64
	if err := d.One(ctx, &fresh, `SELECT COUNT(*) FROM history WHERE at > ? AND at <= ?`, last.Upto, upto); err != nil {
		return Root{}, err
	}
	if fresh == 0 {
		return Root{}, errs.NotFoundf("nothing has happened since the last root")
	}
	w := newWitness(Root{Seq: last.Seq + 1, Upto: upto, PrevHash: last.Hash})
	if err := eachChain(ctx, d, func(chain []Event) error { w.add(chain); return nil }); err != nil {
		return Root{}, err
	}
	root := w.root()
	return root, d.Insert(ctx, &root)
}

// Verify recomputes every chain and every root, in one pass over the history and with memory
// for one item at a time. It finds changed, missing and inserted entries; Result.Faults names
// each. The error is for a history that could not be read.
func Verify(ctx context.Context, d *db.DB) (Result, error) {
	var roots []Root
	if err := d.All(ctx, &roots, `SELECT * FROM history_root ORDER BY seq`); err != nil {
		return Result{}, err
	}
	res := Result{Roots: int64(len(roots))}
	witnesses := make([]*witness, len(roots))
	prev := ""
	for i, r := range roots {
		if r.Seq != int64(i+1) || r.PrevHash != prev {
			res.Faults = append(res.Faults, Fault{Seq: r.Seq, Msg: "the root does not follow the root before it"})
		}
		prev = r.Hash
		witnesses[i] = newWitness(r)
	}
	err := eachChain(ctx, d, func(chain []Event) error {
		res.Items++
		res.Entries += int64(len(chain))
		res.Faults = append(res.Faults, checkChain(chain)...)
		for _, w := range witnesses {
			w.add(chain)
		}
		return nil
	})
	if err != nil {
		return Result{}, err
	}
	for i, w := range witnesses {
		if got := w.root(); got.Hash != roots[i].Hash {
			res.Faults = append(res.Faults, Fault{Seq: roots[i].Seq, Msg: fmt.Sprintf(
				"root %d of %s does not match: it was made over %d items and %d entries, now there are %d and %d up to then",
				roots[i].Seq, roots[i].Upto.Format(time.RFC3339), roots[i].Items, roots[i].Entries, got.Items, got.Entries)})
		}
	}
	return res, nil
}

func checkChain(chain []Event) []Fault {
	var faults []Fault
	prev := ""
	for i, ev := range chain {
		fault := func(msg string) {
			faults = append(faults, Fault{ItemKind: ev.ItemKind, ItemID: ev.ItemID, Seq: ev.Seq, Msg: msg})
		}
		switch {
		case ev.Seq != int64(i+1):
			fault(fmt.Sprintf("entry %d is missing", i+1))
			return faults
		case ev.PrevHash != prev:
			fault("the entry before it was changed or replaced")
		case ev.Hash != ev.sum():
			fault("the entry was changed after it was written")
		}
		prev = ev.Hash
	}
	return faults
}

// eachChain calls f with the whole chain of each item in turn, in the order of the items.
func eachChain(ctx context.Context, d *db.DB, f func([]Event) error) error {
	var chain []Event
	err := db.Each(ctx, d, func(ev *Event) error {
		if n := len(chain); n > 0 && (chain[n-1].ItemKind != ev.ItemKind || chain[n-1].ItemID != ev.ItemID) {
			if err := f(chain); err != nil {
				return err
			}
			chain = chain[:0]
		}
		chain = append(chain, *ev)
		return nil
	}, `SELECT * FROM history ORDER BY item_kind, item_id, seq`)
	if err != nil || len(chain) == 0 {
		return err
	}
	return f(chain)
}

// A witness recomputes one root while the chains pass by.
type witness struct {
	r Root
	h hash.Hash
}

func newWitness(r Root) *witness {
	w := &witness{r: Root{Seq: r.Seq, Upto: r.Upto, PrevHash: r.PrevHash}, h: sha256.New()}
	fmt.Fprintf(w.h, "%s\n%d\n%s\n", r.PrevHash, r.Seq, r.Upto.UTC().Format(time.RFC3339Nano))
	return w
}

func (w *witness) add(chain []Event) {
	last := -1
	for i, ev := range chain {
		if !ev.At.After(w.r.Upto) {
			last = i
			w.r.Entries++
		}
	}
	if last >= 0 {
		w.r.Items++
		fmt.Fprintf(w.h, "%s\n%s\n%s\n", chain[last].ItemKind, chain[last].ItemID, chain[last].Hash)
	}
}

func (w *witness) root() Root {
	r := w.r
	r.Hash = hex.EncodeToString(w.h.Sum(nil))
	return r
}
