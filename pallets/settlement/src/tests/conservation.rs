//! Random sequences of operations on money, against an oracle in plain arithmetic.

use std::collections::{BTreeMap, BTreeSet};

use assay_primitives::{
    traits::{Bonds, Charge, Deposits, Escrow, Escrowed, Payment, SlashShare},
    Balance, RequestId,
};
use frame_support::{assert_ok, traits::fungible::Inspect};
use proptest::{collection::vec, prelude::*};
use sp_runtime::Perbill;

use crate::mock::*;

const ACCOUNTS: [u64; 6] = [PAYER, OPERATOR, SECOND, OWNER, DEAD, TREASURY];
const BILLION: u128 = 1_000_000_000;

/// One operation. Accounts and requests are taken from a small range, so that they
/// meet often.
#[derive(Clone, Debug)]
enum Step {
    Hold { request: u64, payer: u64, amount: Balance },
    Settle { charges: Vec<Charged> },
    Refund { request: u64 },
    Lock { account: u64, amount: Balance },
    Unlock { account: u64 },
    Slash { account: u64, amount: Balance, harmed: Option<(u64, Balance)>, held: bool },
    Claim { account: u64 },
    Take { account: u64, amount: Balance },
    GiveBack { account: u64, amount: Balance },
    Spend { to: u64, amount: Balance },
    SendAll { from: u64, to: u64 },
}

/// What a verified request costs.
#[derive(Clone, Debug)]
struct Charged {
    request: u64,
    earned: Vec<(u64, Balance)>,
    royalty_to: u64,
    parts: u32,
    fee: Balance,
}

fn charged() -> impl Strategy<Value = Charged> {
    let fee = prop_oneof![Just(0), amount()];
    (0..6u64, vec((account(), amount()), 0..4), account(), 0..=1_000_000_000u32, fee).prop_map(
        |(request, earned, royalty_to, parts, fee)| Charged {
            request,
            earned,
            royalty_to,
            parts,
            fee,
        },
    )
}

fn account() -> impl Strategy<Value = u64> {
    proptest::sample::select(ACCOUNTS.to_vec())
}

/// Dust, amounts around the existential deposit, medium amounts, and whole balances.
fn amount() -> impl Strategy<Value = Balance> {
    prop_oneof![
        Just(0),
        1..10u128,
        ED - 10..ED + 20,
        1_000..200_000u128,
        ENDOWMENT - 2 * ED..ENDOWMENT + ED,
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let request = || 0..6u64;
    prop_oneof![
        4 => (request(), account(), amount())
            .prop_map(|(request, payer, amount)| Step::Hold { request, payer, amount }),
        4 => vec(charged(), 1..4).prop_map(|charges| Step::Settle { charges }),
        2 => request().prop_map(|request| Step::Refund { request }),
        2 => (account(), amount()).prop_map(|(account, amount)| Step::Lock { account, amount }),
        1 => account().prop_map(|account| Step::Unlock { account }),
        3 => (account(), amount(), proptest::option::of((account(), amount())), any::<bool>())
            .prop_map(|(account, amount, harmed, held)| {
                Step::Slash { account, amount, harmed, held }
            }),
        1 => account().prop_map(|account| Step::Claim { account }),
        2 => (account(), amount()).prop_map(|(account, amount)| Step::Take { account, amount }),
        1 => (account(), amount())
            .prop_map(|(account, amount)| Step::GiveBack { account, amount }),
        1 => (account(), amount()).prop_map(|(to, amount)| Step::Spend { to, amount }),
        1 => (account(), account()).prop_map(|(from, to)| Step::SendAll { from, to }),
    ]
}

/// The expected balances, computed without the pallets.
#[derive(Default)]
struct Oracle {
    free: BTreeMap<u64, u128>,
    escrows: BTreeMap<u64, (u64, u128)>,
    bonds: BTreeMap<u64, u128>,
    deposits: BTreeMap<u64, u128>,
    compensations: BTreeMap<u64, u128>,
    burnt: u128,
}

impl Oracle {
    fn start() -> Self {
        let endowed = [PAYER, OPERATOR, SECOND, OWNER].map(|account| (account, ENDOWMENT));
        let free = endowed.into_iter().chain([(TREASURY, ED), (DEAD, 0)]).collect();
        Self { free, ..Self::default() }
    }

    fn escrowed(&self, account: u64) -> u128 {
        self.escrows.values().filter(|(payer, _)| *payer == account).map(|(_, sum)| *sum).sum()
    }

    fn bond(&self, account: u64) -> u128 {
        self.bonds.get(&account).copied().unwrap_or(0)
    }

    fn compensation(&self, account: u64) -> u128 {
        self.compensations.get(&account).copied().unwrap_or(0)
    }

    fn deposit(&self, account: u64) -> u128 {
        self.deposits.get(&account).copied().unwrap_or(0)
    }

    /// Holds money, if the existential deposit is left over.
    fn set_aside(&mut self, account: u64, amount: u128) -> bool {
        let free = self.free.get_mut(&account).unwrap();
        let covered = *free >= ED && amount <= *free - ED;
        if covered {
            *free -= amount;
        }
        covered
    }

    /// Credits an account. Returns what it could receive: all or nothing.
    fn credit(&mut self, account: u64, amount: u128) -> u128 {
        let free = self.free.get_mut(&account).unwrap();
        if *free + amount < ED {
            return 0;
        }
        *free += amount;
        amount
    }

    /// Ends the escrows. Returns what the payers pay for results, and burns the fees.
    fn settle(&mut self, charges: &[Charged]) -> Vec<u128> {
        let mut shares: BTreeMap<u64, u128> = BTreeMap::new();
        let mut common = 0;
        let mut paid = Vec::new();
        for Charged { request, earned, royalty_to, parts, fee } in charges {
            let (payer, held) = self.escrows.remove(request).expect("it is held");
            let fee = held.min(*fee);
            self.burnt += fee;
            let mut spent = fee;
            for (operator, ask) in earned {
                let price = (*ask).min(held - spent);
                let treasury = price * 5 / 100;
                let royalty = (price * u128::from(*parts) / BILLION).min(price - treasury);
                *shares.entry(*operator).or_default() += price - treasury - royalty;
                *shares.entry(*royalty_to).or_default() += royalty;
                common += treasury;
                spent += price;
            }
            *self.free.get_mut(&payer).unwrap() += held - spent;
            paid.push(spent - fee);
        }
        for (account, share) in shares {
            // The treasury gets what an account cannot receive. It always exists.
            common += share - self.credit(account, share);
        }
        self.credit(TREASURY, common);
        paid
    }

    /// Returns what is taken.
    fn slash(
        &mut self,
        account: u64,
        amount: u128,
        harmed: Option<(u64, u128)>,
        held: bool,
    ) -> u128 {
        let taken = amount.min(self.bond(account));
        if taken > 0 {
            let paid = match harmed {
                Some((payer, limit)) if payer != account && held => {
                    self.compensate(payer, taken.min(limit))
                },
                Some((payer, limit)) if payer != account => self.credit(payer, taken.min(limit)),
                _ => 0,
            };
            self.credit(TREASURY, taken - paid);
            *self.bonds.get_mut(&account).unwrap() -= taken;
        }
        taken
    }

    /// Holds a compensation on an account that keeps the existential deposit.
    fn compensate(&mut self, account: u64, amount: u128) -> u128 {
        if self.free[&account] < ED {
            return 0;
        }
        *self.compensations.entry(account).or_default() += amount;
        amount
    }

    fn send_all(&mut self, from: u64, to: u64) {
        let holds = self.escrowed(from) + self.bond(from) + self.deposit(from);
        let holds = holds + self.compensation(from) > 0;
        let kept = if holds { ED } else { 0 };
        let sent = self.free[&from] - kept;
        if from != to && sent > 0 && self.credit(to, sent) == sent {
            self.free.insert(from, kept);
        }
    }
}

/// Applies the step to the pallet and the oracle, and compares the results.
fn apply(step: &Step, oracle: &mut Oracle) {
    match step.clone() {
        // A request has one escrow.
        Step::Hold { request, .. } if oracle.escrows.contains_key(&request) => {},
        Step::Hold { request, payer, amount } => {
            let expected = oracle.set_aside(payer, amount);
            if expected {
                oracle.escrows.insert(request, (payer, amount));
            }
            let result = <Settlement as Escrow<u64>>::hold(&payer, amount);
            assert_eq!(result.is_ok(), expected, "{result:?}");
        },
        // Requests without an escrow are left out: settling one is a defect.
        Step::Refund { request } if !oracle.escrows.contains_key(&request) => {},
        Step::Settle { mut charges } => {
            let mut seen = BTreeSet::new();
            charges.retain(|Charged { request, .. }| {
                oracle.escrows.contains_key(request) && seen.insert(*request)
            });
            let ends: Vec<_> = charges
                .iter()
                .cloned()
                .map(|Charged { request, earned, royalty_to, parts, fee }| {
                    let (payer, amount) = oracle.escrows[&request];
                    let royalty = Perbill::from_parts(parts);
                    let payment = Payment { earned, royalty_to, royalty, fee };
                    Charge { request: RequestId(request), payer, amount, payment }
                })
                .collect();
            let prices: Vec<_> = ends.iter().map(Charge::price).collect();
            assert_eq!(prices, oracle.settle(&charges));
            Settlement::settle(&ends);
        },
        Step::Refund { request } => {
            let (payer, amount) = oracle.escrows[&request];
            let escrow = Escrowed { request: RequestId(request), payer: &payer, amount };
            oracle.settle(&[Charged {
                request,
                earned: Vec::new(),
                royalty_to: OWNER,
                parts: 0,
                fee: 0,
            }]);
            Settlement::refund(escrow, 0);
        },
        Step::Lock { account, amount } => {
            let expected = oracle.set_aside(account, amount);
            if expected {
                *oracle.bonds.entry(account).or_default() += amount;
            }
            assert_eq!(<Settlement as Bonds<u64>>::lock(&account, amount).is_ok(), expected);
        },
        Step::Unlock { account } => {
            let bond = oracle.bonds.remove(&account).unwrap_or(0);
            *oracle.free.get_mut(&account).unwrap() += bond;
            assert_eq!(<Settlement as Bonds<u64>>::unlock(&account), Ok(bond));
        },
        Step::Slash { account, amount, harmed, held } => {
            let expected = oracle.slash(account, amount, harmed, held);
            let claimable_from = held.then_some(0);
            let share =
                harmed.as_ref().map(|(to, most)| SlashShare { to, most: *most, claimable_from });
            assert_eq!(<Settlement as Bonds<u64>>::slash(&account, amount, share), expected);
        },
        Step::Claim { account } => {
            let amount = oracle.compensations.remove(&account).unwrap_or(0);
            *oracle.free.get_mut(&account).unwrap() += amount;
            let result = Settlement::claim_compensation(RuntimeOrigin::signed(account), 0);
            assert_eq!(result.is_ok(), amount > 0, "{result:?}");
        },
        Step::Take { account, amount } => {
            let expected = oracle.set_aside(account, amount);
            if expected {
                *oracle.deposits.entry(account).or_default() += amount;
            }
            assert_eq!(<Settlement as Deposits<u64>>::take(&account, amount).is_ok(), expected);
        },
        Step::GiveBack { account, amount } => {
            let amount_back = amount.min(oracle.deposit(account));
            if amount_back > 0 {
                *oracle.deposits.get_mut(&account).unwrap() -= amount_back;
                *oracle.free.get_mut(&account).unwrap() += amount_back;
            }
            <Settlement as Deposits<u64>>::give_back(&account, amount);
        },
        Step::Spend { to, amount } => {
            let treasury = oracle.free[&TREASURY];
            let expected = treasury >= ED
                && amount <= SpendLimit::get()
                && amount <= treasury - ED
                && (amount == 0 || oracle.free[&to] + amount >= ED);
            if expected && amount > 0 {
                *oracle.free.get_mut(&TREASURY).unwrap() -= amount;
                *oracle.free.get_mut(&to).unwrap() += amount;
            }
            let result = Settlement::spend_treasury(RuntimeOrigin::root(), to, amount);
            assert_eq!(result.is_ok(), expected, "{result:?}");
        },
        // The treasury has no key.
        Step::SendAll { from: TREASURY, .. } => {},
        Step::SendAll { from, to } => {
            oracle.send_all(from, to);
            let _ = frame_support::storage::with_storage_layer(|| {
                Balances::transfer_all(RuntimeOrigin::signed(from), to, false)
            });
        },
    }
}

fn compare(oracle: &Oracle) {
    for account in ACCOUNTS {
        assert_eq!(free(account), oracle.free[&account], "free balance of {account}");
        assert_eq!(in_escrow(account), oracle.escrowed(account), "escrow of {account}");
        assert_eq!(
            <Settlement as Bonds<u64>>::bonded(&account),
            oracle.bond(account),
            "bond of {account}"
        );
        assert_eq!(
            Settlement::held(crate::HoldReason::Compensation, &account),
            oracle.compensation(account),
            "compensations of {account}"
        );
        assert_eq!(
            crate::DepositTotals::<Test>::get(account),
            oracle.deposit(account),
            "deposit of {account}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_sequence_makes_or_loses_money(steps in vec(step(), 1..60)) {
        new_test_ext().execute_with(|| {
            let issuance = Balances::total_issuance();
            let mut oracle = Oracle::start();
            for step in &steps {
                apply(step, &mut oracle);
                compare(&oracle);
                let sum: Balance =
                    ACCOUNTS.iter().map(Balances::total_balance).sum();
                assert_eq!(sum, issuance - oracle.burnt);
                assert_eq!(Balances::total_issuance(), issuance - oracle.burnt);
                assert_ok!(Settlement::do_try_state());
            }
        });
    }
}
