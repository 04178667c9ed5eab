//! Benchmarks of elections, with as many winners as a set of validators can have.
//!
//! Those of the SDK have as many winners as a voter has votes. Each winner takes one round over all
//! votes.

use alloc::vec::Vec;
use frame_benchmarking::account;
use frame_election_provider_support::{
    InstantElectionProvider, NposSolver, PhragMMS, VoteWeight, VoterOf,
};
use frame_support::BoundedVec;
use sp_runtime::Perbill;

use crate::{
    configs::staking::{drop_votes_beyond, OnChain},
    constants::{MaxBackers, MaxElected},
    AccountId, Runtime, Staking,
};

type Voters = Vec<VoterOf<Staking>>;

/// Candidates, and voters with different stakes that have this many votes each.
fn input(voters: u32, candidates: u32, votes: u32) -> (Voters, Vec<AccountId>) {
    let all: Vec<AccountId> = (0..candidates).map(|one| account("candidate", one, 0)).collect();
    let voter = |number: u32| {
        // 13 has no divisor in common with the number of most candidates.
        let first = number.wrapping_mul(13) as usize;
        let votes = (0..votes as usize).map(|vote| all[(first + vote) % all.len()].clone());
        let stake = 1_000_000_000 + VoteWeight::from(number.wrapping_mul(2_654_435_761));
        let votes = BoundedVec::truncate_from(votes.collect());
        (account("voter", number, 0), stake, votes)
    };
    ((0..voters).map(voter).collect(), all)
}

/// The functions of the runtime that the benchmarks need. They return whether all seats are taken.
pub trait Config: frame_system::Config {
    fn phragmen(voters: u32, candidates: u32, votes: u32) -> impl FnOnce() -> bool;
    fn phragmms(voters: u32, candidates: u32, votes: u32) -> impl FnOnce() -> bool;
}

impl Config for Runtime {
    fn phragmen(voters: u32, candidates: u32, votes: u32) -> impl FnOnce() -> bool {
        let (mut voters, candidates) = input(voters, candidates, votes);
        let seats = MaxElected::get();
        move || {
            // All these votes are kept.
            drop_votes_beyond(MaxBackers::get(), &mut voters);
            let elected = OnChain::instant_elect(voters, candidates, seats);
            elected.is_ok_and(|supports| supports.len() as u32 == seats)
        }
    }

    fn phragmms(voters: u32, candidates: u32, votes: u32) -> impl FnOnce() -> bool {
        let (voters, candidates) = input(voters, candidates, votes);
        let seats = MaxElected::get();
        move || {
            let solved = PhragMMS::<AccountId, Perbill>::solve(seats as usize, candidates, voters);
            solved.is_ok_and(|result| result.winners.len() as u32 == seats)
        }
    }
}

pub use calls::Pallet;

mod calls {
    use super::Config;
    use crate::{
        configs::staking::VOTES,
        constants::{MaxCandidates, MaxElected},
    };
    use core::marker::PhantomData;
    use frame_benchmarking::v2::*;

    pub struct Pallet<T: Config>(PhantomData<T>);

    #[benchmarks]
    mod benchmarks {
        use super::*;

        #[benchmark]
        fn phragmen(
            v: Linear<512, 2_048>,
            t: Linear<{ MaxElected::get() }, { MaxCandidates::get() }>,
            d: Linear<1, VOTES>,
        ) {
            let elect = T::phragmen(v, t, d);
            let all_taken;
            #[block]
            {
                all_taken = elect();
            }
            assert!(all_taken);
        }

        #[benchmark]
        fn phragmms(
            v: Linear<512, 2_048>,
            t: Linear<{ MaxElected::get() }, { MaxCandidates::get() }>,
            d: Linear<1, VOTES>,
        ) {
            let elect = T::phragmms(v, t, d);
            let all_taken;
            #[block]
            {
                all_taken = elect();
            }
            assert!(all_taken);
        }
    }
}
