//! Lookup tables. Each is public and has a multilinear extension that the verifier evaluates
//! directly.

use crate::field::{extend_index, extend_integers, int, prefix_moments, EF};
use alloc::boxed::Box;
use assay_graph::Clamp;

/// A table of pairs of key and value. Every row is a valid pair; there is no padding.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Table {
    /// `(i, 0)` for every `i` in `[0, 2^bits)`.
    Range {
        /// Number of bits.
        bits: usize,
    },
    /// `(q, clamp(q))` for every `q` in `[-2^(bits-1), 2^(bits-1))`.
    Clamp {
        /// The clamping interval.
        clamp: Clamp,
        /// Number of bits of `q`; at least 9, so that the table covers the interval.
        bits: usize,
    },
    /// `(x, values[x + 128])` for every int8 value `x`.
    Map {
        /// The values, in the order of their keys.
        values: Box<[i8; 256]>,
    },
}

impl Table {
    /// log2 of the number of rows.
    pub fn vars(&self) -> usize {
        match self {
            Self::Range { bits } | Self::Clamp { bits, .. } => *bits,
            Self::Map { .. } => 8,
        }
    }

    /// The key of a row is its index minus this offset.
    fn offset(&self) -> i64 {
        match self {
            Self::Range { .. } => 0,
            Self::Clamp { .. } | Self::Map { .. } => 1 << (self.vars() - 1),
        }
    }

    /// The value of a key, which must be in the table.
    #[cfg(feature = "prover")]
    pub fn value(&self, key: i64) -> i64 {
        match self {
            Self::Range { .. } => 0,
            Self::Clamp { clamp, .. } => i64::from(clamp.apply(key)),
            Self::Map { values } => i64::from(values[(key + 128) as usize]),
        }
    }

    /// The key of a row.
    #[cfg(feature = "prover")]
    pub fn key(&self, row: usize) -> i64 {
        row as i64 - self.offset()
    }

    /// The row of a key; `None` if the key is not in the table.
    #[cfg(feature = "prover")]
    pub fn row(&self, key: i64) -> Option<usize> {
        usize::try_from(key + self.offset()).ok().filter(|row| row >> self.vars() == 0)
    }

    /// The multilinear extensions of keys and values at a point.
    pub fn evaluate(&self, point: &[EF]) -> (EF, EF) {
        let key = extend_index(point) - EF::from(int(self.offset()));
        let value = match self {
            Self::Range { .. } => EF::default(),
            Self::Clamp { clamp, .. } => self.clamp_extension(*clamp, point),
            Self::Map { values } => extend_integers(values.iter().map(|&v| i64::from(v)), point),
        };
        (key, value)
    }

    /// The values are constant, then equal to the key, then constant; the time is linear in the
    /// number of bits.
    fn clamp_extension(&self, clamp: Clamp, point: &[EF]) -> EF {
        let (lo, hi) = (i64::from(clamp.lo()), i64::from(clamp.hi()));
        let offset = self.offset();
        // Rows below `first` hold `lo`, rows from `last` hold `hi`.
        let (first, last) = ((lo + offset) as usize, (hi + offset + 1) as usize);
        let (count_first, moment_first) = prefix_moments(point, first);
        let (count_last, moment_last) = prefix_moments(point, last);
        let middle = moment_last - moment_first - (count_last - count_first) * int(offset);
        let (all, _) = prefix_moments(point, 1 << point.len());
        count_first * int(lo) + middle + (all - count_last) * int(hi)
    }
}

#[cfg(all(test, feature = "prover"))]
mod tests {
    use super::*;
    use crate::field::{dot, eq_table, F};
    use p3_field::PrimeCharacteristicRing;

    fn assert_extension_is_the_table(table: Table) {
        let vars = table.vars() as u64;
        let point: Vec<EF> = (0..vars).map(|k| EF::from(F::from_u64(5 + 11 * k * k))).collect();
        let eq = eq_table(&point);
        let rows = 0..1usize << vars;
        let keys: Vec<F> = rows.clone().map(|row| int(table.key(row))).collect();
        let values: Vec<F> = rows.map(|row| int(table.value(table.key(row)))).collect();
        assert_eq!(table.evaluate(&point), (dot(&eq, &keys), dot(&eq, &values)), "{table:?}");
    }

    #[test]
    fn extensions_are_those_of_the_tables() {
        assert_extension_is_the_table(Table::Range { bits: 8 });
        for (lo, hi, bits) in
            [(0, 127, 10), (-128, 127, 9), (-128, 127, 11), (0, 0, 9), (-128, 0, 12), (-3, 5, 9)]
        {
            let clamp = Clamp::new(lo, hi).expect("holds zero");
            assert_extension_is_the_table(Table::Clamp { clamp, bits });
        }
        let values = core::array::from_fn(|i| (i * i + 7) as u8 as i8);
        assert_extension_is_the_table(Table::Map { values: Box::new(values) });
    }

    #[test]
    fn keys_outside_a_table_have_no_row() {
        let table = Table::Clamp { clamp: Clamp::FULL, bits: 9 };
        assert_eq!(table.row(-256), Some(0));
        assert_eq!(table.row(255), Some(511));
        assert_eq!((table.row(-257), table.row(256)), (None, None));
    }
}
