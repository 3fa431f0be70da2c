/* config.c: the sources of options, one after the other. Every source is read to its end, so that
 * a user sees all faults at once.
 */
#include "engine/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "engine/config_priv.h"
#include "engine/suggest.h"

/* -------------------------------------------------------------------- faults */

static void print_place(const struct config_place *place, struct buf *out)
{
    (void)buf_append_text(out, place->label);
    if (place->line != 0)
        (void)buf_printf(out, ":%zu", place->line);
    if (place->column != 0 && place->line != 0)
        (void)buf_printf(out, ":%zu", place->column);
    (void)buf_append_text(out, ": ");
    if (place->column != 0 && place->line == 0)
        (void)buf_printf(out, "column %zu: ", place->column);
}

int config_fault(struct config_faults *faults, const struct config_place *place, const char *format,
                 ...)
{
    char message[512];
    va_list args;

    faults->count++;
    if (faults->count == CONFIG_FAULTS_MAX + 1)
        (void)buf_append_text(faults->out, "Further faults are not listed.\n");
    if (faults->count <= CONFIG_FAULTS_MAX) {
        va_start(args, format);
        (void)vsnprintf(message, sizeof(message), format, args); /* A cut one still tells. */
        va_end(args);
        print_place(place, faults->out);
        (void)buf_append_text(faults->out, message);
        (void)buf_append_byte(faults->out, '\n');
    }
    return faults->out->failed == STATUS_NOMEM ? STATUS_NOMEM : STATUS_INVALID;
}

/* The first parts of a key, as many as `dots` and one. */
static size_t parts_size(const char *key, size_t dots)
{
    size_t size = 0;

    while (key[size] != '\0' && (key[size] != '.' || dots-- != 0))
        size++;
    return size;
}

static bool ends_alike(const char *key, struct view other)
{
    const char *dot = strrchr(key, '.');
    struct view last = view_of(dot != NULL ? dot + 1 : key);
    size_t before = other.size - last.size;

    return other.size >= last.size && (before == 0 || other.data[before - 1] == '.') &&
           view_equal((struct view){other.data + before, last.size}, last);
}

/* The key that was probably meant, or the section, to who wrote but a section; empty: none. */
static void find_near(struct view key, char out_name[CONFIG_KEY_MAX])
{
    struct suggestion suggestion;
    char name[CONFIG_KEY_MAX];
    size_t dots = 0;

    for (size_t i = 0; i < key.size; i++)
        dots += key.data[i] == '.';
    out_name[0] = '\0';
    suggest_init(&suggestion, key);
    for (size_t i = 0; i < spanmap_options.count; i++) {
        const char *whole = spanmap_options.rows[i].key;
        size_t size = parts_size(whole, dots);
        memcpy(name, whole, size);
        name[size] = '\0';
        suggest_offer(&suggestion, name);
        if (suggestion.best == name) {
            memcpy(out_name, name, size + 1);
            suggestion.best = out_name;
        }
    }
    for (size_t i = 0; suggestion.best == NULL && i < spanmap_options.count; i++) {
        suggestion.best = ends_alike(spanmap_options.rows[i].key, key) ? out_name : NULL;
        if (suggestion.best != NULL)
            memcpy(out_name, spanmap_options.rows[i].key, strlen(spanmap_options.rows[i].key) + 1);
    }
}

int config_fault_unknown(struct config_faults *faults, const struct config_place *place,
                         struct view key)
{
    char shown[CONFIG_KEY_MAX];
    char near[CONFIG_KEY_MAX];

    (void)utf8_show(key, shown, sizeof(shown));
    find_near(key, near);
    if (near[0] != '\0')
        return config_fault(faults, place, "%s: there is no such option; did you mean %s?", shown,
                            near);
    return config_fault(faults, place, "%s: there is no such option", shown);
}

/* ---------------------------------------------------------------------- file */

static int read_all(int fd, struct buf *text)
{
    for (;;) {
        ssize_t got;
        int status = buf_reserve(text, 16384);
        if (status != 0)
            return status;
        got = read(fd, text->data + text->size, 16384);
        if (got == 0)
            return 0;
        if (got < 0 && errno != EINTR)
            return STATUS_SYSTEM;
        text->size += got > 0 ? (size_t)got : 0;
        if (text->size > CONFIG_FILE_MAX)
            return STATUS_TOO_LARGE;
    }
}

static int read_file(const char *name, struct buf *text, struct config_faults *faults)
{
    bool is_input = strcmp(name, "-") == 0;
    struct config_place place = {.label = is_input ? "standard input" : name};
    char reason[128];
    int status = STATUS_SYSTEM;
    /* Opening a pipe would wait for its writer, and SIGHUP reads the file in the thread that waits for
     * the signals that end all. */
    int fd = is_input ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat file;

    if (fd >= 0 && !is_input && fstat(fd, &file) == 0 && S_ISFIFO(file.st_mode)) {
        (void)close(fd);
        return config_fault(faults, &place, "is a pipe; - stands for standard input");
    }
    if (fd >= 0)
        status = read_all(fd, text);
    if (status == STATUS_SYSTEM)
        (void)config_fault(faults, &place, "cannot be read: %s",
                           strerror_r(errno, reason, sizeof(reason)));
    if (status == STATUS_TOO_LARGE)
        status = config_fault(faults, &place, "is larger than 1MiB, which no configuration is");
    if (fd >= 0 && !is_input)
        (void)close(fd); /* It was only read. */
    return status;
}

static int load_file(const struct config_sources *sources, struct config_faults *faults,
                     struct options *options)
{
    const char *label = strcmp(sources->file, "-") == 0 ? "standard input" : sources->file;
    struct buf text;
    int status;

    buf_init(&text, 0);
    status = read_file(sources->file, &text, faults);
    if (status == 0)
        status = config_read_yaml(sources, label, VIEW(""), buf_view(&text), faults, options);
    buf_release(&text);
    return status;
}

static int load_text(const struct config_sources *sources, struct config_faults *faults,
                     struct options *options)
{
    struct config_place place = {.label = "the text"};

    if (sources->text.size > CONFIG_FILE_MAX)
        return config_fault(faults, &place, "is larger than 1MiB, which no configuration is");
    return config_read_yaml(sources, place.label, VIEW(""), sources->text, faults, options);
}

/* ----------------------------------------------------------------------- set */

/* Whether the value of an option is YAML; else it is the text itself, with no need for quotes
 * around an address such as [::1]:4317. */
static bool is_yaml(const struct option_row *row, struct view value)
{
    if (row == NULL || row->type == OPTION_PAIRS)
        return true;
    return row->type == OPTION_TEXTS && (value.data[0] == '[' || value.data[0] == '{');
}

static int set_text(const struct config_sources *sources, const struct option_row *row,
                    struct view value, const struct config_place *place,
                    struct config_faults *faults, struct options *options)
{
    char error[256] = "";
    struct buf text;
    int status;

    buf_init(&text, CONFIG_VALUE_MAX);
    status = config_expand(sources, value, error, &text);
    if (status == 0)
        status = option_set(row, options, buf_view(&text), error);
    buf_release(&text);
    if (status != 0 && status != STATUS_NOMEM)
        return config_fault(faults, place, "%s", error);
    return status;
}

static int load_set(const struct config_sources *sources, const char *set,
                    struct config_faults *faults, struct options *options)
{
    const char *equals = strchr(set, '=');
    struct view key = {set, equals != NULL ? (size_t)(equals - set) : strlen(set)};
    const struct option_row *row = option_find(&spanmap_options, key);
    char shown[CONFIG_KEY_MAX];
    const char *what = sources->sets_label != NULL ? sources->sets_label : "--set";
    char label[2 * CONFIG_KEY_MAX];
    struct config_place place = {.label = label};
    struct view value;

    (void)snprintf(label, sizeof(label), "%.64s %s", what, utf8_show(key, shown, sizeof(shown)));
    if (equals == NULL)
        return config_fault(faults, &place, "there is no '=' behind the key");
    value = view_of(equals + 1);
    if (row == NULL && !option_is_section(&spanmap_options, key)) {
        place.label = what;
        return config_fault_unknown(faults, &place, key);
    }
    if (value.size == 0 && row != NULL && row->initial == NULL)
        value = VIEW("[]");
    if (is_yaml(row, value))
        return config_read_yaml(sources, label, key, value, faults, options);
    return set_text(sources, row, value, &place, faults, options);
}

/* ---------------------------------------------------------------------- load */

int config_load(const struct config_sources *sources, struct buf *out_errors,
                struct options *out_options)
{
    struct config_faults faults = {.out = out_errors};
    struct options options;
    int status = options_init(&options);

    if (status != 0)
        return status;
    if (sources->file != NULL)
        status = load_file(sources, &faults, &options);
    if (status != STATUS_NOMEM && sources->text.size != 0) {
        int text_status = load_text(sources, &faults, &options);
        status = status == 0 || text_status == STATUS_NOMEM ? text_status : status;
    }
    for (size_t i = 0; status != STATUS_NOMEM && i < sources->sets_count; i++) {
        int set_status = load_set(sources, sources->sets[i], &faults, &options);
        if (status == 0 || set_status == STATUS_NOMEM)
            status = set_status;
    }
    if (status == 0 && faults.count != 0)
        status = STATUS_INVALID;
    if (status == 0)
        *out_options = options;
    else
        options_release(&options);
    return status;
}
