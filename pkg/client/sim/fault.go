package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// FaultKind names a way in which a request can go wrong.
type FaultKind string

// Fault kinds. "Before" means that the request was not executed, "after" that it was.
const (
	Fault500Before FaultKind = "500-before"
	Fault500After  FaultKind = "500-after"
	Fault502Plain  FaultKind = "502-plain"  // a gateway's plain text, not executed
	FaultCutBefore FaultKind = "cut-before" // connection dropped
	FaultCutAfter  FaultKind = "cut-after"
	FaultTruncated FaultKind = "truncated" // executed, the reply ends in the middle of its body
	Fault429       FaultKind = "429"       // not executed; X-RateLimit-Reset is Delay, or half a second
	Fault400       FaultKind = "400"       // not executed
	Fault404       FaultKind = "404"       // not executed
	Fault409       FaultKind = "409"       // not executed
	FaultHollow    FaultKind = "hollow"    // executed, the objects of the list in the reply have lost all their fields
	FaultSlow      FaultKind = "slow"      // executed at once, answered after Delay of real time
)

var faultKinds = map[FaultKind]struct{}{
	Fault500Before: {}, Fault500After: {}, Fault502Plain: {}, FaultCutBefore: {}, FaultCutAfter: {},
	FaultTruncated: {}, Fault429: {}, Fault400: {}, Fault404: {}, Fault409: {}, FaultHollow: {}, FaultSlow: {},
}

// Fault is a rule by which requests under /v1 go wrong. Of the requests that match Method and Path, it strikes every one, or
// those that Nth, Every or Probability pick, and at most Count of them. The first rule that strikes wins.
type Fault struct {
	// Method is an HTTP method; empty means every method.
	Method string
	// Path is a glob over the whole request path: * stands for one segment or a part of it, ** for any number of segments.
	// Empty means every path.
	Path string
	// Nth picks one matching request, counted from 1.
	Nth int
	// Every picks each matching request whose number it divides.
	Every int
	// Probability picks at random, repeatably for one Config.Seed.
	Probability float64
	// Count ends the rule after that many strikes; 0 means never.
	Count int
	Kind  FaultKind
	// Delay is how long a slow request takes, or what a 429 announces.
	Delay time.Duration
}

type faultJSON struct {
	Method      string       `json:"method,omitempty"`
	Path        string       `json:"path,omitempty"`
	Nth         int          `json:"nth,omitempty"`
	Every       int          `json:"every,omitempty"`
	Probability float64      `json:"probability,omitempty"`
	Count       int          `json:"count,omitempty"`
	Kind        FaultKind    `json:"kind"`
	Delay       jsonDuration `json:"delay,omitempty"`
}

// MarshalJSON writes the fields by their lower camel-case names.
func (f Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(faultJSON{f.Method, f.Path, f.Nth, f.Every, f.Probability, f.Count, f.Kind, jsonDuration(f.Delay)})
}

// UnmarshalJSON reads what MarshalJSON writes and refuses unknown names.
func (f *Fault) UnmarshalJSON(data []byte) error {
	var j faultJSON
	if err := decodeStrict(data, &j); err != nil {
		return fmt.Errorf("fault: %w", err)
	}
	*f = Fault{j.Method, j.Path, j.Nth, j.Every, j.Probability, j.Count, j.Kind, time.Duration(j.Delay)}
	return nil
}

// faultRule is a Fault at work.
type faultRule struct {
	Fault
	path           *regexp.Regexp
	matched, fired int
}

func newFaultRule(f Fault) faultRule { return faultRule{Fault: f, path: globPattern(f.Path)} }

// globPattern turns a path glob into a pattern; see Fault.Path.
func globPattern(glob string) *regexp.Regexp {
	if glob == "" {
		glob = "**"
	}
	pattern := regexp.QuoteMeta(glob)
	pattern = strings.ReplaceAll(pattern, `\*\*`, `.*`)
	pattern = strings.ReplaceAll(pattern, `\*`, `[^/]*`)
	return regexp.MustCompile("^" + pattern + "$")
}

// chooseFault counts the request against every rule and gives the first that strikes.
func (s *Server) chooseFault(method, path string) *Fault {
	var chosen *Fault
	for i := range s.faults {
		rule := &s.faults[i]
		if rule.Method != "" && rule.Method != method || !rule.path.MatchString(path) {
			continue
		}
		rule.matched++
		if chosen != nil || (rule.Count > 0 && rule.fired >= rule.Count) || !rule.picks(s.cfg.Seed, i) {
			continue
		}
		rule.fired++
		chosen = &rule.Fault
	}
	if chosen == nil {
		return nil
	}
	found := *chosen
	return &found
}

func (r *faultRule) picks(seed int64, index int) bool {
	switch {
	case r.Nth > 0:
		return r.matched == r.Nth
	case r.Every > 0:
		return r.matched%r.Every == 0
	case r.Probability > 0:
		// A hash of what identifies the draw, not a stream of random numbers: other rules cannot shift it.
		sum := sha256.Sum256(fmt.Appendf(nil, "%d/%d/%d", seed, index, r.matched))
		return float64(binary.BigEndian.Uint64(sum[:])>>11)/(1<<53) < r.Probability
	default:
		return true
	}
}

// before gives the answer that replaces the execution of the request, if the fault is of that sort.
func (f *Fault) before() (reply, bool) {
	switch f.Kind {
	case Fault500Before:
		return faultReply(http.StatusInternalServerError, "INTERNAL_ERROR: injected before execution"), true
	case Fault502Plain:
		return newReply(http.StatusBadGateway, "text/plain; charset=utf-8", []byte("Bad Gateway")), true
	case FaultCutBefore:
		return reply{cut: true}, true
	case Fault429:
		rep := faultReply(http.StatusTooManyRequests, "TOO_MANY_REQUESTS: injected")
		rep.header.Set("X-RateLimit-Reset", fmt.Sprintf("%.3f", max(f.Delay.Seconds(), 0.5)))
		return rep, true
	case Fault400:
		return faultReply(http.StatusBadRequest, "BAD_REQUEST: injected"), true
	case Fault404:
		return faultReply(http.StatusNotFound, "NOT_FOUND: injected"), true
	case Fault409:
		return faultReply(http.StatusConflict, "CONFLICT: injected"), true
	case Fault500After, FaultCutAfter, FaultTruncated, FaultHollow, FaultSlow:
		return reply{}, false
	default:
		return faultReply(http.StatusInternalServerError, "INTERNAL_ERROR: unknown fault kind "+string(f.Kind)), true
	}
}

// after spoils the answer of a request that was executed.
func (f *Fault) after(rep reply) reply {
	switch f.Kind {
	case Fault500After:
		return faultReply(http.StatusInternalServerError, "INTERNAL_ERROR: injected after execution")
	case FaultCutAfter:
		return reply{cut: true}
	case FaultTruncated:
		rep.truncated = true
	case FaultHollow:
		return hollow(rep)
	case Fault500Before, Fault502Plain, FaultCutBefore, Fault429, Fault400, Fault404, Fault409, FaultSlow:
	}
	return rep
}

// hollow empties the objects of a list. An answer without a list stays as it is.
func hollow(rep reply) reply {
	var envelope struct {
		RequestID string           `json:"requestId"`
		Result    []map[string]any `json:"result"`
		Status    int              `json:"status"`
	}
	if rep.status != http.StatusOK || json.Unmarshal(rep.body, &envelope) != nil {
		return rep
	}
	for _, object := range envelope.Result {
		clear(object)
	}
	return jsonReply(rep.status, envelope)
}

func faultReply(status int, text string) reply {
	return jsonReply(status, struct {
		RequestID string `json:"requestId"`
		Error     string `json:"error"`
		Status    int    `json:"status"`
	}{newID(), text, status})
}
