//! Builds the wasm blob that the node executes.

fn main() {
    #[cfg(feature = "std")]
    {
        let builder = substrate_wasm_builder::WasmBuilder::init_with_defaults();
        // A blob with benchmarks beside the one without would need a second native build of
        // everything; only the wasm needs the feature (see scripts/bench).
        println!("cargo:rerun-if-env-changed=ASSAY_BENCHMARK_RUNTIME");
        let builder = match std::env::var_os("ASSAY_BENCHMARK_RUNTIME") {
            Some(_) => builder.enable_feature("runtime-benchmarks"),
            None => builder,
        };
        #[cfg(feature = "metadata-hash")]
        let builder = builder.enable_metadata_hash("ASY", 12);
        builder.build();
    }
}
