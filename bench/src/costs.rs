//! A search for architectures whose verification takes longer than it is charged for.
//!
//! The weight of a verification is linear in counts that are computed from the architecture. The
//! search proves random architectures and verifies the proofs in the runtime's wasm. It then makes
//! random changes to the architectures with the highest ratio of measured to charged time. A ratio
//! above 1 permits an attack on validators.

mod builder;
mod recipe;

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use assay_graph::{Architecture, CheckedGraph, Digest, ElementType, Operation, Plan, Shape};
use assay_pallet_testing::{
    graphs::Random,
    series::{Fixture, CONTEXT},
};
use assay_primitives::{
    engine::ProofContext, tensor::graph_dimensions, traits::Verification as _, ProofCost, Tensor,
    WeightsFingerprint,
};
use assay_proof::{ProofParameters, Prover, Verifier};
use assay_runtime::constants::{MaxInputBytes, MaxOutputBytes, MaxProofCost};
use codec::{DecodeAll, Encode};

use crate::{
    report::{say, Report},
    runtime::{borrowed, context, Runtime},
};
use recipe::{Dice, Recipe, FAMILIES};

#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Duration of the search in minutes.
    #[arg(long, default_value_t = 10.0)]
    pub minutes: f64,
    /// Seed of the random architectures.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Write all measurements to this file (CSV).
    #[arg(long)]
    pub csv: Option<PathBuf>,
}

/// Number of verifications of each architecture, and of those with the highest ratios.
const FEW: usize = 5;
const MANY: usize = 15;
/// Number of architectures that are printed.
const SHOWN: usize = 10;
/// Limits of what is proven, a few seconds each: cells of each commitment, cells times the inverse
/// rate, and elementary steps of the inference.
const MAX_CELLS: u64 = 1 << 21;
const MAX_CODE: u64 = 1 << 24;
const MAX_STEPS: u64 = 1 << 28;

/// The proofs with which the weights are measured.
const FIXTURES: [(&str, &[u8]); 7] = [
    ("small", include_bytes!("../../pallets/verification/fixtures/small.scale")),
    ("wide", include_bytes!("../../pallets/verification/fixtures/wide.scale")),
    ("read", include_bytes!("../../pallets/verification/fixtures/read.scale")),
    ("hashed", include_bytes!("../../pallets/verification/fixtures/hashed.scale")),
    ("deep", include_bytes!("../../pallets/verification/fixtures/deep.scale")),
    ("values", include_bytes!("../../pallets/verification/fixtures/values.scale")),
    ("tall", include_bytes!("../../pallets/verification/fixtures/tall.scale")),
];

const COUNTS: [&str; 6] =
    ["architecture bytes", "products", "cells", "hashes", "openings", "proof bytes"];

fn counts(cost: &ProofCost) -> [u32; 6] {
    let ProofCost { architecture_bytes, products, cells, hashes, openings, proof_bytes } = *cost;
    [architecture_bytes, products, cells, hashes, openings, proof_bytes]
}

/// The charged time in milliseconds.
fn charged(cost: ProofCost) -> f64 {
    assay_runtime::Verification::proof_weight(cost).ref_time() as f64 / 1e9
}

/// The charged time per unit of each count, and the constant, in milliseconds.
fn prices() -> [f64; 7] {
    let base = ProofCost::default();
    let [architecture_bytes, products, cells, hashes, openings, proof_bytes] =
        counts(&MaxProofCost::get());
    let each = [
        (ProofCost { architecture_bytes, ..base }, architecture_bytes),
        (ProofCost { products, ..base }, products),
        (ProofCost { cells, ..base }, cells),
        (ProofCost { hashes, ..base }, hashes),
        (ProofCost { openings, ..base }, openings),
        (ProofCost { proof_bytes, ..base }, proof_bytes),
    ];
    let [a, b, c, d, e, f] =
        each.map(|(cost, count)| (charged(cost) - charged(base)) / f64::from(count.max(1)));
    [a, b, c, d, e, f, charged(base)]
}

/// An architecture that can be published, and the cost of its verification.
struct Tried {
    recipe: Recipe,
    cost: ProofCost,
    measured_ms: f64,
    charged_ms: f64,
    digest: Digest,
    is_confirmed: bool,
}

impl Tried {
    fn ratio(&self) -> f64 {
        self.measured_ms / self.charged_ms
    }

    /// The counts, followed by 1 for the constant.
    fn features(&self) -> [f64; 7] {
        let [a, b, c, d, e, f] = counts(&self.cost).map(f64::from);
        [a, b, c, d, e, f, 1.0]
    }
}

/// Whether the payload of one tensor is within a bound.
fn fits(element_type: ElementType, shape: Shape, bound: u32) -> bool {
    let Some(elements) = shape.elements() else { return false };
    let element_type = match element_type {
        ElementType::Int8 => assay_primitives::ElementType::I8,
        ElementType::Int32 => assay_primitives::ElementType::I32,
    };
    let shape = graph_dimensions([shape.channels, shape.height, shape.width]);
    let data = vec![0; elements * element_type.size()];
    vec![Tensor { element_type, shape, data }].encoded_size() <= bound as usize
}

/// Whether proving takes a few seconds at most.
fn is_quick(plan: &Plan, parameters: &ProofParameters) -> bool {
    let padded = |shape: Shape| {
        let Shape { channels, height, width } = shape;
        [channels, height, width].map(|side| u64::from(side.next_power_of_two())).iter().product()
    };
    let (mut witness, mut model, mut steps) = (0u64, 0u64, 0u64);
    let mut tables = BTreeSet::new();
    for (index, operation) in plan.operations().iter().enumerate() {
        let (shape, fan_in) = (plan.shapes()[index + 1], plan.fan_in(index).unwrap_or(0) as u64);
        let cells: u64 = padded(shape);
        steps += cells * fan_in;
        witness += match operation {
            Operation::Requantize(requantize) => {
                tables.insert((requantize.quotient_bits, requantize.clamp.encode()));
                cells * u64::from(2 + requantize.shift.bits() / parameters.limbs.bits())
            },
            Operation::MaxPool2d(_) => cells * (1 + fan_in),
            Operation::Lookup(_) => cells,
            _ => 0,
        };
    }
    witness += tables.iter().map(|(bits, _)| 1u64 << bits).sum::<u64>();
    for set in plan.all_parameters() {
        model += (set.channels.next_power_of_two() * set.fan_in.next_power_of_two()) as u64;
    }
    let is_small = |cells: u64, rate: u8| cells <= MAX_CELLS && cells << rate <= MAX_CODE;
    steps <= MAX_STEPS
        && is_small(witness, parameters.witness.log_inverse_rate)
        && is_small(model, parameters.model.log_inverse_rate)
}

/// The sealed graph and its cost; `None` if it cannot be published or takes too long to prove.
fn published(recipe: &Recipe) -> Option<(CheckedGraph, ProofCost)> {
    let mut graph = recipe.graph()?;
    if !fits(ElementType::Int8, graph.architecture.input_shape, MaxInputBytes::get()) {
        return None;
    }
    graph.architecture.commitments.proof_parameters = recipe.parameters.to_list();
    let plan = Plan::new(graph.architecture.clone()).ok()?;
    let (output, element_type) = (plan.shape(plan.output())?, plan.element_type(plan.output())?);
    if !fits(element_type, output, MaxOutputBytes::get()) || !is_quick(&plan, &recipe.parameters) {
        return None;
    }
    let cost = pallet_model_registry::proof_cost(&plan, &Verifier::new(&plan).ok()?);
    if !cost.is_within(&MaxProofCost::get()) {
        return None;
    }
    assay_proof::seal(&mut graph, &recipe.parameters).ok()?;
    Some((CheckedGraph::new(graph).ok()?, cost))
}

struct Bench {
    runtime: Runtime,
    idle_ms: f64,
}

impl Bench {
    fn new() -> Result<Self> {
        let mut bench = Self { runtime: Runtime::new()?, idle_ms: 0.0 };
        bench.idle_ms = bench.least(2 * MANY, &|runtime| runtime.idle())?;
        Ok(bench)
    }

    /// The minimum time of this many calls, minus the overhead of a call.
    fn least(&self, calls: usize, call: &dyn Fn(&Runtime) -> Result<f64>) -> Result<f64> {
        let mut least = f64::INFINITY;
        for _ in 0..calls {
            least = least.min(call(&self.runtime)?);
        }
        Ok(least - self.idle_ms)
    }

    /// The ratio of a proof with which the weights are measured. If it is higher than at that time,
    /// this machine is slower or has other load.
    fn fixture(&self, mut bytes: &[u8]) -> Result<f64> {
        let Fixture { architecture, input, output, weights, proof } =
            Fixture::decode_all(&mut bytes)?;
        let context = ProofContext {
            genesis: CONTEXT.genesis,
            domain: CONTEXT.domain.to_vec(),
            request: CONTEXT.request.to_vec(),
            requester: CONTEXT.requester,
            operator: CONTEXT.operator,
        };
        let plan = Plan::new(Architecture::from_bytes(&architecture)?)?;
        let cost = pallet_model_registry::proof_cost(&plan, &Verifier::new(&plan)?);
        let call = (architecture, context, input, output, weights, proof).encode();
        Ok(self.least(MANY, &|runtime| runtime.verify(&call))? / charged(cost))
    }

    /// Proves and verifies; `None` if the recipe's graph cannot be published. A ratio above
    /// `record` is measured more often, because the search continues from it.
    fn measure(&self, recipe: Recipe, record: f64) -> Result<Option<Tried>> {
        let Some((graph, cost)) = published(&recipe) else { return Ok(None) };
        let prover = Prover::new(&graph)?;
        let mut random = Random(11);
        let input: Vec<u8> = (0..prover.verifier().input_bytes()).map(|_| random.byte()).collect();
        let context = context(0);
        let proven = prover.prove(&borrowed(&context), &input)?;
        let weights = WeightsFingerprint(prover.fingerprint().0);
        let architecture = graph.plan().architecture().encode();
        let call = (architecture, &context, input, proven.output, weights, proven.proof).encode();
        let verify = |runtime: &Runtime| {
            runtime.verify(&call).with_context(|| format!("{}: {recipe}", recipe.family))
        };
        let charged_ms = charged(cost);
        let mut measured_ms = self.least(FEW, &verify)?;
        if measured_ms / charged_ms > record {
            measured_ms = measured_ms.min(self.least(MANY, &verify)?);
        }
        let (digest, is_confirmed) = (graph.digest(), false);
        Ok(Some(Tried { recipe, cost, measured_ms, charged_ms, digest, is_confirmed }))
    }
}

/// Indices of the architectures with the highest ratios, in one family or in all.
fn worst(tried: &[Tried], family: Option<&str>, count: usize) -> Vec<usize> {
    let is_of = |one: &Tried| family.is_none_or(|family| one.recipe.family == family);
    let mut all: Vec<usize> = (0..tried.len()).filter(|index| is_of(&tried[*index])).collect();
    all.sort_by(|a, b| tried[*b].ratio().total_cmp(&tried[*a].ratio()));
    all.truncate(count);
    all
}

/// Tries random recipes of each family, and random changes of the recipes with the highest ratios.
fn search(bench: &Bench, options: &Options) -> Result<(Vec<Tried>, usize)> {
    const MINUTE: Duration = Duration::from_secs(60);
    let started = Instant::now();
    let end = started + MINUTE.mul_f64(options.minutes);
    let mut dice = Dice(Random(options.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1));
    let (mut tried, mut skipped) = (Vec::<Tried>::new(), 0);
    let mut digests = BTreeSet::new();
    let mut progress = MINUTE;
    while Instant::now() < end {
        let family = dice.pick(&FAMILIES);
        let parents = match dice.between(0, 3) {
            0 => Vec::new(),
            1 => worst(&tried, None, SHOWN),
            _ => worst(&tried, Some(family.0), 3),
        };
        let recipe = match parents.is_empty() {
            true => Recipe::random(family, &mut dice),
            false => tried[*dice.pick(&parents)].recipe.changed(&mut dice),
        };
        let best = worst(&tried, Some(recipe.family), 1);
        let record = best.first().map_or(0.0, |index| tried[*index].ratio());
        match bench.measure(recipe, record)? {
            // Different recipes can produce the same graph.
            Some(one) if digests.insert(one.digest) => tried.push(one),
            _ => skipped += 1,
        }
        if started.elapsed() > progress {
            progress += MINUTE;
            if let Some(index) = worst(&tried, None, 1).first() {
                let Tried { recipe, .. } = &tried[*index];
                let (ratio, count) = (tried[*index].ratio(), tried.len());
                say(&format!(
                    "tried {count}; highest ratio {ratio:.3} in family {}",
                    recipe.family
                ));
            }
        }
    }
    Ok((tried, skipped))
}

/// Measures the architectures with the highest ratios again, until all of them are confirmed. The
/// second measurement is at another time, so that other load on the machine does not distort both.
fn confirm(bench: &Bench, tried: &mut [Tried]) -> Result<Vec<usize>> {
    loop {
        let all = worst(tried, None, SHOWN);
        let Some(index) = all.iter().find(|index| !tried[**index].is_confirmed) else {
            return Ok(all);
        };
        let one = &mut tried[*index];
        one.is_confirmed = true;
        if let Some(again) = bench.measure(one.recipe.clone(), 0.0)? {
            one.measured_ms = one.measured_ms.min(again.measured_ms);
        }
    }
}

/// Fits non-negative times for each count and a constant, in milliseconds, to the measurements, by
/// least squares of the relative errors.
fn fit(tried: &[Tried]) -> [f64; 7] {
    let mut products = [[0.0; 7]; 7];
    let mut sums = [0.0; 7];
    for one in tried {
        let row = one.features().map(|count| count / one.measured_ms);
        for (j, a) in row.iter().enumerate() {
            sums[j] += a;
            row.iter().enumerate().for_each(|(k, b)| products[j][k] += a * b);
        }
    }
    let mut prices = [0.0; 7];
    for _ in 0..20_000 {
        for j in 0..7 {
            let others: f64 = (0..7).filter(|k| *k != j).map(|k| products[j][k] * prices[k]).sum();
            let best = (sums[j] - others) / products[j][j];
            prices[j] = if best.is_finite() { best.max(0.0) } else { 0.0 };
        }
    }
    prices
}

/// Pearson correlation of pairs, from -1 to 1. Here: of the ratio with a count per charged
/// millisecond.
fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let count = pairs.len() as f64;
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(&|pair| pair.0), mean(&|pair| pair.1));
    let both = mean(&|pair| (pair.0 - x) * (pair.1 - y));
    let variances = mean(&|pair| (pair.0 - x).powi(2)) * mean(&|pair| (pair.1 - y).powi(2));
    if variances > 0.0 {
        both / variances.sqrt()
    } else {
        0.0
    }
}

fn print_worst(tried: &[Tried], shown: &[usize], json: bool) {
    if !json {
        println!("ratio  measured  charged  (milliseconds)    {}", COUNTS.join(", "));
    }
    for index in shown {
        let one = &tried[*index];
        let Tried { recipe, cost, measured_ms, charged_ms, .. } = one;
        if json {
            let line = serde_json::json!({
                "bench": "costs", "case": "worst", "value": one.ratio(), "unit": "",
                "measured_ms": measured_ms, "charged_ms": charged_ms, "family": recipe.family,
                "counts": cost, "architecture": recipe.to_string(),
            });
            println!("{line}");
        } else {
            let counts = counts(cost).map(|count| count.to_string()).join(", ");
            println!(
                "{:5.3}  {measured_ms:8.2}  {charged_ms:7.2}  {:16}  {counts}\n       {recipe}",
                one.ratio(),
                recipe.family,
            );
        }
    }
}

fn csv(tried: &[Tried]) -> Result<String> {
    let mut table = format!("ratio,measured_ms,charged_ms,family,{}", COUNTS.join(","));
    table = table.replace(' ', "_") + ",architecture\n";
    for one in tried {
        let Tried { recipe, cost, measured_ms, charged_ms, .. } = one;
        let counts = counts(cost).map(|count| count.to_string()).join(",");
        writeln!(
            table,
            "{:.4},{measured_ms:.4},{charged_ms:.4},{},{counts},\"{recipe}\"",
            one.ratio(),
            recipe.family
        )?;
    }
    Ok(table)
}

/// Runs the search. Returns the number of architectures that take longer than they are charged for.
pub fn bench(report: &mut Report, options: &Options, json: bool) -> Result<usize> {
    let bench = Bench::new()?;
    say(&format!("searching for {} minutes", options.minutes));
    let (mut tried, skipped) = search(&bench, options)?;
    let shown = confirm(&bench, &mut tried)?;
    for (name, bytes) in FIXTURES {
        let ratio = bench.fixture(bytes).with_context(|| format!("the proof `{name}`"))?;
        report.add("costs", format!("benchmark proof `{name}`: ratio"), ratio, "");
    }
    print_worst(&tried, &shown, json);
    for (family, _) in &FAMILIES {
        if let Some(index) = worst(&tried, Some(family), 1).first() {
            report.add("costs", format!("{family}: highest ratio"), tried[*index].ratio(), "");
        }
    }
    report.add("costs", "architectures measured", tried.len() as f64, "");
    report.add("costs", "architectures skipped", skipped as f64, "");
    let (prices, fitted) = (prices(), fit(&tried));
    let mut correlations = Vec::new();
    for (index, name) in COUNTS.iter().enumerate() {
        let dense = |one: &Tried| one.features()[index] / one.charged_ms;
        let pairs: Vec<_> = tried.iter().map(|one| (dense(one), one.ratio())).collect();
        correlations.push((correlation(&pairs), name));
        report.add("costs", format!("{name}: charged per unit"), prices[index] * 1e6, "ns");
        report.add("costs", format!("{name}: fitted per unit"), fitted[index] * 1e6, "ns");
        let correlation = correlations[index].0;
        report.add("costs", format!("{name}: correlation with the ratio"), correlation, "");
    }
    report.add("costs", "constant: charged", prices[6] * 1e3, "us");
    report.add("costs", "constant: fitted", fitted[6] * 1e3, "us");
    correlations.sort_by(|a, b| b.0.total_cmp(&a.0));
    if let Some((correlation, name)) = correlations.first() {
        say(&format!("the ratio correlates most with {name}: {correlation:.2}"));
    }
    if let Some(file) = &options.csv {
        std::fs::write(file, csv(&tried)?)?;
        say(&format!("wrote {}", file.display()));
    }
    Ok(tried.iter().filter(|one| one.is_confirmed && one.ratio() > 1.0).count())
}
