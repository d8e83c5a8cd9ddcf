//! `T`: two capability tables; operations u8, u8 table, u32 id or object, u8 detail:
//!
//!   0 insert (id: object number, detail: transfer mode)      1 remove         2 get
//!   3 prepare a copy   4 prepare a move   5 prepare a spawn grant   6 a raw one   7 a moving one   (detail: origin)
//!   8 commit a move    9 roll a move back  10 copy to the other table, and commit (detail 0) or roll back (1)
//!   11 revoke the object of this number in this table  12 kill the object  13 run release hooks, clear the table
//!   14 reserve frame pages (id)  15 release them  16 reserve virtual pages  17 release them
//!   18 reserve a call  19 release one  20 would so many slots fit (id)  21 would so many pages fit (id)
//!
//! Object n is charged n % 4 pages; those from 6 on are network cards, which are released first. Each answers u8
//! outcome, u32 value, and of the table u32 slots, u32 frame pages, u32 virtual pages, u32 calls, u32 live slots.

use crate::{Cursor, put_u32};
use capos_lib::cap_table::{
    CapError, CapHold, CapHoldOrigin, CapInvokeResult, CapObject, CapReleaseReason, CapTable,
    CapTransferMode, PreparedCapTransfer, ReplyScratch,
};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

const OBJECTS: u32 = 8;
const FIRST_CARD: u32 = 6;

struct Thing {
    number: u32,
    alive: AtomicBool,
    released: Arc<Mutex<Vec<u32>>>,
}

impl CapObject for Thing {
    fn interface_id(&self) -> u64 {
        u64::from(self.number)
    }
    fn label(&self) -> &str {
        if self.number >= FIRST_CARD { "nic" } else { "thing" }
    }
    fn validate_live(&self) -> Result<(), CapError> {
        if self.alive.load(Ordering::Relaxed) { Ok(()) } else { Err(CapError::Revoked) }
    }
    fn on_release(&self, _reason: CapReleaseReason) {
        self.released.lock().unwrap().push(self.number);
    }
    fn call(
        &self,
        _method_id: u16,
        _params: &[u8],
        _result: &mut [u8],
        _reply_scratch: &mut dyn ReplyScratch,
    ) -> capnp::Result<CapInvokeResult> {
        unreachable!("no job calls a method")
    }
    fn frame_grant_pages(&self) -> usize {
        (self.number % 4) as usize
    }
}

type Outcome = Result<u32, CapError>;

fn code(error: &CapError) -> u8 {
    match error {
        CapError::NotFound => 1,
        CapError::StaleGeneration => 2,
        CapError::Revoked => 3,
        CapError::TableFull => 4,
        CapError::TransferNotAllowed => 5,
        CapError::TransferPending => 6,
        CapError::InvalidTransferOrigin => 7,
        CapError::InvalidTransferToken => 8,
        CapError::ResourceExhausted("cap slots") => 9,
        CapError::ResourceExhausted("frame grant pages") => 10,
        CapError::ResourceExhausted("virtual reservation pages") => 11,
        CapError::ResourceExhausted("outstanding calls") => 12,
        CapError::ResourceExhausted(_) => 13,
        CapError::InvokeError(_) => 14,
    }
}

fn origin(detail: u8) -> CapHoldOrigin {
    match detail {
        0 => CapHoldOrigin::Kernel,
        1 => CapHoldOrigin::SpawnGrant,
        2 => CapHoldOrigin::IpcTransfer,
        3 => CapHoldOrigin::ResultCap,
        _ => CapHoldOrigin::ProcessSpawnerEndpointResult,
    }
}

fn mode(detail: u8) -> CapTransferMode {
    match detail {
        0 => CapTransferMode::NonTransferable,
        1 => CapTransferMode::Copy,
        _ => CapTransferMode::Move,
    }
}

/// What was prepared carries the origin in its hold and says whether its source is marked.
fn prepared(transfer: PreparedCapTransfer) -> u32 {
    transfer.hold().origin as u32 | u32::from(transfer.source_id().is_some()) << 8
}

struct World {
    tables: [Pin<Box<CapTable>>; 2],
    things: Vec<Arc<Thing>>,
    released: Arc<Mutex<Vec<u32>>>,
}

impl World {
    fn new() -> Self {
        let released = Arc::new(Mutex::new(Vec::new()));
        let things = (0..OBJECTS)
            .map(|number| {
                Arc::new(Thing { number, alive: AtomicBool::new(true), released: released.clone() })
            })
            .collect();
        Self { tables: [Box::pin(CapTable::new()), Box::pin(CapTable::new())], things, released }
    }

    fn table(&mut self, which: u8) -> &mut CapTable {
        // The tables stay in their boxes: nothing is moved out of the reference.
        unsafe { self.tables[usize::from(which)].as_mut().get_unchecked_mut() }
    }

    fn object(&self, number: u32) -> Arc<dyn CapObject> {
        self.things[number as usize].clone()
    }

    fn run(&mut self, operation: u8, which: u8, id: u32, detail: u8) -> Outcome {
        match operation {
            0 => {
                let mut hold = CapHold::kernel_cap(u64::from(id));
                hold.transfer_mode = mode(detail);
                let object = self.object(id);
                self.table(which).insert_with_hold(object, hold)
            }
            1 => self.table(which).remove(id).map(|object| object.interface_id() as u32),
            2 => self.table(which).get(id).map(|object| object.interface_id() as u32),
            3 => self.table(which).prepare_copy_transfer(id, origin(detail)).map(prepared),
            4 => self.table(which).prepare_move_transfer(id, origin(detail)).map(prepared),
            5 => self.table(which).prepare_spawn_grant(id).map(prepared),
            6 => self.table(which).prepare_raw_spawn_grant(id).map(prepared),
            7 => self.table(which).prepare_move_spawn_grant(id).map(prepared),
            8 => {
                self.table(which).commit_prepared_move_transfer(id).map(|object| object.interface_id() as u32)
            }
            9 => self.table(which).rollback_prepared_move_transfer(id).map(|()| 0),
            10 => self.copy(which, id, detail),
            11 => {
                let object = self.object(id);
                let object_id = Arc::as_ptr(&object).cast::<()>() as usize as u64;
                self.table(which).revoke_object_caps(object_id).map(|epoch| epoch as u32)
            }
            12 => {
                self.things[id as usize].alive.store(false, Ordering::Relaxed);
                Ok(0)
            }
            13 => {
                self.released.lock().unwrap().clear();
                let reason = CapReleaseReason::ProcessExit { pid: 1, process_generation: 1 };
                self.table(which).run_release_hooks(reason);
                self.table(which).clear();
                let order = self.released.lock().unwrap();
                Ok(order.iter().fold(0, |sum: u32, number| sum.wrapping_mul(31).wrapping_add(number + 1)))
            }
            _ => self.account(operation, which, id),
        }
    }

    fn copy(&mut self, which: u8, id: u32, detail: u8) -> Outcome {
        let transfer = self.table(which).prepare_copy_transfer(id, CapHoldOrigin::IpcTransfer)?;
        let target = &mut self.tables[usize::from(1 - which)];
        let token = target.as_mut().insert_provisional_transfer(transfer)?;
        if detail == 0 {
            return target.as_mut().commit_provisional_transfer(token);
        }
        target.as_mut().rollback_provisional_transfer(token).map(|object| object.interface_id() as u32)
    }

    fn account(&mut self, operation: u8, which: u8, amount: u32) -> Outcome {
        let table = self.table(which);
        let pages = amount as usize;
        match operation {
            14 => table.reserve_frame_grant_pages(pages)?,
            15 => table.release_frame_grant_pages(pages),
            16 => table.reserve_virtual_reservation_pages(pages)?,
            17 => table.release_virtual_reservation_pages(pages),
            18 => table.reserve_outstanding_call()?,
            19 => table.release_outstanding_call(),
            20 => table.reserve_cap_slot_insertions(pages)?,
            21 => table.preflight_frame_grant_pages(pages)?,
            _ => panic!("unknown table operation {operation}"),
        }
        Ok(0)
    }
}

pub fn run(job: &mut Cursor, answer: &mut Vec<u8>) {
    let mut world = World::new();
    while job.more() {
        let (operation, which, id, detail) = (job.u8(), job.u8(), job.u32(), job.u8());
        let (outcome, value) = match world.run(operation, which, id, detail) {
            Ok(value) => (0, value),
            Err(error) => (code(&error), 0),
        };
        let table = world.table(which);
        let used = table.resource_usage();
        let live = table.len();
        answer.push(outcome);
        put_u32(answer, value);
        for count in [
            used.cap_slots_used,
            used.frame_grant_pages_used,
            used.virtual_reservation_pages_used,
            used.outstanding_calls_used,
            live,
        ] {
            put_u32(answer, count as u32);
        }
    }
}
