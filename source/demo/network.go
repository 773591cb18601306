package demo

import (
	"encoding/hex"
	"math"
	"math/rand/v2"
	"time"

	"github.com/adic-network/router/event"
)

// A network is the made-up network: its members, their state, and what they
// are going to do. It is not for concurrent use.
type network struct {
	catalogue *event.Catalogue
	rand      *rand.Rand
	agenda    agenda
	beat      float64   // the present, in beats
	clock     time.Time // the present, by the clock
	told      []record  // what has happened and was not fetched yet
	generic   map[string]uint64

	cast
	ledger
	dag
	gauges
	epochs
	disputes
	council
	market
	peers
}

// A record is an event on its way out.
type record struct {
	typ    event.TypeID
	values []any // names and values in turn; see tell
}

// cast are the addresses that appear in the stories, the same throughout.
type cast struct {
	validators []*validator
	users      []string
	treasury   string
}

type validator struct {
	address    string
	reputation float64
}

func newNetwork(seed uint64, catalogue *event.Catalogue) *network {
	n := &network{
		catalogue: catalogue,
		rand:      rand.New(rand.NewPCG(seed, 0)),
		generic:   map[string]uint64{},
	}
	for range 12 {
		n.validators = append(n.validators, &validator{n.address(), round(1+3*n.rand.Float64(), 4)})
		n.users = append(n.users, n.address())
	}
	n.treasury = n.address()

	// The order matters: the first two tell of the start, and what is put down
	// first for a beat happens first.
	n.startPeers()
	n.startLedger()
	n.startMessages()
	n.startGauges()
	n.startEpochs()
	n.startDisputes()
	n.startCouncil()
	n.startMarket()
	n.startUnknownTypes()
	return n
}

// next returns the next event, in the flat form, with the time of now.
func (n *network) next(now time.Time) []byte {
	n.clock = now
	for len(n.told) == 0 {
		s := n.agenda.take()
		n.beat = s.at
		s.do()
	}
	r := n.told[0]
	n.told = n.told[1:]
	return n.encode(r)
}

// tell makes an event of the type with this name, whose fields have the names
// and values given in turn: strings, ints, uint64s, float64s, bools, amounts,
// slices of strings and of axes, and nil for an optional field left empty. The
// timestamp adds itself. A catalogue without such a type never hears of it.
func (n *network) tell(name string, values ...any) {
	if id, ok := n.catalogue.Lookup(name); ok {
		n.told = append(n.told, record{id, values})
	}
}

// after does something in so many beats.
func (n *network) after(beats float64, do func()) { n.agenda.add(n.beat+beats, do) }

// every does something after first beats and from then on at intervals that
// are mean on average.
func (n *network) every(first, mean float64, do func()) {
	n.after(first, func() {
		do()
		n.every(n.about(mean), mean, do)
	})
}

// about returns a number between half and one and a half times mean.
func (n *network) about(mean float64) float64 { return mean * (0.5 + n.rand.Float64()) }

// between returns a number from low to high, both included.
func (n *network) between(low, high int) int { return low + n.rand.IntN(high-low+1) }

// chance is true with probability p.
func (n *network) chance(p float64) bool { return n.rand.Float64() < p }

// drift moves x by at most step, and keeps it from low to high.
func (n *network) drift(x, step, low, high float64) float64 {
	return round(min(max(x+step*(2*n.rand.Float64()-1), low), high), 4)
}

func (n *network) validator() *validator { return pick(n, n.validators) }
func (n *network) user() string          { return pick(n, n.users) }

// hash returns a 256-bit hash in hexadecimal, as the ids of messages are.
func (n *network) hash() string { return n.hex(32) }

// id returns an id of a kind.
func (n *network) id(kind string) string { return kind + "-" + n.hex(6) }

func (n *network) hex(size int) string {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(n.rand.Uint32())
	}
	return hex.EncodeToString(b)
}

// address returns an address that looks like bech32.
func (n *network) address() string {
	return "adic1" + n.letters(38, "qpzry9x8gf2tvdw0s3jn54khce6mua7l")
}

// cid returns an id of content that looks like IPFS's.
func (n *network) cid() string {
	return "bafybei" + n.letters(52, "abcdefghijklmnopqrstuvwxyz234567")
}

func (n *network) letters(count int, alphabet string) string {
	b := make([]byte, count)
	for i := range b {
		b[i] = alphabet[n.rand.IntN(len(alphabet))]
	}
	return string(b)
}

// pick returns one of list, any.
func pick[T any](n *network, list []T) T { return list[n.rand.IntN(len(list))] }

// sample returns count of list, in any order, none twice; all of them if there
// are no more.
func sample[T any](n *network, list []T, count int) []T {
	count = min(count, len(list))
	chosen := make([]T, 0, count)
	for _, i := range n.rand.Perm(len(list))[:count] {
		chosen = append(chosen, list[i])
	}
	return chosen
}

// A deck gives what happens by turns: every card once, then all of them
// shuffled, and again. Unlike dice it cannot leave out a rare turn for long,
// and the first round goes by the order written down, so that whatever the
// seed every kind of story is told early.
type deck[T any] struct {
	cards []T
	next  int
}

func newDeck[T any](cards ...T) *deck[T] { return &deck[T]{cards: cards} }

func draw[T any](n *network, d *deck[T]) T {
	if d.next == len(d.cards) {
		d.next = 0
		n.rand.Shuffle(len(d.cards), func(i, j int) { d.cards[i], d.cards[j] = d.cards[j], d.cards[i] })
	}
	d.next++
	return d.cards[d.next-1]
}

// round rounds x to so many decimals.
func round(x float64, decimals int) float64 {
	scale := math.Pow10(decimals)
	return math.Round(x*scale) / scale
}
