package cloud_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client/sim"
	"github.com/orgctl/orgctl/pkg/diff"
)

// instead puts another body into the successful replies of one sort of request.
type instead struct {
	http.RoundTripper
	method, suffix, body string
}

func (i instead) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := i.RoundTripper.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusOK && req.Method == i.method && strings.HasSuffix(req.URL.Path, i.suffix) {
		_ = resp.Body.Close()
		resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(i.body)), int64(len(i.body))
		resp.Header.Del("Content-Length")
	}
	return resp, err
}

func (b *bench) reply(method, suffix, body string) {
	b.backend = b.connect(instead{b.server.Transport(), method, suffix, body})
}

// A reply without an id does not say that anything was made: it is looked for, as if there had been no reply.
func TestCreationsWithoutAnID(t *testing.T) {
	for suffix, desired := range map[string]string{
		"/services":    "services: [{name: orders, provider: aws, region: us-east-1, ipAccessList: []}]",
		"/keys":        "keys: [{name: ci, roles: [developer], ipAccessList: []}]",
		"/invitations": "invitations: [{email: new@example.com, role: developer}]",
	} {
		for _, body := range []string{`{"status":200,"result":{}}`, `{"status":200,"result":{"service":{},"key":{}}}`} {
			t.Run(suffix[1:], func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t.Context(), t, sim.Config{})
					b.reply(http.MethodPost, suffix, body)
					b.converge(manifest(t, "spec: {"+desired+"}"))
					if n := b.count(http.MethodPost, suffix); n != 1 {
						t.Errorf("%d creations", n)
					}
					for _, r := range b.sink.Records() {
						if r.ID == "" {
							t.Errorf("%s is stored as not applied", r.Name)
						}
					}
				})
			})
		}
	}
}

// A single read that says nothing of its service is no service without tags or state.
func TestServiceReadWithoutAnID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{})
		id := b.make("sales")
		b.reply(http.MethodGet, "/services/"+id, `{"status":200,"result":{}}`)
		if _, err := b.api.GetService(t.Context(), b.server.Credentials().OrganizationID, id); err == nil || !strings.Contains(err.Error(), "no id") {
			t.Errorf("got %v", err)
		}
	})
}

// What cannot be read of one service is no reason to show nothing of the others.
func TestDetailsThatAreNoReply(t *testing.T) {
	for _, body := range []string{"<html>Welcome</html>", "", `{"status":200,"result":null}`, `{"status":200,"result":"x"}`} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t.Context(), t, sim.Config{})
			id := b.make("orders")
			b.make("sales")
			b.reply(http.MethodGet, "/services/"+id+"/backupConfiguration", body)
			p := b.plan(manifest(t, `
spec:
  services:
    - {name: orders, backupConfiguration: {backupPeriodInHours: 24}}
    - {name: sales, backupConfiguration: {backupPeriodInHours: 12}}
`))
			var found []string
			for _, f := range p.Findings {
				found = append(found, f.Code+" "+f.Address.String())
			}
			if d := cmp.Diff([]string{diff.CodeUnread + " service/orders"}, found); d != "" {
				t.Errorf("%q: findings (-want +got):\n%s", body, d)
			}
			if d := cmp.Diff([]string{"update service/sales"}, actions(p)); d != "" {
				t.Errorf("%q: changes (-want +got):\n%s", body, d)
			}
		})
	}
}

// What a reply leaves out is neither as declared nor different.
func TestFieldsThatAreNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{})
		desired := manifest(t, `
spec:
  services:
    - {name: q, provider: aws, region: us-east-1, ipAccessList: [], state: running}
    - {name: sec, warehouse: q, ipAccessList: []}
  keys: [{name: ci, roles: [developer], ipAccessList: [], state: enabled}]
`)
		b.converge(desired)
		for suffix, want := range map[string]map[string][]string{
			"/services": {"state": {"OC321 service/q"}, "dataWarehouseId": {"OC321 service/sec"}},
			"/keys":     {"state": {"OC321 key/ci"}},
		} {
			for field, codes := range want {
				b.backend = b.connect(without{b.server.Transport(), suffix, field})
				p := b.plan(desired)
				var found []string
				for _, f := range p.Findings {
					found = append(found, f.Code+" "+f.Address.String())
				}
				if d := cmp.Diff(codes, found); d != "" || !p.Empty() || p.Converged() {
					t.Errorf("%s without %s (-want +got):\n%s%s", suffix, field, d, encode(t, p.Changes))
				}
			}
		}
	})
}

// without leaves a field out of all objects of a list.
type without struct {
	http.RoundTripper
	suffix, field string
}

func (w without) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := w.RoundTripper.RoundTrip(req)
	if err != nil || req.Method != http.MethodGet || !strings.HasSuffix(req.URL.Path, w.suffix) {
		return resp, err
	}
	defer func() { _ = resp.Body.Close() }()
	var envelope struct {
		Result []map[string]any `json:"result"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&envelope); err != nil {
		return nil, err
	}
	for _, object := range envelope.Result {
		delete(object, w.field)
	}
	body, err := json.Marshal(envelope)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Del("Content-Length")
	return resp, err
}
