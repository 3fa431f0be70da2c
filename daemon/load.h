/* load.h: what commands that have --config and --set do first. */
#ifndef SPANMAP_DAEMON_LOAD_H
#define SPANMAP_DAEMON_LOAD_H

#include "daemon/command.h"
#include "engine/options.h"

/* The effective options of a command line; faults go to standard error.
 * Returns: COMMAND_DONE, and the caller releases the options; else an exit code. */
int load_options(const struct command_line *line, struct options *out_options);

enum { LOAD_PATH_BYTES = 4096 };

/* The drawing helper: as configured, else the one that was built or installed with this program. */
void load_draw_helper(const struct options *options, char out_path[LOAD_PATH_BYTES]);

/* The gRPC module, likewise. */
void load_grpc_module(const struct options *options, char out_path[LOAD_PATH_BYTES]);

#endif
