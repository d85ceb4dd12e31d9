//! Long answers that are made while they are sent.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use kartoteka_app::{Db, Error};
use kartoteka_domain::codes::Code;

use crate::extract::Caller;
use crate::extract::body::patience;
use crate::problem::Problem;
use crate::state::State;

/// `Content-Disposition` of a file to be saved under this name (RFC 6266): for those who read no more than ASCII with `_` in
/// the place of other letters, for all others as it is (RFC 8187).
pub(crate) fn attachment(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| match c {
            // a % is taken for an escape by some (RFC 6266, appendix D)
            '"' | '\\' | '%' => '_',
            c if c.is_ascii_graphic() || c == ' ' => c,
            _ => '_',
        })
        .collect();
    if plain == name {
        return format!("attachment; filename=\"{plain}\"");
    }
    let full = utf8_percent_encode(name, NOT_ATTR_CHAR);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{full}")
}

/// All but `attr-char` (RFC 8187, 3.2.1).
const NOT_ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// What is sent: one block after the other, each made when the client has room for it.
pub(crate) trait Blocks: Send + 'static {
    /// The next bytes, maybe none yet; `None` at the end.
    fn next_block(&mut self, db: &Db) -> Result<Option<Vec<u8>>, Error>;
}

/// An answer on its way. Each block takes its turn at the database when the client has room for it: a client that
/// reads slowly, or not at all, keeps neither a turn nor a thread.
struct Download<B> {
    state: State,
    caller: Caller,
    blocks: Arc<Mutex<B>>,
    sent: u64,
    /// When the last block was handed over, and how long the client let us wait in all.
    handed: Instant,
    waited: Duration,
}

impl<B: Blocks> Download<B> {
    /// The next bytes; `None` at the end.
    async fn block(&mut self) -> Result<Option<Bytes>, Problem> {
        let began = Instant::now();
        let most = self.state.settings().body_timeout;
        loop {
            let blocks = Arc::clone(&self.blocks);
            let read = self.state.run(&self.caller, move |db, _ctx| {
                let mut blocks = blocks.lock().unwrap_or_else(PoisonError::into_inner);
                // a block that was begun and failed is lost; only one that got no turn may be asked for again
                Ok(blocks.next_block(db).map_err(Problem::from))
            });
            match read.await {
                Ok(Ok(Some(bytes))) if bytes.is_empty() => {}
                Ok(block) => return Ok(block?.map(Bytes::from)),
                // others are first: half an answer is worth waiting for
                Err(problem) if problem.code() == Code::DatabaseBusy && began.elapsed() < most => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(problem) => return Err(problem),
            }
        }
    }

    async fn next(mut self) -> Option<(io::Result<Bytes>, Option<Self>)> {
        self.waited += self.handed.elapsed();
        if self.waited > patience(self.state.settings().body_timeout, self.sent) {
            tracing::info!("a client reads a long answer too slowly");
            return Some((Err(io::ErrorKind::TimedOut.into()), None));
        }
        match self.block().await {
            Ok(None) => None,
            Ok(Some(bytes)) => {
                self.sent += bytes.len() as u64;
                self.handed = Instant::now();
                Some((Ok(bytes), Some(self)))
            }
            Err(problem) => {
                tracing::warn!(code = %problem.code(), "a long answer broke off");
                Some((Err(io::ErrorKind::Other.into()), None))
            }
        }
    }
}

/// The blocks as the body of an answer.
pub(crate) fn stream<B: Blocks>(
    state: State,
    caller: Caller,
    blocks: B,
) -> impl Stream<Item = io::Result<Bytes>> {
    let download = Download {
        state,
        caller,
        blocks: Arc::new(Mutex::new(blocks)),
        sent: 0,
        handed: Instant::now(),
        waited: Duration::ZERO,
    };
    unfold(Some(download), |download| async move { download?.next().await })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MGR-M: RFC 6266, RFC 8187.
    #[test]
    fn a_name_with_diacritics_comes_whole_and_as_ascii() {
        assert_eq!(attachment("a b.csv"), "attachment; filename=\"a b.csv\"");
        assert_eq!(
            attachment("Žluťoučký kůň.csv"),
            "attachment; filename=\"_lu_ou_k_ k__.csv\"; filename*=UTF-8''%C5%BDlu%C5%A5ou%C4%8Dk%C3%BD%20k%C5%AF%C5%88.csv"
        );
        assert_eq!(
            attachment("100 % \"x\"; a=b'c.csv"),
            "attachment; filename=\"100 _ _x_; a=b'c.csv\"; filename*=UTF-8''100%20%25%20%22x%22%3B%20a%3Db%27c.csv"
        );
        // no line of a header ends in it, whatever the name
        let odd: String = (0..0x300).filter_map(char::from_u32).collect();
        assert!(attachment(&odd).bytes().all(|byte| (b' '..0x7f).contains(&byte)));
    }
}
