//! Selections: which contacts are meant, said as a tree of conditions (SEG-1..3).
//!
//! One language for lists, counts, and everything that works on many contacts. A tree comes in as JSON
//! ([`read`] tells all its faults at once, each with a pointer to the node), is published as a JSON
//! Schema made of the same table of fields ([`schema`]), and means what [`matches`](matches::selects)
//! says: the SQL made of it is tested against that function.
//!
//! The logic knows two values. A condition on something a contact does not have is not met, so its
//! opposite is: "city is not Brno" holds for a contact without a city.

pub mod fields;
pub mod matches;
pub mod read;
pub mod schema;
pub mod tree;
pub mod when;

pub use fields::{ConsentState, Link, Op};
pub use matches::{ConsentFact, ContactFacts, TagFact};
pub use read::{Reading, Reference, Target};
pub use tree::{Filter, Leaf, Range, Selection, Test};
