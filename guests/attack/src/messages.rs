//! Messages that lie about themselves, and buffers that are not the program's.

use alloc::vec;
use alloc::vec::Vec;
use capos_config::ring::{
    CAP_ERR_INVALID_PARAMS_BUFFER, CAP_ERR_INVALID_REQUEST, CAP_ERR_INVALID_RESULT_BUFFER,
};
use capos_rt::{Client, ProcessSpawnerClient};
use guest_support::{Guest, Outcome, RawRing, call_sqe, require};

const STRUCT: u64 = 0;
const LIST: u64 = 1;
const FAR: u64 = 2;
const POINTERS: u64 = 6;
const COMPOSITE: u64 = 7;
const APPLICATION_EXCEPTION: i32 = -9;

fn structure(offset: i64, data: u64, pointers: u64) -> u64 {
    STRUCT | ((offset as u64 & 0x3fff_ffff) << 2) | data << 32 | pointers << 48
}

fn list(offset: i64, kind: u64, count: u64) -> u64 {
    LIST | ((offset as u64 & 0x3fff_ffff) << 2) | kind << 32 | count << 35
}

fn far(segment: u64, word: u64, double: bool) -> u64 {
    FAR | u64::from(double) << 2 | word << 3 | segment << 32
}

/// One segment.
fn message(words: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::from((words.len() as u64 * (1 << 32)).to_le_bytes());
    for word in words {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// A list of one pointer to a list of one pointer to a list ...
fn nested(depth: usize) -> Vec<u8> {
    let mut words = vec![structure(0, 0, 3)];
    words.extend([0, 0, list(0, POINTERS, 1)]);
    for _ in 0..depth {
        words.push(list(0, POINTERS, 1));
    }
    words.push(0);
    message(&words)
}

/// Every pointer of a wide list names the same wide list below it: a small message, a tree of billions.
fn amplified(levels: usize) -> Vec<u8> {
    const WIDTH: usize = 100;
    let mut words = vec![structure(0, 0, 3), 0, 0, list(0, POINTERS, WIDTH as u64)];
    for level in 0..levels {
        for index in 0..WIDTH {
            let last = level + 1 == levels;
            words.push(if last { 0 } else { list((WIDTH - 1 - index) as i64, POINTERS, WIDTH as u64) });
        }
    }
    message(&words)
}

/// Names of the bombs and their bytes. The spawner's params have texts and a list of structs with everything in them.
fn all() -> Vec<(&'static str, Vec<u8>)> {
    let segments = |count: u32| {
        let mut bytes = Vec::from((count - 1).to_le_bytes());
        bytes.resize(8 + 4 * count as usize, 0);
        bytes
    };
    vec![
        ("nothing", vec![]),
        ("half a word", vec![0; 4]),
        ("no segment", vec![0; 8]),
        ("half the segment", message(&[structure(0, 0, 3), 0])[..12].to_vec()),
        ("longer than it is", vec![0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("all ones", vec![0xff; 256]),
        ("segments without end", segments(0x3ff0)),
        ("511 empty segments", segments(511)),
        ("root is a list", message(&[list(0, 2, 8), 0])),
        ("root outside", message(&[structure(100, 1, 1), 0])),
        ("root before the message", message(&[structure(-5, 1, 1), 0])),
        ("root in itself", message(&[structure(-1, 0, 1)])),
        ("far into nowhere", message(&[far(9, 0, false), 0])),
        ("far behind the end", message(&[far(0, 500, false), 0])),
        ("far to itself", message(&[far(0, 0, false), 0])),
        ("two fars in a circle", message(&[far(0, 1, false), far(0, 0, false)])),
        ("double far in a circle", message(&[far(0, 0, true), far(0, 0, true), 0])),
        ("a list of itself", message(&[structure(0, 0, 3), 0, 0, list(-1, POINTERS, 1)])),
        ("a struct of itself", message(&[structure(0, 0, 3), structure(-1, 0, 3), 0, structure(-3, 0, 3)])),
        ("a list of half a billion", message(&[structure(0, 0, 3), 0, 0, list(0, 2, 0x1fff_ffff)])),
        ("half a billion of nothing", message(&[structure(0, 0, 3), 0, 0, list(0, 0, 0x1fff_ffff)])),
        ("structs of nothing", message(&[structure(0, 0, 3), 0, 0, list(0, COMPOSITE, 0), 0xffff_fffc])),
        (
            "structs larger than the list",
            message(&[structure(0, 0, 3), 0, 0, list(0, COMPOSITE, 1), 0x0400, 0]),
        ),
        ("text without its end", message(&[structure(0, 0, 3), list(2, 2, 8), 0, 0, 0x4141_4141_4141_4141])),
        ("numbers for a text", message(&[structure(0, 0, 3), list(2, 5, 1), 0, 0, 7])),
        ("40 deep", nested(40)),
        ("5,000 deep", nested(5_000)),
        ("a tree of 100 to the 4", amplified(4)),
        ("a tree of 100 to the 60", amplified(60)),
    ]
}

pub fn bombs(guest: &mut Guest<'_>) -> Outcome {
    let spawner: ProcessSpawnerClient = guest.client("spawner");
    let targets = [(spawner.capability().cap_id(), 0), (guest.console_id(), 1)];
    let mut ring = unsafe { RawRing::new(guest.ring.ring_ptr()) };
    let mut result = [0u8; 512];
    for (name, bytes) in all() {
        let (cap, method) = targets[0];
        let params = (bytes.as_ptr() as u64, bytes.len() as u32);
        let code = ring.run(call_sqe(cap, method, params, (result.as_mut_ptr() as u64, 512))).result;
        require!(code == APPLICATION_EXCEPTION, "{name}: {code}");
    }
    // The console takes what reads as an empty text. Everything else is refused; none may print.
    for (name, bytes) in all() {
        let (cap, method) = targets[1];
        if ["all ones", "half a word"].contains(&name) {
            let params = (bytes.as_ptr() as u64, bytes.len() as u32);
            let code = ring.run(call_sqe(cap, method, params, (result.as_mut_ptr() as u64, 512))).result;
            require!(code == APPLICATION_EXCEPTION, "{name}: {code}");
        }
    }
    Ok(())
}

/// Params and results that are not the program's to read or write.
pub fn wild_buffers(guest: &mut Guest<'_>) -> Outcome {
    const CAPSET: u64 = 0x130_0000;
    const TEXT: u64 = 0x20_0000;
    let console = guest.console_id();
    let mut ring = unsafe { RawRing::new(guest.ring.ring_ptr()) };
    let mut result = [0u8; 512];
    let good = message(&[structure(0, 0, 1), 0]);
    let ours = result.as_mut_ptr() as u64;
    for at in [8, 0xff_8000, 0x7fff_ffff_f000, 0x7fff_ffff_fff0, 0xffff_8000_0000_0000, u64::MAX - 3] {
        let code = ring.run(call_sqe(console, 0, (at, 64), (ours, 512))).result;
        require!(code == CAP_ERR_INVALID_PARAMS_BUFFER, "params at {at:#x}: {code}");
        let code = ring.run(call_sqe(console, 0, (good.as_ptr() as u64, good.len() as u32), (at, 64))).result;
        require!(code == CAP_ERR_INVALID_RESULT_BUFFER, "result at {at:#x}: {code}");
    }
    // Readable, but not to be written: code, and the page of the capabilities.
    for at in [TEXT, CAPSET] {
        let code = ring.run(call_sqe(console, 99, (0, 0), (at, 64))).result;
        require!(code == CAP_ERR_INVALID_RESULT_BUFFER, "result at {at:#x}: {code}");
    }
    for (len, result_len) in [(65_537, 512), (u32::MAX, 512), (16, 65_537), (16, u32::MAX)] {
        let code = ring.run(call_sqe(console, 0, (good.as_ptr() as u64, len), (ours, result_len))).result;
        require!(code == CAP_ERR_INVALID_REQUEST, "{len} and {result_len} bytes: {code}");
    }
    Ok(())
}
