//! The engine worker as a separate program. An engine starts `assay-engine worker` and exchanges
//! frames with it over stdin and stdout. It is not meant for interactive use.

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
            eprintln!("An engine starts the other mode, `assay-engine worker`.");
            ExitCode::from(2)
        },
    }
}
