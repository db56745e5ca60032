/* threads.c - signals, threads, fork. */
#include "nw0.h"

#include "discovery.h"
#include "signals.h"

/* a process that sends this one a signal again and again: one of them falls into any wait */
static pid_t pesterer(void) {
    handle(SIGUSR1, SA_RESTART);
    pid_t victim = getpid(), pid = child_fork();
    if (pid == 0) {
        while (getppid() == victim && kill(victim, SIGUSR1) == 0) poll(NULL, 0, 20);
        _exit(0);
    }
    return pid;
}

static void signals_end_every_wait(void) {
    pid_t pid = pesterer();
    CHECK_FAILS(nw0_discover("nobody", 30, NULL), EINTR);
    CHECK_FAILS(nw0_discover("nobody", NW0_FOREVER, NULL), EINTR);
    CHECK_FAILS(nw0_discover_all(30, NULL, 0), EINTR);
    CHECK_FAILS(change_in(NULL, 8, 30), EINTR);
    child_kill(pid);
}

static void *one_of_many(void *argument) {
    long number = (long)(intptr_t)argument, faults = 0;
    char name[32], address[32];
    nw0_service all[16];
    snprintf(name, sizeof name, "threads/%ld", number);
    for (int i = 0; i < 25; i++) {
        snprintf(address, sizeof address, "127.0.0.1:%d", 7000 + i);
        faults += nw0_advertise(name, address, NULL) != 0;
        faults += !known_at(name, address);
        faults += nw0_discover_group("threads", NULL, NULL, all, 16) < 1;
        faults += nw0_unadvertise(name) != 0;
        faults += known_at(name, address);
    }
    return (void *)(intptr_t)faults;
}

static void threads_may_do_all_this_at_once(void) {
    pthread_t threads[4];
    for (intptr_t i = 0; i < 4; i++) threads[i] = start(one_of_many, (void *)i);
    for (int i = 0; i < 4; i++) CHECK(finish(threads[i]) == NULL); /* no faults */
    CHECK(count_known() == 0);
}

/* A child that only ends has no adverts to say goodbye for: they are its parent's. */
static void forked_child_leaves_the_adverts_of_its_parent_alone(void) {
    int e = ear();
    char text[512];
    CHECK(nw0_advertise("parent", "127.0.0.1:7001", NULL) == 0);
    CHECK(hears(e, advert("parent", "127.0.0.1:7001"), NULL));
    pid_t pid = child_fork();
    if (pid == 0) {
        nw0_shutdown(); /* as exit() does; but leak checkers miss the threads that stayed behind */
        _exit(0);
    }
    CHECK(child_ended_well(pid));
    CHECK(nw0_advertise("after", "127.0.0.1:7002", NULL) == 0);
    while (udp_hear(e, text, NULL, LIMIT) && strcmp(text, advert("after", "127.0.0.1:7002")) != 0)
        CHECK(strcmp(text, goodbye("parent", "127.0.0.1:7001")) != 0);
    close(e);
}

int main(int argc, char **argv) {
    discovery_begin(argc, argv);
    RUN_APART(signals_end_every_wait);
    RUN_APART(threads_may_do_all_this_at_once);
    RUN_APART(forked_child_leaves_the_adverts_of_its_parent_alone);
    return discovery_report("discovery/threads");
}
