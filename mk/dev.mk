# make lint: clang-tidy (.clang-tidy), cppcheck, gcc -fanalyzer, shellcheck.  FILES="FILE..." picks C files.
# make cover: the unit tests' coverage of libtls13/ and daemon/, in build/cover/.  What end-to-end tests cover is not seen: workers in their
# sandbox cannot write their counts.
FILES ?= $(LIB_SRC) $(DAEMON_SRC)
LINT_PORTABLE := $(filter-out libtls13/x86/%,$(FILES))
#: fmt            clang-format over every C file
#: lint           clang-tidy, cppcheck, gcc -fanalyzer and shellcheck; must say nothing (FILES= picks C files)
#: cover          coverage of the unit tests, in build/cover/
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

cover:
	$(Q)tools/setup.sh build test dev
	$(Q)$(MAKE) --no-print-directory B=build/cover OPT='-O0 -g --coverage -fprofile-update=atomic' HARDEN= LDFLAGS=--coverage units
	$(Q)find build/cover -name '*.gcda' -delete
	$(Q)for test in build/cover/unit/test_* build/cover/unit/daemon_*; do \
	    case $$test in *.*) ;; *) $$test >build/cover/unit.log || { echo "$$test failed"; cat build/cover/unit.log; exit 1; } ;; esac; done
	$(Q)gcovr --root . --filter libtls13/ --filter daemon/ --html-details build/cover/index.html --print-summary build/cover | tail -n 3
