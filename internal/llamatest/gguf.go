// Package llamatest starts a real llama.cpp server on a model of our own making, whose every word is
// known in advance: no weights are needed, and the whole chain from prompt to score runs against a server
// that people use. Tests that use it skip where the environment variable LLAMA_SERVER names none.
package llamatest

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
)

// A writer puts values in the order and form of a GGUF file, version 3: little endian, strings with their
// length before them.
type writer struct{ bytes.Buffer }

func (w *writer) u32(v uint32)  { _ = binary.Write(w, binary.LittleEndian, v) } // a buffer takes all
func (w *writer) u64(v int)     { _ = binary.Write(w, binary.LittleEndian, uint64(v)) }
func (w *writer) f32(v float32) { w.u32(math.Float32bits(v)) }
func (w *writer) str(s string)  { w.u64(len(s)); w.WriteString(s) }

// The types of values in the head of a file, as far as they are used here.
const (
	ggufInt32  = 5
	ggufUint32 = 4
	ggufFloat  = 6
	ggufBool   = 7
	ggufString = 8
	ggufArray  = 9
)

// alignment is that of tensors in the file.
const alignment = 32

// A file is a model before it is written.
type file struct {
	head    writer
	keys    int
	info    writer
	tensors int
	data    []tensor
	at      int // where the next tensor stands
}

type tensor struct {
	values []float32
	zeros  int // so many, where values is nil
}

func (f *file) key(name string, kind uint32) *writer {
	f.keys++
	f.head.str(name)
	f.head.u32(kind)
	return &f.head
}

func (f *file) text(name, v string)       { f.key(name, ggufString).str(v) }
func (f *file) number(name string, v int) { f.key(name, ggufUint32).u32(uint32(v)) }
func (f *file) float(name string, v float32) {
	f.key(name, ggufFloat).f32(v)
}

func (f *file) flag(name string, v bool) {
	b := byte(0)
	if v {
		b = 1
	}
	f.key(name, ggufBool).WriteByte(b)
}

func (f *file) texts(name string, vs []string) {
	w := f.key(name, ggufArray)
	w.u32(ggufString)
	w.u64(len(vs))
	for _, v := range vs {
		w.str(v)
	}
}

func (f *file) ints(name string, vs []int32) {
	w := f.key(name, ggufArray)
	w.u32(ggufInt32)
	w.u64(len(vs))
	for _, v := range vs {
		w.u32(uint32(v))
	}
}

// tensor adds a matrix of 32-bit floats; dims are columns first, as the format has them. nil is all zero.
func (f *file) tensor(name string, values []float32, dims ...int) {
	n := 1
	f.info.str(name)
	f.info.u32(uint32(len(dims)))
	for _, d := range dims {
		f.info.u64(d)
		n *= d
	}
	f.info.u32(0) // 32-bit floats
	f.info.u64(f.at)
	f.tensors++
	f.data = append(f.data, tensor{values, n})
	f.at += (4*n + alignment - 1) / alignment * alignment
}

// writeTo writes the file.
func (f *file) writeTo(out io.Writer) error {
	var w writer
	w.WriteString("GGUF")
	w.u32(3)
	w.u64(f.tensors)
	w.u64(f.keys)
	w.Write(f.head.Bytes())
	w.Write(f.info.Bytes())
	pad := func() {
		for w.Len()%alignment != 0 {
			w.WriteByte(0)
		}
	}
	pad()
	for _, t := range f.data {
		if t.values == nil {
			w.Write(make([]byte, 4*t.zeros))
		}
		for _, v := range t.values {
			w.f32(v)
		}
		pad()
	}
	_, err := out.Write(w.Bytes())
	return err
}
