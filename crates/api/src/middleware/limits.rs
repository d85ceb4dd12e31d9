//! How many requests one caller may send (GCRA), and the headers that say how many are left
//! (draft-ietf-httpapi-ratelimit-headers).

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use actix_web::http::header::{self, HeaderName, HeaderValue};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use kartoteka_domain::codes::Code;

use crate::problem::Problem;
use crate::settings::Settings;

/// After so many checks the callers that have not been seen for a while are forgotten.
const SWEEP_EVERY: u32 = 4096;

type Keyed =
    RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock, StateInformationMiddleware>;

/// The limit of the installation.
pub struct Limits {
    limiter: Option<(Keyed, u32)>,
    checks: AtomicU32,
}

impl Limits {
    pub(crate) fn new(settings: &Settings) -> Self {
        let limiter = NonZeroU32::new(settings.requests_per_minute).map(|most| {
            let limiter = RateLimiter::keyed(Quota::per_minute(most));
            (limiter.with_middleware::<StateInformationMiddleware>(), most.get())
        });
        Self { limiter, checks: AtomicU32::new(0) }
    }

    /// Counts one request; the headers for its answer.
    pub(crate) fn check(&self, key: &str) -> Result<Vec<(HeaderName, HeaderValue)>, Problem> {
        let Some((limiter, most)) = &self.limiter else { return Ok(Vec::new()) };
        if self.checks.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEEP_EVERY) {
            limiter.retain_recent();
        }
        match limiter.check_key(&key.to_owned()) {
            Ok(state) => Ok(headers(*most, state.remaining_burst_capacity(), 0)),
            Err(refused) => {
                let wait = refused.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
                let mut problem = Problem::new(
                    Code::RateLimited,
                    format!("Wait {wait} s; {most} requests a minute are allowed."),
                )
                .with_header(header::RETRY_AFTER, &wait.to_string());
                for (name, value) in headers(*most, 0, wait) {
                    problem = problem.with_header(name, value.to_str().unwrap_or_default());
                }
                Err(problem)
            }
        }
    }
}

fn headers(most: u32, left: u32, wait: u64) -> Vec<(HeaderName, HeaderValue)> {
    // tokens come back one by one: all of them after as many shares of a minute as are missing
    let full = u64::from(most.saturating_sub(left)) * 60 / u64::from(most.max(1));
    let reset = wait.max(full);
    let pairs = [
        ("ratelimit-policy", format!("\"default\";q={most};w=60")),
        ("ratelimit", format!("\"default\";r={left};t={reset}")),
    ];
    let make = |(name, value): (&'static str, String)| {
        Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?))
    };
    pairs.into_iter().filter_map(make).collect()
}
