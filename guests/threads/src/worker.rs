//! Threads: their stacks, their entry registers, their own ring and their end.

use core::arch::asm;
use core::ptr::{addr_of, addr_of_mut};
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use alloc::vec::Vec;
use capos_rt::syscall::{CAP_ENTER_WAIT_FOREVER as WAIT, cap_enter, exit};
use capos_rt::{
    CapabilityRef, Client, OwnedCapability, RingClient, THREAD_CONTROL_INTERFACE_ID, ThreadControl,
    ThreadControlClient, ThreadHandle, ThreadHandleClient, ThreadSpawnerClient,
};
use guest_support::{Failure, Guest, Outcome, RawRing, require};

pub const MAX_THREADS: usize = 5;
const STACK_BYTES: usize = 16 * 1024;
/// Exit code of the process when a thread cannot end as it should.
const EXIT_THREAD_STUCK: i64 = 70;
/// What a thread ends with if something about its start was wrong.
const BAD_START: i64 = 900;

#[repr(C, align(16))]
struct Stack([u8; STACK_BYTES]);

/// What FS points to in a thread.
#[repr(C, align(64))]
struct Local {
    this: u64,
    mark: u64,
}

static mut STACKS: [Stack; MAX_THREADS] = [const { Stack([0; STACK_BYTES]) }; MAX_THREADS];
static mut LOCALS: [Local; MAX_THREADS] = [const { Local { this: 0, mark: 0 } }; MAX_THREADS];
static BODIES: [AtomicU64; MAX_THREADS] = [const { AtomicU64::new(0) }; MAX_THREADS];
static THREAD_CONTROL: AtomicU32 = AtomicU32::new(0);
static SUM: AtomicU64 = AtomicU64::new(0);

/// What a thread knows about itself.
pub struct Thread {
    pub index: u64,
    pub id: u32,
    pub ring: RawRing,
}

pub type Body = fn(&mut Thread) -> i64;

/// The kernel enters with the argument, the thread id and the ring of this thread in the argument registers.
extern "C" fn entry(index: u64, id: u64, ring: u64) -> ! {
    let (this, mark): (u64, u64);
    unsafe { asm!("mov {}, qword ptr fs:[0]", "mov {}, qword ptr fs:[8]", out(reg) this, out(reg) mark) };
    let local = unsafe { addr_of!(LOCALS[index as usize]) } as u64;
    let mut code = BAD_START;
    if this == local && mark == index + 1000 && id > 1 {
        let body: Body = unsafe { core::mem::transmute(BODIES[index as usize].load(Ordering::Acquire)) };
        let ring = unsafe { RawRing::new(ring as *mut u8) };
        code = body(&mut Thread { index, id: id as u32, ring });
    }
    exit_thread(ring, code)
}

fn exit_thread(ring: u64, code: i64) -> ! {
    let cap = CapabilityRef::new(THREAD_CONTROL.load(Ordering::Acquire), THREAD_CONTROL_INTERFACE_ID);
    if let (Ok(mut ring), Some(control)) =
        (unsafe { RingClient::from_raw_ring(ring as *mut u8) }, cap.typed::<ThreadControl>())
    {
        let _ = ThreadControlClient::new(control).exit_thread(&mut ring, code);
        let _ = cap_enter(1, WAIT);
    }
    exit(EXIT_THREAD_STUCK)
}

/// Starts thread `index`; the slot must be free.
pub fn start(
    guest: &mut Guest<'_>,
    index: usize,
    body: Body,
) -> Result<OwnedCapability<ThreadHandle>, Failure> {
    let control: ThreadControlClient = guest.client("control");
    THREAD_CONTROL.store(control.capability().cap_id(), Ordering::Release);
    let mut spawner: ThreadSpawnerClient = guest.client("spawner");
    BODIES[index].store(body as usize as u64, Ordering::Release);
    let local = unsafe { addr_of_mut!(LOCALS[index]) };
    unsafe { local.write(Local { this: local as u64, mark: index as u64 + 1000 }) };
    let stack_top = unsafe { addr_of!(STACKS[index]).add(1) } as u64;
    Ok(spawner.create_wait(
        &mut guest.ring,
        entry as *const () as u64,
        stack_top,
        index as u64,
        local as u64,
        0,
        WAIT,
    )?)
}

pub fn join(guest: &mut Guest<'_>, thread: OwnedCapability<ThreadHandle>) -> Result<i64, Failure> {
    let code = ThreadHandleClient::new(thread.capability()).join_wait(&mut guest.ring, WAIT)?;
    drop(thread);
    guest.flush()?;
    Ok(code)
}

/// This program has no thread-local storage, so its FS base starts as 0.
pub fn fs_base(guest: &mut Guest<'_>) -> Outcome {
    let mut control: ThreadControlClient = guest.client("control");
    let base = control.get_fs_base_wait(&mut guest.ring, WAIT)?;
    require!(base == 0, "FS base {base:#x} at the start");
    let block = [0x1234_5678_9abc_def0u64, 7];
    control.set_fs_base_wait(&mut guest.ring, addr_of!(block) as u64, WAIT)?;
    let (first, second): (u64, u64);
    unsafe { asm!("mov {}, qword ptr fs:[0]", "mov {}, qword ptr fs:[8]", out(reg) first, out(reg) second) };
    require!((first, second) == (block[0], block[1]), "read {first:#x}, {second:#x}");
    let base = control.get_fs_base_wait(&mut guest.ring, WAIT)?;
    require!(base == addr_of!(block) as u64, "FS base {base:#x} after it was set");
    control.set_fs_base_wait(&mut guest.ring, 0, WAIT)?;
    Ok(())
}

fn add_numbers(thread: &mut Thread) -> i64 {
    for number in 0..1000 {
        SUM.fetch_add(number * (thread.index + 1), Ordering::AcqRel);
    }
    100 + thread.index as i64
}

pub fn create_and_join(guest: &mut Guest<'_>) -> Outcome {
    let mut threads = Vec::new();
    for index in 0..4 {
        threads.push(start(guest, index, add_numbers)?);
    }
    for (index, thread) in threads.into_iter().enumerate() {
        let code = join(guest, thread)?;
        require!(code == 100 + index as i64, "thread {index} ended with {code}");
    }
    let sum = SUM.load(Ordering::Acquire);
    require!(sum == 499_500 * 10, "sum {sum}");
    Ok(())
}

static GATE: AtomicU32 = AtomicU32::new(0);

fn wait_at_gate(_: &mut Thread) -> i64 {
    while GATE.load(Ordering::Acquire) == 0 {
        let _ = cap_enter(1, 10_000);
    }
    -5
}

pub fn poll_exit_code(guest: &mut Guest<'_>) -> Outcome {
    let thread = start(guest, 0, wait_at_gate)?;
    let mut handle = ThreadHandleClient::new(thread.capability());
    let early = handle.exit_code_wait(&mut guest.ring, WAIT)?;
    require!(!early.exited, "ended before the gate opened");
    GATE.store(1, Ordering::Release);
    let code = handle.join_wait(&mut guest.ring, WAIT)?;
    let late = handle.exit_code_wait(&mut guest.ring, WAIT)?;
    require!(code == -5 && late.exited && late.exit_code == -5, "{code}, then {}", late.exit_code);
    drop(thread);
    guest.flush()
}
