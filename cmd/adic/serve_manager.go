package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/server"
	"github.com/adic-network/router/systemd"
)

// The FileDescriptorName= of the socket that streams and publishers connect to,
// and of the one for operators.
const (
	apiSocket   = "api"
	adminSocket = "admin"
)

// A service is `adic serve`, or `adic explorer`, as its service manager sees it.
type service struct {
	section string // of the configuration that says where to listen
	manager *systemd.Manager
	sockets map[string]*net.TCPListener
	log     *slog.Logger
}

// startedBy reads what the service manager has left in the environment.
func startedBy(section string) (*service, error) {
	manager, err := systemd.FindManager()
	if err != nil {
		return nil, err
	}
	sockets, err := systemd.Listeners(apiSocket, adminSocket)
	if err != nil {
		return nil, err
	}
	return &service{section: section, manager: manager, sockets: sockets}, nil
}

// listen returns the socket that the manager holds, if it does, or else a new one.
// serve is how front accepts from it.
func (s *service) listen(api *config.API, front *server.Server) (ln net.Listener, serve func(net.Listener) error, err error) {
	if inherited := s.sockets[apiSocket]; inherited != nil {
		s.log.Info("using the socket of the service manager: host and port of the configuration are without effect", "name", apiSocket, "section", s.section)
		return inherited, front.ServeInherited, nil
	}
	ln, err = listen(api, s.section)
	return ln, front.Serve, err
}

// listenAdmin returns the socket for operators that the manager holds, or else one
// on the address for them; nil if there is neither.
func (s *service) listenAdmin(admin *config.Admin) (net.Listener, error) {
	if inherited := s.sockets[adminSocket]; inherited != nil {
		s.log.Info("using the socket of the service manager: admin.listen is without effect", "name", adminSocket)
		return inherited, nil
	}
	return listenAdmin(admin, s.log)
}

// tell passes on what a notification of the manager ended with. It is no reason to
// stop serving.
func (s *service) tell(err error) {
	if err != nil {
		s.log.Warn("the service manager cannot be told", "error", err)
	}
}

// ready tells the manager that addr is served, and around each reload that it is
// one.
func (s *service) ready(addr net.Addr) { s.tell(s.manager.Ready("serving " + addr.String())) }

func (s *service) reloading(addr net.Addr, reload func()) {
	s.tell(s.manager.Reloading())
	reload()
	s.ready(addr)
}

// stopping and left tell the manager how the drain goes.
func (s *service) stopping(front *server.Server) {
	s.tell(s.manager.Stopping("draining", front.LongestShutdown()))
}

func (s *service) left(router *actors.Router) {
	s.tell(s.manager.Status(fmt.Sprintf("draining: %d connections are left", router.Status().Connections)))
}

// watch gives the manager signs of life until ctx is done, but only while check
// says that the router works: it is called twice in each interval of the watchdog
// and may take as long as that. Without them the manager restarts the process.
func (s *service) watch(ctx context.Context, check func(timeout time.Duration) error) {
	if s.manager.Watchdog == 0 {
		return
	}
	ticker := time.NewTicker(s.manager.Watchdog / 2)
	defer ticker.Stop()
	for {
		if err := check(s.manager.Watchdog); err != nil {
			s.log.Error("event error: the router hangs; the service manager's watchdog is not answered", "error", err)
		} else {
			s.tell(s.manager.Alive())
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// working is the check of the watchdog: a message passes through the actors, and
// the front accepts connections.
func working(router *actors.Router, front *server.Server) func(time.Duration) error {
	return func(timeout time.Duration) error {
		if err := router.Alive(timeout); err != nil {
			return err
		}
		return front.Alive(timeout)
	}
}
