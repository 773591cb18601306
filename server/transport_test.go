package server

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/adic-network/router/actors"
)

// signals is a Notifier that a test waits on.
type signals struct{ readable, writable chan struct{} }

func newSignals() *signals {
	return &signals{make(chan struct{}, 1), make(chan struct{}, 1)}
}

func (s *signals) Readable() { poke(s.readable) }
func (s *signals) Writable() { poke(s.writable) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func wait(t *testing.T, c chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(30 * time.Second):
		t.Fatalf("no signal: %s", what)
	}
}

// tcpPair returns the two ends of a TCP connection.
func tcpPair(t *testing.T) (server, client *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dialled := make(chan net.Conn, 1)
	go func() {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Error(err)
		}
		dialled <- c
	}()
	s, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := <-dialled
	if err := c.(*net.TCPConn).SetReadBuffer(16 << 10); err != nil { // soon full
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return s.(*net.TCPConn), c.(*net.TCPConn)
}

// selfSigned returns a certificate for tests.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// duplex is what both ends of a test have: half-close included.
type duplex interface {
	net.Conn
	CloseWrite() error
}

// eachTransport runs test over a bare socket, over TLS over one, and over TLS with
// goroutines.
func eachTransport(t *testing.T, test func(t *testing.T, tr actors.Transport, client duplex)) {
	const sendBuffer = 16 << 10
	t.Run("socket", func(t *testing.T) {
		all, err := newTransports()
		if err != nil {
			t.Fatal(err)
		}
		server, client := tcpPair(t)
		tr, _, err := all.take(server, transportSettings{sendBuffer})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := tr.(*streamTransport); ok && runtime.GOOS == "linux" {
			t.Fatal("TCP became a pair of goroutines")
		}
		test(t, tr, client)
		tr.Close()
		if err := all.close(); err != nil {
			t.Error(err)
		}
	})
	for _, way := range []struct {
		name   string
		server func(net.Conn, *tls.Config) net.Conn
	}{
		{"tls", newTLS},
		{"tls with goroutines", func(conn net.Conn, config *tls.Config) net.Conn { return tls.Server(conn, config) }},
	} {
		t.Run(way.name, func(t *testing.T) {
			all, err := newTransports()
			if err != nil {
				t.Fatal(err)
			}
			server, client := tcpPair(t)
			secure := way.server(server, &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}).(*tls.Conn)
			end := tls.Client(client, &tls.Config{InsecureSkipVerify: true})
			shaken := make(chan error, 1)
			go func() { shaken <- end.Handshake() }()
			if err := errors.Join(secure.Handshake(), <-shaken); err != nil {
				t.Fatal(err)
			}
			tr, _, err := all.take(secure, transportSettings{sendBuffer})
			if err != nil {
				t.Fatal(err)
			}
			if _, goroutines := tr.(*streamTransport); !goroutines && way.name != "tls" || goroutines && way.name == "tls" && runtime.GOOS == "linux" {
				t.Fatalf("%s became a %T", way.name, tr)
			}
			test(t, tr, end)
			client.Close()
			tr.Close()
			if err := all.close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTransportReads(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr actors.Transport, client duplex) {
		s := newSignals()
		if err := tr.Attach(s); err != nil {
			t.Fatal(err)
		}
		sent := bytes.Repeat([]byte("a client's words "), 3000)
		go func() {
			if _, err := client.Write(sent); err != nil {
				t.Error(err)
			}
			if err := client.CloseWrite(); err != nil {
				t.Error(err)
			}
		}()
		var got []byte
		buf := make([]byte, 1000)
		for {
			n, err := tr.Read(buf)
			got = append(got, buf[:n]...)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				wait(t, s.readable, "more to read")
			}
		}
		if !bytes.Equal(got, sent) {
			t.Errorf("read %d bytes, want the %d that were sent", len(got), len(sent))
		}
	})
}

func TestTransportWritesAndSaysWhenItIsFull(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr actors.Transport, client duplex) {
		s := newSignals()
		if err := tr.Attach(s); err != nil {
			t.Fatal(err)
		}
		want := make([]byte, 1<<20) // more than the kernel takes
		if _, err := rand.Read(want); err != nil {
			t.Fatal(err)
		}
		full := make(chan struct{})
		got := make(chan []byte)
		go func() {
			<-full // read nothing before the transport was full once
			data, err := io.ReadAll(client)
			if err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Error(err)
			}
			got <- data
		}()
		for rest, once := want, false; len(rest) > 0; {
			n, err := tr.Write(rest)
			if err != nil {
				t.Fatal(err)
			}
			if rest = rest[n:]; n == 0 && !once {
				once = true
				close(full)
			}
			if n == 0 {
				wait(t, s.writable, "room to write")
			}
		}
		if err := tr.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.After(30 * time.Second); ; {
			select {
			case data := <-got:
				if !bytes.Equal(data, want) {
					t.Errorf("client read %d bytes, want the %d that were written", len(data), len(want))
				}
				return
			case <-s.readable: // as a Connection does until its client answers
				if _, err := tr.Read(make([]byte, 10)); err != nil && !errors.Is(err, io.EOF) {
					t.Error(err)
				}
			case <-deadline:
				t.Fatal("the client is still reading")
			}
		}
	})
}

func TestTransportCloseSendsWhatWasTaken(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr actors.Transport, client duplex) {
		if err := tr.Attach(newSignals()); err != nil {
			t.Fatal(err)
		}
		if n, err := tr.Write([]byte("good-bye")); n != 8 || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
		if err := tr.Close(); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 8)
		if _, err := io.ReadFull(client, got); err != nil || string(got) != "good-bye" {
			t.Errorf("client read %q, %v", got, err)
		}
	})
}

func TestTransportTellsOfAClientThatIsGone(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr actors.Transport, client duplex) {
		s := newSignals()
		if err := tr.Attach(s); err != nil {
			t.Fatal(err)
		}
		if c, ok := client.(*tls.Conn); ok {
			c.NetConn().Close()
		}
		client.Close()
		for {
			if _, err := tr.Read(make([]byte, 10)); err != nil {
				return
			}
			wait(t, s.readable, "the end")
		}
	})
}

// hijacked is like fasthttp's: a connection with bytes that were read too far.
type hijacked struct {
	net.Conn
	in *bufio.Reader
}

func (h *hijacked) Read(p []byte) (int, error) { return h.in.Read(p) }
func (h *hijacked) UnsafeConn() net.Conn       { return h.Conn }

func TestTakeHandsOverWhatCameBehindTheHandshake(t *testing.T) {
	all, err := newTransports()
	if err != nil {
		t.Fatal(err)
	}
	server, client := tcpPair(t)
	if _, err := client.Write([]byte("request, early")); err != nil {
		t.Fatal(err)
	}
	conn := &hijacked{server, bufio.NewReader(server)}
	if _, err := conn.in.Peek(len("request, early")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.in.Discard(len("request, ")); err != nil {
		t.Fatal(err)
	}
	tr, early, err := all.take(conn, transportSettings{16 << 10})
	if err != nil {
		t.Fatal(err)
	}
	if string(early) != "early" {
		t.Errorf("early bytes = %q", early)
	}
	if got := tr.RemoteAddr(); got != client.LocalAddr().String() {
		t.Errorf("RemoteAddr = %s, want %s", got, client.LocalAddr())
	}
	tr.Close()
	if err := all.close(); err != nil {
		t.Error(err)
	}
}

// A descriptor is used again as soon as it is closed. An event that was meant
// for its last user must not reach the next.
func TestPollerKnowsGenerations(t *testing.T) {
	all, err := newTransports()
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		server, client := tcpPair(t)
		tr, _, err := all.take(server, transportSettings{16 << 10})
		if err != nil {
			t.Fatal(err)
		}
		s := newSignals()
		if err := tr.Attach(s); err != nil {
			t.Fatal(err)
		}
		wait(t, s.writable, "a new socket is writable")
		select {
		case <-s.readable:
			t.Fatal("a new socket got its predecessor's news")
		default:
		}
		client.Close() // the news, on its way while the descriptor is closed
		if err := tr.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := all.close(); err != nil {
		t.Error(err)
	}
}
