//! ELF images that must be refused, leaving nothing behind: no frame, no process, no capability.

use capos_rt::{ExceptionType, ProcessSpawnerClient};
use guest_support::{FrameAllocatorClient, Guest, Outcome, refused, require, run_child, spawn_child};

const SLOT_MASK: u32 = 0x00ff_ffff;

pub struct Image {
    pub step: &'static str,
    pub binary: &'static str,
}

macro_rules! images {
    ($($binary:literal: $what:literal),+ $(,)?) => {
        &[$(Image { step: concat!("image refused: ", $what), binary: $binary }),+]
    };
}

pub const REFUSED: &[Image] = images![
    "bad-truncated": "truncated",
    "bad-magic": "bad magic",
    "bad-class": "32-bit",
    "bad-machine": "not x86_64",
    "bad-type": "position independent",
    "bad-offset": "segment offset does not match its address",
    "bad-filesz": "segment data behind the end of the file",
    "bad-wx": "writable and executable segment",
    "bad-unreadable": "segment without read permission",
    "bad-overlap": "overlapping segments",
    "bad-entry": "entry outside code",
    "bad-kernel": "segment outside the user half",
    "bad-null": "segment at address 0",
    "bad-stack": "segment over the stack",
    "bad-ring": "segment over the ring page",
    "no-such-binary": "unknown binary",
];

/// The same image as the refused ones, without a defect.
pub fn accepted(guest: &mut Guest<'_>) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let code = run_child(&mut guest.ring, &mut spawner, "tiny", &[])?;
    require!(code == 9, "exit code {code}");
    Ok(())
}

pub fn refused_image(guest: &mut Guest<'_>, binary: &str) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let free = frames.count_free(&mut guest.ring)?;
    let slot = next_slot(guest, &mut frames)?;
    let result = spawn_child(&mut guest.ring, &mut spawner, binary, &[]);
    refused(result, ExceptionType::Failed)?;
    let slot_after = next_slot(guest, &mut frames)?;
    require!(slot == slot_after, "a capability was left behind");
    let free_after = frames.count_free(&mut guest.ring)?;
    require!(free == free_after, "{free} free frames before, {free_after} after");
    Ok(())
}

/// The slot the next capability gets: the one released last, or a fresh one.
fn next_slot(
    guest: &mut Guest<'_>,
    frames: &mut FrameAllocatorClient,
) -> Result<u32, guest_support::Failure> {
    let frame = frames.alloc_frame(&mut guest.ring)?;
    let slot = frame.cap_id() & SLOT_MASK;
    drop(frame);
    guest.flush()?;
    Ok(slot)
}
