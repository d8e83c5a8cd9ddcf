//! Typed calls, and how wrong ones are refused.

use alloc::boxed::Box;
use alloc::vec;
use core::ptr::addr_of;

use capos_config::ring::{
    CAP_ERR_INVALID_PARAMS_BUFFER, CAP_ERR_INVALID_REQUEST, CAP_ERR_INVALID_RESULT_BUFFER,
    CAP_ERR_INVOKE_FAILED, CAP_ERR_UNSUPPORTED_OPCODE, CAP_OP_FINISH, CAP_OP_NOP, CAP_OP_RELEASE,
    CAP_SQE_LINK, CapSqe,
};
use capos_rt::syscall::{CAP_ENTER_WAIT_FOREVER, legacy_ambient_write_is_rejected};
use capos_rt::{
    Client, ClientError, ConsoleClient, CopyTransfer, ExceptionType, TransportError, decode_completed_call,
};
use guest_support::{
    FrameAllocatorClient, Guest, MemoryObjectClient, Outcome, RawRing, call_sqe, empty_sqe, refused, require,
};

const UNMAPPED: u64 = 0x1000;
const METHOD_WRITE: u16 = 0;
const METHOD_WRITE_LINE: u16 = 1;
const METHOD_ALLOC_FRAME: u16 = 0;

/// A message whose root struct is empty.
static EMPTY_MESSAGE: [u32; 4] = [0, 1, 0xffff_fffc, 0];

unsafe extern "C" {
    static __text_start: u8;
}

fn raw_ring(guest: &Guest<'_>) -> RawRing {
    unsafe { RawRing::new(guest.ring.ring_ptr()) }
}

fn empty_message() -> (u64, u32) {
    (addr_of!(EMPTY_MESSAGE) as u64, 16)
}

pub fn unknown_method(guest: &mut Guest<'_>) -> Outcome {
    let console = guest.console().capability().cap_id();
    let result = vec![0; 512].into_boxed_slice();
    let call = guest.ring.submit_call(console, 99, Box::from([]), result)?;
    let completion = guest.ring.wait(call, CAP_ENTER_WAIT_FOREVER)?;
    refused(decode_completed_call(&completion), ExceptionType::Unimplemented)
}

pub fn bad_params(guest: &mut Guest<'_>) -> Outcome {
    let console = guest.console().capability().cap_id();
    let mut ring = raw_ring(guest);
    for (addr, what) in [(UNMAPPED, "unmapped"), (0xffff_8000_0000_0000, "kernel half")] {
        let result = ring.run(call_sqe(console, METHOD_WRITE_LINE, (addr, 32), (0, 0))).result;
        require!(result == CAP_ERR_INVALID_PARAMS_BUFFER, "{what}: {result}");
    }
    Ok(())
}

pub fn bad_result(guest: &mut Guest<'_>) -> Outcome {
    let frames: FrameAllocatorClient = guest.client("frames");
    let frames = frames.capability().cap_id();
    let mut ring = raw_ring(guest);
    for (addr, what) in [(UNMAPPED, "unmapped"), (addr_of!(__text_start) as u64, "text")] {
        let result = ring.run(call_sqe(frames, METHOD_ALLOC_FRAME, empty_message(), (addr, 512))).result;
        require!(result == CAP_ERR_INVALID_RESULT_BUFFER, "{what}: {result}");
    }
    Ok(())
}

/// The refused call must not keep the frame it would have handed out.
pub fn small_result(guest: &mut Guest<'_>) -> Outcome {
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let before = frames.count_free(&mut guest.ring)?;
    let mut buffer = [0u8; 8];
    let result = (buffer.as_mut_ptr() as u64, 8);
    let entry = call_sqe(frames.capability().cap_id(), METHOD_ALLOC_FRAME, empty_message(), result);
    let result = raw_ring(guest).run(entry).result;
    require!(result == CAP_ERR_INVALID_RESULT_BUFFER, "result {result}");
    let after = frames.count_free(&mut guest.ring)?;
    require!(before == after, "{before} free frames before, {after} after");
    Ok(())
}

pub fn transfer_to_kernel(guest: &mut Guest<'_>) -> Outcome {
    let mut console: ConsoleClient = guest.client("console");
    let transfer = [CopyTransfer::from_capability(console.capability())];
    let text = "[smoke] this line must not appear";
    let call = console.write_line_with_copy_transfers(&mut guest.ring, text, &transfer)?;
    let result = console.wait(&mut guest.ring, call, CAP_ENTER_WAIT_FOREVER);
    let refusal = Err(ClientError::Transport(TransportError::TransferNotSupported));
    require!(result == refusal, "{result:?}");
    Ok(())
}

pub fn wrong_submissions(guest: &mut Guest<'_>) -> Outcome {
    let console = guest.console().capability().cap_id();
    let entries = [
        ("unknown opcode", CapSqe { opcode: 200, ..empty_sqe() }, CAP_ERR_INVALID_REQUEST),
        ("finish", CapSqe { opcode: CAP_OP_FINISH, ..empty_sqe() }, CAP_ERR_UNSUPPORTED_OPCODE),
        ("nop", CapSqe { opcode: CAP_OP_NOP, cap_id: 1, ..empty_sqe() }, CAP_ERR_INVALID_REQUEST),
        (
            "linked call",
            CapSqe { flags: CAP_SQE_LINK, ..call_sqe(console, METHOD_WRITE, (0, 0), (0, 0)) },
            CAP_ERR_INVALID_REQUEST,
        ),
        (
            "release never issued",
            CapSqe { opcode: CAP_OP_RELEASE, cap_id: 0x00ff_0000, ..empty_sqe() },
            CAP_ERR_INVALID_REQUEST,
        ),
    ];
    let mut ring = raw_ring(guest);
    for (what, entry, expected) in entries {
        let result = ring.run(entry).result;
        require!(result == expected, "{what}: {result}");
    }
    Ok(())
}

pub fn former_write(_: &mut Guest<'_>) -> Outcome {
    require!(legacy_ambient_write_is_rejected(), "accepted");
    Ok(())
}

pub fn stale_ids(guest: &mut Guest<'_>) -> Outcome {
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let object = frames.alloc_frame(&mut guest.ring)?;
    let id = object.cap_id();
    let mut stale = MemoryObjectClient::of(&object);
    drop(object);
    guest.flush()?;

    let released = guest.ring.release_wait(id, CAP_ENTER_WAIT_FOREVER)?;
    require!(released == CAP_ERR_INVALID_REQUEST, "second release gives {released}");
    let call = guest.ring.submit_call(id, 0, Box::from([]), Box::from([]))?;
    let result = guest.ring.wait(call, CAP_ENTER_WAIT_FOREVER)?.cqe().result;
    require!(result == CAP_ERR_INVOKE_FAILED, "a call gives {result}");

    // The slot is reused with the next generation, and the old id stays dead.
    let object = frames.alloc_frame(&mut guest.ring)?;
    let reused = object.cap_id();
    require!(reused == id + (1 << 24), "id {id:#x} is followed by {reused:#x}");
    let result = stale.info(&mut guest.ring);
    let refusal = Err(ClientError::Transport(TransportError::InvokeFailed));
    require!(result == refusal, "{result:?}");
    drop(object);
    guest.flush()
}
