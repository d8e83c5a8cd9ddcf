//! The ring page belongs to the program: it may write anything there.

use capos_config::ring::{
    CAP_OP_NOP, CapCqe, CapRingHeader, CapSqe, cq_head, cq_tail, cqe_at, set_cq_head, sq_tail, sqe_at,
};
use capos_rt::syscall::{CAP_ENTER_WAIT_FOREVER as WAIT, cap_enter};
use guest_support::{Guest, Outcome, RawRing, empty_sqe, require};

const SQ_ENTRIES: u32 = 16;
const CQ_ENTRIES: u32 = 32;
/// Words of the header, see capos-config ring.rs.
const SQ_HEAD: usize = 0;
const SQ_TAIL: usize = 1;
const CQ_HEAD: usize = 5;
const CQ_TAIL: usize = 6;
const HEADER_WORDS: usize = 13;

pub struct Page {
    base: *mut u8,
}

impl Page {
    pub fn of(guest: &Guest<'_>) -> Self {
        Self { base: guest.ring.ring_ptr() }
    }

    fn header(&self) -> *mut CapRingHeader {
        self.base.cast()
    }

    fn word(&self, index: usize) -> u32 {
        unsafe { self.base.cast::<u32>().add(index).read_volatile() }
    }

    fn set_word(&self, index: usize, value: u32) {
        unsafe { self.base.cast::<u32>().add(index).write_volatile(value) }
    }

    pub fn header_words(&self) -> [u32; HEADER_WORDS] {
        core::array::from_fn(|index| self.word(index))
    }

    /// Mends the constants of the header, and has the kernel forget what the program wrote to the submission queue.
    pub fn mend(&self, header: &[u32; HEADER_WORDS]) {
        for (index, word) in header.iter().enumerate() {
            if ![SQ_HEAD, SQ_TAIL, CQ_HEAD, CQ_TAIL].contains(&index) {
                self.set_word(index, *word);
            }
        }
        let _ = cap_enter(0, 0);
        self.retract();
    }

    /// How many completions were taken is for the program to say: as many as when the header was read.
    pub fn set_taken(&self, header: &[u32; HEADER_WORDS]) {
        self.set_word(CQ_HEAD, header[CQ_HEAD]);
    }

    /// Puts an entry at the tail, whether there is room or not.
    pub fn push(&self, entry: CapSqe) {
        let tail = unsafe { sq_tail(self.header()) };
        unsafe { (sqe_at(self.base, tail % SQ_ENTRIES) as *mut CapSqe).write_volatile(entry) };
        self.set_word(SQ_TAIL, tail.wrapping_add(1));
    }

    /// Takes back what the kernel has not taken.
    pub fn retract(&self) {
        self.set_word(SQ_TAIL, self.word(SQ_HEAD));
    }

    pub fn take(&self) -> Option<CapCqe> {
        unsafe {
            let head = cq_head(self.header());
            if head == cq_tail(self.header()) {
                return None;
            }
            let entry = cqe_at(self.base, head % CQ_ENTRIES).read_volatile();
            set_cq_head(self.header(), head.wrapping_add(1));
            Some(entry)
        }
    }

    pub fn take_all(&self) -> u32 {
        let mut count = 0;
        while self.take().is_some() {
            count += 1;
        }
        count
    }
}

fn nop(user_data: u64) -> CapSqe {
    CapSqe { opcode: CAP_OP_NOP, user_data, ..empty_sqe() }
}

/// Each word of the header gets wild values; afterwards the ring works as before.
pub fn corrupt_header(guest: &mut Guest<'_>) -> Outcome {
    let page = Page::of(guest);
    let before = page.header_words();
    for index in 0..HEADER_WORDS {
        for value in [0, 1, 15, 33, 4096, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
            page.set_word(index, value);
            page.push(nop(1));
            let _ = cap_enter(0, 0);
            let _ = cap_enter(1, 1_000);
            // The constants are the program's to spoil and to mend. Heads and tails: forget what was there.
            page.mend(&before);
            page.set_word(CQ_HEAD, page.word(CQ_TAIL));
            let _ = cap_enter(0, 0);
            let mut ring = unsafe { RawRing::new(guest.ring.ring_ptr()) };
            let result = ring.run(nop(2)).result;
            require!(result == 0, "word {index} was {value:#x}: then {result}");
        }
    }
    Ok(())
}

/// More submissions than completions fit, again and again: none is lost, none comes twice.
pub fn flood(guest: &mut Guest<'_>) -> Outcome {
    let page = Page::of(guest);
    let mut submitted = 0u32;
    for _ in 0..20 {
        // Nothing is taken in between, so the queue fills and the kernel stops taking submissions.
        for _ in 0..6 {
            while unsafe { sq_tail(page.header()) }.wrapping_sub(page.word(SQ_HEAD)) < SQ_ENTRIES {
                page.push(nop(submitted.into()));
                submitted += 1;
            }
            let _ = cap_enter(0, 0);
        }
        let waiting = page.take_all();
        require!(waiting == CQ_ENTRIES, "{waiting} completions in a full queue");
        let mut drained = waiting;
        while page.word(SQ_HEAD) != page.word(SQ_TAIL) || drained == 0 {
            let _ = cap_enter(1, WAIT);
            drained += page.take_all();
        }
        drained += page.take_all();
        require!(drained >= CQ_ENTRIES, "{drained} completions");
        submitted -= drained;
    }
    require!(submitted == 0, "{submitted} submissions without a completion");
    Ok(())
}
