package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/adic-network/router/event"
)

// duplicates is how long JetStream knows a message id: longer than an idempotency
// key is known, so that a batch that comes again is completed and not repeated.
const duplicates = keyLifetime + time.Minute

// surveyTimeout bounds all requests of a survey.
const surveyTimeout = 5 * time.Second

// streamConfig is how a stream is made.
func (c *Cluster) streamConfig(p event.Priority) jetstream.StreamConfig {
	o := &c.o.Config
	s := jetstream.StreamConfig{
		Name:        c.streams[p],
		Description: "events of " + p.String() + " priority of adic routers; sequences are positions of cursors",
		Subjects:    []string{c.subjects[p]},
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardOld,
		Storage:     jetstream.FileStorage,
		Replicas:    o.Replicas,
		MaxAge:      o.MaxAge,
		MaxBytes:    int64(o.MaxBytes),
		Duplicates:  duplicates,
	}
	if s.MaxBytes == 0 {
		s.MaxBytes = -1
	}
	if s.MaxAge > 0 {
		s.Duplicates = min(s.Duplicates, s.MaxAge) // JetStream insists
	}
	return s
}

// errForeign says that a name that the router wants is in use for something else.
var errForeign = errors.New("the stream is not an adic router's")

// streams are the streams of the classes, with what they were at a moment.
type streams [event.NumPriorities]jetstream.Stream

// survey finds out what the streams are at this moment. It makes those that are
// missing, and notes how others differ from the configuration, which it leaves as
// they are.
func (c *Cluster) survey(ctx context.Context) (found streams, err error) {
	// A server that has just started does not answer before it knows its cluster.
	ctx, cancel := context.WithTimeout(ctx, surveyTimeout)
	defer cancel()
	var differs []string
	for _, p := range event.Priorities() {
		if found[p], err = c.stream(ctx, p); err != nil {
			return found, fmt.Errorf("stream %s: %w", c.streams[p], err)
		}
		info := found[p].CachedInfo()
		want := c.streamConfig(p)
		if !slices.Equal(info.Config.Subjects, want.Subjects) {
			return found, fmt.Errorf("%w: stream %s is for the subjects %q, not for %s; choose another cluster.stream_prefix",
				errForeign, c.streams[p], info.Config.Subjects, c.subjects[p])
		}
		for _, d := range differences(&info.Config, &want) {
			differs = append(differs, "the stream "+c.streams[p]+" was made with other settings and is not changed: "+d)
		}
	}
	keys, err := c.bucket(ctx, "keys", keyLifetime)
	if err != nil {
		return found, err
	}
	c.keys.Store(&keys)
	c.report(differs)
	return found, nil
}

// report notes how streams differ, in the log once.
func (c *Cluster) report(differs []string) {
	s := *c.state.Load()
	if slices.Equal(s.differs, differs) {
		return
	}
	for _, d := range differs {
		c.log.Warn("cluster: a stream is not as configured", "difference", d)
	}
	s.differs = differs
	c.state.Store(&s)
}

func (c *Cluster) stream(ctx context.Context, p event.Priority) (jetstream.Stream, error) {
	s, err := c.js.Stream(ctx, c.streams[p])
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = c.js.CreateStream(ctx, c.streamConfig(p))
		if err == nil {
			c.log.Info("cluster: stream made", "stream", c.streams[p], "replicas", c.o.Config.Replicas)
		}
	}
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another router was faster, with other settings
		s, err = c.js.Stream(ctx, c.streams[p])
	}
	return s, err
}

// differences says what of a stream is not as configured, and what to do.
func differences(got, want *jetstream.StreamConfig) (all []string) {
	differ := func(what, key string, got, want any) {
		if got != want {
			all = append(all, fmt.Sprintf("%s is %v, and %s makes it %v", what, got, key, want))
		}
	}
	differ("replicas", "cluster.replicas", got.Replicas, want.Replicas)
	differ("max_age", "cluster.max_age", got.MaxAge, want.MaxAge)
	differ("max_bytes", "cluster.max_bytes", got.MaxBytes, want.MaxBytes)
	differ("storage", "a router", got.Storage, want.Storage)
	differ("retention", "a router", got.Retention, want.Retention)
	differ("discard", "a router", got.Discard, want.Discard)
	differ("duplicate_window", "a router", got.Duplicates, want.Duplicates)
	return all
}
