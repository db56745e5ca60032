/* agent.c - the functions of nw0.h as commands, so that a shell script can be a network of hosts.
 *
 *     hosts_agent "advertise chat/alice -" "serve"
 *
 * It obeys its arguments, one command each, and then the lines of its standard input.
 * Every line that it prints begins with the time in seconds of CLOCK_MONOTONIC, which is the same
 * clock in all network namespaces: times that two hosts print can be subtracted.
 *
 * An address may also be written as "=NAME" (where that service is) or "-" (NULL, or what was
 * advertised last).
 */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WORDS 40
#define MEMBERS 1000
#define LONGEST 16777215 /* bytes in a message */

static nw0_service advertised, members[MEMBERS];
static char buffer[LONGEST + 1];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    printf("%.6f ", now());
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
}

static const char *error_name(int error) {
    switch (error) {
    case ETIMEDOUT: return "ETIMEDOUT";
    case ECONNRESET: return "ECONNRESET";
    case ECONNREFUSED: return "ECONNREFUSED";
    case EHOSTUNREACH: return "EHOSTUNREACH";
    case ENETUNREACH: return "ENETUNREACH";
    case EADDRNOTAVAIL: return "EADDRNOTAVAIL";
    case EADDRINUSE: return "EADDRINUSE";
    case EINTR: return "EINTR";
    case EEXIST: return "EEXIST";
    case EINVAL: return "EINVAL";
    case EPIPE: return "EPIPE";
    case EPROTO: return "EPROTO";
    default: return strerror(error);
    }
}

static double number(const char *word) {
    return strcmp(word, "forever") == 0 ? NW0_FOREVER : strtod(word, NULL);
}

static const char *or_null(const char *word) {
    return strcmp(word, "-") == 0 ? NULL : word;
}

/* where to send: the word itself, or the service that it names */
static const char *resolve(const char *word, nw0_service *service) {
    if (*word != '=') return word;
    return nw0_discover(word + 1, 10, service) < 0 ? NULL : service->address;
}

static const char *own(int count, char **words, int i) {
    return i < count && or_null(words[i]) ? words[i] : advertised.address;
}

static void list(int count) {
    printf("%.6f members %d", now(), count);
    for (int i = 0; i < count && i < MEMBERS; i++)
        printf(" %s=%s", members[i].name, members[i].address);
    putchar('\n');
}

/* --- the commands: each answers -1 when a function of the library failed --- */

static int do_now(int count, char **words) {
    (void)count, (void)words;
    say("now");
    return 0;
}

static int do_sanitized(int count, char **words) { /* is it built with a sanitizer? */
    (void)count, (void)words;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    say("sanitized yes");
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
    say("sanitized yes");
#else
    say("sanitized no");
#endif
#else
    say("sanitized no");
#endif
    return 0;
}

static int do_address(int count, char **words) { /* address PATTERN|- */
    char canonical[NW0_ADDRESS_SIZE];
    if (nw0_address(count > 1 ? or_null(words[1]) : NULL, canonical) < 0) return -1;
    say("address %s", canonical);
    return 0;
}

static int do_advertise(int count, char **words) { /* advertise NAME ADDRESS|- [TTL] */
    const char *address = count > 2 ? or_null(words[2]) : NULL;
    double ttl = count > 3 ? number(words[3]) : 20;
    if (nw0_advertise_ex(words[1], address, false, ttl, &advertised) < 0) return -1;
    say("advertised %s %s", advertised.name, advertised.address);
    return 0;
}

static int do_claim(int count, char **words) { /* claim NAME: unless somebody has it */
    (void)count;
    if (nw0_advertise_ex(words[1], NULL, true, 20, &advertised) < 0) return -1;
    say("claimed %s %s", advertised.name, advertised.address);
    return 0;
}

static int do_many(int count, char **words) { /* many PREFIX COUNT */
    (void)count;
    for (int i = 0; i < atoi(words[2]); i++) {
        char name[NW0_NAME_SIZE];
        snprintf(name, sizeof name, "%.150s%d", words[1], i);
        if (nw0_advertise(name, NULL, &advertised) < 0) return -1;
    }
    say("advertised %s %s", words[1], words[2]);
    return 0;
}

static int do_unadvertise(int count, char **words) {
    (void)count;
    say("leaving");
    return nw0_unadvertise(words[1]);
}

static int do_shutdown(int count, char **words) {
    (void)count, (void)words;
    say("leaving");
    nw0_shutdown();
    return 0;
}

static int do_exit(int count, char **words) {
    (void)count, (void)words;
    say("leaving");
    exit(0);
}

static int do_discover(int count, char **words) { /* discover NAME SECONDS */
    nw0_service service;
    double start = now();
    if (nw0_discover(words[1], count > 2 ? number(words[2]) : 10, &service) < 0) return -1;
    double end = now();
    say("found %s %s %.3f", service.name, service.address, 1000 * (end - start));
    return 0;
}

/* seek SECONDS NAME...: looks for each in turn without waiting, ten times a second, until one is there */
static int do_seek(int count, char **words) {
    nw0_service service;
    double start = now();
    while (now() - start < number(words[1])) {
        for (int i = 2; i < count; i++) {
            if (nw0_discover(words[i], 0, &service) < 0) continue;
            say("found %s %s %.3f", service.name, service.address, 1000 * (now() - start));
            return 0;
        }
        poll(NULL, 0, 100);
    }
    return -1;
}

static int do_all(int count, char **words) { /* all SECONDS */
    int known = nw0_discover_all(count > 1 ? number(words[1]) : 0, members, MEMBERS);
    if (known < 0) return -1;
    list(known);
    return 0;
}

static int do_group(int count, char **words) { /* group NAME [SEPARATOR|- [EXCLUDED...]] */
    const char *const *exclude = count > 3 ? (const char *const *)(words + 3) : NULL;
    words[count] = NULL;
    int known = nw0_discover_group(words[1], count > 2 ? or_null(words[2]) : NULL, exclude, members,
                                   MEMBERS);
    if (known < 0) return -1;
    list(known);
    return 0;
}

static int do_watch(int count, char **words) { /* watch GROUP|- [SEPARATOR]: for ever */
    const char *group = count > 1 ? or_null(words[1]) : NULL;
    int known = 0;
    say("watching");
    for (;;) {
        nw0_service changed;
        int change = nw0_wait_for_change(group, count > 2 ? words[2] : NULL, members, &known,
                                         MEMBERS, &changed, NW0_FOREVER);
        if (change < 0) return -1;
        say("%s %s %s", change == NW0_JOINED ? "joined" : "left", changed.name, changed.address);
    }
}

static int do_serve(int count, char **words) { /* serve [ADDRESS]: echoes for ever */
    const char *address = own(count, words, 1);
    say("serving %s", address);
    for (;;) {
        ssize_t size =
            nw0_wait_for_message_from(address, buffer, sizeof buffer, NW0_FOREVER, false);
        if (size < 0) return -1;
        say("took %ld", (long)size);
        if (nw0_send_reply_to(address, buffer, (size_t)size) < 0 && errno != EPIPE) return -1;
    }
}

static int do_take(int count, char **words) { /* take [ADDRESS]: one message, no reply */
    ssize_t size =
        nw0_wait_for_message_from(own(count, words, 1), buffer, sizeof buffer, NW0_FOREVER, false);
    if (size < 0) return -1;
    say("took %ld", (long)size);
    return 0;
}

static int do_reply(int count, char **words) { /* reply TEXT [ADDRESS]: to what was taken */
    return nw0_send_reply_to(own(count, words, 2), words[1], NW0_TEXT);
}

/* sends what is in the buffer, and prints what comes back, if it is short, and how long that took */
static int exchange(const char *word, const char *message, size_t size, double wait_for_s) {
    nw0_service service;
    const char *address = resolve(word, &service);
    if (address == NULL) return -1;
    say("asking %s", address);
    double start = now();
    ssize_t got = nw0_send_message_to(address, message, size, buffer, sizeof buffer, wait_for_s);
    if (got < 0) return -1;
    say("reply %ld %s %.3f", (long)got, got < 100 ? buffer : "...", 1000 * (now() - start));
    return 0;
}

static int do_ask(int count, char **words) { /* ask ADDRESS TEXT SECONDS */
    return exchange(words[1], words[2], NW0_TEXT, count > 3 ? number(words[3]) : 10);
}

static int do_send(int count, char **words) { /* send ADDRESS BYTES SECONDS */
    size_t size = (size_t)number(words[2]);
    memset(buffer, 'x', size);
    return exchange(words[1], buffer, size, count > 3 ? number(words[3]) : 10);
}

/* a UDP socket, no part of the library; alone: as a program that shares its port with nobody */
static int udp_socket(const char *ip, const char *port, bool alone) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0), yes = 1;
    struct sockaddr_in me;
    memset(&me, 0, sizeof me);
    me.sin_family = AF_INET;
    me.sin_port = htons((unsigned short)number(port));
    me.sin_addr.s_addr = inet_addr(ip);
    if (!alone) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    return bind(fd, (struct sockaddr *)&me, sizeof me) < 0 ? -1 : fd;
}

/* listen PORT [IP]: prints every datagram, or those to that IP; what it sees is what was on the wire */
static int do_listen(int count, char **words) {
    int fd = udp_socket(count > 2 ? words[2] : "0.0.0.0", words[1], false);
    struct sockaddr_in from;
    if (fd < 0) return -1;
    say("listening");
    for (;;) {
        socklen_t length = sizeof from;
        ssize_t size =
            recvfrom(fd, buffer, sizeof buffer - 1, 0, (struct sockaddr *)&from, &length);
        if (size < 0) return -1;
        buffer[size] = '\0';
        say("heard %s %s", inet_ntoa(from.sin_addr), buffer);
    }
}

static int do_hold(int count, char **words) { /* hold PORT: nobody else on this host hears it */
    (void)count;
    if (udp_socket("0.0.0.0", words[1], true) < 0) return -1;
    say("holding");
    return 0;
}

/* forge FROM TO TEXT: a datagram from port 7000 of an address that need not be ours, to port 9999 */
static int do_forge(int count, char **words) {
    unsigned char packet[400] = {0x45, 0, 0, 0, 0, 0, 0, 0, 64, IPPROTO_UDP};
    size_t size = strlen(words[3]);
    struct sockaddr_in to;
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), yes = 1;
    (void)count;
    if (fd < 0 || size > sizeof packet - 28) return -1;
    setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes);
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = inet_addr(words[2]);
    memcpy(packet + 12, (in_addr_t[]){inet_addr(words[1]), to.sin_addr.s_addr}, 8);
    memcpy(packet + 20, (uint16_t[]){htons(7000), htons(9999), htons((uint16_t)(size + 8)), 0}, 8);
    memcpy(packet + 28, words[3], size); /* the system adds the length and the checksum */
    ssize_t sent = sendto(fd, packet, size + 28, 0, (struct sockaddr *)&to, sizeof to);
    close(fd);
    if (sent < 0) return -1;
    say("forged %s", words[1]);
    return 0;
}

static int do_kill(int count, char **words) { /* kill PID: as a crash would */
    (void)count;
    say("killed");
    return kill((pid_t)number(words[1]), SIGKILL);
}

static const struct {
    const char *name;
    int words; /* at least */
    int (*run)(int count, char **words);
} commands[] = {
    {"now", 1, do_now},
    {"sanitized", 1, do_sanitized},
    {"address", 1, do_address},
    {"advertise", 2, do_advertise},
    {"claim", 2, do_claim},
    {"many", 3, do_many},
    {"unadvertise", 2, do_unadvertise},
    {"shutdown", 1, do_shutdown},
    {"exit", 1, do_exit},
    {"discover", 2, do_discover},
    {"seek", 3, do_seek},
    {"all", 1, do_all},
    {"group", 2, do_group},
    {"watch", 1, do_watch},
    {"serve", 1, do_serve},
    {"take", 1, do_take},
    {"reply", 2, do_reply},
    {"ask", 3, do_ask},
    {"send", 3, do_send},
    {"listen", 2, do_listen},
    {"hold", 2, do_hold},
    {"forge", 4, do_forge},
    {"kill", 2, do_kill},
};

static int obey(const char *line) {
    char copy[2000], *words[WORDS + 1];
    snprintf(copy, sizeof copy, "%s", line);
    int count = nw0_action_and_params(copy, words, WORDS);
    if (count <= 0 || count > WORDS) return count;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(words[0], commands[i].name) != 0 || count < commands[i].words) continue;
        if (commands[i].run(count, words) >= 0) return 0;
        int error = errno; /* nw0_error() may be asked after say(), errno may not */
        say("failed %s %s: %s", words[0], error_name(error), nw0_error());
        return -1;
    }
    say("failed: no such command: %s", line);
    return -1;
}

int main(int argc, char **argv) {
    int failures = 0;
    char line[2000];
    setvbuf(stdout, NULL, _IOLBF, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing is left running when the script is killed */
    for (int i = 1; i < argc; i++)
        if (obey(argv[i]) < 0) failures++;
    while (fgets(line, sizeof line, stdin))
        if (obey(line) < 0) failures++;
    return failures != 0;
}
