//! The first program of a system with a boot manifest: reads the manifest through BootPackage, asks the system for its
//! names, writes to the log and reads it back.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER as WAIT;
use capos_rt::{
    BootPackageClient, ClientError, LogReaderClient, LogSeverity, LogSinkClient, Runtime, SystemInfoClient,
};
use guest_support::{Guest, Outcome, protocol::checksum, require};

const CHUNK: u32 = 4096;

fn manifest(guest: &mut Guest<'_>) -> Outcome {
    let mut package: BootPackageClient = guest.client("boot");
    let size = package.manifest_size_wait(&mut guest.ring, WAIT)?;
    let mut bytes = Vec::new();
    loop {
        let chunk = package.read_manifest_chunk_wait(&mut guest.ring, bytes.len() as u64, CHUNK, WAIT)?;
        if chunk.is_empty() {
            break;
        }
        bytes.extend_from_slice(&chunk);
    }
    require!(bytes.len() as u64 == size, "{} bytes of {size}", bytes.len());
    guest.say(&alloc::format!("{size} bytes, checksum {:016x}", checksum(&bytes)));
    Ok(())
}

fn refusals(guest: &mut Guest<'_>) -> Outcome {
    let mut package: BootPackageClient = guest.client("boot");
    match package.read_manifest_chunk_wait(&mut guest.ring, 0, CHUNK + 1, WAIT) {
        Err(ClientError::BootPackageReadTooLarge { .. }) => {}
        other => require!(false, "{other:?}"),
    }
    let behind = package.read_manifest_chunk_wait(&mut guest.ring, u64::MAX, CHUNK, WAIT)?;
    require!(behind.is_empty(), "{} bytes behind the end", behind.len());
    Ok(())
}

fn texts(guest: &mut Guest<'_>) -> Outcome {
    let mut info: SystemInfoClient = guest.client("info");
    let motd = info.motd_wait(&mut guest.ring, WAIT)?;
    let hostname = info.hostname_wait(&mut guest.ring, WAIT)?;
    guest.say(&alloc::format!("{hostname}: {motd}"));
    Ok(())
}

fn log(guest: &mut Guest<'_>) -> Outcome {
    let mut sink: LogSinkClient = guest.client("sink");
    let mut reader: LogReaderClient = guest.client("reader");
    let ring = &mut guest.ring;
    for (level, accepted) in
        [(LogSeverity::Debug, false), (LogSeverity::Info, true), (LogSeverity::Error, true)]
    {
        let kept = sink.write_wait(ring, level, "boot", 1, "a line", WAIT)?;
        require!(kept == accepted, "{level:?}: {kept}");
    }
    for index in 0..20 {
        sink.write_wait(ring, LogSeverity::Warn, "many", 1, &alloc::format!("line {index}"), WAIT)?;
    }
    let nothing = reader.read_wait(ring, 0, 0, LogSeverity::Debug, "", WAIT)?;
    require!(nothing.records.is_empty() && nothing.next_cursor == 0, "{nothing:?}");
    let first = reader.read_wait(ring, 0, 100, LogSeverity::Debug, "", WAIT)?;
    require!(first.records.len() == 16 && first.dropped == 0, "{} records at once", first.records.len());
    let rest = reader.read_wait(ring, first.next_cursor, 100, LogSeverity::Debug, "", WAIT)?;
    require!(rest.records.len() == 6 && rest.records[5].message == "line 19", "{:?}", rest.records);
    let errors = reader.read_wait(ring, 0, 100, LogSeverity::Error, "bo", WAIT)?.records;
    require!(errors.len() == 1 && errors[0].component == "boot" && errors[0].pid == 1, "{errors:?}");
    Ok(())
}

fn main(mut runtime: Runtime) -> i64 {
    let mut guest = Guest::start(&mut runtime, "boot");
    guest.step("manifest", manifest);
    guest.step("manifest: wrong requests", refusals);
    guest.step("names of the system", texts);
    guest.step("log", log);
    guest.finish()
}

capos_rt::entry_point!(main);
