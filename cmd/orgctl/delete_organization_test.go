package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/orgctl/orgctl/pkg/client/sim"
	"github.com/orgctl/orgctl/pkg/client/sim/locktera"
)

// lockteraBench is a tree of organizations behind HTTP, and orgctl pointed at it.
type lockteraBench struct {
	*program
	server *locktera.Server
	root   string // of LOCKTERA_ORG_ID
}

// benchLocktera serves what front makes of a simulator; nil leaves it as it is.
func benchLocktera(t *testing.T, config locktera.Config, front func(http.Handler) http.Handler, opts ...locktera.Option) *lockteraBench {
	t.Helper()
	server := locktera.New(config, opts...)
	var handler http.Handler = server
	if front != nil {
		handler = front(server)
	}
	listener := httptest.NewServer(handler)
	t.Cleanup(listener.Close)
	c := server.Credentials()
	return &lockteraBench{newProgram(t,
		"LOCKTERA_API_URL="+listener.URL+server.Prefix(), "LOCKTERA_API_KEY="+c.Key, "LOCKTERA_ORG_ID="+c.OrganizationID,
		"ORGCTL_RATE=10000/1s",
	), server, c.OrganizationID}
}

// add makes a node below a parent, or below the root.
func (b *lockteraBench) add(t *testing.T, name, parent, role string) (id string) {
	t.Helper()
	set := map[string]any{"role": role}
	if role != "group" {
		set["email"] = name + "@example.com"
	}
	edited, err := b.server.Edit(locktera.Edit{Kind: "organization", Create: true, Name: name, Parent: parent, Set: set})
	if err != nil {
		t.Fatal(err)
	}
	return edited.ID
}

// set changes the root.
func (b *lockteraBench) set(t *testing.T, fields map[string]any) {
	t.Helper()
	if _, err := b.server.Edit(locktera.Edit{Kind: "organization", Set: fields}); err != nil {
		t.Fatal(err)
	}
}

// sent is how many requests of a method have arrived.
func (b *lockteraBench) sent(method string) (n int) {
	for _, r := range b.server.Requests() {
		if r.Method == method {
			n++
		}
	}
	return n
}

// holds reports whether there is a node of an id.
func (b *lockteraBench) holds(t *testing.T, id string) bool {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/_sandbox/state", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := b.server.Transport().RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var state struct{ Organizations []struct{ ID string } }
	if err := json.NewDecoder(response.Body).Decode(&state); err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(state.Organizations, func(o struct{ ID string }) bool { return o.ID == id })
}

// deletes runs the command for an id, and holds its outputs to be without the key.
func (b *lockteraBench) deletes(t *testing.T, id string, more ...string) result {
	t.Helper()
	r := b.run(t, append([]string{"delete-organization", id, "--confirm", id, "--yes", "--debug"}, more...)...)
	if key := b.server.Credentials().Key; strings.Contains(r.stdout+r.stderr, key) {
		t.Errorf("the key is shown:\n%s\n%s", r.stdout, r.stderr)
	}
	return r
}

// wants holds a run to an exit code and to texts of its output, of standard output and of errors.
func (r result) wants(t *testing.T, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d\n%s\n%s", r.code, code, r.stdout, r.stderr)
	}
	for _, text := range texts {
		if !strings.Contains(r.stdout+r.stderr, text) {
			t.Errorf("no %q in\n%s\n%s", text, r.stdout, r.stderr)
		}
	}
}

// answering answers a method, or a path by its end, in the place of the simulator, which does not hear of it.
func answering(what string, status int, contentType, body string) func(http.Handler) http.Handler {
	return func(api http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != what && !strings.HasSuffix(r.URL.Path, what) {
				api.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
	}
}

// TestDeleteOrganization: a deletion is sent once, whatever becomes of its answer, and what is said of it is what a look afterwards
// has shown.
func TestDeleteOrganization(t *testing.T) {
	t.Parallel()
	fault := func(kind, method string, count int) locktera.Config {
		var rule locktera.Fault
		text, err := json.Marshal(map[string]any{"kind": kind, "method": method, "count": count})
		if err != nil || json.Unmarshal(text, &rule) != nil {
			t.Fatal(kind)
		}
		return locktera.Config{Faults: []locktera.Fault{rule}}
	}
	const (
		goneOrHidden = " is gone, or the key has no right to see it any more (404); the answer to its deletion was lost: "
		stillThere   = " and it is still there; the deletion was not sent again: the same command does that"
	)
	for name, c := range map[string]struct {
		config  locktera.Config
		front   func(http.Handler) http.Handler
		code    int
		gone    bool
		deletes int // that the simulator has got
		text    string
	}{
		"200 and a message": {locktera.Config{}, nil, exitOK, true, 1, "\ndeleted "},
		"204":               {locktera.Config{Shape: "spec"}, nil, exitOK, true, 1, "\ndeleted "},
		"200 and nothing":   {locktera.Config{WriteReplies: "empty"}, nil, exitOK, true, 1, "\ndeleted "},
		"429":               {fault("429", "DELETE", 1), nil, exitOK, true, 2, "\ndeleted "},

		"answer lost":            {fault("cut-after", "DELETE", 1), nil, exitOK, true, 1, goneOrHidden},
		"500, executed":          {fault("500-after", "DELETE", 1), nil, exitOK, true, 1, goneOrHidden + "500 Internal Server Error"},
		"request lost":           {fault("cut-before", "DELETE", 1), nil, exitPartial, false, 1, stillThere},
		"500, not executed":      {fault("500-before", "DELETE", 1), nil, exitPartial, false, 1, stillThere},
		"502 of a gateway":       {fault("502-plain", "DELETE", 1), nil, exitPartial, false, 1, stillThere},
		"a web page with 200":    {locktera.Config{}, answering("DELETE", 200, "text/html", "<!DOCTYPE html><title>Sign in</title>"), exitPartial, false, 0, stillThere},
		"success without effect": {locktera.Config{}, answering("DELETE", 200, "application/json", `{"message":"deleted"}`), exitPartial, false, 0, " and still shows it: "},

		"403":                       {locktera.Config{Denied: []locktera.Denial{{Method: "DELETE", Path: "**"}}}, nil, exitRefused, false, 1, " was not deleted: 403: Forbidden (DELETE "},
		"404 as for lack of rights": {locktera.Config{Denied: []locktera.Denial{{Method: "DELETE", Path: "**"}}, NoRight: 404}, nil, exitError, false, 1, " is still there: the key may have no right to delete it: 404"},
		"400":                       {fault("400", "DELETE", 1), nil, exitError, false, 1, " was not deleted: 400 Bad Request"},
		"a web page with 403":       {locktera.Config{Denied: []locktera.Denial{{Method: "DELETE", Path: "**"}}, Errors: "html"}, nil, exitError, false, 1, " was not deleted: status 403: the answer is a web page"},
		"redirect":                  {locktera.Config{}, answering("DELETE", 302, "text/plain", ""), exitError, false, 0, " was not deleted: "},

		"not to be looked at":       {fault("500-before", "GET", 0), nil, exitError, false, 0, " could not be looked at, and nothing was deleted: 500 "},
		"refused before":            {locktera.Config{Denied: []locktera.Denial{{Path: "**"}}}, nil, exitRefused, false, 0, " could not be looked at, and nothing was deleted: 403: Forbidden (GET "},
		"hidden before":             {locktera.Config{Denied: []locktera.Denial{{Path: "**"}}, NoRight: 404}, nil, exitError, false, 0, ", or the key has no right to see it; nothing was deleted: 404 "},
		"a web page everywhere":     {locktera.Config{}, answering("GET", 200, "text/html", "<html></html>"), exitError, false, 0, "is LOCKTERA_API_URL the address of the API"},
		"the answer is another one": {locktera.Config{}, answering("GET", 200, "application/json", `{"id":"other","name":"Other"}`), exitError, false, 0, ", it answers with other"},
		"no log":                    {locktera.Config{Denied: []locktera.Denial{{Path: "**/children_audit"}}}, nil, exitOK, true, 1, "below: not known: the audit log could not be read (403 Forbidden), and the API lists no children"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := benchLocktera(t, c.config, c.front)
			id := b.add(t, "Berlin", "", "group")
			b.deletes(t, id).wants(t, c.code, c.text)
			if b.holds(t, id) == c.gone || b.sent("DELETE") != c.deletes {
				t.Errorf("there: %t, %d deletions sent", b.holds(t, id), b.sent("DELETE"))
			}
			for _, r := range b.server.Requests() {
				if r.Method != "GET" && r.Method != "DELETE" {
					t.Errorf("sent %s %s", r.Method, r.Path)
				}
			}
		})
	}
}

// TestDeleteOrganizationLostForGood: where a look afterwards is impossible, nothing is claimed.
func TestDeleteOrganizationLostForGood(t *testing.T) {
	t.Parallel()
	var deleted atomic.Bool
	b := benchLocktera(t, locktera.Config{}, func(api http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodDelete {
				deleted.Store(true)
			}
			if deleted.Load() {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			api.ServeHTTP(w, r)
		})
	})
	id := b.add(t, "Berlin", "", "group")
	b.deletes(t, id).wants(t, exitPartial, "was lost (502 Bad Gateway), and whether it is gone could not be looked at: 502 Bad Gateway")
}

// TestDeleteOrganizationShows: what would be deleted is told before anything else: its role, its name, and what the log knows of
// what is below.
func TestDeleteOrganizationShows(t *testing.T) {
	t.Parallel()
	b := benchLocktera(t, locktera.Config{Shape: "spec", Lists: locktera.Lists{ChildrenAudit: "array"}, AuditNewData: true}, nil)
	berlin := b.add(t, "Berlin\x1b[2J", "", "group")
	team, closed := b.add(t, "Team", berlin, "group"), b.add(t, "Closed", berlin, "group")
	ana := b.add(t, "ana", team, "user")
	if _, err := b.server.Edit(locktera.Edit{Kind: "organization", ID: closed, Delete: true}); err != nil {
		t.Fatal(err)
	}
	want := "To be deleted: " + berlin + "\n  name: Berlin\\x1b[2J\n  role: group\n" +
		"  below: 2 that the audit log tells of; the API lists no children, so that there may be more, or less:\n" +
		"    " + team + "  group  Team\n    " + ana + "  user  ana\n" +
		"All that is below is deleted as well. Nothing brings it back.\n" +
		"Whose the key in use is, the API does not tell: if it is of somebody who is deleted, it ends, too.\n" +
		"deleted " + berlin + "\n"
	if r := b.deletes(t, berlin); r.code != exitOK || r.stdout != want {
		t.Errorf("exit code %d\n%s", r.code, r.stdout)
	}
	empty := b.add(t, "Empty", "", "group")
	b.server.SetConfig(locktera.Config{})
	b.deletes(t, empty).wants(t, exitOK, "\n  name: Empty\n  role: (the API shows none: ",
		"\n  below: nothing that the audit log tells of; the API lists no children, so that there may be some all the same\n")
}

// TestDeleteOrganizationOfPeople: an id may be a person's, who is not deleted by mistake, nor an organization in their place.
func TestDeleteOrganizationOfPeople(t *testing.T) {
	t.Parallel()
	b := benchLocktera(t, locktera.Config{Shape: "spec"}, nil)
	group := b.add(t, "Berlin", "", "group")
	b.deletes(t, group, "--person").wants(t, exitBlocked, "--person: that "+group+" is a person is not what the API tells (role group); nothing was changed")
	for _, role := range []string{"user", "user_admin", "org_admin"} {
		id := b.add(t, role, "", role)
		b.deletes(t, id).wants(t, exitBlocked, "\n  role: "+role+"\n", id+" is no organization or group but a person (role "+role+"): to delete a person, add --person; nothing was changed")
		if n := b.sent("DELETE"); n > 0 {
			t.Fatalf("%s: %d deletions sent", role, n)
		}
		b.deletes(t, id, "--person").wants(t, exitOK, "\ndeleted "+id)
		if b.holds(t, id) {
			t.Errorf("%s is still there", role)
		}
		b.server.ResetRequests()
	}
	b.server.SetConfig(locktera.Config{}) // no roles
	b.deletes(t, group, "--person").wants(t, exitBlocked, " (no role that the API shows); ")
	b.deletes(t, group).wants(t, exitOK, "whether this is an organization, a group or a person cannot be told")
}

// TestDeleteOrganizationEndsKey: whoever deletes what the key in use lives in is told, and told no less when it has happened.
func TestDeleteOrganizationEndsKey(t *testing.T) {
	t.Parallel()
	const ends = ": the key in use ends with it, unless it is of somebody above.\n"
	b := benchLocktera(t, locktera.Config{}, nil)
	b.deletes(t, b.root).wants(t, exitOK, "\nIt is the one of LOCKTERA_ORG_ID"+ends, "\ndeleted "+b.root+", as the API says; it lets the key in use look no more (401 Unauthorized)\n")

	var lost locktera.Fault
	if err := json.Unmarshal([]byte(`{"kind": "cut-after", "method": "DELETE"}`), &lost); err != nil {
		t.Fatal(err)
	}
	b = benchLocktera(t, locktera.Config{Faults: []locktera.Fault{lost}}, nil)
	b.deletes(t, b.root).wants(t, exitPartial, "and the key in use is not accepted any more, as it would be if it has ended with it: look with another key")

	for _, config := range []locktera.Config{{Shape: "spec"}, {}} { // the first tells who is above, both have a log
		b = benchLocktera(t, config, nil)
		group := b.add(t, "Berlin", "", "group")
		for i, variable := range b.env {
			if strings.HasPrefix(variable, "LOCKTERA_ORG_ID=") {
				b.env[i] = "LOCKTERA_ORG_ID=" + group
			}
		}
		b.deletes(t, b.root).wants(t, exitOK, "\nBelow it is the one of LOCKTERA_ORG_ID ("+group+")"+ends)
	}
}

// TestDeleteOrganizationUsage: what is not typed as it has to be sends nothing at all.
func TestDeleteOrganizationUsage(t *testing.T) {
	t.Parallel()
	b := benchLocktera(t, locktera.Config{}, nil)
	cloud := sim.New(sim.Config{})
	b.env = append(b.env, credentials(t, cloud)...)
	confirmed := func(id string, more ...string) []string {
		return append([]string{"delete-organization", id, "--confirm", id, "--api", "locktera"}, more...)
	}
	for _, c := range []struct {
		args []string
		text string
	}{
		{[]string{"delete-organization"}, "which one? It is orgctl delete-organization ID --confirm ID"},
		{[]string{"delete-organization", b.root, "--yes", "--api", "locktera"}, "nothing brings a deleted organization back: type its id once more, as --confirm ID"},
		{[]string{"delete-organization", b.root, b.root, "--confirm", b.root, "--yes"}, "which one?"},
		{[]string{"delete-organization", b.root, "--confirm", b.root[1:], "--yes"}, "--confirm " + b.root[1:] + " is not " + b.root + ": nothing was sent"},
		{[]string{"delete-organization", b.root, "--confirm", strings.ToUpper(b.root), "--yes"}, ": nothing was sent"},
		{[]string{"delete-organization", b.root, "--confirm", " " + b.root, "--yes"}, ": nothing was sent"},
		{[]string{"delete-organization", b.root, "--confirm", "", "--yes"}, "--confirm is given without a value"},
		{confirmed("", "--yes"), "--confirm is given without a value"},
		{[]string{"delete-organization", "", "--confirm", "x", "--yes"}, `"" is not the id of an organization`},
		{confirmed(".", "--yes"), `"." is not the id of an organization`},
		{confirmed("..", "--yes"), `".." is not the id of an organization`},
		{confirmed("a/../b", "--yes"), `"a/../b" is not the id`},
		{confirmed("%2e%2e", "--yes"), `"%2e%2e" is not the id`},
		{confirmed(b.root), "there is nobody to ask: add --yes to delete without being asked"},
		{confirmed(b.root, "--yes", "--api", "clickhouse"), "ClickHouse Cloud has no organizations to delete: its API has no such call; there is --api locktera"},
		{[]string{"delete-organization", b.root, "--confirm", b.root, "--yes"}, "say which API is meant, with --api clickhouse or --api locktera"},
		{confirmed(b.root, "--yes", "--sandbox", "cloud.json", "--api", "clickhouse"), "ClickHouse Cloud has no organizations to delete"},
	} {
		b.run(t, c.args...).wants(t, exitUsage, c.text)
	}
	if r := b.run(t, confirmed(b.root, "--yes", "--timeout", "1ns")...); r.code != exitError || b.sent("DELETE") > 0 {
		t.Errorf("with a --timeout that is over: exit code %d, %d deletions sent\n%s", r.code, b.sent("DELETE"), r.stderr)
	}
	b.run(t, confirmed(b.root, "--yes", "--sandbox", "absent.json")...).wants(t, exitError, "there is no sandbox absent.json")
	if n := len(b.server.Requests()) + len(cloud.Requests()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// TestDeleteOrganizationInSandbox: an embedded sandbox has organizations to delete, too, and none while an apply is at work on it.
func TestDeleteOrganizationInSandbox(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	server, err := locktera.Open(filepath.Join(p.dir, "lock.json"), locktera.Config{Shape: "spec"})
	if err != nil {
		t.Fatal(err)
	}
	group, err := server.Edit(locktera.Edit{Kind: "organization", Create: true, Name: "Berlin"})
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"delete-organization", group.ID, "--confirm", group.ID, "--yes", "--sandbox", "lock.json"}
	release, err := lock(filepath.Join(p.dir, "lock.json.lock"))
	if err != nil {
		t.Fatal(err)
	}
	p.run(t, args...).wants(t, exitError, "an apply of this organization is under way on this host (process ", "nothing was sent")
	release()
	p.run(t, args...).wants(t, exitOK, "\ndeleted "+group.ID+"\n")
	p.run(t, args...).wants(t, exitError, "there is no "+group.ID)

	root := server.Credentials().OrganizationID
	p.run(t, "delete-organization", root, "--confirm", root, "--yes", "--sandbox", "lock.json").wants(t, exitOK, "It is the one of this sandbox")
	p.run(t, "get", "organization", "--sandbox", "lock.json").wants(t, exitRefused, "401")
}

// TestDeleteOrganizationInterrupted: a deletion that has been sent is waited for, whatever comes meanwhile, and nothing more is sent:
// what a look would have shown is not claimed.
func TestDeleteOrganizationInterrupted(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	b := benchLocktera(t, locktera.Config{}, func(api http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodDelete {
				close(arrived)
				<-release
			}
			api.ServeHTTP(w, r)
		})
	})
	id := b.add(t, "Berlin", "", "group")
	running := b.start(t, nil, "delete-organization", id, "--confirm", id, "--yes")
	<-arrived
	reads := b.sent("GET")
	running.signal(t, os.Interrupt)
	running.stderr.await(t, "press again to abort")
	close(release)
	if code := running.wait(t); code != 130 || b.holds(t, id) || b.sent("GET") != reads {
		t.Errorf("exit code %d, there: %t, %d reads afterwards", code, b.holds(t, id), b.sent("GET")-reads)
	}
	if want := "the API says that " + id + " is deleted; whether it is could not be looked at: the run was stopped"; !strings.Contains(running.stderr.String(), want) {
		t.Errorf("no %q in\n%s", want, running.stderr)
	}
}
