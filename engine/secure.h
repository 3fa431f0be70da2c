/* secure.h: certificates of the doors and credentials of senders, from the options and their files.
 * Is:         what server.h needs for TLS and the receiver for its gate, kept up to date while files
 *             change; their counters, and a line of log for each change.
 * Is not:     a knowledge of certificates (net/tls.h) or of credentials (receiver/auth.h).
 * Invariants: a door that is to be encrypted always has a certificate that is whole: a change that
 *             does not fit leaves the one before it in force, and so with credentials.
 * Threads:    new, start and free from one thread.
 * Memory:     what is in force, and what connections still use.
 */
#ifndef SPANMAP_ENGINE_SECURE_H
#define SPANMAP_ENGINE_SECURE_H

#include "base/counters.h"
#include "base/log.h"
#include "base/status.h"
#include "engine/options.h"
#include "net/server.h"
#include "receiver/gate.h"

enum secure_door { SECURE_DOOR_RECEIVER, SECURE_DOOR_WEB, SECURE_DOOR_COUNT };

struct secure;

/* Reads all files. On failure out_error has one sentence that names option and file; at most 255
 * bytes. `options` and `log` (NULL: silent) are borrowed as long as it lives.
 * Returns: 0; STATUS_INVALID; STATUS_NOMEM; STATUS_SYSTEM (no thread can be had). */
MUST_USE int secure_new(const struct options *options, const struct log *log, char out_error[256],
                        struct secure **out_secure);

/* From now on files are read again when they change. Returns: 0; STATUS_SYSTEM. */
MUST_USE int secure_start(struct secure *secure);

/* After the servers that use it. */
void secure_free(struct secure *secure);

/* For struct server_options, with `protocols` as a set of enum alpn; zeroed where the door is
 * plain. */
struct server_tls secure_tls(struct secure *secure, enum secure_door door, unsigned protocols);

/* For the receiver; NULL: everybody may send. */
const struct receiver_gate *secure_gate(const struct secure *secure);

const struct counters *secure_counters(const struct secure *secure);

#endif
