// Command orgctl keeps a cloud organization equal to YAML in git.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// A closed pipe (orgctl plan | head) is an error of a write, not a reason to die between two calls; see quiet.
	// It is caught and not ignored: what is ignored would stay so in the command of --secrets-exec.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	os.Exit(run(context.Background(), os.Args, processEnv()))
}

// run is the whole program: it returns the exit code.
func run(ctx context.Context, args []string, e *env) int {
	ctx, release := e.interrupt.watch(ctx)
	defer release()
	app := newApp(e)
	err := app.RunContext(ctx, permute(app, args))
	if !e.interrupt.received() {
		return report(e, err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, errInterrupted) { // apply turns those of its calls into a report
		err = errors.New("interrupted; nothing was changed")
	}
	_ = report(e, err) // the signal is what a script has to know of
	return e.interrupt.exitCode()
}
