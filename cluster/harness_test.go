package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"go.uber.org/goleak"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

// patience is how long a test waits for what is to come.
const patience = 30 * time.Second

var natsServer string // the program, as the module has it

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "cluster")
	if err == nil {
		natsServer = filepath.Join(dir, "nats-server")
		var out []byte
		if out, err = exec.Command("go", "build", "-o", natsServer, "github.com/nats-io/nats-server/v2").CombinedOutput(); err != nil {
			err = fmt.Errorf("cannot build nats-server: %w\n%s", err, out)
		}
	}
	status := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else if status = m.Run(); status == 0 {
		// The embedded server and the library end their goroutines in their own time.
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = 1
		}
	}
	os.RemoveAll(dir)
	os.Exit(status)
}

// process is a real nats-server.
type process struct {
	t    *testing.T
	args []string
	addr string
	cmd  *exec.Cmd
	log  string
}

func (p *process) url() string { return "nats://" + p.addr }

// startNATS starts a server with a directory and a port of its own. Lines are for
// its configuration file.
func startNATS(t *testing.T, lines string) *process {
	t.Helper()
	dir := t.TempDir()
	return startWith(t, dir, fmt.Sprintf("jetstream { store_dir: %q }\n%s", filepath.Join(dir, "store"), lines))
}

// startPlainNATS starts a server without JetStream.
func startPlainNATS(t *testing.T) *process {
	t.Helper()
	return startWith(t, t.TempDir(), "")
}

func startWith(t *testing.T, dir, lines string) *process {
	t.Helper()
	addr := freeAddress(t)
	file := filepath.Join(dir, "nats.conf")
	text := fmt.Sprintf("listen: %q\n%s", addr, lines)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, addr: addr, args: []string{"-c", file}, log: filepath.Join(dir, "log")}
	p.start()
	t.Cleanup(p.kill)
	return p
}

func (p *process) start() {
	p.t.Helper()
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	p.cmd = exec.Command(natsServer, p.args...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	eventually(p.t, "the NATS server listens", func() bool {
		conn, err := net.Dial("tcp", p.addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// kill ends the server as kill -9 does.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Error(err)
	}
	_ = p.cmd.Wait() // which says that it was killed
	p.cmd = nil
}

func freeAddress(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v it is still not so that %s", patience, what)
		}
	}
}

func options(t *testing.T, nats string) Options {
	c := config.Default().Cluster
	c.NATS = nats
	return Options{
		Config: c, Catalogue: catalogue(), Retain: [event.NumPriorities]int{1000, 500, 100},
		PendingEvents: 65536, PendingBytes: 64 << 20,
		Metrics: metrics.NewSet(), Log: slog.New(slog.NewTextHandler(testLog{t}, nil)),
	}
}

// testLog writes to the log of a test that is running.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	if l.t.Context().Err() != nil {
		return io.Discard.Write(p)
	}
	l.t.Logf("%s", p)
	return len(p), nil
}

func open(t *testing.T, o Options) *Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// joined is a router of a cluster, and what it is given.
func joined(t *testing.T, o Options) (*Cluster, *router) {
	t.Helper()
	c := open(t, o)
	return c, follow(t, c)
}

// router is a follower that notes what it is told.
type router struct {
	t    *testing.T
	stop func()

	mu     sync.Mutex
	epochs []event.Epoch
	events [event.NumPriorities][]event.Placed // of the last epoch
	full   int                                 // how many times more it has no room
}

// follow follows c until the test ends or stop is called.
func follow(t *testing.T, c *Cluster) *router {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &router{t: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Follow(ctx, r)
	}()
	r.stop = func() { cancel(); <-done }
	t.Cleanup(r.stop)
	select {
	case <-c.CaughtUp():
	case <-time.After(patience):
		t.Fatalf("not caught up: %v", c.Reasons())
	}
	return r
}

func (r *router) Replicate(at event.Cursor, batch []event.Placed) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.full > 0 {
		r.full--
		return actors.ErrOverloaded
	}
	if len(r.epochs) == 0 || r.epochs[len(r.epochs)-1] != at.Epoch {
		r.epochs = append(r.epochs, at.Epoch)
		r.events = [event.NumPriorities][]event.Placed{}
	}
	for p, events := range r.events {
		if n := len(events); n > 0 && events[n-1].Position > at.Pos[p] {
			r.t.Errorf("%d comes again, after %d", at.Pos[p], events[n-1].Position)
		}
	}
	for _, e := range batch {
		events := &r.events[e.Event.Priority]
		if n := len(*events); n > 0 && (*events)[n-1].Position >= e.Position {
			r.t.Errorf("%v %d came after %d", e.Event.Priority, e.Position, (*events)[n-1].Position)
		}
		*events = append(*events, e)
	}
	return nil
}

// seen returns the positions and the texts of a class.
func (r *router) seen(p event.Priority) (texts []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return written(r.events[p])
}

func written(events []event.Placed) (texts []string) {
	for _, e := range events {
		texts = append(texts, fmt.Sprintf("%d %s", e.Position, e.Event.JSON(event.Flat)))
	}
	return texts
}

func (r *router) count() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, events := range r.events {
		n += len(events)
	}
	return n
}

func (r *router) epoch() event.Epoch {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.epochs[len(r.epochs)-1]
}

// awaitEvents waits until the follower has had n events in all.
func (r *router) awaitEvents(n int) {
	r.t.Helper()
	defer func() {
		if r.t.Failed() {
			r.t.Log(r.places())
		}
	}()
	eventually(r.t, fmt.Sprintf("%d events have come", n), func() bool { return r.count() >= n })
}

// places says from where to where the follower has each class.
func (r *router) places() (text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p, events := range r.events {
		if n := len(events); n > 0 {
			text += fmt.Sprintf("%v: %d to %d, %d events; ", event.Priority(p), events[0].Position, events[n-1].Position, n)
		}
	}
	return text
}

// catalogue has a type of each class, with a number.
var catalogue = sync.OnceValue(func() *event.Catalogue {
	var types []string
	for _, p := range event.Priorities() {
		types = append(types, fmt.Sprintf(`{"name":"%[1]sEvent","alias":"%[1]s.event","priority":%[1]q,`+
			`"fields":[{"name":"n","type":"uint"},{"name":"timestamp","type":"timestamp"}]}`, p))
	}
	c, err := event.ParseCatalogue([]byte(`{"events":[` + strings.Join(types, ",") + `]}`))
	if err != nil {
		panic(err)
	}
	return c
})

// made returns n events of each of the classes, numbered from first on.
func made(t *testing.T, first, n int, classes ...event.Priority) (batch []*event.Event) {
	t.Helper()
	parser := event.Parser{Catalogue: catalogue()}
	for i := range n {
		for _, p := range classes {
			e, err := parser.ParseEvent(fmt.Appendf(nil, `{"type":"%sEvent","n":%d}`, p, first+i))
			if err != nil {
				t.Fatal(err)
			}
			batch = append(batch, e)
		}
	}
	return batch
}

// all are the classes.
var all = []event.Priority{event.High, event.Medium, event.Low}

func publish(t *testing.T, c *Cluster, batch []*event.Event) {
	t.Helper()
	if err := c.Publish(batch); err != nil {
		t.Fatal(err)
	}
}

// sameStreams checks that a follower has the tails of what another one has.
func sameStreams(t *testing.T, a, tails *router) {
	t.Helper()
	for _, p := range all {
		whole, tail := a.seen(p), tails.seen(p)
		if n := len(tail); n > len(whole) || !slices.Equal(whole[len(whole)-n:], tail) {
			t.Errorf("%v: of %d events one has %d that are not their tail", p, len(whole), n)
		}
	}
	if a.epoch() != tails.epoch() {
		t.Errorf("epochs differ: %012x and %012x", a.epoch(), tails.epoch())
	}
}
