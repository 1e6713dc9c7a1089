package client

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// CanonicalURL is the one spelling of a base URL: without the version, without a slash at the end, its host in lower case. It
// refuses what New would.
func (d Dialect) CanonicalURL(s string) (string, error) {
	base, err := d.parseBaseURL(s)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(base)
	if err != nil {
		return "", fmt.Errorf("parse: %w", err)
	}
	u.Host = strings.ToLower(u.Host)
	return u.String(), nil
}

// parseBaseURL checks a base URL and returns it without a trailing slash and without the version segment.
func (d Dialect) parseBaseURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil {
		// The outer error repeats the URL, in which there may be a password.
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return "", fmt.Errorf("parse: %w", err)
	}
	switch {
	case u.User != nil:
		return "", fmt.Errorf("it contains a user name or password; give the key by %s instead", d.KeyVariables)
	case u.Host == "":
		return "", fmt.Errorf("%q has no host; the form is https://HOST[/PATH]", s)
	case u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("it has a query or a fragment; the form is https://HOST[/PATH]")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return "", fmt.Errorf("plain http would show the API key to the network; use https://%s (http is for loopback only)", u.Host)
	case u.Scheme != "http" && u.Scheme != "https":
		return "", fmt.Errorf("%q: the scheme must be https", s)
	}
	base := strings.TrimRight(u.String(), "/")
	return strings.TrimRight(strings.TrimSuffix(base, d.Version), "/"), nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
