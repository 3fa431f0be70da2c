/* check.c: `spanmap check`: is this configuration right, and what does it come to? */
#include <stdio.h>

#include "base/buf.h"
#include "daemon/command_docs.h"
#include "daemon/commands.h"
#include "daemon/config_docs.h"
#include "daemon/load.h"
#include "engine/budget.h"
#include "engine/departures.h"
#include "engine/machine.h"
#include "engine/options.h"
#include "engine/secure.h"

static int print(int status, const struct buf *text)
{
    if (status != 0) {
        command_complain("%s", status_text(status));
        return COMMAND_FAILED;
    }
    (void)fwrite(text->data, 1, text->size, stdout);
    return command_printed();
}

/* Whether the options fit together on this machine, as `run` would find out. */
static int judge(const struct options *options)
{
    struct budget_machine machine = {
        .memory_bytes = machine_memory_bytes(""),
        .cores = machine_cores(""),
    };
    struct budget budget;
    struct secure *secure;
    char error[256];

    if (budget_make(options, &machine, true, error, &budget) == 0 &&
        secure_new(options, NULL, error, &secure) == 0) {
        secure_free(secure);
        if (departures_check(options, error) == 0)
            return COMMAND_DONE;
    }
    command_complain("%s", error);
    return COMMAND_WRONG;
}

static int check(const struct command_line *line)
{
    struct options options;
    struct buf text;
    int code = load_options(line, &options);

    if (code != COMMAND_DONE)
        return code;
    buf_init(&text, 0);
    code = judge(&options);
    if (code == COMMAND_DONE)
        code = print(options_print(&options, &text), &text);
    buf_release(&text);
    options_release(&options);
    return code;
}

static int print_completion(const struct command *command, const char *shell, struct buf *text)
{
    int status = command_docs_completion(shell, text);

    if (status == STATUS_UNSUPPORTED)
        return command_wrong(command, "there is completion for bash, zsh and fish, not for '%s'",
                             shell);
    return print(status, text);
}

static int run(const struct command *command, const struct command_line *line)
{
    struct buf text;
    int code;

    buf_init(&text, 0);
    if (command_has(line, "print-reference"))
        code = print(config_docs_reference(&text), &text);
    else if (command_has(line, "print-example"))
        code = print(config_docs_example(&text), &text);
    else if (command_has(line, "print-man"))
        code = print(command_docs_man(&text), &text);
    else if (command_has(line, "print-completion"))
        code = print_completion(command, command_value(line, "print-completion"), &text);
    else
        code = check(line);
    buf_release(&text);
    return code;
}

static const struct command_flag flags[] = {
    COMMAND_FLAG_CONFIG,
    COMMAND_FLAG_SET,
    {"print-example", 0, NULL, "print a file with every option and its default, explained"},
    {"print-reference", 0, NULL, "print the documentation of all options, as Markdown"},
    {"print-man", 0, NULL, "print the man page"},
    {"print-completion", 0, "SHELL",
     "print what completes spanmap's arguments in bash, zsh or fish"},
    COMMAND_FLAG_END,
};

const struct command command_check = {
    .name = "check",
    .doc = "Say what is wrong with a configuration, or print what it comes to",
    .flags = flags,
    .lists_options = true,
    .details = "What is printed is YAML that a configuration file may hold again.\n\n"
               "Exit codes: 0 right, 2 wrong.\n",
    .run = run,
};
