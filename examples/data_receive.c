/* data_receive DIRECTORY: keeps the files that data_send sends.
 *     cc -I. examples/data_receive.c -o data_receive -pthread && ./data_receive /tmp */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* writes name, zero byte, content as a file; nothing that a name could lead elsewhere with */
static bool keep(const char *directory, const char *name, size_t size) {
    char path[4000];
    size_t begin = strlen(name) + 1; /* a zero byte follows every message, so this cannot fail */
    if (begin > size || begin > 256 || name[0] == '.' || strchr(name, '/')) return false;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "wb");
    if (!file) return false;
    bool written = fwrite(name + begin, 1, size - begin, file) == size - begin;
    return fclose(file) == 0 && written;
}

int main(int argc, char **argv) {
    nw0_service me;
    char answer[400];
    if (argc != 2) return fprintf(stderr, "usage: data_receive DIRECTORY\n"), 2;
    if (nw0_advertise("files", NULL, &me) < 0) return fprintf(stderr, "%s\n", nw0_error()), 1;

    for (;;) { /* NULL and 0 only ask how large the next message is */
        ssize_t size = nw0_wait_for_message_from(me.address, NULL, 0, NW0_FOREVER, false);
        size_t n = size < 0 ? 0 : (size_t)size;
        char *file = (char *)malloc(n + 1);
        if (size < 0 || !file || nw0_wait_for_message_from(me.address, file, n + 1, 5, false) < 0)
            return fprintf(stderr, "data_receive: %s\n", nw0_error()), 1;
        snprintf(answer, sizeof answer, "%s: %.255s", keep(argv[1], file, n) ? "kept" : "not kept",
                 file);
        if (nw0_send_reply_to(me.address, answer, NW0_TEXT) < 0) perror("data_receive");
        free(file);
    }
}
