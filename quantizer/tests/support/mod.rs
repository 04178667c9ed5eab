//! Reads arrays of `.npz` files.

#![allow(dead_code)]

use npyz::npz::NpzArchive;
use std::{collections::BTreeMap, path::PathBuf};

/// The path of a test data file.
pub fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// The path of a file of the bundled models.
pub fn models(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models").join(name)
}

/// An array: its shape, and its elements as numbers.
#[derive(Clone, Debug)]
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

impl Array {
    /// The elements, one slice for each index of the first dimension.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.values.len() / self.shape[0])
    }

    /// The elements as bytes, for arrays that contain files.
    pub fn bytes(&self) -> Vec<u8> {
        self.values.iter().map(|value| *value as u8).collect()
    }

    /// The elements as int8 values.
    pub fn int8(&self) -> Vec<i8> {
        self.values.iter().map(|value| *value as i8).collect()
    }

    /// The elements as int32 values.
    pub fn int32(&self) -> Vec<i32> {
        self.values.iter().map(|value| *value as i32).collect()
    }
}

/// All arrays of a file.
pub fn arrays(path: PathBuf) -> BTreeMap<String, Array> {
    let mut archive = NpzArchive::open(&path).unwrap();
    let names: Vec<String> = archive.array_names().map(str::to_owned).collect();
    let read = |name: String| {
        let file = archive.by_name(&name).unwrap().unwrap();
        let shape = file.shape().iter().map(|size| *size as usize).collect();
        let values = match file.dtype().descr().trim_matches(['\'', '<', '|']) {
            "u1" => file.into_vec::<u8>().unwrap().into_iter().map(f64::from).collect(),
            "i1" => file.into_vec::<i8>().unwrap().into_iter().map(f64::from).collect(),
            "i4" => file.into_vec::<i32>().unwrap().into_iter().map(f64::from).collect(),
            "i8" => file.into_vec::<i64>().unwrap().into_iter().map(|x| x as f64).collect(),
            "f4" => file.into_vec::<f32>().unwrap().into_iter().map(f64::from).collect(),
            "f8" => file.into_vec::<f64>().unwrap(),
            other => panic!("{name} has elements of type {other}"),
        };
        (name, Array { shape, values })
    };
    names.into_iter().map(read).collect()
}

/// Writes a NumPy file with one array of binary32 numbers, as `numpy.save` does.
pub fn npy(shape: &[usize], values: &[f64]) -> Vec<u8> {
    let shape: Vec<String> = shape.iter().map(|size| format!("{size},")).collect();
    let header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", shape.join(" "));
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(format!("{header:<width$}\n", width = length - 1).bytes());
    bytes.extend(values.iter().flat_map(|value| (*value as f32).to_le_bytes()));
    bytes
}
