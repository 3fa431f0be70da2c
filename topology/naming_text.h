/* naming_text.h: small judgements about one text: an address, a URL, an RPC method, clean UTF-8.
 * Is not:     the order in which names are tried (naming.h).
 * Threads:    pure functions.
 * Source:     TOPOLOGY N3, N4, section 3; RFC 3986 section 3.2; RFC 3629.
 */
#ifndef SPANMAP_TOPOLOGY_NAMING_TEXT_H
#define SPANMAP_TOPOLOGY_NAMING_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"

/* Longer texts are cut to this, at a character's boundary, before anything is made of them. */
enum { NAMING_TEXT_MAX = 4096 };

/* What naming_clean() appends at most. */
enum { NAMING_CLEAN_MAX = NAMING_TEXT_MAX * 3 };

/* An IPv4 address stands as IPv4-mapped IPv6, so that one comparison serves both. */
struct naming_ip {
    uint8_t bytes[16];
};

/* IPv4 or IPv6, the latter also in brackets or with a zone. */
bool naming_parse_ip(struct view text, struct naming_ip *out_ip);

/* Whether a text begins as no address does, quickly: with a letter, and with one that is no
 * hexadecimal digit unless there is no colon. */
static inline bool naming_is_no_ip(struct view text)
{
    unsigned char letter = text.size != 0 ? (unsigned char)text.data[0] | 0x20 : 0;

    return letter >= 'a' && letter <= 'z' &&
           (letter > 'f' || memchr(text.data, ':', text.size) == NULL);
}

/* The host of an absolute URL, never its credentials or port; IPv6 without brackets. Empty: none. */
struct view naming_url_host(struct view url);

/* "shop.Cart" of "shop.Cart/Add" and "/shop.Cart/Add". Empty: none. */
struct view naming_rpc_service(struct view method);

/* Text cut to NAMING_TEXT_MAX. */
struct view naming_cut(struct view text);

/* `text` itself, unless a URL in it names a user or a password: then a copy without those, appended to
 * `into` and cut to NAMING_TEXT_MAX, for which the caller has reserved room. */
struct view naming_scrub(struct view text, struct buf *into);

/* `text` itself where it is clean; else a copy, appended to `into`, in which each byte that is no
 * part of valid UTF-8 and each control character is U+FFFD. The caller has reserved
 * NAMING_CLEAN_MAX bytes. */
struct view naming_clean(struct view text, struct buf *into);

#endif
