//! What may start a rule or scenario (SCN-4), and what each may do (SCN-1): words, parameters, and what these mean.
//! One table for reading, for the published schema, and for whoever carries it out.

use crate::consents::ledger::Channel;

/// What a parameter is about that only the database knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A person who may own contacts.
    User,
    /// A receiver of events.
    Webhook,
    /// A sales funnel.
    Funnel,
    /// A stage of a sales funnel.
    Stage,
}

/// The form of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text that is not blank, of at most so many characters.
    Text(usize),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number from the first to the second.
    Integer(i64, i64),
    /// Yes or no.
    Flag,
    /// The name of a tag.
    Tag,
    /// Names of tags.
    TagNames,
    /// Names of tags, each with a score if it is said.
    Tags,
    /// The name of a detail.
    Detail,
    /// Text, a number, or yes or no.
    DetailValue,
    /// The name of a purpose of consent of this channel.
    Purpose(Channel),
    /// The id of something.
    Id(Thing),
    /// An ISO 8601 duration.
    Period,
    /// A time of day, `HH:MM`.
    TimeOfDay,
    /// `birth_date` or `detail:NAME`.
    DateField,
}

/// A parameter.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name in JSON.
    pub name: &'static str,
    /// What it looks like.
    pub form: Form,
    /// Whether it must be said.
    pub required: bool,
    /// What it means, in words.
    pub meaning: &'static str,
    /// An example, as JSON.
    pub example: &'static str,
}

/// An event or an action.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its word (`type`).
    pub word: &'static str,
    /// What it is, in words.
    pub meaning: &'static str,
    /// Its parameters.
    pub params: &'static [Param],
}

const fn must(
    name: &'static str,
    form: Form,
    example: &'static str,
    meaning: &'static str,
) -> Param {
    Param { name, form, required: true, meaning, example }
}

const fn may(
    name: &'static str,
    form: Form,
    example: &'static str,
    meaning: &'static str,
) -> Param {
    Param { name, form, required: false, meaning, example }
}

const fn entry(word: &'static str, meaning: &'static str, params: &'static [Param]) -> Entry {
    Entry { word, meaning, params }
}

const ID: &str = r#""0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10""#;
/// Words of `contacts::owners::Level`.
const LEVELS: &[&str] = &["main", "co_owner", "read_only"];
/// Words of `consents::ledger::LegalBasis`.
const LEGAL_BASES: &[&str] = &[
    "consent",
    "contract",
    "legitimate_interest",
    "legal_obligation",
    "vital_interests",
    "public_task",
];
/// Words of `contacts::contact::State`.
const STATES: &[&str] = &["prospect", "customer", "partner"];
/// Words of `consents::gate::Kind`.
const KINDS: &[&str] = &["marketing", "transactional"];
/// Characters of a note.
const NOTE: usize = 1_024;
const SCORE: i64 = crate::tags::MAX_SCORE;

/// Events that may start a rule or scenario (SCN-4). Where the outbox has a word for it, it is that one. Those are told so
/// far, as far as they go through `outbox::record_starting`; the others are for whatever takes up runs to have told.
pub const EVENTS: &[Entry] = &[
    entry("contact.created", "A contact was made.", &[]),
    entry(
        "contact.tag_added",
        "A tag was put on the contact.",
        &[may("tag", Form::Tag, r#""vip""#, "Only this tag; any when it is absent.")],
    ),
    entry("contact.note_added", "A note was written about the contact.", &[]),
    entry("contact.email_opted_out", "The contact takes no e-mail any more.", &[]),
    entry("contact.mobile_opted_out", "The contact takes no short messages any more.", &[]),
    entry("contact.subscribed", "The contact takes marketing again.", &[]),
    entry(
        "contact.stage_entered",
        "The contact was put into a stage of a funnel.",
        &[
            may("stage_id", Form::Id(Thing::Stage), ID, "Only this stage; any when it is absent."),
            may("funnel_id", Form::Id(Thing::Funnel), ID, "Only stages of this funnel."),
        ],
    ),
    entry(
        "contact.owner_assigned",
        "The contact was given an owner.",
        &[may("user_id", Form::Id(Thing::User), ID, "Only this person; any when it is absent.")],
    ),
    entry("booking.made", "The contact made a booking.", &[]),
    entry("booking.cancelled", "A booking of the contact was cancelled.", &[]),
    entry(
        "booking.upcoming",
        "A booking of the contact is near.",
        &[must("before", Form::Period, r#""P1D""#, "How long before it begins.")],
    ),
    entry(
        "event.custom",
        "An event of a type of your own came in for the contact.",
        &[must("name", Form::Text(100), r#""viewed_price_list""#, "The type of the event.")],
    ),
    entry(
        "date.reached",
        "A day that a field of the contact names has come.",
        &[
            must(
                "field",
                Form::DateField,
                r#""birth_date""#,
                "`birth_date`, or `detail:NAME` for a detail that holds a day.",
            ),
            may(
                "offset_days",
                Form::Integer(-365, 365),
                "-7",
                "So many days after that day; before it when negative. 0 when absent.",
            ),
            may("anniversary", Form::Flag, "true", "Each year again; once when absent."),
            may(
                "at",
                Form::TimeOfDay,
                r#""09:00""#,
                "At this time of day, where the contact is; 09:00 when absent.",
            ),
        ],
    ),
];

/// Whether an event is about bookings: contacts of another origin than `booking` never start by it themselves (SCN-9).
#[must_use]
pub fn is_of_bookings(event: &str) -> bool {
    event.starts_with("booking.")
}

const KIND_OF_MESSAGE: Param = may(
    "kind",
    Form::Word(KINDS),
    r#""marketing""#,
    "`marketing` when absent; `transactional` also goes to who takes no marketing.",
);
const FOR_EMAIL: Param = may(
    "purpose",
    Form::Purpose(Channel::Email),
    r#""email_basic""#,
    "The purpose whose consent is needed, one of e-mail; that of e-mail when absent.",
);
const FOR_SMS: Param = may(
    "purpose",
    Form::Purpose(Channel::Sms),
    r#""sms_basic""#,
    "The purpose whose consent is needed, one of short messages; that of short messages when absent.",
);

/// What a rule or scenario may do (SCN-1). Where the contact manager does the same, its word is the same. Its parameters
/// are too, but for what only somebody who asks at the moment can mean: a definition names owners by id and a funnel
/// always, as it stays while people and funnels come and go, and writes no private notes, which nobody would see.
pub const ACTIONS: &[Entry] = &[
    entry(
        "add_tags",
        "Puts tags on the contact; those that are missing are made.",
        &[must("tags", Form::Tags, r#"[{"name": "vip", "score": 5}]"#, "The tags.")],
    ),
    entry(
        "remove_tags",
        "Takes tags off the contact.",
        &[must("tags", Form::TagNames, r#"["vip"]"#, "Their names.")],
    ),
    entry(
        "set_detail",
        "Gives a detail of the contact a value.",
        &[
            must("name", Form::Detail, r#""shoe_size""#, "The name of the detail."),
            must("value", Form::DetailValue, r#""43""#, "The value."),
        ],
    ),
    entry(
        "remove_detail",
        "Removes a detail of the contact.",
        &[must("name", Form::Detail, r#""shoe_size""#, "The name of the detail.")],
    ),
    entry(
        "set_score",
        "Sets the score of the contact.",
        &[must("score", Form::Integer(-SCORE, SCORE), "10", "The score.")],
    ),
    entry(
        "change_score",
        "Adds to the score of the contact.",
        &[must("by", Form::Integer(-SCORE, SCORE), "5", "How much; negative takes away.")],
    ),
    entry(
        "set_state",
        "Sets the state of the business relation.",
        &[must("state", Form::Word(STATES), r#""customer""#, "The state.")],
    ),
    entry(
        "add_to_stage",
        "Puts the contact into a stage of a funnel.",
        &[must("stage_id", Form::Id(Thing::Stage), ID, "The stage.")],
    ),
    entry(
        "remove_from_funnel",
        "Takes the contact out of a stage, or out of all stages of a funnel.",
        &[
            must("funnel_id", Form::Id(Thing::Funnel), ID, "The funnel."),
            may("stage_id", Form::Id(Thing::Stage), ID, "Only this stage; all when it is absent."),
        ],
    ),
    entry(
        "set_email_opt_in",
        "Writes down that the contact agreed to e-mail.",
        &[
            must("legal_basis", Form::Word(LEGAL_BASES), r#""consent""#, "What it stands on."),
            may(
                "purpose",
                Form::Purpose(Channel::Email),
                r#""email_basic""#,
                "The purpose, one of e-mail; that of e-mail when absent.",
            ),
        ],
    ),
    entry("set_email_opt_out", "Writes down that the contact takes no e-mail any more.", &[]),
    entry(
        "set_mobile_opt_in",
        "Writes down that the contact agreed to short messages.",
        &[
            must("legal_basis", Form::Word(LEGAL_BASES), r#""consent""#, "What it stands on."),
            may(
                "purpose",
                Form::Purpose(Channel::Sms),
                r#""sms_basic""#,
                "The purpose, one of short messages; that of short messages when absent.",
            ),
        ],
    ),
    entry(
        "set_mobile_opt_out",
        "Writes down that the contact takes no short messages any more.",
        &[],
    ),
    entry(
        "assign_owner",
        "Makes a person an owner of the contact.",
        &[
            must("user_id", Form::Id(Thing::User), ID, "The person."),
            must("level", Form::Word(LEVELS), r#""co_owner""#, "What the person may do."),
        ],
    ),
    entry(
        "remove_owner",
        "Takes a person from the owners of the contact; never the last one.",
        &[must("user_id", Form::Id(Thing::User), ID, "The person.")],
    ),
    entry(
        "add_note",
        "Writes a note about the contact.",
        &[must("text", Form::Text(NOTE), r#""Came to the shop.""#, "What it says.")],
    ),
    entry(
        "send_email",
        "Sends the contact an e-mail, when a message may go to it.",
        &[
            must("subject", Form::Text(200), r#""Welcome""#, "Its subject."),
            must("text", Form::Text(20_000), r#""Thank you for your visit.""#, "What it says."),
            KIND_OF_MESSAGE,
            FOR_EMAIL,
        ],
    ),
    entry(
        "send_sms",
        "Sends the contact a short message, when one may go to it.",
        &[
            must("text", Form::Text(918), r#""See you tomorrow.""#, "What it says."),
            KIND_OF_MESSAGE,
            FOR_SMS,
        ],
    ),
    entry(
        "call_webhook",
        "Tells a webhook of the contact.",
        &[must("webhook_id", Form::Id(Thing::Webhook), ID, "The webhook.")],
    ),
];

/// The entry with this word.
#[must_use]
pub fn find<'e>(entries: &'e [Entry], word: &str) -> Option<&'e Entry> {
    entries.iter().find(|entry| entry.word == word)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::consents::gate;
    use crate::consents::ledger::LegalBasis;
    use crate::contacts::contact::State;
    use crate::contacts::owners::Level;

    /// SCN-1, SCN-4: one word, one meaning; the words of other rooms are theirs.
    #[test]
    fn words_are_unique_and_those_of_their_rooms() {
        for table in [EVENTS, ACTIONS] {
            let words: HashSet<_> = table.iter().map(|entry| entry.word).collect();
            assert_eq!(words.len(), table.len());
            for entry in table {
                let names: HashSet<_> = entry.params.iter().map(|param| param.name).collect();
                assert_eq!(names.len(), entry.params.len(), "{}", entry.word);
                assert!(!names.contains("type") && !names.contains("delay"), "{}", entry.word);
            }
        }
        let levels: Vec<_> = Level::ALL.iter().map(|level| level.as_str()).collect();
        assert_eq!(levels, LEVELS);
        let bases: Vec<_> = LegalBasis::ALL.iter().map(|basis| basis.as_str()).collect();
        assert_eq!(bases, LEGAL_BASES);
        let states: Vec<_> = State::ALL.iter().map(|state| state.as_str()).collect();
        assert_eq!(states, STATES);
        let kinds: Vec<_> = gate::Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(kinds, KINDS);
    }

    /// SCN-9
    #[test]
    fn bookings_are_told_from_all_other_events() {
        let of: Vec<_> = EVENTS.iter().filter(|event| is_of_bookings(event.word)).collect();
        let words: Vec<_> = of.iter().map(|event| event.word).collect();
        assert_eq!(words, ["booking.made", "booking.cancelled", "booking.upcoming"]);
    }
}
