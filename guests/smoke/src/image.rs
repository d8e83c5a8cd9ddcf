//! The accesses that the segments of the image must allow. What they must not allow is tried by children.

use core::ptr::{addr_of, addr_of_mut};

use guest_support::{Guest, Outcome, PAGE, require};

const STACK_BASE: u64 = 0x100_0000;
const STACK_TOP: u64 = 0x101_0000;

static mut DATA: [u64; 4] = [0x0123_4567_89ab_cdef, 2, 3, 4];
static mut BSS: [u8; 9000] = [0; 9000];
static RODATA: [u8; 300] = {
    let mut table = [0; 300];
    let mut index = 0;
    while index < 300 {
        table[index] = (index * 7) as u8;
        index += 1;
    }
    table
};

unsafe extern "C" {
    static __text_start: u8;
    static __text_end: u8;
    static __data_start: u8;
    static __bss_start: u8;
}

pub fn text_readable(_: &mut Guest<'_>) -> Outcome {
    let (start, end) = (addr_of!(__text_start) as u64, addr_of!(__text_end) as u64);
    let mut sum = 0u64;
    for addr in start..end {
        sum = sum.wrapping_add(u64::from(unsafe { (addr as *const u8).read_volatile() }));
    }
    require!(start == 0x20_0000, "text starts at {start:#x}");
    require!(sum != 0, "only zeros");
    Ok(())
}

pub fn rodata_readable(_: &mut Guest<'_>) -> Outcome {
    // By address, so that the compiler cannot know the answer.
    for index in 0..300 {
        let value = unsafe { addr_of!(RODATA[index]).read_volatile() };
        require!(value == (index * 7) as u8, "byte {index} is {value}");
    }
    Ok(())
}

pub fn data_writable(_: &mut Guest<'_>) -> Outcome {
    let data = addr_of_mut!(DATA).cast::<u64>();
    let first = unsafe { data.read_volatile() };
    require!(first == 0x0123_4567_89ab_cdef, "first word {first:#x}");
    for index in 0..4 {
        unsafe { data.add(index).write_volatile(0x1111 * index as u64) };
    }
    for index in 0..4 {
        let value = unsafe { data.add(index).read_volatile() };
        require!(value == 0x1111 * index as u64, "word {index} is {value:#x}");
    }
    Ok(())
}

/// Includes the part of .bss that shares a page with .data.
pub fn bss_zero(_: &mut Guest<'_>) -> Outcome {
    let shared = addr_of!(__bss_start) as u64;
    require!(shared > addr_of!(__data_start) as u64, "no data in front");
    require!(!shared.is_multiple_of(PAGE), "bss starts on its own page");
    let bss = addr_of_mut!(BSS).cast::<u8>();
    for index in 0..9000 {
        let value = unsafe { bss.add(index).read_volatile() };
        require!(value == 0, "byte {index} is {value}");
        unsafe { bss.add(index).write_volatile(index as u8) };
    }
    let value = unsafe { bss.add(8191).read_volatile() };
    require!(value == 0xff, "written 0xff, read {value:#x}");
    Ok(())
}

pub fn stack_usable(_: &mut Guest<'_>) -> Outcome {
    let here = 0u8;
    let here = addr_of!(here) as u64;
    require!((STACK_BASE..STACK_TOP).contains(&here), "stack at {here:#x}");
    for page in (STACK_BASE..here - PAGE).step_by(PAGE as usize) {
        unsafe {
            (page as *mut u64).write_volatile(page);
            let value = (page as *const u64).read_volatile();
            require!(value == page, "page {page:#x} holds {value:#x}");
        }
    }
    Ok(())
}
