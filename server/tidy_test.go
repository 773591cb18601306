package server

import (
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTidy(t *testing.T) {
	forced := func() uint32 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.NumForcedGC
	}
	for _, tt := range []struct {
		name  string
		comes []int64 // moves in each interval
		gives bool
	}{
		{"nobody", []int64{0, 0, 0}, false},
		{"a few", []int64{rush - 1, 0, 0}, false},
		{"a rush", []int64{rush, 0}, true},
		{"a rush that is not over", []int64{rush, rush, rush}, false},
		{"a rush of which a few come late", []int64{40 * rush, rush}, true},
		{"a trickle", []int64{100, 100, 100, 100, 100, 100, 100}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var moves atomic.Int64
				defer newTidy(moves.Load).close()
				synctest.Wait()
				before := forced()
				time.Sleep(tidyInterval / 2)
				for _, n := range tt.comes {
					moves.Add(n)
					time.Sleep(tidyInterval)
				}
				synctest.Wait()
				if gave := forced() != before; gave != tt.gives {
					t.Errorf("memory was given back: %v, want %v", gave, tt.gives)
				}
			})
		})
	}
}
