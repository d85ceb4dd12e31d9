//! What the names of columns mean, in the languages and exports lists come from (IMP-5).
//!
//! Names are kept folded and without spaces, so that `E-mail`, `email` and `E_MAIL` are one. Of several
//! columns with one meaning the lowest rank wins. The languages are Czech, Slovak, Polish, Hungarian,
//! German and English; the header names of known programs stand among them.

use std::collections::HashMap;
use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// What a name of a column means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A target of the mapping.
    Target(&'static str),
    /// A detail, called after its header.
    Detail,
    /// Needs the other columns or the values to be understood.
    Ambiguous(Ambiguous),
    /// Known, and of no use for a contact.
    Nothing,
    /// A national number of a person: never suggested.
    Sensitive,
}

/// Names that mean different things in different lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ambiguous {
    /// `Jméno`, `Imię`, `Meno`: the first name, or all of it when it stands alone.
    GivenOrFull,
    /// `Name`: all of it; the last name beside `Vorname`; the first beside `Surname`.
    Name,
    /// `Title`: of the person or of the job.
    Title,
    /// `State`: a region, or the state of the business relation.
    State,
    /// `Kraj`: a country in Polish, a region in Czech and Slovak.
    Kraj,
    /// `Anrede`, `Oslovení`: Mr and Mrs, or a title.
    Salutation,
    /// `Status`: subscribed or not, when its values say so.
    Status,
}

use Ambiguous::{GivenOrFull, Kraj, Name, Salutation, State, Status, Title};
use Meaning::{Ambiguous as Either, Detail, Nothing, Sensitive, Target};

/// Meaning, rank, names.
type Entry = (Meaning, u8, &'static str);

const PEOPLE: &[Entry] = &[
    (
        Target("first_name"),
        0,
        "first name|given name|forename|first|krestni jmeno|krstne meno|krstni jmeno|imie pierwsze|\
         pierwsze imie|keresztnev|utonev|vorname|vornamen|rufname|fname|jmeno krestni|given names|\
         billing first name|kereszt nev|name first|prvni jmeno|prenom|user firstname|firstname",
    ),
    (Either(GivenOrFull), 0, "jmeno|imie|meno|imiona|jmena"),
    (
        Target("last_name"),
        0,
        "last name|surname|family name|second name|last|lname|prijmeni|prijmenie|priezvisko|nazwisko|\
         vezeteknev|vezetek nev|csaladnev|csaladi nev|nachname|familienname|zuname|name last|sn|\
         billing last name|nom de famille|nachnamen|druhe prijmeni a prvni",
    ),
    (
        Target("full_name"),
        0,
        "full name|jmeno a prijmeni|prijmeni a jmeno|jmeno prijmeni|prijmeni jmeno|cele jmeno|\
         meno a priezvisko|priezvisko a meno|meno priezvisko|cele meno|imie i nazwisko|\
         nazwisko i imie|imie nazwisko|nazwisko imie|pelne imie|pelna nazwa kontaktu|nev|teljes nev|\
         contact name|customer|client|kunde|name surname|surname name|first and last name|first name last name|your name|\
         vollstandiger name|vor und nachname|name vorname|vorname name|vorname nachname|\
         nachname vorname|nachname und vorname|customer name|jmeno zakaznika|lead name|subscriber name|\
         zakaznik|klient|ugyfel neve|ugyfel|teljesnev|fullname|jmeno kontaktu|meno kontaktu|kontaktni osoba|\
         osoba kontaktowa|kapcsolattarto|ansprechpartner|kontaktperson|contact person|osoba|kontakt jmeno|\
         clen|jmeno clena|ucastnik|jmeno ucastnika|tag neve|vezetek es keresztnev|vezeteknev keresztnev|\
         whole name|person name|jmeno a prijmeni zakaznika|kontakt|nombre",
    ),
    (
        Target("full_name"),
        3,
        "display name|anzeigename|zobrazovane jmeno|zobrazovane meno|megjelenitendo nev|nazwa wyswietlana|file as|ulozit jako",
    ),
    (Either(Name), 0, "name|namn|nom"),
    (
        Target("title_before"),
        0,
        "titul|tituly|pretitle|titul pred|titul pred jmenem|tituly pred jmenem|tituly pred|akademicky titul|\
         titul pred menom|tytul|tytul naukowy|tytul przed|tytul przed nazwiskiem|name prefix|prefix|\
         title before|titles before|honorific prefix|academic title|akademischer titel|titel|\
         titulus|cim elotag|elotag|name title|akad titel|honorific|salutation title",
    ),
    (
        Target("title_after"),
        0,
        "titul za|surtitle|titul za jmenem|tituly za jmenem|tituly za|titul za menom|tytul po|tytul po nazwisku|\
         name suffix|suffix|sufiks|title after|titles after|honorific suffix|utotag|namenszusatz|\
         koncovka|pripona|nevutotag|utonev utotag|titul po",
    ),
    (Either(Title), 0, "title"),
    (
        Either(Salutation),
        0,
        "anrede|salution|osloveni|oslovenie|megszolitas|salutation|courtesy title|zwrot grzecznosciowy|mr mrs|forma grzecznosciowa",
    ),
    (
        Target("company_name"),
        0,
        "company|company name|firma|nazev firmy|jmeno firmy|nazwa firmy|firmenname|cegnev|ceg|ceg neve|\
         spolecnost|nazev spolecnosti|spolocnost|nazov spolocnosti|nazov firmy|organizace|\
         nazev organizace|organizacia|organizacja|organization|organisation|organization name|\
         organisation name|unternehmen|unternehmensname|szervezet|account name|associated company|\
         primary associated company|employer|zamestnavatel|pracodawca|munkaltato|business name|spolka|\
         organization 1 name|company 1|billing company|obchodni firma|vallalat|vallalkozas|\
         cegnev szervezet|org|nazev subjektu|institution|instituce|instytucja|obchodni jmeno|\
         organizationname|companyname|skola|pracoviste",
    ),
    (Target("company_name"), 2, "nazev|nazov|nazwa|account|ucet|konto firmy"),
    (
        Target("job_title"),
        0,
        "job title|position|pozice|pracovni pozice|pozicia|pracovna pozicia|funkce|funkcia|stanowisko|\
         funkcja|beosztas|munkakor|pozicio|role|job|jobtitle|berufsbezeichnung|stelle|\
         funktion|job position|rola|organization title|organisation title|organization 1 title|\
         stellenbezeichnung|tytul stanowiska|nazwa stanowiska|headline|rank in company",
    ),
    (
        Target("job_title"),
        2,
        "occupation|profession|povolani|povolanie|zawod|foglalkozas|beruf|profese",
    ),
    (
        Target("birth_date"),
        0,
        "birth date|date of birth|birthday|birthdate|dob|born|datum narozeni|narozeni|narozeniny|\
         narozen|datum narodenia|narodeniny|narodeny|data urodzenia|data ur|urodziny|urodzony|\
         szuletesi datum|szuletesi ido|szuletesnap|szuletett|szul datum|geburtsdatum|geburtstag|\
         geboren|geb datum|geburt|dat narozeni|dat nar|bday",
    ),
    (Target("gender"), 0, "gender|sex|pohlavi|pohlavie|plec|nem|neme|geschlecht|ferfi no|muz zena"),
    (
        Target("language"),
        0,
        "language|jazyk|jezyk|nyelv|sprache|locale|preferred language|lang|correspondence language|jazyk komunikace|muttersprache|preferovany jazyk",
    ),
    (
        Target("time_zone"),
        0,
        "time zone|timezone|casove pasmo|strefa czasowa|idozona|zeitzone|casova zona|tz",
    ),
    (
        Target("score"),
        0,
        "score|lead score|skore|hubspot score|scoring|pontszam|punktacja|body score|contact score",
    ),
    (
        Target("tags"),
        0,
        "tags|tag|labels|label|stitky|stitek|stitok|tagy|etykiety|etykieta|tagi|tagek|cimkek|cimke|\
         schlagworte|schlagwort|categories|category|kategorie|kategoria|kategorii|kategoriak|kategorien|\
         group membership|groups|group|skupiny|skupina|grupy|grupa|csoport|csoportok|gruppen|gruppe|\
         segment|segmenty|segments|contact tags|stitky kontaktu|tagging|contact groups|znacky|tagovi",
    ),
    (
        Either(Status),
        0,
        "status|stav|statusz|allapot|subscription status|subscriber status|email status|marketing status|stav odberu|email marketing status|status subskrypcji|stav odberatele|marketing email status",
    ),
    (
        Sensitive,
        0,
        "rodne cislo|rc|rodne c|r c|pesel|nr pesel|numer pesel|ssn|soc sec id|social security number|\
         government id number|government id|national id|national identification number|taj|taj szam|\
         tajszam|szemelyi szam|szemelyi igazolvany szam|szemelyi igazolvany|cislo obcanskeho prukazu|\
         cislo op|obcansky prukaz|numer dowodu|dowod osobisty|nr dowodu|passport|passport number|\
         cislo pasu|paszport|numer paszportu|utlevelszam|sozialversicherungsnummer|\
         personalausweisnummer|steuer id|steueridentifikationsnummer|personal number|osobni cislo obcana|\
         adoazonosito|adoazonosito jel|cislo pojistence|birth number|rodnecislo|identifikacni cislo obcana",
    ),
];

const REACH: &[Entry] = &[
    (
        Target("email"),
        0,
        "email|email address|emailaddress|mail|email adresa|emailova adresa|adresa elektronicke posty|\
         adres email|adres mailowy|email cim|emailcim|email adresse|mailadresse|mail adresse|\
         elektronicka adresa|elektronicka posta|primary email|primarni email|user email|email addr|\
         kontaktni email|poczta elektroniczna|adres poczty elektronicznej|elektronikus levelcim|\
         drotposta|drotpostacim|eposta|posta elektroniczna|subscriber|person email|your email|mejl|maile|\
         email id|adres e poczty|subscriber email|elektronikus cim|e posta|email adres|adres e mailowy|\
         contact email|correo|courriel|emaily|emails|hlavni email",
    ),
    (
        Target("email"),
        4,
        "secondary email|second email|alternative email|alternate email|druhy email|additional email|sekundarni email|additional email addresses|work email 2|invoice email|fakturacni email",
    ),
    (
        Target("phone"),
        0,
        "mobile phone|mobile|mobil|mobilni telefon|mobilny telefon|mobilni cislo|cell|cell phone|cellphone|\
         mobile number|mobile phone number|telefon komorkowy|komorka|tel kom|telefon mobilny|mobiltelefon|\
         mobilszam|mobiltelefonszam|handy|handynummer|mobilnummer|mobiltelefonnummer|mobilni|gsm|\
         tel mobil|mobilne cislo|cislo mobilu|numer komorkowy|numer telefonu komorkowego|phone mobile|\
         mobiltelefon szam|whatsapp number|mobil tel|telefon mobil|telefon mobilni",
    ),
    (
        Target("phone"),
        1,
        "phone|phone number|phone no|telephone|telephone number|telefon|telefonni cislo|telefonne cislo|\
         telefonnni cislo|cislo telefonu|tel|tel c|tel cislo|tel nr|nr tel|numer telefonu|nr telefonu|\
         telefonszam|tel szam|telefonnummer|rufnummer|sms|sms number|fon|primary phone|primary phone number|\
         kontaktni telefon|telefon kontaktowy|telefony|phones|kontakt telefoniczny|person phone|phone nr|\
         telefon 1|contact phone|contact number|telefon podstawowy|primarni telefon|hlavni telefon|\
         haupttelefon|elsodleges telefon|contact phone number|numer kontaktowy|telefonni kontakt|tel number",
    ),
    (
        Target("phone"),
        5,
        "company main phone|glowny telefon do firmy|hlavni telefon spolecnosti|telefon spolecnosti|hauptrufnummer firma|festnetz|pevna linka|telefon stacjonarny|vezetekes telefon|landline",
    ),
    (
        Target("external_id"),
        0,
        "external id|externi id|externalid|ext id|zewnetrzne id|id zewnetrzne|kulso azonosito|externe id",
    ),
    (
        Target("external_id"),
        1,
        "id|record id|record id contact|contact id|customer id|client id|id kontaktu|id zakaznika|id klienta|\
         cislo zakaznika|zakaznicke cislo|cislo klienta|numer klienta|nr klienta|ugyfelszam|ugyfelkod|\
         ugyfelazonosito|azonosito|kundennummer|kunden nr|kundennr|person id|user id|guid|uuid|uid|member id|member number|membership number|\
         clenske cislo|cislo clena|identifikator|kod klienta|kod zakaznika|rec id|customer number|\
         subscriber id|osobni cislo|lead id|hubspot id|customer code|id contact|identyfikator",
    ),
    (
        Target("external_id"),
        2,
        "leid|organizational id number|numer ewidencyjny w organizacji|employee id|account id",
    ),
    (Target("external_id"), 3, "euid"),
    (
        Target("subscribed"),
        0,
        "subscribed|is subscribed|odebira|prihlasen k odberu|prihlasen|odberatel|subskrybent|subskrypcja|\
         feliratkozott|feliratkozva|abonniert|opted in",
    ),
    (
        Target("unsubscribed"),
        0,
        "unsubscribed|email blacklisted|unsub time|email opt out|has opted out of email|opted out|opt out|\
         odhlasen|odhlaseny|odhlaseno|wypisany|wypisano|leiratkozott|abgemeldet|unsubscribed from all email|\
         do not email|blacklisted|unsubscribe date|unsubscribed at|datum odhlaseni|data wypisania|\
         nezasilat|neposilat|nekontaktovat|do not contact|email optout|hasoptedoutofemail|email unsubscribed|\
         unsubscribed time|nie wysylac|emailoptout|odhlasil se|leiratkozas datuma|opted out of email",
    ),
    (
        Target("consent:email_basic"),
        0,
        "newsletter|odber newsletteru|odber novinek|zasilani novinek|accepts email marketing|accepts marketing|\
         email consent|email marketing consent|marketing consent|email opt in|newsletter opt in|hirlevel|\
         hirlevel feliratkozas|newsletter zgoda|zgoda marketingowa|marketingovy souhlas|marketing souhlas|\
         obchodni sdeleni|emailing|newsletter subscription|newsletteranmeldung|odoberanie noviniek|\
         odber newslettera|marketing permission|email permission|accepts newsletter|werbeeinwilligung|\
         email marketing|marketingova zgoda|reklamni souhlas|wants newsletter|marketing|zasilat newsletter|\
         receive newsletter|double opt in",
    ),
    (
        Target("consent:sms_basic"),
        0,
        "accepts sms marketing|sms consent|sms marketing consent|sms opt in|sms marketing|souhlas sms|zgoda sms",
    ),
    (
        Nothing,
        0,
        "email type|email label|email display name|email status date|typ email|rodzaj email|typ emailu|wyswietlana nazwa email|phone type|phone label|address type|address label|website type|website label|zobrazovane jmeno emailu|zobrazovany nazev emailu|email anzeigename|email typ|organization type|organization symbol|sms blacklisted|email normalized|relation type|relation value|relation label|event type|event label|im type|im service|im value|custom field type|custom field label",
    ),
];

const PLACES: &[Entry] = &[
    (
        Target("address.street"),
        0,
        "street|street address|ulice|ulica|ulice a cislo|ulice a cp|ulice a cislo popisne|ulice cp|\
         ulice cislo popisne|ulica i numer|ulica i nr|ulica nr|ulica a cislo|utca|utca hazszam|\
         utca es hazszam|kozterulet|cim utca|strasse|strasse und hausnummer|strasse hausnummer|\
         strasse nr|str|address street|address line|address line 1|address 1|street 1|street address 1|\
         adresa radek|billing address 1|ulica i numer domu|mailing street|address1|str hausnr|strasse hausnr|\
         streetaddress|home address street|default address address 1|adres ulica|street and number",
    ),
    (
        Target("address.street"),
        2,
        "address|adresa|adres|cim|lakcim|adresse|anschrift|bydliste|postal address|postovni adresa|\
         korespondencni adresa|adres korespondencyjny|adres zamieszkania|levelezesi cim|adresa bydliste|\
         trvale bydliste|address full|full address|adresa trvaleho bydliste|postcim|cela adresa",
    ),
    (
        Target("address.city"),
        0,
        "city|town|mesto|obec|miasto|miejscowosc|varos|telepules|helyseg|ort|stadt|wohnort|locality|\
         address city|mesto obec|mesto|city town|mailing city|mestska cast obec|misto|gemeinde|cim varos|\
         lakohely|ville|ciudad|telepulesnev|sidlo mesto",
    ),
    (
        Target("address.postal_code"),
        0,
        "postal code|post code|postcode|zip|zip code|zip or postal code|zipcode|zip postal code|psc|p s c|postovni smerovaci cislo|\
         smerovaci cislo|kod pocztowy|pocztowy kod|kod poczt|iranyitoszam|irszam|irsz|ir szam|plz|postleitzahl|\
         address postal code|mailing zip postal code|billing postcode|default address zip|pna|postal|\
         postalcode|code postal|postal zip",
    ),
    (
        Target("address.region"),
        0,
        "region|state province|state region|province|county|wojewodztwo|megye|bundesland|kanton|\
         province code|address region|mailing state province|kraj region|provincie|oblast|regio|\
         mailing state|wojewodztwo region|stat provincie|allam megye|state or province|kraj oblast|samospravny kraj|allam|\
         stat kraj|bundesland kanton",
    ),
    (Either(State), 0, "state"),
    (Either(Kraj), 0, "kraj"),
    (
        Target("address.country"),
        0,
        "country|country region|country or region|zeme|stat|krajina|panstwo|orszag|land|country code|kod zeme|country name|\
         address country|mailing country|nation|kod kraju|orszagkod|land region|zeme oblast|statni prislusnost zeme|\
         default address country code|landercode|zeme region|kraj region panstwo|cc|kraj panstwo|orszag regio|countrycode|pais|pays",
    ),
    (
        Nothing,
        0,
        "po box|address po box|postovni prihradka|postafiok|postfach|skrzynka pocztowa|address formatted|formatted|extended address|address extended address|address extended|country code 2|latitude|longitude|gmtoff|dstoff|default address country name dup",
    ),
];

const REST: &[Entry] = &[
    (
        Target("detail:notes"),
        0,
        "note|notes|poznamka|poznamky|pozn|uwagi|notatki|notatka|megjegyzes|megjegyzesek|jegyzet|jegyzetek|\
         bemerkung|bemerkungen|notiz|notizen|comment|comments|komentar|komentare|komentarz|description|popis|\
         opis|remarks|customer note|kommentar|anmerkung|anmerkungen|leiras|body notes|interni poznamka",
    ),
    (
        Detail,
        0,
        "website|web|www|url|homepage|web page|webpage|website value|web site|webova stranka|webove stranky|\
         internetove stranky|www stranky|strona www|strona internetowa|strona sieci web|strona|weboldal|weblap|\
         honlap|internetseite|webseite|webadresse|company website|\
         department|oddeleni|oddelenie|usek|dzial|osztaly|reszleg|abteilung|organization department|\
         nickname|prezdivka|prezyvka|pseudonim|becenev|spitzname|ksywka|nick|\
         age|vek|wiek|kor|eletkor|alter|\
         middle name|additional name|second given name|druhe jmeno|druhe krestni jmeno|prostredni jmeno|drugie imie|\
         stredne meno|masodik keresztnev|tovabbi utonev|weitere vornamen|zweiter vorname|\
         maiden name|rodne prijmeni|rozena|nazwisko panienskie|leanykori nev|geburtsname|\
         ico|ic|icz|dic|ic dph|dph|nip|regon|krs|adoszam|cegjegyzekszam|ust id|ust idnr|vat|vat id|vat number|tax id|tax number|\
         house number|c p|cislo popisne|cislo domu|hazszam|hausnummer|nr domu|numer domu|company id|\
         fax|faks|fax number|telefax|faxnummer|\
         linkedin|linkedin url|linkedin profile|facebook|twitter|instagram|skype|whatsapp|telegram|youtube|tiktok|x|\
         lead status|lead source|lifecycle stage|source|zdroj|zrodlo|forras|quelle|industry|obor|branza|iparag|branche|odvetvi|\
         anniversary|vyroci|rocznica|evfordulo|jahrestag|wedding day|jmeniny|svatek|meniny|imieniny|nevnap|namenstag|name day|nameday|\
         spouse|manzel|manzelka|partner|wspolmalzonek|hazastars|ehepartner|children|deti|dzieci|gyerekek|kinder|\
         hobby|hobbies|zajmy|konicky|zainteresowania|interests|zalozenia|\
         assistant|assistants name|asistent|sekretarka|manager|managers name|vedouci|nadrizeny|menedzer|vorgesetzter|\
         office location|kancelar|lokalizacja biura|iroda|buro|\
         company size|number of employees|annual revenue|pocet zamestnancu|\
         velikost|velikost obleceni|rozmiar|rozmer boty|velikost boty|meret|grosse|\
         member since|clenem od|datum registrace|registration date|source campaign|loyalty card|vernostni karta|cislo karty|\
         clenstvi|typ clenstvi|membership|membership type|total spent|total spend|orders|total orders|pocet objednavek|\
         okres|powiat|district|jaras|landkreis|mestska cast|ctvrt|dzielnica|\
         referred by|doporucil|osoba polecajaca|krestne meno priatela|account number|iban|cislo uctu|numer konta|bankszamlaszam",
    ),
    (
        Nothing,
        0,
        "contact owner|owner|record owner|owner id|lead owner|account owner|vlastnik|vlastnik kontaktu|wlasciciel|opiekun|\
         opiekun klienta|tulajdonos|besitzer|inhaber|assigned to|prirazeno|obchodnik|handlowiec|sales rep|contact owner id|\
         photo|foto|fotografie|picture|image|avatar|zdjecie|kep|\
         created|create date|created at|created time|created date|created on|date created|date added|vytvoreno|datum vytvoreni|data utworzenia|\
         letrehozva|erstellt|erstellt am|added time|added|modified time|updated|updated at|last modified|last modified date|modified|modified on|\
         last change|last changed|last activity|last activity date|last active|zmeneno|datum zmeny|data modyfikacji|\
         optin time|optin ip|opt in time|opt in ip|confirm time|confirm ip|opt in date|signup ip|subscribed ip|subscription date|\
         subscribe date|date subscribed|sign up date|datum prihlaseni|member rating|rating|consent date|datum souhlasu|data zgody|\
         connected on|sent|opens|clicks|opened|clicked|location|lokalizacja|poloha|\
         priority|priorita|priorytet|prioritat|sensitivity|citlivost|charakter|vertraulichkeit|private|soukrome|prywatne|privat|\
         mileage|ujete kilometry|przebieg|billing information|fakturacni informace|informacje rozliczeniowe|abrechnungsinformation|\
         directory server|serwer adresowy|adresarovy server|internet free busy|internetowe informacje wolny zajety|\
         subject|keywords|klicova slova|slowa kluczowe|stichworter|initials|inicialy|inicjaly|initialen|monogram|short name|\
         yomi name|given name yomi|family name yomi|additional name yomi|phonetic first name|phonetic last name|phonetic middle name|\
         assistants phone|telefon asystenta|telefon asistenta|callback|wywolanie zwrotne|car phone|telefon w samochodzie|isdn|pager|\
         radio phone|radiotelefon|tty tdd phone|telefon tty tdd|telex|teleks|pager number|screen name|\
         user 1|user 2|user 3|user 4|birth year|birth month|birth day|custom 1|custom 2|custom 3|custom 4|\
         ad id|ad name|adset id|adset name|campaign id|campaign name|form id|form name|is organic|platform|\
         password|heslo|haslo|jelszo|passwort|username|user name|login|role id|tax exempt|aov|email domain|ip|ip address|\
         poradi|poradove cislo|lp|l p|sorszam|lfd nr|no|nr|c|cislo radku|row|imie i nazwisko asystenta|jmeno asistenta",
    ),
];

fn known() -> &'static HashMap<String, (Meaning, u8)> {
    static KNOWN: OnceLock<HashMap<String, (Meaning, u8)>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut known = HashMap::new();
        for (meaning, rank, names) in PEOPLE.iter().chain(REACH).chain(PLACES).chain(REST) {
            for name in names.split('|') {
                known.entry(key(name.split_whitespace())).or_insert((*meaning, *rank));
            }
        }
        known
    })
}

fn key<'a>(tokens: impl Iterator<Item = &'a str>) -> String {
    tokens.collect()
}

/// Words that say which of several addresses or phones is meant, with their rank.
const PLACES_OF_LIFE: [(u8, &str); 4] = [
    (
        1,
        "business|work|office|company|sluzbowy|sluzbowa|sluzbowe|sluzebni|sluzobny|pracovni|firemni|firemny|zamestnani|prace|praci|\
         firmowy|firmowa|geschaftlich|geschaftliche|dienstlich|firma|do|munkahelyi|hivatali|uzleti|ceges|mailing|default|primary|main|hlavni|primarni|\
         glowny|billing|fakturacni|fakturacna|rozliczeniowy|szamlazasi|korespondencni|korespondencyjny|kontaktni|kontaktowy|trvaly|\
         trvale|organization|person",
    ),
    (
        2,
        "home|private|personal|domowy|domowa|domowe|domaci|domu|domov|soukromy|soukroma|soukrome|privatni|osobni|prywatny|prywatna|prywatne|sukromny|\
         privat|private|otthoni|lakas|magan|bydliste|domacnost",
    ),
    (
        3,
        "other|inny|inna|inne|jiny|jina|jine|iny|weitere|andere|egyeb|alternate|alternative|dalsi|additional",
    ),
    (
        4,
        "shipping|dodaci|dorucovaci|delivery|dostawy|szallitasi|lieferung|liefer|lieferadresse|secondary|druhy|druha|sekundarni",
    ),
];

/// Words before a name that add nothing to it.
const LEAD_INS: &str = "person|osoba|contact|kontakt|customer|zakaznik|zakaznika|klient|klienta|client|kunde|kunden|ugyfel|lead|subscriber|\
    member|clen|user|uzivatel|uzivatele|participant|ucastnik|ucastnika|your|vas|vase|vasa|twoj|twoje|twoja|address|adres|adresa|adresse|cim|anschrift|attribute|\
    field|pole|billing|mailing|default|prosim|zadejte|podaj|jmeno kontaktu";

/// A name of a column, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) meaning: Meaning,
    /// Lower is preferred among columns of one meaning.
    pub(super) rank: u8,
    /// Which of several: `E-mail 2` is 2; 1 when nothing is said.
    pub(super) number: u8,
    /// Whose address: 0 is not said, 1 work, 2 home, 3 other, 4 delivery.
    pub(super) place: u8,
    /// The number in the middle of a name: `Address 2 - City` is 2.
    pub(super) block: u8,
    /// Whether nothing had to be left out of the name.
    pub(super) exact: bool,
}

/// A header without what spelling varies in: case, diacritics, punctuation, `camelCase`.
///
/// `E-mail 1 - Value` is `email 1 value`, `firstName` is `first name`, `PŘÍJMENÍ` is `prijmeni`.
#[must_use]
pub fn fold_header(header: &str) -> String {
    let mut folded = String::with_capacity(header.len());
    let mut before = ' ';
    for c in header.nfkd().filter(|c| !is_combining_mark(*c)) {
        let hump = c.is_uppercase() && before.is_lowercase();
        let digit = c.is_ascii_digit() && before.is_alphabetic()
            || c.is_alphabetic() && before.is_ascii_digit();
        if hump || digit {
            folded.push(' ');
        }
        match c {
            'ł' | 'Ł' => folded.push('l'),
            'đ' | 'Đ' => folded.push('d'),
            'ß' => folded.push_str("ss"),
            '\'' | '’' => {}
            c if c.is_alphanumeric() => folded.extend(c.to_lowercase()),
            _ if folded.ends_with(' ') => {}
            _ => folded.push(' '),
        }
        before = c;
    }
    let words: Vec<&str> = folded.split_whitespace().collect();
    words.join(" ").replace("e mail", "email")
}

/// What a header means, if it is known.
pub(super) fn look_up(header: &str) -> Option<Known> {
    let folded = fold_header(header);
    if folded.is_empty() || folded.len() > 120 {
        return None;
    }
    let tokens: Vec<&str> = folded.split(' ').collect();
    if let Some(mut known) = exact(&tokens) {
        // `Mailing City` is a name of its own, and still of the mailing address
        if matches!(known.meaning, Target(target) if target.starts_with("address.")) {
            known.place = without_place(&tokens).1;
        }
        return Some(known);
    }
    if let Some(meaning) = by_words(&tokens) {
        return Some(Known { meaning, rank: 1, number: 1, place: 0, block: 0, exact: false });
    }
    look_up_parts(&tokens).or_else(|| {
        // questions of forms: `Město, kde bydlíte`
        let (start, _) = header.split_once([',', '(', ':', '?'])?;
        let folded = fold_header(start);
        let tokens: Vec<&str> = folded.split(' ').collect();
        Some(Known { exact: false, ..exact(&tokens)? })
    })
}

/// The name without what says which of several it is.
fn look_up_parts(tokens: &[&str]) -> Option<Known> {
    let (plain, number, block) = without_numbers(tokens);
    let mut attempts = vec![(plain.clone(), 0)];
    let (placeless, place) = without_place(&plain);
    attempts.push((placeless.clone(), place));
    attempts.push((without_lead_in(&placeless), place));
    attempts.push((without_lead_in(&plain), 0));
    let found = attempts.into_iter().find_map(|(tokens, place)| Some((exact(&tokens)?, place)));
    let (known, place) = found?;
    Some(Known { number, block, place, rank: known.rank + place, exact: false, ..known })
}

fn exact(tokens: &[&str]) -> Option<Known> {
    let (meaning, rank) = *known().get(&key(tokens.iter().copied()))?;
    Some(Known { meaning, rank, number: 1, place: 0, block: 0, exact: true })
}

/// Consents and the like are asked for in sentences.
fn by_words(tokens: &[&str]) -> Option<Meaning> {
    let has = |words: &str| tokens.iter().any(|t| words.split('|').any(|w| *t == w));
    let begins = |stems: &str| tokens.iter().any(|t| stems.split('|').any(|s| t.starts_with(s)));
    let consent = begins(
        "newslet|hirlev|souhlas|suhlas|zgod|hozzajarul|einwillig|consent|permission|accept|gdpr|agree|prihlasit|odber|optin|optedin|subscri",
    ) || (has("opt|opted") && has("in"));
    if !consent {
        return None;
    }
    if has("time|date|datum|data|ip|kdy|kiedy|source|zdroj|text|version|verze|cas|czas|at") {
        return Some(Nothing);
    }
    let asked =
        begins("newslet|email|mail|marketing|obchodn|reklam|novin|handlow|hirlevel|werbung|promo");
    let refused = has("unsubscribed|unsubscribe|odhlasen|out");
    if refused {
        return None;
    }
    if has("sms|telefon|phone|mobil") && !has("email|newsletter") {
        return Some(Target("consent:sms_basic"));
    }
    if asked {
        return Some(Target("consent:email_basic"));
    }
    tokens
        .iter()
        .any(|t| t.starts_with("souhlas") || t.starts_with("zgod") || t.starts_with("suhlas"))
        .then_some(Detail)
}

/// The name without numbers and fillers; the number at its end, the number in its middle.
fn without_numbers<'a>(tokens: &[&'a str]) -> (Vec<&'a str>, u8, u8) {
    let mut plain = Vec::with_capacity(tokens.len());
    let (mut number, mut block) = (1, 0);
    let named = tokens.len();
    for (i, token) in tokens.iter().enumerate() {
        if let Ok(found) = token.parse::<u8>() {
            let last = i + 1 == named;
            let before_value = i + 2 == named && tokens.last().is_some_and(|t| *t == "value");
            let electronic =
                tokens.first().is_some_and(|t| matches!(*t, "email" | "phone" | "website"));
            if last || before_value || electronic {
                number = found.max(1);
            } else {
                block = found;
            }
        } else if !matches!(
            *token,
            "value" | "povinne" | "required" | "wymagane" | "kotelezo" | "nepovinne" | "optional"
        ) {
            plain.push(*token);
        }
    }
    (plain, number, block)
}

fn without_place<'a>(tokens: &[&'a str]) -> (Vec<&'a str>, u8) {
    let mut place = 0;
    let mut rest = Vec::with_capacity(tokens.len());
    for token in tokens {
        let found = PLACES_OF_LIFE.iter().find(|(_, words)| words.split('|').any(|w| w == *token));
        match found {
            Some((rank, _)) => place = place.max(*rank),
            None => rest.push(*token),
        }
    }
    (rest, place)
}

fn without_lead_in<'a>(tokens: &[&'a str]) -> Vec<&'a str> {
    let mut rest = tokens;
    while let [first, others @ ..] = rest {
        if others.is_empty() || !LEAD_INS.split('|').any(|word| word == *first) {
            break;
        }
        rest = others;
    }
    rest.to_vec()
}

/// Whether the text is a name of a column that is known here.
#[must_use]
pub fn is_known(header: &str) -> bool {
    header.chars().count() <= 80 && look_up(header).is_some()
}

/// An export that is known by its columns: its name, and those that give it away, folded.
pub(super) const EXPORTS: &[(&str, &str)] = &[
    ("google_contacts", "given name|family name|group membership"),
    ("google_contacts", "first name|last name|labels|organization name"),
    ("google_contacts", "name prefix|name suffix|email 1 value"),
    ("outlook", "first name|last name|business phone|business street"),
    ("outlook", "imie|nazwisko|telefon sluzbowy|adres sluzbowy ulica"),
    ("outlook", "vorname|nachname|strasse geschaftlich"),
    ("outlook", "jmeno|prijmeni|telefon do zamestnani"),
    ("outlook", "utonev|vezeteknev|hivatali telefon"),
    ("thunderbird", "first name|last name|display name|primary email"),
    ("mailchimp", "email address|member rating|optin time"),
    ("mailchimp", "email address|leid|euid"),
    ("zoho", "record id|contact owner|account name"),
    ("salesforce", "first name|last name|account name|mailing city"),
    ("salesforce", "contact id|last name|mailing street"),
    ("hubspot", "record id|email|contact owner"),
    ("hubspot", "record id contact|email"),
    ("brevo", "email|email blacklisted|sms blacklisted"),
    ("brevo", "contact id|email|sms|added time"),
    ("linkedin", "first name|last name|company|position|connected on"),
    ("ecomail", "email|name|surname|pretitle|surtitle"),
    ("getresponse", "email|name|added on"),
    ("shoptet", "guid|email|full name|customer group"),
    ("woocommerce", "name|username|last active|date registered"),
    ("smartemailing", "emailaddress|titlesbefore|titlesafter"),
    ("mailerlite", "subscriber|sent|opens|clicks"),
    ("pipedrive", "person name|person organization"),
    ("facebook_leads", "id|created time|ad id|form id"),
    ("woocommerce", "billing first name|billing email|billing postcode"),
    ("shopify", "first name|last name|accepts email marketing|tags"),
    ("shopify", "first name|last name|accepts marketing|total spent"),
];
