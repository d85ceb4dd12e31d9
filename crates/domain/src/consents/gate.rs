//! May this message go to this contact? The only place that answers.
//!
//! Every sender asks here and nothing else decides (requirements, "One decision"). The answer is yes, or
//! *all* reasons why not, in a fixed order, so that a screen can show them and a test can name them.

use super::ledger::Channel;

/// What kind of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Advertising: needs consent and subscription.
    Marketing,
    /// Part of what the contact ordered: only a mute and a bad address stop it (EVT-5, EVT-6).
    Transactional,
}

impl Kind {
    /// All kinds.
    pub const ALL: &'static [Self] = &[Self::Marketing, Self::Transactional];

    /// The word in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Marketing => "marketing",
            Self::Transactional => "transactional",
        }
    }

    /// The kind with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

/// Why a message may not go. The order of the variants is the order of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The contact is deleted.
    InTrash,
    /// The contact wants no message at all.
    Muted,
    /// There is nowhere to send to.
    NoAddress,
    /// The address bounced hard.
    InvalidAddress,
    /// The address is on the suppression list (CNS-8).
    Suppressed,
    /// The contact wants no marketing.
    Unsubscribed,
    /// The purpose is not granted (CNS-1).
    NoConsent,
}

impl Reason {
    /// All reasons, in order.
    pub const ALL: &'static [Self] = &[
        Self::InTrash,
        Self::Muted,
        Self::NoAddress,
        Self::InvalidAddress,
        Self::Suppressed,
        Self::Unsubscribed,
        Self::NoConsent,
    ];

    /// The word in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InTrash => "in_trash",
            Self::Muted => "muted",
            Self::NoAddress => "no_address",
            Self::InvalidAddress => "invalid_address",
            Self::Suppressed => "suppressed",
            Self::Unsubscribed => "unsubscribed",
            Self::NoConsent => "no_consent",
        }
    }
}

/// Where the message would go on its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// The contact has none.
    None,
    /// There is one.
    Known {
        /// It bounced hard.
        invalid: bool,
        /// Its keyed hash is on the suppression list.
        suppressed: bool,
    },
}

/// All the gate looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The contact is in the trash.
    pub in_trash: bool,
    /// The contact is muted.
    pub muted: bool,
    /// Its address on the channel.
    pub address: Address,
    /// The contact takes marketing.
    pub subscribed: bool,
    /// The purpose of the message is granted.
    pub granted: bool,
}

/// The decision: empty means yes, otherwise all reasons in order.
#[must_use]
pub fn can_send(standing: &Standing, kind: Kind) -> Vec<Reason> {
    let Standing { in_trash, muted, address, subscribed, granted } = *standing;
    let (no_address, invalid, suppressed) = match address {
        Address::None => (true, false, false),
        Address::Known { invalid, suppressed } => (false, invalid, suppressed),
    };
    let marketing = kind == Kind::Marketing;
    [
        (in_trash, Reason::InTrash),
        (muted, Reason::Muted),
        (no_address, Reason::NoAddress),
        (invalid, Reason::InvalidAddress),
        (suppressed, Reason::Suppressed),
        (marketing && !subscribed, Reason::Unsubscribed),
        (marketing && !granted, Reason::NoConsent),
    ]
    .into_iter()
    .filter_map(|(holds, reason)| holds.then_some(reason))
    .collect()
}

/// Whether a contact with these fields can be reached on the channel at all. A letter needs a town; a
/// village may have no streets.
#[must_use]
pub fn has_address(channel: Channel, email: bool, phone: bool, city: bool) -> bool {
    match channel {
        Channel::Email => email,
        Channel::Sms => phone,
        Channel::Post => city,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLEAR: Standing = Standing {
        in_trash: false,
        muted: false,
        address: Address::Known { invalid: false, suppressed: false },
        subscribed: true,
        granted: true,
    };

    /// CNS-1, EVT-5, EVT-6: each obstacle alone.
    #[test]
    fn each_obstacle_alone_has_its_reason() {
        use Reason::*;
        let known = |invalid, suppressed| Address::Known { invalid, suppressed };
        for (standing, marketing, transactional) in [
            (CLEAR, vec![], vec![]),
            (Standing { in_trash: true, ..CLEAR }, vec![InTrash], vec![InTrash]),
            (Standing { muted: true, ..CLEAR }, vec![Muted], vec![Muted]),
            (Standing { address: Address::None, ..CLEAR }, vec![NoAddress], vec![NoAddress]),
            (
                Standing { address: known(true, false), ..CLEAR },
                vec![InvalidAddress],
                vec![InvalidAddress],
            ),
            (Standing { address: known(false, true), ..CLEAR }, vec![Suppressed], vec![Suppressed]),
            (Standing { subscribed: false, ..CLEAR }, vec![Unsubscribed], vec![]),
            (Standing { granted: false, ..CLEAR }, vec![NoConsent], vec![]),
        ] {
            assert_eq!(can_send(&standing, Kind::Marketing), marketing);
            assert_eq!(can_send(&standing, Kind::Transactional), transactional);
        }
    }

    /// CNS-1: whatever comes together, all reasons are told, in the fixed order, and no others.
    #[test]
    fn every_combination_tells_all_its_reasons_in_order() {
        let order = |reason: &Reason| Reason::ALL.iter().position(|known| known == reason);
        for bits in 0_u8..128 {
            let bit = |n: u8| bits & (1 << n) != 0;
            let address = if bit(2) {
                Address::None
            } else {
                Address::Known { invalid: bit(3), suppressed: bit(4) }
            };
            let standing = Standing {
                in_trash: bit(0),
                muted: bit(1),
                address,
                subscribed: !bit(5),
                granted: !bit(6),
            };
            for kind in Kind::ALL.iter().copied() {
                let reasons = can_send(&standing, kind);
                assert!(reasons.is_sorted_by_key(order), "{standing:?}");
                for (n, reason) in Reason::ALL.iter().enumerate() {
                    let n = u8::try_from(n).unwrap();
                    let applies = match reason {
                        Reason::InvalidAddress | Reason::Suppressed => bit(n) && !bit(2),
                        Reason::Unsubscribed | Reason::NoConsent => {
                            bit(n) && kind == Kind::Marketing
                        }
                        Reason::InTrash | Reason::Muted | Reason::NoAddress => bit(n),
                    };
                    assert_eq!(reasons.contains(reason), applies, "{standing:?} {kind:?}");
                }
            }
        }
    }
}
