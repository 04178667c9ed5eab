//! The oracle of operators: registrations, bonds at stake, offers, heartbeats, equivocations.

use assay_primitives::{AssuranceClass, AssuranceClasses, Digest, VersionId, WorkerId};
use assay_runtime::{constants as parameters, AccountId};

use super::{
    oracle::{share, Oracle, Parts, Purse},
    room::heartbeat,
};

/// The largest penalty for a result of this class, other than for an equivocation. A proof can show
/// which results of an appealable quorum are wrong.
pub fn stake(class: AssuranceClass, appealable: bool) -> u128 {
    match class {
        AssuranceClass::Signed => parameters::NoAnswerSlash::get(),
        AssuranceClass::Quorum if !appealable => parameters::NoAnswerSlash::get(),
        AssuranceClass::Quorum | AssuranceClass::Optimistic => {
            parameters::WrongResultSlash::get() + parameters::LostDisputeSlash::get()
        },
        _ => parameters::WrongResultSlash::get(),
    }
}

#[derive(Clone, Debug)]
pub struct Operator {
    pub roles: u8,
    pub worker: WorkerId,
    /// Earlier keys, with the heights at which they were replaced.
    pub past: Vec<(WorkerId, u32)>,
    pub last_heartbeat: Option<u32>,
    pub unbonding_until: Option<u32>,
    /// What it owes for equivocations.
    pub owed: u128,
}

/// An operator's terms for one version.
#[derive(Clone, Debug)]
pub struct Server {
    pub account: AccountId,
    pub ask: u128,
    pub concurrency: u32,
    pub response_blocks: u32,
    pub classes: AssuranceClasses,
    pub max_royalty: Parts,
    /// Failures since the last result that counted.
    pub failed_in_a_row: u32,
    /// Height of the offer, however often its terms have changed.
    pub since: u32,
}

impl Oracle {
    /// What an operator has at stake: the largest penalty for each of its open results.
    pub fn at_stake(&self, who: &AccountId) -> u128 {
        let at_stake = self.recent().filter(|request| {
            request.members.iter().any(|member| {
                let can_be_appealed = request.appeal_until.is_some() && member.has_result();
                member.account == *who && (request.is_open() || can_be_appealed)
            })
        });
        at_stake.map(|request| stake(request.assurance.class(), request.appealable)).sum()
    }

    /// Takes what an operator owes for equivocations from what is not at stake.
    pub fn collect_debt(&mut self, who: &AccountId) {
        let Some(owed) = self.operators.get(who).map(|info| info.owed).filter(|owed| *owed > 0)
        else {
            return;
        };
        let due = owed.min(self.account(who).bond - self.at_stake(who));
        let treasury = self.treasury.clone();
        self.pay(who, Purse::Bond, &treasury, due);
        let info = self.operators.get_mut(who).expect("looked up");
        info.owed -= due;
        if info.owed > 0 {
            self.see("a debt that stakes have to pay");
        }
    }

    fn staying(&self, who: &AccountId) -> Option<&Operator> {
        self.operators.get(who).filter(|info| info.unbonding_until.is_none())
    }

    pub fn is_live(&self, who: &AccountId) -> bool {
        self.staying(who)
            .and_then(|info| info.last_heartbeat)
            .is_some_and(|last| self.now - last <= parameters::HeartbeatTimeout::get())
    }

    /// Open requests for which an operator was drawn.
    pub fn open_runs(&self, who: &AccountId) -> usize {
        self.recent().filter(|request| request.is_drawn_for(who)).count()
    }

    pub fn register(
        &mut self,
        who: &AccountId,
        roles: u8,
        worker: &WorkerId,
        is_possessed: bool,
        bond: u128,
    ) -> bool {
        let may = !self.operators.contains_key(who)
            && (1..=3).contains(&roles)
            && bond >= parameters::MinBond::get()
            && !self.keys.contains_key(worker)
            && is_possessed
            && self.hold(who, Purse::Bond, bond);
        if may {
            self.keys.insert(worker.clone(), who.clone());
            self.operators.insert(
                who.clone(),
                Operator {
                    roles,
                    worker: worker.clone(),
                    past: Vec::new(),
                    last_heartbeat: None,
                    unbonding_until: None,
                    owed: 0,
                },
            );
        }
        may
    }

    pub fn set_worker(&mut self, who: &AccountId, worker: &WorkerId, is_possessed: bool) -> bool {
        let now = self.now;
        // Equivocations of older keys can no longer be reported.
        let counts = |at: u32| now - at < parameters::UnbondingPeriod::get();
        let Some(info) = self.staying(who) else { return false };
        let remembered = info.past.iter().filter(|(_, at)| counts(*at)).count();
        if remembered >= pallet_operators::MAX_PAST_WORKERS as usize
            || self.keys.contains_key(worker)
            || !is_possessed
        {
            return false;
        }
        let info = self.operators.get_mut(who).expect("staying");
        for (past, at) in std::mem::take(&mut info.past) {
            match counts(at) {
                true => info.past.push((past, at)),
                false => drop(self.keys.remove(&past)),
            }
        }
        info.past.push((std::mem::replace(&mut info.worker, worker.clone()), now));
        info.last_heartbeat = None;
        self.keys.insert(worker.clone(), who.clone());
        true
    }

    pub fn add_bond(&mut self, who: &AccountId, amount: u128) -> bool {
        let may = self.staying(who).is_some() && self.hold(who, Purse::Bond, amount);
        if may {
            self.collect_debt(who);
        }
        may
    }

    pub fn serve(&mut self, version: VersionId, terms: &Server) -> bool {
        let who = &terms.account;
        let Some(record) = self.versions.get(&version) else { return false };
        let may = self.staying(who).is_some_and(|info| info.roles & 1 == 1)
            && terms.concurrency <= parameters::MaxConcurrency::get()
            && (1..=parameters::MaxResponseBlocks::get()).contains(&terms.response_blocks)
            && !terms.classes.is_empty()
            // Operators of a deprecated version can still pause.
            && (!record.deprecated || (terms.concurrency == 0 && self.serves(who, version)))
            && record.descriptor.assurances.contains_all(terms.classes);
        if !may {
            return false;
        }
        let served = self.servers.values().flatten().filter(|server| server.account == *who);
        let served = served.count();
        let is_bonded = self.account(who).bond >= parameters::MinBond::get();
        let servers = self.servers.entry(version).or_default();
        if let Some(server) = servers.iter_mut().find(|server| server.account == *who) {
            *server = Server { since: server.since, ..terms.clone() };
            return true;
        }
        if !is_bonded || terms.concurrency == 0 || served >= parameters::MaxServed::get() as usize {
            return false;
        }
        if servers.len() == parameters::MaxServers::get() as usize && !self.take_seat(who, version)
        {
            return false;
        }
        self.note_seat(who, version);
        self.servers.entry(version).or_default().push(terms.clone());
        true
    }

    pub fn serves(&self, who: &AccountId, version: VersionId) -> bool {
        self.offer_of(who, version).is_some()
    }

    pub fn withdraw(&mut self, who: &AccountId, version: VersionId) -> bool {
        let Some(server) = self.offer_of(who, version) else { return false };
        if self.runs_of(server, version) > 0 {
            return false;
        }
        if self.former_runs(who, version) > 0 {
            self.see("an offer that is withdrawn while runs of a former one are open");
        }
        let servers = self.servers.get_mut(&version).expect("served");
        servers.retain(|server| server.account != *who);
        true
    }

    pub fn heartbeat(&mut self, who: &AccountId, at: u32, worker: &WorkerId, intact: bool) -> bool {
        let now = self.now;
        let interval = parameters::HeartbeatInterval::get();
        let part = heartbeat();
        let may = self.has_room(part)
            && at <= now
            && now - at <= interval
            && intact
            && self.staying(who).is_some_and(|info| {
                info.worker == *worker
                    && info.last_heartbeat.is_none_or(|last| at > last + interval / 2)
            });
        if may {
            self.operators.get_mut(who).expect("staying").last_heartbeat = Some(at);
            self.fill(part);
        }
        may
    }

    pub fn unbond(&mut self, who: &AccountId) -> bool {
        if self.staying(who).is_none() || self.open_runs(who) > 0 {
            return false;
        }
        for servers in self.servers.values_mut() {
            servers.retain(|server| server.account != *who);
        }
        let until = self.now + parameters::UnbondingPeriod::get();
        self.operators.get_mut(who).expect("staying").unbonding_until = Some(until);
        true
    }

    pub fn withdraw_bond(&mut self, who: &AccountId) -> bool {
        let until = self.operators.get(who).and_then(|info| info.unbonding_until);
        if until.is_none_or(|until| self.now < until) || self.at_stake(who) > 0 {
            return false;
        }
        self.operators.remove(who);
        self.keys.retain(|_, owner| owner != who);
        let bond = self.account(who).bond;
        self.give_back(who, Purse::Bond, bond);
        true
    }

    // Classes and equivocations.

    pub fn set_class(&mut self, class: AssuranceClass, enabled: bool) -> bool {
        if self.disabled.contains(class) != enabled {
            return false;
        }
        self.disabled = match enabled {
            true => self.disabled.without(class),
            false => self.disabled.with(class),
        };
        true
    }

    /// `is_shown`: whether the statements differ only in their outputs, belong to this chain and
    /// are signed by the key.
    pub fn report(
        &mut self,
        request: Digest,
        operator: &AccountId,
        key: &WorkerId,
        is_shown: bool,
    ) -> bool {
        let may = is_shown
            && self.keys.get(key) == Some(operator)
            && self.is_worth_a_report(operator)
            && self.punished.insert((request, operator.clone()));
        if may {
            let bond = self.account(operator).bond;
            let due = share(bond, parameters::EquivocationSlash::get().deconstruct());
            let info = self.operators.get_mut(operator).expect("it has keys");
            info.owed = (info.owed + due).min(bond);
            self.collect_debt(operator);
        }
        may
    }

    /// Whether an operator has as much as the smallest stake that it does not owe already.
    fn is_worth_a_report(&mut self, operator: &AccountId) -> bool {
        let (bond, owed) = (self.account(operator).bond, self.operators[operator].owed);
        let is = bond.saturating_sub(owed) >= parameters::NoAnswerSlash::get();
        if !is {
            self.see("a report that would take nothing");
        }
        is
    }

    fn server_mut(&mut self, who: &AccountId, version: VersionId) -> Option<&mut Server> {
        self.servers.get_mut(&version)?.iter_mut().find(|server| server.account == *who)
    }

    /// A failure. Too many in a row pause the offer.
    pub fn note_failure(&mut self, who: &AccountId, version: VersionId) {
        let Some(server) = self.server_mut(who, version) else { return };
        server.failed_in_a_row += 1;
        if server.failed_in_a_row == 32 && server.concurrency > 0 {
            server.concurrency = 0;
            self.see("an offer paused by failures");
        }
    }

    /// A result that counts.
    pub fn note_served(&mut self, who: &AccountId, version: VersionId) {
        if let Some(server) = self.server_mut(who, version) {
            server.failed_in_a_row = 0;
        }
    }
}
