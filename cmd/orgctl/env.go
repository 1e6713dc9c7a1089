package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/mattn/go-isatty"
	"github.com/urfave/cli/v2"
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
	size           func() (columns, rows int)
	colors         string // --color; none counts as auto
	quiet          bool   // --quiet
	version        string
	interrupt      *interrupt
	provider       *provider // that the command speaks to; nil as long as it has not come to that
}

// terminalSize asks anew each time: people change the size of their windows. Without a terminal it is 0.
func terminalSize() (columns, rows int) {
	columns, rows, err := term.GetSize(int(os.Stderr.Fd()))
	if err != nil {
		return 0, 0
	}
	return columns, rows
}

func processEnv() *env {
	width, _ := terminalSize()
	stdinFile, _ := os.Stdin.Stat()
	stdoutFile, _ := os.Stdout.Stat()
	signals := newInterrupt()
	return &env{
		stdin: interruptible{os.Stdin, signals.stop}, stdout: quiet{os.Stdout}, stderr: lossy{os.Stderr}, getenv: os.Getenv,
		stdinFile: stdinFile, stdoutFile: stdoutFile,
		stdinTTY:  isatty.IsTerminal(os.Stdin.Fd()),
		stdoutTTY: isatty.IsTerminal(os.Stdout.Fd()),
		stderrTTY: isatty.IsTerminal(os.Stderr.Fd()),
		width:     width, size: terminalSize, version: version(), interrupt: signals,
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

// lossy writes to standard error: what it does not take has nowhere else to go, and nothing depends on it.
type lossy struct{ w io.Writer }

func (l lossy) Write(p []byte) (int, error) {
	_, _ = l.w.Write(p)
	return len(p), nil
}

// What --color takes.
const (
	colorAuto   = "auto"
	colorAlways = "always"
	colorNever  = "never"
)

// obey takes over what the flags of every command say.
func (e *env) obey(c *cli.Context) error {
	if err := meaningful(c); err != nil {
		return err
	}
	e.colors, e.quiet = c.String("color"), c.Bool("quiet")
	if choices := []string{colorAuto, colorAlways, colorNever}; !slices.Contains(choices, e.colors) {
		return usage("--color %s: it is one of %s", e.colors, strings.Join(choices, ", "))
	}
	return nil
}

// color reports whether a stream carries colour. The flag decides, then NO_COLOR (no-color.org), then FORCE_COLOR
// (force-color.org), and where nobody says anything a terminal does.
func (e *env) color(tty bool) bool {
	force := e.getenv("FORCE_COLOR")
	switch {
	case e.colors == colorAlways:
		return true
	case e.colors == colorNever, e.getenv("NO_COLOR") != "":
		return false
	case force != "" && force != "0":
		return true
	default:
		return tty && e.getenv("TERM") != "dumb"
	}
}

// notes is where everything goes that is neither data nor an error.
func (e *env) notes() io.Writer {
	if e.quiet {
		return io.Discard
	}
	return e.stderr
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

// value is a variable without the white space and the byte order mark that come along when a value is copied.
func (e *env) value(name string) string { return trim(e.getenv(name)) }

func trim(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' })
}

// credentials come from the variables of an API, or from the files that their companions name: CLICKHOUSE_CLOUD_API_KEY or ..._FILE.
func (e *env) credentials(p *provider) (c client.Credentials, err error) {
	if p.keyID != "" {
		if c.KeyID, err = e.credential(p.keyID, client.CheckKeyID); err != nil {
			return client.Credentials{}, err
		}
	}
	key, err := e.credential(p.keySecret, client.CheckKeySecret)
	c.KeySecret = secret.New(key)
	return c, err
}

// credential reads a variable, or else the file that its companion names, and checks what can be told without asking the API.
func (e *env) credential(name string, check func(string) error) (string, error) {
	value, from := e.value(name), name
	if file := e.getenv(name + "_FILE"); value == "" && file != "" {
		text, err := readShort(file)
		if err != nil {
			return "", fmt.Errorf("%s_FILE: %w", name, err)
		}
		value, from = trim(text), fmt.Sprintf("%s_FILE (%s)", name, file)
	}
	if value == "" {
		return "", nil
	}
	if err := check(value); err != nil {
		return "", fmt.Errorf("%s: %w", from, err)
	}
	return value, nil
}

// readShort reads a file that holds a key or little more: what has no end, such as a device, is not read to it.
func readShort(name string) (string, error) {
	const limit = 64 << 10
	f, err := os.Open(filepath.Clean(name))
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // nothing was written
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && len(data) > limit {
		err = fmt.Errorf("%s: larger than %d KiB, which no key is", name, limit>>10)
	}
	return string(data), err
}

// idText is what an id is made of. The API has UUIDs; what is served in its place need not.
var idText = regexp.MustCompile(`^[0-9A-Za-z._-]+$`)

// isID reports whether a text may be the id of an organization. "." and ".." are paths.
func isID(text string) bool { return idText.MatchString(text) && strings.Trim(text, ".") != "" }

// organizationID is the id that the environment insists on, or "".
func (e *env) organizationID(p *provider) (string, error) {
	id := e.value(p.organization)
	if id != "" && !isID(id) {
		return "", usage("%s=%q is not the id of an organization: a UUID such as 2404d339-6921-4f1c-bf80-b07d5e23b91a", p.organization, id)
	}
	return id, nil
}

// tick is what one second of every interval lasts: ORGCTL_TICK, for tests, or the fallback.
func (e *env) tick(fallback time.Duration) (time.Duration, error) {
	text := e.value("ORGCTL_TICK")
	if text == "" {
		return fallback, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, usage("ORGCTL_TICK=%q is not a positive duration", text)
	}
	return d, nil
}
