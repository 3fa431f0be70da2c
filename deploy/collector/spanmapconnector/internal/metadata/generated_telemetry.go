package metadata

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Values of the attribute `outcome`.
const (
	OutcomeTaken   = "taken"
	OutcomeRefused = "refused"
)

// TelemetryBuilder has the metrics that the connector keeps of itself.
type TelemetryBuilder struct {
	requests  metric.Int64Counter
	spans     metric.Int64Counter
	rejected  metric.Int64Counter
	waits     metric.Int64Counter
	emissions metric.Int64Counter
}

// NewTelemetryBuilder makes the instruments.
func NewTelemetryBuilder(settings component.TelemetrySettings) (*TelemetryBuilder, error) {
	meter := settings.MeterProvider.Meter(ScopeName)
	builder := &TelemetryBuilder{}
	var errs error
	for _, row := range []struct {
		counter           *metric.Int64Counter
		name, about, unit string
	}{
		{&builder.requests, "otelcol_connector_spanmap_requests",
			"Batches of traces, by what became of them.", "{requests}"},
		{&builder.spans, "otelcol_connector_spanmap_spans", "Spans of such batches.", "{spans}"},
		{&builder.rejected, "otelcol_connector_spanmap_rejected_spans",
			"Spans whose ids are not valid.", "{spans}"},
		{&builder.waits, "otelcol_connector_spanmap_waits",
			"Times that a batch waited, because spans came in faster than they were counted.", "{waits}"},
		{&builder.emissions, "otelcol_connector_spanmap_emissions",
			"Emissions of all metrics, by whether they were taken.", "{emissions}"},
	} {
		var err error
		*row.counter, err = meter.Int64Counter(row.name, metric.WithDescription(row.about),
			metric.WithUnit(row.unit))
		errs = errors.Join(errs, err)
	}
	return builder, errs
}

// Shutdown: counters hold nothing that must be given back.
func (*TelemetryBuilder) Shutdown() {}

var outcomes = map[string]metric.MeasurementOption{
	OutcomeTaken:   metric.WithAttributeSet(attribute.NewSet(attribute.String("outcome", OutcomeTaken))),
	OutcomeRefused: metric.WithAttributeSet(attribute.NewSet(attribute.String("outcome", OutcomeRefused))),
}

// CountRequest counts a batch and its spans.
func (builder *TelemetryBuilder) CountRequest(ctx context.Context, outcome string, spans int64) {
	builder.requests.Add(ctx, 1, outcomes[outcome])
	builder.spans.Add(ctx, spans, outcomes[outcome])
}

// CountRejected counts spans that were left.
func (builder *TelemetryBuilder) CountRejected(ctx context.Context, spans int64) {
	if spans != 0 {
		builder.rejected.Add(ctx, spans)
	}
}

// CountWait counts one wait for room.
func (builder *TelemetryBuilder) CountWait(ctx context.Context) { builder.waits.Add(ctx, 1) }

// CountEmission counts one emission.
func (builder *TelemetryBuilder) CountEmission(ctx context.Context, taken bool) {
	outcome := OutcomeRefused
	if taken {
		outcome = OutcomeTaken
	}
	builder.emissions.Add(ctx, 1, outcomes[outcome])
}
