/* option_priv.h: what the files of option share.
 */
#ifndef SPANMAP_BASE_OPTION_PRIV_H
#define SPANMAP_BASE_OPTION_PRIV_H

#include "base/option.h"

enum { OPTION_ERROR_SIZE = 256 };

/* Writes what is wrong with a text, and what would be right; of a secret not the text. Returns:
 * `status`. */
int option_refuse(const struct option_row *row, int status, struct view text, const char *wrong,
                  char out_error[OPTION_ERROR_SIZE]);

/* Appends a number of the row's type. Returns: as buf_append(). */
int option_print_number(enum option_type type, uint64_t number, struct buf *out);

#endif
