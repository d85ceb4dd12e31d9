//! Where values come from: the process's environment, the file `.env`, the defaults.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::settings::SETTINGS;

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The environment of the process.
    Environment,
    /// The file `.env`.
    File,
    /// The program.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "env",
            Self::File => ".env",
            Self::Default => "default",
        })
    }
}

/// Named values with their origin.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    values: BTreeMap<String, (String, Source)>,
}

impl Environment {
    /// The process's environment, and below it the file `.env` in the working directory.
    ///
    /// # Errors
    /// When `.env` exists but cannot be read; says in which line.
    pub fn of_process() -> Result<Self, String> {
        let mut environment = Self::default();
        environment.add_file(Path::new(".env"))?;
        for (name, value) in std::env::vars_os() {
            if let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) {
                environment.set(name, value, Source::Environment);
            }
        }
        Ok(environment)
    }

    /// An environment of given values.
    pub fn of(values: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in values {
            environment.set(name, value, Source::Environment);
        }
        environment
    }

    /// The value of a setting and its origin; blank values count as absent.
    pub fn value(&self, name: &str) -> Option<(&str, Source)> {
        if let Some((value, source)) = self.values.get(name) {
            return Some((value, *source));
        }
        let setting = SETTINGS.iter().find(|setting| setting.name == name)?;
        setting.default.map(|default| (default, Source::Default))
    }

    /// Names that look like settings but are none: probably misspelt.
    pub fn unknown(&self) -> Vec<&str> {
        self.values
            .keys()
            .map(String::as_str)
            .filter(|name| name.starts_with("KARTOTEKA_"))
            .filter(|name| !SETTINGS.iter().any(|setting| setting.name == *name))
            .collect()
    }

    fn set(&mut self, name: String, value: String, source: Source) {
        if !value.trim().is_empty() {
            self.values.insert(name, (value, source));
        }
    }

    fn add_file(&mut self, path: &Path) -> Result<(), String> {
        if !path.exists() {
            return Ok(());
        }
        let lines = dotenvy::from_path_iter(path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        for line in lines {
            let (name, value) =
                line.map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
            self.set(name, value, Source::File);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_noticed() {
        let environment = Environment::of([
            ("KARTOTEKA_LISTN".to_owned(), "x".to_owned()),
            ("KARTOTEKA_LISTEN".to_owned(), "x".to_owned()),
            ("PATH".to_owned(), "x".to_owned()),
        ]);
        assert_eq!(environment.unknown(), ["KARTOTEKA_LISTN"]);
    }

    #[test]
    fn the_process_wins_over_the_file() {
        let folder = std::env::temp_dir().join(format!("kartoteka-dotenv-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(".env");
        std::fs::write(&file, "KARTOTEKA_LOG=debug\nKARTOTEKA_WORKSPACE='Na kopci'\n").unwrap();
        let mut environment = Environment::default();
        environment.add_file(&file).unwrap();
        environment.set("KARTOTEKA_LOG".to_owned(), "warn".to_owned(), Source::Environment);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(environment.value("KARTOTEKA_LOG"), Some(("warn", Source::Environment)));
        assert_eq!(environment.value("KARTOTEKA_WORKSPACE"), Some(("Na kopci", Source::File)));
        assert_eq!(environment.value("KARTOTEKA_WORKERS"), Some(("2", Source::Default)));
    }
}
