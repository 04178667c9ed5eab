//! Assurance classes: what makes an answer credible.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// The most operators one quorum may draw.
pub const MAX_COMMITTEE: u8 = 15;

/// What a request asks for. The receipt records it; nobody can lower it afterwards.
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
    /// `n` operators, drawn at random, commit to their results, then reveal them. `k` equal
    /// results win; members that revealed another one lose bond.
    ///
    /// Bounds: `2 <= n <= MAX_COMMITTEE`, `n/2 < k <= n`, so that one result at most can win.
    #[codec(index = 1)]
    Quorum {
        /// Operators drawn.
        n: u8,
        /// Equal results needed.
        k: u8,
    },
    /// One operator answers, with the root of its trace. Anyone may dispute the result within a
    /// window; what nobody shows to be wrong is final.
    ///
    /// For versions of the format `IntegerGraph`, and inputs that the request brings along.
    #[codec(index = 2)]
    Optimistic,
    /// One operator proves that the model's integer graph turns the input into its output.
    ///
    /// For versions of the format `IntegerGraph`, and inputs that the request brings along.
    #[codec(index = 3)]
    Proof,
    /// An attested enclave signs. Not available in this version.
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
    /// Every class, in the order of their encoding.
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
    /// The class without parameters.
    pub const fn class(self) -> AssuranceClass {
        match self {
            Self::Signed => AssuranceClass::Signed,
            Self::Quorum { .. } => AssuranceClass::Quorum,
            Self::Optimistic => AssuranceClass::Optimistic,
            Self::Proof => AssuranceClass::Proof,
            Self::Tee => AssuranceClass::Tee,
        }
    }

    /// How many operators are drawn.
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

/// A set of classes, one bit each, in the order of [`AssuranceClass::ALL`].
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

    /// This set and `class`.
    #[must_use]
    pub const fn with(self, class: AssuranceClass) -> Self {
        Self(self.0 | Self::bit(class))
    }

    /// This set without `class`.
    #[must_use]
    pub const fn without(self, class: AssuranceClass) -> Self {
        Self(self.0 & !Self::bit(class))
    }

    /// Whether `class` is a member.
    pub const fn contains(self, class: AssuranceClass) -> bool {
        self.0 & Self::bit(class) != 0
    }

    /// Whether every member of `other` is a member of this set.
    pub const fn contains_all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is no member.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether only bits of known classes are set.
    pub const fn is_well_formed(self) -> bool {
        self.0 < 1 << AssuranceClass::ALL.len()
    }

    /// The members in the order of their encoding.
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
