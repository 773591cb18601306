package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// withPages starts an explorer of a node, with a new index in a file.
func withPages(t *testing.T, node string) *router {
	t.Helper()
	return startExplorer(t, node, filepath.Join(t.TempDir(), "explorer.db"))
}

// openExplorer opens a page of an explorer, and waits until both connections are there.
func openExplorer(t *testing.T, address string, options map[string]any) *tab {
	t.Helper()
	p := openTab(t, address, options)
	p.awaitLive(t, "WebSocket")
	p.awaitNode(t)
	return p
}

func (p *tab) awaitNode(t *testing.T) {
	t.Helper()
	p.await(t, "#node", "the explorer has its node", func(text string) bool { return text == "node: WebSocket" })
}

// awaitHeading waits for a page of the explorer that a click or a key leads to.
func (p *tab) awaitHeading(t *testing.T, want string) {
	t.Helper()
	p.awaitTexts(t, "main h1", want)
}

// visit opens another page of the explorer by its address.
func (p *tab) visit(t *testing.T, address string) {
	t.Helper()
	p.do(t, fmt.Sprintf("await page.goto(%q)", address), nil)
}

const (
	aValidator = "adic1validator0000000000000000000000000001"
	anAddress  = "adic1address000000000000000000000000000002"
)

// What is published shows on the pages it is about, and a page that is open moves on.
func TestExplorerPages(t *testing.T) {
	t.Parallel()
	r := startRouter(t)
	x := withPages(t, r.http())
	p := openExplorer(t, x.http()+"/", desktop)
	id := strings.Repeat("a1b2c3d4", 8)
	short := "a1b2c3d4a1b2…b2c3d4"

	// The overview moves on.
	r.publish(t, aMessage(id))
	p.awaitTexts(t, ".newest-message a", short)
	p.awaitTexts(t, ".newest-message .pill", "added")
	r.publish(t, fmt.Sprintf(`{"type":"DepositEscrowed","message_id":%q,"validator_address":%q,"amount":"1234567.89"}`, id, aValidator))
	p.awaitTexts(t, ".halves .event .type", "DepositEscrowed", "MessageAdded")

	// So does the page of the message, which is on the message's timeline.
	p.click(t, ".newest-message a")
	p.awaitHeading(t, id)
	p.await(t, ".facts", "the facts show", func(text string) bool {
		return strings.Contains(text, "12,345,678,901,234,567,890") && strings.Contains(text, "1,234,567.89")
	})
	p.awaitTexts(t, ".timeline .event .type", "DepositEscrowed", "MessageAdded")
	r.publish(t, fmt.Sprintf(`{"type":"MessageFinalized","message_id":%q,"finality_type":"kcore"}`, id))
	p.await(t, ".facts .pill", "the message is finalized", func(text string) bool { return text == "finalized" })
	p.awaitTexts(t, ".news", "1 newer: show")
	p.click(t, ".news")
	p.awaitTexts(t, ".timeline .event .type", "MessageFinalized", "DepositEscrowed", "MessageAdded")

	// An event is shown exactly as it came.
	p.click(t, ".event:has-text('added at depth') .toggle-row")
	want := fmt.Sprintf(`{
  "type": "MessageAdded",
  "message_id": %q,
  "depth": 12345678901234567890,
  "timestamp": "2024-01-15T10:30:00Z"
}`, id)
	p.awaitTexts(t, ".event pre", want)
	p.click(t, ".event .panel a")
	p.awaitHeading(t, "MessageAdded")
	p.awaitTexts(t, "pre", want)

	// Identifiers lead to each other, and Back leads back.
	p.do(t, "await page.goBack()", nil)
	p.awaitHeading(t, id)
	p.click(t, ".facts a.id")
	p.awaitHeading(t, aValidator)
	p.awaitTexts(t, "#validator-title", "As a validator")
	p.awaitTexts(t, ".timeline .event .type", "DepositEscrowed")

	// The lists.
	r.publish(t, fmt.Sprintf(`{"type":"BalanceChanged","address":%q,"balance_before":"1","balance_after":"9007199254740993.25","change_amount":"5","change_type":"credit"}`, anAddress))
	r.publish(t, `{"type":"ProposalSubmitted","proposal_id":"proposal-1","proposer":"`+anAddress+`","proposal_class":"operational","param_keys":["k"],"enact_epoch":7,"proposer_reputation":1}`)
	r.publish(t, `{"type":"VoteCast","proposal_id":"proposal-1","voter":"`+aValidator+`","vote_credits":3.5,"ballot":"yes","voter_reputation":2}`)
	eventually(t, "all is indexed", func() bool { return strings.Contains(x.get(t, "/api/v1/stats"), `"events":6`) })
	p.click(t, "#nav >> text=Addresses")
	p.awaitHeading(t, "Addresses")
	p.await(t, "tbody tr", "the balance has all its digits", func(text string) bool { return strings.Contains(text, "9,007,199,254,740,993.25") })
	p.click(t, "#nav >> text=Validators")
	p.awaitHeading(t, "Validators")
	p.click(t, "#nav >> text=Proposals")
	p.awaitHeading(t, "Proposals")
	p.click(t, "tbody a")
	p.awaitHeading(t, "proposal-1")
	p.await(t, "#votes-title", "the votes show", func(text string) bool { return text == "Votes so far" })
	p.awaitTexts(t, ".timeline .event .type", "VoteCast", "ProposalSubmitted")
	p.click(t, ".timeline a:text-is('7')")
	p.awaitHeading(t, "7")
	p.awaitTexts(t, ".kind", "Epoch")

	// A filter is in the address; a list can be taken back.
	p.click(t, "#nav >> text=Events")
	p.awaitHeading(t, "Events")
	p.act(t, "#filter-types", `fill("governance.*")`)
	p.act(t, "#filter-types", `press("Enter")`)
	p.awaitTexts(t, ".event .type", "VoteCast", "ProposalSubmitted")
	var address, focused string
	p.do(t, "return page.url()", &address)
	if !strings.HasSuffix(address, "/events?types=governance.*") {
		t.Errorf("the address is %s", address)
	}
	p.do(t, "return await page.evaluate(() => document.activeElement.id)", &focused)
	if focused != "filter-types" {
		t.Errorf("after the change of the filter %q has the focus", focused)
	}
	p.do(t, "await page.reload()", nil)
	p.awaitTexts(t, ".event .type", "VoteCast", "ProposalSubmitted")
	p.do(t, "await page.goBack()", nil)
	eventually(t, "all events show again", func() bool { return len(p.texts(t, ".event .type")) == 6 })
	p.visit(t, x.http()+"/messages?state=rejected")
	p.awaitTexts(t, ".status", "There is no such message.")
	p.act(t, "#filter-state", `selectOption("finalized")`)
	p.awaitTexts(t, "tbody .pill", "finalized")
	p.wantNoErrors(t)
}

// Search finds identifiers by their beginning, goes to the one that there is, and shows
// whatever is typed as text.
func TestExplorerSearch(t *testing.T) {
	t.Parallel()
	r := startRouter(t)
	x := withPages(t, r.http())
	const markup = `<img src=x onerror=alert(1)>`
	r.publish(t, aMessage("twin-1"))
	r.publish(t, aMessage("twin-2"))
	r.publish(t, aMessage(markup))
	p := openExplorer(t, x.http()+"/", desktop)
	eventually(t, "all is indexed", func() bool { return strings.Contains(x.get(t, "/api/v1/stats"), `"events":3`) })
	search := func(text string) {
		p.do(t, `await page.keyboard.press("/")`, nil)
		p.act(t, "#search", fmt.Sprintf("fill(%q)", text))
		p.do(t, `await page.keyboard.press("Enter")`, nil)
	}
	search("twin")
	p.awaitHeading(t, "Search for twin")
	eventually(t, "both are found", func() bool {
		found := p.texts(t, ".hits a")
		slices.Sort(found)
		return slices.Equal(found, []string{"twin-1", "twin-2"})
	})
	p.click(t, ".hits a:text-is('twin-2')")
	p.awaitHeading(t, "twin-2")
	search("twin-1")
	p.awaitHeading(t, "twin-1")
	search(markup)
	p.awaitHeading(t, markup)
	search(`' OR 1=1 --%_`)
	p.await(t, ".state", "nothing is found", func(text string) bool { return strings.Contains(text, `' OR 1=1 --%_`) })
	search(strings.Repeat("ü", 100))
	p.await(t, ".state", "nothing is found", func(text string) bool { return strings.Contains(text, "Nothing that was indexed") })
	p.wantNoErrors(t)
}

// An address of nothing says so, offers what begins like it, and turns into the page
// when it comes.
func TestExplorerNotFound(t *testing.T) {
	t.Parallel()
	r := startRouter(t)
	x := withPages(t, r.http())
	p := openExplorer(t, x.http()+"/messages/later", desktop)
	p.awaitHeading(t, "No such message")
	r.publish(t, aMessage("later"))
	p.awaitHeading(t, "later")
	for path, heading := range map[string]string{
		"/messages/late": "No such message", "/addresses/late": "No such address", "/proposals/late": "No such proposal",
		"/timeline/late": "No such identifier", "/events/999": "No such event", "/events/x": "No such event", "/nothing/here": "No such page",
	} {
		p.visit(t, x.http()+path)
		p.awaitHeading(t, heading)
		var title string
		p.do(t, "return await page.title()", &title)
		if title != heading+" · adic explorer" {
			t.Errorf("%s has the title %q", path, title)
		}
	}
	p.visit(t, x.http()+"/messages/late")
	p.click(t, ".similar a:text-is('later')")
	p.awaitHeading(t, "later")
}

// A node that is killed and started again is found again: the badge turns over and back,
// and what is published then shows.
func TestExplorerPageSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := withJournal(t, dir)
	x := withPages(t, r.http())
	p := openExplorer(t, x.http()+"/", desktop)
	r.publish(t, aMessage("before"))
	p.awaitTexts(t, ".newest-message a", "before")

	r.kill()
	p.await(t, "#node", "the page says that the node is lost", func(text string) bool { return strings.HasPrefix(text, "node: lost since ") })
	r = withJournal(t, dir, "--api.port", strings.Split(r.addr, ":")[1])
	r.publish(t, aMessage("after"))
	p.awaitNode(t)
	p.awaitTexts(t, ".newest-message a", "after", "before")
	p.wantNoErrors(t)
}

// An explorer that is killed and started again is found again by its pages, which fetch
// what they missed.
func TestExplorerPageSurvivesTheExplorer(t *testing.T) {
	t.Parallel()
	r := startRouter(t)
	database := filepath.Join(t.TempDir(), "explorer.db")
	x := startExplorer(t, r.http(), database)
	p := openExplorer(t, x.http()+"/messages", desktop)
	r.publish(t, aMessage("before"))
	p.await(t, ".news", "there is something new", func(text string) bool { return text == "1 newer: show" })
	p.click(t, ".news")
	p.awaitTexts(t, "tbody a", "before")
	x.kill()
	p.await(t, "#badge", "the page has lost the explorer", func(text string) bool { return strings.HasPrefix(text, "connect") })
	r.publish(t, aMessage("after"))
	startExplorer(t, r.http(), database, "--explorer.port", strings.Split(x.addr, ":")[1])
	p.awaitLive(t, "WebSocket")
	p.awaitTexts(t, "tbody a", "after", "before")
}

// Behind a proxy that lets no stream through, and below a path of its own, all works by
// polling.
func TestExplorerBelowAPathWithoutStreams(t *testing.T) {
	t.Parallel()
	r := startRouter(t)
	x := withPages(t, r.http())
	target, err := url.Parse(x.http())
	if err != nil {
		t.Fatal(err)
	}
	forward := http.StripPrefix("/explorer", httputil.NewSingleHostReverseProxy(target))
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if strings.Contains(q.URL.Path, "/v1/ws/") || strings.Contains(q.URL.Path, "/v1/sse/") {
			http.Error(w, "streams are not let through", http.StatusBadGateway)
			return
		}
		forward.ServeHTTP(w, q)
	}))
	t.Cleanup(proxy.Close)
	p := openTab(t, proxy.URL+"/explorer/", desktop)
	p.awaitLive(t, "polling")
	p.awaitNode(t)
	r.publish(t, aMessage("a/b?c#d"))
	p.awaitTexts(t, ".newest-message a", "a/b?c#d")
	p.click(t, ".newest-message a")
	p.awaitHeading(t, "a/b?c#d")
	var address string
	p.do(t, "return page.url()", &address)
	if address != proxy.URL+"/explorer/messages/a%2Fb%3Fc%23d" {
		t.Errorf("the address is %s", address)
	}
	p.do(t, "await page.reload()", nil)
	p.awaitHeading(t, "a/b?c#d")
	p.awaitTexts(t, ".timeline .event .type", "MessageAdded")
	p.terminate() // before the proxy, which waits for its requests
}

// Whoever uses a small screen, a dark one, the keyboard or a screen reader can use the
// pages; axe-core finds nothing.
func TestExplorerPagesAreForEverybody(t *testing.T) {
	t.Parallel()
	r := startRouter(t, "--demo=50")
	x := withPages(t, r.http())
	eventually(t, "there is something of everything", func() bool {
		return strings.Contains(x.get(t, "/api/v1/proposals?status=enacted"), `"tally"`) && strings.Contains(x.get(t, "/api/v1/messages?state=rejected"), `"id"`)
	})
	paths := []string{"/", "/messages", "/addresses", "/validators", "/proposals", "/events", "/search?q=adic1", "/nothing"}
	first := openTab(t, x.http()+"/", desktop)
	for _, link := range []struct{ on, below string }{
		{"/messages?state=finalized&deposit=released", "messages"}, {"/validators", "addresses"},
		{"/proposals", "proposals"}, {"/events?types=vrf.*", "timeline"},
	} {
		first.visit(t, x.http()+link.on)
		selector := fmt.Sprintf("main a.id[href*='/%s/']", link.below)
		eventually(t, "there is a link to a page below "+link.below, func() bool { return len(first.texts(t, selector)) > 0 })
		var found string
		first.do(t, fmt.Sprintf("return await page.locator(%q).last().evaluate((a) => a.pathname)", selector), &found)
		paths = append(paths, found)
	}
	first.terminate()
	for _, width := range []int{1280, 390, 320} {
		for _, scheme := range []string{"light", "dark"} {
			t.Run(fmt.Sprintf("%d %s", width, scheme), func(t *testing.T) {
				p := openExplorer(t, x.http()+"/", map[string]any{"colorScheme": scheme, "viewport": map[string]int{"width": width, "height": 844}})
				seen := paths
				if !(width == 1280 && scheme == "light" || width == 320 && scheme == "dark") {
					seen = []string{"/", "/messages", paths[len(paths)-1]} // the parts that the others are made of
				}
				for _, path := range seen {
					p.visit(t, x.http()+path)
					eventually(t, path+" shows", func() bool { return len(p.texts(t, "main h1")) == 1 && len(p.texts(t, ".loading")) == 0 })
					p.do(t, `await page.evaluate(() => document.querySelector(".toggle-row")?.click())`, nil)
					p.wantFitsAndIsAccessible(t, path)
				}
			})
		}
	}
}

// wantFitsAndIsAccessible wants a page that is as wide as the screen, and that axe-core
// finds nothing on.
func (p *tab) wantFitsAndIsAccessible(t *testing.T, what string) {
	t.Helper()
	var over int
	p.do(t, "return await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)", &over)
	if over > 0 {
		t.Errorf("%s is %d px wider than the screen", what, over)
	}
	var found []struct {
		ID, Impact, Help string
		Nodes            []struct{ HTML string }
	}
	p.do(t, "await page.evaluate(axe); return (await page.evaluate(() => axe.run({ resultTypes: ['violations'] }))).violations", &found)
	for _, v := range found {
		t.Errorf("%s: %s (%s): %s\n%+v", what, v.ID, v.Impact, v.Help, v.Nodes)
	}
}

// However many events come, the pages hold few elements, and stay in use.
func TestExplorerPageUnderLoad(t *testing.T) {
	t.Parallel()
	r := startRouter(t, "--demo=500")
	x := withPages(t, r.http())
	p := openExplorer(t, x.http()+"/", desktop)
	seen := func() (newest string) {
		p.do(t, "return await page.locator('.newest-message a').first().getAttribute('href')", &newest)
		return newest
	}
	for range 5 {
		before := seen()
		eventually(t, "the overview moves on", func() bool { return seen() != before })
	}
	var nodes int
	p.do(t, "return await page.evaluate(() => document.getElementsByTagName('*').length)", &nodes)
	if nodes > 1500 {
		t.Errorf("the document has %d elements", nodes)
	}
	p.click(t, "#pause")
	p.await(t, "#pause", "the overview pauses", func(text string) bool { return text == "Go on" })
	paused := seen()
	events := x.get(t, "/api/v1/stats")
	eventually(t, "more is indexed", func() bool { return x.get(t, "/api/v1/stats") != events })
	if seen() != paused {
		t.Error("the overview moves although it pauses")
	}
	p.click(t, "#nav >> text=Events")
	p.awaitHeading(t, "Events")
	p.await(t, ".news", "what is new is offered", func(text string) bool { return strings.HasSuffix(text, " newer: show") })
	for range 3 {
		rows := len(p.texts(t, ".event"))
		p.click(t, ".more")
		eventually(t, "there are more", func() bool { return len(p.texts(t, ".event")) == rows+50 })
	}
	p.wantNoErrors(t)
}
