/*
 * Runs instruction sequences and whole programs on the host's processor and reports what it did: the reference that
 * all executors are compared with. Standard input is a file with a batch of cases, standard output a file as large
 * as its results; both are mapped, so a case costs one signal and no system call.
 *
 * One signal per case: the code under test ends in INT3 or faults; the handler stores the result, loads the next
 * case into the interrupted context, and returns into it. SECCOMP strict mode allows nothing but read, write,
 * exit and sigreturn, so code under test cannot reach the host.
 *
 * Layout (all fixed, so that the same addresses work everywhere):
 *   CODE   0x10000000  two pages, readable and executable; the page after them is not mapped
 *   DATA   0x20000000  two pages, readable and writable; the pages around them are not mapped. Cases fill and
 *                      results show the parts of them that the batch names; the rest is zero, and a result says
 *                      when the rest was written.
 *   RODATA 0x30000000  one page, readable
 *
 * A batch is a header, code images (CODE and the start of RODATA), and cases that name an image each.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define CODE ((uint8_t *)0x10000000)
#define DATA ((uint8_t *)0x20000000)
#define RODATA ((uint8_t *)0x30000000)
#define CODE_BYTES 8192
#define DATA_BYTES 8192
#define RODATA_BYTES 64
#define FS_BASE 0x20000040
#define GS_BASE 0x20001000
#define MAX_PARTS 4
#define XSAVE_MAGIC_AT 464
#define XSAVE_MAGIC 0x46505853u
#define XSAVE_HEADER_AT 512
/* A case that is interrupted so often loops for ever. Ticks count time of this process only. */
#define MAX_TICKS 3
#define TICK_MICROSECONDS 4000

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

struct batch {
  uint32_t cases;
  uint32_t images;
  uint32_t parts;
  uint32_t part_bytes;
  struct { uint32_t at, length; } part[MAX_PARTS];
};

struct image {
  uint8_t code[CODE_BYTES];
  uint8_t rodata[RODATA_BYTES];
};

/* The parts of DATA follow, as they do in a result. */
struct test_case {
  struct state state;
  uint32_t image;
  uint32_t pad;
  uint8_t parts[];
};

struct result {
  struct state state;
  uint64_t cr2;
  uint32_t vector;
  uint32_t error_code;
  /* 0: the case did not run. */
  uint32_t signal;
  uint32_t stray;
  uint8_t parts[];
};

static const int GREG[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                             REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static const struct batch *batch;
static const struct image *images;
static const uint8_t *cases;
static uint8_t *results;
static uint8_t *code_alias;
static uint8_t *rodata_alias;
static uint32_t next_case;
static uint32_t loaded_image = UINT32_MAX;
static uint32_t ticks;

/* A system call that does not touch `errno`, which is found through FS. */
static long raw_call(long number, long first, long second) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(first), "S"(second) : "rcx", "r11", "memory");
  return result;
}

static void leave(int status) { raw_call(SYS_exit, status, 0); }

/* Copies the parts of DATA out, or in. */
static void copy_parts(uint8_t *out, const uint8_t *in) {
  uint32_t done = 0;
  for (uint32_t i = 0; i < batch->parts; done += batch->part[i++].length) {
    uint8_t *place = DATA + batch->part[i].at;
    if (out) memcpy(out + done, place, batch->part[i].length);
    else memcpy(place, in + done, batch->part[i].length);
  }
}

static int all_zero(const uint8_t *from, size_t length) {
  uint64_t seen = 0;
  for (size_t i = 0; i < length; i += 8) seen |= *(const uint64_t *)(from + i);
  return seen == 0;
}

/* Parts are in order, their ends multiples of eight. */
static int stray_write(void) {
  uint32_t end = 0;
  for (uint32_t i = 0; i < batch->parts; i++) {
    if (!all_zero(DATA + end, batch->part[i].at - end)) return 1;
    end = batch->part[i].at + batch->part[i].length;
  }
  return !all_zero(DATA + end, DATA_BYTES - end);
}

static void save(const ucontext_t *context, int number) {
  struct result *into = (struct result *)(results + (size_t)(next_case - 1) * (sizeof *into + batch->part_bytes));
  const greg_t *gregs = context->uc_mcontext.gregs;
  const struct _libc_fpstate *fp = context->uc_mcontext.fpregs;
  for (int i = 0; i < 16; i++) into->state.gpr[i] = (uint64_t)gregs[GREG[i]];
  into->state.rip = (uint64_t)gregs[REG_RIP];
  into->state.rflags = (uint64_t)gregs[REG_EFL];
  memcpy(into->state.xmm, fp->_xmm, sizeof into->state.xmm);
  into->state.mxcsr = fp->mxcsr;
  into->state.fcw = fp->cwd;
  into->state.fsw = fp->swd;
  into->state.ftw = fp->ftw & 0xff;
  for (int i = 0; i < 8; i++) memcpy(into->state.st[i], &fp->_st[i], 10);
  into->vector = (uint32_t)gregs[REG_TRAPNO];
  into->error_code = (uint32_t)gregs[REG_ERR];
  into->cr2 = (uint64_t)gregs[REG_CR2];
  into->signal = (uint32_t)number;
  copy_parts(into->parts, NULL);
  into->stray = (uint32_t)stray_write();
  if (into->stray) memset(DATA, 0, DATA_BYTES);
}

static void load_image(uint32_t number) {
  if (number >= batch->images) leave(4);
  if (number != loaded_image) {
    memcpy(code_alias, images[number].code, CODE_BYTES);
    memcpy(rodata_alias, images[number].rodata, RODATA_BYTES);
  }
  loaded_image = number;
  /* The kernel maps shared pages on first touch; until then a refused write looks like a missing page. */
  (void)*(volatile uint8_t *)RODATA;
  (void)*(volatile uint8_t *)CODE;
  (void)*(volatile uint8_t *)(CODE + 4096);
}

static void load(ucontext_t *context) {
  const struct test_case *from =
      (const struct test_case *)(cases + (size_t)next_case * (sizeof *from + batch->part_bytes));
  greg_t *gregs = context->uc_mcontext.gregs;
  struct _libc_fpstate *fp = context->uc_mcontext.fpregs;
  load_image(from->image);
  copy_parts(NULL, from->parts);
  for (int i = 0; i < 16; i++) gregs[GREG[i]] = (greg_t)from->state.gpr[i];
  gregs[REG_RIP] = (greg_t)from->state.rip;
  gregs[REG_EFL] = (greg_t)from->state.rflags;
  memcpy(fp->_xmm, from->state.xmm, sizeof from->state.xmm);
  fp->mxcsr = from->state.mxcsr;
  fp->cwd = from->state.fcw;
  fp->swd = from->state.fsw;
  fp->ftw = (uint16_t)from->state.ftw;
  memcpy(fp->_st, from->state.st, sizeof from->state.st);
  /* With XSAVE the x87 and SSE parts count only when the header says that they are there. */
  uint32_t magic;
  memcpy(&magic, (uint8_t *)fp + XSAVE_MAGIC_AT, sizeof magic);
  if (magic == XSAVE_MAGIC) ((uint8_t *)fp)[XSAVE_HEADER_AT] |= 3;
}

static void handler(int number, siginfo_t *info, void *raw) {
  (void)info;
  if (number == SIGVTALRM && (next_case == 0 || ++ticks < MAX_TICKS)) return;
  ticks = 0;
  if (next_case > 0) save(raw, number);
  if (next_case == batch->cases) leave(0);
  load(raw);
  next_case++;
}

static void *map_at(void *where, size_t size, int prot, int fd) {
  void *got = mmap(where, size, prot, (fd < 0 ? MAP_ANONYMOUS | MAP_PRIVATE : MAP_SHARED) | (where ? MAP_FIXED : 0), fd, 0);
  if (got == MAP_FAILED) exit(2);
  return got;
}

static size_t size_of(int fd) {
  struct stat about;
  if (fstat(fd, &about)) exit(2);
  return (size_t)about.st_size;
}

/* Places everything in the two files, or ends when they are too small for what the header says. */
static void map_batch(void) {
  size_t input = size_of(0), output = size_of(1);
  if (input < sizeof *batch) exit(5);
  batch = map_at(NULL, input, PROT_READ, 0);
  images = (const struct image *)(batch + 1);
  cases = (const uint8_t *)(images + batch->images);
  size_t needed = sizeof *batch + batch->images * sizeof *images +
                  (size_t)batch->cases * (sizeof(struct test_case) + batch->part_bytes);
  size_t given = (size_t)batch->cases * (sizeof(struct result) + batch->part_bytes);
  if (batch->cases == 0 || batch->parts > MAX_PARTS || input < needed || output < given) exit(5);
  results = map_at(NULL, output, PROT_READ | PROT_WRITE, 1);
}

int main(void) {
  int code_fd = memfd_create("code", 0);
  int rodata_fd = memfd_create("rodata", 0);
  if (code_fd < 0 || rodata_fd < 0 || ftruncate(code_fd, CODE_BYTES) || ftruncate(rodata_fd, 4096)) return 2;
  map_batch();
  map_at(CODE, CODE_BYTES, PROT_READ | PROT_EXEC, code_fd);
  code_alias = map_at(NULL, CODE_BYTES, PROT_READ | PROT_WRITE, code_fd);
  map_at(RODATA, 4096, PROT_READ, rodata_fd);
  rodata_alias = map_at(NULL, 4096, PROT_READ | PROT_WRITE, rodata_fd);
  map_at(DATA, DATA_BYTES, PROT_READ | PROT_WRITE, -1);

  stack_t stack = {.ss_sp = map_at(NULL, 1 << 16, PROT_READ | PROT_WRITE, -1), .ss_size = 1 << 16};
  sigaltstack(&stack, NULL);
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigfillset(&action.sa_mask);
  const int signals[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGVTALRM};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
  struct itimerval tick = {{0, TICK_MICROSECONDS}, {0, TICK_MICROSECONDS}};
  setitimer(ITIMER_VIRTUAL, &tick, NULL);
  /* Nothing below looks at thread-local storage. */
  if (syscall(SYS_arch_prctl, ARCH_SET_GS, GS_BASE)) return 2;
  if (raw_call(SYS_arch_prctl, ARCH_SET_FS, FS_BASE)) return 2;
  if (raw_call(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_STRICT)) return 2;
  __asm__ volatile("int3");
  return 1;
}
