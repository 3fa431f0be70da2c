/* prom_writer.c: hands each call to the format that was asked for. */
#include "exporters/prom_writer.h"

#include <stdio.h>
#include <string.h>

#include "topology/span.h"

void prom_writer_init(struct prom_writer *writer, struct buf *out, enum prom_format format,
                      const struct export_input *input)
{
    const struct snapshot *snapshot = input->snapshot;
    struct otlp_metrics_options otlp = {
        .bounds = snapshot->bounds,
        .exponential = input->options.otlp_exponential,
        .instance = input->options.otlp_instance,
        .start = snapshot->start,
        .now = snapshot->end,
    };

    *writer = (struct prom_writer){.format = format, .out = out};
    buf_init(&writer->families, 0);
    if (format == PROM_OTLP)
        otlp_metrics_init(&writer->otlp, out, &otlp);
    else if (format == PROM_PROTOBUF)
        prom_protobuf_init(&writer->protobuf, out, snapshot->bounds);
    else
        prom_text_init(&writer->text, out, input->pack, format == PROM_OPENMETRICS,
                       snapshot->bounds);
}

void prom_writer_init_remote(struct prom_writer *writer, struct remote_write *remote)
{
    *writer = (struct prom_writer){.format = PROM_REMOTE, .out = &remote->series, .remote = remote};
    buf_init(&writer->families, 0);
}

/* The name as a line; OpenMetrics' families are without their type's suffix. */
static size_t line_of(const struct prom_writer *writer, const struct prom_family *family,
                      char line[PROM_NAME_MAX + 16])
{
    const char *suffix = writer->format == PROM_OPENMETRICS ? "" : prom_type_suffix(family->type);
    int size = snprintf(line, PROM_NAME_MAX + 16, "\n%s%s\n", family->name, suffix);

    return size > 0 && size < PROM_NAME_MAX + 16 ? (size_t)size : 0;
}

bool prom_writer_has(const struct prom_writer *writer, const struct prom_family *family)
{
    char line[PROM_NAME_MAX + 16];
    size_t size = line_of(writer, family, line);

    return writer->families.size != 0 &&
           memmem(writer->families.data, writer->families.size, line, size) != NULL;
}

void prom_writer_family(struct prom_writer *writer, const struct prom_family *family)
{
    char line[PROM_NAME_MAX + 16];
    size_t size = line_of(writer, family, line);

    if (buf_append(&writer->families, line, size) != 0)
        writer->out->failed = writer->families.failed;
    if (writer->format == PROM_REMOTE)
        remote_write_family(writer->remote, family);
    else if (writer->format == PROM_OTLP)
        otlp_metrics_family(&writer->otlp, family);
    else if (writer->format == PROM_PROTOBUF)
        prom_protobuf_family(&writer->protobuf, family);
    else
        prom_text_family(&writer->text, family);
}

void prom_writer_u64(struct prom_writer *writer, struct view labels, uint64_t value)
{
    if (writer->format == PROM_REMOTE)
        remote_write_value(writer->remote, labels, (double)value, (struct wall_time){0}, NULL);
    else if (writer->format == PROM_OTLP)
        otlp_metrics_u64(&writer->otlp, labels, value);
    else if (writer->format == PROM_PROTOBUF)
        prom_protobuf_value(&writer->protobuf, labels, (double)value, (struct wall_time){0}, NULL);
    else
        prom_text_u64(&writer->text, labels, value);
}

void prom_writer_double(struct prom_writer *writer, struct view labels, double value)
{
    if (writer->format == PROM_REMOTE)
        remote_write_value(writer->remote, labels, value, (struct wall_time){0}, NULL);
    else if (writer->format == PROM_OTLP)
        otlp_metrics_double(&writer->otlp, labels, value, (struct wall_time){0}, NULL);
    else if (writer->format == PROM_PROTOBUF)
        prom_protobuf_value(&writer->protobuf, labels, value, (struct wall_time){0}, NULL);
    else
        prom_text_double(&writer->text, labels, value);
}

void prom_writer_weight(struct prom_writer *writer, struct view labels, uint64_t weight,
                        struct wall_time created, const struct exemplar *exemplar)
{
    if (writer->format == PROM_REMOTE)
        remote_write_value(writer->remote, labels, (double)weight / (double)WEIGHT_ONE, created,
                           exemplar);
    else if (writer->format == PROM_OTLP)
        otlp_metrics_double(&writer->otlp, labels, (double)weight / (double)WEIGHT_ONE, created,
                            exemplar);
    else if (writer->format == PROM_PROTOBUF)
        prom_protobuf_value(&writer->protobuf, labels, (double)weight / (double)WEIGHT_ONE, created,
                            exemplar);
    else
        prom_text_weight(&writer->text, labels, weight, created, exemplar);
}

void prom_writer_histogram(struct prom_writer *writer, struct view labels,
                           const struct prom_histogram *histogram)
{
    if (writer->format == PROM_REMOTE)
        remote_write_histogram(writer->remote, labels, histogram);
    else if (writer->format == PROM_OTLP)
        otlp_metrics_histogram(&writer->otlp, labels, histogram);
    else if (writer->format == PROM_PROTOBUF)
        prom_protobuf_histogram(&writer->protobuf, labels, histogram);
    else
        prom_text_histogram(&writer->text, labels, histogram);
}

void prom_writer_bucket(struct prom_writer *writer, struct view le, uint64_t count)
{
    if (writer->format == PROM_REMOTE)
        remote_write_bucket(writer->remote, le, count);
    else if (writer->format == PROM_OTLP)
        otlp_metrics_bucket(&writer->otlp, le, count);
    else if (writer->format == PROM_PROTOBUF)
        prom_protobuf_bucket(&writer->protobuf, le, count);
    else
        prom_text_part(&writer->text, "_bucket", le, count);
}

void prom_writer_sum(struct prom_writer *writer, double sum, uint64_t count)
{
    if (writer->format == PROM_REMOTE) {
        remote_write_sum(writer->remote, sum, count);
    } else if (writer->format == PROM_OTLP) {
        otlp_metrics_sum(&writer->otlp, sum, count);
    } else if (writer->format == PROM_PROTOBUF) {
        prom_protobuf_sum(&writer->protobuf, sum, count);
    } else {
        prom_text_part_double(&writer->text, "_sum", sum);
        prom_text_part(&writer->text, "_count", VIEW(""), count);
    }
}

void prom_writer_end(struct prom_writer *writer)
{
    if (writer->format == PROM_OTLP)
        otlp_metrics_end(&writer->otlp);
    else if (writer->format == PROM_PROTOBUF)
        prom_protobuf_end(&writer->protobuf);
    else if (writer->format != PROM_REMOTE) /* Whoever began the look ends it. */
        prom_text_end(&writer->text);
    buf_release(&writer->families);
}
