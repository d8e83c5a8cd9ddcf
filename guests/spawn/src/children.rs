//! Children: what they get, how they end, and that their end does not harm the parent.

use alloc::format;
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER as WAIT;
use capos_rt::{
    CONSOLE_INTERFACE_ID, CapabilityManagerClient, Client, Endpoint, ExceptionType, KernelCapSource,
    ProcessHandleClient, ProcessSpawnerClient, SpawnGrant, SpawnGrantMode, SpawnGrantSource,
    TIMER_INTERFACE_ID,
};
use guest_support::{
    EndpointServer, Failure, FrameAllocatorClient, Guest, Outcome, grant, grant_kernel, refused, require,
    run_child, spawn_child,
};

const EXIT_FAULT: i64 = -2;
const EXIT_TERMINATED: i64 = -1;
const BADGE: u64 = 77;

pub struct Attempt {
    pub step: &'static str,
    pub binary: &'static str,
    pub mode: &'static str,
}

macro_rules! attempts {
    ($($binary:literal $name:literal),+ $(,)?) => {
        &[$(Attempt {
            step: concat!("fault: ", $name),
            binary: $binary,
            mode: concat!("try:", $name),
        }),+]
    };
}

pub const FAULTS: &[Attempt] = attempts![
    "child" "write null",
    "wild" "jump to a wild pointer",
    "ud" "undefined instruction",
    "child" "read reserved page",
    "child" "read inaccessible page",
    "child" "read decommitted page",
    "child" "read unmapped page",
    "child" "write read-only page",
    "child" "write executable page",
    "child" "execute writable page",
    "child" "execute page made read-only",
    "child" "execute unmapped page",
    "child" "write read-only object",
    "child" "read unmapped object",
];

pub fn exit_codes(guest: &mut Guest<'_>) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let console = guest.console().capability();
    for (mode, expected) in [
        ("exit:0", 0),
        ("exit:42", 42),
        ("exit:-7", -7),
        ("exit:1099511627776", 1 << 40),
        ("exit:9223372036854775807", i64::MAX),
    ] {
        let code = run_child(&mut guest.ring, &mut spawner, "child", &[grant(mode, console)])?;
        require!(code == expected, "{mode} ended with {code}");
    }
    let code = run_child(&mut guest.ring, &mut spawner, "child", &[])?;
    require!(code == 0, "without capabilities: {code}");
    Ok(())
}

pub fn granted_capabilities(guest: &mut Guest<'_>) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let console = guest.console().capability();
    let grants = [
        grant("console", console),
        grant("run:capabilities", console),
        grant_kernel("timer", KernelCapSource::Timer),
        grant_kernel("vm", KernelCapSource::VirtualMemory),
    ];
    let code = run_child(&mut guest.ring, &mut spawner, "child", &grants)?;
    require!(code == 0, "exit code {code}");
    Ok(())
}

/// Waits in the reverse order, so the first result has to be kept until it is asked for.
pub fn two_at_once(guest: &mut Guest<'_>) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let console = guest.console().capability();
    let ring = &mut guest.ring;
    let first = spawn_child(ring, &mut spawner, "child", &[grant("exit:11", console)])?;
    let second = spawn_child(ring, &mut spawner, "child", &[grant("exit:12", console)])?;
    for (handle, expected) in [(&second, 12), (&first, 11)] {
        let code = ProcessHandleClient::new(handle.capability()).wait_wait(ring, WAIT)?;
        require!(code == expected, "exit code {code}, not {expected}");
    }
    drop((first, second));
    guest.flush()
}

/// The parent owns the endpoint, the child gets a client facet with a badge.
pub fn calls_parent(guest: &mut Guest<'_>) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let console = guest.console().capability();
    let endpoint = match guest.capset.get_typed::<Endpoint>(b"endpoint") {
        Ok(endpoint) => endpoint,
        Err(error) => return Err(Failure::new(format!("{error:?}"))),
    };
    let service = SpawnGrant {
        name: "service",
        source: SpawnGrantSource::Capability(endpoint.raw()),
        mode: SpawnGrantMode::ClientEndpoint,
        badge: BADGE,
    };
    let grants = [grant("console", console), service, grant("run:call", console)];
    let ring = &mut guest.ring;
    let server = EndpointServer::new(endpoint);
    let receive = server.submit_receive(ring)?;
    let handle = spawn_child(ring, &mut spawner, "child", &grants)?;

    let request = server.finish_receive(ring, receive)?;
    require!(request.badge == BADGE, "badge {}", request.badge);
    require!(request.method == 7 && request.params == b"ping", "first call {}", request.method);
    server.reply(ring, request, b"pong")?;
    let request = server.receive(ring)?;
    require!(request.method == 8 && request.params.is_empty(), "second call {}", request.method);
    server.reply(ring, request, b"")?;
    let request = server.receive(ring)?;
    require!(request.method == 9 && request.params == b"odd", "third call {}", request.method);
    server.refuse(ring, request, ExceptionType::InvalidArgument, "odd length")?;

    let code = ProcessHandleClient::new(handle.capability()).wait_wait(ring, WAIT)?;
    require!(code == 0, "exit code {code}");
    drop(handle);
    guest.flush()
}

pub fn listed_capabilities(guest: &mut Guest<'_>) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let console = guest.console().capability();
    let grants = [grant("console", console), grant_kernel("timer", KernelCapSource::Timer)];
    let ring = &mut guest.ring;
    let child = spawner.spawn_wait_with_parent_endpoints(ring, "waiter", "wait", &grants, WAIT)?;
    let mut manager = CapabilityManagerClient::new(child.capability_manager.capability());
    let listed = manager.list_wait(ring, WAIT)?;
    require!(listed.len() == 2, "{} capabilities", listed.len());
    for interface in [CONSOLE_INTERFACE_ID, TIMER_INTERFACE_ID] {
        let found = listed.iter().any(|info| info.interface_id == interface);
        require!(found, "interface {interface:#x} is not listed");
    }
    let mut handle = ProcessHandleClient::new(child.handle.capability());
    handle.terminate_wait(ring, WAIT)?;
    let code = handle.wait_wait(ring, WAIT)?;
    require!(code == EXIT_TERMINATED, "exit code {code}");
    drop(child);
    guest.flush()
}

/// One child that waits forever and one that runs forever.
pub fn terminated(guest: &mut Guest<'_>) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let before = frames.count_free(&mut guest.ring)?;
    for binary in ["wait", "spin"] {
        let ring = &mut guest.ring;
        let child = spawn_child(ring, &mut spawner, binary, &[])?;
        let mut handle = ProcessHandleClient::new(child.capability());
        handle.terminate_wait(ring, WAIT)?;
        let code = handle.wait_wait(ring, WAIT)?;
        require!(code == EXIT_TERMINATED, "{binary}: exit code {code}");
        drop(child);
        let after = frames.count_free(ring)?;
        require!(before == after, "{binary}: {before} free frames before, {after} after");
    }
    Ok(())
}

pub fn faults(guest: &mut Guest<'_>, binary: &str, mode: &str) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let console = guest.console().capability();
    let frame = frames.alloc_frame(&mut guest.ring)?;
    let grants = [
        grant("console", console),
        grant(mode, console),
        grant_kernel("vm", KernelCapSource::VirtualMemory),
        grant("object", frame.capability()),
    ];
    let code = run_child(&mut guest.ring, &mut spawner, binary, &grants)?;
    require!(code == EXIT_FAULT, "exit code {code}");
    drop(frame);
    guest.flush()
}

pub fn wrong_grants(guest: &mut Guest<'_>) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let console = guest.console().capability();
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let before = frames.count_free(&mut guest.ring)?;
    let relabelled = SpawnGrant {
        name: "timer",
        source: SpawnGrantSource::CapabilityAs {
            capability: console.raw(),
            interface_id: TIMER_INTERFACE_ID,
        },
        mode: SpawnGrantMode::Raw,
        badge: 0,
    };
    let cases: [(&str, &[SpawnGrant<'_>]); 4] = [
        ("same name twice", &[grant("console", console), grant("console", console)]),
        ("empty name", &[grant("", console)]),
        ("name too long", &[grant("a-name-of-more-than-32-characters", console)]),
        ("other interface", &[relabelled]),
    ];
    for (what, grants) in cases {
        let result = spawn_child(&mut guest.ring, &mut spawner, "child", grants);
        if let Err(reason) = refused(result, ExceptionType::InvalidArgument) {
            return Err(reason.during(what));
        }
    }
    let after = frames.count_free(&mut guest.ring)?;
    require!(before == after, "{before} free frames before, {after} after");
    Ok(())
}
