package rest

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strings"
	"syscall"
)

// unreachable says which address did not answer and why, for a call that got no
// connection. Of the address it has host and port alone: tools want e-mail addresses
// and keys in the rest.
func unreachable(u *url.URL, err error) string {
	to := hostPort(u)
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "proxyconnect" {
		to = "the proxy for " + to
	}
	var dns *net.DNSError
	var number syscall.Errno
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "cannot connect to " + to + ": its name cannot be resolved"
	case errors.As(err, &dns):
		return "cannot connect to " + to + ": the DNS server gave no answer about its name"
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		return "cannot connect to " + to + ": it did not answer in time"
	case errors.As(err, &certificate):
		return "cannot connect to " + to + ": its certificate is not valid or not trusted"
	case errors.As(err, &number):
		return "cannot connect to " + to + ": " + number.Error()
	}
	return "cannot connect to " + to
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// longest is how long a part of a path may be to be shown: what is longer may be a
// secret.
const longest = 20

// Shown is the address of a path without what may be secret or about a person: its
// query, credentials, and long parts.
func (c *Client) Shown(path string) string {
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(strings.TrimSuffix(c.Base.Path, "/")+path, "/")
	for i, part := range parts {
		if len(part) > longest {
			parts[i] = "…"
		}
	}
	return c.Base.Scheme + "://" + c.Base.Host + strings.Join(parts, "/")
}
