package view_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/diff"
)

// run is what a short apply of two services and a key reports.
func run() []apply.Event {
	orders, analytics, ci := addr("service", "orders"), addr("service", "analytics"), addr("key", "ci")
	return []apply.Event{
		{Kind: apply.Started, Address: orders, Action: diff.Create, Total: 3},
		{Kind: apply.Stepped, Address: orders, Action: diff.Create, Title: "create service", Total: 3},
		{Kind: apply.Started, Address: analytics, Action: diff.Update, Total: 3},
		{Kind: apply.Stepped, Address: analytics, Action: diff.Update, Title: "change scaling", Total: 3},
		{Kind: apply.Waiting, Address: orders, Action: diff.Create, Title: "create service", State: "provisioning", Total: 3},
		{Kind: apply.Waiting, Address: orders, Action: diff.Create, Title: "create service", State: "provisioning", Elapsed: 40 * time.Second, Total: 3},
		{Kind: apply.Finished, Address: analytics, Action: diff.Update, Status: apply.Failed, Err: "409 CONFLICT", Elapsed: 3 * time.Second, Done: 1, Total: 3},
		{Kind: apply.Waiting, Address: orders, Action: diff.Create, Title: "create service", State: "starting", Elapsed: 70 * time.Second, Total: 3},
		{Kind: apply.Finished, Address: orders, Action: diff.Create, Status: apply.Applied, Elapsed: 100 * time.Second, Done: 2, Total: 3},
		{Kind: apply.Finished, Address: ci, Action: diff.Create, Status: apply.Skipped, Err: "service/analytics", Done: 3, Total: 3},
	}
}

func TestProgressLines(t *testing.T) {
	var b bytes.Buffer
	p := view.NewProgress(&b, false, view.Options{})
	for i, e := range run() {
		p.Event(e)
		if i == 4 {
			p.Notice("waiting 4 s for the rate limit")
		}
	}
	p.Clear()
	want := `service/orders: create: create service
service/analytics: update: change scaling
service/orders: create: waiting (provisioning, 0s)
waiting 4 s for the rate limit
[1/3] service/analytics: update: failed: 409 CONFLICT (3s)
service/orders: create: waiting (starting, 1m10s)
[2/3] service/orders: create: applied (1m40s)
[3/3] key/ci: create: skipped: service/analytics
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

func TestProgressOnTerminal(t *testing.T) {
	const finished1 = "[1/3] service/analytics: update: failed: 409 CONFLICT (3s)\n"
	const finished2 = finished1 + "[2/3] service/orders: create: applied (1m40s)\n"
	want := []string{
		"  service/orders: create\n",
		"  service/orders: create: create service\n",
		"  service/orders: create: create service\n  service/analytics: update\n",
		"  service/orders: create: create service\n  service/analytics: update: change scaling\n",
		"  service/orders: create: waiting (provisioning, 0s)\n  service/analytics: update: change scaling\n",
		"  service/orders: create: waiting (provisioning, 40s)\n  service/analytics: update: change scaling\n",
		finished1 + "  service/orders: create: waiting (provisioning, 40s)\n",
		finished1 + "  service/orders: create: waiting (starting, 1m10s)\n",
		finished2,
		finished2 + "[3/3] key/ci: create: skipped: service/analytics\n",
	}
	var b bytes.Buffer
	p := view.NewProgress(&b, true, view.Options{})
	for i, e := range run() {
		p.Event(e)
		if d := cmp.Diff(want[i], screen(t, b.String())); d != "" {
			t.Errorf("after event %d (-want +got):\n%s", i, d)
		}
	}
}

func TestProgressNoticeLeavesWithTheNextEvent(t *testing.T) {
	var b bytes.Buffer
	p := view.NewProgress(&b, true, view.Options{})
	p.Event(run()[0])
	p.Notice("waiting 4 s for the rate limit")
	if d := cmp.Diff("  service/orders: create\n  waiting 4 s for the rate limit\n", screen(t, b.String())); d != "" {
		t.Error(d)
	}
	p.Event(run()[1])
	if d := cmp.Diff("  service/orders: create: create service\n", screen(t, b.String())); d != "" {
		t.Error(d)
	}
	p.Clear()
	if got := screen(t, b.String()); got != "" {
		t.Errorf("Clear leaves %q", got)
	}
}

func TestProgressFitsTheTerminal(t *testing.T) {
	var b bytes.Buffer
	const width = 40
	p := view.NewProgress(&b, true, view.Options{Width: width})
	for i := range 30 {
		p.Event(apply.Event{Kind: apply.Stepped, Address: addr("service", fmt.Sprintf("東京-%02d", i)), Action: diff.Update, Title: strings.Repeat("step ", 20)})
	}
	lines := strings.Split(strings.TrimSuffix(screen(t, b.String()), "\n"), "\n")
	if len(lines) != 9 || lines[8] != "  and 22 more running" {
		t.Errorf("shows %d lines, the last %q", len(lines), lines[len(lines)-1])
	}
	for _, l := range lines {
		if wide := len([]rune(l)) + strings.Count(l, "東") + strings.Count(l, "京"); wide >= width {
			t.Errorf("%q is %d columns wide, the terminal %d", l, wide, width)
		}
	}
}

func TestProgressColorsOnlyWhenAsked(t *testing.T) {
	for _, color := range []bool{false, true} {
		var b bytes.Buffer
		p := view.NewProgress(&b, false, view.Options{Color: color})
		for _, e := range run() {
			p.Event(e)
		}
		if got := strings.Contains(b.String(), "\x1b["); got != color {
			t.Errorf("color %t: styles %t", color, got)
		}
	}
}

func TestProgressIsSafeForConcurrentUse(t *testing.T) {
	const workers = 16
	var b bytes.Buffer
	p := view.NewProgress(&b, true, view.Options{})
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for _, e := range run()[:2] {
				e.Address = addr("service", strconv.Itoa(i))
				p.Event(e)
			}
			p.Notice("waiting")
			p.Event(apply.Event{Kind: apply.Finished, Address: addr("service", strconv.Itoa(i)), Action: diff.Create, Status: apply.Applied, Done: i + 1, Total: workers})
		})
	}
	wg.Wait()
	got := screen(t, b.String())
	for i := range workers {
		line := fmt.Sprintf("[%2d/16] service/%d: create: applied\n", i+1, i)
		if strings.Count(got, line) != 1 {
			t.Errorf("%q is there %d times in:\n%s", line, strings.Count(got, line), got)
		}
	}
	if strings.Count(got, "\n") != workers {
		t.Errorf("more is left than what finished:\n%s", got)
	}
}

var movement = regexp.MustCompile(`\x1b\[([0-9]*)([A-Za-z])`)

// screen is what a terminal shows after an output. It knows what Progress uses: lines, going up, and clearing what is below.
func screen(t *testing.T, out string) string {
	t.Helper()
	rows := []string{""}
	row := 0
	write := func(text string) {
		for _, r := range text {
			switch r {
			case '\n':
				if row++; row == len(rows) {
					rows = append(rows, "")
				}
			case '\r':
			default:
				rows[row] += string(r)
			}
		}
	}
	for out != "" {
		at := movement.FindStringSubmatchIndex(out)
		if at == nil {
			write(out)
			break
		}
		write(out[:at[0]])
		count, command := out[at[2]:at[3]], out[at[4]:at[5]]
		switch command {
		case "A":
			n, err := strconv.Atoi(count)
			if err != nil || n > row {
				t.Fatalf("goes up %q rows from row %d", count, row)
			}
			row -= n
		case "J":
			rows = rows[:row+1]
			rows[row] = ""
		default:
			t.Fatalf("unknown sequence %q", out[at[0]:at[1]])
		}
		out = out[at[1]:]
	}
	return strings.Join(rows, "\n")
}
