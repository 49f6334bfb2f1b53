/* Library for LD_PRELOAD: counts the calls that change files below one folder, and ends or fails one of them.

   fault_arm() sets what happens; until then every call passes. A call counts if its kind is in the mask and its
   path (of a descriptor: the path it was opened by) begins with the folder. With a trace, each call that was
   carried out is written to a descriptor as a line of fields, followed by the bytes of a write. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { WRITE = 1, RENAME = 2, FSYNC = 4, UNLINK = 8, TRUNCATE = 16, CREATE = 32, MKDIR = 64 };
enum action { NOTHING, KILL, TEAR, FAIL };

static pthread_mutex_t gate = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static char folder[PATH_MAX];
static int action, mask, fault_errno, lasts, trace = -1;
static long at, seen;

/* Returns 0; `where` must be a path without links. */
int fault_arm(const char *where, int what, int kinds, long number, int error, int for_good, int trace_to) {
    pthread_mutex_lock(&gate);
    snprintf(folder, sizeof folder, "%s", where);
    action = what, mask = kinds, at = number, fault_errno = error, lasts = for_good, trace = trace_to, seen = 0;
    pthread_mutex_unlock(&gate);
    return 0;
}

long fault_seen(void) { return seen; }

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static int is_below(const char *path) {
    size_t length = strlen(folder);
    return length && !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

/* Writes the absolute path of `path` below directory descriptor `at_folder` to `full`; whether it is watched. */
static int find_path(int at_folder, const char *path, char *full) {
    if (!folder[0] || !path) return 0;
    char base[PATH_MAX] = "", link[64];
    if (path[0] != '/') {
        if (at_folder == AT_FDCWD) {
            if (!getcwd(base, sizeof base)) return 0;
        } else {
            snprintf(link, sizeof link, "/proc/self/fd/%d", at_folder);
            ssize_t length = readlink(link, base, sizeof base - 1);
            if (length < 0) return 0;
            base[length] = 0;
        }
        if ((size_t)snprintf(full, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return 0;
    } else {
        snprintf(full, PATH_MAX, "%s", path);
    }
    return is_below(full);
}

static int find_descriptor(int descriptor, char *full) {
    if (!folder[0]) return 0;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, full, PATH_MAX - 1);
    if (length < 0) return 0;
    full[length] = 0;
    return is_below(full);
}

/* Whether the call must fail; does not return if it is the one to be killed. A torn write returns 2. */
static int strike(int kind, int can_tear) {
    if (!(kind & mask)) return 0;
    seen++;
    if (action == NOTHING || seen < at || (seen > at && !(lasts && action == FAIL))) return 0;
    if (action == FAIL) {
        errno = fault_errno;
        return 1;
    }
    if (action == TEAR && can_tear) return 2;
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static void put(const void *bytes, size_t length) {
    while (length) {
        ssize_t written = syscall(SYS_write, trace, bytes, length);
        if (written <= 0) return;
        bytes = (const char *)bytes + written, length -= written;
    }
}

static void note(const char *kind, const char *first, const char *second, long number, size_t length) {
    if (trace < 0) return;
    char line[2 * PATH_MAX + 128];
    int size = snprintf(line, sizeof line, "%s\t%s\t%s\t%ld\t%zu\n", kind, first, second, number, length);
    put(line, size);
}

#define GUARDED(found, kind_, failure) \
    pthread_mutex_lock(&gate); \
    int watched = (found); \
    if (watched && strike(kind_, 0)) { pthread_mutex_unlock(&gate); return failure; }

#define FINISHED \
    int error_of_call = errno; \
    pthread_mutex_unlock(&gate); \
    errno = error_of_call

static long place_of(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL);
    return lseek(descriptor, 0, flags >= 0 && (flags & O_APPEND) ? SEEK_END : SEEK_CUR);
}

#define WRITING(call, torn_call, bytes, place) \
    char path[PATH_MAX]; \
    pthread_mutex_lock(&gate); \
    int watched = find_descriptor(descriptor, path); \
    int struck = watched ? strike(WRITE, 1) : 0; \
    if (struck == 1) { pthread_mutex_unlock(&gate); return -1; } \
    if (struck == 2) { torn_call; kill(getpid(), SIGKILL); for (;;) pause(); } \
    long offset = watched && trace >= 0 ? (long)(place) : 0; \
    ssize_t result = call; \
    if (watched && trace >= 0 && result > 0) { note("write", path, "", offset, result); put(bytes, result); } \
    FINISHED; \
    return result

ssize_t write(int descriptor, const void *bytes, size_t length) {
    REAL(write);
    if (!folder[0]) return real(descriptor, bytes, length);
    WRITING(real(descriptor, bytes, length), (void)!real(descriptor, bytes, length / 2), bytes, place_of(descriptor));
}

ssize_t pwrite(int descriptor, const void *bytes, size_t length, off_t place) {
    REAL(pwrite);
    if (!folder[0]) return real(descriptor, bytes, length, place);
    WRITING(real(descriptor, bytes, length, place), (void)!real(descriptor, bytes, length / 2, place), bytes, place);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off64_t place) {
    REAL(pwrite64);
    if (!folder[0]) return real(descriptor, bytes, length, place);
    WRITING(real(descriptor, bytes, length, place), (void)!real(descriptor, bytes, length / 2, place), bytes, place);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    REAL(writev);
    char path[PATH_MAX];
    if (!folder[0] || !find_descriptor(descriptor, path)) return real(descriptor, parts, count);
    /* One write for each part, so that each is counted; a short count is what callers must expect anyway. */
    ssize_t total = 0;
    for (int part = 0; part < count; part++) {
        ssize_t written = write(descriptor, parts[part].iov_base, parts[part].iov_len);
        if (written < 0) return total ? total : -1;
        total += written;
        if ((size_t)written < parts[part].iov_len) break;
    }
    return total;
}

#define SYNCING(name) \
    int name(int descriptor) { \
        REAL(name); \
        if (!folder[0]) return real(descriptor); \
        char path[PATH_MAX]; \
        GUARDED(find_descriptor(descriptor, path), FSYNC, -1) \
        int result = real(descriptor); \
        if (watched && !result) note("fsync", path, "", 0, 0); \
        FINISHED; \
        return result; \
    }
SYNCING(fsync)
SYNCING(fdatasync)

static int renamed(int result, const char *from, const char *to) {
    if (!result) note("rename", from, to, 0, 0);
    return result;
}

#define RENAMING(call, from_folder, to_folder) \
    char first[PATH_MAX] = "", second[PATH_MAX] = ""; \
    GUARDED(find_path(from_folder, from, first) | find_path(to_folder, to, second), RENAME, -1) \
    int result = watched ? renamed(call, first, second) : call; \
    FINISHED; \
    return result

int rename(const char *from, const char *to) {
    REAL(rename);
    RENAMING(real(from, to), AT_FDCWD, AT_FDCWD);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    REAL(renameat);
    RENAMING(real(from_folder, from, to_folder, to), from_folder, to_folder);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    REAL(renameat2);
    RENAMING(real(from_folder, from, to_folder, to, flags), from_folder, to_folder);
}

#define REMOVING(call, at_folder) \
    char full[PATH_MAX]; \
    GUARDED(find_path(at_folder, path, full), UNLINK, -1) \
    int result = call; \
    if (watched && !result) note("unlink", full, "", 0, 0); \
    FINISHED; \
    return result

int unlink(const char *path) {
    REAL(unlink);
    REMOVING(real(path), AT_FDCWD);
}

int unlinkat(int at_folder, const char *path, int flags) {
    REAL(unlinkat);
    REMOVING(real(at_folder, path, flags), at_folder);
}

int rmdir(const char *path) {
    REAL(rmdir);
    REMOVING(real(path), AT_FDCWD);
}

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    char full[PATH_MAX];
    GUARDED(find_path(AT_FDCWD, path, full), MKDIR, -1)
    int result = real(path, mode);
    if (watched && !result) note("mkdir", full, "", 0, 0);
    FINISHED;
    return result;
}

#define CUTTING(name, type) \
    int name(int descriptor, type length) { \
        REAL(name); \
        if (!folder[0]) return real(descriptor, length); \
        char path[PATH_MAX]; \
        GUARDED(find_descriptor(descriptor, path), TRUNCATE, -1) \
        int result = real(descriptor, length); \
        if (watched && !result) note("truncate", path, "", (long)length, 0); \
        FINISHED; \
        return result; \
    }
CUTTING(ftruncate, off_t)
CUTTING(ftruncate64, off64_t)

/* Opening a file that it creates or empties; other openings pass. */
#define OPENING(call, at_folder) \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
        va_list more; \
        va_start(more, flags); \
        mode = va_arg(more, mode_t); \
        va_end(more); \
    } \
    if (!folder[0] || !(flags & (O_CREAT | O_TRUNC)) || (flags & O_DIRECTORY)) return call; \
    char full[PATH_MAX]; \
    struct stat before; \
    pthread_mutex_lock(&gate); \
    int watched = find_path(at_folder, path, full); \
    int is_new = watched && fstatat(at_folder, path, &before, 0) != 0; \
    int changes = watched && (is_new || (flags & O_TRUNC)); \
    if (changes && strike(CREATE, 0)) { pthread_mutex_unlock(&gate); return -1; } \
    int result = call; \
    if (changes && result >= 0) note(is_new ? "create" : "truncate", full, "", 0, 0); \
    FINISHED; \
    return result

int open(const char *path, int flags, ...) {
    REAL(open);
    OPENING(real(path, flags, mode), AT_FDCWD);
}

int open64(const char *path, int flags, ...) {
    REAL(open64);
    OPENING(real(path, flags, mode), AT_FDCWD);
}

int openat(int at_folder, const char *path, int flags, ...) {
    REAL(openat);
    OPENING(real(at_folder, path, flags, mode), at_folder);
}

int openat64(int at_folder, const char *path, int flags, ...) {
    REAL(openat64);
    OPENING(real(at_folder, path, flags, mode), at_folder);
}
