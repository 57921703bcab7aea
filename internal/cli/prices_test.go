package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coigwriter/internal/llm"
	"coigwriter/internal/project"
)

func fileOf(t *testing.T, toml string) (*tomlFile, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "coigwriter.toml"), []byte(toml), 0o600); err != nil {
		t.Fatal(err)
	}
	return configFile([]string{"--data", dir})
}

func TestPricesOfConfigFile(t *testing.T) {
	t.Parallel()
	f, err := fileOf(t, `listen = "127.0.0.1:1"
[llm]
model = "qwen-max"
[[llm.price]]
model = "qwen*"
from = "2026-01-01"
currency = "CNY"
input = 2.4
cached = 0.6
output = 9.6
[[llm.price]]
model = "qwen*"
from = 2026-02-01
currency = "CNY"
input = 2
output = 0.000001
`)
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, project.Zone)
	want := llm.Prices{{Model: "qwen*", From: from, Currency: "CNY", Input: 2_400_000, Cached: 600_000, Output: 9_600_000}, {Model: "qwen*", From: from.AddDate(0, 1, 0), Currency: "CNY", Input: 2_000_000, Cached: 2_000_000, Output: 1}}
	if len(f.prices) != 2 || f.prices[0] != want[0] || f.prices[1] != want[1] {
		t.Errorf("%+v", f.prices)
	}
	if len(f.keys) != 2 {
		t.Errorf("prices are no flags: %v", f.keys)
	}
}

// What is wrong with a price is said with its line and field.
func TestBadPrices(t *testing.T) {
	t.Parallel()
	const good = "[[llm.price]]\nmodel = \"m\"\nfrom = \"2026-01-01\"\ncurrency = \"CNY\"\ninput = 1\noutput = 2\n"
	for _, tt := range []struct{ toml, want string }{
		{"# a\n\n" + good + "\n" + strings.Replace(good, "input", "imput", 1), `coigwriter.toml:10: [[llm.price]]: unknown field "imput"`},
		{strings.Replace(good, "model = \"m\"\n", "", 1), "coigwriter.toml:1: [[llm.price]]: model is missing"},
		{strings.Replace(good, "from = \"2026-01-01\"\n", "", 1), "from is missing"},
		{strings.Replace(good, "2026-01-01", "yesterday", 1), `from: "yesterday" is not a day`},
		{strings.Replace(good, "CNY", "¥", 1), "currency must be three capital letters"},
		{strings.Replace(good, "input = 1", "input = -1", 1), "input: -1 must be a number from 0 on"},
		{strings.Replace(good, "input = 1", "input = \"1\"", 1), "input: 1 is no number"},
		{strings.Replace(good, "input = 1", "input = 0.0000001", 1), "at most six decimals"},
		{strings.Replace(good, "output = 2\n", "", 1), "output is missing"},
		{strings.Replace(good, "\"m\"", "7", 1), "model: 7 is no text"},
		{good + good, `coigwriter.toml:7: [[llm.price]]: model "m" has a price from 2026-01-01 already`},
		{"[llm]\nprice = 3\n", "llm.price is a list of tables"},
		{"[llm]\nprice = [{model = \"m\"}]\n", "llm.price is a list of tables"},
	} {
		if _, err := fileOf(t, tt.toml); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q\n%v, want %s", tt.toml, err, tt.want)
		}
	}
}
