package stage

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"
)

// Request is one entry of the request log.
type Request struct {
	N         int       `json:"n"` // counted from 1 over the life of the simulator
	At        time.Time `json:"at"`
	Method    string    `json:"method"`
	Path      string    `json:"path"` // as sent, escapes included
	Query     string    `json:"query,omitempty"`
	Status    int       `json:"status,omitempty"` // 0 when the connection was cut before a reply
	KeySuffix string    `json:"keySuffix,omitempty"`
	UserAgent string    `json:"userAgent,omitempty"`
	Fault     FaultKind `json:"fault,omitempty"`
	// Body is the JSON body of the request with its secrets replaced by "[redacted]".
	Body json.RawMessage `json:"body,omitempty"`
}

// maxLog bounds the memory a long-lived sandbox spends on its request log.
const maxLog = 20_000

// Requests are the requests of the API since the last reset, in the order they were answered; the latest 20,000 are kept.
func (s *Stage[C]) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// ResetRequests empties the request log. The numbering goes on.
func (s *Stage[C]) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = nil
}

func (s *Stage[C]) record(r Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.log) >= maxLog {
		s.log = slices.Delete(s.log, 0, maxLog/10)
	}
	s.log = append(s.log, r)
}

// redacted is a body fit for the log: hashes of secrets are as good as secrets to somebody with time.
func (s *Stage[C]) redacted(body []byte) json.RawMessage {
	if len(body) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return json.RawMessage(`"<not JSON>"`)
	}
	s.redact(value)
	text, err := json.Marshal(value)
	if err != nil {
		return json.RawMessage(`"<not JSON>"`)
	}
	return text
}

func (s *Stage[C]) redact(value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			if s.api.Secret(name) {
				v[name] = "[redacted]"
			} else {
				s.redact(inner)
			}
		}
	case []any:
		for _, inner := range v {
			s.redact(inner)
		}
	}
}
