package train

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"coigwriter/internal/errs"
)

// A model is what is to be known of a checkpoint before it is trained.
type model struct {
	Type      string // config.json's model_type: qwen2, qwen3, llama …
	Positions int    // the longest text it can attend to, 0 where config.json does not say
	Params    int64  // numbers in its weights, 0 where they are not safetensors
	Chat      bool   // its tokenizer brings a chat template
	Think     bool   // its tokenizer knows <think> as one token
}

// openModel reads a checkpoint's directory and refuses one that is not whole, as after a download that
// was interrupted: an engine would say so only after minutes.
func openModel(dir string) (m model, err error) {
	defer errs.Wrap(&err, "model %s", dir)
	var config struct {
		Type      string `json:"model_type"`
		Positions int    `json:"max_position_embeddings"`
	}
	b, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return m, errs.Invalidf("it has no config.json: give the directory of a checkpoint in Hugging Face's layout")
	} else if err != nil {
		return m, err
	}
	if err := json.Unmarshal(b, &config); err != nil {
		return m, errs.Invalidf("config.json: %w; fetch the file again", err)
	}
	m.Type, m.Positions = config.Type, config.Positions
	if m.Params, err = countParams(dir); err != nil {
		return m, err
	}
	m.Chat, m.Think, err = openTokenizer(dir)
	return m, err
}

func countParams(dir string) (n int64, err error) {
	names, err := shards(dir)
	if err != nil {
		return 0, err
	}
	if len(names) == 0 {
		if hasWeights(dir) {
			return 0, nil
		}
		return 0, errs.Invalidf("it has no weights (*.safetensors): fetch them, or name the directory that holds them")
	}
	for _, name := range names {
		count, err := tensorsOf(filepath.Join(dir, name))
		if err != nil {
			return 0, err
		}
		n += count
	}
	return n, nil
}

// shards are the safetensors files of a checkpoint: those its index names, else all.
func shards(dir string) ([]string, error) {
	var index struct {
		Map map[string]string `json:"weight_map"`
	}
	b, err := os.ReadFile(filepath.Join(dir, "model.safetensors.index.json"))
	if err == nil {
		if err := json.Unmarshal(b, &index); err != nil {
			return nil, errs.Invalidf("model.safetensors.index.json: %w; fetch the file again", err)
		}
		var names []string
		for _, name := range index.Map {
			if filepath.Base(name) != name {
				return nil, errs.Invalidf("model.safetensors.index.json names %q, which is no file of this directory", name)
			}
			names = append(names, name)
		}
		slices.Sort(names)
		return slices.Compact(names), nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return fs.Glob(os.DirFS(dir), "*.safetensors")
}

// longestHeader bounds a safetensors header: the format's own limit.
const longestHeader = 100 << 20

// tensorsOf counts the numbers in a safetensors file by its header (8 bytes of length, JSON, data), and
// holds the file's size against it.
func tensorsOf(path string) (n int64, err error) {
	name := filepath.Base(path)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, errs.Invalidf("%s is missing: the download did not end; fetch the checkpoint again", name)
	} else if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	var length uint64
	if err := binary.Read(f, binary.LittleEndian, &length); err != nil || length > longestHeader || int64(length)+8 > info.Size() {
		return 0, errs.Invalidf("%s is no safetensors file or only its beginning (%d bytes); fetch it again", name, info.Size())
	}
	var header map[string]json.RawMessage
	if err := json.NewDecoder(io.LimitReader(f, int64(length))).Decode(&header); err != nil {
		return 0, errs.Invalidf("%s: its header cannot be read: %w; fetch it again", name, err)
	}
	end := int64(0)
	for key, raw := range header {
		if key == "__metadata__" {
			continue
		}
		var t struct {
			Shape   []int64  `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}
		if err := json.Unmarshal(raw, &t); err != nil {
			return 0, errs.Invalidf("%s: tensor %s: %w; fetch the file again", name, key, err)
		}
		count := int64(1)
		for _, d := range t.Shape {
			count *= d
		}
		n, end = n+count, max(end, t.Offsets[1])
	}
	if want := 8 + int64(length) + end; info.Size() != want {
		return 0, errs.Invalidf("%s has %d bytes and should have %d: the download did not end; fetch it again", name, info.Size(), want)
	}
	return n, nil
}

func openTokenizer(dir string) (chat, think bool, err error) {
	some := false
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json", "tokenizer.model", "vocab.json", "chat_template.jinja", "chat_template.json"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return false, false, err
		}
		switch name {
		case "tokenizer.json":
			some, think = true, think || bytes.Contains(b, []byte(`"<think>"`))
		case "tokenizer_config.json":
			chat = chat || bytes.Contains(b, []byte(`"chat_template"`))
		case "tokenizer.model", "vocab.json":
			some = true
		default:
			chat = true
		}
	}
	if !some {
		return false, false, errs.Invalidf("it has no tokenizer (tokenizer.json): fetch it too")
	}
	return chat, think, nil
}

// stored is about how many bytes a run writes: each checkpoint of full training holds the weights and
// AdamW's two moments in fp32 (12 bytes a parameter), one more stands there while the next is written,
// and the final weights are 4 bytes a parameter. LoRA's are a hundredth of that at most.
func (m model) stored(s Settings) int64 {
	all := m.Params*12*int64(s.Keep+1) + m.Params*4
	if s.Tuning == "lora" {
		return all / 100
	}
	return all
}

func gib(bytes int64) string { return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30)) }
