"""library: libspanmap.so by ctypes, as a host in Python has it.

    with Library({"memory.limit": "64MiB"}) as library:
        library.feed(request_bytes)
        library.drain()
        library.render("json")
"""

import ctypes
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SPANMAP_BUILD") or ROOT / "build")
SHARED = BUILD / "lib" / "libspanmap.so.0"
BUSY = -12


class Error(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("code", ctypes.c_int), ("is_retryable", ctypes.c_int),
                ("retry_delay_ns", ctypes.c_uint64), ("text", ctypes.c_char * 1024)]


class Setting(ctypes.Structure):
    _fields_ = [("key", ctypes.c_char_p), ("value", ctypes.c_char_p)]


class Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("yaml", ctypes.c_char_p),
                ("settings", ctypes.POINTER(Setting)), ("settings_count", ctypes.c_size_t),
                ("clock", ctypes.c_int), ("start_unix_nano", ctypes.c_uint64)]


class Fed(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("spans", ctypes.c_uint64),
                ("rejected", ctypes.c_uint64), ("message", ctypes.c_char_p)]


class SpanmapError(Exception):
    def __init__(self, error):
        super().__init__(error.text.decode())
        self.code = error.code


class Library:
    """One handle. `start` (Unix nanoseconds): its clock is given, and begins there."""

    def __init__(self, options=None, start=None):
        self.lib = ctypes.CDLL(str(SHARED))
        self.lib.spanmap_close.restype = None
        self.lib.spanmap_release.restype = None
        self.lib.spanmap_free.restype = None
        settings = (Setting * len(options or {}))(*(
            Setting(key.encode(), value.encode()) for key, value in (options or {}).items()))
        given = Options(ctypes.sizeof(Options), None, settings, len(settings),
                        0 if start is None else 1, start or 0)
        self.map = ctypes.c_void_p()
        self.error = Error(ctypes.sizeof(Error))
        self._call("spanmap_open", ctypes.byref(given), ctypes.byref(self.error),
                   ctypes.byref(self.map))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.lib.spanmap_close(self.map)

    def _call(self, name, *arguments):
        if getattr(self.lib, name)(*arguments) != 0:
            raise SpanmapError(self.error)

    def feed(self, request, now=0, encoding=0):
        """Until there is room; (spans, rejected)."""
        fed = Fed(ctypes.sizeof(Fed))
        while True:
            try:
                self._call("spanmap_feed", self.map, encoding, request,
                           ctypes.c_size_t(len(request)), ctypes.c_uint64(now),
                           ctypes.byref(self.error), ctypes.byref(fed))
                return fed.spans, fed.rejected
            except SpanmapError as error:
                if error.code != BUSY:
                    raise

    def wants(self, key):
        """Whether an attribute of a span may matter: spanmap_filter_has()."""
        function = self.lib.spanmap_get_filter
        function.restype = ctypes.POINTER(ctypes.c_uint32)
        name = key.encode()
        return not name or function(self.map)[min(len(name), 63)] >> (name[0] & 31) & 1 == 1

    def advance(self, now):
        self._call("spanmap_advance", self.map, ctypes.c_uint64(now), ctypes.byref(self.error))

    def drain(self):
        self._call("spanmap_drain", self.map, ctypes.byref(self.error))

    def render(self, form, query=""):
        """What the map is by now, in a format, as bytes."""
        snapshot, data = ctypes.c_void_p(), ctypes.c_void_p()
        size = ctypes.c_size_t()
        self._call("spanmap_take", self.map, ctypes.byref(self.error), ctypes.byref(snapshot))
        try:
            self._call("spanmap_render", snapshot, form.encode(), query.encode(),
                       ctypes.byref(self.error), ctypes.byref(data), ctypes.byref(size))
        finally:
            self.lib.spanmap_release(snapshot)
        text = ctypes.string_at(data, size.value)
        self.lib.spanmap_free(data)
        return text
