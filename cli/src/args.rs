//! The command line.

use std::path::PathBuf;

use assay_client::{
    amount, calls::Share, declaration, names, AccountId, AssuranceArgument, ModelReference, Numbers,
};
use assay_primitives::{
    dispute::DisputeId, model::Tolerance, AssuranceClasses, Balance, Digest, RequestId,
    WeightsFingerprint,
};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::failure::EXIT_CODES;

mod validator;

pub use validator::ValidatorCommand;

/// Verifiable AI inference: publish models, run an operator, request inference, verify receipts.
#[derive(Parser)]
#[command(name = "assay", version, after_help = EXIT_CODES, disable_help_subcommand = false)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Args)]
pub struct Global {
    /// Address of a node [default: ws://127.0.0.1:9944]
    #[arg(long, global = true, env = "ASSAY_URL", value_name = "URL")]
    pub url: Option<String>,
    /// Print the result as one line of JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Key that signs: a phrase or seed with derivations, or a development key such as //Alice.
    /// Other users of this machine can see command lines: prefer --key-file or ASSAY_SURI
    #[arg(long, global = true, env = "ASSAY_SURI", hide_env_values = true, value_name = "SECRET")]
    pub suri: Option<String>,
    /// File with the key that signs, in the form of --suri; takes precedence over --suri
    #[arg(long, global = true, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Publish, show and change models
    #[command(subcommand)]
    Model(ModelCommand),
    /// Run an operator
    #[command(subcommand)]
    Operator(OperatorCommand),
    /// Be a validator, or nominate validators
    #[command(subcommand)]
    Validator(ValidatorCommand),
    /// Show the current price of a request
    Quote {
        /// owner/name, owner/name@version or model-number@version
        model: ModelReference,
        /// Assurance class: signed, optimistic, proof, or quorum:N,K
        #[arg(long, default_value = "signed")]
        assurance: AssuranceArgument,
    },
    /// Request an inference, and wait for the result
    Infer(Infer),
    /// Show, wait for, cancel and appeal requests
    #[command(subcommand)]
    Request(RequestCommand),
    /// Dispute wrong optimistic results
    #[command(subcommand)]
    Dispute(DisputeCommand),
    /// Export and verify receipts
    #[command(subcommand)]
    Receipt(ReceiptCommand),
    /// Download validity proofs from the chain, and verify them without it
    #[command(subcommand)]
    Proof(ProofCommand),
    /// Show a balance
    Balance {
        /// The account [default: that of the key]
        #[arg(value_parser = names::parse_account)]
        account: Option<AccountId>,
    },
    /// Release the compensations of the key's account that can be claimed by now
    Claim,
    /// Transfer ASY to an account
    Transfer {
        /// The receiver
        #[arg(value_parser = names::parse_account)]
        to: AccountId,
        /// Amount in ASY
        #[arg(value_parser = amount::parse)]
        amount: Balance,
    },
    /// Check a node, an operator and this machine, and print remedies for problems
    Doctor {
        /// The operator to check [default: the one of the given key, else of the node's worker key]
        #[arg(long, value_parser = names::parse_account)]
        operator: Option<AccountId>,
        /// Check also that the node is that of this validator, and that it takes part
        #[arg(long, value_parser = names::parse_account)]
        validator: Option<AccountId>,
    },
}

/// Commands for models.
#[derive(Subcommand)]
pub enum ModelCommand {
    /// Publish an ONNX file or an integer graph as a new version of one of your models
    Publish(Publish),
    /// Convert an ONNX file to an integer model, with typical rows for calibration
    Quantize(Quantize),
    /// Convert a row of real numbers to the input of an integer model
    Prepare(Prepare),
    /// List versions of models
    List {
        /// Number of the first model
        #[arg(long, default_value_t = 0)]
        from: u32,
        /// Maximum number of versions
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Show a version
    Show {
        /// owner/name, owner/name@version or model-number@version
        model: ModelReference,
    },
    /// Change the royalty of one of your versions, for future requests
    SetRoyalty {
        /// The version
        model: ModelReference,
        /// Your share of each price in percent, 0 to 50
        #[arg(value_name = "PERCENT", value_parser = Share::from_percent)]
        royalty: Share,
    },
    /// Change the digest of the document about one of your versions, such as a model card
    SetMetadata {
        /// The version
        model: ModelReference,
        /// BLAKE2b-256 of the document, in hex
        #[arg(required_unless_present = "none", value_parser = names::parse_digest)]
        digest: Option<Digest>,
        /// Remove the digest
        #[arg(long, conflicts_with = "digest")]
        none: bool,
    },
    /// Offer one of your models with all its versions to another account, which must accept it
    Transfer {
        /// The model: owner/name
        model: ModelReference,
        /// Account that may accept it; replaces an earlier offer
        #[arg(required_unless_present = "withdraw", value_parser = names::parse_account)]
        to: Option<AccountId>,
        /// Withdraw the offer
        #[arg(long, conflicts_with = "to")]
        withdraw: bool,
    },
    /// Accept a model that was offered to you, and pay its deposits
    Accept {
        /// The model: owner/name, with the current owner
        model: ModelReference,
    },
    /// Submit the weights of a version that offers class proof until their audit is complete. Before
    /// that, proofs cannot be requested. `model publish` does this too
    Audit {
        /// owner/name, owner/name@version or model-number@version
        model: ModelReference,
        /// The integer graph [default: downloaded from the chain]
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Close one of your versions to new requests
    Deprecate {
        /// The version
        model: ModelReference,
    },
    /// Remove one of your versions that no request uses, and recover its deposit
    Remove {
        /// The version
        model: ModelReference,
        /// Also remove its artifact, and recover the artifact's deposit
        #[arg(long)]
        artifact: bool,
        /// Also remove the model, which must have no other version
        #[arg(long)]
        whole: bool,
    },
}

/// Arguments of `model publish`.
#[derive(Args)]
pub struct Publish {
    /// The model file: ONNX, or an integer graph from `model quantize`
    pub file: PathBuf,
    /// Name of the model: at most 64 lower-case letters, digits and inner hyphens
    #[arg(long)]
    pub name: String,
    /// Its inputs and outputs, as JSON [default: model.json next to an ONNX file; next to an integer
    /// graph the file with .json appended to its name, else the graph's own]
    #[arg(long, value_name = "FILE")]
    pub declaration: Option<PathBuf>,
    /// SPDX licence expression [default: the declaration's, else NOASSERTION]
    #[arg(long, alias = "license")]
    pub licence: Option<String>,
    /// Your share of each price in percent, 0 to 50 [default: 0]
    #[arg(long, value_name = "PERCENT", value_parser = Share::from_percent)]
    pub royalty_percent: Option<Share>,
    /// How far two outputs may differ and still count as equal, per element; 0: bit-equal.
    /// Floating-point models need one to offer quorum [default: none]
    #[arg(long, value_parser = declaration::parse_tolerance)]
    pub tolerance: Option<Tolerance>,
    /// Classes that may be requested: signed, quorum and, for integer graphs, optimistic and proof
    #[arg(long, value_name = "CLASSES", default_value = "signed", value_parser = names::parse_classes)]
    pub assurance: AssuranceClasses,
    /// BLAKE2b-256 of a document about the version, in hex [default: none]
    #[arg(long, value_name = "DIGEST", value_parser = names::parse_digest)]
    pub metadata: Option<Digest>,
}

/// Arguments of `model quantize`.
#[derive(Args)]
pub struct Quantize {
    /// The floating-point ONNX file
    pub file: PathBuf,
    /// Calibration rows: a few dozen or more typical rows of its input, .npz or .npy
    #[arg(long, value_name = "FILE")]
    pub calibrate: PathBuf,
    /// Classes of the evaluation rows, .npy [default: the array `labels` in their file]
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Evaluation rows [default: those of --calibrate]
    #[arg(long, value_name = "FILE")]
    pub evaluate: Option<PathBuf>,
    /// File to write. Its declaration is written next to it, with .json appended to the name
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// How to choose the scales of activations
    #[arg(long, value_enum, default_value_t = CalibrationArg::SquaredError)]
    pub method: CalibrationArg,
}

/// Arguments of `model prepare`.
#[derive(Args)]
pub struct Prepare {
    /// Rows of the ONNX file's input: .npz or .npy
    pub file: PathBuf,
    /// The declaration that `model quantize` wrote next to the model
    #[arg(long, value_name = "FILE")]
    pub declaration: PathBuf,
    /// Index of the row, from 0
    #[arg(long, default_value_t = 0)]
    pub row: usize,
    /// File to write: .npy
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}

/// How to choose the scales of activations.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum CalibrationArg {
    /// Minimise the mean squared error, which clips rare large values
    SquaredError,
    /// Clip no value
    Greatest,
}

/// Commands for operators.
#[derive(Subcommand)]
pub enum OperatorCommand {
    /// Register the key's account as an operator, with the worker key of the node
    Register {
        /// Bond in ASY, held until the end of the unbonding period
        #[arg(long, value_parser = amount::parse)]
        bond: Balance,
        /// The worker key.
        #[command(flatten)]
        worker: WorkerKeyArgs,
    },
    /// Replace the worker key with the node's, or with another one
    SetWorker(WorkerKeyArgs),
    /// Offer a model, or change the offer
    Serve {
        /// The version
        model: ModelReference,
        /// Price of one run, in ASY
        #[arg(long, value_parser = amount::parse)]
        ask: Balance,
        /// Number of concurrent runs; 0 pauses the offer
        #[arg(long, default_value_t = 1)]
        concurrency: u32,
        /// Blocks that an answer takes, including loading of the model; requests with less time are
        /// not assigned
        #[arg(long, value_name = "BLOCKS", default_value_t = 2)]
        response_blocks: u32,
        /// Classes of the offer [default: those of the version]
        #[arg(long, value_parser = names::parse_classes)]
        classes: Option<AssuranceClasses>,
        /// Largest royalty in percent at which you are drawn [default: the royalty of now]. The
        /// owner can raise the royalty later
        #[arg(long, value_name = "PERCENT", value_parser = Share::from_percent)]
        max_royalty_percent: Option<Share>,
    },
    /// Withdraw an offer
    Withdraw {
        /// The version
        model: ModelReference,
    },
    /// Show an operator
    Status {
        /// Its account [default: that of the key]
        #[arg(value_parser = names::parse_account)]
        account: Option<AccountId>,
    },
    /// Withdraw all offers, and start the unbonding period
    Unbond,
    /// Withdraw the bond after the unbonding period
    WithdrawBond,
    /// Add to the bond
    AddBond {
        /// Amount in ASY
        #[arg(value_parser = amount::parse)]
        amount: Balance,
    },
}

/// A worker key other than the node's.
#[derive(Args)]
pub struct WorkerKeyArgs {
    /// Public worker key in hex [default: that of the node, which must run on this machine]
    #[arg(long, value_name = "HEX", requires = "possession")]
    pub worker: Option<String>,
    /// Its signature over the possession statement, in hex
    #[arg(long, value_name = "HEX", requires = "worker")]
    pub possession: Option<String>,
    /// File with the secret of the worker key, in the form of --suri, instead of the node's key
    #[arg(long, alias = "key", value_name = "FILE", conflicts_with = "worker")]
    pub worker_key_file: Option<PathBuf>,
    /// Take the key of a node on another machine. Whoever runs it can sign what costs you the bond
    #[arg(long, conflicts_with_all = ["worker", "worker_key_file"])]
    pub trust_node: bool,
}

/// Arguments of `infer`.
#[derive(Args)]
#[command(group(clap::ArgGroup::new("data").required(true)))]
pub struct Infer {
    /// owner/name, owner/name@version or model-number@version
    pub model: ModelReference,
    /// JSON text, or a .json, .npy, .npz or .csv file. Real numbers for an integer graph are
    /// quantised: see --input-as. Several, at most 64, are requested in one batch
    #[arg(long, group = "data")]
    pub input: Vec<String>,
    /// File with an input on each line, in the form of --input, to be requested in one batch
    #[arg(long, value_name = "FILE", group = "data")]
    pub inputs: Option<PathBuf>,
    /// How to interpret the numbers for an integer graph
    #[arg(long, value_enum, default_value_t = InputAs::Written)]
    pub input_as: InputAs,
    /// Assurance class: signed, optimistic, proof, or quorum:N,K
    #[arg(long, default_value = "signed")]
    pub assurance: AssuranceArgument,
    /// Price limit in ASY, of each request [default: the quote]
    #[arg(long, value_name = "ASY", value_parser = amount::parse)]
    pub max_price: Option<Balance>,
    /// Number of blocks within which the answer is due [default: 30, or more if operators need more]
    #[arg(long, value_name = "BLOCKS")]
    pub deadline: Option<u32>,
    /// Number of blocks until operators are drawn, 1 to 16. With more, more block authors would have
    /// to work together to choose the operators
    #[arg(long, value_name = "BLOCKS", default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=16))]
    pub draw_delay: u32,
    /// Client key: 32 bytes in hex. Repeating the command with the same key, until a day after the end
    /// of the request, sends nothing and shows the first result. The requests of a batch get different
    /// keys that are computed from this one [default: random, and printed]
    #[arg(long, value_name = "HEX")]
    pub key: Option<String>,
    /// In class optimistic: return as soon as there is an output, which may still be disputed, with
    /// the outcome Provisional and exit code 0. `request wait` waits for the final result
    #[arg(long)]
    pub provisional: bool,
}

/// Commands for requests.
#[derive(Subcommand)]
pub enum RequestCommand {
    /// Show a request and its output
    Show {
        /// The request
        #[arg(value_parser = parse_request)]
        request: RequestId,
    },
    /// Wait until a request has ended, and show its result
    Wait {
        /// The request
        #[arg(value_parser = parse_request)]
        request: RequestId,
        /// Return as soon as there is an output, which in class optimistic may still be disputed
        #[arg(long)]
        provisional: bool,
    },
    /// List an account's requests, newest first
    List {
        /// The account [default: that of the key]
        #[arg(long, value_parser = names::parse_account)]
        account: Option<AccountId>,
        /// Maximum number of requests
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Cancel one of your requests that has not been drawn yet
    Cancel {
        /// The request
        #[arg(value_parser = parse_request)]
        request: RequestId,
    },
    /// Prove the right output of a quorum whose members disagreed, at most five minutes after its
    /// end. Members with another result are penalised, and you are rewarded
    Appeal {
        /// The request
        #[arg(value_parser = parse_request)]
        request: RequestId,
    },
}

/// Commands for disputes.
#[derive(Subcommand)]
pub enum DisputeCommand {
    /// Re-run the model of a request on this machine, and dispute the result if it differs. Holds a
    /// bond
    Open {
        /// The request
        #[arg(value_parser = parse_request)]
        request: RequestId,
        /// Then make the challenger's moves until the dispute ends, as `play` does
        #[arg(long)]
        play: bool,
        /// Also dispute a correct result. Such a dispute is lost, and the bond with it
        #[arg(long)]
        force: bool,
        /// The largest bond. Default: what the next dispute needs now
        #[arg(long, value_name = "ASY", value_parser = amount::parse)]
        max_bond: Option<Balance>,
    },
    /// List open disputes, at most 1,000
    List {
        /// Only those over the result of this request
        #[arg(value_parser = parse_request)]
        request: Option<RequestId>,
    },
    /// Show the stage of a dispute, whose turn it is and what is at stake; or how it ended
    Status {
        /// The dispute
        #[arg(value_parser = parse_dispute)]
        dispute: DisputeId,
    },
    /// Make the challenger's moves in one of your disputes until it ends
    Play {
        /// The dispute
        #[arg(value_parser = parse_dispute)]
        dispute: DisputeId,
        /// Continue even if nothing is wrong. Such a dispute is lost, and the bond with it
        #[arg(long)]
        force: bool,
    },
    /// End a dispute over a result that another dispute, or a proof, has decided
    Close {
        /// The dispute
        #[arg(value_parser = parse_dispute)]
        dispute: DisputeId,
    },
    /// Decide any open dispute by a validity proof that is made on this machine
    Prove {
        /// The dispute
        #[arg(value_parser = parse_dispute)]
        dispute: DisputeId,
    },
}

/// Commands for receipts.
#[derive(Subcommand)]
pub enum ReceiptCommand {
    /// Write a request's receipt with everything needed to verify it without a node
    Export {
        /// The request
        #[arg(value_parser = parse_request)]
        request: RequestId,
        /// File to write [default: standard output]
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Verify a receipt. A file is verified without a node; with --url, also check that the node has
    /// finalised the receipt's block
    Verify {
        /// A file from `receipt export`, or the number of a request
        receipt: String,
        /// Output to compare with the receipt: JSON text, or a file in any format of inputs
        #[arg(long, value_name = "JSON")]
        output: Option<String>,
    },
}

/// Commands for validity proofs.
#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "one value per process")]
pub enum ProofCommand {
    /// Download the proof of a request from the block that included it
    Download {
        /// The request
        #[arg(value_parser = parse_request)]
        request: RequestId,
        /// File to write
        #[arg(short = 'o', long, value_name = "FILE")]
        to: PathBuf,
        /// Also write the model's architecture. With it and the fingerprint of the weights, `proof
        /// verify` needs no node
        #[arg(long, value_name = "FILE")]
        architecture: Option<PathBuf>,
    },
    /// Verify a proof. Needs no node if the model is a file and there is a receipt, or genesis, payer
    /// and operator
    Verify(VerifyProof),
}

/// Arguments of `proof verify`.
#[derive(Args)]
pub struct VerifyProof {
    /// The model: a file with the integer graph or its architecture, or a version on chain
    #[arg(long, value_name = "FILE|VERSION")]
    pub model: String,
    /// Fingerprint of the published weights, as `proof download` prints it; needed if the model is a
    /// file with only an architecture
    #[arg(long, value_name = "FINGERPRINT", value_parser = names::parse_fingerprint)]
    pub weights: Option<WeightsFingerprint>,
    /// The proof, from `proof download`
    #[arg(long, value_name = "FILE")]
    pub proof: PathBuf,
    /// Receipt of the request, from `receipt export`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["request", "genesis", "payer", "operator"])]
    pub receipt: Option<PathBuf>,
    /// Number of the request. The node supplies the rest unless genesis, payer and operator are given
    #[arg(long, value_name = "NUMBER", value_parser = parse_request)]
    pub request: Option<RequestId>,
    /// Genesis hash of the chain
    #[arg(long, value_name = "HASH", value_parser = names::parse_digest, requires_all = ["request", "payer", "operator"])]
    pub genesis: Option<Digest>,
    /// Account that made the request
    #[arg(long, value_name = "ACCOUNT", value_parser = names::parse_account, requires = "genesis")]
    pub payer: Option<AccountId>,
    /// Operator that made the proof
    #[arg(long, value_name = "ACCOUNT", value_parser = names::parse_account, requires = "genesis")]
    pub operator: Option<AccountId>,
    /// The input, in any format that `infer` accepts
    #[arg(long)]
    pub input: String,
    /// How to interpret the numbers of the input
    #[arg(long, value_enum, default_value_t = InputAs::Written)]
    pub input_as: InputAs,
    /// The output: JSON text or a file, such as a line of `infer --json` [default: with --request, the
    /// output on chain, if it is not pruned]
    #[arg(long, value_name = "JSON")]
    pub output: Option<String>,
}

/// How to interpret the numbers of an integer graph's input.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum InputAs {
    /// Real numbers if one has a decimal point or the array has floats, else the model's integers
    Written,
    /// Real numbers: divided by the model's input scale, rounded half up, clipped to -128 to 127
    Real,
    /// The model's own integers, -128 to 127
    Int8,
}

impl From<InputAs> for Numbers {
    fn from(given: InputAs) -> Self {
        match given {
            InputAs::Written => Self::AsWritten,
            InputAs::Real => Self::Real,
            InputAs::Int8 => Self::Integers,
        }
    }
}

fn parse_dispute(text: &str) -> Result<DisputeId, String> {
    text.parse().map(DisputeId).map_err(|_| "a dispute is a number".to_owned())
}

fn parse_request(text: &str) -> Result<RequestId, String> {
    text.parse().map(RequestId).map_err(|_| "a request is a number".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn commands_are_parsed() {
        for line in [
            "assay model publish m.onnx --name digits --royalty-percent 2.5 --tolerance 0.0001 \
             --assurance signed,quorum --licence MIT",
            "assay model quantize m.onnx --calibrate rows.npz --labels labels.npy -o m.graph",
            "assay model quantize m.onnx --calibrate rows.npz --evaluate test.npz --output m.graph \
             --method greatest --json",
            "assay model prepare rows.npz --declaration m.graph.json --row 3 -o row.npy",
            "assay model list --json",
            "assay model show //Alice/digits@1",
            "assay model remove 0@1 --artifact --whole",
            "assay model set-royalty 0@1 2.5",
            "assay model set-metadata //Alice/digits --none",
            "assay model transfer //Alice/digits //Bob",
            "assay model transfer //Alice/digits --withdraw",
            "assay model accept //Alice/digits --suri //Bob",
            "assay quote //Alice/digits --assurance quorum:3,2 --json",
            "assay request wait 7",
            "assay operator set-worker --worker-key-file worker.phrase",
            "assay operator set-worker --key worker.phrase",
            "assay operator register --bond 100 --suri //Bob",
            "assay operator serve //Alice/digits --ask 0.1 --concurrency 2 --classes signed \
             --response-blocks 5",
            "assay operator status //Bob",
            "assay infer //Alice/digits@1 --input x.json --assurance quorum:3,2 --max-price 0.5",
            "assay infer 0@1 --input x.json --input [1,2] --assurance quorum:3,2 --key 0x00 --json",
            "assay infer --inputs rows.jsonl //Alice/digits --suri //Bob",
            "assay model publish m.graph --name digits --assurance signed,quorum,proof",
            "assay infer //Alice/digits --input x.npy --assurance proof --input-as real",
            "assay proof download 7 -o proof.bin --architecture digits.arch",
            "assay proof verify --model m.graph --proof p.bin --receipt r.json --input x.npy \
             --output out.json",
            "assay proof verify --model //Alice/digits --proof p.bin --request 7 --input x.npy",
            "assay proof verify --model m.graph --proof p.bin --request 7 --genesis \
             0x0101010101010101010101010101010101010101010101010101010101010101 --payer //Alice \
             --operator //Bob --input x.npy --input-as int8 --output out.json",
            "assay infer //Alice/digits --input x.npy --assurance optimistic --provisional --json",
            "assay request wait 7 --provisional",
            "assay dispute open 7 --play --suri //Bob",
            "assay dispute open 7 --force --play --json",
            "assay dispute list",
            "assay dispute list 7 --json",
            "assay dispute status 0",
            "assay dispute play 0 --force --key-file key",
            "assay dispute close 0",
            "assay dispute prove 0",
            "assay request cancel 7 --key-file key",
            "assay receipt export 7 --to r.json",
            "assay receipt verify r.json --output out.json --url ws://localhost:9944",
            "assay balance //Alice",
            "assay transfer //Bob 1.5",
            "assay doctor --operator //Bob",
            "assay validator bond 10000 --payee //Bob",
            "assay validator set-payee stake",
            "assay validator nominate //Alice //Bob",
            "assay validator status //Alice",
            "assay validator rotate-keys --trust-node --url wss://rpc.example.org",
            "assay operator set-worker --trust-node",
            "assay validator validate",
            "assay validator validate --blocked --commission 5",
            "assay validator validate --blocked false",
        ] {
            if let Err(error) = parse(line) {
                panic!("{line}: {error}");
            }
        }
    }

    #[test]
    fn invalid_commands_are_refused_with_a_reason() {
        for (line, reason) in [
            ("assay transfer //Bob 1,5", "not an amount"),
            ("assay infer digits --input x --assurance signed", "neither owner nor version"),
            ("assay infer 0@1 --input x --assurance quorum:2,1", "not an assurance"),
            ("assay infer 0@1", "--input"),
            ("assay infer 0@1 --input x --inputs y", "cannot be used"),
            ("assay request show x", "a request is a number"),
            ("assay operator serve 0@1 --ask 1 --classes best", "not an assurance class"),
            ("assay operator register --bond 1 --worker 0x00", "--possession"),
            ("assay operator set-worker --key f --worker 0x0 --possession 0x0", "cannot be used"),
            ("assay model set-royalty 0@1 101", "not a share"),
            ("assay model set-metadata 0@1", "<DIGEST"),
            ("assay model set-metadata 0@1 0x12", "not a digest"),
            ("assay model transfer 0@1", "<TO>"),
            ("assay model transfer 0@1 //Bob --withdraw", "cannot be used"),
            ("assay model accept digits", "neither owner nor version"),
            ("assay quote 0@1 --assurance quorum:2,1", "not an assurance"),
            ("assay request wait x", "a request is a number"),
            ("assay dispute open", "<REQUEST>"),
            ("assay dispute open x", "a request is a number"),
            ("assay dispute play x", "a dispute is a number"),
            ("assay dispute status 1 2", "unexpected argument"),
            ("assay model quantize m.onnx -o m.graph", "--calibrate"),
            ("assay model quantize m.onnx --calibrate r.npz", "--output"),
            ("assay proof download 7", "--to"),
            ("assay proof verify --model m --proof p --input x --payer //Bob", "--genesis"),
            ("assay proof verify --model m --proof p --input x --receipt r --request 7", "used"),
            ("assay infer 0@1 --input x --input-as float", "invalid value"),
            ("assay validator bond 1 --payee nobody", "not an account"),
            ("assay validator nominate", "<VALIDATORS>"),
            ("assay validator validate --blocked perhaps", "invalid value"),
            ("assay operator set-worker --key f --trust-node", "cannot be used"),
        ] {
            let error = parse(line).err().unwrap_or_else(|| panic!("{line} is accepted"));
            assert!(error.to_string().contains(reason), "{error}");
        }
    }

    #[test]
    fn the_help_shows_no_key_of_the_environment() {
        let suri = Cli::command()
            .get_arguments()
            .any(|argument| argument.get_id() == "suri" && argument.is_hide_env_values_set());
        assert!(suri);
    }
}
