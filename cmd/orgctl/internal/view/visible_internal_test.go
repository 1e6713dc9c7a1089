package view

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestVisible(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"plain text is its own form": {`café 東京 -> C:\n "x"`, `café 東京 -> C:\n "x"`},
		"line breaks and tabs":       {"a\nb\r\tc", `a\nb\r\tc`},
		"terminal sequences":         {"\x1b[31mred\x1b]0;title\a", `\x1b[31mred\x1b]0;title\x07`},
		"C1 controls and delete":     {"\u009b2J\x7f", `\u009b2J\x7f`},
		"reordering marks":           {"a\u202eb\u2066c\u200fd", `a\u202eb\u2066c\u200fd`},
		"characters that show nothing": {
			"a\u200bb\u00adc\ufe0fd\u115fe\u3164f\U000e0041g\u2800", `a\u200bb\u00adc\ufe0fd\u115fe\u3164f\U000e0041g\u2800`,
		},
		"separators and odd blanks": {"a\u2028b\u00a0c", `a\u2028b\u00a0c`},
		"bytes that are not UTF-8":  {"a\xffb\xc3", `a\xffb\xc3`},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(tc.want, visible(tc.in)); d != "" {
				t.Error(d)
			}
		})
	}
}

func FuzzVisible(f *testing.F) {
	f.Add("plain")
	f.Add("::error::\x1b[2J\n::x \u202e ##[group] \xff")
	f.Add("  ::x\n ::y ##vso[task] ##teamcity[x]")
	f.Fuzz(func(t *testing.T, s string) {
		v := visible(s)
		if !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool { return !printable(r) }) {
			t.Errorf("visible(%q) = %q holds what should be escaped", s, v)
		}
		if again := visible(v); again != v {
			t.Errorf("visible is not stable: %q becomes %q", v, again)
		}
		if isVisible(s) && v != s {
			t.Errorf("visible changes harmless %q to %q", s, v)
		}
		text := v + "\n  " + v + "\n" + v
		safe := disarm(text, `\x23`)
		if obeyed(safe) {
			t.Errorf("disarm leaves a command in %q", safe)
		}
		if again := disarm(safe, `\x23`); again != safe {
			t.Errorf("disarm is not stable: %q becomes %q", safe, again)
		}
		if !obeyed(text) && safe != text {
			t.Errorf("disarm changes harmless %q to %q", text, safe)
		}
		if w := word(s); !isVisible(w) || strings.HasPrefix(w, `"`) && strings.Count(strings.ReplaceAll(strings.ReplaceAll(w, `\\`, ""), `\"`, ""), `"`) != 2 {
			t.Errorf("word(%q) = %s is not one token", s, w)
		}
	})
}

// obeyed reports whether a CI runner would see a command in the text.
func obeyed(text string) bool {
	for l := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(l), "::") {
			return true
		}
	}
	return strings.Contains(text, "##[") || strings.Contains(text, "##vso[") || strings.Contains(text, "##teamcity[")
}

func TestWordsNeedNoGuessing(t *testing.T) {
	for in, want := range map[string]string{
		"running":              "running",
		"203.0.113.0/24":       "203.0.113.0/24",
		"::/0":                 "::/0",
		"2027-06-30T00:00:00Z": "2027-06-30T00:00:00Z",
		"ana@example.com":      "ana@example.com",
		"Zürich":               "Zürich",
		"":                     `""`,
		"-":                    `"-"`,
		"true":                 `"true"`,
		"No":                   `"No"`,
		"12":                   `"12"`,
		"1e3":                  `"1e3"`,
		"two words":            `"two words"`,
		"a -> b":               `"a -> b"`,
		`say "hi" \now`:        `"say \"hi\" \\now"`,
		"a=b":                  `"a=b"`,
	} {
		if got := word(in); got != want {
			t.Errorf("word(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestColumns(t *testing.T) {
	for in, want := range map[string]int{"": 0, "abc": 3, "é": 1, "e\u0301": 1, "東京": 4, "한": 2, "ｱ": 1, "🚀": 2, "⌚": 2, "✅": 2, "🟠": 2} {
		if got := columns(in); got != want {
			t.Errorf("columns(%q) = %d, want %d", in, got, want)
		}
	}
}

func TestCutFitsTheScreen(t *testing.T) {
	for _, s := range []string{"short", "a longer line of text", "東京東京東京東京", "e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301"} {
		for width := 1; width < 24; width++ {
			if got := cut(s, width); columns(got) > width {
				t.Errorf("cut(%q, %d) = %q takes %d columns", s, width, got, columns(got))
			}
		}
	}
}

func TestExcerptShowsTheDifference(t *testing.T) {
	long := strings.Repeat("x", 500)
	got := excerpt(long+"HERE"+long, 500, 40)
	if !strings.Contains(got, "HERE") || !strings.HasSuffix(got, "… (1004 characters)") || !strings.HasPrefix(got, "…") {
		t.Errorf("excerpt = %q", got)
	}
	if got := excerpt("short", 0, 40); got != "short" {
		t.Errorf("excerpt changes a short text to %q", got)
	}
}
