package server

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain fails the run when a test leaves a goroutine or a descriptor behind.
func TestMain(m *testing.M) {
	before := descriptors()
	goleak.VerifyTestMain(settling{m}, append(libraries,
		goleak.Cleanup(func(status int) {
			// Go's own poller opens its descriptors with the first socket.
			const runtimeOwn = 4
			deadline := time.Now().Add(10 * time.Second)
			for status == 0 && descriptors() > before+runtimeOwn {
				if time.Now().After(deadline) {
					fmt.Fprintf(os.Stderr, "%d descriptors are open, %d were before the tests\n", descriptors(), before)
					status = 1
				}
				time.Sleep(10 * time.Millisecond)
			}
			os.Exit(status)
		}))...)
}

// libraries are goroutines that are not ours to end: one of fasthttp's keeps the
// date for the whole process, the other looks every ten seconds whether its server
// has been shut down.
var libraries = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
	goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
}

// settling waits after the tests for what ends by itself: protoactor counts dead
// letters by the second, on a goroutine.
type settling struct{ *testing.M }

func (m settling) Run() int {
	status := m.M.Run()
	for deadline := time.Now().Add(5 * time.Second); goleak.Find(libraries...) != nil && time.Now().Before(deadline); {
	}
	return status
}

// descriptors returns how many descriptors the process has open.
func descriptors() int {
	names, err := os.ReadDir("/dev/fd")
	if err != nil {
		panic(err)
	}
	return len(names)
}
