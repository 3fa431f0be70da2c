// Sender HOST:PORT PREFIX CALLS batch|simple: plays the calls of ../calls.py by the Java SDK.
// SENDER_PROTOCOL is grpc or http/protobuf.

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.TimeUnit;

public class Sender {
    static byte[] file(String variable) throws IOException {
        return Files.readAllBytes(Path.of(System.getenv(variable)));
    }

    static SpanExporter exporterTo(String endpoint) throws IOException {
        String compression = System.getenv().getOrDefault("OTEL_EXPORTER_OTLP_COMPRESSION", "none");
        boolean isPlain = System.getenv("OTEL_EXPORTER_OTLP_CERTIFICATE") == null;
        String url = (isPlain ? "http://" : "https://") + endpoint;
        if (System.getenv().getOrDefault("SENDER_PROTOCOL", "grpc").equals("grpc")) {
            var builder = OtlpGrpcSpanExporter.builder().setCompression(compression).setEndpoint(url);
            if (!isPlain) {
                builder.setTrustedCertificates(file("OTEL_EXPORTER_OTLP_CERTIFICATE"))
                    .setClientTls(file("OTEL_EXPORTER_OTLP_CLIENT_KEY"),
                        file("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"));
            }
            return builder.build();
        }
        var builder = OtlpHttpSpanExporter.builder().setCompression(compression).setEndpoint(url + "/v1/traces");
        if (!isPlain) {
            builder.setTrustedCertificates(file("OTEL_EXPORTER_OTLP_CERTIFICATE"))
                .setClientTls(file("OTEL_EXPORTER_OTLP_CLIENT_KEY"),
                    file("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"));
        }
        return builder.build();
    }

    static SdkTracerProvider providerOf(String endpoint, String service, String processor) throws IOException {
        var exporter = exporterTo(endpoint);
        var resource = Resource.create(Attributes.of(AttributeKey.stringKey("service.name"), service));
        return SdkTracerProvider.builder().setResource(resource)
            .addSpanProcessor(processor.equals("batch")
                ? BatchSpanProcessor.builder(exporter).setMaxQueueSize(1 << 17).build()
                : SimpleSpanProcessor.create(exporter))
            .build();
    }

    static Span start(SdkTracerProvider provider, String name, SpanKind kind, Instant at, Span parent) {
        Context within = parent == null ? Context.root() : Context.root().with(parent);
        return provider.get("sender").spanBuilder(name).setParent(within).setSpanKind(kind)
            .setStartTimestamp(at).startSpan();
    }

    static void call(int number, SdkTracerProvider front, SdkTracerProvider back) {
        Instant now = Instant.now();
        Span root = start(front, "GET /", SpanKind.SERVER, now, null);
        Span client = start(front, "GET", SpanKind.CLIENT, now.plusMillis(5), root);
        Span server = start(back, "GET /work", SpanKind.SERVER, now.plusMillis(10), client);
        if (number % 5 == 0) {
            server.setStatus(StatusCode.ERROR);
        }
        server.end(now.plusMillis(20));
        client.end(now.plusMillis(25));
        root.end(now.plusMillis(30));
    }

    public static void main(String[] arguments) throws IOException {
        String endpoint = arguments[0];
        String prefix = arguments[1];
        int calls = Integer.parseInt(arguments[2]);
        String processor = arguments[3];
        var front = providerOf(endpoint, prefix + "-front", processor);
        var back = providerOf(endpoint, prefix + "-back", processor);
        for (int number = 0; number < calls; number++) {
            call(number, front, back);
            // A simple processor's exporter refuses, when shut down, what it has not yet begun to send.
            if (processor.equals("simple")) {
                front.forceFlush().join(30, TimeUnit.SECONDS);
                back.forceFlush().join(30, TimeUnit.SECONDS);
            }
        }
        // No flush: that is what the shutdown owes.
        boolean done = front.shutdown().join(30, TimeUnit.SECONDS).isSuccess()
            & back.shutdown().join(30, TimeUnit.SECONDS).isSuccess();
        System.exit(done ? 0 : 1);
    }
}
