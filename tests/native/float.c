/*
 * Runs single floating-point instructions on the host's processor: the reference for src/jit/float. One record in,
 * one record out, thousands a second, because nothing may fault: SSE exceptions are masked, and x87 ones are only
 * noted in the status word, which the instruction after would report and no such instruction follows.
 *
 * The instruction works on XMM0, XMM1, RAX, the x87 stack, and 16 bytes of memory at [RDI].
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct record {
  uint8_t code[8];
  uint64_t rax;
  uint32_t mxcsr;
  uint16_t fcw;
  uint16_t fsw;
  uint32_t ftw;
  uint32_t flags;
  uint8_t xmm[2][16];
  uint8_t memory[16];
  uint8_t st[8][16];
};

static uint8_t image[512] __attribute__((aligned(16)));
static uint8_t saved[512] __attribute__((aligned(16)));
static uint8_t memory[16] __attribute__((aligned(16)));

static void run(struct record *r, uint8_t *stub) {
  memset(image, 0, sizeof image);
  memcpy(image, &r->fcw, 2);
  memcpy(image + 2, &r->fsw, 2);
  image[4] = (uint8_t)r->ftw;
  memcpy(image + 24, &r->mxcsr, 4);
  memcpy(image + 32, r->st, 128);
  memcpy(image + 160, r->xmm, 32);
  memcpy(memory, r->memory, 16);
  memcpy(stub, r->code, 8);
  stub[8] = 0xc3;
  uint64_t rax = r->rax, flags;
  __asm__ volatile(
      "fnclex\n\tfxrstor64 %[image]\n\t"
      "xorl %%ecx, %%ecx\n\t"
      "call *%[stub]\n\t"
      "pushfq\n\tpopq %[flags]\n\t"
      "fxsave64 %[saved]\n\t"
      "fnclex\n\tfninit\n\t"
      : "+a"(rax), [flags] "=&r"(flags), [saved] "=m"(saved)
      : [image] "m"(image), [stub] "r"(stub), "D"(memory)
      : "rcx", "memory", "cc", "xmm0", "xmm1");
  r->rax = rax;
  r->flags = (uint32_t)(flags & 0x8d5);
  memcpy(&r->fcw, saved, 2);
  memcpy(&r->fsw, saved + 2, 2);
  r->ftw = saved[4];
  memcpy(&r->mxcsr, saved + 24, 4);
  memcpy(r->st, saved + 32, 128);
  for (int i = 0; i < 8; i++) memset(r->st[i] + 10, 0, 6);
  memcpy(r->xmm, saved + 160, 32);
  memcpy(r->memory, memory, 16);
}

int main(void) {
  uint8_t *stub = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stub == MAP_FAILED) return 2;
  struct record r;
  while (fread(&r, sizeof r, 1, stdin) == 1) {
    run(&r, stub);
    if (fwrite(&r, sizeof r, 1, stdout) != 1) return 3;
  }
  return fflush(stdout) ? 3 : 0;
}
