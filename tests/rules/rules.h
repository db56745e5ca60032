/* rules.h - what the tests of the rules share: all that can be waited for, or be opened. */
#ifndef TESTS_RULES_H
#define TESTS_RULES_H
#include "talk.h"

/* what works, if anything does: a server, a question and its answer */
static inline int echo_round_trip(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    pthread_t thread = start(echo, address);
    int right = asks(address, "hello", "hello") && asks(address, "stop", "stop");
    return finish(thread) != NULL && right;
}

/* what there is to wait for. Nothing of it comes by itself */
static char silent_address[NW0_ADDRESS_SIZE], absent_address[NW0_ADDRESS_SIZE],
    own_address[NW0_ADDRESS_SIZE];

static inline ssize_t waits_for_a_name(double wait_s) {
    return nw0_discover("rules/nobody", wait_s, NULL);
}

static inline ssize_t waits_for_a_change(double wait_s) {
    nw0_service members[4], changed;
    int count = 0;
    return nw0_wait_for_change("rules", NULL, members, &count, 4, &changed, wait_s);
}

static inline ssize_t waits_for_a_message(double wait_s) {
    char room[100];
    return nw0_wait_for_message_from(own_address, room, sizeof room, wait_s, false);
}

static inline ssize_t waits_for_a_messages_size(double wait_s) {
    return nw0_wait_for_message_from(own_address, NULL, 0, wait_s, false);
}

static inline ssize_t waits_for_an_absent_server(double wait_s) {
    char room[100];
    return nw0_send_message_to(absent_address, "hello", 5, room, sizeof room, wait_s);
}

static inline ssize_t waits_for_a_silent_server(double wait_s) {
    char room[100];
    return nw0_send_message_to(silent_address, "hello", 5, room, sizeof room, wait_s);
}

static inline ssize_t waits_for_the_reply(double wait_s) {
    char room[100];
    return nw0_wait_for_reply_from(silent_address, room, sizeof room, wait_s);
}

static inline ssize_t waits_for_a_late_reply(double wait_s) {
    ssize_t n = waits_for_a_silent_server(BRIEF / 2);
    if (n != -1 || (errno != ETIMEDOUT && errno != EINTR)) return n;
    return waits_for_the_reply(wait_s);
}

/* each way to wait; the last takes time to begin */
static inline ssize_t waits(int which, double wait_s) {
    static ssize_t (*const ways[])(double) = {
        waits_for_a_name,          waits_for_a_change,         waits_for_a_message,
        waits_for_a_messages_size, waits_for_an_absent_server, waits_for_a_silent_server,
        waits_for_a_late_reply,
    };
    return ways[which](wait_s);
}
#define WAITS 7

static int silent_listener = -1; /* it never accepts */

static inline void waits_begin(void) {
    silent_listener = raw_listen(silent_address);
    new_address(absent_address);
    new_address(own_address);
}

static inline void waits_end(void) {
    close(silent_listener);
    nw0_shutdown();
}

/* every kind of descriptor that there is: adverts, questions asked, taken, and half written */
static char used_address[NW0_ADDRESS_SIZE];
static int used_listener, used_client;

static inline void use_everything(void) {
    nw0_service service;
    char none[8];
    CHECK(nw0_advertise("rules/everything", NULL, &service) >= 0);
    CHECK(nw0_discover("rules/everything", LIMIT, &service) >= 0);
    CHECK(echo_round_trip());
    used_listener = raw_listen(used_address);
    CHECK_FAILS(nw0_send_message_to(used_address, "hello", 5, none, sizeof none, BRIEF), ETIMEDOUT);
    used_client = raw_connect(service.address);
    raw_put(used_client, HELLO "\0\0\0\2hi\0\0\0\5hal", 21);
    CHECK(takes(service.address, "hi", LIMIT));
}

static inline void use_no_more(void) {
    close(used_listener);
    close(used_client);
}
#endif
