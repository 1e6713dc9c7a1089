package apply

import (
	"context"
	"errors"
	"time"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// Backend is one organization behind one API. What an API has no such thing for, its backend answers as each method says: a session
// needs nothing of it that it cannot do without.
type Backend interface {
	Stepper
	// Observe reads the live organization. Collections that opts do not need may be missing from it (Live.NotChecked).
	Observe(ctx context.Context, opts ObserveOptions) (*spec.Live, error)
	// Longest is how long it may take to apply a plan, in ticks of one second, with or without a place for secrets; see the function
	// of that name.
	Longest(plan *diff.Plan) time.Duration

	// ServerTime is when the API gave its last answer by its own clock: the zero Time as long as it tells none. Then nothing is said
	// of what expires, since our clock may be wrong.
	ServerTime() time.Time
	// AskTime has the API answer once more, for ServerTime.
	AskTime(ctx context.Context) error

	// Recover finds out what became of creations whose run ended before their outcome was known, and gives a sentence for each: none
	// where nothing is created whose outcome would have to be looked for.
	Recover(ctx context.Context) ([]string, error)
	// Unsettled are sentences about what Recover has found and could not settle, as far as nothing has settled it since. No plan shows
	// it, so that as long as there is any, a run has not converged: none where each such thing is a change of the next plan.
	Unsettled() []string
	// Begun gives the ids of the objects that a plan would finish although nothing but a mark of theirs says that they are half made,
	// and whose creation this host knows: none where creations are one call.
	Begun(ctx context.Context, plan *diff.Plan) ([]string, error)
	// CheckSecrets looks for every stored secret that the changes of a plan will look for, so that one which cannot be read or
	// trusted is refused before anything is changed. It has nothing to do where no secrets are made.
	CheckSecrets(ctx context.Context, plan *diff.Plan) error
	// Quotas are the limits that creations are held to: none where the API has none or does not show them. It refuses by itself what
	// is too much.
	Quotas(ctx context.Context) ([]diff.Quota, error)

	// Remarks are sentences for the report that are of no single result; most backends have none.
	Remarks() []string
	// Log is who else writes: NoLog where the API does not record it, or does not tell our own calls from those of others.
	Log() Log
}

// Stepper is what Run needs of a Backend.
type Stepper interface {
	// Steps says how a change is carried out, in order. It does nothing until a step runs, so that it can be asked beforehand, too.
	Steps(change diff.Change) ([]Step, error)
}

// Log finds what others wrote to an organization while a run was under way. It is a courtesy: what cannot be read counts as
// nothing, and silence proves nothing.
type Log interface {
	// Mark takes everything that has been done until now as known.
	Mark(ctx context.Context)
	// Read learns more exactly what was there before Mark, for a run that may take a while.
	Read(ctx context.Context)
	// Foreign gives a sentence for every record of something that was done since Mark and not by us, oldest first.
	Foreign(ctx context.Context) []string
}

// NoLog is the Log of an API that records nothing of the kind.
type NoLog struct{}

// Mark implements Log.
func (NoLog) Mark(context.Context) {}

// Read implements Log.
func (NoLog) Read(context.Context) {}

// Foreign implements Log.
func (NoLog) Foreign(context.Context) []string { return nil }

// Limits say how long an object may take to reach a state, in ticks of one second. Where every call is done when it is answered,
// nothing is waited for.
type Limits struct{ Create, Start, Stop, Delete time.Duration }

// DefaultLimits are those of production; the vendor's own provider allows 90 and 10 minutes (FACTS 8.4).
func DefaultLimits() Limits {
	return Limits{Create: 60 * time.Minute, Start: 30 * time.Minute, Stop: 15 * time.Minute, Delete: 15 * time.Minute}
}

// ErrOtherOrganization is matched by the error of a look for an organization with the credentials of another one.
var ErrOtherOrganization = errors.New("the API key belongs to another organization")

// ErrPermission is matched by the error of an observation that may not read what the manifest needs.
var ErrPermission = errors.New("permission missing")
