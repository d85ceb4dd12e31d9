//! What people are called, from examples that a native speaker would write, and what holds for any name.

use super::*;
use proptest::prelude::*;

const CZECHIA: Home<'static> = Home { language: "cs", country: "CZ" };

/// A contact; `-` is nothing.
fn contact(
    language: &str,
    gender: &str,
    before: &str,
    first: &str,
    last: &str,
    after: &str,
) -> Contact {
    let text = |text: &str| (text != "-").then(|| text.to_owned());
    let gender = match gender {
        "f" => Some("female".to_owned()),
        "m" => Some("male".to_owned()),
        other => text(other),
    };
    Contact {
        language: text(language),
        gender,
        title_before: text(before),
        first_name: text(first),
        last_name: text(last),
        title_after: text(after),
        ..Contact::default()
    }
}

fn texts(contact: &Contact) -> String {
    let [formal, familiar] = salutations(contact, CZECHIA);
    format!("{} | {}", formal.text, familiar.text)
}

fn sources(contact: &Contact) -> [Source; 2] {
    salutations(contact, CZECHIA).map(|salutation| salutation.source)
}

/// CMP-6
#[test]
fn czechs_are_called_in_the_vocative() {
    for (gender, before, first, last, after, expected) in [
        ("f", "-", "Jana", "Nováková", "-", "Vážená paní Nováková | Milá Jano"),
        ("m", "-", "Petr", "Novák", "-", "Vážený pane Nováku | Milý Petře"),
        ("m", "-", "Jan Karel", "Němec", "-", "Vážený pane Němče | Milý Jane"),
        (
            "f",
            "-",
            "Anna-Marie",
            "Nováková Malá",
            "-",
            "Vážená paní Nováková Malá | Milá Anno-Marie",
        ),
        ("m", "-", "Jiří", "Novák-Svoboda", "-", "Vážený pane Nováku-Svobodo | Milý Jiří"),
        ("m", "-", "Aleš", "Novák - Kříž", "-", "Vážený pane Nováku - Kříži | Milý Aleši"),
        ("m", "-", "ZDENĚK", "NOVÁK", "-", "Vážený pane Nováku | Milý Zdeňku"),
        ("m", "-", "zdeněk", "novák", "-", "Vážený pane Nováku | Milý Zdeňku"),
        ("m", "-", "Ludwig", "van Beethoven", "-", "Vážený pane van Beethovene | Milý Ludwigu"),
        ("m", "Ing.", "Pavel", "Kadlec", "-", "Vážený pane inženýre Kadleci | Milý Pavle"),
        ("f", "Ing.", "Eva", "Malá", "Ph.D.", "Vážená paní doktorko Malá | Milá Evo"),
        ("m", "doc. Ing.", "Karel", "Vlček", "CSc.", "Vážený pane docente Vlčku | Milý Karle"),
        ("f", "prof.MUDr.", "Alice", "Černá", "DrSc.", "Vážená paní profesorko Černá | Milá Alice"),
        ("m", "Bc.", "Daniel", "Doležal", "-", "Vážený pane Doležale | Milý Danieli"),
        ("m", "Ing. arch.", "Matouš", "Král", "-", "Vážený pane architekte Králi | Milý Matouši"),
        ("f", "-", "Jana", "-", "-", "Vážená paní Jano | Milá Jano"),
        ("m", "-", "-", "Hájek", "-", "Vážený pane Hájku | Vážený pane Hájku"),
        ("m", "-", "J.", "Hájek", "-", "Vážený pane Hájku | Vážený pane Hájku"),
        ("f", "-", "-", "-", "-", "Vážená paní | Vážená paní"),
        ("f", "MUDr.", "-", "-", "-", "Vážená paní doktorko | Vážená paní doktorko"),
        ("f", "-", "Jana", "Malá (Nováková)", "-", "Vážená paní Malá | Milá Jano"),
    ] {
        assert_eq!(texts(&contact("cs", gender, before, first, last, after)), expected);
    }
}

/// CMP-6
#[test]
fn each_language_has_its_manner() {
    for (language, gender, before, first, last, expected) in [
        ("sk", "m", "Ing.", "Peter", "Novák", "Vážený pán inžinier Novák | Milý Peter"),
        ("sk", "f", "-", "Jana", "Nováková", "Vážená pani Nováková | Milá Jana"),
        ("pl", "m", "-", "Piotr", "Kowalski", "Szanowny Panie | Drogi Piotrze"),
        ("pl", "f", "-", "Anna", "Kowalska", "Szanowna Pani | Droga Anno"),
        ("pl", "f", "-", "Anna-Maria", "Kowalska", "Szanowna Pani | Droga Anno-Mario"),
        ("pl", "f", "prof. dr hab.", "Anna", "Kowalska", "Szanowna Pani Profesor | Droga Anno"),
        ("pl", "m", "dr n. med.", "Marek", "Kowalski", "Szanowny Panie Doktorze | Drogi Marku"),
        ("pl", "m", "mgr", "Paweł", "Kowalski", "Szanowny Panie | Drogi Pawle"),
        ("pl", "m", "ks.", "Jan", "Kowalski", "Szanowny Księże | Drogi Janie"),
        ("hu", "m", "-", "János", "Kovács", "Tisztelt Kovács Úr | Kedves János"),
        ("hu", "f", "-", "Éva", "Kovács", "Tisztelt Kovács Asszony | Kedves Éva"),
        ("hu", "m", "Dr.", "János", "Kovács", "Tisztelt Kovács Doktor Úr | Kedves János"),
        ("hu", "f", "dr.", "Éva", "Kovács", "Tisztelt Kovács Doktornő | Kedves Éva"),
        ("hu", "f", "-", "Jánosné", "Kovács", "Tisztelt Kovács Jánosné | Kedves Kovács Jánosné"),
        ("hu", "f", "-", "Mária", "Kovácsné Nagy", "Tisztelt Kovácsné Nagy Mária | Kedves Mária"),
        ("de", "m", "Dr.", "Hans", "Müller", "Sehr geehrter Herr Dr. Müller | Lieber Hans"),
        ("de", "f", "-", "Eva", "Müller", "Sehr geehrte Frau Müller | Liebe Eva"),
        ("en", "m", "-", "John", "Smith", "Dear Mr Smith | Dear John"),
        ("en", "f", "Dr", "Mary", "Smith", "Dear Dr Smith | Dear Mary"),
        ("fr", "f", "-", "Marie", "Dupont", "Dear Ms Dupont | Dear Marie"),
    ] {
        assert_eq!(texts(&contact(language, gender, before, first, last, "-")), expected);
    }
}

/// CMP-6: nobody is called what they may not be.
#[test]
fn an_unknown_gender_and_an_unknown_name_are_addressed_neutrally() {
    for (language, gender, first, last, expected) in [
        ("cs", "other", "Jana", "Nováková", "Dobrý den | Dobrý den"),
        ("cs", "-", "-", "-", "Dobrý den | Dobrý den"),
        ("cs", "-", "Saša", "Nguyen", "Dobrý den | Dobrý den"),
        ("cs", "-", "Jan a Eva", "Novákovi", "Dobrý den | Dobrý den"),
        ("sk", "other", "Jana", "Nováková", "Dobrý deň | Dobrý deň"),
        ("pl", "other", "Jan", "Nowak", "Szanowni Państwo | Dzień dobry"),
        ("hu", "-", "Kim", "Kovács", "Tisztelt Kovács Kim | Kedves Kim"),
        ("hu", "-", "-", "-", "Tisztelt Hölgyem/Uram | Tisztelt Hölgyem/Uram"),
        ("de", "other", "Kim", "Müller", "Guten Tag Kim Müller | Hallo Kim"),
        ("de", "-", "-", "-", "Sehr geehrte Damen und Herren | Guten Tag"),
        ("en", "other", "Kim", "Smith", "Dear Kim Smith | Dear Kim"),
        ("en", "-", "-", "-", "Dear Sir or Madam | Hello"),
    ] {
        let contact = contact(language, gender, "-", first, last, "-");
        assert_eq!(texts(&contact), expected);
        assert_eq!(sources(&contact)[0], Source::Neutral, "{expected}");
    }
}

/// CMP-6, MGR-O: where nobody said the gender, the name does.
#[test]
fn the_name_tells_the_gender_that_nobody_said() {
    for (first, last, expected) in [
        ("Jana", "Nováková", "Vážená paní Nováková | Milá Jano"),
        ("Petr", "Novák", "Vážený pane Nováku | Milý Petře"),
        ("-", "Nováková", "Vážená paní Nováková | Vážená paní Nováková"),
        ("-", "Novák", "Dobrý den | Dobrý den"),
    ] {
        assert_eq!(texts(&contact("cs", "-", "-", first, last, "-")), expected);
    }
}

/// CMP-6: a name that the rules do not speak about stays, and is marked.
#[test]
fn foreign_names_are_left_alone_and_marked() {
    let proposed = [Source::Proposed; 2];
    let foreign = [Source::Uninflected; 2];
    for (language, gender, first, last, expected, marks) in [
        ("cs", "m", "George", "Løvland", "Vážený pane Løvland | Milý George", foreign),
        ("cs", "m", "李", "王", "Vážený pane 王 | Milý 李", foreign),
        (
            "cs",
            "m",
            "Олег",
            "Novák",
            "Vážený pane Nováku | Milý Олег",
            [Source::Proposed, Source::Uninflected],
        ),
        (
            "cs",
            "f",
            "Zoë",
            "O'Neill",
            "Vážená paní O'Neill | Milá Zoë",
            [Source::Proposed, Source::Uninflected],
        ),
        ("cs", "m", "Jan", "Müller", "Vážený pane Müllere | Milý Jane", proposed),
        ("cs", "m", "Marco", "Rossi", "Vážený pane Rossi | Milý Marco", proposed),
        (
            "pl",
            "m",
            "Jiří",
            "Novák",
            "Szanowny Panie | Drogi Jiří",
            [Source::Proposed, Source::Uninflected],
        ),
    ] {
        let contact = contact(language, gender, "-", first, last, "-");
        assert_eq!((texts(&contact).as_str(), sources(&contact)), (expected, marks));
    }
}

/// CMP-6
#[test]
fn what_somebody_wrote_stays_until_it_is_cleared() {
    let mut jana = contact("cs", "f", "-", "Jana", "Nováková", "-");
    jana.salutation_formal = Some("Milá kolegyně".into());
    assert_eq!(texts(&jana), "Milá kolegyně | Milá Jano");
    assert_eq!(sources(&jana), [Source::Written, Source::Proposed]);
    jana.salutation_familiar = Some("Ahoj".into());
    jana.last_name = Some("Malá".into());
    assert_eq!(texts(&jana), "Milá kolegyně | Ahoj");
    jana.salutation_formal = None;
    assert_eq!(texts(&jana), "Vážená paní Malá | Ahoj");
}

#[test]
fn the_language_is_that_of_the_contact_else_of_its_country_else_of_its_phone_else_of_home() {
    let person = contact("-", "m", "-", "Petr", "Novak", "-");
    let with = |language: Option<&str>, country: Option<&str>, phone: Option<&str>| Contact {
        language: language.map(str::to_owned),
        country: country.map(str::to_owned),
        phone: phone.map(str::to_owned),
        ..person.clone()
    };
    for (language, country, phone, formal) in [
        (None, None, None, "Vážený pane Novaku"),
        (None, None, Some("+48512345678"), "Szanowny Panie"),
        (None, Some("AT"), Some("+48512345678"), "Sehr geehrter Herr Novak"),
        (None, Some("US"), None, "Dear Mr Novak"),
        (Some("hu"), Some("AT"), None, "Tisztelt Novak Úr"),
    ] {
        let [found, _] = salutations(&with(language, country, phone), CZECHIA);
        assert_eq!(found.text, formal);
    }
    let [found, _] = salutations(&person, Home { language: "pl", country: "PL" });
    assert_eq!(found.text, "Szanowny Panie");
}

/// Words of Czech beyond the first names and surnames above, one for each rule.
#[test]
fn the_rules_of_the_czech_vocative() {
    for pair in "Marek Marku|Zdeněk Zdeňku|Luděk Luďku|Brzek Brzku|Blek Bleku|Němec Němče|Vavřinec Vavřinče|Švec Šveci|\
        Tkadlec Tkadleci|Kupiec Kupče|Havel Havle|Orel Orle|Marcel Marceli|Rafael Rafaeli|Gabriel Gabrieli|Vogel Vogele|\
        Král Králi|Dostál Dostále|Michal Michale|Petr Petře|Alexandr Alexandře|Otakar Otakare|Müller Müllere|Lehr Lehre|\
        Čech Čechu|Novák Nováku|Oleg Olegu|Bůh Bože|Wernisch Wernischi|Horváth Horváthe|Joseph Josephe|Kříž Kříži|Beneš Beneši|\
        Kovář Kováři|Ondřej Ondřeji|Tkáč Tkáči|Kraus Krausi|Faltus Faltusi|Kos Kosi|Karas Karasi|Moroz Morozi|Max Maxi|\
        Medveď Medvedi|Kolovrať Kolovrati|Pleskoň Pleskoni|Svoboda Svobodo|Ilja Iljo|Janko Janko|Ivo Ivo|Purkyně Purkyně|\
        Novotný Novotný|Krejčí Krejčí|Horthy Horthy|Janů Janů|Hrubých Hrubých|Zelenskyj Zelenskyj|Serhij Serhiji|Jakub Jakube|\
        Josef Josefe|Vít Víte|David Davide|Adam Adame|Jan Jane|Filip Filipe|Václav Václave|Lev Lve|Andrle Andrle|Kratochvíle Kratochvíle"
        .split('|')
    {
        let (name, vocative) = pair.trim().split_once(' ').unwrap();
        assert_eq!(czech::man(name).as_deref(), Some(vocative));
    }
    for pair in "Jana Jano|Nikola Nikolo|Andrea Andreo|Marie Marie|Dagmar Dagmar|Naděžda Naděždo|Káťa Káťo|Emily Emily".split('|') {
        let (name, vocative) = pair.split_once(' ').unwrap();
        assert_eq!(czech::woman(name).as_deref(), Some(vocative));
    }
}

#[test]
fn the_rules_of_the_polish_vocative() {
    for pair in "Piotr Piotrze|Krzysztof Krzysztofie|Paweł Pawle|Pawel Pawle|Michał Michale|Jan Janie|Tomasz Tomaszu|Andrzej Andrzeju|\
        Marek Marku|Maciek Maćku|Zbigniew Zbigniewie|Robert Robercie|Ernest Erneście|Konrad Konradzie|Aleksander Aleksandrze|\
        Kacper Kacprze|Wojciech Wojciechu|Karol Karolu|Kamil Kamilu|Feliks Feliksie|Max Maksie|Kuba Kubo|Mieszko Mieszku|Bruno Bruno|\
        Jerzy Jerzy|Antoni Antoni|Wawrzyniec Wawrzyńcze|Przemysł Przemyśle|Kazimierz Kazimierzu|Lew Lwie|Józef Józefie|Jaś Jasiu"
        .split('|')
    {
        let (name, vocative) = pair.trim().split_once(' ').unwrap();
        assert_eq!(polish::man(name).as_deref(), Some(vocative));
    }
    for pair in "Anna Anno|Maria Mario|Zofia Zofio|Kasia Kasiu|Ania Aniu|Ola Olu|Alicja Alicjo|Beatrycze Beatrycze|Inez Inez".split('|') {
        let (name, vocative) = pair.split_once(' ').unwrap();
        assert_eq!(polish::woman(name).as_deref(), Some(vocative));
    }
}

/// The pairs of other people (`tests/fixtures/vocative_cs.txt`): no fewer of them may come out right than do.
#[test]
fn vocatives_of_others_come_out_as_they_do_there() {
    let czech = include_str!("../../../tests/fixtures/vocative_cs.txt");
    let (mut right, mut all) = (0, 0);
    for line in czech.lines().filter(|line| !line.starts_with('#')) {
        let [kind, name, vocative] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let found = match kind {
            "man" => czech::man(name),
            "woman" => czech::woman(name),
            _ => Some(name.to_owned()),
        };
        all += 1;
        right += usize::from(found.as_deref() == Some(vocative));
    }
    assert_eq!((right, all), (200, 200));
}

proptest! {
    /// CMP-6: whatever stands in the fields, there are two texts, and they hold no brackets or control characters that
    /// stand there.
    #[test]
    fn any_contact_can_be_addressed(
        first in proptest::option::of(".{0,30}"),
        last in proptest::option::of(".{0,30}"),
        title in proptest::option::of(".{0,20}"),
        gender in proptest::option::of("female|male|other"),
        language in proptest::option::of("cs|sk|pl|hu|de|en|fr"),
    ) {
        let contact = Contact {
            first_name: first, last_name: last, title_before: title, gender, language, ..Contact::default()
        };
        for salutation in salutations(&contact, CZECHIA) {
            prop_assert!(!salutation.text.trim().is_empty());
            prop_assert!(!salutation.text.contains(['(', '\0', '\n']));
            prop_assert!(salutation.source != Source::Written);
        }
    }

    /// A vocative keeps the case of the name.
    #[test]
    fn capitals_stay_capitals(name in "[A-ZÁČĎÉĚÍŇÓŘŠŤÚŮÝŽ]{2,12}") {
        for vocative in [czech::man(&name), czech::woman(&name), polish::man(&name), polish::woman(&name)].into_iter().flatten() {
            prop_assert!(!vocative.chars().any(char::is_lowercase), "{}", vocative);
        }
    }
}
