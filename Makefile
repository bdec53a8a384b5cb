# deployctl: command line and library. GNU make; everything that is built lands in build/.
VERSION  := 0.1.0
PREFIX   ?= /usr/local
BUILD    ?= build
PACKAGES := librabbitmq jansson libpcre2-8 openssl
CC       ?= cc

WARN     := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wwrite-strings -Wformat=2 -Wundef -Wcast-qual
ifdef DEV
WARN     += -Werror
endif
HARDEN   := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
CFLAGS   ?= -O2 -g
LDFLAGS  ?= -pie -Wl,-z,relro,-z,now
BASE     := -std=c11 -D_POSIX_C_SOURCE=200809L -Iinclude $(WARN) -include lib/base/banned.h \
            -MMD -MP
LIBS     := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)
LIB_SRC  := $(sort $(wildcard lib/*/*.c))
LIB_OBJ  := $(LIB_SRC:%.c=$(BUILD)/%.o)

.DEFAULT_GOAL := all
all: $(BUILD)/libdeploy.a ## build the library

$(BUILD)/lib/base/mem.o: EXTRA = -DDP_MAY_ALLOCATE
$(BUILD)/lib/%.o: lib/%.c
	@mkdir -p $(@D)
	$(CC) $(BASE) -Ilib $(HARDEN) $(CFLAGS) $(EXTRA) -c -o $@ $<

$(BUILD)/libdeploy.a: $(LIB_OBJ)
	$(AR) rcs $@ $^

$(BUILD)/test/unit/%: test/unit/%.c $(BUILD)/libdeploy.a
	@mkdir -p $(@D)
	$(CC) $(filter-out -include lib/base/banned.h,$(BASE)) -Ilib $(CFLAGS) -o $@ $< $(BUILD)/libdeploy.a -lcmocka $(LIBS)

UNIT := $(patsubst test/unit/%.c,$(BUILD)/test/unit/%,$(wildcard test/unit/test_*.c))
unit: $(UNIT) ## run the unit tests
	@for t in $(UNIT); do $$t || exit 1; done

clean: ## remove everything that was built
	rm -rf $(BUILD)
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.PHONY: all unit clean
