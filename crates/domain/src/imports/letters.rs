//! Tells Central European 8-bit encodings apart by the letters they would give (IMP-3).
//!
//! `chardetng` is right on long texts but knows no CP852, and a contact list may hold three accented
//! letters in all. What such a list does have is names, and where an accented letter stands in a name
//! (after a vowel, before a consonant, at an end) is telling: `Gdańsk` read in a wrong encoding is
//! `Gdaäsk`, and no language writes `aä`. The table says how likely each letter is between which
//! neighbours, in five languages.

/// How unlikely a letter is between its neighbours, per language.
///
/// Each entry is a letter and nine marks, for the pairs (before, after) of {edge, vowel, consonant}:
/// `A` is certain, each further mark is half a unit of natural logarithm less likely. Counted over
/// first names, surnames, towns and header words.
const LANGUAGES: [&str; 5] = [
    // Czech
    "áNNNNNKEJE éUUUUUUMUK ěRRRRRRNOH íPPPPPPKJF óZZZZZZRZS úXXNXXXXXP ůUUUUUUNPK ýRRRRRRHJL \
     čPIOLGJNJO ďXPXSPXXOX ňUUUMMNUNU řQLQJINQIQ šPIIIHIOMP ťWPWWPSWMW žSKONJMQNP",
    // Polish
    "ąRRRRRMRRH ćTTJMTTMTT ęQQQMQKQQG łNHNHHIMDN ńQQQJQGQQQ óPPMPPKOPF śQQHQQHQQL źSSJSSJMSS \
     żQIQJIMQLL",
    // Hungarian
    "áNNINNINMC éOOKOOLKNE íTTRTTNTPJ óPPOLPLHOF öQQLQQIPQG őQQOOQKHNI úUUNUUONUL üSSNSSQQSI \
     űUUOUUUUUK",
    // Slovak
    "áNNNNNJGNE äRRRRRRRRH čPIPIIIIIP ďSISSSSSSS éUUUUUUUUU íQQQQQQQQG ĺSSSSSSSSI ľQGQKQKQQQ \
     ňSSSKKSSSS óSSSSSSSSI ôRRKRRRRRH ŕUUUUUUUUK šPKIHIPPPP ťSSSSSKISS úSSKSSSSSK ýQQQQQQGQQ \
     žRIRKRKRRR",
    // German
    "äOOIOOOOIE öNNHNNNNND üNNHNNNNND ßOOOGGOOOO éUUUUUUUUU",
];

/// Signs that do stand in such lists, with their cost when they touch no letter.
const SIGNS: [(char, f32); 18] = [
    ('\u{a0}', -7.0),
    ('„', -7.0),
    ('“', -7.0),
    ('”', -7.0),
    ('’', -7.0),
    ('‘', -8.0),
    ('–', -7.0),
    ('—', -8.0),
    ('…', -8.0),
    ('§', -8.0),
    ('°', -7.0),
    ('€', -8.0),
    ('«', -9.0),
    ('»', -9.0),
    ('™', -9.0),
    ('®', -9.0),
    ('´', -8.0),
    ('½', -9.0),
];

/// Log-likelihoods of one text, language by language, and of a mixture of them.
pub(super) struct Scorer {
    table: Vec<Vec<(char, [f32; 9])>>,
}

/// What a text scored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Score {
    /// The best language's log-likelihood; only comparable between readings of the same bytes.
    pub(super) total: f32,
    /// The same per non-ASCII character: about −2 … −7 for real text, below −9 for nonsense.
    pub(super) mean: f32,
}

impl Scorer {
    /// Unpacks the table.
    pub(super) fn new() -> Self {
        let unpack = |entry: &str| {
            let mut marks = entry.chars();
            let letter = marks.next().unwrap_or('\u{fffd}');
            let mut costs = [-15.0; 9];
            for (cost, mark) in costs.iter_mut().zip(marks) {
                let steps = u8::try_from(mark).unwrap_or(b'Z').saturating_sub(b'A');
                *cost = -f32::from(steps) / 2.0;
            }
            (letter, costs)
        };
        let table = LANGUAGES.iter().map(|l| l.split_whitespace().map(unpack).collect()).collect();
        Scorer { table }
    }

    /// Scores a reading of the bytes; ASCII characters count only as neighbours.
    pub(super) fn score(&self, text: &[char]) -> Score {
        let mut totals = [0.0_f32; LANGUAGES.len() + 1];
        let mut strange = 0.0_f32;
        for (i, &c) in text.iter().enumerate() {
            if c.is_ascii() {
                continue;
            }
            strange += 1.0;
            let before = i.checked_sub(1).and_then(|i| text.get(i)).copied().unwrap_or('\n');
            let after = text.get(i + 1).copied().unwrap_or('\n');
            if c.is_alphabetic() {
                self.add_letter(&mut totals, before, c, after);
            } else {
                let cost = sign_cost(before, c, after);
                totals.iter_mut().for_each(|t| *t += cost);
            }
        }
        let total = totals.into_iter().fold(f32::NEG_INFINITY, f32::max);
        Score { total, mean: if strange > 0.0 { total / strange } else { 0.0 } }
    }

    fn add_letter(&self, totals: &mut [f32], before: char, c: char, after: char) {
        let shape = shape_cost(before, c, after);
        let place = class(before) * 3 + class(after);
        let small = c.to_lowercase().next().unwrap_or(c);
        let cost_in = |language: &Vec<(char, [f32; 9])>| {
            let (_, costs) = language.iter().find(|(l, _)| *l == small)?;
            costs.get(place).copied()
        };
        let costs: Vec<Option<f32>> = self.table.iter().map(cost_in).collect();
        let likelihood: f32 = costs.iter().flatten().map(|cost| cost.exp()).sum();
        let mixed = (likelihood / 5.0 + 1e-6).ln() - 0.7;
        // the last total is of a list that mixes languages; in the others a foreign letter costs more
        for (total, cost) in totals.iter_mut().zip(costs.into_iter().chain([Some(mixed)])) {
            *total += shape + cost.map_or(mixed - 3.0, |cost| cost.max(mixed - 3.0));
        }
    }
}

/// Capitals belong at the start of words or in words all in capitals.
fn shape_cost(before: char, c: char, after: char) -> f32 {
    let big = c.is_uppercase();
    match (big, before.is_alphabetic()) {
        (true, true) if before.is_lowercase() => -8.5,
        (true, true) if after.is_lowercase() => -6.5,
        (true, _) => -1.5,
        (false, true) if before.is_uppercase() && after.is_uppercase() => -5.0,
        (false, true) => 0.0,
        (false, false) => -2.5,
    }
}

fn sign_cost(before: char, c: char, after: char) -> f32 {
    let known = SIGNS.iter().find(|(sign, _)| *sign == c).map(|(_, cost)| *cost);
    let cost = match known {
        Some(cost) => cost,
        None if c.is_control() || c == '\u{fffd}' => -30.0,
        None => -12.0,
    };
    let inside = before.is_alphabetic() && after.is_alphabetic();
    let beside = before.is_alphabetic() || after.is_alphabetic();
    match c {
        '’' | '\u{a0}' | '–' if inside => cost + 2.0,
        _ if inside => cost - 6.0,
        _ if beside && known.is_none() => cost - 3.0,
        _ => cost,
    }
}

/// 0 edge of a word, 1 vowel, 2 consonant.
fn class(c: char) -> usize {
    if !c.is_alphabetic() {
        return 0;
    }
    let small = c.to_lowercase().next().unwrap_or(c);
    match small {
        'a' | 'e' | 'i' | 'o' | 'u' | 'y' => 1,
        'á' | 'â' | 'ă' | 'ä' | 'ą' | 'é' | 'ę' | 'ë' | 'ě' | 'í' | 'î' | 'ó' | 'ô' | 'ő' | 'ö'
        | 'ú' | 'ů' | 'ű' | 'ü' | 'ý' => 1,
        _ => 2,
    }
}
