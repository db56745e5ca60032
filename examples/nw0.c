/* nw0: looks at a network from the command line: who is there, and can they be talked to?
 *     cc -I. examples/nw0.c -o nw0 -pthread
 *     nw0 -h            what it can do
 *     nw0 info          where discovery does not work: why?
 *     nw0 watch         who comes, who goes
 *
 * In this order: text, time, errors; a function for each command; "nw0 info", which is the longest
 * and the only one that looks behind the public functions of nw0.h; the table of commands, and
 * main(). */
#define NW0_IMPLEMENTATION
#define NW0_STATIC
#include "nw0.h"
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* =================================================================================================
   Text. What comes from a network may be anything, also what makes a terminal do things; so it is
   written as JSON does it: \n, \u001b.
   ============================================================================================== */

/* The number of a UTF-8 character. */
static unsigned long code_point(const unsigned char *s, size_t length) {
    static const unsigned char first[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    unsigned long c = s[0] & first[length];
    size_t i;
    for (i = 1; i < length; i++) c = c << 6 | (s[i] & 0x3Fu);
    return c;
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
        size_t length = nw0__utf8_char(s, n);
        unsigned long c = length ? code_point(s, length) : 0;
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
    struct sigaction action;
    memset(&action, 0, sizeof action);
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

static bool is_over(const struct request *r) {
    return ended || now() >= r->deadline;
}

/* =================================================================================================
   Errors
   ============================================================================================== */

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

static void put_holders(FILE *out, unsigned port);

/* Without an ear we can ask, but not overhear: that should be known to whoever reads a list. */
static void warn_if_deaf(void) {
    bool deaf;
    unsigned port;
    nw0__lock();
    deaf = nw0__discovery.running && nw0__discovery.ear < 0;
    port = nw0__library.port;
    nw0__unlock();
    if (!deaf) return;
    fprintf(stderr, "nw0: UDP port %u is not shared by ", port);
    put_holders(stderr, port);
    fputs(": only answers are heard, see nw0 info\n", stderr);
}

/* =================================================================================================
   The commands
   ============================================================================================== */

static void show_service(const struct request *r, const nw0_service *s) {
    if (r->json) {
        put_member("{", "name", s->name);
        put_member(",", "address", s->address);
        putchar('}');
    } else {
        printf("%-21s  ", s->address);
        put_text(stdout, s->name);
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
    for (i = 0; i < count && i < NW0_MAX_SERVICES; i++) show_service(r, &services[i]);
    if (count == 0) complain("nobody was heard: see nw0 info");
    return count > 0 ? DONE : NOT_FOUND;
}

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

static void show_change(const struct request *r, int change, const nw0_service *who) {
    const char *event = change == NW0_JOINED ? "joined" : "left";
    put_time(r->json);
    if (r->json) {
        put_member(",", "event", event);
        put_member(",", "name", who->name);
        put_member(",", "address", who->address);
        putchar('}');
    } else {
        printf("%-6s  %-21s  ", event, who->address);
        put_text(stdout, who->name);
    }
    end_line();
}

static int watch(const struct request *r) {
    nw0_service who;
    int count = 0;
    bool warned = false;
    catch_signals();
    while (!is_over(r)) {
        int change = nw0_wait_for_change(r->words[0], NULL, services, &count, NW0_MAX_SERVICES,
                                         &who, a_second_at_most(r->deadline));
        if (change < 0 && !nothing_yet()) return failed();
        if (change > 0) show_change(r, change, &who);
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

/* Where a name is; or an address itself, for those whose discovery does not work. */
static int find(const char *name, double wait_for_s, nw0_service *service) {
    nw0__place place;
    if (!nw0__parse_place(name, &place)) return nw0_discover(name, wait_for_s, service);
    return nw0_address(name, service->address);
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
    while (!is_over(r)) {
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

static void show_news(const char *topic, size_t n) {
    put_text(stdout, topic);
    putchar('\t');
    put_bytes(stdout, message, n, false);
    end_line();
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
            show_news(topic, (size_t)n);
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
    size_t n = newline                   ? (size_t)(newline - in->text)
               : in->used < LONGEST_LINE ? in->used
                                         : LONGEST_LINE;
    size_t taken = newline ? n + 1 : n;
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
   Who holds a UDP port? Linux tells in two steps: /proc/net/udp has the number (inode) of each
   socket and its port, and /proc/PID/fd what each program has open.
   ============================================================================================== */

enum { SOCKETS = 64 };

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
    if (n <= 0) return false;
    target[n] = '\0';
    return sscanf(target, "socket:[%lu]", &inode) == 1 && is_among(inode, inodes, count);
}

static bool has_socket(const char *process, const unsigned long inodes[], int count) {
    char path[600];
    struct dirent *entry;
    DIR *fds;
    bool found = false;
    snprintf(path, sizeof path, "/proc/%.20s/fd", process);
    fds = opendir(path);
    if (!fds) return false; /* another user's */
    while (!found && (entry = readdir(fds))) {
        snprintf(path, sizeof path, "/proc/%.20s/fd/%.20s", process, entry->d_name);
        found = is_socket(path, inodes, count);
    }
    closedir(fds);
    return found;
}

static void put_process(FILE *out, const char *process) {
    char path[64], name[64] = "";
    FILE *f;
    snprintf(path, sizeof path, "/proc/%.20s/comm", process);
    f = fopen(path, "r");
    if (f && !fgets(name, sizeof name, f)) name[0] = '\0';
    if (f) fclose(f);
    name[strcspn(name, "\n")] = '\0';
    put_text(out, name[0] ? name : "a program");
    fprintf(out, " (process %s)", process);
}

/* "chat_join (process 1234), python3 (process 5678)" */
static void put_holders(FILE *out, unsigned port) {
    unsigned long inodes[SOCKETS];
    int shown = 0, count = sockets_at(port, inodes);
    struct dirent *entry;
    DIR *processes = opendir("/proc");
    while (processes && count > 0 && (entry = readdir(processes))) {
        if (entry->d_name[strspn(entry->d_name, "0123456789")] != '\0') continue;
        if (atol(entry->d_name) == (long)getpid()) continue;
        if (!has_socket(entry->d_name, inodes, count)) continue;
        if (shown++) fputs(", ", out);
        put_process(out, entry->d_name);
    }
    if (processes) closedir(processes);
    if (shown == 0) fputs("a program that does not show itself to this user", out);
}

static bool has_holders(unsigned port) {
    unsigned long inodes[SOCKETS];
    return sockets_at(port, inodes) > 0;
}

/* =================================================================================================
   nw0 info. It does by itself what discovery does (an ear, a mouth for each network, a question to
   everybody) because it wants to see what discovery does not show: what cannot be sent, and whether
   the own broadcasts come back, as they do where nothing swallows them.
   ============================================================================================== */

struct network {
    nw0__network is;
    bool used;      /* NW0_NETWORK allows it */
    int send_error; /* errno; 0: all was sent */
    bool came_back; /* our own broadcast */
};

/* A service, and how it was heard. */
struct heard {
    char name[NW0_NAME_SIZE];
    nw0__place at, from;
    bool shouted, answered; /* by broadcast; straight to us */
};

enum { HEARD = 500 };

static struct survey {
    uint16_t port;
    const char *pattern; /* NW0_NETWORK */
    double seconds;
    int ear, ear_error;
    struct network networks[NW0__MAX_NETWORKS];
    int network_count;
    struct heard heard[HEARD];
    int heard_count;
    int strange_count, nonsense_count;
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

static void open_ear(struct survey *s) {
    s->ear = nw0__socket(SOCK_DGRAM);
    if (s->ear >= 0) {
#if defined(SO_REUSEPORT) && !defined(__linux__)
        nw0__option(s->ear, SOL_SOCKET, SO_REUSEPORT, 1);
#endif
        nw0__option(s->ear, SOL_SOCKET, SO_REUSEADDR, 1);
        if (nw0__bind(s->ear, nw0__at(0, s->port)) == 0) return;
    }
    s->ear_error = errno;
    nw0__close_fd(&s->ear);
}

static void open_mouth(struct network *net) {
    if (!net->used) return;
    net->is.mouth = nw0__socket(SOCK_DGRAM);
    if (net->is.mouth >= 0 && nw0__bind(net->is.mouth, nw0__at(net->is.ip, 0)) < 0)
        nw0__close_fd(&net->is.mouth);
    if (net->is.mouth < 0 || nw0__bound_port(net->is.mouth, &net->is.port) < 0)
        net->send_error = errno;
    else nw0__option(net->is.mouth, SOL_SOCKET, SO_BROADCAST, 1);
}

/* The environment, the networks, the sockets. */
static int look_around(struct survey *s) {
    nw0__network list[NW0__MAX_NETWORKS];
    char text[NW0_ADDRESS_SIZE];
    int i, count;
    if (nw0__enter() < 0) return -1; /* it reads NW0_PORT and NW0_NETWORK */
    nw0__leave();
    s->port = nw0__library.port;
    s->pattern = nw0__allowed();
    count = nw0__networks(list, "*");
    if (count < 0) return -1;
    s->network_count = count;
    for (i = 0; i < count; i++) {
        struct network *net = &s->networks[i];
        net->is = list[i];
        net->used = nw0__matches(s->pattern, nw0__print_ip(list[i].ip, text));
        open_mouth(net);
    }
    return 0;
}

/* ---- what can be said before anything was heard ---- */

static void show_network(const struct survey *s, const struct network *net) {
    const nw0__network *is = &net->is;
    char text[NW0_ADDRESS_SIZE];
    uint32_t broadcast = nw0__is_loopback(is->ip) ? 0x7FFFFFFF : is->ip | ~is->mask;
    printf("  %s  %s/%d", is->interface_name, nw0__print_ip(is->ip, text), prefix_length(is->mask));
    if (net->used) printf(", broadcasts to %s", nw0__print_ip(broadcast, text));
    else printf(", not used: NW0_NETWORK=%s", s->pattern);
    if (is_wireless(is->interface_name)) printf(", wireless");
    end_line();
}

/* The system knows interfaces that have no address. */
static void show_idle_interfaces(const struct survey *s) {
    struct ifaddrs *all, *i;
    if (getifaddrs(&all) < 0) return;
    for (i = all; i; i = i->ifa_next) {
        int k = 0, family = i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC;
        if (family == AF_INET || family == AF_INET6) continue;
        while (k < s->network_count && strcmp(s->networks[k].is.interface_name, i->ifa_name) != 0)
            k++;
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
    switch (nw0__rank(net->is.ip, nw0__route())) {
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
    if (!best) {
        puts("  none: no interface can be used");
        return;
    }
    printf("  %s: %s", nw0__print_ip(best->is.ip, text), why_best(best));
    if (strcmp(s->pattern, "*") != 0) printf(" (NW0_NETWORK=%s)", s->pattern);
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

static void show_ear(const struct survey *s, bool shared) {
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
    struct sockaddr_in a = nw0__sockaddr(nw0__at(ip, port));
    if (sendto(net->is.mouth, text, n, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&a,
               sizeof a) < 0)
        net->send_error = errno;
}

/* Who is there? */
static void ask_everybody(struct survey *s) {
    char text[NW0__DATAGRAM + 1];
    int i;
    for (i = 0; i < s->network_count; i++) {
        struct network *net = &s->networks[i];
        const nw0__network *is = &net->is;
        size_t n = nw0__write_advert("?", nw0__at(is->ip, is->port), 0, text);
        if (is->mouth < 0) continue;
        if (nw0__is_loopback(is->ip)) shout(net, s->port, text, n, 0x7FFFFFFF);
        else shout(net, s->port, text, n, 0xFFFFFFFF);
        if (!nw0__is_loopback(is->ip) && ~is->mask > 1)
            shout(net, s->port, text, n, is->ip | ~is->mask);
    }
}

static bool is_on(const struct network *net, uint32_t ip) {
    return ((net->is.ip ^ ip) & net->is.mask) == 0;
}

static bool is_of_this_machine(const struct survey *s, uint32_t ip) {
    int i;
    for (i = 0; i < s->network_count; i++)
        if (s->networks[i].is.ip == ip) return true;
    return nw0__is_loopback(ip);
}

/* Was it our own question? Then it has come back. */
static bool came_back(struct survey *s, nw0__place from) {
    int i;
    for (i = 0; i < s->network_count; i++)
        if (nw0__same(from, nw0__at(s->networks[i].is.ip, s->networks[i].is.port)))
            return s->networks[i].came_back = true;
    return false;
}

static bool is_strange(const struct survey *s, uint32_t ip) {
    int i;
    for (i = 0; i < s->network_count; i++)
        if (is_on(&s->networks[i], ip)) return false;
    return true;
}

static void note_service(struct survey *s, const nw0__advert *advert, nw0__place from,
                         bool shouted) {
    struct heard *h = s->heard, *last = s->heard + s->heard_count;
    while (h < last && (strcmp(h->name, advert->name) != 0 || !nw0__same(h->at, advert->at))) h++;
    if (h == s->heard + HEARD) return;
    if (h == last) {
        s->heard_count++;
        snprintf(h->name, sizeof h->name, "%.*s", (int)sizeof h->name - 1, advert->name);
        h->at = advert->at;
        h->from = from;
    }
    if (shouted) h->shouted = true;
    else h->answered = true;
}

static void note(struct survey *s, const char *bytes, size_t n, nw0__place from, bool shouted) {
    nw0__advert advert;
    if (came_back(s, from)) return;
    if (is_strange(s, from.ip)) {
        s->strange_count++;
        s->strange_from = from.ip;
    } else if (!nw0__parse_advert(bytes, n, &advert)) {
        s->nonsense_count++;
        s->nonsense_from = from.ip;
    } else if (advert.ttl > 0) {
        note_service(s, &advert, from, shouted);
    }
}

static void read_all(struct survey *s, int fd, bool shouted) {
    char bytes[NW0__DATAGRAM + 1];
    struct sockaddr_in a;
    socklen_t size = sizeof a;
    ssize_t n;
    int i;
    for (i = 0; i < 1000; i++) {
        n = recvfrom(fd, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&a, &size);
        if (n < 0) return;
        note(s, bytes, (size_t)n, nw0__place_of(&a), shouted);
    }
}

static void listen_until(struct survey *s, double deadline) {
    struct pollfd fds[NW0__MAX_NETWORKS + 1];
    int i, count = s->network_count;
    for (i = 0; i < count; i++) fds[i].fd = s->networks[i].is.mouth;
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

static const char *how_heard(const struct survey *s, const struct heard *h) {
    if (h->from.port == s->port) return "NetworkZero";
    if (h->shouted && h->answered) return "adverts and answers";
    return h->shouted ? "adverts only" : "answers only";
}

static void show_heard(const struct survey *s) {
    char text[NW0_ADDRESS_SIZE];
    int i;
    printf("heard within %g s\n", s->seconds);
    for (i = 0; i < s->heard_count; i++) {
        const struct heard *h = &s->heard[i];
        printf("  %-21s  ", nw0__print(h->at, text));
        put_text(stdout, h->name);
        printf("  (%s%s)\n", is_of_this_machine(s, h->from.ip) ? "this machine, " : "",
               how_heard(s, h));
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
    if (nw0__is_loopback(best->is.ip))
        return puts("  no network: only programs on this machine can find each other"), 1;
    if (best->is.ip >> 16 == 0xA9FE)
        return puts("  no address was given to this machine (DHCP): others may not reach it"), 1;
    return 0;
}

static int judge_ear(const struct survey *s) {
    if (s->ear >= 0) return 0;
    if (s->ear_error != EADDRINUSE)
        return printf("  UDP %u: %s\n", (unsigned)s->port, strerror(s->ear_error)), 1;
    printf(
        "  UDP %u is not shared: neither adverts nor questions are heard here, only answers of\n"
        "    other machines; end the program that holds it, or give all another port (NW0_PORT)\n",
        (unsigned)s->port);
    return 1;
}

/* A tunnel, for instance, has none. */
static bool has_broadcasts(const char *interface_name) {
    struct ifaddrs *all, *i;
    bool found = false;
    if (getifaddrs(&all) < 0) return true;
    for (i = all; i; i = i->ifa_next)
        if (strcmp(i->ifa_name, interface_name) == 0)
            found = found || (i->ifa_flags & (IFF_BROADCAST | IFF_LOOPBACK));
    freeifaddrs(all);
    return found;
}

static int judge_sending(const struct survey *s, const struct network *net) {
    const char *name = net->is.interface_name;
    if (!has_broadcasts(name))
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
        if (!is_on(net, h->from.ip) || is_of_this_machine(s, h->from.ip)) continue;
        count++;
        *shouted += h->shouted;
        *answered += h->answered;
        *silent += !h->answered && h->from.port != s->port; /* NetworkZero never answers */
    }
    return count;
}

static int judge_silence(const struct network *net) {
    printf("  %s: no other machine was heard. If there should be one: is its program running, on\n"
           "    the same network (address and netmask), and not behind a firewall%s?\n",
           net->is.interface_name,
           is_wireless(net->is.interface_name)
               ? ", and does the access point let its\n    clients talk to each other (guest "
                 "networks do not)"
               : ", a VLAN\n    or an access point that keeps its clients apart");
    return 1;
}

/* Adverts go out every two seconds, so three without one say something. */
static int judge_hearing(const struct survey *s, const struct network *net) {
    const char *name = net->is.interface_name;
    int shouted, answered, silent;
    if (others_on(s, net, &shouted, &answered, &silent) == 0) return judge_silence(net);
    if (s->ear >= 0 && shouted == 0 && s->seconds > NW0_ADVERT_INTERVAL_S)
        return printf("  %s: others answer, but their broadcasts do not arrive: a firewall here, "
                      "or an\n    access point, swallows them\n",
                      name),
               1;
    if (silent > 0 && answered == 0)
        return printf("  %s: adverts arrive, but no answers: a firewall, here or there, swallows "
                      "what is sent\n    straight to a program\n",
                      name),
               1;
    return 0;
}

static int judge_network(const struct survey *s, const struct network *net) {
    int count;
    if (!net->used) return 0;
    count = judge_sending(s, net);
    if (count > 0 || nw0__is_loopback(net->is.ip)) return count;
    return judge_hearing(s, net);
}

static int judge_senders(const struct survey *s) {
    char text[NW0_ADDRESS_SIZE];
    if (s->strange_count > 0)
        printf("  %s is heard, but on no network of ours: its address or a netmask is wrong\n",
               nw0__print_ip(s->strange_from, text));
    if (s->nonsense_count > 0)
        printf("  %d datagrams were no adverts, the last from %s: another program uses UDP %u\n",
               s->nonsense_count, nw0__print_ip(s->nonsense_from, text), (unsigned)s->port);
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

static void close_all(struct survey *s) {
    int i;
    nw0__close_fd(&s->ear);
    for (i = 0; i < s->network_count; i++) nw0__close_fd(&s->networks[i].is.mouth);
}

static int info(const struct request *r) {
    struct survey *s = &survey;
    bool shared;
    catch_signals();
    s->seconds = r->timeout < 0 ? 3 : r->timeout;
    if (look_around(s) < 0) return complain("this system does not tell its networks");
    shared = has_holders(s->port);
    open_ear(s);
    show_interfaces(s);
    show_address(s);
    show_ports(s);
    show_ear(s, shared);
    listen_and_ask(s);
    show_heard(s);
    show_unusual(s);
    close_all(s);
    return DONE;
}

/* =================================================================================================
   The command line
   ============================================================================================== */

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
