//! The memory functions that compiled code calls. The target is freestanding in effect, so nobody else provides them.
//! String instructions keep them small and exercise restartable copies in whatever runs the program.

core::arch::global_asm!(
    r#"
    .section .text.guest_mem, "ax", @progbits

    .globl memcpy
    .type memcpy, @function
memcpy:
    mov rax, rdi
    mov rcx, rdx
    rep movsb
    ret

    .globl memmove
    .type memmove, @function
memmove:
    mov rax, rdi
    mov rcx, rdx
    mov r8, rdi
    sub r8, rsi
    cmp r8, rdx
    jb 2f
    rep movsb
    ret
2:
    lea rdi, [rdi + rdx - 1]
    lea rsi, [rsi + rdx - 1]
    std
    rep movsb
    cld
    ret

    .globl memset
    .type memset, @function
memset:
    mov r8, rdi
    mov eax, esi
    mov rcx, rdx
    rep stosb
    mov rax, r8
    ret

    .globl memcmp
    .type memcmp, @function
    .globl bcmp
    .type bcmp, @function
memcmp:
bcmp:
    xor eax, eax
    xor ecx, ecx
2:
    cmp rcx, rdx
    je 3f
    movzx eax, byte ptr [rdi + rcx]
    movzx r8d, byte ptr [rsi + rcx]
    inc rcx
    sub eax, r8d
    je 2b
3:
    ret

    // The precompiled alloc crate refers to it. With panic = "abort" nothing ever unwinds.
    .globl _Unwind_Resume
    .type _Unwind_Resume, @function
_Unwind_Resume:
    ud2
"#
);
