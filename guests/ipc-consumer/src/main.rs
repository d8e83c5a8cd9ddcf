//! Serves the endpoint of `ipc-producer`: receives the shared buffer once, then checks each announced record in place.
//! Every call is answered after the line about it is out, so that the lines of both programs keep one order.

#![no_std]
#![no_main]

extern crate alloc;

use capos_rt::{Endpoint, Runtime};
use guest_support::protocol::{FINISH, Note, RECORD, RECORDS, SHARE, SLOTS, checksum};
use guest_support::{EndpointServer, Guest, MemoryObjectClient, PAGE, READ, Request, bytes, require};

const EXIT_NO_ENDPOINT: i64 = 60;
const EXIT_NO_ANSWER: i64 = 61;

fn main(mut runtime: Runtime) -> i64 {
    let mut guest = Guest::start(&mut runtime, "consumer");
    let Ok(endpoint) = guest.capset.get_typed::<Endpoint>(b"endpoint") else {
        return EXIT_NO_ENDPOINT;
    };
    let server = EndpointServer::new(endpoint);
    let size = u64::from(SLOTS) * PAGE;

    let mut received = None;
    guest.step("shared buffer received and mapped", |guest| {
        let mut request = server.receive(&mut guest.ring)?;
        require!(request.method == SHARE, "method {}", request.method);
        require!(request.capability_count() == 1, "{} capabilities", request.capability_count());
        let object = request.take_memory_object(&guest.ring)?;
        let info = MemoryObjectClient::of(&object).info(&mut guest.ring)?;
        require!(info == (SLOTS, size), "info {info:?}");
        let addr = MemoryObjectClient::of(&object).map(&mut guest.ring, 0, size, READ)?;
        received = Some((request, object, addr));
        Ok(())
    });
    let Some((request, object, addr)) = received else {
        return EXIT_NO_ANSWER;
    };
    answer(&mut guest, &server, Some(request), &[]);

    for (sequence, step) in (0..).zip(RECORDS) {
        let mut received = None;
        let mut answered = [0; 16];
        guest.step(step, |guest| {
            let request = server.receive(&mut guest.ring)?;
            require!(request.method == RECORD, "method {}", request.method);
            let note = Note::decode(&request.params).unwrap_or(Note { sequence: u64::MAX, checksum: 0 });
            require!(note.sequence == sequence, "sequence {}", note.sequence);
            let slot = sequence % u64::from(SLOTS);
            let sum = checksum(unsafe { bytes(addr + slot * PAGE, PAGE) });
            require!(sum == note.checksum, "checksum {sum:#x}, announced {:#x}", note.checksum);
            answered = note.encode();
            received = Some(request);
            Ok(())
        });
        answer(&mut guest, &server, received, &answered);
    }

    let mut received = None;
    guest.step("unmapped and released", |guest| {
        let request = server.receive(&mut guest.ring)?;
        require!(request.method == FINISH, "method {}", request.method);
        MemoryObjectClient::of(&object).unmap(&mut guest.ring, addr, size)?;
        drop(object);
        received = Some(request);
        guest.flush()
    });
    answer(&mut guest, &server, received, &[]);
    0
}

fn answer(guest: &mut Guest<'_>, server: &EndpointServer, request: Option<Request>, payload: &[u8]) {
    let answered = request.map(|request| server.reply(&mut guest.ring, request, payload));
    if !matches!(answered, Some(Ok(()))) {
        capos_rt::syscall::exit(EXIT_NO_ANSWER);
    }
}

capos_rt::entry_point!(main);
