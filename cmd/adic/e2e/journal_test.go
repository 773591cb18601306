package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// withJournal starts a router with a journal, whose end is up to the test.
func withJournal(t *testing.T, dir string, flags ...string) *router {
	t.Helper()
	return startOdd(t, nil, append([]string{"--events.journal", dir, "--auth.publish_token", publishToken,
		"--stream.drain_timeout", "0s"}, flags...)...)
}

// kill ends a router as the kernel does when memory is short.
func (r *router) kill() {
	r.signal(os.Kill)
	<-r.done
}

// roomy are buffers that hold all that the test publishes, so that a loss is a
// fault.
var roomy = []string{"--events.high_priority_buffer", "100000", "--events.medium_priority_buffer", "100000",
	"--events.low_priority_buffer", "100000", "--events.pending_events", "200000"}

// A router that is killed under load, again and again, loses nothing that it has
// accepted: clients of every transport resume from their cursors, and receive
// everything once, in order within its class.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	for _, sync := range []string{"100ms", "0s"} {
		t.Run("journal_sync="+sync, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			flags := append([]string{"--events.journal_sync", sync}, roomy...)
			r := withJournal(t, dir, flags...)
			at := &address{}
			at.set(r)
			survivors := []*survivor{survive(t, "WebSocket", at), survive(t, "SSE", at), survive(t, "polling", at)}
			load := startLoad(t, at, 4)
			for range 5 {
				before := load.count()
				eventually(t, "more is accepted", func() bool { return load.count() > before+300 })
				r.kill()
				r = withJournal(t, dir, flags...)
				at.set(r)
			}
			load.stop()
			for _, f := range survivors {
				eventually(t, "the "+f.transport+" client has all that was accepted", func() bool {
					f.check(t)
					return f.has(load.acked)
				})
			}
			// What was published in vain may be there, but then for everybody.
			for _, f := range survivors[1:] {
				eventually(t, "all clients have the same in the same order", func() bool {
					first, _ := survivors[0].received()
					got, _ := f.received()
					return slices.EqualFunc(got[:], first[:], slices.Equal)
				})
			}
			for _, f := range survivors {
				f.stop()
				f.check(t)
			}
			_, total := survivors[0].received()
			t.Logf("%d events were accepted, %d received", len(load.acked), total)
			r.terminate()
			if r.err != nil {
				t.Errorf("the router ended with %v", r.err)
			}
		})
	}
}

// An address is where the router is at the moment.
type address struct {
	mu   sync.Mutex
	addr string
}

func (a *address) set(r *router) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.addr = r.addr
}

func (a *address) get() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.addr
}

// A load publishes numbered events all the time, through several connections.
type load struct {
	stopped chan struct{}
	all     sync.WaitGroup

	mu    sync.Mutex
	sent  int
	acked []int
}

func startLoad(t *testing.T, at *address, publishers int) *load {
	l := &load{stopped: make(chan struct{})}
	for range publishers {
		l.all.Go(func() {
			for {
				select {
				case <-l.stopped:
					return
				default:
					l.publish(t, at.get())
				}
			}
		})
	}
	t.Cleanup(l.stop)
	return l
}

// publish publishes a batch of one to five events of different classes.
func (l *load) publish(t *testing.T, addr string) {
	l.mu.Lock()
	var seqs []int
	var body strings.Builder
	for range 1 + l.sent%len(kinds) {
		kind := kinds[l.sent%len(kinds)]
		l.sent++
		seqs = append(seqs, l.sent)
		fmt.Fprintf(&body, `{"type":%q,%s,"seq":%d}`+"\n", kind.name, kind.fields, l.sent)
	}
	l.mu.Unlock()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/v1/events", strings.NewReader(body.String()))
	if err != nil {
		t.Error(err)
		return
	}
	req.Header.Set("Authorization", "Bearer "+publishToken)
	res, err := client.Do(req)
	if err != nil {
		return // it is being killed, and whether these were taken nobody knows
	}
	res.Body.Close()
	if res.StatusCode == http.StatusAccepted {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.acked = append(l.acked, seqs...)
	}
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

func (l *load) stop() {
	select {
	case <-l.stopped:
	default:
		close(l.stopped)
	}
	l.all.Wait()
}

// A disk that is full refuses what is published, with the reason, and nothing
// else; when there is room again, the router finds that out by itself. A limit of
// the size of files stands in for the disk, since anybody can set one.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	for _, sync := range []string{"100ms", "0s"} {
		t.Run("journal_sync="+sync, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			r := withJournal(t, dir, "--events.journal_sync", sync)
			f := newFeed(r)
			f.publish(t, 5)
			limit := func(bytes string) {
				t.Helper()
				if out, err := run(t, "", tool(t, "prlimit"), "--pid", strconv.Itoa(r.cmd.Process.Pid), "--fsize="+bytes+":unlimited"); err != nil {
					t.Fatalf("prlimit: %v: %s", err, out)
				}
			}
			size := func() (total int64) {
				for _, path := range segments(t, dir) {
					info, err := os.Stat(path)
					if err != nil {
						t.Fatal(err)
					}
					total += info.Size()
				}
				return total
			}
			before := size()
			limit("450") // the file of a class that gets two events of the batch is cut in the middle of a record
			for range 3 {
				body := ""
				for _, kind := range []int{1, 0, 0, 0, 3} {
					body += fmt.Sprintf(`{"type":%q,%s,"seq":1000}`+"\n", kinds[kind].name, kinds[kind].fields)
				}
				status, headers, answer := r.status(t, "POST", "/v1/events", body, "Authorization: Bearer "+publishToken)
				if status != http.StatusServiceUnavailable || headers.Get("Retry-After") == "" || answer != `{"error":"cannot write the journal: file too large"}` {
					t.Fatalf("publishing was answered with %d %s, Retry-After %q", status, answer, headers.Get("Retry-After"))
				}
			}
			if after := size(); after != before {
				t.Errorf("the files have %d bytes and had %d before", after, before)
			}
			const reason = `cannot write the journal: file too large; publishing is refused until it can be written (events.journal)`
			if health := r.get(t, "/v1/health/streaming"); !strings.Contains(health, `"status":"degraded"`) || !strings.Contains(health, reason) {
				t.Errorf("the health is %s", health)
			}
			if metrics := r.get(t, "/metrics"); !strings.Contains(metrics, "adic_journal_writable 0\n") ||
				!strings.Contains(metrics, `adic_rejections_total{reason="journal"} 3`+"\n") {
				t.Errorf("the metrics are %s", metrics)
			}
			if got := retained(t, r); len(got) != 5 {
				t.Errorf("%v are delivered meanwhile, want 5 events", got)
			}
			limit("unlimited")
			eventually(t, "the router is healthy again", func() bool {
				return strings.Contains(r.get(t, "/v1/health/streaming"), `"status":"healthy"`)
			})
			f.publish(t, 5)
			errors := 0
			for _, l := range r.log(t) {
				if l.Level == "ERROR" {
					errors++
				}
			}
			if errors != 1 {
				t.Errorf("%d errors were logged, want one for the whole time", errors)
			}
			r.kill()

			next := withJournal(t, dir)
			if got := retained(t, next); len(got) != 10 || slices.Contains(got, 1000) {
				t.Errorf("after a restart %v are there, want 1 to 10", got)
			}
			for _, l := range next.log(t) {
				if l.Level != "INFO" {
					t.Errorf("the restart says %s", l.raw)
				}
			}
		})
	}
}

func segments(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// retained returns the numbers of what a router retains, in their order.
func retained(t *testing.T, r *router) (seqs []int) {
	t.Helper()
	for _, e := range parsePage(t, r.get(t, "/v1/events?since=earliest&limit=1000")).Events {
		seqs = append(seqs, e.Seq)
	}
	slices.Sort(seqs)
	return seqs
}

// A good end leaves a journal with which the next router goes on as if nothing
// had been, even where the machine went down meanwhile.
func TestRestartWithJournal(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "by adic")
	r := startRouter(t, "--events.journal", dir)
	newFeed(r).publish(t, 7)
	eventually(t, "all of them are delivered", func() bool { return len(retained(t, r)) == 7 })
	at := parsePage(t, r.get(t, "/v1/events?since=earliest&limit=1000")).Cursor
	r.publish(t, `{"type":"MessageFinalized","message_id":"cd34","finality_type":"kcore","seq":8}`)
	r.terminate()
	if header, err := os.ReadFile(filepath.Join(dir, "journal")); err != nil || !strings.Contains(string(header), "state closed\n") {
		t.Errorf("the header is %s: %v", header, err)
	}
	next := startRouter(t, "--events.journal", dir)
	if got := retained(t, next); !slices.Equal(got, []int{1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Errorf("%v are there, want 1 to 8", got)
	}
	if got := parsePage(t, next.get(t, "/v1/events?since="+at)).Events; len(got) != 1 || got[0].Seq != 8 {
		t.Errorf("after the cursor come %v, want 8", got)
	}
}

// The buffers can be changed while running, and the journal keeps what they hold.
func TestJournalFollowsReload(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "adic.toml")
	configure := func(buffer int) {
		t.Helper()
		if err := os.WriteFile(file, fmt.Appendf(nil, "[events]\nhigh_priority_buffer = %d\n", buffer), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	configure(3)
	r := withJournal(t, filepath.Join(dir, "journal"), "--config", file)
	configure(50)
	r.signal(syscall.SIGHUP)
	eventually(t, "the configuration is reloaded", func() bool { return r.find(t, "configuration reloaded") != nil })
	for seq := range 40 {
		r.publish(t, fmt.Sprintf(`{"type":"MessageFinalized","message_id":"cd34","finality_type":"kcore","seq":%d}`, seq))
	}
	r.kill()
	next := withJournal(t, filepath.Join(dir, "journal"), "--config", file)
	if got := retained(t, next); len(got) != 40 {
		t.Errorf("%d of 40 events are there: %v", len(got), got)
	}
}

func TestJournalCannotBeUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := withJournal(t, dir)
	for _, test := range []struct{ name, dir, want string }{
		{"another router has it", dir, "adic: cannot lock the journal " + dir + ": another adic uses it; give each router a directory of its own"},
		{"no directory", "/dev/null/journal", "adic: cannot make the directory of the journal: mkdir /dev/null: not a directory"},
	} {
		out, err := run(t, "", adic(), "serve", "--api.port", "0", "--events.journal", test.dir)
		if err == nil || !strings.Contains(out, test.want) {
			t.Errorf("%s: %v, and it says %s", test.name, err, out)
		}
	}
	first.mustRun(t)
}
