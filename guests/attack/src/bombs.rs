//! As much of everything as there is.

use alloc::vec::Vec;
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER as WAIT;
use capos_rt::{
    Client, ExceptionType, KernelCapSource, ProcessHandleClient, ProcessSpawnerClient, TimerClient,
    VirtualMemoryClient,
};
use guest_support::{
    FrameAllocatorClient, Guest, Outcome, PAGE, READ, WRITE, grant, grant_kernel, refused, require,
    spawn_child,
};

/// Takes frames in ever smaller pieces until none is left, and ends without giving anything back.
pub fn memory(guest: &mut Guest<'_>) -> Outcome {
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let ring = &mut guest.ring;
    for size in [1u64 << 40, 1 << 47, u64::MAX & !(PAGE - 1)] {
        require!(memory.reserve_wait(ring, 0, size, WAIT).is_err(), "{size:#x} bytes were reserved");
        require!(memory.map_wait(ring, 0, size, READ | WRITE, WAIT).is_err(), "{size:#x} bytes were mapped");
    }
    let mut pages = 1 << 16;
    let mut taken = 0;
    while pages > 0 {
        match memory.map_wait(ring, 0, pages * PAGE, READ | WRITE, WAIT) {
            Ok(_) => taken += pages,
            Err(error) => {
                refused::<()>(Err(error), ExceptionType::Overloaded)?;
                pages /= 2;
            }
        }
    }
    require!(taken > 100, "only {taken} pages");
    // Every second page reserved: as many ranges as there can be.
    for _ in 0..500 {
        if memory.reserve_wait(ring, 0, PAGE, WAIT).is_err() {
            break;
        }
    }
    Ok(())
}

pub fn capabilities(guest: &mut Guest<'_>) -> Outcome {
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let mut objects = Vec::new();
    let refusal = loop {
        match frames.alloc_frame(&mut guest.ring) {
            Ok(object) => objects.push(object),
            Err(error) => break error,
        }
        require!(objects.len() < 300, "no limit");
    };
    refused::<()>(Err(refusal), ExceptionType::Overloaded)?;
    require!(objects.len() > 200, "only {} capabilities", objects.len());
    // Not given back: the end of the process has to do it.
    core::mem::forget(objects);
    Ok(())
}

/// Calls that stay open: sleeps, and calls to a service that nobody serves.
pub fn calls(guest: &mut Guest<'_>) -> Outcome {
    let mut timer: TimerClient = guest.client("timer");
    let mut sleeps = Vec::new();
    for _ in 0..8 {
        sleeps.push(timer.sleep(&mut guest.ring, 1 << 62)?);
        let _ = capos_rt::syscall::cap_enter(0, 0);
    }
    for _ in 0..3 {
        refused(timer.sleep_wait(&mut guest.ring, 1 << 62, WAIT), ExceptionType::Overloaded)?;
    }
    let service =
        guest.capset.get_typed::<capos_rt::Endpoint>(b"service").map(|cap| cap.cap_id()).unwrap_or(0);
    let mut open = 0;
    for _ in 0..100 {
        let params = alloc::vec![7; 4096].into_boxed_slice();
        let result = alloc::vec![0; 64].into_boxed_slice();
        let Ok(call) = guest.ring.submit_call(service, 0, params, result) else { break };
        let _ = capos_rt::syscall::cap_enter(0, 0);
        if guest.ring.try_complete(call)?.is_none() {
            open += 1;
        }
    }
    require!(open == 32, "{open} calls are open");
    Ok(())
}

/// Starts itself with the same capabilities, each of them does the same, until processes or frames run out; each then
/// waits for those it started.
pub fn forks(guest: &mut Guest<'_>) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let console = guest.console().capability();
    let grants = [
        grant("console", console),
        grant("attack:forks", console),
        grant_kernel("spawner", KernelCapSource::ProcessSpawner),
    ];
    let mut children = Vec::new();
    let refusal = loop {
        match spawn_child(&mut guest.ring, &mut spawner, "attack", &grants) {
            Ok(child) => children.push(child),
            Err(error) => break error,
        }
        require!(children.len() < 300, "no limit");
    };
    refused::<()>(Err(refusal), ExceptionType::Overloaded)?;
    for child in children {
        let code = ProcessHandleClient::new(child.capability()).wait_wait(&mut guest.ring, WAIT)?;
        require!(code == 0, "a child ended with {code}");
    }
    Ok(())
}

pub fn spin(_guest: &mut Guest<'_>) -> Outcome {
    loop {
        core::hint::spin_loop();
    }
}
