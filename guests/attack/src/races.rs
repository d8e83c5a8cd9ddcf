//! A second thread changes what the first one's calls refer to, while they are open: their result pages go, change or
//! are replaced, the ring page is overwritten, and in each case the call ends once, with what is true then.

use core::ptr::addr_of;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::rings::Page;
use alloc::boxed::Box;
use alloc::vec;
use capos_config::ring::CAP_ERR_INVALID_RESULT_BUFFER;
use capos_rt::syscall::{CAP_ENTER_WAIT_FOREVER as WAIT, cap_enter, exit};
use capos_rt::{
    Capability, CapabilityRef, Client, KernelCapSource, PIPE_INTERFACE_ID, PROCESS_HANDLE_INTERFACE_ID, Pipe,
    PipeClient, ProcessHandle, ProcessHandleClient, ProcessSpawnerClient, RingClient,
    THREAD_CONTROL_INTERFACE_ID, ThreadControl, ThreadControlClient, ThreadHandle, ThreadSpawnerClient,
    VIRTUAL_MEMORY_INTERFACE_ID, VirtualMemory, VirtualMemoryClient,
};
use guest_support::{
    EXEC, Guest, Outcome, PAGE, READ, RawRing, WRITE, call_sqe, grant, grant_kernel, require, spawn_child,
};

const STACK_BYTES: usize = 16 * 1024;
/// Bytes of a result that lie before the page that goes.
const BEFORE: u64 = 16;

#[repr(C, align(16))]
struct Stack([u8; STACK_BYTES]);
static mut STACK: Stack = Stack([0; STACK_BYTES]);

/// What the helper works with: capabilities, and the page that it is to change.
static VIRTUAL_MEMORY: AtomicU32 = AtomicU32::new(0);
static WRITER: AtomicU32 = AtomicU32::new(0);
static CHILD: AtomicU32 = AtomicU32::new(0);
static CONTROL: AtomicU32 = AtomicU32::new(0);
static VICTIM: AtomicU64 = AtomicU64::new(0);
/// What the helper is to do, one of the numbers below.
static TURN: AtomicU32 = AtomicU32::new(IDLE);

const IDLE: u32 = 0;
const READ_ONLY: u32 = 1;
const CODE: u32 = 2;
const DECOMMIT: u32 = 3;
const UNMAP: u32 = 4;
const REPLACE: u32 = 5;
const SCRIBBLE: u32 = 6;
/// Ends the child instead of writing to the pipe.
const UNMAP_AND_TERMINATE: u32 = 7;
/// Ends the helper itself.
const UNMAP_AND_LEAVE: u32 = 8;

/// Changes the page of the open call in one of the ways there are, then lets the call end.
extern "C" fn helper(_arg: u64, _id: u64, ring: u64) -> ! {
    let ring = unsafe { RingClient::from_raw_ring(ring as *mut u8) };
    let Ok(mut ring) = ring else { exit(-71) };
    loop {
        let turn = TURN.load(Ordering::Acquire);
        if turn == IDLE {
            let _ = cap_enter(1, 10_000);
            continue;
        }
        if change(&mut ring, turn).is_none() || finish(&mut ring, turn).is_none() {
            exit(-72);
        }
        TURN.store(IDLE, Ordering::Release);
    }
}

fn typed<T: capos_rt::CapabilityType>(id: &AtomicU32, interface: u64) -> Option<Capability<T>> {
    CapabilityRef::new(id.load(Ordering::Acquire), interface).typed::<T>()
}

fn change(ring: &mut RingClient, turn: u32) -> Option<()> {
    let memory: Capability<VirtualMemory> = typed(&VIRTUAL_MEMORY, VIRTUAL_MEMORY_INTERFACE_ID)?;
    let mut memory = VirtualMemoryClient::from_capability(memory);
    let at = VICTIM.load(Ordering::Acquire);
    match turn {
        READ_ONLY => memory.protect_wait(ring, at, PAGE, READ, WAIT),
        CODE => memory.protect_wait(ring, at, PAGE, READ | EXEC, WAIT),
        DECOMMIT => memory.decommit_wait(ring, at, PAGE, WAIT),
        REPLACE => memory
            .unmap_wait(ring, at, PAGE, WAIT)
            .and_then(|()| memory.map_wait(ring, at, PAGE, READ | WRITE, WAIT).map(|_| ())),
        SCRIBBLE => {
            unsafe { core::ptr::write_bytes(at as *mut u8, 0xff, PAGE as usize) };
            Ok(())
        }
        _ => memory.unmap_wait(ring, at, PAGE, WAIT),
    }
    .ok()
}

fn finish(ring: &mut RingClient, turn: u32) -> Option<()> {
    match turn {
        UNMAP_AND_TERMINATE => {
            let child: Capability<ProcessHandle> = typed(&CHILD, PROCESS_HANDLE_INTERFACE_ID)?;
            ProcessHandleClient::from_capability(child).terminate_wait(ring, WAIT).ok()
        }
        UNMAP_AND_LEAVE => {
            let control: Capability<ThreadControl> = typed(&CONTROL, THREAD_CONTROL_INTERFACE_ID)?;
            TURN.store(IDLE, Ordering::Release);
            let _ = ThreadControlClient::from_capability(control).exit_thread(ring, 7);
            let _ = cap_enter(1, WAIT);
            None
        }
        _ => {
            let writer: Capability<Pipe> = typed(&WRITER, PIPE_INTERFACE_ID)?;
            PipeClient::from_capability(writer).write_wait(ring, b"too late", WAIT).ok().map(|_| ())
        }
    }
}

/// Makes an open call whose result begins right before the victim page, and lets the helper work meanwhile.
fn call_and(guest: &mut Guest<'_>, turn: u32, victim: u64, cap: u32, params: &[u8]) -> i32 {
    VICTIM.store(victim, Ordering::Release);
    TURN.store(turn, Ordering::Release);
    let mut ring = unsafe { RawRing::new(guest.ring.ring_ptr()) };
    let buffer = (victim - BEFORE, 64);
    let code = ring.run(call_sqe(cap, 0, (params.as_ptr() as u64, params.len() as u32), buffer)).result;
    while TURN.load(Ordering::Acquire) != IDLE {
        let _ = cap_enter(1, 10_000);
    }
    code
}

pub fn buffers_that_change(guest: &mut Guest<'_>) -> Outcome {
    let memory: VirtualMemoryClient = guest.client("vm");
    let control: ThreadControlClient = guest.client("control");
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let mut threads: ThreadSpawnerClient = guest.client("threads");
    let pipe = spawner.create_pipe_wait(&mut guest.ring, 64, WAIT)?;
    let (reader, writer) = (pipe.read_end.capability(), pipe.write_end.capability());
    VIRTUAL_MEMORY.store(memory.capability().cap_id(), Ordering::Release);
    CONTROL.store(control.capability().cap_id(), Ordering::Release);
    WRITER.store(writer.cap_id(), Ordering::Release);
    let stack = unsafe { addr_of!(STACK).add(1) } as u64;
    let thread = threads.create_wait(&mut guest.ring, helper as *const () as u64, stack, 0, 0, 0, WAIT)?;

    for turn in [READ_ONLY, CODE, DECOMMIT, UNMAP, REPLACE, UNMAP, READ_ONLY] {
        result_page(guest, turn, reader)?;
    }
    ring_page(guest, reader)?;
    end_of_child(guest)?;
    params_are_read_once(guest, reader, writer)?;
    end_of_thread(guest, thread.capability())
}

/// The end of the result lies on a page that the helper takes away: nothing of it is written. When there is another
/// page in its place, all of it is written.
fn result_page(guest: &mut Guest<'_>, turn: u32, reader: Capability<Pipe>) -> Outcome {
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let at = memory.map_wait(&mut guest.ring, 0, 2 * PAGE, READ | WRITE, WAIT)?;
    let code = call_and(guest, turn, at + PAGE, reader.cap_id(), &read_params());
    let before = unsafe { guest_support::bytes(at, PAGE) };
    let untouched = before.iter().all(|byte| *byte == 0);
    if turn == REPLACE {
        require!(code > BEFORE as i32 && !untouched, "replaced: {code}");
    } else {
        require!(code == CAP_ERR_INVALID_RESULT_BUFFER, "turn {turn}: {code}");
        require!(untouched, "turn {turn}: part of a result was written");
    }
    let pages = if turn == UNMAP { 1 } else { 2 };
    memory.unmap_wait(&mut guest.ring, at, pages * PAGE, WAIT)?;
    Ok(())
}

/// Every byte of the ring page changes while its thread waits in the kernel: the completion comes all the same.
fn ring_page(guest: &mut Guest<'_>, reader: Capability<Pipe>) -> Outcome {
    const USER_DATA: u64 = 0x5eed;
    let page = Page::of(guest);
    let header = page.header_words();
    let mut answer = [0u8; 128];
    let asked = read_params();
    let params = (asked.as_ptr() as u64, asked.len() as u32);
    let mut entry = call_sqe(reader.cap_id(), 0, params, (answer.as_mut_ptr() as u64, 128));
    entry.user_data = USER_DATA;
    page.push(entry);
    VICTIM.store(guest.ring.ring_ptr() as u64, Ordering::Release);
    TURN.store(SCRIBBLE, Ordering::Release);
    let _ = cap_enter(1, WAIT);
    page.mend(&header);
    page.set_taken(&header);
    let Some(completion) = page.take() else {
        require!(false, "no completion on an overwritten page");
        return Ok(());
    };
    require!(completion.user_data == USER_DATA && completion.result > 0, "{}", completion.result);
    while TURN.load(Ordering::Acquire) != IDLE {
        let _ = cap_enter(1, 10_000);
        require!(page.take().is_none(), "a second completion");
    }
    Ok(())
}

/// `ProcessHandle.wait` ends on a page that is gone.
fn end_of_child(guest: &mut Guest<'_>) -> Outcome {
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let console = guest.console().capability();
    let grants = [
        grant("console", console),
        grant("attack:spin", console),
        grant_kernel("timer", KernelCapSource::Timer),
    ];
    let child = spawn_child(&mut guest.ring, &mut spawner, "attack", &grants)?;
    CHILD.store(child.capability().cap_id(), Ordering::Release);
    let at = memory.map_wait(&mut guest.ring, 0, 2 * PAGE, READ | WRITE, WAIT)?;
    let code =
        call_and(guest, UNMAP_AND_TERMINATE, at + PAGE, child.capability().cap_id(), &empty_params());
    require!(code == CAP_ERR_INVALID_RESULT_BUFFER, "wait for a child: {code}");
    memory.unmap_wait(&mut guest.ring, at, PAGE, WAIT)?;
    drop(child);
    guest.flush()
}

/// `ThreadHandle.join` ends on a page that is gone.
fn end_of_thread(guest: &mut Guest<'_>, thread: Capability<ThreadHandle>) -> Outcome {
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let at = memory.map_wait(&mut guest.ring, 0, 2 * PAGE, READ | WRITE, WAIT)?;
    let code = call_and(guest, UNMAP_AND_LEAVE, at + PAGE, thread.cap_id(), &empty_params());
    require!(code == CAP_ERR_INVALID_RESULT_BUFFER, "wait for a thread: {code}");
    memory.unmap_wait(&mut guest.ring, at, PAGE, WAIT)?;
    Ok(())
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

/// A message whose root has nothing.
fn empty_params() -> Box<[u8]> {
    let mut bytes = vec![0u8; 16].into_boxed_slice();
    bytes[4] = 1;
    bytes
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
