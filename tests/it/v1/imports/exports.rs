//! Exports of known programs, from the upload to the contact: what a person would expect of each.

use super::outcome::{compare, fixtures};

/// What the fixtures do not have: several rows, twice the same person, labels, a text of Excel.
fn more() -> Vec<(String, Vec<u8>)> {
    let utf16 = |text: &str| -> Vec<u8> {
        format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    vec![
        (
            "hubspot, five records of four people".into(),
            "Record ID,First Name,Last Name,Email,Phone Number,Lead Status,Create Date,Associated Company,Country/Region,Contact owner\n\
             201,Anne,Petit,anne@example.com,+33 6 12 34 56 78,NEW,2024-03-12 09:14,Exemple SA,France,owner@example.com\n\
             202,Tom,Hill,TOM@Example.com,,OPEN_DEAL,3/15/2024 2:30 PM,,Australia,\n\
             203,,,,,,2024-01-01 00:00,,,\n\
             204,Anne,Petit,Anne@example.com,,,2024-03-13 09:14,,,\n\
             205,,,alone@example.com,,,,,,\n"
                .into(),
        ),
        (
            "excel, unicode text".into(),
            utf16("Jméno\tPříjmení\tE-mail\tTelefon\r\nŽofie\tŘeháková\tzofie@example.cz\t602123456\r\n"),
        ),
        (
            "outlook, with the words it writes for nothing".into(),
            "\"Title\",\"First Name\",\"Last Name\",\"Birthday\",\"Gender\",\"E-mail Address\",\"Mobile Phone\",\"Categories\"\r\n\
             \"\",\"Eva\",\"Malá\",\"0/0/00\",\"Unspecified\",\"eva@example.cz\",\"+420 604 555 666\",\"Klub;VIP\"\r\n"
                .into(),
        ),
        (
            "brevo, one of two is blocked".into(),
            "EMAIL;LASTNAME;FIRSTNAME;SMS;EMAIL_BLACKLISTED;SMS_BLACKLISTED;ADDED_TIME;MODIFIED_TIME\n\
             on@example.com;Durand;Bruno;33612345678;No;No;12-04-2022 09:30;13-04-2022 10:00\n\
             off@example.com;Petit;Léa;;Yes;No;12-04-2022 09:30;13-04-2022 10:00\n"
                .into(),
        ),
        (
            "neighbours, each with the phones of their country".into(),
            "Imię;Nazwisko;E-mail;Telefon;Kraj\r\n\
             Anna;Kowalska;anna@example.pl;501 123 456;Polska\r\n\
             Győző;Fűrész;gy@example.hu;06 20 123 4567;Węgry\r\n\
             Ľubica;Kováčová;l@example.sk;0905 111 222;Słowacja\r\n\
             Jana;Malá;jana@example.cz;602 123 456;Czechy\r\n"
                .into(),
        ),
        ("a header and nothing under it".into(), "Jméno;Příjmení;Věk;E-mail;Telefon\r\n".into()),
    ]
}

/// IMP-3, IMP-4, IMP-5, IMP-13, IMP-15, IMP-16
#[tokio::test]
async fn exports_become_what_a_person_expects() {
    compare(&fixtures(""), EXPORTS).await;
}

/// IMP-3, IMP-4, IMP-5, IMP-11, IMP-13, IMP-15, IMP-16
#[tokio::test]
async fn more_exports_become_what_a_person_expects() {
    compare(&more(), MORE).await;
}

const MORE: &str = r#"
== hubspot, five records of four people
utf-8 , lf header
8 of 10 columns: external_id first_name last_name email phone detail:lead_status company_name address.country
rows 5, created 4, merged_in_file 1
first: external_id 204, first_name Anne, last_name Petit, email Anne@example.com, phone +33612345678, company_name Exemple SA, country FR, lead_status="NEW"
== excel, unicode text
utf-16le bom tab crlf header
4 of 4 columns: first_name last_name email phone
rows 1, created 1
first: first_name Žofie, last_name Řeháková, email zofie@example.cz, phone +420602123456
== outlook, with the words it writes for nothing
utf-8 , crlf header
8 of 8 columns: job_title first_name last_name birth_date gender email phone tags
rows 1, created 1
first: first_name Eva, last_name Malá, email eva@example.cz, phone +420604555666, tags Klub+VIP
== brevo, one of two is blocked
utf-8 ; lf header
5 of 8 columns: email last_name first_name phone unsubscribed
rows 2, created 2
first: first_name Bruno, last_name Durand, email on@example.com, phone +33612345678
== neighbours, each with the phones of their country
utf-8 ; crlf header
5 of 5 columns: first_name last_name email phone address.country
rows 4, created 4
first: first_name Anna, last_name Kowalska, email anna@example.pl, phone +48501123456, country PL
== a header and nothing under it
utf-8 ; crlf header
5 of 5 columns: first_name last_name detail:vek email phone
rows 0
"#;

const EXPORTS: &str = r#"
== brevo.csv
utf-8 ; lf header
5 of 8 columns: email last_name first_name phone unsubscribed
rows 1, created 1
first: first_name Léon, last_name Petit, email leon@example.com, phone +33600000000, subscribed: false
== cs_members.csv
cp852 ; crlf header below 2 lines
5 of 6 columns: external_id full_name email phone address.street
rows 2, created 2
first: external_id 17, first_name Jana, last_name Malá, email jana@example.cz, phone +420602111222, street Nová 1, Praha
== ecomail.csv
utf-8 ; crlf header
15 of 15 columns: email first_name last_name company_name address.city address.street address.postal_code address.country phone title_before title_after birth_date gender tags subscribed
rows 2, created 2
first: title_before Mgr., first_name Zora, last_name Malá, email zora@example.cz, phone +420605111222, birth_date 1990-12-24, gender female, street Nová 1, city Praha, postal_code 110 00, country CZ, tags praha+vip
== facebook_leads.csv
utf-16le bom tab lf header
4 of 15 columns: external_id full_name email phone
rows 1, created 1
first: external_id l:100200300, first_name Anna, last_name Malá, email anna@example.cz, phone +420609555666
== freshmail.csv
utf-8 ; crlf header
6 of 7 columns: email first_name last_name phone address.city subscribed
rows 2, created 2
first: first_name Jan, last_name Lis, email jan@example.pl, phone +420501222333, city Kielce
== getresponse.csv
utf-8 , lf header
9 of 11 columns: email full_name address.country phone company_name address.city address.postal_code birth_date tags
rows 1, created 1
first: first_name Ewa, last_name Lis, email ewa@example.pl, phone +48501222333, birth_date 1991-01-01, city Opole, postal_code 45-001, country PL, tags promo
== google_new.csv
utf-8 , lf header
16 of 34 columns: first_name last_name title_before title_after company_name job_title birth_date detail:notes tags email phone address.street address.city address.region address.postal_code address.country
rows 1, created 1
line 2 created: phone invalid_phone "06 20 123 4567"
first: first_name Béla, last_name Tóth, email bela@example.hu, company_name Példa Kft., job_title ügyvezető, street Fő utca 1, city Győr, postal_code 9021, tags myContacts, notes="két sor\nmegjegyzés"
== google_old.csv
utf-8 , lf header
19 of 46 columns: first_name last_name title_before title_after birth_date gender job_title detail:notes language tags email detail:email_2 phone address.street address.city address.region address.postal_code address.country detail:website
rows 1, created 1
first: first_name Alena, last_name Dvořáková, email alena@example.cz, phone +420601222333, birth_date 1984-02-11, city Plzeň, country CZ, tags Klub+myContacts, email_2="dvorakova@example.com", website="https://example.cz"
== hu_semicolon.csv
windows-1250 ; crlf header
11 of 11 columns: full_name email phone company_name address.postal_code address.city address.street birth_date gender detail:notes consent:email_basic
rows 1, created 1
line 2 created: phone invalid_phone "06 30 123 4567"
first: first_name Jánosné, last_name Kovács, email kovacs@example.hu, birth_date 1960-01-02, gender female, street Fő utca 1., city Budapest, postal_code 1011, email: opt_in
== hubspot.csv
utf-8 , lf header
8 of 10 columns: external_id first_name last_name email phone detail:lead_status company_name address.country
rows 2, created 2
first: external_id 501, first_name Carla, last_name Weiss, email carla@example.com, phone +4930000000, company_name Muster GmbH, country DE, lead_status="NEW"
== icloud.csv
utf-8 , lf header
13 of 16 columns: first_name last_name company_name job_title phone email address.street address.city address.region address.postal_code address.country birth_date detail:notes
rows 1, created 1
first: first_name Ivo, last_name Hrubý, email ivo@example.cz, phone +420608444555, street Horní 1, city Třebíč, postal_code 674 01, country CZ
== linkedin.csv
utf-8 , lf header below 3 lines
6 of 7 columns: first_name last_name detail:url email company_name job_title
rows 2, created 2
first: first_name Nela, last_name Říhová, company_name Ukázka, a.s., job_title Account Manager, url="https://www.example.com/in/nela"
== mailchimp.csv
utf-8 , lf header
8 of 19 columns: email first_name last_name time_zone address.country address.region external_id detail:notes
rows 1, created 1
first: external_id 100200, first_name Iva, last_name Nová, email iva@example.cz, time_zone Europe/Prague, country CZ
== mailchimp_tags.csv
utf-8 , lf header
8 of 14 columns: email first_name last_name phone external_id detail:notes tags unsubscribed
rows 1, created 1
first: external_id 100200, first_name Iva, last_name Nová, email iva@example.cz, tags Blog+VIP, subscribed: false
== mailerlite.csv
utf-8 , lf header
9 of 14 columns: email first_name last_name company_name address.country address.city phone address.region address.postal_code
rows 1, created 1
first: first_name Pia, last_name Gruber, email pia@example.com, city Linz, postal_code 4020, region Oberösterreich, country AT
== no_header.csv
utf-8 ; crlf data
3 of 3 columns: email phone full_name
rows 2, created 2
first: first_name Jan, last_name Novák, email test@example.com, phone +420111222333
== no_header_names.csv
utf-8 , crlf data
5 of 5 columns: first_name last_name email phone address.postal_code
rows 2, created 2
first: first_name Jan, last_name Novák, email jan@example.cz, phone +420602111222, postal_code 110 00
== outlook_cs_1250.csv
windows-1250 , crlf header
18 of 26 columns: title_before first_name last_name title_after company_name detail:oddeleni job_title address.street address.city address.region address.postal_code address.country detail:telefon_do_zamestnani phone email birth_date tags detail:notes
rows 1, created 1
first: title_before Ing., first_name Jiří, last_name Šťastný, title_after Ph.D., email jiri@example.cz, phone +420604555666, birth_date 1975-02-01, company_name Ukázka a.s., job_title vedoucí, street Školní 3, city Zlín, postal_code 760 01, country CZ, tags dodavatelé, oddeleni="Nákup", telefon_do_zamestnani="+420 577 111 222"
== outlook_de.csv
utf-8 , crlf header
18 of 26 columns: first_name last_name title_after company_name detail:abteilung job_title address.street address.city address.region address.postal_code address.country detail:telefon_geschaftlich phone email birth_date gender tags detail:notes
rows 1, created 1
first: first_name Jürgen, last_name Groß, email juergen@example.de, phone +491701234567, birth_date 1970-03-12, gender male, company_name Muster GmbH, job_title Leiter, street Hauptstraße 1, city Köln, postal_code 50667, region NRW, country DE, tags Kunden, abteilung="Einkauf", telefon_geschaftlich="+49 221 1234567"
== outlook_en.csv
utf-8 , crlf header
21 of 92 columns: title_before first_name last_name title_after company_name job_title address.street address.city address.region address.postal_code address.country detail:business_phone phone birth_date tags email detail:email_2 gender language detail:notes external_id
rows 2, created 2
first: title_before Dr., first_name Eva, last_name Malá, email eva@example.cz, company_name Vzor s.r.o., street Krátká 2, city Brno, postal_code 602 00, tags Brno+VIP, notes="x", email_2="mala@example.com", business_phone="+420 222 333 444"
== outlook_hu.csv
utf-8 , crlf header
16 of 19 columns: title_before first_name last_name title_after company_name job_title address.street address.city address.postal_code address.country detail:hivatali_telefon phone email birth_date tags detail:notes
rows 1, created 1
first: title_before Dr., first_name Győző, last_name Fűrész, email gyozo@example.hu, phone +36301234567, birth_date 1980-05-06, company_name Minta Zrt., job_title igazgató, street Petőfi utca 4, city Szeged, postal_code 6720, country HU, hivatali_telefon="+36 62 123 456"
== outlook_pl_1250.csv
windows-1250 , crlf header
19 of 92 columns: title_before first_name last_name title_after company_name job_title address.street address.city address.region address.postal_code address.country phone email language tags detail:notes external_id gender birth_date
rows 1, created 1
first: title_before dr, first_name Łucja, last_name Żak, email lucja@example.pl, phone +48501222333, company_name Przykład Sp. z o.o., street Leśna 5, city Łódź, postal_code 90-001, country PL
== pipedrive.csv
utf-8 , lf header
8 of 12 columns: first_name last_name company_name email detail:person_phone_work phone tags external_id
rows 1, created 1
first: external_id 77, first_name Max, last_name Lang, email max@example.at, phone +436600000000, company_name Beispiel AG, tags Hot lead, person_phone_work="+43 1 000000"
== pl_semicolon.csv
windows-1250 ; crlf header
12 of 15 columns: full_name email phone company_name address.city address.postal_code address.region address.country birth_date gender consent:email_basic detail:notes
rows 1, created 1
first: first_name Łucja, last_name Żak, email lucja@example.pl, phone +48501222333, birth_date 1980-02-01, gender female, city Łódź, postal_code 90-001, region łódzkie, country PL, email: opt_in
== raynet.csv
utf-8 ; crlf header
16 of 19 columns: title_before first_name last_name title_after company_name job_title email phone address.street address.city address.postal_code address.region address.country tags consent:email_basic detail:notes
rows 1, created 1
first: title_before Bc., first_name Lenka, last_name Tichá, email lenka@example.cz, phone +420607333444, company_name Vzor s.r.o., job_title jednatelka, street Lipová 8, city Písek, postal_code 397 01, region Jihočeský kraj, country CZ, tags partner, email: opt_in
== salesforce.csv
utf-8 , lf header
18 of 20 columns: external_id gender first_name last_name job_title company_name address.street address.city address.region address.postal_code address.country detail:phone_2 phone email unsubscribed birth_date detail:lead_source detail:notes
rows 1, created 1
first: external_id 0030000000abcde, first_name Adam, last_name Fox, email adam@example.com, phone +447700900000, birth_date 1979-09-09, gender male, company_name Example Ltd, job_title Sales Director, street 1 High Street, city Leeds, postal_code LS1 1AA, country GB, phone_2="+44 113 000 0000", lead_source="Web"
== salesmanago.csv
utf-8 ; crlf header
13 of 14 columns: email full_name phone company_name tags birth_date address.street address.postal_code address.city address.country consent:email_basic consent:sms_basic score
rows 1, created 1
first: first_name Urszula, last_name Mak, email ula@example.pl, phone +48600100200, birth_date 1985-06-07, street Polna 1, city Kraków, postal_code 30-001, country PL, tags NOWY, score 15, email: opt_in, sms: opt_out
== shopify.csv
utf-8 , lf header
16 of 20 columns: external_id first_name last_name email consent:email_basic address.street address.city address.region address.country address.postal_code phone consent:sms_basic detail:total_spent detail:total_orders detail:notes tags
rows 1, created 1
first: external_id 6001, first_name Tom, last_name Reed, email tom@example.com, phone +15125550100, street 5 Elm St, city Austin, postal_code 73301, region TX, country US, tags repeat+vip, total_spent="120.00", total_orders="3", email: opt_in, sms: opt_out
== shoptet.csv
windows-1250 ; crlf header
13 of 15 columns: external_id email full_name company_name address.street detail:house_number address.city address.postal_code address.country phone tags consent:email_basic detail:notes
rows 1, created 1
first: external_id 7f0a, first_name Dana, last_name Jará, email dana@example.cz, phone +420701666777, street Jarní, city Cheb, postal_code 350 02, country CZ, tags VIP, house_number="5", email: opt_in
== sk_semicolon.csv
windows-1250 ; crlf header
12 of 13 columns: first_name last_name email phone company_name address.city address.postal_code address.country birth_date gender consent:email_basic detail:notes
rows 1, created 1
first: first_name Ľubica, last_name Kováčová, email lubica@example.sk, phone +421905111222, birth_date 1990-08-07, gender female, city Žilina, postal_code 010 01, country SK, email: opt_in
== smartemailing.csv
utf-8 ; crlf header
16 of 18 columns: email first_name last_name title_before title_after company_name address.street address.city address.country address.postal_code detail:notes phone language gender birth_date unsubscribed
rows 1, created 1
first: title_before Ing., first_name Iva, last_name Krátká, email iva@example.cz, phone +420606222333, birth_date 1988-08-08, gender female, language cs, street Polní 3, city Tábor, postal_code 390 01, country CZ
== thunderbird.csv
utf-8 , crlf header
13 of 37 columns: first_name last_name email detail:email_2 phone address.street address.city address.region address.postal_code address.country job_title company_name detail:notes
rows 1, created 1
first: first_name Hana, last_name Bílá, email hana@example.cz, phone +420377123456, street Dlouhá 7, city Plzeň, postal_code 301 00, country CZ, email_2="bila@example.com"
== woocommerce.csv
utf-8 , lf header
8 of 12 columns: full_name email detail:orders detail:total_spend address.country address.city address.region address.postal_code
rows 1, created 1
first: first_name Ela, last_name Kos, email ela@example.sk, city Nitra, postal_code 949 01, region Nitriansky, country SK, orders="2", total_spend="35.5"
== woocommerce_users.csv
utf-8 , lf header
10 of 17 columns: email first_name last_name company_name detail:billing_email phone address.street address.postal_code address.city address.country
rows 1, created 1
first: first_name Ela, last_name Kos, email ela@example.sk, phone +421905111222, street Hlavná 1, city Nitra, postal_code 949 01, country SK, billing_email="ela@example.sk"
== zoho.csv
utf-8 , lf header
17 of 19 columns: external_id gender first_name last_name company_name job_title email phone detail:lead_source birth_date address.street address.city address.region address.postal_code address.country unsubscribed tags
rows 1, created 1
first: external_id zcrm_1, first_name Nora, last_name Gray, email nora@example.com, phone +12025550100, birth_date 1981-04-05, gender female, company_name Example Inc, job_title CTO, street 2 Main St, city Springfield, postal_code 62701, region IL, country US, tags vip, lead_source="Web"
"#;
