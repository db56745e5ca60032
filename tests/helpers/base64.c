/* base64.c - bytes to a string and back: checked against a slow encoder that works bit by bit. What is
 * read or written ends at a guard page, so that one byte too far crashes.
 */
#include "nw0.h"

#include "helpers.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* RFC 4648 taken literally: six bits a character, missing bits 0, missing characters '=' */
static void encode_slowly(const unsigned char *data, size_t size, char *string) {
    size_t length = (size + 2) / 3 * 4;
    for (size_t i = 0; i < length; i++) {
        unsigned value = 0;
        for (size_t bit = 6 * i; bit < 6 * i + 6; bit++)
            value =
                2 * value + (bit < 8 * size ? (unsigned)data[bit / 8] >> (7 - bit % 8) & 1u : 0);
        string[i] = 6 * i < 8 * size ? digits[value] : '=';
    }
    string[length] = '\0';
}

static unsigned char *random_bytes_at_edge(size_t size) {
    unsigned char *data = (unsigned char *)edge(size);
    for (size_t i = 0; i < size; i++) data[i] = (unsigned char)dice(256);
    return data;
}

static void base64_of_the_rfc(void) {
    static const char *const data[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
    static const char *const strings[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                          "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    char string[16], back[16];
    for (size_t i = 0; i < 7; i++) {
        CHECK(nw0_bytes_to_string(data[i], i, string, sizeof string) ==
              (ssize_t)strlen(strings[i]));
        CHECK(strcmp(string, strings[i]) == 0);
        CHECK(nw0_string_to_bytes(strings[i], back, sizeof back) == (ssize_t)i &&
              memcmp(back, data[i], i) == 0);
    }
}

static void base64_uses_every_digit(void) {
    unsigned char data[48], back[49];
    char string[65];
    for (unsigned i = 0; i < 16; i++) { /* the numbers 0 to 63, six bits each */
        unsigned n = (4 * i) << 18 | (4 * i + 1) << 12 | (4 * i + 2) << 6 | (4 * i + 3);
        data[3 * i] = (unsigned char)(n >> 16);
        data[3 * i + 1] = (unsigned char)(n >> 8);
        data[3 * i + 2] = (unsigned char)n;
    }
    CHECK(nw0_bytes_to_string(data, 48, string, sizeof string) == 64 &&
          strcmp(string, digits) == 0);
    CHECK(nw0_string_to_bytes(digits, back, sizeof back) == 48 && memcmp(back, data, 48) == 0);
}

static void base64_of_every_size_and_back(void) {
    char wanted[160], string[160];
    unsigned char copy[128];
    for (size_t size = 0; size <= 100; size++) {
        unsigned char *data = random_bytes_at_edge(size);
        memcpy(copy, data, size);
        encode_slowly(data, size, wanted);
        CHECK(nw0_bytes_to_string(data, size, string, sizeof string) == (ssize_t)strlen(wanted));
        CHECK(strcmp(string, wanted) == 0);
        char *back = edge(size + 1); /* a datum and its NUL */
        CHECK(nw0_string_to_bytes(wanted, back, size + 1) == (ssize_t)size &&
              memcmp(back, copy, size) == 0);
        char *read_at_edge = text_at_edge(wanted);
        CHECK(nw0_string_to_bytes(read_at_edge, string, sizeof string) == (ssize_t)size);
        CHECK(memcmp(string, copy, size) == 0);
    }
}

static void base64_of_text_measures_it(void) {
    char string[16];
    CHECK(nw0_bytes_to_string("foobar", NW0_TEXT, string, sizeof string) == 8 &&
          strcmp(string, "Zm9vYmFy") == 0);
}

static void string_needs_room_for_its_nul(void) {
    for (size_t size = 0; size <= 20; size++) {
        unsigned char data[20] = {0};
        size_t length = (size + 2) / 3 * 4;
        CHECK(nw0_bytes_to_string(data, size, edge(length + 1), length + 1) == (ssize_t)length);
        CHECK(*(edge(0) - 1) == '\0');
        for (size_t capacity = 0; capacity <= length; capacity++)
            CHECK_FAILS(nw0_bytes_to_string(data, size, edge(capacity), capacity), EMSGSIZE);
    }
}

static void bytes_need_room_for_a_nul(void) {
    char back[8];
    memset(back, 'x', sizeof back);
    CHECK(nw0_string_to_bytes("Zm9v", back, 4) == 3 && strcmp(back, "foo") == 0);
    for (size_t capacity = 0; capacity <= 3; capacity++)
        CHECK_FAILS(nw0_string_to_bytes("Zm9v", edge(capacity), capacity), EMSGSIZE);
}

static void base64_can_be_measured_first(void) {
    for (size_t size = 0; size <= 20; size++) {
        char string[32];
        unsigned char *data = random_bytes_at_edge(size);
        ssize_t length = nw0_bytes_to_string(data, size, NULL, 0);
        CHECK(length == (ssize_t)((size + 2) / 3 * 4));
        CHECK(nw0_bytes_to_string(data, size, string, sizeof string) == length);
        CHECK(nw0_string_to_bytes(string, NULL, 0) == (ssize_t)size);
    }
}

static void nothing_is_no_data(void) {
    char out[8];
    CHECK_FAILS(nw0_bytes_to_string(NULL, 3, out, sizeof out), EINVAL);
    CHECK_FAILS(nw0_string_to_bytes(NULL, out, sizeof out), EINVAL);
    CHECK(nw0_bytes_to_string(NULL, 0, out, sizeof out) == 0 && out[0] == '\0');
    CHECK_FAILS(nw0_bytes_to_string("x", 1, NULL, 8), EMSGSIZE);
    CHECK_FAILS(nw0_bytes_to_string("x", (size_t)-2, out, sizeof out), EMSGSIZE);
}

static void what_is_no_base64_is_refused(void) {
    static const char *const strings[] = {"Z",
                                          "Zg",
                                          "Zg=",
                                          "Zm9",
                                          "Zm9vYg",
                                          "=",
                                          "==",
                                          "===",
                                          "====",
                                          "Z===",
                                          "=Zg=",
                                          "Zg=v",
                                          "Z=g=",
                                          "Zg==Zg==",
                                          "Zm8=Zm9v",
                                          "Zm9v=",
                                          "Zm9v====",
                                          "Zg===",
                                          "Zm9vYg=",
                                          "Zm-v",
                                          "Zm_v",
                                          "Zm9\xc3",
                                          "Zm9v\x80\x80\x80\x80",
                                          "Zm9.",
                                          "Z*9v",
                                          "Zm9v!",
                                          "\xff\xff\xff\xff",
                                          "Zm9v, ",
                                          "Zm9v\n",
                                          " Zm9v",
                                          "Zm 9v",
                                          "Zm9v    ",
                                          "Zm9v\r\n\r\n",
                                          "Zh==",
                                          "Zm9=",
                                          "(m9v",
                                          "Zm9v\x01\x01\x01\x01"};
    char back[32];
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        errno = 0;
        if (nw0_string_to_bytes(strings[i], back, sizeof back) != -1)
            printf("    taken: <%s>\n", strings[i]);
        CHECK_FAILS(nw0_string_to_bytes(text_at_edge(strings[i]), back, sizeof back), EINVAL);
    }
}

/* every byte at every place of a group: only the 64 digits, and '=' where it may be, are right */
static void every_other_character_is_refused(void) {
    char back[8];
    for (int place = 0; place < 4; place++)
        for (int byte = 1; byte < 256; byte++) {
            char string[] = "AAAA";
            string[place] = (char)byte;
            bool right = strchr(digits, byte) || (byte == '=' && place == 3);
            CHECK((nw0_string_to_bytes(string, back, sizeof back) >= 0) == right);
        }
}

int main(int argc, char **argv) {
    check_begin(argc, argv);
    RUN(base64_of_the_rfc);
    RUN(base64_uses_every_digit);
    RUN(base64_of_every_size_and_back);
    RUN(base64_of_text_measures_it);
    RUN(string_needs_room_for_its_nul);
    RUN(bytes_need_room_for_a_nul);
    RUN(base64_can_be_measured_first);
    RUN(nothing_is_no_data);
    RUN(what_is_no_base64_is_refused);
    RUN(every_other_character_is_refused);
    return check_report("helpers/base64");
}
