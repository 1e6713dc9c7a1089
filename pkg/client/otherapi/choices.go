package otherapi

import "time"

// Choices is what this server does where the API leaves a choice, or where one would not think first of it. The zero
// value takes none of them. After each stands the section of FACTS (docs/api-facts.md) that leaves room for it.
type Choices struct {
	// Replies.

	WholeSeconds bool // timestamps are kept to the second, those that a client sent included (1.8)
	NumericZone  bool // timestamps end in +00:00 instead of Z (1.8)
	Nulls        bool // a field without a value is null instead of absent (1.8)
	NoEmptyLists bool // a list without entries counts as a field without a value (1.8)
	Floats       bool // whole numbers are written 3.0 (1.8)
	Shuffled     bool // everything but IP access lists comes in another order each time (1.7)
	Future       bool // objects have fields, and open sets values, that no reference knows yet (1.8)
	Gzip         bool // bodies are compressed for whoever accepts it, and chunked for everybody (1.2)
	BareErrors   bool // errors have no requestId (1.3)
	EmptyDelete  bool // a deletion has an empty body (1.2)
	StaleReplies bool // a PATCH, of anything but a key, is answered with the object as it was before (6.2, 11)

	// Requests.

	Strict   bool          // unknown fields of a request are refused (1.8)
	Burst    int           // so many requests in any ten seconds, a sliding window; 0 is no limit (1.5)
	Skew     time.Duration // how far the server's clock is from ours (1.8)
	NoQuotas bool          // there are no quotas to read (7)

	// Reads after writes.

	HiddenReads time.Duration // how long reads of a new service by its id give 404 (5.3, 11)
	HiddenLists int           // so many lists leave a new service out (11)
	ListLag     time.Duration // lists of services and people show objects as they were so long ago (11)
	GetLag      time.Duration // single reads of services and people do, too (11)

	// Services.

	NoTags           bool          // a creation with tags is refused, and none are shown (12)
	SparseCreate     bool          // a service on its way shows neither endpoints nor tags (5.3)
	NormalCIDR       bool          // a bare address of an access list becomes a network of one (5.4)
	TrimmedNames     bool          // white space around names is dropped (5.1)
	MinutesOnly      bool          // idle timeouts are rounded up to whole minutes (5.7.1)
	PairedTags       bool          // a removal that names another value than the tag's leaves it in place (5.5)
	RefusesAgain     bool          // adding a source, tag key or endpoint that is there is refused, not ignored (5.4 to 5.6)
	TextBooleans     bool          // isPrimary is "true" or "false" (12)
	StartResets      bool          // setting backupStartTime sets the period to 24 (5.10)
	LongRetention    bool          // backups are kept for 720 hours by default (5.10)
	BusyRefuses      bool          // whatever is on its way cannot be patched: 409 (8.6)
	IgnoredOnCreate  []string      // fields of a creation that have no effect (5.1)
	ProvisioningPath []string      // the states between provisioning and running (8.1)
	ProvisioningTime time.Duration // from creation to running; the path shares it evenly
	CommandTime      time.Duration // how long a start, a stop and a deletion take
	IdlesAtOnce      bool          // what has come up is idle (8.1)
	StopsInIdle      bool          // a stop ends in idle (8.2)
	DeleteConflict   time.Duration // how long a stopped service still cannot be deleted (8.5)
	Lingers          time.Duration // how long the list shows a deleted service as terminated (8.5)

	// Keys and people.

	Roles        RoleModel
	SuffixLength int           // how much of a key's id keySuffix shows; 0 is 4 (6.1)
	EmailsTyped  bool          // addresses keep the case in which they were typed (6.3)
	ActivityLag  time.Duration // how late a write appears in the activity log (7)
	NoUserAgent  bool          // activities do not say who wrote (7)
}

// RoleModel says how the organization assigns roles (FACTS 6).
type RoleModel int

const (
	// Migrated organizations assign roles by id; the legacy fields are frozen at "developer", whatever somebody was.
	Migrated RoleModel = iota
	// MigratedBare is Migrated without legacy fields.
	MigratedBare
	// Legacy organizations have legacy roles, and list the system roles all the same.
	Legacy
	// LegacyUnlisted is Legacy without a list of roles.
	LegacyUnlisted
)

func (m RoleModel) migrated() bool { return m == Migrated || m == MigratedBare }
