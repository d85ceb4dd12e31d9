//! The Czech vocative: first names, and the surnames of men. Those of women do not change.

use super::word::{Ending, first_of, has_syllable, lower};

/// Letters of names the rules speak of: Czech ones, and those of the neighbours whose names are declined as
/// Czech ones are (`Müllere`, `Kráľi`, `Wałęso`).
const LETTERS: &str =
    "aábcčdďeéěfghiíjklmnňoópqrřsštťuúůvwxyýzž\u{e4}\u{f6}\u{fc}\u{df}ľĺŕôąćęłńśźżőű";

/// Names whose end follows no rule.
const MEN: &[(&str, Ending)] = &[
    ("lev", Ending::turn(2, "ve")),
    ("kůň", Ending::turn(2, "oni")),
    ("bůh", Ending::turn(2, "ože")),
    ("syn", Ending::add("u")),
    // the e goes
    ("pavel", Ending::turn(2, "le")),
    ("karel", Ending::turn(2, "le")),
    ("havel", Ending::turn(2, "le")),
    ("orel", Ending::turn(2, "le")),
    ("kozel", Ending::turn(2, "le")),
    ("datel", Ending::turn(2, "le")),
    ("osel", Ending::turn(2, "le")),
    ("sysel", Ending::turn(2, "le")),
    ("pytel", Ending::turn(2, "le")),
    ("vorel", Ending::turn(2, "le")),
    ("uzel", Ending::turn(2, "le")),
    ("posel", Ending::turn(2, "le")),
    ("ďábel", Ending::turn(2, "le")),
    ("alexander", Ending::turn(2, "ře")),
    ("leander", Ending::turn(2, "ře")),
    // the l is soft
    ("anděl", Ending::add("i")),
    ("přítel", Ending::add("i")),
    ("manžel", Ending::add("i")),
    ("jetel", Ending::add("i")),
    ("kužel", Ending::add("i")),
    ("šindel", Ending::add("i")),
    ("abel", Ending::add("i")),
    ("ábel", Ending::add("i")),
    ("marcel", Ending::add("i")),
    // the e stays
    ("derek", Ending::add("u")),
    ("tarek", Ending::add("u")),
    ("malek", Ending::add("u")),
];

/// The ends of men's names, longer ones before those they end in.
const ENDS_OF_MEN: &[(&str, Ending)] = &[
    ("a", Ending::turn(1, "o")),
    // adjectives, genitives, and what does not change
    ("ých", Ending::SAME),
    ("yj", Ending::SAME),
    ("skij", Ending::SAME),
    ("ckij", Ending::SAME),
    ("le", Ending::SAME),
    ("še", Ending::SAME),
    ("če", Ending::SAME),
    ("ře", Ending::SAME),
    ("že", Ending::SAME),
    ("á", Ending::SAME),
    ("é", Ending::SAME),
    ("ě", Ending::SAME),
    ("i", Ending::SAME),
    ("í", Ending::SAME),
    ("o", Ending::SAME),
    ("ó", Ending::SAME),
    ("ů", Ending::SAME),
    ("ú", Ending::SAME),
    ("y", Ending::SAME),
    ("ý", Ending::SAME),
    // soft by custom
    ("král", Ending::add("i")),
    ("itel", Ending::add("i")),
    ("ael", Ending::add("i")),
    ("iel", Ending::add("i")),
    ("oel", Ending::add("i")),
    ("uel", Ending::add("i")),
    // letters that stand for one sound
    ("sch", Ending::add("i")),
    ("tch", Ending::add("i")),
    ("ch", Ending::add("u")),
    ("sh", Ending::add("i")),
    ("zh", Ending::add("i")),
    ("th", Ending::add("e")),
    ("ph", Ending::add("e")),
    // those at the back of the mouth
    ("k", Ending::add("u")),
    ("g", Ending::add("u")),
    ("h", Ending::add("u")),
    ("q", Ending::add("u")),
    // soft consonants, and those which are when they end a name
    ("ď", Ending::turn(1, "di")),
    ("ť", Ending::turn(1, "ti")),
    ("ň", Ending::turn(1, "ni")),
    ("c", Ending::add("i")),
    ("č", Ending::add("i")),
    ("ć", Ending::add("i")),
    ("j", Ending::add("i")),
    ("ľ", Ending::add("i")),
    ("ř", Ending::add("i")),
    ("s", Ending::add("i")),
    ("š", Ending::add("i")),
    ("ś", Ending::add("i")),
    ("\u{df}", Ending::add("i")),
    ("x", Ending::add("i")),
    ("z", Ending::add("i")),
    ("ž", Ending::add("i")),
    ("ź", Ending::add("i")),
    ("ż", Ending::add("i")),
    // hard ones
    ("b", Ending::add("e")),
    ("d", Ending::add("e")),
    ("f", Ending::add("e")),
    ("l", Ending::add("e")),
    ("ĺ", Ending::add("e")),
    ("ł", Ending::add("e")),
    ("m", Ending::add("e")),
    ("n", Ending::add("e")),
    ("ń", Ending::add("e")),
    ("p", Ending::add("e")),
    ("r", Ending::add("e")),
    ("ŕ", Ending::add("e")),
    ("t", Ending::add("e")),
    ("v", Ending::add("e")),
    ("w", Ending::add("e")),
];

/// A first name or surname of a man as he is called; `None` when it is foreign to the rules.
pub(super) fn man(word: &str) -> Option<String> {
    let name = native(word)?;
    let exact = MEN.iter().find(|(known, _)| *known == name).map(|(_, ending)| *ending);
    let ending = exact
        .or_else(|| fleeting_e(&name))
        .or_else(|| soft_r(&name))
        .or_else(|| first_of(&name, ENDS_OF_MEN));
    ending.map(|ending| ending.on(word))
}

/// A first name of a woman as she is called; `None` when it is foreign to the rules.
pub(super) fn woman(word: &str) -> Option<String> {
    let name = native(word)?;
    let ending = if name.ends_with('a') { Ending::turn(1, "o") } else { Ending::SAME };
    Some(ending.on(word))
}

fn native(word: &str) -> Option<String> {
    let name = lower(word);
    (!name.is_empty() && name.chars().all(|c| LETTERS.contains(c))).then_some(name)
}

/// `Marek`, `Zdeněk`, `Němec`: the `e` goes, and the soft consonant before it is written by itself. A name of one
/// syllable keeps it (`Švec`), and so does one that nobody could say without it (`Kadlec`).
fn fleeting_e(name: &str) -> Option<Ending> {
    let stem = name.strip_suffix(['k', 'c'])?.strip_suffix(['e', 'ě'])?;
    if !has_syllable(stem) || name.ends_with("dlec") {
        return None;
    }
    let ends = [
        ("něk", Ending::turn(3, "ňku")),
        ("děk", Ending::turn(3, "ďku")),
        ("těk", Ending::turn(3, "ťku")),
        ("ěk", Ending::turn(2, "ku")),
        ("ek", Ending::turn(2, "ku")),
        ("iec", Ending::turn(3, "če")),
        ("něc", Ending::turn(3, "ňče")),
        ("děc", Ending::turn(3, "ďče")),
        ("těc", Ending::turn(3, "ťče")),
        ("ěc", Ending::turn(2, "če")),
        ("ec", Ending::turn(2, "če")),
    ];
    first_of(name, &ends)
}

/// `Petr`, `Alexandr`: an `r` behind a consonant becomes soft. The `h` of `Lehr` is none.
fn soft_r(name: &str) -> Option<Ending> {
    let before = name.strip_suffix('r')?.chars().next_back()?;
    (!"aáeéěiíoóuúůyýhr\u{e4}\u{f6}\u{fc}ôőű".contains(before)).then_some(Ending::turn(1, "ře"))
}
