package decode

import (
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/spillscope/spillscope/model"
)

// RefererClass says from where a request to host came. Schemes are not told
// apart: the logs of one site mix them after every redirect to https.
func (c *Context) RefererClass(host, referer string) model.RefererClass {
	from, path := SplitURL(referer)
	if from == "" {
		return model.RefererNone
	}
	host = hostName(host)
	switch {
	case from != host && !sameSite(from, host):
		return model.RefererCrossSite
	case c.isFramed(from, path):
		return model.RefererFramed
	case from == host:
		return model.RefererSameHost
	}
	return model.RefererSameSite
}

func (c *Context) isFramed(host, path string) bool {
	for i := range c.framed {
		if c.framed[i].match(host, path) {
			return true
		}
	}
	return false
}

// SplitURL returns host and path of a URL that has an authority; the host is
// empty if it has none. The query and the fragment are dropped. It is not
// net/url: that refuses what real Referer headers hold, such as a bad escape
// in the query, which does not matter here.
func SplitURL(url string) (host, path string) {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		return "", ""
	}
	host, path = rest, "/"
	if i := strings.IndexAny(rest, "/?#\\"); i >= 0 {
		host = rest[:i]
		if rest[i] == '/' {
			path = rest[i:]
		}
	}
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	return hostName(host[strings.LastIndexByte(host, '@')+1:]), path
}

// hostName brings a host to one form: lower case, without port and final dot.
func hostName(host string) string {
	bracketed := strings.Contains(host, "]:")
	if i := strings.LastIndexByte(host, ':'); bracketed || i >= 0 && strings.Count(host, ":") == 1 {
		host = host[:i]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// sameSite reports whether a and b share a registrable domain.
func sameSite(a, b string) bool {
	if isAddress(a) || isAddress(b) {
		return a == b // 192.0.2.1 has no domain, whatever the suffix list says of "1"
	}
	siteA, errA := publicsuffix.EffectiveTLDPlusOne(a)
	siteB, errB := publicsuffix.EffectiveTLDPlusOne(b)
	return errA == nil && errB == nil && siteA == siteB
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}
