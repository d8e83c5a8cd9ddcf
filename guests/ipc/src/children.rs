//! The other side of each conversation. The exit code is what it found.

use core::sync::atomic::{AtomicU32, Ordering};

use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER as WAIT;
use capos_rt::{Endpoint, PipeClient, Runtime};
use guest_support::{EndpointClient, EndpointServer, Guest, MemoryObjectClient, PAGE, READ, RawRing, WRITE};

use crate::partners::SharedParkSpace;

const EXIT_LOST: i64 = -50;

pub fn run(runtime: &mut Runtime, role: &str) -> i64 {
    let mut guest = Guest::start(runtime, "partner");
    match role {
        "caller" => caller(&mut guest),
        "waker" => waker(&mut guest),
        "owner" => owner(&mut guest),
        _ => writer(&mut guest),
    }
    .unwrap_or(EXIT_LOST)
}

/// The badge that the receiver saw.
fn caller(guest: &mut Guest<'_>) -> Option<i64> {
    let endpoint = guest.capset.get_typed::<Endpoint>(b"caller").ok()?;
    let reply = EndpointClient::new(endpoint).call(&mut guest.ring, 1, b"who am I").ok()?;
    Some(i64::from_le_bytes(reply.try_into().ok()?))
}

/// How many threads were woken.
fn waker(guest: &mut Guest<'_>) -> Option<i64> {
    let space = guest.capset.get_typed::<SharedParkSpace>(b"park").ok()?;
    let mut object: MemoryObjectClient = guest.client("waker");
    let at = object.map(&mut guest.ring, 0, PAGE, READ | WRITE).ok()?;
    // Long enough for the parent to park.
    let _ = capos_rt::syscall::cap_enter(1, 1_000_000);
    unsafe { &*(at as *const AtomicU32) }.store(1, Ordering::Release);
    let mut ring = unsafe { RawRing::new(guest.ring.ring_ptr()) };
    Some(ring.unpark(space.cap_id(), at, 9).into())
}

/// Receives one call and ends without an answer.
fn owner(guest: &mut Guest<'_>) -> Option<i64> {
    let endpoint = guest.capset.get_typed::<Endpoint>(b"owner").ok()?;
    EndpointServer::new(endpoint).receive(&mut guest.ring).ok()?;
    Some(0)
}

fn writer(guest: &mut Guest<'_>) -> Option<i64> {
    let mut pipe: PipeClient = guest.client("writer");
    pipe.write_wait(&mut guest.ring, b"last words", WAIT).ok()?;
    Some(0)
}
