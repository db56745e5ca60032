/* time.c - every wait keeps to its time, be that none or for ever. */
#include "nw0.h"

#include "rules.h"

static void waits_keep_to_their_time(void) {
    waits_begin();
    for (int i = 0; i < WAITS - 1; i++) {
        double begin = check_now();
        CHECK_FAILS(waits(i, 0), ETIMEDOUT);
        CHECK(check_now() - begin < 2);
        begin = check_now();
        CHECK_FAILS(waits(i, BRIEF), ETIMEDOUT);
        double took = check_now() - begin;
        CHECK(took >= BRIEF - 0.001 && took < BRIEF + 2);
    }
    waits_end();
}

static void nobody_to_be_discovered_takes_all_the_time(void) {
    nw0_service services[4];
    double begin = check_now();
    CHECK(nw0_discover_all(BRIEF, services, 4) == 0);
    double took = check_now() - begin;
    CHECK(took >= BRIEF - 0.001 && took < BRIEF + 2);
    nw0_shutdown();
}

static void *discover_forever(void *unused) {
    return nw0_discover("rules/late", NW0_FOREVER, NULL) >= 0 ? unused : NULL;
}

static void *change_forever(void *unused) {
    nw0_service members[4];
    int count = 0;
    return nw0_wait_for_change("rules", NULL, members, &count, 4, NULL, NW0_FOREVER) == NW0_JOINED
               ? unused
               : NULL;
}

static void *discover_all_forever(void *unused) {
    nw0_service services[4];
    return nw0_discover_all(NW0_FOREVER, services, 4) > 0 ? unused : NULL;
}

static void a_wait_forever_ends_with_what_it_waits_for(void) {
    char address[NW0_ADDRESS_SIZE];
    int some;
    new_address(address);
    pthread_t name = start(discover_forever, &some), change = start(change_forever, &some),
              all = start(discover_all_forever, &some), server = start(echo, address);
    usleep(50000); /* they wait by now, or will find it there: both must work */
    CHECK(nw0_advertise("rules/late", NULL, NULL) >= 0);
    CHECK(finish(name) != NULL);
    CHECK(finish(change) != NULL);
    CHECK(finish(all) != NULL);
    CHECK(asks(address, "stop", "stop"));
    CHECK(finish(server) != NULL);
    nw0_shutdown();
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(waits_keep_to_their_time);
    RUN(nobody_to_be_discovered_takes_all_the_time);
    RUN(a_wait_forever_ends_with_what_it_waits_for);
    nw0_shutdown();
    return check_report("rules/time");
}
