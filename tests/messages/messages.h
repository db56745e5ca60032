/* messages.h - what the tests of messages share: servers in other threads, and what is done in them. */
#ifndef TESTS_MESSAGES_H
#define TESTS_MESSAGES_H
#include "talk.h"

#define CLIENTS 64
#define QUESTIONS 20
#define SERVERS 4

/* a thread that answers every message with itself, until the message is "stop" */
typedef struct server {
    char address[NW0_ADDRESS_SIZE];
    int taken, faults;
    pthread_t thread;
} server;

/* every other message goes into a buffer that has exactly the room it needs */
static inline ssize_t server_take(server *s, char **message) {
    ssize_t size = (ssize_t)MOST;
    if (s->taken % 2) size = nw0_wait_for_message_from(s->address, NULL, 0, LIMIT, false);
    if (size < 0) return -1;
    *message = malloc((size_t)size + 1);
    return nw0_wait_for_message_from(s->address, *message, (size_t)size + 1, LIMIT, false);
}

static inline void *server_run(void *argument) {
    server *s = argument;
    for (int stop = 0; !stop; s->taken++) {
        char *message = NULL;
        ssize_t n = server_take(s, &message);
        if (n < 0 || message[n] != 0) s->faults++;
        if (n < 0 || nw0_send_reply_to(s->address, message, (size_t)n) < 0) s->faults++;
        stop = n < 0 || strcmp(message, "stop") == 0;
        free(message);
    }
    return NULL;
}

static inline void server_start_again(server *s) {
    s->taken = s->faults = 0;
    listen_at(s->address);
    CHECK(pthread_create(&s->thread, NULL, server_run, s) == 0);
}

static inline void server_start(server *s) {
    new_address(s->address);
    server_start_again(s);
}

static inline void server_stop(server *s) {
    CHECK(asks(s->address, "stop", "stop"));
    pthread_join(s->thread, NULL);
    CHECK(s->faults == 0);
    CHECK(nw0_close(s->address) >= 0);
}

/* server threads that count what they answer, until each has got a "stop" */
static struct crowd {
    char address[NW0_ADDRESS_SIZE];
    int seen[CLIENTS * QUESTIONS], wrong, next;
} crowd;

static inline void *crowd_serve(void *unused) {
    char room[20];
    for (;;) {
        ssize_t n = nw0_wait_for_message_from(crowd.address, room, sizeof room, NW0_FOREVER, false);
        int stop = n == 4 && strcmp(room, "stop") == 0;
        if (n > 0 && !stop) __atomic_add_fetch(&crowd.seen[atoi(room)], 1, __ATOMIC_SEQ_CST);
        if (n < 0 || nw0_send_reply_to(crowd.address, room, (size_t)n) < 0)
            __atomic_add_fetch(&crowd.wrong, 1, __ATOMIC_SEQ_CST);
        if (n < 0 || stop) return unused;
    }
}

static inline void crowd_begins(pthread_t threads[], int servers) {
    memset(&crowd, 0, sizeof crowd);
    new_address(crowd.address);
    listen_at(crowd.address);
    for (int i = 0; i < servers; i++)
        CHECK(pthread_create(&threads[i], NULL, crowd_serve, NULL) == 0);
}

static inline void crowd_ends(pthread_t threads[], int servers) {
    for (int i = 0; i < servers; i++) CHECK(asks(crowd.address, "stop", "stop"));
    for (int i = 0; i < servers; i++) pthread_join(threads[i], NULL);
    CHECK(crowd.wrong == 0);
    nw0_close(crowd.address);
}

/* what a thread does that finds nothing to take */
static inline void *take_nothing(void *argument) {
    char room[100];
    ssize_t n = nw0_wait_for_message_from(argument, room, sizeof room, BRIEF, false);
    return n == -1 && errno == ETIMEDOUT ? argument : NULL;
}

static inline void *take_second(void *argument) {
    return takes(argument, "second", LIMIT) && replies(argument, "2") ? argument : NULL;
}

static inline void *reply_for_another(void *argument) {
    errno = 0;
    return nw0_send_reply_to(argument, "not mine", 8) == -1 && errno == EINVAL ? argument : NULL;
}
#endif
