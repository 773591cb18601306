package check

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// reach makes the first request, and a TLS handshake with it.
func (in *inspection) reach(ctx context.Context) Result {
	began := time.Now()
	a, err := in.get(ctx, "health/live", nil, nil)
	if err != nil {
		if certificate(err) {
			return failed(tlsRemedy(err), "the certificate is not good: %v", err)
		}
		return failed("is the router running, is the URL right (http or https, host, port), and does a firewall let it through?", "cannot reach it: %v", err)
	}
	in.seen.reached = true
	if in.seen.date, err = http.ParseTime(a.header.Get("Date")); err == nil {
		in.seen.skew = skew(in.seen.date, began, time.Now())
	}
	if a.status != http.StatusOK {
		r := refusal(a)
		// The router itself answers 503 while it drains; other 5xx are those of a proxy.
		in.seen.reached = a.status < http.StatusInternalServerError || a.status == http.StatusServiceUnavailable
		return r
	}
	return ok("answered after %v", since(began))
}

// skew is by how much a clock that said date, in whole seconds, between two moments is
// ahead at least; it is negative for one that is behind.
func skew(date, from, to time.Time) time.Duration {
	switch {
	case date.After(to):
		return date.Sub(to)
	case date.Add(time.Second).Before(from):
		return -from.Sub(date.Add(time.Second))
	}
	return 0
}

// certificate reports whether a request failed over the certificate of the server.
func certificate(err error) bool {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	return errors.As(err, &unknown) || errors.As(err, &invalid) || errors.As(err, &host)
}

func tlsRemedy(err error) string {
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, new(x509.HostnameError)):
		return "use a name that the certificate is for, or have one made for this name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "renew the certificate; the router reads changed files by itself (api.tls_cert, api.tls_key)"
	}
	return "have the server send the whole chain (leaf first, then intermediates), or name whom to trust with --ca"
}

// soon is how long before its end a certificate should have been renewed.
const soon = 14 * 24 * time.Hour

func (in *inspection) checkTLS(ctx context.Context) Result {
	host := in.Router.Hostname()
	if in.Router.Scheme != "https" {
		if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
			return skipped("http on this machine")
		}
		return warning("serve https, with api.tls_cert and api.tls_key or a proxy: tokens and events can be read on the way",
			"the connection is not encrypted")
	}
	port := in.Router.Port()
	if port == "" {
		port = "443"
	}
	config := in.TLS.Clone() // of nil as well
	if config == nil {
		config = &tls.Config{}
	}
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: in.Patience}, Config: config}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return failed(tlsRemedy(err), "no handshake: %v", err)
	}
	defer conn.Close()
	state := conn.(*tls.Conn).ConnectionState()
	leaf := state.PeerCertificates[0]
	left := time.Until(leaf.NotAfter)
	text := fmt.Sprintf("%s, good until %s (%d days)", tls.VersionName(state.Version), leaf.NotAfter.UTC().Format(time.DateOnly), int(left.Hours()/24))
	if left < soon {
		return warning("renew the certificate; the router reads changed files by itself", "%s", text)
	}
	return ok("%s", text)
}

func (in *inspection) version(ctx context.Context) Result {
	a, err := in.get(ctx, "health", nil, nil)
	if err != nil {
		return failed("see the log of the router", "%v", err)
	}
	var page struct{ Status, Version string }
	if err := json.Unmarshal(a.body, &page); err != nil || page.Version == "" {
		return failed("is the URL that of a router? GET /health has to say which", "answered %s, without a version", a.says())
	}
	return ok("%s", clip(page.Version))
}

func (in *inspection) ready(ctx context.Context) Result {
	a, err := in.get(ctx, "health/ready", nil, nil)
	switch {
	case err != nil:
		return failed("see the log of the router", "%v", err)
	case a.status == http.StatusServiceUnavailable:
		return failed("wait until the drain is over, or look why it was asked to stop", "not ready: %s", a.says())
	case a.status != http.StatusOK:
		return refusal(a)
	}
	return ok("takes new clients")
}

func (in *inspection) health(ctx context.Context) Result {
	a, err := in.get(ctx, "v1/health/streaming", nil, nil)
	if err != nil {
		return failed("see the log of the router", "%v", err)
	}
	var page struct {
		Status  string
		Reasons []string
		Metrics *struct {
			Events *uint64 `json:"events_emitted_total"`
		}
	}
	if err := json.Unmarshal(a.body, &page); err != nil || page.Metrics == nil || page.Metrics.Events == nil {
		return failed("is the URL that of a router, and does the proxy pass /v1/health/streaming?", "answered %s, not the health of streaming", a.says())
	}
	if page.Status != "healthy" {
		return warning("each reason says what to do", "%s: %s", clip(page.Status), clip(strings.Join(page.Reasons, "; ")))
	}
	return ok("healthy, %d events so far", *page.Metrics.Events)
}

// explorer looks at what follows a router and is one itself: whether events reach it.
func (in *inspection) explorer(ctx context.Context) Result {
	a, err := in.get(ctx, "health/streaming", nil, nil)
	if err != nil {
		return failed("see the log of the router", "%v", err)
	}
	var page struct {
		Enabled    bool
		Reasons    []string
		Connection *struct{ Mode, Status string }
	}
	if a.status != http.StatusOK || json.Unmarshal(a.body, &page) != nil || page.Connection == nil {
		return skipped("this is a router, no explorer")
	}
	mode, why := clip(page.Connection.Mode), clip(strings.Join(page.Reasons, "; "))
	switch {
	case page.Connection.Status != "connected":
		return failed("is the node that it follows running, and is ADIC_NODE_URL right?", "it is %s: %s", clip(page.Connection.Status), why)
	case len(page.Reasons) > 0:
		return warning("each reason says what to do", "connected over %s: %s", mode, why)
	case !page.Enabled:
		return warning("set ENABLE_EVENT_STREAMING=True, unless it is meant to poll", "it polls the node, as streaming is switched off")
	}
	return ok("follows its node over %s", mode)
}

// mostSkew is how far apart clocks may be that keep time.
const mostSkew = 2 * time.Second

func (in *inspection) clock(context.Context) Result {
	off := in.seen.skew.Abs().Round(time.Second)
	switch {
	case in.seen.date.IsZero():
		return skipped("the answer had no date")
	case in.seen.skew > mostSkew:
		return warning("synchronise both clocks (NTP): tokens and timestamps go by them", "the router's clock is %v ahead of this one", off)
	case in.seen.skew < -mostSkew:
		return warning("synchronise both clocks (NTP): tokens and timestamps go by them", "the router's clock is %v behind this one", off)
	}
	return ok("agrees with this one")
}

func (in *inspection) eventTypes(ctx context.Context) Result {
	a, err := in.get(ctx, "v1/events/types", nil, nil)
	if err != nil {
		return failed("see the log of the router", "%v", err)
	}
	if a.status != http.StatusOK {
		return refusal(a)
	}
	var page struct{ Types []struct{ Name string } }
	if err := json.Unmarshal(a.body, &page); err != nil || len(page.Types) == 0 {
		return failed("does the proxy pass /v1/events/types unchanged?", "the catalogue cannot be read")
	}
	for _, t := range page.Types {
		in.seen.types = append(in.seen.types, t.Name)
	}
	return ok("%d event types", len(page.Types))
}

// wanted are the metrics that alerts and dashboards build on.
var wanted = []string{"adic_events_emitted_total", "adic_websocket_connections", "adic_sse_connections",
	"adic_websocket_messages_sent_total", "adic_sse_messages_sent_total"}

func (in *inspection) readMetrics(ctx context.Context) Result {
	const remedy = "name the address that operators use with --operators (admin.listen); on the public one see api.enable_metrics"
	values, a, err := in.scrape(ctx)
	if err != nil {
		return failed(remedy, "%v", err)
	}
	if a.status != http.StatusOK {
		return warning(remedy, "answered %s", a.says())
	}
	var missing []string
	for _, name := range wanted {
		if _, there := values[name]; !there {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return failed("is this the /metrics of a router?", "there is no %s", strings.Join(missing, ", "))
	}
	in.seen.metrics = values
	return ok("%d series without labels, the checklist's %d among them", len(values), len(wanted))
}

// scrape reads the metrics that have no labels.
func (in *inspection) scrape(ctx context.Context) (map[string]float64, *answer, error) {
	base := in.Operators
	if base == nil {
		base = in.Router
	}
	a, err := in.ask(ctx, http.MethodGet, base, "metrics", nil, nil)
	if err != nil {
		return nil, nil, err
	}
	values := make(map[string]float64)
	for lines := bufio.NewScanner(bytes.NewReader(a.body)); lines.Scan(); {
		name, value, found := strings.Cut(lines.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); found && err == nil && !strings.Contains(name, "{") {
			values[name] = v
		}
	}
	return values, a, nil
}

// metricsMove looks whether what was just done shows: at the least the messages of
// the WebSocket check.
func (in *inspection) metricsMove(ctx context.Context) Result {
	if !in.seen.webSocket {
		return skipped("WebSocket does not work, and events may come seldom")
	}
	values, _, err := in.scrape(ctx)
	if err != nil {
		return failed("see the log of the router", "%v", err)
	}
	const name = "adic_websocket_messages_sent_total"
	if values[name] <= in.seen.metrics[name] {
		return failed("the metrics are not those of the router that serves the streams: does a load balancer send them elsewhere? Use --operators", "%s stays at %v", name, values[name])
	}
	return ok("%s went from %v to %v", name, in.seen.metrics[name], values[name])
}
