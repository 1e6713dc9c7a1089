package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/secret"
)

// env is everything that orgctl takes from its surroundings. Nothing else reads the environment.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	stdinFile      fs.FileInfo // what standard input is read from; nil where the system does not tell
	stdoutFile     fs.FileInfo
	getenv         func(string) string
	stdinTTY       bool
	stdoutTTY      bool
	stderrTTY      bool
	width          int // columns of the terminal, 0 when there is none
	version        string
	interrupt      *interrupt
}

func processEnv() *env {
	width, _, err := term.GetSize(int(os.Stderr.Fd()))
	if err != nil {
		width = 0
	}
	stdinFile, _ := os.Stdin.Stat()
	stdoutFile, _ := os.Stdout.Stat()
	signals := newInterrupt()
	return &env{
		stdin: interruptible{os.Stdin, signals.stop}, stdout: quiet{os.Stdout}, stderr: quiet{os.Stderr}, getenv: os.Getenv,
		stdinFile: stdinFile, stdoutFile: stdoutFile,
		stdinTTY:  isatty.IsTerminal(os.Stdin.Fd()),
		stdoutTTY: isatty.IsTerminal(os.Stdout.Fd()),
		stderrTTY: isatty.IsTerminal(os.Stderr.Fd()),
		width:     width, version: version(), interrupt: signals,
	}
}

// quiet writes to a stream whose reader may leave (orgctl plan | head): what nobody reads is dropped, and neither the work nor
// the exit code depends on it.
type quiet struct{ w io.Writer }

func (q quiet) Write(p []byte) (int, error) {
	n, err := q.w.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		return len(p), nil
	}
	return n, err
}

// released is set by the linker in release builds.
var released string

func version() string {
	if released != "" {
		return released
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "dev"
}

// color reports whether a stream may carry colour: a terminal, and nobody said no (no-color.org).
func (e *env) color(tty bool) bool {
	return tty && e.getenv("NO_COLOR") == "" && e.getenv("TERM") != "dumb"
}

func (e *env) stdoutView() view.Options {
	o := view.Options{Color: e.color(e.stdoutTTY)}
	if e.stdoutTTY {
		o.Width = e.width
	}
	return o
}

func (e *env) stderrView() view.Options {
	o := view.Options{Color: e.color(e.stderrTTY)}
	if e.stderrTTY {
		o.Width = e.width
	}
	return o
}

// credentials come from the environment, or from files that it names: CLICKHOUSE_CLOUD_API_KEY or ..._FILE, and the same for
// CLICKHOUSE_CLOUD_API_SECRET. Space around a file's text does not count.
func (e *env) credentials() (client.Credentials, error) {
	read := func(name string) (string, error) {
		file := e.getenv(name + "_FILE")
		if value := e.getenv(name); value != "" || file == "" {
			return value, nil
		}
		data, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			return "", fmt.Errorf("read %s_FILE: %w", name, err)
		}
		return strings.TrimSpace(string(data)), nil
	}
	id, err := read("CLICKHOUSE_CLOUD_API_KEY")
	if err != nil {
		return client.Credentials{}, err
	}
	key, err := read("CLICKHOUSE_CLOUD_API_SECRET")
	return client.Credentials{KeyID: id, KeySecret: secret.New(key)}, err
}

// tick is what one second of every interval lasts: ORGCTL_TICK, for tests, or the fallback.
func (e *env) tick(fallback time.Duration) (time.Duration, error) {
	text := e.getenv("ORGCTL_TICK")
	if text == "" {
		return fallback, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, usage("ORGCTL_TICK=%q is not a positive duration", text)
	}
	return d, nil
}
