//! Runs jobs on the published capOS crates: jobs on standard input, one answer each on standard output.
//!
//!   job     u8 kind, u32 length, payload        answer  u32 length, payload      (all numbers little-endian)
//!
//! Kinds are described at their functions. The other side is `jobs.ts`; both must change together.

mod bitmap;
mod elf;
mod frame_ledger;
mod table;
mod wire;

use std::io::{self, BufReader, BufWriter, Read, Write};

/// Little-endian numbers off a payload. A payload that ends early is a bug of the sender.
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }
    pub fn more(&self) -> bool {
        self.at < self.bytes.len()
    }
    pub fn take(&mut self, length: usize) -> &'a [u8] {
        let part = &self.bytes[self.at..self.at + length];
        self.at += length;
        part
    }
    pub fn u8(&mut self) -> u8 {
        self.take(1)[0]
    }
    pub fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.take(2).try_into().unwrap())
    }
    pub fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take(4).try_into().unwrap())
    }
    pub fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take(8).try_into().unwrap())
    }
}

pub fn put_u32(answer: &mut Vec<u8>, value: u32) {
    answer.extend_from_slice(&value.to_le_bytes());
}
pub fn put_u64(answer: &mut Vec<u8>, value: u64) {
    answer.extend_from_slice(&value.to_le_bytes());
}

fn main() -> io::Result<()> {
    let mut input = BufReader::with_capacity(1 << 20, io::stdin().lock());
    let mut output = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let mut images = elf::Images::default();
    let mut head = [0; 5];
    let mut payload = Vec::new();
    let mut answer = Vec::new();
    while input.read_exact(&mut head).is_ok() {
        payload.resize(u32::from_le_bytes(head[1..].try_into().unwrap()) as usize, 0);
        input.read_exact(&mut payload)?;
        answer.clear();
        let mut cursor = Cursor::new(&payload);
        match head[0] {
            b'B' => bitmap::run(&mut cursor, &mut answer),
            b'F' => frame_ledger::run(&mut cursor, &mut answer),
            b'T' => table::run(&mut cursor, &mut answer),
            b'W' => wire::submissions(&mut cursor, &mut answer),
            b'D' => wire::descriptors(&mut cursor, &mut answer),
            b'I' => images.add(&payload),
            b'M' => images.mutate(&mut cursor, &mut answer),
            kind => panic!("unknown job {kind}"),
        }
        output.write_all(&(answer.len() as u32).to_le_bytes())?;
        output.write_all(&answer)?;
    }
    output.flush()
}
