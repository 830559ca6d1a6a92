//! Numbers drawn from a fixed seed, so that every demo tells the same story.

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.roll() % (high - low + 1)
    }

    /// Comes up so many times in a thousand.
    pub(super) fn hits(&mut self, per_thousand: u64) -> bool {
        self.roll() % 1_000 < per_thousand
    }

    /// One of several.
    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.between(0, of.len() as u64 - 1) as usize]
    }

    /// Draws a place by the weights.
    pub(super) fn weighed(&mut self, weights: &[u64]) -> usize {
        let mut left = self.roll() % weights.iter().sum::<u64>();
        for (place, weight) in weights.iter().enumerate() {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return place,
            }
        }
        weights.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_tells_one_story() {
        let told = |seed| {
            let mut dice = Dice::new(seed);
            (0..50).map(|_| dice.between(3, 9)).collect::<Vec<_>>()
        };

        assert_eq!(told(1), told(1));
        assert_ne!(told(1), told(2));
        assert!(told(1).iter().all(|number| (3..=9).contains(number)));
    }

    #[test]
    fn a_weight_of_nothing_is_never_drawn() {
        let mut dice = Dice::new(3);

        assert!((0..500).all(|_| dice.weighed(&[5, 0, 1]) != 1));
    }
}
