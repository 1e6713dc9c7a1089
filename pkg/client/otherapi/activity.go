package otherapi

import (
	"net/http"
	"time"
)

// log writes one line of the activity log about what a call changed.
func (c *call) log(kind string, more Object) {
	activity := Object{
		"id": "activity-" + c.org.newID(), "createdAt": c.now, "type": kind, "actorType": "api", "actorId": c.key.ID,
		"actorDetails": c.key.Fields["name"], "actorIpAddress": c.from, "organizationId": c.org.ID, "userAgent": c.agent,
	}
	if c.choices.NoUserAgent {
		activity["userAgent"] = nil
	}
	for name, value := range more {
		activity[name] = value
	}
	c.org.activities = append(c.org.activities, activity)
}

// activities answers for the log, which it shows late, oldest first.
func (c *call) activities() (any, error) {
	visible := []Object{}
	for _, activity := range c.org.activities {
		at := activity["createdAt"].(time.Time)
		if at.After(c.now.Add(-c.choices.ActivityLag)) || outside(at, c.query["from_date"], c.query["to_date"]) {
			continue
		}
		visible = append(visible, activity)
	}
	if c.choices.Future {
		visible = append(visible, Object{
			"id": "activity-of-a-kind-to-come", "createdAt": c.now, "type": "service_levitate", "actorType": "agent", "organizationId": c.org.ID,
		})
	}
	switch {
	case c.method != http.MethodGet || len(c.path) > 2:
		return nil, unknown("route")
	case len(c.path) == 1:
		return visible, nil
	case len(c.path[1]) < 20:
		return nil, refuse(http.StatusBadRequest, "BAD_REQUEST length is too small: %d < 20", len(c.path[1]))
	}
	for _, activity := range visible {
		if activity["id"] == c.path[1] {
			return activity, nil
		}
	}
	return nil, unknown("activity")
}

func outside(at time.Time, from, to []string) bool {
	bound := func(values []string) (time.Time, bool) {
		if len(values) == 0 {
			return time.Time{}, false
		}
		for _, layout := range []string{time.RFC3339, time.DateOnly} {
			if t, err := time.Parse(layout, values[0]); err == nil {
				return t, true
			}
		}
		return time.Time{}, false
	}
	first, bounded := bound(from)
	if bounded && at.Before(first) {
		return true
	}
	last, bounded := bound(to)
	return bounded && at.After(last)
}
