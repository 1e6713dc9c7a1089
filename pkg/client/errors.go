package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"unicode"
)

// Sentinels matched by errors.Is on an *Error.
var (
	ErrBadRequest   = errors.New("bad request")
	ErrUnauthorized = errors.New("unauthorized")
	ErrForbidden    = errors.New("forbidden")
	ErrNotFound     = errors.New("not found")
	ErrConflict     = errors.New("conflict")
	ErrRateLimited  = errors.New("rate limited")
)

// ErrReadOnly is matched by the error of a write that a client made with ReadOnly refused to send.
var ErrReadOnly = errors.New("client is read-only")

// Ambiguous reports whether a write that ended in err may have been executed by the API all the same, so that its caller
// has to look before sending it again. It is false for a nil error, for reads, and for everything known to have been
// refused before execution.
func Ambiguous(err error) bool {
	var a interface{ Ambiguous() bool }
	return errors.As(err, &a) && a.Ambiguous()
}

// Cause is what is behind an error of a request, in a few words and without the request: the status of an answer, or what cut the
// connection. Of any other error it is the error.
func Cause(err error) error {
	var answer *Error
	var network *NetworkError
	var reply *ReplyError
	var number syscall.Errno
	var address *url.Error
	switch {
	case errors.As(err, &answer):
		return errors.New(strings.TrimSpace(fmt.Sprintf("%d %s", answer.Status, http.StatusText(answer.Status))))
	case errors.As(err, &reply):
		return fmt.Errorf("status %d: %s", reply.Status, reply.Reason)
	case !errors.As(err, &network):
		return err
	case errors.As(network.Err, &number):
		return number
	case errors.As(network.Err, &address):
		return errors.New(oneLine(address.Err.Error(), maxMessage))
	default:
		return errors.New(oneLine(network.Err.Error(), maxMessage))
	}
}

// Error is an answer of the API (or of a gateway before it) with a status other than 2xx.
type Error struct {
	Method    string
	Path      string // as sent, without the base URL and the query
	Status    int    // HTTP status
	Code      string // the API's own code, such as the word CONFLICT that opens its text; "" when there is none but the status
	Message   string // the rest of the text on one line, free of control characters and bounded in length
	RequestID string // what the vendor's support asks for; "" when the answer carries none
}

// Error begins with the cause: what was asked for is at the end, for whoever looks into it.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d", e.Status)
	if e.Code != "" {
		b.WriteString(" " + e.Code)
	} else if text := http.StatusText(e.Status); text != "" && text != e.Message {
		b.WriteString(" " + text)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	b.WriteString(" (" + e.Method + " " + e.Path)
	if e.RequestID != "" {
		b.WriteString(", request " + e.RequestID)
	}
	b.WriteString(")")
	return b.String()
}

// Is matches the sentinels by HTTP status.
func (e *Error) Is(target error) bool {
	switch e.Status {
	case http.StatusBadRequest:
		return target == ErrBadRequest
	case http.StatusUnauthorized:
		return target == ErrUnauthorized
	case http.StatusForbidden:
		return target == ErrForbidden
	case http.StatusNotFound:
		return target == ErrNotFound
	case http.StatusConflict:
		return target == ErrConflict
	case http.StatusTooManyRequests:
		return target == ErrRateLimited
	default:
		return false
	}
}

// Ambiguous is true for a write answered by a status that does not say whether it was executed.
func (e *Error) Ambiguous() bool { return isWrite(e.Method) && outcomeUnknown(e.Status) }

// NetworkError is a request without a complete answer.
type NetworkError struct {
	Method string
	Path   string
	Sent   bool // the request may have reached the server
	Err    error

	stopped bool // the caller ended it before it was sent
}

func (e *NetworkError) Error() string {
	if errors.Is(e.Err, ErrStopped) {
		return oneLine(e.Err.Error(), maxMessage) // nothing was sent that could be looked into
	}
	err := e.Err
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // url.Error repeats the method and the whole URL
	}
	return fmt.Sprintf("%s (%s %s)", oneLine(err.Error(), maxMessage), e.Method, e.Path)
}

func (e *NetworkError) Unwrap() error { return e.Err }

// Ambiguous is true for a write that may have reached the server.
func (e *NetworkError) Ambiguous() bool { return isWrite(e.Method) && e.Sent }

// Stopped is true for a request that was not sent, or not sent again, because its context or its run had ended.
func (e *NetworkError) Stopped() bool { return e.stopped }

// ReplyError is a complete answer that is not what the API would say: another program's page, damaged JSON, a reply
// without its result, a redirect.
type ReplyError struct {
	Method string
	Path   string
	URL    string // the URL that answered, without the query
	Status int
	Reason string // what is wrong with the reply
	Hint   string // what to try; "" when there is nothing to suggest

	retryable bool // damage in transit, which a second reading may not show
}

func (e *ReplyError) Error() string {
	text := fmt.Sprintf("status %d: %s (%s %s)", e.Status, e.Reason, e.Method, e.URL)
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// Ambiguous is true for a write answered by a success, or by a status that does not say whether it was executed.
func (e *ReplyError) Ambiguous() bool {
	return isWrite(e.Method) && (isSuccess(e.Status) || outcomeUnknown(e.Status))
}

func isWrite(method string) bool { return method != http.MethodGet }

func isSuccess(status int) bool { return status >= 200 && status < 300 }

// outcomeUnknown reports whether a status leaves open if the request was executed: 5xx and 408 come from servers and
// gateways that may have lost sight of a request in the middle of it.
func outcomeUnknown(status int) bool {
	return status >= http.StatusInternalServerError || status == http.StatusRequestTimeout
}

// Bounds in characters on what a server can put on a terminal or into a log.
const (
	maxMessage   = 500
	maxRequestID = 100
)

// oneLine makes server-controlled text safe to show: control characters, terminal escapes and bidirectional overrides
// become replacement characters, white space becomes single spaces, and at most limit characters stay.
func oneLine(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsPrint(r):
			return r
		default:
			return unicode.ReplacementChar
		}
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return s
}
