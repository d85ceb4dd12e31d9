//! Path parameters: an id that is none does not exist.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// As [`actix_web::web::Path`], but what cannot be read is `404`: the path leads nowhere.
#[derive(Clone, Debug)]
pub struct Path<T>(pub T);

impl<T> Path<T> {
    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Path<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Path<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        // PostgreSQL has no room for U+0000 in text, so nothing there has such a name
        if request
            .match_info()
            .iter()
            .any(|(_, value)| value.contains('\0') || value.contains("%00"))
        {
            return ready(Err(Problem::not_found()));
        }
        let read = actix_web::web::Path::<T>::from_request(request, payload).into_inner();
        ready(match read {
            Ok(value) => Ok(Self(value.into_inner())),
            Err(_unreadable) => Err(Problem::not_found()),
        })
    }
}
