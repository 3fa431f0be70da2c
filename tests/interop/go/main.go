// sender HOST:PORT PREFIX CALLS batch|simple: plays the calls of ../calls.py by the Go SDK.
// SENDER_PROTOCOL is grpc or http/protobuf.
package main

import (
	"context"
	"log"
	"os"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func exporterTo(ctx context.Context, endpoint string) (sdk.SpanExporter, error) {
	// Certificates, where there are any, are the environment's, as are the headers.
	isPlain := os.Getenv("OTEL_EXPORTER_OTLP_CERTIFICATE") == ""
	if os.Getenv("SENDER_PROTOCOL") == "http/protobuf" {
		options := []otlptracehttp.Option{otlptracehttp.WithEndpoint(endpoint)}
		if isPlain {
			options = append(options, otlptracehttp.WithInsecure())
		}
		return otlptracehttp.New(ctx, options...)
	}
	options := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(endpoint)}
	if isPlain {
		options = append(options, otlptracegrpc.WithInsecure())
	}
	return otlptracegrpc.New(ctx, options...)
}

func providerOf(ctx context.Context, endpoint, service, processor string) *sdk.TracerProvider {
	exporter, err := exporterTo(ctx, endpoint)
	if err != nil {
		log.Fatal(err)
	}
	option := sdk.WithSyncer(exporter)
	if processor == "batch" {
		option = sdk.WithBatcher(exporter, sdk.WithMaxQueueSize(1<<17))
	}
	return sdk.NewTracerProvider(option,
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", service))))
}

func start(ctx context.Context, provider *sdk.TracerProvider, name string, kind trace.SpanKind,
	at time.Time) (context.Context, trace.Span) {
	return provider.Tracer("sender").Start(ctx, name, trace.WithSpanKind(kind), trace.WithTimestamp(at))
}

func call(number int, front, back *sdk.TracerProvider) {
	now := time.Now()
	later := func(ms time.Duration) time.Time { return now.Add(ms * time.Millisecond) }
	ctx, root := start(context.Background(), front, "GET /", trace.SpanKindServer, now)
	ctx, client := start(ctx, front, "GET", trace.SpanKindClient, later(5))
	_, server := start(ctx, back, "GET /work", trace.SpanKindServer, later(10))
	if number%5 == 0 {
		server.SetStatus(codes.Error, "")
	}
	server.End(trace.WithTimestamp(later(20)))
	client.End(trace.WithTimestamp(later(25)))
	root.End(trace.WithTimestamp(later(30)))
}

func main() {
	if len(os.Args) != 5 {
		log.Fatal("usage: sender HOST:PORT PREFIX CALLS batch|simple")
	}
	endpoint, prefix, processor := os.Args[1], os.Args[2], os.Args[4]
	calls, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	front := providerOf(ctx, endpoint, prefix+"-front", processor)
	back := providerOf(ctx, endpoint, prefix+"-back", processor)
	for number := range calls {
		call(number, front, back)
	}
	// No flush: that is what the shutdown owes.
	for _, provider := range []*sdk.TracerProvider{front, back} {
		if err := provider.Shutdown(ctx); err != nil {
			log.Fatal(err)
		}
	}
}
