/* talk_nw0.c - nw0.h, as a program would use it: advertised and discovered, so that its background
 * thread is there, too. */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include "talk.h"
#include <errno.h>

const size_t talk_headroom = 0;
static nw0_service me, peer;

static _Noreturn void fail(void) {
    fprintf(stderr, "%s\n", nw0_error());
    exit(1);
}

static void advertise(char address[ADDRESS_SIZE]) {
    if (nw0_advertise("bench", "127.0.0.1", &me) < 0) fail();
    snprintf(address, ADDRESS_SIZE, "%s", me.address);
}

void answer_at(char address[ADDRESS_SIZE]) {
    advertise(address);
}

void answer_forever(char *buffer, size_t room, size_t reply_size, bool many) {
    (void)many;
    for (;;) {
        ssize_t size = nw0_wait_for_message_from(me.address, buffer, room, NW0_FOREVER, false);
        if (size < 0) fail();
        if (reply_size != ECHO) size = (ssize_t)reply_size;
        if (nw0_send_reply_to(me.address, buffer, (size_t)size) < 0 && errno != EPIPE) fail();
    }
}

void ask_at(const char *address) {
    if (nw0_discover("bench", 5, NULL) < 0) fail();
    snprintf(peer.address, sizeof peer.address, "%.23s", address);
}

size_t ask(char *message, size_t size, char *reply, size_t room) {
    ssize_t n = nw0_send_message_to(peer.address, message, size, reply, room, 10);
    if (n < 0) fail();
    return (size_t)n;
}

void publish_at(char address[ADDRESS_SIZE]) {
    advertise(address);
}

void wait_for_subscribers(int count) {
    if (nw0_wait_for_subscribers(me.address, count, 10) < 0) fail();
}

void publish(const char *data, size_t size) {
    if (nw0_send_news_to(me.address, "n", data, size) < 0) fail();
}

void subscribe_to(const char *address) {
    ask_at(address);
}

char next_item(char *buffer, size_t room) {
    char topic[NW0_NAME_SIZE];
    if (nw0_wait_for_news_from(peer.address, "", topic, buffer, room, NW0_FOREVER) < 0) fail();
    return buffer[0];
}
