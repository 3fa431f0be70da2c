package spanmapconnector

import (
	"context"
	"encoding/binary"
	"errors"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

type metricsRequest = pmetric.Metrics

const (
	// What one request has at most, but for one ResourceMetrics more: gRPC servers take 4 MiB by default.
	requestBytesMax = 2 * 1024 * 1024
	// Field 1 of ExportMetricsServiceRequest, with a length.
	resourceMetricsTag = 1<<3 | 2
)

var errNoRequest = errors.New("spanmap's metrics are no OTLP request")

// eachRequest cuts what spanmap wrote between its ResourceMetrics, so that no request is larger than others
// take. Its own are marked with the Collector's instance, which tells replicas apart. One that is not taken
// keeps none of the others back, unless time is up.
func eachRequest(ctx context.Context, data []byte, instanceID string, use func(metricsRequest) error) error {
	unmarshaler := pmetric.ProtoUnmarshaler{}
	var refused error
	for len(data) != 0 {
		size, err := pieceSize(data)
		if err != nil {
			return err
		}
		request, err := unmarshaler.UnmarshalMetrics(data[:size])
		if err != nil {
			return err
		}
		data = data[size:]
		mark(request, instanceID)
		refused = errors.Join(refused, use(request))
		if ctx.Err() != nil {
			return refused
		}
	}
	return refused
}

// pieceSize is that of the ResourceMetrics that fit into one request, at least one.
func pieceSize(data []byte) (int, error) {
	end := 0
	for end < len(data) {
		if data[end] != resourceMetricsTag {
			return 0, errNoRequest
		}
		length, bytes := binary.Uvarint(data[end+1:])
		if bytes <= 0 || length > uint64(len(data)-end-1-bytes) {
			return 0, errNoRequest
		}
		next := end + 1 + bytes + int(length)
		if end != 0 && next > requestBytesMax {
			break
		}
		end = next
	}
	return end, nil
}

// mark leaves alone what is of others: the resources of traces_target_info.
func mark(request pmetric.Metrics, instanceID string) {
	if instanceID == "" {
		return
	}
	for _, metrics := range request.ResourceMetrics().All() {
		attributes := metrics.Resource().Attributes()
		name, isNamed := attributes.Get("service.name")
		_, isMarked := attributes.Get("service.instance.id")
		_, isOwn := attributes.Get("service.version")
		if isNamed && name.AsString() == "spanmap" && isOwn && !isMarked {
			attributes.PutStr("service.instance.id", instanceID)
		}
	}
}

// halve copies the spans into two, for what is too large at once.
func halve(traces ptrace.Traces) (first, second ptrace.Traces) {
	first, second = ptrace.NewTraces(), ptrace.NewTraces()
	left := (traces.SpanCount() + 1) / 2
	for _, resource := range traces.ResourceSpans().All() {
		var ends [2]ptrace.ResourceSpans
		for _, scope := range resource.ScopeSpans().All() {
			var scopes [2]ptrace.ScopeSpans
			for _, span := range scope.Spans().All() {
				which, into := 1, second
				if left > 0 {
					which, into = 0, first
					left--
				}
				if ends[which] == (ptrace.ResourceSpans{}) {
					ends[which] = into.ResourceSpans().AppendEmpty()
					resource.Resource().CopyTo(ends[which].Resource())
					ends[which].SetSchemaUrl(resource.SchemaUrl())
				}
				if scopes[which] == (ptrace.ScopeSpans{}) {
					scopes[which] = ends[which].ScopeSpans().AppendEmpty()
					scope.Scope().CopyTo(scopes[which].Scope())
					scopes[which].SetSchemaUrl(scope.SchemaUrl())
				}
				span.CopyTo(scopes[which].Spans().AppendEmpty())
			}
		}
	}
	return first, second
}
