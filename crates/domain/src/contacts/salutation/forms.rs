//! The words around a name in each language.

use super::super::cell::Words;
use super::super::gender::Gender;
use super::names::each_half;
use super::{Formality, Language, Salutation, Source, czech, polish};

/// A degree or a calling by which somebody is addressed; the highest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Degree {
    Priest,
    Professor,
    Docent,
    Doctor,
    Lawyer,
    Architect,
    Engineer,
    Master,
}

static PRIEST: Words = Words::new("ks|páter");
static PROFESSOR: Words = Words::new("prof|univprof");
static DOCENT: Words = Words::new("doc");
static DOCTOR: Words = Words::new(
    "dr|drs|mudr|mddr|mvdr|judr|phdr|rndr|pharmdr|paeddr|peaddr|thdr|rsdr|icdr|rcdr|lek|phd|thd|dphil|privdoz|pd",
);
static LAWYER: Words = Words::new("mec|mecenas|adw");
static ARCHITECT: Words = Words::new("arch");
static ENGINEER: Words = Words::new("ing|inż|inz|dipling");
static MASTER: Words = Words::new("mgr|mga");

impl Degree {
    /// The highest of a contact's titles, if it is one that people are addressed by.
    pub(super) fn of(before: Option<&str>, after: Option<&str>) -> Option<Self> {
        let titles = [before, after].into_iter().flatten();
        let mut highest = None;
        for title in titles.flat_map(|titles| titles.split([' ', ',', '\u{A0}', '/'])) {
            // `doc.Ing.` is two titles, `Ph.D.` one, and `Dipl.-Ing.` too
            let whole = plain(title);
            let parts = title.split('.').map(plain);
            for word in std::iter::once(whole).chain(parts) {
                let degree = match word.as_str() {
                    word if PRIEST.has(word) => Self::Priest,
                    word if PROFESSOR.has(word) => Self::Professor,
                    word if DOCENT.has(word) => Self::Docent,
                    word if DOCTOR.has(word) => Self::Doctor,
                    word if LAWYER.has(word) => Self::Lawyer,
                    word if ARCHITECT.has(word) => Self::Architect,
                    word if ENGINEER.has(word) => Self::Engineer,
                    word if MASTER.has(word) => Self::Master,
                    _ => continue,
                };
                highest = Some(highest.map_or(degree, |known: Self| known.min(degree)));
            }
        }
        highest
    }

    /// As a Czech is called: `inženýre`, `inženýrko`.
    fn czech(self, is_woman: bool) -> Option<&'static str> {
        let (man, woman) = match self {
            Self::Priest | Self::Lawyer => return None,
            Self::Professor => ("profesore", "profesorko"),
            Self::Docent => ("docente", "docentko"),
            Self::Doctor => ("doktore", "doktorko"),
            Self::Architect => ("architekte", "architektko"),
            Self::Engineer => ("inženýre", "inženýrko"),
            Self::Master => ("magistře", "magistro"),
        };
        Some(if is_woman { woman } else { man })
    }

    fn slovak(self, is_woman: bool) -> Option<&'static str> {
        let (man, woman) = match self {
            Self::Priest | Self::Lawyer => return None,
            Self::Professor => ("profesor", "profesorka"),
            Self::Docent => ("docent", "docentka"),
            Self::Doctor => ("doktor", "doktorka"),
            Self::Architect => ("architekt", "architektka"),
            Self::Engineer => ("inžinier", "inžinierka"),
            Self::Master => ("magister", "magisterka"),
        };
        Some(if is_woman { woman } else { man })
    }

    /// As a Pole is called; a woman's title does not change. `mgr` is no form of address.
    fn polish(self, is_woman: bool) -> Option<&'static str> {
        let (man, woman) = match self {
            Self::Professor => ("Profesorze", "Profesor"),
            Self::Docent => ("Docencie", "Docent"),
            Self::Doctor => ("Doktorze", "Doktor"),
            Self::Lawyer => ("Mecenasie", "Mecenas"),
            Self::Architect => ("Architekcie", "Architekt"),
            Self::Engineer => ("Inżynierze", "Inżynier"),
            Self::Priest | Self::Master => return None,
        };
        Some(if is_woman { woman } else { man })
    }
}

/// A title in the form titles are compared in.
fn plain(title: &str) -> String {
    title.chars().filter(|c| !matches!(c, '.' | '-')).flat_map(char::to_lowercase).collect()
}

/// What is known of somebody who is addressed. Names are such as are spoken to.
#[derive(Clone, Debug)]
pub(super) struct Addressed {
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) degree: Option<Degree>,
    /// A man or a woman; `None` where that is not known.
    pub(super) gender: Option<Gender>,
}

fn proposed(text: String) -> Salutation {
    Salutation { text, source: Source::Proposed }
}

fn neutral(text: impl Into<String>) -> Salutation {
    Salutation { text: text.into(), source: Source::Neutral }
}

/// `greeting` and a name that may be foreign to the rules of the language.
fn called(greeting: &str, name: &str, vocative: Option<String>) -> Salutation {
    match vocative {
        Some(name) => proposed(format!("{greeting} {name}")),
        None => Salutation { text: format!("{greeting} {name}"), source: Source::Uninflected },
    }
}

impl Addressed {
    /// The text.
    pub(super) fn address(&self, language: Language, formality: Formality) -> Salutation {
        let is_formal = formality == Formality::Formal;
        match language {
            Language::Czech => self.czech(is_formal),
            Language::Slovak => self.slovak(is_formal),
            Language::Polish => self.polish(is_formal),
            Language::Hungarian => self.hungarian(is_formal),
            Language::German => self.german(is_formal),
            Language::English => self.english(is_formal),
        }
    }

    /// Whether it is a woman, where that is known.
    fn is_woman(&self) -> Option<bool> {
        match self.gender? {
            Gender::Female => Some(true),
            Gender::Male => Some(false),
            Gender::Other => None,
        }
    }

    fn czech(&self, is_formal: bool) -> Salutation {
        let Some(is_woman) = self.is_woman() else { return neutral("Dobrý den") };
        let first_name = |greeting: &str, name: &str| {
            let vocative = each_half(name, if is_woman { czech::woman } else { czech::man });
            called(greeting, name, vocative)
        };
        if !is_formal && let Some(name) = &self.first_name {
            return first_name(if is_woman { "Milá" } else { "Milý" }, name);
        }
        let mut greeting =
            String::from(if is_woman { "Vážená paní" } else { "Vážený pane" });
        if let Some(title) = self.degree.and_then(|degree| degree.czech(is_woman)) {
            greeting.push(' ');
            greeting.push_str(title);
        }
        match (&self.last_name, &self.first_name) {
            (Some(name), _) if is_woman => proposed(format!("{greeting} {name}")),
            (Some(name), _) => called(&greeting, name, each_half(name, czech::man)),
            (None, Some(name)) => first_name(&greeting, name),
            (None, None) => proposed(greeting),
        }
    }

    fn slovak(&self, is_formal: bool) -> Salutation {
        let Some(is_woman) = self.is_woman() else { return neutral("Dobrý deň") };
        if !is_formal && let Some(name) = &self.first_name {
            return proposed(format!("{} {name}", if is_woman { "Milá" } else { "Milý" }));
        }
        let greeting = if is_woman { "Vážená pani" } else { "Vážený pán" };
        let title = self.degree.and_then(|degree| degree.slovak(is_woman));
        let name = self.last_name.as_deref().or(self.first_name.as_deref());
        proposed(joined([Some(greeting), title, name]))
    }

    /// A surname in the address would offend, so it is left out.
    fn polish(&self, is_formal: bool) -> Salutation {
        if is_formal && self.degree == Some(Degree::Priest) && self.is_woman() != Some(true) {
            return proposed("Szanowny Księże".to_owned());
        }
        let Some(is_woman) = self.is_woman() else {
            return neutral(if is_formal { "Szanowni Państwo" } else { "Dzień dobry" });
        };
        if !is_formal && let Some(name) = &self.first_name {
            let vocative = each_half(name, if is_woman { polish::woman } else { polish::man });
            return called(if is_woman { "Droga" } else { "Drogi" }, name, vocative);
        }
        let greeting = if is_woman { "Szanowna Pani" } else { "Szanowny Panie" };
        let title = self.degree.and_then(|degree| degree.polish(is_woman));
        proposed(joined([Some(greeting), title]))
    }

    /// The surname stands first, and a given name addresses women and men alike.
    fn hungarian(&self, is_formal: bool) -> Salutation {
        let (last_name, first_name) = (self.last_name.as_deref(), self.first_name.as_deref());
        let is_wife = |name: Option<&str>| {
            name.is_some_and(|name| name.split([' ', '-']).any(|word| word.ends_with("né")))
        };
        let whole = || joined([last_name, first_name]);
        if is_wife(first_name) || is_wife(last_name) && is_formal {
            let greeting = if is_formal { "Tisztelt" } else { "Kedves" };
            return proposed(format!("{greeting} {}", whole()));
        }
        if !is_formal && let Some(name) = first_name {
            return proposed(format!("Kedves {name}"));
        }
        let greeting = "Tisztelt";
        match (last_name, self.is_woman()) {
            (None, Some(is_woman)) if first_name.is_none() => {
                proposed(if is_woman { "Tisztelt Hölgyem" } else { "Tisztelt Uram" }.to_owned())
            }
            (None, _) if first_name.is_none() => neutral("Tisztelt Hölgyem/Uram"),
            (Some(name), Some(is_woman)) => {
                let title = match (self.degree, is_woman) {
                    (Some(Degree::Professor), true) => "Professzor Asszony",
                    (Some(Degree::Professor), false) => "Professzor Úr",
                    (Some(Degree::Doctor), true) => "Doktornő",
                    (Some(Degree::Doctor), false) => "Doktor Úr",
                    (_, true) => "Asszony",
                    (_, false) => "Úr",
                };
                proposed(format!("{greeting} {name} {title}"))
            }
            (None, Some(_)) => proposed(format!("{greeting} {}", whole())),
            (_, None) => neutral(format!("{greeting} {}", whole())),
        }
    }

    fn german(&self, is_formal: bool) -> Salutation {
        let (last_name, first_name) = (self.last_name.as_deref(), self.first_name.as_deref());
        let whole = joined([first_name, last_name]);
        let Some(is_woman) = self.is_woman() else {
            return neutral(match (is_formal, first_name) {
                _ if whole.is_empty() && is_formal => "Sehr geehrte Damen und Herren".to_owned(),
                _ if whole.is_empty() => "Guten Tag".to_owned(),
                (false, Some(name)) => format!("Hallo {name}"),
                _ => format!("Guten Tag {whole}"),
            });
        };
        if !is_formal && let Some(name) = first_name {
            return proposed(format!("{} {name}", if is_woman { "Liebe" } else { "Lieber" }));
        }
        let title = match (self.degree, is_woman) {
            (Some(Degree::Professor), true) => Some("Professorin"),
            (Some(Degree::Professor), false) => Some("Professor"),
            (Some(Degree::Doctor), _) => Some("Dr."),
            _ => None,
        };
        match last_name {
            Some(name) => {
                let greeting = if is_woman { "Sehr geehrte Frau" } else { "Sehr geehrter Herr" };
                proposed(joined([Some(greeting), title, Some(name)]))
            }
            None if whole.is_empty() => neutral("Sehr geehrte Damen und Herren"),
            None => proposed(format!("Guten Tag {whole}")),
        }
    }

    fn english(&self, is_formal: bool) -> Salutation {
        let (last_name, first_name) = (self.last_name.as_deref(), self.first_name.as_deref());
        let whole = joined([first_name, last_name]);
        if !is_formal && let Some(name) = first_name {
            return proposed(format!("Dear {name}"));
        }
        let title = match (self.degree, self.is_woman()) {
            (Some(Degree::Professor), _) => Some("Professor"),
            (Some(Degree::Doctor), _) => Some("Dr"),
            (_, Some(true)) => Some("Ms"),
            (_, Some(false)) => Some("Mr"),
            (_, None) => None,
        };
        match (last_name, title) {
            (Some(name), Some(title)) => proposed(format!("Dear {title} {name}")),
            (Some(_), None) => neutral(format!("Dear {whole}")),
            (None, _) if first_name.is_some() => proposed(format!("Dear {whole}")),
            (None, _) => match self.is_woman() {
                Some(true) => proposed("Dear Madam".to_owned()),
                Some(false) => proposed("Dear Sir".to_owned()),
                None if is_formal => neutral("Dear Sir or Madam"),
                None => neutral("Hello"),
            },
        }
    }
}

/// What is there, with blanks between.
fn joined<'a>(parts: impl IntoIterator<Item = Option<&'a str>>) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}
