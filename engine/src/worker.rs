//! The engine worker: loads one model and runs it.
//!
//! A program whose own executable serves as engine worker must call [`main`] in that mode before
//! anything else, in particular before it opens files or starts threads.

use std::{
    io,
    panic::{catch_unwind, AssertUnwindSafe},
    process::ExitCode,
    sync::mpsc::{sync_channel, Receiver},
};

use codec::Encode;
use rlimit::Resource;

use crate::{
    graph, onnx,
    problem::{indicates_oom, panic_problem, Problem},
    procfs::status_bytes,
    protocol::{
        bounded, decode, read_frame, write_frame, Hello, WorkerFailure, WorkerReply, WorkerRequest,
        MAX_HELLO_BYTES, PROTOCOL,
    },
};

/// Stack size of the thread that loads and runs the model. Unit: bytes. Added to the memory limit;
/// only the part that is used takes memory.
const STACK_BYTES: u64 = 64 << 20;
/// Stdin, stdout and stderr. No other file can be opened.
const OPEN_FILES: u64 = 3;

/// Serves one engine over stdin and stdout until stdin closes.
///
/// Sets the limits of the process before it reads the model. Only root can raise them again, so a
/// process that called this cannot be used for anything else.
pub fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("assay engine worker: {error}");
            ExitCode::FAILURE
        },
    }
}

fn serve() -> io::Result<()> {
    let mut stdin = io::stdin().lock();
    let Some(frame) = read_frame(&mut stdin, MAX_HELLO_BYTES)? else { return Ok(()) };
    let hello: Hello = decode(&frame).map_err(io::Error::other)?;
    set_limits(hello.memory_bytes)?;
    let (requests, inbox) = sync_channel(1);
    let max_output = hello.max_output_bytes;
    std::thread::Builder::new()
        .name("model".into())
        .stack_size(STACK_BYTES as usize)
        // The other thread blocks on stdin and would not notice that this one has ended.
        .spawn(move || std::process::exit(answer(&inbox, max_output)))?;
    // This process starts no further thread or process.
    let _ = limit(Resource::NPROC, 0);
    reply(&WorkerReply::Ready { protocol: PROTOCOL, version: crate::VERSION.into() })?;
    // This thread only reads, so that it notices immediately when the engine has ended, even while
    // a model runs forever.
    let code = loop {
        match read_frame(&mut stdin, hello.max_request_bytes) {
            Ok(Some(frame)) => {
                if requests.send(frame).is_err() {
                    break 0;
                }
            },
            Ok(None) => break 0,
            Err(error) => {
                eprintln!("assay engine worker: {error}");
                break 1;
            },
        }
    };
    std::process::exit(code)
}

/// Sets the soft and the hard limit, unless the hard limit is lower already.
fn limit(resource: Resource, value: u64) -> io::Result<()> {
    let (_, hard) = resource.get()?;
    let value = value.min(hard);
    resource.set(value, value)
}

fn set_limits(memory_bytes: u64) -> io::Result<()> {
    limit(Resource::CORE, 0)?;
    limit(Resource::FSIZE, 0)?;
    let limit_bytes = mapped_bytes()?.saturating_add(STACK_BYTES).saturating_add(memory_bytes);
    limit(Resource::AS, limit_bytes)?;
    limit(Resource::NOFILE, OPEN_FILES)
}

/// Address space that this process has mapped, in bytes.
fn mapped_bytes() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    status_bytes(&status, "VmSize:")
        .ok_or_else(|| io::Error::other("/proc/self/status has no VmSize"))
}

fn reply(reply: &WorkerReply) -> io::Result<()> {
    write_frame(&mut io::stdout().lock(), &reply.encode())
}

/// Answers requests until there are no more. Returns the exit code of the process.
fn answer(requests: &Receiver<Vec<u8>>, max_output: u64) -> i32 {
    // Parallel loops of integer graphs run on this thread, because no other can be started.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
    if let Err(error) = pool.build_global() {
        eprintln!("assay engine worker: {error}");
        return 1;
    }
    let mut model: Option<LoadedModel> = None;
    while let Ok(frame) = requests.recv() {
        let outcome = catch_unwind(AssertUnwindSafe(|| handle(&mut model, frame, max_output)))
            .unwrap_or_else(|panic| Err(panic_problem(panic.as_ref())));
        let answer = outcome.unwrap_or_else(|problem| {
            let failure =
                if indicates_oom(&problem.text) { WorkerFailure::Memory } else { problem.failure };
            WorkerReply::Failed(failure, bounded(problem.text))
        });
        if reply(&answer).is_err() {
            return 1;
        }
        if matches!(&answer, WorkerReply::Failed(failure, _) if !failure.leaves_worker_sound()) {
            return 0;
        }
    }
    0
}

/// The model of this engine worker.
enum LoadedModel {
    Onnx(Box<onnx::OnnxModel>),
    Graph(Box<graph::GraphModel>),
}

fn handle(
    model: &mut Option<LoadedModel>,
    frame: Vec<u8>,
    max_output: u64,
) -> Result<WorkerReply, Problem> {
    let request: WorkerRequest = decode(&frame).map_err(|error| {
        Problem::new(WorkerFailure::Worker, format!("malformed request: {error}"))
    })?;
    drop(frame);
    match (request, model.as_mut()) {
        (WorkerRequest::Load { architecture, inputs, outputs, model: bytes }, None) => {
            *model = Some(match architecture {
                None => LoadedModel::Onnx(Box::new(onnx::OnnxModel::load(inputs, outputs, bytes)?)),
                Some(digest) => LoadedModel::Graph(Box::new(graph::GraphModel::load(
                    inputs, &outputs, digest, bytes,
                )?)),
            });
            Ok(WorkerReply::Loaded)
        },
        (WorkerRequest::Run(payload), Some(model)) => match model {
            LoadedModel::Onnx(model) => model.run(&payload, max_output),
            LoadedModel::Graph(model) => model.run(&payload, max_output),
        }
        .map(WorkerReply::Output),
        (WorkerRequest::Prepare, Some(LoadedModel::Graph(model))) => {
            model.prepare().map(|()| WorkerReply::Loaded)
        },
        (WorkerRequest::Prove { payload, context }, Some(LoadedModel::Graph(model))) => model
            .prove(&payload, &context, max_output)
            .map(|(output, proof)| WorkerReply::Proven { output, proof }),
        (WorkerRequest::DisputeMove { payload, task }, Some(LoadedModel::Graph(model))) => {
            model.dispute_move(&payload, &task, max_output).map(WorkerReply::DisputeMoved)
        },
        (WorkerRequest::Inspect(bytes), None) => {
            let (inputs, outputs) = onnx::inspect(&bytes)?;
            Ok(WorkerReply::Inspected { inputs, outputs })
        },
        (WorkerRequest::Load { .. } | WorkerRequest::Inspect(_), Some(_)) => {
            Err(Problem::new(WorkerFailure::Worker, "this engine worker has a model already"))
        },
        (WorkerRequest::Prepare | WorkerRequest::Prove { .. }, Some(LoadedModel::Onnx(_))) => {
            Err(Problem::new(WorkerFailure::Proof, "runs of ONNX files cannot be proven"))
        },
        (WorkerRequest::DisputeMove { .. }, Some(LoadedModel::Onnx(_))) => {
            Err(Problem::new(WorkerFailure::Run, "runs of ONNX files cannot be disputed"))
        },
        (
            WorkerRequest::Run(_)
            | WorkerRequest::Prepare
            | WorkerRequest::Prove { .. }
            | WorkerRequest::DisputeMove { .. },
            None,
        ) => Err(Problem::new(WorkerFailure::Worker, "this engine worker has no model")),
    }
}
