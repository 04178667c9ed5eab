//! Seats: an oracle of who loses the seat of a version that is full, and random contests for seats.

use std::collections::BTreeMap;

use assay_primitives::{Assurance, VersionId, ASY};
use assay_runtime::{
    constants::{MaxServers, MinBond, SeatTimeout},
    AccountId, Runtime, RuntimeEvent, System,
};

use super::{
    driver::Fuzz,
    operators::{stake, Server},
    oracle::Oracle,
    requests::{Answer, Ask, Request},
};

/// An operator that lost its seat, the version, and the one that took it.
pub type Eviction = (AccountId, VersionId, AccountId);

impl Oracle {
    /// An operator's offer of a version.
    pub fn offer_of(&self, who: &AccountId, version: VersionId) -> Option<&Server> {
        self.servers.get(&version)?.iter().find(|server| server.account == *who)
    }

    /// Open runs of a version by an operator, with the heights of the offers under which they were
    /// assigned.
    fn runs(&self, who: &AccountId, version: VersionId) -> impl Iterator<Item = u32> + use<'_> {
        let who = who.clone();
        let open = self.recent().filter(move |request| request.version == version);
        open.filter(|request| request.is_open() && request.claim.is_none())
            .flat_map(|request| &request.members)
            .filter(move |member| member.account == who)
            .map(|member| member.offered_at)
    }

    /// Open runs that were assigned under an offer of a version.
    pub fn runs_of(&self, server: &Server, version: VersionId) -> usize {
        self.runs(&server.account, version).filter(|at| *at == server.since).count()
    }

    /// Open runs of a version that were assigned under offers which the operator has lost.
    pub fn former_runs(&self, who: &AccountId, version: VersionId) -> usize {
        let since = self.offer_of(who, version).map(|server| server.since);
        self.runs(who, version).filter(|at| Some(*at) != since).count()
    }

    /// Whether an operator has neither sent a heartbeat nor made its offer or changed its key for a
    /// long time.
    fn is_silent(&self, server: &Server) -> bool {
        let info = &self.operators[&server.account];
        let key_at = info.past.last().map(|(_, at)| *at);
        let heard = info.last_heartbeat.or(key_at).unwrap_or(0).max(server.since);
        self.now - heard > SeatTimeout::get()
    }

    /// Why an operator has to leave its seat to any other; `None` if it does not.
    fn is_useless(&self, server: &Server) -> Option<&'static str> {
        if server.concurrency == 0 {
            Some("a seat of an operator that has paused")
        } else if self.account(&server.account).bond < MinBond::get() {
            Some("a seat of an operator with too little bond")
        } else if self.is_silent(server) {
            Some("a seat of an operator that is silent")
        } else {
            None
        }
    }

    /// Frees a seat of a full version for an operator, if there is one that it can take: the first of
    /// those that have to leave to any other, or else the first of those with the smallest bond.
    pub fn take_seat(&mut self, who: &AccountId, version: VersionId) -> bool {
        let servers = self.servers[&version].iter().enumerate();
        let useless = servers
            .clone()
            .find_map(|(place, server)| self.is_useless(server).map(|why| (place, why)));
        let (place, sight) = useless.unwrap_or_else(|| {
            let bond = |(_, server): &(usize, &Server)| self.account(&server.account).bond;
            let (place, _) = servers.min_by_key(bond).expect("the version is full");
            (place, "a seat with the smallest bond")
        });
        let least = self.account(&self.servers[&version][place].account).bond;
        if useless.is_none() && self.account(who).bond <= least {
            self.see("a seat that nobody has to leave");
            return false;
        }
        self.see(sight);
        let loser = self.servers.get_mut(&version).expect("looked up").remove(place);
        if self.runs_of(&loser, version) > 0 {
            self.see("a seat that is lost with open runs");
        }
        self.evictions.push((loser.account, version, who.clone()));
        true
    }

    /// An operator is going to have a seat.
    pub fn note_seat(&mut self, who: &AccountId, version: VersionId) {
        if self.former_runs(who, version) > 0 {
            self.see("another seat with runs of a former one");
        }
    }

    /// A request ends: runs in it may have outlasted the seats of their operators.
    pub fn note_end(&mut self, request: &Request) {
        if request.claim.is_some() {
            return;
        }
        for member in &request.members {
            let offer = self.offer_of(&member.account, request.version);
            let since = offer.map(|server| server.since);
            if since == Some(member.offered_at) {
                continue;
            }
            self.see(match (&member.answer, since) {
                (Answer::Revealed(_), None) => "a result of an operator without a seat",
                (Answer::Revealed(_), Some(_)) => "a result of a former seat",
                (Answer::Failed(_), _) => "a failure of a former seat",
                _ => "an operator that is late without its seat",
            });
        }
    }
}

/// The seats that were lost in this block, in order.
pub fn evictions() -> Vec<Eviction> {
    System::read_events_no_consensus()
        .filter_map(|record| match record.event {
            RuntimeEvent::Operators(pallet_operators::Event::Evicted { operator, version, by }) => {
                Some((operator, version, by))
            },
            _ => None,
        })
        .collect()
}

impl Fuzz {
    /// Compares what is at stake for each operator, and the offers of each version in their order.
    pub fn compare_operators(&self) {
        let (mut runs, mut offers) = (BTreeMap::new(), BTreeMap::new());
        for request in self.oracle.recent() {
            let stake = stake(request.assurance.class(), request.appealable);
            let can_be_appealed = request.appeal_until.is_some();
            for member in &request.members {
                let is_run = request.is_open() && request.claim.is_none();
                if request.is_open() || (can_be_appealed && member.has_result()) {
                    let (open, locked) = runs.entry(&member.account).or_insert((0, 0));
                    (*open, *locked) = (*open + u32::from(is_run), *locked + stake);
                }
                if is_run {
                    let offer = (&member.account, request.version, member.offered_at);
                    *offers.entry(offer).or_insert(0) += 1;
                }
            }
        }
        for (who, info) in &self.oracle.operators {
            let record = pallet_operators::Operators::<Runtime>::get(who).expect("registered");
            let (open, locked) = runs.get(who).copied().unwrap_or_default();
            assert_eq!(
                (record.open, record.locked, record.owed),
                (open, locked, info.owed),
                "open runs, stakes and debt of {}: the chain, then the model",
                self.name(who)
            );
        }
        for (version, servers) in &self.oracle.servers {
            let actual: Vec<_> = pallet_operators::Servers::<Runtime>::get(version)
                .into_iter()
                .map(|one| (one.account, one.concurrency, one.since, one.open, one.failed_in_a_row))
                .collect();
            let expected: Vec<_> = servers
                .iter()
                .map(|one| {
                    let open = offers.get(&(&one.account, *version, one.since));
                    let open = open.copied().unwrap_or(0);
                    let account = one.account.clone();
                    (account, one.concurrency, one.since, open, one.failed_in_a_row)
                })
                .collect();
            assert_eq!(actual, expected, "the offers of {version}: the chain, then the model");
        }
    }

    /// Whether there are enough operators for all seats of a version.
    pub fn is_crowded(&self) -> bool {
        !self.newcomers.is_empty()
    }

    fn seats_left(&self, version: VersionId) -> usize {
        let taken = self.oracle.servers.get(&version).map_or(0, Vec::len);
        MaxServers::get() as usize - taken
    }

    /// A newcomer that does not serve a version, registered and mostly live.
    fn challenger(&mut self, version: VersionId) -> Option<AccountId> {
        let idle = |who: &&AccountId| !self.oracle.serves(who, version);
        let idle: Vec<_> = self.newcomers.iter().filter(idle).cloned().collect();
        let who = self.rng.pick(&idle)?;
        if !self.oracle.operators.contains_key(&who) {
            let bond = MinBond::get() + u128::from(self.rng.below(40)) * ASY;
            let worker = self.fresh_key();
            self.register(&who, 1, worker, true, bond);
            if self.rng.chance(60) {
                self.beat(&who, 0, true);
            }
        }
        Some(who)
    }

    /// Offers a version for a small price.
    fn sit_down(&mut self, who: &AccountId, version: VersionId) {
        let (ask, concurrency) = (self.price() / 4, self.rng.between(1, 3) as u32);
        let classes = self.offered(version);
        self.serve(who, version, ask, concurrency, 1, classes);
    }

    /// Has newcomers take the seats of a version that are left.
    pub fn fill_seats(&mut self, version: VersionId) {
        for _ in 0..self.seats_left(version) {
            let Some(who) = self.challenger(version) else { return };
            self.sit_down(&who, version);
        }
    }

    /// Gives operators of a version something to do, for some time.
    fn keep_busy(&mut self, version: VersionId) {
        let assurance = match self.rng.below(4) {
            0 => Assurance::Quorum { n: 3, k: 2 },
            _ => Assurance::Signed,
        };
        let ask = Ask {
            version,
            assurance,
            max_price: 15 * ASY,
            deadline: self.oracle.now + self.rng.between(12, 60) as u32,
            draw_delay: 1,
        };
        let payer = self.actors[0].clone();
        let items = (0..self.rng.between(4, 20)).map(|_| self.good_item(version)).collect();
        self.send_batch(&payer, ask, items);
        for _ in 0..3 {
            self.next_block();
        }
    }

    /// Operators want seats of a version that is full. Those that lose theirs go on with their runs,
    /// and come back.
    pub fn contest(&mut self) {
        let full = |version: &&VersionId| self.seats_left(**version) == 0;
        let full: Vec<_> = self.oracle.versions.keys().filter(full).copied().collect();
        let version = match self.rng.pick(&full) {
            Some(version) if self.rng.chance(90) => version,
            _ => self.version(),
        };
        if !self.oracle.versions.contains_key(&version) {
            return;
        }
        if self.rng.chance(90) {
            self.fill_seats(version);
        }
        match self.rng.below(10) {
            0 => {
                self.note("a long silence".into());
                self.sleep(SeatTimeout::get() + 1);
                self.call_roll(version, 50);
            },
            1..=3 => self.call_roll(version, 100),
            _ => {},
        }
        if self.rng.chance(60) {
            self.keep_busy(version);
        }
        self.weaken(version);
        let first = self.oracle.evictions.len();
        for _ in 0..self.rng.between(1, 4) {
            let Some(who) = self.challenger(version) else { break };
            if self.rng.chance(60) {
                let amount = u128::from(self.rng.between(1, 60)) * ASY;
                self.add_bond(&who, amount);
            }
            self.sit_down(&who, version);
        }
        let losers: Vec<_> =
            self.oracle.evictions[first..].iter().map(|(who, _, _)| who.clone()).collect();
        for loser in losers {
            if self.rng.chance(50) {
                self.come_back(&loser, version);
            }
        }
        if self.rng.chance(50) {
            self.finish_runs(version);
        }
    }

    /// Heartbeats of this percentage of the operators of a version.
    fn call_roll(&mut self, version: VersionId, percent: u64) {
        for server in self.oracle.servers.get(&version).cloned().unwrap_or_default() {
            if self.rng.chance(percent) {
                self.beat(&server.account, 0, true);
            }
        }
    }

    /// Gives a reason for which an operator of a version loses its seat before others.
    fn weaken(&mut self, version: VersionId) {
        let servers = self.oracle.servers.get(&version).cloned().unwrap_or_default();
        let busy = servers.iter().filter(|server| self.oracle.runs_of(server, version) > 0);
        let busy: Vec<_> = busy.cloned().collect();
        let from = if self.rng.chance(70) && !busy.is_empty() { &busy } else { &servers };
        let Some(server) = self.rng.pick(from) else { return };
        match self.rng.below(4) {
            0 => self.serve(&server.account, version, server.ask, 0, 1, server.classes),
            1 => {
                let reporter = self.anyone();
                self.report(&reporter, &server.account, 12);
            },
            _ => {},
        }
    }

    /// An operator takes a seat again, and perhaps gives it up.
    fn come_back(&mut self, who: &AccountId, version: VersionId) {
        if self.rng.chance(50) {
            self.next_block();
        }
        self.add_bond(who, 100 * ASY);
        self.sit_down(who, version);
        if self.rng.chance(30) {
            self.withdraw(who, version);
        } else if self.rng.chance(50) {
            self.keep_busy(version);
        }
    }

    /// Operators without their seats answer.
    fn finish_runs(&mut self, version: VersionId) {
        let open = self.oracle.requests.iter().filter(|(_, request)| {
            let lost = |who| self.oracle.former_runs(who, version) > 0;
            let mut members = request.members.iter().map(|member| &member.account);
            request.version == version && request.is_open() && members.any(lost)
        });
        let open: Vec<u64> = open.map(|(id, _)| *id).collect();
        for id in open {
            for _ in 0..2 {
                self.members_answer(id, true);
            }
        }
    }
}
