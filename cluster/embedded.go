package cluster

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/adic-network/router/config"
)

// startTimeout is how long an embedded server may take until it answers; that its
// JetStream has a leader is not part of it.
const startTimeout = 10 * time.Second

// embedded is a NATS server in this process.
type embedded struct{ server *server.Server }

// startEmbedded starts the server that the configuration describes.
func startEmbedded(c *config.Cluster, log *slog.Logger) (*embedded, error) {
	o, err := serverOptions(c)
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, fmt.Errorf("cannot start the embedded NATS server: %w", err)
	}
	said := &serverLog{log: log}
	s.SetLoggerV2(said, false, false, false)
	s.Start()
	e := &embedded{s}
	if !s.ReadyForConnections(startTimeout) {
		e.stop()
		return nil, fmt.Errorf("cannot start the embedded NATS server: %s (see the log)", cmp.Or(said.why(), "it is not ready after "+startTimeout.String()))
	}
	return e, nil
}

// stop ends the server. What it has taken is on its disk.
func (e *embedded) stop() {
	e.server.Shutdown()
	e.server.WaitForShutdown()
}

func serverOptions(c *config.Cluster) (*server.Options, error) {
	name := c.ServerName
	if name == "" {
		var err error
		if name, err = os.Hostname(); err != nil {
			return nil, fmt.Errorf("cannot name the embedded NATS server: %w; set cluster.server_name", err)
		}
	}
	secure, err := tlsConfig(c)
	if err != nil {
		return nil, err
	}
	o := &server.Options{
		ServerName: name,
		JetStream:  true,
		StoreDir:   c.StoreDir,
		NoSigs:     true, // they are the router's
		DontListen: c.Listen == "" && c.RoutesListen == "",
		Host:       "127.0.0.1", // with routes a server has to listen
		Port:       server.RANDOM_PORT,
		Username:   c.User,
		Password:   c.Password,
		// A power failure takes at most what was stored since.
		SyncInterval: time.Second,
	}
	if c.Listen != "" {
		if o.Host, o.Port, err = split("cluster.listen", c.Listen); err != nil {
			return nil, err
		}
	}
	certified := secure != nil && len(secure.Certificates) > 0
	if certified {
		o.TLSConfig, o.TLSTimeout = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: secure.Certificates}, dialTimeout.Seconds()
	}
	if c.RoutesListen == "" {
		return o, nil
	}
	o.Cluster = server.ClusterOpts{Name: c.ClusterName, Username: c.User, Password: c.Password}
	if o.Cluster.Host, o.Cluster.Port, err = split("cluster.routes_listen", c.RoutesListen); err != nil {
		return nil, err
	}
	if certified { // both sides show theirs
		mutual := secure.Clone()
		mutual.ClientAuth, mutual.ClientCAs = tls.RequireAndVerifyClientCert, secure.RootCAs
		o.Cluster.TLSConfig, o.Cluster.TLSTimeout = mutual, dialTimeout.Seconds()
	}
	for _, route := range c.Routes {
		u := &url.URL{Scheme: "nats-route", Host: route}
		if c.User != "" {
			u.User = url.UserPassword(c.User, c.Password)
		}
		o.Routes = append(o.Routes, u)
	}
	return o, nil
}

func split(key, address string) (host string, port int, err error) {
	host, digits, err := net.SplitHostPort(address)
	if err == nil {
		port, err = strconv.Atoi(digits)
	}
	if err != nil {
		return "", 0, fmt.Errorf("cannot use %s: %w", key, err)
	}
	return host, port, nil
}

// serverLog passes on what the server logs. Its own notices are for who debugs it.
type serverLog struct {
	log *slog.Logger

	mu    sync.Mutex
	fatal string
}

func (l *serverLog) say(level slog.Level, format string, v []any) {
	l.log.Log(context.Background(), level, "nats: "+fmt.Sprintf(format, v...))
}

// Noticef implements server.Logger, as do the others.
func (l *serverLog) Noticef(format string, v ...any) { l.say(slog.LevelDebug, format, v) }

// Warnf is a warning of ours, too.
func (l *serverLog) Warnf(format string, v ...any) { l.say(slog.LevelWarn, format, v) }

// Errorf is an error of ours, too.
func (l *serverLog) Errorf(format string, v ...any) { l.say(slog.LevelError, format, v) }

// Debugf is nothing: debugging is off.
func (l *serverLog) Debugf(string, ...any) {}

// Tracef is nothing: tracing is off.
func (l *serverLog) Tracef(string, ...any) {}

// Fatalf notes why the server does not start.
func (l *serverLog) Fatalf(format string, v ...any) {
	l.say(slog.LevelError, format, v)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fatal = cmp.Or(l.fatal, fmt.Sprintf(format, v...))
}

func (l *serverLog) why() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatal
}
