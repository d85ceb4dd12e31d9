//! What a small coffee roastery in Brno keeps beside its lists: groups, types, fields and segments, the companies
//! that it sells to and buys from, and what happened, and is planned, with the people there.
//!
//! Everybody and everything is invented: addresses are under a name that is reserved for examples (RFC 2606), and
//! registration numbers have a wrong check digit.

use kartoteka_domain::activities::Kind;
use kartoteka_domain::fields::FieldType;

/// A group or a contact type: name, and what it is for.
pub(super) type Class = (&'static str, &'static str);

pub(super) const WHOLESALE: &str = "Velkoobchod";
pub(super) const CRACOW: &str = "Stali klienci – Kraków";
pub(super) const BUDAPEST: &str = "Törzsvásárlók";

pub(super) const GROUPS: &[Class] = &[
    (WHOLESALE, "Kavárny a pekárny, které odebírají pravidelně; ceník B."),
    (CRACOW, "Zamawiają kawę do Krakowa więcej niż raz w roku."),
    (BUDAPEST, "A budapesti törzsvásárlói program tagjai."),
];

pub(super) const HOUSEHOLD: &str = "Domácnost";
pub(super) const BUSINESS: &str = "Firemní zákazník";
pub(super) const SUPPLIER: &str = "Dodavatel";

pub(super) const TYPES: &[Class] = &[
    (HOUSEHOLD, "Kupuje v e-shopu pro sebe."),
    (BUSINESS, "Člověk ve firmě, která od nás odebírá."),
    (SUPPLIER, "Člověk ve firmě, od které odebíráme my."),
];

/// A typed detail.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) field_type: FieldType,
    pub(super) choices: &'static [&'static str],
}

const fn field(name: &'static str, title: &'static str, field_type: FieldType) -> Field {
    Field { name, title, field_type, choices: &[] }
}

/// The first three are columns of the lists.
pub(super) const FIELDS: &[Field] = &[
    field("loyalty_card", "Věrnostní karta", FieldType::Text),
    field("orders", "Počet objednávek", FieldType::Number),
    field("stand", "Stánek na veletrhu", FieldType::Text),
    Field {
        choices: &["světlé", "střední", "tmavé"],
        ..field("roast", "Pražení", FieldType::Choice)
    },
    field("invoice_by_email", "Faktura e-mailem", FieldType::Boolean),
    field("last_tasting", "Poslední ochutnávka", FieldType::Date),
];

/// A company.
pub(super) struct Company {
    pub(super) name: &'static str,
    pub(super) number: Option<&'static str>,
    pub(super) street: &'static str,
    pub(super) city: &'static str,
    pub(super) postal_code: &'static str,
    pub(super) country: &'static str,
    pub(super) website: &'static str,
    pub(super) email: &'static str,
}

pub(super) const BAKERY: &str = "Pekárna U Mlýna s.r.o.";
pub(super) const CAFE: &str = "Kawiarnia Pod Lipą sp. z o.o.";
pub(super) const COFFEE_HOUSE: &str = "Duna Kávéház Kft.";
pub(super) const DAIRY: &str = "Mlékárna Podhůří a.s.";

pub(super) const COMPANIES: &[Company] = &[
    Company {
        name: BAKERY,
        number: Some("12345678"),
        street: "Mlýnská 14",
        city: "Brno",
        postal_code: "602 00",
        country: "CZ",
        website: "https://pekarna-u-mlyna.example",
        email: "objednavky@pekarna-u-mlyna.example",
    },
    Company {
        name: CAFE,
        number: None,
        street: "ul. Lipowa 7",
        city: "Kraków",
        postal_code: "30-702",
        country: "PL",
        website: "https://kawiarnia-pod-lipa.example",
        email: "biuro@kawiarnia-pod-lipa.example",
    },
    Company {
        name: COFFEE_HOUSE,
        number: None,
        street: "Duna utca 3.",
        city: "Budapest",
        postal_code: "1056",
        country: "HU",
        website: "https://duna-kavehaz.example",
        email: "iroda@duna-kavehaz.example",
    },
    Company {
        name: DAIRY,
        number: Some("10000001"),
        street: "Horní 221",
        city: "Olomouc",
        postal_code: "779 00",
        country: "CZ",
        website: "https://mlekarna-podhuri.example",
        email: "expedice@mlekarna-podhuri.example",
    },
];

/// Somebody who works at one of them.
pub(super) struct Partner {
    pub(super) company: &'static str,
    pub(super) first_name: &'static str,
    pub(super) last_name: &'static str,
    pub(super) gender: &'static str,
    /// In front of the `@`, which the domain of the company follows.
    pub(super) mailbox: &'static str,
    pub(super) phone: &'static str,
    pub(super) job_title: &'static str,
    /// What they are to us: the role of the link.
    pub(super) role: &'static str,
    pub(super) language: &'static str,
    pub(super) state: &'static str,
    pub(super) contact_type: &'static str,
    pub(super) group: Option<&'static str>,
    /// A tag and its score.
    pub(super) tag: (&'static str, i64),
    /// Preferred roast; one of the choices.
    pub(super) roast: Option<&'static str>,
    /// Whether they agreed to e-mails, and whether they took it back later.
    pub(super) consents: &'static [Word],
    /// Notes: text, and whether the author alone sees it.
    pub(super) notes: &'static [(&'static str, bool)],
}

/// A declaration about e-mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Agreed.
    Grant,
    /// Taken back.
    Withdraw,
}

pub(super) const MLYNAR: &str = "jiri.mlynar";
pub(super) const LIPSKA: &str = "magdalena.lipska";
pub(super) const WRONA: &str = "tomasz.wrona";
pub(super) const HALASZ: &str = "gergo.halasz";
pub(super) const BIRO: &str = "zsofia.biro";

pub(super) const PARTNERS: &[Partner] = &[
    Partner {
        company: BAKERY,
        first_name: "Jiří",
        last_name: "Mlynář",
        gender: "male",
        mailbox: MLYNAR,
        phone: "+420 720 000 101",
        job_title: "jednatel",
        role: "rozhoduje o nákupu",
        language: "cs",
        state: "customer",
        contact_type: BUSINESS,
        group: Some(WHOLESALE),
        tag: ("vip", 20),
        roast: Some("střední"),
        consents: &[Word::Grant],
        notes: &[
            ("Dopoledne nevolat, je v provozu. Nejraději e-mail.", false),
            ("Zvažuje druhou pobočku v Olomouci. Zatím si to nechat pro sebe.", true),
        ],
    },
    Partner {
        company: BAKERY,
        first_name: "Lenka",
        last_name: "Bartošová",
        gender: "female",
        mailbox: "lenka.bartosova",
        phone: "+420 720 000 102",
        job_title: "nákupčí",
        role: "objednává",
        language: "cs",
        state: "customer",
        contact_type: BUSINESS,
        group: Some(WHOLESALE),
        tag: ("wholesale", 5),
        roast: Some("světlé"),
        consents: &[Word::Grant],
        notes: &[],
    },
    Partner {
        company: CAFE,
        first_name: "Magdalena",
        last_name: "Lipska",
        gender: "female",
        mailbox: LIPSKA,
        phone: "+48 501 000 103",
        job_title: "właścicielka",
        role: "podejmuje decyzje",
        language: "pl",
        state: "prospect",
        contact_type: BUSINESS,
        group: None,
        tag: ("trade fair", 10),
        roast: Some("tmavé"),
        consents: &[Word::Grant],
        notes: &[("Woli rozmawiać po czesku: studiowała w Ołomuńcu.", false)],
    },
    Partner {
        company: CAFE,
        first_name: "Tomasz",
        last_name: "Wrona",
        gender: "male",
        mailbox: WRONA,
        phone: "+48 501 000 104",
        job_title: "kierownik zmiany",
        role: "zamawia",
        language: "pl",
        state: "prospect",
        contact_type: BUSINESS,
        group: None,
        tag: ("trade fair", 3),
        roast: None,
        consents: &[Word::Grant, Word::Withdraw],
        notes: &[],
    },
    Partner {
        company: COFFEE_HOUSE,
        first_name: "Gergő",
        last_name: "Halász",
        gender: "male",
        mailbox: HALASZ,
        phone: "+36 20 400 0105",
        job_title: "ügyvezető",
        role: "döntéshozó",
        language: "hu",
        state: "customer",
        contact_type: BUSINESS,
        group: Some(BUDAPEST),
        tag: ("vip", 15),
        roast: Some("tmavé"),
        consents: &[Word::Grant],
        notes: &[("Negyedévente számlázunk, előre egyeztetve.", false)],
    },
    Partner {
        company: COFFEE_HOUSE,
        first_name: "Zsófia",
        last_name: "Bíró",
        gender: "female",
        mailbox: BIRO,
        phone: "+36 20 400 0106",
        job_title: "beszerző",
        role: "megrendelő",
        language: "hu",
        state: "customer",
        contact_type: BUSINESS,
        group: Some(BUDAPEST),
        tag: ("wholesale", 5),
        roast: Some("světlé"),
        consents: &[],
        notes: &[],
    },
    Partner {
        company: DAIRY,
        first_name: "Pavel",
        last_name: "Horáček",
        gender: "male",
        mailbox: "pavel.horacek",
        phone: "+420 720 000 107",
        job_title: "obchodní zástupce",
        role: "dodává mléko",
        language: "cs",
        state: "partner",
        contact_type: SUPPLIER,
        group: None,
        tag: ("dodavatel", 0),
        roast: None,
        consents: &[],
        notes: &[],
    },
];

/// An opportunity; days are counted from today.
pub(super) struct Opportunity {
    pub(super) name: &'static str,
    pub(super) company: &'static str,
    pub(super) stage: &'static str,
    pub(super) is_won: bool,
    /// In minor units.
    pub(super) value: i64,
    pub(super) currency: &'static str,
    pub(super) closes_in_days: i64,
    /// Mailboxes of those who have to do with it, and what they are there.
    pub(super) people: &'static [(&'static str, &'static str)],
}

pub(super) const SUPPLIES: &str = "Stałe dostawy kawy na 2027";

pub(super) const OPPORTUNITIES: &[Opportunity] = &[
    Opportunity {
        name: SUPPLIES,
        company: CAFE,
        stage: "oferta wysłana",
        is_won: false,
        value: 4_800_000,
        currency: "PLN",
        closes_in_days: 30,
        people: &[(LIPSKA, "decyduje"), (WRONA, "opiniuje")],
    },
    Opportunity {
        name: "Espresso bar u mlýna",
        company: BAKERY,
        stage: "podepsáno",
        is_won: true,
        value: 18_500_000,
        currency: "CZK",
        closes_in_days: -20,
        people: &[(MLYNAR, "podepisuje")],
    },
];

/// The project, its first and last day counted from today, and who has a part in it.
pub(super) const TASTINGS: &str = "Ochutnávky na veletrhu v Brně";
pub(super) const TASTINGS_DAYS: (i64, i64) = (-10, 25);
pub(super) const TASTINGS_PEOPLE: &[(&str, &str)] = &[(MLYNAR, "hostitel"), (BIRO, "vendég")];

/// Something that was done, or is to be done.
pub(super) struct Activity {
    pub(super) kind: Kind,
    pub(super) subject: &'static str,
    /// Days from now: behind us it is done.
    pub(super) in_days: i64,
    pub(super) result: Option<&'static str>,
    /// Mailboxes of the people it is about.
    pub(super) people: &'static [&'static str],
    pub(super) company: Option<&'static str>,
    pub(super) opportunity: Option<&'static str>,
    pub(super) project: Option<&'static str>,
}

const fn with(
    kind: Kind,
    subject: &'static str,
    in_days: i64,
    people: &'static [&'static str],
) -> Activity {
    Activity {
        kind,
        subject,
        in_days,
        result: None,
        people,
        company: None,
        opportunity: None,
        project: None,
    }
}

pub(super) const ACTIVITIES: &[Activity] = &[
    Activity {
        result: Some("elküldve"),
        company: Some(COFFEE_HOUSE),
        ..with(Kind::Letter, "Keretszerződés tervezete postán", -20, &[HALASZ])
    },
    Activity {
        result: Some("souhlasí"),
        company: Some(BAKERY),
        ..with(Kind::Call, "Ceny na rok 2027", -12, &[MLYNAR])
    },
    Activity {
        result: Some("zainteresowani"),
        company: Some(CAFE),
        opportunity: Some(SUPPLIES),
        ..with(Kind::Meeting, "Degustacja w Krakowie", -6, &[LIPSKA, WRONA])
    },
    Activity {
        result: Some("wysłana"),
        opportunity: Some(SUPPLIES),
        ..with(Kind::Email, "Oferta na 2027 rok", -5, &[LIPSKA])
    },
    Activity {
        opportunity: Some(SUPPLIES),
        ..with(Kind::Call, "Oddzwonić w sprawie umowy", 1, &[LIPSKA])
    },
    Activity {
        project: Some(TASTINGS),
        ..with(Kind::Task, "Připravit vzorky světlého pražení", 3, &[MLYNAR])
    },
    Activity {
        company: Some(COFFEE_HOUSE),
        project: Some(TASTINGS),
        ..with(Kind::Meeting, "Kávékóstoló Budapesten", 8, &[HALASZ, BIRO])
    },
];

pub(super) const NEWS: &str = "Odběratelé novinek";
pub(super) const LOYAL: &str = "Věrní zákazníci";
pub(super) const INVITED: &str = "Pozvánka na ochutnávku v Brně";
pub(super) const POLISH: &str = "Klienci z Polski";
pub(super) const BIRTHDAYS: &str = "Születésnaposok a következő két hétben";

/// On the way to buying by the sack.
pub(super) const FUNNEL: &str = "Cesta k velkoodběru";
pub(super) const TASTED: &str = "Ochutnávka";
pub(super) const STAGES: &[&str] = &["Poptávka", TASTED, "Smlouva", "Odebírá"];
pub(super) const AFTER_TASTING: &str = "Po ochutnávce zavolat";
pub(super) const WELCOME: &str = "Přivítání do věrnostního programu";
pub(super) const LOYALTY_COUPON: &str = "Věrnostní kupon";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kartoteka_domain::contacts::email::Email;
    use kartoteka_domain::contacts::phone::Phone;

    use super::*;

    #[test]
    fn everything_that_is_named_is_there() {
        let companies: BTreeSet<_> = COMPANIES.iter().map(|company| company.name).collect();
        let people: BTreeSet<_> = PARTNERS.iter().map(|partner| partner.mailbox).collect();
        let opportunities: BTreeSet<_> = OPPORTUNITIES.iter().map(|one| one.name).collect();
        assert_eq!((companies.len(), people.len()), (COMPANIES.len(), PARTNERS.len()));
        for partner in PARTNERS {
            assert!(companies.contains(partner.company), "{}", partner.mailbox);
            assert!(TYPES.iter().any(|(name, _)| *name == partner.contact_type));
            assert!(
                partner.group.is_none_or(|group| GROUPS.iter().any(|(name, _)| *name == group))
            );
            let roasts = FIELDS.iter().find(|field| field.name == "roast").unwrap().choices;
            assert!(
                partner.roast.is_none_or(|roast| roasts.contains(&roast)),
                "{}",
                partner.mailbox
            );
            assert!(Phone::parse(partner.phone, None).is_ok(), "{}", partner.phone);
        }
        let all = OPPORTUNITIES.iter().flat_map(|one| one.people).chain(TASTINGS_PEOPLE);
        for (mailbox, _) in all {
            assert!(people.contains(mailbox), "{mailbox}");
        }
        for activity in ACTIVITIES {
            assert!(activity.people.iter().all(|mailbox| people.contains(mailbox)));
            assert!(activity.company.is_none_or(|company| companies.contains(company)));
            assert!(activity.opportunity.is_none_or(|one| opportunities.contains(one)));
            assert!(activity.project.is_none_or(|project| project == TASTINGS));
            assert_eq!(activity.result.is_some(), activity.in_days < 0, "{}", activity.subject);
        }
        assert!(ACTIVITIES.iter().any(|activity| activity.in_days > 0));
    }

    #[test]
    fn addresses_are_reserved_and_numbers_nobodys() {
        for company in COMPANIES {
            assert!(company.website.ends_with(".example"), "{}", company.website);
            assert!(
                Email::parse(company.email).is_ok_and(|email| email.key().ends_with(".example"))
            );
            // the check digit of an IČO
            if let Some(number) = company.number {
                let digits: Vec<u32> = number.chars().filter_map(|c| c.to_digit(10)).collect();
                let sum: u32 = digits.iter().zip((2..=8).rev()).map(|(digit, by)| digit * by).sum();
                let check = (11 - sum % 11) % 10;
                assert_ne!(digits[7], check, "{number} may be somebody's");
            }
        }
    }
}
