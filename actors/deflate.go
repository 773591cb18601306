package actors

import (
	"bytes"
	"compress/flate"
	"io"
)

// deflateTail ends a message for the decompressor: what RFC 7692 §7.2.1 has the
// sender cut off, and an empty final block.
var deflateTail = []byte{0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff}

// inflate decompresses a message, without context from earlier ones, as was
// negotiated. A message that is over limit when decompressed is refused before it
// is decompressed any further.
func inflate(data []byte, limit int) ([]byte, error) {
	r := flate.NewReader(io.MultiReader(bytes.NewReader(data), bytes.NewReader(deflateTail)))
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, &closeError{CloseInvalidText, "message does not decompress"}
	}
	if len(text) > limit {
		return nil, tooBig(limit)
	}
	return text, nil
}
