// Package apply carries out a plan: it turns each change into the steps that a backend names for it, runs them in the
// plan's order with everything independent side by side, waits for slow objects in one poll loop, and reports what came
// of every change.
//
// It knows no API. Retrying a request is the transport's business; finding out what an unanswered call has done is the backend's.
package apply

import (
	"context"
	"time"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// Step is one stage of a change: something done, then a state waited for.
type Step struct {
	Title string                                       // "create service", for progress
	Do    func(ctx context.Context) error              // nil when there is only something to wait for
	Until func(ctx context.Context) (Readiness, error) // nil when Do's return is the end of it
	Limit time.Duration                                // of the wait, in ticks of one second; 0 when there is none
}

// Readiness is the answer of Step.Until.
type Readiness struct {
	Done  bool
	State string // what the object is doing, for progress: "provisioning"
}

// Status is what came of a change. Every change of a plan ends with exactly one.
type Status string

// The statuses of a Result.
const (
	Applied Status = "applied"
	Failed  Status = "failed"  // the API said no, nothing more was tried
	Skipped Status = "skipped" // nothing was changed: something it depends on did not succeed, or the run was stopped
	Unknown Status = "unknown" // begun, and what the API made of it could not be learned
)

// Result is what came of one change.
type Result struct {
	Address spec.Address  `json:"address"`
	Action  diff.Action   `json:"action"`
	Status  Status        `json:"status"`
	Step    string        `json:"step,omitempty"`  // the step that did not succeed
	Error   string        `json:"error,omitempty"` // its reason
	Elapsed time.Duration `json:"elapsed"`         // nanoseconds
	Pos     spec.Pos      `json:"source,omitzero"` // where the manifest declares the object
}

// Report is what came of a run, results in plan order whatever order the work finished in.
type Report struct {
	Results   []Result   `json:"results"`
	Converged bool       `json:"converged"`           // observed and planned again: nothing is left
	Remaining *diff.Plan `json:"remaining,omitempty"` // what is left; nil when converged or when it could not be observed
	Earlier   []string   `json:"earlier,omitempty"`   // collections that were not looked at again, since nothing of them was changed
	Error     string     `json:"error,omitempty"`     // why convergence could not be verified
	// Narrowed says that the plan was of a part of the organization: then so is all that the report says.
	Narrowed *diff.Narrowed `json:"narrowed,omitempty"`
}

// Count gives the number of results with a status.
func (r *Report) Count(s Status) int {
	n := 0
	for _, res := range r.Results {
		if res.Status == s {
			n++
		}
	}
	return n
}

// EventKind says what an Event reports.
type EventKind string

// The kinds of Event, in the order in which one change goes through them.
const (
	Started  EventKind = "started"  // a change began
	Stepped  EventKind = "step"     // a step of it began: Title
	Troubled EventKind = "troubled" // a call of the step has failed and is made up for: Title, Err, and State says how
	Waiting  EventKind = "waiting"  // polled: Title, State, Elapsed; sent when State changes and on every poll
	Finished EventKind = "finished" // Status, and Err for anything but Applied
)

// Event is one moment of a run, for progress. Events of one change arrive in order, from one goroutine at a time.
type Event struct {
	Kind    EventKind
	Address spec.Address
	Action  diff.Action
	Title   string
	State   string
	Status  Status
	Err     string
	Elapsed time.Duration // since the change (Finished) or the wait (Waiting) began
	Done    int           // Finished: changes finished so far
	Total   int           // changes of the plan
	Calls   int           // that the plan still takes by its steps, polls and calls that are made again not counted
}
