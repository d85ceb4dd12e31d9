//! The recorder of counters and durations, one per process.

use std::sync::{Arc, OnceLock};

use kartoteka_api::RenderMetrics;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the buckets of durations, in seconds: from a point read to an upload.
const BUCKETS_SECONDS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Starts recording and gives the function that writes the metrics in Prometheus' text form. A
/// second call in one process gives the same recorder.
///
/// # Errors
/// When another recorder was installed before.
pub fn start() -> Result<RenderMetrics, BuildError> {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    let handle = match RECORDER.get() {
        Some(handle) => handle.clone(),
        None => {
            let builder = PrometheusBuilder::new();
            let builder = builder
                .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &BUCKETS_SECONDS)?;
            let handle = builder.install_recorder()?;
            RECORDER.get_or_init(|| handle).clone()
        }
    };
    Ok(Arc::new(move || {
        handle.run_upkeep();
        handle.render()
    }))
}
