//! Frames between an engine and its engine workers: each message has a canonical encoding.
#![no_main]

use assay_engine::protocol::{
    decode, read_frame, write_frame, Hello, WorkerFailure, WorkerReply, WorkerRequest, PROTOCOL,
};
use assay_fuzz::seed;
use codec::{Decode, Encode};
use libfuzzer_sys::fuzz_target;

/// Maximum length of a frame in bytes.
const MAX: u64 = 1 << 16;

fn round_trip<T: Decode + Encode>(frame: &[u8]) {
    if let Ok(message) = decode::<T>(frame) {
        assert_eq!(message.encode(), frame);
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let hello = Hello {
        protocol: PROTOCOL,
        version: "1".into(),
        memory_bytes: 1,
        max_request_bytes: 2,
        max_output_bytes: 3,
    };
    let load = WorkerRequest::Load {
        architecture: None,
        inputs: Default::default(),
        outputs: Default::default(),
        model: vec![1, 2, 3],
    };
    let messages = [
        hello.encode(),
        load.encode(),
        WorkerRequest::Run(vec![4; 9]).encode(),
        WorkerReply::Loaded.encode(),
        WorkerReply::Proven { output: vec![1], proof: vec![2; 8] }.encode(),
        WorkerReply::Failed(WorkerFailure::Shape, "no".into()).encode(),
    ];
    let frame = |message: &Vec<u8>| {
        let mut stream = Vec::new();
        write_frame(&mut stream, message).unwrap();
        stream
    };
    let mut seeds: Vec<Vec<u8>> = messages.iter().map(frame).collect();
    seeds.push(seeds.concat());
    seeds
}

fuzz_target!(init: seed(seeds()), |data: &[u8]| {
    let mut stream = data;
    let mut again = Vec::new();
    while let Ok(Some(frame)) = read_frame(&mut stream, MAX) {
        assert!(frame.len() as u64 <= MAX);
        write_frame(&mut again, &frame).unwrap();
        assert!(data.starts_with(&again));
        round_trip::<Hello>(&frame);
        round_trip::<WorkerRequest>(&frame);
        round_trip::<WorkerReply>(&frame);
    }
});
