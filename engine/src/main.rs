//! The engine's worker as a program of its own. `assay-engine worker` is started by an engine
//! and speaks its protocol over stdin and stdout; there is nothing in it for people.

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("worker") => assay_engine::worker::main(),
        Some("--version") => {
            println!(
                "assay-engine {} (tract {})",
                assay_engine::VERSION,
                assay_engine::TRACT_VERSION
            );
            ExitCode::SUCCESS
        },
        _ => {
            eprintln!("usage: assay-engine --version");
            eprintln!("The other mode, `worker`, is started by an engine.");
            ExitCode::from(2)
        },
    }
}
