// translate writes OTLP/JSON from standard input as others write it: Jaeger's query API, or Zipkin's.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/jaegertracing/jaeger-idl/model/v1"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator/jaeger"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator/zipkin/zipkinv2"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// read returns each line's request.
func read() []ptrace.Traces {
	var all []ptrace.Traces
	unmarshaler := &ptrace.JSONUnmarshaler{}
	reader := bufio.NewReader(os.Stdin)
	for {
		line, err := reader.ReadBytes('\n')
		if len(line) > 1 {
			traces, bad := unmarshaler.UnmarshalTraces(line)
			fail(bad)
			all = append(all, traces)
		}
		if err == io.EOF {
			return all
		}
		fail(err)
	}
}

type object = map[string]any

func keyValues(pairs []model.KeyValue) []object {
	values := []object{}
	for _, pair := range pairs {
		value := pair.Value()
		if pair.VType == model.ValueType_BINARY {
			value = pair.Binary()
		}
		values = append(values, object{"key": pair.Key, "type": pair.VType.String(), "value": value})
	}
	return values
}

// span is written as jaeger-ui downloads it.
func span(of *model.Span, process string) object {
	references := []object{}
	for _, reference := range of.References {
		references = append(references, object{"refType": reference.RefType.String(),
			"traceID": reference.TraceID.String(), "spanID": reference.SpanID.String()})
	}
	logs := []object{}
	for _, log := range of.Logs {
		logs = append(logs, object{"timestamp": model.TimeAsEpochMicroseconds(log.Timestamp),
			"fields": keyValues(log.Fields)})
	}
	return object{"traceID": of.TraceID.String(), "spanID": of.SpanID.String(),
		"operationName": of.OperationName, "references": references,
		"startTime": model.TimeAsEpochMicroseconds(of.StartTime),
		"duration":  model.DurationAsMicroseconds(of.Duration),
		"tags":      keyValues(of.Tags), "logs": logs, "processID": process, "warnings": nil}
}

type trace struct {
	ID        string            `json:"traceID"`
	Spans     []object          `json:"spans"`
	Processes map[string]object `json:"processes"`
	ids       map[uint64]string
}

func (t *trace) process(of *model.Process) string {
	hash, err := model.HashCode(of)
	fail(err)
	id, found := t.ids[hash]
	if !found {
		id = fmt.Sprintf("p%d", len(t.ids)+1)
		t.ids[hash] = id
		t.Processes[id] = object{"serviceName": of.ServiceName, "tags": keyValues(of.Tags)}
	}
	return id
}

// asJaeger puts the spans of each trace together, as Jaeger's storage does.
func asJaeger(all []ptrace.Traces) any {
	byID := map[model.TraceID]*trace{}
	data := []*trace{}
	for _, traces := range all {
		for _, batch := range jaeger.ProtoFromTraces(traces) {
			for _, of := range batch.Spans {
				into, found := byID[of.TraceID]
				if !found {
					into = &trace{ID: of.TraceID.String(), Processes: map[string]object{},
						ids: map[uint64]string{}}
					byID[of.TraceID] = into
					data = append(data, into)
				}
				into.Spans = append(into.Spans, span(of, into.process(batch.Process)))
			}
		}
	}
	return object{"data": data, "total": 0, "limit": 0, "offset": 0, "errors": nil}
}

func asZipkin(all []ptrace.Traces) any {
	var spans []any
	for _, traces := range all {
		some, err := zipkinv2.FromTranslator{}.FromTraces(traces)
		fail(err)
		for _, span := range some {
			spans = append(spans, span)
		}
	}
	return spans
}

func main() {
	var answer any
	switch all := read(); os.Args[1] {
	case "jaeger":
		answer = asJaeger(all)
	case "zipkin":
		answer = asZipkin(all)
	default:
		fail(fmt.Errorf("jaeger or zipkin, not %s", os.Args[1]))
	}
	fail(json.NewEncoder(os.Stdout).Encode(answer))
}
