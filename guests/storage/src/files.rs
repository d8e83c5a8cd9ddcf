//! Directories and files.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER as WAIT;
use capos_rt::{Client, Directory, DirectoryClient, ExceptionType, File, FileClient, OwnedCapability};
use guest_support::{Failure, Guest, Outcome, refused, require};

const CREATE: u32 = 1;
const TRUNCATE: u32 = 2;
const APPEND: u32 = 4;

fn file(capability: &OwnedCapability<File>) -> FileClient {
    FileClient::from_capability(capability.capability())
}

fn folder(capability: &OwnedCapability<Directory>) -> DirectoryClient {
    DirectoryClient::from_capability(capability.capability())
}

/// `name/` for directories, `name size` for files.
fn listing(guest: &mut Guest<'_>, directory: &mut DirectoryClient) -> Result<Vec<String>, Failure> {
    let entries = directory.list_wait(&mut guest.ring, WAIT)?.entries;
    Ok(entries
        .into_iter()
        .map(
            |entry| {
                if entry.is_dir {
                    format!("{}/", entry.name)
                } else {
                    format!("{} {}", entry.name, entry.size)
                }
            },
        )
        .collect())
}

pub fn directories(guest: &mut Guest<'_>) -> Outcome {
    let mut root: DirectoryClient = guest.client("dir");
    let before = listing(guest, &mut root)?;
    require!(before == ["readme.txt 6"], "{before:?}");
    let made = root.mkdir_wait(&mut guest.ring, "b", WAIT)?;
    root.create_wait(&mut guest.ring, "a", WAIT)?;
    folder(&made).create_wait(&mut guest.ring, "inner", WAIT)?;
    let now = listing(guest, &mut root)?;
    require!(now == ["a 0", "b/", "readme.txt 6"], "{now:?}");
    let again = root.sub_wait(&mut guest.ring, "b", WAIT)?;
    let inside = listing(guest, &mut folder(&again))?;
    require!(inside == ["inner 0"], "{inside:?}");
    folder(&again).rename_wait(&mut guest.ring, "inner", "other", WAIT)?;
    folder(&made).remove_wait(&mut guest.ring, "other", WAIT)?;
    root.remove_wait(&mut guest.ring, "b", WAIT)?;
    root.remove_wait(&mut guest.ring, "a", WAIT)?;
    let after = listing(guest, &mut root)?;
    require!(after == before, "{after:?}");
    refused(folder(&made).list_wait(&mut guest.ring, WAIT), ExceptionType::Failed)?;
    drop((made, again));
    guest.flush()
}

pub fn write_and_read(guest: &mut Guest<'_>) -> Outcome {
    let mut root: DirectoryClient = guest.client("dir");
    let opened = root.open_wait(&mut guest.ring, "notes", CREATE, WAIT)?;
    let mut notes = file(&opened);
    let ring = &mut guest.ring;
    let written = notes.write_wait(ring, 0, b"first line\n", WAIT)?;
    require!(written == 11, "{written} bytes written");
    notes.write_wait(ring, 14, b"third", WAIT)?;
    let data = notes.read_wait(ring, 0, 100, WAIT)?.data;
    require!(&data[..] == b"first line\n\0\0\0third", "{data:?}");
    let part = notes.read_wait(ring, 6, 4, WAIT)?.data;
    require!(&part[..] == b"line", "{part:?}");
    let behind = notes.read_wait(ring, u64::MAX, 4, WAIT)?.data;
    require!(behind.is_empty(), "{behind:?}");
    notes.truncate_wait(ring, 5, WAIT)?;
    notes.truncate_wait(ring, 6, WAIT)?;
    let cut = notes.read_wait(ring, 0, 100, WAIT)?.data;
    require!(&cut[..] == b"first\0", "{cut:?}");
    let stat = notes.stat_wait(ring, WAIT)?;
    require!(stat.size == 6 && stat.created_ns > 0 && stat.modified_ns >= stat.created_ns, "{stat:?}");
    notes.sync_wait(ring, WAIT)?;
    notes.close_wait(ring, WAIT)?;
    refused(notes.read_wait(ring, 0, 1, WAIT), ExceptionType::Failed)?;
    root.remove_wait(ring, "notes", WAIT)?;
    drop(opened);
    guest.flush()
}

/// 100,000 bytes: more than a message carries in either direction.
pub fn long_file(guest: &mut Guest<'_>) -> Outcome {
    const LENGTH: usize = 100_000;
    const CHUNK: usize = 8_000;
    let mut root: DirectoryClient = guest.client("dir");
    let opened = root.open_wait(&mut guest.ring, "long", CREATE, WAIT)?;
    let mut long = file(&opened);
    let bytes: Vec<u8> = (0..LENGTH).map(|i| (i * 7 + i / 256) as u8).collect();
    for (index, chunk) in bytes.chunks(CHUNK).enumerate() {
        let written = long.write_wait(&mut guest.ring, (index * CHUNK) as u64, chunk, WAIT)?;
        require!(written as usize == chunk.len(), "{written} bytes written");
    }
    let mut read = Vec::new();
    while read.len() < LENGTH {
        let data = long.read_wait(&mut guest.ring, read.len() as u64, LENGTH as u32, WAIT)?.data;
        require!(!data.is_empty() && data.len() < LENGTH, "{} bytes at once", data.len());
        read.extend_from_slice(&data);
    }
    require!(read == bytes, "other bytes than written");
    root.remove_wait(&mut guest.ring, "long", WAIT)?;
    drop(opened);
    guest.flush()
}

pub fn open_flags(guest: &mut Guest<'_>) -> Outcome {
    let mut root: DirectoryClient = guest.client("dir");
    refused(root.open_wait(&mut guest.ring, "log", 0, WAIT), ExceptionType::Failed)?;
    refused(root.open_wait(&mut guest.ring, "log", 8, WAIT), ExceptionType::InvalidArgument)?;
    for (flags, expected) in [
        (CREATE | APPEND, &b"x"[..]),
        (APPEND, b"xx"),
        (CREATE, b"xx"),
        (TRUNCATE, b"x"),
        (APPEND | TRUNCATE | CREATE, b"x"),
    ] {
        let opened = root.open_wait(&mut guest.ring, "log", flags, WAIT)?;
        file(&opened).write_wait(&mut guest.ring, 0, b"x", WAIT)?;
        let data = file(&opened).read_wait(&mut guest.ring, 0, 100, WAIT)?.data;
        require!(&data[..] == expected, "flags {flags}: {data:?}");
        drop(opened);
    }
    root.remove_wait(&mut guest.ring, "log", WAIT)?;
    guest.flush()
}

pub fn removed(guest: &mut Guest<'_>) -> Outcome {
    let mut root: DirectoryClient = guest.client("dir");
    let opened = root.open_wait(&mut guest.ring, "gone", CREATE, WAIT)?;
    let mut gone = file(&opened);
    gone.write_wait(&mut guest.ring, 0, b"x", WAIT)?;
    root.remove_wait(&mut guest.ring, "gone", WAIT)?;
    let ring = &mut guest.ring;
    refused(gone.read_wait(ring, 0, 1, WAIT), ExceptionType::Failed)?;
    refused(gone.write_wait(ring, 0, b"y", WAIT), ExceptionType::Failed)?;
    refused(gone.stat_wait(ring, WAIT), ExceptionType::Failed)?;
    root.create_wait(ring, "gone", WAIT)?;
    refused(gone.write_wait(ring, 0, b"y", WAIT), ExceptionType::Failed)?;
    root.remove_wait(ring, "gone", WAIT)?;
    drop(opened);
    guest.flush()
}

pub fn names(guest: &mut Guest<'_>) -> Outcome {
    let mut root: DirectoryClient = guest.client("dir");
    let ring = &mut guest.ring;
    let long: String = vec!['n'; 256].into_iter().collect();
    for name in ["", ".", "..", "/", "../x", "a/b", "/etc/passwd", "a\\b", "a\0b", &long] {
        let open = root.open_wait(ring, name, CREATE, WAIT);
        refused(open, ExceptionType::InvalidArgument).map_err(|reason| reason.during(name))?;
        let make = root.mkdir_wait(ring, name, WAIT);
        refused(make, ExceptionType::InvalidArgument).map_err(|reason| reason.during(name))?;
        let rename = root.rename_wait(ring, "readme.txt", name, WAIT);
        refused(rename, ExceptionType::InvalidArgument).map_err(|reason| reason.during(name))?;
        refused(root.sub_wait(ring, name, WAIT), ExceptionType::Failed)
            .map_err(|reason| reason.during(name))?;
    }
    root.create_wait(ring, &long[1..], WAIT)?;
    root.remove_wait(ring, &long[1..], WAIT)?;
    Ok(())
}

pub fn states(guest: &mut Guest<'_>) -> Outcome {
    let mut root: DirectoryClient = guest.client("dir");
    let made = root.mkdir_wait(&mut guest.ring, "d", WAIT)?;
    folder(&made).create_wait(&mut guest.ring, "f", WAIT)?;
    let ring = &mut guest.ring;
    refused(root.remove_wait(ring, "d", WAIT), ExceptionType::Failed)?;
    refused(root.remove_wait(ring, "x", WAIT), ExceptionType::Failed)?;
    refused(root.mkdir_wait(ring, "d", WAIT), ExceptionType::Failed)?;
    refused(root.create_wait(ring, "readme.txt", WAIT), ExceptionType::Failed)?;
    refused(root.rename_wait(ring, "readme.txt", "d", WAIT), ExceptionType::Failed)?;
    refused(root.open_wait(ring, "d", 0, WAIT), ExceptionType::Failed)?;
    refused(root.sub_wait(ring, "readme.txt", WAIT), ExceptionType::Failed)?;
    folder(&made).remove_wait(ring, "f", WAIT)?;
    root.remove_wait(ring, "d", WAIT)?;
    drop(made);
    guest.flush()
}

/// `stores.directory.size` of the scenario.
pub fn full(guest: &mut Guest<'_>) -> Outcome {
    const SIZE: u64 = 256 * 1024;
    let mut root: DirectoryClient = guest.client("dir");
    let opened = root.open_wait(&mut guest.ring, "big", CREATE, WAIT)?;
    let mut big = file(&opened);
    refused(big.truncate_wait(&mut guest.ring, SIZE, WAIT), ExceptionType::Overloaded)?;
    refused(big.truncate_wait(&mut guest.ring, u64::MAX, WAIT), ExceptionType::Overloaded)?;
    refused(big.write_wait(&mut guest.ring, u64::MAX - 1, b"xyz", WAIT), ExceptionType::Overloaded)?;
    big.truncate_wait(&mut guest.ring, SIZE / 2, WAIT)?;
    refused(big.write_wait(&mut guest.ring, SIZE, b"x", WAIT), ExceptionType::Overloaded)?;
    root.remove_wait(&mut guest.ring, "big", WAIT)?;
    drop(opened);
    guest.flush()?;

    let mut count = 0;
    while root.create_wait(&mut guest.ring, &format!("f{count}"), WAIT).is_ok() {
        count += 1;
        require!(count < 1000, "no limit");
    }
    require!(count == 63, "{count} entries beside the first");
    refused(root.create_wait(&mut guest.ring, "more", WAIT), ExceptionType::Overloaded)?;
    for index in 0..count {
        root.remove_wait(&mut guest.ring, &format!("f{index}"), WAIT)?;
    }
    Ok(())
}

pub fn read_only(guest: &mut Guest<'_>) -> Outcome {
    let mut root: DirectoryClient = guest.client("ro");
    let opened = root.open_wait(&mut guest.ring, "fixed.txt", 0, WAIT)?;
    let mut fixed = file(&opened);
    let ring = &mut guest.ring;
    let data = fixed.read_wait(ring, 0, 100, WAIT)?.data;
    require!(&data[..] == b"as it was\n", "{data:?}");
    refused(fixed.write_wait(ring, 0, b"x", WAIT), ExceptionType::Failed)?;
    refused(fixed.truncate_wait(ring, 0, WAIT), ExceptionType::Failed)?;
    refused(root.create_wait(ring, "x", WAIT), ExceptionType::Failed)?;
    refused(root.mkdir_wait(ring, "x", WAIT), ExceptionType::Failed)?;
    refused(root.remove_wait(ring, "fixed.txt", WAIT), ExceptionType::Failed)?;
    refused(root.rename_wait(ring, "fixed.txt", "x", WAIT), ExceptionType::Failed)?;
    for flags in [TRUNCATE, APPEND, CREATE | APPEND] {
        refused(root.open_wait(ring, "fixed.txt", flags, WAIT), ExceptionType::Failed)?;
    }
    drop(opened);
    guest.flush()
}

pub fn single(guest: &mut Guest<'_>) -> Outcome {
    let mut file: FileClient = guest.client("file");
    let ring = &mut guest.ring;
    let data = file.read_wait(ring, 0, 100, WAIT)?.data;
    require!(&data[..] == b"alone", "{data:?}");
    file.write_wait(ring, 5, b"!", WAIT)?;
    let size = file.stat_wait(ring, WAIT)?.size;
    require!(size == 6, "{size} bytes");
    Ok(())
}
