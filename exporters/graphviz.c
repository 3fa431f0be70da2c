/* graphviz.c: describes, has it drawn, and finishes what is an SVG. */
#include "exporters/graphviz.h"

#include "exporters/dot.h"
#include "exporters/draw.h"
#include "exporters/map_graph.h"
#include "exporters/svg.h"

static int draw(const struct export_input *input, const char *format, char out_error[256],
                struct buf *out)
{
    struct buf description;
    struct draw_job job = {.helper = input->options.draw_helper,
                           .format = format,
                           .timeout_ns = input->options.draw_timeout_ns,
                           .is_over = input->options.draw_is_over,
                           .memory_bytes_max = input->options.draw_memory_bytes_max};
    int status;

    buf_init(&description, 0);
    status = dot_render(input, out_error, &description);
    job.description = buf_view(&description);
    if (status == 0)
        status = draw_run(&job, out_error, out);
    buf_release(&description);
    return status;
}

static int render_svg(const struct export_input *input, char out_error[256], struct buf *out)
{
    struct buf drawn;
    size_t size_before = out->size;
    int status;

    buf_init(&drawn, 0);
    status = draw(input, "svg", out_error, &drawn);
    if (status == 0) {
        status = svg_finish(buf_view(&drawn), input->options.theme, out);
        if (status == STATUS_INVALID)
            status = export_fail(out_error, STATUS_SYSTEM,
                                 "the drawing helper wrote something that is no whole SVG");
        else if (status != 0)
            (void)export_fail(out_error, status, "the map is not drawn: %s", status_text(status));
        if (status != 0)
            out->size = size_before;
    }
    buf_release(&drawn);
    return status;
}

static int render_png(const struct export_input *input, char out_error[256], struct buf *out)
{
    return draw(input, "png", out_error, out);
}

static int render_pdf(const struct export_input *input, char out_error[256], struct buf *out)
{
    return draw(input, "pdf", out_error, out);
}

const struct exporter exporter_svg = {
    .name = "svg",
    .doc = "the map as a picture for pages",
    .content_type = "image/svg+xml; charset=utf-8",
    .in_map = true,
    .render = render_svg,
};

const struct exporter exporter_png = {
    .name = "png",
    .doc = "the map as a picture of points",
    .content_type = "image/png",
    .binary = true,
    .in_map = true,
    .render = render_png,
};

const struct exporter exporter_pdf = {
    .name = "pdf",
    .doc = "the map for paper",
    .content_type = "application/pdf",
    .binary = true,
    .in_map = true,
    .render = render_pdf,
};
