package sim

import (
	"cmp"
	"crypto/subtle"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

// authenticate finds the enabled, unexpired key that the request's basic credentials hash to, checks that the key's IP list
// admits the caller, and notes the use of the key.
func (s *Server) authenticate(r *http.Request, ip netip.Addr, now time.Time) (*key, error) {
	keyID, secret, ok := r.BasicAuth()
	if !ok {
		return nil, refuse(http.StatusUnauthorized, "basic authentication with an API key is required")
	}
	k := verifyKey(s.current, keyID, secret)
	switch {
	case k == nil:
		return nil, refuse(http.StatusUnauthorized, "invalid API key")
	case k.State != keyEnabled:
		return nil, refuse(http.StatusUnauthorized, "API key is disabled")
	case k.expired(now):
		return nil, refuse(http.StatusUnauthorized, "API key has expired")
	case !s.cfg.OldAPI && !admits(k.IPAccessList, ip):
		return nil, refuse(cmp.Or(s.cfg.Statuses.DeniedSource, http.StatusForbidden), "IP address %s is not allowed to use this API key", ip)
	}
	return s.touch(k, now), nil
}

// verifyKey gives the key that keyID and secret hash to, whatever its state.
func verifyKey(st *state, keyID, secret string) *key {
	idHash, secretHash := stage.SHA256Base64(keyID), stage.SHA256Base64(secret)
	return find(st.Keys, func(k *key) bool {
		return subtle.ConstantTimeCompare([]byte(k.KeyIDHash), []byte(idHash))&
			subtle.ConstantTimeCompare([]byte(k.KeySecretHash), []byte(secretHash)) == 1
	})
}

// touch notes the use of a key with the one-minute precision the API shows. It is no version of its own, for reads must not
// make versions: the key is exchanged in the list of the current one, which no other version shares.
func (s *Server) touch(k *key, now time.Time) *key {
	minute := now.Truncate(time.Minute)
	if k.UsedAt != nil && k.UsedAt.Equal(minute) {
		return k
	}
	used := *k
	used.UsedAt = &minute
	replace(s.current.Keys, k, &used)
	return &used
}

// admits tells whether an IP list lets an address in. An empty list lets nobody in. The IPv6 loopback counts as the IPv4 one,
// since lists hold IPv4 only and a sandbox may be reached by either.
func admits(list []ipEntry, ip netip.Addr) bool {
	ip = ip.Unmap()
	if ip == netip.IPv6Loopback() {
		ip = stage.Loopback
	}
	for _, entry := range list {
		if prefix, ok := parseSource(entry.Source); ok && prefix.Contains(ip) {
			return true
		}
	}
	return false
}

// parseSource reads an IPv4 address or CIDR. Host bits are allowed: the API echoes what it was sent.
func parseSource(source string) (netip.Prefix, bool) {
	if strings.Contains(source, "/") {
		prefix, err := netip.ParsePrefix(source)
		return prefix, err == nil && prefix.Addr().Is4()
	}
	addr, err := netip.ParseAddr(source)
	if err != nil || !addr.Is4() {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(addr, 32), true
}

// authorize checks the organization of the path, the roles of the key, and the denials a test has set.
func (c *call) authorize(rt route, r *http.Request) error {
	if _, scoped := c.params["organizationId"]; scoped {
		id, err := c.id("organizationId")
		if err != nil {
			return err
		}
		if id != c.current.Organization.ID {
			return notFound(id)
		}
	}
	for _, d := range c.cfg.Denied {
		if (d.Key == "" || d.Key == c.key.Name) && (d.Method == "" || d.Method == r.Method) && stage.Glob(d.Path).MatchString(r.URL.EscapedPath()) {
			return refuse(http.StatusForbidden, "missing permission %s", rt.permission)
		}
	}
	if !c.current.allows(c.key.grants, rt.permission) {
		return refuse(http.StatusForbidden, "missing permission %s", rt.permission)
	}
	return nil
}
