package text

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/pkoukk/tiktoken-go"
	"golang.org/x/text/unicode/norm"
)

// A Tokenizer counts the tokens that a model of the Qwen family sees: byte-level BPE whose ids are
// the ranks of its merges, after NFC. The vocabulary is the user's: none is shipped.
type Tokenizer struct {
	bpe   *tiktoken.Tiktoken
	added *regexp.Regexp // the spellings of added tokens, nil where the file names none
}

// qwenPattern parts a text before merging (Qwen2 and later).
const qwenPattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

// OpenTokenizer reads a vocabulary: a model's directory, its tokenizer.json, or a .tiktoken file of
// base64 tokens and ranks. A tokenizer.json that is no byte-level BPE is an error, and so is one whose
// parting of texts is not the one above.
func OpenTokenizer(path string) (*Tokenizer, error) {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		path = filepath.Join(path, "tokenizer.json")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	read := readTiktoken
	if strings.HasSuffix(path, ".json") {
		read = readTokenizerJSON
	}
	ranks, added, err := read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	core, err := tiktoken.NewCoreBPE(ranks, map[string]int{}, qwenPattern)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t := &Tokenizer{bpe: tiktoken.NewTiktoken(core, &tiktoken.Encoding{Name: "user", PatStr: qwenPattern, MergeableRanks: ranks}, map[string]any{})}
	if len(added) > 0 {
		slices.SortFunc(added, func(a, b string) int { return len(b) - len(a) }) // of two at one place the longer is meant
		for i, spelling := range added {
			added[i] = regexp.QuoteMeta(spelling)
		}
		t.added = regexp.MustCompile(strings.Join(added, "|"))
	}
	return t, nil
}

// IDs returns the tokens of a text; the spellings of special tokens are ordinary text.
func (t *Tokenizer) IDs(s string) []int { return t.bpe.EncodeOrdinary(norm.NFC.String(s)) }

// Count is how many tokens a text has.
func (t *Tokenizer) Count(s string) int { return len(t.IDs(s)) }

// CountAdded is how many tokens an engine sees in a text that it renders into a conversation: wherever the
// spelling of an added token stands, that is one token, be it <think> of Qwen3 or <|im_end|> in somebody's
// novel. A .tiktoken file names no added tokens.
func (t *Tokenizer) CountAdded(s string) (n int) {
	if t.added == nil {
		return t.Count(s)
	}
	from := 0
	for _, at := range t.added.FindAllStringIndex(s, -1) {
		n += t.Count(s[from:at[0]]) + 1
		from = at[1]
	}
	return n + t.Count(s[from:])
}

func readTiktoken(data []byte) (ranks map[string]int, added []string, err error) {
	ranks = map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		token, rank, ok := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		if token == "" && !ok {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(token)
		id, err2 := strconv.Atoi(rank)
		if err != nil || err2 != nil || id < 0 {
			return nil, nil, fmt.Errorf("line %d is not a base64 token and its rank", n)
		}
		ranks[string(raw)] = id
	}
	if len(ranks) < 256 {
		return nil, nil, fmt.Errorf("has %d tokens; a byte-level vocabulary has at least 256", len(ranks))
	}
	return ranks, nil, lines.Err()
}

func readTokenizerJSON(data []byte) (ranks map[string]int, added []string, err error) {
	var f struct {
		Model struct {
			Type  string         `json:"type"`
			Vocab map[string]int `json:"vocab"`
		} `json:"model"`
		AddedTokens []struct {
			Content string `json:"content"`
		} `json:"added_tokens"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, nil, fmt.Errorf("no tokenizer.json: %w", err)
	}
	if f.Model.Type != "BPE" || len(f.Model.Vocab) < 256 {
		return nil, nil, fmt.Errorf("is of type %q with %d tokens; byte-level BPE as of Qwen is read", f.Model.Type, len(f.Model.Vocab))
	}
	if !bytes.Contains(data, []byte(`\\p{N}| ?`)) {
		return nil, nil, fmt.Errorf("parts texts in another way than Qwen (digits one by one); its counts would be wrong")
	}
	byteOf := bytesOfLetters()
	ranks = make(map[string]int, len(f.Model.Vocab))
	for token, id := range f.Model.Vocab {
		var raw []byte
		for _, r := range token {
			b, ok := byteOf[r]
			if !ok {
				return nil, nil, fmt.Errorf("token %q is not byte-level", token)
			}
			raw = append(raw, b)
		}
		ranks[string(raw)] = id
	}
	for _, a := range f.AddedTokens {
		if a.Content != "" {
			added = append(added, a.Content)
		}
	}
	return ranks, added, nil
}

// bytesOfLetters undoes the spelling of bytes as letters in tokenizer.json (GPT-2's).
func bytesOfLetters() map[rune]byte {
	out := map[rune]byte{}
	next := rune(256)
	for b := range 256 {
		printable := b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE
		if printable {
			out[rune(b)] = byte(b)
			continue
		}
		out[next] = byte(b)
		next++
	}
	return out
}

// HanPerToken and OtherPerToken are how many characters a token holds on average, where nobody counts: of
// Chinese prose with Qwen's vocabulary, and of English.
const (
	HanPerToken   = 1.58
	OtherPerToken = 4.2
)

// EstimateTokens guesses how many tokens a text has, from its characters.
func EstimateTokens(s string) int {
	han, other := 0, 0
	for _, r := range s {
		if unicode.Is(unicode.Han, r) {
			han++
		} else {
			other++
		}
	}
	return int(math.Ceil(float64(han)/HanPerToken + float64(other)/OtherPerToken))
}
