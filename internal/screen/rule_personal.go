package screen

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"coigwriter/internal/source"
)

// personalData finds contacts and numbers of people. What it shows is masked: a finding is read
// by more people than the text is. An e-mail address alone is a note, since most are made up.
func personalData(in Input) (Finding, bool) {
	kinds, first := []string{}, ""
	level := source.LevelNote
	n := 0
	for _, s := range personalScanners {
		hits := s.find(in.Text)
		if len(hits) == 0 {
			continue
		}
		n += len(hits)
		kinds = append(kinds, s.kind)
		if first == "" {
			first = mask(hits[0])
		}
		if s.kind != "email" {
			level = source.LevelAsk
		}
	}
	if n == 0 {
		return nothing()
	}
	return found(level, "personal-data", first, "n", strconv.Itoa(n), "kinds", strings.Join(kinds, ", "))
}

var personalScanners = []struct {
	kind string
	find func(string) []string
}{
	{"id-card", idCards},
	{"mobile", mobiles},
	{"bank-card", bankCards},
	{"account", accounts},
	{"email", emails},
}

var (
	digitRun = regexp.MustCompile(`[0-9][0-9 -]{8,30}[0-9Xx]`)
	account  = regexp.MustCompile(`(?i)(?:微信号?|wechat|vx|qq号?|电报|telegram)\s*[:：]\s*([a-z0-9_-]{5,20})`)
	email    = regexp.MustCompile(`[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,3}\.[A-Za-z]{2,10}`)
	// as in rule_page.go, words the expression cannot do without
	accountHints = []string{"微信", "wechat", "vx", "qq", "电报", "telegram"}
	madeUp       = regexp.MustCompile(`(?i)@(?:example|test|domain|email|xxx+|abc|company|yourdomain)\.|^git@`)
)

// eachNumber calls f with every run of digits of the wanted length; the borders of a run are
// checked here, because RE2 cannot look behind. Spaces and hyphens inside a number are dropped.
func eachNumber(s string, f func(digits string)) {
	for _, m := range digitRun.FindAllStringIndex(s, -1) {
		if m[0] > 0 && isWordByte(s[m[0]-1]) || m[1] < len(s) && isWordByte(s[m[1]]) {
			continue
		}
		whole := strings.NewReplacer(" ", "", "-", "").Replace(s[m[0]:m[1]])
		parts := strings.FieldsFunc(s[m[0]:m[1]], func(r rune) bool { return r == ' ' })
		if len(parts) > 1 && len(parts[0]) >= 11 { // two numbers beside each other, not one in groups
			for _, p := range parts {
				f(strings.ReplaceAll(p, "-", ""))
			}
			continue
		}
		f(whole)
	}
}

func isWordByte(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_' || b == '.' || b == '/' || b == '='
}

func mobiles(s string) (hits []string) {
	eachNumber(s, func(d string) {
		if len(d) == 11 && d[0] == '1' && d[1] >= '3' && allDigits(d) && !monotone(d[3:]) {
			hits = append(hits, d)
		}
	})
	return hits
}

// monotone tells the numbers people make up: 13800000000, 13812345678.
func monotone(d string) bool {
	same, up := true, true
	for i := 1; i < len(d); i++ {
		same = same && d[i] == d[i-1]
		up = up && d[i] == d[i-1]+1
	}
	return same || up
}

// idCards checks the birthday and the ISO 7064 mod 11-2 digit of an 18-place identity number.
func idCards(s string) (hits []string) {
	weights := [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	eachNumber(s, func(d string) {
		if len(d) != 18 || !allDigits(d[:17]) {
			return
		}
		born, err := time.Parse("20060102", d[6:14])
		if err != nil || born.Year() < 1900 || born.Year() > 2030 {
			return
		}
		sum := 0
		for i, w := range weights {
			sum += w * int(d[i]-'0')
		}
		if "10X98765432"[sum%11] == strings.ToUpper(d)[17] {
			hits = append(hits, d)
		}
	})
	return hits
}

// bankCards checks the issuer's first digits and Luhn's sum.
func bankCards(s string) (hits []string) {
	eachNumber(s, func(d string) {
		if len(d) < 16 || len(d) > 19 || !allDigits(d) || !strings.ContainsRune("3456", rune(d[0])) || monotone(d) {
			return
		}
		if len(d) == 18 && len(idCards(d)) > 0 {
			return
		}
		if luhn(d) {
			hits = append(hits, d)
		}
	})
	return hits
}

func luhn(d string) bool {
	sum := 0
	for i := range len(d) {
		n := int(d[len(d)-1-i] - '0')
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

func accounts(s string) (hits []string) {
	if !mentions(s, accountHints) {
		return nil
	}
	for _, m := range account.FindAllStringSubmatch(s, -1) {
		hits = append(hits, m[1])
	}
	return hits
}

func emails(s string) (hits []string) {
	if !strings.Contains(s, "@") {
		return nil
	}
	for _, m := range email.FindAllString(s, -1) {
		if !madeUp.MatchString(m) {
			hits = append(hits, m)
		}
	}
	return hits
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// mask keeps the first three and the last two characters.
func mask(s string) string {
	rs := []rune(s)
	if len(rs) < 7 {
		return strings.Repeat("*", len(rs))
	}
	for i := 3; i < len(rs)-2; i++ {
		if rs[i] != '@' {
			rs[i] = '*'
		}
	}
	return string(rs)
}

var (
	personalPass = Input{Text: "房间是 1304，电话早就停机了，墙上的日期停在 20231108，编号 13800000000 是编的。" + prose}
	personalFail = Input{Text: "失物招领，请联系 139 0274 8613，身份证 11010519491231002X。" + prose}
)
