/* nw0.h - programs on a local network find each other by name, and talk.                      >>top

One header, libc and POSIX sockets, nothing to install. A complete pair of programs:

    // server.c                                     // client.c
    #define NW0_IMPLEMENTATION                      #define NW0_IMPLEMENTATION
    #include "nw0.h"                                #include "nw0.h"
    #include <stdio.h>                              #include <stdio.h>

    int main(void) {                                int main(void) {
        nw0_service me;                                 nw0_service server;
        char name[100], reply[120];                     char reply[120];
        if (nw0_advertise("hello", NULL, &me) < 0)      if (nw0_discover("hello", 5, &server) < 0 ||
            return puts(nw0_error()), 1;                    nw0_send_message_to(server.address,
        while (nw0_wait_for_message_from(                       "Ann", NW0_TEXT,
                   me.address, name, sizeof name,               reply, sizeof reply, 5) < 0)
                   NW0_FOREVER, false) >= 0) {              return puts(nw0_error()), 1;
            sprintf(reply, "Hello, %s!", name);         puts(reply);
            nw0_send_reply_to(me.address,               return 0;
                              reply, NW0_TEXT);     }
        }
        return puts(nw0_error()), 1;
    }

    $ cc server.c -o server -pthread && ./server    $ cc client.c -o client -pthread && ./client
                                                    Hello, Ann!

CONTENTS (search for the word with >> in front)

    api          every function, with its arguments, errors and an example
    platform     system headers, the allocator, where tests make system calls fail
    errors       errno and the sentence; the clock
    text         big-endian numbers, UTF-8, JSON strings, base64, shell words
    addresses    "192.168.1.5:8080" and its shorter forms; the networks of this machine
    sockets      opening, bells, sets of descriptors, one lock
    frames       the bytes of a conversation          (pure functions of buffer and length)
    adverts      the bytes of a datagram              (pure functions of buffer and length)
    discovery    the table of services, the one background thread
    messages     one question, one answer
    news         one publisher, any number of subscribers
    shutdown     closing, fork, the end
    conventions  names, versions, licence

BEFORE THE INCLUDE

    NW0_IMPLEMENTATION      in exactly one .c file: the functions themselves come here
    NW0_STATIC              every function is static: any number of files may have them
    NW0_API                 what stands before each declaration (default: extern)
    NW0_PORT                the UDP port of discovery (9999)
    NW0_ADVERT_INTERVAL_S   seconds between two adverts of a service (2)
    NW0_ADVERT_TTL_S        seconds that an advert holds where nobody can be asked (20)
    NW0_MAX_SERVICES        how many services are remembered (1024)
    NW0_MAX_MESSAGE         the longest message, in bytes (16777215, the most that there can be)
    NW0_NEWS_BUFFER         bytes of news kept for slow subscribers, for each publishing address
                            (1 MiB; one item may be longer)
    NW0_NO_EPOLL            poll() also where there is epoll (nw0_fd and nw0_news_fd need epoll)
    NW0_MALLOC(size), NW0_REALLOC(pointer, size), NW0_FREE(pointer)
                            all or none; then nothing else allocates, except what libc does
                            inside getifaddrs, getaddrinfo and pthread_create

IN THE ENVIRONMENT, for whoever runs a program that they did not build

    NW0_PORT=9998           another port: these programs and the others do not hear each other
    NW0_NETWORK=192.168.4.* discovery and default addresses use no other network
                            (127.*: this machine alone)
    NW0_DEBUG=1             one line on stderr for each thing sent, heard, joined, left or
                            dropped, and why

RULES THAT HOLD EVERYWHERE

  - Every buffer is yours. The library hands out no memory to free, and none that changes later
    (nw0_error() apart).
  - Success is 0 or more; failure is -1 with errno set, and nw0_error() says in a sentence what
    failed, why, and what to do.
  - A wait is in seconds on the monotonic clock: 0 looks once, NW0_FOREVER has no end, ETIMEDOUT
    when the time is up. A signal handler that ran ends it with EINTR (so may SIGSTOP and SIGCONT),
    and nothing is lost: make the same call again. (A signal just before the wait begins does not.)
  - A message of n bytes needs a buffer of n + 1: a NUL, which is not counted, always follows. Too
    small a buffer is EMSGSIZE, and the message stays for the next call. NULL and 0 as the buffer:
    only the size is returned, nothing is taken.
  - Any function from any thread; but none from a signal handler, and no pthread_cancel() of a
    thread that is in one: nw0_close ends its wait. One background thread, which starts when it is
    first needed and blocks all signals.
  - No SIGPIPE, no signal handler, no descriptor that survives exec; a forked child starts afresh.

WHAT IT IS NOT

  - Not encrypted, not authenticated: whoever is on the network can read everything and be anybody.
  - Not routed: it finds what one broadcast reaches (a subnet, a Wi-Fi), and IPv4 only.
  - Not a queue: a message lives in the connection, and news is for those who listen at the time.

THE WIRE (try: tcpdump -Ani any udp port 9999)

    UDP 9999   server                  everybody               client
                 |-- ["hello","192.168.1.5:50123",20] ->|        |   advert: when new, every 2 s
                 |                        |<- ["?hello","192.168.1.7:41234",0] |   question, to all
                 |---- ["hello","192.168.1.5:50123",20] -------->|   answer, to the asker alone
                 |-- ["hello","192.168.1.5:50123",0] -->|        |   goodbye: ttl 0

    TCP        client                                          server
                 |-- 00 00 00 04 'n' 'w' '0' '?' ---------------->|   I ask questions (once)
                 |-- 00 00 00 03 'A' 'n' 'n' -------------------->|   a frame: length, then bytes
                 |<- 00 00 00 0b 'H' 'e' 'l' 'l' 'o' ... ---------|   the answer; the next question

    Adverts are those of NetworkZero (Python): programs of both kinds see each other's services.
*/
#ifndef NW0_H
#define NW0_H

/* In strict modes (-std=c99) the system headers hide most of the network unless this stands before
 * the first of them. */
#if defined(NW0_IMPLEMENTATION) && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE 1
#endif
#if defined(NW0_IMPLEMENTATION) && defined(__APPLE__) && !defined(_DARWIN_C_SOURCE)
#define _DARWIN_C_SOURCE 1
#endif

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#ifndef NW0_API
#if !defined(NW0_STATIC)
#define NW0_API extern
#elif defined(__GNUC__)
#define NW0_API static __attribute__((unused))
#else
#define NW0_API static
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* =================================================================================================
   The functions                                                                               >>api
   ============================================================================================== */

#define NW0_VERSION "1.0.0"

#define NW0_FOREVER (-1.0)    /* wait without limit */
#define NW0_TEXT ((size_t)-1) /* as a size: "this is a C string, measure it" */
#define NW0_NAME_SIZE 200     /* a name or a topic, its NUL included */
#define NW0_ADDRESS_SIZE 24   /* "255.255.255.255:65535" and its NUL */

typedef struct nw0_service {
    char name[NW0_NAME_SIZE];       /* "chat/alice" */
    char address[NW0_ADDRESS_SIZE]; /* "192.168.1.5:50123" */
} nw0_service;

/* ---- addresses ---- */

/* Turns any form of address into "ip:port". Forms: NULL or "" (the machine's best address and a
 * free port), "8080" (a port of the best address), "192.168.1.5" (a free port there),
 * "192.168.1.5:8080", "192.168.*" and "192.168.*:8080" (the interface that matches), "pi" and
 * "pi:8080" (looked up, which may take as long as the resolver takes: every function takes every
 * form, but with the result of this one it is done once). Returns 0. EINVAL: not an address;
 * EADDRNOTAVAIL: no interface matches, or not an address of this machine, where a free port was
 * asked for; EHOSTUNREACH: the host name is not known. canonical may be NULL.
 *     char address[NW0_ADDRESS_SIZE];  nw0_address("192.168.*:8080", address); */
NW0_API int nw0_address(const char *address, char canonical[NW0_ADDRESS_SIZE]);

/* ---- discovery ---- */

/* Makes a service known under a name, until nw0_unadvertise, nw0_shutdown or the end of the
 * program. address: any form of nw0_address. Without a port, a listening socket is opened now: what
 * is sent before the first wait is queued, not refused. With a port, nothing is opened before the
 * first wait: the address may be another program's. With an IP or a pattern in it the service is
 * known on that network alone; else on each network by the address there. name: UTF-8, 1 to 199
 * bytes, not starting with '?'. Advertising a name again replaces it. service, which may be NULL,
 * is filled with the name and the address to give to nw0_wait_for_message_from. Returns 0. EINVAL,
 * ENAMETOOLONG: the name; EINVAL, EADDRNOTAVAIL, EHOSTUNREACH: the address; ENOBUFS:
 * NW0_MAX_SERVICES are known.
 *     nw0_service me;  nw0_advertise("chat/alice", NULL, &me); */
NW0_API int nw0_advertise(const char *name, const char *address, nw0_service *service);

/* The same, with the choice to fail (EEXIST) if the name is in use: the network is asked first,
 * which takes 0.3 s, or up to a second if the holder does not answer. ttl_s: for how many seconds
 * those who cannot ask back believe an advert (more than 0; else EINVAL).
 *     nw0_advertise_ex("printer", "9100", true, 60, NULL); */
NW0_API int nw0_advertise_ex(const char *name, const char *address, bool fail_if_exists,
                             double ttl_s, nw0_service *service);

/* Says goodbye for a service of this program. The socket at its address stays open (nw0_close).
 * ENOENT: no such advert here.
 *     nw0_unadvertise("chat/alice"); */
NW0_API int nw0_unadvertise(const char *name);

/* Waits until a service of that name is known. 0 seconds never waits. Returns 0; ETIMEDOUT, EINTR,
 * EINVAL (the name).
 *     nw0_service bob;  if (nw0_discover("chat/bob", 5, &bob) < 0) puts(nw0_error()); */
NW0_API int nw0_discover(const char *name, double wait_for_s, nw0_service *service);

/* All services, sorted by name, as soon as at least one is known. Returns how many there are, which
 * may be more than capacity; 0 when the time is up. The first list of a program takes half a
 * second, in which the network answers. EINTR.
 *     nw0_service all[50];  int n = nw0_discover_all(1, all, 50); */
NW0_API int nw0_discover_all(double wait_for_s, nw0_service services[], int capacity);

/* The services whose names begin with group + separator ("/" if NULL), but for the names in exclude
 * (ends with NULL, or NULL). Returns how many there are, which may be more than capacity. Does not
 * wait, except for the first list of a program. EINTR; EINVAL: the group is NULL.
 *     nw0_service nodes[9];  int n = nw0_discover_group("cluster", NULL, NULL, nodes, 9); */
NW0_API int nw0_discover_group(const char *group, const char *separator,
                               const char *const exclude[], nw0_service services[], int capacity);

/* Keeps a list of yours up to date, one change at a time: compares members (*count of them, sorted
 * by name; 0 at first) with what is known and, at the first difference, brings the list up to date,
 * fills changed (may be NULL) and returns NW0_JOINED or NW0_LEFT. A service that moved has
 * NW0_LEFT, then NW0_JOINED. group NULL: every service. Your own services are among them.
 * ETIMEDOUT, EINTR; ENOBUFS: somebody joined, and the list is full; EINVAL: *count is not 0 ...
 * capacity.
 *     nw0_service list[9], who;  int n = 0;
 *     nw0_wait_for_change("chat", NULL, list, &n, 9, &who, NW0_FOREVER); */
enum { NW0_JOINED = 1, NW0_LEFT = 2 };
NW0_API int nw0_wait_for_change(const char *group, const char *separator, nw0_service members[],
                                int *count, int capacity, nw0_service *changed, double wait_for_s);

/* ---- messages: one question, one answer ---- */

/* Sends a message and waits for the answer; returns its size. A service that does not listen yet is
 * tried until the time is up. size: bytes of message, or NW0_TEXT. reply NULL and capacity 0: the
 * size of the answer is returned, and it stays to be fetched with nw0_wait_for_reply_from, or is
 * dropped by the next message to that address. ETIMEDOUT: no answer yet; EINTR (after both, if the
 * message has left, nw0_wait_for_reply_from goes on); ECONNRESET: the other side closed before it
 * answered; EHOSTUNREACH: the other machine is gone; EMSGSIZE: the message is longer than
 * NW0_MAX_MESSAGE, or the answer is longer than the buffer, and stays to be fetched;
 * EPROTONOSUPPORT: a NetworkZero program in Python is there, which speaks ZeroMQ; EPROTO: something
 * else is there. Nothing is ever sent twice.
 *     char reply[100];
 *     nw0_send_message_to(bob.address, "hello", NW0_TEXT, reply, sizeof reply, 5); */
NW0_API ssize_t nw0_send_message_to(const char *address, const void *message, size_t size,
                                    void *reply, size_t capacity, double wait_for_reply_s);

/* Goes on waiting for the answer to this thread's last message to that address. Errors as above;
 * EINVAL: nothing is outstanding.
 *     n = nw0_wait_for_reply_from(bob.address, reply, sizeof reply, 5); */
NW0_API ssize_t nw0_wait_for_reply_from(const char *address, void *reply, size_t capacity,
                                        double wait_for_s);

/* Waits for a message at an address of this machine and returns its size. Answer it with
 * nw0_send_reply_to; waiting again at that address without an answer hangs up on the one who asked.
 * autoreply: zero bytes are answered at once. Several threads may wait at one address: each gets
 * other messages. ETIMEDOUT, EINTR, EMSGSIZE (see the rules), EINVAL, EADDRNOTAVAIL: not an address
 * of this machine; EADDRINUSE: another program listens there; ECANCELED: closed meanwhile.
 *     n = nw0_wait_for_message_from(me.address, text, sizeof text, NW0_FOREVER, false); */
NW0_API ssize_t nw0_wait_for_message_from(const char *address, void *message, size_t capacity,
                                          double wait_for_s, bool autoreply);

/* Answers the message that this thread last took at that address; returns 0. A slow asker does not
 * hold it up: what its connection does not take at once is sent in the background. EINVAL: no
 * message to answer; EPIPE: the asker is gone; EMSGSIZE: longer than NW0_MAX_MESSAGE.
 *     nw0_send_reply_to(me.address, "hello yourself", NW0_TEXT); */
NW0_API int nw0_send_reply_to(const char *address, const void *reply, size_t size);

/* ---- news: one publisher, any number of subscribers ---- */

/* Publishes an item at an address of this machine; returns how many subscribers it went to. Never
 * waits for a slow one, which misses whole items instead, once it is NW0_NEWS_BUFFER behind. topic:
 * NULL or "" or UTF-8 of at most 199 bytes. A caller that is connected, but not accepted yet, gets
 * the item and is not counted. EINVAL, ENAMETOOLONG: the topic; EMSGSIZE: longer than
 * NW0_MAX_MESSAGE; else as nw0_wait_for_message_from.
 *     nw0_send_news_to(me.address, "temperature", "21.5", NW0_TEXT); */
NW0_API int nw0_send_news_to(const char *address, const char *topic, const void *data, size_t size);

/* Waits until at least count subscribers are there; returns how many. ETIMEDOUT, EINTR, else as
 * nw0_send_news_to.
 *     nw0_wait_for_subscribers(me.address, 1, 5); */
NW0_API int nw0_wait_for_subscribers(const char *address, int count, double wait_for_s);

/* Waits for news whose topic begins with prefix (NULL or "": any) and returns the size of the data;
 * topic may be NULL. The first wait subscribes, and the subscription lasts: what comes between two
 * waits is kept, as far as the connection holds it. The publisher need not exist yet, and may come
 * back. ETIMEDOUT, EINTR, EMSGSIZE (see the rules); EINVAL, ENAMETOOLONG: the address, the prefix;
 * EPROTONOSUPPORT, EPROTO: no nw0 program publishes there; ECANCELED: closed meanwhile.
 *     char topic[NW0_NAME_SIZE], data[100];
 *     n = nw0_wait_for_news_from(station.address, "temp", topic, data, sizeof data, 5); */
NW0_API ssize_t nw0_wait_for_news_from(const char *address, const char *prefix,
                                       char topic[NW0_NAME_SIZE], void *data, size_t capacity,
                                       double wait_for_s);

/* The same for any of the prefixes from any of the addresses; both lists end with NULL.
 *     const char *from[] = {kitchen.address, cellar.address, NULL}, *about[] = {"smoke", NULL};
 *     n = nw0_wait_for_news_from_any(from, about, topic, data, sizeof data, NW0_FOREVER); */
NW0_API ssize_t nw0_wait_for_news_from_any(const char *const addresses[],
                                           const char *const prefixes[], char topic[NW0_NAME_SIZE],
                                           void *data, size_t capacity, double wait_for_s);

/* ---- an event loop of your own ---- */

/* A descriptor that poll() finds readable when nw0_wait_for_message_from(address, ..., 0, ...) is
 * worth calling. Do not read, write or close it. Listens, if that has not happened. It is one for
 * all threads: if others wait there too, take a message whose size you asked for before you poll
 * again. Errors as nw0_wait_for_message_from; ENOTSUP: there is no epoll here.
 *     struct pollfd p = {nw0_fd(me.address), POLLIN, 0};  poll(&p, 1, -1); */
NW0_API int nw0_fd(const char *address);

/* The same for nw0_wait_for_news_from(address, prefix, ..., 0). Subscribes, if that has not
 * happened.
 *     struct pollfd p = {nw0_news_fd(station.address, NULL), POLLIN, 0}; */
NW0_API int nw0_news_fd(const char *address, const char *prefix);

/* ---- helpers ---- */

/* Splits a command line in place as a shell does (quotes, backslash); words[0] is the action.
 * Returns the number of words, which may be more than capacity: only so many are set. EINVAL: a
 * quote that is not closed; then the line is as it was.
 *     char line[] = "play \"so what\" 3", *words[9];
 *     int n = nw0_action_and_params(line, words, 9); */
NW0_API int nw0_action_and_params(char *commandline, char *words[], int capacity);

/* Bytes as base64 text. Returns its length; capacity must be more, for the NUL. EMSGSIZE; NULL and
 * 0: only measures.
 *     char text[100];  nw0_bytes_to_string(photo, 60, text, sizeof text); */
NW0_API ssize_t nw0_bytes_to_string(const void *data, size_t size, char *string, size_t capacity);

/* And back. Returns the number of bytes; capacity must be more: a NUL follows. EINVAL: not base64;
 * EMSGSIZE; NULL and 0: only measures.
 *     n = nw0_string_to_bytes(text, photo, sizeof photo); */
NW0_API ssize_t nw0_string_to_bytes(const char *string, void *data, size_t capacity);

/* ---- when something went wrong, and at the end ---- */

/* A sentence about this thread's last failure: the thing, the cause, the next step. Valid until the
 * thread's next failure.
 *     fprintf(stderr, "%s\n", nw0_error()); */
NW0_API const char *nw0_error(void);

/* Closes what this program has open at an address: its listening socket, its connections. Waits
 * there end with ECANCELED; answers that are still on their way are delivered, for a minute at
 * most. Adverts stay (nw0_unadvertise). Returns 0; ENOENT: nothing was open there.
 *     nw0_close(me.address); */
NW0_API int nw0_close(const char *address);

/* Says goodbye for every advert, closes everything, frees everything. Runs by itself at exit. The
 * library may be used again.
 *     nw0_shutdown(); */
NW0_API void nw0_shutdown(void);

#ifdef __cplusplus
}
#endif
#endif /* NW0_H */

#if defined(NW0_IMPLEMENTATION) && !defined(NW0__IMPLEMENTED)
#define NW0__IMPLEMENTED 1

/* =================================================================================================
   What the operating system gives us                                                     >>platform

   The system's headers, the sizes that can be chosen before the include, the allocator, and the one
   place where tests make system calls fail. What goes wrong: a header that came before hides half
   of the network in a strict mode. Example: examples/hello_server.c, which needs none of it.
   ============================================================================================== */

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#if !defined(NW0_NO_EPOLL)
#include <sys/epoll.h>
#define NW0__EPOLL 1
#endif
#endif

#if !defined(IFF_LOOPBACK) || (defined(__GLIBC__) && !defined(__USE_MISC))
#error "nw0.h: a system header hid the network: include nw0.h before it, or use -D_DEFAULT_SOURCE"
#endif

#ifndef NW0_PORT
#define NW0_PORT 9999
#endif
#ifndef NW0_ADVERT_INTERVAL_S
#define NW0_ADVERT_INTERVAL_S 2
#endif
#ifndef NW0_ADVERT_TTL_S
#define NW0_ADVERT_TTL_S 20
#endif
#ifndef NW0_MAX_SERVICES
#define NW0_MAX_SERVICES 1024
#endif
#ifndef NW0_MAX_MESSAGE
#define NW0_MAX_MESSAGE 16777215
#endif
#ifndef NW0_NEWS_BUFFER
#define NW0_NEWS_BUFFER 1048576
#endif
#if NW0_MAX_MESSAGE > 16777215
#error "nw0.h: NW0_MAX_MESSAGE can be at most 16777215: the first byte of a length is always 0"
#elif NW0_MAX_MESSAGE < NW0_NAME_SIZE
#error "nw0.h: NW0_MAX_MESSAGE must be at least NW0_NAME_SIZE: a topic is a frame, too"
#endif

#if !defined(NW0_MALLOC) && !defined(NW0_REALLOC) && !defined(NW0_FREE)
#define NW0_MALLOC(size) malloc(size)
#define NW0_REALLOC(pointer, size) realloc(pointer, size)
#define NW0_FREE(pointer) free(pointer)
#elif !defined(NW0_MALLOC) || !defined(NW0_REALLOC) || !defined(NW0_FREE)
#error "nw0.h: define all of NW0_MALLOC, NW0_REALLOC and NW0_FREE, or none"
#endif

/* Two flags that are set when a descriptor is made, so that no other thread can fork and exec in
 * between. */
#ifdef SOCK_CLOEXEC
#define NW0__CLOEXEC SOCK_CLOEXEC
#else
#define NW0__CLOEXEC 0
#endif
#ifdef MSG_NOSIGNAL
#define NW0__NOSIGNAL MSG_NOSIGNAL
#else
#define NW0__NOSIGNAL 0 /* such systems have SO_NOSIGPIPE */
#endif

/* Tests make system calls fail here, and nowhere else: NW0_FAULT(name) is an expression that is
 * true, with errno set, if this call of that name is to fail; NW0_SHORT(name, size) is how many of
 * the bytes may move at most. */
#ifndef NW0_FAULT
#define NW0_FAULT(name) 0
#endif
#ifndef NW0_SHORT
#define NW0_SHORT(name, size) (size)
#endif
#define NW0__TRY(name, call) (NW0_FAULT(name) ? -1 : (call))

static void *nw0__resize(void *memory, size_t size) {
    if (NW0_FAULT(realloc)) return NULL;
    return NW0_REALLOC(memory, size);
}

static void *nw0__zeroed(size_t size) {
    void *memory = NW0_FAULT(malloc) ? NULL : NW0_MALLOC(size);
    return memory ? memset(memory, 0, size) : NULL;
}

static void nw0__free(void *memory) {
    int error = errno; /* whoever tidies up after a failure has it to report */
    if (memory) NW0_FREE(memory);
    errno = error;
}

/* =================================================================================================
   Errors and the clock                                                                     >>errors

   errno says which kind of failure it was, and perror() prints it; but "Connection refused" does
   not say by whom, or what to do about it. So each thread also keeps a sentence. The clock is the
   monotonic one (clock_gettime), which nobody sets; a deadline is a point on it, so that it stays
   where it is when a wait is interrupted and begun again. Example: examples/hello_client.c.
   ============================================================================================== */

#if defined(__GNUC__)
#define NW0__PRINTF(at, first) __attribute__((format(printf, at, first)))
#else
#define NW0__PRINTF(at, first)
#endif

typedef struct nw0__self {
    char error[480]; /* the sentence */
    bool registered; /* something of this thread must be cleaned up when it ends */
} nw0__self;

static __thread nw0__self nw0__this_thread; /* its address also tells threads apart */

NW0__PRINTF(2, 3) static int nw0__fail(int error, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(nw0__this_thread.error, sizeof nw0__this_thread.error, format, list);
    va_end(list);
    errno = error;
    return -1;
}

NW0_API const char *nw0_error(void) {
    return nw0__this_thread.error[0] ? nw0__this_thread.error
                                     : "nothing has failed in this thread so far";
}

static double nw0__now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

#define NW0__NEVER 1e18 /* a deadline that does not come */

static double nw0__after(double now, double wait_s) {
    if (wait_s < 0) return NW0__NEVER;
    return wait_s > 0 ? now + wait_s : now; /* not-a-number is 0 */
}

static double nw0__deadline(double wait_s) {
    return nw0__after(nw0__now(), wait_s);
}

static double nw0__earlier(double a, double b) {
    return a < b ? a : b;
}

/* For poll(): rounded up, because a wait that ends early only has to be begun again. */
static int nw0__milliseconds_until(double deadline) {
    double left;
    if (deadline >= NW0__NEVER) return -1; /* which spares the kernel a timer */
    left = deadline - nw0__now();
    if (left <= 0) return 0;
    return left > 3600 ? 3600000 : (int)(left * 1000) + 1;
}

/* =================================================================================================
   Text                                                                                       >>text

   What comes from a network is bytes. Everything here takes a buffer and its length, never runs
   past its end, and says no to whatever it does not understand. Example: examples/command_robot.c.
   ============================================================================================== */

/* Numbers cross the network with the big end first, whatever the processor prefers. */
static void nw0__put32(unsigned char *at, size_t value) {
    at[0] = (unsigned char)(value >> 24);
    at[1] = (unsigned char)(value >> 16);
    at[2] = (unsigned char)(value >> 8);
    at[3] = (unsigned char)value;
}

static size_t nw0__get32(const unsigned char *at) {
    return (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | (size_t)at[3];
}

/* The length of the UTF-8 character at s, of which n bytes are there: 1 to 4; 0 if it is none. */
static size_t nw0__utf8_char(const unsigned char *s, size_t n) {
    size_t length, i;
    if (n == 0 || (s[0] >= 0x80 && s[0] < 0xC2) || s[0] > 0xF4) return 0;
    length = s[0] < 0x80 ? 1 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    if (n < length) return 0;
    for (i = 1; i < length; i++)
        if ((s[i] & 0xC0) != 0x80) return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90)) return 0; /* overlong */
    if (s[0] == 0xED && s[1] > 0x9F) return 0; /* surrogates, which are halves of characters */
    if (s[0] == 0xF4 && s[1] > 0x8F) return 0; /* above 10FFFF */
    return length;
}

static bool nw0__utf8(const char *text, size_t n) {
    const unsigned char *s = (const unsigned char *)text;
    size_t length = 1;
    for (; n > 0 && length > 0; s += length, n -= length) length = nw0__utf8_char(s, n);
    return length > 0;
}

/* Unicode to UTF-8; returns how many bytes. */
static size_t nw0__utf8_encode(unsigned long c, char out[4]) {
    static const unsigned char first[] = {0, 0xC0, 0xE0, 0xF0};
    size_t last = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3, i;
    for (i = last; i > 0; i--, c >>= 6) out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(first[last] | c);
    return last + 1;
}

/* Where c is among the letters; -1: it is none of them. */
static int nw0__index(const char *letters, char c) {
    const char *at = c ? strchr(letters, c) : NULL;
    return at ? (int)(at - letters) : -1;
}

static bool nw0__consists_of(const char *text, const char *letters) {
    while (nw0__index(letters, *text) >= 0) text++;
    return *text == '\0';
}

/* A place in a text that is being parsed. */
typedef struct nw0__text {
    const char *at, *end;
} nw0__text;

static nw0__text nw0__text_of(const char *string) {
    nw0__text t = {string, string + strlen(string)};
    return t;
}

static bool nw0__skip(nw0__text *t, char c) {
    if (t->at == t->end || *t->at != c) return false;
    t->at++;
    return true;
}

/* The four digits after \u; -1 if they are not there. */
static long nw0__json_hex4(nw0__text *t) {
    long value = 0;
    int i;
    if (t->end - t->at < 4) return -1;
    for (i = 0; i < 4; i++) {
        int digit = nw0__index("0123456789abcdef0123456789ABCDEF", *t->at++);
        if (digit < 0) return -1;
        value = value << 4 | (digit & 15);
    }
    return value;
}

/* What stands after a backslash in a JSON string, as UTF-8; returns how many bytes, 0 if it is
 * wrong. Characters beyond FFFF come as two halves (surrogates), each a \u of its own; a half alone
 * is no character, and a NUL would end the name early. */
static size_t nw0__json_escape(nw0__text *t, char out[4]) {
    long c, half;
    if (!nw0__skip(t, 'u')) {
        int known = t->at < t->end ? nw0__index("\"\\/bfnrt", *t->at++) : -1;
        if (known < 0) return 0;
        return out[0] = "\"\\/\b\f\n\r\t"[known], (size_t)1;
    }
    c = nw0__json_hex4(t);
    if (c >= 0xD800 && c < 0xDC00) {
        if (!nw0__skip(t, '\\') || !nw0__skip(t, 'u')) return 0;
        half = nw0__json_hex4(t);
        if (half < 0xDC00 || half > 0xDFFF) return 0;
        c = 0x10000 + ((c - 0xD800) << 10) + (half - 0xDC00);
    } else if (c <= 0 || (c >= 0xDC00 && c < 0xE000)) {
        return 0;
    }
    return nw0__utf8_encode((unsigned long)c, out);
}

/* A JSON string into out, which has room for so many bytes, a NUL included. False if it is wrong or
 * does not fit. */
static bool nw0__json_string(nw0__text *t, char *out, size_t room) {
    size_t used = 0, n;
    char c[4];
    if (!nw0__skip(t, '"')) return false;
    while (!nw0__skip(t, '"')) {
        if (t->at == t->end || (unsigned char)*t->at < 0x20) return false;
        if (nw0__skip(t, '\\')) {
            n = nw0__json_escape(t, c);
        } else {
            n = nw0__utf8_char((const unsigned char *)t->at, (size_t)(t->end - t->at));
            memcpy(c, t->at, n);
            t->at += n;
        }
        if (n == 0 || used + n >= room) return false;
        memcpy(out + used, c, n);
        used += n;
    }
    out[used] = '\0';
    return true;
}

/* Decimal digits; returns how many there were. */
static int nw0__digits(nw0__text *t, double *value) {
    int count = 0;
    for (*value = 0; t->at < t->end && *t->at >= '0' && *t->at <= '9'; t->at++, count++)
        *value = *value * 10 + (*t->at - '0');
    return count;
}

/* The same as a number: without a leading zero, which some read as octal. */
static bool nw0__whole_number(nw0__text *t, double *value) {
    const char *start = t->at;
    int digits = nw0__digits(t, value);
    return digits == 1 || (digits > 1 && *start != '0');
}

/* A JSON number that is not negative. Not strtod(): in some countries that expects a comma. */
static bool nw0__json_number(nw0__text *t, double *value) {
    double part;
    if (!nw0__whole_number(t, value)) return false;
    if (nw0__skip(t, '.')) {
        int digits = nw0__digits(t, &part);
        if (digits == 0) return false;
        for (; digits > 0; digits--) part /= 10;
        *value += part;
    }
    if (nw0__skip(t, 'e') || nw0__skip(t, 'E')) {
        bool down = nw0__skip(t, '-');
        if (!down) nw0__skip(t, '+');
        if (nw0__digits(t, &part) == 0) return false;
        for (; part > 0 && *value > 0 && *value < 1e300; part--)
            *value = down ? *value / 10 : *value * 10;
    }
    return true;
}

/* text as a JSON string, quotes included; returns its length, or 0 if it does not fit. */
static size_t nw0__json_quote(const char *text, char *out, size_t room) {
    size_t used = 1;
    if (room < 2) return 0;
    out[0] = '"';
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (used + 8 > room) return 0;
        if (c == '"' || c == '\\') out[used++] = '\\';
        if (c >= 0x20) out[used++] = *text;
        else used += (size_t)snprintf(out + used, 7, "\\u%04x", (unsigned)c);
    }
    out[used++] = '"';
    return used;
}

/* '*' stands for any characters, also none: "192.168.*". */
static bool nw0__matches(const char *pattern, const char *text) {
    const char *star = NULL, *from = text;
    while (*text) {
        if (*pattern == '*') star = pattern++, from = text;
        else if (*pattern == *text) pattern++, text++;
        else if (star) pattern = star + 1, text = ++from; /* let the last star stand for one more */
        else return false;
    }
    while (*pattern == '*') pattern++;
    return *pattern == '\0';
}

/* Base64: six bits are a character. Three bytes are four characters, of which '=' stands for those
 * that have no bit of the data. */
#define NW0__LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
static const char nw0__base64[] = NW0__LETTERS "+/";

/* Do so many bytes and a NUL fit into the buffer? NULL and 0 only wants to know the size. */
static int nw0__fits(const char *what, size_t size, const void *buffer, size_t capacity) {
    if (buffer ? size < capacity : capacity == 0) return 0;
    return nw0__fail(EMSGSIZE, "%s and a NUL are %lu bytes: give a larger buffer than %lu", what,
                     (unsigned long)size + 1, (unsigned long)capacity);
}

NW0_API ssize_t nw0_bytes_to_string(const void *data, size_t size, char *string, size_t capacity) {
    const unsigned char *in = (const unsigned char *)data;
    size_t length, i;
    if (size == NW0_TEXT) size = data ? strlen((const char *)data) : 0;
    if (!data && size > 0)
        return nw0__fail(EINVAL, "there is no data to turn into text: the pointer is NULL");
    if (size > SIZE_MAX / 8)
        return nw0__fail(EMSGSIZE, "%lu bytes are too many to turn into text", (unsigned long)size);
    length = (size + 2) / 3 * 4;
    if (nw0__fits("the text", length, string, capacity) < 0) return -1;
    for (i = 0; string && i < length; i++) {
        size_t bit = i * 6, at = bit / 8; /* each character lies across two bytes */
        unsigned two = (at < size ? in[at] * 256u : 0u) + (at + 1 < size ? in[at + 1] : 0u);
        string[i] = at < size ? nw0__base64[two >> (10 - bit % 8) & 63] : '=';
    }
    if (string) string[length] = '\0';
    return (ssize_t)length;
}

/* How many bytes a base64 text stands for; -1 if it is none. Bits that pad the last character must
 * be 0. */
static ssize_t nw0__base64_size(const char *string) {
    size_t length = strlen(string), pad = 0, i;
    if (length % 4 != 0) return -1;
    while (pad < 2 && pad < length && string[length - 1 - pad] == '=') pad++;
    for (i = 0; i < length - pad; i++)
        if (nw0__index(nw0__base64, string[i]) < 0) return -1;
    if (pad && nw0__index(nw0__base64, string[length - pad - 1]) & (pad == 2 ? 15 : 3)) return -1;
    return (ssize_t)(length / 4 * 3 - pad);
}

NW0_API ssize_t nw0_string_to_bytes(const char *string, void *data, size_t capacity) {
    char *out = (char *)data, *end;
    ssize_t size = string ? nw0__base64_size(string) : -1;
    unsigned bits = 0;
    int i;
    if (size < 0)
        return nw0__fail(EINVAL, "\"%.40s\" is not base64, or was cut: see nw0_bytes_to_string",
                         string ? string : "");
    if (nw0__fits("the bytes", (size_t)size, data, capacity) < 0) return -1;
    if (!data) return size;
    for (end = out + size, i = 0; out < end; i++) {
        bits = bits << 6 | (unsigned)nw0__index(nw0__base64, *string++);
        if (i % 4 > 0) *out++ = (char)(bits >> (6 - i % 4 * 2)); /* the second completes a byte */
    }
    *end = '\0';
    return size;
}

#define NW0__BLANKS " \t\r\n"

/* One character of a word: *in moves past it, *quote is what it stands in. Returns it; 0 where the
 * word ends, -1 where the line ends although it must go on, -2 if it was a quote, which is not part
 * of the word. */
static int nw0__word_char(const char **in, char *quote) {
    char c = **in;
    if (c == '\0') return *quote ? -1 : 0;
    if (!*quote && strchr(NW0__BLANKS, c)) return 0;
    ++*in;
    if (c == *quote) return *quote = '\0', -2;
    if (!*quote && (c == '"' || c == '\'')) return *quote = c, -2;
    if (c != '\\' || *quote == '\'') return (unsigned char)c;
    if (**in == '\0') return -1;
    if (*quote && !strchr("\"\\$`", **in)) return c; /* it protects only these in double quotes */
    return (unsigned char)*(*in)++;
}

/* One word from *in into out (NULL: nowhere). Returns 1; 0 at the end of the line; -1 if that comes
 * too early. */
static int nw0__word(const char **in, char *out) {
    char quote = '\0';
    int c;
    *in += strspn(*in, NW0__BLANKS);
    if (**in == '\0') return 0;
    while ((c = nw0__word_char(in, &quote)) != 0) {
        if (c == -1) return -1;
        if (c > 0 && out) *out++ = (char)c;
    }
    if (**in) ++*in; /* the space, which is where the NUL may have to go */
    if (out) *out = '\0';
    return 1;
}

NW0_API int nw0_action_and_params(char *commandline, char *words[], int capacity) {
    const char *in = commandline;
    int count = 0, found;
    if (!commandline || (!words && capacity > 0))
        return nw0__fail(EINVAL, "there is no command line to split: a pointer is NULL");
    do found = nw0__word(&in, NULL); /* look first: a bad line stays as it was */
    while (found > 0);
    if (found < 0)
        return nw0__fail(EINVAL, "\"%.80s\" ends within quotes or after a backslash: close it",
                         commandline);
    for (in = commandline;; count++) {
        char *word = (char *)in + strspn(in, NW0__BLANKS);
        if (nw0__word(&in, word) == 0) return count;
        if (count < capacity) words[count] = word;
    }
}

/* =================================================================================================
   Addresses                                                                             >>addresses

   A program is reached at an IP address and a port: "192.168.1.5:8080". People write less than
   that, so the shorter forms are completed from what getifaddrs() tells of this machine's
   interfaces, or by getaddrinfo() where it is a host name. A machine has several addresses, one for
   each network it is on, and they come and go: nothing here is remembered. Inside, numbers are in
   the processor's own order; only struct sockaddr_in has the network's. Example:
   examples/hello_server.c.
   ============================================================================================== */

typedef struct nw0__place {
    uint32_t ip;   /* 0: any of this machine's */
    uint16_t port; /* 0: none */
} nw0__place;

static nw0__place nw0__at(uint32_t ip, uint16_t port) {
    nw0__place place = {ip, port};
    return place;
}

static bool nw0__same(nw0__place a, nw0__place b) {
    return a.ip == b.ip && a.port == b.port;
}

static bool nw0__is_loopback(uint32_t ip) {
    return ip >> 24 == 127;
}

/* 224.0.0.0 and all that follow are for groups, or for nobody. */
static bool nw0__is_for_one(uint32_t ip) {
    return ip >> 28 < 14;
}

static bool nw0__parse_ip(nw0__text *t, uint32_t *ip) {
    double part;
    int i;
    for (*ip = 0, i = 0; i < 4; i++) {
        if ((i > 0 && !nw0__skip(t, '.')) || !nw0__whole_number(t, &part) || part > 255)
            return false;
        *ip = *ip << 8 | (uint32_t)part;
    }
    return true;
}

static bool nw0__parse_port(nw0__text *t, uint16_t *port) {
    double number;
    if (!nw0__whole_number(t, &number) || number < 1 || number > 65535) return false;
    *port = (uint16_t)number;
    return true;
}

/* "192.168.1.5:8080" and nothing else. */
static bool nw0__parse_place(const char *address, nw0__place *place) {
    nw0__text t = nw0__text_of(address);
    return nw0__parse_ip(&t, &place->ip) && nw0__is_for_one(place->ip) && nw0__skip(&t, ':') &&
           nw0__parse_port(&t, &place->port) && t.at == t.end;
}

static char *nw0__print_ip(uint32_t ip, char out[NW0_ADDRESS_SIZE]) {
    snprintf(out, NW0_ADDRESS_SIZE, "%u.%u.%u.%u", (unsigned)(ip >> 24), (unsigned)(ip >> 16 & 255),
             (unsigned)(ip >> 8 & 255), (unsigned)(ip & 255));
    return out;
}

static char *nw0__print(nw0__place place, char out[NW0_ADDRESS_SIZE]) {
    size_t n = strlen(nw0__print_ip(place.ip, out));
    snprintf(out + n, NW0_ADDRESS_SIZE - n, ":%u", (unsigned)place.port);
    return out;
}

static struct sockaddr_in nw0__sockaddr(nw0__place place) {
    struct sockaddr_in a;
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(place.ip);
    a.sin_port = htons(place.port);
    return a;
}

static nw0__place nw0__place_of(const struct sockaddr_in *a) {
    return nw0__at(ntohl(a->sin_addr.s_addr), ntohs(a->sin_port));
}

static uint32_t nw0__ip_of(const struct sockaddr *a) {
    return nw0__place_of((const struct sockaddr_in *)(const void *)a).ip;
}

/* One network that this machine is on, through one of its interfaces. */
typedef struct nw0__network {
    char interface_name[IF_NAMESIZE];
    uint32_t ip, mask;
    int mouth;     /* discovery: the UDP socket that speaks there, or -1 */
    uint16_t port; /* and its port */
} nw0__network;

#define NW0__MAX_NETWORKS 32

static bool nw0__reaches(const nw0__network *net, uint32_t ip) {
    return ((net->ip ^ ip) & net->mask) == 0;
}

static int nw0__socket(int type);
static int nw0__bind(int fd, nw0__place place);

/* The address from which this machine would reach the rest of the world: connect() on a UDP socket
 * sends nothing, it only looks up the route. 0 if there is none. */
static uint32_t nw0__route(void) {
    struct sockaddr_in a = nw0__sockaddr(nw0__at(0xC6336401, 9)); /* 198.51.100.1: nobody's */
    socklen_t size = sizeof a;
    int fd = nw0__socket(SOCK_DGRAM);
    uint32_t ip = 0;
    if (fd < 0) return 0;
    if (NW0__TRY(connect, connect(fd, (struct sockaddr *)&a, size)) == 0 &&
        NW0__TRY(getsockname, getsockname(fd, (struct sockaddr *)&a, &size)) == 0)
        ip = ntohl(a.sin_addr.s_addr);
    close(fd);
    return ip;
}

/* Which network is the best one to be reached by: 0 is better than 3. */
static int nw0__rank(uint32_t ip, uint32_t route) {
    if (ip == route) return 0;
    if (nw0__is_loopback(ip)) return 3;
    return ip >> 16 == 0xA9FE ? 2 : 1; /* 169.254.x.x: nobody gave this machine an address */
}

static bool nw0__has_ip(const struct ifaddrs *i) {
    return i->ifa_addr && i->ifa_addr->sa_family == AF_INET && (i->ifa_flags & IFF_UP);
}

/* Enters a network where its rank puts it, unless that interface has it already (one with two
 * addresses is one network). Where there are too many, the best stay. */
static int nw0__add_network(nw0__network list[], int count, const struct ifaddrs *i,
                            const char *pattern, uint32_t route) {
    nw0__network net;
    char text[NW0_ADDRESS_SIZE];
    int k;
    memset(&net, 0, sizeof net);
    net.ip = nw0__ip_of(i->ifa_addr);
    net.mask = i->ifa_netmask ? nw0__ip_of(i->ifa_netmask) : 0xFFFFFFFF;
    net.mouth = -1;
    snprintf(net.interface_name, sizeof net.interface_name, "%s", i->ifa_name);
    if (!nw0__matches(pattern, nw0__print_ip(net.ip, text))) return count;
    for (k = 0; k < count; k++)
        if (list[k].mask == net.mask && nw0__reaches(&list[k], net.ip) &&
            strcmp(list[k].interface_name, net.interface_name) == 0)
            return count;
    while (k > 0 && nw0__rank(list[k - 1].ip, route) > nw0__rank(net.ip, route)) k--;
    if (k == NW0__MAX_NETWORKS) return count;
    if (count == NW0__MAX_NETWORKS) count--;
    memmove(&list[k + 1], &list[k], (size_t)(count - k) * sizeof net);
    list[k] = net;
    return count + 1;
}

/* The networks that are up, the best first, whose address here matches the pattern. -1: the system
 * does not tell. */
static int nw0__networks(nw0__network list[NW0__MAX_NETWORKS], const char *pattern) {
    struct ifaddrs *all, *i;
    uint32_t route = nw0__route();
    int count = 0;
    if (NW0__TRY(getifaddrs, getifaddrs(&all)) < 0) return -1;
    for (i = all; i; i = i->ifa_next)
        if (nw0__has_ip(i)) count = nw0__add_network(list, count, i, pattern, route);
    freeifaddrs(all);
    return count;
}

/* Is it an address of this machine? */
static bool nw0__is_ours(uint32_t ip) {
    struct ifaddrs *all, *i;
    bool ours = nw0__is_loopback(ip);
    if (ours || NW0__TRY(getifaddrs, getifaddrs(&all)) < 0) return ours;
    for (i = all; i; i = i->ifa_next)
        if (nw0__has_ip(i) && nw0__ip_of(i->ifa_addr) == ip) ours = true;
    freeifaddrs(all);
    return ours;
}

/* The address of the best network that matches. */
static int nw0__best_ip(const char *pattern, uint32_t *ip) {
    nw0__network list[NW0__MAX_NETWORKS];
    int count = nw0__networks(list, pattern);
    if (count < 0)
        return nw0__fail(errno, "this machine's interfaces cannot be listed: %s", strerror(errno));
    if (count == 0)
        return nw0__fail(EADDRNOTAVAIL,
                         "this machine has no address like \"%.40s\": see \"ip addr\"", pattern);
    *ip = list[0].ip;
    return 0;
}

static const char *nw0__allowed(void); /* NW0_NETWORK, or "*" */

static int nw0__no_address(const char *address) {
    return nw0__fail(
        EINVAL, "\"%.80s\" is not an address like 192.168.1.5:8080, 8080, 192.168.* or pi:8080",
        address);
}

/* A host name, through the resolver. */
static int nw0__look_up(const char *host, uint32_t *ip) {
    struct addrinfo hints, *found = NULL;
    int error;
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    error = getaddrinfo(host, NULL, &hints, &found);
    if (error || !found)
        return nw0__fail(EHOSTUNREACH, "no host \"%.80s\" is known (%s): is it spelled right?",
                         host, gai_strerror(error));
    *ip = nw0__ip_of(found->ai_addr);
    freeaddrinfo(found);
    return 0;
}

/* The part before the port: an IP, a pattern or a name. */
static int nw0__resolve_host(const char *host, uint32_t *ip) {
    nw0__text t = nw0__text_of(host);
    bool number = nw0__consists_of(host, "0123456789.*");
    if (nw0__parse_ip(&t, ip) && t.at == t.end)
        return nw0__is_for_one(*ip) ? 0 : nw0__no_address(host);
    if (number && strchr(host, '*')) return nw0__best_ip(host, ip);
    if (number || host[0] == '-' || !nw0__consists_of(host, NW0__LETTERS "-._"))
        return nw0__no_address(host);
    return nw0__look_up(host, ip);
}

/* Any form of address. What it leaves open stays 0: an IP (any of ours), a port. */
static int nw0__resolve(const char *address, nw0__place *place) {
    char host[256];
    const char *colon = address ? strrchr(address, ':') : NULL;
    nw0__text port;
    size_t n;
    *place = nw0__at(0, 0);
    if (!address || !*address) return 0;
    n = colon ? (size_t)(colon - address) : strlen(address);
    if (colon || nw0__consists_of(address, "0123456789")) {
        port = nw0__text_of(colon ? colon + 1 : address);
        if (!nw0__parse_port(&port, &place->port) || port.at != port.end)
            return nw0__no_address(address);
        if (!colon) return 0; /* "8080" */
    }
    if (n == 0 || n >= sizeof host) return nw0__no_address(address);
    memcpy(host, address, n);
    host[n] = '\0';
    return nw0__resolve_host(host, &place->ip);
}

static int nw0__bound_port(int fd, uint16_t *port) {
    struct sockaddr_in a;
    socklen_t size = sizeof a;
    if (NW0__TRY(getsockname, getsockname(fd, (struct sockaddr *)&a, &size)) < 0) return -1;
    *port = ntohs(a.sin_port);
    return 0;
}

/* A port that nobody uses: the system gives one to whoever binds port 0. */
static int nw0__free_port(nw0__place *place) {
    char text[NW0_ADDRESS_SIZE];
    int fd = nw0__socket(SOCK_STREAM), error;
    bool bound = fd >= 0 && nw0__bind(fd, *place) == 0 && nw0__bound_port(fd, &place->port) == 0;
    error = errno;
    if (fd >= 0) close(fd);
    if (bound) return 0;
    return nw0__fail(error, "no port can be had at %s (%s): is it an address of this machine?",
                     nw0__print_ip(place->ip, text), strerror(error));
}

static int nw0__enter(void); /* takes the library's lock, and gives it back: see shutdown */
static void nw0__leave(void);

NW0_API int nw0_address(const char *address, char canonical[NW0_ADDRESS_SIZE]) {
    nw0__place place;
    char allowed[64];
    if (nw0__enter() < 0) return -1;
    memcpy(allowed, nw0__allowed(), sizeof allowed);
    nw0__leave();
    if (nw0__resolve(address, &place) < 0) return -1;
    if (place.ip == 0 && nw0__best_ip(allowed, &place.ip) < 0) return -1;
    if (place.port == 0 && nw0__free_port(&place) < 0) return -1;
    if (canonical) nw0__print(place, canonical);
    return 0;
}

/* =================================================================================================
   Sockets                                                                                 >>sockets

   socket(), bind(), two ways to wait for more than one thing at once, and the lock:
     a bell  a pair of connected sockets: a byte written to one end wakes whoever polls the other.
             So one thread wakes another that sleeps in poll(); and unlike a condition variable, it
             does not sleep through a signal.
     a set   many descriptors, of which those that are ready are told. On Linux this is epoll, whose
             cost does not grow with the number of idle ones; elsewhere poll().
     a lock  one for the whole library, held to look something up or to change it, and never
             while waiting.
   What goes wrong: a descriptor that a child inherits (SOCK_CLOEXEC), a signal in the middle
   (EINTR), a port that lingers in TIME_WAIT after a restart (SO_REUSEADDR). Example:
   examples/chat_room.c, which polls one of our sets beside its keyboard.
   ============================================================================================== */

static pthread_mutex_t nw0__mutex = PTHREAD_MUTEX_INITIALIZER;

static void nw0__lock(void) {
    pthread_mutex_lock(&nw0__mutex);
}

static void nw0__unlock(void) {
    pthread_mutex_unlock(&nw0__mutex);
}

static void nw0__close_on_exec(int fd) {
    if (NW0__CLOEXEC == 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* One system call, where fcntl() needs two: one to get the other flags. */
static void nw0__nonblocking(int fd, bool on) {
    int value = on;
    ioctl(fd, FIONBIO, &value);
}

static void nw0__option(int fd, int level, int name, int value) {
    (void)NW0__TRY(setsockopt, setsockopt(fd, level, name, &value, sizeof value));
}

/* Closes without losing the errno that says why. */
static void nw0__close_fd(int *fd) {
    int error = errno;
    if (*fd >= 0) close(*fd);
    *fd = -1;
    errno = error;
}

static int nw0__socket(int type) {
    int fd = NW0__TRY(socket, socket(AF_INET, type | NW0__CLOEXEC, 0));
    if (fd < 0) return -1;
    nw0__close_on_exec(fd);
#ifdef SO_NOSIGPIPE
    nw0__option(fd, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
    return fd;
}

static int nw0__bind(int fd, nw0__place place) {
    struct sockaddr_in a = nw0__sockaddr(place);
    return NW0__TRY(bind, bind(fd, (struct sockaddr *)&a, sizeof a));
}

typedef struct nw0__bell {
    int in, out; /* the end to poll, the end to write to */
} nw0__bell;

static int nw0__bell_open(nw0__bell *bell) {
    int pair[2];
    bell->in = bell->out = -1;
    if (NW0__TRY(socketpair, socketpair(AF_UNIX, SOCK_STREAM | NW0__CLOEXEC, 0, pair)) < 0)
        return -1;
    nw0__close_on_exec(pair[0]);
    nw0__close_on_exec(pair[1]);
    bell->in = pair[0];
    bell->out = pair[1];
    return 0;
}

static void nw0__bell_close(nw0__bell *bell) {
    nw0__close_fd(&bell->in);
    nw0__close_fd(&bell->out);
}

static void nw0__ring(nw0__bell *bell) {
    int error = errno;
    (void)!send(bell->out, "", 1, MSG_DONTWAIT | NW0__NOSIGNAL); /* full: it rings already */
    errno = error;
}

static void nw0__hush(nw0__bell *bell) {
    char bytes[64];
    while (recv(bell->in, bytes, sizeof bytes, MSG_DONTWAIT) == (ssize_t)sizeof bytes) continue;
}

#ifdef NW0__EPOLL

typedef struct nw0__set {
    int fd;
} nw0__set;

static int nw0__set_open(nw0__set *set) {
    set->fd = NW0__TRY(epoll_create1, epoll_create1(EPOLL_CLOEXEC));
    return set->fd < 0 ? -1 : 0;
}

static void nw0__set_close(nw0__set *set) {
    nw0__close_fd(&set->fd);
}

static int nw0__set_add(nw0__set *set, int fd, int events) {
    struct epoll_event e;
    memset(&e, 0, sizeof e);
    e.events = (events & POLLOUT ? EPOLLOUT : 0u) | (events & POLLIN ? EPOLLIN : 0u);
    e.data.fd = fd;
    return NW0__TRY(epoll_ctl, epoll_ctl(set->fd, EPOLL_CTL_ADD, fd, &e));
}

static void nw0__set_remove(nw0__set *set, int fd) {
    int error = errno;
    epoll_ctl(set->fd, EPOLL_CTL_DEL, fd, NULL);
    errno = error;
}

/* Waits, without the lock, until one of the set is ready; says which. 0: the time is up; -1:
 * EINTR. */
static int nw0__set_wait(nw0__set *set, int ready[], int max, double deadline) {
    struct epoll_event events[64];
    int n, i, timeout = nw0__milliseconds_until(deadline);
    nw0__unlock();
    n = NW0__TRY(epoll_wait, epoll_wait(set->fd, events, max < 64 ? max : 64, timeout));
    nw0__lock();
    for (i = 0; i < n; i++) ready[i] = events[i].data.fd;
    return n;
}

#else

/* The array for poll(). A thread polls a copy of it, because others may change it meanwhile; a
 * change while somebody waits rings a bell that is in every copy, and the last of those who were
 * waiting then silences it. */
typedef struct nw0__set {
    struct pollfd *fds;
    int count, room;
    nw0__bell bell;
    int waiting, stale;
    unsigned generation;
} nw0__set;

static int nw0__set_add(nw0__set *set, int fd, int events) {
    if (set->count == set->room) {
        struct pollfd *more =
            (struct pollfd *)nw0__resize(set->fds, (size_t)(set->room * 2 + 8) * sizeof *more);
        if (!more) return errno = ENOMEM, -1;
        set->fds = more;
        set->room = set->room * 2 + 8;
    }
    set->fds[set->count].fd = fd;
    set->fds[set->count].events = (short)events;
    set->fds[set->count++].revents = 0;
    set->generation++;
    set->stale = set->waiting;
    if (set->waiting > 0) nw0__ring(&set->bell);
    return 0;
}

static void nw0__set_remove(nw0__set *set, int fd) {
    int i;
    for (i = 0; i < set->count; i++)
        if (set->fds[i].fd == fd) {
            set->fds[i] = set->fds[--set->count];
            return;
        }
}

static void nw0__set_close(nw0__set *set) {
    nw0__bell_close(&set->bell);
    nw0__free(set->fds);
    set->fds = NULL;
    set->count = set->room = 0;
}

static int nw0__set_open(nw0__set *set) {
    memset(set, 0, sizeof *set);
    if (nw0__bell_open(&set->bell) < 0) return -1;
    if (nw0__set_add(set, set->bell.in, POLLIN) == 0) return 0;
    nw0__set_close(set);
    return -1;
}

static int nw0__set_wait(nw0__set *set, int ready[], int max, double deadline) {
    int n, i, found = 0, count = set->count, timeout = nw0__milliseconds_until(deadline);
    unsigned generation = set->generation;
    struct pollfd *fds = (struct pollfd *)nw0__resize(NULL, (size_t)count * sizeof *fds);
    if (!fds) return errno = ENOMEM, -1;
    memcpy(fds, set->fds, (size_t)count * sizeof *fds);
    set->waiting++;
    nw0__unlock();
    n = NW0__TRY(poll, poll(fds, (nfds_t)count, timeout));
    nw0__lock();
    set->waiting--;
    if (generation != set->generation && --set->stale <= 0) nw0__hush(&set->bell);
    for (i = 0; n > 0 && i < count && found < max; i++)
        if (fds[i].revents && fds[i].fd != set->bell.in) ready[found++] = fds[i].fd;
    nw0__free(fds);
    return n < 0 ? -1 : found;
}

#endif

/* Waits, without the lock, until a descriptor is ready. 1: it is; 0: the time is up; -1: EINTR. */
static int nw0__poll(int fd, int events, double deadline) {
    struct pollfd p;
    int n, timeout = nw0__milliseconds_until(deadline);
    p.fd = fd;
    p.events = (short)events;
    p.revents = 0;
    nw0__unlock();
    n = NW0__TRY(poll, poll(&p, 1, timeout));
    nw0__lock();
    return n;
}

/* =================================================================================================
   Frames                                                                                   >>frames

   TCP carries a stream of bytes: what was sent in one piece may arrive in five, and two pieces as
   one. So each message is a frame, four bytes of length and then as many bytes. The first frame of
   a conversation says what it is for. These functions look at bytes that have arrived and touch no
   socket. They answer in three ways: how many bytes they understood, 0 where more must come first,
   -1 where it is wrong and never can become right. Example: examples/data_send.c; the bytes of one
   are in the picture at the top.
   ============================================================================================== */

#define NW0__QUESTIONS "\0\0\0\4nw0?" /* the first frame of one who asks */
#define NW0__NEWS "\0\0\0\4nw0!"      /* and of one who wants news */
#define NW0__INTRODUCTION 8           /* how long both are */
#define NW0__LENGTH 4                 /* and how long a length is */

static int nw0__check_length(const unsigned char *bytes, size_t n, size_t *size) {
    if (n > 0 && bytes[0] != 0) return -1;
    if (n < NW0__LENGTH) return 0;
    *size = nw0__get32(bytes);
    return *size <= NW0_MAX_MESSAGE ? NW0__LENGTH : -1;
}

/* *kind becomes '?' or '!'. */
static int nw0__check_introduction(const unsigned char *bytes, size_t n, char *kind) {
    size_t last = NW0__INTRODUCTION - 1;
    if (memcmp(bytes, NW0__QUESTIONS, n < last ? n : last) != 0) return -1;
    if (n <= last) return 0;
    *kind = (char)bytes[last];
    return *kind == '?' || *kind == '!' ? NW0__INTRODUCTION : -1;
}

/* =================================================================================================
   Adverts                                                                                 >>adverts

   A datagram is one JSON array, ["name","ip:port",ttl], of at most 256 bytes. It is an advert (ttl
   > 0), a goodbye (ttl 0) or a question (ttl 0 and a name that begins with '?'). Whoever can reach
   the port can send anything to it, so parsing is strict: all of it must be right, or all of it is
   dropped. Example: examples/nw0.c, whose "info" shows what is on the network.
   ============================================================================================== */

#define NW0__DATAGRAM 256
#define NW0__TTL_MAX 86400.0 /* nobody is believed for more than a day */

typedef struct nw0__advert {
    char name[NW0_NAME_SIZE + 1]; /* a question has one character more */
    nw0__place at;
    double ttl;
} nw0__advert;

static void nw0__skip_blanks(nw0__text *t) {
    while (t->at < t->end && nw0__index(NW0__BLANKS, *t->at) >= 0) t->at++;
}

/* One of the signs between the values, and the blanks around it. */
static bool nw0__sign(nw0__text *t, char c) {
    nw0__skip_blanks(t);
    if (!nw0__skip(t, c)) return false;
    nw0__skip_blanks(t);
    return true;
}

static bool nw0__parse_advert(const char *bytes, size_t n, nw0__advert *advert) {
    char address[NW0_ADDRESS_SIZE];
    nw0__text t = {bytes, bytes + n};
    bool question;
    if (n > NW0__DATAGRAM || !nw0__sign(&t, '[') ||
        !nw0__json_string(&t, advert->name, sizeof advert->name) || !nw0__sign(&t, ',') ||
        !nw0__json_string(&t, address, sizeof address) || !nw0__sign(&t, ',') ||
        !nw0__json_number(&t, &advert->ttl) || !nw0__sign(&t, ']') || t.at != t.end)
        return false;
    question = advert->name[0] == '?';
    advert->ttl = nw0__earlier(advert->ttl, NW0__TTL_MAX);
    return nw0__parse_place(address, &advert->at) && advert->name[0] != '\0' &&
           (question ? !(advert->ttl > 0) : strlen(advert->name) < NW0_NAME_SIZE);
}

/* Returns the length, or 0 if it would be longer than a datagram may be. The seconds are printed as
 * whole numbers, because printf() has a comma in them in some countries. */
static size_t nw0__write_advert(const char *name, nw0__place at, double ttl,
                                char out[NW0__DATAGRAM + 1]) {
    unsigned long ms = (unsigned long)(ttl * 1000 + 0.5);
    char address[NW0_ADDRESS_SIZE], part[8] = "";
    size_t n = nw0__json_quote(name, out + 1, NW0__DATAGRAM - 1), room = NW0__DATAGRAM - n;
    int tail;
    if (n == 0) return 0;
    out[0] = '[';
    if (ms % 1000) snprintf(part, sizeof part, ".%03u", (unsigned)(ms % 1000));
    tail = snprintf(out + n + 1, room, ",\"%s\",%lu%s]", nw0__print(at, address), ms / 1000, part);
    return (size_t)tail < room ? n + 1 + (size_t)tail : 0;
}

/* What a service may be called; says what is wrong with it. */
static int nw0__check_name(const char *name, double ttl) {
    const nw0__place longest = {0xFFFFFFFF, 65535};
    char out[NW0__DATAGRAM + 1];
    if (!name || !*name) return nw0__fail(EINVAL, "a service needs a name: this one is empty");
    if (!nw0__utf8(name, strlen(name)))
        return nw0__fail(EINVAL, "the name \"%.80s\" is not UTF-8", name);
    if (name[0] == '?')
        return nw0__fail(EINVAL, "\"%.80s\" is no name: what starts with '?' is a question", name);
    if (strlen(name) < NW0_NAME_SIZE && nw0__write_advert(name, longest, 10, out) > 0 &&
        nw0__write_advert(name, longest, ttl, out) > 0)
        return 0;
    return nw0__fail(
        ENAMETOOLONG,
        "the name \"%.40s...\" is too long: take at most %d bytes, and fewer where JSON "
        "writes them as \\n or \\u0001",
        name, NW0_NAME_SIZE - 1);
}

/* =================================================================================================
   Discovery                                                                             >>discovery

   Everybody who has a service shouts its name every two seconds (a UDP broadcast), and everybody
   listens. Who cannot wait asks aloud, and is answered in a millisecond. The problem is not to hear
   of a service, but to know when it is gone: a goodbye may be lost, and a machine whose cable was
   pulled says none. So whoever has not been heard for a little more than two seconds is asked,
   several times, and forgotten if nothing comes back.

   The sockets: one ear, bound to port 9999 of every network, which all programs of a machine share
   (SO_REUSEADDR: each gets a copy of every broadcast). And one mouth for each network, bound to
   this machine's address there at a port of its own: what is sent from it leaves by that network,
   and what is answered to it comes to this program and no other. What goes wrong: a network that is
   down (an error of sendto(), and nothing to worry about), interfaces that come, go and change
   their address (they are looked up again every two seconds), a broadcast address that the system
   reports wrongly (it is computed here). Examples: examples/chat_who.c, examples/cluster_master.c.

   One background thread does all this. It holds the lock while it works, and waits without it.
   ============================================================================================== */

static struct nw0__library {
    bool started, closing; /* the environment was read; nw0_shutdown is at work */
    bool debug;            /* NW0_DEBUG */
    uint16_t port;         /* NW0_PORT */
    char pattern[64];      /* NW0_NETWORK */
    int inside;            /* threads that wait somewhere in here, without the lock */
    bool abandoned; /* nw0_shutdown gave up on a thread: the last to leave frees everything */
    bool has_thread, stop; /* the background thread */
    pthread_t thread;
    nw0__bell wake;
    nw0__set set; /* what it waits for */
} nw0__library;

/* What came from anybody goes to a terminal: without its control characters. */
static void nw0__make_harmless(char *line) {
    bool text = nw0__utf8(line, strlen(line));
    for (; *line; line++) {
        unsigned char c = (unsigned char)line[0], next = (unsigned char)line[1];
        if (text && c == 0xC2 && next < 0xA0) line[0] = line[1] = '.'; /* U+0080 ... U+009F */
        if (c < ' ' || c == 0x7F || (c > 0x7F && !text)) line[0] = '.';
    }
}

/* write() to a pipe that nobody reads any more would raise SIGPIPE: poll() tells. */
static void nw0__complain(const char *bytes, size_t n) {
    struct pollfd p;
    int error = errno;
    p.fd = STDERR_FILENO;
    p.events = POLLOUT;
    p.revents = 0;
    if (poll(&p, 1, 0) < 0 || !(p.revents & POLLERR)) (void)!write(STDERR_FILENO, bytes, n);
    errno = error;
}

NW0__PRINTF(1, 2) static void nw0__debug(const char *format, ...) {
    char line[600] = "nw0: ";
    va_list list;
    size_t n;
    if (!nw0__library.debug) return;
    va_start(list, format);
    vsnprintf(line + 5, sizeof line - 6, format, list);
    va_end(list);
    nw0__make_harmless(line);
    n = strlen(line);
    line[n] = '\n';
    nw0__complain(line, n + 1);
}

static const char *nw0__allowed(void) {
    return nw0__library.pattern;
}

/* That somebody has a name. */
typedef struct nw0__claim {
    nw0__place at;    /* the address of the service */
    nw0__place mouth; /* who says so; port 0: this program */
    double ttl, heard;
} nw0__claim;

/* A service that somebody advertises. */
typedef struct nw0__record {
    char name[NW0_NAME_SIZE];
    nw0__claim holder;
    nw0__claim rival; /* a second one, while the holder is asked whether it lives; ttl 0: nobody */
    int asked;        /* how many questions the holder has left unanswered */
    double due;       /* when to ask it, or to forget it */
} nw0__record;

/* A service of this program. */
typedef struct nw0__own {
    char name[NW0_NAME_SIZE];
    nw0__place at; /* ip 0: each network's own */
    double ttl;
    bool due;     /* to be announced */
    bool listens; /* the port was chosen, and opened, here */
} nw0__own;

static pthread_key_t nw0__ends; /* calls nw0__thread_ends for threads that end */

/* A thread that waits for a change of the table. */
typedef struct nw0__waiter {
    nw0__bell bell;
    struct nw0__waiter *next;
} nw0__waiter;

/* Somebody who asked for everything. */
typedef struct nw0__asker {
    nw0__place who;
    int via, next; /* the mouth to answer from, the advert to go on with */
    double at;
} nw0__asker;

#define NW0__ASKERS 32
#define NW0__BATCH 16           /* adverts that are sent before others have their turn */
#define NW0__SILENT_QUESTIONS 8 /* at 5 % loss, all fail once in a hundred million times */
#define NW0__RIVAL_QUESTIONS 6
#define NW0__RIVAL_PAUSE_S 0.15
#define NW0__ANSWERS_PER_S 1000

static struct nw0__discovery {
    bool running;
    int ear;
    int deaf; /* the errno with which the ear could not be opened */
    nw0__network networks[NW0__MAX_NETWORKS];
    int network_count;
    nw0__record table[NW0_MAX_SERVICES]; /* sorted by name */
    int count;
    nw0__own own[NW0_MAX_SERVICES];
    int own_count;
    nw0__waiter *waiters;
    nw0__asker askers[NW0__ASKERS];
    int asker_count;
    double round; /* when the next one begins */
    double first_look, last_question;
    double allowance, allowance_at; /* how many answers may still be given, as of when */
    unsigned long dropped;          /* datagrams that were no adverts */
    uint32_t random;
} nw0__discovery;

/* ---- the table ---- */

/* Where a name is in the table, or where it would have to be. */
static nw0__record *nw0__place_for(const char *name) {
    int low = 0, high = nw0__discovery.count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (strcmp(nw0__discovery.table[middle].name, name) < 0) low = middle + 1;
        else high = middle;
    }
    return &nw0__discovery.table[low];
}

/* NULL: it is not known. The record stays there until the table changes or the lock is let go. */
static nw0__record *nw0__find(const char *name) {
    nw0__record *r = nw0__place_for(name), *end = nw0__discovery.table + nw0__discovery.count;
    return r < end && strcmp(r->name, name) == 0 ? r : NULL;
}

static void nw0__wake_waiters(void) {
    nw0__waiter *w;
    for (w = nw0__discovery.waiters; w; w = w->next) nw0__ring(&w->bell);
}

static bool nw0__is_self(nw0__place mouth) {
    return mouth.port == 0;
}

/* NetworkZero programs, which speak from the port that they listen at, answer no questions. */
static bool nw0__answers(nw0__place mouth) {
    return mouth.port != nw0__library.port;
}

static void nw0__forget(nw0__record *r, const char *why) {
    struct nw0__discovery *d = &nw0__discovery;
    nw0__debug("left: \"%s\": %s", r->name, why);
    memmove(r, r + 1, (size_t)(d->table + --d->count - r) * sizeof *r);
    nw0__wake_waiters();
}

/* The holder of a name has spoken, or somebody takes its place. A holder that falls silent is asked
 * after 1.05 intervals, 1.15, 1.25 ... and forgotten after 1.85: at two seconds each, that is 3.7
 * after its last word, and 2.7 on average after its end. */
static void nw0__refresh(nw0__record *r, const nw0__claim *claim) {
    nw0__claim *holder = &r->holder;
    char from[NW0_ADDRESS_SIZE], to[NW0_ADDRESS_SIZE];
    if (!nw0__same(holder->at, claim->at)) {
        nw0__debug("moved: \"%s\" from %s to %s", r->name, nw0__print(holder->at, from),
                   nw0__print(claim->at, to));
        nw0__wake_waiters();
    }
    if (r->asked > 0) nw0__wake_waiters(); /* one may wait for that answer */
    *holder = *claim;
    r->rival.ttl = 0;
    r->asked = 0;
    r->due = holder->heard;
    if (nw0__is_self(holder->mouth)) r->due = NW0__NEVER;
    else r->due += nw0__answers(holder->mouth) ? 1.05 * NW0_ADVERT_INTERVAL_S : holder->ttl;
}

/* Half of the table is the most that one sender gets, so that it cannot keep the others out. */
static bool nw0__has_room(nw0__place mouth) {
    struct nw0__discovery *d = &nw0__discovery;
    int i, same = 0;
    if (nw0__is_self(mouth)) return d->count < NW0_MAX_SERVICES;
    for (i = 0; i < d->count; i++) same += d->table[i].holder.mouth.ip == mouth.ip;
    return same < (NW0_MAX_SERVICES + 1) / 2 &&
           d->count < NW0_MAX_SERVICES - NW0_MAX_SERVICES / 32; /* the rest is for our own */
}

static void nw0__remember(const char *name, const nw0__claim *claim) {
    struct nw0__discovery *d = &nw0__discovery;
    nw0__record *r = nw0__place_for(name);
    char text[NW0_ADDRESS_SIZE];
    if (!nw0__has_room(claim->mouth)) {
        nw0__debug("dropped: \"%s\": the table is full, or its sender has filled half of it", name);
        return;
    }
    memmove(r + 1, r, (size_t)(d->table + d->count++ - r) * sizeof *r);
    memset(r, 0, sizeof *r);
    memcpy(r->name, name, strlen(name));
    r->holder.at = claim->at;
    nw0__refresh(r, claim);
    nw0__debug("joined: \"%s\" at %s", name, nw0__print(claim->at, text));
    nw0__wake_waiters();
}

/* ---- speaking ---- */

/* Our mouth on the network where ip is; -1: on none of ours. An address of ours is on its own. */
static int nw0__mouth_for(uint32_t ip) {
    const nw0__network *n = nw0__discovery.networks;
    int i, found = -1;
    for (i = 0; i < nw0__discovery.network_count; i++) {
        if (n[i].mouth < 0) continue;
        if (n[i].ip == ip) return i;
        if (found < 0 && nw0__reaches(&n[i], ip)) found = i;
    }
    return found;
}

static bool nw0__is_local(uint32_t ip) {
    int mouth = nw0__mouth_for(ip);
    return mouth >= 0 && (nw0__is_loopback(ip) || nw0__discovery.networks[mouth].ip == ip);
}

/* That a network is down, has no route or no room is normal: the next round is in two seconds. */
static void nw0__send_datagram(int fd, nw0__place to, const char *text) {
    struct sockaddr_in a = nw0__sockaddr(to);
    char where[NW0_ADDRESS_SIZE];
    size_t n = strlen(text);
    int flags = MSG_DONTWAIT | NW0__NOSIGNAL;
    nw0__print(to, where);
    if (NW0__TRY(sendto, sendto(fd, text, n, flags, (struct sockaddr *)&a, sizeof a)) < 0)
        nw0__debug("not sent to %s (%s): %s", where, strerror(errno), text);
    else nw0__debug("sent to %s: %s", where, text);
}

static const nw0__place nw0__everybody = {0, 0};

/* Says something to one place, or to everybody on a network: to 255.255.255.255, which goes no
 * further than the cable, and to the network's own broadcast address, which some access points pass
 * on better. A network of two machines (/31) has none of its own. */
static void nw0__say(int mouth, nw0__place to, const char *name, nw0__place at, double ttl) {
    const nw0__network *net = &nw0__discovery.networks[mouth];
    uint16_t port = nw0__library.port;
    char text[NW0__DATAGRAM + 1];
    if (net->mouth < 0 || nw0__write_advert(name, at, ttl, text) == 0) return;
    if (to.port) {
        nw0__send_datagram(net->mouth, to, text);
    } else if (nw0__is_loopback(net->ip)) {
        nw0__send_datagram(net->mouth, nw0__at(0x7FFFFFFF, port), text); /* 127.255.255.255 */
    } else {
        nw0__send_datagram(net->mouth, nw0__at(0xFFFFFFFF, port), text);
        if (~net->mask > 1)
            nw0__send_datagram(net->mouth, nw0__at(net->ip | ~net->mask, port), text);
    }
}

/* The address of a service of ours as programs on this machine see it. */
static nw0__place nw0__seen_here(nw0__place at) {
    struct nw0__discovery *d = &nw0__discovery;
    if (at.ip == 0) at.ip = d->network_count > 0 ? d->networks[0].ip : 0x7F000001;
    return at;
}

/* The advert of a service of ours, or with ttl 0 its goodbye, if those who hear it can use it.
 * Programs on this machine are told the same by every way: what they hear on 127.0.0.1, if
 * NW0_NETWORK lets us speak there. */
static void nw0__tell(int mouth, nw0__place to, const nw0__own *own, double ttl) {
    const nw0__network *net = &nw0__discovery.networks[mouth];
    nw0__place at = own->at;
    bool here = nw0__is_local(to.ip) && nw0__mouth_for(0x7F000001) >= 0;
    if (nw0__is_loopback(net->ip) || here) at = nw0__seen_here(at);
    else if (at.ip == 0) at.ip = net->ip;
    else if (!nw0__reaches(net, at.ip)) return;
    nw0__say(mouth, to, own->name, at, ttl);
}

static void nw0__announce(const nw0__own *own, double ttl) {
    int m = nw0__discovery.network_count;
    while (m-- > 0) nw0__tell(m, nw0__everybody, own, ttl); /* this machine first: it is the last */
}

/* A question for a name ("": everything). */
static void nw0__ask_from(int mouth, nw0__place to, const char *name) {
    const nw0__network *net = &nw0__discovery.networks[mouth];
    char question[NW0_NAME_SIZE + 1] = "?";
    memcpy(question + 1, name, strlen(name) + 1);
    nw0__say(mouth, to, question, nw0__at(net->ip, net->port), 0);
}

static void nw0__ask(const char *name) {
    int m;
    nw0__discovery.last_question = nw0__now();
    for (m = 0; m < nw0__discovery.network_count; m++) nw0__ask_from(m, nw0__everybody, name);
}

/* ---- answering ---- */

/* A bucket that holds half a second's answers and is refilled evenly: no second has more than a
 * thousand. */
static bool nw0__may_answer(double now) {
    struct nw0__discovery *d = &nw0__discovery;
    d->allowance += (now - d->allowance_at) * NW0__ANSWERS_PER_S / 2;
    d->allowance = nw0__earlier(d->allowance, NW0__ANSWERS_PER_S / 2);
    d->allowance_at = now;
    if (d->allowance < 1) return false;
    d->allowance -= 1;
    return true;
}

static nw0__own *nw0__own_service(const char *name) {
    int i;
    for (i = 0; i < nw0__discovery.own_count; i++)
        if (strcmp(nw0__discovery.own[i].name, name) == 0) return &nw0__discovery.own[i];
    return NULL;
}

/* Who asks everybody would get all answers at the same moment, and lose some: so each waits for a
 * random while, at most 80 ms. */
static void nw0__answer_everything_later(nw0__place who, int via) {
    struct nw0__discovery *d = &nw0__discovery;
    nw0__asker asker = {who, via, 0, nw0__now()};
    int i;
    if (d->own_count == 0 || d->asker_count == NW0__ASKERS) return;
    for (i = 0; i < d->asker_count; i++)
        if (nw0__same(d->askers[i].who, who)) return; /* it has asked by another way already */
    d->random = d->random * 1664525u + 1013904223u;
    asker.at += 0.08 * (d->random >> 16) / 65536;
    d->askers[d->asker_count++] = asker;
}

/* A few adverts to each who asked for all of them and whose time has come. Returns when there is
 * more to do. */
static double nw0__answer_everything(double now) {
    struct nw0__discovery *d = &nw0__discovery;
    double next = NW0__NEVER;
    int i, k;
    for (i = d->asker_count - 1; i >= 0; i--) {
        nw0__asker *a = &d->askers[i];
        if (a->at <= now) {
            for (k = 0; k < NW0__BATCH && a->next < d->own_count && nw0__may_answer(now); k++) {
                nw0__tell(a->via, a->who, &d->own[a->next], d->own[a->next].ttl);
                a->next++;
            }
            a->at = now + 0.002; /* its socket holds a few hundred: let it read */
        }
        if (a->next >= d->own_count) *a = d->askers[--d->asker_count];
        else next = nw0__earlier(next, a->at);
    }
    return next;
}

/* A question that was shouted is for the holder of the name; one that was asked straight to our
 * mouth is about ourselves. */
static void nw0__answer(const char *name, nw0__place who, int via, bool shouted) {
    const nw0__own *own = nw0__own_service(name);
    const nw0__record *r = nw0__find(name);
    if (!*name) nw0__answer_everything_later(who, via);
    else if (!own || (shouted && r && !nw0__is_self(r->holder.mouth))) return;
    else if (nw0__may_answer(nw0__now())) nw0__tell(via, who, own, own->ttl);
    else nw0__debug("dropped: a question for \"%s\": a thousand answers a second are enough", name);
}

/* ---- hearing ---- */

/* Somebody else claims a name. The first holder keeps it while it lives: it is asked, and
 * nw0__doubt decides. */
static void nw0__challenge(nw0__record *r, const nw0__claim *claim) {
    if (r->rival.ttl > 0 || !nw0__answers(r->holder.mouth))
        return; /* it is being asked already; it never answers */
    nw0__debug("\"%s\" is claimed by a second program: asking the first", r->name);
    r->rival = *claim;
    r->asked = 0;
    r->due = claim->heard;
}

/* A program on this machine speaks on every network that it is on, and by each says another
 * address. What it says on 127.0.0.1 is meant for us. */
static bool nw0__is_for_others(nw0__place mouth) {
    return !nw0__is_loopback(mouth.ip) && nw0__is_local(mouth.ip);
}

static void nw0__hear_goodbye(nw0__record *r, nw0__place mouth) {
    if (!r) return;
    if (nw0__same(r->holder.mouth, mouth)) nw0__forget(r, "it said goodbye");
    else if (nw0__same(r->rival.mouth, mouth)) r->rival.ttl = 0;
}

/* Somebody says that a service is at a place, or with ttl 0 that it is no more. */
static void nw0__hear_claim(const char *name, nw0__place at, nw0__place mouth, double ttl) {
    nw0__claim claim = {at, mouth, ttl, nw0__now()};
    nw0__record *r = nw0__find(name);
    nw0__claim *holder = r ? &r->holder : NULL;
    if (!(ttl > 0)) nw0__hear_goodbye(r, mouth);
    else if (!r) nw0__remember(name, &claim);
    else if (nw0__same(holder->mouth, mouth)) nw0__refresh(r, &claim);
    else if (nw0__is_self(holder->mouth)) return; /* the name is ours, and we live */
    else if (nw0__is_for_others(mouth) && nw0__is_loopback(holder->mouth.ip)) return;
    else if (nw0__same(holder->at, at)) nw0__refresh(r, &claim); /* it was started again */
    else if (nw0__is_for_others(holder->mouth) && nw0__is_loopback(mouth.ip) &&
             holder->at.port == at.port)
        nw0__refresh(r, &claim); /* it is heard by a better way */
    else nw0__challenge(r, &claim);
}

/* The same of a service of ours, as if we had heard it. */
static void nw0__hear_own(const nw0__own *own, double ttl) {
    nw0__hear_claim(own->name, nw0__seen_here(own->at), nw0__at(0, 0), ttl);
}

/* Why a datagram is not to be believed; NULL: it is. */
static const char *nw0__objection(const char *bytes, size_t n, nw0__place from, int mouth,
                                  nw0__advert *advert) {
    const nw0__network *net = &nw0__discovery.networks[mouth < 0 ? 0 : mouth];
    if (mouth < 0 || from.port == 0) return "not from a network of ours";
    if (~net->mask > 1 && (from.ip == (net->ip | ~net->mask) || from.ip == (net->ip & net->mask)))
        return "its sender is a whole network, to which we would answer";
    if (!nw0__parse_advert(bytes, n, advert)) return "not an advert";
    if (nw0__is_loopback(advert->at.ip) && !nw0__is_local(from.ip))
        return "127.x is its own machine";
    if (advert->at.ip == 0) return "nobody has such an address";
    return NULL;
}

/* A datagram that came to the ear (via -1) or to one of the mouths. */
static void nw0__hear(const char *bytes, size_t n, nw0__place from, int via) {
    struct nw0__discovery *d = &nw0__discovery;
    char text[NW0_ADDRESS_SIZE];
    const char *objection;
    nw0__advert advert;
    int mouth = nw0__mouth_for(from.ip);
    if (mouth >= 0 && nw0__same(from, nw0__at(d->networks[mouth].ip, d->networks[mouth].port)))
        return; /* our own words */
    objection = nw0__objection(bytes, n, from, mouth, &advert);
    if (objection) {
        nw0__debug("dropped (number %lu) from %s: %s: %.*s", ++d->dropped, nw0__print(from, text),
                   objection, (int)n, bytes);
        return;
    }
    nw0__debug("heard from %s: %.*s", nw0__print(from, text), (int)n, bytes);
    if (advert.name[0] != '?') nw0__hear_claim(advert.name, advert.at, from, advert.ttl);
    else nw0__answer(advert.name + 1, from, via < 0 ? mouth : via, via < 0);
}

/* What has come to a socket; but no more than a thousand at a time, however much comes. */
static void nw0__drain(int fd, int via) {
    char bytes[NW0__DATAGRAM + 1]; /* one byte more than allowed shows that it is too long */
    struct sockaddr_in a;
    int i;
    for (i = 0; i < 1000 && fd >= 0; i++) {
        socklen_t size = sizeof a;
        ssize_t n = NW0__TRY(recvfrom, recvfrom(fd, bytes, sizeof bytes, MSG_DONTWAIT,
                                                (struct sockaddr *)&a, &size));
        if (n < 0) return;
        nw0__hear(bytes, (size_t)n, nw0__place_of(&a), via);
    }
}

/* Goodbyes come to the ear: after what was said before them. */
static void nw0__listen_everywhere(void) {
    int i;
    for (i = 0; i < nw0__discovery.network_count; i++)
        nw0__drain(nw0__discovery.networks[i].mouth, i);
    nw0__drain(nw0__discovery.ear, -1);
}

/* ---- time passes ---- */

static void nw0__ask_holder(nw0__record *r) {
    int mouth = nw0__mouth_for(r->holder.mouth.ip);
    if (mouth >= 0) nw0__ask_from(mouth, r->holder.mouth, r->name);
    r->asked++;
}

/* Something is due about a service that is not ours. A rival whose holder is silent has the name,
 * and was heard when it claimed it. */
static void nw0__doubt(nw0__record *r) {
    bool rival = r->rival.ttl > 0;
    if (!nw0__answers(r->holder.mouth)) {
        nw0__forget(r, "its time to live is over");
    } else if (r->asked < (rival ? NW0__RIVAL_QUESTIONS : NW0__SILENT_QUESTIONS)) {
        nw0__ask_holder(r);
        r->due = nw0__now() + (rival ? NW0__RIVAL_PAUSE_S : 0.1 * NW0_ADVERT_INTERVAL_S);
    } else if (rival) {
        nw0__debug("\"%s\" is silent: the second program takes its place", r->name);
        nw0__refresh(r, &r->rival);
    } else {
        nw0__forget(r, "it is silent, and does not answer");
    }
}

static double nw0__doubts(double now) {
    struct nw0__discovery *d = &nw0__discovery;
    double next = NW0__NEVER;
    int i;
    for (i = d->count - 1; i >= 0; i--) { /* backwards, because forgetting moves those behind */
        if (d->table[i].due <= now) nw0__doubt(&d->table[i]);
        if (i < d->count) next = nw0__earlier(next, d->table[i].due);
    }
    return next;
}

/* Announces some of those that are due. False: there are more. */
static bool nw0__announce_due(void) {
    nw0__own *own = nw0__discovery.own, *end = own + nw0__discovery.own_count;
    int room = NW0__BATCH;
    for (; own < end; own++) {
        if (!own->due) continue;
        if (room-- == 0) return false;
        own->due = false;
        nw0__hear_own(own, own->ttl);
        nw0__announce(own, own->ttl);
    }
    return true;
}

/* A UDP socket that the background thread reads. */
static int nw0__open_udp(nw0__place bound, int option) {
    int fd = nw0__socket(SOCK_DGRAM);
    if (fd < 0) return -1;
#if defined(SO_REUSEPORT) && !defined(__linux__)
    /* BSD shares a port by this; on Linux it would share out the datagrams */
    if (option == SO_REUSEADDR) nw0__option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
#endif
    nw0__option(fd, SOL_SOCKET, option, 1);
    nw0__option(fd, SOL_SOCKET, SO_RCVBUF, 1 << 20);
    if (nw0__bind(fd, bound) < 0 || nw0__set_add(&nw0__library.set, fd, POLLIN) < 0)
        nw0__close_fd(&fd);
    return fd;
}

/* Another program may hold the port without sharing it. Then we can still speak, ask and be
 * answered, and try again each round. */
static void nw0__open_ear(void) {
    struct nw0__discovery *d = &nw0__discovery;
    unsigned port = nw0__library.port;
    int before = d->deaf;
    if (d->ear >= 0) return;
    d->ear = nw0__open_udp(nw0__at(0, nw0__library.port), SO_REUSEADDR);
    d->deaf = d->ear < 0 ? errno : 0;
    if (d->deaf == before) return; /* it was said already */
    if (d->deaf)
        nw0__debug("UDP port %u cannot be shared (%s): only answers are heard", port,
                   strerror(d->deaf));
    else nw0__debug("UDP port %u is free now", port);
}

static void nw0__close_mouth(nw0__network *net) {
    if (net->mouth >= 0) nw0__set_remove(&nw0__library.set, net->mouth);
    nw0__close_fd(&net->mouth);
}

/* Gives a network the mouth that it had before, or a new one. Returns whether it is new. */
static bool nw0__open_mouth(nw0__network *net, nw0__network before[], int count) {
    char text[NW0_ADDRESS_SIZE];
    int i;
    for (i = 0; i < count; i++)
        if (before[i].ip == net->ip && before[i].mask == net->mask && before[i].mouth >= 0 &&
            strcmp(before[i].interface_name, net->interface_name) == 0) {
            *net = before[i];
            before[i].mouth = -1;
            return false;
        }
    net->mouth = nw0__open_udp(nw0__at(net->ip, 0), SO_BROADCAST);
    if (net->mouth >= 0 && nw0__bound_port(net->mouth, &net->port) < 0) nw0__close_mouth(net);
    nw0__debug("network: %s on %s%s", nw0__print_ip(net->ip, text), net->interface_name,
               net->mouth < 0 ? " (no socket)" : "");
    return net->mouth >= 0;
}

/* Looks at the interfaces again. Mouths are opened on new networks and closed where there is none
 * any more. */
static void nw0__look_at_networks(void) {
    struct nw0__discovery *d = &nw0__discovery;
    nw0__network now[NW0__MAX_NETWORKS];
    int i, count = nw0__networks(now, nw0__allowed());
    bool more = false;
    if (count < 0) return;
    for (i = 0; i < count; i++) more |= nw0__open_mouth(&now[i], d->networks, d->network_count);
    for (i = 0; i < d->network_count; i++) nw0__close_mouth(&d->networks[i]);
    memcpy(d->networks, now, (size_t)count * sizeof now[0]);
    if (more || count != d->network_count) d->asker_count = 0; /* their mouths have other numbers */
    d->network_count = count;
    if (more && d->last_question > 0) nw0__ask(""); /* who is there? */
}

/* What discovery has to do now. Returns when there is something to do next. */
static double nw0__discover_turn(double now) {
    struct nw0__discovery *d = &nw0__discovery;
    double next;
    bool done;
    int i;
    if (now >= d->round) {
        d->round = now + NW0_ADVERT_INTERVAL_S;
        nw0__look_at_networks();
        nw0__open_ear();
        if (d->ear < 0 && d->last_question > 0) nw0__ask(""); /* adverts do not come: answers do */
        for (i = 0; i < d->own_count; i++) d->own[i].due = true;
    }
    done = nw0__announce_due();
    nw0__listen_everywhere(); /* our own broadcasts come back: now, or they would wake us up */
    next = nw0__earlier(nw0__answer_everything(now), nw0__doubts(now));
    return done ? nw0__earlier(next, d->round) : now;
}

/* ---- the background thread ---- */

static double nw0__news_turn(double now); /* see news: what did not leave at once */
static void nw0__news_ready(int fd);

/* A tenth of a second, without the lock; with a poll() that has nothing to allocate memory for. */
static void nw0__pause(void) {
    nw0__unlock();
    poll(NULL, 0, 100);
    nw0__lock();
}

static void *nw0__background(void *unused) {
    struct nw0__library *l = &nw0__library;
    int ready[64], n, i;
    (void)unused;
    nw0__lock();
    while (!l->stop) {
        double now = nw0__now(), next = nw0__news_turn(now);
        if (nw0__discovery.running) next = nw0__earlier(next, nw0__discover_turn(now));
        n = nw0__set_wait(&l->set, ready, 64, next);
        if (n < 0 && errno != EINTR) nw0__pause(); /* no memory, say: not a reason to spin */
        for (i = 0; i < n; i++) {
            if (ready[i] == l->wake.in) nw0__hush(&l->wake);
            else nw0__news_ready(ready[i]); /* discovery looks at all of its own in its turn */
        }
    }
    nw0__unlock();
    return NULL;
}

/* Starts the thread with all signals blocked: they are for the program's own threads. */
static int nw0__start_thread(void) {
    struct nw0__library *l = &nw0__library;
    sigset_t all, before;
    int error;
    if (l->has_thread) return 0;
    l->stop = false;
    l->wake.in = l->wake.out = -1;
    if (nw0__set_open(&l->set) < 0 || nw0__bell_open(&l->wake) < 0 ||
        nw0__set_add(&l->set, l->wake.in, POLLIN) < 0) {
        error = errno;
    } else {
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        error = NW0_FAULT(pthread_create) ? errno
                                          : pthread_create(&l->thread, NULL, nw0__background, NULL);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (error == 0) return l->has_thread = true, 0;
    nw0__bell_close(&l->wake);
    nw0__set_close(&l->set);
    return nw0__fail(error, "the background thread could not be started: %s", strerror(error));
}

static void nw0__wake_thread(void) {
    if (nw0__library.has_thread) nw0__ring(&nw0__library.wake);
}

static int nw0__start_discovery(void) {
    struct nw0__discovery *d = &nw0__discovery;
    double now = nw0__now();
    if (d->running) return 0;
    if (nw0__start_thread() < 0) return -1;
    d->running = true;
    d->ear = -1;
    d->round = now + NW0_ADVERT_INTERVAL_S;
    d->random = (uint32_t)getpid() * 2654435761u ^ (uint32_t)(uint64_t)(now * 1e9);
    nw0__open_ear();
    nw0__look_at_networks();
    nw0__wake_thread();
    return 0;
}

/* ---- the functions ---- */

static int nw0__interrupted(int error) {
    return nw0__fail(error, "the wait was interrupted (%s): call again to go on", strerror(error));
}

static int nw0__canceled(void) {
    return nw0__fail(ECANCELED, "what was waited for was closed, by nw0_close or nw0_shutdown");
}

/* Waits until the table has changed or the deadline has passed. -1: EINTR, or nw0_shutdown. */
static int nw0__wait_for_table(nw0__waiter *w, double deadline) {
    int n = nw0__poll(w->bell.in, POLLIN, deadline);
    if (nw0__library.closing) return nw0__canceled();
    if (n > 0) nw0__hush(&w->bell);
    return n < 0 ? nw0__interrupted(errno) : 0;
}

static int nw0__begin_waiting(nw0__waiter *w) {
    if (nw0__bell_open(&w->bell) < 0)
        return nw0__fail(errno, "no descriptor to wait with: %s", strerror(errno));
    w->next = nw0__discovery.waiters;
    nw0__discovery.waiters = w;
    return 0;
}

static void nw0__end_waiting(nw0__waiter *w) {
    nw0__waiter **link = &nw0__discovery.waiters;
    while (*link != w) link = &(*link)->next;
    *link = w->next;
    nw0__bell_close(&w->bell);
}

static void nw0__give(const char *name, nw0__place at, nw0_service *service) {
    if (!service) return;
    memset(service, 0, sizeof *service);
    memcpy(service->name, name, strlen(name));
    nw0__print(at, service->address);
}

/* Waits for a name: asks aloud, and again with longer and longer pauses, because a broadcast may be
 * lost. NULL, with errno: not there in time (ETIMEDOUT), EINTR ... */
static nw0__record *nw0__wait_for_name(const char *name, double deadline) {
    double now = nw0__now(), pause = 0.02, ask = now;
    nw0__record *r = nw0__find(name);
    nw0__waiter w;
    int result = 0;
    if (r) return r;
    errno = ETIMEDOUT;
    if (deadline <= now && now < nw0__discovery.last_question + 0.1)
        return NULL; /* who looks often, asks seldom */
    if (nw0__begin_waiting(&w) < 0) return NULL;
    while (result == 0 && !(r = nw0__find(name))) {
        now = nw0__now();
        if (now >= ask) {
            nw0__ask(name);
            ask = now + pause;
            pause = nw0__earlier(pause * 2, 1);
        }
        if (now < deadline) result = nw0__wait_for_table(&w, nw0__earlier(ask, deadline));
        else result = -1, errno = ETIMEDOUT;
    }
    nw0__end_waiting(&w);
    return r;
}

/* "192.168.1.0/24 and 127.0.0.0/8", for sentences. */
static const char *nw0__network_names(char out[100]) {
    const nw0__network *net = nw0__discovery.networks, *end = net + nw0__discovery.network_count;
    char text[NW0_ADDRESS_SIZE];
    size_t n = 0;
    if (net == end) return "any network (no interface is up)";
    for (; net < end && n < 60; net++) {
        int bits = 0;
        while (bits < 32 && (net->mask << bits & 0x80000000u)) bits++;
        n += (size_t)snprintf(out + n, 100 - n, "%s%s/%d", n ? " and " : "",
                              nw0__print_ip(net->ip & net->mask, text), bits);
    }
    return out;
}

NW0_API int nw0_discover(const char *name, double wait_for_s, nw0_service *service) {
    double deadline = nw0__deadline(wait_for_s);
    nw0__record *r = NULL;
    char where[100];
    if (nw0__check_name(name, NW0_ADVERT_TTL_S) < 0 || nw0__enter() < 0) return -1;
    if (nw0__start_discovery() == 0) r = nw0__wait_for_name(name, deadline);
    if (r) nw0__give(r->name, r->holder.at, service); /* name may be in service */
    else if (errno == ETIMEDOUT)
        nw0__fail(ETIMEDOUT,
                  "no service called \"%s\" was heard on %s within %g s: is it running, and on the "
                  "same network?%s",
                  name, nw0__network_names(where), wait_for_s,
                  nw0__discovery.ear < 0 ? " (Another program holds the UDP port for itself.)"
                                         : "");
    nw0__leave();
    return r ? 0 : -1;
}

/* "?" to everybody, once in the life of a program. */
static void nw0__first_look(void) {
    if (nw0__discovery.first_look > 0) return;
    nw0__discovery.first_look = nw0__now();
    nw0__ask("");
}

/* Waits until the network has had its half second to answer the first look, and then for somebody
 * or the deadline. */
static int nw0__wait_for_somebody(double deadline) {
    struct nw0__discovery *d = &nw0__discovery;
    double now = nw0__now(), again = now + 0.2, enough;
    nw0__waiter w;
    int result = 0;
    nw0__first_look();
    enough = d->first_look + 0.5;
    if (now >= enough && (d->count > 0 || now >= deadline)) return 0;
    if (nw0__begin_waiting(&w) < 0) return -1;
    while (result == 0 && (now < enough || (d->count == 0 && now < deadline))) {
        if (now >= again) {
            nw0__ask(""); /* a broadcast may be lost */
            again = now + 1;
        }
        result = nw0__wait_for_table(&w, nw0__earlier(again, now < enough ? enough : deadline));
        now = nw0__now();
    }
    nw0__end_waiting(&w);
    return result;
}

/* Does the name begin with group and separator? group NULL: every name. */
static bool nw0__is_member(const char *name, const char *group, const char *separator) {
    size_t n = group ? strlen(group) : 0;
    if (!group) return true;
    if (!separator) separator = "/";
    return strncmp(name, group, n) == 0 && strncmp(name + n, separator, strlen(separator)) == 0;
}

static bool nw0__is_in(const char *name, const char *const list[]) {
    for (; list && *list; list++)
        if (strcmp(name, *list) == 0) return true;
    return false;
}

static int nw0__list(double deadline, const char *group, const char *separator,
                     const char *const exclude[], nw0_service services[], int capacity) {
    struct nw0__discovery *d = &nw0__discovery;
    int i, count;
    if (nw0__enter() < 0) return -1;
    count = nw0__start_discovery() < 0 || nw0__wait_for_somebody(deadline) < 0 ? -1 : 0;
    for (i = 0; count >= 0 && i < d->count; i++) {
        const nw0__record *r = &d->table[i];
        if (!nw0__is_member(r->name, group, separator) || nw0__is_in(r->name, exclude)) continue;
        if (services && count < capacity) nw0__give(r->name, r->holder.at, &services[count]);
        count++;
    }
    nw0__leave();
    return count;
}

NW0_API int nw0_discover_all(double wait_for_s, nw0_service services[], int capacity) {
    return nw0__list(nw0__deadline(wait_for_s), NULL, NULL, NULL, services, capacity);
}

NW0_API int nw0_discover_group(const char *group, const char *separator,
                               const char *const exclude[], nw0_service services[], int capacity) {
    if (group) return nw0__list(0, group, separator, exclude, services, capacity);
    return nw0__fail(EINVAL, "the group is NULL: give one, or call nw0_discover_all");
}

/* Brings the list nearer to the table by one change: both are sorted, so that one walk along both
 * tells what is missing in either. Who has left comes first, for want of room. 0: they agree. */
static int nw0__one_change(const char *group, const char *separator, nw0_service members[],
                           int *count, int capacity, nw0_service *changed) {
    const nw0__record *r = nw0__discovery.table, *end = r + nw0__discovery.count, *joined = NULL;
    nw0__place at;
    int m = 0, where = 0, order;
    while (m < *count || r < end) {
        if (r < end && !nw0__is_member(r->name, group, separator)) {
            r++;
            continue;
        }
        order = m == *count ? 1 : r == end ? -1 : strcmp(members[m].name, r->name);
        if (order < 0 || (order == 0 && (!nw0__parse_place(members[m].address, &at) ||
                                         !nw0__same(at, r->holder.at)))) { /* it moved */
            if (changed) *changed = members[m];
            memmove(&members[m], &members[m + 1], (size_t)(--*count - m) * sizeof members[0]);
            return NW0_LEFT;
        }
        if (order == 0) m++;
        else if (!joined) joined = r, where = m;
        r++;
    }
    if (!joined) return 0;
    if (*count >= capacity)
        return nw0__fail(ENOBUFS, "\"%s\" joined, but the list is full with %d: give a longer one",
                         joined->name, *count);
    memmove(&members[where + 1], &members[where], (size_t)((*count)++ - where) * sizeof members[0]);
    nw0__give(joined->name, joined->holder.at, &members[where]);
    if (changed) *changed = members[where];
    return NW0_JOINED;
}

NW0_API int nw0_wait_for_change(const char *group, const char *separator, nw0_service members[],
                                int *count, int capacity, nw0_service *changed, double wait_for_s) {
    double deadline = nw0__deadline(wait_for_s);
    nw0__waiter w;
    int result;
    if (!count || *count < 0 || *count > capacity || (!members && capacity > 0))
        return nw0__fail(EINVAL, "the list makes no sense: count must point to 0 ... capacity");
    if (nw0__enter() < 0) return -1;
    if (nw0__start_discovery() < 0 || nw0__begin_waiting(&w) < 0) return nw0__leave(), -1;
    nw0__first_look();
    while ((result = nw0__one_change(group, separator, members, count, capacity, changed)) == 0) {
        if (nw0__now() >= deadline)
            result = nw0__fail(ETIMEDOUT, "nobody joined or left%s%.80s within %g s",
                               group ? " " : "", group ? group : "", wait_for_s);
        else result = nw0__wait_for_table(&w, deadline);
        if (result < 0) break;
    }
    nw0__end_waiting(&w);
    nw0__leave();
    return result;
}

/* See messages: opens a listening socket, port 0 becomes a free one; the IP of the one that listens
 * at a port (0: on every network). */
static int nw0__listen(nw0__place *place);
static uint32_t nw0__listening_ip(uint16_t port, uint32_t otherwise);

/* The address of a new advert: as it was given, completed by a listening socket where it has no
 * port. Advertising a name again in the same way keeps the socket that it has. */
static int nw0__open_service(nw0__own *own, const nw0__own *before) {
    if (own->at.port != 0) {
        own->at.ip = own->at.ip ? own->at.ip : nw0__listening_ip(own->at.port, 0);
        return 0;
    }
    own->listens = true;
    if (!before || !before->listens || before->at.ip != own->at.ip ||
        nw0__listening_ip(before->at.port, 1) == 1) /* it was closed */
        return nw0__listen(&own->at);
    own->at.port = before->at.port;
    return 0;
}

/* Does the holder of a name answer? It may have ended without a word. 1: yes, or it never answers;
 * 0: no, or it said goodbye; -1: EINTR. */
static int nw0__lives(const char *name) {
    double began = nw0__now(), next = began;
    nw0__record *r;
    nw0__waiter w;
    int asked = 0, result = 0;
    if (nw0__begin_waiting(&w) < 0) return -1;
    while (result == 0 && (r = nw0__find(name)) != NULL) {
        double now = nw0__now();
        if (!nw0__answers(r->holder.mouth) || r->holder.heard > began) result = 1;
        else if (now >= next && asked == NW0__RIVAL_QUESTIONS) break;
        else {
            if (now >= next) asked++, next = now + NW0__RIVAL_PAUSE_S, nw0__ask_holder(r);
            result = nw0__wait_for_table(&w, next);
        }
    }
    nw0__end_waiting(&w);
    return result;
}

static int nw0__check_free(const char *name) {
    nw0__record *r = nw0__wait_for_name(name, nw0__now() + 0.3);
    char text[NW0_ADDRESS_SIZE];
    int lives;
    if (!r) return errno == ETIMEDOUT ? 0 : -1;
    lives = nw0__own_service(name) ? 1 : nw0__lives(name);
    if (lives < 0) return -1;
    r = nw0__find(name);
    if (!r || (lives == 0 && !nw0__own_service(name))) return 0; /* or another thread has it now */
    return nw0__fail(EEXIST, "the name \"%s\" is taken by %s at %s: choose another, or end it",
                     name, nw0__is_self(r->holder.mouth) ? "this program" : "a program",
                     nw0__print(r->holder.at, text));
}

/* The advert as it was asked for. */
static int nw0__new_own(nw0__own *own, const char *name, const char *address, double ttl_s) {
    memset(own, 0, sizeof *own);
    if (!(ttl_s > 0))
        return nw0__fail(EINVAL, "\"%.80s\" cannot be advertised for %g seconds: take more than 0",
                         name ? name : "", ttl_s);
    own->ttl = nw0__earlier(ttl_s < 0.001 ? 0.001 : ttl_s, NW0__TTL_MAX);
    if (nw0__check_name(name, own->ttl) < 0 || nw0__resolve(address, &own->at) < 0) return -1;
    memcpy(own->name, name, strlen(name));
    return 0;
}

static int nw0__advertise(nw0__own *own, nw0_service *service) {
    struct nw0__discovery *d = &nw0__discovery;
    nw0__own *place = nw0__own_service(own->name);
    if ((!place && d->own_count == NW0_MAX_SERVICES) ||
        (!nw0__find(own->name) && !nw0__has_room(nw0__at(0, 0))))
        return nw0__fail(ENOBUFS, "no room for \"%s\": %d services are known (NW0_MAX_SERVICES)",
                         own->name, d->count);
    if (nw0__open_service(own, place) < 0) return -1;
    nw0__hear_own(own, own->ttl);
    own->due = true;
    if (place && own->at.ip && own->at.ip != place->at.ip)
        nw0__announce(place, 0); /* there are networks where it is no more */
    if (!place) place = &d->own[d->own_count++];
    *place = *own;
    nw0__wake_thread();
    nw0__give(own->name, nw0__seen_here(own->at), service);
    return 0;
}

NW0_API int nw0_advertise_ex(const char *name, const char *address, bool fail_if_exists,
                             double ttl_s, nw0_service *service) {
    nw0__own own;
    int result;
    if (nw0__new_own(&own, name, address, ttl_s) < 0 || nw0__enter() < 0) return -1;
    result = nw0__start_discovery();
    if (result == 0 && fail_if_exists) result = nw0__check_free(own.name);
    if (result == 0) result = nw0__advertise(&own, service);
    nw0__leave();
    return result;
}

/* Not by way of the other, so that a small program need not contain that. */
NW0_API int nw0_advertise(const char *name, const char *address, nw0_service *service) {
    nw0__own own;
    int result;
    if (nw0__new_own(&own, name, address, NW0_ADVERT_TTL_S) < 0 || nw0__enter() < 0) return -1;
    result = nw0__start_discovery();
    if (result == 0) result = nw0__advertise(&own, service);
    nw0__leave();
    return result;
}

NW0_API int nw0_unadvertise(const char *name) {
    nw0__own *own;
    if (nw0__enter() < 0) return -1;
    own = name ? nw0__own_service(name) : NULL;
    if (own) {
        nw0__announce(own, 0);
        nw0__hear_own(own, 0);
        *own = nw0__discovery.own[--nw0__discovery.own_count];
    }
    nw0__leave();
    if (own) return 0;
    return nw0__fail(ENOENT, "\"%.80s\" is not advertised by this program", name ? name : "");
}

/* =================================================================================================
   Messages                                                                               >>messages

   A question and its answer are two frames on one TCP connection, which is kept for the next
   question. Between the program and the socket stands nothing: whoever waits for a message reads
   it, from the kernel into the buffer where it is wanted (small ones by way of the stack).

   The one who asks uses a blocking socket with a time limit (SO_RCVTIMEO): one system call for each
   wait. The one who answers has many connections, of which it must not prefer any: a set tells
   which are ready, and these are remembered and served in turn. A message may arrive in pieces;
   while nothing else happens they are put together in the caller's buffer, and when another
   connection is ready first, they are moved into memory of their own, which grows with what really
   came.

   What goes wrong: a send that takes only a part; a signal between two parts; a peer that went away
   (which the first send after it does not notice, so we look before); a machine that went away
   (keepalive, and a look at what was acknowledged); no descriptor left for accept(), which would
   report the same connection again at once; an asker who does not read the answer. Examples:
   examples/hello_server.c, examples/hello_client.c.
   ============================================================================================== */

#define NW0__READY 64      /* how many ready descriptors, or callers, are taken at a time */
#define NW0__REPLY_S 0.02  /* how long an answer may block before the background goes on with it */
#define NW0__SLICE_S 2.0   /* how long a blocking call waits at a time */
#define NW0__LOST_MS 9000  /* without an acknowledgement: the other machine is gone */
#define NW0__FLUSH_S 1.0   /* how long nw0_shutdown waits for what is still to be sent */
#define NW0__LINGER_S 60.0 /* and nw0_close, in the background, for one who does not read */

#define NW0__SMALL 4096  /* sendmsg() and recvmsg() cost more than copying so few bytes */
#define NW0__CHUNK 65536 /* news is read in pieces of that size, because one item is small */

typedef struct nw0__endpoint nw0__endpoint;

/* One end of a conversation. */
typedef struct nw0__conn {
    struct nw0__conn *next, **link; /* in the list of its endpoint, or of those where we called */
    nw0__endpoint *home; /* where it was accepted; or its feed, for subscriptions; NULL: a question
                            of ours */
    nw0__place place;    /* whom we called */
    int fd;
    char kind;               /* '?' or '!' once the introduction was heard or said */
    nw0__set *watched;       /* the set it is in, */
    int events;              /* and what for */
    bool busy;               /* a thread works with it, without the lock */
    bool doomed;             /* to be closed by that thread */
    bool queued;             /* it has its turn soon, */
    struct nw0__conn *queue; /* after which this one has it */
    bool asked;              /* its owner took the message and owes an answer */
    const nw0__self *owner;  /* whose question it carries, or whose answer it waits for */
    double patience;         /* the time limit that the socket has */
    double exchange_at;      /* when something was last sent to the other side */
    /* reading */
    unsigned char head[NW0__INTRODUCTION + NW0__LENGTH];
    size_t head_size; /* 12 bytes where the introduction is still to come, else 4 */
    size_t got, size; /* bytes so far, head and body; the size of the body */
    bool was_small;   /* the last one was */
    char *body;       /* the body, unless it is in the caller's buffer */
    size_t room;      /* bytes that body can hold */
    char *extra;      /* what came beyond the frame */
    size_t extra_size, extra_done;
    /* writing */
    char *out;         /* memory for what could not be sent yet, */
    struct iovec rest; /* and what is left of it */
    bool blocked;      /* the background thread sends it when there is room */
    /* a subscriber of ours */
    unsigned char *prefixes; /* each with its length before it */
    size_t prefixes_size;
    bool everything; /* one of them is empty */
    uint64_t cursor; /* the item that it gets next; before: the first that it can get */
    size_t partial;  /* bytes of it that have left */
    /* a subscription of ours */
    bool has_topic; /* the next frame is its data */
    bool connecting;
    double retry_at, retry_pause; /* 0: it is connected; NW0__NEVER: it is connecting */
    char topic[NW0_NAME_SIZE];
} nw0__conn;

/* A listening socket, and everybody who called there; or a feed, which has no listening socket:
 * subscriptions of ours. */
struct nw0__endpoint {
    nw0__endpoint *next;
    nw0__place place;  /* ip 0: on every network */
    uint32_t known_ip; /* an ip of this machine by which it was called before */
    int listener;
    double deaf_until; /* there was no descriptor for accept(); 0: it is in the set */
    nw0__set set;
    nw0__bell bell;
    nw0__conn *ready,
        **ready_end;  /* those from which something can be read, in the order of their turns */
    nw0__conn *conns; /* those with a question in work come first */
    int users;        /* threads that wait here */
    int owned;        /* connections that have an owner */
    bool closing;
    double closed_at;
    bool wants_fd, rung; /* the program polls the set; the bell rings for it */
    /* news of ours */
    bool publishing, flush_scheduled;
    int subscribers;
    char *news; /* encoded items, the oldest first */
    size_t news_room, news_used;
    uint64_t news_start; /* the position of news[0]; positions only grow */
    uint64_t flushed_to;
    double flushed_at;
    /* a feed */
    char *lists;    /* the addresses, as frames; NULL: not a feed */
    char *greeting; /* behind them: what we say to each publisher */
    size_t greeting_size;
};

static struct nw0__messages {
    nw0__endpoint *endpoints, *feeds;
    nw0__conn *calls; /* connections to others */
    nw0__conn **by_fd;
    int fd_room;
    int blocked;    /* how many connections are */
    double look_at; /* when to look whether these still have a machine at the other end */
} nw0__messages;

/* ---- connections ---- */

/* Goes through a list of which each may be freed on the way. */
#define NW0__EACH(each, after, list)                                                               \
    for (each = (list); each && ((after = each->next), true); each = after)

static void nw0__link(nw0__conn *c, nw0__conn **list) {
    c->next = *list;
    c->link = list;
    if (c->next) c->next->link = &c->next;
    *list = c;
}

static void nw0__unlink(nw0__conn *c) {
    *c->link = c->next;
    if (c->next) c->next->link = c->link;
}

static nw0__conn *nw0__conn_of(int fd) {
    return fd >= 0 && fd < nw0__messages.fd_room ? nw0__messages.by_fd[fd] : NULL;
}

/* Room in the table of connections by descriptor. */
static int nw0__fd_room(int fd) {
    struct nw0__messages *m = &nw0__messages;
    int room = fd < 64 ? 64 : fd * 2;
    nw0__conn **more;
    if (fd < m->fd_room) return 0;
    more = (nw0__conn **)nw0__resize(m->by_fd, (size_t)room * sizeof *more);
    if (!more) return errno = ENOMEM, -1;
    memset(more + m->fd_room, 0, (size_t)(room - m->fd_room) * sizeof *more);
    m->by_fd = more;
    m->fd_room = room;
    return 0;
}

/* Enters a connection's descriptor into the table; it is closed if there is no memory. */
static int nw0__enter_fd(nw0__conn *c) {
    if (nw0__fd_room(c->fd) < 0) return nw0__close_fd(&c->fd), -1;
    nw0__messages.by_fd[c->fd] = c;
    c->patience = 0;
    return 0;
}

/* A connection; fd is -1, or becomes its own: if there is no memory for that, it is closed. */
static nw0__conn *nw0__new_conn(int fd, nw0__endpoint *home) {
    nw0__conn *c = (nw0__conn *)nw0__zeroed(sizeof *c);
    if (c) c->fd = fd;
    if (!c || (fd >= 0 && nw0__enter_fd(c) < 0)) {
        if (!c) nw0__close_fd(&fd);
        nw0__free(c);
        errno = ENOMEM;
        return NULL;
    }
    c->home = home;
    c->head_size = home && !home->lists ? sizeof c->head : NW0__LENGTH;
    nw0__link(c, home ? &home->conns : &nw0__messages.calls);
    return c;
}

static bool nw0__is_feed(const nw0__conn *c) {
    return c->home && c->home->lists;
}

/* A subscription of ours reads all into c->extra first, which is this large; else 0. */
static size_t nw0__extra_room(const nw0__conn *c) {
    return nw0__is_feed(c) ? NW0__CHUNK : 0;
}

/* Which set tells of it: the background thread's, for what is still to be sent, for subscribers,
 * and for callers where news is published until they say what they want; else that of its home. */
static nw0__set *nw0__set_of(const nw0__conn *c) {
    bool caller = !nw0__is_feed(c) && (c->kind == '!' || (!c->kind && c->home->publishing));
    return c->blocked || c->connecting || caller ? &nw0__library.set : &c->home->set;
}

static void nw0__unwatch(nw0__conn *c) {
    if (c->watched) nw0__set_remove(c->watched, c->fd);
    c->watched = NULL;
}

static void nw0__lose(nw0__conn *c);

/* Puts it into the set where it belongs now. False: there is no memory or descriptor for that, and
 * the connection is lost. */
static bool nw0__watch(nw0__conn *c) {
    nw0__set *set = nw0__set_of(c);
    int events = c->connecting ? POLLOUT
                 : !c->blocked ? POLLIN
                 : c->prefixes ? POLLIN | POLLOUT
                               : POLLOUT;
    if (c->watched == set && c->events == events) return true;
    nw0__unwatch(c);
    if ((set == &nw0__library.set && nw0__start_thread() < 0) ||
        nw0__set_add(set, c->fd, events) < 0)
        return nw0__lose(c), false;
    c->watched = set;
    c->events = events;
    return true;
}

/* Closes the socket of a connection. */
static void nw0__drop_fd(nw0__conn *c) {
    nw0__unwatch(c);
    if (c->fd < 0) return;
    nw0__messages.by_fd[c->fd] = NULL;
    nw0__close_fd(&c->fd);
}

/* They are counted, because nw0_shutdown waits for what is still to be sent. */
static void nw0__set_blocked(nw0__conn *c, bool blocked) {
    nw0__messages.blocked += blocked - c->blocked;
    c->blocked = blocked;
}

/* Something can be read from it: it has its turn after those who came before. */
static void nw0__queue(nw0__conn *c) {
    if (c->queued) return;
    c->queued = true;
    c->queue = NULL;
    if (!c->home->ready) c->home->ready_end = &c->home->ready;
    *c->home->ready_end = c;
    c->home->ready_end = &c->queue;
}

static void nw0__unqueue(nw0__conn *c) {
    nw0__conn **link = c->queued ? &c->home->ready : NULL;
    if (!link) return;
    while (*link != c) link = &(*link)->queue;
    *link = c->queue;
    if (!c->queue) c->home->ready_end = link;
    c->queued = false;
}

static void nw0__disown(nw0__conn *c) {
    if (c->owner && c->home) c->home->owned--;
    c->owner = NULL;
}

/* Forgets a frame that is done with, so that the next one can come. */
static void nw0__next_frame(nw0__conn *c) {
    nw0__free(c->body);
    c->body = NULL;
    c->was_small = c->size < NW0__SMALL - sizeof c->head;
    c->room = c->got = c->size = 0;
    c->head_size = NW0__LENGTH;
    nw0__disown(c);
    c->asked = false;
}

/* Ends a conversation. If a thread works with it, that one wakes up and ends it. */
static void nw0__hang_up(nw0__conn *c) {
    int error = errno;
    if (c->busy) {
        c->doomed = true;
        if (c->fd >= 0) shutdown(c->fd, SHUT_RDWR);
        errno = error;
        return;
    }
    nw0__drop_fd(c);
    nw0__unqueue(c);
    nw0__disown(c);
    nw0__set_blocked(c, false);
    if (c->prefixes) {
        c->home->subscribers--;
        nw0__wake_waiters();
    }
    nw0__unlink(c);
    nw0__free(c->body);
    nw0__free(c->extra);
    nw0__free(c->out);
    nw0__free(c->prefixes);
    nw0__free(c);
    errno = error;
}

/* No delay for small frames; and a peer that is gone without a word is noticed within some 11
 * seconds by questions of the kernel (keepalive), as long as nothing is on the way to it; for when
 * something is, see nw0__is_lost. */
static void nw0__tune(int fd) {
    static const int options[][3] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},   {SOL_SOCKET, SO_KEEPALIVE, 1},
#ifdef TCP_KEEPIDLE
        {IPPROTO_TCP, TCP_KEEPIDLE, 5},
#elif defined(TCP_KEEPALIVE)
        {IPPROTO_TCP, TCP_KEEPALIVE, 5},
#endif
#ifdef TCP_KEEPINTVL
        {IPPROTO_TCP, TCP_KEEPINTVL, 2}, {IPPROTO_TCP, TCP_KEEPCNT, 3},
#endif
    };
    size_t i;
    for (i = 0; i < sizeof options / sizeof *options; i++)
        nw0__option(fd, options[i][0], options[i][1], options[i][2]);
}

static void nw0__limit(int fd, double seconds) {
    struct timeval t;
    if (seconds < 1e-6) seconds = 1e-6; /* 0 would be without limit */
    t.tv_sec = (time_t)seconds;
    t.tv_usec = (suseconds_t)((seconds - (double)t.tv_sec) * 1e6);
    (void)NW0__TRY(setsockopt, setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
    (void)NW0__TRY(setsockopt, setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t));
}

/* Gives the socket's blocking calls so much time, but not longer than it takes to look whether the
 * other machine is still there. The same limit is not set again: most waits are as long as the
 * last. A call with a limit also ends with EINTR for every signal; one without may go on. */
static void nw0__set_patience(nw0__conn *c, double left) {
    left = nw0__earlier(left, NW0__SLICE_S);
    if (c->patience > 0 && left < c->patience + 0.001 && left > c->patience - 0.001) return;
    c->patience = left;
    nw0__limit(c->fd, left);
}

/* Has the other machine acknowledged nothing for a while, though it was asked to more than once?
 * Not TCP_USER_TIMEOUT: that also ends the connection to a program that lives, but does not read.
 * The structure is the beginning of Linux's struct tcp_info, which some C libraries hide. */
static bool nw0__is_lost(const nw0__conn *c) {
#if defined(__linux__) && defined(TCP_INFO)
    struct {
        unsigned char state, congestion, retransmits, probes, others[4];
        uint32_t more[12], last_ack_ms;
    } info;
    socklen_t size = sizeof info;
    memset(&info, 0, sizeof info);
    if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0) return false;
    return (info.retransmits > 1 || info.probes > 1) && info.last_ack_ms > NW0__LOST_MS;
#else
    (void)c;
    return false;
#endif
}

/* Between these two a thread works with a connection without the lock. */
static void nw0__step_out(nw0__conn *c) {
    c->busy = true;
    nw0__unlock();
}

static void nw0__step_in(nw0__conn *c) {
    nw0__lock(); /* the errno of what was done stays: threads report by their results */
    c->busy = false;
}

static void nw0__show(nw0__endpoint *e);

/* A thread ends. Nobody will answer the questions that it took, or fetch the answers to those that
 * it sent; but what it was only told the size of is for the others. */
static void nw0__let_go(nw0__conn *list, const nw0__self *owner) {
    nw0__conn *c, *next;
    NW0__EACH(c, next, list) {
        if (c->busy || c->owner != owner) continue;
        if (!c->home || c->asked) {
            nw0__hang_up(c);
        } else {
            nw0__disown(c);
            nw0__queue(c);
            nw0__show(c->home);
        }
    }
}

/* Other destructors may call the library again: then it is called again, too. */
static void nw0__thread_ends(void *thread) {
    nw0__self *self = (nw0__self *)thread;
    nw0__endpoint *e;
    nw0__lock();
    self->registered = false;
    for (e = nw0__messages.endpoints; e; e = e->next) nw0__let_go(e->conns, self);
    for (e = nw0__messages.feeds; e; e = e->next) nw0__let_go(e->conns, self);
    nw0__let_go(nw0__messages.calls, self);
    nw0__unlock();
}

static void nw0__own_by_this_thread(nw0__conn *c) {
    if (!c->owner && c->home) c->home->owned++;
    c->owner = &nw0__this_thread;
    if (nw0__this_thread.registered) return;
    nw0__this_thread.registered = pthread_setspecific(nw0__ends, &nw0__this_thread) == 0;
}

/* ---- reading a frame ---- */

static size_t nw0__body_got(const nw0__conn *c) {
    return c->got > c->head_size ? c->got - c->head_size : 0;
}

static bool nw0__is_whole(const nw0__conn *c) {
    return c->got >= c->head_size && c->got == c->head_size + c->size;
}

/* Gives the body memory of its own, or more of it: twice what has come, but not more than the frame
 * needs. */
static int nw0__grow_body(nw0__conn *c) {
    size_t room = nw0__body_got(c) * 2 < 4096 ? 4096 : nw0__body_got(c) * 2;
    char *more;
    if (room > c->size) room = c->size;
    if (c->body && nw0__body_got(c) < c->room) return 0;
    more = (char *)nw0__resize(c->body, room ? room : 1);
    if (!more) return errno = ENOMEM, -1;
    c->body = more;
    c->room = room;
    return 0;
}

/* Moves the body from the caller's buffer into memory of its own. */
static int nw0__keep_body(nw0__conn *c, const char *buffer) {
    if (c->body || c->got < c->head_size) return 0;
    if (nw0__grow_body(c) < 0) return -1;
    if (buffer && nw0__body_got(c) > 0) memcpy(c->body, buffer, nw0__body_got(c));
    return 0;
}

/* What lies beyond the end of the frame in the caller's buffer belongs to the next one. */
static int nw0__keep_extra(nw0__conn *c, const char *buffer) {
    size_t beyond = c->got - c->head_size - c->size, left = c->extra_size - c->extra_done;
    char *extra = (char *)nw0__resize(NULL, beyond + left);
    if (!extra) return errno = ENOMEM, -1;
    memcpy(extra, buffer + c->size, beyond);
    if (left > 0) memcpy(extra + beyond, c->extra + c->extra_done, left);
    nw0__free(c->extra);
    c->extra = extra;
    c->extra_size = beyond + left;
    c->extra_done = 0;
    c->got -= beyond;
    return 0;
}

/* What is moved at once: the head of a frame and its body. */
static struct iovec nw0__part(const void *bytes, size_t size) {
    struct iovec part;
    part.iov_base = (void *)bytes;
    part.iov_len = size;
    return part;
}

static size_t nw0__total(const struct iovec v[2]) {
    return v[0].iov_len + v[1].iov_len;
}

/* Tests let only so many bytes through. */
static void nw0__limit_parts(struct iovec v[2], size_t limit) {
    if (v[0].iov_len > limit) v[0].iov_len = limit;
    if (v[1].iov_len > limit - v[0].iov_len) v[1].iov_len = limit - v[0].iov_len;
}

/* Distributes bytes over the parts. Returns how many there was room for. */
static size_t nw0__scatter(const struct iovec v[2], const char *bytes, size_t n) {
    size_t first = n < v[0].iov_len ? n : v[0].iov_len,
           second = n - first < v[1].iov_len ? n - first : v[1].iov_len;
    if (first > 0) memcpy(v[0].iov_base, bytes, first);
    if (second > 0) memcpy(v[1].iov_base, bytes + first, second);
    return first + second;
}

/* recv() into two parts. Small ones take a detour, which saves 4 % of a short round trip. */
static ssize_t nw0__receive_parts(int fd, struct iovec v[2], int flags) {
    char small[NW0__SMALL];
    struct msghdr message;
    ssize_t n;
    if (v[0].iov_len == 0 || v[1].iov_len == 0) {
        struct iovec *one = &v[v[0].iov_len == 0];
        return NW0__TRY(recvmsg, recv(fd, one->iov_base, one->iov_len, flags));
    }
    if (nw0__total(v) <= sizeof small) {
        n = NW0__TRY(recvmsg, recv(fd, small, nw0__total(v), flags));
        if (n > 0) nw0__scatter(v, small, (size_t)n);
        return n;
    }
    memset(&message, 0, sizeof message);
    message.msg_iov = v;
    message.msg_iovlen = 2;
    return NW0__TRY(recvmsg, recvmsg(fd, &message, flags));
}

/* The kernel's copy of a frame mostly begins with a page; and some processors copy to 1 to 15 bytes
 * past the source, modulo a page, at a third of their speed. Memory from malloc is often such a
 * place: 64 KiB there and back took 2.5 times as long as by bare sockets elsewhere. */
static bool nw0__is_slow(const nw0__conn *c, const struct iovec *body) {
    size_t past = ((uintptr_t)body->iov_base - nw0__body_got(c) - c->head_size) % 4096;
    return past >= 1 && past <= 15 && body->iov_len > NW0__SMALL;
}

/* Reads such a body 32 bytes further on, and moves it back: 1.3 times. */
static ssize_t nw0__receive_further_on(int fd, const struct iovec v[2], int flags) {
    char beyond[32];
    struct iovec three[3];
    struct msghdr message;
    char *body = (char *)v[1].iov_base;
    size_t inside = v[1].iov_len - sizeof beyond, n;
    ssize_t got;
    three[0] = v[0];
    three[1] = nw0__part(body + sizeof beyond, inside);
    three[2] = nw0__part(beyond, sizeof beyond);
    memset(&message, 0, sizeof message);
    message.msg_iov = three;
    message.msg_iovlen = 3;
    got = NW0__TRY(recvmsg, recvmsg(fd, &message, flags));
    if (got <= (ssize_t)v[0].iov_len) return got;
    n = (size_t)got - v[0].iov_len;
    memmove(body, body + sizeof beyond, n < inside ? n : inside);
    if (n > inside) memcpy(body + inside, beyond, n - inside);
    return got;
}

/* As nw0__receive_parts, but from what came beyond the last frame, if there is such. News is read
 * in large pieces, of which many items are taken one after the other; but what is large itself goes
 * straight to where it is wanted. */
static ssize_t nw0__receive(nw0__conn *c, struct iovec v[2], int flags) {
    size_t done;
    if (c->extra_done == c->extra_size) {
        ssize_t got;
        if (nw0__is_slow(c, &v[1])) return nw0__receive_further_on(c->fd, v, flags);
        if (nw0__total(v) > nw0__extra_room(c) / 4) return nw0__receive_parts(c->fd, v, flags);
        got = NW0__TRY(recvmsg, recv(c->fd, c->extra, nw0__extra_room(c), flags));
        if (got <= 0) return got;
        c->extra_size = (size_t)got;
        c->extra_done = 0;
    }
    done = nw0__scatter(v, c->extra + c->extra_done, c->extra_size - c->extra_done);
    c->extra_done += done;
    if (c->extra_done == c->extra_size && nw0__extra_room(c) == 0) {
        nw0__free(c->extra);
        c->extra = NULL;
        c->extra_size = c->extra_done = 0;
    }
    return (ssize_t)done;
}

/* Points at where the next bytes belong: the rest of the head, and the body. A body of which the
 * size is not known yet is read into the caller's buffer together with its head, but only its first
 * bytes if the last one was small; and not at all where the next frame follows at once. */
static void nw0__aim(nw0__conn *c, char *buffer, size_t usable, struct iovec v[2]) {
    size_t have = nw0__body_got(c), end = c->body ? c->room : c->size;
    v[0] = v[1] = nw0__part(NULL, 0);
    if (c->got < c->head_size) {
        size_t few = NW0__SMALL - sizeof c->head;
        v[0] = nw0__part(c->head + c->got, c->head_size - c->got);
        end = nw0__is_feed(c) ? 0 : c->was_small && usable > few ? few : usable;
    }
    if (end > have) v[1] = nw0__part((c->body ? c->body : buffer) + have, end - have);
}

/* What an ending connection, or bytes that are no frame, mean for the one who reads. */
static int nw0__bad_frame(const nw0__conn *c) {
    bool called = !c->home || nw0__is_feed(c);
    errno = called && c->got > 0 && c->head[0] == 0xFF ? EPROTONOSUPPORT
                                                       : EPROTO; /* FF is how ZeroMQ begins */
    return -1;
}

/* Understands the head, as far as it has come. */
static int nw0__check_head(nw0__conn *c) {
    size_t n = c->got < c->head_size ? c->got : c->head_size, skip = c->head_size - NW0__LENGTH;
    if (skip > 0 && nw0__check_introduction(c->head, n, &c->kind) < 0) return nw0__bad_frame(c);
    if (n > skip && nw0__check_length(c->head + skip, n - skip, &c->size) < 0)
        return nw0__bad_frame(c);
    if (c->kind == '!' && !c->has_topic && c->size >= NW0_NAME_SIZE)
        return nw0__bad_frame(c); /* of a topic, or a prefix */
    return 0;
}

/* Takes in n bytes that were read. */
static int nw0__took(nw0__conn *c, const char *buffer, size_t n) {
    bool before = c->got >= c->head_size;
    c->got += n;
    if (!before && nw0__check_head(c) < 0) return -1;
    if (c->got <= c->head_size || c->got <= c->head_size + c->size) return 0;
    return c->home ? nw0__keep_extra(c, buffer) : nw0__bad_frame(c); /* nobody answers twice */
}

/* Is it only that nothing comes, or fits, at the moment? */
static bool nw0__is_full(int error) {
    return error == EAGAIN || error == EWOULDBLOCK;
}

/* One read: head and body together, as far as they are there. 1: as much came as was asked for; 0:
 * less, so that another try would only say so (or EAGAIN, or the time is up); -1: EINTR, ENOMEM, or
 * the end of the conversation: ECONNRESET, EPROTO ... */
static int nw0__read_once(nw0__conn *c, char *buffer, size_t usable, int flags) {
    struct iovec v[2];
    size_t all, asked;
    ssize_t n;
    nw0__aim(c, buffer, usable, v);
    all = nw0__total(v);
    asked = NW0_SHORT(recvmsg, all);
    if (asked < all) nw0__limit_parts(v, asked);
    n = nw0__receive(c, v, flags);
    if (n == 0) errno = ECONNRESET;
    if (n < 0 && nw0__is_full(errno)) return 0;
    if (n <= 0 || nw0__took(c, buffer, (size_t)n) < 0) return -1;
    return (size_t)n == asked;
}

/* Reads on at a frame. 1: it is whole; 0: more must come; -1: as above. */
static int nw0__read_frame(nw0__conn *c, char *buffer, size_t usable, int flags) {
    int got;
    while (!nw0__is_whole(c)) {
        if (c->got >= c->head_size && (c->body || c->size > usable))
            if (nw0__keep_body(c, buffer) < 0 || nw0__grow_body(c) < 0) return -1;
        got = nw0__read_once(c, buffer, usable, flags);
        if (got < 0 || (got == 0 && !nw0__is_whole(c))) return got;
        flags |= MSG_DONTWAIT; /* only the first read waits: the time limit is for it */
    }
    return 1;
}

/* Hands a whole frame over to its owner; or says how long it is, and keeps it. */
static ssize_t nw0__hand_over(nw0__conn *c, char *buffer, size_t capacity, const char *what) {
    if (nw0__fits(what, c->size, buffer, capacity) < 0) return -1;
    if (buffer && c->body) memcpy(buffer, c->body, c->size);
    if (buffer) buffer[c->size] = '\0';
    return (ssize_t)c->size;
}

/* ---- writing a frame ---- */

/* What has left is cut off at the front. */
static void nw0__cut(struct iovec v[2], size_t n) {
    int i;
    for (i = 0; i < 2 && n > 0; i++) {
        size_t cut = n < v[i].iov_len ? n : v[i].iov_len;
        v[i] = nw0__part((char *)v[i].iov_base + cut, v[i].iov_len - cut);
        n -= cut;
    }
}

static ssize_t nw0__send_some(int fd, struct iovec v[2], int flags) {
    char small[NW0__SMALL];
    struct msghdr message;
    if (v[1].iov_len == 0) return NW0__TRY(sendmsg, send(fd, v[0].iov_base, v[0].iov_len, flags));
    if (nw0__total(v) <= sizeof small) { /* saves 3 % of a short round trip */
        memcpy(small, v[0].iov_base, v[0].iov_len);
        memcpy(small + v[0].iov_len, v[1].iov_base, v[1].iov_len);
        return NW0__TRY(sendmsg, send(fd, small, nw0__total(v), flags));
    }
    memset(&message, 0, sizeof message);
    message.msg_iov = v;
    message.msg_iovlen = 2;
    return NW0__TRY(sendmsg, sendmsg(fd, &message, flags));
}

/* Sends head and body. 0: all has left. -1, EINTR: a signal, or the socket's time limit, came
 * before the end; EAGAIN: nothing more fits now. A call that takes only a part does not say why:
 * the next one, which does not wait, does. */
static int nw0__send_parts(int fd, struct iovec v[2], int flags) {
    struct iovec some[2];
    bool cut = false;
    while (nw0__total(v) > 0) {
        size_t all = nw0__total(v), asked = NW0_SHORT(sendmsg, all);
        ssize_t n;
        memcpy(some, v, sizeof some);
        if (asked < all) nw0__limit_parts(some, asked);
        n = nw0__send_some(fd, some, flags | NW0__NOSIGNAL);
        if (n < 0 && cut && nw0__is_full(errno)) errno = EINTR;
        if (n < 0) return -1;
        nw0__cut(v, (size_t)n);
        if ((size_t)n == asked || (flags & MSG_DONTWAIT)) continue;
        cut = true;
        flags |= MSG_DONTWAIT;
    }
    return 0;
}

/* What was not sent goes into memory of its own. */
static int nw0__keep_rest(nw0__conn *c, const struct iovec v[2]) {
    char *out = (char *)nw0__resize(NULL, nw0__total(v));
    if (!out) return errno = ENOMEM, -1;
    if (v[0].iov_len > 0) memcpy(out, v[0].iov_base, v[0].iov_len);
    if (v[1].iov_len > 0) memcpy(out + v[0].iov_len, v[1].iov_base, v[1].iov_len);
    c->out = out;
    c->rest = nw0__part(out, nw0__total(v));
    return 0;
}

static void nw0__forget_rest(nw0__conn *c) {
    nw0__free(c->out);
    c->out = NULL;
    c->rest.iov_len = 0;
}

/* Sends what could not be sent before; 0: all has left. */
static int nw0__send_rest(nw0__conn *c) {
    struct iovec v[2];
    int result;
    v[0] = c->rest;
    v[1] = nw0__part(NULL, 0);
    result = nw0__send_parts(c->fd, v, MSG_DONTWAIT);
    c->rest = v[0];
    if (result == 0) nw0__forget_rest(c);
    return result;
}

/* NW0_TEXT is measured. */
static int nw0__check_size(const char *what, const void *bytes, size_t *size) {
    if (!bytes && *size != 0 && *size != NW0_TEXT)
        return nw0__fail(EINVAL, "%s is NULL, but is to have %lu bytes", what,
                         (unsigned long)*size);
    if (*size == NW0_TEXT) *size = bytes ? strlen((const char *)bytes) : 0;
    if (*size <= NW0_MAX_MESSAGE) return 0;
    return nw0__fail(EMSGSIZE, "%s of %lu bytes is too long: at most %lu can be sent", what,
                     (unsigned long)*size, (unsigned long)NW0_MAX_MESSAGE);
}

/* ---- listening ---- */

static void nw0__stop_listening(nw0__endpoint *e) {
    if (e->listener < 0) return;
    nw0__set_remove(&e->set, e->listener);
    if (e->publishing) nw0__set_remove(&nw0__library.set, e->listener);
    nw0__close_fd(&e->listener);
    e->deaf_until = 0;
}

static void nw0__close_endpoint(nw0__endpoint *e) {
    nw0__stop_listening(e);
    nw0__set_close(&e->set);
    nw0__bell_close(&e->bell);
    nw0__free(e->news);
    nw0__free(e->lists);
    nw0__free(e);
}

/* socket, bind, listen: and a set that tells of callers, of their messages and of the bell. */
static nw0__endpoint *nw0__open_endpoint(nw0__place place) {
    nw0__endpoint *e = (nw0__endpoint *)nw0__zeroed(sizeof *e);
    if (!e) return errno = ENOMEM, (nw0__endpoint *)NULL;
    e->place = place;
    e->bell.in = e->bell.out = -1;
    e->listener = nw0__socket(SOCK_STREAM);
    if (nw0__set_open(&e->set) < 0 || e->listener < 0)
        return nw0__close_endpoint(e), (nw0__endpoint *)NULL;
    nw0__option(e->listener, SOL_SOCKET, SO_REUSEADDR, 1);
    nw0__nonblocking(e->listener, true);
    if (nw0__bind(e->listener, place) < 0 || NW0__TRY(listen, listen(e->listener, SOMAXCONN)) < 0 ||
        nw0__bound_port(e->listener, &e->place.port) < 0 || nw0__bell_open(&e->bell) < 0 ||
        nw0__set_add(&e->set, e->bell.in, POLLIN) < 0 ||
        nw0__set_add(&e->set, e->listener, POLLIN) < 0)
        return nw0__close_endpoint(e), (nw0__endpoint *)NULL;
    e->next = nw0__messages.endpoints;
    nw0__messages.endpoints = e;
    return e;
}

static nw0__endpoint *nw0__listen_there(nw0__place place) {
    nw0__endpoint *e = nw0__open_endpoint(place);
    char text[NW0_ADDRESS_SIZE];
    int error = errno;
    if (e) return e;
    nw0__fail(error, "cannot listen at %s (%s): %s", nw0__print(place, text), strerror(error),
              error == EADDRINUSE
                  ? "this program or another listens at that port: close that, or take another"
              : error == EADDRNOTAVAIL
                  ? "it is not an address of this machine; see \"ip addr\" for those that are"
                  : "see errno(3)");
    return NULL;
}

static int nw0__listen(nw0__place *place) {
    nw0__endpoint *e = nw0__listen_there(*place);
    if (e) *place = e->place;
    return e ? 0 : -1;
}

/* The endpoint, if there is one, that a caller of this place would reach. */
static nw0__endpoint *nw0__endpoint_at(nw0__place place) {
    nw0__endpoint *e;
    for (e = nw0__messages.endpoints; e; e = e->next) {
        if (e->closing || e->place.port != place.port) continue;
        if (e->place.ip == place.ip) return e;
        if (e->place.ip == 0 && (e->known_ip == place.ip || nw0__is_ours(place.ip))) {
            e->known_ip = place.ip; /* if this machine loses it, its owner goes on using it */
            return e;
        }
    }
    return NULL;
}

static uint32_t nw0__listening_ip(uint16_t port, uint32_t otherwise) {
    nw0__endpoint *e;
    for (e = nw0__messages.endpoints; e; e = e->next)
        if (!e->closing && e->place.port == port) return e->place.ip;
    return otherwise;
}

/* The place of an address that must have a port. Looking up a name may take a while: without the
 * lock. */
static int nw0__resolve_with_port(const char *address, nw0__place *place) {
    static struct {
        char text[NW0_ADDRESS_SIZE];
        nw0__place place;
    } last; /* most programs use one address again and again: 2 % of a short round trip */
    int result;
    if (!address || !*address)
        return nw0__fail(
            EINVAL,
            "an address is missing: give one like 192.168.1.5:8080, such as nw0_discover finds");
    if (strcmp(address, last.text) == 0) return *place = last.place, 0;
    if (nw0__parse_place(address, place)) {
        size_t size = strlen(address) + 1;
        if (size <= sizeof last.text) memcpy(last.text, address, size), last.place = *place;
        return 0;
    }
    nw0__unlock();
    result = nw0__resolve(address, place);
    nw0__lock();
    if (nw0__library.closing) return nw0__canceled();
    if (result == 0 && place->port == 0)
        return nw0__fail(EINVAL, "the address \"%.80s\" has no port: write it as %.80s:8080",
                         address, address);
    return result;
}

/* Was a service of ours advertised at this port for every network? Then it listens on every
 * network. */
static bool nw0__is_for_every_network(nw0__place place) {
    int i;
    for (i = 0; i < nw0__discovery.own_count; i++)
        if (nw0__discovery.own[i].at.port == place.port && nw0__discovery.own[i].at.ip == 0)
            return nw0__is_ours(place.ip);
    return false;
}

/* The endpoint for an address, opened if that is wanted; *e is NULL if there is none. -1: it is no
 * address, or cannot be opened. */
static int nw0__endpoint_for(const char *address, bool open, nw0__endpoint **e) {
    nw0__place place;
    *e = NULL;
    if (nw0__resolve_with_port(address, &place) < 0) return -1;
    *e = nw0__endpoint_at(place);
    if (*e || !open) return 0;
    if (nw0__is_for_every_network(place)) place.ip = 0;
    *e = nw0__listen_there(place);
    return *e ? 0 : -1;
}

/* No descriptors left: the caller stays in the queue of the kernel, which would report it again at
 * once. So the listening socket leaves the set for a moment. */
static void nw0__go_deaf(nw0__endpoint *e) {
    nw0__debug("nobody can be accepted at port %u (%s): trying again in 0.1 s",
               (unsigned)e->place.port, strerror(errno));
    nw0__set_remove(&e->set, e->listener);
    if (e->publishing) nw0__set_remove(&nw0__library.set, e->listener);
    e->deaf_until = nw0__now() + 0.1;
    if (e->wants_fd || e->publishing) nw0__wake_thread();
}

static void nw0__hear_again(nw0__endpoint *e) {
    int error = errno;
    e->deaf_until = 0;
    if (nw0__set_add(&e->set, e->listener, POLLIN) < 0 ||
        (e->publishing && nw0__set_add(&nw0__library.set, e->listener, POLLIN) < 0))
        nw0__go_deaf(e);
    errno = error;
}

static int nw0__accept(int listener) {
    int fd;
#if defined(SYS_accept4)
    fd = NW0__TRY(accept, (int)syscall(SYS_accept4, listener, NULL, NULL,
                                       SOCK_CLOEXEC)); /* accept4() itself needs _GNU_SOURCE */
#else
    fd = NW0__TRY(accept, accept(listener, NULL, NULL));
    if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (fd >= 0) nw0__nonblocking(fd, false);
#endif
    return fd;
}

/* NW0_NETWORK holds for sockets without an IP of their own, too: callers on other networks are hung
 * up on. */
static bool nw0__is_allowed(const nw0__endpoint *e, int fd) {
    struct sockaddr_in a;
    socklen_t size = sizeof a;
    char text[NW0_ADDRESS_SIZE];
    if (e->place.ip != 0 || strcmp(nw0__allowed(), "*") == 0) return true;
    if (NW0__TRY(getsockname, getsockname(fd, (struct sockaddr *)&a, &size)) < 0) return false;
    return nw0__matches(nw0__allowed(), nw0__print_ip(nw0__place_of(&a).ip, text));
}

static void nw0__accept_callers(nw0__endpoint *e, int most) {
    nw0__conn *c;
    int fd;
    while (most-- > 0) {
        fd = nw0__accept(e->listener);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
            nw0__go_deaf(e);
        if (fd < 0)
            return; /* nobody is left, or one has gone again: the set tells if there are more */
        if (!nw0__is_allowed(e, fd)) {
            close(fd);
            continue;
        }
        nw0__tune(fd);
        nw0__limit(fd, NW0__REPLY_S);
        c = nw0__new_conn(fd, e);
        if (!c) return;
        c->cursor = e->flushed_to;
        if (nw0__watch(c)) nw0__queue(c); /* most have sent their question already */
    }
}

/* ---- waiting for messages ---- */

/* The next connection from which something can be read. */
static nw0__conn *nw0__next_ready(nw0__endpoint *e) {
    nw0__conn *c;
    while ((c = e->ready) != NULL) {
        nw0__unqueue(c);
        if (!c->busy && !c->owner && !c->blocked && !c->prefixes) return c;
        if (c->watched == &e->set) nw0__unwatch(c); /* it has its turn when this one's is over */
    }
    return NULL;
}

static void nw0__hush_endpoint(nw0__endpoint *e) {
    nw0__hush(&e->bell);
    e->rung = false;
}

/* Waits until some are ready. 0, also if the time is up; -1: EINTR, ECANCELED. */
static int nw0__wait_ready(nw0__endpoint *e, double deadline) {
    int ready[NW0__READY], n, i, error;
    if (e->deaf_until > 0) deadline = nw0__earlier(deadline, e->deaf_until);
    n = nw0__set_wait(&e->set, ready, NW0__READY, deadline);
    error = errno;
    if (e->closing) return nw0__canceled();
    if (n < 0) return nw0__interrupted(error);
    for (i = 0; i < n; i++) {
        nw0__conn *c = nw0__conn_of(ready[i]);
        if (ready[i] == e->bell.in) nw0__hush_endpoint(e);
        else if (ready[i] == e->listener) nw0__accept_callers(e, NW0__READY);
        else if (c && c->home == e) nw0__queue(c); /* else it was closed meanwhile */
    }
    if (e->deaf_until > 0 && nw0__now() >= e->deaf_until) nw0__hear_again(e);
    return 0;
}

/* Half a message is in the caller's buffer: waits for more of it, unless something else happens at
 * the endpoint first. 1: there is more; 0: something else; -1: EINTR. */
static int nw0__wait_for_rest(nw0__endpoint *e, nw0__conn *c, double deadline) {
#ifdef NW0__EPOLL
    struct pollfd p[2];
    int n, timeout = nw0__milliseconds_until(deadline);
    if (e->ready || e->deaf_until > 0) return 0;
    nw0__unwatch(c); /* so that the set speaks for the others */
    memset(p, 0, sizeof p);
    p[0].fd = c->fd;
    p[1].fd = e->set.fd;
    p[0].events = p[1].events = POLLIN;
    nw0__step_out(c);
    n = NW0__TRY(poll, poll(p, 2, timeout));
    nw0__step_in(c);
    return n < 0 ? -1 : n > 0 && p[0].revents != 0;
#else
    (void)e, (void)c, (void)deadline;
    return 0;
#endif
}

#define NW0__OVER (-2) /* two ways to fail that only this file knows */
#define NW0__NOT_YET (-3)

/* What a thread waits for. */
typedef struct nw0__wanted {
    char *topic, *buffer;
    size_t capacity, usable; /* usable: less one for the NUL */
    double deadline;
    double now; /* of one who asks: looked up again only after what may have taken time */
} nw0__wanted;

static nw0__wanted nw0__want(char *topic, void *buffer, size_t capacity, double deadline) {
    nw0__wanted w;
    w.topic = topic;
    w.buffer = (char *)buffer;
    w.capacity = capacity;
    w.usable = buffer && capacity > 0 ? capacity - 1 : 0;
    if (w.usable > NW0_MAX_MESSAGE) w.usable = NW0_MAX_MESSAGE; /* what follows is for later */
    w.deadline = deadline;
    w.now = 0;
    return w;
}

static bool nw0__wants_size(const nw0__wanted *w) {
    return !w->buffer && w->capacity == 0;
}

/* Reads on at a frame, and waits for the rest of it as long as nothing else happens at the
 * endpoint: then what is in the caller's buffer is moved out. 1: it is whole; 0: not yet; -1:
 * EINTR; NW0__OVER: the conversation is. */
static int nw0__read_on(nw0__conn *c, char *buffer, size_t usable, double deadline) {
    int got, more = 0, error;
    if (c->watched == &nw0__library.set) nw0__unwatch(c); /* it is this thread's now */
    do {
        bool quick = c->extra_done < c->extra_size || (c->was_small && c->got == 0);
        if (!quick) nw0__step_out(c); /* else it takes less time than to give the lock away */
        got = nw0__read_frame(c, buffer, usable, MSG_DONTWAIT);
        if (!quick) nw0__step_in(c);
        if (got < 0 && errno == EINTR) got = 0;
        if (got != 0 || c->body || nw0__body_got(c) == 0) break;
        more = nw0__wait_for_rest(c->home, c, deadline);
    } while (more > 0 && !c->doomed);
    error = errno;
    if (got < 0 || c->doomed || (got == 0 && nw0__keep_body(c, buffer) < 0)) return NW0__OVER;
    if (got == 0) nw0__watch(c);
    return got == 0 && more < 0 ? nw0__interrupted(error) : got;
}

static void nw0__meet_callers(nw0__endpoint *e); /* see news */
static int nw0__read_item(nw0__conn *c, const nw0__wanted *w);
static void nw0__item_taken(nw0__conn *c);
static bool nw0__hear_prefix(nw0__conn *c, const char *prefix);

static int nw0__no_answer(const char *address, int error, bool sent);

/* The conversation is over, for the reason that errno gives. A publisher will be called again; but
 * one that does not speak nw0 never will, and whoever subscribed is told. */
static ssize_t nw0__over(nw0__conn *c) {
    char text[NW0_ADDRESS_SIZE];
    bool news = nw0__is_feed(c);
    int error = errno;
    nw0__print(c->place, text);
    nw0__debug("a conversation at port %u is over: %s",
               (unsigned)(news ? c->place.port : c->home->place.port), strerror(error));
    nw0__lose(c);
    return news && (error == EPROTO || error == EPROTONOSUPPORT) ? nw0__no_answer(text, error, true)
                                                                 : NW0__NOT_YET;
}

/* Hands over what has arrived, or its size; until it is taken it is this thread's alone. */
static ssize_t nw0__deliver(nw0__conn *c, const nw0__wanted *w) {
    bool news = nw0__is_feed(c);
    ssize_t size = nw0__hand_over(c, w->buffer, w->capacity, news ? "the news" : "the message");
    nw0__own_by_this_thread(c);
    if (w->topic) memcpy(w->topic, c->topic, sizeof c->topic);
    if (size < 0 || nw0__wants_size(w)) return size;
    c->asked = true;
    if (news) nw0__item_taken(c);
    return size;
}

/* Reads from a connection that is ready. The size of what has arrived; -1: EINTR or EMSGSIZE;
 * NW0__NOT_YET: it is not whole. */
static ssize_t nw0__read_ready(nw0__conn *c, const nw0__wanted *w) {
    int got =
        nw0__is_feed(c) ? nw0__read_item(c, w) : nw0__read_on(c, w->buffer, w->usable, w->deadline);
    if (got == NW0__OVER) return nw0__over(c);
    if (got < 1) return got < 0 ? -1 : NW0__NOT_YET;
    if (c->kind == '!' && !nw0__is_feed(c))
        return nw0__hear_prefix(c, c->body ? c->body : w->buffer), NW0__NOT_YET;
    nw0__unlink(c);
    nw0__link(c, &c->home->conns); /* to the front, where its answer looks for it */
    return nw0__deliver(c, w);
}

/* The connection whose message this thread has taken (asked), or has only been told the size of. */
static nw0__conn *nw0__mine(nw0__endpoint *e, bool asked) {
    nw0__conn *c;
    if (e->owned == 0) return NULL; /* the usual case, without a look at a thousand idle ones */
    for (c = e->conns; c; c = c->next)
        if (c->owner == &nw0__this_thread && c->asked == asked) return c;
    return NULL;
}

static int nw0__nothing_came(const nw0__endpoint *e) {
    char text[NW0_ADDRESS_SIZE];
    const nw0__conn *c = e->conns;
    if (!e->lists)
        return nw0__fail(ETIMEDOUT, "no message came to %s in time: does anybody send one there?",
                         nw0__print(e->place, text));
    while (c && c->retry_at == 0) c = c->next;
    if (c)
        return nw0__fail(ETIMEDOUT, "no news came in time, and %s cannot be reached: does it run?",
                         nw0__print(c->place, text));
    return nw0__fail(ETIMEDOUT, "no news came in time from %.80s: it is connected, but silent",
                     e->lists + NW0__LENGTH);
}

/* The next message, or news: what is ready has its turn, then more is waited for. */
static ssize_t nw0__next(nw0__endpoint *e, const nw0__wanted *w) {
    nw0__conn *c = nw0__mine(e, false);
    bool met = !e->publishing;
    ssize_t size;
    int late = 0;
    if (c) return nw0__deliver(c, w);
    for (;;) {
        while (!e->closing && (c = nw0__next_ready(e)) != NULL) {
            size = nw0__read_ready(c, w);
            if (size != NW0__NOT_YET) return size;
        }
        if (nw0__wait_ready(e, w->deadline) < 0) return -1;
        if ((e->ready && ++late <= 100) || nw0__now() < w->deadline) continue;
        if (met) return nw0__nothing_came(e); /* 0 seconds look at what is there, not for ever */
        met = true;
        nw0__meet_callers(e); /* the background thread, which looks after them, may be late */
    }
}

static void nw0__free_if_closed(nw0__endpoint *e);

static void nw0__use(nw0__endpoint *e) {
    e->users++;
    if (e->rung) nw0__hush_endpoint(e);
}

/* Other threads that wait at the set, and programs that poll it themselves, must see what only we
 * know: what was read already. So the bell, which is in the set, goes on ringing; but not for what
 * another thread keeps for itself. */
static void nw0__show(nw0__endpoint *e) {
    if ((!e->wants_fd && e->users == 0) || e->closing || e->rung) return;
    if (!e->ready && !nw0__mine(e, false)) return;
    e->rung = true;
    nw0__ring(&e->bell);
}

static void nw0__unuse(nw0__endpoint *e) {
    e->users--;
    if (e->deaf_until > 0 && e->users > 0) nw0__ring(&e->bell); /* another one looks at the time */
    nw0__show(e);
    nw0__free_if_closed(e);
}

static int nw0__reply(nw0__conn *c, const char *reply, size_t size);

NW0_API ssize_t nw0_wait_for_message_from(const char *address, void *message, size_t capacity,
                                          double wait_for_s, bool autoreply) {
    nw0__wanted w = nw0__want(NULL, message, capacity, nw0__deadline(wait_for_s));
    nw0__endpoint *e;
    nw0__conn *c;
    ssize_t size = -1;
    if (nw0__enter() < 0) return -1;
    if (nw0__endpoint_for(address, true, &e) == 0) {
        c = nw0__mine(e, true);
        if (c) nw0__hang_up(c); /* its question was not answered */
        nw0__use(e);
        size = nw0__next(e, &w);
        c = size >= 0 && autoreply ? nw0__mine(e, true) : NULL;
        if (c) nw0__reply(c, NULL, 0);
        nw0__unuse(e);
    }
    nw0__leave();
    return size;
}

/* ---- answering ---- */

/* What is there to be read: 1: something; 0: nothing; -1: the end, after which the first send would
 * succeed all the same. */
static int nw0__peek(const nw0__conn *c) {
    char byte;
    ssize_t n = NW0__TRY(recvmsg, recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT));
    if (n < 0 && (nw0__is_full(errno) || errno == EINTR)) return 0;
    return n > 0 ? 1 : -1;
}

/* The same, before each question or answer: since our last word the other side has spoken. If that
 * was less than 0.1 ms ago, it is surely still there; and two system calls less make a short round
 * trip 5 % shorter. */
static int nw0__peek_if_late(nw0__conn *c, double now) {
    bool late = now > c->exchange_at + 0.0001;
    c->exchange_at = now;
    return late ? nw0__peek(c) : 0;
}

/* The frame is done with: the next one may come, and may have come already. */
static void nw0__go_on(nw0__conn *c) {
    nw0__next_frame(c);
    if (nw0__watch(c) && c->extra_done < c->extra_size) nw0__queue(c);
}

/* Leaves the rest of an answer to the background thread. */
static int nw0__reply_later(nw0__conn *c, const struct iovec v[2]) {
    if (nw0__keep_rest(c, v) < 0) return nw0__hang_up(c), -1;
    nw0__debug("%lu bytes of an answer are sent in the background: the asker reads slowly",
               (unsigned long)c->rest.iov_len);
    nw0__set_blocked(c, true);
    nw0__disown(c); /* the thread may end meanwhile */
    return nw0__watch(c) ? 0 : -1;
}

/* The background thread: there is room again. */
static void nw0__reply_on(nw0__conn *c) {
    nw0__endpoint *e = c->home;
    if (nw0__send_rest(c) == 0) {
        nw0__set_blocked(c, false);
        nw0__go_on(c);
        nw0__show(e);
    } else if (!nw0__is_full(errno) && errno != EINTR) {
        nw0__debug("the asker did not wait for the end of its answer: %s", strerror(errno));
        nw0__hang_up(c);
    }
}

/* Sends an answer: at once what the connection takes within a moment, the rest in the
 * background. */
static int nw0__reply(nw0__conn *c, const char *reply, size_t size) {
    unsigned char head[NW0__LENGTH];
    struct iovec v[2];
    int result = -1, error = EPIPE;
    double now = nw0__now(), until = now + NW0__REPLY_S;
    nw0__put32(head, size);
    v[0] = nw0__part(head, sizeof head);
    v[1] = nw0__part(reply, size);
    nw0__step_out(c);
    if (nw0__peek_if_late(c, now) >= 0) {
        do {
            result = nw0__send_parts(c->fd, v, 0);
            error = errno;
        } while (result < 0 && error == EINTR && nw0__now() < until);
    }
    nw0__step_in(c);
    if (c->doomed) error = EPIPE, result = -1;
    if (result == 0) return nw0__go_on(c), 0;
    if (!c->doomed && (error == EINTR || nw0__is_full(error))) {
        if (nw0__reply_later(c, v) == 0) return 0;
        error = errno;
    } else {
        nw0__hang_up(c);
        error = EPIPE;
    }
    return nw0__fail(error, "the answer of %lu bytes was not sent: %s", (unsigned long)size,
                     error == EPIPE ? "the asker is gone" : strerror(error));
}

NW0_API int nw0_send_reply_to(const char *address, const void *reply, size_t size) {
    nw0__endpoint *e;
    nw0__conn *c;
    int result = -1;
    if (nw0__check_size("the answer", reply, &size) < 0 || nw0__enter() < 0) return -1;
    result = nw0__endpoint_for(address, false, &e);
    c = e ? nw0__mine(e, true) : NULL;
    if (c) {
        e->users++; /* and the bell is not touched: it rings for others */
        result = nw0__reply(c, (const char *)reply, size);
        nw0__unuse(e);
    } else if (result == 0) {
        result = nw0__fail(
            EINVAL,
            "this thread has no message from \"%.80s\" to answer: nw0_wait_for_message_from "
            "comes first",
            address);
    }
    nw0__leave();
    return result;
}

/* ---- asking ---- */

/* Of the connections to a place: the one with this thread's last question (mine), or one that is
 * free. */
static nw0__conn *nw0__find_call(nw0__place place, bool mine) {
    nw0__conn *c;
    for (c = nw0__messages.calls; c; c = c->next)
        if (!c->busy && c->kind == '?' && nw0__same(c->place, place) &&
            c->owner == (mine ? &nw0__this_thread : NULL))
            return c;
    return NULL;
}

/* Whom an address means. A port alone is one of this machine. */
static int nw0__callee(const char *address, nw0__place *place) {
    if (nw0__resolve_with_port(address, place) < 0) return -1;
    return place->ip ? 0 : nw0__best_ip(nw0__allowed(), &place->ip);
}

/* Begins to connect. 1: done; 0: when it is done, the socket becomes writable; -1: failed. */
static int nw0__begin_call(nw0__conn *c) {
    struct sockaddr_in a = nw0__sockaddr(c->place);
    nw0__drop_fd(c);
    c->fd = nw0__socket(SOCK_STREAM);
    if (c->fd < 0 || nw0__enter_fd(c) < 0) return -1;
    nw0__nonblocking(c->fd, true);
    if (NW0__TRY(connect, connect(c->fd, (struct sockaddr *)&a, sizeof a)) == 0) return 1;
    return errno == EINPROGRESS || errno == EINTR ? 0 : -1;
}

/* How a connect() ended. TCP lets a socket connect to itself, if it was given the very port that it
 * calls: nobody listens there. */
static int nw0__end_call(nw0__conn *c) {
    struct linger none = {1, 0}; /* no TIME_WAIT, which would keep the service from its port */
    int error = 0;
    socklen_t size = sizeof error;
    uint16_t port;
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ||
        nw0__bound_port(c->fd, &port) < 0)
        return -1;
    if (error == 0 && port == c->place.port && nw0__is_ours(c->place.ip)) {
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
        error = ECONNREFUSED;
    }
    if (error) return errno = error, -1;
    nw0__nonblocking(c->fd, false);
    nw0__tune(c->fd);
    return 0;
}

/* Is there no use in trying again? */
static bool nw0__is_final(int error) {
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS ||
           error == EINTR || error == ECANCELED;
}

/* Connections that nobody needs, and that the other side has closed. */
static void nw0__tidy_calls(void) {
    nw0__conn *c, *next;
    NW0__EACH(c, next, nw0__messages.calls) {
        if (!c->busy && c->kind == '?' && !c->owner && nw0__peek(c) != 0) nw0__hang_up(c);
    }
}

/* Waits, while others may work; the errno of what happens meanwhile. */
static int nw0__wait_for_call(nw0__conn *c, int fd, double deadline) {
    int n, error;
    c->busy = true;
    n = nw0__poll(fd, POLLOUT, deadline);
    error = errno;
    c->busy = false;
    return c->doomed ? ECANCELED : n < 0 ? error : n == 0 ? ETIMEDOUT : 0;
}

/* One attempt. The errno of a failure; 0: the connection stands. */
static int nw0__try_call(nw0__conn *c, double deadline) {
    int begun = nw0__begin_call(c), error = begun < 0 ? errno : 0;
    if (begun == 0) error = nw0__wait_for_call(c, c->fd, deadline);
    if (error == 0 && nw0__end_call(c) < 0) error = errno;
    return error;
}

/* A new connection: tried until the deadline, because a service may start late. */
static nw0__conn *nw0__call(nw0__place place, const char *address, nw0__wanted *w) {
    double pause = 0.001;
    nw0__conn *c;
    int error, waited;
    nw0__tidy_calls();
    c = nw0__new_conn(-1, NULL);
    if (!c) return nw0__no_answer(address, errno, false), (nw0__conn *)NULL;
    c->place = place;
    while ((error = nw0__try_call(c, w->deadline)) != 0 && !nw0__is_final(error) &&
           nw0__now() < w->deadline) {
        waited = nw0__wait_for_call(c, -1, nw0__earlier(w->deadline, nw0__now() + pause));
        if (nw0__is_final(waited)) error = waited;
        if (nw0__is_final(error)) break;
        pause = nw0__earlier(pause * 2, 0.05);
    }
    w->now = nw0__now();
    if (error == 0) return c;
    nw0__hang_up(c);
    nw0__no_answer(address, error, false);
    if (!nw0__is_final(error)) errno = ETIMEDOUT;
    return NULL;
}

/* A connection for a question: this thread's last one, without its answer; or a free one; or a new
 * one. One that the other side has closed meanwhile (it was restarted) is of no use. */
static nw0__conn *nw0__line_to(nw0__place place, const char *address, nw0__wanted *w) {
    nw0__conn *c = nw0__find_call(place, true);
    if (c && nw0__is_whole(c)) nw0__next_frame(c);
    else if (c) nw0__hang_up(c);
    while ((c = nw0__find_call(place, false)) != NULL) {
        if (nw0__peek_if_late(c, w->now) == 0) return c;
        nw0__hang_up(c);
    }
    return nw0__call(place, address, w);
}

/* Sends, and waits as long as that takes; but mostly all of it fits at once, and no time passes.
 * -1: ETIMEDOUT, EINTR or an error of the connection. */
static int nw0__send_by(nw0__conn *c, struct iovec v[2], nw0__wanted *w) {
    int flags = MSG_DONTWAIT;
    while (nw0__send_parts(c->fd, v, flags) < 0) {
        double began = w->now;
        if (errno != EINTR && !nw0__is_full(errno)) return -1;
        w->now = nw0__now();
        /* a signal, or the limit? Only the limit takes its time */
        if (errno == EINTR && w->now < began + c->patience - 0.01) return -1;
        if (w->now >= w->deadline) return errno = ETIMEDOUT, -1;
        if (nw0__is_lost(c)) return errno = EHOSTUNREACH, -1;
        nw0__set_patience(c, w->deadline - w->now);
        flags = 0;
    }
    if (flags == 0) w->now = nw0__now();
    return 0;
}

/* Sends the question. What has left of it when the time is up is not taken back: then
 * nw0_wait_for_reply_from goes on. */
static int nw0__send_question(nw0__conn *c, const char *message, size_t size, nw0__wanted *w) {
    char head[NW0__INTRODUCTION + NW0__LENGTH];
    size_t head_size = c->kind ? NW0__LENGTH : sizeof head;
    struct iovec v[2];
    int result, error;
    bool begun, later;
    memcpy(head, NW0__QUESTIONS, NW0__INTRODUCTION);
    nw0__put32((unsigned char *)head + head_size - NW0__LENGTH, size);
    v[0] = nw0__part(head, head_size);
    v[1] = nw0__part(message, size);
    result = nw0__send_by(c, v, w);
    error = errno;
    begun = nw0__total(v) < head_size + size;
    later =
        result < 0 && begun && (error == ETIMEDOUT || error == EINTR) && nw0__keep_rest(c, v) == 0;
    if (begun) c->kind = result == 0 || later ? '?' : '\0'; /* half of it: nothing can follow */
    if (begun) nw0__own_by_this_thread(c);
    errno = error;
    return result;
}

/* Waits for the answer, after the rest of the question, if there is one. */
static int nw0__read_answer(nw0__conn *c, nw0__wanted *w) {
    struct iovec v[2];
    int got;
    v[0] = c->rest;
    v[1] = nw0__part(NULL, 0);
    got = c->out ? nw0__send_by(c, v, w) : 0;
    c->rest = v[0];
    if (got < 0) return -1;
    nw0__forget_rest(c);
    for (;; w->now = nw0__now()) {
        bool in_time = w->now < w->deadline;
        if (in_time) nw0__set_patience(c, w->deadline - w->now);
        errno = 0;
        got = nw0__read_frame(c, w->buffer, w->usable, in_time ? 0 : MSG_DONTWAIT);
        if (got != 0) return got;
        if (errno && !in_time) return errno = ETIMEDOUT, -1;
        if (errno && nw0__is_lost(c)) return errno = EHOSTUNREACH, -1;
    }
}

/* What an errno says about a conversation, and what to do. */
static const char *nw0__meaning(int error, bool sent) {
    switch (error) {
    case EINTR:
        return sent ? "a signal came; nw0_wait_for_reply_from goes on"
                    : "a signal came: call again";
    case ETIMEDOUT:
        return sent ? "it did not come in time; nw0_wait_for_reply_from goes on"
                    : "nobody responds: is it on?";
    case ECANCELED: return "nw0_close or nw0_shutdown closed the connection";
    case ECONNREFUSED: return "nobody listens there: is the service running?";
    case ECONNRESET: return "the connection was closed: did the service crash, or not reply?";
    case EHOSTUNREACH: return "its machine does not respond: is it on, and its cable plugged in?";
    case EPROTO:
        return "what it says is not nw0, or longer than NW0_MAX_MESSAGE: is the address right?";
    case EPROTONOSUPPORT:
        return "it speaks ZeroMQ: a NetworkZero program in Python can be discovered, but not "
               "talked to";
    case ENOMEM: return "there is no memory for the rest of it";
    default: return strerror(error);
    }
}

/* A question that could not be sent, or an answer that did not come. */
static int nw0__no_answer(const char *address, int error, bool sent) {
    return nw0__fail(error, sent ? "no answer from %.80s: %s" : "nothing was sent to %.80s: %s",
                     address, nw0__meaning(error, sent));
}

/* The kernel's words for a connection that broke, in ours. A peer that speaks something else has
 * often said so before it closed. */
static int nw0__why_broken(nw0__conn *c, int error) {
    unsigned char byte = 0;
    if (error == ETIMEDOUT || error == ENETUNREACH || error == EHOSTDOWN || error == ENETDOWN)
        return EHOSTUNREACH;
    if (error != ECONNRESET && error != EPIPE) return error;
    if (c->got == 0) (void)!recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return byte == 0 ? ECONNRESET : byte == 0xFF ? EPROTONOSUPPORT : EPROTO;
}

/* The end of an attempt: the connection is kept where the answer may still come, and closed where
 * it cannot; but one on which nothing has left stays free for others. */
static ssize_t nw0__give_up(nw0__conn *c, const char *address, const nw0__wanted *w) {
    int error = errno;
    bool sent = c->owner != NULL, late = error == ETIMEDOUT && nw0__now() > w->deadline - 0.02,
         broken = error != EINTR && !late;
    if (broken) error = nw0__why_broken(c, error);
    else if (sent && (!c->kind || nw0__keep_body(c, w->buffer) < 0)) error = ENOMEM;
    if (broken || !c->kind || error == ENOMEM) nw0__hang_up(c);
    return nw0__no_answer(address, error, sent);
}

/* Asks, if there is something to ask, and waits for the answer. Meanwhile the connection is this
 * thread's alone, and needs no lock; whoever wants to close it shuts it down, which ends all waits
 * for it. */
static ssize_t nw0__converse(nw0__conn *c, const char *address, bool ask, const char *message,
                             size_t size, nw0__wanted *w) {
    ssize_t answer;
    int result;
    nw0__step_out(c);
    result = ask ? nw0__send_question(c, message, size, w) : 0;
    if (result == 0) result = nw0__read_answer(c, w);
    nw0__step_in(c);
    if (c->doomed) errno = ECANCELED, result = -1;
    if (result < 0) return nw0__give_up(c, address, w);
    answer = nw0__hand_over(c, w->buffer, w->capacity, "the answer");
    if (answer >= 0 && !nw0__wants_size(w)) nw0__next_frame(c);
    return answer;
}

/* The time runs from here: a name is looked up before, with limits of its own. */
static nw0__wanted nw0__want_answer(void *reply, size_t capacity, double wait_for_s) {
    double now = nw0__now();
    nw0__wanted w = nw0__want(NULL, reply, capacity, nw0__after(now, wait_for_s));
    w.now = now;
    return w;
}

NW0_API ssize_t nw0_send_message_to(const char *address, const void *message, size_t size,
                                    void *reply, size_t capacity, double wait_for_reply_s) {
    nw0__wanted w;
    nw0__place place;
    nw0__conn *c;
    ssize_t result = -1;
    if (nw0__check_size("the message", message, &size) < 0 || nw0__enter() < 0) return -1;
    if (nw0__callee(address, &place) == 0) {
        w = nw0__want_answer(reply, capacity, wait_for_reply_s);
        c = nw0__line_to(place, address, &w);
        if (c) result = nw0__converse(c, address, true, (const char *)message, size, &w);
    }
    nw0__leave();
    return result;
}

NW0_API ssize_t nw0_wait_for_reply_from(const char *address, void *reply, size_t capacity,
                                        double wait_for_s) {
    nw0__wanted w;
    nw0__place place;
    nw0__conn *c;
    ssize_t result = -1;
    if (nw0__enter() < 0) return -1;
    if (nw0__callee(address, &place) == 0) {
        w = nw0__want_answer(reply, capacity, wait_for_s);
        c = nw0__find_call(place, true);
        if (c) result = nw0__converse(c, address, false, NULL, 0, &w);
        else
            nw0__fail(EINVAL,
                      "this thread has asked %.80s nothing: nw0_send_message_to comes first",
                      address);
    }
    nw0__leave();
    return result;
}

/* =================================================================================================
   News                                                                                       >>news

   A subscriber calls the publisher and says what it wants; from then on everything flows the other
   way. One system call for each item and subscriber would be slow, and a subscriber that does not
   read would stop the publisher. So the items of an address are written once, one after the other,
   into one buffer, and each subscriber has a cursor into it: what lies between its cursor and the
   end is sent to it in one piece. An item leaves at once if the last one left a while ago; in a
   flood some 32 KiB are gathered first, and the background thread sends what is left when the flood
   ends.

   What goes wrong: a subscriber that does not keep up. When the buffer is full, its older half is
   given up; whoever still had a cursor there misses those items, but gets the rest of the one that
   it has a part of. And a publisher that goes away: the subscription remains, and the background
   thread calls again until it is back. Examples: examples/news_station.c, examples/news_reader.c.
   ============================================================================================== */

#define NW0__FLUSH_PAUSE_S 0.0003 /* news that comes faster than this is gathered, */
#define NW0__FLUSH_BYTES 32768    /* up to so many bytes */
#define NW0__PREFIXES 64          /* that one subscriber may have */

/* ---- subscribers ---- */

static uint64_t nw0__news_end(const nw0__endpoint *e) {
    return e->news_start + e->news_used;
}

/* The item at a position: topic frame, data frame. Returns how many bytes both are. */
static size_t nw0__item(const nw0__endpoint *e, uint64_t position, const char **topic,
                        size_t *topic_size) {
    const unsigned char *item = (const unsigned char *)e->news + (position - e->news_start);
    *topic_size = nw0__get32(item);
    *topic = (const char *)item + NW0__LENGTH;
    return NW0__LENGTH + *topic_size + NW0__LENGTH + nw0__get32(item + NW0__LENGTH + *topic_size);
}

static bool nw0__wants(const nw0__conn *c, const char *topic, size_t size) {
    const unsigned char *p = c->prefixes, *end = p + c->prefixes_size;
    if (c->everything) return true;
    for (; p < end; p += 1 + *p)
        if (*p <= size && memcmp(p + 1, topic, *p) == 0) return true;
    return false;
}

/* Does it want the item at this position, and how many bytes is that? */
static bool nw0__wants_item(const nw0__conn *c, uint64_t position, size_t *size) {
    const char *topic;
    size_t topic_size;
    *size = nw0__item(c->home, position, &topic, &topic_size);
    return nw0__wants(c, topic, topic_size);
}

/* Passes over items that it does not want. */
static void nw0__skip_items(nw0__conn *c) {
    uint64_t end = nw0__news_end(c->home);
    size_t size;
    while (!c->everything && c->cursor < end && !nw0__wants_item(c, c->cursor, &size))
        c->cursor += size;
}

/* n more bytes have left: the cursor moves past the items that are complete. */
static void nw0__advance(nw0__conn *c, size_t n) {
    size_t size;
    c->partial += n;
    if (c->everything && c->cursor + c->partial == nw0__news_end(c->home)) {
        c->cursor += c->partial; /* the usual case, without a look at each item */
        c->partial = 0;
    }
    for (nw0__skip_items(c); c->partial > 0; nw0__skip_items(c)) {
        nw0__wants_item(c, c->cursor, &size);
        if (c->partial < size) return;
        c->partial -= size;
        c->cursor += size;
    }
}

/* The bytes that it gets next, as far as they lie side by side. */
static struct iovec nw0__next_run(const nw0__conn *c) {
    uint64_t end = nw0__news_end(c->home), stop = c->everything ? end : c->cursor;
    size_t size;
    while (stop < end && nw0__wants_item(c, stop, &size)) stop += size;
    return nw0__part(c->home->news + (c->cursor - c->home->news_start) + c->partial,
                     (size_t)(stop - c->cursor) - c->partial);
}

/* Sends what a subscriber has not got, until its connection is full. False: the connection is
 * broken. */
static bool nw0__send_items(nw0__conn *c) {
    struct iovec v[2];
    size_t size;
    int result = nw0__send_rest(c);
    v[1] = nw0__part(NULL, 0);
    for (nw0__skip_items(c); result == 0 && c->cursor < nw0__news_end(c->home);) {
        v[0] = nw0__next_run(c);
        size = v[0].iov_len;
        result = nw0__send_parts(c->fd, v, MSG_DONTWAIT);
        nw0__advance(c, size - v[0].iov_len);
    }
    return result == 0 || nw0__is_full(errno) || errno == EINTR;
}

/* Sends, and sees to it that the background thread goes on where the connection is full. */
static void nw0__serve_subscriber(nw0__conn *c) {
    if (nw0__send_items(c)) {
        nw0__set_blocked(c, c->out || c->cursor < nw0__news_end(c->home));
        nw0__watch(c);
    } else {
        nw0__debug("a subscriber at port %u is gone: %s", (unsigned)c->home->place.port,
                   strerror(errno));
        nw0__hang_up(c);
    }
}

/* A caller wants news that begins with this prefix: what had not left when it called, and all that
 * follows. False: it asks too much, and was hung up on. */
static bool nw0__add_prefix(nw0__conn *c, const char *prefix) {
    nw0__endpoint *e = c->home;
    unsigned char *more = (unsigned char *)nw0__resize(c->prefixes, c->prefixes_size + 1 + c->size);
    int count = 0;
    size_t at;
    if (!more) return nw0__hang_up(c), false;
    for (at = 0; at < c->prefixes_size; at += 1 + (size_t)more[at]) count++;
    c->prefixes = more;
    if (count == 0) {
        if (c->cursor < e->news_start) c->cursor = e->news_start;
        if (c->cursor < nw0__news_end(e)) e->flush_scheduled = true, nw0__wake_thread();
        nw0__unqueue(c);
        e->subscribers++;
        nw0__wake_waiters();
    }
    if (count == NW0__PREFIXES) return nw0__hang_up(c), false;
    more[c->prefixes_size] = (unsigned char)c->size;
    if (c->size > 0) memcpy(more + c->prefixes_size + 1, prefix, c->size);
    c->prefixes_size += 1 + c->size;
    if (c->size == 0) c->everything = true;
    nw0__next_frame(c);
    return nw0__watch(c);
}

/* Reads what a subscriber says after its introduction: prefixes. False: it is gone. */
static bool nw0__read_prefixes(nw0__conn *c) {
    int got;
    while ((got = nw0__read_frame(c, NULL, 0, MSG_DONTWAIT)) == 1)
        if (!nw0__add_prefix(c, c->body)) return false;
    if (got < 0 && errno != EINTR) return nw0__hang_up(c), false;
    return true;
}

static bool nw0__hear_prefix(nw0__conn *c, const char *prefix) {
    return nw0__add_prefix(c, prefix) && nw0__read_prefixes(c); /* more may have come along */
}

/* A caller at a place where news is published says what it wants. One who asks questions is for
 * those who wait for messages: of its first one only the length is read here. */
static void nw0__introduce(nw0__conn *c) {
    int got = 0;
    if (c->busy || c->owner) return;
    while (c->got < c->head_size && (got = nw0__read_once(c, NULL, 0, MSG_DONTWAIT)) > 0) continue;
    if (got < 0 && errno != EINTR) {
        nw0__hang_up(c);
    } else if (c->kind == '!') {
        nw0__read_prefixes(c);
    } else if (c->kind == '?') {
        if (!nw0__watch(c) || !nw0__is_whole(c)) return;
        nw0__queue(c); /* an empty message: nothing more will come that would wake somebody */
        nw0__show(c->home);
    }
}

/* Those who have called, but were not heard yet, may be subscribers. */
static void nw0__meet_callers(nw0__endpoint *e) {
    nw0__conn *c, *next;
    if (e->deaf_until == 0 && e->listener >= 0) nw0__accept_callers(e, SOMAXCONN);
    NW0__EACH(c, next, e->conns) {
        if (!c->busy && (!c->kind || (c->kind == '!' && !c->prefixes))) nw0__introduce(c);
    }
}

/* ---- publishing ---- */

/* All subscribers get what there is. */
static void nw0__flush_news(nw0__endpoint *e) {
    nw0__conn *c, *next;
    if (!e->publishing) return;
    nw0__meet_callers(e);
    NW0__EACH(c, next, e->conns) {
        if (c->prefixes && !c->blocked) nw0__serve_subscriber(c);
    }
    e->flushed_to = nw0__news_end(e);
    e->flushed_at = nw0__now();
}

/* From now on the background thread listens there, too: a subscriber may call when the program is
 * busy with something else. */
static int nw0__publish_at(nw0__endpoint *e) {
    nw0__conn *c, *next;
    if (e->publishing) return 0;
    if (nw0__start_thread() < 0) return -1;
    if (e->deaf_until > 0) nw0__wake_thread(); /* from now on it hears again there */
    else if (nw0__set_add(&nw0__library.set, e->listener, POLLIN) < 0)
        return nw0__fail(errno, "no subscribers can be accepted: %s", strerror(errno));
    e->publishing = true;
    NW0__EACH(c, next, e->conns) {
        if (!c->busy && !c->kind) nw0__watch(c);
    }
    return 0;
}

/* The oldest position that is still wanted: of the slowest subscriber, if it is not too slow. */
static uint64_t nw0__oldest_wanted(const nw0__endpoint *e, size_t keep) {
    uint64_t oldest = e->flushed_to, limit = e->news_start;
    const nw0__conn *c;
    const char *topic;
    size_t topic_size;
    for (c = e->conns; c; c = c->next)
        if (c->prefixes && c->cursor < oldest) oldest = c->cursor;
    while (nw0__news_end(e) - limit > keep)
        limit += nw0__item(e, limit, &topic, &topic_size); /* whole items only */
    return limit < oldest ? oldest : limit < e->flushed_to ? limit : e->flushed_to;
}

/* Its cursor stands in what is given up now: it goes on at the oldest item that is left; but not in
 * the middle of one. */
static void nw0__overtake(nw0__conn *c, uint64_t position) {
    size_t size;
    if (!c->prefixes || c->cursor >= position) return;
    nw0__debug("a subscriber at port %u is too slow and misses %lu bytes of news",
               (unsigned)c->home->place.port, (unsigned long)(position - c->cursor));
    if (c->partial > 0) {
        struct iovec v[2];
        nw0__wants_item(c, c->cursor, &size);
        v[0] = nw0__part(c->home->news + (c->cursor - c->home->news_start) + c->partial,
                         size - c->partial);
        v[1] = nw0__part(NULL, 0);
        if (nw0__keep_rest(c, v) < 0)
            shutdown(c->fd, SHUT_RDWR); /* half an item must not be followed by another one */
    }
    c->cursor = position;
    c->partial = 0;
}

/* Forgets what everybody has, or, so that at most keep bytes remain, what the slow ones have
 * not. */
static void nw0__give_up_old(nw0__endpoint *e, size_t keep) {
    uint64_t position = nw0__oldest_wanted(e, keep);
    size_t n = (size_t)(position - e->news_start);
    nw0__conn *c;
    for (c = e->conns; c; c = c->next) nw0__overtake(c, position);
    if (n > 0) memmove(e->news, e->news + n, e->news_used - n);
    e->news_start = position;
    e->news_used -= n;
}

/* Room for an item of n bytes. The buffer grows as long as it is small, so that most never need
 * much. */
static int nw0__make_room(nw0__endpoint *e, size_t n) {
    size_t room;
    char *more;
    if (e->news_used + n <= e->news_room) return 0;
    if (e->flushed_to < nw0__news_end(e)) nw0__flush_news(e);
    nw0__give_up_old(e, e->news_room < NW0_NEWS_BUFFER ? (size_t)-1 : NW0_NEWS_BUFFER / 2);
    if (e->news_used + n <= e->news_room) return 0;
    room = e->news_room < NW0__CHUNK / 4 ? NW0__CHUNK / 4 : e->news_room * 2;
    if (room > NW0_NEWS_BUFFER) room = NW0_NEWS_BUFFER;
    if (room < e->news_used + n) room = e->news_used + n;
    more = (char *)nw0__resize(e->news, room);
    if (!more)
        return nw0__fail(ENOMEM, "there is no memory for %lu bytes of news", (unsigned long)room);
    e->news = more;
    e->news_room = room;
    return 0;
}

static int nw0__append(nw0__endpoint *e, const char *topic, size_t topic_size, const void *data,
                       size_t size) {
    char *at;
    if (nw0__make_room(e, NW0__LENGTH + topic_size + NW0__LENGTH + size) < 0) return -1;
    at = e->news + e->news_used;
    nw0__put32((unsigned char *)at, topic_size);
    if (topic_size > 0) memcpy(at + NW0__LENGTH, topic, topic_size);
    at += NW0__LENGTH + topic_size;
    nw0__put32((unsigned char *)at, size);
    if (size > 0) memcpy(at + NW0__LENGTH, data, size);
    e->news_used += NW0__LENGTH + topic_size + NW0__LENGTH + size;
    return 0;
}

/* An item leaves at once, unless the last one did so a moment ago: then the background thread, or
 * the next item, sends it along. */
static void nw0__flush_now_or_later(nw0__endpoint *e) {
    bool full = nw0__news_end(e) - e->flushed_to >= NW0__FLUSH_BYTES;
    if (full || (!e->flush_scheduled && nw0__now() - e->flushed_at > NW0__FLUSH_PAUSE_S)) {
        nw0__flush_news(e);
    } else if (!e->flush_scheduled) {
        e->flush_scheduled = true;
        nw0__wake_thread();
    }
}

static int nw0__check_topic(const char *topic) {
    if (!nw0__utf8(topic, strlen(topic)))
        return nw0__fail(EINVAL, "the topic \"%.80s\" is not UTF-8", topic);
    if (strlen(topic) >= NW0_NAME_SIZE)
        return nw0__fail(ENAMETOOLONG, "the topic \"%.40s...\" is too long: take at most %d bytes",
                         topic, NW0_NAME_SIZE - 1);
    return 0;
}

NW0_API int nw0_send_news_to(const char *address, const char *topic, const void *data,
                             size_t size) {
    nw0__endpoint *e;
    nw0__conn *c;
    int count = -1;
    if (!topic) topic = "";
    if (nw0__check_topic(topic) < 0 || nw0__check_size("the news", data, &size) < 0 ||
        nw0__enter() < 0)
        return -1;
    if (nw0__endpoint_for(address, true, &e) == 0 && nw0__publish_at(e) == 0 &&
        nw0__append(e, topic, strlen(topic), data, size) == 0) {
        nw0__flush_now_or_later(e);
        for (count = 0, c = e->conns; c; c = c->next)
            count += c->prefixes && nw0__wants(c, topic, strlen(topic));
    }
    nw0__leave();
    return count;
}

NW0_API int nw0_wait_for_subscribers(const char *address, int count, double wait_for_s) {
    double deadline = nw0__deadline(wait_for_s);
    nw0__endpoint *e;
    nw0__waiter w;
    int result = -1;
    if (nw0__enter() < 0) return -1;
    if (nw0__endpoint_for(address, true, &e) == 0 && nw0__publish_at(e) == 0 &&
        nw0__begin_waiting(&w) == 0) {
        e->users++;
        nw0__meet_callers(e);
        for (result = 0; result == 0 && e->subscribers < count && !e->closing;) {
            if (nw0__now() >= deadline)
                result = nw0__fail(ETIMEDOUT, "%d subscribers came to port %u in time, not %d",
                                   e->subscribers, (unsigned)e->place.port, count);
            else result = nw0__wait_for_table(&w, deadline);
        }
        if (result == 0 && e->closing) result = nw0__canceled();
        if (result == 0) result = e->subscribers;
        nw0__end_waiting(&w);
        nw0__unuse(e);
    }
    nw0__leave();
    return result;
}

/* ---- subscribing ---- */

/* The publisher is not there: the background thread calls again after a pause. */
static void nw0__call_again(nw0__conn *c) {
    nw0__drop_fd(c);
    nw0__unqueue(c);
    nw0__next_frame(c);
    c->extra_size = c->extra_done = 0;
    c->has_topic = c->connecting = false;
    c->retry_at = nw0__now() + c->retry_pause;
    c->retry_pause = nw0__earlier(c->retry_pause * 2, 0.5);
    nw0__wake_thread();
}

static void nw0__lose(nw0__conn *c) {
    if (nw0__is_feed(c) && !c->doomed) nw0__call_again(c);
    else nw0__hang_up(c);
}

/* A call of ours was answered, or not: says what is wanted, once. */
static void nw0__called(nw0__conn *c) {
    struct iovec v[2];
    c->connecting = false;
    v[0] = nw0__part(c->home->greeting, c->home->greeting_size);
    v[1] = nw0__part(NULL, 0);
    if (nw0__end_call(c) < 0) nw0__call_again(c);
    else if (nw0__watch(c)) { /* first, because the answer comes at once */
        if (nw0__send_parts(c->fd, v, MSG_DONTWAIT) < 0) nw0__call_again(c);
        else c->retry_at = 0;
    }
}

/* Calls the publisher, without waiting for it. */
static void nw0__subscribe(nw0__conn *c) {
    int begun = nw0__begin_call(c);
    c->retry_at = NW0__NEVER;
    c->connecting = true;
    if (begun < 0) nw0__call_again(c);
    else if (begun > 0) nw0__called(c);
    else nw0__watch(c);
}

/* A list of strings as frames. Returns how many bytes they are. */
static size_t nw0__write_list(const char *const list[], char *out) {
    size_t used = 0;
    for (; *list; list++) {
        size_t n = strlen(*list);
        if (out) nw0__put32((unsigned char *)out + used, n);
        if (out) memcpy(out + used + NW0__LENGTH, *list, n);
        used += NW0__LENGTH + n;
    }
    return used;
}

static bool nw0__is_list(const char *bytes, size_t size, const char *const list[]) {
    const char *end = bytes + size;
    for (; *list; list++) {
        size_t n = strlen(*list);
        if ((size_t)(end - bytes) < NW0__LENGTH + n ||
            nw0__get32((const unsigned char *)bytes) != n ||
            memcmp(bytes + NW0__LENGTH, *list, n) != 0)
            return false;
        bytes += NW0__LENGTH + n;
    }
    return bytes == end;
}

static nw0__endpoint *nw0__find_feed(const char *const addresses[], const char *const prefixes[]) {
    nw0__endpoint *f;
    for (f = nw0__messages.feeds; f; f = f->next)
        if (!f->closing && nw0__is_list(f->lists, (size_t)(f->greeting - f->lists), addresses) &&
            nw0__is_list(f->greeting + NW0__INTRODUCTION, f->greeting_size - NW0__INTRODUCTION,
                         prefixes))
            return f;
    return NULL;
}

static int nw0__check_lists(const char *const addresses[], const char *const prefixes[]) {
    int i;
    if (!addresses || !addresses[0] || !prefixes || !prefixes[0])
        return nw0__fail(EINVAL,
                         "there is nothing to subscribe to: an address is missing (give the "
                         "one that nw0_discover found), or a prefix");
    for (i = 0; prefixes[i]; i++)
        if (strlen(prefixes[i]) >= NW0_NAME_SIZE)
            return nw0__fail(ENAMETOOLONG,
                             "no topic begins with \"%.40s...\": topics have at most %d bytes",
                             prefixes[i], NW0_NAME_SIZE - 1);
    if (i > NW0__PREFIXES)
        return nw0__fail(EINVAL, "%d prefixes are too many for a subscription: take at most %d", i,
                         NW0__PREFIXES);
    return 0;
}

/* A feed without connections yet. */
static nw0__endpoint *nw0__new_feed(const char *const addresses[], const char *const prefixes[]) {
    size_t n = nw0__write_list(addresses, NULL);
    nw0__endpoint *f = (nw0__endpoint *)nw0__zeroed(sizeof *f);
    if (!f) return nw0__fail(ENOMEM, "there is no memory for a subscription"), f;
    f->listener = f->bell.in = f->bell.out = -1;
    f->greeting_size = NW0__INTRODUCTION + nw0__write_list(prefixes, NULL);
    f->lists = (char *)nw0__resize(NULL, n + f->greeting_size);
    if (!f->lists) errno = ENOMEM;
    if (nw0__set_open(&f->set) < 0 || !f->lists || nw0__bell_open(&f->bell) < 0 ||
        nw0__set_add(&f->set, f->bell.in, POLLIN) < 0) {
        nw0__fail(f->lists ? errno : ENOMEM, "there is no descriptor or memory for a subscription");
        return nw0__close_endpoint(f), (nw0__endpoint *)NULL;
    }
    nw0__write_list(addresses, f->lists);
    f->greeting = f->lists + n;
    memcpy(f->greeting, NW0__NEWS, NW0__INTRODUCTION);
    nw0__write_list(prefixes, f->greeting + NW0__INTRODUCTION);
    return f;
}

/* Adds a connection for an address to a feed. */
static int nw0__add_publisher(nw0__endpoint *f, const char *address) {
    nw0__place place;
    nw0__conn *c;
    if (nw0__callee(address, &place) < 0) return -1;
    c = nw0__new_conn(-1, f);
    if (c) c->extra = (char *)nw0__resize(NULL, nw0__extra_room(c));
    if (!c || !c->extra) return nw0__fail(ENOMEM, "there is no memory for a subscription");
    c->kind = '!';
    c->place = place;
    c->retry_pause = 0.01;
    return 0;
}

/* The feed for these lists; a new one calls its publishers at once. Looking up their names may take
 * a while, without the lock: another thread may have been faster. */
static nw0__endpoint *nw0__feed_for(const char *const addresses[], const char *const prefixes[]) {
    nw0__endpoint *f = nw0__find_feed(addresses, prefixes), *other = NULL;
    nw0__conn *c;
    int i, result = 0, error;
    if (f || nw0__start_thread() < 0) return f;
    f = nw0__new_feed(addresses, prefixes);
    if (!f) return NULL;
    for (i = 0; result == 0 && addresses[i]; i++) result = nw0__add_publisher(f, addresses[i]);
    if (result == 0) other = nw0__find_feed(addresses, prefixes);
    if (result < 0 || other) {
        error = errno;
        while (f->conns) nw0__hang_up(f->conns);
        nw0__close_endpoint(f);
        errno = error;
        return other;
    }
    f->next = nw0__messages.feeds;
    nw0__messages.feeds = f;
    for (c = f->conns; c; c = c->next) nw0__subscribe(c);
    return f;
}

/* Reads on at an item, as nw0__read_on. */
static int nw0__read_item(nw0__conn *c, const nw0__wanted *w) {
    int got;
    if (!c->has_topic) {
        got = nw0__read_on(c, c->topic, sizeof c->topic - 1, w->deadline);
        if (got < 1) return got;
        nw0__hand_over(c, c->topic, sizeof c->topic, "the topic");
        if (!nw0__utf8(c->topic, c->size) || strlen(c->topic) != c->size)
            return errno = EPROTO, NW0__OVER;
        nw0__next_frame(c);
        c->has_topic = true;
    }
    return nw0__read_on(c, w->buffer, w->usable, w->deadline);
}

static void nw0__item_taken(nw0__conn *c) {
    c->has_topic = false;
    c->retry_pause = 0.01;
    nw0__go_on(c);
}

/* An item of a flood, which has arrived whole among others, is taken from where it was read,
 * without the steps of nw0__next: twice as many a second. NW0__NOT_YET: there is none. */
static ssize_t nw0__take_at_once(nw0__endpoint *f, char *topic, char *data, size_t capacity) {
    nw0__conn *c = f->ready;
    const char *at;
    size_t left, n, size;
    if (!c || c->busy || f->owned || c->got > 0 || c->has_topic || !data) return NW0__NOT_YET;
    at = c->extra + c->extra_done;
    left = c->extra_size - c->extra_done;
    if (left < 2 * NW0__LENGTH) return NW0__NOT_YET;
    n = nw0__get32((const unsigned char *)at);
    if (n >= NW0_NAME_SIZE || left < 2 * NW0__LENGTH + n) return NW0__NOT_YET;
    size = nw0__get32((const unsigned char *)at + NW0__LENGTH + n);
    if (left - 2 * NW0__LENGTH - n < size || size >= capacity) return NW0__NOT_YET;
    if (memchr(at + NW0__LENGTH, 0, n) || !nw0__utf8(at + NW0__LENGTH, n)) return NW0__NOT_YET;
    if (topic) memcpy(topic, at + NW0__LENGTH, n), topic[n] = '\0';
    memcpy(data, at + 2 * NW0__LENGTH + n, size);
    data[size] = '\0';
    c->extra_done += 2 * NW0__LENGTH + n + size;
    if (c->extra_done == c->extra_size) nw0__unqueue(c); /* from here on, the set tells */
    if (f->rung && !f->ready) nw0__hush_endpoint(f);
    c->retry_pause = 0.01;
    return (ssize_t)size;
}

NW0_API ssize_t nw0_wait_for_news_from_any(const char *const addresses[],
                                           const char *const prefixes[], char topic[NW0_NAME_SIZE],
                                           void *data, size_t capacity, double wait_for_s) {
    nw0__endpoint *f;
    ssize_t size = -1;
    if (nw0__check_lists(addresses, prefixes) < 0 || nw0__enter() < 0) return -1;
    f = nw0__feed_for(addresses, prefixes);
    if (f) size = nw0__take_at_once(f, topic, (char *)data, capacity);
    if (size == NW0__NOT_YET) {
        nw0__wanted w = nw0__want(topic, data, capacity, nw0__deadline(wait_for_s));
        nw0__use(f);
        size = nw0__next(f, &w);
        nw0__unuse(f);
    }
    nw0__leave();
    return size;
}

NW0_API ssize_t nw0_wait_for_news_from(const char *address, const char *prefix,
                                       char topic[NW0_NAME_SIZE], void *data, size_t capacity,
                                       double wait_for_s) {
    const char *addresses[2] = {NULL, NULL}, *prefixes[2] = {NULL, NULL};
    addresses[0] = address;
    prefixes[0] = prefix ? prefix : "";
    return nw0_wait_for_news_from_any(addresses, prefixes, topic, data, capacity, wait_for_s);
}

/* ---- the background thread ---- */

static double nw0__feeds_turn(double now) {
    double next = NW0__NEVER;
    nw0__endpoint *f;
    nw0__conn *c;
    for (f = nw0__messages.feeds; f; f = f->next)
        for (c = f->conns; c; c = c->next) {
            if (c->fd < 0 && !c->busy && c->retry_at <= now && !f->closing) nw0__subscribe(c);
            if (c->fd < 0) next = nw0__earlier(next, c->retry_at);
        }
    return next;
}

/* Hangs up on machines that are gone while something was still to be sent to them. */
static double nw0__drop_lost(double now) {
    nw0__endpoint *e, *next_e;
    nw0__conn *c, *next;
    if (nw0__messages.blocked == 0) return NW0__NEVER;
    if (now < nw0__messages.look_at) return nw0__messages.look_at;
    NW0__EACH(e, next_e, nw0__messages.endpoints) {
        NW0__EACH(c, next, e->conns) {
            if (c->blocked &&
                (nw0__is_lost(c) || (e->closing && now > e->closed_at + NW0__LINGER_S)))
                nw0__hang_up(c);
        }
        nw0__free_if_closed(e);
    }
    return nw0__messages.look_at = now + NW0__SLICE_S;
}

/* What has gathered leaves at the latest after a moment; who had to be left waiting for a
 * descriptor is accepted again. */
static double nw0__news_turn(double now) {
    double next = nw0__earlier(nw0__feeds_turn(now), nw0__drop_lost(now));
    nw0__endpoint *e;
    for (e = nw0__messages.endpoints; e; e = e->next) {
        if (e->deaf_until > 0 && (e->publishing || e->wants_fd)) {
            if (now >= e->deaf_until) nw0__hear_again(e);
            if (e->deaf_until > 0) next = nw0__earlier(next, e->deaf_until);
        }
        if (e->flush_scheduled && e->flushed_at + NW0__FLUSH_PAUSE_S <= now) {
            e->flush_scheduled = false;
            nw0__flush_news(e);
        }
        if (e->flush_scheduled) next = nw0__earlier(next, e->flushed_at + NW0__FLUSH_PAUSE_S);
    }
    return next;
}

static void nw0__conn_ready(nw0__conn *c) {
    nw0__endpoint *e = c->home;
    if (c->busy || c->watched != &nw0__library.set) return;
    if (c->connecting) nw0__called(c);
    else if (!c->kind) nw0__introduce(c);
    else if (c->kind == '?') nw0__reply_on(c);
    else if (nw0__read_prefixes(c) && c->prefixes) nw0__serve_subscriber(c);
    nw0__free_if_closed(e); /* that was the last */
}

static void nw0__news_ready(int fd) {
    nw0__conn *c = nw0__conn_of(fd);
    nw0__endpoint *e;
    if (c) nw0__conn_ready(c);
    for (e = nw0__messages.endpoints; e && !c; e = e->next)
        if (fd == e->listener && e->publishing) nw0__meet_callers(e);
}

/* ---- a loop of one's own ---- */

static int nw0__set_fd(nw0__endpoint *e) {
#ifdef NW0__EPOLL
    if (nw0__start_thread() < 0) return -1; /* see nw0__go_deaf */
    e->wants_fd = true;
    nw0__use(e);
    nw0__unuse(e);
    return e->set.fd;
#else
    (void)e;
    return nw0__fail(ENOTSUP, "this system has no epoll: give the waits a short time instead");
#endif
}

NW0_API int nw0_fd(const char *address) {
    nw0__endpoint *e;
    int fd = -1;
    if (nw0__enter() < 0) return -1;
    if (nw0__endpoint_for(address, true, &e) == 0) fd = nw0__set_fd(e);
    nw0__leave();
    return fd;
}

NW0_API int nw0_news_fd(const char *address, const char *prefix) {
    const char *addresses[2] = {NULL, NULL}, *prefixes[2] = {NULL, NULL};
    nw0__endpoint *f;
    int fd = -1;
    addresses[0] = address;
    prefixes[0] = prefix ? prefix : "";
    if (nw0__check_lists(addresses, prefixes) < 0 || nw0__enter() < 0) return -1;
    f = nw0__feed_for(addresses, prefixes);
    if (f) fd = nw0__set_fd(f);
    nw0__leave();
    return fd;
}

/* =================================================================================================
   The beginning and the end                                                              >>shutdown

   Nothing has to be started: the first call does it. Only what a process arranges once (atexit,
   pthread_atfork, a pthread key) is arranged before main(). At the end a program should say
   goodbye, so that nobody looks for it: nw0_shutdown() runs by itself at exit. What goes wrong:
   threads that still wait somewhere in here (they are woken and awaited); a fork, whose child has
   copies of all descriptors and none of the threads (it closes its copies and begins afresh, so
   that what the parent closes is really closed). Example: examples/cluster_node.c, which leaves
   both ways.
   ============================================================================================== */

/* Frees an endpoint that was closed, as soon as no thread waits there and what was said there has
 * left. */
static void nw0__free_if_closed(nw0__endpoint *e) {
    nw0__endpoint **link = e->lists ? &nw0__messages.feeds : &nw0__messages.endpoints;
    nw0__conn *c, *next;
    if (!e->closing || e->users > 0 || nw0__library.closing) return;
    NW0__EACH(c, next, e->conns) {
        if (!c->blocked) nw0__hang_up(c);
    }
    if (e->conns) return;
    while (*link != e) link = &(*link)->next;
    *link = e->next;
    nw0__close_endpoint(e);
}

/* Wakes all who wait at an endpoint, so that they leave it. */
static void nw0__begin_closing(nw0__endpoint *e) {
    nw0__conn *c, *next;
    e->closing = true;
    e->closed_at = nw0__now();
    nw0__ring(&e->bell);
    nw0__wake_waiters(); /* one may wait for subscribers */
    nw0__stop_listening(e);
    NW0__EACH(c, next, e->conns) {
        if (!c->blocked && !(c->busy && c->asked)) nw0__hang_up(c); /* being answered */
    }
}

static void nw0__close_now(nw0__endpoint *e) {
    nw0__begin_closing(e);
    nw0__free_if_closed(e);
}

static int nw0__close_calls(nw0__place place) {
    nw0__conn *c, *next;
    int count = 0;
    NW0__EACH(c, next, nw0__messages.calls) {
        if (!nw0__same(c->place, place)) continue;
        nw0__hang_up(c);
        count++;
    }
    return count;
}

static int nw0__close_feeds(nw0__place place) {
    nw0__endpoint *e, *next;
    nw0__conn *c;
    int count = 0;
    NW0__EACH(e, next, nw0__messages.feeds) {
        for (c = e->conns; c && !nw0__same(c->place, place); c = c->next) continue;
        if (!c) continue;
        nw0__close_now(e);
        count++;
    }
    return count;
}

NW0_API int nw0_close(const char *address) {
    nw0__endpoint *e;
    nw0__place place;
    int result, count = 0;
    if (nw0__enter() < 0) return -1;
    result = nw0__endpoint_for(address, false, &e);
    if (e) {
        nw0__flush_news(e);
        nw0__close_now(e);
        count++;
    }
    if (result == 0 && nw0__callee(address, &place) == 0)
        count += nw0__close_calls(place) + nw0__close_feeds(place);
    if (result == 0 && count == 0)
        result = nw0__fail(ENOENT,
                           "nothing of this program is open at \"%.80s\", so it cannot be closed",
                           address);
    nw0__leave();
    return result;
}

/* In a forked child, what a thread was just moving may be freed already. */
static void nw0__discard_conns(nw0__conn **list) {
    nw0__conn *c;
    while ((c = *list) != NULL) {
        if (c->busy) c->body = c->extra = c->out = NULL;
        c->busy = false;
        nw0__hang_up(c);
    }
}

static void nw0__discard_list(nw0__endpoint *list) {
    nw0__endpoint *e, *next;
    NW0__EACH(e, next, list) {
        nw0__set_close(&e->set);
        nw0__discard_conns(&e->conns);
        nw0__close_endpoint(e);
    }
}

/* Closes and frees everything. In a forked child the sets must go first: they are still the
 * parent's, too, and taking a descriptor out of one would take it out of the parent's. */
static void nw0__discard(void) {
    struct nw0__discovery *d = &nw0__discovery;
    nw0__waiter *w = d->waiters;
    int i;
    d->waiters = NULL; /* nobody is to be woken */
    for (; w; w = w->next) nw0__bell_close(&w->bell);
    if (nw0__library.has_thread) {
        nw0__set_close(&nw0__library.set);
        nw0__bell_close(&nw0__library.wake);
    }
    nw0__discard_list(nw0__messages.endpoints);
    nw0__discard_list(nw0__messages.feeds);
    nw0__discard_conns(&nw0__messages.calls);
    nw0__free(nw0__messages.by_fd);
    if (d->running) nw0__close_fd(&d->ear);
    for (i = 0; i < d->network_count; i++) nw0__close_fd(&d->networks[i].mouth);
    memset(&nw0__messages, 0, sizeof nw0__messages);
    d->running = false;
    d->network_count = d->count = d->own_count = d->asker_count = 0;
    d->first_look = d->last_question = 0;
    d->dropped = 0;
    nw0__library.has_thread = nw0__library.started = nw0__library.closing = nw0__library.abandoned =
        false;
}

static void nw0__after_fork_in_child(void) {
    nw0__discard();
    nw0__library.inside = 0;
    nw0__unlock();
}

static int nw0__no_key; /* the errno with which there was none for nw0__ends */

/* For the end of the process, for that of its threads, and for forks. Before main(), because a fork
 * could come while another thread is in its first call: the child would find the lock held. */
__attribute__((constructor)) static void nw0__arrange(void) {
    nw0__no_key = pthread_key_create(&nw0__ends, nw0__thread_ends);
    atexit(nw0_shutdown);
    pthread_atfork(nw0__lock, nw0__unlock, nw0__after_fork_in_child);
}

/* Reads the environment. */
static void nw0__start(void) {
    struct nw0__library *l = &nw0__library;
    const char *port = getenv("NW0_PORT"), *network = getenv("NW0_NETWORK"),
               *debug = getenv("NW0_DEBUG");
    nw0__text t = nw0__text_of(port ? port : "");
    l->started = true;
    l->debug = debug && *debug && strcmp(debug, "0") != 0;
    if (!nw0__parse_port(&t, &l->port) || t.at != t.end) l->port = NW0_PORT;
    snprintf(l->pattern, sizeof l->pattern, "%s", network && *network ? network : "*");
}

/* Every function that needs the library's state begins and ends with these two. Between them it
 * holds the lock. */
static int nw0__enter(void) {
    if (nw0__no_key)
        return nw0__fail(nw0__no_key, "pthread_key_create() gives no key: the program has all %d",
                         PTHREAD_KEYS_MAX);
    nw0__lock();
    if (nw0__library.closing) {
        nw0__unlock();
        return nw0__canceled();
    }
    if (!nw0__library.started) nw0__start();
    nw0__library.inside++;
    return 0;
}

static void nw0__leave(void) {
    if (--nw0__library.inside == 0 && nw0__library.abandoned) nw0__discard();
    nw0__unlock();
}

/* Lets the threads that are still inside come out, and what is still to be sent leave; but not for
 * ever. */
static void nw0__wait_until_quiet(double seconds) {
    double now = nw0__now(), deadline = now + seconds;
    for (; (nw0__library.inside > 0 || nw0__messages.blocked > 0) && now < deadline;
         now = nw0__now())
        nw0__poll(-1, 0, now + 0.001); /* it is the end: looking is simpler than being woken */
}

static void nw0__stop_thread(void) {
    if (!nw0__library.has_thread) return;
    nw0__library.stop = true;
    nw0__ring(&nw0__library.wake);
    nw0__unlock();
    pthread_join(nw0__library.thread, NULL);
    nw0__lock();
}

NW0_API void nw0_shutdown(void) {
    nw0__conn *c, *next;
    nw0__endpoint *e;
    int i;
    nw0__lock();
    if (nw0__library.started && !nw0__library.closing) {
        nw0__library.closing = true;
        for (i = 0; i < nw0__discovery.own_count; i++) nw0__announce(&nw0__discovery.own[i], 0);
        nw0__discovery.own_count = 0;
        nw0__wake_waiters();
        for (e = nw0__messages.endpoints; e; e = e->next) nw0__flush_news(e), nw0__begin_closing(e);
        for (e = nw0__messages.feeds; e; e = e->next) nw0__begin_closing(e);
        NW0__EACH(c, next, nw0__messages.calls) {
            nw0__hang_up(c);
        }
        nw0__wait_until_quiet(NW0__FLUSH_S);
        nw0__stop_thread();
        nw0__library.abandoned = nw0__library.inside > 0; /* a signal handler holds a thread up */
        if (!nw0__library.abandoned) nw0__discard();
    }
    nw0__unlock();
}

/* =================================================================================================
   Conventions, versions, licence                                                      >>conventions

   nw0_ is public, nw0__ is private and may change, NW0_ is a macro. NW0_VERSION is
   major.minor.patch: the major number changes when a program that compiled and worked might not any
   more, the minor one when something was added. The bytes on the wire stay as they are.

   1.0.0 the first

   Public domain (unlicense.org), or, where there is no such thing, MIT; as you like.

   MIT licence

   Copyright (c) 2026 the nw0.h maintainers

   Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
   associated documentation files (the "Software"), to deal in the Software without restriction,
   including without limitation the rights to use, copy, modify, merge, publish, distribute,
   sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
   furnished to do so, subject to the following conditions:

   The above copyright notice and this permission notice shall be included in all copies or
   substantial portions of the Software.

   THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
   NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
   NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
   DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
   OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

   Public domain

   This is free and unencumbered software released into the public domain. Anyone is free to copy,
   modify, publish, use, compile, sell, or distribute this software, either in source code form or
   as a compiled binary, for any purpose, commercial or non-commercial, and by any means. The
   authors dedicate any and all copyright interest in the software to the public domain, for the
   benefit of the public at large and to the detriment of their heirs and successors.
   ============================================================================================== */

#endif /* NW0_IMPLEMENTATION */
