package mix

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"encoding/json"
	"os"
	"slices"

	"coigwriter/internal/errs"
	"coigwriter/internal/record"
)

// A pool keeps the rows with the smallest keys of all that it is shown, so many as it is wide, in memory
// that does not grow with how many those are. The turns of kept rows lie in the spool; rows that were
// pushed out leave theirs there, which is a logarithm's share of what was read.
type pool struct {
	spool *spool
	width int // 0 is no bound
	floor key // rows up to here were looked at in an earlier round
	later bool
	byKey map[key]*candidate
	heap  byDraw // the largest key first
	lost  bool   // rows were pushed out, or never came in
}

func newPool(s *spool, width int) *pool {
	return &pool{spool: s, width: width, byKey: map[key]*candidate{}}
}

// add shows the pool a row.
func (p *pool) add(c candidate, turns []record.Turn) error {
	if p.later && bytes.Compare(c.draw[:], p.floor[:]) <= 0 {
		return nil
	}
	if have := p.byKey[c.draw]; have != nil {
		other := copied{c.source, c.file, c.line, c.id}
		if c.before(have) { // which of two copies stands does not hang on which was read first
			other = copied{have.source, have.file, have.line, have.id}
			have.source, have.file, have.line = c.source, c.file, c.line
			have.id, have.genre, have.language = c.id, c.genre, c.language
		}
		have.copies = append(have.copies, other)
		return nil
	}
	if p.width > 0 && len(p.heap) >= p.width {
		p.lost = true
		if bytes.Compare(c.draw[:], p.heap[0].draw[:]) > 0 {
			return nil
		}
		delete(p.byKey, heap.Pop(&p.heap).(*candidate).draw)
	}
	data, err := json.Marshal(turns)
	if err == nil {
		c.at, err = p.spool.put(data)
	}
	if err != nil {
		return err
	}
	kept := &c
	p.byKey[c.draw] = kept
	heap.Push(&p.heap, kept)
	return nil
}

// drain returns the rows in the order of their keys, with their copies in order, and empties the pool.
func (p *pool) drain() []*candidate {
	out := []*candidate(p.heap)
	slices.SortFunc(out, func(a, b *candidate) int { return bytes.Compare(a.draw[:], b.draw[:]) })
	for _, c := range out {
		slices.SortFunc(c.copies, func(a, b copied) int {
			return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.id, b.id), cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
		})
	}
	p.heap, p.byKey = nil, map[key]*candidate{}
	return out
}

// next makes the pool ready for the rows behind those of the last round.
func (p *pool) next(after key) { p.floor, p.later, p.lost = after, true, false }

// before orders copies of one row.
func (c *candidate) before(d *candidate) bool {
	return cmp.Or(cmp.Compare(c.source, d.source), cmp.Compare(c.id, d.id), cmp.Compare(c.file, d.file), cmp.Compare(c.line, d.line)) < 0
}

// byDraw is a heap of candidates with the largest key at its top.
type byDraw []*candidate

func (h byDraw) Len() int           { return len(h) }
func (h byDraw) Less(i, j int) bool { return bytes.Compare(h[i].draw[:], h[j].draw[:]) > 0 }
func (h byDraw) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byDraw) Push(x any)        { *h = append(*h, x.(*candidate)) }
func (h *byDraw) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}

// A spool is a file that what rows say waits in.
type spool struct {
	file *os.File
	buf  *bufio.Writer
	end  int64
}

// A piece is where something lies in a spool.
type piece struct {
	from int64
	size int
}

func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, ".spool-*")
	if err != nil {
		return nil, errs.Unavailablef("temporary file: %w", err)
	}
	return &spool{file: f, buf: bufio.NewWriterSize(f, 256<<10)}, nil
}

func (s *spool) put(data []byte) (piece, error) {
	at := piece{s.end, len(data)}
	s.end += int64(len(data))
	if _, err := s.buf.Write(data); err != nil {
		return at, errs.Unavailablef("temporary file: %w", err)
	}
	return at, nil
}

// settle brings everything to where get finds it. From then on several goroutines may get.
func (s *spool) settle() error {
	if err := s.buf.Flush(); err != nil {
		return errs.Unavailablef("temporary file: %w", err)
	}
	return nil
}

func (s *spool) get(at piece) ([]byte, error) {
	data := make([]byte, at.size)
	if _, err := s.file.ReadAt(data, at.from); err != nil {
		return nil, errs.Unavailablef("temporary file: %w", err)
	}
	return data, nil
}

// turns reads the turns of a row.
func (s *spool) turns(c *candidate) (turns []record.Turn, err error) {
	data, err := s.get(c.at)
	if err != nil {
		return nil, err
	}
	return turns, json.Unmarshal(data, &turns)
}

func (s *spool) close() {
	s.file.Close()
	os.Remove(s.file.Name())
}
