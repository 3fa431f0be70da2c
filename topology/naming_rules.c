/* naming_rules.c: the only file that names PCRE2. Its memory comes from base/mem.h, by way of a
 * general context that every compiled pattern keeps.
 */
#include "topology/naming_rules.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/mem.h"

enum { MATCH_LIMIT = 20000, DEPTH_LIMIT = 200, HEAP_LIMIT_KIB = 1024 };

struct naming_prefix {
    struct naming_ip ip;
    unsigned bits; /* Of the 128 of an IPv6 address, mapped ones included. */
    struct view name;
};

struct naming_pattern {
    pcre2_code *code;
    pcre2_match_context *limits;
    struct view replace;
};

static void *pattern_alloc(size_t size, void *context)
{
    (void)context;
    return mem_alloc(size);
}

static void pattern_free(void *memory, void *context)
{
    (void)context;
    mem_free(memory);
}

static int own(struct view text, struct view *out_copy)
{
    char *copy = mem_dup_text(text.data, text.size);

    if (copy == NULL)
        return STATUS_NOMEM;
    *out_copy = (struct view){copy, text.size};
    return 0;
}

static int cut_for_print(struct view text)
{
    return text.size < 80 ? (int)text.size : 80;
}

/* ------------------------------------------------------------------ prefixes */

/* The digits behind the '/'; false: there are none, or too many. */
static bool parse_bits(struct view text, unsigned bits_max, unsigned *out_bits)
{
    unsigned bits = 0;

    if (text.size == 0 || text.size > 3)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        bits = bits * 10 + (unsigned)(text.data[i] - '0');
    }
    if (bits > bits_max)
        return false;
    *out_bits = bits;
    return true;
}

static bool parse_prefix(struct view text, struct naming_prefix *out_prefix)
{
    const char *slash = text.size != 0 ? memchr(text.data, '/', text.size) : NULL;
    struct view address = {text.data, slash != NULL ? (size_t)(slash - text.data) : text.size};
    bool is_v4 = address.size != 0 && memchr(address.data, ':', address.size) == NULL;
    unsigned bits_max = is_v4 ? 32 : 128;
    unsigned bits = bits_max;

    if (!naming_parse_ip(address, &out_prefix->ip))
        return false;
    if (slash != NULL &&
        !parse_bits((struct view){slash + 1, text.size - address.size - 1}, bits_max, &bits))
        return false;
    out_prefix->bits = bits + 128 - bits_max;
    return true;
}

static bool prefix_fits(const struct naming_prefix *prefix, const struct naming_ip *ip)
{
    size_t whole = prefix->bits / 8;
    unsigned rest = prefix->bits % 8;

    if (memcmp(prefix->ip.bytes, ip->bytes, whole) != 0)
        return false;
    return rest == 0 || (prefix->ip.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest) == 0;
}

struct view naming_rules_collapse(const struct naming_rules *rules, const struct naming_ip *ip)
{
    const struct naming_prefix *best = NULL;

    for (size_t i = 0; i < rules->prefixes_count; i++) {
        const struct naming_prefix *prefix = &rules->prefixes[i];
        if (prefix_fits(prefix, ip) && (best == NULL || prefix->bits > best->bits))
            best = prefix;
    }
    return best != NULL ? best->name : (struct view){NULL, 0};
}

static int init_prefixes(struct naming_rules *rules, const struct naming_options *options,
                         char out_error[256])
{
    rules->prefixes = mem_calloc(options->cidr_count, sizeof(*rules->prefixes));
    if (rules->prefixes == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; i < options->cidr_count; i++) {
        struct naming_prefix *prefix = &rules->prefixes[i];
        struct view match = options->cidr[i].match;
        int status;
        if (!parse_prefix(match, prefix) || options->cidr[i].replace.size == 0) {
            (void)snprintf(out_error, 256, /* A cut message is still a message. */
                           "names.cidr: '%.*s' is not a prefix such as 10.0.0.0/8 with a name",
                           cut_for_print(match), match.size != 0 ? match.data : "");
            return STATUS_INVALID;
        }
        status = own(options->cidr[i].replace, &prefix->name);
        if (status != 0)
            return status;
        rules->prefixes_count++;
    }
    return 0;
}

/* ------------------------------------------------------------------ patterns */

static int explain(int code, struct view match, char out_error[256])
{
    PCRE2_UCHAR reason[120];

    if (code == PCRE2_ERROR_NOMEMORY || code == 121)
        return STATUS_NOMEM; /* 121: the compiler's own word for it. */
    if (pcre2_get_error_message(code, reason, sizeof(reason)) < 0)
        reason[0] = '\0';
    (void)snprintf(out_error, 256, "names.rewrite: '%.*s': %s", cut_for_print(match),
                   match.size != 0 ? match.data : "", (const char *)reason);
    return STATUS_INVALID;
}

/* Applies a pattern to a name. `*size` is the room in `out`, then what was written.
 * Returns: 1 where it fits; 0 where it does not, or takes or becomes too long; else an error of
 * PCRE2: memory is out, or the replacement is wrong. */
static int substitute(const struct naming_pattern *pattern, struct view name, char *out,
                      size_t *size)
{
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(pattern->code, NULL);
    PCRE2_SPTR text = (PCRE2_SPTR)(name.size != 0 ? name.data : "");
    int code;

    if (data == NULL)
        return PCRE2_ERROR_NOMEMORY;
    code = pcre2_match(pattern->code, text, name.size, 0, 0, data, pattern->limits);
    if (code > 0) {
        code = pcre2_substitute(pattern->code, text, name.size, 0,
                                PCRE2_SUBSTITUTE_MATCHED | PCRE2_SUBSTITUTE_UNSET_EMPTY, data,
                                pattern->limits, (PCRE2_SPTR)pattern->replace.data,
                                pattern->replace.size, (PCRE2_UCHAR *)out, size);
        if (code == PCRE2_ERROR_NOMEMORY)
            code = 0; /* No room in `out`. */
    } else if (code != PCRE2_ERROR_NOMEMORY) {
        code = 0;
    }
    pcre2_match_data_free(data);
    return code;
}

/* A replacement can only be judged in use: PCRE2 reads it when a match is found. An empty subject
 * with a pattern that fits everything asks for the same groups. */
static int try_replacement(const struct naming_pattern *pattern, struct view match,
                           pcre2_general_context *memory, char out_error[256])
{
    struct naming_pattern probe = *pattern;
    char out[512];
    size_t size = sizeof(out);
    size_t offset;
    struct buf text;
    int code;
    int status;

    buf_init(&text, 0);
    (void)buf_append_text(&text, "|(?:"); /* `failed` tells of all three. */
    (void)buf_append_view(&text, match);
    (void)buf_append_text(&text, "\n)"); /* The line end closes a comment of an extended pattern. */
    status = text.failed;
    if (status == 0) {
        pcre2_compile_context *compiling = pcre2_compile_context_create(memory);
        probe.code = compiling == NULL ? NULL
                                       : pcre2_compile((PCRE2_SPTR)text.data, text.size, PCRE2_UTF,
                                                       &code, &offset, compiling);
        pcre2_compile_context_free(compiling);
        if (probe.code != NULL) {
            code = substitute(&probe, VIEW(""), out, &size);
            if (code < 0)
                status = explain(code, match, out_error);
            pcre2_code_free(probe.code);
        }
    }
    buf_release(&text);
    return status;
}

static int compile(struct naming_pattern *pattern, struct view match, pcre2_general_context *memory,
                   char out_error[256])
{
    pcre2_compile_context *compiling = pcre2_compile_context_create(memory);
    size_t offset = 0;
    int code = 0;

    pattern->limits = pcre2_match_context_create(memory);
    if (compiling == NULL || pattern->limits == NULL) {
        pcre2_compile_context_free(compiling);
        return STATUS_NOMEM;
    }
    (void)pcre2_set_match_limit(pattern->limits, MATCH_LIMIT); /* These always succeed. */
    (void)pcre2_set_depth_limit(pattern->limits, DEPTH_LIMIT);
    (void)pcre2_set_heap_limit(pattern->limits, HEAP_LIMIT_KIB);
    pattern->code = pcre2_compile((PCRE2_SPTR)(match.size != 0 ? match.data : ""), match.size,
                                  PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &code, &offset, compiling);
    pcre2_compile_context_free(compiling);
    if (pattern->code == NULL)
        return explain(code, match, out_error);
    return try_replacement(pattern, match, memory, out_error);
}

static int init_patterns(struct naming_rules *rules, const struct naming_options *options,
                         char out_error[256])
{
    pcre2_general_context *memory = pcre2_general_context_create(pattern_alloc, pattern_free, NULL);
    int status = 0;

    rules->patterns = mem_calloc(options->rewrite_count, sizeof(*rules->patterns));
    if (memory == NULL || rules->patterns == NULL)
        status = STATUS_NOMEM;
    for (size_t i = 0; status == 0 && i < options->rewrite_count; i++) {
        struct naming_pattern *pattern = &rules->patterns[rules->patterns_count++];
        status = own(options->rewrite[i].replace, &pattern->replace);
        if (status == 0)
            status = compile(pattern, options->rewrite[i].match, memory, out_error);
    }
    pcre2_general_context_free(memory);
    return status;
}

int naming_rules_rewrite(const struct naming_rules *rules, struct view name, struct buf *into,
                         struct view *out_name)
{
    for (size_t i = 0; i < rules->patterns_count; i++) {
        char *out = into->data + into->size;
        size_t size = NAMING_REWRITE_MAX;
        int code = substitute(&rules->patterns[i], name, out, &size);
        if (code > 0) {
            into->size += size;
            *out_name = (struct view){out, size};
            return 0;
        }
        if (code == PCRE2_ERROR_NOMEMORY)
            return STATUS_NOMEM;
    }
    *out_name = name;
    return 0;
}

int naming_rules_init(struct naming_rules *rules, const struct naming_options *options,
                      char out_error[256])
{
    int status;

    *rules = (struct naming_rules){0};
    status = init_prefixes(rules, options, out_error);
    if (status == 0)
        status = init_patterns(rules, options, out_error);
    if (status != 0)
        naming_rules_release(rules);
    return status;
}

void naming_rules_release(struct naming_rules *rules)
{
    for (size_t i = 0; i < rules->prefixes_count; i++)
        mem_free((void *)(uintptr_t)rules->prefixes[i].name.data);
    mem_free(rules->prefixes);
    for (size_t i = 0; i < rules->patterns_count; i++) {
        pcre2_code_free(rules->patterns[i].code);
        pcre2_match_context_free(rules->patterns[i].limits);
        mem_free((void *)(uintptr_t)rules->patterns[i].replace.data);
    }
    mem_free(rules->patterns);
    *rules = (struct naming_rules){0};
}
