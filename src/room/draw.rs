//! The order that is drawn for a lobby, and how anybody can check it.
//!
//! Everybody who comes before the room opens is given a number, in order. At the opening those numbers are shuffled, and
//! the result depends on nothing but a seed of 32 bytes, how many numbers there are, and the first of them. The
//! SHA-256 of the seed is shown before the opening ([`commitment`]) and the seed after it. So whoever knows a number can
//! check that the seed is the one promised, and work out the place.
//!
//! # The algorithm
//!
//! `hash(round, value)` is SHA-256 over 37 bytes: the seed, `round` as one byte, `value` as four bytes, most significant
//! first. The first six bytes of it (the first twelve hexadecimal digits) are
//! a number, most significant first. `/` is division without remainder, `%` the remainder.
//!
//! 1. `position = number - start`. (A number outside of the lobby is its own place.)
//! 2. `rows` is the smallest number of which the square is not below `size`; `columns` the smallest of which `rows * columns`
//!    is not below `size`.
//! 3. `row = position / columns` and `column = position % columns`.
//! 4. For `round` from 0 to 5: when `round` is even, `row = (row + hash(round, column)) % rows`; when it is odd,
//!    `column = (column + hash(round, row)) % columns`.
//! 5. `position = row * columns + column`. When it is not below `size`, go on with step 3.
//! 6. The place is `start + position`.
//!
//! It is a Feistel network over a rectangle, made to fit by walking its cycles (Black and Rogaway, "Ciphers with Arbitrary
//! Finite Domains", 2002). In Python:
//!
//! ```python
//! from hashlib import sha256
//! from math import isqrt
//!
//! def place(seed, start, size, number):
//!     rows = isqrt(size - 1) + 1
//!     columns = -(-size // rows)
//!     def value(turn, other):
//!         return int(sha256(seed + bytes([turn]) + other.to_bytes(4, "big")).hexdigest()[:12], 16)
//!     position = number - start
//!     while True:
//!         row, column = divmod(position, columns)
//!         for turn in range(0, 6, 2):
//!             row = (row + value(turn, column)) % rows
//!             column = (column + value(turn + 1, row)) % columns
//!         position = row * columns + column
//!         if position < size:
//!             return start + position
//! ```
//!
//! With the seed `00 01 02 … 1f`, `start` 1000 and `size` 10, the numbers 1000 to 1009 have the places
//! 1003, 1000, 1006, 1008, 1002, 1005, 1001, 1007, 1004 and 1009. The commitment to that seed is
//! `630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd`.

use aws_lc_rs::digest::{SHA256, digest};

use super::store::DrawRecord;

/// The order drawn for one lobby: a permutation of its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// The first number of the lobby.
    pub start: u32,
    /// How many numbers it has.
    pub size: u32,
    /// What decides the order.
    pub seed: [u8; 32],
}

/// Three for each side: every position then depends on all of every other, several times over.
const ROUNDS: u8 = 6;

impl Draw {
    /// The place drawn for a number; outside of the lobby, the number itself.
    #[must_use]
    pub fn place(&self, number: u32) -> u32 {
        self.walk(number, |cell, sides| {
            (0..ROUNDS).fold(cell, |cell, round| self.turn(cell, sides, round, |side, by, of| (side + by) % of))
        })
    }

    /// The number that a place was drawn for: the inverse of [`Draw::place`].
    #[must_use]
    pub fn number(&self, place: u32) -> u32 {
        self.walk(place, |cell, sides| {
            (0..ROUNDS)
                .rev()
                .fold(cell, |cell, round| self.turn(cell, sides, round, |side, by, of| (side + of - by) % of))
        })
    }

    /// Applies a permutation of the smallest rectangle that holds the lobby until a position is in the lobby again.
    fn walk(&self, number: u32, permute: impl Fn(Cell, Cell) -> Cell) -> u32 {
        let Some(start) = number.checked_sub(self.start).filter(|position| *position < self.size) else {
            return number;
        };
        let rows = u64::from((self.size - 1).isqrt() + 1);
        let columns = u64::from(self.size).div_ceil(rows);
        let mut position = u64::from(start);
        // It returns to where it started at the latest, so this ends.
        loop {
            let cell = permute((position / columns, position % columns), (rows, columns));
            position = cell.0 * columns + cell.1;
            if position < u64::from(self.size) {
                return self.start.wrapping_add(position as u32);
            }
        }
    }

    /// Moves a cell along one side, as far as its place on the other side says.
    fn turn(&self, cell: Cell, sides: Cell, round: u8, shift: impl Fn(u64, u64, u64) -> u64) -> Cell {
        let ((row, column), (rows, columns)) = (cell, sides);
        if round.is_multiple_of(2) {
            (shift(row, self.hash(round, column) % rows, rows), column)
        } else {
            (row, shift(column, self.hash(round, row) % columns, columns))
        }
    }

    /// All that is hashed has the same length, so that a plain hash is as good as a keyed one.
    fn hash(&self, round: u8, value: u64) -> u64 {
        let mut text = [0; 37];
        let parts = [&self.seed[..], &[round], &(value as u32).to_be_bytes()];
        for (byte, part) in text.iter_mut().zip(parts.into_iter().flatten()) {
            *byte = *part;
        }
        digest(&SHA256, &text).as_ref().iter().take(6).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

impl From<DrawRecord> for Draw {
    fn from(record: DrawRecord) -> Self {
        Self { start: record.start, size: record.size, seed: record.seed }
    }
}

/// A row and a column, or how many there are.
type Cell = (u64, u64);

/// What is shown of a seed before the draw: its SHA-256.
#[must_use]
pub fn commitment(seed: &[u8; 32]) -> [u8; 32] {
    let mut hash = [0; 32];
    for (byte, part) in hash.iter_mut().zip(digest(&SHA256, seed).as_ref()) {
        *byte = *part;
    }
    hash
}

#[cfg(test)]
mod tests;
