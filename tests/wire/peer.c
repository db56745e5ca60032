/* peer.c - a program that uses nw0.h and does what the lines of its input say, one answer a line.
 *
 *     advertise NAME ADDRESS SECONDS   -> advertised NAME IP:PORT
 *     unadvertise NAME                 -> gone
 *     discover NAME SECONDS            -> found NAME IP:PORT
 *     list SECONDS                     -> N, and then N lines: NAME IP:PORT
 *     ask ADDRESS SECONDS MESSAGE      -> reply REPLY
 *     wait ADDRESS SECONDS [auto]      -> message MESSAGE
 *     reply ADDRESS REPLY              -> replied
 *     shutdown                         -> done
 * What fails is answered by: error ERRNO SENTENCE. Names, messages and replies are written in base64, with a dot
 * in front of them so that nothing is a word too.
 */
#define NW0_IMPLEMENTATION
#include "nw0.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char data[NW0_MAX_MESSAGE + 1], text[NW0_MAX_MESSAGE / 3 * 4 + 8];

static const char *written(const void *bytes, size_t size) {
    text[0] = '.';
    if (nw0_bytes_to_string(bytes, size, text + 1, sizeof text - 1) < 0) abort();
    return text;
}

/* what a word stands for, in a buffer of its own */
static char *unwritten(const char *word, size_t *size) {
    static char bytes[NW0_MAX_MESSAGE + 1];
    ssize_t n = nw0_string_to_bytes(word + 1, bytes, sizeof bytes);
    if (n < 0) {
        fprintf(stderr, "wire_peer: %s\n", nw0_error());
        exit(2);
    }
    bytes[n] = '\0';
    if (size) *size = (size_t)n;
    return bytes;
}

static const char *name_of(const char *word) {
    return unwritten(word, NULL);
}

static int advertise(char **w) {
    nw0_service s;
    if (nw0_advertise_ex(name_of(w[1]), w[2], false, atof(w[3]), &s) < 0) return -1;
    return printf("advertised %s %s\n", written(s.name, NW0_TEXT), s.address);
}

static int unadvertise(char **w) {
    if (nw0_unadvertise(name_of(w[1])) < 0) return -1;
    return puts("gone");
}

static int discover(char **w) {
    nw0_service s;
    if (nw0_discover(name_of(w[1]), atof(w[2]), &s) < 0) return -1;
    return printf("found %s %s\n", written(s.name, NW0_TEXT), s.address);
}

static int list(char **w) {
    static nw0_service services[NW0_MAX_SERVICES];
    int count = nw0_discover_all(atof(w[1]), services, NW0_MAX_SERVICES);
    if (count < 0) return -1;
    printf("%d\n", count);
    for (int i = 0; i < count; i++)
        printf("%s %s\n", written(services[i].name, NW0_TEXT), services[i].address);
    return 0;
}

static int ask(char **w) {
    size_t size;
    char *message = unwritten(w[3], &size);
    ssize_t n = nw0_send_message_to(w[1], message, size, data, sizeof data, atof(w[2]));
    if (n < 0) return -1;
    return printf("reply %s\n", written(data, (size_t)n));
}

static int await(char **w) {
    ssize_t n = nw0_wait_for_message_from(w[1], data, sizeof data, atof(w[2]), w[3] != NULL);
    if (n < 0) return -1;
    return printf("message %s\n", written(data, (size_t)n));
}

static int reply(char **w) {
    size_t size;
    char *bytes = unwritten(w[2], &size);
    if (nw0_send_reply_to(w[1], bytes, size) < 0) return -1;
    return puts("replied");
}

static int shut_down(char **w) {
    (void)w;
    nw0_shutdown();
    return puts("done");
}

static const struct {
    const char *name;
    int words;
    int (*action)(char **words);
} actions[] = {
    {"advertise", 4, advertise},
    {"unadvertise", 2, unadvertise},
    {"discover", 3, discover},
    {"list", 2, list},
    {"ask", 4, ask},
    {"wait", 3, await},
    {"reply", 3, reply},
    {"shutdown", 1, shut_down},
};

static int carry_out(char *line) {
    char *words[5] = {NULL, NULL, NULL, NULL, NULL};
    int count = nw0_action_and_params(line, words, 5);
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (count >= actions[i].words && strcmp(words[0], actions[i].name) == 0)
            return actions[i].action(words);
    errno = EINVAL;
    return -1;
}

int main(void) {
    char *line = NULL;
    size_t room = 0;
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    while (getline(&line, &room, stdin) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (carry_out(line) < 0) printf("error %d %s\n", errno, nw0_error());
        fflush(stdout);
    }
    free(line);
    return 0;
}
