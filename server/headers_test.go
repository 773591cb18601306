package server

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/adic-network/router/config"
	"github.com/adic-network/router/web"
)

// everyAnswer are requests that between them are answered in every way there is but
// an upgrade: pages, streams, and refusals of all kinds.
func everyAnswer() (requests []string) {
	for _, path := range []string{"/", "/v1/ws/events", "/v1/sse/events", "/v1/events", "/v1/events/types", "/health", "/health/live",
		"/health/ready", "/v1/health/streaming", "/metrics", "/v1/metrics", "/nowhere"} {
		for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "PUT"} {
			requests = append(requests, method+" "+path+" HTTP/1.1\r\nHost: router\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		}
	}
	return append(requests,
		"GARBAGE\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: router\r\nX: "+strings.Repeat("x", 8<<10)+"\r\n\r\n",
		"POST /v1/events HTTP/1.1\r\nHost: router\r\nContent-Length: 99999\r\n\r\n",
		"POST /v1/events HTTP/1.1\r\nHost: router\r\nContent-Length: 99999\r\nExpect: 100-continue\r\n\r\n",
		"GET /v1/events HTTP/1.1\r\nHost: router\r\nOrigin: https://elsewhere.example\r\n\r\n",
	)
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	f := startFront(t, overTCP, func(c *config.Config) {
		c.API.MaxHeaderSize, c.Stream.MaxBodySize, c.Stream.MaxEventSize = 4<<10, 1<<10, 1<<10
	})
	for _, request := range append(everyAnswer(), streamRequests[0].request) {
		line, _, _ := strings.Cut(request, "\r\n")
		c := f.rawRequest(t, request)
		res, err := http.ReadResponse(c.in, &http.Request{Method: strings.Fields(line)[0]})
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if res.StatusCode != http.StatusSwitchingProtocols { // which has no content
			wantHeaders(t, res, "X-Content-Type-Options: nosniff")
		}
		wantHeaders(t, res, "Server: ", "X-Powered-By: ")
		if t.Failed() {
			t.Fatalf("in the answer to %s", line)
		}
		c.Close()
	}
}

func TestHeadersOfThePage(t *testing.T) {
	f := startFront(t, overTCP)
	res, _ := f.request(t, "GET", "/", "")
	wantHeaders(t, res, "X-Frame-Options: DENY", "Referrer-Policy: no-referrer",
		"Cross-Origin-Opener-Policy: same-origin", "Cross-Origin-Resource-Policy: same-origin")
	wantHeaders(t, res, "Content-Security-Policy: "+web.Policy)
	for _, part := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
		if !strings.Contains(web.Policy, part) {
			t.Errorf("the policy is %q, want %s", web.Policy, part)
		}
	}
	if strings.Contains(web.Policy, "unsafe") {
		t.Errorf("the policy is %q", web.Policy)
	}
}

// No answer holds markup that came with the request, wherever in it that was, nor
// more than a little of anything.
func TestNothingIsReflected(t *testing.T) {
	const mark = `<script>alert("x")</script>'"&`
	long := strings.Repeat("reflected", 300)
	f := startFront(t, overTCP, func(c *config.Config) { c.API.CORSOrigins = []string{"https://*.example.org"} })
	ask := func(method, target, body string, headers ...string) string {
		lines := append([]string{method + " " + target + " HTTP/1.1", "Connection: close", "Content-Length: " + strconv.Itoa(len(body))}, headers...)
		if len(headers) == 0 || !strings.HasPrefix(headers[0], "Host: ") {
			lines = append(lines, "Host: router")
		}
		return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
	}
	get := func(target string, headers ...string) string { return ask("GET", target, "", headers...) }
	post := func(body string, headers ...string) string {
		return ask("POST", "/v1/events", body, append(headers, bearer)...)
	}
	var requests []string
	for _, sent := range []string{mark, long, strings.Repeat(mark, 50)} {
		escaped, quoted := url.QueryEscape(sent), strings.ReplaceAll(sent, `"`, `\"`)
		requests = append(requests,
			get("/"+escaped), get("/"+sent), get("/v1/events/types/"+sent), get("/?"+sent), get("/%2e%2e/"+escaped),
			ask(sent, "/", ""), ask("X", sent, ""),
			get("/", "Host: "+sent), get("/nowhere", "Referer: "+sent), get("/nowhere", sent+": x"), get("/nowhere", "User-Agent: "+sent),
			get("/v1/events", "Origin: "+sent), get("/v1/events", "Origin: https://"+sent+"/.example.org"),
			get("/v1/events/types", "If-None-Match: "+sent), get("/nowhere", "X-Forwarded-For: "+sent),
			get("/v1/ws/events", "Upgrade: "+sent), get("/v1/ws/events?events="+escaped, upgradeHeaders...),
			post(sent), post(`"`+quoted+`"`), post(`{"type":"`+quoted+`"}`), post(`{"`+quoted+`":1}`),
			post(strings.Replace(messageAdded("a"), `:1,`, `:"`+quoted+`",`, 1)),
			post(strings.Replace(messageAdded("a"), `"timestamp":"`, `"timestamp":"`+quoted, 1)),
			post("[]", "Idempotency-Key: "+sent), post("[", "Content-Type: "+sent), post("[", "Content-Encoding: "+sent),
			strings.Replace(post("[]"), publishToken, sent, 1), strings.Replace(post("[]"), "Bearer", sent, 1),
		)
		for _, path := range []string{"/v1/events", "/v1/sse/events"} {
			for _, name := range []string{"events", "priority", "format", "since", "heartbeat", "ids", "batch_delay"} {
				requests = append(requests, get(path+"?"+name+"="+escaped))
			}
		}
		for _, name := range []string{"limit", "wait", "token"} {
			requests = append(requests, get("/v1/events?"+name+"="+escaped))
		}
	}
	_, plain := f.request(t, "GET", "/", "") // the page has markup of its own
	refused := 0
	for _, request := range requests {
		c := f.rawRequest(t, request)
		answer, err := io.ReadAll(c.in)
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(string(answer), "\r\n\r\n")
		page := strings.Contains(head, "text/html")
		switch lower := strings.ToLower(string(answer)); {
		case page && body != plain, !page && (strings.ContainsAny(body, "<>") || strings.Contains(lower, "<script") || strings.Contains(lower, "%3cscript")):
			t.Errorf("%.200q\nis answered with\n%s", request, answer)
		case !page && !strings.Contains(head, "application/json"):
			t.Errorf("%.200q\nis answered with\n%.500s", request, answer)
		case strings.Count(string(answer), "reflected") > 20:
			t.Errorf("%.200q\nis answered with as much:\n%s", request, answer)
		}
		if strings.Contains(head, "HTTP/1.1 4") {
			refused++
		}
		c.Close()
	}
	if refused < len(requests)/2 {
		t.Errorf("only %d of %d requests are refused; the test is of no use", refused, len(requests))
	}
	ws, res := f.open(t, "Sec-WebSocket-Protocol: "+mark, "Sec-WebSocket-Extensions: "+mark)
	for name, values := range res.Header {
		if strings.Contains(strings.Join(values, ""), "script") {
			t.Errorf("%s of the handshake is %q", name, values)
		}
	}
	for _, sent := range []string{mark, long} {
		quoted := strings.ReplaceAll(sent, `"`, `\"`)
		for _, message := range []string{sent, `{"type":"` + quoted + `"}`, `{"type":"Subscribe","events":["` + quoted + `"]}`, `{"` + quoted + `":1}`} {
			ws.send(masked(fin|text, message))
			got := ws.receive()
			if payload := string(got.payload); strings.ContainsAny(payload, "<>") || strings.Count(payload, "reflected") > 20 {
				t.Errorf("%s\nis answered with\n%s", message, payload)
			}
		}
	}
}
