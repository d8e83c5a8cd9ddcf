//! Capability slots, sleeps, calls.

use alloc::vec::Vec;
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER as WAIT;
use capos_rt::{Client, ClientError, ExceptionType, PipeClient, ProcessSpawnerClient, TimerClient};
use guest_support::{FrameAllocatorClient, Guest, Outcome, refused, require};

/// A table of `slots` is filled with memory objects and emptied, twice.
pub fn capability_limit(guest: &mut Guest<'_>, slots: usize) -> Outcome {
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let held = guest.capset.len();
    for _ in 0..2 {
        let mut objects = Vec::new();
        let refusal = loop {
            match frames.alloc_frame(&mut guest.ring) {
                Ok(object) => objects.push(object),
                Err(error) => break error,
            }
            require!(objects.len() < 256, "no limit");
        };
        refused::<()>(Err(refusal), ExceptionType::Overloaded)?;
        require!(objects.len() + held == slots, "{} capabilities beside {held}", objects.len());
        drop(objects);
        guest.flush()?;
    }
    Ok(())
}

pub fn sleep_limit(guest: &mut Guest<'_>) -> Outcome {
    let mut timer: TimerClient = guest.client("timer");
    let ring = &mut guest.ring;
    for _ in 0..2 {
        let mut calls = Vec::new();
        for _ in 0..4 {
            calls.push(timer.sleep(ring, 1_000_000)?);
        }
        refused(timer.sleep_wait(ring, 1, WAIT), ExceptionType::Overloaded)?;
        for call in calls {
            ring.wait(call, WAIT)?;
        }
    }
    Ok(())
}

/// Reads of an empty pipe stay open, each is a call in progress.
pub fn call_limit(guest: &mut Guest<'_>) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let ring = &mut guest.ring;
    let pipe = spawner.create_pipe_wait(ring, 64, WAIT)?;
    let mut reader = PipeClient::from_capability(pipe.read_end.capability());
    let mut writer = PipeClient::from_capability(pipe.write_end.capability());
    let mut calls = Vec::new();
    for _ in 0..6 {
        calls.push(reader.read(ring, 1)?);
    }
    refused(reader.read_wait(ring, 1, WAIT), ExceptionType::Overloaded)?;
    // Not even a call that would end at once.
    refused(writer.is_closed_wait(ring, WAIT), ExceptionType::Overloaded)?;
    drop(pipe.write_end);
    ring.flush_releases()?;
    for call in calls {
        let read = reader.finish_read(ring.wait(call, WAIT)?)?;
        require!(read.eof && read.data.is_empty(), "bytes from nowhere");
    }
    drop(pipe.read_end);
    guest.flush()
}

/// A pipe needs two slots: with one left it is refused whole.
pub fn pipe_slots(guest: &mut Guest<'_>) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let mut objects = Vec::new();
    loop {
        match frames.alloc_frame(&mut guest.ring) {
            Ok(object) => objects.push(object),
            Err(ClientError::Application(_)) => break,
            Err(error) => return Err(error.into()),
        }
    }
    drop(objects.pop());
    guest.flush()?;
    let ring = &mut guest.ring;
    refused(spawner.create_pipe_wait(ring, 64, WAIT), ExceptionType::Overloaded)?;
    drop(objects.pop());
    ring.flush_releases()?;
    let pipe = spawner.create_pipe_wait(ring, 64, WAIT)?;
    drop((pipe, objects));
    guest.flush()
}
