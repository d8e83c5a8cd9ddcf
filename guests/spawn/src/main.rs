//! Memory and processes end to end: frames, address space, code that changes, children, images that must be refused,
//! and what happens when frames, quotas or processes run out. Quotas and memory size are those of the scenario file.

#![no_std]
#![no_main]

extern crate alloc;

mod children;
mod exhaustion;
mod frames;
mod images;
mod virtual_memory;

use capos_rt::Runtime;
use guest_support::Guest;

fn main(mut runtime: Runtime) -> i64 {
    let mut guest = Guest::start(&mut runtime, "spawn");
    let guest_ref = &mut guest;

    guest_ref.step("frames: one frame", frames::one_frame);
    guest_ref.step("frames: contiguous run, two mappings", frames::contiguous);
    guest_ref.step("frames: wrong requests are refused", frames::refusals);
    guest_ref.step("frames: they come back", frames::come_back);

    guest_ref.step("vm: reserve, commit, write", virtual_memory::reserve_commit);
    guest_ref.step("vm: a recommitted page is zero", virtual_memory::recommit);
    guest_ref.step("vm: no access keeps the data", virtual_memory::no_access);
    guest_ref.step("vm: unmap in the middle", virtual_memory::unmap_middle);
    guest_ref.step("vm: hints", virtual_memory::hints);
    guest_ref.step("vm: code can be replaced", virtual_memory::replaced_code);
    guest_ref.step("vm: wrong arguments are refused", virtual_memory::wrong_arguments);
    guest_ref.step("vm: wrong states are refused", virtual_memory::wrong_states);
    guest_ref.step("vm: reservation quota", virtual_memory::reservation_quota);
    guest_ref.step("vm: frame quota", virtual_memory::frame_quota);
    guest_ref.step("vm: frames come back", virtual_memory::frames_come_back);

    guest_ref.step("child: exit codes", children::exit_codes);
    guest_ref.step("child: sees the granted capabilities", children::granted_capabilities);
    guest_ref.step("child: two at once", children::two_at_once);
    guest_ref.step("child: calls its parent", children::calls_parent);
    guest_ref.step("child: its capabilities are listed", children::listed_capabilities);
    guest_ref.step("child: terminated", children::terminated);
    for attempt in children::FAULTS {
        guest_ref.step(attempt.step, |guest| children::faults(guest, attempt.binary, attempt.mode));
    }
    guest_ref.step("child: wrong grants are refused", children::wrong_grants);

    guest_ref.step("image: a hand-made one is accepted", images::accepted);
    for image in images::REFUSED {
        guest_ref.step(image.step, |guest| images::refused_image(guest, image.binary));
    }

    guest_ref.step("limit: frames", exhaustion::frames);
    guest_ref.step("limit: processes", exhaustion::processes);

    guest.finish()
}

capos_rt::entry_point!(main);
