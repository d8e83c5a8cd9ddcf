//! Application exceptions: from a receiver, and from the kernel into buffers of any size.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use capos_config::ring::{CAP_ERR_APPLICATION_EXCEPTION, CAP_ERR_APPLICATION_EXCEPTION_TRUNCATED};
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER as WAIT;
use capos_rt::{ClientError, ExceptionType, decode_completed_call};
use guest_support::{EndpointServer, Failure, Guest, Outcome, require};

use crate::calls::{answer, endpoint, submit};

/// A method that Console does not have.
const NO_METHOD: u16 = 99;

pub fn passed_on(guest: &mut Guest<'_>) -> Outcome {
    let cap = endpoint(guest, "svc")?;
    let server = EndpointServer::new(cap);
    for kind in [
        ExceptionType::Failed,
        ExceptionType::Overloaded,
        ExceptionType::Disconnected,
        ExceptionType::Unimplemented,
        ExceptionType::InvalidArgument,
    ] {
        let call = submit(guest, cap, 1, b"")?;
        let request = server.receive(&mut guest.ring)?;
        server.refuse(&mut guest.ring, request, kind, "no, and here is why")?;
        match answer(guest, call) {
            Err(ClientError::Application(exception)) => {
                require!(exception.exception_type() == kind, "{:?}", exception.exception_type());
                require!(exception.message() == "no, and here is why", "{}", exception.message());
            }
            other => require!(false, "{other:?}"),
        }
    }
    Ok(())
}

/// The text of the kernel's refusal in a buffer of this size, or the completion's code.
fn refusal_in(guest: &mut Guest<'_>, length: usize) -> Result<(i32, String), Failure> {
    let console = guest.console_id();
    let result = vec![0; length].into_boxed_slice();
    let call = guest.ring.submit_call(console, NO_METHOD, Box::from([]), result)?;
    let completion = guest.ring.wait(call, WAIT)?;
    let code = completion.cqe().result;
    match decode_completed_call(&completion) {
        Err(ClientError::Application(exception)) => Ok((code, String::from(exception.message()))),
        other => Err(Failure::new(alloc::format!("{other:?}"))),
    }
}

pub fn truncated(guest: &mut Guest<'_>) -> Outcome {
    let (code, whole) = refusal_in(guest, 512)?;
    require!(code == CAP_ERR_APPLICATION_EXCEPTION && whole.len() > 16, "{code} {whole}");
    for length in [32, 39, 40, 48, 56] {
        let (code, text) = refusal_in(guest, length)?;
        require!(code == CAP_ERR_APPLICATION_EXCEPTION, "{length} bytes: {code}");
        require!(whole.starts_with(&text) && text.len() < whole.len(), "{length} bytes: {text}");
        require!(text.len() == if length < 40 { 0 } else { length / 8 * 8 - 33 }, "{length} bytes: {text}");
    }
    for length in [0, 8, 31] {
        let (code, text) = refusal_in(guest, length)?;
        require!(
            code == CAP_ERR_APPLICATION_EXCEPTION_TRUNCATED && text.is_empty(),
            "{length} bytes: {code}"
        );
    }
    Ok(())
}
