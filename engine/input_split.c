/* input_split.c: one step a character.
 */
#include "engine/input_split.h"

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* A character within a string; whether the value ends in front of it. */
static bool step_string(struct input_split *split, char byte)
{
    if (byte == '\n')
        return true;
    if (split->is_escaped)
        split->is_escaped = false;
    else if (byte == '\\')
        split->is_escaped = true;
    else if (byte == '"')
        split->is_in_string = false;
    return false;
}

static bool starts_another(const struct input_split *split, char byte)
{
    if (byte != '{' || !split->has_newline)
        return false;
    return split->last != '[' && split->last != ',' && split->last != ':';
}

enum step { STEP_ON, STEP_ENDS_BEFORE, STEP_ENDS_BEHIND };

static enum step step(struct input_split *split, char byte)
{
    bool was_open = split->depth != 0;

    if (split->is_in_string)
        return step_string(split, byte) ? STEP_ENDS_BEFORE : STEP_ON;
    if (is_space(byte)) {
        if (byte == '\n' && !was_open)
            return STEP_ENDS_BEFORE; /* Of a value that is neither object nor array. */
        split->has_newline |= byte == '\n';
        return STEP_ON;
    }
    if (split->is_in_value && starts_another(split, byte))
        return STEP_ENDS_BEFORE;
    split->is_in_value = true;
    split->has_newline = false;
    split->last = byte;
    split->is_in_string = byte == '"';
    if (byte == '{' || byte == '[')
        split->depth++;
    else if ((byte == '}' || byte == ']') && was_open && --split->depth == 0)
        return STEP_ENDS_BEHIND;
    return STEP_ON;
}

bool input_split_next(struct input_split *split, struct view text, bool is_end, size_t *out_size)
{
    size_t at = split->scanned;

    while (at < text.size) {
        enum step result = step(split, text.data[at]);
        at += result != STEP_ENDS_BEFORE;
        if (result != STEP_ON) {
            *split = (struct input_split){0};
            *out_size = at;
            return true;
        }
    }
    split->scanned = at;
    if (!is_end || text.size == 0)
        return false;
    *split = (struct input_split){0};
    *out_size = text.size;
    return true;
}
