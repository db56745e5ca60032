/* silence.c - how often adverts come, and what is thought of those from whom none come any more. */
#include "nw0.h"

#include "discovery.h"

static void adverts_come_at_once_and_then_every_two_seconds(void) {
    int e = ear();
    struct puppet p = puppet();
    double start = check_now(), last, now;
    order(&p, ADVERTISE, "beat", "127.0.0.1:7001");
    CHECK(hears(e, advert("beat", "127.0.0.1:7001"), NULL));
    last = check_now();
    CHECK(last - start < AT_ONCE);
    for (int i = 0; i < 3; i++) {
        CHECK(hears(e, advert("beat", "127.0.0.1:7001"), NULL));
        now = check_now();
        CHECK(now - last < 2 + AT_ONCE);
        CHECK(i == 0 || now - last > 1); /* the first one may have come between two beats */
        last = now;
    }
    CHECK(answer_of(&p).result == 0);
    dismiss(&p);
    close(e);
}

/* one that fell silent is asked; one that answers stays, one that does not is gone */
static void silence_is_asked_about(void) {
    int mute = mouth("127.0.0.1"), quiet = mouth("127.0.0.1"), asked = 0, mute_asked = 0;
    char text[512];
    struct sockaddr_in from;
    double start, gone = 0;
    start_listening();
    start = check_now();
    shout(mute, advert("mute", "127.0.0.1:7001"));
    CHECK(joins(NULL, "mute", "127.0.0.1:7001"));
    shout(quiet, advert("quiet", "127.0.0.1:7002"));
    CHECK(joins(NULL, "quiet", "127.0.0.1:7002"));
    while (check_now() - start < 9) {
        if (udp_hear(quiet, text, &from, 0.05) &&
            strcmp(text, question_from("quiet", address_text(&from))) == 0) {
            asked++;
            say(quiet, advert("quiet", "127.0.0.1:7002"), &from);
        }
        while (udp_hear(mute, text, &from, 0))
            mute_asked += strcmp(text, question_from("mute", address_text(&from))) == 0;
        if (change_in(NULL, 8, 0) == NW0_LEFT && is(&list.changed, "mute", "127.0.0.1:7001"))
            gone = check_now() - start;
    }
    CHECK(gone > 2 && gone < 3.5 + AT_ONCE);
    CHECK(mute_asked >= 2 && asked >= 2);
    CHECK(list.count == 1 && has("quiet", "127.0.0.1:7002"));
    close(mute);
    close(quiet);
}

static void kill_is_seen_long_before_the_ttl(void) {
    struct puppet p = puppet();
    CHECK(tell(&p, ADVERTISE, "victim", "127.0.0.1:7001").result == 0);
    CHECK(joins(NULL, "victim", "127.0.0.1:7001"));
    double start = check_now();
    kill_9(&p);
    CHECK(leaves(NULL, "victim", "127.0.0.1:7001"));
    CHECK(check_now() - start < 3.5 + AT_ONCE);
}

static void restart_is_recognised_within_a_second(void) {
    struct puppet first = puppet(), second = puppet();
    CHECK(tell(&first, ADVERTISE, "server", "127.0.0.1:7001").result == 0);
    CHECK(joins(NULL, "server", "127.0.0.1:7001"));
    kill_9(&first);
    double start = check_now();
    CHECK(tell(&second, ADVERTISE, "server", "127.0.0.1:7002").result == 0);
    CHECK(leaves(NULL, "server", "127.0.0.1:7001"));
    CHECK(joins(NULL, "server", "127.0.0.1:7002"));
    CHECK(check_now() - start < 1 + AT_ONCE);
    dismiss(&second);
}

/* it was killed and started again where it was: nobody notices */
static void restart_in_the_same_place_is_no_change(void) {
    struct puppet first = puppet(), second = puppet();
    CHECK(tell(&first, ADVERTISE, "server", "127.0.0.1:7001").result == 0);
    CHECK(joins(NULL, "server", "127.0.0.1:7001"));
    kill_9(&first);
    CHECK(tell(&second, ADVERTISE, "server", "127.0.0.1:7001").result == 0);
    CHECK_FAILS(change_in(NULL, 8, 6),
                ETIMEDOUT); /* longer than silence lasts until it is noticed */
    dismiss(&second);
    CHECK(leaves(NULL, "server", "127.0.0.1:7001"));
}

static void networkzero_programs_live_by_their_ttl(void) {
    int m = networkzero();
    set_marker();
    CHECK(joins(NULL, "marker", MARKER));
    double start = check_now();
    shout(m, advert_for("short", "127.0.0.1:7001", 1));
    CHECK(joins(NULL, "short", "127.0.0.1:7001"));
    shout(m, advert_for("long", "127.0.0.1:7002", 7));
    CHECK(joins(NULL, "long", "127.0.0.1:7002"));
    CHECK(leaves(NULL, "short", "127.0.0.1:7001"));
    CHECK(check_now() - start >= 0.9 && check_now() - start < 2.5 + AT_ONCE);
    CHECK(leaves(NULL, "long", "127.0.0.1:7002"));
    CHECK(check_now() - start >= 6.5 && check_now() - start < 8.5 + AT_ONCE);
    close(m);
}

/* The ttl is for those who cannot ask back. One that is held up for longer answers when it goes on, as one does whose
 * machine is busy. */
static void ttl_does_not_hurry_those_who_can_ask(void) {
    int e = ear();
    struct puppet p = puppet();
    CHECK(tell(&p, ADVERTISE_BRIEFLY, "brief", "127.0.0.1:7001").result == 0);
    CHECK(joins(NULL, "brief", "127.0.0.1:7001"));
    CHECK(hears(e, advert_for("brief", "127.0.0.1:7001", 1), NULL));
    child_stop(p.pid);
    CHECK_FAILS(change_in(NULL, 8, 1.5), ETIMEDOUT);
    kill(p.pid, SIGCONT);
    CHECK_FAILS(change_in(NULL, 8, 1.5), ETIMEDOUT);
    CHECK(known_at("brief", "127.0.0.1:7001"));
    dismiss(&p);
    close(e);
}

int main(int argc, char **argv) {
    discovery_begin(argc, argv);
    RUN_APART(silence_is_asked_about);
    RUN_APART(networkzero_programs_live_by_their_ttl);
    RUN_APART(adverts_come_at_once_and_then_every_two_seconds);
    RUN_APART(restart_in_the_same_place_is_no_change);
    RUN_APART(kill_is_seen_long_before_the_ttl);
    RUN_APART(restart_is_recognised_within_a_second);
    RUN_APART(ttl_does_not_hurry_those_who_can_ask);
    return discovery_report("discovery/silence");
}
