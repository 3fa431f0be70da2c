/* tls_digest.h: secrets told apart without telling anything of them.
 * Is:         a keyed digest (HMAC-SHA-256) and a comparison whose time does not depend on what is
 *             compared; here since OpenSSL is named nowhere else.
 * Threads:    any.
 */
#ifndef SPANMAP_NET_TLS_DIGEST_H
#define SPANMAP_NET_TLS_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/view.h"

struct tls_digest {
    uint8_t bytes[32];
};

/* A key nobody can guess. Returns: 0; STATUS_SYSTEM. */
MUST_USE int tls_digest_key(struct tls_digest *out_key);

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int tls_digest_make(const struct tls_digest *key, struct view text,
                             struct tls_digest *out_digest);

bool tls_digest_equal(const struct tls_digest *a, const struct tls_digest *b);

/* Of texts of one length; another length may show. */
bool tls_text_equal(struct view a, struct view b);

#endif
