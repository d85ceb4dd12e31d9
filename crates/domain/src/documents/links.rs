//! Links to a page of the workspace that say who came by them (MGR-M): the address of the page with one more parameter.

use url::Url;

use crate::codes::Code;
use crate::faults::Fault;

/// The name of the parameter.
pub const PARAMETER: &str = "ktrk";
/// Most contacts of one document.
pub const MOST_CONTACTS: i64 = 10_000;
/// Longest address of a page, in characters, as it is written and as it is kept.
pub const MAX_URL_CHARS: usize = 2_000;

/// A page that links lead to: an address of the web, in the form browsers send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    url: String,
    /// Where the parameter goes: behind the query, before the fragment.
    at: usize,
}

impl Page {
    /// Reads the address of a page.
    ///
    /// # Errors
    /// What is wrong with it, at `pointer`.
    pub fn read(text: &str, pointer: &str) -> Result<Self, Fault> {
        let fault = |code, detail: String| Err(Fault::new(pointer, code, detail));
        let too_long = || format!("At most {MAX_URL_CHARS} characters.");
        if text.chars().count() > MAX_URL_CHARS {
            return fault(Code::TooLong, too_long());
        }
        let not_an_address = "This is not the address of a page: https://shop.example/sale.";
        // a browser would leave these out without a word
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return fault(Code::InvalidValue, not_an_address.to_owned());
        }
        let Ok(url) = Url::parse(text) else {
            return fault(Code::InvalidValue, not_an_address.to_owned());
        };
        if !matches!(url.scheme(), "http" | "https") {
            return fault(
                Code::InvalidValue,
                "The address begins with https:// or http://.".to_owned(),
            );
        }
        if url.host().is_none() {
            return fault(Code::InvalidValue, not_an_address.to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            let detail = "An address with a name or password in it would give them to everybody.";
            return fault(Code::InvalidValue, detail.to_owned());
        }
        if url.query_pairs().any(|(name, _)| name == PARAMETER) {
            let detail =
                format!("The address has the parameter {PARAMETER} already; leave it out.");
            return fault(Code::InvalidValue, detail);
        }
        let page = Self::kept(url.into());
        // letters of other alphabets are longer in an address
        if page.url.len() > MAX_URL_CHARS {
            return fault(Code::TooLong, too_long());
        }
        Ok(page)
    }

    /// A page that was read before.
    #[must_use]
    pub fn kept(url: String) -> Self {
        let at = url.find('#').unwrap_or(url.len());
        Self { url, at }
    }

    /// The address, without the parameter.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// The address with the parameter. Its value needs no escapes in a query.
    #[must_use]
    pub fn with(&self, value: &str) -> String {
        let (before, fragment) = self.url.split_at(self.at);
        let between = match before.split_once('?') {
            None => "?",
            Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        format!("{before}{between}{PARAMETER}={value}{fragment}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(url: &str) -> String {
        Page::read(url, "#/url").unwrap().with("X-y_9")
    }

    /// MGR-M
    #[test]
    fn the_parameter_comes_behind_the_query_and_before_the_fragment() {
        for (page, expected) in [
            ("https://shop.example", "https://shop.example/?ktrk=X-y_9"),
            ("https://shop.example/sale", "https://shop.example/sale?ktrk=X-y_9"),
            ("https://shop.example/?", "https://shop.example/?ktrk=X-y_9"),
            ("http://shop.example/?a=1", "http://shop.example/?a=1&ktrk=X-y_9"),
            ("https://shop.example/?a=1&", "https://shop.example/?a=1&ktrk=X-y_9"),
            ("https://shop.example/?a", "https://shop.example/?a&ktrk=X-y_9"),
            ("https://shop.example/a#b", "https://shop.example/a?ktrk=X-y_9#b"),
            ("https://shop.example/a?b=c#d?e", "https://shop.example/a?b=c&ktrk=X-y_9#d?e"),
            ("https://shop.example/#/cart?x=1", "https://shop.example/?ktrk=X-y_9#/cart?x=1"),
            (
                "https://shop.example/?q=a%26b%3D+c%23",
                "https://shop.example/?q=a%26b%3D+c%23&ktrk=X-y_9",
            ),
            ("HTTPS://SHOP.example:8443/A", "https://shop.example:8443/A?ktrk=X-y_9"),
        ] {
            assert_eq!(link(page), expected, "{page}");
        }
    }

    /// MGR-M: what a reader of the link finds is what was there and the parameter.
    #[test]
    fn the_query_of_the_page_is_left_as_it_was() {
        for page in ["https://x.cz/?a=1&a=2&b=%C5%BE&c", "https://x.cz/ž?ž=ů&utm_source=mail#část"]
        {
            let (before, after) = (Url::parse(page).unwrap(), Url::parse(&link(page)).unwrap());
            let mut pairs: Vec<_> = after.query_pairs().into_owned().collect();
            assert_eq!(pairs.pop(), Some((PARAMETER.to_owned(), "X-y_9".to_owned())));
            assert_eq!(pairs, before.query_pairs().into_owned().collect::<Vec<_>>());
            assert_eq!((after.path(), after.fragment()), (before.path(), before.fragment()));
        }
    }

    #[test]
    fn a_page_that_was_kept_is_the_same() {
        let page = Page::read("https://kůň.cz/ž?a=b#c", "#/url").unwrap();
        assert!(page.as_str().is_ascii());
        assert_eq!(Page::kept(page.as_str().to_owned()), page);
    }

    /// MGR-M
    #[test]
    fn what_is_no_address_of_a_page_is_refused() {
        let long = |n: usize| format!("https://x.cz/{}", "a".repeat(n - 13));
        assert!(Page::read(&long(2_000), "#/url").is_ok());
        for (bad, code) in [
            ("", Code::InvalidValue),
            ("shop.example/sale", Code::InvalidValue),
            ("/sale", Code::InvalidValue),
            ("//shop.example/", Code::InvalidValue),
            ("https://", Code::InvalidValue),
            ("ftp://shop.example/", Code::InvalidValue),
            ("javascript:alert(1)", Code::InvalidValue),
            ("mailto:a@b.cz", Code::InvalidValue),
            ("data:text/html,x", Code::InvalidValue),
            ("https://user@shop.example/", Code::InvalidValue),
            ("https://:secret@shop.example/", Code::InvalidValue),
            (" https://shop.example/", Code::InvalidValue),
            ("https://shop.example/a b", Code::InvalidValue),
            ("https://shop.example/\r\nX: y", Code::InvalidValue),
            ("https://shop.example/?ktrk=1", Code::InvalidValue),
            ("https://shop.example/?a=1&k%74rk=1", Code::InvalidValue),
            (&*long(2_001), Code::TooLong),
            // not before it is in the form of an address
            (&*format!("https://x.cz/{}", "ž".repeat(1_000)), Code::TooLong),
        ] {
            let fault = Page::read(bad, "#/actions/0/url").unwrap_err();
            assert_eq!((fault.code, fault.pointer.as_str()), (code, "#/actions/0/url"), "{bad}");
        }
    }
}
