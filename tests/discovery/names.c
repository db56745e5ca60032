/* names.c - who keeps a name. */
#include "nw0.h"

#include "discovery.h"

static void held_name_is_not_taken(void) {
    struct puppet holder = puppet(), second = puppet();
    CHECK(tell(&holder, ADVERTISE, "held", "127.0.0.1:7001").result == 0);
    struct answer a = tell(&second, ADVERTISE_NEW, "held", "127.0.0.1:7002");
    CHECK(a.result == -1 && a.error == EEXIST);
    CHECK(strstr(a.sentence, "held") != NULL && strstr(a.sentence, "127.0.0.1:7001") != NULL);
    nw0_service s;
    CHECK(nw0_discover("held", LIMIT, &s) == 0 && is(&s, "held", "127.0.0.1:7001"));
    CHECK(tell(&holder, UNADVERTISE, "held", "").result == 0);
    double end = check_now() + LIMIT; /* until the second one has heard that, too */
    do a = tell(&second, ADVERTISE_NEW, "held", "127.0.0.1:7002");
    while (a.result < 0 && a.error == EEXIST && check_now() < end);
    CHECK(a.result == 0 && is(&a.service, "held", "127.0.0.1:7002"));
    dismiss(&second);
    dismiss(&holder);
}

/* one that was killed, and about which nobody has heard yet that it is gone, does not count */
static void name_of_the_dead_is_free(void) {
    struct puppet holder = puppet();
    nw0_service s;
    CHECK(tell(&holder, ADVERTISE, "dead", "127.0.0.1:7001").result == 0);
    CHECK(nw0_discover("dead", LIMIT, &s) == 0);
    CHECK_FAILS(nw0_advertise_ex("dead", "7002", true, TTL, NULL), EEXIST);
    kill_9(&holder);
    CHECK(nw0_discover("dead", 0, &s) == 0 && is(&s, "dead", "127.0.0.1:7001"));
    CHECK(nw0_advertise_ex("dead", "7002", true, TTL, &s) == 0 && is(&s, "dead", "127.0.0.1:7002"));
    CHECK(nw0_unadvertise("dead") == 0);
}

struct heir {
    pthread_t thread;
    barrier *together;
    const char *address;
    int result, error;
};

static void *inherit(void *argument) {
    struct heir *h = argument;
    barrier_wait(h->together);
    h->result = nw0_advertise_ex("legacy", h->address, true, TTL, NULL);
    h->error = errno;
    return NULL;
}

/* both ask whether the holder lives, at the same time */
static void name_of_the_dead_goes_to_one_thread(void) {
    struct puppet holder = puppet();
    barrier together;
    struct heir heirs[2] = {{.together = &together, .address = "7002"},
                            {.together = &together, .address = "7003"}};
    CHECK(tell(&holder, ADVERTISE, "legacy", "127.0.0.1:7001").result == 0);
    CHECK(nw0_discover("legacy", LIMIT, NULL) == 0);
    kill_9(&holder);
    barrier_begin(&together, 2);
    for (int i = 0; i < 2; i++) heirs[i].thread = start(inherit, &heirs[i]);
    for (int i = 0; i < 2; i++) finish(heirs[i].thread);
    barrier_end(&together);
    struct heir *winner = &heirs[heirs[0].result != 0], *loser = &heirs[heirs[0].result == 0];
    CHECK(winner->result == 0 && loser->result == -1 && loser->error == EEXIST);
    CHECK(nw0_unadvertise("legacy") == 0);
}

static void own_name_counts_as_held(void) {
    CHECK(nw0_advertise_ex("ours", "7001", true, TTL, NULL) == 0);
    CHECK_FAILS(nw0_advertise_ex("ours", "7002", true, TTL, NULL), EEXIST);
    CHECK(known_at("ours", "127.0.0.1:7001"));
    CHECK(nw0_advertise_ex("ours", "7002", false, TTL, NULL) == 0);
    CHECK(known_at("ours", "127.0.0.1:7002"));
}

/* We advertise it, too, but it is another one's, and the sentence says whose. */
static void name_that_we_only_claim_is_the_holders(void) {
    struct puppet holder = puppet(), second = puppet();
    CHECK(tell(&holder, ADVERTISE, "shared", "127.0.0.1:7001").result == 0);
    CHECK(tell(&second, DISCOVER, "shared", "").result == 0);
    CHECK(tell(&second, ADVERTISE, "shared", "127.0.0.1:7002").result == 0);
    struct answer a = tell(&second, ADVERTISE_NEW, "shared", "127.0.0.1:7002");
    CHECK(a.result == -1 && a.error == EEXIST);
    CHECK(strstr(a.sentence, "a program") != NULL && strstr(a.sentence, "127.0.0.1:7001") != NULL);
    CHECK(strstr(a.sentence, "this program") == NULL);
    a = tell(&holder, ADVERTISE_NEW, "shared", "127.0.0.1:7003"); /* and there it is its own */
    CHECK(a.result == -1 && a.error == EEXIST);
    CHECK(strstr(a.sentence, "this program") != NULL &&
          strstr(a.sentence, "127.0.0.1:7001") != NULL);
    dismiss(&second);
    dismiss(&holder);
}

/* it cannot be asked whether it lives: so a second one has to wait */
static void networkzero_programs_keep_their_names_until_their_ttl(void) {
    NEEDS("127.0.0.2");
    int m = networkzero(), second = mouth("127.0.0.2");
    start_listening();
    double start = check_now();
    shout(m, advert_for("contested", "127.0.0.1:7001", 3));
    CHECK(joins(NULL, "contested", "127.0.0.1:7001"));
    do shout(second, advert("contested", "127.0.0.2:7002"));
    while (change_in(NULL, 8, 0.3) < 0 && check_now() - start < LIMIT);
    CHECK(list.count == 0 && check_now() - start >= 2.9);
    shout(second, advert("contested", "127.0.0.2:7002"));
    CHECK(joins(NULL, "contested", "127.0.0.2:7002"));
    close(second);
    close(m);
}

/* answers every question about the name that reaches its mouth, for a time; how many there were */
static int defend(int m, const char *name, const char *address, double seconds) {
    int questions = 0;
    char text[512];
    struct sockaddr_in from;
    double end = check_now() + seconds, left;
    while ((left = end - check_now()) > 0)
        if (udp_hear(m, text, &from, left) &&
            strcmp(text, question_from(name, address_text(&from))) == 0) {
            say(m, advert(name, address), &from);
            questions++;
        }
    return questions;
}

static void first_holder_keeps_its_name_while_it_answers(void) {
    NEEDS("127.0.0.2");
    int first = mouth("127.0.0.1"), second = mouth("127.0.0.2");
    start_listening();
    shout(first, advert("contested", "127.0.0.1:7001"));
    CHECK(joins(NULL, "contested", "127.0.0.1:7001"));
    for (int i = 0; i < 3; i++) {
        shout(second, advert("contested", "127.0.0.2:7002"));
        CHECK(defend(first, "contested", "127.0.0.1:7001", 1.2) > 0);
        CHECK_FAILS(change_in(NULL, 8, 0), ETIMEDOUT);
    }
    CHECK(known_at("contested", "127.0.0.1:7001"));
    double start = check_now(); /* it falls silent: the second takes its place */
    shout(second, advert("contested", "127.0.0.2:7002"));
    CHECK(leaves(NULL, "contested", "127.0.0.1:7001"));
    CHECK(joins(NULL, "contested", "127.0.0.2:7002"));
    CHECK(check_now() - start < 1 + AT_ONCE);
    close(first);
    close(second);
}

static void same_mouth_may_move_at_once(void) {
    int m = mouth("127.0.0.1");
    set_marker();
    shout(m, advert("mover", "127.0.0.1:7001"));
    shout(m, advert("mover", "127.0.0.1:7002"));
    settle(m);
    CHECK(known_at("mover", "127.0.0.1:7002"));
    close(m);
}

static void own_name_is_not_lost_to_others(void) {
    NEEDS("127.0.0.2");
    struct puppet observer = puppet();
    int m = mouth("127.0.0.2");
    set_marker();
    struct answer a = tell(&observer, DISCOVER, "marker", "");
    CHECK(a.result == 0 && is(&a.service, "marker", MARKER));
    CHECK(joins(NULL, "marker", MARKER));
    for (double start = check_now(); check_now() - start < 2.5;) {
        shout(m, advert("marker", "127.0.0.2:7002"));
        settle(m);
        CHECK_FAILS(change_in(NULL, 8, 0.3), ETIMEDOUT);
        a = tell(&observer, DISCOVER, "marker", "");
        CHECK(a.result == 0 && is(&a.service, "marker", MARKER));
    }
    dismiss(&observer);
    close(m);
}

int main(int argc, char **argv) {
    discovery_begin(argc, argv);
    RUN_APART(first_holder_keeps_its_name_while_it_answers);
    RUN_APART(networkzero_programs_keep_their_names_until_their_ttl);
    RUN_APART(own_name_is_not_lost_to_others);
    RUN_APART(held_name_is_not_taken);
    RUN_APART(name_of_the_dead_is_free);
    RUN_APART(name_of_the_dead_goes_to_one_thread);
    RUN_APART(own_name_counts_as_held);
    RUN_APART(name_that_we_only_claim_is_the_holders);
    RUN_APART(same_mouth_may_move_at_once);
    return discovery_report("discovery/names");
}
