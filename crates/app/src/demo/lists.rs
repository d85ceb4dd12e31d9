//! The lists that a shop would import, as CSV: its customers, and the visitors of a fair, with
//! the blunders that real lists have.

use std::fmt::Write as _;

use super::people::{Person, person};

/// Customers in the first list.
const CUSTOMERS: u32 = 480;
/// The visitors' numbers begin inside the customers, so that some are both.
const VISITORS: std::ops::Range<u32> = 440..520;

/// A list and what its columns are.
pub(super) struct List {
    /// Name of the import.
    pub(super) name: &'static str,
    /// Name of the file.
    pub(super) filename: &'static str,
    /// One target per column; the words of the API.
    pub(super) targets: &'static [&'static str],
    /// A tag for every contact of the list.
    pub(super) tag: &'static str,
    /// The file.
    pub(super) csv: String,
}

/// All of them, in the order in which they are imported.
pub(super) fn all() -> [List; 2] {
    [customers(), visitors()]
}

fn customers() -> List {
    let mut csv = String::from(
        "First name;Last name;E-mail;Phone;Birth date;Gender;City;Postal code;Country;Language;\
         Tags;Newsletter;Loyalty card;Orders\n",
    );
    for Person {
        first_name,
        last_name,
        email,
        phone,
        birth_date,
        gender,
        city,
        postal_code,
        country,
        language,
        tags,
        consent,
        card,
        orders,
    } in (0..CUSTOMERS).map(person)
    {
        let _ = writeln!(
            csv,
            "{first_name};{last_name};{email};{phone};{birth_date};{gender};{city};{postal_code};\
             {country};{language};\"{tags}\";{consent};{card};{orders}"
        );
    }
    List {
        name: "Customers of the shop",
        filename: "customers.csv",
        targets: &[
            "first_name",
            "last_name",
            "email",
            "phone",
            "birth_date",
            "gender",
            "address.city",
            "address.postal_code",
            "address.country",
            "language",
            "tags",
            "consent:email_basic",
            "detail:loyalty_card",
            "detail:orders",
        ],
        tag: "shop",
        csv,
    }
}

fn visitors() -> List {
    let mut csv = String::from("Name,E-mail,Company,Stand\n");
    for number in VISITORS {
        let Person { first_name, last_name, email, .. } = person(number);
        let company = if number % 5 == 0 { "\"Example Trading, Ltd.\"" } else { "" };
        // Written down in a hurry at the stand.
        let email = match number % 20 {
            3 => email.replace('@', " at "),
            7 => email.to_uppercase(),
            _ => email,
        };
        let _ = writeln!(csv, "{first_name} {last_name},{email},{company},B{}", number % 9 + 1);
        if number % 25 == 0 {
            let _ = writeln!(csv, "{first_name} {last_name},{email},,");
        }
    }
    List {
        name: "Visitors of the fair",
        filename: "fair.csv",
        targets: &["full_name", "email", "company_name", "detail:stand"],
        tag: "fair",
        csv,
    }
}

#[cfg(test)]
mod tests {
    use kartoteka_domain::imports::mapping::Target;

    use super::*;

    #[test]
    fn every_row_has_as_many_cells_as_there_are_targets() {
        for list in all() {
            let delimiter = if list.csv.starts_with("First") { b';' } else { b',' };
            let mut reader =
                csv::ReaderBuilder::new().delimiter(delimiter).from_reader(list.csv.as_bytes());
            let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
            assert!(rows.len() >= 80, "{}", list.name);
            for row in rows {
                assert_eq!(row.len(), list.targets.len(), "{row:?}");
            }
            for target in list.targets {
                assert!(target.parse::<Target>().is_ok(), "{target}");
            }
        }
    }
}
