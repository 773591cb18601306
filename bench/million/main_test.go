package main

import "testing"

// The measurement runs as it does for a million, on few.
func TestRun(t *testing.T) {
	if err := run("10,100", 3, t.TempDir()+"/growth.svg"); err != nil {
		t.Fatal(err)
	}
	if err := run("ten", 3, ""); err == nil {
		t.Error("a number of connections that is none was taken")
	}
}
