//! Thread-local storage through the initial FS base. `#[thread_local]` is not stable, so the sections are made by hand;
//! offsets are the linker's. The sizes leave both sections unaligned in length, to test the rounding.

use core::arch::{asm, global_asm};

use guest_support::{Guest, Outcome, require};

const REGION_START: u64 = 0x110_0000;
const REGION_END: u64 = 0x120_0000;
const ALIGN: u64 = 64;
const WORD: u64 = 0x5eed_0001_c0de_0002;
const TEXT: &[u8; 13] = b"thread local!";
const ZEROED_BYTES: u64 = 301;

global_asm!(
    r#"
    .section .tdata, "awT", @progbits
    .balign 64
guest_tls_word:
    .quad 0x5eed0001c0de0002
guest_tls_text:
    .ascii "thread local!"

    .section .tbss, "awT", @nobits
    .balign 16
guest_tls_zeroed:
    .zero 301

    .text
guest_tls_offsets:
    mov qword ptr [rdi], offset guest_tls_word@tpoff
    mov qword ptr [rdi + 8], offset guest_tls_text@tpoff
    mov qword ptr [rdi + 16], offset guest_tls_zeroed@tpoff
    ret
guest_tls_load_word:
    mov rax, qword ptr fs:[guest_tls_word@tpoff]
    ret
guest_tls_store_word:
    mov qword ptr fs:[guest_tls_word@tpoff], rdi
    ret
"#
);

unsafe extern "C" {
    fn guest_tls_offsets(offsets: *mut [i64; 3]);
    fn guest_tls_load_word() -> u64;
    fn guest_tls_store_word(value: u64);
}

struct Addresses {
    thread_pointer: u64,
    word: u64,
    text: u64,
    zeroed: u64,
}

fn addresses() -> Addresses {
    let mut offsets = [0; 3];
    unsafe { guest_tls_offsets(&mut offsets) };
    let thread_pointer: u64;
    unsafe { asm!("mov {}, qword ptr fs:[0]", out(reg) thread_pointer) };
    Addresses {
        thread_pointer,
        word: thread_pointer.wrapping_add_signed(offsets[0]),
        text: thread_pointer.wrapping_add_signed(offsets[1]),
        zeroed: thread_pointer.wrapping_add_signed(offsets[2]),
    }
}

fn byte(addr: u64) -> u8 {
    unsafe { (addr as *const u8).read_volatile() }
}

pub fn self_pointer(_: &mut Guest<'_>) -> Outcome {
    let at = addresses();
    let pointer = at.thread_pointer;
    require!((REGION_START..REGION_END).contains(&pointer), "thread pointer {pointer:#x}");
    require!(pointer.is_multiple_of(ALIGN), "thread pointer {pointer:#x} is not aligned");
    let word = unsafe { (pointer as *const u64).read_volatile() };
    require!(word == pointer, "the word at {pointer:#x} is {word:#x}");
    require!(at.word >= REGION_START && at.word.is_multiple_of(ALIGN), "variables at {:#x}", at.word);
    Ok(())
}

pub fn initialised(_: &mut Guest<'_>) -> Outcome {
    let word = unsafe { guest_tls_load_word() };
    require!(word == WORD, "word {word:#x}");
    let at = addresses();
    for (index, expected) in TEXT.iter().enumerate() {
        let found = byte(at.text + index as u64);
        require!(found == *expected, "text byte {index} is {found:#x}");
    }
    Ok(())
}

pub fn zeroed(_: &mut Guest<'_>) -> Outcome {
    let at = addresses();
    for index in 0..ZEROED_BYTES {
        let found = byte(at.zeroed + index);
        require!(found == 0, "byte {index} is {found:#x}");
    }
    Ok(())
}

pub fn writable(_: &mut Guest<'_>) -> Outcome {
    let at = addresses();
    unsafe { guest_tls_store_word(!WORD) };
    let word = unsafe { (at.word as *const u64).read_volatile() };
    require!(word == !WORD, "word {word:#x}");
    unsafe { (at.zeroed as *mut u8).add(300).write_volatile(7) };
    require!(byte(at.zeroed + 300) == 7, "last byte");
    Ok(())
}
