/* end.c - nw0_shutdown() hangs up, ends every wait, leaves nothing behind, and is not the end. */
#include "memory.h"
#define NW0_IMPLEMENTATION
#include "nw0.h"

#include "rules.h"

static void shutdown_leaves_nothing(void) {
    int before = descriptor_count();
    CHECK(live_allocations == 0);
    for (int i = 0; i < 3; i++) {
        use_everything();
        CHECK(descriptor_count() > before + 5);
        nw0_shutdown();
        use_no_more();
        CHECK(descriptor_count() == before);
        CHECK(live_allocations == 0);
    }
}

static void shutdown_hangs_up(void) {
    use_everything();
    int asked = raw_accept(used_listener);
    CHECK(raw_got(asked, HELLO "\0\0\0\5hello", 17));
    nw0_shutdown();
    CHECK(raw_closed(asked));
    CHECK(raw_closed(used_client));
    close(asked);
    use_no_more();
}

static void shutdown_may_come_first_and_twice(void) {
    nw0_shutdown();
    nw0_shutdown();
    CHECK(echo_round_trip());
    nw0_shutdown();
    nw0_shutdown();
}

static void after_shutdown_everything_works_again(void) {
    nw0_service service;
    for (int i = 0; i < 3; i++) {
        CHECK(nw0_advertise("rules/again", NULL, &service) >= 0);
        CHECK(nw0_discover("rules/again", LIMIT, &service) >= 0);
        CHECK(echo_round_trip());
        nw0_shutdown();
        CHECK_FAILS(nw0_discover("rules/again", 0, NULL), ETIMEDOUT); /* it is forgotten */
        nw0_shutdown();
    }
}

/* ---- while others wait ---- */

static int still_waiting, wrongly_ended, numbers[WAITS];

static void *wait_until_shutdown(void *number) {
    errno = 0;
    ssize_t n = waits(*(const int *)number, NW0_FOREVER);
    if (n != -1 || errno != ECANCELED || strlen(nw0_error()) < 20) {
        printf("    gave %ld, errno %d (%s): %s\n", (long)n, errno, strerror(errno), nw0_error());
        __atomic_add_fetch(&wrongly_ended, 1, __ATOMIC_SEQ_CST);
    }
    __atomic_sub_fetch(&still_waiting, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

/* repeated, for it may come before a thread's wait has begun, which then begins afresh */
static void shutdown_ends_the_waits_of_other_threads(void) {
    pthread_t threads[WAITS];
    int before = descriptor_count();
    waits_begin();
    wrongly_ended = 0;
    __atomic_store_n(&still_waiting, WAITS, __ATOMIC_SEQ_CST);
    for (int i = 0; i < WAITS; i++) {
        numbers[i] = i;
        threads[i] = start(wait_until_shutdown, &numbers[i]);
    }
    while (__atomic_load_n(&still_waiting, __ATOMIC_SEQ_CST) > 0) {
        usleep(300000);
        nw0_shutdown();
    }
    for (int i = 0; i < WAITS; i++) finish(threads[i]);
    CHECK(wrongly_ended == 0);
    waits_end();
    CHECK(descriptor_count() == before && live_allocations == 0);
    CHECK(echo_round_trip());
    nw0_shutdown();
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(shutdown_may_come_first_and_twice);
    RUN(shutdown_leaves_nothing);
    RUN(shutdown_hangs_up);
    RUN(after_shutdown_everything_works_again);
    RUN(shutdown_ends_the_waits_of_other_threads);
    nw0_shutdown();
    return check_report("rules/end");
}
