//! Calls, meetings, tasks, letters and e-mails, done or planned (CON-14).

use chrono::{DateTime, Datelike, SubsecRound, Utc};
use uuid::Uuid;

use crate::codes::Code;
use crate::companies::{check_year, lay};
use crate::contacts::fold::fold;
use crate::contacts::patch::Patch;
use crate::faults::Fault;
use crate::ids::ContactId;
use crate::segments::fields::one_line;

/// Contacts of one activity.
pub const MAX_CONTACTS: usize = 100;

/// What kind of thing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A call.
    Call,
    /// A meeting.
    Meeting,
    /// Something to be done.
    Task,
    /// A letter.
    Letter,
    /// An e-mail.
    Email,
}

impl Kind {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::Call, Self::Meeting, Self::Task, Self::Letter, Self::Email];

    /// The word in the database and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Meeting => "meeting",
            Self::Task => "task",
            Self::Letter => "letter",
            Self::Email => "email",
        }
    }

    /// The way back from [`Kind::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

/// What is kept of an activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// What kind of thing it is.
    pub kind: Kind,
    /// What it is about, in one line.
    pub subject: String,
    /// What it is about.
    pub text: Option<String>,
    /// When it starts.
    pub starts_at: Option<DateTime<Utc>>,
    /// Until when it is to be done.
    pub due_at: Option<DateTime<Utc>>,
    /// When it was done; `None` while it is planned.
    pub done_at: Option<DateTime<Utc>>,
    /// What came of it, in words of the workspace.
    pub result: Option<String>,
    /// Whom it is about, in order, each once.
    pub contacts: Vec<ContactId>,
    /// The company it is about.
    pub company_id: Option<Uuid>,
    /// The opportunity it is about.
    pub opportunity_id: Option<Uuid>,
    /// The project it is about.
    pub project_id: Option<Uuid>,
}

/// What a request says about an activity.
#[derive(Clone, Debug, Default)]
pub struct ActivityPatch {
    /// What kind of thing it is.
    pub kind: Option<Kind>,
    /// What it is about, in one line.
    pub subject: Option<String>,
    /// What it is about.
    pub text: Patch<String>,
    /// When it starts.
    pub starts_at: Patch<DateTime<Utc>>,
    /// Until when it is to be done.
    pub due_at: Patch<DateTime<Utc>>,
    /// When it was done.
    pub done_at: Patch<DateTime<Utc>>,
    /// What came of it.
    pub result: Patch<String>,
    /// Whom it is about: the whole set.
    pub contacts: Option<Vec<ContactId>>,
    /// The company it is about.
    pub company_id: Patch<Uuid>,
    /// The opportunity it is about.
    pub opportunity_id: Patch<Uuid>,
    /// The project it is about.
    pub project_id: Patch<Uuid>,
}

impl ActivityPatch {
    /// Lays the patch over an activity.
    ///
    /// # Errors
    /// All faults at once.
    pub fn apply(&self, activity: &mut Activity) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        let mut after = activity.clone();
        after.kind = self.kind.unwrap_or(after.kind);
        if let Some(subject) = &self.subject {
            after.subject = one_line(subject);
            if after.subject.is_empty() {
                let detail = "A subject has at least one letter.";
                faults.push(Fault::new("#/subject", Code::TooShort, detail));
            }
        }
        lay(&mut after.text, &self.text, |text| Ok(text.trim().to_owned()), "text", &mut faults);
        lay(&mut after.result, &self.result, |text| Ok(one_line(text)), "result", &mut faults);
        for (name, patch, field) in [
            ("starts_at", &self.starts_at, &mut after.starts_at),
            ("due_at", &self.due_at, &mut after.due_at),
            ("done_at", &self.done_at, &mut after.done_at),
        ] {
            patch.clone().apply_to(field);
            check_year(field.map(|instant| instant.year()), name, &mut faults);
            // PostgreSQL keeps microseconds
            *field = field.map(|instant| instant.trunc_subsecs(6));
        }
        for (patch, field) in [
            (&self.company_id, &mut after.company_id),
            (&self.opportunity_id, &mut after.opportunity_id),
            (&self.project_id, &mut after.project_id),
        ] {
            patch.clone().apply_to(field);
        }
        if let Some(contacts) = &self.contacts {
            after.contacts.clone_from(contacts);
            after.contacts.sort_unstable();
            after.contacts.dedup();
        }
        if after.contacts.len() > MAX_CONTACTS {
            let detail = format!("At most {MAX_CONTACTS} contacts.");
            faults.push(Fault::new("#/contact_ids", Code::TooMany, detail));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        *activity = after;
        Ok(())
    }
}

impl Activity {
    /// One of which nothing is known yet.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            subject: String::new(),
            text: None,
            starts_at: None,
            due_at: None,
            done_at: None,
            result: None,
            contacts: Vec::new(),
            company_id: None,
            opportunity_id: None,
            project_id: None,
        }
    }

    /// The instant it is listed at.
    #[must_use]
    pub fn at(&self, created_at: DateTime<Utc>) -> DateTime<Utc> {
        self.starts_at.or(self.due_at).or(self.done_at).unwrap_or(created_at)
    }

    /// What a search looks through, folded.
    #[must_use]
    pub fn search(&self) -> String {
        fold(&format!("{} {}", self.subject, self.result.as_deref().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// CON-14
    #[test]
    fn an_activity_is_listed_when_it_happens() {
        let made = at("2026-05-01T10:00:00Z");
        let mut activity = Activity::new(Kind::Task);
        assert_eq!(activity.at(made), made);
        let mut say = |patch: ActivityPatch| {
            patch.apply(&mut activity).unwrap();
            activity.at(made)
        };
        let done = Patch::Set(at("2026-05-04T10:00:00Z"));
        let patch = ActivityPatch { done_at: done, ..ActivityPatch::default() };
        assert_eq!(say(patch), at("2026-05-04T10:00:00Z"));
        let due = Patch::Set(at("2026-05-03T10:00:00Z"));
        let patch = ActivityPatch { due_at: due, ..ActivityPatch::default() };
        assert_eq!(say(patch), at("2026-05-03T10:00:00Z"));
        let starts = Patch::Set(at("2026-05-02T10:00:00.123456789Z"));
        let patch = ActivityPatch { starts_at: starts, ..ActivityPatch::default() };
        assert_eq!(say(patch), at("2026-05-02T10:00:00.123456Z"));
    }

    /// CON-14
    #[test]
    fn contacts_stand_once_and_are_bounded() {
        let id = |n: u128| ContactId(Uuid::from_u128(n));
        let mut activity = Activity::new(Kind::Call);
        let of =
            |ids: Vec<ContactId>| ActivityPatch { contacts: Some(ids), ..ActivityPatch::default() };
        of(vec![id(2), id(1), id(2)]).apply(&mut activity).unwrap();
        assert_eq!(activity.contacts, [id(1), id(2)]);
        let many: Vec<ContactId> = (0..101).map(id).collect();
        assert_eq!(of(many).apply(&mut activity).unwrap_err()[0].pointer, "#/contact_ids");
        assert_eq!(activity.contacts.len(), 2);
        let ancient = Patch::Set(at("0001-01-01T00:00:00+02:00"));
        let patch = ActivityPatch { due_at: ancient, ..ActivityPatch::default() };
        assert_eq!(patch.apply(&mut activity).unwrap_err()[0].pointer, "#/due_at");
        for kind in Kind::ALL {
            assert_eq!(Kind::from_word(kind.as_str()), Some(*kind));
        }
    }
}
