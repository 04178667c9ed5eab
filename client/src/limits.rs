//! Checks against bounds that are constants of the chain, before anything is sent, so that no fee is
//! lost.
//!
//! If the runtime does not have a constant, its check passes and the chain decides. Each check fails
//! with [`Error::Invalid`].

use std::ops::RangeInclusive;

use assay_primitives::{Assurance, AssuranceClass, AssuranceClasses, Balance, BlockNumber};

use crate::{
    amount,
    calls::Share,
    names::{format_classes, AssuranceArgument},
    Client, Error, Result,
};

impl Client {
    /// Checks that a bond, in plancks, is large enough for a registration.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if it is below the minimum.
    pub async fn check_bond(&self, bond: Balance) -> Result<()> {
        bond_fits(bond, self.constant("Operators", "MinBond").await)
    }

    /// Checks the concurrency of an offer.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if it exceeds the maximum.
    pub async fn check_concurrency(&self, concurrency: u32) -> Result<()> {
        concurrency_fits(concurrency, self.constant("Operators", "MaxConcurrency").await)
    }

    /// Checks the response blocks of an offer for the classes.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if they are 0 or exceed the maximum, or with class `Optimistic` the present
    /// time for a move of a dispute: nobody so slow is drawn for it.
    pub async fn check_response_blocks(
        &self,
        blocks: BlockNumber,
        classes: AssuranceClasses,
    ) -> Result<()> {
        response_fits(blocks, self.constant("Operators", "MaxResponseBlocks").await)?;
        match classes.contains(AssuranceClass::Optimistic) {
            true => response_fits_disputes(blocks, self.dispute_timing().await?.response),
            false => Ok(()),
        }
    }

    /// Checks a royalty.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if it exceeds the maximum.
    pub async fn check_royalty(&self, royalty: Share) -> Result<()> {
        royalty_fits(royalty, self.constant("ModelRegistry", "MaxRoyalty").await)
    }

    /// Checks that versions may offer the classes.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the chain does not support one of them.
    pub async fn check_classes(&self, classes: AssuranceClasses) -> Result<()> {
        classes_fit(classes, self.constant("ModelRegistry", "AvailableClasses").await)
    }

    /// Checks the deadline of a request in blocks, counted from the best block.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if it is out of bounds for the class.
    pub async fn check_deadline(&self, assurance: Assurance, blocks: BlockNumber) -> Result<()> {
        let (least, reveal, most) = futures::join!(
            self.constant("Inference", "MinDeadline"),
            self.constant("Inference", "RevealWindow"),
            self.constant("Inference", "MaxDeadline"),
        );
        match (least, reveal, most) {
            (Some(least), Some(reveal), Some(most)) => {
                deadline_fits(blocks, assurance, deadlines(assurance, least, reveal, most))
            },
            _ => Ok(()),
        }
    }
}

/// Bounds of a deadline in blocks, counted from the best block. The chain counts from the block that
/// includes the request, which is at the earliest the next one.
fn deadlines(
    assurance: Assurance,
    least: BlockNumber,
    reveal: BlockNumber,
    most: BlockNumber,
) -> RangeInclusive<BlockNumber> {
    let least = match assurance {
        Assurance::Quorum { .. } => least.saturating_add(reveal),
        _ => least,
    };
    least.saturating_add(1)..=most
}

fn deadline_fits(
    blocks: BlockNumber,
    assurance: Assurance,
    allowed: RangeInclusive<BlockNumber>,
) -> Result<()> {
    if allowed.contains(&blocks) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "a deadline of {blocks} blocks is out of bounds: {} needs at least {}, and the maximum is {}",
        AssuranceArgument(assurance),
        allowed.start(),
        allowed.end()
    )))
}

fn bond_fits(bond: Balance, least: Option<Balance>) -> Result<()> {
    match least {
        Some(least) if bond < least => Err(Error::invalid(format!(
            "the bond of {} is below the minimum of {}",
            amount::display(bond),
            amount::display(least)
        ))),
        _ => Ok(()),
    }
}

fn concurrency_fits(concurrency: u32, most: Option<u32>) -> Result<()> {
    match most {
        Some(most) if concurrency > most => Err(Error::invalid(format!(
            "the concurrency {concurrency} exceeds the maximum of {most}"
        ))),
        _ => Ok(()),
    }
}

fn response_fits(blocks: BlockNumber, most: Option<BlockNumber>) -> Result<()> {
    match most {
        Some(most) if !(1..=most).contains(&blocks) => Err(Error::invalid(format!(
            "the response blocks must be from 1 to {most}, not {blocks}"
        ))),
        _ => Ok(()),
    }
}

fn response_fits_disputes(blocks: BlockNumber, most: BlockNumber) -> Result<()> {
    match blocks > most {
        true => Err(Error::invalid(format!(
            "the response blocks must be at most {most} with class optimistic, not {blocks}: in a \
             dispute the model is run again within that time; name fewer blocks, or other classes"
        ))),
        false => Ok(()),
    }
}

fn royalty_fits(royalty: Share, most: Option<Share>) -> Result<()> {
    match most {
        Some(most) if royalty > most => {
            Err(Error::invalid(format!("the royalty {royalty} exceeds the maximum of {most}")))
        },
        _ => Ok(()),
    }
}

fn classes_fit(classes: AssuranceClasses, available: Option<AssuranceClasses>) -> Result<()> {
    let Some(available) = available else { return Ok(()) };
    match classes.iter().find(|class| !available.contains(*class)) {
        Some(class) => Err(Error::invalid(format!(
            "class {} is not available on this chain; available: {}",
            class.name(),
            format_classes(available)
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::parse_classes;
    use assay_primitives::ASY;

    #[test]
    fn a_message_states_the_bound() {
        let share = |text| Share::from_percent(text).unwrap();
        let classes = |text| parse_classes(text).unwrap();
        for (result, message) in [
            (
                bond_fits(10 * ASY, Some(1000 * ASY)),
                "the bond of 10 ASY is below the minimum of 1000 ASY",
            ),
            (
                royalty_fits(share("60"), Some(share("50"))),
                "the royalty 60% exceeds the maximum of 50%",
            ),
            (
                concurrency_fits(2000, Some(1024)),
                "the concurrency 2000 exceeds the maximum of 1024",
            ),
            (response_fits(0, Some(450)), "the response blocks must be from 1 to 450, not 0"),
            (
                response_fits_disputes(76, 75),
                "the response blocks must be at most 75 with class optimistic, not 76: in a dispute \
                 the model is run again within that time; name fewer blocks, or other classes",
            ),
            (
                classes_fit(classes("signed,tee"), Some(classes("signed,quorum"))),
                "class tee is not available on this chain; available: signed,quorum",
            ),
        ] {
            assert_eq!(result.unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn the_bound_itself_is_allowed_and_without_a_bound_everything_is() {
        let half = Share::from_percent("50").unwrap();
        bond_fits(ASY, Some(ASY)).unwrap();
        bond_fits(0, None).unwrap();
        royalty_fits(half, Some(half)).unwrap();
        royalty_fits(Share::ONE, None).unwrap();
        concurrency_fits(8, Some(8)).unwrap();
        classes_fit(parse_classes("tee").unwrap(), None).unwrap();
    }

    #[test]
    fn a_quorum_needs_time_to_reveal_too() {
        let quorum = Assurance::Quorum { n: 3, k: 2 };
        for (assurance, blocks, fits) in [
            (Assurance::Signed, 3, false),
            (Assurance::Signed, 4, true),
            (quorum, 8, false),
            (quorum, 9, true),
            (quorum, 1800, true),
            (quorum, 1801, false),
        ] {
            let result = deadline_fits(blocks, assurance, deadlines(assurance, 3, 5, 1800));
            assert_eq!(result.is_ok(), fits, "{assurance:?} {blocks}");
        }
        let error = deadline_fits(3, quorum, deadlines(quorum, 3, 5, 1800)).unwrap_err();
        assert!(error.to_string().contains("quorum:3,2 needs at least 9"), "{error}");
    }
}
