package spec_test

import (
	"testing"

	"github.com/orgctl/orgctl/pkg/spec"
)

func TestCanonicalCIDR(t *testing.T) {
	for source, want := range map[string]string{
		"10.0.0.1":            "10.0.0.1/32",
		"10.0.0.1/32":         "10.0.0.1/32",
		" 10.1.2.3/8 ":        "10.0.0.0/8",
		"10.0.0.0/8":          "10.0.0.0/8",
		"0.0.0.0":             "0.0.0.0/32",
		"0.0.0.0/0":           "0.0.0.0/0",
		"::":                  "::/128",
		"::/0":                "::/0",
		"2001:DB8::1/64":      "2001:db8::/64",
		"::ffff:10.0.0.1":     "10.0.0.1/32",
		"::ffff:10.1.2.3/120": "::ffff:10.1.2.0/120",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff": "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
		"fe80::1%eth0": "fe80::1/128",
		"10.0.0.0/08":  "10.0.0.0/08",
		" everywhere ": "everywhere",
		"":             "",
	} {
		if got := spec.CanonicalCIDR(source); got != want {
			t.Errorf("%q is %q, want %q", source, got, want)
		}
	}
}
