//! Companies that contacts are linked to (CON-15).

use crate::codes::Code;
use crate::contacts::email::Email;
use crate::contacts::fold::fold;
use crate::contacts::patch::Patch;
use crate::contacts::phone::{Phone, Region};
use crate::contacts::place::Country;
use crate::faults::{Fault, sentence};
use crate::segments::fields::one_line;

/// What is kept of a company.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Company {
    /// Its name.
    pub name: String,
    /// IČO and its like, without white space.
    pub registration_number: Option<String>,
    /// VAT number, without white space, upper case.
    pub vat_number: Option<String>,
    /// Street and number.
    pub street: Option<String>,
    /// Town.
    pub city: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Address of its web site.
    pub website: Option<String>,
    /// E-mail address as it was spelt.
    pub email: Option<String>,
    /// E.164.
    pub phone: Option<String>,
}

/// What a request says about a company, as it was written. A new one is laid over nothing.
#[derive(Clone, Debug, Default)]
pub struct CompanyPatch {
    /// Its name.
    pub name: Option<String>,
    /// IČO and its like.
    pub registration_number: Patch<String>,
    /// VAT number.
    pub vat_number: Patch<String>,
    /// Street and number.
    pub street: Patch<String>,
    /// Town.
    pub city: Patch<String>,
    /// Postal code.
    pub postal_code: Patch<String>,
    /// Region.
    pub region: Patch<String>,
    /// ISO 3166-1 alpha-2, or the name of the country.
    pub country: Patch<String>,
    /// Address of its web site.
    pub website: Patch<String>,
    /// E-mail address.
    pub email: Patch<String>,
    /// Phone number.
    pub phone: Patch<String>,
}

impl CompanyPatch {
    /// Lays the patch over a company. `region` is the one national phone numbers are read in.
    ///
    /// # Errors
    /// All faults at once.
    pub fn apply(&self, company: &mut Company, region: Option<Region>) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        let mut after = company.clone();
        set_name(&mut after.name, self.name.as_deref(), &mut faults);
        let number = |text: &str| text.split_whitespace().collect::<String>();
        let line = |text: &str| Ok(one_line(text));
        lay(
            &mut after.registration_number,
            &self.registration_number,
            |text| Ok(number(text)),
            "",
            &mut faults,
        );
        let upper = |text: &str| Ok(number(text).to_uppercase());
        lay(&mut after.vat_number, &self.vat_number, upper, "", &mut faults);
        lay(&mut after.street, &self.street, line, "", &mut faults);
        lay(&mut after.city, &self.city, line, "", &mut faults);
        lay(&mut after.postal_code, &self.postal_code, line, "", &mut faults);
        lay(&mut after.region, &self.region, line, "", &mut faults);
        let country = |text: &str| match Country::parse(text) {
            Ok(country) => Ok(country.as_str().to_owned()),
            Err(error) => Err((Code::InvalidCountry, sentence(&error))),
        };
        lay(&mut after.country, &self.country, country, "address/country", &mut faults);
        let website = |text: &str| {
            let text = one_line(text);
            if text.contains(' ') || !text.contains('.') {
                let detail = "The address of a web site holds a dot and no white space.".to_owned();
                return Err((Code::InvalidValue, detail));
            }
            Ok(text)
        };
        lay(&mut after.website, &self.website, website, "website", &mut faults);
        let email = |text: &str| match Email::parse(text) {
            Ok(email) => Ok(email.as_str().to_owned()),
            Err(error) => Err((Code::InvalidEmail, sentence(&error))),
        };
        lay(&mut after.email, &self.email, email, "email", &mut faults);
        let phone = |text: &str| match Phone::parse(text, region) {
            Ok(phone) => Ok(phone.as_str().to_owned()),
            Err(error) => Err((Code::InvalidPhone, sentence(&error))),
        };
        lay(&mut after.phone, &self.phone, phone, "phone", &mut faults);
        if !faults.is_empty() {
            return Err(faults);
        }
        *company = after;
        Ok(())
    }
}

impl Company {
    /// What a search looks through, folded.
    #[must_use]
    pub fn search(&self) -> String {
        let Self { registration_number, vat_number, city, website, email, phone, .. } = self;
        let parts = [registration_number, vat_number, city, website, email, phone];
        let parts = parts.into_iter().filter_map(Option::as_deref);
        fold(&std::iter::once(self.name.as_str()).chain(parts).collect::<Vec<_>>().join(" "))
    }
}

/// Writes a name of one line; a name cannot be taken away.
pub(crate) fn set_name(name: &mut String, given: Option<&str>, faults: &mut Vec<Fault>) {
    let Some(given) = given else { return };
    let given = one_line(given);
    if given.is_empty() {
        faults.push(Fault::new("#/name", Code::TooShort, "A name has at least one letter."));
    } else {
        *name = given;
    }
}

/// Writes what a patch says, read by `read`; text that says nothing clears, as in a form that is sent whole.
pub(crate) fn lay(
    field: &mut Option<String>,
    patch: &Patch<String>,
    read: impl FnOnce(&str) -> Result<String, (Code, String)>,
    at: &str,
    faults: &mut Vec<Fault>,
) {
    match patch {
        Patch::Absent => {}
        Patch::Clear => *field = None,
        Patch::Set(text) if one_line(text).is_empty() => *field = None,
        Patch::Set(text) => match read(text) {
            Ok(value) => *field = Some(value),
            Err((code, detail)) => faults.push(Fault::new(format!("#/{at}"), code, detail)),
        },
    }
}

/// Refuses a day or an instant in a year that is not written with four digits, which PostgreSQL and RFC 3339
/// would not write alike.
pub(crate) fn check_year(year: Option<i32>, at: &str, faults: &mut Vec<Fault>) {
    if year.is_some_and(|year| !(1..=9999).contains(&year)) {
        let detail = "The year lies between 1 and 9999.";
        faults.push(Fault::new(format!("#/{at}"), Code::OutOfRange, detail));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Patch<String> {
        Patch::Set(text.to_owned())
    }

    /// CON-15
    #[test]
    fn a_company_is_kept_as_it_is_compared() {
        let mut company = Company::default();
        let patch = CompanyPatch {
            name: Some("  Dílna \u{200B} Brno ".into()),
            registration_number: set("270 74 358"),
            vat_number: set("cz 27074358"),
            country: set("cz"),
            email: set("Info@Dilna.cz"),
            phone: set("601 123 456"),
            website: set(" https://dilna.cz "),
            city: set(" "),
            ..CompanyPatch::default()
        };
        patch.apply(&mut company, Region::parse("CZ").ok()).unwrap();
        assert_eq!(company.name, "Dílna Brno");
        assert_eq!(company.registration_number.as_deref(), Some("27074358"));
        assert_eq!(company.vat_number.as_deref(), Some("CZ27074358"));
        assert_eq!(company.country.as_deref(), Some("CZ"));
        assert_eq!(company.phone.as_deref(), Some("+420601123456"));
        assert_eq!(company.website.as_deref(), Some("https://dilna.cz"));
        assert_eq!(company.city, None);
        assert!(company.search().starts_with("dilna brno 27074358"), "{}", company.search());
        let clear = CompanyPatch { email: Patch::Clear, ..CompanyPatch::default() };
        clear.apply(&mut company, None).unwrap();
        assert_eq!(company.email, None);
    }

    #[test]
    fn all_faults_are_told_and_nothing_is_changed() {
        let mut company = Company { name: "Dílna".into(), ..Company::default() };
        let patch = CompanyPatch {
            name: Some("\u{200B}".into()),
            country: set("Atlantis"),
            website: set("two words"),
            email: set("nonsense"),
            phone: set("x"),
            city: set("Brno"),
            ..CompanyPatch::default()
        };
        let faults = patch.apply(&mut company, None).unwrap_err();
        let at: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(at, ["#/name", "#/address/country", "#/website", "#/email", "#/phone"]);
        assert_eq!(company, Company { name: "Dílna".into(), ..Company::default() });
    }
}
