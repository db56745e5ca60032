/* hostile.c - hostile datagrams: malformed ones, goodbyes for others, a flood. */
#include "nw0.h"

#include "discovery.h"

#define AT ",\"127.0.0.1:7000\","
#define BYTES(text)                                                                                \
    { text, sizeof(text) - 1 }

static void malformed_datagrams_are_dropped(void) {
    /* clang-format off */
    static const struct { const char *bytes; size_t size; } cases[] = {
        /* not an array of three */
        BYTES(""), BYTES("["), BYTES("]"), BYTES("[]"), BYTES("null"), BYTES("20"), BYTES("\"x\""), BYTES("[\"x\"]"),
        BYTES("[\"x\",\"127.0.0.1:7000\"]"), BYTES("[\"x\"" AT "]"), BYTES("[\"x\"" AT "20,20]"), BYTES("[\"x\"" AT "20,]"),
        BYTES("[,\"127.0.0.1:7000\",20]"), BYTES("[\"x\",,20]"), BYTES("[\"x\"" AT "20"), BYTES("[\"x\"" AT), BYTES("[\"x"),
        BYTES("{\"x\":\"127.0.0.1:7000\",\"ttl\":20}"), BYTES("[[\"x\"" AT "20]]"), BYTES("(\"x\"" AT "20)"),
        BYTES("[\"x\";\"127.0.0.1:7000\";20]"), BYTES("[\"x\" \"127.0.0.1:7000\" 20]"), BYTES("[\"x\",\"127.0.0.1:7000\"20]"),
        /* not two strings */
        BYTES("[1" AT "20]"), BYTES("[null" AT "20]"), BYTES("[true" AT "20]"), BYTES("[[\"x\"]" AT "20]"), BYTES("[x" AT "20]"),
        BYTES("['x'" AT "20]"), BYTES("[\"x\",7000,20]"), BYTES("[\"x\",null,20]"), BYTES("[\"x\",[\"127.0.0.1:7000\"],20]"),
        BYTES("[\"x\",{},20]"),
        /* something after or before the end */
        BYTES("[\"x\"" AT "20]x"), BYTES("[\"x\"" AT "20]]"), BYTES("[\"x\"" AT "20]\0"), BYTES("[\"x\"" AT "20][]"),
        BYTES("x[\"x\"" AT "20]"), BYTES("\xef\xbb\xbf[\"x\"" AT "20]"), BYTES("\0[\"x\"" AT "20]"), BYTES("[\"x\"" AT "20],"),
        BYTES("[\"x\"" AT "20]\v"), BYTES("\f[\"x\"" AT "20]"), BYTES("[\"x\"" AT "\xc2\xa0" "20]"),
        /* a ttl that is none */
        BYTES("[\"x\"" AT "\"20\"]"), BYTES("[\"x\"" AT "-1]"), BYTES("[\"x\"" AT "-20]"), BYTES("[\"x\"" AT "NaN]"),
        BYTES("[\"x\"" AT "nan]"), BYTES("[\"x\"" AT "Infinity]"), BYTES("[\"x\"" AT "inf]"), BYTES("[\"x\"" AT "true]"),
        BYTES("[\"x\"" AT "null]"), BYTES("[\"x\"" AT "[20]]"), BYTES("[\"x\"" AT "{}]"), BYTES("[\"x\"" AT "020]"),
        BYTES("[\"x\"" AT "+20]"), BYTES("[\"x\"" AT ".5]"), BYTES("[\"x\"" AT "5.]"), BYTES("[\"x\"" AT "2e]"),
        BYTES("[\"x\"" AT "2e+]"), BYTES("[\"x\"" AT "0x14]"), BYTES("[\"x\"" AT "--20]"), BYTES("[\"x\"" AT "-]"),
        BYTES("[\"x\"" AT "2 0]"), BYTES("[\"x\"" AT "20s]"), BYTES("[\"x\"" AT "1_0]"),
        /* not UTF-8 */
        BYTES("[\"\xff\"" AT "20]"), BYTES("[\"x\x80\"" AT "20]"), BYTES("[\"\xc3\"" AT "20]"), BYTES("[\"\xe2\x98\"" AT "20]"),
        BYTES("[\"\xf0\x9f\x98\"" AT "20]"), BYTES("[\"\xc0\xaf\"" AT "20]"), BYTES("[\"\xc1\xbf\"" AT "20]"),
        BYTES("[\"\xe0\x80\xaf\"" AT "20]"), BYTES("[\"\xf0\x80\x80\xaf\"" AT "20]"), BYTES("[\"\xed\xa0\x80\"" AT "20]"),
        BYTES("[\"\xed\xa0\xbd\xed\xb8\x80\"" AT "20]"), BYTES("[\"\xf4\x90\x80\x80\"" AT "20]"), BYTES("[\"\xf5\x80\x80\x80\"" AT "20]"),
        BYTES("[\"x\xe2\x98"), BYTES("[\"\xe2\x28\xa1\"" AT "20]"),
        /* escapes that mean nothing */
        BYTES("[\"\\ud800\"" AT "20]"), BYTES("[\"\\udc00\"" AT "20]"), BYTES("[\"\\ud800x\"" AT "20]"), BYTES("[\"\\ud800\\n\"" AT "20]"),
        BYTES("[\"\\ud800\\u0041\"" AT "20]"), BYTES("[\"\\ud800\\ud800\"" AT "20]"), BYTES("[\"\\ude00\\ud83d\"" AT "20]"),
        BYTES("[\"\\u0000\"" AT "20]"), BYTES("[\"x\\u0000y\"" AT "20]"), BYTES("[\"\\u12\"" AT "20]"), BYTES("[\"\\u12g4\"" AT "20]"),
        BYTES("[\"\\u+123\"" AT "20]"), BYTES("[\"\\u 123\"" AT "20]"), BYTES("[\"\\x41\"" AT "20]"), BYTES("[\"\\'\"" AT "20]"),
        BYTES("[\"\\U00000041\"" AT "20]"), BYTES("[\"\\"), BYTES("[\"\\u00"), BYTES("[\"\\ud83d\\u"),
        /* bare control characters */
        BYTES("[\"x\ny\"" AT "20]"), BYTES("[\"x\ty\"" AT "20]"), BYTES("[\"x\0y\"" AT "20]"), BYTES("[\"\x1f\"" AT "20]"),
        /* names that are none */
        BYTES("[\"\"" AT "20]"), BYTES("[\"?\"" AT "20]"), BYTES("[\"?x\"" AT "20]"), BYTES("[\"\\u003fx\"" AT "20]"),
        /* addresses that are none */
        BYTES("[\"x\",\"\",20]"), BYTES("[\"x\",\"127.0.0.1\",20]"), BYTES("[\"x\",\"127.0.0.1:\",20]"), BYTES("[\"x\",\":7000\",20]"),
        BYTES("[\"x\",\"7000\",20]"), BYTES("[\"x\",\"127.0.0.1:0\",20]"), BYTES("[\"x\",\"127.0.0.1:65536\",20]"),
        BYTES("[\"x\",\"127.0.0.1:4294968296\",20]"), BYTES("[\"x\",\"127.0.0.1:-1\",20]"), BYTES("[\"x\",\"127.0.0.1:+70\",20]"),
        BYTES("[\"x\",\"127.0.0.1:07000\",20]"), BYTES("[\"x\",\"127.0.0.01:7000\",20]"), BYTES("[\"x\",\"127.0.0.256:7000\",20]"),
        BYTES("[\"x\",\"127.0.0:7000\",20]"), BYTES("[\"x\",\"127.0.0.1.1:7000\",20]"), BYTES("[\"x\",\"127.0.0.*:7000\",20]"),
        BYTES("[\"x\",\"127.0.0.1:7000x\",20]"), BYTES("[\"x\",\" 127.0.0.1:7000\",20]"), BYTES("[\"x\",\"127.0.0.1:7000 \",20]"),
        BYTES("[\"x\",\"127.0.0.1:7000:7000\",20]"), BYTES("[\"x\",\"localhost:7000\",20]"), BYTES("[\"x\",\"[::1]:7000\",20]"),
        BYTES("[\"x\",\"0.0.0.0:7000\",20]"), BYTES("[\"x\",\"224.0.0.1:7000\",20]"), BYTES("[\"x\",\"239.1.2.3:7000\",20]"),
        BYTES("[\"x\",\"255.255.255.255:7000\",20]"),
        BYTES("[\"x\",\"127..0.1:7000\",20]"), BYTES("[\"x\",\"0x7f.0.0.1:7000\",20]"), BYTES("[\"x\",\"127.0.0.1:7000\\u0000\",20]"),
    }; /* clang-format on */
    int m = mouth("127.0.0.1");
    set_marker();
    CHECK(count_known() == 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        udp_shout(m, cases[i].bytes, cases[i].size);
        settle(m);
        if (count_known() != 1)
            printf("    was believed: %.*s\n", (int)cases[i].size, cases[i].bytes);
        CHECK(count_known() == 1);
    }
    close(m);
}

static void goodbye_of_a_stranger_does_not_count(void) {
    NEEDS("127.0.0.2");
    int m = mouth("127.0.0.1"), neighbour = mouth("127.0.0.1"), stranger = mouth("127.0.0.2"),
        python = networkzero();
    set_marker();
    shout(m, advert("x", "127.0.0.1:7001"));
    settle(m);
    CHECK(known_at("x", "127.0.0.1:7001"));
    const int others[] = {neighbour, stranger, python};
    for (int i = 0; i < 3; i++) {
        shout(others[i], goodbye("x", "127.0.0.1:7001"));
        shout(others[i], goodbye("marker", MARKER));
        settle(others[i]);
        CHECK(known_at("x", "127.0.0.1:7001") && known_at("marker", MARKER));
        close(others[i]);
    }
    shout(m, goodbye("x", "127.0.0.1:7001"));
    settle(m);
    CHECK(!known_at("x", "127.0.0.1:7001"));
    close(m);
}

static void flood(const char *ip, int count) {
    char name[32];
    int m = mouth(ip);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "flood/%d", i);
        shout(m, advert(name, "127.0.0.2:7000"));
        if (i % 50 == 49) settle(m);
    }
    close(m);
}

static void flood_of_one_sender_harms_nobody(void) {
    NEEDS("127.0.0.2");
    NEEDS("127.0.0.3");
    struct puppet p = puppet();
    int python = networkzero(), newcomer = mouth("127.0.0.3");
    char name[32];
    set_marker();
    CHECK(tell(&p, ADVERTISE, "known/puppet", "127.0.0.1:7001").result == 0);
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "known/%d", i);
        shout(python, advert_for(name, "127.0.0.1:7002", 600));
        CHECK(nw0_discover(name, LIMIT, NULL) == 0);
    }
    CHECK(nw0_discover("known/puppet", LIMIT, NULL) == 0);
    flood("127.0.0.2", 5000);
    int count = count_known();
    CHECK(count > 12 && count <= 1024);
    CHECK(nw0_discover_group("known", NULL, NULL, NULL, 0) == 11 && known_at("marker", MARKER));
    shout(newcomer, advert("new", "127.0.0.3:7003"));
    settle(newcomer);
    CHECK(known_at("new", "127.0.0.3:7003"));
    CHECK(tell(&p, ADVERTISE, "new/puppet", "127.0.0.1:7004").result == 0);
    CHECK(nw0_discover("new/puppet", LIMIT, NULL) == 0);
    CHECK(nw0_advertise("new/ours", "127.0.0.1:7005", NULL) == 0 &&
          known_at("new/ours", "127.0.0.1:7005"));
    close(newcomer);
    close(python);
    dismiss(&p);
}

int main(int argc, char **argv) {
    discovery_begin(argc, argv);
    RUN_APART(malformed_datagrams_are_dropped);
    RUN_APART(goodbye_of_a_stranger_does_not_count);
    RUN_APART(flood_of_one_sender_harms_nobody);
    return discovery_report("discovery/hostile");
}
