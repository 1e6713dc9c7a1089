package main

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
)

// readable is something that get shows. What is special about one is said here; get knows none by name.
type readable struct {
	name    string // as it is typed and listed
	single  string // of one of them; its spelling does not matter beyond letters
	address string // what names of them begin with; those that manifests have, too, are spelt as there
	does    string

	service bool   // the first argument is the service that it is of
	whole   bool   // the service may be left out
	region  bool   // --provider and --region may stand in its place
	dated   period // what --from and --to are of it
	watched bool   // it changes by itself
	takes   string // the last argument, which may be left out: a NAME to be found in the list, or an ID that only the API knows; "" for none

	// Below the organization; {service} and {id} stand for ids.
	path   string // of all
	one    string // of a single one; "" if only all can be read
	member string // of the object at path, which is where they are
	rows   string // member of an object whose elements have a row each in its table, before its own; "" if it has nothing but its own

	// text reads what is text for programs, and no object, of a service or of all.
	text func(ctx context.Context, api *cloudapi.API, organization, service string) (string, error)

	names   []string // fields of which the first that an object has is its name
	joined  []string // fields that together, with slashes, are its name; names then holds what is enough of it
	fold    bool     // names are the same in whatever case
	id      string   // the field of the id
	columns []column
}

// period is how the API takes the time that something is of.
type period int

const (
	undated  period = iota // not at all
	byMoment               // from one moment to another, either of which may be left open
	byDay                  // whole days, of which it wants the first and the last
)

// column is one of a table.
type column struct {
	title string
	wide  bool // only with -o wide
	text  func(view.Object) string
}

// readables are all, in the order in which they are listed.
var readables = []*readable{
	{
		name: "organization", address: "organization", does: "the organization itself",
		names: []string{"name"}, id: "id",
		columns: []column{
			{"NAME", false, field("name")},
			{"CREATED", false, field("createdAt")},
			{"CORE DUMPS", false, field("enableCoreDumps")},
			{"PRIVATE ENDPOINTS", false, count("privateEndpoints.id")},
			{"ID", true, field("id")},
		},
	},
	{
		name: "services", single: "service", address: "service", does: "services and how they are", takes: "NAME", watched: true,
		path: "services", one: "services/{id}", names: []string{"name"}, id: "id",
		columns: []column{
			{"NAME", false, field("name")},
			{"STATE", false, field("state")},
			{"PROVIDER", false, field("provider")},
			{"REGION", false, field("region")},
			{"REPLICAS", false, band("numReplicas", "minReplicas", "maxReplicas")},
			{"GB", false, band("replicaMemoryGb", "minReplicaMemoryGb", "maxReplicaMemoryGb")},
			{"VERSION", false, field("clickhouseVersion")},
			{"CHANNEL", true, field("releaseChannel")},
			{"CREATED", true, field("createdAt")},
			{"WAREHOUSE", true, field("dataWarehouseId")},
			{"ID", true, field("id")},
		},
	},
	{
		name: "keys", single: "key", address: "key", does: "API keys, without their secrets", takes: "NAME",
		path: "keys", one: "keys/{id}", names: []string{"name"}, id: "id",
		columns: []column{
			{"NAME", false, field("name")},
			{"STATE", false, field("state")},
			{"ROLES", false, roles},
			{"EXPIRES", false, field("expireAt")},
			{"LAST USED", false, field("usedAt")},
			{"ADDRESSES", false, every("ipAccessList.source")},
			{"SUFFIX", true, field("keySuffix")},
			{"CREATED", true, field("createdAt")},
			{"ID", true, field("id")},
		},
	},
	{
		name: "members", single: "member", address: "member", does: "people who have joined", takes: "EMAIL",
		path: "members", one: "members/{id}", names: []string{"email", "userId"}, fold: true, id: "userId",
		columns: []column{
			{"EMAIL", false, field("email")},
			{"NAME", false, field("name")},
			{"ROLES", false, roles},
			{"JOINED", false, field("joinedAt")},
			{"ID", true, field("userId")},
		},
	},
	{
		name: "invitations", single: "invitation", address: "invitation", does: "people who have not joined yet", takes: "EMAIL",
		path: "invitations", one: "invitations/{id}", names: []string{"email"}, fold: true, id: "id",
		columns: []column{
			{"EMAIL", false, field("email")},
			{"ROLES", false, roles},
			{"INVITED", false, field("createdAt")},
			{"EXPIRES", false, field("expireAt")},
			{"ID", true, field("id")},
		},
	},
	{
		name: "roles", single: "role", address: "role", does: "roles, what they allow and how many hold them", takes: "NAME",
		path: "roles", one: "roles/{id}", names: []string{"name"}, fold: true, id: "id",
		columns: []column{
			{"NAME", false, field("name")},
			{"TYPE", false, field("type")},
			{"HOLDERS", false, count("actors")},
			{"UPDATED", false, field("updatedAt")},
			{"PERMISSIONS", true, every("policies.permissions")},
			{"ID", true, field("id")},
		},
	},
	{
		name: "private-endpoints", single: "private-endpoint", address: "privateEndpoint", does: "private endpoints that the organization has registered", takes: "NAME",
		member: "privateEndpoints", joined: []string{"cloudProvider", "region", "id"}, names: []string{"id"},
		columns: []column{
			{"ID", false, field("id")}, {"PROVIDER", false, field("cloudProvider")}, {"REGION", false, field("region")}, {"DESCRIPTION", false, field("description")},
		},
	},
	{
		name: "activities", single: "activity", address: "activity", does: "who did what, newest first as the API has it", takes: "ID", dated: byMoment,
		path: "activities", one: "activities/{id}", names: []string{"id"},
		columns: []column{
			{"TIME", false, field("createdAt")},
			{"TYPE", false, field("type")},
			{"ACTOR", false, either("actorDetails", "actorId")},
			{"BY", false, field("actorType")},
			{"ID", false, field("id")},
			{"ADDRESS", true, field("actorIpAddress")},
			{"SERVICE", true, field("serviceId")},
			{"USER AGENT", true, field("userAgent")},
		},
	},
	{
		name: "backups", single: "backup", address: "backup", does: "backups of a service", service: true, takes: "ID",
		path: "services/{service}/backups", one: "services/{service}/backups/{id}", names: []string{"id"},
		columns: []column{
			{"STARTED", false, field("startedAt")},
			{"STATUS", false, field("status")},
			{"TYPE", false, field("type")},
			{"BYTES", false, field("sizeInBytes")},
			{"SECONDS", false, field("durationInSeconds")},
			{"ID", false, field("id")},
			{"NAME", true, field("backupName")},
			{"BUCKET", true, field("bucket.bucketPath")},
		},
	},
	{
		name: "backup-configuration", address: "backup-configuration", does: "when a service is backed up, and for how long that is kept", service: true,
		path: "services/{service}/backupConfiguration",
		columns: []column{
			{"EVERY HOURS", false, field("backupPeriodInHours")}, {"KEPT HOURS", false, field("backupRetentionPeriodInHours")}, {"AT", false, field("backupStartTime")},
		},
	},
	{
		name: "private-endpoint-config", address: "private-endpoint-config", does: "what your side of a private endpoint is set up with", service: true, region: true,
		path: "services/{service}/privateEndpointConfig",
		columns: []column{
			{"ENDPOINT SERVICE", false, field("endpointServiceId")}, {"PRIVATE DNS", false, field("privateDnsHostname")},
		},
	},
	{
		name: "metrics", single: "metric", does: "metrics of one service or of all, as Prometheus reads them", service: true, whole: true, text: metrics,
	},
	{
		name: "quotas", single: "quota", address: "quota", does: "limits of the organization and how much of them is used", takes: "CODE",
		path: "quotas", one: "quotas/{id}", names: []string{"quotaCode"}, id: "quotaCode",
		columns: []column{
			{"CODE", false, field("quotaCode")},
			{"USED", false, field("usage")},
			{"LIMIT", false, field("value")},
			{"OF", false, field("scope")},
			{"ADJUSTABLE", false, field("adjustable")},
			{"NAME", true, field("name")},
			{"DESCRIPTION", true, field("description")},
		},
	},
	{
		name: "usage-cost", address: "usage-cost", does: "what each day of the last 31, or of others, has cost, in ClickHouse credits", dated: byDay,
		path: "usageCost", rows: "costs",
		columns: []column{
			{"DATE", false, func(o view.Object) string { return cmp.Or(o.Text("date"), "all") }},
			{"OF", false, field("entityType")},
			{"NAME", false, field("entityName")},
			{"COMPUTE", false, field("metrics.computeCHC")},
			{"STORAGE", false, field("metrics.storageCHC")},
			{"BACKUP", false, field("metrics.backupCHC")},
			{"TOTAL", false, either("totalCHC", "grandTotalCHC")},
			{"FINAL", false, field("locked")},
			{"PUBLIC TRANSFER", true, field("metrics.publicDataTransferCHC")},
			{"WAREHOUSE", true, field("dataWarehouseId")},
			{"ID", true, field("entityId")},
		},
	},
}

// readableNamed finds what is meant by a word, in whatever case and with or without hyphens: private-endpoint is privateEndpoints.
func readableNamed(word string) *readable {
	letters := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "")) }
	i := slices.IndexFunc(readables, func(r *readable) bool {
		return letters(word) == letters(r.name) || r.single != "" && letters(word) == letters(r.single)
	})
	if i < 0 {
		return nil
	}
	return readables[i]
}

// arguments is how a thing is asked for, as the list of them and the help have it.
func (r *readable) arguments() string {
	var parts []string
	switch {
	case r.whole:
		parts = append(parts, "[SERVICE]")
	case r.service:
		parts = append(parts, "SERVICE")
	}
	if r.takes != "" {
		parts = append(parts, "["+r.takes+"]")
	}
	return strings.Join(append([]string{r.name}, parts...), " ")
}

// parts are the arguments that an address holds behind its kind: the name of an object, or a service and the id of what is of it.
func (r *readable) parts(name string) []string {
	if i := strings.LastIndex(name, "/"); i >= 0 && r.service && r.takes != "" {
		return []string{name[:i], name[i+1:]}
	}
	return []string{name}
}

func readableTerms() []view.HelpTerm {
	terms := make([]view.HelpTerm, len(readables))
	for i, r := range readables {
		terms[i] = view.HelpTerm{Name: r.name, Text: r.does}
	}
	return terms
}

// title is the name of one that is shown.
func (r *readable) title(o view.Object) string {
	if r.joined != nil {
		parts := make([]string, len(r.joined))
		for i, f := range r.joined {
			parts[i] = o.Text(f)
		}
		return strings.Join(parts, "/")
	}
	for _, f := range r.names {
		if name := o.Text(f); name != "" {
			return name
		}
	}
	return ""
}

// meant reports whether a name is one of an object.
func (r *readable) meant(o view.Object, name string) bool {
	same := func(have string) bool { return have != "" && (have == name || r.fold && strings.EqualFold(have, name)) }
	title := r.title(o)
	if same(title) || r.id != "" && same(title+"#"+o.Text(r.id)) {
		return true
	}
	return r.joined != nil && same(o.Text(r.names[0]))
}

func metrics(ctx context.Context, api *cloudapi.API, organization, service string) (string, error) {
	if service == "" {
		return api.OrganizationMetrics(ctx, organization)
	}
	return api.ServiceMetrics(ctx, organization, service)
}

func field(path string) func(view.Object) string {
	return func(o view.Object) string { return o.Text(path) }
}

func either(paths ...string) func(view.Object) string {
	return func(o view.Object) string {
		for _, path := range paths {
			if text := o.Text(path); text != "" {
				return text
			}
		}
		return ""
	}
}

func every(path string) func(view.Object) string {
	return func(o view.Object) string { return strings.Join(o.Values(path), ", ") }
}

func count(path string) func(view.Object) string {
	return func(o view.Object) string { return strconv.Itoa(len(o.Values(path))) }
}

// band is a number that the API shows as one, or as the bounds of it.
func band(one, least, most string) func(view.Object) string {
	return func(o view.Object) string {
		low, high := o.Text(least), o.Text(most)
		switch {
		case o.Text(one) != "":
			return o.Text(one)
		case low == high:
			return low
		default:
			return low + "-" + high
		}
	}
}

// roles are those that are assigned, or in an organization of old the one or several that it has by name.
func roles(o view.Object) string {
	for _, path := range []string{"assignedRoles.roleName", "roles", "role"} {
		if names := o.Values(path); len(names) > 0 {
			return strings.Join(names, ", ")
		}
	}
	return ""
}
