// sender.mjs HOST:PORT PREFIX CALLS batch|simple (SENDER_PROTOCOL: grpc, http/protobuf, http/json): plays the calls of ../calls.py by the JavaScript SDK.

import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
    BasicTracerProvider,
    BatchSpanProcessor,
    SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

const PROTOCOLS = {
    grpc: ['@opentelemetry/exporter-trace-otlp-grpc', ''],
    'http/protobuf': ['@opentelemetry/exporter-trace-otlp-proto', '/v1/traces'],
    'http/json': ['@opentelemetry/exporter-trace-otlp-http', '/v1/traces'],
};
const [library, path] = PROTOCOLS[process.env.SENDER_PROTOCOL ?? 'grpc'];
const { OTLPTraceExporter } = await import(library);
const [endpoint, prefix, calls, processor] = process.argv.slice(2);

function providerOf(service) {
    const exporter = new OTLPTraceExporter({ url: `http://${endpoint}${path}` });
    return new BasicTracerProvider({
        resource: resourceFromAttributes({ 'service.name': service }),
        spanProcessors: [
            processor === 'batch'
                ? new BatchSpanProcessor(exporter, { maxQueueSize: 1 << 17 })
                : new SimpleSpanProcessor(exporter),
        ],
    });
}

// [seconds, nanoseconds], as the SDK takes them without rounding.
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

const front = providerOf(`${prefix}-front`);
const back = providerOf(`${prefix}-back`);
for (let number = 0; number < Number(calls); number++) {
    call(number, front, back);
    // A simple processor lets its exporter refuse what comes while 30 requests are under way.
    if (processor === 'simple') await Promise.all([front.forceFlush(), back.forceFlush()]);
}
// No flush: that is what the shutdown owes.
await front.shutdown();
await back.shutdown();
