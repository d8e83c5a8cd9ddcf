//! Starts the neighbour and the attackers.

use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER as WAIT;
use capos_rt::{
    Client, Endpoint, KernelCapSource, OwnedCapability, ProcessHandle, ProcessHandleClient,
    ProcessSpawnerClient, SpawnGrant, SpawnGrantMode, SpawnGrantSource,
};
use guest_support::{
    Failure, FrameAllocatorClient, Guest, Outcome, grant, grant_kernel, require, run_child, spawn_child,
};

use crate::{ATTACKS, deputy};

const EXIT_TERMINATED: i64 = -1;
/// Processes that do nothing but end.
const STORM: u32 = 1_000;
/// An attack that does not end by itself.
const ENDLESS: &str = "attack:spin";

pub fn run(mut guest: Guest<'_>, quiet: bool) -> i64 {
    let neighbour = match start_neighbour(&mut guest) {
        Ok(neighbour) => neighbour,
        Err(reason) => {
            guest.step("neighbour", |_| Err(reason));
            return -1;
        }
    };
    if !quiet {
        for (name, _) in ATTACKS {
            guest.step(&name["attack:".len()..], |guest| attack(guest, name));
        }
        guest.step("storm", storm);
    }
    guest.step("the neighbour is well", |guest| {
        let code = ProcessHandleClient::new(neighbour.capability()).wait_wait(&mut guest.ring, WAIT)?;
        require!(code == 0, "exit code {code}");
        drop(neighbour);
        guest.flush()
    });
    guest.finish()
}

fn start_neighbour(guest: &mut Guest<'_>) -> Result<OwnedCapability<ProcessHandle>, Failure> {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let console = guest.console().capability();
    let grants = [
        grant("console", console),
        grant("neighbour", console),
        grant_kernel("timer", KernelCapSource::Timer),
        grant_kernel("vm", KernelCapSource::VirtualMemory),
    ];
    Ok(spawn_child(&mut guest.ring, &mut spawner, "attack", &grants)?)
}

/// Everything a program can be given, so that an attack fails for what it does and not for want of means.
fn attack(guest: &mut Guest<'_>, name: &str) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let console = guest.console().capability();
    let service = guest
        .capset
        .get_typed::<Endpoint>(b"service")
        .map_err(|error| Failure::new(alloc::format!("{error:?}")))?;
    let before = frames.count_free(&mut guest.ring)?;
    let grants = [
        grant("console", console),
        grant(name, console),
        grant_kernel("vm", KernelCapSource::VirtualMemory),
        grant_kernel("frames", KernelCapSource::FrameAllocator),
        grant_kernel("spawner", KernelCapSource::ProcessSpawner),
        grant_kernel("threads", KernelCapSource::ThreadSpawner),
        grant_kernel("control", KernelCapSource::ThreadControl),
        grant_kernel("timer", KernelCapSource::Timer),
        SpawnGrant {
            name: "service",
            source: SpawnGrantSource::Capability(service.raw()),
            mode: SpawnGrantMode::ClientEndpoint,
            badge: deputy::BADGE,
        },
    ];
    let child = spawn_child(&mut guest.ring, &mut spawner, "attack", &grants)?;
    let mut handle = ProcessHandleClient::new(child.capability());
    let endless = name == ENDLESS;
    if endless {
        let _ = capos_rt::syscall::cap_enter(1, 3_000_000);
        handle.terminate_wait(&mut guest.ring, WAIT)?;
    }
    if name == deputy::NAME {
        deputy::serve(guest, service)?;
    }
    let code = handle.wait_wait(&mut guest.ring, WAIT)?;
    require!(code == if endless { EXIT_TERMINATED } else { 0 }, "exit code {code}");
    drop(child);
    guest.flush()?;
    let after = frames.count_free(&mut guest.ring)?;
    require!(before == after, "{before} free frames before, {after} after");
    Ok(())
}

fn storm(guest: &mut Guest<'_>) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let before = frames.count_free(&mut guest.ring)?;
    for round in 0..STORM {
        let code = run_child(&mut guest.ring, &mut spawner, "tiny", &[])?;
        require!(code == 9, "process {round} ended with {code}");
    }
    let after = frames.count_free(&mut guest.ring)?;
    require!(before == after, "{before} free frames before, {after} after");
    Ok(())
}
