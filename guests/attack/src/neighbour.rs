//! A program that only does its work: memory, arithmetic, sleep, and a line for each round.

use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER as WAIT;
use capos_rt::{TimerClient, VirtualMemoryClient};
use guest_support::{Guest, PAGE, READ, WRITE, bytes_mut, protocol::checksum};

const ROUNDS: u8 = 12;
const PAGES: u64 = 8;
const NAP_NS: u64 = 2_000_000;

pub fn run(guest: &mut Guest<'_>) -> i64 {
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let mut timer: TimerClient = guest.client("timer");
    let Ok(at) = memory.map_wait(&mut guest.ring, 0, PAGES * PAGE, READ | WRITE, WAIT) else {
        return 1;
    };
    let mine = unsafe { bytes_mut(at, PAGES * PAGE) };
    let mut sum = 0u64;
    for round in 0..ROUNDS {
        for (index, byte) in mine.iter_mut().enumerate() {
            *byte = byte.wrapping_mul(31).wrapping_add(index as u8 ^ round);
        }
        sum = checksum(mine) ^ sum.rotate_left(7);
        if timer.sleep_wait(&mut guest.ring, NAP_NS, WAIT).is_err() {
            return 2;
        }
        guest.say(&alloc::format!("round {round}: {sum:016x}"));
    }
    0
}
