//! The one table where a code and an HTTP status meet, and where constraints of the schema become codes.

use actix_web::http::StatusCode;

use kartoteka_domain::codes::Code;

/// Status of a problem with this code. No wildcard: a new code has to be given its status here.
#[must_use]
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn status_of(code: Code) -> StatusCode {
    match code {
        Code::InvalidGrant
        | Code::UnsupportedGrantType
        | Code::UnsupportedTokenType
        | Code::BadRequest
        | Code::InvalidJson => StatusCode::BAD_REQUEST,
        Code::ValidationFailed
        | Code::IdempotencyKeyReused
        | Code::UnknownField
        | Code::ReadOnlyField
        | Code::MissingField
        | Code::InvalidType
        | Code::InvalidValue
        | Code::TooLong
        | Code::TooShort
        | Code::TooMany
        | Code::OutOfRange
        | Code::NulCharacter
        | Code::InvalidEmail
        | Code::InvalidPhone
        | Code::InvalidDate
        | Code::InvalidNumber
        | Code::InvalidBoolean
        | Code::InvalidCountry
        | Code::InvalidLanguage
        | Code::InvalidTimeZone
        | Code::InvalidGender
        | Code::InvalidState
        | Code::InvalidTag
        | Code::InvalidCursor
        | Code::InvalidSort
        | Code::InvalidFilter
        | Code::FilterTooLarge
        | Code::UnknownPurpose
        | Code::UnknownReference
        | Code::EmptySelection
        | Code::SegmentCycle
        | Code::InvalidGraph
        | Code::SelectionTooSlow
        | Code::TooManyContacts
        | Code::NothingToChange
        | Code::NothingIdentifies
        | Code::ContactLimitReached
        | Code::WeakPassword
        | Code::UnknownScope
        | Code::ImportEmpty
        | Code::ImportNotText
        | Code::ImportTooManyColumns
        | Code::ImportTooManyRows
        | Code::UnknownEncoding
        | Code::UnknownDelimiter
        | Code::UnknownTarget
        | Code::DuplicateTarget
        | Code::UnknownColumn
        | Code::NothingMapped
        | Code::KeyNotMapped
        | Code::InvalidOutcome
        | Code::PlanUnknown
        | Code::TooManyCells
        | Code::TooFewCells
        | Code::CellTooLarge
        | Code::UndecodableText
        | Code::UnclosedQuote
        | Code::TruncatedNumber
        | Code::SeveralValues
        | Code::TooManyTags
        | Code::SuppressedAddress
        | Code::OptInNotHere
        | Code::OverLimit => StatusCode::UNPROCESSABLE_ENTITY,
        Code::InvalidClient | Code::Unauthorized => StatusCode::UNAUTHORIZED,
        Code::Forbidden | Code::NotPermitted => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Code::Conflict
        | Code::IdempotencyInProgress
        | Code::AmbiguousKey
        | Code::NotInTrash
        | Code::TagInUse
        | Code::TagExists
        | Code::PurposeInUse
        | Code::PurposeExists
        | Code::GroupInUse
        | Code::GroupExists
        | Code::ContactTypeInUse
        | Code::ContactTypeExists
        | Code::FunnelInUse
        | Code::FunnelExists
        | Code::StageInUse
        | Code::StageExists
        | Code::CouponRedeemed
        | Code::CouponExpired
        | Code::LastOwner
        | Code::NeverMerge
        | Code::ContactMerged
        | Code::MergeNotUndoable
        | Code::JobNotUndoable
        | Code::InUse
        | Code::SegmentInUse
        | Code::SegmentExists
        | Code::RuleExists
        | Code::RuleDisabled
        | Code::ScenarioExists
        | Code::ScenarioDisabled
        | Code::AlreadyRunning
        | Code::FieldInUse
        | Code::FieldExists
        | Code::FieldValuesDoNotFit
        | Code::UserExists
        | Code::LastAdministrator
        | Code::StepOutOfOrder
        | Code::PlanOutdated
        | Code::ImportNotRevertible
        | Code::TemplateExists
        | Code::JobNotCancellable
        | Code::WebhookDisabled
        | Code::MailNotConfigured
        | Code::MayNotBeSent
        | Code::ImportDataGone
        | Code::JobFailed
        | Code::JobLost => StatusCode::CONFLICT,
        Code::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Code::PayloadTooLarge | Code::ImportTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Code::DatabaseBusy | Code::StorageReadOnly | Code::ErasureJournalUnavailable => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Code::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
    }
}

/// What it means to the caller when the database refuses a row by this constraint.
#[must_use]
pub fn of_constraint(name: &str) -> Option<Code> {
    Some(match name {
        "users_email_key" => Code::UserExists,
        "tags_name_key" => Code::TagExists,
        "purposes_name_key" => Code::PurposeExists,
        "groups_name_key" => Code::GroupExists,
        "funnels_name_key" => Code::FunnelExists,
        "funnel_stages_name_key" => Code::StageExists,
        "fields_name_key" => Code::FieldExists,
        "contact_types_name_key" => Code::ContactTypeExists,
        "import_templates_name_key" => Code::TemplateExists,
        "segments_name_key" => Code::SegmentExists,
        "definitions_name_key" | "workspaces_name_key" | "jobs_unique_key" | "coupons_code_key" => {
            Code::Conflict
        }
        _ => return None,
    })
}
