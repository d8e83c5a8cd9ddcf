//! The child of `smoke` and `spawn`. The name of one granted capability says what to do: `exit:N` ends with that code,
//! `wait:` never ends by itself, `run:...` tests something that works, `try:...` does one thing that must fault. Getting past that is the failure,
//! with exit code 90. Without any of them the child ends with 0.

#![no_std]
#![no_main]

extern crate alloc;

mod access;
mod modes;

use alloc::format;
use alloc::string::String;
use capos_rt::Runtime;
use capos_rt::syscall::{CAP_ENTER_WAIT_FOREVER, cap_enter};
use guest_support::Guest;

const EXIT_NO_FAULT: i64 = 90;
const EXIT_UNKNOWN_MODE: i64 = 91;

fn main(mut runtime: Runtime) -> i64 {
    let mode = runtime.capset().iter().find_map(|entry| {
        let (kind, argument) = core::str::from_utf8(entry.name_bytes()).ok()?.split_once(':')?;
        Some((String::from(kind), String::from(argument)))
    });
    let Some((kind, argument)) = mode else {
        return 0;
    };
    // Before the console is looked for, because this mode also runs without one.
    if kind == "exit" {
        return argument.parse().unwrap_or(EXIT_UNKNOWN_MODE);
    }

    let mut guest = Guest::start(&mut runtime, "child");
    match (kind.as_str(), argument.as_str()) {
        ("run", "capabilities") => guest.step("capabilities are those granted", modes::capabilities),
        ("run", "call") => guest.step("calls to the parent are answered", modes::call_parent),
        ("wait", _) => loop {
            let _ = cap_enter(1, CAP_ENTER_WAIT_FOREVER);
        },
        ("try", attempt) => {
            guest.say(&format!("trying: {attempt}"));
            if !access::try_access(&mut guest, attempt) {
                return EXIT_UNKNOWN_MODE;
            }
            guest.say(&format!("{attempt}: FAILED (no fault)"));
            return EXIT_NO_FAULT;
        }
        _ => return EXIT_UNKNOWN_MODE,
    }
    0
}

capos_rt::entry_point!(main);
