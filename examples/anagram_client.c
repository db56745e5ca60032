/* anagram_client: type letters in any order and Enter, and it shows the words that they make.
 * Ctrl-D ends it. The one who knows the words is anagram_server.
 *     cc -I. examples/anagram_client.c -o anagram_client -pthread && ./anagram_client */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <stdio.h>
#include <string.h>

int main(void) {
    nw0_service server;
    char letters[100], words[1000];
    if (nw0_discover("anagram", 10, &server) < 0)
        return fprintf(stderr, "anagram_client: %s\n", nw0_error()), 1;
    setvbuf(stdout, NULL, _IOLBF, 0); /* show every line at once, also in a file or a pipe */
    while (fgets(letters, sizeof letters, stdin)) {
        letters[strcspn(letters, "\n")] = '\0';
        ssize_t size =
            nw0_send_message_to(server.address, letters, NW0_TEXT, words, sizeof words, 5);
        if (size < 0) return fprintf(stderr, "anagram_client: %s\n", nw0_error()), 1;
        printf("%s\n", size > 0 ? words : "nothing found");
    }
    return 0;
}
