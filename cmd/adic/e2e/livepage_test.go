package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var desktop = map[string]any{"viewport": map[string]int{"width": 1280, "height": 800}}

// rows are the types in the list of events; the newest is first.
const rows = "#events .type"

// openLivePage opens the page of a router and waits until it is connected.
func openLivePage(t *testing.T, r *router, transport string) *tab {
	t.Helper()
	p := openTab(t, r.http()+"/", desktop)
	p.awaitLive(t, transport)
	return p
}

func (p *tab) awaitLive(t *testing.T, transport string) {
	t.Helper()
	p.await(t, "#badge", "the page is connected", func(text string) bool { return strings.HasPrefix(text, "live, "+transport) })
}

func (p *tab) wantNoErrors(t *testing.T) {
	t.Helper()
	if errors := p.consoleErrors(t); len(errors) > 0 {
		t.Errorf("errors on the console: %q", errors)
	}
}

func aMessage(id string) string {
	return fmt.Sprintf(`{"type":"MessageAdded","message_id":%q,"depth":12345678901234567890,"timestamp":"2024-01-15T10:30:00Z"}`, id)
}

const (
	energy    = `{"type":"EnergyUpdated","total_conflicts":4,"resolved_conflicts":3,"active_conflicts":1,"total_energy":0.25}`
	economics = `{"type":"EconomicsUpdated","total_supply":"1000","circulating_supply":"300","treasury_balance":"200"}`
)

// Events that are published show at once; the page filters, searches and pauses, and
// shows one event exactly as it came.
func TestLivePage(t *testing.T) {
	t.Parallel()
	for radio, transport := range map[string]string{"websocket": "WebSocket", "sse": "SSE"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			r := startRouter(t)
			r.publish(t, aMessage("retained"))
			p := openLivePage(t, r, "WebSocket")
			p.click(t, "input[value="+radio+"]")
			p.awaitLive(t, transport)
			p.awaitTexts(t, rows, "MessageAdded")

			r.publish(t, aMessage("<b>markup</b>"))
			r.publish(t, energy)
			r.publish(t, economics)
			p.awaitTexts(t, rows, "EconomicsUpdated", "EnergyUpdated", "MessageAdded", "MessageAdded")

			p.click(t, "#events .event:has-text('markup')")
			if got, want := p.text(t, "#detail-json"), `{
  "type": "MessageAdded",
  "message_id": "<b>markup</b>",
  "depth": 12345678901234567890,
  "timestamp": "2024-01-15T10:30:00Z"
}`; got != want {
				t.Errorf("the event shows as\n%s\nwant\n%s", got, want)
			}
			if facts := p.text(t, "#detail-facts"); !strings.Contains(facts, "message.new") || !strings.Contains(facts, "high") {
				t.Errorf("the facts are %q", facts)
			}
			p.do(t, `await page.keyboard.press("Escape")`, nil)
			var focused string
			p.do(t, `return await page.evaluate(() => document.activeElement.innerText)`, &focused)
			if !strings.Contains(focused, "markup") {
				t.Errorf("after the detail %q has the focus", focused)
			}
			p.act(t, "#events .event:focus", `press("Home")`)
			p.do(t, `await page.evaluate(() => document.activeElement.blur())`, nil)

			p.act(t, "#search", `fill("MARKUP")`)
			p.awaitTexts(t, rows, "MessageAdded")
			p.act(t, "#search", `fill("")`)

			p.click(t, "#pause")
			r.publish(t, economics)
			p.await(t, "#held", "the page says that there is more", func(text string) bool { return text == "1 newer: show" })
			if n := len(p.texts(t, rows)); n != 4 {
				t.Errorf("%d events show while the page pauses, want 4", n)
			}
			p.click(t, "#pause")
			p.awaitTexts(t, rows, "EconomicsUpdated", "EconomicsUpdated", "EnergyUpdated", "MessageAdded", "MessageAdded")

			p.click(t, "input[value=low]")
			p.awaitTexts(t, rows, "EnergyUpdated", "MessageAdded", "MessageAdded")
			p.awaitLive(t, transport)

			p.act(t, "#types", `fill("nonsense")`)
			p.click(t, "#subscribe")
			p.awaitTexts(t, "#types-error", "unknown event type nonsense")
			p.act(t, "#types", `fill("EnergyUpdated economics.update")`)
			p.click(t, "#subscribe")
			p.awaitTexts(t, ".chip", "EnergyUpdated\n×", "EconomicsUpdated\n×")
			p.awaitTexts(t, rows, "EnergyUpdated")
			if log := p.text(t, "#messages"); transport == "WebSocket" &&
				(!strings.Contains(log, `{"type":"Subscribe","events":["EnergyUpdated","economics.update"]}`) ||
					!strings.Contains(log, `{"type":"Subscribed","events":["EnergyUpdated","EconomicsUpdated"]}`)) {
				t.Errorf("the messages are\n%s", log)
			}
			p.awaitLive(t, transport)
			r.publish(t, aMessage("not wanted"))
			r.publish(t, energy)
			p.awaitTexts(t, rows, "EnergyUpdated", "EnergyUpdated")
			p.click(t, "input[value=low]")
			p.click(t, ".chip:has-text('EnergyUpdated') button")
			p.awaitTexts(t, ".chip", "EconomicsUpdated\n×")
			p.awaitTexts(t, rows, "EconomicsUpdated", "EconomicsUpdated")
			p.wantNoErrors(t)
		})
	}
}

// The code that the page offers is that of its filter, and runs.
func TestLivePageSnippets(t *testing.T) {
	t.Parallel()
	r := startRouter(t)
	p := openLivePage(t, r, "WebSocket")
	p.act(t, "#types", `fill("EnergyUpdated")`)
	p.click(t, "#subscribe")
	p.awaitTexts(t, ".chip", "EnergyUpdated\n×")
	p.click(t, "input[value=low]")
	p.awaitLive(t, "WebSocket")

	command := p.text(t, ".snippet:nth-child(1) pre")
	if want := "curl -N '" + r.http() + "/v1/sse/events?events=EnergyUpdated&priority=high,medium'"; command != want {
		t.Fatalf("the command is %s, want %s", command, want)
	}
	curl := start(t, "/bin/bash", "-c", "exec "+command)
	webSocket := p.text(t, ".snippet:nth-child(2) pre")
	p.click(t, "input[value=sse]")
	p.awaitLive(t, "SSE")
	eventSource := p.text(t, ".snippet:nth-child(2) pre")
	p.click(t, ".snippet button")
	p.await(t, ".snippet button", "the code is copied, or selected where a browser does not allow that", func(text string) bool {
		return text == "Copied" || text == "Selected"
	})
	programs := map[string]*tab{}
	for name, code := range map[string]string{"new WebSocket": webSocket, "new EventSource": eventSource} {
		if !strings.Contains(code, name) {
			t.Errorf("no %s in\n%s", name, code)
		}
		program := openTab(t, r.http()+"/health/live", nil)
		program.do(t, fmt.Sprintf(`await page.evaluate(%q)`,
			"(async () => { globalThis.seen = []; console.log = (...args) => seen.push(args);\n"+code+"\n})()"), nil)
		programs[name] = program
	}
	eventually(t, "all are connected", func() bool {
		health := r.get(t, "/v1/health/streaming")
		return strings.Contains(health, `"websocket_connections":1`) && strings.Contains(health, `"sse_connections":3`)
	})
	r.publish(t, aMessage("not wanted"))
	r.publish(t, energy)
	eventually(t, "curl prints the event", func() bool { return strings.Contains(curl.stdout.String(), "event: EnergyUpdated") })
	if strings.Contains(curl.stdout.String(), "MessageAdded") {
		t.Errorf("curl printed\n%s", curl.stdout.String())
	}
	for name, program := range programs {
		var seen [][]struct{ Type string }
		eventually(t, name+" logs the event", func() bool {
			program.do(t, "return await page.evaluate(() => seen)", &seen)
			return len(seen) > 0
		})
		if len(seen) != 1 || seen[0][0].Type != "EnergyUpdated" {
			t.Errorf("%s has logged %v", name, seen)
		}
	}
	p.wantNoErrors(t)
}

// The slow client of the page is one: the router passes over it, and what it says
// that it read and lost is all that was published.
func TestLivePageSlowClient(t *testing.T) {
	t.Parallel()
	r := startRouter(t)
	p := openLivePage(t, r, "WebSocket")
	published := 0
	publish := func(n int) {
		r.publish(t, strings.Repeat(aMessage(strings.Repeat("x", 1000))+"\n", n))
		published += n
	}
	p.act(t, "#types", `fill("EnergyUpdated")`) // the page itself is to keep up
	p.click(t, "#subscribe")
	p.awaitTexts(t, ".chip", "EnergyUpdated\n×")
	publish(10)
	p.click(t, "#stall")
	p.await(t, "#slow-state", "it stalls", func(text string) bool { return strings.HasPrefix(text, "Has ") })
	eventually(t, "the router sees a client that lags", func() bool {
		publish(100)
		return strings.Contains(r.get(t, "/metrics"), "\nadic_connections_lagging 1\n")
	})
	for range 5 { // far more than the buffers on the way and the ring hold
		publish(1000)
	}
	eventually(t, "the router goes on without it", func() bool {
		return strings.Contains(r.get(t, "/metrics"), "\nadic_events_pending{priority=\"high\"} 0\n")
	})
	p.await(t, "#slow-state", "the page says so", func(text string) bool { return strings.Contains(text, "buffers are full") })
	p.click(t, "#stall")
	text := p.await(t, "#slow-state", "it has caught up", func(text string) bool { return strings.HasPrefix(text, "Did not read") })
	found := regexp.MustCompile(`got ([\d,]+) events\. Lost, as Lagged says: ([\d,]+) high\.`).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("of %d events the page says %q", published, text)
	}
	number := func(text string) int {
		n, err := strconv.Atoi(strings.ReplaceAll(text, ",", ""))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if got, lost := number(found[1]), number(found[2]); got+lost != published || lost < 500 {
		t.Errorf("%d read and %d lost, of %d that were published", got, lost, published)
	}
	if log := p.text(t, "#slow-lagged"); !strings.Contains(log, `{"type":"Lagged","dropped":{"high":`) {
		t.Errorf("the messages are %q", log)
	}
	p.wantNoErrors(t)
}

// A router that is killed and started again is found again: the badge turns over and
// back, what was missed comes, and nothing comes twice.
func TestLivePageSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := withJournal(t, dir)
	p := openLivePage(t, r, "WebSocket")
	f := newFeed(r)
	f.publish(t, 10)
	eventually(t, "the events show", func() bool { return len(p.texts(t, rows)) == 10 })

	r.kill()
	p.await(t, "#badge", "the page has lost the router", func(text string) bool { return strings.HasPrefix(text, "connect") })
	r = withJournal(t, dir, "--api.port", strings.Split(r.addr, ":")[1])
	f.router = r
	f.publish(t, 10) // while it waits to come back
	p.awaitLive(t, "WebSocket")
	f.publish(t, 10)
	eventually(t, "all events show", func() bool { return len(p.texts(t, rows)) >= 30 })
	var seqs []int
	p.do(t, `return await page.locator("#events .event").evaluateAll((rows) => rows.map((row) => row.event.event.seq))`, &seqs)
	slices.Sort(seqs)
	for i, seq := range seqs {
		if seq != i+1 || len(seqs) != 30 {
			t.Fatalf("the page has the events %v, want each of 1 to 30 once", seqs)
		}
	}
	p.await(t, "#resumed", "the page says what it did", func(text string) bool {
		return strings.HasPrefix(text, "Back over WebSocket after ") && strings.HasSuffix(text, "none lost.")
	})
}

// Where WebSockets do not open the page takes the other stream, and where that does not
// open either it polls.
func TestLivePageFallsBack(t *testing.T) {
	t.Parallel()
	for transport, flags := range map[string][]string{
		"SSE":     {"--api.enable_websocket=false"},
		"polling": {"--api.enable_websocket=false", "--api.enable_sse=false"},
	} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			r := startRouter(t, append(flags, "--api.enable_metrics=false")...)
			p := openLivePage(t, r, transport)
			r.publish(t, aMessage("fallen back"))
			p.awaitTexts(t, rows, "MessageAdded")
			p.await(t, "#health", "the page says what it lacks", func(text string) bool { return strings.Contains(text, "metrics are off") })
			p.click(t, "#events .event")
			if json := p.text(t, "#detail-json"); !strings.Contains(json, "12345678901234567890") {
				t.Errorf("the event shows as %s", json)
			}
		})
	}
}

// Behind a proxy the page can be below a path of its own.
func TestLivePageBelowAPath(t *testing.T) {
	t.Parallel()
	r := startRouter(t)
	target, err := url.Parse(r.http())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(http.StripPrefix("/events", httputil.NewSingleHostReverseProxy(target)))
	t.Cleanup(proxy.Close)
	p := openTab(t, proxy.URL+"/events/", desktop)
	p.awaitLive(t, "WebSocket")
	r.publish(t, energy)
	p.awaitTexts(t, rows, "EnergyUpdated")
	if code := p.text(t, ".snippet pre"); code != "curl -N '"+proxy.URL+"/events/v1/sse/events'" {
		t.Errorf("the code to copy is %s", code)
	}
	p.wantNoErrors(t)
	p.terminate() // before the proxy, which waits for its streams
}

// Where subscribing needs a token the page asks for it, and keeps it for as long as
// the tab is open only.
func TestLivePageAsksForAToken(t *testing.T) {
	t.Parallel()
	const token = "a-token-of-a-subscriber-0123456789"
	file := t.TempDir() + "/adic.toml"
	hash, err := run(t, token, adic(), "token", "hash")
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, file, fmt.Sprintf("[auth]\nsubscribe = 'token'\n[auth.subscriber.alice]\ntoken = %q\nevents = ['EnergyUpdated']\n", strings.TrimSpace(hash)))
	r := startRouter(t, "--config", file)
	p := openTab(t, r.http()+"/", desktop)
	p.await(t, "#badge", "the page is refused", func(text string) bool { return text == "refused, 401" })
	p.await(t, "#token-why", "the page says why", func(text string) bool { return strings.Contains(text, "subscribing needs a token") })
	p.act(t, "#token", `fill("wrong")`)
	p.act(t, "#token", `press("Enter")`)
	p.await(t, "#messages", "the page is refused again", func(text string) bool { return strings.Count(text, "refused, 401") == 2 })
	p.act(t, "#token", fmt.Sprintf("fill(%q)", token))
	p.act(t, "#token", `press("Enter")`)
	p.await(t, "#badge", "the page is refused what the token does not allow or let in", func(text string) bool {
		return strings.HasPrefix(text, "live") || text == "refused, 403"
	})
	r.publish(t, aMessage("not allowed"))
	r.publish(t, energy)
	p.awaitTexts(t, rows, "EnergyUpdated")
	p.do(t, "await page.reload()", nil)
	p.awaitLive(t, "WebSocket")
	var stored []int
	p.do(t, "return await page.evaluate(() => [sessionStorage.length, localStorage.length, document.cookie.length])", &stored)
	if !slices.Equal(stored, []int{1, 0, 0}) {
		t.Errorf("sessionStorage, localStorage and cookies have %v", stored)
	}
	if code := p.text(t, "#snippets"); strings.Contains(code, token) || !strings.Contains(code, `"Authorization: Bearer $TOKEN"`) {
		t.Errorf("the code to copy is\n%s", code)
	}
}

// The charts show what the router counts: the rates of what comes, by priority, all
// connections, clients that lag, and what those lose.
func TestLivePageCharts(t *testing.T) {
	t.Parallel()
	r := startRouter(t)
	p := openLivePage(t, r, "WebSocket")
	openSocket(t, r, "?events=EnergyUpdated")
	start(t, tool(t, "curl"), "--silent", "--no-buffer", sseURL(r.addr)+"&events=EnergyUpdated")
	p.awaitTexts(t, "#chart-connections li", "WebSocket\n2", "SSE\n1")
	if _, err := openRaw(dialRaw(t, r.addr), rawTransports[0].request); err != nil { // and read no more
		t.Fatal(err)
	}
	p.awaitTexts(t, "#chart-connections li", "WebSocket\n3", "SSE\n1")
	large := strings.Repeat(aMessage(strings.Repeat("x", 1000))+"\n", 500)
	grows := regexp.MustCompile(`^high\n[1-9]`)
	for chart, shows := range map[string]func(series []string) bool{
		"rates": func(s []string) bool { return grows.MatchString(s[0]) && s[1] == "medium\n0" },
		"lag":   func(s []string) bool { return s[0] == "lagging\n1" },
		"drops": func(s []string) bool { return grows.MatchString(s[0]) && s[2] == "low\n0" },
	} {
		eventually(t, "the chart of "+chart+" shows it", func() bool {
			r.publish(t, large)
			return shows(p.texts(t, "#chart-"+chart+" li"))
		})
	}
	var label string
	p.do(t, `return await page.locator("#chart-lag svg").getAttribute("aria-label")`, &label)
	if label != "Lagging clients: lagging 1" {
		t.Errorf("who does not see the chart is told %q", label)
	}
	p.wantNoErrors(t)
}
