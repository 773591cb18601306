package bench

// Peer says how to be a client of a server that is not the router, for
// comparisons with it. Its JSON form is how such a server describes itself.
type Peer struct {
	// Path and SSEPath are what WebSocket and SSE clients ask for, with the
	// query. In these and in Hello, {events} stands for the type that a client of
	// a run with groups wants.
	Path    string `json:"path"`
	SSEPath string `json:"sse_path,omitempty"`
	// Subprotocol is offered in the WebSocket handshake, if there is one.
	Subprotocol string `json:"subprotocol,omitempty"`
	// Hello are the messages that a WebSocket client sends after the handshake.
	Hello []Message `json:"hello"`
	// Ready is in what the server sends to a WebSocket client that is subscribed.
	// Where it is empty, the handshake subscribes, as it does for SSE.
	Ready string `json:"ready"`
	// Keepalive is what WebSocket clients have to answer beside pings.
	Keepalive *Keepalive `json:"keepalive,omitempty"`
	// Door is host and port for POST /v1/events, if not those of the clients.
	Door string `json:"door,omitempty"`
}

// Message is a WebSocket message: text or, if there are any, bytes.
type Message struct {
	Text   string `json:"text,omitempty"`
	Binary []byte `json:"binary,omitempty"`
}

// Keepalive is what a server sends now and then, and the answer to it.
type Keepalive struct {
	Expect string  `json:"expect"`
	Answer Message `json:"answer"`
}

// eventsPlaceholder is replaced by the type that a client wants.
const eventsPlaceholder = "{events}"

// groupTypes are the types of a run with groups, one a group, all of one class,
// with the fields that the catalogue asks for.
var groupTypes = [maxGroups]struct{ name, fields string }{
	{"MessageAdded", `"message_id":"bench","depth":1`},
	{"MessageFinalized", `"message_id":"bench","finality_type":"KCore"`},
	{"DepositEscrowed", `"message_id":"bench","validator_address":"bench","amount":"1"`},
	{"PeerConnected", `"peer_id":"bench","address":"bench"`},
	{"VRFRandomnessFinalized", `"epoch":1,"randomness_hash":"bench","contributor_count":1`},
	{"ChallengeSubmitted", `"challenge_id":"bench","subject_id":"bench","challenger":"bench"`},
	{"WorkResultSubmitted", `"task_id":"bench","worker":"bench","result_hash":"bench"`},
	{"ProposalStatusChanged", `"proposal_id":"bench","old_status":"a","new_status":"b"`},
	{"ParameterChanged", `"proposal_id":"bench","parameter_key":"a","old_value":"b","new_value":"c"`},
	{"ArbitrationStarted", `"arbitration_id":"bench","proof_id":"bench","arbitrator_count":1`},
}

// maxGroups is the largest number of groups of clients.
const maxGroups = 10
