/* fuzz_advert.c - what any datagram may do to the parser of adverts.
 *
 * What it accepts must be an advert that could be sent: written again and read again it is the same, its number is the
 * number that strtod() reads, and one byte less or more is no advert any more.
 */
#include "fuzz.h"

#define AT ",\"192.168.1.5:50123\","

static const struct seed seeds[] = {
    SEED("[\"chat/alice\"" AT "20]"),
    SEED("[\"?chat/alice\",\"127.0.0.1:41234\",0]"),
    SEED("[\"?\",\"10.0.0.1:1\",0]"),
    SEED("[\"chat/bob\", \"255.255.255.255:65535\", 0]"),
    SEED(" [ \"a\" ,\t\"0.0.0.0:9\" , 2.5e1 ]\r\n"),
    SEED("[\"k\xc3\xb6ln \xe2\x98\x83 \xf0\x9f\x98\x80\"" AT "0.5]"),
    SEED("[\"\\u006b\\u00f6ln \\u2603 \\ud83d\\ude00\"" AT "1E+3]"),
    SEED("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"" AT "86400]"),
    SEED("[\"many digits\"" AT "0.9999999999999999999999999999999999999999]"),
    SEED("[\"many digits\"" AT "10000000000000000000000000000000000000000e-39]"),
    SEED("[\"n\\u0000\"" AT "1e999]"),
    SEED("[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaa"
         "aaaaaaaaaa\"" AT "20]"),
    SEED("[[[[\"x\"]]],{\"y\":null},true,-1,NaN]"),
};

static bool parse(const uint8_t *data, size_t size, nw0__advert *advert) {
    return nw0__parse_advert((const char *)data, size, advert);
}

static bool close_to(double a, double b) {
    double difference = a > b ? a - b : b - a;
    return difference <= 1e-9 * (a > b ? a : b) || difference < 1e-300;
}

static void check_rules(const nw0__advert *a) {
    size_t length = strlen(a->name);
    HOLDS(length > 0 && nw0__utf8(a->name, length));
    HOLDS(length < NW0_NAME_SIZE || (a->name[0] == '?' && length == NW0_NAME_SIZE));
    HOLDS(a->addr.port != 0);
    HOLDS(a->ttl >= 0 && a->ttl <= NW0__TTL_MAX);
    HOLDS(a->name[0] != '?' || a->ttl <= 0);
}

/* the number is what follows the last comma */
static void check_number(const uint8_t *data, size_t size, double ttl) {
    char text[NW0__DATAGRAM + 1];
    memcpy(text, data, size);
    text[size] = '\0';
    double wanted = strtod(strrchr(text, ',') + 1, NULL);
    HOLDS(close_to(ttl, wanted < NW0__TTL_MAX ? wanted : NW0__TTL_MAX));
}

static void check_again(const nw0__advert *a) {
    char text[NW0__DATAGRAM + 1];
    nw0__advert b;
    size_t n = nw0__write_advert(a->name, a->addr, a->ttl, text);
    if (n == 0) return; /* it was shorter as it came: characters that need no escape */
    HOLDS(n <= NW0__DATAGRAM && strlen(text) == n);
    memset(&b, 0xA5, sizeof b);
    HOLDS(nw0__parse_advert(text, n, &b));
    HOLDS(strcmp(a->name, b.name) == 0 && nw0__same_addr(a->addr, b.addr));
    HOLDS(b.ttl <= a->ttl + 0.0005001 && b.ttl >= a->ttl - 0.0005001);
}

static void check_ends(const uint8_t *data, size_t size) {
    uint8_t longer[NW0__DATAGRAM + 1];
    nw0__advert b;
    memcpy(longer, data, size);
    longer[size] = ' ';
    HOLDS(parse(longer, size + 1, &b) == (size < NW0__DATAGRAM));
    longer[size] = 'x';
    HOLDS(!parse(longer, size + 1, &b));
    while (data[size - 1] != ']') size--;
    HOLDS(!parse(data, size - 1, &b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    nw0__advert advert;
    memset(&advert, 0x5A, sizeof advert);
    if (!parse(data, size, &advert)) return 0;
    fuzz_understood++;
    HOLDS(size <= NW0__DATAGRAM);
    check_rules(&advert);
    check_number(data, size, advert.ttl);
    check_again(&advert);
    check_ends(data, size);
    return 0;
}

#define FUZZ_MAIN
#include "fuzz.h"
