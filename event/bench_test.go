package event

import (
	"strings"
	"testing"
)

func benchmarkParse(b *testing.B, text string) {
	p := Parser{Catalogue: Default(), MaxEventSize: 128 << 10}
	body := []byte(text)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.ParseEvent(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseEvent(b *testing.B) {
	for _, bench := range []struct{ name, text string }{
		{"flat", `{"type":"TransferRecorded","from_address":"adic1qxy2kgdygjrsqtzq2n0yrf2493p83kkf","to_address":"adic1q9zpgru5lw7wgk3p0hx9","amount":"1250.75","reason":"payment","tx_hash":"9f86d081884c7d65","timestamp":"2024-01-15T10:30:00Z"}`},
		{"tagged", `{"type":"TransferRecorded","data":{"from_address":"adic1qxy2kgdygjrsqtzq2n0yrf2493p83kkf","to_address":"adic1q9zpgru5lw7wgk3p0hx9","amount":"1250.75","reason":"payment","tx_hash":"9f86d081884c7d65","timestamp":1705314600}}`},
		{"spaced", `{ "type": "SyncProgress", "peer_id": "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp", "synced_messages": 182734, "progress_percent": 47.25, "timestamp": "2024-01-15T10:30:00Z" }`},
	} {
		b.Run(bench.name, func(b *testing.B) { benchmarkParse(b, bench.text) })
	}
}

func BenchmarkParseBatch(b *testing.B) {
	p := Parser{Catalogue: Default()}
	const events = 1000
	body := []byte(strings.Repeat(sample+"\n", events))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.ParseBatch(body); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*events), "ns/event")
}

// frameBenches are the encodings worth a number of their own.
var frameBenches = []struct {
	name string
	enc  Encoding
}{{"WSFlat", WSFlat}, {"WSTaggedID", WSTaggedID}, {"SSEFlat", SSEFlat}, {"WSFlatDeflate", WSFlatDeflate}}

// BenchmarkMakeFrame is the first use of an encoding of an event.
func BenchmarkMakeFrame(b *testing.B) {
	e := placed(b, sample, sampleStamp())
	for _, bench := range frameBenches {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e.makeFrame(bench.enc)
			}
		})
	}
}

// BenchmarkFrame is every later use.
func BenchmarkFrame(b *testing.B) {
	e := placed(b, sample, sampleStamp())
	b.ReportAllocs()
	for b.Loop() {
		e.Frame(WSFlat)
	}
}

func BenchmarkAppendFrame(b *testing.B) {
	e := placed(b, sample, sampleStamp())
	other := e.Stamp
	other.Pos[Low]--
	for _, at := range []struct {
		name   string
		cursor Cursor
	}{{"stamp", e.Stamp}, {"elsewhere", other}} {
		for _, bench := range frameBenches {
			b.Run(at.name+"/"+bench.name, func(b *testing.B) {
				dst := make([]byte, 0, 1024)
				b.ReportAllocs()
				for b.Loop() {
					dst = e.AppendFrame(dst[:0], bench.enc, at.cursor)
				}
			})
		}
	}
}

func BenchmarkCursorAppendText(b *testing.B) {
	c, buf := sampleStamp(), make([]byte, 0, MaxCursorLen)
	b.ReportAllocs()
	for b.Loop() {
		buf = c.AppendText(buf[:0])
	}
}

func BenchmarkParseCursor(b *testing.B) {
	text := sampleStamp().String()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseCursor(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseTypes(b *testing.B) {
	c := Default()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := c.ParseTypesParam("TipsUpdated,finality.update,vrf.*"); err != nil {
			b.Fatal(err)
		}
	}
}
