//! Limits: each one refuses with `overloaded` and its own reason, leaves nothing behind, and lets the same request
//! through once there is room. The limits are those of the scenario file; the program started as `small` has others
//! than init, although it is the same file.

#![no_std]
#![no_main]

extern crate alloc;

mod machine;
mod memory;
mod tables;

use capos_rt::Runtime;
use guest_support::Guest;

fn main(mut runtime: Runtime) -> i64 {
    let small = runtime.capset().iter().any(|entry| entry.name_bytes() == b"small");
    if small {
        let mut guest = Guest::start(&mut runtime, "small");
        guest.step("frames: 16 pages", |guest| memory::frame_limit(guest, 16));
        guest.step("reservations: 64 pages", |guest| memory::reservation_limit(guest, 64));
        guest.step("capabilities: 12", |guest| tables::capability_limit(guest, 12));
        return guest.finish();
    }
    let mut guest = Guest::start(&mut runtime, "quotas");
    let guest_ref = &mut guest;
    guest_ref.step("frames: 512 pages", |guest| memory::frame_limit(guest, 512));
    guest_ref.step("reservations: 4096 pages", |guest| memory::reservation_limit(guest, 4096));
    guest_ref.step("the two limits are apart", memory::two_reasons);
    guest_ref.step("capabilities: 64", |guest| tables::capability_limit(guest, 64));
    guest_ref.step("sleeps: 4", tables::sleep_limit);
    guest_ref.step("calls: 6", tables::call_limit);
    guest_ref.step("pipes: two slots or none", tables::pipe_slots);
    guest_ref.step("another program has other limits", machine::small_child);
    guest_ref.step("the machine runs out of frames", machine::out_of_memory);
    // Last, because a mapping without a capability stays until the process ends.
    guest_ref.step("frames: committed, held and mapped pages count", memory::one_ledger);
    guest.finish()
}

capos_rt::entry_point!(main);
