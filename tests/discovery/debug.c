/* debug.c - NW0_DEBUG: a line for each thing that happens. */
#include "nw0.h"

#include "discovery.h"

/* the next line out of the pipe that begins like this and has that word in it, or NULL */
static const char *line_of(FILE *lines, const char *start, const char *word) {
    static char line[1024];
    double end = check_now() + LIMIT; /* there is one at least every two seconds */
    while (check_now() < end && fgets(line, sizeof line, lines))
        if (starts(line, start) && strstr(line, word)) return line;
    printf("    no line \"%s ... %s\"\n", start, word);
    return NULL;
}

/* how many datagrams have been dropped, as the next line about that tells; from this mouth */
static long count_dropped(FILE *lines, int m) {
    const char *line = line_of(lines, "nw0: dropped", address_of(m));
    const char *number = line ? strstr(line, "number ") : NULL;
    return number ? strtol(number + strlen("number "), NULL, 10) : -1;
}

/* a puppet that tells everything, and what it tells */
static struct puppet talker(FILE **lines) {
    int ends[2];
    if (pipe(ends) < 0) abort();
    setenv("NW0_DEBUG", "1", 1);
    struct puppet p = puppet_with_stderr(ends[1]);
    unsetenv("NW0_DEBUG");
    close(ends[1]);
    *lines = fdopen(ends[0], "r");
    return p;
}

static void debug_tells_what_happens_and_why(void) {
    FILE *lines;
    struct puppet p = talker(&lines);
    int m = mouth("127.0.0.1");
    CHECK(tell(&p, ADVERTISE, "talker", "127.0.0.1:7001").result == 0);
    CHECK(line_of(lines, "nw0: sent", advert("talker", "127.0.0.1:7001")));
    shout(m, advert("visitor", "127.0.0.1:7002"));
    CHECK(line_of(lines, "nw0: heard", advert("visitor", "127.0.0.1:7002")));
    CHECK(line_of(lines, "nw0: joined", "visitor"));
    for (int i = 1; i <= 2; i++) {
        shout(m, "[\"odd\",\"127.0.0.1:7003\"]");
        CHECK(count_dropped(lines, m) == 2 * i - 1);
        shout(m, "[\"\xff\",\"127.0.0.1:7003\",20]");
        CHECK(count_dropped(lines, m) == 2 * i);
    }
    shout(m, goodbye("visitor", "127.0.0.1:7002"));
    CHECK(line_of(lines, "nw0: heard", goodbye("visitor", "127.0.0.1:7002")));
    CHECK(line_of(lines, "nw0: left", "visitor"));
    dismiss(&p);
    fclose(lines);
}

/* Whoever can send a datagram must not be able to write lines of his own, or to command the terminal. */
static void debug_prints_nothing_raw(void) {
    static const char *const tricks[] = {"[\"new\\nline\\u001b[2J\",\"127.0.0.1:7001\",20]",
                                         "[\"blank\"\n,\t\"127.0.0.1:7001\"\r,20]\n",
                                         "[\"new\\nline\\u001b[2J\",\"127.0.0.1:7001\",0]",
                                         "[\"bad\n\x1b[2J\",\"127.0.0.1:7001\",20]",
                                         "[\"?new\\nline\",\"127.0.0.1:7001\",0]",
                                         /* U+009B is ESC [ in one character, U+00E9 is harmless */
                                         "[\"caf\xc3\xa9 \\u009b31m\",\"127.0.0.1:7001\",20]",
                                         "[\"caf\xc3\xa9 \302\23331m\",\"127.0.0.1:7001\",20]",
                                         "[\"\xc2\x80 \xc2\x85 \xc2\x9f\",\"127.0.0.1:7001\",20]"};
    char line[1024];
    FILE *lines;
    struct puppet p = talker(&lines);
    int m = mouth("127.0.0.1"), cafes = 0;
    CHECK(tell(&p, ADVERTISE, "marker", MARKER).result == 0);
    for (size_t i = 0; i < sizeof tricks / sizeof tricks[0]; i++) shout(m, tricks[i]);
    settle(m);
    dismiss(&p);
    while (fgets(line, sizeof line, lines)) {
        line[strcspn(line, "\n")] = '\0';
        CHECK(starts(line, "nw0: "));
        for (const char *c = line; *c; c++) {
            CHECK((unsigned char)*c >= ' ' && *c != 0x7f);
            CHECK(!((unsigned char)*c == 0xc2 && (unsigned char)c[1] < 0xa0));
        }
        if (strstr(line, "joined") && strstr(line, "caf\xc3\xa9 ") && strstr(line, ".31m")) cafes++;
    }
    CHECK(cafes == 1); /* the second one is the same name */
    fclose(lines);
    close(m);
}

static void without_debug_it_is_silent(void) {
    int ends[2];
    char byte;
    if (pipe(ends) < 0) abort();
    struct puppet p = puppet_with_stderr(ends[1]);
    close(ends[1]);
    int m = mouth("127.0.0.1");
    CHECK(tell(&p, ADVERTISE, "marker", MARKER).result == 0);
    shout(m, "[\"visitor\",\"127.0.0.1:7002\",20]");
    shout(m, "[\"odd\",\"127.0.0.1:7003\"]");
    settle(m);
    dismiss(&p);
    CHECK(read(ends[0], &byte, 1) == 0); /* the end, and nothing before it */
    close(ends[0]);
    close(m);
}

int main(int argc, char **argv) {
    discovery_begin(argc, argv);
    RUN_APART(debug_tells_what_happens_and_why);
    RUN_APART(debug_prints_nothing_raw);
    RUN_APART(without_debug_it_is_silent);
    return discovery_report("discovery/debug");
}
