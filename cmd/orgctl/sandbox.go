package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/sim"
)

func sandboxCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "sandbox", Usage: "serve a simulated ClickHouse Cloud API on loopback",
		UsageText: "orgctl sandbox --listen 127.0.0.1:8123\norgctl sandbox --state acme.json --provision 30s --rate-limit 10/10s",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Usage: "loopback `ADDRESS` to serve on", Value: "127.0.0.1:8123"},
			&cli.StringFlag{Name: "state", Usage: "keep the organization in `FILE`", Value: ":memory:"},
			&cli.StringFlag{Name: "rate-limit", Usage: "answer 429 beyond `N/DURATION`, as the real API does beyond 10/10s"},
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
	host, _, err := net.SplitHostPort(c.String("listen"))
	if err != nil {
		return usage("--listen %s: %w", c.String("listen"), err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usage("--listen %s: the sandbox serves on loopback only, it has no secrets worth the name", c.String("listen"))
	}
	server, err := sim.Open(c.String("state"), sim.Config{})
	if err != nil {
		return err
	}
	if err := configureSandbox(server, c); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(c.Context, "tcp", c.String("listen"))
	if err != nil {
		return fmt.Errorf("serve sandbox: %w", err)
	}
	credentials := server.Credentials()
	// Other clients know these variables, too. Some of them append paths to the URL as it is, hence /v1, which orgctl can do without.
	_, err = fmt.Fprintf(e.stdout, "export CLICKHOUSE_API_URL=http://%s/v1\nexport CLICKHOUSE_ORG_ID=%s\nexport CLICKHOUSE_CLOUD_API_KEY=%s\nexport CLICKHOUSE_CLOUD_API_SECRET=%s\n",
		listener.Addr(), credentials.OrganizationID, credentials.KeyID, credentials.KeySecret)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	_ = view.Message(e.notes(), fmt.Sprintf("serving organization %s on http://%s; its controls are under /_sandbox; Ctrl-C ends it",
		credentials.OrganizationID, listener.Addr()))
	return serve(c.Context, listener, server)
}

// configureSandbox applies the flags that were given and leaves the rest as the state file has it.
func configureSandbox(server *sim.Server, c *cli.Context) error {
	config := server.Config()
	if text := c.String("rate-limit"); text != "" {
		rate, err := client.ParseRate(text)
		if err != nil {
			return usage("--rate-limit: %w", err)
		}
		config.RateLimit = sim.RateLimit{Requests: rate.Requests, Window: rate.Window}
	}
	for name, delay := range map[string]*time.Duration{
		"provision": &config.Delays.Provision, "latency": &config.Delays.Latency, "lag": &config.Delays.Lag,
	} {
		if c.IsSet(name) {
			*delay = c.Duration(name)
		}
	}
	server.SetConfig(config)
	return nil
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
