//! Hand-made submissions, for what `RingClient` cannot express: PARK, UNPARK and deliberately wrong entries.
//! May share a ring with a `RingClient` as long as that has no call in flight.

use capos_config::ring::{
    CAP_OP_CALL, CAP_OP_PARK, CAP_OP_UNPARK, CAP_SQE_THREAD_OWNED, CapCqe, CapRingHeader, CapSqe, cq_head,
    cq_tail, cqe_at, publish_sq_tail, set_cq_head, sq_tail, sqe_at,
};
use capos_rt::syscall::{CAP_ENTER_WAIT_FOREVER, cap_enter};

/// Outside the range a `RingClient` hands out.
const USER_DATA: u64 = 0x7261_7700_0000_0000;

pub struct RawRing {
    base: *mut u8,
}

impl RawRing {
    /// # Safety
    /// `base` must be the ring page of the calling thread, with nothing in flight.
    pub unsafe fn new(base: *mut u8) -> Self {
        Self { base }
    }

    /// Submits one entry and waits for its completion.
    pub fn run(&mut self, entry: CapSqe) -> CapCqe {
        let header = self.base.cast::<CapRingHeader>();
        unsafe {
            let tail = sq_tail(header);
            let slot = sqe_at(self.base, tail & (*header).sq_mask) as *mut CapSqe;
            slot.write_volatile(CapSqe { user_data: USER_DATA, ..entry });
            publish_sq_tail(header, tail.wrapping_add(1));
            while cq_head(header) == cq_tail(header) {
                let _ = cap_enter(1, CAP_ENTER_WAIT_FOREVER);
            }
            let head = cq_head(header);
            let completion = cqe_at(self.base, head & (*header).cq_mask).read_volatile();
            set_cq_head(header, head.wrapping_add(1));
            completion
        }
    }

    /// Blocks while `*word == expected`. The result is one of the PARK codes or an error.
    pub fn park(&mut self, space: u32, thread: u32, word: u64, expected: u32, timeout: u64) -> i32 {
        self.run(CapSqe {
            opcode: CAP_OP_PARK,
            flags: CAP_SQE_THREAD_OWNED,
            cap_id: space,
            addr: word,
            len: expected,
            pipeline_dep: timeout,
            call_id: thread,
            ..empty_sqe()
        })
        .result
    }

    /// Wakes at most `waiters` threads parked on the word. The result is how many.
    pub fn unpark(&mut self, space: u32, word: u64, waiters: u32) -> i32 {
        self.run(CapSqe { opcode: CAP_OP_UNPARK, cap_id: space, addr: word, len: waiters, ..empty_sqe() })
            .result
    }
}

/// A CALL with buffers given as bare addresses.
pub fn call_sqe(cap_id: u32, method_id: u16, params: (u64, u32), result: (u64, u32)) -> CapSqe {
    CapSqe {
        opcode: CAP_OP_CALL,
        cap_id,
        method_id,
        addr: params.0,
        len: params.1,
        result_addr: result.0,
        result_len: result.1,
        ..empty_sqe()
    }
}

pub fn empty_sqe() -> CapSqe {
    CapSqe {
        opcode: 0,
        flags: 0,
        method_id: 0,
        cap_id: 0,
        user_data: 0,
        addr: 0,
        len: 0,
        result_len: 0,
        result_addr: 0,
        pipeline_dep: 0,
        pipeline_field: 0,
        xfer_cap_count: 0,
        call_id: 0,
        session_disclosure: 0,
    }
}
