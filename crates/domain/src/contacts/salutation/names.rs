//! Names as they are spoken to: without initials, brackets and signs, and not in capitals.

/// The given name somebody is called by: the first one that is written out. `Jan Karel` is Jan, `Anna-Marie` both.
pub(super) fn given(first_name: &str) -> Option<String> {
    let cleaned = without_brackets(first_name);
    let words: Vec<&str> = cleaned.split_whitespace().collect();
    // two people, or a wife by her husband's name, are not called by the first word
    if words.iter().any(|word| matches!(*word, "a" | "i" | "und" | "and" | "és" | "&" | "+")) {
        return None;
    }
    words.into_iter().find(|word| is_name(word)).map(spoken)
}

/// The surname with all its parts.
pub(super) fn family(last_name: &str) -> Option<String> {
    let cleaned = without_brackets(last_name);
    let words: Vec<String> = cleaned
        .split_whitespace()
        .filter(|word| is_name(word) || is_hyphen(word))
        .map(spoken)
        .collect();
    words.iter().any(|word| is_name(word)).then(|| words.join(" "))
}

/// Every half of a name by `change`, with what stands between them as it was. Particles (`von`, `de`) stay.
/// `None` when `change` has nothing to say about one of the halves.
pub(super) fn each_half(name: &str, change: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut out = String::with_capacity(name.len() + 4);
    let mut half = String::new();
    let close = |half: &mut String, out: &mut String| -> Option<()> {
        if !half.is_empty() {
            let is_particle = half.starts_with(char::is_lowercase);
            out.push_str(&if is_particle { half.clone() } else { change(half)? });
            half.clear();
        }
        Some(())
    };
    for c in name.chars() {
        if c == ' ' || is_hyphen_char(c) {
            close(&mut half, &mut out)?;
            out.push(c);
        } else {
            half.push(c);
        }
    }
    close(&mut half, &mut out)?;
    Some(out)
}

fn is_hyphen_char(c: char) -> bool {
    matches!(c, '-' | '–' | '—')
}

fn is_hyphen(word: &str) -> bool {
    word.chars().all(is_hyphen_char)
}

/// More than a letter, without signs that no name has, and no initial or title, which end with a dot.
fn is_name(word: &str) -> bool {
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    let is_mark = |c: char| matches!(c, '\'' | '’' | '`') || is_hyphen_char(c);
    let is_script =
        |c: char| c.is_alphabetic() || is_mark(c) || ('\u{300}'..'\u{370}').contains(&c);
    (letters > 1 || word.chars().any(|c| c > '\u{2E80}')) && word.chars().all(is_script)
}

fn without_brackets(name: &str) -> String {
    let mut depth = 0_usize;
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

/// `NOVÁK` and `novák` as `Novák`; particles and mixed case (`McDonald`) stay.
fn spoken(word: &str) -> String {
    let letters = || word.chars().filter(|c| c.is_alphabetic());
    let shouts = letters().count() > 1 && letters().all(char::is_uppercase);
    let whispers = letters().all(char::is_lowercase) && !PARTICLES.contains(&word);
    if !shouts && !whispers {
        return word.to_owned();
    }
    let mut begins = true;
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        if begins {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        begins = is_hyphen_char(c);
    }
    out
}

const PARTICLES: &[&str] = &[
    "von", "van", "vom", "zu", "zum", "zur", "de", "der", "den", "des", "del", "della", "di", "da",
    "dal", "do", "dos", "das", "du", "la", "le", "ter", "ten", "af", "av", "el", "al", "bin",
    "ibn", "ben", "y", "z", "ze",
];
