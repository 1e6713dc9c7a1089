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
func (s *Stage) serveControl(r *http.Request, inProcess bool) Reply {
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

// control finds an operation: the request log is the same of every simulator.
func (s *Stage) control(method, path string) (Control, bool) {
	switch method + " " + path {
	case "GET /requests":
		return func([]byte) (any, error) { return append([]Request{}, s.Requests()...), nil }, true
	case "DELETE /requests":
		return func([]byte) (any, error) {
			s.ResetRequests()
			return struct{}{}, nil
		}, true
	default:
		return s.api.Control(method, path)
	}
}

// Configurable is a simulator whose configuration the control API shows and replaces.
type Configurable[C interface{ Validate() error }] struct {
	Get        func() C
	Set        func(C)
	WithFaults func(C, []Fault) C
	// Advance moves the clock and gives the time that it is then.
	Advance func(time.Duration) (time.Time, error)
}

// Control finds the operations on the configuration and the clock.
func (c Configurable[C]) Control(method, path string) (Control, bool) {
	switch method + " " + path {
	case "GET /config":
		return func([]byte) (any, error) { return c.Get(), nil }, true
	case "PUT /config":
		return func(body []byte) (any, error) {
			var cfg C
			if err := DecodeStrict(body, &cfg); err != nil {
				return nil, err
			}
			return cfg, c.set(cfg)
		}, true
	case "POST /faults":
		return func(body []byte) (any, error) {
			var faults []Fault
			if err := DecodeStrict(body, &faults); err != nil {
				return nil, err
			}
			return faults, c.set(c.WithFaults(c.Get(), faults))
		}, true
	case "POST /clock":
		return func(body []byte) (any, error) {
			var request struct {
				Advance Duration `json:"advance"`
			}
			if err := DecodeStrict(body, &request); err != nil {
				return nil, err
			}
			now, err := c.Advance(time.Duration(request.Advance))
			return map[string]time.Time{"now": now}, err
		}, true
	default:
		return nil, false
	}
}

func (c Configurable[C]) set(cfg C) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	c.Set(cfg)
	return nil
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
