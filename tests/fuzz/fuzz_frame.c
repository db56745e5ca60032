/* fuzz_frame.c - what any stream of bytes may do to one who listens, and to one who waits for an answer.
 *
 * The stream goes through a pair of sockets, in pieces, and is read into buffers that are too small at times. What is
 * read must be the same as what a plain reader finds who has all of it before him, whatever the pieces; and memory must
 * grow only with what has really come.
 *
 * The first byte of the input says who reads, the second how long the pieces are, the third how large the buffer is.
 */
#define FUZZ_ROUNDS 60000
#include "fuzz.h"

#define QUESTIONS "\0\0\0\4nw0?"

static const struct seed seeds[] = {
    SEED("s\5\4" QUESTIONS "\0\0\0\5hello"),
    SEED("s\1\377" QUESTIONS "\0\0\0\0\0\0\0\1x\0\0\0\2yz"),
    SEED("s\377\2" QUESTIONS "\0\0\0\5hello\0\0\0\5world\0\0\0\3and"),
    SEED("s\40\1" QUESTIONS "\0\0\0\177the length of this one is more than what comes of it"),
    SEED("s\7\7\0\0\0\4nw0!\0\0\0\3abc"),
    SEED("s\3\3" QUESTIONS "\1\0\0\0"),
    SEED("s\3\3\377\0\0\0\0\0\0\0\1\177"),
    SEED("s\3\3GET / HTTP/1.1\r\n\r\n"),
    SEED("s\377\377" QUESTIONS "\0\377\377\377a long one begins"),
    SEED("c\3\377\0\0\0\5world"),
    SEED("c\1\2\0\0\0\2ok"),
    SEED("c\377\20\377\0\0\0\0\0\0\0\1\177"),
    SEED("c\4\20HTTP/1.1 400 Bad Request\r\n\r\n"),
    SEED("c\377\4\0\0\0\1xand more than was asked for"),
};

/* ---- a reader who has all of it before him ---- */

struct plain {
    const uint8_t *at;
    size_t left;
    bool news;  /* what comes are prefixes: no longer than names */
    bool wrong; /* what follows never can become right */
};

static void plain_skip(struct plain *p, size_t n) {
    p->at += n;
    p->left -= n;
}

/* the introduction: whether it is there as a whole */
static bool plain_introduction(struct plain *p) {
    size_t n = p->left < 8 ? p->left : 8;
    p->wrong = memcmp(p->at, QUESTIONS, n) != 0 && memcmp(p->at, "\0\0\0\4nw0!", n) != 0;
    if (p->wrong || n < 8) return false;
    p->news = p->at[7] == '!';
    plain_skip(p, 8);
    return true;
}

/* the next frame: whether it is there as a whole */
static bool plain_frame(struct plain *p, const uint8_t **frame, size_t *size) {
    if (p->left > 0 && p->at[0] != 0) p->wrong = true;
    if (p->left < 4) return false;
    *size = (size_t)p->at[1] << 16 | (size_t)p->at[2] << 8 | p->at[3];
    if (p->news && *size >= NW0_NAME_SIZE) p->wrong = true;
    if (p->wrong || p->left - 4 < *size) return false;
    *frame = p->at + 4;
    plain_skip(p, 4 + *size);
    return true;
}

/* ---- the library's reader ---- */

struct stream {
    int ends[2]; /* written, read */
    const uint8_t *rest;
    size_t left, piece;
    nw0__connection *conn, *list;
};

static void open_stream(struct stream *s, bool server, size_t piece, const uint8_t *bytes,
                        size_t size) {
    memset(s, 0, sizeof *s);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s->ends) < 0) abort();
    s->rest = bytes;
    s->left = size;
    s->piece = piece ? piece : 1;
    s->conn = calloc(1, sizeof *s->conn);
    HOLDS(s->conn != NULL);
    nw0__connection_init(s->conn, NULL, s->ends[1], NULL);
    if (server) s->conn->frame.head_size = NW0__INTRODUCTION + NW0__LENGTH;
    nw0__link(s->conn, &s->list);
}

static void close_stream(struct stream *s) {
    close(s->ends[0]);
    nw0__hang_up(s->conn);
}

/* another piece; false: that was all */
static bool feed(struct stream *s) {
    size_t n = s->left < s->piece ? s->left : s->piece;
    if (n == 0) return false;
    if (write(s->ends[0], s->rest, n) != (ssize_t)n) abort();
    s->rest += n;
    s->left -= n;
    return true;
}

static bool readable(const struct stream *s) {
    struct pollfd p = {s->ends[1], POLLIN, 0};
    return poll(&p, 1, 0) > 0;
}

/* as the callers of nw0__read_frame do: what has come stays in the caller's buffer or is moved out of it.
 * 1: a frame; 0: the stream has ended before; -1: it is wrong */
static int next_frame(struct stream *s, char *buffer, size_t capacity) {
    size_t usable = capacity ? capacity - 1 : 0;
    int got;
    while ((got = nw0__read_frame(s->conn, buffer, usable, MSG_DONTWAIT)) == 0) {
        size_t room = s->conn->frame.room;
        HOLDS(room <= 4096 || room <= 2 * nw0__body_got(s->conn));
        HOLDS(nw0__keep_body(s->conn, buffer) == 0);
        if (!readable(s) && !feed(s)) return 0;
    }
    if (got < 0) HOLDS(errno == EPROTO || errno == EPROTONOSUPPORT);
    return got;
}

static ssize_t hand_over(struct stream *s, char *buffer, size_t capacity) {
    nw0__arrival a = nw0__arrival_for(NULL, buffer, capacity, 0);
    return nw0__frame_copy(s->conn, &a, "it");
}

/* the frame in the library's hands is this one; a buffer that is too small leaves it there */
static void check_frame(struct stream *s, char *buffer, size_t capacity, const uint8_t *frame,
                        size_t size) {
    static char large[8192];
    HOLDS(hand_over(s, NULL, 0) == (ssize_t)size);
    if (capacity <= size) {
        HOLDS(!buffer || (hand_over(s, buffer, capacity) == -1 && errno == EMSGSIZE));
        buffer = large;
        capacity = sizeof large;
    }
    HOLDS(hand_over(s, buffer, capacity) == (ssize_t)size);
    HOLDS(memcmp(buffer, frame, size) == 0 && buffer[size] == '\0');
}

static void check_server(struct stream *s, struct plain p, char *buffer, size_t capacity) {
    const uint8_t *frame;
    size_t size;
    int got = 1;
    bool introduced = plain_introduction(&p);
    while (introduced && plain_frame(&p, &frame, &size)) {
        HOLDS(next_frame(s, buffer, capacity) == 1);
        check_frame(s, buffer, capacity, frame, size);
        nw0__next_frame(s->conn);
        fuzz_understood++;
    }
    got = next_frame(s, buffer, capacity);
    HOLDS(got == (p.wrong ? -1 : 0));
}

/* One answer is read; bytes beyond it, which whoever asks takes for an error, are only seen if they are read with it. */
static void check_client(struct stream *s, struct plain p, char *buffer, size_t capacity) {
    const uint8_t *frame, *start = p.at;
    size_t size;
    bool whole = plain_frame(&p, &frame, &size);
    int got = next_frame(s, buffer, capacity);
    if (got == 1) {
        HOLDS(whole && (!s->conn->ahead || p.left > 0));
        check_frame(s, buffer, capacity, frame, size);
        fuzz_understood++;
    } else if (got == 0) {
        HOLDS(!whole && !p.wrong);
    } else {
        HOLDS(p.wrong);
        HOLDS((errno == EPROTONOSUPPORT) == (start[0] == 0xFF));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct plain p = {data + 3, size - 3, false, false};
    struct stream s;
    if (size < 3 || size > 4096) return 0;
    size_t capacity = data[2] == 255 ? 4096 : data[2];
    char *buffer = malloc(capacity ? capacity : 1); /* so that a sanitizer sees one byte too many */
    open_stream(&s, data[0] != 'c', data[1] == 255 ? 4096 : data[1], p.at, p.left);
    if (data[0] != 'c') check_server(&s, p, capacity ? buffer : NULL, capacity);
    else check_client(&s, p, capacity ? buffer : NULL, capacity);
    close_stream(&s);
    free(buffer);
    return 0;
}

#define FUZZ_MAIN
#include "fuzz.h"
