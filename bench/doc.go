// Package bench is the load generator of the router: it holds many thousand
// WebSocket and SSE connections, publishes events of its own and measures what
// arrives. With a [Peer] it is a client of another server, to compare the two.
//
// # How it works
//
// One goroutine runs one epoll loop over raw non-blocking sockets. A
// connection is one element of a slice: it has no goroutine and no buffer, and
// keeps bytes of its own only while a frame is unfinished. Connections to an
// IPv4 loopback address come from several addresses of 127.0.0.0/8, 10,000 from
// each, because the kernel's search for a free port becomes slow beyond that. A
// second goroutine publishes through POST /v1/events with net/http. Nothing is
// shared between the two but atomic counters.
//
// # What it publishes
//
// Events of three types of the catalogue, one per priority class, six high,
// three medium and one low in every ten. Each carries fields that the
// catalogue does not name and that the router hands through as they are: run
// (a random id, so that other traffic is told apart), class, seq (per class,
// from 1, without gaps) and sent_ns. A client finds them in what it receives by
// a byte search and decodes no JSON. With groups there are up to ten types, all
// of high priority, and seq is the group's.
//
// # What it measures
//
// Latency is the time from the start of the POST that carried an event until
// the read that returned its last byte to the generator. A generator that is
// itself short of CPU therefore makes latency look worse, never better. The
// time that events waited in the generator because an earlier POST had not been
// answered is not part of it, and is reported beside it as lateness, so that a
// slow publishing path cannot hide. Times are kept in histograms of fixed size
// that overstate a value by less than 0.8 % and never understate it.
//
// A gap in the sequence numbers of a class is a loss; it has to be announced by
// a Lagged message before the client sees the gap, and when the run is over the
// counts told must equal the gaps seen, connection by connection. Everything
// that was published before the end has to have arrived by then: what is
// missing from the tail is a loss like any other. The tail of a connection that
// the server closed is not counted, since its client would resume.
//
// Stalled clients ask the kernel for the smallest receive buffer, stop reading
// once they are connected, and read on when everybody else has received
// everything, so that their losses are checked too. Their latencies are not
// recorded.
//
// While clients connect in a storm, only events of one class or of the groups
// are published, and a client's sequence begins with the first that it receives.
//
// It needs Linux. On other systems Run returns an error that says so.
package bench
