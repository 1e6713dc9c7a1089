package cloudapi

import "context"

// CurrentScaling is what a service runs with at the moment.
type CurrentScaling struct {
	EffectiveAutoscalingMode    string   `json:"effectiveAutoscalingMode"`
	EffectiveMinReplicaMemoryGB *float64 `json:"effectiveMinReplicaMemoryGb"`
	EffectiveMaxReplicaMemoryGB *float64 `json:"effectiveMaxReplicaMemoryGb"`
	EffectiveMinReplicas        *float64 `json:"effectiveMinReplicas"`
	EffectiveMaxReplicas        *float64 `json:"effectiveMaxReplicas"`
	EffectiveIdleScaling        *bool    `json:"effectiveIdleScaling"`
	EffectiveIdleTimeoutMinutes *float64 `json:"effectiveIdleTimeoutMinutes"`
	ActiveEntryID               string   `json:"activeEntryId"` // of the scaling schedule
}

// ReplicaScalingPatch changes scaling and idling. The API takes NumReplicas or else MinReplicas with MaxReplicas, wants the
// replica field of the new mode with a change of mode, and refuses IdleTimeoutMinutes with IdleScaling false.
type ReplicaScalingPatch struct {
	AutoscalingMode    *string  `json:"autoscalingMode,omitempty"`
	MinReplicaMemoryGB *float64 `json:"minReplicaMemoryGb,omitempty"`
	MaxReplicaMemoryGB *float64 `json:"maxReplicaMemoryGb,omitempty"`
	NumReplicas        *float64 `json:"numReplicas,omitempty"`
	MinReplicas        *float64 `json:"minReplicas,omitempty"`
	MaxReplicas        *float64 `json:"maxReplicas,omitempty"`
	IdleScaling        *bool    `json:"idleScaling,omitempty"`
	IdleTimeoutMinutes *float64 `json:"idleTimeoutMinutes,omitempty"`
}

// PatchReplicaScaling changes scaling and idling. The configuration shows soon, the effect takes minutes, and a later
// request supersedes one still in progress.
// API: PATCH /v1/organizations/{organizationId}/services/{serviceId}/replicaScaling
func (a *API) PatchReplicaScaling(ctx context.Context, orgID, serviceID string, p ReplicaScalingPatch) (Service, error) {
	return patch[Service](ctx, a, servicePath(orgID, serviceID, "replicaScaling"), p)
}
