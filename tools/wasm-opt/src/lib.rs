//! Stands in for the crate `wasm-opt` in `substrate-wasm-builder`.
//!
//! The builder asks `wasm-opt` for no optimisation: it removes debug information, and rewrites
//! instructions that a runtime must not contain. The crate compiles all of Binaryen, in C++, for
//! that: the longest step of a build. On the target `wasm32v1-none` the compiler emits none of
//! these instructions, so this crate checks that instead of rewriting them, and removes the debug
//! sections itself. Everything else of the module stays as the linker wrote it.
//!
//! The root manifest puts it in the place of the original (`[patch.crates-io]`). ADR 22 has the
//! reasons.

use std::{fmt, fs, path::Path};

const MAGIC: &[u8] = b"\0asm\x01\0\0\0";
/// Id of a custom section: its content begins with its name.
const CUSTOM: u8 = 0;
/// Custom section in which the compiler lists the features that a module uses.
const FEATURES: &[u8] = b"target_features";
/// Features beyond the first version of WebAssembly that every executor of runtimes has.
const ALLOWED: [&[u8]; 1] = [b"mutable-globals"];

/// What the builder sets. The result is the same for all settings.
#[derive(Debug, Default)]
pub struct OptimizationOptions(());

/// The passes that the builder adds.
#[derive(Clone, Copy, Debug)]
pub enum Pass {
    /// Remove debug information.
    StripDwarf,
    /// Rewrite sign extensions, of which a module for `wasm32v1-none` has none.
    SignextLowering,
}

/// Why a module is refused, with its path.
#[derive(Debug)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl OptimizationOptions {
    /// No optimisation.
    pub fn new_opt_level_0() -> Self {
        Self::default()
    }

    /// Expect features of the first version of WebAssembly only.
    pub fn mvp_features_only(&mut self) -> &mut Self {
        self
    }

    /// Keep names.
    pub fn debug_info(&mut self, _: bool) -> &mut Self {
        self
    }

    /// Run this pass as well.
    pub fn add_pass(&mut self, _: Pass) -> &mut Self {
        self
    }

    /// Reads a module, checks it, and writes it without debug sections.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or written, is no wasm module, or uses features that a runtime must
    /// not use.
    pub fn run(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<(), Error> {
        let (from, to) = (from.as_ref(), to.as_ref());
        let failed =
            |path: &Path, what: &dyn fmt::Display| Error(format!("{}: {what}", path.display()));
        let module = fs::read(from).map_err(|error| failed(from, &error))?;
        let stripped = strip(&module).map_err(|what| failed(from, &what))?;
        fs::write(to, stripped).map_err(|error| failed(to, &error))
    }
}

/// The module without its debug sections.
fn strip(module: &[u8]) -> Result<Vec<u8>, String> {
    const TRUNCATED: &str = "not a wasm module, or a truncated one";
    let mut rest = module.strip_prefix(MAGIC).ok_or(TRUNCATED)?;
    let mut stripped = MAGIC.to_vec();
    let mut has_features = false;
    while let Some((&id, after)) = rest.split_first() {
        let (size, content) = leb128(after).ok_or(TRUNCATED)?;
        let (content, next) = content.split_at_checked(size).ok_or(TRUNCATED)?;
        let section = &rest[..rest.len() - next.len()];
        rest = next;
        let name = match id {
            CUSTOM => Some(name(content).ok_or(TRUNCATED)?),
            _ => None,
        };
        match name {
            Some((name, _)) if name.starts_with(b".debug_") => continue,
            Some((name, features)) if name == FEATURES => {
                check_features(features)?;
                has_features = true;
            },
            _ => {},
        }
        stripped.extend_from_slice(section);
    }
    if !has_features {
        return Err("the module does not list the features that it uses: build it without \
                    stripping symbols"
            .into());
    }
    Ok(stripped)
}

/// The section is a list of features, each with a prefix: `+` used, `-` not used.
fn check_features(list: &[u8]) -> Result<(), String> {
    const MALFORMED: &str = "its list of features is malformed";
    let (count, mut rest) = leb128(list).ok_or(MALFORMED)?;
    for _ in 0..count {
        let (&prefix, after) = rest.split_first().ok_or(MALFORMED)?;
        let (feature, after) = name(after).ok_or(MALFORMED)?;
        rest = after;
        if prefix != b'-' && !ALLOWED.contains(&feature) {
            return Err(format!(
                "the module uses the feature {}, which a runtime must not use: build it for the \
                 target wasm32v1-none, with a standard library for that target",
                String::from_utf8_lossy(feature)
            ));
        }
    }
    rest.is_empty().then_some(()).ok_or_else(|| MALFORMED.into())
}

/// A name with its length before it, and what follows.
fn name(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = leb128(bytes)?;
    rest.split_at_checked(length)
}

/// An unsigned number of at most 32 bits, and what follows.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0u64;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((u32::try_from(number).ok()? as usize, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom(name: &[u8], content: &[u8]) -> Vec<u8> {
        let size = 1 + name.len() + content.len();
        [&[CUSTOM, size as u8, name.len() as u8], name, content].concat()
    }

    /// A module that lists no features.
    fn bare(sections: &[Vec<u8>]) -> Vec<u8> {
        [MAGIC.to_vec(), sections.concat()].concat()
    }

    fn module(sections: &[Vec<u8>]) -> Vec<u8> {
        [bare(sections), custom(FEATURES, &[0])].concat()
    }

    #[test]
    fn only_debug_sections_are_removed() {
        // A type section without types. Sizes may have more bytes than they need.
        let types = vec![1, 0x81, 0x00, 0];
        let kept = [custom(b"runtime_version", &[1, 2, 3]), types, custom(b"name", &[4])];
        let debug = custom(b".debug_info", &[9; 40]);
        let all = [&kept[..2], &[debug], &kept[2..]].concat();
        assert_eq!(strip(&module(&all)), Ok(module(&kept)));
    }

    #[test]
    fn a_feature_that_not_every_executor_has_is_refused() {
        let features = |list: &[&[u8]]| {
            let names =
                list.iter().map(|name| [&name[..1], &[name.len() as u8 - 1], &name[1..]].concat());
            let content = [vec![list.len() as u8], names.collect::<Vec<_>>().concat()].concat();
            strip(&bare(&[custom(FEATURES, &content)]))
        };
        assert!(features(&[b"+mutable-globals", b"-sign-ext"]).is_ok());
        let error = features(&[b"+mutable-globals", b"+sign-ext"]).unwrap_err();
        assert!(error.contains("sign-ext"), "{error}");
        assert!(features(&[b"=sign-ext"]).is_err());
        assert!(strip(&bare(&[])).is_err(), "a module that lists nothing");
    }

    #[test]
    fn truncated_modules_are_refused() {
        let whole = module(&[custom(b"name", &[1, 2, 3])]);
        assert!(strip(&whole).is_ok());
        for end in 0..whole.len() {
            assert!(strip(&whole[..end]).is_err(), "{end}");
        }
        let longer = custom(FEATURES, &[0, 7]);
        assert!(strip(&bare(&[longer])).is_err());
    }
}
