//! The values a contact is made of, and how each is read from what people write.

pub mod boolean;
pub mod bulk;
pub mod cell;
pub mod contact;
pub mod date;
pub mod email;
pub mod fold;
pub mod gender;
pub mod merges;
pub mod name;
pub mod number;
pub mod owners;
pub mod patch;
pub mod phone;
pub mod place;
pub mod salutation;
pub mod search;
pub mod timeline;
