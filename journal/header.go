package journal

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/adic-network/router/event"
)

// header is the file that says whose segments count and how the last run ended:
//
//	adic journal 1
//	epoch 3f9c02aa71be
//	boot 1b4e28ba-2fa1-11d2-883f-0016d3cca427
//	synced later
//	state open
//	positions 0 0 0
//	crc32c 6e3f91b0
//
// It is written at the start and at the end of a run, never in between.
type header struct {
	epoch event.Epoch
	boot  string // identifies the life of the machine; empty if not known
	// ahead says that nothing was shown to anyone before it was synced.
	ahead  bool
	closed bool // at pos
	pos    [event.NumPriorities]uint64
}

const (
	headerFile   = "journal"
	headerMagic  = "adic journal "
	headerFormat = 1
)

// errNewer is the reason of a header that a newer version wrote.
var errNewer = errors.New("a newer version of adic wrote it")

func (h header) text() []byte {
	synced, state := "later", "open"
	if h.ahead {
		synced = "ahead"
	}
	if h.closed {
		state = "closed"
	}
	boot := h.boot
	if boot == "" {
		boot = "unknown"
	}
	b := fmt.Appendf(nil, "%s%d\nepoch %012x\nboot %s\nsynced %s\nstate %s\npositions %d %d %d\n",
		headerMagic, headerFormat, uint64(h.epoch), boot, synced, state, h.pos[0], h.pos[1], h.pos[2])
	return fmt.Appendf(b, "crc32c %08x\n", crc32.Checksum(b, castagnoli))
}

func parseHeader(text []byte) (h header, err error) {
	var format int
	first, _, _ := bytes.Cut(text, []byte("\n"))
	if _, err := fmt.Sscanf(string(first), headerMagic+"%d", &format); err != nil {
		return h, errDamaged
	}
	if format > headerFormat {
		return h, fmt.Errorf("%w: its format is %d, and this one knows %d", errNewer, format, headerFormat)
	}
	var synced, state string
	var epoch uint64
	_, err = fmt.Sscanf(string(text), headerMagic+"%d\nepoch %x\nboot %s\nsynced %s\nstate %s\npositions %d %d %d\n",
		&format, &epoch, &h.boot, &synced, &state, &h.pos[0], &h.pos[1], &h.pos[2])
	if err != nil {
		return header{}, errDamaged
	}
	h.epoch, h.ahead, h.closed = event.Epoch(epoch), synced == "ahead", state == "closed"
	if h.boot == "unknown" {
		h.boot = ""
	}
	// Whatever differs from what is written for h is damage.
	if !bytes.Equal(h.text(), text) {
		return header{}, errDamaged
	}
	return h, nil
}

// readHeader returns the header in dir; there is none in a new directory.
func readHeader(dir string) (h header, found bool, err error) {
	text, err := os.ReadFile(filepath.Join(dir, headerFile))
	if errors.Is(err, fs.ErrNotExist) {
		return h, false, nil
	}
	if err == nil {
		h, err = parseHeader(text)
	}
	return h, true, err
}

// write replaces the header in dir at once, and syncs it.
func (h header) write(dir string) error {
	path := filepath.Join(dir, headerFile)
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(h.text())
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	return err
}

// syncDir makes the names in dir outlive a power failure.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
