"""prometheus_messages: /metrics in protobuf, read by Google's library from the pinned definition."""

import subprocess
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal.decoder import _DecodeVarint32

ROOT = Path(__file__).resolve().parents[2]
ACCEPT = ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
          "encoding=delimited")


def _family_class():
    with tempfile.NamedTemporaryFile(suffix=".pb") as file:
        subprocess.run(["protoc-c", f"-I{ROOT / 'proto'}", "--include_imports",
                        f"--descriptor_set_out={file.name}",
                        str(ROOT / "proto/io/prometheus/client/metrics.proto")],
                       check=True, timeout=60)
        described = descriptor_pb2.FileDescriptorSet.FromString(Path(file.name).read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for one in described.file:
        pool.Add(one)
    name = "io.prometheus.client.MetricFamily"
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def families(body):
    """The families of an answer, by their names, in their order."""
    family_class = _family_class()
    out = {}
    at = 0
    while at < len(body):
        size, at = _DecodeVarint32(body, at)
        assert at + size <= len(body)
        family = family_class.FromString(body[at:at + size])
        assert family.name not in out
        out[family.name] = family
        at += size
    return out


def labels(metric):
    return tuple(sorted((pair.name, pair.value) for pair in metric.label))


def native_buckets(histogram):
    """{(lower, upper): count} of a native histogram's positive buckets."""
    base = 2.0 ** (2.0 ** -histogram.schema)
    counts = list(histogram.positive_count)
    if not counts:
        total = 0
        for delta in histogram.positive_delta:
            total += delta
            counts.append(total)
    out = {}
    index = 0
    taken = iter(counts)
    for span in histogram.positive_span:
        index += span.offset
        for _ in range(span.length):
            out[(base ** (index - 1), base ** index)] = next(taken)
            index += 1
    assert next(taken, None) is None
    return out
