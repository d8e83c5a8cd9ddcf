//! Every operation with garbage in every field. Each entry that the kernel takes is completed once; the ones that would
//! wait are taken back.

use capos_config::ring::{CAP_SQE_THREAD_OWNED, CapSqe};
use capos_rt::syscall::cap_enter;
use guest_support::{Guest, Outcome, empty_sqe, require};

use crate::rings::Page;

const OPCODES: [u8; 13] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 127, 255];
const WILD: [u64; 6] = [1, 7, 0x7fff_ffff_ffff, 0x8000_0000_0000, 0xffff_8000_0000_0000, u64::MAX];
const FIELDS: usize = 12;

fn spoil(entry: &mut CapSqe, field: usize, value: u64) {
    match field {
        // A head that belongs to a thread nobody is waits until it is taken back.
        0 => entry.flags = value as u8 & !CAP_SQE_THREAD_OWNED,
        1 => entry.method_id = value as u16,
        2 => entry.cap_id = value as u32,
        3 => entry.addr = value,
        4 => entry.len = value as u32,
        5 => entry.result_addr = value,
        6 => entry.result_len = value as u32,
        7 => entry.pipeline_dep = value,
        8 => entry.pipeline_field = value as u16,
        9 => entry.xfer_cap_count = value as u16,
        10 => entry.call_id = value as u32,
        _ => entry.session_disclosure = value,
    }
}

/// The text behind a wild address must never be printed, and nothing that is released may be ours.
pub fn every_field(guest: &mut Guest<'_>) -> Outcome {
    let page = Page::of(guest);
    let service =
        guest.capset.get_typed::<capos_rt::Endpoint>(b"service").map(|cap| cap.cap_id()).unwrap_or(8);
    let mut entries = 0u64;
    for opcode in OPCODES {
        for first in 0..FIELDS {
            for second in first..FIELDS {
                for value in WILD {
                    let mut entry = CapSqe { opcode, cap_id: service, user_data: entries + 1, ..empty_sqe() };
                    spoil(&mut entry, first, value);
                    spoil(&mut entry, second, value);
                    // RELEASE of what is ours would be a success.
                    if opcode == 3 && entry.cap_id < 64 {
                        entry.cap_id |= 0x0100_0000;
                    }
                    // A call that is well formed would wait for an answer.
                    if opcode == 0 && entry.cap_id == service {
                        entry.cap_id = 0x00ff_fff0;
                    }
                    entries += 1;
                    page.push(entry);
                    let _ = cap_enter(0, 0);
                    let Some(completion) = page.take() else {
                        page.retract();
                        continue;
                    };
                    let what = (opcode, first, second, value);
                    require!(completion.user_data == entries, "{what:?}: another completion");
                    // NOP with garbage only in fields that stay zero is a NOP.
                    let harmless = opcode == 5 && completion.result == 0;
                    require!(completion.result < 0 || harmless, "{what:?}: result {}", completion.result);
                    require!(page.take().is_none(), "{what:?}: two completions");
                }
            }
        }
    }
    require!(entries > 5_000, "{entries} entries");
    Ok(())
}
