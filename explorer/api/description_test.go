package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/adic-network/router/explorer/store"
)

// A network is something of everything that is answered.
const network = `
	{"type":"MessageAdded","message_id":"m1","depth":18446744073709551615}
	{"type":"MessageAdded","message_id":"m2","depth":2}
	{"type":"MessageAdded","message_id":"m3","depth":3}
	{"type":"DepositEscrowed","message_id":"m1","validator_address":"v1","amount":"2.5"}
	{"type":"DepositSlashed","message_id":"m2","validator_address":"v2","amount":"1","reason":"late"}
	{"type":"MessageFinalized","message_id":"m1","finality_type":"kcore"}
	{"type":"MessageRejected","message_id":"m2","reason":"no","rejection_type":"validation_failed"}
	{"type":"TipsUpdated","tips":["m3"],"count":1}
	{"type":"BalanceChanged","address":"v1","balance_before":"0","balance_after":"7.25","change_amount":"7.25","change_type":"credit"}
	{"type":"TransferRecorded","from_address":"v1","to_address":"a2","amount":"1","reason":"gift","tx_hash":null}
	{"type":"ReputationChanged","validator_address":"v1","old_reputation":0.5,"new_reputation":0.75,"reason":"timely"}
	{"type":"ProposalSubmitted","proposal_id":"p/1","proposer":"v1","proposal_class":"parameter","param_keys":["k"],"enact_epoch":9,"proposer_reputation":0.75}
	{"type":"VoteCast","proposal_id":"p/1","voter":"v1","vote_credits":2.5,"ballot":"yes","voter_reputation":0.75}
	{"type":"ProposalTallied","proposal_id":"p/1","tally_yes":2.5,"tally_no":0,"tally_abstain":0,"total_eligible_credits":4,"participation_rate":0.6,"quorum_met":true,"threshold_met":true}
	{"type":"GovernanceReceiptEmitted","proposal_id":"p/1","result":"passed","quorum_yes":1,"quorum_no":0,"quorum_abstain":0,"has_bls_signature":true,"committee_size":3}
	{"type":"ProposalEnacted","proposal_id":"p/1","enact_epoch":9,"param_changes":["k"]}
	{"type":"DiversityUpdated","diversity_score":0.5,"axes":[],"total_tips":1}
	{"type":"EconomicsUpdated","total_supply":"3","circulating_supply":"2","treasury_balance":"1"}`

// samples is a request for each operation that is answered with 200.
var samples = map[string]string{
	"/api/v1/messages":            "/api/v1/messages?limit=1",
	"/api/v1/messages/{id}":       "/api/v1/messages/m1",
	"/api/v1/tips":                "/api/v1/tips",
	"/api/v1/addresses":           "/api/v1/addresses?limit=1",
	"/api/v1/addresses/{address}": "/api/v1/addresses/v1",
	"/api/v1/validators":          "/api/v1/validators",
	"/api/v1/proposals":           "/api/v1/proposals",
	"/api/v1/proposals/{id}":      "/api/v1/proposals/p%2F1",
	"/api/v1/timeline/{id}":       "/api/v1/timeline/v1?limit=1",
	"/api/v1/events":              "/api/v1/events",
	"/api/v1/events/{seq}":        "/api/v1/events/1",
	"/api/v1/stats":               "/api/v1/stats",
	"/api/v1/stats/series":        "/api/v1/stats/series?metric=messages,tips&step=10s",
	"/api/v1/search":              "/api/v1/search?q=m",
	"/api/v1/openapi.json":        "/api/v1/openapi.json",
	"/health":                     "/health",
	"/health/streaming":           "/health/streaming",
}

// Every operation that is described is there, and answers with every status that it is
// described with and with no other; every answer is as its schema says.
func TestEveryAnswerIsDescribed(t *testing.T) {
	f := newFront(t)
	f.add(t, network)
	for path, item := range described().Paths.Map() {
		if len(item.Operations()) != 1 || item.Get == nil {
			t.Fatalf("%s is described with other methods than GET", path)
		}
		sample, ok := samples[path]
		if !ok {
			t.Fatalf("there is no sample of %s", path)
		}
		if a := f.get(t, sample); a.StatusCode != http.StatusOK {
			t.Errorf("GET %s = %d %s, want 200", sample, a.StatusCode, a.body)
		} else if a := f.get(t, sample, "If-None-Match: "+a.Header.Get("ETag")); a.Header.Get("ETag") != "" && a.StatusCode == http.StatusNotModified {
			f.note(path, a.StatusCode)
		}
		wantError(t, f.get(t, path+"?nothing=1"), http.StatusBadRequest)
		before, _, named := strings.Cut(path, "{")
		if named {
			wantError(t, f.get(t, before+"999999"), http.StatusNotFound)
			wantError(t, f.get(t, before+strings.Repeat("9", maxID+1)), http.StatusRequestURITooLong)
		}
	}
	f.queries = 0 // every query takes too long
	for _, sample := range samples {
		f.get(t, sample)
	}
	f.queries = queryTimeout
	if err := f.index.Close(); err != nil { // every query fails
		t.Fatal(err)
	}
	for _, sample := range samples {
		f.get(t, sample)
	}
	f.store, f.indexer = nil, nil // every handler panics
	f.get(t, samples["/health"])
	f.get(t, samples["/health/streaming"])
	for path, item := range described().Paths.Map() {
		for status := range item.Get.Responses.Map() {
			if !f.seen[path+" "+status] {
				t.Errorf("%s was never answered with %s, which is described", path, status)
			}
		}
	}
}

// Every route that has JSON is described, and nothing else.
func TestDescriptionHasTheRoutes(t *testing.T) {
	var want []string
	for _, r := range routes {
		if !r.page {
			want = append(want, r.path)
		}
	}
	slices.Sort(want)
	got := slices.Sorted(maps.Keys(described().Paths.Map()))
	if !slices.Equal(got, want) {
		t.Errorf("described are %v, want %v", got, want)
	}
}

// A path takes the parameters that it is described with, and says which if it is given
// another one.
func TestDescriptionHasTheParameters(t *testing.T) {
	f := newFront(t)
	for path, item := range described().Paths.Map() {
		takes := "it takes none"
		var names []string
		for _, p := range item.Get.Parameters {
			if p.Value.In == openapi3.ParameterInQuery {
				names = append(names, p.Value.Name)
			}
		}
		target, _, _ := strings.Cut(samples[path], "?")
		a := f.get(t, target+"?nothing=1")
		wantError(t, a, http.StatusBadRequest, `"nothing"`)
		if len(names) == 0 {
			wantError(t, a, http.StatusBadRequest, takes)
			continue
		}
		_, list, _ := strings.Cut(a.body, "it takes ")
		list, _, _ = strings.Cut(list, `"`)
		got := strings.Split(list, ", ")
		slices.Sort(got)
		slices.Sort(names)
		if !slices.Equal(got, names) {
			t.Errorf("%s takes %v, described are %v", path, got, names)
		}
	}
}

// The structs that are sent and the schemas have the same fields, of the same types,
// and the same are optional.
func TestSchemasAreTheStructs(t *testing.T) {
	tested := make(map[string]bool)
	for name, v := range map[string]any{
		"Error": failure{}, "Event": store.Event{}, "Moment": store.Moment{}, "Identifier": store.Identifier{},
		"Message": store.Message{}, "Deposit": store.Deposit{}, "Tips": store.Tips{}, "Tip": store.Tip{},
		"Address": store.Address{}, "Validator": store.Validator{}, "Proposal": store.Proposal{}, "Ballot": store.Ballot{},
		"Tally": store.Tally{}, "Stats": store.Stats{}, "Point": store.Point{}, "Hit": store.Hit{},
		"MessagePage": page[store.Message]{}, "AddressPage": page[store.Address]{}, "ValidatorPage": page[store.Validator]{},
		"ProposalPage": page[store.Proposal]{}, "EventPage": page[store.Event]{}, "Timeline": timelinePage{},
		"Series": series{}, "SeriesOfMetric": metricPoints{}, "Found": found{},
		"Health": healthPage{}, "StreamingHealth": streamingPage{}, "Connection": connectionPage{}, "Processed": eventsPage{},
	} {
		schema := described().Components.Schemas[name]
		if schema == nil {
			t.Errorf("there is no schema %s", name)
			continue
		}
		tested[name] = true
		agree(t, name, schema.Value, reflect.TypeOf(v))
	}
	tested["Lost"] = true // event.Dropped writes itself
	for name := range described().Components.Schemas {
		if !tested[name] {
			t.Errorf("there is no struct for the schema %s", name)
		}
	}
}

func agree(t *testing.T, where string, schema *openapi3.Schema, of reflect.Type) {
	t.Helper()
	if schema.AdditionalProperties.Has == nil || *schema.AdditionalProperties.Has {
		t.Errorf("%s allows what is not described", where)
	}
	found := make(map[string]bool)
	for _, field := range sent(of) {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		found[name] = true
		property := schema.Properties[name]
		if property == nil {
			t.Errorf("%s lacks %s", where, name)
			continue
		}
		if optional := strings.Contains(options, "omit"); optional == slices.Contains(schema.Required, name) {
			t.Errorf("%s.%s: optional in the struct is %t", where, name, optional)
		}
		if got, want := kind(property.Value), goKind(field.Type); got != want && want != "" {
			t.Errorf("%s.%s is described as %s, want %s", where, name, got, want)
		}
	}
	for name := range schema.Properties {
		if !found[name] {
			t.Errorf("%s has %s, the struct has not", where, name)
		}
	}
}

// sent are the fields that encoding/json sends, those of embedded structs among them.
func sent(of reflect.Type) (fields []reflect.StructField) {
	for i := range of.NumField() {
		field := of.Field(i)
		if field.Anonymous {
			fields = append(fields, sent(field.Type)...)
			continue
		}
		fields = append(fields, field)
	}
	return fields
}

func kind(s *openapi3.Schema) string {
	if s.Format == "date-time" {
		return "time"
	}
	return s.Type.Slice()[0]
}

// goKind is the type that encoding/json makes of a Go type, "" if that is open.
func goKind(of reflect.Type) string {
	switch of {
	case reflect.TypeFor[time.Time]():
		return "time"
	case reflect.TypeFor[json.Number]():
		return "integer"
	case reflect.TypeFor[json.RawMessage]():
		return ""
	}
	switch of.Kind() {
	case reflect.Pointer:
		return goKind(of.Elem())
	case reflect.String:
		return "string"
	case reflect.Int64, reflect.Uint64, reflect.Int:
		return "integer"
	case reflect.Float64:
		return "number"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice:
		return "array"
	case reflect.Map, reflect.Struct:
		return "object"
	}
	return fmt.Sprint(of)
}
