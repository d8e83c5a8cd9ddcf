//! Children that do what the image must not allow, and what is left of them: nothing.

use capos_rt::{Client, ProcessSpawnerClient};
use guest_support::{FrameAllocatorClient, Guest, Outcome, grant, require, run_child};

/// The exit code a parent sees of a child that died of a fault.
const EXIT_FAULT: i64 = -2;

pub struct Attempt {
    pub step: &'static str,
    pub mode: &'static str,
}

macro_rules! attempts {
    ($($name:literal),+ $(,)?) => {
        &[$(Attempt { step: concat!("fault: ", $name), mode: concat!("try:", $name) }),+]
    };
}

pub const FAULTS: &[Attempt] = attempts![
    "write text",
    "write rodata",
    "execute rodata",
    "execute data",
    "execute bss",
    "execute stack",
    "write capset",
    "execute capset",
    "execute ring",
    "read null",
    "write null",
    "execute null",
    "read below the image",
    "read behind the image",
    "read below the stack",
    "read above the stack",
    "read kernel half",
    "read not canonical",
    "halt",
    "port access",
    "undefined instruction",
];

pub fn run(guest: &mut Guest<'_>, mode: &str) -> Result<i64, guest_support::Failure> {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let console = guest.console().capability();
    let grants = [grant("console", console), grant(mode, console)];
    Ok(run_child(&mut guest.ring, &mut spawner, "child", &grants)?)
}

pub fn faults(guest: &mut Guest<'_>, mode: &str) -> Outcome {
    let code = run(guest, mode)?;
    require!(code == EXIT_FAULT, "exit code {code}");
    Ok(())
}

pub fn frames_come_back(guest: &mut Guest<'_>) -> Outcome {
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let before = frames.count_free(&mut guest.ring)?;
    for (mode, expected) in [("exit:0", 0), ("exit:5", 5), ("try:write null", EXIT_FAULT)] {
        let code = run(guest, mode)?;
        require!(code == expected, "{mode}: exit code {code}");
        let after = frames.count_free(&mut guest.ring)?;
        require!(before == after, "{mode}: {before} free frames before, {after} after");
    }
    Ok(())
}
