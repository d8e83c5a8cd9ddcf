//! Clients for FrameAllocator and MemoryObject, and plain access to mapped memory.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use capnp::message::{Builder, HeapAllocator};
use capos_config::FRAME_ALLOCATOR_INTERFACE_ID;
use capos_rt::capos_capnp::{frame_allocator, memory_object};
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER;
use capos_rt::{
    Capability, CapabilityType, Client, ClientError, CompletedCall, ExceptionDecodeError, ExceptionType,
    MemoryObject, OwnedCapability, RuntimeRingClient, decode_completed_call, default_reader_options,
};

pub const PAGE: u64 = 4096;
pub const NONE: u32 = 0;
pub const READ: u32 = 1;
pub const WRITE: u32 = 2;
pub const EXEC: u32 = 4;

const RESULT_BYTES: usize = 512;
const MALFORMED: ClientError = ClientError::ExceptionDecode(ExceptionDecodeError::Capnp);

pub enum FrameAllocator {}

impl CapabilityType for FrameAllocator {
    const INTERFACE_ID: u64 = FRAME_ALLOCATOR_INTERFACE_ID;
}

macro_rules! client {
    ($client:ident, $capability:ty) => {
        #[derive(Clone, Copy)]
        pub struct $client {
            capability: Capability<$capability>,
        }

        impl Client for $client {
            type Capability = $capability;

            fn from_capability(capability: Capability<$capability>) -> Self {
                Self { capability }
            }

            fn capability(&self) -> Capability<$capability> {
                self.capability
            }

            fn is_broken(&self) -> bool {
                false
            }
        }
    };
}

client!(FrameAllocatorClient, FrameAllocator);
client!(MemoryObjectClient, MemoryObject);

macro_rules! message {
    ($root:ty, |$params:ident| $body:block) => {{
        let mut message = Builder::new(HeapAllocator::new().first_segment_words(16));
        #[allow(unused_mut)]
        let mut $params = message.init_root::<$root>();
        $body
        capnp::serialize::write_message_to_words(&message).into_boxed_slice()
    }};
}

macro_rules! read {
    ($completion:expr, $root:ty, |$result:ident| $body:expr) => {{
        let bytes = $completion.result_bytes()?;
        let mut slice = bytes;
        let reader =
            capnp::serialize::read_message_from_flat_slice_no_alloc(&mut slice, default_reader_options())
                .map_err(|_| MALFORMED)?;
        let $result = reader.get_root::<$root>().map_err(|_| MALFORMED)?;
        $body
    }};
}

fn call(
    ring: &mut RuntimeRingClient<'_>,
    cap_id: u32,
    method: u16,
    params: Box<[u8]>,
) -> Result<CompletedCall, ClientError> {
    let id = ring.submit_call(cap_id, method, params, vec![0; RESULT_BYTES].into_boxed_slice())?;
    let completion = ring.wait(id, CAP_ENTER_WAIT_FOREVER)?;
    decode_completed_call(&completion)?;
    Ok(completion)
}

fn call_void(
    ring: &mut RuntimeRingClient<'_>,
    cap_id: u32,
    method: u16,
    params: Box<[u8]>,
) -> Result<(), ClientError> {
    match call(ring, cap_id, method, params)?.result_bytes()?.len() {
        0 => Ok(()),
        bytes_written => Err(ClientError::UnexpectedResultBytes { bytes_written }),
    }
}

impl FrameAllocatorClient {
    pub fn alloc_frame(
        &mut self,
        ring: &mut RuntimeRingClient<'_>,
    ) -> Result<OwnedCapability<MemoryObject>, ClientError> {
        let params = message!(frame_allocator::alloc_frame_params::Builder, |_params| {});
        let mut completion = call(ring, self.capability.cap_id(), 0, params)?;
        let index = read!(completion, frame_allocator::alloc_frame_results::Reader, |result| {
            result.get_handle_index()
        });
        Ok(ring.adopt_result_capability(&mut completion, usize::from(index))?)
    }

    pub fn alloc_contiguous(
        &mut self,
        ring: &mut RuntimeRingClient<'_>,
        count: u32,
    ) -> Result<OwnedCapability<MemoryObject>, ClientError> {
        let params = message!(frame_allocator::alloc_contiguous_params::Builder, |params| {
            params.set_count(count);
        });
        let mut completion = call(ring, self.capability.cap_id(), 1, params)?;
        let index = read!(completion, frame_allocator::alloc_contiguous_results::Reader, |result| {
            result.get_handle_index()
        });
        Ok(ring.adopt_result_capability(&mut completion, usize::from(index))?)
    }

    /// Takes every free frame, largest runs first so that few capability slots suffice.
    /// Exact only while the quota for frame grants is above the number of free frames.
    pub fn alloc_all(
        &mut self,
        ring: &mut RuntimeRingClient<'_>,
    ) -> Result<(Vec<OwnedCapability<MemoryObject>>, u32), ClientError> {
        let mut objects = Vec::new();
        let mut frames = 0;
        let mut run = 4096;
        while run > 0 {
            match self.alloc_contiguous(ring, run) {
                Ok(object) => {
                    objects.push(object);
                    frames += run;
                }
                Err(ClientError::Application(exception))
                    if exception.exception_type() == ExceptionType::Overloaded =>
                {
                    run /= 2;
                }
                Err(error) => return Err(error),
            }
        }
        Ok((objects, frames))
    }

    /// The number of free frames, found by taking them all and giving them back.
    pub fn count_free(&mut self, ring: &mut RuntimeRingClient<'_>) -> Result<u32, ClientError> {
        ring.flush_releases()?;
        let (objects, frames) = self.alloc_all(ring)?;
        drop(objects);
        ring.flush_releases()?;
        Ok(frames)
    }
}

impl MemoryObjectClient {
    pub fn of(object: &OwnedCapability<MemoryObject>) -> Self {
        Self::from_capability(object.capability())
    }

    /// Page count and size in bytes.
    pub fn info(&mut self, ring: &mut RuntimeRingClient<'_>) -> Result<(u32, u64), ClientError> {
        let params = message!(memory_object::info_params::Builder, |_params| {});
        let completion = call(ring, self.capability.cap_id(), 0, params)?;
        Ok(read!(completion, memory_object::info_results::Reader, |result| {
            (result.get_page_count(), result.get_size_bytes())
        }))
    }

    /// Maps part of the object at an address the kernel chooses.
    pub fn map(
        &mut self,
        ring: &mut RuntimeRingClient<'_>,
        offset: u64,
        size: u64,
        prot: u32,
    ) -> Result<u64, ClientError> {
        let params = message!(memory_object::map_params::Builder, |params| {
            params.set_offset(offset);
            params.set_size(size);
            params.set_prot(prot);
        });
        let completion = call(ring, self.capability.cap_id(), 1, params)?;
        Ok(read!(completion, memory_object::map_results::Reader, |result| result.get_addr()))
    }

    pub fn unmap(
        &mut self,
        ring: &mut RuntimeRingClient<'_>,
        addr: u64,
        size: u64,
    ) -> Result<(), ClientError> {
        let params = message!(memory_object::unmap_params::Builder, |params| {
            params.set_addr(addr);
            params.set_size(size);
        });
        call_void(ring, self.capability.cap_id(), 2, params)
    }

    pub fn protect(
        &mut self,
        ring: &mut RuntimeRingClient<'_>,
        addr: u64,
        size: u64,
        prot: u32,
    ) -> Result<(), ClientError> {
        let params = message!(memory_object::protect_params::Builder, |params| {
            params.set_addr(addr);
            params.set_size(size);
            params.set_prot(prot);
        });
        call_void(ring, self.capability.cap_id(), 3, params)
    }
}

/// # Safety
/// The range must be mapped readable, and nobody may write it while the slice is in use.
pub unsafe fn bytes<'a>(addr: u64, size: u64) -> &'a [u8] {
    unsafe { core::slice::from_raw_parts(addr as *const u8, size as usize) }
}

/// # Safety
/// The range must be mapped writable, and nobody else may use it while the slice is in use.
pub unsafe fn bytes_mut<'a>(addr: u64, size: u64) -> &'a mut [u8] {
    unsafe { core::slice::from_raw_parts_mut(addr as *mut u8, size as usize) }
}
