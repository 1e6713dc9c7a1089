package cloudapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/client/secret"
)

// recorder is a server that keeps the last request and gives one answer. Its URL has a path prefix, so that a call with an
// absolute path would miss it.
type recorder struct {
	api               *cloudapi.API
	method, uri, body string
	status            int
	reply             string
}

func newRecorder(t *testing.T, status int, reply string) *recorder {
	t.Helper()
	r := &recorder{status: status, reply: reply}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.method, r.uri, r.body = req.Method, req.RequestURI, string(body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(r.status)
		_, _ = io.WriteString(w, r.reply)
	}))
	t.Cleanup(server.Close)
	cred := client.Credentials{KeyID: "key", KeySecret: secret.New("secret")}
	c, err := client.New(cloudapi.Dialect(), server.URL+"/prefix/v1", cred, client.WithTick(0))
	if err != nil {
		t.Fatal(err)
	}
	r.api = cloudapi.New(c)
	return r
}

// call makes any method of the API look alike.
func call[T any](f func(context.Context) (T, error)) func(context.Context) (any, error) {
	return func(ctx context.Context) (any, error) { return f(ctx) }
}

func callNoResult(f func(context.Context) error) func(context.Context) (any, error) {
	return func(ctx context.Context) (any, error) { return nil, f(ctx) }
}

// Every method of the API: what it sends, and that it decodes what comes back.
func TestCalls(t *testing.T) {
	r := newRecorder(t, http.StatusOK, "")
	a := r.api
	name := "orders"
	from := time.Date(2026, 8, 1, 12, 0, 0, 0, time.FixedZone("", 7200))

	const o = "/prefix/v1/organizations/org-1"
	const s = o + "/services/svc-1"
	calls := map[string]struct {
		call          func(context.Context) (any, error)
		request, body string
		result        string
		want          any
	}{
		"ListOrganizations": {
			call(a.ListOrganizations), "GET /prefix/v1/organizations", "",
			`[{"id":"org-1","name":"Acme","enableCoreDumps":false}]`,
			[]cloudapi.Organization{{ID: "org-1", Name: "Acme", EnableCoreDumps: new(false)}},
		},
		"GetOrganization": {
			call(func(ctx context.Context) (cloudapi.Organization, error) { return a.GetOrganization(ctx, "org-1") }), "GET " + o, "",
			`{"id":"org-1","byocConfig":[{"id":"b","regionId":"us-east-1"}]}`,
			cloudapi.Organization{ID: "org-1", BYOCConfig: []cloudapi.BYOCConfig{{ID: "b", RegionID: "us-east-1"}}},
		},
		"PatchOrganization": {
			call(func(ctx context.Context) (cloudapi.Organization, error) {
				return a.PatchOrganization(ctx, "org-1", cloudapi.OrganizationPatch{
					Name: &name,
					PrivateEndpoints: &cloudapi.Patch[cloudapi.PrivateEndpoint]{
						Remove: []cloudapi.PrivateEndpoint{{ID: "vpce-1", CloudProvider: "aws", Region: "us-east-1"}},
					},
				})
			}), "PATCH " + o, `{"name":"orders","privateEndpoints":{"remove":[{"id":"vpce-1","cloudProvider":"aws","region":"us-east-1"}]}}`,
			`{"name":"orders"}`,
			cloudapi.Organization{Name: "orders"},
		},
		"ListServices": {
			call(func(ctx context.Context) ([]cloudapi.Service, error) { return a.ListServices(ctx, "org-1") }), "GET " + o + "/services", "",
			`[{"id":"svc-1","name":"a"},{"id":"svc-2","name":"b"}]`,
			[]cloudapi.Service{{ID: "svc-1", Name: "a"}, {ID: "svc-2", Name: "b"}},
		},
		"GetService": {
			call(func(ctx context.Context) (cloudapi.Service, error) { return a.GetService(ctx, "org-1", "svc-1") }), "GET " + s, "",
			`{"id":"svc-1","state":"idle"}`,
			cloudapi.Service{ID: "svc-1", State: cloudapi.StateIdle},
		},
		"CreateService": {
			call(func(ctx context.Context) (cloudapi.ServiceCreated, error) {
				return a.CreateService(ctx, "org-1", cloudapi.ServiceCreate{Name: name, Provider: "aws", Region: "us-east-1"})
			}), "POST " + o + "/services", `{"name":"orders","provider":"aws","region":"us-east-1","ipAccessList":[]}`,
			`{"service":{"id":"svc-1","state":"provisioning"},"password":"once"}`,
			cloudapi.ServiceCreated{Service: cloudapi.Service{ID: "svc-1", State: cloudapi.StateProvisioning}, Password: secret.New("once")},
		},
		"PatchService": {
			call(func(ctx context.Context) (cloudapi.Service, error) {
				return a.PatchService(ctx, "org-1", "svc-1", cloudapi.ServicePatch{IPAccessList: &cloudapi.Patch[cloudapi.IPAccessEntry]{
					Remove: []cloudapi.IPAccessEntry{{Source: "10.0.0.1"}},
					Add:    []cloudapi.IPAccessEntry{{Source: "10.0.0.1", Description: "office"}},
				}})
			}), "PATCH " + s, `{"ipAccessList":{"remove":[{"source":"10.0.0.1"}],"add":[{"source":"10.0.0.1","description":"office"}]}}`,
			`{"id":"svc-1"}`,
			cloudapi.Service{ID: "svc-1"},
		},
		"DeleteService": {
			callNoResult(func(ctx context.Context) error { return a.DeleteService(ctx, "org-1", "svc-1") }), "DELETE " + s, "", "", nil,
		},
		"CommandService": {
			call(func(ctx context.Context) (cloudapi.Service, error) {
				return a.CommandService(ctx, "org-1", "svc-1", cloudapi.CommandStop)
			}), "PATCH " + s + "/state", `{"command":"stop"}`,
			`{"state":"stopping"}`,
			cloudapi.Service{State: cloudapi.StateStopping},
		},
		"PatchReplicaScaling": {
			call(func(ctx context.Context) (cloudapi.Service, error) {
				return a.PatchReplicaScaling(ctx, "org-1", "svc-1", cloudapi.ReplicaScalingPatch{NumReplicas: new(3.0), IdleScaling: new(false)})
			}), "PATCH " + s + "/replicaScaling", `{"numReplicas":3,"idleScaling":false}`,
			`{"numReplicas":3.0}`,
			cloudapi.Service{NumReplicas: new(3.0)},
		},
		"ResetPassword": {
			call(func(ctx context.Context) (secret.Value, error) {
				return a.ResetPassword(ctx, "org-1", "svc-1", cloudapi.PasswordReset{})
			}), "PATCH " + s + "/password", `{}`, `{"password":"once"}`, secret.New("once"),
		},
		"GetBackupConfiguration": {
			call(func(ctx context.Context) (cloudapi.BackupConfiguration, error) {
				return a.GetBackupConfiguration(ctx, "org-1", "svc-1")
			}), "GET " + s + "/backupConfiguration", "",
			`{"backupPeriodInHours":24,"backupStartTime":null}`,
			cloudapi.BackupConfiguration{BackupPeriodInHours: new(24.0)},
		},
		"PatchBackupConfiguration": {
			call(func(ctx context.Context) (cloudapi.BackupConfiguration, error) {
				return a.PatchBackupConfiguration(ctx, "org-1", "svc-1", cloudapi.BackupConfigurationPatch{
					BackupPeriodInHours: cloudapi.Value(48.0), BackupStartTime: cloudapi.Null[string](),
				})
			}), "PATCH " + s + "/backupConfiguration", `{"backupPeriodInHours":48,"backupStartTime":null}`,
			`{"backupPeriodInHours":48}`,
			cloudapi.BackupConfiguration{BackupPeriodInHours: new(48.0)},
		},
		"ListKeys": {
			call(func(ctx context.Context) ([]cloudapi.APIKey, error) { return a.ListKeys(ctx, "org-1") }), "GET " + o + "/keys", "",
			`[]`,
			[]cloudapi.APIKey{},
		},
		"CreateKey": {
			call(func(ctx context.Context) (cloudapi.KeyCreated, error) {
				return a.CreateKey(ctx, "org-1", cloudapi.KeyCreate{Name: "ci", AssignedRoleIDs: []string{}, IPAccessList: []cloudapi.IPAccessEntry{}})
			}), "POST " + o + "/keys", `{"name":"ci","assignedRoleIds":[],"ipAccessList":[]}`,
			`{"key":{"id":"k-1"},"keyId":"id","keySecret":"4b1d"}`,
			cloudapi.KeyCreated{Key: cloudapi.APIKey{ID: "k-1"}, KeyID: secret.New("id"), KeySecret: secret.New("4b1d")},
		},
		"PatchKey": {
			call(func(ctx context.Context) (cloudapi.APIKey, error) {
				return a.PatchKey(ctx, "org-1", "k-1", cloudapi.KeyPatch{ExpireAt: cloudapi.Null[string](), Roles: []string{"admin"}})
			}), "PATCH " + o + "/keys/k-1", `{"expireAt":null,"roles":["admin"]}`,
			`{"id":"k-1"}`,
			cloudapi.APIKey{ID: "k-1"},
		},
		"DeleteKey": {
			callNoResult(func(ctx context.Context) error { return a.DeleteKey(ctx, "org-1", "k-1") }), "DELETE " + o + "/keys/k-1", "", "", nil,
		},
		"ListMembers": {
			call(func(ctx context.Context) ([]cloudapi.Member, error) { return a.ListMembers(ctx, "org-1") }), "GET " + o + "/members", "",
			`[{"userId":"u-1","role":"admin"}]`,
			[]cloudapi.Member{{UserID: "u-1", Role: "admin"}},
		},
		"PatchMember": {
			call(func(ctx context.Context) (cloudapi.Member, error) {
				return a.PatchMember(ctx, "org-1", "samlp|9c|ana@example.com", cloudapi.MemberPatch{AssignedRoleIDs: []string{}})
			}), "PATCH " + o + "/members/samlp%7C9c%7Cana@example.com", `{"assignedRoleIds":[]}`,
			`{"userId":"u-1"}`,
			cloudapi.Member{UserID: "u-1"},
		},
		"DeleteMember": {
			callNoResult(func(ctx context.Context) error { return a.DeleteMember(ctx, "org-1", "u-1") }), "DELETE " + o + "/members/u-1", "", "", nil,
		},
		"ListInvitations": {
			call(func(ctx context.Context) ([]cloudapi.Invitation, error) { return a.ListInvitations(ctx, "org-1") }), "GET " + o + "/invitations", "",
			`[{"id":"i-1","email":"a@example.com"}]`,
			[]cloudapi.Invitation{{ID: "i-1", Email: "a@example.com"}},
		},
		"CreateInvitation": {
			call(func(ctx context.Context) (cloudapi.Invitation, error) {
				return a.CreateInvitation(ctx, "org-1", cloudapi.InvitationCreate{Email: "a@example.com", Role: "developer"})
			}), "POST " + o + "/invitations", `{"email":"a@example.com","role":"developer"}`,
			`{"id":"i-1"}`,
			cloudapi.Invitation{ID: "i-1"},
		},
		"DeleteInvitation": {
			callNoResult(func(ctx context.Context) error { return a.DeleteInvitation(ctx, "org-1", "i-1") }), "DELETE " + o + "/invitations/i-1", "", "", nil,
		},
		"ListRoles": {
			call(func(ctx context.Context) ([]cloudapi.Role, error) { return a.ListRoles(ctx, "org-1") }), "GET " + o + "/roles", "",
			`[{"id":"r-1","name":"Admin","type":"system","policies":[{"permissions":["p"],"tags":{"roleV2":"sql-console-admin"}}]}]`,
			[]cloudapi.Role{{ID: "r-1", Name: "Admin", Type: "system", Policies: []cloudapi.RolePolicy{
				{Permissions: []string{"p"}, Tags: &cloudapi.RolePolicyTags{RoleV2: "sql-console-admin"}},
			}}},
		},
		"ListQuotas": {
			call(func(ctx context.Context) ([]cloudapi.Quota, error) { return a.ListQuotas(ctx, "org-1") }), "GET " + o + "/quotas", "",
			`[{"quotaCode":"q","value":20,"adjustable":true}]`,
			[]cloudapi.Quota{{QuotaCode: "q", Value: new(20.0), Adjustable: new(true)}},
		},
		"ListActivities": {
			call(func(ctx context.Context) ([]cloudapi.Activity, error) {
				return a.ListActivities(ctx, "org-1", cloudapi.ActivityPeriod{From: from})
			}), "GET " + o + "/activities?from_date=2026-08-01T10%3A00%3A00Z", "",
			`[{"id":"a-1","actorType":"user"}]`,
			[]cloudapi.Activity{{ID: "a-1", ActorType: "user"}},
		},
		"Read": {
			call(func(ctx context.Context) (json.RawMessage, error) {
				return a.Read(ctx, "org-1", url.Values{"q": {"a b"}}, "services", "../svc")
			}), "GET " + o + "/services/..%2Fsvc?q=a+b", "",
			`{"z":1,"a":{"unknown":true}}`,
			json.RawMessage(`{"z":1,"a":{"unknown":true}}`),
		},
		"ReadText": {
			call(func(ctx context.Context) (string, error) {
				return a.ReadText(ctx, "org-1", url.Values{"q": {"a b"}}, "services", "../svc")
			}), "GET " + o + "/services/..%2Fsvc?q=a+b", "", "x 1\n", "x 1\n",
		},
		"OrganizationMetrics": {
			call(func(ctx context.Context) (string, error) {
				return a.ReadText(ctx, "org-1", nil, "prometheus")
			}), "GET " + o + "/prometheus", "", "# HELP x\nx 1\n", "# HELP x\nx 1\n",
		},
		"ServiceMetrics": {
			call(func(ctx context.Context) (string, error) {
				return a.ReadText(ctx, "org-1", nil, "services", "svc-1", "prometheus")
			}), "GET " + s + "/prometheus", "", "", "",
		},
	}

	for method := range reflect.TypeFor[*cloudapi.API]().Methods() {
		sends := method.Type.NumIn() > 1 // all calls take a context
		if _, found := calls[method.Name]; sends && !found {
			t.Errorf("method %s is not in the table", method.Name)
		}
	}
	for name, c := range calls {
		t.Run(name, func(t *testing.T) {
			r.reply = `{"status":200,"requestId":"r-1","result":` + c.result + `}`
			if text := name == "ReadText" || strings.HasSuffix(name, "Metrics"); c.result == "" || text {
				r.reply = c.result
			}
			got, err := c.call(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.request, r.method+" "+r.uri); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.body, r.body); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestEveryCallHasAUser: what no part of the program calls is not kept for its own sake.
func TestEveryCallHasAUser(t *testing.T) {
	var source strings.Builder
	for _, root := range []string{"../../../cmd", "../../../pkg"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			source.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for method := range reflect.TypeFor[*cloudapi.API]().Methods() {
		if !strings.Contains(source.String(), "."+method.Name+"(") && !strings.Contains(source.String(), "."+method.Name+")") {
			t.Errorf("nothing calls %s", method.Name)
		}
	}
}

func TestDeleteOfSomethingGone(t *testing.T) {
	r := newRecorder(t, http.StatusNotFound, `{"status":404,"error":"NOT_FOUND: svc-1","requestId":"r-1"}`)
	err := r.api.DeleteService(t.Context(), "org-1", "svc-1")
	if !errors.Is(err, client.ErrNotFound) || client.Ambiguous(err) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
}

func TestMissingIDIsNotSent(t *testing.T) {
	r := newRecorder(t, http.StatusOK, "{}")
	for _, id := range []string{"", ".", ".."} {
		if err := r.api.DeleteKey(t.Context(), "org-1", id); err == nil || r.method != "" {
			t.Errorf("id %q: sent %s %s (%v)", id, r.method, r.uri, err)
		}
	}
}

func TestResetPasswordByHash(t *testing.T) {
	for _, c := range []struct {
		mysql bool
		want  string
	}{
		{false, `{"newPasswordHash":"n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="}`},
		{true, `{"newPasswordHash":"n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=","newDoubleSha1Hash":"94bdcebe19083ce2a1f959fd02f964c7af4cfc29"}`},
	} {
		for _, reply := range []string{`{"status":200,"result":{}}`, `{"status":200}`, ""} {
			r := newRecorder(t, http.StatusOK, reply)
			got, err := r.api.ResetPassword(t.Context(), "org-1", "svc-1", cloudapi.HashPassword(secret.New("test"), c.mysql))
			if err != nil || !got.Empty() {
				t.Errorf("reply %q: %v, %v, want no password", reply, got, err)
			}
			if diff := cmp.Diff(c.want, r.body); diff != "" {
				t.Error(diff)
			}
		}
	}
	// A generated password that did not arrive is lost, which must not pass for success.
	r := newRecorder(t, http.StatusOK, `{"status":200}`)
	if _, err := r.api.ResetPassword(t.Context(), "org-1", "svc-1", cloudapi.PasswordReset{}); !client.Ambiguous(err) {
		t.Errorf("error %v, want an ambiguous one", err)
	}
}

func TestHashKey(t *testing.T) {
	got, err := json.Marshal(cloudapi.HashKey(secret.New("testabcd"), secret.New("test")))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"keyIdHash":"` + secret.SHA256Base64(secret.New("testabcd")) + `","keyIdSuffix":"abcd","keySecretHash":"n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	for id, want := range map[string]string{"": "", "abc": "abc", "abcdef": "cdef"} {
		if got := cloudapi.KeySuffix(id); got != want {
			t.Errorf("KeySuffix(%q) = %q, want %q", id, got, want)
		}
	}
}

// A list whose entries cannot be told apart is refused whole.
func TestEntriesWithoutIdentity(t *testing.T) {
	for name, tc := range map[string]struct{ reply, want string }{
		"nothing at all":     {`[{}]`, "entry 1 of 1 has no id"},
		"null":               {`[{"id":"svc-1","name":"a"},null]`, "entry 2 of 2 has no id"},
		"no name":            {`[{"id":"svc-1"}]`, "entry 1 of 1 has no name"},
		"an empty name":      {`[{"id":"svc-1","name":""}]`, "entry 1 of 1 has no name"},
		"other fields":       {`[{"ID_":"svc-1","title":"a"}]`, "entry 1 of 1 has no id"},
		"nothing is missing": {`[{"id":"svc-1","name":"a"}]`, ""},
		"nothing is there":   {`[]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := newRecorder(t, http.StatusOK, `{"status":200,"result":`+tc.reply+`}`).api
			_, err := a.ListServices(t.Context(), "org-1")
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
