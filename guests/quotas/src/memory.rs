//! Frame grant and virtual reservation.

use alloc::string::String;
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER as WAIT;
use capos_rt::{ClientError, ExceptionType, VirtualMemoryClient};
use guest_support::{
    Failure, FrameAllocatorClient, Guest, MemoryObjectClient, Outcome, PAGE, READ, WRITE, refused, require,
};

const RW: u32 = READ | WRITE;

/// The text of an `overloaded` refusal.
fn reason<T>(result: Result<T, ClientError>) -> Result<String, Failure> {
    match result {
        Err(ClientError::Application(exception))
            if exception.exception_type() == ExceptionType::Overloaded =>
        {
            Ok(String::from(exception.message()))
        }
        Err(error) => Err(Failure::new(alloc::format!("{error:?}"))),
        Ok(_) => Err(Failure::new(String::from("the call succeeded"))),
    }
}

/// Exactly `pages` can be committed; what was refused can be had after something was given back.
pub fn frame_limit(guest: &mut Guest<'_>, pages: u64) -> Outcome {
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let ring = &mut guest.ring;
    let all = memory.map_wait(ring, 0, pages * PAGE, RW, WAIT)?;
    refused(memory.map_wait(ring, 0, PAGE, RW, WAIT), ExceptionType::Overloaded)?;
    // A commit of several pages is all or nothing: half of this one would fit.
    memory.decommit_wait(ring, all, PAGE, WAIT)?;
    let more = memory.reserve_wait(ring, 0, 2 * PAGE, WAIT)?;
    refused(memory.commit_wait(ring, more, 2 * PAGE, RW, WAIT), ExceptionType::Overloaded)?;
    memory.commit_wait(ring, more, PAGE, RW, WAIT)?;
    memory.unmap_wait(ring, more, 2 * PAGE, WAIT)?;
    memory.commit_wait(ring, all, PAGE, RW, WAIT)?;
    refused(memory.map_wait(ring, 0, PAGE, RW, WAIT), ExceptionType::Overloaded)?;
    memory.unmap_wait(ring, all, pages * PAGE, WAIT)?;
    Ok(())
}

pub fn reservation_limit(guest: &mut Guest<'_>, pages: u64) -> Outcome {
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let ring = &mut guest.ring;
    let all = memory.reserve_wait(ring, 0, pages * PAGE, WAIT)?;
    refused(memory.reserve_wait(ring, 0, PAGE, WAIT), ExceptionType::Overloaded)?;
    refused(memory.map_wait(ring, 0, PAGE, RW, WAIT), ExceptionType::Overloaded)?;
    memory.unmap_wait(ring, all + PAGE, PAGE, WAIT)?;
    let one = memory.reserve_wait(ring, 0, PAGE, WAIT)?;
    refused(memory.reserve_wait(ring, 0, PAGE, WAIT), ExceptionType::Overloaded)?;
    memory.unmap_wait(ring, one, PAGE, WAIT)?;
    memory.unmap_wait(ring, all, PAGE, WAIT)?;
    memory.unmap_wait(ring, all + 2 * PAGE, (pages - 2) * PAGE, WAIT)?;
    Ok(())
}

/// Both refusals are `overloaded`; the texts tell them apart.
pub fn two_reasons(guest: &mut Guest<'_>) -> Outcome {
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let ring = &mut guest.ring;
    let frames = reason(memory.map_wait(ring, 0, 513 * PAGE, RW, WAIT))?;
    let reservation = reason(memory.reserve_wait(ring, 0, 4097 * PAGE, WAIT))?;
    require!(frames.contains("frame grant"), "{frames}");
    require!(reservation.contains("virtual reservation"), "{reservation}");
    // Beyond both: reserving comes first.
    let both = reason(memory.map_wait(ring, 0, 4097 * PAGE, RW, WAIT))?;
    require!(both.contains("virtual reservation"), "{both}");
    // A reservation alone takes no frames.
    let wide = memory.reserve_wait(ring, 0, 2048 * PAGE, WAIT)?;
    let committed = memory.map_wait(ring, 0, 512 * PAGE, RW, WAIT)?;
    memory.unmap_wait(ring, committed, 512 * PAGE, WAIT)?;
    memory.unmap_wait(ring, wide, 2048 * PAGE, WAIT)?;
    Ok(())
}

/// A held object and each mapping of it are charged like committed pages, until the last of them is gone.
pub fn one_ledger(guest: &mut Guest<'_>) -> Outcome {
    let mut memory: VirtualMemoryClient = guest.client("vm");
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let object = frames.alloc_contiguous(&mut guest.ring, 128)?;
    let mut client = MemoryObjectClient::of(&object);
    let first = client.map(&mut guest.ring, 0, 128 * PAGE, RW)?;
    let second = client.map(&mut guest.ring, 0, 128 * PAGE, READ)?;
    let ring = &mut guest.ring;
    let rest = memory.map_wait(ring, 0, 128 * PAGE, RW, WAIT)?;
    let full = reason(memory.map_wait(ring, 0, PAGE, RW, WAIT))?;
    require!(full.contains("frame grant"), "{full}");
    refused(client.map(ring, 0, PAGE, READ), ExceptionType::Overloaded)?;
    refused(frames.alloc_frame(ring), ExceptionType::Overloaded)?;
    client.unmap(ring, second, 128 * PAGE)?;
    let other = memory.map_wait(ring, 0, 128 * PAGE, RW, WAIT)?;
    refused(memory.map_wait(ring, 0, PAGE, RW, WAIT), ExceptionType::Overloaded)?;
    // Without its capability the object lives on in its mapping, which stays charged.
    drop(object);
    ring.flush_releases()?;
    let third = memory.map_wait(ring, 0, 128 * PAGE, RW, WAIT)?;
    refused(memory.map_wait(ring, 0, PAGE, RW, WAIT), ExceptionType::Overloaded)?;
    let kept = unsafe { guest_support::bytes_mut(first, PAGE) };
    kept[0] = 7;
    require!(kept[0] == 7 && kept[1] == 0, "{:?}", &kept[..2]);
    for range in [rest, other, third] {
        memory.unmap_wait(ring, range, 128 * PAGE, WAIT)?;
    }
    Ok(())
}
