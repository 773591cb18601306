package event_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/adic-network/router/event"
)

func ExampleParser_ParseBatch() {
	p := event.Parser{Catalogue: event.Default(), MaxEventSize: 128 << 10}
	events, err := p.ParseBatch([]byte(`
		{"type": "message.new", "message_id": "ab12", "depth": 42, "timestamp": 1705314600}
		{"type": "NodeStopped", "data": {"node_id": "n1", "reason": "upgrade", "timestamp": 1705314601.5}}
	`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range events {
		fmt.Println(e.Priority, e.Alias())
		fmt.Printf("%s\n%s\n", e.JSON(event.Flat), e.JSON(event.Tagged))
	}
	// Output:
	// high message.new
	// {"type":"MessageAdded","message_id":"ab12","depth":42,"timestamp":"2024-01-15T10:30:00Z"}
	// {"type":"MessageAdded","data":{"message_id":"ab12","depth":42,"timestamp":1705314600}}
	// low node.stopped
	// {"type":"NodeStopped","node_id":"n1","reason":"upgrade","timestamp":"2024-01-15T10:30:01.5Z"}
	// {"type":"NodeStopped","data":{"node_id":"n1","reason":"upgrade","timestamp":1705314601}}
}

func ExampleBatchError() {
	p := event.Parser{Catalogue: event.Default()}
	_, err := p.ParseBatch([]byte(`[
		{"type": "NodeStarted", "node_id": "n1", "version": "2"},
		{"type": "NodeStarted", "node_id": "n1", "version": 2}
	]`))
	fmt.Println(err)
	var bad *event.BatchError
	if errors.As(err, &bad) {
		fmt.Println("index:", bad.Index)
	}
	// Output:
	// event 1: field "version": expected a string, got 2
	// index: 1
}

func ExampleEvent_Frame() {
	p := event.Parser{
		Catalogue: event.Default(),
		Now:       func() time.Time { return time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC) },
	}
	e, err := p.ParseEvent([]byte(`{"type":"MessageAdded","message_id":"ab12","depth":42}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	e.Place(event.Cursor{Epoch: 0x3f9c02aa71be, Pos: [event.NumPriorities]uint64{31, 0, 44}}, 75)
	fmt.Printf("%s", e.Frame(event.SSEFlat))

	// A client that has not yet received the last of the low events.
	at := e.Stamp
	at.Pos[event.Low]--
	fmt.Printf("%s", e.AppendFrame(nil, event.SSETagged, at))
	// Output:
	// id: 3f9c02aa71be-1f-0-2c
	// event: MessageAdded
	// data: {"type":"MessageAdded","message_id":"ab12","depth":42,"timestamp":"2024-01-15T10:30:00Z"}
	//
	// id: 3f9c02aa71be-1f-0-2b
	// event: message.new
	// data: {"type":"MessageAdded","data":{"message_id":"ab12","depth":42,"timestamp":1705314600}}
}

func ExampleCatalogue_ParseTypesParam() {
	c := event.Default()
	set, _, err := c.ParseTypesParam("vrf.*, TipsUpdated")
	fmt.Println(c.Names(set), err)
	_, _, err = c.ParseTypesParam("tipsUpdated,finality.updates")
	fmt.Println(err)
	// Output:
	// [TipsUpdated VRFCommitSubmitted VRFRevealOpened VRFRandomnessFinalized] <nil>
	// unknown event type "tipsUpdated" (did you mean "TipsUpdated"?), "finality.updates" (did you mean "finality.update"?); GET /v1/events/types lists the types
}

func ExampleParseCatalogue() {
	c, err := event.ParseCatalogue([]byte(`{
		"events": [
			{"name": "BlockMined", "alias": "block.mined", "priority": "high", "fields": [
				{"name": "height", "type": "uint"},
				{"name": "timestamp", "type": "timestamp"}
			]}
		]
	}`))
	fmt.Println(c.Names(c.All()), err)
	_, err = event.ParseCatalogue([]byte(`{
		"events": [
			{"name": "BlockMined", "alias": "block.mined", "priority": "high", "fields": [
				{"name": "height", "type": "unit"}
			]}
		]
	}`))
	fmt.Println(err)
	// Output:
	// [BlockMined] <nil>
	// event 0 ("BlockMined"): field 0 ("height"): unknown type "unit" (did you mean "uint"?)
}

func ExampleDropped() {
	d := event.Dropped{Counts: [event.NumPriorities]uint64{0, 3, 120}}
	fmt.Printf("%s\n", d.AppendMessage(nil))
	// Output: {"type":"Lagged","dropped":{"high":0,"medium":3,"low":120}}
}

func ExampleParseCursor() {
	c, err := event.ParseCursor("3f9c02aa71be-1f-0-2c")
	fmt.Println(c.Pos, err)
	_, err = event.ParseCursor("3F9C02AA71BE-1F-0-2C")
	fmt.Println(err)
	// Output:
	// [31 0 44] <nil>
	// malformed cursor "3F9C02AA71BE-1F-0-2C"; expected the id of an earlier event as the router sent it
}
