//! What the capOS SDK leaves to the program: memory functions, the clients that `capos-rt` does not have
//! (FrameAllocator, MemoryObject, endpoint server, ParkSpace), and the step reports of the guest programs.

#![no_std]

extern crate alloc;

mod endpoint;
mod guest;
mod mem;
mod memory;
mod process;
pub mod protocol;
mod raw_ring;

pub use endpoint::{EndpointClient, EndpointServer, Request};
pub use guest::{Failure, Guest, Outcome, refused};
pub use memory::{
    EXEC, FrameAllocator, FrameAllocatorClient, MemoryObjectClient, NONE, PAGE, READ, WRITE, bytes, bytes_mut,
};
pub use process::{grant, grant_kernel, run_child, spawn_child};
pub use raw_ring::{RawRing, call_sqe, empty_sqe};

/// Fails the running step unless the condition holds.
#[macro_export]
macro_rules! require {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::Failure::new(alloc::format!($($text)+)));
        }
    };
}
