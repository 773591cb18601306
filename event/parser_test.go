package event

import (
	"strings"
	"testing"
	"time"
)

// receipt is the time of receipt in tests.
var receipt = time.Date(2025, 6, 1, 12, 0, 0, 5_999_999, time.UTC)

func testParser() *Parser {
	return &Parser{Catalogue: Default(), Now: func() time.Time { return receipt }}
}

func TestParseEvent(t *testing.T) {
	const stamp = `"timestamp":"2024-01-15T10:30:00Z"`
	for _, test := range []struct{ name, in, flat, tagged string }{
		{
			name:   "flat",
			in:     `{"type":"MessageAdded","message_id":"ab12","depth":42,"timestamp":"2024-01-15T10:30:00Z"}`,
			flat:   `{"type":"MessageAdded","message_id":"ab12","depth":42,"timestamp":"2024-01-15T10:30:00Z"}`,
			tagged: `{"type":"MessageAdded","data":{"message_id":"ab12","depth":42,"timestamp":1705314600}}`,
		}, {
			name:   "tagged",
			in:     `{"type":"MessageAdded","data":{"message_id":"ab12","depth":42,"timestamp":1705314600}}`,
			flat:   `{"type":"MessageAdded","message_id":"ab12","depth":42,"timestamp":"2024-01-15T10:30:00Z"}`,
			tagged: `{"type":"MessageAdded","data":{"message_id":"ab12","depth":42,"timestamp":1705314600}}`,
		}, {
			name:   "tagged, data first",
			in:     `{"data":{"message_id":"ab12","depth":42,"timestamp":1705314600},"type":"MessageAdded"}`,
			tagged: `{"type":"MessageAdded","data":{"message_id":"ab12","depth":42,"timestamp":1705314600}}`,
		}, {
			name: "alias",
			in:   `{"type":"message.new","message_id":"ab12","depth":42,` + stamp + `}`,
			flat: `{"type":"MessageAdded","message_id":"ab12","depth":42,` + stamp + `}`,
		}, {
			name:   "Unix seconds in the flat form",
			in:     `{"type":"MessageAdded","message_id":"ab12","depth":42,"timestamp":1705314600.75}`,
			flat:   `{"type":"MessageAdded","message_id":"ab12","depth":42,"timestamp":"2024-01-15T10:30:00.75Z"}`,
			tagged: `{"type":"MessageAdded","data":{"message_id":"ab12","depth":42,"timestamp":1705314600}}`,
		}, {
			name:   "RFC 3339 in the tagged form",
			in:     `{"type":"MessageAdded","data":{"message_id":"ab12","depth":42,"timestamp":"2024-01-15T11:30:00.75+01:00"}}`,
			flat:   `{"type":"MessageAdded","message_id":"ab12","depth":42,"timestamp":"2024-01-15T10:30:00.75Z"}`,
			tagged: `{"type":"MessageAdded","data":{"message_id":"ab12","depth":42,"timestamp":1705314600}}`,
		}, {
			name:   "no timestamp",
			in:     `{"type":"MessageAdded","message_id":"ab12","depth":42}`,
			flat:   `{"type":"MessageAdded","message_id":"ab12","depth":42,"timestamp":"2025-06-01T12:00:00.005Z"}`,
			tagged: `{"type":"MessageAdded","data":{"message_id":"ab12","depth":42,"timestamp":1748779200}}`,
		}, {
			name:   "no timestamp in the tagged form",
			in:     `{"type":"MessageAdded","data":{"message_id":"ab12","depth":42}}`,
			tagged: `{"type":"MessageAdded","data":{"message_id":"ab12","depth":42,"timestamp":1748779200}}`,
		}, {
			name:   "order of fields, type last",
			in:     `{"timestamp":1705314600,"depth":42,"message_id":"ab12","type":"MessageAdded"}`,
			flat:   `{"type":"MessageAdded","timestamp":"2024-01-15T10:30:00Z","depth":42,"message_id":"ab12"}`,
			tagged: `{"type":"MessageAdded","data":{"timestamp":1705314600,"depth":42,"message_id":"ab12"}}`,
		}, {
			name: "fields that the catalogue does not name",
			in:   `{"type":"MessageAdded","x":{"y":[1,null]},"message_id":"ab12","x":1,"depth":42,` + stamp + `,"z":""}`,
			flat: `{"type":"MessageAdded","x":{"y":[1,null]},"message_id":"ab12","x":1,"depth":42,` + stamp + `,"z":""}`,
		}, {
			name:   "a field data in the flat form",
			in:     `{"type":"MessageAdded","data":{"a":1},"message_id":"ab12","depth":42,` + stamp + `}`,
			flat:   `{"type":"MessageAdded","data":{"a":1},"message_id":"ab12","depth":42,` + stamp + `}`,
			tagged: `{"type":"MessageAdded","data":{"data":{"a":1},"message_id":"ab12","depth":42,"timestamp":1705314600}}`,
		}, {
			name: "digits of numbers",
			in:   `{"type":"DiversityUpdated","diversity_score":0.10000000000000000000000000000001,"axes":[],"total_tips":18446744073709551615,"f":-1.50E+400,` + stamp + `}`,
			flat: `{"type":"DiversityUpdated","diversity_score":0.10000000000000000000000000000001,"axes":[],"total_tips":18446744073709551615,"f":-1.50E+400,` + stamp + `}`,
		}, {
			name: "escapes pass through",
			in:   `{"type":"Message\u0041dded","message\u005fid":"\u0061\/\ud83d\ude00\n","depth":42,` + stamp + `}`,
			flat: `{"type":"MessageAdded","message\u005fid":"\u0061\/\ud83d\ude00\n","depth":42,` + stamp + `}`,
		}, {
			name: "escaped type key",
			in:   `{"\u0074ype":"MessageAdded","message_id":"","depth":0,` + stamp + `}`,
			flat: `{"type":"MessageAdded","message_id":"","depth":0,` + stamp + `}`,
		}, {
			name:   "escaped timestamp key",
			in:     `{"type":"MessageAdded","message_id":"","depth":0,"\u0074imestamp":0}`,
			flat:   `{"type":"MessageAdded","message_id":"","depth":0,"\u0074imestamp":"1970-01-01T00:00:00Z"}`,
			tagged: `{"type":"MessageAdded","data":{"message_id":"","depth":0,"\u0074imestamp":0}}`,
		}, {
			name:   "escaped data key",
			in:     `{"type":"MessageAdded","\u0064ata":{"message_id":"","depth":0,"timestamp":0}}`,
			tagged: `{"type":"MessageAdded","data":{"message_id":"","depth":0,"timestamp":0}}`,
		}, {
			name:   "white space becomes one line",
			in:     "\r\n{\n\t\"type\" : \"TipsUpdated\" ,\n\t\"tips\" : [ \"a b\" ,\r\n \"c\\\" \" ] ,\n\t\"count\" : 2 , \"x\" : { \"y\" : [ ] } ,\n\t\"timestamp\" : 0\n}\n",
			flat:   `{"type":"TipsUpdated","tips":["a b","c\" "],"count":2,"x":{"y":[]},"timestamp":"1970-01-01T00:00:00Z"}`,
			tagged: `{"type":"TipsUpdated","data":{"tips":["a b","c\" "],"count":2,"x":{"y":[]},"timestamp":0}}`,
		}, {
			name: "enums in other spelling",
			in:   `{"type":"BalanceChanged","address":"a","balance_before":"1","balance_after":"2","change_amount":"1","change_type":"TransferIn",` + stamp + `}`,
			flat: `{"type":"BalanceChanged","address":"a","balance_before":"1","balance_after":"2","change_amount":"1","change_type":"TransferIn",` + stamp + `}`,
		}, {
			name: "enum with escapes",
			in:   `{"type":"MessageFinalized","message_id":"a","finality_type":"K\u0043ore",` + stamp + `}`,
			flat: `{"type":"MessageFinalized","message_id":"a","finality_type":"K\u0043ore",` + stamp + `}`,
		}, {
			name: "optional field missing",
			in:   `{"type":"KCoreUpdated","finalized_count":1,"pending_count":2,` + stamp + `}`,
			flat: `{"type":"KCoreUpdated","finalized_count":1,"pending_count":2,` + stamp + `}`,
		}, {
			name: "optional field null",
			in:   `{"type":"KCoreUpdated","finalized_count":1,"pending_count":2,"current_k_value":null,` + stamp + `}`,
			flat: `{"type":"KCoreUpdated","finalized_count":1,"pending_count":2,"current_k_value":null,` + stamp + `}`,
		}, {
			name: "records",
			in:   `{"type":"DiversityUpdated","diversity_score":1,"axes":[{"axis":0,"radius":1,"distinct_balls":2,"required_diversity":3,"meets_requirement":true,"more":[]}],"total_tips":1,` + stamp + `}`,
			flat: `{"type":"DiversityUpdated","diversity_score":1,"axes":[{"axis":0,"radius":1,"distinct_balls":2,"required_diversity":3,"meets_requirement":true,"more":[]}],"total_tips":1,` + stamp + `}`,
		}, {
			name: "more members than usual",
			in:   `{"type":"MessageAdded","message_id":"","depth":0` + strings.Repeat(`,"x":0`, 100) + `,` + stamp + `}`,
			flat: `{"type":"MessageAdded","message_id":"","depth":0` + strings.Repeat(`,"x":0`, 100) + `,` + stamp + `}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, err := testParser().ParseEvent([]byte(test.in))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(e.JSON(Flat)); test.flat != "" && got != test.flat {
				t.Errorf("flat\n got %s\nwant %s", got, test.flat)
			}
			if got := string(e.JSON(Tagged)); test.tagged != "" && got != test.tagged {
				t.Errorf("tagged\n got %s\nwant %s", got, test.tagged)
			}
			if e.Accepted != receipt.UnixNano() {
				t.Errorf("Accepted = %d, want %d", e.Accepted, receipt.UnixNano())
			}
			typ := Default().Type(e.Type)
			if e.Priority != typ.Priority || e.Name() != typ.Name || e.Alias() != typ.Alias {
				t.Errorf("%s event %s (%s), want %+v", e.Priority, e.Name(), e.Alias(), typ)
			}
		})
	}
}

func TestRefusedEvents(t *testing.T) {
	added := func(fields string) string { return `{"type":"MessageAdded",` + fields + `}` }
	axis := func(fields string) string {
		return `{"type":"DiversityUpdated","diversity_score":1,"total_tips":1,"axes":[{"axis":0,"radius":1,"distinct_balls":2,"required_diversity":3,"meets_requirement":true},{` + fields + `}]}`
	}
	for _, test := range []struct{ name, in, wantErr string }{
		{"array", `[]`, "expected an object, got an array"},
		{"string", `"abc"`, `expected an object, got "abc"`},
		{"number", `42`, "expected an object, got 42"},
		{"word", `events`, "invalid JSON at byte 0: unexpected 'e'"},
		{"nothing", ``, "unexpected end"},
		{"cut", `{"type":"MessageAdded","message_id":"ab`, "invalid JSON at byte 39: unexpected end"},
		{"two", `{"type":"NodeStarted","node_id":"","version":""} {}`, "byte 49: unexpected '{', expected nothing behind the event"},
		{"invalid UTF-8", added("\"message_id\":\"\xff\",\"depth\":1"), "invalid UTF-8"},
		{"half a surrogate pair", added(`"message_id":"\ud800","depth":1`), "half a surrogate pair"},

		{"no type", `{"message_id":"a","depth":1}`, `missing field "type"`},
		{"empty object", `{}`, `missing field "type"`},
		{"type in other case", `{"Type":"MessageAdded"}`, `missing field "type"`},
		{"type no string", `{"type":7}`, `field "type": expected a string, got 7`},
		{"type twice", added(`"type":"MessageAdded","message_id":"a","depth":1`), `field "type" is given twice`},
		{"type twice, escaped", added(`"t\u0079pe":"MessageAdded","message_id":"a","depth":1`), `field "type" is given twice`},
		{"type twice, tagged", `{"type":"MessageAdded","data":{"type":"MessageAdded","message_id":"a","depth":1}}`, `key "type" is not allowed inside "data"`},
		{"unknown type", `{"type":"MesageAdded"}`, `unknown event type "MesageAdded" (did you mean "MessageAdded"?)`},
		{"type in another case", `{"type":"messageadded"}`, `(did you mean "MessageAdded"?)`},
		{"unknown type, nothing near", `{"type":"\u001b[2J"}`, `unknown event type "\x1b[2J"`},
		{"prefix", `{"type":"vrf.*"}`, `unknown event type "vrf.*"`},

		{"missing field", added(`"message_id":"a"`), `missing field "depth" (uint)`},
		{"missing fields", added(`"timestamp":0`), `missing field "message_id" (string), "depth" (uint)`},
		{"missing field, tagged", `{"type":"MessageAdded","data":{}}`, `missing field "message_id" (string), "depth" (uint)`},
		{"neither flat nor tagged", `{"type":"MessageAdded","data":{"message_id":"a","depth":1},"id":7}`, `"depth" (uint) (keys beside "type" and "data" make it the flat form)`},
		{"data no object", `{"type":"MessageAdded","data":[]}`, `missing field "message_id"`},
		{"field twice", added(`"message_id":"a","depth":1,"depth":1`), `field "depth" is given twice`},
		{"field twice, escaped", added(`"message_id":"a","depth":1,"dept\u0068":1`), `field "depth" is given twice`},
		{"timestamp twice", added(`"message_id":"a","depth":1,"timestamp":1,"timestamp":1`), `field "timestamp" is given twice`},
		{"field in other case", added(`"message_id":"a","Depth":1`), `missing field "depth"`},

		{"string is a number", added(`"message_id":1,"depth":1`), `field "message_id": expected a string, got 1`},
		{"string is null", added(`"message_id":null,"depth":1`), `field "message_id": expected a string, got null`},
		{"uint in quotes", added(`"message_id":"a","depth":"1"`), `field "depth": expected an integer from 0 to 18446744073709551615, got "1"`},
		{"uint negative", added(`"message_id":"a","depth":-1`), `got -1`},
		{"uint minus zero", added(`"message_id":"a","depth":-0`), `got -0`},
		{"uint with fraction", added(`"message_id":"a","depth":42.5`), `got 42.5`},
		{"uint with zero fraction", added(`"message_id":"a","depth":42.0`), `got 42.0`},
		{"uint with exponent", added(`"message_id":"a","depth":1e3`), `got 1e3`},
		{"uint over 64 bits", added(`"message_id":"a","depth":18446744073709551616`), `got 18446744073709551616`},
		{"uint far over 64 bits", added(`"message_id":"a","depth":` + strings.Repeat("9", 100) + `}`), `got ` + strings.Repeat("9", 40) + "…"},
		{"uint null", added(`"message_id":"a","depth":null`), `got null`},
		{"float in quotes", `{"type":"SyncProgress","peer_id":"p","synced_messages":1,"progress_percent":"1.5"}`, `field "progress_percent": expected a number, got "1.5"`},
		{"bool is a number", `{"type":"FraudProofVerified","proof_id":"p","subject_id":"s","is_valid":1}`, `field "is_valid": expected true or false, got 1`},
		{"list is a string", `{"type":"TipsUpdated","tips":"a","count":1}`, `field "tips": expected an array, got "a"`},
		{"list is null", `{"type":"TipsUpdated","tips":null,"count":1}`, `field "tips": expected an array, got null`},
		{"list of numbers", `{"type":"TipsUpdated","tips":["a",2],"count":1}`, `field "tips[1]": expected a string, got 2`},
		{"list with null", `{"type":"TipsUpdated","tips":[null],"count":1}`, `field "tips[0]": expected a string, got null`},
		{"optional of another type", `{"type":"KCoreUpdated","finalized_count":1,"pending_count":2,"current_k_value":"3"}`, `field "current_k_value": expected an integer`},
		{"unknown enum", `{"type":"MessageFinalized","message_id":"a","finality_type":"k-core"}`, `field "finality_type": expected one of kcore, homology, composite, got "k-core"`},
		{"enum is a number", `{"type":"MessageFinalized","message_id":"a","finality_type":0}`, `got 0`},
		{"part of an enum", `{"type":"MessageFinalized","message_id":"a","finality_type":"kcor"}`, `got "kcor"`},
		{"Kelvin sign", `{"type":"MessageFinalized","message_id":"a","finality_type":"` + "\u212a" + `core"}`, "got \"\u212acore\""},
		{"record no object", `{"type":"DiversityUpdated","diversity_score":1,"axes":[7],"total_tips":1}`, `field "axes[0]": expected an object (axis), got 7`},
		{"record with a missing field", axis(`"axis":0,"radius":1,"distinct_balls":2,"required_diversity":3`), `field "axes[1]": missing field "meets_requirement" (bool)`},
		{"record with a wrong field", axis(`"axis":0,"radius":-1`), `field "axes[1].radius": expected an integer`},
		{"record with a field twice", axis(`"axis":0,"axis":1`), `field "axes[1]": field "axis" is given twice`},
		{"timestamp null", added(`"message_id":"a","depth":1,"timestamp":null`), `field "timestamp": expected an RFC 3339 time such as "2024-01-15T10:30:00Z" or Unix seconds, in the years 0 to 9999, got null`},
		{"timestamp in milliseconds", added(`"message_id":"a","depth":1,"timestamp":1705314600000`), `got 1705314600000`},

		{"invisible characters", added(`"message_id":1,"depth":"` + "\u202e\u2028\x7f" + `"`), `expected a string`},
		{"invisible characters shown", added(`"message_id":"a","depth":"` + "\u202e\u2028\x7f" + `"`), `got "\u202e\u2028\x7f"`},
		{"endless string", added(`"message_id":"a","depth":"` + strings.Repeat("é", 1000) + `"`), `got "` + strings.Repeat("é", 19) + "…"},
		{"too deep", added(`"message_id":"a","depth":1,"x":` + strings.Repeat("[", 64) + strings.Repeat("]", 64)), "nested deeper than 64"},
		{"too deep for the tagged form", added(`"message_id":"a","depth":1,"x":` + strings.Repeat("[", 63) + strings.Repeat("]", 63)), "nested deeper than 63; the tagged form needs one level more"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := test.in
			e, err := testParser().ParseEvent([]byte(in))
			checkError(t, err, test.wantErr)
			checkErrorText(t, err, in)
			if e != nil {
				t.Error("an event came with the error")
			}
		})
	}
}

func TestParserKeepsNothingOfTheBody(t *testing.T) {
	body := []byte(`[{"type":"MessageAdded","message_id":"ab12","depth":42,"timestamp":"2024-01-15T10:30:00.123Z"}]`)
	events, err := testParser().ParseBatch(body)
	if err != nil {
		t.Fatal(err)
	}
	want := string(body[1 : len(body)-1])
	for i := range body {
		body[i] = 'x'
	}
	if got := string(events[0].JSON(Flat)); got != want {
		t.Errorf("after the body was used again the event is %s", got)
	}
}

func TestParserTellsTheTime(t *testing.T) {
	before := time.Now().UnixNano()
	e, err := (&Parser{Catalogue: Default()}).ParseEvent([]byte(`{"type":"NodeStarted","node_id":"1","version":"v"}`))
	if err != nil {
		t.Fatal(err)
	}
	if after := time.Now().UnixNano(); e.Accepted < before || e.Accepted > after {
		t.Errorf("accepted at %d, not between %d and %d", e.Accepted, before, after)
	}
}

func TestParsingAllocatesTheEventAlone(t *testing.T) {
	p := testParser()
	body := []byte(`{"type":"finality.update","data":{"message_id":"ab12","finality_type":"KCore","timestamp":1705314600.25}}`)
	n := testing.AllocsPerRun(100, func() {
		if _, err := p.ParseEvent(body); err != nil {
			t.Fatal(err)
		}
	})
	if n > 2 {
		t.Errorf("%v allocations, want 2: the event and its bytes", n)
	}
}
