//! Selections in SQL mean what the domain says they mean (SEG-1..3).
//!
//! Contacts and conditions are made of a small vocabulary, so that conditions hold for some contacts and
//! not for others. Every condition is tried alone and negated; then trees of them, grown at random.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::Connection;
use kartoteka_domain::codes::Code;
use kartoteka_domain::consents::ledger::Channel;
use kartoteka_domain::contacts::contact::display_name;
use kartoteka_domain::contacts::email::Email;
use kartoteka_domain::ids::{ContactTypeId, GroupId, ImportId, SegmentId, StageId, WorkspaceId};
use kartoteka_domain::segments::fields::{Field, Link, Op, TextField, WordField};
use kartoteka_domain::segments::unfold::unfold;
use kartoteka_domain::segments::{
    ConsentFact, ContactFacts, Library, Selection, TagFact, matches, read,
};
use kartoteka_persistence::sql::Sql;
use kartoteka_persistence::{Db, Settings, StoreError, segments, workspaces};
use kartoteka_tests::TestDatabase;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Living contacts of the base the trees are tried on.
const CONTACTS: usize = 300;
/// Trees tried.
const TREES: u32 = 2_000;

/// A base of contacts in two workspaces with the same tags, purposes and values.
struct Base {
    workspace: WorkspaceId,
    contacts: Vec<(Uuid, ContactFacts)>,
    imports: Vec<ImportId>,
    groups: Vec<GroupId>,
    stages: Vec<StageId>,
    types: Vec<ContactTypeId>,
    links: Vec<(Link, Uuid)>,
    segments: Library,
}

/// Numbers that look random and are the same every time (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    fn pick<T: Clone>(&mut self, values: &[T]) -> T {
        values[self.roll(values.len())].clone()
    }

    /// One of the values, or nothing about every fourth time.
    fn maybe<T: Clone>(&mut self, values: &[T]) -> Option<T> {
        (self.roll(4) > 0).then(|| self.pick(values))
    }

    fn uuid(&mut self) -> Uuid {
        let half = |dice: &mut Self| u128::try_from(dice.roll(usize::MAX)).unwrap();
        Uuid::from_u128((half(self) << 64) | half(self))
    }
}

const TEXTS: &[&str] = &[
    "Novák",
    "novak",
    "Nováková",
    "O'Brien",
    "100%",
    "a_b",
    r"C:\x",
    "Brno",
    "Łódź",
    "Kőszeg",
    "Straße 5/7",
    "Київ",
    "\u{1F600} x",
];
const EMAILS: &[&str] = &["Jana@Example.cz", "jana@example.cz", "petr.novak@firma.cz", "a_b@x.cz"];
const PHONES: &[&str] = &["+420601123456", "+420777000111", "+48601234567"];
const DAYS: &[&str] = &[
    "1992-02-29",
    "1990-02-28",
    "1990-03-01",
    "1985-12-24",
    "1985-12-25",
    "1985-12-31",
    "2001-01-01",
    "2026-12-20",
];
const TIMES: &[&str] = &[
    "2024-02-29T12:00:00Z",
    "2026-12-24T23:59:59.999999Z",
    "2026-12-25T00:00:00Z",
    "2026-12-25T09:59:59.123456Z",
    "2026-12-25T10:00:00.123456Z",
    "2026-09-26T10:00:00.123456Z",
    "2027-01-03T00:00:00Z",
];
const TAGS: &[&str] = &["vip", "jaro", "Léto 2026", "spící"];
const SCORES: &[i64] = &[-5, 0, 1, 5, 9_007_199_254_740_991];
const PURPOSES: &[(&str, Channel)] = &[
    ("email_basic", Channel::Email),
    ("sms_basic", Channel::Sms),
    ("email_news", Channel::Email),
    ("post_basic", Channel::Post),
];

fn details() -> Vec<Value> {
    vec![
        json!("43"),
        json!(43),
        json!("43.0"),
        json!(43.5),
        json!("43,5"),
        json!(-7),
        json!("+5"),
        json!("Žlutá"),
        json!(""),
        json!(true),
        json!("true"),
        json!(false),
        json!("2026-12-20"),
        json!("2026-12-20x"),
        json!("2026-02-31"),
        json!("2024-02-29T10:00:00Z"),
        json!("2026-12-31 10:00"),
        json!("2026-13-01"),
        json!("1e3"),
        json!(0.1),
        json!("12345678901234567"),
        json!("100%"),
        json!("a_b"),
        json!("5."),
        json!(" "),
        json!("null"),
        json!("%_\\"),
        json!("999999999999999"),
        json!("0,00000000000000000001"),
        json!("-0"),
        json!(-0.0),
        json!(1e300),
        json!(1.5e-7),
        json!(u64::MAX),
        json!("\u{0663}"),
        json!("9999-12-31"),
    ]
}

/// The instants the conditions are relative to: an ordinary day, the day before a leap day that is none,
/// and one that is.
fn nows() -> Vec<DateTime<Utc>> {
    ["2026-12-25T10:00:00.123456789Z", "2027-02-27T23:59:59.999999Z", "2028-02-27T00:00:00Z"]
        .map(|text| text.parse().unwrap())
        .to_vec()
}

/// Fields that stand in a text column: name in the API, column, field, values.
fn text_fields() -> Vec<(&'static str, TextField, &'static [&'static str])> {
    let mut fields: Vec<_> = TextField::ALL
        .iter()
        .filter(|field| !matches!(field, TextField::Name | TextField::Email | TextField::Phone))
        .map(|field| (field.as_str().trim_start_matches("address."), *field, TEXTS))
        .collect();
    for (column, field, values) in &mut fields {
        match *column {
            "country" => *values = &["CZ", "PL", "HU"],
            "language" => *values = &["cs", "pl"],
            _ => assert_eq!(*field, TextField::from_word(field.as_str()).unwrap()),
        }
    }
    fields
}

/// A contact as a row of the table, and as the domain sees it.
fn contact(dice: &mut Dice, id: Uuid, workspace: Uuid, trashed: bool) -> (Value, ContactFacts) {
    let mut row = Map::new();
    let mut facts = ContactFacts {
        texts: Vec::new(),
        email_key: None,
        words: Vec::new(),
        birth_date: dice.maybe(DAYS).map(|day| day.parse().unwrap()),
        score: dice.pick(SCORES),
        subscribed: dice.roll(3) > 0,
        muted: dice.roll(3) == 0,
        email_invalid: dice.roll(4) == 0,
        created_at: dice.pick(TIMES).parse().unwrap(),
        updated_at: dice.pick(TIMES).parse().unwrap(),
        trashed_at: trashed.then(|| dice.pick(TIMES).parse().unwrap()),
        details: Map::new(),
        tags: Vec::new(),
        consents: Vec::new(),
        imports: Vec::new(),
        groups: Vec::new(),
        stages: Vec::new(),
        contact_type: None,
        links: Vec::new(),
    };
    for (column, field, values) in text_fields() {
        if let Some(text) = dice.maybe(values) {
            row.insert(column.into(), json!(text));
            facts.texts.push((field, text.into()));
        }
    }
    if let Some(email) = dice.maybe(EMAILS) {
        let key = Email::parse(email).unwrap().key().to_owned();
        row.insert("email".into(), json!(email));
        row.insert("email_key".into(), json!(key));
        facts.texts.push((TextField::Email, email.into()));
        facts.email_key = Some(key);
    }
    if let Some(phone) = dice.maybe(PHONES) {
        row.insert("phone".into(), json!(phone));
        facts.texts.push((TextField::Phone, phone.into()));
    }
    let of = |name: &str| row.get(name).and_then(Value::as_str);
    let name = display_name(of("first_name"), of("last_name"), of("company_name"), of("email"));
    facts.texts.extend(name.map(|name| (TextField::Name, name)));
    for field in WordField::ALL {
        let word = match field {
            WordField::Gender => dice.maybe(field.words()),
            _ => Some(dice.pick(field.words())),
        };
        if let Some(word) = word {
            row.insert(field.as_str().into(), json!(word));
            facts.words.push((*field, word.into()));
        }
    }
    for name in ["size", "it's"] {
        if let Some(value) = dice.maybe(&details()) {
            facts.details.insert(name.into(), value);
        }
    }
    if dice.roll(5) == 0 {
        facts.details.insert("size".into(), Value::Null);
    }
    let rest = json!({
        "workspace_id": workspace, "id": id, "birth_date": facts.birth_date, "score": facts.score,
        "details": facts.details, "subscribed": facts.subscribed, "muted": facts.muted,
        "email_invalid_at": facts.email_invalid.then_some(facts.created_at), "search": "",
        "created_at": facts.created_at, "updated_at": facts.updated_at,
        "trashed_at": facts.trashed_at,
    });
    row.extend(rest.as_object().unwrap().clone());
    (Value::Object(row), facts)
}

fn insert(conn: &mut diesel::PgConnection, table: &str, rows: Vec<Value>) {
    let mut sql = Sql::new(&format!(
        "INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(null::{table}, "
    ));
    sql.bind(Value::Array(rows)).push(")");
    sql.execute(conn).unwrap();
}

#[derive(diesel::QueryableByName)]
struct RowId {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: Uuid,
}

/// Where a thing that contacts are linked to stands.
fn linked_table(link: Link) -> &'static str {
    match link {
        Link::Owner => "users",
        Link::Company => "companies",
        Link::Opportunity => "opportunities",
        Link::Project => "projects",
    }
}

/// The thing itself.
fn linked_row(link: Link, workspace: Uuid, id: Uuid, at: DateTime<Utc>) -> Value {
    let mut row = json!({"workspace_id": workspace, "id": id, "created_at": at, "updated_at": at});
    let more = match link {
        Link::Owner => {
            json!({"email": id, "email_key": id, "role": "editor", "password_hash": "-"})
        }
        Link::Company => json!({"name": "Company", "search": ""}),
        Link::Opportunity => json!({"name": "Opportunity", "state": "open", "search": ""}),
        Link::Project => json!({"name": "Project", "state": "running", "search": ""}),
    };
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

/// A link to it, and the table it stands in.
fn link_row(
    link: Link,
    workspace: Uuid,
    to: Uuid,
    contact: Uuid,
    at: DateTime<Utc>,
) -> (&'static str, Value) {
    let (table, column, more) = match link {
        Link::Owner => ("contact_owners", "user_id", json!({"level": "main"})),
        Link::Company => ("company_contacts", "company_id", json!({})),
        Link::Opportunity => ("opportunity_contacts", "opportunity_id", json!({})),
        Link::Project => ("project_contacts", "project_id", json!({})),
    };
    let mut row = json!({"workspace_id": workspace, "contact_id": contact, "added_at": at});
    let members = row.as_object_mut().unwrap();
    members.insert(column.into(), json!(to));
    members.extend(more.as_object().unwrap().clone());
    (table, row)
}

/// Fills one workspace; `seed` decides with what.
fn fill(conn: &mut diesel::PgConnection, seed: u64) -> Base {
    let mut dice = Dice(seed);
    let at: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    let workspace = dice.uuid();
    let settings = workspaces::Workspace {
        id: workspace,
        name: format!("Workspace {seed}"),
        contact_limit: 10_000,
        phone_region: "CZ".into(),
        language: "cs".into(),
        time_zone: "Europe/Prague".into(),
        scenarios_on_owner_assigned: false,
        created_at: at,
        updated_at: at,
    };
    let mut purposes: Vec<Uuid> = PURPOSES.iter().map(|_| dice.uuid()).collect();
    workspaces::create(conn, &settings, [purposes[0], purposes[1]]).unwrap();
    let made = PURPOSES.iter().zip(&purposes).skip(2).map(|((name, channel), id)| {
        json!({"workspace_id": workspace, "id": id, "name": name, "channel": channel.as_str(), "title": name,
            "created_at": at, "updated_at": at})
    });
    insert(conn, "purposes", made.collect());
    purposes.truncate(PURPOSES.len());
    let keys: Vec<String> = TAGS.iter().map(|tag| tag.to_lowercase()).collect();
    let tags: Vec<Uuid> = TAGS.iter().map(|_| dice.uuid()).collect();
    let made = TAGS.iter().zip(&keys).zip(&tags).map(|((name, key), id)| {
        json!({"workspace_id": workspace, "id": id, "name": name, "name_key": key, "created_at": at, "updated_at": at})
    });
    insert(conn, "tags", made.collect());
    let groups: Vec<GroupId> = (0..3).map(|_| GroupId(dice.uuid())).collect();
    let types: Vec<ContactTypeId> = (0..3).map(|_| ContactTypeId(dice.uuid())).collect();
    for (table, ids) in [
        ("groups", groups.iter().map(|id| id.0).collect::<Vec<_>>()),
        ("contact_types", types.iter().map(|id| id.0).collect()),
    ] {
        let made = ids.iter().map(|id| {
            json!({"workspace_id": workspace, "id": id, "name": id, "name_key": id, "created_at": at, "updated_at": at})
        });
        insert(conn, table, made.collect());
    }
    let stages: Vec<StageId> = (0..3).map(|_| StageId(dice.uuid())).collect();
    let funnel = dice.uuid();
    let row = json!({"workspace_id": workspace, "id": funnel, "name": "f", "name_key": "f", "created_at": at, "updated_at": at});
    insert(conn, "funnels", vec![row]);
    let made = stages.iter().zip(1..).map(|(id, position)| {
        json!({"workspace_id": workspace, "id": id, "funnel_id": funnel, "name": id, "name_key": id,
            "position": position, "created_at": at, "updated_at": at})
    });
    insert(conn, "funnel_stages", made.collect());
    let mut links: Vec<(Link, Uuid)> = Vec::new();
    for link in Link::ALL {
        links.extend([(*link, dice.uuid()), (*link, dice.uuid()), (*link, dice.uuid())]);
    }
    for (link, id) in &links {
        insert(conn, linked_table(*link), vec![linked_row(*link, workspace, *id, at)]);
    }
    let imports = [ImportId(dice.uuid()), ImportId(dice.uuid()), ImportId(dice.uuid())];
    let salt = 12_345 + i64::try_from(seed).unwrap();
    // All in one moment. The first import stopped behind row 60; row 61 and on are only planned. The third is
    // large, and stopped behind row 50,000.
    let made = imports.iter().zip([60, 40, 50_000]).enumerate().map(|(n, (import, applied))| {
        json!({"workspace_id": workspace, "id": import.0, "name": "list", "method": "file", "state": "done",
            "actor_type": "system", "committed_at": "2026-05-01T10:00:00.987654Z",
            "id_salt": salt + (i64::try_from(n).unwrap() << 40),
            "applied_row": applied, "auto_commit": false, "created_at": at, "updated_at": at})
    });
    insert(conn, "imports", made.collect());
    let mut sql = Sql::new("SELECT import_row_id(1777629600987, ");
    sql.bind(salt).push(", row) AS id FROM generate_series(1, 80) AS row ORDER BY row");
    let mut by_row: Vec<RowId> = sql.load(conn).unwrap();
    let mut sql = Sql::new("SELECT import_row_id(1777629600987, ");
    sql.bind(salt + (2 << 40))
        .push(", row) AS id FROM generate_series(49981, 50020) AS row ORDER BY row");
    by_row.extend(sql.load::<RowId>(conn).unwrap());

    let (mut contacts, mut rows) = (Vec::new(), BTreeMap::<&str, Vec<Value>>::new());
    for number in 0..CONTACTS + 30 {
        let id = by_row.get(number).map_or_else(|| dice.uuid(), |row| row.id);
        let trashed = number >= CONTACTS;
        let (mut row, mut facts) = contact(&mut dice, id, workspace, trashed);
        facts.contact_type = dice.maybe(&types);
        row["type_id"] = json!(facts.contact_type);
        for group in &groups {
            if dice.roll(4) == 0 {
                facts.groups.push(*group);
                rows.entry("contact_groups").or_default().push(
                    json!({"workspace_id": workspace, "contact_id": id, "group_id": group, "added_at": at}),
                );
            }
        }
        for stage in &stages {
            if dice.roll(4) == 0 {
                facts.stages.push(*stage);
                rows.entry("contact_stages").or_default().push(
                    json!({"workspace_id": workspace, "contact_id": id, "stage_id": stage, "entered_at": at}),
                );
            }
        }
        rows.entry("contacts").or_default().push(row);
        for (tag, key) in tags.iter().zip(&keys) {
            if dice.roll(3) == 0 {
                let score = dice.pick(SCORES);
                facts.tags.push(TagFact { key: key.clone(), score });
                rows.entry("contact_tags").or_default().push(
                    json!({"workspace_id": workspace, "contact_id": id, "tag_id": tag, "score": score, "added_at": at}),
                );
            }
        }
        for ((name, channel), purpose) in PURPOSES.iter().zip(&purposes) {
            if let Some(granted) = [None, None, Some(true), Some(false)][dice.roll(4)] {
                let said: DateTime<Utc> = dice.pick(TIMES).parse().unwrap();
                let purpose_name = (*name).into();
                let fact =
                    ConsentFact { purpose: purpose_name, channel: *channel, granted, at: said };
                facts.consents.push(fact);
                rows.entry("consents")
                    .or_default()
                    .push(json!({"workspace_id": workspace, "contact_id": id,
                    "purpose_id": purpose, "granted": granted, "entry_id": Uuid::nil(), "at": said}));
            }
        }
        for (link, to) in &links {
            if dice.roll(4) == 0 {
                facts.links.push((*link, *to));
                let (table, row) = link_row(*link, workspace, *to, id, at);
                rows.entry(table).or_default().push(row);
            }
        }
        // rows 1 to 80 of the first import made these contacts, if they were reached
        if number < 60 {
            facts.imports.push(imports[0]);
        }
        if number < 80 {
            let row = number + 1;
            rows.entry("import_rows")
                .or_default()
                .push(json!({"workspace_id": workspace, "import_id": imports[0].0,
                "row": row, "line": row, "class": "none", "outcome": "create"}));
        }
        // the second met contacts that were there before
        if (50..110).contains(&number) {
            let row = number - 49;
            let outcome = ["update", "restore", "skip"][row % 3];
            if outcome != "skip" && row <= 40 {
                facts.imports.push(imports[1]);
            }
            rows.entry("import_rows")
                .or_default()
                .push(json!({"workspace_id": workspace, "import_id": imports[1].0,
                "row": row, "line": row, "class": "one", "outcome": outcome, "contact_id": id}));
        }
        // the third made some, and met some
        if (80..120).contains(&number) || number % 10 == 7 {
            let row = if (80..120).contains(&number) { number - 80 + 49_981 } else { number };
            let outcome = if row > 40_000 { "create" } else { ["update", "skip"][number / 10 % 2] };
            if outcome != "skip" && row <= 50_000 {
                facts.imports.push(imports[2]);
            }
            let met = (outcome != "create").then_some(id);
            rows.entry("import_rows")
                .or_default()
                .push(json!({"workspace_id": workspace, "import_id": imports[2].0,
                "row": row, "line": row, "class": "one", "outcome": outcome, "contact_id": met}));
        }
        contacts.push((id, facts));
    }
    for (table, rows) in rows {
        insert(conn, table, rows);
    }
    let search = "search = contact_search(first_name, last_name, email, phone, company_name)";
    Sql::new(&format!("UPDATE contacts SET {search}")).execute(conn).unwrap();
    let mut base = Base {
        workspace: WorkspaceId(workspace),
        contacts,
        imports: imports.to_vec(),
        groups,
        stages,
        types,
        links,
        segments: Library::new(),
    };
    save(&mut base, &mut dice);
    base
}

/// Segments of conditions and of each other, in every form.
fn save(base: &mut Base, dice: &mut Dice) {
    let conditions = conditions(base);
    let mut ids: Vec<Uuid> = Vec::new();
    for form in 0..8 {
        let one = dice.pick(&conditions);
        let other = dice.pick(&conditions);
        let within = |op: &str, of: &[usize]| {
            let of: Vec<Uuid> = of.iter().map(|at| ids[*at]).collect();
            json!({"field": "segment", "op": op, "value": of})
        };
        let json = match form {
            0 => json!({"where": one}),
            1 => json!({"where": {"or": [one, other]}}),
            2 => json!({"segments": [ids[0]], "include": one}),
            3 => json!({"exclude": one}),
            4 => json!({"where": {"not": within("in", &[0, 1])}}),
            5 => json!({"segments": [ids[2], ids[4]], "where": one}),
            6 => json!({}),
            _ => json!({"include": {"and": [one, within("not_in", &[3, 5])]}, "exclude": other}),
        };
        let id = dice.uuid();
        base.segments.insert(SegmentId(id), selection(&json));
        ids.push(id);
    }
}

/// Every field with every operator it knows and a few values.
fn conditions(base: &Base) -> Vec<Value> {
    let mut names: Vec<String> = Field::names().into_iter().map(str::to_owned).collect();
    names.extend(["detail:size", "detail:it's", "detail:none"].map(str::to_owned));
    names.extend(PURPOSES.iter().map(|(name, _)| format!("consent:{name}")));
    let mut conditions = Vec::new();
    for name in &names {
        let field = Field::from_wire(name).unwrap();
        if field == Field::Segment && base.segments.is_empty() {
            continue;
        }
        for op in field.ops() {
            for value in values(base, &field, *op) {
                conditions.push(json!({"field": name, "op": op.as_str(), "value": value}));
                if matches!(field, Field::Consent(_)) {
                    for (then, time) in [
                        ("within_last", json!("P90D")),
                        ("ne", json!("2026-12-25")),
                        ("between", json!(["2024-02-29", "2026-12-25T09:59:59.123456Z"])),
                        ("not_within_last", json!("P1Y")),
                    ] {
                        let at = json!({"op": then, "value": time});
                        conditions.push(
                            json!({"field": name, "op": op.as_str(), "value": value, "at": at}),
                        );
                    }
                }
                if name == "tag" {
                    let score = json!({"op": "gte", "value": 1});
                    conditions.push(
                        json!({"field": name, "op": op.as_str(), "value": value, "score": score}),
                    );
                    let score = json!({"op": "not_in", "value": [0, 5]});
                    conditions.push(
                        json!({"field": name, "op": op.as_str(), "value": value, "score": score}),
                    );
                }
            }
        }
    }
    conditions
}

fn values(base: &Base, field: &Field, op: Op) -> Vec<Value> {
    let singles: Vec<Value> = match (field, op) {
        (_, Op::IsEmpty | Op::IsNotEmpty) => return vec![Value::Null],
        (_, Op::WithinLast | Op::NotWithinLast | Op::AnniversaryIn) => {
            let hours: &[&str] = match (field, op) {
                (Field::Time(_), Op::WithinLast | Op::NotWithinLast) => &["PT12H", "P1DT1S"],
                _ => &[],
            };
            let periods = ["P1D", "P7D", "P90D", "P3M", "P364D", "P1Y", "P40Y"];
            return periods.iter().chain(hours).map(|period| json!(period)).collect();
        }
        (Field::Text(TextField::Phone), Op::Contains | Op::StartsWith | Op::EndsWith) => {
            vec![json!("601 123"), json!("+420"), json!("111"), json!("+")]
        }
        (Field::Text(_), Op::Contains | Op::StartsWith | Op::EndsWith) => {
            ["NOVAK", "nov", "%", "_", r"\", "ź", "@firma.cz", "a", "o'b", "k n"]
                .map(Value::from)
                .to_vec()
        }
        (Field::Detail(_), Op::Contains | Op::StartsWith | Op::EndsWith) => {
            ["4", "žlu", "%", "T", "20", "0"].map(Value::from).to_vec()
        }
        (Field::Text(TextField::Email), _) => EMAILS.iter().map(|email| json!(email)).collect(),
        (Field::Text(TextField::Phone), _) => vec![json!("601 123 456"), json!("+48 601 234 567")],
        (Field::Text(TextField::Country), _) => vec![json!("cz"), json!("DE")],
        (Field::Text(TextField::Language), _) => vec![json!("CS")],
        (Field::Text(_), _) => TEXTS.iter().map(|text| json!(text)).collect(),
        (Field::Word(word), _) => word.words().iter().map(|word| json!(word)).collect(),
        (Field::Flag(_), _) => vec![json!(true), json!(false)],
        (Field::TagCount, _) => [0, 1, 2, 4].map(Value::from).to_vec(),
        (Field::Score, _) => SCORES.iter().map(|score| json!(score)).collect(),
        (Field::BirthDate, _) => DAYS.iter().map(|day| json!(day)).collect(),
        (Field::Time(_), _) => {
            TIMES.iter().copied().chain(["2026-12-24", "2026-12-25"]).map(Value::from).collect()
        }
        (Field::Tag, _) => ["VIP", "léto  2026", "none"].map(Value::from).to_vec(),
        (Field::Detail(_), Op::Before | Op::After) => DAYS.iter().map(|day| json!(day)).collect(),
        (Field::Detail(_), Op::Lt | Op::Lte | Op::Gt | Op::Gte) => {
            vec![
                json!(43),
                json!(43.5),
                json!(-7.0),
                json!(0.1),
                json!("43,0"),
                json!("+5"),
                json!("2026-12-20"),
                json!("2024-02-29"),
            ]
        }
        (Field::Detail(_), Op::Between) => vec![json!(-7), json!(43.5)],
        (Field::Detail(_), _) => details(),
        (Field::Consent(_), _) => ["granted", "withdrawn", "never"].map(Value::from).to_vec(),
        (Field::Status(Channel::Email), _) => {
            ["opt_in", "opt_out", "none", "invalid"].map(Value::from).to_vec()
        }
        (Field::Status(_), _) => ["opt_in", "opt_out", "none"].map(Value::from).to_vec(),
        (Field::Communication, _) => {
            ["subscribed", "unsubscribed", "muted"].map(Value::from).to_vec()
        }
        (Field::Linked(link), _) => {
            let linked = base.links.iter().filter(|(of, _)| of == link);
            linked.map(|(_, id)| json!(id)).collect()
        }
        (Field::Import, _) => base.imports.iter().map(|import| json!(import.0)).collect(),
        (Field::Group, _) => base.groups.iter().map(|group| json!(group.0)).collect(),
        (Field::Stage, _) => base.stages.iter().map(|stage| json!(stage.0)).collect(),
        (Field::Type, _) => base.types.iter().map(|one| json!(one.0)).collect(),
        (Field::Segment, _) => {
            let mut ids: Vec<Uuid> = base.segments.keys().map(|id| id.0).collect();
            ids.sort_unstable();
            ids.into_iter().map(|id| json!(id)).collect()
        }
    };
    match op {
        Op::In | Op::NotIn => {
            vec![Value::Array(singles.iter().take(1).cloned().collect()), Value::Array(singles)]
        }
        Op::Between => {
            let mut sorted = singles;
            sorted.sort_by(|a, b| match (a.as_f64(), b.as_f64()) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                _ => a.as_str().cmp(&b.as_str()),
            });
            let (first, last) = (sorted[0].clone(), sorted[sorted.len() - 1].clone());
            vec![json!([first, first]), json!([first, last]), json!([last, last])]
        }
        _ => singles,
    }
}

/// Whether a contact is in a saved segment, said without unfolding anything.
fn is_in(base: &Base, id: SegmentId, facts: &ContactFacts, now: DateTime<Utc>) -> bool {
    matches::selects(&base.segments[&id], facts, now, &|id| is_in(base, id, facts, now))
}

/// All contacts that SQL selects, those in the trash too.
fn selected(
    conn: &mut diesel::PgConnection,
    base: &Base,
    selection: &Selection,
    now: DateTime<Utc>,
) -> Result<BTreeSet<Uuid>, StoreError> {
    let mut tenant = kartoteka_persistence::Tenant::on(conn, base.workspace);
    let names = segments::Names::load(&mut tenant, selection)?;
    let mut sql = Sql::default();
    let workspace = sql.param(base.workspace);
    sql.push(&format!("SELECT c.id FROM contacts c WHERE c.workspace_id = {workspace} AND "));
    segments::condition(selection, &mut sql, "c", &workspace, &names, now);
    let rows: Vec<RowId> = sql.load(conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Compares what SQL and what the domain say is selected; how many that are. Nothing, when it would be too
/// large with all its segments.
fn compare(
    conn: &mut diesel::PgConnection,
    base: &Base,
    json: &Value,
    now: DateTime<Utc>,
) -> Option<usize> {
    let selection = selection(json);
    let unfolded = unfold(&selection, &base.segments).ok()?;
    let found = selected(conn, base, &unfolded, now)
        .unwrap_or_else(|error| panic!("{json} at {now}: {error}"));
    for (id, facts) in &base.contacts {
        let meant = matches::selects(&selection, facts, now, &|id| is_in(base, id, facts, now));
        assert_eq!(
            found.contains(id),
            meant,
            "SQL (left) and domain (right) at {now}: {json}\n{facts:?}"
        );
    }
    assert!(
        found.iter().all(|id| base.contacts.iter().any(|(known, _)| known == id)),
        "foreign: {json}"
    );
    Some(found.len())
}

fn selection(json: &Value) -> Selection {
    let region = kartoteka_domain::contacts::phone::Region::parse("CZ").ok();
    let reading = read::selection(json, "#", region);
    assert_eq!(reading.faults, [], "{json}");
    reading.resolve(|_| true).unwrap()
}

/// Trees over indexes into the conditions; they shrink to small trees.
fn trees(conditions: Vec<Value>) -> impl Strategy<Value = Value> + Clone {
    let leaf = proptest::sample::select(conditions);
    leaf.prop_recursive(5, 24, 4, |inner| {
        let list = || proptest::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            list().prop_map(|filters| json!({"and": filters})),
            list().prop_map(|filters| json!({"or": filters})),
            inner.clone().prop_map(|filter| json!({"not": filter})),
        ]
    })
}

/// SEG-1, SEG-2, SEG-3
#[test]
fn sql_means_what_the_domain_means() {
    let database = TestDatabase::migrated();
    let mut conn = database.connection();
    let base = fill(&mut conn, 1);
    fill(&mut conn, 2);
    let conditions = conditions(&base);
    let mut telling = 0;
    for (number, condition) in conditions.iter().enumerate() {
        let now = nows()[number % 3];
        let found = compare(&mut conn, &base, &json!({"where": condition}), now).unwrap();
        compare(&mut conn, &base, &json!({"exclude": condition}), now).unwrap();
        telling += usize::from(found > 0 && found < base.contacts.len());
    }
    // conditions that hold for all or for nobody prove little
    assert!(telling * 10 > conditions.len() * 7, "{telling} of {}", conditions.len());

    let config = Config { cases: TREES, failure_persistence: None, ..Config::default() };
    let conn = std::cell::RefCell::new(conn);
    let compared = std::cell::Cell::new(0);
    let part = proptest::option::of(trees(conditions));
    let strategy = (part.clone(), part.clone(), part, 0..nows().len());
    TestRunner::new(config)
        .run(&strategy, |(include, exclude, filter, now)| {
            let json = json!({"include": include, "exclude": exclude, "where": filter});
            let found = compare(&mut conn.borrow_mut(), &base, &json, nows()[now]);
            compared.set(compared.get() + u32::from(found.is_some()));
            Ok(())
        })
        .unwrap();
    assert!(compared.get() * 10 > TREES * 9, "{} of {TREES} were small enough", compared.get());
}

/// SEG-1: those in the trash are selected by nothing but lists of the trash.
#[test]
fn the_trash_is_not_selected() {
    let database = TestDatabase::migrated();
    let mut conn = database.connection();
    let base = fill(&mut conn, 1);
    let living = base.contacts.iter().filter(|(_, facts)| facts.trashed_at.is_none()).count();
    assert!(living < base.contacts.len());
    let mut tenant = kartoteka_persistence::Tenant::on(&mut conn, base.workspace);
    for (json, expected) in [
        (json!({}), living),
        (json!({"where": {"field": "trashed_at", "op": "is_not_empty"}}), 0),
        (json!({"exclude": {"field": "trashed_at", "op": "is_not_empty"}}), living),
    ] {
        let selection = selection(&json);
        assert_eq!(segments::ids(&mut tenant, &selection, nows()[0]).unwrap().len(), expected);
        let count = segments::count(&mut tenant, &selection, nows()[0]).unwrap();
        assert_eq!(count, i64::try_from(expected).unwrap(), "{json}");
    }
}

/// SEG-3: the published schema takes whatever the reader takes.
#[test]
fn every_condition_fits_the_published_schema() {
    let database = TestDatabase::migrated();
    let base = fill(&mut database.connection(), 1);
    for mut condition in conditions(&base) {
        if condition["value"].is_null() {
            condition.as_object_mut().unwrap().remove("value");
        }
        let faults = kartoteka_api::openapi::schemas::faults("Filter", &condition).unwrap();
        assert_eq!(faults, [], "{condition}");
    }
}

#[derive(diesel::QueryableByName)]
struct PlanLine {
    #[diesel(sql_type = diesel::sql_types::Text, column_name = "QUERY PLAN")]
    line: String,
}

/// The plan of a page of the newest contacts that meet a condition.
fn plan(conn: &mut diesel::PgConnection, workspace: Uuid, condition: &Value) -> String {
    let mut sql = Sql::default();
    let placeholder = sql.param(workspace);
    sql.push("EXPLAIN (COSTS OFF) SELECT c.id FROM contacts c WHERE c.trashed_at IS NULL AND c.workspace_id = ");
    sql.push(&placeholder).push(" AND ");
    let library = [
        (1, json!({"where": {"field": "tag", "op": "has", "value": "rare"}})),
        (
            2,
            json!({"where": {"and": [
                {"field": "email", "op": "eq", "value": "u77@x.cz"},
                {"field": "segment", "op": "ne", "value": Uuid::from_u128(1)}
            ]}}),
        ),
    ]
    .map(|(number, json)| (SegmentId(Uuid::from_u128(number)), selection(&json)));
    let selection = selection(&json!({"where": condition}));
    let selection = unfold(&selection, &library.into()).unwrap();
    let mut tenant = kartoteka_persistence::Tenant::on(conn, WorkspaceId(workspace));
    let names = segments::Names::load(&mut tenant, &selection).unwrap();
    segments::condition(&selection, &mut sql, "c", &placeholder, &names, nows()[0]);
    sql.push(" ORDER BY c.id DESC LIMIT 50");
    let lines: Vec<PlanLine> = sql.load(conn).unwrap();
    lines.into_iter().map(|line| line.line + "\n").collect()
}

/// SEG-4: conditions of every day are answered from keys and indexes, not by reading the whole base.
#[test]
fn usual_conditions_are_answered_from_indexes() {
    let database = TestDatabase::migrated();
    let mut conn = database.connection();
    let workspace = Uuid::from_u128(7);
    large(&mut conn, workspace);
    let leaf =
        |field: &str, op: &str, value: Value| json!({"field": field, "op": op, "value": value});
    for (condition, indexes) in [
        (leaf("email", "eq", json!("u77@x.cz")), &["contacts_email_key_idx"][..]),
        (leaf("email", "in", json!(["u77@x.cz", "u78@x.cz"])), &["contacts_email_key_idx"]),
        (leaf("phone", "eq", json!("+420601000077")), &["contacts_phone_idx"]),
        (leaf("external_id", "eq", json!("e77")), &["contacts_external_id_idx"]),
        (leaf("tag", "has", json!("common")), &["contact_tags_pkey", "contacts_pkey"]),
        (leaf("tag", "has", json!("rare")), &["contact_tags_tag_idx", "contacts_pkey"]),
        (leaf("tag", "has_not", json!("common")), &["contact_tags_pkey", "contacts_pkey"]),
        (leaf("consent:email_basic", "eq", json!("granted")), &["consents_pkey", "contacts_pkey"]),
        (leaf("email_status", "eq", json!("opt_in")), &["consents_pkey", "contacts_pkey"]),
        (leaf("import", "eq", json!(Uuid::from_u128(8))), &["import_rows_pkey", "contacts_pkey"]),
        (
            leaf("group", "has", json!(Uuid::from_u128(1))),
            &["contact_groups_group_idx", "contacts_pkey"],
        ),
        (
            leaf("funnel_stage", "has", json!(Uuid::from_u128(1))),
            &["contact_stages_stage_idx", "contacts_pkey"],
        ),
        (
            leaf("funnel_stage", "has_not", json!(Uuid::from_u128(2))),
            &["contact_stages_pkey", "contacts_pkey"],
        ),
        (leaf("type", "eq", json!(Uuid::from_u128(2))), &["contacts_type_idx"]),
        (leaf("tag_count", "gte", json!(1)), &["contact_tags_pkey", "contacts_pkey"]),
        (
            json!({"field": "consent:email_basic", "op": "eq", "value": "granted",
                "at": {"op": "within_last", "value": "P90D"}}),
            &["consents_pkey", "contacts_pkey"],
        ),
        // the rarest of several leads, whatever stands beside it
        (
            json!({"and": [
                leaf("address.country", "eq", json!("CZ")), leaf("address.city", "eq", json!("Brno")),
                leaf("created_at", "within_last", json!("P90D")), leaf("detail:size", "eq", json!("43")),
                leaf("tag", "has", json!("common")), leaf("tag", "has", json!("rare"))
            ]}),
            &["contact_tags_tag_idx", "contacts_pkey"],
        ),
        // segments are unfolded, so their conditions find their indexes
        (
            leaf("segment", "eq", json!(Uuid::from_u128(1))),
            &["contact_tags_tag_idx", "contacts_pkey"],
        ),
        (leaf("segment", "eq", json!(Uuid::from_u128(2))), &["contacts_email_key_idx"]),
    ] {
        let plan = plan(&mut conn, workspace, &condition);
        for index in indexes {
            assert!(plan.contains(index), "{condition} without {index}:\n{plan}");
        }
        let whole = plan.lines().any(|line| line.contains("Seq Scan on contacts"));
        assert!(!whole, "{condition} reads all contacts:\n{plan}");
    }
}

/// SEG-4: what would be looked up for each contact of the base is gathered once for all of them.
#[test]
fn nothing_is_counted_for_each_contact() {
    let database = TestDatabase::migrated();
    let mut conn = database.connection();
    let workspace = Uuid::from_u128(7);
    large(&mut conn, workspace);
    Sql::new("UPDATE imports SET applied_row = 50000 WHERE id = lpad('9', 32, '0')::uuid")
        .execute(&mut conn)
        .unwrap();
    let leaf =
        |field: &str, op: &str, value: Value| json!({"field": field, "op": op, "value": value});
    for (condition, step) in [
        (leaf("tag_count", "gte", json!(2)), "Aggregate"),
        (leaf("tag_count", "lt", json!(2)), "Aggregate"),
        (leaf("tag_count", "ne", json!(1)), "Aggregate"),
        (leaf("tag_count", "eq", json!(0)), "Anti Join"),
        (leaf("import", "ne", json!(Uuid::from_u128(9))), "Anti Join"),
    ] {
        let plan = plan(&mut conn, workspace, &condition);
        assert!(plan.contains(step) && !plan.contains("SubPlan"), "{condition}:\n{plan}");
    }
    // the ids of a large import are not worked out row by row
    let plan = plan(&mut conn, workspace, &leaf("import", "eq", json!(Uuid::from_u128(9))));
    assert!(plan.contains("uuid_send") && !plan.contains("to_hex"), "{plan}");
}

/// SEG-4: a selection that takes longer than a statement may is refused in words that help.
#[test]
fn a_selection_that_takes_too_long_is_refused() {
    let database = TestDatabase::migrated();
    let workspace = Uuid::from_u128(7);
    large(&mut database.connection(), workspace);
    let hasty = Settings { selection_timeout: Duration::from_millis(5), ..database.settings(1) };
    // not one of these holds, so each contact is folded for each of them
    let slow: Vec<Value> = (0..90)
        .map(|n| json!({"field": "external_id", "op": "ends_with", "value": format!("x{n}")}))
        .collect();
    let selection = selection(&json!({"where": {"or": slow}}));
    let counted = Db::connect(&hasty).read(WorkspaceId(workspace), |tenant| {
        kartoteka_app::segments::count(tenant, &selection, nows()[0])
    });
    match counted {
        Err(kartoteka_app::Error::Refused(refusal)) => {
            assert_eq!(refusal.code, Code::SelectionTooSlow);
            assert!(refusal.detail.contains("Narrow it"), "{}", refusal.detail);
        }
        other => panic!("{other:?}"),
    }
}

/// SEG-4: the bound of selections is theirs alone, also inside of another transaction.
#[test]
fn the_bound_of_selections_ends_with_them() {
    let database = TestDatabase::migrated();
    let mut conn = database.connection();
    let base = fill(&mut conn, 1);
    let bounded = |conn: &mut diesel::PgConnection| {
        let rest = "WHERE name = 'statement_timeout' AND setting = '10000'";
        Sql::new(&format!("SELECT count(*) AS n FROM pg_settings {rest}")).count(conn).unwrap()
    };
    let count = |conn: &mut diesel::PgConnection| {
        let mut tenant = kartoteka_persistence::Tenant::on(conn, base.workspace);
        kartoteka_app::segments::count(&mut tenant, &Selection::default(), nows()[0]).unwrap();
    };
    count(&mut conn);
    assert_eq!(bounded(&mut conn), 0);
    conn.transaction(|conn| {
        count(conn);
        assert_eq!(bounded(conn), 0);
        Sql::new("SET LOCAL statement_timeout = 10000").execute(conn).unwrap();
        assert_eq!(bounded(conn), 1, "the question can be answered with yes");
        diesel::QueryResult::Ok(())
    })
    .unwrap();
}

/// Thirty thousand contacts: a tag on most of them, consents for half, imports of a hundred each.
fn large(conn: &mut diesel::PgConnection, workspace: Uuid) {
    let at: DateTime<Utc> = nows()[0];
    let settings = workspaces::Workspace {
        id: workspace,
        name: "Large".into(),
        contact_limit: 100_000,
        phone_region: "CZ".into(),
        language: "cs".into(),
        time_zone: "Europe/Prague".into(),
        scenarios_on_owner_assigned: false,
        created_at: at,
        updated_at: at,
    };
    workspaces::create(conn, &settings, [Uuid::from_u128(1), Uuid::from_u128(2)]).unwrap();
    for statement in [
        "INSERT INTO tags SELECT $WS, lpad(n, 32, '0')::uuid, name, name, now(), now() \
         FROM (VALUES ('1', 'common'), ('2', 'rare')) AS t (n, name)",
        "INSERT INTO contacts (workspace_id, id, external_id, last_name, email, email_key, phone, origin, search, \
             created_at, updated_at) \
         SELECT $WS, lpad(to_hex(n), 32, '0')::uuid, 'e' || n, 'Novák', 'u' || n || '@x.cz', 'u' || n || '@x.cz', \
             '+' || (420601000000 + n), 'import', 'novak', now(), now() FROM generate_series(1, 30000) AS n",
        "INSERT INTO contact_tags SELECT $WS, lpad(to_hex(n), 32, '0')::uuid, lpad('1', 32, '0')::uuid, 0, now() \
         FROM generate_series(1, 30000) AS n WHERE n % 5 > 0",
        "INSERT INTO contact_tags SELECT $WS, lpad(to_hex(n * 3000), 32, '0')::uuid, lpad('2', 32, '0')::uuid, 0, now() \
         FROM generate_series(1, 10) AS n",
        "INSERT INTO groups SELECT $WS, lpad(n, 32, '0')::uuid, n, n, NULL, now(), now() FROM (VALUES ('1'), ('2')) AS g (n)",
        "INSERT INTO contact_groups SELECT $WS, lpad(to_hex(n * 3000), 32, '0')::uuid, lpad('1', 32, '0')::uuid, now() \
         FROM generate_series(1, 10) AS n",
        "INSERT INTO contact_groups SELECT $WS, lpad(to_hex(n), 32, '0')::uuid, lpad('2', 32, '0')::uuid, now() \
         FROM generate_series(1, 30000) AS n WHERE n % 5 > 0",
        "INSERT INTO funnels SELECT $WS, lpad('1', 32, '0')::uuid, 'f', 'f', now(), now()",
        "INSERT INTO funnel_stages SELECT $WS, lpad(n::text, 32, '0')::uuid, lpad('1', 32, '0')::uuid, n::text, n::text, n, \
             now(), now() FROM generate_series(1, 2) AS n",
        "INSERT INTO contact_stages SELECT $WS, lpad(to_hex(n * 3000), 32, '0')::uuid, lpad('1', 32, '0')::uuid, now() \
         FROM generate_series(1, 10) AS n",
        "INSERT INTO contact_stages SELECT $WS, lpad(to_hex(n), 32, '0')::uuid, lpad('2', 32, '0')::uuid, now() \
         FROM generate_series(1, 30000) AS n WHERE n % 5 > 0",
        "UPDATE contacts SET type_id = lpad('2', 32, '0')::uuid WHERE workspace_id = $WS AND score = 0 \
             AND external_id LIKE '%00'",
        "INSERT INTO consents SELECT $WS, lpad(to_hex(n), 32, '0')::uuid, lpad('1', 32, '0')::uuid, n % 4 > 0, $WS, \
             now() FROM generate_series(1, 30000) AS n WHERE n % 2 = 0",
        "INSERT INTO imports (workspace_id, id, name, method, state, actor_type, committed_at, id_salt, applied_row, \
             created_at, updated_at) \
         SELECT $WS, lpad(to_hex(7 + n), 32, '0')::uuid, 'list', 'file', 'done', 'system', now(), 1, 100, now(), now() \
         FROM generate_series(1, 100) AS n",
        "INSERT INTO import_rows SELECT $WS, lpad(to_hex(7 + i), 32, '0')::uuid, n, n, 'one', 'update', \
             lpad(to_hex(i * 100 + n), 32, '0')::uuid FROM generate_series(1, 100) AS i, generate_series(1, 100) AS n",
        "ANALYZE",
    ] {
        Sql::new(&statement.replace("$WS", &format!("'{workspace}'::uuid"))).execute(conn).unwrap();
    }
}
