package demo

import "time"

// peers are the nodes of the network as the one at the source sees them.
type peers struct {
	nodeID    string
	known     []*peer
	moves     *deck[string] // what peers that are there do next
	departing *deck[string] // why they go; "" is without a word
}

type peer struct {
	id, nodeID, address string
	connected           bool
	busy                bool // in a story of its own: to be left alone
	has                 int  // the number of messages it held at its last sync
}

const softwareVersion = "0.3.1"

func (n *network) startPeers() {
	n.nodeID = n.id("node")
	for i := range 10 {
		n.known = append(n.known, &peer{
			id:      "12D3KooW" + n.letters(44, "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"),
			nodeID:  n.id("node"),
			address: "/ip4/203.0.113." + itoa(10+i) + "/udp/9001/quic-v1", // TEST-NET-3 of RFC 5737: nobody's
		})
	}
	n.moves = newDeck("sync", "go", "go", "sync")
	n.departing = newDeck("timeout", "", "remote_closed")

	n.tell("NodeStarted", "node_id", n.nodeID, "version", softwareVersion)
	n.tell("GenesisLoaded",
		"chain_id", "adic-demo-1",
		"genesis_hash", n.hash(),
		"total_supply", amount(totalSupply))
	for i, p := range n.known[:6] {
		n.after(0.3*float64(i), func() { n.connect(p) })
	}
	n.every(15, 18, n.comeOrGo)
	n.every(60, 250, n.restartNode)
}

func (n *network) connect(p *peer) {
	p.connected = true
	n.tell("PeerConnected", "peer_id", p.id, "address", p.address)
	if behind := n.added - p.has; behind > 0 && n.chance(0.5) {
		n.sync(p, behind)
	}
}

func (n *network) disconnect(p *peer, reason any) {
	p.connected = false
	n.tell("PeerDisconnected", "peer_id", p.id, "reason", reason)
}

// comeOrGo lets a peer that is away come, or one that is there go; more are
// there than away.
func (n *network) comeOrGo() {
	p := pick(n, n.known)
	switch {
	case p.busy:
	case !p.connected:
		n.connect(p)
	case draw(n, n.moves) == "go":
		var reason any
		if r := draw(n, n.departing); r != "" {
			reason = r
		}
		n.disconnect(p, reason)
	default:
		n.sync(p, n.added-p.has)
	}
}

// sync is the story of a peer that catches up with what it has missed.
func (n *network) sync(p *peer, behind int) {
	if behind == 0 {
		return
	}
	p.busy = true
	started, target := n.clock, n.added
	n.tell("SyncStarted", "peer_id", p.id, "target_height", target)
	const rounds = 4
	for i := 1; i < rounds; i++ {
		n.after(float64(i), func() {
			n.tell("SyncProgress",
				"peer_id", p.id,
				"synced_messages", behind*i/rounds,
				"progress_percent", round(100*float64(behind*i/rounds)/float64(behind), 1))
		})
	}
	n.after(rounds, func() {
		p.busy, p.has = false, target
		n.tell("SyncCompleted",
			"peer_id", p.id,
			"synced_messages", behind,
			"duration_ms", max(0, int(n.clock.Sub(started)/time.Millisecond)))
	})
}

// restartNode is the story of another node that goes down and comes back.
func (n *network) restartNode() {
	p := pick(n, n.known)
	if p.busy {
		n.after(2, n.restartNode)
		return
	}
	p.busy = true
	n.tell("NodeStopped", "node_id", p.nodeID, "reason", pick(n, []string{"upgrade", "maintenance", "operator_request"}))
	if p.connected {
		n.disconnect(p, "node_stopped")
	}
	n.after(n.about(20), func() {
		p.busy = false
		n.tell("NodeStarted", "node_id", p.nodeID, "version", softwareVersion)
		n.connect(p)
	})
}
