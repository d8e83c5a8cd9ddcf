//! The smallest capOS program: one line on the console, exit code 0.

#![no_std]
#![no_main]

use capos::prelude::*;
use capos::syscall::CAP_ENTER_WAIT_FOREVER;
use guest_support as _;

fn main(mut runtime: Runtime) -> i64 {
    let Ok(mut console) = runtime.capset().get_client::<ConsoleClient>(b"console") else {
        return 1;
    };
    let Ok(mut ring) = runtime.ring_client() else {
        return 2;
    };
    match console.write_line_wait(&mut ring, "Hello from capOS.", CAP_ENTER_WAIT_FOREVER) {
        Ok(()) => 0,
        Err(_) => 3,
    }
}

entry_point!(main);
