/* threads.c - the library's own thread, and what the system says that the others do. */
#include "memory.h"
#define NW0_IMPLEMENTATION
#include "nw0.h"

#include "rules/rules.h"
#include <dirent.h>
#include <sys/syscall.h>

/* the threads of this process; how many */
static int threads_now(long ids[], int capacity) {
    int count = 0;
    struct dirent *entry;
    DIR *tasks = opendir("/proc/self/task");
    while ((entry = readdir(tasks)) != NULL && count < capacity)
        if (entry->d_name[0] != '.') ids[count++] = atol(entry->d_name);
    closedir(tasks);
    return count;
}

static int threads_at_rest; /* while the library has none */

/* a thread that has been joined may still be there for a moment */
static int threads_become(int wanted) {
    long ids[100];
    int now = threads_now(ids, 100);
    for (double end = check_now() + LIMIT; now != wanted && check_now() < end; usleep(1000))
        now = threads_now(ids, 100);
    if (now != wanted) printf("    %d threads\n", now);
    return now == wanted;
}

static void *tell_its_id(void *id) {
    *(long *)id = syscall(SYS_gettid);
    return id;
}

/* a sanitizer has a thread of its own, from the first thread of the program on */
static void count_threads_at_rest(void) {
    long id = 0, ids[100];
    char path[64];
    finish(start(tell_its_id, &id));
    snprintf(path, sizeof path, "/proc/self/task/%ld", id);
    for (double end = check_now() + LIMIT; access(path, F_OK) == 0 && check_now() < end;)
        usleep(1000);
    threads_at_rest = threads_now(ids, 100);
}

/* a line of what the system says about a thread; what follows its title */
static char *thread_status(long thread, const char *title, char line[200]) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%ld/status", thread);
    FILE *status = fopen(path, "r");
    if (status == NULL) return strcpy(line, "");
    while (fgets(line, 200, status) != NULL && strncmp(line, title, strlen(title)) != 0)
        line[0] = 0;
    fclose(status);
    return line + strcspn(line, "\t") + 1;
}

static unsigned long long blocked_signals(long thread) {
    char line[200];
    return strtoull(thread_status(thread, "SigBlk:", line), NULL, 16);
}

/* a thread that has just been born blocks everything for a moment, in the C library */
static int falls_asleep(long thread) {
    char line[200];
    for (double end = check_now() + LIMIT; check_now() < end; usleep(1000))
        if (thread_status(thread, "State:", line)[0] == 'S') return 1;
    return 0;
}

static void the_librarys_thread_blocks_all_signals(void) {
    /* nobody can block the first two; valgrind keeps the last for itself, the C library some */
    unsigned long long never = 1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1) | 1ull << 63;
    for (int number = 32; number < SIGRTMIN; number++) never |= 1ull << (number - 1);
    long before[100], after[100];
    CHECK(threads_become(threads_at_rest));
    int old = threads_now(before, 100), seen = 0;
    CHECK(nw0_advertise("rules/thread", NULL, NULL) >= 0);
    int now = threads_now(after, 100);
    CHECK(now == old + 1);
    for (int i = 0; i < now; i++) {
        int known = 0;
        for (int k = 0; k < old; k++) known = known || before[k] == after[i];
        if (known) continue;
        CHECK(falls_asleep(after[i]));
        CHECK((blocked_signals(after[i]) | never) == ~0ull);
        seen++;
    }
    CHECK(seen == 1);
    CHECK(blocked_signals((long)getpid()) == 0); /* and that of the program is left as it was */
    nw0_shutdown();
}

static void shutdown_leaves_no_thread(void) {
    long ids[100];
    CHECK(threads_become(threads_at_rest));
    for (int i = 0; i < 3; i++) {
        use_everything();
        CHECK(threads_now(ids, 100) > threads_at_rest);
        nw0_shutdown();
        use_no_more();
        CHECK(threads_become(threads_at_rest));
    }
}

static int held_up, let_go;

static void on_signal_for_long(int number) {
    (void)number;
    __atomic_store_n(&held_up, 1, __ATOMIC_SEQ_CST);
    for (double end = check_now() + LIMIT / 2; check_now() < end; usleep(10000))
        if (__atomic_load_n(&let_go, __ATOMIC_SEQ_CST)) return;
}

/* a thread that stays in a wait for long, such as in a signal handler: shutdown waits for it, but
 * not for ever, and yet the library can be used again */
static void shutdown_with_a_thread_held_up_is_not_the_end(void) {
    char address[NW0_ADDRESS_SIZE];
    int before = descriptor_count();
    long ids[100];
    new_address(address);
    signal(SIGUSR2, on_signal_for_long);
    held_up = let_go = 0;
    pthread_t thread = start(echo, address);
    int count = threads_now(ids, 100);
    CHECK(asks(address, "hello", "hello"));
    CHECK(falls_asleep(ids[count - 1])); /* the newest is the last: it is in its next wait */
    pthread_kill(thread, SIGUSR2);
    while (!__atomic_load_n(&held_up, __ATOMIC_SEQ_CST)) usleep(1000);
    double begin = check_now();
    nw0_shutdown();
    double took = check_now() - begin;
    CHECK(took > 0.9 && took < 5); /* a second */
    __atomic_store_n(&let_go, 1, __ATOMIC_SEQ_CST);
    CHECK(finish(thread) == NULL);
    CHECK(echo_round_trip());
    nw0_shutdown();
    CHECK(descriptor_count() == before && live_allocations == 0);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    count_threads_at_rest();
    RUN(shutdown_leaves_no_thread);
    RUN(shutdown_with_a_thread_held_up_is_not_the_end);
    RUN(the_librarys_thread_blocks_all_signals);
    nw0_shutdown();
    return check_report("linux/threads");
}
