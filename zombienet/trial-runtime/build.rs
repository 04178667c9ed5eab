//! Builds `runtime` as its own build script does, with those features of this package that are on.

/// Features of the runtime, and how cargo names them here.
const TRIALS: [(&str, &str); 3] = [
    ("upgrade-test", "CARGO_FEATURE_UPGRADE_TEST"),
    ("short-eras", "CARGO_FEATURE_SHORT_ERAS"),
    ("short-slots", "CARGO_FEATURE_SHORT_SLOTS"),
];

fn main() {
    // The builder compares this path with those of `cargo metadata`, which have no "..".
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../runtime/Cargo.toml");
    let manifest = match std::fs::canonicalize(manifest) {
        Ok(manifest) => manifest,
        Err(error) => panic!("{manifest}: {error}"),
    };
    let chosen: Vec<_> = TRIALS
        .into_iter()
        .filter_map(|(trial, variable)| std::env::var_os(variable).map(|_| trial))
        .collect();
    // Each in files of its own, so that none is taken for another one.
    let file = [&["trial"], &chosen[..]].concat().join("-");
    println!("cargo:rustc-env=ASSAY_TRIAL={file}");
    match substrate_wasm_builder::WasmBuilder::new().with_project(&manifest) {
        Ok(builder) => chosen
            .into_iter()
            .fold(builder, |builder, trial| builder.enable_feature(trial))
            .append_to_rust_flags("-C overflow-checks=on")
            .set_file_name(file)
            .export_heap_base()
            .import_memory()
            .build(),
        Err(error) => panic!("{}: {error}", manifest.display()),
    }
}
