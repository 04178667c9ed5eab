//! Assurance classes: the kinds of evidence that can support a result.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Maximum number of operators in a quorum.
pub const MAX_COMMITTEE: u8 = 15;

/// The assurance that a request asks for. It never changes, and the receipt records it.
///
/// ```
/// use assay_primitives::Assurance;
///
/// assert!(Assurance::Quorum { n: 3, k: 2 }.is_well_formed());
/// // Two of four is not a majority.
/// assert!(!Assurance::Quorum { n: 4, k: 2 }.is_well_formed());
/// ```
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// One operator signs its result with a bonded key.
    #[codec(index = 0)]
    Signed,
    /// `n` operators, drawn at random, commit to their results and then reveal them. `k` equal
    /// results win. Members with another result are not paid, and lose part of their bonds if a
    /// proof shows that it is wrong.
    ///
    /// Bounds: `2 <= n <= MAX_COMMITTEE` and `n / 2 < k <= n`, so that at most one result can win.
    #[codec(index = 1)]
    Quorum {
        /// Number of operators drawn.
        n: u8,
        /// Number of equal results needed.
        k: u8,
    },
    /// One operator answers, with the root of its trace. Anyone may dispute the result within the
    /// dispute window. The result becomes final if no dispute is won.
    ///
    /// Requires a version of the format `IntegerGraph` and an inline input.
    #[codec(index = 2)]
    Optimistic,
    /// One operator proves that the model's integer graph maps the input to its output.
    ///
    /// Requires a version of the format `IntegerGraph` and an inline input.
    #[codec(index = 3)]
    Proof,
    /// An attested enclave signs its result. Not available in this version.
    #[codec(index = 4)]
    Tee,
}

/// An [`Assurance`] without its parameters.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum AssuranceClass {
    /// See [`Assurance::Signed`].
    #[codec(index = 0)]
    Signed,
    /// See [`Assurance::Quorum`].
    #[codec(index = 1)]
    Quorum,
    /// See [`Assurance::Optimistic`].
    #[codec(index = 2)]
    Optimistic,
    /// See [`Assurance::Proof`].
    #[codec(index = 3)]
    Proof,
    /// See [`Assurance::Tee`].
    #[codec(index = 4)]
    Tee,
}

impl AssuranceClass {
    /// All classes, in the order of their encoding.
    pub const ALL: [Self; 5] =
        [Self::Signed, Self::Quorum, Self::Optimistic, Self::Proof, Self::Tee];

    /// The name used in commands and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Quorum => "quorum",
            Self::Optimistic => "optimistic",
            Self::Proof => "proof",
            Self::Tee => "tee",
        }
    }
}

impl Assurance {
    /// The class of this assurance.
    pub const fn class(self) -> AssuranceClass {
        match self {
            Self::Signed => AssuranceClass::Signed,
            Self::Quorum { .. } => AssuranceClass::Quorum,
            Self::Optimistic => AssuranceClass::Optimistic,
            Self::Proof => AssuranceClass::Proof,
            Self::Tee => AssuranceClass::Tee,
        }
    }

    /// The number of operators that are drawn.
    pub const fn committee_size(self) -> u8 {
        match self {
            Self::Quorum { n, .. } => n,
            _ => 1,
        }
    }

    /// Whether the parameters are within their bounds.
    pub const fn is_well_formed(self) -> bool {
        match self {
            Self::Quorum { n, k } => {
                n >= 2 && n <= MAX_COMMITTEE && k <= n && (k as u16) * 2 > n as u16
            },
            _ => true,
        }
    }
}

/// A set of classes. Bit `i` stands for class `i` of [`AssuranceClass::ALL`].
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(transparent)]
pub struct AssuranceClasses(pub u8);

impl AssuranceClasses {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// This set with `class`.
    #[must_use]
    pub const fn with(self, class: AssuranceClass) -> Self {
        Self(self.0 | Self::bit(class))
    }

    /// This set without `class`.
    #[must_use]
    pub const fn without(self, class: AssuranceClass) -> Self {
        Self(self.0 & !Self::bit(class))
    }

    /// Whether the set contains `class`.
    pub const fn contains(self, class: AssuranceClass) -> bool {
        self.0 & Self::bit(class) != 0
    }

    /// Whether the set contains every class of `other`.
    pub const fn contains_all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether only bits of known classes are set.
    pub const fn is_well_formed(self) -> bool {
        self.0 < 1 << AssuranceClass::ALL.len()
    }

    /// The classes of the set, in the order of their encoding.
    pub fn iter(self) -> impl Iterator<Item = AssuranceClass> {
        AssuranceClass::ALL.into_iter().filter(move |class| self.contains(*class))
    }

    const fn bit(class: AssuranceClass) -> u8 {
        1 << class as u8
    }
}

impl FromIterator<AssuranceClass> for AssuranceClasses {
    fn from_iter<I: IntoIterator<Item = AssuranceClass>>(classes: I) -> Self {
        classes.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_majority_within_bounds_is_a_quorum() {
        for n in 0..=u8::MAX {
            for k in 0..=u8::MAX {
                let expected =
                    (2..=MAX_COMMITTEE).contains(&n) && k <= n && u16::from(k) * 2 > u16::from(n);
                assert_eq!(Assurance::Quorum { n, k }.is_well_formed(), expected, "{n} {k}");
            }
        }
    }

    #[test]
    fn a_set_of_classes_holds_what_was_put_in() {
        let set: AssuranceClasses =
            [AssuranceClass::Signed, AssuranceClass::Tee].into_iter().collect();
        assert!(set.contains(AssuranceClass::Tee));
        assert!(!set.contains(AssuranceClass::Quorum));
        assert!(set.contains_all(AssuranceClasses::NONE.with(AssuranceClass::Signed)));
        assert_eq!(set.iter().count(), 2);
        assert_eq!(set.without(AssuranceClass::Tee).without(AssuranceClass::Signed).0, 0);
        assert!(!AssuranceClasses(0x80).is_well_formed());
    }
}
