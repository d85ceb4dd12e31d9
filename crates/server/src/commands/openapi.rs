//! `kartoteka openapi`: the contract, for generators and for the repository.

use super::{CommandResult, print};

/// Prints the document as it is served, or the list of its operations.
pub(super) fn run(operations: bool) -> CommandResult {
    if operations {
        print(&kartoteka_api::openapi::operations_text())
    } else {
        print(kartoteka_api::openapi::document_text())
    }
}
