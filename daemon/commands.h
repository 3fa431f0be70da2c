/* commands.h: the subcommands by name, for the table in command.c alone. */
#ifndef SPANMAP_DAEMON_COMMANDS_H
#define SPANMAP_DAEMON_COMMANDS_H

#include "daemon/command.h"

extern const struct command command_run;
extern const struct command command_check;
extern const struct command command_map;
extern const struct command command_replay;
extern const struct command command_version;

#endif
