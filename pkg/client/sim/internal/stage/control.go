package stage

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Control is an operation of the control API: a JSON body in, a value out.
type Control func(body []byte) (any, error)

// serveControl answers the control API. It has no authentication, so over HTTP it answers only what cannot come from a foreign
// web page: a loopback Host, and no Origin but a loopback one.
func (s *Stage[C]) serveControl(r *http.Request, inProcess bool) Reply {
	if !inProcess && (!isLoopbackHost(r.Host) || !isLoopbackOrigin(r.Header.Get("Origin"))) {
		return controlError(http.StatusForbidden, "the control API answers on loopback only")
	}
	body, err := ReadBody(r)
	if err != nil {
		return controlError(http.StatusBadRequest, err.Error())
	}
	path := strings.TrimPrefix(r.URL.EscapedPath(), controlPrefix)
	handle, ok := s.control(r.Method, path)
	if !ok {
		return controlError(http.StatusNotFound, "no such control: "+r.Method+" "+path)
	}
	result, err := handle(body)
	if err != nil {
		return controlError(http.StatusBadRequest, err.Error())
	}
	return JSON(http.StatusOK, result)
}

// control finds an operation: on the request log, the configuration and the clock they are the same of every simulator.
func (s *Stage[C]) control(method, path string) (Control, bool) {
	switch method + " " + path {
	case "GET /requests":
		return func([]byte) (any, error) { return append([]Request{}, s.Requests()...), nil }, true
	case "DELETE /requests":
		return func([]byte) (any, error) {
			s.ResetRequests()
			return struct{}{}, nil
		}, true
	case "GET /config":
		return func([]byte) (any, error) { return s.Config(), nil }, true
	case "PUT /config":
		return Takes(func(cfg C) (any, error) { return cfg, s.reconfigure(cfg) }), true
	case "POST /faults":
		return Takes(func(faults []Fault) (any, error) {
			cfg := s.Config()
			*s.api.Faults(&cfg) = faults
			return faults, s.reconfigure(cfg)
		}), true
	case "POST /clock":
		return Takes(s.controlClock), true
	default:
		return s.api.Control(method, path)
	}
}

// Takes is an operation whose body is a T and nothing else.
func Takes[T any](operation func(T) (any, error)) Control {
	return func(body []byte) (any, error) {
		var request T
		if err := DecodeStrict(body, &request); err != nil {
			return nil, err
		}
		return operation(request)
	}
}

func (s *Stage[C]) reconfigure(cfg C) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	s.SetConfig(cfg)
	return nil
}

type clockMove struct {
	Advance Duration `json:"advance"`
}

func (s *Stage[C]) controlClock(m clockMove) (any, error) {
	s.Advance(time.Duration(m.Advance))
	return map[string]time.Time{"now": s.Now()}, s.api.Save()
}

func controlError(status int, text string) Reply {
	return JSON(status, map[string]string{"error": text})
}

func isLoopbackHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func isLoopbackOrigin(origin string) bool {
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && isLoopbackHost(u.Host)
}
