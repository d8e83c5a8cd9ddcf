//! Allocates a MemoryObject, hands it to a child as a grant, and sees the child's writes through the same frames,
//! also while the child runs.

#![no_std]
#![no_main]

extern crate alloc;

use capos_rt::syscall::{CAP_ENTER_WAIT_FOREVER, cap_enter};
use capos_rt::{Client, ProcessHandleClient, ProcessSpawnerClient, Runtime};
use guest_support::{
    FrameAllocatorClient, Guest, MemoryObjectClient, PAGE, READ, WRITE, bytes, bytes_mut, grant, require,
    spawn_child,
};

const PAGES: u32 = 3;
const SIZE: u64 = PAGES as u64 * PAGE;
/// The word that goes back and forth; the layout is that of the child.
const TURN: u64 = 2 * PAGE;
const ROUNDS: u32 = 8;
const PATIENCE: u32 = 10_000;
const NAP_NS: u64 = 100_000;

fn main(mut runtime: Runtime) -> i64 {
    let mut guest = Guest::start(&mut runtime, "parent");
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");

    let mut shared = None;
    guest.step("memory object allocated", |guest| {
        let object = frames.alloc_contiguous(&mut guest.ring, PAGES)?;
        let info = MemoryObjectClient::of(&object).info(&mut guest.ring)?;
        require!(info == (PAGES, SIZE), "info {info:?}");
        shared = Some(object);
        Ok(())
    });
    let Some(shared) = shared else {
        return 1;
    };
    let mut object = MemoryObjectClient::of(&shared);

    let mut addr = 0;
    guest.step("mapped and written", |guest| {
        addr = object.map(&mut guest.ring, 0, SIZE, READ | WRITE)?;
        for (index, byte) in unsafe { bytes_mut(addr, PAGE) }.iter_mut().enumerate() {
            *byte = index as u8 ^ 0x5a;
        }
        Ok(())
    });
    let turn = (addr + TURN) as *mut u32;

    let mut child = None;
    guest.step("child started with the object", |guest| {
        let grants = [grant("console", guest.console().capability()), grant("shared", shared.capability())];
        child = Some(spawn_child(&mut guest.ring, &mut spawner, "memoryobject-child", &grants)?);
        Ok(())
    });
    let Some(child) = child else {
        return 1;
    };

    guest.step("words exchanged while both run", |_| {
        for round in 0..ROUNDS {
            let mut patience = PATIENCE;
            while unsafe { turn.read_volatile() } != 2 * round + 1 {
                patience -= 1;
                require!(patience > 0, "no answer in round {round}");
                let _ = cap_enter(1, NAP_NS);
            }
            unsafe { turn.write_volatile(2 * round + 2) };
        }
        Ok(())
    });
    guest.step("child ended with 0", |guest| {
        let code = ProcessHandleClient::new(child.capability())
            .wait_wait(&mut guest.ring, CAP_ENTER_WAIT_FOREVER)?;
        require!(code == 0, "exit code {code}");
        Ok(())
    });
    guest.step("child's data is in the same frames", |_| {
        let page = unsafe { bytes(addr + PAGE, PAGE) };
        for (index, byte) in page.iter().enumerate() {
            require!(*byte == index as u8 ^ 0xc3, "byte {index} is {byte:#x}");
        }
        Ok(())
    });
    guest.step("unmapped and released", |guest| {
        object.unmap(&mut guest.ring, addr, SIZE)?;
        drop((shared, child));
        guest.flush()
    });
    guest.finish()
}

capos_rt::entry_point!(main);
