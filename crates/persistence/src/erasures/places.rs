//! Where a person may stand, table by table, and why nothing of an erased one is left there.
//!
//! A table that is not on the list fails `tests/it/v1/erasures/places.rs`: whoever adds one says what it holds.
//!
//! Out of reach are texts that people wrote about **others** (notes of other contacts, names of opportunities, projects,
//! tags, segments, imports): nothing there says whom they mean. Addresses and numbers in saved conditions and in
//! what jobs were asked are found and replaced. Files of imports go whole when an address or number of the person, or a
//! row that met the contact, is in them.

/// Table, and why it is clean after an erasure.
pub const PLACES: &[(&str, &str)] = &[
    (
        "activities",
        "those of the person alone go; in those shared with others names, addresses and numbers are replaced",
    ),
    ("activity_contacts", "removed by the purge"),
    ("audit_entries", "ids and names of fields, never values"),
    ("clients", "integrations, no contacts"),
    (
        "companies",
        "address and number that are the person's are cleared where they are linked; the name is the company's",
    ),
    ("company_contacts", "removed by the purge"),
    ("consent_entries", "removed by the purge"),
    ("consent_evidence", "removed by the purge"),
    ("consents", "removed by the purge"),
    ("contact_groups", "removed by the purge"),
    ("contact_notes", "removed by the purge"),
    ("contact_owners", "removed by the purge"),
    ("contact_search", "removed by the purge"),
    ("contact_search_checks", "ids and times"),
    ("contact_search_lag", "ids"),
    ("contact_tags", "removed by the purge"),
    ("contact_types", "words of the workspace"),
    ("contacts", "removed by the purge"),
    ("duplicate_blocks", "hashes of what several share, while a search runs"),
    ("duplicate_pairs", "removed by the purge; no values"),
    ("duplicate_rejections", "removed by the purge"),
    ("duplicate_staged", "removed by the purge; hashes"),
    ("erasures", "ids, counts and keyed hashes"),
    ("fields", "words of the workspace"),
    ("frozen_contacts", "ids that name nobody any more"),
    ("frozen_outcomes", "outcomes by place"),
    ("groups", "words of the workspace"),
    ("idempotency_keys", "answers that name the contact or an address of it are removed"),
    ("import_changes", "removed by the purge"),
    ("import_data", "the file goes when the person is in it"),
    (
        "import_rows",
        "problems of the person's rows are removed; of the row its number and outcome stay",
    ),
    (
        "import_staged",
        "all rows go with the file; those of imports that run are removed and skipped",
    ),
    ("import_tag_additions", "removed by the purge"),
    ("import_tags", "words of the workspace"),
    ("import_templates", "columns and settings, no values"),
    ("imports", "preview and samples go with the file; an address in the name is replaced"),
    ("job_lanes", "times"),
    ("jobs", "addresses and numbers in what was asked and in what failed are replaced"),
    ("opportunities", "words of the workspace about business"),
    ("opportunity_contacts", "removed by the purge"),
    ("outbox_events", "ids and names of fields, never values"),
    ("project_contacts", "removed by the purge"),
    ("projects", "words of the workspace about work"),
    ("purpose_versions", "wordings"),
    ("purposes", "words of the workspace"),
    ("refresh_tokens", "of people who log in"),
    ("retention", "numbers of days"),
    ("segment_names", "names of tags, purposes, fields; ids"),
    ("segment_uses", "ids"),
    ("segments", "addresses and numbers in trees and descriptions are replaced"),
    ("suppressions", "keyed hashes: what is to outlive the person (CNS-8)"),
    ("tags", "words of the workspace"),
    ("users", "people who log in, no contacts"),
    (
        "webhook_deliveries",
        "times, statuses and causes; what is sent is put together anew each time",
    ),
    ("webhooks", "addresses of receivers"),
    ("workspace_usage", "counts"),
    ("workspaces", "settings"),
];
