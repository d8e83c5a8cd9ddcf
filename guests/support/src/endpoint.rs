//! Both sides of an endpoint. Messages are plain bytes; their layout is the business of the two programs.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER;
use capos_rt::{
    ApplicationException, CallId, Capability, ClientError, CompletedCall, CopyTransfer, Endpoint,
    ExceptionType, MemoryObject, OwnedCapability, RuntimeRingClient, decode_completed_call,
};

use crate::Failure;

const BUFFER_BYTES: usize = 512;

/// One received call, until it is answered.
pub struct Request {
    pub method: u16,
    pub badge: u64,
    pub params: Vec<u8>,
    call_id: u32,
    completion: CompletedCall,
}

impl Request {
    /// The MemoryObject that came with the call as its first capability.
    pub fn take_memory_object(
        &mut self,
        ring: &RuntimeRingClient<'_>,
    ) -> Result<OwnedCapability<MemoryObject>, Failure> {
        Ok(ring.adopt_result_capability(&mut self.completion, 0)?)
    }

    pub fn capability_count(&self) -> u16 {
        self.completion.cqe().cap_count
    }
}

#[derive(Clone, Copy)]
pub struct EndpointServer {
    endpoint: Capability<Endpoint>,
}

impl EndpointServer {
    pub fn new(endpoint: Capability<Endpoint>) -> Self {
        Self { endpoint }
    }

    /// Asks for a call without waiting, so that the caller can be started afterwards.
    pub fn submit_receive(&self, ring: &mut RuntimeRingClient<'_>) -> Result<CallId, Failure> {
        let buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        Ok(ring.submit_endpoint_recv(self.endpoint.cap_id(), buffer)?)
    }

    pub fn finish_receive(
        &self,
        ring: &mut RuntimeRingClient<'_>,
        receive: CallId,
    ) -> Result<Request, Failure> {
        let completion = ring.wait(receive, CAP_ENTER_WAIT_FOREVER)?;
        decode_completed_call(&completion)?;
        let message = completion.endpoint_message()?;
        let (method, badge, call_id) = (message.method_id, message.badge, message.call_id);
        let params = message.params.to_vec();
        Ok(Request { method, badge, params, call_id, completion })
    }

    pub fn receive(&self, ring: &mut RuntimeRingClient<'_>) -> Result<Request, Failure> {
        let receive = self.submit_receive(ring)?;
        self.finish_receive(ring, receive)
    }

    pub fn reply(
        &self,
        ring: &mut RuntimeRingClient<'_>,
        request: Request,
        payload: &[u8],
    ) -> Result<(), Failure> {
        let id = ring.submit_endpoint_return(self.endpoint.cap_id(), request.call_id, Box::from(payload))?;
        let completion = ring.wait(id, CAP_ENTER_WAIT_FOREVER)?;
        decode_completed_call(&completion)?;
        Ok(())
    }

    pub fn refuse(
        &self,
        ring: &mut RuntimeRingClient<'_>,
        request: Request,
        kind: ExceptionType,
        text: &str,
    ) -> Result<(), Failure> {
        let id = ring.submit_endpoint_return_exception(
            self.endpoint.cap_id(),
            request.call_id,
            ApplicationException::new(kind, String::from(text)),
        )?;
        let completion = ring.wait(id, CAP_ENTER_WAIT_FOREVER)?;
        decode_completed_call(&completion)?;
        Ok(())
    }
}

#[derive(Clone, Copy)]
pub struct EndpointClient {
    endpoint: Capability<Endpoint>,
}

impl EndpointClient {
    pub fn new(endpoint: Capability<Endpoint>) -> Self {
        Self { endpoint }
    }

    pub fn call(
        &self,
        ring: &mut RuntimeRingClient<'_>,
        method: u16,
        params: &[u8],
    ) -> Result<Vec<u8>, ClientError> {
        self.call_with(ring, method, params, &[])
    }

    /// Calls and passes copies of capabilities along.
    pub fn call_with(
        &self,
        ring: &mut RuntimeRingClient<'_>,
        method: u16,
        params: &[u8],
        transfers: &[CopyTransfer],
    ) -> Result<Vec<u8>, ClientError> {
        let id = ring.submit_call_with_copy_transfers(
            self.endpoint.cap_id(),
            method,
            Box::from(params),
            vec![0; BUFFER_BYTES].into_boxed_slice(),
            transfers,
        )?;
        let completion = ring.wait(id, CAP_ENTER_WAIT_FOREVER)?;
        decode_completed_call(&completion)?;
        Ok(completion.result_bytes()?.to_vec())
    }
}
