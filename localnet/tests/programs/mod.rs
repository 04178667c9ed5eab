//! Where the programs are that the tests start.

use std::path::{Path, PathBuf};

/// The folder with what `cargo build` has made.
pub fn programs() -> PathBuf {
    match std::env::var_os("ASSAY_BIN") {
        Some(folder) => folder.into(),
        // This program is in `deps`, beside them.
        None => {
            let here = std::env::current_exe().expect("a test has a path");
            here.ancestors().nth(2).map(Path::to_path_buf).expect("a target folder has parents")
        },
    }
}
