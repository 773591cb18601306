package actors

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/event"
)

// stuckLog is a log whose every line takes until it is released: what the
// supervisor says of a panic then hangs the actor that panicked.
type stuckLog struct {
	slog.Handler
	release chan struct{}
}

func (s stuckLog) Handle(context.Context, slog.Record) error {
	<-s.release
	return nil
}

// An actor that every event passes through and that hangs is found out; once it goes
// on, so is that.
func TestAlive(t *testing.T) {
	for name, hang := range map[string]func(*Router){
		"nothing":     func(*Router) {},
		"the emitter": func(r *Router) { r.system.Root.Send(r.emitter, &publish{batch: []*event.Event{nil}}) },
		"the queue":   func(r *Router) { r.sendQueue(&enqueue{batch: []*event.Event{nil}}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := stuckLog{slog.NewTextHandler(t.Output(), nil), make(chan struct{})}
				r, err := NewRouter(Options{Settings: testSettings(), Catalogue: catalogue(), Metrics: metrics.NewSet(), Log: slog.New(log)})
				if err != nil {
					t.Fatal(err)
				}
				hang(r)
				synctest.Wait()
				began := time.Now()
				err = r.Alive(3 * time.Second)
				if name == "nothing" {
					if err != nil || time.Since(began) != 0 {
						t.Errorf("Alive = %v after %v", err, time.Since(began))
					}
				} else if err == nil || !strings.Contains(err.Error(), "after 3s") || time.Since(began) != 3*time.Second {
					t.Errorf("Alive = %v after %v, want an error after 3s", err, time.Since(began))
				}
				close(log.release)
				if err := r.Alive(3 * time.Second); err != nil {
					t.Errorf("once it goes on, Alive = %v", err)
				}
				r.Close()
				time.Sleep(2 * time.Second) // protoactor counts dead letters by the second
			})
		})
	}
}
