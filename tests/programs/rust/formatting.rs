// Formatting of integers, floats, text and nested values by core::fmt; parsing them again.
#![no_std]
#![no_main]
mod shim;

#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Circle { radius: f64 },
    Path(&'static [(i32, i32)]),
    Empty,
}

pub fn run() {
    for n in [0i64, 1, -1, 42, i64::MAX, i64::MIN, 1_000_000_007] {
        out!("{n} {n:+} {n:#x} {n:#b} {n:>24} {n:<24}| {n:^24} {:e}\n", n);
    }
    for x in [0.0f64, -0.0, 1.5, 0.1, 1e21, 1e-7, 123456.789, f64::MAX, f64::MIN_POSITIVE, f64::NAN, f64::INFINITY] {
        out!("{x} {x:?} {x:.3} {x:e} {} {}\n", x as f32, x as i32);
    }
    for shape in [Shape::Circle { radius: 2.25 }, Shape::Path(&[(1, 2), (-3, 4)]), Shape::Empty] {
        out!("{shape:?} {shape:#?} {}\n", shape == Shape::Empty);
    }
    for text in ["3.25", "-1e300", "179769313486231570000", "0.000123", "nan", "x"] {
        out!("{:?} {:?} {:?}\n", text.parse::<f64>(), text.parse::<f32>(), text.parse::<u8>());
    }
    let text = "Größe, π ≈ 3,14 – naïve café";
    out!("{} {} {:?}\n", text.len(), text.chars().count(), text.char_indices().nth(7));
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        out!("[{word:?} {}]", word.chars().rev().map(|c| c as u32).sum::<u32>());
    }
    out!("\n");
}
