package event

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestDefaultCatalogue(t *testing.T) {
	c := Default()
	if c != Default() {
		t.Error("Default parses every time")
	}
	if c.Len() != 54 || len(c.Types()) != 54 || c.All().Len() != 54 {
		t.Fatalf("Len %d, Types %d, All %d; want 54", c.Len(), len(c.Types()), c.All().Len())
	}
	var counted TypeSet
	for i, typ := range c.Types() {
		if int(typ.ID) != i || c.Type(typ.ID).Name != typ.Name {
			t.Errorf("type %d (%s) has ID %d", i, typ.Name, typ.ID)
		}
		for _, name := range []string{typ.Name, typ.Alias} {
			if id, ok := c.Lookup(name); !ok || id != typ.ID {
				t.Errorf("Lookup(%q) = %d, %t; want %d", name, id, ok, typ.ID)
			}
			if id, ok := c.LookupBytes([]byte(name)); !ok || id != typ.ID {
				t.Errorf("LookupBytes(%q) = %d, %t; want %d", name, id, ok, typ.ID)
			}
		}
		for _, p := range Priorities() {
			if got := c.OfPriorities(PrioritySet(0).With(p)).Has(typ.ID); got != (p == typ.Priority) {
				t.Errorf("%s is of priority %s: %t", typ.Name, p, got)
			}
		}
	}
	for _, p := range Priorities() {
		counted = counted.Union(c.OfPriorities(PrioritySet(0).With(p)))
	}
	if counted != c.All() || c.OfPriorities(AllPriorities) != c.All() || !c.OfPriorities(0).IsEmpty() {
		t.Error("the classes together are not all types")
	}
	if _, ok := c.Lookup("tipsUpdated"); ok {
		t.Error("Lookup ignores case")
	}
}

func TestDefaultCatalogueSamples(t *testing.T) {
	for _, test := range []struct {
		name, alias string
		priority    Priority
		fields      string
	}{
		{"TipsUpdated", "tips.update", High, "tips:[]string count:uint timestamp:timestamp"},
		{"MessageFinalized", "finality.update", High, "message_id:string finality_type:enum:kcore|homology|composite timestamp:timestamp"},
		{"DiversityUpdated", "diversity.update", Medium, "diversity_score:float axes:[]axis total_tips:uint timestamp:timestamp"},
		{"KCoreUpdated", "kcore.update", Medium, "finalized_count:uint pending_count:uint current_k_value:uint? timestamp:timestamp"},
		{"GenesisLoaded", "genesis.loaded", Low, "chain_id:string genesis_hash:string total_supply:string timestamp:timestamp"},
	} {
		id, ok := Default().Lookup(test.name)
		if !ok {
			t.Errorf("no type %s", test.name)
			continue
		}
		typ := Default().Type(id)
		var fields []string
		for _, f := range typ.Fields {
			fields = append(fields, f.Name+":"+f.Type())
		}
		if got := strings.Join(fields, " "); typ.Alias != test.alias || typ.Priority != test.priority || got != test.fields {
			t.Errorf("%s: alias %s, priority %s, fields %s", test.name, typ.Alias, typ.Priority, got)
		}
	}
}

func TestNamesAreInCatalogueOrder(t *testing.T) {
	c := Default()
	got := c.Names(setOf(t, c, "ReceiptValidated", "TipsUpdated", "MessageAdded"))
	if want := []string{"TipsUpdated", "MessageAdded", "ReceiptValidated"}; !slices.Equal(got, want) {
		t.Errorf("Names = %q, want %q", got, want)
	}
	if got := c.Names(TypeSet{}); got == nil || len(got) != 0 {
		t.Errorf("Names of nothing = %#v, want an empty list that is [] in JSON", got)
	}
}

// TestCatalogueJSON compares what clients are told with the declaration.
func TestCatalogueJSON(t *testing.T) {
	type field struct{ Name, Type string }
	type typ struct {
		Name, Alias, Priority string
		Fields                []field
	}
	var declared struct {
		Axis   []field
		Events []typ
	}
	var told struct {
		Types   []typ
		Records map[string][]field
	}
	for _, doc := range []struct {
		data []byte
		into any
	}{{defaultJSON, &declared}, {Default().JSON(), &told}} {
		if err := json.Unmarshal(doc.data, doc.into); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := fmt.Sprint(told.Types), fmt.Sprint(declared.Events); got != want {
		t.Errorf("types are told as\n%s\nbut declared as\n%s", got, want)
	}
	if got, want := fmt.Sprint(told.Records), fmt.Sprint(map[string][]field{"axis": declared.Axis}); got != want {
		t.Errorf("records are told as %s, but declared as %s", got, want)
	}
}

func TestLookupBytesAllocatesNothing(t *testing.T) {
	c, name := Default(), []byte("finality.update")
	if n := testing.AllocsPerRun(100, func() { c.LookupBytes(name) }); n != 0 {
		t.Errorf("LookupBytes: %v allocations", n)
	}
}

// typeWith returns a catalogue of one type with the fields and a timestamp.
func typeWith(fields string) string {
	return `{"events":[{"name":"A","alias":"a.b","priority":"low","fields":[` + fields + `{"name":"timestamp","type":"timestamp"}]}]}`
}

func TestParseCatalogue(t *testing.T) {
	const stamp = `{"name":"timestamp","type":"timestamp"}`
	named := func(name, alias string) string {
		return fmt.Sprintf(`{"name":%q,"alias":%q,"priority":"low","fields":[%s]}`, name, alias, stamp)
	}
	many := make([]string, MaxTypes+1)
	for i := range many {
		many[i] = named(fmt.Sprintf("T%d", i), fmt.Sprintf("t.%d", i))
	}
	fields := make([]string, maxFields)
	for i := range fields {
		fields[i] = fmt.Sprintf(`{"name":"f%d","type":"uint"},`, i)
	}
	for _, test := range []struct{ name, data, wantErr string }{
		{"smallest", typeWith(""), ""},
		{"every type", typeWith(`{"name":"a","type":"string?"},{"name":"b","type":"[]uint"},{"name":"c","type":"float"},{"name":"d","type":"[]bool?"},{"name":"e","type":"enum:x|y"},`), ""},
		{"record declared behind", `{"events":[{"name":"A","alias":"a","priority":"low","fields":[{"name":"p","type":"point?"},` + stamp + `]}],"point":[{"name":"x","type":"float"}]}`, ""},
		{"alias that is the name", `{"events":[` + named("tick", "tick") + `]}`, ""},
		{"escapes", `{"\u0065vents":[` + named("tick", "t") + `]}`, ""},
		{"256 types", `{"events":[` + strings.Join(many[:MaxTypes], ",") + `]}`, ""},
		{"64 fields", typeWith(strings.Join(fields[1:], "")), ""},

		{"empty", "", "line 1, column 1: unexpected end"},
		{"no JSON", "{\n  events: []\n}", "invalid JSON at line 2, column 3: unexpected 'e', expected a key"},
		{"two documents", typeWith("") + typeWith(""), "expected nothing behind the catalogue"},
		{"no object", `[]`, `expected an object with the key "events", got an array`},
		{"no events", `{"event":[]}`, `missing key "events"`},
		{"events twice", `{"events":[],"events":[]}`, `key "events" is given twice`},
		{"events no array", `{"events":{}}`, "events: expected an array, got an object"},
		{"no types", `{"events":[]}`, "no event types"},
		{"257 types", `{"events":[` + strings.Join(many, ",") + `]}`, `more than 256 event types`},
		{"65 fields", typeWith(strings.Join(fields, "")), `event 0 ("A"): more than 64 fields`},
		{"type no object", `{"events":[` + named("A", "a") + `,7]}`, `event 1 (""): expected an object, got 7`},
		{"unknown key", `{"events":[{"name":"A","alias":"a","prio":"low","fields":[` + stamp + `]}]}`, `event 0 ("A"): unknown key "prio"`},
		{"key in other case", `{"events":[{"Name":"A","alias":"a","priority":"low","fields":[` + stamp + `]}]}`, `unknown key "Name" (did you mean "name"?)`},
		{"key twice", `{"events":[{"name":"A","name":"A","alias":"a","priority":"low","fields":[` + stamp + `]}]}`, `event 0 ("A"): key "name" is given twice`},
		{"missing key", `{"events":[{"name":"A","priority":"low","fields":[` + stamp + `]}]}`, `event 0 ("A"): missing key "alias"`},
		{"name no string", `{"events":[{"name":1,"alias":"a","priority":"low","fields":[` + stamp + `]}]}`, `name: expected a string, got 1`},
		{"empty name", `{"events":[` + named("", "a") + `]}`, "name is empty"},
		{"long alias", `{"events":[` + named("A", strings.Repeat("a", 65)) + `]}`, "longer than 64 bytes"},
		{"comma in a name", `{"events":[` + named("A,B", "a") + `]}`, `name "A,B" has characters other than`},
		{"newline in an alias", `{"events":[` + named("A", "a\nb") + `]}`, `alias "a\nb" has characters other than`},
		{"reserved all", `{"events":[` + named("A", "all") + `]}`, `alias "all" is reserved: it selects all types`},
		{"reserved Lagged", `{"events":[` + named("Lagged", "a") + `]}`, `name "Lagged" is reserved`},
		{"reserved error", `{"events":[` + named("A", "error") + `]}`, `alias "error" is reserved`},
		{"two of a name", `{"events":[` + named("A", "a") + `,` + named("A", "b") + `]}`, `event 1 ("A"): name "A" is already a name or alias of A`},
		{"two of an alias", `{"events":[` + named("A", "a") + `,` + named("B", "a") + `]}`, `event 1 ("B"): alias "a" is already a name or alias of A`},
		{"name that is an alias", `{"events":[` + named("A", "B") + `,` + named("B", "b") + `]}`, `event 1 ("B"): name "B" is already a name or alias of A`},
		{"alias that is a name", `{"events":[` + named("A", "a") + `,` + named("B", "A") + `]}`, `event 1 ("B"): alias "A" is already a name or alias of A`},
		{"unknown priority", `{"events":[{"name":"A","alias":"a","priority":"urgent","fields":[` + stamp + `]}]}`, `event 0 ("A"): unknown priority "urgent"`},
		{"fields no array", `{"events":[{"name":"A","alias":"a","priority":"low","fields":{}}]}`, `event 0 ("A"): expected an array of fields, got an object`},
		{"unknown field type", typeWith(`{"name":"f","type":"unit"},`), `event 0 ("A"): field 0 ("f"): unknown type "unit" (did you mean "uint"?)`},
		{"undeclared record", typeWith(`{"name":"f","type":"[]axis"},`), `unknown type "axis"`},
		{"list of lists", typeWith(`{"name":"f","type":"[][]uint"},`), `unknown type "[]uint"`},
		{"twice optional", typeWith(`{"name":"f","type":"uint??"},`), `unknown type "uint?"`},
		{"field twice", typeWith(`{"name":"f","type":"uint"},{"name":"f","type":"uint"},`), `event 0 ("A"): field "f" is declared twice`},
		{"unknown field key", typeWith(`{"name":"f","type":"uint","unit":"s"},`), `field 0 ("f"): unknown key "unit"`},
		{"field no object", typeWith(`7,`), `event 0 ("A"): field 0 (""): expected an object, got 7`},
		{"field name no string", typeWith(`{"name":7,"type":"uint"},`), `field 0 (""): name: expected a string, got 7`},
		{"field type no string", typeWith(`{"name":"f","type":[]},`), `field 0 ("f"): type: expected a string, got an array`},
		{"priority no string", strings.Replace(typeWith(""), `"low"`, "2", 1), `event 0 ("A"): priority: expected a string, got 2`},
		{"misspelt record", `{"axis":[],` + typeWith(`{"name":"f","type":"[]axes"},`)[1:], `unknown type "axes" (did you mean "axis"?)`},
		{"two records", `{"p":[],"q":[{"name":"x","type":"uint"}],` + typeWith(`{"name":"f","type":"q"},`)[1:], ""},
		{"field name", typeWith(`{"name":"f\"","type":"uint"},`), `name "f\"" has characters other than`},
		{"field named type", typeWith(`{"name":"type","type":"uint"},`), `field "type": the key holds the type of the event`},
		{"empty enum", typeWith(`{"name":"f","type":"enum:"},`), `enum value is empty`},
		{"enum value twice", typeWith(`{"name":"f","type":"enum:a_b|AB"},`), `enum values "a_b" and "AB" differ in case and underscores only`},
		{"no timestamp", `{"events":[{"name":"A","alias":"a","priority":"low","fields":[]}]}`, `event 0 ("A"): no field "timestamp" of type timestamp`},
		{"timestamp of other type", `{"events":[{"name":"A","alias":"a","priority":"low","fields":[{"name":"timestamp","type":"uint"}]}]}`, `field "timestamp": the field "timestamp", and no other, is of type timestamp`},
		{"second timestamp", typeWith(`{"name":"until","type":"timestamp"},`), `field "until": the field "timestamp", and no other, is of type timestamp`},
		{"list of timestamps", typeWith(`{"name":"f","type":"[]timestamp"},`), `a timestamp is neither a list nor optional`},
		{"record twice", `{"p":[],"p":[],` + typeWith("")[1:], `record "p": declared twice`},
		{"record named as a type", `{"uint":[],` + typeWith("")[1:], `record "uint": a field type already has the name`},
		{"record name", `{"a b":[],` + typeWith("")[1:], `record "a b": name "a b" has characters other than`},
		{"record no array", `{"event":{},` + typeWith("")[1:], `record "event": expected an array of fields, got an object`},
		{"record with a timestamp", `{"p":[` + stamp + `],` + typeWith("")[1:], `record "p": field "timestamp": only event types have a timestamp`},
		{"record in a record", `{"p":[],"q":[{"name":"p","type":"p"}],` + typeWith("")[1:], `record "q": field "p": a record cannot hold a record`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := ParseCatalogue([]byte(test.data))
			checkError(t, err, test.wantErr)
			if err != nil {
				if c != nil {
					t.Error("a catalogue came with the error")
				}
				checkErrorText(t, err, test.data)
			} else if !json.Valid(c.JSON()) {
				t.Errorf("JSON() is none: %s", c.JSON())
			}
		})
	}
}

func FuzzParseCatalogue(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"events":[]}`, typeWith(""), typeWith(`{"name":"f","type":"enum:a|b"},`),
		`{"p":[{"name":"x","type":"[]float?"}],` + typeWith(`{"name":"p","type":"[]p"},`)[1:], `{"events":[{}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseCatalogue(data)
		if err != nil {
			checkErrorText(t, err, string(data))
			return
		}
		if !json.Valid(data) || !json.Valid(c.JSON()) {
			t.Errorf("%q was accepted and gives %s", data, c.JSON())
		}
		if set, _, err := c.ParseTypes(c.Names(c.All())); err != nil || set != c.All() || c.Len() == 0 {
			t.Errorf("the %d names select %d types, %v", c.Len(), set.Len(), err)
		}
	})
}

// Events of types that a catalogue lacks can pass, under their name and as they are.
func TestWithUnknown(t *testing.T) {
	c, err := Default().WithUnknown()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.WithUnknown(); again != c || err != nil {
		t.Error("a second time it is another one")
	}
	if c.Len() != 54 || len(c.Types()) != 54 || len(c.Names(c.All())) != 54 || string(c.JSON()) != string(Default().JSON()) {
		t.Errorf("%d types, %d names", c.Len(), len(c.Names(c.All())))
	}
	for _, test := range []struct{ name, in, flat string }{
		{"flat", `{"type":"BridgeOpened","bridge":{"to":"x"},"n":1.50,"timestamp":"2024-01-15T10:30:00Z"}`,
			`{"type":"BridgeOpened","bridge":{"to":"x"},"n":1.50,"timestamp":"2024-01-15T10:30:00Z"}`},
		{"tagged", `{"type":"BridgeOpened","data":{"n":7,"timestamp":1705314600}}`,
			`{"type":"BridgeOpened","n":7,"timestamp":"2024-01-15T10:30:00Z"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := Parser{Catalogue: c, PassUnknown: true}
			e, err := p.ParseEvent([]byte(test.in))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(e.JSON(Flat)); got != test.flat || e.Name() != "BridgeOpened" || e.Priority != Medium || !c.IsUnknown(e) {
				t.Errorf("%s is %s, %v, %v", e.Name(), got, e.Priority, c.IsUnknown(e))
			}
			all, every, err := c.ParseTypes([]string{"all"})
			medium := c.OfPriorities(PrioritySet(0).With(Medium))
			if err != nil || !every || !all.Has(e.Type) || !medium.Has(e.Type) || c.Type(e.Type).Priority != Medium {
				t.Error("who asks for all does not get it")
			}
		})
	}
	for _, refused := range []Parser{{Catalogue: c}, {Catalogue: Default(), PassUnknown: true}} {
		if _, err := refused.ParseEvent([]byte(`{"type":"BridgeOpened"}`)); err == nil {
			t.Error("an unknown type was taken by who was not told to")
		}
	}
	p := Parser{Catalogue: c, PassUnknown: true}
	for _, name := range []string{"", "a b", `a\"b`, `a\nb`, "ä"} {
		if _, err := p.ParseEvent([]byte(`{"type":"` + name + `"}`)); err == nil {
			t.Errorf("%q was taken for a name", name)
		}
	}
	if e, err := p.ParseEvent([]byte(`{"type":"MessageAdded","message_id":"a","depth":1}`)); err != nil || c.IsUnknown(e) {
		t.Errorf("a known type: %v", err)
	}
}
