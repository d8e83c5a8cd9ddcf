//! Starts a consumer, passes it one MemoryObject over an endpoint, then sends four records through the shared frames.
//! The calls carry a sequence number and a checksum; no payload byte is copied by the kernel.

#![no_std]
#![no_main]

extern crate alloc;

use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER;
use capos_rt::{Client, CopyTransfer, KernelCapSource, ProcessHandleClient, ProcessSpawnerClient, Runtime};
use guest_support::protocol::{FINISH, Note, RECORD, RECORDS, SHARE, SLOTS, checksum};
use guest_support::{
    EndpointClient, FrameAllocatorClient, Guest, MemoryObjectClient, PAGE, READ, WRITE, bytes_mut, grant,
    grant_kernel, require,
};

fn main(mut runtime: Runtime) -> i64 {
    let mut guest = Guest::start(&mut runtime, "producer");
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");

    let mut started = None;
    guest.step("consumer started", |guest| {
        let grants = [
            grant("console", guest.console().capability()),
            grant_kernel("endpoint", KernelCapSource::Endpoint),
        ];
        let child = spawner.spawn_wait_with_parent_endpoints(
            &mut guest.ring,
            "consumer",
            "ipc-consumer",
            &grants,
            CAP_ENTER_WAIT_FOREVER,
        )?;
        require!(child.parent_endpoints.len() == 1, "{} endpoints", child.parent_endpoints.len());
        started = Some(child);
        Ok(())
    });
    let Some(child) = started else {
        return 1;
    };
    let endpoint = EndpointClient::new(child.parent_endpoints[0].capability());

    let mut buffer = None;
    guest.step("shared buffer passed over the endpoint", |guest| {
        let object = frames.alloc_contiguous(&mut guest.ring, SLOTS)?;
        let addr =
            MemoryObjectClient::of(&object).map(&mut guest.ring, 0, u64::from(SLOTS) * PAGE, READ | WRITE)?;
        let transfer = [CopyTransfer::from_capability(object.capability())];
        let reply = endpoint.call_with(&mut guest.ring, SHARE, &[], &transfer)?;
        require!(reply.is_empty(), "reply {reply:?}");
        buffer = Some((object, addr));
        Ok(())
    });
    let Some((object, addr)) = buffer else {
        return 1;
    };

    for (sequence, step) in (0..).zip(RECORDS) {
        guest.step(step, |guest| {
            let slot = sequence % u64::from(SLOTS);
            let record = unsafe { bytes_mut(addr + slot * PAGE, PAGE) };
            for (index, byte) in record.iter_mut().enumerate() {
                *byte = ((index as u64 * (sequence + 3)) >> 2) as u8;
            }
            let note = Note { sequence, checksum: checksum(record) };
            let reply = endpoint.call(&mut guest.ring, RECORD, &note.encode())?;
            require!(Note::decode(&reply) == Some(note), "acknowledged with {reply:?}");
            Ok(())
        });
    }

    guest.step("consumer ended with 0", |guest| {
        endpoint.call(&mut guest.ring, FINISH, &[])?;
        let code = ProcessHandleClient::new(child.handle.capability())
            .wait_wait(&mut guest.ring, CAP_ENTER_WAIT_FOREVER)?;
        require!(code == 0, "exit code {code}");
        Ok(())
    });
    guest.step("unmapped and released", |guest| {
        MemoryObjectClient::of(&object).unmap(&mut guest.ring, addr, u64::from(SLOTS) * PAGE)?;
        drop((object, child));
        guest.flush()
    });
    guest.finish()
}

capos_rt::entry_point!(main);
