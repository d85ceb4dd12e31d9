//! Saved segments in trees: their own trees in the place of their ids, bounded in size and depth (SEG-5).

use std::collections::HashMap;

use super::tree::{Filter, Leaf, Selection, Test};
use crate::ids::SegmentId;

/// Most nodes of a selection with all its segments unfolded.
pub const MAX_UNFOLDED: usize = 500;
/// Most segments on the way from a selection to a condition: segments of segments of segments.
pub const MAX_NESTING: usize = 8;

/// The saved segments that a selection may meet, by id.
pub type Library = HashMap<SegmentId, Selection>;

/// Why a selection cannot be unfolded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// More than [`MAX_UNFOLDED`].
    #[error("with all its segments it has {0} nodes; at most {MAX_UNFOLDED} are allowed")]
    Nodes(usize),
    /// More than [`MAX_NESTING`], or for ever.
    #[error("segments are nested more than {MAX_NESTING} deep")]
    Nesting,
}

/// The selection without segments: every one of them is replaced by what it means. One that `library` does
/// not know means nobody.
///
/// # Errors
/// [`TooLarge`]; nothing is built then.
pub fn unfold(selection: &Selection, library: &Library) -> Result<Selection, TooLarge> {
    measure(selection, library)?;
    Ok(flat(selection, library))
}

/// How many nodes it has when it is unfolded.
///
/// # Errors
/// [`TooLarge`].
pub fn measure(selection: &Selection, library: &Library) -> Result<usize, TooLarge> {
    let mut sizes = Sizes { library, known: HashMap::new() };
    match sizes.of(selection, 0)?.nodes {
        nodes if nodes > MAX_UNFOLDED => Err(TooLarge::Nodes(nodes)),
        nodes => Ok(nodes),
    }
}

/// The segments that `selection` names itself, each once, in order.
#[must_use]
pub fn segments_of(selection: &Selection) -> Vec<SegmentId> {
    let mut ids = selection.segments.clone();
    selection.each_leaf(&mut |leaf| {
        if let Test::Segment(segments) = &leaf.test {
            ids.extend(segments);
        }
    });
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Whether `wanted` is met when everything that `selection` names is looked into.
#[must_use]
pub fn reaches(selection: &Selection, wanted: SegmentId, library: &Library) -> bool {
    let mut waiting = segments_of(selection);
    let mut seen = std::collections::HashSet::new();
    while let Some(id) = waiting.pop() {
        if id == wanted {
            return true;
        }
        if seen.insert(id) {
            waiting.extend(library.get(&id).map(segments_of).unwrap_or_default());
        }
    }
    false
}

/// How large a segment is with all its own.
#[derive(Clone, Copy)]
struct Size {
    nodes: usize,
    /// Segments below it on the longest way.
    nesting: usize,
}

struct Sizes<'l> {
    library: &'l Library,
    known: HashMap<SegmentId, Size>,
}

impl Sizes<'_> {
    /// `above`: how many segments are around it already; so a circle ends too.
    fn of(&mut self, selection: &Selection, above: usize) -> Result<Size, TooLarge> {
        let Selection { segments, include, exclude, filter } = selection;
        let mut whole = Size { nodes: 0, nesting: 0 };
        let trees = [include, exclude, filter].into_iter().flatten();
        let nodes: usize = trees.map(nodes).sum();
        whole.nodes = nodes + segments.len();
        let mut named = segments.clone();
        selection.each_leaf(&mut |leaf| {
            if let Test::Segment(segments) = &leaf.test {
                named.extend(segments);
            }
        });
        for id in named {
            if above >= MAX_NESTING {
                return Err(TooLarge::Nesting);
            }
            let size = match (self.known.get(&id), self.library.get(&id)) {
                (Some(size), _) => *size,
                (None, Some(selection)) => self.of(selection, above + 1)?,
                (None, None) => Size { nodes: 0, nesting: 0 },
            };
            self.known.insert(id, size);
            whole.nodes = whole.nodes.saturating_add(size.nodes);
            whole.nesting = whole.nesting.max(size.nesting + 1);
        }
        if above + whole.nesting > MAX_NESTING {
            return Err(TooLarge::Nesting);
        }
        Ok(whole)
    }
}

fn nodes(filter: &Filter) -> usize {
    1 + match filter {
        Filter::And(filters) | Filter::Or(filters) => filters.iter().map(nodes).sum(),
        Filter::Not(filter) => nodes(filter),
        Filter::Leaf(_) => 0,
    }
}

fn flat(selection: &Selection, library: &Library) -> Selection {
    let Selection { segments, include, exclude, filter } = selection;
    let tree = |tree: &Option<Filter>| tree.as_ref().map(|filter| flat_filter(filter, library));
    let mut included: Vec<Filter> = segments.iter().map(|id| meaning(*id, library)).collect();
    included.extend(tree(include));
    Selection {
        segments: Vec::new(),
        include: match included.len() {
            0 => None,
            _ => Some(any(included)),
        },
        exclude: tree(exclude),
        filter: tree(filter),
    }
}

fn flat_filter(filter: &Filter, library: &Library) -> Filter {
    let all =
        |filters: &[Filter]| filters.iter().map(|filter| flat_filter(filter, library)).collect();
    match filter {
        Filter::And(filters) => Filter::And(all(filters)),
        Filter::Or(filters) => Filter::Or(all(filters)),
        Filter::Not(filter) => Filter::Not(Box::new(flat_filter(filter, library))),
        Filter::Leaf(Leaf { test: Test::Segment(segments), negated }) => {
            let within = any(segments.iter().map(|id| meaning(*id, library)).collect());
            if *negated { Filter::Not(Box::new(within)) } else { within }
        }
        Filter::Leaf(leaf) => Filter::Leaf(leaf.clone()),
    }
}

/// What one segment means, as one filter.
fn meaning(id: SegmentId, library: &Library) -> Filter {
    let Some(selection) = library.get(&id) else { return Filter::Or(Vec::new()) };
    let Selection { segments: _, include, exclude, filter } = flat(selection, library);
    let mut parts: Vec<Filter> = Vec::new();
    parts.extend(include);
    parts.extend(exclude.map(|filter| Filter::Not(Box::new(filter))));
    parts.extend(filter);
    match parts.len() {
        1 => parts.remove(0),
        _ => Filter::And(parts),
    }
}

fn any(mut filters: Vec<Filter>) -> Filter {
    match filters.len() {
        1 => filters.remove(0),
        _ => Filter::Or(filters),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::segments::read;

    fn id(number: u128) -> SegmentId {
        SegmentId(Uuid::from_u128(number))
    }

    fn selection(json: &Value) -> Selection {
        let reading = read::selection(json, "#", None);
        assert_eq!(reading.faults, [], "{json}");
        reading.resolve(|_| true).unwrap()
    }

    fn library(segments: &[(u128, Value)]) -> Library {
        segments.iter().map(|(number, json)| (id(*number), selection(json))).collect()
    }

    fn has(tag: &str) -> Value {
        json!({"field": "tag", "op": "has", "value": tag})
    }

    fn within(op: &str, numbers: &[u128]) -> Value {
        let ids: Vec<_> = numbers.iter().map(|number| id(*number)).collect();
        json!({"field": "segment", "op": op, "value": ids})
    }

    /// SEG-1, SEG-5: the tree of the segment stands where its id stood.
    #[test]
    fn segments_become_what_they_mean() {
        let library = library(&[
            (1, json!({"where": has("a")})),
            (2, json!({"segments": [id(1)], "include": has("b"), "exclude": has("c")})),
            (3, json!({})),
        ]);
        let flat = |json| unfold(&selection(&json), &library).unwrap();
        assert_eq!(flat(json!({"segments": [id(1)]})), selection(&json!({"include": has("a")})));
        assert_eq!(
            flat(json!({"segments": [id(1)], "include": has("x")})),
            selection(&json!({"include": {"or": [has("a"), has("x")]}}))
        );
        let second = json!({"and": [{"or": [has("a"), has("b")]}, {"not": has("c")}]});
        assert_eq!(
            flat(json!({"where": within("in", &[1, 2])})),
            selection(&json!({"where": {"or": [has("a"), second]}}))
        );
        assert_eq!(
            flat(json!({"where": within("not_in", &[2])})),
            selection(&json!({"where": {"not": second}}))
        );
        let everybody = flat(json!({"where": within("in", &[3])}));
        assert_eq!(everybody.filter, Some(Filter::And(Vec::new())));
        let nobody = flat(json!({"segments": [id(9)]}));
        assert_eq!(nobody.include, Some(Filter::Or(Vec::new())));
    }

    /// SEG-5: twice as large at every step, but only counted, never built.
    #[test]
    fn what_grows_beyond_all_bounds_is_refused() {
        let mut segments = vec![(0, json!({"where": {"and": vec![has("a"); 60]}}))];
        for number in 1..MAX_NESTING as u128 {
            segments.push((number, json!({"where": within("in", &[number - 1, number - 1])})));
        }
        let library = library(&segments);
        let size = |number: u128| unfold(&selection(&json!({"segments": [id(number)]})), &library);
        assert!(size(2).is_ok());
        assert!(matches!(size(4), Err(TooLarge::Nodes(n)) if n > MAX_UNFOLDED));
        assert!(matches!(size(MAX_NESTING as u128 - 1), Err(TooLarge::Nodes(_))));
    }

    /// SEG-5
    #[test]
    fn what_nests_too_deep_or_in_a_circle_is_refused() {
        let mut segments = vec![(0, json!({"where": has("a")}))];
        for number in 1..12 {
            segments.push((number, json!({"segments": [id(number - 1)]})));
        }
        segments.push((20, json!({"segments": [id(21)]})));
        segments.push((21, json!({"where": {"not": within("in", &[20])}})));
        let library = library(&segments);
        let from = |number: u128| selection(&json!({"segments": [id(number)]}));
        assert!(unfold(&from(7), &library).is_ok());
        for number in [8, 9, 11, 20, 21] {
            assert_eq!(unfold(&from(number), &library), Err(TooLarge::Nesting), "{number}");
        }
        // also where a shorter way to the same one was met first
        let both = selection(&json!({"segments": [id(1), id(8)]}));
        assert_eq!(unfold(&both, &library), Err(TooLarge::Nesting));
        assert!(reaches(&from(20), id(21), &library) && reaches(&from(20), id(20), &library));
        assert!(reaches(&from(7), id(0), &library) && !reaches(&from(7), id(8), &library));
    }
}
