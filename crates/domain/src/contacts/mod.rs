//! The values a contact is made of, and how each is read from what people write.

pub mod cell;
pub mod contact;
pub mod email;
pub mod fold;
pub mod patch;
pub mod phone;
