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
	"github.com/orgctl/orgctl/pkg/spec"
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

// sec is a moment of a run, in seconds from its beginning.
func sec(seconds int) time.Time { return time.Unix(1e9, 0).Add(time.Duration(seconds) * time.Second) }

// TestProgressLines: where no terminal shows it, a change is a line when it ends, and a wait is one once it is long, whatever states
// it goes through. Starts, steps and polls are none.
func TestProgressLines(t *testing.T) {
	var b bytes.Buffer
	p := view.NewProgress(&b, false, time.Second, view.Options{})
	seconds := []int{0, 0, 0, 0, 1, 41, 42, 71, 101, 101}
	for i, e := range run() {
		p.Event(sec(seconds[i]), e)
		p.Tick(view.Frame{Now: sec(seconds[i])})
		if i == 4 {
			p.Tick(view.Frame{Now: sec(10)})
			p.Tick(view.Frame{Now: sec(11)})
			p.Tick(view.Frame{Now: sec(12)})
		}
	}
	p.Clear()
	want := `service/orders: create: waiting (provisioning, 10s)
[1/3] service/analytics: update: failed: 409 CONFLICT (3s)
[2/3] service/orders: create: applied (1m40s)
[3/3] key/ci: create: skipped: service/analytics
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

// TestProgressBreaksALongSilence: logs that say nothing for long are taken for those of a run that hangs.
func TestProgressBreaksALongSilence(t *testing.T) {
	var b bytes.Buffer
	p := view.NewProgress(&b, false, time.Second, view.Options{})
	p.Event(sec(0), apply.Event{Kind: apply.Stepped, Address: addr("key", "ci"), Action: diff.Create, Title: "create key", Total: 3, Calls: 3})
	p.Held(sec(20), addr("key", "ci"), true)
	for second := range 150 {
		p.Tick(view.Frame{Now: sec(second), Left: 12 * time.Second, Rate: "10/10s"})
	}
	want := `0/3 done, ~3 requests left, 12s at 10/10s; longest: key/ci: create: waiting for the rate limit (40s)
0/3 done, ~3 requests left, 12s at 10/10s; longest: key/ci: create: waiting for the rate limit (1m40s)
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

// TestProgressTellsTroubleOnce: each retry is a line that begins with its cause; of a pause that all requests run into there is one.
func TestProgressTellsTroubleOnce(t *testing.T) {
	var b bytes.Buffer
	p := view.NewProgress(&b, false, time.Second, view.Options{})
	p.Event(sec(0), run()[3])
	trouble := apply.Event{Kind: apply.Troubled, Address: addr("service", "analytics"), Action: diff.Update, Err: "502 Bad Gateway", State: "trying again in 1s"}
	p.Event(sec(1), trouble)
	trouble.State = "trying again in 2s"
	p.Event(sec(3), trouble)
	const pause = "429 Too Many Requests: waiting 10s for the rate limit"
	for _, second := range []int{4, 4, 5, 20} {
		p.Notice(sec(second), pause, 10*time.Second)
	}
	want := `502 Bad Gateway: service/analytics: update: trying again in 1s
502 Bad Gateway: service/analytics: update: trying again in 2s
` + pause + "\n" + pause + "\n"
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

func TestProgressOnTerminal(t *testing.T) {
	const finished1 = "[1/3] service/analytics: update: failed: 409 CONFLICT (3s)\n"
	const finished2 = finished1 + "[2/3] service/orders: create: applied (1m40s)\n"
	const sum0, sum1 = "  0/3 done\n", "  1/3 done, 1 failed\n"
	want := []string{
		"  service/orders: create\n" + sum0,
		"  service/orders: create: create service\n" + sum0,
		"  service/orders: create: create service\n  service/analytics: update\n" + sum0,
		"  service/orders: create: create service\n  service/analytics: update: change scaling\n" + sum0,
		"  service/orders: create: waiting (provisioning, 0s)\n  service/analytics: update: change scaling (1s)\n" + sum0,
		"  service/orders: create: waiting (provisioning, 40s)\n  service/analytics: update: change scaling (41s)\n" + sum0,
		finished1 + "  service/orders: create: waiting (provisioning, 41s)\n" + sum1,
		finished1 + "  service/orders: create: waiting (starting, 1m10s)\n" + sum1,
		finished2,
		finished2 + "[3/3] key/ci: create: skipped: service/analytics\n",
	}
	var b bytes.Buffer
	p := view.NewProgress(&b, true, time.Second, view.Options{})
	seconds := []int{0, 0, 0, 0, 1, 41, 42, 71, 101, 101}
	for i, e := range run() {
		p.Event(sec(seconds[i]), e)
		if d := cmp.Diff(want[i], screen(t, b.String())); d != "" {
			t.Errorf("after event %d (-want +got):\n%s", i, d)
		}
	}
}

// shows fails unless that is what a terminal shows.
func shows(t *testing.T, b *bytes.Buffer, want string) {
	t.Helper()
	if d := cmp.Diff(want, screen(t, b.String())); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestProgressTicks: every wait has a clock that goes on although nothing happens, and what waits for the rate limit says that.
func TestProgressTicks(t *testing.T) {
	var b bytes.Buffer
	p := view.NewProgress(&b, true, time.Second, view.Options{})
	for _, e := range run()[:5] {
		e.Calls = 4
		p.Event(sec(0), e)
	}
	p.Held(sec(1), addr("service", "analytics"), true)
	frame := view.Frame{Now: sec(3), Columns: 80, Rows: 24, Left: 7500 * time.Millisecond, Rate: "10/10s"}
	p.Tick(frame)
	shows(t, &b, "  service/orders: create: waiting (provisioning, 3s)\n  service/analytics: update: waiting for the rate limit (2s)\n"+
		"  0/3 done, ~4 requests left, 7s at 10/10s\n")
	frame.Now, frame.Left = sec(9), 1500*time.Millisecond
	p.Tick(frame)
	shows(t, &b, "  service/orders: create: waiting (provisioning, 9s)\n  service/analytics: update: waiting for the rate limit (8s)\n"+
		"  0/3 done, ~4 requests left, 1s at 10/10s\n")
	p.Held(sec(9), addr("service", "analytics"), false)
	p.Event(sec(10), apply.Event{Kind: apply.Troubled, Address: addr("service", "analytics"), Action: diff.Update, Err: "502 Bad Gateway", State: "trying again in 1s", Total: 3, Calls: 4})
	shows(t, &b, "  service/orders: create: waiting (provisioning, 10s)\n  service/analytics: update: change scaling, again after 502 Bad Gateway (10s)\n"+
		"  0/3 done, ~4 requests left, 1s at 10/10s\n")
	before := b.Len()
	frame.Now, frame.Left = sec(10), 1500*time.Millisecond
	p.Tick(frame)
	if b.Len() != before {
		t.Errorf("draws again what is there already: %q", b.String()[before:])
	}
}

// TestProgressOfReading: what takes no time leaves no trace; what does says what it waits for.
func TestProgressOfReading(t *testing.T) {
	var b bytes.Buffer
	p := view.NewProgress(&b, true, time.Second, view.Options{})
	p.Begin(sec(0), "reading the organization")
	p.Held(sec(0), spec.Address{}, true)
	p.Held(sec(0), spec.Address{}, true)
	p.Held(sec(0), spec.Address{}, false)
	if b.Len() > 0 {
		t.Errorf("shows at once %q", b.String())
	}
	p.Tick(view.Frame{Now: sec(2), Columns: 80, Rows: 24})
	shows(t, &b, "  reading the organization: waiting for the rate limit (2s)\n")
	p.Held(sec(3), spec.Address{}, false)
	shows(t, &b, "  reading the organization (3s)\n")
	const notice = "503 Service Unavailable: GET /v1/organizations: trying again in 2s"
	p.Notice(sec(4), notice, 2*time.Second)
	shows(t, &b, "  reading the organization (4s)\n  "+notice+"\n")
	p.Tick(view.Frame{Now: sec(6), Columns: 80, Rows: 24})
	shows(t, &b, "  reading the organization (6s)\n")
	p.Clear()
	shows(t, &b, "")
}

// TestProgressEnding: what an interrupt says stays on the screen, above the region, whatever is drawn later.
func TestProgressEnding(t *testing.T) {
	const message = "finishing the calls under way"
	var b bytes.Buffer
	p := view.NewProgress(&b, true, time.Second, view.Options{})
	p.Event(sec(0), run()[3])
	p.Ending(message)
	shows(t, &b, message+"\n  service/analytics: update: change scaling\n  0/3 done, finishing what is under way\n")
	p.Event(sec(1), run()[6])
	p.Clear()
	shows(t, &b, message+"\n[1/3] service/analytics: update: failed: 409 CONFLICT (3s)\n")

	var lines bytes.Buffer
	view.NewProgress(&lines, false, time.Second, view.Options{}).Ending(message)
	if lines.String() != message+"\n" {
		t.Errorf("elsewhere it says %q", lines.String())
	}
}

// TestProgressFitsTheTerminal: no line of the region wraps, however narrow the terminal has become, and what is waited for outlives
// the name.
func TestProgressFitsTheTerminal(t *testing.T) {
	for _, width := range []int{20, 40, 60, 80, 200} {
		var b bytes.Buffer
		p := view.NewProgress(&b, true, time.Second, view.Options{Width: 200})
		for i := range 30 {
			p.Event(sec(0), apply.Event{
				Kind: apply.Stepped, Address: addr("service", fmt.Sprintf("東京-%02d-of-a-name-that-is-rather-long", i)), Action: diff.Update, Title: strings.Repeat("step ", 20), Total: 300, Calls: 1000,
			})
		}
		p.Held(sec(0), addr("service", "東京-00-of-a-name-that-is-rather-long"), true)
		p.Notice(sec(0), strings.Repeat("trouble ", 30), time.Minute)
		p.Tick(view.Frame{Now: sec(5), Columns: width, Rows: 24, Left: time.Hour, Rate: "10/10s"})
		lines := strings.Split(strings.TrimSuffix(screen(t, b.String()), "\n"), "\n")
		if len(lines) != 11 || !strings.HasPrefix(lines[8], "  and 22 more run") || !strings.HasPrefix(lines[10], "  0/300 done") {
			t.Errorf("shows %d lines: %q", len(lines), lines)
		}
		for _, l := range lines {
			if wide := len([]rune(l)) + strings.Count(l, "東") + strings.Count(l, "京"); wide >= width {
				t.Errorf("%q is %d columns wide, the terminal %d", l, wide, width)
			}
		}
		if width >= 60 && !strings.HasSuffix(lines[0], "waiting for the rate limit (5s)") {
			t.Errorf("at %d columns nobody sees what is waited for: %q", width, lines[0])
		}
		p.Tick(view.Frame{Now: sec(6), Columns: width, Rows: 7, Left: time.Hour})
		if n := strings.Count(screen(t, b.String()), "\n"); n > 6 {
			t.Errorf("%d lines on a terminal of 7 rows", n)
		}
	}
}

func TestProgressColorsOnlyWhenAsked(t *testing.T) {
	for _, color := range []bool{false, true} {
		var b bytes.Buffer
		p := view.NewProgress(&b, false, time.Second, view.Options{Color: color})
		for _, e := range run() {
			p.Event(sec(0), e)
		}
		if got := strings.Contains(b.String(), "\x1b["); got != color {
			t.Errorf("color %t: styles %t", color, got)
		}
	}
}

func TestProgressIsSafeForConcurrentUse(t *testing.T) {
	const workers = 16
	var b bytes.Buffer
	p := view.NewProgress(&b, true, time.Second, view.Options{})
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for _, e := range run()[:2] {
				e.Address = addr("service", strconv.Itoa(i))
				p.Event(sec(0), e)
			}
			p.Held(sec(0), addr("service", strconv.Itoa(i)), true)
			p.Notice(sec(0), "waiting", time.Second)
			p.Tick(view.Frame{Now: sec(2)})
			p.Event(sec(2), apply.Event{Kind: apply.Finished, Address: addr("service", strconv.Itoa(i)), Action: diff.Create, Status: apply.Applied, Done: i + 1, Total: workers})
		})
	}
	wg.Wait()
	p.Clear()
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
