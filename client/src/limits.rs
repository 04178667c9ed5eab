//! What the chain's constants allow: asked before anything is sent, so that no fee is lost.
//!
//! A constant that the chain does not have checks nothing; the chain decides then.

use std::ops::RangeInclusive;

use assay_primitives::{Assurance, AssuranceClasses, Balance, BlockNumber};

use crate::{
    amount,
    calls::Share,
    names::{format_classes, AssuranceArgument},
    Client, Error, Result,
};

impl Client {
    /// Whether a bond is large enough to register with.
    pub async fn check_bond(&self, bond: Balance) -> Result<()> {
        bond_fits(bond, self.constant("Operators", "MinBond").await)
    }

    /// Whether an operator may declare so many runs at once.
    pub async fn check_concurrency(&self, concurrency: u32) -> Result<()> {
        concurrency_fits(concurrency, self.constant("Operators", "MaxConcurrency").await)
    }

    /// Whether an operator may want so many blocks for an answer.
    pub async fn check_response_blocks(&self, blocks: BlockNumber) -> Result<()> {
        response_fits(blocks, self.constant("Operators", "MaxResponseBlocks").await)
    }

    /// Whether an owner may ask for a royalty.
    pub async fn check_royalty(&self, royalty: Share) -> Result<()> {
        royalty_fits(royalty, self.constant("ModelRegistry", "MaxRoyalty").await)
    }

    /// Whether versions may offer the classes.
    pub async fn check_classes(&self, classes: AssuranceClasses) -> Result<()> {
        classes_fit(classes, self.constant("ModelRegistry", "AvailableClasses").await)
    }

    /// Whether a request in this class may be answered within so many blocks from the best one.
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

/// Blocks from the best one that a deadline may be away. The chain counts from the block that
/// includes the request, which is the next one at the earliest.
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
        "a deadline of {blocks} blocks cannot be: {} needs {} at least, and the chain takes {} at \
         most",
        AssuranceArgument(assurance),
        allowed.start(),
        allowed.end()
    )))
}

fn bond_fits(bond: Balance, least: Option<Balance>) -> Result<()> {
    match least {
        Some(least) if bond < least => Err(Error::invalid(format!(
            "the bond {} is under the minimum of {}",
            amount::display(bond),
            amount::display(least)
        ))),
        _ => Ok(()),
    }
}

fn concurrency_fits(concurrency: u32, most: Option<u32>) -> Result<()> {
    match most {
        Some(most) if concurrency > most => Err(Error::invalid(format!(
            "{concurrency} runs at once are more than the {most} that may be declared"
        ))),
        _ => Ok(()),
    }
}

fn response_fits(blocks: BlockNumber, most: Option<BlockNumber>) -> Result<()> {
    match most {
        Some(most) if !(1..=most).contains(&blocks) => Err(Error::invalid(format!(
            "an operator may want 1 to {most} blocks for an answer, not {blocks}"
        ))),
        _ => Ok(()),
    }
}

fn royalty_fits(royalty: Share, most: Option<Share>) -> Result<()> {
    match most {
        Some(most) if royalty > most => {
            Err(Error::invalid(format!("the royalty {royalty} is above the maximum of {most}")))
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
    fn a_message_tells_the_bound() {
        let share = |text| Share::from_percent(text).unwrap();
        let classes = |text| parse_classes(text).unwrap();
        for (result, message) in [
            (
                bond_fits(10 * ASY, Some(1000 * ASY)),
                "the bond 10 ASY is under the minimum of 1000 ASY",
            ),
            (
                royalty_fits(share("60"), Some(share("50"))),
                "the royalty 60% is above the maximum of 50%",
            ),
            (
                concurrency_fits(2000, Some(1024)),
                "2000 runs at once are more than the 1024 that may be declared",
            ),
            (
                response_fits(0, Some(450)),
                "an operator may want 1 to 450 blocks for an answer, not 0",
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
    fn the_bound_itself_is_allowed_and_no_bound_refuses_nothing() {
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
        assert!(error.to_string().contains("quorum:3,2 needs 9 at least"), "{error}");
    }
}
