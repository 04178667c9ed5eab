//! How long sessions and eras are, and what is counted in them. docs/adr/0040 has the reasons for the
//! numbers.

/// Lengths that depend on each other.
pub struct Eras {
    /// Slots of a session, which is an epoch of BABE.
    pub session_slots: u32,
    /// Sessions of an era.
    pub sessions: u32,
    /// Eras for which a stake that leaves is bound.
    pub bonding: u32,
    /// Eras between an offence and its penalty, in which the penalty can be cancelled.
    pub slash_defer: u32,
    /// Eras in which an equivocation can be reported.
    pub reports: u32,
}

/// Those of releases: sessions of ten minutes, eras of six hours, a bond of a week.
pub const USUAL: Eras =
    Eras { session_slots: 300, sessions: 36, bonding: 28, slash_defer: 26, reports: 12 };

/// For a trial of elections on a network of real nodes: eras of a minute, a bond of five.
pub const SHORT: Eras =
    Eras { session_slots: 10, sessions: 3, bonding: 5, slash_defer: 3, reports: 1 };

/// Those of this runtime.
pub const ERAS: Eras = if cfg!(feature = "short-eras") { SHORT } else { USUAL };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn penalties_reach_the_stake() {
        for eras in [USUAL, SHORT] {
            // A penalty for an offence in era E is applied when era E + defer + 1 begins. A stake that
            // was elected for E can leave from the planning of era E + bonding on, one session before it
            // begins.
            assert!(eras.slash_defer + 1 < eras.bonding);
            // A report in the last era that is allowed still finds the penalty ahead.
            assert!(eras.reports <= eras.slash_defer);
            // And root has half of the time of bonding left to cancel it.
            assert!(eras.reports + eras.bonding / 2 <= eras.slash_defer);
        }
    }
}
