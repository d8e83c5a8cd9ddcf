//! Accesses that must fault. Assembly, because the compiler may do anything with a write through a null pointer.

use core::arch::asm;
use core::ptr::addr_of;

use capos_rt::VirtualMemoryClient;
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER;
use guest_support::{EXEC, Guest, MemoryObjectClient, NONE, PAGE, READ, WRITE};

const RING: u64 = 0x120_0000;
const CAPSET: u64 = 0x130_0000;
const STACK_BASE: u64 = 0x100_0000;
const STACK_TOP: u64 = 0x101_0000;
const BELOW_IMAGE: u64 = 0x1f_f000;
const KERNEL_HALF: u64 = 0xffff_8000_0000_0000;
const NOT_CANONICAL: u64 = 0x0000_8000_0000_0000;

const RET: u8 = 0xc3;

static mut DATA: [u8; 16] = [RET; 16];
static mut BSS: [u8; 16] = [0; 16];
static RODATA: [u8; 16] = [RET; 16];

unsafe extern "C" {
    static __text_start: u8;
    static __bss_end: u8;
}

fn read(addr: u64) {
    unsafe { asm!("mov {value}, byte ptr [{addr}]", value = out(reg_byte) _, addr = in(reg) addr) }
}

fn write(addr: u64, value: u8) {
    unsafe { asm!("mov byte ptr [{addr}], {value}", value = in(reg_byte) value, addr = in(reg) addr) }
}

fn execute(addr: u64) {
    unsafe { asm!("call {addr}", addr = in(reg) addr, clobber_abi("C")) }
}

/// False if the name is not known.
pub fn try_access(guest: &mut Guest<'_>, name: &str) -> bool {
    let mut stack_code = [RET; 16];
    match name {
        "read null" => read(0),
        "write null" => write(0, 1),
        "execute null" => execute(0),
        "read below the image" => read(BELOW_IMAGE),
        "read behind the image" => read((addr_of!(__bss_end) as u64 + 2 * PAGE) & !(PAGE - 1)),
        "read below the stack" => read(STACK_BASE - 1),
        "read above the stack" => read(STACK_TOP),
        "read kernel half" => read(KERNEL_HALF),
        "read not canonical" => read(NOT_CANONICAL),
        "write text" => write(addr_of!(__text_start) as u64, RET),
        "write rodata" => write(addr_of!(RODATA) as u64, RET),
        "execute rodata" => execute(addr_of!(RODATA) as u64),
        "execute data" => execute(addr_of!(DATA) as u64),
        "execute bss" => {
            write(addr_of!(BSS) as u64, RET);
            execute(addr_of!(BSS) as u64);
        }
        "execute stack" => execute(stack_code.as_mut_ptr() as u64),
        "execute ring" => execute(RING),
        "write capset" => write(CAPSET, 0),
        "execute capset" => execute(CAPSET),
        "halt" => unsafe { asm!("hlt") },
        "port access" => unsafe { asm!("in al, dx", out("al") _, in("dx") 0x3f8u16) },
        "undefined instruction" => unsafe { asm!("ud2") },
        _ => return try_mapping(guest, name),
    }
    true
}

/// The same for pages whose protection the program changed itself. A refused call ends with no fault, which the
/// parent notices.
fn try_mapping(guest: &mut Guest<'_>, name: &str) -> bool {
    match name {
        "write read-only object" => {
            let mut object: MemoryObjectClient = guest.client("object");
            if let Ok(addr) = object.map(&mut guest.ring, 0, PAGE, READ) {
                read(addr);
                write(addr, 1);
            }
        }
        "read unmapped object" => {
            let mut object: MemoryObjectClient = guest.client("object");
            if let Ok(addr) = object.map(&mut guest.ring, 0, PAGE, READ) {
                read(addr);
                if object.unmap(&mut guest.ring, addr, PAGE).is_ok() {
                    read(addr);
                }
            }
        }
        _ => return try_virtual_memory(guest, name),
    }
    true
}

fn try_virtual_memory(guest: &mut Guest<'_>, name: &str) -> bool {
    const WAIT: u64 = CAP_ENTER_WAIT_FOREVER;
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let ring = &mut guest.ring;
    if name == "read reserved page" {
        if let Ok(addr) = memory.reserve_wait(ring, 0, PAGE, WAIT) {
            read(addr);
        }
        return true;
    }

    let Ok(addr) = memory.map_wait(ring, 0, PAGE, READ | WRITE, WAIT) else {
        return true;
    };
    write(addr, RET);
    match name {
        "execute writable page" => execute(addr),
        "write read-only page" => {
            if memory.protect_wait(ring, addr, PAGE, READ, WAIT).is_ok() {
                read(addr);
                write(addr, 1);
            }
        }
        "write executable page" => {
            if memory.protect_wait(ring, addr, PAGE, READ | EXEC, WAIT).is_ok() {
                execute(addr);
                write(addr, 1);
            }
        }
        "execute page made read-only" => {
            if memory.protect_wait(ring, addr, PAGE, READ | EXEC, WAIT).is_ok() {
                execute(addr);
                if memory.protect_wait(ring, addr, PAGE, READ, WAIT).is_ok() {
                    execute(addr);
                }
            }
        }
        "execute unmapped page" => {
            if memory.protect_wait(ring, addr, PAGE, READ | EXEC, WAIT).is_ok() {
                execute(addr);
                if memory.unmap_wait(ring, addr, PAGE, WAIT).is_ok() {
                    execute(addr);
                }
            }
        }
        "read inaccessible page" => {
            if memory.protect_wait(ring, addr, PAGE, NONE, WAIT).is_ok() {
                read(addr);
            }
        }
        "read decommitted page" => {
            if memory.decommit_wait(ring, addr, PAGE, WAIT).is_ok() {
                read(addr);
            }
        }
        "read unmapped page" => {
            if memory.unmap_wait(ring, addr, PAGE, WAIT).is_ok() {
                read(addr);
            }
        }
        _ => return false,
    }
    true
}
