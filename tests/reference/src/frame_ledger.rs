//! `F`: operations u8, u32 frame, u32 count on a ledger of 8 frames: 0 track, 1 untrack, 2 track a range, 3 ask for
//! one. Each answers u8 outcome and u8 frames tracked.

use crate::Cursor;
use capos_lib::frame_ledger::{FrameLedger, FrameLedgerError};

const PAGE: u64 = 4096;

pub fn run(job: &mut Cursor, answer: &mut Vec<u8>) {
    let mut ledger = FrameLedger::<8>::new();
    while job.more() {
        let operation = job.u8();
        let address = u64::from(job.u32()) * PAGE;
        let count = job.u32() as usize;
        let outcome = match operation {
            0 => ledger.track(address),
            1 => ledger.untrack(address),
            2 => ledger.track_range(address, count, PAGE),
            _ if ledger.contains(address) => Err(FrameLedgerError::AlreadyTracked),
            _ => Ok(()),
        };
        answer.push(match outcome {
            Ok(()) => 0,
            Err(FrameLedgerError::QuotaExceeded) => 1,
            Err(FrameLedgerError::AlreadyTracked) => 2,
            Err(FrameLedgerError::NotTracked) => 3,
        });
        answer.push(ledger.len() as u8);
    }
}
