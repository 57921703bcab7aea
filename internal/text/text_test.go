package text_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"coigwriter/internal/text"
)

func TestNormalize(t *testing.T) {
	for in, want := range map[string]string{
		"\ufeffa\r\nb\rc":   "a\nb\nc",
		"　　段首  \n\n\n\n\n后": "　　段首\n\n\n后",
		"e\u0301\x00\u200b": "é",
		"\n\nx\n\n":         "x",
		"坏\xff":             "坏\uFFFD",
	} {
		if got := text.Normalize(in); got != want {
			t.Errorf("Normalize(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestContentHashIgnoresLayout(t *testing.T) {
	a := text.ContentHash("雨停了。\n　　Ａbc，走吧")
	for _, same := range []string{"雨停了。 aBC，走吧", "雨停了。\u200bAbc,走吧"} {
		if text.ContentHash(same) != a {
			t.Errorf("%q hashes differently", same)
		}
	}
	if text.ContentHash("雨停了！Abc，走吧") == a {
		t.Error("another text has the same hash")
	}
}

func TestNormalizeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		n := text.Normalize(s)
		if again := text.Normalize(n); again != n {
			t.Fatalf("not idempotent: %q then %q", n, again)
		}
		if strings.ContainsRune(n, 0) {
			t.Fatal("NUL survives")
		}
		if text.ContentHash(s) != text.ContentHash(s+" \n") {
			t.Fatal("trailing space changes the hash")
		}
	})
}

func TestLongestCommonRun(t *testing.T) {
	for _, tc := range []struct {
		a, b, want string
	}{
		{"", "", ""},
		{"abc", "", ""},
		{"山中有时需要去", "有时需要", "有时需要"},
		{"xabcabcd", "yabcdz", "abcd"},
		{"aaaa", "aa", "aa"},
		{"春天", "秋", ""},
	} {
		if got, n := text.LongestCommonRun(tc.a, tc.b); got != tc.want || n != text.Len(tc.want) {
			t.Errorf("LongestCommonRun(%q, %q) = %q, %d; want %q", tc.a, tc.b, got, n, tc.want)
		}
	}
}

// The automaton agrees with the definition.
func TestLongestCommonRunProperty(t *testing.T) {
	small := rapid.StringOfN(rapid.SampledFrom([]rune("ab雨")), 0, 14, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := small.Draw(t, "a"), small.Draw(t, "b")
		want := 0
		ra := []rune(a)
		for i := range ra {
			for j := i + 1; j <= len(ra); j++ {
				if strings.Contains(b, string(ra[i:j])) {
					want = max(want, j-i)
				}
			}
		}
		run, n := text.LongestCommonRun(a, b)
		if n != want || !strings.Contains(a, run) || !strings.Contains(b, run) {
			t.Fatalf("got %q (%d), want length %d", run, n, want)
		}
	})
}

func TestLanguage(t *testing.T) {
	for in, want := range map[string]string{
		"今天下雨，我没有带伞。": "zh", "It rains.": "en", "今日は雨が降っています。": "ja", "오늘은 비가": "ko", "12 34": "und", "": "und",
		"我用 TypeScript 写了一个 parser": "zh", "Сегодня дождь": "ru",
	} {
		if got := text.Language(in); got != want {
			t.Errorf("Language(%q) = %s, want %s (%+v)", in, got, want, text.Scripts(in))
		}
	}
}

func TestDamage(t *testing.T) {
	if n, r := text.Unbalanced("他说：“走吧。（然后"); n != 2 || r == 0 {
		t.Errorf("unbalanced %d %q", n, r)
	}
	if n, _ := text.Unbalanced("it’s “fine” (yes) 《书》"); n != 0 {
		t.Errorf("balanced text has %d", n)
	}
}

func TestRepetition(t *testing.T) {
	if got := text.RepeatedLines("一样的一行文字\n一样的一行文字\n另外的一行文字", 4); got < 0.3 || got > 0.35 {
		t.Errorf("lines %v", got)
	}
	if got := text.RepeatedNGrams(strings.Repeat("重复的话", 20), 10); got < 0.9 {
		t.Errorf("n-grams %v", got)
	}
	if text.SharedPairs("山中的夜晚", "山中的早晨") < 0.4 || text.SharedPairs("山中", "海边") != 0 {
		t.Error("shared pairs")
	}
}

func BenchmarkLongestCommonRun(b *testing.B) {
	a := strings.Repeat("山中有时需要去，尤其在春天。离开人类", 500)
	for b.Loop() {
		text.LongestCommonRun(a, "尤其在秋天，离开人类去山中")
	}
}
