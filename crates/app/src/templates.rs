//! Filling texts: messages and pages.
//!
//! Templates know nothing but what they are given: there is no loader, so none can read a file; a name that is not
//! given is an error and no blank; what is filled in is escaped in templates whose name ends in `.html`; and neither
//! work nor output are without end.

use std::io::{self, Write};

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};
use serde::Serialize;

/// Steps that filling one template may take.
const FUEL: u64 = 1_000_000;
/// Bytes that may come out.
const MOST_BYTES: usize = 512 * 1024;

/// A template cannot be read, or does not fit what it is given.
#[derive(Debug, thiserror::Error)]
#[error("a template cannot be filled: {0}")]
pub struct TemplateError(#[from] minijinja::Error);

/// Templates that know each other, by their names.
#[derive(Debug)]
pub struct Templates(Environment<'static>);

impl Templates {
    /// Reads templates: names, and their texts.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn of(sources: &[(&'static str, &'static str)]) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        for (name, source) in sources {
            environment.add_template(name, source)?;
        }
        Ok(Self(environment))
    }

    /// Fills a template.
    ///
    /// # Errors
    /// There is none of that name, it names what is not given, or too much would come out.
    pub fn fill(&self, name: &str, values: &impl Serialize) -> Result<String, TemplateError> {
        let template = self.0.get_template(name)?;
        let mut filled = Capped(Vec::new());
        template.render_captured_to(Value::from(Serde(values)), &mut filled)?;
        Ok(String::from_utf8_lossy(&filled.0).into_owned())
    }
}

/// Takes so much and no more.
struct Capped(Vec<u8>);

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST_BYTES {
            return Err(io::Error::other("more comes out than may"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_filled_in_is_escaped_where_it_is_html() {
        let sources = [("a.html", "<p>{{ text }}</p>"), ("a.txt", "{{ text }}")];
        let templates = Templates::of(&sources).unwrap();
        let values = json!({"text": "<script>\"&'"});
        let html = templates.fill("a.html", &values).unwrap();
        assert_eq!(html, "<p>&lt;script&gt;&quot;&amp;&#x27;</p>");
        assert_eq!(templates.fill("a.txt", &values).unwrap(), "<script>\"&'");
    }

    /// Ground rules, "Security": strict undefined, fuel, capped output, no loader.
    #[test]
    fn a_template_has_nothing_but_what_it_is_given() {
        let sources = [
            ("missing.txt", "{{ nothing }}"),
            (
                "endless.txt",
                "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
            ),
            ("long.txt", "{% for a in range(60000) %}{{ text }}{% endfor %}"),
            ("outside.txt", "{% include '/etc/passwd' %}"),
        ];
        let templates = Templates::of(&sources).unwrap();
        let values = json!({"text": "0123456789"});
        for (name, _) in sources {
            assert!(templates.fill(name, &values).is_err(), "{name}");
        }
        assert!(templates.fill("no.txt", &values).is_err());
        assert!(Templates::of(&[("a.txt", "{% if %}")]).is_err());
    }
}
