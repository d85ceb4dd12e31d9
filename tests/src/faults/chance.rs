//! Chance that can be had again.

/// A stream of numbers that depends on its seed only, whatever version of whatever crate: SplitMix64
/// (Steele, Lea, Flood 2014). Good enough to pick moments, not to keep secrets.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The stream of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 when `end` is.
    pub fn below(&mut self, end: u64) -> u64 {
        self.draw().checked_rem(end).unwrap_or(0)
    }

    /// A number of `from..=to`.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to.saturating_sub(from) + 1)
    }

    /// A time below `end`, to the microsecond.
    pub fn moment(&mut self, end: std::time::Duration) -> std::time::Duration {
        let end = u64::try_from(end.as_micros()).unwrap_or(u64::MAX);
        std::time::Duration::from_micros(self.below(end))
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        // the reference values of the generator for the seed 1234567
        let mut chance = Chance::new(1_234_567);
        assert_eq!(chance.draw(), 6_457_827_717_110_365_317);
        assert_eq!(chance.draw(), 3_203_168_211_198_807_973);
        let (mut one, mut two) = (Chance::new(7), Chance::new(7));
        for _ in 0..100 {
            let n = one.between(3, 5);
            assert!((3..=5).contains(&n));
            assert_eq!(n, two.between(3, 5));
        }
    }
}
