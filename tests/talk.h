/* talk.h - what a test says often through nw0.h itself, in this thread or in another one. What
 * returns an int says whether it went as it was told to: to be put into a CHECK.
 */
#ifndef TESTS_TALK_H
#define TESTS_TALK_H
#include "net.h"

/* ---- threads ---- */

static inline pthread_t start(void *run(void *), void *argument) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, run, argument) == 0);
    return thread;
}

/* what the thread returned: NULL is that it did not go well */
static inline void *finish(pthread_t thread) {
    void *result = NULL;
    CHECK(pthread_join(thread, &result) == 0);
    return result;
}

static inline int in_another_thread(void *run(void *), void *argument) {
    return finish(start(run, argument)) != NULL;
}

/* ---- messages ---- */

/* opens the address: who asks from now on is queued, not refused */
static inline void listen_at(const char *address) {
    char none[1];
    CHECK_FAILS(nw0_wait_for_message_from(address, none, sizeof none, 0, false), ETIMEDOUT);
}

/* this question comes next */
static inline int takes(const char *address, const char *text, double wait_s) {
    char got[1000];
    ssize_t n = nw0_wait_for_message_from(address, got, sizeof got, wait_s, false);
    return n == (ssize_t)strlen(text) && strcmp(got, text) == 0;
}

static inline int replies(const char *address, const char *text) {
    return nw0_send_reply_to(address, text, NW0_TEXT) >= 0;
}

static inline int answers(const char *address, const char *question, const char *answer) {
    return takes(address, question, LIMIT) && replies(address, answer);
}

/* asks, and gets this answer */
static inline int asks(const char *address, const char *question, const char *answer) {
    char got[1000];
    ssize_t n = nw0_send_message_to(address, question, NW0_TEXT, got, sizeof got, LIMIT);
    return n == (ssize_t)strlen(answer) && strcmp(got, answer) == 0;
}

/* asks, and gets no answer yet */
static inline void ask_unanswered(const char *address, const char *question) {
    char reply[8];
    CHECK_FAILS(nw0_send_message_to(address, question, NW0_TEXT, reply, sizeof reply, BRIEF),
                ETIMEDOUT);
}

/* gets this answer, to what was asked before */
static inline int fetches(const char *address, const char *text, double wait_s) {
    char got[1000];
    ssize_t n = nw0_wait_for_reply_from(address, got, sizeof got, wait_s);
    return n == (ssize_t)strlen(text) && strcmp(got, text) == 0;
}

/* a thread for start(): answers every message at the address with itself, until it is "stop" */
static inline void *echo(void *address) {
    char room[1000] = "";
    while (strcmp(room, "stop") != 0) {
        ssize_t n = nw0_wait_for_message_from(address, room, sizeof room, NW0_FOREVER, false);
        if (n < 0 || nw0_send_reply_to(address, room, (size_t)n) < 0) return NULL;
    }
    return address;
}

/* a thread that asks one question */
typedef struct asker {
    const char *address, *question;
    char reply[1000];
    ssize_t got;
    int failure;
    double took;
    pthread_t thread;
} asker;

static inline void *asker_run(void *argument) {
    asker *a = argument;
    double begin = check_now();
    a->got =
        nw0_send_message_to(a->address, a->question, NW0_TEXT, a->reply, sizeof a->reply, LIMIT);
    a->failure = errno;
    a->took = check_now() - begin;
    return NULL;
}

static inline void asker_start(asker *a, const char *address, const char *question) {
    a->address = address;
    a->question = question;
    a->thread = start(asker_run, a);
}

static inline int asker_got(asker *a, const char *reply) {
    pthread_join(a->thread, NULL);
    return a->got == (ssize_t)strlen(reply) && strcmp(a->reply, reply) == 0;
}

static inline int asker_failed(asker *a, int failure) {
    pthread_join(a->thread, NULL);
    if (a->got != -1 || a->failure != failure)
        printf("    gave %ld, errno %d (%s)\n", (long)a->got, a->failure, strerror(a->failure));
    return a->got == -1 && a->failure == failure;
}

/* ---- news ---- */

static inline int sends(const char *address, const char *topic, const char *data) {
    return nw0_send_news_to(address, topic, data, NW0_TEXT);
}

/* this item comes next; if not, what came instead is printed */
static inline int comes(const char *address, const char *prefix, const char *topic,
                        const char *data, double wait_s) {
    char its_topic[NW0_NAME_SIZE] = "?", got[1000];
    ssize_t n = nw0_wait_for_news_from(address, prefix, its_topic, got, sizeof got, wait_s);
    int right =
        n == (ssize_t)strlen(data) && strcmp(got, data) == 0 && strcmp(its_topic, topic) == 0;
    if (!right)
        printf("    \"%s\" was to come: gave %ld \"%s\" %s\n", data, (long)n,
               n < 0 ? "" : its_topic, n < 0 ? nw0_error() : got);
    return right;
}

static inline void nothing_comes(const char *address, const char *prefix, double wait_s) {
    char got[1000];
    CHECK_FAILS(nw0_wait_for_news_from(address, prefix, NULL, got, sizeof got, wait_s), ETIMEDOUT);
}

/* from now on news is published there */
static inline void publish_at(const char *address) {
    CHECK_FAILS(nw0_wait_for_subscribers(address, 1000, 0), ETIMEDOUT);
}

static inline int has_subscribers(const char *address, int count) {
    return nw0_wait_for_subscribers(address, count, LIMIT) == count;
}

/* publisher and subscriber in this program: for news with that prefix, from now on */
static inline void subscribe_here(const char *address, const char *prefix, int count) {
    nothing_comes(address, prefix, 0);
    CHECK(has_subscribers(address, count));
}
#endif
