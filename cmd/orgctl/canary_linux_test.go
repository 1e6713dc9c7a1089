package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/client/secret"
	"github.com/orgctl/orgctl/pkg/client/sim"
)

// Nothing that orgctl shows to anybody but a sink and the API holds a secret: the credentials it was given, the passwords and
// keys it has made, or a hash of one. The test runs in Linux because it reads the process list there.
func TestCanary(t *testing.T) {
	l := newLab(t)
	credentials := l.server.Credentials()
	given := canaries(t, secrets.Record{KeyID: credentials.KeyID, KeySecret: secret.New(credentials.KeySecret)})
	shown := map[string]string{}
	show := func(title string, o outcome) {
		shown[title+": stdout"], shown[title+": stderr"] = o.stdout, o.stderr
	}
	file := func(name string) { shown[name] = string(l.read(name)) }

	for _, format := range []string{"text", "json", "markdown"} {
		show("plan "+format, l.expect(exitOK, "plan", "-f", "org.yaml", "--debug", "-o", format, "-o", format+"=plan."+format))
		file("plan." + format)
	}
	show("no sink", l.apply(exitBlocked, "--debug"))

	// Requests that go wrong, on the way there or on the way back, and what is reported of them.
	for _, kind := range []sim.FaultKind{sim.Fault500Before, sim.Fault500After, sim.Fault502Plain, sim.FaultTruncated, sim.FaultCutAfter} {
		for _, method := range []string{"POST", "PATCH"} {
			title := fmt.Sprintf("%s of %s", kind, method)
			l.fail(sim.Fault{Method: method, Kind: kind, Count: 2}, sim.Fault{Method: "GET", Kind: kind, Every: 7})
			show(title, l.run(t.Context(), "apply", "-f", "org.yaml", "--yes", "--debug", "--settle", "1s", "--secrets-out", "secrets"))
		}
	}
	l.fail()
	show("apply", l.apply(exitOK, "--debug", "--secrets-out", "secrets"))
	file("secrets/journal.jsonl")

	// The process list, as a command of the run itself sees it: the real binary, the shell and what the shell runs.
	l.write("org.yaml", strings.NewReplacer("orders", "reports", "name: ci", "name: cd").Replace(secretManifest))
	const watch = `cat >>records; for p in $PPID $$ self; do tr '\0' ' ' </proc/$p/cmdline; echo; done >>processes`
	show("command", l.apply(exitOK, "--debug", "--secrets-exec", watch))
	file("processes")
	if n := strings.Count(shown["processes"], "orgctl apply -f org.yaml"); n != 4 {
		t.Errorf("the binary shows %d times in the process list, want 4:\n%s", n, shown["processes"])
	}

	show("export", l.expect(exitOK, "export", "--debug"))
	show("drift", l.expect(exitOK, "drift", "-f", "org.yaml", "--debug", "-o", "json"))

	// Last, what is said about credentials that do not work, in three ways.
	wrong := secrets.Record{KeyID: secret.KeyID().Reveal(), KeySecret: secret.KeySecret()}
	given = append(given, canaries(t, wrong)...)
	l.env = append(l.env, "CLICKHOUSE_CLOUD_API_KEY="+wrong.KeyID, "CLICKHOUSE_CLOUD_API_SECRET="+wrong.KeySecret.Reveal())
	show("refused", l.expect(exitRefused, "plan", "-f", "org.yaml", "--debug"))
	l.env = append(l.env, "CLICKHOUSE_API_URL=http://127.0.0.1:1")
	show("unreachable", l.expect(exitError, "plan", "-f", "org.yaml", "--debug"))
	l.env = append(l.env, "CLICKHOUSE_CLOUD_API_SECRET="+wrong.KeySecret.Reveal()+"\n")
	show("malformed", l.expect(exitError, "plan", "-f", "org.yaml", "--debug"))

	made := decodeAll(t, l.read("records"))
	for _, path := range l.glob("secrets/*/*.json") {
		made = append(made, decodeAll(t, l.read(path))...)
	}
	kinds := map[string]int{}
	for _, r := range made {
		kinds[r.Kind]++
	}
	if kinds[secrets.Key] < 3 || kinds[secrets.Service] < 3 {
		t.Fatalf("too few secrets were made: %v", kinds)
	}
	hidden := append(given, canaries(t, made...)...)
	for where, text := range shown {
		hides(t, where, text, hidden)
	}
	// The debug log is there, and shows where the secrets would have been.
	if log := shown["command: stderr"]; !strings.Contains(log, `"newPasswordHash":"[redacted]"`) || !strings.Contains(log, `"hashData":"[redacted]"`) {
		t.Errorf("the log holds no requests with secrets:\n%s", log)
	}
	if all := strings.Join(slices.Collect(maps.Values(shown)), "\n"); !strings.Contains(all, `"password":"[redacted]"`) {
		t.Error("no log holds a reply with a password")
	}
}
