/* tls_digest.c: OpenSSL's HMAC and its comparison. */
#include "net/tls_digest.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

int tls_digest_key(struct tls_digest *out_key)
{
    struct tls_digest key;

    if (RAND_bytes(key.bytes, (int)sizeof(key.bytes)) != 1) {
        ERR_clear_error();
        return STATUS_SYSTEM;
    }
    *out_key = key;
    return 0;
}

int tls_digest_make(const struct tls_digest *key, struct view text, struct tls_digest *out_digest)
{
    struct tls_digest digest;

    /* It takes no empty text by NULL. */
    if (HMAC(EVP_sha256(), key->bytes, (int)sizeof(key->bytes),
             (const unsigned char *)(text.size != 0 ? text.data : ""), text.size, digest.bytes,
             NULL) == NULL) {
        ERR_clear_error();
        return STATUS_NOMEM;
    }
    *out_digest = digest;
    return 0;
}

bool tls_digest_equal(const struct tls_digest *a, const struct tls_digest *b)
{
    return CRYPTO_memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool tls_text_equal(struct view a, struct view b)
{
    return a.size == b.size && (a.size == 0 || CRYPTO_memcmp(a.data, b.data, a.size) == 0);
}
