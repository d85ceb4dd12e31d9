//! The numbering plans of libphonenumber, with its patterns anchored at both ends.
//!
//! The crate matches them at the front only and behind one lock for all threads; here each plan is
//! compiled when it is first needed and then shared.

use std::sync::OnceLock;

use phonenumber::metadata::{DATABASE, Descriptor, Metadata};
use regex::Regex;

use super::MAX_DIGITS;

/// What libphonenumber knows about the numbers of one country code.
pub(super) struct Plan {
    pub(super) code: u16,
    /// The trunk prefix of the main country with this code.
    pub(super) trunk: Option<&'static str>,
    /// For each region: the general pattern, and the patterns of all kinds of numbers in one.
    patterns: Vec<(Regex, Regex)>,
    /// Lengths of fixed and mobile numbers, without the short ones of single towns and services.
    lengths: Vec<usize>,
}

impl Plan {
    /// The plan whose code the digits begin with, and the digits behind it.
    pub(super) fn of(digits: &str) -> Option<(&'static Self, &str)> {
        (1..=3).find_map(|length| {
            let (code, national) = digits.split_at_checked(length)?;
            Some((Self::by_code(code.parse().ok().filter(|_| !code.starts_with('0'))?)?, national))
        })
    }

    pub(super) fn by_code(code: u16) -> Option<&'static Self> {
        static PLANS: [OnceLock<Option<Plan>>; 1000] = [const { OnceLock::new() }; 1000];
        PLANS
            .get(usize::from(code))?
            .get_or_init(|| DATABASE.by_code(&code).map(|metas| Self::build(code, &metas)))
            .as_ref()
    }

    fn build(code: u16, metas: &[&'static Metadata]) -> Self {
        let mut lengths: Vec<usize> = Vec::new();
        for meta in metas {
            let known =
                |d: Option<&'static Descriptor>| d.map_or(&[][..], Descriptor::possible_length);
            let (fixed, mobile) =
                (known(meta.descriptors().fixed_line()), known(meta.descriptors().mobile()));
            let shortest =
                mobile.first().map_or(0, |length| usize::from(*length).saturating_sub(1));
            let both = fixed.iter().chain(mobile).map(|length| usize::from(*length));
            lengths.extend(both.filter(|length| *length >= shortest));
        }
        lengths.sort_unstable();
        lengths.dedup();
        let patterns = metas.iter().filter_map(|meta| patterns(meta)).collect();
        let trunk = metas.first().and_then(|meta| meta.national_prefix());
        Self { code, trunk, patterns, lengths }
    }

    pub(super) fn is_assigned(&self, national: &str) -> bool {
        self.fits_e164(national)
            && self
                .patterns
                .iter()
                .any(|(general, kinds)| general.is_match(national) && kinds.is_match(national))
    }

    /// Some plans, Germany's for one, have numbers longer than E.164 allows.
    fn fits_e164(&self, national: &str) -> bool {
        let code = self.code.checked_ilog10().map_or(1, |tens| tens + 1);
        usize::try_from(code).is_ok_and(|code| code + national.len() <= MAX_DIGITS)
    }

    pub(super) fn is_possible(&self, national: &str) -> bool {
        self.fits_e164(national)
            && !national.starts_with('0')
            && self.lengths.contains(&national.len())
    }
}

fn patterns(meta: &Metadata) -> Option<(Regex, Regex)> {
    let all = meta.descriptors();
    let kinds: Vec<String> = [
        all.fixed_line(),
        all.mobile(),
        all.toll_free(),
        all.premium_rate(),
        all.shared_cost(),
        all.personal_number(),
        all.voip(),
        all.pager(),
        all.uan(),
        all.voicemail(),
    ]
    .into_iter()
    .flatten()
    .map(|kind| kind.national_number().as_str().split_whitespace().collect())
    .collect();
    let general: String = all.general().national_number().as_str().split_whitespace().collect();
    let general = Regex::new(&format!("^(?:{general})$")).ok()?;
    let kinds = Regex::new(&format!("^(?:{})$", kinds.join("|"))).ok()?;
    Some((general, kinds))
}
