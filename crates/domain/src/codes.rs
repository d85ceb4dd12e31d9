//! Every code an answer can carry, in one place: problems of requests, of jobs, and of imported rows.
//!
//! A code is part of the API: it may be added, never renamed. The HTTP status of those that can be
//! problems of a request stands in the API crate (`problem/codes.rs`).

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$group:meta])* $name:ident = $wire:literal, $title:literal;)+) => {
        /// What went wrong, for programs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Code {
            $(
                $(#[$group])*
                #[doc = $title]
                #[serde(rename = $wire)]
                $name,
            )+
        }

        impl Code {
            /// All codes, in the order of this file.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $wire),+ }
            }

            /// A sentence that says the same for every occurrence (`title` of RFC 9457).
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title),+ }
            }

            /// The code with this word.
            #[must_use]
            pub fn from_wire(word: &str) -> Option<Self> {
                match word { $($wire => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

codes! {
    // the request as such
    BadRequest = "bad_request", "The request cannot be understood.";
    InvalidJson = "invalid_json", "The body is not JSON.";
    ValidationFailed = "validation_failed", "The input has faults.";
    Unauthorized = "unauthorized", "A valid access token is needed.";
    Forbidden = "forbidden", "The token does not allow this.";
    NotFound = "not_found", "There is no such thing here.";
    MethodNotAllowed = "method_not_allowed", "This path does not know that method.";
    NotAcceptable = "not_acceptable", "The answer cannot be given in the form asked for.";
    Conflict = "conflict", "This contradicts what is there.";
    PreconditionFailed = "precondition_failed", "It was changed by somebody else in the meantime.";
    PayloadTooLarge = "payload_too_large", "The body is over the limit.";
    UnsupportedMediaType = "unsupported_media_type", "The content type is not one this operation reads.";
    RateLimited = "rate_limited", "Too many requests.";
    RequestTimeout = "request_timeout", "The request did not arrive in time.";
    Internal = "internal_error", "Something went wrong on our side.";
    DatabaseBusy = "database_busy", "The database cannot take this right now.";
    IdempotencyKeyReused = "idempotency_key_reused", "The idempotency key was used for another request.";
    IdempotencyInProgress = "idempotency_in_progress", "The first request with this idempotency key is still running.";
    StorageFull = "storage_full", "There is no room left to store this.";
    StorageReadOnly = "storage_read_only", "The database can be read but not written right now.";

    // single fields
    UnknownField = "unknown_field", "There is no such field.";
    ReadOnlyField = "read_only_field", "This field cannot be written.";
    MissingField = "missing_field", "This field is needed.";
    InvalidType = "invalid_type", "The value has the wrong type.";
    InvalidValue = "invalid_value", "The value is not one this field knows.";
    TooLong = "too_long", "The value is too long.";
    TooShort = "too_short", "The value is too short.";
    TooMany = "too_many", "There are too many of them.";
    OutOfRange = "out_of_range", "The number is out of range.";
    NulCharacter = "nul_character", "Text may not hold the character U+0000.";
    InvalidEmail = "invalid_email", "This is not an e-mail address.";
    InvalidPhone = "invalid_phone", "This is not a phone number.";
    InvalidDate = "invalid_date", "This is not a date.";
    InvalidNumber = "invalid_number", "This is not a number.";
    InvalidBoolean = "invalid_boolean", "This is neither yes nor no.";
    InvalidCountry = "invalid_country", "This is not a country.";
    InvalidLanguage = "invalid_language", "This is not a language.";
    InvalidTimeZone = "invalid_time_zone", "This is not a time zone.";
    InvalidGender = "invalid_gender", "This is not a gender this field knows.";
    InvalidState = "invalid_state", "This is not a state of the business relation.";
    InvalidTag = "invalid_tag", "This cannot be a tag.";
    InvalidCursor = "invalid_cursor", "The cursor is not one of this list.";
    InvalidSort = "invalid_sort", "The list cannot be sorted like that.";
    InvalidFilter = "invalid_filter", "This is not a filter.";
    FilterTooLarge = "filter_too_large", "The filter has too many nodes or is too deep.";
    UnknownPurpose = "unknown_purpose", "There is no such purpose.";
    UnknownReference = "unknown_reference", "What this refers to does not exist.";
    EmptySelection = "empty_selection", "Nothing is selected.";
    NothingToChange = "nothing_to_change", "Nothing is to be changed.";

    // contacts, tags, consents
    NothingIdentifies = "nothing_identifies", "A contact needs a name, e-mail, phone, company name or external id.";
    ContactLimitReached = "contact_limit_reached", "The workspace holds as many contacts as it may.";
    AmbiguousKey = "ambiguous_key", "Several contacts have this key.";
    NotInTrash = "not_in_trash", "The contact is not in the trash.";
    TagInUse = "tag_in_use", "The tag is in use.";
    TagExists = "tag_exists", "There is a tag with this name.";
    PurposeInUse = "purpose_in_use", "The purpose is in use.";
    PurposeExists = "purpose_exists", "There is a purpose with this name.";
    GroupInUse = "group_in_use", "The group is in use.";
    GroupExists = "group_exists", "There is a group with this name.";
    ContactTypeInUse = "contact_type_in_use", "The contact type is in use.";
    FunnelInUse = "funnel_in_use", "The funnel is in use.";
    FunnelExists = "funnel_exists", "There is a funnel with this name.";
    StageInUse = "stage_in_use", "The stage is in use.";
    StageExists = "stage_exists", "The funnel has a stage with this name.";
    CouponRedeemed = "coupon_redeemed", "The coupon was redeemed before.";
    CouponExpired = "coupon_expired", "The coupon is not good any more.";
    FieldInUse = "field_in_use", "The field is in use.";
    FieldExists = "field_exists", "There is a field with this name.";
    FieldValuesDoNotFit = "field_values_do_not_fit", "Values that are there do not fit.";
    ContactTypeExists = "contact_type_exists", "There is a contact type with this name.";
    NotPermitted = "not_permitted", "The owner's level does not allow this.";
    LastOwner = "last_owner", "The last owner cannot be removed.";
    OptInNotHere = "opt_in_not_here", "This consent cannot be given here.";
    JobNotUndoable = "job_not_undoable", "The job cannot be undone.";
    NeverMerge = "never_merge", "Somebody said that these contacts are not one.";
    ContactMerged = "contact_merged", "The contact was merged into another one.";
    MergeNotUndoable = "merge_not_undoable", "The merge cannot be undone.";
    InUse = "in_use", "It is in use.";
    SegmentInUse = "segment_in_use", "The segment is in use.";
    SegmentExists = "segment_exists", "There is a segment with this name.";
    SegmentCycle = "segment_cycle", "A segment cannot be part of itself.";
    RuleExists = "rule_exists", "There is a rule with this name.";
    RuleDisabled = "rule_disabled", "The rule is switched off.";
    ScenarioExists = "scenario_exists", "There is a scenario with this name.";
    ScenarioDisabled = "scenario_disabled", "The scenario is switched off.";
    InvalidGraph = "invalid_graph", "The steps do not make a way that could be gone.";
    AlreadyRunning = "already_running", "The contact is on its way through it already.";
    SelectionTooSlow = "selection_too_slow", "It takes too long to find the contacts of this selection.";
    TooManyContacts = "too_many_contacts", "The action is for fewer contacts.";

    MailNotConfigured = "mail_not_configured", "No mail server is configured.";
    MayNotBeSent = "may_not_be_sent", "No message may go to this contact.";

    // access
    UserExists = "user_exists", "There is a user with this e-mail.";
    LastAdministrator = "last_administrator", "The last administrator cannot be removed.";
    WeakPassword = "weak_password", "The password is too easy to guess.";
    UnknownScope = "unknown_scope", "There is no such scope.";
    InvalidGrant = "invalid_grant", "The credentials do not fit.";
    InvalidClient = "invalid_client", "The integration's id and secret do not fit.";
    UnsupportedGrantType = "unsupported_grant_type", "This grant is not one we give.";
    UnsupportedTokenType = "unsupported_token_type", "Tokens of this kind cannot be revoked.";

    // webhooks
    WebhookDisabled = "webhook_disabled", "The webhook is switched off.";

    // imports
    StepOutOfOrder = "step_out_of_order", "Another step is next.";
    ImportEmpty = "import_empty", "There is no data in it.";
    ImportNotText = "import_not_text", "This is not a text file of rows and columns.";
    ImportTooLarge = "import_too_large", "The file is over the limit.";
    ImportTooManyColumns = "import_too_many_columns", "The file has too many columns.";
    ImportTooManyRows = "import_too_many_rows", "The file has too many rows.";
    UnknownEncoding = "unknown_encoding", "This encoding is not one we read.";
    UnknownDelimiter = "unknown_delimiter", "This delimiter is not one we read.";
    UnknownTarget = "unknown_target", "There is no such target for a column.";
    DuplicateTarget = "duplicate_target", "Two columns have one target.";
    UnknownColumn = "unknown_column", "The file has no such column.";
    NothingMapped = "nothing_mapped", "No column is mapped.";
    KeyNotMapped = "key_not_mapped", "No column is mapped to the match key.";
    InvalidOutcome = "invalid_outcome", "This class does not know that action.";
    PlanOutdated = "plan_outdated", "The base changed since the plan was made.";
    PlanUnknown = "plan_unknown", "This is not the hash of the present plan.";
    ImportNotRevertible = "import_not_revertible", "There is nothing to undo.";
    TemplateExists = "template_exists", "There is a saved mapping with this name.";
    JobNotCancellable = "job_not_cancellable", "The job has ended.";
    JobFailed = "job_failed", "The job failed again and again.";
    JobLost = "job_lost", "The job lost its worker again and again.";

    // rights of persons
    ErasureJournalUnavailable = "erasure_journal_unavailable", "The journal of erasures cannot be written.";
    ImportDataGone = "import_data_gone", "The uploaded list was removed.";

    // rows of an import
    TooManyCells = "too_many_cells", "The row has more cells than the header.";
    TooFewCells = "too_few_cells", "The row has fewer cells than the header.";
    CellTooLarge = "cell_too_large", "A cell is over the limit.";
    UndecodableText = "undecodable_text", "Some bytes are not text in this encoding.";
    UnclosedQuote = "unclosed_quote", "A quote is never closed.";
    TruncatedNumber = "truncated_number", "A spreadsheet has rounded the number; digits are lost.";
    SeveralValues = "several_values", "There are several values in one cell.";
    TooManyTags = "too_many_tags", "The file names too many different tags.";
    SuppressedAddress = "suppressed_address", "The address may not be written to.";
    OverLimit = "over_limit", "There is no room for this contact.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_has_its_own_word_and_finds_back() {
        let words: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(Code::from_wire(code.as_str()), Some(*code));
        }
    }
}
