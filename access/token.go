package access

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

// Tokens are the holders of the configuration's tokens. It does not change.
type Tokens struct {
	publishers  holders[*Publisher]
	subscribers holders[Grant]
}

// publishTokenName is the Name of the publisher of publish_token. No table can
// have it, because of the dot.
const publishTokenName = "auth.publish_token"

// Publisher is who may publish.
type Publisher struct {
	// Name is that of its table, or "auth.publish_token".
	Name string
	// Types are what it may publish.
	Types event.TypeSet
	// Rate is how fast. It is never nil.
	Rate *Rate
}

// NewTokens reads the tables of a valid configuration. The rates of before, which
// may be nil, go on where they did not change: a reload lets nobody publish more.
// The error names each event type that is not in the catalogue, with its key.
func NewTokens(auth config.Auth, catalogue *event.Catalogue, before *Tokens) (*Tokens, error) {
	t := &Tokens{}
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(auth.Publisher)) {
		key, p := "auth.publisher."+name, auth.Publisher[name]
		types, _, err := catalogue.ParseTypes(p.Events)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s.events: %w", key, err))
		}
		add(&t.publishers, key, p.Token, &Publisher{Name: name, Types: types, Rate: before.rate(name, p.Rate)}, &wrong)
	}
	for _, name := range slices.Sorted(maps.Keys(auth.Subscriber)) {
		key, s := "auth.subscriber."+name, auth.Subscriber[name]
		types, _, err := catalogue.ParseTypes(s.Events)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s.events: %w", key, err))
		}
		priorities, err := event.ParsePriorities(strings.Join(s.Priority, ","))
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s.priority: %w", key, err))
		}
		add(&t.subscribers, key, s.Token, Grant{Subject: name, Types: types, Priorities: priorities}, &wrong)
	}
	if auth.PublishToken != "" {
		h := hashOf(auth.PublishToken)
		if t.publishers.find(h) >= 0 {
			wrong = append(wrong, errors.New("auth.publish_token: is the token of a table [auth.publisher.NAME] as well; give each a token of its own"))
		}
		all, _, _ := catalogue.ParseTypes([]string{"all"}) // all is never unknown
		t.publishers.add(h, &Publisher{Name: publishTokenName, Types: all, Rate: before.rate(publishTokenName, 0)})
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return t, nil
}

// add adds a holder by the hash that the configuration has at key.
func add[T any](to *holders[T], key, text string, holder T, wrong *[]error) {
	h, err := parseHash(text)
	if err == nil && h == hashOf("") {
		err = errors.New("this is the hash of no token at all")
	}
	if err != nil {
		*wrong = append(*wrong, fmt.Errorf("%s.token: %w", key, err))
	}
	to.add(h, holder)
}

// rate returns the Rate that the publisher of that name has, or a new one.
func (t *Tokens) rate(name string, perSecond int) *Rate {
	if t != nil {
		for _, p := range t.publishers.all {
			if p.Name == name && p.Rate.perSecond == perSecond {
				return p.Rate
			}
		}
	}
	return &Rate{perSecond: perSecond}
}

// Publishers returns who may publish. The caller does not change the slice.
func (t *Tokens) Publishers() []*Publisher { return t.publishers.all }

// Publisher returns the holder of a publisher's token. The error wraps ErrDenied.
func (t *Tokens) Publisher(token string) (*Publisher, error) {
	i := t.publishers.find(hashOf(token))
	if i < 0 {
		return nil, fmt.Errorf("%w: this is not the token of a publisher", ErrDenied)
	}
	return t.publishers.all[i], nil
}

// Authenticate returns what the holder of a subscriber's token may see, with the
// name of its table as the subject. The error wraps ErrDenied.
func (t *Tokens) Authenticate(token string) (Grant, error) {
	i := t.subscribers.find(hashOf(token))
	if i < 0 {
		return Grant{}, fmt.Errorf("%w: this is not the token of a subscriber", ErrDenied)
	}
	return t.subscribers.all[i], nil
}

// holders are found by the hash of their token.
type holders[T any] struct {
	hashes []hash
	all    []T // of the same indexes
}

func (hs *holders[T]) add(h hash, holder T) {
	hs.hashes = append(hs.hashes, h)
	hs.all = append(hs.all, holder)
}

// find returns the index of a hash, or -1. It looks at every bit of every hash,
// whatever it finds, so that the time it takes tells nothing about them.
func (hs *holders[T]) find(h hash) int {
	at := -1
	for i := range hs.hashes {
		at = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hs.hashes[i][:], h[:]), i, at)
	}
	return at
}
