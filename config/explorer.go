package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Explorer is the backend that indexes the events of a node and serves the pages of an
// explorer: `adic explorer`. The names of some variables are those that deployments of
// the explorer have had all along.
type Explorer struct {
	Host        string   `toml:"host" form:"host" doc:"address that the explorer listens on"`
	Port        int      `toml:"port" range:"0..65535" doc:"TCP port that the explorer listens on; 0 takes a free one"`
	CORSOrigins []string `toml:"cors_origins" also:"CORS_ORIGINS" form:"origin" doc:"browser origins let in to the explorer besides its own"`

	NodeURL   string `toml:"node_url" also:"ADIC_NODE_URL" form:"node" doc:"router or node whose events are indexed"`
	NodeToken string `toml:"node_token" json:"-" form:"token" secret:"true" doc:"access token for the node, where it asks for one"`
	NodeCA    string `toml:"node_ca" form:"path" doc:"file with the certificates, in PEM, that the node's is verified with, instead of the system's"`

	EnableEventStreaming bool `toml:"enable_event_streaming" also:"ENABLE_EVENT_STREAMING" doc:"have the events streamed; without it the node is polled"`
	EnableWebSocket      bool `toml:"enable_websocket" also:"ENABLE_WEBSOCKET" doc:"stream over WebSocket, the first choice"`
	EnableSSE            bool `toml:"enable_sse" also:"ENABLE_SSE" doc:"stream over Server-Sent Events where WebSocket does not work; polling is what is left"`

	// Database is the path of an SQLite file, from the working directory, or the URL of
	// a PostgreSQL database without a password.
	Database         string        `toml:"database" form:"database" doc:"file of the index (SQLite), or a PostgreSQL database such as postgres://adic@db/explorer"`
	DatabasePassword string        `toml:"database_password" json:"-" form:"token" secret:"true" doc:"password for PostgreSQL, where it asks for one"`
	Retention        time.Duration `toml:"retention" range:"0s..87600h" doc:"how long events, and messages that are settled, are kept in the index; 0s keeps them for good"`
}

// Format keeps the secrets out of logs, which would print the struct as it is.
func (e Explorer) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "{Host:%s Port:%d NodeURL:%s NodeToken:%s Database:%s DatabasePassword:%s}", // see Auth.Format
		e.Host, e.Port, e.NodeURL, mask(e.NodeToken), e.Database, mask(e.DatabasePassword))
}

// IsPostgres reports whether the database is one of PostgreSQL, and no file.
func (e *Explorer) IsPostgres() bool { return isPostgres(e.Database) }

// DSN is the database as drivers take it, with the password. It is not to be shown.
func (e *Explorer) DSN() (string, error) {
	if !e.IsPostgres() || e.DatabasePassword == "" {
		return e.Database, nil
	}
	u, err := url.Parse(e.Database)
	if err != nil {
		return "", fmt.Errorf("explorer.database is not a URL: %w", err)
	}
	u.User = url.UserPassword(u.User.Username(), e.DatabasePassword)
	return u.String(), nil
}

func isPostgres(database string) bool {
	return strings.HasPrefix(database, "postgres://") || strings.HasPrefix(database, "postgresql://")
}

// checkDatabase takes a path or a PostgreSQL URL. It does not show one that holds a
// password.
func checkDatabase(s string) *Problem {
	const remedy = "use a path such as explorer.db, or postgres://USER@HOST:PORT/DATABASE"
	switch scheme, _, isURL := strings.Cut(s, "://"); {
	case s == "":
		return &Problem{What: "is empty", Remedy: remedy}
	case isURL && !isPostgres(s):
		return &Problem{What: "begins with " + quote(scheme+"://") + ", and is neither a file nor a PostgreSQL database", Remedy: remedy}
	case !isURL:
		return checkPath(s)
	}
	u, err := url.Parse(s)
	if err != nil {
		return &Problem{What: "is not a URL", Remedy: remedy}
	}
	if _, has := u.User.Password(); has || u.Query().Has("password") {
		return &Problem{What: "has a password in it, which would be shown in logs", Remedy: "leave it out and set explorer.database_password"}
	}
	return checkPath(s)
}
