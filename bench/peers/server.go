package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// stopPatience is how long a peer may take to take leave of its clients. Those
// that do not answer end with the process.
const stopPatience = 5 * time.Second

// httpServer is net/http on a listener of its own.
type httpServer struct {
	addr   string
	server *http.Server
	done   chan struct{}
}

// serveHTTP serves handler on an address until close.
func serveHTTP(addr string, handler http.Handler) (*httpServer, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	h := &httpServer{addr: listener.Addr().String(), server: &http.Server{Handler: handler}, done: make(chan struct{})}
	go func() {
		defer close(h.done)
		if err := h.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, "peers: cannot accept connections:", err)
		}
	}()
	return h, nil
}

// close ends the listener and every connection that is still net/http's.
func (h *httpServer) close() error {
	err := h.server.Close()
	<-h.done
	return err
}
