package cloud

import (
	"context"
	"fmt"
	"time"

	"github.com/orgctl/orgctl/pkg/client/cloudapi"
)

// Log finds what others wrote to an organization while a run was under way. The API has no locking (FACTS 10), so a run
// cannot keep others out; it can say that they were there. Records appear up to half a minute late (FACTS 11), and a key
// that may not read them sees none: silence proves nothing.
type Log struct {
	api          *cloudapi.API
	organization string
	userAgent    string // of our own calls
	seen         map[string]bool
	since        time.Time
}

// logWindow is how far back the log is read. It only keeps the list short: what is new is decided by ids, since no clock of
// ours is compared with the server's.
const logWindow = 24 * time.Hour

// NewLog makes the log of one organization.
func NewLog(api *cloudapi.API, organization, userAgent string) *Log {
	return &Log{api: api, organization: organization, userAgent: userAgent, since: time.Now().Add(-logWindow)}
}

// Mark takes everything that the log holds now as known.
func (l *Log) Mark(ctx context.Context) {
	all, err := l.api.ListActivities(ctx, l.organization, cloudapi.ActivityPeriod{From: l.since})
	if err != nil {
		return
	}
	l.seen = map[string]bool{}
	for _, a := range all {
		l.seen[a.ID] = true
	}
}

// Foreign gives a sentence for every record since Mark that is not of our own calls, oldest first as the API lists them.
func (l *Log) Foreign(ctx context.Context) []string {
	if l.seen == nil {
		return nil
	}
	all, err := l.api.ListActivities(ctx, l.organization, cloudapi.ActivityPeriod{From: l.since})
	if err != nil {
		return nil
	}
	var out []string
	for _, a := range all {
		// What services do by themselves is no write.
		if l.seen[a.ID] || a.ActorType == "system" || a.ActorType == "api" && a.UserAgent == l.userAgent {
			continue
		}
		out = append(out, fmt.Sprintf("%s by %s %s from %s (%s)", a.Type, a.ActorType, a.ActorDetails, a.ActorIPAddress, a.UserAgent))
	}
	return out
}
