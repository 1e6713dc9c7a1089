package view

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/spec"
)

// liveLines is how many running changes a terminal shows at once; the region that is redrawn has to stay on the screen.
const liveLines = 8

// Progress shows a run while it lasts. On a terminal every running change has a line of its own that follows what it is
// doing, below the changes that are finished; elsewhere each change of state is one line. It draws when something is
// reported and at no other time. Its methods may be called concurrently. A writer that fails silences it, since a run does
// not end for want of an onlooker.
type Progress struct {
	w     io.Writer
	tty   bool
	pen   pen
	width int

	mu      sync.Mutex
	running []activity // in the order in which they began
	notice  string
	drawn   int // lines of the region on the screen
}

// activity is what a running change is doing.
type activity struct {
	address spec.Address
	text    string
	state   string // of the last wait
}

// NewProgress makes a progress display. tty says that w is a terminal whose cursor can be moved.
func NewProgress(w io.Writer, tty bool, o Options) *Progress {
	width := o.Width
	if width <= 0 {
		width = 80
	}
	return &Progress{w: w, tty: tty, pen: pen{o.Color}, width: width}
}

// Event shows one moment of a run.
func (p *Progress) Event(e apply.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notice = ""
	text, changed := p.follow(e)
	switch {
	case p.tty && e.Kind == apply.Finished:
		p.draw(text)
	case p.tty:
		p.draw("")
	case changed:
		p.write(text + "\n")
	}
}

// Notice shows why a run is holding its breath, for example that the rate limit makes it wait. On a terminal it stands
// until the next event.
func (p *Progress) Notice(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.tty {
		p.write(visible(text) + "\n")
		return
	}
	p.notice = visible(text)
	p.draw("")
}

// Clear takes the lines of running changes off a terminal, so that something else can be written there; the next event
// brings them back.
func (p *Progress) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.write(p.erase())
}

// follow updates what its change is known to be doing, and gives the line that says so and whether it says anything new
// off a terminal: the start of a change does not, since its first step follows at once, nor does another poll that finds
// the same state.
func (p *Progress) follow(e apply.Event) (text string, changed bool) {
	a := p.activity(e.Address)
	text = fmt.Sprintf("%s: %s", address(e.Address), visible(string(e.Action)))
	switch e.Kind {
	case apply.Started:
		a.text = text
		return text, false
	case apply.Stepped:
		text += ": " + visible(e.Title)
		changed, a.state = true, ""
	case apply.Waiting:
		state := visible(e.State)
		if state == "" {
			state = visible(e.Title)
		}
		text += fmt.Sprintf(": waiting (%s, %s)", state, elapsed(e.Elapsed))
		changed, a.state = state != a.state, state
	case apply.Finished:
		p.forget(e.Address)
		return p.finished(e, text), true
	}
	a.text = text
	return text, changed
}

func (p *Progress) finished(e apply.Event, text string) string {
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

func (p *Progress) activity(of spec.Address) *activity {
	for i := range p.running {
		if p.running[i].address == of {
			return &p.running[i]
		}
	}
	p.running = append(p.running, activity{address: of})
	return &p.running[len(p.running)-1]
}

func (p *Progress) forget(of spec.Address) {
	for i := range p.running {
		if p.running[i].address == of {
			p.running = append(p.running[:i], p.running[i+1:]...)
			return
		}
	}
}

// draw replaces the region on the screen by what stays, then the lines of the running changes. Lines of the region are cut
// to the screen: one that wrapped would take two rows and leave the cursor in the wrong one.
func (p *Progress) draw(stays string) {
	var b strings.Builder
	b.WriteString(p.erase())
	if stays != "" {
		b.WriteString(stays + "\n")
	}
	shown := p.running[:min(len(p.running), liveLines)]
	lines := make([]string, 0, liveLines+2)
	for _, a := range shown {
		lines = append(lines, a.text)
	}
	if hidden := len(p.running) - len(shown); hidden > 0 {
		lines = append(lines, fmt.Sprintf("and %d more running", hidden))
	}
	if p.notice != "" {
		lines = append(lines, p.notice)
	}
	for _, l := range lines {
		b.WriteString(p.pen.dim(cut("  "+l, p.width-1)) + "\n")
	}
	p.drawn = len(lines)
	p.write(b.String())
}

// erase is what clears the region: the cursor goes up to its first line, and everything below it goes.
func (p *Progress) erase() string {
	if p.drawn == 0 {
		return ""
	}
	up := fmt.Sprintf("\x1b[%dA\r\x1b[J", p.drawn)
	p.drawn = 0
	return up
}

func (p *Progress) write(text string) { _ = emit(p.w, text) }
