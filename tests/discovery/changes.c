/* changes.c - who joins and who leaves, in a list that is the caller's. */
#include "nw0.h"

#include "discovery.h"

static void members_join_and_leave(void) {
    struct puppet p = puppet();
    order(&p, ADVERTISE, "team/a", "127.0.0.1:7001");
    CHECK(joins("team", "team/a", "127.0.0.1:7001"));
    CHECK(answer_of(&p).result == 0);
    order(&p, ADVERTISE, "team/b", "127.0.0.1:7002");
    CHECK(joins("team", "team/b", "127.0.0.1:7002"));
    CHECK(has("team/a", "127.0.0.1:7001") && has("team/b", "127.0.0.1:7002"));
    CHECK(answer_of(&p).result == 0);
    order(&p, UNADVERTISE, "team/a", "");
    CHECK(leaves("team", "team/a", "127.0.0.1:7001"));
    CHECK(list.count == 1 && has("team/b", "127.0.0.1:7002"));
    CHECK(answer_of(&p).result == 0);
    dismiss(&p);
    CHECK(leaves("team", "team/b", "127.0.0.1:7002") && list.count == 0);
}

static void moving_is_leaving_and_joining(void) {
    struct puppet p = puppet();
    CHECK(tell(&p, ADVERTISE, "team/a", "127.0.0.1:7001").result == 0);
    CHECK(joins("team", "team/a", "127.0.0.1:7001"));
    CHECK(tell(&p, ADVERTISE, "team/a", "127.0.0.1:7002").result == 0);
    CHECK(leaves("team", "team/a", "127.0.0.1:7001") && list.count == 0);
    CHECK(joins("team", "team/a", "127.0.0.1:7002") && has("team/a", "127.0.0.1:7002"));
    dismiss(&p);
}

static void changes_elsewhere_are_no_changes(void) {
    struct puppet p = puppet();
    CHECK(tell(&p, ADVERTISE, "team", "127.0.0.1:7001").result == 0);
    CHECK(tell(&p, ADVERTISE, "teams/a", "127.0.0.1:7001").result == 0);
    CHECK(nw0_discover("teams/a", LIMIT, NULL) == 0);
    double start = check_now();
    CHECK_FAILS(change_in("team", 8, 0.3), ETIMEDOUT);
    CHECK(check_now() - start >= 0.3 && list.count == 0);
    CHECK_FAILS(change_in("team", 8, 0), ETIMEDOUT);
    CHECK(nw0_wait_for_change("team", "s/", list.members, &list.count, 8, NULL, LIMIT) ==
          NW0_JOINED);
    CHECK(has("teams/a", "127.0.0.1:7001"));
    dismiss(&p);
}

static void no_group_is_every_service(void) {
    struct puppet p = puppet();
    CHECK(tell(&p, ADVERTISE, "theirs", "127.0.0.1:7001").result == 0);
    CHECK(nw0_advertise("ours", "127.0.0.1:7002", NULL) == 0);
    CHECK(change_in(NULL, 8, LIMIT) == NW0_JOINED && change_in(NULL, 8, LIMIT) == NW0_JOINED);
    CHECK(has("ours", "127.0.0.1:7002") && has("theirs", "127.0.0.1:7001") && list.count == 2);
    CHECK(nw0_unadvertise("ours") == 0);
    CHECK(leaves(NULL, "ours", "127.0.0.1:7002"));
    dismiss(&p);
}

static void list_of_the_caller_is_what_counts(void) {
    CHECK(nw0_advertise("team/a", "127.0.0.1:7001", NULL) == 0);
    strcpy(list.members[0].name, "team/ghost");
    strcpy(list.members[0].address, "127.0.0.1:1");
    strcpy(list.members[1].name, "team/a");
    strcpy(list.members[1].address, "127.0.0.1:7001");
    list.count = 2;
    CHECK(leaves("team", "team/ghost", "127.0.0.1:1"));
    CHECK(list.count == 1 && has("team/a", "127.0.0.1:7001"));
    CHECK_FAILS(change_in("team", 8, 0), ETIMEDOUT);
    list.count = 0;
    CHECK(joins("team", "team/a", "127.0.0.1:7001"));
}

/* It is the caller's memory: whatever stands there, a few changes make it right. */
static void list_in_disorder_is_put_right(void) {
    static const char *const names[] = {"team/a", "team/b", "team/c"};
    static const char *const found[] = {"team/c", "team/b", "team/b", "team/a"};
    int changes = 0;
    advertise_all(names, 3);
    for (int i = 0; i < 4; i++) {
        strcpy(list.members[i].name, found[i]);
        memset(list.members[i].address, i == 3 ? '\0' : 'x', 5);
    }
    list.count = 4;
    while (changes < 20 && change_in("team", 8, 0) > 0) changes++;
    CHECK(errno == ETIMEDOUT && changes <= 4 + 3 && list.count == 3);
    for (int i = 0; i < 3; i++) CHECK(strcmp(list.members[i].name, names[i]) == 0);
}

static void full_list_stays_right(void) {
    static const char *const names[] = {"team/a", "team/b", "team/c"};
    advertise_all(names, 3);
    CHECK(change_in("team", 2, LIMIT) == NW0_JOINED && change_in("team", 2, LIMIT) == NW0_JOINED);
    nw0_service before[2];
    memcpy(before, list.members, sizeof before);
    memset(&list.members[2], 'x', sizeof list.members[2]);
    for (int i = 0; i < 3; i++) CHECK_FAILS(change_in("team", 2, LIMIT), ENOBUFS);
    CHECK(list.count == 2 && memcmp(before, list.members, sizeof before) == 0 &&
          list.members[2].name[0] == 'x');

    char gone[NW0_NAME_SIZE];
    strcpy(gone, before[0].name); /* room is made by whoever leaves */
    CHECK(nw0_unadvertise(gone) == 0);
    CHECK(change_in("team", 2, LIMIT) == NW0_LEFT && strcmp(list.changed.name, gone) == 0 &&
          list.count == 1);
    CHECK(change_in("team", 2, LIMIT) == NW0_JOINED && list.count == 2);
    CHECK_FAILS(change_in("team", 2, 0), ETIMEDOUT);
}

static void no_room_at_all_is_a_full_list(void) {
    CHECK(nw0_advertise("team/a", "127.0.0.1:7001", NULL) == 0);
    CHECK_FAILS(nw0_wait_for_change("team", NULL, NULL, &list.count, 0, NULL, LIMIT), ENOBUFS);
    CHECK(list.count == 0);
}

static void list_that_makes_no_sense_is_refused(void) {
    int negative = -1, three = 3;
    CHECK_FAILS(nw0_wait_for_change(NULL, NULL, list.members, NULL, 8, NULL, 0), EINVAL);
    CHECK_FAILS(nw0_wait_for_change(NULL, NULL, list.members, &negative, 8, NULL, 0), EINVAL);
    CHECK_FAILS(nw0_wait_for_change(NULL, NULL, list.members, &three, 2, NULL, 0), EINVAL);
    CHECK_FAILS(nw0_wait_for_change(NULL, NULL, NULL, &list.count, 8, NULL, 0), EINVAL);
}

static void leaves_at_once(struct puppet *p, enum what how) {
    CHECK(tell(p, ADVERTISE, "leaver", "127.0.0.1:7001").result == 0);
    CHECK(joins(NULL, "leaver", "127.0.0.1:7001"));
    double start = check_now();
    order(p, how, "leaver", "");
    CHECK(leaves(NULL, "leaver", "127.0.0.1:7001"));
    CHECK(check_now() - start < AT_ONCE);
    if (how != LEAVE) CHECK(answer_of(p).result == 0);
}

static void goodbyes_are_seen_at_once(void) {
    struct puppet p = puppet();
    leaves_at_once(&p, UNADVERTISE);
    leaves_at_once(&p, SHUTDOWN);
    leaves_at_once(&p, LEAVE); /* an exit of the program */
    bury(&p);
}

int main(int argc, char **argv) {
    discovery_begin(argc, argv);
    RUN_APART(members_join_and_leave);
    RUN_APART(moving_is_leaving_and_joining);
    RUN_APART(changes_elsewhere_are_no_changes);
    RUN_APART(no_group_is_every_service);
    RUN_APART(list_of_the_caller_is_what_counts);
    RUN_APART(list_in_disorder_is_put_right);
    RUN_APART(full_list_stays_right);
    RUN_APART(no_room_at_all_is_a_full_list);
    RUN_APART(list_that_makes_no_sense_is_refused);
    RUN_APART(goodbyes_are_seen_at_once);
    return discovery_report("discovery/changes");
}
