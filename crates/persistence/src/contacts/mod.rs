//! Contacts and what hangs on them.
//!
//! Every statement here works on sets: one contact is a set of one. `row` is the one shape a contact is
//! read in, `list` finds pages of them, `write` changes them, `purge` removes every trace.

pub mod bulk;
pub mod export;
pub mod list;
pub mod merges;
pub mod notes;
pub mod owners;
pub mod purge;
pub mod read;
pub mod row;
pub mod search;
pub mod timeline;
pub mod write;

pub use row::Stored;

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use kartoteka_domain::contacts::fold::{EXPANSIONS, fold_table};

    const MIGRATION: &str =
        include_str!("../../../../migrations/20261121001000_contact_search/up.sql");

    /// A text as the migration writes it: nothing invisible in a file that people read.
    fn literal(text: &str) -> String {
        let mut out = String::from("U&'");
        for c in text.chars() {
            if c.is_ascii_alphanumeric() {
                out.push(c);
            } else {
                write!(out, "\\{:04X}", u32::from(c)).unwrap();
            }
        }
        out + "'"
    }

    /// CON-4: what the search folds and what the database folds is the same.
    #[test]
    fn the_database_folds_by_the_tables_of_the_domain() {
        let table = fold_table();
        assert!(MIGRATION.contains(&literal(&table.from)));
        assert!(MIGRATION.contains(&literal(&table.to)));
        for (letter, letters) in EXPANSIONS {
            assert!(MIGRATION.contains(&format!("'{letter}', '{letters}'")), "{letter}");
        }
    }
}
