#!/bin/sh
# semconv.sh < topology/semconv.tsv > semconv_table.inc: makes the table of attribute names, in which
# a name of eight bytes or more stands at a place of its own that is made of its size and of four of its
# bytes (attribute_name_find()), and a list of the shorter ones.
set -eu

LC_ALL=C awk -F '\t' '
function fail(text) {
    print "semconv.tsv:" text > "/dev/stderr"
    failed = 1
    exit 1
}
# As attribute_name_find() has it, by halves of the factor: awk counts exactly below 2^53 only.
function place(i) {
    return int((word[i] * low % 4294967296 + word[i] * high % 65536 * 65536) % 4294967296 / 16777216)
}
function row(i) {
    meaning = name[i] ~ /^rpc\./ ? "ATTRIBUTES_RPC" : name[i] ~ /^messaging\./ ? "ATTRIBUTES_MESSAGING" : "0"
    return "{\"" name[i] "\", UINT64_C(1) << " i ", " meaning ", 1U << ATTRIBUTE_" slot[i] ", " length(name[i]) ", ATTRIBUTE_" slot[i] \
        ", " rank[i] ", ATTRIBUTE_NAME_" type[i] "},"
}
BEGIN {
    for (i = 0; i < 256; i++)
        code[sprintf("%c", i)] = i
}
/^#/ || NF == 0 { next }
NF != 4 || $2 !~ /^[0-9]+$/ || $3 !~ /^(text|number|boolean|any|authority|ratio|rate)$/ || $4 in seen {
    fail(NR ": not slot, rank, type, name, or a name told twice")
}
length($4) > 40 { fail(NR ": a name of more than 40 bytes") }
{
    seen[$4] = 1
    slot[count + 0] = $1; rank[count + 0] = $2; type[count + 0] = toupper($3); name[count + 0] = $4
    if (length($4) >= 8) {
        at = length($4) - 5
        for (i = 3; i >= 0; i--)
            word[count + 0] = word[count + 0] * 256 + code[substr($4, at + i, 1)]
        word[count + 0] = (word[count + 0] + length($4)) % 4294967296
    }
    count++
}
END {
    if (failed)
        exit 1
    high = 40503
    for (low = 1; low < 65536; low += 2) {
        split("", taken)
        clash = 0
        for (i = 0; i < count && !clash; i++) {
            if (!(i in word))
                continue
            clash = place(i) in taken
            taken[place(i)] = i
        }
        if (!clash)
            break
    }
    if (clash)
        fail(" two names fall on one place, whatever they are multiplied by")
    print "/* Made by scripts/semconv.sh from topology/semconv.tsv. */"
    print "enum { SEMCONV_ROWS = " count " };"
    print "\nconst uint32_t attribute_names_factor = UINT32_C(" high ") << 16 | " low ";"
    print "\nconst struct attribute_name attribute_names[ATTRIBUTE_NAMES] = {"
    for (at = 0; at < 256; at++)
        if (at in taken)
            print "    [" at "] = " row(taken[at])
    print "};"
    print "\nstatic const struct attribute_name short_names[] = {"
    for (i = 0; i < count; i++)
        if (!(i in word))
            print "    " row(i)
    print "};"
}'
