//! The division of a price between operator, model owner and treasury.

use sp_arithmetic::{per_things::Rounding, Perbill};

/// `share` of `amount`, rounded down.
pub fn share_of(amount: u128, share: Perbill) -> u128 {
    sp_arithmetic::helpers_128bit::multiply_by_rational_with_rounding(
        amount,
        u128::from(share.deconstruct()),
        u128::from(Perbill::from_percent(100).deconstruct()),
        Rounding::Down,
    )
    // A share is at most one, so the result fits into 128 bits.
    .unwrap_or(amount)
}

/// The parts of one operator's price, which add up to it exactly. Unit: that of the price.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Shares {
    /// The operator's part.
    pub operator: u128,
    /// The royalty of the model's owner.
    pub royalty: u128,
    /// The treasury's part.
    pub treasury: u128,
}

/// Divides `price`. Treasury and royalty are shares of the whole price, both rounded down; the
/// operator gets the rest. If both shares together exceed the price, the royalty is reduced.
///
/// ```
/// use assay_math::{split_price, Shares};
/// use sp_arithmetic::Perbill;
///
/// let shares = split_price(99, Perbill::from_percent(10), Perbill::from_percent(5));
/// assert_eq!(shares, Shares { operator: 86, royalty: 9, treasury: 4 });
/// ```
pub fn split_price(price: u128, royalty: Perbill, treasury: Perbill) -> Shares {
    let treasury = share_of(price, treasury);
    let royalty = share_of(price, royalty).min(price.saturating_sub(treasury));
    let operator = price.saturating_sub(treasury).saturating_sub(royalty);
    Shares { operator, royalty, treasury }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rounding_is_against_the_claimants() {
        let shares = split_price(99, Perbill::from_percent(10), Perbill::from_percent(5));
        assert_eq!(shares, Shares { operator: 86, royalty: 9, treasury: 4 });
    }

    #[test]
    fn shares_above_the_whole_reduce_the_royalty() {
        let shares = split_price(100, Perbill::from_percent(80), Perbill::from_percent(30));
        assert_eq!(shares, Shares { operator: 0, royalty: 70, treasury: 30 });
    }

    proptest! {
        #[test]
        fn the_parts_add_up_to_the_price(
            price in any::<u128>(), a in 0u32..=1_000_000_000, b in 0u32..=1_000_000_000,
        ) {
            let shares = split_price(price, Perbill::from_parts(a), Perbill::from_parts(b));
            let sum = shares.operator.checked_add(shares.royalty);
            let sum = sum.and_then(|sum| sum.checked_add(shares.treasury));
            prop_assert_eq!(sum, Some(price));
        }

        #[test]
        fn a_share_is_the_exact_quotient_rounded_down(
            amount in 0u128..1 << 96, parts in 0u32..=1_000_000_000,
        ) {
            prop_assert_eq!(
                share_of(amount, Perbill::from_parts(parts)),
                amount * u128::from(parts) / 1_000_000_000
            );
        }
    }
}
