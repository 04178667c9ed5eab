//! Scenario `elected_validators`.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{ensure, Context, Result};
use assay_client::{
    calls::{session, validators, RewardDestination, Share, ValidatorPreferences},
    rpc::ValidatorKeys,
    validators::Stake,
    AccountId, Call, Client, Signer,
};
use assay_primitives::{Balance, ASY};
use assay_zombienet::{
    eras::{until_era, Authorities, Era, Eras},
    health::check_nodes,
    ledger::Opening,
    observer::quantile,
    penalties::{of_stake, share, Penalties},
    scenario::{run, Run},
    scene::FINALITY,
    testnet::Testnet,
    wait::{until, within},
};
use codec::Compact;
use futures::future::try_join;

/// The nodes that are or become validators. The account of each is that of the same name.
const VALIDATORS: [&str; 5] = ["alice", "bob", "charlie", "dave", "eve"];
/// The node to which a validator's keys are copied.
const SPARE: &str = "spare";
/// The account that nominates the validator that is penalised.
const NOMINATOR: &str = "ferdie";
/// The stake of the validator that joins, and of the nominator.
const STAKE: Balance = 50_000 * ASY;
const NOMINATION: Balance = 20_000 * ASY;
/// Elections count stakes in units of some plancks.
const UNIT: Balance = 100;
/// A metric of nodes: the votes that they have cast.
const VOTES: &str = "substrate_finality_grandpa_precommits_total";
/// Time for an era, of a minute, to pass, and the next one to begin in a final block.
const ERA: Duration = Duration::from_secs(120);
/// Time for an election and the beginning of its era.
const ELECTION: Duration = Duration::from_secs(180);
/// Time for a call to be in a final block.
const CALL: Duration = Duration::from_secs(60);
/// Time for new session keys to take part: two sessions of 20 seconds.
const KEYS: Duration = Duration::from_secs(120);
/// Time for a validator to make a block and to vote: one of four or five slots of two seconds.
const WORK: Duration = Duration::from_secs(90);
/// Time for two nodes with the same keys to sign in one slot, and for the report.
const OFFENCE: Duration = Duration::from_secs(90);
/// Largest time from the first sight of a block to its finality.
const LONGEST_FINALITY: f64 = 45.0;
const LIMIT: Duration = Duration::from_secs(13 * 60);

/// A new validator joins, one leaves, one changes its session keys, and one runs on two nodes at once,
/// until this is penalised; on a chain with eras of a minute.
///
/// Invariant: who joins is elected at the next election, makes blocks and votes; who leaves is not
/// elected at the next one, and its node follows the chain; new session keys replace the old ones
/// without a pause. Two nodes with the same keys are reported by the others: the validator makes no more
/// blocks in that era, and it and its nominator lose the share of their stakes that the rules say. Nobody
/// else is reported or loses anything, every planck is accounted for, and finality never stops.
#[tokio::test(flavor = "multi_thread")]
async fn elected_validators() -> Result<()> {
    std::env::var_os("ASSAY_SHORT_ERAS").context(
        "ASSAY_SHORT_ERAS is not set to a chain specification; run scripts/zombienet, which makes it",
    )?;
    run("elected_validators", "short-eras", LIMIT, async |run: &mut Run| {
        run.testnet.connected().await?;
        let chain = Chain { run, client: run.testnet.client("alice").await? };
        let result = chain.live().await;
        // Also of a failure: who was elected and made blocks says most about it.
        if let Err(error) = chain.show_eras().await {
            run.narrator.note(format!("the eras cannot be shown: {error:#}"));
        }
        let height = result?;
        check_nodes(run, height).await
    })
    .await
}

/// The chain, as one node shows it.
struct Chain<'a> {
    run: &'a Run,
    client: Client,
}

/// A validator that has left.
struct Left {
    /// The first era for which it was no candidate.
    era: Era,
    /// The votes that its node had cast until then.
    votes: f64,
}

/// An equivocation that was reported.
struct Offence {
    /// The era.
    era: Era,
    /// The first era for which the offender was no candidate.
    left: Era,
}

impl Chain<'_> {
    /// All that happens. Returns the final height to which everything was checked.
    async fn live(&self) -> Result<u32> {
        let started = self.run.narrator.seconds();
        let (_, height) = Testnet::heights(&self.client).await?;
        let opening = Opening::read(&self.client, height).await?;
        let before = self.stakes().await?;

        let (joined, ()) = try_join(self.join(), self.nominate()).await?;
        let (keys, left) = try_join(self.rotate(), self.leave()).await?;
        let offence = self.equivocate().await?;

        let defer: Option<u32> = self.client.constant("Staking", "SlashDeferDuration").await;
        let due = offence.era + defer.context("penalties are not deferred")? + 1;
        until_era(&self.client, due, ERA * (due - offence.era)).await?;
        self.say(format!("era {due} runs, with which the penalty is due")).await?;
        let (best, _) = Testnet::heights(&self.client).await?;
        let height = self.run.until_final(&self.client, best, FINALITY).await?;

        let penalties = opening.audit_stakes(&self.client, height, self.run).await?;
        self.check_reports(&penalties, &offence).await?;
        self.check_losses(&penalties, &offence, due, &before, height).await?;
        self.check_eras(joined, &left, &offence, height).await?;
        self.check_voters(&opening, height, &keys).await?;
        let votes = self.votes("charlie").await?;
        ensure!(
            votes == left.votes,
            "charlie has left, and has voted {} times",
            votes - left.votes
        );

        let finality = self.run.narrator.pace(started).finality;
        let longest = quantile(finality.iter().map(|(_, seconds)| *seconds), 1.0);
        ensure!(
            longest > 0.0 && longest <= LONGEST_FINALITY,
            "a block was final after {longest:.1} s, not within {LONGEST_FINALITY:.1} s"
        );
        Ok(height)
    }

    /// Eve's node makes keys, and its account becomes a candidate. Returns the first era for which it
    /// was one.
    async fn join(&self) -> Result<Era> {
        let (node, eve) = (self.run.testnet.client("eve").await?, signer("eve")?);
        ensure!(node.rpc().is_validator().await?, "the node eve runs without --validator");
        ensure!(self.votes("eve").await? == 0.0, "the node eve votes before it is a validator");
        let bond = validators::bond(Compact(STAKE), RewardDestination::Stash);
        submit(&node, &bond, &eve).await?;
        let (keys, proof) = node.rpc().rotate_keys(eve.account()).await?;
        submit(&node, &session::set_keys(keys.clone(), proof), &eve).await?;
        let commission = Compact(Share::default());
        let terms = ValidatorPreferences { commission, blocked: false };
        let candidate = self.era_after(&node, &validators::validate(terms), &eve).await?;
        self.say(format!(
            "eve has session keys and a stake, and is a candidate for era {candidate}"
        ))
        .await?;

        until_era(&self.client, candidate, ELECTION).await?;
        let now = Eras::at_final(&self.client).await?;
        let elected = now.validators().await?;
        ensure!(elected.contains(eve.account()), "eve is not among {}", named(&elected));
        let backing = now.backing(candidate, eve.account()).await?.context("eve has no backing")?;
        ensure!(
            backing.own.abs_diff(STAKE) < UNIT && backing.nominators.is_empty(),
            "eve was elected with {backing:?}"
        );
        let authorities = now.authorities().await?;
        ensure!(
            takes_part(&authorities, &keys) == (true, true),
            "eve's keys {keys:?} are not among {authorities:?}"
        );
        self.until_works("eve").await?;
        self.say("eve makes blocks and votes").await?;
        Ok(candidate)
    }

    /// Ferdie nominates Dave.
    async fn nominate(&self) -> Result<()> {
        let (nominator, dave) = (signer(NOMINATOR)?, signer("dave")?);
        let bond = validators::bond(Compact(NOMINATION), RewardDestination::Stash);
        submit(&self.client, &bond, &nominator).await?;
        let targets = vec![dave.account().clone()];
        let era = self.era_after(&self.client, &validators::nominate(targets), &nominator).await?;
        self.say(format!("{NOMINATOR} nominates dave from era {era} on")).await
    }

    /// Bob changes its keys, and removes the old ones from its disk when they are not used any more.
    /// Returns the new ones.
    async fn rotate(&self) -> Result<ValidatorKeys> {
        let (node, bob) = (self.run.testnet.client("bob").await?, signer("bob")?);
        let view = self.client.validator(bob.account()).await?;
        let old = view.keys.context("bob has no session keys")?;
        let (new, proof) = node.rpc().rotate_keys(bob.account()).await?;
        let distinct = new.babe != old.babe && new.grandpa != old.grandpa;
        ensure!(distinct, "bob's new keys are the old ones: {new:?}");
        submit(&node, &session::set_keys(new.clone(), proof), &bob).await?;
        self.say("bob has set new session keys").await?;

        let awaited = "bob's new keys take part in consensus, and its old ones do not";
        until(KEYS, awaited, async || {
            let authorities = Eras::at_final(&self.client).await?.authorities().await?;
            let (old, new) = (takes_part(&authorities, &old), takes_part(&authorities, &new));
            Ok((old == (false, false) && new == (true, true)).then_some(()))
        })
        .await?;
        self.run.testnet.remove_session_keys("bob", &old)?;
        ensure!(!node.rpc().has_session_keys(&old).await?, "bob's node still has its old keys");
        ensure!(node.rpc().has_session_keys(&new).await?, "bob's node does not have its new keys");
        self.until_works("bob").await?;
        self.say("bob makes blocks and votes with its new session keys alone").await?;
        Ok(new)
    }

    /// Charlie becomes no candidate any more, and unbonds when its last era is over.
    async fn leave(&self) -> Result<Left> {
        let (node, charlie) = (self.run.testnet.client("charlie").await?, signer("charlie")?);
        let stake = self.stake("charlie").await?.active;
        let era = self.era_after(&node, &validators::chill(), &charlie).await?;
        self.say(format!("charlie is no candidate from era {era} on")).await?;

        until_era(&self.client, era, ELECTION).await?;
        let elected = Eras::at_final(&self.client).await?.validators().await?;
        ensure!(!elected.contains(charlie.account()), "charlie is among {}", named(&elected));
        // Charlie votes until it has the votes for the block with which the era begins.
        let (best, _) = Testnet::heights(&self.client).await?;
        self.run.until_final(&self.client, best, FINALITY).await?;
        let votes = self.votes("charlie").await?;

        let free = self.era_after(&node, &validators::unbond(Compact(stake)), &charlie).await? - 1;
        let bonding: Option<u32> = self.client.constant("Staking", "BondingDuration").await;
        let free = free + bonding.context("stakes are not bound")?;
        let left = self.stake("charlie").await?;
        ensure!(
            left.active == 0 && left.unlocking == [(free, stake)],
            "charlie has unbonded {stake} plancks, to be free in era {free}, and has {left:?}"
        );
        let (_, height) = Testnet::heights(&self.client).await?;
        self.run.testnet.finalised("charlie", height, FINALITY).await?;
        self.say("charlie is no validator, has unbonded, and its node follows the chain").await?;
        Ok(Left { era, votes })
    }

    /// Dave's operator copies the keys to another machine, and does not stop the first one. When the
    /// chain says so, the operator stops the copy, removes its keys, and leaves.
    async fn equivocate(&self) -> Result<Offence> {
        let (testnet, dave) = (&self.run.testnet, signer("dave")?);
        let keys = self.client.validator(dave.account()).await?.keys;
        let keys = keys.context("dave has no session keys")?;
        // From the beginning of an era, so that report and offence are in the same one.
        let era = Eras::at_final(&self.client).await?.active().await? + 1;
        until_era(&self.client, era, ERA).await?;
        let copied = testnet.copy_session_keys("dave", SPARE)?;
        self.say(format!("{SPARE} has {copied} keys of dave, and both run")).await?;

        let started = self.run.narrator.seconds();
        let awaited = format!("an equivocation of dave in era {era} is reported in a final block");
        let reported =
            async || Eras::at_final(&self.client).await?.penalty(era, dave.account()).await;
        let (share, own) = until(OFFENCE, awaited, reported).await?;
        let seconds = self.run.narrator.seconds() - started;
        self.run
            .narrator
            .figure("from two nodes with the same keys to the report, seconds", seconds);
        self.say(format!("dave is to lose {share} parts of 10^9, {own} plancks of its own"))
            .await?;

        testnet.kill(SPARE).await?;
        let node = testnet.client("dave").await?;
        let left = self.era_after(&node, &validators::chill(), &dave).await?;
        testnet.remove_session_keys(SPARE, &keys)?;
        testnet.restart(SPARE).await?;
        self.say(format!("{SPARE} has no keys, and dave is no candidate from era {left} on"))
            .await?;
        Ok(Offence { era, left })
    }

    /// Only Dave was reported and disabled, in the era of its offence, with the share of the rules.
    async fn check_reports(&self, penalties: &Penalties, offence: &Offence) -> Result<()> {
        let dave = signer("dave")?.account().clone();
        for (kind, count) in &penalties.offences {
            self.run.narrator.figure(&format!("offences, {kind}"), *count as f64);
        }
        let first = penalties.reported.first().context("nobody was reported")?;
        let then = Eras::at_height(&self.client, first.height).await?;
        let share = share(1, then.validators().await?.len() as u64);
        for one in &penalties.reported {
            ensure!(
                one.validator == dave && one.era == offence.era && one.share == share,
                "reported was {} for {one:?}; expected were {share} parts of 10^9 for dave in era {}",
                name_of(&one.validator),
                offence.era
            );
        }
        let (disabled, _) = penalties.disabled.first().context("nobody was disabled")?;
        let others = penalties.disabled.iter().find(|(_, account)| *account != dave);
        ensure!(others.is_none(), "{others:?} was disabled");
        let points = async |height| {
            Eras::at_height(&self.client, height).await?.points(offence.era, &dave).await
        };
        let (_, height) = Testnet::heights(&self.client).await?;
        let (then, later) = (points(*disabled).await?, points(height).await?);
        ensure!(
            then == later,
            "dave was disabled in block {disabled} with {then} points, and has {later} in this era"
        );
        self.run.narrator.figure("penalty, % of the stakes", share as f64 / 1e7);
        self.say(format!("only dave was reported, and has made no block after block {disabled}"))
            .await
    }

    /// Dave and its nominator lost the share of their stakes, when it was due, and nobody else lost any.
    async fn check_losses(
        &self,
        penalties: &Penalties,
        offence: &Offence,
        due: Era,
        before: &BTreeMap<&'static str, Stake>,
        height: u32,
    ) -> Result<()> {
        let (dave, nominator) = (signer("dave")?, signer(NOMINATOR)?);
        let now = Eras::at_height(&self.client, height).await?;
        let share = penalties.reported.first().context("nobody was reported")?.share;
        let backing = now.backing(offence.era, dave.account()).await?.context("no backing")?;
        let [(who, behind)] = backing.nominators.as_slice() else {
            anyhow::bail!("dave was elected with {backing:?}");
        };
        let stake = before["dave"].active;
        ensure!(
            who == nominator.account()
                && backing.own.abs_diff(stake) < UNIT
                && behind.abs_diff(NOMINATION) < UNIT,
            "dave has {stake} and {NOMINATOR} {NOMINATION}, and dave was elected with {backing:?}"
        );
        let expected = BTreeMap::from([
            (dave.account().clone(), of_stake(share, backing.own)),
            (nominator.account().clone(), of_stake(share, *behind)),
        ]);
        let losses = penalties.losses();
        ensure!(losses == expected, "taken were {losses:?}, and the rules say {expected:?}");
        for (taken, account, _) in &penalties.taken {
            let eras = [
                Eras::at_height(&self.client, taken - 1).await?.active().await?,
                Eras::at_height(&self.client, *taken).await?.active().await?,
            ];
            ensure!(
                eras == [due - 1, due],
                "{} was penalised in block {taken}, between the eras {eras:?}, not {due}",
                name_of(account)
            );
        }

        // What is at stake now.
        let lost = |signer: &Signer| losses.get(signer.account()).copied().unwrap_or_default();
        for (name, before) in before {
            let now = self.stake(name).await?;
            let at_stake = now.active + now.unlocking.iter().map(|(_, of)| of).sum::<Balance>();
            let expected = before.active - lost(&signer(name)?);
            ensure!(
                at_stake == expected,
                "{name} has {at_stake} plancks at stake, not {expected}; before: {before:?}"
            );
        }
        for (name, stake) in [("eve", STAKE), (NOMINATOR, NOMINATION)] {
            let (now, expected) = (self.stake(name).await?.active, stake - lost(&signer(name)?));
            ensure!(now == expected, "{name} has {now} plancks at stake, not {expected}");
        }
        let total: Balance = losses.values().sum();
        self.run.narrator.figure("penalties, ASY", total as f64 / ASY as f64);
        self.say("dave and its nominator lost what the rules say, and nobody else anything").await
    }

    /// Validators were those that they had to be, in each era.
    async fn check_eras(
        &self,
        joined: Era,
        left: &Left,
        offence: &Offence,
        height: u32,
    ) -> Result<()> {
        let now = Eras::at_height(&self.client, height).await?;
        let last = now.active().await?;
        ensure!(offence.left <= last, "era {last} ran, and dave leaves with era {}", offence.left);
        for era in 0..=last {
            for name in VALIDATORS {
                let elected = now.backing(era, signer(name)?.account()).await?.is_some();
                let expected = match name {
                    "charlie" => era < left.era,
                    "dave" => era < offence.left,
                    "eve" => era >= joined,
                    _ => true,
                };
                ensure!(
                    elected == expected,
                    "that {name} was a validator in era {era} is {elected}, and has to be {expected}"
                );
            }
        }
        self.run.narrator.figure("eras", f64::from(last));
        self.say(format!("validators of the eras 0 to {last} were those that had to be")).await
    }

    /// Only the authorities of a time have voted, and when there were three, each of them had to: Alice,
    /// Eve, and Bob with its new keys.
    async fn check_voters(
        &self,
        opening: &Opening,
        height: u32,
        bobs: &ValidatorKeys,
    ) -> Result<()> {
        let voter = async |name: &str| {
            let view = self.client.validator(signer(name)?.account()).await?;
            anyhow::Ok(view.keys.with_context(|| format!("{name} has no session keys"))?.grandpa)
        };
        let mut three = [voter("alice").await?, bobs.grandpa, voter("eve").await?];
        three.sort_unstable();
        let (mut justified, mut by_three) = (0, 0);
        for height in opening.height()..=height {
            let Some(voters) = Eras::at_height(&self.client, height).await?.voters().await? else {
                continue;
            };
            // A block after which others vote is final by those before.
            let parent = Eras::at_height(&self.client, height.saturating_sub(1)).await?;
            let authorities = parent.authorities().await?.grandpa;
            let stranger = voters.iter().find(|voter| !authorities.contains(voter));
            ensure!(stranger.is_none(), "{stranger:?} has voted for block {height}");
            justified += 1;
            by_three += u32::from(voters == three);
        }
        self.run.narrator.figure("blocks with a justification", f64::from(justified));
        ensure!(
            by_three > 0,
            "of {justified} blocks with a justification, none has the votes of alice, of bob's new \
             key and of eve together"
        );
        self.say(format!(
            "alice, eve, and bob's new key have voted for {by_three} changes of the set"
        ))
        .await
    }

    /// Makes a call. Returns the first era whose election comes after it.
    async fn era_after(&self, node: &Client, call: &Call, signer: &Signer) -> Result<Era> {
        let awaited = format!("{} of {} is final", call.path(), name_of(signer.account()));
        let block = within(CALL, awaited, node.submit_final(call, signer)).await?.block;
        Ok(Eras::at(node, block).planned().await? + 1)
    }

    /// Waits until a validator has made a block, in a final one, and has voted, both after now.
    async fn until_works(&self, name: &str) -> Result<()> {
        let account = signer(name)?.account().clone();
        let points = async || {
            let now = Eras::at_final(&self.client).await?;
            let mut points = 0;
            for era in 0..=now.active().await? {
                points += now.points(era, &account).await?;
            }
            anyhow::Ok(points)
        };
        let (blocks, votes) = (points().await?, self.votes(name).await?);
        until(WORK, format!("{name} makes a block and votes"), async || {
            let works = points().await? > blocks && self.votes(name).await? > votes;
            Ok(works.then_some(()))
        })
        .await
    }

    async fn votes(&self, name: &str) -> Result<f64> {
        self.run.testnet.counter(name, VOTES, "").await
    }

    async fn stake(&self, name: &str) -> Result<Stake> {
        let view = self.client.validator(signer(name)?.account()).await?;
        view.stake.with_context(|| format!("{name} has no stake"))
    }

    /// The stakes of the validators of the genesis.
    async fn stakes(&self) -> Result<BTreeMap<&'static str, Stake>> {
        let mut stakes = BTreeMap::new();
        for name in VALIDATORS.into_iter().filter(|name| *name != "eve") {
            stakes.insert(name, self.stake(name).await?);
        }
        Ok(stakes)
    }

    /// Says what happened, with the era and the height of the newest final block.
    async fn say(&self, text: impl std::fmt::Display) -> Result<()> {
        let era = Eras::at_final(&self.client).await?.active().await?;
        let (_, height) = Testnet::heights(&self.client).await?;
        self.run.narrator.say(format!("{text} (era {era}, block {height})"));
        Ok(())
    }

    /// Prints who was elected in each era, with the blocks that each has made.
    async fn show_eras(&self) -> Result<()> {
        let now = Eras::at_final(&self.client).await?;
        for era in 0..=now.planned().await? {
            let mut line = Vec::new();
            for name in VALIDATORS {
                let account = signer(name)?.account().clone();
                if now.backing(era, &account).await?.is_some() {
                    line.push(format!("{name} {}", now.points(era, &account).await? / 20));
                }
            }
            self.run.narrator.note(format!("blocks of era {era}: {}", line.join(", ")));
        }
        Ok(())
    }
}

/// Whether keys are among those that make blocks, and among those that vote.
fn takes_part(authorities: &Authorities, keys: &ValidatorKeys) -> (bool, bool) {
    (authorities.babe.contains(&keys.babe), authorities.grandpa.contains(&keys.grandpa))
}

async fn submit(node: &Client, call: &Call, signer: &Signer) -> Result<()> {
    let awaited = format!("{} of {} is in a block", call.path(), name_of(signer.account()));
    within(CALL, awaited, node.submit(call, signer)).await?;
    Ok(())
}

/// The signer of a well-known account, whose secret is `//Eve` for `eve`.
fn signer(name: &str) -> Result<Signer> {
    let mut letters = name.chars();
    let first = letters.next().context("no name")?.to_ascii_uppercase();
    Ok(Signer::from_suri(&format!("//{first}{}", letters.as_str()))?)
}

/// The name of a well-known account, or its address.
fn name_of(account: &AccountId) -> String {
    let names = VALIDATORS.into_iter().chain([NOMINATOR]);
    let of = names.into_iter().find(|name| signer(name).is_ok_and(|one| one.account() == account));
    of.map_or_else(|| account.to_string(), str::to_owned)
}

fn named(accounts: &[AccountId]) -> String {
    accounts.iter().map(name_of).collect::<Vec<_>>().join(", ")
}
