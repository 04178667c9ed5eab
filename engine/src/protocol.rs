//! The protocol between an engine and its engine workers, over stdin and stdout.
//!
//! A frame is a length in 4 bytes, little-endian, followed by that many bytes: the SCALE encoding
//! of a [`Hello`], a [`WorkerRequest`] or a [`WorkerReply`]. The engine sends the first frame and
//! gets one reply per frame. Not part of the crate's public interface.

use std::io::{self, Read, Write};

use assay_primitives::{
    dispute::DisputeTask, engine::ProofContext, model::TensorDeclarations, Digest,
};
use codec::{Decode, DecodeAll, Encode};

/// Version of the protocol. Changes with every change of a message.
pub const PROTOCOL: u32 = 4;
/// Maximum size of a model, payload or output in a frame.
pub const MAX_FRAME_BYTES: u64 = 1 << 30;
/// Maximum size of the rest of such a frame: the declarations of both sides, or a message.
pub const OVERHEAD_BYTES: u64 = 16 << 10;
/// Maximum size of each byte string of a [`ProofContext`].
pub const MAX_CONTEXT_BYTES: usize = 256;
/// Maximum size of the frame with [`Hello`].
pub const MAX_HELLO_BYTES: u64 = 256;
/// Maximum size of a text in a [`WorkerReply`].
pub const MAX_MESSAGE_BYTES: usize = 4 << 10;

/// The first frame to an engine worker.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Hello {
    /// [`PROTOCOL`] of the engine.
    pub protocol: u32,
    /// [`crate::VERSION`] of the engine.
    pub version: String,
    /// Address space in addition to what the bare executable maps. Unit: bytes.
    pub memory_bytes: u64,
    /// Maximum size of a frame to the engine worker.
    pub max_request_bytes: u64,
    /// Maximum size of an output payload.
    pub max_output_bytes: u64,
}

/// A request to an engine worker.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum WorkerRequest {
    /// Load the model and keep it. Answered by [`WorkerReply::Loaded`].
    #[codec(index = 0)]
    Load {
        /// Digest of the architecture if the file is an integer graph; `None` if it is an ONNX
        /// file.
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
    /// Read the declarations of an ONNX file. Answered by [`WorkerReply::Inspected`].
    #[codec(index = 2)]
    Inspect(Vec<u8>),
    /// Make the prover, unless it exists. Answered by [`WorkerReply::Loaded`].
    #[codec(index = 3)]
    Prepare,
    /// Run the model on a payload and prove the run. Must follow [`Self::Prepare`]. Answered by
    /// [`WorkerReply::Proven`].
    #[codec(index = 4)]
    Prove {
        /// The input payload.
        payload: Vec<u8>,
        /// The context to which the proof is bound.
        context: ProofContext,
    },
    /// Run the model on a payload, and make the claim or a move in a dispute about the run.
    /// Answered by [`WorkerReply::DisputeMoved`].
    #[codec(index = 5)]
    DisputeMove {
        /// The input payload.
        payload: Vec<u8>,
        /// The claim or the move to make.
        task: DisputeTask,
    },
}

/// A reply of an engine worker.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum WorkerReply {
    /// Reply to [`Hello`]: the limits are set.
    #[codec(index = 0)]
    Ready {
        /// [`PROTOCOL`] of the engine worker.
        protocol: u32,
        /// [`crate::VERSION`] of the engine worker.
        version: String,
    },
    /// The model is loaded, or the prover is made.
    #[codec(index = 1)]
    Loaded,
    /// The output payload.
    #[codec(index = 2)]
    Output(Vec<u8>),
    /// The declarations of the file.
    #[codec(index = 3)]
    Inspected {
        /// Inputs in the file's order.
        inputs: TensorDeclarations,
        /// Outputs in the file's order.
        outputs: TensorDeclarations,
    },
    /// The request failed.
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
    /// The encoded claim or move that [`DisputeTask`] describes.
    #[codec(index = 6)]
    DisputeMoved(Vec<u8>),
}

/// How a request failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum WorkerFailure {
    /// The file is not a model that can be run.
    #[codec(index = 0)]
    Model,
    /// The declarations contradict the file.
    #[codec(index = 1)]
    Declaration,
    /// The model does not support an input of this shape.
    #[codec(index = 2)]
    Shape,
    /// The run failed.
    #[codec(index = 3)]
    Run,
    /// A memory allocation failed. The engine worker ends.
    #[codec(index = 4)]
    Memory,
    /// The code that handles the model panicked. The engine worker ends.
    #[codec(index = 5)]
    Panic,
    /// The output is too large.
    #[codec(index = 6)]
    OutputSize,
    /// The request was malformed or came out of order. The engine worker ends.
    #[codec(index = 7)]
    Worker,
    /// The run cannot be proven.
    #[codec(index = 8)]
    Proof,
}

impl WorkerFailure {
    /// Whether the engine worker can be used again.
    pub fn leaves_worker_sound(self) -> bool {
        matches!(self, Self::Shape | Self::Run | Self::OutputSize | Self::Proof)
    }
}

/// Writes one frame.
///
/// # Errors
///
/// The frame has 2^32 bytes or more, or writing fails.
pub fn write_frame(writer: &mut impl Write, frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "frame too long"))?;
    writer.write_all(&length.to_le_bytes())?;
    writer.write_all(frame)?;
    writer.flush()
}

/// Reads one frame of at most `max` bytes. Returns `None` if the stream ends before a frame begins.
///
/// Memory grows with the bytes that arrive, not with the length that the frame claims.
///
/// # Errors
///
/// `InvalidData` if the frame claims more than `max` bytes, `UnexpectedEof` if the stream ends
/// within the frame, and errors of the reader.
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
        let text = format!("a frame of {length} bytes; at most {max} are allowed");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    let mut frame = Vec::new();
    reader.by_ref().take(length).read_to_end(&mut frame)?;
    if frame.len() as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(frame))
}

/// Decodes a whole frame.
///
/// # Errors
///
/// The frame is not a message of this type, or bytes follow the message.
pub fn decode<T: Decode>(frame: &[u8]) -> Result<T, codec::Error> {
    T::decode_all(&mut &frame[..])
}

/// Truncates a text to [`MAX_MESSAGE_BYTES`].
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
    fn frames_are_read_as_they_were_written() {
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
    fn a_message_with_trailing_bytes_is_refused() {
        let mut frame = WorkerReply::Loaded.encode();
        assert!(decode::<WorkerReply>(&frame).is_ok());
        frame.push(0);
        assert!(decode::<WorkerReply>(&frame).is_err());
    }

    #[test]
    fn a_claimed_length_without_bytes_is_refused_without_allocating_it() {
        // `Output` with a compact length of about 1 GiB, followed by nothing.
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
