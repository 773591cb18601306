package event

import "testing"

func TestDropped(t *testing.T) {
	var d Dropped
	if !d.IsZero() {
		t.Error("no loss is not zero")
	}
	d.Add(Dropped{Counts: [...]uint64{0, 1, 100}})
	d.Add(Dropped{Counts: [...]uint64{0, 2, 20}})
	if d.IsZero() {
		t.Error("a loss is zero")
	}
	if got, want := string(d.AppendMessage(nil)), `{"type":"Lagged","dropped":{"high":0,"medium":3,"low":120}}`; got != want {
		t.Errorf("message %s, want %s", got, want)
	}
	d.Add(Dropped{Unknown: [...]bool{false, true, false}})
	d.Add(Dropped{Counts: [...]uint64{7, 7, 7}})
	if got, want := string(d.AppendJSON([]byte("dropped="))), `dropped={"high":7,"medium":null,"low":127}`; got != want {
		t.Errorf("JSON %s, want %s", got, want)
	}
}

func TestUnknownLossIsALoss(t *testing.T) {
	d := Dropped{Unknown: [...]bool{true, true, true}}
	if d.IsZero() {
		t.Error("an unknown loss is zero")
	}
	if got, want := string(d.AppendJSON(nil)), `{"high":null,"medium":null,"low":null}`; got != want {
		t.Errorf("JSON %s, want %s", got, want)
	}
}
