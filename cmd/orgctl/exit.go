package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/client"
)

// Exit codes: the one table, also in the help text and in docs/commands.md.
const (
	exitOK      = 0
	exitError   = 1  // invalid manifests, tampered plan, ...: nothing was changed
	exitChanges = 2  // plan with --detailed-exitcode; drift whenever there is drift
	exitBlocked = 3  // a guard, a policy, an immutable field, or something live that stands in the way of an object
	exitRefused = 4  // credentials: 401, or 403 on something that the manifest needs to be read
	exitPartial = 5  // partly applied, unknown, or not converged
	exitStale   = 6  // the plan that was reviewed is not what would be done now
	exitUsage   = 64 // wrong use of the command line
)

const exitCodesHelp = "0 done, 1 error and nothing changed, 2 changes or drift, 3 blocked by a guard or policy, " +
	"4 credentials refused, 5 partly applied or not converged, 6 stale plan, 64 usage, 130/143 interrupted"

// codedError carries an exit code to the one place that turns errors into one. A nil err has been reported already.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *codedError) Unwrap() error { return e.err }

// exit ends a command with a code after it has said all there is to say.
func exit(code int) error {
	if code == exitOK {
		return nil
	}
	return &codedError{code: code}
}

func usage(format string, args ...any) error {
	return &codedError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

func blocked(format string, args ...any) error {
	return &codedError{code: exitBlocked, err: fmt.Errorf(format, args...)}
}

// refused ends a command whose plan has a finding about what the key may not read.
func refused(consequence string) error {
	return &codedError{code: exitRefused, err: fmt.Errorf("%w: the API key may not read all that the manifest manages, see OC323 above%s",
		apply.ErrPermission, consequence)}
}

// report prints what no command has printed yet and gives the exit code.
func report(e *env, err error) int {
	if err == nil {
		return exitOK
	}
	var coded *codedError
	if !errors.As(err, &coded) {
		coded = &codedError{code: codeOf(err), err: err}
	}
	if coded.err != nil {
		_ = view.Message(e.stderr, "orgctl: "+coded.err.Error()) // nobody is left to hear of a broken standard error
		if hint := e.hint(coded.err, coded.code); hint != "" {
			fmt.Fprintf(e.stderr, "hint: %s\n", hint)
		}
	}
	return coded.code
}

func codeOf(err error) int {
	switch {
	case errors.Is(err, client.ErrUnauthorized), errors.Is(err, client.ErrForbidden), errors.Is(err, apply.ErrPermission):
		return exitRefused
	default:
		return exitError
	}
}

func (e *env) hint(err error, code int) string {
	p := cmp.Or(e.provider, providers[0])
	switch {
	case errors.Is(err, client.ErrUnauthorized):
		return "check " + p.keyVariables() + ": " + p.denied
	case errors.Is(err, apply.ErrPermission):
		return "give the key a role that may read what the manifests declare, or leave that collection out of them"
	case errors.Is(err, apply.ErrOtherOrganization):
		return "check which key is in the environment, " + p.organization + ", and metadata.id in the manifest"
	case code == exitUsage:
		return "orgctl help COMMAND shows examples"
	default:
		return ""
	}
}
