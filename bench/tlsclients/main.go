// Command tlsclients measures what TLS clients cost a router: it connects them,
// looks at the memory of the router's process while they are idle, and at its CPU
// while it delivers events to them. `adic bench` does the same without TLS.
//
//	go run ./bench/tlsclients -url https://localhost:9121 -ca cert.pem -token TOKEN -server-pid PID -websocket 2000
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

type options struct {
	url, ca, token string
	pid            int
	websockets     int
	sse            int
	rate           int
	duration       time.Duration
	settle         time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.url, "url", "https://localhost:9121", "the router; http:// to compare")
	flag.StringVar(&o.ca, "ca", "", "`file` with the certificate to trust, in PEM")
	flag.StringVar(&o.token, "token", "", "publish token")
	flag.IntVar(&o.pid, "server-pid", 0, "process of the router")
	flag.IntVar(&o.websockets, "websocket", 2000, "WebSocket clients")
	flag.IntVar(&o.sse, "sse", 0, "Server-Sent Events clients")
	flag.IntVar(&o.rate, "rate", 20, "events a second")
	flag.DurationVar(&o.duration, "duration", 5*time.Second, "how long to publish")
	flag.DurationVar(&o.settle, "settle", 10*time.Second, "how long to wait before looking at idle clients")
	flag.Parse()
	if err := run(o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tlsclients:", err)
		os.Exit(1)
	}
}

func run(o options, out io.Writer) error {
	router, err := url.Parse(o.url)
	if err != nil {
		return err
	}
	trusted := &tls.Config{}
	if o.ca != "" {
		pem, err := os.ReadFile(o.ca)
		if err != nil {
			return err
		}
		trusted.RootCAs = x509.NewCertPool()
		if !trusted.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("%s holds no certificate", o.ca)
		}
	}
	before, err := readUsage(o.pid)
	if err != nil {
		return err
	}
	clients := &clients{router: router, config: trusted}
	began := time.Now()
	if err := clients.connect(o.websockets, o.sse); err != nil {
		return err
	}
	defer clients.close()
	took := time.Since(began)
	time.Sleep(o.settle) // what connecting has left behind is to be freed
	idle, err := readUsage(o.pid)
	if err != nil {
		return err
	}
	n := o.websockets + o.sse
	fmt.Fprintf(out, "connected   %d in %v, %.0f a second; %v of CPU each\n", n, took.Round(time.Millisecond), float64(n)/took.Seconds(),
		((idle.cpu - before.cpu) / time.Duration(n)).Round(time.Microsecond))
	fmt.Fprintf(out, "idle        %.1f KB of resident memory each\n", float64(idle.rss-before.rss)/float64(n)/1024)
	if o.rate == 0 {
		return nil
	}
	published, err := publish(o, &http.Client{Transport: &http.Transport{TLSClientConfig: trusted}})
	if err != nil {
		return err
	}
	due := int64(published) * int64(n)
	for deadline := time.Now().Add(time.Minute); clients.events.Load() < due; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("%d of %d deliveries came", clients.events.Load(), due)
		}
	}
	after, err := readUsage(o.pid)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "delivered   %d events to each; %.2f us of CPU a delivery\n", published,
		float64((after.cpu-idle.cpu).Microseconds())/float64(due))
	fmt.Fprintf(out, "afterwards  %.1f KB of resident memory each\n", float64(after.rss-before.rss)/float64(n)/1024)
	return nil
}

// publish publishes events one by one, as evenly as it can.
func publish(o options, client *http.Client) (n int, err error) {
	defer client.CloseIdleConnections()
	for began := time.Now(); time.Since(began) < o.duration; n++ {
		time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(o.rate))))
		body := fmt.Sprintf(`{"type":"MessageAdded","message_id":"%064d","depth":%d,"author":"adic1qxy2k8l5v9w3z7c4t6r0m2n8p5s1d3f7g"}`, n, n)
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, o.url+"/v1/events", strings.NewReader(body))
		if err != nil {
			return n, err
		}
		req.Header.Set("Authorization", "Bearer "+o.token)
		res, err := client.Do(req)
		if err != nil {
			return n, err
		}
		answer, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusAccepted {
			return n, fmt.Errorf("publishing: %s: %s: %w", res.Status, answer, err)
		}
	}
	return n, nil
}

// clients are connections that read and count.
type clients struct {
	router *url.URL
	config *tls.Config

	events  atomic.Int64
	mu      sync.Mutex
	conns   []io.Closer
	reading sync.WaitGroup
	err     error
}

// connect opens the connections, a few at a time.
func (c *clients) connect(websockets, sse int) error {
	const atOnce = 16
	var connecting sync.WaitGroup
	next := make(chan bool)
	for range atOnce {
		connecting.Go(func() {
			for isSSE := range next {
				if err := c.open(isSSE); err != nil {
					c.mu.Lock()
					c.err = errors.Join(c.err, err)
					c.mu.Unlock()
				}
			}
		})
	}
	for i := range websockets + sse {
		next <- i >= websockets
	}
	close(next)
	connecting.Wait()
	return c.err
}

func (c *clients) open(isSSE bool) error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	request := "GET /v1/sse/events HTTP/1.1\r\nHost: " + c.router.Host + "\r\n\r\n"
	if !isSSE {
		request = "GET /v1/ws/events HTTP/1.1\r\nHost: " + c.router.Host + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	in := bufio.NewReaderSize(conn, 1024)
	status, err := in.ReadString('\n')
	if err == nil && !strings.Contains(status, " 101 ") && !strings.Contains(status, " 200 ") {
		err = fmt.Errorf("answered with %s", strings.TrimSpace(status))
	}
	for line := ""; err == nil && line != "\r\n"; {
		line, err = in.ReadString('\n')
	}
	if err != nil {
		conn.Close()
		return err
	}
	c.mu.Lock()
	c.conns = append(c.conns, conn)
	c.mu.Unlock()
	read := c.readWebSocket
	if isSSE {
		read = c.readSSE
	}
	c.reading.Go(func() { read(in) })
	return nil
}

func (c *clients) dial() (io.ReadWriteCloser, error) {
	if c.router.Scheme == "http" {
		return net.Dial("tcp", c.router.Host)
	}
	return tls.Dial("tcp", c.router.Host, c.config)
}

// readWebSocket counts events until the connection ends.
func (c *clients) readWebSocket(in *bufio.Reader) {
	for {
		head, err := in.Peek(4)
		if err != nil {
			return
		}
		size := 2 + int(head[1])
		if head[1] == 126 {
			size = 4 + int(binary.BigEndian.Uint16(head[2:]))
		}
		message := make([]byte, size)
		if _, err := io.ReadFull(in, message); err != nil {
			return
		}
		if bytes.Contains(message, []byte(`{"type":"Event"`)) {
			c.events.Add(1)
		}
	}
}

func (c *clients) readSSE(in *bufio.Reader) {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if strings.HasPrefix(line, "data: ") {
			c.events.Add(1)
		}
	}
}

func (c *clients) close() {
	for _, conn := range c.conns {
		conn.Close()
	}
	c.reading.Wait()
}

// usage is what a process takes.
type usage struct {
	rss int64
	cpu time.Duration
}

func readUsage(pid int) (u usage, err error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return u, fmt.Errorf("cannot read what the router uses (-server-pid): %w", err)
	}
	const tick = 10 * time.Millisecond // proc_pid_stat(5), USER_HZ
	var user, system, pages int64
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	for at, value := range map[int]*int64{11: &user, 12: &system, 21: &pages} {
		if *value, err = strconv.ParseInt(fields[at], 10, 64); err != nil {
			return u, err
		}
	}
	return usage{pages * int64(os.Getpagesize()), time.Duration(user+system) * tick}, nil
}
