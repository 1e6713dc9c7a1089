package sim

import (
	"slices"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

const (
	actorAPI    = "api"
	actorUser   = "user"
	actorSystem = "system"

	// maxActivities bounds the state file of a long-lived sandbox; the oldest go first.
	maxActivities = 10_000
	// minActivityID is the shortest activity id the API takes.
	minActivityID = 20
)

// record appends an activity, filling in what all of them have.
func (st *state) record(a activity) {
	a.ID = stage.NewID()
	a.OrganizationID = st.Organization.ID
	if len(st.Activities) >= maxActivities {
		st.Activities = slices.Clone(st.Activities[len(st.Activities)-maxActivities+1:])
	}
	st.Activities = append(st.Activities, &a)
}

// did records activities of whoever makes the call.
func (c *call) did(activities ...activity) {
	for _, a := range activities {
		a.CreatedAt, a.ActorType, a.ActorID, a.ActorDetails = c.now, c.actor.ActorType, c.actor.ActorID, c.actor.ActorDetails
		a.ActorIPAddress, a.UserAgent = c.actor.ActorIPAddress, c.actor.UserAgent
		c.st.record(a)
	}
}

// doneTo makes activities of the given types about a service.
func doneTo(svc *service, kinds ...string) []activity {
	list := make([]activity, 0, len(kinds))
	for _, kind := range kinds {
		list = append(list, activity{Type: kind, ServiceID: svc.ID})
	}
	return list
}

// activities are those that are visible yet, newest first. They do not lag with other reads: they have a delay of their own.
func (c *call) activities() []*activity {
	visible := []*activity{}
	for _, a := range slices.Backward(c.current.Activities) {
		if !a.CreatedAt.Add(c.cfg.Delays.ActivityLag).After(c.now) {
			visible = append(visible, a)
		}
	}
	return visible
}

func listActivities(c *call) (any, error) {
	from, err := c.date("from_date")
	if err != nil {
		return nil, err
	}
	to, err := c.date("to_date")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(c.activities(), func(a *activity) bool {
		return !from.IsZero() && a.CreatedAt.Before(from) || !to.IsZero() && a.CreatedAt.After(to)
	}), nil
}

// date reads a query parameter that is a timestamp or a date; zero when it is not there.
func (c *call) date(param string) (time.Time, error) {
	text := c.query.Get(param)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, badRequest("%s", text)
}

func getActivity(c *call) (any, error) {
	id := c.params["activityId"]
	if len(id) < minActivityID {
		// The API leaves the colon after the code word out of this one.
		return nil, &apiError{status: 400, text: "BAD_REQUEST length is too small: " + shown(len(id)) + " < " + shown(minActivityID)}
	}
	for _, a := range c.activities() {
		if a.ID == id {
			return a, nil
		}
	}
	return nil, notFound(id)
}
