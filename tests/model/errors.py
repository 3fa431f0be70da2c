"""errors: whether a span failed (E13)."""

from .attributes import integer
from .otlp_json import CLIENT, ERROR, PRODUCER, UNSET

GRPC_CODES = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
    "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
    "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)
GRPC_SERVER_ERRORS = (
    "UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
)


def grpc_code(attributes):
    """The name of the gRPC status, whichever of the three attributes says it, or None."""
    for key in ("rpc.status_code", "rpc.response.status_code", "rpc.grpc.status_code"):
        value = attributes.get(key)
        number = integer(attributes, key)
        if number is not None:
            return GRPC_CODES[number] if 0 <= number < len(GRPC_CODES) else f"code {number}"
        if isinstance(value, str) and value:
            return value.upper()
    return None


def derived_error(span):
    """What the conventions make of the codes. Reading: they speak of the kind that a span came
    with, so that a CLIENT that receives messages is a client here."""
    is_client = span.kind in (CLIENT, PRODUCER)
    http = integer(span.attributes, "http.response.status_code", "http.status_code")
    if http is not None and (400 if is_client else 500) <= http <= 599:
        return True
    grpc = grpc_code(span.attributes)
    if grpc is None:
        return False
    return grpc != "OK" if is_client else grpc in GRPC_SERVER_ERRORS


def status_of(span, derive):
    """E13: a status that is set stands; an unset one may be derived."""
    if span.status == UNSET and derive and derived_error(span):
        return ERROR
    return span.status
