/* command.c: the table of subcommands, and one reader of arguments for all of them. */
#include "daemon/command.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/view.h"
#include "daemon/commands.h"
#include "daemon/config_docs.h"
#include "engine/suggest.h"

const struct command *const commands[] = {&command_run,    &command_check,   &command_map,
                                          &command_replay, &command_version, NULL};

static void complain(const char *format, va_list values)
{
    fputs("spanmap: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
}

void command_complain(const char *format, ...)
{
    va_list values;

    va_start(values, format);
    complain(format, values);
    va_end(values);
}

int command_wrong(const struct command *command, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    complain(format, values);
    va_end(values);
    fprintf(stderr, "Try `spanmap %s%s--help`.\n", command != NULL ? command->name : "",
            command != NULL ? " " : "");
    return COMMAND_WRONG;
}

int command_printed(void)
{
    /* A part that failed long ago leaves no reason behind. */
    int error = EIO;
    char reason[96];

    if (fflush(stdout) == 0) {
        if (ferror(stdout) == 0)
            return COMMAND_DONE;
    } else {
        error = errno;
    }
    command_complain("cannot write standard output: %s", strerror_r(error, reason, sizeof(reason)));
    return COMMAND_FAILED;
}

/* ---------------------------------------------------------------------- help */

/* One line of help; what stands left of the text is padded to the same width everywhere. */
static void print_row(const char *left, const char *doc)
{
    printf("  %-22s %s\n", left, doc);
}

static void print_flag(const struct command_flag *flag)
{
    char left[64];

    if (flag->letter != 0)
        snprintf(left, sizeof(left), "-%c, --%s%s%s", flag->letter, flag->name,
                 flag->value != NULL ? " " : "", flag->value != NULL ? flag->value : "");
    else
        snprintf(left, sizeof(left), "    --%s%s%s", flag->name, flag->value != NULL ? " " : "",
                 flag->value != NULL ? flag->value : "");
    if (strlen(left) <= 22) {
        print_row(left, flag->doc);
        return;
    }
    printf("  %s\n", left);
    print_row("", flag->doc);
}

static void print_options(void)
{
    struct buf text;

    buf_init(&text, 0);
    if (config_docs_help(&text) == 0)
        printf("\n%.*s", (int)text.size, text.data);
    buf_release(&text);
}

static int print_command_help(const struct command *command)
{
    printf("Usage: spanmap %s%s%s%s\n\n%s.\n", command->name,
           command->flags[0].name != NULL ? " [OPTION...]" : "",
           command->operands != NULL ? " " : "", command->operands != NULL ? command->operands : "",
           command->doc);
    puts("\nOptions:");
    for (const struct command_flag *flag = command->flags; flag->name != NULL; flag++)
        print_flag(flag);
    print_flag(&(struct command_flag){"help", 'h', NULL, "show this help"});
    if (command->lists_options)
        print_options();
    if (command->details != NULL)
        printf("\n%s", command->details);
    return command_printed();
}

static int print_help(void)
{
    puts("Usage: spanmap COMMAND [OPTION...]\n\n"
         "Draws the map of services that call each other, from OpenTelemetry traces.\n\n"
         "Commands:");
    for (size_t i = 0; commands[i] != NULL; i++)
        print_row(commands[i]->name, commands[i]->doc);
    puts("\nEach has its own --help.");
    return command_printed();
}

/* ----------------------------------------------------------------- arguments */

/* Hyphens may be written as underscores, as names of the configuration have them. */
static bool is_name(const char *name, struct view text)
{
    for (size_t i = 0; i < text.size; i++)
        if (name[i] == '\0' ||
            (name[i] != text.data[i] && !(name[i] == '-' && text.data[i] == '_')))
            return false;
    return name[text.size] == '\0';
}

static const struct command_flag *flag_by_name(const struct command *command, struct view name)
{
    for (const struct command_flag *flag = command->flags; flag->name != NULL; flag++) {
        if (is_name(flag->name, name))
            return flag;
    }
    return NULL;
}

static const struct command_flag *flag_by_letter(const struct command *command, char letter)
{
    for (const struct command_flag *flag = command->flags; flag->name != NULL; flag++) {
        if (flag->letter == letter && letter != 0)
            return flag;
    }
    return NULL;
}

static int unknown_flag(const struct command *command, const char *argument)
{
    const char *end = strchr(argument, '=');
    size_t size = end != NULL ? (size_t)(end - argument) : strlen(argument);
    struct suggestion suggestion;

    suggest_init(&suggestion, VIEW(""));
    if (size > 2)
        suggest_init(&suggestion, (struct view){argument + 2, size - 2});
    for (const struct command_flag *flag = command->flags; flag->name != NULL; flag++)
        suggest_offer(&suggestion, flag->name);
    suggest_offer(&suggestion, "help");
    if (suggestion.best != NULL)
        return command_wrong(command, "unknown option %.*s; did you mean --%s?", (int)size,
                             argument, suggestion.best);
    return command_wrong(command, "unknown option %.*s", (int)size, argument);
}

/* Reads the flag at argv[*at], and its value, which may be the next argument. Moves *at to the
 * last argument that was used. Returns: COMMAND_DONE; COMMAND_WRONG. */
static int read_flag(const struct command *command, char **argv, int argc, int *at,
                     struct command_line *line)
{
    const char *argument = argv[*at];
    const struct command_flag *flag;
    const char *value = NULL;

    if (argument[1] == '-') {
        const char *end = strchr(argument, '=');
        size_t size = end != NULL ? (size_t)(end - argument) : strlen(argument);

        flag = flag_by_name(command, (struct view){argument + 2, size - 2});
        value = end != NULL ? end + 1 : NULL;
    } else {
        flag = flag_by_letter(command, argument[1]);
        value = argument[2] != '\0' ? argument + 2 : NULL;
    }
    if (flag == NULL)
        return unknown_flag(command, argument);
    if (flag->value == NULL && value != NULL)
        return command_wrong(command, "--%s takes no value", flag->name);
    if (flag->value != NULL && value == NULL) {
        if (*at + 1 >= argc)
            return command_wrong(command, "--%s needs a value: %s", flag->name, flag->value);
        value = argv[++*at];
    }
    line->flags[line->flags_count].flag = flag;
    line->flags[line->flags_count].value = value;
    line->flags_count++;
    return COMMAND_DONE;
}

static bool asks_for_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

/* argv[0] is the first argument behind the command's name. */
static int run_command(const struct command *command, int argc, char **argv)
{
    struct command_line line = {0};
    bool only_operands = false;
    int code = COMMAND_FAILED;

    line.flags = mem_calloc((size_t)argc + 1, sizeof(*line.flags));
    line.operands = mem_calloc((size_t)argc + 1, sizeof(*line.operands));
    if (line.flags == NULL || line.operands == NULL) {
        command_complain("%s", status_text(STATUS_NOMEM));
        goto out;
    }
    for (int i = 0; i < argc; i++) {
        const char *argument = argv[i];

        if (only_operands || argument[0] != '-' || argument[1] == '\0') {
            line.operands[line.operands_count++] = argument;
        } else if (strcmp(argument, "--") == 0) {
            only_operands = true;
        } else if (asks_for_help(argument)) {
            code = print_command_help(command);
            goto out;
        } else {
            code = read_flag(command, argv, argc, &i, &line);
            if (code != COMMAND_DONE)
                goto out;
        }
    }
    if (command->operands == NULL && line.operands_count != 0) {
        code = command_wrong(command, "%s takes no arguments, but was given '%s'", command->name,
                             line.operands[0]);
        goto out;
    }
    code = command->run(command, &line);
out:
    mem_free(line.flags);
    mem_free(line.operands);
    return code;
}

static int unknown_command(const char *name)
{
    struct suggestion suggestion;

    if (name[0] == '-')
        return command_wrong(NULL, "unknown option %s before the command", name);
    suggest_init(&suggestion, view_of(name));
    for (size_t i = 0; commands[i] != NULL; i++)
        suggest_offer(&suggestion, commands[i]->name);
    if (suggestion.best != NULL)
        return command_wrong(NULL, "unknown command '%s'; did you mean '%s'?", name,
                             suggestion.best);
    return command_wrong(NULL, "unknown command '%s'", name);
}

int command_main(int argc, char **argv)
{
    /* A pipe or a peer that is closed early is an error of write(2), not the end of the process. */
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    (void)sigaction(SIGPIPE, &ignore, NULL);
    if (argc < 2)
        return command_wrong(NULL, "no command was given");
    if (asks_for_help(argv[1]) || strcmp(argv[1], "help") == 0)
        return print_help();
    if (strcmp(argv[1], "--version") == 0)
        return run_command(&command_version, 0, argv + 2);
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (strcmp(commands[i]->name, argv[1]) == 0)
            return run_command(commands[i], argc - 2, argv + 2);
    }
    return unknown_command(argv[1]);
}

const char *command_value(const struct command_line *line, const char *name)
{
    for (size_t i = line->flags_count; i-- > 0;) {
        if (strcmp(line->flags[i].flag->name, name) == 0)
            return line->flags[i].value;
    }
    return NULL;
}

bool command_has(const struct command_line *line, const char *name)
{
    for (size_t i = 0; i < line->flags_count; i++) {
        if (strcmp(line->flags[i].flag->name, name) == 0)
            return true;
    }
    return false;
}
