//! Scenario `partitions`.

use std::time::Duration;

use anyhow::{ensure, Context, Result};
use assay_client::{AccountId, Call, Client, InferenceRequest, Signer};
use assay_primitives::{dispute::DisputeTiming, Assurance};
use assay_zombienet::{
    clocks::move_blocks,
    dispute::{ask, terms, Dispute},
    history::History,
    load::{confirm, Amount, Answered, Load},
    scenario::{run, Run},
    scene::{Scene, FINALITY},
    stage::{Away, Stage},
    sudo::sudo,
    testnet::Testnet,
    wait::{throughout, within},
};
use futures::future::{try_join, try_join_all};

/// Payers that ask alice, payers that ask dave, payers that ask both for the same, and one whose
/// results are disputed.
const PAYERS: usize = 4 + 4 + 2 + 1;
/// Least number of requests of the payers at each side.
const REQUESTS: usize = 15;
/// Blocks that a validator makes that is alone. More than a move in a dispute may take in the genesis
/// of these chains, which is 10.
const BLOCKS_ALONE: u32 = 12;
/// Time for them: three of four slots are empty.
const ALONE: Duration = Duration::from_secs(240);
/// Blocks for a move in a dispute across the partition into halves. Both halves have two authors, so
/// the clock goes on in both.
const RESPONSE_HALVES: u32 = 40;
/// Blocks that each half makes.
const BLOCKS_HALVES: u32 = 15;
/// Time for them: half of the slots is empty.
const HALVES: Duration = Duration::from_secs(180);
/// Blocks for whose finality the votes were complete when the sides lost each other.
const VOTED: u32 = 4;
/// How many blocks in a row of one author clocks count: as many as validators may be faulty, of four.
const MOST_COUNTED: u32 = 1;
/// Time for finality and a common best block after the sides have found each other.
const RECOVERY: Duration = Duration::from_secs(180);
/// Blocks after a partition in which deadlines of requests pass that were made in it.
const LATE: u32 = 30;
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// One validator of four is cut off with an operator, then the network falls into two halves, each time
/// under load from payers on both sides and with an open dispute; then the sides find each other again.
///
/// Invariant: no two histories are final, ever; what was requested on one side, or with one client key
/// on both, is verified and settled once; the clock of a side with one author stands still, and no
/// dispute is lost by who could not move.
#[tokio::test(flavor = "multi_thread")]
async fn partitions() -> Result<()> {
    run("partitions", "partitions", LIMIT, async |run: &mut Run| {
        let mut scene = Scene::set(run, PAYERS).await?;
        let stage = &scene.stage.clone();
        let alice = run.testnet.client("alice").await?;
        let dave = run.testnet.client("dave").await?;
        let mut loads = Vec::new();
        for (name, payers) in [("alice", 0..4), ("dave", 4..8)] {
            let urls = vec![run.testnet.url(name)?];
            let amount = Amount::AtLeast(REQUESTS);
            loads.push(Load::start(&stage.of_payers(payers), urls, amount, &run.narrator));
        }
        let sides = Sides { run, stage, alice, dave, history: History::default() };
        let (first, alone) = sides.alone().await?;
        let (others, halves) = sides.halves().await?;
        let mut answered = vec![first];
        answered.extend(others);

        for load in loads {
            answered.extend(load.finish().await?);
        }
        confirm(&sides.dave, &mut answered).await?;
        for name in run.testnet.names() {
            let client = run.testnet.client(name).await?;
            sides.history.enter(name, &client).await?;
        }
        sides.history.check(run, &scene.client).await?;
        scene.stage.away = vec![alone, halves];
        scene.check(run, &answered).await
    })
    .await
}

/// A client on each side, and what the nodes have finalised.
struct Sides<'a> {
    run: &'a Run,
    stage: &'a Stage,
    alice: Client,
    dave: Client,
    history: History,
}

impl Sides<'_> {
    /// dave is alone, with an operator that has no part in the dispute. Returns the disputed request, and
    /// when that operator was away.
    async fn alone(&self) -> Result<(Answered, Away)> {
        let (run, stage) = (self.run, self.stage);
        let dispute = self.dispute().await?;
        let mut operators = run.testnet.named("operator");
        operators.retain(|name| *name != dispute.operator);
        let alone = operators.pop().context("no other operator")?;
        let away = self.accounts_of(&[&alone]);
        let minority = vec!["dave".to_owned(), alone];
        run.testnet.divide(&[self.others(&minority), minority]).await?;
        run.narrator.say("dave is cut off with an operator");

        let (since, voted) = Testnet::heights(&self.dave).await?;
        let clocks = self.clocks().await?;
        let hold = async {
            throughout(ALONE, "the blocks of a validator that is alone", async || {
                let finalised = self.history.enter("dave", &self.dave).await?;
                ensure!(finalised <= voted + VOTED, "dave alone has final block {finalised}");
                self.history.enter("alice", &self.alice).await?;
                let (best, _) = Testnet::heights(&self.dave).await?;
                Ok(best < since + BLOCKS_ALONE)
            })
            .await?;
            let [of_three, of_one] = self.counted("three authors", "one author", clocks).await?;
            ensure!(
                of_one <= MOST_COUNTED && of_three > MOST_COUNTED,
                "the clock of one author counted {of_one} blocks, that of three {of_three}"
            );
            let open = self.dave.dispute(dispute.id, None).await?;
            ensure!(open.is_some(), "the dispute ended where nobody could move");
            Ok(())
        };
        try_join(dispute.play(stage, &self.alice), hold).await?;
        let (_, finalised) = Testnet::heights(&self.alice).await?;
        ensure!(
            finalised > since + VOTED,
            "three of four validators have finalised {finalised}, and were at {since}"
        );
        let healed = self.heal().await?;
        let request = dispute.request(stage, &self.alice).await?;
        Ok((request, Away { operators: away, blocks: since..=healed + LATE }))
    }

    /// Two halves, one of which has the operator of the dispute, and the other one its challenger.
    /// Returns the disputed request, and those that were made on both sides; and when the operators of one
    /// half were away for the other one.
    async fn halves(&self) -> Result<(Vec<Answered>, Away)> {
        let (run, stage) = (self.run, self.stage);
        let window = self.alice.dispute_timing().await?.window;
        let timing = DisputeTiming { window, response: RESPONSE_HALVES };
        sudo(&self.alice, &Call::new("Disputes", "set_timing").with("timing", timing)).await?;
        let dispute = self.dispute().await?;
        let half = ["charlie", "dave", &dispute.operator].map(str::to_owned).to_vec();
        run.testnet.divide(&[self.others(&half), half]).await?;
        run.narrator.say("the network has fallen into two halves");

        let (since, voted) = Testnet::heights(&self.dave).await?;
        let clocks = self.clocks().await?;
        let hold = async {
            let twins = self.request_on_both_sides().await?;
            run.narrator.say(format!("{} requests were made on both sides", twins.len()));
            throughout(HALVES, "the blocks of both halves", async || {
                let mut least = u32::MAX;
                for (name, client) in self.both() {
                    let finalised = self.history.enter(name, client).await?;
                    ensure!(
                        finalised <= voted + VOTED,
                        "half of the validators have final block {finalised} at {name}"
                    );
                    least = least.min(Testnet::heights(client).await?.0);
                }
                Ok(least < since + BLOCKS_HALVES)
            })
            .await?;
            self.counted("one half", "the other half", clocks).await?;
            for (name, client) in self.both() {
                let open = client.dispute(dispute.id, None).await?;
                ensure!(open.is_some(), "the dispute ended at {name}, without one of the parties");
            }
            let fork = since + BLOCKS_HALVES;
            let here = self.alice.rpc().block_hash(fork).await?;
            ensure!(here != self.dave.rpc().block_hash(fork).await?, "the halves have one chain");
            let healed = self.heal().await?;
            Ok((twins, healed))
        };
        let ((), (twins, healed)) = try_join(dispute.play(stage, &self.alice), hold).await?;
        let mut answered = vec![dispute.request(stage, &self.alice).await?];
        for (terms, payer) in twins {
            let here = ask(stage, &self.alice, &terms, &payer).await?;
            let there = ask(stage, &self.dave, &terms, &payer).await?;
            let requests = [&here, &there].map(|one| one.result.request);
            ensure!(requests[0] == requests[1], "one client key has two requests: {requests:?}");
            answered.push(here);
        }
        // The blocks of either half remain.
        let operators = run.testnet.named("operator");
        let operators = self.accounts_of(&operators.iter().collect::<Vec<_>>());
        Ok((answered, Away { operators, blocks: since..=healed + LATE }))
    }

    /// The accounts of the operators at these nodes.
    fn accounts_of(&self, nodes: &[&String]) -> Vec<AccountId> {
        let all = self.run.testnet.named("operator").into_iter().zip(&self.stage.operators);
        all.filter(|(name, _)| nodes.contains(&name))
            .map(|(_, operator)| operator.account().clone())
            .collect()
    }

    /// The clocks of both sides, as the best blocks of alice and dave have them.
    async fn clocks(&self) -> Result<[u32; 2]> {
        Ok([move_blocks(&self.alice).await?, move_blocks(&self.dave).await?])
    }

    /// By how much they have gone on since, which goes into the report.
    async fn counted(&self, first: &str, second: &str, since: [u32; 2]) -> Result<[u32; 2]> {
        let [alice, dave] = self.clocks().await?;
        let counted = [alice - since[0], dave - since[1]];
        for (side, count) in [first, second].into_iter().zip(counted) {
            let name = format!("blocks that the clock of {side} counted");
            self.run.narrator.figure(&name, count.into());
        }
        Ok(counted)
    }

    async fn dispute(&self) -> Result<Dispute> {
        let payer = self.stage.payers.last().context("there are no payers")?;
        Dispute::open(self.run, self.stage, &self.alice, payer).await
    }

    /// Makes requests with the same client keys on both sides, each of which a block includes.
    async fn request_on_both_sides(&self) -> Result<Vec<(InferenceRequest, Signer)>> {
        let payers = self.stage.of_payers(8..10).payers;
        let twins: Vec<_> =
            payers.into_iter().map(|payer| (terms(self.stage, Assurance::Signed), payer)).collect();
        let requests = self.both().into_iter().flat_map(|(_, client)| {
            twins.iter().map(move |(terms, payer)| client.request_inference(terms, payer, &|_| ()))
        });
        within(FINALITY, "blocks include the requests", try_join_all(requests)).await?;
        Ok(twins)
    }

    /// Connects all nodes, and waits until what either side had is decided. Returns the height of the
    /// best block then.
    async fn heal(&self) -> Result<u32> {
        let started = self.run.narrator.seconds();
        self.run.testnet.join().await?;
        self.run.narrator.say("all nodes have each other again");
        let mut best = 0;
        for (_, client) in self.both() {
            best = best.max(Testnet::heights(client).await?.0);
        }
        for (name, client) in self.both() {
            self.run.until_final(client, best, RECOVERY).await?;
            self.history.enter(name, client).await?;
        }
        let seconds = self.run.narrator.seconds() - started;
        self.run.narrator.figure("recovery of finality after a partition, seconds", seconds);
        Ok(best)
    }

    fn both(&self) -> [(&str, &Client); 2] {
        [("alice", &self.alice), ("dave", &self.dave)]
    }

    fn others(&self, names: &[String]) -> Vec<String> {
        let all = self.run.testnet.names().iter();
        all.filter(|name| !names.contains(name)).cloned().collect()
    }
}
