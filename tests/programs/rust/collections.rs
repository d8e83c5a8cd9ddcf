// Slices sorted, searched and folded by core; iterators, 128-bit numbers, checked and saturating arithmetic.
#![no_std]
#![no_main]
mod shim;

fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

pub fn run() {
    let mut seed = 88172645463325252u64;
    let mut numbers = [0u64; 1500];
    for n in numbers.iter_mut() {
        *n = random(&mut seed) >> (random(&mut seed) % 60);
    }
    let mut sorted = numbers;
    sorted.sort_unstable();
    out!("{} {} {}\n", sorted[0], sorted[750], sorted[1499]);
    sorted.sort_unstable_by_key(|n| (n.count_ones(), core::cmp::Reverse(*n)));
    let hash = sorted.iter().fold(0u64, |h, n| h.rotate_left(5) ^ n);
    out!("{hash:016x} {:?}\n", sorted.binary_search_by_key(&20, |n| n.count_ones()).is_ok());

    let product = numbers.iter().filter(|n| **n != 0).take(40).fold(1u128, |p, n| p.wrapping_mul(u128::from(*n) | 1));
    out!("{product} {} {}\n", product % 1_000_000_007, (product as i128) / -12345);
    let checked = numbers.iter().filter(|n| n.checked_mul(1 << 20).is_some()).count();
    let saturated = numbers.iter().map(|n| (*n as i32).saturating_add(i32::MAX / 2)).map(i64::from).sum::<i64>();
    out!("{checked} {saturated}\n");

    let mean = numbers.iter().map(|n| *n as f64).sum::<f64>() / numbers.len() as f64;
    let single = numbers.iter().map(|n| *n as f32).fold(f32::MIN, f32::max);
    out!("{mean:e} {single} {:?}\n", numbers.windows(2).map(|w| w[0].abs_diff(w[1])).max());
    let text = core::str::from_utf8(&[72, 105, 33]).unwrap_or("?");
    out!("{text} {:?} {:?}\n", numbers.chunks(7).map(|c| c.len()).max(), numbers.iter().position(|n| *n == 0));
}
