//! A tree of conditions as a condition of SQL. Values are bound, never written into the text; every
//! sub-query carries the workspace.
//!
//! SQL's third value is kept out by construction: inside `AND` and `OR`, NULL counts like false, and a
//! negation is pushed down to the single conditions (De Morgan), where it is either `NOT EXISTS` or
//! `… IS NOT TRUE`. So `NOT` never meets a NULL, and the planner still sees anti-joins.

use std::ops::Bound;

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};

use kartoteka_domain::consents::ledger::{Channel, ChannelStatus, Display};
use kartoteka_domain::ids::ImportId;
use kartoteka_domain::segments::fields::{FlagField, Link, TextField, TimeField, WordField};
use kartoteka_domain::segments::tree::{
    AtTest, DateTest, DetailTest, NumberTest, ScoreTest, TagTest, TextTest, TimeTest,
};
use kartoteka_domain::segments::when::{AnniversaryDays, Period, anniversary_days};
use kartoteka_domain::segments::{ConsentState, Filter, Leaf, Range, Selection, Test};
use uuid::Uuid;

use super::names::{Made, Names};
use crate::contacts::list::Extent;
use crate::sql::{Bind, Sql};

/// Texts that read as a number; the same as the domain's reading of details.
const NUMBER: &str = "'^[+-]?[0-9]{1,15}([.,][0-9]{1,20})?$'";
/// Rows of imports from which on their contacts are told by their ids alone.
const LARGE_IMPORTS: i64 = 20_000;
/// Texts that begin like a day and go on with nothing but a time.
const DAY: &str = "'^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])($|[T ])'";

/// Adds what `selection` demands of the row `alias` of `contacts`, as one condition. `workspace` is the
/// placeholder the statement has bound its workspace to, `names` are those of the selection.
///
/// That the row belongs to the workspace and lives is for the statement around it to say.
pub fn condition(
    selection: &Selection,
    sql: &mut Sql,
    alias: &str,
    workspace: &str,
    names: &Names,
    now: DateTime<Utc>,
) {
    condition_on(Extent::All, selection, sql, alias, workspace, names, now);
}

/// As [`condition`], of so many rows.
pub(super) fn condition_on(
    extent: Extent,
    selection: &Selection,
    sql: &mut Sql,
    alias: &str,
    workspace: &str,
    names: &Names,
    now: DateTime<Utc>,
) {
    // PostgreSQL keeps microseconds
    let now = now.trunc_subsecs(6);
    let today = now.date_naive();
    let mut compiler = Compiler { extent, sql, alias, workspace, names, now, today };
    let Selection { segments, include, exclude, filter } = selection;
    compiler.push("(TRUE");
    match include {
        Some(include) => {
            compiler.push(" AND ");
            compiler.filter(include, false);
        }
        // segments are unfolded before; one that is not is unknown, and holds nobody
        None if !segments.is_empty() => compiler.push(" AND FALSE"),
        None => {}
    }
    if let Some(exclude) = exclude {
        compiler.push(" AND ");
        compiler.filter(exclude, true);
    }
    if let Some(filter) = filter {
        compiler.push(" AND ");
        compiler.filter(filter, false);
    }
    compiler.push(")");
}

struct Compiler<'s> {
    extent: Extent,
    sql: &'s mut Sql,
    alias: &'s str,
    /// `$n` of the workspace.
    workspace: &'s str,
    names: &'s Names,
    now: DateTime<Utc>,
    today: NaiveDate,
}

impl Compiler<'_> {
    fn push(&mut self, text: &str) {
        self.sql.push(text);
    }

    fn bind(&mut self, value: impl Into<Bind>) {
        self.sql.bind(value);
    }

    fn filter(&mut self, filter: &Filter, negated: bool) {
        match filter {
            Filter::And(filters) => {
                self.joined(filters, negated, if negated { " OR " } else { " AND " });
            }
            Filter::Or(filters) => {
                self.joined(filters, negated, if negated { " AND " } else { " OR " });
            }
            Filter::Not(filter) => self.filter(filter, !negated),
            Filter::Leaf(leaf) => self.leaf(leaf, negated),
        }
    }

    fn joined(&mut self, filters: &[Filter], negated: bool, word: &str) {
        if filters.is_empty() {
            // only unfolded segments are so: of all contacts, or of nobody
            return self.push(if word == " AND " { "TRUE" } else { "FALSE" });
        }
        let (tags, others) = Self::tags_of(filters, negated, word == " AND ");
        let mut first = true;
        self.push("(");
        if let Some(tags) = tags {
            first = false;
            self.tag(&tags, word == " AND ");
        }
        for filter in others {
            if !first {
                self.push(word);
            }
            first = false;
            self.filter(filter, negated);
        }
        self.push(")");
    }

    /// Several "has one of these tags" joined by OR are one, and so are several opposites joined by AND: one
    /// join, where the planner would look each of them up for each contact. What they are together, and the
    /// rest; `absent` says which of the two is looked for.
    fn tags_of(filters: &[Filter], negated: bool, absent: bool) -> (Option<TagTest>, Vec<&Filter>) {
        let plain = |filter: &&Filter| match filter {
            Filter::Leaf(Leaf {
                test: Test::Tag(TagTest { keys: Some(_), score: None }),
                negated: ne,
            }) => (*ne != negated) == absent,
            _ => false,
        };
        let (tags, others): (Vec<&Filter>, Vec<&Filter>) = filters.iter().partition(plain);
        if tags.len() < 2 {
            return (None, filters.iter().collect());
        }
        let mut keys: Vec<String> = Vec::new();
        for filter in tags {
            if let Filter::Leaf(Leaf {
                test: Test::Tag(TagTest { keys: Some(more), .. }), ..
            }) = filter
            {
                keys.extend(more.iter().cloned());
            }
        }
        (Some(TagTest { keys: Some(keys), score: None }), others)
    }

    fn leaf(&mut self, leaf: &Leaf, negated: bool) {
        let negated = leaf.negated != negated;
        match &leaf.test {
            Test::Text(field, test) => self.unless(negated, |this| this.text(*field, test)),
            Test::Word(field, words) => {
                let column = self.column(word_column(*field));
                let words = words.iter().map(|word| (*word).to_owned()).collect();
                self.unless(negated, |this| this.one_of(&column, words));
            }
            Test::NoWord(field) => {
                let column = self.column(word_column(*field));
                self.unless(negated, |this| this.push(&format!("{column} IS NULL")));
            }
            Test::Flag(field, value) => {
                let column = self.column(match field {
                    FlagField::Subscribed => "subscribed",
                    FlagField::Muted => "muted",
                });
                self.push(if *value == negated { "NOT " } else { "" });
                self.push(&column);
            }
            Test::Score(test) => {
                let column = self.column("score");
                self.unless(negated, |this| this.number(&column, test));
            }
            Test::BirthDate(test) => self.unless(negated, |this| this.birth_date(test)),
            Test::Time(field, test) => self.unless(negated, |this| this.time(*field, test)),
            Test::Tag(test) => self.tag(test, negated),
            Test::Detail(name, test) => self.unless(negated, |this| this.detail(name, test)),
            Test::TagCount(test) => self.tag_count(test, negated),
            Test::Consent(purpose, states, None) => {
                self.consent(purpose, &set(ConsentState::ALL, states, negated));
            }
            Test::Consent(purpose, states, Some(said)) => {
                self.consent_at(purpose, states, said, negated);
            }
            Test::Status(channel, states) => {
                self.status(*channel, &set(ChannelStatus::ALL, states, negated));
            }
            Test::Communication(states) => self.communication(&set(Display::ALL, states, negated)),
            Test::Import(imports) => self.import(imports, negated),
            Test::Group(groups) => {
                self.exists(negated, "contact_groups");
                if let Some(groups) = groups {
                    let ids: Vec<Uuid> = groups.iter().map(|group| group.0).collect();
                    self.is_among("t.group_id", &ids);
                }
                self.push(")");
            }
            Test::Stage(stages) => {
                self.exists(negated, "contact_stages");
                if let Some(stages) = stages {
                    let ids: Vec<Uuid> = stages.iter().map(|stage| stage.0).collect();
                    self.is_among("t.stage_id", &ids);
                }
                self.push(")");
            }
            Test::Type(types) => {
                let column = self.column("type_id");
                let ids: Vec<Uuid> = types.iter().map(|one| one.0).collect();
                self.unless(negated, |this| {
                    this.push("TRUE");
                    this.is_among(&column, &ids);
                });
            }
            Test::NoType => {
                let column = self.column("type_id");
                self.unless(negated, |this| this.push(&format!("{column} IS NULL")));
            }
            Test::Linked(link, ids) => self.linked(*link, ids.as_deref(), negated),
            Test::Segment(_) => self.push(if negated { "TRUE" } else { "FALSE" }),
        }
    }

    /// `(…)`, or `(…) IS NOT TRUE`: the condition does not hold, or there is nothing it could hold of.
    fn unless(&mut self, negated: bool, condition: impl FnOnce(&mut Self)) {
        self.push("(");
        condition(self);
        self.push(if negated { ") IS NOT TRUE" } else { ")" });
    }

    fn column(&self, name: &str) -> String {
        format!("{}.{name}", self.alias)
    }

    // --- values ---------------------------------------------------------------------------------

    fn one_of(&mut self, expression: &str, mut values: Vec<String>) {
        self.push(expression);
        match values.len() {
            1 => {
                self.push(" = ");
                self.bind(values.pop());
            }
            _ => {
                self.push(" = ANY (");
                self.bind(values);
                self.push(")");
            }
        }
    }

    fn range<T: Into<Bind>>(&mut self, expression: &str, range: Range<T>) {
        let (from, to) = (range.from, range.to);
        let from = match from {
            Bound::Included(value) => Some((">=", value)),
            Bound::Excluded(value) => Some((">", value)),
            Bound::Unbounded => None,
        };
        let to = match to {
            Bound::Included(value) => Some(("<=", value)),
            Bound::Excluded(value) => Some(("<", value)),
            Bound::Unbounded => None,
        };
        let mut first = true;
        for (sign, value) in from.into_iter().chain(to) {
            self.push(if first { "" } else { " AND " });
            first = false;
            self.push(&format!("{expression} {sign} "));
            self.bind(value);
        }
        if first {
            self.push("TRUE");
        }
    }

    fn number(&mut self, expression: &str, test: &NumberTest) {
        match test {
            NumberTest::OneOf(values) => {
                self.push(&format!("{expression} = ANY ("));
                self.bind(values.clone());
                self.push(")");
            }
            NumberTest::Range(range) => self.range(expression, *range),
        }
    }

    /// `expression` LIKE `part` at the right place; `part` is folded already.
    fn part(&mut self, expression: &str, test: &TextTest) {
        let pattern = match test {
            TextTest::Contains(part) => format!("%{}%", escaped(part)),
            TextTest::StartsWith(part) => format!("{}%", escaped(part)),
            TextTest::EndsWith(part) => format!("%{}", escaped(part)),
            TextTest::OneOf(_) | TextTest::Empty => return self.push("FALSE"),
        };
        self.push(&format!("{expression} LIKE "));
        self.bind(pattern);
    }

    /// `expression` holds the part, wherever it should stand.
    fn contains(&mut self, expression: &str, test: &TextTest) {
        match test {
            TextTest::Contains(part) | TextTest::StartsWith(part) | TextTest::EndsWith(part) => {
                self.part(expression, &TextTest::Contains(part.clone()));
            }
            TextTest::OneOf(_) | TextTest::Empty => self.push("TRUE"),
        }
    }

    // --- fields of the contact ------------------------------------------------------------------

    fn text(&mut self, field: TextField, test: &TextTest) {
        let alias = self.alias;
        let expression = match field {
            TextField::Name => format!(
                "coalesce({alias}.first_name || ' ' || {alias}.last_name, {alias}.first_name, \
                 {alias}.last_name, {alias}.company_name, {alias}.email)"
            ),
            other => self.column(text_column(other)),
        };
        match (field, test) {
            (TextField::Email, TextTest::OneOf(keys)) => {
                let key = self.column("email_key");
                self.one_of(&key, keys.clone());
            }
            (_, TextTest::OneOf(values)) => self.one_of(&expression, values.clone()),
            (_, TextTest::Empty) => self.push(&format!("{expression} IS NULL")),
            (TextField::Phone, part) => self.part(&expression, part),
            (_, part) => {
                if is_searched(field) {
                    // what is in the field is in the search text, which is folded already
                    let search = self.column("search");
                    self.contains(&search, part);
                    self.push(" AND ");
                }
                self.part(&format!("contact_fold({expression})"), part);
            }
        }
    }

    fn birth_date(&mut self, test: &DateTest) {
        let column = self.column("birth_date");
        match test {
            DateTest::OneOf(days) => {
                let days: Vec<String> = days.iter().map(ToString::to_string).collect();
                self.push(&format!("{column} = ANY (CAST("));
                self.bind(days);
                self.push(" AS date[]))");
            }
            DateTest::Range(range) => self.range(&column, *range),
            DateTest::WithinLast(period) => {
                let (from, today) = (period.day_before(self.today), self.today);
                self.range(&column, between(from, today));
            }
            DateTest::Anniversary(period) => {
                let day = format!("to_char({column}, 'MM-DD') COLLATE \"C\"");
                self.anniversary(&column, &day, *period);
            }
            DateTest::Empty => self.push(&format!("{column} IS NULL")),
        }
    }

    fn time(&mut self, field: TimeField, test: &TimeTest) {
        let column = self.column(match field {
            TimeField::CreatedAt => "created_at",
            TimeField::UpdatedAt => "updated_at",
            TimeField::TrashedAt => "trashed_at",
        });
        self.instant(&column, test);
    }

    fn instant(&mut self, column: &str, test: &TimeTest) {
        match test {
            TimeTest::Range(range) => self.range(column, *range),
            TimeTest::WithinLast(period) => {
                let (from, now) = (period.before(self.now), self.now);
                self.range(column, between(from, now));
            }
            TimeTest::Anniversary(period) => {
                let day = format!("to_char({column} AT TIME ZONE 'UTC', 'MM-DD') COLLATE \"C\"");
                self.anniversary(column, &day, *period);
            }
            TimeTest::Empty => self.push(&format!("{column} IS NULL")),
        }
    }

    /// `day` is the `MM-DD` of `whole`, which may be NULL.
    fn anniversary(&mut self, whole: &str, day: &str, period: Period) {
        let ranges = match anniversary_days(period, self.today) {
            AnniversaryDays::All => return self.push(&format!("{whole} IS NOT NULL")),
            AnniversaryDays::Ranges(ranges) => ranges,
        };
        let text = |(month, day): (u32, u32)| format!("{month:02}-{day:02}");
        for (at, (from, to)) in ranges.into_iter().enumerate() {
            self.push(if at > 0 { " OR " } else { "" });
            self.push(&format!("{day} BETWEEN "));
            self.bind(text(from));
            self.push(" AND ");
            self.bind(text(to));
        }
    }

    fn detail(&mut self, name: &str, test: &DetailTest) {
        let name = self.sql.param(name);
        let text = format!("{}.details ->> {name}", self.alias);
        match test {
            DetailTest::Empty => self.push(&format!("coalesce({text}, '') = ''")),
            DetailTest::OneOf { texts, numbers } => self.detail_one_of(&text, texts, numbers),
            DetailTest::Text(part) => self.part(&format!("contact_fold({text})"), part),
            DetailTest::Number(range) => {
                self.detail_number(&text, |this, number| this.range(number, *range));
            }
            DetailTest::Date(test) => self.detail_day(&text, test),
        }
    }

    fn detail_one_of(&mut self, text: &str, texts: &[String], numbers: &[f64]) {
        if !texts.is_empty() {
            self.one_of(&format!("({text})"), texts.to_vec());
        }
        if !texts.is_empty() && !numbers.is_empty() {
            self.push(" OR ");
        }
        if !numbers.is_empty() {
            let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            self.detail_number(text, |this, number| {
                this.push(&format!("{number} = ANY (CAST("));
                this.bind(numbers);
                this.push(" AS float8[]))");
            });
        }
    }

    /// The condition on the number that a text reads as, which the text is read as once.
    fn detail_number(&mut self, text: &str, condition: impl FnOnce(&mut Self, &str)) {
        self.push(&format!("CASE WHEN {text} ~ {NUMBER} THEN "));
        condition(self, &format!("replace({text}, ',', '.')::float8"));
        self.push(" ELSE FALSE END");
    }

    /// Days of details are compared as texts: one that no calendar has must not break the statement. Whether
    /// it is a day at all takes longest and is asked last.
    fn detail_day(&mut self, text: &str, test: &DateTest) {
        let day = format!("left({text}, 10) COLLATE \"C\"");
        self.push("CASE WHEN ");
        match test {
            DateTest::OneOf(days) => {
                let days = days.iter().map(ToString::to_string).collect();
                self.one_of(&format!("({day})"), days);
            }
            DateTest::Range(range) => {
                let text = |day: NaiveDate| day.to_string();
                let range = Range { from: range.from.map(text), to: range.to.map(text) };
                self.range(&format!("({day})"), range);
            }
            DateTest::WithinLast(period) => {
                let from = period.day_before(self.today).to_string();
                self.range(&format!("({day})"), between(from, self.today.to_string()));
            }
            DateTest::Anniversary(period) => {
                let of_year = format!("substr({text}, 6, 5) COLLATE \"C\"");
                self.anniversary(&format!("({text})"), &of_year, *period);
            }
            DateTest::Empty => self.push("FALSE"),
        }
        self.push(&format!(" THEN {text} ~ {DAY} ELSE FALSE END"));
    }

    // --- tables beside the contact --------------------------------------------------------------

    /// `[NOT] EXISTS (SELECT … FROM table t WHERE` with workspace and contact; the caller closes it.
    fn exists(&mut self, negated: bool, table: &str) {
        let (alias, workspace) = (self.alias, self.workspace);
        self.push(if negated { "NOT EXISTS (" } else { "EXISTS (" });
        self.push(&format!(
            "SELECT FROM {table} t WHERE t.workspace_id = {workspace} AND t.contact_id = {alias}.id"
        ));
    }

    /// ` AND column` is one of `ids`; one id is compared plainly, so that the planner knows how common it is.
    fn is_among(&mut self, column: &str, ids: &[Uuid]) {
        match ids {
            [one] => {
                self.push(&format!(" AND {column} = "));
                self.bind(*one);
            }
            many => {
                self.push(&format!(" AND {column} = ANY ("));
                self.bind(many.to_vec());
                self.push(")");
            }
        }
    }

    fn tag(&mut self, test: &TagTest, negated: bool) {
        self.exists(negated, "contact_tags");
        if let Some(keys) = &test.keys {
            // a tag nobody made is on nobody
            let ids: Vec<Uuid> = keys.iter().filter_map(|key| self.names.tag(key)).collect();
            self.is_among("t.tag_id", &ids);
        }
        if let Some(ScoreTest { test, negated }) = &test.score {
            self.push(" AND ");
            self.unless(*negated, |this| this.number("t.score", test));
        }
        self.push(")");
    }

    fn tag_count(&mut self, test: &NumberTest, negated: bool) {
        // with any tag, or with none: no counting
        if let Some(any) = any_tag(test) {
            self.exists(any == negated, "contact_tags");
            return self.push(")");
        }
        let (alias, workspace) = (self.alias, self.workspace);
        if self.extent == Extent::Few {
            let count = format!(
                "(SELECT count(*) FROM contact_tags t WHERE t.workspace_id = {workspace} AND t.contact_id = {alias}.id)"
            );
            return self.unless(negated, |this| this.number(&count, test));
        }
        // Counted for all at once. Who has none is not among them: where none is meant too, it is those whom
        // the number is not of that are left out.
        let none = number_meets(0, test) != negated;
        self.push(if none { "NOT EXISTS (" } else { "EXISTS (" });
        self.push(&format!(
            "SELECT FROM (SELECT n.contact_id FROM contact_tags n WHERE n.workspace_id = {workspace} \
             GROUP BY n.contact_id HAVING "
        ));
        self.push(if none == negated { "(" } else { "NOT (" });
        self.number("count(*)", test);
        self.push(&format!(")) AS t WHERE t.contact_id = {alias}.id)"));
    }

    fn consent(&mut self, purpose: &str, states: &[ConsentState]) {
        let has = |state| states.contains(&state);
        // never: there is no row; so every set is one EXISTS or its opposite
        let never = has(ConsentState::Never);
        let rows =
            match (has(ConsentState::Granted) != never, has(ConsentState::Withdrawn) != never) {
                (true, true) => "",
                (true, false) => " AND t.granted",
                (false, true) => " AND NOT t.granted",
                (false, false) => return self.push(if never { "TRUE" } else { "FALSE" }),
            };
        let ids: Vec<Uuid> = self.names.purpose(purpose).into_iter().collect();
        self.exists(never, "consents");
        self.is_among("t.purpose_id", &ids);
        self.push(rows);
        self.push(")");
    }

    /// There is a last word, it is one of these, and was said then: what was never said was said at no time.
    fn consent_at(&mut self, purpose: &str, states: &[ConsentState], said: &AtTest, negated: bool) {
        let has = |state| states.contains(&state);
        let rows = match (has(ConsentState::Granted), has(ConsentState::Withdrawn)) {
            (true, true) => "",
            (true, false) => " AND t.granted",
            (false, true) => " AND NOT t.granted",
            (false, false) => return self.push(if negated { "TRUE" } else { "FALSE" }),
        };
        let ids: Vec<Uuid> = self.names.purpose(purpose).into_iter().collect();
        self.exists(negated, "consents");
        self.is_among("t.purpose_id", &ids);
        self.push(rows);
        self.push(" AND ");
        self.unless(said.negated, |this| this.instant("t.at", &said.test));
        self.push(")");
    }

    fn status(&mut self, channel: Channel, states: &[ChannelStatus]) {
        self.push("(");
        for (at, state) in states.iter().enumerate() {
            self.push(if at > 0 { " OR " } else { "" });
            self.one_status(channel, *state);
        }
        self.push(if states.is_empty() { "FALSE)" } else { ")" });
    }

    fn one_status(&mut self, channel: Channel, state: ChannelStatus) {
        let invalid = self.column("email_invalid_at");
        match (channel, state) {
            (Channel::Email, ChannelStatus::Invalid) => {
                return self.push(&format!("{invalid} IS NOT NULL"));
            }
            (_, ChannelStatus::Invalid) => return self.push("FALSE"),
            (Channel::Email, _) => self.push(&format!("({invalid} IS NULL AND ")),
            _ => self.push("("),
        }
        match state {
            ChannelStatus::OptIn => self.channel_words(channel, false, " AND t.granted"),
            ChannelStatus::OptOut => {
                self.channel_words(channel, false, "");
                self.push(" AND ");
                self.channel_words(channel, true, " AND t.granted");
            }
            ChannelStatus::None => self.channel_words(channel, true, ""),
            ChannelStatus::Invalid => {}
        }
        self.push(")");
    }

    /// There are, or are not, last words on purposes of the channel.
    fn channel_words(&mut self, channel: Channel, negated: bool, further: &str) {
        let ids = self.names.purposes_of(channel);
        self.exists(negated, "consents");
        self.is_among("t.purpose_id", &ids);
        self.push(further);
        self.push(")");
    }

    fn communication(&mut self, states: &[Display]) {
        let (subscribed, muted) = (self.column("subscribed"), self.column("muted"));
        let condition = |state: &Display| match state {
            Display::Muted => muted.clone(),
            Display::Unsubscribed => format!("NOT {muted} AND NOT {subscribed}"),
            Display::Subscribed => format!("NOT {muted} AND {subscribed}"),
        };
        let conditions: Vec<String> = states.iter().map(condition).collect();
        let text = if conditions.is_empty() { "FALSE".into() } else { conditions.join(" OR ") };
        self.push(&format!("({text})"));
    }

    /// The tables of links all have the workspace, the contact and an id.
    fn linked(&mut self, link: Link, ids: Option<&[Uuid]>, negated: bool) {
        let (table, column) = link_table(link);
        self.exists(negated, table);
        if let Some(ids) = ids {
            self.is_among(&format!("t.{column}"), ids);
        }
        self.push(")");
    }

    /// Contacts made by a row have the id the row's number gives; the others are named by the row.
    fn import(&mut self, imports: &[ImportId], negated: bool) {
        let (alias, workspace) = (self.alias, self.workspace);
        let ids: Vec<Uuid> = imports.iter().map(|import| import.0).collect();
        let made = self.names.made_by(imports);
        let large = made.iter().map(|made| made.rows).sum::<i64>() > LARGE_IMPORTS;
        if large {
            return self.large_import(ids, made, negated);
        }
        self.push(if negated { "NOT EXISTS (" } else { "EXISTS (" });
        self.push(&format!(
            "SELECT FROM imports i JOIN import_rows r ON r.workspace_id = i.workspace_id \
             AND r.import_id = i.id AND r.row <= i.applied_row \
             WHERE i.workspace_id = {workspace} AND r.workspace_id = {workspace} AND i.id = ANY ("
        ));
        self.bind(ids);
        self.push(&format!(
            ") AND {alias}.id = CASE r.outcome \
             WHEN 'create' THEN import_row_id(floor(extract(epoch FROM i.committed_at) * 1000)::bigint, i.id_salt, r.row) \
             WHEN 'update' THEN r.contact_id WHEN 'restore' THEN r.contact_id END)"
        ));
    }

    /// To work out the ids of a million rows takes seconds; whether an id is one of them can be seen from it:
    /// its time, its row and its salt.
    fn large_import(&mut self, ids: Vec<Uuid>, made: Vec<&Made>, negated: bool) {
        let (alias, workspace) = (self.alias, self.workspace);
        self.push(if negated { "(NOT (FALSE" } else { "((FALSE" });
        for made in made {
            self.push(" OR (");
            self.range(&format!("{alias}.id"), between(made.first, made.last));
            self.push(&format!(" AND substring(uuid_send({alias}.id) FROM 12) = "));
            self.bind(made.salt.to_be_bytes()[3..].to_vec());
            self.push(&format!(" AND (get_byte(uuid_send({alias}.id), 10) & 3) = "));
            self.bind(i32::from(made.salt.to_be_bytes()[2] & 3));
            self.push(")");
        }
        self.push(if negated { ") AND NOT EXISTS (" } else { ") OR EXISTS (" });
        self.push(&format!(
            "SELECT FROM imports i JOIN import_rows r ON r.workspace_id = {workspace} \
             AND r.import_id = i.id AND r.row <= i.applied_row \
             WHERE i.workspace_id = {workspace} AND i.id = ANY ("
        ));
        self.bind(ids);
        self.push(&format!(
            ") AND r.outcome IN ('update', 'restore') AND r.contact_id = {alias}.id))"
        ));
    }
}

/// Those of `states`, or all the others.
fn set<T: Copy + PartialEq>(all: &[T], states: &[T], negated: bool) -> Vec<T> {
    all.iter().copied().filter(|state| states.contains(state) != negated).collect()
}

const fn between<T>(from: T, to: T) -> Range<T> {
    Range { from: Bound::Included(from), to: Bound::Included(to) }
}

/// Whether the numbers that are meant are all but nought, or nought alone; `None` when they are others.
fn any_tag(test: &NumberTest) -> Option<bool> {
    use Bound::{Excluded, Included, Unbounded};
    match test {
        NumberTest::OneOf(values) if values.iter().all(|value| *value == 0) => {
            (!values.is_empty()).then_some(false)
        }
        NumberTest::OneOf(_) => None,
        NumberTest::Range(Range { from: Included(1) | Excluded(0), to: Unbounded }) => Some(true),
        NumberTest::Range(Range { from: Unbounded, to: Included(0) | Excluded(1) }) => Some(false),
        NumberTest::Range(_) => None,
    }
}

fn number_meets(number: i64, test: &NumberTest) -> bool {
    match test {
        NumberTest::OneOf(values) => values.contains(&number),
        NumberTest::Range(range) => range.holds(&number),
    }
}

/// A text in which LIKE sees no wildcards.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '%' | '_') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Fields that `contacts.search` is made of.
const fn is_searched(field: TextField) -> bool {
    matches!(
        field,
        TextField::FirstName
            | TextField::LastName
            | TextField::Name
            | TextField::Email
            | TextField::CompanyName
    )
}

/// Where a link is kept, and the column that says to what.
const fn link_table(link: Link) -> (&'static str, &'static str) {
    match link {
        Link::Owner => ("contact_owners", "user_id"),
        Link::Company => ("company_contacts", "company_id"),
        Link::Opportunity => ("opportunity_contacts", "opportunity_id"),
        Link::Project => ("project_contacts", "project_id"),
    }
}

const fn word_column(field: WordField) -> &'static str {
    match field {
        WordField::State => "state",
        WordField::Gender => "gender",
        WordField::Origin => "origin",
    }
}

const fn text_column(field: TextField) -> &'static str {
    match field {
        TextField::FirstName => "first_name",
        TextField::LastName | TextField::Name => "last_name",
        TextField::TitleBefore => "title_before",
        TextField::TitleAfter => "title_after",
        TextField::CompanyName => "company_name",
        TextField::JobTitle => "job_title",
        TextField::Email => "email",
        TextField::Phone => "phone",
        TextField::ExternalId => "external_id",
        TextField::Street => "street",
        TextField::City => "city",
        TextField::PostalCode => "postal_code",
        TextField::Region => "region",
        TextField::Country => "country",
        TextField::Language => "language",
        TextField::TimeZone => "time_zone",
    }
}

#[cfg(test)]
mod tests;
