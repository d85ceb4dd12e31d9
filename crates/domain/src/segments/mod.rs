//! Selections: which contacts are meant, said as a tree of conditions (SEG-1..3).
//!
//! One language for lists, counts, and everything that works on many contacts. A tree comes in as JSON
//! ([`read`] tells all its faults at once, each with a pointer to the node), is published as a JSON
//! Schema made of the same table of fields ([`schema`]), and means what [`matches`](matches::selects)
//! says: the SQL made of it is tested against that function.
//!
//! The logic knows two values. A condition on something a contact does not have is not met, so its
//! opposite is: "city is not Brno" holds for a contact without a city.
//!
//! A saved segment (SEG-5) is such a tree under a name. Where a tree names segments, their trees are put in
//! their place ([`unfold`]) before anything is asked of the database; what it names otherwise is listed by
//! [`names`], so that nobody takes it away.

pub mod fields;
pub mod matches;
pub mod names;
pub mod read;
pub mod saved;
pub mod schema;
pub mod tree;
pub mod unfold;
pub mod when;

pub use fields::{ConsentState, Link, Op};
pub use matches::{ConsentFact, ContactFacts, TagFact};
pub use names::{NameKind, SegmentName};
pub use read::{Reading, Reference, Target};
pub use tree::{Filter, Leaf, Range, Selection, Test};
pub use unfold::{Library, TooLarge};
