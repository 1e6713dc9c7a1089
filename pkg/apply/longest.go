package apply

import (
	"time"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// callTime is what the calls of one change may take: five, paced at 10 in 10 seconds.
const callTime = 5 * time.Second

// Longest is how long it may take to apply a plan: every wait lasts to its limit along the chain of dependencies where that is
// the most, and all calls are made one after the other. steps are those of Backend.Steps, where a change without any takes no
// time. In ticks of one second.
func Longest(plan *diff.Plan, steps func(diff.Change) ([]Step, error)) time.Duration {
	ends := map[spec.Address]time.Duration{}
	var last time.Duration
	for _, c := range plan.Changes { // each after all that it depends on
		var end time.Duration
		for _, a := range c.DependsOn {
			end = max(end, ends[a])
		}
		if all, err := steps(c); err == nil {
			for _, s := range all {
				end += s.longest()
			}
		}
		ends[c.Address] = end
		last = max(last, end)
	}
	return last + time.Duration(len(plan.Changes))*callTime
}

// longest is how long a step may wait: for its call to be possible, and for what comes of it.
func (s Step) longest() time.Duration {
	if s.Do != nil && s.Until != nil {
		return 2 * s.Limit
	}
	return s.Limit
}
