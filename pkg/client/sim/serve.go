package sim

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

const apiPrefix = "/v1"

// api is what the stage has to know of this API.
func (s *Server) api() stage.API[Config] {
	return stage.API[Config]{
		Serves:    func(path string) bool { return path == apiPrefix || strings.HasPrefix(path, apiPrefix+"/") },
		Elsewhere: elsewhere,
		Execute:   s.execute,
		Refusal:   refusal,
		Hollow:    hollow,
		Caller: func(r *http.Request) string {
			keyID, _, _ := r.BasicAuth()
			return suffix(keyID)
		},
		Secret: func(field string) bool {
			switch field {
			case "newPasswordHash", "newDoubleSha1Hash", "keyIdHash", "keySecretHash", "password", "keySecret":
				return true
			default:
				return false
			}
		},
		Control:   s.control,
		Configure: s.configure,
		Faults:    func(cfg *Config) *[]Fault { return &cfg.Faults },
		Save: func() error {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.save(s.current)
		},
	}
}

func (s *Server) configure(cfg Config) stage.Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg, s.limiter = cfg, stage.Limiter{}
	return stage.Settings{Faults: cfg.Faults, Seed: cfg.Seed, Latency: cfg.Delays.Latency}
}

func elsewhere() stage.Reply {
	return stage.NewReply(http.StatusNotFound, "text/html; charset=utf-8",
		[]byte("<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>\n"))
}

// execute handles one request under the lock, so requests take effect one after the other.
func (s *Server) execute(r *http.Request, body []byte, bodyErr error, ip netip.Addr) stage.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	requestID := stage.NewID()
	result, rt, err := s.dispatch(r, body, bodyErr, ip)
	if err != nil {
		return s.failure(requestID, err)
	}
	if text, ok := result.(plainText); ok {
		return stage.NewReply(http.StatusOK, "text/plain; charset=utf-8", []byte(text))
	}
	if r.Method == http.MethodDelete && s.cfg.EmptyDeleteBody {
		return stage.NewReply(http.StatusOK, "application/json; charset=utf-8", nil)
	}
	envelope := struct {
		RequestID string `json:"requestId,omitempty"`
		Result    any    `json:"result,omitempty"`
		Status    int    `json:"status"`
	}{requestID, nil, http.StatusOK}
	if result != nil {
		if envelope.Result, err = s.cfg.shape(result, rt.object); err != nil {
			return s.failure(requestID, err)
		}
	}
	return stage.JSON(http.StatusOK, envelope)
}

// plainText is a result that is not JSON.
type plainText string

func (s *Server) failure(requestID string, err error) stage.Reply {
	api := &apiError{status: http.StatusInternalServerError, text: err.Error()}
	if refused := (*apiError)(nil); errors.As(err, &refused) {
		api = refused
	}
	if s.cfg.OldAPI {
		requestID = ""
	}
	rep := stage.JSON(api.status, struct {
		RequestID string `json:"requestId,omitempty"`
		Error     string `json:"error"`
		Status    int    `json:"status"`
	}{requestID, api.text, api.status})
	if api.status == http.StatusTooManyRequests {
		setReset(rep, api.resetAfter)
	}
	return rep
}

// refusal is an error that nobody's request has caused.
func refusal(status int, text string, wait time.Duration) stage.Reply {
	rep := stage.JSON(status, struct {
		RequestID string `json:"requestId"`
		Error     string `json:"error"`
		Status    int    `json:"status"`
	}{stage.NewID(), refuse(status, "%s", text).Error(), status})
	if status == http.StatusTooManyRequests {
		setReset(rep, wait)
	}
	return rep
}

func setReset(rep stage.Reply, wait time.Duration) {
	rep.Header.Set("X-RateLimit-Reset", strconv.FormatFloat(wait.Seconds(), 'f', 3, 64))
}

// hollow empties the objects of a list. An answer without a list stays as it is.
func hollow(rep stage.Reply) stage.Reply {
	var envelope struct {
		RequestID string           `json:"requestId"`
		Result    []map[string]any `json:"result"`
		Status    int              `json:"status"`
	}
	if rep.Status != http.StatusOK || json.Unmarshal(rep.Body, &envelope) != nil {
		return rep
	}
	for _, object := range envelope.Result {
		clear(object)
	}
	return stage.JSON(rep.Status, envelope)
}
