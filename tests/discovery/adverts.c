/* adverts.c - advertise and unadvertise: what is held, what is said on the wire, what does not fit. */
#define NW0_IMPLEMENTATION /* NW0_MAX_SERVICES */
#include "nw0.h"

#include "discovery.h"
#include <math.h>

static void advertise_without_a_port_listens_at_once(void) {
    nw0_service s;
    CHECK(nw0_advertise("open", NULL, &s) == 0);
    int one = raw_connect(s.address), two = raw_connect(s.address);
    CHECK(one >= 0 && two >= 0);
    CHECK(listener("127.0.0.1", port_of(s.address)) < 0);
    close(one);
    close(two);
}

static void message_before_the_first_wait_is_queued(void) {
    nw0_service s;
    char message[16] = "";
    CHECK(nw0_advertise("open", "127.*", &s) == 0);
    int fd = raw_connect(s.address);
    CHECK(write(fd, "\0\0\0\4nw0?\0\0\0\5early", 17) == 17);
    CHECK(nw0_wait_for_message_from(s.address, message, sizeof message, LIMIT, false) == 5);
    CHECK(strcmp(message, "early") == 0);
    close(fd);
}

static void advertise_with_a_port_binds_nothing(void) {
    char address[NW0_ADDRESS_SIZE];
    nw0_service s;
    CHECK(nw0_address(NULL, address) == 0);
    CHECK(nw0_advertise("another program's", address, &s) == 0);
    int other = listener("127.0.0.1", port_of(address));
    CHECK(other >= 0);
    close(other);
}

static void advertise_tells_what_it_advertised(void) {
    static const struct {
        const char *given, *start;
    } forms[] = {
        {NULL, "127.0.0.1:"},        {"", "127.0.0.1:"},
        {"7001", "127.0.0.1:7001"},  {"127.0.0.1:7002", "127.0.0.1:7002"},
        {"127.*", "127.0.0.1:"},     {"127.*:7003", "127.0.0.1:7003"},
        {"localhost", "127.0.0.1:"}, {"127.0.0.5:7004", "127.0.0.5:7004"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        nw0_service s;
        memset(&s, 'x', sizeof s);
        CHECK(nw0_advertise("form", forms[i].given, &s) == 0);
        CHECK(strcmp(s.name, "form") == 0 && starts(s.address, forms[i].start));
        CHECK(port_of(s.address) > 0 && known_at("form", s.address));
    }
    CHECK(nw0_advertise("form", NULL, NULL) == 0);
}

static void advertise_again_replaces(void) {
    int e = ear();
    CHECK(nw0_advertise("twice", "127.0.0.1:7001", NULL) == 0);
    CHECK(hears(e, advert("twice", "127.0.0.1:7001"), NULL));
    CHECK(nw0_advertise("twice", "127.0.0.1:7002", NULL) == 0);
    CHECK(hears(e, advert("twice", "127.0.0.1:7002"), NULL));
    CHECK(known_at("twice", "127.0.0.1:7002") && count_known() == 1);

    CHECK(nw0_unadvertise("twice") == 0); /* once is enough */
    char text[512];
    while (udp_hear(e, text, NULL, LIMIT) && strcmp(text, goodbye("twice", "127.0.0.1:7002")) != 0)
        CHECK(strcmp(text, advert("twice", "127.0.0.1:7001")) != 0);
    CHECK(count_known() == 0);
    close(e);
}

static void names_reach_other_processes_unchanged(void) {
    static const char *const names[] = {"a",
                                        "chat/alice",
                                        "a b",
                                        "k\xc3\xb6ln",
                                        "\xe2\x98\x83",
                                        "\xf0\x9f\x98\x80 smiles",
                                        "q\"uote",
                                        "back\\slash",
                                        "tab\tline\n",
                                        "\x01\x1f\x7f",
                                        "semi?colon;[],",
                                        "\xf4\x8f\xbf\xbf"};
    struct puppet p = puppet();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        nw0_service s;
        CHECK(tell(&p, ADVERTISE, names[i], "127.0.0.1:7001").result == 0);
        CHECK(nw0_discover(names[i], LIMIT, &s) == 0);
        CHECK(is(&s, names[i], "127.0.0.1:7001"));
    }
    dismiss(&p);
}

static void names_that_are_none_are_refused(void) {
    static const char *const names[] = {"",
                                        "?",
                                        "?chat",
                                        "\xff",
                                        "a\x80",
                                        "\xc3",
                                        "\xc0\x80",
                                        "\xe0\x80\xaf",
                                        "\xed\xa0\x80",
                                        "\xe2\x98",
                                        "\xf4\x90\x80\x80",
                                        "\xf8\x88\x80\x80\x80"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        CHECK_FAILS(nw0_advertise(names[i], NULL, NULL), EINVAL);
    CHECK_FAILS(nw0_advertise(NULL, NULL, NULL), EINVAL);
    CHECK(count_known() == 0);
}

/* An advert is at most 256 bytes: 4 quotes, 2 brackets, 2 commas, 21 for the longest address and 2 for the ttl leave
 * 225 for the name as JSON writes it; and the name itself, with its NUL, has NW0_NAME_SIZE. */
static void longest_names_are_exact(void) {
    static const struct {
        const char *character;
        int most;
    } limits[] = {{"a", 199}, {"\"", 112}, {"\\", 112}, {"\x01", 37}};
    char name[300];
    struct puppet p = puppet();
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        name_of(name, limits[i].character, limits[i].most);
        CHECK(tell(&p, ADVERTISE, name, "127.0.0.1:7001").result == 0);
        CHECK(nw0_discover(name, LIMIT, NULL) == 0);
        name_of(name, limits[i].character, limits[i].most + 1);
        CHECK_FAILS(nw0_advertise(name, "127.0.0.1:7001", NULL), ENAMETOOLONG);
    }
    dismiss(&p);
}

/* A ttl with a fraction makes an advert longer: what does not fit is refused, and what is accepted is sent. */
static void longest_names_make_room_for_the_ttl(void) {
    char name[256], escaped[256], wanted[512];
    int e = ear();
    name_of(name, "\"", 112);
    CHECK_FAILS(nw0_advertise_ex(name, "127.100.100.100:54321", false, 5.123, NULL), ENAMETOOLONG);
    name_of(name, "\"", 111);
    name_of(escaped, "\\\"", 111);
    CHECK(nw0_advertise_ex(name, "127.100.100.100:54321", false, 5.123, NULL) == 0);
    snprintf(wanted, sizeof wanted, "[\"%s\",\"127.100.100.100:54321\",5.123]", escaped);
    CHECK(strlen(wanted) == 256 && hears(e, wanted, NULL));
    close(e);
}

static void ttl_must_be_a_time(void) {
    const double wrong[] = {0, -1, -0.001, NAN, -INFINITY};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CHECK_FAILS(nw0_advertise_ex("x", "7001", false, wrong[i], NULL), EINVAL);
    CHECK(count_known() == 0);
}

static void ttl_is_on_the_wire(void) {
    int e = ear();
    CHECK(nw0_advertise_ex("minute", "127.0.0.1:7001", false, 60, NULL) == 0);
    CHECK(hears(e, advert_for("minute", "127.0.0.1:7001", 60), NULL));
    close(e);
}

/* others may compute with it, and NetworkZero does not forget before it is over */
static void own_ttl_is_bounded(void) {
    static const char start[] = "[\"eternal\",\"127.0.0.1:7001\",";
    const double eternities[] = {1e300, 1e18, INFINITY};
    int e = ear();
    for (size_t i = 0; i < sizeof eternities / sizeof eternities[0]; i++) {
        char text[512] = "", *end = text;
        double ttl = 0;
        CHECK(nw0_advertise_ex("eternal", "7001", false, eternities[i], NULL) == 0);
        while (!starts(text, start) && udp_hear(e, text, NULL, LIMIT)) continue;
        if (starts(text, start)) ttl = strtod(text + strlen(start), &end);
        CHECK(ttl > TTL && ttl <= 31536000 && strcmp(end, "]") == 0);
        CHECK(nw0_unadvertise("eternal") == 0);
        CHECK(hears(e, goodbye("eternal", "127.0.0.1:7001"), NULL));
    }
    close(e);
}

static void own_services_are_limited_too(void) {
    char name[32];
    for (int i = 0; i < NW0_MAX_SERVICES; i++) {
        snprintf(name, sizeof name, "own/%d", i);
        CHECK(nw0_advertise(name, "7001", NULL) == 0);
    }
    CHECK_FAILS(nw0_advertise("one more", "7001", NULL), ENOBUFS);
    CHECK(count_known() == NW0_MAX_SERVICES);
    CHECK(nw0_advertise("own/7", "7002", NULL) == 0 && known_at("own/7", "127.0.0.1:7002"));
    CHECK(nw0_unadvertise("own/7") == 0);
    CHECK(nw0_advertise("one more", "7001", NULL) == 0 && known_at("one more", "127.0.0.1:7001"));
}

static void unadvertise_of_the_unknown_fails(void) {
    CHECK_FAILS(nw0_unadvertise("never advertised"), ENOENT);
    CHECK_FAILS(nw0_unadvertise(NULL), ENOENT);
    CHECK_FAILS(nw0_unadvertise("never advertised"), ENOENT);
    CHECK(strstr(nw0_error(), "never advertised") != NULL);
    CHECK(nw0_advertise("once", "7001", NULL) == 0);
    CHECK(nw0_unadvertise("once") == 0);
    CHECK(nw0_unadvertise("once") == -1);
    CHECK(nw0_discover("once", 0, NULL) == -1);
}

static void every_form_of_address_is_announced_as_it_is_reached(void) {
    static const struct {
        const char *given, *heard;
    } forms[] = {{"7001", "127.0.0.1:7001"},
                 {"127.*:7002", "127.0.0.1:7002"},
                 {"127.0.0.5:7003", "127.0.0.5:7003"},
                 {"localhost:7004", "127.0.0.1:7004"}};
    int e = ear();
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct sockaddr_in from;
        memset(&from, 0, sizeof from);
        CHECK(nw0_advertise("form", forms[i].given, NULL) == 0);
        CHECK(hears(e, advert("form", forms[i].heard), &from));
        CHECK(starts(address_text(&from), "127.0.0.1:") && ntohs(from.sin_port) != port);
    }
    close(e);
}

static void goodbyes_have_no_ttl(void) {
    int e = ear();
    CHECK(nw0_advertise("one", "127.0.0.1:7001", NULL) == 0);
    CHECK(nw0_advertise("two", "127.0.0.1:7002", NULL) == 0);
    CHECK(nw0_unadvertise("one") == 0);
    CHECK(hears(e, goodbye("one", "127.0.0.1:7001"), NULL));
    nw0_shutdown();
    CHECK(hears(e, goodbye("two", "127.0.0.1:7002"), NULL));
    close(e);
}

static void used_again_after_shutdown(void) {
    int e = ear();
    for (int i = 0; i < 3; i++) {
        CHECK(nw0_advertise("phoenix", "127.0.0.1:7001", NULL) == 0);
        CHECK(hears(e, advert("phoenix", "127.0.0.1:7001"), NULL));
        nw0_shutdown();
        CHECK(hears(e, goodbye("phoenix", "127.0.0.1:7001"), NULL));
        CHECK(nw0_discover("phoenix", 0, NULL) == -1);
        nw0_shutdown();
        nw0_shutdown(); /* twice does no harm */
    }
    close(e);
}

int main(int argc, char **argv) {
    discovery_begin(argc, argv);
    RUN_APART(advertise_without_a_port_listens_at_once);
    RUN_APART(message_before_the_first_wait_is_queued);
    RUN_APART(advertise_with_a_port_binds_nothing);
    RUN_APART(advertise_tells_what_it_advertised);
    RUN_APART(advertise_again_replaces);
    RUN_APART(names_reach_other_processes_unchanged);
    RUN_APART(names_that_are_none_are_refused);
    RUN_APART(longest_names_are_exact);
    RUN_APART(longest_names_make_room_for_the_ttl);
    RUN_APART(ttl_must_be_a_time);
    RUN_APART(ttl_is_on_the_wire);
    RUN_APART(own_ttl_is_bounded);
    RUN_APART(own_services_are_limited_too);
    RUN_APART(unadvertise_of_the_unknown_fails);
    RUN_APART(used_again_after_shutdown);
    RUN_APART(every_form_of_address_is_announced_as_it_is_reached);
    RUN_APART(goodbyes_have_no_ttl);
    return discovery_report("discovery/adverts");
}
