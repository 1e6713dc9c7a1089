package cloudapi_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/client/secret"
	"github.com/orgctl/orgctl/pkg/client/sim"
)

func newSimulated(t *testing.T, cfg sim.Config, opts ...client.Option) (*sim.Server, *client.Client, *cloudapi.API, string) {
	t.Helper()
	server := sim.New(cfg)
	cred := server.Credentials()
	opts = append([]client.Option{client.WithTransport(server.Transport()), client.WithTick(0)}, opts...)
	c, err := client.New(cloudapi.Dialect(), "http://127.0.0.1/v1", client.Credentials{KeyID: cred.KeyID, KeySecret: secret.New(cred.KeySecret)}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return server, c, cloudapi.New(c), cred.OrganizationID
}

// The simulator refuses unknown fields and has wire types of its own, so a field misspelt here does not pass it.
func TestLifeOfAService(t *testing.T) {
	for name, cfg := range map[string]sim.Config{
		"current": {},
		"floats":  {FloatNumbers: true},
		"future":  {FutureFields: true},
		"empty":   {EmptyDeleteBody: true},
	} {
		t.Run(name, func(t *testing.T) {
			server, _, api, org := newSimulated(t, cfg)
			created, err := api.CreateService(t.Context(), org, cloudapi.ServiceCreate{
				Name: "orders", Provider: "aws", Region: "us-east-1",
				MinReplicaMemoryGB: new(16.0), MaxReplicaMemoryGB: new(64.0), NumReplicas: new(3.0), IdleScaling: new(true), IdleTimeoutMinutes: new(10.0),
				Tags: []cloudapi.Tag{{Key: "orgctl-op", Value: "n"}, {Key: "team"}}, EnableCoreDumps: new(false),
				Endpoints: []cloudapi.ServiceEndpointChange{{Protocol: "mysql", Enabled: true}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if created.Password.Empty() || created.Service.ID == "" {
				t.Fatalf("created %+v, want an id and a password", created)
			}
			id := created.Service.ID
			_, err = api.PatchService(t.Context(), org, id, cloudapi.ServicePatch{
				Name:         new("orders-2"),
				IPAccessList: &cloudapi.Patch[cloudapi.IPAccessEntry]{Add: []cloudapi.IPAccessEntry{{Source: "10.0.0.0/8", Description: "office"}}},
				Tags:         &cloudapi.Patch[cloudapi.Tag]{Remove: []cloudapi.Tag{{Key: "orgctl-op"}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := api.PatchReplicaScaling(t.Context(), org, id, cloudapi.ReplicaScalingPatch{MaxReplicaMemoryGB: new(32.0)}); err != nil {
				t.Fatal(err)
			}
			_, err = api.PatchBackupConfiguration(t.Context(), org, id, cloudapi.BackupConfigurationPatch{
				BackupPeriodInHours: cloudapi.Value(48.0), BackupStartTime: cloudapi.Value("03:00"), BackupRetentionPeriodInHours: cloudapi.Null[float64](),
			})
			if err != nil {
				t.Fatal(err)
			}
			password := secret.Password()
			if _, err := api.ResetPassword(t.Context(), org, id, cloudapi.HashPassword(password, true)); err != nil {
				t.Fatal(err)
			}
			if ok, mysql, err := server.VerifyPassword(id, password.Reveal()); !ok || !mysql || err != nil {
				t.Errorf("the password opens the service: %t, with mysql: %t, %v", ok, mysql, err)
			}

			services, err := api.ListServices(t.Context(), org)
			if err != nil || len(services) != 1 {
				t.Fatalf("%d services, %v, want one", len(services), err)
			}
			got := services[0]
			type view struct {
				Name        string
				Min, Max, N *float64
				Idle        *bool
				IPs         []cloudapi.IPAccessEntry
				Tags        []cloudapi.Tag
				Dumps       *bool
				Primary     *cloudapi.Bool
				MySQL       bool
			}
			want := view{
				"orders-2", new(16.0), new(32.0), new(3.0), new(true),
				[]cloudapi.IPAccessEntry{{Source: "10.0.0.0/8", Description: "office"}},
				[]cloudapi.Tag{{Key: "team"}},
				new(false), new(cloudapi.Bool(true)), true,
			}
			read := view{
				got.Name, got.MinReplicaMemoryGB, got.MaxReplicaMemoryGB, got.NumReplicas, got.IdleScaling, got.IPAccessList,
				got.Tags, got.EnableCoreDumps, got.IsPrimary, slices.ContainsFunc(got.Endpoints, func(e cloudapi.ServiceEndpoint) bool { return e.Protocol == "mysql" }),
			}
			if diff := cmp.Diff(want, read); diff != "" {
				t.Error(diff)
			}
			backup, err := api.GetBackupConfiguration(t.Context(), org, id)
			if err != nil || backup.BackupPeriodInHours == nil || *backup.BackupPeriodInHours != 48 || backup.BackupStartTime != "03:00" {
				t.Errorf("backup configuration %+v, %v", backup, err)
			}

			if err := api.DeleteService(t.Context(), org, id); !errors.Is(err, client.ErrConflict) {
				t.Errorf("delete of a running service: %v, want ErrConflict", err)
			}
			if _, err := api.CommandService(t.Context(), org, id, cloudapi.CommandStop); err != nil {
				t.Fatal(err)
			}
			if err := api.DeleteService(t.Context(), org, id); err != nil {
				t.Fatal(err)
			}
			if _, err := api.GetService(t.Context(), org, id); !errors.Is(err, client.ErrNotFound) {
				t.Errorf("after the delete: %v, want ErrNotFound", err)
			}
		})
	}
}

func TestKeyOfOurOwnMaking(t *testing.T) {
	server, _, api, org := newSimulated(t, sim.Config{})
	id, key := secret.KeyID(), secret.KeySecret()
	created, err := api.CreateKey(t.Context(), org, cloudapi.KeyCreate{
		Name: "ci", AssignedRoleIDs: []string{}, IPAccessList: []cloudapi.IPAccessEntry{{Source: "0.0.0.0/0"}}, HashData: new(cloudapi.HashKey(id, key)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if !created.KeyID.Empty() || !created.KeySecret.Empty() || created.Key.KeySuffix != cloudapi.KeySuffix(id.Reveal()) {
		t.Errorf("created %+v, want only the key, with our suffix", created)
	}
	if !server.VerifyKey(id.Reveal(), key.Reveal()) {
		t.Error("the key does not work")
	}
}

// A create whose answer is lost is executed once and reported as possibly executed.
func TestLostAnswerToACreate(t *testing.T) {
	for _, kind := range []sim.FaultKind{sim.Fault500After, sim.FaultCutAfter, sim.FaultTruncated} {
		server, _, api, org := newSimulated(t, sim.Config{Faults: []sim.Fault{{Method: http.MethodPost, Count: 1, Kind: kind}}})
		_, err := api.CreateService(t.Context(), org, cloudapi.ServiceCreate{Name: "orders", Provider: "aws", Region: "us-east-1"})
		if !client.Ambiguous(err) {
			t.Errorf("%s: error %v, want an ambiguous one", kind, err)
		}
		if services, err := api.ListServices(t.Context(), org); err != nil || len(services) != 1 {
			t.Errorf("%s: %d services after %d requests, %v", kind, len(services), len(server.Requests()), err)
		}
	}
}

// The API counts in fixed windows, which begin at any time: staying within the rate must not depend on where.
func TestPacedRequestsAreNeverRefused(t *testing.T) {
	for _, offset := range []time.Duration{time.Nanosecond, time.Second, 9900 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			cfg := sim.Config{RateLimit: sim.RateLimit{Requests: 10, Window: 10 * time.Second}}
			_, c, api, org := newSimulated(t, cfg, client.WithTick(time.Second))
			start := time.Now()
			for i := range 55 {
				if i == 1 {
					<-time.After(offset)
				}
				if _, err := api.GetOrganization(t.Context(), org); err != nil {
					t.Fatal(err)
				}
			}
			if stats := c.Stats(); stats.Throttled > 0 || time.Since(start) > 62*time.Second {
				t.Errorf("offset %s: %+v in %s", offset, stats, time.Since(start))
			}
		})
	}
}
