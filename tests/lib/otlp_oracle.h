/* otlp_oracle.h: what protobuf-c makes of a request, held against what the decoder staged.
 * Is:         an independent reading of the same rules, from protobuf-c's tree.
 * Is not:     exact where protobuf-c is known to be wrong: it refuses known fields of a wrong wire
 *             type, reads field numbers that there are not, has no limit of depth, cuts strings at a zero byte, and takes a later default for absent where a message
 *             comes twice. Such requests do not pack to their own size again; their names and merged
 *             fields are not compared. It takes any bytes for a boolean: values of dimensions are
 *             compared only where a request packs to its own bytes.
 */
#ifndef SPANMAP_TESTS_LIB_OTLP_ORACLE_H
#define SPANMAP_TESTS_LIB_OTLP_ORACLE_H

#include "tests/lib/otlp_build.h"

enum oracle_verdict { ORACLE_AGREES, ORACLE_REFUSES, ORACLE_DIFFERS };

/* Compares what decoding `message` by the rig's decoder gave. Where they differ `out_why` says in
 * what. ORACLE_REFUSES: protobuf-c cannot read it; that the decoder could is no fault. */
enum oracle_verdict oracle_compare(const struct rig *rig, struct view message, int status,
                                   const struct otlp_stage *stage, char out_why[256]);

#endif
