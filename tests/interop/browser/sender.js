// sender.js: plays the calls of ../calls.py by the JavaScript SDK in a browser; a page calls window.send().

import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';

const EXPORTERS = { 'http/json': JsonExporter, 'http/protobuf': ProtobufExporter };

// What an exporter was told at last about each batch.
const results = [];

function providerOf(service, { url, protocol, headers }) {
    const exporter = new EXPORTERS[protocol]({ url, headers });
    const told = exporter.export.bind(exporter);
    exporter.export = (spans, done) => told(spans, (result) => {
        results.push(result.code === 0 ? 'ok' : String(result.error));
        done(result);
    });
    return new BasicTracerProvider({
        resource: resourceFromAttributes({ 'service.name': service }),
        spanProcessors: [new BatchSpanProcessor(exporter, { maxQueueSize: 1 << 17 })],
    });
}

function later([seconds, nanoseconds], ms) {
    const sum = nanoseconds + ms * 1e6;
    return [seconds + Math.floor(sum / 1e9), sum % 1e9];
}

function start(provider, name, kind, startTime, parent) {
    const within = parent ? trace.setSpan(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
    return provider.getTracer('sender').startSpan(name, { kind, startTime }, within);
}

function call(number, front, back) {
    const ms = Date.now();
    const now = [Math.floor(ms / 1000), (ms % 1000) * 1e6];
    const root = start(front, 'GET /', SpanKind.SERVER, now);
    const client = start(front, 'GET', SpanKind.CLIENT, later(now, 5), root);
    const server = start(back, 'GET /work', SpanKind.SERVER, later(now, 10), client);
    if (number % 5 === 0) server.setStatus({ code: SpanStatusCode.ERROR });
    server.end(later(now, 20));
    client.end(later(now, 25));
    root.end(later(now, 30));
}

// options: url, protocol, headers, prefix, calls. Returns what the exporters were told.
window.send = async (options) => {
    const front = providerOf(`${options.prefix}-front`, options);
    const back = providerOf(`${options.prefix}-back`, options);
    for (let number = 0; number < options.calls; number++) call(number, front, back);
    await Promise.allSettled([front.shutdown(), back.shutdown()]);
    return results.splice(0);
};
