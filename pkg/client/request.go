package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/orgctl/orgctl/pkg/client/secret"
)

// Request is one call of the API.
type Request struct {
	Method string
	// Path starts with the version of the dialect, such as /v1/organizations, with its variable segments escaped. An empty
	// segment is an error: without its id, the path of an object is that of its whole collection.
	Path   string
	Query  url.Values
	Body   any // encoded as JSON; nil sends no body
	Answer Answer

	OptionalResult bool // Call returns the zero value for an answer without a result
	Once           bool // sent once, whatever comes of it: what it says rests on a reading that is older at a second time
}

// Answer is what the body of a successful answer is taken for.
type Answer int

// What there is: a result in the form of the dialect; plain text, which the request asks for; nothing, for a write whose status
// says enough, whatever comes with it; and one secret as a whole, which is not looked into and not logged.
const (
	JSON Answer = iota
	Text
	Ignored
	Secret
)

// Response is an answer with a 2xx status.
type Response struct {
	Status    int
	RequestID string
	Result    json.RawMessage // nil when the answer has no result, or a null one
	Text      string          // the whole body, for a Request that wants text
	Secret    secret.Value    // the whole body, for a Request that wants a secret
}

// Do sends r, again where the retry policy allows it, and returns the answer. Its errors are *Error, *NetworkError and
// *ReplyError; Ambiguous tells whether a write may have been executed. An answer without a body is accepted for anything
// but a GET, because some deletions give one.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	if c.options.readOnly && isWrite(r.Method) {
		return nil, fmt.Errorf("%w (%s %s)", ErrReadOnly, r.Method, r.Path)
	}
	if err := checkPath(r.Path); err != nil {
		return nil, fmt.Errorf("%w (%s %s)", err, r.Method, r.Path)
	}
	req, err := c.encode(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("%w (%s %s)", err, r.Method, r.Path)
	}
	x := &exchange{client: c, request: r, held: share{of: &c.bodies}}
	defer x.held.giveBack()
	resp, err := x.run(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if !isSuccess(resp.StatusCode) {
		return nil, c.newError(r, resp.StatusCode, x.body)
	}
	return c.newResponse(r, resp.StatusCode, x.body), nil
}

// Call sends r and decodes the result of its answer. An answer without a result is a *ReplyError unless r allows it:
// taking it for an empty list would plan the deletion or creation of everything.
func Call[T any](ctx context.Context, c *Client, r Request) (T, error) {
	var result T
	resp, err := c.Do(ctx, r)
	if err != nil {
		return result, err
	}
	switch {
	case resp.Result == nil && r.OptionalResult:
		return result, nil
	case resp.Result == nil:
		return result, c.replyError(r, resp.Status, "it has no result")
	}
	if err := json.Unmarshal(resp.Result, &result); err != nil {
		return result, c.replyError(r, resp.Status, "decode result: "+oneLine(c.mask.text(err.Error()), maxMessage))
	}
	return result, nil
}

func checkPath(path string) error {
	if !strings.HasPrefix(path, "/") {
		return errors.New("path does not start with a slash")
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		if slices.Contains([]string{"", ".", ".."}, segment) {
			return fmt.Errorf("path has a segment %q, which names no object", segment)
		}
	}
	return nil
}

func (c *Client) encode(ctx context.Context, r Request) (*retryablehttp.Request, error) {
	target := c.base + r.Path
	if len(r.Query) > 0 {
		target += "?" + r.Query.Encode()
	}
	var body any
	if r.Body != nil {
		data, err := json.Marshal(r.Body)
		if err != nil {
			return nil, fmt.Errorf("encode body: %w", err)
		}
		body = data
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, r.Method, target, body)
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	c.dialect.Scheme.authorize(req.Header, c.credentials)
	req.Header.Set("User-Agent", c.options.userAgent)
	req.Header.Set("Accept", "application/json")
	if r.Answer == Text {
		req.Header.Set("Accept", "text/plain")
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	return req, nil
}

// newResponse wraps a body that exchange has found to be sound.
func (c *Client) newResponse(r Request, status int, body []byte) *Response {
	switch r.Answer {
	case Text:
		return &Response{Status: status, Text: string(body)}
	case Ignored:
		return &Response{Status: status}
	case Secret:
		return &Response{Status: status, Secret: secret.New(string(body))}
	case JSON:
	}
	env := c.dialect.open(body)
	if bytes.Equal(env.Result, []byte("null")) {
		env.Result = nil
	}
	return &Response{Status: status, RequestID: env.RequestID, Result: env.Result}
}

func (c *Client) newError(r Request, status int, body []byte) *Error {
	env := c.dialect.open(body)
	text := env.Message
	// An answer that may hold a secret is quoted only where nothing can have been made.
	quotable := r.Answer != Secret || !outcomeUnknown(status)
	if text == "" && quotable && !isMarkup(body) {
		text = string(body) // a gateway's plain text, or JSON of another shape
	}
	// A long page of a gateway needs no more than its beginning looked at.
	if len(text) > 16*maxMessage {
		text = text[:16*maxMessage]
	}
	code, message := c.mask.text(env.Code), oneLine(c.mask.text(text), maxMessage)
	switch code {
	case "":
		code, message = splitCode(message)
	case strconv.Itoa(status):
		code = "" // it says nothing new
	}
	return &Error{Method: r.Method, Path: r.Path, Status: status, Code: code, Message: message, RequestID: c.mask.text(env.RequestID)}
}

// splitCode separates the code word that opens most error texts: "CONFLICT: text", "BAD_REQUEST text".
func splitCode(text string) (code, message string) {
	end := strings.IndexFunc(text, func(r rune) bool { return (r < 'A' || r > 'Z') && r != '_' })
	if end < 0 {
		end = len(text)
	}
	rest := text[end:]
	// A short run of capitals, such as "A" or "IP", is a word of the sentence.
	if end < len("NOT_X") || (rest != "" && rest[0] != ':' && rest[0] != ' ') {
		return "", text
	}
	return text[:end], strings.TrimLeft(rest, ": ")
}

// replyError describes an answer that is complete but not usable.
func (c *Client) replyError(r Request, status int, reason string) *ReplyError {
	return &ReplyError{Method: r.Method, Path: r.Path, URL: c.base + r.Path, Status: status, Reason: reason}
}

func isMarkup(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) }
