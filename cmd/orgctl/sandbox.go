package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/sim"
	"github.com/orgctl/orgctl/pkg/client/sim/locktera"
)

// The APIs that there are simulators of.
const (
	clickhouseAPI = "clickhouse"
	lockteraAPI   = "locktera"
)

// sandboxAPIs begin the simulators that orgctl sandbox serves.
var sandboxAPIs = map[string]func(c *cli.Context) (sandbox, error){clickhouseAPI: clickhouseSandbox, lockteraAPI: lockteraSandbox}

// sandbox is a simulator that is ready to be served.
type sandbox struct {
	handler      http.Handler
	organization string
	settings     func(address string) string // the variables that point a client at it
}

func sandboxCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "sandbox", Usage: "serve a simulated API on loopback",
		UsageText: "orgctl sandbox --listen 127.0.0.1:8123\norgctl sandbox --state acme.json --provision 30s --rate-limit 10/10s\norgctl sandbox --api locktera --rate-limit 100/1m",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "api", Usage: "simulate the API of `clickhouse|locktera`", Value: clickhouseAPI},
			&cli.StringFlag{Name: "listen", Usage: "loopback `ADDRESS` to serve on", Value: "127.0.0.1:8123"},
			&cli.StringFlag{Name: "state", Usage: "keep the organization in `FILE`", Value: ":memory:"},
			&cli.StringFlag{Name: "rate-limit", Usage: "answer 429 beyond `N/DURATION`, as the real APIs do beyond 10/10s and 100/1m"},
			&cli.DurationFlag{Name: "provision", Usage: "let a new service take this `DURATION` to come up"},
			&cli.DurationFlag{Name: "latency", Usage: "let each answer take this `DURATION`"},
			&cli.DurationFlag{Name: "lag", Usage: "let reads stay this `DURATION` behind writes"},
		},
		Action: func(c *cli.Context) error { return serveSandbox(e, c) },
	}
}

func serveSandbox(e *env, c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	begin, ok := sandboxAPIs[c.String("api")]
	if !ok {
		names := slices.Sorted(maps.Keys(sandboxAPIs))
		return usage("--api %s: there are %s%s", c.String("api"), strings.Join(names, " and "), didYouMean(c.String("api"), names))
	}
	host, _, err := net.SplitHostPort(c.String("listen"))
	if err != nil {
		return usage("--listen %s: %w", c.String("listen"), err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usage("--listen %s: the sandbox serves on loopback only, it has no secrets worth the name", c.String("listen"))
	}
	box, err := begin(c)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(c.Context, "tcp", c.String("listen"))
	if err != nil {
		return fmt.Errorf("serve sandbox: %w", err)
	}
	if _, err := io.WriteString(e.stdout, box.settings(listener.Addr().String())); err != nil {
		return errors.Join(err, listener.Close())
	}
	_ = view.Message(e.notes(), fmt.Sprintf("serving organization %s on http://%s; its controls are under /_sandbox; Ctrl-C ends it",
		box.organization, listener.Addr()))
	return serve(c.Context, listener, box.handler)
}

func clickhouseSandbox(c *cli.Context) (sandbox, error) {
	rate, err := sandboxRate(c)
	if err != nil {
		return sandbox{}, err
	}
	server, err := sim.Open(c.String("state"), sim.Config{
		RateLimit: sim.RateLimit{Requests: rate.Requests, Window: rate.Window},
		Delays:    sim.Delays{Provision: c.Duration("provision"), Latency: c.Duration("latency"), Lag: c.Duration("lag")},
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

func lockteraSandbox(c *cli.Context) (sandbox, error) {
	for _, name := range []string{"provision", "lag"} {
		if c.IsSet(name) {
			return sandbox{}, usage("--%s has no meaning with --api %s", name, lockteraAPI)
		}
	}
	rate, err := sandboxRate(c)
	if err != nil {
		return sandbox{}, err
	}
	server, err := locktera.Open(c.String("state"), locktera.Config{
		RateLimit: locktera.RateLimit{Requests: rate.Requests, Window: rate.Window}, Latency: locktera.Duration(c.Duration("latency")),
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

func sandboxRate(c *cli.Context) (client.Rate, error) {
	text := c.String("rate-limit")
	if text == "" {
		return client.Rate{}, nil
	}
	rate, err := client.ParseRate(text)
	if err != nil {
		return client.Rate{}, usage("--rate-limit: %w", err)
	}
	return rate, nil
}

// serve answers until the context ends, then lets requests under way finish for a moment.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve sandbox: %w", err)
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if err := server.Shutdown(grace); err != nil {
			return fmt.Errorf("stop sandbox: %w", err)
		}
		return nil
	}
}
