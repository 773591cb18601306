package actors

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"
)

const (
	// keyLifetime is how long a key is remembered.
	keyLifetime = 5 * time.Minute
	// maxKeys bounds how many are, to 30 MB; the oldest go first.
	maxKeys = 100_000
)

// IdempotencyKey stands for one batch of one publisher, however often it is sent
// (draft-ietf-httpapi-idempotency-key-header-07 §2).
type IdempotencyKey struct{ id, body digest }

// digest is a SHA-256: a key costs the same memory whatever its client chose.
type digest [sha256.Size]byte

// NewIdempotencyKey returns the key that a publisher chose for a batch with that
// body, which the caller keeps. The keys of two publishers are never the same, as
// long as no publisher's name holds a NUL.
func NewIdempotencyKey(publisher, key string, body []byte) IdempotencyKey {
	return IdempotencyKey{
		id:   sha256.Sum256([]byte(publisher + "\x00" + key)),
		body: sha256.Sum256(body),
	}
}

// ID stands for the publisher and what it chose, as a name in hexadecimal digits.
func (k *IdempotencyKey) ID() string { return hex.EncodeToString(k.id[:]) }

// Body stands for the body.
func (k *IdempotencyKey) Body() [sha256.Size]byte { return k.body }

// idempotency is the keys that are remembered. It is part of the Emitter's state.
// Times count from any moment, and never go back.
type idempotency struct {
	bodies map[digest]digest
	order  []rememberedKey // oldest first, from gone on
	gone   int
}

type rememberedKey struct {
	id digest
	at time.Duration
}

// find returns the body that a key came with, if it is remembered.
func (k *idempotency) find(id digest, now time.Duration) (body digest, known bool) {
	for k.len() > 0 && now-k.order[k.gone].at >= keyLifetime {
		k.forget()
	}
	body, known = k.bodies[id]
	return body, known
}

// add remembers a key that is not known. It reports whether another one, which
// could have been asked for yet, had to go for it.
func (k *idempotency) add(id, body digest, now time.Duration) (evicted bool) {
	if evicted = k.len() >= maxKeys; evicted {
		k.forget()
	}
	if k.bodies == nil {
		k.bodies = make(map[digest]digest)
	}
	k.bodies[id] = body
	k.order = append(k.order, rememberedKey{id, now})
	return evicted
}

func (k *idempotency) len() int { return len(k.order) - k.gone }

// forget drops the oldest key. With the last one all memory goes.
func (k *idempotency) forget() {
	delete(k.bodies, k.order[k.gone].id)
	switch k.gone++; {
	case k.len() == 0:
		*k = idempotency{}
	case k.gone > len(k.order)/2:
		k.order = slices.Delete(k.order, 0, k.gone)
		k.gone = 0
	}
}
