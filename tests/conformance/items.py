"""items: what is owed, one sentence each.

A: the OpenTelemetry Protocol specification 1.11.0 (docs/specification.md of opentelemetry-proto), by its
   sections; CORS, which it leaves out, as browsers' SDKs need it.
C: the gRPC over HTTP/2 documents, RFC 9113 and the faults that servers had.
"""

A = "OTLP"
GRPC = "gRPC"
HTTP2 = "HTTP/2"

# id -> (document and section, the sentence in our words)
ITEMS = {
    "A1": ("OTLP/gRPC and OTLP/HTTP Default Port", "gRPC listens on 4317 and HTTP on 4318 unless told otherwise, on the loopback only."),
    "A2": ("OTLP/gRPC, OTLP/HTTP Request", "All servers MUST support the compressions none and gzip, on both transports."),
    "A3": ("OTLP/gRPC", "Each signal has a unary Export; what is not supported is UNIMPLEMENTED."),
    "A4": ("OTLP/HTTP Request", "POST to /v1/traces, /v1/metrics, /v1/logs, over HTTP/1.1 or HTTP/2; a signal that is not taken is a 404 with a Status."),
    "A5": ("OTLP/HTTP", "Binary and JSON SHOULD be accepted on one port, told apart by Content-Type."),
    "A6": ("OTLP/gRPC Request Size", "The size of a request MUST be limited, after decompression too; beyond it RESOURCE_EXHAUSTED without RetryInfo."),
    "A7": ("OTLP/HTTP Request Size", "The size of a body MUST be limited, after decompression too; beyond it HTTP 413."),
    "A8": ("Response Size", "The server MUST limit the size of its own response (4 MiB recommended)."),
    "A9": ("Full Success", "A request without telemetry SHOULD succeed."),
    "A10": ("Full Success", "On success partial_success MUST be unset: no bytes of protobuf, `{}` of JSON."),
    "A11": ("Partial Success", "What is taken in part is answered as a success with partial_success: the number rejected, and a message."),
    "A12": ("Partial Success", "A warning is partial_success with nothing rejected and a message."),
    "A13": ("OTLP/gRPC Concurrent Requests", "A request is answered once it was decoded and found valid, not before."),
    "A14": ("Failures", "Bad data is INVALID_ARGUMENT on gRPC, with BadRequest where there are details."),
    "A15": ("Failures", "Only UNAVAILABLE and the other retryable codes say that a request may be sent again; RESOURCE_EXHAUSTED only with RetryInfo."),
    "A16": ("OTLP/gRPC Throttling", "An overloaded server says UNAVAILABLE, and by RetryInfo when to come again."),
    "A17": ("Failures", "The body of each HTTP 4xx and 5xx MUST be a google.rpc.Status, in the request's encoding."),
    "A18": ("Bad Data, OTLP/HTTP Throttling", "Bad data MUST be HTTP 400; an overloaded server says 429 or 503, with Retry-After in whole seconds."),
    "A19": ("OTLP/HTTP Response", "The response's Content-Type is the request's; a type that is not known is 415."),
    "A20": ("OTLP/HTTP Response", "A response may be gzip only where the client's Accept-Encoding says so."),
    "A21": ("OTLP/HTTP Request", "Content-Encoding gzip MUST be decoded, each member of it; what is not known is 415."),
    "A22": ("OTLP/HTTP Connection", "Connections are kept between requests, and requests on one of them may follow each other."),
    "A23": ("JSON Protobuf Encoding", "traceId and spanId are hex in either case, not base64."),
    "A24": ("JSON Protobuf Encoding", "Enums MUST be integers, never their names."),
    "A25": ("JSON Protobuf Encoding", "Fields that are not known MUST be ignored; only lowerCamelCase is known."),
    "A26": ("JSON Protobuf Encoding", "64-bit integers are strings or numbers, and all else is as the protobuf JSON mapping says."),
    "A27": ("JSON Protobuf Encoding", "What is no JSON object in UTF-8 from its first to its last byte is bad data."),
    "A28": ("OTLP Protocol, Interoperability", "Fields that are not known are skipped; what is no protobuf is bad data."),
    "A29": ("Partial Success; trace.proto", "A span with an invalid id is rejected alone, and not its batch."),
    "A30": ("trace.proto", "Unknown kinds, unset statuses, high bits of flags and odd times are accepted."),
    "A31": ("common.proto", "Any AnyValue is accepted as an attribute: empty, bytes, mixed arrays, maps."),
    "A32": ("common.proto", "References into the profiles' string table outside profiles do not fail a request."),
    "A33": ("metrics.proto; data model", "Points without time, without value or with buckets that do not fit are rejected alone."),
    "A34": ("trace.proto", "The reserved field 1000 and the old instrumentation_library_spans are ignored."),
    "A35": ("OTLP Protocol", "The same payload has the same outcome on every transport and encoding."),
    "A36": ("CORS (Fetch standard; browsers' SDKs)", "Allowed origins get their preflight answered and every answer readable, others nothing."),
    "C1": ("Timeouts", "Greetings, header blocks and bodies that do not go on are given up, as are windows never opened."),
    "C2": ("RFC 9113 6.5, 6.10, 10.5", "Streams, header lists and CONTINUATION frames are bounded, and the bounds announced."),
    "C3": ("CVE-2023-44487, CVE-2025-8671", "Streams reset in a flood, by either side, end the connection."),
    "C4": ("gRFC A8", "PINGs in a flood end the connection; those of a real client do not."),
    "C5": ("gRFC A9", "A server that is told to end says GOAWAY in two steps, finishes what is under way, and ends."),
    "C6": ("gRPC over HTTP/2: Requests", "Method, path, content type and connection fields are checked, and answered as documented."),
    "C7": ("gRPC over HTTP/2: Timeout", "grpc-timeout is kept; what is malformed is refused."),
    "C8": ("gRPC over HTTP/2: Messages", "Flag, length and encoding of a message are checked before it is held."),
    "C9": ("gRPC status codes", "A unary call has exactly one whole message."),
    "C10": ("gRPC status codes", "Unknown services and methods are UNIMPLEMENTED, before the body's end if need be."),
    "C11": ("gRPC over HTTP/2: Responses", "Status, message and details come in trailers, as documented."),
    "C12": ("gRPC over HTTP/2: Metadata", "Binary metadata may be padded or not; bad metadata never ends the connection."),
    "C13": ("Decompression", "What inflates beyond the limit is refused while it inflates."),
    "C14": ("protobuf bombs", "Nested or empty messages in masses are refused or taken, and harm nobody."),
    "C15": ("protoc-c", "A note for builders; nothing of it shows outside."),
    "C16": ("JSON bombs", "Nesting, numbers, keys and strings without bounds are refused or taken, and harm nobody."),
    "C17": ("Connection caps", "Connections are bounded, and many idle ones harm nobody."),
    "C18": ("Admission", "What cannot be held is refused before it is read, and may come again."),
    "C19": ("grpc.health.v1, reflection", "Health's Check and Watch, and reflection v1 and v1alpha, answer as documented."),
    "C20": ("Unix sockets", "Modes, owners and activation; nothing of it shows on a TCP port."),
    "C21": ("TLS", "TLS 1.2 and up, ALPN h2 (and http/1.1), renewed without a restart."),
    "C22": ("Fuzzing", "A note for builders; nothing of it shows outside."),
}

# Items that no client can judge from outside, and why.
UNSEEN = {
    "C15": "is about a compiler",
    "C18": "is judged by A16 and A18, which overload the server",
    "C20": "is not about TCP",
    "C22": "is about the server's own tests",
}


def order(item):
    return item[0], int(item[1:])
