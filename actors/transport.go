package actors

// Transport is the byte stream of one client, as its Connection wants it: nothing
// blocks, and nothing is kept while nothing happens. Only the Connection calls
// its methods, one at a time.
type Transport interface {
	// Attach begins to report readiness to n, from any goroutine, until Close.
	// It is called once, before all other methods, but for a transport that is
	// closed unused, maybe after a last word. Reports may be spurious, and
	// one report may stand for any number of events: the transport reports
	// again only after Read or Write has said that there is no more. A transport
	// that holds bytes back reports Readable when they can go out, and writes
	// them when Read is called.
	Attach(n Notifier) error

	// Read moves bytes that have arrived into p, which it does not keep. It
	// returns 0 and no error when there are none now; io.EOF when the client
	// has ended its side; any other error when the connection is broken.
	Read(p []byte) (n int, err error)

	// Write takes as many bytes of p as fit now, and does not keep p. When it
	// takes fewer than all, Writable follows when it may take more.
	Write(p []byte) (n int, err error)

	// Acknowledged returns how many bytes the client's end has acknowledged so far,
	// and whether those are all that were sent to it. A transport that cannot know
	// says that they are.
	Acknowledged() (bytes uint64, all bool)

	// CloseWrite ends the stream to the client after what was taken.
	CloseWrite() error

	// Close frees everything. What was taken but is not yet sent still goes out
	// where the operating system does so.
	Close() error

	// RemoteAddr is the address of the client, for people to read.
	RemoteAddr() string
}

// Notifier is told of a transport's readiness. Its methods return at once.
type Notifier interface {
	Readable()
	Writable()
}
