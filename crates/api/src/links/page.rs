//! How the pages look: plain HTML, one style, no script.

use std::sync::OnceLock;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use kartoteka_app::templates::{TemplateError, Templates};
use kartoteka_domain::consents::words::{Tongue, Words};

use crate::problem::Problem;

const STYLE: &str = include_str!("pages/style.css");

const TEMPLATES: &[(&str, &str)] = &[
    ("layout.html", include_str!("pages/layout.html")),
    ("note.html", include_str!("pages/note.html")),
    ("confirm.html", include_str!("pages/confirm.html")),
    ("unsubscribe.html", include_str!("pages/unsubscribe.html")),
    ("preferences.html", include_str!("pages/preferences.html")),
];

fn templates() -> Result<&'static Templates, TemplateError> {
    static READ: OnceLock<Templates> = OnceLock::new();
    if let Some(templates) = READ.get() {
        return Ok(templates);
    }
    let templates = Templates::of(TEMPLATES)?;
    Ok(READ.get_or_init(|| templates))
}

/// Nothing is loaded and nothing runs; the one style is known by its hash (CSP 3, 6.7.2.3), forms go to us, and nobody
/// shows the page inside of another.
fn policy() -> &'static str {
    static POLICY: OnceLock<String> = OnceLock::new();
    POLICY.get_or_init(|| {
        let hash = STANDARD.encode(Sha256::digest(STYLE));
        format!(
            "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
    })
}

/// A language that the page can be read in.
#[derive(Serialize)]
struct Offered {
    code: &'static str,
    name: &'static str,
    chosen: bool,
}

/// What every page is filled with.
#[derive(Serialize)]
struct Around<'a, T> {
    w: &'static Words,
    lang: &'static str,
    title: &'a str,
    style: &'static str,
    languages: Vec<Offered>,
    page: &'a T,
}

/// Answers with a page.
///
/// # Errors
/// The template does not fit, which is a fault of ours.
pub(super) fn page<T: Serialize>(
    status: StatusCode,
    tongue: Tongue,
    template: &str,
    title: &str,
    page: &T,
) -> Result<HttpResponse, Problem> {
    let html = render(tongue, template, title, page).map_err(Problem::internal)?;
    Ok(HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header(("Content-Security-Policy", policy()))
        .insert_header(("Content-Language", tongue.as_str()))
        .insert_header(("X-Robots-Tag", "noindex, nofollow"))
        .body(html))
}

fn render<T: Serialize>(
    tongue: Tongue,
    template: &str,
    title: &str,
    page: &T,
) -> Result<String, TemplateError> {
    let languages = Tongue::ALL.iter().map(|other| Offered {
        code: other.as_str(),
        name: other.words().name,
        chosen: *other == tongue,
    });
    let around = Around {
        w: tongue.words(),
        lang: tongue.as_str(),
        title,
        style: STYLE,
        languages: languages.collect(),
        page,
    };
    templates()?.fill(template, &around)
}

/// One sentence, and a link to go on.
#[derive(Serialize)]
pub(super) struct Note<'a> {
    /// The sentence.
    pub text: &'a str,
    /// Before the link.
    pub before: &'a str,
    /// Where to.
    pub link: Option<String>,
}

/// A page with one sentence.
///
/// # Errors
/// The template does not fit.
pub(super) fn note(
    status: StatusCode,
    tongue: Tongue,
    title: &str,
    note: &Note<'_>,
) -> Result<HttpResponse, Problem> {
    page(status, tongue, "note.html", title, note)
}

/// The page of a link that leads nowhere.
///
/// # Errors
/// The template does not fit.
pub(super) fn broken(tongue: Tongue) -> Result<HttpResponse, Problem> {
    let w = tongue.words();
    let nowhere = Note { text: w.broken_text, before: "", link: None };
    note(StatusCode::NOT_FOUND, tongue, w.broken_title, &nowhere)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pages() -> Vec<(&'static str, Value)> {
        let note = |link: Value| json!({"text": "Text <b>", "before": "Before", "link": link});
        let confirm = |unsubscribed: bool| json!({"asked": "Asks:", "purpose": "Title <b>", "wording": "Wording", "unsubscribed": unsubscribed});
        let choice = json!({"id": "1", "shown": "1:1:-:0", "title": "Title <b>", "wording": "Wording",
            "channel": "SMS", "ticked": true});
        let preferences = |choices: Vec<Value>, notice: Value| json!({"sender": "Sender <b>", "address": "j•••@x•••.cz", "choices": choices, "none": false, "notice": notice});
        vec![
            ("note.html", note(Value::Null)),
            ("note.html", note(json!("https://x.cz/?a=1&b=2"))),
            ("confirm.html", confirm(false)),
            ("confirm.html", confirm(true)),
            (
                "unsubscribe.html",
                json!({"sender": "Sender <b>", "question": "Q", "purpose": "Title <b>"}),
            ),
            ("unsubscribe.html", json!({"sender": "Sender <b>", "question": "Q", "purpose": null})),
            ("preferences.html", preferences(vec![choice.clone(), choice], json!("Saved"))),
            ("preferences.html", preferences(Vec::new(), Value::Null)),
        ]
    }

    /// CNS-6, CNS-7: every page in every language, with nothing left open and nothing taken for HTML.
    #[test]
    fn every_page_is_written_in_every_language() {
        for tongue in Tongue::ALL {
            for (template, values) in pages() {
                let html = render(*tongue, template, "A title <b>", &values).unwrap();
                assert!(html.contains(&format!("<html lang=\"{}\">", tongue.as_str())), "{html}");
                assert!(!html.contains("<b>") && !html.contains("{{"), "{html}");
                assert!(!html.contains("<script") && !html.contains(" style="), "{html}");
                for other in Tongue::ALL {
                    assert!(html.contains(other.words().name), "{template}: {html}");
                }
            }
        }
    }

    #[test]
    fn the_style_of_the_page_is_the_one_the_policy_knows() {
        let html = render(Tongue::Cs, "note.html", "T", &pages()[0].1).unwrap();
        let style = html.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        assert_eq!(style, STYLE);
        assert!(policy().contains(&STANDARD.encode(Sha256::digest(style))));
    }
}
