/* spanmap.h: the service map of OpenTelemetry spans, inside another program.
 * Is:         OTLP requests in, by any number of threads; snapshots out, as plain structs or in every
 *             format that `spanmap map` and the daemon's web door have.
 * Is not:     a receiver: it opens no socket, handles no signal, watches no child, reads no
 *             environment, writes to no terminal, and has no globals that change. Of its own it starts
 *             a few threads where the clock is its own, and spanmap-draw where a picture is asked for.
 * Invariants: what is fed is counted, once: in every snapshot, of what was fed before it, the
 *             accounting's `received` is the sum of all its other rows. A failure leaves no trace but
 *             its own count.
 * Threads:    any number may call with one handle at once; several handles share nothing.
 *             spanmap_open() comes first and spanmap_close() last. After fork() without exec() a
 *             child must not use a handle of its parent's.
 * Memory:     within memory.limit for each handle; what is handed out is given back by the function
 *             that its comment names. NULL may be given back always.
 * Versions:   semantic. Within one soname (libspanmap.so.0) functions and fields are only added,
 *             fields at the end of structs that begin with `size`: the caller sets that to the size
 *             it was compiled with (SPANMAP_INIT does), and gets as much. No other struct grows.
 */
#ifndef SPANMAP_H
#define SPANMAP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SPANMAP_API __attribute__((visibility("default")))
#else
#define SPANMAP_API
#endif

/* Goes up by one with each release that adds to this header. */
#define SPANMAP_API_LEVEL 2

/* Initializes a struct that begins with `size`; all else of it is zero, which is the default.
 *     struct spanmap_error error = SPANMAP_INIT(struct spanmap_error);
 */
#ifdef __cplusplus
}
template <typename spanmap_struct> static inline spanmap_struct spanmap_init()
{
    spanmap_struct made = spanmap_struct();
    made.size = sizeof(spanmap_struct);
    return made;
}
extern "C" {
#define SPANMAP_INIT(type) (spanmap_init<type>())
#else
#define SPANMAP_INIT(type) ((type){.size = sizeof(type)})
#endif

/* ------------------------------------------------------------------- errors */

/* What functions return that can fail: 0 or one of these, all negative. */
enum spanmap_code {
    SPANMAP_OK = 0,
    SPANMAP_NO_MEMORY = -1,
    SPANMAP_FULL = -2,        /* A configured bound is reached. */
    SPANMAP_INVALID = -3,     /* The input breaks its format, or an option is wrong. */
    SPANMAP_TRUNCATED = -4,   /* The input ends inside an element. */
    SPANMAP_UNSUPPORTED = -5, /* Well-formed, but not a thing that is handled here. */
    SPANMAP_TOO_LARGE = -6,   /* Larger than its limit; smaller ones will do. */
    SPANMAP_NOT_FOUND = -7,   /* There is no such thing; the end of a list. */
    SPANMAP_RANGE = -8,       /* A value is outside its range. */
    SPANMAP_TIMEOUT = -9,
    SPANMAP_CLOSED = -10, /* Drained already. */
    SPANMAP_SYSTEM = -11, /* The system refused. */
    SPANMAP_BUSY = -12,   /* No room now: the same call may succeed later. */
};

/* A short English sentence, never NULL, for any number. Constant. */
SPANMAP_API const char *spanmap_code_text(int code);

/* Filled by a call that failed, and by no other; where a function takes one, NULL will do. */
struct spanmap_error {
    size_t size;
    int code;
    int is_retryable;        /* 1: the very same call may succeed, ... */
    uint64_t retry_delay_ns; /* ... after so long; senders that are told so are spread by it. */
    char text[1024];         /* What is wrong, where, and what to do; several lines where several
                              * options are wrong. */
};

/* Gives back what a function handed out with a word of this one. */
SPANMAP_API void spanmap_free(void *memory);

/* "0.1.0", and SPANMAP_API_LEVEL as the library was built. Constant. */
SPANMAP_API const char *spanmap_version(void);
SPANMAP_API int spanmap_api_level(void);

/* ------------------------------------------------------------------ options */

/* One option: a key as in the configuration file, "pairing.wait", and its value as `--set` takes it.
 * Lists and maps are in YAML's flow form: "[a, b]", "{10.0.0.0/8: inside}". */
struct spanmap_setting {
    const char *key;
    const char *value;
};

enum spanmap_clock {
    SPANMAP_CLOCK_OWN = 0, /* The system's. Threads of its own count, pair and judge. */
    /* The caller tells the time with each call, and nothing happens between two calls: the same calls
     * give the same map. It starts no thread; calls that feed and look wait for each other. */
    SPANMAP_CLOCK_GIVEN = 1,
};

struct spanmap_options {
    size_t size;
    const char *yaml; /* A configuration file's text; NULL: none. ${env:NAME} is not replaced. */
    const struct spanmap_setting *settings; /* Behind the text; later wins. */
    size_t settings_count;
    int clock; /* enum spanmap_clock */
    /* Of a given clock: when counting begins. Hashes are seeded by it, which senders should not guess
     * where they are hostile. */
    uint64_t start_unix_nano;
};

/* Whether spanmap_open() would take these options. Keys of what the library has not (listen.*, tls.*,
 * auth.*, cors.*, ...) are judged as in the daemon, and have no effect. An unknown key is an error.
 * Returns: 0; SPANMAP_INVALID, SPANMAP_RANGE (they are wrong); SPANMAP_NO_MEMORY. */
SPANMAP_API int spanmap_check(const struct spanmap_options *options, struct spanmap_error *error);

/* A row of the table of options, for hosts that have a configuration of their own. */
struct spanmap_option {
    size_t size;
    const char *key;     /* "pairing.wait"; rows of one section stand together. */
    const char *type;    /* "duration", "bytes", "list of texts", ... */
    const char *initial; /* The default as text; NULL: an empty list. */
    const char *prose;   /* Sentences. The first stands alone. */
    const char *unit;    /* Of a count; NULL: none. */
    const char *form;    /* What is allowed, where type and bounds do not say it; or NULL. */
    int is_secret;       /* 1: not to be shown. */
};

/* Returns: 0; SPANMAP_NOT_FOUND past the last. Texts are constant. */
SPANMAP_API int spanmap_get_option(size_t index, struct spanmap_option *out_option);

/* ------------------------------------------------------------- open and close */

struct spanmap; /* One map. */

/* Options may be NULL: the defaults, and its own clock.
 * Returns: 0; as spanmap_check(); SPANMAP_SYSTEM (no thread can be made). */
SPANMAP_API int spanmap_open(const struct spanmap_options *options, struct spanmap_error *error,
                             struct spanmap **out_map);

/* Takes nothing on any more (a feed gets SPANMAP_CLOSED), waits for those that are feeding, and judges
 * all that still waits as if the waits had run out. The next snapshot has all that was ever fed;
 * spanmap_take(), spanmap_render() and spanmap_serve() go on. Its own threads have ended.
 * Returns: 0, also when it was drained before. */
SPANMAP_API int spanmap_drain(struct spanmap *map, struct spanmap_error *error);

/* The handle is gone, and what was not in a snapshot too; snapshots stay what they are. Ends the
 * library's threads. */
SPANMAP_API void spanmap_close(struct spanmap *map);

/* --------------------------------------------------------------------- feed */

/* What of a span's attributes this map reads, for hosts that have spans in a form of their own and
 * write the requests themselves: with spanmap_filter_has() it tells which keys can be left out without
 * changing a count, by the options that the map was opened with. Left out may be a span's attributes
 * only, not its resource's; no value that is an array or a list of pairs, wherever it stands, since how
 * deep those are nested is judged; and besides, all that is neither an id, a kind, a time, a name, a
 * status, a trace state, flags nor a link. The filter lives as long as the map, and never changes.
 * Since API level 2. */
enum { SPANMAP_FILTER_WORDS = 64 };
SPANMAP_API const uint32_t *spanmap_get_filter(const struct spanmap *map);

/* By a key's length and first byte, so that some keys stay that could go. 1: it is to stay. */
static inline int spanmap_filter_has(const uint32_t *filter, const char *key, size_t key_size)
{
    size_t word = key_size < SPANMAP_FILTER_WORDS ? key_size : SPANMAP_FILTER_WORDS - 1;

    return key_size == 0 || (filter[word] >> ((unsigned char)key[0] & 31) & 1) != 0;
}

enum spanmap_encoding { SPANMAP_PROTOBUF = 0, SPANMAP_JSON = 1 };

/* What became of a request, or of a file. */
struct spanmap_fed {
    size_t size;
    uint64_t spans;      /* Taken on. */
    uint64_t rejected;   /* Counted and left, since their ids are not valid: for partial_success. */
    const char *message; /* For the sender, though all went well; NULL: none. Constant. */
};

/* Takes one ExportTraceServiceRequest (TracesData is the same) on, whole or not at all; the bytes are
 * the caller's again afterwards. Of a given clock `now_unix_nano` is the time, and one that goes back
 * is the one before; of its own, 0. `out_fed` may be NULL, and is set in any case: rejected spans are
 * no failure.
 * Returns: 0; SPANMAP_BUSY (spans come in faster than they are counted: hold the sender back, or
 *          try again after retry_delay_ns), SPANMAP_NO_MEMORY (likewise); SPANMAP_INVALID,
 *          SPANMAP_TRUNCATED (not such a request); SPANMAP_TOO_LARGE (than
 *          receiver.message_bytes_max, or too many spans); SPANMAP_CLOSED. */
SPANMAP_API int spanmap_feed(struct spanmap *map, int encoding, const void *data, size_t size,
                             uint64_t now_unix_nano, struct spanmap_error *error,
                             struct spanmap_fed *out_fed);

/* Takes a file's requests on, one after the other; what was taken before a fault stays taken. Files
 * are those of `spanmap map`, told apart by content, gzip and zstd included; "-" is no file here.
 * Waits while there is no room. Returns: as spanmap_feed() but for SPANMAP_BUSY; SPANMAP_SYSTEM (it
 * cannot be read); SPANMAP_UNSUPPORTED (of no known kind). */
SPANMAP_API int spanmap_feed_file(struct spanmap *map, const char *path, uint64_t now_unix_nano,
                                  struct spanmap_error *error, struct spanmap_fed *out_fed);

/* Tells a given clock's time, so that what has waited long enough is judged. Without effect on its
 * own. Returns: 0; SPANMAP_CLOSED. */
SPANMAP_API int spanmap_advance(struct spanmap *map, uint64_t now_unix_nano,
                                struct spanmap_error *error);

/* ---------------------------------------------------------------- snapshots */

struct spanmap_snapshot; /* The map at one moment: it never changes. */

/* All that was fed so far. Goes back by spanmap_release(), also after spanmap_close().
 * Returns: 0; SPANMAP_NO_MEMORY. */
SPANMAP_API int spanmap_take(struct spanmap *map, struct spanmap_error *error,
                             struct spanmap_snapshot **out_snapshot);

/* One owner more, and one less. */
SPANMAP_API struct spanmap_snapshot *spanmap_retain(struct spanmap_snapshot *snapshot);
SPANMAP_API void spanmap_release(struct spanmap_snapshot *snapshot);

struct spanmap_moment {
    size_t size;
    uint64_t number;               /* Counts up from 1. */
    uint64_t start_unix_nano;      /* When counting began. */
    uint64_t end_unix_nano;        /* When this was taken. */
    uint64_t first_span_unix_nano; /* The earliest start of a span, ... */
    uint64_t last_span_unix_nano;  /* ... and the latest end; 0: there was none. */
};

SPANMAP_API void spanmap_get_moment(const struct spanmap_snapshot *snapshot,
                                    struct spanmap_moment *out_moment);

/* Durations in seconds. */
struct spanmap_seconds {
    double count; /* Of requests; 0: nothing was observed. */
    double sum;
    double p50;
    double p95;
    double p99;
    double max;
};

/* Counts are sums of sampling weights: whole numbers unless those make them fractions. */
struct spanmap_node {
    size_t size;
    const char *id;   /* type "/" name_space "/" name */
    const char *type; /* "service", "database", "messaging", "external", "user" */
    const char *name_space;
    const char *name;
    double requests; /* Into it. */
    double failed;
    struct spanmap_seconds seconds; /* As it answered. */
};

struct spanmap_edge {
    size_t size;
    const char *client; /* Ids of nodes. */
    const char *server;
    const char *connection_type; /* "", "database", "messaging_system", "virtual_node" */
    double requests;
    double failed;
    struct spanmap_seconds client_seconds;
    struct spanmap_seconds server_seconds;
    struct spanmap_seconds network_seconds;
    struct spanmap_seconds messaging_seconds;
};

/* The map as `map --format json` has it: as map.messaging and map.self_edges say, nodes sorted by id,
 * edges by client, server, connection type. Indices begin at 0. Texts end with a zero, are valid
 * UTF-8 (what is not was replaced by U+FFFD, a zero too), and live as long as the snapshot.
 * Returns: 0; SPANMAP_NOT_FOUND past the last; SPANMAP_NO_MEMORY. */
SPANMAP_API int spanmap_get_node(struct spanmap_snapshot *snapshot, size_t index,
                                 struct spanmap_node *out_node);
SPANMAP_API int spanmap_get_edge(struct spanmap_snapshot *snapshot, size_t index,
                                 struct spanmap_edge *out_edge);

/* A row of the accounting: each span is in `received`, and in exactly one row more. */
struct spanmap_account {
    size_t size;
    const char *name;   /* "received", "internal", "paired", "waiting", "duplicate", "unpaired",
                         * "dropped", "rejected" */
    const char *reason; /* Of the last three: "late", ...; else "". */
    uint64_t spans;
};

/* Returns: 0; SPANMAP_NOT_FOUND past the last. Texts are constant. */
SPANMAP_API int spanmap_get_account(const struct spanmap_snapshot *snapshot, size_t index,
                                    struct spanmap_account *out_account);

/* ------------------------------------------------------------------- render */

/* The snapshot in a format: json, dot, svg, png, pdf, mermaid, text, prometheus, openmetrics, ... (an
 * unknown one is told with all there are). `query` narrows maps by the words of the web door,
 * percent-encoded as there: "focus=checkout&depth=2"; NULL: the whole. Windows are spanmap_serve()'s,
 * of a handle with its own clock: a snapshot covers all since the start. svg, png and pdf are drawn by
 * spanmap-draw, whose path is the option draw.helper. The bytes end with a zero that out_size does not
 * count, and go back by spanmap_free().
 * Returns: 0; SPANMAP_NOT_FOUND (no such format, no such focus); SPANMAP_INVALID (the query);
 *          SPANMAP_UNSUPPORTED (no spanmap-draw; a window); SPANMAP_TIMEOUT, SPANMAP_SYSTEM (it hung, or
 *          crashed); SPANMAP_TOO_LARGE; SPANMAP_NO_MEMORY. */
SPANMAP_API int spanmap_render(struct spanmap_snapshot *snapshot, const char *format,
                               const char *query, struct spanmap_error *error, char **out_data,
                               size_t *out_size);

/* A GET to the web door: the page and its files, /metrics, /map.svg, /api/v1/..., /healthz, /debug/....
 * The texts may be NULL. */
struct spanmap_request {
    size_t size;
    const char *path;            /* "/metrics", percent-decoded. */
    const char *query;           /* As it came, without the '?'. */
    const char *accept;          /* The request's headers of these names. */
    const char *accept_encoding; /* Where it allows gzip, the answer may be packed. */
    const char *if_none_match;
    int is_head; /* 1: the body will not be sent. */
};

struct spanmap_reply {
    size_t size;
    int status;               /* 200, 404, ... */
    const char *content_type; /* Constant. */
    const char *encoding;     /* "gzip", or NULL. Constant. */
    char *headers;            /* Further lines, "Name: value\r\n" each; ends with a zero. */
    char *body;               /* Ends with a zero that body_size does not count. */
    size_t body_size;
};

/* Answers as the daemon's web door does; who may ask is the host's to judge. Goes back by
 * spanmap_reply_release(). Returns: 0, whatever the status says; SPANMAP_NO_MEMORY. */
SPANMAP_API int spanmap_serve(struct spanmap *map, const struct spanmap_request *request,
                              struct spanmap_error *error, struct spanmap_reply *out_reply);
SPANMAP_API void spanmap_reply_release(struct spanmap_reply *reply);

/* --------------------------------------------------------------- statistics */

/* What the library knows of itself, as /metrics shows it too. */
struct spanmap_statistic {
    size_t size;
    const char *name;  /* "spanmap_engine_requests_total" */
    const char *label; /* `key="value"`, or "". */
    const char *help;  /* One sentence; "" in rows behind the first of a name. */
    int is_gauge;      /* 1: may fall. */
    double value;
};

/* Sums as of now, gauges as of the last look at the map: a second ago at most by its own clock, of a
 * given one the last spanmap_take() or spanmap_serve(). Returns: 0; SPANMAP_NOT_FOUND past the last.
 * Texts are constant. */
SPANMAP_API int spanmap_get_statistic(struct spanmap *map, size_t index,
                                      struct spanmap_statistic *out_statistic);

#ifdef __cplusplus
}
#endif

#endif
