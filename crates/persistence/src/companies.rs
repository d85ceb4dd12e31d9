//! Companies (CON-15).

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::companies::Company;

use crate::contacts::list::{Column, Kind, column};
use crate::records::{Record, Table};

/// How companies are kept.
pub static TABLE: Table = Table {
    name: "companies",
    select: "c.id, c.name, c.registration_number, c.vat_number, c.street, c.city, c.postal_code, c.region, \
             c.country, c.website, c.email, c.phone, c.created_at, c.updated_at",
    columns: "name, registration_number, vat_number, street, city, postal_code, region, country, website, \
              email, phone, search",
    record: "name text, registration_number text, vat_number text, street text, city text, postal_code text, \
             region text, country text, website text, email text, phone text, search text",
    sorts: SORTS,
    links: "company_contacts",
    key: "company_id",
};

const SORTS: &[Column] = &[
    column("name", Kind::Folded, false, "c.name"),
    column("registration_number", Kind::Exact, false, "c.registration_number"),
    column("vat_number", Kind::Exact, false, "c.vat_number"),
    column("city", Kind::Folded, false, "c.city"),
    column("country", Kind::Exact, false, "c.country"),
    column("email", Kind::Folded, false, "c.email"),
    column("updated_at", Kind::Time, false, "c.updated_at"),
];

/// A company as it is kept.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct CompanyRow {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    registration_number: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    vat_number: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    street: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    city: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    postal_code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    region: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    country: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    website: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    email: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    phone: Option<String>,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
    #[diesel(sql_type = Jsonb)]
    sort_keys: Value,
}

impl Record for CompanyRow {
    fn sort_keys(&self) -> &Value {
        &self.sort_keys
    }

    fn id(&self) -> Uuid {
        self.id
    }
}

impl From<&CompanyRow> for Company {
    fn from(row: &CompanyRow) -> Self {
        let row = row.clone();
        Self {
            name: row.name,
            registration_number: row.registration_number,
            vat_number: row.vat_number,
            street: row.street,
            city: row.city,
            postal_code: row.postal_code,
            region: row.region,
            country: row.country,
            website: row.website,
            email: row.email,
            phone: row.phone,
        }
    }
}

/// The columns of a company.
#[must_use]
pub fn columns(company: &Company) -> Value {
    // destructured, so that a new field cannot be forgotten here
    let Company {
        name,
        registration_number,
        vat_number,
        street,
        city,
        postal_code,
        region,
        country,
        website,
        email,
        phone,
    } = company;
    json!({
        "name": name, "registration_number": registration_number, "vat_number": vat_number, "street": street,
        "city": city, "postal_code": postal_code, "region": region, "country": country, "website": website,
        "email": email, "phone": phone, "search": company.search(),
    })
}
