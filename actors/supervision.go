package actors

import (
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// supervisor decides what becomes of an actor that panicked. It implements
// actor.SupervisorStrategy.
type supervisor struct {
	name  string // under which it is counted
	hub   *Router
	after func(by actor.Supervisor, child *actor.PID)
}

// restarting keeps the Emitter and the PriorityQueue going: their state is not
// in the actor that failed, and a message is never handled a third time, so a
// restart cannot repeat itself for ever.
func restarting(hub *Router, name string) *supervisor {
	return &supervisor{name, hub, func(by actor.Supervisor, child *actor.PID) { by.RestartChildren(child) }}
}

// stopping ends a connection that failed; it tells its client on its way out.
func stopping(hub *Router, name string) *supervisor {
	return &supervisor{name, hub, func(by actor.Supervisor, child *actor.PID) { by.StopChildren(child) }}
}

// HandleFailure implements actor.SupervisorStrategy. It runs on the stack of the
// panic.
func (s *supervisor) HandleFailure(_ *actor.ActorSystem, by actor.Supervisor, child *actor.PID,
	_ *actor.RestartStatistics, reason any, _ any) {
	s.hub.metrics.restarts[s.name].Inc()
	if s.name != "connection" {
		s.hub.metrics.lastRestart.Store(time.Now().UnixNano())
	}
	s.hub.log.Error("event error: actor failed", "actor", child.GetId(), "reason", reason, "stack", string(debug.Stack()))
	s.after(by, child)
}

// newSystem starts protoactor's part, with its log messages in ours at debug
// level and its dead letters counted.
func newSystem(hub *Router) *actor.ActorSystem {
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(quieter{hub.log.Handler()})
	}))
	system.EventStream.Subscribe(func(e any) {
		if _, ok := e.(*actor.DeadLetterEvent); ok {
			hub.metrics.dead.Inc()
		}
	})
	return system
}
