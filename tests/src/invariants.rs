//! What is true of the tables after whatever was done to them.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

/// Names of rules, each with a query that counts what breaks it.
const RULES: &[(&str, &str)] = &[
    (
        "the counters of a workspace are what it holds",
        "SELECT count(*) AS n FROM (
            SELECT w.id, (SELECT coalesce(sum(u.live), 0) FROM workspace_usage u WHERE u.workspace_id = w.id) AS live,
                (SELECT coalesce(sum(u.trashed), 0) FROM workspace_usage u WHERE u.workspace_id = w.id) AS trashed
            FROM workspaces w) AS counted
         LEFT JOIN (SELECT workspace_id, count(*) FILTER (WHERE trashed_at IS NULL) AS live, count(trashed_at) AS trashed
            FROM contacts GROUP BY workspace_id) AS real ON real.workspace_id = counted.id
         WHERE counted.live <> coalesce(real.live, 0) OR counted.trashed <> coalesce(real.trashed, 0)",
    ),
    (
        "search is contact_search() of the row",
        "SELECT count(*) AS n FROM contacts
         WHERE search IS DISTINCT FROM contact_search(first_name, last_name, email, phone, company_name)",
    ),
    (
        "the search index holds what the contacts hold, or knows that it will",
        "SELECT count(*) AS n FROM contacts c
         FULL JOIN contact_search s ON s.workspace_id = c.workspace_id AND s.contact_id = c.id
         WHERE s.search IS DISTINCT FROM c.search AND (s.contact_id IS NOT NULL OR NOT EXISTS (
            SELECT FROM contact_search_lag l
            WHERE l.workspace_id = c.workspace_id AND c.id > l.from_id AND c.id <= l.to_id))",
    ),
    (
        "a tag of a contact has a contact and a tag",
        "SELECT count(*) AS n FROM contact_tags x
         WHERE NOT EXISTS (SELECT FROM contacts c WHERE c.workspace_id = x.workspace_id AND c.id = x.contact_id)
            OR NOT EXISTS (SELECT FROM tags t WHERE t.workspace_id = x.workspace_id AND t.id = x.tag_id)",
    ),
    (
        "a group of a contact has a contact and a group",
        "SELECT count(*) AS n FROM contact_groups x
         WHERE NOT EXISTS (SELECT FROM contacts c WHERE c.workspace_id = x.workspace_id AND c.id = x.contact_id)
            OR NOT EXISTS (SELECT FROM groups g WHERE g.workspace_id = x.workspace_id AND g.id = x.group_id)",
    ),
    (
        "a stage of a contact has a contact and a stage",
        "SELECT count(*) AS n FROM contact_stages x
         WHERE NOT EXISTS (SELECT FROM contacts c WHERE c.workspace_id = x.workspace_id AND c.id = x.contact_id)
            OR NOT EXISTS (SELECT FROM funnel_stages s WHERE s.workspace_id = x.workspace_id AND s.id = x.stage_id)",
    ),
    (
        "the stages of a funnel stand in its places from 1 on, without gaps",
        "SELECT count(*) AS n FROM (SELECT s.position, row_number() OVER (PARTITION BY s.workspace_id, s.funnel_id
            ORDER BY s.position) AS place FROM funnel_stages s) AS x WHERE x.position <> x.place",
    ),
    (
        "a type of a contact is one of its workspace",
        "SELECT count(*) AS n FROM contacts c WHERE c.type_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM contact_types t WHERE t.workspace_id = c.workspace_id AND t.id = c.type_id)",
    ),
    (
        "an entry of the ledger has a contact, or one that was merged, and a purpose with that wording",
        "SELECT count(*) AS n FROM consent_entries x
         WHERE NOT EXISTS (SELECT FROM contacts c WHERE c.workspace_id = x.workspace_id AND c.id = x.contact_id
                UNION ALL SELECT FROM contact_merges m WHERE m.workspace_id = x.workspace_id AND m.loser_id = x.contact_id)
            OR NOT EXISTS (SELECT FROM purpose_versions v WHERE v.workspace_id = x.workspace_id
                AND v.purpose_id = x.purpose_id AND v.version = x.wording_version)",
    ),
    (
        "a consent is the last word of the ledger",
        "SELECT count(*) AS n FROM consents c FULL JOIN (
            SELECT DISTINCT ON (workspace_id, contact_id, purpose_id) workspace_id, contact_id, purpose_id, id, action, at
            FROM consent_entries ORDER BY workspace_id, contact_id, purpose_id, at DESC, id DESC) AS e
         USING (workspace_id, contact_id, purpose_id)
         WHERE c.entry_id IS DISTINCT FROM e.id OR c.granted IS DISTINCT FROM (e.action = 'grant') OR c.at IS DISTINCT FROM e.at",
    ),
    (
        "what hangs on a contact hangs on one that is there",
        "SELECT count(*) AS n FROM (
            SELECT workspace_id, contact_id FROM contact_notes UNION ALL
            SELECT workspace_id, contact_id FROM coupons UNION ALL
            SELECT workspace_id, contact_id FROM contact_owners UNION ALL
            SELECT workspace_id, contact_id FROM duplicate_pairs UNION ALL
            SELECT workspace_id, other_id FROM duplicate_pairs UNION ALL
            SELECT workspace_id, contact_id FROM duplicate_rejections UNION ALL
            SELECT workspace_id, other_id FROM duplicate_rejections UNION ALL
            SELECT workspace_id, contact_id FROM company_contacts UNION ALL
            SELECT workspace_id, contact_id FROM opportunity_contacts UNION ALL
            SELECT workspace_id, contact_id FROM project_contacts UNION ALL
            SELECT workspace_id, contact_id FROM activity_contacts UNION ALL
            SELECT workspace_id, contact_id FROM runs UNION ALL
            SELECT workspace_id, contact_id FROM consent_requests) AS x
         WHERE NOT EXISTS (SELECT FROM contacts c WHERE c.workspace_id = x.workspace_id AND c.id = x.contact_id)",
    ),
    (
        "a run goes through a version that is there, and is marked as used",
        "SELECT count(*) AS n FROM runs r WHERE NOT EXISTS (SELECT FROM definition_versions v
            WHERE v.workspace_id = r.workspace_id AND v.definition_id = r.definition_id AND v.version = r.version AND v.used)",
    ),
    (
        "only rules and scenarios that are switched on are started by events",
        "SELECT count(*) AS n FROM start_events s WHERE NOT EXISTS (SELECT FROM definitions d
            WHERE d.workspace_id = s.workspace_id AND d.id = s.definition_id AND d.type = s.definition_type AND d.enabled)",
    ),
    (
        "what an import remembers of a contact, and a line of a document, is about one that is there, or was merged",
        "SELECT count(*) AS n FROM (
            SELECT workspace_id, contact_id FROM document_contacts UNION ALL
            SELECT workspace_id, contact_id FROM import_changes UNION ALL
            SELECT workspace_id, contact_id FROM import_tag_additions) AS x
         WHERE NOT EXISTS (SELECT FROM contacts c WHERE c.workspace_id = x.workspace_id AND c.id = x.contact_id
            UNION ALL SELECT FROM contact_merges m WHERE m.workspace_id = x.workspace_id AND m.loser_id = x.contact_id)",
    ),
    (
        "a merged contact is not there, and its id leads to one that is",
        "SELECT count(*) AS n FROM contact_merges m
         WHERE EXISTS (SELECT FROM contacts c WHERE c.workspace_id = m.workspace_id AND c.id = m.loser_id)
            OR NOT EXISTS (SELECT FROM contacts c WHERE c.workspace_id = m.workspace_id AND c.id = m.winner_id)",
    ),
    (
        "what undoing a merge needs is kept as long as it can be undone, and no longer",
        "SELECT count(*) AS n FROM merge_losers l JOIN merges m ON m.workspace_id = l.workspace_id AND m.id = l.merge_id
         WHERE (l.snapshot IS NOT NULL) <> (m.undone_at IS NULL AND NOT m.forgotten)
            OR (m.changes = '{}') <> (m.undone_at IS NOT NULL OR m.forgotten)
            OR (m.undone_at IS NULL AND NOT m.forgotten) <> EXISTS (SELECT FROM contact_merges t
                WHERE t.workspace_id = m.workspace_id AND t.merge_id = m.id AND t.loser_id = l.loser_id)",
    ),
];

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// The rules that do not hold, with how often; empty when all is well.
#[must_use]
pub fn breaches(conn: &mut PgConnection) -> Vec<String> {
    let mut breaches = Vec::new();
    for (rule, sql) in RULES {
        let broken = diesel::sql_query(*sql).get_result::<Number>(conn).unwrap().n;
        if broken > 0 {
            breaches.push(format!("{rule}: not for {broken}"));
        }
    }
    breaches
}
