package main

import (
	"strings"
	"testing"

	"github.com/orgctl/orgctl/pkg/spec"
)

// TestEveryAPIHasAProvider: what a manifest may name can be spoken to.
func TestEveryAPIHasAProvider(t *testing.T) {
	for _, api := range spec.APIs() {
		if p, err := providers.of(&spec.Organization{API: api}); err != nil || p.api != api {
			t.Errorf("%s: %v", api.Name, err)
		}
	}
	if p, err := providers.of(&spec.Organization{}); err != nil || p.api != spec.ClickHouse {
		t.Errorf("no API: %v", err)
	}
}

// TestMeantAPI: without a manifest and --api, the environment says which API is meant.
func TestMeantAPI(t *testing.T) {
	other := &provider{api: &spec.API{Name: "other/v2"}, keySecret: "OTHER_KEY", organization: "OTHER_ORG_ID", url: "OTHER_URL"}
	table := providerTable{&clickhouse, other}
	for variables, want := range map[string]string{
		"":                                 "clickhouse",
		"HOME":                             "clickhouse",
		"CLICKHOUSE_CLOUD_API_SECRET":      "clickhouse",
		"CLICKHOUSE_CLOUD_API_SECRET_FILE": "clickhouse",
		"OTHER_KEY":                        "other",
		"OTHER_KEY_FILE":                   "other",
		"OTHER_URL":                        "other",
		"OTHER_KEY OTHER_ORG_ID":           "other",
		"OTHER_KEY CLICKHOUSE_ORG_ID":      "there are variables of clickhouse and other: say which API is meant, with --api clickhouse or --api other",
	} {
		e := testEnv()
		e.getenv = func(name string) string {
			for set := range strings.FieldsSeq(variables) {
				if set == name {
					return "x"
				}
			}
			return ""
		}
		got, err := table.meant(e)
		switch {
		case err != nil && err.Error() != want:
			t.Errorf("%s: %v", variables, err)
		case err == nil && got.name() != want:
			t.Errorf("%s: %s, want %s", variables, got.name(), want)
		}
	}
}
