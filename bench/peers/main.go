// Peers runs the servers that the router is compared with, each set up as its
// own documents recommend for one stream of events to very many clients, and
// compares them.
//
//	go run . run --out DIR
//	go run . report --out DIR --write ..
//	go run . list --json
//	go run . serve PEER --addr 127.0.0.1:0
//
// run puts every load on the router and on every peer, one after the other, each
// in a process of its own and with the load generator in another, several times,
// and keeps what was measured in a file; report makes the page and the charts
// from it.
//
// list describes to a load generator how to be a client of each peer. serve
// runs one of them as the only one in its process. When it is ready it prints
//
//	publishing 127.0.0.1:PORT
//	listening 127.0.0.1:PORT
//
// and it ends on SIGTERM or SIGINT. Clients connect to the second address. Every
// peer takes events on the first one, at POST /v1/events as the router does (see
// newDoor), with net/http: some insist on listeners of their own, and so it is
// the same for all. Only the floor takes events in its loop, on the address that
// clients connect to, and prints no other.
//
// With --filter, serve publishes each event to the channel of its type, and list
// describes clients that ask for one type: {events} stands for its name. Without
// it there is one channel that all clients listen to.
//
// An event travels inside whatever envelope the peer uses; its bytes stay as
// they were published. Peers are built into one program, so that they share
// version and settings of Go; its defaults hold for all: GOMAXPROCS, GOGC,
// descriptors up to the hard limit, TCP_NODELAY and TCP keep-alive.
//
// It needs Linux.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"
)

const usage = `usage:
  peers list [--json] [--filter]
  peers serve PEER [--addr 127.0.0.1:0] [--filter] [--delay 0s]
  peers run --out DIR [--reps 3] [--loads A,B] [--servers A,B] [--quick]
  peers report --out DIR --write DIR`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// run is one call of the program with its arguments.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	switch {
	case len(args) > 0 && args[0] == "list":
		return list(args[1:], stdout)
	case len(args) > 1 && args[0] == "serve":
		return serve(ctx, args[1], args[2:], stdout)
	case len(args) > 0 && args[0] == "run":
		return runAll(ctx, args[1:], stdout)
	case len(args) > 0 && args[0] == "report":
		return writeReport(args[1:])
	case len(args) == 1 && args[0] == "load":
		return generate(ctx, os.Stdin, stdout)
	}
	return errors.New("nothing to do\n" + usage)
}

// list prints the peers.
func list(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("list", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "print descriptions for a load generator")
	filter := flags.Bool("filter", false, "describe clients that ask for one type")
	if err := parse(flags, args); err != nil {
		return err
	}
	var all []description
	for _, p := range peers() {
		if !*filter {
			p.description = p.listeningToEverything()
		}
		all = append(all, p.description)
	}
	if *asJSON {
		encoder := json.NewEncoder(stdout)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(all)
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, d := range all {
		fmt.Fprintf(table, "%s\t%s %s\t%s\t%s\n", d.Name, d.Module, d.Version, d.Transport, d.Setup)
	}
	return table.Flush()
}

// serve runs a peer until ctx ends.
func serve(ctx context.Context, name string, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:0", "where clients connect; port 0 takes a free one")
	filter := flags.Bool("filter", false, "publish each event to the channel of its type")
	delay := flags.Duration("delay", 0, "batching window, of the floor only")
	if err := parse(flags, args); err != nil {
		return err
	}
	p, err := findPeer(name)
	if err != nil {
		return err
	}
	if *delay < 0 || *delay > 0 && name != "floor" {
		return fmt.Errorf("--delay %s: a batching window is positive and only the floor has one", *delay)
	}
	channelOf := toEverything
	if *filter {
		channelOf = toType
	}
	s, err := p.start(*addr, options{delay: *delay, channelOf: channelOf})
	if err != nil {
		return fmt.Errorf("cannot start %s: %w", name, err)
	}
	closeAll := s.close
	if s.publish != nil {
		door, err := serveHTTP("127.0.0.1:0", newDoor(s.publish, channelOf))
		if err != nil {
			return errors.Join(fmt.Errorf("cannot open the door for events: %w", err), s.close())
		}
		closeAll = func() error { return errors.Join(door.close(), s.close()) }
		fmt.Fprintln(stdout, "publishing", door.addr)
	}
	fmt.Fprintln(stdout, "listening", s.addr)
	<-ctx.Done()
	if err := closeAll(); err != nil {
		return fmt.Errorf("cannot stop %s: %w", name, err)
	}
	return nil
}

func parse(flags *flag.FlagSet, args []string) error {
	flags.SetOutput(io.Discard)
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("%w\n%s", err, usage)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q\n%s", flags.Arg(0), usage)
	}
	return nil
}
