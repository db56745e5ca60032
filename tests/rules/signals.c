/* signals.c - a signal ends a wait and loses nothing; the library neither raises nor takes any. */
#include "nw0.h"

#include "child.h"
#include "rules.h"
#include "signals.h"

static void signals_end_waits(int flags, double wait_s) {
    pest p;
    waits_begin();
    handle(SIGUSR1, flags);
    for (int i = 0; i < WAITS; i++) {
        pest_start(&p, pthread_self(), NULL, 20000);
        double begin = check_now();
        CHECK_FAILS(waits(i, wait_s), EINTR);
        CHECK(check_now() - begin < LIMIT / 2);
        pest_stop(&p);
    }
    waits_end();
}

static void a_signal_ends_every_wait(void) {
    signals_end_waits(0, LIMIT);
    signals_end_waits(0, NW0_FOREVER);
}

static void a_signal_ends_every_wait_under_SA_RESTART_too(void) {
    signals_end_waits(SA_RESTART, LIMIT);
    signals_end_waits(SA_RESTART, NW0_FOREVER);
}

static void interrupt_once(ssize_t wait(double)) {
    pest p;
    pest_start(&p, pthread_self(), NULL, 20000);
    CHECK_FAILS(wait(LIMIT), EINTR);
    pest_stop(&p);
}

static void an_interrupted_discovery_goes_on(void) {
    handle(SIGUSR1, SA_RESTART);
    interrupt_once(waits_for_a_name);
    interrupt_once(waits_for_a_change);
    CHECK(nw0_advertise("rules/nobody", NULL, NULL) >= 0);
    CHECK(waits_for_a_name(LIMIT) >= 0);
    CHECK(waits_for_a_change(LIMIT) == NW0_JOINED);
    nw0_shutdown();
}

/* half a question came before the signal, and half comes after it */
static void an_interrupted_wait_loses_no_half_message(void) {
    waits_begin();
    handle(SIGUSR1, 0);
    listen_at(own_address);
    int fd = raw_connect(own_address);
    raw_put(fd, HELLO "\0\0\0\5hal", 15);
    interrupt_once(waits_for_a_message);
    raw_put(fd, "lo", 2);
    CHECK(takes(own_address, "hallo", LIMIT));
    CHECK(replies(own_address, "ok"));
    CHECK(raw_got(fd, "\0\0\0\2ok", 6));
    close(fd);
    waits_end();
}

static void an_interrupted_question_is_answered_by_the_same_call(void) {
    waits_begin();
    handle(SIGUSR1, 0);
    interrupt_once(waits_for_an_absent_server);
    pthread_t thread = start(echo, absent_address);
    CHECK(waits_for_an_absent_server(LIMIT) == 5);
    CHECK(asks(absent_address, "stop", "stop"));
    CHECK(finish(thread) != NULL);
    waits_end();
}

static void an_interrupted_answer_can_be_fetched(void) {
    char room[8];
    waits_begin();
    handle(SIGUSR1, 0);
    interrupt_once(waits_for_a_silent_server);
    int fd = raw_accept(silent_listener);
    CHECK(raw_got(fd, HELLO "\0\0\0\5hello", 17));
    interrupt_once(waits_for_the_reply);
    raw_put(fd, "\0\0\0\3yes", 7);
    CHECK(nw0_wait_for_reply_from(silent_address, room, sizeof room, LIMIT) == 3);
    CHECK(strcmp(room, "yes") == 0);
    close(fd);
    waits_end();
}

/* ---- a storm of signals ---- */

#define STORM_MESSAGES 4
static char storm_address[NW0_ADDRESS_SIZE];
static int storm_taken;

static void *storm_serve(void *unused) {
    char *room = malloc(MOST + 1);
    while (storm_taken < STORM_MESSAGES) {
        ssize_t n = nw0_wait_for_message_from(storm_address, room, MOST + 1, LIMIT, false);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) break;
        storm_taken++;
        while (nw0_send_reply_to(storm_address, room, (size_t)n) < 0 && errno == EINTR) continue;
    }
    free(room);
    return unused;
}

/* what is to be done about EINTR: fetch the answer if the question went out, else ask again */
static ssize_t ask_stubbornly(const void *message, size_t size, void *reply) {
    ssize_t n = nw0_send_message_to(storm_address, message, size, reply, MOST + 1, LIMIT);
    while (n < 0 && errno == EINTR) {
        n = nw0_wait_for_reply_from(storm_address, reply, MOST + 1, LIMIT);
        if (n < 0 && errno == EINVAL)
            n = nw0_send_message_to(storm_address, message, size, reply, MOST + 1, LIMIT);
    }
    return n;
}

static void a_storm_of_signals_loses_nothing(void) {
    unsigned char *message = malloc(MOST), *reply = malloc(MOST + 1);
    pest p;
    new_address(storm_address);
    storm_taken = signals_seen = 0;
    handle(SIGUSR1, SA_RESTART);
    for (size_t i = 0; i < MOST; i++) message[i] = (unsigned char)(i * 7 + i / 255);
    pthread_t thread = start(storm_serve, NULL);
    pest_start(&p, pthread_self(), &thread, 1000);
    for (size_t i = 0; i < STORM_MESSAGES; i++) {
        CHECK(ask_stubbornly(message + i, MOST - i, reply) == (ssize_t)(MOST - i));
        CHECK(memcmp(reply, message + i, MOST - i) == 0);
    }
    pest_stop(&p);
    finish(thread);
    CHECK(storm_taken == STORM_MESSAGES); /* each once */
    CHECK(signals_seen > 10);
    nw0_shutdown();
    free(message);
    free(reply);
}

/* ---- signals that are none of the library's business ---- */

/* says that it will say no more, and goes away in the middle: who sends on is told by SIGPIPE */
static void *take_large_and_leave(void *listener) {
    char some[100];
    int fd = raw_accept(*(int *)listener);
    if (recv(fd, some, sizeof some, MSG_WAITALL) != sizeof some) listener = NULL;
    shutdown(fd, SHUT_WR);
    if (recv(fd, some, sizeof some, MSG_WAITALL) != sizeof some) listener = NULL;
    close(fd);
    return listener;
}

static void no_SIGPIPE_is_raised(void) {
    char address[NW0_ADDRESS_SIZE], *large = calloc(1, MOST), none[8];
    int listener = raw_listen(address);
    handle(SIGPIPE, 0);
    signals_seen = 0;
    pthread_t thread = start(take_large_and_leave, &listener);
    CHECK_FAILS(nw0_send_message_to(address, large, MOST, none, sizeof none, LIMIT), ECONNRESET);
    CHECK(finish(thread) != NULL);
    close(listener);
    new_address(address);
    listen_at(address);
    for (int i = 0; i < 3; i++) { /* the first reply may still find the buffers of the kernel */
        int fd = raw_connect(address);
        raw_put(fd, HELLO "\0\0\0\2hi", 14);
        CHECK(takes(address, "hi", LIMIT));
        close(fd);
        if (nw0_send_reply_to(address, large, MOST) < 0) CHECK(errno == EPIPE);
    }
    CHECK(echo_round_trip());
    CHECK(signals_seen == 0);
    signal(SIGPIPE, SIG_DFL);
    nw0_shutdown();
    free(large);
}

/* in a process of its own: what is said is told to nobody, by this thread and by the library's */
static int say_to_nobody(void) {
    nw0_service service;
    int ends[2];
    signal(SIGPIPE, SIG_DFL);
    if (pipe(ends) < 0 || dup2(ends[1], STDERR_FILENO) < 0) return 1;
    close(ends[0]);
    setenv("NW0_DEBUG", "1", 1);
    CHECK(nw0_advertise("rules/nobody hears", NULL, &service) >= 0);
    CHECK(nw0_discover("rules/nobody hears", LIMIT, NULL) >= 0);
    CHECK(echo_round_trip());
    nw0_shutdown();
    return check_faults;
}

static void no_SIGPIPE_is_raised_by_NW0_DEBUG(void) {
    CHECK(child_ended_well(child_start("--to-nobody", NULL)));
}

#define MOST_SIGNALS 128

static void remember_handlers(struct sigaction actions[MOST_SIGNALS]) {
    memset(actions, 0, MOST_SIGNALS * sizeof *actions);
    for (int i = 1; i <= port_signals() && i < MOST_SIGNALS; i++) sigaction(i, NULL, &actions[i]);
}

static void no_signal_handler_is_installed(void) {
    static struct sigaction before[MOST_SIGNALS], after[MOST_SIGNALS];
    remember_handlers(before);
    CHECK(nw0_advertise("rules/handlers", NULL, NULL) >= 0);
    CHECK(echo_round_trip());
    remember_handlers(after);
    for (int i = 1; i < MOST_SIGNALS; i++)
        CHECK(before[i].sa_handler == after[i].sa_handler &&
              before[i].sa_flags == after[i].sa_flags);
    nw0_shutdown();
}

static void a_signal_of_the_process_waits_for_the_programs_threads(void) {
    sigset_t set, pending;
    handle(SIGUSR1, 0);
    signals_seen = 0;
    CHECK(nw0_advertise("rules/pending", NULL, NULL) >= 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR1);
    usleep(50000); /* time enough for another thread to take it, if one would */
    sigpending(&pending);
    CHECK(sigismember(&pending, SIGUSR1) == 1 && signals_seen == 0);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    for (double end = check_now() + LIMIT; signals_seen == 0 && check_now() < end;) usleep(100);
    CHECK(signals_seen == 1);
    nw0_shutdown();
}

int main(int argc, char **argv) {
    child_begin(argv);
    if (child_role(argc, argv, "--to-nobody")) return say_to_nobody();
    net_begin();
    check_begin(argc, argv);
    RUN(a_signal_ends_every_wait);
    RUN(a_signal_ends_every_wait_under_SA_RESTART_too);
    RUN(an_interrupted_discovery_goes_on);
    RUN(an_interrupted_wait_loses_no_half_message);
    RUN(an_interrupted_question_is_answered_by_the_same_call);
    RUN(an_interrupted_answer_can_be_fetched);
    RUN(a_storm_of_signals_loses_nothing);
    RUN(no_SIGPIPE_is_raised);
    RUN(no_SIGPIPE_is_raised_by_NW0_DEBUG);
    RUN(no_signal_handler_is_installed);
    RUN(a_signal_of_the_process_waits_for_the_programs_threads);
    nw0_shutdown();
    return check_report("rules/signals");
}
