package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"syscall"

	"github.com/adic-network/router/config"
)

// listenAdmin listens on the address for operators. It returns nil if there is to
// be none.
func listenAdmin(admin *config.Admin, log *slog.Logger) (net.Listener, error) {
	if admin.Listen == "" {
		return nil, nil
	}
	ln, err := net.Listen("tcp", admin.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("the address %s is in use: stop the other process or choose another address with --admin.listen", admin.Listen)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on admin.listen: %w", err)
	}
	if !ln.Addr().(*net.TCPAddr).IP.IsLoopback() {
		log.Warn("the admin address can be reached from other machines, and asks nobody who they are: see that only operators can",
			"address", ln.Addr().String())
	}
	log.Info("serving operators", "address", ln.Addr().String())
	return ln, nil
}
