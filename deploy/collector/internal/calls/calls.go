// Package calls makes traces for tests.
package calls

import (
	"encoding/binary"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Call is `Count` requests from one service to another.
type Call struct {
	Client, Server string
	Count          int
	Failed         int
	Begin          uint64 // What the ids count up from; different ones for different calls.
}

// Traces has a client's and a server's span for each request, 30 and 10 ms long.
func Traces(list ...Call) ptrace.Traces {
	traces := ptrace.NewTraces()
	for _, call := range list {
		clients := service(traces, call.Client)
		servers := service(traces, call.Server)
		for i := range call.Count {
			number := call.Begin + uint64(i) + 1
			span(clients, number, 1, 0, ptrace.SpanKindClient, 30*time.Millisecond, false)
			span(servers, number, 2, 1, ptrace.SpanKindServer, 10*time.Millisecond, i < call.Failed)
		}
	}
	return traces
}

// Name is that of the n-th of many services.
func Name(n int) string { return fmt.Sprintf("service-%05d", n) }

func service(traces ptrace.Traces, name string) ptrace.SpanSlice {
	resource := traces.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", name)
	return resource.ScopeSpans().AppendEmpty().Spans()
}

func span(into ptrace.SpanSlice, trace, id, parent uint64, kind ptrace.SpanKind, length time.Duration, failed bool) {
	var traceID pcommon.TraceID
	binary.BigEndian.PutUint64(traceID[8:], trace)
	span := into.AppendEmpty()
	span.SetTraceID(traceID)
	span.SetSpanID(spanID(trace, id))
	if parent != 0 {
		span.SetParentSpanID(spanID(trace, parent))
	}
	span.SetName("GET /")
	span.SetKind(kind)
	begin := time.Now()
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(begin))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(begin.Add(length)))
	if failed {
		span.Status().SetCode(ptrace.StatusCodeError)
	}
}

func spanID(trace, id uint64) pcommon.SpanID {
	var out pcommon.SpanID
	binary.BigEndian.PutUint64(out[:], trace*8+id)
	return out
}
