package sim_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// TestVendorsProvider sends what the vendor's Terraform provider sends for a service with a password, backups, IP entries and a
// private endpoint, from its creation to its end, and asks of each answer what the provider goes on by.
func TestVendorsProvider(t *testing.T) {
	clk := newClock()
	srv := sim.New(sim.Config{Delays: sim.Delays{
		Provision: time.Minute, Stop: 20 * time.Second, DeleteRefusal: 20 * time.Second, Delete: 20 * time.Second,
	}}, sim.WithClock(clk.now))
	check, err := checker()
	if err != nil {
		t.Fatal(err)
	}
	handler := http.Handler(srv)
	if check != nil {
		handler = check.Middleware(srv, func(err error) { t.Errorf("contract: %v", err) })
	}
	web := httptest.NewServer(handler)
	defer web.Close()
	p := provider{newCaller(t, srv), clk}
	p.rt, p.base = http.DefaultTransport, web.URL

	// Create: the password of the answer is replaced at once where the configuration has a hash of its own.
	created := p.ok("POST", "/services", object{
		"name": "orders", "provider": "aws", "region": "us-east-1", "isReadonly": false, "idleScaling": true,
		"ipAccessList": []any{object{"source": "203.0.113.0/24", "description": "office"}}, "minReplicaMemoryGb": 16, "maxReplicaMemoryGb": 64,
	})
	id := created["service"].(object)["id"].(string)
	if created["password"] == "" {
		t.Error("no password")
	}
	p.await(id, func(state any) bool { return state != "provisioning" })
	p.ok("PATCH", "/services/"+id+"/password", object{"newPasswordHash": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="})
	p.ok("PATCH", "/services/"+id+"/backupConfiguration", object{"backupPeriodInHours": 48, "backupRetentionPeriodInHours": 96})

	// Update: a list is replaced by removing all that it had and adding all that it is to have.
	p.ok("PATCH", "/services/"+id, object{"ipAccessList": object{
		"remove": []any{object{"source": "203.0.113.0/24", "description": "office"}},
		"add":    []any{object{"source": "203.0.113.0/24", "description": "HQ"}, object{"source": "198.51.100.7", "description": "VPN"}},
	}})
	p.ok("PATCH", "/services/"+id+"/replicaScaling", object{
		"minReplicaMemoryGb": 16, "maxReplicaMemoryGb": 32, "numReplicas": 2, "idleScaling": true, "idleTimeoutMinutes": 10,
	})
	// The attachment is a resource of its own, which registers nothing, and names what it adds among what it removes.
	p.ok("PATCH", "/services/"+id, object{"privateEndpointIds": object{"add": []any{"vpce-1"}, "remove": []any{"vpce-1"}}})
	want := object{
		"ipAccessList":       []any{object{"source": "203.0.113.0/24", "description": "HQ"}, object{"source": "198.51.100.7", "description": "VPN"}},
		"privateEndpointIds": []any{"vpce-1"}, "minReplicaMemoryGb": 16.0, "maxReplicaMemoryGb": 32.0, "numReplicas": 2.0,
	}
	if diff := cmp.Diff(want, pick(p.read(id), "ipAccessList", "privateEndpointIds", "minReplicaMemoryGb", "maxReplicaMemoryGb", "numReplicas")); diff != "" {
		t.Errorf("service (-want +got):\n%s", diff)
	}
	registered := object{"id": "vpce-1", "cloudProvider": "aws", "region": "us-east-1"}
	if diff := cmp.Diff([]any{registered}, p.ok("GET", "", nil)["privateEndpoints"]); diff != "" {
		t.Errorf("registry (-want +got):\n%s", diff)
	}

	// Destroy: the attachment, the registration, the service.
	p.ok("PATCH", "/services/"+id, object{"privateEndpointIds": object{"remove": []any{"vpce-1"}}})
	left := p.ok("PATCH", "", object{"privateEndpoints": object{"remove": []any{registered}}})
	if diff := cmp.Diff([]any{}, left["privateEndpoints"]); diff != "" {
		t.Errorf("registry at the end (-want +got):\n%s", diff)
	}
	p.destroy(id)
}

// provider does what the vendor's provider does, as its own sources tell.
type provider struct {
	*caller
	clk *clock
}

// read is a full read of a primary service: where a part is missing, its 404 stands for none.
func (p provider) read(id string) object {
	p.t.Helper()
	service := p.service(id)
	for _, name := range []string{"endpointServiceId", "privateDnsHostname"} {
		if p.ok("GET", "/services/"+id+"/privateEndpointConfig", nil)[name] == "" {
			p.t.Errorf("private endpoint configuration without %s", name)
		}
	}
	p.ok("GET", "/services/"+id+"/backupConfiguration", nil)
	if a := p.do("GET", "/services/"+id+"/serviceQueryEndpoint", nil); a.Status != http.StatusNotFound {
		p.t.Errorf("query endpoint: status %d, want 404", a.Status)
	}
	return service
}

// await polls every 5 s.
func (p provider) await(id string, reached func(state any) bool) {
	p.t.Helper()
	for range 120 {
		if reached(p.read(id)["state"]) {
			return
		}
		p.clk.advance(5 * time.Second)
	}
	p.t.Fatalf("service %s: state %v after ten minutes", id, p.service(id)["state"])
}

// destroy stops, waits, deletes until that is not a conflict any more, and waits for a 404.
func (p provider) destroy(id string) {
	p.t.Helper()
	p.ok("PATCH", "/services/"+id+"/state", object{"command": "stop"})
	p.await(id, func(state any) bool { return state == "stopped" })
	conflicts := 0
	for a := p.do("DELETE", "/services/"+id, nil); a.Status != http.StatusOK; a = p.do("DELETE", "/services/"+id, nil) {
		if conflicts++; a.Status != http.StatusConflict || conflicts > 90 {
			p.t.Fatalf("delete: status %d: %s", a.Status, a.Raw)
		}
		p.clk.advance(10 * time.Second)
	}
	if conflicts == 0 {
		p.t.Error("the first DELETE was no conflict: the refusal is not exercised")
	}
	for range 60 {
		if p.do("GET", "/services/"+id, nil).Status == http.StatusNotFound {
			return
		}
		p.clk.advance(5 * time.Second)
	}
	p.t.Error("the service is not gone after five minutes")
}
