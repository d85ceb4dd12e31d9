//! Folding of case and diacritics, so that `novak` finds `Novák` (CON-4).
//!
//! The same folding has to be done in two places: here, on what a person types into the search, and
//! in PostgreSQL, on what is stored. [`fold_table`] is the one definition of both:
//!
//! ```sql
//! -- $1 = from, $2 = to, then one replace for each pair of EXPANSIONS
//! replace(… lower(translate(x, $1, $2)) …, 'ß', 'ss')
//! ```
//!
//! followed by `btrim(regexp_replace(…, ' +', ' ', 'g'))`. The table covers ASCII, Latin (with
//! Latin Extended-A, -B and Additional, so Vietnamese too), Greek and Cyrillic; it holds capitals
//! and all white space as well, so that the result does not depend on the locale of the database.
//! Outside these scripts [`fold`] removes marks by canonical decomposition, which SQL does not.

use std::sync::LazyLock;

use unicode_normalization::char::decompose_canonical;

use super::cell::is_invisible;

/// Letters that fold into two. Their capitals are turned into these by the table.
pub const EXPANSIONS: [(char, &str); 5] =
    [('ß', "ss"), ('æ', "ae"), ('œ', "oe"), ('þ', "th"), ('ĳ', "ij")];

/// The arguments of `translate(text, from, to)` in PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldTable {
    /// What is replaced, in the order of code points: first what has a counterpart in `to`, then
    /// what is removed.
    pub from: String,
    /// The counterparts, character by character; shorter than `from` by what is removed.
    pub to: String,
}

/// Ranges of code points the table speaks for.
const COVERED: [(u32, u32); 6] = [
    (0x0009, 0x024F), // ASCII, Latin-1, Latin Extended-A and -B
    (0x02BC, 0x02BC), // modifier letter apostrophe
    (0x0300, 0x036F), // combining marks, which are removed
    (0x0370, 0x052F), // Greek, Cyrillic
    (0x1E00, 0x1EFF), // Latin Extended Additional: Vietnamese
    (0x2000, 0x206F), // spaces, dashes, apostrophes, zero-width
];

/// The table for PostgreSQL; always the same text for one version of Unicode's decompositions,
/// which Unicode promises not to change.
#[must_use]
pub fn fold_table() -> &'static FoldTable {
    static TABLE: LazyLock<FoldTable> = LazyLock::new(build_table);
    &TABLE
}

/// Folds case and diacritics, collapses white space to single spaces and trims. Idempotent.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        let mut push = |folded: char| {
            if folded == ' ' {
                gap = !out.is_empty();
            } else {
                if std::mem::take(&mut gap) {
                    out.push(' ');
                }
                out.push(folded);
            }
        };
        if c.is_ascii() && !c.is_ascii_control() {
            push(c.to_ascii_lowercase());
        } else if let Some(folded) = LATIN.get(c as usize) {
            folded.chars().for_each(&mut push);
        } else {
            fold_char(c, &mut push);
        }
    }
    out
}

/// What the letters of Latin scripts fold to, by code point: to decompose each of them anew takes most of the
/// time of reading a list.
static LATIN: LazyLock<Vec<String>> = LazyLock::new(|| {
    let fold = |c: char| {
        let mut folded = String::new();
        fold_char(c, &mut |letter| folded.push(letter));
        folded
    };
    ('\0'..'\u{250}').map(fold).collect()
});

/// Folds one character, expansions included; white space becomes one space.
fn fold_char(c: char, push: &mut impl FnMut(char)) {
    translate_char(
        c,
        &mut |folded| match EXPANSIONS.iter().find(|(letter, _)| *letter == folded) {
            Some((_, letters)) => letters.chars().for_each(&mut *push),
            None => push(folded),
        },
    );
}

/// What `lower(translate(…))` makes of one character.
fn translate_char(c: char, push: &mut impl FnMut(char)) {
    if c.is_whitespace() {
        return push(' ');
    }
    if is_invisible(c) || c.is_control() {
        return;
    }
    if let Some(letter) = special(c) {
        return push(letter);
    }
    // Hangul is composed of letters, not of a letter and marks.
    if matches!(c, '\u{AC00}'..='\u{D7A3}') {
        return push(c);
    }
    decompose_canonical(c, |part| {
        if !is_diacritic(part) {
            let part = special(part).unwrap_or(part);
            let lower = part.to_lowercase().filter(|c| !is_diacritic(*c));
            lower.map(|c| special(c).unwrap_or(c)).for_each(&mut *push);
        }
    });
}

/// Letters whose mark Unicode does not decompose, and other ways to write one sign.
const fn special(c: char) -> Option<char> {
    Some(match c {
        'ª' | 'ẚ' | 'Ⱥ' => 'a',
        'Ƀ' | 'ƀ' | 'Ɓ' => 'b',
        'Ȼ' | 'ȼ' | 'Ƈ' | 'ƈ' => 'c',
        'Đ' | 'đ' | 'Ð' | 'ð' | 'Ɖ' | 'Ɗ' => 'd',
        'Ɇ' | 'ɇ' | 'Ə' | 'ǝ' | 'Ǝ' => 'e',
        'Ƒ' | 'ƒ' => 'f',
        'Ǥ' | 'ǥ' | 'Ɠ' => 'g',
        'Ħ' | 'ħ' => 'h',
        'ı' | 'İ' | 'Ɨ' => 'i',
        'Ɉ' | 'ɉ' | 'ȷ' => 'j',
        'ĸ' | 'Ƙ' | 'ƙ' => 'k',
        'Ł' | 'ł' | 'Ŀ' | 'ŀ' | 'Ƚ' | 'ƚ' | 'Ỻ' | 'ỻ' => 'l',
        'ŉ' | 'Ŋ' | 'ŋ' | 'Ɲ' | 'Ƞ' | 'ƞ' => 'n',
        'º' | 'Ø' | 'ø' | 'Ɵ' => 'o',
        'Ƥ' | 'ƥ' => 'p',
        'Ɍ' | 'ɍ' => 'r',
        'ſ' | 'ẜ' | 'ẝ' | 'ȿ' => 's',
        'Ŧ' | 'ŧ' | 'Ƭ' | 'ƭ' | 'Ʈ' | 'ƫ' | 'Ⱦ' => 't',
        'Ʉ' => 'u',
        'Ʋ' | 'Ỽ' | 'ỽ' => 'v',
        'Ƴ' | 'ƴ' | 'Ɏ' | 'ɏ' | 'Ỿ' | 'ỿ' => 'y',
        'Ƶ' | 'ƶ' | 'Ȥ' | 'ȥ' | 'ɀ' => 'z',
        'ẞ' => 'ß',
        'Æ' => 'æ',
        'Œ' => 'œ',
        'Þ' => 'þ',
        'Ĳ' => 'ĳ',
        'ς' => 'σ',
        'µ' => 'μ',
        '´' | 'ʼ' | '‘' | '’' | '‛' | '′' => '\'',
        '‐' | '‑' | '‒' | '–' | '—' | '―' => '-',
        _ => return None,
    })
}

const fn is_diacritic(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{1AB0}'..='\u{1AFF}'
        | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

fn build_table() -> FoldTable {
    let (mut from, mut to, mut removed) = (String::new(), String::new(), String::new());
    for c in COVERED.iter().flat_map(|&(first, last)| first..=last).filter_map(char::from_u32) {
        let mut folded = Vec::new();
        translate_char(c, &mut |part| folded.push(part));
        match folded.as_slice() {
            [] => removed.push(c),
            [one] if *one != c => {
                from.push(c);
                to.push(*one);
            }
            // Unchanged; nothing in the covered ranges folds into more than one (see the tests).
            _ => {}
        }
    }
    from.push_str(&removed);
    FoldTable { from, to }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    /// `lower(translate(x, from, to))` and the replaces, as PostgreSQL in the locale C has them.
    fn in_sql(text: &str) -> String {
        let table = fold_table();
        let to: Vec<char> = table.to.chars().collect();
        let map: HashMap<char, Option<char>> =
            table.from.chars().enumerate().map(|(i, c)| (c, to.get(i).copied())).collect();
        let mut out: String = text
            .chars()
            .filter_map(|c| map.get(&c).copied().unwrap_or(Some(c)))
            .collect::<String>()
            .to_ascii_lowercase();
        for (letter, letters) in EXPANSIONS {
            out = out.replace(letter, letters);
        }
        out.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// CON-4
    #[test]
    fn case_diacritics_and_blanks_are_folded() {
        for (text, expected) in [
            ("Novák", "novak"),
            ("NOVÁKOVÁ", "novakova"),
            ("Příliš žluťoučký kůň úpěl ďábelské ódy", "prilis zlutoucky kun upel dabelske ody"),
            ("Zażółć gęślą jaźń ŁÓDŹ", "zazolc gesla jazn lodz"),
            ("Árvíztűrő TÜKÖRFÚRÓGÉP", "arvizturo tukorfurogep"),
            ("Straße GROẞ", "strasse gross"),
            ("Đorđe Ødegård Œuvre Æther Þór", "dorde odegard oeuvre aether thor"),
            ("Nguyễn Văn Đạt", "nguyen van dat"),
            ("Ștefan Țîrlea", "stefan tirlea"),
            ("İstanbul Iğdır", "istanbul igdir"),
            ("N\u{6F}va\u{301}k", "novak"),
            (" a \u{A0}\t b\u{200B}c\n", "a bc"),
            ("O’Brien – Malá", "o'brien - mala"),
            ("Київ Йосип", "киів иосип"),
            ("Ἀθῆναι Σοφός", "αθηναι σοφοσ"),
            ("", ""),
            ("  ", ""),
            ("김철수", "김철수"),
        ] {
            assert_eq!(fold(text), expected, "{text:?}");
        }
    }

    /// CON-4: what the search folds and what the database folds is the same.
    #[test]
    fn every_covered_character_folds_as_in_sql() {
        for c in COVERED.iter().flat_map(|&(a, b)| a..=b).filter_map(char::from_u32) {
            let text = format!("x{c}x");
            assert_eq!(fold(&text), in_sql(&text), "U+{:04X}", u32::from(c));
        }
    }

    /// CON-4
    #[test]
    fn the_table_is_well_formed() {
        let table = fold_table();
        let (from, to): (Vec<char>, Vec<char>) =
            (table.from.chars().collect(), table.to.chars().collect());
        assert!(to.len() < from.len());
        let mut unique = from.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), from.len(), "a character stands twice");
        let ascii = |c: &char| c.is_ascii();
        for c in ('À'..='ſ').chain('Ạ'..='ỹ').filter(|c| c.is_alphabetic()) {
            let expanded = EXPANSIONS.iter().any(|(letter, _)| *letter == c);
            let folded = fold(&c.to_string());
            assert!(expanded || from.contains(&c) || c == 'µ', "{c}");
            assert!(folded.chars().all(|c| ascii(&c)), "{c} → {folded}");
        }
    }

    /// CON-4
    #[test]
    fn folding_twice_changes_nothing_for_any_character() {
        for c in '\0'..=char::MAX {
            let once = fold(&format!("x{c}x"));
            assert_eq!(fold(&once), once, "U+{:04X}", u32::from(c));
        }
    }

    proptest! {
        /// CON-4
        #[test]
        fn folding_is_idempotent(text in any::<String>()) {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        /// CON-4
        #[test]
        fn a_text_folds_as_in_sql(text in "[\u{20}-\u{24F}\u{300}-\u{52F}\u{1E00}-\u{1EFF}\u{2000}-\u{206F}]{0,30}") {
            prop_assert_eq!(fold(&text), in_sql(&text));
        }
    }
}
