package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

var update = flag.Bool("update", false, "write the golden files")

// TestScript runs the scripts of testdata/script, which show the program as its users meet it. Beside the standard commands
// (https://pkg.go.dev/github.com/rogpeppe/go-internal/testscript) they have those of scriptCommands.
func TestScript(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		Cmds:                scriptCommands,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("ORGCTL_TICK", "1ms")
			e.Setenv("GORACE", raceOptions)
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("ROOT", root)
			e.Values[sandboxKey{}] = &scriptSandbox{}
			return nil
		},
	})
}

// scriptSandbox is the API that a script talks to.
type scriptSandbox struct{ server *sim.Server }

type sandboxKey struct{}

// scriptCommands drive the sandbox of a script from behind the API.
//
//	sandbox                     serve a fresh organization on loopback; its credentials enter the environment, its id $ORGANIZATION
//	fresh FILE                  begin an embedded sandbox in a file
//	config JSON                 replace the configuration of the sandbox (sim.Config)
//	edit JSON                   change it out of band (sim.Edit); what it touched is $ID, a new key $KEY_ID and $KEY_SECRET
//	accept EMAIL                let an invitation be accepted
//	advance DURATION            move its clock
//	requests                    print the requests since the last time, one a line: METHOD PATH STATUS
//	services                    print the services as the API has them, one a line: NAME ID DATAWAREHOUSEID PROVIDER REGION STATE
//	html                        serve a web page where the API is expected
//	exits CODE PROGRAM ARGS     exec, expecting an exit code
var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"sandbox":  scriptServe,
	"fresh":    scriptFresh,
	"config":   scriptConfig,
	"edit":     scriptEdit,
	"accept":   scriptAccept,
	"advance":  scriptAdvance,
	"requests": scriptRequests,
	"services": scriptServices,
	"html":     scriptHTML,
	"exits":    scriptExits,
}

func scriptServe(ts *testscript.TestScript, neg bool, args []string) {
	argument(ts, neg, args, 0, "sandbox")
	server := sim.New(sim.Config{})
	serveScript(ts, server)
	credentials := server.Credentials()
	ts.Setenv("CLICKHOUSE_CLOUD_API_KEY", credentials.KeyID)
	ts.Setenv("CLICKHOUSE_CLOUD_API_SECRET", credentials.KeySecret)
	ts.Setenv("ORGANIZATION", credentials.OrganizationID)
	ts.Value(sandboxKey{}).(*scriptSandbox).server = server
}

func scriptFresh(ts *testscript.TestScript, neg bool, args []string) {
	_, err := sim.Open(ts.MkAbs(argument(ts, neg, args, 1, "fresh FILE")), sim.Config{})
	ts.Check(err)
}

func scriptHTML(ts *testscript.TestScript, neg bool, args []string) {
	argument(ts, neg, args, 0, "html")
	serveScript(ts, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!DOCTYPE html><title>Sign in</title>")
	}))
}

func serveScript(ts *testscript.TestScript, handler http.Handler) {
	listener := httptest.NewServer(handler)
	ts.Defer(listener.Close)
	ts.Setenv("CLICKHOUSE_API_URL", listener.URL)
}

// argument checks the use of a script command that takes n arguments and gives the first.
func argument(ts *testscript.TestScript, neg bool, args []string, n int, usage string) string {
	if neg || len(args) != n {
		ts.Fatalf("usage: %s", usage)
	}
	return strings.Join(args, "")
}

func scriptServer(ts *testscript.TestScript) *sim.Server {
	server := ts.Value(sandboxKey{}).(*scriptSandbox).server
	if server == nil {
		ts.Fatalf("there is no sandbox yet")
	}
	return server
}

func scriptConfig(ts *testscript.TestScript, neg bool, args []string) {
	var config sim.Config
	ts.Check(json.Unmarshal([]byte(argument(ts, neg, args, 1, "config JSON")), &config))
	ts.Check(config.Validate())
	scriptServer(ts).SetConfig(config)
}

func scriptEdit(ts *testscript.TestScript, neg bool, args []string) {
	var edit sim.Edit
	ts.Check(json.Unmarshal([]byte(argument(ts, neg, args, 1, "edit JSON")), &edit))
	edited, err := scriptServer(ts).Edit(edit)
	ts.Check(err)
	ts.Setenv("ID", edited.ID)
	ts.Setenv("KEY_ID", edited.KeyID)
	ts.Setenv("KEY_SECRET", edited.KeySecret)
}

func scriptAccept(ts *testscript.TestScript, neg bool, args []string) {
	_, err := scriptServer(ts).AcceptInvitation(argument(ts, neg, args, 1, "accept EMAIL"))
	ts.Check(err)
}

func scriptAdvance(ts *testscript.TestScript, neg bool, args []string) {
	d, err := time.ParseDuration(argument(ts, neg, args, 1, "advance DURATION"))
	ts.Check(err)
	scriptServer(ts).Advance(d)
}

func scriptRequests(ts *testscript.TestScript, neg bool, args []string) {
	argument(ts, neg, args, 0, "requests")
	for _, r := range scriptServer(ts).Requests() {
		_, err := fmt.Fprintln(ts.Stdout(), r.Method, r.Path, r.Status)
		ts.Check(err)
	}
	scriptServer(ts).ResetRequests()
}

func scriptServices(ts *testscript.TestScript, neg bool, args []string) {
	argument(ts, neg, args, 0, "services")
	server := scriptServer(ts)
	credentials := server.Credentials()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://127.0.0.1/v1/organizations/"+credentials.OrganizationID+"/services", nil)
	ts.Check(err)
	req.SetBasicAuth(credentials.KeyID, credentials.KeySecret)
	resp, err := server.Transport().RoundTrip(req)
	ts.Check(err)
	var list struct {
		Result []struct{ Name, ID, DataWarehouseID, Provider, Region, State string }
	}
	ts.Check(json.NewDecoder(resp.Body).Decode(&list))
	ts.Check(resp.Body.Close())
	for _, s := range list.Result {
		_, err := fmt.Fprintln(ts.Stdout(), s.Name, s.ID, s.DataWarehouseID, s.Provider, s.Region, s.State)
		ts.Check(err)
	}
	server.ResetRequests()
}

func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitCode(ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("%s: exit code %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// exitCode is the exit code of a process that has ended, -1 if it ended by a signal or never began.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if status, ok := errors.AsType[*exec.ExitError](err); ok {
		return status.ExitCode()
	}
	return -1
}
