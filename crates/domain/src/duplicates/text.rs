//! How alike two texts are. All of them are folded already ([`super::profile`]).

use strsim::{jaro_winkler, osa_distance};

/// Keeps letters and digits, turns everything else into single blanks.
pub(super) fn words_only(folded: &str) -> String {
    let mut out = String::with_capacity(folded.len());
    for c in folded.chars() {
        if c.is_alphanumeric() {
            out.push(c);
        } else if c != '\'' && c != '.' && !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        } else if c == '.' && !out.is_empty() && !out.ends_with(' ') {
            // `j.r.` and `j. r.` are the same two words
            out.push(' ');
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// How two words that are not the same resemble each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likeness {
    /// They do not.
    Other,
    /// Something of one is in the other.
    Similar,
    /// A slip of the finger, or of the ear.
    Close,
}

/// Compares two words: edits first, for what a slip does is one or two of them, whatever the length.
pub(super) fn likeness(a: &str, b: &str) -> Likeness {
    let length = a.chars().count().min(b.chars().count());
    if length < 2 {
        return Likeness::Other;
    }
    let edits = osa_distance(a, b);
    // which letters it takes for common depends on the order of the two
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    let likeness = jaro_winkler(first, second);
    if (edits <= 1 && length >= 3) || (edits <= 2 && length >= 6) || likeness >= 0.93 {
        Likeness::Close
    } else if likeness >= 0.82 || (edits <= 2 && length >= 4) || (edits <= 3 && length >= 7) {
        Likeness::Similar
    } else {
        Likeness::Other
    }
}

/// Share of the pairs of letters that two texts have in common, whatever their order (Dice): words that changed
/// places, blanks that were lost and single slips cost little.
pub(super) fn dice(a: &str, b: &str) -> f64 {
    let (mut left, mut right) = (bigrams(a), bigrams(b));
    let sum = left.len() + right.len();
    if sum == 0 {
        return 0.0;
    }
    left.sort_unstable();
    right.sort_unstable();
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    let mut common = 0_u32;
    while let (Some(x), Some(y)) = (left.peek(), right.peek()) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => drop(left.next()),
            std::cmp::Ordering::Greater => drop(right.next()),
            std::cmp::Ordering::Equal => {
                common += 1;
                left.next();
                right.next();
            }
        }
    }
    2.0 * f64::from(common) / f64::from(u32::try_from(sum).unwrap_or(u32::MAX))
}

fn bigrams(text: &str) -> Vec<(char, char)> {
    let letters: Vec<char> = text.chars().filter(|c| *c != ' ').collect();
    letters.iter().copied().zip(letters.iter().copied().skip(1)).collect()
}

/// The skeleton of a word: what stays of it when vowels, doubled letters and the usual confusions of the ear
/// are taken away. For finding candidates only; what they are worth is decided letter by letter.
pub(super) fn skeleton(word: &str) -> String {
    const LENGTH: usize = 5;
    let mut out = String::with_capacity(LENGTH);
    let mut count = 0;
    let mut before = None;
    for (at, c) in word.chars().enumerate() {
        let c = match c {
            'w' => 'v',
            'q' | 'c' => 'k',
            'z' => 's',
            'y' | 'j' => 'i',
            'd' => 't',
            'b' => 'p',
            'g' => 'k',
            c => c,
        };
        let vowel = matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'h' | ' ');
        if (vowel && at > 0) || before == Some(c) {
            continue;
        }
        before = Some(c);
        out.push(c);
        count += 1;
        if count == LENGTH {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// CON-16
    #[test]
    fn slips_are_close_and_other_names_are_not() {
        for (a, b) in [("novak", "nvoak"), ("novak", "novaak"), ("kowalski", "kowalskij")] {
            assert_eq!(likeness(a, b), Likeness::Close, "{a} {b}");
        }
        for (a, b) in [("novak", "svoboda"), ("jan", "eva"), ("petr", "pavel"), ("a", "b")] {
            assert_eq!(likeness(a, b), Likeness::Other, "{a} {b}");
        }
    }

    /// CON-16
    #[test]
    fn a_skeleton_forgives_what_the_ear_does() {
        for (a, b) in [("wiszniewski", "vyšnievsky"), ("novak", "nowack"), ("philip", "phillip")] {
            let fold = crate::contacts::fold::fold;
            assert_eq!(skeleton(&fold(a)).get(..1), skeleton(&fold(b)).get(..1), "{a} {b}");
        }
        assert_eq!(skeleton("novak"), skeleton("nowakk"));
        assert_ne!(skeleton("novak"), skeleton("dvorak"));
    }

    proptest! {
        /// CON-16: it does not matter which of the two is named first.
        #[test]
        fn likeness_has_no_direction(a in "[a-d ]{0,8}", b in "[a-d ]{0,8}") {
            prop_assert_eq!(likeness(&a, &b), likeness(&b, &a));
            let (there, back) = (dice(&a, &b), dice(&b, &a));
            prop_assert!((there - back).abs() < 1e-12 && (0.0..=1.0).contains(&there));
        }

        /// CON-16
        #[test]
        fn no_text_panics(a in any::<String>(), b in any::<String>()) {
            let (a, b) = (words_only(&a), words_only(&b));
            likeness(&a, &b);
            dice(&a, &b);
            prop_assert!(skeleton(&a).chars().count() <= 5);
        }
    }
}
