//! Tests of the operations: a folder for each noun, a file for each verb.

mod contacts;
mod imports;
