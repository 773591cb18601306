package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Cluster makes several routers one: their events are kept in JetStream, where
// each class has a stream whose sequences are the positions of cursors. Formatted
// with any verb or encoded as JSON it does not show the secrets.
type Cluster struct {
	// NATS is empty, [EmbeddedNATS], or URLs with commas between them.
	NATS string `toml:"nats" form:"nats" doc:"NATS servers, such as nats://a:4222,nats://b:4222, or embedded for one in this process; empty keeps events in this router only"`

	// StreamPrefix begins the names of the streams and their subjects:
	// adic_high holds the subject adic.high.
	StreamPrefix string        `toml:"stream_prefix" form:"name" doc:"begins the names of the streams; routers with the same one are one cluster"`
	Replicas     int           `toml:"replicas" range:"1..5" unit:"servers" doc:"NATS servers that keep each event, for streams that this router creates"`
	MaxAge       time.Duration `toml:"max_age" range:"0s..87600h" doc:"how long JetStream keeps an event, for streams that this router creates; 0s sets no limit"`
	MaxBytes     int           `toml:"max_bytes" range:"0..1048576GiB" unit:"bytes" doc:"most that JetStream keeps of each class, for streams that this router creates; 0 sets no limit"`
	ReplayLimit  int           `toml:"replay_limit" range:"0..100000000" unit:"events" doc:"how many events of each class a client that resumes may be behind what the router holds in memory, and is given from JetStream"`

	// At most one of these ways to say who the router is; none is for servers that
	// let anybody in. An embedded server takes User and Password, and asks for them.
	CredsFile string `toml:"creds_file" form:"path" doc:"file with the credentials of a NATS user (JWT and key), as nsc makes it"`
	NKeyFile  string `toml:"nkey_file" form:"path" doc:"file with the seed of an nkey"`
	User      string `toml:"user" form:"claim" doc:"name of a NATS user; also for the routes and clients of an embedded server"`
	Password  string `toml:"password" json:"-" form:"token" secret:"true" doc:"password of the user"`
	Token     string `toml:"token" json:"-" form:"token" secret:"true" doc:"token for NATS servers that ask for one"`

	TLSCA   string `toml:"tls_ca" form:"path" doc:"file with the certificates, in PEM, that the NATS servers' are verified with, instead of the system's"`
	TLSCert string `toml:"tls_cert" form:"path" doc:"file with the certificate, in PEM, that the router shows to NATS; of an embedded server also its own"`
	TLSKey  string `toml:"tls_key" form:"path" doc:"file with the private key of the certificate in PEM"`

	// The rest is for an embedded server.
	StoreDir     string   `toml:"store_dir" form:"path" doc:"directory of the embedded server's JetStream, which belongs to it alone"`
	ServerName   string   `toml:"server_name" form:"name" doc:"name of the embedded server, another one on each machine; empty takes the machine's"`
	ClusterName  string   `toml:"cluster_name" form:"name" doc:"name of the NATS cluster that embedded servers form, the same on each machine"`
	Listen       string   `toml:"listen" form:"address" doc:"address on which the embedded server takes NATS clients; without it there are none"`
	RoutesListen string   `toml:"routes_listen" form:"address" doc:"address on which the embedded server takes the others of its NATS cluster; without it it is alone"`
	Routes       []string `toml:"routes" form:"address" doc:"routes_listen of the others, such as 10.0.0.2:6222"`
}

// EmbeddedNATS is the value of [Cluster.NATS] for a server in this process.
const EmbeddedNATS = "embedded"

// Format keeps the secrets out of logs, which would print the struct as it is.
func (c Cluster) Format(f fmt.State, _ rune) {
	// See Auth.Format.
	_, _ = fmt.Fprintf(f, "{NATS:%s StreamPrefix:%s User:%s Password:%s Token:%s}",
		c.NATS, c.StreamPrefix, c.User, mask(c.Password), mask(c.Token))
}

// clusterSchemes are those of NATS URLs.
var clusterSchemes = []string{"nats", "tls", "ws", "wss"}

// checkNATS takes "", "embedded", or URLs. It does not show them where they may
// hold a password.
func checkNATS(s string) *Problem {
	if s == "" || s == EmbeddedNATS {
		return nil
	}
	remedy := "use embedded, or URLs with commas between them, such as nats://a.example.org:4222,nats://b.example.org:4222"
	for part := range strings.SplitSeq(s, ",") {
		u, err := url.Parse(strings.TrimSpace(part))
		switch {
		case err != nil:
			return &Problem{What: "one of the NATS servers is not a URL", Remedy: remedy}
		case u.User != nil:
			return &Problem{What: "a URL of a NATS server has a user in it, which would be shown in logs", Remedy: "set cluster.user and cluster.password, or cluster.token"}
		case !slices.Contains(clusterSchemes, u.Scheme):
			return &Problem{What: quote(part) + " is not the URL of a NATS server", Remedy: remedy}
		case checkHost(u.Hostname()) != nil:
			return &Problem{What: quote(part) + " has no host name or address", Remedy: remedy}
		case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
			return &Problem{What: quote(part) + " has something behind the host and port", Remedy: "leave it out"}
		}
	}
	return nil
}

// checkNATSName takes what streams, subjects and servers can be called.
func checkNATSName(s string) *Problem {
	if len(s) > 32 || strings.ContainsFunc(s, notBare) {
		return &Problem{What: quote(s) + " is not a name for NATS", Remedy: "use up to 32 letters, digits, dashes and underscores"}
	}
	return nil
}

// clusterKeys are the keys that checkCluster compares.
var clusterKeys = []string{"cluster.nats", "cluster.stream_prefix", "cluster.creds_file", "cluster.nkey_file", "cluster.user", "cluster.token",
	"cluster.store_dir", "cluster.listen", "cluster.routes_listen", "cluster.routes", "events.journal"}

// checkCluster reports settings of the cluster that contradict each other.
func (c *Config) checkCluster() *Problem {
	n := &c.Cluster
	if n.StreamPrefix == "" {
		return &Problem{Key: "cluster.stream_prefix", What: "is empty", Remedy: "leave it out for adic"}
	}
	if n.NATS != "" && c.Events.Journal != "" {
		return &Problem{Key: "events.journal", What: "a router of a cluster has its events in JetStream", Remedy: "remove it, or cluster.nats"}
	}
	ways := []string{}
	for _, way := range [][2]string{{"cluster.creds_file", n.CredsFile}, {"cluster.nkey_file", n.NKeyFile}, {"cluster.user", n.User}, {"cluster.token", n.Token}} {
		if way[1] != "" {
			ways = append(ways, way[0])
		}
	}
	if len(ways) > 1 {
		return &Problem{Key: ways[1], What: "NATS takes one kind of credentials, and there is also " + ways[0], Remedy: "keep one of " + oneOf(ways)}
	}
	if n.NATS == EmbeddedNATS {
		return n.checkEmbedded(ways)
	}
	for _, k := range [][2]string{{"cluster.store_dir", n.StoreDir}, {"cluster.listen", n.Listen},
		{"cluster.routes_listen", n.RoutesListen}, {"cluster.routes", strings.Join(n.Routes, ",")}} {
		if k[1] != "" {
			return &Problem{Key: k[0], What: "is of an embedded NATS server, and there is none", Remedy: `remove it, or set cluster.nats to "embedded"`}
		}
	}
	return nil
}

func (n *Cluster) checkEmbedded(credentials []string) *Problem {
	switch {
	case n.StoreDir == "":
		return &Problem{Key: "cluster.store_dir", What: "an embedded NATS server needs a directory for its events", Remedy: "set it to one that belongs to this router alone"}
	case len(credentials) == 1 && credentials[0] != "cluster.user":
		return &Problem{Key: credentials[0], What: "an embedded NATS server knows one user only", Remedy: "set cluster.user and cluster.password instead"}
	case len(n.Routes) > 0 && n.RoutesListen == "":
		return &Problem{Key: "cluster.routes", What: "is set without cluster.routes_listen", Remedy: "set both or none"}
	case n.Replicas > 1 && n.RoutesListen == "":
		return &Problem{Key: "cluster.replicas", What: "a NATS server that is alone cannot keep more than one replica", Remedy: "set it to 1, or cluster.routes_listen and cluster.routes"}
	}
	for _, k := range [][2]string{{"cluster.listen", n.Listen}, {"cluster.routes_listen", n.RoutesListen}} {
		if n.User == "" && k[1] != "" && !isLoopback(k[1]) {
			return &Problem{Key: k[0], What: "other machines could reach the embedded NATS server, and it asks nobody who they are",
				Remedy: "set cluster.user and cluster.password, the same on each machine"}
		}
	}
	return nil
}

// isLoopback reports whether an address is for this machine only.
func isLoopback(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	addr, notIP := netip.ParseAddr(host)
	return err == nil && (host == "localhost" || notIP == nil && addr.IsLoopback())
}
