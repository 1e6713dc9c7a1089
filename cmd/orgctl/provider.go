package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/journal"
	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/client"
)

// providers are the APIs that orgctl speaks to, the one that is meant unless another one is named first.
var providers = []*provider{&clickhouse}

// provider is an API: what is special about speaking to it stands in a file of its own, and commands know none by name.
type provider struct {
	name string

	// The variables of the environment.
	keyID        string // "" where a key has no id
	keySecret    string
	organization string
	url          string

	defaultURL  string      // "" where the variable is required
	defaultRate client.Rate // of requests that the API allows
	denied      string      // what may be wrong with a key that the API does not accept

	// connect makes the API of a client, without sending anything.
	connect func(c *client.Client, t *target) api
	// sandbox opens the embedded simulator that keeps its state in a file.
	sandbox func(file string) (*simulator, error)
	// readables are what orgctl get shows, in the order in which they are listed.
	readables []*readable
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
