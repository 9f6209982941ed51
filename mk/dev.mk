# make lint: clang-tidy (.clang-tidy), cppcheck, gcc -fanalyzer, shellcheck.  FILES="FILE..." picks C files.
# make cover [SUITES="NAME..."]: how much of libtls13/ and daemon/ the unit tests and these end-to-end suites reach, in build/cover/.
SUITES ?= clients client_auth resumption proxy bytes halfclose timeouts limits reload upgrade watch backends log admin admin_counters config
FILES ?= $(LIB_SRC) $(DAEMON_SRC)
LINT_PORTABLE := $(filter-out libtls13/x86/%,$(FILES))
#: fmt            clang-format over every C file
#: lint           clang-tidy, cppcheck, gcc -fanalyzer and shellcheck; must say nothing (FILES= picks C files)
#: cover          coverage of the unit tests and most end-to-end suites (SUITES=), in build/cover/
.PHONY: dev-tools fmt lint tidy lint-tidy lint-cppcheck lint-analyzer lint-shell cover

fmt: dev-tools
	$(Q)clang-format -i $$(git ls-files '*.c' '*.h')

tidy: lint-tidy
lint: lint-tidy lint-cppcheck lint-analyzer lint-shell
lint-tidy lint-cppcheck lint-analyzer lint-shell: dev-tools

dev-tools:
	$(Q)tools/setup.sh build dev

# The accelerated files want compiler flags of their own (x86.mk), which the first three do not know; they are read by the build's warnings.
lint-tidy:
	$(Q)echo $(LINT_PORTABLE) | xargs -n 1 -P $$(nproc) clang-tidy --quiet --warnings-as-errors='*' --extra-arg=-std=gnu11 \
	    $(addprefix --extra-arg=,$(ALL_CPPFLAGS)) 2>$(B)/tidy.log || { grep -v 'database\|warnings\|^Use \|flags' $(B)/tidy.log; exit 1; }

lint-cppcheck:
	$(Q)cppcheck --quiet --std=c11 --error-exitcode=1 --enable=warning,performance,portability --inline-suppr --suppress=missingIncludeSystem \
	    --suppress=invalidPrintfArgType_sint --suppress=invalidPrintfArgType_uint -D_GNU_SOURCE -D__GNUC__=12 -D__x86_64__=1 \
	    -j $$(nproc) -Ilibtls13 $(LINT_PORTABLE)

# gcc 12 takes memory that realloc() moved for a leak; leaks are LeakSanitizer's, in the tests.
lint-analyzer:
	$(Q)echo $(LINT_PORTABLE) | xargs -n 1 -P $$(nproc) gcc -std=gnu11 $(ALL_CPPFLAGS) -O1 -fanalyzer -Wno-analyzer-malloc-leak -Werror -c -o /dev/null

lint-shell:
	$(Q)shellcheck -x .ci/run tools/*.sh tests/*.sh tests/tools/*.sh tests/*.bash tests/*.bats tests/system/*.bash tests/system/*.bats

COVER := B=build/cover OPT='-O0 -g --coverage -fprofile-update=atomic' HARDEN=
cover:
	$(Q)tools/setup.sh build test dev
	$(Q)$(MAKE) --no-print-directory $(COVER) build/cover/tests/cover/exit.o
	$(Q)$(MAKE) --no-print-directory $(COVER) LDFLAGS='--coverage -Wl,--wrap=_exit build/cover/tests/cover/exit.o' units build/cover/tls13d
	$(Q)tests/cover/run.sh $(SUITES)
	$(Q)for part in libtls13 daemon; do echo "$$part/"; \
	    gcovr --root . --filter $$part/ --html-details build/cover/$$part.html --print-summary build/cover | tail -n 3; done
