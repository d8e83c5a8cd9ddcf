//! FrameAllocator and MemoryObject.

use capos_rt::ExceptionType;
use guest_support::{
    FrameAllocatorClient, Guest, MemoryObjectClient, NONE, Outcome, PAGE, READ, WRITE, bytes, bytes_mut,
    refused, require,
};

pub fn one_frame(guest: &mut Guest<'_>) -> Outcome {
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let frame = frames.alloc_frame(&mut guest.ring)?;
    let mut object = MemoryObjectClient::of(&frame);
    let info = object.info(&mut guest.ring)?;
    require!(info == (1, PAGE), "info {info:?}");

    let addr = object.map(&mut guest.ring, 0, PAGE, READ | WRITE)?;
    let page = unsafe { bytes_mut(addr, PAGE) };
    require!(page.iter().all(|byte| *byte == 0), "the frame is not zero");
    for (index, byte) in page.iter_mut().enumerate() {
        *byte = (index * 3) as u8;
    }
    object.unmap(&mut guest.ring, addr, PAGE)?;

    let addr = object.map(&mut guest.ring, 0, PAGE, READ)?;
    let page = unsafe { bytes(addr, PAGE) };
    let kept = page.iter().enumerate().all(|(index, byte)| *byte == (index * 3) as u8);
    require!(kept, "the data is gone after unmap");
    object.protect(&mut guest.ring, addr, PAGE, READ | WRITE)?;
    unsafe { bytes_mut(addr, PAGE)[17] = 99 };
    object.protect(&mut guest.ring, addr, PAGE, NONE)?;
    object.protect(&mut guest.ring, addr, PAGE, READ)?;
    let byte = unsafe { (addr as *const u8).add(17).read_volatile() };
    require!(byte == 99, "byte {byte} after protect");
    object.unmap(&mut guest.ring, addr, PAGE)?;
    drop(frame);
    guest.flush()
}

/// The same frames at two addresses, and a mapping that starts inside the object.
pub fn contiguous(guest: &mut Guest<'_>) -> Outcome {
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let run = frames.alloc_contiguous(&mut guest.ring, 5)?;
    let mut object = MemoryObjectClient::of(&run);
    let info = object.info(&mut guest.ring)?;
    require!(info == (5, 5 * PAGE), "info {info:?}");

    let whole = object.map(&mut guest.ring, 0, 5 * PAGE, READ | WRITE)?;
    let part = object.map(&mut guest.ring, 3 * PAGE, 2 * PAGE, READ)?;
    require!(whole != part, "both at {whole:#x}");
    for page in 0..5 {
        unsafe { ((whole + page * PAGE) as *mut u64).write_volatile(page + 100) };
    }
    for page in 0..2 {
        let value = unsafe { ((part + page * PAGE) as *const u64).read_volatile() };
        require!(value == page + 103, "page {page} of the part holds {value}");
    }
    object.unmap(&mut guest.ring, whole, 5 * PAGE)?;
    let value = unsafe { ((part + PAGE) as *const u64).read_volatile() };
    require!(value == 104, "the other mapping holds {value}");
    object.unmap(&mut guest.ring, part, 2 * PAGE)?;
    drop(run);
    guest.flush()
}

pub fn refusals(guest: &mut Guest<'_>) -> Outcome {
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let ring = &mut guest.ring;
    refused(frames.alloc_contiguous(ring, 0), ExceptionType::InvalidArgument)?;
    refused(frames.alloc_contiguous(ring, 0x10_0000), ExceptionType::Overloaded)?;

    let frame = frames.alloc_frame(ring)?;
    let mut object = MemoryObjectClient::of(&frame);
    for (what, offset, size, prot) in [
        ("size 0", 0, 0, READ),
        ("size not whole pages", 0, 100, READ),
        ("offset inside a page", 8, PAGE, READ),
        ("behind the end", PAGE, PAGE, READ),
        ("longer than the object", 0, 2 * PAGE, READ),
        ("writable and executable", 0, PAGE, 7),
        ("unknown protection", 0, PAGE, 8),
    ] {
        let result = object.map(ring, offset, size, prot);
        require!(matches!(result, Err(capos_rt::ClientError::Application(_))), "{what}: {result:?}");
    }
    drop(frame);
    guest.flush()
}

/// Page tables may stay with the process, so the first round only warms up.
pub fn come_back(guest: &mut Guest<'_>) -> Outcome {
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let mut free = [0; 3];
    for count in &mut free {
        let run = frames.alloc_contiguous(&mut guest.ring, 64)?;
        let mut object = MemoryObjectClient::of(&run);
        let addr = object.map(&mut guest.ring, 0, 64 * PAGE, READ | WRITE)?;
        unsafe { bytes_mut(addr, 64 * PAGE).fill(0xa5) };
        object.unmap(&mut guest.ring, addr, 64 * PAGE)?;
        drop(run);
        *count = frames.count_free(&mut guest.ring)?;
    }
    require!(free[0] == free[1] && free[1] == free[2], "free frames {free:?}");
    Ok(())
}
