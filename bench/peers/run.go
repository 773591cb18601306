package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/adic-network/router/bench"
)

const (
	// token is what events are published to the router with.
	token = "bench"
	// runTimeout bounds one run, and stopTimeout how long a server may take to
	// end.
	runTimeout  = 2 * time.Minute
	stopTimeout = 15 * time.Second
)

// comparison is a series of runs.
type comparison struct {
	program string // this one
	adic    string // the router
	servers []description
	filters []description // the same for runs with groups
	loads   []load
	reps    int
	quiet   time.Duration // between two runs
	log     io.Writer
}

// compare runs every load against every server, one after the other, and all of
// that as often as it is told, so that whatever disturbs the machine for a while
// disturbs all of them. A run that fails is a result like any other.
func (c *comparison) compare(ctx context.Context, take func(result) error) error {
	for rep := range c.reps {
		for _, l := range c.loads {
			servers := c.servers
			if l.groups > 0 {
				servers = c.filters
			}
			for _, d := range servers {
				if !l.runsOn(d) {
					continue
				}
				fmt.Fprintf(c.log, "%s  run %d of %d: %s: %s\n", time.Now().Format(time.TimeOnly), rep+1, c.reps, l.title, d.Name)
				r := result{Load: l.name, Server: d.Name, Rep: rep}
				report, err := c.run(ctx, l, d)
				switch {
				case ctx.Err() != nil:
					return ctx.Err()
				case err != nil:
					r.Error = err.Error()
					fmt.Fprintf(c.log, "          %v\n", err)
				default:
					r.Report = report
				}
				if err := take(r); err != nil {
					return err
				}
				time.Sleep(c.quiet)
			}
		}
	}
	return nil
}

// run measures one load on a server that is started for it.
func (c *comparison) run(ctx context.Context, l load, d description) (report *bench.Report, err error) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	s, err := c.start(ctx, l, d)
	if err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", d.Name, err)
	}
	defer func() { err = errors.Join(err, s.stop()) }()

	request, err := json.Marshal(l.config(d, s.addr, s.door, s.command.Process.Pid))
	if err != nil {
		return nil, err
	}
	generator := exec.CommandContext(ctx, c.program, "load")
	generator.Stdin = bytes.NewReader(request)
	var out, problems bytes.Buffer
	generator.Stdout, generator.Stderr = &out, &problems
	if err := generator.Run(); err != nil {
		return nil, fmt.Errorf("no report: %w: %s", err, lastLine(problems.String()))
	}
	report = new(bench.Report)
	if err := json.Unmarshal(out.Bytes(), report); err != nil {
		return nil, fmt.Errorf("cannot read the report: %w", err)
	}
	return report, nil
}

// process is a server that runs.
type process struct {
	command    *exec.Cmd
	addr, door string
	said       bytes.Buffer  // on standard error; to be read when it has ended
	ended      chan struct{} // closed when it has
}

// start starts a server and waits until it listens.
func (c *comparison) start(ctx context.Context, l load, d description) (*process, error) {
	if d.Name == router {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		s := &process{addr: addr, door: addr}
		s.command = exec.Command(c.adic, "serve", "--api.host", "127.0.0.1", "--api.port", fmt.Sprint(port),
			"--auth.publish_token", token, "--stream.batch_delay", l.window.String(),
			"--api.max_websocket_connections", "19900", "--api.max_sse_connections", "19900")
		if err := s.begin(nil); err != nil {
			return nil, err
		}
		return s, s.await(ctx)
	}
	args := []string{"serve", d.Name}
	if l.groups > 0 {
		args = append(args, "--filter")
	}
	if l.window > 0 {
		args = append(args, "--delay", l.window.String())
	}
	s := &process{command: exec.Command(c.program, args...)}
	out, in := io.Pipe()
	if err := s.begin(in); err != nil {
		return nil, err
	}
	for lines := bufio.NewScanner(out); s.addr == "" && lines.Scan(); {
		what, where, _ := strings.Cut(lines.Text(), " ")
		switch what {
		case "publishing":
			s.door = where
		case "listening":
			s.addr = where
		}
	}
	if s.addr == "" {
		return nil, errors.Join(errors.New("it does not listen"), s.stop())
	}
	return s, nil
}

// begin starts the process. What it prints goes to out, if there is one, which
// ends with it.
func (s *process) begin(out *io.PipeWriter) error {
	s.command.Stderr = &s.said
	if out != nil {
		s.command.Stdout = out
	}
	if err := s.command.Start(); err != nil {
		return err
	}
	s.ended = make(chan struct{})
	go func() {
		defer close(s.ended)
		_ = s.command.Wait() // How it ended matters to stop only if nobody asked for it.
		if out != nil {
			_ = out.Close() // which never fails
		}
	}()
	return nil
}

// await waits until somebody listens at the address.
func (s *process) await(ctx context.Context) error {
	for began := time.Now(); time.Since(began) < stopTimeout; {
		conn, err := net.Dial("tcp", s.addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-s.ended:
			return s.stop()
		case <-ctx.Done():
			return errors.Join(ctx.Err(), s.stop())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return errors.Join(errors.New("it does not listen"), s.stop())
}

// stop ends the server. It is an error if it had ended already or has to be
// killed.
func (s *process) stop() error {
	select {
	case <-s.ended:
		return fmt.Errorf("the server had ended: %s", lastLine(s.said.String()))
	default:
	}
	// The only error is that it has just ended, which the next lines see.
	_ = s.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
		return nil
	case <-time.After(stopTimeout):
		_ = s.command.Process.Kill()
		<-s.ended
		return fmt.Errorf("the server did not end within %s of SIGTERM", stopTimeout)
	}
}

func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return ln.Addr().(*net.TCPAddr).Port, ln.Close()
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// generate is the load generator: it reads a configuration and prints a report.
func generate(ctx context.Context, in io.Reader, out io.Writer) error {
	var cfg bench.Config
	if err := json.NewDecoder(in).Decode(&cfg); err != nil {
		return fmt.Errorf("cannot read what to do: %w", err)
	}
	report, err := bench.Run(ctx, cfg)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(report)
}

// runAll is the command run.
func runAll(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	out := flags.String("out", "", "folder for results.json; it is added to if it is there")
	reps := flags.Int("reps", 3, "how often everything is run")
	only := flags.String("loads", "", "loads to run, separated by commas; all if empty")
	servers := flags.String("servers", "", "servers to run, separated by commas; all if empty")
	quick := flags.Bool("quick", false, "few connections and events, to see that everything works")
	if err := parse(flags, args); err != nil {
		return err
	}
	if *out == "" {
		return errors.New("--out is missing: name a folder for the results")
	}
	c, err := newComparison(stdout, *reps, *only, *servers)
	if err != nil {
		return err
	}
	if *quick {
		for i := range c.loads {
			c.loads[i] = c.loads[i].small()
		}
		c.quiet = 0
	}
	dir, err := os.MkdirTemp("", "peers")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c.adic = filepath.Join(dir, "adic")
	build := exec.CommandContext(ctx, "go", "build", "-o", c.adic, "./cmd/adic")
	build.Dir = filepath.Join("..", "..") // the router is a module of its own
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build the router: %w: %s", err, text)
	}
	results, err := openResults(*out)
	if err != nil {
		return err
	}
	if len(results.Runs) > 0 && results.Quick != *quick {
		return fmt.Errorf("the results in %s and these would be of a quick look and of a comparison: name another folder", *out)
	}
	results.Quick = *quick
	return c.compare(ctx, results.add)
}

// newComparison makes a comparison of the named loads and servers.
func newComparison(log io.Writer, reps int, names, servers string) (*comparison, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &comparison{program: program, reps: reps, quiet: 500 * time.Millisecond, log: log}
	self := description{Name: router, Module: "this repository", Version: "this one", Transport: "both"}
	c.servers, c.filters = []description{self}, []description{self}
	for _, p := range peers() {
		c.filters = append(c.filters, p.description)
		c.servers = append(c.servers, p.listeningToEverything())
	}
	if c.servers, err = chosen(servers, c.servers, func(d description) string { return d.Name }); err == nil {
		c.filters, err = chosen(servers, c.filters, func(d description) string { return d.Name })
	}
	if err != nil {
		return nil, fmt.Errorf("--servers: %w", err)
	}
	if c.loads, err = chosen(names, loads(), func(l load) string { return l.name }); err != nil {
		return nil, fmt.Errorf("--loads: %w", err)
	}
	return c, nil
}

// chosen returns those of all that are named, or all.
func chosen[T any](names string, all []T, name func(T) string) (some []T, err error) {
	if names == "" {
		return all, nil
	}
	var known []string
	for _, t := range all {
		known = append(known, name(t))
	}
	for n := range strings.SplitSeq(names, ",") {
		i := slices.Index(known, n)
		if i < 0 {
			return nil, fmt.Errorf("unknown %q: it is one of %s", n, strings.Join(known, ", "))
		}
		some = append(some, all[i])
	}
	return some, nil
}
