package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkForm checks text whose form is not said by its type.
func (k *Key) checkForm(s string) []Problem {
	var p *Problem
	switch k.form {
	case "":
	case "path":
		p = checkPath(s)
	case "claim":
		p = checkText(s, "leave them out")
	case "jwtsecret":
		p = checkJWTSecret(s)
	case "host":
		p = checkHost(s)
	case "address":
		p = checkAddress(s)
	case "origin":
		p = checkOrigin(s)
	case "network":
		_, p = parseNetwork(s)
	case "token":
		p = checkToken(s)
	case "token_hash":
		p = checkTokenHash(s)
	case "event":
		p = checkEvent(s)
	case "upstream":
		p = checkUpstream(s, "source.relay.token")
	case "node":
		p = checkUpstream(s, "explorer.node_token")
	case "database":
		p = checkDatabase(s)
	case "nats":
		p = checkNATS(s)
	case "name":
		p = checkNATSName(s)
	case "priority":
		p = checkPriority(s)
	default:
		panic("config: " + k.Name + ": no form is called " + k.form)
	}
	if p == nil {
		return nil
	}
	return []Problem{*p}
}

// checkPath keeps out the paths that a TOML file and a line of a log cannot
// hold. Whether the file is there is for its reader to say.
func checkPath(s string) *Problem { return checkText(s, "rename the file") }

func checkText(s, remedy string) *Problem {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) {
		return nil
	}
	return &Problem{What: quote(s) + " has control characters or is not UTF-8", Remedy: remedy}
}

func checkHost(s string) *Problem {
	if _, err := netip.ParseAddr(s); err == nil || isHostName(s) {
		return nil
	}
	remedy := "use an IP address or a host name, such as 0.0.0.0, :: or localhost"
	if strings.ContainsAny(s, ":[]") {
		remedy += ", without brackets; the port goes into api.port"
	}
	return &Problem{What: quote(s) + " is not an address to listen on", Remedy: remedy}
}

// checkAddress takes HOST:PORT, or nothing.
func checkAddress(s string) *Problem {
	if s == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err == nil && checkHost(host) == nil {
		return nil
	}
	return &Problem{What: quote(s) + " is not an address with a port", Remedy: "use something like 127.0.0.1:9123, localhost:9123 or [::1]:9123"}
}

// isHostName reports whether s is a host name after RFC 1123 §2.1, or one with
// underscores, which container networks give out. A name whose last label is a
// number is a mistyped IPv4 address (WHATWG URL, "ends in a number").
func isHostName(s string) bool {
	const maxName, maxLabel = 253, 63
	if len(s) > maxName {
		return false
	}
	digits := false
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		digits = true
		for _, c := range []byte(label) {
			switch {
			case '0' <= c && c <= '9':
			case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '-', c == '_':
				digits = false
			default:
				return false
			}
		}
	}
	return !digits
}

// checkOrigin takes "*", and origins exactly as browsers send them: matching
// compares bytes, so that an origin in another spelling would never match.
func checkOrigin(s string) *Problem {
	if s == "*" {
		return nil
	}
	url := s
	if strings.HasPrefix(s, "*.") {
		url = "https://" + s
	}
	right := browserOrigin(url)
	if right != "" && right == url {
		return nil
	}
	if strings.ContainsAny(s, ".:") && !strings.Contains(s, "://") {
		// A host that lacks its scheme.
		right = browserOrigin("https://" + s)
	}
	remedy := `write "https://example.org", "https://*.example.org" for every host below it, or "*" for all`
	if right != "" {
		remedy = "write " + quote(right)
	}
	return &Problem{What: quote(s) + " is not an origin as a browser sends it", Remedy: remedy}
}

// browserOrigin returns the origin of a URL in the form that browsers send
// (RFC 6454 §6.2), with a "*." before its host kept, or "" if it has none.
func browserOrigin(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" {
		return ""
	}
	host := strings.ToLower(u.Hostname())
	switch addr, err := netip.ParseAddr(host); {
	case err == nil && addr.Zone() != "":
		return "" // a zone means something on one machine only
	case err == nil && addr.Is6():
		host = "[" + addr.String() + "]"
	case err != nil && !isHostName(strings.TrimPrefix(host, "*.")):
		return ""
	}
	origin := u.Scheme + "://" + host
	if u.Port() == "" {
		return origin
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	switch {
	case err != nil:
		return ""
	case u.Scheme == "https" && port == 443, u.Scheme == "http" && port == 80:
		return origin
	}
	return origin + ":" + strconv.FormatUint(port, 10)
}

// checkToken takes what fits into an Authorization header, so that a token
// that no client could ever send is told now. It never shows the token.
func checkToken(s string) *Problem {
	if s == hidden {
		return &Problem{What: hidden + " stands for a token that is not shown", Remedy: "write the token itself"}
	}
	const maxToken = 1024
	if len(s) > maxToken {
		return &Problem{What: "the token is longer than 1024 bytes", Remedy: "use a shorter one"}
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return &Problem{
				What:   "the token has white space, control characters or characters that are not ASCII",
				Remedy: "use letters, digits and punctuation only; look for a line break at its end",
			}
		}
	}
	return nil
}

// checkTokenHash takes the hash of a token. It never shows what it was given: that
// may be the token itself.
func checkTokenHash(s string) *Problem {
	const remedy = "write the hash that 'adic token new' prints beside the token, or 'adic token hash' of a token"
	if s == "" {
		return &Problem{What: "there is no token", Remedy: remedy}
	}
	digits, ok := strings.CutPrefix(s, "sha256:")
	odd := func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') }
	if !ok || len(digits) != 64 || strings.ContainsFunc(digits, odd) {
		return &Problem{What: "its value is not sha256: and 64 hexadecimal digits in lower case", Remedy: remedy}
	}
	return nil
}

// checkEvent takes what the name of a type can be. Whether there is such a type
// is for who reads the catalogue to say.
func checkEvent(s string) *Problem {
	odd := func(r rune) bool { return r != '.' && r != '*' && notBare(r) }
	if s == "" || strings.ContainsFunc(s, odd) {
		return &Problem{What: quote(s) + " is not the name of an event type", Remedy: "use names, aliases, prefixes such as vrf.*, or all"}
	}
	return nil
}

func checkPriority(s string) *Problem {
	priorities := []string{"all", "high", "medium", "low"}
	if slices.Contains(priorities, s) {
		return nil
	}
	return &Problem{What: quote(s) + " is not a priority", Remedy: "use " + oneOf(priorities)}
}
