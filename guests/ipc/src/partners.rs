//! The other side is another process.

use alloc::boxed::Box;
use alloc::vec;
use core::sync::atomic::{AtomicU32, Ordering};

use capos_config::SHARED_PARK_SPACE_INTERFACE_ID;
use capos_config::ring::PARK_WOKEN;
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER as WAIT;
use capos_rt::{
    CapabilityRef, CapabilityType, Client, ExceptionType, KernelCapSource, PipeClient, ProcessHandleClient,
    ProcessSpawnerClient, SpawnGrant, SpawnGrantMode, SpawnGrantSource,
};
use guest_support::{
    EndpointClient, EndpointServer, Failure, FrameAllocatorClient, Guest, MemoryObjectClient, Outcome, PAGE,
    READ, RawRing, WRITE, grant, grant_kernel, refused, require, spawn_child,
};

use crate::calls::endpoint;

/// Only the name of it: the SDK has no client.
pub enum SharedParkSpace {}

impl CapabilityType for SharedParkSpace {
    const INTERFACE_ID: u64 = SHARED_PARK_SPACE_INTERFACE_ID;
}

fn facet(name: &str, cap: CapabilityRef, badge: u64) -> SpawnGrant<'_> {
    SpawnGrant {
        name,
        source: SpawnGrantSource::Capability(cap),
        mode: SpawnGrantMode::ClientEndpoint,
        badge,
    }
}

pub fn badges(guest: &mut Guest<'_>) -> Outcome {
    let cap = endpoint(guest, "svc")?;
    let server = EndpointServer::new(cap);
    let console = guest.console().capability();
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let mut children = alloc::vec::Vec::new();
    for badge in [11, 22, 33] {
        let grants = [grant("console", console), facet("caller", cap.raw(), badge)];
        children.push(spawn_child(&mut guest.ring, &mut spawner, "ipc", &grants)?);
    }
    let mut sum = 0;
    for _ in 0..3 {
        let request = server.receive(&mut guest.ring)?;
        sum += request.badge;
        let badge = request.badge.to_le_bytes();
        server.reply(&mut guest.ring, request, &badge)?;
    }
    require!(sum == 66, "badges add up to {sum}");
    for (child, badge) in children.iter().zip([11, 22, 33]) {
        let code = ProcessHandleClient::new(child.capability()).wait_wait(&mut guest.ring, WAIT)?;
        require!(code == badge, "a caller saw badge {code}");
    }
    drop(children);
    guest.flush()
}

pub fn pipe(guest: &mut Guest<'_>) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let ring = &mut guest.ring;
    let pipe = spawner.create_pipe_wait(ring, 8, WAIT)?;
    let mut reader = PipeClient::from_capability(pipe.read_end.capability());
    let mut writer = PipeClient::from_capability(pipe.write_end.capability());
    let written = writer.write_wait(ring, b"0123456789", WAIT)?;
    require!(written == 8, "{written} bytes written");
    let blocked = writer.write(ring, b"89")?;
    let data = reader.read_wait(ring, 5, WAIT)?.data;
    require!(&data[..] == b"01234", "{data:?}");
    let written = writer.finish_write(ring.wait(blocked, WAIT)?)?;
    require!(written == 2, "{written} bytes written after waiting");
    let data = reader.read_wait(ring, 100, WAIT)?.data;
    require!(&data[..] == b"56789", "{data:?}");
    writer.close_wait(ring, WAIT)?;
    let end = reader.read_wait(ring, 100, WAIT)?;
    require!(end.eof && end.data.is_empty(), "{:?}", end.data);
    refused(writer.write_wait(ring, b"x", WAIT), ExceptionType::Failed)?;
    refused(reader.write_wait(ring, b"x", WAIT), ExceptionType::Unimplemented)?;
    drop(pipe);
    guest.flush()
}

pub fn writer_gone(guest: &mut Guest<'_>) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let console = guest.console().capability();
    let pipe = spawner.create_pipe_wait(&mut guest.ring, 64, WAIT)?;
    let mut reader = PipeClient::from_capability(pipe.read_end.capability());
    let end = SpawnGrant {
        name: "writer",
        source: SpawnGrantSource::Capability(pipe.write_end.capability().raw()),
        mode: SpawnGrantMode::Move,
        badge: 0,
    };
    let child = spawn_child(&mut guest.ring, &mut spawner, "ipc", &[grant("console", console), end])?;
    let ring = &mut guest.ring;
    let mut text = alloc::vec::Vec::new();
    loop {
        let read = reader.read_wait(ring, 64, WAIT)?;
        text.extend_from_slice(&read.data);
        if read.eof {
            break;
        }
    }
    require!(text == b"last words", "{text:?}");
    ProcessHandleClient::new(child.capability()).wait_wait(ring, WAIT)?;
    drop((pipe, child));
    guest.flush()
}

pub fn shared_park(guest: &mut Guest<'_>) -> Outcome {
    let space = guest
        .capset
        .get_typed::<SharedParkSpace>(b"park")
        .map_err(|error| Failure::new(alloc::format!("{error:?}")))?;
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let console = guest.console().capability();
    let object = frames.alloc_frame(&mut guest.ring)?;
    let at = MemoryObjectClient::of(&object).map(&mut guest.ring, 0, PAGE, READ | WRITE)?;
    let grants = [
        grant("console", console),
        grant("waker", object.capability()),
        SpawnGrant {
            name: "park",
            source: SpawnGrantSource::Capability(space.raw()),
            mode: SpawnGrantMode::Raw,
            badge: 0,
        },
    ];
    let child = spawn_child(&mut guest.ring, &mut spawner, "ipc", &grants)?;
    let word = unsafe { &*(at as *const AtomicU32) };
    let mut ring = unsafe { RawRing::new(guest.ring.ring_ptr()) };
    while word.load(Ordering::Acquire) == 0 {
        let result = ring.park(space.cap_id(), 1, at, 0, WAIT);
        require!(result == PARK_WOKEN || word.load(Ordering::Acquire) != 0, "park: {result}");
    }
    let woken = ProcessHandleClient::new(child.capability()).wait_wait(&mut guest.ring, WAIT)?;
    require!(woken == 1, "{woken} threads were woken");
    MemoryObjectClient::of(&object).unmap(&mut guest.ring, at, PAGE)?;
    drop((object, child));
    guest.flush()
}

/// Two calls to an endpoint that a child owns: one it has received, one still queued. The child ends.
pub fn owner_gone(guest: &mut Guest<'_>) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let console = guest.console().capability();
    let grants = [grant("console", console), grant_kernel("owner", KernelCapSource::Endpoint)];
    let spawned = spawner.spawn_wait_with_parent_endpoints(&mut guest.ring, "owner", "ipc", &grants, WAIT)?;
    require!(spawned.parent_endpoints.len() == 1, "{} endpoints", spawned.parent_endpoints.len());
    let cap = spawned.parent_endpoints[0].capability();
    let mut calls = alloc::vec::Vec::new();
    for method in 0..2 {
        let result = vec![0; 512].into_boxed_slice();
        calls.push(guest.ring.submit_call(cap.cap_id(), method, Box::from([]), result)?);
    }
    for call in calls {
        refused(crate::calls::answer(guest, call), ExceptionType::Disconnected)?;
    }
    refused(EndpointClient::new(cap).call(&mut guest.ring, 0, b""), ExceptionType::Disconnected)?;
    drop(spawned);
    guest.flush()
}
