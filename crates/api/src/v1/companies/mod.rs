//! Companies that contacts are linked to (CON-15).

pub mod contacts;
pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod patch;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use kartoteka_app::companies::CompanyRow;
use kartoteka_domain::companies::{Company, CompanyPatch};
use kartoteka_domain::contacts::patch::Patch;

use crate::extract::nullable;
use crate::v1::contacts::view::AddressView;
use crate::v1::records::{given, patched};

/// The operations on companies.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_companies)
        .service(create::create_company)
        .service(get::get_company)
        .service(patch::patch_company)
        .service(delete::delete_company)
        .service(contacts::list_company_contacts)
        .service(contacts::put_company_contact)
        .service(contacts::delete_company_contact);
}

/// A company.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Company)]
pub(crate) struct CompanyView {
    /// Its id; ids sort in order of creation.
    pub(crate) id: Uuid,
    /// Its name.
    #[schema(example = "Dílna s.r.o.")]
    pub(crate) name: String,
    /// IČO and its like; kept without white space, not unique.
    #[schema(required = true, example = "27074358")]
    pub(crate) registration_number: Option<String>,
    /// VAT number; kept without white space, in capitals.
    #[schema(required = true, example = "CZ27074358")]
    pub(crate) vat_number: Option<String>,
    /// Postal address.
    pub(crate) address: AddressView,
    /// Address of the web site.
    #[schema(required = true, example = "https://dilna.example")]
    pub(crate) website: Option<String>,
    /// E-mail address.
    #[schema(required = true, example = "info@dilna.example")]
    pub(crate) email: Option<String>,
    /// Phone number, in E.164 or as it is written in the workspace's country; kept in E.164.
    #[schema(required = true, example = "+420601123456")]
    pub(crate) phone: Option<String>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

/// A company to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewCompany {
    /// Its name.
    #[schema(min_length = 1, max_length = 300, pattern = r"\S", example = "Dílna s.r.o.")]
    pub(crate) name: String,
    /// IČO and its like; kept without white space, not unique.
    #[schema(max_length = 100, example = "27074358")]
    pub(crate) registration_number: Option<String>,
    /// VAT number; kept without white space, in capitals.
    #[schema(max_length = 100, example = "CZ27074358")]
    pub(crate) vat_number: Option<String>,
    /// Postal address.
    pub(crate) address: Option<CompanyAddress>,
    /// Address of the web site.
    #[schema(max_length = 500, example = "https://dilna.example")]
    pub(crate) website: Option<String>,
    /// E-mail address.
    #[schema(max_length = 500, example = "info@dilna.example")]
    pub(crate) email: Option<String>,
    /// Phone number, in E.164 or as it is written in the workspace's country; kept in E.164.
    #[schema(max_length = 500, example = "+420601123456")]
    pub(crate) phone: Option<String>,
}

/// Changes of a company: a merge patch; the parts of the address are patched one by one.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CompanyChanges {
    /// Its name.
    #[serde(default)]
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 300,
        pattern = r"\S",
        example = "Dílna Brno s.r.o."
    )]
    pub(crate) name: Option<String>,
    /// IČO and its like; kept without white space, not unique.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 100, example = "27074358")]
    pub(crate) registration_number: Option<Option<String>>,
    /// VAT number; kept without white space, in capitals.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 100, example = "CZ27074358")]
    pub(crate) vat_number: Option<Option<String>>,
    /// Postal address.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<CompanyAddress>)]
    pub(crate) address: Option<Option<CompanyAddress>>,
    /// Address of the web site.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 500, example = "https://dilna.example")]
    pub(crate) website: Option<Option<String>>,
    /// E-mail address.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 500, example = "info@dilna.example")]
    pub(crate) email: Option<Option<String>>,
    /// Phone number, in E.164 or as it is written in the workspace's country; kept in E.164.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 500, example = "+420601123456")]
    pub(crate) phone: Option<Option<String>>,
}

/// A postal address; its parts are patched one by one.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct CompanyAddress {
    /// Street and number.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 300, example = "Dlouhá 5")]
    pub(crate) street: Option<Option<String>>,
    /// Town.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 200, example = "Brno")]
    pub(crate) city: Option<Option<String>>,
    /// Postal code.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 20, example = "602 00")]
    pub(crate) postal_code: Option<Option<String>>,
    /// Region, state or county.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 200, example = "Jihomoravský kraj")]
    pub(crate) region: Option<Option<String>>,
    /// ISO 3166-1 alpha-2, or the name of the country.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 100, example = "CZ")]
    pub(crate) country: Option<Option<String>>,
}

impl CompanyAddress {
    fn lay_over(self, patch: &mut CompanyPatch) {
        let Self { street, city, postal_code, region, country } = self;
        patch.street = patched(street);
        patch.city = patched(city);
        patch.postal_code = patched(postal_code);
        patch.region = patched(region);
        patch.country = patched(country);
    }
}

impl From<NewCompany> for CompanyPatch {
    fn from(new: NewCompany) -> Self {
        let NewCompany { name, registration_number, vat_number, address, website, email, phone } =
            new;
        let mut patch = Self {
            name: Some(name),
            registration_number: given(registration_number),
            vat_number: given(vat_number),
            website: given(website),
            email: given(email),
            phone: given(phone),
            ..Self::default()
        };
        address.unwrap_or_default().lay_over(&mut patch);
        patch
    }
}

impl From<CompanyChanges> for CompanyPatch {
    fn from(changes: CompanyChanges) -> Self {
        let CompanyChanges {
            name,
            registration_number,
            vat_number,
            address,
            website,
            email,
            phone,
        } = changes;
        let mut patch = Self {
            name,
            registration_number: patched(registration_number),
            vat_number: patched(vat_number),
            website: patched(website),
            email: patched(email),
            phone: patched(phone),
            ..Self::default()
        };
        match address {
            None => {}
            Some(Some(address)) => address.lay_over(&mut patch),
            Some(None) => {
                let parts = [
                    &mut patch.street,
                    &mut patch.city,
                    &mut patch.postal_code,
                    &mut patch.region,
                    &mut patch.country,
                ];
                for part in parts {
                    *part = Patch::Clear;
                }
            }
        }
        patch
    }
}

impl From<CompanyRow> for CompanyView {
    fn from(row: CompanyRow) -> Self {
        let company = Company::from(&row);
        Self {
            id: row.id,
            name: company.name,
            registration_number: company.registration_number,
            vat_number: company.vat_number,
            address: AddressView {
                street: company.street,
                city: company.city,
                postal_code: company.postal_code,
                region: company.region,
                country: company.country,
            },
            website: company.website,
            email: company.email,
            phone: company.phone,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
