package main

import "sync"

// channels is who listens to what, for peers that leave that to their users. It
// is safe for concurrent use.
type channels[C comparable] struct {
	mu      sync.RWMutex
	clients map[string]map[C]struct{}
}

// join adds a client to a channel.
func (c *channels[C]) join(channel string, client C) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clients == nil {
		c.clients = make(map[string]map[C]struct{})
	}
	if c.clients[channel] == nil {
		c.clients[channel] = make(map[C]struct{})
	}
	c.clients[channel][client] = struct{}{}
}

// leave takes a client out of a channel, if it is there.
func (c *channels[C]) leave(channel string, client C) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.clients[channel], client)
}

// each calls do for every client of a channel. Nobody joins or leaves meanwhile.
func (c *channels[C]) each(channel string, do func(client C)) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for client := range c.clients[channel] {
		do(client)
	}
}

// all calls do for every client.
func (c *channels[C]) all(do func(client C)) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, clients := range c.clients {
		for client := range clients {
			do(client)
		}
	}
}
