//! Maps the MemoryObject its parent granted, checks what is in it and writes what the parent will look for.

#![no_std]
#![no_main]

extern crate alloc;

use capos_rt::Runtime;
use capos_rt::syscall::cap_enter;
use guest_support::{Guest, MemoryObjectClient, PAGE, READ, WRITE, bytes, bytes_mut, require};

const SIZE: u64 = 3 * PAGE;
/// The word that goes back and forth; the layout is that of the parent.
const TURN: u64 = 2 * PAGE;
const ROUNDS: u32 = 8;
const PATIENCE: u32 = 10_000;
const NAP_NS: u64 = 100_000;

fn main(mut runtime: Runtime) -> i64 {
    let mut guest = Guest::start(&mut runtime, "child");
    let mut object: MemoryObjectClient = guest.client("shared");
    let mut addr = 0;

    guest.step("object mapped", |guest| {
        let info = object.info(&mut guest.ring)?;
        require!(info == (3, SIZE), "info {info:?}");
        addr = object.map(&mut guest.ring, 0, SIZE, READ | WRITE)?;
        Ok(())
    });
    guest.step("parent's data is there", |_| {
        for (index, byte) in unsafe { bytes(addr, PAGE) }.iter().enumerate() {
            require!(*byte == index as u8 ^ 0x5a, "byte {index} is {byte:#x}");
        }
        Ok(())
    });
    guest.step("own data written", |_| {
        for (index, byte) in unsafe { bytes_mut(addr + PAGE, PAGE) }.iter_mut().enumerate() {
            *byte = index as u8 ^ 0xc3;
        }
        Ok(())
    });
    let turn = (addr + TURN) as *mut u32;
    for round in 0..ROUNDS {
        unsafe { turn.write_volatile(2 * round + 1) };
        let mut patience = PATIENCE;
        while unsafe { turn.read_volatile() } != 2 * round + 2 && patience > 0 {
            patience -= 1;
            let _ = cap_enter(1, NAP_NS);
        }
    }
    // Not a step of its own: its line would race with the parent's.
    let last = unsafe { turn.read_volatile() };
    if last != 2 * ROUNDS || object.unmap(&mut guest.ring, addr, SIZE).is_err() {
        return 50;
    }
    0
}

capos_rt::entry_point!(main);
