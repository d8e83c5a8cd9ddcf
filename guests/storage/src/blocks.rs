//! BlockDevice.

use alloc::vec;
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER as WAIT;
use capos_rt::{BlockDeviceClient, ClientError, ExceptionType};
use guest_support::{Guest, Outcome, refused, require};

/// `stores.blockDevice.size` of the scenario, in blocks.
const BLOCKS: u64 = 64;
const BLOCK: usize = 512;

pub fn blocks(guest: &mut Guest<'_>) -> Outcome {
    let mut disk: BlockDeviceClient = guest.client("disk");
    let ring = &mut guest.ring;
    let info = disk.info_wait(ring, WAIT)?;
    require!(info.block_size as usize == BLOCK && info.block_count == BLOCKS && !info.read_only, "{info:?}");
    let boot = disk.read_blocks_wait(ring, 0, 1, WAIT)?.data;
    require!(boot.starts_with(b"boot") && boot.len() == BLOCK, "{:?}", &boot[..8]);
    let data = vec![0xa5; 2 * BLOCK];
    disk.write_blocks_wait(ring, BLOCKS - 2, 2, &data, WAIT)?;
    let read = disk.read_blocks_wait(ring, BLOCKS - 3, 3, WAIT)?.data;
    require!(
        read[..BLOCK].iter().all(|byte| *byte == 0) && read[BLOCK..] == data[..],
        "other bytes than written"
    );
    // As many as fit the client's buffer.
    let most = disk.read_blocks_wait(ring, 0, 31, WAIT)?.data;
    require!(most.len() == 31 * BLOCK, "{} bytes", most.len());
    disk.flush_wait(ring, WAIT)?;
    Ok(())
}

pub fn refusals(guest: &mut Guest<'_>) -> Outcome {
    let mut disk: BlockDeviceClient = guest.client("disk");
    let ring = &mut guest.ring;
    let block = [0; BLOCK];
    refused(disk.read_blocks_wait(ring, BLOCKS, 1, WAIT), ExceptionType::InvalidArgument)?;
    refused(disk.read_blocks_wait(ring, u64::MAX, 2, WAIT), ExceptionType::InvalidArgument)?;
    refused(disk.read_blocks_wait(ring, 0, u32::MAX, WAIT), ExceptionType::InvalidArgument)?;
    refused(
        disk.write_blocks_wait(ring, BLOCKS - 1, 2, &[0; 2 * BLOCK], WAIT),
        ExceptionType::InvalidArgument,
    )?;
    refused(disk.write_blocks_wait(ring, 0, 1, &block[1..], WAIT), ExceptionType::InvalidArgument)?;
    match disk.read_blocks_wait(ring, 0, 32, WAIT) {
        Err(ClientError::Application(_)) | Ok(_) => require!(false, "32 blocks fit no result buffer"),
        Err(_) => {}
    }
    Ok(())
}
