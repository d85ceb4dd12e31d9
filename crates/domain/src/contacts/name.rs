//! Names of people: cleaning them, and splitting one cell into titles, first and last name.
//!
//! Splitting is a guess that follows the habits of Czech, Slovak, Polish, Hungarian, German and
//! English names: titles on either side, particles (`von`, `de la`), double surnames, the comma form
//! (`Novák, Jan`), and surnames in capitals (`Jan NOVÁK`). Nothing is ever lost: whatever stands in
//! the cell comes out in one of the parts. Case is never changed.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::cell::{is_invisible, is_one_of};

/// Which name stands first where there is no comma to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameOrder {
    /// `Jan Novák`
    #[default]
    FirstLast,
    /// `Kovács János`, as Hungarians and lists sorted by surname have it.
    LastFirst,
}

impl NameOrder {
    /// The word used in the API: `first_last` or `last_first`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstLast => "first_last",
            Self::LastFirst => "last_first",
        }
    }
}

/// A full name taken apart. `None` where there is nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NameParts {
    /// `prof. Ing.`
    pub title_before: Option<String>,
    /// All given names.
    pub first_name: Option<String>,
    /// The surname with its particles.
    pub last_name: Option<String>,
    /// `Ph.D. MBA`; also `Jr.`, `ml.`
    pub title_after: Option<String>,
}

/// Titles in front, in lower case, without dots and hyphens.
const BEFORE: &str = "ing|mgr|mga|bc|bca|mudr|mddr|mvdr|judr|phdr|rndr|pharmdr|paeddr|peaddr|thdr|\
    thlic|thmgr|rsdr|rcdr|icdr|rtdr|phmr|doc|prof|dr|drs|akad|arch|as|odb|pplk|plk|mjr|kpt|npor|\
    inż|inz|mag|lic|lek|hab|ks|dott|mecenas|mec|adw|gen|płk|ppłk|\
    ifj|özv|ozv|legifj|\
    dipl|dipling|diplkfm|diplkffr|diplinf|diplpäd|diplpsych|diplvw|diplbw|dkfm|priv|privdoz|pd|\
    mr|mrs|ms|miss|mx|sir|rev|herr|frau|pan|paní|pani|slečna";
/// Titles in front that are words or names as well: only with their dot.
const BEFORE_WITH_DOT: &str = "id|p|o|s|st|red|doktor|por|kom|nadp|hr|fr|sl";
/// What continues a title: `dr hab. n. med.`, `Mgr. et Mgr.`, `Ing. arch.`, `Dr. rer. nat.`
const CONTINUED: &str = "et|hab|inż|inz|arch|art|med|rer|nat|pol|oec|phil|jur|farm|wet|hum|techn|\
    soc|teol|ekon|vet|mal|soch|mult|univ|(fh)|um|stom|dent|iur|theol|agr|mont|sc|habil|ak|\
    praw|społ|zdr|roln|leśn|chem|ing|dr";
/// Titles behind, in lower case, without dots and hyphens.
const BEHIND: &str = "phd|csc|drsc|dsc|mba|emba|msc|mscs|bsc|bba|bsba|llm|llb|lld|dis|mpa|mph|mha|dba|thd|\
    artd|art d|mphil|meng|beng|fcca|acca|cfa|cpa|cia|pmp|edd|dphil|jd|esq|jr|sr|jun|sen|dipm|\
    dipmgmt|dla|mbl|mim|mme|md|rn|mrics|frics|pgdip|dess|bth|mth|stl|std|jcd|jcl|dds";
/// Titles behind that are names or words as well: only in capitals or with their dot.
const BEHIND_WITH_CARE: &str = "ma|ba|bs|ms|ml|st|ii|iii|iv|mladší|starší|um|mbe|obe";
/// Particles that belong to the surname.
const PARTICLES: &str = "von|van|vom|zu|zum|zur|de|der|den|des|del|della|dello|di|da|dal|dalla|do|dos|das|du|\
    la|le|las|los|ter|ten|op|af|av|el|al|bin|ibn|ben|y|z|ze|'t|d'|st|saint|san|santa|mac|mc";

/// The name as a person would see it: NFC, without control and invisible characters, with single
/// blanks. Case stays.
#[must_use]
pub fn clean_name(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for word in raw.split(|c: char| c.is_whitespace()) {
        let visible = || word.chars().filter(|c| !c.is_control() && !is_invisible(*c));
        if visible().next().is_none() {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        // below the first combining mark everything is composed already
        if word.chars().all(|c| c < '\u{300}') {
            out.extend(visible());
        } else {
            out.extend(visible().nfc());
        }
    }
    out
}

/// Takes a full name apart. `order` says which name stands first where no comma does.
#[must_use]
pub fn split_full_name(raw: &str, order: NameOrder) -> NameParts {
    let name = clean_name(raw);
    let mut titles = Titles::default();
    let mut segments: Vec<Vec<&str>> = Vec::new();
    for (index, segment) in name.split(',').enumerate() {
        let words = titles.strip(words_of(segment), index > 0);
        if !words.is_empty() {
            segments.push(words);
        }
    }
    let (first, last) = match segments.as_slice() {
        [] => (Vec::new(), Vec::new()),
        [words] if words.len() == 1 && name.ends_with(',') && titles.is_empty() => {
            (Vec::new(), words.clone())
        }
        [words] => divide(words, order, !titles.before.is_empty()),
        [last, first @ ..] => (first.concat(), last.clone()),
    };
    let join = |words: Vec<&str>| (!words.is_empty()).then(|| words.join(" "));
    NameParts {
        title_before: join(titles.before),
        first_name: join(first),
        last_name: join(last),
        title_after: join(titles.behind),
    }
}

#[derive(Default)]
struct Titles<'a> {
    before: Vec<&'a str>,
    behind: Vec<&'a str>,
}

impl<'a> Titles<'a> {
    fn is_empty(&self) -> bool {
        self.before.is_empty() && self.behind.is_empty()
    }

    /// Takes the titles off the words. A segment behind a comma may be titles only; the first one
    /// keeps at least one word.
    fn strip(&mut self, mut words: Vec<&'a str>, may_be_titles_only: bool) -> Vec<&'a str> {
        let least = usize::from(!may_be_titles_only);
        let mut behind: Vec<&'a str> = Vec::new();
        // From the back first: `Ph.D.` and `Ph. D.`
        while let Some(taken) = trailing_titles(&words).filter(|taken| words.len() >= least + taken)
        {
            let titles = words.split_off(words.len() - taken);
            behind.splice(0..0, titles);
        }
        let mut continued = false;
        while let [word, rest @ ..] = words.as_slice() {
            let next = rest.first().copied();
            let is_title = is_before(word) || continued && is_continued(word, next);
            if !is_title || words.len() <= least {
                break;
            }
            self.before.push(word);
            words.remove(0);
            continued = true;
        }
        // `Novák Ing. Jan`, `Kovács János dr.`
        if words.len() > 2 || words.len() == 2 && words.iter().any(|word| is_clear_title(word)) {
            let (titles, names): (Vec<&str>, Vec<&str>) =
                words.iter().partition(|word| is_clear_title(word));
            if !names.is_empty() {
                self.before.extend(titles);
                words = names;
            }
        }
        self.behind.extend(behind);
        words
    }
}

/// Words of a segment. Titles glued to what follows come apart (`Ing.Jan`).
fn words_of(segment: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for mut word in segment.split(' ').filter(|word| !word.is_empty()) {
        while let Some((title, rest)) = glued_title(word) {
            words.push(title);
            word = rest;
        }
        words.push(word);
    }
    words
}

fn glued_title(word: &str) -> Option<(&str, &str)> {
    if is_before(word) || is_behind(word) {
        return None;
    }
    let at = word.find('.')? + 1;
    let (title, rest) = word.split_at_checked(at)?;
    let name_follows = rest.chars().filter(|c| c.is_alphabetic()).count() > 1;
    (name_follows && is_clear_title(title)).then_some((title, rest))
}

/// A title in the form titles are compared in.
fn plain(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '.' | '-' | ',')).flat_map(char::to_lowercase).collect()
}

fn is_before(word: &str) -> bool {
    let title = plain(word);
    is_one_of(&title, BEFORE) || word.ends_with('.') && is_one_of(&title, BEFORE_WITH_DOT)
}

/// A title in front, with its dot, wherever it stands.
fn is_clear_title(word: &str) -> bool {
    word.ends_with('.') && is_one_of(&plain(word), BEFORE)
}

fn is_continued(word: &str, next: Option<&str>) -> bool {
    let title = plain(word);
    match title.as_str() {
        // Initials of names, unless they are `h. c.` or `n. med.`
        "h" => next.is_some_and(|next| plain(next) == "c"),
        "n" => next.is_some_and(|next| is_one_of(&plain(next), CONTINUED)),
        "c" => word.ends_with('.'),
        "et" | "hab" | "inż" | "inz" | "(fh)" => true,
        _ => word.ends_with('.') && is_one_of(&title, CONTINUED),
    }
}

fn is_behind(word: &str) -> bool {
    let title = plain(word);
    let capitals = word.chars().all(|c| !c.is_lowercase());
    is_one_of(&title, BEHIND)
        || (capitals || word.ends_with('.')) && is_one_of(&title, BEHIND_WITH_CARE)
}

/// How many words at the end are one title: `Ph.D.` is one, `Ph. D.` two.
fn trailing_titles(words: &[&str]) -> Option<usize> {
    let [.., last] = words else { return None };
    if let [.., before, last] = words
        && before.ends_with('.')
        && is_one_of(&format!("{}{}", plain(before), plain(last)), BEHIND)
    {
        return Some(2);
    }
    is_behind(last).then_some(1)
}

/// Divides words without titles into first and last name.
fn divide<'a>(words: &[&'a str], order: NameOrder, titled: bool) -> (Vec<&'a str>, Vec<&'a str>) {
    let cut = |at: usize| {
        let (left, right) = words.split_at_checked(at).unwrap_or((words, &[]));
        (left.to_vec(), right.to_vec())
    };
    let swap = |(last, first)| (first, last);
    if let [_] = words {
        let is_last = titled || order == NameOrder::LastFirst;
        return if is_last { cut(0) } else { cut(1) };
    }
    if words.first().is_some_and(|word| word.starts_with(char::is_lowercase) && is_particle(word))
        && order == NameOrder::FirstLast
    {
        return cut(0);
    }
    if let Some(at) = capitals_begin(words) {
        return cut(at);
    }
    if let Some(at) = capitals_end(words) {
        return swap(cut(at));
    }
    match order {
        NameOrder::FirstLast => cut(surname_begins(words)),
        NameOrder::LastFirst => swap(cut(surname_ends(words))),
    }
}

/// `Jan NOVÁK`
fn capitals_begin(words: &[&str]) -> Option<usize> {
    let at = words.iter().rposition(|word| !is_capitals(word))? + 1;
    let rest = words.get(..at)?;
    (at < words.len() && !rest.iter().any(|word| is_capitals(word))).then_some(at)
}

/// `NOVÁK Jan`
fn capitals_end(words: &[&str]) -> Option<usize> {
    let at = words.iter().position(|word| !is_capitals(word))?;
    let rest = words.get(at..)?;
    (at > 0 && !rest.iter().any(|word| is_capitals(word))).then_some(at)
}

/// Three capital letters at least; fewer may be initials.
fn is_capitals(word: &str) -> bool {
    word.chars().filter(|c| c.is_uppercase()).count() > 2 && !word.chars().any(char::is_lowercase)
}

fn is_particle(word: &str) -> bool {
    is_one_of(&plain(word), PARTICLES)
}

fn is_hyphen(word: &str) -> bool {
    matches!(word, "-" | "–" | "—")
}

/// No Czech or Slovak given name ends in a long `á`; most women's surnames do.
fn is_womans_surname(word: &str) -> bool {
    word.ends_with(['á', 'Á'])
}

fn surname_begins(words: &[&str]) -> usize {
    // What stands in brackets belongs to the surname: `Jana Malá (Nováková)`.
    let bracket = words.iter().skip(1).position(|word| word.starts_with('('));
    let mut at = bracket.unwrap_or_else(|| words.len().saturating_sub(1)).max(1);
    while at > 1 {
        let before = words.get(at - 1).copied().unwrap_or_default();
        let here = words.get(at).copied().unwrap_or_default();
        let belongs = is_particle(before)
            || is_hyphen(before)
            || is_hyphen(here)
            || is_womans_surname(before);
        if !belongs {
            break;
        }
        at -= 1;
    }
    at
}

fn surname_ends(words: &[&str]) -> usize {
    let last = words.len().saturating_sub(1);
    let mut at = words.iter().take(last).take_while(|word| is_particle(word)).count() + 1;
    while at < last {
        let before = words.get(at - 1).copied().unwrap_or_default();
        let here = words.get(at).copied().unwrap_or_default();
        let initial = at == 1 && before.ends_with('.') && before.chars().count() < 5;
        // A widow's or wife's name in front of her own: `Kovácsné Nagy Mária`.
        let wife = at == 1 && before.ends_with("né");
        let belongs = initial
            || wife
            || is_hyphen(before)
            || is_hyphen(here)
            || is_particle(here)
            || is_particle(before)
            || is_womans_surname(here);
        if !belongs {
            break;
        }
        at += 1;
    }
    at.min(last.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Title before, first name, last name, title behind, with `-` for nothing.
    fn split(raw: &str, order: NameOrder) -> String {
        let parts = split_full_name(raw, order);
        [parts.title_before, parts.first_name, parts.last_name, parts.title_after]
            .map(|part| part.unwrap_or_else(|| "-".to_owned()))
            .join(" | ")
    }

    /// IMP-5, IMP-20
    #[test]
    fn a_name_is_cleaned_but_not_changed() {
        for (raw, expected) in [
            ("  Jan   Novák ", "Jan Novák"),
            ("Jan\u{A0}Novák\u{200B}", "Jan Novák"),
            ("\u{FEFF}Jan\tNovák\r\n", "Jan Novák"),
            ("Nova\u{301}k", "Novák"),
            ("Jan\u{0}\u{7}", "Jan"),
            ("JAN nOVÁK", "JAN nOVÁK"),
            ("\u{200B} \u{0}", ""),
        ] {
            assert_eq!(clean_name(raw), expected, "{raw:?}");
        }
    }

    /// IMP-5
    #[test]
    fn names_with_the_first_name_first() {
        for (raw, expected) in [
            ("Jan Novák", "- | Jan | Novák | -"),
            ("Jan", "- | Jan | - | -"),
            ("Jana Malá (Nováková)", "- | Jana | Malá (Nováková) | -"),
            ("Jan Novák (Firma s.r.o.)", "- | Jan | Novák (Firma s.r.o.) | -"),
            ("Jan (IT)", "- | Jan | (IT) | -"),
            ("Jan a Eva Novákovi", "- | Jan a Eva | Novákovi | -"),
            ("Jan Novák,", "- | Jan | Novák | -"),
            ("", "- | - | - | -"),
            (" , ", "- | - | - | -"),
            ("Jan Karel Novák", "- | Jan Karel | Novák | -"),
            ("Novák, Jan", "- | Jan | Novák | -"),
            ("Novák,", "- | - | Novák | -"),
            ("Novák, Jan Karel", "- | Jan Karel | Novák | -"),
            ("Ing. Jan Novák", "Ing. | Jan | Novák | -"),
            ("Ing. Jan Novák, Ph.D.", "Ing. | Jan | Novák | Ph.D."),
            ("Ing. Jan Novák Ph.D., MBA", "Ing. | Jan | Novák | Ph.D. MBA"),
            ("Jan Novák, Ph. D.", "- | Jan | Novák | Ph. D."),
            ("Mgr. et Mgr. Jana Nováková, DiS.", "Mgr. et Mgr. | Jana | Nováková | DiS."),
            ("prof. MUDr. Jan Novák, CSc.", "prof. MUDr. | Jan | Novák | CSc."),
            ("doc.Ing.arch.Jan Novák", "doc. Ing. arch. | Jan | Novák | -"),
            ("Ing.Jan Novák", "Ing. | Jan | Novák | -"),
            ("ING. JAN NOVÁK", "ING. | JAN | NOVÁK | -"),
            ("JUDr Jan Novák LL.M.", "JUDr | Jan | Novák | LL.M."),
            ("Novák, Ing. Jan, Ph.D.", "Ing. | Jan | Novák | Ph.D."),
            ("Ing. Novák, Jan", "Ing. | Jan | Novák | -"),
            ("Novák Jan, Ing.", "Ing. | Novák | Jan | -"),
            ("Dr. Novák", "Dr. | - | Novák | -"),
            ("prof. dr hab. n. med. Anna Kowalska", "prof. dr hab. n. med. | Anna | Kowalska | -"),
            ("mgr inż. Jan Kowalski", "mgr inż. | Jan | Kowalski | -"),
            ("dr hab. Jan Kowalski", "dr hab. | Jan | Kowalski | -"),
            ("Dr. H. Novák", "Dr. | H. | Novák | -"),
            ("Dr. h. c. Jan Novák", "Dr. h. c. | Jan | Novák | -"),
            ("Dipl.-Ing. Hans Müller", "Dipl.-Ing. | Hans | Müller | -"),
            ("Prof. Dr. rer. nat. Eva Meier", "Prof. Dr. rer. nat. | Eva | Meier | -"),
            ("Mag. (FH) Eva Gruber", "Mag. (FH) | Eva | Gruber | -"),
            ("Ludwig van Beethoven", "- | Ludwig | van Beethoven | -"),
            ("Maria de la Cruz", "- | Maria | de la Cruz | -"),
            ("Jan van der Berg", "- | Jan | van der Berg | -"),
            ("von Trapp", "- | - | von Trapp | -"),
            ("Jana Nováková-Malá", "- | Jana | Nováková-Malá | -"),
            ("Jana Nováková Malá", "- | Jana | Nováková Malá | -"),
            ("Jana Nováková - Malá", "- | Jana | Nováková - Malá | -"),
            ("Anna Maria Nowak-Kowalska", "- | Anna Maria | Nowak-Kowalska | -"),
            ("NOVÁK Jan", "- | Jan | NOVÁK | -"),
            ("Jan NOVÁK", "- | Jan | NOVÁK | -"),
            ("J. P. Novák", "- | J. P. | Novák | -"),
            ("Jan Novák ml.", "- | Jan | Novák | ml."),
            ("John Smith Jr.", "- | John | Smith | Jr."),
            ("Mr. John Smith", "Mr. | John | Smith | -"),
            ("Jack Ma", "- | Jack | Ma | -"),
            ("Jan Novák MA", "- | Jan | Novák | MA"),
            ("Grace Brewster Hopper", "- | Grace Brewster | Hopper | -"),
        ] {
            assert_eq!(split(raw, NameOrder::FirstLast), expected, "{raw:?}");
        }
    }

    /// IMP-5
    #[test]
    fn names_with_the_last_name_first() {
        for (raw, expected) in [
            ("Kovács János", "- | János | Kovács | -"),
            ("Kovács", "- | - | Kovács | -"),
            ("Dr. Kovács János", "Dr. | János | Kovács | -"),
            ("Kovács Dr. János", "Dr. | János | Kovács | -"),
            ("Kovács János dr.", "dr. | János | Kovács | -"),
            ("ifj. Nagy István", "ifj. | István | Nagy | -"),
            ("id. Nagy István", "id. | István | Nagy | -"),
            ("özv. Kovács Jánosné", "özv. | Jánosné | Kovács | -"),
            ("Kovácsné Nagy Mária", "- | Mária | Kovácsné Nagy | -"),
            ("Kovács-Nagy Anna Mária", "- | Anna Mária | Kovács-Nagy | -"),
            ("V. Nagy Anna", "- | Anna | V. Nagy | -"),
            ("Nováková Malá Jana", "- | Jana | Nováková Malá | -"),
            ("Novák Jan Karel", "- | Jan Karel | Novák | -"),
            ("von Trapp Maria", "- | Maria | von Trapp | -"),
            ("Novák Jan, Ph.D.", "- | Jan | Novák | Ph.D."),
            ("Novák, Jan", "- | Jan | Novák | -"),
            ("Ing. Novák Jan", "Ing. | Jan | Novák | -"),
        ] {
            assert_eq!(split(raw, NameOrder::LastFirst), expected, "{raw:?}");
        }
    }

    fn an_order() -> impl Strategy<Value = NameOrder> {
        prop_oneof![Just(NameOrder::FirstLast), Just(NameOrder::LastFirst)]
    }

    /// The characters of a text but blanks and commas, sorted.
    fn letters(text: &str) -> Vec<char> {
        let mut all: Vec<char> = text.chars().filter(|c| !matches!(c, ' ' | ',')).collect();
        all.sort_unstable();
        all
    }

    proptest! {
        /// IMP-20: never a panic, never a silent drop.
        #[test]
        fn nothing_is_lost(raw in any::<String>(), order in an_order()) {
            let parts = split_full_name(&raw, order);
            let all = [parts.title_before, parts.first_name, parts.last_name, parts.title_after];
            let joined = all.into_iter().flatten().collect::<Vec<_>>().join(" ");
            prop_assert_eq!(letters(&joined), letters(&clean_name(&raw)));
        }

        /// IMP-20
        #[test]
        fn nothing_is_lost_of_name_like_text(
            raw in "((Ing|dr|Mgr|prof|von|né|Ph|D|MBA|Jan|NOVÁK|Malá|id|MA|et|hab)[., -]{0,2}){0,7}",
            order in an_order(),
        ) {
            let parts = split_full_name(&raw, order);
            let all = [parts.title_before, parts.first_name, parts.last_name, parts.title_after];
            let joined = all.into_iter().flatten().collect::<Vec<_>>().join(" ");
            prop_assert_eq!(letters(&joined), letters(&clean_name(&raw)));
        }

        /// IMP-20
        #[test]
        fn cleaning_is_idempotent(raw in any::<String>()) {
            let once = clean_name(&raw);
            prop_assert_eq!(clean_name(&once), once);
        }
    }
}
