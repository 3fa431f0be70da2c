/* command.h: the subcommands, and how their arguments are read.
 * Is:         one const struct a subcommand, from which both its parser and its --help follow.
 * Is not:     the meaning of options of the configuration (engine/options.h, engine/config.h).
 * Threads:    the main thread's.
 * Memory:     a command_line borrows from argv and owns its two arrays.
 */
#ifndef SPANMAP_DAEMON_COMMAND_H
#define SPANMAP_DAEMON_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* Exit codes of the program. */
enum command_exit {
    COMMAND_DONE = 0,
    COMMAND_FAILED = 1, /* Damaged input, a port in use, ... */
    COMMAND_WRONG = 2,  /* Wrong call or configuration. */
};

struct command_flag {
    const char *name;  /* "format" for --format; NULL ends a table. */
    char letter;       /* 'o' for -o; 0: none. */
    const char *value; /* What follows it, for --help: "FILE"; NULL: nothing follows. */
    const char *doc;   /* One line. */
};

/* Rows that several commands share. */
#define COMMAND_FLAG_CONFIG                                                                        \
    {                                                                                              \
        "config", 'c', "FILE", "read the configuration from FILE (YAML)"                           \
    }
#define COMMAND_FLAG_SET                                                                           \
    {                                                                                              \
        "set", 0, "KEY=VALUE",                                                                     \
            "set one option; lists and maps in YAML's flow form; may be repeated"                  \
    }
#define COMMAND_FLAG_END                                                                           \
    {                                                                                              \
        NULL, 0, NULL, NULL                                                                        \
    }

struct command_line {
    size_t flags_count; /* In the order in which they came. */
    struct {
        const struct command_flag *flag;
        const char *value; /* NULL where none follows. */
    } * flags;
    size_t operands_count;
    const char **operands;
};

struct command {
    const char *name;
    const char *doc;                  /* One line, for the list of commands. */
    const char *operands;             /* "INPUT...", for --help; NULL: there are none. */
    const struct command_flag *flags; /* Ends with COMMAND_FLAG_END. */
    bool lists_options;               /* --help lists the options of the configuration, too. */
    const char *details;              /* Paragraphs that --help shows last; may be NULL. */
    int (*run)(const struct command *command, const struct command_line *line);
};

/* All commands, ended by NULL. */
extern const struct command *const commands[];

/* The whole of main(): finds the command, reads its arguments, runs it. An enum command_exit. */
int command_main(int argc, char **argv);

/* The last value that a flag was given; NULL: it was not given. */
const char *command_value(const struct command_line *line, const char *name);
bool command_has(const struct command_line *line, const char *name);

/* Writes "spanmap: ..." and a line end to standard error. */
void command_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends what was printed to standard output. COMMAND_DONE; COMMAND_FAILED where any of it could not
 * be written, which is complained about. */
int command_printed(void);

/* Like command_complain(), names the command's --help, and gives COMMAND_WRONG. */
int command_wrong(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
