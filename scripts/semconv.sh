#!/bin/sh
# semconv.sh < topology/semconv.tsv > semconv_table.inc: makes the table of attribute names,
# a filter by length and first letter, and a look-up that compares names of one length only.
set -eu

awk -F '\t' '
/^#/ || NF == 0 { next }
NF != 4 || $2 !~ /^[0-9]+$/ || $3 !~ /^(text|number|boolean|any|authority|ratio|rate)$/ || $4 in seen {
    print "semconv.tsv:" NR ": not slot, rank, type, name, or a name told twice" > "/dev/stderr"
    failed = 1
    exit 1
}
{
    seen[$4] = 1
    slot[count + 0] = $1; rank[count + 0] = $2; type[count + 0] = toupper($3); name[count + 0] = $4
    size = length($4)
    if (size > longest)
        longest = size
    at[size] = at[size] " " (count + 0)
    letter = substr($4, 1, 1)
    if (index(starts[size], letter) == 0)
        starts[size] = starts[size] letter
    count++
}
END {
    if (!failed && longest >= 64) {
        print "semconv.tsv: a name of 64 characters or more" > "/dev/stderr"
        failed = 1
    }
    if (failed)
        exit 1
    print "/* Made by scripts/semconv.sh from topology/semconv.tsv. */"
    print "enum { SEMCONV_SIZE_MAX = " longest " };"
    print "\nstatic const struct semconv_name semconv_names[] = {"
    for (i = 0; i < count; i++)
        print "    {ATTRIBUTE_" slot[i] ", " rank[i] ", SEMCONV_" type[i] ", " i "}, /* " name[i] " */"
    print "};"
    print "\n/* By length: bit (letter & 31) of each letter that a wanted key of that length begins with. */"
    print "const uint32_t attributes_starts[ATTRIBUTES_STARTS] = {"
    for (size = 1; size < 64; size++) {
        letters = starts[size]
        # Any key of these families says something, whether it has a row or not.
        if (size > length("rpc.") && index(letters, "r") == 0)
            letters = letters "r"
        if (size > length("messaging.") && index(letters, "m") == 0)
            letters = letters "m"
        if (letters == "")
            continue
        line = "    [" size "] ="
        for (i = 1; i <= length(letters); i++)
            line = line (i > 1 ? " |" : "") " 1U << (\047" substr(letters, i, 1) "\047 & 31)"
        print line ","
    }
    print "};"
    print "\nstatic const struct semconv_name *semconv_find(const char *key, size_t size)"
    print "{\n    switch (size) {"
    for (size = 1; size <= longest; size++) {
        if (!(size in at))
            continue
        print "    case " size ":"
        n = split(at[size], list, " ")
        for (i = 1; i <= n; i++) {
            print "        if (memcmp(key, \"" name[list[i] + 0] "\", " size ") == 0)"
            print "            return &semconv_names[" list[i] + 0 "];"
        }
        print "        return NULL;"
    }
    print "    default:\n        return NULL;\n    }\n}"
}'
