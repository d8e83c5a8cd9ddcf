/*
 * Runs short instruction sequences on the host's processor and reports what it did: the reference that all
 * executors are compared with. Reads cases from standard input, writes results to standard output.
 *
 * One signal per case: the code under test ends in INT3 or faults; the handler stores the result, loads the next
 * case into the interrupted context, and returns into it. SECCOMP strict mode allows nothing but read, write,
 * exit and sigreturn, so code under test cannot reach the host.
 *
 * Layout (all fixed, so that the same addresses work everywhere):
 *   CODE   0x10000000  one page, readable and executable; the page after it is not mapped
 *   DATA   0x20000000  two pages, readable and writable; the pages around them are not mapped. Cases fill and
 *                      results show three windows of it: its first bytes, the page border, its last bytes; the
 *                      rest is zero, and a result says when the rest was written.
 *   RODATA 0x30000000  one page, readable
 */
#define _GNU_SOURCE
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define CODE ((uint8_t *)0x10000000)
#define DATA ((uint8_t *)0x20000000)
#define RODATA ((uint8_t *)0x30000000)
#define CODE_BYTES 64
#define DATA_BYTES 8192
#define EDGE 64
#define BORDER 256
#define XSAVE_MAGIC_AT 464
#define XSAVE_MAGIC 0x46505853u
#define XSAVE_HEADER_AT 512
#define WINDOW_BYTES (EDGE + 2 * BORDER + EDGE)

/* GPRs in encoding order: rax rcx rdx rbx rsp rbp rsi rdi r8..r15. */
struct state {
  uint64_t gpr[16];
  uint64_t rip;
  uint64_t rflags;
  uint8_t xmm[16][16];
  uint32_t mxcsr;
  /* Control and status word, and which physical registers are not empty. */
  uint16_t fcw;
  uint16_t fsw;
  uint32_t ftw;
  uint32_t pad;
  /* ST(0) to ST(7), 16 bytes apart. */
  uint8_t st[8][16];
};

struct test_case {
  struct state state;
  uint32_t code_length;
  uint32_t code_offset;
  uint8_t code[CODE_BYTES];
  uint8_t window[WINDOW_BYTES];
  uint8_t rodata[64];
};

struct result {
  struct state state;
  uint64_t cr2;
  uint32_t vector;
  uint32_t error_code;
  uint32_t signal;
  uint32_t stray;
  uint8_t window[WINDOW_BYTES];
};

static const int GREG[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                             REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static struct test_case current;
static struct result outcome;
static uint8_t *code_alias;
static uint8_t *rodata_alias;
static sig_atomic_t started;
static uint32_t budget_ticks;

/* Copies the windows of DATA out, or in. */
static void copy_windows(uint8_t *window, int out) {
  static const struct { unsigned at, length; } part[] = {{0, EDGE}, {4096 - BORDER, 2 * BORDER}, {DATA_BYTES - EDGE, EDGE}};
  for (unsigned i = 0; i < 3; window += part[i].length, i++) {
    if (out) memcpy(window, DATA + part[i].at, part[i].length);
    else memcpy(DATA + part[i].at, window, part[i].length);
  }
}

static int all_zero(const uint8_t *from, size_t length) {
  for (size_t i = 0; i < length; i++) if (from[i]) return 0;
  return 1;
}

static int stray_write(void) {
  return !all_zero(DATA + EDGE, 4096 - BORDER - EDGE) || !all_zero(DATA + 4096 + BORDER, 4096 - BORDER - EDGE);
}

static int read_all(void *into, size_t size) {
  size_t have = 0;
  while (have < size) {
    ssize_t got = read(0, (char *)into + have, size - have);
    if (got <= 0) return 0;
    have += (size_t)got;
  }
  return 1;
}

static void write_all(const void *from, size_t size) {
  size_t done = 0;
  while (done < size) {
    ssize_t put = write(1, (const char *)from + done, size - done);
    if (put <= 0) syscall(SYS_exit, 3);
    done += (size_t)put;
  }
}

static void save(const ucontext_t *context, int number) {
  const greg_t *gregs = context->uc_mcontext.gregs;
  const struct _libc_fpstate *fp = context->uc_mcontext.fpregs;
  for (int i = 0; i < 16; i++) outcome.state.gpr[i] = (uint64_t)gregs[GREG[i]];
  outcome.state.rip = (uint64_t)gregs[REG_RIP];
  outcome.state.rflags = (uint64_t)gregs[REG_EFL];
  memcpy(outcome.state.xmm, fp->_xmm, sizeof outcome.state.xmm);
  outcome.state.mxcsr = fp->mxcsr;
  outcome.state.fcw = fp->cwd;
  outcome.state.fsw = fp->swd;
  outcome.state.ftw = fp->ftw & 0xff;
  memcpy(outcome.state.st, fp->_st, sizeof outcome.state.st);
  for (int i = 0; i < 8; i++) memset(outcome.state.st[i] + 10, 0, 6);
  outcome.vector = (uint32_t)gregs[REG_TRAPNO];
  outcome.error_code = (uint32_t)gregs[REG_ERR];
  outcome.cr2 = (uint64_t)gregs[REG_CR2];
  outcome.signal = (uint32_t)number;
  copy_windows(outcome.window, 1);
  outcome.stray = (uint32_t)stray_write();
  if (outcome.stray) memset(DATA, 0, DATA_BYTES);
}

static void load(ucontext_t *context) {
  greg_t *gregs = context->uc_mcontext.gregs;
  struct _libc_fpstate *fp = context->uc_mcontext.fpregs;
  memset(code_alias, 0xcc, 4096);
  memcpy(code_alias + current.code_offset, current.code, current.code_length);
  copy_windows(current.window, 0);
  memcpy(rodata_alias, current.rodata, sizeof current.rodata);
  /* The kernel maps shared pages on first touch; until then a refused write looks like a missing page. */
  (void)*(volatile uint8_t *)RODATA;
  (void)*(volatile uint8_t *)CODE;
  for (int i = 0; i < 16; i++) gregs[GREG[i]] = (greg_t)current.state.gpr[i];
  gregs[REG_RIP] = (greg_t)current.state.rip;
  gregs[REG_EFL] = (greg_t)current.state.rflags;
  memcpy(fp->_xmm, current.state.xmm, sizeof current.state.xmm);
  fp->mxcsr = current.state.mxcsr;
  fp->cwd = current.state.fcw;
  fp->swd = current.state.fsw;
  fp->ftw = (uint16_t)current.state.ftw;
  memcpy(fp->_st, current.state.st, sizeof current.state.st);
  /* With XSAVE the x87 and SSE parts count only when the header says that they are there. */
  uint32_t magic;
  memcpy(&magic, (uint8_t *)fp + XSAVE_MAGIC_AT, sizeof magic);
  if (magic == XSAVE_MAGIC) ((uint8_t *)fp)[XSAVE_HEADER_AT] |= 3;
}

static void handler(int number, siginfo_t *info, void *raw) {
  (void)info;
  ucontext_t *context = raw;
  if (number == SIGALRM && (!started || ++budget_ticks < 3)) return;
  budget_ticks = 0;
  if (started) {
    save(context, number);
    write_all(&outcome, sizeof outcome);
  }
  if (!read_all(&current, sizeof current)) syscall(SYS_exit, 0);
  if (current.code_length > CODE_BYTES || current.code_offset > 4096 - current.code_length) syscall(SYS_exit, 4);
  started = 1;
  load(context);
}

static void *map_at(void *where, size_t size, int prot, int fd) {
  void *got = mmap(where, size, prot, (fd < 0 ? MAP_ANONYMOUS | MAP_PRIVATE : MAP_SHARED) | (where ? MAP_FIXED : 0), fd, 0);
  if (got == MAP_FAILED) exit(2);
  return got;
}

int main(void) {
  int code_fd = memfd_create("code", 0);
  int rodata_fd = memfd_create("rodata", 0);
  if (code_fd < 0 || rodata_fd < 0 || ftruncate(code_fd, 4096) || ftruncate(rodata_fd, 4096)) return 2;
  map_at(CODE, 4096, PROT_READ | PROT_EXEC, code_fd);
  code_alias = map_at(NULL, 4096, PROT_READ | PROT_WRITE, code_fd);
  map_at(RODATA, 4096, PROT_READ, rodata_fd);
  rodata_alias = map_at(NULL, 4096, PROT_READ | PROT_WRITE, rodata_fd);
  map_at(DATA, DATA_BYTES, PROT_READ | PROT_WRITE, -1);

  stack_t stack = {.ss_sp = map_at(NULL, 1 << 16, PROT_READ | PROT_WRITE, -1), .ss_size = 1 << 16};
  sigaltstack(&stack, NULL);
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigfillset(&action.sa_mask);
  const int signals[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGALRM, SIGUSR1};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
  struct itimerval tick = {{0, 20000}, {0, 20000}};
  setitimer(ITIMER_REAL, &tick, NULL);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)) return 2;
  __asm__ volatile("int3");
  return 1;
}
