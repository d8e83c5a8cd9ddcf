//! A program as a numbered list of steps. Each step prints one line; the first that fails ends the program
//! with its number as exit code, so the code alone names the step.

use alloc::format;
use alloc::string::String;
use capos_rt::syscall::{CAP_ENTER_WAIT_FOREVER, exit};
use capos_rt::{
    CapSet, Client, ClientError, ConsoleClient, ExceptionType, ResultCapError, RingClientError, Runtime,
    RuntimeRingClient, ring::EndpointMessageError,
};

const EXIT_NO_CONSOLE: i64 = 110;
const EXIT_NO_RING: i64 = 111;
const EXIT_NO_CAPABILITY: i64 = 112;

/// Why a step failed, in words.
pub struct Failure(String);

impl Failure {
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The same reason, with the case it belongs to in front.
    pub fn during(self, what: &str) -> Self {
        Self(format!("{what}: {}", self.0))
    }
}

pub type Outcome = Result<(), Failure>;

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self(format!("{error:?}"))
    }
}

impl From<RingClientError> for Failure {
    fn from(error: RingClientError) -> Self {
        Self(format!("{error:?}"))
    }
}

impl From<ResultCapError> for Failure {
    fn from(error: ResultCapError) -> Self {
        Self(format!("{error:?}"))
    }
}

impl From<EndpointMessageError> for Failure {
    fn from(error: EndpointMessageError) -> Self {
        Self(format!("{error:?}"))
    }
}

pub struct Guest<'a> {
    pub capset: CapSet,
    pub ring: RuntimeRingClient<'a>,
    name: &'static str,
    console: ConsoleClient,
    steps: i64,
}

impl<'a> Guest<'a> {
    /// Needs a capability `console`; without one there is nobody to report to.
    pub fn start(runtime: &'a mut Runtime, name: &'static str) -> Self {
        let capset = runtime.capset();
        let Ok(console) = capset.get_client::<ConsoleClient>(b"console") else {
            exit(EXIT_NO_CONSOLE);
        };
        let Ok(ring) = runtime.ring_client() else {
            exit(EXIT_NO_RING);
        };
        Self { capset, ring, name, console, steps: 0 }
    }

    /// The client of a capability this program cannot do without.
    pub fn client<C: Client>(&mut self, name: &str) -> C {
        match self.capset.get_client::<C>(name.as_bytes()) {
            Ok(client) => client,
            Err(error) => {
                self.say(&format!("capability {name}: {error:?}"));
                exit(EXIT_NO_CAPABILITY);
            }
        }
    }

    pub fn console(&self) -> &ConsoleClient {
        &self.console
    }

    pub fn console_id(&self) -> u32 {
        self.console.capability().cap_id()
    }

    /// Prints `[name] text`.
    pub fn say(&mut self, text: &str) {
        let line = format!("[{}] {text}", self.name);
        let _ = self.console.write_line_wait(&mut self.ring, &line, CAP_ENTER_WAIT_FOREVER);
    }

    pub fn step(&mut self, what: &str, body: impl FnOnce(&mut Self) -> Outcome) {
        self.steps += 1;
        match body(self) {
            Ok(()) => self.say(&format!("{what}: ok")),
            Err(Failure(reason)) => {
                self.say(&format!("{what}: FAILED ({reason})"));
                exit(self.steps);
            }
        }
    }

    pub fn finish(mut self) -> i64 {
        let steps = self.steps;
        self.say(&format!("all {steps} steps passed"));
        0
    }

    /// Sends the releases of dropped capabilities now, so that their frames and slots are free before the next step.
    pub fn flush(&mut self) -> Outcome {
        Ok(self.ring.flush_releases()?)
    }
}

/// Passes if the call was refused with exactly this exception.
pub fn refused<T>(result: Result<T, ClientError>, expected: ExceptionType) -> Outcome {
    match result {
        Err(ClientError::Application(exception)) if exception.exception_type() == expected => Ok(()),
        Err(error) => Err(Failure(format!("expected {expected:?}, got {error:?}"))),
        Ok(_) => Err(Failure(format!("expected {expected:?}, but the call succeeded"))),
    }
}
