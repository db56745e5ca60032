/* signals.h - signals that disturb: a handler that counts them, and a thread that sends them. */
#ifndef TESTS_SIGNALS_H
#define TESTS_SIGNALS_H
#include "talk.h"

static int signals_seen;

static inline void on_signal(int number) {
    (void)number;
    __atomic_add_fetch(&signals_seen, 1, __ATOMIC_SEQ_CST);
}

/* counts this signal from here on; flags as of sigaction(): SA_RESTART or 0 */
static inline void handle(int number, int flags) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = flags;
    CHECK(sigaction(number, &action, NULL) == 0);
}

/* a thread that sends up to two others a SIGUSR1 every so many microseconds, until it is stopped */
typedef struct pest {
    pthread_t victims[2], thread;
    int count, stop;
    useconds_t every;
} pest;

static inline void *pest_run(void *argument) {
    pest *p = argument;
    while (!__atomic_load_n(&p->stop, __ATOMIC_SEQ_CST)) {
        usleep(p->every);
        for (int i = 0; i < p->count; i++) pthread_kill(p->victims[i], SIGUSR1);
    }
    return NULL;
}

static inline void pest_start(pest *p, pthread_t one, const pthread_t *another, useconds_t every) {
    memset(p, 0, sizeof *p);
    p->victims[0] = one;
    if (another != NULL) p->victims[1] = *another;
    p->count = another != NULL ? 2 : 1;
    p->every = every;
    p->thread = start(pest_run, p);
}

static inline void pest_stop(pest *p) {
    __atomic_store_n(&p->stop, 1, __ATOMIC_SEQ_CST);
    finish(p->thread);
}
#endif
