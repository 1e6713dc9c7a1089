package cloud

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/orgctl/orgctl/pkg/client/cloudapi"
)

// Log finds what others wrote to an organization while a run was under way. The API has no locking (FACTS 10), so a run
// cannot keep others out; it can say that they were there. Records appear up to half a minute late (FACTS 11), and a key
// that may not read them sees none: silence proves nothing.
type Log struct {
	api          *cloudapi.API
	organization string
	userAgent    string          // of our own calls, and of nobody else's
	since        time.Time       // when the run began, by the server's clock, which tells whole seconds; zero when it tells nothing
	seen         map[string]bool // ids of the records of before; nil until the log was read
}

// logWindow is how far back the log is read where the server tells no time. It only keeps the list short, so that our clock is
// good enough.
const logWindow = 24 * time.Hour

// NewLog makes the log of one organization. The user agent of our calls must tell this run from any other.
func NewLog(api *cloudapi.API, organization, userAgent string) *Log {
	return &Log{api: api, organization: organization, userAgent: userAgent}
}

// Mark takes everything that has been done until now as known. Where the API has told the time, a moment ago, that says enough,
// but for the second that it told: what was done in that second counts as known too, unless Read tells it apart.
func (l *Log) Mark(ctx context.Context) {
	if l.since = l.api.ServerTime(); l.since.IsZero() {
		l.Read(ctx)
	}
}

// Read learns what the log shows of before Mark, for a run that may take a while.
func (l *Log) Read(ctx context.Context) {
	all, err := l.list(ctx)
	if err != nil {
		return
	}
	l.seen = map[string]bool{}
	for _, a := range all {
		if l.since.IsZero() || moment(a).Before(l.since.Add(time.Second)) {
			l.seen[a.ID] = true
		}
	}
}

// Foreign gives a sentence for every record of something that was done since Mark and not by us, oldest first.
func (l *Log) Foreign(ctx context.Context) []string {
	if l.since.IsZero() && l.seen == nil {
		return nil
	}
	all, err := l.list(ctx)
	if err != nil {
		return nil
	}
	var out []string
	for _, a := range slices.Backward(all) {
		if l.seen[a.ID] || l.ours(a) || l.before(a) || a.ActorType == "system" { // what services do by themselves is no write
			continue
		}
		said := fmt.Sprintf("%s by %s %s from %s", a.Type, a.ActorType, a.ActorDetails, a.ActorIPAddress)
		if a.UserAgent != "" {
			said += " (" + a.UserAgent + ")"
		}
		out = append(out, said)
	}
	return out
}

// list reads the log, newest first.
func (l *Log) list(ctx context.Context) ([]cloudapi.Activity, error) {
	from := l.since
	if from.IsZero() {
		from = time.Now().Add(-logWindow)
	}
	all, err := l.api.ListActivities(ctx, l.organization, cloudapi.ActivityPeriod{From: from})
	slices.SortStableFunc(all, func(a, b cloudapi.Activity) int { return moment(b).Compare(moment(a)) })
	return all, err
}

// ours reports whether a record may be of one of our calls. Servers of the older document do not record what a call was made
// with (FACTS 12): there, everything that was done with a key may have been.
func (l *Log) ours(a cloudapi.Activity) bool {
	return a.ActorType == "api" && (a.UserAgent == l.userAgent || a.UserAgent == "")
}

// before reports whether something was done before Mark and only showed later. Both moments are of the server's clock.
func (l *Log) before(a cloudapi.Activity) bool {
	began := l.since
	if l.seen == nil {
		began = began.Add(time.Second)
	}
	at := moment(a)
	return !l.since.IsZero() && !at.IsZero() && at.Before(began)
}

// moment is when something was done; the zero Time where the record does not tell.
func moment(a cloudapi.Activity) time.Time {
	at, err := time.Parse(time.RFC3339Nano, a.CreatedAt)
	if err != nil {
		return time.Time{}
	}
	return at
}
