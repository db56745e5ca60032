/* helpers.c - words as a shell splits them, and base64.
 *
 * The words are checked against the shell itself, base64 against a slow encoder that works bit by bit; and what is
 * read or written ends at a guard page, so that one byte too far crashes.
 */
#define NW0_IMPLEMENTATION
#include "nw0.h"

#include "check.h"

#include <sys/mman.h>

/* ---- memory that ends at a guard page ------------------------------------------------------- */

#define GUARDED 8192
static char *guard; /* the first byte that must not be touched */

static void set_up_guard(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (GUARDED + page - 1) / page * page;
    char *memory =
        mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + room, page, PROT_NONE) < 0) abort();
    guard = memory + room;
}

/* room for so many bytes, and not one more */
static char *edge(size_t size) {
    return guard - size;
}

/* the text, its NUL being the last byte that may be read */
static char *text_at_edge(const char *text) {
    size_t size = strlen(text) + 1;
    return memcpy(edge(size), text, size);
}

/* a sequence that is the same in every run */
static unsigned dice(unsigned sides) {
    static unsigned state = 1;
    state = state * 1103515245u + 12345u;
    return (state >> 16) % sides;
}

/* ---- words --------------------------------------------------------------------------------- */

/* the words of a line, each in brackets: "[a][b c]" */
static const char *words_of(const char *line) {
    static char text[GUARDED];
    char *words[64];
    int count = nw0_action_and_params(text_at_edge(line), words, 64);
    if (count < 0) return "failed";
    text[0] = '\0';
    for (int i = 0; i < count; i++) {
        strcat(text, "[");
        strcat(text, words[i]);
        strcat(text, "]");
    }
    return text;
}

static void words_are_what_blanks_divide(void) {
    static const struct {
        const char *line, *words;
    } cases[] = {
        {"", ""},
        {"   \t ", ""},
        {"stop", "[stop]"},
        {"  move 3\t-4  ", "[move][3][-4]"},
        {"'one word' two", "[one word][two]"},
        {"\"one word\" two", "[one word][two]"},
        {"say \"\" ''", "[say][][]"},
        {"it's 'one", "[its one]"},
        {"a\"b c\"'d e'f", "[ab cd ef]"},
        {"one\\ word", "[one word]"},
        {"\\\"\\'\\\\", "[\"'\\]"},
        {"\"say \\\"hi\\\" \\\\o\"", "[say \"hi\" \\o]"},
        {"'no \\escape\"'", "[no \\escape\"]"},
        {"\"it's\"", "[it's]"},
        {"k\xc3\xb6ln \xe2\x98\x83", "[k\xc3\xb6ln][\xe2\x98\x83]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *words = words_of(cases[i].line);
        if (strcmp(words, cases[i].words) != 0) printf("    <%s> gave %s\n", cases[i].line, words);
        CHECK(strcmp(words, cases[i].words) == 0);
    }
}

/* whether every quote in the line is closed, and no backslash is its last character */
static bool complete(const char *line) {
    char quote = '\0';
    for (; *line; line++) {
        if (*line == '\\' && quote != '\'') {
            if (*++line == '\0') return false;
        } else if (quote == '\0' && (*line == '\'' || *line == '"')) {
            quote = *line;
        } else if (*line == quote) {
            quote = '\0';
        }
    }
    return quote == '\0';
}

static void throw_a_line(char line[32]) {
    do {
        unsigned length = dice(24);
        for (unsigned i = 0; i < length; i++) line[i] = "ab \t'\"\\'\" b"[dice(11)];
        line[length] = '\0';
    } while (!complete(line));
}

/* the shell that the system has splits the same lines, and must come to the same words */
static void words_are_those_of_the_shell(void) {
    enum { LINES = 400 };
    static char lines[LINES][32];
    char path[] = "/tmp/nw0_words_XXXXXX", command[64], answer[256];
    FILE *script = fdopen(mkstemp(path), "w");
    for (int i = 0; i < LINES; i++) {
        throw_a_line(lines[i]);
        fprintf(script, "set -- %s\nfor word; do printf '[%%s]' \"$word\"; done; echo\n", lines[i]);
    }
    fclose(script);
    snprintf(command, sizeof command, "sh %s", path);
    FILE *shell = popen(command, "r");
    for (int i = 0; i < LINES; i++) {
        CHECK(fgets(answer, sizeof answer, shell) != NULL);
        answer[strcspn(answer, "\n")] = '\0';
        const char *words = words_of(lines[i]);
        if (strcmp(words, answer) != 0)
            printf("    <%s> gave %s, the shell says %s\n", lines[i], words, answer);
        CHECK(strcmp(words, answer) == 0);
    }
    CHECK(pclose(shell) == 0);
    unlink(path);
}

static void quote_without_end_is_refused(void) {
    static const char *const lines[] = {"'",        "\"",     "say 'hello", "say \"hello",
                                        "a 'b' 'c", "\"it's", "'a\\'b'",    "\"a\\\""};
    char *words[8];
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        CHECK_FAILS(nw0_action_and_params(text_at_edge(lines[i]), words, 8), EINVAL);
}

static void backslash_at_the_end_is_refused(void) {
    static const char *const lines[] = {"\\", "say \\", "say \"x\\", "'x'\\"};
    char *words[8];
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        CHECK_FAILS(nw0_action_and_params(text_at_edge(lines[i]), words, 8), EINVAL);
    CHECK(nw0_action_and_params(text_at_edge("'\\' \\\\"), words, 8) == 2);
}

static void more_words_than_room_are_counted(void) {
    char untouched[] = "x", *words[8];
    for (int capacity = 0; capacity < 8; capacity++) {
        for (int i = 0; i < 8; i++) words[i] = untouched;
        CHECK(nw0_action_and_params(text_at_edge("a 'b b' c d \"e\""), words, capacity) == 5);
        static const char *const wanted[] = {"a", "b b", "c", "d", "e"};
        for (int i = 0; i < 8; i++) {
            if (i < capacity && i < 5) CHECK(strcmp(words[i], wanted[i]) == 0);
            else CHECK(words[i] == untouched);
        }
    }
    CHECK(nw0_action_and_params(text_at_edge("a b"), NULL, 0) == 2);
}

static void line_with_an_open_quote_stays_as_it_was(void) {
    char line[] = "say \"hello\" 'bob", *words[8];
    CHECK_FAILS(nw0_action_and_params(line, words, 8), EINVAL);
    CHECK(strcmp(line, "say \"hello\" 'bob") == 0);
}

static void words_need_a_line_and_room(void) {
    char line[] = "say", *words[8];
    CHECK_FAILS(nw0_action_and_params(NULL, words, 8), EINVAL);
    CHECK_FAILS(nw0_action_and_params(line, NULL, 8), EINVAL);
}

static void words_lie_in_the_line(void) {
    char *line = text_at_edge("move 'far away' fast"), *words[3];
    CHECK(nw0_action_and_params(line, words, 3) == 3);
    for (int i = 0; i < 3; i++) CHECK(words[i] >= line && words[i] + strlen(words[i]) < guard);
}

/* ---- base64 -------------------------------------------------------------------------------- */

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
        CHECK(*(guard - 1) == '\0');
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
    setenv("NW0_NETWORK", "127.*", 1);
    set_up_guard();
    check_begin(argc, argv);
    RUN(words_are_what_blanks_divide);
    RUN(words_are_those_of_the_shell);
    RUN(quote_without_end_is_refused);
    RUN(backslash_at_the_end_is_refused);
    RUN(more_words_than_room_are_counted);
    RUN(line_with_an_open_quote_stays_as_it_was);
    RUN(words_need_a_line_and_room);
    RUN(words_lie_in_the_line);

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
    return check_report("helpers");
}
