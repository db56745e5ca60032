# Everything is built in build/. The header needs no building: copy nw0.h into your project.
CC     = cc
CFLAGS = -std=gnu11 -O1 -g -Wall -Wextra -Wshadow
BUILD  = build
# what a sanitizer's programs are built with, and what the long tests do
SANITIZE = -std=gnu11 -O1 -g -fno-omit-frame-pointer -DCHECK_LIMIT_S=300
COUNT  = 10
# programs beside the normal ones: FUZZ_S seconds for each fuzzer in "make fuzz"
FUZZ_CC = clang
FUZZ_S  = 60

TESTS    = unit discovery messages news rules faults helpers linux
PREFIX   = /usr/local
MANDIR   = $(PREFIX)/share/man
EXAMPLES = $(patsubst examples/%.c,$(BUILD)/examples/%,$(wildcard examples/*.c))
DEMO     = hello_server hello_client cluster_master cluster_node
FUZZERS  = $(patsubst tests/fuzz/%.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
# each file of a section is a program; a section that is one file is one, too
SOURCES  = $(wildcard $(TESTS:%=tests/%.c) $(TESTS:%=tests/%/*.c))
HEADERS  = nw0.h $(wildcard tests/*.h tests/*/*.h)
PROGRAMS = $(SOURCES:tests/%.c=$(BUILD)/%) $(BUILD)/wire_peer $(BUILD)/hosts_agent $(FUZZERS)
COMPILE  = $(CC) $(CFLAGS) -I. -Itests

MAKEFLAGS += --no-print-directory

help:
	@echo 'make demo            two small shows on this machine: programs that find each other and talk'
	@echo 'make examples        builds the programs of examples/ in build/examples/'
	@echo 'make test            builds and runs all tests, in less than three minutes'
	@echo 'make test-asan       the same with AddressSanitizer and UndefinedBehaviorSanitizer'
	@echo 'make test-tsan       the same with ThreadSanitizer'
	@echo 'make test-valgrind   the same under valgrind'
	@echo 'make test-long       the tests ten times (COUNT=10), every second time with busy processors'
	@echo 'make fuzz            each parser with clang and libFuzzer, for a minute (FUZZ_S=60)'
	@echo 'make bench           how fast and how small it is, beside bare sockets, libzmq and nng: more than ten minutes'
	@echo '                     (some of it: ROWS="round-trip news"; fewer and shorter rounds: QUICK=1;'
	@echo '                     beside another header: BASE=path/to/other/nw0.h)'
	@echo 'make bench-plot      draws the last results, for the README'
	@echo 'make install         the header, the tool nw0 and their manual pages, under PREFIX=/usr/local'
	@echo 'make names           the private names of nw0.h, in alphabetical order'
	@echo 'make clean           removes build/'

demo:
	@$(MAKE) -s -j2 $(DEMO:%=$(BUILD)/examples/%)
	@tests/demo.sh $(BUILD)

examples: $(EXAMPLES)

# what does not build is not run either, and counts as failed: so go on (-k)
test:
	@$(MAKE) -s -k -j2 examples programs || echo 'not everything could be built'
	@tests/run $(BUILD) $(JOBS_OF_TEST)

programs: $(PROGRAMS)

test-asan:
	@ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 \
	$(MAKE) test BUILD=$(BUILD)/asan JOBS_OF_TEST='$(TESTS) examples tool wire hosts fuzz' \
	CFLAGS='$(SANITIZE) -fsanitize=address,undefined -fno-sanitize-recover=all'

test-tsan:
	@TSAN_OPTIONS=second_deadlock_stack=1 \
	$(MAKE) test BUILD=$(BUILD)/tsan JOBS_OF_TEST='$(TESTS) examples tool wire hosts' \
	CFLAGS='$(SANITIZE) -fsanitize=thread'

test-valgrind:
	@JOBS=2 NW0_RUN='valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all' \
	$(MAKE) test BUILD=$(BUILD)/valgrind JOBS_OF_TEST='$(TESTS) examples' CFLAGS='$(SANITIZE)'

test-long:
	@$(MAKE) -s -k -j2 examples programs || echo 'not everything could be built'
	@tests/run --long $(BUILD) $(COUNT)

fuzz:
	@mkdir -p $(BUILD)/fuzz; failed=0; \
	for source in tests/fuzz/fuzz_*.c; do \
	    name=$$(basename $$source .c); out=$(BUILD)/fuzz/$$name; \
	    echo "$$name: $(FUZZ_S) seconds"; mkdir -p $$out.inputs; \
	    $(FUZZ_CC) $(SANITIZE) -DFUZZ_LIBFUZZER -fsanitize=fuzzer,address,undefined \
	        -fno-sanitize-recover=all -I. -Itests $$source -o $$out -pthread && \
	    $$out -max_total_time=$(FUZZ_S) -timeout=10 -artifact_prefix=$$out- $$out.inputs >$$out.log 2>&1 && \
	    tail -n 1 $$out.log || \
	    { failed=1; echo "FAILED $$name"; grep -vE '^#[0-9]+\s|^    #' $$out.log | cut -c 1-200 | tail -n 20; }; \
	done; exit $$failed

bench:
	@CC='$(CC)' BUILD='$(BUILD)' QUICK='$(QUICK)' BASE='$(BASE)' tests/bench/run $(ROWS)

bench-plot:
	@tests/bench/plot $(BUILD)/bench/summary.tsv tests/bench/bench.svg

install: $(BUILD)/examples/nw0
	install -d '$(DESTDIR)$(PREFIX)/include' '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(MANDIR)/man1' '$(DESTDIR)$(MANDIR)/man3'
	install -m 644 nw0.h '$(DESTDIR)$(PREFIX)/include/'
	install -m 755 $(BUILD)/examples/nw0 '$(DESTDIR)$(PREFIX)/bin/'
	install -m 644 examples/nw0.1 '$(DESTDIR)$(MANDIR)/man1/'
	install -m 644 examples/nw0.h.3 '$(DESTDIR)$(MANDIR)/man3/'

names:
	@tests/names

clean:
	rm -rf $(BUILD)

$(BUILD) $(BUILD)/examples:
	mkdir -p $@

$(BUILD)/examples/%: examples/%.c nw0.h | $(BUILD)/examples
	$(CC) $(CFLAGS) -I. $< -o $@ -pthread

$(BUILD)/wire_peer: tests/wire/peer.c $(HEADERS) | $(BUILD)
	$(COMPILE) $< -o $@ -pthread

$(BUILD)/hosts_agent: tests/hosts/agent.c $(HEADERS) | $(BUILD)
	$(COMPILE) $< -o $@ -pthread

$(BUILD)/fuzz_%: tests/fuzz/fuzz_%.c $(HEADERS) | $(BUILD)
	$(COMPILE) $< -o $@ -pthread

# the library, for the tests that ask for nothing else than what everybody gets
$(BUILD)/nw0.o: nw0.h | $(BUILD)
	$(CC) $(CFLAGS) -DNW0_IMPLEMENTATION -x c -c nw0.h -o $@

$(BUILD)/%: tests/%.c $(HEADERS) $(BUILD)/nw0.o
	@[ -d $(@D) ] || rm -f $(@D); mkdir -p $(@D)
	$(COMPILE) $< $$(grep -q 'define NW0_IMPLEMENTATION' $< || echo $(BUILD)/nw0.o) -o $@ -pthread

.PHONY: help demo examples test programs test-asan test-tsan test-valgrind test-long fuzz bench bench-plot install names clean
