//! What an engine and its workers say to each other over stdin and stdout.
//!
//! A frame is a length in 4 bytes, little-endian, and as many bytes: the SCALE encoding of a
//! [`Hello`], a [`WorkerRequest`] or a [`WorkerReply`]. The engine speaks first and gets one reply per
//! frame. Not part of the crate's public interface.

use std::io::{self, Read, Write};

use assay_primitives::{
    dispute::DisputeTask, engine::ProofContext, model::TensorDeclarations, Digest,
};
use codec::{Decode, DecodeAll, Encode};

/// Changes whenever a message does.
pub const PROTOCOL: u32 = 3;
/// Most bytes of anything that goes into a frame.
pub const MAX_FRAME_BYTES: u64 = 1 << 30;
/// What a frame may have beyond the model, the payload or the output that it carries: the
/// declarations of both sides, or a message.
pub const OVERHEAD_BYTES: u64 = 16 << 10;
/// Most bytes of each part of a [`ProofContext`].
pub const MAX_CONTEXT_BYTES: usize = 256;
/// Most bytes of the frame with [`Hello`].
pub const MAX_HELLO_BYTES: u64 = 256;
/// Most bytes of a text in a [`WorkerReply`].
pub const MAX_MESSAGE_BYTES: usize = 4 << 10;

/// The first frame to a worker.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Hello {
    /// [`PROTOCOL`] of the engine.
    pub protocol: u32,
    /// [`crate::VERSION`] of the engine.
    pub version: String,
    /// Bytes of address space beyond what the bare executable maps.
    pub memory_bytes: u64,
    /// Most bytes of a frame to the worker.
    pub max_request_bytes: u64,
    /// Most bytes of an output payload.
    pub max_output_bytes: u64,
}

/// What a worker is asked.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum WorkerRequest {
    /// Load the model and keep it. Answered by [`WorkerReply::Loaded`].
    #[codec(index = 0)]
    Load {
        /// Digest of the architecture where the file is an integer graph; `None`: an ONNX file.
        architecture: Option<Digest>,
        /// Declared inputs.
        inputs: TensorDeclarations,
        /// Declared outputs.
        outputs: TensorDeclarations,
        /// The model file.
        model: Vec<u8>,
    },
    /// Run the model on a payload. Answered by [`WorkerReply::Output`].
    #[codec(index = 1)]
    Run(Vec<u8>),
    /// Say what a model file declares. Answered by [`WorkerReply::Inspected`].
    #[codec(index = 2)]
    Inspect(Vec<u8>),
    /// Make what proofs need, unless that is done. Answered by [`WorkerReply::Loaded`].
    #[codec(index = 3)]
    Prepare,
    /// Run the model on a payload and prove the run; comes after [`Self::Prepare`]. Answered by
    /// [`WorkerReply::Proven`].
    #[codec(index = 4)]
    Prove {
        /// The input payload.
        payload: Vec<u8>,
        /// What the proof is bound to.
        context: ProofContext,
    },
    /// Run the model on a payload, and say what a party to a dispute has to know of the run.
    /// Answered by [`WorkerReply::DisputeMoved`].
    #[codec(index = 5)]
    DisputeMove {
        /// The input payload.
        payload: Vec<u8>,
        /// What is asked.
        task: DisputeTask,
    },
}

/// What a worker answers.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum WorkerReply {
    /// To [`Hello`]: the limits are set.
    #[codec(index = 0)]
    Ready {
        /// [`PROTOCOL`] of the worker.
        protocol: u32,
        /// [`crate::VERSION`] of the worker.
        version: String,
    },
    /// The model is loaded.
    #[codec(index = 1)]
    Loaded,
    /// The output payload.
    #[codec(index = 2)]
    Output(Vec<u8>),
    /// What the file declares.
    #[codec(index = 3)]
    Inspected {
        /// Inputs in the file's order.
        inputs: TensorDeclarations,
        /// Outputs in the file's order.
        outputs: TensorDeclarations,
    },
    /// It did not work.
    #[codec(index = 4)]
    Failed(WorkerFailure, String),
    /// A run and its proof.
    #[codec(index = 5)]
    Proven {
        /// The output payload.
        output: Vec<u8>,
        /// The proof.
        proof: Vec<u8>,
    },
    /// What [`DisputeTask`] says that its answer is.
    #[codec(index = 6)]
    DisputeMoved(Vec<u8>),
}

/// In which way it did not work.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum WorkerFailure {
    /// The file is not a model that can be run.
    #[codec(index = 0)]
    Model,
    /// The declarations contradict the file.
    #[codec(index = 1)]
    Declaration,
    /// The model does not take an input of this shape.
    #[codec(index = 2)]
    Shape,
    /// The run stopped with an error.
    #[codec(index = 3)]
    Run,
    /// Memory could not be allocated. The worker ends.
    #[codec(index = 4)]
    Memory,
    /// The library panicked. The worker ends.
    #[codec(index = 5)]
    Panic,
    /// The output is too large.
    #[codec(index = 6)]
    OutputSize,
    /// The worker could not do as asked. The worker ends.
    #[codec(index = 7)]
    Worker,
    /// The run cannot be proven.
    #[codec(index = 8)]
    Proof,
}

impl WorkerFailure {
    /// Whether the worker may be used again.
    pub fn leaves_worker_sound(self) -> bool {
        matches!(self, Self::Shape | Self::Run | Self::OutputSize | Self::Proof)
    }
}

/// Writes one frame.
pub fn write_frame(writer: &mut impl Write, frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "frame too long"))?;
    writer.write_all(&length.to_le_bytes())?;
    writer.write_all(frame)?;
    writer.flush()
}

/// Reads one frame of at most `max` bytes; `None` where the stream ends before one begins.
///
/// Memory grows with the bytes that arrive, not with the length that is claimed.
pub fn read_frame(reader: &mut impl Read, max: u64) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0u8; 4];
    let mut filled = 0;
    while filled < length.len() {
        match reader.read(&mut length[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {},
            Err(error) => return Err(error),
        }
    }
    let length = u64::from(u32::from_le_bytes(length));
    if length > max {
        let text = format!("a frame of {length} bytes where at most {max} are allowed");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    let mut frame = Vec::new();
    reader.by_ref().take(length).read_to_end(&mut frame)?;
    if frame.len() as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(frame))
}

/// Decodes a whole frame; bytes that follow the message are an error.
pub fn decode<T: Decode>(frame: &[u8]) -> Result<T, codec::Error> {
    T::decode_all(&mut &frame[..])
}

/// Cuts a text to [`MAX_MESSAGE_BYTES`].
pub fn bounded(mut text: String) -> String {
    let mut end = MAX_MESSAGE_BYTES;
    if text.len() > end {
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_survive_the_way() {
        let mut wire = Vec::new();
        write_frame(&mut wire, b"one").unwrap();
        write_frame(&mut wire, b"").unwrap();
        let mut reader = &wire[..];
        assert_eq!(read_frame(&mut reader, 3).unwrap().as_deref(), Some(&b"one"[..]));
        assert_eq!(read_frame(&mut reader, 3).unwrap().as_deref(), Some(&b""[..]));
        assert_eq!(read_frame(&mut reader, 3).unwrap(), None);
    }

    #[test]
    fn a_frame_above_the_bound_is_refused_before_it_is_read() {
        let mut wire = Vec::new();
        write_frame(&mut wire, &[0; 9]).unwrap();
        let error = read_frame(&mut &wire[..], 8).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_frame_that_ends_early_is_an_error_at_each_cut() {
        let mut wire = Vec::new();
        write_frame(&mut wire, b"abcd").unwrap();
        for cut in 1..wire.len() {
            let error = read_frame(&mut &wire[..cut], 16).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "cut at {cut}");
        }
    }

    #[test]
    fn a_message_with_bytes_behind_it_is_refused() {
        let mut frame = WorkerReply::Loaded.encode();
        assert!(decode::<WorkerReply>(&frame).is_ok());
        frame.push(0);
        assert!(decode::<WorkerReply>(&frame).is_err());
    }

    #[test]
    fn a_claimed_length_without_bytes_is_refused_without_allocating_it() {
        // `Output` with a compact length of about one gibibyte and nothing behind it.
        let frame = [2u8, 0xfe, 0xff, 0xff, 0xff];
        assert!(decode::<WorkerReply>(&frame).is_err());
    }

    #[test]
    fn long_messages_are_cut_at_a_character() {
        let text = bounded("é".repeat(MAX_MESSAGE_BYTES));
        assert!(text.len() <= MAX_MESSAGE_BYTES && text.chars().all(|c| c == 'é'));
        assert_eq!(bounded("short".into()), "short");
    }

    #[test]
    fn the_widest_declarations_fit_the_overhead() {
        use assay_primitives::{model::MAX_TENSORS, tensor::*};
        let widest = TensorDeclaration {
            name: vec![b'n'; MAX_TENSOR_NAME_BYTES as usize].try_into().unwrap(),
            element_type: ElementType::F32,
            shape: vec![Dimension::Fixed(u32::MAX); MAX_RANK as usize].try_into().unwrap(),
        };
        let side: TensorDeclarations = vec![widest; MAX_TENSORS as usize].try_into().unwrap();
        let architecture = Some(Digest::zero());
        let request = WorkerRequest::Load {
            architecture,
            inputs: side.clone(),
            outputs: side,
            model: vec![],
        };
        assert!(request.encoded_size() as u64 <= OVERHEAD_BYTES);
        let longest = vec![0; MAX_CONTEXT_BYTES];
        let context = ProofContext {
            genesis: [0; 32],
            domain: longest.clone(),
            request: longest,
            requester: [0; 32],
            operator: [0; 32],
        };
        let request = WorkerRequest::Prove { payload: vec![], context };
        assert!(request.encoded_size() as u64 <= OVERHEAD_BYTES);
    }
}
