package wire

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"spanmap.example/collector/internal/calls"
	"spanmap.example/collector/internal/odd"
)

// all has every key, none only what cannot be left out.
var all, none Filter

func init() {
	for i := range all {
		all[i] = ^uint32(0)
	}
}

func read(t *testing.T, request []byte) ptrace.Traces {
	unmarshaler := ptrace.ProtoUnmarshaler{}
	traces, err := unmarshaler.UnmarshalTraces(request)
	require.NoError(t, err)
	return traces
}

func bytesOf(t *testing.T, traces ptrace.Traces) []byte {
	marshaler := ptrace.ProtoMarshaler{}
	data, err := marshaler.MarshalTraces(traces)
	require.NoError(t, err)
	return data
}

// least takes out of traces what need not be written.
func least(from ptrace.Traces, filter *Filter) ptrace.Traces {
	traces := ptrace.NewTraces()
	from.CopyTo(traces)
	flat := func(_ string, value pcommon.Value) bool { return !isNested(value) }
	for _, resource := range traces.ResourceSpans().All() {
		resource.SetSchemaUrl("")
		for _, scope := range resource.ScopeSpans().All() {
			attributes := pcommon.NewMap()
			scope.Scope().Attributes().CopyTo(attributes)
			pcommon.NewInstrumentationScope().CopyTo(scope.Scope())
			attributes.RemoveIf(flat)
			attributes.CopyTo(scope.Scope().Attributes())
			for _, span := range scope.Spans().All() {
				leastOf(span, filter, flat)
			}
		}
	}
	return traces
}

func leastOf(span ptrace.Span, filter *Filter, flat func(string, pcommon.Value) bool) {
	span.Attributes().RemoveIf(func(key string, value pcommon.Value) bool {
		return !filter.Has(key) && !isNested(value)
	})
	span.SetDroppedAttributesCount(0)
	span.SetDroppedEventsCount(0)
	span.SetDroppedLinksCount(0)
	span.Status().SetMessage("")
	span.Events().RemoveIf(func(event ptrace.SpanEvent) bool {
		event.SetName("")
		event.SetTimestamp(0)
		event.Attributes().RemoveIf(flat)
		return event.Attributes().Len() == 0
	})
	for _, link := range span.Links().All() {
		link.TraceState().FromRaw("")
		link.SetFlags(0)
		link.Attributes().RemoveIf(flat)
	}
}

func TestOthersReadWhatIsWritten(t *testing.T) {
	some := Filter{3: 0xF0F0F0F0, 12: 0x0F0F0F0F, 63: 1}
	for _, filter := range []*Filter{&all, &none, &some} {
		writer := NewWriter(*filter)
		for seed := range uint64(40) {
			maker := odd.New(seed, []string{"abc", "http.request.method", "http.route.."})
			for range 5 {
				traces := maker.Traces()
				before := bytesOf(t, traces)
				request := writer.Write(traces)
				require.Equal(t, bytesOf(t, least(traces, filter)), bytesOf(t, read(t, request)), "seed %d", seed)
				require.Equal(t, before, bytesOf(t, traces), "it only reads")
			}
		}
	}
}

// Spans, names and values around the sizes at which lengths get longer.
func TestLengthsOfEverySize(t *testing.T) {
	writer := NewWriter(all)
	sizes := []int{0, 1, 100, 126, 127, 128, 129, 16_200, 16_300, 16_382, 16_383, 16_384, 16_385, 100_000, 2_100_000}
	for size := range 200 {
		sizes = append(sizes, 16_250+size)
	}
	for _, size := range sizes {
		for what := range 4 {
			traces := ptrace.NewTraces()
			spans := traces.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
			span := spans.AppendEmpty()
			long := strings.Repeat("x", size)
			switch what {
			case 0:
				span.SetName(long)
			case 1:
				span.TraceState().FromRaw(long)
			case 2:
				span.Attributes().PutStr(long, "v")
				span.Attributes().PutInt(long+"i", -1)
			case 3:
				span.Attributes().PutStr("k", long)
				span.Attributes().PutEmptySlice("s").AppendEmpty().SetStr(long)
			}
			spans.AppendEmpty().SetName("behind it")
			require.Equal(t, bytesOf(t, traces), bytesOf(t, read(t, writer.Write(traces))), "%d %d", what, size)
		}
	}
	assert.Less(t, 4_000_000, writer.Size())
}

func TestItWritesIntoTheSameMemory(t *testing.T) {
	writer := NewWriter(all)
	traces := calls.Traces(calls.Call{Client: "shop", Server: "stock", Count: 50, Failed: 3})
	_ = writer.Write(traces)
	assert.Zero(t, testing.AllocsPerRun(100, func() { _ = writer.Write(traces) }))
	assert.Empty(t, writer.Write(ptrace.NewTraces()))
}

func TestWhatIsNestedWithoutEndIsCut(t *testing.T) {
	traces := ptrace.NewTraces()
	resource := traces.ResourceSpans().AppendEmpty()
	odd.Deep(resource.Resource().Attributes().PutEmpty("k"), 100_000)
	assert.Less(t, len(NewWriter(all).Write(traces)), 40*depthMax)
}
