// Generics, traits behind references, closures, and a small grid; panics are never reached.
#![no_std]
#![no_main]
mod shim;

trait Rule {
    fn next(&self, alive: bool, neighbours: usize) -> bool;
}
struct Life;
struct Seeds;
struct Table<const N: usize>([bool; N]);

impl Rule for Life {
    fn next(&self, alive: bool, neighbours: usize) -> bool {
        matches!((alive, neighbours), (true, 2) | (_, 3))
    }
}
impl Rule for Seeds {
    fn next(&self, alive: bool, neighbours: usize) -> bool {
        !alive && neighbours == 2
    }
}
impl<const N: usize> Rule for Table<N> {
    fn next(&self, alive: bool, neighbours: usize) -> bool {
        self.0[(neighbours + usize::from(alive) * 9) % N]
    }
}

fn step<const W: usize, const H: usize>(grid: &[[bool; W]; H], rule: &dyn Rule) -> [[bool; W]; H] {
    let mut next = [[false; W]; H];
    for y in 0..H {
        for x in 0..W {
            let near = (0..9).filter(|k| *k != 4);
            let neighbours = near.filter(|k| grid[(y + k / 3 + H - 1) % H][(x + k % 3 + W - 1) % W]).count();
            next[y][x] = rule.next(grid[y][x], neighbours);
        }
    }
    next
}

pub fn run() {
    let table = Table::<18>(core::array::from_fn(|i| i % 3 == 1 || i == 12));
    let rules: [(&str, &dyn Rule); 3] = [("life", &Life), ("seeds", &Seeds), ("table", &table)];
    for (name, rule) in rules {
        let mut grid: [[bool; 40]; 16] = core::array::from_fn(|y| core::array::from_fn(|x| (x * x + 3 * y * y + x * y) % 5 < 2));
        for _ in 0..25 {
            grid = step(&grid, rule);
        }
        let alive = grid.iter().flatten().filter(|cell| **cell).count();
        out!("{name} {alive}\n");
        for row in &grid {
            row.iter().for_each(|cell| out!("{}", if *cell { '#' } else { '.' }));
            out!("\n");
        }
    }
}
