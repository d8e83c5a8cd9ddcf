//! Storage: files and directories, blobs and names, blocks, and the standard streams. What is behind each capability
//! and how much it may hold are those of the scenario file.

#![no_std]
#![no_main]

extern crate alloc;

mod blobs;
mod blocks;
mod files;
mod streams;

use capos_rt::Runtime;
use guest_support::Guest;

fn main(mut runtime: Runtime) -> i64 {
    let mut guest = Guest::start(&mut runtime, "storage");
    let guest_ref = &mut guest;

    guest_ref.step("directory: made, listed, removed", files::directories);
    guest_ref.step("file: written, read, cut", files::write_and_read);
    guest_ref.step("file: longer than one read", files::long_file);
    guest_ref.step("file: append and truncate on opening", files::open_flags);
    guest_ref.step("file: handles of a removed file", files::removed);
    guest_ref.step("directory: names that lead out", files::names);
    guest_ref.step("directory: missing, taken, not empty", files::states);
    guest_ref.step("directory: full", files::full);
    guest_ref.step("directory: read-only", files::read_only);
    guest_ref.step("file: a capability of its own", files::single);

    guest_ref.step("store: blobs by hash", blobs::store);
    guest_ref.step("store: wrong requests", blobs::store_refusals);
    guest_ref.step("namespace: names of hashes", blobs::namespace);

    guest_ref.step("device: blocks", blocks::blocks);
    guest_ref.step("device: wrong requests", blocks::refusals);

    guest_ref.step("stdio: write and read", streams::lines);
    guest_ref.step("stdio: closed", streams::closed);

    guest.finish()
}

capos_rt::entry_point!(main);
