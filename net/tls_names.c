/* tls_names.c: who a certificate says its owner is. */
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "net/tls_priv.h"

enum { NAMES_MAX = 64, NAMES_BYTES_MAX = 8 * 1024 };

/* While it is read: names point into the text by their place, since it may move. */
struct reading {
    struct tls_name names[NAMES_MAX];
    size_t begins[NAMES_MAX];
    size_t count;
    struct buf text;
};

static int keep(struct reading *reading, enum tls_name_kind kind, struct view text)
{
    if (reading->count == NAMES_MAX || text.size == 0 ||
        text.size > NAMES_BYTES_MAX - reading->text.size ||
        memchr(text.data, '\0', text.size) != NULL)
        return 0;
    reading->begins[reading->count] = reading->text.size;
    reading->names[reading->count++] = (struct tls_name){kind, {NULL, text.size}};
    return buf_append_view(&reading->text, text);
}

static int keep_common_names(struct reading *reading, const X509_NAME *subject)
{
    int at = -1;
    int status = 0;

    while (status == 0) {
        unsigned char *utf8 = NULL;
        int size;

        at = X509_NAME_get_index_by_NID(subject, NID_commonName, at);
        if (at < 0)
            break;
        size = ASN1_STRING_to_UTF8(&utf8,
                                   X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
        if (size >= 0) {
            status = keep(reading, TLS_NAME_CN, (struct view){(const char *)utf8, (size_t)size});
            OPENSSL_free(utf8);
        }
    }
    return status;
}

static int keep_alternative_names(struct reading *reading, X509 *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int status = 0;

    for (int i = 0; i < sk_GENERAL_NAME_num(names) && status == 0; i++) {
        int type;
        const ASN1_IA5STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i),
                                                              &type);

        if (type != GEN_DNS && type != GEN_URI)
            continue;
        status = keep(reading, type == GEN_DNS ? TLS_NAME_DNS : TLS_NAME_URI,
                      (struct view){(const char *)ASN1_STRING_get0_data(value),
                                    (size_t)ASN1_STRING_length(value)});
    }
    GENERAL_NAMES_free(names);
    return status;
}

/* One piece of memory: the names, and behind them their text. */
static int pack(const struct reading *reading, struct tls_names *out_names)
{
    size_t size = reading->count * sizeof(struct tls_name);
    struct tls_name *items;
    char *text;

    if (reading->count == 0) {
        *out_names = (struct tls_names){NULL, 0};
        return 0;
    }
    items = mem_alloc(size + reading->text.size);
    if (items == NULL)
        return STATUS_NOMEM;
    text = (char *)items + size;
    memcpy(items, reading->names, size);
    memcpy(text, reading->text.data, reading->text.size);
    for (size_t i = 0; i < reading->count; i++)
        items[i].text.data = text + reading->begins[i];
    *out_names = (struct tls_names){items, reading->count};
    return 0;
}

int tls_names_read(X509 *certificate, struct tls_names *out_names)
{
    struct reading reading = {.count = 0};
    int status;

    buf_init(&reading.text, NAMES_BYTES_MAX);
    status = keep_common_names(&reading, X509_get_subject_name(certificate));
    if (status == 0)
        status = keep_alternative_names(&reading, certificate);
    if (status == 0)
        status = pack(&reading, out_names);
    buf_release(&reading.text);
    return status;
}

void tls_names_release(struct tls_names *names)
{
    mem_free((void *)names->items);
    *names = (struct tls_names){NULL, 0};
}
