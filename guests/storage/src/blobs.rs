//! Store and Namespace.

use alloc::format;
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER as WAIT;
use capos_rt::{ExceptionType, NamespaceClient, StoreClient};
use guest_support::{Guest, Outcome, refused, require};

/// SHA-256 of "abc".
const ABC: [u8; 32] = [
    0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0,
    0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
];

pub fn store(guest: &mut Guest<'_>) -> Outcome {
    let mut store: StoreClient = guest.client("store");
    let ring = &mut guest.ring;
    require!(!store.has_wait(ring, &ABC, WAIT)?, "there before it was put");
    for _ in 0..2 {
        let hash = store.put_wait(ring, b"abc", WAIT)?.hash;
        require!(hash[..] == ABC, "{hash:?}");
    }
    let empty = store.put_wait(ring, b"", WAIT)?.hash;
    require!(store.has_wait(ring, &empty, WAIT)?, "the empty blob is missing");
    let data = store.get_wait(ring, &ABC, WAIT)?.data;
    require!(&data[..] == b"abc", "{data:?}");
    store.delete_wait(ring, &ABC, WAIT)?;
    require!(!store.has_wait(ring, &ABC, WAIT)?, "there after it was deleted");
    Ok(())
}

pub fn store_refusals(guest: &mut Guest<'_>) -> Outcome {
    let mut store: StoreClient = guest.client("store");
    let ring = &mut guest.ring;
    refused(store.get_wait(ring, &ABC, WAIT), ExceptionType::Failed)?;
    refused(store.delete_wait(ring, &ABC, WAIT), ExceptionType::Failed)?;
    for length in [0, 31] {
        refused(store.get_wait(ring, &ABC[..length], WAIT), ExceptionType::InvalidArgument)?;
        refused(store.has_wait(ring, &ABC[..length], WAIT), ExceptionType::InvalidArgument)?;
    }
    let mut count = 0u32;
    // Blobs of a kilobyte, all different, until the size of the scenario is reached.
    let refusal = loop {
        let mut blob = [0; 1024];
        blob[..4].copy_from_slice(&count.to_le_bytes());
        match store.put_wait(ring, &blob, WAIT) {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
        require!(count < 1000, "no limit");
    };
    refused::<()>(Err(refusal), ExceptionType::Overloaded)?;
    require!(count == 15, "{count} blobs fit");
    Ok(())
}

pub fn namespace(guest: &mut Guest<'_>) -> Outcome {
    let mut names: NamespaceClient = guest.client("names");
    let ring = &mut guest.ring;
    refused(names.resolve_wait(ring, "app", WAIT), ExceptionType::Failed)?;
    names.bind_wait(ring, "app", &ABC, WAIT)?;
    let mut other = ABC;
    other[0] ^= 1;
    names.bind_wait(ring, "lib/one", &ABC, WAIT)?;
    names.bind_wait(ring, "app", &other, WAIT)?;
    let hash = names.resolve_wait(ring, "app", WAIT)?;
    require!(hash[..] == other, "{hash:?}");
    let list = names.list_wait(ring, WAIT)?.names;
    require!(list == ["app", "lib/one"], "{list:?}");
    refused(names.bind_wait(ring, "", &ABC, WAIT), ExceptionType::InvalidArgument)?;
    refused(names.bind_wait(ring, "app", &ABC[1..], WAIT), ExceptionType::InvalidArgument)?;
    let mut count = list.len();
    while names.bind_wait(ring, &format!("n{count}"), &ABC, WAIT).is_ok() {
        count += 1;
        require!(count < 1000, "no limit");
    }
    refused(names.bind_wait(ring, "more", &ABC, WAIT), ExceptionType::Overloaded)?;
    require!(names.list_wait(ring, WAIT)?.names.len() == count, "not {count} names");
    Ok(())
}
