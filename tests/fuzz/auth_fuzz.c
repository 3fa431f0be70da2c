/* auth_fuzz.c: any text as a list of tokens, as a list of passwords, and as what a stranger writes
 * into Authorization. Nobody is let in who does not know the word.
 *
 * The input is three texts, each ended by a zero byte: tokens, passwords, Authorization.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "receiver/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORD "Zq8-the-only-word-that-is-right-4f"

static struct view cut(struct view *rest)
{
    const char *end = rest->size != 0 ? memchr(rest->data, '\0', rest->size) : NULL;
    size_t size = end != NULL ? (size_t)(end - rest->data) : rest->size;
    struct view text = {rest->data, size};

    rest->data += size + (end != NULL);
    rest->size -= size + (end != NULL);
    return text;
}

/* A list that is refused says so in words that are not its own. */
static void expect_sentence(int status, const char *error)
{
    if (status == STATUS_INVALID)
        CHECK(strncmp(error, "line ", 5) == 0 && strlen(error) < 256);
}

/* Whether one of the list's tokens is meant. */
static bool knows(struct view tokens, struct view authorization)
{
    struct view token = view_trim(authorization);
    const char *blank = token.size != 0 ? memchr(token.data, ' ', token.size) : NULL;

    if (blank == NULL)
        return false;
    token = view_trim((struct view){blank, token.size - (size_t)(blank - token.data)});
    return token.size != 0 && memmem(tokens.data, tokens.size, token.data, token.size) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct auth_options options = {
        .takes_tokens = true, .takes_passwords = true, .token = VIEW(WORD)};
    struct auth_peer peer = {.names = NULL};
    struct mono_time now = {NS_PER_S};
    struct view rest = {(const char *)data, size};
    struct view tokens = cut(&rest);
    struct view passwords = cut(&rest);
    enum gate_verdict verdict;
    struct auth *auth;
    char error[256] = "";
    int status;

    CHECK(auth_new(&options, &auth) == 0);
    status = auth_set_tokens(auth, tokens, error);
    expect_sentence(status, error);
    if (status != 0)
        tokens.size = 0; /* Those that were there before: none. */
    verdict = auth_judge(auth, &peer, rest, now);
    if (verdict == GATE_PASS)
        CHECK(knows(tokens, rest) || memmem(rest.data, rest.size, WORD, strlen(WORD)) != NULL);
    expect_sentence(auth_set_passwords(auth, passwords, error), error);
    /* Nobody has found what a hash was made of. */
    if (rest.size > 5 && strncasecmp(rest.data, "Basic", 5) == 0)
        CHECK(auth_judge(auth, &peer, rest, now) != GATE_PASS);
    CHECK(auth_judge(auth, &peer, VIEW("Bearer " WORD), now) == GATE_PASS);
    CHECK(auth_judge(auth, &peer, (struct view){NULL, 0}, now) == GATE_UNKNOWN);
    (void)auth_is_pattern(passwords);
    auth_free(auth);
    return 0;
}
