//! What names in a selection stand for: looked up first, so that the statement compares ids, whose
//! frequency the planner knows.

use std::collections::{HashMap, HashSet};

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use uuid::Uuid;

use kartoteka_domain::consents::ledger::Channel;
use kartoteka_domain::ids::{ContactTypeId, GroupId, ImportId, SegmentId, StageId};
use kartoteka_domain::segments::{Link, Reference, Selection, Target, Test};

use super::IdRow;
use crate::classes::{self, Kind};
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// The tags and purposes a selection names, by their names, and the imports.
#[derive(Clone, Debug, Default)]
pub struct Names {
    tags: HashMap<String, Uuid>,
    purposes: Vec<Purpose>,
    imports: Vec<Made>,
}

/// What the ids of the contacts an import made look like; see `import_row_id()`.
#[derive(Clone, Debug, QueryableByName)]
pub(super) struct Made {
    #[diesel(sql_type = SqlUuid)]
    import_id: Uuid,
    /// None is less.
    #[diesel(sql_type = SqlUuid)]
    pub(super) first: Uuid,
    /// None is more.
    #[diesel(sql_type = SqlUuid)]
    pub(super) last: Uuid,
    /// Their last 42 bits.
    #[diesel(sql_type = BigInt)]
    pub(super) salt: i64,
    /// Rows that were written.
    #[diesel(sql_type = BigInt)]
    pub(super) rows: i64,
}

#[derive(Clone, Debug, QueryableByName)]
struct Purpose {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    channel: String,
}

#[derive(QueryableByName)]
struct TagRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name_key: String,
}

impl Names {
    /// Looks up what the selection names; asks nothing when it names nothing.
    ///
    /// # Errors
    /// What the database said.
    pub fn load(tenant: &mut Tenant<'_>, selection: &Selection) -> Result<Self, StoreError> {
        let (mut keys, mut with_purposes, mut imports) = (Vec::new(), false, Vec::new());
        selection.each_leaf(&mut |leaf| match &leaf.test {
            Test::Tag(tag) => keys.extend(tag.keys.iter().flatten().cloned()),
            Test::Consent(..) | Test::Status(..) => with_purposes = true,
            Test::Import(ids) => imports.extend(ids.iter().map(|import| import.0)),
            _ => {}
        });
        let mut names = Self::default();
        if !keys.is_empty() {
            let mut sql = Sql::new("SELECT id, name_key FROM tags WHERE workspace_id = ");
            sql.bind(tenant.workspace).push(" AND name_key = ANY (").bind(keys).push(")");
            let rows: Vec<TagRow> = sql.load(tenant.conn)?;
            names.tags = rows.into_iter().map(|row| (row.name_key, row.id)).collect();
        }
        if with_purposes {
            let mut sql = Sql::new("SELECT id, name, channel FROM purposes WHERE workspace_id = ");
            sql.bind(tenant.workspace).push(" ORDER BY id");
            names.purposes = sql.load(tenant.conn)?;
        }
        if !imports.is_empty() {
            let base = "floor(extract(epoch FROM committed_at) * 1000)::bigint";
            let mut sql = Sql::new(&format!(
                "SELECT id AS import_id, import_row_id({base}, 0, 0) AS first, \
                 import_row_id({base}, 4398046511103, applied_row) AS last, id_salt AS salt, applied_row AS rows \
                 FROM imports WHERE committed_at IS NOT NULL AND id_salt IS NOT NULL AND workspace_id = "
            ));
            sql.bind(tenant.workspace).push(" AND id = ANY (").bind(imports).push(")");
            names.imports = sql.load(tenant.conn)?;
        }
        Ok(names)
    }

    /// Tags with these keys, and purposes by name and channel, that stand nowhere: for tests that look at the
    /// text of statements only.
    #[must_use]
    pub fn made_up<'t>(
        tags: impl IntoIterator<Item = &'t str>,
        purposes: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) -> Self {
        let purpose = |(name, channel): (&str, &str)| Purpose {
            id: Uuid::nil(),
            name: name.to_owned(),
            channel: channel.to_owned(),
        };
        Self {
            tags: tags.into_iter().map(|key| (key.to_owned(), Uuid::nil())).collect(),
            purposes: purposes.into_iter().map(purpose).collect(),
            imports: Vec::new(),
        }
    }

    pub(super) fn tag(&self, key: &str) -> Option<Uuid> {
        self.tags.get(key).copied()
    }

    /// Those of the imports that were committed.
    pub(super) fn made_by(&self, imports: &[ImportId]) -> Vec<&Made> {
        self.imports.iter().filter(|made| imports.contains(&ImportId(made.import_id))).collect()
    }

    pub(super) fn purpose(&self, name: &str) -> Option<Uuid> {
        self.purposes.iter().find(|purpose| purpose.name == name).map(|purpose| purpose.id)
    }

    pub(super) fn purposes_of(&self, channel: Channel) -> Vec<Uuid> {
        let of = self.purposes.iter().filter(|purpose| purpose.channel == channel.as_str());
        of.map(|purpose| purpose.id).collect()
    }
}

/// Which of the things a tree refers to exist in the workspace.
#[derive(Clone, Debug, Default)]
pub struct Existing {
    purposes: HashSet<String>,
    imports: HashSet<ImportId>,
    groups: HashSet<GroupId>,
    contact_types: HashSet<ContactTypeId>,
    stages: HashSet<StageId>,
    linked: HashSet<(Link, Uuid)>,
    segments: HashSet<SegmentId>,
}

impl Existing {
    /// Whether this one does.
    #[must_use]
    pub fn holds(&self, target: &Target) -> bool {
        match target {
            Target::Purpose(name) => self.purposes.contains(name),
            Target::Import(id) => self.imports.contains(id),
            Target::Group(id) => self.groups.contains(id),
            Target::ContactType(id) => self.contact_types.contains(id),
            Target::Stage(id) => self.stages.contains(id),
            Target::Linked(link, id) => self.linked.contains(&(*link, *id)),
            Target::Segment(id) => self.segments.contains(id),
        }
    }
}

#[derive(QueryableByName)]
struct NameRow {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Looks up what `references` point to.
///
/// # Errors
/// What the database said.
pub fn existing(tenant: &mut Tenant<'_>, references: &[Reference]) -> Result<Existing, StoreError> {
    look_up(tenant, references, "")
}

/// As [`existing`], and lets nobody remove it before the transaction ends.
///
/// # Errors
/// As [`existing`]; [`StoreError::Busy`] when somebody holds it for too long.
pub fn hold(tenant: &mut Tenant<'_>, references: &[Reference]) -> Result<Existing, StoreError> {
    look_up(tenant, references, " ORDER BY id FOR KEY SHARE")
}

fn look_up(
    tenant: &mut Tenant<'_>,
    references: &[Reference],
    lock: &str,
) -> Result<Existing, StoreError> {
    let mut names: Vec<String> = Vec::new();
    let mut ids: Vec<Uuid> = Vec::new();
    let (mut groups, mut types): (Vec<Uuid>, Vec<Uuid>) = (Vec::new(), Vec::new());
    let mut stages: Vec<Uuid> = Vec::new();
    let mut linked: HashMap<Link, Vec<Uuid>> = HashMap::new();
    let mut segments: Vec<Uuid> = Vec::new();
    for reference in references {
        match &reference.target {
            Target::Purpose(name) => names.push(name.clone()),
            Target::Import(id) => ids.push(id.0),
            Target::Group(id) => groups.push(id.0),
            Target::ContactType(id) => types.push(id.0),
            Target::Stage(id) => stages.push(id.0),
            Target::Linked(link, id) => linked.entry(*link).or_default().push(*id),
            Target::Segment(id) => segments.push(id.0),
        }
    }
    let mut found = Existing::default();
    for (link, ids) in linked {
        let table = match link {
            Link::Owner => "users",
            Link::Company => "companies",
            Link::Opportunity => "opportunities",
            Link::Project => "projects",
        };
        let mut sql = Sql::new(&format!("SELECT id FROM {table} WHERE workspace_id = "));
        sql.bind(tenant.workspace).push(" AND id = ANY (").bind(ids).push(")").push(lock);
        let rows: Vec<IdRow> = sql.load(tenant.conn)?;
        found.linked.extend(rows.into_iter().map(|row| (link, row.id)));
    }
    if !names.is_empty() {
        let mut sql = Sql::new("SELECT name FROM purposes WHERE workspace_id = ");
        sql.bind(tenant.workspace).push(" AND name = ANY (").bind(names).push(")").push(lock);
        let rows: Vec<NameRow> = sql.load(tenant.conn)?;
        found.purposes = rows.into_iter().map(|row| row.name).collect();
    }
    if !ids.is_empty() {
        let mut sql = Sql::new("SELECT id FROM imports WHERE workspace_id = ");
        sql.bind(tenant.workspace).push(" AND id = ANY (").bind(ids).push(")");
        let rows: Vec<IdRow> = sql.load(tenant.conn)?;
        found.imports = rows.into_iter().map(|row| ImportId(row.id)).collect();
    }
    let classes = if lock.is_empty() { classes::existing } else { classes::hold };
    let groups = classes(tenant, Kind::Group, groups)?;
    found.groups = groups.into_iter().map(GroupId).collect();
    let types = classes(tenant, Kind::ContactType, types)?;
    found.contact_types = types.into_iter().map(ContactTypeId).collect();
    if !stages.is_empty() {
        let mut sql = Sql::new("SELECT id FROM funnel_stages WHERE workspace_id = ");
        sql.bind(tenant.workspace).push(" AND id = ANY (").bind(stages).push(")").push(lock);
        let rows: Vec<IdRow> = sql.load(tenant.conn)?;
        found.stages = rows.into_iter().map(|row| StageId(row.id)).collect();
    }
    if !segments.is_empty() {
        let mut sql = Sql::new("SELECT id FROM segments WHERE workspace_id = ");
        sql.bind(tenant.workspace).push(" AND id = ANY (").bind(segments).push(")").push(lock);
        let rows: Vec<IdRow> = sql.load(tenant.conn)?;
        found.segments = rows.into_iter().map(|row| SegmentId(row.id)).collect();
    }
    Ok(found)
}

#[cfg(test)]
impl Names {
    /// A tag and a purpose for tests of the text.
    pub(super) fn for_tests() -> Self {
        Self::made_up(["vip"], [("email_basic", "email")])
    }
}
