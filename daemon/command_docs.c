/* command_docs.c: texts around the tables of commands and options. */
#include "daemon/command_docs.h"

#include <string.h>

#include "daemon/commands.h"
#include "engine/options.h"
#include "version.h"

/* ------------------------------------------------------------------ man page */

static const char man_begin[] =
    ".SH NAME\n"
    "spanmap \\- service map from OpenTelemetry traces\n"
    ".SH SYNOPSIS\n"
    ".B spanmap\n"
    ".I COMMAND\n"
    ".RI [ OPTION ...]\n"
    ".SH DESCRIPTION\n"
    "spanmap takes OpenTelemetry spans in, derives from them which service calls which, measures rate,\n"
    "errors and duration of every call, and hands out maps and metrics: a live page, SVG, PNG, PDF, DOT,\n"
    "JSON, and metrics for Prometheus.\n"
    ".SH COMMANDS\n";

static const char man_end[] =
    ".SH EXIT STATUS\n"
    ".TP\n.B 0\nDone.\n"
    ".TP\n.B 1\nFailed: damaged input, a port that is in use.\n"
    ".TP\n.B 2\nWrong call or configuration.\n"
    ".SH EXAMPLES\n"
    "Take spans in on localhost, and show the map on http://localhost:9464/:\n"
    ".PP\n.RS\n.EX\nspanmap run\n.EE\n.RE\n"
    ".PP\n"
    "Draw what a Collector's file exporter wrote:\n"
    ".PP\n.RS\n.EX\nspanmap map \\-o map.svg traces.jsonl\n.EE\n.RE\n"
    ".PP\n"
    "Draw what is near one service, from a running spanmap:\n"
    ".PP\n.RS\n.EX\nspanmap map \\-\\-from http://localhost:9464 \\-\\-focus checkout \\-o near.svg\n.EE\n.RE\n";

/* One line that roff must not take for its own. */
static void append_roff_view(struct buf *out, struct view line)
{
    if (line.size != 0 && (line.data[0] == '.' || line.data[0] == '\''))
        (void)buf_append_text(out, "\\&");
    for (size_t i = 0; i < line.size; i++) {
        if (line.data[i] == '-')
            (void)buf_append_text(out, "\\-");
        else if (line.data[i] == '\\')
            (void)buf_append_text(out, "\\e");
        else
            (void)buf_append_byte(out, line.data[i]);
    }
}

static void append_roff(struct buf *out, const char *line)
{
    append_roff_view(out, view_of(line));
}

static void append_flag(struct buf *out, const struct command_flag *flag)
{
    (void)buf_append_text(out, ".TP\n");
    if (flag->letter != 0)
        (void)buf_printf(out, "\\fB\\-%c\\fR, ", flag->letter);
    (void)buf_append_text(out, "\\fB\\-\\-");
    append_roff(out, flag->name);
    (void)buf_append_text(out, "\\fR");
    if (flag->value != NULL)
        (void)buf_printf(out, " \\fI%s\\fR", flag->value);
    (void)buf_append_byte(out, '\n');
    append_roff(out, flag->doc);
    (void)buf_append_byte(out, '\n');
}

/* Lines of paragraphs, which empty lines part. */
static void append_paragraphs(struct buf *out, const char *text)
{
    bool is_first = true;

    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        struct view line = view_trim((struct view){text, size});
        if (is_first && line.size != 0)
            (void)buf_append_text(out, ".PP\n");
        is_first = line.size == 0;
        if (!is_first) {
            append_roff_view(out, line);
            (void)buf_append_byte(out, '\n');
        }
        text += size + (text[size] == '\n');
    }
}

static void append_command(struct buf *out, const struct command *command)
{
    (void)buf_printf(out, ".SS spanmap %s%s%s%s\n", command->name,
                     command->flags[0].name != NULL ? " [OPTION...]" : "",
                     command->operands != NULL ? " " : "",
                     command->operands != NULL ? command->operands : "");
    append_roff(out, command->doc);
    (void)buf_append_text(out, ".\n");
    for (const struct command_flag *flag = command->flags; flag->name != NULL; flag++)
        append_flag(out, flag);
    if (command->details != NULL)
        append_paragraphs(out, command->details);
}

static void append_option(struct buf *out, const struct option_row *row)
{
    (void)buf_append_text(out, ".TP\n.B ");
    append_roff(out, row->key);
    (void)buf_append_byte(out, '\n');
    append_roff(out, row->prose);
    if (row->initial != NULL && row->initial[0] != '\0') {
        (void)buf_append_text(out, "\nDefault: ");
        append_roff(out, row->initial);
        (void)buf_append_byte(out, '.');
    }
    (void)buf_append_byte(out, '\n');
}

int command_docs_man(struct buf *out)
{
    (void)buf_printf(out, ".TH SPANMAP 1 \"\" \"spanmap %s\" \"User Commands\"\n", SPANMAP_VERSION);
    (void)buf_append_text(out, man_begin);
    for (size_t i = 0; commands[i] != NULL; i++)
        append_command(out, commands[i]);
    (void)buf_append_text(
        out, ".SH CONFIGURATION\n"
             "Options stand in the file of \\fB\\-\\-config\\fR, which is YAML, where dots\n"
             "of a key are nested maps, or are set by \\fB\\-\\-set\\fR. The command\n"
             "\\fBspanmap check\\fR tells what is wrong with them.\n");
    for (size_t i = 0; i < spanmap_options.count; i++)
        append_option(out, &spanmap_options.rows[i]);
    (void)buf_append_text(out, man_end);
    return out->failed;
}

/* ------------------------------------------------------------------ completion */

/* Within single quotes of a shell. */
static void append_quoted(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            (void)buf_append_text(out, "'\\''");
        else
            (void)buf_append_byte(out, *text);
    }
}

static void append_keys(struct buf *out)
{
    for (size_t i = 0; i < spanmap_options.count; i++)
        (void)buf_printf(out, "%s%s=", i != 0 ? " " : "", spanmap_options.rows[i].key);
}

static bool takes_path(const struct command_flag *flag)
{
    return strcmp(flag->value, "FILE") == 0 || strcmp(flag->value, "PATH") == 0;
}

static void append_bash(struct buf *out)
{
    (void)buf_append_text(
        out, "# bash completion for spanmap\n"
             "_spanmap()\n"
             "{\n"
             "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
             "    local flags=\n"
             "    COMPREPLY=()\n"
             "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
             "        COMPREPLY=($(compgen -W '");
    for (size_t i = 0; commands[i] != NULL; i++)
        (void)buf_printf(out, "%s ", commands[i]->name);
    (void)buf_append_text(out, "--help' -- \"$word\"))\n"
                               "        return\n"
                               "    fi\n"
                               "    if [ \"$before\" = --set ]; then\n"
                               "        compopt -o nospace 2> /dev/null\n"
                               "        COMPREPLY=($(compgen -W '");
    append_keys(out);
    (void)buf_append_text(out, "' -- \"$word\"))\n"
                               "        return\n"
                               "    fi\n"
                               "    case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        (void)buf_printf(out, "    %s) flags='", commands[i]->name);
        for (const struct command_flag *flag = commands[i]->flags; flag->name != NULL; flag++)
            (void)buf_printf(out, "--%s ", flag->name);
        (void)buf_append_text(out, "--help' ;;\n");
    }
    (void)buf_append_text(out, "    esac\n"
                               "    case $word in\n"
                               "    -*) COMPREPLY=($(compgen -W \"$flags\" -- \"$word\")) ;;\n"
                               "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
                               "    esac\n"
                               "}\n"
                               "complete -o filenames -F _spanmap spanmap\n");
}

static void append_zsh_flag(struct buf *out, const struct command_flag *flag)
{
    (void)buf_printf(out, " \\\n            '*--%s%s[", flag->name, flag->value != NULL ? "=" : "");
    for (const char *at = flag->doc; *at != '\0'; at++) {
        char one[2] = {*at, '\0'};
        if (*at == '[' || *at == ']' || *at == ':')
            (void)buf_append_byte(out, '\\');
        append_quoted(out, one);
    }
    (void)buf_append_byte(out, ']');
    if (flag->value != NULL)
        (void)buf_printf(out, ":%s:%s", flag->value, takes_path(flag) ? "_files" : "");
    (void)buf_append_byte(out, '\'');
}

static void append_zsh(struct buf *out)
{
    (void)buf_append_text(out, "#compdef spanmap\n"
                               "_spanmap() {\n"
                               "    local -a commands=(");
    for (size_t i = 0; commands[i] != NULL; i++) {
        (void)buf_printf(out, "\n        '%s:", commands[i]->name);
        append_quoted(out, commands[i]->doc);
        (void)buf_append_byte(out, '\'');
    }
    (void)buf_append_text(out, "\n    )\n"
                               "    if (( CURRENT == 2 )); then\n"
                               "        _describe command commands\n"
                               "        return\n"
                               "    fi\n"
                               "    local command=$words[2]\n"
                               "    shift words\n"
                               "    (( CURRENT-- ))\n"
                               "    case $command in\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        (void)buf_printf(out, "    %s)\n        _arguments", commands[i]->name);
        for (const struct command_flag *flag = commands[i]->flags; flag->name != NULL; flag++)
            append_zsh_flag(out, flag);
        (void)buf_printf(out, " \\\n            '--help[show the help]'%s\n        ;;\n",
                         commands[i]->operands != NULL ? " \\\n            '*:file:_files'" : "");
    }
    (void)buf_append_text(out, "    esac\n"
                               "}\n"
                               "_spanmap \"$@\"\n");
}

static void append_fish_flag(struct buf *out, const char *command, const struct command_flag *flag)
{
    (void)buf_printf(out, "complete -c spanmap -n '__fish_seen_subcommand_from %s' -l %s", command,
                     flag->name);
    if (flag->letter != 0)
        (void)buf_printf(out, " -s %c", flag->letter);
    if (flag->value != NULL)
        (void)buf_append_text(out, takes_path(flag) ? " -r -F" : " -x");
    if (strcmp(flag->name, "set") == 0) {
        (void)buf_append_text(out, " -a '");
        append_keys(out);
        (void)buf_append_byte(out, '\'');
    }
    (void)buf_append_text(out, " -d '");
    append_quoted(out, flag->doc);
    (void)buf_append_text(out, "'\n");
}

static void append_fish(struct buf *out)
{
    (void)buf_append_text(out, "# fish completion for spanmap\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        (void)buf_printf(out, "complete -c spanmap -n __fish_use_subcommand -f -a %s -d '",
                         commands[i]->name);
        append_quoted(out, commands[i]->doc);
        (void)buf_append_text(out, "'\n");
        for (const struct command_flag *flag = commands[i]->flags; flag->name != NULL; flag++)
            append_fish_flag(out, commands[i]->name, flag);
    }
}

int command_docs_completion(const char *shell, struct buf *out)
{
    static const struct {
        const char *shell;
        void (*append)(struct buf *out);
    } shells[] = {{"bash", append_bash}, {"zsh", append_zsh}, {"fish", append_fish}};

    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (strcmp(shells[i].shell, shell) != 0)
            continue;
        shells[i].append(out);
        return out->failed;
    }
    return STATUS_UNSUPPORTED;
}
