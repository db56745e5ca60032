/* fuzz.h - what the fuzzers share. Each of them defines
 *
 *     static const struct seed seeds[] = {SEED("text"), ...};     what is right, to be made wrong
 *     int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
 *
 * and includes this file twice: first for the declarations, and at its end, with FUZZ_MAIN, for the way to run it.
 * With FUZZ_LIBFUZZER it is libFuzzer that invents the input:
 *     clang -DFUZZ_LIBFUZZER -fsanitize=fuzzer,address -I. tests/fuzz/fuzz_advert.c -pthread
 * Without, any compiler will do: the program reads the files that it is given, or else some hundred thousand
 * mutations of its seeds, the same ones in every run, each ending at a guard page.
 */
#ifndef FUZZ_H
#define FUZZ_H
#define NW0_STATIC
#define NW0_IMPLEMENTATION
#include "nw0.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct seed {
    const char *bytes;
    size_t size;
};
#define SEED(text)                                                                                 \
    { text, sizeof(text) - 1 }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* how many mutations the program tries by itself */
#ifndef FUZZ_ROUNDS
#define FUZZ_ROUNDS 300000
#endif

/* how many inputs meant something: a fuzzer that is never understood tests little */
static unsigned long fuzz_understood;

/* what must be true of every input */
#define HOLDS(condition) ((condition) ? (void)0 : fuzz_broken(#condition, __LINE__))

#define FUZZ_ROOM 4096
static uint8_t fuzz_input[FUZZ_ROOM]; /* what is tried; libFuzzer keeps it in a file instead */
static size_t fuzz_size;

static void fuzz_broken(const char *what, int line) {
    fprintf(stderr, "FAILED line %d: not so: %s\n    with", line, what);
    for (size_t i = 0; i < fuzz_size; i++) fprintf(stderr, " %02x", fuzz_input[i]);
    fprintf(stderr, "\n");
    abort();
}
#endif

#if defined FUZZ_MAIN && defined FUZZ_LIBFUZZER
/* seeds now and then, and what libFuzzer makes of them */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned number);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned number) {
    const struct seed *seed = &seeds[number % (sizeof seeds / sizeof seeds[0])];
    if (size < 2 || number % 97 == 0) {
        size = seed->size < max_size ? seed->size : max_size;
        memcpy(data, seed->bytes, size);
    }
    return LLVMFuzzerMutate(data, size, max_size);
}

#elif defined FUZZ_MAIN
#include <sys/mman.h>
#include <unistd.h>

static uint8_t *fuzz_guard; /* the first byte that must not be touched */

static void fuzz_set_up(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (FUZZ_ROOM + page - 1) / page * page;
    uint8_t *memory =
        mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + room, page, PROT_NONE) < 0) abort();
    fuzz_guard = memory + room;
}

static void fuzz_try(void) {
    memcpy(fuzz_guard - fuzz_size, fuzz_input, fuzz_size);
    LLVMFuzzerTestOneInput(fuzz_guard - fuzz_size, fuzz_size);
}

static size_t fuzz_dice(size_t sides) {
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return sides ? (size_t)(state % sides) : 0;
}

static void fuzz_insert(size_t at, const void *bytes, size_t count) {
    if (count > FUZZ_ROOM - fuzz_size) return;
    memmove(fuzz_input + at + count, fuzz_input + at, fuzz_size - at);
    memcpy(fuzz_input + at, bytes, count);
    fuzz_size += count;
}

static void fuzz_remove(size_t at, size_t count) {
    if (count > fuzz_size - at) count = fuzz_size - at;
    memmove(fuzz_input + at, fuzz_input + at + count, fuzz_size - at - count);
    fuzz_size -= count;
}

static void fuzz_mutate(void) {
    static const uint8_t telling[] =
        "\"\\[]{},:.-+0129eEu?*/ \t\n'=~\0\1\x7f\x80\xc3\xe2\xed\xf4\xff";
    const struct seed *other = &seeds[fuzz_dice(sizeof seeds / sizeof seeds[0])];
    size_t at = fuzz_dice(fuzz_size + 1), from = fuzz_dice(other->size + 1);
    uint8_t copy[64];
    switch (fuzz_dice(6)) {
    case 0: /* a bit */
        if (at < fuzz_size) fuzz_input[at] ^= (uint8_t)(1u << fuzz_dice(8));
        break;
    case 1: /* another byte */
        if (at < fuzz_size) fuzz_input[at] = telling[fuzz_dice(sizeof telling)];
        break;
    case 2: /* one more */ fuzz_insert(at, &telling[fuzz_dice(sizeof telling)], 1); break;
    case 3: /* a few less */ fuzz_remove(at, 1 + fuzz_dice(8)); break;
    case 4: /* a piece of another seed */
        fuzz_insert(at, other->bytes + from, fuzz_dice(other->size - from + 1));
        break;
    case 5: /* a piece twice */
        from = fuzz_dice(sizeof copy);
        if (from > fuzz_size - at) from = fuzz_size - at;
        memcpy(copy, fuzz_input + at, from);
        fuzz_insert(at, copy, from);
        break;
    }
}

static void fuzz_seeds(void) {
    for (unsigned long round = 0; round < FUZZ_ROUNDS; round++) {
        const struct seed *seed = &seeds[round % (sizeof seeds / sizeof seeds[0])];
        memcpy(fuzz_input, seed->bytes, seed->size);
        fuzz_size = seed->size;
        for (size_t mutations = fuzz_dice(5); mutations > 0; mutations--) fuzz_mutate();
        fuzz_try();
    }
}

static int fuzz_files(char **paths) {
    for (; *paths; paths++) {
        FILE *file = fopen(*paths, "rb");
        if (!file) {
            perror(*paths);
            return 2;
        }
        fuzz_size = fread(fuzz_input, 1, sizeof fuzz_input, file);
        fclose(file);
        fuzz_try();
        printf("%s: %zu bytes, no fault\n", *paths, fuzz_size);
    }
    return 0;
}

int main(int argc, char **argv) {
    const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
    fuzz_set_up();
    if (argc > 1) return fuzz_files(argv + 1);
    fuzz_seeds();
    printf("%d inputs, %lu of them understood\n", FUZZ_ROUNDS, fuzz_understood);
    int faults = fuzz_understood < FUZZ_ROUNDS / 20;
    printf("%s: %d passed, %d failed\n", name, 1 - faults, faults);
    return faults;
}
#endif
