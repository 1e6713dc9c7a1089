package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxDebugBody bounds, in characters, what the debug log shows of one body.
const maxDebugBody = 16 << 10

func (c *Client) logRequest(x *exchange, req *http.Request) {
	if c.options.debug == nil {
		return
	}
	var body []byte
	if req.GetBody != nil {
		if r, err := req.GetBody(); err == nil {
			body, _ = io.ReadAll(r) // in memory
		}
	}
	c.logLine(fmt.Sprintf("> %s %s try=%d%s", x.request.Method, req.URL.RequestURI(), x.attempt, c.debugBody(body)))
}

func (c *Client) logResponse(x *exchange, resp *http.Response, body []byte, err error, took time.Duration) {
	if c.options.debug == nil {
		return
	}
	line := fmt.Sprintf("< %s %s try=%d", x.request.Method, x.request.Path, x.attempt)
	if resp != nil {
		line += fmt.Sprintf(" status=%d", resp.StatusCode)
		if id := c.dialect.open(body).RequestID; id != "" {
			line += " request=" + id
		}
	}
	line += " took=" + took.Round(time.Millisecond).String()
	if err != nil {
		line += fmt.Sprintf(" error=%q", err)
	}
	if x.request.Answer == Secret && len(body) > 0 {
		c.logLine(line + fmt.Sprintf(" body=[%d bytes that are secret]", len(body)))
		return
	}
	c.logLine(line + c.debugBody(body))
}

func (c *Client) logLine(line string) {
	c.debugMu.Lock()
	defer c.debugMu.Unlock()
	// A log that cannot be written is no reason to fail the request.
	_, _ = io.WriteString(c.options.debug, oneLine(c.mask.text(line), maxDebugBody)+"\n")
}

func (c *Client) debugBody(body []byte) string {
	if len(body) == 0 {
		return ""
	}
	return " body=" + c.dialect.redact(body)
}

const redacted = "[redacted]"

// redact returns a JSON body with the values of secret fields replaced, at any depth, and those without a field: there is no
// telling what they are. Anything but what the API would say shows only its size.
func (d Dialect) redact(body []byte) string {
	if !d.Form.holds(body) {
		return fmt.Sprintf("[%d bytes that are not %s]", len(body), d.Form)
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // shows numbers as they were sent
	var value any
	if err := decoder.Decode(&value); err != nil {
		return redacted
	}
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(d.redactValue(value, false)); err != nil {
		return redacted
	}
	return strings.TrimSpace(out.String())
}

// redactValue redacts a value that is, or is not, in a field with a harmless name.
func (d Dialect) redactValue(value any, named bool) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if d.IsSecret(name) {
				v[name] = redacted
			} else {
				v[name] = d.redactValue(member, true)
			}
		}
	case []any:
		for i, element := range v {
			v[i] = d.redactValue(element, named)
		}
	case string:
		if !named {
			return redacted
		}
	}
	return value
}
