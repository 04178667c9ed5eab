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

/// Verifiable AI inference: publish models, serve them, ask them, and check the receipts.
#[derive(Parser)]
#[command(name = "assay", version, after_help = EXIT_CODES, disable_help_subcommand = false)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Args)]
pub struct Global {
    /// Address of a node [default: ws://127.0.0.1:9944]
    #[arg(long, global = true, env = "ASSAY_URL", value_name = "URL")]
    pub url: Option<String>,
    /// Print the result as one line of JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Key that signs: a phrase or seed with derivations, or a development key such as //Alice.
    /// Others on this machine can see command lines; prefer --key-file or ASSAY_SURI
    #[arg(long, global = true, env = "ASSAY_SURI", hide_env_values = true, value_name = "SECRET")]
    pub suri: Option<String>,
    /// File with the key that signs, in the form of --suri; goes before --suri
    #[arg(long, global = true, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Publish and look up models
    #[command(subcommand)]
    Model(ModelCommand),
    /// Run an operator
    #[command(subcommand)]
    Operator(OperatorCommand),
    /// Show what asking a model would cost now
    Quote {
        /// owner/name, owner/name@version or model-number@version
        model: ModelReference,
        /// What must make the answer credible: signed, optimistic, proof, or quorum:N,K
        #[arg(long, default_value = "signed")]
        assurance: AssuranceArgument,
    },
    /// Ask a model, and wait for the verified answer
    Infer(Infer),
    /// Look at requests
    #[command(subcommand)]
    Request(RequestCommand),
    /// Dispute optimistic results that are wrong
    #[command(subcommand)]
    Dispute(DisputeCommand),
    /// Export and verify receipts
    #[command(subcommand)]
    Receipt(ReceiptCommand),
    /// Take validity proofs from the chain, and verify them without it
    #[command(subcommand)]
    Proof(ProofCommand),
    /// Show a balance
    Balance {
        /// The account [default: the key's]
        #[arg(value_parser = names::parse_account)]
        account: Option<AccountId>,
    },
    /// Send ASY to an account
    Transfer {
        /// The receiver
        #[arg(value_parser = names::parse_account)]
        to: AccountId,
        /// Amount in ASY
        #[arg(value_parser = amount::parse)]
        amount: Balance,
    },
    /// Find what is wrong with a node, an operator or this machine, and say how to mend it
    Doctor {
        /// The operator to look at [default: the one of the node's worker key]
        #[arg(long, value_parser = names::parse_account)]
        operator: Option<AccountId>,
    },
}

/// Publish and look up models.
#[derive(Subcommand)]
pub enum ModelCommand {
    /// Publish an ONNX file or an integer graph as a new version of a model of yours
    Publish(Publish),
    /// Make an integer model of an ONNX file, with some typical rows
    Quantize(Quantize),
    /// Turn a row of real numbers into the input of an integer model
    Prepare(Prepare),
    /// List models
    List {
        /// Number of the first model
        #[arg(long, default_value_t = 0)]
        from: u32,
        /// Most versions to list
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Show a version
    Show {
        /// owner/name, owner/name@version or model-number@version
        model: ModelReference,
    },
    /// Change the royalty of a version of yours, for requests made from then on
    SetRoyalty {
        /// The version
        model: ModelReference,
        /// Share of each price that is yours
        #[arg(value_name = "PERCENT", value_parser = Share::from_percent)]
        royalty: Share,
    },
    /// Name another document about a version of yours, such as a model card, or none
    SetMetadata {
        /// The version
        model: ModelReference,
        /// Its BLAKE2b-256
        #[arg(required_unless_present = "none", value_parser = names::parse_digest)]
        digest: Option<Digest>,
        /// No document
        #[arg(long, conflicts_with = "digest")]
        none: bool,
    },
    /// Offer a model of yours with all its versions to another account, which accepts it
    Transfer {
        /// The model: owner/name
        model: ModelReference,
        /// Who may accept it; replaces an earlier offer
        #[arg(required_unless_present = "withdraw", value_parser = names::parse_account)]
        to: Option<AccountId>,
        /// Take the offer back
        #[arg(long, conflicts_with = "to")]
        withdraw: bool,
    },
    /// Take over a model that was offered to you, with its deposits
    Accept {
        /// The model: owner/name, with its present owner
        model: ModelReference,
    },
    /// Show the chain the weights of a version that offers class proof, until it has read them
    /// all; only then can anybody ask for proofs. `model publish` does it too
    Audit {
        /// owner/name, owner/name@version or model-number@version
        model: ModelReference,
        /// The integer graph [default: taken from the chain]
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Close a version of yours to new requests
    Deprecate {
        /// The version
        model: ModelReference,
    },
    /// Remove a version of yours that no request uses, and get its deposit back
    Remove {
        /// The version
        model: ModelReference,
        /// Then remove its artifact too, with the artifact's deposit
        #[arg(long)]
        artifact: bool,
        /// Then remove the model too, which must have no other version
        #[arg(long)]
        whole: bool,
    },
}

/// Publish an ONNX file or an integer graph.
#[derive(Args)]
pub struct Publish {
    /// The model file: ONNX, or an integer graph that `model quantize` wrote
    pub file: PathBuf,
    /// Name of the model: lower-case letters, digits, hyphens
    #[arg(long)]
    pub name: String,
    /// Its inputs and outputs, as JSON [default: beside an ONNX file model.json; beside an
    /// integer graph its own name and .json, else what the graph says of itself]
    #[arg(long, value_name = "FILE")]
    pub declaration: Option<PathBuf>,
    /// SPDX licence expression [default: the declaration's, else NOASSERTION]
    #[arg(long, alias = "license")]
    pub licence: Option<String>,
    /// Share of each price that is yours [default: 0]
    #[arg(long, value_name = "PERCENT", value_parser = Share::from_percent)]
    pub royalty_percent: Option<Share>,
    /// How far apart outputs may be and still count as equal; 0: bit-equal. Floating-point
    /// models need one to offer quorum
    #[arg(long, value_parser = declaration::parse_tolerance)]
    pub tolerance: Option<Tolerance>,
    /// Classes that requests may ask for; proof is for integer graphs
    #[arg(long, value_name = "CLASSES", default_value = "signed", value_parser = names::parse_classes)]
    pub assurance: AssuranceClasses,
    /// Digest of further metadata
    #[arg(long, value_name = "DIGEST", value_parser = names::parse_digest)]
    pub metadata: Option<Digest>,
}

/// Make an integer model of an ONNX file.
#[derive(Args)]
pub struct Quantize {
    /// The ONNX file, in floating point
    pub file: PathBuf,
    /// Typical rows of its input, some dozens or more: .npz or .npy
    #[arg(long, value_name = "FILE")]
    pub calibrate: PathBuf,
    /// Classes of the rows that it is judged by: .npy [default: the array `labels` of their file]
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Other rows to judge it by [default: those of --calibrate]
    #[arg(long, value_name = "FILE")]
    pub evaluate: Option<PathBuf>,
    /// File to write; a declaration goes beside it, with .json after the name
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// How the scales of activations are chosen
    #[arg(long, value_enum, default_value_t = CalibrationArg::SquaredError)]
    pub method: CalibrationArg,
}

/// Turn a row of real numbers into the input of an integer model.
#[derive(Args)]
pub struct Prepare {
    /// Rows as the ONNX file takes them: .npz or .npy
    pub file: PathBuf,
    /// The declaration that `model quantize` wrote beside the model
    #[arg(long, value_name = "FILE")]
    pub declaration: PathBuf,
    /// Which row, from 0
    #[arg(long, default_value_t = 0)]
    pub row: usize,
    /// File to write: .npy
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}

/// How the scales of activations are chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum CalibrationArg {
    /// With the least mean squared error, which clips rare large values
    SquaredError,
    /// So that no value is clipped
    Greatest,
}

/// Run an operator.
#[derive(Subcommand)]
pub enum OperatorCommand {
    /// Register the key's account as an operator, with the worker key of the node
    Register {
        /// Bond in ASY, held until some time after unbonding
        #[arg(long, value_parser = amount::parse)]
        bond: Balance,
        /// The worker key.
        #[command(flatten)]
        worker: WorkerKeyArgs,
    },
    /// Replace the worker key by the one of the node, or by another one
    SetWorker(WorkerKeyArgs),
    /// Offer a model, or change the offer
    Serve {
        /// The version
        model: ModelReference,
        /// Price of one run, in ASY
        #[arg(long, value_parser = amount::parse)]
        ask: Balance,
        /// Runs at once
        #[arg(long, default_value_t = 1)]
        concurrency: u32,
        /// Blocks that it takes to answer, loading the model included: requests that leave fewer
        /// are not assigned
        #[arg(long, value_name = "BLOCKS", default_value_t = 2)]
        response_blocks: u32,
        /// Classes in which it is offered [default: those of the version]
        #[arg(long, value_parser = names::parse_classes)]
        classes: Option<AssuranceClasses>,
    },
    /// Take an offer back
    Withdraw {
        /// The version
        model: ModelReference,
    },
    /// Show an operator
    Status {
        /// Its account [default: the key's]
        #[arg(value_parser = names::parse_account)]
        account: Option<AccountId>,
    },
    /// Stop, and start the wait for the bond
    Unbond,
    /// Take the bond after the wait
    WithdrawBond,
    /// Add to the bond
    AddBond {
        /// Amount in ASY
        #[arg(value_parser = amount::parse)]
        amount: Balance,
    },
}

/// A worker key that is not asked of the node.
#[derive(Args)]
pub struct WorkerKeyArgs {
    /// Public worker key in hex [default: the node's, which must run on this machine]
    #[arg(long, value_name = "HEX", requires = "possession")]
    pub worker: Option<String>,
    /// Its signature over the statement of possession, in hex
    #[arg(long, value_name = "HEX", requires = "worker")]
    pub possession: Option<String>,
    /// File with the secret of the worker key, in the form of --suri; the node is not asked then
    #[arg(long, alias = "key", value_name = "FILE", conflicts_with = "worker")]
    pub worker_key_file: Option<PathBuf>,
}

/// Ask a model.
#[derive(Args)]
pub struct Infer {
    /// owner/name, owner/name@version or model-number@version
    pub model: ModelReference,
    /// JSON text, or a .json, .npy, .npz or .csv file. Real numbers for an integer graph are
    /// quantised: see --input-as
    #[arg(long)]
    pub input: String,
    /// How the numbers for an integer graph are meant
    #[arg(long, value_enum, default_value_t = InputAs::Written)]
    pub input_as: InputAs,
    /// What must make the answer credible: signed, optimistic, proof, or quorum:N,K
    #[arg(long, default_value = "signed")]
    pub assurance: AssuranceArgument,
    /// Most that it may cost, in ASY [default: the quote]
    #[arg(long, value_name = "ASY", value_parser = amount::parse)]
    pub max_price: Option<Balance>,
    /// Blocks in which it must be answered [default: 30, or more where operators want more]
    #[arg(long, value_name = "BLOCKS")]
    pub deadline: Option<u32>,
    /// 32 bytes in hex that an account uses once: asking again with the same key sends nothing,
    /// and shows the result of the first time [default: random, and printed]
    #[arg(long, value_name = "HEX")]
    pub key: Option<String>,
    /// In class optimistic: return as soon as there is an output, which may still be disputed. Its
    /// outcome is Provisional then, and the exit code 0; `request wait` waits for the rest
    #[arg(long)]
    pub provisional: bool,
}

/// Look at requests.
#[derive(Subcommand)]
pub enum RequestCommand {
    /// Show a request and its output
    Show {
        /// The request
        #[arg(value_parser = parse_request)]
        request: RequestId,
    },
    /// Wait until a request is over, and show its result
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
        /// The account [default: the key's]
        #[arg(long, value_parser = names::parse_account)]
        account: Option<AccountId>,
        /// Most requests to list
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Take a request of yours back that is not assigned yet
    Cancel {
        /// The request
        #[arg(value_parser = parse_request)]
        request: RequestId,
    },
}

/// Dispute optimistic results that are wrong.
#[derive(Subcommand)]
pub enum DisputeCommand {
    /// Run the model of a result again on this machine, and dispute the result if it is another.
    /// Puts up a bond
    Open {
        /// The request
        #[arg(value_parser = parse_request)]
        request: RequestId,
        /// Then make the moves until the dispute ends, as `play` does
        #[arg(long)]
        play: bool,
        /// Dispute a right result too. Such a dispute is lost, and the bond with it
        #[arg(long)]
        force: bool,
    },
    /// List open disputes
    List {
        /// Only those over the result of this request
        #[arg(value_parser = parse_request)]
        request: Option<RequestId>,
    },
    /// Show where a dispute stands, whose turn it is and what is at stake; or how it ended
    Status {
        /// The dispute
        #[arg(value_parser = parse_dispute)]
        dispute: DisputeId,
    },
    /// Make the challenger's moves in a dispute of yours until it ends
    Play {
        /// The dispute
        #[arg(value_parser = parse_dispute)]
        dispute: DisputeId,
        /// Go on where nothing is wrong too. Such a dispute is lost, and the bond with it
        #[arg(long)]
        force: bool,
    },
    /// End a dispute over a result that another one, or a proof, has decided
    Close {
        /// The dispute
        #[arg(value_parser = parse_dispute)]
        dispute: DisputeId,
    },
    /// Decide a dispute, of whomever, by a validity proof that is made on this machine
    Prove {
        /// The dispute
        #[arg(value_parser = parse_dispute)]
        dispute: DisputeId,
    },
}

/// Export and verify receipts.
#[derive(Subcommand)]
pub enum ReceiptCommand {
    /// Write a request's receipt with all that is needed to verify it without a node
    Export {
        /// The request
        #[arg(value_parser = parse_request)]
        request: RequestId,
        /// File to write [default: standard output]
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Verify a receipt. A file is verified without a node; if --url is given, the node is asked
    /// whether it has finalised the block that the receipt rests on
    Verify {
        /// A file that `receipt export` wrote, or the number of a request
        receipt: String,
        /// Output to compare with the receipt: JSON text, or a file with it
        #[arg(long, value_name = "JSON")]
        output: Option<String>,
    },
}

/// Take validity proofs from the chain, and verify them without it.
#[derive(Subcommand)]
pub enum ProofCommand {
    /// Write the proof of a request, out of the block that brought it
    Download {
        /// The request
        #[arg(value_parser = parse_request)]
        request: RequestId,
        /// File to write
        #[arg(short = 'o', long, value_name = "FILE")]
        to: PathBuf,
        /// Also write the model's architecture, with which, and the fingerprint of its weights, `proof
        /// verify` needs no node
        #[arg(long, value_name = "FILE")]
        architecture: Option<PathBuf>,
    },
    /// Verify a proof. With the model in a file and a receipt, or genesis, payer and operator, no
    /// node is asked
    Verify(VerifyProof),
}

/// Verify a proof.
#[derive(Args)]
pub struct VerifyProof {
    /// The model: a file with the integer graph or its architecture, or a version on chain
    #[arg(long, value_name = "FILE|VERSION")]
    pub model: String,
    /// Fingerprint of the published weights, as `proof download` prints it; needed where the model is
    /// a file with an architecture alone
    #[arg(long, value_name = "FINGERPRINT", value_parser = names::parse_fingerprint)]
    pub weights: Option<WeightsFingerprint>,
    /// The proof, as `proof download` writes it
    #[arg(long, value_name = "FILE")]
    pub proof: PathBuf,
    /// Receipt of the request, as `receipt export` writes it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["request", "genesis", "payer", "operator"])]
    pub receipt: Option<PathBuf>,
    /// Number of the request. The node is asked for the rest unless genesis, payer and operator
    /// are given
    #[arg(long, value_name = "NUMBER", value_parser = parse_request)]
    pub request: Option<RequestId>,
    /// Genesis hash of the chain
    #[arg(long, value_name = "HASH", value_parser = names::parse_digest, requires_all = ["request", "payer", "operator"])]
    pub genesis: Option<Digest>,
    /// Account that asked
    #[arg(long, value_name = "ACCOUNT", value_parser = names::parse_account, requires = "genesis")]
    pub payer: Option<AccountId>,
    /// Operator that answered
    #[arg(long, value_name = "ACCOUNT", value_parser = names::parse_account, requires = "genesis")]
    pub operator: Option<AccountId>,
    /// The input, in the forms that `infer` takes
    #[arg(long)]
    pub input: String,
    /// How the numbers of the input are meant
    #[arg(long, value_enum, default_value_t = InputAs::Written)]
    pub input_as: InputAs,
    /// The output: JSON text or a file with it, such as a line of `infer --json` [default: with
    /// --request, what the chain still has]
    #[arg(long, value_name = "JSON")]
    pub output: Option<String>,
}

/// How the numbers of an integer graph's input are meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum InputAs {
    /// Real where one has a decimal point or an array is of floats, else as the model's integers
    Written,
    /// Real numbers: divided by the model's input scale, rounded half up, kept within -128 to 127
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
    text.parse().map(DisputeId).map_err(|_| "disputes are numbers".to_owned())
}

fn parse_request(text: &str) -> Result<RequestId, String> {
    text.parse().map(RequestId).map_err(|_| "requests are numbers".to_owned())
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
    fn commands_are_read() {
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
        ] {
            if let Err(error) = parse(line) {
                panic!("{line}: {error}");
            }
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_reason() {
        for (line, reason) in [
            ("assay transfer //Bob 1,5", "not an amount"),
            ("assay infer digits --input x --assurance signed", "neither owner nor version"),
            ("assay infer 0@1 --input x --assurance quorum:2,1", "not an assurance"),
            ("assay request show x", "requests are numbers"),
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
            ("assay request wait x", "requests are numbers"),
            ("assay dispute open", "<REQUEST>"),
            ("assay dispute open x", "requests are numbers"),
            ("assay dispute play x", "disputes are numbers"),
            ("assay dispute status 1 2", "unexpected argument"),
            ("assay model quantize m.onnx -o m.graph", "--calibrate"),
            ("assay model quantize m.onnx --calibrate r.npz", "--output"),
            ("assay proof download 7", "--to"),
            ("assay proof verify --model m --proof p --input x --payer //Bob", "--genesis"),
            ("assay proof verify --model m --proof p --input x --receipt r --request 7", "used"),
            ("assay infer 0@1 --input x --input-as float", "invalid value"),
        ] {
            let error = parse(line).err().unwrap_or_else(|| panic!("{line} is taken"));
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
