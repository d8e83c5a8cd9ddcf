//! One process on both sides of its own endpoint.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use capos_config::ring::{
    CAP_ERR_INVALID_REQUEST, CAP_ERR_INVALID_RESULT_BUFFER, CAP_ERR_INVOKE_FAILED,
    CAP_ERR_TRANSFER_NOT_SUPPORTED,
};
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER as WAIT;
use capos_rt::{
    CallId, Capability, ClientError, CopyTransfer, Endpoint, ExceptionType, RingClientError, TransportError,
    VirtualMemory, decode_completed_call,
};
use guest_support::{
    EndpointServer, Failure, FrameAllocatorClient, Guest, MemoryObjectClient, Outcome, PAGE, READ, refused,
    require,
};

const BUFFER: usize = 512;
/// `endpointQueue` of the default profile.
const QUEUE: usize = 32;

pub fn endpoint(guest: &Guest<'_>, name: &str) -> Result<Capability<Endpoint>, Failure> {
    guest
        .capset
        .get_typed::<Endpoint>(name.as_bytes())
        .map_err(|error| Failure::new(alloc::format!("{error:?}")))
}

/// Submits a call on the own endpoint.
pub fn submit(
    guest: &mut Guest<'_>,
    cap: Capability<Endpoint>,
    method: u16,
    params: &[u8],
) -> Result<CallId, Failure> {
    let result = vec![0; BUFFER].into_boxed_slice();
    Ok(guest.ring.submit_call(cap.cap_id(), method, Box::from(params), result)?)
}

/// The bytes of an answer.
pub fn answer(guest: &mut Guest<'_>, call: CallId) -> Result<Vec<u8>, ClientError> {
    let completion = guest.ring.wait(call, WAIT)?;
    decode_completed_call(&completion)?;
    Ok(completion.result_bytes()?.to_vec())
}

/// The transport error that a call must end with.
pub fn transport<T>(result: Result<T, ClientError>, expected: i32) -> Outcome {
    let wanted = TransportError::from_cqe_result(expected);
    match result {
        Err(ClientError::Transport(error)) if Some(&error) == wanted.as_ref() => Ok(()),
        Err(error) => Err(Failure::new(alloc::format!("expected {wanted:?}, got {error:?}"))),
        Ok(_) => Err(Failure::new(alloc::format!("expected {wanted:?}, but the call succeeded"))),
    }
}

/// Calls with this disclosure; the session that the receiver sees.
fn session_of(guest: &mut Guest<'_>, name: &str, disclosure: u64) -> Result<([u64; 3], [u32; 5]), Failure> {
    let cap = endpoint(guest, name)?;
    let result = vec![0; BUFFER].into_boxed_slice();
    let call =
        guest.ring.submit_call_with_session_disclosure(cap.cap_id(), 1, Box::from([]), result, disclosure)?;
    let buffer = vec![0; BUFFER].into_boxed_slice();
    let receive = guest.ring.submit_endpoint_recv(cap.cap_id(), buffer)?;
    let completion = guest.ring.wait(receive, WAIT)?;
    decode_completed_call(&completion)?;
    let message = completion.endpoint_message()?;
    let session = message.caller_session;
    let call_id = message.call_id;
    drop(completion);
    let done = guest.ring.submit_endpoint_return(cap.cap_id(), call_id, Box::from([]))?;
    guest.ring.wait(done, WAIT)?;
    answer(guest, call)?;
    let facts = [
        session.flags,
        session.disclosed_fields,
        session.principal_kind.into(),
        session.auth_strength.into(),
        session.profile_class.into(),
    ];
    Ok(([session.scoped_ref, session.scoped_ref_hi, session.epoch], facts))
}

/// The scenario's session is an operator with a password and the operator profile; the password is never disclosed.
pub fn disclosure(guest: &mut Guest<'_>) -> Outcome {
    for (asked, expected) in
        [(0, [1, 0, 0, 0, 0]), (1, [1, 1, 2, 0, 0]), (2, [1, 0, 0, 0, 0]), (7, [1, 5, 2, 0, 3])]
    {
        let (_, facts) = session_of(guest, "svc", asked)?;
        require!(facts == expected, "asked {asked}: {facts:?}");
    }
    Ok(())
}

pub fn references(guest: &mut Guest<'_>) -> Outcome {
    let (first, _) = session_of(guest, "svc", 0)?;
    let (again, _) = session_of(guest, "svc", 7)?;
    let (other, _) = session_of(guest, "other", 0)?;
    require!(first.iter().all(|word| *word != 0), "{first:?}");
    require!(first == again && first != other, "the references do not tell endpoints apart");
    Ok(())
}

pub fn out_of_order(guest: &mut Guest<'_>) -> Outcome {
    let cap = endpoint(guest, "svc")?;
    let server = EndpointServer::new(cap);
    let mut calls = Vec::new();
    for method in 0..4u16 {
        calls.push(submit(guest, cap, method, &method.to_le_bytes())?);
    }
    let mut requests = Vec::new();
    for method in 0..4u16 {
        let request = server.receive(&mut guest.ring)?;
        require!(
            request.method == method && request.params == method.to_le_bytes(),
            "method {}",
            request.method
        );
        requests.push(request);
    }
    for request in requests.into_iter().rev() {
        let reply = request.params.clone();
        server.reply(&mut guest.ring, request, &reply)?;
    }
    for (method, call) in calls.into_iter().enumerate() {
        let bytes = answer(guest, call)?;
        require!(bytes == (method as u16).to_le_bytes(), "answer {bytes:?} to {method}");
    }
    Ok(())
}

pub fn timeout(guest: &mut Guest<'_>) -> Outcome {
    let cap = endpoint(guest, "svc")?;
    let server = EndpointServer::new(cap);
    let call = submit(guest, cap, 5, b"late")?;
    match guest.ring.wait(call, 1_000_000) {
        Err(RingClientError::Timeout) => {}
        other => require!(false, "{:?}", other.map(|_| ())),
    }
    let request = server.receive(&mut guest.ring)?;
    server.reply(&mut guest.ring, request, b"done")?;
    let bytes = answer(guest, call)?;
    require!(bytes == b"done", "{bytes:?}");
    Ok(())
}

pub fn cancelled(guest: &mut Guest<'_>) -> Outcome {
    let cap = endpoint(guest, "svc")?;
    let server = EndpointServer::new(cap);
    let receive = server.submit_receive(&mut guest.ring)?;
    let cancel = guest.ring.submit_endpoint_cancel(cap.cap_id(), receive)?;
    let code = guest.ring.wait(cancel, WAIT)?.cqe().result;
    require!(code == 0, "cancel: {code}");
    let code = guest.ring.wait(receive, WAIT)?.cqe().result;
    require!(code == CAP_ERR_INVOKE_FAILED, "cancelled receive: {code}");
    // Nothing to cancel: a receive that was answered.
    let receive = server.submit_receive(&mut guest.ring)?;
    let call = submit(guest, cap, 1, b"")?;
    let cancel = guest.ring.submit_endpoint_cancel(cap.cap_id(), receive)?;
    let code = guest.ring.wait(cancel, WAIT)?.cqe().result;
    require!(code == CAP_ERR_INVALID_REQUEST, "cancel without receive: {code}");
    let request = server.finish_receive(&mut guest.ring, receive)?;
    server.reply(&mut guest.ring, request, b"x")?;
    answer(guest, call)?;
    Ok(())
}

pub fn small_buffer(guest: &mut Guest<'_>) -> Outcome {
    let cap = endpoint(guest, "svc")?;
    let server = EndpointServer::new(cap);
    let call = submit(guest, cap, 3, &[9; 100])?;
    for length in [0, 56, 155] {
        let buffer = vec![0; length].into_boxed_slice();
        let receive = guest.ring.submit_endpoint_recv(cap.cap_id(), buffer)?;
        let code = guest.ring.wait(receive, WAIT)?.cqe().result;
        require!(code == CAP_ERR_INVALID_RESULT_BUFFER, "{length} bytes: {code}");
    }
    let request = server.receive(&mut guest.ring)?;
    require!(request.params == [9; 100], "the call did not keep its params");
    server.reply(&mut guest.ring, request, b"")?;
    answer(guest, call)?;
    Ok(())
}

/// The code that an answer with this call id ends with.
fn answer_code(
    guest: &mut Guest<'_>,
    cap: Capability<Endpoint>,
    call_id: u32,
    bytes: usize,
) -> Result<i32, Failure> {
    let payload = vec![1; bytes].into_boxed_slice();
    let id = guest.ring.submit_endpoint_return(cap.cap_id(), call_id, payload)?;
    Ok(guest.ring.wait(id, WAIT)?.cqe().result)
}

pub fn wrong_answers(guest: &mut Guest<'_>) -> Outcome {
    let cap = endpoint(guest, "svc")?;
    for call_id in [0, 1, u32::MAX] {
        let code = answer_code(guest, cap, call_id, 1)?;
        require!(code == CAP_ERR_INVALID_REQUEST, "unknown call {call_id}: {code}");
    }
    let call = submit(guest, cap, 3, b"")?;
    let receive = guest.ring.submit_endpoint_recv(cap.cap_id(), vec![0; BUFFER].into_boxed_slice())?;
    let call_id = guest.ring.wait(receive, WAIT)?.endpoint_message()?.call_id;
    // The caller's buffer does not take it: both sides learn that, and the call is over.
    let code = answer_code(guest, cap, call_id, BUFFER + 1)?;
    require!(code == CAP_ERR_INVALID_RESULT_BUFFER, "too long: {code}");
    transport(answer(guest, call), CAP_ERR_INVALID_RESULT_BUFFER)?;
    let code = answer_code(guest, cap, call_id, 1)?;
    require!(code == CAP_ERR_INVALID_REQUEST, "a second answer: {code}");
    Ok(())
}

pub fn full_queue(guest: &mut Guest<'_>) -> Outcome {
    let cap = endpoint(guest, "svc")?;
    let server = EndpointServer::new(cap);
    let mut calls = Vec::new();
    for _ in 0..QUEUE {
        calls.push(submit(guest, cap, 2, b"queued")?);
        // The submission queue has 16 entries.
        let _ = capos_rt::syscall::cap_enter(0, 0);
    }
    let refusal = submit(guest, cap, 2, b"too many")?;
    refused(answer(guest, refusal), ExceptionType::Overloaded)?;
    for call in calls {
        let request = server.receive(&mut guest.ring)?;
        server.reply(&mut guest.ring, request, b"served")?;
        let bytes = answer(guest, call)?;
        require!(bytes == b"served", "{bytes:?}");
    }
    Ok(())
}

pub fn transfer(guest: &mut Guest<'_>) -> Outcome {
    let cap = endpoint(guest, "svc")?;
    let server = EndpointServer::new(cap);
    let mut frames: FrameAllocatorClient = guest.client("frames");
    let object = frames.alloc_contiguous(&mut guest.ring, 2)?;
    let copies = [
        CopyTransfer::from_cap_id(object.capability().cap_id()),
        CopyTransfer::from_cap_id(object.capability().cap_id()),
    ];
    let result = vec![0; BUFFER].into_boxed_slice();
    let call =
        guest.ring.submit_call_with_copy_transfers(cap.cap_id(), 4, Box::from(*b"odd"), result, &copies)?;
    let mut request = server.receive(&mut guest.ring)?;
    require!(
        request.capability_count() == 2 && request.params == b"odd",
        "{} came",
        request.capability_count()
    );
    let arrived = request.take_memory_object(&guest.ring)?;
    require!(arrived.capability().cap_id() != object.capability().cap_id(), "the same capability");
    let (pages, _) = MemoryObjectClient::of(&arrived).info(&mut guest.ring)?;
    require!(pages == 2, "{pages} pages");
    server.reply(&mut guest.ring, request, b"thanks")?;
    answer(guest, call)?;
    drop(object);
    guest.flush()?;
    // The copy does not need the original.
    let at = MemoryObjectClient::of(&arrived).map(&mut guest.ring, 0, PAGE, READ)?;
    MemoryObjectClient::of(&arrived).unmap(&mut guest.ring, at, PAGE)?;
    drop(arrived);
    guest.flush()
}

pub fn not_transferable(guest: &mut Guest<'_>) -> Outcome {
    let cap = endpoint(guest, "svc")?;
    let memory = guest
        .capset
        .get_typed::<VirtualMemory>(b"vm")
        .map_err(|error| Failure::new(alloc::format!("{error:?}")))?;
    for victim in [memory.cap_id(), cap.cap_id(), 0x00ff_ffff] {
        let result = vec![0; BUFFER].into_boxed_slice();
        let copy = [CopyTransfer::from_cap_id(victim)];
        let call =
            guest.ring.submit_call_with_copy_transfers(cap.cap_id(), 4, Box::from([]), result, &copy)?;
        transport(answer(guest, call), CAP_ERR_TRANSFER_NOT_SUPPORTED)?;
    }
    // The refused calls were never queued.
    let call = submit(guest, cap, 6, b"")?;
    let server = EndpointServer::new(cap);
    let request = server.receive(&mut guest.ring)?;
    require!(request.method == 6, "method {}", request.method);
    server.reply(&mut guest.ring, request, b"")?;
    answer(guest, call)?;
    Ok(())
}
