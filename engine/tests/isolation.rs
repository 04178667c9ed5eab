//! Engine workers: they end when they must, and nothing that they send harms the engine.

use std::{
    io::Write,
    process::{Child, Command, Stdio},
    time::Duration,
};

use assay_engine::{
    protocol::{decode, read_frame, write_frame, Hello, WorkerReply, WorkerRequest, PROTOCOL},
    Engine, EngineConfig, EngineError, WorkerCommand,
};
use codec::Encode;

mod support;
use support::{
    config, engine, exists, floats, kill,
    onnx::{Dim, Graph, FLOAT},
    worker, Version,
};

/// A small file that needs many minutes to run: products of matrices, expanded from the input.
fn endless() -> Version {
    let mut graph = Graph::new()
        .input("x", FLOAT, &[Dim::Size(1), Dim::Size(1)])
        .integers("wide", &[4096, 4096])
        .node("Expand", &["x", "wide"], "m0");
    for turn in 0..400 {
        let (from, to) = (format!("m{turn}"), format!("m{}", turn + 1));
        graph = graph.node("MatMul", &[&from, "m0"], &to);
    }
    let file = graph.output("m400", FLOAT, &[Dim::Size(4096), Dim::Size(4096)]).file();
    Version::new(file, vec![floats("x", &[1, 1])], vec![floats("m400", &[4096, 4096])])
}

fn raw_worker() -> Child {
    Command::new(worker().program)
        .args(worker().args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn hello() -> Hello {
    Hello {
        protocol: PROTOCOL,
        version: assay_engine::VERSION.into(),
        memory_bytes: 512 << 20,
        max_request_bytes: 1 << 20,
        max_output_bytes: 1 << 20,
    }
}

/// Sends a frame to an engine worker and reads its reply.
fn converse(child: &mut Child, frame: &[u8]) -> Option<WorkerReply> {
    write_frame(child.stdin.as_mut().unwrap(), frame).unwrap();
    let reply = read_frame(child.stdout.as_mut().unwrap(), 1 << 20).unwrap()?;
    Some(decode(&reply).unwrap())
}

#[test]
fn a_worker_that_got_no_frame_ends_with_its_stdin() {
    let mut child = raw_worker();
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_worker_that_computes_ends_with_its_stdin() {
    let mut child = raw_worker();
    let ready = converse(&mut child, &hello().encode()).unwrap();
    assert!(matches!(ready, WorkerReply::Ready { .. }));
    let Version { descriptor, file } = endless();
    let load = WorkerRequest::Load {
        architecture: None,
        inputs: descriptor.inputs,
        outputs: descriptor.outputs,
        model: file,
    };
    assert_eq!(converse(&mut child, &load.encode()), Some(WorkerReply::Loaded));
    let payload = endless().zeros();
    write_frame(child.stdin.as_mut().unwrap(), &WorkerRequest::Run(payload).encode()).unwrap();
    drop(child.stdin.take());
    // Otherwise it would compute for many minutes.
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_worker_has_its_limits_before_it_reads_a_model() {
    let mut child = raw_worker();
    converse(&mut child, &hello().encode()).unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    let hard = |name: &str| -> u64 {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        let values: Vec<&str> = line[name.len()..].split_whitespace().collect();
        assert_eq!(values[0], values[1], "{name}: the soft limit is the hard one");
        values[1].parse().unwrap_or(u64::MAX)
    };
    assert_eq!(hard("Max core file size"), 0);
    assert_eq!(hard("Max file size"), 0);
    assert_eq!(hard("Max processes"), 0);
    assert_eq!(hard("Max open files"), 3);
    let memory = hard("Max address space");
    assert!(memory > 512 << 20 && memory < 2 << 30, "{memory}");
    drop(child.stdin.take());
    child.wait().unwrap();
}

#[test]
fn a_worker_sees_nothing_of_the_environment() {
    let engine = engine();
    let digits = Version::digits();
    digits.run(&engine, &digits.zeros()).unwrap();
    let pid = engine.status().idle_workers[0].pid;
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
    let environment = String::from_utf8(environment).unwrap();
    let names: Vec<&str> = environment
        .split('\0')
        .filter_map(|pair| pair.split_once('='))
        .map(|pair| pair.0)
        .collect();
    assert_eq!(names, ["MALLOC_ARENA_MAX", "RAYON_NUM_THREADS"]);
}

#[test]
fn a_request_out_of_order_or_malformed_is_refused() {
    for frame in [WorkerRequest::Run(vec![]).encode(), vec![0xff; 9], vec![]] {
        let mut child = raw_worker();
        converse(&mut child, &hello().encode()).unwrap();
        let reply = converse(&mut child, &frame);
        assert!(matches!(reply, Some(WorkerReply::Failed(..))), "{frame:?}: {reply:?}");
        // It ends without a second request.
        child.wait().unwrap();
    }
}

#[test]
fn a_frame_above_the_bound_ends_the_worker() {
    let mut child = raw_worker();
    converse(&mut child, &hello().encode()).unwrap();
    let claim = (2u32 << 20).to_le_bytes();
    child.stdin.as_mut().unwrap().write_all(&claim).unwrap();
    assert!(!child.wait().unwrap().success());
}

#[test]
fn a_model_that_never_ends_is_ended() {
    let engine =
        Engine::new(EngineConfig { run_timeout: Duration::from_millis(200), ..config() }).unwrap();
    let version = endless();
    let late = version.run(&engine, &version.zeros());
    assert!(matches!(late, Err(EngineError::RunTimeLimit(_))), "{late:?}");
    assert!(engine.status().idle_workers.is_empty());
    assert_eq!(engine.status().running, 0);
}

#[test]
fn a_worker_that_was_killed_between_two_runs_is_replaced() {
    let engine = engine();
    let digits = Version::digits();
    let first = digits.run(&engine, &digits.zeros()).unwrap();
    let pid = engine.status().idle_workers[0].pid;
    kill(pid);
    let second = digits.run(&engine, &digits.zeros()).unwrap();
    assert_eq!(second.payload, first.payload);
    assert!(!second.cached);
    assert!(!exists(pid));
}

#[test]
fn a_worker_that_is_killed_as_it_runs_is_replaced_once() {
    let engine = engine();
    let digits = Version::digits();
    digits.run(&engine, &digits.zeros()).unwrap();
    let pid = engine.status().idle_workers[0].pid;
    // A stopped process looks alive and accepts the input.
    let stop = Command::new("kill").args(["-STOP", &pid.to_string()]).status().unwrap();
    assert!(stop.success());
    let killer = std::thread::spawn({
        let engine = engine.clone();
        move || {
            // The engine worker is removed from the idle ones before it gets the input.
            while !engine.status().idle_workers.is_empty() {
                std::thread::yield_now();
            }
            kill(pid);
        }
    });
    let ran = digits.run(&engine, &digits.zeros()).unwrap();
    killer.join().unwrap();
    assert!(!ran.cached);
    assert_eq!(engine.status().counters.failures, 0);
}

#[test]
fn dropping_the_last_clone_ends_all_workers() {
    let engine = engine();
    let digits = Version::digits();
    let cancer = Version::bundled("breast-cancer");
    digits.run(&engine, &digits.zeros()).unwrap();
    cancer.run(&engine, &cancer.zeros()).unwrap();
    let pids: Vec<u32> = engine.status().idle_workers.iter().map(|worker| worker.pid).collect();
    assert_eq!(pids.len(), 2);
    let clone = engine.clone();
    drop(engine);
    assert!(pids.iter().all(|pid| exists(*pid)));
    drop(clone);
    assert!(!pids.iter().any(|pid| exists(*pid)));
}

#[test]
fn shutting_down_ends_busy_workers_and_refuses_further_runs() {
    let engine =
        Engine::new(EngineConfig { run_timeout: Duration::from_secs(3600), ..config() }).unwrap();
    let version = endless();
    let running = std::thread::spawn({
        let (engine, version) = (engine.clone(), version.clone());
        move || version.run(&engine, &version.zeros())
    });
    while engine.status().counters.loads == 0 {
        std::thread::yield_now();
    }
    engine.shut_down();
    assert_eq!(running.join().unwrap(), Err(EngineError::Stopped));
    let digits = Version::digits();
    assert_eq!(digits.run(&engine, &digits.zeros()), Err(EngineError::Stopped));
}

/// An engine whose engine worker is a shell script.
fn scripted(script: &str) -> Result<Engine, EngineError> {
    let args = vec!["-c".into(), script.to_owned()];
    Engine::new(EngineConfig {
        worker: WorkerCommand { program: "/bin/sh".into(), args },
        ..config()
    })
}

/// A shell command that prints these bytes.
fn print(bytes: &[u8]) -> String {
    let octal: String = bytes.iter().map(|byte| format!("\\{byte:03o}")).collect();
    format!("printf '{octal}'")
}

fn frame(reply: &WorkerReply) -> Vec<u8> {
    let mut wire = Vec::new();
    write_frame(&mut wire, &reply.encode()).unwrap();
    wire
}

fn ready() -> Vec<u8> {
    frame(&WorkerReply::Ready { protocol: PROTOCOL, version: assay_engine::VERSION.into() })
}

#[test]
fn a_worker_program_that_is_not_there_is_named() {
    let missing = WorkerCommand { program: "/nonexistent/worker".into(), args: vec![] };
    let error = Engine::new(EngineConfig { worker: missing, ..config() }).unwrap_err();
    assert!(
        matches!(&error, EngineError::Spawn { program, .. } if program.contains("nonexistent"))
    );
}

#[test]
fn a_worker_of_another_build_is_refused() {
    let other = WorkerReply::Ready { protocol: PROTOCOL, version: "0.0.0".into() };
    let error = scripted(&format!("{}; cat > /dev/null", print(&frame(&other)))).unwrap_err();
    assert!(matches!(error, EngineError::WorkerMismatch(_)), "{error:?}");
}

#[test]
fn a_program_that_is_not_a_worker_is_refused() {
    let died = scripted("echo no such mode >&2; exit 3").unwrap_err();
    assert!(matches!(&died, EngineError::WorkerDied(text) if text.contains("no such mode")));
    for script in [
        // Claims a frame of four gigabytes.
        "printf '\\377\\377\\377\\377'; cat > /dev/null",
        // A malformed message.
        "printf '\\003\\000\\000\\000abc'; cat > /dev/null",
        // A message other than `Ready`.
        "printf '\\001\\000\\000\\000\\001'; cat > /dev/null",
    ] {
        let error = scripted(script).unwrap_err();
        assert!(matches!(error, EngineError::Protocol(_)), "{script}: {error:?}");
    }
}

#[test]
fn a_worker_that_never_answers_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let pid_file = folder.path().join("pid");
    let script = format!("echo $$ > {}; exec sleep 86400", pid_file.display());
    let args = vec!["-c".into(), script];
    let error = Engine::new(EngineConfig {
        worker: WorkerCommand { program: "/bin/sh".into(), args },
        load_timeout: Duration::from_secs(2),
        ..config()
    })
    .unwrap_err();
    assert!(matches!(error, EngineError::LoadTimeLimit(_)), "{error:?}");
    // Only a machine that does not start a shell within two seconds has no file here.
    if let Ok(pid) = std::fs::read_to_string(pid_file) {
        assert!(!exists(pid.trim().parse().unwrap()));
    }
}

#[test]
fn false_answers_to_a_run_are_refused() {
    let digits = Version::digits();
    let lies: [(&str, Vec<u8>); 5] = [
        ("text as output", frame(&WorkerReply::Output(b"not a payload".to_vec()))),
        (
            "an output that claims more bytes than it has",
            frame(&WorkerReply::Output(vec![0xfe, 0xff, 0xff, 0xff])),
        ),
        ("a second greeting", ready()),
        ("trailing bytes", [&[2u8, 0, 0, 0][..], &[1, 1]].concat()),
        ("a frame that ends early", [&[9u8, 0, 0, 0][..], &[2]].concat()),
    ];
    for (what, lie) in lies {
        let script = format!(
            "{}; {}; {}; exit 0",
            print(&ready()),
            print(&frame(&WorkerReply::Loaded)),
            print(&lie)
        );
        let engine = scripted(&script).unwrap();
        let error = digits.run(&engine, &digits.zeros()).unwrap_err();
        let refused = matches!(error, EngineError::Protocol(_) | EngineError::WorkerDied(_));
        assert!(refused, "{what}: {error:?}");
        assert!(engine.status().idle_workers.is_empty(), "{what}");
    }
}

#[test]
fn an_output_of_another_shape_than_declared_is_refused_from_any_worker() {
    let digits = Version::digits();
    let other = vec![support::tensor(&[1, 2], &[1.0, 2.0])].encode();
    let script = format!(
        "{}; {}; {}; cat > /dev/null",
        print(&ready()),
        print(&frame(&WorkerReply::Loaded)),
        print(&frame(&WorkerReply::Output(other)))
    );
    let engine = scripted(&script).unwrap();
    let error = digits.run(&engine, &digits.zeros()).unwrap_err();
    assert!(matches!(error, EngineError::InvalidOutput(_)), "{error:?}");
}

#[test]
fn what_a_worker_writes_to_stderr_is_bounded() {
    let script = "head -c 3000000 /dev/zero | tr '\\0' e >&2; exit 4";
    let error = scripted(&format!("PATH=/usr/bin:/bin; {script}")).unwrap_err();
    let EngineError::WorkerDied(text) = error else { panic!("{error:?}") };
    assert!(text.len() < 2000, "{}", text.len());
}
