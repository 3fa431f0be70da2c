/* h2_client_fuzz.c: any bytes from a server to a client with two requests under way. Each request
 * ends once, whatever comes.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "net/h2_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    bool closed[4]; /* Streams 1 and 3. */
    unsigned count;
};

static void on_field(void *context, int32_t stream, struct h2_field field)
{
    const struct seen *seen = context;

    CHECK((stream == 1 || stream == 3) && !seen->closed[stream]);
    CHECK(field.name.size < SIZE_MAX / 2 && field.value.size < SIZE_MAX / 2);
}

static void on_data(void *context, int32_t stream, struct view data)
{
    const struct seen *seen = context;

    CHECK((stream == 1 || stream == 3) && !seen->closed[stream]);
    CHECK(data.size != 0);
}

static void on_close(void *context, int32_t stream, uint32_t error)
{
    struct seen *seen = context;

    (void)error;
    CHECK((stream == 1 || stream == 3) && !seen->closed[stream]);
    seen->closed[stream] = true;
    seen->count++;
}

static const struct h2_client_events events = {on_field, on_data, on_close};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct h2_field fields[] = {{VIEW(":method"), VIEW("POST")},
                                      {VIEW(":scheme"), VIEW("http")},
                                      {VIEW(":path"), VIEW("/")}};
    struct h2_request request = {fields, 3, VIEW("head"), VIEW("body")};
    struct seen seen = {0};
    struct h2_client *client;
    struct buf out;
    int32_t stream;

    buf_init(&out, 0);
    CHECK(h2_client_new(&events, &seen, &client) == 0);
    CHECK(h2_client_request(client, &request, &stream) == 0 && stream == 1);
    CHECK(h2_client_request(client, &request, &stream) == 0 && stream == 3);
    CHECK(h2_client_send(client, SIZE_MAX, &out) == 0);
    for (size_t at = 0; at < size && !h2_client_is_over(client);) {
        size_t piece = size - at < 100 ? size - at : 100;
        CHECK(h2_client_receive(client, (struct view){(const char *)data + at, piece}) == 0);
        CHECK(h2_client_send(client, SIZE_MAX, &out) == 0);
        at += piece;
    }
    h2_client_free(client);
    CHECK(seen.count == 2);
    buf_release(&out);
    return 0;
}
