/* For make cover: processes that end by _exit(2), as the daemon's do, write their counts first (linked with --wrap=_exit). */
#include <stdlib.h>

void __gcov_dump(void);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

_Noreturn void __wrap__exit(int status)
{
    __gcov_dump();
    __real__exit(status);
}
