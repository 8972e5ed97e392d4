/* Loaded before the C library: has calls of the system fail that refsync's C kernel makes, as a page of shared memory says.
 *
 * A call site is an offset in the kernel's shared object. While `at` is 0 the sites are only recorded; else the `at`-th
 * call at `target`, in whatever process of the run, ends with `error` or, if that is 0, does half of its work. A fault
 * that lasts stays: whoever writes to files then, or makes them, meets it too. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPENAT, READ, PREAD, PWRITEV, WRITEV, SENDMSG, RENAMEAT, UNLINKAT, CLOSE, FSTAT, FSTATAT, FUTIMENS, FCHMOD, FCHOWN,
       FDOPENDIR, READDIR };
#define SITES 128

typedef struct site {
    int64_t offset;
    int32_t function, calls;
} site;

typedef struct control {
    int64_t target;
    int32_t at, error, lasting, calls, hits, broken, sites;
    int32_t watcher; /* the process that judges: it is spared what lasts */
    site site[SITES];
} control;

static control *page;
static uintptr_t low, high;

static int found(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    if (!strstr(info->dlpi_name, "_kernel."))
        return 0;
    low = info->dlpi_addr;
    high = low;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && low + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz > high)
            high = low + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
    return 1;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("REFSYNC_FAULTS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *map = mmap(NULL, sizeof(control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (map != MAP_FAILED)
        page = map;
}

/* Whether a call of the kernel's is to fail now. */
static int meant(int function, void *caller)
{
    uintptr_t from = (uintptr_t)caller;
    if (!page)
        return 0;
    if (!low)
        dl_iterate_phdr(found, NULL);
    if (from < low || from >= high)
        return 0;
    int64_t offset = (int64_t)(from - low);
    if (!page->at) {
        int i = 0, sites = __atomic_load_n(&page->sites, __ATOMIC_SEQ_CST);
        for (; i < sites; i++)
            if (page->site[i].offset == offset)
                break;
        if (i == sites) { /* two processes may enter one site twice: the reader makes one of them */
            i = __atomic_fetch_add(&page->sites, 1, __ATOMIC_SEQ_CST);
            if (i >= SITES)
                return 0;
            page->site[i].function = function;
            page->site[i].offset = offset;
        }
        __atomic_fetch_add(&page->site[i].calls, 1, __ATOMIC_SEQ_CST);
        return 0;
    }
    if (offset != page->target || __atomic_add_fetch(&page->calls, 1, __ATOMIC_SEQ_CST) != page->at)
        return 0;
    __atomic_fetch_add(&page->hits, 1, __ATOMIC_SEQ_CST);
    if (page->lasting)
        page->broken = 1;
    return 1;
}

static int is_file(int fd)
{
    struct stat status; /* what the run says is kept in a file too, but would go to a terminal */
    return fd > 2 && !syscall(SYS_fstat, fd, &status) && S_ISREG(status.st_mode);
}

static int refuse(int error)
{
    errno = error;
    return -1;
}

#define REAL(name) ({ static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name); real; })
/* What refuses a call outright; short work is each function's own. */
#define FAULT(function) int hit = meant(function, __builtin_return_address(0)); if (hit && page->error) return refuse(page->error)
/* The disk is full: so it is for all. */
#define FULL(what) if (page && page->broken && page->watcher != getpid() && (what)) return refuse(page->error)

int openat64(int directory, const char *path, int flags, ...)
{
    __builtin_va_list rest;
    __builtin_va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? __builtin_va_arg(rest, mode_t) : 0;
    __builtin_va_end(rest);
    FAULT(OPENAT);
    FULL(flags & O_CREAT);
    return REAL(openat64)(directory, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    __builtin_va_list rest;
    __builtin_va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? __builtin_va_arg(rest, mode_t) : 0;
    __builtin_va_end(rest);
    FULL(flags & O_CREAT);
    return REAL(open64)(path, flags, mode);
}

ssize_t read(int fd, void *to, size_t count)
{
    FAULT(READ);
    return REAL(read)(fd, to, hit && count > 1 ? count / 2 : count);
}

ssize_t pread64(int fd, void *to, size_t count, off64_t at)
{
    FAULT(PREAD);
    return REAL(pread64)(fd, to, hit && count > 1 ? count / 2 : count, at);
}

/* The first part of so many, and of that one half. */
static struct iovec half(const struct iovec *part)
{
    return (struct iovec){part->iov_base, part->iov_len > 1 ? part->iov_len / 2 : part->iov_len};
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at)
{
    FAULT(PWRITEV);
    FULL(is_file(fd));
    struct iovec first = count ? half(parts) : (struct iovec){0};
    return hit && count ? REAL(pwritev64)(fd, &first, 1, at) : REAL(pwritev64)(fd, parts, count, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    FAULT(WRITEV);
    FULL(is_file(fd));
    struct iovec first = count ? half(parts) : (struct iovec){0};
    return hit && count ? REAL(writev)(fd, &first, 1) : REAL(writev)(fd, parts, count);
}

ssize_t pwrite64(int fd, const void *from, size_t count, off64_t at)
{
    FULL(is_file(fd));
    return REAL(pwrite64)(fd, from, count, at);
}

ssize_t write(int fd, const void *from, size_t count)
{
    FULL(is_file(fd));
    return REAL(write)(fd, from, count);
}

/* A connection that is gone is gone for the other end too. */
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    int hit = meant(SENDMSG, __builtin_return_address(0));
    if (hit && (page->error == ECONNRESET || page->error == EPIPE))
        shutdown(fd, SHUT_RDWR);
    if (hit && page->error)
        return refuse(page->error);
    if (!hit || !message->msg_iovlen)
        return REAL(sendmsg)(fd, message, flags);
    struct iovec first = half(message->msg_iov);
    struct msghdr some = *message;
    some.msg_iov = &first;
    some.msg_iovlen = 1;
    return REAL(sendmsg)(fd, &some, flags);
}

int renameat(int from, const char *old, int to, const char *name)
{
    FAULT(RENAMEAT);
    return REAL(renameat)(from, old, to, name);
}

int unlinkat(int directory, const char *name, int flags)
{
    FAULT(UNLINKAT);
    return REAL(unlinkat)(directory, name, flags);
}

/* What is closed is closed, whatever the system says of it; it has something to say of what was written. */
int close(int fd)
{
    int written = page && low && is_file(fd) && (REAL(fcntl64)(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
    int hit = written && meant(CLOSE, __builtin_return_address(0)), result = (int)syscall(SYS_close, fd);
    return hit && page->error && !result ? refuse(page->error) : result;
}

int fstat64(int fd, struct stat64 *status)
{
    FAULT(FSTAT);
    return REAL(fstat64)(fd, status);
}

int fstatat64(int directory, const char *name, struct stat64 *status, int flags)
{
    FAULT(FSTATAT);
    return REAL(fstatat64)(directory, name, status, flags);
}

int futimens(int fd, const struct timespec *times)
{
    FAULT(FUTIMENS);
    return REAL(futimens)(fd, times);
}

int fchmod(int fd, mode_t mode)
{
    FAULT(FCHMOD);
    return REAL(fchmod)(fd, mode);
}

int fchown(int fd, uid_t uid, gid_t gid)
{
    FAULT(FCHOWN);
    return REAL(fchown)(fd, uid, gid);
}

DIR *fdopendir(int fd)
{
    if (meant(FDOPENDIR, __builtin_return_address(0)) && page->error) {
        errno = page->error;
        return NULL;
    }
    return REAL(fdopendir)(fd);
}

struct dirent64 *readdir64(DIR *directory)
{
    if (meant(READDIR, __builtin_return_address(0)) && page->error) {
        errno = page->error;
        return NULL;
    }
    return REAL(readdir64)(directory);
}
