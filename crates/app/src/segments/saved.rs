//! Saved segments: made, changed, counted, and kept while something uses them (SEG-4, SEG-5).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::phone::Region;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::SegmentId;
use kartoteka_domain::segments::names::{names_of, rename_tag};
use kartoteka_domain::segments::saved::{Label, MAX_TREE_BYTES, read_label};
use kartoteka_domain::segments::unfold::{Library, measure, reaches, segments_of};
use kartoteka_domain::segments::{NameKind, Reference, SegmentName, Selection, Target, read};
use kartoteka_domain::tags::TagName;
use kartoteka_persistence::segments::{self as trees, saved as store};
use kartoteka_persistence::{StoreError, Tenant, tags, workspaces};

use super::{of_segment, together, too_large};
use crate::access::audit;
use crate::context::Context;
use crate::error::Error;

pub use kartoteka_persistence::segments::saved::{Segment, Use, Uses, list, uses};

/// What a request says of a segment. Outside `None`: nothing is said of it; inside: it is cleared.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Its name.
    pub name: Option<String>,
    /// What people say of it.
    pub description: Option<Option<String>>,
    /// One filter.
    pub filter: Option<Option<Value>>,
    /// A whole selection.
    pub selection: Option<Option<Value>>,
}

/// A tree that was read and may be saved.
struct Tree {
    filter: Option<Value>,
    selection: Option<Value>,
    phone_region: String,
    segments: Vec<SegmentId>,
    names: BTreeSet<SegmentName>,
}

/// A segment and what uses it.
///
/// # Errors
/// `not_found`.
pub fn get(tenant: &mut Tenant<'_>, id: SegmentId) -> Result<(Segment, Uses), Error> {
    let segment = store::get(tenant, id, false)?.ok_or(Error::NotFound)?;
    let uses = uses_of(tenant, id)?;
    Ok((segment, uses))
}

fn uses_of(tenant: &mut Tenant<'_>, id: SegmentId) -> Result<Uses, StoreError> {
    Ok(uses(tenant, &[id])?.remove(&id).unwrap_or_default())
}

/// How many living contacts a segment holds, now.
///
/// # Errors
/// `not_found`, `selection_too_slow`.
pub fn count(tenant: &mut Tenant<'_>, ctx: &Context, id: SegmentId) -> Result<i64, Error> {
    if store::get(tenant, id, false)?.is_none() {
        return Err(Error::NotFound);
    }
    let selection = of_segment(tenant, id, "#")?;
    super::count(tenant, &selection, ctx.now)
}

/// Saves a segment. `others` are faults of the body that were found already.
///
/// # Errors
/// All faults of name and tree at once (SEG-3), `segment_exists`.
pub fn create(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    draft: &Draft,
    others: Vec<Fault>,
) -> Result<(Segment, Uses), Error> {
    store::lock(tenant)?;
    let mut faults = others;
    let name = draft.name.as_deref();
    let label = name.and_then(|name| label(name, &mut faults));
    let tree = tree(tenant, None, draft, &mut faults)?;
    let (Some(Label { name, key }), Some(tree), true) = (label, tree, faults.is_empty()) else {
        return Err(Error::invalid(faults));
    };
    let id = SegmentId(ctx.new_id());
    let segment = Segment {
        id: id.0,
        name,
        name_key: key,
        description: draft.description.clone().flatten().and_then(|text| written(&text)),
        filter: tree.filter,
        selection: tree.selection,
        phone_region: tree.phone_region,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    store::put(tenant, &segment).map_err(exists)?;
    store::put_references(tenant, id, &tree.segments, &tree.names)?;
    audit::record(tenant, ctx, "segment.create", "segment", Some(id.0), None)?;
    get(tenant, id)
}

/// Changes a segment. `guard` sees it as it is now.
///
/// # Errors
/// `not_found`, all faults of name and tree at once, `segment_exists`, what `guard` says.
pub fn update<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: SegmentId,
    draft: &Draft,
    others: Vec<Fault>,
    guard: impl FnOnce(&Segment, &Uses) -> Result<(), E>,
) -> Result<(Segment, Uses), E> {
    let (before, uses) = match hold(tenant, id) {
        Err(Error::NotFound) => {
            // what cannot be right for any segment is told first, as of every other body
            let faults = together(others, ill_formed(tenant, draft).map_err(E::from)?);
            let error = if faults.is_empty() { Error::NotFound } else { Error::invalid(faults) };
            return Err(error.into());
        }
        held => held?,
    };
    if others.is_empty() {
        guard(&before, &uses)?;
    }
    let changed = || -> Result<(Segment, Uses), Error> {
        let mut faults = others;
        let mut after = before.clone();
        if let Some(label) = draft.name.as_deref().and_then(|name| label(name, &mut faults)) {
            (after.name, after.name_key) = (label.name, label.key);
        }
        if let Some(description) = &draft.description {
            after.description = description.as_deref().and_then(written);
        }
        let says_tree = draft.filter.is_some() || draft.selection.is_some();
        let tree = if says_tree { tree(tenant, Some(&before), draft, &mut faults)? } else { None };
        if !faults.is_empty() {
            return Err(Error::invalid(faults));
        }
        let references = tree.map(|tree| {
            after.filter = tree.filter;
            after.selection = tree.selection;
            after.phone_region = tree.phone_region;
            (tree.segments, tree.names)
        });
        let fields = differing(&before, &after);
        if fields.is_empty() {
            return Ok((before, uses));
        }
        after.updated_at = ctx.now;
        store::put(tenant, &after).map_err(exists)?;
        if let Some((segments, names)) = references {
            store::put_references(tenant, id, &segments, &names)?;
        }
        let changes = json!({"fields": fields});
        audit::record(tenant, ctx, "segment.update", "segment", Some(id.0), Some(changes))?;
        get(tenant, id)
    };
    Ok(changed()?)
}

/// Removes a segment that nothing uses.
///
/// # Errors
/// `not_found`, `segment_in_use` with the numbers, what `guard` says.
pub fn delete<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: SegmentId,
    guard: impl FnOnce(&Segment, &Uses) -> Result<(), E>,
) -> Result<(), E> {
    let (segment, uses) = hold(tenant, id)?;
    guard(&segment, &uses)?;
    let mut gone = || -> Result<(), Error> {
        if uses.count() > 0 {
            return Err(in_use(&uses));
        }
        store::delete(tenant, id)?;
        Ok(audit::record(tenant, ctx, "segment.delete", "segment", Some(id.0), None)?)
    };
    Ok(gone()?)
}

fn hold(tenant: &mut Tenant<'_>, id: SegmentId) -> Result<(Segment, Uses), Error> {
    store::lock(tenant)?;
    let segment = store::get(tenant, id, true)?.ok_or(Error::NotFound)?;
    // looked for after the lock: who uses it since before has committed
    let uses = uses_of(tenant, id)?;
    Ok((segment, uses))
}

fn in_use(uses: &Uses) -> Error {
    let of = |kind: &str| uses.kinds.get(kind).copied().unwrap_or(0);
    let mut numbers = Map::new();
    numbers.insert("uses".into(), uses.count().into());
    for (kind, plural) in KINDS {
        numbers.insert((*plural).into(), of(kind).into());
    }
    let detail = format!(
        "{} segments, {} jobs, {} campaigns, {} rules and {} scenarios use the segment; take it out of them first, or wait \
         for the jobs.",
        of("segment"),
        of("job"),
        of("campaign"),
        of("rule"),
        of("scenario")
    );
    Error::refused_with(Code::SegmentInUse, detail, Value::Object(numbers))
}

/// What may use a segment, and how several of it are called.
const KINDS: &[(&str, &str)] = &[
    ("segment", "segments"),
    ("job", "jobs"),
    ("campaign", "campaigns"),
    ("rule", "rules"),
    ("scenario", "scenarios"),
];

/// Names of the fields that differ.
fn differing(before: &Segment, after: &Segment) -> Vec<&'static str> {
    let pairs = [
        ("name", before.name != after.name),
        ("description", before.description != after.description),
        ("filter", before.filter != after.filter),
        ("selection", before.selection != after.selection),
    ];
    pairs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

/// Reads the name. A fault that the schema has told is not told again.
fn label(name: &str, faults: &mut Vec<Fault>) -> Option<Label> {
    let mut own = Vec::new();
    let label = read_label(name, "#/name", &mut own);
    if !faults.iter().any(|fault| fault.pointer == "#/name") {
        faults.extend(own);
    }
    label
}

fn written(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn exists(error: StoreError) -> Error {
    match error.constraint() {
        Some("segments_name_key") => Error::refused(
            Code::SegmentExists,
            "There is a segment with this name; names are compared without case.",
        ),
        _ => Error::Store(error),
    }
}

/// What is wrong with the trees of a draft wherever they stood.
fn ill_formed(tenant: &mut Tenant<'_>, draft: &Draft) -> Result<Vec<Fault>, Error> {
    let region = Region::parse(&workspaces::get(tenant)?.phone_region).ok();
    let mut faults = Vec::new();
    if let Some(Some(json)) = &draft.filter {
        faults.extend(read::filter(json, "#/filter", region).faults);
    }
    if let Some(Some(json)) = &draft.selection {
        faults.extend(read::selection(json, "#/selection", region).faults);
    }
    Ok(faults)
}

/// Reads the tree of a draft, holds what it names, and sees that neither it nor a segment that uses it grows
/// out of bounds or into itself. The caller holds the lock on segments. `None` when there are faults.
fn tree(
    tenant: &mut Tenant<'_>,
    before: Option<&Segment>,
    draft: &Draft,
    faults: &mut Vec<Fault>,
) -> Result<Option<Tree>, Error> {
    let phone_region = workspaces::get(tenant)?.phone_region;
    let region = Region::parse(&phone_region).ok();
    let filter = draft.filter.clone().flatten();
    let selection = draft.selection.clone().flatten();
    let (at, reading) = match (&filter, &selection) {
        (Some(_), Some(_)) => {
            let detail = "A segment has a filter or a selection, not both.";
            faults.push(Fault::new("#/selection", Code::InvalidValue, detail));
            return Ok(None);
        }
        (Some(json), None) => {
            let reading = read::filter(json, "#/filter", region);
            ("#/filter", reading.map(|filter| Selection { filter, ..Selection::default() }))
        }
        (None, Some(json)) => ("#/selection", read::selection(json, "#/selection", region)),
        (None, None) => {
            // one that is cleared may be the one that is not there
            let kept = |segment: &&Segment| {
                !(draft.filter.is_some() && segment.filter.is_some()
                    || draft.selection.is_some() && segment.selection.is_some())
            };
            let Some(segment) = before.filter(kept) else {
                let at = match before {
                    Some(Segment { selection: Some(_), .. }) => "#/selection",
                    _ => "#/filter",
                };
                let detail = "A segment needs a filter, or a selection.";
                faults.push(Fault::new(at, Code::MissingField, detail));
                return Ok(None);
            };
            let selection = segment.read()?;
            return Ok(Some(Tree {
                filter: segment.filter.clone(),
                selection: segment.selection.clone(),
                phone_region: segment.phone_region.clone(),
                segments: segments_of(&selection),
                names: names_of(&selection),
            }));
        }
    };
    let bytes = filter.as_ref().or(selection.as_ref()).map_or(0, |json| json.to_string().len());
    if bytes > MAX_TREE_BYTES {
        let detail = format!("It has {bytes} bytes as JSON; at most {MAX_TREE_BYTES} are kept.");
        faults.push(Fault::new(at, Code::TooLong, detail));
        return Ok(None);
    }
    let references = reading.references.clone();
    let existing = trees::hold(tenant, &references)?;
    let meant = match reading.resolve(|target| existing.holds(target)) {
        Ok(meant) => meant,
        Err(found) => {
            *faults = together(std::mem::take(faults), found);
            return Ok(None);
        }
    };
    let segments = segments_of(&meant);
    let own = before.map(|segment| SegmentId(segment.id));
    let found = ill_nested(tenant, own, &meant, &references, at)?;
    if !found.is_empty() {
        faults.extend(found);
        return Ok(None);
    }
    let names = names_of(&meant);
    let keys = names.iter().filter(|name| name.kind == NameKind::Tag);
    tags::hold(tenant, keys.map(|name| name.name.clone()).collect())?;
    Ok(Some(Tree { filter, selection, phone_region, segments, names }))
}

/// Circles, and what would become too large: the tree itself, or a segment that uses the one it belongs to.
fn ill_nested(
    tenant: &mut Tenant<'_>,
    own: Option<SegmentId>,
    meant: &Selection,
    references: &[Reference],
    at: &str,
) -> Result<Vec<Fault>, Error> {
    let users = match own {
        Some(own) => store::users(tenant, own)?,
        None => Vec::new(),
    };
    let mut needed = segments_of(meant);
    if needed.is_empty() && users.is_empty() {
        return Ok(Vec::new());
    }
    needed.extend(&users);
    let mut library: Library = store::library(tenant, &needed)?;
    if let Some(own) = own {
        let circle = |id: &SegmentId| {
            *id == own || library.get(id).is_some_and(|segment| reaches(segment, own, &library))
        };
        let faults: Vec<Fault> = references
            .iter()
            .filter(|reference| matches!(&reference.target, Target::Segment(id) if circle(id)))
            .map(|reference| {
                let detail = "This segment is, or uses, the one that is changed: it would be part of itself.";
                Fault::new(reference.pointer.as_str(), Code::SegmentCycle, detail)
            })
            .collect();
        if !faults.is_empty() {
            return Ok(faults);
        }
        library.insert(own, meant.clone());
    }
    // a segment counts as one more on the way to its conditions
    let as_used = |id| Selection { segments: vec![id], ..Selection::default() };
    let mut grown: Vec<Selection> = users.into_iter().map(as_used).collect();
    match own {
        Some(own) => grown.push(as_used(own)),
        None => {
            let id = SegmentId(uuid::Uuid::nil());
            library.insert(id, meant.clone());
            grown.push(as_used(id));
        }
    }
    let error = grown.iter().find_map(|selection| measure(selection, &library).err());
    Ok(error.map(|error| too_large(at, error)).into_iter().collect())
}

/// How many segments name a thing that somebody wants to delete.
///
/// # Errors
/// What the database said.
pub fn count_naming(
    tenant: &mut Tenant<'_>,
    kind: NameKind,
    name: &str,
) -> Result<i64, StoreError> {
    store::count_naming(tenant, kind, vec![name.to_owned()])
}

/// How many segments name any of these, each once.
///
/// # Errors
/// What the database said.
pub fn count_naming_any(
    tenant: &mut Tenant<'_>,
    kind: NameKind,
    names: Vec<String>,
) -> Result<i64, StoreError> {
    store::count_naming(tenant, kind, names)
}

/// Lets nobody else change segments until the end of the transaction: before the lock on what they name, for
/// who renames it.
///
/// # Errors
/// [`StoreError::Busy`] when it is not given in time.
pub(crate) fn lock(tenant: &mut Tenant<'_>) -> Result<(), StoreError> {
    store::lock(tenant)
}

/// Follows a tag that is renamed: the trees that name it name it anew. The caller holds [`lock`].
///
/// # Errors
/// What the database said.
pub(crate) fn follow_tag(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    key: &str,
    name: &TagName,
) -> Result<(), StoreError> {
    let mut segments = store::naming(tenant, NameKind::Tag, key)?;
    if segments.is_empty() {
        return Ok(());
    }
    for segment in &mut segments {
        for tree in [&mut segment.filter, &mut segment.selection].into_iter().flatten() {
            rename_tag(tree, key, name);
        }
    }
    store::put_trees(tenant, &segments, ctx.now)?;
    store::rename(tenant, NameKind::Tag, key, name.key())?;
    let ids: Vec<_> = segments.iter().map(|segment| segment.id).collect();
    audit::record_many(tenant, ctx, "segment.update", "segment", &ids)
}
