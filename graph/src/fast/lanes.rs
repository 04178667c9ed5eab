//! Vector instructions: the few that sums of products require, for each instruction set.

/// Two 16-bit factors, the first in the low half.
pub(super) type Pair = u32;

/// Packs two factors.
#[inline(always)]
pub(super) const fn pair(first: i16, second: i16) -> Pair {
    first as u16 as u32 | (second as u16 as u32) << 16
}

/// Sign-extends each value.
#[inline(always)]
pub(super) fn widen(values: [i8; 16]) -> [i16; 16] {
    let mut wide = [0; 16];
    for (wide, value) in wide.iter_mut().zip(values) {
        *wide = i16::from(value);
    }
    wide
}

/// An instruction set that the current processor supports.
///
/// Call all methods except [`run`](Self::run) only within `run`, from functions that are always
/// inlined, and not from closures. A separate function would be compiled for the baseline
/// instruction set.
pub(super) trait Lanes: Copy + Send + Sync {
    /// Sixteen factors of 16 bits.
    type Factors: Copy;
    /// Eight sums modulo 2^32.
    type Sums: Copy;

    /// Runs a kernel compiled for this instruction set.
    fn run<K: Kernel>(self, kernel: K) -> K::Output;

    /// Loads sixteen factors.
    fn factors(self, values: [i16; 16]) -> Self::Factors;

    /// Loads sixteen factors of 8 bits.
    fn widen(self, values: [i8; 16]) -> Self::Factors;

    /// Loads sixteen factors given as pairs.
    fn pairs(self, pairs: [Pair; 8]) -> Self::Factors;

    /// Repeats a pair of factors eight times.
    fn repeat(self, pair: Pair) -> Self::Factors;

    /// Eight sums of zero.
    fn zero(self) -> Self::Sums;

    /// Adds the products of elements `2·i` and `2·i + 1` to sum `i`.
    fn add_products(self, sums: Self::Sums, a: Self::Factors, b: Self::Factors) -> Self::Sums;

    /// Stores the sums.
    fn values(self, sums: Self::Sums) -> [i32; 8];
}

/// A computation with its operands.
pub(super) trait Kernel {
    /// The result.
    type Output;

    /// Computes the result. Implementations must be `#[inline(always)]`.
    fn run(self, lanes: impl Lanes) -> Self::Output;
}

/// The baseline, for any processor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Portable;

impl Lanes for Portable {
    type Factors = [i16; 16];
    type Sums = [i32; 8];

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    #[inline(always)]
    fn factors(self, values: [i16; 16]) -> [i16; 16] {
        values
    }

    #[inline(always)]
    fn widen(self, values: [i8; 16]) -> [i16; 16] {
        self.factors(widen(values))
    }

    #[inline(always)]
    fn pairs(self, pairs: [Pair; 8]) -> [i16; 16] {
        let mut factors = [0; 16];
        for (factors, pair) in factors.chunks_exact_mut(2).zip(pairs) {
            factors.copy_from_slice(&[pair as i16, (pair >> 16) as i16]);
        }
        factors
    }

    #[inline(always)]
    fn repeat(self, pair: Pair) -> [i16; 16] {
        self.pairs([pair; 8])
    }

    #[inline(always)]
    fn zero(self) -> [i32; 8] {
        [0; 8]
    }

    #[inline(always)]
    fn add_products(self, sums: [i32; 8], a: [i16; 16], b: [i16; 16]) -> [i32; 8] {
        let product = |i: usize| i32::from(a[i]).wrapping_mul(i32::from(b[i]));
        core::array::from_fn(|i| {
            sums[i].wrapping_add(product(2 * i)).wrapping_add(product(2 * i + 1))
        })
    }

    #[inline(always)]
    fn values(self, sums: [i32; 8]) -> [i32; 8] {
        sums
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{widen, Kernel, Lanes, Pair};
    use pulp::{
        cast, i16x16, i16x8, i32x4, i32x8,
        x86::{V1, V3},
        NullaryFnOnce,
    };

    struct Call<K, L> {
        kernel: K,
        lanes: L,
    }

    impl<K: Kernel, L: Lanes> NullaryFnOnce for Call<K, L> {
        type Output = K::Output;

        #[inline(always)]
        fn call(self) -> K::Output {
            self.kernel.run(self.lanes)
        }
    }

    /// AVX2.
    impl Lanes for V3 {
        type Factors = i16x16;
        type Sums = i32x8;

        #[inline(always)]
        fn run<K: Kernel>(self, kernel: K) -> K::Output {
            self.vectorize(Call { kernel, lanes: self })
        }

        #[inline(always)]
        fn factors(self, values: [i16; 16]) -> i16x16 {
            cast(values)
        }

        #[inline(always)]
        fn widen(self, values: [i8; 16]) -> i16x16 {
            self.convert_i8x16_to_i16x16(cast(values))
        }

        #[inline(always)]
        fn pairs(self, pairs: [Pair; 8]) -> i16x16 {
            cast(pairs)
        }

        #[inline(always)]
        fn repeat(self, pair: Pair) -> i16x16 {
            cast(self.splat_u32x8(pair))
        }

        #[inline(always)]
        fn zero(self) -> i32x8 {
            self.splat_i32x8(0)
        }

        #[inline(always)]
        fn add_products(self, sums: i32x8, a: i16x16, b: i16x16) -> i32x8 {
            self.wrapping_add_i32x8(sums, self.multiply_wrapping_add_adjacent_i16x16(a, b))
        }

        #[inline(always)]
        fn values(self, sums: i32x8) -> [i32; 8] {
            cast(sums)
        }
    }

    /// SSE2, the baseline of x86-64.
    impl Lanes for V1 {
        type Factors = [i16x8; 2];
        type Sums = [i32x4; 2];

        #[inline(always)]
        fn run<K: Kernel>(self, kernel: K) -> K::Output {
            self.vectorize(Call { kernel, lanes: self })
        }

        #[inline(always)]
        fn factors(self, values: [i16; 16]) -> [i16x8; 2] {
            cast(values)
        }

        #[inline(always)]
        fn widen(self, values: [i8; 16]) -> [i16x8; 2] {
            self.factors(widen(values))
        }

        #[inline(always)]
        fn pairs(self, pairs: [Pair; 8]) -> [i16x8; 2] {
            cast(pairs)
        }

        #[inline(always)]
        fn repeat(self, pair: Pair) -> [i16x8; 2] {
            [cast(self.splat_u32x4(pair)); 2]
        }

        #[inline(always)]
        fn zero(self) -> [i32x4; 2] {
            [self.splat_i32x4(0); 2]
        }

        #[inline(always)]
        fn add_products(self, sums: [i32x4; 2], a: [i16x8; 2], b: [i16x8; 2]) -> [i32x4; 2] {
            let half = |i: usize| {
                let products = self.multiply_wrapping_add_adjacent_i16x8(a[i], b[i]);
                self.wrapping_add_i32x4(sums[i], products)
            };
            [half(0), half(1)]
        }

        #[inline(always)]
        fn values(self, sums: [i32x4; 2]) -> [i32; 8] {
            cast(sums)
        }
    }
}
