package saas

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// ParseAddress reads the address of a service: https with a host and nothing secret in it. Plain http is accepted for
// loopback addresses only.
func ParseAddress(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil: // its text would show the address, which may hold a password
		return nil, fmt.Errorf("not an address")
	case u.Host == "" || u.Opaque != "":
		return nil, fmt.Errorf("want https://HOST")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("want an address without user, query and fragment")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
	default:
		return nil, fmt.Errorf("%s://%s: want https; http is for loopback addresses", u.Scheme, u.Host)
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u, nil
}

// loopback reports whether host is this machine by its name or number.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// transport returns a transport that connects to hosts in the open network only, judged by the address a name resolves
// to at the moment of the connection, so that a name cannot lead into the private network. A proxy that the environment
// names is the operator's word and is not judged.
func transport(hosts ...string) *http.Transport {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		d := net.Dialer{Timeout: 15 * time.Second}
		host, _, _ := net.SplitHostPort(address)
		for _, h := range hosts {
			if strings.EqualFold(h, host) {
				d.Control = judge(loopback(h))
			}
		}
		return d.DialContext(ctx, network, address)
	}
	return &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: dial, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 15 * time.Second, ResponseHeaderTimeout: 2 * time.Minute, IdleConnTimeout: 90 * time.Second,
		MaxResponseHeaderBytes: 1 << 20}
}

// judge refuses addresses: all but this machine if local, else all that are not in the open network.
func judge(local bool) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		ip := at.Addr().Unmap()
		if local && ip.IsLoopback() || !local && ip.IsGlobalUnicast() && !ip.IsPrivate() {
			return nil
		}
		return fmt.Errorf("%s is not in the open network", ip)
	}
}
