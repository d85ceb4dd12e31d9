//! Saved segments; and selections in bodies: published whole in the document, read so that every fault
//! points at its node.

mod body;
pub mod count;
pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod patch;
mod view;

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{ObjectBuilder, RefOr};
use utoipa::{PartialSchema, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use kartoteka_app::{Tenant, segments};
use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::segments::{Selection, schema};

use crate::extract::json::read_json;
use crate::openapi::schemas;
use crate::problem::Problem;

/// The member of a body that holds the selection.
const MEMBER: &str = "selection";
/// Where it stands.
const POINTER: &str = "#/selection";

/// Stands for a selection in the schema of a body: `#[schema(value_type = Option<SelectionSchema>)]`. The
/// schema itself is made by the domain, of the table that reads it; see [`publish`].
#[derive(Clone, Copy, Debug)]
pub struct SelectionSchema;

impl PartialSchema for SelectionSchema {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().into()
    }
}

impl ToSchema for SelectionSchema {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Selection")
    }
}

/// Stands for a filter in the schema of a body, as [`SelectionSchema`] does for a selection.
#[derive(Clone, Copy, Debug)]
pub struct FilterSchema;

impl PartialSchema for FilterSchema {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().into()
    }
}

impl ToSchema for FilterSchema {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Filter")
    }
}

/// The operations on segments.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_segments)
        .service(create::create_segment)
        .service(get::get_segment)
        .service(patch::patch_segment)
        .service(delete::delete_segment)
        .service(count::count_segment);
}

/// Puts the schemas of selections, filters and conditions among the document's own.
pub(crate) fn publish(schemas: &mut Map<String, Value>) {
    if !schemas.contains_key("Selection") {
        return;
    }
    let (filter, condition) = ("#/components/schemas/Filter", "#/components/schemas/Condition");
    schemas.insert("Selection".into(), schema::selection(filter));
    schemas.insert("Filter".into(), schema::filter(filter, condition));
    schemas.insert("Condition".into(), schema::condition());
}

/// A body of type `T` with a `selection` in it. The rest is checked against the published schema; the
/// selection is read by the domain, which knows its nodes, and against the workspace it is asked in.
/// So a fault is told only by [`WithSelection::resolve`], together with all the others.
#[derive(Clone, Debug)]
pub struct WithSelection<T> {
    rest: Result<T, Vec<Fault>>,
    selection: Value,
}

impl<T> WithSelection<T> {
    /// The rest of the body, and the selection. `check` tells faults of the rest that no schema tells.
    ///
    /// # Errors
    /// `validation_failed` with all faults.
    pub fn resolve(
        self,
        tenant: &mut Tenant<'_>,
        check: impl FnOnce(&T) -> Vec<Fault>,
    ) -> Result<(T, Selection), Problem> {
        match self.rest {
            Ok(rest) => {
                let faults = check(&rest);
                let selection = segments::selection(tenant, &self.selection, POINTER, faults)?;
                Ok((rest, selection))
            }
            Err(faults) => {
                segments::selection(tenant, &self.selection, POINTER, faults.clone())?;
                Err(Problem::invalid(faults))
            }
        }
    }
}

/// The schema let it pass: a rule of the type that the schema cannot say.
fn unfit() -> Problem {
    Problem::fault("#", Code::InvalidValue, "A value is not one its field knows.")
}

impl<T: DeserializeOwned + ToSchema + 'static> FromRequest for WithSelection<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let (mut body, mut faults) = read_json(&request, &mut payload).await?;
            let selection = body.as_object_mut().and_then(|body| body.shift_remove(MEMBER));
            faults.extend(schemas::faults(&T::name(), &body)?);
            let rest = if faults.is_empty() {
                Ok(serde_json::from_value(body).map_err(|_unfit| unfit())?)
            } else {
                Err(faults)
            };
            Ok(Self { rest, selection: selection.unwrap_or_default() })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// No selection is all contacts: the published schema says so too.
    #[test]
    fn bodies_without_a_selection_fit_the_published_schema() {
        for name in ["QueryContacts", "CountContacts"] {
            for body in [json!({}), json!({"selection": null}), json!({"selection": {}})] {
                assert_eq!(schemas::faults(name, &body).unwrap(), [], "{name} {body}");
            }
        }
    }

    /// SEG-3: the published schema takes the published examples, and refuses what no reader takes.
    #[test]
    fn examples_fit_the_published_schema() {
        let document = crate::openapi::document();
        for example in schema::examples() {
            assert_eq!(schemas::faults("Filter", &example).unwrap(), [], "{example}");
        }
        for name in ["Filter", "Condition", "Selection"] {
            let examples = document.pointer(&format!("/components/schemas/{name}/examples"));
            for example in examples.and_then(Value::as_array).unwrap() {
                assert_eq!(schemas::faults(name, example).unwrap(), [], "{example}");
            }
        }
        for wrong in [
            json!({}),
            json!({"and": []}),
            json!({"field": "address.city"}),
            json!({"field": "shoe_size", "op": "eq", "value": "43"}),
            json!({"field": "email", "op": "between", "value": ["a@x.cz", "b@x.cz"]}),
            json!({"field": "score", "op": "eq", "value": "5"}),
            json!({"field": "tag", "op": "has", "value": "vip", "weight": 5}),
        ] {
            assert!(!schemas::faults("Filter", &wrong).unwrap().is_empty(), "{wrong}");
        }
    }

    /// SEG-1: the example of the operation is a selection.
    #[test]
    fn the_document_shows_a_selection() {
        let example = crate::openapi::document().pointer(
            "/paths/~1api~1v1~1contacts~1count/post/requestBody/content/application~1json/example/selection/where",
        );
        assert!(example.is_some());
    }
}
