/* lists.c - lists: all services, and those of a group. */
#include "nw0.h"

#include "discovery.h"

static bool lists(const nw0_service services[], int count, const char *const names[]) {
    for (int i = 0; i < count; i++)
        if (!is(&services[i], names[i], "127.0.0.1:7001")) return false;
    return true;
}

static void lists_are_sorted_and_counted(void) {
    static const char *const given[] = {"b", "\xc3\xa9", "a", "Z", "a/b", "ab"};
    static const char *const sorted[] = {"Z", "a", "a/b", "ab", "b", "\xc3\xa9"};
    nw0_service s[8];
    advertise_all(given, 6);
    CHECK(nw0_discover_all(0, s, 8) == 6 && lists(s, 6, sorted));
    for (int capacity = 0; capacity < 8; capacity++) {
        memset(s, 'x', sizeof s);
        CHECK(nw0_discover_all(0, s, capacity) == 6);
        CHECK(lists(s, capacity < 6 ? capacity : 6, sorted));
        for (int i = capacity; i < 8; i++) CHECK(s[i].name[0] == 'x' && s[i].address[0] == 'x');
    }
    CHECK(nw0_discover_all(0, NULL, 0) == 6);
}

static void group_is_its_prefix(void) {
    static const char *const given[] = {"chat/bob",  "chat/alice", "chat",       "chatter/x",
                                        "chat:doug", "chat/x/y",   "other/alice"};
    static const char *const with_slash[] = {"chat/alice", "chat/bob", "chat/x/y"},
                             *const with_colon[] = {"chat:doug"};
    nw0_service s[8];
    advertise_all(given, 7);
    CHECK(nw0_discover_group("chat", NULL, NULL, s, 8) == 3 && lists(s, 3, with_slash));
    CHECK(nw0_discover_group("chat", "/", NULL, s, 8) == 3 && lists(s, 3, with_slash));
    CHECK(nw0_discover_group("chat", ":", NULL, s, 8) == 1 && lists(s, 1, with_colon));
    CHECK(nw0_discover_group("chat", "", NULL, s, 8) == 6);
    CHECK(nw0_discover_group("chat", "/x/", NULL, s, 8) == 1);
    CHECK(nw0_discover_group("cha", NULL, NULL, s, 8) == 0);
    memset(s, 'x', sizeof s);
    CHECK(nw0_discover_group("chat", NULL, NULL, s, 2) == 3 && lists(s, 2, with_slash) &&
          s[2].name[0] == 'x');
    CHECK(nw0_discover_group("chat", NULL, NULL, NULL, 0) == 3);
    CHECK_FAILS(nw0_discover_group(NULL, NULL, NULL, s, 8), EINVAL);
}

static void group_leaves_out_the_excluded(void) {
    static const char *const given[] = {"chat/bob", "chat/alice", "chat/doug"};
    static const char *const nobody[] = {NULL}, *const bob[] = {"chat/bob", "chat", "bob", NULL};
    static const char *const all[] = {"chat/doug", "chat/alice", "chat/bob", NULL};
    static const char *const left[] = {"chat/alice", "chat/doug"};
    nw0_service s[4];
    advertise_all(given, 3);
    CHECK(nw0_discover_group("chat", NULL, nobody, s, 4) == 3);
    CHECK(nw0_discover_group("chat", NULL, bob, s, 4) == 2 && lists(s, 2, left));
    CHECK(nw0_discover_group("chat", NULL, bob, NULL, 0) == 2);
    CHECK(nw0_discover_group("chat", NULL, all, s, 4) == 0);
}

/* What no wait at all shall be, though the machine is busy, shows in the best of a few. */
static void first_list_lets_the_network_answer(void) {
    struct puppet crowd = puppet(), fresh[4] = {puppet(), puppet(), puppet(), puppet()};
    char name[32];
    double best = LIMIT;
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof name, "crowd/%d", i);
        CHECK(tell(&crowd, ADVERTISE, name, "127.0.0.1:7001").result == 0);
    }
    for (int i = 0; i < 4; i++) {
        struct answer a =
            i % 2 ? tell(&fresh[i], LIST, "crowd/", "") : tell(&fresh[i], LIST_WITHIN_1_S, "", "");
        CHECK(a.result == 50);
        if (a.took < best) best = a.took;
    }
    CHECK(best < 0.75 || slowness() > 1);
    for (int i = 3; i >= 0; i--) dismiss(&fresh[i]);
    dismiss(&crowd);
}

static void later_lists_do_not_wait(void) {
    double best = LIMIT;
    CHECK(nw0_discover_all(0, NULL, 0) == 0);
    for (int i = 0; i < 10; i++) {
        double start = check_now();
        CHECK(nw0_discover_all(0, NULL, 0) == 0);
        CHECK(nw0_discover_group("chat", NULL, NULL, NULL, 0) == 0);
        if (check_now() - start < best) best = check_now() - start;
    }
    CHECK(best < 0.05);
}

static void discover_all_waits_for_the_first(void) {
    struct puppet p = puppet();
    CHECK(nw0_discover_all(0, NULL, 0) == 0);
    order(&p, ADVERTISE, "first", "127.0.0.1:7001");
    nw0_service s;
    CHECK(nw0_discover_all(LIMIT, &s, 1) == 1 && is(&s, "first", "127.0.0.1:7001"));
    dismiss(&p);
}

static void discover_all_of_nothing_is_none(void) {
    double start = check_now();
    CHECK(nw0_discover_all(0.9, NULL, 0) == 0);
    CHECK(check_now() - start >= 0.9 && check_now() - start < 3);
}

int main(int argc, char **argv) {
    discovery_begin(argc, argv);
    RUN_APART(first_list_lets_the_network_answer);
    RUN_APART(lists_are_sorted_and_counted);
    RUN_APART(group_is_its_prefix);
    RUN_APART(group_leaves_out_the_excluded);
    RUN_APART(later_lists_do_not_wait);
    RUN_APART(discover_all_waits_for_the_first);
    RUN_APART(discover_all_of_nothing_is_none);
    return discovery_report("discovery/lists");
}
