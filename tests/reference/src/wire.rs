//! `W`: submissions of 64 bytes; each answers i32, 0 or the error of the wire check.
//! `D`: u64 address, u32 length, u16 mode, u16 reserved; each answers u64 start of the descriptors (all ones: none)
//! and u8 whether the descriptor is valid.

use crate::{Cursor, put_u32, put_u64};
use capos_config::ring::{
    CapSqe, CapTransferDescriptor, is_valid_transfer_descriptor, sqe_wire_validation_error,
    transfer_descriptor_region_start,
};

pub fn submissions(job: &mut Cursor, answer: &mut Vec<u8>) {
    while job.more() {
        let sqe = CapSqe {
            opcode: job.u8(),
            flags: job.u8(),
            method_id: job.u16(),
            cap_id: job.u32(),
            user_data: job.u64(),
            addr: job.u64(),
            len: job.u32(),
            result_len: job.u32(),
            result_addr: job.u64(),
            pipeline_dep: job.u64(),
            pipeline_field: job.u16(),
            xfer_cap_count: job.u16(),
            call_id: job.u32(),
            session_disclosure: job.u64(),
        };
        put_u32(answer, sqe_wire_validation_error(&sqe).err().unwrap_or(0) as u32);
    }
}

pub fn descriptors(job: &mut Cursor, answer: &mut Vec<u8>) {
    while job.more() {
        let (addr, len) = (job.u64(), job.u32());
        let descriptor = CapTransferDescriptor { cap_id: 0, transfer_mode: job.u16(), _reserved0: job.u16() };
        put_u64(answer, transfer_descriptor_region_start(addr, len).unwrap_or(u64::MAX));
        answer.push(u8::from(is_valid_transfer_descriptor(descriptor)));
    }
}
