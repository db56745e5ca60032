/* fuzz_text.c - what any text may do to the helpers: words, base64, addresses, UTF-8 and JSON strings.
 *
 * Each is done and undone again, or compared with a second way of doing it.
 */
#include "fuzz.h"

static const struct seed seeds[] = {
    SEED("play \"so what\" 3"),
    SEED("say it\\'s 'no \\escape' \"a \\\"b\\\" \\\\ \\x\""),
    SEED("  a\tb\n'' \"\" \\  "),
    SEED("Zm9vYmFy"),
    SEED("Zm9vYg=="),
    SEED("Zm9vYmE="),
    SEED("+/+/0123456789=="),
    SEED("192.168.1.5:8080"),
    SEED("255.255.255.255:65535"),
    SEED("127.0.0.1"),
    SEED("8080"),
    SEED("192.168.*:8080"),
    SEED("k\xc3\xb6ln \xe2\x98\x83 \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf"),
    SEED("\xed\xa0\x80\xc0\xaf\xe0\x80\xaf\xf4\x90\x80\x80"),
};

#define ROOM 4096

/* ---- words ---- */

/* a word in single quotes, as anybody would write it for a shell */
static char *quote(char *out, const char *word) {
    *out++ = '\'';
    for (; *word; word++) {
        if (*word == '\'') out = memcpy(out, "'\\'", 3), out += 3;
        *out++ = *word;
    }
    *out++ = '\'';
    *out++ = ' ';
    return out;
}

static void check_words(const char *text) {
    static char line[ROOM + 1], copy[ROOM + 1], quoted[6 * ROOM];
    char *words[ROOM / 2 + 1], *again[ROOM / 2 + 1], *end = quoted;
    strcpy(line, text);
    strcpy(copy, text);
    int count = nw0_action_and_params(line, words, ROOM / 2 + 1);
    HOLDS(nw0_action_and_params(copy, NULL, 0) == count);
    if (count < 0) {
        HOLDS(errno == EINVAL && strcmp(line, text) == 0);
        return;
    }
    HOLDS((size_t)count <= (strlen(text) + 1) / 2);
    for (int i = 0; i < count; i++) {
        HOLDS(words[i] >= line && words[i] + strlen(words[i]) <= line + strlen(text));
        HOLDS(i == 0 || words[i] > words[i - 1] + strlen(words[i - 1]));
        end = quote(end, words[i]);
    }
    *end = '\0';
    HOLDS(nw0_action_and_params(quoted, again, ROOM / 2 + 1) == count);
    for (int i = 0; i < count; i++) HOLDS(strcmp(words[i], again[i]) == 0);
    fuzz_understood += count > 1;
}

/* ---- base64 ---- */

static void check_base64_of(const uint8_t *data, size_t size) {
    static char string[ROOM * 2], back[ROOM + 1];
    ssize_t length = nw0_bytes_to_string(data, size, NULL, 0);
    HOLDS(length == (ssize_t)((size + 2) / 3 * 4));
    HOLDS(nw0_bytes_to_string(data, size, string, (size_t)length) == -1 && errno == EMSGSIZE);
    HOLDS(nw0_bytes_to_string(data, size, string, (size_t)length + 1) == length);
    HOLDS(strlen(string) == (size_t)length);
    HOLDS(nw0_string_to_bytes(string, NULL, 0) == (ssize_t)size);
    HOLDS(nw0_string_to_bytes(string, back, size) == -1 && errno == EMSGSIZE);
    HOLDS(nw0_string_to_bytes(string, back, size + 1) == (ssize_t)size);
    HOLDS(memcmp(back, data, size) == 0 && back[size] == '\0');
}

/* a text that is base64 is the only one for its bytes */
static void check_base64_as(const char *text) {
    static char bytes[ROOM + 1], back[ROOM * 2];
    ssize_t size = nw0_string_to_bytes(text, bytes, sizeof bytes);
    if (size < 0) {
        HOLDS(errno == EINVAL);
        return;
    }
    HOLDS(nw0_bytes_to_string(bytes, (size_t)size, back, sizeof back) == (ssize_t)strlen(text));
    HOLDS(strcmp(back, text) == 0);
    fuzz_understood += size > 0;
}

/* ---- addresses ---- */

static void check_place(const char *text) {
    nw0__addr place, again;
    char out[NW0_ADDRESS_SIZE];
    if (nw0__parse_addr(text, &place)) {
        HOLDS(strcmp(nw0__print_addr(place, out), text) == 0); /* there is one way of writing it */
        HOLDS(nw0__resolve(text, &again) == 0 && nw0__same_addr(place, again));
        fuzz_understood++;
    } else if (text[strspn(text, "0123456789.:")] ==
               '\0') { /* not a host name, which would be looked up */
        if (nw0__resolve(text, &place) < 0) {
            HOLDS(errno == EINVAL);
            return;
        }
        HOLDS(place.ip == 0 || place.port == 0); /* else it would have been one */
    }
}

/* ---- UTF-8 and JSON ---- */

/* by arithmetic: the value, and whether so many bytes were needed for it */
static bool is_utf8(const uint8_t *s, size_t n) {
    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
    while (n > 0) {
        size_t length = *s < 0x80             ? 1
                        : (*s & 0xE0) == 0xC0 ? 2
                        : (*s & 0xF0) == 0xE0 ? 3
                        : (*s & 0xF8) == 0xF0 ? 4
                                              : 0;
        unsigned long value = length == 1 ? *s : length ? *s & (0x7Fu >> length) : 0;
        if (length == 0 || length > n) return false;
        for (size_t i = 1; i < length; i++) {
            if ((s[i] & 0xC0) != 0x80) return false;
            value = value << 6 | (s[i] & 0x3F);
        }
        if (value < least[length] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
            return false;
        s += length;
        n -= length;
    }
    return true;
}

static void check_json(const char *text) {
    static char quoted[6 * ROOM + 16], back[ROOM + 1];
    size_t n = nw0__json_quote(text, quoted, sizeof quoted);
    nw0__text t;
    HOLDS(n >= strlen(text) + 2 && quoted[0] == '"' && quoted[n - 1] == '"');
    for (size_t i = 0; i < n; i++) HOLDS((unsigned char)quoted[i] >= 0x20);
    t.at = quoted;
    t.end = quoted + n;
    HOLDS(nw0__json_string(&t, back, strlen(text) + 1) && t.at == t.end && strcmp(back, text) == 0);
    t.at = quoted;
    HOLDS(strlen(text) == 0 || !nw0__json_string(&t, back, strlen(text))); /* never cut */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > ROOM) return 0;
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    bool right = is_utf8(data, size);
    HOLDS(nw0__utf8((const char *)data, size) == right);
    check_base64_of(data, size);
    check_base64_as(text);
    check_words(text);
    check_place(text);
    if (right) check_json(text);
    free(text);
    return 0;
}

#define FUZZ_MAIN
#include "fuzz.h"
