//! A second thread changes what the first one's calls refer to, while they are open.

use core::ptr::addr_of;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::rings::Page;
use alloc::boxed::Box;
use alloc::vec;
use capos_config::ring::CAP_ERR_INVALID_RESULT_BUFFER;
use capos_rt::syscall::{CAP_ENTER_WAIT_FOREVER as WAIT, cap_enter, exit};
use capos_rt::{
    Capability, CapabilityRef, Client, PIPE_INTERFACE_ID, Pipe, PipeClient, ProcessSpawnerClient, RingClient,
    ThreadSpawnerClient, VIRTUAL_MEMORY_INTERFACE_ID, VirtualMemory, VirtualMemoryClient,
};
use guest_support::{Guest, Outcome, PAGE, READ, RawRing, WRITE, call_sqe, require};

const STACK_BYTES: usize = 16 * 1024;
const ROUNDS: u32 = 6;

#[repr(C, align(16))]
struct Stack([u8; STACK_BYTES]);
static mut STACK: Stack = Stack([0; STACK_BYTES]);

static VIRTUAL_MEMORY: AtomicU32 = AtomicU32::new(0);
static WRITER: AtomicU32 = AtomicU32::new(0);
static VICTIM: AtomicU64 = AtomicU64::new(0);
/// What the helper is to do: 0 nothing, else the round + 1.
static TURN: AtomicU32 = AtomicU32::new(0);

/// Takes the page of the open call away in one of the ways there are, then lets the call end.
extern "C" fn helper(_arg: u64, _id: u64, ring: u64) -> ! {
    let ring = unsafe { RingClient::from_raw_ring(ring as *mut u8) };
    let Ok(mut ring) = ring else { exit(-71) };
    let memory = CapabilityRef::new(VIRTUAL_MEMORY.load(Ordering::Acquire), VIRTUAL_MEMORY_INTERFACE_ID);
    let writer = CapabilityRef::new(WRITER.load(Ordering::Acquire), PIPE_INTERFACE_ID);
    let (Some(memory), Some(writer)) = (memory.typed::<VirtualMemory>(), writer.typed::<Pipe>()) else {
        exit(-73)
    };
    let mut memory = VirtualMemoryClient::from_capability(memory);
    let mut writer = PipeClient::from_capability(writer);
    loop {
        let turn = TURN.load(Ordering::Acquire);
        if turn == 0 {
            let _ = cap_enter(1, 10_000);
            continue;
        }
        let at = VICTIM.load(Ordering::Acquire);
        let done = match turn % 3 {
            0 => memory.protect_wait(&mut ring, at, PAGE, READ, WAIT).is_ok(),
            1 => memory.decommit_wait(&mut ring, at, PAGE, WAIT).is_ok(),
            _ => memory.unmap_wait(&mut ring, at, PAGE, WAIT).is_ok(),
        };
        if !done || writer.write_wait(&mut ring, b"too late", WAIT).is_err() {
            exit(-72);
        }
        TURN.store(0, Ordering::Release);
    }
}

pub fn buffers_that_change(guest: &mut Guest<'_>) -> Outcome {
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let mut threads: ThreadSpawnerClient = guest.client("threads");
    let pipe = spawner.create_pipe_wait(&mut guest.ring, 64, WAIT)?;
    VIRTUAL_MEMORY.store(memory.capability().cap_id(), Ordering::Release);
    WRITER.store(pipe.write_end.capability().cap_id(), Ordering::Release);
    let stack = unsafe { addr_of!(STACK).add(1) } as u64;
    let thread = threads.create_wait(&mut guest.ring, helper as *const () as u64, stack, 0, 0, 0, WAIT)?;

    let params = read_params();
    for round in 0..ROUNDS {
        let at = memory.map_wait(&mut guest.ring, 0, 3 * PAGE, READ | WRITE, WAIT)?;
        // The result lies on two pages, of which the second one goes.
        VICTIM.store(at + 2 * PAGE, Ordering::Release);
        TURN.store(round + 1, Ordering::Release);
        let mut ring = unsafe { RawRing::new(guest.ring.ring_ptr()) };
        let buffer = (at + 2 * PAGE - 16, 64);
        let entry = call_sqe(
            pipe.read_end.capability().cap_id(),
            0,
            (params.as_ptr() as u64, params.len() as u32),
            buffer,
        );
        let code = ring.run(entry).result;
        require!(code == CAP_ERR_INVALID_RESULT_BUFFER, "round {round}: {code}");
        let before = unsafe { guest_support::bytes(at, 2 * PAGE) };
        require!(before.iter().all(|byte| *byte == 0), "round {round}: part of a result was written");
        while TURN.load(Ordering::Acquire) != 0 {
            let _ = cap_enter(1, 10_000);
        }
        memory.unmap_wait(&mut guest.ring, at, 2 * PAGE, WAIT)?;
    }

    drop(thread);
    params_are_read_once(guest, pipe.read_end.capability(), pipe.write_end.capability())
}

/// What is written to the params of an open call is too late.
fn params_are_read_once(
    guest: &mut Guest<'_>,
    reader: Capability<Pipe>,
    writer: Capability<Pipe>,
) -> Outcome {
    let mut read = PipeClient::from_capability(reader);
    PipeClient::from_capability(writer).write_wait(&mut guest.ring, &[b'.'; 64], WAIT)?;
    let page = Page::of(guest);
    let mut message = write_params(b"as it was");
    let mut result = [0u8; 64];
    let params = (message.as_ptr() as u64, message.len() as u32);
    page.push(call_sqe(writer.cap_id(), 1, params, (result.as_mut_ptr() as u64, 64)));
    let _ = cap_enter(0, 0);
    require!(page.take().is_none(), "a full pipe took bytes");
    message.fill(b'#');
    // Makes room, which ends the open call; both completions come.
    let (asked, mut answer) = (read_params(), [0u8; 128]);
    let params = (asked.as_ptr() as u64, asked.len() as u32);
    page.push(call_sqe(reader.cap_id(), 0, params, (answer.as_mut_ptr() as u64, 128)));
    let _ = cap_enter(2, WAIT);
    require!(page.take_all() == 2, "not two completions");
    read.read_wait(&mut guest.ring, 32, WAIT)?;
    let data = read.read_wait(&mut guest.ring, 64, WAIT)?.data;
    require!(&data[..] == b"as it was", "{data:?}");
    Ok(())
}

fn read_params() -> Box<[u8]> {
    let mut bytes = vec![0u8; 24].into_boxed_slice();
    bytes[4] = 2;
    bytes[12] = 1;
    bytes[16] = 32;
    bytes
}

/// `Pipe.write` with these bytes.
fn write_params(data: &[u8]) -> Box<[u8]> {
    let words = data.len().div_ceil(8);
    let mut bytes = vec![0u8; 24 + words * 8].into_boxed_slice();
    bytes[4] = 2 + words as u8;
    bytes[14] = 1;
    bytes[16] = 1;
    bytes[20..24].copy_from_slice(&((data.len() as u32) << 3 | 2).to_le_bytes());
    bytes[24..24 + data.len()].copy_from_slice(data);
    bytes
}
