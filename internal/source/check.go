package source

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// check runs the rules over the batch, on every CPU: they are most of an import's time, and
// each looks at one text alone. Then date and rules decide each draft's state.
func (im *importer) check(ctx context.Context) {
	if im.o.Check != nil {
		var next atomic.Int64
		var wg sync.WaitGroup
		var broke atomic.Value // a panic belongs to the caller, who can recover from it
		for range min(runtime.GOMAXPROCS(0), len(im.batch)) {
			wg.Go(func() {
				defer func() {
					if p := recover(); p != nil {
						broke.Store(fmt.Errorf("%v\n%s", p, debug.Stack()))
					}
				}()
				for i := next.Add(1) - 1; i < int64(len(im.batch)); i = next.Add(1) - 1 {
					im.batch[i].Findings = im.o.Check(ctx, &im.batch[i].Source)
				}
			})
		}
		wg.Wait()
		if p := broke.Load(); p != nil {
			panic(p)
		}
	}
	for i := range im.batch {
		b := &im.batch[i]
		b.Source.State, b.Source.Reason = settle(b.date, b.Findings)
	}
}
