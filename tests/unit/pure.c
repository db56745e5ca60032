/* pure.c - the pure parts: functions of (buffer, length) that touch no socket. Inputs end at a page
 * that cannot be read, so that one byte too far crashes. */
#define NW0_IMPLEMENTATION
#include "nw0.h"

#include "edge.h"

static bool parses(const char *text, nw0__advert *advert) {
    return nw0__parse_advert(at_the_edge(text, strlen(text)), strlen(text), advert);
}

static void an_advert_is_written_as_it_is_read(void) {
    static const char *const names[] = {"a",         "chat/alice",        "\"quoted\" \\",
                                        "tab\there", "\xC3\xA9t\xC3\xA9", "\xF0\x9F\x98\x80",
                                        "\x7F"};
    nw0__advert advert;
    char out[NW0__DATAGRAM + 1];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CHECK(nw0__write_advert(names[i], nw0__make_addr(0xC0A80105, 50123), 20, out) == strlen(out));
        CHECK(parses(out, &advert));
        CHECK(strcmp(advert.name, names[i]) == 0);
        CHECK(advert.addr.ip == 0xC0A80105 && advert.addr.port == 50123);
        CHECK(advert.ttl > 19.999 && advert.ttl < 20.001);
    }
}

static void the_bytes_of_an_advert(void) {
    char out[NW0__DATAGRAM + 1];
    nw0__write_advert("chat/alice", nw0__make_addr(0xC0A80105, 50123), 20, out);
    CHECK(strcmp(out, "[\"chat/alice\",\"192.168.1.5:50123\",20]") == 0);
    nw0__write_advert("chat/alice", nw0__make_addr(0xC0A80105, 50123), 0, out);
    CHECK(strcmp(out, "[\"chat/alice\",\"192.168.1.5:50123\",0]") == 0);
    nw0__write_advert("x\n", nw0__make_addr(0x7F000001, 1), 2.5, out);
    CHECK(strcmp(out, "[\"x\\u000a\",\"127.0.0.1:1\",2.500]") == 0);
}

static void an_advert_cut_anywhere_is_none(void) {
    static const char text[] = "[ \"a\\u00e9\\ud83d\\ude00\" , \"1.2.3.4:5\" , 1.5e1 ]";
    nw0__advert advert;
    CHECK(parses(text, &advert) && strcmp(advert.name, "a\xC3\xA9\xF0\x9F\x98\x80") == 0);
    for (size_t n = 0; n < strlen(text); n++)
        CHECK(!nw0__parse_advert(at_the_edge(text, n), n, &advert));
}

static void the_longest_name_fits(void) {
    char name[NW0_NAME_SIZE + 1], out[NW0__DATAGRAM + 1];
    memset(name, 'n', NW0_NAME_SIZE);
    name[NW0_NAME_SIZE] = '\0';
    CHECK_FAILS(nw0__check_name(name, 20), ENAMETOOLONG);
    name[NW0_NAME_SIZE - 1] = '\0';
    CHECK(nw0__check_name(name, 20) == 0);
    CHECK(nw0__write_advert(name, nw0__make_addr(0xFFFFFFFF, 65535), NW0__TTL_MAX - 0.001, out) <=
          NW0__DATAGRAM);
    memset(name, '"', 100); /* each is two bytes in JSON */
    CHECK_FAILS(nw0__check_name(name, 20), ENAMETOOLONG);
}

/* With the longest address and ttl 20 there are 227 bytes for the quoted name: one more is too many. */
static void a_name_is_too_long_when_its_advert_is(void) {
    char name[NW0_NAME_SIZE], out[NW0__DATAGRAM + 1];
    for (size_t quotes = 20; quotes < 40; quotes++) {
        memset(name, 'n', NW0_NAME_SIZE - 1);
        memset(name, '"', quotes);
        name[NW0_NAME_SIZE - 1] = '\0';
        size_t quoted = 2 + quotes + NW0_NAME_SIZE - 1;
        CHECK((nw0__check_name(name, 20) == 0) == (quoted <= 227));
        CHECK((nw0__write_advert(name, nw0__make_addr(0xFFFFFFFF, 65535), 20, out) == quoted + 29) ==
              (quoted <= 227));
    }
}

/* What is accepted is sent: a ttl with a fraction takes more room than a long one without. */
static void a_name_that_is_accepted_is_written_with_every_ttl(void) {
    static const double ttls[] = {0.001, 0.5,  1,  5.123,   9.9994,      9.9996,
                                  10,    10.5, 20, 3600.25, NW0__TTL_MAX};
    char name[NW0_NAME_SIZE], out[NW0__DATAGRAM + 1];
    for (size_t i = 0; i < sizeof ttls / sizeof *ttls; i++)
        for (size_t quotes = 100; quotes < 120; quotes++) {
            memset(name, '"', quotes);
            name[quotes] = '\0';
            if (nw0__check_name(name, ttls[i]) == 0)
                CHECK(nw0__write_advert(name, nw0__make_addr(0xFFFFFFFF, 65535), ttls[i], out) > 0);
        }
    memset(name, '"', 112); /* 226 bytes in quotes, and 32 more: two too many */
    name[112] = '\0';
    CHECK_FAILS(nw0__check_name(name, 5.123), ENAMETOOLONG);
    name[111] = '\0';
    CHECK(nw0__check_name(name, 5.123) == 0);
}

static void ttl_is_bounded(void) {
    nw0__advert advert;
    CHECK(parses("[\"a\",\"1.2.3.4:5\",1e300]", &advert) && advert.ttl <= NW0__TTL_MAX);
    CHECK(parses("[\"a\",\"1.2.3.4:5\",0.0]", &advert) && !(advert.ttl > 0));
    CHECK(!parses("[\"a\",\"1.2.3.4:5\",-1]", &advert));
    CHECK(!parses("[\"a\",\"1.2.3.4:5\",01]", &advert));
    CHECK(!parses("[\"a\",\"1.2.3.4:5\",1.]", &advert));
    CHECK(!parses("[\"a\",\"1.2.3.4:5\",null]", &advert));
}

static void utf8_is_what_the_standard_says(void) {
    static const char *const good[] = {"",
                                       "a",
                                       "\xC2\x80",
                                       "\xDF\xBF",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF"};
    static const char *const bad[] = {"\x80",
                                      "\xC1\xBF",
                                      "\xC2",
                                      "\xE0\x9F\xBF",
                                      "\xED\xA0\x80",
                                      "\xE2\x82",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xFF",
                                      "a\xC2 "};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(nw0__utf8(at_the_edge(good[i], strlen(good[i])), strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!nw0__utf8(at_the_edge(bad[i], strlen(bad[i])), strlen(bad[i])));
}

static void a_length_has_four_bytes_and_the_first_is_0(void) {
    static const unsigned char good[] = {0, 0xFF, 0xFF, 0xFF}, bad[] = {1, 0, 0, 0};
    size_t size = 7;
    for (size_t n = 0; n < 4; n++)
        CHECK(nw0__check_length((unsigned char *)at_the_edge(good, n), n, &size) == 0);
    CHECK(nw0__check_length((unsigned char *)at_the_edge(good, 4), 4, &size) == 4 &&
          size == 16777215);
    CHECK(nw0__check_length((unsigned char *)at_the_edge(bad, 1), 1, &size) == -1);
}

static void an_introduction_is_wrong_from_the_first_wrong_byte_on(void) {
    for (int k = 0; k < 2; k++) {
        const char *right = k ? NW0__NEWS : NW0__QUESTIONS;
        char wrong[8], kind = 0;
        for (size_t n = 0; n < 8; n++) {
            CHECK(nw0__check_introduction((unsigned char *)at_the_edge(right, n), n, &kind) == 0);
            memcpy(wrong, right, 8);
            wrong[n] ^= 0x40;
            CHECK(nw0__check_introduction((unsigned char *)at_the_edge(wrong, n + 1), n + 1,
                                          &kind) == -1);
        }
        CHECK(nw0__check_introduction((unsigned char *)at_the_edge(right, 8), 8, &kind) == 8 &&
              kind == (k ? '!' : '?'));
    }
}

static void big_endian(void) {
    unsigned char bytes[4];
    nw0__put32(bytes, 0x010203);
    CHECK(memcmp(bytes, "\0\1\2\3", 4) == 0 && nw0__get32(bytes) == 0x010203);
}

static void places(void) {
    static const char *const bad[] = {"",
                                      ":",
                                      "1.2.3.4",
                                      "1.2.3.4:",
                                      "1.2.3.4:0",
                                      "1.2.3.4:65536",
                                      "1.2.3:4",
                                      "256.1.1.1:1",
                                      "1.2.3.4:05",
                                      "01.2.3.4:5",
                                      "1.2.3.4:5 ",
                                      " 1.2.3.4:5",
                                      "1.2.3.4.5:6",
                                      "a.b.c.d:1",
                                      "1.2.3.4:99999999999",
                                      "1..2.3:4",
                                      "224.0.0.1:80",
                                      "255.255.255.255:80"};
    nw0__addr place;
    char text[NW0_ADDRESS_SIZE];
    CHECK(nw0__parse_addr("223.255.255.255:65535", &place) && place.ip == 0xDFFFFFFF &&
          place.port == 65535);
    CHECK(strcmp(nw0__print_addr(nw0__make_addr(0xFFFFFFFF, 65535), text), "255.255.255.255:65535") == 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(!nw0__parse_addr(bad[i], &place));
}

static void patterns(void) {
    CHECK(nw0__matches("*", "") && nw0__matches("192.168.*", "192.168.1.5") &&
          nw0__matches("*.5", "192.168.1.5"));
    CHECK(nw0__matches("1*8*5", "192.168.1.5") && nw0__matches("a**b", "ab") &&
          nw0__matches("*a", "aaaa"));
    CHECK(!nw0__matches("192.168.*", "192.16.8.1") && !nw0__matches("", "a") &&
          !nw0__matches("a*b", "a") && !nw0__matches("*b", "ba"));
}

static void the_best_network_comes_first(void) {
    CHECK(nw0__rank(0x0A000001, 0x0A000001) < nw0__rank(0xC0A80001, 0x0A000001));
    CHECK(nw0__rank(0xC0A80001, 0) < nw0__rank(0xA9FE0001, 0));
    CHECK(nw0__rank(0xA9FE0001, 0) < nw0__rank(0x7F000001, 0));
}

static void groups(void) {
    CHECK(nw0__is_member("chat/alice", "chat", NULL) && nw0__is_member("chat:bob", "chat", ":") &&
          nw0__is_member("x", NULL, NULL));
    CHECK(!nw0__is_member("chat", "chat", NULL) && !nw0__is_member("chatter/x", "chat", NULL) &&
          !nw0__is_member("chat/bob", "chat", ":"));
}

int main(int argc, char **argv) {
    check_begin(argc, argv);
    RUN(an_advert_is_written_as_it_is_read);
    RUN(the_bytes_of_an_advert);
    RUN(an_advert_cut_anywhere_is_none);
    RUN(the_longest_name_fits);
    RUN(a_name_is_too_long_when_its_advert_is);
    RUN(a_name_that_is_accepted_is_written_with_every_ttl);
    RUN(ttl_is_bounded);
    RUN(utf8_is_what_the_standard_says);
    RUN(a_length_has_four_bytes_and_the_first_is_0);
    RUN(an_introduction_is_wrong_from_the_first_wrong_byte_on);
    RUN(big_endian);
    RUN(places);
    RUN(patterns);
    RUN(the_best_network_comes_first);
    RUN(groups);
    return check_report("unit/pure");
}
