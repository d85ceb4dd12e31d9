//! Bytes on their way in: a plain body or one field of a form, received piece by piece.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;

use actix_multipart::Multipart;
use actix_web::error::PayloadError;
use actix_web::http::header::HeaderMap;
use actix_web::web::Bytes;
use futures_util::StreamExt;
use futures_util::stream::unfold;
use uuid::Uuid;

use kartoteka_app::imports::receive::{self, Receiver};
use kartoteka_domain::codes::Code;

use crate::extract::{Caller, Chunks};
use crate::problem::Problem;
use crate::state::State;

/// Where the pieces of an upload go.
pub(super) struct Upload {
    pub(super) state: State,
    pub(super) caller: Caller,
    pub(super) import: Uuid,
    pub(super) receiver: Receiver,
}

impl Upload {
    /// Begins an upload into the import.
    pub(super) fn new(state: &State, caller: &Caller, import: Uuid) -> Self {
        let upload = state.context(caller).new_id();
        let receiver = Receiver::new(upload, None, state.settings().upload_limit);
        Self { state: state.clone(), caller: caller.clone(), import, receiver }
    }

    /// Takes some bytes; a full piece is stored.
    pub(super) async fn take(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        match self.receiver.take(bytes)? {
            Some(piece) => self.keep(piece).await,
            None => Ok(()),
        }
    }

    /// Stores what is left.
    pub(super) async fn end(&mut self) -> Result<(), Problem> {
        match self.receiver.last() {
            Some(piece) => self.keep(piece).await,
            None => Ok(()),
        }
    }

    async fn keep(&self, piece: (i32, Vec<u8>)) -> Result<(), Problem> {
        let (import, upload) = (self.import, self.receiver.upload);
        self.state
            .write(&self.caller, move |tenant, _ctx| {
                Ok(receive::keep(tenant, import.into(), upload, piece)?)
            })
            .await
    }

    /// Drops what was stored of an upload that is refused or broke off.
    pub(super) async fn discard(&self) {
        discard(&self.state, &self.caller, self.import, self.receiver.upload).await;
    }
}

/// Drops what was stored of an upload.
pub(super) async fn discard(state: &State, caller: &Caller, import: Uuid, upload: Uuid) {
    let dropped = state
        .write(caller, move |tenant, _ctx| Ok(receive::discard(tenant, import.into(), upload)?))
        .await;
    if dropped.is_err() {
        tracing::debug!("pieces of a refused upload stay until the next one");
    }
}

/// The parts of a multipart form, read from the checked chunks of the body.
pub(super) struct Form {
    parts: Multipart,
    refusal: Rc<RefCell<Option<Problem>>>,
}

impl Form {
    pub(super) fn new(headers: &HeaderMap, chunks: Chunks) -> Self {
        let refusal = Rc::new(RefCell::new(None));
        let kept = Rc::clone(&refusal);
        // the limits of `Chunks` speak problems, multipart speaks payload errors: the problem waits here
        let bytes = unfold(Some((chunks, kept)), |state| async move {
            let (mut chunks, kept) = state?;
            match chunks.next().await {
                Ok(None) => None,
                Ok(Some(bytes)) => Some((Ok(bytes), Some((chunks, kept)))),
                Err(problem) => {
                    *kept.borrow_mut() = Some(problem);
                    Some((Err(PayloadError::Incomplete(None)), None))
                }
            }
        });
        let bytes: Pin<Box<dyn futures_util::Stream<Item = Result<Bytes, PayloadError>>>> =
            Box::pin(bytes.fuse());
        Self { parts: Multipart::new(headers, bytes), refusal }
    }

    /// The next field.
    pub(super) async fn next(&mut self) -> Result<Option<actix_multipart::Field>, Problem> {
        match self.parts.next().await {
            None => Ok(None),
            Some(Ok(field)) => Ok(Some(field)),
            Some(Err(error)) => Err(self.problem(&error)),
        }
    }

    /// What is wrong with the form.
    pub(super) fn problem(&self, error: &actix_multipart::MultipartError) -> Problem {
        if let Some(problem) = self.refusal.borrow_mut().take() {
            return problem;
        }
        tracing::debug!(%error, "a form cannot be read");
        Problem::new(Code::BadRequest, "The multipart form cannot be read.")
    }
}

/// Whether the body says it is a form.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    essence(headers).is_some_and(|kind| kind == "multipart/form-data")
}

/// Media type of the body without its parameters, in lower case.
pub(super) fn essence(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(actix_web::http::header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Name of an uploaded file, without folders and oddities.
pub(super) fn filename(field: &actix_multipart::Field) -> Option<String> {
    let name = field.content_disposition()?.get_filename()?;
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let name: String = name.chars().filter(|c| !c.is_control()).take(200).collect();
    (!name.is_empty()).then_some(name)
}
