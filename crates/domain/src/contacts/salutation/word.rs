//! Changing the end of a word without knowing the case it is written in.

/// What the end of a word turns into: so many characters go, these come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    cut: usize,
    put: &'static str,
}

impl Ending {
    /// The word stays as it is.
    pub(super) const SAME: Self = Self { cut: 0, put: "" };

    /// `put` comes behind the word.
    pub(super) const fn add(put: &'static str) -> Self {
        Self { cut: 0, put }
    }

    /// The last `cut` characters turn into `put`.
    pub(super) const fn turn(cut: usize, put: &'static str) -> Self {
        Self { cut, put }
    }

    /// `word` with this end; capitals go on as capitals.
    pub(super) fn on(self, word: &str) -> String {
        let keep = word.chars().count().saturating_sub(self.cut);
        let mut out: String = word.chars().take(keep).collect();
        if is_capitals(word) {
            out.extend(self.put.chars().flat_map(char::to_uppercase));
        } else {
            out.push_str(self.put);
        }
        out
    }
}

/// The first rule whose suffix the word has. A rule is a suffix and what the end turns into.
pub(super) fn first_of(word: &str, rules: &[(&str, Ending)]) -> Option<Ending> {
    rules.iter().find(|(suffix, _)| word.ends_with(suffix)).map(|(_, ending)| *ending)
}

/// Lower case, character by character, so that it has as many of them as the word.
pub(super) fn lower(word: &str) -> String {
    word.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

/// More than one letter, and none of them small.
pub(super) fn is_capitals(word: &str) -> bool {
    word.chars().filter(|c| c.is_uppercase()).count() > 1 && !word.chars().any(char::is_lowercase)
}

/// Whether a word has a syllable: a vowel, or an `r` or `l` between consonants, as in `Brzek` and `Vlček`.
pub(super) fn has_syllable(word: &str) -> bool {
    let is_vowel = |c: char| "aáeéěiíoóuúůyýäöüőűôąę".contains(c);
    let letters: Vec<char> = word.chars().collect();
    letters.iter().any(|c| is_vowel(*c))
        || letters.windows(3).any(|three| match three {
            [before, 'r' | 'l', behind] => !is_vowel(*before) && !is_vowel(*behind),
            _ => false,
        })
}
