package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/client"
)

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
			&cli.StringFlag{Name: "api", Usage: "simulate the API of `" + strings.Join(providers.names(), "|") + "`", Value: providers[0].name()},
			&cli.StringFlag{Name: "listen", Usage: "loopback `ADDRESS` to serve on", Value: "127.0.0.1:8123"},
			&cli.StringFlag{Name: "state", Usage: "keep the organization in `FILE`", Value: ":memory:"},
			&cli.StringFlag{Name: "rate-limit", Usage: "answer 429 beyond `N/DURATION`, as the real APIs do beyond 10/10s and 100/1m"},
			&cli.DurationFlag{Name: "provision", Usage: "let a new service take this `DURATION` to come up"},
			&cli.DurationFlag{Name: "latency", Usage: "let each answer take this `DURATION`"},
			&cli.DurationFlag{Name: "lag", Usage: "let reads stay this `DURATION` behind writes"},
		},
		Action: func(c *cli.Context) error {
			o, err := newSandboxOptions(c)
			if err != nil {
				return err
			}
			return serveSandbox(c.Context, e, o)
		},
	}
}

type sandboxOptions struct {
	api                     *provider
	listen                  string
	state                   string
	rate                    client.Rate // zero for no limit
	provision, latency, lag time.Duration
}

func newSandboxOptions(c *cli.Context) (sandboxOptions, error) {
	o := sandboxOptions{
		api: providers.named(c.String("api")), listen: c.String("listen"), state: c.String("state"),
		provision: c.Duration("provision"), latency: c.Duration("latency"), lag: c.Duration("lag"),
	}
	if err := noArguments(c); err != nil {
		return o, err
	}
	if o.api == nil {
		name, names := c.String("api"), providers.names()
		return o, usage("--api %s: there are %s%s", name, strings.Join(names, " and "), didYouMean(name, names))
	}
	host, _, err := net.SplitHostPort(o.listen)
	if err != nil {
		return o, usage("--listen %s: %w", o.listen, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return o, usage("--listen %s: the sandbox serves on loopback only, it has no secrets worth the name", o.listen)
	}
	for _, name := range o.api.unserved {
		if c.IsSet(name) {
			return o, usage("--%s has no meaning with --api %s", name, o.api.name())
		}
	}
	if text := c.String("rate-limit"); text != "" {
		if o.rate, err = client.ParseRate(text); err != nil {
			return o, usage("--rate-limit: %w", err)
		}
	}
	return o, nil
}

func serveSandbox(ctx context.Context, e *env, o sandboxOptions) error {
	box, err := o.api.serve(o)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return fmt.Errorf("serve sandbox: %w", err)
	}
	if _, err := io.WriteString(e.stdout, box.settings(listener.Addr().String())); err != nil {
		return errors.Join(err, listener.Close())
	}
	_ = view.Message(e.notes(), fmt.Sprintf("serving organization %s on http://%s; its controls are under /_sandbox; Ctrl-C ends it",
		box.organization, listener.Addr()))
	return serve(ctx, listener, box.handler)
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
