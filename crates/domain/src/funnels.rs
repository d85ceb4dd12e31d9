//! Sales funnels and their stages (MGR-I). Names are read as those of groups are
//! ([`ClassName`](crate::classes::ClassName)); here is what else is allowed.

/// Funnels of a workspace.
pub const MAX_FUNNELS: i64 = 100;
/// Stages of a funnel.
pub const MAX_STAGES: i32 = 100;

/// Whether a stage may be put at `position` of a funnel that has `stages` without it.
#[must_use]
pub fn has_place(position: i64, stages: i32) -> bool {
    (1..=i64::from(stages) + 1).contains(&position)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MGR-I
    #[test]
    fn stages_stand_without_gaps() {
        assert!(has_place(1, 0) && has_place(1, 3) && has_place(4, 3));
        assert!(!has_place(0, 3) && !has_place(5, 3) && !has_place(-1, 0));
    }
}
