/* addresses.c - the addresses that are given to advertise: what they mean, and which are none. */
#include "nw0.h"

#include "discovery.h"

static void address_of_nothing_is_ours_with_a_free_port(void) {
    const char *nothing[] = {NULL, ""};
    for (int i = 0; i < 2; i++) {
        char canonical[NW0_ADDRESS_SIZE] = "";
        CHECK(nw0_address(nothing[i], canonical) == 0);
        CHECK(starts(canonical, "127.0.0.1:"));
        int s = listener("127.0.0.1", port_of(canonical));
        CHECK(s >= 0);
        close(s);
    }
}

static void address_takes_every_form(void) {
    static const struct {
        const char *given, *canonical;
    } forms[] = {
        {"8080", "127.0.0.1:8080"},           {"1", "127.0.0.1:1"},
        {"65535", "127.0.0.1:65535"},         {"127.0.0.1:8080", "127.0.0.1:8080"},
        {"127.0.0.9:8080", "127.0.0.9:8080"}, {"192.168.101.105:65535", "192.168.101.105:65535"},
        {"127.*:8080", "127.0.0.1:8080"},     {"127.0.0.*:8080", "127.0.0.1:8080"},
        {"localhost:8080", "127.0.0.1:8080"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char canonical[NW0_ADDRESS_SIZE] = "";
        CHECK(nw0_address(forms[i].given, canonical) == 0);
        CHECK(strcmp(canonical, forms[i].canonical) == 0);
        CHECK(nw0_address(forms[i].given, NULL) == 0);
    }
}

static void address_without_a_port_gets_a_free_one(void) {
    static const char *const forms[] = {"127.0.0.1", "127.*", "127.0.*", "localhost"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char canonical[NW0_ADDRESS_SIZE] = "";
        CHECK(nw0_address(forms[i], canonical) == 0);
        CHECK(starts(canonical, "127.0.0.1:") && port_of(canonical) > 0 &&
              port_of(canonical) < 65536);
    }
}

static void pattern_that_no_interface_matches_is_refused(void) {
    char canonical[NW0_ADDRESS_SIZE] = "untouched";
    CHECK_FAILS(nw0_address("203.0.113.*", canonical), EADDRNOTAVAIL);
    CHECK(strstr(nw0_error(), "203.0.113.*") != NULL);
    CHECK_FAILS(nw0_address("203.0.113.*:8080", canonical), EADDRNOTAVAIL);
    CHECK_FAILS(nw0_advertise("x", "203.0.113.*", NULL), EADDRNOTAVAIL);
    CHECK(strcmp(canonical, "untouched") == 0);
}

static void pattern_of_many_stars_is_refused_at_once(void) {
    char pattern[64];
    memset(pattern, '*', 32);
    strcpy(pattern + 32, ".999");
    double start = check_now();
    CHECK_FAILS(nw0_address(pattern, NULL), EADDRNOTAVAIL);
    CHECK(check_now() - start < 2);
}

static void other_machines_have_no_free_port_for_us(void) {
    CHECK_FAILS(nw0_address("203.0.113.5", NULL), EADDRNOTAVAIL);
    CHECK_FAILS(nw0_advertise("x", "203.0.113.5", NULL), EADDRNOTAVAIL);
    CHECK(strstr(nw0_error(), "203.0.113.5") != NULL);
    CHECK(count_known() == 0);
}

static void nonsense_is_no_address(void) {
    static const char *const nonsense[] = {
        "65536",
        "99999999999999999999",
        "4294967376",
        "-1",
        "+80",
        "127.0.0.1:65536",
        "127.0.0.1:x",
        "127.0.0.1:-1",
        "127.0.0.1:80x",
        "127.0.0.1:80:80",
        "127.0.0.1:8080 ",
        " 127.0.0.1:8080",
        "127.0.0.1: 8080",
        "127.0.0.256:8080",
        "256.0.0.1",
        "1.2.3.4.5",
        "a b",
        "127.0.0.1:4294967376",
        "[::1]:8080",
        "::1",
        "127.*:x",
        "127.*:65536",
        "tab\there",
        "127.0.0.1:99999999999999999999",
        "224.0.0.1:80", /* for a group, or for everybody: nobody's own */
        "239.255.255.255:80",
        "255.255.255.255:80",
        "255.255.255.255",
    };
    char canonical[NW0_ADDRESS_SIZE];
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        errno = 0;
        int result = nw0_address(nonsense[i], canonical);
        if (result != -1 || errno != EINVAL)
            printf("    \"%s\" gave %d, errno %d\n", nonsense[i], result, errno);
        CHECK_FAILS(nw0_address(nonsense[i], canonical), EINVAL);
        CHECK_FAILS(nw0_advertise("x", nonsense[i], NULL), EINVAL);
    }
}

static void endless_text_is_no_address(void) {
    char text[5000];
    memset(text, '1', sizeof text);
    text[sizeof text - 1] = '\0';
    CHECK_FAILS(nw0_address(text, NULL), EINVAL);
    memcpy(text, "127.0.0.1:", 10);
    CHECK_FAILS(nw0_address(text, NULL), EINVAL);
}

int main(int argc, char **argv) {
    discovery_begin(argc, argv);
    RUN_APART(address_of_nothing_is_ours_with_a_free_port);
    RUN_APART(address_takes_every_form);
    RUN_APART(address_without_a_port_gets_a_free_one);
    RUN_APART(pattern_that_no_interface_matches_is_refused);
    RUN_APART(pattern_of_many_stars_is_refused_at_once);
    RUN_APART(other_machines_have_no_free_port_for_us);
    RUN_APART(nonsense_is_no_address);
    RUN_APART(endless_text_is_no_address);
    return discovery_report("discovery/addresses");
}
