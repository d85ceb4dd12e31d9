//! The door to the database: so many requests at once, the others wait; and when waiting does no good,
//! they hear so at once.
//!
//! A queue that is always full helps nobody: every request waits the whole time, and most of them in vain.
//! So a queue that has stood for a while lets in only what will have its turn soon ([`Gate::is_full`]);
//! the rest is refused before its token or body is looked at. A short burst finds no standing queue and waits
//! patiently. (The idea of `CoDel`, RFC 8289: judge a queue by how long it stands, not by its length.)

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A queue stands when it has not been empty for this part of the patience.
const STANDS_AFTER: u32 = 4;
/// Into a standing queue goes what will wait for less than this part of the patience.
const SOON: u32 = 16;
/// Weight of one request in the mean time that turns are held.
const WEIGHT: u64 = 64;

/// The door.
pub(crate) struct Gate {
    turns: Arc<Semaphore>,
    most: u64,
    /// How long a request waits for its turn.
    patience: Duration,
    queue: Mutex<Queue>,
    /// Mean time a turn is held lately, in microseconds.
    held: AtomicU64,
    /// Requests refused since the log was told.
    refused: AtomicU64,
    told: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Queue {
    waiting: u64,
    /// Since when somebody has always been waiting.
    since: Option<Instant>,
}

/// A turn at the database; ends when it is dropped.
pub(crate) struct Turn {
    gate: Arc<Gate>,
    began: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let sample = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        // two that end at once may lose one sample; it is a mean
        let mean = self.gate.held.load(Ordering::Relaxed);
        let mean = mean - mean / WEIGHT + sample / WEIGHT;
        self.gate.held.store(mean, Ordering::Relaxed);
    }
}

/// A place in the queue; left when it is dropped, also by a client that hangs up.
struct Place<'a>(&'a Gate);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        queue.waiting = queue.waiting.saturating_sub(1);
        if queue.waiting == 0 {
            queue.since = None;
        }
    }
}

impl Gate {
    /// `most` turns at once; a request waits `patience` for one.
    pub(crate) fn new(most: usize, patience: Duration) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(most)),
            most: most.max(1) as u64,
            patience,
            queue: Mutex::default(),
            held: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            told: Mutex::default(),
        }
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a request that comes now had better not wait.
    pub(crate) fn is_full(&self) -> bool {
        let queue = self.queue();
        self.stands(&queue) && {
            let ahead = queue.waiting.saturating_mul(self.held.load(Ordering::Relaxed));
            Duration::from_micros(ahead / self.most) > self.patience / SOON
        }
    }

    fn stands(&self, queue: &Queue) -> bool {
        queue.since.is_some_and(|since| since.elapsed() > self.patience / STANDS_AFTER)
    }

    /// Waits for a turn; `None` when patience runs out, which it does sooner in a queue that stands.
    pub(crate) async fn turn(self: &Arc<Self>) -> Option<Turn> {
        let turns = Arc::clone(&self.turns);
        let permit = match Arc::clone(&turns).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_none_free) => {
                let (place, patience) = self.line_up();
                let permit = tokio::time::timeout(patience, turns.acquire_owned()).await;
                drop(place);
                permit.ok()?.ok()?
            }
        };
        Some(Turn { gate: Arc::clone(self), began: Instant::now(), _permit: permit })
    }

    fn line_up(&self) -> (Place<'_>, Duration) {
        let mut queue = self.queue();
        queue.waiting += 1;
        queue.since.get_or_insert_with(Instant::now);
        let stands = self.stands(&queue);
        drop(queue);
        let patience = if stands { self.patience / STANDS_AFTER } else { self.patience };
        (Place(self), patience)
    }

    /// Counts a refusal. The log gets a line a second: one for each would be more work than the requests.
    pub(crate) fn refuse(&self) {
        metrics::counter!("http_database_busy_total").increment(1);
        self.refused.fetch_add(1, Ordering::Relaxed);
        let Ok(mut told) = self.told.try_lock() else { return };
        if told.is_some_and(|told| told.elapsed() < Duration::from_secs(1)) {
            return;
        }
        *told = Some(Instant::now());
        let refused = self.refused.swap(0, Ordering::Relaxed);
        tracing::warn!(refused, "refused requests: more came than the database can take");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(most: usize, patience: Duration) -> Arc<Gate> {
        Arc::new(Gate::new(most, patience))
    }

    /// Waits until so many wait.
    async fn until_waiting(gate: &Gate, waiting: u64) {
        while gate.queue().waiting != waiting {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_burst_waits_and_each_gets_its_turn() {
        let gate = gate(2, Duration::from_secs(60));
        let takers = (0..100).map(|_| {
            let gate = Arc::clone(&gate);
            tokio::spawn(async move {
                let turn = gate.turn().await;
                tokio::task::yield_now().await;
                turn.is_some()
            })
        });
        for taker in takers.collect::<Vec<_>>() {
            assert!(taker.await.unwrap());
        }
        assert!(!gate.is_full());
        assert!(gate.queue().since.is_none(), "the queue is empty");
    }

    #[tokio::test]
    async fn a_queue_that_stands_is_full_and_gives_way_as_soon_as_it_is_gone() {
        let gate = gate(1, Duration::from_millis(400));
        // each turn is held for long: one in the queue is one too many
        gate.held.store(1_000_000, Ordering::Relaxed);
        let turn = gate.turn().await.unwrap();
        assert!(!gate.is_full(), "nobody waits");
        let waiter = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.turn().await.is_some() }
        });
        until_waiting(&gate, 1).await;
        gate.queue().since = Some(Instant::now() - Duration::from_millis(101));
        assert!(gate.is_full());
        // who comes now waits for a hundred milliseconds, not for four hundred
        assert_eq!(gate.line_up().1, Duration::from_millis(100));
        drop(turn);
        assert!(waiter.await.unwrap());
        assert!(!gate.is_full());
        assert_eq!(gate.line_up().1, Duration::from_millis(400));
    }

    #[tokio::test]
    async fn a_standing_queue_that_moves_fast_is_not_full() {
        let gate = gate(1, Duration::from_millis(400));
        gate.held.store(1_000, Ordering::Relaxed);
        let _turn = gate.turn().await.unwrap();
        let (_place, _) = gate.line_up();
        gate.queue().since = Some(Instant::now() - Duration::from_secs(5));
        assert!(!gate.is_full(), "one ahead, a millisecond each");
        gate.queue().waiting = 26;
        assert!(gate.is_full(), "26 ms are more than a sixteenth of the patience");
        gate.queue().waiting = 1;
    }

    #[tokio::test]
    async fn patience_runs_out() {
        let gate = gate(1, Duration::from_millis(10));
        let _turn = gate.turn().await.unwrap();
        assert!(gate.turn().await.is_none());
        assert_eq!(gate.queue().waiting, 0);
    }

    #[tokio::test]
    async fn who_hangs_up_leaves_the_queue() {
        let gate = gate(1, Duration::from_secs(60));
        let _turn = gate.turn().await.unwrap();
        let waiter = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.turn().await.is_some() }
        });
        until_waiting(&gate, 1).await;
        waiter.abort();
        assert!(waiter.await.unwrap_err().is_cancelled());
        assert_eq!(gate.queue().waiting, 0);
    }
}
