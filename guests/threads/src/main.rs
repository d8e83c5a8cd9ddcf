//! Threads of one process, parking, and the small services: time, entropy, system information.

#![no_std]
#![no_main]

extern crate alloc;

mod parking;
mod services;
mod worker;

use capos_rt::Runtime;
use guest_support::Guest;

fn main(mut runtime: Runtime) -> i64 {
    let mut guest = Guest::start(&mut runtime, "threads");
    let guest_ref = &mut guest;

    guest_ref.step("system info", services::system_info);
    guest_ref.step("entropy", services::entropy);
    guest_ref.step("timer: time does not run backwards", services::monotonic);
    guest_ref.step("timer: sleep lasts long enough", services::sleep);
    guest_ref.step("timer: the shorter sleep ends first", services::sleep_order);
    guest_ref.step("timer: ninth sleep is refused", services::sleep_limit);
    guest_ref.step("wall clock", services::wall_clock);
    guest_ref.step("fs base: read and set", worker::fs_base);

    guest_ref.step("threads: created and joined", worker::create_and_join);
    guest_ref.step("threads: exit code can be polled", worker::poll_exit_code);
    guest_ref.step("park: value differs", parking::mismatch);
    guest_ref.step("park: timeout", parking::timeout);
    guest_ref.step("park: wrong requests are refused", parking::refusals);
    guest_ref.step("park: woken by another thread", parking::woken);
    guest_ref.step("park: three waiters, one word", parking::three_waiters);
    guest_ref.step("park: a lock excludes", parking::lock);
    // Stays parked: the end of the process must end it.
    guest_ref.step("threads: one is left behind", parking::leave_one_behind);

    guest.finish()
}

capos_rt::entry_point!(main);
