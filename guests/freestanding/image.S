/* A hand-made ELF file without a linker: one code and one data segment, exit code 9 (read from the data segment).
   With one of the macros below it has exactly one defect. build.sh makes `tiny` and every `bad-*` from it. */

#define TEXT 0x400000
#define DATA 0x401000

#if defined BAD_OVERLAP
#undef DATA
#define DATA TEXT
#elif defined BAD_KERNEL
#undef DATA
#define DATA 0xffff800000000000
#elif defined BAD_NULL
#undef DATA
#define DATA 0
#elif defined BAD_STACK
#undef DATA
#define DATA 0x100f000
#elif defined BAD_RING
#undef DATA
#define DATA 0x1200000
#endif

#ifdef BAD_WX
#define DATA_FLAGS 7
#elif defined BAD_UNREADABLE
#define DATA_FLAGS 2
#else
#define DATA_FLAGS 6
#endif

    .section .image, "a", @progbits
image:
#ifdef BAD_MAGIC
    .ascii "\177ELG"
#else
    .ascii "\177ELF"
#endif
#ifdef BAD_CLASS
    .byte 1
#else
    .byte 2
#endif
    .byte 1, 1, 0
    .zero 8
#ifdef BAD_TYPE
    .short 3
#else
    .short 2
#endif
#ifdef BAD_MACHINE
    .short 183
#else
    .short 62
#endif
    .long 1
#ifdef BAD_ENTRY
    .quad DATA + (data - image)
#else
    .quad TEXT + (text - image)
#endif
    .quad headers - image
    .quad 0
    .long 0
    .short 64, 56, 2, 0, 0, 0

headers:
    .long 1, 5
    .quad text - image
    .quad TEXT + (text - image)
    .quad TEXT + (text - image)
    .quad text_end - text, text_end - text
    .quad 4096

    .long 1, DATA_FLAGS
    .quad data - image
#ifdef BAD_OFFSET
    .quad DATA + (data - image) + 8
#else
    .quad DATA + (data - image)
#endif
    .quad DATA + (data - image)
#ifdef BAD_FILESZ
    .quad 4096, 4096
#else
    .quad data_end - data, 64
#endif
    .quad 4096

    .balign 64
text:
    mov $1, %eax
#if defined BAD_KERNEL
    mov $9, %edi
#else
    mov DATA + (data - image), %edi
#endif
    syscall
    ud2
text_end:

    .balign 64
data:
    .quad 9
data_end:
