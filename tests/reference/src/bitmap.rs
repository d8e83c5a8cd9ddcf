//! `B`: u32 total frames, then operations u8 + u32 argument: 0 allocate, 1 allocate contiguous, 2 free, 3 mark used,
//! 4 mark free. All frames start used. Each answers u32 outcome (a frame, or a code from the top) and u32 free count.

use crate::{Cursor, put_u32};
use capos_lib::frame_bitmap::{FrameBitmap, FreeError};

const NONE: u32 = u32::MAX;
const OUT_OF_RANGE: u32 = u32::MAX - 1;
const DOUBLE_FREE: u32 = u32::MAX - 2;

pub fn run(job: &mut Cursor, answer: &mut Vec<u8>) {
    let total = job.u32() as usize;
    let mut bytes = vec![0xff_u8; total.div_ceil(8)];
    let mut bitmap = FrameBitmap::new(&mut bytes, total, 0);
    while job.more() {
        let (operation, argument) = (job.u8(), job.u32());
        let outcome = match operation {
            0 => bitmap.alloc_frame().map_or(NONE, |frame| frame as u32),
            1 => bitmap.alloc_contiguous(argument as usize).map_or(NONE, |frame| frame as u32),
            2 => match bitmap.free_frame(argument as usize) {
                Ok(()) => 0,
                Err(FreeError::OutOfRange) => OUT_OF_RANGE,
                Err(FreeError::DoubleFree) => DOUBLE_FREE,
            },
            3 => {
                bitmap.mark_used(argument as usize);
                0
            }
            4 => {
                bitmap.mark_free(argument as usize);
                0
            }
            _ => panic!("unknown bitmap operation {operation}"),
        };
        put_u32(answer, outcome);
        put_u32(answer, bitmap.free_count() as u32);
    }
}
