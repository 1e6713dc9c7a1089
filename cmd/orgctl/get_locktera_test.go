package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim/locktera"
)

// TestGetLocktera: everything that Locktera's API lets read is read, in both documented shapes and in every form.
func TestGetLocktera(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for shape, want := range map[string]map[string][]string{
		"page": {
			"organization":   {"NAME      ROLE   CREATED                E-MAIL\nSandbox   -      2026-03-01T12:00:00Z   -\n", `"name": "Sandbox"`, "name: Sandbox\n", "organization/Sandbox\n"},
			"customizations": {"CUSTOMIZATION   VALUE\nsizes           [ 1.5, null ]\ntheme           dark\\x1b[2J\n", `"theme": "dark\u001b[2J"`, "theme: \"dark\\u001b[2J\"\n", "customizations\n"},
			"api-keys":       {"NAME      PERMISSIONS   CREATED                ID\nsandbox   read, write   2026-03-01T12:00:00Z   ", `"name": "sandbox"`, "name: sandbox\n", "key/sandbox\n"},
			"tags":           {"NAME   CREATED\ngold   2026-01-01T00:00:00Z\n", `"name": "gold"`, "name: gold\n", "tag/gold\n"},
			"access-log":     {"TIME                   USER                ACTION   STATUS    ADDRESS\n2026-03-01T12:00:00Z   admin@example.com   LOGIN    SUCCESS   -\n", `"action": "LOGIN"`, "- action: LOGIN\n", "access-log/2026-03-01T12:00:00Z\n"},
			"children-audit": {"TIME                   ACTION   OF ", `"action": "insert"`, "- action: insert\n", "children-audit/2026-03-01T12:00:00Z\n"},
			"consumption":    {"MONTH     API CALLS   GB AS REPORTED\n2026-03   ", `"storage_used": 1.25`, "storage_used: 1.25\n", "consumption/2026-03\n"},
		},
		"spec": {
			"organization":   {"NAME      ROLE   CREATED   E-MAIL\nSandbox   org    -         -\n", `"org_name": "Sandbox"`, "org_name: Sandbox\n", "organization/Sandbox\n"},
			"customizations": {"theme           dark\\x1b[2J\n", `"theme": "dark\u001b[2J"`, "theme: \"dark\\u001b[2J\"\n", "customizations\n"},
			"api-keys":       {"NAME   PERMISSIONS   CREATED                ID\n-      read, write   2026-03-01T12:00:00Z   ", `"key_id": "`, "- created_at: ", "key/"},
			"tags":           {"NAME   CREATED\ngold   -\n", "[\n  \"gold\"\n]\n", "- gold\n", "tag/gold\n"},
			"access-log":     {"   login    -        127.0.0.1\n", `"ip": "127.0.0.1"`, "- action: login\n", "access-log/2026-03-01T12:00:00Z\n"},
			"children-audit": {"TIME                   ACTION   OF ", `"ip": "127.0.0.1"`, "- action: insert\n", "children-audit/2026-03-01T12:00:00Z\n"},
			"consumption":    {"MONTH     API CALLS   GB AS REPORTED\n2026-03   ", `"month": "2026-03"`, "month: \"2026-03\"\n", "consumption/2026-03\n"},
		},
	} {
		b := benchLocktera(t, locktera.Config{Shape: shape}, nil, locktera.WithClock(func() time.Time { return start }))
		b.set(t, map[string]any{
			"customizations": map[string]any{"theme": "dark\x1b[2J", "sizes": []any{1.5, nil}}, "storage_used": 1.25,
			"tags": []any{map[string]any{"id": "t1", "name": "gold", "created_at": "2026-01-01T00:00:00Z"}},
		})
		b.add(t, "Berlin", "", "group")
		for kind, texts := range want {
			for i, format := range []string{"table", "json", "yaml", "name"} {
				r := b.ok(t, "get", kind, "-o", format)
				if !strings.Contains(r.stdout, texts[i]) || strings.Contains(r.stdout, "\x1b") {
					t.Errorf("%s: get %s -o %s: no %q in\n%s", shape, kind, format, texts[i], r.stdout)
				}
			}
			if wide := b.ok(t, "get", kind, "-o", "wide"); wide.stdout == "" || strings.Contains(wide.stdout, "null") && kind != "customizations" {
				t.Errorf("%s: get %s -o wide:\n%s", shape, kind, wide.stdout)
			}
		}
		for _, filter := range []string{"name=go*", "name=silver"} {
			r := b.ok(t, "get", "tags", "--filter", filter, "-o", "name")
			if r.stdout != map[string]string{"name=go*": "tag/gold\n"}[filter] || strings.Contains(r.stderr, "field") {
				t.Errorf("%s: --filter %s:\n%s\n%s", shape, filter, r.stdout, r.stderr)
			}
		}
		b.run(t, "get", "tags", "--filter", "nam=gold").wants(t, exitOK, `none of the tags has a field "nam"`)
		if n := len(b.server.Requests()) - b.sent("GET"); n > 0 {
			t.Errorf("%d requests change something", n)
		}
	}
}

// TestGetPeriodOfLogs: the API has no period to ask for, so that entries are compared here; what tells no time that can be compared is
// kept, and said.
func TestGetPeriodOfLogs(t *testing.T) {
	t.Parallel()
	const entries = `[
		{"timestamp":"2026-03-01T12:00:00Z","user":"a"}, {"timestamp":"2026-03-01T14:00:00+02:00","user":"b"},
		{"timestamp":"2026-03-01T12:00:00.001Z","user":"c"}, {"timestamp":"yesterday","user":"d"}, {"user":"e"}, {"timestamp":"2020-01-01T00:00:00Z","user":"f"}]`
	b := benchLocktera(t, locktera.Config{}, func(api http.Handler) http.Handler {
		return answering("/access_log", http.StatusOK, "application/json", entries)(answering("/children_audit", http.StatusOK, "application/json", entries)(api))
	})
	for _, kind := range []string{"access-log", "children-audit"} {
		for _, c := range []struct {
			flags []string
			want  string
			said  bool
		}{
			{nil, "abcdef", false},
			{[]string{"--from", "2026-03-01T12:00:00Z"}, "abcde", true},
			{[]string{"--to", "2026-03-01T12:00:00Z"}, "abdef", true},
			{[]string{"--from", "2026-03-01T12:00:00Z", "--to", "2026-03-01T12:00:00Z"}, "abde", true},
			{[]string{"--from", "1h"}, "de", true},
			{[]string{"--to", "1h", "--limit", "3"}, "abc", true},
			{[]string{"--from", "2026-03-01T12:00:00Z", "--filter", "user=c"}, "c", true},
		} {
			r := b.ok(t, append([]string{"get", kind, "-o", "json"}, c.flags...)...)
			var users strings.Builder
			for _, line := range strings.Split(r.stdout, "\n") {
				if user, ok := strings.CutPrefix(strings.TrimSpace(line), `"user": "`); ok {
					users.WriteString(user[:1])
				}
			}
			if said := strings.Contains(r.stderr, "2 of the "+kind+" tell no time that could be compared (timestamp): they are kept"); users.String() != c.want || said != c.said {
				t.Errorf("%s %v: %s, want %s\n%s", kind, c.flags, users.String(), c.want, r.stderr)
			}
		}
		b.run(t, "get", kind, "--from", "2026-03-02T00:00:00Z", "--to", "2026-03-01T00:00:00Z").wants(t, exitUsage, "--from is after --to")
		b.run(t, "get", kind, "--from", "yesterday").wants(t, exitUsage, "--from yesterday: it is a time such as")
	}
	b.run(t, "get", "consumption", "--from", "24h").wants(t, exitUsage, "--from and --to are of access-log and of children-audit")
}

// TestGetKeysWithoutSecrets: no document names the field of a key's secret, so that nothing of a key is shown that might be one.
func TestGetKeysWithoutSecrets(t *testing.T) {
	t.Parallel()
	const keys = `[{"id":"k1","name":"ci","created_at":"2026-03-01T12:00:00Z","permissions":["read"],"api_key":"c4n4ry","value":"c4n4ry","uses":7,
		"last_used_at":"2026-03-02T12:00:00Z","more":{"plain":["c4n4ry"]},"raw":"c4n4ry"},{"key_id":"k2","token":{"at":"c4n4ry"},"enabled":true}]`
	b := benchLocktera(t, locktera.Config{}, answering("/api_keys", http.StatusOK, "application/json", keys))
	for _, args := range [][]string{{}, {"-o", "wide"}, {"-o", "json"}, {"-o", "yaml"}, {"-o", "name"}, {"--filter", "value=*"}, {"ci", "-o", "json"}} {
		r := b.ok(t, append([]string{"get", "api-keys", "--api", "locktera"}, args...)...)
		if strings.Contains(r.stdout+r.stderr, "c4n4ry") {
			t.Errorf("get api-keys %v:\n%s\n%s", args, r.stdout, r.stderr)
		}
	}
	b.ok(t, "get", "api-keys", "-o", "json").wants(t, exitOK,
		`"id": "k1"`, `"name": "ci"`, `"value": "[redacted]"`, `"uses": 7`, `"last_used_at": "2026-03-02T12:00:00Z"`, `"more": "[redacted]"`, `"key_id": "k2"`, `"enabled": true`)
	b = benchLocktera(t, locktera.Config{}, answering("/children_audit", http.StatusOK, "application/json", `{"action":"update","old_data":{"api_key":"c4n4ry","in":[{"token":"c4n4ry"}]}}`))
	for _, format := range []string{"wide", "json", "yaml"} {
		if r := b.ok(t, "get", "children-audit", "-o", format); strings.Contains(r.stdout+r.stderr, "c4n4ry") || !strings.Contains(r.stdout, "[redacted]") {
			t.Errorf("get children-audit -o %s:\n%s", format, r.stdout)
		}
	}
}
