//! What the well-behaved modes do.

use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER;
use capos_rt::{
    CONSOLE_INTERFACE_ID, ExceptionType, TIMER_INTERFACE_ID, TimerClient, VIRTUAL_MEMORY_INTERFACE_ID,
    VirtualMemoryClient,
};
use guest_support::{EndpointClient, Guest, Outcome, PAGE, READ, WRITE, refused, require};

/// What the parent grants in this mode, in this order.
const GRANTED: [(&str, u64); 4] = [
    ("console", CONSOLE_INTERFACE_ID),
    ("run:capabilities", CONSOLE_INTERFACE_ID),
    ("timer", TIMER_INTERFACE_ID),
    ("vm", VIRTUAL_MEMORY_INTERFACE_ID),
];

pub fn capabilities(guest: &mut Guest<'_>) -> Outcome {
    let count = guest.capset.len();
    require!(count == GRANTED.len(), "{count} capabilities");
    for (entry, (name, interface)) in guest.capset.iter().zip(GRANTED) {
        require!(entry.name_bytes() == name.as_bytes(), "{name} is not in its place");
        require!(entry.interface_id == interface, "{name} has interface {:#x}", entry.interface_id);
    }
    let mut timer: TimerClient = guest.client("timer");
    timer.now_wait(&mut guest.ring, CAP_ENTER_WAIT_FOREVER)?;
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let addr = memory.map_wait(&mut guest.ring, 0, PAGE, READ | WRITE, CAP_ENTER_WAIT_FOREVER)?;
    memory.unmap_wait(&mut guest.ring, addr, PAGE, CAP_ENTER_WAIT_FOREVER)?;
    Ok(())
}

pub fn call_parent(guest: &mut Guest<'_>) -> Outcome {
    let Ok(endpoint) = guest.capset.get_typed::<capos_rt::Endpoint>(b"service") else {
        require!(false, "no endpoint");
        return Ok(());
    };
    let service = EndpointClient::new(endpoint);
    let reply = service.call(&mut guest.ring, 7, b"ping")?;
    require!(reply == b"pong", "reply {reply:?}");
    let reply = service.call(&mut guest.ring, 8, b"")?;
    require!(reply.is_empty(), "reply {reply:?}");
    refused(service.call(&mut guest.ring, 9, b"odd"), ExceptionType::InvalidArgument)
}
