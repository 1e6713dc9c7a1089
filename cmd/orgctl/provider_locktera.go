package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/apply"
	backend "github.com/orgctl/orgctl/pkg/apply/locktera"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/locktera"
	"github.com/orgctl/orgctl/pkg/client/secret"
	sim "github.com/orgctl/orgctl/pkg/client/sim/locktera"
	"github.com/orgctl/orgctl/pkg/spec"
)

// The variables in which a user says how the API takes what its documents leave open.
const (
	lockteraNameKey        = "LOCKTERA_NAME_KEY"
	lockteraCustomizations = "LOCKTERA_CUSTOMIZATIONS"
)

// lockteraProvider is Locktera, which is known from documents alone.
var lockteraProvider = provider{ //nolint:gosec // names of variables, no credentials
	api:       spec.Locktera,
	keySecret: "LOCKTERA_API_KEY", organization: "LOCKTERA_ORG_ID", mustName: true, url: "LOCKTERA_API_URL",
	further: []string{lockteraNameKey, lockteraCustomizations},
	dialect: locktera.Dialect(),
	useless: map[string]string{ //nolint:gosec // names of flags, no credentials
		"caller-ip":      "its keys are accepted from everywhere",
		"key-secrets":    "its API makes the secrets of keys itself",
		"create-timeout": nothingSlow, "start-timeout": nothingSlow, "stop-timeout": nothingSlow, "delete-timeout": nothingSlow,
	},
	denied: "the key may be wrong, or its user may not be there any more",
	connect: func(e *env, c *client.Client, t *target) (api, error) {
		options, err := lockteraOptions(e, t)
		return &lockteraCalls{API: locktera.New(c, options), target: t}, err
	},
	sandbox: openLocktera, serve: lockteraSandbox, unserved: []string{"provision", "lag"}, readables: lockteraReadables,
	deletions: func(a api) deletions { return a.(*lockteraCalls) },
}

const nothingSlow = "nothing there takes time"

// lockteraOptions are how requests are worded. They are of an API in the network, not of a sandbox, which goes by the page.
func lockteraOptions(e *env, t *target) (o locktera.Options, err error) {
	if t.sandbox != "" {
		return o, nil
	}
	switch o.NameKey = e.value(lockteraNameKey); o.NameKey {
	case "", "name", "org_name":
	default:
		return o, usage("%s=%q: it is name or org_name", lockteraNameKey, o.NameKey)
	}
	switch how := e.value(lockteraCustomizations); how {
	case "", "bare":
	case "wrapped":
		o.WrapCustomizations = true
	default:
		return o, usage("%s=%q: it is bare or wrapped", lockteraCustomizations, how)
	}
	return o, nil
}

type lockteraCalls struct {
	*locktera.API
	target *target
}

// identify implements api.
func (l *lockteraCalls) identify(ctx context.Context, wanted string) (string, error) {
	_, err := backend.Identify(ctx, l.API, wanted)
	return wanted, err
}

func (l *lockteraCalls) backend(w work) apply.Backend {
	return backend.New(l.API, backend.Options{
		OrganizationID: w.organization, Secrets: w.secrets, Journal: w.journal, Tick: l.target.tick, Settle: w.settle,
	})
}

// Read implements api: each thing is what its typed call has read, so that it is found in whatever shape the API shows it.
func (l *lockteraCalls) Read(ctx context.Context, organization string, _ url.Values, below ...string) (json.RawMessage, error) {
	switch what := strings.Join(below, "/"); what {
	case "":
		o, err := l.GetOrganization(ctx, organization)
		return o.Raw, err
	case "customizations":
		c, err := l.GetCustomizations(ctx, organization)
		return c.Raw, err
	case "tags":
		return listed(l.ListTags(ctx, organization))(func(t locktera.Tag) json.RawMessage { return t.Raw })
	case "api_keys":
		return listed(l.ListKeys(ctx, organization))(func(k locktera.APIKey) json.RawMessage { return k.Raw })
	case "access_log":
		return listed(l.AccessLog(ctx, organization, locktera.Paging{}))(func(a locktera.Access) json.RawMessage { return a.Raw })
	case "children_audit":
		return listed(l.ChildrenAudit(ctx, organization, locktera.Paging{}))(func(a locktera.Audit) json.RawMessage { return a.Raw })
	case "consumption":
		return listed(l.Consumption(ctx, organization))(func(c locktera.Consumption) json.RawMessage { return c.Raw })
	default:
		return nil, fmt.Errorf("locktera has no %s", what)
	}
}

// listed gives the elements of a list as the API spelt each.
func listed[T any](all []T, err error) func(spelt func(T) json.RawMessage) (json.RawMessage, error) {
	return func(spelt func(T) json.RawMessage) (json.RawMessage, error) {
		if err != nil {
			return nil, err
		}
		list := make([]json.RawMessage, len(all))
		for i, e := range all {
			list[i] = spelt(e)
		}
		return json.Marshal(list)
	}
}

// ReadText implements api: nothing there is text.
func (l *lockteraCalls) ReadText(context.Context, string, url.Values, ...string) (string, error) {
	return "", errors.New("locktera has nothing that is plain text")
}

func openLocktera(file string) (*simulator, error) {
	server, err := sim.Open(file, sim.Config{})
	if err != nil {
		return nil, err
	}
	credentials := server.Credentials()
	return &simulator{
		transport: server.Transport(), url: "http://127.0.0.1" + server.Prefix(),
		credentials:  client.Credentials{KeySecret: secret.New(credentials.Key)},
		organization: credentials.OrganizationID, instant: server.Config().Latency == 0,
	}, nil
}

func lockteraSandbox(o sandboxOptions) (sandbox, error) {
	server, err := sim.Open(o.state, sim.Config{
		RateLimit: sim.RateLimit{Requests: o.rate.Requests, Window: o.rate.Window}, Latency: sim.Duration(o.latency),
	})
	if err != nil {
		return sandbox{}, err
	}
	credentials := server.Credentials()
	return sandbox{server, credentials.OrganizationID, func(address string) string {
		return fmt.Sprintf("export LOCKTERA_API_URL=http://%s%s\nexport LOCKTERA_ORG_ID=%s\nexport LOCKTERA_API_KEY=%s\n",
			address, server.Prefix(), credentials.OrganizationID, credentials.Key)
	}}, nil
}

// logPeriod is that of logs, of which the API has no part to give.
var logPeriod = period{field: "timestamp"}

// lockteraReadables are what the API lets read, in the order in which they are listed.
var lockteraReadables = []*readable{
	{
		name: "organization", address: "organization", does: "the organization itself",
		names: []string{"name", "org_name"}, id: "id",
		columns: []column{
			{"NAME", false, either("name", "org_name")},
			{"ROLE", false, field("role")},
			{"CREATED", false, field("created_at")},
			{"E-MAIL", false, field("email")},
			{"PARENT", true, field("parent_org_id")},
			{"ID", true, field("id")},
		},
	},
	{
		name: "customizations", address: "customizations", does: "how the pages of an organization look",
		path: "customizations", pairs: true,
		columns: []column{{"CUSTOMIZATION", false, field("name")}, {"VALUE", false, field("value")}},
	},
	{
		name: "api-keys", single: "api-key", address: "key", does: "API keys, without their secrets", takes: "NAME",
		path: "api_keys", names: []string{"name", "id", "key_id"}, id: "id",
		columns: []column{
			{"NAME", false, field("name")},
			{"PERMISSIONS", false, every("permissions")},
			{"CREATED", false, field("created_at")},
			{"ID", false, either("id", "key_id")},
		},
	},
	{
		name: "tags", single: "tag", address: "tag", does: "tags, which the API only shows", takes: "NAME",
		path: "tags", names: []string{"name", ""}, id: "id",
		columns: []column{
			{"NAME", false, either("name", "")},
			{"CREATED", false, field("created_at")},
			{"ID", true, field("id")},
		},
	},
	{
		name: "access-log", address: "access-log", does: "who came in, in the order of the API", log: true, period: &logPeriod,
		path: "access_log", names: []string{"timestamp"},
		columns: []column{
			{"TIME", false, field("timestamp")},
			{"USER", false, field("user")},
			{"ACTION", false, field("action")},
			{"STATUS", false, field("status")},
			{"ADDRESS", false, field("ip")},
			{"ORGANIZATION", true, field("org_id")},
		},
	},
	{
		name: "children-audit", address: "children-audit", does: "what was changed below an organization, and by whom", log: true, period: &logPeriod,
		path: "children_audit", names: []string{"timestamp"},
		columns: []column{
			{"TIME", false, field("timestamp")},
			{"ACTION", false, field("action")},
			{"OF", false, either("org_id", "address_id")},
			{"BY", false, field("admin_id")},
			{"ADDRESS", true, field("ip")},
			{"BEFORE", true, func(o view.Object) string { return inLine(o, "old_data") }},
			{"AFTER", true, func(o view.Object) string { return inLine(o, "new_data") }},
		},
	},
	{
		name: "consumption", address: "consumption", does: "what an organization has used, by month", log: true,
		path: "consumption", names: []string{"month"},
		columns: []column{
			{"MONTH", false, field("month")},
			{"API CALLS", false, field("api_calls")},
			{"GB AS REPORTED", false, field("storage_used")},
			{"ORGANIZATION", true, field("org_id")},
		},
	},
}

// inLine is a member of an object in one line, "" where there is none.
func inLine(o view.Object, member string) string {
	value, ok := o.Member(member)
	if !ok {
		return ""
	}
	return value.Line()
}
