# deployctl: command line and library. GNU make; everything that is built lands in $(BUILD).
VERSION  := 0.1.0
PREFIX   ?= /usr/local
DESTDIR  ?=
BUILD    ?= build
CC       ?= cc

PACKAGES := librabbitmq yaml-0.1 jansson libpcre2-8 libssl libcrypto libcurl sqlite3 lua5.4
WARN     := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wwrite-strings -Wformat=2 -Wundef -Wcast-qual \
            -Werror=implicit-function-declaration $(if $(DEV),-Werror)
HARDEN   ?= -D_FORTIFY_SOURCE=2 -fstack-protector-strong
CFLAGS   ?= -O2 -g
LDFLAGS  ?= -Wl,-z,relro,-z,now
# What a program of this build is compiled with; banned.h makes unsafe functions compile errors.
COMMON   := -std=c11 -D_XOPEN_SOURCE=700 -Iinclude -MMD -MP -fPIE
BANNED   := -include lib/base/banned.h
COMPILE   = $(CC) $(COMMON) $(WARN) $(HARDEN) $(CFLAGS)
LIBS      = $(shell pkg-config --libs $(PACKAGES))
# Lua's headers stand in a folder of their own.
LUA       = $(shell pkg-config --cflags lua5.4)

LIB_OBJ  := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard lib/*/*.c)))
CMD_OBJ  := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard cmd/*.c)))
UNIT     := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard test/unit/test_*.c)))
FUZZ     := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard test/fuzz/fuzz_*.c)))
LAB_TOOL := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard test/lab/*.c)))
CRASH    := $(BUILD)/deployctl-crash $(BUILD)/test/crash/ledger
# What simulates nodes on the broker, and the objects that those programs share.
BENCH    := $(addprefix $(BUILD)/test/bench/,simfleet floor timed codec state site schedule)
SIM_OBJ  := $(addprefix $(BUILD)/test/,$(addprefix bench/,link.o deeds.o later.o sim_opts.o) \
            $(addprefix cli/,fleet.o node_answer.o node_compound.o node_deploop.o node_puppet.o \
            node_request.o))
LOOP_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard test/cli/*.c)))
LIB      := $(BUILD)/libdeploy.a
SANITIZE := BUILD=$(BUILD)/sanitize HARDEN= LDFLAGS= \
            CFLAGS="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"

all: $(LIB) $(BUILD)/deployctl ## build the library and the program

$(BUILD)/lib/base/mem.o $(BUILD)/cmd/out.o: BANNED += -DDP_MAY_ALLOCATE
$(BUILD)/cmd/%.o: COMMON += -Icmd -DDEPLOYCTL_VERSION='"$(VERSION)"'
$(BUILD)/lib/%.o: COMMON += -Ilib
$(BUILD)/lib/expr/%.o: HEADERS = $(LUA)
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(COMPILE) $(BANNED) $(HEADERS) -c -o $@ $<

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/deployctl: $(CMD_OBJ) $(LIB)
	$(CC) -pie $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# The same commands on a carrier of the tests: linked before the library, it takes AMQP's place.
$(BUILD)/deployctl-loop: $(CMD_OBJ) $(LOOP_OBJ) $(LIB)
	$(CC) -pie $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)
# … and one that ends itself where DEPLOYCTL_CRASH says: what it leaves behind is looked at by ledger.
$(BUILD)/deployctl-crash: $(CMD_OBJ) $(LOOP_OBJ) $(BUILD)/test/crash/crash.o $(LIB)
	$(CC) -pie $(CFLAGS) $(LDFLAGS) -Wl,--wrap=sqlite3_step,--wrap=dp_carrier_publish -o $@ $^ $(LIBS)
$(BUILD)/test/crash/ledger: $(BUILD)/test/crash/ledger.o $(LIB)
	$(CC) -pie $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)
$(BUILD)/test/cli/%.o $(BUILD)/test/crash/%.o: COMMON += -Ilib

# Unit tests may look at everything but main.
$(BUILD)/test/unit/%: test/unit/%.c $(filter-out $(BUILD)/cmd/main.o,$(CMD_OBJ)) $(LIB)
	@mkdir -p $(@D)
	$(COMPILE) -pie -Ilib -Icmd -DDEPLOYCTL_VERSION='"$(VERSION)"' $(LDFLAGS) -o $@ \
		$(filter %.c %.o %.a,$^) -lcmocka $(LIBS)
$(LAB_TOOL): $(LIB)
$(BUILD)/test/lab/forge: $(BUILD)/test/bench/link.o
$(BUILD)/test/lab/%: test/lab/%.c
	@mkdir -p $(@D)
	$(COMPILE) -pie -Ilib $(LDFLAGS) -o $@ $(filter %.c %.o,$^) $(LIB) $(LIBS)
$(BUILD)/test/bench/%.o: COMMON += -Ilib
$(BENCH): %: %.o $(SIM_OBJ) $(LIB)
	$(CC) -pie $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)
$(BUILD)/test/fuzz/%: test/fuzz/%.c $(sort $(wildcard lib/*/*.c))
	@mkdir -p $(@D)
	clang -std=c11 -D_XOPEN_SOURCE=700 -DDP_MAY_ALLOCATE -Iinclude -Ilib $(LUA) -g -O1 \
		-fsanitize=fuzzer,address,undefined -o $@ $^ $(LIBS)

programs: all $(BUILD)/deployctl-loop $(CRASH) $(UNIT) $(LAB_TOOL) $(BENCH)

test: programs ## unit, command line, layers, symbols, docs: no network, no root, under 30 s
	@BUILD=$(BUILD) test/run unit cli layers docs

lab: programs ## the tests on a real broker with real nodes
	@BUILD=$(BUILD) test/run lab

sanitize: ## unit and command line tests under ASan and UBSan
	@$(MAKE) -j$$(nproc) $(SANITIZE) programs
	@BUILD=$(BUILD)/sanitize test/run unit cli

check: deps ## every test, what they need installed first
	@$(MAKE) -j$$(nproc) programs
	@$(MAKE) -j$$(nproc) $(SANITIZE) programs
	@BUILD=$(BUILD) test/run unit cli long layers docs shells install sanitize lab selftest

demo: deps ## the main job on a real broker with real nodes
	@$(MAKE) -j$$(nproc) all
	@BUILD=$(BUILD) test/lab/demo

deps: ## install what is missing to build and to test, with apt
	@test/deps

analyze: ## gcc -fanalyzer, cppcheck and clang-tidy over the sources
	@BUILD=$(BUILD) test/analyze

fuzz: $(FUZZ) ## each fuzzer for 60 s
	@for f in $(FUZZ); do mkdir -p $$f.corpus && $$f -max_total_time=60 -print_final_stats=1 \
		$$f.corpus test/data || exit 1; done

bench: programs ## measure against mco and the broker, as ratios
	@BUILD=$(BUILD) test/bench/bench

coverage: ## lines that unit and command line tests reach
	@$(MAKE) BUILD=$(BUILD)/coverage HARDEN= CFLAGS="-O0 -g --coverage" programs
	@BUILD=$(BUILD)/coverage test/run unit cli
	@gcov -n -o $(BUILD)/coverage $$(find $(BUILD)/coverage/lib $(BUILD)/coverage/cmd -name '*.gcda') \
		| awk '/^File .(lib|cmd)/ {f=$$2} /^Lines executed/ && f {print f, $$2; f=""}' | sort

docs: all ## write man pages and completions from the command table
	@DEPLOYCTL=$(BUILD)/deployctl test/docs write

# What is installed, as lines "MODE FILE FOLDER/NAME"; folders are those below PREFIX.
INSTALLED = { echo 755 $(BUILD)/deployctl bin/deployctl; \
	for page in man/*.[1-9]; do echo "644 $$page share/man/man$${page\#\#*.}/$${page\#man/}"; done; \
	echo 644 completions/deployctl.bash share/bash-completion/completions/deployctl; \
	echo 644 completions/_deployctl share/zsh/site-functions/_deployctl; \
	echo 644 completions/deployctl.fish share/fish/vendor_completions.d/deployctl.fish; \
	for file in README COPYING $$(test ! -d examples || find examples -type f ! -name '.*'); do \
		echo "644 $$file share/doc/deployctl/$$file"; done; }

install: ## what make has built, into $(DESTDIR)$(PREFIX)
	@$(MAKE) -q all || { echo "make install: $(BUILD)/deployctl is missing or older than" \
		"its sources; run make first, as yourself" >&2; exit 1; }
	@$(INSTALLED) | while read -r mode file target; do \
		install -D -m "$$mode" "$$file" "$(DESTDIR)$(PREFIX)/$$target" || exit 1; done

# Pages of commands that only another version has are left; nothing that is not ours is removed.
uninstall: ## remove what install put there, but no folders
	@$(INSTALLED) | while read -r mode file target; do \
		rm -f "$(DESTDIR)$(PREFIX)/$$target" || exit 1; done

# The same commit makes the same bytes, whoever packs it.
dist: ## a source archive of what is committed
	@test "$$(git rev-parse --show-cdup 2>/dev/null || echo no)" = "" || { \
		echo "make dist: this is no git repository; the archive is made of a commit" >&2; exit 1; }
	@mkdir -p $(BUILD)
	git -c tar.umask=0022 archive --format=tar --prefix=deployctl-$(VERSION)/ -o $(BUILD)/dist.tar HEAD
	gzip -9n <$(BUILD)/dist.tar >deployctl-$(VERSION).tar.gz
	@rm $(BUILD)/dist.tar

clean: ## remove everything that was built
	rm -rf $(BUILD)

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.DEFAULT_GOAL := all
.SECONDARY:
.PHONY: all programs test lab sanitize check demo deps analyze fuzz bench coverage docs install \
	uninstall dist clean help
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
