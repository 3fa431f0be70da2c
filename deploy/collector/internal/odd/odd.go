// Package odd makes traces for tests that have all that OTLP allows, and much that it does not.
package odd

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Start is when the traces begin, in Unix nanoseconds.
const Start = 1_700_000_000_000_000_000

// Maker makes traces; the same seed and keys give the same.
type Maker struct {
	Keys   []string // Of attributes that the library knows.
	IsDeep bool     // Some values are nested so deeply that the library refuses the request.
	random *rand.Rand
	traces int
}

// New makes a maker.
func New(seed uint64, keys []string) *Maker {
	return &Maker{Keys: keys, random: rand.New(rand.NewPCG(seed, 0))}
}

// twin stands for another key of its length, since pdata has each key once, and the wire may have more.
const twin = "http.request.methoD"

// Traces makes a request as it came from the wire.
func (m *Maker) Traces() ptrace.Traces {
	traces := ptrace.NewTraces()
	for range m.random.IntN(5) {
		m.resource(traces.ResourceSpans().AppendEmpty())
	}
	marshaler, unmarshaler := ptrace.ProtoMarshaler{}, ptrace.ProtoUnmarshaler{}
	data, err := marshaler.MarshalTraces(traces)
	if err == nil {
		data = bytes.ReplaceAll(data, []byte(twin), []byte(strings.ToLower(twin)))
		traces, err = unmarshaler.UnmarshalTraces(data)
	}
	if err != nil {
		panic(err)
	}
	return traces
}

func (m *Maker) one(in int) bool { return m.random.IntN(in) == 0 }

func (m *Maker) resource(resource ptrace.ResourceSpans) {
	if !m.one(8) {
		resource.Resource().Attributes().PutStr("service.name", m.service())
	}
	for range m.random.IntN(4) {
		m.attribute(resource.Resource().Attributes(), fmt.Sprintf("resource.%d", m.random.IntN(9)))
	}
	resource.SetSchemaUrl("https://opentelemetry.io/schemas/1.40.0")
	for range m.random.IntN(3) {
		scope := resource.ScopeSpans().AppendEmpty()
		scope.Scope().SetName("library")
		m.some(scope.Scope().Attributes(), 20)
		for range m.random.IntN(12) {
			m.span(scope.Spans().AppendEmpty())
		}
	}
}

func (m *Maker) service() string {
	return []string{"shop", "stock", "pay", "mail", "ship"}[m.random.IntN(5)]
}

// One of few, so that spans meet.
func (m *Maker) id() (id pcommon.SpanID) {
	if !m.one(30) {
		binary.BigEndian.PutUint64(id[:], uint64(1+m.random.IntN(16)))
	}
	return id
}

func (m *Maker) trace() (id pcommon.TraceID) {
	if !m.one(30) {
		m.traces += m.random.IntN(2)
		binary.BigEndian.PutUint64(id[8:], uint64(1+m.traces/8))
	}
	return id
}

func (m *Maker) span(span ptrace.Span) {
	span.SetTraceID(m.trace())
	span.SetSpanID(m.id())
	span.SetParentSpanID(m.id())
	span.SetName([]string{"", "GET /", "buy", "\xff\x00", strings.Repeat("long ", m.random.IntN(100))}[m.random.IntN(5)])
	if m.one(60) {
		span.SetName(strings.Repeat("very long ", 1700))
	}
	kinds := []ptrace.SpanKind{-1, 0, 1, 2, 3, 4, 5, 6, 127, 128, math.MaxInt32, math.MinInt32}
	span.SetKind(kinds[1+m.random.IntN(5)])
	if m.one(20) {
		span.SetKind(kinds[m.random.IntN(len(kinds))])
	}
	begin := Start + uint64(m.random.IntN(1_000_000_000))
	ends := []uint64{begin, begin + 7_000_000, begin + uint64(m.random.IntN(1_000_000_000)), begin - 1, 0,
		math.MaxUint64}
	span.SetStartTimestamp(pcommon.Timestamp(begin))
	span.SetEndTimestamp(pcommon.Timestamp(ends[m.random.IntN(3)]))
	if m.one(20) {
		span.SetEndTimestamp(pcommon.Timestamp(ends[m.random.IntN(len(ends))]))
	}
	if m.one(20) {
		span.SetStartTimestamp(0)
	}
	codes := []ptrace.StatusCode{0, 1, 2, 3, -1, math.MaxInt32, 200}
	span.Status().SetCode(codes[m.random.IntN(3)])
	if m.one(20) {
		span.Status().SetCode(codes[m.random.IntN(len(codes))])
	}
	span.Status().SetMessage([]string{"", "it failed"}[m.random.IntN(2)])
	states := []string{"", "ot=th:8", "ot=th:c;rv:ffffffffffffff", "a=b,ot=th:fff", "ot=th:", strings.Repeat("x", 300)}
	span.TraceState().FromRaw(states[m.random.IntN(len(states))])
	span.SetFlags([]uint32{0, 1, 0x100, 0x300, math.MaxUint32}[m.random.IntN(5)])
	m.rest(span)
}

func (m *Maker) rest(span ptrace.Span) {
	m.some(span.Attributes(), m.random.IntN(12))
	if m.one(4) {
		span.Attributes().PutStr("http.request.method", "GET")
		m.attribute(span.Attributes(), twin)
	}
	span.SetDroppedAttributesCount(uint32(m.random.IntN(3)))
	span.SetDroppedEventsCount(uint32(m.random.IntN(3)))
	span.SetDroppedLinksCount(uint32(m.random.IntN(3)))
	for range m.random.IntN(3) {
		event := span.Events().AppendEmpty()
		event.SetName("exception")
		event.SetTimestamp(Start)
		m.some(event.Attributes(), 2)
	}
	if !m.one(3) {
		return
	}
	for range m.random.IntN(20) {
		link := span.Links().AppendEmpty()
		link.SetTraceID(m.trace())
		link.SetSpanID(m.id())
		link.TraceState().FromRaw("a=b")
		link.SetFlags(1)
		m.some(link.Attributes(), m.random.IntN(2))
	}
}

// ------------------------------------------------------------------ attributes

func (m *Maker) some(into pcommon.Map, count int) {
	for range count {
		m.attribute(into, m.key())
	}
}

// key is one that is known, one that looks like it by length and first letter, or any.
func (m *Maker) key() string {
	key := m.Keys[m.random.IntN(len(m.Keys))]
	switch m.random.IntN(8) {
	case 0:
		return key[:1] + strings.Repeat("x", len(key)-1)
	case 1:
		return []string{"", "a", "rpc.x", "rpc.", "messaging.x", "messaging.", "\xc3\xa4", "\x00"}[m.random.IntN(8)]
	case 2:
		return strings.Repeat(key+".", 1+m.random.IntN(8))
	}
	return key
}

func (m *Maker) attribute(into pcommon.Map, key string) {
	m.value(into.PutEmpty(key), 0)
}

func (m *Maker) value(value pcommon.Value, depth int) {
	switch kind := m.random.IntN(16); {
	case kind == 0:
	case kind == 1:
		value.SetBool(m.one(2))
	case kind == 2:
		value.SetDouble([]float64{0, -1.5, 0.25, math.NaN(), math.Inf(1)}[m.random.IntN(5)])
	case kind == 3:
		value.SetEmptyBytes().FromRaw([]byte(strings.Repeat("b", m.random.IntN(200))))
	case kind == 4 && depth < 3:
		list := value.SetEmptySlice()
		for range m.random.IntN(4) {
			m.value(list.AppendEmpty(), depth+1)
		}
	case kind == 5 && depth < 3:
		pairs := value.SetEmptyMap()
		for range m.random.IntN(4) {
			m.value(pairs.PutEmpty(m.key()), depth+1)
		}
	case kind == 6 && depth == 0 && m.IsDeep && m.one(40):
		Deep(value, 20+m.random.IntN(120))
	case kind < 10:
		numbers := []int64{0, 1, -1, 80, 127, 128, 443, 65536, math.MaxInt64, math.MinInt64}
		value.SetInt(numbers[m.random.IntN(len(numbers))])
	default:
		value.SetStr(m.text())
	}
}

func (m *Maker) text() string {
	if m.one(100) {
		return strings.Repeat("t", m.random.IntN(40_000))
	}
	texts := []string{"", "GET", "postgresql", "kafka", "orders", "500", "127.0.0.1:80", "[::1]:8080", "true",
		"https://user:pass@host.example:8443/a?b=c", "/v1/{id}", strings.Repeat("u", 100+m.random.IntN(50)), "\xff", m.service()}
	return texts[m.random.IntN(len(texts))]
}

// Deep makes a value of so many that are nested, arrays and pairs in turn.
func Deep(value pcommon.Value, depth int) {
	for i := range depth {
		if i%2 == 0 {
			value = value.SetEmptySlice().AppendEmpty()
		} else {
			value = value.SetEmptyMap().PutEmpty("k")
		}
	}
	value.SetStr("end")
}
