package cloudapi

import "context"

// State is the state of a service. There may be states that are not listed here.
type State string

// The known states.
const (
	StateProvisioning     State = "provisioning"
	StateStarting         State = "starting"
	StateAwaking          State = "awaking"
	StateRunning          State = "running"
	StatePartiallyRunning State = "partially_running"
	StateIdle             State = "idle" // scaled to zero, wakes on a query
	StateStopping         State = "stopping"
	StateStopped          State = "stopped"
	StateDegraded         State = "degraded"
	StateFailed           State = "failed"
	StateTerminating      State = "terminating"
	StateTerminated       State = "terminated"
	StateSoftDeleting     State = "softdeleting"
	StateSoftDeleted      State = "softdeleted"
)

// StateCommand asks a service to change its state.
type StateCommand string

// The known commands. Start does not wake an idle service and awake does not start a stopped one; old servers do not know
// awake.
const (
	CommandStart StateCommand = "start"
	CommandStop  StateCommand = "stop"
	CommandAwake StateCommand = "awake"
)

// CommandService starts a change of state. The service in the reply may show the old, an intermediate or the new state.
// API: PATCH /v1/organizations/{organizationId}/services/{serviceId}/state
func (a *API) CommandService(ctx context.Context, orgID, serviceID string, c StateCommand) (Service, error) {
	body := struct {
		Command StateCommand `json:"command"`
	}{c}
	return patch[Service](ctx, a, servicePath(orgID, serviceID, "state"), body)
}
