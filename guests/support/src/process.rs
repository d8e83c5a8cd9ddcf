//! Starting children and waiting for them.

use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER;
use capos_rt::{
    Capability, CapabilityType, ClientError, KernelCapSource, OwnedCapability, ProcessHandle,
    ProcessHandleClient, ProcessSpawnerClient, RuntimeRingClient, SpawnGrant, SpawnGrantMode,
    SpawnGrantSource,
};

/// A copy of a capability this process holds.
pub fn grant<T: CapabilityType>(name: &str, capability: Capability<T>) -> SpawnGrant<'_> {
    SpawnGrant {
        name,
        source: SpawnGrantSource::Capability(capability.raw()),
        mode: SpawnGrantMode::Raw,
        badge: 0,
    }
}

/// A capability the kernel makes for the child.
pub fn grant_kernel(name: &str, source: KernelCapSource) -> SpawnGrant<'_> {
    SpawnGrant { name, source: SpawnGrantSource::Kernel(source), mode: SpawnGrantMode::Raw, badge: 0 }
}

pub fn spawn_child(
    ring: &mut RuntimeRingClient<'_>,
    spawner: &mut ProcessSpawnerClient,
    binary: &str,
    grants: &[SpawnGrant<'_>],
) -> Result<OwnedCapability<ProcessHandle>, ClientError> {
    spawner.spawn_wait(ring, binary, binary, grants, CAP_ENTER_WAIT_FOREVER)
}

/// Runs a child to its end and gives its exit code. No capability of it is left afterwards.
pub fn run_child(
    ring: &mut RuntimeRingClient<'_>,
    spawner: &mut ProcessSpawnerClient,
    binary: &str,
    grants: &[SpawnGrant<'_>],
) -> Result<i64, ClientError> {
    let handle = spawn_child(ring, spawner, binary, grants)?;
    let code = ProcessHandleClient::new(handle.capability()).wait_wait(ring, CAP_ENTER_WAIT_FOREVER)?;
    drop(handle);
    ring.flush_releases()?;
    Ok(code)
}
