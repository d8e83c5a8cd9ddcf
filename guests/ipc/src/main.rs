//! Calls between processes in detail: badges, sessions, exceptions and how much of them fits, timeouts, cancelled
//! receives, full queues, capabilities that travel, pipes, shared parking, and partners that go away. Started again
//! with one of the capabilities `caller`, `waker`, `owner` or `writer` the program is the other side.

#![no_std]
#![no_main]

extern crate alloc;

mod calls;
mod children;
mod exceptions;
mod partners;

use capos_rt::Runtime;
use guest_support::Guest;

fn main(mut runtime: Runtime) -> i64 {
    let capset = runtime.capset();
    let role = ["caller", "waker", "owner", "writer"]
        .into_iter()
        .find(|role| capset.iter().any(|entry| entry.name_bytes() == role.as_bytes()));
    if let Some(role) = role {
        return children::run(&mut runtime, role);
    }
    let mut guest = Guest::start(&mut runtime, "ipc");
    let guest_ref = &mut guest;

    guest_ref.step("session: what both sides disclose", calls::disclosure);
    guest_ref.step("session: a reference per endpoint", calls::references);
    guest_ref.step("call: in order, answered out of order", calls::out_of_order);
    guest_ref.step("call: a timeout leaves it open", calls::timeout);
    guest_ref.step("receive: cancelled", calls::cancelled);
    guest_ref.step("receive: buffer too small", calls::small_buffer);
    guest_ref.step("answer: unknown, twice, too long", calls::wrong_answers);
    guest_ref.step("queue: full", calls::full_queue);
    guest_ref.step("exception: passed on", exceptions::passed_on);
    guest_ref.step("exception: cut to the buffer", exceptions::truncated);
    guest_ref.step("transfer: a copy arrives", calls::transfer);
    guest_ref.step("transfer: what may not leave", calls::not_transferable);
    guest_ref.step("badges: one per caller", partners::badges);
    guest_ref.step("pipe: filled, drained, ended", partners::pipe);
    guest_ref.step("pipe: the writer goes away", partners::writer_gone);
    guest_ref.step("park: woken by another process", partners::shared_park);
    guest_ref.step("endpoint: its owner goes away", partners::owner_gone);

    guest.finish()
}

capos_rt::entry_point!(main);
