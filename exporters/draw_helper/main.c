/* main.c: spanmap-draw, the one program that links Graphviz.
 *
 *   spanmap-draw FORMAT CPU_SECONDS MEMORY_BYTES < map.dot > map.FORMAT
 *
 * Graphviz is not safe with threads, has globals, and can hang or crash; here it costs one picture.
 * The process limits itself before it reads: CPU time, memory, no core dump. Exit codes:
 * 0 drawn, 1 not drawn, 2 wrong call, 3 Graphviz lacks what it takes; the reason is one line on
 * standard error.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gvc.h>

#include "base/mem.h"
#include "exporters/draw_helper/layout.h"
#include "exporters/draw_helper/plugins.h"

enum { EXIT_NOT_DRAWN = 1, EXIT_WRONG_CALL = 2, EXIT_NO_GRAPHVIZ = 3, INPUT_BYTES_MAX = 64 << 20 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FOR_SANITIZER                                                                              \
    __attribute__((visibility("default"))) /* Else its library finds no such thing. */
#endif

#ifdef __SANITIZE_ADDRESS__
/* Graphviz keeps what it made until the process ends, and so do we. */
FOR_SANITIZER const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

#ifdef __SANITIZE_THREAD__
/* We have one thread; those of Pango's libraries are not instrumented. */
FOR_SANITIZER const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "report_bugs=0";
}
#endif

static int fail(int code, const char *reason)
{
    (void)fprintf(stderr, "%s\n", reason); /* There is nobody else to tell. */
    return code;
}

static bool parse(const char *text, unsigned long long *out_number)
{
    char *end;

    errno = 0;
    *out_number = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && text[0] != '-' && *out_number != 0;
}

static bool limit(int resource, rlim_t value)
{
    struct rlimit bound = {value, value};

    return setrlimit((__rlimit_resource_t)resource, &bound) == 0;
}

static bool limit_all(unsigned long long cpu_s, unsigned long long memory_bytes)
{
    bool done = limit(RLIMIT_CPU, cpu_s) && limit(RLIMIT_CORE, 0);

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    (void)memory_bytes; /* Their shadow alone is terabytes of addresses. */
    return done;
#else
    return done && limit(RLIMIT_AS, memory_bytes);
#endif
}

/* Standard input as one text; NULL: too large, unreadable, or no memory. */
static char *read_all(void)
{
    size_t size = 0;
    size_t capacity = 1 << 16;
    char *text = mem_alloc(capacity);

    while (text != NULL) {
        ssize_t got = read(STDIN_FILENO, text + size, capacity - size - 1);
        char *larger;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            break;
        if (got == 0) {
            text[size] = '\0';
            return text;
        }
        size += (size_t)got;
        if (size + 1 < capacity)
            continue;
        larger = capacity < INPUT_BYTES_MAX ? mem_realloc(text, capacity * 2) : NULL;
        if (larger == NULL)
            break;
        text = larger;
        capacity *= 2;
    }
    mem_free(text);
    return NULL;
}

static bool write_all(const char *data, size_t size)
{
    while (size != 0) {
        ssize_t put = write(STDOUT_FILENO, data, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        data += put;
        size -= (size_t)put;
    }
    return true;
}

/* A picture of points is held whole in memory: a large map gets fewer points an inch. */
static void bound_points(Agraph_t *graph)
{
    const double side_max = 12000;
    const double area_max = 40e6;
    double width = layout_width(graph) / 72; /* Inches. */
    double height = layout_height(graph) / 72;
    double dpi = 96;

    dpi = fmin(dpi, side_max / fmax(fmax(width, height), 1));
    dpi = fmin(dpi, sqrt(area_max / fmax(width * height, 1)));
    GD_drawing(graph)->dpi = dpi;
}

static int draw(GVC_t *gvc, const char *text, const char *format)
{
    Agraph_t *graph = agmemread(text);
    char *picture = NULL;
    unsigned size = 0;

    if (graph == NULL)
        return fail(EXIT_NOT_DRAWN, "Graphviz does not understand the description");
    if (!layout(gvc, graph))
        return fail(EXIT_NOT_DRAWN, "Graphviz could not lay the map out");
    if (strcmp(format, "png") == 0)
        bound_points(graph);
    if (gvRenderData(gvc, graph, format, &picture, &size) != 0 || picture == NULL)
        return fail(EXIT_NO_GRAPHVIZ, "this Graphviz cannot write that format");
    if (!write_all(picture, size))
        return fail(EXIT_NOT_DRAWN, "the picture could not be written");
    return 0; /* The process ends; there is no point in taking the graph apart. */
}

int main(int argc, char **argv)
{
    unsigned long long cpu_s;
    unsigned long long memory_bytes;
    GVC_t *gvc;
    char *text;

    if (argc != 4 || !parse(argv[2], &cpu_s) || !parse(argv[3], &memory_bytes))
        return fail(EXIT_WRONG_CALL, "usage: spanmap-draw FORMAT CPU_SECONDS MEMORY_BYTES");
    if (!limit_all(cpu_s, memory_bytes))
        return fail(EXIT_WRONG_CALL, "the limits could not be set");
    text = read_all();
    if (text == NULL)
        return fail(EXIT_NOT_DRAWN, "the description could not be read");
    gvc = plugins_context(strcmp(argv[1], "svg") != 0);
    if (gvc == NULL)
        return fail(EXIT_NO_GRAPHVIZ, "Graphviz could not be started");
    return draw(gvc, text, argv[1]);
}
