package demo

import (
	"strings"
	"testing"
	"time"

	"github.com/adic-network/router/event"
)

// firstOf plays a network with another catalogue, and returns its events after
// checking that they are valid.
func firstOf(t *testing.T, catalogue *event.Catalogue, count int) []happening {
	t.Helper()
	parser := event.Parser{Catalogue: catalogue, MaxEventSize: 128 << 10, Now: time.Now}
	n := newNetwork(21, catalogue)
	events := make([]happening, count)
	for i := range events {
		text := n.next(someTime)
		if _, err := parser.ParseEvent(text); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		events[i] = parse(t, text)
	}
	return events
}

func parseCatalogue(t *testing.T, text string) *event.Catalogue {
	t.Helper()
	catalogue, err := event.ParseCatalogue([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return catalogue
}

func TestLackingTypesAreLeftOut(t *testing.T) {
	catalogue := parseCatalogue(t, `{"events": [
		{"name": "MessageAdded", "alias": "message.new", "priority": "high", "fields": [{"name": "message_id", "type": "string"}, {"name": "timestamp", "type": "timestamp"}]},
		{"name": "EconomicsUpdated", "alias": "economics.update", "priority": "low", "fields": [{"name": "total_supply", "type": "string"}, {"name": "timestamp", "type": "timestamp"}]}]}`)
	seen := map[string]int{}
	for _, e := range firstOf(t, catalogue, 1000) {
		seen[e.name()]++
		if len(e) != 3 {
			t.Fatalf("has fields that the catalogue lacks: %v", e)
		}
	}
	if len(seen) != 2 || seen["MessageAdded"] < 10*seen["EconomicsUpdated"] {
		t.Errorf("saw %v, want both types at their natural rates and no other", seen)
	}
}

func TestUnknownTypesGetGenericValues(t *testing.T) {
	catalogue := parseCatalogue(t, `{
		"axis": [{"name": "label", "type": "string"}, {"name": "weight", "type": "float"}],
		"events": [
			{"name": "TrainArrived", "alias": "train.arrived", "priority": "high", "fields": [
				{"name": "train", "type": "string"}, {"name": "delay", "type": "uint"}, {"name": "speed", "type": "float"},
				{"name": "full", "type": "bool"}, {"name": "stops", "type": "[]string"}, {"name": "platform", "type": "uint?"},
				{"name": "kind", "type": "enum:local|express"}, {"name": "cars", "type": "[]axis"}, {"name": "timestamp", "type": "timestamp"}]},
			{"name": "TrainCancelled", "alias": "train.cancelled", "priority": "low", "fields": [{"name": "timestamp", "type": "timestamp"}]}]}`)
	seen, kinds := map[string]int{}, map[string]bool{}
	for _, e := range firstOf(t, catalogue, 1000) {
		seen[e.name()]++
		if e.name() == "TrainArrived" {
			kinds[e.text("kind")] = true
			if !strings.HasPrefix(e.text("train"), "train-") {
				t.Fatalf("a train without a number: %v", e)
			}
		}
	}
	if seen["TrainCancelled"] == 0 || seen["TrainArrived"] < 5*seen["TrainCancelled"] {
		t.Errorf("saw %v, want both, and the important one more often", seen)
	}
	if len(kinds) != 2 {
		t.Errorf("saw kinds %v, want both", kinds)
	}
}

// A known type may have other fields in another catalogue, of other kinds.
func TestChangedFieldsFollowTheCatalogue(t *testing.T) {
	catalogue := parseCatalogue(t, `{"events": [
		{"name": "MessageAdded", "alias": "message.new", "priority": "high", "fields": [
			{"name": "message_id", "type": "uint"}, {"name": "depth", "type": "float"}, {"name": "author", "type": "string"}, {"name": "timestamp", "type": "timestamp"}]},
		{"name": "MessageFinalized", "alias": "finality.update", "priority": "high", "fields": [
			{"name": "message_id", "type": "[]string"}, {"name": "finality_type", "type": "enum:checkpoint"}, {"name": "timestamp", "type": "timestamp"}]},
		{"name": "TipsUpdated", "alias": "tips.update", "priority": "high", "fields": [
			{"name": "tips", "type": "string"}, {"name": "count", "type": "bool"}, {"name": "timestamp", "type": "timestamp"}]},
		{"name": "TransferRecorded", "alias": "transfer.recorded", "priority": "high", "fields": [
			{"name": "amount", "type": "float"}, {"name": "tx_hash", "type": "string"}, {"name": "timestamp", "type": "timestamp"}]}]}`)
	seen := map[string]bool{}
	for _, e := range firstOf(t, catalogue, 2000) {
		seen[e.name()] = true
		if e.name() == "MessageFinalized" && e.text("finality_type") != "checkpoint" {
			t.Fatalf("a finality that the catalogue does not know: %v", e)
		}
	}
	if len(seen) != catalogue.Len() {
		t.Errorf("saw %v, want all %d", seen, catalogue.Len())
	}
}
