// Package traintest writes what training is tried on without anything from a network: a tiny model with
// random weights in the layout of Hugging Face, and a small mix.
package traintest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Model is a Qwen2-shaped transformer with random weights. The zero value of a size is the smallest that
// every engine and server takes (32 numbers a head).
type Model struct {
	Hidden, Layers, Heads, KVHeads, Inner int
	Positions                             int // 0 for 4096
	Seed                                  uint64
	Spelt                                 bool // the tokenizer has no token for <think> and </think>, as Qwen2.5's has none
}

// The special tokens, after the 256 bytes.
var specials = []string{"<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"}

// The token that ends a turn, and the one that fills a batch.
const (
	endOfText = 256
	endOfTurn = 258
)

// vocabulary is the number of tokens, rounded up to a multiple of 8.
const vocabulary = 264

// DefaultSystem is what stands before a conversation without a system turn, as in Qwen2.5's own template.
const DefaultSystem = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."

// chatTemplate writes turns as Qwen2.5 does, without tools.
const chatTemplate = `{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n` + DefaultSystem + `<|im_end|>\n' }}{% endif %}` +
	`{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}` +
	`{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}`

// Write writes the model's directory: the same bytes for the same model.
func (m Model) Write(dir string) error {
	m = m.withDefaults()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, v := range map[string]any{
		"config.json": map[string]any{
			"architectures": []string{"Qwen2ForCausalLM"}, "model_type": "qwen2", "hidden_act": "silu", "torch_dtype": "float32",
			"hidden_size": m.Hidden, "intermediate_size": m.Inner, "num_hidden_layers": m.Layers, "num_attention_heads": m.Heads, "num_key_value_heads": m.KVHeads,
			"max_position_embeddings": m.Positions, "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "initializer_range": 0.02, "vocab_size": vocabulary,
			"tie_word_embeddings": true, "attention_dropout": 0.0, "use_sliding_window": false, "use_cache": true,
			"bos_token_id": endOfText, "eos_token_id": endOfTurn, "pad_token_id": endOfText,
		},
		"generation_config.json": map[string]any{"eos_token_id": []int{endOfTurn, endOfText}, "pad_token_id": endOfText, "do_sample": true},
		"tokenizer.json":         m.tokenizer(),
		"tokenizer_config.json": map[string]any{
			"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": m.Positions, "clean_up_tokenization_spaces": false, "add_prefix_space": false,
			"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "chat_template": chatTemplate,
		},
	} {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false) // as the files of real models are
		enc.SetIndent("", "  ")
		if err := enc.Encode(v); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "model.safetensors"), m.safetensors(), 0o644)
}

func (m Model) withDefaults() Model {
	for _, d := range []struct {
		field *int
		value int
	}{{&m.Hidden, 64}, {&m.Layers, 2}, {&m.Heads, 2}, {&m.KVHeads, 1}, {&m.Inner, 128}, {&m.Positions, 4096}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return m
}

// qwenPattern parts a text before its bytes become tokens, as Qwen2 does.
const qwenPattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

// tokenizer is Qwen2's without its merges: one token a byte, and the special ones.
func (m Model) tokenizer() any {
	vocab := map[string]int{}
	for b, s := range byteNames() {
		vocab[s] = b
	}
	var added []any
	for i, s := range specials {
		if think := strings.Contains(s, "think"); think && m.Spelt {
			continue
		}
		added = append(added, map[string]any{"id": endOfText + i, "content": s, "special": !strings.Contains(s, "think"), "normalized": false, "lstrip": false, "rstrip": false, "single_word": false})
	}
	bytewise := map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}
	return map[string]any{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": added, "normalizer": map[string]any{"type": "NFC"},
		"pre_tokenizer": map[string]any{"type": "Sequence", "pretokenizers": []any{
			map[string]any{"type": "Split", "pattern": map[string]any{"Regex": qwenPattern}, "behavior": "Isolated", "invert": false}, bytewise,
		}},
		"post_processor": bytewise, "decoder": bytewise,
		"model": map[string]any{
			"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": "", "end_of_word_suffix": "",
			"fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": vocab, "merges": []any{},
		},
	}
}

// byteNames are the characters by which byte-level vocabularies write the 256 bytes: printable ones stand
// for themselves, the others from U+0100 on in their order (GPT-2's table).
func byteNames() [256]string {
	var names [256]string
	next := rune(0x100)
	for b := range rune(256) {
		if b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae && b <= 0xff {
			names[b] = string(b)
		} else {
			names[b] = string(next)
			next++
		}
	}
	return names
}

// Tokens counts the tokens of a conversation as the chat template writes it, by hand: a byte is a token,
// and so is a special token.
func Tokens(turns ...[2]string) int {
	if len(turns) == 0 || turns[0][0] != "system" {
		turns = append([][2]string{{"system", DefaultSystem}}, turns...)
	}
	n := 0
	for _, t := range turns {
		n += 1 + len(t[0]) + 1 + contentTokens(t[1]) + 1 + 1 // <|im_start|> role \n content <|im_end|> \n
	}
	return n
}

func contentTokens(s string) int {
	n := len(s)
	for _, special := range specials {
		n -= strings.Count(s, special) * (len(special) - 1)
	}
	return n
}

// A tensor is one weight: normal with deviation 0.02, or a constant.
type tensor struct {
	name  string
	shape []int
	fixed bool
	value float32
}

func (m Model) tensors() []tensor {
	head := m.Hidden / m.Heads
	all := []tensor{{name: "model.embed_tokens.weight", shape: []int{vocabulary, m.Hidden}}, {"model.norm.weight", []int{m.Hidden}, true, 1}}
	for l := range m.Layers {
		p := fmt.Sprintf("model.layers.%d.", l)
		all = append(
			all,
			tensor{p + "input_layernorm.weight", []int{m.Hidden}, true, 1},
			tensor{p + "post_attention_layernorm.weight", []int{m.Hidden}, true, 1},
			tensor{name: p + "mlp.gate_proj.weight", shape: []int{m.Inner, m.Hidden}},
			tensor{name: p + "mlp.up_proj.weight", shape: []int{m.Inner, m.Hidden}},
			tensor{name: p + "mlp.down_proj.weight", shape: []int{m.Hidden, m.Inner}},
			tensor{name: p + "self_attn.o_proj.weight", shape: []int{m.Hidden, m.Heads * head}},
		)
		for _, proj := range []struct {
			name  string
			heads int
		}{{"q", m.Heads}, {"k", m.KVHeads}, {"v", m.KVHeads}} {
			all = append(
				all,
				tensor{name: p + "self_attn." + proj.name + "_proj.weight", shape: []int{proj.heads * head, m.Hidden}},
				tensor{p + "self_attn." + proj.name + "_proj.bias", []int{proj.heads * head}, true, 0},
			)
		}
	}
	slices.SortFunc(all, func(a, b tensor) int { return strings.Compare(a.name, b.name) })
	return all
}

// safetensors is the format's file: the header's length, the header in JSON, the numbers.
func (m Model) safetensors() []byte {
	header := map[string]any{"__metadata__": map[string]string{"format": "pt"}}
	var data []byte
	rng := rand.New(rand.NewPCG(m.Seed, 0))
	for _, t := range m.tensors() {
		begin, count := len(data), 1
		for _, d := range t.shape {
			count *= d
		}
		for range count {
			v := t.value
			if !t.fixed {
				v = float32(rng.NormFloat64() * 0.02)
			}
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
		header[t.name] = map[string]any{"dtype": "F32", "shape": t.shape, "data_offsets": []int{begin, len(data)}}
	}
	h, err := json.Marshal(header)
	if err != nil {
		panic(err) // unreachable: names and numbers always encode
	}
	h = append(h, bytes.Repeat([]byte(" "), (8-len(h)%8)%8)...)
	return slices.Concat(binary.LittleEndian.AppendUint64(nil, uint64(len(h))), h, data)
}
