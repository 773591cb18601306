package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A fakeRouter takes what is published, but for events that hold the word
// "bad", and answers first what it was told to.
type fakeRouter struct {
	*httptest.Server
	script func(request int) (status int, retryAfter, body string) // 0 is no answer of its own
	limit  int                                                     // bytes of a body; 0 is none

	mu       sync.Mutex
	requests int
	batches  []int // sizes
	events   []string
	tokens   []string
	arrived  chan string // each event, if not nil
}

func newFakeRouter(t *testing.T) *fakeRouter {
	f := &fakeRouter{}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *fakeRouter) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Method != http.MethodPost || r.URL.Path != "/v1/events" {
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.requests++
	f.tokens = append(f.tokens, r.Header.Get("Authorization"))
	if f.script != nil {
		if status, retryAfter, body := f.script(f.requests); status != 0 {
			w.Header().Set("Retry-After", retryAfter)
			w.WriteHeader(status)
			io.WriteString(w, body)
			return
		}
	}
	if f.limit > 0 && len(body) > f.limit {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		io.WriteString(w, `{"error":"too large"}`)
		return
	}
	var batch []string
	for d := json.NewDecoder(strings.NewReader(string(body))); ; {
		var event json.RawMessage
		if err := d.Decode(&event); err == io.EOF {
			break
		} else if err != nil {
			panic(err) // adic emit has checked that it is JSON
		}
		if strings.Contains(string(event), "bad") {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"error":"event %d: it is bad","index":%d}`, len(batch), len(batch))
			return
		}
		batch = append(batch, string(event))
	}
	f.batches = append(f.batches, len(batch))
	f.events = append(f.events, batch...)
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintf(w, `{"accepted":%d}`, len(batch))
	if f.arrived != nil {
		for _, event := range batch {
			f.arrived <- event
		}
	}
}

func (f *fakeRouter) checkEvents(t *testing.T, want ...string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Equal(f.events, want) {
		t.Errorf("the router accepted %q, want %q", f.events, want)
	}
}

func TestEmitPublishesInOrder(t *testing.T) {
	router := newFakeRouter(t)
	first := writeFile(t, "first.ndjson", "{\"n\":1}\n\n{\"n\":2}\r\n")
	second := writeFile(t, "second.json", `[{"n":4}, {"n":5}]`)
	r := adic(t, strings.NewReader(`{"n":3}`), "emit", "--url", router.URL, first, "-", second)
	r.check(t, 0, "5 accepted, 0 refused, 0 retried")
	router.checkEvents(t, `{"n":1}`, `{"n":2}`, `{"n":3}`, `{"n":4}`, `{"n":5}`)
	if r.stdout != "" || strings.ContainsAny(r.stderr, "\x1b\r") {
		t.Errorf("not on a terminal, and yet %q and %q", r.stdout, r.stderr)
	}
}

func TestEmitTakesURLsOfAllKinds(t *testing.T) {
	router := newFakeRouter(t)
	for _, url := range []string{router.URL, router.URL + "/", strings.TrimPrefix(router.URL, "http://"), router.URL + "/v1/events"} {
		adic(t, strings.NewReader("{}"), "emit", "--url", url).check(t, 0)
	}
	router.checkEvents(t, "{}", "{}", "{}", "{}")
}

func TestEmitBatches(t *testing.T) {
	router := newFakeRouter(t)
	adic(t, strings.NewReader(strings.Repeat("{}\n", 250)), "emit", "--url", router.URL, "--batch", "40").check(t, 0)
	total := 0
	for _, size := range router.batches {
		if size > 40 {
			t.Errorf("a batch of %d events, want 40 at most", size)
		}
		total += size
	}
	if total != 250 {
		t.Errorf("%d events in batches, want 250", total)
	}
}

// What arrives slowly does not wait for a batch to fill.
func TestEmitSendsAtOnce(t *testing.T) {
	router := newFakeRouter(t)
	router.arrived = make(chan string)
	in, out := io.Pipe()
	done := make(chan result)
	go func() { done <- adic(t, in, "emit", "--url", router.URL) }()
	for i := range 3 {
		event := fmt.Sprintf(`{"n":%d}`, i)
		fmt.Fprintln(out, event)
		if got := <-router.arrived; got != event {
			t.Errorf("the router got %s, want %s", got, event)
		}
	}
	out.Close()
	r := <-done
	r.check(t, 0, "3 accepted")
}

func TestEmitComesBackLater(t *testing.T) {
	router := newFakeRouter(t)
	router.script = func(request int) (int, string, string) {
		switch request {
		case 1:
			return 503, "0", `{"error":"overloaded"}`
		case 2:
			return 429, "0", `{"error":"slow down"}`
		}
		return 0, "", ""
	}
	r := adic(t, strings.NewReader("{\"n\":1}\n{\"n\":2}\n"), "emit", "--url", router.URL)
	r.check(t, 0, "2 accepted, 0 refused, 2 retried")
	router.checkEvents(t, `{"n":1}`, `{"n":2}`)
}

func TestEmitGivesUp(t *testing.T) {
	router := newFakeRouter(t)
	router.script = func(int) (int, string, string) { return 503, "3600", `{"error":"draining"}` }
	r := adic(t, strings.NewReader("{}\n"), "emit", "--url", router.URL)
	r.check(t, statusFailure, "gave up after 1m0s (--retry-for)", "503 Service Unavailable: draining",
		"not published: from standard input:1 on", "0 accepted")
	if router.requests != 1 {
		t.Errorf("%d requests to a router that wants to be left alone for an hour", router.requests)
	}
}

func TestEmitStopsAtBadEvent(t *testing.T) {
	router := newFakeRouter(t)
	file := writeFile(t, "x.ndjson", "{\"n\":1}\n{\"n\":2}\n\n{\"n\":\"bad\"}\n{\"n\":3}\n")
	r := adic(t, nil, "emit", "--url", router.URL, file)
	r.check(t, statusFailure, "adic: "+file+":4: it is bad\n", "2 accepted, 1 refused", "--skip-bad")
	router.checkEvents(t, `{"n":1}`, `{"n":2}`)
}

func TestEmitStopsAtMalformedLine(t *testing.T) {
	router := newFakeRouter(t)
	r := adic(t, strings.NewReader("{\"n\":1}\n{\"n\":2\n{\"n\":3}\n"), "emit", "--url", router.URL)
	r.check(t, statusFailure, "adic: standard input:2: not valid JSON", "1 accepted, 1 refused")
	router.checkEvents(t, `{"n":1}`)
}

func TestEmitSkipsBadEvents(t *testing.T) {
	router := newFakeRouter(t)
	in := "{\"n\":\"bad\"}\n{\"n\":1}\nno JSON\n{\"n\":2}\n{\"n\":\"bad\"}\n{\"n\":\"bad\"}\n{\"n\":3}\n"
	r := adic(t, strings.NewReader(in), "emit", "--url", router.URL, "--skip-bad")
	r.check(t, statusFailure, "input:1: it is bad", "input:3: expected", "input:5: it is bad", "input:6: it is bad",
		"3 accepted, 4 refused", "adic: 4 of 7 events were refused\n")
	router.checkEvents(t, `{"n":1}`, `{"n":2}`, `{"n":3}`)
}

func TestEmitSplitsWhatIsTooLarge(t *testing.T) {
	router := newFakeRouter(t)
	router.limit = 40
	var in strings.Builder
	var want []string
	for i := range 30 {
		want = append(want, fmt.Sprintf(`{"n":%d}`, i))
		fmt.Fprintln(&in, want[i])
	}
	large := `{"n":"` + strings.Repeat("x", 100) + `"}`
	r := adic(t, strings.NewReader(in.String()+large+"\n{}"), "emit", "--url", router.URL, "--skip-bad")
	r.check(t, statusFailure, "input:31: the router answered 413 Request Entity Too Large: too large", "31 accepted, 1 refused")
	router.checkEvents(t, append(want, "{}")...)
}

func TestEmitAnswersThatAreFinal(t *testing.T) {
	for _, test := range []struct {
		status     int
		body, want string
	}{
		{401, `{"error":"a publish token is needed"}`, "401 Unauthorized: a publish token is needed (not published: from standard input:1 on)"},
		{403, `{"error":"\u001b[2Jnot you"}`, `403 Forbidden: \x1b[2Jnot you`},
		{404, "<html>\nnothing here", "404 Not Found: <html> (not"},
		{400, `{"error":"unknown parameter"}`, "400 Bad Request: unknown parameter"},
		{400, `{"error":"event 7: what?","index":7}`, "400 Bad Request: event 7: what?"},
		{301, "", "301 Moved Permanently (not"},
		{202, `{"accepted":5}`, "accepted 5 events where 1 were sent"},
		{202, "what?", "cannot read the router's answer"},
	} {
		t.Run(fmt.Sprint(test.status, test.body), func(t *testing.T) {
			router := newFakeRouter(t)
			router.script = func(int) (int, string, string) { return test.status, "", test.body }
			adic(t, strings.NewReader("{}"), "emit", "--url", router.URL, "--skip-bad").check(t, statusFailure, test.want, "0 accepted")
			if router.requests != 1 {
				t.Errorf("%d requests, want 1", router.requests)
			}
		})
	}
}

func TestEmitToken(t *testing.T) {
	router := newFakeRouter(t)
	router.script = func(int) (int, string, string) { return 403, "", `{"error":"wrong token"}` }
	r := adic(t, strings.NewReader("{}"), "emit", "--url", router.URL, "--token", "hush-hush")
	r.check(t, statusFailure, "wrong token")

	var stderr strings.Builder
	t.Setenv("ADIC_TOKEN", "hush-hush-too")
	if status := run(t.Context(), []string{"emit", "--url", router.URL}, strings.NewReader("{}"), io.Discard, &stderr); status != statusFailure {
		t.Errorf("exit status %d", status)
	}
	if want := []string{"Bearer hush-hush", "Bearer hush-hush-too"}; !slices.Equal(router.tokens, want) {
		t.Errorf("the router saw %q, want %q", router.tokens, want)
	}
	if all := r.stdout + r.stderr + stderr.String(); strings.Contains(all, "hush") {
		t.Errorf("the token is shown:\n%s", all)
	}
}

func TestEmitWithoutRouter(t *testing.T) {
	router := newFakeRouter(t)
	router.Close()
	r := adic(t, strings.NewReader("{}"), "emit", "--url", router.URL)
	r.check(t, statusFailure, "adic: cannot reach the router at "+router.URL+"/v1/events: dial tcp")

	// A password in the URL is no more to be shown than a token.
	r = adic(t, strings.NewReader("{}"), "emit", "--url", strings.Replace(router.URL, "://", "://me:hush@", 1))
	r.check(t, statusFailure, "://me:xxxxx@")
	if strings.Contains(r.stderr, "hush") {
		t.Errorf("the password is shown: %s", r.stderr)
	}
}

func TestEmitFileThatIsNotThere(t *testing.T) {
	router := newFakeRouter(t)
	adic(t, nil, "emit", "--url", router.URL, writeFile(t, "x.ndjson", "{}"), "/nowhere.ndjson").check(t, statusFailure, "/nowhere.ndjson")
	router.checkEvents(t) // not even those of the first file
}

func TestEmitInterrupted(t *testing.T) {
	router := newFakeRouter(t)
	router.arrived = make(chan string, 1)
	in, out := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		fmt.Fprintln(out, "{}")
		<-router.arrived
		cancel() // as Ctrl-C does, while the input is silent
	}()
	var stderr strings.Builder
	if status := run(ctx, []string{"emit", "--url", router.URL}, in, io.Discard, &stderr); status != statusInterrupted {
		t.Errorf("exit status %d, want %d", status, statusInterrupted)
	}
	if got := stderr.String(); !strings.HasPrefix(got, "1 accepted, 0 refused") || strings.Count(got, "\n") != 1 {
		t.Errorf("printed %q, want the summary alone", got)
	}
	out.Close() // lets the reader of the input go
}
