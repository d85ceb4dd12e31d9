//! Whether the steps of a scenario make sense together (SCN-1, SCN-10): nothing here looks at what a step does.

use std::collections::HashMap;

use crate::codes::Code;
use crate::faults::Fault;

/// What a step is to the way a contact takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A way begins here.
    Start,
    /// Something is done or asked.
    Passing,
    /// The contact stays for a while; a loop through it turns slowly.
    Wait,
    /// A way ends here.
    End,
}

/// One step and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vertex {
    /// Its id.
    pub id: String,
    /// What it is.
    pub step: Step,
    /// Where it leads: the member that says so, and the id there; nothing where nothing is said yet.
    pub edges: Vec<(&'static str, Option<String>)>,
}

/// What keeps a graph of steps from being run; nothing when it can be. The vertex at a place stands at
/// `#/nodes/{place}` of its definition.
///
/// A graph without a fault has a start; every edge leads to a step; nothing leads to a start; every step is reached
/// from a start, and from every step a way leads to an end; and every loop leads through a wait.
#[must_use]
pub fn check(vertices: &[Vertex]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (place, vertex) in vertices.iter().enumerate() {
        if places.insert(&vertex.id, place).is_some() {
            let at = format!("#/nodes/{place}/id");
            faults.push(Fault::new(at, Code::InvalidGraph, "Another step has this id."));
        }
    }
    let starts: Vec<usize> = places_of(vertices, Step::Start);
    if starts.is_empty() {
        let detail = "A scenario needs a step of type start.";
        faults.push(Fault::new("#/nodes", Code::InvalidGraph, detail));
    }
    let mut ways: Vec<Vec<usize>> = vec![Vec::new(); vertices.len()];
    let mut broken = vec![false; vertices.len()];
    for (place, vertex) in vertices.iter().enumerate() {
        for (member, target) in &vertex.edges {
            let at = format!("#/nodes/{place}/{member}");
            let (code, detail) = match target.as_deref().map(|id| places.get(id)) {
                None => (Code::MissingField, "Say which step comes next."),
                Some(None) => (Code::UnknownReference, "There is no step with this id."),
                Some(Some(to)) if step_at(vertices, *to) == Some(Step::Start) => {
                    (Code::InvalidGraph, "Nothing leads to a start.")
                }
                Some(Some(to)) => {
                    push(&mut ways, place, *to);
                    continue;
                }
            };
            mark(&mut broken, place);
            faults.push(Fault::new(at, code, detail));
        }
    }
    let told = |places: Vec<usize>, detail: &str, faults: &mut Vec<Fault>| {
        for place in places {
            faults.push(Fault::new(format!("#/nodes/{place}"), Code::InvalidGraph, detail));
        }
    };
    if !starts.is_empty() {
        let reached = reach(&ways, &starts);
        told(missing(&reached), "No way leads here from a start.", &mut faults);
    }
    // what leads nowhere yet is told above, and not once more for every step before it
    let mut ends = places_of(vertices, Step::End);
    ends.extend(broken.iter().enumerate().filter(|(_, broken)| **broken).map(|(place, _)| place));
    let back = reversed(&ways);
    told(missing(&reach(&back, &ends)), "No way leads from here to an end.", &mut faults);
    let quick: Vec<Vec<usize>> = ways
        .iter()
        .enumerate()
        .map(|(place, to)| {
            let quick = |place: &usize| step_at(vertices, *place) != Some(Step::Wait);
            if quick(&place) { to.iter().copied().filter(quick).collect() } else { Vec::new() }
        })
        .collect();
    let looping = (0..vertices.len()).filter(|place| {
        let next = quick.get(*place).map(Vec::as_slice).unwrap_or_default();
        reach(&quick, next).get(*place) == Some(&true)
    });
    told(looping.collect(), "This step is part of a loop without a wait.", &mut faults);
    faults
}

fn places_of(vertices: &[Vertex], step: Step) -> Vec<usize> {
    let of = vertices.iter().enumerate().filter(|(_, vertex)| vertex.step == step);
    of.map(|(place, _)| place).collect()
}

fn step_at(vertices: &[Vertex], place: usize) -> Option<Step> {
    vertices.get(place).map(|vertex| vertex.step)
}

fn push(ways: &mut [Vec<usize>], from: usize, to: usize) {
    if let Some(way) = ways.get_mut(from) {
        way.push(to);
    }
}

fn mark(flags: &mut [bool], place: usize) {
    if let Some(flag) = flags.get_mut(place) {
        *flag = true;
    }
}

fn reversed(ways: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut back = vec![Vec::new(); ways.len()];
    for (from, to) in ways.iter().enumerate() {
        to.iter().for_each(|to| push(&mut back, *to, from));
    }
    back
}

/// Which places are met from these, themselves included.
fn reach(ways: &[Vec<usize>], from: &[usize]) -> Vec<bool> {
    let mut met = vec![false; ways.len()];
    let mut waiting = from.to_vec();
    while let Some(place) = waiting.pop() {
        if met.get(place) == Some(&false) {
            mark(&mut met, place);
            waiting.extend(ways.get(place).into_iter().flatten());
        }
    }
    met
}

fn missing(met: &[bool]) -> Vec<usize> {
    met.iter().enumerate().filter(|(_, met)| !**met).map(|(place, _)| place).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vertex(id: &str, step: Step, next: &[&str]) -> Vertex {
        let members: &[&'static str] = if next.len() == 2 { &["yes", "no"] } else { &["next"] };
        let edges = members.iter().zip(next).map(|(member, id)| {
            (*member, Some(*id).filter(|id| !id.is_empty()).map(str::to_owned))
        });
        Vertex { id: id.to_owned(), step, edges: edges.collect() }
    }

    fn told(vertices: &[Vertex]) -> Vec<(String, Code)> {
        check(vertices).into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    /// SCN-1
    #[test]
    fn a_way_with_a_branch_and_a_slow_loop_can_be_run() {
        use Step::{End, Passing, Start, Wait};
        let graph = [
            vertex("s", Start, &["w"]),
            vertex("t", Start, &["c"]),
            vertex("w", Wait, &["c"]),
            vertex("c", Passing, &["a", "e"]),
            vertex("a", Passing, &["w"]),
            vertex("e", End, &[]),
        ];
        assert_eq!(check(&graph), []);
    }

    /// SCN-1, SCN-10: each fault where it is, and none for what only follows from it.
    #[test]
    fn what_cannot_be_run_says_why() {
        use Step::{End, Passing, Start, Wait};
        let at = |place: usize, member: &str| format!("#/nodes/{place}{member}");
        assert_eq!(told(&[]), [("#/nodes".to_owned(), Code::InvalidGraph)]);
        let half = [vertex("s", Start, &["a"]), vertex("a", Passing, &[""])];
        assert_eq!(told(&half), [(at(1, "/next"), Code::MissingField)]);
        let nowhere = [vertex("s", Start, &["x"]), vertex("e", End, &[])];
        assert_eq!(
            told(&nowhere),
            [(at(0, "/next"), Code::UnknownReference), (at(1, ""), Code::InvalidGraph)]
        );
        let into_start =
            [vertex("s", Start, &["a"]), vertex("a", Passing, &["s", "e"]), vertex("e", End, &[])];
        assert_eq!(told(&into_start), [(at(1, "/yes"), Code::InvalidGraph)]);
        let quick = [
            vertex("s", Start, &["a"]),
            vertex("a", Passing, &["b", "e"]),
            vertex("b", Passing, &["a"]),
            vertex("e", End, &[]),
        ];
        assert_eq!(
            told(&quick),
            [(at(1, ""), Code::InvalidGraph), (at(2, ""), Code::InvalidGraph)]
        );
        let for_ever = [vertex("s", Start, &["w"]), vertex("w", Wait, &["w"])];
        assert_eq!(
            told(&for_ever),
            [(at(0, ""), Code::InvalidGraph), (at(1, ""), Code::InvalidGraph)]
        );
        let twice = [vertex("s", Start, &["e"]), vertex("e", End, &[]), vertex("e", End, &[])];
        assert!(told(&twice).contains(&(at(2, "/id"), Code::InvalidGraph)));
    }

    /// Ids of eight steps, and one that none has.
    fn graphs() -> impl Strategy<Value = Vec<Vertex>> {
        let step = prop_oneof![
            2 => Just(Step::Start),
            4 => Just(Step::Passing),
            2 => Just(Step::Wait),
            2 => Just(Step::End)
        ];
        let target = prop_oneof![1 => Just(None), 20 => (0_usize..9).prop_map(Some)];
        prop::collection::vec((step, target.clone(), target, any::<bool>()), 0..8).prop_map(
            |steps| {
                let name = |place: Option<usize>| place.map(|place| format!("n{place}"));
                let vertex = |(place, (step, first, second, branch))| {
                    let edges = match step {
                        Step::End => Vec::new(),
                        Step::Passing if branch => vec![("yes", name(first)), ("no", name(second))],
                        _ => vec![("next", name(first))],
                    };
                    Vertex { id: format!("n{place}"), step, edges }
                };
                steps.into_iter().enumerate().map(vertex).collect()
            },
        )
    }

    /// `closure[a][b]`: a way of at least one edge leads from a to b. Worked out another way than by walking.
    fn closure(vertices: &[Vertex], passes: impl Fn(&Vertex) -> bool) -> Vec<Vec<bool>> {
        let size = vertices.len();
        let mut closure = vec![vec![false; size]; size];
        for (from, vertex) in vertices.iter().enumerate() {
            for (_, target) in &vertex.edges {
                let to = vertices.iter().position(|other| Some(&other.id) == target.as_ref());
                if let Some(to) = to
                    && passes(vertex)
                    && passes(&vertices[to])
                {
                    closure[from][to] = true;
                }
            }
        }
        for middle in 0..size {
            for from in 0..size {
                for to in 0..size {
                    closure[from][to] |= closure[from][middle] && closure[middle][to];
                }
            }
        }
        closure
    }

    /// What [`check`] promises, said once more in other words.
    fn can_be_run(vertices: &[Vertex]) -> bool {
        let is = |place: &usize, step: Step| vertices[*place].step == step;
        let all = || 0..vertices.len();
        let ways = closure(vertices, |_| true);
        let quick = closure(vertices, |vertex| vertex.step != Step::Wait);
        let leads = vertices.iter().flat_map(|vertex| &vertex.edges).all(|(_, target)| {
            let to = vertices.iter().find(|other| Some(&other.id) == target.as_ref());
            to.is_some_and(|to| to.step != Step::Start)
        });
        let started = all().all(|to| {
            is(&to, Step::Start) || all().any(|from| is(&from, Step::Start) && ways[from][to])
        });
        let ends = all().all(|from| {
            is(&from, Step::End) || all().any(|to| is(&to, Step::End) && ways[from][to])
        });
        all().any(|place| is(&place, Step::Start))
            && leads
            && started
            && ends
            && all().all(|place| !quick[place][place])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// SCN-1, SCN-10: whatever is taken can be run, whatever can be run is taken, and nothing panics.
        #[test]
        fn exactly_the_graphs_that_can_be_run_are_taken(vertices in graphs()) {
            prop_assert_eq!(check(&vertices).is_empty(), can_be_run(&vertices), "{:?}", vertices);
        }
    }

    /// The largest there may be, in a moment: each step of a long chain is looked at for loops.
    #[test]
    fn five_hundred_steps_are_checked_at_once() {
        let mut graph = vec![vertex("s", Step::Start, &["0"])];
        for place in 0..498 {
            let next = (place + 1).to_string();
            graph.push(vertex(&place.to_string(), Step::Passing, &[&next, "498"]));
        }
        graph.push(vertex("498", Step::End, &[]));
        assert_eq!(check(&graph), []);
    }
}
