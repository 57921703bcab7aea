package llamatest

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
)

// A Chain is what a model says: after each phrase, the phrases that may follow and how likely each is.
// [Opening] is what the first follows; [Ending] ends the answer. A phrase that is one ASCII character is also
// what the model reads when a prompt ends with it, or when a grammar has left it nothing else.
type Chain map[string]map[string]float64

// Opening and Ending are the ends of every answer.
const (
	Opening = "\n" // the last character of a prompt in ChatML
	Ending  = "<|im_end|>"
)

const chatTemplate = `{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}`

// unlikely is the logarithm of how likely anything is that the chain does not say: no sampling finds it,
// but a grammar that allows nothing else does.
const unlikely = -30

// write makes the model of a chain: a qwen2 of one layer in which attention and the feed-forward part
// are zero, so that each position knows its own token and nothing else; embeddings are one-hot, and the
// output matrix is the logarithms of the chain. The normalisation before it multiplies a one-hot vector of
// n entries by √n, which the matrix divides by.
func (c Chain) write(out io.Writer) error {
	tokens, kinds := []string{}, []int32{}
	id := map[string]int{}
	add := func(text string, kind int32) {
		id[text] = len(tokens)
		if kind == normal {
			text = encode(text)
		}
		tokens, kinds = append(tokens, text), append(kinds, kind)
	}
	for b := range 256 {
		add(string([]byte{byte(b)}), normal)
	}
	for _, special := range []string{"<|endoftext|>", "<|im_start|>", Ending} {
		add(special, control)
	}
	for _, phrase := range c.phrases() {
		if _, known := id[phrase]; !known {
			add(phrase, normal)
		}
	}
	n := (len(tokens) + 63) / 64 * 64
	for i := len(tokens); i < n; i++ {
		add(fmt.Sprintf("<|unused%d|>", i), control)
	}

	embedding, output := make([]float32, n*n), make([]float32, n*n)
	root := math.Sqrt(float64(n))
	for i := range n {
		embedding[i*n+i] = 1
		for j := range n { // row i is the logit of token i, column j the token before it
			output[i*n+j] = float32(unlikely / root)
		}
	}
	for phrase, next := range c {
		from, ok := id[phrase]
		if !ok {
			return fmt.Errorf("chain: %q is no phrase", phrase)
		}
		for follows, p := range next {
			to, ok := id[follows]
			if !ok || p <= 0 {
				return fmt.Errorf("chain: after %q: %q with %v", phrase, follows, p)
			}
			output[to*n+from] = float32(math.Log(p) / root)
		}
	}
	ones := slices.Repeat([]float32{1}, n)
	const heads, kvHeads, ffn = 4, 1, 64
	kv := n / heads * kvHeads

	var f file
	f.text("general.architecture", "qwen2")
	f.text("general.name", "a scripted chain, not a model")
	f.number("qwen2.context_length", 131072)
	f.number("qwen2.embedding_length", n)
	f.number("qwen2.block_count", 1)
	f.number("qwen2.feed_forward_length", ffn)
	f.number("qwen2.attention.head_count", heads)
	f.number("qwen2.attention.head_count_kv", kvHeads)
	f.float("qwen2.attention.layer_norm_rms_epsilon", 1e-9)
	f.float("qwen2.rope.freq_base", 10000)
	f.text("tokenizer.ggml.model", "gpt2")
	f.text("tokenizer.ggml.pre", "qwen2")
	f.texts("tokenizer.ggml.tokens", tokens)
	f.ints("tokenizer.ggml.token_type", kinds)
	f.texts("tokenizer.ggml.merges", []string{"Ā ā"}) // one that no text needs
	f.number("tokenizer.ggml.eos_token_id", id[Ending])
	f.number("tokenizer.ggml.padding_token_id", id["<|endoftext|>"])
	f.number("tokenizer.ggml.bos_token_id", id["<|endoftext|>"])
	f.flag("tokenizer.ggml.add_bos_token", false)
	f.text("tokenizer.chat_template", chatTemplate)

	f.tensor("token_embd.weight", embedding, n, n)
	f.tensor("blk.0.attn_norm.weight", ones, n)
	f.tensor("blk.0.attn_q.weight", nil, n, n)
	f.tensor("blk.0.attn_q.bias", nil, n)
	f.tensor("blk.0.attn_k.weight", nil, n, kv)
	f.tensor("blk.0.attn_k.bias", nil, kv)
	f.tensor("blk.0.attn_v.weight", nil, n, kv)
	f.tensor("blk.0.attn_v.bias", nil, kv)
	f.tensor("blk.0.attn_output.weight", nil, n, n)
	f.tensor("blk.0.ffn_norm.weight", ones, n)
	f.tensor("blk.0.ffn_gate.weight", nil, n, ffn)
	f.tensor("blk.0.ffn_up.weight", nil, n, ffn)
	f.tensor("blk.0.ffn_down.weight", nil, ffn, n)
	f.tensor("output_norm.weight", ones, n)
	f.tensor("output.weight", output, n, n)
	return f.writeTo(out)
}

// The kinds of tokens.
const (
	normal  = 1
	control = 3
)

// phrases are all that the chain says, in a fixed order.
func (c Chain) phrases() []string {
	found := map[string]bool{}
	for phrase, next := range c {
		found[phrase] = true
		for follows := range next {
			found[follows] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// encode writes bytes as the characters that stand for them in byte-level vocabularies (GPT-2): those that
// print stand for themselves, the others for those from U+0100 on.
func encode(text string) string {
	var out []rune
	for _, b := range []byte(text) {
		out = append(out, byteRunes[b])
	}
	return string(out)
}

var byteRunes = func() (runes [256]rune) {
	next := rune(256)
	for b := range 256 {
		if b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE {
			runes[b] = rune(b)
			continue
		}
		runes[b] = next
		next++
	}
	return runes
}()
