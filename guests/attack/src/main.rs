//! Programs that mean harm, each in a process of its own, beside a neighbour that minds its own business. Started with
//! one of the capabilities `attack:...` the program is an attacker, with `neighbour` the neighbour; without any it starts
//! the others, one attack after the next, and looks whether everything they took is back. With a capability `quiet` no
//! attacker is started: the neighbour's lines must be the same.

#![no_std]
#![no_main]

extern crate alloc;

mod bombs;
mod deputy;
mod director;
mod handles;
mod messages;
mod neighbour;
mod races;
mod rings;
mod submissions;

use capos_rt::Runtime;
use guest_support::{Guest, Outcome};

/// An attack of a child: everything it tried was refused, or it ends with the number of the step.
type Attack = fn(&mut Guest<'_>) -> Outcome;

const ATTACKS: &[(&str, Attack)] = &[
    ("attack:submissions", submissions::every_field),
    ("attack:rings", rings::corrupt_header),
    ("attack:flood", rings::flood),
    ("attack:messages", messages::bombs),
    ("attack:buffers", messages::wild_buffers),
    ("attack:handles", handles::guess),
    ("attack:facet", handles::through_endpoint),
    (deputy::NAME, deputy::confuse),
    ("attack:races", races::buffers_that_change),
    ("attack:memory", bombs::memory),
    ("attack:capabilities", bombs::capabilities),
    ("attack:calls", bombs::calls),
    ("attack:forks", bombs::forks),
    ("attack:spin", bombs::spin),
];

fn main(mut runtime: Runtime) -> i64 {
    let capset = runtime.capset();
    let given = |name: &str| capset.iter().any(|entry| entry.name_bytes() == name.as_bytes());
    let attack = ATTACKS.iter().find(|(name, _)| given(name));
    let (is_neighbour, quiet) = (given("neighbour"), given("quiet"));
    if let Some((name, attack)) = attack {
        let mut guest = Guest::start(&mut runtime, "attacker");
        guest.step(&name["attack:".len()..], attack);
        return 0;
    }
    if is_neighbour {
        return neighbour::run(&mut Guest::start(&mut runtime, "neighbour"));
    }
    director::run(Guest::start(&mut runtime, "attack"), quiet)
}

capos_rt::entry_point!(main);
