//! Attacks on tokens: each must fail.
