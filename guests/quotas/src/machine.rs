//! Limits of other processes, and the end of the machine's own memory.

use alloc::vec::Vec;
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER as WAIT;
use capos_rt::{
    Client, ClientError, ExceptionType, KernelCapSource, ProcessHandleClient, ProcessSpawnerClient,
};
use guest_support::{
    FrameAllocatorClient, Guest, Outcome, grant, grant_kernel, refused, require, run_child, spawn_child,
};

pub fn small_child(guest: &mut Guest<'_>) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let console = guest.console().capability();
    let grants = [
        grant("console", console),
        grant("small", console),
        grant_kernel("vm", KernelCapSource::VirtualMemory),
        grant_kernel("frames", KernelCapSource::FrameAllocator),
    ];
    let code = run_child(&mut guest.ring, &mut spawner, "small", &grants)?;
    require!(code == 0, "exit code {code}");
    Ok(())
}

/// Children take the frames that this process may not take itself, until a spawn is refused for want of them. The
/// refused spawn leaves nothing behind, and everything works again when the children are gone.
pub fn out_of_memory(guest: &mut Guest<'_>) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let console = guest.console().capability();
    let before = frames.count_free(&mut guest.ring)?;
    let mut children = Vec::new();
    let mut rounds = [0; 2];
    for round in &mut rounds {
        let refusal = loop {
            // It waits for ever, with a heap of 768 pages.
            match spawn_child(
                &mut guest.ring,
                &mut spawner,
                "child",
                &[grant("console", console), grant("wait:", console)],
            ) {
                Ok(child) => children.push(child),
                Err(error) => break error,
            }
            require!(children.len() < 100, "no end of memory");
        };
        refused::<()>(Err::<(), ClientError>(refusal), ExceptionType::Overloaded)?;
        *round = children.len();
        // A call that takes no frames still works, and so does one that takes a single one, or it is refused.
        if let Err(error) = frames.alloc_frame(&mut guest.ring) {
            refused::<()>(Err(error), ExceptionType::Overloaded)?;
        }
        for child in children.drain(..) {
            let mut handle = ProcessHandleClient::new(child.capability());
            handle.terminate_wait(&mut guest.ring, WAIT)?;
            handle.wait_wait(&mut guest.ring, WAIT)?;
        }
        guest.flush()?;
    }
    require!(rounds[0] > 1 && rounds[0] == rounds[1], "{rounds:?} children");
    let after = frames.count_free(&mut guest.ring)?;
    require!(before == after, "{before} free frames before, {after} after");
    Ok(())
}
