//! A chain whose blocks are executed by the runtime's wasm. Transactions are made natively, on its
//! state.
// Each test file uses a part of this module.
#![allow(dead_code)]

use assay_runtime::{Hash, Header, RuntimeCall, UncheckedExtrinsic};
use codec::{Decode, Encode};
use sp_core::traits::CallContext;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{ApplyExtrinsicResult, DispatchError, ExtrinsicInclusionMode};

use crate::{
    common::{begin, check_all, genesis_externalities, signed, GENESIS_HASH},
    wasm::WasmRuntime,
};

/// A chain with the genesis of the local network.
pub struct Chain {
    runtime: WasmRuntime,
    /// The state after the last block. Its overlay is empty between blocks.
    state: sp_io::TestExternalities,
    parent: Hash,
}

impl Chain {
    /// A chain after its first block, which is empty.
    pub fn new() -> Self {
        let (runtime, state) = (WasmRuntime::new(), genesis_externalities());
        let mut chain = Self { runtime, state, parent: GENESIS_HASH };
        chain.empty_block();
        chain
    }

    /// Runs a function natively on the state after the last block. Its changes are discarded.
    pub fn read<R>(&mut self, read: impl FnOnce() -> R) -> R {
        let found = self.state.execute_with(read);
        self.state.reset_overlay();
        found
    }

    /// Makes the next block with these transactions, its consensus digest and its timestamp.
    ///
    /// If the runtime traps, returns the function that trapped, and adds no block.
    pub fn block(
        &mut self,
        transactions: Vec<UncheckedExtrinsic>,
    ) -> Result<Vec<ApplyExtrinsicResult>, String> {
        let executed = self.execute(transactions);
        match &executed {
            Ok((header, _)) => {
                self.parent = header.hash();
                self.state.commit_all().expect("every call has closed its storage transactions");
            },
            // Storage transactions of the runtime are still open.
            Err(_) => self.state.reset_overlay(),
        }
        executed.map(|(_, results)| results)
    }

    fn execute(
        &mut self,
        transactions: Vec<UncheckedExtrinsic>,
    ) -> Result<(Header, Vec<ApplyExtrinsicResult>), String> {
        let parent = self.parent;
        let (header, timestamp) = self.read(|| begin(parent));
        let _: ExtrinsicInclusionMode = self.call("Core_initialize_block", &header)?;
        self.apply(&timestamp)?
            .expect("the timestamp is valid")
            .expect("the timestamp fits the slot");
        let results = transactions.iter().map(|transaction| self.apply(transaction));
        let results = results.collect::<Result<_, _>>()?;
        Ok((self.call("BlockBuilder_finalize_block", &())?, results))
    }

    fn apply(&mut self, transaction: &UncheckedExtrinsic) -> Result<ApplyExtrinsicResult, String> {
        self.call("BlockBuilder_apply_extrinsic", transaction)
    }

    fn call<T: Decode>(&mut self, function: &str, arguments: &impl Encode) -> Result<T, String> {
        let context = CallContext::Onchain { import: false };
        self.runtime.call_on(&mut self.state.ext(), context, function, arguments)
    }

    /// A block without transactions.
    pub fn empty_block(&mut self) {
        self.block(Vec::new()).expect("an empty block does not trap");
    }

    /// Makes a block with one valid transaction, which is made on the state before. Returns the
    /// result of its call, or the function that trapped.
    pub fn include(
        &mut self,
        transaction: impl FnOnce() -> UncheckedExtrinsic,
    ) -> Result<Result<(), DispatchError>, String> {
        let transaction = self.read(transaction);
        let mut results = self.block(vec![transaction])?;
        Ok(results.pop().expect("one transaction").expect("it is valid"))
    }

    /// Makes a block with one transaction of an account. The transaction must succeed.
    pub fn submit(&mut self, who: Sr25519Keyring, call: impl Into<RuntimeCall>) {
        assert_eq!(self.include(|| signed(who, call)), Ok(Ok(())));
    }

    /// Checks the invariants of every pallet of Assay.
    pub fn check_all(&mut self) {
        self.read(check_all);
    }
}
