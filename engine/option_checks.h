/* option_checks.h: judges of single options, for the table's `check`.
 * Threads:    pure functions.
 */
#ifndef SPANMAP_ENGINE_OPTION_CHECKS_H
#define SPANMAP_ENGINE_OPTION_CHECKS_H

#include "base/status.h"

/* Each looks at the field of its option; on failure out_error gets one sentence. Returns: 0;
 * STATUS_INVALID; STATUS_NOMEM. */
MUST_USE int option_check_address(const void *field, char out_error[256]);
MUST_USE int option_check_endpoint(const void *field, char out_error[256]);
MUST_USE int option_check_outlet_headers(const void *field, char out_error[256]);
MUST_USE int option_check_url(const void *field, char out_error[256]);
MUST_USE int option_check_labels(const void *field, char out_error[256]);
MUST_USE int option_check_mode(const void *field, char out_error[256]);
MUST_USE int option_check_trace_url(const void *field, char out_error[256]);
MUST_USE int option_check_token(const void *field, char out_error[256]);
MUST_USE int option_check_client_names(const void *field, char out_error[256]);
MUST_USE int option_check_peer_order(const void *field, char out_error[256]);
MUST_USE int option_check_cidr(const void *field, char out_error[256]);
MUST_USE int option_check_rewrite(const void *field, char out_error[256]);
MUST_USE int option_check_origins(const void *field, char out_error[256]);
MUST_USE int option_check_headers(const void *field, char out_error[256]);
MUST_USE int option_check_buckets(const void *field, char out_error[256]);
MUST_USE int option_check_dimensions(const void *field, char out_error[256]);

#endif
