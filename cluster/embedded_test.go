package cluster

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

func embeddedOptions(t *testing.T, dir string) Options {
	o := options(t, config.EmbeddedNATS)
	o.Config.StoreDir = dir
	return o
}

// A router with a server of its own has its events after a restart.
func TestEmbeddedServer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nats")
	c := open(t, embeddedOptions(t, dir))
	before := follow(t, c)
	publish(t, c, made(t, 0, 50, all...))
	before.awaitEvents(150)
	before.stop()
	c.Close()
	c = open(t, embeddedOptions(t, dir))
	after := follow(t, c)
	after.awaitEvents(150)
	sameStreams(t, before, after)
}

// Others can use it, with its password.
func TestEmbeddedServerListens(t *testing.T) {
	o := embeddedOptions(t, t.TempDir())
	o.Config.Listen, o.Config.User, o.Config.Password = freeAddress(t), "adic", "secret"
	follow(t, open(t, o))
	guest := options(t, "nats://"+o.Config.Listen)
	if c, err := Open(t.Context(), guest); err == nil || !strings.Contains(err.Error(), "refuses") {
		t.Errorf("without a password: %v", err)
		if err == nil {
			c.Close()
		}
	}
	guest = options(t, "nats://"+o.Config.Listen)
	guest.Config.User, guest.Config.Password = "adic", "secret"
	c := open(t, guest)
	r := follow(t, c)
	publish(t, c, made(t, 0, 1, event.High))
	r.awaitEvents(1)
}

func TestEmbeddedServerFails(t *testing.T) {
	taken := startNATS(t, "")
	for name, change := range map[string]func(c *config.Cluster){
		"address in use":  func(c *config.Cluster) { c.Listen = taken.addr },
		"no directory":    func(c *config.Cluster) { c.StoreDir = "/dev/null/nats" },
		"no certificates": func(c *config.Cluster) { c.TLSCert, c.TLSKey = "nowhere.pem", "nowhere.pem" },
	} {
		t.Run(name, func(t *testing.T) {
			o := embeddedOptions(t, t.TempDir())
			change(&o.Config)
			c, err := Open(t.Context(), o)
			if err == nil {
				c.Close()
				t.Fatal("it was opened")
			}
			t.Log(err)
		})
	}
}

// Three routers whose servers are a cluster of their own, with TLS between them: one
// of them goes and comes back.
func TestEmbeddedCluster(t *testing.T) {
	ca, cert, key := certificates(t)
	var routes, dirs []string
	for range 3 {
		routes = append(routes, freeAddress(t))
		dirs = append(dirs, t.TempDir())
	}
	start := func(i int) (*Cluster, error) {
		o := embeddedOptions(t, dirs[i])
		o.Config.ServerName, o.Config.RoutesListen, o.Config.Routes, o.Config.Replicas = string(rune('a'+i)), routes[i], routes, 3
		o.Config.User, o.Config.Password = "adic", "secret"
		o.Config.TLSCA, o.Config.TLSCert, o.Config.TLSKey = ca, cert, key
		ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
		defer cancel()
		return Open(ctx, o)
	}
	var clusters [3]*Cluster
	var errs [3]error
	var opening sync.WaitGroup
	for i := range clusters { // none can begin without another one
		opening.Go(func() { clusters[i], errs[i] = start(i) })
	}
	opening.Wait()
	var routers [3]*router
	for i, c := range clusters {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if i > 0 {
			t.Cleanup(c.Close)
		}
		routers[i] = follow(t, c)
	}
	publish(t, clusters[0], made(t, 0, 20, all...))
	for _, r := range routers {
		r.awaitEvents(60)
	}
	routers[0].stop()
	clusters[0].Close()
	eventually(t, "the others go on", func() bool { return clusters[1].Publish(made(t, 20, 1, all...)) == nil })
	routers[2].awaitEvents(63)
	again, err := start(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(again.Close)
	r := follow(t, again)
	publish(t, again, made(t, 30, 10, all...))
	for _, r := range []*router{routers[1], routers[2], r} {
		for _, p := range all { // each comes by itself
			eventually(t, "all have the last event", func() bool { return strings.HasSuffix(last(r, p), `"n":39`) })
		}
	}
	sameStreams(t, routers[1], routers[2])
	sameStreams(t, routers[1], r)
}

// last returns the last event of a class, up to its timestamp.
func last(r *router, p event.Priority) string {
	texts := r.seen(p)
	if len(texts) == 0 {
		return ""
	}
	text, _, _ := strings.Cut(texts[len(texts)-1], `,"timestamp"`)
	return text
}
