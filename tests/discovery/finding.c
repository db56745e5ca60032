/* finding.c - discover: one service, by its name. */
#include "nw0.h"

#include "discovery.h"

static void discover_finds_another_process(void) {
    struct puppet p = puppet();
    nw0_service s;
    struct answer a = tell(&p, ADVERTISE, "chat/bob", "");
    CHECK(a.result == 0);
    CHECK(nw0_discover("chat/bob", NW0_FOREVER, &s) == 0);
    CHECK(is(&s, a.service.name, a.service.address));
    CHECK(nw0_discover("chat/bob", LIMIT, NULL) == 0);
    dismiss(&p);
}

static void discover_waits_for_a_newcomer(void) {
    struct puppet early = puppet(), late = puppet();
    nw0_service s;
    order(&early, DISCOVER, "newcomer", ""); /* it waits, and so do we: */
    CHECK_FAILS(nw0_discover("newcomer", 0.2, &s), ETIMEDOUT);
    order(&late, ADVERTISE, "newcomer", "127.0.0.1:7001");
    CHECK(nw0_discover("newcomer", LIMIT, &s) == 0 && is(&s, "newcomer", "127.0.0.1:7001"));
    struct answer a = answer_of(&early);
    CHECK(a.result == 0 && is(&a.service, "newcomer", "127.0.0.1:7001"));
    CHECK(answer_of(&late).result == 0);
    dismiss(&late);
    dismiss(&early);
}

static void discover_in_vain_takes_its_time(void) {
    double start = check_now();
    CHECK_FAILS(nw0_discover("chat/nobody", 0.7, NULL), ETIMEDOUT);
    double took = check_now() - start;
    CHECK(took >= 0.7 && took < 3);
    CHECK(strstr(nw0_error(), "chat/nobody") != NULL);
    CHECK(strstr(nw0_error(), " 127.0.0.0/8 ") != NULL && strstr(nw0_error(), " 0.7 s") != NULL);
}

static void discover_with_no_time_never_waits(void) {
    double best = LIMIT;
    for (int i = 0; i < 5; i++) {
        double start = check_now();
        CHECK_FAILS(nw0_discover("nobody", 0, NULL), ETIMEDOUT);
        double took = check_now() - start;
        if (took < best) best = took;
        nw0_shutdown();
    }
    CHECK(best < 0.02 * slowness());
}

static void name_may_be_in_what_is_filled(void) {
    struct puppet p = puppet();
    nw0_service s;
    CHECK(tell(&p, ADVERTISE, "bob", "127.0.0.1:7001").result == 0);
    CHECK(nw0_discover("bob", LIMIT, &s) == 0);
    CHECK(nw0_discover(s.name, LIMIT, &s) == 0 && is(&s, "bob", "127.0.0.1:7001"));
    dismiss(&p);
    CHECK(nw0_advertise("ours", "127.0.0.1:7002", &s) == 0);
    CHECK(nw0_advertise(s.name, s.address, &s) == 0 && is(&s, "ours", "127.0.0.1:7002"));
    CHECK(nw0_discover(s.name, 0, &s) == 0 && is(&s, "ours", "127.0.0.1:7002"));
}

static void discover_needs_a_name(void) {
    CHECK_FAILS(nw0_discover(NULL, 0, NULL), EINVAL);
    CHECK_FAILS(nw0_discover("", 0, NULL), EINVAL);
}

static void discover_asks_for_the_name(void) {
    int e = ear();
    char text[512] = "";
    struct sockaddr_in from;
    CHECK_FAILS(nw0_discover("chat/carol", 0.5, NULL), ETIMEDOUT);
    while (udp_hear(e, text, &from, LIMIT) && !starts(text, "[\"?chat/carol\"")) continue;
    CHECK(strcmp(text, question_from("chat/carol", address_text(&from))) == 0);
    CHECK(starts(address_text(&from), "127.0.0.1:") && ntohs(from.sin_port) != port);
    close(e);
}

int main(int argc, char **argv) {
    discovery_begin(argc, argv);
    RUN_APART(discover_with_no_time_never_waits);
    RUN_APART(discover_finds_another_process);
    RUN_APART(discover_waits_for_a_newcomer);
    RUN_APART(discover_in_vain_takes_its_time);
    RUN_APART(name_may_be_in_what_is_filled);
    RUN_APART(discover_needs_a_name);
    RUN_APART(discover_asks_for_the_name);
    return discovery_report("discovery/finding");
}
