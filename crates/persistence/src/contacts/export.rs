//! Everything that is kept about a person, part by part and page by page (TRS-5, GDPR art. 15 and 20).
//!
//! A table that names contacts is read by one of [`PARTS`] or stands in [`LEFT_OUT`] with the reason; a test looks for
//! such tables in the catalogue.

use diesel::QueryableByName;
use diesel::sql_types::{Jsonb, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use super::purge::import_rows;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// One part of an export: a list.
#[derive(Debug)]
pub struct Part {
    /// Its name in the document.
    pub name: &'static str,
    /// Tables it reads that name contacts.
    pub tables: &'static [&'static str],
    /// Expression of the id it is read in order of.
    key: &'static str,
    /// What is shown, and from where. `{ws}`, `{ids}`, `{private}`, `{imports}` and `{rows}` stand for values.
    columns: &'static str,
    from: &'static str,
}

/// The parts, in the order of the document.
pub const PARTS: &[Part] = &[
    Part {
        name: "tags",
        tables: &["contact_tags"],
        key: "x.tag_id",
        columns: "'name', t.name, 'score', x.score, 'added_at', x.added_at",
        from: "contact_tags x JOIN tags t ON t.workspace_id = {ws} AND t.id = x.tag_id \
               WHERE x.workspace_id = {ws} AND x.contact_id = ANY({ids})",
    },
    Part {
        name: "groups",
        tables: &["contact_groups"],
        key: "x.group_id",
        columns: "'id', g.id, 'name', g.name, 'added_at', x.added_at",
        from: "contact_groups x JOIN groups g ON g.workspace_id = {ws} AND g.id = x.group_id \
               WHERE x.workspace_id = {ws} AND x.contact_id = ANY({ids})",
    },
    Part {
        name: "funnel_stages",
        tables: &["contact_stages"],
        key: "x.stage_id",
        columns: "'id', s.id, 'name', s.name, 'funnel', f.name, 'entered_at', x.entered_at",
        from: "contact_stages x JOIN funnel_stages s ON s.workspace_id = {ws} AND s.id = x.stage_id \
               JOIN funnels f ON f.workspace_id = {ws} AND f.id = s.funnel_id \
               WHERE x.workspace_id = {ws} AND x.contact_id = ANY({ids})",
    },
    Part {
        name: "coupons",
        tables: &["coupons"],
        key: "x.id",
        columns: "'id', x.id, 'name', x.name, 'code', x.code, 'valid_until', x.valid_until, 'created_at', x.created_at, \
                  'redeemed_at', x.redeemed_at",
        from: "coupons x WHERE x.workspace_id = {ws} AND x.contact_id = ANY({ids})",
    },
    Part {
        name: "types",
        tables: &[],
        key: "t.id",
        columns: "'id', t.id, 'name', t.name",
        from: "contacts x JOIN contact_types t ON t.workspace_id = {ws} AND t.id = x.type_id \
               WHERE x.workspace_id = {ws} AND x.id = ANY({ids})",
    },
    Part {
        name: "consents",
        tables: &["consents"],
        key: "x.purpose_id",
        columns: "'purpose', p.name, 'channel', p.channel, 'title', p.title, \
                  'state', CASE WHEN x.granted THEN 'granted' ELSE 'withdrawn' END, 'at', x.at, 'entry_id', x.entry_id",
        from: "consents x JOIN purposes p ON p.workspace_id = {ws} AND p.id = x.purpose_id \
               WHERE x.workspace_id = {ws} AND x.contact_id = ANY({ids})",
    },
    Part {
        name: "consent_entries",
        tables: &["consent_entries", "consent_evidence"],
        key: "x.id",
        columns: "'id', x.id, 'purpose', p.name, 'action', x.action, 'at', x.at, \
                  'actor', jsonb_build_object('type', x.actor_type, 'id', x.actor_id), \
                  'source', jsonb_build_object('type', x.source_type, 'id', x.source_id), 'legal_basis', x.legal_basis, \
                  'wording_version', x.wording_version, 'wording', v.wording, 'ip', e.ip, 'user_agent', e.user_agent, \
                  'evidence', e.evidence",
        from: "consent_entries x JOIN purposes p ON p.workspace_id = {ws} AND p.id = x.purpose_id \
               LEFT JOIN purpose_versions v ON v.workspace_id = {ws} AND v.purpose_id = x.purpose_id AND v.version = x.wording_version \
               LEFT JOIN consent_evidence e ON e.workspace_id = {ws} AND e.contact_id = x.contact_id AND e.entry_id = x.id \
               WHERE x.workspace_id = {ws} AND x.contact_id = ANY({ids})",
    },
    Part {
        name: "consent_requests",
        tables: &["consent_requests"],
        key: "x.id",
        columns: "'id', x.id, 'purpose', p.name, 'wording_version', x.wording_version, 'legal_basis', x.legal_basis, \
                  'language', x.language, 'state', x.state, 'mails', x.mails, 'mailed_at', x.mailed_at, \
                  'expires_at', x.expires_at, 'confirmed_at', x.confirmed_at, 'entry_id', x.entry_id, \
                  'actor', jsonb_build_object('type', x.actor_type, 'id', x.actor_id), 'created_at', x.created_at",
        from: "consent_requests x JOIN purposes p ON p.workspace_id = {ws} AND p.id = x.purpose_id \
               WHERE x.workspace_id = {ws} AND x.contact_id = ANY({ids})",
    },
    Part {
        name: "merges",
        tables: &["merges", "merge_losers", "contact_merges"],
        key: "x.id",
        columns: "'id', x.id, 'winner_id', x.winner_id, 'changed', x.changes, 'actor', \
                  jsonb_build_object('type', x.actor_type, 'id', x.actor_id), 'created_at', x.created_at, \
                  'undone_at', x.undone_at, 'merged', l.merged",
        from: "merges x CROSS JOIN LATERAL (SELECT jsonb_agg(jsonb_build_object('contact_id', l.loser_id, 'was', l.snapshot) \
                 ORDER BY l.place) AS merged FROM merge_losers l WHERE l.workspace_id = {ws} AND l.merge_id = x.id) AS l \
               WHERE x.workspace_id = {ws} AND (x.winner_id = ANY({ids}) OR x.id IN (SELECT m.merge_id \
                 FROM contact_merges m WHERE m.workspace_id = {ws} AND m.loser_id = ANY({ids})))",
    },
    Part {
        name: "notes",
        tables: &["contact_notes"],
        key: "x.id",
        columns: "'id', x.id, 'text', x.text, 'private', x.private, \
                  'author', jsonb_build_object('type', x.author_type, 'id', x.author_id), 'created_at', x.created_at, \
                  'updated_at', x.updated_at",
        from: "contact_notes x WHERE x.workspace_id = {ws} AND x.contact_id = ANY({ids}) AND ({private} OR NOT x.private)",
    },
    Part {
        name: "activities",
        tables: &["activity_contacts"],
        key: "x.activity_id",
        columns: "'id', a.id, 'type', a.type, 'subject', a.subject, 'text', a.text, 'starts_at', a.starts_at, \
                  'due_at', a.due_at, 'done_at', a.done_at, 'result', a.result, \
                  'author', jsonb_build_object('type', a.author_type, 'id', a.author_id), 'created_at', a.created_at, \
                  'updated_at', a.updated_at",
        from: "activity_contacts x JOIN activities a ON a.workspace_id = {ws} AND a.id = x.activity_id \
               WHERE x.workspace_id = {ws} AND x.contact_id = ANY({ids})",
    },
    Part {
        name: "owners",
        tables: &["contact_owners"],
        key: "x.user_id",
        columns: "'user_id', x.user_id, 'email', u.email, 'level', x.level, 'added_at', x.added_at",
        from: "contact_owners x JOIN users u ON u.workspace_id = {ws} AND u.id = x.user_id \
               WHERE x.workspace_id = {ws} AND x.contact_id = ANY({ids})",
    },
    Part {
        name: "companies",
        tables: &["company_contacts"],
        key: "x.company_id",
        columns: "'id', c.id, 'name', c.name, 'role', x.role, 'added_at', x.added_at",
        from: "company_contacts x JOIN companies c ON c.workspace_id = {ws} AND c.id = x.company_id \
               WHERE x.workspace_id = {ws} AND x.contact_id = ANY({ids})",
    },
    Part {
        name: "opportunities",
        tables: &["opportunity_contacts"],
        key: "x.opportunity_id",
        columns: "'id', o.id, 'name', o.name, 'role', x.role, 'added_at', x.added_at",
        from: "opportunity_contacts x JOIN opportunities o ON o.workspace_id = {ws} AND o.id = x.opportunity_id \
               WHERE x.workspace_id = {ws} AND x.contact_id = ANY({ids})",
    },
    Part {
        name: "projects",
        tables: &["project_contacts"],
        key: "x.project_id",
        columns: "'id', p.id, 'name', p.name, 'role', x.role, 'added_at', x.added_at",
        from: "project_contacts x JOIN projects p ON p.workspace_id = {ws} AND p.id = x.project_id \
               WHERE x.workspace_id = {ws} AND x.contact_id = ANY({ids})",
    },
    Part {
        name: "documents",
        tables: &["document_contacts"],
        key: "x.document_id",
        columns: "'id', d.id, 'kind', d.kind, 'name', d.name, 'page', d.page, 'private', d.private, \
                  'owner', jsonb_build_object('type', d.owner_type, 'id', d.owner_id), 'job_id', d.job_id, \
                  'created_at', d.created_at",
        from: "(SELECT DISTINCT l.document_id FROM document_contacts l WHERE l.workspace_id = {ws} AND l.contact_id = ANY({ids})) AS x \
               JOIN documents d ON d.workspace_id = {ws} AND d.id = x.document_id WHERE ({private} OR NOT d.private)",
    },
    Part {
        name: "runs",
        tables: &["runs"],
        key: "x.id",
        columns: "'id', x.id, 'type', d.type, 'definition_id', d.id, 'name', d.name, 'version', x.version, 'state', x.state, \
                  'origin', x.origin, 'node', x.node, 'due_at', x.due_at, 'steps', x.steps, 'created_at', x.created_at, \
                  'started_at', x.started_at, 'ended_at', x.ended_at, 'reason', x.reason",
        from: "runs x JOIN definitions d ON d.workspace_id = {ws} AND d.id = x.definition_id \
               WHERE x.workspace_id = {ws} AND x.contact_id = ANY({ids})",
    },
    Part {
        name: "imports",
        tables: &["import_rows", "import_changes", "import_tag_additions"],
        key: "i.id",
        columns: "'id', i.id, 'name', i.name, 'filename', i.source ->> 'filename', 'committed_at', i.committed_at, 'rows', x.rows",
        from: "imports i JOIN (SELECT r.import_id, jsonb_agg(jsonb_build_object('row', r.row, 'line', r.line, 'outcome', r.outcome, \
                 'problems', r.problems, 'changes', (SELECT c.changes FROM import_changes c WHERE c.workspace_id = {ws} \
                   AND c.import_id = r.import_id AND c.row = r.row AND c.contact_id = ANY({ids})), \
                 'tags', (SELECT jsonb_agg(t.name ORDER BY t.name) FROM import_tag_additions a \
                   JOIN tags t ON t.workspace_id = {ws} AND t.id = a.tag_id \
                   WHERE a.workspace_id = {ws} AND a.import_id = r.import_id AND a.contact_id = ANY({ids}) AND a.row = r.row), \
                 'read', (SELECT jsonb_strip_nulls(to_jsonb(s) - 'workspace_id' - 'import_id' - 'row' - 'line' - 'email_hash' \
                   - 'search' - 'tags' - 'consents' - 'head') FROM import_staged s \
                   WHERE s.workspace_id = {ws} AND s.import_id = r.import_id AND s.row = r.row)) ORDER BY r.row) AS rows \
               FROM (SELECT DISTINCT import_id, row FROM unnest({imports}, {rows}) AS u(import_id, row)) AS u \
               JOIN import_rows r ON r.workspace_id = {ws} AND r.import_id = u.import_id AND r.row = u.row GROUP BY r.import_id) AS x \
               ON x.import_id = i.id WHERE i.workspace_id = {ws}",
    },
    Part {
        name: "duplicates",
        tables: &["duplicate_pairs"],
        key: "x.other",
        columns: "'contact_id', x.other, 'score', x.score, 'exact', x.exact, 'reasons', x.reasons, 'found_at', x.found_at",
        from: "(SELECT other_id AS other, score, exact, reasons, found_at FROM duplicate_pairs \
                 WHERE workspace_id = {ws} AND contact_id = ANY({ids}) \
               UNION ALL SELECT contact_id, score, exact, reasons, found_at FROM duplicate_pairs \
                 WHERE workspace_id = {ws} AND other_id = ANY({ids})) AS x WHERE true",
    },
    Part {
        name: "not_duplicates",
        tables: &["duplicate_rejections"],
        key: "x.other",
        columns: "'contact_id', x.other, 'rejected_at', x.rejected_at",
        from: "(SELECT other_id AS other, rejected_at FROM duplicate_rejections WHERE workspace_id = {ws} AND contact_id = ANY({ids}) \
               UNION ALL SELECT contact_id, rejected_at FROM duplicate_rejections WHERE workspace_id = {ws} AND other_id = ANY({ids})) AS x \
               WHERE true",
    },
    Part {
        name: "values_before",
        tables: &["frozen_values"],
        key: "x.job_id",
        columns: "'job_id', x.job_id, 'actions', x.actions",
        from: "(SELECT v.job_id, jsonb_agg(jsonb_build_object('action', v.action, 'value', v.value) ORDER BY v.action) AS actions \
                 FROM frozen_values v WHERE v.workspace_id = {ws} AND v.contact_id = ANY({ids}) GROUP BY v.job_id) AS x WHERE true",
    },
    Part {
        name: "changes",
        tables: &[],
        key: "x.id",
        columns: "'id', x.id, 'at', x.at, 'action', x.action, 'what', x.changes, 'actor', \
                  jsonb_build_object('type', x.actor_type, 'id', x.actor_id), 'job_id', x.job_id",
        from: "audit_entries x WHERE x.workspace_id = {ws} AND x.record_id = ANY({ids})",
    },
];

/// Tables that name contacts and are not in an export, and why.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("activities", "names whom it is about in activity_contacts"),
    ("erasures", "its ids name somebody until the job is done, and nobody afterwards"),
    ("contact_search", "what the contact says once more, folded"),
    ("duplicate_staged", "hashes, only while a search runs"),
    ("integrity_removals", "hashes of what went with a purge"),
    ("frozen_contacts", "that a job looked at the contact; what it changed is in changes"),
];

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    key: Uuid,
    #[diesel(sql_type = Jsonb)]
    item: Value,
}

/// Whose export it is, and what of it.
#[derive(Clone, Debug)]
pub struct Whose {
    /// The contacts that are the person.
    pub contacts: Vec<Uuid>,
    /// Private notes of others, too.
    pub private: bool,
}

/// The next items of a part behind `after`, with the id to go on behind.
///
/// # Errors
/// What the database said.
pub fn items(
    tenant: &mut Tenant<'_>,
    part: &Part,
    whose: &Whose,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<(Uuid, Value)>, StoreError> {
    let of_imports = part.tables.contains(&"import_rows");
    let (imports, rows) = if of_imports {
        let rows = import_rows(tenant, &whose.contacts)?;
        (
            rows.iter().map(|row| row.import_id).collect::<Vec<_>>(),
            rows.iter().map(|row| row.row).collect::<Vec<_>>(),
        )
    } else {
        (Vec::new(), Vec::new())
    };
    let mut sql = Sql::default();
    let (ws, ids) = (sql.param(tenant.workspace), sql.param(whose.contacts.clone()));
    let mut from = part.from.replace("{ws}", &ws).replace("{ids}", &ids);
    if from.contains("{private}") {
        from = from.replace("{private}", &sql.param(whose.private));
    }
    if of_imports {
        from = from.replace("{imports}", &sql.param(imports)).replace("{rows}", &sql.param(rows));
    }
    let Part { key, columns, .. } = part;
    sql.push(&format!("SELECT {key} AS key, jsonb_build_object({columns}) AS item FROM {from}"));
    if let Some(after) = after {
        sql.push(&format!(" AND {key} > ")).bind(after);
    }
    sql.push(" ORDER BY 1 LIMIT ").bind(limit);
    Ok(sql.load::<Row>(tenant.conn)?.into_iter().map(|row| (row.key, row.item)).collect())
}

/// Suppressions of these hashes: channel, reason and since when (CNS-8).
///
/// # Errors
/// What the database said.
pub fn suppressions(
    tenant: &mut Tenant<'_>,
    hashes: &[(String, Vec<u8>)],
) -> Result<Vec<Value>, StoreError> {
    #[derive(QueryableByName)]
    struct Item {
        #[diesel(sql_type = Jsonb)]
        item: Value,
    }
    let mut found = Vec::new();
    for (channel, hash) in hashes {
        let mut sql = Sql::new(
            "SELECT jsonb_build_object('channel', channel, 'reason', reason, 'since', created_at) AS item \
             FROM suppressions WHERE workspace_id = ",
        );
        sql.bind(tenant.workspace).push(" AND channel = ").bind(channel.as_str());
        sql.push(" AND address_hash = ").bind(hash.clone());
        found.extend(sql.load::<Item>(tenant.conn)?.into_iter().map(|row| row.item));
    }
    Ok(found)
}

/// Where data of contacts is sent: receivers of webhooks that are sent the contact, or may read it by its id.
///
/// # Errors
/// What the database said.
pub fn receivers(tenant: &mut Tenant<'_>) -> Result<Vec<Value>, StoreError> {
    let webhooks = crate::webhooks::list(tenant, None, 1_000)?;
    Ok(webhooks
        .into_iter()
        .map(|webhook| {
            // path and query may hold a secret
            let host = webhook.url.split('/').nth(2).unwrap_or_default().to_owned();
            json!({"type": "webhook", "host": host, "sent_the_contact": webhook.include_contact,
                "enabled": webhook.enabled, "since": webhook.created_at})
        })
        .collect())
}
