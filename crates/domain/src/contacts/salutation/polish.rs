//! The Polish vocative of first names. Surnames are not addressed in Polish, so nothing is said of them.

use super::word::{Ending, first_of, has_syllable, lower};

/// Letters of names the rules speak of; `q`, `v` and `x` stand in names that Polish took over.
const LETTERS: &str = "aąbcćdeęfghijklłmnńoóprsśtuwyzźżqvx";

/// Pet names end in `u`, most of them by their soft consonant, these by custom.
const PET_NAMES: &str = "ania|hania|sonia|tania|renia|bronia|gienia|henia|mania|frania|lonia|tonia|wania|fenia|lucia|\
    ala|ela|ola|ula|hela|nela|pola|mela|tola|lola|stela|luśka";

/// First names of men whose end follows no rule, most of them written without their `ł`.
const MEN: &[(&str, Ending)] = &[
    ("lew", Ending::turn(2, "wie")),
    ("pawel", Ending::turn(2, "le")),
    ("gawel", Ending::turn(2, "le")),
    ("michal", Ending::add("e")),
    ("rafal", Ending::add("e")),
    ("kacper", Ending::turn(2, "rze")),
    ("kasper", Ending::turn(2, "rze")),
    ("sewer", Ending::turn(2, "rze")),
    ("abel", Ending::turn(2, "lu")),
    ("noe", Ending::SAME),
    ("jose", Ending::SAME),
];

/// The ends of men's names, longer ones before those they end in.
const ENDS_OF_MEN: &[(&str, Ending)] = &[
    ("a", Ending::turn(1, "o")),
    ("szko", Ending::turn(1, "u")),
    ("śko", Ending::turn(1, "u")),
    // adjectives, and what does not change
    ("i", Ending::SAME),
    ("y", Ending::SAME),
    ("o", Ending::SAME),
    // the e that goes
    ("niec", Ending::turn(4, "ńcze")),
    ("ciec", Ending::turn(4, "ćcze")),
    ("iec", Ending::turn(3, "cze")),
    ("eł", Ending::turn(2, "le")),
    ("ander", Ending::turn(2, "rze")),
    ("ster", Ending::turn(2, "rze")),
    // soft consonants
    ("sz", Ending::add("u")),
    ("cz", Ending::add("u")),
    ("rz", Ending::add("u")),
    ("dz", Ending::add("u")),
    ("ż", Ending::add("u")),
    ("j", Ending::add("u")),
    ("l", Ending::add("u")),
    ("c", Ending::add("u")),
    ("ć", Ending::turn(1, "ciu")),
    ("ś", Ending::turn(1, "siu")),
    ("ń", Ending::turn(1, "niu")),
    ("ź", Ending::turn(1, "ziu")),
    // those at the back of the mouth
    ("k", Ending::add("u")),
    ("g", Ending::add("u")),
    ("h", Ending::add("u")),
    // hard consonants become soft
    ("st", Ending::turn(2, "ście")),
    ("zd", Ending::turn(2, "ździe")),
    ("sł", Ending::turn(2, "śle")),
    ("t", Ending::turn(1, "cie")),
    ("d", Ending::add("zie")),
    ("ł", Ending::turn(1, "le")),
    ("r", Ending::add("ze")),
    ("x", Ending::turn(1, "ksie")),
    ("b", Ending::add("ie")),
    ("f", Ending::add("ie")),
    ("m", Ending::add("ie")),
    ("n", Ending::add("ie")),
    ("p", Ending::add("ie")),
    ("s", Ending::add("ie")),
    ("v", Ending::add("ie")),
    ("w", Ending::add("ie")),
    ("z", Ending::add("ie")),
];

/// A man's first name as he is called; `None` when it is foreign to the rules.
pub(super) fn man(word: &str) -> Option<String> {
    let name = native(word)?;
    let exact = MEN.iter().find(|(known, _)| *known == name).map(|(_, ending)| *ending);
    let ending = exact.or_else(|| fleeting_ek(&name)).or_else(|| {
        let foreign = name.ends_with("th") || name.ends_with("ph") || name.ends_with("sh");
        if foreign { None } else { first_of(&name, ENDS_OF_MEN) }
    });
    ending.map(|ending| ending.on(word))
}

/// A woman's first name as she is called; `None` when it is foreign to the rules.
pub(super) fn woman(word: &str) -> Option<String> {
    let name = native(word)?;
    let is_pet_name = PET_NAMES.split('|').any(|known| known == name)
        || ["sia", "zia", "cia"].iter().any(|end| name.ends_with(end));
    let ending = match name.ends_with('a') {
        true if is_pet_name => Ending::turn(1, "u"),
        true => Ending::turn(1, "o"),
        false => Ending::SAME,
    };
    Some(ending.on(word))
}

fn native(word: &str) -> Option<String> {
    let name = lower(word);
    (!name.is_empty() && name.chars().all(|c| LETTERS.contains(c))).then_some(name)
}

/// `Marek`, `Wojtek`, `Maciek`: the `e` goes, and the soft consonant before it is written by itself.
fn fleeting_ek(name: &str) -> Option<Ending> {
    let stem = name.strip_suffix("ek")?;
    if !has_syllable(stem.strip_suffix('i').unwrap_or(stem)) {
        return None;
    }
    let soft = [
        ("ciek", Ending::turn(4, "ćku")),
        ("siek", Ending::turn(4, "śku")),
        ("ziek", Ending::turn(4, "źku")),
        ("niek", Ending::turn(4, "ńku")),
        ("iek", Ending::turn(3, "ku")),
        ("ek", Ending::turn(2, "ku")),
    ];
    first_of(name, &soft)
}
