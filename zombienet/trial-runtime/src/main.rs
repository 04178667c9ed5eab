//! Writes the runtime that its build script has made, compressed, to standard output.

use std::{
    io::{self, Write},
    process::ExitCode,
};

/// What the build script has written.
#[allow(dead_code, missing_docs)]
mod built {
    include!(concat!(env!("OUT_DIR"), "/", env!("ASSAY_TRIAL")));
}

fn main() -> ExitCode {
    let Some(code) = built::WASM_BINARY else {
        eprintln!("Error: this program was built without a runtime (SKIP_WASM_BUILD was set)");
        return ExitCode::FAILURE;
    };
    match io::stdout().write_all(code) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        },
    }
}
