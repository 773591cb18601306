// Package check looks at a running router from the outside, as its clients and
// operators see it, through whatever proxy stands in between: the deployment
// checklist as a program.
//
// [Run] goes through the list and tells one [Result] a check. It changes nothing:
// nothing is published, and what it opens it closes. A check that cannot be made, as
// what it builds on has failed or was not asked for, is skipped and says why.
package check

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// A Status is how a check ended.
type Status string

// Statuses of a check.
const (
	OK      Status = "ok"
	Warning Status = "warning" // it works, and should be looked at
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// A Result is what one check found.
type Result struct {
	Check  string `json:"check"`
	Status Status `json:"status"`
	Found  string `json:"found"`            // in a sentence, safe to print but for control characters
	Remedy string `json:"remedy,omitempty"` // what to do about it
}

// Options say what to look at, and for how long.
type Options struct {
	Router      *url.URL    // http or https; its path is before that of every endpoint
	Operators   *url.URL    // where /metrics is, if not at Router
	TLS         *tls.Config // whom to trust; nil is the system's certificates
	Token       string      // of a subscriber, if one is needed
	Origin      string      // of a page that has to be let in, if any
	Hold        time.Duration
	Connections int           // of the short load; 0 is none
	Patience    time.Duration // for one answer
	Only        []string      // names of checks, as Names has them; empty is all
}

// inspection is one run.
type inspection struct {
	Options
	http  *http.Client
	tell  func(Result)
	found []Result

	seen observations
}

// observations are what one check learns that another one needs.
type observations struct {
	reached   bool
	date      time.Time          // by the router's clock, of its first answer
	skew      time.Duration      // of that clock, at least
	metrics   map[string]float64 // families without labels; nil if there are none to be had
	types     []string           // names of the catalogue
	webSocket bool               // works
	sse       bool
}

// Run makes all checks and returns what they found, in their order. tell, if not nil,
// is told of each when it is done. ctx ends it early: what was not checked is
// skipped then.
func Run(ctx context.Context, o Options, tell func(Result)) []Result {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = o.TLS
	transport.DisableKeepAlives = true  // behind a load balancer every request may meet another router
	transport.DisableCompression = true // what a proxy does to an answer is to be seen
	defer transport.CloseIdleConnections()
	in := &inspection{Options: o, tell: tell, http: &http.Client{
		Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // clients of streams do not follow any
		},
	}}
	for _, c := range checks {
		if len(o.Only) == 0 || c.name == first || slices.Contains(o.Only, c.name) {
			in.run(ctx, c)
		}
	}
	return in.found
}

// Names returns the names of all checks, in their order.
func Names() []string {
	var names []string
	for _, c := range checks {
		names = append(names, c.name)
	}
	return names
}

// A step is one check. One that needs the router is skipped when it was not reached.
type step struct {
	name  string
	needs func(*observations) string // why it cannot be made, or empty
	run   func(*inspection, context.Context) Result
}

// first is the check that the others build on. It is always made.
const first = "reachable"

var checks = []step{
	{first, nil, (*inspection).reach},
	{"tls", reached, (*inspection).checkTLS},
	{"version", reached, (*inspection).version},
	{"ready", reached, (*inspection).ready},
	{"health", reached, (*inspection).health},
	{"explorer", reached, (*inspection).explorer},
	{"clock", reached, (*inspection).clock},
	{"types", reached, (*inspection).eventTypes},
	{"metrics", reached, (*inspection).readMetrics},
	{"websocket", reached, (*inspection).webSocket},
	{"sse", reached, (*inspection).eventStream},
	{"polling", reached, (*inspection).polling},
	{"metrics move", measured, (*inspection).metricsMove},
	{"filters", reached, (*inspection).filters},
	{"bad requests", reached, (*inspection).badRequests},
	{"resume", reached, (*inspection).resume},
	{"one stream", reached, (*inspection).oneStream},
	{"origins", reached, (*inspection).origins},
	{"heartbeats", streams, (*inspection).hold},
	{"load", streams, (*inspection).load},
	{"limits", measured, (*inspection).limits},
	{"kernel", reached, (*inspection).kernel},
}

func reached(seen *observations) string {
	if !seen.reached {
		return "the router was not reached"
	}
	return ""
}

func measured(seen *observations) string {
	if seen.metrics == nil {
		return "there are no metrics to look at"
	}
	return ""
}

func streams(seen *observations) string {
	if !seen.webSocket && !seen.sse {
		return "neither WebSocket nor SSE works"
	}
	return ""
}

func (in *inspection) run(ctx context.Context, c step) {
	var r Result
	why := ""
	if c.needs != nil {
		why = c.needs(&in.seen)
	}
	switch {
	case why != "":
		r = skipped("%s", why)
	case ctx.Err() != nil:
		r = skipped("interrupted")
	default:
		if r = c.run(in, ctx); ctx.Err() != nil {
			r = skipped("interrupted")
		}
	}
	r.Check = c.name
	in.found = append(in.found, r)
	if in.tell != nil {
		in.tell(r)
	}
}

func ok(format string, args ...any) Result {
	return Result{Status: OK, Found: fmt.Sprintf(format, args...)}
}

func skipped(format string, args ...any) Result {
	return Result{Status: Skipped, Found: fmt.Sprintf(format, args...)}
}

func failed(remedy, format string, args ...any) Result {
	return Result{Status: Failed, Found: fmt.Sprintf(format, args...), Remedy: remedy}
}

func warning(remedy, format string, args ...any) Result {
	return Result{Status: Warning, Found: fmt.Sprintf(format, args...), Remedy: remedy}
}
