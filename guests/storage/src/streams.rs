//! StdIO: an Endpoint to the program, with the methods of StdIO.

use alloc::string::String;
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER as WAIT;
use capos_rt::{
    Endpoint, ExceptionType, LineStatus, StdIOClient, StdIOReadMode, StdIOReadRequest, StdIOStream,
};
use guest_support::{Failure, Guest, Outcome, refused, require};

fn client(guest: &Guest<'_>) -> Result<StdIOClient, Failure> {
    match guest.capset.get_typed::<Endpoint>(b"stdio") {
        Ok(endpoint) => Ok(StdIOClient::new(endpoint)),
        Err(error) => Err(Failure::new(alloc::format!("{error:?}"))),
    }
}

fn request(prompt: &str, mode: StdIOReadMode) -> StdIOReadRequest {
    StdIOReadRequest { prompt: String::from(prompt), mode, max_bytes: 64, allow_empty: false }
}

/// `consoleInput` of the scenario.
pub fn lines(guest: &mut Guest<'_>) -> Outcome {
    let mut stdio = client(guest)?;
    let ring = &mut guest.ring;
    stdio.write_wait(ring, StdIOStream::Stdout, "to stdout, ", WAIT)?;
    stdio.write_wait(ring, StdIOStream::Stderr, "to stderr\n", WAIT)?;
    let line = stdio.read_wait(ring, &request("name? ", StdIOReadMode::Line), WAIT)?;
    require!(line.status == LineStatus::Submitted && line.text == "capjit", "{line:?}");
    let hidden = stdio.read_wait(ring, &request("password? ", StdIOReadMode::Hidden), WAIT)?;
    require!(hidden.text == "secret", "{hidden:?}");
    stdio.write_wait(ring, StdIOStream::Stdout, "\n", WAIT)?;
    let block = stdio.read_wait(ring, &request("", StdIOReadMode::Block), WAIT)?;
    require!(block.text == "block\n", "{block:?}");
    let end = stdio.read_wait(ring, &request("", StdIOReadMode::Line), WAIT)?;
    require!(end.status == LineStatus::Closed && end.text.is_empty(), "{end:?}");
    Ok(())
}

pub fn closed(guest: &mut Guest<'_>) -> Outcome {
    let mut stdio = client(guest)?;
    let ring = &mut guest.ring;
    stdio.close_wait(ring, WAIT)?;
    refused(stdio.write_wait(ring, StdIOStream::Stdout, "x", WAIT), ExceptionType::Disconnected)?;
    let line = stdio.read_wait(ring, &request("", StdIOReadMode::Line), WAIT)?;
    require!(line.status == LineStatus::Closed, "{line:?}");
    Ok(())
}
