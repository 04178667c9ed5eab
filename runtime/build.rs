//! Builds the wasm blob that the node executes.

fn main() {
    #[cfg(feature = "std")]
    {
        // The workspace's profile does not apply to the wasm build. Overflows must trap there, as
        // they do in the tests.
        let builder = substrate_wasm_builder::WasmBuilder::init_with_defaults()
            .append_to_rust_flags("-C overflow-checks=on");
        #[cfg(feature = "metadata-hash")]
        let builder = builder.enable_metadata_hash("ASY", 12);
        builder.build();
    }
}
