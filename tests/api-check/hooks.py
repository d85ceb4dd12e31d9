"""What `make api-check` teaches schemathesis about this API.

A request can be right by its schema and still be refused with 422: a cursor that was made up, an address that
is none, two fields that contradict one another. Such an answer is explained when every fault in it stands in
`RULES`: this code, at this place, of this operation, and where it can be seen in the request, only when it is
true. Anything else stays a failure. How many answers were explained, and by what, is written to
`explained.tsv` beside where schemathesis runs.
"""

import ast
import json
import os
import re
import threading
import unicodedata
import uuid
import zlib
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema_rs
import schemathesis
from schemathesis.core.parameters import ParameterLocation

# --- the tool -------------------------------------------------------------------------------

# Before 3.13 CPython counts the depth of a syntax tree once for all threads: two that parse at a time end in
# "SystemError: AST constructor recursion depth mismatch" (python/cpython#106905 and after), and with it the
# test of an operation. Hypothesis parses sources to give its strategies names.
PARSING = threading.RLock()
parse_alone = ast.parse


def parse(*arguments, **options):
    with PARSING:
        return parse_alone(*arguments, **options)


ast.parse = parse

# --- which refusals of valid data are right ---------------------------------------------------

CONTACT = r"(POST /contacts|PATCH /contacts/\{id\}|PUT /contacts/by/\{key\}/\{value\})"
LISTED = r"GET /(contacts|contacts/count|trash)"
SAVED = r"(POST /segments|PATCH /segments/\{id\})"
BULK = r"POST /contacts/bulk-edit"
MANAGER = r"POST /contact-manager/(jobs|recount)"
SELECTED = rf"({MANAGER}|POST /(contacts/(query|count)|activities/query|duplicates/find)|{SAVED}|{BULK})"
TREE = r"#/(selection/(include|exclude|where)|filter)"
VALUE = rf"{TREE}(/.*)?/value(/\d+)?"
# The steps of an import: one by one, in one call, or saved.
OPTIONS = r"(POST /imports/run|POST /import-templates|PATCH /import-templates/\{id\})"
MAPPING = rf"({OPTIONS}|PUT /imports/\{{id\}}/mapping)"
MATCHING = rf"({OPTIONS}|PUT /imports/\{{id\}}/matching)"
COMPANY = r"(POST /companies|PATCH /companies/\{id\})"
OPPORTUNITY = r"(POST /opportunities|PATCH /opportunities/\{id\})"
PROJECT = r"(POST /projects|PATCH /projects/\{id\})"
ACTIVITY = r"(POST /activities|PATCH /activities/\{id\})"
CLASS = r"(POST /(groups|contact-types)|PATCH /(groups|contact-types)/\{id\})"
DEFINITION = r"(POST /(rules|scenarios)|PATCH /(rules|scenarios)/\{id\})"
ASKED = r"#/(nodes/\d+/filter|conditions/\d+)"
FUNNEL = r"(POST /funnels(/\{id\}/stages)?|PATCH /funnels/\{id\}(/stages/\{stage_id\})?)"
STAGE = r"(POST /funnels/\{id\}/stages|PATCH /funnels/\{id\}/stages/\{stage_id\})"
FIELD = r"(POST /fields|PATCH /fields/\{id\})"
PASSWORD = r"(POST /users|PUT /users/me/password|PATCH /users/\{id\})"


def matching(case):
    """What the request says about matching, wherever it stands."""
    body = case.body if isinstance(case.body, dict) else {}
    options = body.get("options")
    if isinstance(options, str):
        options = json.loads(options)
    return (options or {}).get("matching") or body


def mode_is(mode):
    return lambda value, case, pointer: matching(case).get("mode") == mode


def no_value(value, case, pointer):
    return value is None


def unseen(text):
    """Nothing but blanks and characters without a shape of their own."""
    return all(unicodedata.category(character)[0] in "CZM" for character in text)


def unseen_key(value, case, pointer):
    return unseen(value)


def unseen_name(value, case, pointer):
    return unseen(unquote(pointer.split("/details/", 1)[1]))


def unseen_or_control(value, case, pointer):
    return unseen(value) or any(unicodedata.category(character) == "Cc" for character in value)


def no_file_name(value, case, pointer):
    """Slashes, what nobody sees, or nothing else."""
    stray = lambda character: character in "/\\" or unicodedata.category(character) in ("Cc", "Cf", "Mn")
    return unseen(value) or value.strip() in (".", "..") or any(stray(character) for character in value)


def ids_and_selection(value, case, pointer):
    return isinstance(case.body, dict) and case.body.get("ids") is not None and value is not None


def several_persons(value, case, pointer):
    body = case.body if isinstance(case.body, dict) else {}
    return sum(body.get(name) is not None for name in ("contact_id", "email", "phone")) > 1


def no_changes(value, case, pointer):
    return not any(change is not None for change in (value or {}).values())


def put_on_and_off(value, case, pointer):
    there = body_at(case, pointer.rsplit("/", 1)[0])
    name = lambda tag: unicodedata.normalize("NFKC", str(tag.get("name") if isinstance(tag, dict) else tag)).casefold()
    added = {name(tag).strip() for tag in there.get("add") or []}
    return any(name(tag).strip() in added for tag in value or [])


def nothing_to_look_for(value, case, pointer):
    """A part of a text: no digit for a phone number, nothing that is seen for the others."""
    if not isinstance(value, str):
        return False
    condition = body_at(case, pointer.rsplit("/", 1)[0])
    if condition.get("field") == "phone":
        return not any(character.isdigit() for character in value)
    return unseen(value)


def empty_list(value, case, pointer):
    body = case.body if isinstance(case.body, dict) else {}
    return body.get("ids") == [] or body.get("items") == []


# operation (without /api/v1), place, code, and what must be true of the value there and the request
RULES = [
    # registers and ways of writing that JSON Schema does not know
    (CONTACT, r"#/email", "invalid_email", None),
    (CONTACT, r"#/phone", "invalid_phone", None),
    (CONTACT, r"#/(phone_region|address/country)", "invalid_country", None),
    (CONTACT, r"#/language", "invalid_language", None),
    (CONTACT, r"#/time_zone", "invalid_time_zone", None),
    (CONTACT, r"#/tags/\d+(/name)?", "invalid_tag", None),
    (BULK, r"#/changes/address/country", "invalid_country", None),
    (BULK, r"#/changes/language", "invalid_language", None),
    (BULK, r"#/changes/time_zone", "invalid_time_zone", None),
    (BULK, r"#/changes/tags/(add|remove)/\d+(/name)?", "invalid_tag", None),
    (r"PUT /contacts/by/\{key\}/\{value\}", r"\?value", "invalid_email", None),
    (LISTED, r"\?email", "invalid_email", None),
    (LISTED, r"\?phone", "invalid_phone", None),
    (r"(POST /users|PATCH /users/\{id\})", r"#/email", "invalid_email", None),
    (r"PATCH /workspace", r"#/phone_region", "invalid_country", None),
    (r"PATCH /workspace", r"#/language", "invalid_language", None),
    (r"PATCH /workspace", r"#/time_zone", "invalid_time_zone", None),
    (r"(POST /tags|PATCH /tags/\{id\})", r"#/name", "invalid_tag", None),
    (r"PUT /contacts/\{id\}/tags/\{name\}", r"\?name", "invalid_tag", None),
    (COMPANY, r"#/email", "invalid_email", None),
    (COMPANY, r"#/phone", "invalid_phone", None),
    (COMPANY, r"#/address/country", "invalid_country", None),
    (COMPANY, r"#/website", "invalid_value",
     lambda value, case, pointer: "." not in value or len(value.split()) != 1),
    # a name that is not seen
    (rf"({COMPANY}|{OPPORTUNITY}|{PROJECT})", r"#/name", "too_short", unseen_key),
    (rf"({CLASS}|{FIELD})", r"#/(name|title|choices/\d+)", "(too_short|invalid_value)", unseen_or_control),
    (FUNNEL, r"#/(name|stages/\d+(/name)?)", "(too_short|invalid_value)", unseen_or_control),
    (r"GET /coupons", r"\?name", "(too_short|invalid_value)", unseen_or_control),
    # names of stages differ
    (r"POST /funnels", r"#/stages/\d+(/name)?", "(too_long|invalid_value)", None),
    # behind the last stage of the funnel
    (STAGE, r"#/position", "(out_of_range|invalid_value)", None),
    (ACTIVITY, r"#/subject", "too_short", unseen_key),
    # deleting is alone, and what one action does no other undoes
    (r"POST /contact-manager/jobs", r"#/actions/\d+(/type)?", "(invalid_value|too_many)", None),
    (r"POST /contact-manager/jobs", r"#/actions/\d+/email", "(invalid_email|unknown_reference)", None),
    (r"POST /contact-manager/jobs", r"#/actions/\d+/\w+_id", "(unknown_reference|missing_field|invalid_value)", None),
    # tags of one action differ, and names are such that are seen
    (r"POST /contact-manager/jobs", r"#/actions/\d+/tags(/.*)?", "(invalid_value|invalid_tag|too_short)", None),
    (r"POST /contact-manager/jobs", r"#/actions/\d+/(details/\d+|name)", "(too_short|invalid_value)", unseen_or_control),
    # the words of the matrix
    (r"GET /contact-manager/jobs/\{id\}/contacts", r"\?action", "invalid_value", None),
    # the page that links lead to: no name or password in its address, nor the parameter that is put into it
    (r"POST /contact-manager/jobs", r"#/actions/\d+/url", "(invalid_value|too_long)", None),
    # the name of a file
    (r"PATCH /documents/\{id\}", r"#/name", "(invalid_value|too_short)", no_file_name),
    # a year that is not written with four digits everywhere
    (OPPORTUNITY, r"#/expected_close_date", "out_of_range", None),
    (PROJECT, r"#/(from|to)", "out_of_range", None),
    (ACTIVITY, r"#/(starts|due|done)_at", "out_of_range", None),
    # two fields of one thing
    (OPPORTUNITY, r"#/currency", "missing_field", None),
    (PROJECT, r"#/to", "invalid_value", None),
    # choices belong to a choice, and to nothing else
    (FIELD, r"#/choices", "(missing_field|invalid_value)", None),
    # who is meant: ids or a selection; and nothing is put on and taken off at once
    (BULK, r"#/selection", "invalid_value", ids_and_selection),
    (rf"({BULK}|{MANAGER})", r"", "empty_selection", None),
    (BULK, r"#/changes", "missing_field", no_changes),
    (BULK, r"#/changes/(tags|groups)/remove", "invalid_value", put_on_and_off),
    # what the workspace holds
    (CONTACT, r"#/(type_id|group_ids/\d+)", "unknown_reference", None),
    (BULK, r"#/changes/(type_id|groups/(add|remove)/\d+)", "unknown_reference", None),
    (rf"({CONTACT}|{BULK})", r"#/(changes/)?details/.*", "invalid_(type|value|date)", None),
    (r"POST /coupons/redeem", r"#/code", "unknown_reference", None),
    (OPPORTUNITY, r"#/company_id", "unknown_reference", None),
    (ACTIVITY, r"#/(contact_ids/\d+|(company|opportunity|project)_id)", "unknown_reference", None),
    # who takes part, and what each of them has
    (r"POST /contacts/merge", r"#/(winner_id|loser_ids/\d+|fields/.*)", "unknown_reference", None),
    (r"POST /contacts/merge", r"#/fields/.*", "unknown_field", None),
    (r"POST /contacts/merge", r"#/loser_ids/\d+", "invalid_value", None),
    (r"POST /contacts/merge", r"#/fields", "(nothing_identifies|too_many)", None),
    # a password that is short, or easy to guess, or the address
    (PASSWORD, r"#/password", "weak_password", None),
    # a list of columns with signs, none twice
    (r"GET /(contacts|trash|companies|opportunities|projects)", r"\?sort", "invalid_sort", None),
    (r"POST /contacts/query", r"#/sort", "invalid_sort", None),
    # signed by us
    (r"GET /.*", r"\?cursor", "invalid_cursor", None),
    (r"POST /(contacts|activities)/query", r"#/cursor", "invalid_cursor", None),
    # the value of a condition: what it may be depends on its field and its comparison
    (SELECTED, VALUE, "invalid_(email|phone|country|language|date|tag|value)", None),
    (SELECTED, VALUE, "too_short", nothing_to_look_for),
    # no field has U+0000 in its name, which is told besides
    (SELECTED, rf"{TREE}(/.*)?/field", "unknown_field",
     lambda value, case, pointer: holds_nul(value)),
    # bounds of a whole: nodes and depth of a filter
    (SELECTED, r"#/(selection|filter)(/.*)?", "filter_too_large", None),
    # one tree, not both and not none, which is not part of itself
    (SAVED, r"#/selection", "invalid_value", None),
    (SAVED, r"#/(selection|filter)", "missing_field", None),
    (SAVED, r"#/.*", "segment_cycle", None),
    (SAVED, r"#/(selection|filter)", "too_long", None),
    (SAVED, r"#/name", "(invalid_value|too_short)", None),
    # steps that make no way, and what is missing in what is to be switched on
    (DEFINITION, r"#/nodes(/.*)?", "(invalid_graph|unknown_reference|missing_field)", None),
    (DEFINITION, r"#/(event|actions)", "missing_field", None),
    (DEFINITION, r"#/(nodes|actions)", "too_long", None),
    # a merge patch leaves the members of the event that was there: those of another type are not known
    (r"PATCH /rules/\{id\}", r"#/event/\w+", "unknown_field", None),
    (DEFINITION, r"#/name", "(invalid_value|too_short)", unseen_or_control),
    # a wait is one of three
    (DEFINITION, r"#/nodes/\d+", "invalid_value", None),
    # durations are whole, and from a minute to five years
    (DEFINITION, r"#/(.*/)?(delay|for|before|interval)", "(invalid_value|out_of_range)", None),
    # names of tags and details that nobody sees
    (DEFINITION, r"#/.*/tags?(/\d+)?(/name)?", "invalid_tag", None),
    (DEFINITION, r"#/.*/(name|field|text|subject)", "(too_short|too_long|invalid_value)", unseen_or_control),
    # conditions of steps and rules, as everywhere
    (DEFINITION, rf"{ASKED}(/.*)?/value(/\d+)?", r"(invalid_\w+|too_short|unknown_reference)", None),
    (DEFINITION, rf"{ASKED}(/.*)?/field", "(unknown_field|unknown_purpose)", None),
    (DEFINITION, rf"{ASKED}(/.*)?", "filter_too_large", None),
    # what the workspace holds
    (DEFINITION, r"#/.*/(user_id|webhook_id|stage_id|funnel_id)", "unknown_reference", None),
    # of the channel, and of the field
    (DEFINITION, r"#/.*/purpose", "(unknown_purpose|invalid_value)", None),
    (DEFINITION, r"#/.*/value", "invalid_(value|type|date)", None),
    (r"POST /contacts/\{id\}/scenarios", r"#/(scenario_id|start)", "(unknown_reference|missing_field)", None),
    (SELECTED, rf"{TREE}(/.*)?/field", "unknown_purpose", None),
    (SELECTED, rf"(#/selection/segments/\d+|{VALUE})", "unknown_reference", None),
    (r"GET /(contacts|contacts/count|trash|activities)", r"\?segment_id", "unknown_reference", None),
    (r"GET /contacts/\{id\}/can-send", r"\?purpose", "unknown_purpose", None),
    (r"POST /contacts/\{id\}/consents(/requests)?", r"#/purpose", "unknown_purpose", None),
    (r"GET /contacts/\{id\}/consents/links", r"\?purpose", "unknown_purpose", None),
    # the question goes by e-mail
    (r"POST /contacts/\{id\}/consents/requests", r"#/purpose", "invalid_value", None),
    (r"POST /imports/run", r"#/options/template_id", "unknown_reference", None),
    (MATCHING, r"#/(options/matching/)?outcomes/\w+/consents/\d+/purpose", "(unknown_purpose|invalid_value)", None),
    (MAPPING, r"#/(options/mapping/)?columns/\d+/target", "unknown_purpose", None),
    (r"POST /imports/\{id\}/commit", r"", "plan_unknown", None),
    # the purpose is of another channel than the one asked for
    (r"GET /contacts/\{id\}/can-send", r"\?purpose", "invalid_value", None),
    # nobody can guess it
    (r"PUT /users/me/password", r"#/current_password", "invalid_value", None),
    # the key in the path says something else than the body
    (r"PUT /contacts/by/\{key\}/\{value\}", r"#/(external_id|email)", "invalid_value", None),
    # a key of characters that nobody sees
    (r"PUT /contacts/by/\{key\}/\{value\}", r"\?value", "too_short", unseen_key),
    # an empty list is answered by a code of its own, which minItems would take away
    (r"POST /(contacts/batch|contacts/bulk-delete|trash/purge|trash/restore)", r"", "empty_selection", empty_list),
    # any of several members would do
    (CONTACT, r"#", "nothing_identifies", None),
    # a grant stands on something, a withdrawal needs nothing
    (r"POST /contacts/\{id\}/consents", r"#/legal_basis", "missing_field", no_value),
    # a name of characters that nobody sees
    (rf"({CONTACT}|{BULK})", r"#/(changes/)?details/.*", "too_short", unseen_name),
    # between 1850 and today
    (CONTACT, r"#/birth_date", "out_of_range", None),
    # names that are read forgivingly: " ; ", Semicolon, cp-1250, D. M. YYYY
    (OPTIONS, r"#/options/delimiter", "unknown_delimiter", None),
    (OPTIONS, r"#/options/encoding", "unknown_encoding", None),
    (r"(PUT /imports/\{id\}/data|POST /imports/run)", r"\?delimiter", "unknown_delimiter", None),
    (r"(PUT /imports/\{id\}/data|POST /imports/run)", r"\?encoding", "unknown_encoding", None),
    (MAPPING, r"#/(options/mapping/)?date_format", "invalid_value", None),
    (MAPPING, r"#/(options/mapping/)?phone_region", "invalid_country", None),
    (MAPPING, r"#/(options/mapping/)?columns/\d+/target", "unknown_target", None),
    # columns against one another, and against the file
    (MAPPING, r"#/(options/mapping/)?columns/\d+/(index|target)", "duplicate_target", None),
    (MAPPING, r"#/(options/mapping/)?columns/\d+/index", "unknown_column", None),
    (MAPPING, r"#/(options/mapping/)?columns", "nothing_mapped", None),
    # without matching there is no key and one class, with matching there is a key and there are four
    (MATCHING, r"#/(options/matching/)?(key|in_file|outcomes/(none|one|many|in_trash))", "invalid_value",
     mode_is("none")),
    (MATCHING, r"#/(options/matching/)?outcomes/all", "invalid_value", mode_is("match")),
    (MATCHING, r"#/(options/matching/)?key", "(missing_field|invalid_value|key_not_mapped)", mode_is("match")),
    # each class knows some of the actions; tags and purposes as elsewhere
    (MATCHING, r"#/(options/matching/)?outcomes/\w+/action", "invalid_outcome", None),
    (MATCHING, r"#/(options/matching/)?outcomes/\w+/tags/\d+", "invalid_tag", None),
    # where webhooks may go, how many there may be, and a span of time that has begun
    (r"(POST /webhooks|PATCH /webhooks/\{id\})", r"#/url", "(invalid_value|too_long)", None),
    (r"POST /webhooks", r"", "too_many", None),
    (r"POST /webhooks/\{id\}/replay", r"#/after", "invalid_value", None),
    # who is to be erased: one of three, and an address that is one
    (r"POST /erasures", r"#/email", "invalid_email", None),
    (r"POST /erasures", r"#/phone", "invalid_phone", None),
    (r"POST /erasures", r"#/contact_id", "missing_field", no_value),
    (r"POST /erasures", r"#/contact_id", "unknown_reference", None),
    (r"POST /erasures", r"#/(contact_id|email|phone)", "invalid_value", several_persons),
    # the content of a file
    (r"(PUT /imports/\{id\}/data|POST /imports/run)", r"",
     "import_(empty|not_text|too_large|too_many_columns|too_many_rows)", None),
]


def sent_in_url(response, name):
    """The parameter of the query or the path, as it went out."""
    address = urlsplit(response.request.url)
    query = dict(parse_qsl(address.query, keep_blank_values=True))
    # only two operations tell faults of their paths as parameters, and both stand at the end
    return query.get(name, unquote(address.path.rsplit("/", 1)[-1]))


def value_at(case, response, pointer):
    """What stands at the pointer of a fault; `None` for what is not there."""
    if pointer.startswith("?"):
        return sent_in_url(response, pointer[1:])
    return body_at(case, pointer)


def body_at(case, pointer):
    value = case.body
    for step in pointer.split("/")[1:]:
        step = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def holds_nul(value):
    if isinstance(value, dict):
        return any("\0" in name for name in value)
    return "\0" in str(value)


def explains(operation, case, response, pointer, code):
    value = value_at(case, response, pointer)
    if code == "nul_character":
        # a pattern against it on every string would say nothing else to any reader
        return holds_nul(value) or "\0" in unquote(pointer)
    return any(
        re.fullmatch(known, code)
        and re.fullmatch(place, pointer)
        and re.fullmatch(where, operation)
        and (holds is None or holds(value, case, pointer))
        for where, place, known, holds in RULES
    )


def faults(problem):
    """Pointer and code of each fault of a problem document."""
    told = [(fault.get("pointer", ""), fault.get("code", "")) for fault in problem.get("errors") or []]
    return told or [("", problem.get("code") or "")]


def answer(response):
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def refusal_is_explained(operation, case, response):
    problem = answer(response)
    if response.status_code == 412:
        # a made-up If-Match is well formed and never the present ETag
        return problem.get("code") == "precondition_failed" and "If-Match" in (case.headers or {})
    if operation.startswith(("POST /auth/revoke", "POST /links/")) and response.status_code == 400:
        # a form: it says 400, and without a place
        form = parse_qsl(text_of(response.request.body), keep_blank_values=True)
        return any("\0" in value for _, value in form)
    if response.status_code != 422:
        return False
    return all(explains(operation, case, response, at, code) for at, code in faults(problem))


# --- which acceptances of invalid data are right -----------------------------------------------


def text_of(body):
    return body.decode(errors="replace") if isinstance(body, bytes) else body or ""


def breaches(case, response):
    """How the body that went out breaks its schema; `None` when it cannot be told."""
    declared = case.operation.definition.raw.get("requestBody", {}).get("content", {})
    schema = declared.get("application/json", {}).get("schema")
    if schema is None or case.media_type != "application/json":
        return None
    try:
        body = json.loads(text_of(response.request.body))
    except ValueError:
        return None
    schema = {**schema, "components": case.operation.schema.raw_schema["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    return list(validator.iter_errors(body))


def fits_when_kept(error):
    """A text of a contact is kept as one line, without what nobody sees, and its length is that of what is kept."""
    if error.schema_path[-1] != "maxLength" or not isinstance(error.instance, str):
        return False
    blank = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Zs", "Zl", "Zp") else c for c in error.instance)
    return len(" ".join(blank.split())) <= error.kind.limit


def acceptance_is_explained(operation, case, response):
    negative = [place.name for place, part in case.meta.components.items() if part.mode.is_negative]
    if response.status_code == 412:
        # before the body is looked at, or a made-up If-Match that is not even well formed
        return answer(response).get("code") == "precondition_failed" and "If-Match" in (case.headers or {})
    if response.status_code not in (200, 201) or negative != ["BODY"]:
        return False
    broken = breaches(case, response)
    if broken is None:
        return False
    places = [list(error.instance_path) for error in broken]
    if re.fullmatch(CONTACT, operation) and broken:
        return all(fits_when_kept(error) for error in broken)
    if operation == "POST /contacts/batch" and places:
        # each entry is judged by itself: the answer says in its place what is wrong with it
        results = answer(response).get("results") or []
        failed = {result.get("index") for result in results if result.get("problem")}
        return all(len(place) > 1 and place[0] == "items" and place[1] in failed for place in places)
    # to break a rule deep inside, schemathesis may leave out what held it: what went out is right
    return not places


# --- hooks ------------------------------------------------------------------------------------

WRITING = threading.Lock()


def label(case):
    return case.operation.label.replace(" /api/v1", " ", 1)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    operation = label(case)
    kind = type(failure).__name__
    if kind == "RejectedPositiveData":
        explained = refusal_is_explained(operation, case, response)
    elif kind == "AcceptedNegativeData":
        explained = acceptance_is_explained(operation, case, response)
    else:
        return True
    if explained:
        told = faults(answer(response)) if response.status_code >= 400 else [("", "")]
        codes = ",".join(sorted({code for _, code in told}))
        with WRITING, open("explained.tsv", "a", encoding="utf-8") as file:
            file.write(f"{kind}\t{operation}\t{response.status_code}\t{codes}\n")
    return not explained


@schemathesis.check
def only_guesses_are_slowed_down(ctx, response, case):
    """There is no limit of requests in this run: only whoever guesses passwords is told to wait."""
    guesses = ("POST /auth/token", "PUT /users/me/password")
    assert response.status_code != 429 or label(case) in guesses, "429 without a limit of requests"


OWN_USER = os.environ.get("API_CHECK_USER", "")

# What was made in this run, by the first word of the paths that take its id. Most of what schemathesis makes
# up is not there: it would try imports, jobs and the trash with nothing but 404.
MADE = {"imports": [], "jobs": [], "trash": []}
KEYS = set()
MAKING = threading.Lock()
FRESHEST = 20


@schemathesis.hook
def after_call(context, case, response):
    if not 200 <= response.status_code < 300:
        return
    body, operation = answer(response), label(case)
    with MAKING:
        if operation == "POST /imports":
            MADE["imports"].append(body["id"])
        elif operation == "GET /jobs":
            MADE["jobs"] += [job["id"] for job in body["data"][:3]]
        elif operation == "GET /trash":
            MADE["trash"] += [contact["id"] for contact in body["data"][:3]]
        elif operation == "DELETE /contacts/{id}":
            MADE["trash"].append(str(case.path_parameters["id"]))
        for ids in MADE.values():
            del ids[:-FRESHEST]


# The coverage phase makes 20,000 cases of the tree of conditions. Several operations read the same tree: one is
# tried with all of them, the others with one of ten; without a token all, with one of a hundred.
TREES = {
    "POST /contacts/count": 1,
    "POST /contacts/query": 10,
    "POST /contacts/bulk-edit": 10,
    "POST /activities/query": 10,
    "POST /duplicates/find": 10,
    "POST /segments": 10,
    "PATCH /segments/{id}": 10,
    "POST /rules": 20,
    "PATCH /rules/{id}": 20,
    "POST /scenarios": 20,
    "PATCH /scenarios/{id}": 20,
}


@schemathesis.hook
def filter_case(context, case):
    if case.meta is None or case.meta.phase.name.value != "coverage":
        return True
    one_of = TREES.get(label(case), 1) if OWN_USER else 100 if label(case) in TREES else 1
    return zlib.crc32(case.id.encode()) % one_of == 0


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = label(case)
    # Keeps the run alive: the user who asks is not deleted, demoted or disabled, and there stays room.
    if OWN_USER and operation in ("DELETE /users/{id}", "PATCH /users/{id}"):
        if str(case.path_parameters.get("id", "")).lower() == OWN_USER:
            case.path_parameters["id"] = str(uuid.uuid4())
    if operation == "PATCH /workspace" and isinstance(case.body, dict):
        if isinstance(case.body.get("contact_limit"), int):
            case.body["contact_limit"] = max(case.body["contact_limit"], 1_000_000)
    # Keys of the coverage phase are all alike: only the first case would get further than the key.
    key = (case.headers or {}).get("Idempotency-Key")
    with MAKING:
        if key in KEYS:
            if case.meta is None or not case.meta.is_negative_at(ParameterLocation.HEADER):
                case.headers["Idempotency-Key"] = str(uuid.uuid4())
        elif key is not None:
            KEYS.add(key)
    # Three of four go to something that is there. Links of the stateful phase have ids of their own.
    kind = operation.split("/")[1]
    if "/{id}" in operation and MADE.get(kind) and case.meta is not None:
        given = case.meta.phase.name.value != "stateful" and not case.meta.is_negative_at(ParameterLocation.PATH)
        dice = zlib.crc32(case.id.encode())
        if given and dice % 4:
            with MAKING:
                case.path_parameters["id"] = MADE[kind][dice % len(MADE[kind])]
