"""What `make api-check` teaches schemathesis about this API.

A request can be right by its schema and still be refused with 422: a cursor that was made up, an address that
is none, two fields that contradict one another. No schema can say so. Such answers name a code for each
fault; when all of them are codes of this kind, the schema was not too lax. A refusal with any other code
(unknown_field, invalid_type, too_long, out_of_range, missing_field …) is one the schema should have told,
and stays a failure.
"""

import os
import re
import uuid

import schemathesis

# Codes of crates/domain/src/codes.rs for what only reading the value, or other data, can tell.
BEYOND_SCHEMAS = {
    # formats and registers that JSON Schema does not know
    "invalid_email", "invalid_phone", "invalid_country", "invalid_language", "invalid_time_zone",
    "invalid_date", "invalid_tag", "invalid_sort", "invalid_cursor", "unknown_encoding", "unknown_delimiter",
    "unknown_target", "unknown_scope", "weak_password", "nul_character",
    # bounds of a whole: nodes and depth of a filter
    "filter_too_large",
    # what the workspace holds
    "unknown_purpose", "unknown_reference", "unknown_column", "plan_unknown", "idempotency_key_reused",
    # rules over several members
    "nothing_identifies", "duplicate_target", "nothing_mapped", "key_not_mapped", "invalid_outcome",
    "empty_selection",
    # the content of a file
    "import_empty", "import_not_text", "import_too_large", "import_too_many_columns", "import_too_many_rows",
}

# Rules between two members, or a member and the workspace, that share a code with rules of schemas:
# operation, pointer, code.
RULES = [
    # the channel of the purpose is not the one asked for
    (r"GET /api/v1/contacts/\{id\}/can-send", r"\?purpose", "invalid_value"),
    # nobody can guess it
    (r"PUT /api/v1/users/me/password", r"#/current_password", "invalid_value"),
    # the key in the path against the same field of the body
    (r"PUT /api/v1/contacts/by/\{key\}/\{value\}", r"#/(external_id|email|phone)", "invalid_value"),
    # without matching there is no key and one class
    (r".* /api/v1/import(s|-templates)\b.*", r"#/(options/)?matching/.*", "invalid_value"),
    # with matching there is one
    (r".* /api/v1/import(s|-templates)\b.*", r"#/(options/)?matching/key", "missing_field"),
    # written in many ways: dd. mm. yyyy, D.M.YYYY
    (r".* /api/v1/import(s|-templates)\b.*", r"#/(options/)?(mapping/)?date_format", "invalid_value"),
    # which of two comes first
    (r"POST /api/v1/contacts/(query|count|bulk-delete)", r"#/selection/.*/value", "invalid_value"),
    # a key of nothing but blanks
    (r"PUT /api/v1/contacts/by/\{key\}/\{value\}", r"\?value", "too_short"),
    # OAuth says 400 where the others say 422; parameters nobody knows have no schema that could forbid NUL
    (r"POST /api/v1/auth/revoke", r"", "bad_request"),
    # a grant stands on something, a withdrawal needs nothing
    (r"POST /api/v1/contacts/\{id\}/consents", r"#/legal_basis", "missing_field"),
    # a name of characters that nobody sees
    (r".*", r"#/(.*/)?details/.*", "too_short"),
    # between 1850 and today
    (r".*", r"#/(.*/)?birth_date", "out_of_range"),
]


def is_ruled(operation, pointer, code):
    return any(
        code == known and re.fullmatch(at, pointer) and re.fullmatch(where, operation)
        for where, at, known in RULES
    )


OWN_USER = os.environ.get("API_CHECK_USER", "")


def faults(response):
    """Pointer and code of each fault."""
    try:
        problem = response.json()
    except ValueError:
        return []
    if not isinstance(problem, dict):
        return []
    told = [(fault.get("pointer", ""), fault.get("code")) for fault in problem.get("errors") or []]
    return told or [("", problem.get("code"))]


@schemathesis.hook
def filter_failure(context, failure, case, response):
    if type(failure).__name__ != "RejectedPositiveData" or response.status_code not in (400, 422):
        return True
    found = faults(response)
    operation = case.operation.label
    expected = (code in BEYOND_SCHEMAS or is_ruled(operation, at, code) for at, code in found)
    return not found or not all(expected)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Keeps the run alive: the user who asks is not deleted, demoted or disabled, and there stays room."""
    operation = case.operation.label
    if OWN_USER and operation in ("DELETE /api/v1/users/{id}", "PATCH /api/v1/users/{id}"):
        if str(case.path_parameters.get("id", "")).lower() == OWN_USER:
            case.path_parameters["id"] = str(uuid.uuid4())
    if operation == "PATCH /api/v1/workspace" and isinstance(case.body, dict):
        if isinstance(case.body.get("contact_limit"), int):
            case.body["contact_limit"] = max(case.body["contact_limit"], 1_000_000)
