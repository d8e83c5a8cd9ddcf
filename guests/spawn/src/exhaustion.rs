//! What runs out is refused without a trace, and the same request works again once there is room.

use alloc::vec::Vec;
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER as WAIT;
use capos_rt::{Client, ClientError, ExceptionType, ProcessHandleClient, ProcessSpawnerClient};
use guest_support::{FrameAllocatorClient, Guest, Outcome, grant, refused, require, run_child, spawn_child};

/// Too few for a child, whose heap alone has 768 pages.
const LEFT_FREE: u32 = 400;
/// `quotas.processes` of the scenario.
const PROCESS_QUOTA: usize = 8;

pub fn frames(guest: &mut Guest<'_>) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let console = guest.console().capability();
    let grants = [grant("exit:21", console)];
    let ring = &mut guest.ring;
    let before = frames.count_free(ring)?;

    let room = frames.alloc_contiguous(ring, LEFT_FREE)?;
    let (filling, taken) = frames.alloc_all(ring)?;
    require!(taken + LEFT_FREE == before, "{taken} frames taken of {before}");
    refused(spawn_child(ring, &mut spawner, "child", &grants), ExceptionType::Overloaded)?;
    drop(room);
    ring.flush_releases()?;
    refused(spawn_child(ring, &mut spawner, "child", &grants), ExceptionType::Overloaded)?;
    let left = frames.count_free(ring)?;
    require!(left == LEFT_FREE, "{left} free frames after the refused spawn");

    drop(filling);
    ring.flush_releases()?;
    let code = run_child(ring, &mut spawner, "child", &grants)?;
    require!(code == 21, "exit code {code}");
    let after = frames.count_free(ring)?;
    require!(before == after, "{before} free frames before, {after} after");
    Ok(())
}

/// Runs two rounds: the second needs everything that the first gave back.
pub fn processes(guest: &mut Guest<'_>) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let ring = &mut guest.ring;
    let mut rounds = [0; 2];
    for count in &mut rounds {
        let mut children = Vec::new();
        let refusal = loop {
            match spawn_child(ring, &mut spawner, "wait", &[]) {
                Ok(child) => children.push(child),
                Err(error) => break error,
            }
            require!(children.len() <= PROCESS_QUOTA, "no limit");
        };
        refused::<()>(Err::<(), ClientError>(refusal), ExceptionType::Overloaded)?;
        *count = children.len();
        for child in children {
            let mut handle = ProcessHandleClient::new(child.capability());
            handle.terminate_wait(ring, WAIT)?;
            handle.wait_wait(ring, WAIT)?;
        }
        ring.flush_releases()?;
    }
    // With init itself, or without.
    require!(rounds[0] + 1 >= PROCESS_QUOTA, "only {} children", rounds[0]);
    require!(rounds[0] == rounds[1], "{rounds:?} children");
    Ok(())
}
