/* questions.c - who answers a question, to whom, when, and how often. */
#include "nw0.h"

#include "discovery.h"

static void question_is_answered_straight_to_the_asker(void) {
    int e = ear(), m = mouth("127.0.0.1");
    CHECK(nw0_advertise("asked", "127.0.0.1:7001", NULL) == 0);
    struct sockaddr_in its_mouth = mouth_of(e, "asked", "127.0.0.1:7001"), from;
    memset(&from, 0, sizeof from);
    shout(m, question("asked", m)); /* by broadcast */
    CHECK(hears(m, advert("asked", "127.0.0.1:7001"), &from));
    CHECK(strcmp(address_text(&from), address_text(&its_mouth)) == 0);
    say(m, question("asked", m), &its_mouth); /* and straight to the mouth */
    CHECK(hears(m, advert("asked", "127.0.0.1:7001"), &from));
    CHECK(strcmp(address_text(&from), address_text(&its_mouth)) == 0);
    close(m);
    close(e);
}

static void question_from_another_host_of_the_network_is_answered(void) {
    NEEDS("127.0.0.77");
    int m = mouth("127.0.0.77");
    CHECK(nw0_advertise("asked", "127.0.0.1:7001", NULL) == 0);
    shout(m, question("asked", m));
    CHECK(hears(m, advert("asked", "127.0.0.1:7001"), NULL));
    close(m);
}

static void everybody_is_asked_and_all_adverts_answer(void) {
    static const char *const names[] = {"one", "two", "three"};
    int m = mouth("127.0.0.1"), seen = 0;
    char text[512];
    advertise_all(names, 3);
    shout(m, question("", m));
    double start = check_now();
    while (seen != 7 && udp_hear(m, text, NULL, LIMIT))
        for (int i = 0; i < 3; i++)
            if (strcmp(text, advert(names[i], "127.0.0.1:7001")) == 0) seen |= 1 << i;
    CHECK(seen == 7 && check_now() - start < AT_ONCE);
    close(m);
}

/* how long the answer to a question takes */
static double time_to_answer(int m, const char *name) {
    double start = check_now();
    shout(m, question(name, m));
    CHECK(hears(m, advert("marker", MARKER), NULL));
    return check_now() - start;
}

/* All who have something would answer at the same moment, and some answers be lost: so they wait for a while, and not
 * all of them the same. Who is asked by name is the only one. */
static void everybody_answers_after_a_random_while_and_one_at_once(void) {
    int m = mouth("127.0.0.1"), at_once = 0;
    double shortest = LIMIT, longest = 0;
    set_marker();
    for (int i = 0; i < 20; i++) {
        if (time_to_answer(m, "marker") < 0.01 * slowness()) at_once++;
        double took = time_to_answer(m, "");
        if (took < shortest) shortest = took;
        if (took > longest) longest = took;
    }
    CHECK(at_once > 10);
    CHECK(longest > 0.01 && longest - shortest > 0.01);
    close(m);
}

/* whoever asks in the name of another one must not be able to have him flooded */
static void answer_goes_to_the_asker_whatever_he_says(void) {
    int m = mouth("127.0.0.1"), victim = mouth("127.0.0.1");
    char text[512];
    set_marker();
    shout(m, question_from("marker", address_of(victim)));
    CHECK(hears(m, advert("marker", MARKER), NULL));
    shout(m, question_from("", address_of(victim)));
    CHECK(hears(m, advert("marker", MARKER), NULL));
    CHECK(!udp_hear(victim, text, NULL, 0));
    close(m);
    close(victim);
}

static void question_about_others_is_not_answered(void) {
    static const char *const others[] = {"ours/nam",   "ours/",     "ours/name2",
                                         "ours/name/", "Ours/name", "other"};
    int m = mouth("127.0.0.1");
    char text[512] = "";
    set_marker();
    CHECK(nw0_advertise("ours/name", "7001", NULL) == 0);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) shout(m, question(others[i], m));
    shout(m, advert_for("?ours/name", address_of(m), TTL)); /* a question has no ttl */
    shout(m, question("marker", m));
    CHECK(udp_hear(m, text, NULL, LIMIT) && strcmp(text, advert("marker", MARKER)) == 0);
    close(m);
}

/* asks without end for some seconds, and counts the answers */
static int answers_in(double seconds, int m, const struct sockaddr_in *to) {
    int answers = 0;
    char text[512];
    double end = check_now() + seconds;
    while (check_now() < end) {
        for (int i = 0; i < 40; i++) {
            if (i % 2) say(m, question("asked", m), to);
            else shout(m, question("asked", m));
        }
        while (udp_hear(m, text, NULL, 0.002)) answers++;
    }
    return answers;
}

static void answers_are_at_most_a_thousand_a_second(void) {
    int e = ear(), m = mouth("127.0.0.1");
    CHECK(nw0_advertise("asked", "127.0.0.1:7001", NULL) == 0);
    struct sockaddr_in its_mouth = mouth_of(e, "asked", "127.0.0.1:7001");
    close(e);
    double start = check_now();
    int answers = answers_in(2.5, m, &its_mouth);
    CHECK(answers <= 1000 * (check_now() - start + 1));
    CHECK(answers >= 200); /* it is a bound, not a silence */
    bool again = false;
    char text[512];
    for (start = check_now(); !again && check_now() < start + LIMIT;) {
        say(m, question("asked", m), &its_mouth);
        again = udp_hear(m, text, NULL, 0.2);
    }
    CHECK(again);
    close(m);
}

int main(int argc, char **argv) {
    discovery_begin(argc, argv);
    RUN_APART(answers_are_at_most_a_thousand_a_second);
    RUN_APART(everybody_answers_after_a_random_while_and_one_at_once);
    RUN_APART(question_is_answered_straight_to_the_asker);
    RUN_APART(question_from_another_host_of_the_network_is_answered);
    RUN_APART(everybody_is_asked_and_all_adverts_answer);
    RUN_APART(answer_goes_to_the_asker_whatever_he_says);
    RUN_APART(question_about_others_is_not_answered);
    return discovery_report("discovery/questions");
}
