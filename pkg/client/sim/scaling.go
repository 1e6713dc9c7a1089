package sim

import (
	"cmp"
	"math"
	"net/http"
	"time"
)

const (
	vertical   = "vertical"
	horizontal = "horizontal"

	memoryStep = 4
	minMemory  = 8
	// workers is the number of replicas that the deprecated totals assume, whatever the service has.
	workers = 3
)

// scaling is the configured scaling of a service. NumReplicas is used in vertical mode, the band in horizontal mode.
type scaling struct {
	AutoscalingMode    string `json:"autoscalingMode"`
	MinReplicaMemoryGB int    `json:"minReplicaMemoryGb"`
	MaxReplicaMemoryGB int    `json:"maxReplicaMemoryGb"`
	NumReplicas        int    `json:"numReplicas,omitempty"`
	MinReplicas        int    `json:"minReplicas,omitempty"`
	MaxReplicas        int    `json:"maxReplicas,omitempty"`
	IdleScaling        bool   `json:"idleScaling"`
	IdleTimeoutMinutes int    `json:"idleTimeoutMinutes"`
}

// defaultScaling is what a service gets that asks for nothing.
func (c Config) defaultScaling() scaling {
	sc := scaling{
		AutoscalingMode: vertical, MinReplicaMemoryGB: 16, MaxReplicaMemoryGB: 120, NumReplicas: 3,
		IdleScaling: true, IdleTimeoutMinutes: 15,
	}
	if c.Basic {
		sc.NumReplicas, sc.MaxReplicaMemoryGB = 1, sc.MinReplicaMemoryGB
	}
	return sc
}

// The bounds differ between the two API documents and the plans.
func (c Config) maxMemory() int {
	switch {
	case c.Unpaid:
		return 120
	case c.OldAPI:
		return 240
	default:
		return 356
	}
}

func (c Config) minReplicaCount() int {
	if c.OldAPI {
		return 3
	}
	return 1
}

const maxReplicaCount = 20

// scalingRequest is what a request says about scaling; nil means nothing.
type scalingRequest struct {
	mode                     *string
	minMemory, maxMemory     *int
	num, minCount, maxCount  *int
	idle                     *bool
	timeout                  *int
	minTotalGB, maxTotalGB   *int
	touchesMemory, touchesUp bool // the request names memory; names replicas or the mode
}

// readScaling reads the scaling fields of a request: per replica, and the deprecated totals where they are known.
func (c *call) readScaling(f *fields, perReplica, totals bool) scalingRequest {
	var r scalingRequest
	if perReplica {
		r.minMemory = f.stepped("minReplicaMemoryGb", minMemory, c.cfg.maxMemory(), memoryStep)
		r.maxMemory = f.stepped("maxReplicaMemoryGb", minMemory, c.cfg.maxMemory(), memoryStep)
		if !c.cfg.OldAPI {
			r.mode = f.enum("autoscalingMode", vertical, horizontal)
			r.minCount = c.replicaCount(f, "minReplicas")
			r.maxCount = c.replicaCount(f, "maxReplicas")
		}
	}
	if totals {
		r.minTotalGB = f.stepped("minTotalMemoryGb", workers*minMemory, workers*c.cfg.maxMemory(), workers*memoryStep)
		r.maxTotalGB = f.stepped("maxTotalMemoryGb", workers*minMemory, workers*c.cfg.maxMemory(), workers*memoryStep)
		if (r.minTotalGB != nil || r.maxTotalGB != nil) && (r.minMemory != nil || r.maxMemory != nil) {
			f.fail(badRequest("request body: total memory and replica memory cannot be set together"))
		}
		if r.minTotalGB != nil {
			r.minMemory = ptr(*r.minTotalGB / workers)
		}
		if r.maxTotalGB != nil {
			r.maxMemory = ptr(*r.maxTotalGB / workers)
		}
	}
	r.num = c.replicaCount(f, "numReplicas")
	r.idle = f.boolean("idleScaling")
	if minutes := f.number("idleTimeoutMinutes"); minutes != nil {
		if *minutes < 5 {
			f.fail(badRequest("request body.idleTimeoutMinutes: must be at least 5 <number:%v>", *minutes))
		}
		r.timeout = ptr(int(math.Round(min(*minutes, 1e9)))) // any number is taken, whole minutes are kept
	}
	r.touchesMemory = r.minMemory != nil || r.maxMemory != nil
	r.touchesUp = r.mode != nil || r.num != nil || r.minCount != nil || r.maxCount != nil
	return r
}

func (c *call) replicaCount(f *fields, name string) *int {
	n := f.integer(name)
	if n == nil {
		return nil
	}
	if low := c.cfg.minReplicaCount(); *n < low {
		f.fail(badRequest("%s.%s: Number of replicas must be greater than %d <number:%d>", f.path, name, low, *n))
	}
	if *n > maxReplicaCount {
		f.fail(badRequest("%s.%s: Number of replicas must be less than %d <number:%d>", f.path, name, maxReplicaCount, *n))
	}
	return n
}

// apply gives the scaling that current becomes by the request. fresh means that current is only defaults, which yield to what
// the request implies.
func (c *call) apply(current scaling, r scalingRequest, fresh bool) (scaling, error) {
	next := current
	if r.mode != nil {
		next.AutoscalingMode = *r.mode
	}
	if err := next.setReplicas(current, r, fresh); err != nil {
		return next, err
	}
	if next.AutoscalingMode == horizontal && c.cfg.NoHorizontal {
		return next, refuse(cmp.Or(c.cfg.Statuses.Horizontal, http.StatusForbidden), "horizontal autoscaling is not enabled for this organization")
	}
	if err := next.setMemory(r, fresh); err != nil {
		return next, err
	}
	if c.cfg.Basic && next.MinReplicaMemoryGB != next.MaxReplicaMemoryGB {
		return next, badRequest("request body: minReplicaMemoryGb and maxReplicaMemoryGb must be equal in this plan")
	}
	if r.idle != nil {
		next.IdleScaling = *r.idle
	}
	if r.timeout != nil {
		if !next.IdleScaling {
			return next, badRequest("request body.idleTimeoutMinutes cannot be set when idleScaling is false")
		}
		next.IdleTimeoutMinutes = *r.timeout
	}
	return next, nil
}

// setReplicas applies the replica fields of a request: a count xor a whole band, and the one that belongs to the mode when the
// mode changes.
func (sc *scaling) setReplicas(current scaling, r scalingRequest, fresh bool) error {
	band := r.minCount != nil || r.maxCount != nil
	switch {
	case r.num != nil && band:
		return badRequest("request body: numReplicas cannot be set together with minReplicas and maxReplicas")
	case band && (r.minCount == nil || r.maxCount == nil):
		return badRequest("request body: minReplicas and maxReplicas must be set together")
	case band && *r.minCount > *r.maxCount:
		return badRequest("request body: minReplicas must not be greater than maxReplicas")
	}
	if sc.AutoscalingMode == horizontal {
		switch {
		case r.num != nil:
			return badRequest("request body: numReplicas cannot be set with horizontal autoscaling")
		case band:
			sc.NumReplicas, sc.MinReplicas, sc.MaxReplicas = 0, *r.minCount, *r.maxCount
		case current.AutoscalingMode != horizontal:
			return badRequest("request body: minReplicas and maxReplicas are required for horizontal autoscaling")
		}
		return nil
	}
	switch {
	case band && *r.minCount != *r.maxCount:
		return badRequest("request body: minReplicas and maxReplicas must be equal with vertical autoscaling")
	case band:
		sc.NumReplicas = *r.minCount // a band of one width is a count
	case r.num != nil:
		sc.NumReplicas = *r.num
	case current.AutoscalingMode != vertical && !fresh:
		return badRequest("request body: numReplicas is required for vertical autoscaling")
	}
	sc.MinReplicas, sc.MaxReplicas = 0, 0
	return nil
}

// setMemory applies the memory fields of a request. What a new service leaves out follows from what it sets.
func (sc *scaling) setMemory(r scalingRequest, fresh bool) error {
	if r.minMemory != nil {
		sc.MinReplicaMemoryGB = *r.minMemory
	}
	if r.maxMemory != nil {
		sc.MaxReplicaMemoryGB = *r.maxMemory
	}
	if fresh {
		switch {
		case sc.AutoscalingMode == horizontal && (r.minMemory == nil || r.maxMemory == nil):
			return badRequest("request body: minReplicaMemoryGb and maxReplicaMemoryGb are required for horizontal autoscaling")
		case r.minMemory == nil && sc.MinReplicaMemoryGB > sc.MaxReplicaMemoryGB:
			sc.MinReplicaMemoryGB = sc.MaxReplicaMemoryGB
		case r.maxMemory == nil && sc.MinReplicaMemoryGB > sc.MaxReplicaMemoryGB:
			sc.MaxReplicaMemoryGB = sc.MinReplicaMemoryGB
		}
	}
	if sc.MinReplicaMemoryGB > sc.MaxReplicaMemoryGB {
		return badRequest("request body: minReplicaMemoryGb must not be greater than maxReplicaMemoryGb")
	}
	if sc.AutoscalingMode == horizontal && sc.MinReplicaMemoryGB != sc.MaxReplicaMemoryGB {
		return badRequest("request body: minReplicaMemoryGb and maxReplicaMemoryGb must be equal with horizontal autoscaling")
	}
	return nil
}

// patchReplicaScaling handles PATCH replicaScaling.
func patchReplicaScaling(c *call) (any, error) { return c.patchScaling(true, false) }

// patchTotalScaling handles the deprecated PATCH scaling.
func patchTotalScaling(c *call) (any, error) { return c.patchScaling(false, true) }

func (c *call) patchScaling(perReplica, totals bool) (any, error) {
	svc, err := c.service()
	if err != nil {
		return nil, err
	}
	f, err := parseBody(c.body)
	if err != nil {
		return nil, err
	}
	r := c.readScaling(f, perReplica, totals)
	if err := f.done(c.cfg.Lenient); err != nil {
		return nil, err
	}
	if err := c.provisioned(svc); err != nil {
		return nil, err
	}
	if svc.stateAt(c.now) == stateStopped {
		if err := unless(c.cfg.Statuses.StoppedScaling, http.StatusOK, "a stopped service cannot be scaled"); err != nil {
			return nil, err
		}
	}
	next, err := c.apply(svc.scaling, r, false)
	if err != nil {
		return nil, err
	}
	changed := *svc
	running := svc.effective(c.now)
	changed.scaling = next
	changed.Effective, changed.EffectiveUntil = &running, c.now.Add(c.cfg.Delays.Scale)
	replace(c.st.Services, svc, &changed)
	c.did(doneTo(svc, scalingActivities(r)...)...)
	return c.viewService(&changed), nil
}

func scalingActivities(r scalingRequest) []string {
	var kinds []string
	if r.touchesMemory {
		kinds = append(kinds, "service_update_autoscaling_memory")
	}
	if r.touchesUp {
		kinds = append(kinds, "service_update_autoscaling_replicas")
	}
	if r.idle != nil || r.timeout != nil {
		kinds = append(kinds, "service_update_autoscaling_idling")
	}
	return kinds
}

// effective is the scaling that runs at a time: the configured one, once its effect has arrived.
func (s *service) effective(at time.Time) scaling {
	if s.Effective != nil && at.Before(s.EffectiveUntil) {
		return *s.Effective
	}
	return s.scaling
}

type currentScalingView struct {
	Mode         string `json:"effectiveAutoscalingMode"`
	MinMemory    int    `json:"effectiveMinReplicaMemoryGb"`
	MaxMemory    int    `json:"effectiveMaxReplicaMemoryGb"`
	MinReplicas  int    `json:"effectiveMinReplicas"`
	MaxReplicas  int    `json:"effectiveMaxReplicas"`
	IdleScaling  bool   `json:"effectiveIdleScaling"`
	IdleTimeoutM int    `json:"effectiveIdleTimeoutMinutes"`
}

func viewCurrentScaling(sc scaling) currentScalingView {
	v := currentScalingView{
		sc.AutoscalingMode, sc.MinReplicaMemoryGB, sc.MaxReplicaMemoryGB,
		sc.NumReplicas, sc.NumReplicas, sc.IdleScaling, sc.IdleTimeoutMinutes,
	}
	if sc.AutoscalingMode == horizontal {
		v.MinReplicas, v.MaxReplicas = sc.MinReplicas, sc.MaxReplicas
	}
	return v
}

func ptr[T any](v T) *T { return &v }
