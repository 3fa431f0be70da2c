"""The tables behind the checks. A new rule is a new row, with its reason."""

# ---------------------------------------------------------------- directions

LAYERS = {
    "base": {"base"},
    "net": {"base", "net"},
    "topology": {"base", "topology"},
    "receiver": {"base", "net", "topology", "receiver"},
    "exporters": {"base", "net", "topology", "exporters"},
    "engine": {"base", "net", "topology", "receiver", "exporters", "engine"},
    "include": set(),
    "library": {"base", "net", "topology", "receiver", "exporters", "engine", "include", "library"},
    "daemon": {"base", "net", "topology", "receiver", "exporters", "engine", "daemon"},
}

# ------------------------------------------------------------------ libraries

# Header (a regular expression) -> the files that may name it (globs). Tests may name
# any, since some are there to compare us with the library.
VERSION = "daemon/version.c"  # Names each library's version.
LIBRARIES = [
    (r"nghttp2/.*", ["net/h2*.c", VERSION]),
    (r"llhttp(/llhttp)?\.h", ["net/http1*.c"]),
    (r"uv\.h", ["net/*.[ch]", "engine/*.[ch]", "daemon/*.[ch]", "exporters/*server*.[ch]"]),
    (r"(graphviz/.*|cgraph\.h|gvc\.h)", ["exporters/draw_helper/*.[ch]"]),
    (r"grpc/.*", ["exporters/grpc/*.[ch]"]),
    (r"dlfcn\.h", ["exporters/grpc_load.c", "exporters/draw_helper/*.c"]),
    (r"yaml\.h", ["engine/config*.c", VERSION]),
    (r"jansson\.h", ["exporters/json*.[ch]", "receiver/otlp_json*.[ch]", "receiver/otlp_from*.[ch]",
        "daemon/*.c"]),
    (r"curl/.*", ["daemon/*.c", "net/http_post.c"]),
    (r"snappy.*\.h", ["exporters/snappy.c", VERSION]),
    (r"pcre2.*\.h", ["topology/naming*.c", VERSION]),
    (r"libdeflate\.h", ["receiver/inflate*.c", "exporters/deflate*.c", "engine/input*.c", VERSION]),
    (r"zlib\.h", ["receiver/inflate*.c", "exporters/deflate*.c", "engine/input*.c",
        "net/http_unpack.c", VERSION]),
    (r"zstd.*\.h", ["receiver/inflate*.c", "engine/input*.c", VERSION]),
    (r"xxhash\.h", ["base/hash.c", "base/map.c"]),
    (r"protobuf-c/.*", ["receiver/*.[ch]", "exporters/*.[ch]", VERSION]),
    (r"openssl/.*", ["net/tls*.[ch]", VERSION]),
    (r"crypt\.h", ["receiver/auth_password.c"]),
    (r"cmocka\.h", []),
]

# --------------------------------------------------------- banned functions

# Names, why, and the files (globs) that may use them all the same.
TESTS = "tests/*"
HELPER = "exporters/draw_helper/*"
BANNED = [
    ("strcpy strcat strncpy strncat sprintf vsprintf gets stpcpy",
     "writes without a bound, or without an end; use base/buf.h or snprintf", []),
    ("atoi atol atoll atof scanf sscanf fscanf",
     "cannot tell a wrong number; use strtoull and look at the end", []),
    ("strtok", "keeps hidden state; use strsep or base/view.h", []),
    ("alloca", "a peer's number would decide the depth of the stack", []),
    ("malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf aligned_alloc "
     "posix_memalign",
     "all allocation goes through base/mem.h, so that tests can fail it", ["base/mem.c", TESTS]),
    ("printf puts putchar perror vprintf",
     "only the daemon speaks to a terminal", ["daemon/*", HELPER, TESTS]),
    ("signal sigaction uv_signal_init uv_signal_start signalfd",
     "no signal handler below daemon/", ["daemon/*", HELPER, TESTS]),
    ("uv_spawn", "it would install a child watcher in the host program", []),
    ("exit _exit quick_exit", "a library does not end its host", ["daemon/*", HELPER, TESTS]),
    ("abort", "only CHECK() may stop the program", ["base/check.c", TESTS]),
    ("getenv secure_getenv setenv putenv", "options come from the option table",
     ["daemon/*", TESTS]),
    ("system popen fork vfork", "a child is started by posix_spawn", [TESTS]),
    ("localtime gmtime ctime asctime strerror rand srand",
     "not safe with threads; use the _r form, or base/", [TESTS]),
    ("time gettimeofday clock_gettime clock uv_now uv_hrtime",
     "time is asked of base/clock.h, or given as an argument", ["base/clock.c", TESTS]),
    ("sleep usleep nanosleep", "the loop has timers", [TESTS]),
]

# Streams of the terminal, for the same reason as printf.
TERMINAL_WRITERS = ["daemon/*", HELPER, TESTS, "base/log.c", "base/check.c"]

# ------------------------------------------------------------------- logging

# base, topology and protocol code return a status; they never log.
SILENT = ["base/*", "topology/*", "net/h2*", "net/http1*", "net/hpack*", "net/tls*", "receiver/auth*",
          "receiver/otlp_wire*",
          "receiver/grpc_call*", "receiver/grpc_fields*", "receiver/grpc_frame*",
          "receiver/session*", "receiver/request*", "receiver/http*", "receiver/grpc_status*",
          "receiver/inflate*"]
LOG_HEADER = "base/log.h"
LOG_OWN = ["base/log.c"]

# ------------------------------------------------------------------- lengths

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 700
FILE_LENGTH_SUFFIXES = (".c", ".h", ".py", ".js", ".css", ".sh", ".html")
# Rows of exceptions.txt. May only be lowered.
EXCEPTIONS_MAX = 0

# ------------------------------------------------------------------- builds

# The same patterns as in the Makefile: what matches none is compiled by nothing.
BUILT = [r"(base|net|topology|receiver|exporters|engine|library|daemon)/[^/]+\.c",
         r"exporters/(draw_helper|grpc)/[^/]+\.c", r"tests/unit/[^/]+/[^/]+_test\.c",
         r"tests/lib/[^/]+\.c", r"tests/fuzz/[^/]+_fuzz\.c", r"tests/bench/[^/]+_bench\.c",
         r"tests/bench/tools/(payload|load\w*|cost|floor)\.c"]
# Included by nobody in the tree, on purpose: the build makes the other side.
HEADERS_ALONE = []
GENERATED = [r"version\.h", r"semconv_table\.inc", r".*\.pb-c\.h"]

# -------------------------------------------------------------------- words

# Written in two parts, so that this file does not hold them.
UNFINISHED = ["TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK"]
MACHINE_PATHS = ["/wo" "rk/", "/ro" "ot/", "/fa" "rm/", "/tmp/br" "ief"]
THIRD_PARTY = ["LICENSE", "proto/*.proto", "proto/*/*.proto"]

# ------------------------------------------------------------------ globals

# Folders whose objects may hold nothing that can be written to.
CONSTANT_FOLDERS = ["base", "net", "topology", "receiver", "exporters", "engine", "library"]
GLOBALS_ALLOWED = {
    ("base/mem.c", "requests_left"): "how tests let the n-th allocation of a thread fail",
}
