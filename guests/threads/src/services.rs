//! Services without state of their own. Values differ between runs, so only their relations are checked.

use alloc::vec::Vec;
use capos_rt::syscall::CAP_ENTER_WAIT_FOREVER as WAIT;
use capos_rt::{
    ClientError, EntropySourceClient, EntropyStatus, SystemInfoClient, TimerClient, WallClockClient,
};
use guest_support::{Guest, Outcome, require};

const MS: u64 = 1_000_000;
const SLEEP_LIMIT: usize = 8;

pub fn system_info(guest: &mut Guest<'_>) -> Outcome {
    let mut info: SystemInfoClient = guest.client("info");
    info.motd_wait(&mut guest.ring, WAIT)?;
    let name = info.hostname_wait(&mut guest.ring, WAIT)?;
    require!(!name.is_empty(), "no host name");
    Ok(())
}

pub fn entropy(guest: &mut Guest<'_>) -> Outcome {
    let mut entropy: EntropySourceClient = guest.client("entropy");
    let first = entropy.fill_wait(&mut guest.ring, 32, WAIT)?;
    let second = entropy.fill_wait(&mut guest.ring, 32, WAIT)?;
    for fill in [&first, &second] {
        require!(fill.status == EntropyStatus::Ok, "{:?}", fill.status);
        require!(fill.data.len() == 32, "{} bytes", fill.data.len());
    }
    require!(first.data != second.data, "twice the same bytes");
    let large = entropy.fill_wait(&mut guest.ring, 480, WAIT)?;
    require!(large.data.len() == 480, "{} bytes of 480", large.data.len());
    Ok(())
}

pub fn monotonic(guest: &mut Guest<'_>) -> Outcome {
    let mut timer: TimerClient = guest.client("timer");
    let mut last = timer.now_wait(&mut guest.ring, WAIT)?;
    for _ in 0..20 {
        let now = timer.now_wait(&mut guest.ring, WAIT)?;
        require!(now.monotonic_ns >= last.monotonic_ns, "nanoseconds ran backwards");
        require!(now.tick >= last.tick, "ticks ran backwards");
        last = now;
    }
    Ok(())
}

pub fn sleep(guest: &mut Guest<'_>) -> Outcome {
    let mut timer: TimerClient = guest.client("timer");
    for duration in [0, 1, MS, 25 * MS] {
        let before = timer.now_wait(&mut guest.ring, WAIT)?.monotonic_ns;
        timer.sleep_wait(&mut guest.ring, duration, WAIT)?;
        let slept = timer.now_wait(&mut guest.ring, WAIT)?.monotonic_ns - before;
        require!(slept >= duration, "slept {slept} ns of {duration}");
    }
    Ok(())
}

pub fn sleep_order(guest: &mut Guest<'_>) -> Outcome {
    let mut timer: TimerClient = guest.client("timer");
    let ring = &mut guest.ring;
    let long = timer.sleep(ring, 200 * MS)?;
    let short = timer.sleep(ring, 2 * MS)?;
    let completion = ring.wait(short, WAIT)?;
    timer.finish_sleep(completion)?;
    require!(ring.try_complete(long)?.is_none(), "the longer sleep ended as early");
    let completion = ring.wait(long, WAIT)?;
    timer.finish_sleep(completion)?;
    Ok(())
}

pub fn sleep_limit(guest: &mut Guest<'_>) -> Outcome {
    let mut timer: TimerClient = guest.client("timer");
    let ring = &mut guest.ring;
    let mut sleeps = Vec::new();
    for _ in 0..SLEEP_LIMIT {
        sleeps.push(timer.sleep(ring, 50 * MS)?);
    }
    let result = timer.sleep_wait(ring, 50 * MS, WAIT);
    require!(matches!(result, Err(ClientError::Application(_))), "{result:?}");
    for sleep in sleeps {
        let completion = ring.wait(sleep, WAIT)?;
        timer.finish_sleep(completion)?;
    }
    timer.sleep_wait(ring, MS, WAIT)?;
    Ok(())
}

pub fn wall_clock(guest: &mut Guest<'_>) -> Outcome {
    let mut clock: WallClockClient = guest.client("clock");
    let mut timer: TimerClient = guest.client("timer");
    let first = clock.wall_time_wait(&mut guest.ring, WAIT)?;
    timer.sleep_wait(&mut guest.ring, 10 * MS, WAIT)?;
    let second = clock.wall_time_wait(&mut guest.ring, WAIT)?;
    for time in [&first, &second] {
        require!(time.utc_nanos < 1_000_000_000, "{} nanoseconds", time.utc_nanos);
    }
    let passed = second.monotonic_ns - first.monotonic_ns;
    require!(passed >= 10 * MS, "{passed} ns passed");
    let order = (first.utc_seconds, first.utc_nanos) <= (second.utc_seconds, second.utc_nanos);
    require!(order, "wall time ran backwards");
    Ok(())
}
