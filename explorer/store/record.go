package store

import (
	"encoding/json"
	"time"

	"github.com/adic-network/router/event"
)

// An Event is one event as it is stored.
type Event struct {
	// Seq is its place in this index, from 1, ascending in the order in which events
	// came.
	Seq int64 `json:"seq"`
	// ID is the cursor of the node behind it; empty if the node gives none.
	ID       string `json:"id"`
	Type     string `json:"type"`     // canonical name
	Priority string `json:"priority"` // high, medium or low
	// Time is its timestamp, and Received when it came. A time from the future is
	// kept as it is.
	Time     time.Time `json:"time"`
	Received time.Time `json:"received"`
	// Event is the event itself, in the flat form, as the node sent it.
	Event json.RawMessage `json:"event"`
}

// A Moment is an event on the timeline of an identifier.
type Moment struct {
	Event
	// Field is the field of the event that holds the identifier, and Kind what that is
	// the identifier of.
	Field string `json:"field"`
	Kind  string `json:"kind"`
}

// An Identifier is something that events tell of.
type Identifier struct {
	ID     string    `json:"id"`
	Kind   string    `json:"kind"` // one of Kinds
	Events int64     `json:"events"`
	First  time.Time `json:"first"` // time of the first event that is stored
	Last   time.Time `json:"last"`
}

// Message is what is known of a message of the network.
type Message struct {
	ID  string `json:"id"`
	Seq int64  `json:"seq"` // of the first event about it
	// State is pending (only a deposit is known), added, finalized or rejected.
	State string `json:"state"`
	// Depth is a number of up to 20 digits.
	Depth         *json.Number `json:"depth,omitempty"`
	Added         *time.Time   `json:"added,omitempty"`
	Settled       *time.Time   `json:"settled,omitempty"` // finalised or rejected
	FinalityType  string       `json:"finality_type,omitempty"`
	RejectionType string       `json:"rejection_type,omitempty"`
	Reason        string       `json:"reason,omitempty"`
	Deposit       *Deposit     `json:"deposit,omitempty"`
	Tip           bool         `json:"tip"` // it is one now
	Updated       time.Time    `json:"updated"`
}

// Deposit is what is at stake for a message.
type Deposit struct {
	State     string    `json:"state"`  // escrowed, released or slashed
	Amount    string    `json:"amount"` // a decimal number, as the node writes it
	Validator string    `json:"validator"`
	Reason    string    `json:"reason,omitempty"` // of the slashing
	Updated   time.Time `json:"updated"`
}

// Tips are the messages that nothing has approved yet.
type Tips struct {
	Count   int64     `json:"count"` // as the node counts them
	Updated time.Time `json:"updated"`
	Tips    []Tip     `json:"tips"`
}

// Tip is one of them.
type Tip struct {
	MessageID string    `json:"message_id"`
	Since     time.Time `json:"since"` // it has been one, in a row
}

// Address is an account.
type Address struct {
	Address string `json:"address"`
	// Balance is a decimal number as the node writes it; empty while no event told it.
	Balance    string     `json:"balance,omitempty"`
	Changes    int64      `json:"changes"` // of the balance
	LastAmount string     `json:"last_amount,omitempty"`
	LastChange string     `json:"last_change,omitempty"` // credit, debit, transfer_in, transfer_out
	Sent       int64      `json:"sent"`                  // transfers
	Received   int64      `json:"received"`
	Updated    *time.Time `json:"updated,omitempty"`
	// Validator is its standing, if it is one.
	Validator *Validator `json:"validator,omitempty"`
}

// Validator is the standing of one that validates messages.
type Validator struct {
	Address    string     `json:"address"`
	Reputation *float64   `json:"reputation,omitempty"`
	Changes    int64      `json:"changes"` // of the reputation
	Reason     string     `json:"reason,omitempty"`
	Escrowed   int64      `json:"escrowed"` // deposits
	Released   int64      `json:"released"`
	Slashed    int64      `json:"slashed"`
	Updated    *time.Time `json:"updated,omitempty"`
}

// Proposal is what is known of a proposal and its votes.
type Proposal struct {
	ID         string       `json:"id"`
	Seq        int64        `json:"seq"` // of the first event about it
	Proposer   string       `json:"proposer,omitempty"`
	Class      string       `json:"class,omitempty"`
	Parameters []string     `json:"parameters,omitempty"`
	EnactEpoch *json.Number `json:"enact_epoch,omitempty"`
	Status     string       `json:"status"` // as the node names it; submitted before it does
	Votes      []Ballot     `json:"votes,omitempty"`
	Tally      *Tally       `json:"tally,omitempty"`
	Result     string       `json:"result,omitempty"` // of the receipt
	Changed    []string     `json:"changed,omitempty"`
	Submitted  *time.Time   `json:"submitted,omitempty"`
	Updated    time.Time    `json:"updated"`
}

// Ballot is how many voted one way.
type Ballot struct {
	Ballot  string  `json:"ballot"`
	Votes   int64   `json:"votes"`
	Credits float64 `json:"credits"`
}

// Tally is the count at the end of a vote.
type Tally struct {
	Yes           float64   `json:"yes"`
	No            float64   `json:"no"`
	Abstain       float64   `json:"abstain"`
	Eligible      float64   `json:"eligible"`
	Participation float64   `json:"participation"`
	QuorumMet     bool      `json:"quorum_met"`
	ThresholdMet  bool      `json:"threshold_met"`
	Time          time.Time `json:"time"`
}

// Point is a metric over one step of time.
type Point struct {
	Time time.Time `json:"time"` // the step begins
	// Count is how many values there were; Sum, Min and Max are of them, and Last is
	// the newest. A metric that counts events has Count only, with Sum the same.
	Count int64   `json:"count"`
	Sum   float64 `json:"sum"`
	Min   float64 `json:"min"`
	Max   float64 `json:"max"`
	Last  float64 `json:"last"`
}

// Stats are totals.
type Stats struct {
	// Events is how many were indexed, also those that retention has removed since.
	Events     int64            `json:"events"`
	ByType     map[string]int64 `json:"by_type"`
	ByPriority map[string]int64 `json:"by_priority"`
	Stored     int64            `json:"stored"`   // events that are there now
	Messages   map[string]int64 `json:"messages"` // by state
	Addresses  int64            `json:"addresses"`
	Validators int64            `json:"validators"`
	Proposals  int64            `json:"proposals"`
	Tips       int64            `json:"tips"`
	// Gaps is how often the node reported a loss, Lost the events in them that could
	// be counted.
	Gaps   int64              `json:"gaps"`
	Lost   map[string]int64   `json:"lost"`
	Oldest *time.Time         `json:"oldest,omitempty"` // stored event
	Newest *time.Time         `json:"newest,omitempty"`
	Last   map[string]float64 `json:"last"` // newest value of each metric
}

// Hit is something that a search found.
type Hit struct {
	Identifier
	// Exact is whether it is the text itself and not only begins with it.
	Exact bool `json:"exact"`
}

// Entry is an event to be stored, or a loss.
type Entry struct {
	// ID is the cursor of the node behind the event; empty if it gives none.
	ID string
	// Class and Position are its place in the stream of Position.Epoch: within a class
	// positions ascend. What is not behind the stored position was stored before.
	Class    event.Priority
	Position uint64
	Type     string // canonical name
	Time     time.Time
	Received time.Time
	Data     json.RawMessage // in the flat form; the store only reads it
	// Lost, if not nil, makes it a loss before the next event, and no event.
	Lost *event.Dropped
}

// Position is how far the index has come.
type Position struct {
	// Cursor is where to go on in the node's stream; empty if it gives no cursors.
	Cursor string
	// At is the same as numbers, or those of the index's own numbering; zero before
	// the first event.
	At event.Cursor
	// Own is whether the numbering is the index's own, as the node gives no cursors.
	Own bool
}
