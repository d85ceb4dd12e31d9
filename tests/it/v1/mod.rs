//! Tests of the operations: a folder for each noun, a file for each verb.

mod consents;
mod contacts;
mod imports;
mod tags;
mod trash;
