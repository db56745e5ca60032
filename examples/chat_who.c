/* chat_who [SEPARATOR]: lists who is in the group "chat", on any machine. See chat_join.
 *     cc -I. examples/chat_who.c -o chat_who -pthread
 *     ./chat_who                lists chat/alice, chat/bob ...
 *     ./chat_who :              lists chat:alice, chat:bob ... */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <stdio.h>
#include <string.h>

enum { CAPACITY = 100 };

int main(int argc, char **argv) {
    const char *separator = argc > 1 ? argv[1] : "/";
    nw0_service members[CAPACITY];
    int count = nw0_discover_group("chat", separator, NULL, members, CAPACITY);
    if (count < 0) return fprintf(stderr, "chat_who: %s\n", nw0_error()), 1;

    for (int i = 0; i < count && i < CAPACITY; i++)
        printf("%s is at %s\n", members[i].name + strlen("chat") + strlen(separator),
               members[i].address);
    if (count == 0) printf("nobody is in the chat\n");
    if (count > CAPACITY) printf("... and %d more\n", count - CAPACITY);
    return 0;
}
