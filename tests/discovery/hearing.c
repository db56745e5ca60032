/* hearing.c - the datagrams of others: what is an advert, and what is a goodbye. */
#include "nw0.h"

#include "discovery.h"

static void well_formed_adverts_are_heard(void) {
    static const struct {
        const char *name, *datagram;
    } cases[] = {
        {"plain", "[\"plain\",\"127.0.0.1:7000\",20]"},
        {"spaces", " \t\r\n[ \"spaces\"\n,\t\"127.0.0.1:7000\" , 20\r] \n"},
        {"python", "[\"python\", \"127.0.0.1:7000\", 20]"},
        {"escape A", "[\"escape\\u0020\\u0041\",\"127.0.0.1:7000\",20]"},
        {"\xc3\xa9t\xc3\xa9", "[\"\\u00e9t\\u00E9\",\"127.0.0.1:7000\",20]"},
        {"\xe2\x98\x83", "[\"\\u2603\",\"127.0.0.1:7000\",20]"},
        {"\xf0\x9f\x98\x80", "[\"\\ud83d\\uDE00\",\"127.0.0.1:7000\",20]"},
        {"\xf4\x8f\xbf\xbf", "[\"\\udbff\\udfff\",\"127.0.0.1:7000\",20]"},
        {"k\xc3\xb6ln \xe2\x98\x83 \xf0\x9f\x98\x80",
         "[\"k\xc3\xb6ln \xe2\x98\x83 \xf0\x9f\x98\x80\",\"127.0.0.1:7000\",20]"},
        {"q\"b\\s/", "[\"q\\\"b\\\\s\\/\",\"127.0.0.1:7000\",20]"},
        {"\b\f\n\r\t", "[\"\\b\\f\\n\\r\\t\",\"127.0.0.1:7000\",20]"},
        {"\x01", "[\"\\u0001\",\"127.0.0.1:7000\",20]"},
        {"\x7f", "[\"\x7f\",\"127.0.0.1:7000\",20]"},
        {"a,b]\"", "[\"a,b]\\\"\",\"127.0.0.1:7000\",20]"},
        {"why?", "[\"why?\",\"127.0.0.1:7000\",20]"},
        {"fraction", "[\"fraction\",\"127.0.0.1:7000\",20.5]"},
        {"exponent", "[\"exponent\",\"127.0.0.1:7000\",2e1]"},
        {"exponent+", "[\"exponent+\",\"127.0.0.1:7000\",0.2E+2]"},
        {"exponent-", "[\"exponent-\",\"127.0.0.1:7000\",2000e-2]"},
        {"a year", "[\"a year\",\"127.0.0.1:7000\",31536000]"},
        {"for ever", "[\"for ever\",\"127.0.0.1:7000\",1e999]"},
        {"escaped address", "[\"escaped address\",\"127\\u002e0.0.1\\u003a7000\",20]"},
    };
    int m = networkzero();
    set_marker();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) shout(m, cases[i].datagram);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        nw0_service s;
        bool heard =
            nw0_discover(cases[i].name, LIMIT, &s) == 0 && is(&s, cases[i].name, "127.0.0.1:7000");
        if (!heard) printf("    was not heard: %s\n", cases[i].datagram);
        CHECK(heard);
    }
    CHECK(count_known() == 1 + (int)(sizeof cases / sizeof cases[0]));
    close(m);
}

/* an advert of exactly so many bytes, with blanks at its end */
static void shout_padded(int m, const char *name, size_t size) {
    char datagram[2000];
    memset(datagram, ' ', sizeof datagram);
    const char *text = advert(name, "127.0.0.1:7000");
    memcpy(datagram, text, strlen(text));
    udp_shout(m, datagram, size);
    settle(m);
}

static void adverts_have_at_most_256_bytes(void) {
    int m = networkzero();
    set_marker();
    shout_padded(m, "255", 255);
    shout_padded(m, "256", 256);
    CHECK(known_at("255", "127.0.0.1:7000") && known_at("256", "127.0.0.1:7000"));
    shout_padded(m, "257", 257);
    shout_padded(m, "300", 300);
    shout_padded(m, "1400", 1400);
    CHECK(count_known() == 3);
    close(m);
}

static void long_names_are_dropped_and_never_cut(void) {
    char name[256], longer[256], escaped[300];
    int m = networkzero();
    set_marker();
    name_of(name, "n", NW0_NAME_SIZE - 1);
    name_of(longer, "n", NW0_NAME_SIZE);
    shout(m, advert(longer, "127.0.0.1:7001"));
    settle(m);
    CHECK(count_known() == 1);
    shout(m, advert(name, "127.0.0.1:7002"));
    settle(m);
    CHECK(known_at(name, "127.0.0.1:7002") && count_known() == 2);
    name_of(name, "\xc3\xa9", 99); /* two bytes each, whatever they took in the datagram */
    name_of(escaped, "\xc3\xa9", 98);
    strcat(escaped, "\\u00e9");
    shout(m, advert(escaped, "127.0.0.1:7003"));
    settle(m);
    CHECK(known_at(name, "127.0.0.1:7003") && count_known() == 3);
    close(m);
}

static void networkzero_programs_say_goodbye(void) {
    int m = networkzero();
    start_listening();
    shout(m, advert("python", "127.0.0.1:7001"));
    CHECK(joins(NULL, "python", "127.0.0.1:7001"));
    shout(m, goodbye("python", "127.0.0.1:7001"));
    CHECK(leaves(NULL, "python", "127.0.0.1:7001"));
    close(m);
}

/* The same of what was said straight to the mouth of a program that advertises the marker. */
static void settle_straight(int s, const struct sockaddr_in *its_mouth) {
    say(s, question("marker", s), its_mouth);
    CHECK(hears(s, advert("marker", MARKER), NULL));
}

/* An answer waits in the mouth, and the goodbye that was said after it in the ear: whichever is read first, nobody is
 * there afterwards who has left. */
static void goodbye_is_not_overtaken_by_an_answer_before_it(void) {
    int e = ear(), m = mouth("127.0.0.1");
    struct puppet p = puppet();
    CHECK(tell(&p, ADVERTISE, "marker", MARKER).result == 0);
    struct sockaddr_in its_mouth = mouth_of(e, "marker", MARKER);
    say(m, advert("ghost/0", "127.0.0.1:7001"), &its_mouth); /* what is said there is believed */
    settle_straight(m, &its_mouth);
    CHECK(tell(&p, LIST, "ghost/", "").result == 1);
    for (int i = 1; i <= 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "ghost/%d", i);
        child_stop(p.pid);
        say(m, advert(name, "127.0.0.1:7001"), &its_mouth);
        shout(m, goodbye(name, "127.0.0.1:7001"));
        kill(p.pid, SIGCONT);
        settle(m);
        settle_straight(m, &its_mouth);
        CHECK(tell(&p, LIST, name, "").result == 0);
    }
    dismiss(&p);
    close(m);
    close(e);
}

int main(int argc, char **argv) {
    discovery_begin(argc, argv);
    RUN_APART(well_formed_adverts_are_heard);
    RUN_APART(adverts_have_at_most_256_bytes);
    RUN_APART(long_names_are_dropped_and_never_cut);
    RUN_APART(networkzero_programs_say_goodbye);
    RUN_APART(goodbye_is_not_overtaken_by_an_answer_before_it);
    return discovery_report("discovery/hearing");
}
