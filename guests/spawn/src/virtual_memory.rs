//! VirtualMemory: what reserved, committed and inaccessible pages are, and every reason to refuse.

use alloc::vec::Vec;
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER as WAIT;
use capos_rt::{ExceptionType, VirtualMemoryClient};
use guest_support::{
    EXEC, FrameAllocatorClient, Guest, MemoryObjectClient, NONE, Outcome, PAGE, READ, WRITE, bytes,
    bytes_mut, refused, require,
};

const RING: u64 = 0x120_0000;
const CAPSET: u64 = 0x130_0000;
const MIB: u64 = 1024 * 1024;

/// `quotas.frameGrantPages` of the scenario.
const FRAME_QUOTA: u64 = 6144;
/// Default quota for reservations: 1 GiB.
const RESERVATION_QUOTA: u64 = 1024 * MIB;

fn fill(addr: u64, size: u64, seed: u8) {
    for (index, byte) in unsafe { bytes_mut(addr, size) }.iter_mut().enumerate() {
        *byte = (index as u8).wrapping_mul(7).wrapping_add(seed);
    }
}

fn filled(addr: u64, size: u64, seed: u8) -> bool {
    let all = unsafe { bytes(addr, size) };
    all.iter().enumerate().all(|(index, byte)| *byte == (index as u8).wrapping_mul(7).wrapping_add(seed))
}

fn zero(addr: u64, size: u64) -> bool {
    unsafe { bytes(addr, size) }.iter().all(|byte| *byte == 0)
}

pub fn reserve_commit(guest: &mut Guest<'_>) -> Outcome {
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let ring = &mut guest.ring;
    let addr = memory.reserve_wait(ring, 0, 16 * PAGE, WAIT)?;
    require!(addr % PAGE == 0 && addr != 0, "reserved at {addr:#x}");
    memory.commit_wait(ring, addr + 2 * PAGE, 3 * PAGE, READ | WRITE, WAIT)?;
    let part = addr + 2 * PAGE;
    require!(zero(part, 3 * PAGE), "committed pages are not zero");
    fill(part, 3 * PAGE, 1);
    require!(filled(part, 3 * PAGE, 1), "data differs");
    memory.commit_wait(ring, addr + 5 * PAGE, PAGE, READ | WRITE, WAIT)?;
    require!(zero(addr + 5 * PAGE, PAGE), "the next page is not zero");
    require!(filled(part, 3 * PAGE, 1), "data differs after the next commit");
    memory.unmap_wait(ring, addr, 16 * PAGE, WAIT)?;
    Ok(())
}

pub fn recommit(guest: &mut Guest<'_>) -> Outcome {
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let ring = &mut guest.ring;
    let addr = memory.map_wait(ring, 0, 4 * PAGE, READ | WRITE, WAIT)?;
    fill(addr, 4 * PAGE, 2);
    memory.decommit_wait(ring, addr + PAGE, 2 * PAGE, WAIT)?;
    // Decommitting a range that is not committed everywhere skips the holes.
    memory.decommit_wait(ring, addr + PAGE, 2 * PAGE, WAIT)?;
    memory.commit_wait(ring, addr + PAGE, 2 * PAGE, READ | WRITE, WAIT)?;
    require!(zero(addr + PAGE, 2 * PAGE), "recommitted pages are not zero");
    require!(filled(addr, PAGE, 2), "the page in front lost its data");
    let last = unsafe { ((addr + 3 * PAGE) as *const u8).add(1).read_volatile() };
    require!(last == 9, "the page behind holds {last}");
    memory.unmap_wait(ring, addr, 4 * PAGE, WAIT)?;
    Ok(())
}

pub fn no_access(guest: &mut Guest<'_>) -> Outcome {
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let ring = &mut guest.ring;
    let addr = memory.map_wait(ring, 0, 2 * PAGE, READ | WRITE, WAIT)?;
    fill(addr, 2 * PAGE, 3);
    memory.protect_wait(ring, addr, 2 * PAGE, NONE, WAIT)?;
    memory.protect_wait(ring, addr, 2 * PAGE, READ, WAIT)?;
    require!(filled(addr, 2 * PAGE, 3), "data differs");

    // Pages can also be born without access.
    let hidden = memory.map_wait(ring, 0, PAGE, NONE, WAIT)?;
    memory.protect_wait(ring, hidden, PAGE, READ | WRITE, WAIT)?;
    require!(zero(hidden, PAGE), "the hidden page is not zero");
    fill(hidden, PAGE, 4);
    memory.unmap_wait(ring, hidden, PAGE, WAIT)?;
    memory.unmap_wait(ring, addr, 2 * PAGE, WAIT)?;
    Ok(())
}

pub fn unmap_middle(guest: &mut Guest<'_>) -> Outcome {
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let ring = &mut guest.ring;
    let addr = memory.map_wait(ring, 0, 3 * PAGE, READ | WRITE, WAIT)?;
    let (middle, last) = (addr + PAGE, addr + 2 * PAGE);
    for (page, seed) in [(addr, 10), (middle, 11), (last, 12)] {
        fill(page, PAGE, seed);
    }
    memory.unmap_wait(ring, middle, PAGE, WAIT)?;
    require!(filled(addr, PAGE, 10) && filled(last, PAGE, 12), "the neighbours lost their data");
    refused(memory.protect_wait(ring, middle, PAGE, READ, WAIT), ExceptionType::Failed)?;
    let again = memory.map_wait(ring, middle, PAGE, READ | WRITE, WAIT)?;
    require!(again == middle, "asked for {middle:#x}, got {again:#x}");
    require!(zero(middle, PAGE), "the new page is not zero");
    memory.unmap_wait(ring, addr, 3 * PAGE, WAIT)?;
    Ok(())
}

/// Addresses above 4 GiB differ from those below only for a translator, which is reason enough to try them.
pub fn hints(guest: &mut Guest<'_>) -> Outcome {
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let ring = &mut guest.ring;
    for (seed, hint) in [(20, 0x4000_0000), (21, 0x1_0000_0000), (22, 0x7fff_fff0_0000)] {
        let addr = memory.map_wait(ring, hint, 2 * PAGE, READ | WRITE, WAIT)?;
        require!(addr == hint, "asked for {hint:#x}, got {addr:#x}");
        fill(addr, 2 * PAGE, seed);
        // A word across the page boundary.
        let across = (addr + PAGE - 3) as *mut u64;
        unsafe { across.write_unaligned(0x0102_0304_0506_0708) };
        let value = unsafe { across.read_unaligned() };
        require!(value == 0x0102_0304_0506_0708, "across the boundary: {value:#x}");
        refused(memory.reserve_wait(ring, hint + PAGE, PAGE, WAIT), ExceptionType::InvalidArgument)?;
        memory.unmap_wait(ring, addr, 2 * PAGE, WAIT)?;
    }
    Ok(())
}

/// Code runs from the same address before and after it changed, so a stale translation gives the old number.
pub fn replaced_code(guest: &mut Guest<'_>) -> Outcome {
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let ring = &mut guest.ring;
    let addr = memory.map_wait(ring, 0, PAGE, READ | WRITE, WAIT)?;
    for number in [41, 42, 43] {
        memory.protect_wait(ring, addr, PAGE, READ | WRITE, WAIT)?;
        write_code(addr, number);
        memory.protect_wait(ring, addr, PAGE, READ | EXEC, WAIT)?;
        let found = run_code(addr);
        require!(found == number, "wrote {number}, ran {found}");
    }
    memory.decommit_wait(ring, addr, PAGE, WAIT)?;
    memory.commit_wait(ring, addr, PAGE, READ | WRITE, WAIT)?;
    write_code(addr, 44);
    memory.protect_wait(ring, addr, PAGE, READ | EXEC, WAIT)?;
    let found = run_code(addr);
    require!(found == 44, "after decommit ran {found}");
    memory.unmap_wait(ring, addr, PAGE, WAIT)?;

    // Two mappings of one frame: the write goes through an address that is not the one that runs.
    let frame = frames.alloc_frame(ring)?;
    let mut object = MemoryObjectClient::of(&frame);
    let writable = object.map(ring, 0, PAGE, READ | WRITE)?;
    let executable = object.map(ring, 0, PAGE, READ | EXEC)?;
    for number in [51, 52, 53] {
        write_code(writable, number);
        let found = run_code(executable);
        require!(found == number, "wrote {number} through the other mapping, ran {found}");
    }
    object.unmap(ring, writable, PAGE)?;
    object.unmap(ring, executable, PAGE)?;
    drop(frame);
    guest.flush()
}

/// `mov eax, number; ret`
fn write_code(addr: u64, number: u32) {
    let mut code = [0xb8, 0, 0, 0, 0, 0xc3];
    code[1..5].copy_from_slice(&number.to_le_bytes());
    for (index, byte) in code.iter().enumerate() {
        unsafe { (addr as *mut u8).add(index).write_volatile(*byte) };
    }
}

fn run_code(addr: u64) -> u32 {
    let code: extern "C" fn() -> u32 = unsafe { core::mem::transmute(addr as *const ()) };
    code()
}

pub fn wrong_arguments(guest: &mut Guest<'_>) -> Outcome {
    const INVALID: ExceptionType = ExceptionType::InvalidArgument;
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let ring = &mut guest.ring;
    refused(memory.reserve_wait(ring, 0, 0, WAIT), INVALID)?;
    refused(memory.reserve_wait(ring, 0, 100, WAIT), INVALID)?;
    refused(memory.reserve_wait(ring, 0x4000_0010, PAGE, WAIT), INVALID)?;
    refused(memory.reserve_wait(ring, 0x7fff_ffff_f000, 2 * PAGE, WAIT), INVALID)?;
    refused(memory.reserve_wait(ring, u64::MAX - PAGE + 1, PAGE, WAIT), INVALID)?;
    refused(memory.reserve_wait(ring, 0xffff_8000_0000_0000, PAGE, WAIT), INVALID)?;
    refused(memory.map_wait(ring, 0, PAGE, 8, WAIT), INVALID)?;
    refused(memory.map_wait(ring, 0, PAGE, WRITE | EXEC, WAIT), INVALID)?;
    refused(memory.map_wait(ring, 0, PAGE, READ | WRITE | EXEC, WAIT), INVALID)?;
    for page in [RING, CAPSET] {
        refused(memory.map_wait(ring, page, PAGE, READ, WAIT), INVALID)?;
        refused(memory.reserve_wait(ring, page - PAGE, 3 * PAGE, WAIT), INVALID)?;
        refused(memory.protect_wait(ring, page, PAGE, READ | WRITE, WAIT), INVALID)?;
        refused(memory.unmap_wait(ring, page, PAGE, WAIT), INVALID)?;
        refused(memory.decommit_wait(ring, page, PAGE, WAIT), INVALID)?;
    }
    let addr = memory.map_wait(ring, 0, PAGE, READ | WRITE, WAIT)?;
    refused(memory.protect_wait(ring, addr, PAGE, READ | WRITE | EXEC, WAIT), INVALID)?;
    refused(memory.protect_wait(ring, addr + 1, PAGE, READ, WAIT), INVALID)?;
    refused(memory.unmap_wait(ring, addr, 1, WAIT), INVALID)?;
    fill(addr, PAGE, 5);
    require!(filled(addr, PAGE, 5), "a refused call changed the page");
    memory.unmap_wait(ring, addr, PAGE, WAIT)?;
    Ok(())
}

pub fn wrong_states(guest: &mut Guest<'_>) -> Outcome {
    const FAILED: ExceptionType = ExceptionType::Failed;
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let ring = &mut guest.ring;
    let addr = memory.reserve_wait(ring, 0, 4 * PAGE, WAIT)?;
    refused(memory.protect_wait(ring, addr, PAGE, READ, WAIT), FAILED)?;
    memory.commit_wait(ring, addr + PAGE, PAGE, READ | WRITE, WAIT)?;
    fill(addr + PAGE, PAGE, 6);
    refused(memory.commit_wait(ring, addr, 2 * PAGE, READ | WRITE, WAIT), FAILED)?;
    require!(filled(addr + PAGE, PAGE, 6), "a refused commit changed the page");
    refused(memory.protect_wait(ring, addr, 2 * PAGE, READ, WAIT), FAILED)?;
    refused(memory.commit_wait(ring, addr + 3 * PAGE, 2 * PAGE, READ, WAIT), FAILED)?;
    // The page in front was never committed by either refused call.
    memory.commit_wait(ring, addr, PAGE, READ | WRITE, WAIT)?;
    require!(zero(addr, PAGE), "the page in front is not zero");
    memory.unmap_wait(ring, addr, 4 * PAGE, WAIT)?;
    refused(memory.unmap_wait(ring, addr, 4 * PAGE, WAIT), FAILED)?;
    refused(memory.commit_wait(ring, addr, PAGE, READ, WAIT), FAILED)?;

    // A mapped object is not VirtualMemory's, and anonymous pages are not the object's.
    let frame = frames.alloc_frame(ring)?;
    let mut object = MemoryObjectClient::of(&frame);
    let borrowed = object.map(ring, 0, PAGE, READ | WRITE)?;
    refused(memory.protect_wait(ring, borrowed, PAGE, READ, WAIT), FAILED)?;
    refused(memory.unmap_wait(ring, borrowed, PAGE, WAIT), FAILED)?;
    let anonymous = memory.map_wait(ring, 0, PAGE, READ | WRITE, WAIT)?;
    refused(object.unmap(ring, anonymous, PAGE), FAILED)?;
    refused(object.protect(ring, anonymous, PAGE, READ), FAILED)?;
    fill(borrowed, PAGE, 7);
    fill(anonymous, PAGE, 8);
    memory.unmap_wait(ring, anonymous, PAGE, WAIT)?;
    object.unmap(ring, borrowed, PAGE)?;
    drop(frame);
    guest.flush()
}

pub fn reservation_quota(guest: &mut Guest<'_>) -> Outcome {
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let ring = &mut guest.ring;
    let (half, more) = (RESERVATION_QUOTA / 2, RESERVATION_QUOTA / 4 * 3);
    refused(memory.reserve_wait(ring, 0, 2 * RESERVATION_QUOTA, WAIT), ExceptionType::Overloaded)?;
    let first = memory.reserve_wait(ring, 0, half, WAIT)?;
    refused(memory.reserve_wait(ring, 0, more, WAIT), ExceptionType::Overloaded)?;
    let second = memory.reserve_wait(ring, 0, half, WAIT)?;
    refused(memory.reserve_wait(ring, 0, PAGE, WAIT), ExceptionType::Overloaded)?;
    memory.unmap_wait(ring, first, half, WAIT)?;
    memory.unmap_wait(ring, second, half, WAIT)?;
    let third = memory.reserve_wait(ring, 0, more, WAIT)?;
    memory.commit_wait(ring, third + more - PAGE, PAGE, READ | WRITE, WAIT)?;
    fill(third + more - PAGE, PAGE, 9);
    memory.unmap_wait(ring, third, more, WAIT)?;
    Ok(())
}

/// Mappings of one object are charged one by one, so the quota is reached while most frames are free.
pub fn frame_quota(guest: &mut Guest<'_>) -> Outcome {
    const RUN: u64 = 1024;
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let ring = &mut guest.ring;
    let reserved = memory.reserve_wait(ring, 0, 2 * PAGE, WAIT)?;
    let run = frames.alloc_contiguous(ring, RUN as u32)?;
    let mut object = MemoryObjectClient::of(&run);
    // Capability, four whole mappings and these two make the quota.
    let mut mappings = Vec::new();
    for _ in 2..FRAME_QUOTA / RUN {
        mappings.push((object.map(ring, 0, RUN * PAGE, READ)?, RUN * PAGE));
    }
    mappings.push((object.map(ring, 0, (RUN - 1) * PAGE, READ)?, (RUN - 1) * PAGE));
    let last = object.map(ring, 0, PAGE, READ)?;
    refused(object.map(ring, 0, PAGE, READ), ExceptionType::Overloaded)?;
    refused(frames.alloc_frame(ring), ExceptionType::Overloaded)?;
    refused(memory.commit_wait(ring, reserved, PAGE, READ, WAIT), ExceptionType::Overloaded)?;

    object.unmap(ring, last, PAGE)?;
    refused(memory.commit_wait(ring, reserved, 2 * PAGE, READ, WAIT), ExceptionType::Overloaded)?;
    memory.commit_wait(ring, reserved, PAGE, READ | WRITE, WAIT)?;
    fill(reserved, PAGE, 11);
    refused(frames.alloc_frame(ring), ExceptionType::Overloaded)?;
    memory.unmap_wait(ring, reserved, 2 * PAGE, WAIT)?;
    let frame = frames.alloc_frame(ring)?;
    drop(frame);

    for (addr, size) in mappings {
        object.unmap(ring, addr, size)?;
    }
    drop(run);
    guest.flush()
}

pub fn frames_come_back(guest: &mut Guest<'_>) -> Outcome {
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let mut free = [0; 3];
    for count in &mut free {
        let ring = &mut guest.ring;
        let addr = memory.map_wait(ring, 0, 200 * PAGE, READ | WRITE, WAIT)?;
        unsafe { bytes_mut(addr, 200 * PAGE).fill(0x5a) };
        let held = frames.count_free(ring)?;
        memory.decommit_wait(ring, addr, 150 * PAGE, WAIT)?;
        let decommitted = frames.count_free(ring)?;
        require!(decommitted >= held + 150, "{held} free, {decommitted} after decommit");
        memory.unmap_wait(ring, addr, 200 * PAGE, WAIT)?;
        *count = frames.count_free(ring)?;
        require!(*count >= held + 200, "{held} free, {count} after unmap");
    }
    require!(free[0] == free[1] && free[1] == free[2], "free frames {free:?}");
    Ok(())
}
