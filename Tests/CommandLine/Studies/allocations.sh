#!/usr/bin/env bash
# A step of a deep student on one thread allocates nothing: the program asks for memory as often with 40 rounds of steps
# more. Counted by a library that stands before the system's, which needs a C compiler (Swift brings one) and glibc.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"
cd "$work" || exit 1

cat >count.c <<'C'
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
static atomic_long calls;
void *malloc(size_t size) { return calls++, __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return calls++, __libc_calloc(count, size); }
void *realloc(void *old, size_t size) { return calls++, __libc_realloc(old, size); }
void *aligned_alloc(size_t alignment, size_t size) { return calls++, __libc_memalign(alignment, size); }
int posix_memalign(void **result, size_t alignment, size_t size) {
  calls++;
  return (*result = __libc_memalign(alignment, size)) ? 0 : 12;
}
__attribute__((destructor)) static void report(void) {
  FILE *file = fopen(getenv("ALLOCATIONS"), "w");
  if (file) fprintf(file, "%ld", (long)calls), fclose(file);
}
C
compiler=$(dirname "$(realpath "$(command -v swift)")")/clang
check "a counter of allocations" "$compiler" -O2 -shared -fPIC -o count.so count.c

allocations() {
  ALLOCATIONS=$work/calls LD_PRELOAD=$work/count.so "$UNDERSTUDY" bench deep --step-only --threads 1 --rounds "$1" \
    >/dev/null && cat calls
}
few=$(allocations 1)
many=$(allocations 41)
check "it counts ($few of one round)" test "${few:-0}" -gt 100
# Starting and ending the program takes one call more or less.
check "40 rounds more allocate nothing ($many)" test "$((${many:-1000} - ${few:-0}))" -lt 10

finish
