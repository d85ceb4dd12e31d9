//! Bodies that hold a tree to be saved.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use kartoteka_app::segments::saved::Draft;
use kartoteka_domain::faults::Fault;

use crate::extract::Fingerprint;
use crate::extract::json::read_marked_json;
use crate::openapi::schemas;
use crate::problem::Problem;

/// What is said of a segment, and the faults that were found on the way. The trees are not read yet: the
/// domain does that, together with what they refer to, and tells all faults at once.
#[derive(Clone, Debug)]
pub(crate) struct SegmentBody<T> {
    /// The rest of the body; nothing when it has faults.
    pub(crate) rest: Option<T>,
    /// Its name, whatever is wrong with the rest.
    pub(crate) name: Option<String>,
    /// Its trees.
    pub(crate) trees: Draft,
    /// What is wrong with the rest.
    pub(crate) faults: Vec<Fault>,
    /// For `POST`.
    pub(crate) fingerprint: Fingerprint,
}

impl<T: DeserializeOwned + ToSchema + 'static> FromRequest for SegmentBody<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let (mut body, mut faults, fingerprint) =
                read_marked_json(&request, &mut payload).await?;
            let name = body.get("name").and_then(Value::as_str).map(str::to_owned);
            let mut take = |member: &str| {
                let tree = body.as_object_mut()?.shift_remove(member)?;
                Some(Some(tree).filter(|tree| *tree != Value::Null))
            };
            let (filter, selection) = (take("filter"), take("selection"));
            faults.extend(schemas::faults(&T::name(), &body)?);
            let rest = match faults.is_empty() {
                true => Some(serde_json::from_value(body).map_err(|_unfit| super::unfit())?),
                false => None,
            };
            let trees = Draft { filter, selection, ..Draft::default() };
            Ok(Self { rest, name, trees, faults, fingerprint })
        })
    }
}
