//! How a price is divided.

use sp_arithmetic::{per_things::Rounding, Perbill};

/// `share` of `amount`, rounded down: against the claimant.
pub fn share_of(amount: u128, share: Perbill) -> u128 {
    sp_arithmetic::helpers_128bit::multiply_by_rational_with_rounding(
        amount,
        u128::from(share.deconstruct()),
        u128::from(Perbill::from_percent(100).deconstruct()),
        Rounding::Down,
    )
    // A share is at most one, so the product always fits.
    .unwrap_or(amount)
}

/// The parts of one operator's price. They add up to the price exactly.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Shares {
    /// The operator's.
    pub operator: u128,
    /// The model owner's.
    pub royalty: u128,
    /// The treasury's.
    pub treasury: u128,
}

/// Divides `price`. The treasury takes its share of the whole first, the royalty its share of
/// the whole next, both rounded down; the operator has the rest. Where the two shares are more
/// than the whole, the royalty gives way.
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
    fn shares_above_the_whole_leave_nothing_but_lose_nothing() {
        let shares = split_price(100, Perbill::from_percent(80), Perbill::from_percent(30));
        assert_eq!(shares, Shares { operator: 0, royalty: 70, treasury: 30 });
    }

    proptest! {
        #[test]
        fn nothing_is_made_or_lost(price in any::<u128>(), a in 0u32..=1_000_000_000, b in 0u32..=1_000_000_000) {
            let shares = split_price(price, Perbill::from_parts(a), Perbill::from_parts(b));
            let sum = shares.operator.checked_add(shares.royalty).and_then(|s| s.checked_add(shares.treasury));
            prop_assert_eq!(sum, Some(price));
        }

        #[test]
        fn a_share_is_the_exact_quotient_rounded_down(amount in 0u128..1 << 96, parts in 0u32..=1_000_000_000) {
            prop_assert_eq!(
                share_of(amount, Perbill::from_parts(parts)),
                amount * u128::from(parts) / 1_000_000_000
            );
        }
    }
}
