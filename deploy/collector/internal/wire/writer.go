// Package wire writes OTLP trace requests for the library: of each span what is read there, in the order in
// which it is read fastest, in one pass.
//
// What is left out has no effect on any count: events, attributes that the filter does not have, scopes,
// schemas, what was dropped. Values that nest are written wherever they stand, since the library refuses a
// request in which they are nested too deeply.
package wire

import (
	"encoding/binary"
	"math"
	"math/bits"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Tags of fields, by their messages in opentelemetry-proto.
const (
	requestResourceSpans = 1<<3 | lengthType

	resourceSpansResource   = 1<<3 | lengthType
	resourceSpansScopeSpans = 2<<3 | lengthType
	resourceAttributes      = 1<<3 | lengthType

	scopeSpansScope = 1<<3 | lengthType
	scopeSpansSpan  = 2<<3 | lengthType
	scopeAttributes = 3<<3 | lengthType

	spanTraceID    = 1<<3 | lengthType
	spanID         = 2<<3 | lengthType
	spanState      = 3<<3 | lengthType
	spanParentID   = 4<<3 | lengthType
	spanName       = 5<<3 | lengthType
	spanKind       = 6<<3 | varintType
	spanStart      = 7<<3 | fixed64Type
	spanEnd        = 8<<3 | fixed64Type
	spanAttributes = 9<<3 | lengthType
	spanEvents     = 11<<3 | lengthType
	spanLinks      = 13<<3 | lengthType
	spanStatus     = 15<<3 | lengthType
	spanFlags      = 16<<3 | fixed32Type // Of two bytes.

	statusCode      = 3<<3 | varintType
	eventAttributes = 3<<3 | lengthType

	linkTraceID    = 1<<3 | lengthType
	linkSpanID     = 2<<3 | lengthType
	linkAttributes = 4<<3 | lengthType

	pairKey   = 1<<3 | lengthType
	pairValue = 2<<3 | lengthType

	valueText  = 1<<3 | lengthType
	valueBool  = 2<<3 | varintType
	valueInt   = 3<<3 | varintType
	valueReal  = 4<<3 | fixed64Type
	valueArray = 5<<3 | lengthType
	valuePairs = 6<<3 | lengthType
	valueBytes = 7<<3 | lengthType
	element    = 1<<3 | lengthType // Of an array, or of pairs.

	varintType  = 0
	fixed64Type = 1
	lengthType  = 2
	fixed32Type = 5
)

const (
	traceIDSize, spanIDSize = 16, 8
	idsSize                 = 2 + traceIDSize + 2 + spanIDSize

	// Of a span, all that has one length or at most this one: tag and length, ids, tags and lengths of name
	// and state, kind, times, status, flags.
	spanHeadMax = 4 + 18 + 10 + 10 + 6 + 6 + 11 + 18 + 14 + 6

	// Of a pair with a text: tags and lengths of itself, the key, the value and the text; and how long key and
	// text may be together, for each length to have one byte.
	shortHead = 8
	shortMax  = 0x7f - shortHead + 2

	// Values that are nested deeper are left out: the library refuses less already.
	depthMax = 128
)

// Writer writes one request after the other into the same memory.
type Writer struct {
	filter Filter
	out    []byte
}

// NewWriter makes one for the map whose filter that is.
func NewWriter(filter Filter) *Writer { return &Writer{filter: filter} }

// Write makes a request of the traces, which is good until the next one is made.
func (w *Writer) Write(traces ptrace.Traces) []byte {
	w.out = w.out[:0]
	list := traces.ResourceSpans()
	for i := range list.Len() {
		w.resourceSpans(list.At(i))
	}
	return w.out
}

// Size is that of the memory that the writer keeps.
func (w *Writer) Size() int { return cap(w.out) }

func (w *Writer) resourceSpans(spans ptrace.ResourceSpans) {
	out, whole := open(w.out, requestResourceSpans)
	out, resource := open(out, resourceSpansResource)
	out = attributes(out, resourceAttributes, spans.Resource().Attributes())
	w.out = closed(out, resource)
	list := spans.ScopeSpans()
	for i := range list.Len() {
		w.scopeSpans(list.At(i))
	}
	w.out = closed(w.out, whole)
}

func (w *Writer) scopeSpans(spans ptrace.ScopeSpans) {
	out, whole := open(w.out, resourceSpansScopeSpans)
	if scope := spans.Scope().Attributes(); nests(scope) {
		var begin int
		out, begin = open(out, scopeSpansScope)
		out = closed(nesting(out, scopeAttributes, scope), begin)
	}
	list := spans.Spans()
	for i := range list.Len() {
		out = w.span(out, list.At(i))
	}
	w.out = closed(out, whole)
}

func (w *Writer) span(out []byte, span ptrace.Span) []byte {
	name, state := span.Name(), span.TraceState().AsRaw()
	out = grown(out, spanHeadMax+len(name)+len(state))
	// Nearly all spans have lengths of two bytes.
	out = append(out, scopeSpansSpan, 0, 0)
	begin := len(out)
	out = head(out, span, name)
	if state != "" {
		out = text(out, spanState, state)
	}
	if flags := span.Flags(); flags != 0 {
		out = append(out, spanFlags&0x7f|0x80, spanFlags>>7)
		out = binary.LittleEndian.AppendUint32(out, flags)
	}
	out = w.wanted(out, span.Attributes())
	if code := span.Status().Code(); code != ptrace.StatusCodeUnset {
		out = status(out, code)
	}
	if span.Links().Len() != 0 {
		out = links(out, span.Links())
	}
	if span.Events().Len() != 0 {
		out = events(out, span.Events())
	}
	return closedShort(out, begin)
}

// head has the fields that the library reads in one look, where all are there in this order.
func head(out []byte, span ptrace.Span, name string) []byte {
	trace, id := span.TraceID(), span.SpanID()
	begin := len(out)
	out = out[:begin+idsSize]
	at := out[begin:]
	at[0], at[1] = spanTraceID, traceIDSize
	*(*[traceIDSize]byte)(at[2:]) = trace
	at[18], at[19] = spanID, spanIDSize
	*(*[spanIDSize]byte)(at[20:]) = id
	if parent := span.ParentSpanID(); !parent.IsEmpty() {
		out = append(out, spanParentID, spanIDSize)
		out = append(out, parent[:]...)
	}
	out = text(out, spanName, name)
	out = append(out, spanKind)
	out = binary.AppendUvarint(out, uint64(span.Kind()))
	out = append(out, spanStart)
	out = binary.LittleEndian.AppendUint64(out, uint64(span.StartTimestamp()))
	out = append(out, spanEnd)
	return binary.LittleEndian.AppendUint64(out, uint64(span.EndTimestamp()))
}

func status(out []byte, code ptrace.StatusCode) []byte {
	out = append(out, spanStatus, byte(1+varintSize(uint64(code))), statusCode)
	return binary.AppendUvarint(out, uint64(code))
}

// wanted has the attributes of a span that the library reads.
func (w *Writer) wanted(out []byte, from pcommon.Map) []byte {
	for key, value := range from.All() {
		if w.filter.Has(key) || isNested(value) {
			out = pair(out, spanAttributes, key, value)
		}
	}
	return out
}

// shortPair writes what nearly all attributes are, with lengths of one byte each.
func shortPair(out []byte, tag byte, key, is string) []byte {
	begin, size := len(out), shortHead+len(key)+len(is)
	if cap(out)-begin < size {
		out = grown(out, size)
	}
	out = out[:begin+size]
	at := out[begin:]
	at[3], at[2], at[1], at[0] = byte(len(key)), pairKey, byte(size-2), tag
	at = at[4+copy(at[4:], key):]
	at[3], at[2], at[1], at[0] = byte(len(is)), valueText, byte(2+len(is)), pairValue
	copy(at[4:], is)
	return out
}

func links(out []byte, list ptrace.SpanLinkSlice) []byte {
	for i := range list.Len() {
		link := list.At(i)
		trace, id := link.TraceID(), link.SpanID()
		deep := nests(link.Attributes())
		begin := 0
		if deep {
			out, begin = open(out, spanLinks)
		} else {
			out = append(out, spanLinks, idsSize)
		}
		out = append(out, linkTraceID, traceIDSize)
		out = append(out, trace[:]...)
		out = append(out, linkSpanID, spanIDSize)
		out = append(out, id[:]...)
		if deep {
			out = closed(nesting(out, linkAttributes, link.Attributes()), begin)
		}
	}
	return out
}

func events(out []byte, list ptrace.SpanEventSlice) []byte {
	for i := range list.Len() {
		if event := list.At(i).Attributes(); nests(event) {
			var begin int
			out, begin = open(out, spanEvents)
			out = closed(nesting(out, eventAttributes, event), begin)
		}
	}
	return out
}

// ------------------------------------------------------------------ attributes

func attributes(out []byte, tag byte, from pcommon.Map) []byte {
	for key, value := range from.All() {
		out = pair(out, tag, key, value)
	}
	return out
}

// nesting has those whose values hold others.
func nesting(out []byte, tag byte, from pcommon.Map) []byte {
	for key, value := range from.All() {
		if isNested(value) {
			out = pair(out, tag, key, value)
		}
	}
	return out
}

func nests(from pcommon.Map) bool {
	for _, value := range from.All() {
		if isNested(value) {
			return true
		}
	}
	return false
}

func isNested(value pcommon.Value) bool {
	kind := value.Type()
	return kind == pcommon.ValueTypeMap || kind == pcommon.ValueTypeSlice
}

func pair(out []byte, tag byte, key string, value pcommon.Value) []byte {
	switch value.Type() {
	case pcommon.ValueTypeStr:
		is := value.Str()
		if len(key)+len(is) <= shortMax {
			return shortPair(out, tag, key, is)
		}
		return textPair(out, tag, key, is)
	case pcommon.ValueTypeInt:
		return numberPair(out, tag, key, valueInt, uint64(value.Int()))
	case pcommon.ValueTypeBool:
		return numberPair(out, tag, key, valueBool, number(value.Bool()))
	}
	out, begin := open(out, tag)
	out = text(out, pairKey, key)
	return closed(nested(out, pairValue, value, 0), begin)
}

func textPair(out []byte, tag byte, key, is string) []byte {
	value := fieldSize(len(is))
	out = length(append(out, tag), fieldSize(len(key))+fieldSize(value))
	out = text(out, pairKey, key)
	out = length(append(out, pairValue), value)
	return text(out, valueText, is)
}

func numberPair(out []byte, tag byte, key string, kind byte, is uint64) []byte {
	value := 1 + varintSize(is)
	out = length(append(out, tag), fieldSize(len(key))+fieldSize(value))
	out = text(out, pairKey, key)
	out = append(out, pairValue, byte(value), kind)
	return binary.AppendUvarint(out, is)
}

func number(is bool) uint64 {
	if is {
		return 1
	}
	return 0
}

// nested is a field that holds a value.
func nested(out []byte, tag byte, value pcommon.Value, depth int) []byte {
	out, begin := open(out, tag)
	switch value.Type() {
	case pcommon.ValueTypeStr:
		out = text(out, valueText, value.Str())
	case pcommon.ValueTypeBool:
		out = append(out, valueBool, byte(number(value.Bool())))
	case pcommon.ValueTypeInt:
		out = binary.AppendUvarint(append(out, valueInt), uint64(value.Int()))
	case pcommon.ValueTypeDouble:
		out = binary.LittleEndian.AppendUint64(append(out, valueReal), math.Float64bits(value.Double()))
	case pcommon.ValueTypeBytes:
		is := value.Bytes().AsRaw()
		out = append(length(append(out, valueBytes), len(is)), is...)
	case pcommon.ValueTypeSlice:
		out = array(out, value.Slice(), depth)
	case pcommon.ValueTypeMap:
		out = pairs(out, value.Map(), depth)
	case pcommon.ValueTypeEmpty:
	}
	return closed(out, begin)
}

func array(out []byte, from pcommon.Slice, depth int) []byte {
	out, begin := open(out, valueArray)
	if depth < depthMax {
		for i := range from.Len() {
			out = nested(out, element, from.At(i), depth+1)
		}
	}
	return closed(out, begin)
}

func pairs(out []byte, from pcommon.Map, depth int) []byte {
	out, begin := open(out, valuePairs)
	if depth < depthMax {
		for key, value := range from.All() {
			var pair int
			out, pair = open(out, element)
			out = text(out, pairKey, key)
			out = closed(nested(out, pairValue, value, depth+1), pair)
		}
	}
	return closed(out, begin)
}

// ------------------------------------------------------------------ bytes

func text(out []byte, tag byte, is string) []byte {
	return append(length(append(out, tag), len(is)), is...)
}

func length(out []byte, size int) []byte {
	if size < 0x80 {
		return append(out, byte(size))
	}
	return binary.AppendUvarint(out, uint64(size))
}

func varintSize(number uint64) int { return (bits.Len64(number|1) + 6) / 7 }

// fieldSize is that of a tag, a length and so many bytes.
func fieldSize(size int) int { return 1 + varintSize(uint64(size)) + size }

// grown has room for `more` bytes.
func grown(out []byte, more int) []byte {
	if cap(out)-len(out) >= more {
		return out
	}
	made := make([]byte, len(out), 2*cap(out)+more)
	copy(made, out)
	return made
}

// A length that is not known yet has five bytes; readers of protobuf take one that could do with fewer.
const lengthSize = 5

// open begins a field whose length comes with closed.
func open(out []byte, tag byte) (grown []byte, begin int) {
	out = append(out, tag, 0, 0, 0, 0, 0)
	return out, len(out)
}

func closed(out []byte, begin int) []byte {
	size := len(out) - begin
	at := out[begin-lengthSize : begin]
	for i := range lengthSize - 1 {
		at[i] = byte(size>>(7*i))&0x7f | 0x80
	}
	at[lengthSize-1] = byte(size >> (7 * (lengthSize - 1)))
	return out
}

// closedShort is for a length that has two bytes if it can.
func closedShort(out []byte, begin int) []byte {
	size := len(out) - begin
	if size >= 1<<14 {
		out = append(out, 0, 0, 0)
		copy(out[begin+3:], out[begin:])
		return closed(out, begin+3)
	}
	out[begin-2] = byte(size)&0x7f | 0x80
	out[begin-1] = byte(size >> 7)
	return out
}
