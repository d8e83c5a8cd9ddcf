//! `I`: an image to mutate, numbered from 0. No answer.
//! `M`: u32 image, u32 file length (cut, or filled up with zeros), then changes u32 place, u8 length, bytes.
//! The answer: u8 0 and the error text, or u8 1, u64 entry, u32 number of segments, five u64 per segment (address,
//! offset, file size, memory size, flags), u8 whether there is a TLS header, and five u64 (the same with alignment).

use crate::{Cursor, put_u32, put_u64};
use capos_lib::elf;

#[derive(Default)]
pub struct Images {
    originals: Vec<Vec<u8>>,
    file: Vec<u8>,
}

impl Images {
    pub fn add(&mut self, image: &[u8]) {
        self.originals.push(image.to_vec());
    }

    pub fn mutate(&mut self, job: &mut Cursor, answer: &mut Vec<u8>) {
        let original = &self.originals[job.u32() as usize];
        let length = job.u32() as usize;
        let file = &mut self.file;
        file.clear();
        file.extend_from_slice(&original[..length.min(original.len())]);
        file.resize(length, 0);
        while job.more() {
            let at = job.u32() as usize;
            let count = usize::from(job.u8());
            let bytes = job.take(count);
            let end = (at + count).min(length);
            if at < end {
                file[at..end].copy_from_slice(&bytes[..end - at]);
            }
        }
        describe(elf::parse(file), answer);
    }
}

fn describe(parsed: Result<elf::ElfInfo, &'static str>, answer: &mut Vec<u8>) {
    let info = match parsed {
        Ok(info) => info,
        Err(text) => {
            answer.push(0);
            answer.extend_from_slice(text.as_bytes());
            return;
        }
    };
    answer.push(1);
    put_u64(answer, info.entry);
    put_u32(answer, info.segments.len() as u32);
    for segment in &info.segments {
        for value in [segment.vaddr, segment.offset, segment.filesz, segment.memsz, u64::from(segment.flags)]
        {
            put_u64(answer, value);
        }
    }
    answer.push(u8::from(info.tls.is_some()));
    if let Some(tls) = &info.tls {
        for value in [tls.vaddr, tls.offset, tls.filesz, tls.memsz, tls.align] {
            put_u64(answer, value);
        }
    }
}
