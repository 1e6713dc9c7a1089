package view

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/spec"
)

// liveLines is how many running changes a terminal shows at once; the region that is redrawn has to stay on the screen.
const liveLines = 8

// In ticks: a wait that is told where no terminal shows it, and a silence that is broken.
const (
	longWait    = 10
	longSilence = 60
)

// Progress shows what a command does as long as it lasts. On a terminal that is a region below everything else: a line for each
// running change, which says what it does or waits for and since when, and one that sums up. Elsewhere it is a line for each
// change that has ended, for each wait that lasts long, and now and then for a long silence.
//
// It is told what happens and what time it is, and knows no clock. Its methods may be called concurrently. A writer that fails
// silences it, since a run does not end for want of an onlooker.
type Progress struct {
	w    io.Writer
	tty  bool
	pen  pen
	tick time.Duration

	mu      sync.Mutex
	frame   Frame
	phase   activity   // what is done as a whole, where that is not the running changes
	held    int        // requests of no change that wait for the rate limit
	running []activity // in the order in which they began
	done    int        // changes
	failed  int
	total   int
	calls   int
	notice  string // stands until notices
	until   time.Time
	ending  bool // nothing more is begun
	spoke   time.Time
	region  string // on the screen
}

// Frame is what there is to know at one moment to draw a region.
type Frame struct {
	Now           time.Time
	Columns, Rows int           // of the terminal
	Left          time.Duration // how long the calls still take at the rate
	Rate          string        // "10/10s", or "" where there is no limit
}

// activity is something that goes on.
type activity struct {
	address spec.Address
	name    string // "service/orders: create"
	doing   string // "create service"
	state   string // of what is waited for; "" while a call is under way
	trouble string // why a call is made again; ""
	since   time.Time
	told    bool // of this step, that it takes long

	held      bool // by the rate limit
	heldSince time.Time
}

// NewProgress makes a progress display. tty says that w is a terminal whose cursor can be moved, tick is what a second of every
// interval lasts.
func NewProgress(w io.Writer, tty bool, tick time.Duration, o Options) *Progress {
	columns := o.Width
	if columns <= 0 {
		columns = 80
	}
	return &Progress{w: w, tty: tty, tick: tick, pen: pen{o.Color}, frame: Frame{Columns: columns, Rows: 24}}
}

// Tick shows the moment.
func (p *Progress) Tick(f Frame) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.Columns <= 0 || f.Rows <= 0 {
		f.Columns, f.Rows = p.frame.Columns, p.frame.Rows
	}
	p.frame = f
	if !p.until.After(f.Now) {
		p.notice = ""
	}
	if p.tty {
		p.draw("")
		return
	}
	for i := range p.running {
		a := &p.running[i]
		if a.state != "" && !a.told && f.Now.Sub(a.since) >= longWait*p.tick {
			a.told = true
			p.say(a.line(f.Now, 0))
		}
	}
	if len(p.running) > 0 && f.Now.Sub(p.spoke) >= longSilence*p.tick {
		p.say(p.summary() + "; longest: " + p.longest().line(f.Now, 0))
	}
}

// Begin shows what is done as a whole, such as "reading the organization", once that takes a while. Whoever has begun first ends
// it with Clear.
func (p *Progress) Begin(now time.Time, what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frame.Now, p.spoke = now, now
	p.phase = activity{name: what, since: now}
}

// Event shows one moment of a run.
func (p *Progress) Event(now time.Time, e apply.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frame.Now, p.total, p.calls = now, e.Total, e.Calls
	if p.spoke.IsZero() {
		p.spoke = now
	}
	line := ""
	switch a := p.activity(e); e.Kind {
	case apply.Started:
		a.since = now
	case apply.Stepped:
		*a = activity{address: a.address, name: a.name, doing: visible(e.Title), since: now}
	case apply.Troubled:
		a.trouble = visible(e.Err)
		line = fmt.Sprintf("%s: %s: %s", a.trouble, a.name, visible(e.State))
	case apply.Waiting:
		a.trouble, a.held = "", false
		a.state, a.since = visible(e.State), now.Add(-e.Elapsed)
		if a.state == "" {
			a.state = visible(e.Title)
		}
	case apply.Finished:
		line = p.finished(e, a.name)
		p.running = slices.DeleteFunc(p.running, func(a activity) bool { return a.address == e.Address })
	}
	switch {
	case p.tty && e.Kind == apply.Finished:
		p.draw(line)
	case p.tty:
		p.draw("")
	case line != "":
		p.say(line)
	}
}

// Held shows that a call waits for the rate limit, or that it does no more. of is its change, the zero Address where it is of none.
func (p *Progress) Held(now time.Time, of spec.Address, held bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frame.Now = now
	for i := range p.running {
		if a := &p.running[i]; a.address == of && a.held != held {
			a.held, a.heldSince = held, now
		}
	}
	switch {
	case of != spec.Address{}:
	case held:
		p.held++
	default:
		p.held--
	}
	if p.tty {
		p.draw("")
	}
}

// Notice says what makes everything wait, such as a pause that the API asks for, or why a request of no change is made again. On a
// terminal it stands for as long as the wait. Elsewhere it is said once, however many requests wait for the same.
func (p *Progress) Notice(now time.Time, text string, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frame.Now = now
	text = visible(text)
	news := text != p.notice || !now.Before(p.until)
	p.notice = text
	p.until = now.Add(wait)
	switch {
	case p.tty:
		p.draw("")
	case news:
		p.say(text)
	}
}

// Ending says that nothing more is begun, and stays on the screen.
func (p *Progress) Ending(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ending = true
	if p.tty {
		p.draw(visible(text))
	} else {
		p.say(visible(text))
	}
}

// Clear takes the region off a terminal, so that something else can be written there.
func (p *Progress) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.phase, p.notice = activity{}, ""
	if p.region != "" {
		p.write(p.erase())
	}
}

func (p *Progress) activity(e apply.Event) *activity {
	i := slices.IndexFunc(p.running, func(a activity) bool { return a.address == e.Address })
	if i < 0 {
		i = len(p.running)
		p.running = append(p.running, activity{
			address: e.Address, name: address(e.Address) + ": " + visible(string(e.Action)), since: p.frame.Now,
		})
	}
	return &p.running[i]
}

func (p *Progress) finished(e apply.Event, text string) string {
	p.done = e.Done
	if e.Status == apply.Failed {
		p.failed++
	}
	tone := signAdd
	switch e.Status {
	case apply.Applied:
	case apply.Failed, apply.Unknown:
		tone = signRemove
	case apply.Skipped:
		tone = signUpdate
	}
	text += ": " + p.pen.paint(tone, visible(string(e.Status)))
	if e.Err != "" {
		text += ": " + visible(e.Err)
	}
	if e.Elapsed >= time.Second {
		text += fmt.Sprintf(" (%s)", elapsed(e.Elapsed))
	}
	width := len(fmt.Sprint(e.Total))
	return fmt.Sprintf("[%*d/%d] %s", width, e.Done, e.Total, text)
}

// status says what goes on, and since when once that is a while or something is waited for.
func (a activity) status(now time.Time) (what, clock string) {
	since := max(0, now.Sub(a.since))
	switch {
	case a.held:
		return "waiting for the rate limit", fmt.Sprintf(" (%s)", elapsed(max(0, now.Sub(a.heldSince))))
	case a.state != "":
		return fmt.Sprintf("waiting (%s, %s)", a.state, elapsed(since)), ""
	case a.trouble != "":
		what = a.doing + ", again after " + a.trouble
	default:
		what = a.doing
	}
	if since >= time.Second {
		clock = fmt.Sprintf(" (%s)", elapsed(since))
	}
	return what, clock
}

// line is what there is to say of an activity, in a number of columns if that is not 0. The end says what is new, so the name gives
// way as long as something of it is left.
func (a activity) line(now time.Time, width int) string {
	const least = 16
	what, clock := a.status(now)
	if what != "" {
		what = ": " + what
	}
	text := a.name + what + clock
	excess := columns(text) - width
	if width == 0 || excess <= 0 {
		return text
	}
	name := cut(a.name, max(columns(a.name)-excess, min(columns(a.name), least)))
	return cut(name+what+clock, width)
}

// longest is the activity that has gone on for the longest time.
func (p *Progress) longest() activity {
	return slices.MinFunc(p.running, func(a, b activity) int { return a.since.Compare(b.since) })
}

// summary says how far a run has come.
func (p *Progress) summary() string {
	text := fmt.Sprintf("%d/%d done", p.done, p.total)
	if p.failed > 0 {
		text += fmt.Sprintf(", %d failed", p.failed)
	}
	if p.ending {
		return text + ", finishing what is under way"
	}
	if p.calls > 0 {
		text += fmt.Sprintf(", ~%s left", plural(p.calls, "request"))
		if p.frame.Rate != "" && p.frame.Left >= time.Second {
			text += fmt.Sprintf(", %s at %s", elapsed(p.frame.Left), p.frame.Rate)
		}
	}
	return text
}

// draw replaces the region on the screen by what stays, then what goes on. Lines of the region are cut to the screen: one that
// wrapped would take two rows and leave the cursor in the wrong one.
func (p *Progress) draw(stays string) {
	width := p.frame.Columns - 1
	var lines []string
	room := max(1, min(liveLines, p.frame.Rows-4))
	shown := p.running[:min(len(p.running), room)]
	for _, a := range shown {
		lines = append(lines, "  "+a.line(p.frame.Now, width-2))
	}
	if hidden := len(p.running) - len(shown); hidden > 0 {
		lines = append(lines, fmt.Sprintf("  and %d more running", hidden))
	}
	// What is quickly done is not worth a line that comes and goes.
	if a := p.phase; a.name != "" && p.frame.Now.Sub(a.since) >= p.tick {
		a.held, a.heldSince = p.held > 0, a.since
		lines = append(lines, "  "+a.line(p.frame.Now, width-2))
	}
	if p.notice != "" {
		lines = append(lines, "  "+p.notice)
	}
	if len(p.running) > 0 && p.total > 0 {
		lines = append(lines, "  "+p.summary())
	}
	var region strings.Builder
	for _, l := range lines {
		region.WriteString(p.pen.dim(cut(disarm(l, `\x23`), width)) + "\n") // else emit would make it longer
	}
	if stays == "" && region.String() == p.region {
		return
	}
	text := p.erase()
	if stays != "" {
		text += stays + "\n"
	}
	p.region = region.String()
	p.write(text + p.region)
}

// erase is what clears the region: the cursor goes up to its first line, and everything below it goes.
func (p *Progress) erase() string {
	if p.region == "" {
		return ""
	}
	up := fmt.Sprintf("\x1b[%dA\r\x1b[J", strings.Count(p.region, "\n"))
	p.region = ""
	return up
}

// say writes a line where there is no region.
func (p *Progress) say(text string) {
	p.spoke = p.frame.Now
	p.write(text + "\n")
}

func (p *Progress) write(text string) { _ = emit(p.w, text) }
