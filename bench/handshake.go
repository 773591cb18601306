package bench

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"strconv"
	"strings"
)

// maxHead bounds a response head, in bytes.
const maxHead = 16 << 10

// websocketGUID is what a server mixes into the accept key, RFC 6455 §1.3.
const websocketGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// handshaker makes the requests that open streams and checks the answers.
type handshaker struct {
	host  string
	seed  uint64
	group func(i int32) string

	// What is asked for, with {events} in it where clients want different types,
	// and the subprotocol to offer, if any.
	path, ssePath, subprotocol string
}

func newHandshaker(cfg Config, host string, seed uint64) handshaker {
	query := make(url.Values)
	if cfg.Events != "" {
		query.Set("events", cfg.Events)
	}
	if cfg.Priority != "" {
		query.Set("priority", cfg.Priority)
	}
	h := handshaker{host: host, seed: seed, group: cfg.group, path: "/v1/ws/events", ssePath: "/v1/sse/events"}
	switch {
	case cfg.Peer != nil:
		h.path, h.ssePath, h.subprotocol = cfg.Peer.Path, cfg.Peer.SSEPath, cfg.Peer.Subprotocol
	case cfg.Groups > 0:
		h.path += "?events=" + eventsPlaceholder
		h.ssePath += "?events=" + eventsPlaceholder
	case len(query) > 0:
		h.path += "?" + query.Encode()
		h.ssePath += "?" + query.Encode()
	}
	return h
}

// appendRequest appends the request of connection i.
func (h handshaker) appendRequest(dst []byte, sse bool, i int) []byte {
	path := h.path
	if sse {
		path = h.ssePath
	}
	if group := h.group(int32(i)); group != "" {
		path = strings.ReplaceAll(path, eventsPlaceholder, group)
	}
	if sse {
		return fmt.Appendf(dst, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: adic-bench\r\n"+
			"Accept: text/event-stream\r\nCache-Control: no-cache\r\n\r\n", path, h.host)
	}
	dst = fmt.Appendf(dst, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: adic-bench\r\n"+
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n",
		path, h.host, h.key(i))
	if h.subprotocol != "" {
		dst = fmt.Appendf(dst, "Sec-WebSocket-Protocol: %s\r\n", h.subprotocol)
	}
	return append(dst, "\r\n"...)
}

// key is the nonce of connection i. It is computed instead of kept, half from a
// random seed and half from i, so that no two are the same.
func (h handshaker) key(i int) string {
	var nonce [16]byte
	binary.BigEndian.PutUint64(nonce[:8], h.seed)
	binary.BigEndian.PutUint64(nonce[8:], uint64(i))
	return base64.StdEncoding.EncodeToString(nonce[:])
}

// acceptWebSocket checks an answer with status 101 by RFC 6455 §4.1.
func (h handshaker) acceptWebSocket(head []byte, i int) error {
	sum := sha1.Sum([]byte(h.key(i) + websocketGUID))
	switch {
	case !strings.EqualFold(headerValue(head, "Upgrade"), "websocket"),
		!strings.Contains(strings.ToLower(headerValue(head, "Connection")), "upgrade"):
		return errors.New("handshake: status 101 without an upgrade to websocket")
	case headerValue(head, "Sec-WebSocket-Accept") != base64.StdEncoding.EncodeToString(sum[:]):
		return errors.New("handshake: wrong Sec-WebSocket-Accept")
	case headerValue(head, "Sec-WebSocket-Extensions") != "":
		return errors.New("handshake: an extension that was not asked for")
	}
	return nil
}

// acceptSSE checks an answer with status 200 and says whether its body is
// chunked.
func acceptSSE(head []byte) (chunked bool, err error) {
	contentType, _, err := mime.ParseMediaType(headerValue(head, "Content-Type"))
	if err != nil || contentType != "text/event-stream" {
		return false, fmt.Errorf("handshake: content type %q, want text/event-stream", headerValue(head, "Content-Type"))
	}
	switch coding := headerValue(head, "Transfer-Encoding"); strings.ToLower(coding) {
	case "", "identity":
		return false, nil
	case "chunked":
		return true, nil
	default:
		return false, fmt.Errorf("handshake: transfer coding %q", coding)
	}
}

// cutHead splits a response after its head. ok is false when the head is not
// complete.
func cutHead(b []byte) (head, body []byte, ok bool, err error) {
	i := bytes.Index(b, []byte("\r\n\r\n"))
	switch {
	case i >= 0:
		return b[:i+2], b[i+4:], true, nil
	case len(b) > maxHead:
		return nil, nil, false, fmt.Errorf("handshake: response head over %d bytes", maxHead)
	}
	return nil, nil, false, nil
}

// statusCode reads the status line of a response head (RFC 9112 §4).
func statusCode(head []byte) (int, error) {
	line, _, _ := strings.Cut(string(head), "\r\n")
	version, rest, _ := strings.Cut(line, " ")
	digits, _, _ := strings.Cut(rest, " ")
	code, err := strconv.Atoi(digits)
	if err != nil || len(digits) != 3 || !strings.HasPrefix(version, "HTTP/1.") {
		return 0, fmt.Errorf("handshake: no HTTP/1 answer: %q", brief([]byte(line)))
	}
	return code, nil
}

// headerValue returns the first field of that name in a response head.
func headerValue(head []byte, name string) string {
	for line := range strings.SplitSeq(string(head), "\r\n") {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.EqualFold(key, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
