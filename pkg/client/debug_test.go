package client_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client"
)

const canary = "c4n4ry"

func debugLines(t *testing.T, r client.Request, replies ...reply) []string {
	t.Helper()
	var log bytes.Buffer
	c := newClient(t, "https://api.example.com", client.WithTransport(&script{replies: replies}), client.WithDebug(&log), client.WithTick(0))
	_, _ = c.Do(t.Context(), r)
	lines := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
	for i, line := range lines {
		if before, after, found := strings.Cut(line, " took="); found {
			_, rest, _ := strings.Cut(after, " ")
			lines[i] = strings.TrimSpace(before + " took=T " + rest)
		}
	}
	return lines
}

func TestDebugLog(t *testing.T) {
	got := debugLines(t,
		client.Request{Method: "GET", Path: "/v1/things", Query: map[string][]string{"a": {"b c"}}},
		answer(503, "down\x1b[2J"),
		cut(`{"status":200,"result":{"pass`),
		answer(200, `{"status":200,"requestId":"r-1","result":{"name":"<orders>","n":3.0,"big":12345678901234567890}}`),
	)
	want := []string{
		"> GET /v1/things?a=b+c try=1",
		"< GET /v1/things try=1 status=503 took=T body=[8 bytes that are not a JSON object]",
		"> GET /v1/things?a=b+c try=2",
		`< GET /v1/things try=2 status=200 took=T error="read answer: unexpected EOF (GET /v1/things)" body=[29 bytes that are not a JSON object]`,
		"> GET /v1/things?a=b+c try=3",
		`< GET /v1/things try=3 status=200 request=r-1 took=T body={"requestId":"r-1","result":{"big":12345678901234567890,"n":3.0,"name":"<orders>"},"status":200}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDebugLogHidesSecrets(t *testing.T) {
	names := []string{
		"password", "newPassword", "newPasswordHash", "newDoubleSha1Hash", "keyId", "keySecret", "hashData", "keyIdHash",
		"keySecretHash", "secret", "secrets", "secretAccessKey", "accessKeyId", "credentials", "connectionString", "Authorization",
		"token", "PASSWORD",
	}
	bodies := map[string]string{
		"text":      "your key is " + canary,
		"scalar":    `"` + canary + `"`,
		"array":     `["` + canary + `"]`,
		"truncated": `{"keySecret":"` + canary,
		"trailing":  `{"a":1} ` + canary,
	}
	for _, name := range names {
		bodies[name] = fmt.Sprintf(`{"result":{"list":[{"deep":{%q:%q}}]}}`, name, canary)
		bodies[name+" object"] = fmt.Sprintf(`{"result":{%q:{"inner":[%q]}}}`, name, canary)
	}
	for name, text := range bodies {
		t.Run(name, func(t *testing.T) {
			for _, status := range []int{200, 400, 500} {
				sent := map[string]any{"x": []any{map[string]any{"keySecret": canary, "name": "visible"}}}
				lines := debugLines(t, client.Request{Method: "POST", Path: "/v1/things", Body: sent}, answer(status, text))
				all := strings.Join(lines, "\n")
				if strings.Contains(all, canary) || strings.Contains(all, "Basic ") {
					t.Errorf("status %d: the log shows a secret:\n%s", status, all)
				}
				if !strings.Contains(all, "visible") || len(lines) != 2 {
					t.Errorf("status %d: the log is not one line each way:\n%s", status, all)
				}
			}
		})
	}
}

func TestDebugLogIsSafeForConcurrentUse(t *testing.T) {
	var log bytes.Buffer
	s := &script{replies: []reply{answer(200, okBody)}}
	c := newClient(t, "https://api.example.com", client.WithTransport(s), client.WithDebug(&log), client.WithRate(client.Rate{}))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := c.Do(t.Context(), client.Request{Method: "GET", Path: "/v1/things"}); err != nil {
				t.Error(err)
			}
			_ = c.Stats()
		})
	}
	wg.Wait()
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	for _, line := range lines {
		if !strings.HasPrefix(line, "> GET /v1/things") && !strings.HasPrefix(line, "< GET /v1/things") {
			t.Errorf("torn line %q", line)
		}
	}
	if len(lines) != 40 || c.Stats().Requests != 20 {
		t.Errorf("%d lines and %d requests, want 40 and 20", len(lines), c.Stats().Requests)
	}
}
