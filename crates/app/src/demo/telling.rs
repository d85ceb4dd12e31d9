//! Tells the [`story`]: each thing is looked for by its name and made when it is not there, in one transaction
//! with what hangs on it. So nothing is made twice, and what somebody changed in between stays.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use chrono::TimeDelta;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use kartoteka_domain::activities::{Activity, ActivityPatch};
use kartoteka_domain::actor::Actor;
use kartoteka_domain::codes::Code;
use kartoteka_domain::companies::CompanyPatch;
use kartoteka_domain::consents::ledger::{Action, LegalBasis};
use kartoteka_domain::contacts::email::Email;
use kartoteka_domain::contacts::owners::Level;
use kartoteka_domain::contacts::patch::Patch;
use kartoteka_domain::ids::{ContactId, FunnelId, ImportId, JobId, UserId, WorkspaceId};
use kartoteka_domain::jobs::JobState;
use kartoteka_domain::scopes::Scope;
use kartoteka_domain::{opportunities as opportunity, projects as project, scenarios};
use kartoteka_persistence::Tenant;
use kartoteka_persistence::contacts::read::{self, Key};
use kartoteka_persistence::definitions as store;

use super::story::{self, Word};
use super::{PATIENCE, POLL};
use crate::access::users;
use crate::classes::{self, Kind};
use crate::companies::{self, Companies};
use crate::consents::ledger::{self, Declaration};
use crate::contacts::{bulk_edit, create, notes, owners};
use crate::context::Context;
use crate::error::Error;
use crate::fields::{self, NewField};
use crate::funnels::{self, Named};
use crate::opportunities::{self, Opportunities};
use crate::projects::{self, Projects};
use crate::records::{self, Noun};
use crate::segments::saved::{self, Draft};
use crate::worker::{Environment, run_due};
use crate::{activities, contact_manager, definitions, jobs};

/// More names than anybody looks through; what is looked for is narrowed by its name.
const MANY: usize = 1_000;

/// Something of the story, and whether this telling made it.
#[derive(Clone, Copy, Debug)]
struct Thing {
    id: Uuid,
    is_new: bool,
}

/// Things by name.
type Things = BTreeMap<&'static str, Thing>;

/// Whoever tells it, and where.
pub(super) struct Telling<'a> {
    environment: &'a Environment,
    workspace: WorkspaceId,
    /// Name of this process in the queue.
    owner: &'a str,
    /// The person who did all this: the oldest user. Without one, nobody owns anything, and there are no private
    /// notes: nobody would see them.
    person: Option<UserId>,
}

impl<'a> Telling<'a> {
    pub(super) fn begin(
        environment: &'a Environment,
        workspace: WorkspaceId,
        owner: &'a str,
    ) -> Result<Self, Error> {
        let (people, _) = environment.db.read(workspace, |tenant| users::list(tenant, None, 1))?;
        let person = people.first().map(|person| UserId(person.id));
        Ok(Self { environment, workspace, owner, person })
    }

    fn context(&self) -> Context {
        Context {
            workspace: self.workspace,
            actor: self.person.map_or(Actor::System, Actor::User),
            now: self.environment.clock.now(),
            request_id: None,
            ip: None,
        }
    }

    /// One transaction, which a second telling at the same time waits for.
    fn write<T>(
        &self,
        work: impl FnOnce(&mut Tenant<'_>, &Context) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let ctx = self.context();
        self.environment.db.write(self.workspace, |tenant| {
            saved::lock(tenant)?;
            work(tenant, &ctx)
        })
    }

    /// What `find` finds, or what `make` makes.
    fn thing(
        &self,
        find: impl FnOnce(&mut Tenant<'_>) -> Result<Option<Uuid>, Error>,
        make: impl FnOnce(&mut Tenant<'_>, &Context) -> Result<Uuid, Error>,
    ) -> Result<Thing, Error> {
        self.write(|tenant, ctx| match find(tenant)? {
            Some(id) => Ok(Thing { id, is_new: false }),
            None => Ok(Thing { id: make(tenant, ctx)?, is_new: true }),
        })
    }

    /// Defines the details of the lists and some more; before the lists come in, so that their values are of these
    /// types. Says which details are defined as the story has them: somebody may have fields or values of their
    /// own under such a name.
    pub(super) fn fields(&self) -> Result<BTreeSet<&'static str>, Error> {
        let mut ours = BTreeSet::new();
        for field in story::FIELDS {
            let choices: Vec<String> = field.choices.iter().map(|&one| one.to_owned()).collect();
            let defined = self.write(|tenant, ctx| {
                let known = fields::list(tenant, Some(field.name), None, MANY)?;
                if let Some(known) = known.into_iter().find(|known| known.name == field.name) {
                    let definition = known.definition()?;
                    return Ok(definition.field_type == field.field_type
                        && choices.iter().all(|choice| definition.choices.contains(choice)));
                }
                let new = NewField {
                    name: field.name.to_owned(),
                    title: Some(field.title.to_owned()),
                    field_type: field.field_type,
                    choices: (!choices.is_empty()).then(|| choices.clone()),
                };
                fields::create(tenant, ctx, &new).map(|_| true)
            });
            match defined {
                Ok(true) => {
                    ours.insert(field.name);
                }
                Ok(false) => {}
                Err(error) if is(&error, &[Code::FieldValuesDoNotFit, Code::Conflict]) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(ours)
    }

    /// The rest, around the people of the list `customers`.
    pub(super) fn tell(
        &self,
        customers: ImportId,
        details: &BTreeSet<&'static str>,
    ) -> Result<(), Error> {
        let types = self.classes(Kind::ContactType, story::TYPES)?;
        let groups = self.classes(Kind::Group, story::GROUPS)?;
        let companies = self.companies()?;
        let people = self.people(&types, &groups, &companies, details)?;
        let opportunities = self.opportunities(&companies, &people)?;
        let project = self.project(&people)?;
        self.activities(&companies, &people, &opportunities, project)?;
        self.segments()?;
        self.sort_customers(customers, &types, &groups)?;
        self.manage(customers)
    }

    fn classes(&self, kind: Kind, wanted: &'static [story::Class]) -> Result<Things, Error> {
        let mut things = Things::new();
        for &(name, description) in wanted {
            let key = name.to_lowercase();
            let thing = self.thing(
                |tenant| {
                    let known = classes::list(tenant, kind, Some(&key), None, MANY)?;
                    Ok(known.into_iter().find(|known| known.name_key == key).map(|known| known.id))
                },
                |tenant, ctx| Ok(classes::create(tenant, ctx, kind, name, Some(description))?.id),
            )?;
            things.insert(name, thing);
        }
        Ok(things)
    }

    fn companies(&self) -> Result<Things, Error> {
        let mut things = Things::new();
        for company in story::COMPANIES {
            let set = |text: &str| Patch::Set(text.to_owned());
            let patch = CompanyPatch {
                name: Some(company.name.to_owned()),
                registration_number: company.number.map_or(Patch::Absent, set),
                street: set(company.street),
                city: set(company.city),
                postal_code: set(company.postal_code),
                country: set(company.country),
                website: set(company.website),
                email: set(company.email),
                ..CompanyPatch::default()
            };
            let thing = self.thing(
                |tenant| named::<Companies>(tenant, company.name, |row| row.name),
                |tenant, ctx| Ok(companies::create(tenant, ctx, &patch)?.id),
            )?;
            things.insert(company.name, thing);
        }
        Ok(things)
    }

    /// The people of the companies, by their mailboxes; those who are in the trash are left out.
    fn people(
        &self,
        types: &Things,
        groups: &Things,
        companies: &Things,
        details: &BTreeSet<&'static str>,
    ) -> Result<BTreeMap<&'static str, ContactId>, Error> {
        let mut people = BTreeMap::new();
        for partner in story::PARTNERS {
            let Some(company) = story::COMPANIES.iter().find(|one| one.name == partner.company)
            else {
                continue;
            };
            let domain = company.email.rsplit('@').next().unwrap_or_default();
            let address = format!("{}@{domain}", partner.mailbox);
            let body = body_of(partner, company, &address, types, groups, details);
            let id = self.write(|tenant, ctx| {
                let key = Email::parse(&address).map(|email| email.key().to_owned());
                let known = read::by_key(tenant, Key::Email, key.into_iter().collect())?;
                if let Some(known) = known.iter().find(|known| !known.in_trash) {
                    return Ok(Some(known.id));
                }
                if !known.is_empty() {
                    return Ok(None);
                }
                let id = create::create(tenant, ctx, &body)?.id;
                self.card(tenant, ctx, id, partner)?;
                if let Some(company) = companies.get(partner.company) {
                    link::<Companies>(tenant, ctx, company.id, id, partner.role)?;
                }
                Ok(Some(id))
            })?;
            people.extend(id.map(|id| (partner.mailbox, id)));
        }
        Ok(people)
    }

    /// What stands on the card of somebody who is new: owner, consents, notes.
    fn card(
        &self,
        tenant: &mut Tenant<'_>,
        ctx: &Context,
        id: ContactId,
        partner: &story::Partner,
    ) -> Result<(), Error> {
        if let Some(person) = self.person {
            owners::put(tenant, ctx, id, person, Level::Main, |_| Ok::<_, Error>(()))?;
        }
        for word in partner.consents {
            let action = match word {
                Word::Grant => Action::Grant,
                Word::Withdraw => Action::Withdraw,
            };
            let declaration = Declaration {
                purpose: "email_basic".to_owned(),
                action,
                legal_basis: Some(LegalBasis::Consent),
                evidence: None,
            };
            ledger::declare(tenant, ctx, id, &declaration)?;
        }
        for (text, is_private) in partner.notes {
            if !is_private || self.person.is_some() {
                notes::create(tenant, ctx, id, (*text).to_owned(), *is_private)?;
            }
        }
        Ok(())
    }

    fn opportunities(
        &self,
        companies: &Things,
        people: &BTreeMap<&'static str, ContactId>,
    ) -> Result<Things, Error> {
        let mut things = Things::new();
        for one in story::OPPORTUNITIES {
            let closes = self.context().now + TimeDelta::days(one.closes_in_days);
            let state = if one.is_won { opportunity::State::Won } else { opportunity::State::Open };
            let company = companies.get(one.company).map(|company| company.id);
            let patch = opportunity::OpportunityPatch {
                name: Some(one.name.to_owned()),
                company_id: company.map_or(Patch::Absent, Patch::Set),
                stage: Patch::Set(one.stage.to_owned()),
                state: Some(state),
                value: Patch::Set(one.value),
                currency: Patch::Set(one.currency.to_owned()),
                expected_close_date: Patch::Set(closes.date_naive()),
            };
            let thing = self.thing(
                |tenant| named::<Opportunities>(tenant, one.name, |row| row.name),
                |tenant, ctx| {
                    let id = opportunities::create(tenant, ctx, &patch)?.id;
                    link_all::<Opportunities>(tenant, ctx, id, one.people, people)?;
                    Ok(id)
                },
            )?;
            things.insert(one.name, thing);
        }
        Ok(things)
    }

    fn project(&self, people: &BTreeMap<&'static str, ContactId>) -> Result<Thing, Error> {
        let day = |days| (self.context().now + TimeDelta::days(days)).date_naive();
        let (from, to) = story::TASTINGS_DAYS;
        let patch = project::ProjectPatch {
            name: Some(story::TASTINGS.to_owned()),
            state: Some(project::State::Running),
            from: Patch::Set(day(from)),
            to: Patch::Set(day(to)),
        };
        self.thing(
            |tenant| named::<Projects>(tenant, story::TASTINGS, |row| row.name),
            |tenant, ctx| {
                let id = projects::create(tenant, ctx, &patch)?.id;
                link_all::<Projects>(tenant, ctx, id, story::TASTINGS_PEOPLE, people)?;
                Ok(id)
            },
        )
    }

    fn activities(
        &self,
        companies: &Things,
        people: &BTreeMap<&'static str, ContactId>,
        opportunities: &Things,
        project: Thing,
    ) -> Result<(), Error> {
        let of = |things: &Things, name: Option<&str>| {
            let thing = name.and_then(|name| things.get(name));
            thing.map_or(Patch::Absent, |thing| Patch::Set(thing.id))
        };
        for one in story::ACTIVITIES {
            let at = Patch::Set(self.context().now + TimeDelta::days(one.in_days));
            let is_done = one.in_days < 0;
            let is_due = one.kind == kartoteka_domain::activities::Kind::Task;
            let patch = ActivityPatch {
                subject: Some(one.subject.to_owned()),
                due_at: if is_due && !is_done { at.clone() } else { Patch::Absent },
                starts_at: if is_due || is_done { Patch::Absent } else { at.clone() },
                done_at: if is_done { at } else { Patch::Absent },
                result: one.result.map_or(Patch::Absent, |text| Patch::Set(text.to_owned())),
                contacts: Some(
                    one.people.iter().filter_map(|mailbox| people.get(mailbox).copied()).collect(),
                ),
                company_id: of(companies, one.company),
                opportunity_id: of(opportunities, one.opportunity),
                project_id: one.project.map_or(Patch::Absent, |_| Patch::Set(project.id)),
                ..ActivityPatch::default()
            };
            self.thing(
                |tenant| {
                    let mut filter = activities::Filter::default();
                    activities::search_for(&mut filter, Some(one.subject), "")?;
                    let known =
                        activities::list(tenant, &filter, activities::Position::default(), MANY)?;
                    let mut named =
                        known.iter().filter(|row| Activity::from(*row).subject == one.subject);
                    Ok(named.next().map(|row| row.id))
                },
                |tenant, ctx| Ok(activities::create(tenant, ctx, one.kind, &patch)?.id),
            )?;
        }
        Ok(())
    }

    fn segments(&self) -> Result<(), Error> {
        let leaf =
            |field: &str, op: &str, value: Value| json!({"field": field, "op": op, "value": value});
        let news = leaf("consent:email_basic", "eq", json!("granted"));
        let news = self.segment(story::NEWS, "Souhlasí s novinkami e-mailem.", news)?;
        let loyal = json!({"or": [
            leaf("tag", "has", json!("vip")), leaf("detail:orders", "gte", json!(15))]});
        let loyal = self.segment(story::LOYAL, "VIP, nebo aspoň 15 objednávek.", loyal)?;
        // made of the other two
        let towns = json!(["Brno", "Olomouc", "Ostrava"]);
        let invited = json!({"and": [leaf("segment", "eq", json!(news.id)),
            leaf("segment", "eq", json!(loyal.id)), leaf("address.city", "in", towns)]});
        self.segment(story::INVITED, "Věrní z Moravy, kteří chtějí novinky.", invited)?;
        let polish = leaf("address.country", "eq", json!("PL"));
        self.segment(story::POLISH, "Adres w Polsce.", polish)?;
        let birthdays = leaf("birth_date", "anniversary_in", json!("P14D"));
        self.segment(story::BIRTHDAYS, "Kinek küldjünk kuponnal köszöntést.", birthdays)?;
        Ok(())
    }

    fn segment(&self, name: &str, description: &str, filter: Value) -> Result<Thing, Error> {
        let key = name.to_lowercase();
        let draft = Draft {
            name: Some(name.to_owned()),
            description: Some(Some(description.to_owned())),
            filter: Some(Some(filter)),
            selection: None,
        };
        self.thing(
            |tenant| {
                let known = saved::list(tenant, Some(&key), None, MANY)?;
                Ok(known.into_iter().find(|known| known.name_key == key).map(|known| known.id))
            },
            |tenant, ctx| Ok(saved::create(tenant, ctx, &draft, Vec::new())?.0.id),
        )
    }

    /// Puts the customers of the shop into the groups and types that are new, by bulk edits.
    fn sort_customers(
        &self,
        customers: ImportId,
        types: &Things,
        groups: &Things,
    ) -> Result<(), Error> {
        let leaf =
            |field: &str, op: &str, value: Value| json!({"field": field, "op": op, "value": value});
        let wholesale = leaf("tag", "has", json!("wholesale"));
        let from = |city: &str| json!({"and": [leaf("address.city", "eq", json!(city)), leaf("detail:orders", "gte", json!(2))]});
        let edits = [
            (groups.get(story::WHOLESALE), true, wholesale.clone()),
            (groups.get(story::CRACOW), true, from("Kraków")),
            (groups.get(story::BUDAPEST), true, from("Budapest")),
            (types.get(story::BUSINESS), false, wholesale.clone()),
            (types.get(story::HOUSEHOLD), false, json!({"not": wholesale})),
        ];
        for (thing, is_group, condition) in edits {
            let Some(Thing { id, is_new: true }) = thing else { continue };
            let changes =
                if is_group { json!({"groups": {"add": [id]}}) } else { json!({"type_id": id}) };
            let ours = leaf("import", "eq", json!(customers));
            let body =
                json!({"selection": {"where": {"and": [ours, condition]}}, "changes": changes});
            self.bulk_edit(&body)?;
        }
        Ok(())
    }

    /// A funnel, with loyal customers in it and a coupon for each by one job of the contact manager; a rule and a
    /// scenario around it, switched off: nothing is sent by itself.
    fn manage(&self, customers: ImportId) -> Result<(), Error> {
        let stages = story::STAGES.iter().enumerate();
        let stages: Vec<_> = stages
            .map(|(n, name)| Named { name: (*name).to_owned(), at: format!("#/stages/{n}") })
            .collect();
        let key = story::FUNNEL.to_lowercase();
        let funnel = self.thing(
            |tenant| {
                let known = funnels::list(tenant, Some(&key), None, MANY)?;
                let ours = known.into_iter().find(|(known, _)| known.name_key == key);
                Ok(ours.map(|(known, _)| known.id))
            },
            |tenant, ctx| Ok(funnels::create(tenant, ctx, story::FUNNEL, &stages)?.funnel.id),
        )?;
        // somebody may have renamed them
        let whole = |tenant: &mut Tenant<'_>| funnels::get(tenant, FunnelId(funnel.id));
        let whole = self.environment.db.read(self.workspace, whole)?;
        let tasted = whole.stages.iter().find(|one| one.stage.name == story::TASTED);
        let Some(tasted) = tasted.map(|one| one.stage.id) else { return Ok(()) };
        let call = json!({
            "name": story::AFTER_TASTING,
            "description": "Kdo ochutnal, tomu za dva dny zavoláme.",
            "enabled": false,
            "event": {"type": "contact.stage_entered", "stage_id": tasted},
            "actions": [{"type": "add_note", "text": "Zavolat: jak chutnalo?", "delay": "P2D"}],
            "limits": {"runs_per_contact": 1},
        });
        self.definition(scenarios::Kind::Rule, story::AFTER_TASTING, call)?;
        let welcome = json!({
            "name": story::WELCOME,
            "description": "Uvítání a za týden kontrola, jestli chce novinky.",
            "enabled": false,
            "nodes": [
                {"id": "start", "type": "start", "event": {"type": "contact.tag_added", "tag": "vip"}, "next": "wait"},
                {"id": "wait", "type": "wait", "for": "P7D", "next": "asked"},
                {"id": "asked", "type": "condition", "yes": "write", "no": "end",
                    "filter": {"field": "consent:email_basic", "op": "eq", "value": "granted"}},
                {"id": "write", "type": "action", "next": "end", "action": {"type": "send_email",
                    "subject": "Vítejte mezi věrnými", "text": "Děkujeme, že kupujete u nás."}},
                {"id": "end", "type": "end"},
            ],
            "limits": {"runs_per_contact": 1},
        });
        self.definition(scenarios::Kind::Scenario, story::WELCOME, welcome)?;
        if !funnel.is_new {
            return Ok(());
        }
        let leaf =
            |field: &str, op: &str, value: Value| json!({"field": field, "op": op, "value": value});
        let whom = json!({"and": [
            leaf("import", "eq", json!(customers)), leaf("detail:orders", "gte", json!(15))]});
        let until = (self.context().now + TimeDelta::days(90)).date_naive();
        let body = json!({
            "selection": {"where": whom},
            "actions": [
                {"type": "add_to_stage", "stage_id": tasted},
                {"type": "generate_coupon", "name": story::LOYALTY_COUPON, "length": 8, "valid_until": until},
            ],
        });
        let scopes: BTreeSet<Scope> = Scope::ALL.iter().copied().collect();
        self.job(&body, |tenant, ctx, body| {
            Ok(JobId(contact_manager::create(tenant, ctx, body, &scopes)?.job.id))
        })
    }

    /// A rule or a scenario.
    fn definition(&self, kind: scenarios::Kind, name: &str, members: Value) -> Result<(), Error> {
        let Value::Object(members) = members else { return Ok(()) };
        let key = name.to_lowercase();
        self.thing(
            |tenant| {
                let known = store::list(tenant, kind, Some(&key), None, None, MANY)?;
                Ok(known.into_iter().find(|known| known.name_key == key).map(|known| known.id))
            },
            |tenant, ctx| Ok(definitions::create(tenant, ctx, kind, &members)?.id),
        )?;
        Ok(())
    }

    fn bulk_edit(&self, body: &Value) -> Result<(), Error> {
        self.job(body, |tenant, ctx, body| Ok(JobId(bulk_edit::start(tenant, ctx, body)?.id)))
    }

    /// Puts a job in and has it done.
    fn job(
        &self,
        body: &Value,
        start: impl FnOnce(&mut Tenant<'_>, &Context, &Map<String, Value>) -> Result<JobId, Error>,
    ) -> Result<(), Error> {
        let Value::Object(body) = body else { return Ok(()) };
        let ctx = self.context();
        let started = self.environment.db.write(self.workspace, |tenant| start(tenant, &ctx, body));
        let job = match started {
            Ok(job) => job,
            // somebody took away all whom it means
            Err(error) if is(&error, &[Code::EmptySelection]) => return Ok(()),
            Err(error) => return Err(error),
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            run_due(self.environment, self.owner)?;
            let job = self.environment.db.read(self.workspace, |tenant| jobs::get(tenant, job))?;
            match job.state()? {
                JobState::Succeeded => return Ok(()),
                JobState::Queued | JobState::Running if Instant::now() < deadline => {
                    std::thread::sleep(POLL);
                }
                state => {
                    let detail = format!("a job on invented contacts is {}", state.as_str());
                    return Err(Error::refused(Code::JobFailed, detail));
                }
            }
        }
    }
}

fn is(error: &Error, codes: &[Code]) -> bool {
    matches!(error, Error::Refused(refusal) if codes.contains(&refusal.code))
}

/// The record of this name.
fn named<N: Noun>(
    tenant: &mut Tenant<'_>,
    name: &str,
    of: impl Fn(N::Value) -> String,
) -> Result<Option<Uuid>, Error> {
    let (filter, sort) = records::reading::<N>(Some(name), Vec::new(), None)?;
    let page = records::page::<N>(tenant, &filter, &sort, None, MANY)?;
    let found = page.rows.iter().find(|row| of(N::value(row)) == name);
    Ok(found.map(kartoteka_persistence::records::Record::id))
}

fn link<N: Noun>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: Uuid,
    contact: ContactId,
    role: &str,
) -> Result<(), Error> {
    records::link::<N, Error>(tenant, ctx, id, contact, Some(role), |_| Ok(())).map(drop)
}

/// Links those who are there.
fn link_all<N: Noun>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: Uuid,
    wanted: &[(&str, &str)],
    people: &BTreeMap<&'static str, ContactId>,
) -> Result<(), Error> {
    for (mailbox, role) in wanted {
        if let Some(contact) = people.get(mailbox) {
            link::<N>(tenant, ctx, id, *contact, role)?;
        }
    }
    Ok(())
}

/// Somebody as the API would get them.
fn body_of(
    partner: &story::Partner,
    company: &story::Company,
    address: &str,
    types: &Things,
    groups: &Things,
    details: &BTreeSet<&'static str>,
) -> Map<String, Value> {
    let id_of = |things: &Things, name: &str| things.get(name).map(|thing| thing.id);
    let (tag, score) = partner.tag;
    let known = [
        ("roast", partner.roast.map(|roast| json!(roast))),
        ("invoice_by_email", partner.roast.map(|_| json!(true))),
    ];
    let values: Map<String, Value> = known
        .into_iter()
        .filter(|(name, _)| details.contains(name))
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
    let body = json!({
        "first_name": partner.first_name,
        "last_name": partner.last_name,
        "gender": partner.gender,
        "email": address,
        "phone": partner.phone,
        "company_name": company.name,
        "job_title": partner.job_title,
        "language": partner.language,
        "address": {"city": company.city, "country": company.country},
        "state": partner.state,
        "type_id": id_of(types, partner.contact_type),
        "group_ids": partner.group.and_then(|group| id_of(groups, group)).into_iter().collect::<Vec<_>>(),
        "tags": [{"name": tag, "score": score}],
        "details": values,
    });
    match body {
        Value::Object(body) => body,
        _ => Map::new(),
    }
}
