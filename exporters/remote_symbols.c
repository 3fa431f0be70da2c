/* remote_symbols.c: open addressing over the hash of the texts, never more than half full. */
#include "exporters/remote_symbols.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/proto_write.h"

enum { ROOM_FIRST = 1024, REQUEST_SYMBOLS = 4 };

static struct view text_of(const struct remote_symbols *symbols, uint32_t number)
{
    return (struct view){symbols->message.data + symbols->symbols[number].at,
                         symbols->symbols[number].size};
}

static uint32_t slot_of(const struct remote_symbols *symbols, struct view text)
{
    uint32_t slot = (uint32_t)hash64(text.data, text.size, 0) & symbols->slots_mask;

    while (symbols->slots[slot] != 0 &&
           !view_equal(text_of(symbols, symbols->slots[slot] - 1), text))
        slot = (slot + 1) & symbols->slots_mask;
    return slot;
}

static int grow(struct remote_symbols *symbols)
{
    uint32_t room = symbols->room != 0 ? symbols->room * 2 : (uint32_t)ROOM_FIRST;
    struct remote_symbol *grown;
    uint32_t *slots;

    if (symbols->count < symbols->room)
        return 0;
    grown = mem_realloc(symbols->symbols, room * sizeof(*grown));
    if (grown == NULL)
        return STATUS_NOMEM;
    symbols->symbols = grown;
    slots = mem_calloc((size_t)room * 2, sizeof(*slots));
    if (slots == NULL)
        return STATUS_NOMEM;
    mem_free(symbols->slots);
    symbols->slots = slots;
    symbols->slots_mask = room * 2 - 1;
    symbols->room = room;
    for (uint32_t i = 0; i < symbols->count; i++)
        symbols->slots[slot_of(symbols, text_of(symbols, i))] = i + 1;
    return 0;
}

uint32_t remote_symbol(struct remote_symbols *symbols, struct view text)
{
    struct buf *message = &symbols->message;
    int status = grow(symbols);
    uint32_t slot;

    if (status != 0) {
        message->failed = message->failed != 0 ? message->failed : status;
        return 0;
    }
    slot = slot_of(symbols, text);
    if (symbols->slots[slot] != 0)
        return symbols->slots[slot] - 1;
    proto_write_bytes(message, REQUEST_SYMBOLS, text);
    if (message->failed != 0)
        return 0;
    symbols->symbols[symbols->count] = (struct remote_symbol){
        .at = (uint32_t)(message->size - text.size), .size = (uint32_t)text.size};
    symbols->slots[slot] = ++symbols->count;
    return symbols->count - 1;
}

void remote_symbols_reset(struct remote_symbols *symbols)
{
    buf_reset(&symbols->message);
    symbols->count = 0;
    if (symbols->slots != NULL)
        memset(symbols->slots, 0, ((size_t)symbols->slots_mask + 1) * sizeof(*symbols->slots));
    (void)remote_symbol(symbols, VIEW("")); /* A failure sticks to the message. */
}

int remote_symbols_init(struct remote_symbols *symbols)
{
    *symbols = (struct remote_symbols){.count = 0};
    buf_init(&symbols->message, UINT32_MAX / 2);
    remote_symbols_reset(symbols);
    return symbols->message.failed;
}

void remote_symbols_release(struct remote_symbols *symbols)
{
    buf_release(&symbols->message);
    mem_free(symbols->symbols);
    mem_free(symbols->slots);
    *symbols = (struct remote_symbols){.count = 0};
}
