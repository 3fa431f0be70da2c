/* secure_options.h: the rows of tls and auth, for the table in options.c.
 * Is:         a list that is written in the macros and words of that table.
 */
#ifndef SPANMAP_ENGINE_SECURE_OPTIONS_H
#define SPANMAP_ENGINE_SECURE_OPTIONS_H

#define SECURE_OPTION_ROWS                                                                              \
    PATH_ROW(                                                                                           \
        "tls.cert", tls_cert,                                                                           \
        "Path of the certificate of the doors for telemetry, with those up to its root, as PEM. "       \
        "Empty: they are not encrypted. It and the other files are read again when they change; "       \
        "connections that are there already go on, and a pair that does not fit leaves the old "        \
        "one in force."),                                                                               \
        PATH_ROW("tls.key", tls_key, "Path of its private key, as PEM, without passphrase."),           \
        PATH_ROW(                                                                                       \
            "tls.client_ca", tls_client_ca,                                                             \
            "Path of the certificates of those who sign senders' certificates, as PEM. Empty: "         \
            "senders need no certificate."),                                                            \
        {.key = "tls.client_auth",                                                                      \
         .type = OPTION_ENUM,                                                                           \
         .offset = AT(tls_client_auth),                                                                 \
         .initial = "required",                                                                         \
         .choices = client_auth_words,                                                                  \
         .prose =                                                                                       \
             "Whether a sender must have a certificate where tls.client_ca is set. optional: one "      \
             "without may come in, and show other credentials; a bad one is refused either way."},      \
        {.key = "tls.doors",                                                                            \
         .type = OPTION_ENUM,                                                                           \
         .offset = AT(tls_doors),                                                                       \
         .initial = "all",                                                                              \
         .choices = tls_doors_words,                                                                    \
         .prose =                                                                                       \
             "Which doors for telemetry are encrypted where tls.cert is set: all, or only that of "     \
             "listen.grpc or of listen.http, where the other is a Unix socket, say."},                  \
        {.key = "tls.min_version",                                                                      \
         .type = OPTION_ENUM,                                                                           \
         .offset = AT(tls_min_version),                                                                 \
         .initial = "1.2",                                                                              \
         .choices = tls_version_words,                                                                  \
         .prose = "The oldest version of TLS that is spoken, at the web door too."},                    \
        {.key = "tls.handshake_timeout",                                                                \
         .type = OPTION_DURATION,                                                                       \
         .offset = AT(tls_handshake_timeout_ns),                                                        \
         .initial = "10s",                                                                              \
         .min = 100 * NS_PER_MS,                                                                        \
         .max = 10 * MINUTE_NS,                                                                         \
         .prose = "How long a handshake may take, at the web door too."},                               \
        {.key = "tls.reload_interval",                                                                  \
         .type = OPTION_DURATION,                                                                       \
         .offset = AT(tls_reload_interval_ns),                                                          \
         .initial = "10s",                                                                              \
         .min = 10 * NS_PER_MS,                                                                         \
         .max = 24 * HOUR_NS,                                                                           \
         .prose =                                                                                       \
             "How often certificates, tokens and passwords are looked at where the system does not "    \
             "tell that their files have changed."},                                                    \
        {.key = "auth.token",                                                                           \
         .type = OPTION_TEXT,                                                                           \
         .offset = AT(auth_token),                                                                      \
         .initial = "",                                                                                 \
         .max = 4096,                                                                                   \
         .check = option_check_token,                                                                   \
         .secret = true,                                                                                \
         .prose =                                                                                       \
             "A bearer token that senders may show, best written as ${env:NAME}. With this or another " \
             "option of this section a sender must be known by one of them; without any, everybody "    \
             "may send. The web door asks for nothing."},                                               \
        PATH_ROW(                                                                                       \
            "auth.token_file", auth_token_file,                                                         \
            "Path of a file with bearer tokens, one a line; lines that begin with # are left out. "     \
            "It is read again when it changes."),                                                       \
        PATH_ROW(                                                                                       \
            "auth.password_file", auth_password_file,                                                   \
            "Path of a file with users and hashes of their passwords for basic authentication, "        \
            "USER:HASH, as htpasswd -B writes them: bcrypt up to cost 12, or SHA-256 and SHA-512 of "   \
            "crypt(3), best all of one kind and cost: where they differ, the time that a refusal "      \
            "takes tells who exists. It is read again when it changes."),                               \
        {.key = "auth.client_names",                                                                    \
         .type = OPTION_TEXTS,                                                                          \
         .offset = AT(auth_client_names),                                                               \
         .max = 256,                                                                                    \
         .form = "a list of names, each with at most one star",                                         \
         .check = option_check_client_names,                                                            \
         .prose =                                                                                       \
             "Names of certificates whose owners may send: a common name, or a DNS name or URI among "  \
             "the alternative ones, such as collector, dns:*.prod.example or "                          \
             "uri:spiffe://example/ns/*. Needs tls.client_ca."},                                        \
    {                                                                                                   \
        .key = "auth.unix_users", .type = OPTION_TEXTS, .offset = AT(auth_unix_users), .max = 256,      \
        .prose = "Users of this system, by name or number, who may send by a Unix socket."              \
    }

#endif
