//! Builds `runtime` with the feature `upgrade-test`, as its own build script does without it.

fn main() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../runtime/Cargo.toml");
    match substrate_wasm_builder::WasmBuilder::new().with_project(manifest) {
        Ok(builder) => builder
            .append_to_rust_flags("-C overflow-checks=on")
            .enable_feature("upgrade-test")
            .export_heap_base()
            .import_memory()
            .build(),
        Err(error) => panic!("{manifest}: {error}"),
    }
}
