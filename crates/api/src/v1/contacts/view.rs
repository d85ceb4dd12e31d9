//! A contact as requests write it and as answers show it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::contacts::{Stored, StoredOwner, StoredStage};
use kartoteka_domain::consents::ledger::Display;
use kartoteka_domain::contacts::salutation::{Home, salutations};

/// What a request writes of a contact. In a `PATCH`, what is absent stays and `null` clears.
///
/// Only documentation: the domain reads the body itself, so that all its faults are told at once.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "first_name": "Jana", "last_name": "Nováková", "email": "Jana@Example.cz", "phone": "601 123 456",
    "birth_date": "1990-05-01", "gender": "female", "address": {"city": "Brno", "country": "CZ"},
    "language": "cs", "tags": [{"name": "vip", "score": 5}], "details": {"rozmiar_buta": "43"}
}))]
#[expect(dead_code, reason = "documents a body that the domain reads")]
pub(crate) struct ContactInput {
    /// Name of the contact in another system; not unique.
    #[schema(max_length = 200)]
    external_id: Option<String>,
    /// Given name.
    #[schema(max_length = 200)]
    first_name: Option<String>,
    /// Family name.
    #[schema(max_length = 200)]
    last_name: Option<String>,
    /// Titles before the name.
    #[schema(max_length = 100)]
    title_before: Option<String>,
    /// Titles after the name.
    #[schema(max_length = 100)]
    title_after: Option<String>,
    /// Company the person works for, or the company itself.
    #[schema(max_length = 300)]
    company_name: Option<String>,
    /// Position.
    #[schema(max_length = 200)]
    job_title: Option<String>,
    /// E-mail address. Keeps its spelling; compared in lower case, with the domain in ASCII form.
    email: Option<String>,
    /// Phone number, in E.164 or as people write it in `phone_region`; kept in E.164.
    phone: Option<String>,
    /// Country whose national phone numbers are meant (ISO 3166-1); the workspace's own when absent. Not kept.
    #[schema(example = "CZ")]
    phone_region: Option<String>,
    /// Day of birth.
    birth_date: Option<NaiveDate>,
    /// Gender.
    #[schema(inline)]
    gender: Option<Gender>,
    /// Postal address; its parts are patched one by one.
    #[schema(inline)]
    address: Option<AddressInput>,
    /// ISO 639-1.
    #[schema(min_length = 2, max_length = 2)]
    language: Option<String>,
    /// Name in the IANA time zone database.
    time_zone: Option<String>,
    /// State of the business relation; `prospect` for a new contact.
    #[schema(inline)]
    state: Option<State>,
    /// Its type: id of a contact type.
    type_id: Option<Uuid>,
    /// All groups the contact is in: a `PATCH` replaces the set. At most 200.
    #[schema(max_items = 200)]
    group_ids: Option<Vec<Uuid>>,
    /// Points.
    #[schema(minimum = -9_007_199_254_740_991_i64, maximum = 9_007_199_254_740_991_i64)]
    score: Option<i64>,
    /// Named values: text, number, true or false; `null` removes one. Where `/fields` defines one, it has that
    /// type. At most 200.
    #[schema(value_type = Option<Object>, additional_properties = true)]
    details: Option<Map<String, Value>>,
    /// The formal and the familiar salutation, in place of the proposed ones; they are kept whatever else changes.
    /// `null` in the place of one, or for both, goes back to what is proposed. At most 200 characters each.
    #[schema(value_type = Option<Vec<Option<String>>>, min_items = 2, max_items = 2, example = json!(["Vážená paní doktorko", null]))]
    salutations: Option<Vec<Option<String>>>,
    /// All tags of the contact: a `PATCH` replaces the set. Missing tags are made. Names alone will do. At most 200.
    #[schema(value_type = Option<Vec<TagPut>>, max_items = 200)]
    tags: Option<Vec<TagPut>>,
}

/// A postal address.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "documents a body that the domain reads")]
pub(crate) struct AddressInput {
    /// Street and number.
    #[schema(max_length = 300)]
    street: Option<String>,
    /// Town.
    #[schema(max_length = 200)]
    city: Option<String>,
    /// Postal code.
    #[schema(max_length = 20)]
    postal_code: Option<String>,
    /// Region, state or county.
    #[schema(max_length = 200)]
    region: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[schema(min_length = 2, max_length = 2)]
    country: Option<String>,
}

/// A tag with a score, or only its name.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "documents a body that the domain reads")]
pub(crate) enum TagPut {
    /// With a score on this contact; without one the present score stays.
    Scored(ScoredTag),
    /// Only its name.
    Name(String),
}

/// A tag with a score.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "documents a body that the domain reads")]
pub(crate) struct ScoredTag {
    /// Its name; compared without case.
    #[schema(min_length = 1, max_length = 100, example = "vip")]
    name: String,
    /// Its score on this contact.
    #[schema(example = 5, minimum = -9_007_199_254_740_991_i64, maximum = 9_007_199_254_740_991_i64)]
    score: Option<i64>,
}

/// Gender.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "documents a word")]
pub(crate) enum Gender {
    /// A woman.
    Female,
    /// A man.
    Male,
    /// Neither.
    Other,
}

/// State of the business relation.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "documents a word")]
pub(crate) enum State {
    /// Nothing was agreed yet.
    Prospect,
    /// Buys.
    Customer,
    /// Works with us.
    Partner,
}

/// A contact.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Contact, example = json!({
    "id": "0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10", "external_id": null, "first_name": "Jana", "last_name": "Nováková",
    "name": "Jana Nováková", "title_before": null, "title_after": null, "company_name": null, "job_title": null,
    "email": "Jana@Example.cz", "phone": "+420601123456", "birth_date": "1990-05-01", "gender": "female",
    "address": {"street": null, "city": "Brno", "postal_code": null, "region": null, "country": "CZ"},
    "language": "cs", "time_zone": null, "state": "prospect", "type_id": null, "group_ids": [], "funnel_stages": [],
    "tags": [{"name": "vip", "score": 5}], "details": {"rozmiar_buta": "43"}, "score": 0,
    "communication": {"display": "subscribed", "subscribed": true, "muted": false, "email": "opt_in", "sms": "none"},
    "salutations": ["Vážená paní Nováková", "Milá Jano"], "salutation_sources": ["proposed", "proposed"], "origin": "manual", "owners": [],
    "created_at": "2026-05-01T10:00:00Z", "updated_at": "2026-05-01T10:00:00Z", "trashed_at": null
}))]
pub struct ContactView {
    /// Its id; ids sort in order of creation.
    pub(crate) id: Uuid,
    /// Name of the contact in another system.
    #[schema(required = true)]
    pub(crate) external_id: Option<String>,
    /// Given name.
    #[schema(required = true)]
    pub(crate) first_name: Option<String>,
    /// Family name.
    #[schema(required = true)]
    pub(crate) last_name: Option<String>,
    /// What to call it on a screen: first and last name, else the company, else the e-mail address.
    #[schema(required = true)]
    pub(crate) name: Option<String>,
    /// Titles before the name.
    #[schema(required = true)]
    pub(crate) title_before: Option<String>,
    /// Titles after the name.
    #[schema(required = true)]
    pub(crate) title_after: Option<String>,
    /// Company the person works for, or the company itself.
    #[schema(required = true)]
    pub(crate) company_name: Option<String>,
    /// Position.
    #[schema(required = true)]
    pub(crate) job_title: Option<String>,
    /// E-mail address as it was spelt.
    #[schema(required = true)]
    pub(crate) email: Option<String>,
    /// Phone number in E.164.
    #[schema(required = true)]
    pub(crate) phone: Option<String>,
    /// Day of birth.
    #[schema(required = true)]
    pub(crate) birth_date: Option<NaiveDate>,
    /// `female`, `male` or `other`.
    #[schema(required = true)]
    pub(crate) gender: Option<String>,
    /// Postal address.
    pub(crate) address: AddressView,
    /// ISO 639-1.
    #[schema(required = true)]
    pub(crate) language: Option<String>,
    /// Name in the IANA time zone database.
    #[schema(required = true)]
    pub(crate) time_zone: Option<String>,
    /// `prospect`, `customer` or `partner`.
    pub(crate) state: &'static str,
    /// Its type.
    #[schema(required = true)]
    pub(crate) type_id: Option<Uuid>,
    /// Its groups, in order of their ids.
    pub(crate) group_ids: Vec<Uuid>,
    /// The stages of funnels it is in, funnel by funnel in their order.
    pub(crate) funnel_stages: Vec<StageOfContact>,
    /// Its tags, in order of their names.
    pub(crate) tags: Vec<TagOnContact>,
    /// Named values.
    #[schema(value_type = Object, additional_properties = true)]
    pub(crate) details: Map<String, Value>,
    /// Points.
    pub(crate) score: i64,
    /// May it be written to?
    pub(crate) communication: CommunicationView,
    /// Formal and familiar salutation: what somebody wrote, else what is proposed from name, titles, gender and language.
    #[schema(value_type = Vec<String>, min_items = 2, max_items = 2)]
    pub(crate) salutations: [String; 2],
    /// Where each of them comes from: `written`; `proposed`; `uninflected` when the name in it is foreign to the
    /// rules of the language and stands as it is kept; `neutral` when it fits everybody, because the gender or the name
    /// is not known.
    #[schema(value_type = Vec<String>, min_items = 2, max_items = 2)]
    pub(crate) salutation_sources: [&'static str; 2],
    /// How it came in: `manual`, `import`, `api`, `booking`, `inbox` or `ares`.
    pub(crate) origin: &'static str,
    /// Its owners.
    pub(crate) owners: Vec<OwnerView>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it, its tags or its consents were last changed.
    pub(crate) updated_at: DateTime<Utc>,
    /// When it was put in the trash; `null` while it lives.
    #[schema(required = true)]
    pub(crate) trashed_at: Option<DateTime<Utc>>,
}

/// A postal address.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Address)]
pub(crate) struct AddressView {
    /// Street and number.
    #[schema(required = true)]
    pub(crate) street: Option<String>,
    /// Town.
    #[schema(required = true, example = "Brno")]
    pub(crate) city: Option<String>,
    /// Postal code.
    #[schema(required = true)]
    pub(crate) postal_code: Option<String>,
    /// Region, state or county.
    #[schema(required = true)]
    pub(crate) region: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[schema(required = true, example = "CZ")]
    pub(crate) country: Option<String>,
}

/// A tag on a contact.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TagOnContact {
    /// Its name.
    #[schema(example = "vip")]
    pub(crate) name: String,
    /// Its score on this contact.
    #[schema(example = 5)]
    pub(crate) score: i64,
}

/// A stage that a contact is in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StageOfContact {
    /// The stage.
    pub(crate) id: Uuid,
    /// Its name.
    #[schema(example = "Offer")]
    pub(crate) name: String,
    /// The funnel it is a stage of.
    pub(crate) funnel_id: Uuid,
}

/// May a contact be written to?
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Communication)]
pub(crate) struct CommunicationView {
    /// `muted`, else `unsubscribed`, else `subscribed`.
    #[schema(example = "subscribed")]
    pub(crate) display: &'static str,
    /// Takes marketing, where consent is given.
    pub(crate) subscribed: bool,
    /// Takes no message at all.
    pub(crate) muted: bool,
    /// `opt_in`, `opt_out`, `none`; `invalid` when the address bounced hard. Projected from the consents.
    #[schema(example = "opt_in")]
    pub(crate) email: &'static str,
    /// `opt_in`, `opt_out` or `none`. Projected from the consents.
    #[schema(example = "none")]
    pub(crate) sms: &'static str,
}

/// An owner of a contact.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Owner)]
pub(crate) struct OwnerView {
    /// The user.
    pub(crate) user_id: Uuid,
    /// The user's e-mail address.
    #[schema(example = "petr@example.com")]
    pub(crate) email: String,
    /// `main`, `co_owner` or `read_only`.
    #[schema(example = "main")]
    pub(crate) level: String,
}

impl From<Stored> for ContactView {
    fn from(stored: Stored) -> Self {
        let communication = CommunicationView {
            display: Display::of(stored.subscribed, stored.muted).as_str(),
            subscribed: stored.subscribed,
            muted: stored.muted,
            email: stored.email_status.over(stored.email_invalid_at.is_some()).as_str(),
            sms: stored.sms_status.as_str(),
        };
        let contact = stored.contact;
        let home = Home { language: &stored.home.language, country: &stored.home.country };
        let [formal, familiar] = salutations(&contact, home);
        Self {
            id: stored.id.0,
            name: contact.name(),
            external_id: contact.external_id,
            first_name: contact.first_name,
            last_name: contact.last_name,
            title_before: contact.title_before,
            title_after: contact.title_after,
            company_name: contact.company_name,
            job_title: contact.job_title,
            email: contact.email,
            phone: contact.phone,
            birth_date: contact.birth_date,
            gender: contact.gender,
            address: AddressView {
                street: contact.street,
                city: contact.city,
                postal_code: contact.postal_code,
                region: contact.region,
                country: contact.country,
            },
            language: contact.language,
            time_zone: contact.time_zone,
            state: contact.state.as_str(),
            type_id: contact.type_id,
            group_ids: stored.group_ids,
            funnel_stages: stored.funnel_stages.into_iter().map(StageOfContact::from).collect(),
            tags: stored
                .tags
                .into_iter()
                .map(|tag| TagOnContact { name: tag.name, score: tag.score })
                .collect(),
            details: contact.details,
            score: contact.score,
            communication,
            salutation_sources: [formal.source.as_str(), familiar.source.as_str()],
            salutations: [formal.text, familiar.text],
            origin: stored.origin.as_str(),
            owners: stored.owners.into_iter().map(OwnerView::from).collect(),
            created_at: stored.created_at,
            updated_at: stored.updated_at,
            trashed_at: stored.trashed_at,
        }
    }
}

impl From<StoredStage> for StageOfContact {
    fn from(stage: StoredStage) -> Self {
        let StoredStage { id, name, funnel_id } = stage;
        Self { id, name, funnel_id }
    }
}

impl From<StoredOwner> for OwnerView {
    fn from(owner: StoredOwner) -> Self {
        let StoredOwner { user_id, email, level } = owner;
        Self { user_id, email, level }
    }
}

/// Path of a contact.
pub(crate) fn location(id: Uuid) -> String {
    format!("/api/v1/contacts/{id}")
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use serde_json::Value;

    use kartoteka_domain::codes::Code;
    use kartoteka_domain::contacts::patch::{ContactPatch, Reading};
    use kartoteka_domain::contacts::phone::Region;

    use crate::openapi::document;

    fn read(body: &Value) -> Result<ContactPatch, Vec<Code>> {
        let today = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();
        let reading = Reading { phone_region: Region::parse("CZ").ok(), today };
        ContactPatch::read(body.as_object().unwrap(), "#", reading)
            .map_err(|faults| faults.into_iter().map(|fault| fault.code).collect())
    }

    /// PLT-2: the published body and the reader of the domain know the same fields and take the same example.
    #[test]
    fn the_published_body_is_what_the_domain_reads() {
        let schema = &document()["components"]["schemas"]["ContactInput"];
        assert!(read(&schema["example"]).is_ok());
        let answered = document()["components"]["schemas"]["Contact"]["properties"].as_object();
        let published = schema["properties"].as_object().unwrap();
        for field in published.keys() {
            assert!(read(&serde_json::json!({ field: null })).is_ok(), "{field}");
        }
        for field in answered.unwrap().keys().filter(|field| !published.contains_key(*field)) {
            let refused = read(&serde_json::json!({ field: null })).unwrap_err();
            assert_eq!(refused, [Code::ReadOnlyField], "{field}");
        }
    }
}
