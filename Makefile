# spanmap's build. `make help` lists the targets.
#
#   make [V=1] [DEV=1] [SAN=address,undefined|thread] [CC=clang] [BUILD=dir]
#
# Everything that is made goes to one directory, $(BUILD). Another compiler or a
# sanitizer gets a directory of its own (build-clang, build-asan, build-tsan, ...).

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

# ------------------------------------------------------------------ options

V ?=
DEV ?=
SAN ?=
FUZZ ?=
FUZZ_S ?= 60
ENGINE ?= libfuzzer
PREFIX ?= /usr/local
DESTDIR ?=
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
LIBEXECDIR ?= $(PREFIX)/libexec
DOCDIR ?= $(PREFIX)/share/doc/spanmap
MANDIR ?= $(PREFIX)/share/man
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/vendor-completions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
SYSTEMD_UNIT_DIR ?= $(PREFIX)/lib/systemd/system
VENV ?= build/venv

ifeq ($(origin CC),default)
CC := cc
endif

OBJCOPY ?= objcopy

cc_suffix := $(filter-out cc gcc,$(notdir $(firstword $(CC))))
san_suffix := $(if $(findstring address,$(SAN)),asan,$(if $(findstring thread,$(SAN)),tsan,$(if $(SAN),san)))
BUILD ?= build$(cc_suffix:%=-%)$(san_suffix:%=-%)$(if $(FUZZ),-fuzz)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s%s\n' '$(1)' '$(2)')

# ------------------------------------------------------------- dependencies

# The stamp installs what is missing and records what pkg-config says; make reads
# it again whenever it is remade. Targets that compile nothing do without.
no_build_goals := clean distclean help format uninstall
ifneq ($(filter-out $(no_build_goals),$(if $(MAKECMDGOALS),$(MAKECMDGOALS),all)),)
include $(BUILD)/deps.mk
endif

setup = VENV='$(VENV)' sh scripts/setup.sh

$(BUILD)/deps.mk: scripts/deps.sh scripts/setup.sh
	@mkdir -p $(@D)
	$(Q)$(setup) build
	$(Q)CC='$(CC)' sh scripts/deps.sh > $@

# -------------------------------------------------------------------- flags

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wvla -Wmissing-prototypes \
    -Wstrict-prototypes -Wformat-security
HARDENING := -fstack-protector-strong $(DEP_HARDENING)
# The same objects go into programs and into libspanmap.so, which shows what SPANMAP_API names and
# nothing else. Hidden, code is as fast as a program's own (-fPIE).
PLACEMENT := -fPIC -fvisibility=hidden -ftls-model=initial-exec
LINK_HARDENING := -pie -Wl,-z,relro -Wl,-z,now -Wl,--as-needed
ifeq ($(SAN),)
HARDENING += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
SAN_FLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer) \
    $(if $(findstring undefined,$(SAN)),-fno-sanitize-recover=undefined) \
    $(if $(FUZZ),-fsanitize=fuzzer-no-link)
CPPFLAGS_ALL := -D_GNU_SOURCE -I. -I$(BUILD)/gen -I$(BUILD)/proto $(DEP_CFLAGS) $(CPPFLAGS)
CFLAGS ?= -O2 -g
CFLAGS_ALL := -std=gnu11 $(CFLAGS) $(HARDENING) $(PLACEMENT) $(SAN_FLAGS) -pthread
LDFLAGS_ALL := $(LINK_HARDENING) $(SAN_FLAGS) $(LDFLAGS) -pthread
DEPFLAGS = -MMD -MP -MF $(@:.o=.d)
WERROR := $(if $(DEV),-Werror)
compile = $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(DEPFLAGS)

# ------------------------------------------------------------------ sources

dirs := base net topology receiver exporters engine library daemon
sources := $(sort $(foreach dir,$(dirs),$(wildcard $(dir)/*.c)))
lib_sources := $(filter-out daemon/main.c,$(sources))
draw_sources := $(sort $(wildcard exporters/draw_helper/*.c))
# What leaves by gRPC: a module that the daemon loads when it is asked for, with what it needs of base.
grpc_sources := $(sort $(wildcard exporters/grpc/*.c))
grpc_base := base/check.c base/mem.c
web_files := $(sort $(shell find exporters/web -type f ! -name '.*' 2>/dev/null))

protos := \
    google/protobuf/any \
    google/protobuf/duration \
    google/protobuf/timestamp \
    google/rpc/error_details \
    google/rpc/status \
    io/prometheus/client/metrics \
    opentelemetry/proto/collector/logs/v1/logs_service \
    opentelemetry/proto/collector/metrics/v1/metrics_service \
    opentelemetry/proto/collector/trace/v1/trace_service \
    opentelemetry/proto/common/v1/common \
    opentelemetry/proto/logs/v1/logs \
    opentelemetry/proto/metrics/v1/metrics \
    opentelemetry/proto/resource/v1/resource \
    opentelemetry/proto/trace/v1/trace

# What reflection shows of the protocol, with all that it imports.
described := \
    google/rpc/error_details \
    google/rpc/status \
    grpc/health/v1/health \
    grpc/reflection/v1/reflection \
    grpc/reflection/v1alpha/reflection \
    opentelemetry/proto/collector/logs/v1/logs_service \
    opentelemetry/proto/collector/metrics/v1/metrics_service \
    opentelemetry/proto/collector/trace/v1/trace_service

proto_headers := $(protos:%=$(BUILD)/proto/%.pb-c.h)
generated := $(BUILD)/gen/version.h $(proto_headers) \
    $(if $(wildcard scripts/semconv.sh),$(BUILD)/gen/semconv_table.inc)

lib_objects := $(lib_sources:%.c=$(BUILD)/obj/%.o) $(protos:%=$(BUILD)/obj/proto/%.o) \
    $(BUILD)/obj/gen/web_assets.o $(BUILD)/obj/gen/descriptors.o $(LLHTTP_SOURCES:%.c=$(BUILD)/obj/llhttp/%.o)
main_object := $(if $(wildcard daemon/main.c),$(BUILD)/obj/daemon/main.o)
draw_objects := $(draw_sources:%.c=$(BUILD)/obj/%.o)
grpc_objects := $(grpc_sources:%.c=$(BUILD)/obj/module/%.o) $(grpc_base:%.c=$(BUILD)/obj/module/%.o)

# What the programs and tests link.
lib := $(BUILD)/libspanmap.a

# What other programs link: see docs/LIBRARY.md. The first number is that of the soname: it goes up
# when a program that was linked before would break. The second goes up with SPANMAP_API_LEVEL.
SO_VERSION := 0.2.0
soname := libspanmap.so.$(firstword $(subst ., ,$(SO_VERSION)))
shared := $(BUILD)/lib/libspanmap.so.$(SO_VERSION)
static := $(BUILD)/lib/libspanmap.a
library_objects := $(patsubst %.c,$(BUILD)/obj/%.o,$(filter library/%,$(sources)))
programs := $(if $(main_object),$(BUILD)/spanmap) \
    $(if $(draw_sources),$(if $(GVC_LIBS),$(BUILD)/libexec/spanmap-draw)) \
    $(if $(grpc_sources),$(if $(GRPC_LIBS),$(BUILD)/libexec/spanmap-grpc.so))

unit_sources := $(sort $(wildcard tests/unit/*/*_test.c))
unit_programs := $(unit_sources:tests/%.c=$(BUILD)/tests/%)
fuzz_sources := $(sort $(wildcard tests/fuzz/*_fuzz.c))
fuzz_programs := $(fuzz_sources:tests/%.c=$(BUILD)/tests/%)
bench_sources := $(sort $(wildcard tests/bench/*_bench.c))
bench_programs := $(bench_sources:tests/%.c=$(BUILD)/tests/%)
tool_sources := $(sort $(wildcard tests/bench/tools/*.c))
tool_programs := $(patsubst %,$(BUILD)/tests/bench/%,payload load cost floor)
testlib_sources := $(sort $(wildcard tests/lib/*.c))
testlib := $(BUILD)/tests/libtest.a

# ----------------------------------------------------------------- products

.PHONY: all
all: $(lib) $(programs) $(shared) $(static)
ifneq ($(draw_sources),)
ifeq ($(GVC_LIBS),)
	@echo 'note: spanmap-draw is not built: pkg-config finds no libgvc (Debian: libgraphviz-dev)'
endif
endif

# Files that are rewritten only when their text changes, so that what depends on
# them is remade exactly then.
.PHONY: force
force:
rewrite = mkdir -p $(@D) && cat > $@.new && if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

version_text = $$(cat VERSION 2>/dev/null || git describe --tags --match 'v*' 2>/dev/null | sed 's/^v//' || true)

$(BUILD)/gen/version.h: force
	@version=$(version_text); \
	    printf '#define SPANMAP_VERSION "%s"\n' "$${version:-0.1.0}" | { $(rewrite); }

$(BUILD)/gen/flags: force
	@printf '%s\n' '$(CC) $(WARNINGS) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL)' | { $(rewrite); }

$(BUILD)/gen/objects: force
	@printf '%s\n' $(lib_objects) | { $(rewrite); }

$(BUILD)/gen/web_files: force
	@printf '%s\n' $(web_files) | { $(rewrite); }

$(BUILD)/gen/web_assets.c: scripts/embed.sh $(BUILD)/gen/web_files $(web_files)
	$(call say,EMBED,exporters/web)
	@mkdir -p $(@D)
	$(Q)sh scripts/embed.sh exporters/web > $@

$(BUILD)/gen/descriptors.pb: Makefile $(shell find proto -name '*.proto')
	$(call say,PROTO,$@)
	@mkdir -p $(@D)
	$(Q)$(PROTOC_C) -Iproto --include_imports --descriptor_set_out=$@ $(described:%=proto/%.proto)

$(BUILD)/gen/descriptors.c: $(BUILD)/gen/descriptors.pb scripts/bytes.sh
	$(Q)sh scripts/bytes.sh receiver/descriptors.h descriptor_set $< > $@

$(BUILD)/gen/semconv_table.inc: topology/semconv.tsv scripts/semconv.sh
	$(call say,GEN,$<)
	@mkdir -p $(@D)
	$(Q)sh scripts/semconv.sh < $< > $@

# protoc-c 1.4.1 refuses `optional`; a oneof of one member is the same on the wire and in JSON.
plain_protos := $(protos:%=$(BUILD)/gen/proto/%.proto)
$(BUILD)/gen/proto/%.proto: proto/%.proto
	@mkdir -p $(@D)
	$(Q)sed -E '/^syntax = "proto2"/,$$!s/^( *)optional ([a-z0-9]+) ([a-z_]+) = ([0-9]+);/\1oneof opt_\3 { \2 \3 = \4; }/' $< > $@

$(BUILD)/proto/%.pb-c.c $(BUILD)/proto/%.pb-c.h: $(BUILD)/gen/proto/%.proto | $(plain_protos)
	$(call say,PROTO,$<)
	@mkdir -p $(BUILD)/proto
	$(Q)$(PROTOC_C) -I$(BUILD)/gen/proto --c_out=$(BUILD)/proto $<

$(BUILD)/obj/%.o: %.c $(BUILD)/gen/flags | $(generated)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(compile) $(WARNINGS) $(WERROR) -c -o $@ $<

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c $(BUILD)/gen/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(compile) $(WARNINGS) $(WERROR) -c -o $@ $<

# Code that others generate or write is held to their warnings, not to ours.
$(BUILD)/obj/proto/%.o: $(BUILD)/proto/%.pb-c.c $(BUILD)/gen/flags | $(proto_headers)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(compile) -w -c -o $@ $<

$(BUILD)/obj/llhttp/%.o: $(LLHTTP_DIR)/%.c $(BUILD)/gen/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(compile) -w -c -o $@ $<

# Its one symbol is visible; all else is its own.
$(BUILD)/obj/module/%.o: %.c $(BUILD)/gen/flags | $(generated)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(compile) $(GRPC_CFLAGS) -fPIC -fvisibility=hidden $(WARNINGS) $(WERROR) -c -o $@ $<

$(draw_objects): CPPFLAGS_ALL += $(GVC_CFLAGS)

$(lib): $(lib_objects) $(BUILD)/gen/objects
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $(lib_objects)

$(BUILD)/spanmap: $(main_object) $(lib)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(main_object) $(lib) $(DEP_LIBS)

$(BUILD)/libexec/spanmap-draw: $(draw_objects) $(lib)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(draw_objects) $(lib) $(GVC_LIBS) $(DEP_LIBS)

# Of the archive the linker takes what the library's own objects need: no receiver, no daemon. A
# sanitizer's runtime is the program's.
$(shared): $(library_objects) $(lib)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -shared $(filter-out -pie,$(LDFLAGS_ALL)) $(if $(SAN),,-Wl,-z,defs) -Wl,-soname,$(soname) \
	    -o $@ $(library_objects) $(lib) $(if $(SAN),$(DEP_LIBS),$(filter-out %--no-as-needed,$(DEP_LIBS)))
	$(Q)ln -sf $(notdir $@) $(@D)/$(soname) && ln -sf $(soname) $(@D)/libspanmap.so

# The same as one object, whose hidden names are made local: a host has functions of its own.
$(static): $(library_objects) $(lib)
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -r -nostdlib -o $(BUILD)/lib/spanmap.o $(library_objects) $(lib)
	$(Q)$(OBJCOPY) --localize-hidden $(BUILD)/lib/spanmap.o
	$(Q)rm -f $@ && $(AR) rcs $@ $(BUILD)/lib/spanmap.o

$(BUILD)/libexec/spanmap-grpc.so: $(grpc_objects)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -shared $(filter-out -pie,$(LDFLAGS_ALL)) -o $@ $(grpc_objects) $(GRPC_LIBS)

# -------------------------------------------------------------------- tests

$(testlib): $(testlib_sources:%.c=$(BUILD)/obj/%.o)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(unit_programs): $(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(testlib) $(lib)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $< $(testlib) $(lib) $(CMOCKA_LIBS) $(DEP_LIBS)

$(bench_programs): $(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(testlib) $(lib)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $< $(testlib) $(lib) $(CMOCKA_LIBS) $(DEP_LIBS)

# It leaves self times out to show what they cost.
$(BUILD)/tests/bench/topology_bench: private LDFLAGS_ALL += -Wl,--wrap=judge_self_ns

# What `load` and `cost` share has names that begin with load_.
tool = $(1:%=$(BUILD)/obj/tests/bench/tools/%.o)
$(BUILD)/tests/bench/payload: $(call tool,payload)
$(BUILD)/tests/bench/load: $(call tool,load load_grpc load_http1 load_payloads load_tls)
$(BUILD)/tests/bench/cost: $(call tool,cost load_grpc load_payloads)
$(BUILD)/tests/bench/floor: $(call tool,floor)
$(tool_programs): $(testlib) $(lib)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(testlib) $(lib) $(CMOCKA_LIBS) $(DEP_LIBS)

$(fuzz_programs): $(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(testlib) $(lib)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $< $(testlib) $(lib) $(CMOCKA_LIBS) $(DEP_LIBS)

# The objects of tests are kept, as all others are.
.SECONDARY:

# What every test program is told: where the products are, and how a sanitizer
# reports. Python tests run with the environment that scripts/setup.sh made.
python = $$(if [ -x $(VENV)/bin/python ]; then echo $(VENV)/bin/python; else echo python3; fi)
test_env = SPANMAP_BUILD='$(abspath $(BUILD))' SPANMAP='$(abspath $(BUILD)/spanmap)' \
    PATH="$(abspath $(VENV))/bin:$$PATH" \
    ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:$$ASAN_OPTIONS \
    UBSAN_OPTIONS=print_stacktrace=1:$$UBSAN_OPTIONS \
    TSAN_OPTIONS=second_deadlock_stack=1:$$TSAN_OPTIONS
stage = $(test_env) sh scripts/stage.sh
log = $(BUILD)/log
pytest_flags := -q -p no:cacheprovider -rs
# End to end more is waited for than worked at: two files at once, each with servers of its own.
e2e_flags := $(pytest_flags) -n 2 --dist loadfile

.PHONY: setup-test
setup-test: $(BUILD)/setup-test.stamp
$(BUILD)/setup-test.stamp: scripts/setup.sh tests/requirements.txt deploy/demo/requirements.txt
	@mkdir -p $(@D)
	$(Q)$(setup) test
	@touch $@

.PHONY: tests
tests: $(unit_programs) $(tool_programs)

.PHONY: unit
unit: setup-test $(unit_programs)
	@$(test_env) sh scripts/unit.sh $(log)/unit $(unit_programs)

.PHONY: e2e
e2e: setup-test all
	@$(stage) e2e $(log) "$(python)" -m pytest $(e2e_flags) tests/e2e

.PHONY: interop
interop: setup-test all
	+@if command -v go > /dev/null; then $(MAKE) --no-print-directory collector || true; fi
	@$(stage) interop $(log) "$(python)" -m pytest $(pytest_flags) tests/interop

.PHONY: tidy
tidy: setup-test $(lib) $(programs)
	@VENV='$(VENV)' $(stage) tidy $(log) "$(python)" tests/tidy/tidy.py --build $(BUILD) \
	    --cflags '$(CPPFLAGS_ALL)' --draw-cflags '$(GVC_CFLAGS)'; status=$$?; \
	    $(stage) tidy-self $(log) "$(python)" -m pytest $(pytest_flags) tests/tidy && exit $$status

# Deliberate faults, one after the other: `mutation-sample` makes a few of them, `mutation` all.
mutation_env = $(test_env) MUTATION_CC='$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL)' \
    MUTATION_LD='$(CC) $(LDFLAGS_ALL)' MUTATION_LIBS='$(CMOCKA_LIBS) $(DEP_LIBS)'

.PHONY: mutation mutation-sample
mutation: setup-test all $(unit_programs)
	@$(mutation_env) "$(python)" tests/mutation/run.py $(FAULTS)
mutation-sample: setup-test all $(unit_programs)
	@$(mutation_env) sh scripts/stage.sh mutation $(log) "$(python)" -m pytest $(pytest_flags) tests/mutation

# tests/conformance on spanmap and on the Collector: the reports of their tests become
# docs/CONFORMANCE.md, with which those tests compare them.
.PHONY: conformance
conformance: setup-test all
	-@$(test_env) "$(python)" -m pytest $(pytest_flags) tests/e2e/test_conformance.py
	-@$(test_env) "$(python)" -m pytest $(pytest_flags) tests/interop/test_collector_conformance.py
	$(Q)SPANMAP_BUILD='$(abspath $(BUILD))' "$(python)" tests/lib/conformance.py > $(BUILD)/conformance.md
	$(Q)cp $(BUILD)/conformance.md docs/CONFORMANCE.md

# The Collector and spanmap on the same traces: rewrites the tables of docs/COMPARISON.md.
.PHONY: comparison
comparison: setup-test all
	@$(test_env) "$(python)" tests/compare/run.py

# Each stage runs whatever the one before it did; the summary tells them all, and
# counts as failed what left no result.
.PHONY: test
test: setup-test all $(unit_programs)
	@sh scripts/summary.sh $(log) begin
	@for stage in tidy unit e2e interop mutation-sample; do $(MAKE) --no-print-directory $$stage || true; done
	@sh scripts/summary.sh $(log) expect tidy tidy-self unit e2e interop mutation
	@sh scripts/summary.sh $(log) end

# The same tests once more, under sanitizers: unit tests, and those end-to-end
# tests that have `property` in their name.
.PHONY: sanitize sanitized
sanitize: setup-test
	@rm -f $(BUILD)-asan/log/results $(BUILD)-tsan/log/results
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)-asan SAN=address,undefined sanitized || true
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)-tsan SAN=thread sanitized || true
	@sh scripts/summary.sh $(log) begin
	@for kind in asan tsan; do \
	    if [ -f $(BUILD)-$$kind/log/results ]; then cat $(BUILD)-$$kind/log/results; fi; \
	done >> $(log)/results
	@sh scripts/summary.sh $(log) expect unit-asan e2e-asan unit-tsan e2e-tsan
	@sh scripts/summary.sh $(log) end

sanitized: all $(unit_programs)
	@sh scripts/summary.sh $(log) begin
	@$(test_env) STAGE=unit-$(san_suffix) sh scripts/unit.sh $(log)/unit $(unit_programs) || true
	@$(stage) e2e-$(san_suffix) $(log) "$(python)" -m pytest $(e2e_flags) -k property tests/e2e || true

.PHONY: fuzz fuzz-smoke fuzz-run
fuzz fuzz-smoke: setup-test
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)-$(fuzz_build) CC=$(fuzz_cc) SAN=address,undefined FUZZ=1 \
	    FUZZ_S=$(if $(filter fuzz-smoke,$@),4,$(FUZZ_S)) ENGINE=$(ENGINE) fuzz-run

# AFL++ brings a main of its own for the same targets, which runs many inputs a process.
fuzz_build := $(if $(filter afl,$(ENGINE)),afl,fuzz)
fuzz_cc := $(if $(filter afl,$(ENGINE)),afl-clang-fast,clang)

# TARGETS='inflate session' only those.
fuzz_chosen := $(if $(TARGETS),$(TARGETS:%=$(BUILD)/tests/fuzz/%_fuzz),$(fuzz_programs))

fuzz-run: $(fuzz_chosen)
	@$(test_env) FUZZ_S=$(FUZZ_S) ENGINE=$(ENGINE) sh scripts/fuzz.sh $(log) $(BUILD)/corpus $(fuzz_chosen)

# Instructions a span, against tests/bench/ceilings.json.
.PHONY: guard
guard: setup-test $(tool_programs)
	@$(stage) guard $(log) "$(python)" tests/bench/guard.py

# ---------------------------------------------------------------- Collector

# spanmap inside the OpenTelemetry Collector: docs/COLLECTOR.md. Go finds the library by pkg-config, whose
# answer it takes to be the same for ever: a flag tells it when the library is another.
collector := $(BUILD)/collector/otelcol-spanmap
collector_pc := $(BUILD)/collector/pkgconfig/spanmap.pc
collector_sources := $(wildcard $(addprefix deploy/collector/,*.* */*.* */*/*.*)) include/spanmap.h \
    scripts/collector.sh
go_env = PKG_CONFIG_PATH='$(abspath $(dir $(collector_pc)))' CGO_ENABLED=1 \
    CGO_CFLAGS="-O2 -g -DSPANMAP_LIBRARY_$$(sha256sum '$(abspath $(static))' | cut -c1-16)"

$(collector_pc): Makefile $(BUILD)/deps.mk
	@mkdir -p $(@D)
	$(Q)printf '%s\n' 'Name: spanmap' 'Description: in this tree' 'Version: 0' 'Cflags: -I$(abspath include)' \
	    'Libs: -Wl,--as-needed $(abspath $(static)) $(filter-out %-as-needed,$(DEP_LIBS)) -pthread' > $@

.PHONY: collector collector-test
collector: $(collector) $(filter %/spanmap-draw,$(programs))
$(collector): $(static) $(collector_pc) $(collector_sources)
	$(call say,GO,$@)
	$(Q)$(go_env) sh scripts/collector.sh deploy/collector/builder.yaml '$@' > /dev/null

collector-test: $(static) $(collector_pc)
	$(Q)cd deploy/collector && export $(go_env) && go vet ./... && \
	    GLIBC_TUNABLES=glibc.malloc.tcache_count=0 go test -race -count=1 ./...

# Rewrites docs/BENCHMARKS.md and the table of the README.
.PHONY: bench
bench: setup-test all $(bench_programs) $(tool_programs)
	+@if command -v go > /dev/null; then $(MAKE) --no-print-directory collector || true; fi
	@$(test_env) "$(python)" tests/bench/run.py $(BENCH)

.PHONY: soak
soak: all
	@if [ -f tests/soak/run.py ]; then $(test_env) "$(python)" tests/soak/run.py; \
	    else echo 'there is no soak test yet'; fi

# What is written from the option table and from the sources' first sentences; tests compare.
.PHONY: docs
docs: setup-test all
	$(Q)"$(python)" tests/tidy/rooms.py
	@mkdir -p docs deploy
	$(Q)$(BUILD)/spanmap check --print-reference > docs/CONFIGURATION.md
	$(Q)$(BUILD)/spanmap check --print-example > deploy/spanmap.example.yaml

# ------------------------------------------------------------------ running

.PHONY: run
run: all
	@exec $(BUILD)/spanmap run

.PHONY: demo
demo: all
	$(Q)$(setup) demo
	@exec "$(python)" deploy/demo/run.py $(BUILD)/spanmap

# --------------------------------------------------------------- installing

# As they stand in the tree, so that they find each other.
deploy_files := $(wildcard deploy/grafana/*.json deploy/prometheus/*.yml deploy/forward/*.yaml deploy/systemd/* \
    deploy/kubernetes/*.yaml deploy/collector/config.yaml deploy/collector/to-spanmap.yaml deploy/*.yaml)
extra_files := $(MANDIR)/man1/spanmap.1.gz $(BASHDIR)/spanmap $(ZSHDIR)/_spanmap \
    $(FISHDIR)/spanmap.fish $(SYSTEMD_UNIT_DIR)/spanmap.service
doc_files := $(wildcard README.md CONTRIBUTING.md LICENSE docs/*.md docs/*.svg docs/decisions/*.md)

.PHONY: install install-files install-library
install: all install-files install-library

# What is built goes in as it is.
install-files: $(if $(filter install,$(MAKECMDGOALS)),all)
	install -d '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(LIBEXECDIR)' '$(DESTDIR)$(DOCDIR)/docs/decisions'
	install -m 755 $(BUILD)/spanmap '$(DESTDIR)$(BINDIR)/spanmap'
	$(if $(wildcard $(BUILD)/libexec/spanmap-draw)$(filter %/spanmap-draw,$(programs)),install -m 755 \
	    $(BUILD)/libexec/spanmap-draw '$(DESTDIR)$(LIBEXECDIR)/spanmap-draw')
	$(if $(wildcard $(BUILD)/libexec/spanmap-grpc.so)$(filter %/spanmap-grpc.so,$(programs)),install -m 644 \
	    $(BUILD)/libexec/spanmap-grpc.so '$(DESTDIR)$(LIBEXECDIR)/spanmap-grpc.so')
	for doc in $(doc_files); do install -m 644 $$doc '$(DESTDIR)$(DOCDIR)'/$$doc || exit; done
	install -d $(addprefix '$(DESTDIR)',$(addsuffix ',$(addprefix ',$(sort $(dir $(extra_files))))))
	$(BUILD)/spanmap check --print-man | gzip -9n > '$(DESTDIR)$(MANDIR)/man1/spanmap.1.gz'
	$(BUILD)/spanmap check --print-completion bash > '$(DESTDIR)$(BASHDIR)/spanmap'
	$(BUILD)/spanmap check --print-completion zsh > '$(DESTDIR)$(ZSHDIR)/_spanmap'
	$(BUILD)/spanmap check --print-completion fish > '$(DESTDIR)$(FISHDIR)/spanmap.fish'
	sed 's,/usr/bin/,$(BINDIR)/,' deploy/systemd/spanmap.service > '$(DESTDIR)$(SYSTEMD_UNIT_DIR)/spanmap.service'
	for file in $(deploy_files); do \
	    install -D -m 644 $$file '$(DESTDIR)$(DOCDIR)'/$$file || exit; done

library_files := $(INCLUDEDIR)/spanmap.h $(LIBDIR)/pkgconfig/spanmap.pc \
    $(addprefix $(LIBDIR)/,libspanmap.so $(soname) $(notdir $(shared)) libspanmap.a)

install-library: $(if $(filter install,$(MAKECMDGOALS)),all)
	install -D -m 644 include/spanmap.h '$(DESTDIR)$(INCLUDEDIR)/spanmap.h'
	install -D -m 644 $(static) '$(DESTDIR)$(LIBDIR)/libspanmap.a'
	install -D -m 644 $(shared) '$(DESTDIR)$(LIBDIR)/$(notdir $(shared))'
	ln -sf $(notdir $(shared)) '$(DESTDIR)$(LIBDIR)/$(soname)'
	ln -sf $(soname) '$(DESTDIR)$(LIBDIR)/libspanmap.so'
	install -d '$(DESTDIR)$(LIBDIR)/pkgconfig'
	sed 's,@PREFIX@,$(PREFIX),; s,@LIBDIR@,$(LIBDIR),; s,@INCLUDEDIR@,$(INCLUDEDIR),; s,@VERSION@,$(SO_VERSION),' \
	    library/spanmap.pc.in > '$(DESTDIR)$(LIBDIR)/pkgconfig/spanmap.pc'

.PHONY: uninstall
uninstall:
	rm -f $(library_files:%='$(DESTDIR)%')
	rm -f $(extra_files:%='$(DESTDIR)%') $(deploy_files:%='$(DESTDIR)$(DOCDIR)/%')
	rm -f '$(DESTDIR)$(BINDIR)/spanmap' '$(DESTDIR)$(LIBEXECDIR)/spanmap-draw'
	rm -f '$(DESTDIR)$(LIBEXECDIR)/spanmap-grpc.so'
	rm -f $(doc_files:%='$(DESTDIR)$(DOCDIR)/%')
	for folder in /docs/decisions /docs $(addprefix /deploy/,$(filter-out ./,$(sort $(dir $(deploy_files:deploy/%=%))))) /deploy ''; do if [ -d '$(DESTDIR)$(DOCDIR)'$$folder ]; then \
	    rmdir --ignore-fail-on-non-empty '$(DESTDIR)$(DOCDIR)'$$folder; fi; done

# For the release that this runs on; they go to the build directory.
.PHONY: deb
deb: all
	$(Q)sh scripts/deb.sh '$(BUILD)' '$(BUILD)'

# A directory that the caller chose goes alone, with its sanitizers'.
clean_dirs := $(if $(filter command environment,$(origin BUILD)),$(foreach \
    suffix,_ _-asan _-tsan _-fuzz _-afl,$(suffix:_%=$(BUILD)%)),build build-*)

.PHONY: clean
clean:
	$(Q)for dir in $(clean_dirs); do \
	    if [ -d "$$dir" ]; then find "$$dir" -mindepth 1 -maxdepth 1 ! -name venv -exec rm -rf {} +; fi; \
	    if [ -d "$$dir" ]; then rmdir --ignore-fail-on-non-empty "$$dir"; fi; \
	done

.PHONY: distclean
distclean:
	$(Q)rm -rf build build-* $(BUILD)

.PHONY: format
format:
	$(Q)find $(dirs) include tests -name '*.[ch]' -exec $$(VENV='$(VENV)' sh scripts/clang-format.sh) -i {} +

.PHONY: help
help:
	@sed -n 's/^#: \{0,1\}//p' Makefile

#: make             the library, the daemon, the drawing helper and the gRPC module, in build/
#: make run         the daemon alone, on its default addresses
#: make demo        a small instrumented shop that sends to a spanmap of its own
#: make test        tidy, unit, e2e and interop, with a summary
#: make unit        cmocka programs of tests/unit
#: make e2e         pytest against the built daemon
#: make interop     real SDKs and the Collector against the built daemon
#: make tidy        format, includes, banned functions, lengths, dead files
#: make conformance what OTLP asks for, of spanmap and of the Collector; rewrites docs/CONFORMANCE.md
#: make comparison  runs the Collector beside spanmap and rewrites the tables of docs/COMPARISON.md
#: make mutation    every deliberate fault of tests/mutation, FAULTS='E7 histogram' only those
#: make sanitize    unit and property tests under ASan+UBSan and TSan
#: make fuzz        every fuzz target for FUZZ_S=60 seconds; ENGINE=afl by AFL++, TARGETS='http1 session' only those
#: make fuzz-smoke  every fuzz target over its corpus and a few seconds more
#: make docs        configuration reference and example, and the tables of ARCHITECTURE.md
#: make collector   an OpenTelemetry Collector with spanmap inside, build/collector/otelcol-spanmap (docs/COLLECTOR.md)
#: make collector-test  go vet, and the components' own tests under the race detector
#: make bench       measures beside the Collector and rewrites docs/BENCHMARKS.md (eleven minutes)
#: make guard       instructions a span, against committed ceilings
#: make soak        the long run
#: make install     to DESTDIR, under PREFIX=/usr/local; `uninstall` takes it back
#: make deb         Debian packages for this release, in build/: spanmap, libspanmap-dev
#: make format      lets clang-format rewrite the sources
#: make clean       removes what was built; `distclean` the Python environment too
#:
#: V=1 shows commands, DEV=1 makes warnings errors, SAN=address,undefined or
#: SAN=thread instruments, CC=clang compiles with clang, BUILD=dir builds there.

-include $(lib_objects:.o=.d) $(main_object:.o=.d) $(draw_objects:.o=.d) $(grpc_objects:.o=.d) \
    $(unit_sources:%.c=$(BUILD)/obj/%.d) $(testlib_sources:%.c=$(BUILD)/obj/%.d) \
    $(fuzz_sources:%.c=$(BUILD)/obj/%.d) $(bench_sources:%.c=$(BUILD)/obj/%.d) \
    $(tool_sources:%.c=$(BUILD)/obj/%.d)
