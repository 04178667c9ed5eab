//! Prometheus metrics of an operator.

use std::{collections::HashSet, sync::Arc};

use assay_engine::{jobs::Jobs, Engine, EngineError, EngineStatus, RunOutput};
use assay_primitives::{FailureReason, RequestId};
use codec::Decode;
use parking_lot::Mutex;
use substrate_prometheus_endpoint::{
    exponential_buckets, register, Counter, CounterVec, Histogram, HistogramOpts, MetricSource,
    Opts, PrometheusError, Registry, SourcedCounter, SourcedGauge, U64,
};

/// Metrics that the node counts. For those of the engine see [`register_engine`].
#[derive(Clone)]
pub struct Metrics {
    assignments: Assignments,
    failures: CounterVec<U64>,
    run_seconds: Histogram,
    artifacts: Counter<U64>,
    artifact_bytes: Counter<U64>,
    artifact_failures: Counter<U64>,
}

impl Metrics {
    /// Makes the metrics and, if there is a registry, registers them.
    ///
    /// # Errors
    ///
    /// The registry has a metric of one of these names already.
    pub fn new(registry: Option<&Registry>) -> Result<Self, PrometheusError> {
        let seconds = HistogramOpts::new(
            "assay_engine_run_seconds",
            "Time from sending an input to a loaded model to receiving its output",
        )
        .buckets(exponential_buckets(0.001, 2.0, 15)?);
        let metrics = Self {
            assignments: Assignments::new()?,
            failures: CounterVec::new(
                Opts::new("assay_engine_failures_total", "Jobs that failed, by reason"),
                &["reason"],
            )?,
            run_seconds: Histogram::with_opts(seconds)?,
            artifacts: Counter::new(
                "assay_artifacts_fetched_total",
                "Artifacts read from the database for a job",
            )?,
            artifact_bytes: Counter::new(
                "assay_artifact_fetched_bytes_total",
                "Bytes of artifacts read from the database for a job",
            )?,
            artifact_failures: Counter::new(
                "assay_artifact_failures_total",
                "Artifacts that a job needed and that could not be read",
            )?,
        };
        // Each reason is there from the start: to Prometheus, a counter that appears with 1 has not
        // grown.
        let reasons =
            (0..=u8::MAX).map_while(|index| FailureReason::decode(&mut &[index][..]).ok());
        reasons.for_each(|reason| {
            metrics.failures.with_label_values(&[&label(reason)]);
        });
        if let Some(registry) = registry {
            register(metrics.assignments.total.clone(), registry)?;
            register(metrics.failures.clone(), registry)?;
            register(metrics.run_seconds.clone(), registry)?;
            register(metrics.artifacts.clone(), registry)?;
            register(metrics.artifact_bytes.clone(), registry)?;
            register(metrics.artifact_failures.clone(), registry)?;
        }
        Ok(metrics)
    }

    /// Counts a request for which an offchain worker called the engine. Further calls for the same
    /// request do not count.
    pub fn asked_for(&self, request: RequestId) {
        if self.assignments.open.lock().insert(request) {
            self.assignments.total.inc();
        }
    }

    /// Notes that a request has ended.
    pub fn forget(&self, request: RequestId) {
        self.assignments.open.lock().remove(&request);
    }

    /// Counts the result of a job.
    pub fn job_ended(&self, outcome: &Result<RunOutput, EngineError>) {
        match outcome {
            Ok(output) => self.run_seconds.observe(output.latency.as_secs_f64()),
            // The engine counts it as refused. The job is tried again.
            Err(error) if error.is_transient() => {},
            Err(error) => self.failures.with_label_values(&[&label(error.reason())]).inc(),
        }
    }

    /// Counts an artifact that was read, or could not be read.
    pub fn artifact_read<E>(&self, outcome: &Result<Vec<u8>, E>) {
        match outcome {
            Ok(bytes) => {
                self.artifacts.inc();
                self.artifact_bytes.inc_by(bytes.len() as u64);
            },
            Err(_) => self.artifact_failures.inc(),
        }
    }
}

/// Assignments of the operators whose worker keys are in the node's keystore.
#[derive(Clone)]
struct Assignments {
    total: Counter<U64>,
    /// Those that are counted and have not ended.
    open: Arc<Mutex<HashSet<RequestId>>>,
}

impl Assignments {
    fn new() -> Result<Self, PrometheusError> {
        let total = Counter::new(
            "assay_assignments_total",
            "Requests for which operators of this node were drawn and the engine was called",
        )?;
        Ok(Self { total, open: Arc::default() })
    }
}

/// Registers the metrics that the engine counts. They are read at each scrape.
///
/// # Errors
///
/// The registry has a metric of one of these names already.
pub fn register_engine(
    registry: &Registry,
    engine: &Engine,
    jobs: &Jobs,
) -> Result<(), PrometheusError> {
    type Read = fn(&EngineStatus) -> u64;
    let counters: [(&str, &str, Read); 6] = [
        ("runs_total", "Runs that produced an output", |s| s.counters.runs),
        ("proofs_total", "Runs that produced an output and its proof", |s| s.counters.proofs),
        ("refused_total", "Runs refused because the engine was busy", |s| s.counters.refused),
        ("cache_hits_total", "Runs that found their model loaded", |s| s.counters.cache_hits),
        ("loads_total", "Models loaded", |s| s.counters.loads),
        ("evictions_total", "Idle models evicted to free memory or a worker", |s| {
            s.counters.evictions
        }),
    ];
    for (name, help, read) in counters {
        let opts = Opts::new(format!("assay_engine_{name}"), help);
        register(SourcedCounter::new(&opts, FromEngine(engine.clone(), read))?, registry)?;
    }
    let gauges: [(&str, &str, Read); 3] = [
        ("load", "Runs in progress", |s| s.running as u64),
        ("idle_workers", "Idle engine workers", |s| s.idle_workers.len() as u64),
        ("idle_bytes", "Resident memory of idle engine workers", |s| {
            s.idle_workers.iter().map(|worker| worker.resident_bytes).sum()
        }),
    ];
    for (name, help, read) in gauges {
        let opts = Opts::new(format!("assay_engine_{name}"), help);
        register(SourcedGauge::new(&opts, FromEngine(engine.clone(), read))?, registry)?;
    }
    let opts = Opts::new("assay_engine_pending_jobs", "Jobs that are queued or running");
    register(SourcedGauge::new(&opts, Pending(jobs.clone()))?, registry)?;
    Ok(())
}

#[derive(Clone)]
struct FromEngine(Engine, fn(&EngineStatus) -> u64);

impl MetricSource for FromEngine {
    type N = u64;

    fn collect(&self, mut set: impl FnMut(&[&str], u64)) {
        set(&[], (self.1)(&self.0.status()));
    }
}

#[derive(Clone)]
struct Pending(Jobs);

impl MetricSource for Pending {
    type N = u64;

    fn collect(&self, mut set: impl FnMut(&[&str], u64)) {
        set(&[], self.0.pending() as u64);
    }
}

/// The name of the reason in the JSON of the runtime API, for example `time_limit`.
fn label(reason: FailureReason) -> String {
    serde_json::to_value(reason)
        .ok()
        .and_then(|value| value.as_str().map(ToOwned::to_owned))
        .unwrap_or_else(|| "unknown".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn failures_are_counted_by_reason_and_busy_is_none() {
        let registry = Registry::new();
        let metrics = Metrics::new(Some(&registry)).unwrap();
        metrics.job_ended(&Err(EngineError::RunTimeLimit(Duration::from_secs(1))));
        metrics.job_ended(&Err(EngineError::Busy { limit: 1 }));
        metrics.artifact_read::<()>(&Ok(vec![0; 7]));
        metrics.artifact_read(&Err(()));
        let count = |reason| metrics.failures.with_label_values(&[reason]).get();
        assert_eq!((count("time_limit"), count("engine_error")), (1, 0));
        assert_eq!(metrics.artifacts.get(), 1);
        assert_eq!(metrics.artifact_bytes.get(), 7);
        assert_eq!(metrics.artifact_failures.get(), 1);
    }

    #[test]
    fn each_reason_is_there_before_a_job_failed() {
        let registry = Registry::new();
        Metrics::new(Some(&registry)).unwrap();
        let families = registry.gather();
        let name = "assay_engine_failures_total";
        let family = families.iter().find(|family| family.get_name() == name).unwrap();
        assert_eq!(family.get_metric().len(), 9);
    }

    #[test]
    fn an_assignment_is_counted_once_until_it_ends() {
        let metrics = Metrics::new(None).unwrap();
        for request in [1, 2, 1, 2, 2] {
            metrics.asked_for(RequestId(request));
        }
        assert_eq!(metrics.assignments.total.get(), 2);
        metrics.forget(RequestId(1));
        metrics.forget(RequestId(7));
        metrics.asked_for(RequestId(1));
        assert_eq!(metrics.assignments.total.get(), 3);
        assert_eq!(metrics.assignments.open.lock().len(), 2);
    }

    #[test]
    fn metrics_are_registered_once() {
        let registry = Registry::new();
        assert!(Metrics::new(Some(&registry)).is_ok());
        assert!(Metrics::new(Some(&registry)).is_err());
    }
}
