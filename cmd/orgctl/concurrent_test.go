package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// rounds is how often two applies are set against each other.
func rounds() int {
	if testing.Short() {
		return 5 // for the race detector, which looks for other things
	}
	return 50
}

// contest is an organization that several processes apply to.
func contest(t *testing.T, base string, cfg sim.Config) (*killed, string) {
	t.Helper()
	k := newKilled(t, base, "5ms", cfg)
	listener := httptest.NewServer(k)
	t.Cleanup(listener.Close)
	return k, listener.URL
}

// race applies at once from several hosts, each with its own state directory and sink; hosts of one name are one host.
func race(k *killed, url string, hosts ...string) (outputs []string, codes []int) {
	outputs, codes = make([]string, len(hosts)), make([]int, len(hosts))
	var wg sync.WaitGroup
	for i, host := range hosts {
		wg.Go(func() { outputs[i], codes[i] = k.runOn(host, url) })
	}
	wg.Wait()
	return outputs, codes
}

// On one host a lock lets one apply at a time through: the other changes nothing and says why.
func TestTwoAppliesOnOneHost(t *testing.T) {
	base := killBase(t)
	collisions := 0
	for range rounds() {
		k, url := contest(t, base, sim.Config{})
		outputs, codes := race(k, url, "host", "host")
		for i, code := range codes {
			switch {
			case code == exitOK:
			case code == exitError && strings.Contains(outputs[i], "another apply of this organization is under way on this host"):
				collisions++
			default:
				t.Fatalf("exit %d\n%s", code, outputs[i])
			}
		}
		if codes[0] != exitOK && codes[1] != exitOK {
			t.Fatalf("both gave up:\n%s\n%s", outputs[0], outputs[1])
		}
		if problems := k.inspect(); len(problems) > 0 {
			t.Fatalf("%s\n%s\n%s", strings.Join(problems, "\n"), outputs[0], outputs[1])
		}
	}
	t.Logf("%d rounds, %d times one of them was turned away", rounds(), collisions)
}

// Two hosts know nothing of each other. Of what both make the younger gives way to the elder, by the run that made it and
// says so; once both have ended, either of them finds the organization as declared.
func TestTwoAppliesOnTwoHosts(t *testing.T) {
	base := killBase(t)
	twins := 0
	for range rounds() {
		k, url := contest(t, base, sim.Config{Delays: sim.Delays{Provision: 10 * time.Millisecond}})
		outputs, codes := race(k, url, "one", "two")
		for i, code := range codes {
			if code != exitOK && code != exitPartial && code != exitError {
				t.Fatalf("exit %d\n%s", code, outputs[i])
			}
			for line := range strings.Lines(outputs[i]) {
				if strings.HasPrefix(line, "[") && strings.Contains(line, "of this name first") {
					twins++ // the progress line of the change that gave way
				}
			}
		}
		if dead := k.dead(outputs...); len(dead) > 0 {
			t.Fatalf("%s\n--- one:\n%s\n--- two:\n%s", strings.Join(dead, "\n"), outputs[0], outputs[1])
		}
		for _, host := range []string{"one", "two"} {
			last, code := k.runOn(host, url)
			outputs = append(outputs, last)
			if code != exitOK {
				t.Fatalf("exit %d\n%s\n--- one:\n%s\n--- two:\n%s", code, last, outputs[0], outputs[1])
			}
		}
		if problems := slices.Concat(k.inspect(), k.dead(outputs...)); len(problems) > 0 {
			t.Fatalf("%s\n--- one:\n%s\n--- two:\n%s", strings.Join(problems, "\n"), outputs[0], outputs[1])
		}
	}
	t.Logf("%d rounds, %d younger twins removed by their own run", rounds(), twins)
	if twins == 0 && !testing.Short() {
		t.Error("the hosts never met: this test has tested nothing")
	}
}

// dead names every secret, in every sink, that opens nothing, does not say so itself, and is named by no report.
func (k *killed) dead(reports ...string) []string {
	k.t.Helper()
	var out []string
	for _, kind := range []string{"keys", "services"} {
		own, err := filepath.Glob(filepath.Join(k.dir, "secrets", kind, "*.json"))
		if err != nil {
			k.t.Fatal(err)
		}
		others, err := filepath.Glob(filepath.Join(k.dir, "*", "secrets", kind, "*.json"))
		if err != nil {
			k.t.Fatal(err)
		}
		for _, file := range slices.Concat(own, others) {
			s := k.readSecret(file)
			opens := kind == "keys" && k.server.VerifyKey(s.KeyID, s.KeySecret)
			if kind == "services" {
				opens, _, _ = k.server.VerifyPassword(s.Name, s.Password)
			}
			named := slices.ContainsFunc(reports, func(report string) bool {
				return strings.Contains(report, s.Name+": any other password that was stored for it (mark "+s.Mark+")")
			})
			if !opens && s.ID != "" && s.NotInForce == "" && !named {
				out = append(out, file+" opens nothing, and nobody says so")
			}
		}
	}
	return out
}

// Another run of orgctl is somebody else, although it is of the same version: each bears a mark of its own.
func TestAnotherRunIsSaid(t *testing.T) {
	k := newKilled(t, killBase(t), "1ms", sim.Config{})
	other := filepath.Join(k.dir, "other.yaml")
	if err := os.WriteFile(other, []byte(otherRun), 0o600); err != nil {
		t.Fatal(err)
	}
	var begun atomic.Bool
	var url, output string
	another := func() {
		cmd, out := k.command(filepath.Join(k.dir, "other"), url)
		cmd.Args[slices.Index(cmd.Args, "-f")+1] = other
		if err := cmd.Run(); err != nil {
			output = err.Error() + "\n" + out.String()
		}
	}
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.ServeHTTP(w, r)
		if r.Method == http.MethodPost && !begun.Swap(true) { // the run that is watched has begun to write
			another()
		}
	}))
	t.Cleanup(listener.Close)
	url = listener.URL
	watched, code := k.runOn("host", url)
	if output != "" {
		t.Fatal(output)
	}
	if code != exitOK || strings.Count(watched, "meanwhile: ") != 1 ||
		!regexp.MustCompile(`meanwhile: key_create by api sandbox from \S+ \(orgctl/\S+ \(run [0-9a-f]{8}\)\)`).MatchString(watched) {
		t.Errorf("exit %d\n%s", code, watched)
	}
}

const otherRun = `
apiVersion: orgctl/v1
kind: Organization
metadata: {name: other}
spec: {keys: [{name: of-the-other-run, roles: [developer], ipAccessList: []}]}
`

// Two hosts through a mixture of faults: what was left open is finished by the next runs, nothing is there twice unless it is
// named, and no secret in either sink passes for one that opens what it does not.
func TestTwoHostsThroughFaults(t *testing.T) {
	base := killBase(t)
	injected, named := 0, 0
	for seed := range rounds() / 2 {
		k, url := contest(t, base, sim.Config{Faults: mixture(), Seed: int64(seed), Delays: sim.Delays{Provision: 10 * time.Millisecond}})
		outputs, codes := race(k, url, "one", "two")
		for i, code := range codes {
			if code != exitOK && code != exitPartial && code != exitError {
				t.Fatalf("exit %d\n%s", code, outputs[i])
			}
		}
		for _, r := range k.server.Requests() {
			if r.Fault != "" {
				injected++
			}
		}
		k.server.SetConfig(sim.Config{})
		twins := false
		for _, host := range []string{"one", "two"} {
			last, code := k.runOn(host, url)
			outputs = append(outputs, last)
			ambiguous := strings.Contains(last, "OC302")
			twins = twins || ambiguous
			if code != exitOK && !ambiguous {
				t.Fatalf("exit %d\n%s", code, strings.Join(outputs, "\n---\n"))
			}
		}
		problems := k.dead(outputs...)
		if twins {
			named++
		} else {
			problems = append(problems, k.inspect()...)
		}
		if len(problems) > 0 {
			t.Fatalf("%s\n%s", strings.Join(problems, "\n"), strings.Join(outputs, "\n---\n"))
		}
	}
	t.Logf("%d rounds, %d faults injected, %d times a duplicate was left and named", rounds()/2, injected, named)
}

// mixture is every sort of fault, each now and then.
func mixture() []sim.Fault {
	var rules []sim.Fault
	for _, kind := range []sim.FaultKind{
		sim.Fault500Before, sim.Fault500After, sim.Fault502Plain, sim.FaultCutBefore, sim.FaultCutAfter, sim.FaultTruncated, sim.Fault429,
	} {
		rules = append(rules, sim.Fault{Kind: kind, Probability: 0.03, Delay: 20 * time.Millisecond})
	}
	return rules
}

// The real binary through a mixture of faults: whatever a run says, the next one without faults converges, nothing is twice.
func TestFaultsOverHTTP(t *testing.T) {
	base := killBase(t)
	injected := 0
	for seed := range rounds() / 5 {
		k := newKilled(t, base, "2ms", sim.Config{Faults: mixture(), Seed: int64(seed)})
		listener := httptest.NewServer(k.server) // cut connections for real
		first, code := k.runOn("host", listener.URL)
		if code != exitOK && code != exitPartial && code != exitError {
			t.Fatalf("exit %d\n%s", code, first)
		}
		for _, r := range k.server.Requests() {
			if r.Fault != "" {
				injected++
			}
		}
		k.server.SetConfig(sim.Config{})
		second, code := k.runOn("host", listener.URL)
		if problems := k.inspect(); code != exitOK || len(problems) > 0 {
			t.Fatalf("exit %d\n%s\n%s\n--- with faults:\n%s", code, strings.Join(problems, "\n"), second, first)
		}
		listener.Close()
	}
	t.Logf("%d faults injected", injected)
}

// runOn applies to the end from a host.
func (k *killed) runOn(host, url string) (output string, code int) {
	k.t.Helper()
	cmd, out := k.command(filepath.Join(k.dir, host), url)
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		return err.Error(), -1
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// newKilled makes an organization from a state file.
func newKilled(t *testing.T, base, tick string, cfg sim.Config) *killed {
	t.Helper()
	k := &killed{t: t, dir: t.TempDir(), tick: tick}
	state, err := os.ReadFile(filepath.Clean(base))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"state.json": state, "after.yaml": []byte(killAfter)} {
		if err := os.WriteFile(filepath.Join(k.dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if k.server, err = sim.Open(filepath.Join(k.dir, "state.json"), cfg); err != nil {
		t.Fatal(err)
	}
	k.server.SetConfig(cfg)
	k.api = k.server
	return k
}
