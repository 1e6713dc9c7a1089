package sim

import "github.com/orgctl/orgctl/pkg/client/sim/internal/stage"

// What every simulator has, whatever its API.
type (
	// Fault is a rule by which requests go wrong: of those that match Method and Path (a glob), every one, or those that Nth,
	// Every or Probability pick, at most Count times.
	Fault = stage.Fault
	// FaultKind names a way in which a request can go wrong.
	FaultKind = stage.FaultKind
	// RateLimit allows Requests per key in a fixed Window that opens with the first request. The zero value limits nothing;
	// the real API allows 10 per 10 s.
	RateLimit = stage.RateLimit
	// Request is one entry of the request log.
	Request = stage.Request
)

// Fault kinds. "Before" means that the request was not executed, "after" that it was.
const (
	Fault500Before = stage.Fault500Before
	Fault500After  = stage.Fault500After
	Fault502Plain  = stage.Fault502Plain
	FaultCutBefore = stage.FaultCutBefore
	FaultCutAfter  = stage.FaultCutAfter
	FaultTruncated = stage.FaultTruncated
	Fault429       = stage.Fault429
	Fault400       = stage.Fault400
	Fault404       = stage.Fault404
	Fault409       = stage.Fault409
	FaultHollow    = stage.FaultHollow
	FaultSlow      = stage.FaultSlow
)

// Memory is the file name that keeps no state.
const Memory = stage.Memory
