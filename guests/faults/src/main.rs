//! Every access that must fault, each in a child of its own. After each one the frames are back and a child that
//! behaves works as before.

#![no_std]
#![no_main]

extern crate alloc;

use capos_rt::{Client, KernelCapSource, ProcessSpawnerClient, Runtime};
use guest_support::{FrameAllocatorClient, Guest, Outcome, grant, grant_kernel, require, run_child};

const EXIT_FAULT: i64 = -2;

macro_rules! attempts {
    ($($name:literal),+ $(,)?) => { &[$(($name, concat!("try:", $name))),+] };
}

const ATTEMPTS: &[(&str, &str)] = attempts![
    "read null",
    "write null",
    "execute null",
    "read below the image",
    "read behind the image",
    "read below the stack",
    "read above the stack",
    "read kernel half",
    "read not canonical",
    "write text",
    "write rodata",
    "execute rodata",
    "execute data",
    "execute bss",
    "execute stack",
    "execute ring",
    "write capset",
    "execute capset",
    "halt",
    "port access",
    "undefined instruction",
    "read reserved page",
    "read inaccessible page",
    "read decommitted page",
    "read unmapped page",
    "write read-only page",
    "write executable page",
    "execute writable page",
    "execute page made read-only",
    "execute unmapped page",
    "write read-only object",
    "read unmapped object",
];

fn attempt(guest: &mut Guest<'_>, mode: &str) -> Outcome {
    let mut spawner: ProcessSpawnerClient = guest.client("spawner");
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let console = guest.console().capability();
    let before = frames.count_free(&mut guest.ring)?;
    let frame = frames.alloc_frame(&mut guest.ring)?;
    let grants = [
        grant("console", console),
        grant(mode, console),
        grant_kernel("vm", KernelCapSource::VirtualMemory),
        grant("object", frame.capability()),
    ];
    let code = run_child(&mut guest.ring, &mut spawner, "child", &grants)?;
    require!(code == EXIT_FAULT, "exit code {code}");
    drop(frame);
    guest.flush()?;
    let well = run_child(&mut guest.ring, &mut spawner, "child", &[grant("exit:17", console)])?;
    require!(well == 17, "the child that behaves ended with {well}");
    let after = frames.count_free(&mut guest.ring)?;
    require!(before == after, "{before} free frames before, {after} after");
    Ok(())
}

fn main(mut runtime: Runtime) -> i64 {
    let mut guest = Guest::start(&mut runtime, "faults");
    for (step, mode) in ATTEMPTS {
        guest.step(step, |guest| attempt(guest, mode));
    }
    guest.finish()
}

capos_rt::entry_point!(main);
