package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/adic-network/router/event"
)

// epochRecord is what the routers of a cluster have agreed on.
type epochRecord struct {
	Epoch string `json:"epoch"`
	// Created is when the stream of each class was made: those of an epoch are no
	// others, even under the same name.
	Created [event.NumPriorities]time.Time `json:"created"`
}

const epochKey = "epoch"

// errRevised says that another router has changed the record in between.
var errRevised = errors.New("another router has begun a new epoch")

// epoch is a record with its revision.
type epoch struct {
	id       event.Epoch
	revision uint64
}

// agree returns the epoch of these streams. Whoever comes first makes it.
func (c *Cluster) agree(ctx context.Context, streams streams) (epoch, error) {
	bucket, err := c.bucket(ctx, "epoch", 0)
	if err != nil {
		return epoch{}, err
	}
	entry, err := bucket.Get(ctx, epochKey)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return c.beginEpoch(ctx, bucket, 0, streams)
	}
	if err != nil {
		return epoch{}, fmt.Errorf("cannot read the epoch: %w", err)
	}
	var r epochRecord
	if err := json.Unmarshal(entry.Value(), &r); err != nil {
		return epoch{}, fmt.Errorf("cannot use the epoch in the bucket %s: %w", bucket.Bucket(), err)
	}
	id, err := strconv.ParseUint(r.Epoch, 16, 48)
	if err != nil || id == 0 {
		return epoch{}, fmt.Errorf("cannot use the epoch in the bucket %s: %q is not 12 hexadecimal digits", bucket.Bucket(), r.Epoch)
	}
	for p, s := range streams {
		info := s.CachedInfo()
		if !r.Created[p].Equal(info.Created) {
			c.log.Warn("cluster: a stream was made anew, which begins a new epoch", "stream", info.Config.Name, "made", info.Created)
			return c.beginEpoch(ctx, bucket, entry.Revision(), streams)
		}
	}
	return epoch{event.Epoch(id), entry.Revision()}, nil
}

// renew ends an epoch whose streams are not what they were.
func (c *Cluster) renew(ctx context.Context, old epoch, streams streams) error {
	bucket, err := c.bucket(ctx, "epoch", 0)
	if err == nil {
		_, err = c.beginEpoch(ctx, bucket, old.revision, streams)
	}
	if errors.Is(err, errRevised) { // which is as good
		return nil
	}
	return err
}

// beginEpoch replaces the record of a revision, 0 for none, by a new one.
func (c *Cluster) beginEpoch(ctx context.Context, bucket jetstream.KeyValue, revision uint64, streams streams) (epoch, error) {
	id := event.NewEpoch()
	r := epochRecord{Epoch: fmt.Sprintf("%012x", uint64(id))}
	for p, s := range streams {
		r.Created[p] = s.CachedInfo().Created
	}
	text, err := json.Marshal(r)
	if err != nil {
		return epoch{}, fmt.Errorf("cannot write the epoch: %w", err)
	}
	if revision == 0 {
		revision, err = bucket.Create(ctx, epochKey, text)
	} else {
		revision, err = bucket.Update(ctx, epochKey, text, revision)
	}
	if errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
		return epoch{}, errRevised
	}
	if err != nil {
		return epoch{}, fmt.Errorf("cannot write the epoch: %w", err)
	}
	c.log.Info("cluster: new epoch", "epoch", r.Epoch)
	return epoch{id, revision}, nil
}

// bucket returns a key-value bucket of the cluster, whose entries live for life; 0
// is forever.
func (c *Cluster) bucket(ctx context.Context, name string, life time.Duration) (jetstream.KeyValue, error) {
	name = c.o.Config.StreamPrefix + "_" + name
	bucket, err := c.js.KeyValue(ctx, name)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		bucket, err = c.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: name, Description: "of adic routers", TTL: life, Replicas: c.o.Config.Replicas})
	}
	if errors.Is(err, jetstream.ErrBucketExists) {
		bucket, err = c.js.KeyValue(ctx, name)
	}
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", name, err)
	}
	return bucket, nil
}
