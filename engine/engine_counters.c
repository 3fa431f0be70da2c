/* engine_counters.c: the rows behind the enum. */
#include "engine/engine_counters.h"

#include "version.h"

#define ENGINE_VERSION_LABEL "version=\"" SPANMAP_VERSION "\""
#define ENGINE_COUNTER_ROW(name, metric, label, gauge, help) {metric, label, help, gauge},

const struct counter_row engine_counter_rows[ENGINE_COUNTER_COUNT] = {
    ENGINE_COUNTERS(ENGINE_COUNTER_ROW)};

void engine_note_names(struct counters *counters, const struct catalog_counts *names,
                       const struct lessons_counts *lessons)
{
    counters_set(counters, ENGINE_NAMES_SERVICES, names->services);
    counters_set(counters, ENGINE_NAMES_PEERS, names->peers);
    counters_set(counters, ENGINE_NAMES_OPERATIONS, names->operations);
    counters_set(counters, ENGINE_NAMES_SITES, names->sites);
    counters_set(counters, ENGINE_NAMES_LESSONS, lessons->taught);
    counters_set(counters, ENGINE_REFUSED_SERVICES, names->services_refused);
    counters_set(counters, ENGINE_REFUSED_PEERS, names->peers_refused);
    counters_set(counters, ENGINE_REFUSED_OPERATIONS, names->operations_refused);
    counters_set(counters, ENGINE_REFUSED_SITES, names->sites_refused);
    counters_set(counters, ENGINE_REFUSED_LESSONS, lessons->refused);
    counters_set(counters, ENGINE_REFUSED_SERVICE_OPERATIONS, names->service_operations_refused);
    counters_set(counters, ENGINE_NAMES_SETS, names->sets);
    counters_set(counters, ENGINE_REFUSED_SETS, names->sets_refused);
    counters_set(counters, ENGINE_REFUSED_SERVICE_SETS, names->service_sets_refused);
    counters_set(counters, ENGINE_GIVEN_SERVICES, names->given.services);
    counters_set(counters, ENGINE_GIVEN_PEERS, names->given.peers);
    counters_set(counters, ENGINE_GIVEN_OPERATIONS, names->given.operations);
    counters_set(counters, ENGINE_GIVEN_SITES, names->given.sites);
    counters_set(counters, ENGINE_GIVEN_DIMENSIONS, names->given.sets);
}
