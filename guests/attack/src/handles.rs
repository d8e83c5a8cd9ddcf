//! Capabilities that the program was not given.

use alloc::boxed::Box;
use alloc::vec;
use capos_config::ring::{
    CAP_ERR_INVALID_REQUEST, CAP_ERR_INVOKE_FAILED, CAP_ERR_TRANSFER_NOT_SUPPORTED, CAP_OP_CANCEL,
    CAP_OP_RECV, CAP_OP_RELEASE, CAP_OP_RETURN, CapSqe,
};
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER as WAIT;
use capos_rt::{CopyTransfer, Endpoint, VirtualMemory};
use guest_support::{Failure, Guest, Outcome, RawRing, call_sqe, empty_sqe, require};

/// Slots and generations around what is there: no other id is one.
pub fn guess(guest: &mut Guest<'_>) -> Outcome {
    let count = guest.capset.len() as u32;
    let mut ring = unsafe { RawRing::new(guest.ring.ring_ptr()) };
    let mut result = [0u8; 64];
    let buffer = (result.as_mut_ptr() as u64, 64);
    for generation in [0, 1, 2, 127, 255] {
        for index in (0..300).chain([0x1000, 0xff_fffe, 0xff_ffff]) {
            let id = generation << 24 | index;
            if id < count {
                continue;
            }
            let code = ring.run(call_sqe(id, 0, (0, 0), buffer)).result;
            require!(code == CAP_ERR_INVOKE_FAILED, "call {id:#x}: {code}");
            let code = ring.run(CapSqe { opcode: CAP_OP_RELEASE, cap_id: id, ..empty_sqe() }).result;
            require!(code == CAP_ERR_INVALID_REQUEST, "release {id:#x}: {code}");
        }
    }
    Ok(())
}

/// A facet to call with is none to receive, answer or cancel with, and carries nothing that may not leave.
pub fn through_endpoint(guest: &mut Guest<'_>) -> Outcome {
    let failure = |error| Failure::new(alloc::format!("{error:?}"));
    let service = guest.capset.get_typed::<Endpoint>(b"service").map_err(failure)?.cap_id();
    let memory = guest.capset.get_typed::<VirtualMemory>(b"vm").map_err(failure)?.cap_id();
    let mut ring = unsafe { RawRing::new(guest.ring.ring_ptr()) };
    let mut result = [0u8; 256];
    let at = result.as_mut_ptr() as u64;
    let receive =
        CapSqe { opcode: CAP_OP_RECV, cap_id: service, result_addr: at, result_len: 256, ..empty_sqe() };
    let code = ring.run(receive).result;
    require!(code == -9, "receive: {code}");
    for call_id in [1, 2, 3, 100] {
        let answer = CapSqe { opcode: CAP_OP_RETURN, cap_id: service, call_id, ..empty_sqe() };
        let code = ring.run(answer).result;
        require!(code == CAP_ERR_INVALID_REQUEST, "answer {call_id}: {code}");
        let cancel =
            CapSqe { opcode: CAP_OP_CANCEL, cap_id: service, pipeline_dep: call_id.into(), ..empty_sqe() };
        let code = ring.run(cancel).result;
        require!(code == CAP_ERR_INVALID_REQUEST, "cancel {call_id}: {code}");
    }
    for victim in [memory, 0x00ff_ffff] {
        let copy = [CopyTransfer::from_cap_id(victim)];
        let buffer = vec![0; 256].into_boxed_slice();
        let call = guest.ring.submit_call_with_copy_transfers(service, 0, Box::from([]), buffer, &copy)?;
        let code = guest.ring.wait(call, WAIT)?.cqe().result;
        require!(code == CAP_ERR_TRANSFER_NOT_SUPPORTED, "transfer of {victim:#x}: {code}");
    }
    Ok(())
}
