/* threads.c - several threads publish, subscribe, and wait for the same news. */
#include "nw0.h"

#include "talk.h"

enum { ITEMS = 2000, READERS = 3 };

static struct crowd {
    char address[NW0_ADDRESS_SIZE];
    int seen[ITEMS], wrong;
} crowd;

/* takes items until one is called "stop"; every other one after it has asked for the size */
static void *crowd_read(void *unused) {
    char room[20], topic[NW0_NAME_SIZE];
    for (int i = 0;; i++) {
        ssize_t size = -2, n;
        if (i % 2) size = nw0_wait_for_news_from(crowd.address, "", NULL, NULL, 0, LIMIT);
        n = nw0_wait_for_news_from(crowd.address, "", topic, room, sizeof room,
                                   size == -2 ? LIMIT : 0);
        if (n < 0 || (size != -2 && size != n))
            __atomic_add_fetch(&crowd.wrong, 1, __ATOMIC_SEQ_CST);
        if (n < 0 || strcmp(topic, "stop") == 0) return unused;
        __atomic_add_fetch(&crowd.seen[atoi(room)], 1, __ATOMIC_SEQ_CST);
    }
}

static void threads_that_wait_for_the_same_news_share_it(void) {
    pthread_t threads[READERS];
    char text[20];
    memset(&crowd, 0, sizeof crowd);
    new_address(crowd.address);
    subscribe_here(crowd.address, "", 1);
    for (int i = 0; i < READERS; i++) threads[i] = start(crowd_read, NULL);
    for (int i = 0; i < ITEMS; i++) {
        snprintf(text, sizeof text, "%d", i);
        CHECK(sends(crowd.address, "n", text) == 1);
        if (i % 100 < 3) usleep(1000); /* now and then one alone */
    }
    for (int i = 0; i < READERS; i++) CHECK(sends(crowd.address, "stop", "") == 1);
    for (int i = 0; i < READERS; i++) finish(threads[i]);
    CHECK(crowd.wrong == 0);
    for (int i = 0; i < ITEMS; i++) CHECK(crowd.seen[i] == 1);
    nw0_close(crowd.address);
}

typedef struct newcomer {
    const char *address;
    barrier *together;
} newcomer;

static void *subscribe_together(void *argument) {
    newcomer *n = argument;
    barrier_wait(n->together);
    return nw0_wait_for_news_from(n->address, "", NULL, NULL, 0, 0) == -1 && errno == ETIMEDOUT
               ? argument
               : NULL;
}

/* a host's name takes a while to look up: another thread may subscribe meanwhile */
static void threads_that_subscribe_at_once_subscribe_once(void) {
    char address[NW0_ADDRESS_SIZE], name[NW0_ADDRESS_SIZE], canonical[NW0_ADDRESS_SIZE] = "";
    barrier together;
    newcomer n = {name, &together};
    for (int round = 0; round < 8 && !check_faults; round++) {
        new_address(address);
        snprintf(name, sizeof name, "localhost%s", strchr(address, ':'));
        if (nw0_address(name, canonical) < 0 || strcmp(canonical, address) != 0)
            SKIP("localhost is not 127.0.0.1 here");
        publish_at(address);
        barrier_begin(&together, 2);
        pthread_t one = start(subscribe_together, &n), two = start(subscribe_together, &n);
        CHECK(finish(one) != NULL && finish(two) != NULL);
        barrier_end(&together);
        CHECK(has_subscribers(address, 1));
        CHECK_FAILS(nw0_wait_for_subscribers(address, 2, BRIEF), ETIMEDOUT);
        CHECK(sends(address, "to", "both") == 1);
        CHECK(comes(name, "", "to", "both", LIMIT));
        nw0_close(address);
        nw0_close(name);
    }
}

static void *crowd_publish(void *argument) {
    char text[20];
    int first = *(int *)argument;
    for (int i = first; i < first + ITEMS / 4; i++) {
        snprintf(text, sizeof text, "%d", i);
        if (sends(crowd.address, "n", text) != 1) return NULL;
    }
    return argument;
}

static void several_threads_publish(void) {
    pthread_t threads[4];
    int first[4];
    char room[20];
    memset(&crowd, 0, sizeof crowd);
    new_address(crowd.address);
    subscribe_here(crowd.address, "n", 1);
    for (int i = 0; i < 4; i++) {
        first[i] = i * ITEMS / 4;
        threads[i] = start(crowd_publish, &first[i]);
    }
    for (int i = 0; i < ITEMS; i++) {
        CHECK(nw0_wait_for_news_from(crowd.address, "n", NULL, room, sizeof room, LIMIT) > 0);
        crowd.seen[atoi(room)]++;
    }
    for (int i = 0; i < 4; i++) CHECK(finish(threads[i]) != NULL);
    for (int i = 0; i < ITEMS; i++) CHECK(crowd.seen[i] == 1);
    nothing_comes(crowd.address, "n", 0);
    nw0_close(crowd.address);
}

static void *take_nothing(void *address) {
    char room[100];
    ssize_t n = nw0_wait_for_news_from(address, "", NULL, room, sizeof room, BRIEF);
    return n == -1 && errno == ETIMEDOUT ? address : NULL;
}

static void *ask_for_a_size(void *address) {
    return nw0_wait_for_news_from(address, "", NULL, NULL, 0, LIMIT) == 3 ? address : NULL;
}

static void the_news_whose_size_was_asked_is_this_threads(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    subscribe_here(address, "", 1);
    CHECK(sends(address, "1", "one") == 1);
    CHECK(nw0_wait_for_news_from(address, "", NULL, NULL, 0, LIMIT) == 3);
    CHECK(sends(address, "2", "two") == 1);
    CHECK(in_another_thread(take_nothing, address));
    CHECK(comes(address, "", "1", "one", 0));
    CHECK(comes(address, "", "2", "two", LIMIT));
    CHECK(sends(address, "3", "three") == 1);
    CHECK(comes(address, "", "3", "three", LIMIT));
    nw0_close(address);
}

static void the_news_of_a_thread_that_ends_is_for_the_others(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    subscribe_here(address, "", 1);
    CHECK(sends(address, "1", "one") == 1);
    CHECK(sends(address, "2", "two") == 1);
    CHECK(in_another_thread(ask_for_a_size, address));
    CHECK(comes(address, "", "1", "one", LIMIT) && comes(address, "", "2", "two", LIMIT));
    CHECK(sends(address, "3", "three") == 1);
    CHECK(comes(address, "", "3", "three", LIMIT));
    nw0_close(address);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(threads_that_wait_for_the_same_news_share_it);
    RUN(threads_that_subscribe_at_once_subscribe_once);
    RUN(several_threads_publish);
    RUN(the_news_whose_size_was_asked_is_this_threads);
    RUN(the_news_of_a_thread_that_ends_is_for_the_others);
    nw0_shutdown();
    return check_report("news/threads");
}
