/* anagram_server WORDS: finds words that have the same letters as the one it is asked for. WORDS is
 * a file with any number of words. See anagram_client.
 *     cc -I. examples/anagram_server.c -o anagram_server -pthread
 *     ./anagram_server examples/anagram_words.txt       or /usr/share/dict/words */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* how often each letter is in the word, in capitals or not */
static void count_letters(const char *word, int counts[256]) {
    memset(counts, 0, 256 * sizeof counts[0]);
    for (; *word; word++) counts[tolower((unsigned char)*word)]++;
}

int main(int argc, char **argv) {
    nw0_service me;
    char asked[100], word[100], found[1000];
    int wanted[256], counts[256];
    FILE *words = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (argc != 2) return fprintf(stderr, "usage: anagram_server WORDS\n"), 2;
    if (!words) return perror(argv[1]), 1;
    if (nw0_advertise("anagram", NULL, &me) < 0) return fprintf(stderr, "%s\n", nw0_error()), 1;

    while (nw0_wait_for_message_from(me.address, asked, sizeof asked, NW0_FOREVER, false) >= 0) {
        size_t used = 0;
        count_letters(asked, wanted);
        for (rewind(words); fscanf(words, "%99s", word) == 1;) {
            count_letters(word, counts);
            if (memcmp(counts, wanted, sizeof counts) != 0 || used + 101 > sizeof found) continue;
            used += (size_t)snprintf(found + used, sizeof found - used, used ? " %s" : "%s", word);
        }
        if (nw0_send_reply_to(me.address, found, used) < 0) perror("anagram_server");
    }
    return fprintf(stderr, "anagram_server: %s\n", nw0_error()), 1;
}
