//! A small shell on a terminal. Answers have at least two lines, so that only the first shares a line with the prompt
//! where a terminal does not echo.

use alloc::format;
use alloc::string::String;
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER;
use capos_rt::{LineEcho, LineStatus, TerminalSessionClient};
use guest_support::{Failure, Guest, Outcome, require};

use crate::children;

const HELP: [&str; 5] = [
    "commands:",
    "  help         this text",
    "  caps         the capabilities of this program",
    "  spawn child  runs a child and waits for it",
    "  exit         leaves the shell",
];

pub fn run(guest: &mut Guest<'_>) -> Outcome {
    let mut terminal: TerminalSessionClient = guest.client("terminal");
    loop {
        let read = terminal.read_line_wait(
            &mut guest.ring,
            "smoke> ",
            80,
            LineEcho::Visible,
            true,
            CAP_ENTER_WAIT_FOREVER,
        )?;
        require!(read.status == LineStatus::Submitted, "no line: {:?}", read.status);
        let line = String::from_utf8_lossy(&read.line);
        match line.trim() {
            "" => {}
            "help" => {
                for text in HELP {
                    print(guest, &mut terminal, text)?;
                }
            }
            "caps" => capabilities(guest, &mut terminal)?,
            "spawn child" => {
                print(guest, &mut terminal, "starting child")?;
                let code = children::run(guest, "exit:0")?;
                print(guest, &mut terminal, &format!("child ended with exit code {code}"))?;
            }
            "exit" => return print(guest, &mut terminal, "leaving the shell"),
            other => {
                print(guest, &mut terminal, &format!("unknown command: {other}"))?;
                print(guest, &mut terminal, "try: help")?;
            }
        }
    }
}

fn print(guest: &mut Guest<'_>, terminal: &mut TerminalSessionClient, text: &str) -> Outcome {
    terminal.write_line_wait(&mut guest.ring, text, CAP_ENTER_WAIT_FOREVER).map_err(Failure::from)
}

fn capabilities(guest: &mut Guest<'_>, terminal: &mut TerminalSessionClient) -> Outcome {
    let capset = guest.capset;
    print(guest, terminal, &format!("{} capabilities:", capset.len()))?;
    for entry in capset.iter() {
        let name = String::from_utf8_lossy(entry.name_bytes());
        print(guest, terminal, &format!("  {name} {:#018x}", entry.interface_id))?;
    }
    Ok(())
}
