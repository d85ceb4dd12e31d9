//! The Kartoteka binary.

fn main() {}
