//! An import in one call (IMP-19).

use actix_web::{HttpRequest, post};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::imports::one_call::{self, Options};
use kartoteka_app::imports::receive::Said;
use kartoteka_app::imports::{steps, templates};
use kartoteka_domain::codes::Code;

use super::header::FirstRowWord;
use super::mapping::MappingBody;
use super::matching::MatchingBody;
use super::upload::{Form, Upload, filename, is_form};
use crate::extract::json::check_text;
use crate::extract::{Chunks, Fingerprint, IdempotencyKey, Scoped, scope};
use crate::problem::Problem;
use crate::reply::{Accepted, Reply};
use crate::state::State;
use crate::v1::jobs::{JobView, location};

/// Longest `options`, in bytes.
const OPTIONS_BYTES: usize = 1 << 20;

/// A form with a file.
#[derive(Debug, ToSchema)]
pub struct FileForm {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    pub file: Vec<u8>,
}

/// A form with a file and the steps.
#[derive(Debug, ToSchema)]
pub struct RunForm {
    /// All the steps in one object.
    pub options: RunOptions,
    /// The file.
    #[schema(value_type = String, format = Binary)]
    pub file: Vec<u8>,
}

/// All the steps of an import in one object.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = ImportOptions, example = json!({"mapping": {"columns": "auto"}, "matching": {"mode": "match", "key": "email"}}))]
pub struct RunOptions {
    /// Name of the import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200, example = "Spring fair")]
    pub name: Option<String>,
    /// A saved mapping; members that are given here go before its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_id: Option<Uuid>,
    /// Encoding, against what is detected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 40, example = "windows-1250")]
    pub encoding: Option<String>,
    /// Delimiter, against what is detected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 20, example = ";")]
    pub delimiter: Option<String>,
    /// What the first row is; what it looks like when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_row: Option<FirstRowBody>,
    /// What becomes of the columns; the suggestions when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<MappingBody>,
    /// The key and what becomes of each class; by e-mail when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matching: Option<MatchingBody>,
}

/// What the first row of a list is.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportOptionsFirstRow)]
pub enum FirstRowBody {
    /// Names of columns.
    Header,
    /// Already a contact.
    Data,
}

impl From<FirstRowBody> for FirstRowWord {
    fn from(word: FirstRowBody) -> Self {
        match word {
            FirstRowBody::Header => Self::Header,
            FirstRowBody::Data => Self::Data,
        }
    }
}

impl RunOptions {
    /// The steps as the use case takes them.
    ///
    /// # Errors
    /// All faults at once.
    pub fn into_options(self) -> Result<Options, Problem> {
        let auto = || MappingBody {
            columns: super::MappingColumnsBody::Auto(super::mapping::AutoWord::Auto),
            phone_region: None,
            date_format: None,
            name_order: None,
            strict: false,
        };
        let by_email = || MatchingBody {
            mode: super::matching::ModeWord::Match,
            key: Some("email".to_owned()),
            in_file: None,
            outcomes: super::matching::OutcomesBody::default(),
            on_limit: None,
        };
        let mapping = self.mapping.unwrap_or_else(auto).into_request("#/options/mapping");
        let matching = self.matching.unwrap_or_else(by_email).into_request("#/options/matching");
        let said = Said { encoding: self.encoding, delimiter: self.delimiter };
        let mut faults = Vec::new();
        if let Err(error) = said.overrides() {
            let problem = Problem::from(error);
            faults.extend(problem.faults().iter().cloned().map(|mut fault| {
                fault.pointer = fault.pointer.replacen('?', "#/options/", 1);
                fault
            }));
        }
        faults.extend(mapping.faults.iter().chain(&matching.faults).cloned());
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        let first_row = self.first_row.map(|word| FirstRowWord::from(word).as_str().to_owned());
        Ok(Options { said, first_row, mapping, matching })
    }
}

/// Import in one call
///
/// For integrations: the file and all steps in one multipart form. The job plans and commits; what the single steps
/// would refuse is refused here at once, what only the plan can find (the contact limit) fails the job.
#[utoipa::path(
    tag = "imports",
    operation_id = "run_import",
    params(IdempotencyKey),
    request_body(content = RunForm, content_type = "multipart/form-data"),
    responses((status = 202, description = "The job that plans and writes", body = JobView)),
    security(("bearer" = ["imports:write"])),
)]
#[post("/imports/run")]
pub(crate) async fn run_import(
    state: State,
    caller: Scoped<scope::ImportsWrite>,
    key: IdempotencyKey,
    request: HttpRequest,
    chunks: Chunks,
) -> Result<Reply, Problem> {
    if !is_form(request.headers()) {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            "Send a multipart/form-data form with file and options.",
        ));
    }
    let import = state
        .write(&caller, move |tenant, ctx| Ok(steps::create(tenant, ctx, None, "file")?))
        .await?;
    let mut upload = Upload::new(&state, &caller, import.id);
    let done = match receive_form(&mut upload, Form::new(request.headers(), chunks)).await {
        Ok(options) => finish(&state, &caller, &key, upload, options).await,
        Err(problem) => Err(problem),
    };
    // refused, or an answer given before: the import that was made for this upload is not wanted
    if !done.as_ref().is_ok_and(|(_, used)| *used) {
        let id = import.id;
        state
            .write(&caller, move |tenant, ctx| Ok(one_call::forget(tenant, ctx, id.into())?))
            .await?;
    }
    done.map(|(reply, _)| reply)
}

async fn finish(
    state: &State,
    caller: &Scoped<scope::ImportsWrite>,
    key: &IdempotencyKey,
    upload: Upload,
    given: Map<String, Value>,
) -> Result<(Reply, bool), Problem> {
    let fingerprint = {
        let mut hash = Sha256::new();
        hash.update(upload.receiver.digest());
        hash.update(Value::Object(given.clone()).to_string().as_bytes());
        Fingerprint(hash.finalize().into())
    };
    let id = upload.import;
    let receiver = upload.receiver;
    let used = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let using = std::sync::Arc::clone(&used);
    let reply = state
        .post(caller, key, fingerprint, move |tenant, ctx| {
            using.store(true, std::sync::atomic::Ordering::Relaxed);
            let mut whole =
                match given.get("template_id").and_then(Value::as_str).map(str::parse::<Uuid>) {
                    Some(Ok(template)) => match templates::get(tenant, template.into()) {
                        Ok(template) => template.options.as_object().cloned().unwrap_or_default(),
                        Err(kartoteka_app::Error::NotFound) => {
                            return Err(Problem::fault(
                                "#/options/template_id",
                                Code::UnknownReference,
                                "There is no such saved mapping.",
                            ));
                        }
                        Err(error) => return Err(error.into()),
                    },
                    _ => Map::new(),
                };
            whole.extend(given);
            let options: RunOptions =
                check_text(Value::Object(whole).to_string().as_bytes(), "#/options")?;
            let name = options.name.clone();
            let options = options.into_options()?;
            let (_, job) = one_call::run(tenant, ctx, id.into(), receiver, options, name)?;
            Ok(Accepted { location: location(job.id), body: JobView::from(job) })
        })
        .await?;
    Ok((reply, used.load(std::sync::atomic::Ordering::Relaxed)))
}

async fn receive_form(upload: &mut Upload, mut form: Form) -> Result<Map<String, Value>, Problem> {
    let mut options: Option<Map<String, Value>> = None;
    let mut found = false;
    while let Some(mut field) = form.next().await? {
        match field.name() {
            Some("file") if !found => {
                found = true;
                upload.receiver.set_filename(filename(&field));
                while let Some(bytes) = field.next().await {
                    upload.take(&bytes.map_err(|error| form.problem(&error))?).await?;
                }
            }
            Some("options") if options.is_none() => {
                let mut text = Vec::new();
                while let Some(bytes) = field.next().await {
                    text.extend_from_slice(&bytes.map_err(|error| form.problem(&error))?);
                    if text.len() > OPTIONS_BYTES {
                        return Err(Problem::fault(
                            "#/options",
                            Code::TooLong,
                            "The options are too long.",
                        ));
                    }
                }
                // checked now, so that a fault is told before a long file is received
                let checked: RunOptions = check_text(&text, "#/options")?;
                checked.into_options()?;
                options = serde_json::from_slice(&text).ok();
            }
            name => {
                let pointer = format!("#/{}", name.unwrap_or_default());
                let detail = "The form has two fields, each once: file and options.";
                return Err(Problem::fault(pointer, Code::UnknownField, detail));
            }
        }
    }
    if !found {
        return Err(Problem::fault(
            "#/file",
            Code::MissingField,
            "The form needs a field named file.",
        ));
    }
    upload.end().await?;
    Ok(options.unwrap_or_default())
}
