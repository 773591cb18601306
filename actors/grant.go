package actors

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/adic-network/router/event"
)

// Grant is what a client may see, and until when.
type Grant struct {
	Subject    string // who the client is; a Refresh has to be of the same
	Types      event.TypeSet
	Priorities event.PrioritySet
	Expires    time.Time // when the stream ends; zero is never
}

// beyond names what of a Subscribe the grant does not allow, or returns "".
func (g *Grant) beyond(types event.TypeSet, all bool, c *event.Catalogue) string {
	more := types.Minus(g.Types)
	switch {
	case more.IsEmpty():
		return ""
	case all:
		return "all"
	}
	return strings.Join(c.Names(more), ", ")
}

// warnBefore is how long before its token expires a client is warned.
const warnBefore = 30 * time.Second

// permit is a grant in force. It is nil where anyone may subscribe.
type permit struct {
	Grant
	verify func(token string) (Grant, error)
	warn   time.Time // when the client is to be told; zero when it has been
}

// take puts g in force from now on. A grant that is short is warned of halfway.
func (p *permit) take(g Grant, now time.Time) {
	p.Grant, p.warn = g, time.Time{}
	if !g.Expires.IsZero() {
		p.warn = g.Expires.Add(-min(warnBefore, g.Expires.Sub(now)/2))
	}
}

// due returns when there is something to do about the grant, at most next.
func (p *permit) due(next time.Time) time.Time {
	if p == nil {
		return next
	}
	for _, t := range []time.Time{p.warn, p.Expires} {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	return next
}

// tick warns of the end of the grant, and is an error when that has come.
func (p *permit) tick(c *Connection, now time.Time) error {
	switch {
	case p == nil || p.Expires.IsZero():
	case !now.Before(p.Expires):
		return &closeError{CloseTokenExpired, "the token has expired"}
	case !p.warn.IsZero() && !now.Before(p.warn):
		p.warn = time.Time{}
		c.talk.expiring(c, p.Expires.Sub(now))
	}
	return nil
}

// subject says who the client is, if that is known.
func (p *permit) subject() string {
	if p == nil {
		return ""
	}
	return p.Subject
}

// hasAll reports whether the client is subscribed to every type there is: All may
// be all that its grant allows.
func (c *Connection) hasAll() bool { return c.sub.All && c.sub.Types == c.hub.catalogue.All() }

// confine takes from the subscription what the grant does not allow, and reports
// whether there was any.
func (c *Connection) confine() bool {
	before := c.sub.wanted(c.hub.catalogue)
	c.sub.Priorities &= c.permit.Priorities
	c.sub.Types = c.sub.Types.Intersect(c.permit.Types)
	gone := before.Minus(c.sub.wanted(c.hub.catalogue))
	if gone.IsEmpty() {
		return false
	}
	c.sub.Types = c.sub.Types.Minus(gone) // those of a priority that went, too
	c.refilter(before)
	return true
}

// refresh answers a Refresh: with a new token the stream goes on, within what that
// allows. A token that is not good changes nothing.
func (s *wsSession) refresh(c *Connection, token string) {
	switch {
	case c.permit == nil:
		s.replyError(c, "there is no token to refresh: anyone may subscribe here")
		return
	case token == "":
		s.replyError(c, `Refresh needs "token", a new token`)
		return
	}
	g, err := c.permit.verify(token)
	now := time.Now()
	switch {
	case err != nil:
		s.replyError(c, err.Error()+"; the one before is still in force")
		return
	case g.Subject != c.permit.Subject:
		s.replyError(c, "the token is of another subject; the one before is still in force")
		return
	}
	c.permit.take(g, now)
	c.hub.wheel.bring(&c.box, now) // the next tick may be due sooner, and the tick finds out
	s.replyJSON(c, struct {
		Type    string    `json:"type"`
		Expires time.Time `json:"expires,omitzero"`
	}{"Refreshed", g.Expires.UTC().Truncate(time.Second)})
	if c.confine() {
		s.replySet(c, "Unsubscribed")
	}
}

// expiring warns the client, which can do something about it.
func (s *wsSession) expiring(c *Connection, left time.Duration) {
	s.replyError(c, fmt.Sprintf("the token expires in %.0f s: send Refresh", math.Ceil(left.Seconds())))
}

// expiring does nothing: a client of Server-Sent Events cannot send anything, and
// comes back with a new token when the stream ends.
func (s *sseSession) expiring(*Connection, time.Duration) {}
