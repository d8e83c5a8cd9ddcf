//! A deputy that holds more than its clients, and a client that tries to act with the deputy's authority: by saying who
//! it is, by naming the deputy's capabilities, by passing one thing off as another, and by changing its mind.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use capos_config::ring::{CAP_TRANSFER_MODE_COPY, CapSqe};
use capos_rt::syscall::{CAP_ENTER_WAIT_FOREVER as WAIT, cap_enter};
use capos_rt::{Capability, Console, CopyTransfer, Endpoint, MemoryObject, VirtualMemory, decode_completed_call};
use guest_support::{EndpointClient, Failure, Guest, Outcome, call_sqe, require};

use crate::rings::Page;

pub const NAME: &str = "attack:deputy";
/// What the deputy's starter gave the client's facet; the client has no say in it.
pub const BADGE: u64 = 66;

/// The deputy's methods.
const DONE: u16 = 0;
const WHO: u16 = 1;
/// Says what came along. A number in the params names nothing.
const TAKE: u16 = 2;

const BUFFER_BYTES: usize = 512;
const PAYLOAD_BYTES: usize = 8;

/// Serves one client until that is done.
pub fn serve(guest: &mut Guest<'_>, service: Capability<Endpoint>) -> Outcome {
    loop {
        let buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        let receive = guest.ring.submit_endpoint_recv(service.cap_id(), buffer)?;
        let mut completion = guest.ring.wait(receive, WAIT)?;
        decode_completed_call(&completion)?;
        let message = completion.endpoint_message()?;
        let (method, badge, call_id, count) =
            (message.method_id, message.badge, message.call_id, message.cap_count);
        let payload: &[u8] = match (method, count) {
            (WHO, 0) => &badge.to_le_bytes(),
            (TAKE, 0) => b"nothing",
            (TAKE, 1) => {
                if guest.ring.adopt_result_capability::<MemoryObject>(&mut completion, 0).is_ok() {
                    b"memory"
                } else if guest.ring.adopt_result_capability::<Console>(&mut completion, 0).is_ok() {
                    b"console"
                } else {
                    b"something"
                }
            }
            _ => b"done",
        };
        let done = guest.ring.submit_endpoint_return(service.cap_id(), call_id, Box::from(payload))?;
        decode_completed_call(&guest.ring.wait(done, WAIT)?)?;
        guest.flush()?;
        if method == DONE {
            return Ok(());
        }
    }
}

fn find<T: capos_rt::CapabilityType>(guest: &Guest<'_>, name: &str) -> Result<Capability<T>, Failure> {
    let found = guest.capset.get_typed::<T>(name.as_bytes());
    found.map_err(|error| Failure::new(alloc::format!("{name}: {error:?}")))
}

/// The client's side.
pub fn confuse(guest: &mut Guest<'_>) -> Outcome {
    let service = find::<Endpoint>(guest, "service")?;
    let client = EndpointClient::new(service);
    let who = client.call(&mut guest.ring, WHO, &1u64.to_le_bytes())?;
    require!(who == BADGE.to_le_bytes(), "the deputy sees {who:?}");
    for id in 0..8u64 {
        let named = client.call(&mut guest.ring, TAKE, &id.to_le_bytes())?;
        require!(named == b"nothing", "the name {id} became a capability");
    }
    let console = guest.console_id();
    let copy = [CopyTransfer::from_cap_id(console)];
    let taken = client.call_with(&mut guest.ring, TAKE, b"memory!!", &copy)?;
    require!(taken == b"console", "a console was taken for {taken:?}");
    changed_mind(guest, service)?;
    client.call(&mut guest.ring, DONE, &[])?;
    Ok(())
}

/// The descriptor and the payload of a call that waits in the queue change: the deputy sees what was submitted.
fn changed_mind(guest: &mut Guest<'_>, service: Capability<Endpoint>) -> Outcome {
    let memory = find::<VirtualMemory>(guest, "vm")?.cap_id();
    let page = Page::of(guest);
    let (mut first, mut second) = ([0u8; 64], [0u8; 64]);
    let mut words = vec![0u64; 2];
    words[1] = u64::from(guest.console_id()) | u64::from(CAP_TRANSFER_MODE_COPY) << 32;
    let at = words.as_ptr() as u64;
    let answers = [(first.as_mut_ptr() as u64, 64), (second.as_mut_ptr() as u64, 64)];
    page.push(CapSqe {
        user_data: 1,
        ..call_sqe(service.cap_id(), WHO, (at, PAYLOAD_BYTES as u32), answers[0])
    });
    page.push(CapSqe {
        user_data: 2,
        xfer_cap_count: 1,
        ..call_sqe(service.cap_id(), TAKE, (at, PAYLOAD_BYTES as u32), answers[1])
    });
    let _ = cap_enter(0, 0);
    for word in &mut words {
        unsafe { core::ptr::write_volatile(word, u64::from(memory) | u64::from(CAP_TRANSFER_MODE_COPY) << 32) };
    }
    let mut results = Vec::new();
    while results.len() < 2 {
        let _ = cap_enter(1, WAIT);
        while let Some(completion) = page.take() {
            results.push((completion.user_data, completion.result));
        }
    }
    require!(results == [(1, 8), (2, 7)], "{results:?}");
    require!(second.starts_with(b"console"), "the deputy was given {:?}", &second[..8]);
    Ok(())
}
