//! What the values of a column look like, when its name does not say (IMP-5).

use super::header::is_email;
use super::reader::{is_blank, unprotected};

/// Share of the filled samples that pass a test; none when no sample is filled.
pub(super) fn share(samples: &[String], passes: fn(&str) -> bool) -> Option<f64> {
    let (mut all, mut passed) = (0.0, 0.0);
    for value in samples.iter().map(|v| unprotected(v).trim_matches(is_blank)) {
        if !value.is_empty() {
            all += 1.0;
            passed += f64::from(u8::from(passes(value)));
        }
    }
    (all > 0.0).then_some(passed / all)
}

/// An address, or several in one cell.
pub(super) fn email(value: &str) -> bool {
    is_email(value) || value.split([',', ';', ' ', '/']).any(is_email)
}

/// Nine to fifteen digits with the signs people put between them, dates and money excepted.
pub(super) fn phone(value: &str) -> bool {
    let value = value.strip_prefix("p:").or(value.strip_prefix("tel:")).unwrap_or(value);
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let clean = value.chars().all(|c| c.is_ascii_digit() || " \u{a0}+-./()".contains(c));
    let international = value.starts_with('+') || value.starts_with("00");
    clean
        && (9..=15).contains(&digits)
        && (international || !date(value))
        && value.matches('.').count() != 1
}

/// `1990-05-01`, `1. 5. 1990`, `05/01/1990`, with or without a time.
pub(super) fn date(value: &str) -> bool {
    let day = value.split(['T']).next().unwrap_or(value);
    let mut numbers = day.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty());
    let parts: Vec<&str> = numbers.by_ref().take(3).collect();
    let [a, b, c] = parts.as_slice() else { return false };
    if !day.chars().all(|c| c.is_ascii_digit() || ". -/:".contains(c)) || day.contains('+') {
        return false;
    }
    let number =
        |text: &str, from: u16, to: u16| text.parse().is_ok_and(|n: u16| n >= from && n <= to);
    let year = |text: &str| text.len() == 4 && number(text, 1900, 2100);
    let part = |text: &str| text.len() <= 2 && number(text, 1, 31);
    (year(a) && part(b) && part(c)) || (part(a) && part(b) && year(c))
}

/// A date somebody in a contact list may have been born on.
pub(super) fn birth_date(value: &str) -> bool {
    let year = value
        .split(|c: char| !c.is_ascii_digit())
        .find(|n| n.len() == 4)
        .and_then(|n| n.parse::<u16>().ok());
    date(value) && !value.contains(':') && year.is_some_and(|year| (1915..=2015).contains(&year))
}

/// Postal codes of Czechia, Slovakia, Poland; four digits, as in Hungary, say too little.
pub(super) fn postal_code(value: &str) -> bool {
    let shape: String = value.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    matches!(shape.as_str(), "999 99" | "99-999")
}

pub(super) fn gender(value: &str) -> bool {
    let words = "m|f|male|female|muž|žena|mężczyzna|kobieta|férfi|nő|mann|frau|männlich|weiblich|k|ž|z|herr|pan|paní|pani|mr|mrs|ms";
    let value = value.trim_end_matches('.').to_lowercase();
    words.split('|').any(|word| word == value)
}

/// Mr and Mrs, in the languages of [`super::dictionary`]; they tell the gender.
pub(super) fn salutation(value: &str) -> bool {
    let words = "herr|frau|pan|paní|pani|mr|mrs|ms|miss|slečna|úr|hölgy|muž|žena|male|female|m|f";
    let value = value.trim_end_matches('.').to_lowercase();
    words.split('|').any(|word| word == value)
}

/// Academic and courtesy titles that stand before a name.
pub(super) fn title_before(value: &str) -> bool {
    let words = "ing|mgr|bc|dr|prof|doc|mudr|judr|phdr|rndr|mvdr|paeddr|thdr|phmr|mga|bca|arch|inż|hab|mr|mrs|ms|miss|\
                 ifj|id|özv|dipl|mag|lic|pan|pani|paní|herr|frau|sir|lek|med|akad|rsdr|pharmdr|icdr";
    let value = value.to_lowercase();
    let mut parts = value.split([' ', '.', ',']).filter(|part| !part.is_empty()).peekable();
    parts.peek().is_some() && parts.all(|part| words.split('|').any(|word| word == part))
}

/// A country by name or code, as far as lists from here have them.
pub(super) fn country(value: &str) -> bool {
    let words = "cz|sk|pl|hu|de|at|cze|svk|pol|hun|deu|aut|usa|us|uk|gb|česká republika|česko|čr|cesko|ceska republika|czechia|czech republic|slovensko|\
                 slovakia|slovenská republika|sr|polska|polsko|poland|maďarsko|węgry|hungary|magyarország|německo|niemcy|germany|deutschland|nemecko|poľsko|\
                 rakousko|austria|österreich|rakúsko|czechy|słowacja|csehország|szlovákia|lengyelország|németország|ausztria|france|francie|\
                 italy|itálie|great britain|united kingdom|united states|ukrajina|ukraine|ukraina|slovenia|slovinsko|croatia|chorvatsko|\
                 rumunsko|románia|romania|tschechien|slowakei|polen|ungarn|schweiz|switzerland|belgium|netherlands|spain|španělsko";
    let value = value.to_lowercase();
    words.split('|').any(|word| word == value)
}

pub(super) fn url(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let web =
        value.starts_with("http://") || value.starts_with("https://") || value.starts_with("www.");
    web && !value.contains(' ') && value.contains('.')
}

/// Two to four words of letters, each with a capital, titles allowed.
pub(super) fn full_name(value: &str) -> bool {
    let words: Vec<&str> = value.split([' ', '\u{a0}', ',']).filter(|w| !w.is_empty()).collect();
    let name = |word: &&&str| {
        let mut letters = word.chars();
        letters.next().is_some_and(char::is_uppercase)
            && word.chars().count() > 1
            && letters.all(|c| c.is_alphabetic() || "-'’.".contains(c))
    };
    let named = words.iter().filter(name).count();
    (2..=5).contains(&words.len())
        && named == words.len()
        && words.iter().filter(|w| !w.ends_with('.')).count() >= 2
}

/// One word of letters with a capital.
pub(super) fn name(value: &str) -> bool {
    let mut letters = value.chars();
    letters.next().is_some_and(char::is_uppercase)
        && value.chars().count() > 1
        && letters.all(|c| c.is_alphabetic() || "-'’".contains(c))
}

/// Some of the commonest first names of Central Europe, enough to tell which of two columns has them.
pub(super) fn first_name(value: &str) -> bool {
    let names = "jan|jana|jiří|petr|petra|josef|pavel|martin|martina|tomáš|jaroslav|jaroslava|miroslav|zdeněk|václav|michal|františek|jakub|milan|\
                 karel|lukáš|david|vladimír|ondřej|ladislav|roman|marek|stanislav|daniel|radek|antonín|vojtěch|filip|adam|matěj|dominik|marie|eva|hana|\
                 anna|lenka|kateřina|lucie|věra|alena|veronika|jitka|ludmila|helena|michaela|zuzana|ivana|monika|tereza|barbora|markéta|jozef|ján|peter|\
                 štefan|mária|zuzana|katarína|andrzej|piotr|krzysztof|stanisław|tomasz|paweł|marcin|michał|marek|grzegorz|jerzy|tadeusz|łukasz|zbigniew|\
                 mateusz|mariusz|kamil|dariusz|wojciech|robert|rafał|maria|katarzyna|małgorzata|agnieszka|krystyna|barbara|ewa|elżbieta|zofia|joanna|\
                 magdalena|aleksandra|natalia|julia|karolina|beata|dorota|istván|lászló|józsef|jános|zoltán|sándor|ferenc|gábor|attila|péter|tamás|\
                 zsolt|tibor|andrás|csaba|imre|lajos|györgy|balázs|gyula|erzsébet|katalin|ilona|éva|zsuzsanna|margit|judit|ágnes|julianna|andrea|\
                 ildikó|erika|krisztina|irén|eszter|john|james|michael|thomas|hans|peter|anna|emma|stefan|andreas|klaus|jürgen|wolfgang|sabine|ursula";
    let value = value.to_lowercase();
    names.split('|').any(|name| name == value)
}

/// The legal forms of companies.
pub(super) fn company(value: &str) -> bool {
    let value = format!(" {} ", value.to_lowercase().replace([',', '.'], " "));
    let words = value.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = format!(" {words} ");
    let forms = "s r o|spol|a s|v o s|k s|z s|o p s|s p|sp z o o|sp j|sp k|s a|s c|kft|zrt|nyrt|bt|gmbh|ag|kg|ohg|e v|ltd|inc|llc|corp|plc|co";
    forms.split('|').any(|form| words.contains(&format!(" {form} ")))
}

/// Whether a common first name stands among the words.
pub(super) fn has_first_name(value: &str) -> bool {
    value.split_whitespace().any(first_name)
}
