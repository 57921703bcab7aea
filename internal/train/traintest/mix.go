package traintest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"coigwriter/internal/mix"
)

// Rows makes creative rows, each with a thought, and general ones without: short, all different, in both
// languages. The same rows each time.
func Rows(creative, general int) []mix.Row {
	var rows []mix.Row
	for i := range creative {
		rows = append(rows, mix.Row{
			ID: fmt.Sprintf("c%d", i), Source: "triplets", Kind: mix.KindCreative, Genre: "小说", Language: "zh",
			Messages: []mix.Message{
				{Role: "user", Content: fmt.Sprintf("写第%d个雨夜的故事。", i)},
				{Role: "assistant", Content: fmt.Sprintf("<think>\n先写雨声，再写第%d盏灯。\n</think>\n\n雨落在%d号门前，灯还亮着。", i, i)},
			},
		})
	}
	for i := range general {
		rows = append(rows, mix.Row{
			ID: fmt.Sprintf("g%d", i), Source: "general", Kind: mix.KindGeneral, Language: "en",
			Messages: []mix.Message{
				{Role: "user", Content: fmt.Sprintf("What is %d + 1?", i)},
				{Role: "assistant", Content: fmt.Sprintf("It is %d.", i+1)},
			},
		})
	}
	return rows
}

// WriteMix writes a mix's directory with one configuration, as far as training reads it.
func WriteMix(dir, configuration string, rows []mix.Row) error {
	c := mix.Configuration{Name: configuration, File: "train/rows.jsonl", Rows: len(rows), ByGenre: map[string]int{}, ByLanguage: map[string]int{}, BySource: map[string]int{}}
	var lines strings.Builder
	for _, r := range rows {
		b, err := json.Marshal(r)
		if err != nil {
			return err
		}
		lines.Write(append(b, '\n'))
		var turns [][2]string
		for _, m := range r.Messages {
			turns = append(turns, [2]string{m.Role, m.Content})
		}
		n := Tokens(turns...)
		c.Lengths.Total += n
		c.Lengths.Max = max(c.Lengths.Max, n)
		if r.Kind == mix.KindCreative {
			c.Creative++
		} else {
			c.General++
		}
		if last := r.Messages[len(r.Messages)-1]; last.Reasoning != "" || strings.Contains(last.Content, "<think>") {
			c.Thoughts++
		}
	}
	c.Hash = hash(lines.String())
	m := mix.Manifest{Format: mix.Format, Name: "a small mix", Configurations: []mix.Configuration{c}}
	encode := func() ([]byte, error) {
		b, err := json.MarshalIndent(m, "", "  ")
		return append(b, '\n'), err
	}
	b, err := encode()
	if err != nil {
		return err
	}
	m.ID = hash(string(b))
	if b, err = encode(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "train"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, c.File), []byte(lines.String()), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, mix.ManifestFile), b, 0o644)
}

// WriteSources writes files of so many triplets and general rows, triplets.jsonl and general.jsonl.
func WriteSources(dir string, creative, general int) error {
	var triplets, others strings.Builder
	for i := range creative {
		fmt.Fprintf(&triplets, `{"id":"c%d","genre":"小说","language":"zh","prompt":"写第%d个雨夜的故事。","reasoning":"先写雨声，再写第%d盏灯。","article":"雨落在%d号门前，灯还亮着。"}`+"\n", i, i, i, i)
	}
	for i := range general {
		fmt.Fprintf(&others, `{"messages":[{"role":"user","content":"What is %d + 1?"},{"role":"assistant","content":"It is %d."}]}`+"\n", i, i+1)
	}
	for name, text := range map[string]string{"triplets.jsonl": triplets.String(), "general.jsonl": others.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Plan is a plan over the files of [WriteSources], without its configurations. The rows are much alike, so
// that it looks for no near-duplicates.
func Plan(model string) string {
	return fmt.Sprintf(`name = "tiny"
creative = [{name = "triplets", paths = ["triplets.jsonl"]}]
general = [{name = "general", paths = ["general.jsonl"], language = "en"}]
duplicates = {creative = 0, general = 0, against_creative = 0}
length = {tokenizer = %q, default_system = %q}
`, model, DefaultSystem)
}

// MakeMix makes a mix with a configuration of so many rows, as coigwriter mix does, its lengths counted with
// a model's tokenizer. The work is done below dir, and the mix is dir/mix.
func MakeMix(ctx context.Context, dir, configuration, model string, creative, general int) (mix.Manifest, error) {
	if err := WriteSources(dir, creative, general); err != nil {
		return mix.Manifest{}, err
	}
	text := Plan(model) + fmt.Sprintf("[[configuration]]\nname = %q\ncreative = \"all\"\ngeneral = \"all\"\n", configuration)
	p, err := mix.ParsePlan("plan.toml", dir, []byte(text))
	if err != nil {
		return mix.Manifest{}, err
	}
	return mix.Make(ctx, p, filepath.Join(dir, "mix"), mix.Options{})
}

func hash(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}
