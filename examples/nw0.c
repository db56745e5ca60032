/* nw0: looks at a network from the command line: who is there, and can they be talked to?
 *     cc -I. examples/nw0.c -o nw0 -pthread
 *     nw0 -h            what it can do
 *     nw0 info          where discovery does not work: why?
 *     nw0 watch         who comes, who goes
 *
 * In this order: what it knows of the inside of nw0.h; text, time, errors; a function for each
 * command; "nw0 info", which is the longest; the table of commands, and main(). */
#define NW0_IMPLEMENTATION
#define NW0_STATIC
#include "nw0.h"
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { DONE = 0, NOT_FOUND = 1, WRONG_USAGE = 2, BROKEN = 3 }; /* how it ends, for scripts */

/* What was asked for on the command line. */
struct request {
    const struct command *command;
    const char *words[2]; /* NAME, MESSAGE ...; NULL where there is none */
    int count;
    bool json;
    double timeout;  /* seconds; less than 0: not given */
    double deadline; /* the same as a time, for now() */
};

struct command {
    const char *name, *arguments;
    int least, most; /* how many arguments */
    bool takes_json, takes_timeout;
    int (*run)(const struct request *r);
    const char *summary, *help;
};

static nw0_service services[NW0_MAX_SERVICES];
static char message[NW0_MAX_MESSAGE + 1]; /* costs nothing until something is in it */

/* A network of this machine, and how "nw0 info" fares there. */
struct network {
    char name[IF_NAMESIZE]; /* of the interface */
    uint32_t ip, mask;
    int rank;       /* 0: the best, by which the rest of the world is reached ... 3: loopback */
    bool used;      /* NW0_NETWORK allows it */
    int mouth;      /* a socket of that address, or -1 */
    uint16_t port;  /* the mouth's */
    int send_error; /* errno; 0: all was sent */
    bool came_back; /* our own broadcast */
};

/* =================================================================================================
   Behind the public functions: only here are there private names of nw0.h (nw0__...). "nw0 info"
   shows what the library sees, and so it must not have an opinion of its own on two things that
   take many lines there: which networks there are, which of them are used and which is the best;
   and what an advert is. For everything else the public functions do, or plain sockets.
   ============================================================================================== */

enum { MOST_NETWORKS = NW0__MAX_NETWORKS, DATAGRAM = NW0__DATAGRAM };

/* The networks that are up, the best first; returns how many, or -1: the system does not tell. */
static int find_networks(const char *pattern, struct network found[MOST_NETWORKS]) {
    nw0__network all[MOST_NETWORKS], used[MOST_NETWORKS];
    uint32_t route = nw0__default_ip();
    int i, k, count = nw0__networks(all, "*"), used_count = nw0__networks(used, pattern);
    for (i = 0; i < count; i++) {
        struct network *net = &found[i];
        memcpy(net->name, all[i].interface_name, sizeof net->name);
        net->ip = all[i].ip;
        net->mask = all[i].mask;
        net->rank = nw0__rank(net->ip, route);
        net->mouth = -1;
        for (k = 0; k < used_count; k++) net->used = net->used || used[k].ip == net->ip;
    }
    return count;
}

/* False: these bytes are no advert. */
static bool read_advert(const char *bytes, size_t n, nw0_service *who, double *ttl) {
    nw0__advert advert;
    if (!nw0__parse_advert(bytes, n, &advert)) return false;
    snprintf(who->name, sizeof who->name, "%.*s", NW0_NAME_SIZE - 1, advert.name);
    nw0__print_addr(advert.addr, who->address);
    *ttl = advert.ttl;
    return true;
}

/* =================================================================================================
   Text. What comes from a network may be anything, also what makes a terminal do things; so it is
   written as JSON does it: \n, \u001b.
   ============================================================================================== */

/* Reads the UTF-8 character that begins there, and its number; returns its length, 0: it is none. */
static size_t read_character(const unsigned char *s, size_t n, unsigned long *number) {
    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t i, length = s[0] < 0x80 ? 1 : s[0] < 0xC0 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    unsigned long c = length == 1 ? s[0] : s[0] & 0x7Fu >> length;
    if (length == 0 || length > n || s[0] > 0xF7) return 0;
    for (i = 1; i < length; i++) {
        if (s[i] >> 6 != 2) return 0;
        c = c << 6 | (s[i] & 0x3Fu);
    }
    *number = c;
    return c < least[length] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000) ? 0 : length;
}

/* Neither a control character nor one that turns the order of the others round. */
static bool is_harmless(unsigned long c) {
    if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return false;
    if (c == 0x061C || c == 0x200E || c == 0x200F || c == 0xFEFF) return false;
    return !(c >= 0x2028 && c <= 0x202E) && !(c >= 0x2066 && c <= 0x2069);
}

static void put_escape(FILE *out, unsigned long c) {
    static const char from[] = "\b\f\n\r\t", to[] = "bfnrt";
    const char *known = c && c < 0x20 ? strchr(from, (int)c) : NULL;
    if (known) fprintf(out, "\\%c", to[known - from]);
    else fprintf(out, "\\u%04lx", c);
}

/* Bytes that are no UTF-8 become \xff; names are never like that. */
static void put_bytes(FILE *out, const char *bytes, size_t n, bool json) {
    const unsigned char *s = (const unsigned char *)bytes;
    while (n > 0) {
        unsigned long c;
        size_t length = read_character(s, n, &c);
        if (length == 0) fprintf(out, json ? "\\u00%02x" : "\\x%02x", s[0]);
        else if (c == '\\' || (json && c == '"')) fprintf(out, "\\%c", (int)c);
        else if (is_harmless(c)) fwrite(s, 1, length, out);
        else put_escape(out, c);
        length += length == 0;
        s += length;
        n -= length;
    }
}

static void put_text(FILE *out, const char *text) {
    put_bytes(out, text, strlen(text), false);
}

/* ,"key":"text" */
static void put_member(const char *before, const char *key, const char *text) {
    printf("%s\"%s\":\"", before, key);
    put_bytes(stdout, text, strlen(text), true);
    putchar('"');
}

/* =================================================================================================
   Time and signals. Ctrl-C and kill set a flag; the waits of nw0.h then end with EINTR. A signal
   that comes just before a wait begins would not end it, and so no wait is longer than a second.
   ============================================================================================== */

static volatile sig_atomic_t ended;

static void end(int signal_number) {
    (void)signal_number;
    ended = 1;
}

/* The library says goodbye for us when main() returns, so that is how we end. A reader that has
 * gone (nw0 watch | head) is an error of the next write, not a signal. */
static void catch_signals(void) {
    static struct sigaction action;
    action.sa_handler = end;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double seconds_left(double deadline) {
    double left = deadline - now();
    return left > 0 ? left : 0;
}

static double a_second_at_most(double deadline) {
    double left = seconds_left(deadline);
    return left < 1 ? left : 1;
}

static void rest_until(double deadline) {
    while (!ended && now() < deadline) poll(NULL, 0, (int)(a_second_at_most(deadline) * 1000) + 1);
}

/* Shows a line at once, also in a pipe. Nobody can read it any more: then that is the end. */
static void end_line(void) {
    putchar('\n');
    if (fflush(stdout) == EOF) ended = 1;
}

/* ---- addresses and sockets ---- */

static bool is_loopback(uint32_t ip) {
    return ip >> 24 == 127;
}

static char *ip_text(uint32_t ip, char out[NW0_ADDRESS_SIZE]) {
    snprintf(out, NW0_ADDRESS_SIZE, "%u.%u.%u.%u", (unsigned)(ip >> 24), (unsigned)(ip >> 16 & 255),
             (unsigned)(ip >> 8 & 255), (unsigned)(ip & 255));
    return out;
}

static struct sockaddr_in address_of(uint32_t ip, uint16_t port) {
    struct sockaddr_in a;
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(ip);
    a.sin_port = htons(port);
    return a;
}

/* The library's: from the environment, if it makes sense. */
static uint16_t discovery_port(void) {
    const char *text = getenv("NW0_PORT");
    bool number = text && strlen(text) <= 5 && strspn(text, "0123456789") == strlen(text);
    long port = number && text[0] != '0' ? atol(text) : 0;
    return port > 0 && port <= 65535 ? (uint16_t)port : NW0_PORT;
}

/* -1: errno says why. */
static int open_socket(uint32_t ip, uint16_t port, int option) {
    int yes = 1, fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in a = address_of(ip, port);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, option, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) == 0) return fd;
    close(fd); /* which leaves errno as it is */
    return -1;
}

/* Where adverts are heard; programs share it, if each of them says so. */
static int open_ear(uint16_t port) {
#ifdef __linux__
    return open_socket(0, port, SO_REUSEADDR);
#else
    return open_socket(0, port, SO_REUSEPORT);
#endif
}

/* =================================================================================================
   Who holds a UDP port? Linux tells in two steps: /proc/net/udp has the number (inode) of each
   socket and its port, and /proc/PID/fd what each program has open.
   ============================================================================================== */

enum { SOCKETS = 64, HEARD = 500 }; /* so many of each at most */

static bool is_among(unsigned long inode, const unsigned long inodes[], int count) {
    while (count > 0 && inodes[count - 1] != inode) count--;
    return count > 0;
}

/* Adds the sockets of one table at a port, as far as they are not there yet. */
static int add_sockets(const char *table, unsigned port, unsigned long inodes[SOCKETS], int count) {
    static const char columns[] = "%*d: %*[0-9A-Fa-f]:%x %*s %*s %*s %*s %*s %*s %*s %lu";
    char line[512];
    unsigned at;
    unsigned long inode;
    FILE *f = fopen(table, "r");
    if (!f) return count;
    while (count < SOCKETS && fgets(line, sizeof line, f))
        if (sscanf(line, columns, &at, &inode) == 2 && at == port &&
            !is_among(inode, inodes, count))
            inodes[count++] = inode;
    fclose(f);
    return count;
}

/* The tables are no snapshots: while others open and close sockets, a look leaves out one in a
 * hundred. So we look several times. */
static int sockets_at(unsigned port, unsigned long inodes[SOCKETS]) {
    int looks, count = 0;
    for (looks = 0; looks < 5; looks++) {
        count = add_sockets("/proc/net/udp", port, inodes, count);
        count = add_sockets("/proc/net/udp6", port, inodes, count);
    }
    return count;
}

/* Is it one of these sockets? path: /proc/1234/fd/5, a link to "socket:[98765]". */
static bool is_socket(const char *path, const unsigned long inodes[], int count) {
    char target[64];
    unsigned long inode;
    ssize_t n = readlink(path, target, sizeof target - 1);
    target[n > 0 ? n : 0] = '\0';
    return sscanf(target, "socket:[%lu]", &inode) == 1 && is_among(inode, inodes, count);
}

static void put_process(FILE *out, long process) {
    char path[64], name[64] = "";
    FILE *f;
    snprintf(path, sizeof path, "/proc/%ld/comm", process);
    f = fopen(path, "r");
    put_text(out, f && fscanf(f, "%63[^\n]", name) == 1 ? name : "a program");
    if (f) fclose(f);
    fprintf(out, " (process %ld)", process);
}

/* "chat_join (process 1234), python3 (process 5678)" */
static void put_holders(FILE *out, unsigned port) {
    unsigned long inodes[SOCKETS];
    int count = sockets_at(port, inodes);
    long process, shown = 0;
    glob_t fds; /* those of other users are not in it */
    size_t i;
    if (glob("/proc/[0-9]*/fd/*", GLOB_NOSORT, NULL, &fds) != 0) fds.gl_pathc = 0;
    for (i = 0; i < fds.gl_pathc; i++) {
        process = atol(fds.gl_pathv[i] + strlen("/proc/"));
        if (process == shown || process == (long)getpid()) continue;
        if (!is_socket(fds.gl_pathv[i], inodes, count)) continue;
        if (shown) fputs(", ", out);
        put_process(out, process);
        shown = process;
    }
    if (fds.gl_pathc > 0) globfree(&fds);
    if (!shown) fputs("a program that does not show itself to this user", out);
}

/* ---- errors ---- */

static int complain(const char *what) {
    fputs("nw0: ", stderr);
    put_text(stderr, what);
    fputc('\n', stderr);
    return BROKEN;
}

/* What nw0.h says, and the status that fits. */
static int failed(void) {
    int error = errno;
    if (ended && (error == EINTR || error == ETIMEDOUT)) return DONE;
    complain(nw0_error());
    if (error == EINVAL || error == ENAMETOOLONG) return WRONG_USAGE;
    return error == ETIMEDOUT || error == EHOSTUNREACH ? NOT_FOUND : BROKEN;
}

/* A wait of a second has brought nothing, which is no error. */
static bool nothing_yet(void) {
    return errno == ETIMEDOUT || errno == EINTR;
}

/* Without an ear we can ask, but not overhear: that should be known to whoever reads a list. */
static void warn_if_deaf(void) {
    uint16_t port = discovery_port();
    int ear = open_ear(port);
    if (ear >= 0) close(ear);
    if (ear >= 0) return;
    fprintf(stderr, "nw0: UDP port %u is not shared by ", (unsigned)port);
    put_holders(stderr, port);
    fputs(": only answers are heard, see nw0 info\n", stderr);
}

/* ---- the commands ---- */

/* "2026-01-31T12:59:59.123Z" in JSON; for people, the clock on the wall. */
static void put_time(bool json) {
    struct timespec t;
    struct tm parts;
    char text[40];
    clock_gettime(CLOCK_REALTIME, &t);
    if (json) gmtime_r(&t.tv_sec, &parts);
    else localtime_r(&t.tv_sec, &parts);
    strftime(text, sizeof text, json ? "%Y-%m-%dT%H:%M:%S" : "%H:%M:%S", &parts);
    if (json) printf("{\"time\":\"%s.%03ldZ\"", text, (long)t.tv_nsec / 1000000);
    else printf("%s  ", text);
}

/* A service; or that it joined or left just now, if there is an event. */
static void show(const struct request *r, const char *event, const nw0_service *who) {
    if (event) put_time(r->json);
    if (r->json) {
        if (event) put_member(",", "event", event);
        put_member(event ? "," : "{", "name", who->name);
        put_member(",", "address", who->address);
        putchar('}');
    } else {
        if (event) printf("%-6s  ", event);
        printf("%-21s  ", who->address);
        put_text(stdout, who->name);
    }
    end_line();
}

static int known_services(const char *group) {
    if (!group) return nw0_discover_all(0, services, NW0_MAX_SERVICES);
    return nw0_discover_group(group, NULL, NULL, services, NW0_MAX_SERVICES);
}

static int list(const struct request *r) {
    const char *group = r->words[0];
    int i, count = known_services(group);
    if (count < 0) return failed();
    if (r->timeout >= 0) rest_until(r->deadline);
    count = known_services(group);
    if (count < 0) return failed();
    warn_if_deaf();
    for (i = 0; i < count && i < NW0_MAX_SERVICES; i++) show(r, NULL, &services[i]);
    if (count == 0) complain("nobody was heard: see nw0 info");
    return count > 0 ? DONE : NOT_FOUND;
}

static int watch(const struct request *r) {
    nw0_service who;
    int count = 0;
    bool warned = false;
    catch_signals();
    while (!ended && now() < r->deadline) {
        int change = nw0_wait_for_change(r->words[0], NULL, services, &count, NW0_MAX_SERVICES,
                                         &who, a_second_at_most(r->deadline));
        if (change < 0 && !nothing_yet()) return failed();
        if (change > 0) show(r, change == NW0_JOINED ? "joined" : "left", &who);
        if (!warned) warn_if_deaf();
        warned = true;
    }
    return DONE;
}

/* Takes a name that nobody has. */
static int take_name(const struct request *r, const char *address, nw0_service *me) {
    catch_signals();
    if (nw0_advertise_ex(r->words[0], address, true, NW0_ADVERT_TTL_S, me) < 0) return failed();
    fputs("nw0: ", stderr);
    put_text(stderr, me->name);
    fprintf(stderr, " is at %s\n", me->address);
    return DONE;
}

static int advertise(const struct request *r) {
    nw0_service me;
    int status = take_name(r, r->words[1], &me);
    if (status != DONE) return status;
    warn_if_deaf();
    rest_until(r->deadline);
    return DONE;
}

/* Where a name is; or an address itself ("ip:port"), for those whose discovery does not work. */
static int find(const char *name, double wait_for_s, nw0_service *service) {
    bool number = strchr(name, ':') && name[strspn(name, "0123456789.:")] == '\0';
    if (number && nw0_address(name, service->address) == 0) return 0;
    return nw0_discover(name, wait_for_s, service);
}

static int send_message(const struct request *r) {
    double wait = r->timeout < 0 ? 5 : r->timeout, deadline = now() + wait;
    nw0_service service;
    ssize_t n;
    if (find(r->words[0], wait, &service) < 0) return failed();
    n = nw0_send_message_to(service.address, r->words[1], NW0_TEXT, message, sizeof message,
                            seconds_left(deadline));
    if (n < 0) return failed();
    put_bytes(stdout, message, (size_t)n, false);
    if (n > 0) end_line();
    return DONE;
}

static int serve(const struct request *r) {
    nw0_service me;
    int status = take_name(r, NULL, &me);
    if (status != DONE) return status;
    while (!ended && now() < r->deadline) {
        const char *reply = r->words[1];
        ssize_t n = nw0_wait_for_message_from(me.address, message, sizeof message,
                                              a_second_at_most(r->deadline), !reply);
        if (n < 0 && nothing_yet()) continue;
        if (n < 0) return failed();
        put_bytes(stdout, message, (size_t)n, false);
        end_line();
        if (reply && nw0_send_reply_to(me.address, reply, NW0_TEXT) < 0) complain(nw0_error());
    }
    return DONE;
}

/* A publisher that was started again has another address: follow the name, once all is read that
 * the old one has sent. */
static void follow(const char *name, nw0_service *from) {
    nw0_service service;
    if (find(name, 0, &service) < 0 || strcmp(service.address, from->address) == 0) return;
    nw0_close(from->address);
    *from = service;
}

static int news(const struct request *r) {
    char topic[NW0_NAME_SIZE];
    double silence = r->timeout < 0 ? 1e9 : r->timeout, deadline;
    nw0_service from;
    catch_signals();
    if (find(r->words[0], r->timeout < 0 ? 5 : r->timeout, &from) < 0) return failed();
    for (deadline = now() + silence; !ended;) {
        ssize_t n = nw0_wait_for_news_from(from.address, r->words[1], topic, message,
                                           sizeof message, a_second_at_most(deadline));
        if (n >= 0) {
            put_text(stdout, topic);
            putchar('\t');
            put_bytes(stdout, message, (size_t)n, false);
            end_line();
            deadline = now() + silence;
        } else if (!nothing_yet() || now() >= deadline) {
            return failed();
        } else {
            follow(r->words[0], &from);
        }
    }
    return DONE;
}

#define LONGEST_LINE ((size_t)65536) /* a longer one is published in pieces */

/* Lines from standard input, which may come slowly. */
struct input {
    char text[LONGEST_LINE + 1];
    size_t used;
    bool closed;
};

/* Waits for more of it; a second at most, as for everything. */
static void read_more(struct input *in) {
    struct pollfd p = {STDIN_FILENO, POLLIN, 0};
    ssize_t n;
    if (poll(&p, 1, 1000) <= 0) return;
    n = read(STDIN_FILENO, in->text + in->used, sizeof in->text - in->used);
    if (n > 0) in->used += (size_t)n;
    else if (n == 0 || errno != EINTR) in->closed = true;
}

/* Publishes the first line, without its end; false: there is no whole line yet. */
static bool publish_line(const char *address, const char *topic, struct input *in, int *status) {
    char *newline = (char *)memchr(in->text, '\n', in->used);
    size_t most = in->used < LONGEST_LINE ? in->used : LONGEST_LINE;
    size_t n = newline ? (size_t)(newline - in->text) : most, taken = newline ? n + 1 : n;
    if (!newline && (in->used == 0 || (in->used < sizeof in->text && !in->closed))) return false;
    if (nw0_send_news_to(address, topic, in->text, n) < 0) *status = failed();
    in->used -= taken;
    memmove(in->text, in->text + taken, in->used);
    return true;
}

static int publish(const struct request *r) {
    static struct input in;
    nw0_service me;
    int status = take_name(r, NULL, &me);
    if (status != DONE) return status;
    while (!ended && nw0_wait_for_subscribers(me.address, 1, a_second_at_most(r->deadline)) < 0)
        if (!nothing_yet() || now() >= r->deadline) return failed();
    while (status == DONE && !ended) {
        if (publish_line(me.address, r->words[1], &in, &status)) continue;
        if (in.closed) break;
        read_more(&in);
    }
    return status;
}

/* =================================================================================================
   nw0 info. It does by itself what discovery does (an ear, a mouth for each network, a question to
   everybody) because it wants to see what discovery does not show: what cannot be sent, and whether
   the own broadcasts come back, as they do where nothing swallows them.
   ============================================================================================== */

/* A service, and how it was heard. */
struct heard {
    nw0_service who;
    uint32_t ip;                            /* where that came from */
    bool is_networkzero, shouted, answered; /* by broadcast; straight to us */
};

static struct survey {
    uint16_t port;
    const char *pattern; /* NW0_NETWORK */
    double seconds;
    int ear, ear_error;
    struct network networks[MOST_NETWORKS];
    struct heard heard[HEARD];
    int network_count, heard_count, strange_count, nonsense_count;
    uint32_t strange_from, nonsense_from;
} survey;

static int prefix_length(uint32_t mask) {
    int bits = 0;
    while (bits < 32 && (mask << bits & 0x80000000u)) bits++;
    return bits;
}

static bool is_wireless(const char *interface_name) {
    char path[64];
    snprintf(path, sizeof path, "/sys/class/net/%s/wireless", interface_name);
    return access(path, F_OK) == 0;
}

/* ---- the sockets ---- */

static void open_mouth(struct network *net) {
    struct sockaddr_in a;
    socklen_t size = sizeof a;
    if (!net->used) return;
    net->mouth = open_socket(net->ip, 0, SO_BROADCAST);
    if (net->mouth < 0 || getsockname(net->mouth, (struct sockaddr *)&a, &size) < 0)
        net->send_error = errno;
    else net->port = ntohs(a.sin_port);
}

/* The environment, the networks, the sockets. */
static int look_around(struct survey *s) {
    const char *pattern = getenv("NW0_NETWORK");
    int i;
    s->port = discovery_port();
    s->pattern = pattern && *pattern ? pattern : "*";
    s->network_count = find_networks(s->pattern, s->networks);
    for (i = 0; i < s->network_count; i++) open_mouth(&s->networks[i]);
    return s->network_count;
}

/* ---- what can be said before anything was heard ---- */

static uint32_t broadcast_of(const struct network *net) {
    return is_loopback(net->ip) ? 0x7FFFFFFF : net->ip | ~net->mask;
}

static void show_network(const struct survey *s, const struct network *net) {
    char text[NW0_ADDRESS_SIZE];
    printf("  %s  %s/%d", net->name, ip_text(net->ip, text), prefix_length(net->mask));
    if (net->used) printf(", broadcasts to %s", ip_text(broadcast_of(net), text));
    else printf(", not used: NW0_NETWORK=%s", s->pattern);
    if (is_wireless(net->name)) printf(", wireless");
    end_line();
}

/* The system knows interfaces that have no address. */
static void show_idle_interfaces(const struct survey *s) {
    struct ifaddrs *all, *i;
    if (getifaddrs(&all) < 0) return;
    for (i = all; i; i = i->ifa_next) {
        int k = 0, family = i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC;
        if (family == AF_INET || family == AF_INET6) continue;
        while (k < s->network_count && strcmp(s->networks[k].name, i->ifa_name) != 0) k++;
        if (k < s->network_count) continue;
        printf("  %s  %s\n", i->ifa_name, i->ifa_flags & IFF_UP ? "no IPv4 address" : "down");
    }
    freeifaddrs(all);
}

static void show_interfaces(const struct survey *s) {
    int i;
    puts("interfaces");
    for (i = 0; i < s->network_count; i++) show_network(s, &s->networks[i]);
    show_idle_interfaces(s);
}

/* The first that may be used; they are sorted, the best first. */
static const struct network *best_network(const struct survey *s) {
    int i;
    for (i = 0; i < s->network_count; i++)
        if (s->networks[i].used) return &s->networks[i];
    return NULL;
}

static const char *why_best(const struct network *net) {
    switch (net->rank) {
    case 0: return "the way to the rest of the world leaves by it";
    case 1: return "no way leads to the rest of the world, so it is the first network";
    case 2: return "nobody gave this machine an address, so it chose one";
    }
    return "there is no other network, and only this machine can reach it";
}

static void show_address(const struct survey *s) {
    const struct network *best = best_network(s);
    char text[NW0_ADDRESS_SIZE];
    puts("address");
    if (best) printf("  %s: %s", ip_text(best->ip, text), why_best(best));
    else printf("  none: no interface can be used");
    if (best && strcmp(s->pattern, "*") != 0) printf(" (NW0_NETWORK=%s)", s->pattern);
    putchar('\n');
}

/* For whoever writes the rules of a firewall. */
static void show_ports(const struct survey *s) {
    unsigned low, high;
    FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");
    puts("ports");
    printf("  UDP %u: adverts and questions, by broadcast\n", (unsigned)s->port);
    if (f && fscanf(f, "%u %u", &low, &high) == 2)
        printf("  UDP %u to %u: answers, one port a program and network\n"
               "  TCP %u to %u: messages and news, where no port was chosen\n",
               low, high, low, high);
    if (f) fclose(f);
}

static void show_ear(const struct survey *s) {
    unsigned long inodes[SOCKETS];
    bool shared = s->ear >= 0 && sockets_at(s->port, inodes) > 1; /* ours is one of them */
    puts("ear");
    printf("  UDP %u ", (unsigned)s->port);
    if (s->ear < 0) printf("cannot be opened (%s)", strerror(s->ear_error));
    else fputs(shared ? "is open, together with " : "is open", stdout);
    if (s->ear_error == EADDRINUSE) fputs("; it is held by ", stdout);
    if (s->ear_error == EADDRINUSE || shared) put_holders(stdout, s->port);
    end_line();
}

/* ---- asking and listening ---- */

static void shout(struct network *net, uint16_t port, const char *text, size_t n, uint32_t ip) {
    struct sockaddr_in a = address_of(ip, port);
    if (sendto(net->mouth, text, n, MSG_DONTWAIT, (struct sockaddr *)&a, sizeof a) < 0)
        net->send_error = errno;
}

/* Who is there? */
static void ask_everybody(struct survey *s) {
    char text[DATAGRAM], ip[NW0_ADDRESS_SIZE];
    int i, n;
    for (i = 0; i < s->network_count; i++) {
        struct network *net = &s->networks[i];
        if (net->mouth < 0) continue;
        n = snprintf(text, sizeof text, "[\"?\",\"%s:%u\",0]", ip_text(net->ip, ip),
                     (unsigned)net->port);
        if (!is_loopback(net->ip)) shout(net, s->port, text, (size_t)n, 0xFFFFFFFF);
        if (is_loopback(net->ip) || ~net->mask > 1)
            shout(net, s->port, text, (size_t)n, broadcast_of(net));
    }
}

static bool is_on(const struct network *net, uint32_t ip) {
    return ((net->ip ^ ip) & net->mask) == 0;
}

static bool is_of_this_machine(const struct survey *s, uint32_t ip) {
    int i;
    for (i = 0; i < s->network_count; i++)
        if (s->networks[i].ip == ip) return true;
    return is_loopback(ip);
}

/* Was it our own question? Then it has come back. */
static bool came_back(struct survey *s, uint32_t ip, uint16_t port) {
    int i;
    for (i = 0; i < s->network_count; i++)
        if (ip == s->networks[i].ip && port == s->networks[i].port)
            return s->networks[i].came_back = true;
    return false;
}

static bool is_strange(const struct survey *s, uint32_t ip) {
    int i;
    for (i = 0; i < s->network_count; i++)
        if (is_on(&s->networks[i], ip)) return false;
    return true;
}

static struct heard *note_service(struct survey *s, const nw0_service *who) {
    struct heard *h = s->heard, *last = s->heard + s->heard_count;
    while (h < last && (strcmp(h->who.name, who->name) || strcmp(h->who.address, who->address)))
        h++;
    if (h == s->heard + HEARD) return NULL;
    if (h == last) s->heard_count++;
    h->who = *who;
    return h;
}

static void note(struct survey *s, const char *bytes, size_t n, uint32_t ip, uint16_t port,
                 bool shouted) {
    struct heard *h;
    nw0_service who;
    double ttl;
    if (came_back(s, ip, port)) return;
    if (is_strange(s, ip)) {
        s->strange_count++;
        s->strange_from = ip;
    } else if (!read_advert(bytes, n, &who, &ttl)) {
        s->nonsense_count++;
        s->nonsense_from = ip;
    } else if (ttl > 0 && (h = note_service(s, &who)) != NULL) {
        if (!h->shouted && !h->answered) h->ip = ip, h->is_networkzero = port == s->port;
        if (shouted) h->shouted = true;
        else h->answered = true;
    }
}

static void read_all(struct survey *s, int fd, bool shouted) {
    char bytes[DATAGRAM + 1]; /* so that one that is too long is seen to be */
    struct sockaddr_in a;
    socklen_t size = sizeof a;
    int i;
    for (i = 0; i < 1000; i++) {
        ssize_t n = recvfrom(fd, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&a, &size);
        if (n < 0) return;
        note(s, bytes, (size_t)n, ntohl(a.sin_addr.s_addr), ntohs(a.sin_port), shouted);
    }
}

static void listen_until(struct survey *s, double deadline) {
    struct pollfd fds[MOST_NETWORKS + 1];
    int i, count = s->network_count;
    for (i = 0; i < count; i++) fds[i].fd = s->networks[i].mouth;
    fds[count].fd = s->ear;
    for (i = 0; i <= count; i++) fds[i].events = POLLIN;
    while (!ended && now() < deadline) {
        if (poll(fds, (nfds_t)count + 1, (int)(a_second_at_most(deadline) * 1000) + 1) <= 0)
            continue;
        for (i = 0; i <= count; i++)
            if (fds[i].fd >= 0 && fds[i].revents) read_all(s, fds[i].fd, i == count);
    }
}

/* Asks three times, because a broadcast may be lost. */
static void listen_and_ask(struct survey *s) {
    double begin = now();
    int i;
    for (i = 1; i <= 3; i++) {
        ask_everybody(s);
        listen_until(s, begin + s->seconds * i / 3);
    }
}

static const char *how_heard(const struct heard *h) {
    if (h->is_networkzero) return "NetworkZero";
    if (h->shouted && h->answered) return "adverts and answers";
    return h->shouted ? "adverts only" : "answers only";
}

static void show_heard(const struct survey *s) {
    int i;
    printf("heard within %g s\n", s->seconds);
    for (i = 0; i < s->heard_count; i++) {
        const struct heard *h = &s->heard[i];
        printf("  %-21s  ", h->who.address);
        put_text(stdout, h->who.name);
        if (is_of_this_machine(s, h->ip)) printf("  (this machine, %s)\n", how_heard(h));
        else printf("  (%s)\n", how_heard(h));
    }
    if (s->heard_count == 0) puts("  nobody");
}

/* ---- what is unusual: each function says how many things it found ---- */

static int judge_address(const struct survey *s) {
    const struct network *best = best_network(s);
    if (!best && s->network_count > 0)
        return printf("  NW0_NETWORK=%s fits no address of this machine\n", s->pattern), 1;
    if (!best) return puts("  no network: no interface is up, not even lo"), 1;
    if (strcmp(s->pattern, "*") != 0)
        return printf("  NW0_NETWORK=%s: what else there is, is not used\n", s->pattern), 1;
    if (is_loopback(best->ip))
        return puts("  no network: only programs on this machine can find each other"), 1;
    if (best->ip >> 16 == 0xA9FE)
        return puts("  no address was given to this machine (DHCP): others may not reach it"), 1;
    return 0;
}

static int judge_ear(const struct survey *s) {
    if (s->ear >= 0) return 0;
    if (s->ear_error != EADDRINUSE)
        return printf("  UDP %u: %s\n", (unsigned)s->port, strerror(s->ear_error)), 1;
    printf("  UDP %u is not shared: neither adverts nor questions are heard here, only answers of"
           "\n    other machines; end the program that holds it, or give all another port "
           "(NW0_PORT)\n",
           (unsigned)s->port);
    return 1;
}

/* A tunnel, for instance, has none. */
static bool has_broadcasts(const struct network *net) {
    struct ifreq question;
    memset(&question, 0, sizeof question);
    memcpy(question.ifr_name, net->name, sizeof question.ifr_name);
    if (net->mouth < 0 || ioctl(net->mouth, SIOCGIFFLAGS, &question) < 0) return true;
    return (question.ifr_flags & (IFF_BROADCAST | IFF_LOOPBACK)) != 0;
}

static int judge_sending(const struct survey *s, const struct network *net) {
    const char *name = net->name;
    if (!has_broadcasts(net))
        return printf("  %s: has no broadcasts (a tunnel?): nobody is found through it\n", name), 1;
    if (net->send_error == EPERM)
        return printf("  %s: a firewall on this machine forbids to send broadcasts\n", name), 1;
    if (net->send_error)
        return printf("  %s: broadcasts cannot be sent (%s)\n", name, strerror(net->send_error)), 1;
    if (s->ear < 0 || net->came_back) return 0;
    printf("  %s: our own broadcasts do not come back: a firewall on this machine swallows them\n"
           "    (let UDP port %u in)\n",
           name, (unsigned)s->port);
    return 1;
}

/* How many services of other machines on a network were heard: altogether, and by which way. */
static int others_on(const struct survey *s, const struct network *net, int *shouted, int *answered,
                     int *silent) {
    int i, count = 0;
    *shouted = *answered = *silent = 0;
    for (i = 0; i < s->heard_count; i++) {
        const struct heard *h = &s->heard[i];
        if (!is_on(net, h->ip) || is_of_this_machine(s, h->ip)) continue;
        count++;
        *shouted += h->shouted;
        *answered += h->answered;
        *silent += !h->answered && !h->is_networkzero; /* NetworkZero never answers */
    }
    return count;
}

static int judge_silence(const struct network *net) {
    const char *radio =
        ", and does the access point let its\n    clients talk to each other (guest "
        "networks do not)";
    const char *cable = ", a VLAN\n    or an access point that keeps its clients apart";
    printf("  %s: no other machine was heard. If there should be one: is its program running, on\n"
           "    the same network (address and netmask), and not behind a firewall%s?\n",
           net->name, is_wireless(net->name) ? radio : cable);
    return 1;
}

/* Adverts go out every two seconds, so three without one say something. */
static int judge_hearing(const struct survey *s, const struct network *net) {
    int shouted, answered, silent;
    if (others_on(s, net, &shouted, &answered, &silent) == 0) return judge_silence(net);
    if (s->ear >= 0 && shouted == 0 && s->seconds > NW0_ADVERT_INTERVAL_S)
        printf("  %s: others answer, but their broadcasts do not arrive: a firewall here, or an\n"
               "    access point, swallows them\n",
               net->name);
    else if (silent > 0 && answered == 0)
        printf("  %s: adverts arrive, but no answers: a firewall, here or there, swallows what is "
               "sent\n    straight to a program\n",
               net->name);
    else return 0;
    return 1;
}

static int judge_network(const struct survey *s, const struct network *net) {
    int count = net->used ? judge_sending(s, net) : 0;
    if (!net->used || count > 0 || is_loopback(net->ip)) return count;
    return judge_hearing(s, net);
}

static int judge_senders(const struct survey *s) {
    char text[NW0_ADDRESS_SIZE];
    if (s->strange_count > 0)
        printf("  %s is heard, but on no network of ours: its address or a netmask is wrong\n",
               ip_text(s->strange_from, text));
    if (s->nonsense_count > 0)
        printf("  %d datagrams were no adverts, the last from %s: another program uses UDP %u\n",
               s->nonsense_count, ip_text(s->nonsense_from, text), (unsigned)s->port);
    return s->strange_count + s->nonsense_count;
}

static void show_unusual(const struct survey *s) {
    int i, count;
    puts("unusual");
    count = judge_address(s) + judge_ear(s);
    for (i = 0; i < s->network_count; i++) count += judge_network(s, &s->networks[i]);
    count += judge_senders(s);
    if (count == 0) puts("  nothing");
}

static int info(const struct request *r) {
    struct survey *s = &survey;
    catch_signals();
    s->seconds = r->timeout < 0 ? 3 : r->timeout;
    if (look_around(s) < 0) return complain("this system does not tell its networks");
    s->ear = open_ear(s->port);
    s->ear_error = s->ear < 0 ? errno : 0;
    show_interfaces(s);
    show_address(s);
    show_ports(s);
    show_ear(s);
    listen_and_ask(s);
    show_heard(s);
    show_unusual(s);
    return DONE;
}

/* ---- the command line ---- */

static const struct command commands[] = {
    {"list", "[GROUP]", 0, 1, true, true, list, "who is there",
     "Prints the address and the name of each service, or of those in GROUP (chat/alice is in\n"
     "chat). Services of nw0.h answer within half a second; those of NetworkZero only speak from\n"
     "time to time: --timeout 3 listens longer.\n"},
    {"watch", "[GROUP]", 0, 1, true, true, watch, "who joins and leaves",
     "Prints a line with the time when a service joins or leaves, those first that are there,\n"
     "until Ctrl-C or for --timeout seconds.\n"},
    {"advertise", "NAME [ADDRESS]", 1, 2, false, true, advertise, "makes a service known",
     "Makes NAME known, until Ctrl-C or for --timeout seconds. ADDRESS is that of any program:\n"
     "8080, 192.168.1.5:8080, 192.168.*:8080, pi:8080.\n"},
    {"send", "NAME MESSAGE", 2, 2, false, true, send_message, "sends a message, prints the answer",
     "Sends MESSAGE to NAME, which may also be an address such as 192.168.1.5:8080, and prints\n"
     "the answer. --timeout is for finding and answering together (5).\n"},
    {"serve", "NAME [REPLY]", 1, 2, false, true, serve, "prints the messages that come",
     "Makes NAME known, prints each message and answers it with REPLY (or with nothing), until\n"
     "Ctrl-C or for --timeout seconds.\n"},
    {"news", "NAME [PREFIX]", 1, 2, false, true, news, "prints news",
     "Prints the topic and the data of news from NAME (or an address) whose topic begins with\n"
     "PREFIX, until Ctrl-C. --timeout: for how long NAME (5) and then news may fail to come.\n"},
    {"publish", "NAME TOPIC", 2, 2, false, true, publish, "publishes lines as news",
     "Makes NAME known, waits for a subscriber, at most --timeout seconds, and publishes each\n"
     "line of standard input as news about TOPIC.\n"},
    {"info", "", 0, 0, false, true, info, "what may be wrong with this network",
     "Shows the interfaces, the address that services get, the ports, who holds the port of\n"
     "discovery, who is heard within three seconds (--timeout), and what is unusual.\n"},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static int help(FILE *out) {
    int i;
    fputs("usage: nw0 COMMAND [ARGUMENT...] [OPTION...]\n", out);
    for (i = 0; i < COMMANDS; i++)
        fprintf(out, "  nw0 %-9s %-16s %s\n", commands[i].name, commands[i].arguments,
                commands[i].summary);
    fputs("options: -h (for each command), --timeout SECONDS, --json (list, watch), --version\n"
          "status: 0 done, 1 not found or no answer in time, 2 wrong usage, 3 something broke\n"
          "environment: NW0_PORT=9999, NW0_NETWORK=192.168.4.*, NW0_DEBUG=1\n",
          out);
    return out == stdout ? DONE : WRONG_USAGE;
}

static int usage_of(const struct command *c, FILE *out) {
    fprintf(out, "usage: nw0 %s%s%s%s%s\n", c->name, *c->arguments ? " " : "", c->arguments,
            c->takes_json ? " [--json]" : "", c->takes_timeout ? " [--timeout SECONDS]" : "");
    if (out != stdout) return WRONG_USAGE;
    fputs(c->help, out);
    return DONE;
}

static const struct command *find_command(const char *name) {
    int i;
    for (i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0) return &commands[i];
    return NULL;
}

/* Seconds, such as 3 or 0.5. */
static bool parse_timeout(const char *text, double *seconds) {
    if (!text || !*text || strlen(text) > 9 || text[strspn(text, "0123456789.")]) return false;
    if (strchr(text, '.') != strrchr(text, '.') || strcmp(text, ".") == 0) return false;
    *seconds = atof(text);
    return true;
}

/* One option; *next is the word after it, which it may take. */
static bool parse_option(struct request *r, const char *option, char ***next) {
    const struct command *c = r->command;
    if (strcmp(option, "--json") == 0 && c->takes_json) return r->json = true;
    if (strncmp(option, "--timeout", 9) != 0 || !c->takes_timeout) return false;
    if (option[9] == '=') return parse_timeout(option + 10, &r->timeout);
    return option[9] == '\0' && parse_timeout(**next, &r->timeout) && ++*next;
}

/* The words after the command. false: not as they should be. */
static bool parse_words(struct request *r, char **words, bool *wants_help) {
    bool options = true;
    while (*words) {
        const char *word = *words++;
        if (options && strcmp(word, "--") == 0) options = false;
        else if (options && (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0))
            return *wants_help = true;
        else if (options && word[0] == '-' && word[1]) {
            if (!parse_option(r, word, &words)) return false;
        } else {
            if (r->count == r->command->most) return false;
            r->words[r->count++] = word;
        }
    }
    return r->count >= r->command->least;
}

/* What was printed must have arrived: a full disk is an error too. */
static int finish(int status) {
    if (fflush(stdout) == EOF || ferror(stdout)) return complain("the output cannot be written");
    return status;
}

/* Where one of the first three descriptors is closed, a socket would take its place, and be written
 * to as if it were the terminal. */
static void keep_the_first_three(void) {
    int fd;
    for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);
}

int main(int argc, char **argv) {
    struct request r = {NULL, {NULL, NULL}, 0, false, -1, 0};
    bool wants_help = false;
    const char *name = argc > 1 ? argv[1] : "";
    signal(SIGPIPE, SIG_IGN);
    keep_the_first_three();
    if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0) return finish(help(stdout));
    if (strcmp(name, "--version") == 0) return puts("nw0 " NW0_VERSION), finish(DONE);
    r.command = find_command(name);
    if (!r.command) return help(stderr);
    if (!parse_words(&r, argv + 2, &wants_help)) return usage_of(r.command, stderr);
    if (wants_help) return finish(usage_of(r.command, stdout));
    r.deadline = now() + (r.timeout < 0 ? 1e9 : r.timeout);
    return finish(r.command->run(&r));
}
