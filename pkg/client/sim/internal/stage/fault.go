package stage

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

// Fault is a rule by which requests of the API go wrong. Of the requests that match Method and Path, it strikes every one, or
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
	Method      string    `json:"method,omitempty"`
	Path        string    `json:"path,omitempty"`
	Nth         int       `json:"nth,omitempty"`
	Every       int       `json:"every,omitempty"`
	Probability float64   `json:"probability,omitempty"`
	Count       int       `json:"count,omitempty"`
	Kind        FaultKind `json:"kind"`
	Delay       Duration  `json:"delay,omitempty"`
}

// MarshalJSON writes the fields by their lower camel-case names.
func (f Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(faultJSON{f.Method, f.Path, f.Nth, f.Every, f.Probability, f.Count, f.Kind, Duration(f.Delay)})
}

// UnmarshalJSON reads what MarshalJSON writes and refuses unknown names.
func (f *Fault) UnmarshalJSON(data []byte) error {
	var j faultJSON
	if err := DecodeStrict(data, &j); err != nil {
		return fmt.Errorf("fault: %w", err)
	}
	*f = Fault{j.Method, j.Path, j.Nth, j.Every, j.Probability, j.Count, j.Kind, time.Duration(j.Delay)}
	return nil
}

// ValidateFaults reports the first rule that cannot be carried out.
func ValidateFaults(faults []Fault) error {
	for i, f := range faults {
		if _, ok := faultKinds[f.Kind]; !ok {
			return fmt.Errorf("faults[%d]: unknown kind %q", i, f.Kind)
		}
		if f.Probability < 0 || f.Probability > 1 {
			return fmt.Errorf("faults[%d]: probability %v is not within 0..1", i, f.Probability)
		}
	}
	return nil
}

// faultRule is a Fault at work.
type faultRule struct {
	Fault
	path           *regexp.Regexp
	matched, fired int
}

// Glob turns a path glob into a pattern; see Fault.Path.
func Glob(glob string) *regexp.Regexp {
	if glob == "" {
		glob = "**"
	}
	pattern := regexp.QuoteMeta(glob)
	pattern = strings.ReplaceAll(pattern, `\*\*`, `.*`)
	pattern = strings.ReplaceAll(pattern, `\*`, `[^/]*`)
	return regexp.MustCompile("^" + pattern + "$")
}

// chooseFault counts the request against every rule and gives the first that strikes.
func (s *Stage[C]) chooseFault(method, path string) *Fault {
	var chosen *Fault
	for i := range s.faults {
		rule := &s.faults[i]
		if rule.Method != "" && rule.Method != method || !rule.path.MatchString(path) {
			continue
		}
		rule.matched++
		if chosen != nil || (rule.Count > 0 && rule.fired >= rule.Count) || !rule.picks(s.settings.Seed, i) {
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
func (s *Stage[C]) before(f *Fault) (Reply, bool) {
	switch f.Kind {
	case Fault500Before:
		return s.api.Refusal(http.StatusInternalServerError, "injected before execution", 0), true
	case Fault502Plain:
		return NewReply(http.StatusBadGateway, "text/plain; charset=utf-8", []byte("Bad Gateway")), true
	case FaultCutBefore:
		return Reply{Cut: true}, true
	case Fault429:
		return s.api.Refusal(http.StatusTooManyRequests, "injected", max(f.Delay, time.Second/2)), true
	case Fault400:
		return s.api.Refusal(http.StatusBadRequest, "injected", 0), true
	case Fault404:
		return s.api.Refusal(http.StatusNotFound, "injected", 0), true
	case Fault409:
		return s.api.Refusal(http.StatusConflict, "injected", 0), true
	case Fault500After, FaultCutAfter, FaultTruncated, FaultHollow, FaultSlow:
		return Reply{}, false
	default:
		return s.api.Refusal(http.StatusInternalServerError, "unknown fault kind "+string(f.Kind), 0), true
	}
}

// after spoils the answer of a request that was executed.
func (s *Stage[C]) after(f *Fault, rep Reply) Reply {
	switch f.Kind {
	case Fault500After:
		return s.api.Refusal(http.StatusInternalServerError, "injected after execution", 0)
	case FaultCutAfter:
		return Reply{Cut: true}
	case FaultTruncated:
		rep.Truncated = true
	case FaultHollow:
		return s.api.Hollow(rep)
	case Fault500Before, Fault502Plain, FaultCutBefore, Fault429, Fault400, Fault404, Fault409, FaultSlow:
	}
	return rep
}
