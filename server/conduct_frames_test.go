package server

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// The first byte of a frame (RFC 6455 §5.2) is made of these.
const (
	fin  = 0x80
	rsv1 = 0x40
	rsv2 = 0x20
	rsv3 = 0x10

	continuation = 0x0
	text         = 0x1
	binaryData   = 0x2
	closing      = 0x8
	ping         = 0x9
	pong         = 0xA
)

// masked is a frame as a client has to send it.
func masked(first byte, payload string) string {
	key := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	b := append(header(first, len(payload)), key[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i%4])
	}
	return string(b)
}

// header is the head of a masked frame up to the key.
func header(first byte, length int) []byte {
	switch {
	case length < 126:
		return []byte{first, 0x80 | byte(length)}
	case length < 1<<16:
		return longHeader16(first, uint16(length))
	default:
		return longHeader64(first, uint64(length))
	}
}

// longHeader16 has the length in two bytes, whether it needs them or not.
func longHeader16(first byte, length uint16) []byte {
	return binary.BigEndian.AppendUint16([]byte{first, 0x80 | 126}, length)
}

// longHeader64 has the length in eight bytes, whether it needs them or not.
func longHeader64(first byte, length uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{first, 0x80 | 127}, length)
}

// closeBody is the payload of a close frame.
func closeBody(code uint16, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, code)) + reason
}

// A frame is what a server sends.
type frame struct {
	opcode     byte
	compressed bool
	payload    []byte
}

// receive reads one frame, and fails the test at one that a server must not send:
// masked, fragmented, with a reserved bit, or with a length that is longer than it
// needs to be.
func (c *rawClient) receive() frame {
	c.t.Helper()
	head := c.read(2)
	f := frame{opcode: head[0] & 0x0f, compressed: head[0]&rsv1 != 0}
	if head[0]&fin == 0 || head[0]&(rsv2|rsv3) != 0 || head[1]&0x80 != 0 {
		c.t.Fatalf("received a frame that begins with %#x", head)
	}
	length := uint64(head[1])
	switch length {
	case 126:
		if length = uint64(binary.BigEndian.Uint16(c.read(2))); length < 126 {
			c.t.Fatalf("a length of %d is in two bytes", length)
		}
	case 127:
		if length = binary.BigEndian.Uint64(c.read(8)); length < 1<<16 {
			c.t.Fatalf("a length of %d is in eight bytes", length)
		}
	}
	if f.opcode&0x8 != 0 && (length > 125 || f.compressed) {
		c.t.Fatalf("received a control frame of %d bytes that begins with %#x", length, head)
	}
	f.payload = c.read(int(length))
	return f
}

func (c *rawClient) read(n int) []byte {
	c.t.Helper()
	p := make([]byte, n)
	if _, err := io.ReadFull(c.in, p); err != nil {
		c.t.Fatalf("the connection ended where a frame should have come: %v", err)
	}
	return p
}

// String is a frame as the tables below have it: the type of a JSON message, and
// a control frame's name with its payload or code.
func (f frame) String() string {
	switch f.opcode {
	case text:
		var m struct{ Type string }
		if err := json.Unmarshal(f.payload, &m); err != nil || f.compressed {
			return fmt.Sprintf("text %q", f.payload)
		}
		return m.Type
	case ping:
		return strings.TrimSpace("ping " + string(f.payload))
	case pong:
		return strings.TrimSpace("pong " + string(f.payload))
	case closing:
		if len(f.payload) < 2 {
			return strings.TrimSpace(fmt.Sprintf("close %s", f.payload))
		}
		return fmt.Sprintf("close %d", binary.BigEndian.Uint16(f.payload))
	}
	return fmt.Sprintf("opcode %d %q", f.opcode, f.payload)
}

// expect expects frames, in their order.
func (c *rawClient) expect(want ...string) {
	c.t.Helper()
	for i, w := range want {
		if got := c.receive().String(); got != w {
			c.t.Fatalf("frame %d is %q, want %q of %q", i, got, w, want)
		}
	}
}

// handshake is the request that opens a WebSocket, with the example key of RFC
// 6455 §1.3.
func handshake(host, path string, headers ...string) string {
	head := []string{"GET " + path + " HTTP/1.1", "Host: " + host, "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}
	return strings.Join(append(head, headers...), "\r\n") + "\r\n\r\n"
}

const websocketPath = "/v1/ws/events"

// expectUpgrade expects the answer to a handshake, and Subscribed.
func (c *rawClient) expectUpgrade() *http.Response {
	c.t.Helper()
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatalf("cannot read the answer to the handshake: %v", err)
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		c.t.Fatalf("the handshake was answered with %s", res.Status)
	}
	c.expectSubscribed()
	return res
}

func (c *rawClient) expectSubscribed() {
	c.t.Helper()
	f := c.receive()
	if f.compressed {
		f.payload = c.inflate(f.payload)
	}
	if got, want := string(f.payload), `{"type":"Subscribed","events":["all"]}`; got != want {
		c.t.Fatalf("the first message is %q, want %q", got, want)
	}
}

// open opens a WebSocket.
func (f *front) open(t *testing.T, headers ...string) (*rawClient, *http.Response) {
	t.Helper()
	c := f.dial(t)
	c.send(handshake(f.addr, websocketPath, headers...))
	return c, c.expectUpgrade()
}

// leave closes a WebSocket as RFC 6455 §7 has it: nothing else may be on its way.
func (c *rawClient) leave() {
	c.t.Helper()
	c.send(masked(fin|closing, closeBody(1000, "")))
	c.expect("close 1000")
	c.expectEnd()
}

// deflate compresses a message as RFC 7692 §7.2.1 has it, without context.
func deflate(t *testing.T, message string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, message); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

// inflate is the reverse, strict: nothing may follow, and no context is kept.
func (c *rawClient) inflate(payload []byte) []byte {
	c.t.Helper()
	whole := bytes.NewReader(append(bytes.Clone(payload), "\x00\x00\xff\xff\x01\x00\x00\xff\xff"...))
	message, err := io.ReadAll(flate.NewReader(whole))
	if err != nil || whole.Len() > 0 {
		c.t.Fatalf("cannot decompress %x: %v, %d bytes are left", payload, err, whole.Len())
	}
	return message
}
