package sim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

// Config holds everything about the simulated API that a test or a rehearsal may want to bend. The zero value is a faithful
// organization that has migrated to custom roles: no delays, no rate limit, no faults, strict request bodies.
//
// Config is plain data: it round-trips through JSON, where durations are strings such as "30s".
type Config struct {
	RateLimit RateLimit `json:"rateLimit,omitzero"`
	Delays    Delays    `json:"delays,omitzero"`
	Statuses  Statuses  `json:"statuses,omitzero"`

	Faults []Fault  `json:"faults,omitempty"`
	Denied []Denial `json:"denied,omitempty"`
	// Seed makes the faults that fire by probability repeatable.
	Seed int64 `json:"seed,omitempty"`

	// CallerIP is the source address of every request. Empty means 127.0.0.1 in process and the peer's address over HTTP.
	CallerIP string `json:"callerIP,omitempty"`

	// LegacyRoles answers as an organization that has not migrated to custom roles: role and roles instead of assignedRoles.
	LegacyRoles bool `json:"legacyRoles,omitempty"`
	// LegacyRolesListed lets GET roles succeed although LegacyRoles is set; without it that answers 404.
	LegacyRolesListed bool `json:"legacyRolesListed,omitempty"`
	// OldAPI answers in the shape of the older API document, knows only its endpoints and request fields, and implies LegacyRoles.
	OldAPI bool `json:"oldAPI,omitempty"`

	// Lenient ignores unknown request fields instead of refusing them.
	Lenient bool `json:"lenient,omitempty"`
	// IgnoredOnCreate are fields that the creation of a service takes and does nothing with.
	IgnoredOnCreate []string `json:"ignoredOnCreate,omitempty"`
	// FloatNumbers writes every number of a result with a fraction: 3.0 for 3.
	FloatNumbers bool `json:"floatNumbers,omitempty"`
	// FutureFields adds a field and an enum value that no document knows to every result.
	FutureFields bool `json:"futureFields,omitempty"`
	// WholeSeconds keeps of an expireAt no fraction of its second; otherwise milliseconds are kept.
	WholeSeconds bool `json:"wholeSeconds,omitempty"`
	// EmptyDeleteBody answers a DELETE with an empty body instead of an envelope.
	EmptyDeleteBody bool `json:"emptyDeleteBody,omitempty"`
	// StaleMemberEcho makes PATCH member answer with the roles held before.
	StaleMemberEcho bool `json:"staleMemberEcho,omitempty"`
	// SAMLMembers gives members that join an id of the form samlp|UUID|EMAIL.
	SAMLMembers bool `json:"samlMembers,omitempty"`
	// ExpiredInvitationsListed keeps expired invitations visible.
	ExpiredInvitationsListed bool `json:"expiredInvitationsListed,omitempty"`
	// StartTimeResetsPeriod lets a backup start time reset the backup period even where the same request sets one.
	StartTimeResetsPeriod bool `json:"startTimeResetsPeriod,omitempty"`
	// AutoIdle lets running services go idle after their idle timeout.
	AutoIdle bool `json:"autoIdle,omitempty"`

	// Basic is the smallest plan: one replica by default, and memory that does not scale.
	Basic bool `json:"basic,omitempty"`
	// Unpaid caps the memory of a replica at 120 GB.
	Unpaid bool `json:"unpaid,omitempty"`
	// NoHorizontal withdraws the entitlement to horizontal autoscaling.
	NoHorizontal bool `json:"noHorizontal,omitempty"`

	// ServiceQuota limits the services of the organization; 0 means 1000.
	ServiceQuota int `json:"serviceQuota,omitempty"`
	// WarehouseLimit limits the services of one warehouse; 0 means 5.
	WarehouseLimit int `json:"warehouseLimit,omitempty"`
	// KeyLimit limits the API keys of the organization; 0 means 100.
	KeyLimit int `json:"keyLimit,omitempty"`
}

// Validate reports the first setting that cannot be honoured.
func (c Config) Validate() error {
	if err := errors.Join(stage.ValidateFaults(c.Faults), c.RateLimit.Validate()); err != nil {
		return err
	}
	if c.CallerIP != "" {
		if _, err := netip.ParseAddr(c.CallerIP); err != nil {
			return fmt.Errorf("callerIP: %w", err)
		}
	}
	return nil
}

// precision is what the API keeps of a moment.
func (c Config) precision() time.Duration {
	if c.WholeSeconds {
		return time.Second
	}
	return time.Millisecond
}

func (c Config) legacyRoles() bool { return c.LegacyRoles || c.OldAPI }

func (c Config) serviceQuota() int   { return cmp.Or(c.ServiceQuota, 1000) }
func (c Config) warehouseLimit() int { return cmp.Or(c.WarehouseLimit, 5) }
func (c Config) keyLimit() int       { return cmp.Or(c.KeyLimit, 100) }

// Delays say how long things take. All but Latency pass on the simulated clock and cost no real time to Advance over.
type Delays struct {
	// Latency is real time that each request takes before it is handled.
	Latency time.Duration

	Provision time.Duration // a new service is provisioning
	Start     time.Duration // a started service is starting
	Warmup    time.Duration // a provisioned or started service is partially_running before it is running
	Stop      time.Duration // a stopped service is stopping
	Awake     time.Duration // a woken service is awaking
	Delete    time.Duration // a deleted service is terminating before it is gone

	DeleteRefusal time.Duration // DELETE still answers 409 after a service became stopped
	Scale         time.Duration // currentScaling shows the old figures
	Visibility    time.Duration // a new service answers 404 and is not listed
	Lag           time.Duration // reads answer from the state this long ago, key states excepted
	ActivityLag   time.Duration // an activity is not listed yet

	// InvitationTTL is the lifetime of an invitation; 0 means seven days.
	InvitationTTL time.Duration
}

func (d *Delays) byName() map[string]*time.Duration {
	return map[string]*time.Duration{
		"latency": &d.Latency, "provision": &d.Provision, "start": &d.Start, "warmup": &d.Warmup, "stop": &d.Stop,
		"awake": &d.Awake, "delete": &d.Delete, "deleteRefusal": &d.DeleteRefusal, "scale": &d.Scale,
		"visibility": &d.Visibility, "lag": &d.Lag, "activityLag": &d.ActivityLag, "invitationTTL": &d.InvitationTTL,
	}
}

// MarshalJSON writes the delays that are set, by lower camel-case name.
func (d Delays) MarshalJSON() ([]byte, error) {
	set := map[string]stage.Duration{}
	for name, value := range d.byName() {
		if *value != 0 {
			set[name] = stage.Duration(*value)
		}
	}
	return json.Marshal(set)
}

// UnmarshalJSON reads what MarshalJSON writes and refuses unknown names.
func (d *Delays) UnmarshalJSON(data []byte) error {
	var set map[string]stage.Duration
	if err := json.Unmarshal(data, &set); err != nil {
		return err
	}
	fields := d.byName()
	for name, value := range set {
		field, ok := fields[name]
		if !ok {
			return fmt.Errorf("delays: unknown field %q", name)
		}
		*field = time.Duration(value)
	}
	return nil
}

// Statuses choose how the API refuses what nobody has documented. Zero means the default named with each field; where 200 is
// offered, the request is accepted instead.
type Statuses struct {
	OwnKey               int `json:"ownKey,omitempty"`               // DELETE of the calling key: 400
	PastExpiry           int `json:"pastExpiry,omitempty"`           // creating a key whose expireAt has passed: 400; 200 creates it
	LastAdmin            int `json:"lastAdmin,omitempty"`            // removing or demoting the last admin: 400
	KeyLimit             int `json:"keyLimit,omitempty"`             // one key too many: 400
	ServiceQuota         int `json:"serviceQuota,omitempty"`         // one service too many: 400
	DeniedSource         int `json:"deniedSource,omitempty"`         // the key's IP list excludes the caller: 403
	MigratedRole         int `json:"migratedRole,omitempty"`         // a legacy role after the migration: 400
	DuplicateInvitation  int `json:"duplicateInvitation,omitempty"`  // the email is invited already: 409; 200 invites again
	JoinedInvitation     int `json:"joinedInvitation,omitempty"`     // the email has joined already: 409; 200 invites anyway
	DuplicateSource      int `json:"duplicateSource,omitempty"`      // adding a source that exists: 400; 200 replaces it
	DuplicateTag         int `json:"duplicateTag,omitempty"`         // adding a tag key that exists: 400; 200 replaces it
	AttachedEndpoint     int `json:"attachedEndpoint,omitempty"`     // attaching an attached endpoint: 400; 200 ignores it
	UnregisteredEndpoint int `json:"unregisteredEndpoint,omitempty"` // attaching an endpoint by PATCH that is not registered: 200 registers it; another status refuses it
	EndpointInUse        int `json:"endpointInUse,omitempty"`        // unregistering an attached endpoint: 400; 200 allows it
	StateCommand         int `json:"stateCommand,omitempty"`         // a command the current state does not know: 409
	Provisioning         int `json:"provisioning,omitempty"`         // scaling, password or backup configuration of a service being provisioned: 409; 200 accepts them
	PrimaryInUse         int `json:"primaryInUse,omitempty"`         // stop or DELETE of a primary with secondaries: 400
	Horizontal           int `json:"horizontal,omitempty"`           // horizontal autoscaling without entitlement: 403
	StoppedScaling       int `json:"stoppedScaling,omitempty"`       // scaling a stopped service: 200; another status refuses it
	SecondaryBackup      int `json:"secondaryBackup,omitempty"`      // backupConfiguration of a secondary: 400
}

// Denial refuses matching requests with 403, as a role without the permission would.
type Denial struct {
	// Key is the name of the API key; empty means every key.
	Key string `json:"key,omitempty"`
	// Method is an HTTP method; empty means every method.
	Method string `json:"method,omitempty"`
	// Path is a glob over the request path; see Fault.Path.
	Path string `json:"path"`
}
