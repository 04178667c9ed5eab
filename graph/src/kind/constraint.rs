//! The constraints that a proof checks, as statements about integers.
//!
//! A proof checks them in a field, for numbers about which it knows only what other constraints
//! state. If [`Constraint::is_exact`] holds for all possible values of these numbers, the statement
//! in the field implies the statement about integers.

use crate::{bounds::PROOF_FIELD_ORDER, interval::Interval, requantize::Clamp};
use alloc::{boxed::Box, vec::Vec};

/// One output element of an operation and the values from which it is computed. The intervals hold
/// one integer each, or are bounds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Element {
    /// The output element.
    pub output: Interval,
    /// The exact result of a linear operation on its inputs, weights and bias.
    pub sum: Interval,
    /// For other operations, the input elements from which the element is computed, padding
    /// included.
    pub inputs: Vec<Interval>,
    /// Channel of the element; `None` for bounds of all channels.
    pub channel: Option<usize>,
    /// Quotient and remainder, to which a requantisation commits in addition to the output.
    pub division: [Interval; 2],
}

/// A statement that a proof checks about an element.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Constraint {
    /// Both sides are equal.
    Equal {
        /// Left side.
        left: Interval,
        /// Right side.
        right: Interval,
    },
    /// The value is in `[0, 2^bits)`. Checked by lookups of limbs.
    Range {
        /// The value.
        value: Interval,
        /// Number of bits.
        bits: u8,
    },
    /// One of the values is zero. Checked by their product, which may exceed every bound because a
    /// field has no zero divisors.
    OneIsZero(Vec<Interval>),
    /// The key is in the window, and the value is the clamped key. Checked by a lookup.
    Clamped {
        /// The key, a quotient.
        key: Interval,
        /// The value.
        value: Interval,
        /// The window is `[-2^(bits-1), 2^(bits-1))`.
        bits: u8,
        /// The clamping interval.
        clamp: Clamp,
    },
    /// The value is the table's entry for the key, an int8 value. Checked by a lookup.
    Mapped {
        /// The key.
        key: Interval,
        /// The value.
        value: Interval,
        /// The entries for -128 to 127.
        table: Box<[i8; 256]>,
    },
}

impl Constraint {
    /// Whether the constraint on field elements is equivalent to the constraint on integers, for
    /// all integers in the intervals.
    pub fn is_exact(&self) -> bool {
        match self {
            Self::Equal { left, right } => left.minus(*right).is_below_order(),
            Self::Range { value, bits } => value.minus(Interval::bits(*bits)).is_below_order(),
            Self::OneIsZero(values) => values.iter().all(|value| value.is_below_order()),
            Self::Clamped { key, value, bits, .. } => {
                let window = Self::window(*bits);
                [key.minus(window), value.minus(Interval::INT8)]
                    .into_iter()
                    .all(Interval::is_below_order)
            },
            Self::Mapped { key, value, .. } => {
                [key, value].into_iter().all(|side| side.minus(Interval::INT8).is_below_order())
            },
        }
    }

    /// Whether the constraint holds in the field, for intervals of one integer each.
    pub fn holds_in_field(&self) -> bool {
        let reduced = |value: &Interval| value.lo.rem_euclid(PROOF_FIELD_ORDER);
        // The representative of the field element that is closest to zero.
        let centred = |value: &Interval| match reduced(value) {
            high if high > PROOF_FIELD_ORDER / 2 => high - PROOF_FIELD_ORDER,
            low => low,
        };
        match self {
            Self::Equal { left, right } => reduced(left) == reduced(right),
            Self::Range { value, bits } => reduced(value) < 1 << bits,
            Self::OneIsZero(values) => values.iter().any(|value| reduced(value) == 0),
            Self::Clamped { key, value, bits, clamp } => {
                let (key, window) = (centred(key), Self::window(*bits));
                Interval::point(key).is_within(window)
                    && centred(value) == i128::from(clamp.apply(key as i64))
            },
            Self::Mapped { key, value, table } => {
                let row = usize::try_from(centred(key) + 128).ok();
                let entry = row.and_then(|row| table.get(row));
                entry.is_some_and(|entry| centred(value) == i128::from(*entry))
            },
        }
    }

    /// The window of a clamp.
    const fn window(bits: u8) -> Interval {
        Interval { lo: -(1 << (bits - 1)), hi: (1 << (bits - 1)) - 1 }
    }
}
