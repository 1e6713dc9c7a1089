package secret_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/orgctl/orgctl/pkg/client/secret"
)

func TestGeneratedForms(t *testing.T) {
	for _, c := range []struct {
		name     string
		generate func() secret.Value
		form     string
		classes  []string
	}{
		{"KeyID", secret.KeyID, `^[A-Za-z0-9]{20}$`, nil},
		{"KeySecret", secret.KeySecret, `^4b1d[A-Za-z0-9]{38}$`, nil},
		{"Password", secret.Password, `^[A-Za-z0-9]{32}$`, []string{`[a-z]`, `[A-Z]`, `[0-9]`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			form := regexp.MustCompile(c.form)
			seen := map[string]bool{}
			for range 2000 {
				s := c.generate().Reveal()
				if !form.MatchString(s) {
					t.Fatalf("%q does not match %s", s, c.form)
				}
				for _, class := range c.classes {
					if !regexp.MustCompile(class).MatchString(s) {
						t.Fatalf("%q has no %s", s, class)
					}
				}
				if seen[s] {
					t.Fatalf("%q came twice", s)
				}
				seen[s] = true
			}
		})
	}
}

// A byte taken modulo 62 favours the first 8 characters by a quarter. Over 400,000 characters the expected count of each is
// about 6,450 with a deviation of about 80, so 10 % is 8 deviations away from an accident and far from that bias.
func TestGeneratedCharactersAreUniform(t *testing.T) {
	const ids, alphabet = 20_000, 62
	counts := map[rune]int{}
	for range ids {
		for _, r := range secret.KeyID().Reveal() {
			counts[r]++
		}
	}
	if len(counts) != alphabet {
		t.Errorf("%d different characters, want %d", len(counts), alphabet)
	}
	want := float64(ids*20) / alphabet
	for r, n := range counts {
		if ratio := float64(n) / want; ratio < 0.9 || ratio > 1.1 {
			t.Errorf("%q comes %.2f times as often as it should", r, ratio)
		}
	}
}

func TestHashes(t *testing.T) {
	for _, c := range []struct{ text, sha256, sha1 string }{
		{"test", "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=", "94bdcebe19083ce2a1f959fd02f964c7af4cfc29"},
		{"", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "be1bdec0aa74b4dcb079943e70528096cca985f8"},
	} {
		v := secret.New(c.text)
		if got := secret.SHA256Base64(v); got != c.sha256 {
			t.Errorf("SHA256Base64(%q) = %s, want %s", c.text, got, c.sha256)
		}
		if got := secret.DoubleSHA1Hex(v); got != c.sha1 {
			t.Errorf("DoubleSHA1Hex(%q) = %s, want %s", c.text, got, c.sha1)
		}
	}
	if got := len(secret.SHA256Base64(secret.New(strings.Repeat("x", 100)))); got != 44 {
		t.Errorf("SHA256Base64 has %d characters, want 44", got)
	}
}
