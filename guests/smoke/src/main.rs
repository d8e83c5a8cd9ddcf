//! Everything a program takes for granted: its image, its thread-local storage, typed calls and their refusals,
//! capability ids, children that go away completely, and a terminal to talk to.

#![no_std]
#![no_main]

extern crate alloc;

mod calls;
mod children;
mod image;
mod shell;
mod tls;

use capos_rt::Runtime;
use guest_support::Guest;

fn main(mut runtime: Runtime) -> i64 {
    let mut guest = Guest::start(&mut runtime, "smoke");
    let guest_ref = &mut guest;

    guest_ref.step("image: text is readable", image::text_readable);
    guest_ref.step("image: rodata is readable", image::rodata_readable);
    guest_ref.step("image: data is initialised and writable", image::data_writable);
    guest_ref.step("image: bss is zero and writable", image::bss_zero);
    guest_ref.step("image: stack is usable to its last page", image::stack_usable);
    guest_ref.step("tls: fs:0 points to itself", tls::self_pointer);
    guest_ref.step("tls: initialised part", tls::initialised);
    guest_ref.step("tls: zeroed part", tls::zeroed);
    guest_ref.step("tls: writable", tls::writable);

    guest_ref.step("call: unknown method is unimplemented", calls::unknown_method);
    guest_ref.step("call: parameters outside memory", calls::bad_params);
    guest_ref.step("call: result outside writable memory", calls::bad_result);
    guest_ref.step("call: result too large for its buffer", calls::small_result);
    guest_ref.step("call: transfers to a kernel object", calls::transfer_to_kernel);
    guest_ref.step("call: wrong submissions are refused", calls::wrong_submissions);
    guest_ref.step("syscall: the former write is gone", calls::former_write);
    guest_ref.step("capability: release and stale ids", calls::stale_ids);

    for attempt in children::FAULTS {
        guest_ref.step(attempt.step, |guest| children::faults(guest, attempt.mode));
    }
    guest_ref.step("teardown: frames of children come back", children::frames_come_back);
    guest_ref.step("shell", shell::run);

    guest.finish()
}

capos_rt::entry_point!(main);
