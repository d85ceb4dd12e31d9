//! `kartoteka-eval`: how good the guesses are, against known truth.
//!
//! Each measure is a function that gives [`Figure`]s back: on data it makes itself, and on the sets of a data
//! folder where one is named and holds them. A figure below its goal makes the program fail.

mod duplicates;
mod encodings;
mod figure;
mod gender;
mod lists;
mod people;
mod phones;
mod vocatives;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use figure::{Figure, Outcome};

#[derive(Debug, Parser)]
#[command(name = "kartoteka-eval", about = "Measures the guesses of Kartoteka against known truth")]
struct Arguments {
    /// Names of the measures; all when none is given
    measures: Vec<String>,
    /// A folder with sets whose truth is known
    #[arg(long)]
    data: Option<PathBuf>,
}

type Measure = fn(Option<&std::path::Path>) -> Outcome<Vec<Figure>>;

const MEASURES: &[(&str, Measure)] = &[
    ("duplicates", duplicates::measure),
    ("vocatives", vocatives::measure),
    ("gender", gender::measure),
    ("phones", phones::measure),
    ("encodings", encodings::measure),
];

fn main() -> Outcome<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(unknown) =
        arguments.measures.iter().find(|name| MEASURES.iter().all(|(known, _)| known != name))
    {
        return Err(format!("there is no measure named {unknown}").into());
    }
    let (mut good, mut measured) = (true, false);
    for (name, measure) in MEASURES {
        if arguments.measures.is_empty() || arguments.measures.iter().any(|wanted| wanted == name) {
            for figure in measure(arguments.data.as_deref())? {
                figure::print(name, &figure);
                good &= figure.is_good();
                measured = true;
            }
        }
    }
    if !measured {
        return Err("nothing was measured: name a folder that holds the lists (--data)".into());
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
