package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// natsCluster is three NATS servers that are one.
type natsCluster struct {
	addrs, routes [3]string
	dir           string
	servers       [3]*process
}

func startNATSCluster(t *testing.T) *natsCluster {
	t.Helper()
	c := &natsCluster{dir: t.TempDir()}
	for i := range c.addrs {
		c.addrs[i], c.routes[i] = freeAddr(t), freeAddr(t)
	}
	for i := range c.servers {
		c.start(t, i)
	}
	return c
}

func (c *natsCluster) start(t *testing.T, i int) {
	t.Helper()
	program, err := natsServer()
	if err != nil {
		t.Fatalf("cannot build nats-server: %v", err)
	}
	host, port, _ := strings.Cut(c.addrs[i], ":")
	c.servers[i] = startCommand(t, exec.CommandContext(context.Background(), program, "-js", "-sd", filepath.Join(c.dir, fmt.Sprint(i)),
		"-a", host, "-p", port, "-n", fmt.Sprint("n", i), "--cluster_name", "test", "--cluster", "nats://"+c.routes[i],
		"--routes", "nats://"+c.routes[0]+",nats://"+c.routes[1]+",nats://"+c.routes[2]))
}

func (c *natsCluster) kill(i int) {
	c.servers[i].signal(os.Kill)
	<-c.servers[i].done
}

// Three routers on three NATS servers, behind nginx that sends every connection to the
// next one: clients of every transport receive all that was accepted, each once and in
// order within its class, whatever is killed or cut off under them.
func TestClusterUnderLoad(t *testing.T) {
	t.Parallel()
	nats := startNATSCluster(t)
	wire := layCable(t, nats.addrs[0]) // the only way of the third router to NATS
	urls := [3]string{2: "nats://" + wire.addr()}
	for i := range urls[:2] {
		urls[i] = "nats://" + strings.Join(nats.addrs[:], ",nats://")
	}
	var routers [3]*router
	var addrs [3]string
	startMember := func(i int) {
		flags := append([]string{"--cluster.nats", urls[i], "--cluster.replicas", "3", "--auth.publish_token", publishToken,
			"--stream.heartbeat_interval", "1s", "--stream.ping_interval", "1s", "--stream.drain_timeout", "1s"}, roomy...)
		if addrs[i] != "" {
			flags = append(flags, portOf(addrs[i])...)
		}
		routers[i] = startOdd(t, nil, flags...)
		addrs[i] = routers[i].addr
	}
	for i := range routers {
		startMember(i)
	}
	config, err := os.ReadFile("testdata/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(config), "    server {", "    upstream routers {\n        server "+strings.Join(addrs[:], ";\n        server ")+
		";\n    }\n\n    server {", 1)
	front, _ := startNginx(t, strings.ReplaceAll(text, "//ROUTER;", "//routers;"))

	at := &address{}
	at.set(&router{addr: front})
	survivors := []*survivor{survive(t, "WebSocket", at), survive(t, "WebSocket", at), survive(t, "SSE", at), survive(t, "SSE", at), survive(t, "polling", at)}
	load := startLoad(t, at, 2)
	flows := func(after string) {
		t.Helper()
		before := load.count()
		eventually(t, "more is accepted after "+after, func() bool { return load.count() > before+100 })
		for _, s := range survivors {
			_, before := s.received()
			eventually(t, "a "+s.transport+" client receives after "+after, func() bool { _, n := s.received(); return n > before })
			s.check(t)
		}
	}
	flows("the start")
	routers[0].kill()
	flows("the death of a router")
	startMember(0)
	flows("its return")
	for i := range nats.servers { // the leaders of the streams are among them
		nats.kill(i)
		if i > 0 { // the third router has no other way than by the first
			flows("the death of a NATS server")
		}
		nats.start(t, i)
		flows("its return")
	}
	wire.cut()
	flows("a router was cut off")
	wire.mend()
	flows("it was connected again")
	for i := range nats.servers {
		nats.kill(i)
	}
	for i := range nats.servers {
		nats.start(t, i)
	}
	flows("the death of all NATS servers")
	for i := range routers { // a rolling restart of everything
		routers[i].terminate()
		startMember(i)
		flows("the restart of a router")
		nats.servers[i].signal(os.Interrupt)
		<-nats.servers[i].done
		nats.start(t, i)
		flows("the restart of a NATS server")
	}
	load.stop()
	for _, s := range survivors {
		eventually(t, "the "+s.transport+" client has all that was accepted", func() bool { s.check(t); return s.has(load.acked) })
	}
	for _, s := range survivors[1:] {
		eventually(t, "all clients have the same in the same order", func() bool {
			first, _ := survivors[0].received()
			got, _ := s.received()
			return slices.EqualFunc(got[:], first[:], slices.Equal)
		})
	}
	for _, s := range survivors {
		s.stop()
		s.check(t)
	}
	_, total := survivors[0].received()
	t.Logf("%d events were accepted, %d received", len(load.acked), total)
}
