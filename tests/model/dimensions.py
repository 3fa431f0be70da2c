"""dimensions: values of attributes as labels (section 4), for the model.

Is:     one reading of: from the span, where it has none from its resource; texts as they are, all else
        as OpenTelemetry represents AnyValue outside of OTLP; clean, cut, and without credentials.
"""

import base64
import math
import re

LENGTH_MAX = 256  # names.length_max
CREDENTIALS = re.compile(r"""://[^/?#\\ "']*@""")
SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def number(value):
    """The shortest decimal of at least 15 digits' precision that reads back as the same double."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return next(text for text in (f"{value:.{digits}g}" for digits in (15, 16, 17))
                if float(text) == value)


def quoted(text):
    return '"' + "".join(
        SHORT.get(char) or (f"\\u{ord(char):04x}" if char < " " else char) for char in text) + '"'


def in_json(value):
    """A value as an element of a list or a member of a map."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bytes):
        return quoted(base64.b64encode(value).decode())
    if isinstance(value, list):
        return "[" + ",".join(in_json(each) for each in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{quoted(key)}:{in_json(each)}" for key, each in value.items()) + "}"
    text = plain(value)
    return quoted(text) if text in ("NaN", "Infinity", "-Infinity") else text


def plain(value):
    """A value that stands alone."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return number(value)
    return in_json(value)


def clean(text):
    """Reading: as all names: control characters become U+FFFD, and what is too long is cut at a
    character's boundary."""
    text = CREDENTIALS.sub("://", text)
    text = "".join("\ufffd" if char < " " or "\x7f" <= char <= "\x9f" else char for char in text)
    return text.encode()[:LENGTH_MAX].decode(errors="ignore")


def is_there(value):
    """N1: empty attributes are as absent."""
    return value is not None and value not in ("", b"", [], {})


def values_of(span, keys):
    """((key, text), ...) of the dimensions that a span has."""
    out = []
    for key in keys:
        value = next((attributes[key] for attributes in (span.attributes, span.resource)
                      if is_there(attributes.get(key))), None)
        if value is not None and clean(plain(value)):
            out.append((key, clean(plain(value))))
    return tuple(out)


def label(key, prefix=""):
    """Whatever may not stand in a label's name is one underscore."""
    name = re.sub(r"[^a-zA-Z0-9]+", "_", prefix + key)
    return "_" + name if name[0].isdigit() else name


def labels(values, prefix=""):
    return {label(key, prefix): value for key, value in values}
