// Lets one system call on the files of a folder fail, or ends the program there: loaded with LD_PRELOAD.
//
//   FAULT_PROGRAM  name of the program that is meant, and not those that it starts
//   FAULT_PATH     folder (or beginning of paths); other files are left alone
//   FAULT_KIND     ENOSPC, EIO, EINTR, short (a part is written or read), kill
//   FAULT_CALL     which of the calls that can fail so, from 1; 0 for none
//   FAULT_LASTS    if set, all later calls fail as well, as on a disk that stays full
//   FAULT_LOG      file that gets a line when the fault happens, or else the number of calls when the program ends
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum effect { NONE, FAIL, SHORT };
// What a call does, and so how it can fail: only what takes room can find the disk full.
enum call { TAKES_ROOM = 1, MOVES_BYTES = 2 };

static atomic_long calls;
static atomic_int happened;
static long wanted = -1;
static const char *path, *kind, *log_path;
static int lasts;

__attribute__((constructor)) static void start(void) {
  const char *program = getenv("FAULT_PROGRAM");
  if (!program || strcmp(program, program_invocation_short_name) != 0) return;
  path = getenv("FAULT_PATH");
  kind = getenv("FAULT_KIND");
  log_path = getenv("FAULT_LOG");
  lasts = getenv("FAULT_LASTS") != NULL;
  if (path && kind && getenv("FAULT_CALL")) wanted = atol(getenv("FAULT_CALL"));
}

static void note(const char *text, long number) {
  if (!log_path) return;
  int file = (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_APPEND, 0644);
  char line[256];
  int length = snprintf(line, sizeof line, "%s %ld\n", text, number);
  if (file >= 0) {
    syscall(SYS_write, file, line, length);
    syscall(SYS_close, file);
  }
}

__attribute__((destructor)) static void end(void) {
  if (wanted >= 0 && !happened) note("calls", calls);
}

static enum effect effect_on(const char *name, const char *file, int call) {
  if (wanted < 0 || !file || strncmp(file, path, strlen(path)) != 0) return NONE;
  if (strcmp(kind, "ENOSPC") == 0 && !(call & TAKES_ROOM)) return NONE;
  if (strcmp(kind, "short") == 0 && !(call & MOVES_BYTES)) return NONE;
  long number = atomic_fetch_add(&calls, 1) + 1;
  if (wanted == 0 || number < wanted || (number > wanted && !lasts)) return NONE;
  if (!atomic_exchange(&happened, 1)) note(name, number);
  if (strcmp(kind, "kill") == 0) kill(getpid(), SIGKILL);
  if (strcmp(kind, "short") == 0) return SHORT;
  errno = strcmp(kind, "ENOSPC") == 0 ? ENOSPC : strcmp(kind, "EINTR") == 0 ? EINTR : EIO;
  return FAIL;
}

static enum effect effect_on_descriptor(const char *name, int descriptor, int call) {
  if (wanted < 0) return NONE;
  char link[64], file[PATH_MAX + 1];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, file, PATH_MAX);
  if (length < 0) return NONE;
  file[length] = 0;
  return effect_on(name, file, call);
}

#define NEXT(name) \
  static __typeof__(&name) next; \
  if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define MOVING(name, call, parameters, arguments) \
  ssize_t name parameters { \
    NEXT(name); \
    enum effect effect = effect_on_descriptor(#name, descriptor, call | MOVES_BYTES); \
    if (effect == FAIL) return -1; \
    if (effect == SHORT && count > 1) count /= 2; \
    return next arguments; \
  }

MOVING(write, TAKES_ROOM, (int descriptor, const void *bytes, size_t count), (descriptor, bytes, count))
MOVING(pwrite, TAKES_ROOM, (int descriptor, const void *bytes, size_t count, off_t offset), (descriptor, bytes, count, offset))
MOVING(pwrite64, TAKES_ROOM, (int descriptor, const void *bytes, size_t count, off64_t offset), (descriptor, bytes, count, offset))
MOVING(read, 0, (int descriptor, void *bytes, size_t count), (descriptor, bytes, count))
MOVING(pread, 0, (int descriptor, void *bytes, size_t count, off_t offset), (descriptor, bytes, count, offset))
MOVING(pread64, 0, (int descriptor, void *bytes, size_t count, off64_t offset), (descriptor, bytes, count, offset))

#define ON_DESCRIPTOR(name, call, parameters, arguments) \
  int name parameters { \
    NEXT(name); \
    return effect_on_descriptor(#name, descriptor, call) == FAIL ? -1 : next arguments; \
  }

ON_DESCRIPTOR(fsync, 0, (int descriptor), (descriptor))
ON_DESCRIPTOR(fdatasync, 0, (int descriptor), (descriptor))
ON_DESCRIPTOR(ftruncate, TAKES_ROOM, (int descriptor, off_t length), (descriptor, length))
ON_DESCRIPTOR(ftruncate64, TAKES_ROOM, (int descriptor, off64_t length), (descriptor, length))

// What is closed is closed, also where that fails.
int close(int descriptor) {
  NEXT(close);
  enum effect effect = effect_on_descriptor("close", descriptor, TAKES_ROOM);
  int code = errno, result = next(descriptor);
  if (effect != FAIL) return result;
  errno = code;
  return -1;
}

#define ON_PATH(name, call, parameters, arguments) \
  int name parameters { \
    NEXT(name); \
    return effect_on(#name, file, call) == FAIL ? -1 : next arguments; \
  }

ON_PATH(rename, TAKES_ROOM, (const char *file, const char *new_name), (file, new_name))
ON_PATH(mkdir, TAKES_ROOM, (const char *file, mode_t mode), (file, mode))
ON_PATH(unlink, 0, (const char *file), (file))

#define OPENING(name) \
  int name(const char *file, int flags, ...) { \
    NEXT(name); \
    va_list list; \
    va_start(list, flags); \
    mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0; \
    va_end(list); \
    return effect_on(#name, file, flags & O_CREAT ? TAKES_ROOM : 0) == FAIL ? -1 : next(file, flags, mode); \
  }

OPENING(open)
OPENING(open64)
