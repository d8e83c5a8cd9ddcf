//! ParkSpace: waiting for a word to change, without burning time.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use alloc::vec::Vec;
use capos_config::ring::{
    CAP_ERR_INVALID_PARAMS_BUFFER, CAP_ERR_INVALID_REQUEST, PARK_TIMED_OUT, PARK_VALUE_MISMATCH, PARK_WOKEN,
};
use capos_rt::syscall::{CAP_ENTER_WAIT_FOREVER as WAIT, cap_enter};
use capos_rt::{ParkSpace, TimerClient};
use guest_support::{Failure, Guest, Outcome, RawRing, require};

use crate::worker::{Thread, join, start};

/// The first thread of a process.
const MAIN_THREAD: u32 = 1;
const MS: u64 = 1_000_000;
const PATIENCE: u32 = 10_000;
const NAP_NS: u64 = 10_000;
const WAITERS: usize = 3;
const LOCKERS: usize = 3;
const LOCK_ROUNDS: u32 = 300;

static SPACE: AtomicU32 = AtomicU32::new(0);
static WORD: AtomicU32 = AtomicU32::new(0);
static RESULT: AtomicI32 = AtomicI32::new(-100);

fn address(word: &AtomicU32) -> u64 {
    word.as_ptr() as u64
}

fn space(guest: &mut Guest<'_>) -> Result<u32, Failure> {
    match guest.capset.get_typed::<ParkSpace>(b"park") {
        Ok(park) => {
            SPACE.store(park.cap_id(), Ordering::Release);
            Ok(park.cap_id())
        }
        Err(error) => Err(Failure::new(alloc::format!("{error:?}"))),
    }
}

fn main_ring(guest: &Guest<'_>) -> RawRing {
    unsafe { RawRing::new(guest.ring.ring_ptr()) }
}

pub fn mismatch(guest: &mut Guest<'_>) -> Outcome {
    let space = space(guest)?;
    WORD.store(3, Ordering::Release);
    for timeout in [0, MS, WAIT] {
        let result = main_ring(guest).park(space, MAIN_THREAD, address(&WORD), 4, timeout);
        require!(result == PARK_VALUE_MISMATCH, "result {result}");
    }
    Ok(())
}

pub fn timeout(guest: &mut Guest<'_>) -> Outcome {
    let space = space(guest)?;
    let mut timer: TimerClient = guest.client("timer");
    for timeout in [0, MS, 20 * MS] {
        let before = timer.now_wait(&mut guest.ring, WAIT)?.monotonic_ns;
        let result = main_ring(guest).park(space, MAIN_THREAD, address(&WORD), 3, timeout);
        let passed = timer.now_wait(&mut guest.ring, WAIT)?.monotonic_ns - before;
        require!(result == PARK_TIMED_OUT, "result {result}");
        require!(passed >= timeout, "{passed} ns of {timeout}");
    }
    Ok(())
}

pub fn refusals(guest: &mut Guest<'_>) -> Outcome {
    let space = space(guest)?;
    let mut ring = main_ring(guest);
    let word = address(&WORD);
    for (what, found, expected) in [
        ("unaligned", ring.park(space, MAIN_THREAD, word + 2, 3, 0), CAP_ERR_INVALID_PARAMS_BUFFER),
        ("unmapped", ring.park(space, MAIN_THREAD, 0x1000, 3, 0), CAP_ERR_INVALID_PARAMS_BUFFER),
        ("thread 0", ring.park(space, 0, word, 3, 0), CAP_ERR_INVALID_REQUEST),
        ("wake nobody", ring.unpark(space, word, 0), CAP_ERR_INVALID_REQUEST),
        ("nobody parked", ring.unpark(space, word, 1), 0),
    ] {
        require!(found == expected, "{what}: {found}");
    }
    Ok(())
}

fn park_on_zero(thread: &mut Thread) -> i64 {
    let space = SPACE.load(Ordering::Acquire);
    let result = thread.ring.park(space, thread.id, address(&WORD), 0, WAIT);
    RESULT.store(result, Ordering::Release);
    i64::from(result)
}

/// Wakes until `total` threads were woken. They may not have parked yet, and the word stays as it is,
/// so none of them can see another value.
fn wake(guest: &mut Guest<'_>, space: u32, total: i32) -> Outcome {
    let mut woken = 0;
    for _ in 0..PATIENCE {
        let count = main_ring(guest).unpark(space, address(&WORD), 1);
        require!((0..=1).contains(&count), "unpark gives {count}");
        woken += count;
        if woken == total {
            return Ok(());
        }
        if count == 0 {
            let _ = cap_enter(1, NAP_NS);
        }
    }
    Err(Failure::new(alloc::format!("{woken} woken of {total}")))
}

pub fn woken(guest: &mut Guest<'_>) -> Outcome {
    let space = space(guest)?;
    WORD.store(0, Ordering::Release);
    let thread = start(guest, 0, park_on_zero)?;
    wake(guest, space, 1)?;
    let code = join(guest, thread)?;
    let result = RESULT.load(Ordering::Acquire);
    require!(code == i64::from(PARK_WOKEN) && result == PARK_WOKEN, "{code}, {result}");
    Ok(())
}

pub fn three_waiters(guest: &mut Guest<'_>) -> Outcome {
    let space = space(guest)?;
    let mut threads = Vec::new();
    for index in 0..WAITERS {
        threads.push(start(guest, index, park_on_zero)?);
    }
    wake(guest, space, WAITERS as i32)?;
    for thread in threads {
        let code = join(guest, thread)?;
        require!(code == i64::from(PARK_WOKEN), "ended with {code}");
    }
    let left = main_ring(guest).unpark(space, address(&WORD), u32::MAX);
    require!(left == 0, "{left} still parked");
    Ok(())
}

/// 0 free, 1 taken, 2 taken and somebody may wait.
static LOCK: AtomicU32 = AtomicU32::new(0);

struct Guarded(UnsafeCell<u64>);
unsafe impl Sync for Guarded {}

/// Only ever touched with `LOCK` held, and not atomically: lost updates show a broken lock.
static COUNTER: Guarded = Guarded(UnsafeCell::new(0));

fn acquire(thread: &mut Thread) {
    if LOCK.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok() {
        return;
    }
    let space = SPACE.load(Ordering::Acquire);
    while LOCK.swap(2, Ordering::Acquire) != 0 {
        thread.ring.park(space, thread.id, address(&LOCK), 2, WAIT);
    }
}

fn release(thread: &mut Thread) {
    if LOCK.swap(0, Ordering::Release) == 2 {
        thread.ring.unpark(SPACE.load(Ordering::Acquire), address(&LOCK), 1);
    }
}

fn count_under_lock(thread: &mut Thread) -> i64 {
    for round in 0..LOCK_ROUNDS {
        acquire(thread);
        let counter = COUNTER.0.get();
        let value = unsafe { counter.read_volatile() };
        // Now and then gives the others a chance to come in between.
        if round % 16 == 0 {
            let _ = cap_enter(1, NAP_NS);
        }
        unsafe { counter.write_volatile(value + 1) };
        release(thread);
    }
    0
}

pub fn lock(guest: &mut Guest<'_>) -> Outcome {
    space(guest)?;
    let mut threads = Vec::new();
    for index in 0..LOCKERS {
        threads.push(start(guest, index, count_under_lock)?);
    }
    for thread in threads {
        let code = join(guest, thread)?;
        require!(code == 0, "ended with {code}");
    }
    let counted = unsafe { COUNTER.0.get().read_volatile() };
    let expected = u64::from(LOCK_ROUNDS) * LOCKERS as u64;
    require!(counted == expected, "counted {counted} of {expected}");
    Ok(())
}

pub fn leave_one_behind(guest: &mut Guest<'_>) -> Outcome {
    space(guest)?;
    let thread = start(guest, 0, park_on_zero)?;
    // Its handle stays too, so that nothing but the end of the process ends it.
    core::mem::forget(thread);
    Ok(())
}
