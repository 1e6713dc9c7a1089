package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/journal"
	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/spec"
)

// providers are the APIs that orgctl speaks to, the one that is meant unless anything says otherwise first.
var providers = providerTable{&clickhouse, &lockteraProvider}

type providerTable []*provider

// of is the API of a manifest, or of a saved plan.
func (t providerTable) of(desired *spec.Organization) (*provider, error) {
	for _, p := range t {
		if p.api.Equal(desired.API) {
			return p, nil
		}
	}
	return nil, fmt.Errorf("this version knows manifests of %s, and cannot speak to it", desired.API.Title)
}

// named is the API of a name, or nil.
func (t providerTable) named(name string) *provider {
	i := slices.IndexFunc(t, func(p *provider) bool { return p.name() == name })
	if i < 0 {
		return nil
	}
	return t[i]
}

// meant is the API of a command without a manifest, to which none is named: the one whose variables are set.
func (t providerTable) meant(e *env) (*provider, error) {
	var set providerTable
	for _, p := range t {
		if p.isSet(e) {
			set = append(set, p)
		}
	}
	switch len(set) {
	case 0:
		return t[0], nil
	case 1:
		return set[0], nil
	default:
		return nil, usage("there are variables of %s: say which API is meant, with --api %s",
			strings.Join(set.names(), " and "), strings.Join(set.names(), " or --api "))
	}
}

// having is an API of which something can be got by a name, or nil.
func (t providerTable) having(what string) *provider {
	i := slices.IndexFunc(t, func(p *provider) bool { return p.readable(what) != nil })
	if i < 0 {
		return nil
	}
	return t[i]
}

// others says which other APIs than one there are variables of, for whoever lacks its own.
func (t providerTable) others(e *env, than *provider) string {
	for _, p := range t {
		if p != than && p.isSet(e) {
			return fmt.Sprintf("; those that are set are of %s, and this is %s", p.api.Title, than.api.Title)
		}
	}
	return ""
}

func (t providerTable) names() []string {
	names := make([]string, len(t))
	for i, p := range t {
		names[i] = p.name()
	}
	return names
}

// apiFlag says which API is meant, for commands that no manifest tells.
func apiFlag() cli.Flag {
	return &cli.StringFlag{Name: "api", Usage: "`" + strings.Join(providers.names(), "|") + "` which API is meant, if there are variables of several"}
}

// newProviderOptions is the API that is meant. The variables say nothing about a sandbox, whose file does.
func newProviderOptions(e *env, c *cli.Context) (*provider, error) {
	name := c.String("api")
	switch p := providers.named(name); {
	case p != nil:
		return p, nil
	case name != "":
		return nil, usage("--api %s: it is %s%s", name, strings.Join(providers.names(), " or "), didYouMean(name, providers.names()))
	case c.IsSet("sandbox"):
		return sandboxFile(c.String("sandbox")).provider(), nil
	default:
		return providers.meant(e)
	}
}

// provider is an API: what is special about speaking to it stands in a file of its own, and commands know none by name.
type provider struct {
	api *spec.API // as manifests and plans know it

	// The variables of the environment.
	keyID        string // "" where a key has no id
	keySecret    string
	organization string
	mustName     bool // the API does not tell whose a key is, so that the organization has to be named
	url          string
	further      []string // others, which the API is worded by

	dialect    client.Dialect
	useless    map[string]string // flags that the API has no use for, and why
	defaultURL string            // "" where the variable is required
	denied     string            // what may be wrong with a key that the API does not accept

	// connect makes the API of a client, without sending anything.
	connect func(e *env, c *client.Client, t *target) (api, error)
	// sandbox opens the embedded simulator that keeps its state in a file.
	sandbox func(file string) (*simulator, error)
	// serve begins the simulator that orgctl sandbox serves; unserved are flags of it that mean nothing to this one.
	serve    func(o sandboxOptions) (sandbox, error)
	unserved []string
	// deletions are those of an api that connect has made; nil where the API deletes no organizations.
	deletions func(api) deletions
	// readables are what orgctl get shows, in the order in which they are listed.
	readables []*readable
}

// name is what --api calls it: what manifests do, without the version.
func (p *provider) name() string {
	name, _, _ := strings.Cut(p.api.Name, "/")
	return name
}

// isSet reports whether the environment has any variable of an API.
func (p *provider) isSet(e *env) bool {
	for _, name := range append([]string{p.keyID, p.keySecret, p.organization, p.url}, p.further...) {
		if name != "" && (e.value(name) != "" || e.getenv(name+"_FILE") != "") {
			return true
		}
	}
	return false
}

// keyVariables are those that hold a key, as they are told.
func (p *provider) keyVariables() string {
	if p.keyID == "" {
		return p.keySecret
	}
	return p.keyID + " and " + p.keySecret
}

// api is an API as one run of a command speaks to it.
type api interface {
	// identify finds the organization that is meant, and gives its id: it is the wanted one, unless that is "".
	identify(ctx context.Context, wanted string) (string, error)
	// backend makes the backend of an organization, without sending anything.
	backend(w work) apply.Backend

	// Read gives what a GET below an organization answers as the API spelt it; ReadText is for what is no JSON.
	Read(ctx context.Context, organization string, query url.Values, below ...string) (json.RawMessage, error)
	ReadText(ctx context.Context, organization string, query url.Values, below ...string) (string, error)
	// ServerTime is when the API gave its last answer by its own clock: the zero Time as long as it tells none.
	ServerTime() time.Time
}

// work is what a backend is made for.
type work struct {
	organization  string       // id; "" for the one that the key belongs to
	identified    bool         // identify has read it a moment ago, and nothing has happened since
	secrets       secrets.Sink // nil where there is no place for secrets
	serverSecrets bool         // the API generates the secrets of keys
	journal       *journal.Journal
	limits        apply.Limits
	settle        int // ticks
}

// simulator is an embedded one, which stands in for an API.
type simulator struct {
	transport    http.RoundTripper
	url          string
	credentials  client.Credentials
	organization string // what the environment would have to name, or ""
	instant      bool   // nothing there takes time
}
