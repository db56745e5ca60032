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

CONTENTS (search for the word with >> in front). Each section uses only what stands above it.

    api          every function, with its arguments, errors and an example
    platform     system headers, the allocator, where tests make system calls fail
    errors       errno and the sentence; the clock
    text         big-endian numbers, UTF-8, JSON strings, patterns
    addresses    "192.168.1.5:8080", read and written     (pure functions)
    frames       the bytes of a conversation              (pure functions of buffer and length)
    adverts      the bytes of a datagram                  (pure functions of buffer and length)
    sockets      opening them, the lock, three ways to wait: a time limit, a bell, a set
    library      how it is entered and left; the environment
    loop         the one background thread: what happens while nobody calls
    interfaces   which networks this machine is on; the shorter forms of an address
    connections  one frame in, one frame out, and whose it is; inboxes, where threads wait
    listening    a port that is really ours
    discovery    who is there, and who is gone
    answering    many ask, each gets its turn
    asking       one question, one answer, nothing twice
    publishing   one to many; nobody waits for the slow
    subscribing  staying connected
    helpers      base64 and shell words
    end          closing, fork, the end
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
                 |                        |<- ["?hello","192.168.1.7:41234",0] |   query, to all
                 |---- ["hello","192.168.1.5:50123",20] -------->|   response, to it alone
                 |-- ["hello","192.168.1.5:50123",0] -->|        |   goodbye: ttl 0

    TCP        client                                          server
                 |-- 00 00 00 04 'n' 'w' '0' '?' ---------------->|   I ask questions (once)
                 |-- 00 00 00 03 'A' 'n' 'n' -------------------->|   a frame: length, then bytes
                 |<- 00 00 00 0b 'H' 'e' 'l' 'l' 'o' ... ---------|   the answer; the next question

    Adverts are those of NetworkZero (Python): programs of both kinds see each other's services.

WORDS (ours, and the field's where that is another)

    advert, goodbye     a datagram that says where a service is, or that it is no more
    query, response     what is asked about names by UDP, and the advert that comes back
    question, answer    a message and its reply, by TCP
    ear, mouth          the UDP socket bound to the discovery port; one bound to one interface
    holder, rival       who has a name; who claims it, too
    frame               four bytes of length, and as many bytes (a length prefix)
    introduction        the first frame: what a conversation is for
    caller              who has connected to us, and not said yet what it wants
    client, subscriber  a caller who asks questions; one who wants news
    call, subscription  our own connections: to ask, to get news
    inbox               where threads wait for frames, and take turns (a ready list over epoll)
    item, log, cursor   one piece of news; a publisher's items in order; how far a subscriber is
    bell, set           what wakes a thread (a self-pipe); many descriptors (epoll)
    watch, timer        who is called when a descriptor is ready, or a time has come
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
 * other messages. ETIMEDOUT, EINTR, EMSGSIZE (see the rules); EINVAL: no address; EADDRNOTAVAIL:
 * not one of this machine; EADDRINUSE: another program listens there; ECANCELED: closed meanwhile.
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
 * back, which the next wait finds. ETIMEDOUT, EINTR, EMSGSIZE (see the rules); EINVAL,
 * ENAMETOOLONG: the address, the prefix; EPROTONOSUPPORT, EPROTO: no nw0 program publishes there;
 * ECANCELED: closed meanwhile.
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

/* SOCK_CLOEXEC at the moment a socket is made: no other thread can fork and exec in between.
 * MSG_NOSIGNAL: to send to a connection that was closed is an error, and no SIGPIPE. */
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

typedef struct nw0__thread {
    char error[480]; /* the sentence */
    bool registered; /* something of this thread must be cleaned up when it ends */
    int trials;      /* see nw0__send_piece: how often it has tried a way to send, */
    double best[2];  /* and what each of the two ways took at best */
} nw0__thread;

static __thread nw0__thread nw0__this_thread; /* its address also tells threads apart */

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

static double nw0__min(double a, double b) {
    return a < b ? a : b;
}

/* For poll(): rounded up, because a wait that ends early only has to be begun again. */
static int nw0__milliseconds_until(double deadline) {
    if (deadline >= NW0__NEVER) return -1; /* which spares the kernel a timer */
    double left = deadline - nw0__now();
    if (left <= 0) return 0;
    return left > 3600 ? 3600000 : (int)(left * 1000) + 1;
}

/* =================================================================================================
   Text                                                                                       >>text

   What comes from a network is bytes. What parses here takes the bytes and their end, never runs
   past it, and says no to whatever it does not understand. What goes wrong: UTF-8 that is longer
   than it need be and half characters (surrogates), by which a name could be had twice; strtod(),
   which expects a comma in some countries. Example: examples/command_robot.c.
   ============================================================================================== */

/* Numbers cross the network with the big end first, whatever the processor prefers. */
static void nw0__put32(unsigned char *at, size_t value) {
    for (int i = 0; i < 4; i++) at[i] = (unsigned char)(value >> (24 - 8 * i));
}

static size_t nw0__get32(const unsigned char *at) {
    return (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | (size_t)at[3];
}

/* The length of the UTF-8 character at s, of which n bytes are there: 1 to 4; 0 if it is none. */
static size_t nw0__utf8_char(const unsigned char *s, size_t n) {
    if (n == 0 || (s[0] >= 0x80 && s[0] < 0xC2) || s[0] > 0xF4) return 0;
    size_t length = s[0] < 0x80 ? 1 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    if (n < length) return 0;
    for (size_t i = 1; i < length; i++)
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
    size_t last = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    for (size_t i = last; i > 0; i--, c >>= 6) out[i] = (char)(0x80 | (c & 0x3F));
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

/* What is left of a text that is being parsed. */
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
    if (t->end - t->at < 4) return -1;
    for (int i = 0; i < 4; i++) {
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
    if (!nw0__skip(t, 'u')) {
        int known = t->at < t->end ? nw0__index("\"\\/bfnrt", *t->at++) : -1;
        if (known < 0) return 0;
        return out[0] = "\"\\/\b\f\n\r\t"[known], (size_t)1;
    }
    long c = nw0__json_hex4(t);
    if (c >= 0xD800 && c < 0xDC00) {
        if (!nw0__skip(t, '\\') || !nw0__skip(t, 'u')) return 0;
        long half = nw0__json_hex4(t);
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
    if (!nw0__whole_number(t, value)) return false;
    if (nw0__skip(t, '.')) {
        double fraction;
        int digits = nw0__digits(t, &fraction);
        if (digits == 0) return false;
        for (; digits > 0; digits--) fraction /= 10;
        *value += fraction;
    }
    if (nw0__skip(t, 'e') || nw0__skip(t, 'E')) {
        bool down = nw0__skip(t, '-');
        double power;
        if (!down) nw0__skip(t, '+');
        if (nw0__digits(t, &power) == 0) return false;
        for (; power > 0 && *value > 0 && *value < 1e300; power--)
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

#define NW0__LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define NW0__BLANKS " \t\r\n"

/* Do so many bytes and a NUL fit into the buffer? NULL and 0 only wants to know the size. */
static int nw0__fits(const char *what, size_t size, const void *buffer, size_t capacity) {
    if (buffer ? size < capacity : capacity == 0) return 0;
    return nw0__fail(EMSGSIZE, "%s and a NUL are %lu bytes: give a larger buffer than %lu", what,
                     (unsigned long)size + 1, (unsigned long)capacity);
}

/* What came from anybody goes to a terminal: without its control characters. */
static void nw0__make_harmless(char *line) {
    bool text = nw0__utf8(line, strlen(line));
    for (; *line; line++) {
        unsigned char c = (unsigned char)line[0], next = (unsigned char)line[1];
        if (text && c == 0xC2 && next < 0xA0) line[0] = line[1] = '.'; /* U+0080 ... U+009F */
        if (c < ' ' || c == 0x7F || (c > 0x7F && !text)) line[0] = '.';
    }
}
/* =================================================================================================
   Addresses                                                                             >>addresses

   A program is reached at an IP address and a port, which together are what the system calls a
   socket address: "192.168.1.5:8080". Here they are read, written and compared; these functions
   touch nothing else. Inside, numbers are in the processor's own order; only struct sockaddr_in has
   the network's (htonl). What goes wrong: 010.0.0.1, which some read as octal, and addresses that
   are nobody's, such as 224.0.0.1 or port 0. Example: examples/hello_server.c prints one.
   ============================================================================================== */

typedef struct nw0__addr {
    uint32_t ip;   /* 0: any of this machine's */
    uint16_t port; /* 0: none */
} nw0__addr;

static nw0__addr nw0__make_addr(uint32_t ip, uint16_t port) {
    nw0__addr a = {ip, port};
    return a;
}

static bool nw0__same_addr(nw0__addr a, nw0__addr b) {
    return a.ip == b.ip && a.port == b.port;
}

#define NW0__LOCALHOST 0x7F000001u /* 127.0.0.1 */

static bool nw0__is_loopback(uint32_t ip) {
    return ip >> 24 == 127;
}

/* 224.0.0.0 and all that follow are for groups, or for nobody. */
static bool nw0__is_unicast(uint32_t ip) {
    return ip >> 28 < 14;
}

static bool nw0__parse_ip(nw0__text *t, uint32_t *ip) {
    *ip = 0;
    for (int i = 0; i < 4; i++) {
        double byte;
        if ((i > 0 && !nw0__skip(t, '.')) || !nw0__whole_number(t, &byte) || byte > 255)
            return false;
        *ip = *ip << 8 | (uint32_t)byte;
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
static bool nw0__parse_addr(const char *text, nw0__addr *addr) {
    nw0__text t = nw0__text_of(text);
    return nw0__parse_ip(&t, &addr->ip) && nw0__is_unicast(addr->ip) && nw0__skip(&t, ':') &&
           nw0__parse_port(&t, &addr->port) && t.at == t.end;
}

static char *nw0__print_ip(uint32_t ip, char out[NW0_ADDRESS_SIZE]) {
    snprintf(out, NW0_ADDRESS_SIZE, "%u.%u.%u.%u", (unsigned)(ip >> 24), (unsigned)(ip >> 16 & 255),
             (unsigned)(ip >> 8 & 255), (unsigned)(ip & 255));
    return out;
}

static char *nw0__print_addr(nw0__addr addr, char out[NW0_ADDRESS_SIZE]) {
    size_t n = strlen(nw0__print_ip(addr.ip, out));
    snprintf(out + n, NW0_ADDRESS_SIZE - n, ":%u", (unsigned)addr.port);
    return out;
}

static struct sockaddr_in nw0__to_sockaddr(nw0__addr addr) {
    struct sockaddr_in a;
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(addr.ip);
    a.sin_port = htons(addr.port);
    return a;
}

static nw0__addr nw0__from_sockaddr(const void *sockaddr) {
    const struct sockaddr_in *a = (const struct sockaddr_in *)sockaddr;
    return nw0__make_addr(ntohl(a->sin_addr.s_addr), ntohs(a->sin_port));
}

/* =================================================================================================
   Frames                                                                                   >>frames

   TCP carries a stream of bytes: what was sent in one piece may arrive in five, and two pieces as
   one. So each message is a frame, four bytes of length and then as many bytes. The first frame of
   a conversation, its introduction, says what it is for. These functions look at bytes that have
   arrived and touch no socket. They answer in three ways: how many bytes they understood, 0 where
   more must come first, -1 where it is wrong and never can become right. What goes wrong: a length
   that a stranger made up; nothing is allocated on the strength of it. Example: the picture at the
   top has the bytes of one; examples/data_send.c sends many.
   ============================================================================================== */

#define NW0__QUESTIONS "\0\0\0\4nw0?" /* the introduction of one who asks */
#define NW0__NEWS "\0\0\0\4nw0!"      /* and of one who wants news */
#define NW0__INTRODUCTION 8           /* how long both are */
#define NW0__LENGTH 4                 /* and how long a length is */
#define NW0__PREFIXES 64              /* how many one subscriber may have */

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
   > 0), a goodbye (ttl 0) or a query (ttl 0 and a name that begins with '?'). These functions read
   and write one. What goes wrong: whoever can reach the port can send anything to it, so parsing is
   strict: all of it must be right, or all of it is dropped. Example: examples/nw0.c, whose "info"
   shows what is on the network.
   ============================================================================================== */

#define NW0__DATAGRAM 256
#define NW0__TTL_MAX 86400.0 /* nobody is believed for more than a day */

typedef struct nw0__advert {
    char name[NW0_NAME_SIZE + 1]; /* a query has one character more */
    nw0__addr addr;
    double ttl;
} nw0__advert;

/* One of the signs between the values, and the blanks around it. */
static bool nw0__delimiter(nw0__text *t, char c) {
    while (t->at < t->end && nw0__index(NW0__BLANKS, *t->at) >= 0) t->at++;
    if (!nw0__skip(t, c)) return false;
    while (t->at < t->end && nw0__index(NW0__BLANKS, *t->at) >= 0) t->at++;
    return true;
}

static bool nw0__parse_advert(const char *bytes, size_t n, nw0__advert *advert) {
    char address[NW0_ADDRESS_SIZE];
    nw0__text t = {bytes, bytes + n};
    if (n > NW0__DATAGRAM || !nw0__delimiter(&t, '[') ||
        !nw0__json_string(&t, advert->name, sizeof advert->name) || !nw0__delimiter(&t, ',') ||
        !nw0__json_string(&t, address, sizeof address) || !nw0__delimiter(&t, ',') ||
        !nw0__json_number(&t, &advert->ttl) || !nw0__delimiter(&t, ']') || t.at != t.end)
        return false;
    bool query = advert->name[0] == '?';
    advert->ttl = nw0__min(advert->ttl, NW0__TTL_MAX);
    return nw0__parse_addr(address, &advert->addr) && advert->name[0] != '\0' &&
           (query ? !(advert->ttl > 0) : strlen(advert->name) < NW0_NAME_SIZE);
}

/* Returns the length, or 0 if it would be longer than a datagram may be. The seconds are printed as
 * two whole numbers, because printf() has a comma between them in some countries. */
static size_t nw0__write_advert(const char *name, nw0__addr addr, double ttl,
                                char out[NW0__DATAGRAM + 1]) {
    unsigned long ms = (unsigned long)(ttl * 1000 + 0.5);
    char address[NW0_ADDRESS_SIZE], fraction[8] = "";
    size_t n = nw0__json_quote(name, out + 1, NW0__DATAGRAM - 1), room = NW0__DATAGRAM - n;
    if (n == 0) return 0;
    out[0] = '[';
    if (ms % 1000) snprintf(fraction, sizeof fraction, ".%03u", (unsigned)(ms % 1000));
    int tail = snprintf(out + n + 1, room, ",\"%s\",%lu%s]", nw0__print_addr(addr, address),
                        ms / 1000, fraction);
    return (size_t)tail < room ? n + 1 + (size_t)tail : 0;
}

/* What a service may be called; says what is wrong with it. */
static int nw0__check_name(const char *name, double ttl) {
    const nw0__addr longest = {0xFFFFFFFF, 65535};
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
   Sockets                                                                                 >>sockets

   socket() and bind(), the lock, and what a thread can wait for. There are three ways to wait:
     a time limit  on a blocking recv() or send() (SO_RCVTIMEO): one system call, for one connection
                   that belongs to one thread.
     a bell        a pair of connected sockets: a byte written to one end makes the other readable,
                   so that one thread wakes another that sleeps in poll(). The field calls it a
                   self-pipe. Unlike a condition variable it does not sleep through a signal. (A
                   connect() that is not done yet is waited for in the same way.)
     a set         many descriptors, of which those that are ready are told. On Linux this is epoll,
                   whose cost does not grow with the number of idle ones; elsewhere poll().
   Whatever is in a set has a watch, which says who is called when it is ready; so whoever waits
   needs not know what there is to wait for.

   The lock is one for the whole library. It is held to look something up or to change it, and never
   while waiting. A function with nw0__ in its name is called with the lock, unless it is pure or
   says otherwise; one that waits lets go of it meanwhile. So what was looked up before a wait is
   looked up again after it.

   What goes wrong: a descriptor that a child inherits (SOCK_CLOEXEC), a signal in the middle
   (EINTR), a port that lingers in TIME_WAIT after a restart (SO_REUSEADDR), and a descriptor that
   was closed after a set had told of it, and its number given to another socket (so a watch is
   looked up again, with the lock). Example: examples/chat_room.c, which polls one of our sets
   beside its keyboard.
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

static int nw0__bind(int fd, nw0__addr addr) {
    struct sockaddr_in a = nw0__to_sockaddr(addr);
    return NW0__TRY(bind, bind(fd, (struct sockaddr *)&a, sizeof a));
}

/* The address, at this end, of a socket. */
static int nw0__bound_addr(int fd, nw0__addr *addr) {
    struct sockaddr_in a;
    socklen_t size = sizeof a;
    if (NW0__TRY(getsockname, getsockname(fd, (struct sockaddr *)&a, &size)) < 0) return -1;
    *addr = nw0__from_sockaddr(&a);
    return 0;
}

/* Is it only that nothing comes, or fits, at the moment? */
static bool nw0__would_block(int error) {
    return error == EAGAIN || error == EWOULDBLOCK;
}

/* Waits, without the lock, for one descriptor. 1: it is ready; 0: the time is up; -1: EINTR. */
static int nw0__poll(int fd, int events, double deadline) {
    int timeout = nw0__milliseconds_until(deadline);
    struct pollfd p = {fd, (short)events, 0};
    nw0__unlock();
    int n = NW0__TRY(poll, poll(&p, 1, timeout));
    nw0__lock();
    return n;
}

/* ---- a watch ---- */

typedef struct nw0__set nw0__set;

/* A descriptor, and who is called when it is ready. */
typedef struct nw0__watch nw0__watch;
typedef void nw0__handler(nw0__watch *w, int events);

struct nw0__watch {
    int fd;              /* -1: closed */
    nw0__set *set;       /* the one that tells of it; NULL: none */
    int events;          /* and what it tells: POLLIN, POLLOUT */
    nw0__handler *ready; /* NULL: nobody */
    nw0__watch *queue;   /* the next one whose turn it is: see connections */
    bool queued;
};

static struct nw0__watches {
    nw0__watch **by_fd;
    int room;
} nw0__watches;

/* ---- a bell ---- */

typedef struct nw0__bell {
    nw0__watch heard; /* the end to wait for */
    int rope;         /* the end to write to */
    bool rung;
} nw0__bell;

static void nw0__bell_silence(nw0__bell *bell) {
    char byte;
    if (bell->rung) (void)!recv(bell->heard.fd, &byte, 1, MSG_DONTWAIT);
    bell->rung = false;
}

static void nw0__bell_heard(nw0__watch *w, int events) {
    nw0__bell *bell = (nw0__bell *)w;
    (void)events;
    bell->rung = true; /* else nothing would be read */
    nw0__bell_silence(bell);
}

static int nw0__bell_open(nw0__bell *bell) {
    int pair[2];
    memset(bell, 0, sizeof *bell);
    bell->heard.fd = bell->rope = -1;
    bell->heard.ready = nw0__bell_heard;
    if (NW0__TRY(socketpair, socketpair(AF_UNIX, SOCK_STREAM | NW0__CLOEXEC, 0, pair)) < 0)
        return -1;
    nw0__close_on_exec(pair[0]);
    nw0__close_on_exec(pair[1]);
    bell->heard.fd = pair[0];
    bell->rope = pair[1];
    return 0;
}

static void nw0__bell_ring(nw0__bell *bell) {
    int error = errno;
    if (!bell->rung) /* without memory for the byte, the next one tries again */
        bell->rung = send(bell->rope, "", 1, MSG_DONTWAIT | NW0__NOSIGNAL) == 1;
    errno = error;
}

/* ---- a set ---- */

#define NW0__EVENTS 64 /* how many are taken at a time */

#ifdef NW0__EPOLL

struct nw0__set {
    int fd;
};

/* the bits of epoll are those of poll() */
typedef char nw0__same_bits[EPOLLIN == POLLIN && EPOLLOUT == POLLOUT ? 1 : -1];

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
    e.events = (uint32_t)events;
    e.data.fd = fd;
    return NW0__TRY(epoll_ctl, epoll_ctl(set->fd, EPOLL_CTL_ADD, fd, &e));
}

static void nw0__set_remove(nw0__set *set, int fd) {
    int error = errno;
    epoll_ctl(set->fd, EPOLL_CTL_DEL, fd, NULL);
    errno = error;
}

/* Waits, without the lock, until some of the set are ready; says which. 0: the time is up; -1:
 * EINTR. */
static int nw0__set_wait(nw0__set *set, struct pollfd ready[NW0__EVENTS], double deadline) {
    struct epoll_event events[NW0__EVENTS];
    int timeout = nw0__milliseconds_until(deadline);
    nw0__unlock();
    int n = NW0__TRY(epoll_wait, epoll_wait(set->fd, events, NW0__EVENTS, timeout));
    nw0__lock();
    for (int i = 0; i < n; i++)
        ready[i].fd = events[i].data.fd, ready[i].revents = (short)events[i].events;
    return n;
}

/* Waits, without the lock, for a descriptor or for anything in the set. 1: the descriptor is ready;
 * 0: it is not; -1: EINTR. */
static int nw0__set_wait_beside(nw0__set *set, int fd, double deadline) {
    struct pollfd p[2] = {{fd, POLLIN, 0}, {set->fd, POLLIN, 0}};
    int timeout = nw0__milliseconds_until(deadline);
    nw0__unlock();
    int n = NW0__TRY(poll, poll(p, 2, timeout));
    nw0__lock();
    return n < 0 ? -1 : n > 0 && p[0].revents != 0;
}

#else

/* The array for poll(). A thread polls a copy of it, because others may change it meanwhile. What
 * is added while somebody waits rings a bell that is in every copy, and the last of those who were
 * waiting then silences it. What is removed need not: whoever is told of it finds no watch. */
struct nw0__set {
    struct pollfd *fds;
    int count, room;
    nw0__bell bell;
    int waiting, stale;
    unsigned generation;
};

static int nw0__set_add(nw0__set *set, int fd, int events) {
    if (set->count == set->room) {
        int room = set->room * 2 + 8;
        struct pollfd *more = (struct pollfd *)nw0__resize(set->fds, (size_t)room * sizeof *more);
        if (!more) return errno = ENOMEM, -1;
        set->fds = more;
        set->room = room;
    }
    struct pollfd added = {fd, (short)events, 0};
    set->fds[set->count++] = added;
    set->generation++;
    set->stale = set->waiting;
    if (set->waiting > 0) nw0__bell_ring(&set->bell);
    return 0;
}

static void nw0__set_remove(nw0__set *set, int fd) {
    int i = 0;
    while (i < set->count && set->fds[i].fd != fd) i++;
    if (i < set->count) set->fds[i] = set->fds[--set->count];
}

static void nw0__set_close(nw0__set *set) {
    nw0__close_fd(&set->bell.heard.fd);
    nw0__close_fd(&set->bell.rope);
    nw0__free(set->fds);
    set->fds = NULL;
    set->count = set->room = 0;
}

static int nw0__set_open(nw0__set *set) {
    memset(set, 0, sizeof *set);
    if (nw0__bell_open(&set->bell) < 0) return -1;
    if (nw0__set_add(set, set->bell.heard.fd, POLLIN) == 0) return 0;
    nw0__set_close(set);
    return -1;
}

static int nw0__set_wait(nw0__set *set, struct pollfd ready[NW0__EVENTS], double deadline) {
    int count = set->count, found = 0, timeout = nw0__milliseconds_until(deadline);
    unsigned generation = set->generation;
    struct pollfd *fds = (struct pollfd *)nw0__resize(NULL, (size_t)count * sizeof *fds);
    if (!fds) return errno = ENOMEM, -1;
    memcpy(fds, set->fds, (size_t)count * sizeof *fds);
    set->waiting++;
    nw0__unlock();
    int n = NW0__TRY(poll, poll(fds, (nfds_t)count, timeout));
    nw0__lock();
    set->waiting--;
    if (generation != set->generation && --set->stale <= 0) nw0__bell_silence(&set->bell);
    for (int i = 0; n > 0 && i < count && found < NW0__EVENTS; i++)
        if (fds[i].revents && fds[i].fd != set->bell.heard.fd) ready[found++] = fds[i];
    nw0__free(fds);
    return n < 0 ? -1 : found;
}

/* It has no descriptor that could be polled: whoever waits turns to the set. */
static int nw0__set_wait_beside(nw0__set *set, int fd, double deadline) {
    (void)set, (void)fd, (void)deadline;
    return 0;
}

#endif

/* ---- what is in a set ---- */

static void nw0__watch_off(nw0__watch *w) {
    if (!w->set) return;
    nw0__set_remove(w->set, w->fd);
    nw0__watches.by_fd[w->fd] = NULL;
    w->set = NULL;
}

/* Puts it into that set, and out of the one where it was. */
static int nw0__watch_on(nw0__watch *w, nw0__set *set, int events) {
    if (w->set == set && w->events == events) return 0;
    nw0__watch_off(w);
    struct nw0__watches *all = &nw0__watches;
    if (w->fd >= all->room) {
        int room = w->fd < 64 ? 64 : w->fd * 2;
        nw0__watch **more = (nw0__watch **)nw0__resize(all->by_fd, (size_t)room * sizeof *more);
        if (!more) return errno = ENOMEM, -1;
        memset(more + all->room, 0, (size_t)(room - all->room) * sizeof *more);
        all->by_fd = more;
        all->room = room;
    }
    if (nw0__set_add(set, w->fd, events) < 0) return -1;
    all->by_fd[w->fd] = w;
    w->set = set;
    w->events = events;
    return 0;
}

static void nw0__watch_close(nw0__watch *w) {
    nw0__watch_off(w);
    nw0__close_fd(&w->fd);
}

static void nw0__bell_close(nw0__bell *bell) {
    nw0__watch_close(&bell->heard);
    nw0__close_fd(&bell->rope);
}

/* Waits until some of the set are ready, and calls whom they belong to. What was told may be
 * over by now, or be about another socket that got the same number: so each handler checks for
 * itself. */
static int nw0__set_turn(nw0__set *set, double deadline) {
    struct pollfd ready[NW0__EVENTS];
    int n = nw0__set_wait(set, ready, deadline);
    for (int i = 0; i < n; i++) {
        int fd = ready[i].fd;
        nw0__watch *w = fd < nw0__watches.room ? nw0__watches.by_fd[fd] : NULL;
        if (w && w->set == set && w->ready) w->ready(w, ready[i].revents);
    }
    return n;
}

/* =================================================================================================
   The library                                                                             >>library

   Nothing has to be started: the first call does it, and reads the environment. Every function that
   needs the library's state takes the lock as it enters and gives it back as it leaves; whoever
   is in between is counted, so that the end can wait for them. What goes wrong: a call that comes
   while nw0_shutdown is at work (ECANCELED), and more thread keys than the system has. Example:
   NW0_DEBUG=1 in front of any of the examples shows what the library does.
   ============================================================================================== */

static struct nw0__library {
    bool started, closing, debug; /* the environment was read; nw0_shutdown is at work; NW0_DEBUG */
    uint16_t port;                /* NW0_PORT */
    char allowed[64];             /* NW0_NETWORK, or "*" */
    int inside;                   /* threads between nw0__enter and nw0__leave */
    int unsent;                   /* connections that are SENDING, by their thread or by the loop */
    void (*last)(void);           /* what the last thread to leave has to do; NULL: nothing */
    pthread_key_t thread_key;     /* tells of threads that end */
    int no_key;                   /* the errno with which there was no such key */
} nw0__library;

NW0__PRINTF(1, 2) static void nw0__debug(const char *format, ...) {
    if (!nw0__library.debug) return;
    char line[600] = "nw0: ";
    va_list list;
    va_start(list, format);
    vsnprintf(line + 5, sizeof line - 6, format, list);
    va_end(list);
    nw0__make_harmless(line);
    size_t n = strlen(line);
    line[n] = '\n';
    int error = errno;
    struct pollfd p = {STDERR_FILENO, POLLOUT, 0};
    if (poll(&p, 1, 0) < 0 || !(p.revents & POLLERR)) /* a pipe that nobody reads: SIGPIPE */
        (void)!write(STDERR_FILENO, line, n + 1);
    errno = error;
}

static int nw0__canceled(void) {
    return nw0__fail(ECANCELED, "what was waited for was closed, by nw0_close or nw0_shutdown");
}

static int nw0__interrupted(int error) {
    return nw0__fail(error, "the wait was interrupted (%s): call again to go on", strerror(error));
}

static int nw0__enter(void) {
    struct nw0__library *l = &nw0__library;
    if (l->no_key)
        return nw0__fail(l->no_key, "pthread_key_create() gives no key: the program has all %d",
                         PTHREAD_KEYS_MAX);
    nw0__lock();
    if (l->closing) {
        nw0__unlock();
        return nw0__canceled();
    }
    l->inside++;
    if (l->started) return 0;
    const char *port = getenv("NW0_PORT"), *network = getenv("NW0_NETWORK"),
               *debug = getenv("NW0_DEBUG");
    nw0__text t = nw0__text_of(port ? port : "");
    l->started = true;
    l->debug = debug && *debug && strcmp(debug, "0") != 0;
    if (!nw0__parse_port(&t, &l->port) || t.at != t.end) l->port = NW0_PORT;
    snprintf(l->allowed, sizeof l->allowed, "%s", network && *network ? network : "*");
    return 0;
}

static void nw0__leave(void) {
    if (--nw0__library.inside == 0 && nw0__library.last) nw0__library.last();
    nw0__unlock();
}

/* ---- threads that wait for a change ---- */

/* A thread that waits, by a bell, for a change of what is known: of the services on the network, or
 * of a publisher's subscribers. */
typedef struct nw0__waiter {
    nw0__bell bell;
    struct nw0__waiter *next;
} nw0__waiter;

static nw0__waiter *nw0__waiters;

static void nw0__wake_waiters(void) {
    for (nw0__waiter *w = nw0__waiters; w; w = w->next) nw0__bell_ring(&w->bell);
}

/* Waits until something has changed or the deadline has passed, or for a moment where there is no
 * descriptor for a bell. -1: EINTR, or nw0_shutdown. */
static int nw0__wait_until_changed(double deadline) {
    nw0__waiter w, **link = &nw0__waiters;
    if (nw0__bell_open(&w.bell) < 0) deadline = nw0__min(deadline, nw0__now() + 0.05);
    w.next = nw0__waiters;
    nw0__waiters = &w;
    int n = nw0__poll(w.bell.heard.fd, POLLIN, deadline), error = errno;
    while (*link != &w) link = &(*link)->next;
    *link = w.next;
    nw0__bell_close(&w.bell);
    if (nw0__library.closing) return nw0__canceled();
    return n < 0 ? nw0__interrupted(error) : 0;
}

/* =================================================================================================
   The loop                                                                                   >>loop

   Some things have to happen while nobody calls: adverts go out, the rest of a long reply is sent,
   a publisher is called until it is there. One background thread does them all. It holds the lock
   while it works and waits without it, until a watch in its set is ready or a timer is due; and
   calls whom they belong to, of whom it knows nothing else. It starts when it is first needed: a
   program that only asks, or only answers at a port that it was given, has none.

   What goes wrong: signals, which are for the program's own threads (all are blocked here); a wait
   that fails for want of memory and would make the thread spin (it rests for a moment); a machine
   that went away while something was on the way to it: that is not noticed by asking (keepalive),
   because the kernel goes on sending, so what has been acknowledged is looked at. Example:
   examples/cluster_node.c, which works while its thread looks after the rest.
   ============================================================================================== */

#define NW0__LOOK_S 2.0   /* how often those to whom something is being sent are looked at */
#define NW0__LOST_MS 9000 /* without an acknowledgement: the other machine is gone */

/* Something that is to be done at a time. */
typedef struct nw0__timer {
    double due;                                         /* NW0__NEVER: nothing is */
    void (*when_due)(struct nw0__timer *t, double now); /* says itself when it is due next */
    struct nw0__timer *next;
} nw0__timer;

static struct nw0__loop {
    nw0__set set;
    nw0__bell wake;
    nw0__timer *timers;
    pthread_t thread;
    bool running, stop;
} nw0__loop;

/* Has the other machine acknowledged nothing for a while, though it was asked to more than once?
 * Not TCP_USER_TIMEOUT: that also ends the connection to a program that lives, but does not read.
 * The structure is the beginning of Linux's struct tcp_info, which some C libraries hide. */
static bool nw0__is_lost(int fd) {
#if defined(__linux__) && defined(TCP_INFO)
    struct {
        unsigned char state, congestion, retransmits, probes, others[4];
        uint32_t more[12], last_ack_ms;
    } info;
    socklen_t size = sizeof info;
    memset(&info, 0, sizeof info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0) return false;
    return (info.retransmits > 1 || info.probes > 1) && info.last_ack_ms > NW0__LOST_MS;
#else
    (void)fd;
    return false;
#endif
}

/* While something is unsent: shuts down the connections to machines that are gone. Who was sending
 * there, or calling, is told by that. */
static void nw0__look_for_lost(nw0__timer *t, double now) {
    t->due = nw0__library.unsent > 0 ? now + NW0__LOOK_S : NW0__NEVER;
    for (int fd = 0; fd < nw0__watches.room; fd++) {
        const nw0__watch *w = nw0__watches.by_fd[fd];
        if (w && w->set == &nw0__loop.set && (w->events & POLLOUT) && nw0__is_lost(fd))
            shutdown(fd, SHUT_RDWR);
    }
}

static nw0__timer nw0__lost_timer = {NW0__NEVER, nw0__look_for_lost, NULL};

static void *nw0__loop_run(void *unused) {
    (void)unused;
    nw0__lock();
    while (!nw0__loop.stop) {
        double now = nw0__now(), next = NW0__NEVER;
        for (nw0__timer *t = nw0__loop.timers, *after; t; t = after) {
            after = t->next;
            if (t->due <= now) next = now, t->when_due(t, now); /* it may free itself */
            else next = nw0__min(next, t->due);
        }
        if (nw0__set_turn(&nw0__loop.set, next) >= 0 || errno == EINTR) continue;
        nw0__unlock(); /* no memory, say: not a reason to spin */
        poll(NULL, 0, 100);
        nw0__lock();
    }
    nw0__unlock();
    return NULL;
}

static void nw0__timer_add(nw0__timer *t) {
    t->next = nw0__loop.timers;
    nw0__loop.timers = t;
}

static void nw0__timer_remove(nw0__timer *t) {
    nw0__timer **link = &nw0__loop.timers;
    while (*link && *link != t) link = &(*link)->next;
    if (*link) *link = t->next;
}

/* It is due then, if it is not due earlier. */
static void nw0__timer_start(nw0__timer *t, double when) {
    if (when >= t->due) return;
    t->due = when;
    if (nw0__loop.running) nw0__bell_ring(&nw0__loop.wake);
}

static void nw0__loop_close(void) {
    nw0__set_close(&nw0__loop.set);
    nw0__bell_close(&nw0__loop.wake);
    nw0__loop.running = false;
}

static int nw0__start_thread(void) {
    struct nw0__loop *l = &nw0__loop;
    if (l->running) return 0;
    if (nw0__library.closing) return nw0__canceled();
    l->stop = false;
    l->wake.heard.fd = l->wake.rope = -1;
    int error = 0;
    if (nw0__set_open(&l->set) < 0 || nw0__bell_open(&l->wake) < 0 ||
        nw0__watch_on(&l->wake.heard, &l->set, POLLIN) < 0 || NW0_FAULT(pthread_create)) {
        error = errno;
    } else {
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        error = pthread_create(&l->thread, NULL, nw0__loop_run, NULL);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (error == 0) return nw0__timer_add(&nw0__lost_timer), l->running = true, 0;
    nw0__loop_close();
    return nw0__fail(error, "the background thread could not be started: %s", strerror(error));
}

/* =================================================================================================
   Interfaces                                                                           >>interfaces

   A machine is on several networks, by one interface and with one address each, and they come and
   go: getifaddrs() lists them, and nothing of that is remembered here. People write less than an
   address: the shorter forms ("8080", "192.168.*") are completed from that list, and host names are
   looked up by getaddrinfo(). What goes wrong: which of the addresses is the one to tell others?
   The one by which this machine reaches the rest of the world, if there is one. A look-up that
   takes as long as it takes: it is done without the lock. Example: examples/hello_server.c.
   ============================================================================================== */

/* One network that this machine is on, through one of its interfaces. */
typedef struct nw0__network {
    char interface_name[IF_NAMESIZE];
    uint32_t ip, mask;
    nw0__watch *mouth; /* discovery: the UDP socket that speaks there; NULL: none */
    uint16_t port;     /* and its port */
} nw0__network;

#define NW0__MAX_NETWORKS 32

static bool nw0__reaches(const nw0__network *net, uint32_t ip) {
    return ((net->ip ^ ip) & net->mask) == 0;
}

/* The address from which this machine would reach the rest of the world: connect() on a UDP socket
 * sends nothing, it only looks up the route. 0 if there is none. */
static uint32_t nw0__default_ip(void) {
    struct sockaddr_in a =
        nw0__to_sockaddr(nw0__make_addr(0xC6336401, 9)); /* 198.51.100.1: nobody */
    nw0__addr here = {0, 0};
    int fd = nw0__socket(SOCK_DGRAM);
    bool known = fd >= 0 && NW0__TRY(connect, connect(fd, (struct sockaddr *)&a, sizeof a)) == 0 &&
                 nw0__bound_addr(fd, &here) == 0;
    nw0__close_fd(&fd);
    return known ? here.ip : 0;
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
    memset(&net, 0, sizeof net);
    net.ip = nw0__from_sockaddr(i->ifa_addr).ip;
    net.mask = i->ifa_netmask ? nw0__from_sockaddr(i->ifa_netmask).ip : 0xFFFFFFFF;
    snprintf(net.interface_name, sizeof net.interface_name, "%s", i->ifa_name);
    if (!nw0__matches(pattern, nw0__print_ip(net.ip, text))) return count;
    int k;
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
    uint32_t route = nw0__default_ip();
    struct ifaddrs *all;
    int count = 0;
    if (NW0__TRY(getifaddrs, getifaddrs(&all)) < 0) return -1;
    for (const struct ifaddrs *i = all; i; i = i->ifa_next)
        if (nw0__has_ip(i)) count = nw0__add_network(list, count, i, pattern, route);
    freeifaddrs(all);
    return count;
}

/* Is it an address of this machine? */
static bool nw0__is_ours(uint32_t ip) {
    struct ifaddrs *all;
    bool ours = nw0__is_loopback(ip);
    if (ours || NW0__TRY(getifaddrs, getifaddrs(&all)) < 0) return ours;
    for (const struct ifaddrs *i = all; i; i = i->ifa_next)
        if (nw0__has_ip(i) && nw0__from_sockaddr(i->ifa_addr).ip == ip) ours = true;
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

static int nw0__no_address(const char *address) {
    return nw0__fail(
        EINVAL, "\"%.80s\" is not an address like 192.168.1.5:8080, 8080, 192.168.* or pi:8080",
        address);
}

/* What stands before the port: an IP, a pattern, or a name, which goes through the resolver. */
static int nw0__resolve_host(const char *host, uint32_t *ip) {
    nw0__text t = nw0__text_of(host);
    bool number = nw0__consists_of(host, "0123456789.*");
    if (nw0__parse_ip(&t, ip) && t.at == t.end)
        return nw0__is_unicast(*ip) ? 0 : nw0__no_address(host);
    if (number && strchr(host, '*')) return nw0__best_ip(host, ip);
    if (number || host[0] == '-' || !nw0__consists_of(host, NW0__LETTERS "-._"))
        return nw0__no_address(host);
    struct addrinfo hints, *found = NULL;
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    int error = getaddrinfo(host, NULL, &hints, &found);
    if (error || !found)
        return nw0__fail(EHOSTUNREACH, "no host \"%.80s\" is known (%s): is it spelled right?",
                         host, gai_strerror(error));
    *ip = nw0__from_sockaddr(found->ai_addr).ip;
    freeaddrinfo(found);
    return 0;
}

/* Any form of address. What it leaves open stays 0: an IP (any of ours), a port. */
static int nw0__resolve(const char *address, nw0__addr *addr) {
    char host[256];
    *addr = nw0__make_addr(0, 0);
    if (!address || !*address) return 0;
    const char *colon = strrchr(address, ':');
    size_t n = colon ? (size_t)(colon - address) : strlen(address);
    if (colon || nw0__consists_of(address, "0123456789")) {
        nw0__text port = nw0__text_of(colon ? colon + 1 : address);
        if (!nw0__parse_port(&port, &addr->port) || port.at != port.end)
            return nw0__no_address(address);
        if (!colon) return 0; /* "8080" */
    }
    if (n == 0 || n >= sizeof host) return nw0__no_address(address);
    memcpy(host, address, n);
    host[n] = '\0';
    return nw0__resolve_host(host, &addr->ip);
}

/* An address that must have a port. Looking up a name may take a while: without the lock. */
static int nw0__resolve_with_port(const char *address, nw0__addr *addr) {
    static struct {
        char text[NW0_ADDRESS_SIZE];
        nw0__addr addr;
    } last; /* most programs use one address again and again: 2 % of a short round trip */
    if (!address || !*address)
        return nw0__fail(
            EINVAL,
            "an address is missing: give one like 192.168.1.5:8080, such as nw0_discover finds");
    if (strcmp(address, last.text) == 0) return *addr = last.addr, 0;
    if (nw0__parse_addr(address, addr)) {
        size_t size = strlen(address) + 1;
        if (size <= sizeof last.text) memcpy(last.text, address, size), last.addr = *addr;
        return 0;
    }
    nw0__unlock();
    int result = nw0__resolve(address, addr);
    nw0__lock();
    if (nw0__library.closing) return nw0__canceled();
    if (result == 0 && addr->port == 0)
        return nw0__fail(EINVAL, "the address \"%.80s\" has no port: write it as %.80s:8080",
                         address, address);
    return result;
}

/* Whom to call at an address. A port alone is one of this machine. */
static int nw0__resolve_peer(const char *address, nw0__addr *addr) {
    if (nw0__resolve_with_port(address, addr) < 0) return -1;
    return addr->ip ? 0 : nw0__best_ip(nw0__library.allowed, &addr->ip);
}

NW0_API int nw0_address(const char *address, char canonical[NW0_ADDRESS_SIZE]) {
    nw0__addr addr;
    char allowed[sizeof nw0__library.allowed], text[NW0_ADDRESS_SIZE];
    if (nw0__enter() < 0) return -1;
    memcpy(allowed, nw0__library.allowed, sizeof allowed);
    nw0__leave();
    if (nw0__resolve(address, &addr) < 0) return -1;
    if (addr.ip == 0 && nw0__best_ip(allowed, &addr.ip) < 0) return -1;
    if (addr.port == 0) { /* whoever binds port 0 is given one that nobody uses */
        int fd = nw0__socket(SOCK_STREAM);
        bool bound = fd >= 0 && nw0__bind(fd, addr) == 0 && nw0__bound_addr(fd, &addr) == 0;
        int error = errno;
        nw0__close_fd(&fd);
        if (!bound)
            return nw0__fail(error,
                             "no port can be had at %s (%s): is it an address of this machine?",
                             nw0__print_ip(addr.ip, text), strerror(error));
    }
    if (canonical) nw0__print_addr(addr, canonical);
    return 0;
}

/* =================================================================================================
   Connections                                                                         >>connections

   One end of a TCP connection: one frame is read from it at a time, and one is written to it. What
   these have in common stands here; more about each is in the section that is named:
       caller        has connected to us, and not said yet what it wants         (answering)
       client        a caller that asks us questions                             (answering)
       subscriber    a caller that wants our news                                (publishing)
       call          our connection to a service that we ask                     (asking)
       subscription  our connection to a publisher; an interest has several      (subscribing)
   Where threads wait for the frames of many connections is an inbox: a server or an interest has
   one.

   Between the program and the socket stands nothing: whoever waits for a frame reads it from the
   kernel straight into the buffer where it is wanted, head and body with one system call (recvmsg).
   A frame may come in pieces. While nothing else happens they are put together in that buffer; when
   something else is ready first, they are moved into memory of their own, which grows with what has
   really come. What does not fit into a socket goes into memory, too, and is sent by the loop.

   Whose it is: its owner is the thread that has it, if one does. In the states MOVING, CONNECTING
   and SENDING the owner works without the lock: others only say that it is to end (ended) and shut
   the socket down, which wakes it. In every other state a connection is read, changed and freed
   with the lock, by anybody; HELD and TAKEN only keep it for the owner.

   What goes wrong: a send that takes only a part; a signal between two parts (EINTR); a peer that
   went away, which the first send after it does not notice (so we look before, with MSG_PEEK); a
   machine that went away (keepalive); a connect() to a port of this machine at which nobody
   listens, and which the system gave to the caller itself. Example: examples/data_send.c.
   ============================================================================================== */

#define NW0__SMALL 4096  /* after a frame of so few bytes the next one is read with the lock */
#define NW0__CHUNK 65536 /* items of news are small: so many bytes of them are read at a time */
#define NW0__PAGE 4096   /* of memory */
#define NW0__PIECE 32768 /* see nw0__send_piece */

#define NW0__OVER (-2)    /* two ways to fail that only this file knows: the connection is over, */
#define NW0__NOT_YET (-3) /* and nothing whole has come */

/* The frame that comes next, as far as it has come. */
typedef struct nw0__frame {
    unsigned char head[NW0__INTRODUCTION + NW0__LENGTH];
    size_t head_size; /* 12 bytes where the introduction is still to come, else 4 */
    char purpose;     /* '?' or '!': what the introduction said that came, or left; 0: none yet */
    bool was_small;   /* the last frame was */
    size_t got, size; /* bytes so far, head and body; the size of the body */
    size_t limit;     /* the longest body that may come */
    char *body;       /* the body, unless it is in the buffer of the one who waits for it */
    size_t room;      /* bytes that body can hold */
} nw0__frame;

/* The states of a connection; each role has some of them: see the pictures in answering, asking,
 * publishing and subscribing.
 *   CONNECTING  ours: being called, now or after a pause
 *   OPEN        nobody's
 *   MOVING      a thread's, which reads or writes without the lock
 *   HELD        a thread's, which has not taken what came, or waits for what is still to come
 *   TAKEN       a thread's, which has the frame; of a client, it owes an answer
 *   SENDING     somebody sends: its thread, without the lock, or the loop */
enum nw0__state { NW0__CONNECTING, NW0__OPEN, NW0__MOVING, NW0__HELD, NW0__TAKEN, NW0__SENDING };

typedef struct nw0__connection {
    nw0__watch watch;                     /* comes first: by it whoever is ready is found */
    struct nw0__connection *next, **link; /* the list in which it is */
    struct nw0__inbox *inbox;             /* where its frames are waited for; NULL: a call */
    nw0__addr to;                         /* whom we called */
    enum nw0__state state;
    const nw0__thread *owner; /* whose it is now; NULL: no thread's */
    bool ended;               /* others want it closed: its thread does that */
    double timeout, spoke_at; /* of the socket's blocking calls; when something was last sent */
    nw0__frame frame;         /* what is read */
    char *ahead;              /* bytes of later frames, which have been read already; */
    size_t ahead_size, ahead_done, ahead_room; /* how many; how many of them were taken; up to how
                                                  many are read ahead on purpose */
    char *unsent;                              /* memory for what could not be sent yet, */
    struct iovec left;                         /* and what is left of it */
    uint64_t since;                     /* a caller: how much news had left when it was accepted */
    struct nw0__subscriber *subscriber; /* what a caller wants that became one; or NULL */
    void (*gone)(struct nw0__connection *c); /* called before it is freed; may be NULL */
} nw0__connection;

/* Where somebody wants what arrives, and until when. */
typedef struct nw0__arrival {
    char *buffer;
    size_t capacity, usable; /* usable: less one for the NUL */
    double now, deadline;    /* now is looked up again only after what may have taken time */
    char *topic;             /* of news, with room for a name; or NULL */
} nw0__arrival;

static nw0__arrival nw0__arrival_for(char *topic, void *buffer, size_t capacity, double wait_s) {
    double now = nw0__now();
    size_t usable = buffer && capacity > 0 ? capacity - 1 : 0;
    if (usable > NW0_MAX_MESSAGE) usable = NW0_MAX_MESSAGE; /* what follows is for later */
    nw0__arrival a = {(char *)buffer, capacity, usable, now, nw0__after(now, wait_s), topic};
    return a;
}

static bool nw0__wants_size(const nw0__arrival *a) {
    return !a->buffer && a->capacity == 0;
}

/* How connections are closed: only those to whom nothing is still to be sent; all; or so that they
 * are forgotten, where no other thread is there (they ended, or this is a forked child). */
enum nw0__closing { NW0__WHEN_SENT, NW0__NOW, NW0__FORGET };

/* Where frames are waited for: by the threads of a server, or of an interest in news. */
typedef struct nw0__inbox {
    nw0__timer timer; /* comes first; while the loop does not run, whoever waits here looks at it */
    struct nw0__inbox *next, **link;
    nw0__set set;
    nw0__bell bell;
    nw0__watch *first, **last; /* those whose turn it is */
    nw0__connection *list;     /* its connections, those that a thread has first */
    int owned, users;          /* how many of them have an owner; threads that use it */
    bool polled, closing;      /* the program polls the set itself; nobody waits here any more */
    const struct nw0__inbox_kind *kind;
} nw0__inbox;

struct nw0__inbox_kind {
    void (*when_due)(nw0__timer *t, double now);
    int (*close)(nw0__inbox *in, enum nw0__closing how); /* closes what there is beside the list;
                                                            returns how much is left */
};

static nw0__inbox *nw0__servers, *nw0__interests; /* see listening, subscribing */
static nw0__connection *nw0__calls;               /* see asking: the one used last first */

/* ---- life and death ---- */

static void nw0__link(nw0__connection *c, nw0__connection **list) {
    c->next = *list;
    c->link = list;
    if (c->next) c->next->link = &c->next;
    *list = c;
}

static void nw0__unlink(nw0__connection *c) {
    *c->link = c->next;
    if (c->next) c->next->link = c->link;
}

/* Goes through a list of which each may be freed on the way. */
#define NW0__EACH(each, list)                                                                      \
    for (nw0__connection *each = (list), *each##_next; each && ((each##_next = each->next), true); \
         each = each##_next)

static void nw0__connection_init(nw0__connection *c, nw0__inbox *in, int fd, nw0__handler *ready) {
    c->inbox = in;
    c->state = fd < 0 ? NW0__CONNECTING : NW0__OPEN;
    c->watch.fd = fd;
    c->watch.ready = ready;
    c->frame.head_size = NW0__LENGTH;
    c->frame.limit = NW0_MAX_MESSAGE;
}

/* Changes its state, and whose it is. The end waits for what is still to be sent: so it is
 * counted. */
static void nw0__become(nw0__connection *c, enum nw0__state state, const nw0__thread *owner) {
    nw0__library.unsent += (state == NW0__SENDING) - (c->state == NW0__SENDING);
    if (c->inbox) c->inbox->owned += (owner != NULL) - (c->owner != NULL);
    c->state = state;
    c->owner = owner;
    if (state == NW0__SENDING && !owner && nw0__lost_timer.due >= NW0__NEVER)
        nw0__timer_start(&nw0__lost_timer, nw0__now() + NW0__LOOK_S);
}

/* The same: it is this thread's. */
static void nw0__become_mine(nw0__connection *c, enum nw0__state state) {
    nw0__thread *self = &nw0__this_thread;
    if (!self->registered) /* it must leave nothing behind when it ends */
        self->registered = pthread_setspecific(nw0__library.thread_key, self) == 0;
    nw0__become(c, state, self);
}

/* Does another thread work with it, without the lock? */
static bool nw0__moves(const nw0__connection *c) {
    return c->owner && c->owner != &nw0__this_thread && c->state != NW0__HELD &&
           c->state != NW0__TAKEN;
}

/* Something can be read from it: it has its turn after those who came before. */
static void nw0__inbox_push(nw0__inbox *in, nw0__watch *w) {
    if (w->queued) return;
    w->queued = true;
    w->queue = NULL;
    if (!in->first) in->last = &in->first;
    *in->last = w;
    in->last = &w->queue;
}

static void nw0__inbox_remove(nw0__inbox *in, nw0__watch *w) {
    if (!w->queued) return;
    nw0__watch **link = &in->first;
    while (*link != w) link = &(*link)->queue;
    *link = w->queue;
    if (!w->queue) in->last = link;
    w->queued = false;
}

/* Ends a conversation. If another thread works with it, that one wakes up and ends it. errno
 * stays. */
static void nw0__hang_up(nw0__connection *c) {
    int error = errno;
    if (nw0__moves(c)) {
        c->ended = true;
        if (c->watch.fd >= 0) shutdown(c->watch.fd, SHUT_RDWR);
    } else {
        nw0__become(c, NW0__OPEN, NULL);
        if (c->gone) c->gone(c);
        if (c->inbox) nw0__inbox_remove(c->inbox, &c->watch);
        nw0__unlink(c);
        nw0__watch_close(&c->watch);
        nw0__free(c->frame.body);
        nw0__free(c->ahead);
        nw0__free(c->unsent);
        nw0__free(c);
    }
    errno = error;
}

/* In a forked child, memory that a thread was just moving may be freed already: it is left. */
static void nw0__close_all(nw0__connection *list, enum nw0__closing how) {
    NW0__EACH(c, list) {
        if (how == NW0__WHEN_SENT && c->state == NW0__SENDING) continue;
        if (how == NW0__FORGET && nw0__moves(c)) c->frame.body = c->ahead = c->unsent = NULL;
        if (how == NW0__FORGET) nw0__become(c, NW0__OPEN, NULL);
        nw0__hang_up(c);
    }
}

/* ---- the socket ---- */

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
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        nw0__option(fd, options[i][0], options[i][1], options[i][2]);
}

/* Gives the socket's blocking calls so much time, but not longer than it takes to look whether the
 * other machine is still there. The same limit is not set again: most waits are as long as the
 * last. A call with a limit also ends with EINTR for every signal; one without may go on. */
static void nw0__limit_time(nw0__connection *c, double left) {
    left = nw0__min(left, NW0__LOOK_S);
    if (c->timeout > 0 && left < c->timeout + 0.001 && left > c->timeout - 0.001) return;
    c->timeout = left;
    if (left < 1e-6) left = 1e-6; /* 0 would be without limit */
    struct timeval t = {(time_t)left, (suseconds_t)((left - (double)(time_t)left) * 1e6)};
    int fd = c->watch.fd;
    (void)NW0__TRY(setsockopt, setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
    (void)NW0__TRY(setsockopt, setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t));
}

/* What is there to be read: 1: something; 0: nothing; -1: the end, after which the first send would
 * succeed all the same. */
static int nw0__peek(const nw0__connection *c) {
    char byte;
    ssize_t n = NW0__TRY(recvmsg, recv(c->watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT));
    if (n < 0 && (nw0__would_block(errno) || errno == EINTR)) return 0;
    return n > 0 ? 1 : -1;
}

/* The same, before each question or answer: since our last word the other side has spoken. If that
 * was less than 0.1 ms ago, it is surely still there; and two system calls less make a short round
 * trip 5 % shorter. */
static int nw0__peek_if_late(nw0__connection *c, double now) {
    bool late = now > c->spoke_at + 0.0001;
    c->spoke_at = now;
    return late ? nw0__peek(c) : 0;
}

/* ---- calling others ---- */

/* Begins to connect. 1: done; 0: when it is done, the socket becomes writable; -1: failed. */
static int nw0__connect_begin(nw0__connection *c) {
    struct sockaddr_in a = nw0__to_sockaddr(c->to);
    nw0__watch_close(&c->watch);
    c->watch.fd = nw0__socket(SOCK_STREAM);
    c->timeout = 0;
    if (c->watch.fd < 0) return -1;
    nw0__nonblocking(c->watch.fd, true);
    if (NW0__TRY(connect, connect(c->watch.fd, (struct sockaddr *)&a, sizeof a)) == 0) return 1;
    return errno == EINPROGRESS || errno == EINTR ? 0 : -1;
}

/* How a connect() ended. TCP lets a socket connect to itself, if it was given the very port that it
 * calls: nobody listens there. */
static int nw0__connect_end(const nw0__connection *c) {
    struct linger none = {1, 0}; /* no TIME_WAIT, which would keep the service from its port */
    int fd = c->watch.fd, error = 0;
    socklen_t size = sizeof error;
    nw0__addr here;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || nw0__bound_addr(fd, &here) < 0)
        return -1;
    if (error == 0 && here.port == c->to.port && nw0__is_ours(c->to.ip)) {
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
        error = ECONNREFUSED;
    }
    if (error) return errno = error, -1;
    nw0__nonblocking(fd, false);
    nw0__tune(fd);
    return 0;
}

/* ---- reading a frame ---- */

static size_t nw0__body_got(const nw0__connection *c) {
    return c->frame.got > c->frame.head_size ? c->frame.got - c->frame.head_size : 0;
}

static bool nw0__is_whole(const nw0__connection *c) {
    const nw0__frame *f = &c->frame;
    return f->got >= f->head_size && f->got == f->head_size + f->size;
}

/* Forgets a frame that is done with, so that the next one can come. */
static void nw0__next_frame(nw0__connection *c) {
    nw0__frame *f = &c->frame;
    nw0__free(f->body);
    f->body = NULL;
    f->was_small = f->size < NW0__SMALL - sizeof f->head;
    f->room = f->got = f->size = 0;
    f->head_size = NW0__LENGTH;
}

/* Gives the body memory of its own, or more of it: twice what has come, but not more than the frame
 * needs. */
static int nw0__grow_body(nw0__connection *c) {
    nw0__frame *f = &c->frame;
    size_t got = nw0__body_got(c), room = got * 2 < 4096 ? 4096 : got * 2;
    if (room > f->size) room = f->size;
    if (f->body && got < f->room) return 0;
    char *more = (char *)nw0__resize(f->body, room ? room : 1);
    if (!more) return errno = ENOMEM, -1;
    f->body = more;
    f->room = room;
    return 0;
}

/* Moves the body from the buffer of the one who waited into memory of its own. */
static int nw0__keep_body(nw0__connection *c, const char *buffer) {
    if (c->frame.body || c->frame.got < c->frame.head_size) return 0;
    if (nw0__grow_body(c) < 0) return -1;
    if (buffer && nw0__body_got(c) > 0) memcpy(c->frame.body, buffer, nw0__body_got(c));
    return 0;
}

/* What lies beyond the end of the frame in that buffer belongs to the next one. */
static int nw0__keep_ahead(nw0__connection *c, const char *buffer) {
    nw0__frame *f = &c->frame;
    size_t beyond = f->got - f->head_size - f->size, left = c->ahead_size - c->ahead_done;
    char *memory = (char *)nw0__resize(NULL, beyond + left);
    if (!memory) return errno = ENOMEM, -1;
    memcpy(memory, buffer + f->size, beyond);
    if (left > 0) memcpy(memory + beyond, c->ahead + c->ahead_done, left);
    nw0__free(c->ahead);
    c->ahead = memory;
    c->ahead_size = beyond + left;
    c->ahead_done = 0;
    f->got -= beyond;
    return 0;
}

static struct iovec nw0__iov(const void *bytes, size_t size) {
    struct iovec v = {(void *)bytes, size};
    return v;
}

static size_t nw0__total(const struct iovec v[2]) {
    return v[0].iov_len + v[1].iov_len;
}

/* Not more than so many bytes of both. */
static void nw0__limit_total(struct iovec v[2], size_t limit) {
    if (v[0].iov_len > limit) v[0].iov_len = limit;
    if (v[1].iov_len > limit - v[0].iov_len) v[1].iov_len = limit - v[0].iov_len;
}

static ssize_t nw0__recvmsg(int fd, struct iovec v[], int count, int flags) {
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = v;
    message.msg_iovlen = (size_t)count;
    return NW0__TRY(recvmsg, recvmsg(fd, &message, flags));
}

/* The kernel's copy of a frame mostly begins with a page; and some processors copy to 1 to 15 bytes
 * past the source, modulo a page, at a third of their speed. Memory from malloc is often such a
 * place: 64 KiB there and back took 2.5 times as long as by bare sockets elsewhere. So such a body
 * is read 32 bytes further on, and moved back: 1.3 times. */
static ssize_t nw0__recvmsg_shifted(int fd, const struct iovec v[2], int flags) {
    char beyond[32], *body = (char *)v[1].iov_base;
    size_t inside = v[1].iov_len - sizeof beyond;
    struct iovec three[3] = {v[0], nw0__iov(body + sizeof beyond, inside),
                             nw0__iov(beyond, sizeof beyond)};
    ssize_t got = nw0__recvmsg(fd, three, 3, flags);
    if (got <= (ssize_t)v[0].iov_len) return got;
    size_t n = (size_t)got - v[0].iov_len;
    memmove(body, body + sizeof beyond, n < inside ? n : inside);
    if (n > inside) memcpy(body + inside, beyond, n - inside);
    return got;
}

/* As recvmsg(), but from what came ahead, if there is such. Small frames go by way of the stack:
 * one plain recv() and a copy cost less. News is read in large pieces, of which many items are
 * taken one after the other; but what is large itself goes straight to where it is wanted. */
static ssize_t nw0__receive(nw0__connection *c, struct iovec v[2], int flags) {
    char small[NW0__SMALL], *from = c->ahead_room ? c->ahead : small;
    size_t there = c->ahead_size - c->ahead_done, taken = 0;
    if (there > 0) {
        from = c->ahead + c->ahead_done;
    } else {
        size_t all = nw0__total(v), most = c->ahead_room ? c->ahead_room / 4 : sizeof small;
        size_t past = (uintptr_t)v[1].iov_base - nw0__body_got(c) - c->frame.head_size;
        if (past % NW0__PAGE >= 1 && past % NW0__PAGE <= 15 && v[1].iov_len > NW0__SMALL)
            return nw0__recvmsg_shifted(c->watch.fd, v, flags);
        if (all > most) return nw0__recvmsg(c->watch.fd, v, 2, flags);
        size_t room = c->ahead_room ? c->ahead_room : all;
        ssize_t got = NW0__TRY(recvmsg, recv(c->watch.fd, from, room, flags));
        if (got <= 0) return got;
        there = (size_t)got;
        c->ahead_size = from == small ? 0 : there;
        c->ahead_done = 0;
    }
    for (int i = 0; i < 2; i++) {
        size_t left = there - taken, n = v[i].iov_len < left ? v[i].iov_len : left;
        if (n > 0) memcpy(v[i].iov_base, from + taken, n);
        taken += n;
    }
    if (from == small) return (ssize_t)taken;
    c->ahead_done += taken;
    if (c->ahead_done < c->ahead_size || c->ahead_room > 0) return (ssize_t)taken;
    nw0__free(c->ahead);
    c->ahead = NULL;
    c->ahead_size = c->ahead_done = 0;
    return (ssize_t)taken;
}

/* Understands the head, as far as it has come. FF is how ZeroMQ begins. */
static int nw0__check_head(nw0__frame *f) {
    size_t n = f->got < f->head_size ? f->got : f->head_size, skip = f->head_size - NW0__LENGTH;
    if ((skip == 0 || nw0__check_introduction(f->head, n, &f->purpose) >= 0) &&
        (n <= skip || nw0__check_length(f->head + skip, n - skip, &f->size) >= 0)) {
        if (skip > 0 && f->purpose == '!') f->limit = NW0_NAME_SIZE - 1; /* prefixes follow */
        if (f->size <= f->limit) return 0;
    }
    errno = f->head[0] == 0xFF ? EPROTONOSUPPORT : EPROTO;
    return -1;
}

/* One read: the missing bytes of the head, and the body, as far as they are there. A body of which
 * the size is not known yet is read into the buffer together with its head, but only its first
 * bytes if the last one was small; and not at all where the next frame follows at once. 1: as much
 * came as was asked for; 0: less, so that another try would only say so (or EAGAIN, or the time is
 * up); -1: EINTR, ENOMEM, or the end of the conversation: ECONNRESET, EPROTO ... */
static int nw0__read_once(nw0__connection *c, char *buffer, size_t usable, int flags) {
    nw0__frame *f = &c->frame;
    size_t have = nw0__body_got(c), end = f->body ? f->room : f->size;
    struct iovec v[2] = {nw0__iov(NULL, 0), nw0__iov(NULL, 0)};
    if (f->got < f->head_size) {
        size_t few = NW0__SMALL - sizeof f->head;
        v[0] = nw0__iov(f->head + f->got, f->head_size - f->got);
        end = c->ahead_room ? 0 : f->was_small && usable > few ? few : usable;
    }
    if (end > have) v[1] = nw0__iov((f->body ? f->body : buffer) + have, end - have);
    size_t all = nw0__total(v), asked = NW0_SHORT(recvmsg, all);
    if (asked < all) nw0__limit_total(v, asked);
    ssize_t n = nw0__receive(c, v, flags);
    if (n == 0) errno = ECONNRESET;
    if (n < 0 && nw0__would_block(errno)) return 0;
    if (n <= 0) return -1;
    bool knew_size = f->got >= f->head_size;
    f->got += (size_t)n;
    if (!knew_size && nw0__check_head(f) < 0) return -1;
    if (f->got > f->head_size && f->got > f->head_size + f->size && nw0__keep_ahead(c, buffer) < 0)
        return -1;
    return (size_t)n == asked;
}

/* Reads on at a frame, also without the lock, by its owner. 1: it is whole; 0: more must come; -1:
 * as above. */
static int nw0__read_frame(nw0__connection *c, char *buffer, size_t usable, int flags) {
    const nw0__frame *f = &c->frame;
    while (!nw0__is_whole(c)) {
        if (f->got >= f->head_size && (f->body || f->size > usable))
            if (nw0__keep_body(c, buffer) < 0 || nw0__grow_body(c) < 0) return -1;
        int got = nw0__read_once(c, buffer, usable, flags);
        if (got < 0 || (got == 0 && !nw0__is_whole(c))) return got;
        flags |= MSG_DONTWAIT; /* only the first read waits: the time limit is for it */
    }
    return 1;
}

/* Reads on at a frame for one who waits at an inbox, without the lock, and waits for the rest of it
 * as long as nothing else happens there: then what is in the buffer is moved out. 1: it is whole;
 * 0: not yet; -1: EINTR; NW0__OVER: errno says why. */
static int nw0__read_on(nw0__connection *c, char *buffer, size_t usable, double deadline) {
    nw0__inbox *in = c->inbox;
    int got, more = 0;
    do {
        bool quick = c->ahead_done < c->ahead_size || (c->frame.was_small && c->frame.got == 0);
        if (!quick) nw0__unlock(); /* else it takes less time than to give the lock away */
        got = nw0__read_frame(c, buffer, usable, MSG_DONTWAIT);
        if (!quick) nw0__lock();
        if (got < 0 && errno == EINTR) got = 0;
        if (got != 0 || c->frame.body || nw0__body_got(c) == 0 || in->first) break;
        nw0__watch_off(&c->watch); /* so that the set speaks for the others */
        more = nw0__set_wait_beside(&in->set, c->watch.fd, nw0__min(deadline, in->timer.due));
    } while (more > 0 && !c->ended);
    int error = errno;
    if (got < 0 || c->ended || (got == 0 && nw0__keep_body(c, buffer) < 0)) return NW0__OVER;
    if (got == 0 && more < 0) return errno = error, -1;
    return got;
}

/* Hands a whole frame over to the one who waits; or says how long it is, and keeps it. */
static ssize_t nw0__frame_copy(nw0__connection *c, const nw0__arrival *a, const char *what) {
    nw0__frame *f = &c->frame;
    if (nw0__fits(what, f->size, a->buffer, a->capacity) < 0) return -1;
    if (a->buffer && f->body) memcpy(a->buffer, f->body, f->size); /* else it is there already */
    if (a->buffer) a->buffer[f->size] = '\0';
    return (ssize_t)f->size;
}

/* ---- writing a frame ---- */

/* sendmsg(); small frames go by way of the stack: one plain send() and a copy cost less. */
static ssize_t nw0__send_some(int fd, struct iovec v[2], int flags) {
    char small[NW0__SMALL];
    if (nw0__total(v) <= sizeof small) {
        if (v[0].iov_len > 0) memcpy(small, v[0].iov_base, v[0].iov_len);
        if (v[1].iov_len > 0) memcpy(small + v[0].iov_len, v[1].iov_base, v[1].iov_len);
        return NW0__TRY(sendmsg, send(fd, small, nw0__total(v), flags));
    }
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = v;
    message.msg_iovlen = 2;
    return NW0__TRY(sendmsg, sendmsg(fd, &message, flags));
}

/* A large body that begins with a page is put by the kernel a few bytes past a page, behind its
 * head: the copy that some processors make at a third of their speed. There two fast copies, by way
 * of other memory, take half the time; elsewhere they only cost. So each thread tries both ways on
 * its first pieces, and stays with the faster one. */
static ssize_t nw0__send_piece(int fd, struct iovec v[2], int flags) {
    nw0__thread *self = &nw0__this_thread;
    bool trial = self->trials < 16,
         detour = trial ? self->trials % 2 : self->best[1] < 0.9 * self->best[0];
    if (!trial && !detour) return nw0__send_some(fd, v, flags);
    if (v[1].iov_len > NW0__PIECE) v[1].iov_len = NW0__PIECE;
    double began = trial ? nw0__now() : 0;
    char *other = detour ? (char *)nw0__resize(NULL, v[1].iov_len) : NULL;
    if (other) v[1].iov_base = memcpy(other, v[1].iov_base, v[1].iov_len);
    ssize_t n = nw0__send_some(fd, v, flags);
    nw0__free(other);
    if (!trial || n < NW0__PIECE) return n;
    double took = nw0__now() - began;
    if (self->trials < 2 || took < self->best[detour]) self->best[detour] = took;
    self->trials++;
    return n;
}

/* Sends head and body, also without the lock, by the owner. 0: all has left. -1, EINTR: a signal,
 * or the socket's time limit, came before the end; EAGAIN: nothing more fits now. A call that takes
 * only a part does not say why: the next one, which does not wait, does. */
static int nw0__send_all(int fd, struct iovec v[2], int flags) {
    bool cut = false;
    while (nw0__total(v) > 0) {
        struct iovec some[2] = {v[0], v[1]};
        size_t asked = NW0_SHORT(sendmsg, nw0__total(some));
        nw0__limit_total(some, asked);
        bool paged =
            some[1].iov_len > NW0__PIECE / 2 && ((uintptr_t)some[1].iov_base + 11) % NW0__PAGE < 15;
        ssize_t n = paged ? nw0__send_piece(fd, some, flags | NW0__NOSIGNAL)
                          : nw0__send_some(fd, some, flags | NW0__NOSIGNAL);
        asked = nw0__total(some);
        if (n < 0 && cut && nw0__would_block(errno)) errno = EINTR;
        if (n < 0) return -1;
        size_t left = (size_t)n;
        for (int i = 0; i < 2; i++) { /* what has left is cut off at the front */
            size_t cut_off = left < v[i].iov_len ? left : v[i].iov_len;
            v[i] = nw0__iov((char *)v[i].iov_base + cut_off, v[i].iov_len - cut_off);
            left -= cut_off;
        }
        if ((size_t)n == asked || (flags & MSG_DONTWAIT)) continue;
        cut = true;
        flags |= MSG_DONTWAIT;
    }
    return 0;
}

/* What was not sent goes into memory of its own. */
static int nw0__keep_unsent(nw0__connection *c, const struct iovec v[2]) {
    c->unsent = (char *)nw0__resize(NULL, nw0__total(v));
    if (!c->unsent) return errno = ENOMEM, -1;
    if (v[0].iov_len > 0) memcpy(c->unsent, v[0].iov_base, v[0].iov_len);
    if (v[1].iov_len > 0) memcpy(c->unsent + v[0].iov_len, v[1].iov_base, v[1].iov_len);
    c->left = nw0__iov(c->unsent, nw0__total(v));
    return 0;
}

/* So much of it is left now. */
static void nw0__unsent_left(nw0__connection *c, struct iovec left) {
    c->left = left;
    if (left.iov_len > 0) return;
    nw0__free(c->unsent);
    c->unsent = NULL;
}

/* Sends what could not be sent before; 0: all has left. */
static int nw0__send_unsent(nw0__connection *c) {
    struct iovec v[2] = {c->left, nw0__iov(NULL, 0)};
    int result = nw0__send_all(c->watch.fd, v, MSG_DONTWAIT);
    nw0__unsent_left(c, v[0]);
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

/* ---- inboxes ---- */

static int nw0__inbox_open(nw0__inbox *in, const struct nw0__inbox_kind *kind) {
    in->kind = kind;
    in->timer.due = NW0__NEVER;
    in->timer.when_due = kind->when_due;
    in->bell.heard.fd = in->bell.rope = -1;
    if (nw0__set_open(&in->set) < 0 || nw0__bell_open(&in->bell) < 0) return -1;
    return nw0__watch_on(&in->bell.heard, &in->set, POLLIN);
}

/* Enters it into a list, and the loop: from now on it is looked after. */
static void nw0__inbox_enter(nw0__inbox *in, nw0__inbox **list) {
    in->next = *list;
    in->link = list;
    if (in->next) in->next->link = &in->next;
    *list = in;
    nw0__timer_add(&in->timer);
}

/* The connection that this thread has in that state; NULL: none. */
static nw0__connection *nw0__inbox_mine(const nw0__inbox *in, enum nw0__state state) {
    int left = in->owned;
    for (nw0__connection *c = in->list; c && left > 0; c = c->next) {
        if (c->owner == &nw0__this_thread && c->state == state) return c;
        left -= c->owner != NULL;
    }
    return NULL;
}

/* Rings the bell for what no descriptor shows: bytes that were read already, a frame that this
 * thread holds, or, while the loop does not run, a timer. It wakes other threads that wait, and
 * programs that poll the set. */
static void nw0__inbox_show(nw0__inbox *in) {
    bool due = in->timer.due < NW0__NEVER && !nw0__loop.running;
    if ((in->polled || in->users > 0) && !in->closing &&
        (in->first || due || nw0__inbox_mine(in, NW0__HELD)))
        nw0__bell_ring(&in->bell);
}

/* The next frame: whoever is ready has its turn, then more is waited for. -1: EINTR, ECANCELED;
 * NW0__NOT_YET: nothing came in time. nw0__inbox_unuse ends it, when its result has been used. */
static ssize_t nw0__inbox_next(nw0__inbox *in, const nw0__arrival *a,
                               ssize_t (*read)(nw0__connection *c, const nw0__arrival *a)) {
    in->users++;
    nw0__bell_silence(&in->bell);
    nw0__connection *c = nw0__inbox_mine(in, NW0__HELD);
    ssize_t size = c ? read(c, a) : NW0__NOT_YET;
    for (int late = 0; size == NW0__NOT_YET;) {
        while (size == NW0__NOT_YET && in->first && !in->closing) {
            c = (nw0__connection *)in->first;
            nw0__inbox_remove(in, &c->watch);
            if (c->state == NW0__OPEN) size = read(c, a);
        }
        if (size != NW0__NOT_YET) break;
        int n = nw0__set_turn(&in->set, nw0__min(a->deadline, in->timer.due)), error = errno;
        if (in->closing) return nw0__canceled();
        if (n < 0) return nw0__interrupted(error);
        if (in->timer.due < NW0__NEVER && in->timer.due <= nw0__now())
            in->timer.when_due(&in->timer, nw0__now());
        if ((!in->first || ++late > 100) && nw0__now() >= a->deadline)
            break; /* a wait of 0 s takes what is there, but not for ever while more comes */
    }
    return size;
}

/* Hands over a whole frame, or its size; until it is taken it is this thread's alone, and at the
 * front of the list, where its answer looks for it. */
static ssize_t nw0__deliver(nw0__connection *c, const nw0__arrival *a, const char *what) {
    ssize_t size = nw0__frame_copy(c, a, what);
    nw0__become_mine(c, size < 0 || nw0__wants_size(a) ? NW0__HELD : NW0__TAKEN);
    nw0__unlink(c);
    nw0__link(c, &c->inbox->list);
    return size;
}

/* The descriptor for a program that has a loop of its own. */
static int nw0__inbox_fd(nw0__inbox *in) {
#ifdef NW0__EPOLL
    if (nw0__start_thread() < 0) return -1; /* it does what is due while nobody calls */
    in->polled = true;
    nw0__bell_silence(&in->bell);
    nw0__inbox_show(in);
    return in->set.fd;
#else
    (void)in;
    return nw0__fail(ENOTSUP, "this system has no epoll: give the waits a short time instead");
#endif
}

/* ---- the end of an inbox ----
 *
 * It ends in steps. shut: nobody waits here any more, what was said is still sent. close: its
 * connections go. free_if_done: when no thread uses it and all has left, discard: out of the lists,
 * closed, freed. */

static int nw0__inbox_close(nw0__inbox *in, enum nw0__closing how) {
    nw0__close_all(in->list, how);
    return in->kind->close(in, how) + (in->list != NULL);
}

static void nw0__inbox_free(nw0__inbox *in) {
    nw0__set_close(&in->set);
    nw0__bell_close(&in->bell);
    nw0__free(in);
}

/* In a forked child the set is the parent's, too, from which nothing may be taken: it goes
 * first. */
static void nw0__inbox_discard(nw0__inbox *in) {
    nw0__timer_remove(&in->timer);
    nw0__set_close(&in->set);
    nw0__inbox_close(in, NW0__FORGET);
    *in->link = in->next;
    if (in->next) in->next->link = in->link;
    nw0__inbox_free(in);
}

/* Frees one that was shut, as soon as no thread is there and what was said has left. */
static void nw0__inbox_free_if_done(nw0__inbox *in) {
    if (!in->closing || in->users > 0 || nw0__library.closing) return;
    if (nw0__inbox_close(in, NW0__WHEN_SENT) == 0) nw0__inbox_discard(in);
}

/* Wakes all who wait, so that they leave: from now on nothing silences the bell. */
static void nw0__inbox_shut(nw0__inbox *in) {
    in->closing = true;
    in->bell.heard.ready = NULL;
    nw0__bell_ring(&in->bell);
    nw0__inbox_close(in, NW0__WHEN_SENT);
}

static void nw0__inbox_unuse(nw0__inbox *in) {
    in->users--;
    nw0__inbox_show(in);
    nw0__inbox_free_if_done(in);
}

/* ---- the end of a thread, and of everything ---- */

/* Nobody will answer the questions that a thread took, or fetch the answers to its own; but what it
 * was only told the size of is for the others. */
static void nw0__let_go(nw0__connection *list, const nw0__thread *thread) {
    NW0__EACH(c, list) {
        if (c->owner != thread) continue;
        if (!c->inbox || c->state == NW0__TAKEN) {
            nw0__hang_up(c);
            continue;
        }
        nw0__become(c, NW0__OPEN, NULL);
        nw0__inbox_push(c->inbox, &c->watch);
        nw0__inbox_show(c->inbox);
    }
}

/* A thread ends. Its other destructors may call the library again: then this is called again. */
static void nw0__thread_ends(void *self) {
    nw0__thread *thread = (nw0__thread *)self;
    nw0__lock();
    thread->registered = false;
    for (nw0__inbox *in = nw0__servers; in; in = in->next) nw0__let_go(in->list, thread);
    for (nw0__inbox *in = nw0__interests; in; in = in->next) nw0__let_go(in->list, thread);
    nw0__let_go(nw0__calls, thread);
    nw0__unlock();
}

/* =================================================================================================
   Listening                                                                             >>listening

   A service is reached at a port, and that port must be ours before its address is told to others:
   socket(), bind(), listen(). From then on the kernel accepts whoever calls and keeps what they
   send, until somebody here waits for it. What goes wrong: a port that another program has
   (EADDRINUSE), an address that no interface of ours has (EADDRNOTAVAIL), and no descriptor left
   for accept(): the caller stays in the queue of the kernel, which would tell of it again at once
   and for ever, so the server does not listen for a moment.

       LISTENING --no descriptors--> DEAF --after 0.1 s--> LISTENING
       both --nw0_close--> CLOSED  (freed when all threads are out and all that was said has left,
                                    or 60 s are over)

   Example: examples/hello_server.c, whose port is open as soon as it is advertised.
   ============================================================================================== */

#define NW0__LINGER_S 60.0 /* how long a closed server waits for one who does not read */

enum nw0__server_state { NW0__LISTENING, NW0__DEAF, NW0__CLOSED };

/* A listening socket, and who called there. */
typedef struct nw0__server {
    nw0__inbox inbox;  /* comes first; in its list are clients, who ask questions */
    nw0__addr addr;    /* ip 0: on every network */
    uint32_t known_ip; /* an ip of this machine by which it was called before */
    enum nw0__server_state state;
    double until; /* DEAF: when to listen again; CLOSED: when to give up who does not read */
    nw0__watch listener;
    nw0__connection *callers; /* they have not said yet what they want */
    /* see publishing; published is here, because a caller notes it before it says what it wants */
    struct nw0__publisher *publisher;   /* NULL: no news is published here */
    const struct nw0__news_hooks *news; /* what is done for that */
    uint64_t published;                 /* how many bytes of news have left */
} nw0__server;

/* by pointers: a program without news need not contain publishing */
struct nw0__news_hooks {
    void (*welcome)(nw0__connection *caller); /* one who wants news has said so */
    void (*when_due)(nw0__server *s, double now);
    int (*close)(nw0__server *s, enum nw0__closing how); /* as that of an inbox */
};

static nw0__server *nw0__server_of(const nw0__connection *c) {
    return (nw0__server *)c->inbox;
}

/* The set of those who wait for messages tells of callers; where news is published, the loop's, for
 * a subscriber may call while the program is busy with something else. */
static int nw0__server_hear(nw0__server *s) {
    nw0__set *set = s->publisher ? &nw0__loop.set : &s->inbox.set;
    if (nw0__watch_on(&s->listener, set, POLLIN) < 0) return -1;
    s->state = NW0__LISTENING;
    return 0;
}

static void nw0__server_go_deaf(nw0__server *s) {
    nw0__debug("nobody can be accepted at port %u (%s): trying again in 0.1 s",
               (unsigned)s->addr.port, strerror(errno));
    nw0__watch_off(&s->listener);
    s->state = NW0__DEAF;
    s->until = nw0__now() + 0.1;
    nw0__timer_start(&s->inbox.timer, s->until);
}

static void nw0__server_hear_again(nw0__server *s) {
    int error = errno;
    if (nw0__server_hear(s) < 0) nw0__server_go_deaf(s);
    errno = error;
}

static void nw0__server_when_due(nw0__timer *t, double now) {
    nw0__server *s = (nw0__server *)t;
    t->due = s->state == NW0__LISTENING || s->until <= now ? NW0__NEVER : s->until;
    if (s->publisher) s->news->when_due(s, now);
    if (s->until > now) return;
    if (s->state == NW0__DEAF) nw0__server_hear_again(s);
    if (s->state != NW0__CLOSED) return;
    nw0__inbox_close(&s->inbox, NW0__NOW);
    nw0__inbox_free_if_done(&s->inbox);
}

static int nw0__server_close(nw0__inbox *in, enum nw0__closing how) {
    nw0__server *s = (nw0__server *)in;
    int left = s->publisher ? s->news->close(s, how) : 0;
    nw0__watch_close(&s->listener);
    nw0__close_all(s->callers, how);
    if (s->state != NW0__CLOSED) s->until = nw0__now() + NW0__LINGER_S;
    s->state = NW0__CLOSED;
    left += s->callers != NULL;
    if (how == NW0__WHEN_SENT && (left > 0 || in->list)) nw0__timer_start(&in->timer, s->until);
    return left;
}

/* The next server at a port, after that one (NULL: the first), whatever its IP. NULL: no more. */
static nw0__server *nw0__server_at_port(uint16_t port, const nw0__server *after) {
    nw0__inbox *in = after ? after->inbox.next : nw0__servers;
    while (in && (in->closing || ((nw0__server *)in)->addr.port != port)) in = in->next;
    return (nw0__server *)in;
}

/* The server that a caller of this address would reach; NULL: none of ours. */
static nw0__server *nw0__server_at(nw0__addr addr) {
    nw0__server *s = NULL;
    while ((s = nw0__server_at_port(addr.port, s)) != NULL) {
        if (s->addr.ip == addr.ip) return s;
        if (s->addr.ip == 0 && (s->known_ip == addr.ip || nw0__is_ours(addr.ip))) {
            s->known_ip = addr.ip; /* if this machine loses it, its owner goes on using it */
            return s;
        }
    }
    return NULL;
}

static const struct nw0__inbox_kind nw0__server_kind = {nw0__server_when_due, nw0__server_close};

static nw0__server *nw0__server_open(nw0__addr addr) {
    nw0__server *s = (nw0__server *)nw0__zeroed(sizeof *s);
    if (!s) return errno = ENOMEM, s;
    int opened = nw0__inbox_open(&s->inbox, &nw0__server_kind),
        fd = opened < 0 ? -1 : nw0__socket(SOCK_STREAM);
    s->listener.fd = fd;
    if (fd >= 0) nw0__option(fd, SOL_SOCKET, SO_REUSEADDR, 1), nw0__nonblocking(fd, true);
    if (fd < 0 || nw0__bind(fd, addr) < 0 || NW0__TRY(listen, listen(fd, SOMAXCONN)) < 0 ||
        nw0__bound_addr(fd, &s->addr) < 0 || nw0__server_hear(s) < 0) {
        nw0__watch_close(&s->listener);
        return nw0__inbox_free(&s->inbox), (nw0__server *)NULL;
    }
    nw0__inbox_enter(&s->inbox, &nw0__servers);
    return s;
}

/* A server at an address of ours; with port 0 at a free one. NULL, and the sentence says why. */
static nw0__server *nw0__listen(nw0__addr addr) {
    char text[NW0_ADDRESS_SIZE];
    nw0__server *s = nw0__server_open(addr);
    int error = errno;
    if (s) return s;
    nw0__fail(error, "cannot listen at %s (%s): %s", nw0__print_addr(addr, text), strerror(error),
              error == EADDRINUSE
                  ? "this program or another listens at that port: close that, or take another"
              : error == EADDRNOTAVAIL
                  ? "it is not an address of this machine; see \"ip addr\" for those that are"
                  : "see errno(3)");
    return NULL;
}

/* =================================================================================================
   Discovery                                                                             >>discovery

   Programs find each other by name, and there is no server that could keep a list: so every program
   keeps its own, the table, which the field would call a cache. Whoever has a service shouts its
   name every two seconds (an advert, by UDP broadcast), and everybody listens. Who cannot wait
   shouts a query, and has the response in a millisecond. The problem is not to hear of a service,
   but to know when it is gone (failure detection): a goodbye may be lost, and a machine whose cable
   was pulled says none. So whoever has not been heard for a little more than two seconds is sent
   queries, several, straight to where it speaks from (unicast), and is forgotten if nothing comes
   back.

   The sockets: one ear, bound to the discovery port of all networks, which all programs of a
   machine share (SO_REUSEADDR: each gets a copy of every broadcast). And one mouth for each
   network, bound to this machine's address there and a port of its own, with SO_BROADCAST: what is
   sent from it leaves by that network, and what is sent to it comes to this program and no other.
   sendto() and recvfrom() do the rest, and never wait: the loop's set tells when something has
   come.

   A service that somebody advertises is a record of the table:

       ALIVE --silent for 1.05 intervals--> QUERIED --no response to 8 queries--> forgotten
       ALIVE --silent for its ttl, if it responds to no queries (NetworkZero)--> forgotten
       ALIVE --nw0_advertise_ex wants the name--> QUERIED
       ALIVE or QUERIED --a second program claims the name, for another address--> RIVALLED
       RIVALLED --no response to 6 queries--> ALIVE: the rival is the holder now
       RIVALLED --the rival says goodbye--> QUERIED
       QUERIED or RIVALLED --the holder is heard--> ALIVE
       all --the holder says goodbye--> forgotten

   A name of this program's own:

       DUE --the loop announces it--> ANNOUNCED --the next round--> DUE
       both --nw0_unadvertise, nw0_shutdown--> gone, with a goodbye

   What goes wrong: a network that is down (an error of sendto(), and nothing to worry about);
   interfaces that come, go and change their address (getifaddrs() tells, each round); a broadcast
   address that the system reports wrongly (it is computed here); another program that has the port
   and does not share it (we send queries, and hear the responses); two programs that claim one name
   (the first keeps it while it lives); and whoever forges datagrams, to fill the table or to have
   us flood a third. Examples: examples/chat_who.c, examples/cluster_master.c.
   ============================================================================================== */

#define NW0__QUERIERS 32      /* who are being told everything, at most */
#define NW0__BATCH 16         /* adverts that are sent before others have their turn */
#define NW0__SILENT_QUERIES 8 /* at 5 % loss, all fail once in a hundred million times */
#define NW0__RIVAL_QUERIES 6
#define NW0__RIVAL_PAUSE_S 0.15
#define NW0__RESPONSES_PER_S 1000

/* ALIVE: heard lately; QUERIED: silent, its holder is sent queries; RIVALLED: a second program
 * claims the name, its holder is sent queries. */
enum nw0__record_state { NW0__RECORD_ALIVE, NW0__RECORD_QUERIED, NW0__RECORD_RIVALLED };

enum nw0__own_state { NW0__OWN_DUE, NW0__OWN_ANNOUNCED };

/* That somebody has a name. */
typedef struct nw0__claim {
    nw0__addr addr;  /* of the service */
    nw0__addr mouth; /* the address of the mouth that said so; port 0: this program */
    double ttl, heard;
} nw0__claim;

/* A service that somebody advertises. */
typedef struct nw0__record {
    char name[NW0_NAME_SIZE];
    enum nw0__record_state state;
    nw0__claim holder;
    nw0__claim rival; /* RIVALLED: the second one */
    int queries;      /* how many the holder has left without a response */
    double due;       /* when to send it one, or to forget it */
} nw0__record;

/* A service of this program. */
typedef struct nw0__own {
    char name[NW0_NAME_SIZE];
    enum nw0__own_state state;
    nw0__addr addr; /* ip 0: each network's own */
    double ttl;
    bool listens; /* the port was chosen, and opened, here */
} nw0__own;

/* Somebody who sent a query for everything. */
typedef struct nw0__querier {
    nw0__addr addr;
    const nw0__network *via; /* the network to respond by */
    int next;                /* the own service to go on with */
    double due;
} nw0__querier;

static struct nw0__discovery {
    bool running;
    nw0__watch ear, mouths[NW0__MAX_NETWORKS]; /* fd -1: not open; they stay where they are, */
    int ear_error;                             /* the errno with which it could not be opened */
    nw0__network networks[NW0__MAX_NETWORKS];  /* while this list is sorted anew each round */
    int network_count;
    nw0__record table[NW0_MAX_SERVICES]; /* sorted by name */
    int count;
    nw0__own own[NW0_MAX_SERVICES];
    int own_count;
    nw0__querier queriers[NW0__QUERIERS];
    int querier_count;
    double round;                  /* when the next one begins */
    double first_look, last_query; /* when; 0: not yet */
    double allowance, refilled;    /* how many responses may still be sent, as of when */
    unsigned long dropped;         /* datagrams that were no adverts */
    uint32_t random;
} nw0__discovery;

/* ---- the table ---- */

/* Where a name is in the table, or where it would have to be. */
static nw0__record *nw0__slot_for(const char *name) {
    int low = 0, high = nw0__discovery.count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (strcmp(nw0__discovery.table[middle].name, name) < 0) low = middle + 1;
        else high = middle;
    }
    return &nw0__discovery.table[low];
}

/* NULL: it is not known. The record stays there until the table changes or the lock is let go. */
static nw0__record *nw0__record_find(const char *name) {
    nw0__record *r = nw0__slot_for(name), *end = nw0__discovery.table + nw0__discovery.count;
    return r < end && strcmp(r->name, name) == 0 ? r : NULL;
}

static bool nw0__is_self(nw0__addr mouth) {
    return mouth.port == 0;
}

/* NetworkZero programs, which speak from the port that they listen at, respond to no queries. */
static bool nw0__responds(nw0__addr mouth) {
    return mouth.port != nw0__library.port;
}

static void nw0__record_forget(nw0__record *r, const char *why) {
    struct nw0__discovery *d = &nw0__discovery;
    nw0__debug("left: \"%s\": %s", r->name, why);
    memmove(r, r + 1, (size_t)(d->table + --d->count - r) * sizeof *r);
    nw0__wake_waiters();
}

/* The holder of a name has spoken, or somebody takes its place. A holder that falls silent is sent
 * a query after 1.05 intervals, 1.15, 1.25 ... and forgotten after 1.85: at two seconds each, that
 * is 3.7 after its last word, and 2.7 on average after its end. */
static void nw0__record_refresh(nw0__record *r, const nw0__claim *claim) {
    nw0__claim *holder = &r->holder;
    char from[NW0_ADDRESS_SIZE], to[NW0_ADDRESS_SIZE];
    bool moved = !nw0__same_addr(holder->addr, claim->addr);
    if (moved)
        nw0__debug("moved: \"%s\" from %s to %s", r->name, nw0__print_addr(holder->addr, from),
                   nw0__print_addr(claim->addr, to));
    /* one may wait for the response to a query */
    if (moved || r->state != NW0__RECORD_ALIVE) nw0__wake_waiters();
    *holder = *claim;
    r->state = NW0__RECORD_ALIVE;
    r->queries = 0;
    r->due = holder->heard;
    if (nw0__is_self(holder->mouth)) r->due = NW0__NEVER;
    else r->due += nw0__responds(holder->mouth) ? 1.05 * NW0_ADVERT_INTERVAL_S : holder->ttl;
}

/* Half of the table is the most that one sender gets, so that it cannot keep the others out. */
static bool nw0__table_has_room(nw0__addr mouth) {
    const struct nw0__discovery *d = &nw0__discovery;
    if (nw0__is_self(mouth)) return d->count < NW0_MAX_SERVICES;
    int same = 0;
    for (int i = 0; i < d->count; i++) same += d->table[i].holder.mouth.ip == mouth.ip;
    return same < (NW0_MAX_SERVICES + 1) / 2 &&
           d->count < NW0_MAX_SERVICES - NW0_MAX_SERVICES / 32; /* the rest is for our own */
}

static void nw0__record_add(const char *name, const nw0__claim *claim) {
    struct nw0__discovery *d = &nw0__discovery;
    nw0__record *r = nw0__slot_for(name);
    char text[NW0_ADDRESS_SIZE];
    if (!nw0__table_has_room(claim->mouth)) {
        nw0__debug("dropped: \"%s\": the table is full, or its sender has filled half of it", name);
        return;
    }
    memmove(r + 1, r, (size_t)(d->table + d->count++ - r) * sizeof *r);
    memset(r, 0, sizeof *r);
    memcpy(r->name, name, strlen(name));
    r->holder.addr = claim->addr; /* it has not moved */
    nw0__record_refresh(r, claim);
    nw0__debug("joined: \"%s\" at %s", name, nw0__print_addr(claim->addr, text));
    nw0__wake_waiters();
}

/* ---- speaking ---- */

/* Our network where ip is, if it has a mouth; NULL: none. An address of ours is on its own. */
static const nw0__network *nw0__network_of(uint32_t ip) {
    const nw0__network *net = nw0__discovery.networks, *end = net + nw0__discovery.network_count;
    const nw0__network *found = NULL;
    for (; net < end; net++) {
        if (!net->mouth) continue;
        if (net->ip == ip) return net;
        if (!found && nw0__reaches(net, ip)) found = net;
    }
    return found;
}

static bool nw0__is_local(uint32_t ip) {
    const nw0__network *net = nw0__network_of(ip);
    return net && (nw0__is_loopback(ip) || net->ip == ip);
}

/* That a network is down, has no route or no room is normal: the next round is in two seconds. */
static void nw0__send_datagram(int fd, nw0__addr to, const char *text) {
    struct sockaddr_in a = nw0__to_sockaddr(to);
    char where[NW0_ADDRESS_SIZE];
    size_t n = strlen(text);
    int flags = MSG_DONTWAIT | NW0__NOSIGNAL;
    nw0__print_addr(to, where);
    if (NW0__TRY(sendto, sendto(fd, text, n, flags, (struct sockaddr *)&a, sizeof a)) < 0)
        nw0__debug("not sent to %s (%s): %s", where, strerror(errno), text);
    else nw0__debug("sent to %s: %s", where, text);
}

static const nw0__addr nw0__everybody = {0, 0};

/* Says something to one address, or to everybody on a network: to 255.255.255.255, which goes no
 * further than the cable, and to the network's own broadcast address, which some access points pass
 * on better. A network of two machines (/31) has none of its own. */
static void nw0__say(const nw0__network *net, nw0__addr to, const char *name, nw0__addr addr,
                     double ttl) {
    uint16_t port = nw0__library.port;
    char text[NW0__DATAGRAM + 1];
    if (!net->mouth || nw0__write_advert(name, addr, ttl, text) == 0) return;
    int fd = net->mouth->fd;
    if (to.port) {
        nw0__send_datagram(fd, to, text);
    } else if (nw0__is_loopback(net->ip)) { /* 127.255.255.255 */
        nw0__send_datagram(fd, nw0__make_addr(0x7FFFFFFF, port), text);
    } else {
        nw0__send_datagram(fd, nw0__make_addr(0xFFFFFFFF, port), text);
        if (~net->mask > 1)
            nw0__send_datagram(fd, nw0__make_addr(net->ip | ~net->mask, port), text);
    }
}

/* The address of a service of ours as programs on this machine see it. */
static nw0__addr nw0__seen_here(nw0__addr addr) {
    const struct nw0__discovery *d = &nw0__discovery;
    if (addr.ip == 0) addr.ip = d->network_count > 0 ? d->networks[0].ip : NW0__LOCALHOST;
    return addr;
}

/* The advert of a service of ours, or with ttl 0 its goodbye, if those who hear it can use it.
 * Programs on this machine are told the same by every way: what they hear on 127.0.0.1, if
 * NW0_NETWORK lets us speak there. */
static void nw0__own_tell(const nw0__own *own, const nw0__network *net, nw0__addr to, double ttl) {
    nw0__addr addr = own->addr;
    bool here = nw0__is_local(to.ip) && nw0__network_of(NW0__LOCALHOST);
    if (nw0__is_loopback(net->ip) || here) addr = nw0__seen_here(addr);
    else if (addr.ip == 0) addr.ip = net->ip;
    else if (!nw0__reaches(net, addr.ip)) return;
    nw0__say(net, to, own->name, addr, ttl);
}

static void nw0__own_announce(const nw0__own *own, double ttl) {
    for (int i = nw0__discovery.network_count - 1; i >= 0; i--) /* this machine first: it is last */
        nw0__own_tell(own, &nw0__discovery.networks[i], nw0__everybody, ttl);
}

/* Sends a query for a name ("": everything). */
static void nw0__query_from(const nw0__network *net, nw0__addr to, const char *name) {
    char query[NW0_NAME_SIZE + 1] = "?";
    memcpy(query + 1, name, strlen(name) + 1);
    nw0__say(net, to, query, nw0__make_addr(net->ip, net->port), 0);
}

static void nw0__query(const char *name) {
    nw0__discovery.last_query = nw0__now();
    for (int i = 0; i < nw0__discovery.network_count; i++)
        nw0__query_from(&nw0__discovery.networks[i], nw0__everybody, name);
}

/* ---- responding ---- */

/* A token bucket: it holds 500 and gains 500 a second, so that no second has more than a
 * thousand. */
static bool nw0__may_respond(double now) {
    struct nw0__discovery *d = &nw0__discovery;
    d->allowance = nw0__min(d->allowance + (now - d->refilled) * NW0__RESPONSES_PER_S / 2,
                            NW0__RESPONSES_PER_S / 2);
    d->refilled = now;
    if (d->allowance < 1) return false;
    d->allowance -= 1;
    return true;
}

static nw0__own *nw0__own_find(const char *name) {
    for (int i = 0; i < nw0__discovery.own_count; i++)
        if (strcmp(nw0__discovery.own[i].name, name) == 0) return &nw0__discovery.own[i];
    return NULL;
}

/* Is a service of ours advertised at this port for every network? */
static bool nw0__advertised_everywhere(uint16_t port) {
    for (int i = 0; i < nw0__discovery.own_count; i++) {
        nw0__addr addr = nw0__discovery.own[i].addr;
        if (addr.port == port && addr.ip == 0) return true;
    }
    return false;
}

/* Who sends everybody a query would get all responses at the same moment, and lose some: so each
 * program waits for a random while, at most 80 ms. */
static void nw0__querier_add(nw0__addr addr, const nw0__network *via) {
    struct nw0__discovery *d = &nw0__discovery;
    if (d->own_count == 0 || d->querier_count == NW0__QUERIERS) return;
    for (int i = 0; i < d->querier_count; i++)
        if (nw0__same_addr(d->queriers[i].addr, addr)) return; /* it came by another way already */
    d->random = d->random * 1664525u + 1013904223u;
    nw0__querier *q = &d->queriers[d->querier_count++];
    q->addr = addr;
    q->via = via;
    q->next = 0;
    q->due = nw0__now() + 0.08 * (d->random >> 16) / 65536;
}

/* A few adverts to each who wants all of them and whose time has come. Returns when there is more
 * to do. */
static double nw0__queriers_respond(double now) {
    struct nw0__discovery *d = &nw0__discovery;
    double next = NW0__NEVER;
    for (int i = d->querier_count - 1; i >= 0; i--) {
        nw0__querier *q = &d->queriers[i];
        if (q->due <= now) {
            for (int k = 0; k < NW0__BATCH && q->next < d->own_count && nw0__may_respond(now);
                 k++) {
                const nw0__own *own = &d->own[q->next++];
                nw0__own_tell(own, q->via, q->addr, own->ttl);
            }
            q->due = now + 0.002; /* its socket holds a few hundred: let it read */
        }
        if (q->next >= d->own_count) *q = d->queriers[--d->querier_count];
        else next = nw0__min(next, q->due);
    }
    return next;
}

/* A query that was shouted is for the holder of the name; one that came straight to our mouth is
 * about ourselves. */
static void nw0__respond(const char *name, nw0__addr to, const nw0__network *via, bool shouted) {
    const nw0__own *own = nw0__own_find(name);
    const nw0__record *r = nw0__record_find(name);
    if (!*name) nw0__querier_add(to, via);
    else if (!own || (shouted && r && !nw0__is_self(r->holder.mouth))) return;
    else if (nw0__may_respond(nw0__now())) nw0__own_tell(own, via, to, own->ttl);
    else nw0__debug("dropped: a query for \"%s\": a thousand answers a second are enough", name);
}

/* ---- hearing ---- */

/* A program on this machine speaks on every network that it is on, and by each says another
 * address. What it says on 127.0.0.1 is meant for us. */
static bool nw0__is_for_others(nw0__addr mouth) {
    return !nw0__is_loopback(mouth.ip) && nw0__is_local(mouth.ip);
}

/* Somebody says that a service is at an address, or with ttl 0 that it is no more. */
static void nw0__hear_claim(const char *name, nw0__addr addr, nw0__addr mouth, double ttl) {
    const nw0__claim claim = {addr, mouth, ttl, nw0__now()};
    nw0__record *r = nw0__record_find(name);
    const nw0__claim *holder = r ? &r->holder : NULL;
    if (!r && ttl > 0) nw0__record_add(name, &claim);
    else if (!r) return;
    else if (nw0__same_addr(holder->mouth, mouth)) {
        if (ttl > 0) nw0__record_refresh(r, &claim);
        else nw0__record_forget(r, "it said goodbye");
    } else if (!(ttl > 0)) {
        if (r->state == NW0__RECORD_RIVALLED && nw0__same_addr(r->rival.mouth, mouth))
            r->state = NW0__RECORD_QUERIED;
    } else if (nw0__is_self(holder->mouth)) {
        return; /* the name is ours, and we live */
    } else if (nw0__is_for_others(mouth) && nw0__is_loopback(holder->mouth.ip)) {
        return;
    } else if (nw0__same_addr(holder->addr, addr) || /* it was started again; */
               (nw0__is_for_others(holder->mouth) && nw0__is_loopback(mouth.ip) &&
                holder->addr.port == addr.port)) { /* it is heard by a better way */
        nw0__record_refresh(r, &claim);
    } else if (r->state != NW0__RECORD_RIVALLED && nw0__responds(holder->mouth)) {
        /* the first holder keeps it while it lives: it is asked, and nw0__record_doubt decides */
        nw0__debug("\"%s\" is claimed by a second program: asking the first", name);
        r->state = NW0__RECORD_RIVALLED;
        r->rival = claim;
        r->queries = 0;
        r->due = claim.heard;
    }
}

/* The same of a service of ours, as if we had heard it. */
static void nw0__hear_own(const nw0__own *own, double ttl) {
    nw0__hear_claim(own->name, nw0__seen_here(own->addr), nw0__make_addr(0, 0), ttl);
}

/* Why a datagram is not to be believed; NULL: it is. */
static const char *nw0__objection(const char *bytes, size_t n, nw0__addr from,
                                  const nw0__network *net, nw0__advert *advert) {
    if (!net || from.port == 0) return "not from a network of ours";
    if (~net->mask > 1 && (from.ip == (net->ip | ~net->mask) || from.ip == (net->ip & net->mask)))
        return "its sender is a whole network, to which we would answer";
    if (!nw0__parse_advert(bytes, n, advert)) return "not an advert";
    if (nw0__is_loopback(advert->addr.ip) && !nw0__is_local(from.ip))
        return "127.x is its own machine";
    if (advert->addr.ip == 0) return "nobody has such an address";
    return NULL;
}

/* A datagram that came to the ear (via NULL) or to the mouth of a network. */
static void nw0__hear(const char *bytes, size_t n, nw0__addr from, const nw0__network *via) {
    const nw0__network *net = nw0__network_of(from.ip);
    char text[NW0_ADDRESS_SIZE];
    nw0__advert advert;
    if (net && nw0__same_addr(from, nw0__make_addr(net->ip, net->port))) return; /* our own words */
    const char *objection = nw0__objection(bytes, n, from, net, &advert);
    if (objection) {
        nw0__debug("dropped (number %lu) from %s: %s: %.*s", ++nw0__discovery.dropped,
                   nw0__print_addr(from, text), objection, (int)n, bytes);
        return;
    }
    nw0__debug("heard from %s: %.*s", nw0__print_addr(from, text), (int)n, bytes);
    if (advert.name[0] != '?') nw0__hear_claim(advert.name, advert.addr, from, advert.ttl);
    else nw0__respond(advert.name + 1, from, via ? via : net, !via);
}

/* What has come to a socket; but no more than a thousand at a time, however much comes. */
static void nw0__drain(int fd, const nw0__network *via) {
    char bytes[NW0__DATAGRAM + 1]; /* one byte more than allowed shows that it is too long */
    struct sockaddr_in a;
    for (int i = 0; i < 1000; i++) {
        socklen_t size = sizeof a;
        ssize_t n = NW0__TRY(recvfrom, recvfrom(fd, bytes, sizeof bytes, MSG_DONTWAIT,
                                                (struct sockaddr *)&a, &size));
        if (n < 0) return;
        nw0__hear(bytes, (size_t)n, nw0__from_sockaddr(&a), via);
    }
}

/* ---- time passes ---- */

static void nw0__query_holder(nw0__record *r) {
    const nw0__network *net = nw0__network_of(r->holder.mouth.ip);
    if (net) nw0__query_from(net, r->holder.mouth, r->name);
    if (r->state == NW0__RECORD_ALIVE) r->state = NW0__RECORD_QUERIED;
    r->queries++;
}

/* Something is due about a service that is not ours: its holder is asked, or has been asked enough.
 * A rival gets the name when the holder stays silent. */
static void nw0__record_doubt(nw0__record *r) {
    bool rivalled = r->state == NW0__RECORD_RIVALLED;
    if (!nw0__responds(r->holder.mouth)) {
        nw0__record_forget(r, "its time to live is over");
    } else if (r->queries < (rivalled ? NW0__RIVAL_QUERIES : NW0__SILENT_QUERIES)) {
        nw0__query_holder(r);
        r->due = nw0__now() + (rivalled ? NW0__RIVAL_PAUSE_S : 0.1 * NW0_ADVERT_INTERVAL_S);
    } else if (rivalled) {
        nw0__debug("\"%s\" is silent: the second program takes its place", r->name);
        nw0__record_refresh(r, &r->rival);
    } else {
        nw0__record_forget(r, "it is silent, and does not answer");
    }
}

/* Announces some of those that are due. Returns when there is more to do. */
static double nw0__announce_due(double now) {
    nw0__own *own = nw0__discovery.own, *end = own + nw0__discovery.own_count;
    int room = NW0__BATCH;
    for (; own < end; own++) {
        if (own->state != NW0__OWN_DUE) continue;
        if (room-- == 0) return now;
        own->state = NW0__OWN_ANNOUNCED;
        nw0__hear_own(own, own->ttl);
        nw0__own_announce(own, own->ttl);
    }
    return NW0__NEVER;
}

static void nw0__discovery_turn(nw0__timer *t, double now);
static nw0__timer nw0__discovery_timer = {NW0__NEVER, nw0__discovery_turn, NULL};

/* Something came: the turn, which reads all of our sockets, is due. */
static void nw0__discovery_heard(nw0__watch *w, int events) {
    (void)w, (void)events;
    nw0__discovery_timer.due = 0;
}

/* Opens a UDP socket; 0, or -1. */
static int nw0__udp_open(nw0__watch *w, nw0__addr bound, int option) {
    w->ready = nw0__discovery_heard;
    w->fd = nw0__socket(SOCK_DGRAM);
    if (w->fd < 0) return -1;
#if defined(SO_REUSEPORT) && !defined(__linux__)
    /* BSD shares a port by this; on Linux it would share out the datagrams */
    if (option == SO_REUSEADDR) nw0__option(w->fd, SOL_SOCKET, SO_REUSEPORT, 1);
#endif
    nw0__option(w->fd, SOL_SOCKET, option, 1);
    nw0__option(w->fd, SOL_SOCKET, SO_RCVBUF, 1 << 20);
    if (nw0__bind(w->fd, bound) == 0 && nw0__watch_on(w, &nw0__loop.set, POLLIN) == 0) return 0;
    return nw0__watch_close(w), -1;
}

/* Another program may hold the port without sharing it. Then we can still speak, send queries and
 * hear the responses, and try again each round. */
static void nw0__ear_open(void) {
    struct nw0__discovery *d = &nw0__discovery;
    unsigned port = nw0__library.port;
    int before = d->ear_error;
    if (d->ear.fd >= 0) return;
    bool open = nw0__udp_open(&d->ear, nw0__make_addr(0, nw0__library.port), SO_REUSEADDR) == 0;
    d->ear_error = open ? 0 : errno;
    if (d->ear_error == before) return; /* it was said already */
    if (d->ear_error)
        nw0__debug("UDP port %u cannot be shared (%s): only answers are heard", port,
                   strerror(d->ear_error));
    else nw0__debug("UDP port %u is free now", port);
}

/* Gives a network a mouth. Returns whether it has one now. */
static bool nw0__mouth_open(nw0__network *net) {
    nw0__watch *w = nw0__discovery.mouths;
    nw0__addr bound = {net->ip, 0};
    char text[NW0_ADDRESS_SIZE];
    while (w->fd >= 0) w++;
    if (nw0__udp_open(w, bound, SO_BROADCAST) == 0) {
        if (nw0__bound_addr(w->fd, &bound) == 0) net->mouth = w;
        else nw0__watch_close(w);
    }
    net->port = bound.port;
    nw0__debug("network: %s on %s%s", nw0__print_ip(net->ip, text), net->interface_name,
               net->mouth ? "" : " (no socket)");
    return net->mouth != NULL;
}

/* Looks at the interfaces again. Networks that were there before keep their mouths; the others are
 * closed, and opened. */
static void nw0__look_at_networks(void) {
    struct nw0__discovery *d = &nw0__discovery;
    nw0__network found[NW0__MAX_NETWORKS];
    int count = nw0__networks(found, nw0__library.allowed);
    bool more = false;
    if (count < 0) return;
    for (int i = 0; i < d->network_count; i++) {
        nw0__network *old = &d->networks[i];
        for (int k = 0; k < count && old->mouth; k++)
            if (found[k].ip == old->ip && found[k].mask == old->mask &&
                strcmp(found[k].interface_name, old->interface_name) == 0)
                found[k] = *old, old->mouth = NULL;
        if (old->mouth) nw0__watch_close(old->mouth);
    }
    for (int i = 0; i < count; i++)
        if (!found[i].mouth) more |= nw0__mouth_open(&found[i]);
    memcpy(d->networks, found, (size_t)count * sizeof found[0]);
    if (more || count != d->network_count) d->querier_count = 0; /* their networks have moved */
    d->network_count = count;
    if (more && d->last_query > 0) nw0__query(""); /* who is there? */
}

/* What discovery has to do now. */
static void nw0__discovery_turn(nw0__timer *t, double now) {
    struct nw0__discovery *d = &nw0__discovery;
    if (now >= d->round) {
        d->round = now + NW0_ADVERT_INTERVAL_S;
        nw0__look_at_networks();
        nw0__ear_open();
        if (d->ear.fd < 0 && d->last_query > 0) nw0__query(""); /* no adverts come: responses do */
        for (int i = 0; i < d->own_count; i++) d->own[i].state = NW0__OWN_DUE;
    }
    t->due = nw0__min(d->round, nw0__announce_due(now));
    /* our own broadcasts come back: read now, they do not wake us up; goodbyes come to the ear: it
     * is read after what was said before them */
    for (int i = 0; i < d->network_count; i++)
        if (d->networks[i].mouth) nw0__drain(d->networks[i].mouth->fd, &d->networks[i]);
    if (d->ear.fd >= 0) nw0__drain(d->ear.fd, NULL);
    t->due = nw0__min(t->due, nw0__queriers_respond(now));
    for (int i = d->count - 1; i >= 0; i--) { /* backwards, for forgetting moves those behind */
        if (d->table[i].due <= now) nw0__record_doubt(&d->table[i]);
        if (i < d->count) t->due = nw0__min(t->due, d->table[i].due);
    }
}

/* ---- the beginning and the end ---- */

static void nw0__discovery_discard(void) {
    struct nw0__discovery *d = &nw0__discovery;
    nw0__discovery_timer.due = NW0__NEVER;
    if (d->running) nw0__watch_close(&d->ear);
    for (int i = 0; i < d->network_count; i++)
        if (d->networks[i].mouth) nw0__watch_close(d->networks[i].mouth);
    d->running = false;
    d->network_count = d->count = d->own_count = d->querier_count = 0;
    d->first_look = d->last_query = 0;
    d->dropped = 0;
}

static int nw0__discovery_start(void) {
    struct nw0__discovery *d = &nw0__discovery;
    double now = nw0__now();
    if (d->running) return 0;
    if (nw0__start_thread() < 0) return -1;
    nw0__timer_add(&nw0__discovery_timer);
    d->running = true;
    d->ear.fd = -1;
    for (int i = 0; i < NW0__MAX_NETWORKS; i++) d->mouths[i].fd = -1;
    d->round = now + NW0_ADVERT_INTERVAL_S;
    d->random = (uint32_t)getpid() * 2654435761u ^ (uint32_t)(uint64_t)(now * 1e9);
    nw0__ear_open();
    nw0__look_at_networks();
    nw0__timer_start(&nw0__discovery_timer, now);
    return 0;
}

/* ---- finding ---- */

static void nw0__service_fill(nw0_service *service, const char *name, nw0__addr addr) {
    if (!service) return;
    memset(service, 0, sizeof *service);
    memcpy(service->name, name, strlen(name));
    nw0__print_addr(addr, service->address);
}

/* Waits for a name: shouts a query, and others with longer and longer pauses, because a broadcast
 * may be lost. NULL, with errno: not there in time (ETIMEDOUT), EINTR ... */
static nw0__record *nw0__wait_for_name(const char *name, double deadline) {
    double now = nw0__now(), pause = 0.02, due = now;
    nw0__record *r = nw0__record_find(name);
    if (r) return r;
    errno = ETIMEDOUT;
    if (deadline <= now && now < nw0__discovery.last_query + 0.1)
        return NULL; /* who looks often, sends few queries */
    for (int result = 0; result == 0 && !(r = nw0__record_find(name));) {
        now = nw0__now();
        if (now >= due) {
            nw0__query(name);
            due = now + pause;
            pause = nw0__min(pause * 2, 1);
        }
        if (now < deadline) result = nw0__wait_until_changed(nw0__min(due, deadline));
        else result = -1, errno = ETIMEDOUT;
    }
    return r;
}

/* "192.168.1.0/24 and 127.0.0.0/8", for sentences. */
static const char *nw0__network_names(char out[100]) {
    const nw0__network *net = nw0__discovery.networks, *end = net + nw0__discovery.network_count;
    char text[NW0_ADDRESS_SIZE];
    if (net == end) return "any network (no interface is up)";
    for (size_t n = 0; net < end && n < 60; net++) {
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
    if (nw0__discovery_start() == 0) r = nw0__wait_for_name(name, deadline);
    if (r) nw0__service_fill(service, r->name, r->holder.addr); /* name may be in service */
    else if (errno == ETIMEDOUT)
        nw0__fail(ETIMEDOUT,
                  "no service called \"%s\" was heard on %s within %g s: is it running, and on the "
                  "same network?%s",
                  name, nw0__network_names(where), wait_for_s,
                  nw0__discovery.ear.fd < 0 ? " (Another program holds the UDP port for itself.)"
                                            : "");
    nw0__leave();
    return r ? 0 : -1;
}

/* A query for everything to everybody, once in the life of a program. */
static void nw0__first_look(void) {
    if (nw0__discovery.first_look > 0) return;
    nw0__discovery.first_look = nw0__now();
    nw0__query("");
}

/* Waits until the network has had its half second to respond to the first look, and then for
 * somebody or the deadline. */
static int nw0__wait_for_somebody(double deadline) {
    const struct nw0__discovery *d = &nw0__discovery;
    double now = nw0__now(), again = now + 0.2;
    nw0__first_look();
    double enough = d->first_look + 0.5;
    if (now >= enough && (d->count > 0 || now >= deadline)) return 0;
    int result = 0;
    while (result == 0 && (now < enough || (d->count == 0 && now < deadline))) {
        if (now >= again) {
            nw0__query(""); /* a broadcast may be lost */
            again = now + 1;
        }
        result = nw0__wait_until_changed(nw0__min(again, now < enough ? enough : deadline));
        now = nw0__now();
    }
    return result;
}

/* Does the name begin with group and separator? group NULL: every name. */
static bool nw0__is_member(const char *name, const char *group, const char *separator) {
    if (!group) return true;
    if (!separator) separator = "/";
    size_t n = strlen(group);
    return strncmp(name, group, n) == 0 && strncmp(name + n, separator, strlen(separator)) == 0;
}

static int nw0__list(double deadline, const char *group, const char *separator,
                     const char *const exclude[], nw0_service services[], int capacity) {
    if (nw0__enter() < 0) return -1;
    int count = nw0__discovery_start() < 0 || nw0__wait_for_somebody(deadline) < 0 ? -1 : 0;
    for (int i = 0; count >= 0 && i < nw0__discovery.count; i++) {
        const nw0__record *r = &nw0__discovery.table[i];
        const char *const *not_this = exclude;
        while (not_this && *not_this && strcmp(*not_this, r->name) != 0) not_this++;
        if (!nw0__is_member(r->name, group, separator) || (not_this && *not_this)) continue;
        if (services && count < capacity)
            nw0__service_fill(&services[count], r->name, r->holder.addr);
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
    int m = 0, slot = 0;
    while (m < *count || r < end) {
        if (r < end && !nw0__is_member(r->name, group, separator)) {
            r++;
            continue;
        }
        nw0__addr addr;
        int order = m == *count ? 1 : r == end ? -1 : strcmp(members[m].name, r->name);
        if (order < 0 || (order == 0 && (!nw0__parse_addr(members[m].address, &addr) ||
                                         !nw0__same_addr(addr, r->holder.addr)))) { /* it moved */
            if (changed) *changed = members[m];
            memmove(&members[m], &members[m + 1], (size_t)(--*count - m) * sizeof members[0]);
            return NW0_LEFT;
        }
        if (order == 0) m++;
        else if (!joined) joined = r, slot = m;
        r++;
    }
    if (!joined) return 0;
    if (*count >= capacity)
        return nw0__fail(ENOBUFS, "\"%s\" joined, but the list is full with %d: give a longer one",
                         joined->name, *count);
    memmove(&members[slot + 1], &members[slot], (size_t)((*count)++ - slot) * sizeof members[0]);
    nw0__service_fill(&members[slot], joined->name, joined->holder.addr);
    if (changed) *changed = members[slot];
    return NW0_JOINED;
}

NW0_API int nw0_wait_for_change(const char *group, const char *separator, nw0_service members[],
                                int *count, int capacity, nw0_service *changed, double wait_for_s) {
    double deadline = nw0__deadline(wait_for_s);
    if (!count || *count < 0 || *count > capacity || (!members && capacity > 0))
        return nw0__fail(EINVAL, "the list makes no sense: count must point to 0 ... capacity");
    if (nw0__enter() < 0) return -1;
    int result = nw0__discovery_start();
    if (result == 0) nw0__first_look();
    while (result == 0 &&
           (result = nw0__one_change(group, separator, members, count, capacity, changed)) == 0) {
        if (nw0__now() >= deadline)
            result = nw0__fail(ETIMEDOUT, "nobody joined or left%s%.80s within %g s",
                               group ? " " : "", group ? group : "", wait_for_s);
        else result = nw0__wait_until_changed(deadline);
    }
    nw0__leave();
    return result;
}

/* ---- being found ---- */

/* The address of a new advert: as it was given, completed by a listening socket where it has no
 * port. Advertising a name again in the same way keeps the socket that it has. */
static int nw0__own_open(nw0__own *own, const nw0__own *before) {
    const nw0__server *s = NULL;
    if (own->addr.port != 0) {
        s = nw0__server_at_port(own->addr.port, NULL);
        if (own->addr.ip == 0 && s) own->addr.ip = s->addr.ip;
        return 0;
    }
    own->listens = true;
    if (before && before->listens && before->addr.ip == own->addr.ip)
        s = nw0__server_at_port(before->addr.port, NULL);
    if (!s) s = nw0__listen(own->addr); /* there was none, or it was closed */
    if (s) own->addr.port = s->addr.port;
    return s ? 0 : -1;
}

/* Does the holder of a name respond? It may have ended without a word. 1: yes, or it never
 * responds; 0: no, or it said goodbye; -1: EINTR. */
static int nw0__holder_lives(const char *name) {
    double began = nw0__now(), next = began;
    nw0__record *r;
    int queries = 0, result = 0;
    while (result == 0 && (r = nw0__record_find(name)) != NULL) {
        double now = nw0__now();
        if (!nw0__responds(r->holder.mouth) || r->holder.heard > began) result = 1;
        else if (now < next) result = nw0__wait_until_changed(next);
        else if (queries++ == NW0__RIVAL_QUERIES) break;
        else nw0__query_holder(r), next = now + NW0__RIVAL_PAUSE_S;
    }
    return result;
}

static int nw0__check_unclaimed(const char *name) {
    nw0__record *r = nw0__wait_for_name(name, nw0__now() + 0.3);
    if (!r) return errno == ETIMEDOUT ? 0 : -1;
    int lives = nw0__own_find(name) ? 1 : nw0__holder_lives(name);
    if (lives < 0) return -1;
    r = nw0__record_find(name);
    if (!r || (lives == 0 && !nw0__own_find(name))) return 0; /* or another thread has it now */
    char text[NW0_ADDRESS_SIZE];
    return nw0__fail(EEXIST, "the name \"%s\" is taken by %s at %s: choose another, or end it",
                     name, nw0__is_self(r->holder.mouth) ? "this program" : "a program",
                     nw0__print_addr(r->holder.addr, text));
}

/* The advert as the caller wants it. */
static int nw0__own_make(nw0__own *own, const char *name, const char *address, double ttl_s) {
    memset(own, 0, sizeof *own);
    if (!(ttl_s > 0))
        return nw0__fail(EINVAL, "\"%.80s\" cannot be advertised for %g seconds: take more than 0",
                         name ? name : "", ttl_s);
    own->ttl = nw0__min(ttl_s < 0.001 ? 0.001 : ttl_s, NW0__TTL_MAX);
    if (nw0__check_name(name, own->ttl) < 0 || nw0__resolve(address, &own->addr) < 0) return -1;
    memcpy(own->name, name, strlen(name));
    return 0;
}

static int nw0__advertise(nw0__own *own, nw0_service *service) {
    struct nw0__discovery *d = &nw0__discovery;
    nw0__own *slot = nw0__own_find(own->name);
    if ((!slot && d->own_count == NW0_MAX_SERVICES) ||
        (!nw0__record_find(own->name) && !nw0__table_has_room(nw0__make_addr(0, 0))))
        return nw0__fail(ENOBUFS, "no room for \"%s\": %d services are known (NW0_MAX_SERVICES)",
                         own->name, d->count);
    if (nw0__own_open(own, slot) < 0) return -1;
    nw0__hear_own(own, own->ttl);
    if (slot && own->addr.ip && own->addr.ip != slot->addr.ip)
        nw0__own_announce(slot, 0); /* there are networks where it is no more */
    if (!slot) slot = &d->own[d->own_count++];
    *slot = *own;
    slot->state = NW0__OWN_DUE;
    nw0__timer_start(&nw0__discovery_timer, 0);
    nw0__service_fill(service, own->name, nw0__seen_here(own->addr));
    return 0;
}

NW0_API int nw0_advertise_ex(const char *name, const char *address, bool fail_if_exists,
                             double ttl_s, nw0_service *service) {
    nw0__own own;
    if (nw0__own_make(&own, name, address, ttl_s) < 0 || nw0__enter() < 0) return -1;
    int result = nw0__discovery_start();
    if (result == 0 && fail_if_exists) result = nw0__check_unclaimed(own.name);
    if (result == 0) result = nw0__advertise(&own, service);
    nw0__leave();
    return result;
}

/* Not by calling nw0_advertise_ex: a small program need not contain that. */
NW0_API int nw0_advertise(const char *name, const char *address, nw0_service *service) {
    nw0__own own;
    if (nw0__own_make(&own, name, address, NW0_ADVERT_TTL_S) < 0 || nw0__enter() < 0) return -1;
    int result = nw0__discovery_start();
    if (result == 0) result = nw0__advertise(&own, service);
    nw0__leave();
    return result;
}

NW0_API int nw0_unadvertise(const char *name) {
    if (nw0__enter() < 0) return -1;
    nw0__own *own = name ? nw0__own_find(name) : NULL;
    if (own) {
        nw0__own_announce(own, 0);
        nw0__hear_own(own, 0);
        *own = nw0__discovery.own[--nw0__discovery.own_count];
    }
    nw0__leave();
    if (own) return 0;
    return nw0__fail(ENOENT, "\"%.80s\" is not advertised by this program", name ? name : "");
}

/* =================================================================================================
   Answering                                                                             >>answering

   Many ask, and each gets its turn. Whoever has called is a *caller* until its introduction has
   been read; then it is a *client*, which asks questions, or a *subscriber*, which wants news (see
   publishing). A thread that waits takes the next message that is whole; until it has answered it,
   the connection is this thread's alone. Several threads may wait: each gets other messages.

       OPEN --a thread reads--> MOVING --whole--> TAKEN --answered--> SENDING --all has left--> OPEN
        ^                        |  |
        '---not whole: put back--'  '--size told, or too long--> HELD --taken--> TAKEN

       TAKEN --the thread waits again, or ends--> closed;  HELD --the thread ends--> OPEN
       all --the asker is gone, or nw0_close--> closed

       OPEN      nobody's: the set tells when something comes, and it has its turn
       MOVING    a thread's, which reads without the lock
       HELD      a thread's, which was told how long the message is
       TAKEN     a thread's, which owes an answer
       SENDING   that thread's, without the lock; then, for what the socket did not take, the loop's

   What goes wrong: an asker who sends half a message and stops (it holds up nobody: it is put
   back), one who does not read its answer (the loop sends the rest), one who has gone away (EPIPE),
   one who asks again before it was answered (what comes waits in its connection), a thread that
   ends and owes an answer (its asker is hung up on). Examples: examples/hello_server.c,
   examples/poll_primes.c.
   ============================================================================================== */

/* Puts it into the set where it belongs now: the loop's for what is still to be sent, and for
 * callers where news is published; else that of those who wait here. False: there is no memory or
 * descriptor for that, and it was hung up on. */
static bool nw0__client_watch(nw0__connection *c) {
    bool sending = c->state == NW0__SENDING,
         loop = sending || (nw0__server_of(c)->publisher && !c->frame.purpose);
    if ((!loop || nw0__start_thread() == 0) &&
        nw0__watch_on(&c->watch, loop ? &nw0__loop.set : &c->inbox->set,
                      sending ? POLLOUT : POLLIN) == 0)
        return true;
    return nw0__hang_up(c), false;
}

/* The answer has left: the next question may come, and may have come already. */
static void nw0__client_go_on(nw0__connection *c) {
    nw0__next_frame(c);
    nw0__become(c, NW0__OPEN, NULL);
    if (nw0__client_watch(c) && c->ahead_done < c->ahead_size) nw0__inbox_push(c->inbox, &c->watch);
}

/* ---- what the sets tell ---- */

/* There is room for more of an answer. */
static void nw0__client_send_on(nw0__connection *c) {
    nw0__inbox *in = c->inbox;
    if (nw0__send_unsent(c) == 0) {
        nw0__client_go_on(c);
        nw0__inbox_show(in);
    } else if (!nw0__would_block(errno) && errno != EINTR) {
        nw0__debug("the asker did not wait for the end of its answer: %s", strerror(errno));
        nw0__hang_up(c);
    }
}

/* One who wants news where none is published yet may say more meanwhile, which is kept for then.
 * False: it has closed, or says more than a subscriber may. */
static bool nw0__client_keep(nw0__connection *c) {
    size_t most = NW0__PREFIXES * (NW0_NAME_SIZE + NW0__LENGTH), size = c->ahead_size;
    char *ahead = size < most ? (char *)nw0__resize(c->ahead, most) : NULL;
    if (!ahead) return false;
    c->ahead = ahead;
    int fd = c->watch.fd;
    ssize_t n = NW0__TRY(recvmsg, recv(fd, ahead + size, most - size, MSG_DONTWAIT));
    if (n < 0) return nw0__would_block(errno) || errno == EINTR;
    c->ahead_size += (size_t)n;
    return n > 0;
}

/* Its introduction has been read. */
static void nw0__client_introduced(nw0__connection *c) {
    nw0__server *s = nw0__server_of(c);
    nw0__unlink(c);
    nw0__link(c, c->frame.purpose == '?' ? &s->inbox.list : &s->callers);
    if (!nw0__client_watch(c) || c->frame.purpose != '!') return;
    if (s->publisher) s->news->welcome(c);
    else if (!nw0__client_keep(c)) nw0__hang_up(c);
}

/* Where news is published, the loop reads introductions. One who asks questions is for those who
 * wait for messages: of its first one only the length is read here. */
static void nw0__client_read_introduction(nw0__connection *c) {
    nw0__inbox *in = c->inbox;
    int got = 0;
    while (c->frame.got < c->frame.head_size &&
           (got = nw0__read_once(c, NULL, 0, MSG_DONTWAIT)) > 0)
        continue;
    if (got < 0 && errno != EINTR) {
        nw0__hang_up(c);
    } else if (c->frame.purpose) {
        if (c->frame.purpose == '?' && nw0__is_whole(c)) /* nothing comes that would wake one */
            nw0__inbox_push(in, &c->watch);
        nw0__client_introduced(c);
        nw0__inbox_show(in);
    }
}

static void nw0__client_ready(nw0__watch *w, int events) {
    nw0__connection *c = (nw0__connection *)w;
    nw0__inbox *in = c->inbox;
    (void)events;
    if (c->owner) nw0__watch_off(w); /* its turn comes when that thread is done */
    else if (c->state == NW0__SENDING) nw0__client_send_on(c);
    else if (w->set == &nw0__loop.set) nw0__client_read_introduction(c);
    else if (c->frame.purpose == '!') nw0__client_introduced(c);
    else nw0__inbox_push(in, w);
    nw0__inbox_free_if_done(in); /* that was the last */
}

/* ---- accepting ---- */

static int nw0__accept(int listener) {
#if defined(SYS_accept4)
    return NW0__TRY(accept, (int)syscall(SYS_accept4, listener, NULL, NULL,
                                         SOCK_CLOEXEC)); /* accept4() itself needs _GNU_SOURCE */
#else
    int fd = NW0__TRY(accept, accept(listener, NULL, NULL));
    if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (fd >= 0) nw0__nonblocking(fd, false);
    return fd;
#endif
}

static void nw0__server_accept(nw0__server *s, int most) {
    while (most-- > 0) {
        int fd = nw0__accept(s->listener.fd);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
            nw0__server_go_deaf(s);
        if (fd < 0) return; /* nobody is left, or one has gone again: the set tells of more */
        nw0__addr here = s->addr;
        char text[NW0_ADDRESS_SIZE]; /* NW0_NETWORK holds for servers without an IP, too */
        bool allowed = here.ip || strcmp(nw0__library.allowed, "*") == 0 ||
                       (nw0__bound_addr(fd, &here) == 0 &&
                        nw0__matches(nw0__library.allowed, nw0__print_ip(here.ip, text)));
        nw0__connection *c = allowed ? (nw0__connection *)nw0__zeroed(sizeof *c) : NULL;
        if (!c) {
            nw0__close_fd(&fd);
            continue;
        }
        nw0__tune(fd);
        nw0__connection_init(c, &s->inbox, fd, nw0__client_ready);
        c->frame.head_size = NW0__INTRODUCTION + NW0__LENGTH;
        c->since = s->published;
        nw0__link(c, &s->callers);
        if (nw0__client_watch(c) && !s->publisher) /* most have sent their question already */
            nw0__inbox_push(&s->inbox, &c->watch);
    }
}

/* Those who have called where news is published, but were not heard yet, may be subscribers. */
static void nw0__server_accept_all(nw0__server *s) {
    if (s->state == NW0__LISTENING) nw0__server_accept(s, SOMAXCONN);
    NW0__EACH(c, s->callers)
        if (!c->owner) nw0__client_read_introduction(c);
}

static void nw0__server_ready(nw0__watch *w, int events) {
    nw0__server *s = (nw0__server *)(void *)((char *)w - offsetof(nw0__server, listener));
    (void)events;
    if (s->publisher) nw0__server_accept_all(s);
    else nw0__server_accept(s, NW0__EVENTS);
}

/* ---- messages ---- */

/* entered here, and not where a server is opened: a program that only advertises need not contain
 * all this */
static nw0__handler *const nw0__on_call = nw0__server_ready;

/* The server for an address, opened if that is wanted; *s is NULL if there is none. -1: it is no
 * address, or cannot be opened. */
static int nw0__server_for(const char *address, bool open, nw0__server **s) {
    nw0__addr addr;
    *s = NULL;
    if (nw0__resolve_with_port(address, &addr) < 0) return -1;
    *s = nw0__server_at(addr);
    if (!*s && open) {
        if (nw0__advertised_everywhere(addr.port) && nw0__is_ours(addr.ip)) addr.ip = 0;
        *s = nw0__listen(addr);
        if (!*s) return -1;
    }
    if (*s) (*s)->listener.ready = nw0__on_call;
    return 0;
}

/* Reads from a client whose turn it is. The size of the message; -1: EINTR or EMSGSIZE;
 * NW0__NOT_YET: it is not whole. */
static ssize_t nw0__client_read(nw0__connection *c, const nw0__arrival *a) {
    nw0__become_mine(c, NW0__MOVING);
    if (c->watch.set == &nw0__loop.set) nw0__watch_off(&c->watch); /* it is this thread's now */
    int got = nw0__read_on(c, a->buffer, a->usable, a->deadline);
    if (got == 1 && c->frame.purpose == '?') return nw0__deliver(c, a, "the message");
    if (got == 1 && nw0__keep_body(c, a->buffer) < 0) got = NW0__OVER; /* a prefix, for later */
    int error = errno;
    if (got == NW0__OVER) {
        nw0__debug("a conversation at port %u is over: %s", (unsigned)nw0__server_of(c)->addr.port,
                   strerror(error));
        nw0__hang_up(c);
        return NW0__NOT_YET;
    }
    nw0__become(c, NW0__OPEN, NULL);
    nw0__client_introduced(c);
    return got < 0 ? nw0__interrupted(error) : NW0__NOT_YET;
}

/* What the socket does not take is left to the loop. */
static int nw0__reply(nw0__connection *c, const void *reply, size_t size) {
    unsigned char head[NW0__LENGTH];
    nw0__put32(head, size);
    struct iovec v[2] = {nw0__iov(head, sizeof head), nw0__iov(reply, size)};
    int result = -1, error = EPIPE;
    double now = nw0__now();
    nw0__become_mine(c, NW0__SENDING);
    nw0__unlock();
    if (nw0__peek_if_late(c, now) >= 0) {
        result = nw0__send_all(c->watch.fd, v, MSG_DONTWAIT);
        error = errno;
    }
    nw0__lock();
    if (result == 0 && !c->ended) return nw0__client_go_on(c), 0;
    bool later = !c->ended && (error == EINTR || nw0__would_block(error));
    if (later && nw0__keep_unsent(c, v) == 0) {
        nw0__debug("%lu bytes of an answer are sent in the background: the asker reads slowly",
                   (unsigned long)c->left.iov_len);
        nw0__become(c, NW0__SENDING, NULL);
        if (nw0__client_watch(c)) return 0;
        error = errno;
    } else {
        error = later ? ENOMEM : EPIPE;
        nw0__hang_up(c);
    }
    return nw0__fail(error, "the answer of %lu bytes was not sent: %s", (unsigned long)size,
                     error == EPIPE ? "the asker is gone" : strerror(error));
}

/* ---- the functions ---- */

NW0_API ssize_t nw0_wait_for_message_from(const char *address, void *message, size_t capacity,
                                          double wait_for_s, bool autoreply) {
    nw0__arrival a = nw0__arrival_for(NULL, message, capacity, wait_for_s);
    nw0__server *s;
    ssize_t size = -1;
    if (nw0__enter() < 0) return -1;
    if (nw0__server_for(address, true, &s) == 0) {
        nw0__connection *c = nw0__inbox_mine(&s->inbox, NW0__TAKEN);
        if (c) nw0__hang_up(c);                      /* its question was not answered */
        if (s->publisher) nw0__server_accept_all(s); /* the loop, which accepts here, may be late */
        size = nw0__inbox_next(&s->inbox, &a, nw0__client_read);
        c = size >= 0 && autoreply ? nw0__inbox_mine(&s->inbox, NW0__TAKEN) : NULL;
        if (c) nw0__reply(c, NULL, 0);
        char text[NW0_ADDRESS_SIZE];
        if (size == NW0__NOT_YET)
            size =
                nw0__fail(ETIMEDOUT, "no message came to %s in time: does anybody send one there?",
                          nw0__print_addr(s->addr, text));
        nw0__inbox_unuse(&s->inbox);
    }
    nw0__leave();
    return size;
}

NW0_API int nw0_send_reply_to(const char *address, const void *reply, size_t size) {
    nw0__server *s;
    if (nw0__check_size("the answer", reply, &size) < 0 || nw0__enter() < 0) return -1;
    int result = nw0__server_for(address, false, &s);
    nw0__connection *c = s ? nw0__inbox_mine(&s->inbox, NW0__TAKEN) : NULL;
    if (c) {
        s->inbox.users++; /* and the bell is not touched: it rings for others */
        result = nw0__reply(c, reply, size);
        nw0__inbox_unuse(&s->inbox);
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

NW0_API int nw0_fd(const char *address) {
    nw0__server *s;
    int fd = -1;
    if (nw0__enter() < 0) return -1;
    if (nw0__server_for(address, true, &s) == 0) fd = nw0__inbox_fd(&s->inbox);
    nw0__leave();
    return fd;
}

/* =================================================================================================
   Asking                                                                                   >>asking

   A question and its answer are two frames on one TCP connection, a call, which is kept for the
   next question. Whoever asks uses a blocking socket with a time limit (SO_RCVTIMEO): one system
   call for each wait. Nothing is sent twice: what has left when the time is up is not taken back,
   and nw0_wait_for_reply_from goes on with it.

       CONNECTING --up--> OPEN --a thread asks--> MOVING --answered--> OPEN
                                                   |  ^
           time up, a signal, size told, too long  |  |  nw0_wait_for_reply_from
                                                   v  |
                                                   HELD --the next question--> OPEN, or closed

       MOVING --broken--> closed;  MOVING --nothing has left--> OPEN
       HELD --its thread ends--> closed

       CONNECTING  a thread's, which tries again until its time is up
       OPEN        nobody's: free, the one used last first
       MOVING      a thread's, which sends and receives without the lock
       HELD        a thread's, whose answer is still to come, or to be fetched

   What goes wrong: a service that starts late (it is called again and again), one that was started
   again (its old connection is found closed before anything is sent), one that closes before it
   answers (ECONNRESET), an answer that comes after its time (it must not meet the next question:
   the connection is closed, if it has not come yet), something else that listens there (EPROTO, and
   for ZeroMQ EPROTONOSUPPORT). Examples: examples/hello_client.c, examples/message_ask.c.
   ============================================================================================== */

/* A call to somebody: a free one, or the one with this thread's last question. */
static nw0__connection *nw0__call_find(nw0__addr to, enum nw0__state state) {
    const nw0__thread *owner = state == NW0__OPEN ? NULL : &nw0__this_thread;
    nw0__connection *c = nw0__calls;
    while (c && !(c->state == state && c->owner == owner && nw0__same_addr(c->to, to))) c = c->next;
    return c;
}

/* The frame is done with: others may ask there. */
static void nw0__call_release(nw0__connection *c) {
    nw0__next_frame(c);
    nw0__become(c, NW0__OPEN, NULL);
    nw0__unlink(c);
    nw0__link(c, &nw0__calls);
}

/* ---- what an error means ---- */

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
static int nw0__why_broken(nw0__connection *c, int error) {
    unsigned char byte = 0;
    if (error == ETIMEDOUT || error == ENETUNREACH || error == EHOSTDOWN || error == ENETDOWN)
        return EHOSTUNREACH;
    if (error != ECONNRESET && error != EPIPE) return error;
    if (c->frame.got == 0) (void)!recv(c->watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return byte == 0 ? ECONNRESET : byte == 0xFF ? EPROTONOSUPPORT : EPROTO;
}

/* ---- calling ---- */

/* Is there no use in trying again? */
static bool nw0__is_final(int error) {
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS ||
           error == EINTR || error == ECANCELED;
}

/* Waits, while others may work; the errno of what happens meanwhile. */
static int nw0__call_wait(const nw0__connection *c, int fd, double deadline) {
    int n = nw0__poll(fd, POLLOUT, deadline), error = errno;
    return c->ended ? ECANCELED : n < 0 ? error : n == 0 ? ETIMEDOUT : 0;
}

/* One attempt. The errno of a failure; 0: the connection stands. */
static int nw0__call_try(nw0__connection *c, double deadline) {
    int begun = nw0__connect_begin(c), error = begun < 0 ? errno : 0;
    if (begun == 0) error = nw0__call_wait(c, c->watch.fd, deadline);
    if (error == 0 && nw0__connect_end(c) < 0) error = errno;
    return error;
}

/* A new connection: tried until the deadline, because a service may start late. Those that nobody
 * needs, and that the other side has closed, go. */
static nw0__connection *nw0__call_open(nw0__addr to, const char *address, nw0__arrival *a) {
    NW0__EACH(old, nw0__calls)
        if (old->state == NW0__OPEN && nw0__peek(old) != 0) nw0__hang_up(old);
    nw0__connection *c = (nw0__connection *)nw0__zeroed(sizeof *c);
    if (!c) return nw0__no_answer(address, ENOMEM, false), c;
    nw0__connection_init(c, NULL, -1, NULL);
    nw0__become_mine(c, NW0__CONNECTING);
    nw0__link(c, &nw0__calls);
    c->to = to;
    int error;
    for (double pause = 0.001; (error = nw0__call_try(c, a->deadline)) != 0;) {
        double now = nw0__now();
        if (nw0__is_final(error) || now >= a->deadline) break;
        int waited = nw0__call_wait(c, -1, nw0__min(a->deadline, now + pause));
        if (nw0__is_final(waited)) error = waited;
        if (nw0__is_final(error)) break;
        pause = nw0__min(pause * 2, 0.05);
    }
    a->now = nw0__now();
    nw0__call_release(c);
    if (error == 0) return c;
    nw0__hang_up(c);
    nw0__no_answer(address, error, false);
    if (!nw0__is_final(error)) errno = ETIMEDOUT;
    return NULL;
}

/* A call for a question: this thread's last one, without its answer; or a free one; or a new one.
 * One that the other side has closed meanwhile (it was started again) is of no use. */
static nw0__connection *nw0__call_for(nw0__addr to, const char *address, nw0__arrival *a) {
    nw0__connection *c = nw0__call_find(to, NW0__HELD);
    if (c && nw0__is_whole(c)) nw0__call_release(c);
    else if (c) nw0__hang_up(c);
    while ((c = nw0__call_find(to, NW0__OPEN)) != NULL) {
        if (nw0__peek_if_late(c, a->now) == 0) return c;
        nw0__hang_up(c);
    }
    return nw0__call_open(to, address, a);
}

/* ---- asking ---- */

/* Sends, and waits as long as that takes; but mostly all of it fits at once, and no time passes.
 * -1: ETIMEDOUT, EINTR or an error of the connection. */
static int nw0__send_by(nw0__connection *c, struct iovec v[2], nw0__arrival *a) {
    int flags = MSG_DONTWAIT;
    while (nw0__send_all(c->watch.fd, v, flags) < 0) {
        double began = a->now;
        if (errno != EINTR && !nw0__would_block(errno)) return -1;
        a->now = nw0__now();
        /* a signal, or the limit? Only the limit takes its time */
        if (errno == EINTR && a->now < began + c->timeout - 0.01) return -1;
        if (a->now >= a->deadline) return errno = ETIMEDOUT, -1;
        if (nw0__is_lost(c->watch.fd)) return errno = EHOSTUNREACH, -1;
        nw0__limit_time(c, a->deadline - a->now);
        flags = 0;
    }
    if (flags == 0) a->now = nw0__now();
    return 0;
}

/* Sends the question. Returns whether any of it has left: then nothing is taken back, and what did
 * not leave is kept, to go on with. *result: 0; -1, and errno, as above. */
static bool nw0__send_question(nw0__connection *c, const char *message, size_t size,
                               nw0__arrival *a, int *result) {
    char head[NW0__INTRODUCTION + NW0__LENGTH];
    size_t head_size = c->frame.purpose ? NW0__LENGTH : sizeof head;
    memcpy(head, NW0__QUESTIONS, NW0__INTRODUCTION);
    nw0__put32((unsigned char *)head + head_size - NW0__LENGTH, size);
    struct iovec v[2] = {nw0__iov(head, head_size), nw0__iov(message, size)};
    *result = nw0__send_by(c, v, a);
    int error = errno;
    bool begun = nw0__total(v) < head_size + size, later = *result < 0 && begun &&
                                                           (error == ETIMEDOUT || error == EINTR) &&
                                                           nw0__keep_unsent(c, v) == 0;
    if (begun) c->frame.purpose = *result == 0 || later ? '?' : '\0'; /* half: nothing can follow */
    errno = error;
    return begun;
}

/* Waits for the answer, after the rest of the question, if there is one. */
static int nw0__read_answer(nw0__connection *c, nw0__arrival *a) {
    if (c->unsent) {
        struct iovec v[2] = {c->left, nw0__iov(NULL, 0)};
        int sent = nw0__send_by(c, v, a);
        nw0__unsent_left(c, v[0]);
        if (sent < 0) return -1;
    }
    for (;; a->now = nw0__now()) {
        bool in_time = a->now < a->deadline;
        if (in_time) nw0__limit_time(c, a->deadline - a->now);
        errno = 0;
        int got = nw0__read_frame(c, a->buffer, a->usable, in_time ? 0 : MSG_DONTWAIT);
        if (got > 0 && c->ahead) return errno = EPROTO, -1; /* nobody answers twice */
        if (got != 0) return got;
        if (errno && !in_time) return errno = ETIMEDOUT, -1;
        if (errno && nw0__is_lost(c->watch.fd)) return errno = EHOSTUNREACH, -1;
    }
}

/* Asks, if there is something to ask, and waits for the answer. Meanwhile the call is this thread's
 * alone, and needs no lock; whoever wants to close it shuts it down, which ends all waits for it.
 * An attempt that fails leaves the call where the answer may still come, and closes it where it
 * cannot; but one on which nothing has left stays free for others. */
static ssize_t nw0__converse(nw0__connection *c, const char *address, bool ask, const char *message,
                             size_t size, nw0__arrival *a) {
    bool sent = !ask;
    int result = 0;
    nw0__become_mine(c, NW0__MOVING);
    nw0__unlock();
    if (ask) sent = nw0__send_question(c, message, size, a, &result);
    if (result == 0) result = nw0__read_answer(c, a);
    nw0__lock();
    int error = c->ended ? ECANCELED : result < 0 ? errno : 0;
    if (error == 0) {
        ssize_t answer = nw0__frame_copy(c, a, "the answer");
        if (answer >= 0 && !nw0__wants_size(a)) nw0__call_release(c);
        else nw0__become_mine(c, NW0__HELD);
        return answer;
    }
    bool late = error == ETIMEDOUT && nw0__now() > a->deadline - 0.02,
         broken = error != EINTR && !late;
    if (broken) error = nw0__why_broken(c, error);
    else if (sent && (!c->frame.purpose || nw0__keep_body(c, a->buffer) < 0)) error = ENOMEM;
    nw0__become(c, sent ? NW0__HELD : NW0__OPEN, sent ? c->owner : NULL);
    if (broken || !c->frame.purpose || error == ENOMEM) nw0__hang_up(c);
    return nw0__no_answer(address, error, sent);
}

NW0_API ssize_t nw0_send_message_to(const char *address, const void *message, size_t size,
                                    void *reply, size_t capacity, double wait_for_reply_s) {
    nw0__addr to;
    ssize_t result = -1;
    if (nw0__check_size("the message", message, &size) < 0 || nw0__enter() < 0) return -1;
    if (nw0__resolve_peer(address, &to) == 0) {
        /* the time runs from here: a name is looked up before, with limits of its own */
        nw0__arrival a = nw0__arrival_for(NULL, reply, capacity, wait_for_reply_s);
        nw0__connection *c = nw0__call_for(to, address, &a);
        if (c) result = nw0__converse(c, address, true, (const char *)message, size, &a);
    }
    nw0__leave();
    return result;
}

NW0_API ssize_t nw0_wait_for_reply_from(const char *address, void *reply, size_t capacity,
                                        double wait_for_s) {
    nw0__addr to;
    ssize_t result = -1;
    if (nw0__enter() < 0) return -1;
    if (nw0__resolve_peer(address, &to) == 0) {
        nw0__arrival a = nw0__arrival_for(NULL, reply, capacity, wait_for_s);
        nw0__connection *c = nw0__call_find(to, NW0__HELD);
        if (c) result = nw0__converse(c, address, false, NULL, 0, &a);
        else
            nw0__fail(EINVAL,
                      "this thread has asked %.80s nothing: nw0_send_message_to comes first",
                      address);
    }
    nw0__leave();
    return result;
}

/* =================================================================================================
   Publishing                                                                           >>publishing

   A subscriber calls the publisher and says what it wants; from then on everything flows the other
   way. One system call for each item and subscriber would be slow, and a subscriber that does not
   read would stop the publisher. So the items of an address are written once, one after the other,
   into one buffer, a log, and each subscriber has a cursor into it: what lies between its cursor
   and the end is sent to it in one piece. An item leaves at once if the last one left a while ago;
   in a flood some 32 KiB are gathered first (a flush), and the loop sends what is left when the
   flood ends.

       a subscriber:  OPEN --its socket is full--> SENDING --the loop has sent the rest--> OPEN
                      both --too slow--> misses items;  both --gone--> closed

   What goes wrong: a subscriber that does not keep up. When the log is full, its older half is
   given up; whoever still had a cursor there misses those items, but gets the rest of the one that
   it has a part of. Examples: examples/news_station.c, examples/movement_sensor.c.
   ============================================================================================== */

#define NW0__FLUSH_PAUSE_S 0.0003 /* news that comes faster than this is gathered, */
#define NW0__FLUSH_BYTES 32768    /* up to so many bytes */

typedef struct nw0__publisher {
    nw0__connection *subscribers;
    int count; /* of those that have said what they want */
    char *log; /* encoded items, the oldest first */
    size_t room, used;
    uint64_t start; /* the offset of log[0]; offsets only grow */
    double flushed_at;
    bool flush_due; /* the loop sends what is gathered */
} nw0__publisher;

/* What a subscriber wants, and how far it is. */
typedef struct nw0__subscriber {
    nw0__publisher *publisher;
    bool everything;         /* one of the prefixes is empty */
    unsigned char *prefixes; /* each with its length before it; NULL: it has said none yet */
    size_t prefixes_size;
    uint64_t cursor; /* the item that it gets next; at first: the first that it can get */
    size_t partial;  /* bytes of it that have left */
} nw0__subscriber;

/* ---- items ---- */

static uint64_t nw0__log_end(const nw0__publisher *p) {
    return p->start + p->used;
}

/* An item is a topic frame and a data frame: how many bytes is the one at this offset? */
static size_t nw0__log_item_size(const nw0__publisher *p, uint64_t offset) {
    const unsigned char *item = (const unsigned char *)p->log + (offset - p->start);
    size_t topic = NW0__LENGTH + nw0__get32(item);
    return topic + NW0__LENGTH + nw0__get32(item + topic);
}

static bool nw0__wants_topic(const nw0__subscriber *s, const char *topic, size_t size) {
    const unsigned char *p = s->prefixes, *end = p + s->prefixes_size;
    if (s->everything) return true;
    for (; p < end; p += 1 + *p)
        if (*p <= size && memcmp(p + 1, topic, *p) == 0) return true;
    return false;
}

/* Does it want the item at this offset? */
static bool nw0__wants_item(const nw0__subscriber *s, uint64_t offset) {
    const char *item = s->publisher->log + (offset - s->publisher->start);
    return nw0__wants_topic(s, item + NW0__LENGTH, nw0__get32((const unsigned char *)item));
}

/* Passes over items that it does not want. */
static void nw0__subscriber_skip(nw0__subscriber *s) {
    const nw0__publisher *p = s->publisher;
    while (!s->everything && s->cursor < nw0__log_end(p) && !nw0__wants_item(s, s->cursor))
        s->cursor += nw0__log_item_size(p, s->cursor);
}

/* n more bytes have left: the cursor moves past the items that are complete. */
static void nw0__subscriber_advance(nw0__subscriber *s, size_t n) {
    s->partial += n;
    if (s->everything && s->cursor + s->partial == nw0__log_end(s->publisher)) {
        s->cursor += s->partial; /* the usual case, without a look at each item */
        s->partial = 0;
    }
    for (nw0__subscriber_skip(s); s->partial > 0; nw0__subscriber_skip(s)) {
        size_t size = nw0__log_item_size(s->publisher, s->cursor);
        if (s->partial < size) return;
        s->partial -= size;
        s->cursor += size;
    }
}

/* From its cursor on, so many bytes, less those that have left. */
static struct iovec nw0__log_bytes(const nw0__subscriber *s, size_t size) {
    const nw0__publisher *p = s->publisher;
    return nw0__iov(p->log + (s->cursor - p->start) + s->partial, size - s->partial);
}

/* What is gathered leaves soon. */
static void nw0__log_flush_later(nw0__server *server) {
    server->publisher->flush_due = true;
    nw0__timer_start(&server->inbox.timer, server->publisher->flushed_at + NW0__FLUSH_PAUSE_S);
}

/* ---- a subscriber ---- */

/* Called when a subscriber is hung up on. */
static void nw0__subscriber_gone(nw0__connection *c) {
    nw0__publisher *p = c->subscriber->publisher;
    if (c->subscriber->prefixes) p->count--;
    nw0__wake_waiters(); /* one may wait for subscribers */
    nw0__free(c->subscriber->prefixes);
    nw0__free(c->subscriber);
}

/* Sends what it has not got, until its socket is full. False: the connection is broken. */
static bool nw0__subscriber_send(nw0__connection *c) {
    nw0__subscriber *s = c->subscriber;
    int result = nw0__send_unsent(c);
    nw0__subscriber_skip(s);
    while (result == 0 && s->cursor < nw0__log_end(s->publisher)) {
        uint64_t end = nw0__log_end(s->publisher), stop = s->everything ? end : s->cursor;
        while (stop < end && nw0__wants_item(s, stop))
            stop += nw0__log_item_size(s->publisher, stop);
        struct iovec v[2] = {nw0__log_bytes(s, (size_t)(stop - s->cursor)), nw0__iov(NULL, 0)};
        size_t size = v[0].iov_len; /* what it wants, as far as it lies side by side */
        result = nw0__send_all(c->watch.fd, v, MSG_DONTWAIT);
        nw0__subscriber_advance(s, size - v[0].iov_len);
    }
    return result == 0 || nw0__would_block(errno) || errno == EINTR;
}

/* Sends, and sees to it that the loop goes on where its socket is full. */
static void nw0__subscriber_serve(nw0__connection *c) {
    const nw0__subscriber *s = c->subscriber;
    bool sent = nw0__subscriber_send(c), full = c->unsent || s->cursor < nw0__log_end(s->publisher);
    if (!sent)
        nw0__debug("a subscriber at port %u is gone: %s", (unsigned)nw0__server_of(c)->addr.port,
                   strerror(errno));
    nw0__become(c, full ? NW0__SENDING : NW0__OPEN, NULL);
    if (!sent || nw0__watch_on(&c->watch, &nw0__loop.set, full ? POLLIN | POLLOUT : POLLIN) < 0)
        nw0__hang_up(c);
}

/* The frame is a whole prefix. With its first one a subscriber gets what had not left when it was
 * accepted, and all that follows. False: too many prefixes, or no memory. */
static bool nw0__subscriber_add(nw0__connection *c) {
    nw0__subscriber *s = c->subscriber;
    nw0__publisher *p = s->publisher;
    const nw0__frame *f = &c->frame;
    int count = 0;
    for (size_t i = 0; i < s->prefixes_size; i += 1 + (size_t)s->prefixes[i]) count++;
    if (count == NW0__PREFIXES) return false;
    unsigned char *more = (unsigned char *)nw0__resize(s->prefixes, s->prefixes_size + 1 + f->size);
    if (!more) return false;
    s->prefixes = more;
    more[s->prefixes_size] = (unsigned char)f->size;
    if (f->size > 0) memcpy(more + s->prefixes_size + 1, f->body, f->size);
    s->prefixes_size += 1 + f->size;
    if (f->size == 0) s->everything = true;
    nw0__next_frame(c);
    if (count > 0) return true;
    if (s->cursor < p->start) s->cursor = p->start;
    if (s->cursor < nw0__log_end(p)) nw0__log_flush_later(nw0__server_of(c));
    p->count++;
    nw0__wake_waiters();
    return true;
}

/* Reads what it says after its introduction: prefixes. False: it is gone. */
static bool nw0__subscriber_read(nw0__connection *c) {
    int got;
    while ((got = nw0__read_frame(c, NULL, 0, MSG_DONTWAIT)) == 1)
        if (!nw0__subscriber_add(c)) break;
    if (got == 0 || (got < 0 && errno == EINTR)) return true;
    return nw0__hang_up(c), false;
}

static void nw0__subscriber_ready(nw0__watch *w, int events) {
    nw0__connection *c = (nw0__connection *)w;
    nw0__inbox *in = c->inbox;
    (void)events;
    if (nw0__subscriber_read(c) && c->subscriber->prefixes) nw0__subscriber_serve(c);
    nw0__inbox_free_if_done(in); /* that was the last */
}

/* A caller has said that it wants news. */
static void nw0__subscriber_welcome(nw0__connection *c) {
    nw0__publisher *p = nw0__server_of(c)->publisher;
    c->subscriber = (nw0__subscriber *)nw0__zeroed(sizeof *c->subscriber);
    if (!c->subscriber || nw0__watch_on(&c->watch, &nw0__loop.set, POLLIN) < 0) {
        nw0__free(c->subscriber);
        nw0__hang_up(c);
        return;
    }
    nw0__inbox_remove(c->inbox, &c->watch);
    nw0__unlink(c);
    nw0__link(c, &p->subscribers);
    c->subscriber->publisher = p;
    c->subscriber->cursor = c->since;
    c->watch.ready = nw0__subscriber_ready;
    c->gone = nw0__subscriber_gone;
    nw0__subscriber_read(c); /* its prefixes came along */
}

/* ---- the log ---- */

/* All subscribers get what there is. */
static void nw0__log_flush(nw0__server *server) {
    nw0__publisher *p = server->publisher;
    nw0__server_accept_all(server);
    NW0__EACH(c, p->subscribers)
        if (c->subscriber->prefixes && c->state == NW0__OPEN) nw0__subscriber_serve(c);
    server->published = nw0__log_end(p);
    p->flushed_at = nw0__now();
}

/* Its cursor stands in what is given up now: it goes on at the oldest item that is left; but not in
 * the middle of one. */
static void nw0__subscriber_overtake(nw0__connection *c, uint64_t offset) {
    nw0__subscriber *s = c->subscriber;
    if (!s->prefixes || s->cursor >= offset) return;
    nw0__debug("a subscriber at port %u is too slow and misses %lu bytes of news",
               (unsigned)nw0__server_of(c)->addr.port, (unsigned long)(offset - s->cursor));
    if (s->partial > 0) {
        size_t size = nw0__log_item_size(s->publisher, s->cursor);
        struct iovec v[2] = {nw0__log_bytes(s, size), nw0__iov(NULL, 0)};
        if (nw0__keep_unsent(c, v) < 0)
            shutdown(c->watch.fd, SHUT_RDWR); /* half an item must not be followed by another one */
    }
    s->cursor = offset;
    s->partial = 0;
}

/* Forgets what everybody has, or, so that at most keep bytes remain, what the slow ones have
 * not. */
static void nw0__log_trim(nw0__server *server, size_t keep) {
    nw0__publisher *p = server->publisher;
    uint64_t oldest = server->published, offset = p->start; /* what is before the later one goes */
    for (nw0__connection *c = p->subscribers; c; c = c->next)
        if (c->subscriber->prefixes && c->subscriber->cursor < oldest)
            oldest = c->subscriber->cursor;
    while (nw0__log_end(p) - offset > keep) offset += nw0__log_item_size(p, offset);
    if (offset > server->published) offset = server->published;
    if (offset < oldest) offset = oldest;
    for (nw0__connection *c = p->subscribers; c; c = c->next) nw0__subscriber_overtake(c, offset);
    size_t n = (size_t)(offset - p->start);
    if (n > 0) memmove(p->log, p->log + n, p->used - n);
    p->start = offset;
    p->used -= n;
}

/* Room for an item of n bytes. The log grows as long as it is small, so that most never need
 * much. */
static int nw0__log_make_room(nw0__server *server, size_t n) {
    nw0__publisher *p = server->publisher;
    if (p->used + n <= p->room) return 0;
    if (server->published < nw0__log_end(p)) nw0__log_flush(server);
    nw0__log_trim(server, p->room < NW0_NEWS_BUFFER ? (size_t)-1 : NW0_NEWS_BUFFER / 2);
    if (p->used + n <= p->room) return 0;
    size_t room = p->room < NW0__CHUNK / 4 ? NW0__CHUNK / 4 : p->room * 2;
    if (room > NW0_NEWS_BUFFER) room = NW0_NEWS_BUFFER;
    if (room < p->used + n) room = p->used + n;
    char *more = (char *)nw0__resize(p->log, room);
    if (!more)
        return nw0__fail(ENOMEM, "there is no memory for %lu bytes of news", (unsigned long)room);
    p->log = more;
    p->room = room;
    return 0;
}

/* One frame at the end of the log, for which there is room. */
static void nw0__log_frame(nw0__publisher *p, const void *bytes, size_t size) {
    nw0__put32((unsigned char *)p->log + p->used, size);
    if (size > 0) memcpy(p->log + p->used + NW0__LENGTH, bytes, size);
    p->used += NW0__LENGTH + size;
}

/* What the timer is for: what has gathered leaves at the latest after a moment. */
static void nw0__log_when_due(nw0__server *server, double now) {
    nw0__publisher *p = server->publisher;
    double due = p->flushed_at + NW0__FLUSH_PAUSE_S;
    if (p->flush_due && due <= now) p->flush_due = false, nw0__log_flush(server);
    else if (p->flush_due) server->inbox.timer.due = nw0__min(server->inbox.timer.due, due);
}

/* The server closes. Before it does, who has said by now what it wants gets what it can get. */
static int nw0__publisher_close(nw0__server *server, enum nw0__closing how) {
    nw0__publisher *p = server->publisher;
    if (how == NW0__WHEN_SENT && server->state != NW0__CLOSED) nw0__log_flush(server);
    nw0__close_all(p->subscribers, how);
    nw0__wake_waiters(); /* one may wait for subscribers */
    if (p->subscribers) return 1;
    nw0__free(p->log);
    nw0__free(p);
    server->publisher = NULL;
    return 0;
}

static const struct nw0__news_hooks nw0__news_hooks = {nw0__subscriber_welcome, nw0__log_when_due,
                                                       nw0__publisher_close};

/* The server for an address, where news is published from now on. NULL: the sentence says why. */
static nw0__server *nw0__publisher_for(const char *address) {
    nw0__server *s;
    if (nw0__server_for(address, true, &s) < 0) return NULL;
    if (s->publisher) return s;
    if (nw0__start_thread() < 0) return NULL;
    s->publisher = (nw0__publisher *)nw0__zeroed(sizeof *s->publisher);
    if (!s->publisher || (s->state != NW0__DEAF && nw0__server_hear(s) < 0)) {
        int error = s->publisher ? errno : ENOMEM;
        nw0__free(s->publisher);
        s->publisher = NULL;
        if (s->state != NW0__DEAF) nw0__server_hear_again(s);
        return nw0__fail(error, "no subscribers can be accepted: %s", strerror(error)),
               (nw0__server *)NULL;
    }
    s->news = &nw0__news_hooks;
    NW0__EACH(c, s->callers)
        if (!c->owner) nw0__client_introduced(c);
    return s;
}

/* ---- the functions ---- */

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
    int count = -1;
    if (!topic) topic = "";
    if (nw0__check_topic(topic) < 0 || nw0__check_size("the news", data, &size) < 0 ||
        nw0__enter() < 0)
        return -1;
    size_t topic_size = strlen(topic);
    nw0__server *server = nw0__publisher_for(address);
    if (server && nw0__log_make_room(server, NW0__LENGTH + topic_size + NW0__LENGTH + size) == 0) {
        nw0__log_frame(server->publisher, topic, topic_size);
        nw0__log_frame(server->publisher, data, size);
        nw0__publisher *p = server->publisher;
        bool enough = nw0__log_end(p) - server->published >= NW0__FLUSH_BYTES;
        if (enough || (!p->flush_due && nw0__now() - p->flushed_at > NW0__FLUSH_PAUSE_S))
            nw0__log_flush(
                server); /* unless the last item has just left: then this one waits a moment */
        else if (!p->flush_due) nw0__log_flush_later(server);
        count = 0;
        for (nw0__connection *c = p->subscribers; c; c = c->next)
            count += nw0__wants_topic(c->subscriber, topic, topic_size);
    }
    nw0__leave();
    return count;
}

NW0_API int nw0_wait_for_subscribers(const char *address, int count, double wait_for_s) {
    double deadline = nw0__deadline(wait_for_s);
    if (nw0__enter() < 0) return -1;
    nw0__server *s = nw0__publisher_for(address);
    int result = s ? 0 : -1;
    if (s) {
        s->inbox.users++;
        nw0__server_accept_all(s);
        while (result == 0 && !s->inbox.closing && s->publisher->count < count) {
            if (nw0__now() < deadline) result = nw0__wait_until_changed(deadline);
            else
                result = nw0__fail(ETIMEDOUT, "%d subscribers came to port %u in time, not %d",
                                   s->publisher->count, (unsigned)s->addr.port, count);
        }
        if (result == 0) result = s->inbox.closing ? nw0__canceled() : s->publisher->count;
        nw0__inbox_unuse(&s->inbox);
    }
    nw0__leave();
    return result;
}

/* =================================================================================================
   Subscribing                                                                         >>subscribing

   A program names publishers and prefixes of topics: that is its interest, which lasts, and for
   each of the publishers it has a subscription, a connection that the loop opens. That it was
   closed is found by the thread that waits next; then the loop opens it again. What comes is read
   in large pieces, of which the items are taken one after the other.

       CONNECTING --up--> OPEN --a thread reads--> MOVING --whole: taken, or not whole--> OPEN
        ^                                           |  |  ^
        '----- after a pause ----- it is closed ----'  |  | taken
                                told its size, or too  |  |
                                long                   v  |
                                                      HELD

       CONNECTING  the loop's, which calls, now or after a pause
       OPEN        nobody's: the set tells when something comes, and it has its turn
       MOVING      a thread's, which reads without the lock
       HELD        a thread's, which was told how long the item is

   What goes wrong: a publisher that is not there yet, or not any more (it is called again, after
   pauses that grow), one that speaks something else (EPROTO: whoever waits is told), an item whose
   topic is no text. Examples: examples/news_reader.c, examples/movement_watch.c.
   ============================================================================================== */

/* What a program wants, and of whom: its inbox has a subscription at each of them. */
typedef struct nw0__interest {
    nw0__inbox inbox; /* comes first */
    char *addresses;  /* as frames */
    char *greeting;   /* behind them: what each publisher is told */
    size_t greeting_size;
} nw0__interest;

typedef struct nw0__subscription {
    nw0__connection base; /* comes first */
    double due;           /* CONNECTING: when to call; NW0__NEVER: it is being called */
    double pause;         /* how long to wait after the next failure */
    bool has_topic;       /* the next frame is its data */
    char topic[NW0_NAME_SIZE];
} nw0__subscription;

/* ---- calling publishers ---- */

/* The publisher is not there: the loop calls again after a pause. */
static void nw0__subscription_pause(nw0__subscription *s) {
    nw0__connection *c = &s->base;
    nw0__become(c, NW0__CONNECTING, NULL);
    nw0__watch_close(&c->watch);
    nw0__inbox_remove(c->inbox, &c->watch);
    nw0__next_frame(c);
    c->ahead_size = c->ahead_done = 0;
    c->frame.limit = NW0_NAME_SIZE - 1;
    s->has_topic = false;
    s->due = nw0__now() + s->pause;
    s->pause = nw0__min(s->pause * 2, 0.5);
    nw0__timer_start(&c->inbox->timer, s->due);
}

/* Puts it into the set where it belongs now; if that fails, the publisher is called again. */
static bool nw0__subscription_watch(nw0__subscription *s) {
    nw0__connection *c = &s->base;
    bool open = c->state == NW0__OPEN;
    if (nw0__watch_on(&c->watch, open ? &c->inbox->set : &nw0__loop.set, open ? POLLIN : POLLOUT) ==
        0)
        return true;
    return nw0__subscription_pause(s), false;
}

/* A publisher has responded, or not: it is told what is wanted, once. It is watched first, because
 * the answer comes at once. */
static void nw0__subscription_connected(nw0__subscription *s) {
    nw0__connection *c = &s->base;
    const nw0__interest *i = (const nw0__interest *)c->inbox;
    struct iovec v[2] = {nw0__iov(i->greeting, i->greeting_size), nw0__iov(NULL, 0)};
    if (nw0__connect_end(c) < 0) {
        nw0__subscription_pause(s);
        return;
    }
    nw0__become(c, NW0__OPEN, NULL);
    if (nw0__subscription_watch(s) && nw0__send_all(c->watch.fd, v, MSG_DONTWAIT) < 0)
        nw0__subscription_pause(s);
}

/* Calls the publisher, without waiting for it. */
static void nw0__subscription_call(nw0__subscription *s) {
    int begun = nw0__connect_begin(&s->base);
    s->due = NW0__NEVER;
    if (begun < 0) nw0__subscription_pause(s);
    else if (begun > 0) nw0__subscription_connected(s);
    else nw0__subscription_watch(s);
}

/* Calls all those whose pause is over. */
static void nw0__interest_when_due(nw0__timer *t, double now) {
    t->due = NW0__NEVER;
    for (nw0__connection *c = ((nw0__inbox *)t)->list; c; c = c->next) {
        nw0__subscription *s = (nw0__subscription *)c;
        if (c->state != NW0__CONNECTING) continue;
        if (s->due <= now) nw0__subscription_call(s);
        else t->due = nw0__min(t->due, s->due);
    }
}

static void nw0__subscription_ready(nw0__watch *w, int events) {
    nw0__connection *c = (nw0__connection *)w;
    (void)events;
    if (c->owner) nw0__watch_off(w); /* its turn comes when that thread is done */
    else if (c->state == NW0__CONNECTING) nw0__subscription_connected((nw0__subscription *)w);
    else nw0__inbox_push(c->inbox, w);
}

static int nw0__interest_close(nw0__inbox *in, enum nw0__closing how) {
    if (how == NW0__FORGET) nw0__free(((nw0__interest *)in)->addresses);
    return 0;
}

static const struct nw0__inbox_kind nw0__interest_kind = {nw0__interest_when_due,
                                                          nw0__interest_close};

/* ---- opening an interest ---- */

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

static bool nw0__is_list(const char *frames, const char *end, const char *const list[]) {
    for (; *list && frames < end; list++) {
        size_t n = nw0__get32((const unsigned char *)frames);
        if (strncmp(*list, frames + NW0__LENGTH, n) != 0 || (*list)[n] != '\0') return false;
        frames += NW0__LENGTH + n;
    }
    return !*list && frames == end;
}

static nw0__interest *nw0__interest_find(const char *const addresses[],
                                         const char *const prefixes[]) {
    for (nw0__inbox *in = nw0__interests; in; in = in->next) {
        nw0__interest *i = (nw0__interest *)in;
        if (!in->closing && nw0__is_list(i->addresses, i->greeting, addresses) &&
            nw0__is_list(i->greeting + NW0__INTRODUCTION, i->greeting + i->greeting_size, prefixes))
            return i;
    }
    return NULL;
}

static int nw0__check_lists(const char *const addresses[], const char *const prefixes[]) {
    if (!addresses || !addresses[0] || !prefixes || !prefixes[0])
        return nw0__fail(EINVAL,
                         "there is nothing to subscribe to: an address is missing (give the "
                         "one that nw0_discover found), or a prefix");
    int i;
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

/* One without subscriptions yet. */
static nw0__interest *nw0__interest_new(const char *const addresses[],
                                        const char *const prefixes[]) {
    size_t n = nw0__write_list(addresses, NULL);
    nw0__interest *i = (nw0__interest *)nw0__zeroed(sizeof *i);
    if (!i) return nw0__fail(ENOMEM, "there is no memory for a subscription"), i;
    i->greeting_size = NW0__INTRODUCTION + nw0__write_list(prefixes, NULL);
    int opened = nw0__inbox_open(&i->inbox, &nw0__interest_kind);
    if (opened == 0) i->addresses = (char *)nw0__resize(NULL, n + i->greeting_size);
    if (!i->addresses) {
        nw0__fail(opened < 0 ? errno : ENOMEM,
                  "there is no descriptor or memory for a subscription");
        return nw0__inbox_free(&i->inbox), (nw0__interest *)NULL;
    }
    nw0__write_list(addresses, i->addresses);
    i->greeting = i->addresses + n;
    memcpy(i->greeting, NW0__NEWS, NW0__INTRODUCTION);
    nw0__write_list(prefixes, i->greeting + NW0__INTRODUCTION);
    return i;
}

/* Adds a subscription at an address. */
static int nw0__interest_add(nw0__interest *i, const char *address) {
    nw0__addr to;
    if (nw0__resolve_peer(address, &to) < 0) return -1;
    nw0__subscription *s = (nw0__subscription *)nw0__zeroed(sizeof *s);
    char *ahead = s ? (char *)nw0__resize(NULL, NW0__CHUNK) : NULL;
    if (!ahead) {
        nw0__free(s);
        return nw0__fail(ENOMEM, "there is no memory for a subscription");
    }
    nw0__connection_init(&s->base, &i->inbox, -1, nw0__subscription_ready);
    s->base.frame.limit = NW0_NAME_SIZE - 1;
    s->base.ahead = ahead;
    s->base.ahead_room = NW0__CHUNK;
    s->base.to = to;
    s->pause = 0.01;
    nw0__link(&s->base, &i->inbox.list);
    return 0;
}

/* The interest in these publishers and prefixes; a new one calls at once. Looking up names may take
 * a while, without the lock: another thread may have been faster. */
static nw0__interest *nw0__interest_for(const char *const addresses[],
                                        const char *const prefixes[]) {
    nw0__interest *i = nw0__interest_find(addresses, prefixes), *other = NULL;
    if (i || nw0__start_thread() < 0) return i;
    i = nw0__interest_new(addresses, prefixes);
    if (!i) return NULL;
    int result = 0;
    for (int k = 0; result == 0 && addresses[k]; k++) result = nw0__interest_add(i, addresses[k]);
    if (result == 0) other = nw0__interest_find(addresses, prefixes);
    if (result < 0 || other) {
        int error = errno;
        nw0__close_all(i->inbox.list, NW0__NOW);
        nw0__free(i->addresses);
        nw0__inbox_free(&i->inbox);
        errno = error;
        return other;
    }
    nw0__inbox_enter(&i->inbox, &nw0__interests);
    nw0__interest_when_due(&i->inbox.timer, nw0__now());
    return i;
}

/* ---- reading items ---- */

/* Reads on at an item, as nw0__read_on. */
static int nw0__subscription_read_item(nw0__subscription *s, const nw0__arrival *a) {
    nw0__connection *c = &s->base;
    if (!s->has_topic) {
        nw0__frame *f = &c->frame;
        int got = nw0__read_on(c, s->topic, sizeof s->topic - 1, a->deadline);
        if (got < 1) return got;
        if (f->body) memcpy(s->topic, f->body, f->size);
        s->topic[f->size] = '\0';
        if (!nw0__utf8(s->topic, f->size) || strlen(s->topic) != f->size)
            return errno = EPROTO, NW0__OVER;
        nw0__next_frame(c);
        f->limit = NW0_MAX_MESSAGE;
        s->has_topic = true;
    }
    return nw0__read_on(c, a->buffer, a->usable, a->deadline);
}

/* Hands over an item, or its size. */
static ssize_t nw0__subscription_deliver(nw0__subscription *s, const nw0__arrival *a) {
    nw0__connection *c = &s->base;
    ssize_t size = nw0__deliver(c, a, "the news");
    if (a->topic) memcpy(a->topic, s->topic, sizeof s->topic);
    if (c->state != NW0__TAKEN) return size;
    nw0__next_frame(c);
    c->frame.limit = NW0_NAME_SIZE - 1;
    s->has_topic = false;
    s->pause = 0.01;
    nw0__become(c, NW0__OPEN, NULL);
    if (nw0__subscription_watch(s) && c->ahead_done < c->ahead_size)
        nw0__inbox_push(c->inbox, &c->watch);
    return size;
}

/* Reads from a subscription whose turn it is. The size of the item; -1: EINTR or EMSGSIZE;
 * NW0__NOT_YET: it is not whole, or the connection is over: the publisher will be called again. One
 * that does not speak nw0 never will, and whoever waits is told (-1). */
static ssize_t nw0__subscription_read(nw0__connection *c, const nw0__arrival *a) {
    nw0__subscription *s = (nw0__subscription *)c;
    nw0__become_mine(c, NW0__MOVING);
    int got = nw0__subscription_read_item(s, a), error = errno;
    if (got == 1) return nw0__subscription_deliver(s, a);
    if (got != NW0__OVER) {
        nw0__become(c, NW0__OPEN, NULL);
        nw0__subscription_watch(s);
        return got < 0 ? nw0__interrupted(error) : NW0__NOT_YET;
    }
    char text[NW0_ADDRESS_SIZE];
    nw0__print_addr(c->to, text);
    nw0__debug("a conversation at port %u is over: %s", (unsigned)c->to.port, strerror(error));
    if (c->ended) nw0__hang_up(c);
    else nw0__subscription_pause(s);
    return error == EPROTO || error == EPROTONOSUPPORT ? nw0__no_answer(text, error, true)
                                                       : NW0__NOT_YET;
}

/* An item of a flood, which has arrived whole among others, is taken from where it was read,
 * without the steps of nw0__inbox_next: twice as many a second. NW0__NOT_YET: there is none. */
static ssize_t nw0__take_at_once(nw0__interest *i, char *topic, char *data, size_t capacity) {
    nw0__subscription *s = (nw0__subscription *)i->inbox.first;
    if (!s || s->base.state != NW0__OPEN || i->inbox.owned || s->base.frame.got > 0 ||
        s->has_topic || !data)
        return NW0__NOT_YET;
    nw0__connection *c = &s->base;
    const char *item = c->ahead + c->ahead_done;
    size_t left = c->ahead_size - c->ahead_done;
    if (left < 2 * NW0__LENGTH) return NW0__NOT_YET;
    size_t n = nw0__get32((const unsigned char *)item);
    if (n >= NW0_NAME_SIZE || left < 2 * NW0__LENGTH + n) return NW0__NOT_YET;
    size_t size = nw0__get32((const unsigned char *)item + NW0__LENGTH + n);
    if (left - 2 * NW0__LENGTH - n < size || size >= capacity) return NW0__NOT_YET;
    item += NW0__LENGTH;
    if (memchr(item, 0, n) || !nw0__utf8(item, n)) return NW0__NOT_YET;
    if (topic) memcpy(topic, item, n), topic[n] = '\0';
    memcpy(data, item + n + NW0__LENGTH, size);
    data[size] = '\0';
    c->ahead_done += 2 * NW0__LENGTH + n + size;
    if (c->ahead_done == c->ahead_size)
        nw0__inbox_remove(&i->inbox, &c->watch); /* from here on, the set tells */
    if (!i->inbox.first) nw0__bell_silence(&i->inbox.bell);
    s->pause = 0.01;
    return (ssize_t)size;
}

/* ---- the functions ---- */

NW0_API ssize_t nw0_wait_for_news_from_any(const char *const addresses[],
                                           const char *const prefixes[], char topic[NW0_NAME_SIZE],
                                           void *data, size_t capacity, double wait_for_s) {
    ssize_t size = -1;
    if (nw0__check_lists(addresses, prefixes) < 0 || nw0__enter() < 0) return -1;
    nw0__interest *i = nw0__interest_for(addresses, prefixes);
    if (i) size = nw0__take_at_once(i, topic, (char *)data, capacity);
    if (size == NW0__NOT_YET) {
        nw0__arrival a = nw0__arrival_for(topic, data, capacity, wait_for_s);
        size = nw0__inbox_next(&i->inbox, &a, nw0__subscription_read);
        const nw0__connection *c = i->inbox.list;
        char text[NW0_ADDRESS_SIZE];
        while (c && c->state != NW0__CONNECTING) c = c->next;
        if (size == NW0__NOT_YET)
            size = nw0__fail(ETIMEDOUT,
                             c ? "no news came in time, and %.80s cannot be reached: does it run?"
                               : "no news came in time from %.80s: it is connected, but silent",
                             c ? nw0__print_addr(c->to, text) : i->addresses + NW0__LENGTH);
        nw0__inbox_unuse(&i->inbox);
    }
    nw0__leave();
    return size;
}

NW0_API ssize_t nw0_wait_for_news_from(const char *address, const char *prefix,
                                       char topic[NW0_NAME_SIZE], void *data, size_t capacity,
                                       double wait_for_s) {
    const char *addresses[2] = {address, NULL}, *prefixes[2] = {prefix ? prefix : "", NULL};
    return nw0_wait_for_news_from_any(addresses, prefixes, topic, data, capacity, wait_for_s);
}

NW0_API int nw0_news_fd(const char *address, const char *prefix) {
    const char *addresses[2] = {address, NULL}, *prefixes[2] = {prefix ? prefix : "", NULL};
    int fd = -1;
    if (nw0__check_lists(addresses, prefixes) < 0 || nw0__enter() < 0) return -1;
    nw0__interest *i = nw0__interest_for(addresses, prefixes);
    if (i) fd = nw0__inbox_fd(&i->inbox);
    nw0__leave();
    return fd;
}

/* =================================================================================================
   Helpers                                                                                 >>helpers

   Messages are bytes, and commands are often lines. Base64 turns any bytes into a line, and a
   program that is told "play 'so what' 3" takes that apart as a shell does. Both are pure. What
   goes wrong: text that was cut, and a quote that is not closed; then
   nothing is changed. Examples: examples/command_robot.c, examples/data_send.c.
   ============================================================================================== */

/* Base64: six bits are a character. Three bytes are four characters, of which '=' stands for those
 * that have no bit of the data. */
static const char nw0__base64[] = NW0__LETTERS "+/";

NW0_API ssize_t nw0_bytes_to_string(const void *data, size_t size, char *string, size_t capacity) {
    const unsigned char *bytes = (const unsigned char *)data;
    if (size == NW0_TEXT) size = data ? strlen((const char *)data) : 0;
    if (!data && size > 0)
        return nw0__fail(EINVAL, "there is no data to turn into text: the pointer is NULL");
    if (size > SIZE_MAX / 8)
        return nw0__fail(EMSGSIZE, "%lu bytes are too many to turn into text", (unsigned long)size);
    size_t length = (size + 2) / 3 * 4;
    if (nw0__fits("the text", length, string, capacity) < 0) return -1;
    for (size_t i = 0; string && i < length; i++) {
        size_t bit = i * 6, at = bit / 8; /* each character lies across two bytes */
        unsigned two = (at < size ? bytes[at] * 256u : 0u) + (at + 1 < size ? bytes[at + 1] : 0u);
        string[i] = at < size ? nw0__base64[two >> (10 - bit % 8) & 63] : '=';
    }
    if (string) string[length] = '\0';
    return (ssize_t)length;
}

/* How many bytes a base64 text stands for; -1 if it is none. Bits that pad the last character must
 * be 0. */
static ssize_t nw0__base64_size(const char *string) {
    size_t length = strlen(string), pad = 0;
    if (length % 4 != 0) return -1;
    while (pad < 2 && pad < length && string[length - 1 - pad] == '=') pad++;
    for (size_t i = 0; i < length - pad; i++)
        if (nw0__index(nw0__base64, string[i]) < 0) return -1;
    if (pad && nw0__index(nw0__base64, string[length - pad - 1]) & (pad == 2 ? 15 : 3)) return -1;
    return (ssize_t)(length / 4 * 3 - pad);
}

NW0_API ssize_t nw0_string_to_bytes(const char *string, void *data, size_t capacity) {
    ssize_t size = string ? nw0__base64_size(string) : -1;
    if (size < 0)
        return nw0__fail(EINVAL, "\"%.40s\" is not base64, or was cut: see nw0_bytes_to_string",
                         string ? string : "");
    if (nw0__fits("the bytes", (size_t)size, data, capacity) < 0) return -1;
    if (!data) return size;
    char *out = (char *)data, *end = out + size;
    unsigned bits = 0;
    for (int i = 0; out < end; i++) {
        bits = bits << 6 | (unsigned)nw0__index(nw0__base64, *string++);
        if (i % 4 > 0) *out++ = (char)(bits >> (6 - i % 4 * 2)); /* the second completes a byte */
    }
    *end = '\0';
    return size;
}

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
    *in += strspn(*in, NW0__BLANKS);
    if (**in == '\0') return 0;
    for (int c; (c = nw0__word_char(in, &quote)) != 0;) {
        if (c == -1) return -1;
        if (c > 0 && out) *out++ = (char)c;
    }
    if (**in) ++*in; /* the space, which is where the NUL may have to go */
    if (out) *out = '\0';
    return 1;
}

NW0_API int nw0_action_and_params(char *commandline, char *words[], int capacity) {
    const char *in = commandline;
    if (!commandline || (!words && capacity > 0))
        return nw0__fail(EINVAL, "there is no command line to split: a pointer is NULL");
    int found;
    do found = nw0__word(&in, NULL); /* look first: a bad line stays as it was */
    while (found > 0);
    if (found < 0)
        return nw0__fail(EINVAL, "\"%.80s\" ends within quotes or after a backslash: close it",
                         commandline);
    in = commandline;
    for (int count = 0;; count++) {
        char *word = (char *)in + strspn(in, NW0__BLANKS);
        if (nw0__word(&in, word) == 0) return count;
        if (count < capacity) words[count] = word;
    }
}

/* =================================================================================================
   The end                                                                                     >>end

   At the end a program should say goodbye, so that nobody looks for it: nw0_shutdown() runs by
   itself at exit. Only what a process arranges once (atexit, pthread_atfork, a pthread key) is
   arranged before main().

   What goes wrong: threads that still wait somewhere in here (they are woken and awaited); a fork,
   whose child has copies of all descriptors and none of the threads (it closes its copies and
   begins afresh, so that what the parent closes is really closed; nothing is said on them, for the
   other side would take it for the parent's). Example: examples/cluster_node.c, which leaves both
   ways.
   ============================================================================================== */

#define NW0__SHUTDOWN_S 1.0 /* how long the end waits for what is still to be sent */

NW0_API int nw0_close(const char *address) {
    nw0__addr addr;
    int count = 0;
    if (nw0__enter() < 0) return -1;
    if (nw0__resolve_with_port(address, &addr) < 0) return nw0__leave(), -1;
    nw0__server *s = nw0__server_at(addr);
    if (s) nw0__inbox_shut(&s->inbox), nw0__inbox_free_if_done(&s->inbox), count++;
    if (addr.ip == 0) nw0__best_ip(nw0__library.allowed, &addr.ip); /* of those whom we call */
    for (nw0__inbox *in = nw0__interests, *after; in; in = after) {
        const nw0__connection *c = in->list;
        after = in->next;
        while (c && !nw0__same_addr(c->to, addr)) c = c->next;
        if (c) nw0__inbox_shut(in), nw0__inbox_free_if_done(in), count++;
    }
    NW0__EACH(c, nw0__calls)
        if (nw0__same_addr(c->to, addr)) nw0__hang_up(c), count++;
    nw0__leave();
    if (count > 0) return 0;
    return nw0__fail(ENOENT, "nothing of this program is open at \"%.80s\", so it cannot be closed",
                     address);
}

/* Closes and frees everything. In a forked child bells and sets are the parent's, too: nobody
 * must be woken, and no descriptor be taken out; so the waiters and the loop's set go first. */
static void nw0__discard(void) {
    struct nw0__library *l = &nw0__library;
    for (nw0__waiter *w = nw0__waiters; w; w = w->next) nw0__bell_close(&w->bell);
    nw0__waiters = NULL;
    if (nw0__loop.running) nw0__loop_close();
    while (nw0__servers) nw0__inbox_discard(nw0__servers);
    while (nw0__interests) nw0__inbox_discard(nw0__interests);
    nw0__close_all(nw0__calls, NW0__FORGET);
    nw0__discovery_discard();
    nw0__loop.timers = NULL;
    nw0__lost_timer.due = NW0__NEVER;
    nw0__free(nw0__watches.by_fd);
    memset(&nw0__watches, 0, sizeof nw0__watches);
    l->last = NULL;
    l->started = l->closing = false;
}

static void nw0__after_fork_in_child(void) {
    nw0__discard();
    nw0__library.inside = 0;
    nw0__unlock();
}

/* For the end of the process, for that of its threads, and for forks. Before main(), because a fork
 * could come while another thread is in its first call: the child would find the lock held. */
__attribute__((constructor)) static void nw0__arrange(void) {
    nw0__library.no_key = pthread_key_create(&nw0__library.thread_key, nw0__thread_ends);
    atexit(nw0_shutdown);
    pthread_atfork(nw0__lock, nw0__unlock, nw0__after_fork_in_child);
}

NW0_API void nw0_shutdown(void) {
    struct nw0__library *l = &nw0__library;
    nw0__lock();
    if (l->started && !l->closing) {
        l->closing = true;
        for (int i = 0; i < nw0__discovery.own_count; i++)
            nw0__own_announce(&nw0__discovery.own[i], 0);
        nw0__discovery.own_count = 0;
        for (nw0__inbox *in = nw0__servers; in; in = in->next) nw0__inbox_shut(in);
        for (nw0__inbox *in = nw0__interests; in; in = in->next) nw0__inbox_shut(in);
        nw0__close_all(nw0__calls, NW0__NOW);
        nw0__wake_waiters();
        /* threads come out, and what is still to be sent leaves; but not for ever */
        for (double end = nw0__deadline(NW0__SHUTDOWN_S), now = nw0__now();
             (l->inside > 0 || l->unsent > 0) && now < end; now = nw0__now())
            nw0__poll(-1, 0, now + 0.001); /* it is the end: looking is simpler than being woken */
        if (nw0__loop.running) {
            nw0__loop.stop = true;
            nw0__bell_ring(&nw0__loop.wake);
            nw0__unlock();
            pthread_join(nw0__loop.thread, NULL);
            nw0__lock();
        }
        if (l->inside > 0) l->last = nw0__discard; /* a signal handler holds a thread up */
        else nw0__discard();
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
