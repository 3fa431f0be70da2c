/* exporter.c: the registry; a new format is one line here. */
#include "exporters/exporter.h"

#include "exporters/dot.h"
#include "exporters/graphviz.h"
#include "exporters/json.h"
#include "exporters/mermaid.h"
#include "exporters/prometheus.h"
#include "exporters/text.h"

const struct exporter *const exporters[] = {
    &exporter_svg,         &exporter_png,
    &exporter_pdf,         &exporter_dot,
    &exporter_json,        &exporter_mermaid,
    &exporter_text,        &exporter_prometheus,
    &exporter_openmetrics, &exporter_prometheus_protobuf,
    &exporter_otlp,        NULL,
};

const struct exporter *exporter_find(struct view name)
{
    for (size_t i = 0; exporters[i] != NULL; i++)
        if (view_equal(view_of(exporters[i]->name), name))
            return exporters[i];
    return NULL;
}
