//! What `ipc-producer` and `ipc-consumer` say to each other over the endpoint.

/// Method: a MemoryObject of `SLOTS` pages comes along.
pub const SHARE: u16 = 0;
/// Method: a record lies in slot `sequence % SLOTS`. The answer repeats the note.
pub const RECORD: u16 = 1;
/// Method: no more records.
pub const FINISH: u16 = 2;

/// Pages of the shared buffer, one record each. Fewer than records, so slots are used again.
pub const SLOTS: u32 = 2;
/// The step for each record.
pub const RECORDS: [&str; 4] = ["record 0", "record 1", "record 2", "record 3"];

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Note {
    pub sequence: u64,
    pub checksum: u64,
}

impl Note {
    pub fn encode(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[8..].copy_from_slice(&self.checksum.to_le_bytes());
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (sequence, checksum) = bytes.split_first_chunk::<8>()?;
        Some(Self {
            sequence: u64::from_le_bytes(*sequence),
            checksum: u64::from_le_bytes(checksum.try_into().ok()?),
        })
    }
}

/// FNV-1a, 64 bit.
pub fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
