package main

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/cloud"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/client/secret"
	"github.com/orgctl/orgctl/pkg/client/sim"
	"github.com/orgctl/orgctl/pkg/spec"
)

// clickhouse is ClickHouse Cloud.
var clickhouse = provider{
	api:   spec.ClickHouse,
	keyID: "CLICKHOUSE_CLOUD_API_KEY", keySecret: "CLICKHOUSE_CLOUD_API_SECRET", organization: "CLICKHOUSE_ORG_ID", url: "CLICKHOUSE_API_URL",
	dialect: cloudapi.Dialect(), defaultURL: "https://api.clickhouse.cloud",
	denied: "the key may be wrong, disabled or expired, or its IP list may not hold this address",
	connect: func(_ *env, c *client.Client, t *target) (api, error) {
		return &clickhouseCloud{API: cloudapi.New(c), target: t}, nil
	},
	sandbox: openClickhouse, serve: clickhouseSandbox, readables: clickhouseReadables,
}

type clickhouseCloud struct {
	*cloudapi.API
	target *target
	found  *cloudapi.Organization // as identify has read it
}

func (c *clickhouseCloud) identify(ctx context.Context, wanted string) (string, error) {
	found, err := cloud.Identify(ctx, c.API, wanted)
	c.found = &found
	return found.ID, err
}

func (c *clickhouseCloud) backend(w work) apply.Backend {
	options := cloud.Options{
		OrganizationID: w.organization, KeyID: c.target.credentials.KeyID, UserAgent: c.target.userAgent, Tick: c.target.tick,
		Secrets: w.secrets, ServerSecrets: w.serverSecrets, Journal: w.journal, Limits: w.limits, Settle: w.settle,
	}
	if w.identified {
		options.Identified = c.found
	}
	return cloud.New(c.API, options)
}

func openClickhouse(file string) (*simulator, error) {
	server, err := sim.Open(file, sim.Config{})
	if err != nil {
		return nil, err
	}
	credentials := server.Credentials()
	return &simulator{
		transport: server.Transport(), url: "http://127.0.0.1",
		credentials: client.Credentials{KeyID: credentials.KeyID, KeySecret: secret.New(credentials.KeySecret)},
		instant:     server.Config().Delays == (sim.Delays{}),
	}, nil
}

func clickhouseSandbox(o sandboxOptions) (sandbox, error) {
	server, err := sim.Open(o.state, sim.Config{
		RateLimit: sim.RateLimit{Requests: o.rate.Requests, Window: o.rate.Window},
		Delays:    sim.Delays{Provision: o.provision, Latency: o.latency, Lag: o.lag},
	})
	if err != nil {
		return sandbox{}, err
	}
	credentials := server.Credentials()
	return sandbox{server, credentials.OrganizationID, func(address string) string {
		// Other clients know these variables, too. Some of them append paths to the URL as it is, hence /v1, which orgctl can do without.
		return fmt.Sprintf("export CLICKHOUSE_API_URL=http://%s/v1\nexport CLICKHOUSE_ORG_ID=%s\nexport CLICKHOUSE_CLOUD_API_KEY=%s\nexport CLICKHOUSE_CLOUD_API_SECRET=%s\n",
			address, credentials.OrganizationID, credentials.KeyID, credentials.KeySecret)
	}}, nil
}

var (
	activityPeriod = period{query: func(from, to, _ time.Time) (url.Values, error) {
		if !from.IsZero() && !to.IsZero() && to.Before(from) {
			return nil, errFromAfterTo
		}
		return cloudapi.ActivityPeriod{From: from, To: to}.Query(), nil
	}}
	costPeriod = period{days: true, query: days}
)

// mostDays is how many days the API tells the cost of at once (FACTS 7).
const mostDays = 31

// days are those of a period in UTC, the first and the last included. What is left open of it is made as long as it can be, up to
// today.
func days(from, to, now time.Time) (url.Values, error) {
	day := func(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
	first, last := day(from), day(to)
	if to.IsZero() {
		last = day(now)
	}
	if from.IsZero() {
		first = last.AddDate(0, 0, 1-mostDays)
	}
	switch {
	case last.Before(first) && to.IsZero():
		return nil, usage("--from is in the future")
	case last.Before(first):
		return nil, errFromAfterTo
	}
	if n := int(last.Sub(first).Hours())/24 + 1; n > mostDays {
		return nil, usage("%s to %s are %d days, and the API tells of %d at once; choose others with --from and --to",
			first.Format(time.DateOnly), last.Format(time.DateOnly), n, mostDays)
	}
	return url.Values{"from_date": {first.Format(time.DateOnly)}, "to_date": {last.Format(time.DateOnly)}}, nil
}

// clickhouseReadables are what ClickHouse Cloud lets read, in the order in which they are listed.
var clickhouseReadables = []*readable{
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
		name: "activities", single: "activity", address: "activity", does: "who did what, newest first as the API has it", takes: "ID", period: &activityPeriod,
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
		name: "backup-bucket", address: "backup-bucket", does: "the bucket of your own that a service is backed up to", service: true, optional: true,
		path: "services/{service}/backupBucket",
		columns: []column{
			{"PROVIDER", false, field("bucketProvider")},
			{"PATH", false, either("bucketPath", "containerName")},
			{"AS", true, either("iamRoleArn", "accessKeyId")},
			{"ID", true, field("id")},
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
		name: "query-endpoint", address: "query-endpoint", does: "which keys may send queries over HTTP to a service, and as what", service: true, optional: true,
		path: "services/{service}/serviceQueryEndpoint",
		columns: []column{
			{"ROLES", false, every("roles")}, {"ORIGINS", false, field("allowedOrigins")}, {"KEY IDS", false, every("openApiKeys")}, {"ID", true, field("id")},
		},
	},
	{
		name: "upgrade-window", address: "upgrade-window", does: "when a service is upgraded", service: true, optional: true,
		path: "services/{service}/upgradeWindow",
		columns: []column{
			{"DAY", false, weekday}, {"HOUR UTC", false, field("startHourUtc")}, {"HOURS", false, field("duration")},
		},
	},
	{
		name: "settings", single: "setting", address: "setting", does: "settings of the database of a service that are set", service: true, takes: "NAME",
		path: "services/{service}/clickhouseSettings", one: "services/{service}/clickhouseSettings/{id}", member: "settings", names: []string{"name"}, id: "name",
		columns: []column{
			{"NAME", false, field("name")}, {"VALUE", false, field("value")},
		},
	},
	{
		name: "metrics", single: "metric", does: "metrics of one service or of all, as Prometheus reads them", service: true, whole: true, text: true,
		path: "services/{service}/prometheus",
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
		name: "usage-cost", address: "usage-cost", does: "what each day of the last 31, or of others, has cost, in ClickHouse credits", period: &costPeriod,
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
